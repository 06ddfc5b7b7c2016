//! Replies that answer no request, or another's: what a broken proxy does on a connection that is kept open. Whatever it
//! does, nobody gets a push twice, and who is on record as accepted was taken.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use crate::misfortune::account;
use crate::site::{Ran, Site};
use crate::stub_vendor::{Reply, Seen, StubVendor};

const TARGETS: u64 = 300;

/// Longer than a client needs for the next request, shorter than it waits for a reply.
const LATE: Duration = Duration::from_millis(3);

/// A reply's body under a name that no other has.
fn body(is_taken: bool) -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let id = format!("id-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    if is_taken {
        format!(r#"{{"RequestId":"{id}","ResultCode":"OK","PushResult":{{"Success":true,"Data":"{id}"}}}}"#)
    } else {
        format!(r#"{{"RequestId":"{id}","ResultCode":"8011","PushResult":{{"Success":false,"Data":""}}}}"#)
    }
}

fn wire(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

/// What the vendor itself says, which takes all but one request in so many.
fn honest(seen: u64, refuses_each: u64) -> (Reply, String) {
    let is_taken = !seen.is_multiple_of(refuses_each);
    let body = body(is_taken);
    let reply = Reply::json(body.clone());
    (if is_taken { reply.taken() } else { reply }, body)
}

/// A stub whose pushes meet a reply that depends on how many came before.
fn answering(reply: impl Fn(u64, &Seen) -> Reply + Send + Sync + 'static) -> StubVendor {
    let (stub, count) = (StubVendor::start(), AtomicU64::new(0));
    stub.usually("PushTemplate", move |seen| reply(count.fetch_add(1, Ordering::SeqCst) + 1, seen));
    stub
}

fn site(stub: &StubVendor) -> Site {
    Site::remote(&stub.url(), usize::try_from(TARGETS).unwrap(), "    timeout: 5s\n")
}

/// Applies until nothing moves any more, and holds the ledger's account against what the stub took.
fn prove(stub: &StubVendor, site: &Site) -> (u64, u64, u64) {
    for _ in 0..2 {
        let ran = site.apply();
        assert!(matches!(ran.code, Some(0 | 5 | 10 | 11)), "{}{}", ran.stdout, ran.stderr);
        let twice: BTreeMap<_, _> = stub.reached().into_iter().filter(|(_, times)| *times > 1).collect();
        assert!(twice.is_empty(), "{} got it twice", twice.len());
        let taken: BTreeSet<String> =
            stub.taken().into_iter().map(|taken| taken.seen.parameters["SignatureNonce"].clone()).collect();
        for (nonce, result) in results(site) {
            match result.as_str() {
                "accepted" => assert!(taken.contains(&nonce), "accepted, and never taken"),
                "rejected" => assert!(!taken.contains(&nonce), "rejected, though taken"),
                _ => {}
            }
        }
    }
    // Who is neither accepted nor in doubt is planned again, and nobody else.
    let (account, plan) = (account(site), site.run(&["plan", "--json"]).exits(0).json());
    let planned = plan["summary"]["targets"].as_u64().unwrap();
    assert_eq!(account.0 + account.2 + planned, TARGETS, "{account:?}, {planned} planned");
    account
}

/// What became of each request on record, by its nonce.
fn results(site: &Site) -> Vec<(String, String)> {
    let export = site.run(&["ledger", "export"]).exits(0).stdout;
    let records: Vec<Value> = export.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let nonces: BTreeMap<u64, String> = records
        .iter()
        .filter(|record| record["record"] == "intent")
        .map(|record| (record["serial"].as_u64().unwrap(), record["nonce"].as_str().unwrap().to_owned()))
        .collect();
    let outcomes = records.iter().filter(|record| record["record"] == "outcome");
    outcomes
        .map(|record| {
            let nonce = nonces[&record["intent"].as_u64().unwrap()].clone();
            (nonce, record["result"].as_str().unwrap().to_owned())
        })
        .collect()
}

#[test]
fn a_sound_connection_costs_no_doubt() {
    let stub = answering(|count, _| honest(count, 20).0);
    assert_eq!(prove(&stub, &site(&stub)), (TARGETS, 0, 0));
}

#[test]
fn a_reply_that_comes_twice_answers_one_request() {
    for late in [Duration::ZERO, LATE] {
        let stub = answering(move |count, _| {
            let (reply, body) = honest(count, 9);
            if count.is_multiple_of(4) { reply.then(late, wire(&body)) } else { reply }
        });
        let (accepted, _, in_doubt) = prove(&stub, &site(&stub));
        assert!(accepted > 0 && in_doubt > 0, "{accepted} accepted, {in_doubt} in doubt");
    }
}

#[test]
fn a_connection_that_is_one_reply_behind_is_believed_in_nothing_that_it_cannot_prove() {
    for is_taken in [true, false] {
        let begun = Mutex::new(BTreeSet::new());
        let stub = answering(move |count, seen| {
            let (reply, own) = honest(count, 7);
            if begun.lock().unwrap().insert(seen.connection) {
                // Somebody else's reply comes first, and its own when the next request is there.
                let stray = Reply::json(body(is_taken)).then(LATE, wire(&own));
                return if count.is_multiple_of(7) { stray } else { stray.taken() };
            }
            reply.after(LATE)
        });
        let (_, _, in_doubt) = prove(&stub, &site(&stub));
        assert!(in_doubt > 0);
    }
}

#[test]
fn a_reply_that_is_there_before_its_request_is_none() {
    for is_taken in [true, false] {
        let stub = StubVendor::start();
        stub.greets(wire(&body(is_taken)));
        let site = Site::remote(&stub.url(), 5, "");
        let ran = site.apply();
        assert!(ran.stdout.contains("that no request had asked for"), "{}", ran.stdout);
        // Either it was there before the first byte left, and none did; or before the last one did.
        let written = u64::from(!stub.seen().is_empty());
        assert_eq!(account(&site), (0, 5 * (1 - written), 5 * written));
    }
}

#[test]
fn of_two_replies_to_one_request_neither_counts() {
    for is_taken in [true, false] {
        let stub = answering(move |count, _| {
            if !count.is_multiple_of(5) {
                return honest(count, 20).0;
            }
            Reply::bytes(wire(&body(is_taken)) + &wire(&body(true))).taken()
        });
        let (_, _, in_doubt) = prove(&stub, &site(&stub));
        assert!(in_doubt > 0);
    }
}

#[test]
fn bytes_on_an_idle_connection_put_its_last_answer_in_doubt() {
    let stub = answering(|count, _| {
        let reply = honest(count, u64::MAX).0;
        if count == 2 { reply.then(Duration::from_millis(50), "HTTP/1.1 408 X\r\n\r\n") } else { reply }
    });
    let site = site(&stub);
    // One at a time, ten a second: the bytes come while nothing is on its way.
    site.edit("campaigns/campaignctl.yaml", "concurrency: 4", "concurrency: 1");
    site.edit("campaigns/campaignctl.yaml", "requests_per_second: 1000", "requests_per_second: 10");
    site.write("campaigns/c.yaml", &crate::site::campaign("hello", 40));
    site.apply().exits(10).says("bytes came on its connection that no request had asked for");
    assert_eq!(account(&site), (30, 0, 10));
    assert_eq!(stub.taken().len(), 4);
    let connections: BTreeSet<usize> = stub.seen().iter().map(|seen| seen.connection).collect();
    assert_eq!(connections.len(), 2, "nothing more went over that connection");
}

/// Applies to three batches whose replies differ in nothing but what `own` says of the number of each: its `RequestId`, as
/// JSON, and its `Data`.
fn repeating(own: impl Fn(u64) -> (String, String) + Send + Sync + 'static) -> (Ran, (u64, u64, u64)) {
    let stub = answering(move |count, _| {
        let (id, data) = own(count);
        let id = if id.is_empty() { id } else { format!(r#""RequestId":{id},"#) };
        Reply::json(format!(r#"{{{id}"ResultCode":"OK","PushResult":{{"Success":true,"Data":"{data}"}}}}"#))
            .taken()
            .closing()
    });
    let site = site(&stub);
    site.write("campaigns/c.yaml", &crate::site::campaign("hello", 25));
    let ran = site.apply();
    let account = account(&site);
    (ran, account)
}

#[test]
fn what_only_one_reply_can_have_is_doubt_in_a_later_one_whatever_connection_it_comes_on() {
    const TASK: &str = "903bf653c1b5442b9ba07684767bf9c2";
    let own = |id: &'static str, data: &'static str| {
        move |count: u64| (id.replace('N', &count.to_string()), data.replace('N', &count.to_string()))
    };
    for (id, data, why) in [
        (r#""same""#, "N", "the reply has the `RequestId` of an earlier one"),
        ("", "7", "the reply names the task of an earlier one"),
        ("null", "7", "the reply names the task of an earlier one"),
        (r#""""#, "7", "the reply names the task of an earlier one"),
        (r#"{"N":1}"#, "7", "the reply names the task of an earlier one"),
    ] {
        let (ran, (accepted, rejected, in_doubt)) = repeating(own(id, data));
        assert_eq!(ran.code, Some(10), "{id} {data}: {}", ran.stdout);
        assert!(ran.stdout.contains(why), "{id} {data}: {}", ran.stdout);
        // Who came first keeps what it got.
        assert!(accepted == 10 || accepted == 5, "{id} {data}: {accepted}");
        assert_eq!((accepted + in_doubt, rejected), (25, 0), "{id} {data}");
    }
    let (ran, _) = repeating(|count| {
        let id = if count == 1 { "AbCd" } else { "aBcD" };
        (format!(r#""{id}""#), String::new())
    });
    ran.exits(10).says("the reply has the `RequestId` of an earlier one");
    // Beside a `RequestId` of its own the task may be the same, and what names nothing at all is told apart by its connection.
    for (id, data) in [(r#""id-N""#, TASK), (r#""id-N""#, "success"), (r#""id-N""#, ""), ("", "N"), ("", "")]
    {
        let (ran, account) = repeating(own(id, data));
        assert_eq!((ran.code, account), (Some(0), (25, 0, 0)), "{id} {data}: {}", ran.stdout);
    }
}

#[test]
fn a_reply_without_a_request_id_that_comes_again_on_its_connection_is_doubt() {
    let stub = answering(|_, _| {
        Reply::json(r#"{"ResultCode":"OK","PushResult":{"Success":true,"Data":""}}"#).taken()
    });
    let site = site(&stub);
    site.edit("campaigns/campaignctl.yaml", "concurrency: 4", "concurrency: 1");
    site.write("campaigns/c.yaml", &crate::site::campaign("hello", 25));
    site.apply().exits(10).says("the reply has no `RequestId`, and is the same as an earlier one");
    // The second of three; the third has a connection of its own.
    assert_eq!(account(&site), (15, 0, 10));
}

#[test]
fn a_refusal_counts_only_when_its_connection_ends() {
    // It keeps the connection open, whatever the client does, and says nothing more.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let kept = Arc::new(Mutex::new(Vec::new()));
    let keeps = Arc::clone(&kept);
    std::thread::spawn(move || {
        use std::io::{Read, Write};
        while let Ok((mut stream, _)) = listener.accept() {
            drop(stream.read(&mut [0; 8 << 10]));
            drop(stream.write_all(wire(&body(false)).as_bytes()));
            keeps.lock().unwrap().push(stream);
        }
    });
    let site = Site::remote(&url, 5, "    timeout: 1s\n");
    site.apply().exits(10).says("did not close the connection after that");
    assert_eq!(account(&site), (0, 0, 5));
    assert_eq!(kept.lock().unwrap().len(), 1, "it is not sent again");
}

#[test]
fn replies_are_asked_for_without_an_encoding_and_pauses_are_read_in_every_form() {
    let until = |seconds| {
        let at = chrono::DateTime::UNIX_EPOCH + chrono::TimeDelta::seconds(seconds);
        at.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
    };
    let throttled = r#"{"Code":"Throttling","Message":"m"}"#;
    let (date, in_three) = (format!("date: {}", until(0)), format!("retry-after: {}", until(3)));
    for hint in ["retry-after: 2.4", &in_three] {
        let stub = StubVendor::start();
        stub.next("PushTemplate", Reply::status(429, throttled).header(&date).header(hint));
        let site = Site::remote(&stub.url(), 5, "");
        site.apply().exits(0);
        let seen = stub.seen();
        let waited = seen[1].at - seen[0].at;
        assert!(waited >= Duration::from_millis(2390), "{hint}: {waited:?}");
    }
    let site = Site::remote("http://127.0.0.1:9", 5, "");
    let heads = Arc::new(Mutex::new(String::new()));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    site.edit("campaigns/campaignctl.yaml", "http://127.0.0.1:9", &url);
    let noted = Arc::clone(&heads);
    let server = std::thread::spawn(move || {
        use std::io::Read;
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 8 << 10];
        let read = stream.read(&mut request).unwrap();
        *noted.lock().unwrap() = String::from_utf8_lossy(&request[..read]).to_lowercase();
    });
    let ran: Ran = site.apply();
    server.join().unwrap();
    assert_eq!(ran.code, Some(10));
    assert!(heads.lock().unwrap().contains("\r\naccept-encoding: identity\r\n"), "{heads:?}");
}
