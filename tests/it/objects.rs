//! Hosts with nothing in common but a bucket: the real binary, in a clone of its own on each, on S3 and on OSS.
//!
//! The bucket is `bucket`'s, which misbehaves on request; the vendor is a sandbox, which counts.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use axum::http::Method;
use campaignctl::apply::Step;
use campaignctl::sandbox::{Fault, FaultKind};
use chrono::{DateTime, TimeDelta, Utc};

use crate::bucket::{Bucket, Effect, Manners, READER, error};
use crate::misfortune::{Vendor, account_of, kill};
use crate::site::{NOW, Ran, Site, campaign};

/// Everything that is waited for by the clock follows from it.
const LEASE: &str = "2s";
/// Nothing that is waited for takes so long.
const PATIENCE: Duration = Duration::from_mins(2);
const TARGETS: usize = 35;
const SCHEMES: [&str; 2] = ["s3", "oss"];

/// A vendor, a bucket, and what all clones have.
pub(crate) struct Team {
    pub(crate) vendor: Vendor,
    minutes: Arc<AtomicI64>,
    project: String,
    lock: String,
    keys: (String, String),
}

/// A clone on a host.
pub(crate) struct Host<'team> {
    team: &'team Team,
    pub(crate) site: Site,
    name: &'static str,
}

impl Team {
    /// Makes a ledger, from a clone that is gone again.
    pub(crate) fn at(ledger: &str, (id, secret): (&str, &str)) -> Self {
        let minutes = Arc::new(AtomicI64::new(0));
        let passed = Arc::clone(&minutes);
        let start: DateTime<Utc> = NOW.parse().unwrap();
        let vendor =
            Vendor::with_clock(Arc::new(move || start + TimeDelta::minutes(passed.load(Ordering::SeqCst))));
        let project = format!(
            "version: 1\nproject: p\ndefault_environment: remote\nenvironments:\n  remote:\n    app_id: A\n    \
             workspace_id: w\n    endpoint: {}\n    ledger: {ledger}\n    concurrency: 4\n    requests_per_second: 1000\n",
            vendor.url()
        );
        let keys = (id.to_owned(), secret.to_owned());
        let mut team = Self { vendor, minutes, project, lock: String::new(), keys };
        let first = team.clone_on("first");
        first.run(&["ledger", "init"]).exits(0);
        let lock = first.site.read("campaigns/campaignctl.lock");
        drop(first);
        team.lock = lock;
        team
    }

    fn new(bucket: &Bucket, scheme: &str) -> Self {
        Self::at(&bucket.ledger(scheme), ("writer", "secret-of-a-bucket"))
    }

