//! What a campaign says, as one canonical document: compared by digest, shown as a diff.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::domain::{
    ActivityEvent, Campaign, Channel, Classification, HuaweiLevel, JsonObject, LiveActivity, Recipients,
    Schedule, Sms, SmsStrategy, Template, Transparent, Urgency, VivoMessageType,
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

impl ContentDigest {
    /// Returns the digest of a campaign's content, which is never made for it.
    ///
    /// # Panics
    ///
    /// Never: a content is made of texts, numbers and maps with text keys.
    #[must_use]
    pub fn of(campaign: &Campaign) -> Self {
        Self::of_words(&Words::of(campaign))
    }

    fn of_words(words: &impl Serialize) -> Self {
        let text = serde_json::to_vec(words).expect("a content is made of what JSON can hold");
        Self(format!("sha256:{}", hex::encode(Sha256::digest(text))))
    }
}

impl Content {
    /// Returns the content of a campaign.
    ///
    /// # Panics
    ///
    /// Never: a content is one JSON object.
    #[must_use]
    pub fn of(campaign: &Campaign) -> Self {
        match serde_json::to_value(Words::of(campaign)) {
            Ok(Value::Object(content)) => Self(content),
            other => unreachable!("a content is one JSON object, not {other:?}"),
        }
    }

    /// Returns the digest that two equal contents share.
    ///
    /// # Panics
    ///
    /// Never: a content is made of texts, numbers and maps with text keys.
    #[must_use]
    pub fn digest(&self) -> ContentDigest {
        ContentDigest::of_words(&self.0)
    }

    /// Returns the document.
    #[must_use]
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Returns the document itself.
    #[must_use]
    pub fn into_map(self) -> Map<String, Value> {
        self.0
    }
}

/// A content in the words and the order in which it is written, taken from a campaign as it stands.
#[derive(Serialize)]
struct Words<'a> {
    template: TemplateWords<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    values: Option<&'a BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    values_from: Option<&'a BTreeMap<String, String>>,
    audience: AudienceWords,
    #[serde(skip_serializing_if = "Ordered::is_empty")]
    classification: Ordered<Ordered<&'a str>>,
    strategy: StrategyWords<'a>,
    expires_after_seconds: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    task_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extended_params: Option<&'a BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transparent: Option<TransparentWords>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sms: Option<SmsWords<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    live_activity: Option<LiveActivityWords>,
}

impl<'a> Words<'a> {
    fn of(campaign: &'a Campaign) -> Self {
        let Template { name, title, body } = &campaign.template;
        Self {
            template: TemplateWords { name: name.as_str(), title, body },
            values: given(&campaign.values),
            values_from: given(&campaign.values_from),
            audience: AudienceWords::of(campaign.recipients),
            classification: classification(&campaign.classification),
            strategy: StrategyWords::of(&campaign.schedule),
            expires_after_seconds: campaign.expires_after.seconds(),
            task_name: campaign.task_name.as_deref(),
            extended_params: given(&campaign.extended_params),
            channel: campaign.channel.map(|channel| match channel {
                Channel::Default => "default",
                Channel::SelfBuilt => "self_built",
            }),
            transparent: campaign.transparent.as_ref().map(TransparentWords::of),
            sms: campaign.sms.as_ref().map(SmsWords::of),
            live_activity: campaign.live_activity.as_ref().map(LiveActivityWords::of),
        }
    }
}

/// What is empty is left out.
fn given(entries: &BTreeMap<String, String>) -> Option<&BTreeMap<String, String>> {
    Some(entries).filter(|entries| !entries.is_empty())
}

