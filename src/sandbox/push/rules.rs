//! The rules of single parameters (vendor pages 2871125, 2871127 to 2871129, 2871133 and 2871134).

use std::collections::BTreeMap;

use serde_json::Value;

use crate::domain::{EXTENDED_PARAMS_MAX, TEMPLATE_NAME_CHARS_MAX};
use crate::sandbox::push::fields::{Fields, malformed, texts};
use crate::sandbox::push::targets::not_reserved;
use crate::sandbox::push::{Delivery, Message, PushAction};
use crate::sandbox::result_code::{Refusal, ResultCode};

pub(super) fn delivery_type(action: PushAction, fields: Fields<'_>) -> Result<u8, Refusal> {
    let allowed: &[i64] = match action {
        PushAction::Simple | PushAction::Template => &[1, 2, 3, 5, 6, 7],
        PushAction::Multiple => &[1, 2, 3, 7],
        PushAction::Broadcast => &[1, 2, 7],
    };
    let number = fields.number("DeliveryType")?.unwrap_or_default();
    let why = format!("DeliveryType of {} is none of {allowed:?}", action.as_str());
    match u8::try_from(number) {
        Ok(known) if allowed.contains(&number) => Ok(known),
        Ok(3 | 5 | 6) if action == PushAction::Broadcast => {
            Err(ResultCode::BroadcastOnlySupportByDevice.because(why))
        }
        _ => Err(ResultCode::DeliveryTypeNotSupported.because(why)),
    }
}

pub(super) fn task_name(action: PushAction, fields: Fields<'_>) -> Result<(), Refusal> {
    // The pages of these say that it is required; the SDK leaves it to the service.
    let is_required = matches!(action, PushAction::Template | PushAction::Multiple | PushAction::Broadcast);
    if is_required && fields.text("TaskName").is_none() {
        return Err(ResultCode::TaskNameNull.because("TaskName is empty"));
    }
    Ok(())
}

pub(super) fn expired_seconds(fields: Fields<'_>) -> Result<(), Refusal> {
    if fields.number("ExpiredSeconds")?.unwrap_or_default() < 1 {
        return Err(ResultCode::ExpiredSecondsWrong.because("ExpiredSeconds is not above 0"));
    }
    Ok(())
}

pub(super) fn values(fields: Fields<'_>) -> Result<BTreeMap<String, String>, Refusal> {
    texts("TemplateKeyValue", fields.map("TemplateKeyValue")?.unwrap_or_default())
}

pub(super) fn template(
    fields: Fields<'_>,
    values: Vec<BTreeMap<String, String>>,
) -> Result<Message, Refusal> {
    let name = fields
        .text("TemplateName")
        .ok_or_else(|| ResultCode::NeedTemplate.because("TemplateName is empty"))?
        .to_owned();
    if name.contains(',') || name.chars().count() > TEMPLATE_NAME_CHARS_MAX {
        return Err(ResultCode::TemplateNameInvalid.because("TemplateName has a comma or is too long"));
    }
    Ok(Message::Template { name, values })
}

pub(super) fn text(fields: Fields<'_>) -> Result<Message, Refusal> {
    fields.one_of("PushStyle", &[0, 1, 2])?;
    fields.map("ImageUrls")?;
    fields.map("IconUrls")?;
    let wanted = |name: &str| {
        let text = fields.text(name).map(str::to_owned);
        text.ok_or_else(|| malformed(format!("{name} is empty")))
    };
    Ok(Message::Text { title: wanted("Title")?, content: wanted("Content")? })
}

pub(super) fn broadcast(delivery_type: u8, version: &str, fields: Fields<'_>) -> Result<Delivery, Refusal> {
    let message_key = fields.text("Msgkey").ok_or_else(|| malformed("Msgkey is empty".to_owned()))?;
    fields.one_of("AndroidChannel", &[1, 2])?;
    let push_status = fields.one_of("PushStatus", &[0, 1, 2])?.unwrap_or(0);
    let has_bind = fields.one_of("BindPeriod", &[1, 2, 3, 4])?.is_some()
        || window(fields, "BindStartTime", "BindEndTime")?;
    let has_unbind = fields.one_of("UnBindPeriod", &[1, 2, 3, 4])?.is_some()
        || window(fields, "UnBindStartTime", "UnBindEndTime")?;
    // The older versions do not know BindPeriod.
    if push_status == 0 && !has_bind && version == "2020-10-28" {
        return Err(malformed("BindPeriod is required where PushStatus is 0".to_owned()));
    }
    if push_status != 0 && !has_unbind {
        return Err(malformed("UnBindPeriod is required where PushStatus is 1 or 2".to_owned()));
    }
    let platform = match delivery_type {
        1 => "android",
        2 => "ios",
        _ => "harmonyos",
    };
    let (target, message_key) = (platform.to_owned(), message_key.to_owned());
    Ok(Delivery { delivery_type, target, message_key, values: BTreeMap::new() })
}

