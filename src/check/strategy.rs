//! Rules about strategies.

use std::collections::BTreeSet;

use chrono::{Days, NaiveDate};
use chrono_tz::Tz;

use crate::check::declaration::Declaration;
use crate::check::time::{self, BadTime};
use crate::check::{Strategy, repeat_zone};
use crate::diagnostic::{Code, Diagnostic};
use crate::domain::{Cycle, REPEAT_DAYS_AHEAD_MAX, Schedule};
use crate::load::model::{CycleSyntax, DaySyntax, StrategySyntax};

/// Applies the rules of one strategy; times without an offset are in `zone`.
pub(super) fn strategy(
    out: &mut Vec<Diagnostic>,
    declaration: &Declaration<'_, StrategySyntax>,
    zone: Tz,
) -> Option<Strategy> {
    match declaration.syntax {
        StrategySyntax::Now {} => Some(Strategy {
            schedule: Schedule::Now,
            schedule_at: declaration.value(&["send"]),
            until_at: None,
        }),
        StrategySyntax::Once { at } => {
            let at = bad_time(out, declaration, "at", time::instant(at, zone))?;
            Some(Strategy {
                schedule: Schedule::Once { at },
                schedule_at: declaration.value(&["at"]),
                until_at: None,
            })
        }
        StrategySyntax::Repeat { every, on, time, from, until } => {
            let days = cycle_days(out, declaration, *every, on.as_deref());
            let time = bad_time(out, declaration, "time", time::time_of_day(time));
            let from = bad_time(out, declaration, "from", time::day(from));
            let until = bad_time(out, declaration, "until", time::day(until));
            let (from, until) = (from?, until?);
            let is_window = repeat_window(out, declaration, from, until);
            let (cycle, time) = (days?, time?);
            if !is_window {
                return None;
            }
            repeat_never(out, declaration, &cycle, from, until)?;
            let repeat = repeat_zone::repeat_zone(out, declaration, zone, (cycle, time, from, until))?;
            Some(Strategy {
                schedule: Schedule::Repeat(repeat),
                schedule_at: declaration.value(&["from"]),
                until_at: Some(declaration.value(&["until"])),
            })
        }
    }
}

/// `bad-time`: see [`BadTime`].
fn bad_time<T>(
    out: &mut Vec<Diagnostic>,
    declaration: &Declaration<'_, StrategySyntax>,
    key: &str,
    read: Result<T, BadTime>,
) -> Option<T> {
    read.map_err(|error| out.push(error.report(declaration.value(&[key])))).ok()
}

/// `cycle-days`: a week has days 1 to 7, a month 1 to 31, and a daily push takes none.
fn cycle_days(
    out: &mut Vec<Diagnostic>,
    declaration: &Declaration<'_, StrategySyntax>,
    every: CycleSyntax,
    on: Option<&[DaySyntax]>,
) -> Option<Cycle> {
    let (days_of, last, example) = match every {
        CycleSyntax::Day => {
            if on.is_some() {
                let place = declaration.key(&["on"]);
                let diagnostic = Diagnostic::error(Code::CycleDays, place, "a daily push takes no days");
                out.push(diagnostic.help("remove `on`, or write `every: week` or `every: month`"));
                return None;
            }
            return Some(Cycle::daily());
        }
        CycleSyntax::Week => ("week", 7, "[monday, friday]"),
        CycleSyntax::Month => ("month", 31, "[1, 15]"),
    };
    let written = on.unwrap_or_default();
    if written.is_empty() {
        let place = if on.is_some() { declaration.value(&["on"]) } else { declaration.value(&["every"]) };
        let message = format!("a push every {days_of} needs the days of the {days_of}");
        let help = format!("add them, for example `on: {example}`");
        out.push(Diagnostic::error(Code::CycleDays, place, message).help(help));
        return None;
    }
    let mut days = BTreeSet::new();
    let mut is_sound = true;
    for (index, day) in written.iter().enumerate() {
        let place = || declaration.value(&["on", &index.to_string()]);
        let number = match *day {
            DaySyntax::Weekday(number) if every == CycleSyntax::Week => Some(number),
            DaySyntax::Weekday(_) => None,
            DaySyntax::Number(number) => {
                u8::try_from(number).ok().filter(|number| (1..=last).contains(number))
            }
        };
        let Some(number) = number else {
            let message = match day {
                DaySyntax::Weekday(_) => "a day of the week is no day of a month".to_owned(),
                DaySyntax::Number(number) => format!("a {days_of} has no day {number}"),
            };
            let help = format!("write numbers from 1 to {last}");
            out.push(Diagnostic::error(Code::CycleDays, place(), message).help(help));
            is_sound = false;
            continue;
        };
        if !days.insert(number) {
            let message = format!("day {number} of the {days_of} is listed twice");
            let diagnostic = Diagnostic::warning(Code::CycleDays, place(), message);
            out.push(diagnostic.help("remove one: it happens once all the same"));
        } else if last == 31 && number > 28 {
            let message = format!("not every month has a day {number}");
            out.push(Diagnostic::warning(Code::CycleDays, place(), message).help(
                "the vendor does not say what happens in the others; 28 is the last day that all have",
            ));
        }
    }
    if !is_sound {
        return None;
    }
    let cycle = if last == 7 { Cycle::weekly(days) } else { Cycle::monthly(days) };
    Some(cycle.expect("every day was looked at"))
}

/// `repeat-window`: it ends after it starts, and within 180 days (both API pages, `endTime`).
fn repeat_window(
    out: &mut Vec<Diagnostic>,
    declaration: &Declaration<'_, StrategySyntax>,
    from: NaiveDate,
    until: NaiveDate,
) -> bool {
    let place = || declaration.value(&["until"]);
    let first_day = || (declaration.value(&["from"]), "the first day");
    if until < from {
        let message = format!("the last day {until} is before the first day {from}");
        out.push(
            Diagnostic::error(Code::RepeatWindow, place(), message)
                .related(first_day().0, first_day().1)
                .help("the last day is included: write the first day or a later one"),
        );
        return false;
    }
    let latest = from.checked_add_days(Days::new(REPEAT_DAYS_AHEAD_MAX)).unwrap_or(NaiveDate::MAX);
    if until > latest {
        let days = (until - from).num_days();
        let message =
            format!("it repeats for {days} days, and the vendor takes at most {REPEAT_DAYS_AHEAD_MAX}");
        out.push(
            Diagnostic::error(Code::RepeatWindow, place(), message)
                .related(first_day().0, first_day().1)
                .help(format!("end it on `{latest}` or before, and follow it up with another campaign")),
        );
        return false;
    }
    true
}

/// `repeat-window`: a window without any day of the cycle would never push.
fn repeat_never(
    out: &mut Vec<Diagnostic>,
    declaration: &Declaration<'_, StrategySyntax>,
    cycle: &Cycle,
    from: NaiveDate,
    until: NaiveDate,
) -> Option<()> {
    if repeat_zone::occurrences(cycle, from, until).next().is_some() {
        return Some(());
    }
    let message = format!("none of these days is between {from} and {until}, so it would never push");
    out.push(
        Diagnostic::error(Code::RepeatWindow, declaration.value(&["on"]), message)
            .related(declaration.value(&["until"]), "the last day")
            .help("write other days, or a later last day"),
    );
    None
}
