//! An object store on loopback that misbehaves on request: buckets in memory, asked as S3 or as OSS, whichever signed.
//!
//! It shares no code with the client. Signatures are not computed here, only looked at; moto does that. Unit tests include this
//! file, too.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use hyper::body::Frame;
use tokio::net::TcpListener;

/// What becomes of a request instead of what it asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It is done, and nobody is told.
    ReplyLost,
    /// It is done, and no answer comes while anybody waits for one.
    Hangs,
    /// It is not done, and the store says what it likes: a status, and the body of an error.
    Answers(u16, String),
    /// It is done, and the store says something else.
    DoneAnd(u16, String),
    /// It is under way until [`Bucket::land`]; whoever sent it hears nothing more.
    LandsLate,
    /// It is done a little later.
    Delayed(Duration),
}

/// Which requests a fault is for, and for how many of them.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) method: Method,
    /// A part of the key; of the query, its names in order, after `?`.
    pub(crate) of: &'static str,
    /// So many of them pass before.
    pub(crate) after: u32,
    pub(crate) times: u32,
    pub(crate) effect: Effect,
}

/// How far a store keeps what it should.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Manners {
    #[default]
    Sound,
    /// It writes over what is there, whatever the condition: as s3rver, and as OSS on a bucket with versioning.
    Overwrites,
    /// It looks first and writes later, so several are told that they were the one: as s3s-fs.
    ChecksThenWrites,
}

#[derive(Default)]
struct Kept {
    objects: BTreeMap<String, Bytes>,
    faults: Vec<Fault>,
    under_way: Vec<(String, Bytes)>,
    manners: Manners,
    /// The status of its versioning.
    versioning: Option<&'static str>,
    /// Where it is, if that matters.
    region: Option<&'static str>,
    /// Most keys of a list; a thousand if nothing is said.
    page: Option<usize>,
    /// Of all requests, method and key.
    requests: Vec<(Method, String)>,
}

type Buckets = Arc<Mutex<BTreeMap<String, Kept>>>;

struct Server {
    address: SocketAddr,
    buckets: Buckets,
    _runtime: tokio::runtime::Runtime,
}

/// One bucket of a server that all tests of a process share.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    name: String,
}

/// The key that may only read.
pub(crate) const READER: &str = "reader";

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("bucket")
            .enable_all()
            .build()
            .unwrap();
        let buckets = Buckets::default();
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&buckets));
        runtime.spawn(async move { axum::serve(listener, router).await });
        Server { address, buckets, _runtime: runtime }
    })
}

