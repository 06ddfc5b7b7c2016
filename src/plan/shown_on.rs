//! On which phones a campaign shows, and how: read from its content, which says to whom it goes and how vendors shall treat it.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::domain::{Phones, Platform, ShowingRule, ShownMessage, TargetKind, render};
use crate::ledger::classification_of;
use crate::plan::document::{ChangeDocument, MessageDocument};
use crate::plan::widest::ValueLengthDocument;

impl ChangeDocument {
    /// Returns a rule for each vendor's phones that it may reach; nothing where a plan does not have its content, or has it in words
    /// that nobody knows.
    #[must_use]
    pub fn shown_on(&self) -> Vec<&'static ShowingRule> {
        let Some(content) = &self.content else { return Vec::new() };
        let Some(classification) = classification_of(content) else { return Vec::new() };
        let passed_through = passed_through(content);
        let message = ShownMessage {
            classification: &classification,
            is_self_built: content.get("channel").and_then(Value::as_str) == Some("self_built"),
            passed_through: &passed_through,
        };
        reached(&self.recipients, content).iter().map(|phones| message.on(*phones)).collect()
    }

    /// Returns its message as it is at its longest: each value of a target's own masked, title and body each by the row that makes it
    /// the widest.
    #[must_use]
    pub fn longest_message(&self) -> Option<MessageDocument> {
        let (message, widest) = (self.message.as_ref()?, self.widest.as_ref());
        let filled = |text: &str, values: Option<&BTreeMap<String, ValueLengthDocument>>| {
            let masks = values.into_iter().flatten().map(|(name, length)| (name.clone(), length.mask()));
            render(text, &masks.collect())
        };
        Some(MessageDocument {
            title: filled(&message.title, widest.map(|widest| &widest.title)),
            body: filled(&message.body, widest.map(|widest| &widest.body)),
        })
    }
}

fn reached(recipients: &str, content: &Map<String, Value>) -> &'static [Phones] {
    if let Some(kind) = TargetKind::ALL.into_iter().find(|kind| kind.as_str() == recipients) {
        return Phones::of_targets(kind);
    }
    let platform = content.get("audience").and_then(|audience| audience["broadcast"]["platform"].as_str());
    let known = [Platform::Android, Platform::Ios, Platform::Harmonyos];
    let platform = known.into_iter().find(|known| Some(known.as_str()) == platform);
    platform.map(Phones::of_platform).unwrap_or_default()
}

/// Returns the vendors that get a payload to pass through: the keys of it, which are mPaaS's own (vendor page 2871128).
fn passed_through(content: &Map<String, Value>) -> Vec<Phones> {
    let Some(message) = content.get("transparent") else { return Vec::new() };
    let keys = [("hms", Phones::Huawei), ("honor", Phones::Honor), ("harmonyos", Phones::Harmonyos)];
    let has = |key: &str| message["payload"].get(key).is_some();
    keys.into_iter().filter(|(key, _)| has(key)).map(|(_, phones)| phones).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn names(recipients: &str, content: &Value) -> Vec<String> {
        let content = content.as_object().unwrap();
        let mut change: ChangeDocument = serde_json::from_value(json!({
            "campaign": "a", "revision": 1, "kind": "create", "reason": "r", "call": "PushTemplate",
            "audience": "b", "recipients": recipients, "requests": 1, "first_batch": 1, "audience_digest": "c",
            "push_digest": "d", "schedule": { "send": "now" },
            "declared_at": { "file": "a.yaml", "line": 2 }, "content_digest": "e",
            "targets": { "audience": 1, "repeats": 0, "accepted": 0, "in_doubt": 0, "rejected": 0, "unsent": 1, "to_retry": 0,
                "joined": 0, "left": 0, "to_push": 1 },
        }))
        .unwrap();
        change.content = Some(content.clone());
        change.shown_on().iter().map(|rule| format!("{}: {}", rule.phones.as_str(), rule.words)).collect()
    }

    #[test]
    fn a_campaign_shows_on_the_phones_that_it_reaches() {
        let silent = "drawer only, silent";
        let broadcast = json!({ "audience": { "broadcast": { "platform": "android", "login": "all" } },
            "classification": { "vivo": { "message_type": "operational" } } });
        let found = names("broadcast", &broadcast);
        assert_eq!(found[..4], ["Huawei", "Honor", "Xiaomi", "OPPO"].map(|name| format!("{name}: {silent}")));
        assert!(found[4].starts_with("vivo: in the box"), "{found:?}");
        assert_eq!(names("ios_devices", &json!({})), ["iOS: not known"]);
        assert_eq!(names("live_activities", &json!({})), [""; 0]);
        let through = json!({ "transparent": { "payload": { "harmonyos": {} } } });
        assert_eq!(names("harmonyos_devices", &through), ["HarmonyOS: passed through to the app"]);
        let own = json!({ "channel": "self_built" });
        assert!(names("android_devices", &own).iter().all(|line| line.ends_with("own channel: not known")));
    }

    #[test]
    fn what_nobody_knows_to_read_shows_nowhere() {
        assert_eq!(names("users", &json!({ "classification": { "oppo": { "level": "5" } } })), [""; 0]);
        assert_eq!(
            names("broadcast", &json!({ "audience": { "broadcast": { "platform": "fridge" } } })),
            [""; 0]
        );
    }
}
