//! How a campaign's content is written: which words, in which order.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::domain::{
    ActivityEvent, Campaign, Channel, Classification, HuaweiLevel, JsonObject, LiveActivity, Recipients,
    Schedule, Sms, SmsStrategy, Template, Transparent, Urgency, VivoMessageType, Within,
};

/// A content in the words and the order in which it is written, taken from a campaign as it stands.
#[derive(Serialize)]
pub(super) struct Words<'a> {
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
    pub(super) fn of(campaign: &'a Campaign) -> Self {
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
        #[serde(skip_serializing_if = "Option::is_none")]
        within: Option<&'static str>,
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
                within: broadcast.within.map(Within::as_str),
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
        put(&mut vendors, "oppo", "level", level.number());
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
                on: repeat.cycle().days(),
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
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dismiss_at: Option<String>,
}

impl LiveActivityWords {
    fn of(change: &LiveActivity) -> Self {
        let (event, dismiss_at) = match change.event {
            ActivityEvent::Update => ("update", None),
            ActivityEvent::End { dismiss_at } => ("end", dismiss_at),
        };
        let state = change.state.as_ref().map(object);
        Self { event, state, dismiss_at: dismiss_at.map(|at| at.to_rfc3339()) }
    }
}

fn object(text: &JsonObject) -> Value {
    serde_json::from_str(text.as_str()).expect("a JsonObject holds the text of one JSON object")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{OppoLevel, TargetKind, VendorCategory};
    use crate::ledger::content_decode::tests::campaign;
    use crate::ledger::{Content, ContentDigest};

    fn everything() -> Campaign {
        let object = |text: &str| JsonObject::from_serialised(text.to_owned());
        Campaign {
            classification: Classification {
                categories: vec![(VendorCategory::Oppo, "IM".to_owned())],
                huawei_level: Some(HuaweiLevel::Low),
                oppo_level: Some(OppoLevel::Bar),
                android_channel_id: Some("a".to_owned()),
                ..Classification::default()
            },
            task_name: Some("发薪\"".to_owned()),
            extended_params: [("page".to_owned(), "/a".to_owned())].into(),
            channel: Some(Channel::SelfBuilt),
            transparent: Some(Transparent {
                payload: object(r#"{"b":1,"a":[2.5]}"#),
                urgency: Some(Urgency::High),
            }),
            live_activity: Some(LiveActivity { event: ActivityEvent::Update, state: Some(object("{}")) }),
            recipients: Recipients::Targets(TargetKind::LiveActivity),
            ..campaign(Schedule::Once { at: "2026-12-15T01:00:00Z".parse().unwrap() })
        }
    }

    /// Ledgers hang on every byte of it.
    #[test]
    fn the_words_of_a_content_stand_in_the_order_they_always_had() {
        let text = serde_json::to_string(&Content::of(&everything())).unwrap();
        assert_eq!(
            text,
            concat!(
                r##"{"template":{"name":"t","title":"Hi #name#","body":"B"},"values":{"name":"Li"},"##,
                r#""audience":"live_activities","classification":{"oppo":{"category":"IM","level":"1"},"#,
                r#""huawei":{"level":"low"},"android":{"channel_id":"a"}},"#,
                r#""strategy":{"send":"once","at":"2026-12-15T01:00:00+00:00"},"expires_after_seconds":60,"#,
                r#""task_name":"发薪\"","extended_params":{"page":"/a"},"channel":"self_built","#,
                r#""transparent":{"payload":{"b":1,"a":[2.5]},"urgency":"high"},"#,
                r#""live_activity":{"event":"update","state":{}}}"#
            )
        );
    }

    #[test]
    fn a_digest_is_the_contents_own_whether_it_was_made_or_read() {
        let made = Content::of(&everything());
        let text = serde_json::to_string(&made).unwrap();
        let read: Content = serde_json::from_str(&text).unwrap();
        assert_eq!(ContentDigest::of(&everything()), made.digest());
        assert_eq!((read.digest(), &read), (made.digest(), &made));
        assert_ne!(made, Content::of(&campaign(Schedule::Now)));
    }
}
