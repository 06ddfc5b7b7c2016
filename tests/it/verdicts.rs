//! What people and the vendor's lists find out about pushes in doubt: where it is told, and what it changes.

use campaignctl::sandbox::{Fault, FaultKind};
use serde_json::Value;

use crate::doubt::resolve_at;
use crate::misfortune::Vendor;
use crate::site::Site;

const REASON: &str = "support has no such task";

/// A workspace with a campaign to 25 users, whose second batch of ten is in doubt.
fn in_doubt(vendor: &Vendor, strategy: &str, kind: FaultKind) -> (Site, String) {
    let site = Site::remote(&vendor.url(), 25, "");
    site.edit("campaigns/c.yaml", "{ send: now }", strategy);
    site.edit("campaigns/campaignctl.yaml", "concurrency: 4", "concurrency: 1");
    vendor.sandbox.inject(Fault { kind, times: 1, after: 1 });
    site.apply().exits(10);
    let batch = site.run(&["doubt", "list", "--json"]).exits(0).json()[0]["batch"].to_string();
    (site, batch)
}

fn history(site: &Site) -> Vec<Value> {
    site.run(&["history", "--json"]).exits(0).json().as_array().unwrap().clone()
}

fn kinds(history: &[Value]) -> Vec<&str> {
    history.iter().map(|entry| entry["kind"].as_str().unwrap()).collect()
}

#[test]
fn a_verdict_is_an_entry_of_its_own_and_a_run_stays_what_it_was() {
    let vendor = Vendor::start();
    let (site, batch) = in_doubt(&vendor, "{ send: now }", FaultKind::DropAfter);
    let before = history(&site);
    assert_eq!((&before[0]["accepted"], &before[0]["in_doubt"]), (&15.into(), &10.into()));
    let marked_at = "2026-11-24T10:05:00+08:00";
    site.run_at(marked_at, &["doubt", "mark", &batch, "not-sent", "--reason", REASON]).exits(0);
    let applied_at = "2026-11-24T10:10:00+08:00";
    site.run_at(applied_at, &["apply", "--auto-approve"]).exits(0);
    let after = history(&site);
    assert_eq!(kinds(&after), ["run", "verdict", "run"]);
    assert_eq!(after[0], before[0], "what was found out later is no part of the run");
    assert_eq!((&after[2]["accepted"], &after[2]["in_doubt"]), (&10.into(), &0.into()));
    let verdict = &after[1];
    assert_eq!((&verdict["verdict"], &verdict["by"]), (&"not_sent".into(), &"person".into()));
    assert_eq!((&verdict["targets"], &verdict["reason"]), (&10.into(), &REASON.into()));
    assert_eq!(verdict["batches"][0].to_string(), batch);
    let text = site.run(&["history"]).exits(0).says("marked 1 batch of hello@1 not sent");
    text.says(&format!("10 targets, batch {batch}")).says(REASON).says("2026-11-24 10:05  ann@");
    site.run(&["ledger", "pack"]).exits(0);
    assert_eq!(history(&site), after, "packing keeps the trail");
}

#[test]
fn what_the_vendor_was_asked_and_what_was_withdrawn_are_entries_too() {
    let vendor = Vendor::start();
    let once = "{ send: once, at: 2026-12-15T09:00:00+08:00 }";
    let (site, _) = in_doubt(&vendor, once, FaultKind::DropAfter);
    resolve_at(&site, "2026-11-24T02:01:00Z", &[]).exits(0);
    site.edit("campaigns/c.yaml", "call: template", "withdrawn: 1, call: template");
    site.run_at("2026-11-24T02:02:00Z", &["apply", "--auto-approve"]).exits(0);
    let trail = history(&site);
    assert_eq!(kinds(&trail), ["run", "verdict", "withdrawal"]);
    assert_eq!((&trail[1]["verdict"], &trail[1]["by"]), (&"sent".into(), &"vendor".into()));
    assert_eq!((&trail[2]["campaign"], &trail[2]["revision"]), (&"hello".into(), &1.into()));
    let text = site.run(&["history"]).exits(0).says("withdrew hello@1");
    text.says("asked the vendor, and found 1 batch of hello@1 sent");
    site.run(&["ledger", "pack"]).exits(0);
    assert_eq!(history(&site), trail);
}

#[test]
fn batches_that_one_command_marked_are_one_entry() {
    let vendor = Vendor::start();
    let site = Site::remote(&vendor.url(), 60, "");
    site.edit("campaigns/campaignctl.yaml", "concurrency: 4", "concurrency: 1");
    vendor.sandbox.inject(Fault::times(FaultKind::DropAfter, 3));
    site.apply().exits(10);
    let doubts = site.run(&["doubt", "list", "--json"]).exits(0).json();
    let batches: Vec<String> =
        doubts.as_array().unwrap().iter().map(|doubt| doubt["batch"].to_string()).collect();
    assert_eq!(batches.len(), 3);
    let mut mark: Vec<&str> = vec!["doubt", "mark"];
    mark.extend(batches.iter().map(String::as_str));
    mark.extend(["sent", "--reason", "in the console"]);
    site.run(&mark).exits(0);
    let trail = history(&site);
    assert_eq!(kinds(&trail), ["run", "verdict"]);
    assert_eq!(trail[1]["batches"].as_array().unwrap().len(), 3);
    assert_eq!(trail[1]["targets"], 30);
}

