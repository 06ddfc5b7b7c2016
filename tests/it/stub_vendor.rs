//! A vendor of bare sockets that does what a test tells it. It shares no code with the client or the sandbox: its
//! HTTP, its JSON and its books are its own, so that no mistake of theirs cancels out.
//!
//! # The script
//!
//! Each action (`PushTemplate`, `QueryPushAnalysisTaskList` …) has a queue and a usual reply:
//!
//! ```text
//! let stub = StubVendor::start();
//! stub.next("PushTemplate", Reply::usual());           // the first request is answered as usual,
//! stub.next("PushTemplate", Reply::silence().taken()); // the second is taken, and its reply is lost,
//! stub.usually("QueryPushAnalysisTaskList", |seen| Reply::json(r#"{"ResultCode":"OK"}"#)); // every question
//! ```
//!
//! Without a script a push is taken and answered with a task id, and a question gets `501`.
//!
//! | reply | is |
//! |---|---|
//! | `Reply::usual()` | what would have come without this entry of the queue |
//! | `Reply::json(TEXT)`, `Reply::status(CODE, TEXT)` | HTTP with that body and its length; the connection stays open |
//! | `Reply::bytes(BYTES)` | these bytes, HTTP or not |
//! | `Reply::silence()` | nothing; the connection closes |
//! | `.header(LINE)` | one more line in the head |
//! | `.taken()` | a push counts as taken whatever the reply says |
//! | `.early(BYTES)` | bytes written as soon as the request's first line came, before its end is read |
//! | `.after(TIME)` | waits before the reply |
//! | `.then(TIME, BYTES)` | bytes that nobody asked for, so long after the reply, on the same connection |
//! | `.cut(COUNT)` | only so many of the bytes, then the connection closes |
//! | `.closing()`, `.resetting()` | the connection closes, or is reset, in the end |
//!
//! `greets(BYTES)` writes bytes on every new connection before anything was asked. What came is in `seen()`, what was
//! taken in `taken()` and, counted by target, in `reached()`. A `HEAD` asks for the time only: it is answered with what
//! `dates(TEXT)` set, and is in no list.

use std::collections::{BTreeMap, VecDeque};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// The running stub; clones are the same one.
#[derive(Clone)]
pub(crate) struct StubVendor(Arc<Inner>);

type Usual = Arc<dyn Fn(&Seen) -> Reply + Send + Sync>;

struct Inner {
    address: SocketAddr,
    is_over: Arc<AtomicBool>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    greeting: Vec<u8>,
    date: Option<String>,
    queues: BTreeMap<String, VecDeque<Reply>>,
    usual: BTreeMap<String, Usual>,
    seen: Vec<Seen>,
    taken: Vec<Taken>,
    connections: usize,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) action: String,
    /// Query and form, decoded.
    pub(crate) parameters: BTreeMap<String, String>,
    /// When its last byte was read.
    pub(crate) at: Instant,
    /// On which connection, counted from 1.
    pub(crate) connection: usize,
}

/// A push that counts as taken.
#[derive(Clone, Debug)]
pub(crate) struct Taken {
    pub(crate) task_id: String,
    pub(crate) seen: Seen,
}

/// What becomes of one request; see the table above.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    is_usual: bool,
    is_taken: bool,
    early: Vec<u8>,
    head: Option<(u16, Vec<String>)>,
    body: Vec<u8>,
    after: Duration,
    cut: Option<usize>,
    then: Vec<(Duration, Vec<u8>)>,
    end: End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    KeepsOpen,
    Closes,
    Resets,
}

impl Reply {
    pub(crate) fn usual() -> Self {
        Self { is_usual: true, ..Self::bytes("") }
    }

    pub(crate) fn json(text: impl Into<Vec<u8>>) -> Self {
        Self::status(200, text)
    }

    pub(crate) fn status(code: u16, text: impl Into<Vec<u8>>) -> Self {
        Self { head: Some((code, Vec::new())), ..Self::bytes(text) }
    }

