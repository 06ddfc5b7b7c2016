//! Sends one request, once, and says what came of it.
//!
//! Never sends again by itself: the vendor has no idempotency token, so only the caller, who keeps the ledger, may.

use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http_body_util::{BodyExt, Full};
use hyper::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, DATE, HOST, HeaderMap, HeaderName,
    HeaderValue, USER_AGENT,
};
use hyper::{Method, Response, Uri};
use url::Url;

use crate::domain::{Credentials, Environment, Redactor};
use crate::mpaas::ask::{Answered, Asker};
use crate::mpaas::connection::{ClientError, Connection, Connector, Unopened, innermost};
use crate::mpaas::headers::{AGENT, IDENTITY, is_identity};
use crate::mpaas::outcome::{Delivered, NoConnection, Outcome, RejectClass};
use crate::mpaas::pool::{IDLE_MAX, Pool};
use crate::mpaas::reply::{self, Reply};
use crate::mpaas::request::{Prepared, Request};
use crate::mpaas::retry_after::{date, retry_after};
use crate::mpaas::seen::{Kind, Seen};
use crate::mpaas::sign_v1::{Signer, Stamp, sign};

/// Tells the time for `Timestamp`.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// Longest reply body that is read: the vendor's are a few hundred bytes.
const REPLY_BYTES_MAX: usize = 1 << 20;

/// How long a connection may take to come about, within the environment's own limit.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the vendor's clock is waited for. It says no more than whether ours is days off.
const TIME_MAX: Duration = Duration::from_secs(3);

/// How many connections may be opened anew for one request because the other end closes them at once.
const UNWRITTEN_MAX: u32 = 1;

const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");
const EMPTY: HeaderValue = HeaderValue::from_static("");
const ACTION: HeaderName = HeaderName::from_static("x-acs-action");
const VERSION: HeaderName = HeaderName::from_static("x-acs-version");

/// Decides when a request may leave.
pub trait Gate: Sync {
    /// Returns when the request may leave at once, with the time to sign it with, or when it shall not leave at all, with
    /// nothing.
    ///
    /// Asked when everything is ready and the request's first byte is next; again if it could not be written.
    fn pass(&self) -> impl Future<Output = Option<DateTime<Utc>>> + Send;

