//! Reads a reply: what it proves about the request, and nothing more.
//!
//! Law 3: a reply rejects only where it says that the request was not taken. Whatever is unclear,
//! contradictory or unreadable is [`Outcome::Unknown`].

use std::borrow::Cow;
use std::time::Duration;

use serde::Deserialize;

use crate::domain::{Credentials, Secret};
use crate::vendor::codes::{self, Verdict};
use crate::vendor::json::{Aside, Object};
use crate::vendor::outcome::Outcome;

/// Longest vendor message that is kept, in characters.
const MESSAGE_CHARS_MAX: usize = 300;

/// A reply as it came.
#[derive(Clone, Copy)]
pub(super) struct Reply<'a> {
    /// The HTTP status.
    pub(super) status: u16,
    /// How long the headers ask to wait.
    pub(super) retry_after: Option<Duration>,
    /// The whole body.
    pub(super) body: &'a [u8],
}

/// The gateway's errors: HTTP 4xx and 5xx.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GatewayError {
    code: String,
    #[serde(default)]
    message: Aside,
    #[serde(default)]
    request_id: Aside,
}

/// The push service's answers: HTTP 200.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    result_code: String,
    #[serde(default)]
    result_message: Aside,
    #[serde(default)]
    request_id: Aside,
    #[serde(default)]
    push_result: Option<Object<PushResult>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PushResult {
    #[serde(default)]
    success: Option<bool>,
    #[serde(default)]
    result_msg: Aside,
    #[serde(default)]
    data: Aside,
}

/// Returns what `reply` proves. `credentials` are taken out of every text that is kept.
pub(super) fn read(reply: Reply<'_>, credentials: &Credentials) -> Outcome {
    match reply.status {
        200 => match serde_json::from_slice::<Object<Answer>>(reply.body) {
            Ok(Object(answer)) => of_answer(answer, reply.retry_after, credentials),
            Err(_) => unknown("the vendor answered HTTP 200 with a body that cannot be read", None, None),
        },
        400..=599 => match serde_json::from_slice::<Object<GatewayError>>(reply.body) {
            Ok(Object(error)) => of_gateway_error(reply.status, error, reply.retry_after, credentials),
            Err(_) => unknown(
                &format!("the vendor answered HTTP {} with a body that cannot be read", reply.status),
                None,
                None,
            ),
        },
        status => unknown(&format!("the vendor answered HTTP {status}, which no page documents"), None, None),
    }
}

fn of_answer(answer: Answer, retry_after: Option<Duration>, credentials: &Credentials) -> Outcome {
    let request_id = answer.request_id.0.map(|id| printable(&id, credentials));
    let code = printable(&answer.result_code, credentials);
    let (success, result_msg, data) = match answer.push_result {
        Some(Object(result)) => (result.success, result.result_msg.0.unwrap_or_default(), result.data.0),
        None => (None, String::new(), None),
    };
    let result_message = answer.result_message.0.unwrap_or_default();
    let message = if result_msg.is_empty() { &result_message } else { &result_msg };
    let message = printable(message, credentials);

    let (verdict, code) = match (answer.result_code.as_str(), success) {
        ("OK", Some(true)) => {
            let task_id = data.map(|data| printable(&data, credentials)).filter(|data| !data.is_empty());
            return Outcome::Accepted { request_id, task_id };
        }
        ("OK", Some(false)) => {
            let verdict = codes::of_message(&result_msg).or_else(|| codes::of_message(&result_message));
            (verdict, code)
        }
        ("OK", None) => {
            let why = "the vendor answered `OK` without saying whether the push succeeded";
            return unknown(why, Some(code), request_id);
        }
        (_, Some(true)) => {
            let why = format!("the vendor answered `{code}` and success at once");
            return unknown(&why, Some(code), request_id);
        }
        (result_code, Some(false) | None) => (codes::of_result(result_code), code),
    };
    match verdict {
        Some(Verdict::NotTaken(class)) => Outcome::Rejected { class, code, message, request_id, retry_after },
        Some(Verdict::Doubt) => {
            let why = format!("the vendor answered `{code}`{}", quoted(&message));
            unknown(&why, Some(code), request_id)
        }
        None => {
            let why = format!(
                "the vendor answered `{code}`{}, and no page says whether the push was taken",
                quoted(&message)
            );
            unknown(&why, Some(code), request_id)
        }
    }
}

fn of_gateway_error(
    status: u16,
    error: GatewayError,
    retry_after: Option<Duration>,
    credentials: &Credentials,
) -> Outcome {
    let code = printable(&error.code, credentials);
    let request_id = error.request_id.0.map(|id| printable(&id, credentials));
    // The gateway echoes the whole string to sign: keys, targets and texts, encoded twice.
    let message = error.message.0.unwrap_or_default();
    let message = message.split("server string to sign").next().expect("a split gives at least one part");
    let message = printable(message, credentials);
    // A 5xx proves nothing even with a known code: the request may have passed the gateway before it broke.
    let verdict = if status < 500 { codes::of_gateway(&error.code) } else { None };
    match verdict {
        Some(Verdict::NotTaken(class)) => Outcome::Rejected { class, code, message, request_id, retry_after },
        Some(Verdict::Doubt) | None => {
            let why = format!("the vendor answered HTTP {status} `{code}`{}", quoted(&message));
            unknown(&why, Some(code), request_id)
        }
    }
}