    pub(crate) fn bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            is_usual: false,
            is_taken: false,
            early: Vec::new(),
            head: None,
            body: bytes.into(),
            after: Duration::ZERO,
            cut: None,
            then: Vec::new(),
            end: End::KeepsOpen,
        }
    }

    pub(crate) fn silence() -> Self {
        Self::bytes("").closing()
    }

    pub(crate) fn header(mut self, line: &str) -> Self {
        self.head.as_mut().expect("bytes have no head").1.push(line.to_owned());
        self
    }

    pub(crate) fn taken(self) -> Self {
        Self { is_taken: true, ..self }
    }

    pub(crate) fn early(self, bytes: impl Into<Vec<u8>>) -> Self {
        Self { early: bytes.into(), ..self }
    }

    pub(crate) fn after(self, after: Duration) -> Self {
        Self { after, ..self }
    }

    pub(crate) fn then(mut self, wait: Duration, bytes: impl Into<Vec<u8>>) -> Self {
        self.then.push((wait, bytes.into()));
        self
    }

    pub(crate) fn cut(self, count: usize) -> Self {
        Self { cut: Some(count), end: End::Closes, ..self }
    }

    pub(crate) fn closing(self) -> Self {
        Self { end: End::Closes, ..self }
    }

    pub(crate) fn resetting(self) -> Self {
        Self { end: End::Resets, ..self }
    }

    fn wire(&self) -> Vec<u8> {
        let mut wire = Vec::new();
        if let Some((code, lines)) = &self.head {
            wire.extend(format!("HTTP/1.1 {code} X\r\ncontent-length: {}\r\n", self.body.len()).bytes());
            for line in lines {
                wire.extend(format!("{line}\r\n").bytes());
            }
            wire.extend(b"\r\n");
        }
        wire.extend(&self.body);
        wire.truncate(self.cut.unwrap_or(usize::MAX));
        wire
    }
}

impl Seen {
    /// The targets that it pushes to, `*` for everybody.
    pub(crate) fn targets(&self) -> Vec<String> {
        match self.action.as_str() {
            "PushTemplate" => {
                let keys: serde_json::Value = serde_json::from_str(&self.parameters["TargetMsgkey"]).unwrap();
                keys.as_object().unwrap().keys().cloned().collect()
            }
            "PushMultiple" => {
                let is_target = |name: &str| name.starts_with("TargetMsg.") && name.ends_with(".Target");
                let parameters = self.parameters.iter();
                parameters.filter(|(name, _)| is_target(name)).map(|(_, target)| target.clone()).collect()
            }
            "PushBroadcast" => vec!["*".to_owned()],
            _ => Vec::new(),
        }
    }

    fn is_push(&self) -> bool {
        self.action.starts_with("Push")
    }
}

impl StubVendor {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (is_over, state) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(State::default())));
        let (over, shared) = (Arc::clone(&is_over), Arc::clone(&state));
        thread::spawn(move || {
            for stream in listener.incoming() {
                if over.load(Ordering::SeqCst) {
                    return;
                }
                let (stream, shared) = (stream.unwrap(), Arc::clone(&shared));
                thread::spawn(move || serve(stream, &shared));
            }
        });
        Self(Arc::new(Inner { address, is_over, state }))
    }

    /// Its address, as `endpoint:` takes it.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.0.address)
    }

    /// Lets the next request of an action, after those that are queued already, meet a reply.
    pub(crate) fn next(&self, action: &str, reply: Reply) {
        self.state(|state| state.queues.entry(action.to_owned()).or_default().push_back(reply));
    }

    /// Lets every request of an action that meets nothing else be answered so.
    pub(crate) fn usually(&self, action: &str, reply: impl Fn(&Seen) -> Reply + Send + Sync + 'static) {
        self.state(|state| state.usual.insert(action.to_owned(), Arc::new(reply)));
    }

    /// Writes bytes on every new connection at once.
    pub(crate) fn greets(&self, bytes: impl Into<Vec<u8>>) {
        self.state(|state| state.greeting = bytes.into());
    }

    /// Says what time it is to whoever asks.
    pub(crate) fn dates(&self, date: &str) {
        self.state(|state| state.date = Some(date.to_owned()));
    }

    /// The requests so far, in the order in which they were read.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.state(|state| state.seen.clone())
    }

    /// The pushes that were taken so far.
    pub(crate) fn taken(&self) -> Vec<Taken> {
        self.state(|state| state.taken.clone())
    }

    /// How many pushes each target got.
    pub(crate) fn reached(&self) -> BTreeMap<String, u64> {
        let mut reached = BTreeMap::new();
        for target in self.taken().iter().flat_map(|taken| taken.seen.targets()) {
            *reached.entry(target).or_default() += 1;
        }
        reached
    }

    fn state<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.0.state.lock().unwrap())
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
    }
}

