//! A run that stands still while another host takes its ledger: with the real binary, stopped at every named step, on a
//! file system that carries locks, on one that does not, and in a store. Then it goes on, and the vendor is asked who got what.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use campaignctl::apply::Step;
use campaignctl::sandbox::{Fault, FaultKind};
use chrono::{DateTime, TimeDelta, Utc};

use crate::misfortune::{Vendor, account, kill};
use crate::shared_ledger::Servers;
use crate::site::{NOW, Ran, Site};

/// Everything that is waited for by the clock follows from it.
const LEASE: &str = "2s";
/// Nothing that is waited for takes so long.
const PATIENCE: Duration = Duration::from_mins(2);

/// The two calls that take targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Template,
    Multiple,
}

impl Call {
    /// Four requests by either, of ten targets or of a hundred.
    fn targets(self) -> usize {
        match self {
            Self::Template => 35,
            Self::Multiple => 350,
        }
    }

    fn action(self) -> &'static str {
        match self {
            Self::Template => "PushTemplate",
            Self::Multiple => "PushMultiple",
        }
    }
}

/// Where the ledger is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Store {
    /// In a directory, whose locks reach from one host to the other.
    Directory,
    /// In one whose locks do not.
    WithoutLocks,
    /// In the server that `scripts/postgres run` started.
    Postgres,
}

impl Store {
    fn is_there(self) -> bool {
        self != Self::Postgres || Servers::running().is_some()
    }
}

/// A library that stands before the system's `flock` and locks nothing, as some network file systems do. It leaves a file
/// behind, so that a test can tell that it was asked.
fn without_locks() -> &'static Path {
    static LIBRARY: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let made = LIBRARY.get_or_init(|| {
        let directory = tempfile::tempdir().unwrap();
        let (source, library) = (directory.path().join("flock.c"), directory.path().join("flock.so"));
        let text = "#include <fcntl.h>\n#include <stdlib.h>\n#include <unistd.h>\nint flock(int file, int operation) {\n\
                    \x20 const char *mark = getenv(\"FLOCK_MARK\");\n  (void)file; (void)operation;\n\
                    \x20 if (mark) close(open(mark, O_CREAT | O_WRONLY, 0600));\n  return 0;\n}\n";
        std::fs::write(&source, text).unwrap();
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source);
        assert!(compiler.status().expect("cc is installed: `scripts/test` does that").success());
        (directory, library)
    });
    &made.1
}

/// A vendor whose clock can be set, with a workspace that sends to it from several hosts.
struct Shared {
    vendor: Vendor,
    site: Site,
    minutes: Arc<AtomicI64>,
    store: Store,
    call: Call,
}

impl Shared {
    fn new(store: Store) -> Self {
        Self::by(Call::Template, store)
    }

    fn by(call: Call, store: Store) -> Self {
        let minutes = Arc::new(AtomicI64::new(0));
        let passed = Arc::clone(&minutes);
        let start: DateTime<Utc> = NOW.parse().unwrap();
        let clock = move || start + TimeDelta::minutes(passed.load(Ordering::SeqCst));
        let vendor = Vendor::with_clock(Arc::new(clock));
        let ledger = match store {
            Store::Directory | Store::WithoutLocks => String::new(),
            Store::Postgres => format!("    ledger: {}\n", Servers::running().unwrap().address()),
        };
        let site = Site::remote(&vendor.url(), call.targets(), &ledger);
        if call == Call::Multiple {
            // What more than ten targets go by, unless the files say otherwise.
            site.edit("campaigns/c.yaml", "call: template, ", "");
        }
        Self { vendor, site, minutes, store, call }
    }

    /// A command on a host.
    fn on(&self, host: &str, arguments: &[&str]) -> Command {
        let mut command = self.site.command(arguments);
        let start: DateTime<Utc> = NOW.parse().unwrap();
        let now = start + TimeDelta::minutes(self.minutes.load(Ordering::SeqCst));
        command
            .env("CAMPAIGNCTL_HOST", host)
            .env("CAMPAIGNCTL_LEASE", LEASE)
            .env("CAMPAIGNCTL_NOW", now.to_rfc3339())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if self.store == Store::WithoutLocks {
            command.env("LD_PRELOAD", without_locks()).env("FLOCK_MARK", self.site.path("flock-was-asked"));
        }
        command
    }

    fn run_on(&self, host: &str, arguments: &[&str]) -> Ran {
        Ran::of(&self.on(host, arguments).output().unwrap())
    }

    /// Starts an `apply` on a host that stands still after a step, and waits until it does.
    fn stopped_after(&self, host: &str, step: Step) -> Child {
        let mut command = self.on(host, &["apply", "--auto-approve"]);
        let child = command.env("CAMPAIGNCTL_STOP_AFTER", step.as_str()).spawn().unwrap();
        wait_until(&format!("{step:?} was not reached"), || state(&child) == 'T');
        child
    }

