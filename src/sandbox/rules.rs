//! The push service's own rules about a push call, with its documented codes.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::domain::{EXTENDED_PARAMS_MAX, EXTENDED_PARAMS_RESERVED, placeholders};
use crate::sandbox::call::Call;
use crate::sandbox::push::Delivery;
use crate::sandbox::reply::{GatewayError, Refusal};
use crate::sandbox::scheduler::{self, Timing};

/// Why a call was not taken, and by whom.
#[derive(Clone, Debug)]
pub(super) enum Refused {
    Gateway(GatewayError),
    Service(Refusal),
}

impl From<GatewayError> for Refused {
    fn from(error: GatewayError) -> Self {
        Self::Gateway(error)
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self::Service(refusal)
    }
}

/// The four push calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Simple,
    Template,
    Multiple,
    Broadcast,
}

impl Kind {
    pub(super) fn of(action: &str) -> Option<Self> {
        match action {
            "PushSimple" => Some(Self::Simple),
            "PushTemplate" => Some(Self::Template),
            "PushMultiple" => Some(Self::Multiple),
            "PushBroadcast" => Some(Self::Broadcast),
            _ => None,
        }
    }

    /// The number that the list of scheduled tasks gives (vendor page 2871132).
    pub(super) fn number(self) -> u8 {
        match self {
            Self::Simple => 0,
            Self::Template => 1,
            Self::Multiple => 2,
            Self::Broadcast => 3,
        }
    }

    fn delivery_types(self) -> &'static [u8] {
        match self {
            Self::Simple | Self::Template => &[1, 2, 3, 5, 6, 7],
            Self::Multiple => &[1, 2, 3, 7],
            Self::Broadcast => &[1, 2, 7],
        }
    }
}

/// A registered template.
#[derive(Clone, Debug)]
pub(super) struct Template {
    pub(super) title: String,
    pub(super) body: String,
}

/// A push call that breaks no rule.
#[derive(Clone, Debug)]
pub(super) struct Sound {
    pub(super) kind: Kind,
    pub(super) delivery_type: u8,
    pub(super) targets: Vec<Delivery>,
    pub(super) timing: Timing,
    pub(super) title: String,
    pub(super) body: String,
}

/// Holds a push call against every rule.
pub(super) fn check(
    call: &Call,
    kind: Kind,
    templates: &BTreeMap<String, Template>,
    now: DateTime<Utc>,
) -> Result<Sound, Refused> {
    required(call, "AppId")?;
    required(call, "WorkspaceId")?;
    let delivery_type = delivery_type(call, kind)?;
    expiry(call)?;
    if matches!(kind, Kind::Template | Kind::Broadcast) && call.text("TaskName").is_none() {
        return Err(Refusal::new("3019", "TASKNAME_NULL", "TaskName is empty").into());
    }
    let (title, body) = message(call, kind, templates)?;
    let targets = match kind {
        Kind::Simple | Kind::Template => listed_targets(call, delivery_type)?,
        Kind::Multiple => multiple_targets(call, delivery_type)?,
        Kind::Broadcast => vec![broadcast_target(call, delivery_type)?],
    };
    extended_params(call, "ExtendedParams", EXTENDED_PARAMS_MAX, ("3035", "EXTEND_PARAM_TO_MUCH"))?;
    choices(call)?;
    if matches!(kind, Kind::Simple | Kind::Template) {
        sms(call)?;
    }
    let timing = scheduler::timing(call, now)?;
    Ok(Sound { kind, delivery_type, targets, timing, title, body })
}

fn required<'a>(call: &'a Call, name: &str) -> Result<&'a str, GatewayError> {
    call.text(name).ok_or_else(|| GatewayError::missing(name))
}

fn delivery_type(call: &Call, kind: Kind) -> Result<u8, Refused> {
    let text = required(call, "DeliveryType")?;
    let known: Option<u8> = text.parse().ok().filter(|number| [1, 2, 3, 5, 6, 7].contains(number));
    let unsupported = || Refusal::new("3009", "DELIVERY_TYPE_NOT_SUPPORTED", format!("DeliveryType {text}"));
    let number = known.ok_or_else(unsupported)?;
    if kind.delivery_types().contains(&number) {
        Ok(number)
    } else if kind == Kind::Broadcast {
        Err(Refusal::new("3030", "BROADCAST_ONLY_SUPPORT_BY_DEVICE", format!("DeliveryType {text}")).into())
    } else {
        Err(unsupported().into())
    }
}

