//! What a campaign says, as one canonical document: compared by digest, shown as a diff.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::domain::{
    ActivityEvent, Campaign, Channel, Classification, HuaweiLevel, JsonObject, LiveActivity, Recipients,
    Schedule, Sms, SmsStrategy, Transparent, Urgency, VivoMessageType,
};

/// SHA-256 over a [`Content`], written `sha256:` and 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ContentDigest(String);

impl fmt::Display for ContentDigest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Everything of a campaign that reaches a phone or decides when: all but its targets, and what their rows say of
/// them. By which call it is sent is no part of it.
///
/// The keys are the words of the YAML, in a fixed order; what is absent is left out, so that a new option
/// does not change the content of campaigns that do not use it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Content(Map<String, Value>);

impl Content {
    /// Returns the content of a campaign.
    #[must_use]
    pub fn of(campaign: &Campaign) -> Self {
        let mut content = Map::new();
        let mut put = |key: &str, value: Value| content.insert(key.to_owned(), value);
        let template = &campaign.template;
        put(
            "template",
            json!({ "name": template.name.as_str(), "title": template.title, "body": template.body }),
        );
        if !campaign.values.is_empty() {
            put("values", json!(campaign.values));
        }
        if !campaign.values_from.is_empty() {
            put("values_from", json!(campaign.values_from));
        }
        put("audience", recipients(campaign.recipients));
        let classification = classification(&campaign.classification);
        if !classification.is_empty() {
            put("classification", Value::Object(classification));
        }
        put("strategy", schedule(&campaign.schedule));
        put("expires_after_seconds", json!(campaign.expires_after.seconds()));
        if let Some(task_name) = &campaign.task_name {
            put("task_name", json!(task_name));
        }
        if !campaign.extended_params.is_empty() {
            put("extended_params", json!(campaign.extended_params));
        }
        if let Some(channel) = campaign.channel {
            let word = match channel {
                Channel::Default => "default",
                Channel::SelfBuilt => "self_built",
            };
            put("channel", json!(word));
        }
        if let Some(message) = &campaign.transparent {
            put("transparent", transparent(message));
        }
        if let Some(message) = &campaign.sms {
            put("sms", sms(message));
        }
        if let Some(change) = &campaign.live_activity {
            put("live_activity", live_activity(change));
        }
        Self(content)
    }

    /// Returns the digest that two equal contents share.
    ///
    /// # Panics
    ///
    /// Never: a content is made of texts, numbers and maps with text keys.
    #[must_use]
    pub fn digest(&self) -> ContentDigest {
        let text = serde_json::to_vec(&self.0).expect("a content is made of what JSON can hold");
        ContentDigest(format!("sha256:{}", hex::encode(Sha256::digest(text))))
    }

    /// Returns the document.
    #[must_use]
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }
}

fn recipients(recipients: Recipients) -> Value {
    match recipients {
        Recipients::Targets(kind) => json!(kind.as_str()),
        Recipients::Broadcast(broadcast) => json!({ "broadcast": {
            "platform": broadcast.platform.as_str(),
            "login": broadcast.login.as_str(),
            "within": broadcast.within.as_str(),
        } }),
    }
}

fn classification(classification: &Classification) -> Map<String, Value> {
    let mut vendors: Map<String, Value> = Map::new();
    let mut put = |vendor: &str, key: &str, value: &str| {
        let entry = vendors.entry(vendor).or_insert_with(|| json!({}));
        entry[key] = json!(value);
    };
    for (vendor, code) in &classification.categories {
        put(vendor.as_str(), "category", code);
    }
    if let Some(level) = classification.huawei_level {
        let word = match level {
            HuaweiLevel::Low => "low",
            HuaweiLevel::Normal => "normal",
        };
        put("huawei", "level", word);
    }
    if let Some(level) = classification.oppo_level {
        put("oppo", "level", level.code());
    }
    if let Some(message_type) = classification.vivo_message_type {
        let word = match message_type {
            VivoMessageType::Operational => "operational",
            VivoMessageType::System => "system",
        };
        put("vivo", "message_type", word);
    }
    if let Some(channel) = &classification.xiaomi_channel_id {
        put("xiaomi", "channel_id", channel);
    }
    if let Some(channel) = &classification.android_channel_id {
        put("android", "channel_id", channel);
    }
    vendors
}

fn schedule(schedule: &Schedule) -> Value {
    match schedule {
        Schedule::Now => json!({ "send": "now" }),
        Schedule::Once { at } => json!({ "send": "once", "at": at.to_rfc3339() }),
        Schedule::Repeat(repeat) => {
            let mut value = json!({ "send": "repeat", "every": repeat.cycle().as_str() });
            if let Some(days) = repeat.cycle().circle_value() {
                value["on"] = json!(days);
            }
            value["time"] = json!(format!("{}+08:00", repeat.time().format("%H:%M:%S")));
            value["from"] = json!(repeat.from().to_string());
            value["until"] = json!(repeat.until().to_string());
            value
        }
    }
}

fn transparent(message: &Transparent) -> Value {
    let mut value = json!({ "payload": object(&message.payload) });
    if let Some(urgency) = message.urgency {
        value["urgency"] = match urgency {
            Urgency::High => json!("high"),
            Urgency::Normal => json!("normal"),
        };
    }
    value
}

fn sms(message: &Sms) -> Value {
    json!({
        "strategy": match message.strategy {
            SmsStrategy::Supplement => "supplement",
            SmsStrategy::Concurrent => "concurrent",
        },
        "sign_name": message.sign_name,
        "template_code": message.template_code,
        "params": message.params,
    })
}

fn live_activity(change: &LiveActivity) -> Value {
    let mut value = match change.event {
        ActivityEvent::Update => json!({ "event": "update" }),
        ActivityEvent::End { .. } => json!({ "event": "end" }),
    };
    value["state"] = object(&change.state);
    if let ActivityEvent::End { dismiss_at: Some(at) } = change.event {
        value["dismiss_at"] = json!(at.to_rfc3339());
    }
    value
}

fn object(text: &JsonObject) -> Value {
    serde_json::from_str(text.as_str()).expect("a JsonObject holds the text of one JSON object")
}
