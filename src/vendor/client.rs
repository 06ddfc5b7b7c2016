//! Sends one request, once, and says what came of it.
//!
//! Never sends again by itself: the vendor has no idempotency token, so only the caller, who keeps the ledger, may.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use url::Url;

use crate::domain::{Credentials, Environment};
use crate::vendor::outcome::{Outcome, RejectClass};
use crate::vendor::reply::{self, Reply};
use crate::vendor::request::Request;
use crate::vendor::sign_v1::{Stamp, sign};

/// Tells the time for `Timestamp`.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// Longest reply body that is read: the vendor's are a few hundred bytes.
const REPLY_BYTES_MAX: usize = 1 << 20;

/// How long a connection may take to come about, within the environment's own limit.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Why no client could be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The machine has no root certificates, or a proxy variable that is no URL.
    #[error("cannot set up https: {0}")]
    Setup(String),
}

/// A connection pool to one environment's endpoint.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    environment: Environment,
    base: Url,
    credentials: Credentials,
    clock: Clock,
}

impl Client {
    /// Sets up a pool to `base`: the environment's URL, or the one of the sandbox that was started for it.
    ///
    /// Root certificates are the operating system's, or those of the file `SSL_CERT_FILE` names; proxies are those
    /// of `HTTPS_PROXY` and its kin, but none for `http`, which is loopback only.
    ///
    /// # Errors
    ///
    /// Returns [`ClientError::Setup`] without root certificates.
    pub fn new(
        environment: &Environment,
        base: Url,
        credentials: Credentials,
        clock: Clock,
    ) -> Result<Self, ClientError> {
        // An error only says that a provider is installed already.
        drop(rustls::crypto::ring::default_provider().install_default());
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("campaignctl/", env!("CARGO_PKG_VERSION")))
            .timeout(environment.timeout)
            .connect_timeout(CONNECT_TIMEOUT.min(environment.timeout))
            .redirect(reqwest::redirect::Policy::none())
            // By default reqwest sends again what an HTTP/2 server refused or went away from.
            .retry(reqwest::retry::never())
            // One request a connection at a time: a dropped connection leaves one batch in doubt, not all of them.
            .http1_only()
            .pool_max_idle_per_host(environment.concurrency.get());
        if base.scheme() == "http" {
            builder = builder.no_proxy().tls_certs_only([]);
        }
        let http = builder.build().map_err(|error| ClientError::Setup(causes(&error.without_url())))?;
        Ok(Self { http, environment: environment.clone(), base, credentials, clock })
    }

    /// Sends `request` once under a `nonce` that was never used before.
    ///
    /// The future must be run to its end: dropping it leaves the outcome unknown.
    pub async fn send(&self, request: &Request, nonce: &str) -> Outcome {
        match self.exchange(request, nonce).await {
            Ok(Exchanged { status, retry_after, body }) => {
                reply::read(Reply { status, retry_after, body: &body }, &self.credentials)
            }
            Err(NoReply::NothingLeft(why)) => Outcome::Rejected {
                class: RejectClass::Unreachable,
                code: "connect".to_owned(),
                message: why,
                request_id: None,
                retry_after: None,
            },
            Err(NoReply::MayHaveArrived(why)) => Outcome::Unknown { why, code: None, request_id: None },
        }
    }

    /// Sends a request once, and reads the whole reply whatever it says.
    pub(super) async fn exchange(&self, request: &Request, nonce: &str) -> Result<Exchanged, NoReply> {
        let stamp = Stamp { timestamp: (self.clock)(), nonce: nonce.to_owned() };
        let (version, region) = (self.environment.api_version, self.environment.region.as_deref());
        let signed = sign(request, version, region, &self.credentials, &stamp);
        let mut url = self.base.clone();
        url.set_path("/");
        url.set_query(Some(&signed.query));
        let sent = self
            .http
            .post(url)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("x-acs-action", request.action.as_str())
            .header("x-acs-version", self.environment.api_version.as_str())
            .body(signed.body)
            .send()
            .await;
        let mut response = sent.map_err(|error| NoReply::of(error, self.environment.timeout))?;
        let status = response.status().as_u16();
        let retry_after = retry_after(response.headers());
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() <= REPLY_BYTES_MAX => {
                    body.extend_from_slice(&chunk);
                }
                Ok(Some(_)) => {
                    return Err(NoReply::MayHaveArrived(format!(
                        "the vendor answered HTTP {status} with more than {REPLY_BYTES_MAX} bytes"
                    )));
                }
                Ok(None) => return Ok(Exchanged { status, retry_after, body }),
                Err(error) => {
                    let causes = causes(&error.without_url());
                    return Err(NoReply::MayHaveArrived(format!(
                        "the reply, HTTP {status}, broke off: {causes}"
                    )));
                }
            }
        }
    }

    pub(super) fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Returns foreign text fit for a terminal, without the secrets that signed the request.
    pub(super) fn printable(&self, text: &str) -> String {
        reply::printable(text, &self.credentials)
    }
}

/// A reply as it came.
pub(super) struct Exchanged {
    pub(super) status: u16,
    pub(super) retry_after: Option<Duration>,
    pub(super) body: Vec<u8>,
}

/// Why there is no whole reply.
pub(super) enum NoReply {
    /// No connection came about: not a byte of the request left.
    NothingLeft(String),
    /// The vendor may have the request.
    MayHaveArrived(String),
}

impl NoReply {
    /// Reads reqwest's error. A connect error comes before the first byte of the request. Everything else may
    /// come after it: also an error of a pooled connection, which hyper reports as such only once the request
    /// was handed to it.
    fn of(error: reqwest::Error, timeout: Duration) -> Self {
        let (is_connect, is_timeout) = (error.is_connect(), error.is_timeout());
        let causes = causes(&error.without_url());
        if is_connect {
            Self::NothingLeft(format!("no connection to the vendor: {causes}"))
        } else if is_timeout {
            Self::MayHaveArrived(format!("no reply within {timeout:?}"))
        } else {
            Self::MayHaveArrived(format!("the connection broke before a reply came: {causes}"))
        }
    }

    pub(super) fn why(self) -> String {
        match self {
            Self::NothingLeft(why) | Self::MayHaveArrived(why) => why,
        }
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Client").field("base", &self.base.as_str()).finish_non_exhaustive()
    }
}

/// Returns the innermost cause, which says most: `connection refused`, `certificate expired`.
fn causes(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = error.to_string();
        source = error.source();
    }
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Returns how long the headers ask to wait: milliseconds of the gateway's own header, else whole seconds.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    number("x-acs-retry-after")
        .map(Duration::from_millis)
        .or_else(|| number(RETRY_AFTER.as_str()).map(Duration::from_secs))
}