fn expiry(call: &Call) -> Result<(), Refused> {
    let text = required(call, "ExpiredSeconds")?;
    match text.parse::<u64>() {
        Ok(seconds) if seconds > 0 => Ok(()),
        _ => Err(Refusal::new("3020", "EXPIREDSECONDS_WRONG", format!("ExpiredSeconds {text}")).into()),
    }
}

/// The title and body as a phone would show them, as far as they are known here.
fn message(
    call: &Call,
    kind: Kind,
    templates: &BTreeMap<String, Template>,
) -> Result<(String, String), Refused> {
    if kind == Kind::Simple {
        return Ok((required(call, "Title")?.to_owned(), required(call, "Content")?.to_owned()));
    }
    let name = required(call, "TemplateName")?;
    let values = text_map(call, "TemplateKeyValue")?;
    if templates.is_empty() {
        return Ok((name.to_owned(), String::new()));
    }
    let Some(template) = templates.get(name) else {
        return Err(Refusal::new("3022", "TEMPLATE_NOT_EXIST", format!("no template {name}")).into());
    };
    for text in [&template.title, &template.body] {
        if let Some((missing, _)) = placeholders(text).iter().find(|(name, _)| !values.contains_key(*name)) {
            return Err(
                Refusal::new("3023", "TEMPLATEKV_NOT_ENOUGH", format!("no value for #{missing}#")).into()
            );
        }
    }
    let fill = |text: &str| crate::domain::render(text, &values);
    Ok((fill(&template.title), fill(&template.body)))
}

fn object(call: &Call, name: &str) -> Result<Map<String, Value>, Refusal> {
    match call.value(name) {
        None => Ok(Map::new()),
        Some(Ok(Value::Object(entries))) => Ok(entries),
        Some(_) => Err(Refusal::invalid(format!("{name} is no JSON object"))),
    }
}

fn text_map(call: &Call, name: &str) -> Result<BTreeMap<String, String>, Refusal> {
    let entries = object(call, name)?.into_iter();
    let text = |value: Value| match value {
        Value::String(text) => Some(text),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    };
    let pairs: Option<_> = entries.map(|(key, value)| Some((key, text(value)?))).collect();
    pairs.ok_or_else(|| Refusal::invalid(format!("{name} holds something that is no text")))
}

fn listed_targets(call: &Call, delivery_type: u8) -> Result<Vec<Delivery>, Refused> {
    required(call, "TargetMsgkey")?;
    let targets = text_map(call, "TargetMsgkey")?;
    counted(targets.len(), 10)?;
    let delivery = |(target, message_key)| Delivery { delivery_type, target, message_key };
    whole(targets.into_iter().map(delivery).collect())
}

fn multiple_targets(call: &Call, delivery_type: u8) -> Result<Vec<Delivery>, Refused> {
    let targets = match call.value("TargetMsg") {
        Some(Ok(Value::Array(targets))) => targets,
        Some(_) => return Err(Refusal::invalid("TargetMsg is no list").into()),
        None => return Err(GatewayError::missing("TargetMsg").into()),
    };
    counted(targets.len(), 100)?;
    let mut deliveries = Vec::new();
    for target in &targets {
        let text = |key: &str| target.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let inner = text("ExtendedParams");
        if !inner.is_empty() {
            let inner: Map<String, Value> = serde_json::from_str(&inner)
                .map_err(|_| Refusal::invalid("ExtendedParams of a target is no JSON object"))?;
            if inner.len() >= 10 {
                let why = format!("{} parameters for one target", inner.len());
                return Err(Refusal::new("3049", "MULTIPLE_INNER_EXTEND_PARAM_TO_MUCH", why).into());
            }
        }
        deliveries.push(Delivery { delivery_type, target: text("Target"), message_key: text("MsgKey") });
    }
    whole(deliveries)
}

fn counted(count: usize, most: usize) -> Result<(), Refusal> {
    match count {
        0 => Err(Refusal::new("3021", "TOKEN_OR_USERID_NULL", "no target")),
        count if count > most => Err(Refusal::new(
            "3029",
            "SINGLE_PUSH_TARGET_TOO_MUCH",
            format!("{count} targets, at most {most}"),
        )),
        _ => Ok(()),
    }
}

