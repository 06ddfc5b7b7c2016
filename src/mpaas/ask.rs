//! Carries the vendor's questions, which change nothing there: reqwest, with its own pool.
//!
//! Pushes do not go this way. For those it must be known whether a byte was written, and a request must be ready before its
//! turn comes: see `client`.

use std::time::Duration;

use chrono::{DateTime, Utc};
use hyper::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use url::Url;

use crate::mpaas::connection::{ClientError, innermost};
use crate::mpaas::headers::{AGENT, IDENTITY, is_identity};
use crate::mpaas::retry_after::retry_after;

/// Longest answer that is read: five hundred rows are some hundred KiB.
const ANSWER_BYTES_MAX: usize = 8 << 20;

/// An answer as it came.
pub(super) struct Answered {
    pub(super) status: u16,
    /// How long the headers ask to wait.
    pub(super) retry_after: Option<Duration>,
    pub(super) body: Vec<u8>,
}

/// Asks one endpoint.
#[derive(Clone)]
pub(super) struct Asker(reqwest::Client);

impl Asker {
    /// Sets up connections to `base`, opened when they are needed. Certificates and proxies are those of pushes.
    pub(super) fn new(base: &Url, timeout: Duration) -> Result<Self, ClientError> {
        // An error only says that a provider is installed already.
        drop(rustls::crypto::ring::default_provider().install_default());
        let mut builder = reqwest::Client::builder()
            .user_agent(AGENT)
            .timeout(timeout)
            .redirect(reqwest::redirect::Policy::none())
            // A connection for each: what comes late on one answers no other question.
            .pool_max_idle_per_host(0)
            .http1_only();
        if base.scheme() == "http" {
            builder = builder.no_proxy().tls_certs_only([]);
        }
        builder.build().map(Self).map_err(|error| ClientError::Setup(innermost(&error.without_url())))
    }

    /// Posts a form that was signed `now`, and reads the whole answer whatever it says; an error says why there is none.
    pub(super) async fn ask(
        &self,
        url: Url,
        headers: [(&'static str, &'static str); 2],
        form: Vec<u8>,
        now: DateTime<Utc>,
    ) -> Result<Answered, String> {
        let mut asked = self.0.post(url).body(form);
        asked = asked.header(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        asked = asked.header(ACCEPT_ENCODING, IDENTITY);
        for (name, value) in headers {
            asked = asked.header(name, value);
        }
        let why = |error: reqwest::Error| {
            let is_connect = error.is_connect();
            let why = innermost(&error.without_url());
            if is_connect { format!("no connection to the vendor: {why}") } else { why }
        };
        let mut answer = asked.send().await.map_err(why)?;
        let (status, mut body) = (answer.status().as_u16(), Vec::new());
        let retry_after = retry_after(answer.headers(), || now);
        if answer.headers().get_all(CONTENT_ENCODING).iter().any(|encoding| !is_identity(encoding)) {
            return Err(format!("the answer, HTTP {status}, is in an encoding that was not asked for"));
        }
        while let Some(chunk) = answer.chunk().await.map_err(why)? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(format!("the answer, HTTP {status}, has more than {ANSWER_BYTES_MAX} bytes"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answered { status, retry_after, body })
    }
}
