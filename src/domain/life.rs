//! From when on, and until when, a campaign may be pushed.
//!
//! None of it is content: it decides whether something is pushed now, and never what. A schedule of the vendor's ends by
//! itself; a push that leaves at once needs to be told.

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::Schedule;

/// How long an immediate campaign takes latecomers after its first push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenFor {
    /// So long from its first push on.
    Span(TimeDelta),
    /// Until it is closed.
    Always,
}

impl OpenFor {
    /// What holds where neither the strategy nor the project says anything.
    pub const DEFAULT: Self = Self::Span(TimeDelta::hours(24));

    /// Returns when the time for latecomers is over, by when the first push left.
    #[must_use]
    pub fn ends_at(self, first_push: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self {
            Self::Always => None,
            Self::Span(span) => first_push.checked_add_signed(span),
        }
    }
}

impl Default for OpenFor {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// When a campaign begins and ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Life {
    /// Nothing of an immediate campaign is pushed before.
    pub not_before: Option<DateTime<Utc>>,
    /// Nothing of an immediate campaign is pushed from then on.
    pub not_after: Option<DateTime<Utc>>,
    /// How long an immediate campaign without `not_after` takes latecomers.
    pub open_for: OpenFor,
    /// Until when it is open, whatever else says that it is over.
    pub open_until: Option<DateTime<Utc>>,
    /// Whether it was ended for good.
    pub is_closed: bool,
}

impl Life {
    /// Returns when an immediate campaign begins, if that is still to come.
    #[must_use]
    pub fn opens_at(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.not_before.filter(|at| *at > now)
    }

    /// Returns the instant at which a run stops in the midst of an immediate campaign: one that was written down. Who was
    /// planned while it was open still gets it when `open_for` passes meanwhile.
    #[must_use]
    pub fn stops_at(&self) -> Option<DateTime<Utc>> {
        self.open_until.or(self.not_after)
    }

    /// Returns the instant from which on nothing of a campaign is pushed; nothing if that is not known yet, or never.
    #[must_use]
    pub fn ends_at(&self, schedule: &Schedule, first_push: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
        match schedule {
            Schedule::Now => {
                self.stops_at().or_else(|| first_push.and_then(|first| self.open_for.ends_at(first)))
            }
            Schedule::Once { at } => Some(*at),
            // What never happens is over.
            Schedule::Repeat(repeat) => Some(repeat.last_time().unwrap_or(DateTime::<Utc>::MIN_UTC)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: u32) -> DateTime<Utc> {
        format!("2026-12-15T{hour:02}:00:00Z").parse().unwrap()
    }

    #[test]
    fn latecomers_have_a_day_after_the_first_push_if_nobody_says_otherwise() {
        let life = Life::default();
        assert_eq!(life.ends_at(&Schedule::Now, None), None);
        assert_eq!(life.ends_at(&Schedule::Now, Some(at(9))), Some(at(9) + TimeDelta::days(1)));
        let always = Life { open_for: OpenFor::Always, ..life };
        assert_eq!(always.ends_at(&Schedule::Now, Some(at(9))), None);
        let hour = Life { open_for: OpenFor::Span(TimeDelta::hours(1)), ..life };
        assert_eq!(hour.ends_at(&Schedule::Now, Some(at(9))), Some(at(10)));
    }

    #[test]
    fn a_written_end_counts_before_the_time_for_latecomers_and_a_reopening_before_both() {
        let window = Life { not_after: Some(at(12)), open_for: OpenFor::Always, ..Life::default() };
        assert_eq!(window.ends_at(&Schedule::Now, Some(at(9))), Some(at(12)));
        assert_eq!(window.ends_at(&Schedule::Now, None), Some(at(12)));
        let reopened = Life { open_until: Some(at(18)), ..window };
        assert_eq!(reopened.ends_at(&Schedule::Now, Some(at(9))), Some(at(18)));
    }

    #[test]
    fn what_the_vendor_schedules_ends_with_its_last_time() {
        let always = Life { open_for: OpenFor::Always, ..Life::default() };
        assert_eq!(always.ends_at(&Schedule::Once { at: at(9) }, None), Some(at(9)));
    }
}
