//! What a reply says beside its verdict, in fields that no page of the vendor knows and in its message.
//!
//! A refusal that names a task, and a success that counts failures, prove neither. There is no list of such fields, so
//! their names are read by their words; a field that says nothing of either is no business of ours.

use crate::mpaas::codes;
use crate::mpaas::json::Json;

/// A field of a reply, by its name.
type Field<'a> = (&'a str, &'a Json<'a>);

/// What stands as the message of a success.
const FINE: [&str; 7] = ["ok", "success", "successful", "succeeded", "成功", "操作成功", "发送成功"];

/// Whether one of these fields, which no page knows, names a task, or says that something was sent.
pub(super) fn names_a_success(unknown: &[Field<'_>]) -> bool {
    any(unknown, &|name, value| {
        let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
        let is_id = ["id", "ids", "key", "keys"].iter().any(|ending| name.ends_with(ending));
        let is_of_success = has(&["task", "succe", "sent", "accepted", "delivered", "pushed"])
            || is_id && has(&["msg", "message", "push", "batch", "job"]);
        is_of_success && !is_nothing(value)
    })
}

/// Whether one of these fields, which no page knows, says that something failed.
pub(super) fn names_a_failure(unknown: &[Field<'_>]) -> bool {
    any(unknown, &|name, value| match name {
        "success" | "issuccess" => matches!(value, Json::Bool(false)) || value.text() == Some("false"),
        "code" | "resultcode" | "status" | "statuscode" | "httpstatus" | "httpstatuscode" | "httpcode" => {
            !is_nothing(value) && !is_good(value)
        }
        name => {
            let words = ["error", "errcode", "errmsg", "fail", "reject", "refuse", "invalid"];
            words.iter().any(|word| name.contains(word)) && !is_nothing(value) && !is_good(value)
        }
    })
}

/// Whether a refusal's message says that the push was sent, or a part of it.
pub(super) fn speaks_of_success(message: &str) -> bool {
    let message = message.to_lowercase();
    let words: Vec<_> = message.split(|c: char| !c.is_alphanumeric() && c != '/').collect();
    let is_count = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    let is_part = |three: &[&str]| is_count(three[0]) && matches!(three[1], "of" | "/") && is_count(three[2]);
    let is_fraction =
        |word: &&str| word.split_once('/').is_some_and(|(part, all)| is_count(part) && is_count(all));
    FINE.contains(&message.trim().trim_end_matches(['.', '!']))
        || words.windows(3).any(is_part)
        || words.iter().any(|word| is_fraction(word) || word.starts_with("partial") || word.contains("部分"))
}

/// Whether a success's message is a documented refusal, or has a word of failure.
pub(super) fn speaks_of_failure(message: &str) -> bool {
    if FINE.iter().any(|fine| fine.eq_ignore_ascii_case(message)) {
        return false;
    }
    let lower = message.to_lowercase();
    codes::of_message(message).is_some()
        || ["fail", "error", "失败", "错误"].iter().any(|word| lower.contains(word))
}

fn any(fields: &[Field<'_>], tells: &impl Fn(&str, &Json<'_>) -> bool) -> bool {
    fields.iter().any(|(name, value)| tells(&plain(name), value) || any_within(value, tells))
}

fn any_within(value: &Json<'_>, tells: &impl Fn(&str, &Json<'_>) -> bool) -> bool {
    match value {
        Json::Object(fields) => {
            fields.iter().any(|(name, value)| tells(&plain(name), value) || any_within(value, tells))
        }
        Json::List(list) => list.iter().any(|value| any_within(value, tells)),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Fraction(_) | Json::Text(_) => false,
    }
}

/// A name without case, hyphens and underscores.
fn plain(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .collect()
}

/// Whether a value says no, none, or nothing.
fn is_nothing(value: &Json<'_>) -> bool {
    value.is_empty()
        || value.aside().is_some_and(|text| matches!(text.trim(), "0" | "false" | "null" | "none"))
}

/// Whether a value is the code or the status of a success.
fn is_good(value: &Json<'_>) -> bool {
    let good = |text: &str| text == "200" || FINE.contains(&text.trim().to_lowercase().as_str());
    matches!(value, Json::Bool(true)) || value.aside().is_some_and(good)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mpaas::json::Fields;

    fn of(fields: &str, tells: impl Fn(&[Field<'_>]) -> bool) -> bool {
        let fields = format!("{{{fields}}}");
        let fields: Fields<'_> = serde_json::from_str(&fields).unwrap();
        tells(&fields.split(["Success", "ResultMsg", "Data"]).unwrap().others)
    }

    #[test]
    fn a_name_with_a_word_of_success_counts_if_it_has_a_value() {
        for fields in [
            r#""TaskId":"99""#,
            r#""task_id":99"#,
            r#""MsgIds":["1"]"#,
            r#""message-key":"m1""#,
            r#""PushId":1"#,
            r#""SuccessCount":5"#,
            r#""Sent":"5""#,
            r#""isSuccess":true"#,
            r#""Detail":{"Accepted":[1]}"#,
            r#""Rows":[{"TaskId":"1"}]"#,
        ] {
            assert!(of(fields, names_a_success), "{fields}");
        }
        for fields in [
            "",
            r#""TaskId":"""#,
            r#""TaskId":null"#,
            r#""SuccessCount":0"#,
            r#""Sent":"0""#,
            r#""isSuccess":false"#,
            r#""Success":true,"Data":"7""#,
            r#""TraceId":"t","Recommend":"https://example.com","AuthAction":"mpaas:PushTemplate""#,
            r#""Detail":{"Accepted":[]}"#,
        ] {
            assert!(!of(fields, names_a_success), "{fields}");
        }
    }

    #[test]
    fn a_name_with_a_word_of_failure_counts_if_it_has_a_value() {
        for fields in [
            r#""ErrorCode":"3022""#,
            r#""error_message":"no""#,
            r#""Status":500"#,
            r#""HttpStatusCode":"500""#,
            r#""Code":"3022""#,
            r#""Failed":10"#,
            r#""FailedTargets":["u1"]"#,
            r#""Detail":{"Success":false}"#,
            r#""Detail":[{"Code":"E"}]"#,
        ] {
            assert!(of(fields, names_a_failure), "{fields}");
        }
        for fields in [
            "",
            r#""ErrorCode":"","ErrorMessage":null"#,
            r#""ErrorCode":0"#,
            r#""Status":200,"Code":"OK","HttpStatusCode":"200""#,
            r#""Failed":0,"FailedTargets":[]"#,
            r#""ErrorMessage":"success""#,
            r#""Detail":{"Success":true,"Code":"200"}"#,
            r#""Success":false"#,
        ] {
            assert!(!of(fields, names_a_failure), "{fields}");
        }
    }

    #[test]
    fn messages_are_read_for_the_opposite_of_their_verdict() {
        for message in ["success", "OK.", "5 of 10 sent", "sent 5/10", "partially sent", "部分成功"] {
            assert!(speaks_of_success(message), "{message}");
        }
        for message in ["", "template not exist", "no", "requests sent too fast: 20 a second", "out of quota"]
        {
            assert!(!speaks_of_success(message), "{message}");
        }
        for message in ["param is invalid", "3022", "TEMPLATE_NOT_EXIST: x", "send failed: 8011", "发送失败"]
        {
            assert!(speaks_of_failure(message), "{message}");
        }
        for message in ["", "success", "ok", "m", "7", "发送成功"] {
            assert!(!speaks_of_failure(message), "{message}");
        }
    }
}
