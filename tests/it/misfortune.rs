//! What goes wrong between us and the vendor, and with us: crashes, faults, garbage, impatience.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::Child;
use std::sync::Arc;
use std::time::{Duration, Instant};

use campaignctl::apply::Step;
use campaignctl::sandbox::{Fault, FaultKind, Options, Sandbox};
use chrono::{DateTime, Utc};
use tokio::runtime::Runtime;

use crate::site::{NOW, Ran, Site};

/// A sandbox in the test's own process, and the runtime that it lives on.
pub(crate) struct Vendor {
    pub(crate) sandbox: Sandbox,
    _runtime: Runtime,
}

impl Vendor {
    pub(crate) fn start() -> Self {
        Self::with_clock(Arc::new(|| NOW.parse().unwrap()))
    }

    pub(crate) fn with_clock(clock: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let sandbox = runtime.block_on(Sandbox::start(address, Options::new(clock))).unwrap();
        Self { sandbox, _runtime: runtime }
    }

    pub(crate) fn url(&self) -> String {
        self.sandbox.url().as_str().trim_end_matches('/').to_owned()
    }

    pub(crate) fn disturbed_twice(&self) -> BTreeMap<String, u64> {
        self.sandbox.target_counts().pushed_twice
    }

    pub(crate) fn calls(&self) -> u64 {
        self.sandbox.received().calls
    }

    /// Waits until so many calls were taken; a test that waits a minute has failed.
    pub(crate) fn wait_for_calls(&self, calls: u64) {
        let since = Instant::now();
        while self.calls() < calls {
            assert!(since.elapsed() < Duration::from_mins(1), "only {} calls came", self.calls());
            std::thread::yield_now();
        }
    }
}

/// The ledger's account of the one campaign `hello`: accepted, rejected, in doubt.
pub(crate) fn account(site: &Site) -> (u64, u64, u64) {
    account_of(&site.run(&["status", "--json"]).exits(0))
}

/// The same, of what `status --json` printed.
pub(crate) fn account_of(status: &Ran) -> (u64, u64, u64) {
    let status = status.json();
    let Some(campaign) = status["campaigns"].as_array().unwrap().first().cloned() else { return (0, 0, 0) };
    let number = |key: &str| campaign[key].as_u64().unwrap();
    (number("accepted"), number("rejected"), number("in_doubt"))
}

pub(crate) fn kill(child: &Child, signal: &str) {
    // The shell has `kill` built in; the program of that name is not on every machine.
    let line = format!("kill {signal} {}", child.id());
    let killed = std::process::Command::new("sh").args(["-c", &line]).status().unwrap();
    assert!(killed.success());
}

#[test]
fn a_crash_at_any_step_disturbs_nobody_twice_and_loses_nobody() {
    for step in Step::ALL {
        let vendor = Vendor::start();
        let site = Site::remote(&vendor.url(), 35, "");
        let crashed = site
            .command(&["apply", "--auto-approve"])
            .env("CAMPAIGNCTL_CRASH_AFTER", step.as_str())
            .output()
            .unwrap();
        assert_eq!(crashed.status.code(), None, "{step:?}: {}", String::from_utf8_lossy(&crashed.stderr));
        let again = site.apply();
        let (accepted, rejected, in_doubt) = account(&site);
        assert_eq!((accepted + in_doubt, rejected), (35, 0), "{step:?}");
        assert_eq!(again.code, Some(if in_doubt > 0 { 10 } else { 0 }), "{step:?}: {}", again.stderr);
        assert!(vendor.disturbed_twice().is_empty(), "{step:?}: {:?}", vendor.disturbed_twice());
        let taken = vendor.sandbox.received().pushes;
        assert!((accepted..=35).contains(&taken), "{step:?}: {taken} taken, {accepted} accepted");
        match step {
            Step::IntentDurable | Step::RequestBegins | Step::ReplyRead => assert!(in_doubt > 0, "{step:?}"),
            Step::RunStarted | Step::Submitted | Step::Appending | Step::RunDone => {
                assert_eq!(in_doubt, 0, "{step:?}");
            }
            // Other batches may have been in flight.
            Step::OutcomeDurable => assert!(in_doubt < 35, "{step:?}"),
        }
        site.run(&["ledger", "verify"]).exits(0);
    }
}