impl Bucket {
    /// Makes one with nothing in it.
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("bucket-{}", NUMBER.fetch_add(1, Ordering::SeqCst));
        locked(&server().buckets).insert(name.clone(), Kept::default());
        Self { name }
    }

    /// Makes another one with the same objects and manners.
    pub(crate) fn image(&self) -> Self {
        let (image, objects) = (Self::new(), self.objects());
        image.kept(|kept| kept.objects = objects);
        image
    }

    /// Returns the address of a ledger in it: of `s3` or `oss`.
    pub(crate) fn ledger(&self, scheme: &str) -> String {
        format!("{scheme}://{}/push/prod?region=test-1&endpoint={}", self.name, endpoint())
    }

    /// Lets some of its requests go wrong.
    pub(crate) fn inject(&self, method: Method, of: &'static str, effect: Effect) {
        self.inject_after(0, (method, of, effect));
    }

    /// The same, for the request after so many others.
    pub(crate) fn inject_after(&self, after: u32, (method, of, effect): (Method, &'static str, Effect)) {
        self.kept(|kept| kept.faults.push(Fault { method, of, after, times: 1, effect }));
    }

    /// The same, for all of them until [`Bucket::heal`].
    pub(crate) fn always(&self, method: Method, of: &'static str, effect: Effect) {
        self.kept(|kept| kept.faults.push(Fault { method, of, after: 0, times: u32::MAX, effect }));
    }

    /// Ends all that goes wrong.
    pub(crate) fn heal(&self) {
        self.kept(|kept| kept.faults.clear());
    }

    /// Lets arrive what is under way, in an order of the caller's; says of each whether it was done.
    pub(crate) fn land(&self) -> Vec<bool> {
        self.kept(|kept| {
            let under_way = std::mem::take(&mut kept.under_way);
            under_way.into_iter().map(|(key, body)| create(&mut kept.objects, key, body)).collect()
        })
    }

    /// Whether all faults that were asked for have happened.
    pub(crate) fn is_through(&self) -> bool {
        self.kept(|kept| kept.faults.iter().all(|fault| fault.times == 0))
    }

    pub(crate) fn behaves(&self, manners: Manners) {
        self.kept(|kept| kept.manners = manners);
    }

    pub(crate) fn has_versioning(&self, status: &'static str) {
        self.kept(|kept| kept.versioning = Some(status));
    }

    pub(crate) fn is_in(&self, region: &'static str) {
        self.kept(|kept| kept.region = Some(region));
    }

    pub(crate) fn lists_at_a_time(&self, page: usize) {
        self.kept(|kept| kept.page = Some(page));
    }

    /// Returns its objects, by their keys.
    pub(crate) fn objects(&self) -> BTreeMap<String, Bytes> {
        self.kept(|kept| kept.objects.clone())
    }

    pub(crate) fn set(&self, key: &str, body: &[u8]) {
        self.kept(|kept| kept.objects.insert(key.to_owned(), Bytes::copy_from_slice(body)));
    }

    pub(crate) fn remove(&self, key: &str) {
        self.kept(|kept| assert!(kept.objects.remove(key).is_some(), "{key}"));
    }

    /// Returns what was asked since this was called last.
    pub(crate) fn requests(&self) -> Vec<(Method, String)> {
        self.kept(|kept| std::mem::take(&mut kept.requests))
    }

    fn kept<T>(&self, look: impl FnOnce(&mut Kept) -> T) -> T {
        look(locked(&server().buckets).get_mut(&self.name).expect("no bucket is ever removed"))
    }
}

/// Returns where all buckets are.
pub(crate) fn endpoint() -> String {
    format!("http://{}", server().address)
}

/// Returns the body of an error, as either store writes it.
pub(crate) fn error(code: &str, more: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>as asked for</Message>{more}\
         <RequestId>1</RequestId><HostId>h</HostId></Error>"
    )
}

fn locked(buckets: &Buckets) -> MutexGuard<'_, BTreeMap<String, Kept>> {
    buckets.lock().expect("no holder of this lock panics")
}

fn create(objects: &mut BTreeMap<String, Bytes>, key: String, body: Bytes) -> bool {
    let is_free = !objects.contains_key(&key);
    if is_free {
        objects.insert(key, body);
    }
    is_free
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialect {
    S3,
    Oss,
}

/// What a request asks for.
struct Asked {
    dialect: Dialect,
    method: Method,
    bucket: String,
    key: String,
    query: BTreeMap<String, String>,
    headers: HeaderMap,
    body: Bytes,
}

async fn answer(State(buckets): State<Buckets>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, usize::MAX).await else { return reply(400, "") };
    let path = parts.uri.path().trim_start_matches('/').to_owned();
    let (bucket, key) = path.split_once('/').unwrap_or((&path, ""));
    let query = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
    let authorization = text(&parts.headers, "authorization");
    let (dialect, scope) = match authorization.split_once(' ') {
        Some(("AWS4-HMAC-SHA256", scope)) => (Dialect::S3, scope),
        Some(("OSS4-HMAC-SHA256", scope)) => (Dialect::Oss, scope),
        _ => return reply(403, &error("AccessDenied", "")),
    };
    // OSS takes no empty list of them; without the host a request would be good for any store.
    if dialect == Dialect::Oss && !scope.contains("AdditionalHeaders=host") {
        return reply(400, &error("InvalidArgument", ""));
    }
    let mut scope = scope.trim_start_matches("Credential=").split('/');
    let (user, region) = (scope.next().unwrap_or_default(), scope.nth(1).unwrap_or_default());
    let asked = Asked {
        dialect,
        method: parts.method,
        bucket: bucket.to_owned(),
        key: key.to_owned(),
        query: query.into_owned().collect(),
        headers: parts.headers,
        body,
    };
    if let Some(refused) = refusal(&buckets, &asked, user, region) {
        return refused;
    }
    let effect = {
        let mut buckets = locked(&buckets);
        let kept = buckets.get_mut(&asked.bucket).expect("it was looked up");
        kept.requests.push((asked.method.clone(), asked.key.clone()));
        effect_on(kept, &asked)
    };
    match effect {
        None => done(&buckets, asked).await,
        Some(Effect::ReplyLost) => {
            drop(done(&buckets, asked).await);
            Body::new(BrokenOff).into_response()
        }
        Some(Effect::Hangs) => {
            drop(done(&buckets, asked).await);
            std::future::pending().await
        }
        Some(Effect::Answers(status, body)) => reply(status, &body),
        Some(Effect::DoneAnd(status, body)) => {
            drop(done(&buckets, asked).await);
            reply(status, &body)
        }
        Some(Effect::LandsLate) => {
            let Asked { bucket, key, body, .. } = asked;
            locked(&buckets).get_mut(&bucket).expect("it was looked up").under_way.push((key, body));
            Body::new(BrokenOff).into_response()
        }
        Some(Effect::Delayed(by)) => {
            tokio::time::sleep(by).await;
            done(&buckets, asked).await
        }
    }
}

