//! Campaign files and campaigns.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::load::model::{AudienceSyntax, ClassificationSyntax, StrategySyntax, TemplateSyntax};

/// A campaign file: any of templates, audiences, classifications, strategies and campaigns. Names are
/// global over the workspace, so what campaigns share can live in files of its own.
//
// A map has room for eleven entries from its first one on: boxes keep that room small, of which most files use
// one place.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(title = "campaignctl campaign file")]
pub struct CampaignFile {
    /// Message texts by name.
    #[schemars(example = serde_json::json!({ "payday": { "name": "payday_v1", "title": "Hello #name#", "body": "Your pay is here" } }))]
    pub templates: BTreeMap<String, Box<TemplateSyntax>>,
    /// Who gets a push, by name.
    #[schemars(example = serde_json::json!({ "vips": { "users": { "file": "audiences/vips.csv", "column": "user_id" } } }))]
    pub audiences: BTreeMap<String, Box<AudienceSyntax>>,
    /// How phone vendors treat a message, by name.
    #[schemars(example = serde_json::json!({ "money_moved": { "huawei": { "category": "finance" } } }))]
    pub classifications: BTreeMap<String, Box<ClassificationSyntax>>,
    /// When a push happens, by name.
    #[schemars(example = serde_json::json!({ "payday_morning": { "send": "once", "at": "2026-12-15T09:00:00+08:00" } }))]
    pub strategies: BTreeMap<String, Box<StrategySyntax>>,
    /// The pushes that should exist, by name: 1 to 64 letters, digits, `-`, `_` or `.`. History hangs on
    /// the name: a renamed campaign is a new one and is sent again.
    #[schemars(example = serde_json::json!({ "payday-2026-12": { "template": "payday", "audience": "vips", "strategy": "payday_morning", "expires_after": "5m" } }))]
    pub campaigns: BTreeMap<String, Box<CampaignSyntax>>,
}

/// A push that should exist: template, audience, classification, strategy and values.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "campaign")]
pub struct CampaignSyntax {
    /// Name of the template: its `name` becomes wire `TemplateName`.
    #[schemars(example = &"payday", extend("$comment" = "a campaign has one template: write a campaign for each"))]
    pub template: String,
    /// Name of the audience: wire `DeliveryType` with `TargetMsgkey` or `TargetMsg`, or a broadcast.
    #[schemars(example = &"vips", extend("$comment" = "a campaign has one audience: list all its targets under one name of `audiences:`, or write a campaign for each audience"))]
    pub audience: String,
    /// Name of the classification. Default: everything is left to the phone vendors.
    #[serde(default)]
    #[schemars(example = &"money_moved", extend("$comment" = "a campaign has one classification: list all vendors under one name of `classifications:`"))]
    pub classification: Option<String>,
    /// Name of the strategy: wire `StrategyType` and `StrategyContent`.
    #[schemars(example = &"payday_morning", extend("$comment" = "a campaign has one strategy: write a campaign for each"))]
    pub strategy: String,
    /// The revision, from 1, which is the default. A campaign that was sent is history: raising this number is
    /// the only way to send its changed content.
    #[serde(default)]
    #[schemars(range(min = 1), example = 2)]
    pub revision: Option<u32>,
    /// The last revision whose tasks you deleted in the mPaaS console: an earlier one, or this one. A new revision is
    /// blocked while an earlier one waits at the vendor for its time, as that would be sent as well; this says that it will
    /// not. A withdrawn revision is sent to nobody any more, and the next `apply` puts that on record.
    #[serde(default)]
    #[schemars(range(min = 1), example = 1)]
    pub withdrawn: Option<u32>,
    /// Reopens a campaign that is sent `now`, until this time: with an offset, or in the project's time zone. It counts
    /// before `not_after` and `open_for`.
    #[serde(default)]
    #[schemars(example = &"2026-12-16T18:00:00+08:00")]
    pub open_until: Option<String>,
    /// Ends it for good: it sends nothing, blocks nothing, and stays as history. What the vendor already holds for a time to
    /// come is still sent.
    #[serde(default)]
    #[schemars(example = true)]
    pub closed: bool,
    /// What a review approves of an audience that is another list every night: the words, and at most so many people in all.
    /// Without it, the very list is approved.
    #[serde(default)]
    #[schemars(example = serde_json::json!({ "up_to": 500_000 }))]
    pub reviewed_audience: Option<ReviewedAudienceSyntax>,
    /// What the template's `#placeholder#`s become, the same for every target: wire `TemplateKeyValue`, in
    /// `PushMultiple` that of each `TargetMsg`.
    #[serde(default)]
    #[schemars(example = serde_json::json!({ "name": "Zhang San", "money": "200" }))]
    pub values: BTreeMap<String, String>,
    /// What the template's `#placeholder#`s become for each target of its own: for each placeholder, the column (or
    /// field) of the audience file that holds its values. Wire `TargetMsg.N.TemplateKeyValue`. Sent by
    /// `PushMultiple`; every row of the file must have a value.
    #[serde(default)]
    #[schemars(example = serde_json::json!({ "name": "nickname" }))]
    pub values_from: BTreeMap<String, String>,
    /// Which call sends it to its targets. Default `auto`.
    #[serde(default)]
    #[schemars(example = &"multiple")]
    pub call: Option<CallSyntax>,
    /// How long the vendor keeps trying, in seconds, minutes, hours or days: wire `ExpiredSeconds`, more than 0.
    /// The vendor's maximum is not published.
    #[schemars(example = &"5m", example = &"2h 30m")]
    pub expires_after: String,
    /// The task's name in the console: wire `TaskName`, with `#BATCH` where there are several requests.
    /// Default `PROJECT/ENVIRONMENT/CAMPAIGN@REVISION#BATCH`.
    #[serde(default)]
    #[schemars(length(min = 1), example = &"December payday notice")]
    pub task_name: Option<String>,
    /// Parameters for the app, at most 20: wire `ExtendedParams`. The vendor keeps `notifyType`, `action`,
    /// `silent`, `pushType`, `templateCode`, `channel` and `taskId` for itself.
    #[serde(default)]
    #[schemars(example = serde_json::json!({ "page": "account" }))]
    pub extended_params: BTreeMap<String, String>,
    /// Which Android channel: wire `NotifyType` (`notify`, `transparent`), or `AndroidChannel` (2, 1) on a broadcast.
    #[serde(default)]
    #[schemars(example = &"default")]
    pub channel: Option<ChannelSyntax>,
    /// A message that goes to the app and not to the notification bar.
    #[serde(default)]
    #[schemars(example = serde_json::json!({ "payload": { "huawei": { "data": "x" } }, "urgency": "high" }))]
    pub transparent: Option<TransparentSyntax>,
    /// An SMS beside the push; not on a broadcast.
    #[serde(default)]
    #[schemars(example = serde_json::json!({ "strategy": "supplement", "sign_name": "Acme", "template_code": "SMS_216070269", "params": { "code": "123456" } }))]
    pub sms: Option<SmsSyntax>,
    /// An iOS Live Activity's change; only with `live_activity_tokens` or `live_activities`.
    #[serde(default)]
    #[schemars(example = serde_json::json!({ "event": "update", "state": { "eta_minutes": 12 } }))]
    pub live_activity: Option<LiveActivitySyntax>,
}

