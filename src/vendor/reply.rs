//! What a reply says: accepted, rejected, or nothing that can be relied on.

use std::time::Duration;

use serde::Deserialize;

use crate::vendor::codes;
use crate::vendor::{Outcome, RejectClass};

/// The envelope of a push call. Every field may be absent; a field of another type makes it unreadable.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Envelope {
    request_id: Option<String>,
    result_code: Option<Text>,
    result_message: Option<String>,
    push_result: Option<PushResult>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PushResult {
    success: Option<bool>,
    result_msg: Option<String>,
    data: Option<String>,
}

/// The gateway's error.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GatewayError {
    code: Text,
    message: Option<String>,
    request_id: Option<String>,
}

/// A code: text, though a number is understood too.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Text {
    Text(String),
    Number(i64),
}

impl Text {
    fn into_string(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Number(number) => number.to_string(),
        }
    }
}

/// Reads a whole reply.
pub(super) fn read(status: u16, retry_after: Option<Duration>, body: &[u8]) -> Outcome {
    match status {
        200 => envelope(body),
        400..=499 => gateway(status, retry_after, body),
        _ => unknown(format!("the vendor answered with HTTP status {status}"), error_of(body)),
    }
}

fn envelope(body: &[u8]) -> Outcome {
    let Ok(reply) = serde_json::from_slice::<Envelope>(body) else {
        return unknown("the vendor's answer cannot be read".to_owned(), None);
    };
    let code = reply.result_code.map(Text::into_string).unwrap_or_default();
    let request_id = reply.request_id;
    let inner = reply.push_result;
    let is_success = inner.as_ref().and_then(|inner| inner.success);
    if code == "OK" && is_success == Some(true) {
        let task_id = inner.and_then(|inner| inner.data).filter(|data| !data.is_empty());
        return Outcome::Accepted { request_id, task_id };
    }
    // The outer code speaks of the call, the inner text of the push: either may name what is wrong, but
    // two levels that contradict each other say nothing certain.
    let inner_text = inner.and_then(|inner| inner.result_msg).unwrap_or_default();
    let said = [code.as_str(), inner_text.as_str()];
    let class = said.iter().find_map(|text| codes::of_result(text));
    let message = reply.result_message.filter(|text| !text.is_empty()).unwrap_or_else(|| inner_text.clone());
    if let (Some(class), None | Some(false)) = (class, is_success) {
        let code = if codes::of_result(&code).is_some() { code } else { inner_text };
        return Outcome::Rejected { class, code, message, request_id, retry_after: None };
    }
    let success = is_success.map_or("absent", |is_success| if is_success { "true" } else { "false" });
    let why = format!(
        "the vendor's answer is neither a success nor a refusal it documents: ResultCode `{code}`, \
         PushResult.Success {success}, `{message}`"
    );
    Outcome::Unknown { why, code: Some(code).filter(|code| !code.is_empty()), request_id }
}

fn gateway(status: u16, retry_after: Option<Duration>, body: &[u8]) -> Outcome {
    let Some(error) = error_of(body) else {
        return unknown(format!("HTTP status {status} without the gateway's error code"), None);
    };
    let code = error.code.into_string();
    let message = error.message.unwrap_or_default();
    match codes::of_gateway(&code) {
        Some(class) => Outcome::Rejected { class, code, message, request_id: error.request_id, retry_after },
        None => Outcome::Unknown {
            why: format!("the gateway has seen this request before: {message}"),
            code: Some(code),
            request_id: error.request_id,
        },
    }
}

fn error_of(body: &[u8]) -> Option<GatewayError> {
    serde_json::from_slice(body).ok()
}

fn unknown(why: String, error: Option<GatewayError>) -> Outcome {
    match error {
        Some(error) => {
            let code = error.code.into_string();
            let message = error.message.unwrap_or_default();
            let why = format!("{why}: {code}: {message}");
            Outcome::Unknown { why, code: Some(code), request_id: error.request_id }
        }
        None => Outcome::Unknown { why, code: None, request_id: None },
    }
}

