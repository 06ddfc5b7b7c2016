//! When a push happens, as a plan says it.

use chrono::{DateTime, NaiveDate, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// When a push happens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "send", rename_all = "snake_case", deny_unknown_fields)]
pub enum ScheduleDocument {
    /// As soon as it is applied, within its window.
    Now {
        /// Not before this time, in UTC.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(example = &"2026-12-15T01:00:00Z")]
        not_before: Option<DateTime<Utc>>,
        /// Not from this time on, in UTC.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(example = &"2026-12-15T04:00:00Z")]
        not_after: Option<DateTime<Utc>>,
    },
    /// Once, at a time.
    Once {
        /// The time, in UTC.
        #[schemars(example = &"2026-12-15T01:00:00Z")]
        at: DateTime<Utc>,
    },
    /// Again and again. Days and time are the vendor's: UTC+8.
    Repeat {
        /// `day`, `week` or `month`.
        #[schemars(example = &"week")]
        every: String,
        /// Days of the week (1 is Monday) or month.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(example = [1, 7])]
        on: Option<Vec<u8>>,
        /// Time of day.
        #[schemars(example = &"13:45:11")]
        time: chrono::NaiveTime,
        /// The first day, in UTC+8.
        #[schemars(example = &"2026-12-01")]
        from: NaiveDate,
        /// The last day, in UTC+8, included.
        #[schemars(example = &"2027-02-28")]
        until: NaiveDate,
    },
}
