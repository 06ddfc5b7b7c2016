//! To whom a push goes: `TargetMsgkey`, `Msgkey` or `TargetMsg.N.*`.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::domain::EXTENDED_PARAMS_RESERVED;
use crate::sandbox::push::fields::{Fields, malformed, object, texts};
use crate::sandbox::result_code::{Refusal, ResultCode};

/// `TargetMsg.N.ExtendedParams` has fewer keys than this (result code 3049).
const INNER_EXTENDED_PARAMS_END: usize = 10;

/// One target of a push.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Delivery {
    /// `DeliveryType`.
    pub delivery_type: u8,
    /// The target's id; for a broadcast `android`, `ios` or `harmonyos`.
    pub target: String,
    /// The caller's business message id.
    pub message_key: String,
    /// The values of its own placeholders, which only `PushMultiple` has.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, String>,
}

/// Reads `TargetMsgkey`: one JSON object, message keys by target.
pub(super) fn single(
    delivery_type: u8,
    fields: Fields<'_>,
    targets_max: usize,
) -> Result<Vec<Delivery>, Refusal> {
    let entries = fields.map("TargetMsgkey")?.unwrap_or_default();
    let deliveries = entries.into_iter().map(|(target, value)| match value {
        Value::String(message_key) => delivery(delivery_type, target, message_key),
        _ => Err(malformed("a message key in TargetMsgkey is no text".to_owned())),
    });
    bounded(deliveries.collect::<Result<_, _>>()?, targets_max)
}

/// Reads `TargetMsg.N.*`: the deliveries, with the values of each one's placeholders.
pub(super) fn multiple(
    delivery_type: u8,
    fields: Fields<'_>,
    targets_max: usize,
) -> Result<Vec<Delivery>, Refusal> {
    let list = match fields.0.dotted("TargetMsg") {
        Ok(Some(Value::Array(list))) => list,
        Ok(None) => return Err(ResultCode::TokenOrUserIdNull.because("TargetMsg is empty")),
        Ok(Some(_)) | Err(_) => return Err(malformed("TargetMsg is no list counted from 1".to_owned())),
    };
    let mut deliveries = Vec::new();
    for item in list {
        let Value::Object(item) = item else {
            return Err(malformed("an entry of TargetMsg has no fields".to_owned()));
        };
        let text = |name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default();
        let values = texts("TargetMsg.N.TemplateKeyValue", entries(&item, "TemplateKeyValue")?)?;
        let delivery = delivery(delivery_type, text("Target").to_owned(), text("MsgKey").to_owned())?;
        deliveries.push(Delivery { values, ..delivery });
        let extended = entries(&item, "ExtendedParams")?;
        if extended.len() >= INNER_EXTENDED_PARAMS_END {
            return Err(ResultCode::MultipleInnerExtendParamTooMuch
                .because("TargetMsg.N.ExtendedParams must have fewer than 10 keys"));
        }
        not_reserved(&extended)?;
    }
    bounded(deliveries, targets_max)
}

/// Refuses keys that the vendor keeps for itself.
pub(super) fn not_reserved(extended: &[(String, Value)]) -> Result<(), Refusal> {
    match extended.iter().find(|(key, _)| EXTENDED_PARAMS_RESERVED.contains(&key.as_str())) {
        Some((key, _)) => Err(ResultCode::InvalidExtendParam.because(format!("the key {key} is reserved"))),
        None => Ok(()),
    }
}

fn entries(item: &Map<String, Value>, name: &str) -> Result<Vec<(String, Value)>, Refusal> {
    match item.get(name) {
        Some(Value::String(text)) if !text.is_empty() => object(name, text),
        Some(Value::String(_)) | None => Ok(Vec::new()),
        Some(_) => Err(malformed(format!("TargetMsg.N.{name} is no JSON object as text"))),
    }
}

fn delivery(delivery_type: u8, target: String, message_key: String) -> Result<Delivery, Refusal> {
    if target.is_empty() {
        return Err(ResultCode::TokenOrUserIdNull.because("a target is empty"));
    }
    if message_key.is_empty() {
        return Err(malformed("a message key is empty".to_owned()));
    }
    Ok(Delivery { delivery_type, target, message_key, values: BTreeMap::new() })
}

fn bounded(deliveries: Vec<Delivery>, targets_max: usize) -> Result<Vec<Delivery>, Refusal> {
    if deliveries.is_empty() {
        return Err(ResultCode::TokenOrUserIdNull.because("there is no target"));
    }
    if deliveries.len() > targets_max {
        return Err(ResultCode::SinglePushTargetTooMuch.because(format!("at most {targets_max} targets")));
    }
    // “Custom, must be unique” (vendor page 2871127): where one stands for two, nobody can tell which was meant.
    let mut keys = HashSet::new();
    match deliveries.iter().find(|delivery| !keys.insert(delivery.message_key.as_str())) {
        Some(delivery) => {
            Err(malformed(format!("the message key {} stands for two targets", delivery.message_key)))
        }
        None => Ok(deliveries),
    }
}
