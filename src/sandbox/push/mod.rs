//! What a push request says, and every rule that needs nothing but the request and the clock.
//!
//! Knows nothing of what was accepted before: templates and counts of tasks are the store's.

mod fields;
mod rules;
mod strategy;
mod targets;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::sandbox::gateway_error::GatewayError;
use crate::sandbox::parameters::Parameters;
use crate::sandbox::push::fields::Fields;
use crate::sandbox::result_code::{Refusal, ResultCode};

pub(super) use strategy::Strategy;
pub use targets::Delivery;

/// Most targets of one `PushTemplate` or `PushSimple` request (vendor pages 2871125 and 2871127, `targetMsgkey`).
const SINGLE_TARGETS_MAX: usize = 10;

/// Most targets of one `PushMultiple` request (vendor page 2871128).
const MULTIPLE_TARGETS_MAX: usize = 100;

/// A push call of the vendor's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PushAction {
    Simple,
    Template,
    Multiple,
    Broadcast,
}

impl PushAction {
    /// Reads the action's name.
    pub(super) fn of(name: &str) -> Option<Self> {
        Some(match name {
            "PushSimple" => Self::Simple,
            "PushTemplate" => Self::Template,
            "PushMultiple" => Self::Multiple,
            "PushBroadcast" => Self::Broadcast,
            _ => return None,
        })
    }

    /// Returns the action's name.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Simple => "PushSimple",
            Self::Template => "PushTemplate",
            Self::Multiple => "PushMultiple",
            Self::Broadcast => "PushBroadcast",
        }
    }

    /// Returns the `Type` under which the list of scheduled tasks shows it (vendor page 2871132).
    pub(super) fn task_type(name: &str) -> i64 {
        match Self::of(name) {
            None | Some(Self::Simple) => 0,
            Some(Self::Template) => 1,
            Some(Self::Multiple) => 2,
            Some(Self::Broadcast) => 3,
        }
    }

    /// Whether it makes a task that can be looked up by its name.
    pub(super) fn is_listed_by_name(self) -> bool {
        matches!(self, Self::Multiple | Self::Broadcast)
    }

    /// Returns the parameters without which the gateway refuses (“required” in the official SDK).
    fn required(self) -> &'static [&'static str] {
        match self {
            Self::Simple => &[
                "AppId",
                "WorkspaceId",
                "DeliveryType",
                "TargetMsgkey",
                "ExpiredSeconds",
                "Title",
                "Content",
            ],
            Self::Template => {
                &["AppId", "WorkspaceId", "DeliveryType", "TargetMsgkey", "ExpiredSeconds", "TemplateName"]
            }
            Self::Multiple => {
                &["AppId", "WorkspaceId", "DeliveryType", "ExpiredSeconds", "TemplateName", "TargetMsg"]
            }
            Self::Broadcast => {
                &["AppId", "WorkspaceId", "DeliveryType", "Msgkey", "ExpiredSeconds", "TemplateName"]
            }
        }
    }
}

/// A push request that keeps every rule that it alone decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) action: PushAction,
    pub(super) app_id: String,
    pub(super) workspace_id: String,
    pub(super) task_name: String,
    pub(super) deliveries: Vec<Delivery>,
    pub(super) message: Message,
    pub(super) strategy: Strategy,
}

/// What a push says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Message {
    /// Its own words.
    Text { title: String, content: String },
    /// A template's, with one set of values for each delivery, or one for all.
    Template { name: String, values: Vec<BTreeMap<String, String>> },
}

/// Refuses a request that lacks a parameter without which the gateway does not pass it on.
pub(super) fn check_required(action: PushAction, parameters: &Parameters) -> Result<(), GatewayError> {
    let is_there = |name: &str| {
        parameters.get(name).is_some() || parameters.dotted(name).map_or(true, |value| value.is_some())
    };
    match action.required().iter().find(|name| !is_there(name)) {
        Some(name) => Err(GatewayError::missing(name)),
        None => Ok(()),
    }
}

/// Reads a push request.
pub(super) fn read(
    action: PushAction,
    version: &str,
    parameters: &Parameters,
    now: DateTime<Utc>,
) -> Result<Candidate, Refusal> {
    if !parameters.is_utf8() {
        return Err(ResultCode::RequestShouldBeUtf8.because("the request is not UTF-8"));
    }
    let fields = Fields(parameters);
    let (Some(app_id), Some(workspace_id)) = (fields.text("AppId"), fields.text("WorkspaceId")) else {
        return Err(ResultCode::NeedAppIdWorkspaceId.because("AppId or WorkspaceId is empty"));
    };
    let delivery_type = rules::delivery_type(action, fields)?;
    rules::task_name(action, fields)?;
    rules::expired_seconds(fields)?;
    let deliveries = match action {
        PushAction::Simple | PushAction::Template => {
            targets::single(delivery_type, fields, SINGLE_TARGETS_MAX)?
        }
        PushAction::Multiple => targets::multiple(delivery_type, fields, MULTIPLE_TARGETS_MAX)?,
        PushAction::Broadcast => vec![rules::broadcast(delivery_type, version, fields)?],
    };
    let message = match action {
        PushAction::Simple => rules::text(fields)?,
        PushAction::Template | PushAction::Broadcast => {
            rules::template(fields, vec![rules::values(fields)?])?
        }
        // It has no values for all targets: the SDK's model lacks them, so the service would not look at them.
        PushAction::Multiple => {
            let values = deliveries.iter().map(|delivery| delivery.values.clone());
            rules::template(fields, values.collect())?
        }
    };
    rules::extended_params(fields)?;
    rules::classification(fields)?;
    rules::transparent(fields)?;
    if matches!(action, PushAction::Simple | PushAction::Template) {
        rules::live_activity(delivery_type, fields)?;
        rules::sms(fields)?;
    }
    Ok(Candidate {
        action,
        app_id: app_id.to_owned(),
        workspace_id: workspace_id.to_owned(),
        task_name: fields.text("TaskName").unwrap_or_default().to_owned(),
        deliveries,
        message,
        strategy: Strategy::read(fields, now)?,
    })
}