#[test]
fn being_killed_in_the_middle_disturbs_nobody_twice_and_loses_nobody() {
    let vendor = Vendor::start();
    // More than are ahead of their requests on the slowest disk, four times.
    let site = Site::remote(&vendor.url(), 6_000, "");
    for calls in [2, 6, 11, 17] {
        vendor.sandbox.inject(Fault::times(FaultKind::Delay { ms: 20 }, 100));
        let mut child = site.start_apply();
        vendor.wait_for_calls(calls);
        kill(&child, "-KILL");
        child.wait().unwrap();
        assert!(vendor.disturbed_twice().is_empty());
    }
    let again = site.apply();
    let (accepted, rejected, in_doubt) = account(&site);
    assert_eq!((accepted + in_doubt, rejected), (6_000, 0));
    assert_eq!(again.code, Some(if in_doubt > 0 { 10 } else { 0 }));
    assert!(vendor.disturbed_twice().is_empty());
    assert!(vendor.sandbox.received().pushes >= accepted);
}

#[test]
fn a_lost_answer_is_doubt_for_its_batch_and_for_nothing_else() {
    let faults = [
        (FaultKind::UnavailableBefore, false),
        (FaultKind::UnavailableAfter, true),
        (FaultKind::InternalErrorAfter, true),
        (FaultKind::DropBefore, false),
        (FaultKind::DropAfter, true),
        (FaultKind::GarbageAfter, true),
        (FaultKind::PartialBodyAfter, true),
        (FaultKind::NonceUsed, true),
        (FaultKind::SuccessFalse, false),
        (FaultKind::ResultCode { code: "9000".into() }, false),
        (FaultKind::ResultCode { code: "3999".into() }, false),
    ];
    for (kind, is_taken) in faults {
        let vendor = Vendor::start();
        let site = Site::remote(&vendor.url(), 25, "");
        vendor.sandbox.inject(Fault { kind: kind.clone(), times: 1, after: 1 });
        let report = site.apply();
        assert_eq!(report.code, Some(10), "{kind:?}: {}{}", report.stdout, report.stderr);
        let (accepted, rejected, in_doubt) = account(&site);
        assert_eq!((accepted + in_doubt, rejected), (25, 0), "{kind:?}");
        assert!(in_doubt == 5 || in_doubt == 10, "{kind:?}: {in_doubt} in doubt");
        let taken = vendor.sandbox.received().pushes;
        assert_eq!(taken, if is_taken { 25 } else { accepted }, "{kind:?}");
        // It stays in doubt, whatever is run, until a person says what became of it.
        let plan = site.run(&["plan", "--detailed-exitcode"]).exits(10);
        assert_eq!(plan.last_line(), "Plan: 0 to push (0 targets in 0 requests), 0 up to date, 1 in doubt.");
        site.apply().exits(10);
        assert_eq!(vendor.sandbox.received().pushes, taken, "{kind:?}");
        let doubts = site.run(&["doubt", "list", "--json"]).exits(0).json();
        let record = doubts[0]["intent"].to_string();
        let verdict = if is_taken { "sent" } else { "not-sent" };
        site.run(&["doubt", "mark", &record, verdict, "--reason", "seen in the console"]).exits(0);
        site.apply().exits(0);
        assert_eq!(account(&site), (25, 0, 0), "{kind:?}");
        assert_eq!(vendor.sandbox.received().pushes, 25, "{kind:?}");
        assert!(vendor.disturbed_twice().is_empty(), "{kind:?}");
    }
}

#[test]
fn an_answer_that_takes_too_long_is_doubt() {
    let vendor = Vendor::start();
    let site = Site::remote(&vendor.url(), 5, "    timeout: 1s\n");
    vendor.sandbox.inject(Fault::once(FaultKind::Delay { ms: 5000 }));
    site.apply().exits(10).says("5 in doubt").says("no reply within 1s");
    assert_eq!(vendor.sandbox.received().pushes, 5);
}

