//! Reads a reply: what it proves about the request, and nothing more.
//!
//! Law 3: a reply rejects only where it says that the request was not taken. Whatever is unclear,
//! contradictory or unreadable is [`Outcome::Unknown`].

use std::time::Duration;

use crate::domain::Redactor;
use crate::mpaas::codes::{self, Verdict};
use crate::mpaas::contradiction::{names_a_failure, names_a_success, speaks_of_failure, speaks_of_success};
use crate::mpaas::json::{Fields, Json, Split};
use crate::mpaas::outcome::Outcome;

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

/// The statuses at which the gateway's pages document refusals. Any other 4xx may come from somebody who passed the
/// request on, as a 408 does.
const REFUSING: [u16; 4] = [400, 403, 404, 429];

/// What a reply says, whatever its status: the gateway's fields beside the push service's, since each can belie the other.
struct Said<'a> {
    /// Fields that no page knows, of both levels.
    unknown: Vec<(&'a str, &'a Json<'a>)>,
    request_id: &'a Json<'a>,
    code: &'a Json<'a>,
    message: &'a Json<'a>,
    success: Option<bool>,
    result_code: &'a Json<'a>,
    result_message: &'a Json<'a>,
    /// Of the `PushResult`.
    pushed: Option<bool>,
    result_msg: &'a Json<'a>,
    data: &'a Json<'a>,
    /// Whether there is a `Data` at either level: the vendor names what it made.
    names_a_task: bool,
}

impl<'a> Said<'a> {
    /// Reads every field that decides; an error says which is not to be understood.
    fn of(fields: &'a Fields<'a>) -> Result<Self, String> {
        let Split { known, others: mut unknown } = fields.split([
            "RequestId",
            "Code",
            "Message",
            "Success",
            "ResultCode",
            "ResultMessage",
            "PushResult",
            "Data",
            "HostId",
            "Recommend",
            "AccessDeniedDetail",
            "EncodedDiagnosticMessage",
        ])?;
        let [request_id, code, message, success, result_code, result_message, result, data_above, ..] = known;
        let result = match result {
            Json::Object(result) => result,
            Json::Null => Fields::none(),
            _ => return Err("its `PushResult` is no object".to_owned()),
        };
        let Split { known: [pushed, result_msg, data], others } =
            result.split(["Success", "ResultMsg", "Data"])?;
        unknown.extend(others);
        Ok(Self {
            unknown,
            request_id,
            code,
            message,
            success: flag(success)?,
            result_code,
            result_message,
            pushed: flag(pushed)?,
            result_msg,
            data,
            names_a_task: !data.is_empty() || !data_above.is_empty(),
        })
    }

    /// Returns what belies a refusal: a sign that the push was taken, or a code `beside` it that does not refuse.
    fn belied_by(
        &self,
        beside: &Json<'_>,
        of_code: impl Fn(&str) -> Option<Verdict>,
    ) -> Option<&'static str> {
        let refuses = |code: &str| matches!(of_code(code), Some(Verdict::NotTaken(_)));
        if self.pushed == Some(true) || self.success == Some(true) {
            Some("success")
        } else if self.names_a_task {
            Some("a task's id")
        } else if !beside.is_empty() && !beside.aside().is_some_and(refuses) {
            Some("a code that refuses nothing")
        } else if names_a_success(&self.unknown) {
            Some("what was sent")
        } else if self.messages().any(speaks_of_success) {
            Some("that a part was sent")
        } else {
            None
        }
    }

    /// Whether both levels say success.
    fn is_success(&self) -> bool {
        self.result_code.text() == Some("OK") && self.pushed == Some(true)
    }

    /// Whether a success says anywhere that it failed.
    fn is_success_belied(&self) -> bool {
        let is_good = |code: &str| matches!(code, "OK" | "200");
        self.success == Some(false)
            || !self.code.is_empty() && !self.code.aside().is_some_and(is_good)
            || names_a_failure(&self.unknown)
            || self.messages().any(speaks_of_failure)
    }

    fn messages(&self) -> impl Iterator<Item = &str> {
        [self.result_message, self.result_msg]
            .into_iter()
            .filter_map(Json::text)
            .filter(|text| !text.is_empty())
    }
}

fn flag(value: &Json) -> Result<Option<bool>, String> {
    match value {
        Json::Null => Ok(None),
        Json::Bool(flag) => Ok(Some(*flag)),
        _ => Err("its `Success` is neither true nor false".to_owned()),
    }
}

