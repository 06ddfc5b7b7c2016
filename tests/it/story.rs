//! A quarter as a marketing team lives it: three environments, thirteen campaigns, a clock that moves, the real binary and
//! the sandbox as a process of its own. What was typed and what was printed is one page, `tests/story/quarter.txt`, to be
//! read from top to bottom; `UPDATE_CORPUS=1` writes it anew.
//!
//! The page is no proof. Whatever a run printed is added up against what the sandbox wrote down in its own record: who got
//! which campaign in this very run, and at the end who got what, how often, and that everybody who got nothing was told of.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use campaignctl::mpaas::{signature_v1, sorted_query, string_to_sign_v1};
use campaignctl::sandbox;
use chrono::{DateTime, Utc};
use regex::Regex;
use serde_json::Value;

use crate::corpus::is_set;
use crate::sandbox_caller::{Reply, pairs, post};
use crate::site::{Ran, Site};

const PAGE: &str = "tests/story/quarter.txt";

/// The sandbox's own record, apart from the workspace.
const RECORD: &str = "vendor.jsonl";

const SOME_SHA256: &str = "sha256:5f1c9d0be1a4f1f1d3f7f2a4c1d2e3f4a5b6c7d8e9f00112233445566778899a";
const SOME_UUID: &str = "0d9c3e52-7a40-4f6e-9a66-2f3cf8a4e7b1";
const SOME_ID: &str = "3da11f94292a465cb242f946b5244d9c";

const PROJECT: &str = "\
version: 1
project: shop
time_zone: Asia/Shanghai
default_environment: dev
environments:
  dev: { app_id: SHOP, workspace_id: dev, endpoint: sandbox }
  staging: { app_id: SHOP, workspace_id: staging, endpoint: VENDOR, requests_per_second: 1000, concurrency: 1 }
  production: { app_id: SHOP, workspace_id: live, endpoint: VENDOR, requests_per_second: 1000, concurrency: 1 }
";

