//! One campaign of the page.

use maud::{Markup, html};

use crate::render::difference::Line;
use crate::render::html::{Foreign, ForeignLines, Plain, language};
use crate::render::plan::draw_html::text::{foreign, span, spans};
use crate::render::plan::draw_html::{Page, phones};
use crate::render::plan::outline;
use crate::render::plan::view::{Block, Label, Part, Row, RowKind, Title, Tone};

/// Returns all that is told of a campaign, unfolded or not.
pub(super) fn details(place: usize, block: &Block, page: &Page<'_>, is_open: bool) -> Markup {
    let Some(title) = &block.title else { return html! {} };
    html! {
        details class={ "c " (tone(title.tone)) } open[is_open] {
            summary {
                h3 { (state(title)) " " (name(block)) }
                p.facts {
                    @for fact in block.facts.iter().filter(|fact| fact.label != Label::Rings) { span { (span(fact)) } " " }
                    @for piece in &title.rest { (span(piece)) }
                }
            }
            div.in id={ "c" (place) } { @for part in &block.parts { (self::part(part, page)) } }
        }
    }
}

/// Returns the state, in a word beside its colour.
pub(super) fn state(title: &Title) -> Markup {
    html! { span class={ "s " (tone(title.tone)) } { span aria-hidden="true" { (title.sign) } " " (title.state) } }
}

pub(super) fn name(block: &Block) -> Markup {
    let name = block.title.as_ref().and_then(|title| title.campaign.as_deref());
    foreign(name.unwrap_or_default())
}

fn tone(tone: Tone) -> &'static str {
    match tone {
        Tone::Push => "push",
        Tone::Stop => "stop",
        Tone::Doubt => "doubt",
        Tone::Rest => "rest",
    }
}

/// Returns the lines of prose alone.
pub(super) fn rows(block: &Block) -> Markup {
    html! {
        @for part in &block.parts {
            @if let Part::Row(row) = part { (self::row(row)) }
        }
    }
}

fn part(part: &Part, page: &Page<'_>) -> Markup {
    match part {
        Part::Row(row) => self::row(row),
        Part::Message { title, body } => html! {
            div.msg {
                p.t dir="auto" lang=[language(title)] { (Foreign(title)) }
                p.b dir="auto" lang=[language(body)] { (ForeignLines(body)) }
            }
        },
        Part::Phones { title, body, rules } => phones::cards((title, body), rules, page.is_unfolded),
        Part::Content(content) => html! {
            details.more {
                summary { "All that it says" }
                pre dir="auto" { @for line in outline::lines(content) { (Plain(&line)) "\n" } }
            }
        },
        Part::Difference { place, lines } => html! {
            p { "What was sent, and what " code { (foreign(place)) } " says now:" }
            pre.diff { @for line in lines { (difference(line)) } }
        },
    }
}

fn difference(line: &Line) -> Markup {
    let shown = line.plain();
    let shown = Plain(&shown);
    match line {
        Line::Header(_) => html! { span.soft { (shown) } "\n" },
        Line::Same(_) => html! { " " (shown) "\n" },
        Line::Removed(_) => html! { del { "-" (shown) } "\n" },
        Line::Added(_) => html! { ins { "+" (shown) } "\n" },
    }
}

fn row(row: &Row) -> Markup {
    let lead = match row.kind {
        RowKind::Note => Some("Note: "),
        RowKind::Help => Some("What to do: "),
        RowKind::Showing => Some("Shows: "),
        RowKind::Line
        | RowKind::Aside
        | RowKind::Total
        | RowKind::Cells
        | RowKind::Reason
        | RowKind::StillSent
        | RowKind::Audience => None,
    };
    html! {
        p class=[(row.kind == RowKind::Reason).then_some("why")] {
            @if let Some(lead) = lead { strong { (lead) } }
            (spans(&row.spans))
        }
    }
}
