//! Every fault of the sandbox as our client sees it, and what the sandbox took meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use campaignctl::domain::{Call, Credentials, Secret};
use campaignctl::mpaas::{Action, Client, NoConnection, Outcome, RejectClass, Request};
use campaignctl::sandbox::{self, Fault, FaultKind, FaultShare};
use chrono::DateTime;
use url::Url;

use crate::sandbox_caller::{NOW, Vendor, environment};

fn client(base: Url, timeout: Duration) -> Client {
    let environment = environment(timeout);
    let credentials = Credentials {
        access_key_id: Secret::new(sandbox::ACCESS_KEY_ID.to_owned()),
        access_key_secret: Secret::new(sandbox::ACCESS_KEY_SECRET.to_owned()),
        security_token: None,
    };
    let now = DateTime::parse_from_rfc3339(NOW).unwrap().to_utc();
    Client::new(&environment, base, credentials, Arc::new(move || now)).unwrap()
}

fn request(key: &str) -> Request {
    let parameters = BTreeMap::from([
        ("AppId", "A".to_owned()),
        ("WorkspaceId", "w".to_owned()),
        ("TaskName", "t".to_owned()),
        ("TemplateName", "T".to_owned()),
        ("DeliveryType", "3".to_owned()),
        ("ExpiredSeconds", "60".to_owned()),
        ("TargetMsgkey", format!("{{\"u1\":\"{key}\"}}")),
    ]);
    Request { action: Action::Push(Call::Template), parameters }
}

fn in_short(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Accepted { .. } => "accepted".to_owned(),
        Outcome::Rejected { class, code, retry_after, .. } => {
            let after = retry_after.map(|after| format!(" after {after:?}")).unwrap_or_default();
            format!("rejected {class:?} {code}{after}")
        }
        Outcome::Unknown { code, .. } => format!("unknown {}", code.as_deref().unwrap_or("-")),
    }
}

#[test]
fn each_fault_is_what_it_says_and_the_next_request_is_whole() {
    let vendor = Vendor::start();
    let client = client(vendor.sandbox.url(), Duration::from_secs(10));
    let throttled = "rejected Throttled Throttling.User";
    let code = |code: &str| FaultKind::ResultCode { code: code.to_owned() };
    let rows = [
        (FaultKind::Throttle { retry_after_ms: None }, throttled.to_owned(), 0),
        (FaultKind::Throttle { retry_after_ms: Some(250) }, format!("{throttled} after 250ms"), 0),
        (FaultKind::UnavailableBefore, "unknown ServiceUnavailable".to_owned(), 0),
        (FaultKind::UnavailableAfter, "unknown ServiceUnavailable".to_owned(), 1),
        (FaultKind::DropBefore, "unknown -".to_owned(), 0),
        (FaultKind::DropAfter, "unknown -".to_owned(), 1),
        (FaultKind::GarbageAfter, "unknown -".to_owned(), 1),
        (FaultKind::PartialBodyAfter, "unknown -".to_owned(), 1),
        (FaultKind::Delay { ms: 1 }, "accepted".to_owned(), 1),
        (code("3022"), "rejected Content 3022".to_owned(), 0),
        (code("8011"), "rejected Throttled 8011".to_owned(), 0),
        (code("9000"), "unknown 9000".to_owned(), 0),
        (FaultKind::SuccessFalse, "unknown OK".to_owned(), 0),
        (FaultKind::NonceUsed, "unknown SignatureNonceUsed".to_owned(), 1),
        (FaultKind::SignatureRefused, "rejected Credentials SignatureDoesNotMatch".to_owned(), 0),
    ];
    let mut taken = 0;
    for (number, (kind, expected, takes)) in rows.into_iter().enumerate() {
        vendor.sandbox.inject(Fault::once(kind.clone()));
        let send = |suffix: &str| {
            let name = format!("{number}{suffix}");
            vendor.runtime.block_on(client.send(&request(&name), &name))
        };
        assert_eq!(in_short(&send("a")), expected, "{kind:?}");
        taken += takes;
        assert_eq!(vendor.taken(), taken, "{kind:?}");
        assert_eq!(in_short(&send("b")), "accepted", "after {kind:?}");
        taken += 1;
        assert_eq!(vendor.taken(), taken, "after {kind:?}");
    }
    assert!(vendor.sandbox.target_counts().pushed_twice.is_empty());
    assert_eq!(vendor.sandbox.target_counts().targets["3:u1"], taken);
}

#[test]
fn a_late_reply_is_unknown_though_the_push_was_taken() {
    let vendor = Vendor::start();
    let client = client(vendor.sandbox.url(), Duration::from_millis(200));
    vendor.sandbox.inject(Fault::once(FaultKind::Delay { ms: 3_600_000 }));
    let outcome = vendor.runtime.block_on(client.send(&request("k"), "n"));
    assert_eq!(in_short(&outcome), "unknown -");
    assert_eq!(vendor.taken(), 1);
}

