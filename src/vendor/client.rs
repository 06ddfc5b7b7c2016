//! Sends one request, once, and says what came of it.
//!
//! Never sends again by itself: the vendor has no idempotency token, so only the caller, who keeps the ledger, may.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http_body_util::{BodyExt, Full};
use hyper::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT};
use hyper::{Method, Response, Uri};
use url::Url;

use crate::domain::{Credentials, Environment};
use crate::vendor::ask::{Answered, Asker};
use crate::vendor::connection::{Connection, Connector, innermost};
use crate::vendor::outcome::{Outcome, RejectClass};
use crate::vendor::reply::{self, Reply};
use crate::vendor::request::{Prepared, Request};
use crate::vendor::sign_v1::{Signer, Stamp, sign};

/// Tells the time for `Timestamp`.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// Longest reply body that is read: the vendor's are a few hundred bytes.
const REPLY_BYTES_MAX: usize = 1 << 20;

/// How long a connection may take to come about, within the environment's own limit.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// An open connection that was idle for longer is not used again: servers close theirs after some such time, and a
/// request that crosses the closing is in doubt.
const IDLE_MAX: Duration = Duration::from_secs(15);

/// An open connection that was idle for longer may have been closed by the other end without anybody having looked.
const NEWS: Duration = Duration::from_millis(10);

/// How many connections may be opened anew for one request because the other end closes them at once.
const UNWRITTEN_MAX: u32 = 1;

const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");
pub(super) const USER: HeaderValue =
    HeaderValue::from_static(concat!("campaignctl/", env!("CARGO_PKG_VERSION")));
const ACTION: HeaderName = HeaderName::from_static("x-acs-action");
const VERSION: HeaderName = HeaderName::from_static("x-acs-version");
const ACS_RETRY_AFTER: HeaderName = HeaderName::from_static("x-acs-retry-after");

/// Why no client could be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The machine has no root certificates, or a proxy variable that is no URL.
    #[error("cannot set up https: {0}")]
    Setup(String),
}

/// Decides when a request may leave.
pub trait Gate: Sync {
    /// Returns when the request may leave at once, with the time to sign it with, or when it shall not leave at all, with
    /// nothing.
    ///
    /// Asked when everything is ready and the request's first byte is next; again if it could not be written.
    fn pass(&self) -> impl Future<Output = Option<DateTime<Utc>>> + Send;
}

/// A gate that is open.
struct Open<'a>(&'a Clock);

impl Gate for Open<'_> {
    async fn pass(&self) -> Option<DateTime<Utc>> {
        Some((self.0)())
    }
}

/// Connections to one environment's endpoint, kept open between requests.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    connector: Connector,
    /// What every request says in its head.
    headers: HeaderMap,
    signer: Signer,
    /// Open connections without a request, the last used one last.
    idle: Mutex<Vec<(Connection, Instant)>>,
    /// Made for the first question.
    asker: OnceLock<Asker>,
    environment: Environment,
    base: Url,
    credentials: Credentials,
    clock: Clock,
}

