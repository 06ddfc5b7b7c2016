//! What a schedule of the vendor's comes to on the day.

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};

use crate::diff::change::{Blocked, LateStart};
use crate::domain::{REPEAT_DAYS_AHEAD_MAX, Schedule, vendor_zone};

/// Returns why the vendor takes it only later, if it does.
pub(super) fn too_far(schedule: &Schedule, now: DateTime<Utc>) -> Option<Blocked> {
    let Schedule::Repeat(repeat) = schedule else { return None };
    let today = today(now);
    let last = today.checked_add_days(Days::new(REPEAT_DAYS_AHEAD_MAX)).unwrap_or(today);
    (repeat.until() > last).then_some(Blocked::RepeatTooFar { until: repeat.until(), last })
}

/// Returns the first time of a series and the next one, where the first has passed.
pub(super) fn late_start(schedule: &Schedule, now: DateTime<Utc>) -> Option<LateStart> {
    let Schedule::Repeat(repeat) = schedule else { return None };
    let first = schedule.firing_times_after(repeat.starts_at() - TimeDelta::seconds(1)).next()?;
    let next = schedule.firing_times_after(now).next()?;
    (first < next).then_some(LateStart { first, next })
}

/// Returns when it is pushed, as the vendor is told now: it takes no series that began before today, so one that did
/// begins today.
pub(super) fn from_today(schedule: &Schedule, now: DateTime<Utc>) -> Schedule {
    match schedule {
        Schedule::Repeat(repeat) => Schedule::Repeat(repeat.from_day(today(now))),
        Schedule::Now | Schedule::Once { .. } => schedule.clone(),
    }
}

fn today(now: DateTime<Utc>) -> NaiveDate {
    now.with_timezone(&vendor_zone()).date_naive()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Cycle, Repeat};

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn daily(from: &str, until: &str) -> Schedule {
        let time = chrono::NaiveTime::MIN;
        Schedule::Repeat(
            Repeat::new(Cycle::daily(), time, from.parse().unwrap(), until.parse().unwrap()).unwrap(),
        )
    }

    #[test]
    fn a_series_that_began_begins_today_for_who_joins_it() {
        let schedule = daily("2026-12-15", "2026-12-31");
        let from = |now: &str| match from_today(&schedule, at(now)) {
            Schedule::Repeat(repeat) => repeat.from().to_string(),
            other => panic!("{other:?}"),
        };
        assert_eq!(from("2026-12-01T00:00:00Z"), "2026-12-15");
        // 23:59:59 of the 15th in UTC+8, then the first second of the 16th.
        assert_eq!(from("2026-12-15T15:59:59Z"), "2026-12-15");
        assert_eq!(from("2026-12-15T16:00:00Z"), "2026-12-16");
        assert_eq!(from_today(&Schedule::Now, at("2026-12-15T16:00:00Z")), Schedule::Now);
    }

    #[test]
    fn a_series_whose_first_time_has_passed_begins_late() {
        // At midnight in UTC+8.
        let (first, longer) = (at("2026-12-14T16:00:00Z"), daily("2026-12-15", "2026-12-17"));
        assert_eq!(late_start(&longer, first - TimeDelta::seconds(1)), None);
        let next = first + TimeDelta::days(1);
        assert_eq!(late_start(&longer, first), Some(LateStart { first, next }));
        let day_later = LateStart { first, next: next + TimeDelta::days(1) };
        assert_eq!(late_start(&longer, next), Some(day_later));
        assert_eq!(late_start(&daily("2026-12-15", "2026-12-15"), first), None);
    }

    #[test]
    fn a_repeat_ends_at_most_180_days_from_today() {
        let now = at("2026-01-01T00:00:00Z");
        assert_eq!(too_far(&daily("2026-01-02", "2026-06-30"), now), None);
        assert!(matches!(
            too_far(&daily("2026-01-02", "2026-07-01"), now),
            Some(Blocked::RepeatTooFar { .. })
        ));
    }
}
