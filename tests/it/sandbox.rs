//! The sandbox as a gateway: signatures, nonces, timestamps, bodies, and what it keeps.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use campaignctl::sandbox::{Memory, SandboxError};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::sandbox_caller::{Reply, Vendor, good, moment, pairs, post, query, targets, v3};

fn capture(name: &str) -> Vec<u8> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/vendor/captures");
    fs::read(directory.join(name)).unwrap()
}

/// What official SDKs sent, and what becomes of it when the clock stands where theirs stood.
const CAPTURES: [(&str, &str); 8] = [
    // Version 2019-08-21 does not know `BindPeriod`, so a broadcast without one is whole.
    ("2019-08-21_aliyunsdkcore_PushBroadcast.http", ""),
    ("2019-08-21_aliyunsdkcore_PushMultiple.http", ""),
    ("2019-08-21_aliyunsdkcore_PushTemplate.http", ""),
    ("node_pop-core_PushTemplate_POST.http", ""),
    // These carry every parameter at once, with the sample's `fixedTime` of 2021. It is the last rule that is
    // asked, so all the others were kept.
    ("2020-10-28_v3.4.1_default-V3_PushTemplate_full.http", "StrategyContent.fixedTime is not in the future"),
    (
        "2020-10-28_v3.4.1_signature_algorithm-v2_PushBroadcast_full.http",
        "StrategyContent.fixedTime is not in the future",
    ),
    (
        "2020-10-28_v3.4.1_signature_algorithm-v2_PushMultiple_full.http",
        "StrategyContent.fixedTime is not in the future",
    ),
    (
        "2020-10-28_v3.4.1_signature_algorithm-v2_PushTemplate_full.http",
        "StrategyContent.fixedTime is not in the future",
    ),
];

#[test]
fn what_the_official_sdks_sent_is_understood() {
    let vendor = Vendor::start();
    for (name, refusal) in CAPTURES {
        let reply = vendor.send(&capture(name));
        let body = reply.json();
        assert_eq!(reply.status, 200, "{name}: {body}");
        assert_eq!(body["PushResult"]["ResultMsg"], refusal, "{name}: {body}");
        assert_eq!(reply.verdict(), if refusal.is_empty() { "accepted" } else { "3028" }, "{name}");
        assert!(reply.head.contains("content-type: application/json"), "{}", reply.head);
    }
    let pushes = vendor.sandbox.received().taken;
    assert_eq!(
        pushes.iter().map(|push| push.action.as_str()).collect::<Vec<_>>(),
        ["PushBroadcast", "PushMultiple", "PushTemplate", "PushTemplate"]
    );
    let batch = &pushes[1];
    let targets: Vec<&str> = batch.targets.iter().map(|target| target.target.as_str()).collect();
    let expected: Vec<String> = (1..=11).map(|number| format!("userid{number}")).collect();
    assert_eq!(targets, expected);
    assert_eq!(batch.targets[10].values["name"], "张三 11");
    assert_eq!(pushes[2].task_name, "Python 测试 task");
    assert_eq!(pushes[3].task_name, "Node 测试 *~'()!+");
    let mut counts = vendor.sandbox.target_counts().targets;
    counts.retain(|target, _| !targets.contains(&target.trim_start_matches("3:")));
    assert_eq!(json!(counts), json!({"3:user1024": 1, "3:userid1024": 1, "broadcast:android": 1}));
}

#[test]
fn one_byte_of_the_body_changed_is_another_request() {
    let vendor = Vendor::start();
    for (name, _) in CAPTURES {
        let text = String::from_utf8(capture(name)).unwrap();
        let changed = text.replace("AppId=ONEX570DA89211721", "AppId=ONEX570DA89211722");
        assert_ne!(text, changed);
        let reply = vendor.send(changed.as_bytes());
        assert_eq!(reply.verdict(), "400 SignatureDoesNotMatch", "{name}");
        let message = reply.json()["Message"].as_str().unwrap().to_owned();
        let echoed = if name.contains("V3") { "x-acs-content-sha256" } else { "string to sign is:POST&%2F&" };
        assert!(message.contains(echoed), "{name}: {message}");
        assert_eq!(reply.json()["HostId"], "127.0.0.1:18080");
        assert!(reply.json()["Recommend"].as_str().unwrap().contains("SignatureDoesNotMatch"));
    }
    assert_eq!(vendor.taken(), 0);
}

