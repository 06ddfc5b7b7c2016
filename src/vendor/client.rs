//! Sends one request once, and says what came of it.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use url::Url;

use crate::domain::{ApiVersion, Credentials, Endpoint, Environment};
use crate::vendor::reply;
use crate::vendor::{Outcome, Request, Stamp, sign};

/// Longest wait for a connection; the environment's timeout covers everything.
const CONNECT_TIMEOUT_MAX: Duration = Duration::from_secs(10);

/// A reply of the vendor has some hundred bytes. What is longer is no reply of the vendor.
const REPLY_BYTES_MAX: usize = 1 << 20;

/// Why no client could be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// TLS or the HTTP library could not be set up.
    #[error("could not set up the HTTP client")]
    Setup(#[from] reqwest::Error),
    /// A certificate file cannot be used.
    #[error("`{path}` holds no certificate authority")]
    Authority {
        /// The file.
        path: String,
        /// What is wrong with it.
        source: Box<dyn Error + Send + Sync>,
    },
}

/// Speaks to one endpoint for one environment.
pub struct Client {
    http: reqwest::Client,
    base: Url,
    version: ApiVersion,
    region: Option<String>,
    credentials: Credentials,
    clock: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
}

impl Client {
    /// Makes a client for `base`: the environment's endpoint, or the address of the sandbox in this process.
    ///
    /// # Errors
    ///
    /// Returns [`ClientError`] when TLS cannot be set up.
    pub fn new(
        environment: &Environment,
        base: Url,
        credentials: Credentials,
        clock: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    ) -> Result<Self, ClientError> {
        // A second client in the same process finds it installed: that is no error.
        drop(rustls::crypto::ring::default_provider().install_default());
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("campaignctl/", env!("CARGO_PKG_VERSION")))
            .timeout(environment.timeout)
            .connect_timeout(CONNECT_TIMEOUT_MAX.min(environment.timeout))
            .redirect(reqwest::redirect::Policy::none())
            // The library would send a request again by itself when a server says that it did not look at
            // it. Whether a request leaves twice is for `apply` to decide, with an intent for each time.
            .retry(reqwest::retry::never());
        if matches!(environment.endpoint, Endpoint::Sandbox) || environment.endpoint.is_loopback() {
            builder = builder.no_proxy();
        }
        Ok(Self {
            http: builder.build()?,
            base,
            version: environment.api_version,
            region: environment.region.clone(),
            credentials,
            clock,
        })
    }

    /// Sends a request once, signed with `nonce`, which must never have been used before.
    pub async fn send(&self, request: &Request, nonce: &str) -> Outcome {
        let stamp = Stamp { timestamp: (self.clock)(), nonce: nonce.to_owned() };
        let signed = sign(request, self.version, self.region.as_deref(), &self.credentials, &stamp);
        let mut url = self.base.clone();
        url.set_query(Some(&signed.query));
        let sent = self
            .http
            .post(url)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(signed.body)
            .send()
            .await;
        match sent {
            Ok(response) => self.read(response).await,
            // No connection came about, so not a byte of the request left. Everything else, a time-out
            // above all, may have happened after the vendor read it.
            Err(error) if error.is_connect() => reply::unreachable(causes(error)),
            Err(error) if error.is_builder() => reply::unreachable(causes(error)),
            Err(error) => unknown(error),
        }
    }

    async fn read(&self, mut response: reqwest::Response) -> Outcome {
        let status = response.status().as_u16();
        let retry_after = retry_after(response.headers());
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() <= REPLY_BYTES_MAX => {
                    body.extend_from_slice(&chunk);
                }
                Ok(Some(_)) => {
                    let why = "the answer is far longer than any of the vendor's".to_owned();
                    return Outcome::Unknown { why, code: None, request_id: None };
                }
                Ok(None) => return reply::read(status, retry_after, &body),
                Err(error) => return unknown(error),
            }
        }
    }
}

fn unknown(error: reqwest::Error) -> Outcome {
    let why = if error.is_timeout() {
        "no answer in time".to_owned()
    } else {
        format!("the connection failed before the answer was whole: {}", causes(error))
    };
    Outcome::Unknown { why, code: None, request_id: None }
}

/// Returns an error's innermost causes as text, without the URL: it holds the key's id and the signature.
fn causes(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut texts = Vec::new();
    let mut cause = error.source();
    while let Some(inner) = cause {
        texts.push(inner.to_string());
        cause = inner.source();
    }
    // The outer ones only say that a request failed.
    texts.pop().unwrap_or_else(|| error.to_string())
}

/// Returns how long the gateway asks to wait: its own header in milliseconds, or the standard one in seconds.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let number = |value: &reqwest::header::HeaderValue| value.to_str().ok()?.trim().parse::<u64>().ok();
    let own = headers.get("x-acs-retry-after").and_then(number).map(Duration::from_millis);
    own.or_else(|| headers.get(RETRY_AFTER).and_then(number).map(Duration::from_secs))
}