    /// Nobody was sent to twice, and everybody was or may have been. Settles what is in doubt, as a person does who looks
    /// into the console, once that can be said: then everything has already been sent once.
    fn settle(&self, what: &str) {
        let (site, targets) = (&self.site, self.call.targets() as u64);
        assert!(self.vendor.disturbed_twice().is_empty(), "{what}: {:?}", self.vendor.disturbed_twice());
        let (accepted, rejected, in_doubt) = account(site);
        assert_eq!((accepted + in_doubt, rejected), (targets, 0), "{what}");
        self.run_on("b", &["ledger", "verify"]).exits(0);
        self.minutes.store(33, Ordering::SeqCst);
        let doubts = self.run_on("b", &["doubt", "list", "--json"]).exits(0).json();
        for doubt in doubts.as_array().unwrap() {
            let name = doubt["task_name"].as_str().unwrap();
            let is_taken = self.vendor.sandbox.received().taken.iter().any(|push| push.task_name == name);
            let verdict = if is_taken { "sent" } else { "not-sent" };
            self.run_on("b", &["doubt", "mark", name, verdict, "--reason", "seen in the sandbox"]).exits(0);
        }
        self.run_on("b", &["apply", "--auto-approve"]).exits(0);
        assert_eq!(account(site), (targets, 0, 0), "{what}");
        assert_eq!(self.vendor.sandbox.received().pushes, targets, "{what}");
        assert!(self.vendor.disturbed_twice().is_empty(), "{what}: {:?}", self.vendor.disturbed_twice());
        let mut calls = self.vendor.sandbox.requests().into_iter();
        assert!(calls.all(|request| request.action == self.call.action()), "{what}");
        if self.store == Store::WithoutLocks {
            assert!(site.path("flock-was-asked").exists(), "nothing stood before the system's `flock`");
        }
    }
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let since = Instant::now();
    while !is_so() {
        assert!(since.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// What the system says of a process: `T` is stopped.
fn state(child: &Child) -> char {
    let text = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
    text.rsplit_once(") ").unwrap().1.chars().next().unwrap()
}

/// Lets a stopped run go on, and returns what it says in the end.
fn go_on(mut child: Child) -> Ran {
    kill(&child, "-CONT");
    wait_until("it did not end", || child.try_wait().unwrap().is_some());
    Ran::of(&child.wait_with_output().unwrap())
}

fn stop_at_every_step(call: Call, store: Store) {
    std::thread::scope(|scope| {
        for step in Step::ALL {
            scope.spawn(move || {
                let shared = Shared::by(call, store);
                let stopped = shared.stopped_after("a", step);
                let next = shared.run_on("b", &["apply", "--auto-approve"]);
                assert!(matches!(next.code, Some(0 | 10)), "{step:?}: {}{}", next.stdout, next.stderr);
                let next = next.warns("to take it over: the ledger in").warns("Took the ledger over from");
                let late = go_on(stopped);
                assert_eq!(late.code, Some(8), "{step:?}: {}{}", late.stdout, late.stderr);
                late.says("Stopped early: this run lost the ledger in").says("taken over by `campaignctl");
                assert_eq!(shared.run_on("b", &["ledger", "unlock"]).stdout, "The ledger is not locked.\n");
                drop(next);
                shared.settle(&format!("{step:?}, {call:?}, {store:?}"));
            });
        }
    });
}

#[test]
fn a_run_that_stands_still_at_any_step_sends_nothing_once_it_was_taken_over() {
    stop_at_every_step(Call::Template, Store::Directory);
}

#[test]
fn the_same_by_push_multiple_where_no_lock_reaches_the_other_host() {
    stop_at_every_step(Call::Multiple, Store::WithoutLocks);
}

#[test]
fn the_same_by_push_multiple_with_the_ledger_in_postgresql() {
    if Servers::running().is_some() {
        stop_at_every_step(Call::Multiple, Store::Postgres);
    }
}

/// At no named step: wherever it happens to be.
#[test]
fn a_run_that_is_stopped_anywhere_and_unlocked_sends_nothing_more() {
    std::thread::scope(|scope| {
        let stores = [Store::WithoutLocks, Store::WithoutLocks, Store::Postgres];
        for (calls, store) in (1..).zip(stores.into_iter().filter(|store| store.is_there())) {
            scope.spawn(move || {
                let shared = Shared::new(store);
                shared.vendor.sandbox.inject(Fault::times(FaultKind::Delay { ms: 30 }, 100));
                let child = shared.on("a", &["apply", "--auto-approve"]).spawn().unwrap();
                shared.vendor.wait_for_calls(calls);
                kill(&child, "-STOP");
                wait_until("it was not stopped", || state(&child) == 'T');
                shared
                    .run_on("b", &["ledger", "unlock", "--auto-approve"])
                    .exits(0)
                    .warns("Watching whether `campaignctl apply` of ann@")
                    .says("Unlocked.");
                let next = shared.run_on("b", &["apply", "--auto-approve"]);
                assert!(matches!(next.code, Some(0 | 10)), "{}{}", next.stdout, next.stderr);
                assert!(!next.stderr.contains("Waiting"), "unlocking skips the wait: {}", next.stderr);
                go_on(child).exits(8).says("this run lost the ledger in");
                shared.settle(&format!("stopped after {calls} calls"));
            });
        }
    });
}

#[test]
fn a_run_that_waits_for_the_vendor_for_longer_than_its_lease_keeps_its_ledger() {
    let stores = [Store::WithoutLocks, Store::Postgres];
    for store in stores.into_iter().filter(|store| store.is_there()) {
        let shared = Shared::new(store);
        shared.vendor.sandbox.inject(Fault::times(FaultKind::Delay { ms: 8000 }, 1));
        let mut writing = shared.on("a", &["apply", "--auto-approve"]).spawn().unwrap();
        shared.vendor.wait_for_calls(1);
        let refused = ["--lock-timeout", "1s", "apply", "--auto-approve"];
        shared.run_on("b", &refused).exits(8).warns("and is still running");
        shared.run_on("b", &["ledger", "unlock", "--auto-approve"]).exits(8).warns("and is still running");
        shared.run_on("b", &["plan"]).exits(0).warns("The ledger is held by");
        wait_until("it did not end", || writing.try_wait().unwrap().is_some());
        Ran::of(&writing.wait_with_output().unwrap()).exits(0).says("35 accepted");
        // It closed itself: the next one goes in at once, and nobody took anything over.
        let next = shared.run_on("b", &["--no-wait", "apply", "--auto-approve"]).exits(0).says("up to date");
        assert!(!next.stderr.contains("Took"), "{}", next.stderr);
    }
}

#[test]
fn a_run_that_died_on_another_host_is_taken_over_without_a_person_unless_told_not_to_wait() {
    let stores = [Store::Directory, Store::WithoutLocks, Store::Postgres];
    for store in stores.into_iter().filter(|store| store.is_there()) {
        let shared = Shared::new(store);
        shared.vendor.sandbox.inject(Fault::times(FaultKind::Delay { ms: 50_000 }, 4));
        let mut child = shared.on("a", &["apply", "--auto-approve"]).spawn().unwrap();
        shared.vendor.wait_for_calls(4);
        kill(&child, "-KILL");
        child.wait().unwrap();
        shared
            .run_on("b", &["--no-wait", "apply", "--auto-approve"])
            .exits(8)
            .warns("which gives no sign of life")
            .warns("campaignctl ledger unlock");
        shared.run_on("b", &["apply", "--auto-approve"]).exits(10).warns("Took the ledger over from");

        // A proxy may hold its requests back, and it may only stand still: nobody may say yet that they were not sent.
        let doubts = shared.run_on("b", &["doubt", "list", "--json"]).exits(0).json();
        let name = doubts[0]["task_name"].as_str().unwrap();
        let mark = ["doubt", "mark", name, "not-sent", "--reason", "x"];
        for minutes in [0, 31] {
            shared.minutes.store(minutes, Ordering::SeqCst);
            shared.run_on("b", &mark).exits(6).warns("from 2026-11-24 10:32 on");
        }
        assert_eq!(shared.run_on("b", &["doubt", "list", "--json"]).json(), doubts, "nothing was recorded");
        // The record of it outlives packing.
        shared.run_on("b", &["ledger", "pack"]).exits(0);
        shared.run_on("b", &mark).exits(6).warns("from 2026-11-24 10:32 on");
        shared.settle("killed on another host");
    }
}

#[test]
fn the_vendors_lists_prove_nothing_of_a_run_that_was_taken_over_before_it_must_be_over() {
    let shared = Shared::new(Store::Directory);
    shared.site.edit("campaigns/c.yaml", "{ send: now }", "{ send: once, at: 2026-12-15T09:00:00+08:00 }");
    // Not all batches are in flight: those that the next run sends have to be listed, and absence is proof beside them.
    shared.site.edit("campaigns/campaignctl.yaml", "concurrency: 4", "concurrency: 1");
    let stopped = shared.stopped_after("a", Step::IntentDurable);
    shared.minutes.store(5, Ordering::SeqCst);
    shared.run_on("b", &["apply", "--auto-approve"]).exits(10);
    go_on(stopped).exits(8);
    for (minutes, code) in [(6, 10), (36, 10), (37, 0)] {
        shared.minutes.store(minutes, Ordering::SeqCst);
        let resolved = shared.run_on("b", &["doubt", "resolve", "--settle", "0s", "--json"]);
        assert_eq!(
            resolved.code,
            Some(code),
            "after {minutes} minutes: {}{}",
            resolved.stdout,
            resolved.stderr
        );
        let finding = resolved.json()[0]["finding"].as_str().unwrap().to_owned();
        assert_eq!(finding, if code == 0 { "not_sent" } else { "too_early" }, "after {minutes} minutes");
    }
}