const SHARED: &str = "\
templates:
  sale: { name: sale_v1, title: Only tody, body: \"20 % off, until midnight.\" }
  hello: { name: hello_v1, title: Welcome, body: Nice to have you. }
  pay: { name: pay_v1, title: Payday, body: Your pay has arrived. }
  rent: { name: rent_v1, title: Rent, body: Your rent is due in three days. }
  news: { name: news_v1, title: This week, body: Your week in numbers. }
  launch: { name: launch_v1, title: It is here, body: The new card can be ordered now. }
  survey: { name: survey_v1, title: One question, body: How do you like it? }
audiences:
  customers: { users: { file: lists/customers.txt } }
  signups: { users: { file: lists/signups.txt } }
  payroll: { users: { file: lists/payroll.txt } }
  beta: { users: { file: lists/beta.txt } }
strategies:
  at_once: { send: now }
  for_good: { send: now, open_for: always }
";

const CAMPAIGNS: &str = "\
campaigns:
  black-friday: { template: sale, audience: customers, strategy: at_once, expires_after: 1d }
  welcome: { template: hello, audience: signups, strategy: for_good, expires_after: 1d }
  digest-48: { template: news, audience: customers, strategy: at_once, expires_after: 1d }
  payday-2026-12: { template: pay, audience: payroll, strategy: payday, expires_after: 12h }
  rent: { template: rent, audience: payroll, strategy: each_month, expires_after: 12h }
  launch: { template: launch, audience: customers, strategy: launch_day, expires_after: 2h }
  survey: { template: survey, audience: beta, strategy: fourth_advent, expires_after: 1d }
strategies:
  payday: { send: once, at: 2026-12-15T09:00:00 }
  each_month: { send: repeat, every: month, on: [28], time: \"08:00:00\", from: 2026-11-28, until: 2027-03-28 }
  launch_day: { send: now, not_before: 2026-12-10T09:00:00, not_after: 2026-12-10T12:00:00 }
  fourth_advent: { send: once, at: 2026-12-20T18:00:00 }
";

type People = BTreeSet<String>;

fn people(prefix: &str, numbers: std::ops::RangeInclusive<u32>) -> People {
    numbers.map(|number| format!("{prefix}{number:02}")).collect()
}

/// The lists as they are at first.
struct Lists {
    customers: People,
    signups: People,
    payroll: People,
    beta: People,
    everybody: People,
}

impl Lists {
    fn new() -> Self {
        Self {
            customers: people("c", 1..=25),
            signups: people("s", 1..=3),
            payroll: people("p", 1..=12),
            beta: people("b", 1..=4),
            everybody: people("e", 1..=1010),
        }
    }
}

/// One push of the sandbox's record.
#[derive(Debug)]
struct Taken {
    campaign: String,
    people: Vec<String>,
    task_id: String,
    triggers: Vec<DateTime<Utc>>,
}

struct Story {
    site: Site,
    vendor: Option<Child>,
    address: String,
    now: DateTime<Utc>,
    page: String,
    lists: BTreeMap<&'static str, People>,
    /// Campaigns that are to reach whoever is on a list, by environment and name.
    live: BTreeMap<(&'static str, &'static str), &'static str>,
    /// Who was on the list of a live campaign when something was applied.
    wanted: BTreeMap<(&'static str, &'static str), People>,
    /// Campaigns that a run named as not pushed, and ended with another code than 0 for.
    told: BTreeSet<(&'static str, String)>,
    /// Who got what by the runs' own accounts, as this test checked them: environment, campaign, person.
    got: BTreeSet<(String, String, String)>,
}

impl Drop for Story {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Story {
    fn begin() -> Self {
        let site = Site::with(PROJECT, CAMPAIGNS);
        fs::rename(site.path("campaigns/c.yaml"), site.path("campaigns/campaigns.yaml")).unwrap();
        site.write("campaigns/shared.yaml", SHARED);
        Self {
            site,
            vendor: None,
            address: String::new(),
            now: DateTime::UNIX_EPOCH,
            page: String::new(),
            lists: BTreeMap::new(),
            live: BTreeMap::new(),
            wanted: BTreeMap::new(),
            told: BTreeSet::new(),
            got: BTreeSet::new(),
        }
    }

    /// Turns the clock, and tells what day it is.
    fn at(&mut self, now: &str, words: &str) {
        let local: DateTime<chrono::FixedOffset> = format!("{now}:00+08:00").parse().unwrap();
        self.now = local.to_utc();
        let day = local.format("%A, %-d %B %Y, %H:%M").to_string();
        let _ = write!(self.page, "\n\n{day}\n{}\n", "=".repeat(day.len()));
        self.tells(words);
        self.stop();
        self.start();
    }

    fn tells(&mut self, words: &str) {
        let _ = write!(self.page, "\n{words}\n");
    }

    /// Starts the sandbox as it is now, with all that it had taken before.
    fn start(&mut self) {
        let mut command = self.site.command(&["sandbox", "--listen", "127.0.0.1:0", "--journal", RECORD]);
        command.env("CAMPAIGNCTL_NOW", self.now.to_rfc3339()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut vendor = command.spawn().unwrap();
        let mut url = String::new();
        BufReader::new(vendor.stdout.as_mut().unwrap()).read_line(&mut url).unwrap();
        self.vendor = Some(vendor);
        let url = url.trim().trim_end_matches('/');
        url.strip_prefix("http://").unwrap().clone_into(&mut self.address);
        self.site.write("campaigns/campaignctl.yaml", &PROJECT.replace("VENDOR", url));
    }

    fn stop(&mut self) {
        if let Some(mut vendor) = self.vendor.take() {
            vendor.kill().unwrap();
            vendor.wait().unwrap();
        }
    }

    fn list(&mut self, name: &'static str, people: People) {
        let lines: Vec<&str> = people.iter().map(String::as_str).collect();
        self.site.write(&format!("campaigns/lists/{name}.txt"), &(lines.join("\n") + "\n"));
        self.lists.insert(name, people);
    }

    fn joins(&mut self, person: &str, list: &'static str) {
        let _ = writeln!(self.page, "\n  lists/{list}.txt  + {person}");
        let mut people = self.lists[list].clone();
        assert!(people.insert(person.to_owned()));
        self.list(list, people);
    }

    fn leaves(&mut self, person: &str, list: &'static str) {
        let _ = writeln!(self.page, "\n  lists/{list}.txt  - {person}");
        let mut people = self.lists[list].clone();
        assert!(people.remove(person));
        self.list(list, people);
    }

    /// Edits a file, and shows it.
    fn edits(&mut self, file: &str, old: &str, new: &str) {
        let _ = writeln!(self.page, "\n  {file}");
        let shown = |page: &mut String, sign: char, text: &str| {
            for line in text.trim_end().lines().filter(|line| !line.is_empty()) {
                let _ = writeln!(page, "  {sign} {}", line.trim());
            }
        };
        shown(&mut self.page, '-', old);
        shown(&mut self.page, '+', new);
        self.site.edit(&format!("campaigns/{file}"), old, new);
    }

    /// Writes an entry below a section of a file, and shows it.
    fn adds(&mut self, file: &str, section: &str, entry: &str) {
        let text = self.site.read(&format!("campaigns/{file}"));
        let section = format!("{section}:\n");
        assert!(text.starts_with(&section) || text.contains(&format!("\n{section}")));
        self.site
            .write(&format!("campaigns/{file}"), &text.replacen(&section, &format!("{section}{entry}"), 1));
        let _ = writeln!(self.page, "\n  {file}");
        for line in entry.lines() {
            let _ = writeln!(self.page, "  + {}", line.trim());
        }
    }

    /// Types a command, and shows all that a terminal shows.
    fn types(&mut self, line: &str, code: i32) -> String {
        let arguments: Vec<&str> = line.split(' ').collect();
        let command = self.site.command(&arguments);
        let mut shell = Command::new("sh");
        shell
            .args(["-c", "exec \"$0\" \"$@\" 2>&1"])
            .arg(command.get_program())
            .args(command.get_args())
            .current_dir(self.site.path("."))
            .env_clear()
            .envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))))
            .env("CAMPAIGNCTL_NOW", self.now.to_rfc3339())
            .env("COLUMNS", "80")
            .stdin(Stdio::null());
        let ran = Ran::of(&shell.output().unwrap()).exits(code);
        let _ = writeln!(self.page, "\n$ campaignctl {line}\n{}", ran.stdout.trim_end());
        if code != 0 {
            let _ = writeln!(self.page, "[exit {code}]");
            let environment = environment_of(line);
            for printed in ran.stdout.lines() {
                let mut words = printed.split_whitespace();
                let verb = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
                if let ("x", "missed") | ("!", "blocked" | "held") = verb {
                    self.told.insert((environment, words.next().unwrap_or_default().to_owned()));
                }
            }
        }
        ran.stdout
    }

    /// Applies, and proves that exactly these people got exactly these campaigns by it, as the sandbox has it on record, and
    /// that the run printed the same numbers.
    fn applies(&mut self, line: &str, code: i32, expected: &[(&str, &People)]) -> String {
        let environment = environment_of(line);
        for (&(of, campaign), list) in &self.live {
            if of == environment {
                self.wanted.entry((of, campaign)).or_default().extend(self.lists[list].iter().cloned());
            }
        }
        let before = self.taken(environment).len();
        let printed = self.types(line, code);
        let mut received: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for push in self.taken(environment).into_iter().skip(before) {
            received.entry(push.campaign).or_default().extend(push.people);
        }
        for people in received.values_mut() {
            people.sort();
        }
        let wanted: BTreeMap<String, Vec<String>> = expected
            .iter()
            .map(|(name, people)| ((*name).to_owned(), people.iter().cloned().collect()))
            .collect();
        assert_eq!(received, wanted, "{line}\n{printed}");
        for (campaign, people) in &received {
            for person in people {
                let is_new = self.got.insert((environment.to_owned(), campaign.clone(), person.clone()));
                assert!(is_new, "{person} got {campaign} twice in {environment}");
            }
            let is_of =
                |line: &&str| ["+", "?"].iter().any(|sign| line.starts_with(&format!("{sign} {campaign}  ")));
            let line = printed.lines().find(is_of);
            let line = line.unwrap_or_else(|| panic!("no line of {campaign} in {printed}"));
            let told = number_before(line, "accepted") + number_before(line, "in doubt");
            assert_eq!(told, people.len() as u64, "{line}");
        }
        let all: usize = received.values().map(Vec::len).sum();
        match printed.lines().find(|line| line.contains("Applied in ")) {
            Some(total) => {
                assert_eq!(
                    number_before(total, "accepted") + number_before(total, "in doubt"),
                    all as u64,
                    "{total}"
                );
            }
            None => assert_eq!(all, 0, "{printed}"),
        }
        printed
    }

    /// What the sandbox has on record of an environment, in order.
    fn taken(&self, environment: &str) -> Vec<Taken> {
        self.record(environment, "push").iter().map(taken).collect()
    }

    fn record(&self, environment: &str, kind: &str) -> Vec<Value> {
        let path = if environment == "dev" { "campaigns/.campaignctl/dev.received.jsonl" } else { RECORD };
        let text = fs::read_to_string(self.site.path(path)).unwrap_or_default();
        let entries = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let of = workspace(environment);
        entries.filter(|entry| entry["entry"] == kind && entry["workspace_id"] == of).collect()
    }

    /// Deletes the tasks of a campaign, as somebody does in the console.
    fn deletes_in_the_console(&mut self, environment: &str, campaign: &str) {
        let ids: Vec<String> = self
            .taken(environment)
            .into_iter()
            .filter(|push| push.campaign == campaign && !push.triggers.is_empty())
            .map(|push| push.task_id)
            .collect();
        assert!(!ids.is_empty());
        let timestamp = self.now.format("%Y-%m-%dT%H:%M:%SZ").to_string();
        let mut common = pairs(&[
            ("Action", "CancelPushScheduler"),
            ("Version", "2020-10-28"),
            ("Format", "JSON"),
            ("AccessKeyId", sandbox::ACCESS_KEY_ID),
            ("SignatureMethod", "HMAC-SHA1"),
            ("SignatureVersion", "1.0"),
            ("SignatureNonce", &format!("console-{campaign}")),
            ("Timestamp", &timestamp),
        ]);
        let business = pairs(&[
            ("AppId", "SHOP"),
            ("WorkspaceId", workspace(environment)),
            ("UniqueIds", &ids.join(",")),
        ]);
        let mut all = common.clone();
        all.extend(business.clone());
        let signature = signature_v1(sandbox::ACCESS_KEY_SECRET, &string_to_sign_v1("POST", &all));
        common.insert("Signature".to_owned(), signature);
        let reply = self.asks(&post(&sorted_query(&common), &sorted_query(&business)));
        assert_eq!(reply.verdict(), "accepted", "{}", reply.text);
    }

    /// Makes the next push request meet a fault.
    fn breaks(&self, fault: &str) {
        let head = format!("POST /__sandbox/faults HTTP/1.1\r\nHost: h\r\nContent-Length: {}", fault.len());
        let reply = self.asks(format!("{head}\r\n\r\n{fault}").as_bytes());
        assert_eq!(reply.status, 204, "{}", reply.text);
    }

    fn asks(&self, request: &[u8]) -> Reply {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(request).unwrap();
        Reply::read(&mut stream)
    }

    fn goes_live(&mut self, environments: &[&'static str], campaigns: &[(&'static str, &'static str)]) {
        for environment in environments {
            for (campaign, list) in campaigns {
                self.live.insert((environment, campaign), list);
            }
        }
    }

    fn ends(&mut self, campaigns: &[&str]) {
        self.live.retain(|(_, campaign), _| !campaigns.contains(campaign));
    }

    /// How often each person was disturbed by a campaign until now: what fired and was not deleted before.
    fn disturbed(&self, environment: &str) -> BTreeMap<(String, String), u64> {
        let mut deleted: BTreeMap<String, DateTime<Utc>> = BTreeMap::new();
        for cancel in self.record(environment, "cancel") {
            let at: DateTime<Utc> = cancel["at"].as_str().unwrap().parse().unwrap();
            for id in cancel["unique_ids"].as_array().unwrap() {
                deleted.insert(id.as_str().unwrap().to_owned(), at);
            }
        }
        let mut times: BTreeMap<(String, String), u64> = BTreeMap::new();
        for push in self.taken(environment) {
            let until = deleted.get(&push.task_id).copied().unwrap_or(self.now).min(self.now);
            let fired = match push.triggers.as_slice() {
                [] => 1,
                triggers => triggers.iter().filter(|at| **at <= until).count() as u64,
            };
            for person in push.people {
                *times.entry((push.campaign.clone(), person)).or_default() += fired;
            }
        }
        times.retain(|_, times| *times > 0);
        times
    }

    /// The page, without what differs from one run to the next.
    fn finished(&self) -> String {
        let mut page = self.page.trim_start().to_owned() + "\n";
        // As wide as what they stand for, so that lines break where they did.
        for (pattern, instead) in [
            // How far a run has come is said every few seconds.
            (r"(?m)^.* requests/s, .*\n", ""),
            (r"127\.0\.0\.1:\d+", "127.0.0.1:18080"),
            (r"in \d+\.\d s", "in 0.1 s"),
            (r"(\d{4}-\d\d-\d\d \d\d:\d\d):\d\d", "$1"),
            (r"ann@[\w.-]+,\s+", "ann@laptop, "),
            (r"ann@[\w.-]+", "ann@laptop"),
            (r"sha256:[0-9a-f]{64}", SOME_SHA256),
            (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", SOME_UUID),
            (r"\b[0-9a-f]{32}\b", SOME_ID),
        ] {
            page = Regex::new(pattern).unwrap().replace_all(&page, instead).into_owned();
        }
        page
    }
}

fn taken(push: &Value) -> Taken {
    let name = push["task_name"].as_str().unwrap();
    let (edition, _batch) = name.rsplit_once('#').unwrap();
    let (_environment, campaign) = edition.strip_prefix("shop/").unwrap().split_once('/').unwrap();
    let targets = push["targets"].as_array().unwrap();
    Taken {
        campaign: campaign.to_owned(),
        people: targets.iter().map(|target| target["target"].as_str().unwrap().to_owned()).collect(),
        task_id: push["task_id"].as_str().unwrap().to_owned(),
        triggers: push["triggers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|at| at.as_str().unwrap().parse().unwrap())
            .collect(),
    }
}

fn workspace(environment: &str) -> &str {
    if environment == "production" { "live" } else { environment }
}

fn environment_of(line: &str) -> &'static str {
    ["production", "staging"].into_iter().find(|name| line.contains(&format!("-e {name} "))).unwrap_or("dev")
}

/// Returns the number that stands before a word in a line, with its spaces; 0 if there is none.
fn number_before(line: &str, word: &str) -> u64 {
    let found = Regex::new(&format!(r"(\d+(?: \d{{3}})*) {word}")).unwrap().captures(line);
    found.map_or(0, |found| found[1].replace(' ', "").parse().unwrap())
}

#[test]
fn a_quarter_of_campaigns_reaches_everybody_once_and_says_whom_it_did_not() {
    let mut story = Story::begin();
    let Lists { customers, signups, payroll, beta, everybody } = &Lists::new();
    let all = [
        ("customers", customers),
        ("signups", signups),
        ("payroll", payroll),
        ("beta", beta),
        ("everybody", everybody),
    ];
    for (name, list) in all {
        story.list(name, list.clone());
    }
    story.goes_live(&["staging"], &[("welcome@1", "signups")]);
    story.goes_live(
        &["dev", "production"],
        &[
            ("black-friday@1", "customers"),
            ("welcome@1", "signups"),
            ("digest-48@1", "customers"),
            ("payday-2026-12@1", "payroll"),
            ("rent@1", "payroll"),
            ("survey@1", "beta"),
        ],
    );
    november(&mut story);
    early_december(&mut story);
    mid_december(&mut story);
    new_year(&mut story);
    adds_up(&story);
    let page = story.finished();
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    if is_set("UPDATE_CORPUS") {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &page).unwrap();
    }
    let wanted = fs::read_to_string(&path).unwrap_or_default();
    snapbox::assert_data_eq!(page, snapbox::Data::text(wanted).raw());
}

/// A rehearsal, a vendor that is down, and seven campaigns.
fn november(story: &mut Story) {
    let Lists { customers, signups, payroll, beta, .. } = &Lists::new();
    let november = [
        ("black-friday@1", customers),
        ("welcome@1", signups),
        ("digest-48@1", customers),
        ("payday-2026-12@1", payroll),
        ("rent@1", payroll),
        ("survey@1", beta),
    ];
    story.at("2026-11-24T10:00", "Seven campaigns for the end of the year. First a rehearsal: `dev` is the sandbox in the program itself.");
    story.types("validate", 0);
    story.applies("apply --auto-approve", 0, &november);
    story.tells("On `staging` one of them goes over the wire; the vendor is down.");
    story.types("-e staging ledger init", 0);
    story.stop();
    story.applies("-e staging apply --auto-approve --only welcome", 5, &[]);
    story.tells("It is back.");
    story.start();
    story.applies("-e staging apply --auto-approve --only welcome", 0, &[("welcome@1", signups)]);
    story.tells("Now in `production`.");
    story.types("-e production ledger init", 0);
    story.applies("-e production apply --auto-approve", 0, &november);
    story.types("-e production status", 0);
}

/// A miss, the same words again, too many tasks, and a window.
fn early_december(story: &mut Story) {
    let Lists { customers, .. } = &Lists::new();
    story.ends(&["black-friday@1", "digest-48@1"]);
    story.at("2026-12-01T12:05", "A flash sale for noon comes five minutes late.");
    let flash = "  flash: { template: sale, audience: beta, strategy: noon, expires_after: 2h }\n";
    let noon = "  noon: { send: once, at: 2026-12-01T12:00:00 }\n";
    story.adds("campaigns.yaml", "campaigns", flash);
    story.adds("campaigns.yaml", "strategies", noon);
    story.goes_live(&["production"], &[("flash@1", "beta")]);
    story.applies("-e production apply --auto-approve", 9, &[]);
    story.ends(&["flash@1"]);
    story.tells("Too late for a flash sale: it is closed, and the pipeline is green again. This week's digest says the same as last week's.");
    story.edits("campaigns.yaml", "strategy: noon,", "strategy: noon, closed: true,");
    story.edits("campaigns.yaml", "digest-48:", "digest-49:");
    story.goes_live(&["production"], &[("digest-49@1", "customers")]);
    story.types("-e production plan --out plan.json", 0);
    story.tells("A colleague reads that, and it is applied as it was read.");
    story.applies("-e production apply plan.json --auto-approve", 0, &[("digest-49@1", customers)]);

    story.ends(&["digest-49@1"]);
    story.at("2026-12-10T08:50", "A push for New Year's Eve to 1 010 people is more than the vendor keeps. An outage comes in between.");
    let year_end = "  new-year: { template: hello, audience: everybody, strategy: midnight, call: template, expires_after: 1h }\n";
    let midnight = "  midnight: { send: once, at: 2026-12-31T23:00:00 }\n";
    let outage =
        "  outage: { template: outage, audience: customers, strategy: at_once, expires_after: 30m }\n";
    let words = "  outage: { name: outage_v1, title: Sorry, body: Transfers pause from 9:00 to 9:30. }\n";
    story.adds("shared.yaml", "templates", words);
    story.adds("shared.yaml", "audiences", "  everybody: { users: { file: lists/everybody.txt } }\n");
    story.adds("campaigns.yaml", "campaigns", year_end);
    story.adds("campaigns.yaml", "campaigns", outage);
    story.adds("campaigns.yaml", "strategies", midnight);
    story.goes_live(&["production"], &[("outage@1", "customers"), ("new-year@1", "everybody")]);
    story.applies("-e production apply --auto-approve --only outage", 0, &[("outage@1", customers)]);
    story.applies("-e production apply --auto-approve", 6, &[]);
    story.tells("`send: now` with `not_before` has no such limit.");
    story.edits(
        "campaigns.yaml",
        "midnight: { send: once, at: 2026-12-31T23:00:00 }",
        "midnight: { send: now, not_before: 2026-12-31T23:00:00 }",
    );
    story.types("-e production plan --detailed-exitcode", 0);

    story.ends(&["outage@1"]);
    story.at("2026-12-10T09:00", "The launch has its window.");
    story.goes_live(&["production"], &[("launch@1", "customers")]);
    story.applies("-e production apply --auto-approve", 0, &[("launch@1", customers)]);
    story.ends(&["launch@1"]);
}

/// An opt-out, a deleted campaign, and a doubt.
fn mid_december(story: &mut Story) {
    let Lists { payroll, beta, .. } = &Lists::new();
    story.at(
        "2026-12-12T10:00",
        "p03 opts out of whatever is about money, and nobody wants the survey any more: it is deleted.",
    );
    story.leaves("p03", "payroll");
    let survey =
        "  survey: { template: survey, audience: beta, strategy: fourth_advent, expires_after: 1d }\n";
    let (words, time) = (
        "  survey: { name: survey_v1, title: One question, body: How do you like it? }\n",
        "  fourth_advent: { send: once, at: 2026-12-20T18:00:00 }\n",
    );
    story.edits("campaigns.yaml", survey, "");
    story.edits("campaigns.yaml", time, "");
    story.edits("shared.yaml", words, "");
    story.ends(&["survey@1"]);
    story.types("-e production plan --detailed-exitcode", 2);
    story.types("-e production status survey", 0);
    story.tells(
        "Somebody deletes the tasks of survey and payday in the console, by these names, and puts that on record. The \
         rent's are left.",
    );
    story.deletes_in_the_console("production", "survey@1");
    story.deletes_in_the_console("production", "payday-2026-12@1");
    let withdrawn = survey.replace("1d }", "1d, withdrawn: 1 }");
    story.adds("shared.yaml", "templates", words);
    story.adds("campaigns.yaml", "strategies", time);
    story.adds("campaigns.yaml", "campaigns", &withdrawn);
    story.edits("campaigns.yaml", "strategy: payday,", "strategy: payday, revision: 2, withdrawn: 1,");
    let fewer: People = payroll.iter().filter(|person| *person != "p03").cloned().collect();
    story.ends(&["payday-2026-12@1"]);
    story.goes_live(&["production"], &[("payday-2026-12@2", "payroll")]);
    story.applies("-e production apply --auto-approve", 0, &[("payday-2026-12@2", &fewer)]);
    story.tells("Once it is on record, the survey may go.");
    story.edits("campaigns.yaml", &withdrawn, "");
    story.edits("campaigns.yaml", time, "");
    story.edits("shared.yaml", words, "");
    story.types("-e production status", 0);

    story.at("2026-12-14T10:00", "The connection breaks in the midst of a request.");
    let thanks = "  thanks: { template: thanks, audience: beta, strategy: at_once, expires_after: 1d }\n";
    let words = "  thanks: { name: thanks_v1, title: Thank you, body: Your points are here. }\n";
    story.adds("shared.yaml", "templates", words);
    story.adds("campaigns.yaml", "campaigns", thanks);
    story.goes_live(&["production"], &[("thanks@1", "beta")]);
    story.breaks(r#"{"kind":"drop_after"}"#);
    story.applies("-e production apply --auto-approve --only thanks", 10, &[("thanks@1", beta)]);
    let listed = story.types("-e production doubt list", 0);
    let (_, batch) = listed.split_once("1 batch (").expect("the batch is named");
    let (batch, _) = batch.split_once(')').unwrap();
    story.types(&format!("-e production doubt show {batch}"), 0);
    story.tells("The console has the message keys: it was sent.");
    story.types(&format!("-e production doubt mark {batch} sent --reason console"), 0);
    story.applies("-e production apply --auto-approve", 0, &[]);
    story.ends(&["thanks@1"]);
}

/// Who joins, a thousand at eleven at night, a typo, and a look back.
fn new_year(story: &mut Story) {
    let Lists { everybody, .. } = &Lists::new();
    story.at("2026-12-29T10:00", "p13 is hired, s04 signs up.");
    story.ends(&["payday-2026-12@2"]);
    story.joins("p13", "payroll");
    story.joins("s04", "signups");
    let (hired, signed) = (people("p", 13..=13), people("s", 4..=4));
    story.applies("-e production apply --auto-approve", 0, &[("rent@1", &hired), ("welcome@1", &signed)]);

    story.at("2026-12-31T23:00", "New Year's Eve.");
    story.applies("-e production apply --auto-approve", 0, &[("new-year@1", everybody)]);
    story.ends(&["new-year@1"]);

    story.at("2027-01-10T10:00", "A typo is mended in a template that November's sale and December's flash sale share, and the list of customers has grown.");
    story.joins("c26", "customers");
    story.edits("shared.yaml", "Only tody", "Only today");
    story.applies("-e production apply --auto-approve", 0, &[]);

    story.at("2027-02-15T10:00", "A look back.");
    story.types("-e production status", 0);
    story.types("-e production history", 0);
    story.types("-e production ledger verify", 0);
    story.types("-e production plan --detailed-exitcode", 2);
}

/// Adds the quarter up, from the sandbox's record alone.
fn adds_up(story: &Story) {
    for environment in ["dev", "staging", "production"] {
        // What the runs said they sent is what the vendor has, person by person.
        let mut requested = BTreeSet::new();
        for push in story.taken(environment) {
            for person in push.people {
                assert!(
                    requested.insert((push.campaign.clone(), person.clone())),
                    "{person} twice in {}",
                    push.campaign
                );
            }
        }
        let told = story.got.iter().filter(|(of, ..)| of == environment);
        let told = told.map(|(_, campaign, person)| (campaign.clone(), person.clone()));
        assert_eq!(requested, told.collect());
        // Nobody is missed without an exit code.
        for ((of, campaign), people) in &story.wanted {
            let (name, _) = campaign.split_once('@').unwrap();
            for person in people.iter().filter(|_| *of == environment) {
                let is_reached = requested.contains(&((*campaign).to_owned(), person.clone()));
                let is_told = story.told.contains(&(of, name.to_owned()));
                assert!(
                    is_reached || is_told,
                    "{person} got no {campaign} in {of}, and no exit code said so"
                );
            }
        }
    }
    let times = story.disturbed("production");
    let of = |campaign: &str| -> BTreeMap<&str, u64> {
        let mine = times.iter().filter(|((name, _), _)| name == campaign);
        mine.map(|((_, person), times)| (person.as_str(), *times)).collect()
    };
    let each = |people: &People, times: u64| -> BTreeMap<String, u64> {
        people.iter().map(|person| (person.clone(), times)).collect()
    };
    let owned = |found: BTreeMap<&str, u64>| -> BTreeMap<String, u64> {
        found.into_iter().map(|(person, times)| (person.to_owned(), times)).collect()
    };
    for (campaign, people, how_often) in [
        ("black-friday@1", people("c", 1..=25), 1),
        ("digest-48@1", people("c", 1..=25), 1),
        ("digest-49@1", people("c", 1..=25), 1),
        ("outage@1", people("c", 1..=25), 1),
        ("launch@1", people("c", 1..=25), 1),
        ("welcome@1", people("s", 1..=4), 1),
        ("thanks@1", people("b", 1..=4), 1),
        ("new-year@1", people("e", 1..=1010), 1),
        // Deleted in time, or closed.
        ("payday-2026-12@1", People::new(), 0),
        ("survey@1", People::new(), 0),
        ("flash@1", People::new(), 0),
    ] {
        assert_eq!(owned(of(campaign)), each(&people, how_often), "{campaign}");
    }
    let mut paid = each(&people("p", 1..=12), 1);
    paid.remove("p03");
    assert_eq!(owned(of("payday-2026-12@2")), paid);
    // Three times until now: in November, December and January. Who was hired on 29 December gets January's.
    let mut rent = each(&people("p", 1..=12), 3);
    rent.insert("p13".to_owned(), 1);
    assert_eq!(owned(of("rent@1")), rent);
    assert_eq!(times.values().sum::<u64>(), 5 * 25 + 4 + 4 + 1010 + 11 + 37);
}