#[derive(Serialize)]
struct TemplateWords<'a> {
    name: &'a str,
    title: &'a str,
    body: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum AudienceWords {
    Broadcast {
        platform: &'static str,
        login: &'static str,
        within: &'static str,
    },
    #[serde(untagged)]
    Targets(&'static str),
}

impl AudienceWords {
    fn of(recipients: Recipients) -> Self {
        match recipients {
            Recipients::Targets(kind) => Self::Targets(kind.as_str()),
            Recipients::Broadcast(broadcast) => Self::Broadcast {
                platform: broadcast.platform.as_str(),
                login: broadcast.login.as_str(),
                within: broadcast.within.as_str(),
            },
        }
    }
}

/// A mapping in the order in which its entries were put in.
struct Ordered<T>(Vec<(&'static str, T)>);

impl<T> Ordered<T> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T: Serialize> Serialize for Ordered<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

fn classification(classification: &Classification) -> Ordered<Ordered<&str>> {
    let mut vendors: Ordered<Ordered<&str>> = Ordered(Vec::new());
    for (vendor, code) in &classification.categories {
        put(&mut vendors, vendor.as_str(), "category", code);
    }
    if let Some(level) = classification.huawei_level {
        let word = match level {
            HuaweiLevel::Low => "low",
            HuaweiLevel::Normal => "normal",
        };
        put(&mut vendors, "huawei", "level", word);
    }
    if let Some(level) = classification.oppo_level {
        put(&mut vendors, "oppo", "level", level.code());
    }
    if let Some(message_type) = classification.vivo_message_type {
        let word = match message_type {
            VivoMessageType::Operational => "operational",
            VivoMessageType::System => "system",
        };
        put(&mut vendors, "vivo", "message_type", word);
    }
    if let Some(channel) = &classification.xiaomi_channel_id {
        put(&mut vendors, "xiaomi", "channel_id", channel);
    }
    if let Some(channel) = &classification.android_channel_id {
        put(&mut vendors, "android", "channel_id", channel);
    }
    vendors
}

fn put<'a>(vendors: &mut Ordered<Ordered<&'a str>>, vendor: &'static str, key: &'static str, word: &'a str) {
    match vendors.0.iter_mut().find(|(name, _)| *name == vendor) {
        Some((_, entries)) => entries.0.push((key, word)),
        None => vendors.0.push((vendor, Ordered(vec![(key, word)]))),
    }
}

#[derive(Serialize)]
#[serde(tag = "send", rename_all = "snake_case")]
enum StrategyWords<'a> {
    Now,
    Once {
        at: String,
    },
    Repeat {
        every: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        on: Option<&'a BTreeSet<u8>>,
        time: String,
        from: String,
        until: String,
    },
}

impl<'a> StrategyWords<'a> {
    fn of(schedule: &'a Schedule) -> Self {
        match schedule {
            Schedule::Now => Self::Now,
            Schedule::Once { at } => Self::Once { at: at.to_rfc3339() },
            Schedule::Repeat(repeat) => Self::Repeat {
                every: repeat.cycle().as_str(),
                on: repeat.cycle().circle_value(),
                time: format!("{}+08:00", repeat.time().format("%H:%M:%S")),
                from: repeat.from().to_string(),
                until: repeat.until().to_string(),
            },
        }
    }
}

#[derive(Serialize)]
struct TransparentWords {
    payload: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    urgency: Option<&'static str>,
}

impl TransparentWords {
    fn of(message: &Transparent) -> Self {
        let urgency = message.urgency.map(|urgency| match urgency {
            Urgency::High => "high",
            Urgency::Normal => "normal",
        });
        Self { payload: object(&message.payload), urgency }
    }
}

#[derive(Serialize)]
struct SmsWords<'a> {
    strategy: &'static str,
    sign_name: &'a str,
    template_code: &'a str,
    params: &'a BTreeMap<String, String>,
}

impl<'a> SmsWords<'a> {
    fn of(message: &'a Sms) -> Self {
        Self {
            strategy: match message.strategy {
                SmsStrategy::Supplement => "supplement",
                SmsStrategy::Concurrent => "concurrent",
            },
            sign_name: &message.sign_name,
            template_code: &message.template_code,
            params: &message.params,
        }
    }
}

#[derive(Serialize)]
struct LiveActivityWords {
    event: &'static str,
    state: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    dismiss_at: Option<String>,
}

impl LiveActivityWords {
    fn of(change: &LiveActivity) -> Self {
        let (event, dismiss_at) = match change.event {
            ActivityEvent::Update => ("update", None),
            ActivityEvent::End { dismiss_at } => ("end", dismiss_at),
        };
        Self { event, state: object(&change.state), dismiss_at: dismiss_at.map(|at| at.to_rfc3339()) }
    }
}

fn object(text: &JsonObject) -> Value {
    serde_json::from_str(text.as_str()).expect("a JsonObject holds the text of one JSON object")
}