/// Returns what `reply` proves. What `redactor` knows is taken out of every text that is kept.
pub(super) fn read(reply: Reply<'_>, redactor: &Redactor) -> Outcome {
    let status = reply.status;
    let name = match status {
        200 => "ResultCode",
        400..=599 => "Code",
        _ => {
            return unknown(
                &format!("the vendor answered HTTP {status}, which no page documents"),
                None,
                None,
            );
        }
    };
    let Ok(fields) = serde_json::from_slice::<Fields>(reply.body) else {
        let why = format!("the vendor answered HTTP {status} with a body that cannot be read");
        return unknown(&why, None, None);
    };
    let code = || {
        let Ok(Split { known: [code], .. }) = fields.split([name]) else { return None };
        code.text().map(|code| printable(code, redactor))
    };
    let said = match Said::of(&fields) {
        Ok(said) => said,
        Err(why) => {
            let why = format!("the vendor answered HTTP {status} with a body that cannot be read: {why}");
            return unknown(&why, code(), None);
        }
    };
    let request_id = said.request_id.aside().map(|id| printable(id, redactor));
    if status == 200 && said.is_success() && !said.is_success_belied() {
        let task_id = said.data.aside().map(|data| printable(data, redactor));
        return Outcome::Accepted { request_id, task_id: task_id.filter(|data| !data.is_empty()) };
    }
    let Some(code) = code() else {
        let why = format!("the vendor answered HTTP {status} without a code that can be read");
        return unknown(&why, None, request_id);
    };
    let names = Names { code, request_id, retry_after: reply.retry_after };
    if status == 200 {
        of_answer(&said, names, redactor)
    } else {
        of_gateway_error(status, &said, names, redactor)
    }
}

/// What an outcome keeps of its reply.
struct Names {
    code: String,
    request_id: Option<String>,
    retry_after: Option<Duration>,
}

