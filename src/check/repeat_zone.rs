//! Repeating times of the project's zone in the vendor's, UTC+8.

use chrono::{DateTime, FixedOffset, LocalResult, NaiveDate, NaiveTime, TimeZone};
use chrono_tz::Tz;

use crate::check::declaration::Declaration;
use crate::diagnostic::{Code, Diagnostic};
use crate::domain::{Cycle, Repeat, vendor_zone};
use crate::load::model::StrategySyntax;

/// Why a repeating time has no one time in UTC+8.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum NoVendorTime {
    #[error("{time} in {zone} is {vendor_time} of the {neighbour} day in UTC+8, the vendor's zone")]
    OtherDay { time: NaiveTime, zone: Tz, vendor_time: NaiveTime, neighbour: &'static str },
    #[error("{time} in {zone} is {first} in UTC+8, the vendor's zone, but from {changed_on} on it is {then}")]
    Changes { time: NaiveTime, zone: Tz, first: NaiveTime, changed_on: NaiveDate, then: NaiveTime },
    #[error("{time} does not happen, or happens twice, on {day} in {zone}: clocks change")]
    ClockChange { time: NaiveTime, zone: Tz, day: NaiveDate },
}

impl NoVendorTime {
    fn help(&self) -> String {
        match self {
            Self::OtherDay { .. } => {
                "choose a time that is the same day in UTC+8, or set the project's `time_zone: Asia/Shanghai` and write days and times in that zone".to_owned()
            }
            Self::Changes { changed_on, .. } => {
                format!("end it before {changed_on} and begin another strategy there")
            }
            Self::ClockChange { .. } => "choose another time, or leave that day out".to_owned(),
        }
    }
}

/// `repeat-zone`: the vendor repeats at one time of day in UTC+8, on days of UTC+8. A time of another zone must
/// be one such time over the whole window, on the same days.
pub(super) fn repeat_zone(
    out: &mut Vec<Diagnostic>,
    declaration: &Declaration<'_, StrategySyntax>,
    zone: Tz,
    (cycle, time, from, until): (Cycle, NaiveTime, NaiveDate, NaiveDate),
) -> Option<Repeat> {
    let vendor_time = match vendor_time(zone, &cycle, time, from, until) {
        Ok(vendor_time) => vendor_time,
        Err(error) => {
            let diagnostic =
                Diagnostic::error(Code::RepeatZone, declaration.value(&["time"]), error.to_string());
            out.push(diagnostic.help(error.help()));
            return None;
        }
    };
    Some(Repeat::new(cycle, vendor_time, from, until).expect("the window was looked at"))
}

fn vendor_time(
    zone: Tz,
    cycle: &Cycle,
    time: NaiveTime,
    from: NaiveDate,
    until: NaiveDate,
) -> Result<NaiveTime, NoVendorTime> {
    let mut converted: Option<NaiveTime> = None;
    for day in occurrences(cycle, from, until) {
        let at: DateTime<FixedOffset> = match zone.from_local_datetime(&day.and_time(time)) {
            LocalResult::Single(at) => at.with_timezone(&vendor_zone()),
            LocalResult::None | LocalResult::Ambiguous(..) => {
                return Err(NoVendorTime::ClockChange { time, zone, day });
            }
        };
        let vendor_time = at.time();
        match at.date_naive().cmp(&day) {
            std::cmp::Ordering::Equal => {}
            std::cmp::Ordering::Less => {
                return Err(NoVendorTime::OtherDay { time, zone, vendor_time, neighbour: "previous" });
            }
            std::cmp::Ordering::Greater => {
                return Err(NoVendorTime::OtherDay { time, zone, vendor_time, neighbour: "next" });
            }
        }
        let first = *converted.get_or_insert(vendor_time);
        if first != vendor_time {
            return Err(NoVendorTime::Changes { time, zone, first, changed_on: day, then: vendor_time });
        }
    }
    Ok(converted.unwrap_or(time))
}

/// Returns the days of a cycle between two days, both included.
pub(super) fn occurrences(
    cycle: &Cycle,
    from: NaiveDate,
    until: NaiveDate,
) -> impl Iterator<Item = NaiveDate> {
    from.iter_days().take_while(move |day| *day <= until).filter(|day| cycle.includes(*day))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn convert(zone: Tz, time: &str, from: &str, until: &str) -> Result<String, String> {
        let cycle = Cycle::daily();
        vendor_time(zone, &cycle, time.parse().unwrap(), from.parse().unwrap(), until.parse().unwrap())
            .map(|time| time.to_string())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_time_that_is_one_time_in_utc_plus_8_is_converted() {
        assert_eq!(
            convert(chrono_tz::Asia::Shanghai, "23:59:59", "2026-01-01", "2026-06-01").unwrap(),
            "23:59:59"
        );
        assert_eq!(
            convert(chrono_tz::Europe::Berlin, "09:00:00", "2026-11-01", "2026-12-31").unwrap(),
            "16:00:00"
        );
        assert_eq!(
            convert(chrono_tz::Asia::Tokyo, "09:00:00", "2026-01-01", "2026-06-01").unwrap(),
            "08:00:00"
        );
    }

    #[test]
    fn daylight_saving_and_moved_days_are_refused_with_both_times() {
        insta::assert_snapshot!(
            convert(chrono_tz::Europe::Berlin, "09:00:00", "2026-03-01", "2026-04-30").unwrap_err(),
            @"09:00:00 in Europe/Berlin is 16:00:00 in UTC+8, the vendor's zone, but from 2026-03-29 on it is 15:00:00"
        );
        insta::assert_snapshot!(
            convert(chrono_tz::Europe::Berlin, "02:30:00", "2026-03-28", "2026-03-29").unwrap_err(),
            @"02:30:00 does not happen, or happens twice, on 2026-03-29 in Europe/Berlin: clocks change"
        );
        insta::assert_snapshot!(
            convert(chrono_tz::America::New_York, "20:00:00", "2026-01-01", "2026-01-31").unwrap_err(),
            @"20:00:00 in America/New_York is 09:00:00 of the next day in UTC+8, the vendor's zone"
        );
        insta::assert_snapshot!(
            convert(chrono_tz::Asia::Tokyo, "00:30:00", "2026-01-01", "2026-01-31").unwrap_err(),
            @"00:30:00 in Asia/Tokyo is 23:30:00 of the previous day in UTC+8, the vendor's zone"
        );
    }

    #[test]
    fn a_clock_change_between_the_days_of_a_cycle_does_no_harm() {
        let mondays = Cycle::weekly([1].into()).unwrap();
        let (from, until) = ("2026-03-28".parse().unwrap(), "2026-03-30".parse().unwrap());
        let time = NaiveTime::from_hms_opt(2, 30, 0).unwrap();
        assert!(vendor_time(chrono_tz::Europe::Berlin, &mondays, time, from, until).is_ok());
    }
}