/// Serves one connection until one of both ends it.
fn serve(mut stream: TcpStream, shared: &Mutex<State>) {
    let (mut connection, greeting) = (None, shared.lock().unwrap().greeting.clone());
    // Whoever has heard enough hangs up: no error of this end.
    drop(stream.write_all(&greeting));
    let mut unread = Vec::new();
    while let Some((seen, reply, task_id)) = next_request(&mut stream, &mut unread, &mut connection, shared) {
        thread::sleep(reply.after);
        if reply.is_taken && seen.is_push() {
            shared.lock().unwrap().taken.push(Taken { task_id, seen });
        }
        drop(stream.write_all(&reply.wire()));
        for (wait, bytes) in reply.then {
            thread::sleep(wait);
            drop(stream.write_all(&bytes));
        }
        match reply.end {
            End::KeepsOpen => {}
            End::Closes => return drop(stream.shutdown(Shutdown::Both)),
            End::Resets => return reset(stream),
        }
    }
}

/// Closes without lingering, which is a reset; the standard library cannot ask for that.
fn reset(stream: TcpStream) {
    tokio::net::TcpSocket::from_std_stream(stream).set_zero_linger().unwrap();
}

/// Reads a request and decides what becomes of it; nothing once the other end closed.
fn next_request(
    stream: &mut TcpStream,
    unread: &mut Vec<u8>,
    connection: &mut Option<usize>,
    shared: &Mutex<State>,
) -> Option<(Seen, Reply, String)> {
    let (mut early, mut chunk) = (true, [0; 16 << 10]);
    loop {
        if early && let Some(head) = split(unread, b"\r\n") {
            early = false;
            let action = parameters(head.0).remove("Action").unwrap_or_default();
            let state = shared.lock().unwrap();
            let next = state.queues.get(&action).and_then(VecDeque::front);
            let bytes = next.map(|reply| reply.early.clone()).unwrap_or_default();
            drop(state);
            drop(stream.write_all(&bytes));
        }
        if let Some((head, rest)) = split(unread, b"\r\n\r\n") {
            if head.starts_with(b"HEAD ") {
                let date = shared.lock().unwrap().date.clone();
                let date = date.map(|date| format!("date: {date}\r\n")).unwrap_or_default();
                let reply = format!("HTTP/1.1 400 X\r\ncontent-length: 0\r\n{date}\r\n");
                drop(stream.write_all(reply.as_bytes()));
                *unread = rest.to_vec();
                continue;
            }
            let length = content_length(head);
            if rest.len() >= length {
                let mut parameters = parameters(head.split(|byte| *byte == b'\r').next().unwrap());
                parameters.extend(form(&rest[..length]));
                let connection = *connection.get_or_insert_with(|| {
                    let mut state = shared.lock().unwrap();
                    state.connections += 1;
                    state.connections
                });
                let seen = Seen {
                    action: parameters.get("Action").cloned().unwrap_or_default(),
                    parameters,
                    at: Instant::now(),
                    connection,
                };
                *unread = rest[length..].to_vec();
                return Some(decide(seen, shared));
            }
        }
        let read = stream.read(&mut chunk).unwrap_or(0);
        if read == 0 {
            return None;
        }
        unread.extend_from_slice(&chunk[..read]);
    }
}