fn effect_on(kept: &mut Kept, asked: &Asked) -> Option<Effect> {
    let query: Vec<String> = asked.query.iter().map(|(name, value)| format!("{name}={value}&")).collect();
    let query = query.concat();
    let mut due = kept.faults.iter_mut().filter(|fault| {
        let is_of = match fault.of.strip_prefix('?') {
            Some(part) => query.contains(part),
            None => asked.key.contains(fault.of),
        };
        fault.times > 0 && fault.method == asked.method && is_of
    });
    due.find_map(|fault| {
        if fault.after > 0 {
            fault.after -= 1;
            return None;
        }
        fault.times -= 1;
        Some(fault.effect.clone())
    })
}

/// What is refused before anything is looked at.
fn refusal(buckets: &Buckets, asked: &Asked, user: &str, region: &str) -> Option<Response> {
    let buckets = locked(buckets);
    let Some(kept) = buckets.get(&asked.bucket) else { return Some(reply(404, &error("NoSuchBucket", ""))) };
    if user == READER && asked.method != Method::GET {
        return Some(reply(403, &error("AccessDenied", "")));
    }
    match (kept.region, asked.dialect) {
        (Some(right), Dialect::S3) if right != region => {
            Some(reply(400, &error("AuthorizationHeaderMalformed", &format!("<Region>{right}</Region>"))))
        }
        (Some(right), Dialect::Oss) if right != region => {
            let endpoint = format!("<Endpoint>oss-{right}.aliyuncs.com</Endpoint>");
            Some(reply(403, &error("AccessDenied", &endpoint)))
        }
        _ => None,
    }
}

async fn done(buckets: &Buckets, asked: Asked) -> Response {
    match asked.method {
        Method::PUT => put(buckets, asked).await,
        Method::DELETE => {
            let mut buckets = locked(buckets);
            buckets.get_mut(&asked.bucket).expect("it was looked up").objects.remove(&asked.key);
            reply(204, "")
        }
        Method::GET if asked.query.contains_key("versioning") => {
            let status = locked(buckets)[&asked.bucket].versioning;
            let status = status.map(|status| format!("<Status>{status}</Status>")).unwrap_or_default();
            reply(200, &format!("<VersioningConfiguration>{status}</VersioningConfiguration>"))
        }
        Method::GET if asked.key.is_empty() => list(buckets, &asked),
        Method::GET => get(buckets, &asked),
        _ => reply(405, &error("MethodNotAllowed", "")),
    }
}

