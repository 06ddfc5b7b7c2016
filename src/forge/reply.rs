//! Reads what a forge answered: what it means for a request, in which words, and for how long to wait.

use std::time::{Duration, UNIX_EPOCH};

use hyper::http::HeaderMap;
use serde_json::Value;

use crate::domain::Redactor;

/// Longest words of a forge that are repeated.
const SAID_CHARS_MAX: usize = 300;

/// An answer as it came.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Reply {
    /// Returns how long it asks to wait, if it refused because of too many requests: `Retry-After`, or what is left until its
    /// limit is reset, by its own clock. GitHub says so with 403 as well
    /// (<https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api>).
    pub(super) fn wait(&self) -> Option<Duration> {
        let asked = self.number("retry-after").map(Duration::from_secs);
        let is_used_up = self.number("x-ratelimit-remaining") == Some(0);
        let is_limit = self.status == 429 || (self.status == 403 && (asked.is_some() || is_used_up));
        is_limit.then(|| asked.or_else(|| self.until_reset()).unwrap_or(Duration::from_mins(1)))
    }

    fn until_reset(&self) -> Option<Duration> {
        let reset = self.number("x-ratelimit-reset").or_else(|| self.number("ratelimit-reset"))?;
        let now = httpdate::parse_http_date(self.headers.get("date")?.to_str().ok()?).ok()?;
        // A second more, since the date has no parts of one.
        let wait = (UNIX_EPOCH + Duration::from_secs(reset)).duration_since(now);
        Some(wait.unwrap_or_default() + Duration::from_secs(1))
    }

    fn number(&self, header: &str) -> Option<u64> {
        self.headers.get(header)?.to_str().ok()?.trim().parse().ok()
    }

    /// Whether another page follows: it says so, or it says nothing and this one is full.
    pub(super) fn has_next(&self, rows: usize, rows_max: usize) -> bool {
        let links: Vec<&str> =
            self.headers.get_all("link").iter().filter_map(|link| link.to_str().ok()).collect();
        if links.is_empty() {
            rows >= rows_max
        } else {
            links.iter().any(|link| link.contains("rel=\"next\""))
        }
    }

    /// Returns its body as JSON; `null` where it has none.
    pub(super) fn json(&self) -> Option<Value> {
        if self.body.is_empty() { Some(Value::Null) } else { serde_json::from_slice(&self.body).ok() }
    }

    /// Returns the words in which it refused, in one short line without the token.
    pub(super) fn said(&self, redactor: &Redactor) -> String {
        let json = self.json().unwrap_or_default();
        let names = ["message", "error_description", "error", "errorMessage", "errorCode"];
        let found = names.iter().map(|name| &json[*name]).find(|value| !value.is_null());
        let mut said = match found {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        };
        if let Some(Value::Array(errors)) = json.get("errors").filter(|_| !said.is_empty()) {
            let told = errors.iter().map(|error| error["message"].as_str().unwrap_or_default().to_owned());
            let told: Vec<String> = told.filter(|text| !text.is_empty()).collect();
            if !told.is_empty() {
                said = format!("{said} ({})", told.join(", "));
            }
        }
        let said = redactor.redact(&said).split_whitespace().collect::<Vec<_>>().join(" ");
        said.chars().take(SAID_CHARS_MAX).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> Reply {
        let headers =
            headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        Reply { status, headers, body: body.as_bytes().to_vec() }
    }

    #[test]
    fn a_limit_says_how_long_by_the_forges_own_clock() {
        let date = ("date", "Tue, 01 Dec 2026 00:00:00 GMT");
        let wait = |status, headers: &[_]| reply(status, headers, "").wait().map(|wait| wait.as_secs());
        assert_eq!(wait(429, &[("retry-after", "7")]), Some(7));
        assert_eq!(wait(403, &[("retry-after", "7")]), Some(7));
        let reset = ("x-ratelimit-reset", "1796083230");
        assert_eq!(wait(403, &[("x-ratelimit-remaining", "0"), reset, date]), Some(31));
        assert_eq!(wait(429, &[("ratelimit-reset", "1796083230"), date]), Some(31));
        assert_eq!(wait(429, &[reset]), Some(60));
        // It has requests left: this is about rights.
        assert_eq!(wait(403, &[("x-ratelimit-remaining", "12"), reset, date]), None);
        assert_eq!(wait(404, &[("retry-after", "7")]), None);
    }

    #[test]
    fn what_it_said_is_one_line_without_the_token() {
        let redactor = Redactor::new(["ghs_0123456789abcdef".to_owned()]);
        let said = |body: &str| reply(422, &[], body).said(&redactor);
        assert_eq!(said(r#"{"message":"Bad\n ghs_0123456789abcdef"}"#), "Bad [redacted]");
        assert_eq!(
            said(r#"{"message":"Validation Failed","errors":[{"message":"body is too long"},{}]}"#),
            "Validation Failed (body is too long)"
        );
        assert_eq!(said(r#"{"message":{"body":["is too long"]}}"#), r#"{"body":["is too long"]}"#);
        assert_eq!(said(r#"{"errorCode":"403","errorMessage":"no"}"#), "no");
        assert_eq!(said("<html>"), "");
        assert_eq!(said(&format!("{{\"error\":\"{}\"}}", "x".repeat(999))).len(), SAID_CHARS_MAX);
    }

    #[test]
    fn a_page_is_the_last_where_it_says_so_or_is_not_full() {
        let next =
            ("link", "<https://x.example/?page=2>; rel=\"next\", <https://x.example/?page=9>; rel=\"last\"");
        assert!(reply(200, &[next], "").has_next(3, 100));
        assert!(!reply(200, &[("link", "<https://x.example/>; rel=\"first\"")], "").has_next(100, 100));
        assert!(reply(200, &[], "").has_next(100, 100));
        assert!(!reply(200, &[], "").has_next(99, 100));
    }
}