#[test]
fn a_method_that_the_gateway_does_not_have_is_no_call() {
    let vendor = Vendor::start();
    for method in ["PUT", "PATCH", "DELETE", "post"] {
        let reply = vendor.call_by(method, vendor.common("PushTemplate"), &good("PushTemplate"));
        assert_eq!(reply.verdict(), "404 InvalidApi.NotFound", "{method}: {}", reply.text);
    }
    assert_eq!(vendor.taken(), 0);
    let reply = vendor.call_by("GET", vendor.common("PushTemplate"), &good("PushTemplate"));
    assert_eq!(reply.verdict(), "accepted", "{}", reply.text);
}

#[test]
fn a_nonce_is_good_once_in_15_minutes() {
    let vendor = Vendor::start();
    let recorded = capture("node_pop-core_PushTemplate_POST.http");
    assert_eq!(vendor.send(&recorded).verdict(), "accepted");
    assert_eq!(vendor.send(&recorded).verdict(), "400 SignatureNonceUsed");
    let common = vendor.common("PushTemplate");
    let business = good("PushTemplate");
    assert_eq!(vendor.call_with(common.clone(), &business).verdict(), "accepted");
    vendor.set("2026-11-23T01:29:00Z");
    let mut signed_again = common;
    signed_again.insert("Timestamp".to_owned(), "2026-11-23T01:29:00Z".to_owned());
    assert_eq!(vendor.call_with(signed_again.clone(), &business).verdict(), "accepted");
    assert_eq!(vendor.call_with(signed_again, &business).verdict(), "400 SignatureNonceUsed");
    assert_eq!(vendor.taken(), 3);
}

#[test]
fn a_request_whose_signature_is_wrong_uses_no_nonce_up() {
    let vendor = Vendor::start();
    let mut common = vendor.common("PushTemplate");
    common.insert("Signature".to_owned(), "AAAA".to_owned());
    let as_query: Vec<(&str, &str)> = common.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let forged = post(&query(&as_query), "AppId=A");
    assert_eq!(vendor.send(&forged).verdict(), "400 SignatureDoesNotMatch");
    common.remove("Signature");
    assert_eq!(vendor.call_with(common, &good("PushTemplate")).verdict(), "accepted");
}

#[test]
fn what_the_gateway_refuses() {
    let vendor = Vendor::start();
    let rows: [(&str, Option<&str>, &str); 16] = [
        ("Timestamp", Some("2026-11-23T00:58:26Z"), "accepted"),
        ("Timestamp", Some("2026-11-23T00:58:25Z"), "400 InvalidTimeStamp.Expired"),
        ("Timestamp", Some("2026-11-23T01:28:27Z"), "400 InvalidTimeStamp.Expired"),
        ("Timestamp", Some("2026-11-23 01:13:26"), "400 InvalidTimeStamp.Format"),
        ("Timestamp", None, "400 MissingTimestamp"),
        ("AccessKeyId", Some("somebodyElse"), "400 InvalidAccessKeyId.NotFound"),
        ("AccessKeyId", None, "400 MissingAccessKeyId"),
        ("SignatureNonce", Some(""), "400 MissingSignatureNonce"),
        ("SignatureMethod", Some("HMAC-SHA256"), "400 InvalidSignatureMethod"),
        ("SignatureVersion", None, "400 MissingSignatureVersion"),
        ("Action", None, "400 MissingAction"),
        ("Action", Some("pushTemplate"), "404 InvalidApi.NotFound"),
        ("Version", None, "400 MissingVersion"),
        ("Version", Some("2021-01-01"), "404 InvalidApi.NotFound"),
        ("Format", Some("json"), "accepted"),
        ("RegionId", Some(""), "accepted"),
    ];
    for (name, value, verdict) in rows {
        let mut common = vendor.common("PushTemplate");
        match value {
            Some(value) => common.insert(name.to_owned(), value.to_owned()),
            None => common.remove(name),
        };
        let reply = vendor.call_with(common, &good("PushTemplate"));
        assert_eq!(reply.verdict(), verdict, "{name} {value:?}");
    }
    assert_eq!(
        vendor.send(&post("Action=PushTemplate&Version=2020-10-28&Format=JSON&AccessKeyId=a", "")).verdict(),
        "400 MissingSignature"
    );
}