#[test]
fn a_verdict_needs_a_batch_in_doubt_and_a_reason() {
    let vendor = Vendor::start();
    let site = Site::remote(&vendor.url(), 5, "");
    site.run(&["doubt", "list"]).exits(0).says("Nothing is in doubt.");
    site.run(&["doubt", "mark", "3", "sent", "--reason", "x"]).exits(3).warns("`3` is no batch in doubt");
    vendor.sandbox.inject(Fault::once(FaultKind::DropAfter));
    site.apply().exits(10);
    let record = site.run(&["doubt", "list", "--json"]).json()[0]["intent"].to_string();
    site.run(&["doubt", "mark", &record, "sent", "--reason", " "]).exits(3);
    site.run(&["doubt", "mark", &record, "sent"]).exits(3);
    site.run(&["doubt", "mark", &record, "sent", "--reason", "x"]).exits(0);
    site.run(&["doubt", "mark", &record, "not-sent", "--reason", "y"]).exits(3);
}

#[test]
fn a_refusal_of_the_content_stops_its_campaign_only_and_can_be_tried_again() {
    let vendor = Vendor::start();
    let site = Site::remote(&vendor.url(), 5, "");
    // One at a time, so that the fault meets the first campaign.
    site.edit("campaigns/campaignctl.yaml", "concurrency: 4", "concurrency: 1");
    site.write(
        "campaigns/d.yaml",
        "campaigns:\n  a-first: { template: t, audience: a, strategy: s, expires_after: 1h }\n",
    );
    vendor.sandbox.inject(Fault::once(FaultKind::ResultCode { code: "3022".into() }));
    site.apply()
        .exits(11)
        .says("! a-first@1  5 rejected")
        .says("5 targets rejected: 3022: ")
        .says("+ hello@1  5 accepted");
    site.run(&["plan"]).exits(0).says("5 rejected before (`3022`").says("1 to push (5 targets in 1 request)");
    site.apply().exits(0);
    assert_eq!(vendor.sandbox.received().pushes, 10);
    assert!(vendor.disturbed_twice().is_empty());
}

#[test]
fn a_throttled_batch_waits_and_goes_out_once() {
    let vendor = Vendor::start();
    let site = Site::remote(&vendor.url(), 5, "");
    vendor.sandbox.inject(Fault::once(FaultKind::Throttle { retry_after_ms: Some(10) }));
    site.apply().exits(0).says("5 accepted");
    assert_eq!(vendor.calls(), 1);
    assert_eq!(account(&site), (5, 0, 0));
}

#[test]
fn a_refused_key_stops_everything_and_says_so() {
    let vendor = Vendor::start();
    let site = Site::remote(&vendor.url(), 500, "");
    let ran = Ran::of(
        &site.command(&["apply", "--auto-approve"]).env("MPAAS_SK_ENV", "not-the-secret").output().unwrap(),
    );
    let ran = ran.exits(4).says("Stopped early: the vendor refuses the access key: SignatureDoesNotMatch");
    assert!(!ran.stdout.contains("not-the-secret") && !ran.stderr.contains("not-the-secret"));
    assert!(ran.stdout.contains("0 accepted") && !ran.stdout.contains(", 0 not sent"), "{}", ran.stdout);
    assert_eq!(vendor.calls(), 0);
    site.apply().exits(0).says("500 accepted");
    assert!(vendor.disturbed_twice().is_empty());
}

#[test]
fn without_a_key_nothing_is_tried() {
    let vendor = Vendor::start();
    let site = Site::remote(&vendor.url(), 5, "");
    let without = |remove: &[&str]| {
        let mut command = site.command(&["apply", "--auto-approve"]);
        for name in remove {
            command.env_remove(name);
        }
        Ran::of(&command.output().unwrap())
    };
    without(&["MPAAS_AK_ENV", "MPAAS_SK_ENV"]).exits(4).warns("no access key in the environment");
    without(&["MPAAS_SK_ENV"]).exits(4).warns("`MPAAS_AK_ENV` is set, but `MPAAS_SK_ENV` is not");
    assert!(vendor.sandbox.requests().is_empty());
    let history = site.run(&["history", "--json"]).json();
    assert_eq!(history.as_array().unwrap().len(), 0, "a run that could not begin is none");
}

#[test]
fn a_server_that_is_not_the_vendor_leaves_doubt() {
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\ncontent-length: 6\r\nconnection: close\r\n\r\n<html>",
        "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n",
        "\u{1}\u{2}\u{3}",
    ] {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let site =
            Site::remote(&format!("http://{}", listener.local_addr().unwrap()), 5, "    timeout: 5s\n");
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = vec![0; 65536];
            let read = stream.read(&mut request).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            read
        });
        site.apply().exits(10).says("5 in doubt");
        assert!(server.join().unwrap() > 0);
    }
}

