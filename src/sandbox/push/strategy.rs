//! When a push happens: `StrategyType` and `StrategyContent` (both seed pages).

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeZone, Utc};
use serde_json::Value;

use crate::domain::{REPEAT_DAYS_AHEAD_MAX, vendor_zone};
use crate::sandbox::push::fields::{Fields, malformed};
use crate::sandbox::result_code::Refusal;

/// The strategy of a push, with every moment at which it happens, ascending; none for an immediate one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::sandbox) struct Strategy {
    pub(in crate::sandbox) strategy_type: u8,
    pub(in crate::sandbox) triggers: Vec<DateTime<Utc>>,
}

impl Strategy {
    /// Reads and checks the strategy.
    pub(super) fn read(fields: Fields<'_>, now: DateTime<Utc>) -> Result<Self, Refusal> {
        let strategy_type = fields.one_of("StrategyType", &[0, 1, 2])?.unwrap_or(0);
        if strategy_type == 0 {
            return Ok(Self::default());
        }
        let content = fields
            .map("StrategyContent")?
            .ok_or_else(|| malformed("StrategyContent is required unless StrategyType is 0".to_owned()))?;
        let content = Content(content.into_iter().collect());
        if strategy_type == 1 {
            return Ok(Self { strategy_type: 1, triggers: vec![content.once(now)?] });
        }
        Ok(Self { strategy_type: 2, triggers: content.repeated(now)? })
    }
}

struct Content(BTreeMap<String, Value>);

impl Content {
    fn number(&self, key: &str) -> Result<i64, Refusal> {
        let number = self.0.get(key).and_then(Value::as_i64);
        number.ok_or_else(|| malformed(format!("StrategyContent.{key} is required, a whole number")))
    }

    fn once(&self, now: DateTime<Utc>) -> Result<DateTime<Utc>, Refusal> {
        let at = DateTime::from_timestamp_millis(self.number("fixedTime")?);
        at.filter(|at| *at > now)
            .ok_or_else(|| malformed("StrategyContent.fixedTime is not in the future".to_owned()))
    }

    fn repeated(&self, now: DateTime<Utc>) -> Result<Vec<DateTime<Utc>>, Refusal> {
        let today = now.with_timezone(&vendor_zone()).date_naive();
        let day = |key: &str| {
            day_of(self.number(key)?).ok_or_else(|| malformed(format!("StrategyContent.{key} is no time")))
        };
        let (first, last) = (day("startTime")?, day("endTime")?);
        if first < today {
            return Err(malformed("StrategyContent.startTime is before today in UTC+8".to_owned()));
        }
        if last < first {
            return Err(malformed("StrategyContent.endTime is before startTime".to_owned()));
        }
        if today.checked_add_days(Days::new(REPEAT_DAYS_AHEAD_MAX)).is_some_and(|latest| last > latest) {
            return Err(malformed(format!(
                "StrategyContent.endTime is more than {REPEAT_DAYS_AHEAD_MAX} days after today"
            )));
        }
        let happens_on = self.days()?;
        let time = self.time()?;
        let days = first.iter_days().take_while(|day| *day <= last).filter(|day| happens_on.contains(*day));
        let moments = days.filter_map(|day| vendor_zone().from_local_datetime(&day.and_time(time)).single());
        Ok(moments.map(|at| at.to_utc()).filter(|at| *at > now).collect())
    }

    fn time(&self) -> Result<NaiveTime, Refusal> {
        let time = self.0.get("time").and_then(Value::as_str).filter(|text| text.len() == "HH:mm:ss".len());
        time.and_then(|text| NaiveTime::parse_from_str(text, "%H:%M:%S").ok())
            .ok_or_else(|| malformed("StrategyContent.time is required, as HH:mm:ss".to_owned()))
    }

    /// Reads `circleType` and `circleValue`. What the numbers mean is the project's decision; with every day,
    /// the vendor's samples carry values that can only be ignored.
    fn days(&self) -> Result<Cycle, Refusal> {
        let (last_day, of): (i64, fn(Vec<u32>) -> Cycle) = match self.number("circleType")? {
            1 => return Ok(Cycle::Daily),
            2 => (7, Cycle::Weekly),
            3 => (31, Cycle::Monthly),
            _ => return Err(malformed("StrategyContent.circleType is none of 1, 2, 3".to_owned())),
        };
        let number = |value: &Value| {
            let day = value.as_i64().filter(|day| (1..=last_day).contains(day))?;
            u32::try_from(day).ok()
        };
        let values = self.0.get("circleValue").and_then(Value::as_array).filter(|days| !days.is_empty());
        values.and_then(|days| days.iter().map(number).collect::<Option<Vec<u32>>>()).map(of).ok_or_else(
            || malformed(format!("StrategyContent.circleValue is required, numbers from 1 to {last_day}")),
        )
    }
}

enum Cycle {
    Daily,
    Weekly(Vec<u32>),
    Monthly(Vec<u32>),
}

impl Cycle {
    fn contains(&self, day: NaiveDate) -> bool {
        match self {
            Self::Daily => true,
            Self::Weekly(days) => days.contains(&day.weekday().number_from_monday()),
            Self::Monthly(days) => days.contains(&day.day()),
        }
    }
}

/// Returns the day in UTC+8, the vendor's.
fn day_of(at_ms: i64) -> Option<NaiveDate> {
    let at = DateTime::from_timestamp_millis(at_ms)?;
    at.naive_utc().checked_add_offset(vendor_zone()).map(|local| local.date())
}