#[test]
fn a_parameter_that_the_sdk_requires_is_mandatory() {
    let vendor = Vendor::start();
    let rows = [
        ("PushTemplate", "AppId WorkspaceId DeliveryType TargetMsgkey ExpiredSeconds TemplateName"),
        ("PushBroadcast", "AppId WorkspaceId DeliveryType Msgkey ExpiredSeconds TemplateName"),
        ("PushSimple", "AppId WorkspaceId DeliveryType TargetMsgkey ExpiredSeconds Title Content"),
        ("PushMultiple", "AppId WorkspaceId DeliveryType ExpiredSeconds TemplateName"),
    ];
    for (action, required) in rows {
        for name in required.split(' ') {
            let mut business = good(action);
            assert!(business.remove(name).is_some());
            let reply = vendor.call(action, &business);
            assert_eq!(reply.verdict(), format!("400 Missing{name}"), "{action}");
            assert_eq!(reply.json()["Message"], format!("{name} is mandatory for this action."));
        }
    }
    let mut nobody = good("PushMultiple");
    nobody.retain(|name, _| !name.starts_with("TargetMsg"));
    assert_eq!(vendor.call("PushMultiple", &nobody).verdict(), "400 MissingTargetMsg");
    assert_eq!(vendor.taken(), 0);
}

#[test]
fn version_3_is_followed_to_its_signed_headers_and_a_chunked_body() {
    let vendor = Vendor::start();
    let body = "AppId=A&WorkspaceId=w&TaskName=a+b&ExpiredSeconds=600&DeliveryType=3&TemplateName=T&TargetMsgkey=%7B%22u1%22%3A%22k1%22%7D";
    let (head, _) = v3(&vendor, body, &[]);
    let (first, second) = body.split_at(40);
    let chunked = format!(
        "{head}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{first}\r\n{:x}\r\n{second}\r\n0\r\n\r\n",
        first.len(),
        second.len()
    );
    let reply = vendor.send(chunked.as_bytes());
    assert_eq!(reply.verdict(), "accepted", "{}", reply.text);
    assert_eq!(vendor.sandbox.received().taken[0].task_name, "a b");

    let whole = |head: &str, body: &str| format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
    let (head, _) = v3(&vendor, body, &["content-type"]);
    assert_eq!(vendor.send(whole(&head, body).as_bytes()).verdict(), "accepted");
    let (head, _) = v3(&vendor, body, &["x-acs-action"]);
    assert_eq!(vendor.send(whole(&head, body).as_bytes()).verdict(), "400 IncompleteSignature");
    let (head, _) = v3(&vendor, body, &[]);
    let other = body.replace("u1", "u2");
    assert_eq!(vendor.send(whole(&head, &other).as_bytes()).verdict(), "400 SignatureDoesNotMatch");
    let stale = head.replace("x-acs-date: 2026-11-23T01:13:26Z", "x-acs-date: 2026-11-23T00:13:26Z");
    assert_eq!(vendor.send(whole(&stale, body).as_bytes()).verdict(), "400 InvalidTimeStamp.Expired");
    let cut = head.replace(",Signature=", ",Signatur=");
    assert_eq!(vendor.send(whole(&cut, body).as_bytes()).verdict(), "400 IncompleteSignature");
    assert_eq!(vendor.taken(), 2);
}

#[test]
fn without_a_format_the_gateway_answers_in_xml() {
    let vendor = Vendor::start();
    let mut common = vendor.common("PushTemplate");
    common.remove("Format");
    let reply = vendor.call_with(common.clone(), &good("PushTemplate"));
    assert!(reply.head.contains("content-type: text/xml"), "{}", reply.head);
    assert!(reply.text.contains("<PushResult><Success>true</Success>"), "{}", reply.text);
    let again = vendor.call_with(common, &good("PushTemplate"));
    assert!(again.text.contains("<Error>") && again.text.contains("<Code>SignatureNonceUsed</Code>"));
}

#[test]
fn a_body_that_is_not_utf_8_is_named_as_such() {
    let vendor = Vendor::start();
    // GBK for 中: the hash of version 3 covers the raw bytes, so only the service can see it.
    let body = "AppId=A&WorkspaceId=w&TaskName=%D6%D0&ExpiredSeconds=600&DeliveryType=3&TemplateName=T&TargetMsgkey=%7B%22u1%22%3A%22k1%22%7D";
    let (head, _) = v3(&vendor, body, &[]);
    let reply = vendor.send(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes());
    assert_eq!(reply.verdict(), "3031");
}

