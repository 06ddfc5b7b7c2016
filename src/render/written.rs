//! A campaign's content as its YAML says it: names for the vendor's codes, lengths of time, times in the project's zone.
//!
//! A plan's document and the ledger have the canonical words; the vendor's own numbers are for `explain`.

use chrono::{DateTime, Offset};
use chrono_tz::Tz;
use serde_json::{Map, Value};

use crate::domain::{VENDOR_OFFSET_SECONDS, VendorCategory, vendor_zone};

const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// Returns a content in the words of the YAML. What it does not know stays as it is.
pub(super) fn as_written(content: &Map<String, Value>, zone: Tz) -> Map<String, Value> {
    let entry = |(key, value): (&String, &Value)| match (key.as_str(), value) {
        ("expires_after_seconds", Value::Number(seconds)) => {
            ("expires_after".to_owned(), length(seconds.as_u64().unwrap_or_default()).into())
        }
        ("strategy", Value::Object(strategy)) => (key.clone(), strategy_of(strategy, zone).into()),
        ("classification", Value::Object(vendors)) => (key.clone(), classification_of(vendors).into()),
        ("live_activity", Value::Object(change)) => (key.clone(), with_times(change, zone).into()),
        _ => (key.clone(), value.clone()),
    };
    content.iter().map(entry).collect()
}

/// Returns a length of time as most people write it: in days from two on, where they are whole.
pub(super) fn length(seconds: u64) -> String {
    const DAY: u64 = 24 * 60 * 60;
    if seconds >= 2 * DAY && seconds.is_multiple_of(DAY) {
        return format!("{}d", seconds / DAY);
    }
    let parts = [(seconds / 3600, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")];
    let parts = parts.into_iter().filter(|(count, _)| *count > 0);
    parts.map(|(count, unit)| format!("{count}{unit}")).collect::<Vec<_>>().join(" ")
}

fn strategy_of(strategy: &Map<String, Value>, zone: Tz) -> Map<String, Value> {
    let is_weekly = strategy.get("every").and_then(Value::as_str) == Some("week");
    let mut written = with_times(strategy, zone);
    if let Some(Value::Array(days)) = written.get_mut("on").filter(|_| is_weekly) {
        for day in days {
            let place = day.as_u64().and_then(|day| usize::try_from(day).ok()?.checked_sub(1));
            if let Some(name) = place.and_then(|place| WEEKDAYS.get(place)) {
                *day = (*name).into();
            }
        }
    }
    written
}

fn with_times(entries: &Map<String, Value>, zone: Tz) -> Map<String, Value> {
    let entry = |(key, value): (&String, &Value)| {
        let written = match (key.as_str(), value.as_str()) {
            ("at" | "dismiss_at", Some(at)) => instant(at, zone),
            ("time", Some(time)) => {
                time.strip_suffix("+08:00").filter(|_| is_vendors(zone)).map(str::to_owned)
            }
            _ => None,
        };
        (key.clone(), written.map_or_else(|| value.clone(), Value::from))
    };
    entries.iter().map(entry).collect()
}

fn instant(text: &str, zone: Tz) -> Option<String> {
    let at = DateTime::parse_from_rfc3339(text).ok()?;
    let local = at.with_timezone(&zone);
    if local.offset().fix().local_minus_utc() == VENDOR_OFFSET_SECONDS {
        return Some(local.to_rfc3339());
    }
    Some(format!("{} ({})", local.to_rfc3339(), at.with_timezone(&vendor_zone()).to_rfc3339()))
}

/// Whether a zone's clocks always show what the vendor's show, as far as a time of day can say.
fn is_vendors(zone: Tz) -> bool {
    zone == Tz::Asia__Shanghai
}

fn classification_of(vendors: &Map<String, Value>) -> Map<String, Value> {
    let entry = |(vendor, keys): (&String, &Value)| {
        let known = VendorCategory::ALL.into_iter().find(|known| known.as_str() == vendor);
        let mut keys = keys.clone();
        let name = known.zip(keys.get("category").and_then(Value::as_str));
        if let Some(name) = name.and_then(|(known, code)| known.name_of(code)) {
            keys["category"] = name.into();
        }
        if let Some(level) =
            keys.get("level").and_then(Value::as_str).and_then(|level| level.parse::<u8>().ok())
        {
            keys["level"] = level.into();
        }
        (vendor.clone(), keys)
    };
    vendors.iter().map(entry).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn written(content: Value, zone: Tz) -> Value {
        let Value::Object(content) = content else { panic!("{content}") };
        Value::Object(as_written(&content, zone))
    }

    #[test]
    fn what_was_written_is_what_is_shown() {
        let content = json!({
            "classification": { "huawei": { "category": "14", "level": "normal" }, "oppo": { "level": "16" },
                "xiaomi": { "category": "77" } },
            "strategy": { "send": "once", "at": "2026-12-15T01:00:00+00:00" },
            "expires_after_seconds": 43_200,
        });
        let expected = json!({
            "classification": { "huawei": { "category": "marketing", "level": "normal" }, "oppo": { "level": 16 },
                "xiaomi": { "category": "77" } },
            "strategy": { "send": "once", "at": "2026-12-15T09:00:00+08:00" },
            "expires_after": "12h",
        });
        assert_eq!(written(content, Tz::Asia__Shanghai), expected);
    }

    #[test]
    fn a_length_of_time_is_written_as_people_do() {
        let written = [300, 9000, 43_200, 86_400, 90_061, 604_800].map(length);
        assert_eq!(written, ["5m", "2h 30m", "12h", "24h", "25h 1m 1s", "7d"]);
    }

    #[test]
    fn a_time_of_another_zone_has_the_vendors_beside_it() {
        let once = json!({ "strategy": { "send": "once", "at": "2026-12-15T01:00:00+00:00" } });
        let both = "2026-12-15T02:00:00+01:00 (2026-12-15T09:00:00+08:00)";
        assert_eq!(written(once, Tz::Europe__Berlin)["strategy"]["at"], both);
        let weekly = json!({ "strategy": { "every": "week", "on": [1, 7], "time": "09:00:00+08:00" } });
        let shown = written(weekly.clone(), Tz::Asia__Shanghai);
        assert_eq!(
            shown["strategy"],
            json!({ "every": "week", "on": ["monday", "sunday"], "time": "09:00:00" })
        );
        assert_eq!(written(weekly, Tz::Europe__Berlin)["strategy"]["time"], "09:00:00+08:00");
    }
}
