//! When a schedule fires next.
//!
//! Knows the vendor's zone and no other: whoever shows an instant converts it. Asks no clock; the caller says
//! after which instant.

use chrono::{DateTime, TimeZone, Utc};

use crate::domain::{Repeat, Schedule, vendor_zone};

impl Schedule {
    /// Returns the instants at which it fires after `after`, which is not among them, ascending; the caller
    /// takes as many as it shows.
    ///
    /// Nothing for an immediate push, which has no time of its own, and for a schedule that is over. A day
    /// of the month that a month does not have is left out there: the vendor does not say what it does.
    pub fn firing_times_after(&self, after: DateTime<Utc>) -> impl Iterator<Item = DateTime<Utc>> + '_ {
        let (once, repeat) = match self {
            Self::Now => (None, None),
            Self::Once { at } => (Some(*at), None),
            Self::Repeat(repeat) => (None, Some(repeat)),
        };
        let repeated = repeat.into_iter().flat_map(move |repeat| repeat_times(repeat, after));
        once.into_iter().chain(repeated).filter(move |at| *at > after)
    }
}

/// Returns the times from the day of `from` on; those of that day may be before it.
fn repeat_times(repeat: &Repeat, from: DateTime<Utc>) -> impl Iterator<Item = DateTime<Utc>> + '_ {
    let first_day = repeat.from().max(from.with_timezone(&vendor_zone()).date_naive());
    let days = first_day.iter_days().take_while(|day| *day <= repeat.until());
    let days = days.filter(|day| repeat.cycle().includes(*day));
    // Only at the end of the calendar is there no such instant.
    let times =
        days.filter_map(|day| vendor_zone().from_local_datetime(&day.and_time(repeat.time())).single());
    times.map(|at| at.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::domain::Cycle;

    /// A schedule at 09:00 in UTC+8.
    fn repeat(cycle: Cycle, from: &str, until: &str) -> Schedule {
        let time = "09:00:00".parse().unwrap();
        Schedule::Repeat(Repeat::new(cycle, time, from.parse().unwrap(), until.parse().unwrap()).unwrap())
    }

    /// The first ten times, in UTC+8.
    fn next(schedule: &Schedule, after: &str) -> Vec<String> {
        let times = schedule.firing_times_after(after.parse().unwrap()).take(10);
        times.map(|at| at.with_timezone(&vendor_zone()).format("%a %F %T").to_string()).collect()
    }

    fn days(days: &[u8]) -> BTreeSet<u8> {
        days.iter().copied().collect()
    }

    #[test]
    fn an_immediate_push_has_no_time_of_its_own() {
        assert!(next(&Schedule::Now, "2026-01-01T00:00:00Z").is_empty());
    }

    #[test]
    fn a_push_at_a_time_fires_once_and_is_over_at_that_instant() {
        let once = Schedule::Once { at: "2026-12-15T01:00:00Z".parse().unwrap() };
        assert_eq!(next(&once, "2026-12-15T00:59:59Z"), ["Tue 2026-12-15 09:00:00"]);
        assert!(next(&once, "2026-12-15T01:00:00Z").is_empty());
    }

    #[test]
    fn a_daily_push_fires_on_each_day_up_to_the_last_included() {
        let daily = repeat(Cycle::daily(), "2026-02-27", "2026-03-02");
        let all = [
            "Fri 2026-02-27 09:00:00",
            "Sat 2026-02-28 09:00:00",
            "Sun 2026-03-01 09:00:00",
            "Mon 2026-03-02 09:00:00",
        ];
        assert_eq!(next(&daily, "2020-01-01T00:00:00Z"), all);
        // One second before it fires, the instant itself, and the first second of that day in UTC+8.
        assert_eq!(next(&daily, "2026-03-01T00:59:59Z"), all[2..]);
        assert_eq!(next(&daily, "2026-03-01T01:00:00Z"), all[3..]);
        assert_eq!(next(&daily, "2026-02-28T16:00:00Z"), all[2..]);
        assert!(next(&daily, "2026-03-02T01:00:00Z").is_empty());
    }

    #[test]
    fn a_weekly_push_fires_on_its_days_of_the_week() {
        let weekly = repeat(Cycle::weekly(days(&[1, 7])).unwrap(), "2026-12-01", "2026-12-14");
        let all = [
            "Sun 2026-12-06 09:00:00",
            "Mon 2026-12-07 09:00:00",
            "Sun 2026-12-13 09:00:00",
            "Mon 2026-12-14 09:00:00",
        ];
        assert_eq!(next(&weekly, "2026-11-01T00:00:00Z"), all);
    }

    #[test]
    fn a_month_without_the_day_is_left_out() {
        let monthly = repeat(Cycle::monthly(days(&[30, 31])).unwrap(), "2026-01-31", "2026-05-30");
        let all = [
            "Sat 2026-01-31 09:00:00",
            "Mon 2026-03-30 09:00:00",
            "Tue 2026-03-31 09:00:00",
            "Thu 2026-04-30 09:00:00",
            "Sat 2026-05-30 09:00:00",
        ];
        assert_eq!(next(&monthly, "2026-01-01T00:00:00Z"), all);
        let leap = repeat(Cycle::monthly(days(&[29])).unwrap(), "2027-02-01", "2028-02-29");
        assert_eq!(next(&leap, "2028-01-29T01:00:00Z"), ["Tue 2028-02-29 09:00:00"]);
        assert!(!next(&leap, "2027-01-01T00:00:00Z").contains(&"Sun 2027-02-28 09:00:00".to_owned()));
    }

    #[test]
    fn the_caller_takes_as_many_as_it_shows() {
        let daily = repeat(Cycle::daily(), "2026-01-01", "2026-06-29");
        assert_eq!(next(&daily, "2026-01-01T00:00:00Z").len(), 10);
        assert_eq!(daily.firing_times_after("2025-12-31T00:00:00Z".parse().unwrap()).count(), 180);
    }
}
