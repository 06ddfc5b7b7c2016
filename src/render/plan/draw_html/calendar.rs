//! The calendar of the page: days against hours, and the same as a list.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Timelike};
use chrono_tz::Tz;
use maud::{Markup, html};

use crate::plan::people;
use crate::render::plan::calendar::{Calendar, Firing, Who};
use crate::render::plan::campaign::named_revision;
use crate::render::plan::draw_html::Page;
use crate::render::plan::draw_html::text::foreign;
use crate::render::text::{count, number};

/// So many days have a row; the others are counted.
const DAYS_MAX: usize = 31;
/// So many times are listed; the others are counted.
const TIMES_MAX: usize = 60;
/// Up to so many are listed unfolded.
const UNFOLDED_MAX: usize = 20;

/// How many campaigns fire in an hour: planned, waiting and sent.
type Cell = [u64; 3];

/// What the three are called, with the sign that a plan has for them.
const STATES: [(&str, &str, &str); 3] =
    [("push", "+", "planned"), ("doubt", "~", "waiting at the vendor"), ("rest", "=", "sent")];

pub(super) fn section(calendar: &Calendar<'_>, zone: Tz, page: &Page<'_>) -> Markup {
    html! {
        section aria-labelledby="calendar" {
            h2 id="calendar" { "Calendar" }
            @if !calendar.at_once.is_empty() {
                p { strong { "As soon as it is applied: " }
                    @for (place, push) in calendar.at_once.iter().take(TIMES_MAX).enumerate() {
                        @if place > 0 { ", " }
                        (link(&named_revision(push.campaign, push.revision), page))
                        " (" (who(push.planned, push.is_broadcast))
                        @if let Some(until) = push.until { ", until " (moment(until.with_timezone(&zone))) }
                        ")"
                    }
                    @if calendar.at_once.len() > TIMES_MAX { " and " (number((calendar.at_once.len() - TIMES_MAX) as u64)) " more" }
                }
            }
            @if calendar.firings.is_empty() {
                p { "Nothing has a time of its own in the next three months." }
            } @else {
                (grid(calendar, zone))
                (list(calendar, zone, page))
            }
            p.soft {
                "Times are in " (zone.name()) ". How many people get several of these pushes is left out: a plan has no one's id."
            }
        }
    }
}

/// Counts the campaigns that fire in each hour.
fn grid(calendar: &Calendar<'_>, zone: Tz) -> Markup {
    let mut days: BTreeMap<NaiveDate, BTreeMap<u32, Cell>> = BTreeMap::new();
    for firing in &calendar.firings {
        let local = firing.at.with_timezone(&zone);
        let cell = days.entry(local.date_naive()).or_default().entry(local.hour()).or_default();
        let Who { planned, waiting, sent } = firing.who;
        for (count, people) in cell.iter_mut().zip([planned, waiting, sent]) {
            *count += u64::from(people > 0);
        }
    }
    let more = days.len().saturating_sub(DAYS_MAX);
    let shown: Vec<(&NaiveDate, &BTreeMap<u32, Cell>)> = days.iter().take(DAYS_MAX).collect();
    let hours: BTreeSet<u32> = shown.iter().flat_map(|(_, hours)| hours.keys().copied()).collect();
    html! {
        p.legend { @for (class, sign, word) in STATES { span class={ "s " (class) } { (sign) " " (word) } " " } }
        div.scroll role="region" aria-label="Campaigns by day and hour" tabindex="0" {
            table.grid {
                caption { "Campaigns that fire, by day and hour" }
                thead { tr {
                    th scope="col" { "Day" }
                    @for hour in &hours { th scope="col" { (format!("{hour:02}:00")) } }
                } }
                tbody { @for (day, cells) in &shown {
                    tr {
                        th scope="row" { (day.format("%a %Y-%m-%d").to_string()) }
                        @for hour in &hours {
                            td { @if let Some(cell) = cells.get(hour) { (self::cell(cell)) } }
                        }
                    }
                } }
            }
        }
        @if more > 0 { p { "and " (count(more as u64, "more day")) } }
    }
}

fn cell(cell: &Cell) -> Markup {
    html! {
        @for (count, (class, sign, word)) in cell.iter().zip(STATES) {
            @if *count > 0 {
                span class={ "s " (class) } { (sign) (number(*count)) span.heard { " " (word) } } " "
            }
        }
    }
}

fn list(calendar: &Calendar<'_>, zone: Tz, page: &Page<'_>) -> Markup {
    let more = calendar.firings.len().saturating_sub(TIMES_MAX);
    html! {
        details.more open[calendar.firings.len() <= UNFOLDED_MAX] {
            summary { "The same as a list" }
            ul.times {
                @for firing in calendar.firings.iter().take(TIMES_MAX) {
                    li {
                        (moment(firing.at.with_timezone(&zone)))
                        @if let Some(until) = firing.until { " to " (moment(until.with_timezone(&zone))) }
                        " " (link(&named_revision(firing.campaign, firing.revision), page))
                        (states(firing))
                    }
                }
                @if more > 0 { li { "and " (count(more as u64, "more time")) } }
            }
        }
    }
}

fn states(firing: &Firing<'_>) -> Markup {
    let Who { planned, waiting, sent } = firing.who;
    html! {
        @for (people, (class, sign, word)) in [planned, waiting, sent].into_iter().zip(STATES) {
            @if people > 0 {
                " " span class={ "s " (class) } { span aria-hidden="true" { (sign) " " } (word) ": " (who(people, firing.is_broadcast)) }
            }
        }
    }
}

fn who(people_count: u64, is_broadcast: bool) -> String {
    if is_broadcast { "a broadcast".to_owned() } else { people(people_count) }
}

fn moment(local: DateTime<Tz>) -> Markup {
    let shown = local.format("%a %Y-%m-%d %H:%M").to_string();
    html! { time datetime=(local.to_rfc3339()) { (shown) } }
}

fn link(name: &str, page: &Page<'_>) -> Markup {
    html! {
        @if let Some(place) = page.places.get(name) { a href={ "#c" (place) } { (foreign(name)) } } @else { (foreign(name)) }
    }
}
