//! What goes back: nested objects with names in `PascalCase`, as the official SDKs read them.

use serde_json::{Value, json};

/// Any answer to a call.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Value,
    pub(super) retry_after_ms: Option<u64>,
}

/// The gateway refused a request: nothing was looked at behind it.
#[derive(Clone, Debug)]
pub(super) struct GatewayError {
    pub(super) status: u16,
    pub(super) code: String,
    pub(super) message: String,
    pub(super) retry_after_ms: Option<u64>,
}

impl GatewayError {
    pub(super) fn new(status: u16, code: &str, message: &str) -> Self {
        Self { status, code: code.to_owned(), message: message.to_owned(), retry_after_ms: None }
    }

    /// A parameter that the call cannot do without.
    pub(super) fn missing(name: &str) -> Self {
        Self::new(400, &format!("Missing{name}"), &format!("{name} is mandatory for this action."))
    }

    pub(super) fn into_reply(self, request_id: &str) -> Reply {
        let body = json!({
            "RequestId": request_id,
            "HostId": "sandbox",
            "Code": self.code,
            "Message": self.message,
            "Recommend": format!("https://api.aliyun.com/troubleshoot?q={}&requestId={request_id}", self.code),
        });
        Reply { status: self.status, body, retry_after_ms: self.retry_after_ms }
    }
}

/// The push service refused a call: its code and name (vendor page 2871134).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: &'static str,
    pub(super) name: &'static str,
    pub(super) why: String,
}

impl Refusal {
    pub(super) fn new(code: &'static str, name: &'static str, why: impl Into<String>) -> Self {
        Self { code, name, why: why.into() }
    }

    pub(super) fn invalid(why: impl Into<String>) -> Self {
        Self::new("3028", "INVALID_PARAM", why)
    }

    pub(super) fn into_reply(self, request_id: &str) -> Reply {
        let message = format!("{}: {}", self.name, self.why);
        let body = json!({
            "RequestId": request_id,
            "ResultCode": self.code,
            "ResultMessage": message,
            "PushResult": { "Success": false, "ResultMsg": self.name, "Data": "" },
        });
        Reply { status: 200, body, retry_after_ms: None }
    }
}

/// A push was taken. `task_id` is empty for an immediate push to targets.
pub(super) fn taken(request_id: &str, task_id: &str) -> Reply {
    let body = json!({
        "RequestId": request_id,
        "ResultCode": "OK",
        "ResultMessage": "",
        "PushResult": { "Success": true, "ResultMsg": "", "Data": task_id },
    });
    Reply { status: 200, body, retry_after_ms: None }
}

/// A question was answered.
pub(super) fn content(request_id: &str, content: &Value) -> Reply {
    let body =
        json!({ "RequestId": request_id, "ResultCode": "OK", "ResultMessage": "", "ResultContent": content });
    Reply { status: 200, body, retry_after_ms: None }
}
