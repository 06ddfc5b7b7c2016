//! When a push happens: at once, at a time, or repeating.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike, Days, FixedOffset, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};

/// The vendor's days and times of day are UTC+8: every day-accurate example on its pages is a midnight there.
pub const VENDOR_OFFSET_SECONDS: i32 = 8 * 3600;

/// A repeating push ends at most this many days after today (both seed pages, `endTime`).
pub const REPEAT_DAYS_AHEAD_MAX: u64 = 180;

/// Most scheduled or repeating tasks that the vendor keeps unexecuted (both seed pages).
pub const UNEXECUTED_TASKS_MAX: usize = 100;

/// Returns the vendor's time zone, UTC+8.
///
/// # Panics
///
/// Never: eight hours are a legal offset.
#[must_use]
pub fn vendor_zone() -> FixedOffset {
    FixedOffset::east_opt(VENDOR_OFFSET_SECONDS).expect("eight hours are a legal offset")
}

/// Days of a repeating push that do not exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCycle {
    /// A week or a month needs days.
    #[error("no day is named")]
    NoDays,
    /// Not a day of the cycle.
    #[error("day {day} is not between 1 and {last}")]
    OutOfRange {
        /// The day as written.
        day: u8,
        /// The cycle's last day: 7 or 31.
        last: u8,
    },
}

/// How often a push repeats, and on which days.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cycle(CycleKind);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum CycleKind {
    Daily,
    Weekly(BTreeSet<u8>),
    Monthly(BTreeSet<u8>),
}

impl Cycle {
    /// Every day.
    #[must_use]
    pub fn daily() -> Self {
        Self(CycleKind::Daily)
    }

    /// On days of the week, 1 (Monday) to 7 (Sunday).
    ///
    /// # Errors
    ///
    /// Returns [`InvalidCycle`] without days, or for a day outside the week.
    pub fn weekly(days: BTreeSet<u8>) -> Result<Self, InvalidCycle> {
        check_days(&days, 7).map(|()| Self(CycleKind::Weekly(days)))
    }

    /// On days of the month, 1 to 31.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidCycle`] without days, or for a day outside the month.
    pub fn monthly(days: BTreeSet<u8>) -> Result<Self, InvalidCycle> {
        check_days(&days, 31).map(|()| Self(CycleKind::Monthly(days)))
    }

    /// Returns its days of the week (1 is Monday) or month, ascending; nothing where it is every day.
    #[must_use]
    pub fn days(&self) -> Option<&BTreeSet<u8>> {
        match &self.0 {
            CycleKind::Daily => None,
            CycleKind::Weekly(days) | CycleKind::Monthly(days) => Some(days),
        }
    }

    /// Whether `day`, in UTC+8, is one of its days.
    #[must_use]
    pub fn includes(&self, day: NaiveDate) -> bool {
        let is_listed = |days: &BTreeSet<u8>, number: u32| days.iter().any(|day| u32::from(*day) == number);
        match &self.0 {
            CycleKind::Daily => true,
            CycleKind::Weekly(days) => is_listed(days, day.weekday().number_from_monday()),
            CycleKind::Monthly(days) => is_listed(days, day.day()),
        }
    }

    /// Returns the cycle as YAML writes it in `every`.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self.0 {
            CycleKind::Daily => "day",
            CycleKind::Weekly(_) => "week",
            CycleKind::Monthly(_) => "month",
        }
    }
}

fn check_days(days: &BTreeSet<u8>, last: u8) -> Result<(), InvalidCycle> {
    if days.is_empty() {
        return Err(InvalidCycle::NoDays);
    }
    match days.iter().find(|&&day| day < 1 || day > last) {
        Some(&day) => Err(InvalidCycle::OutOfRange { day, last }),
        None => Ok(()),
    }
}

/// A repeating push that can never happen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the last day {until} is before the first day {from}")]
pub struct InvalidRepeat {
    /// First day, in UTC+8.
    pub from: NaiveDate,
    /// Last day, in UTC+8; before `from`.
    pub until: NaiveDate,
}

/// A repeating push. All days and times are the vendor's: UTC+8.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Repeat {
    cycle: Cycle,
    time: NaiveTime,
    from: NaiveDate,
    until: NaiveDate,
}

impl Repeat {
    /// Puts a repeating push together.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidRepeat`] when `until` is before `from`.
    pub fn new(
        cycle: Cycle,
        time: NaiveTime,
        from: NaiveDate,
        until: NaiveDate,
    ) -> Result<Self, InvalidRepeat> {
        if until < from {
            return Err(InvalidRepeat { from, until });
        }
        Ok(Self { cycle, time, from, until })
    }

    /// Returns how often, and on which days.
    #[must_use]
    pub fn cycle(&self) -> &Cycle {
        &self.cycle
    }

    /// Returns the time of day in UTC+8, accurate to the second.
    #[must_use]
    pub fn time(&self) -> NaiveTime {
        self.time
    }

    /// Returns the first day in UTC+8.
    #[must_use]
    pub fn from(&self) -> NaiveDate {
        self.from
    }

    /// Returns the last day in UTC+8, included.
    #[must_use]
    pub fn until(&self) -> NaiveDate {
        self.until
    }

    /// Returns the instant the first day begins: the vendor's `startTime`.
    #[must_use]
    pub fn starts_at(&self) -> DateTime<Utc> {
        midnight(self.from)
    }

    /// Returns the instant the last day begins: the vendor's `endTime`, whose day runs to 24:00.
    #[must_use]
    pub fn ends_on(&self) -> DateTime<Utc> {
        midnight(self.until)
    }

