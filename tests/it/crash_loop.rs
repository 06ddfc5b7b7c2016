//! The promise under attack: the real binary, killed at every named step and at random instants while the vendor
//! misbehaves, restarted until nothing is left to do. Then the vendor is asked who got what. The ledger is in a directory, in
//! PostgreSQL and in a bucket in turn.
//!
//! A few dozen rounds by default; `CAMPAIGNCTL_CRASH_ROUNDS=2000` for thousands, and
//! `CAMPAIGNCTL_CRASH_SEED` for the very same instants again (`scripts/crash-test`).

use std::collections::BTreeMap;
use std::fmt;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use campaignctl::apply::Step;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::bucket::Bucket;
use crate::misfortune::kill;
use crate::shared_ledger::Servers;
use crate::site::{Ran, Site, campaign};

const ROUNDS: u64 = 36;
/// The signal of a process that dies at a step: SIGABRT.
const ABORT: i32 = 6;
/// So often a round is begun again before it counts as stuck.
const RESTARTS_MAX: usize = 20;

/// The two calls that take targets: each step of an apply is taken by both, at once and later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Call {
    Template,
    Multiple,
}

impl Call {
    /// Targets of a round: some six requests of ten, some four of a hundred.
    fn targets(self) -> usize {
        match self {
            Self::Template => 60,
            Self::Multiple => 350,
        }
    }
}

/// Where a round's ledger is.
#[derive(Clone, Copy)]
enum Place<'a> {
    Directory,
    Postgres(&'a Servers),
    Bucket(&'a Bucket),
}

impl Place<'_> {
    /// A place that no round had; nothing for the directory, which every workspace has of its own.
    fn address(self) -> Option<String> {
        match self {
            Self::Directory => None,
            Self::Postgres(servers) => Some(servers.address()),
            Self::Bucket(bucket) => {
                let address = bucket.ledger("s3");
                let (before, after) = address.split_once('?').unwrap();
                Some(format!("{before}-{}?{after}", Uuid::new_v4().simple()))
            }
        }
    }
}

/// What happened in all rounds.
#[derive(Default)]
struct Figures {
    /// How often a process died at a step, by the call of its campaign.
    died_at: BTreeMap<(Call, &'static str), u64>,
    rounds: u64,
    /// Rounds with the ledger in PostgreSQL, and in a bucket.
    in_postgres: u64,
    in_a_bucket: u64,
    kills: u64,
    faults: u64,
    doubts: u64,
    resolved_by_query: u64,
    resolved_by_person: u64,
    pushes: u64,
    double_pushes: u64,
    lost_pushes: u64,
}

impl fmt::Display for Figures {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} rounds ({} with the ledger in PostgreSQL, {} in a bucket), {} kills, {} faults: {} batches in doubt, {} resolved by query, \
             {} by a person; {} pushes, {} double, {} lost",
            self.rounds,
            self.in_postgres,
            self.in_a_bucket,
            self.kills,
            self.faults,
            self.doubts,
            self.resolved_by_query,
            self.resolved_by_person,
            self.pushes,
            self.double_pushes,
            self.lost_pushes,
        )
    }
}

/// A sandbox in a process of its own.
struct SandboxProcess {
    child: Child,
    address: String,
}

impl SandboxProcess {
    fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_campaignctl"))
            .args(["sandbox", "--listen", "127.0.0.1:0"])
            .env_clear()
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().trim_start_matches("http://").trim_end_matches('/').to_owned();
        Self { child, address }
    }

    fn call(&self, method: &str, path: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let length = body.len();
        write!(
            stream,
            "{method} /__sandbox/{path} HTTP/1.1\r\nhost: sandbox\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        let (head, body) = reply.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 2"), "{head}");
        body.to_owned()
    }

    fn get(&self, path: &str) -> Value {
        serde_json::from_str(&self.call("GET", path, "")).unwrap()
    }

    fn inject(&self, fault: &Value) {
        self.call("POST", "faults", &fault.to_string());
    }
}