fn whole(deliveries: Vec<Delivery>) -> Result<Vec<Delivery>, Refused> {
    if deliveries.iter().any(|delivery| delivery.target.is_empty() || delivery.message_key.is_empty()) {
        return Err(
            Refusal::new("3021", "TOKEN_OR_USERID_NULL", "a target or its message key is empty").into()
        );
    }
    Ok(deliveries)
}

fn broadcast_target(call: &Call, delivery_type: u8) -> Result<Delivery, Refused> {
    let message_key = required(call, "Msgkey")?.to_owned();
    let status = choice(call, "PushStatus", &["0", "1", "2"])?;
    let (bind, unbind) = (
        choice(call, "BindPeriod", &["1", "2", "3", "4"])?,
        choice(call, "UnBindPeriod", &["1", "2", "3", "4"])?,
    );
    // The older versions have no BindPeriod, and their samples go without either.
    let is_current = call.parameters.get("Version").is_some_and(|version| version == "2020-10-28");
    match status {
        Some("0") if is_current && bind.is_none() => return Err(GatewayError::missing("BindPeriod").into()),
        Some("1" | "2") if unbind.is_none() => return Err(GatewayError::missing("UnBindPeriod").into()),
        _ => {}
    }
    let target = match delivery_type {
        1 => "android",
        2 => "ios",
        _ => "harmonyos",
    };
    Ok(Delivery { delivery_type, target: target.to_owned(), message_key })
}

fn extended_params(
    call: &Call,
    name: &str,
    most: usize,
    too_many: (&'static str, &'static str),
) -> Result<(), Refusal> {
    let entries = object(call, name)?;
    if entries.len() > most {
        return Err(Refusal::new(
            too_many.0,
            too_many.1,
            format!("{} parameters, at most {most}", entries.len()),
        ));
    }
    match entries.keys().find(|key| EXTENDED_PARAMS_RESERVED.contains(&key.as_str())) {
        Some(reserved) => {
            Err(Refusal::new("3044", "INVALID_EXTEND_PARAM", format!("{reserved} is reserved")))
        }
        None => Ok(()),
    }
}

/// Parameters that take one of a few values, or a JSON object.
fn choices(call: &Call) -> Result<(), Refusal> {
    choice(call, "NotifyType", &["notify", "transparent"])?;
    choice(call, "AndroidChannel", &["1", "2"])?;
    choice(call, "Classification", &["0", "1"])?;
    let event = choice(call, "ActivityEvent", &["update", "end"])?;
    let urgency = choice(call, "TransparentMessageUrgency", &["HIGH", "NORMAL"])?;
    let payload = object(call, "TransparentMessagePayload")?;
    if urgency.is_some() && payload.is_empty() {
        return Err(Refusal::invalid("TransparentMessageUrgency without TransparentMessagePayload"));
    }
    if event.is_some() && call.value("ActivityContentState").is_none() {
        return Err(Refusal::invalid("ActivityEvent without ActivityContentState"));
    }
    object(call, "ActivityContentState")?;
    text_map(call, "ThirdChannelCategory")?;
    text_map(call, "NotifyLevel")?;
    match call.text("DismissalDate").map(str::parse::<i64>) {
        Some(Err(_)) => Err(Refusal::invalid("DismissalDate is no number of seconds")),
        _ => Ok(()),
    }
}

fn choice<'a>(call: &'a Call, name: &str, known: &[&str]) -> Result<Option<&'a str>, Refusal> {
    match call.text(name) {
        Some(text) if !known.contains(&text) => Err(Refusal::invalid(format!("{name} {text}"))),
        other => Ok(other),
    }
}

fn sms(call: &Call) -> Result<(), Refusal> {
    let strategy = choice(call, "SmsStrategy", &["0", "1", "2"])?;
    if matches!(strategy, None | Some("0")) {
        return Ok(());
    }
    for name in ["SmsSignName", "SmsTemplateCode", "SmsTemplateParam"] {
        if call.text(name).is_none() {
            return Err(Refusal::invalid(format!("{name} is empty, with SmsStrategy not 0")));
        }
    }
    object(call, "SmsTemplateParam").map(drop)
}