/// The push service's answers that are no success: HTTP 200.
fn of_answer(said: &Said<'_>, names: Names, redactor: &Redactor) -> Outcome {
    let Names { code, request_id, retry_after } = names;
    let result_code = said.result_code.text().expect("it was read");
    let result_msg = said.result_msg.aside().unwrap_or_default();
    let result_message = said.result_message.aside().unwrap_or_default();
    let message = if result_msg.is_empty() { result_message } else { result_msg };
    let message = printable(message, redactor);
    let verdict = match (result_code, said.pushed) {
        ("OK", Some(true)) => {
            let why = "the vendor answered success and an error at once";
            return unknown(why, Some(code), request_id);
        }
        ("OK", None) => {
            let why = "the vendor answered `OK` without saying whether the push succeeded";
            return unknown(why, Some(code), request_id);
        }
        ("OK", Some(false)) => codes::of_message(result_msg).or_else(|| codes::of_message(result_message)),
        (result_code, _) => codes::of_result(result_code),
    };
    if let Some(sign) = said.belied_by(said.code, codes::of_gateway) {
        return unknown(&format!("the vendor answered `{code}` and {sign} at once"), Some(code), request_id);
    }
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

/// The gateway's errors: HTTP 4xx and 5xx.
fn of_gateway_error(status: u16, said: &Said<'_>, names: Names, redactor: &Redactor) -> Outcome {
    let Names { code, request_id, retry_after } = names;
    // The gateway echoes the whole string to sign: keys, targets and texts, encoded twice.
    let message = said.message.aside().unwrap_or_default();
    let message = message.split("server string to sign").next().expect("a split gives at least one part");
    let message = printable(message, redactor);
    if let Some(sign) = said.belied_by(said.result_code, codes::of_result) {
        let why = format!("the vendor answered HTTP {status} `{code}` and {sign} at once");
        return unknown(&why, Some(code), request_id);
    }
    // A 5xx proves nothing even with a known code: the request may have passed the gateway before it broke.
    let is_refusing = REFUSING.contains(&status);
    let verdict = said.code.text().filter(|_| is_refusing).and_then(codes::of_gateway);
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
pub(super) fn printable(text: &str, redactor: &Redactor) -> String {
    let text = redactor.redact(text);
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

    fn redactor() -> Redactor {
        Redactor::new(["AKID0123".to_owned(), "S3CR3T+/0123".to_owned()])
    }

    fn verdict(status: u16, body: &str) -> String {
        match read(Reply { status, retry_after: None, body: body.as_bytes() }, &redactor()) {
            Outcome::Accepted { task_id, .. } => format!("accepted {}", task_id.unwrap_or_default()),
            Outcome::Rejected { class, code, .. } => format!("rejected {class:?} {code}"),
            Outcome::Unknown { code, .. } => format!("unknown {}", code.unwrap_or_default()),
        }
    }

    fn envelope(code: &str, success: &str, inner: &str) -> String {
        let data = if success == "true" { "D" } else { "" };
        format!(
            r#"{{"RequestId":"R","ResultCode":{code},"ResultMessage":"m","PushResult":{{"Success":{success},"ResultMsg":"{inner}","Data":"{data}"}}}}"#
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
        for body in ["", "<html>", "[]", r#"{"ResultCode":"OK","PushResult":{"Success":"#] {
            assert_eq!(verdict(200, body), "unknown ", "{body}");
        }
        assert_eq!(verdict(200, r#"{"ResultCode":"OK","PushResult":"{}"}"#), "unknown OK");
        assert_eq!(verdict(204, ""), "unknown ");
        assert_eq!(verdict(302, ""), "unknown ");
    }

    #[test]
    fn a_list_is_no_object_at_any_level() {
        for body in [
            r#"["OK","","R",[true,"",""]]"#,
            r#"["OK","","R",{"Success":true}]"#,
            r#"[{"ResultCode":"OK","PushResult":{"Success":true}}]"#,
            r#""{\"ResultCode\":\"OK\"}""#,
        ] {
            assert_eq!(verdict(200, body), "unknown ", "{body}");
        }
        let body = r#"{"ResultCode":"OK","RequestId":"R","PushResult":[true,"",""]}"#;
        assert_eq!(verdict(200, body), "unknown OK");
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
            assert_eq!(verdict(200, &body), "unknown OK", "{body}");
        }
    }

    #[test]
    fn a_refusal_that_carries_a_sign_of_success_is_unknown() {
        let signs = [
            r#""PushResult":{"Success":true}"#,
            r#""PushResult":{"Success":"true"}"#,
            r#""PushResult":{"Success":1}"#,
            r#""PushResult":{"success":true}"#,
            r#""pushResult":{"Success":true}"#,
            r#""pushResult":{"success":"true"}"#,
            r#""push_result":{"success":true}"#,
            r#""PushResult":{"Success":false},"pushResult":{"success":true}"#,
            r#""PushResult":{"Success":false,"success":true}"#,
            r#""PushResult":{"Success":false,"Data":"903bf653"}"#,
            r#""PushResult":{"Success":false,"Data":7}"#,
            r#""PushResult":{"Success":false,"Data":{"TaskId":"7"}}"#,
            r#""PushResult":{"Success":false,"data":"903bf653"}"#,
            r#""PushResult":"{\"Success\":true}""#,
            r#""PushResult":[{"Success":true}]"#,
            r#""Success":true"#,
            r#""success":"true""#,
            r#""Data":"903bf653""#,
            // In fields that no page knows, and in the message.
            r#""PushResult":{"Success":false,"Data":"","TaskId":"99"}"#,
            r#""PushResult":{"Success":false,"MsgIds":["1"]}"#,
            r#""TaskId":"99""#,
            r#""SuccessCount":5"#,
            r#""ResultMessage":"5 of 10 sent""#,
            r#""PushResult":{"Success":false,"ResultMsg":"success"}"#,
        ];
        for sign in signs {
            for status in REFUSING {
                let body = format!(r#"{{"RequestId":"R","Code":"Throttling.User","Message":"m",{sign}}}"#);
                assert_eq!(verdict(status, &body), "unknown Throttling.User", "{body}");
            }
            for code in ["8011", "3022", "8014", "-1"] {
                let body = format!(r#"{{"RequestId":"R","ResultCode":"{code}",{sign}}}"#);
                assert_eq!(verdict(200, &body), format!("unknown {code}"), "{body}");
            }
        }
        for sign in [
            r#""ResultCode":"OK""#,
            r#""resultCode":"OK""#,
            r#""ResultCode":"100""#,
            r#""ResultCode":["OK"]"#,
        ] {
            let body = format!(r#"{{"Code":"Throttling.User",{sign}}}"#);
            assert_eq!(verdict(400, &body), "unknown Throttling.User", "{body}");
        }
        for sign in [r#""Code":"OK""#, r#""code":"OK""#, r#""Code":200"#, r#""Code":"InternalError""#] {
            let body = format!(r#"{{"ResultCode":"8011",{sign}}}"#);
            assert_eq!(verdict(200, &body), "unknown 8011", "{body}");
        }
        // A success that carries a sign of an error.
        for (sign, wanted) in [
            (r#""Code":"Throttling.User""#, "unknown OK"),
            (r#""Code":"InternalError""#, "unknown OK"),
            (r#""Code":500"#, "unknown OK"),
            (r#""code":"Throttling""#, "unknown OK"),
            (r#""Success":false"#, "unknown OK"),
            (r#""resultCode":"8011""#, "unknown "),
            (r#""pushResult":{"success":false}"#, "unknown OK"),
            (r#""requestId":"another""#, "unknown OK"),
            (r#""ErrorCode":"3022""#, "unknown OK"),
            (r#""Status":500"#, "unknown OK"),
            (r#""Failed":10"#, "unknown OK"),
            (r#""FailedTargets":["u1"]"#, "unknown OK"),
            (r#""Status":200,"ErrorCode":"","Failed":0,"TraceId":"t""#, "accepted D"),
            (r#""Code":"OK""#, "accepted D"),
            (r#""Code":"200","Success":true"#, "accepted D"),
            (r#""Code":200"#, "accepted D"),
            (r#""Code":"""#, "accepted D"),
            (r#""Code":null,"Success":null"#, "accepted D"),
            (r#""resultCode":"OK","requestId":"R""#, "accepted D"),
        ] {
            let body = envelope("\"OK\"", "true", "");
            let body = format!("{},{sign}}}", body.strip_suffix('}').unwrap());
            assert_eq!(verdict(200, &body), wanted, "{body}");
        }
        for (message, wanted) in
            [("param is invalid", "unknown OK"), ("3022", "unknown OK"), ("success", "accepted D")]
        {
            assert_eq!(verdict(200, &envelope("\"OK\"", "true", message)), wanted, "{message}");
        }
        // What says nothing of a success takes nothing from a refusal.
        for nothing in [
            "null",
            "{}",
            r#"{"Success":false}"#,
            r#"{"Success":null,"Data":null}"#,
            r#"{"Success":false,"Data":""}"#,
        ] {
            let body =
                format!(r#"{{"Code":"Throttling","PushResult":{nothing},"Success":false,"Data":{{}}}}"#);
            assert_eq!(verdict(400, &body), "rejected Throttled Throttling", "{body}");
            let body = format!(r#"{{"ResultCode":"8011","PushResult":{nothing},"Code":""}}"#);
            assert_eq!(verdict(200, &body), "rejected Throttled 8011", "{body}");
        }
    }

    #[test]
    fn a_field_counts_only_as_the_sdks_spell_it_and_only_once() {
        for body in [
            r#"{"resultCode":"OK","pushResult":{"success":true}}"#,
            r#"{"resultCode":"8011","pushResult":{"success":false}}"#,
            r#"{"ResultCode":"OK","ResultCode":"OK","PushResult":{"Success":true}}"#,
            r#"{"ResultCode":"OK","PushResult":{"Success":true,"Success":true}}"#,
            r#"{"ResultCode":"OK","PushResult":{"Success":true,"success":false}}"#,
            r#"{"ResultCode":"OK","PushResult":{"Success":true,"Data":"7","data":"8"}}"#,
            r#"{"ResultCode":"OK","PushResult":{"Success":false,"ResultMsg":"param is invalid","resultMsg":"sent"}}"#,
        ] {
            assert!(verdict(200, body).starts_with("unknown"), "{body}: {}", verdict(200, body));
        }
        for body in [
            r#"{"code":"Throttling"}"#,
            r#"{"Code":"Throttling","code":"OK"}"#,
            r#"{"Code":"Throttling","Code":"Throttling"}"#,
            r#"{"Code":["Throttling"]}"#,
        ] {
            assert!(verdict(400, body).starts_with("unknown"), "{body}: {}", verdict(400, body));
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
        // Its pages know refusals at four statuses; somebody in between may have read the request before another.
        for status in 400..500 {
            let wanted = if REFUSING.contains(&status) { "rejected Throttled" } else { "unknown" };
            assert_eq!(verdict(status, &error("Throttling")), format!("{wanted} Throttling"), "{status}");
        }
        for code in ["ThrottlingButDelivered", "Throttling.", "Throttling.User delivered", "throttling"] {
            assert_eq!(verdict(400, &error(code)), format!("unknown {code}"));
        }
        assert_eq!(verdict(503, &error("ServiceUnavailable")), "unknown ServiceUnavailable");
    }

    #[test]
    fn what_the_gateway_echoes_is_kept_from_logs_and_ledger() {
        let body = r#"{"Code":"SignatureDoesNotMatch","Message":"key AKID0123 wrong, S3CR3T%252B%252F0123\u001b[2J. server string to sign is:POST&AccessKeyId%3DAKID0123","RequestId":"R"}"#;
        let outcome = read(Reply { status: 400, retry_after: None, body: body.as_bytes() }, &redactor());
        let Outcome::Rejected { message, .. } = outcome else { panic!("{outcome:?}") };
        assert_eq!(message, "key [redacted] wrong, [redacted] [2J.");
    }
}