    /// Hears at once that the vendor asks for less, and for how long it asks; what came of the request follows later.
    fn throttled(&self, _asked: Option<Duration>) {}
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
    /// Open connections without a request.
    idle: Arc<Pool<Connection>>,
    /// The vendor's names of requests and of tasks.
    seen: Seen,
    /// Made for the first question.
    asker: OnceLock<Asker>,
    environment: Environment,
    base: Url,
    credentials: Credentials,
    /// Takes them out of what is kept.
    redactor: Redactor,
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
            connector: Connector::new(&base, (connect_timeout, environment.timeout), AGENT)?,
            headers: HeaderMap::from_iter([
                (HOST, host),
                (USER_AGENT, AGENT),
                (CONTENT_TYPE, FORM),
                (ACCEPT_ENCODING, IDENTITY),
                // These keep a place for what each request says for itself.
                (ACTION, EMPTY),
                (CONTENT_LENGTH, EMPTY),
                (VERSION, HeaderValue::from_static(version.as_str())),
            ]),
            signer: Signer::new(version, environment.region.as_deref(), &credentials),
            idle: Arc::default(),
            seen: Seen::default(),
            asker: OnceLock::new(),
            environment: environment.clone(),
            base,
            redactor: Redactor::from(&credentials),
            credentials,
            clock,
        })))
    }

    /// Sends `request` once under a `nonce` that was never used before, and waits until what came of it is final.
    ///
    /// The future must be run to its end: dropping it leaves the outcome unknown.
    ///
    /// # Panics
    ///
    /// Never: nothing holds the request back.
    pub async fn send(&self, request: &Request, nonce: &str) -> Outcome {
        let delivered = self.send_through(&request.clone().into(), nonce, &Open(&self.0.clock)).await;
        let Delivered { outcome, provisional } = delivered.expect("an open gate holds nothing back");
        let Some(provisional) = provisional else { return outcome };
        self.hang_up();
        let (told, hears) = tokio::sync::oneshot::channel();
        provisional.then(|end| drop(told.send(end)));
        match hears.await.expect("a connection comes to an end") {
            Ok(()) => outcome,
            Err(why) => outcome.doubted(why),
        }
    }

    /// Sends `request` once under a `nonce` that was never used before, as soon as `gate` lets it; returns nothing if the
    /// gate never did, and then nothing left.
    ///
    /// The future must be run to its end: dropping it leaves the outcome unknown, once the gate was passed.
    pub async fn send_through(&self, request: &Prepared, nonce: &str, gate: &impl Gate) -> Option<Delivered> {
        match self.exchange(request, nonce, gate).await {
            Ok((exchanged, connection)) => Some(self.weigh(&exchanged, connection, gate).await),
            Err(NoReply::HeldBack) => None,
            Err(NoReply::NothingLeft(Unopened { cause, why })) => Some(
                Outcome::Rejected {
                    class: RejectClass::Unreachable(cause),
                    code: "connect".to_owned(),
                    message: why,
                    request_id: None,
                    retry_after: None,
                }
                .into(),
            ),
            Err(NoReply::MayHaveArrived(why)) => {
                Some(Outcome::Unknown { why, code: None, request_id: None }.into())
            }
        }
    }

    /// Closes the connections that carry no request: none follows soon, and answers wait for their end.
    pub fn hang_up(&self) {
        self.0.idle.clear();
    }

    /// Returns what the vendor's clock says, if anything answers that has one.
    pub async fn vendor_time(&self) -> Option<DateTime<Utc>> {
        let asked = async {
            let mut connection = self.0.connector.open().await.ok()?;
            let mut question = hyper::Request::new(Full::default());
            *question.method_mut() = Method::HEAD;
            *question.headers_mut() = HeaderMap::from_iter([
                (HOST, self.0.headers[HOST].clone()),
                (USER_AGENT, AGENT),
                (ACCEPT_ENCODING, IDENTITY),
            ]);
            let answer = connection.sender.try_send_request(question).await.ok()?;
            date(answer.headers().get(DATE)?)
        };
        tokio::time::timeout(TIME_MAX.min(self.0.environment.timeout), asked).await.ok().flatten()
    }

    /// Returns what a reply proves, and whether its connection may still disprove it.
    async fn weigh(&self, exchanged: &Exchanged, mut connection: Connection, gate: &impl Gate) -> Delivered {
        let outcome = self.read(exchanged);
        // Noted whatever the reply says.
        let repeated = self.repeated(&outcome, &exchanged.body, &mut connection);
        let outcome = match (connection.line.answered(), repeated) {
            (Err(why), _) => outcome.doubted(why),
            (Ok(()), Some(what)) => outcome.doubted(format!("the reply {what} an earlier one")),
            (Ok(()), None) => outcome,
        };
        match outcome {
            Outcome::Accepted { .. } => {
                let provisional = Some(connection.line.accept());
                self.put_back(connection, Instant::now());
                Delivered { outcome, provisional }
            }
            Outcome::Rejected { class, retry_after, .. } => {
                if class == RejectClass::Throttled {
                    gate.throttled(retry_after);
                }
                match connection.refused().await {
                    Ok(()) => outcome,
                    Err(why) => outcome.doubted(why),
                }
                .into()
            }
            Outcome::Unknown { .. } => outcome.into(),
        }
    }

    fn read(&self, exchanged: &Exchanged) -> Outcome {
        let Exchanged { status, retry_after, is_encoded, body } = exchanged;
        if *is_encoded {
            let why = format!("the vendor answered HTTP {status} in an encoding that was not asked for");
            return Outcome::Unknown { why, code: None, request_id: None };
        }
        let reply = Reply { status: *status, retry_after: *retry_after, body };
        reply::read(reply, &self.0.redactor)
    }

    /// Returns what a reply has of an earlier one though it should be its own, if anything, as a clause.
    fn repeated(&self, outcome: &Outcome, body: &[u8], connection: &mut Connection) -> Option<&'static str> {
        let request_id = outcome.request_id().filter(|id| !id.is_empty());
        let task_id = match outcome {
            Outcome::Accepted { task_id, .. } => task_id.as_deref(),
            Outcome::Rejected { .. } | Outcome::Unknown { .. } => None,
        };
        let seen = &self.0.seen;
        let has_new_request_id = request_id.is_none_or(|id| seen.is_new(Kind::Request, id));
        // Beside a `RequestId`, no page says that a `Data` belongs to one request only.
        let has_new_task_id = request_id.is_some() || task_id.is_none_or(|id| seen.is_new(Kind::Task, id));
        let is_new_body = request_id.is_some() || connection.nameless.insert(seen.digest(body));
        if !has_new_request_id {
            Some("has the `RequestId` of")
        } else if !has_new_task_id {
            Some("names the task of")
        } else if !is_new_body {
            Some("has no `RequestId`, and is the same as")
        } else {
            None
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
        asker.ask(url, headers, signed.body.into_bytes(), stamp.timestamp).await
    }

    async fn exchange(
        &self,
        request: &Prepared,
        nonce: &str,
        gate: &impl Gate,
    ) -> Result<(Exchanged, Connection), NoReply> {
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
            let exchanged = {
                // Stays where it is: it is large.
                let exchanged = pin!(self.exchange_over(&mut connection, attempt));
                tokio::time::timeout(self.0.environment.timeout, exchanged).await
            };
            match exchanged {
                Ok(Ok(exchanged)) => return Ok((exchanged, connection)),
                // The other end closed the connection before a byte was written, or had written out of turn.
                Ok(Err(Broken { why, is_unwritten: true })) => {
                    if is_new && unwritten_left == 0 {
                        let why = format!("no connection to `{}`: {why}", self.0.base);
                        return Err(NoReply::NothingLeft(Unopened { cause: NoConnection::Other, why }));
                    }
                    unwritten_left = unwritten_left.saturating_sub(u32::from(is_new));
                }
                Ok(Err(Broken { why, is_unwritten: false })) => return Err(NoReply::MayHaveArrived(why)),
                Err(_) => {
                    connection.line.broke();
                    let timeout = self.0.environment.timeout;
                    return Err(NoReply::MayHaveArrived(format!("no reply within {timeout:?}")));
                }
            }
        }
    }

    /// Returns a connection that can take a request now: one that was kept open, else a new one.
    async fn connection(&self) -> Result<Ready, NoReply> {
        while let Some((mut connection, since)) = self.0.idle.take(Instant::now()) {
            // It is ready once the reply before was read to its end, and never if the other end closed it.
            if connection.sender.ready().await.is_ok() {
                return Ok(Ready { connection, since, is_new: false });
            }
        }
        self.0.idle.reap();
        match self.0.connector.open().await {
            Ok(connection) => Ok(Ready { connection, since: Instant::now(), is_new: true }),
            Err(unopened) => Err(NoReply::NothingLeft(unopened)),
        }
    }

    fn put_back(&self, connection: Connection, since: Instant) {
        if !connection.sender.is_closed() {
            self.0.idle.put(connection, since);
        }
    }

    fn http_request(
        &self,
        Prepared { action, form, .. }: &Prepared,
        nonce: &str,
        timestamp: DateTime<Utc>,
    ) -> hyper::Request<Full<Bytes>> {
        let stamp = Stamp { timestamp, nonce: nonce.to_owned() };
        let query = self.0.signer.query(*action, form, &stamp);
        let uri = Uri::try_from(["/?", &query].concat()).expect("what is percent-encoded can stand in a URI");
        let mut sent = hyper::Request::new(Full::new(form.clone()));
        *sent.method_mut() = Method::POST;
        *sent.uri_mut() = uri;
        let mut headers = self.0.headers.clone();
        // In the places that are kept: the map would grow for one more, though it takes none.
        for (name, value) in
            [(ACTION, HeaderValue::from_static(action.as_str())), (CONTENT_LENGTH, form.len().into())]
        {
            *headers.get_mut(name).expect("it has a place") = value;
        }
        *sent.headers_mut() = headers;
        sent
    }

    async fn exchange_over(
        &self,
        connection: &mut Connection,
        request: hyper::Request<Full<Bytes>>,
    ) -> Result<Exchanged, Broken> {
        let line = Arc::clone(&connection.line);
        let broken = |why| Broken { why, is_unwritten: line.broke() };
        let response = connection.sender.try_send_request(request).await.map_err(|mut error| {
            let why = innermost(error.error());
            // hyper hands a request back that it did not begin to write.
            if error.take_message().is_some() || line.is_unwritten() {
                broken(why)
            } else {
                broken(format!("the connection broke before a reply came: {why}"))
            }
        })?;
        let (status, headers) = (response.status().as_u16(), response.headers());
        let retry_after = retry_after(headers, || (self.0.clock)());
        let is_encoded = headers.get_all(CONTENT_ENCODING).iter().any(|encoding| !is_identity(encoding));
        let body = read_body(response).await.map_err(|why| {
            let too_long =
                || format!("the vendor answered HTTP {status} with more than {REPLY_BYTES_MAX} bytes");
            let broke_off = |why| format!("the reply, HTTP {status}, broke off: {why}");
            broken(why.map_or_else(too_long, broke_off))
        })?;
        Ok(Exchanged { status, retry_after, is_encoded, body })
    }

    pub(super) fn environment(&self) -> &Environment {
        &self.0.environment
    }

    /// Returns foreign text fit for a terminal, without the secrets that signed the request.
    pub(super) fn printable(&self, text: &str) -> String {
        reply::printable(text, &self.0.redactor)
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
    /// Whether its body is no plain text, though none but that was asked for.
    is_encoded: bool,
    pub(super) body: Bytes,
}

/// Why a connection gave no whole reply.
struct Broken {
    why: String,
    /// Whether not a byte of the request was written.
    is_unwritten: bool,
}

/// Why there is no whole reply.
pub(super) enum NoReply {
    /// The gate kept it back: not a byte of the request left.
    HeldBack,
    /// No connection came about: not a byte of the request left.
    NothingLeft(Unopened),
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
