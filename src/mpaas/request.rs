//! Two of the push calls, and the two questions about them, as parameters; the third is in `push_multiple`.
//!
//! Names and types are those of the vendor's SDK for 2020-10-28 and of requests seen on the wire: its pages
//! print them with a small first letter, and a small `k` stays in `TargetMsgkey` and `Msgkey`.

use std::collections::BTreeMap;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::domain::{
    ActivityEvent, Broadcast, Call, Campaign, Channel, Classification, Environment, JsonObject, LiveActivity,
    Login, MessageKey, Recipients, Schedule, Sms, TargetId, Transparent, Urgency, VendorCategory,
};
use crate::mpaas::encode::sorted_query;
use crate::mpaas::wire_number::{
    self, category_key, circle_type, delivery_type, delivery_type_of_platform, huawei_level, period,
    push_status, sms_strategy, strategy_type,
};

/// A call of the vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Pushes.
    Push(Call),
    /// Lists scheduled and repeating tasks by when they happen.
    QueryPushSchedulerList,
    /// Lists batch and broadcast tasks by name.
    QueryPushAnalysisTaskList,
}

impl Action {
    /// Returns the call's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Push(call) => call.as_str(),
            Self::QueryPushSchedulerList => "QueryPushSchedulerList",
            Self::QueryPushAnalysisTaskList => "QueryPushAnalysisTaskList",
        }
    }
}

/// A request, ready but for what signs it.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// What the wire calls `Action`.
    pub action: Action,
    /// [`Request::form`].
    pub form: Bytes,
    /// [`Request::digest`].
    pub digest: String,
}

impl From<Request> for Prepared {
    fn from(request: Request) -> Self {
        Self { action: request.action, form: request.form().into(), digest: request.digest() }
    }
}

/// One call with its business parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What the wire calls `Action`.
    pub action: Action,
    /// Its parameters by wire name; what is absent is not sent.
    pub parameters: BTreeMap<&'static str, String>,
}

impl Request {
    /// Returns the first 16 bytes of SHA-256 over the call's name and its parameters, in hexadecimal: which
    /// request it was, whatever nonce and time signed it.
    ///
    /// # Panics
    ///
    /// Never: sixteen bytes are thirty-two digits.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut hasher = Sha256::new();
        hasher.update(self.action.as_str());
        for (name, value) in &self.parameters {
            for part in [*name, value] {
                hasher.update((part.len() as u64).to_be_bytes());
                hasher.update(part);
            }
        }
        let mut digits = [0; 32];
        hex::encode_to_slice(&hasher.finalize()[..16], &mut digits)
            .expect("two digits are made of each byte");
        String::from_utf8_lossy(&digits).into_owned()
    }

    /// Returns the parameters as `application/x-www-form-urlencoded`, sorted, as they are signed.
    #[must_use]
    pub fn form(&self) -> String {
        sorted_query(&self.parameters)
    }

    /// Returns the push of a campaign to at most ten targets.
    #[must_use]
    pub fn push_template(
        environment: &Environment,
        campaign: &Campaign,
        task_name: &str,
        targets: &[(&TargetId, MessageKey)],
    ) -> Self {
        let mut form = Form::to_targets(environment, campaign, task_name);
        form.values(campaign);
        form.put("TargetMsgkey", keys_by_target(targets));
        if let Some(sms) = &campaign.sms {
            form.sms(sms);
        }
        if let Some(change) = &campaign.live_activity {
            form.live_activity(change);
        }
        Self { action: Action::Push(Call::Template), parameters: form.0 }
    }

    /// Returns the push of a campaign to everyone on a platform.
    #[must_use]
    pub fn push_broadcast(
        environment: &Environment,
        campaign: &Campaign,
        broadcast: &Broadcast,
        task_name: &str,
        message_key: &MessageKey,
    ) -> Self {
        let mut form = Form::common(environment, campaign, task_name);
        form.values(campaign);
        form.put("DeliveryType", delivery_type_of_platform(broadcast.platform));
        form.put("Msgkey", message_key);
        form.put("PushStatus", push_status(broadcast.login));
        let of_login = match broadcast.login {
            Login::LoggedIn => "BindPeriod",
            Login::All | Login::LoggedOut => "UnBindPeriod",
        };
        form.put_some(of_login, broadcast.within.map(period));
        if let Some(channel) = campaign.channel {
            let android_channel = match channel {
                Channel::SelfBuilt => 1,
                Channel::Default => 2,
            };
            form.put("AndroidChannel", android_channel);
        }
        Self { action: Action::Push(Call::Broadcast), parameters: form.0 }
    }

    /// Returns the question which tasks happen in a window, both ends included; `page` is its number, from
    /// 1, and its rows.
    #[must_use]
    pub fn query_scheduler_list(
        environment: &Environment,
        window: (DateTime<Utc>, DateTime<Utc>),
        page: (usize, usize),
    ) -> Self {
        let mut form = Form::addressed(environment);
        form.put("StartTime", window.0.timestamp_millis());
        form.put("EndTime", window.1.timestamp_millis());
        form.page(page);
        Self { action: Action::QueryPushSchedulerList, parameters: form.0 }
    }

    /// Returns the question which batch and broadcast tasks, of a name or all, were made since a moment; `page` is
    /// its number, from 1, and its rows.
    #[must_use]
    pub fn query_analysis_task_list(
        environment: &Environment,
        task_name: Option<&str>,
        since: DateTime<Utc>,
        page: (usize, usize),
    ) -> Self {
        let mut form = Form::addressed(environment);
        form.put("StartTime", since.timestamp_millis());
        form.put_some("TaskName", task_name);
        form.page(page);
        Self { action: Action::QueryPushAnalysisTaskList, parameters: form.0 }
    }
}