fn decide(seen: Seen, shared: &Mutex<State>) -> (Seen, Reply, String) {
    let (queued, usual, task_id) = {
        let mut state = shared.lock().unwrap();
        state.seen.push(seen.clone());
        let queued = state.queues.get_mut(&seen.action).and_then(VecDeque::pop_front);
        let pushes = state.seen.iter().filter(|seen| seen.is_push()).count();
        (queued, state.usual.get(&seen.action).cloned(), format!("task-{pushes}"))
    };
    let unscripted = || {
        if !seen.is_push() {
            return Reply::status(501, "no script for this question");
        }
        let result = format!(r#"{{"Success":true,"ResultMsg":"","Data":"{task_id}"}}"#);
        let envelope = r#""ResultCode":"OK","ResultMessage":"""#;
        let request_id = format!("stub-{task_id}");
        Reply::json(format!(r#"{{"RequestId":"{request_id}",{envelope},"PushResult":{result}}}"#)).taken()
    };
    let reply = queued.filter(|reply| !reply.is_usual);
    let reply = reply.unwrap_or_else(|| usual.map_or_else(unscripted, |usual| usual(&seen)));
    (seen, reply, task_id)
}

fn split<'a>(bytes: &'a [u8], by: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = bytes.windows(by.len()).position(|window| window == by)?;
    Some((&bytes[..at], &bytes[at + by.len()..]))
}

fn content_length(head: &[u8]) -> usize {
    let head = String::from_utf8_lossy(head).to_lowercase();
    head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok()).unwrap_or(0)
}

/// The parameters in a request line.
fn parameters(line: &[u8]) -> BTreeMap<String, String> {
    let target = line.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
    split(target, b"?").map(|(_, query)| form(query).collect()).unwrap_or_default()
}

fn form(bytes: &[u8]) -> impl Iterator<Item = (String, String)> {
    form_urlencoded::parse(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUSH: &str = "AppId=A&TargetMsgkey=%7B%22u1%22%3A%22k%22%7D";

    fn request(action: &str, form: &str) -> String {
        format!("POST /?Action={action} HTTP/1.1\r\nContent-Length: {}\r\n\r\n{form}", form.len())
    }

    /// Writes requests on one connection, and returns everything that comes until the stub closes it.
    fn talk(stub: &StubVendor, requests: &[String]) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(stub.0.address)?;
        stream.write_all(requests.concat().as_bytes())?;
        let mut heard = String::new();
        stream.read_to_string(&mut heard).map(|_| heard)
    }

    #[test]
    fn a_push_is_taken_and_a_question_has_no_answer_unless_a_script_says_otherwise() {
        let stub = StubVendor::start();
        stub.usually("Query", |seen| Reply::json(format!("page {}", seen.parameters["Page"])).closing());
        let requests = [request("PushTemplate", PUSH), request("Other", ""), request("Query", "Page=2")];
        let heard = talk(&stub, &requests).unwrap();
        assert!(heard.contains(r#""Success":true,"ResultMsg":"","Data":"task-1""#), "{heard}");
        assert!(heard.contains("HTTP/1.1 501 X\r\n") && heard.ends_with("\r\n\r\npage 2"), "{heard}");
        assert_eq!(stub.reached(), [("u1".to_owned(), 1)].into());
        let seen = stub.seen();
        assert!(seen.iter().all(|seen| seen.connection == 1) && seen[0].at <= seen[2].at);
        assert_eq!(
            seen.iter().map(|seen| &*seen.action).collect::<Vec<_>>(),
            ["PushTemplate", "Other", "Query"]
        );
    }

    #[test]
    fn a_queue_is_served_in_its_order_and_decides_what_is_taken() {
        let stub = StubVendor::start();
        stub.next("PushTemplate", Reply::usual());
        stub.next("PushTemplate", Reply::status(503, "busy").header("retry-after: 1").taken());
        stub.next("PushTemplate", Reply::silence());
        let heard = talk(&stub, &[const { PUSH }; 3].map(|form| request("PushTemplate", form))).unwrap();
        assert!(
            heard.ends_with("HTTP/1.1 503 X\r\ncontent-length: 4\r\nretry-after: 1\r\n\r\nbusy"),
            "{heard}"
        );
        assert_eq!(stub.reached(), [("u1".to_owned(), 2)].into());
        assert_eq!(stub.taken()[1].task_id, "task-2");
    }

    #[test]
    fn bytes_come_before_after_and_short_of_a_reply() {
        let stub = StubVendor::start();
        stub.greets("hello;");
        let wait = Duration::from_millis(20);
        stub.next("A", Reply::bytes("reply;").early("early;").after(wait).then(wait, "stray;"));
        stub.next("A", Reply::json("never whole").cut(8));
        let since = Instant::now();
        let heard = talk(&stub, &[request("A", ""), request("A", "")]).unwrap();
        assert_eq!(heard, "hello;early;reply;stray;HTTP/1.1");
        assert!(since.elapsed() >= wait * 2);
        stub.next("A", Reply::bytes("").resetting());
        let error = talk(&stub, &[request("A", "")]).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    }

    #[test]
    fn an_apply_reaches_everybody_through_it() {
        let stub = StubVendor::start();
        let site = crate::site::Site::remote(&stub.url(), 25, "");
        site.apply().exits(0).says("25 accepted");
        assert_eq!(stub.reached(), (1..=25).map(|number| (format!("u{number}"), 1)).collect());
    }

    #[test]
    fn targets_are_read_from_every_kind_of_push() {
        let stub = StubVendor::start();
        stub.next("PushMultiple", Reply::silence().taken());
        talk(&stub, &[request("PushMultiple", "TargetMsg.1.Target=u1&TargetMsg.2.Target=u2")]).unwrap();
        stub.next("PushBroadcast", Reply::silence().taken());
        talk(&stub, &[request("PushBroadcast", "Msgkey=k")]).unwrap();
        assert_eq!(stub.reached(), ["*", "u1", "u2"].map(|target| (target.to_owned(), 1)).into());
    }
}
