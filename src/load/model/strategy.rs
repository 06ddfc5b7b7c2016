//! Strategies as written.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

/// When a push happens: at once, at a time, or repeating.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(tag = "send", rename_all = "snake_case", deny_unknown_fields)]
#[schemars(title = "strategy")]
pub enum StrategySyntax {
    /// As soon as it is applied: wire `StrategyType` 0.
    #[schemars(title = "now")]
    Now {
        /// Nothing is pushed before this time, with an offset or in the project's time zone. An `apply --wait` that runs
        /// then sends it; the vendor is told nothing of it.
        #[serde(default)]
        #[schemars(example = &"2026-12-15T09:00:00+08:00")]
        not_before: Option<String>,
        /// Nothing is pushed from this time on, with an offset or in the project's time zone. A run that reaches it stops.
        #[serde(default)]
        #[schemars(example = &"2026-12-15T12:00:00+08:00")]
        not_after: Option<String>,
        /// How long after its first push a campaign without `not_after` is also sent to who joins its audience: a length
        /// of time, or `always`. Default: the project's `open_for`, else `24h`.
        #[serde(default)]
        #[schemars(example = &"7d", example = &"always")]
        open_for: Option<String>,
    },
    /// Once, at a time: wire `StrategyType` 1.
    #[schemars(title = "once")]
    Once {
        /// The time, accurate to the second, with an offset or in the project's time zone:
        /// wire `StrategyContent` `fixedTime` (milliseconds since 1970).
        #[schemars(example = &"2026-12-15T09:00:00+08:00")]
        at: String,
    },
    /// Again and again: wire `StrategyType` 2.
    #[schemars(title = "repeat")]
    Repeat {
        /// How often: wire `StrategyContent` `circleType`. The numbers (day 1, week 2, month 3) are in no
        /// readable copy of the vendor's page: try it on a test workspace first.
        #[schemars(example = &"week")]
        every: CycleSyntax,
        /// On which days: names or numbers of the week (1 is Monday), numbers of the month; none for `day`.
        /// Wire `StrategyContent` `circleValue`.
        #[serde(default)]
        #[schemars(example = ["monday", "sunday"])]
        on: Option<Vec<DaySyntax>>,
        /// The time of day `HH:MM:SS` in the project's time zone: wire `StrategyContent` `time`, in UTC+8.
        #[schemars(example = &"13:45:11")]
        time: String,
        /// The first day `YYYY-MM-DD`, not before today: wire `StrategyContent` `startTime` (milliseconds
        /// since 1970 of its midnight in UTC+8).
        #[schemars(example = &"2026-12-01")]
        from: String,
        /// The last day `YYYY-MM-DD`, included, at most 180 days from today: wire `StrategyContent` `endTime`.
        #[schemars(example = &"2027-02-28")]
        until: String,
    },
}

/// How often a push repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CycleSyntax {
    /// Every day.
    Day,
    /// Every week, on the days of `on`.
    Week,
    /// Every month, on the days of `on`.
    Month,
}

/// The names of the days of the week, from 1.
pub(crate) const DAY_NAMES: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// A day of a cycle: a name of the week, or a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DaySyntax {
    /// A day of the week by name, 1 (Monday) to 7 (Sunday).
    Weekday(u8),
    /// A day by number, as written.
    Number(i64),
}

impl<'de> Deserialize<'de> for DaySyntax {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DayVisitor)
    }
}

struct DayVisitor;

impl Visitor<'_> for DayVisitor {
    type Value = DaySyntax;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the name of a weekday, or a number")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<DaySyntax, E> {
        let place = DAY_NAMES.iter().position(|name| *name == text);
        let number = place.and_then(|place| u8::try_from(place + 1).ok());
        number.map(DaySyntax::Weekday).ok_or_else(|| E::unknown_variant(text, &DAY_NAMES))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<DaySyntax, E> {
        Ok(DaySyntax::Number(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<DaySyntax, E> {
        Ok(DaySyntax::Number(i64::try_from(number).unwrap_or(i64::MAX)))
    }
}

impl JsonSchema for DaySyntax {
    fn schema_name() -> Cow<'static, str> {
        "Day".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "title": "day",
            "description": "A day of the week by name or number (1 is Monday), or a day of the month by number.",
            "anyOf": [
                { "title": "day of the week", "type": "string", "enum": DAY_NAMES },
                { "title": "number", "type": "integer" },
            ],
        })
    }
}