impl Client {
    /// Sets up connections to `base`: the environment's URL, or the one of the sandbox that was started for it. None
    /// is opened yet.
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
        let host = base[url::Position::BeforeHost..url::Position::AfterPort].to_owned();
        let host = HeaderValue::try_from(host).map_err(|error| ClientError::Setup(error.to_string()))?;
        let connect_timeout = CONNECT_TIMEOUT.min(environment.timeout);
        let version = environment.api_version;
        Ok(Self(Arc::new(Inner {
            connector: Connector::new(&base, connect_timeout, USER)?,
            headers: HeaderMap::from_iter([
                (HOST, host),
                (USER_AGENT, USER),
                (CONTENT_TYPE, FORM),
                // Takes its place, for each to say which it is.
                (ACTION, HeaderValue::from_static("")),
                (VERSION, HeaderValue::from_static(version.as_str())),
            ]),
            signer: Signer::new(version, environment.region.as_deref(), &credentials),
            idle: Mutex::default(),
            asker: OnceLock::new(),
            environment: environment.clone(),
            base,
            credentials,
            clock,
        })))
    }

    /// Sends `request` once under a `nonce` that was never used before.
    ///
    /// The future must be run to its end: dropping it leaves the outcome unknown.
    ///
    /// # Panics
    ///
    /// Never: nothing holds the request back.
    pub async fn send(&self, request: &Request, nonce: &str) -> Outcome {
        let outcome = self.send_through(&request.clone().into(), nonce, &Open(&self.0.clock)).await;
        outcome.expect("an open gate holds nothing back")
    }

    /// Sends `request` once under a `nonce` that was never used before, as soon as `gate` lets it; returns nothing if the
    /// gate never did, and then nothing left.
    ///
    /// The future must be run to its end: dropping it leaves the outcome unknown, once the gate was passed.
    pub async fn send_through(&self, request: &Prepared, nonce: &str, gate: &impl Gate) -> Option<Outcome> {
        match self.exchange(request, nonce, gate).await {
            Ok(Exchanged { status, retry_after, body }) => {
                Some(reply::read(Reply { status, retry_after, body: &body }, &self.0.credentials))
            }
            Err(NoReply::HeldBack) => None,
            Err(NoReply::NothingLeft(why)) => Some(Outcome::Rejected {
                class: RejectClass::Unreachable,
                code: "connect".to_owned(),
                message: why,
                request_id: None,
                retry_after: None,
            }),
            Err(NoReply::MayHaveArrived(why)) => Some(Outcome::Unknown { why, code: None, request_id: None }),
        }
    }

    /// Asks a question once, and reads the whole answer whatever it says; an error says why there is none.
    pub(super) async fn ask_once(&self, question: &Request, nonce: &str) -> Result<Answered, String> {
        let Inner { environment, base, credentials, clock, .. } = &*self.0;
        let asker = if let Some(asker) = self.0.asker.get() {
            asker
        } else {
            let asker = Asker::new(base, environment.timeout).map_err(|error| error.to_string())?;
            self.0.asker.get_or_init(|| asker)
        };
        let stamp = Stamp { timestamp: clock(), nonce: nonce.to_owned() };
        let (version, region) = (environment.api_version, environment.region.as_deref());
        let signed = sign(question, version, region, credentials, &stamp);
        let mut url = base.clone();
        url.set_path("/");
        url.set_query(Some(&signed.query));
        let headers = [("x-acs-action", question.action.as_str()), ("x-acs-version", version.as_str())];
        asker.ask(url, headers, signed.body.into_bytes()).await
    }

    async fn exchange(
        &self,
        request: &Prepared,
        nonce: &str,
        gate: &impl Gate,
    ) -> Result<Exchanged, NoReply> {
        let mut unwritten_left = UNWRITTEN_MAX;
        loop {
            let Ready { mut connection, since, is_new } = self.connection().await?;
            let Some(now) = gate.pass().await else {
                self.put_back(connection, since);
                return Err(NoReply::HeldBack);
            };
            if since.elapsed() > IDLE_MAX {
                continue;
            }
            let attempt = self.http_request(request, nonce, now);
            let exchanged = self.exchange_over(&mut connection, attempt);
            match tokio::time::timeout(self.0.environment.timeout, exchanged).await {
                Ok(Ok(exchanged)) => {
                    self.put_back(connection, Instant::now());
                    return Ok(exchanged);
                }
                // The other end closed the connection before a byte was written.
                Ok(Err(Broken::Unwritten(why))) => {
                    if is_new && unwritten_left == 0 {
                        return Err(NoReply::NothingLeft(format!("no connection to the vendor: {why}")));
                    }
                    unwritten_left = unwritten_left.saturating_sub(u32::from(is_new));
                }
                Ok(Err(Broken::Written(why))) => return Err(NoReply::MayHaveArrived(why)),
                Err(_) => {
                    let timeout = self.0.environment.timeout;
                    return Err(NoReply::MayHaveArrived(format!("no reply within {timeout:?}")));
                }
            }
        }
    }

    /// Returns a connection that can take a request now: one that was kept open, else a new one.
    async fn connection(&self) -> Result<Ready, NoReply> {
        loop {
            let kept = self.idle().pop();
            let Some((mut connection, since)) = kept else { break };
            if since.elapsed() > NEWS {
                // Lets the task behind the connection see whether the other end closed it meanwhile.
                tokio::task::yield_now().await;
            }
            // It is ready once the reply before was read to its end, and never if the other end closed it.
            if since.elapsed() <= IDLE_MAX && connection.ready().await.is_ok() {
                return Ok(Ready { connection, since, is_new: false });
            }
        }
        match self.0.connector.open().await {
            Ok(connection) => Ok(Ready { connection, since: Instant::now(), is_new: true }),
            Err(why) => Err(NoReply::NothingLeft(format!("no connection to the vendor: {why}"))),
        }
    }

    fn put_back(&self, connection: Connection, since: Instant) {
        if !connection.is_closed() {
            self.idle().push((connection, since));
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<(Connection, Instant)>> {
        self.0.idle.lock().expect("no holder of this lock panics")
    }

    fn http_request(
        &self,
        Prepared { action, form, .. }: &Prepared,
        nonce: &str,
        timestamp: DateTime<Utc>,
    ) -> hyper::Request<Full<Bytes>> {
        let stamp = Stamp { timestamp, nonce: nonce.to_owned() };
        let query = self.0.signer.query(*action, form, &stamp);
        let uri = Uri::try_from(format!("/?{query}")).expect("what is percent-encoded can stand in a URI");
        let mut sent = hyper::Request::new(Full::new(form.clone()));
        *sent.method_mut() = Method::POST;
        *sent.uri_mut() = uri;
        *sent.headers_mut() = self.0.headers.clone();
        sent.headers_mut().insert(ACTION, HeaderValue::from_static(action.as_str()));
        sent
    }

    async fn exchange_over(
        &self,
        connection: &mut Connection,
        request: hyper::Request<Full<Bytes>>,
    ) -> Result<Exchanged, Broken> {
        let response = connection.try_send_request(request).await.map_err(|mut error| {
            let why = innermost(error.error());
            // hyper hands a request back that it did not begin to write.
            if error.take_message().is_some() {
                Broken::Unwritten(why)
            } else {
                Broken::Written(format!("the connection broke before a reply came: {why}"))
            }
        })?;
        let status = response.status().as_u16();
        let retry_after = retry_after(response.headers());
        let body = read_body(response).await.map_err(|why| {
            let too_long =
                || format!("the vendor answered HTTP {status} with more than {REPLY_BYTES_MAX} bytes");
            let broke_off = |why| format!("the reply, HTTP {status}, broke off: {why}");
            Broken::Written(why.map_or_else(too_long, broke_off))
        })?;
        Ok(Exchanged { status, retry_after, body })
    }

    pub(super) fn environment(&self) -> &Environment {
        &self.0.environment
    }

    /// Returns foreign text fit for a terminal, without the secrets that signed the request.
    pub(super) fn printable(&self, text: &str) -> String {
        reply::printable(text, &self.0.credentials)
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Client").field("base", &self.0.base.as_str()).finish_non_exhaustive()
    }
}

/// A connection that can take a request.
struct Ready {
    connection: Connection,
    /// Since when it carries none.
    since: Instant,
    /// Whether it never carried one.
    is_new: bool,
}

/// A reply as it came.
pub(super) struct Exchanged {
    pub(super) status: u16,
    pub(super) retry_after: Option<Duration>,
    pub(super) body: Bytes,
}

/// Why a connection gave no whole reply.
enum Broken {
    /// Not a byte of the request was written.
    Unwritten(String),
    /// Some of it may have been.
    Written(String),
}

/// Why there is no whole reply.
pub(super) enum NoReply {
    /// The gate kept it back: not a byte of the request left.
    HeldBack,
    /// No connection came about: not a byte of the request left.
    NothingLeft(String),
    /// The vendor may have the request.
    MayHaveArrived(String),
}

/// Reads a whole body; an error without words says that it is too long.
async fn read_body(mut response: Response<hyper::body::Incoming>) -> Result<Bytes, Option<String>> {
    let mut whole = Bytes::new();
    let mut pieces: Vec<u8> = Vec::new();
    while let Some(frame) = response.body_mut().frame().await {
        let Ok(data) = frame.map_err(|error| Some(innermost(&error)))?.into_data() else { continue };
        if whole.len() + pieces.len() + data.len() > REPLY_BYTES_MAX {
            return Err(None);
        }
        if whole.is_empty() && pieces.is_empty() {
            whole = data;
        } else {
            pieces.extend_from_slice(&std::mem::take(&mut whole));
            pieces.extend_from_slice(&data);
        }
    }
    Ok(if pieces.is_empty() { whole } else { pieces.into() })
}

/// Returns how long the headers ask to wait: milliseconds of the gateway's own header, else whole seconds.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &HeaderName| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    number(&ACS_RETRY_AFTER)
        .map(Duration::from_millis)
        .or_else(|| number(&RETRY_AFTER).map(Duration::from_secs))
}