async fn put(buckets: &Buckets, asked: Asked) -> Response {
    let Asked { dialect, bucket, key, headers, body, .. } = asked;
    let condition = match dialect {
        Dialect::S3 => text(&headers, "if-none-match") == "*",
        Dialect::Oss if headers.contains_key("if-none-match") => {
            return reply(400, &error("NotImplemented", ""));
        }
        Dialect::Oss => text(&headers, "x-oss-forbid-overwrite") == "true",
    };
    let there = || match dialect {
        Dialect::S3 => reply(412, &error("PreconditionFailed", "")),
        Dialect::Oss => reply(409, &error("FileAlreadyExists", "")),
    };
    let (manners, is_there) = {
        let buckets = locked(buckets);
        let kept = &buckets[&bucket];
        let ignores = dialect == Dialect::Oss && kept.versioning.is_some();
        let manners = if ignores { Manners::Overwrites } else { kept.manners.clone() };
        (manners, kept.objects.contains_key(&key))
    };
    if manners == Manners::ChecksThenWrites && condition {
        if is_there {
            return there();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let mut buckets = locked(buckets);
    let objects = &mut buckets.get_mut(&bucket).expect("it was looked up").objects;
    if manners == Manners::Sound && condition {
        if !create(objects, key, body) {
            return there();
        }
    } else {
        objects.insert(key, body);
    }
    with_tag(reply(200, ""))
}

fn get(buckets: &Buckets, asked: &Asked) -> Response {
    let buckets = locked(buckets);
    let Some(body) = buckets[&asked.bucket].objects.get(&asked.key) else {
        return reply(404, &error("NoSuchKey", ""));
    };
    let range = text(&asked.headers, "range");
    let range = range.strip_prefix("bytes=").and_then(|range| range.split_once('-'));
    let range = range.and_then(|(from, to)| Some((from.parse::<usize>().ok()?, to.parse::<usize>().ok()?)));
    match range {
        Some((from, to)) if from < body.len() => {
            let body = body.slice(from..body.len().min(to + 1));
            with_tag((StatusCode::PARTIAL_CONTENT, body).into_response())
        }
        Some(_) => reply(416, &error("InvalidRange", "")),
        None => with_tag(body.clone().into_response()),
    }
}

fn list(buckets: &Buckets, asked: &Asked) -> Response {
    let buckets = locked(buckets);
    let kept = &buckets[&asked.bucket];
    let value = |name: &str| asked.query.get(name).map(String::as_str);
    assert_eq!(value("list-type"), Some("2"));
    let most = value("max-keys").map_or(1000, |most| most.parse().unwrap());
    let most = kept.page.map_or(most, |page| page.min(most));
    let prefix = value("prefix").unwrap_or_default();
    let after = value("continuation-token").or(value("start-after")).unwrap_or_default();
    let found = kept.objects.keys().filter(|key| key.starts_with(prefix) && key.as_str() > after);
    let found: Vec<&String> = found.take(most + 1).collect();
    let (is_truncated, page) = (found.len() > most, &found[..found.len().min(most)]);
    let next = page.last().filter(|_| is_truncated);
    let next = next.map(|key| format!("<NextContinuationToken>{key}</NextContinuationToken>"));
    let contents: Vec<String> = page
        .iter()
        .map(|key| format!("<Contents><Key>{key}</Key><ETag>\"e\"</ETag><Size>1</Size></Contents>"))
        .collect();
    let contents = contents.concat();
    let namespace = match asked.dialect {
        Dialect::S3 => " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"",
        Dialect::Oss => "",
    };
    reply(
        200,
        &format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult{namespace}><Name>{}</Name><Prefix>{prefix}</Prefix>\
             <KeyCount>{}</KeyCount><IsTruncated>{is_truncated}</IsTruncated>{}{contents}</ListBucketResult>",
            asked.bucket,
            page.len(),
            next.unwrap_or_default()
        ),
    )
}

fn text(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

fn reply(status: u16, body: &str) -> Response {
    (StatusCode::from_u16(status).unwrap(), body.to_owned()).into_response()
}

fn with_tag(mut reply: Response) -> Response {
    reply.headers_mut().insert("etag", "\"e\"".parse().unwrap());
    reply
}

/// A body that ends before it began: the connection breaks off.
struct BrokenOff;

impl HttpBody for BrokenOff {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into())))
    }
}