/// Returns the outcome of a request that never found a connection.
pub(super) fn unreachable(message: String) -> Outcome {
    Outcome::Rejected {
        class: RejectClass::Unreachable,
        code: "Unreachable".to_owned(),
        message,
        request_id: None,
        retry_after: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(status: u16, body: &str) -> String {
        match read(status, None, body.as_bytes()) {
            Outcome::Accepted { task_id, .. } => format!("accepted {}", task_id.unwrap_or_default()),
            Outcome::Rejected { class, code, .. } => format!("rejected {class:?} {code}"),
            Outcome::Unknown { code, .. } => format!("unknown {}", code.unwrap_or_default()),
        }
    }

    fn envelope(code: &str, success: &str, inner: &str) -> String {
        format!(
            r#"{{"RequestId":"R","ResultCode":{code},"ResultMessage":"m","PushResult":{{"Success":{success},"ResultMsg":"{inner}","Data":"D"}}}}"#
        )
    }

    #[test]
    fn only_two_good_levels_are_a_success() {
        assert_eq!(verdict(200, &envelope("\"OK\"", "true", "")), "accepted D");
        assert_eq!(verdict(200, &envelope("\"OK\"", "false", "")), "unknown OK");
        assert_eq!(verdict(200, &envelope("\"OK\"", "null", "")), "unknown OK");
        assert_eq!(verdict(200, &envelope("null", "true", "")), "unknown ");
        assert_eq!(verdict(200, r#"{"ResultCode":"OK"}"#), "unknown OK");
    }

    #[test]
    fn a_documented_refusal_is_one_at_either_level() {
        assert_eq!(verdict(200, &envelope("\"3022\"", "false", "")), "rejected Content 3022");
        assert_eq!(verdict(200, &envelope("3022", "false", "")), "rejected Content 3022");
        assert_eq!(
            verdict(200, &envelope("\"TEMPLATE_NOT_EXIST\"", "null", "")),
            "rejected Content TEMPLATE_NOT_EXIST"
        );
        assert_eq!(
            verdict(200, &envelope("\"OK\"", "false", "INVALID_PARAM")),
            "rejected Content INVALID_PARAM"
        );
        assert_eq!(verdict(200, &envelope("\"8011\"", "false", "")), "rejected Throttled 8011");
    }

    #[test]
    fn what_contradicts_itself_or_is_in_no_table_is_unknown() {
        assert_eq!(verdict(200, &envelope("\"3022\"", "true", "")), "unknown 3022");
        assert_eq!(verdict(200, &envelope("\"9000\"", "false", "SYSTEM_ERROR")), "unknown 9000");
        assert_eq!(verdict(200, &envelope("\"3099\"", "false", "")), "unknown 3099");
    }

    #[test]
    fn what_cannot_be_read_is_unknown() {
        for body in [
            "",
            "<html>",
            "[]",
            r#"{"ResultCode":"OK","PushResult":"{}"}"#,
            r#"{"ResultCode":"OK","PushResult":{"Success":"#,
        ] {
            assert_eq!(verdict(200, body), "unknown ", "{body}");
        }
        assert_eq!(verdict(204, ""), "unknown ");
        assert_eq!(verdict(302, ""), "unknown ");
    }

    #[test]
    fn the_gateway_refuses_with_4xx_and_a_code() {
        let error = |code: &str| format!(r#"{{"Code":"{code}","Message":"m","RequestId":"R","HostId":"h"}}"#);
        assert_eq!(verdict(400, &error("Throttling.User")), "rejected Throttled Throttling.User");
        assert_eq!(
            verdict(403, &error("SignatureDoesNotMatch")),
            "rejected Credentials SignatureDoesNotMatch"
        );
        assert_eq!(verdict(400, &error("MissingAppId")), "rejected Content MissingAppId");
        assert_eq!(verdict(400, &error("SignatureNonceUsed")), "unknown SignatureNonceUsed");
        assert_eq!(verdict(400, "<html>"), "unknown ");
        assert_eq!(verdict(500, &error("InternalError")), "unknown InternalError");
        assert_eq!(verdict(503, &error("ServiceUnavailable")), "unknown ServiceUnavailable");
    }
}