#[test]
fn two_requests_on_one_connection_are_two() {
    let vendor = Vendor::start();
    let mut stream = vendor.connect();
    for name in ["2019-08-21_aliyunsdkcore_PushTemplate.http", "node_pop-core_PushTemplate_POST.http"] {
        stream.write_all(&capture(name)).unwrap();
        assert_eq!(Reply::read(&mut stream).verdict(), "accepted");
    }
    assert_eq!(vendor.taken(), 2);
}

#[test]
fn a_duplicate_message_key_is_accepted_and_counted() {
    let vendor = Vendor::start();
    for _ in 0..2 {
        assert_eq!(vendor.call("PushTemplate", &good("PushTemplate")).verdict(), "accepted");
    }
    let mut other = good("PushTemplate");
    other.insert("TargetMsgkey".to_owned(), r#"{"u1":"k2","u2":"k3"}"#.to_owned());
    vendor.call("PushTemplate", &other);
    let targets = vendor.get("targets");
    assert_eq!(targets["targets"], json!({"3:u1": 3, "3:u2": 1}));
    assert_eq!(targets["pushed_twice"], json!({"k1": 2}));
    assert_eq!((&targets["calls"], &targets["pushes"]), (&json!(3), &json!(4)));
    assert_eq!(
        vendor.get("received")["taken"][2]["targets"][0],
        json!({"delivery_type": 3, "target": "u1", "message_key": "k2"})
    );
}

#[test]
fn the_log_of_requests_gives_each_verdict() {
    let vendor = Vendor::start();
    vendor.call("PushTemplate", &good("PushTemplate"));
    vendor.call("PushTemplate", &pairs(&[("AppId", "A")]));
    vendor.post("faults", r#"{"kind":"drop_before","times":0}"#);
    let log = vendor.get("requests");
    let verdicts: Vec<_> = log.as_array().unwrap().iter().map(|seen| &seen["verdict"]).collect();
    assert_eq!(verdicts, ["taken", "MissingWorkspaceId"]);
}

#[test]
fn a_restart_finds_everything_in_the_journal() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("made/received.jsonl");
    let vendor = Vendor::with_journal(Some(path.clone())).unwrap();
    let common = vendor.common("PushTemplate");
    vendor.call_with(common.clone(), &good("PushTemplate"));
    vendor.call("PushBroadcast", &good("PushBroadcast"));
    let before = vendor.get("received");
    drop(vendor);

    // A torn last line was never answered: it is cut off, and the next one stands on a line of its own.
    let whole = fs::read_to_string(&path).unwrap();
    assert_eq!(whole.lines().count(), 2);
    fs::write(&path, format!("{whole}{}", &whole[..30])).unwrap();
    let vendor = Vendor::with_journal(Some(path.clone())).unwrap();
    assert_eq!(vendor.get("received"), before);
    assert_eq!(vendor.call_with(common, &good("PushTemplate")).verdict(), "400 SignatureNonceUsed");
    vendor.call_with(
        {
            let mut common = vendor.common("PushTemplate");
            common.insert("SignatureNonce".to_owned(), "n".to_owned());
            common
        },
        &good("PushTemplate"),
    );
    assert_eq!(vendor.taken(), 3);
    assert_eq!(vendor.sandbox.target_counts().targets["3:u1"], 2);
    let lines = fs::read_to_string(&path).unwrap();
    assert_eq!(lines.lines().count(), 3);
    assert!(lines.starts_with(&whole));

    assert_eq!(vendor.post("reset", "").status, 204);
    assert_eq!((vendor.taken(), fs::read_to_string(&path).unwrap().as_str()), (0, ""));
    drop(vendor);

    fs::write(&path, format!("{{}}\n{whole}")).unwrap();
    let error = Vendor::with_journal(Some(path)).err().unwrap();
    assert!(matches!(error, SandboxError::JournalLine { line: 1, .. }), "{error}");
}

#[test]
fn a_lean_sandbox_remembers_a_hash_for_each_push_and_their_number() {
    let lean = || {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Vendor::set_up(address, |options| options.memory = Memory::Lean).unwrap()
    };
    let vendor = lean();
    for _ in 0..2 {
        let mut business = good("PushTemplate");
        business.insert("TargetMsgkey".to_owned(), targets(2));
        assert_eq!(vendor.call("PushTemplate", &business).verdict(), "accepted");
    }
    assert_eq!(vendor.call("PushMultiple", &good("PushMultiple")).verdict(), "accepted");
    assert_eq!(vendor.get("counts"), json!({ "calls": 3, "pushes": 5 }));
    let hash = |name: &str| Sha256::digest(name.as_bytes())[..16].to_vec();
    let (one, two) = (hash("3:u1"), hash("3:u2"));
    let mut stream = vendor.connect();
    stream.write_all(b"GET /__sandbox/hashes HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").unwrap();
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).unwrap();
    assert!(reply.ends_with(&[&one[..], &two, &one, &two, &one].concat()));
    // What needs more than that says so, instead of telling that nothing came.
    for path in ["received", "targets"] {
        assert_eq!(vendor.get(path)["error"], "the sandbox is lean: it has `counts` and `hashes` only");
    }
    assert_eq!(vendor.sandbox.received().taken, []);
    assert!(vendor.sandbox.requests().iter().all(|request| request.parameters.is_empty()));
    assert_eq!(vendor.post("reset", "").status, 204);
    assert_eq!(vendor.get("counts")["pushes"], 0);
    assert_eq!(vendor.call("PushTemplate", &good("PushTemplate")).verdict(), "accepted");
    assert_eq!(vendor.get("counts")["pushes"], 1);
}

