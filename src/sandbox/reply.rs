//! Replies as the vendor writes them: nested objects with `PascalCase` keys.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Map, Value, json};

use crate::sandbox::gateway_error::GatewayError;

/// The form of a reply: the gateway writes XML unless it is asked for JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Xml,
}

/// A reply before it is written.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reply {
    pub(super) status: u16,
    /// The name of the XML document.
    pub(super) root: String,
    pub(super) body: Value,
    pub(super) retry_after_ms: Option<u64>,
    /// In a word, for the log of requests: `taken`, or the code of what was refused.
    pub(super) verdict: String,
}

impl Reply {
    /// A call that the service answers, with what it says beside the envelope.
    pub(super) fn of_service(
        action: &str,
        request_id: &str,
        code: (&str, &str),
        (name, inner): (&str, Value),
    ) -> Self {
        let mut body = json!({
            "RequestId": request_id,
            "ResultCode": code.0,
            "ResultMessage": code.1,
        });
        body[name] = inner;
        let verdict = if code.0 == "OK" { "taken" } else { code.0 }.to_owned();
        Self { status: 200, root: format!("{action}Response"), body, retry_after_ms: None, verdict }
    }

    /// A push that was taken.
    pub(super) fn accepted(action: &str, request_id: &str, task_id: &str) -> Self {
        let result = json!({"Success": true, "ResultMsg": "", "Data": task_id});
        let reply = Self::of_service(action, request_id, ("OK", ""), ("PushResult", result));
        Self { verdict: "taken".to_owned(), ..reply }
    }

    /// A push that was not taken.
    pub(super) fn refused(action: &str, request_id: &str, code: (&str, &str), why: &str) -> Self {
        let result = json!({"Success": false, "ResultMsg": why, "Data": ""});
        Self::of_service(action, request_id, code, ("PushResult", result))
    }

    /// A refusal of the gateway.
    pub(super) fn of_gateway(error: &GatewayError, request_id: &str, host: &str) -> Self {
        let recommend =
            format!("https://error-center.aliyun.com/status/search?Keyword={}&source=PopGw", error.code);
        let body = json!({
            "RequestId": request_id,
            "HostId": host,
            "Code": error.code,
            "Message": error.message,
            "Recommend": recommend,
        });
        Self {
            status: error.status,
            root: "Error".to_owned(),
            body,
            retry_after_ms: error.retry_after_ms,
            verdict: error.code.clone(),
        }
    }

    /// Writes it.
    pub(super) fn into_response(self, format: Format) -> Response<Body> {
        let (content_type, bytes) = match format {
            Format::Json => ("application/json;charset=utf-8", self.body.to_string()),
            Format::Xml => ("text/xml;charset=utf-8", xml(&self.root, &self.body)),
        };
        let mut response = Response::new(Body::from(bytes));
        *response.status_mut() = StatusCode::from_u16(self.status).expect("only statuses that HTTP has");
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        if let Some(request_id) =
            self.body["RequestId"].as_str().and_then(|id| HeaderValue::from_str(id).ok())
        {
            headers.insert("x-acs-request-id", request_id);
        }
        if let Some(retry_after_ms) = self.retry_after_ms {
            headers.insert("x-acs-retry-after", HeaderValue::from(retry_after_ms));
        }
        response
    }
}

fn xml(root: &str, body: &Value) -> String {
    let mut out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>".to_owned();
    element(&mut out, root, body);
    out
}

fn element(out: &mut String, name: &str, value: &Value) {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    match value {
        // A list has an element for each entry, and none around them.
        Value::Array(list) => return list.iter().for_each(|entry| element(out, name, entry)),
        Value::Object(map) => {
            out.push_str(&open);
            members(out, map);
        }
        Value::String(text) => {
            out.push_str(&open);
            out.push_str(&text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            out.push_str(&open);
            out.push_str(&value.to_string());
        }
    }
    out.push_str(&close);
}

fn members(out: &mut String, map: &Map<String, Value>) {
    for (name, value) in map {
        element(out, name, value);
    }
}