impl Drop for SandboxProcess {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Repeatable chance: Vigna's splitmix64.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

#[expect(clippy::disallowed_methods, reason = "thousands of rounds are asked for by environment variable")]
fn number_from(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[expect(clippy::disallowed_methods, reason = "the sandbox is another process, and has the system's clock")]
fn now() -> DateTime<Utc> {
    SystemTime::now().into()
}

/// A workspace whose targets no other round has.
fn workspace(
    sandbox: &SandboxProcess,
    place: Place<'_>,
    (round, call, is_scheduled): (u64, Call, bool),
) -> Site {
    let ledger = place.address().map(|address| format!("    ledger: \"{address}\"\n")).unwrap_or_default();
    let site = Site::remote_unopened(&format!("http://{}", sandbox.address), 1, &ledger);
    let ids: Vec<String> = (1..=call.targets()).map(|number| format!("r{round}-{number}")).collect();
    let mut text = campaign("hello", 1).replace("users: [u1]", &format!("users: [{}]", ids.join(", ")));
    if call == Call::Multiple {
        // What more than ten targets go by, unless the files say otherwise.
        text = text.replace("call: template, ", "");
    }
    if is_scheduled {
        let at = (now() + TimeDelta::days(1)).to_rfc3339_opts(SecondsFormat::Secs, true);
        text = text.replace("{ send: now }", &format!("{{ send: once, at: {at} }}"));
    }
    site.write("campaigns/c.yaml", &text);
    // The vendor keeps a hundred scheduled tasks of one app and workspace: each round has its own.
    site.edit("campaigns/campaignctl.yaml", "workspace_id: w", &format!("workspace_id: w{round}"));
    run(&site, &["ledger", "init"]).exits(0);
    site
}

/// A command at the real time.
fn command(site: &Site, arguments: &[&str]) -> Command {
    let mut command = site.command(arguments);
    command
        .env_remove("CAMPAIGNCTL_NOW")
        // What opens the bucket.
        .env("AWS_ACCESS_KEY_ID", "writer")
        .env("AWS_SECRET_ACCESS_KEY", "secret-of-a-bucket");
    command
}

fn run(site: &Site, arguments: &[&str]) -> Ran {
    Ran::of(&command(site, arguments).output().unwrap())
}

/// Starts an apply and sees it die: at a step, or after a while. Returns the signal that it died of, if it did.
fn kill_one(site: &Site, chance: &mut Chance, step: Option<Step>) -> Option<i32> {
    let mut command = command(site, &["apply", "--auto-approve"]);
    if let Some(step) = step {
        command.env("CAMPAIGNCTL_CRASH_AFTER", step.as_str());
    }
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    if step.is_none() {
        std::thread::sleep(Duration::from_millis(chance.below(250)));
        if child.try_wait().unwrap().is_none() {
            kill(&child, "-KILL");
        }
    }
    child.wait().unwrap().signal()
}

/// A fault of a few of the next requests; each waits a little, so that kills meet some in flight.
fn misbehave(sandbox: &SandboxProcess, chance: &mut Chance) {
    let kinds = [
        "drop_before",
        "drop_after",
        "internal_error_after",
        "unavailable_before",
        "garbage_after",
        "partial_body_after",
    ];
    sandbox.inject(&json!({ "kind": "delay", "ms": chance.below(40), "times": 1 + chance.below(6) }));
    let kind = kinds[usize::try_from(chance.below(kinds.len() as u64)).unwrap()];
    sandbox.inject(&json!({ "kind": kind, "times": 1, "after": chance.below(3) }));
}

/// Settles what is in doubt: by the vendor's lists, and else as a person does who looks into the console.
fn settle(site: &Site, sandbox: &SandboxProcess, figures: &mut Figures) {
    let resolved = run(site, &["doubt", "resolve", "--settle", "0s", "--json"]);
    assert!(matches!(resolved.code, Some(0 | 10)), "{}", resolved.stderr);
    let findings = resolved.json();
    figures.doubts += findings.as_array().unwrap().len() as u64;
    let mut taken: Option<Vec<String>> = None;
    for finding in findings.as_array().unwrap() {
        if matches!(finding["finding"].as_str(), Some("sent" | "not_sent")) {
            figures.resolved_by_query += 1;
            continue;
        }
        let taken = taken.get_or_insert_with(|| task_names(sandbox, site));
        let name = finding["task_name"].as_str().unwrap();
        let verdict = if taken.iter().any(|taken| taken == name) { "sent" } else { "not-sent" };
        let record = finding["intent"].to_string();
        run(site, &["doubt", "mark", &record, verdict, "--reason", "seen in the sandbox"]).exits(0);
        figures.resolved_by_person += 1;
    }
}

/// The tasks that the vendor took in this round's workspace.
fn task_names(sandbox: &SandboxProcess, site: &Site) -> Vec<String> {
    let project = site.read("campaigns/campaignctl.yaml");
    let mine = |push: &&Value| {
        project.contains(&format!("workspace_id: {}\n", push["workspace_id"].as_str().unwrap()))
    };
    let received = sandbox.get("received");
    let taken = received["taken"].as_array().unwrap().iter().filter(mine);
    taken.map(|push| push["task_name"].as_str().unwrap().to_owned()).collect()
}

/// Runs until nothing is left to do; every restart may meet another fault.
fn finish(site: &Site, sandbox: &SandboxProcess, figures: &mut Figures) {
    for _ in 0..RESTARTS_MAX {
        settle(site, sandbox, figures);
        let ran = run(site, &["apply", "--auto-approve"]);
        match ran.code {
            Some(0) => return,
            Some(10 | 11) => {}
            code => panic!("{code:?}\n{}{}", ran.stdout, ran.stderr),
        }
    }
    panic!("it never came to an end");
}

#[test]
fn no_push_is_doubled_or_lost_however_often_it_is_killed() {
    let rounds = number_from("CAMPAIGNCTL_CRASH_ROUNDS").unwrap_or(ROUNDS);
    let seed = number_from("CAMPAIGNCTL_CRASH_SEED").unwrap_or(1);
    let (sandbox, mut chance, mut figures) = (SandboxProcess::start(), Chance(seed), Figures::default());
    let (servers, bucket) = (Servers::running(), Bucket::new());
    for round in 0..rounds {
        let call = if round % 4 < 2 { Call::Template } else { Call::Multiple };
        // Each kind of campaign in each kind of store, over the rounds of one step and the next.
        let place = match ((round / 2 + round / 8) % 3, &servers) {
            (1, Some(servers)) => Place::Postgres(servers),
            (2, _) => Place::Bucket(&bucket),
            _ => Place::Directory,
        };
        figures.in_postgres += u64::from(matches!(place, Place::Postgres(_)));
        figures.in_a_bucket += u64::from(matches!(place, Place::Bucket(_)));
        let site = workspace(&sandbox, place, (round, call, round % 2 == 1));
        // First every step of each kind of campaign, then random instants; each round is killed a few times.
        let step = usize::try_from(round / 4).ok().and_then(|place| Step::ALL.get(place)).copied();
        for _ in 0..=chance.below(2) {
            misbehave(&sandbox, &mut chance);
            figures.faults += 1;
            let died_of = kill_one(&site, &mut chance, step);
            figures.kills += u64::from(died_of.is_some());
            if let (Some(ABORT), Some(step)) = (died_of, step) {
                *figures.died_at.entry((call, step.as_str())).or_default() += 1;
            }
        }
        finish(&site, &sandbox, &mut figures);
        let counts: BTreeMap<String, u64> =
            serde_json::from_value(sandbox.get("targets")["targets"].clone()).unwrap();
        let targets = call.targets();
        for number in 1..=targets {
            let times = counts.get(&format!("3:r{round}-{number}")).copied().unwrap_or(0);
            figures.double_pushes += times.saturating_sub(1);
            figures.lost_pushes += u64::from(times == 0);
            figures.pushes += times;
        }
        figures.rounds += 1;
        run(&site, &["ledger", "verify"])
            .exits(0)
            .says(&format!("{targets} accepted, 0 rejected, 0 in doubt"));
        assert_eq!(
            (figures.double_pushes, figures.lost_pushes),
            (0, 0),
            "seed {seed}, round {round}: {figures}"
        );
    }
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "crash loop, seed {seed}: {figures}").unwrap();
    assert!(figures.kills >= rounds.min(10), "too few were killed to prove anything: {figures}");
    assert!(
        rounds < ROUNDS || (figures.resolved_by_query > 0 && figures.resolved_by_person > 0),
        "{figures}"
    );
    // Every named step was reached, by either call: a step that nothing passes any more would prove nothing.
    for (step, call) in Step::ALL.iter().flat_map(|step| [(step, Call::Template), (step, Call::Multiple)]) {
        let died = figures.died_at.get(&(call, step.as_str())).copied().unwrap_or_default();
        assert!(rounds < ROUNDS || died > 0, "no apply by {call:?} came to {step:?}: {:?}", figures.died_at);
    }
}