#[test]
fn an_interrupt_settles_what_is_in_flight_and_leaves_the_rest() {
    let vendor = Vendor::start();
    let site = Site::remote(&vendor.url(), 2000, "");
    vendor.sandbox.inject(Fault::times(FaultKind::Delay { ms: 100 }, 1000));
    let child = site.start_apply();
    vendor.wait_for_calls(3);
    kill(&child, "-INT");
    let ran = Ran::of(&child.wait_with_output().unwrap())
        .exits(130)
        .says("Stopped early: interrupted")
        .says("0 in doubt");
    assert!(!ran.stdout.contains(", 0 not sent"), "{}", ran.stdout);
    let (accepted, rejected, in_doubt) = account(&site);
    assert_eq!((accepted, in_doubt), (vendor.sandbox.received().pushes, 0));
    assert!(accepted < 2000);
    // As many batches as may be in flight were ready to leave, and are on record as not sent.
    assert!(rejected <= 40, "{rejected}");
}

#[test]
fn a_second_interrupt_leaves_what_is_in_flight_in_doubt() {
    for signals in [["-INT", "-INT"], ["-TERM", "-INT"]] {
        let vendor = Vendor::start();
        let site = Site::remote(&vendor.url(), 200, "    timeout: 60s\n");
        vendor.sandbox.inject(Fault::times(FaultKind::Delay { ms: 50_000 }, 1000));
        let mut child = site.start_apply();
        vendor.wait_for_calls(4);
        kill(&child, signals[0]);
        // The first one is answered before the second one comes.
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        assert!(said.any(|line| line.contains("waiting for requests in flight")));
        kill(&child, signals[1]);
        let ran = Ran::of(&child.wait_with_output().unwrap()).exits(10);
        let ran = ran.says("Stopped early: interrupted").says("40 in doubt, 160 not sent");
        assert!(ran.stdout.contains("the run was interrupted before a reply came"), "{}", ran.stdout);
        let (accepted, rejected, in_doubt) = account(&site);
        assert_eq!((accepted, in_doubt), (0, 40));
        assert!(rejected <= 40, "{rejected}");
        // Never more at a time than the project allows, however many were ready.
        assert_eq!(vendor.calls(), 4);
        let why = site.run(&["doubt", "list", "--json"]).json()[0]["why"].to_string();
        assert!(why.contains("interrupted"), "{why}");
    }
}

#[test]
fn no_secret_reaches_any_output_or_file() {
    let vendor = Vendor::start();
    let site = Site::remote(&vendor.url(), 5, "");
    let (id, secret) = ("AKIDvisible0000", "SECRETvisible0000");
    let run = |arguments: &[&str]| {
        let output =
            site.command(arguments).env("MPAAS_AK_ENV", id).env("MPAAS_SK_ENV", secret).output().unwrap();
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    };
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let mut texts = vec![
        run(&["plan", "--out", "plan.json"]),
        run(&["apply", "--auto-approve"]),
        run(&["ledger", "export"]),
    ];
    site.edit("campaigns/campaignctl.yaml", &vendor.url(), &format!("http://127.0.0.1:{port}"));
    texts.push(run(&["apply", "--auto-approve"]));
    texts.push(site.read("plan.json"));
    for text in texts {
        assert!(!text.contains(secret) && !text.contains(id), "{text}");
    }
    for entry in std::fs::read_dir(site.path("campaigns/.campaignctl/remote")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            assert!(
                !bytes.windows(secret.len()).any(|window| window == secret.as_bytes()),
                "{}",
                path.display()
            );
        }
    }
}

#[test]
fn an_intent_is_on_disk_before_its_request_leaves() {
    let vendor = Vendor::start();
    let site = Site::remote(&vendor.url(), 5, "");
    let calls = site.system_calls(&["apply", "--auto-approve"], "fdatasync,fsync,sendto,write,writev");
    let request = calls.iter().position(|call| call.contains("POST /?")).expect("a request left");
    let is_sync = |call: &&String| call.contains("fdatasync(") && call.contains("/db>");
    let syncs = calls[..request].iter().filter(is_sync).count();
    // The run, the content, then the intent: three durable steps before the first byte.
    assert!(syncs >= 3, "{syncs} syncs of the database before the request");
}