#[test]
fn faults_come_in_order_and_as_often_as_told() {
    let vendor = Vendor::start();
    let client = client(vendor.sandbox.url(), Duration::from_secs(10));
    vendor.sandbox.inject(Fault::times(FaultKind::DropBefore, 2));
    assert_eq!(vendor.post("faults", r#"{"kind":"result_code","code":"3022"}"#).status, 204);
    assert_eq!(vendor.post("faults", r#"{"kind":"throttle","times":2,"retry_after_ms":7}"#).status, 204);
    for bad in [r#"{"kind":"earthquake"}"#, r#"{"kind":"drop_after","time":2}"#, r#"{"times":1}"#, "[]", ""] {
        assert_eq!(vendor.post("faults", bad).status, 400, "{bad}");
    }
    let seen: Vec<_> = (0..6)
        .map(|number| {
            let nonce = format!("n{number}");
            in_short(&vendor.runtime.block_on(client.send(&request("k"), &nonce)))
        })
        .collect();
    let throttled = "rejected Throttled Throttling.User after 7ms";
    assert_eq!(seen, ["unknown -", "unknown -", "rejected Content 3022", throttled, throttled, "accepted"]);
    let log = vendor.get("requests");
    assert_eq!(log[0]["verdict"], "drop_before");
    assert_eq!(vendor.taken(), 1);
}

#[test]
fn a_share_of_requests_meets_faults_as_long_as_it_runs() {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let share = FaultShare::new(0.5, 3);
    let vendor = Vendor::set_up(address, |options| options.fault_share = share).unwrap();
    let client = client(vendor.sandbox.url(), Duration::from_secs(10));
    let mut accepted = 0;
    for number in 0..200 {
        let outcome = vendor.runtime.block_on(client.send(&request("k"), &format!("n{number}")));
        accepted += u64::from(matches!(outcome, Outcome::Accepted { .. }));
        if number == 100 {
            vendor.sandbox.inject(Fault::times(FaultKind::DropBefore, 40));
            assert_eq!(vendor.post("reset", "").status, 204);
        }
    }
    // Those that are late are accepted too.
    assert!((80..140).contains(&accepted), "{accepted}");
    let verdicts: BTreeSet<String> =
        vendor.sandbox.requests().into_iter().map(|request| request.verdict).collect();
    assert!(verdicts.len() > 8, "{verdicts:?}");
}

#[test]
fn wrong_credentials_are_seen_as_such() {
    let vendor = Vendor::start();
    let client = client(vendor.sandbox.url(), Duration::from_secs(10));
    vendor.set("2026-11-23T02:13:26Z");
    let outcome = vendor.runtime.block_on(client.send(&request("k"), "n"));
    assert_eq!(in_short(&outcome), "rejected Credentials InvalidTimeStamp.Expired");
    vendor.set(NOW);
    let twice = || vendor.runtime.block_on(client.send(&request("k"), "same"));
    assert_eq!(in_short(&twice()), "accepted");
    assert_eq!(in_short(&twice()), "unknown SignatureNonceUsed");
    assert_eq!(vendor.taken(), 1);
}

#[test]
fn nobody_listening_means_that_nothing_left() {
    let vendor = Vendor::start();
    let url = vendor.sandbox.url();
    let Vendor { sandbox, runtime, .. } = vendor;
    runtime.block_on(sandbox.stop());
    let outcome = runtime.block_on(client(url, Duration::from_secs(10)).send(&request("k"), "n"));
    let Outcome::Rejected { class, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!(class, RejectClass::Unreachable(NoConnection::Refused));
}

/// Reads one request and returns its nonce; nothing at the end of the connection.
fn nonce_of_next(stream: &mut TcpStream) -> Option<String> {
    let (mut bytes, mut chunk) = (Vec::new(), [0; 4096]);
    loop {
        let read = stream.read(&mut chunk).ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&chunk[..read]);
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let head = head.to_ascii_lowercase();
        let length =
            head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
        if body.len() >= length.unwrap() {
            let (_, rest) = head.split_once("signaturenonce=")?;
            return Some(rest[..rest.find(['&', ' ']).unwrap()].to_owned());
        }
    }
}

/// Serves `answered` requests on each connection; reads one more if `reads_on`, and closes it without a reply.
fn closing_server(answered: usize, reads_on: bool, connections: usize) -> (Url, Arc<Mutex<Vec<String>>>) {
    const BODY: &str = r#"{"ResultCode":"OK","PushResult":{"Success":true,"Data":""}}"#;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&seen);
    std::thread::spawn(move || {
        for stream in listener.incoming().take(connections) {
            let mut stream = stream.unwrap();
            for _ in 0..answered {
                let Some(nonce) = nonce_of_next(&mut stream) else { break };
                noted.lock().unwrap().push(nonce);
                let reply = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{BODY}", BODY.len());
                stream.write_all(reply.as_bytes()).unwrap();
            }
            if reads_on && let Some(nonce) = nonce_of_next(&mut stream) {
                noted.lock().unwrap().push(nonce);
            }
        }
    });
    (url, seen)
}

#[test]
fn a_server_that_closes_kept_connections_never_sees_a_request_twice() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for (answered, reads_on) in [(1, false), (1, true), (0, true)] {
        let (url, seen) = closing_server(answered, reads_on, 1000);
        let client = client(url, Duration::from_secs(10));
        let mut accepted = Vec::new();
        for number in 0..60 {
            let nonce = format!("n{number}");
            match runtime.block_on(client.send(&request("k"), &nonce)) {
                Outcome::Accepted { .. } => accepted.push(nonce),
                // The connection closed under it: whether it was read is for nobody to say.
                Outcome::Unknown { .. } => {}
                Outcome::Rejected { code, .. } => panic!("{code}"),
            }
        }
        let mut seen = seen.lock().unwrap().clone();
        let all = seen.len();
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), all, "a request was sent again by itself");
        assert!(accepted.iter().all(|nonce| seen.contains(nonce)));
        // One request a connection: `send` ends it to know that its answer is final.
        assert_eq!(accepted.len(), 60 * answered);
    }
}
