//! Reads back from a recorded content when it happens and what it says.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, NaiveTime};
use serde_json::{Map, Value};

use crate::domain::{
    Classification, Cycle, HuaweiLevel, OppoLevel, Repeat, Schedule, VendorCategory, VivoMessageType, render,
};
use crate::ledger::Content;

impl Content {
    /// Returns when it happens; nothing for a content of a version that wrote it in another way.
    #[must_use]
    pub fn schedule(&self) -> Option<Schedule> {
        let strategy = self.as_map().get("strategy")?;
        let text = |key: &str| strategy[key].as_str();
        match text("send")? {
            "now" => Some(Schedule::Now),
            "once" => {
                let at = DateTime::parse_from_rfc3339(text("at")?).ok()?.to_utc();
                Some(Schedule::Once { at })
            }
            "repeat" => {
                let days: BTreeSet<u8> = match strategy.get("on") {
                    Some(days) => serde_json::from_value(days.clone()).ok()?,
                    None => BTreeSet::new(),
                };
                let cycle = match text("every")? {
                    "day" => Cycle::daily(),
                    "week" => Cycle::weekly(days).ok()?,
                    "month" => Cycle::monthly(days).ok()?,
                    _ => return None,
                };
                let time =
                    NaiveTime::parse_from_str(text("time")?.strip_suffix("+08:00")?, "%H:%M:%S").ok()?;
                let day = |key: &str| text(key)?.parse::<NaiveDate>().ok();
                Some(Schedule::Repeat(Repeat::new(cycle, time, day("from")?, day("until")?).ok()?))
            }
            _ => None,
        }
    }

    /// Returns title and body, first as the template has them, then with the values filled in.
    #[must_use]
    pub fn words(&self) -> [(String, String); 2] {
        let map = self.as_map();
        let text = |key: &str| map.get("template").and_then(|template| template[key].as_str());
        let (title, body) = (text("title").unwrap_or_default(), text("body").unwrap_or_default());
        let values = map.get("values").cloned().unwrap_or(Value::Null);
        let values: BTreeMap<String, String> = serde_json::from_value(values).unwrap_or_default();
        [(title.to_owned(), body.to_owned()), (render(title, &values), render(body, &values))]
    }

    /// Whether it goes to everyone on a platform.
    #[must_use]
    pub fn is_broadcast(&self) -> bool {
        self.as_map().get("audience").is_some_and(Value::is_object)
    }

    /// Returns what kind of targets it goes to: an audience's key, or `broadcast`.
    #[must_use]
    pub fn recipients(&self) -> String {
        self.as_map().get("audience").and_then(Value::as_str).unwrap_or("broadcast").to_owned()
    }
}

/// Returns how vendors shall treat what a content says; nothing for one that says it in another way.
#[must_use]
pub fn classification_of(content: &Map<String, Value>) -> Option<Classification> {
    let mut found = Classification::default();
    let Some(vendors) = content.get("classification") else { return Some(found) };
    let text = |vendor: &str, key: &str| match &vendors[vendor][key] {
        Value::Null => Some(None),
        Value::String(text) => Some(Some(text.as_str())),
        _ => None,
    };
    for vendor in VendorCategory::ALL {
        let code = text(vendor.as_str(), "category")?;
        found.categories.extend(code.map(|code| (vendor, code.to_owned())));
    }
    found.huawei_level = match text("huawei", "level")? {
        None => None,
        Some("low") => Some(HuaweiLevel::Low),
        Some("normal") => Some(HuaweiLevel::Normal),
        Some(_) => return None,
    };
    if let Some(level) = text("oppo", "level")? {
        found.oppo_level = Some(OppoLevel::of(level.parse().ok()?)?);
    }
    found.vivo_message_type = match text("vivo", "message_type")? {
        None => None,
        Some("operational") => Some(VivoMessageType::Operational),
        Some("system") => Some(VivoMessageType::System),
        Some(_) => return None,
    };
    found.xiaomi_channel_id = text("xiaomi", "channel_id")?.map(str::to_owned);
    found.android_channel_id = text("android", "channel_id")?.map(str::to_owned);
    Some(found)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::domain::{Campaign, Template, testing};

    #[test]
    fn a_classification_is_read_back_as_it_was() {
        let every = Classification {
            categories: VendorCategory::ALL.into_iter().map(|vendor| (vendor, "9".to_owned())).collect(),
            huawei_level: Some(HuaweiLevel::Low),
            oppo_level: Some(OppoLevel::Everything),
            vivo_message_type: Some(VivoMessageType::Operational),
            xiaomi_channel_id: Some("x".to_owned()),
            android_channel_id: Some("a".to_owned()),
        };
        for classification in [every, Classification::default()] {
            let campaign = Campaign { classification: classification.clone(), ..campaign(Schedule::Now) };
            let content = Content::of(&campaign);
            assert_eq!(classification_of(content.as_map()), Some(classification));
        }
        for odd in
            [r#"{"oppo":{"level":"3"}}"#, r#"{"huawei":{"level":1}}"#, r#"{"vivo":{"message_type":"x"}}"#]
        {
            let content = [("classification".to_owned(), serde_json::from_str(odd).unwrap())];
            assert_eq!(classification_of(&content.into_iter().collect()), None, "{odd}");
        }
    }

    /// A campaign's content, with one value, to users.
    pub(in crate::ledger) fn content(schedule: Schedule) -> Content {
        Content::of(&campaign(schedule))
    }

    /// A campaign with one value, to users.
    pub(in crate::ledger) fn campaign(schedule: Schedule) -> Campaign {
        let template = Template { name: "t".parse().unwrap(), title: "Hi #name#".into(), body: "B".into() };
        let values = [("name".to_owned(), "Li".to_owned())].into();
        Campaign { template, values, schedule, ..testing::campaign() }
    }

    #[test]
    fn every_schedule_is_read_back_as_it_was() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let repeat = |cycle| {
            let time = NaiveTime::from_hms_opt(13, 45, 11).unwrap();
            Schedule::Repeat(Repeat::new(cycle, time, day("2026-12-01"), day("2027-02-28")).unwrap())
        };
        for schedule in [
            Schedule::Now,
            Schedule::Once { at: "2026-12-15T01:00:00Z".parse().unwrap() },
            repeat(Cycle::daily()),
            repeat(Cycle::weekly([1, 7].into()).unwrap()),
            repeat(Cycle::monthly([1, 31].into()).unwrap()),
        ] {
            assert_eq!(content(schedule.clone()).schedule(), Some(schedule));
        }
    }

    /// Old ledgers hang on it: a campaign that says nothing of values of its own or of a call has the digest it had before
    /// there were any.
    #[test]
    fn the_digest_of_a_content_stays_what_it_was() {
        // printf '%s' '{"template":{"name":"t","title":"Hi #name#","body":"B"},"values":{"name":"Li"},"audience":"users",
        // "strategy":{"send":"now"},"expires_after_seconds":60}' (on one line) | sha256sum
        let expected = "sha256:d9f69974c8fdc384783323e3632460206a4cfa01352b68c93c8039c128ce7f8a";
        assert_eq!(content(Schedule::Now).digest().to_string(), expected);
    }

    #[test]
    fn words_come_with_placeholders_and_with_values() {
        let [template, filled] = content(Schedule::Now).words();
        assert_eq!(template, ("Hi #name#".to_owned(), "B".to_owned()));
        assert_eq!(filled, ("Hi Li".to_owned(), "B".to_owned()));
    }
}