/// Whether an explicit window is given instead of a period (official SDK since 2.1.0; the pages are silent).
fn window(fields: Fields<'_>, start: &str, end: &str) -> Result<bool, Refusal> {
    Ok(fields.number(start)?.is_some() && fields.number(end)?.is_some())
}

pub(super) fn extended_params(fields: Fields<'_>) -> Result<(), Refusal> {
    let extended = fields.map("ExtendedParams")?.unwrap_or_default();
    if extended.len() > EXTENDED_PARAMS_MAX {
        let why = format!("ExtendedParams has more than {EXTENDED_PARAMS_MAX} keys");
        return Err(ResultCode::ExtendParamTooMuch.because(why));
    }
    not_reserved(&extended)
}

pub(super) fn classification(fields: Fields<'_>) -> Result<(), Refusal> {
    fields.one_of("Classification", &[0, 1])?;
    fields.word("NotifyType", &["transparent", "notify"])?;
    fields.one_of("PushAction", &[0, 1])?;
    fields.one_of("Silent", &[0, 1])?;
    let categories = fields.any_map("ThirdChannelCategory")?.unwrap_or_default();
    if categories.iter().any(|(_, code)| !code.is_string()) {
        return Err(malformed("a code of ThirdChannelCategory is no text".to_owned()));
    }
    let levels = fields.any_map("NotifyLevel")?.unwrap_or_default();
    if levels.iter().any(|(_, level)| !(level.is_string() || level.is_i64())) {
        return Err(malformed("a level of NotifyLevel is no text and no number".to_owned()));
    }
    Ok(())
}

pub(super) fn transparent(fields: Fields<'_>) -> Result<(), Refusal> {
    let payload = fields.any_map("TransparentMessagePayload")?;
    if payload.iter().flatten().any(|(_, inner)| !matches!(inner, Value::Object(_))) {
        return Err(malformed(
            "TransparentMessagePayload has something else than an object for a vendor".to_owned(),
        ));
    }
    let urgency = fields.word("TransparentMessageUrgency", &["HIGH", "NORMAL"])?;
    if urgency.is_some() && payload.is_none() {
        return Err(malformed("TransparentMessageUrgency needs a TransparentMessagePayload".to_owned()));
    }
    Ok(())
}

pub(super) fn live_activity(delivery_type: u8, fields: Fields<'_>) -> Result<(), Refusal> {
    let event = fields.word("ActivityEvent", &["update", "end"])?;
    let state = fields.any_map("ActivityContentState")?;
    // With `update` it does not apply, which is not the same as being refused.
    fields.number("DismissalDate")?;
    // An end may do without a state.
    if matches!(delivery_type, 5 | 6) && (event.is_none() || event == Some("update") && state.is_none()) {
        let why = "a Live Activity needs ActivityEvent, and ActivityContentState with `update`";
        return Err(malformed(why.to_owned()));
    }
    Ok(())
}

pub(super) fn sms(fields: Fields<'_>) -> Result<(), Refusal> {
    let params = fields.map("SmsTemplateParam")?;
    if fields.one_of("SmsStrategy", &[0, 1, 2])?.unwrap_or(0) == 0 {
        return Ok(());
    }
    let is_whole =
        fields.text("SmsSignName").is_some() && fields.text("SmsTemplateCode").is_some() && params.is_some();
    if !is_whole {
        return Err(malformed(
            "SmsSignName, SmsTemplateCode and SmsTemplateParam are required where SmsStrategy is not 0"
                .to_owned(),
        ));
    }
    Ok(())
}
