//! The vendor's own Python SDKs against the sandbox, and against our client.
//!
//! `tests/sdk/drive.py` runs each scenario in three clients: the current SDK with either signature, and the
//! one of 2019. `scripts/sdk-venv` installs them. Client and sandbox are by the same hand; these are not.

mod equivalence;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use campaignctl::sandbox::{Fault, FaultKind, Options, Sandbox, SeenRequest, TargetCounts};
use chrono::{DateTime, Duration, SubsecRound, Utc};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::runtime::Runtime;

/// The clients of `drive.py`, in the order in which they run.
const CLIENTS: [&str; 3] = ["v3", "v1", "legacy"];

/// A running sandbox, and what drives it.
struct Stage {
    runtime: Runtime,
    sandbox: Sandbox,
}

#[expect(
    clippy::disallowed_methods,
    reason = "the SDKs sign with the machine's time and cannot be told another"
)]
fn now() -> DateTime<Utc> {
    Utc::now()
}

/// A time that can still be scheduled, to the second.
fn in_an_hour() -> DateTime<Utc> {
    now().trunc_subsecs(0) + Duration::hours(1)
}

impl Stage {
    fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let options = Options::new(Arc::new(now));
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let sandbox = runtime.block_on(Sandbox::start(address, options)).unwrap();
        Self { runtime, sandbox }
    }

    /// Runs a scenario, and returns what each client says of it.
    fn drive(&self, scenario: &str, at: DateTime<Utc>) -> Value {
        let output = Command::new(python())
            .arg(repository().join("tests/sdk/drive.py"))
            .args([self.sandbox.url().as_str(), scenario, "--at", &at.timestamp_millis().to_string()])
            // A proxy would keep the SDKs from a loopback address.
            .env("NO_PROXY", "127.0.0.1")
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "drive.py {scenario}: {stderr}");
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(told.as_object().unwrap().keys().eq(CLIENTS), "{told}");
        told
    }

    /// The latest requests: their calls, and what became of them.
    fn verdicts(&self) -> Vec<(String, String)> {
        let seen = self.sandbox.requests();
        seen.into_iter().map(|SeenRequest { action, verdict, .. }| (action, verdict)).collect()
    }

    fn stop(self) {
        self.runtime.block_on(self.sandbox.stop());
    }
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The interpreter that has the SDKs; ends the test where it is not there, or has others than are asked for.
fn python() -> PathBuf {
    let venv = repository().join("target/sdk-venv");
    let requirements = std::fs::read(repository().join("tests/sdk/requirements.txt")).unwrap();
    let installed = std::fs::read_to_string(venv.join("requirements.sha256")).unwrap_or_default();
    assert_eq!(
        installed.split_whitespace().next(),
        Some(hex::encode(Sha256::digest(requirements)).as_str()),
        "the vendor's SDKs are not installed as tests/sdk/requirements.txt says: run `scripts/sdk-venv`"
    );
    venv.join("bin/python")
}

fn assert_taken(told: &Value) {
    assert_eq!(told["result_code"], "OK", "{told}");
    assert_eq!(told["success"], true, "{told}");
    assert_eq!(told["request_id"].as_str().map(str::len), Some(36), "{told}");
}

fn counts<const N: usize>(targets: [(&str, u64); N], pushed_twice: &[(&str, u64)]) -> TargetCounts {
    let owned = |(name, times): &(&str, u64)| ((*name).to_owned(), *times);
    TargetCounts {
        targets: targets.iter().map(owned).collect(),
        pushed_twice: pushed_twice.iter().map(owned).collect(),
    }
}

#[test]
fn a_push_to_targets_is_taken_from_every_official_client() {
    let stage = Stage::new();
    let at = in_an_hour();
    let told = stage.drive("push-template", at);
    let received = stage.sandbox.received();
    assert_eq!((received.calls, received.pushes), (3, 6));
    for (client, push) in CLIENTS.iter().zip(&received.taken) {
        assert_taken(&told[client]);
        assert_eq!(told[client]["data"], push.task_id, "{client}");
        assert_eq!(told[client]["request_id"], push.request_id, "{client}");
        assert_eq!((push.action.as_str(), push.task_name.as_str()), ("PushTemplate", "十二月 payday"));
        assert_eq!(push.triggers, [at], "{client}");
        let targets: Vec<_> = push
            .targets
            .iter()
            .map(|target| (target.delivery_type, target.target.as_str(), target.message_key.as_str()))
            .collect();
        assert_eq!(targets, [(3, "user1024", "m1"), (3, "用户 2", "m2")], "{client}");
    }
    // The same campaign from three clients: nothing at the vendor keeps a message key from coming again.
    let expected = counts([("3:user1024", 3), ("3:用户 2", 3)], &[("m1", 3), ("m2", 3)]);
    assert_eq!(stage.sandbox.target_counts(), expected);
    stage.stop();
}

#[test]
fn a_push_to_many_targets_is_taken_from_every_official_client() {
    let stage = Stage::new();
    let at = in_an_hour();
    let told = stage.drive("push-multiple", at);
    let received = stage.sandbox.received();
    assert_eq!((received.calls, received.pushes), (3, 6));
    for (client, push) in CLIENTS.iter().zip(&received.taken) {
        assert_taken(&told[client]);
        assert_eq!(told[client]["data"], push.task_id, "{client}");
        assert_eq!((push.action.as_str(), push.task_name.as_str()), ("PushMultiple", "十二月 payday"));
        assert_eq!(push.triggers, [at], "{client}");
        let targets: Vec<_> = push
            .targets
            .iter()
            .map(|target| {
                (target.target.as_str(), target.message_key.as_str(), target.values["name"].as_str())
            })
            .collect();
        assert_eq!(targets, [("user1024", "m1", "张三 & *~+ 😀"), ("用户 2", "m2", "Li")], "{client}");
    }
    stage.stop();
}

