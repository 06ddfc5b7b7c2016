//! The two calls about scheduled tasks: `QueryPushSchedulerList` and `CancelPushScheduler`, and their `Mps`
//! names of older versions (vendor page 2871132).

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::sandbox::gateway_error::GatewayError;
use crate::sandbox::journal::Cancel;
use crate::sandbox::parameters::Parameters;
use crate::sandbox::push::PushAction;
use crate::sandbox::reply::Reply;
use crate::sandbox::result_code::{Refusal, ResultCode};
use crate::sandbox::store::{NotTaken, Store};
use crate::sandbox::tasks::{Occurrence, Query};

/// `PageSize` where the caller names none.
const PAGE_SIZE: usize = 500;

/// A call about scheduled tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SchedulerAction {
    /// Under the name that was called.
    Query(&'static str),
    /// Under the name that was called.
    Cancel(&'static str),
}

impl SchedulerAction {
    /// Reads the action's name.
    pub(super) fn of(name: &str) -> Option<Self> {
        Some(match name {
            "QueryPushSchedulerList" => Self::Query("QueryPushSchedulerList"),
            "QueryMpsSchedulerList" => Self::Query("QueryMpsSchedulerList"),
            "CancelPushScheduler" => Self::Cancel("CancelPushScheduler"),
            "CancelMpsScheduler" => Self::Cancel("CancelMpsScheduler"),
            _ => return None,
        })
    }

    /// Returns the action's name.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Query(name) | Self::Cancel(name) => name,
        }
    }
}

/// Answers a call that the gateway let through.
pub(super) fn answer(
    store: &mut Store,
    action: SchedulerAction,
    parameters: &Parameters,
    request_id: &str,
    now: DateTime<Utc>,
) -> Result<Reply, GatewayError> {
    let wanted = |name: &str| parameters.get(name).ok_or_else(|| GatewayError::missing(name));
    let owner = (wanted("AppId")?, wanted("WorkspaceId")?);
    match action {
        SchedulerAction::Query(name) => {
            // Of the older name, the times are optional.
            if name == "QueryPushSchedulerList" {
                wanted("StartTime")?;
                wanted("EndTime")?;
            }
            let content = query(store, owner, parameters, now);
            Ok(reply(name, request_id, content, json!({})))
        }
        SchedulerAction::Cancel(name) => {
            let unique_ids: Vec<String> =
                wanted("UniqueIds")?.split(',').map(|id| id.trim().to_owned()).collect();
            let cancel = Cancel {
                at: now,
                app_id: owner.0.to_owned(),
                workspace_id: owner.1.to_owned(),
                unique_ids,
                targets: Vec::new(),
            };
            let content = match store.cancel(&cancel) {
                Ok(()) => Ok(json!("success")),
                Err(NotTaken::Refused(refusal)) => Err(refusal),
                Err(NotTaken::Journal(error)) => return Err(GatewayError::internal(&error.to_string())),
            };
            Ok(reply(name, request_id, content, json!("")))
        }
    }
}

fn reply(name: &str, request_id: &str, content: Result<Value, Refusal>, nothing: Value) -> Reply {
    match content {
        Ok(content) => Reply::of_service(name, request_id, ("OK", ""), ("ResultContent", content)),
        Err(refusal) => {
            let (code, message) = refusal.code.text();
            let message = format!("{message}: {}", refusal.why);
            Reply::of_service(name, request_id, (code, &message), ("ResultContent", nothing))
        }
    }
}

fn query(
    store: &Store,
    (app_id, workspace_id): (&str, &str),
    parameters: &Parameters,
    now: DateTime<Utc>,
) -> Result<Value, Refusal> {
    let number = |name: &str| match parameters.get(name).filter(|text| !text.is_empty()) {
        Some(text) => text
            .parse::<i64>()
            .map(Some)
            .map_err(|_| ResultCode::InvalidParam.because(format!("{name} is no whole number"))),
        None => Ok(None),
    };
    let counted = |name: &str, default: usize| match number(name)? {
        None => Ok(default),
        Some(number) => usize::try_from(number)
            .ok()
            .filter(|number| *number > 0)
            .ok_or_else(|| ResultCode::InvalidParam.because(format!("{name} is not above 0"))),
    };
    let query = Query {
        window_ms: (number("StartTime")?.unwrap_or(0), number("EndTime")?.unwrap_or(i64::MAX)),
        task_type: number("Type")?,
        unique_id: parameters.get("UniqueId").filter(|id| !id.is_empty()).map(str::to_owned),
    };
    let (page_number, page_size) = (counted("PageNumber", 1)?, counted("PageSize", PAGE_SIZE)?);
    let found = store.tasks(app_id, workspace_id).map(|tasks| tasks.find(&query)).unwrap_or_default();
    let page = found.iter().skip((page_number - 1).saturating_mul(page_size)).take(page_size);
    let list: Vec<Value> = page.map(|occurrence| row(occurrence, now.timestamp_millis())).collect();
    Ok(json!({"Data": {"TotalCount": found.len(), "List": list}}))
}

/// One row, with the types of the official SDK's model.
fn row(occurrence: &Occurrence, now_ms: i64) -> Value {
    let push = &occurrence.push;
    json!({
        "UniqueId": occurrence.unique_id,
        "ParentId": push.task_id,
        "PushTime": occurrence.at_ms,
        "PushTitle": push.title,
        "PushContent": push.content,
        "Type": PushAction::task_type(&push.action),
        "DeliveryType": push.targets.first().map(|delivery| delivery.delivery_type),
        "StrategyType": push.strategy_type,
        "ExecutedStatus": if occurrence.at_ms <= now_ms { "1" } else { "0" },
        "CreateType": 0,
        "GmtCreate": push.at.timestamp_millis(),
    })
}
