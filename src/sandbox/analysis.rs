//! `QueryPushAnalysisTaskList`: batch and broadcast tasks by name (vendor's SDK for 2020-10-28; the overview page
//! says that pushes of a single template are not in it).

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::sandbox::gateway_error::GatewayError;
use crate::sandbox::parameters::Parameters;
use crate::sandbox::push::PushAction;
use crate::sandbox::received::Push;
use crate::sandbox::reply::Reply;
use crate::sandbox::result_code::{Refusal, ResultCode};
use crate::sandbox::store::Store;

/// The action's name.
pub(super) const ACTION: &str = "QueryPushAnalysisTaskList";

/// `PageSize` where the caller names none: no page gives it, so it is small enough to be met.
const PAGE_SIZE: usize = 20;

/// Answers a call that the gateway let through.
pub(super) fn answer(
    store: &Store,
    parameters: &Parameters,
    request_id: &str,
) -> Result<Reply, GatewayError> {
    let wanted = |name: &str| parameters.get(name).ok_or_else(|| GatewayError::missing(name));
    let owner = (wanted("AppId")?, wanted("WorkspaceId")?);
    let start = wanted("StartTime")?;
    let (code, content) = match find(store, owner, start, parameters) {
        Ok(rows) => (("OK", String::new()), json!({ "Data": rows })),
        Err(refusal) => {
            let (code, message) = refusal.code.text();
            ((code, format!("{message}: {}", refusal.why)), json!({}))
        }
    };
    Ok(Reply::of_service(ACTION, request_id, (code.0, &code.1), ("ResultContent", content)))
}

fn find(
    store: &Store,
    owner: (&str, &str),
    start: &str,
    parameters: &Parameters,
) -> Result<Vec<Value>, Refusal> {
    let invalid = |name: &str| ResultCode::InvalidParam.because(format!("{name} is no whole number above 0"));
    let since = start.parse().ok().and_then(DateTime::from_timestamp_millis);
    let since: DateTime<Utc> = since.ok_or_else(|| invalid("StartTime"))?;
    let counted = |name: &str, default: usize| match parameters.get(name).filter(|text| !text.is_empty()) {
        None => Ok(default),
        Some(text) => text.parse().ok().filter(|number| *number > 0).ok_or_else(|| invalid(name)),
    };
    let (number, size) = (counted("PageNumber", 1)?, counted("PageSize", PAGE_SIZE)?);
    let is_wanted = |name: &str, value: &str| {
        parameters.get(name).is_none_or(|wanted| wanted.is_empty() || wanted == value)
    };
    let found = store.named_tasks(owner.0, owner.1).iter().rev().filter(|push| {
        push.at >= since && is_wanted("TaskId", &push.task_id) && is_wanted("TaskName", &push.task_name)
    });
    Ok(found.skip((number - 1).saturating_mul(size)).take(size).map(|push| row(push)).collect())
}

/// One row, with the names of the official SDK's model.
fn row(push: &Push) -> Value {
    json!({
        "TaskId": push.task_id,
        "TaskName": push.task_name,
        "TemplateName": push.template_name,
        "Type": PushAction::task_type(&push.action),
        "GmtCreate": push.at.timestamp_millis(),
    })
}