#[test]
fn a_plan_says_who_found_out_that_some_did_not_get_it() {
    let vendor = Vendor::start();
    let (site, batch) = in_doubt(&vendor, "{ send: now }", FaultKind::DropBefore);
    site.run(&["doubt", "mark", &batch, "not-sent", "--reason", REASON]).exits(0);
    let said = format!("10 of 25 still to send, 10 marked not sent by a person ({REASON})");
    let plan = site.run(&["plan"]).exits(0).says(&said);
    assert!(!plan.stdout.contains("rejected") && !plan.stdout.contains("Verdict"), "{}", plan.stdout);
    let status = site.run(&["status"]).exits(0);
    assert!(!status.stdout.contains("rejected"), "the vendor rejected nothing: {}", status.stdout);
    site.run(&["status", "hello"]).exits(0).says(&format!("marked not sent by a person: {REASON}"));
    site.run(&["ledger", "pack"]).exits(0);
    site.run(&["plan"]).exits(0).says(&said);

    let once = "{ send: once, at: 2026-12-15T09:00:00+08:00 }";
    let vendor = Vendor::start();
    let (site, _) = in_doubt(&vendor, once, FaultKind::DropBefore);
    resolve_at(&site, "2026-11-24T02:01:00Z", &["--settle", "0s"]).exits(0);
    site.run(&["plan"])
        .exits(0)
        .says("10 found not sent by `doubt resolve` (QueryPushSchedulerList has no task");
}

#[test]
fn what_to_do_with_batches_in_doubt_can_be_copied() {
    let vendor = Vendor::start();
    let site = Site::remote(&vendor.url(), 30, "");
    site.edit("campaigns/campaignctl.yaml", "concurrency: 4", "concurrency: 1");
    vendor.sandbox.inject(Fault::times(FaultKind::DropAfter, 2));
    site.apply().exits(10);
    let doubts = site.run(&["doubt", "list", "--json"]).exits(0).json();
    let batches = [0, 1].map(|place: usize| doubts[place]["batch"].to_string());
    assert_eq!(doubts[0]["batch"], doubts[0]["intent"], "its former name stays");
    let shown = site.command(&["doubt", "show", &batches[0], &batches[1]]).env("COLUMNS", "40").output();
    let shown = String::from_utf8(shown.unwrap().stdout).unwrap();
    let commands: Vec<&str> = shown.lines().filter(|line| line.starts_with("campaignctl ")).collect();
    let mark = |verdict: &str| {
        format!("campaignctl doubt mark {} {} {verdict} --reason 'what you saw'", batches[0], batches[1])
    };
    assert_eq!(commands, [mark("sent"), mark("not-sent")]);
    // A shell takes it as it stands.
    let run = format!("campaignctl() {{ {} \"$@\"; }}\n{}", env!("CARGO_BIN_EXE_campaignctl"), commands[1]);
    let mut shell = std::process::Command::new("sh");
    let of_site = site.command(&[]);
    shell.arg("-c").arg(run).current_dir(of_site.get_current_dir().unwrap()).env_clear();
    shell.envs(of_site.get_envs().filter_map(|(name, value)| Some((name, value?))));
    assert!(shell.status().unwrap().success());
    for again in [&batches[0], "p/remote/hello@1#1"] {
        site.run(&["doubt", "mark", again, "sent", "--reason", "again"])
            .exits(3)
            .warns(&format!(
                "batch {} of `hello@1` is no longer in doubt: it was marked not sent on",
                batches[0]
            ))
            .warns("nothing was recorded");
    }
}

#[test]
fn who_turns_out_to_have_missed_it_is_reported_for_a_day_from_then_on() {
    let once = "{ send: once, at: 2026-12-15T09:00:00+08:00 }";
    let vendor = Vendor::start();
    let (site, batch) = in_doubt(&vendor, once, FaultKind::DropBefore);
    let strict = |now: &str| site.run_at(now, &["plan", "--strict"]);
    strict("2026-12-17T09:00:00+08:00").exits(10);
    site.run_at("2026-12-17T10:00:00+08:00", &["doubt", "mark", &batch, "not-sent", "--reason", REASON])
        .exits(0);
    let missed = strict("2026-12-17T11:00:00+08:00").exits(9).says("x missed hello");
    missed.says(&format!("10 people did not get it; 10 marked not sent by a person ({REASON})"));
    let status = site.run_at("2026-12-17T11:00:00+08:00", &["status", "--json"]).exits(0).json();
    assert_eq!(status["campaigns"][0]["since"], "2026-12-17T02:00:00Z");
    site.run_at("2026-12-18T09:59:00+08:00", &["apply", "--auto-approve"]).exits(9);
    strict("2026-12-18T10:01:00+08:00").exits(0).says("x 1 campaign missed more than a day ago");
    // One that was marked in time is missed from its own time on.
    let vendor = Vendor::start();
    let (site, batch) = in_doubt(&vendor, once, FaultKind::DropBefore);
    site.run(&["doubt", "mark", &batch, "not-sent", "--reason", REASON]).exits(0);
    site.run_at("2026-12-15T09:01:00+08:00", &["plan", "--strict"]).exits(9);
    site.run_at("2026-12-16T09:01:00+08:00", &["plan", "--strict"]).exits(0);
}