#[test]
fn every_official_client_finds_a_batch_task_by_its_name() {
    let stage = Stage::new();
    let told = stage.drive("named", in_an_hour());
    for client in CLIENTS {
        assert_taken(&told[client]["pushed"]);
        let expected = json!([{
            "TaskId": told[client]["pushed"]["data"],
            "TaskName": format!("task {client}"),
            "TemplateName": "T",
            "Type": 2,
        }]);
        assert_eq!(told[client]["listed"], expected, "{client}");
    }
    stage.stop();
}

#[test]
fn a_broadcast_is_taken_from_every_official_client() {
    let stage = Stage::new();
    let at = in_an_hour();
    let told = stage.drive("push-broadcast", at);
    let received = stage.sandbox.received();
    assert_eq!((received.calls, received.pushes), (3, 3));
    for (client, push) in CLIENTS.iter().zip(&received.taken) {
        assert_taken(&told[client]);
        assert_eq!(told[client]["data"], push.task_id, "{client}");
        assert_eq!((push.action.as_str(), push.template_name.as_str()), ("PushBroadcast", "发薪 v1"));
        assert_eq!(push.triggers, [at], "{client}");
    }
    assert_eq!(stage.sandbox.target_counts(), counts([("broadcast:android", 3)], &[("m1", 3)]));
    stage.stop();
}

#[test]
fn every_official_client_lists_and_cancels_what_it_scheduled() {
    let stage = Stage::new();
    let at = in_an_hour();
    let told = stage.drive("schedule", at);
    for client in CLIENTS {
        assert_taken(&told[client]["pushed"]);
        let expected = json!([{
            "ParentId": told[client]["pushed"]["data"],
            "PushTime": at.timestamp_millis(),
            "Type": 1,
            "DeliveryType": 3,
            "StrategyType": 1,
            "ExecutedStatus": "0",
        }]);
        assert_eq!(told[client]["listed"], expected, "{client}");
        assert_eq!(told[client]["cancelled"], "OK", "{client}");
        assert_eq!(told[client]["listed_after"], json!([]), "{client}");
    }
    let each = ["PushTemplate", "QueryPushSchedulerList", "CancelPushScheduler", "QueryPushSchedulerList"];
    let verdicts = stage.verdicts();
    assert!(verdicts.iter().map(|(action, _)| action.as_str()).eq([each; 3].concat()), "{verdicts:?}");
    assert!(verdicts.iter().all(|(_, verdict)| verdict == "taken"), "{verdicts:?}");
    stage.stop();
}

#[test]
fn a_bad_signature_is_refused_and_every_official_client_says_so() {
    let stage = Stage::new();
    let told = stage.drive("bad-signature", in_an_hour());
    // The older SDK compares the text that the server says it signed with its own, and blames the secret only
    // where they are the same: so the sandbox signs the very text that the SDK does.
    let expected = [
        ("ClientException", "SignatureDoesNotMatch"),
        ("ClientException", "SignatureDoesNotMatch"),
        ("ServerException", "InvalidAccessKeySecret"),
    ];
    for (client, (class, code)) in CLIENTS.iter().zip(expected) {
        let error = &told[client]["error"];
        assert_eq!(error["class"], class, "{error}");
        assert_eq!(error["code"], code, "{error}");
        assert_eq!(error["status"], 400, "{error}");
    }
    assert_eq!(stage.sandbox.received().calls, 0);
    assert_eq!(stage.sandbox.target_counts(), TargetCounts::default());
    assert_eq!(stage.verdicts(), vec![(String::new(), "SignatureDoesNotMatch".to_owned()); 3]);
    stage.stop();
}

#[test]
fn a_throttle_takes_nothing_and_every_official_client_says_how_long_to_wait() {
    let stage = Stage::new();
    let throttle = FaultKind::Throttle { retry_after_ms: Some(1500) };
    stage.sandbox.inject(Fault::times(throttle, 3));
    let told = stage.drive("push-small", in_an_hour());
    for (client, class) in
        CLIENTS.iter().zip(["ThrottlingException", "ThrottlingException", "ServerException"])
    {
        let error = &told[client]["error"];
        assert_eq!(error["class"], class, "{error}");
        assert_eq!(error["code"], "Throttling.User", "{error}");
        assert_eq!(error["status"], 400, "{error}");
        // The older SDK does not read the header.
        let retry_after = if *client == "legacy" { Value::Null } else { json!(1500) };
        assert_eq!(error["retry_after_ms"], retry_after, "{error}");
    }
    assert_eq!(stage.sandbox.received().calls, 0);

    let told = stage.drive("push-small", in_an_hour());
    for client in CLIENTS {
        assert_taken(&told[client]);
    }
    let expected = counts([("3:user legacy", 1), ("3:user v1", 1), ("3:user v3", 1)], &[("m", 3)]);
    assert_eq!(stage.sandbox.target_counts(), expected);
    // One request for each call: no SDK tries again by itself.
    let verdicts: Vec<String> = stage.verdicts().into_iter().map(|(_, verdict)| verdict).collect();
    assert_eq!(verdicts, ["throttle", "throttle", "throttle", "taken", "taken", "taken"]);
    stage.stop();
}
