//! What becomes of a request, for everything that can come back instead of a reply: one row for each, proven
//! against a server that does just that. `docs/reliability.md` shows the same rows.

use std::fmt::Write as _;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use campaignctl::domain::{Call, Credentials, Secret};
use campaignctl::mpaas::{Action, Client, Gate, Outcome, RejectClass, Request};
use url::Url;

use crate::sandbox_caller::environment;

/// What the other end does with a request.
enum Other {
    /// Nobody listens.
    Refuses,
    /// Its name is not known.
    HasNoAddress,
    /// It takes the connection and answers a TLS greeting with an alert.
    FailsHandshake,
    /// It reads the request and closes.
    Closes,
    /// It reads the request and resets the connection.
    Resets,
    /// It reads the request and says nothing.
    IsSilent,
    /// It reads the request and answers a byte at a time, slower than anyone waits.
    Trickles,
    /// It reads the request and answers without an end.
    NeverEnds,
    /// It reads the request and answers with these bytes, then closes.
    Writes(&'static str),
    /// It reads the request and answers with this status, these headers and this body.
    Answers(u16, &'static str, &'static str),
}

use Other::{
    Answers, Closes, FailsHandshake, HasNoAddress, IsSilent, NeverEnds, Refuses, Resets, Trickles, Writes,
};

struct Row {
    /// What is seen.
    seen: &'static str,
    other: Other,
    /// The outcome, as `docs/reliability.md` words it.
    outcome: &'static str,
    why: &'static str,
}

const TAKEN: &str = r#"{"RequestId":"R","ResultCode":"OK","PushResult":{"Success":true,"Data":"7"}}"#;
/// The same of another request.
const TAKEN_TOO: &str = r#"{"RequestId":"S","ResultCode":"OK","PushResult":{"Success":true,"Data":"8"}}"#;
const ACCEPTED: &str = "accepted";
const FINAL: &str = "rejected";
const AGAIN: &str = "rejected, tried again";
const NOT_SENT: &str = "not sent, tried again";
const STOPS: &str = "rejected, the run stops";
const UNKNOWN: &str = "unknown";

const ROWS: &[Row] = &[
    Row { seen: "connection refused", other: Refuses, outcome: NOT_SENT, why: "not a byte left" },
    Row { seen: "name not resolved", other: HasNoAddress, outcome: NOT_SENT, why: "not a byte left" },
    Row {
        seen: "TLS handshake fails",
        other: FailsHandshake,
        outcome: NOT_SENT,
        why: "the request follows the handshake",
    },
    Row {
        seen: "closed after the request, no reply",
        other: Closes,
        outcome: UNKNOWN,
        why: "it may have been read",
    },
    Row {
        seen: "reset after the request, no reply",
        other: Resets,
        outcome: UNKNOWN,
        why: "it may have been read",
    },
    Row { seen: "no reply in time", other: IsSilent, outcome: UNKNOWN, why: "it may still be taken" },
    Row {
        seen: "a reply that trickles beyond the time-out",
        other: Trickles,
        outcome: UNKNOWN,
        why: "what came is no proof",
    },
    Row {
        seen: "a reply without an end",
        other: NeverEnds,
        outcome: UNKNOWN,
        why: "no reply of the vendor's is larger than 1 MiB",
    },
    Row {
        seen: "bytes that are not HTTP",
        other: Writes("SSH-2.0-OpenSSH\r\n"),
        outcome: UNKNOWN,
        why: "somebody else answered, and may have passed it on",
    },
    Row {
        seen: "a reply that ends in its head",
        other: Writes("HTTP/1.1 200 OK\r\ncontent-le"),
        outcome: UNKNOWN,
        why: "what came is no proof",
    },
    Row {
        seen: "a reply that ends in its body",
        other: Writes("HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{\"ResultCode\":\"OK\""),
        outcome: UNKNOWN,
        why: "what came is no proof",
    },
    Row {
        seen: "200, `OK`, `Success` true",
        other: Answers(200, "", TAKEN),
        outcome: ACCEPTED,
        why: "both levels say so",
    },
    Row {
        seen: "the same as another content type",
        other: Answers(200, "content-type: text/html\r\n", TAKEN),
        outcome: ACCEPTED,
        why: "the body says so; no page promises a content type",
    },
    Row {
        seen: "the same in an encoding (`gzip`)",
        other: Answers(200, "content-encoding: gzip\r\n", TAKEN),
        outcome: UNKNOWN,
        why: "none was asked for; somebody in between answered",
    },
    Row {
        seen: "200, a list in place of an object",
        other: Answers(200, "", r#"["OK","","R",[true,"",""]]"#),
        outcome: UNKNOWN,
        why: "no reply of the vendor's is one",
    },
    Row {
        seen: "200, `OK`, `Success` true, a number for a text beside them",
        other: Answers(
            200,
            "",
            r#"{"RequestId":1,"ResultCode":"OK","ResultMessage":null,"PushResult":{"Success":true,"Data":7}}"#,
        ),
        outcome: ACCEPTED,
        why: "what decides is clear",
    },
    Row {
        seen: "200, `OK`, `Success` false, a documented reason",
        other: Answers(
            200,
            "",
            r#"{"ResultCode":"OK","PushResult":{"Success":false,"ResultMsg":"param is invalid"}}"#,
        ),
        outcome: FINAL,
        why: "the vendor's page shows this refusal",
    },
    Row {
        seen: "200, `OK`, `Success` false, no known reason",
        other: Answers(200, "", r#"{"ResultCode":"OK","PushResult":{"Success":false,"ResultMsg":"oops"}}"#),
        outcome: UNKNOWN,
        why: "some of its targets may have got it",
    },
    Row {
        seen: "200, `OK`, no `PushResult`",
        other: Answers(200, "", r#"{"ResultCode":"OK"}"#),
        outcome: UNKNOWN,
        why: "one level is missing",
    },
    Row {
        seen: "200, a documented code (`3022`)",
        other: Answers(200, "", r#"{"ResultCode":"3022","PushResult":{"Success":false}}"#),
        outcome: FINAL,
        why: "documented as a refusal",
    },
    Row {
        seen: "200, a documented code and `Success` true",
        other: Answers(200, "", r#"{"ResultCode":"3022","PushResult":{"Success":true}}"#),
        outcome: UNKNOWN,
        why: "it contradicts itself",
    },
    Row {
        seen: "200, a documented code and a task's id (`Data`)",
        other: Answers(200, "", r#"{"ResultCode":"8011","PushResult":{"Success":false,"Data":"7"}}"#),
        outcome: UNKNOWN,
        why: "as above",
    },
    Row {
        seen: "200, `OK`, `Success` true and a gateway's `Code`",
        other: Answers(200, "", r#"{"Code":"Throttling","ResultCode":"OK","PushResult":{"Success":true}}"#),
        outcome: UNKNOWN,
        why: "as above",
    },
    Row {
        seen: "any reply with a field in two spellings that differ (`PushResult`, `pushResult`)",
        other: Answers(
            200,
            "",
            r#"{"ResultCode":"8011","PushResult":{"Success":false},"pushResult":{"success":true}}"#,
        ),
        outcome: UNKNOWN,
        why: "as above",
    },
    Row {
        seen: "200, `8011` (flow control)",
        other: Answers(200, "", r#"{"ResultCode":"8011","PushResult":{"Success":false}}"#),
        outcome: AGAIN,
        why: "too fast, not taken",
    },
    Row {
        seen: "200, `8014` (no permission)",
        other: Answers(200, "", r#"{"ResultCode":"8014","PushResult":{"Success":false}}"#),
        outcome: STOPS,
        why: "every other batch would be refused too",
    },
    Row {
        seen: "200, `9000` (system error)",
        other: Answers(200, "", r#"{"ResultCode":"9000","PushResult":{"Success":false}}"#),
        outcome: UNKNOWN,
        why: "it broke while it worked",
    },
    Row {
        seen: "200, a code that no page lists",
        other: Answers(200, "", r#"{"ResultCode":"3999","PushResult":{"Success":false}}"#),
        outcome: UNKNOWN,
        why: "the page's table goes on beyond what can be read",
    },
    Row { seen: "200, an empty body", other: Answers(200, "", ""), outcome: UNKNOWN, why: "it says nothing" },
    Row {
        seen: "200, a body that is not JSON",
        other: Answers(200, "", "<html>"),
        outcome: UNKNOWN,
        why: "somebody in between answered",
    },
    Row { seen: "204", other: Answers(204, "", ""), outcome: UNKNOWN, why: "no page documents it" },
    Row {
        seen: "302",
        other: Answers(302, "location: http://127.0.0.1:9/\r\n", ""),
        outcome: UNKNOWN,
        why: "no page documents it; never followed",
    },
    Row {
        seen: "4xx, `Throttling`, `Throttling.…`",
        other: Answers(400, "", r#"{"Code":"Throttling.User","Message":"m","RequestId":"R"}"#),
        outcome: AGAIN,
        why: "the gateway kept it back",
    },
    Row {
        seen: "4xx, `Throttling`, `Throttling.…` with a hint how long",
        other: Answers(429, "x-acs-retry-after: 1500\r\n", r#"{"Code":"Throttling","Message":"m"}"#),
        outcome: AGAIN,
        why: "as above; the hint is waited for, up to a minute",
    },
    Row {
        seen: "4xx, `Missing…`, `Invalid…`, `Unsupported…`",
        other: Answers(400, "", r#"{"Code":"MissingAppId","Message":"m"}"#),
        outcome: FINAL,
        why: "the gateway refused it as it is",
    },
    Row {
        seen: "4xx, `SignatureDoesNotMatch`, `InvalidAccessKeyId.…`, `Forbidden.…`",
        other: Answers(403, "", r#"{"Code":"Forbidden.RAM","Message":"m"}"#),
        outcome: STOPS,
        why: "the gateway refuses who asks",
    },
    Row {
        seen: "4xx, `InvalidTimeStamp.…`",
        other: Answers(400, "", r#"{"Code":"InvalidTimeStamp.Expired","Message":"m"}"#),
        outcome: STOPS,
        why: "this machine's clock is wrong",
    },
    Row {
        seen: "4xx, `SignatureNonceUsed`",
        other: Answers(400, "", r#"{"Code":"SignatureNonceUsed","Message":"m"}"#),
        outcome: UNKNOWN,
        why: "no nonce is used twice: the gateway has seen this very request",
    },
    Row {
        seen: "4xx, a code of no known family",
        other: Answers(400, "", r#"{"Code":"LastTokenProcessing","Message":"m"}"#),
        outcome: UNKNOWN,
        why: "a service behind the gateway may have said it",
    },
    Row {
        seen: "4xx, a code that only begins like a known one",
        other: Answers(400, "", r#"{"Code":"ThrottlingButDelivered","Message":"m"}"#),
        outcome: UNKNOWN,
        why: "as above",
    },
    Row {
        seen: "4xx, a known code, and a success in the same body",
        other: Answers(
            400,
            "",
            r#"{"Code":"Throttling.User","ResultCode":"OK","PushResult":{"Success":true,"Data":"7"}}"#,
        ),
        outcome: UNKNOWN,
        why: "it contradicts itself",
    },
    Row {
        seen: "4xx other than 400, 403, 404 and 429 (408), whatever its code",
        other: Answers(408, "", r#"{"Code":"Throttling","Message":"m"}"#),
        outcome: UNKNOWN,
        why: "no page documents a refusal there; it may have been read",
    },
    Row {
        seen: "4xx, a body that is not JSON",
        other: Answers(429, "", "Too Many Requests"),
        outcome: UNKNOWN,
        why: "somebody in between answered",
    },
    Row {
        seen: "500",
        other: Answers(500, "", r#"{"Code":"InternalError","Message":"m"}"#),
        outcome: UNKNOWN,
        why: "it may have passed the gateway before it broke",
    },
    Row {
        seen: "503, even with a code of the gateway's",
        other: Answers(503, "", r#"{"Code":"Throttling","Message":"m"}"#),
        outcome: UNKNOWN,
        why: "as above",
    },
];

/// Starts the other end; it serves one connection after the other until the test ends.
fn start(other: &'static Other) -> Url {
    if matches!(other, HasNoAddress) {
        return "https://nowhere.invalid/".parse().unwrap();
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let scheme = if matches!(other, FailsHandshake) { "https" } else { "http" };
    if !matches!(other, Refuses) {
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                serve(stream.unwrap(), other);
            }
        });
    }
    format!("{scheme}://{address}/").parse().unwrap()
}

fn serve(mut stream: TcpStream, other: &Other) {
    if matches!(other, FailsHandshake) {
        // Alert, TLS 1.2, two bytes: fatal, handshake failure.
        stream.read_exact(&mut [0; 5]).unwrap();
        drop(stream.write_all(&[21, 3, 3, 0, 2, 2, 40]));
        return;
    }
    if matches!(other, Resets) {
        // To close with bytes unread resets the connection.
        stream.peek(&mut [0]).unwrap();
        return;
    }
    read_request(&mut stream);
    // Whoever has heard enough hangs up: no error of this end.
    drop(match other {
        Closes => Ok(()),
        IsSilent => stream.read(&mut [0]).map(drop),
        Trickles => trickle(&mut stream),
        NeverEnds => flood(&mut stream),
        Writes(bytes) => stream.write_all(bytes.as_bytes()),
        Answers(status, headers, body) => write!(
            stream,
            "HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        ),
        Refuses | HasNoAddress | FailsHandshake | Resets => unreachable!("they read no request"),
    });
}

fn read_request(stream: &mut TcpStream) {
    let (mut request, mut chunk) = (Vec::new(), [0; 4096]);
    loop {
        let read = stream.read(&mut chunk).unwrap();
        request.extend_from_slice(&chunk[..read]);
        let text = String::from_utf8_lossy(&request);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length =
            head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if body.len() >= length.unwrap_or(0) {
            return;
        }
    }
}

fn trickle(stream: &mut TcpStream) -> std::io::Result<()> {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", TAKEN.len());
    for byte in head.bytes().chain(TAKEN.bytes()) {
        stream.write_all(&[byte])?;
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

fn flood(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n")?;
    loop {
        stream.write_all(&[b' '; 4096])?;
    }
}

fn client(base: Url) -> Client {
    let environment = environment(Duration::from_secs(1));
    let secret = |text: &str| Secret::new(text.to_owned());
    let credentials =
        Credentials { access_key_id: secret("id"), access_key_secret: secret("key"), security_token: None };
    Client::new(&environment, base, credentials, Arc::new(|| chrono::DateTime::UNIX_EPOCH)).unwrap()
}

fn request() -> Request {
    Request { action: Action::Push(Call::Template), parameters: [("AppId", "A".to_owned())].into() }
}

fn send(client: &Client, nonce: &str) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(client.send(&request(), nonce))
}

fn in_words(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Accepted { .. } => ACCEPTED,
        Outcome::Rejected { class: RejectClass::Throttled, .. } => AGAIN,
        Outcome::Rejected { class: RejectClass::Unreachable(_), .. } => NOT_SENT,
        Outcome::Rejected { class: RejectClass::Credentials, .. } => STOPS,
        Outcome::Rejected { class: RejectClass::Content, .. } => FINAL,
        Outcome::Unknown { .. } => UNKNOWN,
    }
}

#[test]
fn everything_that_can_come_back_has_its_outcome() {
    let tests: Vec<_> = ROWS
        .iter()
        .map(|row| {
            std::thread::spawn(move || {
                let outcome = send(&client(start(&row.other)), row.seen);
                assert_eq!(in_words(&outcome), row.outcome, "{}: {outcome:?}", row.seen);
            })
        })
        .collect();
    for test in tests {
        test.join().unwrap();
    }
}

#[test]
fn the_documentation_has_the_same_rows() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reliability.md");
    let text = fs::read_to_string(&path).unwrap();
    let (begin, end) = ("<!-- outcomes: written by a test -->\n", "<!-- /outcomes -->");
    let (before, rest) = text.split_once(begin).unwrap();
    let (_, after) = rest.split_once(end).unwrap();
    let mut table = "| what comes back | outcome | because |\n|---|---|---|\n".to_owned();
    for row in ROWS {
        writeln!(table, "| {} | {} | {} |", row.seen, row.outcome, row.why).unwrap();
    }
    let wanted = format!("{before}{begin}{table}{end}{after}");
    #[expect(clippy::disallowed_methods, reason = "the documentation is rewritten on demand")]
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &wanted).unwrap();
    }
    assert!(fs::read_to_string(&path).unwrap() == wanted, "stale: run the tests with UPDATE_DOCS=1");
}

/// Sends and leaves the connection open, as an apply does between two requests.
async fn kept_open(client: &Client, nonce: &str) -> Outcome {
    struct Open;
    impl Gate for Open {
        async fn pass(&self) -> Option<chrono::DateTime<chrono::Utc>> {
            Some(chrono::DateTime::UNIX_EPOCH)
        }
    }
    client.send_through(&request().into(), nonce, &Open).await.unwrap().outcome
}

/// Libraries under the client may send again by themselves on a connection that was kept open and breaks.
#[test]
fn no_library_sends_a_request_again() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let base: Url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let seen = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&seen);
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        read_request(&mut stream);
        counted.fetch_add(1, Ordering::SeqCst);
        write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{TAKEN}", TAKEN.len()).unwrap();
        // The second request comes over the same connection, is read, and never answered.
        read_request(&mut stream);
        counted.fetch_add(1, Ordering::SeqCst);
        drop(stream);
        listener.set_nonblocking(true).unwrap();
        std::thread::sleep(Duration::from_millis(500));
        listener.accept().map(drop).map_err(|error| error.kind())
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let client = client(base);
    runtime.block_on(async {
        assert_eq!(in_words(&kept_open(&client, "1").await), ACCEPTED);
        assert_eq!(in_words(&kept_open(&client, "2").await), UNKNOWN);
    });
    assert_eq!(server.join().unwrap(), Err(ErrorKind::WouldBlock), "somebody connected again");
    assert_eq!(seen.load(Ordering::SeqCst), 2);
}

/// What the other end closed while nothing was on its way costs no doubt: not a byte is written to it.
#[test]
fn a_connection_that_was_closed_while_idle_carries_no_request() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let base: Url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let (closed, is_closed) = std::sync::mpsc::channel();
    let server = std::thread::spawn(move || {
        for taken in [TAKEN, TAKEN_TOO] {
            let (mut stream, _) = listener.accept().unwrap();
            read_request(&mut stream);
            write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{taken}", taken.len()).unwrap();
            drop(stream);
            closed.send(()).unwrap();
        }
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let client = client(base);
    for nonce in ["1", "2"] {
        assert_eq!(in_words(&runtime.block_on(kept_open(&client, nonce))), ACCEPTED);
        is_closed.recv().unwrap();
    }
    server.join().unwrap();
}

/// The gate may hold a request for longer than servers keep a connection.
#[test]
fn a_connection_that_waited_for_its_turn_for_too_long_carries_no_request() {
    /// Longer than a connection may be idle.
    const TURN: Duration = Duration::from_millis(5_100);

    struct LongTurn(AtomicUsize);
    impl Gate for LongTurn {
        async fn pass(&self) -> Option<chrono::DateTime<chrono::Utc>> {
            if self.0.fetch_add(1, Ordering::SeqCst) == 0 {
                tokio::time::sleep(TURN).await;
            }
            Some(chrono::DateTime::UNIX_EPOCH)
        }
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let base: Url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let server = std::thread::spawn(move || {
        // The first is open until the end, and would answer.
        let (mut first, _) = listener.accept().unwrap();
        let (mut second, _) = listener.accept().unwrap();
        read_request(&mut second);
        write!(second, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{TAKEN}", TAKEN.len()).unwrap();
        first.set_nonblocking(true).unwrap();
        first
            .read(&mut [0; 1])
            .or_else(|error| if error.kind() == ErrorKind::WouldBlock { Ok(0) } else { Err(error) })
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (client, gate) = (client(base), LongTurn(AtomicUsize::new(0)));
    let delivered = runtime.block_on(client.send_through(&request().into(), "1", &gate)).unwrap();
    assert_eq!(in_words(&delivered.outcome), ACCEPTED);
    assert_eq!(server.join().unwrap().unwrap(), 0, "bytes over the connection that was idle for too long");
    assert_eq!(gate.0.load(Ordering::SeqCst), 2, "it waits for another turn");
}

/// A proxy or load balancer that is going away may close a connection as it opens it.
#[test]
fn a_new_connection_that_is_closed_at_once_is_opened_once_more() {
    /// Passes once the other end has said that it is done with a connection.
    struct Told(std::sync::Mutex<std::sync::mpsc::Receiver<()>>);
    impl Gate for Told {
        async fn pass(&self) -> Option<chrono::DateTime<chrono::Utc>> {
            self.0.lock().unwrap().recv().unwrap();
            Some(chrono::DateTime::UNIX_EPOCH)
        }
    }
    for (closed_at_once, outcome) in [(1, ACCEPTED), (2, NOT_SENT)] {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let base: Url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
        let (told, hears) = std::sync::mpsc::channel();
        let server = std::thread::spawn(move || {
            for _ in 0..closed_at_once {
                drop(listener.accept().unwrap());
                told.send(()).unwrap();
            }
            if closed_at_once == 1 {
                let (mut stream, _) = listener.accept().unwrap();
                told.send(()).unwrap();
                read_request(&mut stream);
                write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{TAKEN}", TAKEN.len()).unwrap();
            }
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (client, gate) = (client(base), Told(std::sync::Mutex::new(hears)));
        let delivered = runtime.block_on(client.send_through(&request().into(), "1", &gate)).unwrap();
        assert_eq!(in_words(&delivered.outcome), outcome, "{:?}", delivered.outcome);
        server.join().unwrap();
    }
}