    /// Returns the same series from `day` on, where it began before: who joins it late, joins it then.
    #[must_use]
    pub fn from_day(&self, day: NaiveDate) -> Self {
        Self { from: self.from.max(day).min(self.until), ..self.clone() }
    }

    /// Returns the last time that it happens; nothing if it never does.
    #[must_use]
    pub fn last_time(&self) -> Option<DateTime<Utc>> {
        let days = std::iter::successors(Some(self.until), NaiveDate::pred_opt);
        let last = days.take_while(|day| *day >= self.from).find(|day| self.cycle.includes(*day))?;
        let at = vendor_zone().from_local_datetime(&last.and_time(self.time)).single()?;
        Some(at.with_timezone(&Utc))
    }

    /// Returns the instant after which it never happens again: the end of the last day.
    #[must_use]
    pub fn over_at(&self) -> DateTime<Utc> {
        midnight(self.until.checked_add_days(Days::new(1)).unwrap_or(self.until))
    }
}

fn midnight(day: NaiveDate) -> DateTime<Utc> {
    vendor_zone()
        .from_local_datetime(&day.and_time(NaiveTime::MIN))
        .single()
        .expect("a fixed offset has no gaps")
        .with_timezone(&Utc)
}

/// When a push happens; the vendor's `StrategyType` and `StrategyContent`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Schedule {
    /// As soon as the vendor takes it.
    Now,
    /// Once, accurate to the second.
    Once {
        /// When it fires; no fraction of a second.
        at: DateTime<Utc>,
    },
    /// Again and again.
    Repeat(Repeat),
}

impl Schedule {
    /// Returns the instant from which on it can be submitted no more: the time itself, and the end of the first day of what
    /// repeats, or its last time where that is on the first day; nothing for an immediate push.
    #[must_use]
    pub fn lapses_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Now => None,
            Self::Once { at } => Some(*at),
            Self::Repeat(repeat) => {
                let day_over = repeat.from.checked_add_days(Days::new(1)).map(midnight)?;
                let just_before = |at: DateTime<Utc>| at - TimeDelta::seconds(1);
                if self.firing_times_after(just_before(day_over)).next().is_some() {
                    return Some(day_over);
                }
                let only = self.firing_times_after(just_before(repeat.starts_at())).next();
                // What never happens can never be submitted.
                Some(only.unwrap_or(DateTime::<Utc>::MIN_UTC))
            }
        }
    }

    /// Returns the instant after which the vendor has executed the task for good; nothing for an immediate push.
    #[must_use]
    pub fn over_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Now => None,
            Self::Once { at } => Some(*at),
            Self::Repeat(repeat) => Some(repeat.over_at()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn days_are_midnights_in_utc_plus_8() {
        let repeat =
            Repeat::new(Cycle::daily(), NaiveTime::MIN, day("2021-12-31"), day("2022-12-31")).unwrap();
        // The vendor's own example values: startTime 1640966400000 is 2022-01-01, endTime 1672416000000 is 2022-12-31.
        assert_eq!(repeat.starts_at().timestamp_millis(), 1_640_966_400_000 - 86_400_000);
        assert_eq!(repeat.ends_on().timestamp_millis(), 1_672_416_000_000);
        assert_eq!(repeat.over_at().timestamp_millis(), 1_672_416_000_000 + 86_400_000);
    }

    #[test]
    fn a_cycle_needs_days_that_exist() {
        assert_eq!(Cycle::weekly(BTreeSet::new()), Err(InvalidCycle::NoDays));
        assert_eq!(Cycle::weekly([0].into()), Err(InvalidCycle::OutOfRange { day: 0, last: 7 }));
        assert_eq!(Cycle::weekly([8].into()), Err(InvalidCycle::OutOfRange { day: 8, last: 7 }));
        assert_eq!(Cycle::monthly([1, 32].into()), Err(InvalidCycle::OutOfRange { day: 32, last: 31 }));
        assert!(Cycle::monthly([1, 31].into()).is_ok());
    }

    #[test]
    fn a_series_lapses_with_its_first_day_or_with_its_last_time() {
        let lapses = |cycle, until: &str| {
            let time = NaiveTime::from_hms_opt(7, 0, 0).unwrap();
            let repeat = Repeat::new(cycle, time, day("2026-11-24"), day(until)).unwrap();
            Schedule::Repeat(repeat).lapses_at().unwrap().to_string()
        };
        assert_eq!(lapses(Cycle::daily(), "2026-11-25"), "2026-11-24 16:00:00 UTC");
        assert_eq!(lapses(Cycle::daily(), "2026-11-24"), "2026-11-23 23:00:00 UTC");
        // The 24th is a Tuesday.
        assert_eq!(lapses(Cycle::weekly([2].into()).unwrap(), "2026-11-30"), "2026-11-23 23:00:00 UTC");
        assert_eq!(lapses(Cycle::weekly([2].into()).unwrap(), "2026-12-01"), "2026-11-24 16:00:00 UTC");
        assert_eq!(lapses(Cycle::weekly([1].into()).unwrap(), "2026-11-30"), "2026-11-24 16:00:00 UTC");
        let never = Cycle::weekly([1].into()).unwrap();
        assert_eq!(lapses(never, "2026-11-29"), DateTime::<Utc>::MIN_UTC.to_string());
    }

    #[test]
    fn a_repeat_cannot_end_before_it_starts() {
        assert!(Repeat::new(Cycle::daily(), NaiveTime::MIN, day("2026-01-02"), day("2026-01-01")).is_err());
        assert!(Repeat::new(Cycle::daily(), NaiveTime::MIN, day("2026-01-02"), day("2026-01-02")).is_ok());
    }
}