    pub(crate) fn clone_on(&self, name: &'static str) -> Host<'_> {
        let site = Site::with(&self.project, &campaign("hello", TARGETS));
        if !self.lock.is_empty() {
            site.write("campaigns/campaignctl.lock", &self.lock);
        }
        Host { team: self, site, name }
    }

    /// Nobody was sent to twice, and everybody was or may have been. Settles what is in doubt as a person does, and sends the
    /// rest: then everything has been sent once.
    pub(crate) fn settle(&self, host: &Host<'_>, what: &str) {
        assert!(self.vendor.disturbed_twice().is_empty(), "{what}: {:?}", self.vendor.disturbed_twice());
        let account = |host: &Host<'_>| account_of(&host.run(&["status", "--json"]).exits(0));
        let (accepted, rejected, in_doubt) = account(host);
        assert_eq!((accepted + in_doubt, rejected), (TARGETS as u64, 0), "{what}");
        host.run(&["ledger", "verify"]).exits(0);
        self.minutes.store(33, Ordering::SeqCst);
        let doubts = host.run(&["doubt", "list", "--json"]).exits(0).json();
        for doubt in doubts.as_array().unwrap() {
            let name = doubt["task_name"].as_str().unwrap();
            let is_taken = self.vendor.sandbox.received().taken.iter().any(|push| push.task_name == name);
            let verdict = if is_taken { "sent" } else { "not-sent" };
            host.run(&["doubt", "mark", name, verdict, "--reason", "seen in the sandbox"]).exits(0);
        }
        host.run(&["apply", "--auto-approve"]).exits(0);
        assert_eq!(account(host), (TARGETS as u64, 0, 0), "{what}");
        assert_eq!(self.vendor.sandbox.received().pushes, TARGETS as u64, "{what}");
        assert!(self.vendor.disturbed_twice().is_empty(), "{what}: {:?}", self.vendor.disturbed_twice());
    }
}

impl Host<'_> {
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.site.command(arguments);
        let start: DateTime<Utc> = NOW.parse().unwrap();
        let now = start + TimeDelta::minutes(self.team.minutes.load(Ordering::SeqCst));
        let (id, secret) = &self.team.keys;
        command
            .env("CAMPAIGNCTL_HOST", self.name)
            .env("CAMPAIGNCTL_LEASE", LEASE)
            .env("CAMPAIGNCTL_NOW", now.to_rfc3339())
            .env("HOME", self.site.path("home"))
            .env("AWS_ACCESS_KEY_ID", id)
            .env("AWS_SECRET_ACCESS_KEY", secret)
            .env("ALIBABA_CLOUD_ACCESS_KEY_ID", id)
            .env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", secret)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        let ran = Ran::of(&self.command(arguments).output().unwrap());
        for said in [&ran.stdout, &ran.stderr] {
            assert!(!said.contains(&self.team.keys.1), "a secret was printed: {said}");
        }
        ran
    }

    fn stopped_after(&self, step: Step) -> Child {
        let mut command = self.command(&["apply", "--auto-approve"]);
        let child = command.env("CAMPAIGNCTL_STOP_AFTER", step.as_str()).spawn().unwrap();
        wait_until(&format!("{step:?} was not reached"), || state(&child) == 'T');
        child
    }
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let since = Instant::now();
    while !is_so() {
        assert!(since.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn state(child: &Child) -> char {
    let text = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
    text.rsplit_once(") ").unwrap().1.chars().next().unwrap()
}

fn go_on(mut child: Child) -> Ran {
    kill(&child, "-CONT");
    wait_until("it did not end", || child.try_wait().unwrap().is_some());
    Ran::of(&child.wait_with_output().unwrap())
}

#[test]
fn every_command_works_on_a_ledger_in_a_bucket_from_any_clone() {
    for scheme in SCHEMES {
        let bucket = Bucket::new();
        let team = Team::new(&bucket, scheme);
        let (a, b) = (team.clone_on("a"), team.clone_on("b"));
        a.run(&["plan"]).exits(0).says("35 targets in 4 requests");
        a.run(&["apply", "--auto-approve"]).exits(0).says("35 accepted");
        b.run(&["plan"]).exits(0).says("No changes");
        b.run(&["apply", "--auto-approve"]).exits(0);
        assert_eq!(account_of(&b.run(&["status", "--json"]).exits(0)), (35, 0, 0));
        assert_eq!(b.run(&["history", "--json"]).exits(0).json()[0]["accepted"], 35);
        b.run(&["ledger", "verify"]).exits(0).says("35 accepted, 0 rejected, 0 in doubt");
        assert_eq!(b.run(&["ledger", "unlock"]).stdout, "The ledger is not locked.\n");
        let export = b.run(&["ledger", "export"]).exits(0).stdout;
        b.run(&["ledger", "init"]).exits(0).says("pinned already: nothing was changed");
        a.run(&["ledger", "pack"]).exits(0).says("into ");
        b.run(&["ledger", "verify"]).exits(0).says("35 accepted, 0 rejected, 0 in doubt");
        b.run(&["plan"]).exits(0).says("No changes");
        let packed = b.run(&["ledger", "export"]).exits(0).stdout;
        assert_ne!(export, packed);
        // Lost, it comes back from an export, and from an older one it does not.
        for key in bucket.objects().into_keys() {
            bucket.remove(&key);
        }
        for command in
            [&["plan"][..], &["apply", "--auto-approve"], &["ledger", "verify"], &["ledger", "unlock"]]
        {
            let ran = b.run(command).exits(12).warns("there is no ledger in").warns(&format!("{scheme}://"));
            let ran =
                ran.warns("`campaignctl.lock` pins ledger ").warns("See that `ledger:` names the place");
            assert!(!ran.stderr.contains("ledger init"), "{}", ran.stderr);
        }
        a.site.write("packed.jsonl", &packed);
        a.run(&["ledger", "restore", "packed.jsonl"]).exits(0).says("Restored ledger");
        b.run(&["plan"]).exits(0).says("No changes");
        assert_eq!(b.run(&["ledger", "export"]).exits(0).stdout, packed);
        assert_eq!(team.vendor.sandbox.received().pushes, 35);
    }
}

#[test]
fn a_bucket_that_lost_the_end_of_its_log_is_damaged_to_who_never_saw_it_before_and_takes_no_older_export() {
    for scheme in SCHEMES {
        let bucket = Bucket::new();
        let team = Team::new(&bucket, scheme);
        let a = team.clone_on("a");
        let early = a.run(&["ledger", "export"]).exits(0).stdout;
        a.run(&["apply", "--auto-approve"]).exits(0).says("35 accepted");
        a.run(&["ledger", "pack"]).exits(0);
        let whole = a.run(&["ledger", "export"]).exits(0).stdout;
        let calls = team.vendor.calls();
        let objects = bucket.objects();
        // The header's objects stay, or nothing of the log does.
        for (first_lost, words) in [(3_u64, "its log ends at object 2"), (1, "its log is gone")] {
            for (key, body) in &objects {
                bucket.set(key, body);
            }
            for key in bucket.objects().into_keys() {
                let slot = key.strip_prefix("push/prod/log/").map(|slot| slot.parse::<u64>().unwrap());
                if slot.is_some_and(|slot| slot >= first_lost) {
                    bucket.remove(&key);
                }
            }
            let fresh = team.clone_on("fresh");
            for command in [
                &["plan"][..],
                &["apply", "--auto-approve"],
                &["status"],
                &["history"],
                &["ledger", "verify"],
                &["ledger", "export"],
                &["ledger", "init"],
                &["ledger", "unlock"],
            ] {
                fresh
                    .run(command)
                    .exits(12)
                    .warns("is damaged: its log")
                    .warns(words)
                    .warns("ledger restore");
            }
            assert_eq!(team.vendor.calls(), calls);
            fresh.site.write("early.jsonl", &early);
            for _ in 0..2 {
                let refused = fresh.run(&["ledger", "restore", "early.jsonl"]).exits(12);
                refused.warns("it ends at record 1, and record ").warns("would be sent again");
            }
            fresh.site.write("whole.jsonl", &whole);
            fresh.run(&["ledger", "restore", "whole.jsonl"]).exits(0).says("Restored ledger");
            let next = team.clone_on("next");
            next.run(&["plan"]).exits(0).says("No changes");
            next.run(&["ledger", "verify"]).exits(0).says("35 accepted, 0 rejected, 0 in doubt");
            for key in bucket.objects().into_keys() {
                bucket.remove(&key);
            }
        }
        assert_eq!(team.vendor.calls(), calls);
    }
}

#[test]
fn a_run_that_is_killed_is_finished_by_another_host_without_a_person() {
    std::thread::scope(|scope| {
        for (scheme, calls) in [("s3", 1), ("oss", 2), ("s3", 3)] {
            scope.spawn(move || {
                let (bucket, what) = (Bucket::new(), format!("{scheme}, killed after {calls} calls"));
                let team = Team::new(&bucket, scheme);
                let (a, b) = (team.clone_on("a"), team.clone_on("b"));
                team.vendor.sandbox.inject(Fault::times(FaultKind::Delay { ms: 50 }, 100));
                let mut child = a.command(&["apply", "--auto-approve"]).spawn().unwrap();
                team.vendor.wait_for_calls(calls);
                kill(&child, "-KILL");
                child.wait().unwrap();
                drop(a);
                b.run(&["--no-wait", "apply", "--auto-approve"])
                    .exits(8)
                    .warns("which gives no sign of life");
                let next = b.run(&["apply", "--auto-approve"]);
                assert!(matches!(next.code, Some(0 | 10)), "{what}: {}{}", next.stdout, next.stderr);
                next.warns("to take it over: the ledger in").warns("Took the ledger over from");
                team.settle(&b, &what);
            });
        }
    });
}

#[test]
fn a_run_that_stands_still_longer_than_its_lease_sends_nothing_more_and_says_that_it_lost_the_ledger() {
    std::thread::scope(|scope| {
        for (number, step) in Step::ALL.into_iter().enumerate() {
            let scheme = SCHEMES[number % 2];
            scope.spawn(move || {
                let (bucket, what) = (Bucket::new(), format!("{scheme}, {step:?}"));
                let team = Team::new(&bucket, scheme);
                let (a, b) = (team.clone_on("a"), team.clone_on("b"));
                let stopped = a.stopped_after(step);
                let next = b.run(&["apply", "--auto-approve"]);
                assert!(matches!(next.code, Some(0 | 10)), "{what}: {}{}", next.stdout, next.stderr);
                let late = go_on(stopped);
                assert_eq!(late.code, Some(8), "{what}: {}{}", late.stdout, late.stderr);
                late.says("Stopped early: this run lost the ledger in").says("taken over by `campaignctl");
                team.settle(&b, &what);
            });
        }
    });
}

#[test]
fn a_store_whose_answers_are_lost_in_the_middle_of_a_run_costs_nothing_and_repeats_nothing() {
    std::thread::scope(|scope| {
        for scheme in SCHEMES {
            scope.spawn(move || {
                let bucket = Bucket::new();
                let team = Team::new(&bucket, scheme);
                let a = team.clone_on("a");
                // The first is the opening, the second the run's beginning.
                for after in [0, 1, 3, 5, 6] {
                    let effect = if after % 2 == 0 { Effect::ReplyLost } else { Effect::LandsLate };
                    bucket.inject_after(after, (Method::PUT, "/log/", effect));
                }
                a.run(&["apply", "--auto-approve"]).exits(0).says("35 accepted");
                assert!(bucket.land().iter().all(|is_done| !is_done));
                team.settle(&a, scheme);
            });
        }
    });
}

#[test]
fn a_store_that_is_lost_in_the_middle_of_a_run_stops_it_and_the_next_one_goes_on() {
    let bucket = Bucket::new();
    let team = Team::new(&bucket, "s3");
    let (a, b) = (team.clone_on("a"), team.clone_on("b"));
    team.vendor.sandbox.inject(Fault::times(FaultKind::Delay { ms: 100 }, 1000));
    let mut child = a.command(&["apply", "--auto-approve"]).spawn().unwrap();
    team.vendor.wait_for_calls(1);
    bucket.always(Method::PUT, "", Effect::Answers(403, error("ExpiredToken", "")));
    wait_until("it did not end", || child.try_wait().unwrap().is_some());
    let ran = Ran::of(&child.wait_with_output().unwrap());
    assert!(!matches!(ran.code, Some(0)), "{}{}", ran.stdout, ran.stderr);
    assert!(
        format!("{}{}", ran.stdout, ran.stderr).contains("the temporary keys have expired"),
        "{}",
        ran.stderr
    );
    bucket.heal();
    let next = b.run(&["apply", "--auto-approve"]);
    assert!(matches!(next.code, Some(0 | 10)), "{}{}", next.stdout, next.stderr);
    team.settle(&b, "the keys expired");
}

#[test]
fn nothing_is_sent_where_the_store_is_not_what_it_should_be() {
    type Spoil = fn(&Bucket);
    let cases: [(&str, Spoil, i32, &[&str]); 6] = [
        (
            "oss",
            |bucket| bucket.has_versioning("Enabled"),
            12,
            &["does not keep two writers apart: versioning", "Use a bucket that never had versioning"],
        ),
        ("s3", |bucket| bucket.behaves(Manners::Overwrites), 12, &["does not keep two writers apart"]),
        ("s3", |bucket| bucket.is_in("eu-west-1"), 12, &["another region", "`region=eu-west-1`"]),
        (
            "oss",
            |bucket| bucket.always(Method::GET, "", Effect::Answers(403, error("RequestTimeTooSkewed", ""))),
            12,
            &["clock and the store's differ", "Set this machine's clock"],
        ),
        (
            "s3",
            |bucket| bucket.always(Method::PUT, "", Effect::Answers(403, error("AccessDenied", ""))),
            12,
            &["may not write objects", "`s3:PutObject`"],
        ),
        (
            "s3",
            |bucket| bucket.always(Method::GET, "", Effect::Answers(200, "<html>a portal</html>".into())),
            12,
            &["does not answer as an object store does"],
        ),
    ];
    for (scheme, spoil, code, words) in cases {
        let bucket = Bucket::new();
        let team = Team::new(&bucket, scheme);
        spoil(&bucket);
        let host = team.clone_on("a");
        let mut ran = host.run(&["apply", "--auto-approve"]).exits(code).warns("nothing was sent");
        for words in words {
            ran = ran.warns(words);
        }
        assert_eq!(team.vendor.calls(), 0);
    }
    let (bucket, mut team) = (Bucket::new(), None);
    let team = team.insert(Team::new(&bucket, "s3"));
    team.keys = (READER.to_owned(), "secret-of-a-reader".to_owned());
    let reader = team.clone_on("laptop");
    reader.run(&["plan"]).exits(0).says("35 targets");
    reader.run(&["status"]).exits(0);
    reader.run(&["ledger", "verify"]).exits(0);
    reader.run(&["apply", "--auto-approve"]).exits(12).warns("may not write objects");
    assert_eq!(team.vendor.calls(), 0);
}
