//! Rules about strategies.

use std::collections::BTreeSet;

use chrono::{DateTime, Days, NaiveDate, Utc};
use chrono_tz::Tz;

use crate::check::declaration::Declaration;
use crate::check::time::{self, BadTime};
use crate::check::{Strategy, open_for, repeat_zone};
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
        StrategySyntax::Now { not_before, not_after, open_for } => {
            let mut instant = |key: &str, text: &Option<String>| {
                let text = text.as_ref()?;
                bad_time(out, declaration, key, time::instant(text, zone))
            };
            let (not_before, not_after) =
                (instant("not_before", not_before), instant("not_after", not_after));
            let open_for = open_for.as_ref();
            let open_for =
                open_for.and_then(|text| open_for::read(out, text, || declaration.value(&["open_for"])));
            empty_window(out, declaration, not_before, not_after);
            Some(Strategy { schedule: Schedule::Now, not_before, not_after, open_for })
        }
        StrategySyntax::Once { at } => {
            let at = bad_time(out, declaration, "at", time::instant(at, zone))?;
            Some(Strategy::of(Schedule::Once { at }))
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
            Some(Strategy::of(Schedule::Repeat(repeat)))
        }
    }
}

/// `wrong-value`: a window that ends before it begins is never open.
fn empty_window(
    out: &mut Vec<Diagnostic>,
    declaration: &Declaration<'_, StrategySyntax>,
    not_before: Option<DateTime<Utc>>,
    not_after: Option<DateTime<Utc>>,
) {
    if let (Some(opens), Some(closes)) = (not_before, not_after)
        && closes <= opens
    {
        let place = declaration.value(&["not_after"]);
        out.push(
            Diagnostic::error(Code::WrongValue, place, "`not_after` must be later than `not_before`")
                .related(declaration.value(&["not_before"]), "it begins here")
                .help("write a later time: nothing would ever be pushed"),
        );
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
            format!("it repeats for {days} days, and the vendor accepts at most {REPEAT_DAYS_AHEAD_MAX}");
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

#[cfg(test)]
mod tests {
    use crate::check::testing::{campaign, diagnose, diagnose_files};

    fn strategy(entries: &str) -> String {
        diagnose(&campaign("").replace("send: now", entries))
    }

    /// A repeating strategy, and what is changed in it.
    fn repeat(changes: &[(&str, &str)]) -> String {
        let mut entries =
            "send: repeat, every: week, on: [monday], time: \"09:00\", from: 2026-12-01, until: 2027-02-28"
                .to_owned();
        for (from, to) in changes {
            assert!(entries.contains(from), "{from}");
            entries = entries.replace(from, to);
        }
        strategy(&entries)
    }

    #[test]
    fn sound_strategies_have_no_diagnostics() {
        assert_eq!(strategy("send: once, at: 2026-12-15T09:00:00+08:00"), "");
        assert_eq!(repeat(&[]), "");
        assert_eq!(repeat(&[("[monday]", "[1, 7]")]), "");
        assert_eq!(repeat(&[("every: week, on: [monday]", "every: day")]), "");
        assert_eq!(repeat(&[("week", "month"), ("[monday]", "[1, 28]")]), "");
    }

    #[test]
    fn a_time_exists_and_can_be_read() {
        insta::assert_snapshot!(strategy("send: once, at: 2026-12-15T09:00:00.5+08:00"), @r"
        a.yaml:3:36 bad-time: `2026-12-15T09:00:00.5+08:00` is finer than a second
            = the vendor is accurate to the second: remove the fraction
        ");
        insta::assert_snapshot!(strategy("send: once, at: 2026-12-15"), @r"
        a.yaml:3:36 bad-time: `2026-12-15` names a day, but no time of day
            = add the time, for example `2026-12-15T09:00:00`
        ");
        insta::assert_snapshot!(
            repeat(&[("09:00", "9:00"), ("2026-12-01", "01.12.2026"), ("2027-02-28", "2027-02-29")]),
            @r#"
        a.yaml:3:67 bad-time: `9:00` is no time of day
            = write it as `"09:00:00"` or `"09:00"`
        a.yaml:3:81 bad-time: `01.12.2026` is no date
            = write it as `2026-12-15`
        a.yaml:3:100 bad-time: `2027-02-29` does not exist
            = write a day and time that exist
        "#
        );
    }

    #[test]
    fn days_are_days_of_the_cycle() {
        insta::assert_snapshot!(repeat(&[("week", "day")]), @r"
        a.yaml:3:46 cycle-days: a daily push takes no days
            = remove `on`, or write `every: week` or `every: month`
        ");
        insta::assert_snapshot!(repeat(&[("on: [monday], ", "")]), @r"
        a.yaml:3:41 cycle-days: a push every week needs the days of the week
            = add them, for example `on: [monday, friday]`
        ");
        insta::assert_snapshot!(repeat(&[("[monday]", "[]")]), @r"
        a.yaml:3:51 cycle-days: a push every week needs the days of the week
            = add them, for example `on: [monday, friday]`
        ");
        insta::assert_snapshot!(repeat(&[("[monday]", "[0, 8, monday, 1]")]), @r"
        a.yaml:3:52 cycle-days: a week has no day 0
            = write numbers from 1 to 7
        a.yaml:3:55 cycle-days: a week has no day 8
            = write numbers from 1 to 7
        a.yaml:3:66 cycle-days?: day 1 of the week is listed twice
            = remove one: it happens once all the same
        ");
        insta::assert_snapshot!(repeat(&[("week", "month"), ("[monday]", "[monday, 0, 32, 31, -1]")]), @r"
        a.yaml:3:53 cycle-days: a day of the week is no day of a month
            = write numbers from 1 to 31
        a.yaml:3:61 cycle-days: a month has no day 0
            = write numbers from 1 to 31
        a.yaml:3:64 cycle-days: a month has no day 32
            = write numbers from 1 to 31
        a.yaml:3:68 cycle-days?: not every month has a day 31
            = the vendor does not say what happens in the others; 28 is the last day that all have
        a.yaml:3:72 cycle-days: a month has no day -1
            = write numbers from 1 to 31
        ");
        insta::assert_snapshot!(repeat(&[("week", "month"), ("[monday]", "[29]")]), @r"
        a.yaml:3:53 cycle-days?: not every month has a day 29
            = the vendor does not say what happens in the others; 28 is the last day that all have
        ");
    }

    #[test]
    fn a_window_is_at_most_180_days_and_holds_a_day_of_the_cycle() {
        assert_eq!(repeat(&[("2027-02-28", "2027-05-30")]), "");
        insta::assert_snapshot!(repeat(&[("2027-02-28", "2027-05-31")]), @r"
        a.yaml:3:101 repeat-window: it repeats for 181 days, and the vendor accepts at most 180
            a.yaml:3:82 the first day
            = end it on `2027-05-30` or before, and follow it up with another campaign
        ");
        insta::assert_snapshot!(repeat(&[("2027-02-28", "2026-11-30")]), @r"
        a.yaml:3:101 repeat-window: the last day 2026-11-30 is before the first day 2026-12-01
            a.yaml:3:82 the first day
            = the last day is included: write the first day or a later one
        ");
        insta::assert_snapshot!(repeat(&[("2027-02-28", "2026-12-02")]), @r"
        a.yaml:3:51 repeat-window: none of these days is between 2026-12-01 and 2026-12-02, so it would never push
            a.yaml:3:101 the last day
            = write other days, or a later last day
        ");
    }

    #[test]
    fn a_time_of_another_zone_must_be_one_time_in_the_vendors() {
        let in_zone = |zone: &str, changes: &[(&str, &str)]| {
            let mut text = campaign("").replace(
                "send: now",
                "send: repeat, every: week, on: [monday], time: \"09:00\", from: 2026-12-01, until: 2027-02-28",
            );
            for (from, to) in changes {
                text = text.replace(from, to);
            }
            let project = format!("{}time_zone: {zone}\n", crate::check::testing::PROJECT);
            diagnose_files(&[("campaignctl.yaml", &project), ("a.yaml", &text)])
        };
        assert_eq!(in_zone("Europe/Berlin", &[]), "");
        insta::assert_snapshot!(in_zone("Europe/Berlin", &[("2027-02-28", "2027-04-28")]), @r"
        a.yaml:3:67 repeat-zone: 09:00:00 in Europe/Berlin is 16:00:00 in UTC+8, the vendor's zone, but from 2027-03-29 on it is 15:00:00
            = end it before 2027-03-29 and begin another strategy there
        ");
        insta::assert_snapshot!(in_zone("America/New_York", &[("09:00", "20:00")]), @r"
        a.yaml:3:67 repeat-zone: 20:00:00 in America/New_York is 09:00:00 of the next day in UTC+8, the vendor's zone
            = choose a time that is the same day in UTC+8, or set the project's `time_zone: Asia/Shanghai` and write days and times in that zone
        ");
    }
}
