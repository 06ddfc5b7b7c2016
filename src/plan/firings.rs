//! When what a plan speaks of fires.

use chrono::{DateTime, Datelike, Days, NaiveDate, TimeZone, Utc};

use crate::domain::{REPEAT_DAYS_AHEAD_MAX, vendor_zone};
use crate::plan::schedule::ScheduleDocument;

/// Days that are looked at of a series: the most that one of ours has, its first and its last counted. A plan of somebody else's may
/// name any.
const SERIES_DAYS_MAX: u64 = REPEAT_DAYS_AHEAD_MAX + 1;

impl ScheduleDocument {
    /// Returns the days, in UTC+8, on which a series is pushed from `first` on, ascending; none of what is no series.
    pub fn days_from(&self, first: NaiveDate) -> impl Iterator<Item = NaiveDate> {
        let series = match self {
            Self::Now { .. } | Self::Once { .. } => None,
            Self::Repeat { every, on, from, until, .. } => Some((every, on, (*from).max(first), *until)),
        };
        series.into_iter().flat_map(|(every, on, from, until)| {
            let days = (0..SERIES_DAYS_MAX).map_while(move |days| from.checked_add_days(Days::new(days)));
            let is_weekly = every == "week";
            days.take_while(move |day| *day <= until).filter(move |day| is_on(is_weekly, on.as_deref(), *day))
        })
    }

    /// Returns the instants at which it fires from `first` on, which may be among them, up to `until`, ascending; none of what is
    /// pushed at once.
    pub fn firings(&self, first: DateTime<Utc>, until: DateTime<Utc>) -> impl Iterator<Item = DateTime<Utc>> {
        let once = match self {
            Self::Once { at } => Some(*at),
            Self::Now { .. } | Self::Repeat { .. } => None,
        };
        let time = match self {
            Self::Repeat { time, .. } => Some(*time),
            Self::Now { .. } | Self::Once { .. } => None,
        };
        let series = self.days_from(first.with_timezone(&vendor_zone()).date_naive());
        let series = series.filter_map(move |day| {
            let at = vendor_zone().from_local_datetime(&day.and_time(time?)).single()?;
            Some(at.to_utc())
        });
        once.into_iter().chain(series).skip_while(move |at| *at < first).take_while(move |at| *at <= until)
    }
}

/// Whether a series is pushed on a day, in UTC+8.
fn is_on(is_weekly: bool, on: Option<&[u8]>, day: NaiveDate) -> bool {
    let number = if is_weekly { day.weekday().number_from_monday() } else { day.day() };
    on.is_none_or(|days| days.iter().any(|day| u32::from(*day) == number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(every: &str, on: Option<Vec<u8>>, from: &str, until: &str) -> ScheduleDocument {
        let day = |text: &str| text.parse().unwrap();
        let time = "07:00:00".parse().unwrap();
        ScheduleDocument::Repeat { every: every.to_owned(), on, time, from: day(from), until: day(until) }
    }

    fn firings(schedule: &ScheduleDocument, first: &str, until: &str) -> Vec<String> {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        schedule.firings(at(first), at(until)).map(|at| at.format("%m-%d %H:%M").to_string()).collect()
    }

    #[test]
    fn a_series_fires_on_its_days_in_utc_plus_8() {
        let fridays = series("week", Some(vec![5]), "2026-12-01", "2026-12-20");
        // Seven in the morning there is eleven at night the day before.
        assert_eq!(
            firings(&fridays, "2026-11-30T00:00:00Z", "2027-01-01T00:00:00Z"),
            ["12-03 23:00", "12-10 23:00", "12-17 23:00"]
        );
        assert_eq!(firings(&fridays, "2026-12-10T23:00:00Z", "2026-12-17T22:59:00Z"), ["12-10 23:00"]);
        assert_eq!(firings(&fridays, "2026-12-10T23:00:01Z", "2026-12-17T22:59:00Z"), [""; 0]);
        let daily = series("day", None, "2026-12-01", "2026-12-02");
        assert_eq!(firings(&daily, "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z").len(), 2);
        let monthly = series("month", Some(vec![1, 31]), "2026-11-30", "2026-12-31");
        assert_eq!(
            firings(&monthly, "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
            ["11-30 23:00", "12-30 23:00"]
        );
    }

    #[test]
    fn what_is_once_fires_once_and_what_is_at_once_never() {
        let at = "2026-12-15T01:00:00Z".parse().unwrap();
        let once = ScheduleDocument::Once { at };
        assert_eq!(firings(&once, "2026-12-15T01:00:00Z", "2027-01-01T00:00:00Z"), ["12-15 01:00"]);
        assert_eq!(firings(&once, "2026-12-15T01:00:01Z", "2027-01-01T00:00:00Z"), [""; 0]);
        let now = ScheduleDocument::Now { not_before: Some(at), not_after: None };
        assert_eq!(firings(&now, "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"), [""; 0]);
    }

    #[test]
    fn a_series_of_somebody_elses_ends_all_the_same() {
        let endless = series("day", None, "-262143-01-01", "+262142-12-31");
        assert_eq!(endless.days_from(NaiveDate::MIN).count(), 181);
        assert_eq!(endless.days_from(NaiveDate::MAX).count(), 1);
        let backwards = series("day", None, "2026-12-02", "2026-12-01");
        assert_eq!(backwards.days_from(NaiveDate::MIN).count(), 0);
    }
}
