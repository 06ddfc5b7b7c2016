//! Whether a schedule can still happen.

use chrono::{DateTime, Days, TimeDelta, Utc};

use crate::diff::change::{Blocked, Expired, Kind, Missed};
use crate::domain::{REPEAT_DAYS_AHEAD_MAX, Repeat, Schedule, vendor_zone};

/// Returns why nothing can be pushed by this schedule any more, or yet; nothing if it can.
pub(super) fn obstacle(schedule: &Schedule, now: DateTime<Utc>) -> Option<Kind> {
    let has_lapsed = schedule.lapses_at().is_some_and(|at| at <= now);
    match schedule {
        Schedule::Now => None,
        Schedule::Once { at } => has_lapsed.then_some(Kind::Expired(Expired::TimePast { at: *at })),
        Schedule::Repeat(repeat) => repeat_obstacle(schedule, repeat, has_lapsed, now),
    }
}

/// Returns the first time of a series and the next one, where the first has passed.
pub(super) fn missed(schedule: &Schedule, now: DateTime<Utc>) -> Option<Missed> {
    let Schedule::Repeat(repeat) = schedule else { return None };
    let first = schedule.firing_times_after(repeat.starts_at() - TimeDelta::seconds(1)).next()?;
    let next = schedule.firing_times_after(now).next()?;
    (first < next).then_some(Missed { first, next })
}

fn repeat_obstacle(
    schedule: &Schedule,
    repeat: &Repeat,
    has_lapsed: bool,
    now: DateTime<Utc>,
) -> Option<Kind> {
    let today = now.with_timezone(&vendor_zone()).date_naive();
    if has_lapsed && today <= repeat.from() {
        let last = schedule.firing_times_after(repeat.starts_at() - TimeDelta::seconds(1)).last();
        return Some(Kind::Expired(Expired::LastTimePast { at: last.unwrap_or(now) }));
    }
    if has_lapsed {
        return Some(Kind::Expired(Expired::RepeatPast { from: repeat.from(), today }));
    }
    let last = today.checked_add_days(Days::new(REPEAT_DAYS_AHEAD_MAX)).unwrap_or(today);
    let is_too_far = repeat.until() > last;
    is_too_far.then_some(Kind::Blocked(Blocked::RepeatTooFar { until: repeat.until(), last }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Cycle;

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
    fn a_time_that_has_come_is_past() {
        let schedule = Schedule::Once { at: at("2026-12-15T01:00:00Z") };
        assert_eq!(obstacle(&schedule, at("2026-12-15T00:59:59Z")), None);
        assert!(matches!(obstacle(&schedule, at("2026-12-15T01:00:00Z")), Some(Kind::Expired(_))));
    }

    #[test]
    fn today_is_the_vendors_today() {
        let schedule = daily("2026-12-15", "2026-12-31");
        // 23:59:59 of the 15th in UTC+8, then the first second of the 16th.
        assert_eq!(obstacle(&schedule, at("2026-12-15T15:59:59Z")), None);
        assert!(matches!(obstacle(&schedule, at("2026-12-15T16:00:00Z")), Some(Kind::Expired(_))));
    }

    #[test]
    fn a_series_is_past_once_its_last_time_is() {
        // At midnight in UTC+8.
        let (first, one_day) = (at("2026-12-14T16:00:00Z"), daily("2026-12-15", "2026-12-15"));
        let before = at("2026-12-14T15:59:59Z");
        assert_eq!((obstacle(&one_day, before), missed(&one_day, before)), (None, None));
        let past = Some(Kind::Expired(Expired::LastTimePast { at: first }));
        assert_eq!((obstacle(&one_day, first), missed(&one_day, first)), (past, None));
        let longer = daily("2026-12-15", "2026-12-16");
        assert_eq!(missed(&longer, before), None);
        let next = first + TimeDelta::days(1);
        assert_eq!((obstacle(&longer, first), missed(&longer, first)), (None, Some(Missed { first, next })));
    }

    #[test]
    fn a_repeat_ends_at_most_180_days_from_today() {
        let now = at("2026-01-01T00:00:00Z");
        assert_eq!(obstacle(&daily("2026-01-02", "2026-06-30"), now), None);
        assert!(matches!(obstacle(&daily("2026-01-02", "2026-07-01"), now), Some(Kind::Blocked(_))));
    }
}