#[test]
fn a_sandbox_that_is_not_lean_counts_and_has_no_hashes() {
    let vendor = Vendor::start();
    let mut business = good("PushTemplate");
    business.insert("TargetMsgkey".to_owned(), targets(3));
    assert_eq!(vendor.call("PushTemplate", &business).verdict(), "accepted");
    assert_eq!(vendor.get("counts"), json!({ "calls": 1, "pushes": 3 }));
    assert!(vendor.get("hashes")["error"].as_str().unwrap().starts_with("the sandbox is not lean"));
}

#[test]
fn only_this_machine_may_ask() {
    let error = Vendor::at("0.0.0.0:0".parse().unwrap(), None).err().unwrap();
    assert!(matches!(error, SandboxError::NotLoopback { .. }), "{error}");
    let vendor = Vendor::start();
    let taken = vendor.sandbox.url().socket_addrs(|| None).unwrap()[0];
    assert!(matches!(Vendor::at(taken, None), Err(SandboxError::Listen { .. })));
}

#[test]
fn a_stopped_sandbox_answers_nobody() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let options = campaignctl::sandbox::Options::new(std::sync::Arc::new(|| chrono::DateTime::UNIX_EPOCH));
    // An address of its own: the sandbox of another test, which runs meanwhile, may get a port that was let go.
    let address = SocketAddr::from(([127, 91, 7, 3], 0));
    let sandbox = runtime.block_on(campaignctl::sandbox::Sandbox::start(address, options)).unwrap();
    let address = sandbox.url().socket_addrs(|| None).unwrap()[0];
    assert!(std::net::TcpStream::connect(address).is_ok());
    runtime.block_on(sandbox.stop());
    assert!(std::net::TcpStream::connect(address).is_err());
}

#[test]
fn the_limits_of_targets_are_10_and_100() {
    let vendor = Vendor::start();
    let with = |action: &str, count: usize| {
        let mut business = good(action);
        if action == "PushMultiple" {
            for number in 1..=count {
                business.insert(format!("TargetMsg.{number}.Target"), format!("u{number}"));
                business.insert(format!("TargetMsg.{number}.MsgKey"), format!("k{number}"));
            }
        } else {
            business.insert("TargetMsgkey".to_owned(), targets(count));
        }
        vendor.call(action, &business).verdict()
    };
    assert_eq!(with("PushTemplate", 10), "accepted");
    assert_eq!(with("PushTemplate", 11), "3029");
    assert_eq!(with("PushSimple", 11), "3029");
    assert_eq!(with("PushMultiple", 100), "accepted");
    assert_eq!(with("PushMultiple", 101), "3029");
    let received = vendor.sandbox.received();
    assert_eq!(received.pushes, 110);
    let last = &received.taken[1].targets;
    assert_eq!((last[1].target.as_str(), last[99].target.as_str()), ("u2", "u100"));
    assert!(moment("2026-11-23T01:13:26Z") == received.taken[0].at.timestamp_millis());
}