fn unknown(why: &str, code: Option<String>, request_id: Option<String>) -> Outcome {
    Outcome::Unknown { why: why.to_owned(), code, request_id }
}

fn quoted(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(" ({message})") }
}

/// Returns `text` fit for a terminal, a log and a ledger: no secret, no control character, not too long.
pub(super) fn printable(text: &str, credentials: &Credentials) -> String {
    let secrets = [
        Some(&credentials.access_key_secret),
        Some(&credentials.access_key_id),
        credentials.security_token.as_ref(),
    ];
    let secrets = secrets.into_iter().flatten().map(Secret::expose);
    let secrets = secrets.filter(|secret| !secret.is_empty() && text.contains(secret));
    let mut text = Cow::Borrowed(text);
    for secret in secrets {
        text = text.replace(secret, "…").into();
    }
    if text.len() <= MESSAGE_CHARS_MAX && text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return text.trim().to_owned();
    }
    let clean = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut out: String = clean.clone().take(MESSAGE_CHARS_MAX).collect();
    if clean.count() > MESSAGE_CHARS_MAX {
        out.push('…');
    }
    out.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Secret;

    fn credentials() -> Credentials {
        Credentials {
            access_key_id: Secret::new("AKID".into()),
            access_key_secret: Secret::new("SECRET".into()),
            security_token: None,
        }
    }

    fn verdict(status: u16, body: &str) -> String {
        match read(Reply { status, retry_after: None, body: body.as_bytes() }, &credentials()) {
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
        assert_eq!(
            verdict(200, &envelope("\"TEMPLATE_NOT_EXIST\"", "null", "")),
            "rejected Content TEMPLATE_NOT_EXIST"
        );
        assert_eq!(verdict(200, &envelope("\"OK\"", "false", "INVALID_PARAM")), "rejected Content OK");
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
    fn a_list_is_no_object_at_any_level() {
        for body in [
            r#"["OK","","R",[true,"",""]]"#,
            r#"["OK","","R",{"Success":true}]"#,
            r#"{"ResultCode":"OK","RequestId":"R","PushResult":[true,"",""]}"#,
            r#"[{"ResultCode":"OK","PushResult":{"Success":true}}]"#,
            r#""{\"ResultCode\":\"OK\"}""#,
        ] {
            assert_eq!(verdict(200, body), "unknown ", "{body}");
        }
        assert_eq!(verdict(400, r#"["Throttling","m","R"]"#), "unknown ");
    }

    #[test]
    fn a_side_field_takes_nothing_from_a_clear_success() {
        for (value, task_id) in [
            ("\"7\"", "7"),
            ("7", "7"),
            ("-7", "-7"),
            ("0.5", ""),
            ("null", ""),
            ("true", ""),
            ("{\"Id\":[7]}", ""),
            ("[7,{}]", ""),
        ] {
            let body = format!(
                r#"{{"RequestId":{value},"ResultCode":"OK","ResultMessage":{value},"PushResult":{{"Success":true,"ResultMsg":{value},"Data":{value}}},"More":{value}}}"#
            );
            assert_eq!(verdict(200, &body), format!("accepted {task_id}"), "{body}");
            let body = format!(r#"{{"Code":"Throttling","Message":{value},"RequestId":{value}}}"#);
            assert_eq!(verdict(400, &body), "rejected Throttled Throttling", "{body}");
        }
        // What decides is no side field.
        for success in ["\"true\"", "1", "[true]"] {
            let body = format!(r#"{{"ResultCode":"OK","PushResult":{{"Success":{success}}}}}"#);
            assert_eq!(verdict(200, &body), "unknown ", "{body}");
        }
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
        // Behind the gateway it broke, whatever the code says.
        for status in [500, 501, 503, 599] {
            assert_eq!(verdict(status, &error("Throttling")), "unknown Throttling", "{status}");
        }
        assert_eq!(verdict(499, &error("Throttling")), "rejected Throttled Throttling");
        assert_eq!(verdict(503, &error("ServiceUnavailable")), "unknown ServiceUnavailable");
    }

    #[test]
    fn what_the_gateway_echoes_is_kept_from_logs_and_ledger() {
        let body = r#"{"Code":"SignatureDoesNotMatch","Message":"key AKID wrong\u001b[2J. server string to sign is:POST&AccessKeyId%3DAKID","RequestId":"R"}"#;
        let outcome = read(Reply { status: 400, retry_after: None, body: body.as_bytes() }, &credentials());
        let Outcome::Rejected { message, .. } = outcome else { panic!("{outcome:?}") };
        assert_eq!(message, "key … wrong [2J.");
    }
}