/// What a review approves of an audience.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "reviewed audience")]
pub struct ReviewedAudienceSyntax {
    /// Most people that the campaign revision may reach in all, whoever they are.
    #[schemars(range(min = 1), example = 500_000)]
    pub up_to: u64,
}

/// Which call sends a campaign to its targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CallSyntax {
    /// `PushTemplate` for an audience of up to 10 targets, and where an SMS or a Live Activity asks for it;
    /// `PushMultiple` for more, and with `values_from`.
    Auto,
    /// `PushTemplate`: up to 10 targets a request, all with the same values.
    Template,
    /// `PushMultiple`: up to 100 targets a request, with values of their own. No SMS, no Live Activity.
    Multiple,
}

/// Which Android channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChannelSyntax {
    /// The phone vendor's channel where there is one.
    Default,
    /// mPaaS's own connection only.
    SelfBuilt,
}

/// A message that goes to the app and not to the notification bar.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "transparent message")]
pub struct TransparentSyntax {
    /// One object for each phone vendor, `huawei`, `honor`, `fcm` or `harmonyos`: wire `TransparentMessagePayload`
    /// as one JSON string, with the key `hms` for Huawei. What is inside is the app's own affair.
    #[serde(default)]
    #[schemars(example = serde_json::json!({ "huawei": { "data": "x" } }))]
    pub payload: Option<BTreeMap<String, serde_json::Map<String, serde_json::Value>>>,
    /// How urgent it is: wire `TransparentMessageUrgency`. Known to Huawei, Honor and HarmonyOS.
    #[serde(default)]
    #[schemars(example = &"high")]
    pub urgency: Option<UrgencySyntax>,
}

/// How urgent a transparent message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UrgencySyntax {
    /// Wire `HIGH`.
    High,
    /// Wire `NORMAL`.
    Normal,
}

/// An SMS beside the push. The vendor offers it in Hangzhou, outside the finance line.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "SMS")]
pub struct SmsSyntax {
    /// When the SMS goes out: wire `SmsStrategy`, 1 for `supplement`, 2 for `concurrent`. Which number is which
    /// is in no readable copy of the vendor's page: try it on a test workspace first.
    #[schemars(example = &"supplement")]
    pub strategy: SmsStrategySyntax,
    /// The SMS signature: wire `SmsSignName`. Required.
    #[serde(default)]
    #[schemars(length(min = 1), example = &"Acme")]
    pub sign_name: Option<String>,
    /// The SMS template: wire `SmsTemplateCode`. Required.
    #[serde(default)]
    #[schemars(length(min = 1), example = &"SMS_216070269")]
    pub template_code: Option<String>,
    /// The SMS template's values: wire `SmsTemplateParam`. Required; `{}` for a template without any.
    #[serde(default)]
    #[schemars(example = serde_json::json!({ "code": "123456" }))]
    pub params: Option<BTreeMap<String, String>>,
}

/// When an SMS joins the push.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SmsStrategySyntax {
    /// Where the push did not arrive.
    Supplement,
    /// At the same time as the push.
    Concurrent,
}

/// An iOS Live Activity's change.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Live Activity")]
pub struct LiveActivitySyntax {
    /// What happens: wire `ActivityEvent`.
    #[schemars(example = &"update")]
    pub event: ActivityEventSyntax,
    /// The activity's new content, any object: wire `ActivityContentState` as one JSON string. Required with `update`;
    /// with `end`, the last content stays where it is left out.
    #[serde(default)]
    #[schemars(example = serde_json::json!({ "eta_minutes": 12 }))]
    pub state: Option<serde_json::Map<String, serde_json::Value>>,
    /// When an ended activity leaves the lock screen, with an offset or in the project's time zone: wire
    /// `DismissalDate` (seconds since 1970). Only with `end`; without it iOS removes the activity after 4 hours.
    #[serde(default)]
    #[schemars(example = &"2026-12-15T18:00:00+08:00")]
    pub dismiss_at: Option<String>,
}

/// What happens to a Live Activity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActivityEventSyntax {
    /// It gets new content.
    Update,
    /// It ends.
    End,
}