pub(super) struct Form(pub(super) BTreeMap<&'static str, String>);

impl Form {
    #[expect(
        clippy::needless_pass_by_value,
        reason = "numbers and texts alike, without a borrow at each call"
    )]
    pub(super) fn put(&mut self, name: &'static str, value: impl ToString) {
        self.0.insert(name, value.to_string());
    }

    fn put_some(&mut self, name: &'static str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.put(name, value);
        }
    }

    fn addressed(environment: &Environment) -> Self {
        let mut form = Self(BTreeMap::new());
        form.put("AppId", &environment.app_id);
        form.put("WorkspaceId", &environment.workspace_id);
        form.put_some("TenantId", environment.tenant_id.as_ref());
        form
    }

    fn page(&mut self, (number, rows): (usize, usize)) {
        self.put("PageNumber", number);
        self.put("PageSize", rows);
    }

    fn common(environment: &Environment, campaign: &Campaign, task_name: &str) -> Self {
        let mut form = Self::addressed(environment);
        form.put("TaskName", task_name);
        form.put("TemplateName", &campaign.template.name);
        form.put("ExpiredSeconds", campaign.expires_after.seconds());
        if !campaign.extended_params.is_empty() {
            form.put("ExtendedParams", json!(campaign.extended_params));
        }
        form.put("StrategyType", strategy_type(&campaign.schedule));
        form.put_some("StrategyContent", strategy_content(&campaign.schedule));
        form.classification(&campaign.classification);
        if let Some(message) = &campaign.transparent {
            form.transparent(message);
        }
        form
    }

    /// What a push to targets says whichever call carries it: all but the targets, their values and what one call
    /// alone has.
    pub(super) fn to_targets(environment: &Environment, campaign: &Campaign, task_name: &str) -> Self {
        let mut form = Self::common(environment, campaign, task_name);
        if let Recipients::Targets(kind) = campaign.recipients {
            form.put("DeliveryType", delivery_type(kind));
        }
        if let Some(channel) = campaign.channel {
            let notify_type = match channel {
                Channel::Default => "notify",
                Channel::SelfBuilt => "transparent",
            };
            form.put("NotifyType", notify_type);
        }
        form
    }

    fn values(&mut self, campaign: &Campaign) {
        if !campaign.values.is_empty() {
            self.put("TemplateKeyValue", json!(campaign.values));
        }
    }

    fn classification(&mut self, classification: &Classification) {
        let categories = &classification.categories;
        if !categories.is_empty() {
            let codes =
                categories.iter().map(|(vendor, code)| (category_key(*vendor).to_owned(), json!(code)));
            self.put("ThirdChannelCategory", Value::Object(codes.collect()));
        }
        let mut levels = Map::new();
        if let Some(level) = classification.huawei_level {
            levels.insert(category_key(VendorCategory::Huawei).to_owned(), json!(huawei_level(level)));
        }
        if let Some(level) = classification.oppo_level {
            levels.insert(category_key(VendorCategory::Oppo).to_owned(), json!(level.number()));
        }
        if !levels.is_empty() {
            self.put("NotifyLevel", Value::Object(levels));
        }
        self.put_some("Classification", classification.vivo_message_type.map(wire_number::classification));
        self.put_some("MiChannelId", classification.xiaomi_channel_id.as_ref());
        self.put_some("ChannelId", classification.android_channel_id.as_ref());
    }

    fn transparent(&mut self, message: &Transparent) {
        self.put("TransparentMessagePayload", message.payload.as_str());
        let urgency = message.urgency.map(|urgency| match urgency {
            Urgency::High => "HIGH",
            Urgency::Normal => "NORMAL",
        });
        self.put_some("TransparentMessageUrgency", urgency);
    }

    fn sms(&mut self, sms: &Sms) {
        self.put("SmsStrategy", sms_strategy(sms.strategy));
        self.put("SmsSignName", &sms.sign_name);
        self.put("SmsTemplateCode", &sms.template_code);
        self.put("SmsTemplateParam", json!(sms.params));
    }

    fn live_activity(&mut self, change: &LiveActivity) {
        self.put_some("ActivityContentState", change.state.as_ref().map(JsonObject::as_str));
        match change.event {
            ActivityEvent::Update => self.put("ActivityEvent", "update"),
            ActivityEvent::End { dismiss_at } => {
                self.put("ActivityEvent", "end");
                self.put_some("DismissalDate", dismiss_at.map(|at| at.timestamp()));
            }
        }
    }
}

/// Returns a JSON object of message keys by target.
fn keys_by_target(targets: &[(&TargetId, MessageKey)]) -> String {
    let mut text = Vec::with_capacity(targets.len() * 64);
    text.push(b'{');
    for (id, key) in targets {
        if text.len() > 1 {
            text.push(b',');
        }
        serde_json::to_writer(&mut text, id.as_str()).expect("texts are what JSON can hold");
        // A key is made of digits.
        text.extend_from_slice(b":\"");
        text.extend_from_slice(key.as_str().as_bytes());
        text.push(b'"');
    }
    text.push(b'}');
    String::from_utf8(text).expect("JSON is text")
}

fn strategy_content(schedule: &Schedule) -> Option<Value> {
    match schedule {
        Schedule::Now => None,
        Schedule::Once { at } => Some(json!({ "fixedTime": at.timestamp_millis() })),
        Schedule::Repeat(repeat) => {
            let mut content = json!({
                "startTime": repeat.starts_at().timestamp_millis(),
                "endTime": repeat.ends_on().timestamp_millis(),
                "circleType": circle_type(repeat.cycle()),
            });
            if let Some(days) = repeat.cycle().days() {
                content["circleValue"] = json!(days);
            }
            content["time"] = json!(repeat.time().format("%H:%M:%S").to_string());
            Some(content)
        }
    }
}
