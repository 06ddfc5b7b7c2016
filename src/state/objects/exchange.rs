//! Asks who gives keys for a token, and remembers in words why there were none: the crate that reads the answers does not say
//! which host or file it was.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use hyper::http;
use reqsign_core::{FileRead, HttpSend};

use crate::state::objects::credentials::Source;
use crate::state::objects::trouble::innermost;

/// Longest part of a service's own words that is repeated.
const MESSAGE_CHARS_MAX: usize = 200;
/// Longest answer with keys that is read.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// Why there are no keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoKeys {
    /// The file of a token cannot be used, or the service says no.
    Refused(String),
    /// It may answer the next time.
    Later(String),
}

/// What came of the last file and the last service that were asked.
#[derive(Clone, Debug, Default)]
pub(super) struct LastAsked(Arc<Mutex<Option<NoKeys>>>);

impl LastAsked {
    pub(super) fn why(&self) -> Option<NoKeys> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, why: Option<NoKeys>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }
}

/// Reads the file of a token.
#[derive(Debug)]
pub(super) struct TokenFiles(pub(super) LastAsked);

impl FileRead for TokenFiles {
    async fn file_read(&self, path: &str) -> reqsign_core::Result<Vec<u8>> {
        let read =
            std::fs::read(path).map_err(|error| format!("could not read the token in `{path}`: {error}"));
        let read = read.and_then(|bytes| match bytes.trim_ascii() {
            [] => Err(format!("the token file `{path}` is empty")),
            token if token.iter().all(u8::is_ascii_graphic) => Ok(token.to_vec()),
            _ => Err(format!("`{path}` holds no token: tokens have visible ASCII characters only")),
        });
        self.0.note(read.as_ref().err().cloned().map(NoKeys::Refused));
        read.map_err(reqsign_core::Error::config_invalid)
    }
}

/// Exchanges a token for keys.
#[derive(Debug)]
pub(super) struct Exchange {
    http: reqwest::Client,
    within: Duration,
    last: LastAsked,
}

impl Exchange {
    pub(super) fn new(source: Source, within: Duration, last: LastAsked) -> Result<Self, String> {
        let builder = reqwest::Client::builder()
            .user_agent(concat!("campaignctl/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none());
        // A container's host is on no network.
        let builder = if source == Source::Container { builder.no_proxy() } else { builder };
        let http = builder.build().map_err(|error| innermost(&error.without_url()))?;
        Ok(Self { http, within, last })
    }

    async fn ask(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, String> {
        let told = |error: reqwest::Error| innermost(&error.without_url());
        let request = reqwest::Request::try_from(request).map_err(told)?;
        let exchange = async {
            let mut reply = self.http.execute(request).await.map_err(told)?;
            let mut answer = http::Response::new(Bytes::new());
            (*answer.status_mut(), *answer.headers_mut()) = (reply.status(), reply.headers().clone());
            let mut body = Vec::new();
            while let Some(chunk) = reply.chunk().await.map_err(told)? {
                if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                    return Err("its answer is longer than 1 MiB".to_owned());
                }
                body.extend_from_slice(&chunk);
            }
            *answer.body_mut() = Bytes::from(body);
            Ok(answer)
        };
        let late = |_| format!("no answer in {} s", self.within.as_secs());
        tokio::time::timeout(self.within, exchange).await.map_err(late)?
    }
}

impl HttpSend for Exchange {
    async fn http_send(&self, request: http::Request<Bytes>) -> reqsign_core::Result<http::Response<Bytes>> {
        let uri = request.uri();
        let origin = format!(
            "{}://{}",
            uri.scheme_str().unwrap_or("http"),
            uri.authority().map_or("", |host| host.as_str())
        );
        match self.ask(request).await {
            Ok(answer) => {
                self.last.note(refusal(&origin, &answer));
                Ok(answer)
            }
            Err(why) => {
                let why = format!("`{origin}`, which gives the keys, did not answer: {why}");
                self.last.note(Some(NoKeys::Later(why.clone())));
                Err(reqsign_core::Error::unexpected(why))
            }
        }
    }
}

/// Says why an answer has no keys.
fn refusal(origin: &str, answer: &http::Response<Bytes>) -> Option<NoKeys> {
    let status = answer.status().as_u16();
    if status == 200 {
        return None;
    }
    let text = String::from_utf8_lossy(answer.body());
    let code = field(&text, "Code").unwrap_or_default();
    let said = match (code.as_str(), field(&text, "Message")) {
        ("", _) => format!("HTTP {status}"),
        (code, None) => format!("HTTP {status}, `{code}`"),
        (code, Some(message)) => format!("HTTP {status}, `{code}`: {message}"),
    };
    let why = format!("`{origin}` gives no keys ({said})");
    // The provider of tokens may be slow for the service as well.
    let is_passing = matches!(status, 408 | 429 | 500..)
        || code.starts_with("Throttling")
        || code == "IDPCommunicationError";
    Some(if is_passing { NoKeys::Later(why) } else { NoKeys::Refused(why) })
}

/// Finds what an error says, as XML of AWS or JSON of Alibaba Cloud and of a container's host.
fn field(text: &str, name: &str) -> Option<String> {
    let in_xml = || {
        let (_, after) = text.split_once(&format!("<{name}>"))?;
        Some(after.split_once("</")?.0.to_owned())
    };
    let in_json = || {
        let error: serde_json::Value = serde_json::from_str(text).ok()?;
        let value = error.get(name).or_else(|| error.get(name.to_ascii_lowercase()))?;
        value.as_str().map(str::to_owned)
    };
    let found = in_xml().or_else(in_json).filter(|found| !found.is_empty())?;
    Some(found.chars().take(MESSAGE_CHARS_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(status: u16, body: &'static str) -> Option<NoKeys> {
        let mut answer = http::Response::new(Bytes::from(body));
        *answer.status_mut() = http::StatusCode::from_u16(status).unwrap();
        refusal("https://sts.example", &answer)
    }

    #[test]
    fn an_answer_without_keys_says_which_host_gave_it_and_why() {
        assert_eq!(said(200, "{}"), None);
        for (status, body, words) in [
            (
                400,
                "<ErrorResponse><Error><Code>InvalidIdentityToken</Code><Message>no\nissuer</Message></Error></ErrorResponse>",
                "(HTTP 400, `InvalidIdentityToken`: no issuer)",
            ),
            (403, "{\"Code\":\"NoPermission\",\"Message\":\"\"}", "(HTTP 403, `NoPermission`)"),
            (400, "{\"code\":\"Gone\",\"message\":\"m\"}", "(HTTP 400, `Gone`: m)"),
            (404, "<html>", "(HTTP 404)"),
        ] {
            let why = format!("`https://sts.example` gives no keys {words}");
            assert_eq!(said(status, body), Some(NoKeys::Refused(why)));
        }
        for (status, body) in [(503, ""), (429, ""), (400, "{\"Code\":\"Throttling.User\"}")] {
            assert!(matches!(said(status, body), Some(NoKeys::Later(_))), "{status}");
        }
    }
}
