//! `doubt resolve`: what the vendor's lists can tell of batches in doubt, and what they cannot.

use campaignctl::sandbox::{Fault, FaultKind};

use crate::misfortune::{Vendor, account};
use crate::site::{Ran, Site};

const ONCE: &str = "{ send: once, at: 2026-12-15T09:00:00+08:00 }";
const WEEKLY: &str =
    "{ send: repeat, every: week, on: [monday], time: \"13:45:11\", from: 2026-12-01, until: 2027-02-28 }";

/// A workspace with the campaign `hello` to 25 users, at a time.
fn scheduled(vendor: &Vendor, strategy: &str) -> Site {
    let site = Site::remote(&vendor.url(), 25, "");
    site.edit("campaigns/c.yaml", "{ send: now }", strategy);
    // One at a time, so that a fault meets a known batch.
    site.edit("campaigns/campaignctl.yaml", "concurrency: 4", "concurrency: 1");
    site
}

/// A workspace with a broadcast `hello`.
fn broadcast(vendor: &Vendor, strategy: &str) -> Site {
    let site = scheduled(vendor, strategy);
    let users: Vec<String> = (1..=25).map(|number| format!("u{number}")).collect();
    let users = format!("users: [{}]", users.join(", "));
    site.edit("campaigns/c.yaml", &users, "broadcast: { platform: android, login: logged_in, within: 7d }");
    site.edit("campaigns/c.yaml", "call: template, ", "");
    site
}

fn second_batch_meets(vendor: &Vendor, kind: FaultKind) {
    vendor.sandbox.inject(Fault { kind, times: 1, after: 1 });
}

/// A minute later, so that nothing is in the future.
fn resolve(site: &Site, more: &[&str]) -> Ran {
    resolve_at(site, "2026-11-24T02:01:00Z", more)
}

pub(crate) fn resolve_at(site: &Site, now: &str, more: &[&str]) -> Ran {
    site.run_at(now, &[&["doubt", "resolve"], more].concat())
}

#[test]
fn a_doubt_keeps_its_exit_code_whatever_becomes_of_its_campaign() {
    let vendor = Vendor::start();
    let site = scheduled(&vendor, "{ send: now }");
    second_batch_meets(&vendor, FaultKind::DropAfter);
    site.apply().exits(10);
    let unlisted = "? 1 campaign in doubt under a name or revision that is no longer in the files";
    site.edit("campaigns/c.yaml", "call: template", "revision: 2, call: template");
    site.run(&["plan", "--strict"]).exits(10).says(unlisted);
    site.apply().exits(10).says("25 accepted");
    site.run(&["plan", "--strict"]).exits(10).says(unlisted);
    std::fs::remove_file(site.path("campaigns/c.yaml")).unwrap();
    site.run(&["plan", "--strict"]).exits(10).says(unlisted).says("1 in doubt.");
    site.apply().exits(10);
}

#[test]
fn a_scheduled_batch_that_is_listed_was_sent() {
    for strategy in [ONCE, WEEKLY] {
        for kind in [FaultKind::DropAfter, FaultKind::InternalErrorAfter, FaultKind::GarbageAfter] {
            let vendor = Vendor::start();
            let site = scheduled(&vendor, strategy);
            second_batch_meets(&vendor, kind);
            site.apply().exits(10);
            assert_eq!(account(&site), (15, 0, 10));
            resolve(&site, &[])
                .exits(0)
                .says("sent: QueryPushSchedulerList has one task at its time")
                .says("1 batch sent");
            assert_eq!(account(&site), (25, 0, 0));
            site.apply().exits(0).says("up to date");
            assert_eq!(vendor.sandbox.received().pushes, 25);
        }
    }
}

#[test]
fn a_scheduled_batch_that_is_not_listed_was_not_sent_and_is_due_again() {
    for strategy in [ONCE, WEEKLY] {
        let vendor = Vendor::start();
        let site = scheduled(&vendor, strategy);
        second_batch_meets(&vendor, FaultKind::DropBefore);
        site.apply().exits(10);
        // Half an hour has not passed: it may still be on its way.
        let early = resolve(&site, &["--json"]).exits(10).json();
        assert_eq!(early[0]["finding"], "too_early");
        assert!(early[0]["ask_again_at"].as_str().unwrap().starts_with("2026-11-24T02:30:00"), "{early}");
        resolve(&site, &[]).exits(10).says("may still be on its way; ask again from 2026-11-24 10:30 on");
        assert_eq!(account(&site), (15, 0, 10));
        resolve(&site, &["--settle", "0s", "--dry-run"])
            .exits(10)
            .says("Found, not recorded: 0 batches sent, 1 not sent");
        assert_eq!(account(&site), (15, 0, 10));
        resolve(&site, &["--settle", "0s"]).exits(0).says("not sent: QueryPushSchedulerList has no task");
        assert_eq!(account(&site), (15, 10, 0));
        site.apply().exits(0).says("10 accepted");
        assert_eq!(account(&site), (25, 0, 0));
        assert_eq!(vendor.sandbox.received().pushes, 25);
        assert!(vendor.disturbed_twice().is_empty());
        let verdict = site.run(&["ledger", "export"]).exits(0);
        let verdict = verdict.stdout.lines().find(|line| line.contains("\"verdict\"")).unwrap().to_owned();
        assert!(verdict.contains("\"by\":\"vendor\"") && verdict.contains("\"actor\":\"ann@"), "{verdict}");
    }
}

#[test]
fn a_broadcast_is_looked_for_by_its_name() {
    for strategy in ["{ send: now }", ONCE, WEEKLY] {
        for (kind, is_taken) in [(FaultKind::DropAfter, true), (FaultKind::DropBefore, false)] {
            let vendor = Vendor::start();
            let site = broadcast(&vendor, strategy);
            // Its absence is proof only beside another broadcast of the kind.
            let other = "campaigns:\n  other: { template: t, audience: a, strategy: s, expires_after: 1h }\n";
            site.write("campaigns/d.yaml", other);
            vendor.sandbox.inject(Fault::once(kind));
            site.apply().exits(10);
            let found = resolve(&site, &["--settle", "0s"]).exits(0);
            found.says(if is_taken { "has one task" } else { "1 not sent" });
            site.apply().exits(0);
            assert_eq!(account(&site), (1, 0, 0));
            assert_eq!(vendor.calls(), 2, "{strategy}, taken: {is_taken}");
        }
    }
}

/// A workspace with `hello` to 250 users by `PushMultiple`: three requests, of which the second meets a fault.
fn multiple(vendor: &Vendor, strategy: &str) -> Site {
    let site = Site::remote(&vendor.url(), 250, "");
    site.edit("campaigns/c.yaml", "call: template", "call: multiple");
    site.edit("campaigns/c.yaml", "{ send: now }", strategy);
    site.edit("campaigns/campaignctl.yaml", "concurrency: 4", "concurrency: 1");
    site
}

#[test]
fn a_push_multiple_is_looked_for_by_its_name_even_an_immediate_one() {
    for strategy in ["{ send: now }", ONCE, WEEKLY] {
        for (kind, is_taken) in [(FaultKind::DropAfter, true), (FaultKind::DropBefore, false)] {
            let vendor = Vendor::start();
            let site = multiple(&vendor, strategy);
            second_batch_meets(&vendor, kind);
            site.apply().exits(10);
            assert_eq!(account(&site), (150, 0, 100));
            if !is_taken {
                let early = resolve(&site, &["--json"]).exits(10).json();
                assert_eq!(early[0]["finding"], "too_early");
            }
            let found = resolve(&site, &["--settle", "0s"]).exits(0);
            found.says(if is_taken { "QueryPushAnalysisTaskList has one task" } else { "1 not sent" });
            site.apply().exits(0);
            assert_eq!(account(&site), (250, 0, 0));
            assert_eq!(vendor.sandbox.received().pushes, 250, "{strategy}, taken: {is_taken}");
            assert!(vendor.disturbed_twice().is_empty());
        }
    }
}

/// Two campaigns with one name of their own, so that their batches are called the same: `again` comes first. The second
/// batch of it is lost after it was taken; of `hello`, a later one is lost before.
fn namesakes(vendor: &Vendor, after: u64) -> Site {
    let site = multiple(vendor, "{ send: now }");
    site.edit("campaigns/c.yaml", "call: multiple", "call: multiple, task_name: 通知");
    let text = site.read("campaigns/c.yaml");
    let (_, hello) = text.split_once("  hello: ").unwrap();
    site.write("campaigns/c.yaml", &format!("{text}  again: {hello}"));
    vendor.sandbox.inject(Fault { kind: FaultKind::DropAfter, times: 1, after: 1 });
    vendor.sandbox.inject(Fault { kind: FaultKind::DropBefore, times: 1, after });
    site.apply().exits(10);
    site
}

#[test]
fn push_multiples_of_two_campaigns_with_one_name_are_told_apart_by_their_numbers() {
    let vendor = Vendor::start();
    let site = namesakes(&vendor, 3);
    assert!(vendor.sandbox.received().pushes < 500);
    resolve(&site, &["--settle", "0s"]).exits(0).says("1 batch sent, 1 not sent");
    site.apply().exits(0);
    assert_eq!(vendor.sandbox.received().pushes, 500);
    assert!(vendor.disturbed_twice().is_empty());
}

#[test]
fn of_two_push_multiples_of_the_same_name_one_task_is_no_proof_for_either() {
    let vendor = Vendor::start();
    let site = namesakes(&vendor, 2);
    let ran = resolve(&site, &["--settle", "0s"]).exits(10).says("may or may not be this batch");
    assert!(ran.stdout.contains("Still in doubt: 2."), "{}", ran.stdout);
}

#[test]
fn an_immediate_push_template_is_in_no_list() {
    let vendor = Vendor::start();
    let site = scheduled(&vendor, "{ send: now }");
    second_batch_meets(&vendor, FaultKind::DropAfter);
    site.apply().exits(10);
    let ran = resolve(&site, &["--settle", "0s"])
        .exits(10)
        .says("the vendor lists no immediate pushes of `PushTemplate`");
    assert!(ran.stdout.contains("Still in doubt: 1."), "{}", ran.stdout);
    assert_eq!(account(&site), (15, 0, 10));
    assert!(
        !vendor.sandbox.requests().iter().any(|seen| seen.action.starts_with("Query")),
        "nothing to ask for"
    );
}

#[test]
fn absence_is_no_proof_of_the_real_vendor_before_half_an_hour() {
    let vendor = Vendor::start();
    let site = scheduled(&vendor, ONCE);
    site.edit("campaigns/campaignctl.yaml", &vendor.url(), "https://vendor.invalid");
    let mut command = site.command(&["doubt", "resolve", "--settle", "29m"]);
    let ran = Ran::of(&command.env_remove("CAMPAIGNCTL_NOW").output().unwrap());
    ran.exits(3).warns("`--settle` is shorter than 30 minutes").warns("nothing was asked");
}

#[test]
fn only_one_campaign_can_be_asked_about() {
    let vendor = Vendor::start();
    let site = scheduled(&vendor, ONCE);
    second_batch_meets(&vendor, FaultKind::DropAfter);
    site.apply().exits(10);
    resolve(&site, &["other"]).exits(3).warns("no campaign `other`");
    resolve(&site, &["hello"]).exits(0).says("1 batch sent");
}

#[test]
fn without_an_answer_nothing_is_recorded() {
    let vendor = Vendor::start();
    let site = scheduled(&vendor, ONCE);
    second_batch_meets(&vendor, FaultKind::DropAfter);
    site.apply().exits(10);
    let mut command = site.command(&["doubt", "resolve"]);
    let refused = Ran::of(&command.env("MPAAS_SK_ENV", "wrong").output().unwrap());
    refused
        .exits(4)
        .warns("the vendor refuses to answer: SignatureDoesNotMatch")
        .warns("nothing was recorded");
    let url = vendor.url();
    site.edit("campaigns/campaignctl.yaml", &url, "http://127.0.0.1:9");
    resolve(&site, &[])
        .exits(10)
        .warns("the vendor gave no answer: no connection")
        .warns("nothing was recorded");
    assert_eq!(account(&site), (15, 0, 10));
}

#[test]
fn doubts_are_listed_with_their_run_and_marked_by_name_too() {
    let vendor = Vendor::start();
    let site = scheduled(&vendor, ONCE);
    second_batch_meets(&vendor, FaultKind::DropAfter);
    let mut apply = site.command(&["apply", "--auto-approve"]);
    let apply = apply.env("CI_JOB_URL", "https://ci.example/jobs/7");
    Ran::of(&apply.output().unwrap()).exits(10);
    let list = site.run(&["doubt", "list"]).exits(0);
    let list = list.says("hello@1  10 targets in 1 batch").says("since 2026-11-24 10:00");
    let shown = site.run(&["doubt", "show", "p/remote/hello@1#2"]).exits(0);
    shown
        .says("hello@1, 10 targets, since 2026-11-24 10:00")
        .says("https://ci.example/jobs/7")
        .says(" of ann@");
    let mut own_words = list.stdout.lines().filter(|line| !line.contains('?'));
    assert!(own_words.all(|line| line.chars().count() <= 80), "{}", list.stdout);
    site.run(&["doubt", "mark", "p/remote/hello@1#2", "p/remote/hello@1#2", "sent", "--reason", "console"])
        .exits(0)
        .says("10 targets got");
    assert_eq!(account(&site), (25, 0, 0));
}

#[test]
fn the_task_of_one_batch_is_not_taken_for_anothers() {
    let vendor = Vendor::start();
    let site = scheduled(&vendor, ONCE);
    // A second campaign with the same words at the same time, to others.
    let other = "audiences:\n  b: { users: [v1, v2] }\ncampaigns:\n  other: { template: t, audience: b, strategy: s, expires_after: 1h }\n";
    site.write("campaigns/d.yaml", other);
    // Of `hello`, the second batch is lost; of `other`, the one batch is taken and its answer lost.
    vendor.sandbox.inject(Fault { kind: FaultKind::DropBefore, times: 1, after: 1 });
    vendor.sandbox.inject(Fault { kind: FaultKind::DropAfter, times: 1, after: 1 });
    site.apply().exits(10).says("12 in doubt");
    // Asked about one of them only, the other is still known to be in doubt.
    resolve(&site, &["hello", "--settle", "0s"])
        .exits(10)
        .says("one task at its time that may or may not be this batch");
    resolve(&site, &["--settle", "0s"]).exits(10).says("Still in doubt: 2.");
    // A person finds out about the one that was taken. Its task is still nobody's in the list.
    site.run(&["doubt", "mark", "p/remote/other@1#1", "sent", "--reason", "console"]).exits(0);
    resolve(&site, &["--settle", "0s"]).exits(10).says("Still in doubt: 1.");
    site.run(&["doubt", "mark", "p/remote/hello@1#2", "not-sent", "--reason", "console"]).exits(0);
    site.apply().exits(0);
    assert_eq!(vendor.sandbox.received().pushes, 27);
    assert!(vendor.disturbed_twice().is_empty());
}

#[test]
fn a_campaign_that_the_ledger_does_not_know_is_no_settled_one() {
    let vendor = Vendor::start();
    let site = scheduled(&vendor, "{ send: now }");
    second_batch_meets(&vendor, FaultKind::DropAfter);
    site.apply().exits(10);
    for command in [&["status"][..], &["doubt", "list"], &["doubt", "list", "--json"], &["doubt", "resolve"]]
    {
        for (name, help) in [("helo", "did you mean `hello`?"), ("nosuch", "see all of them")] {
            let ran = site.run(&[command, &[name]].concat()).exits(3);
            ran.warns(&format!("the ledger has no campaign `{name}`"))
                .warns(help)
                .warns("`campaignctl status`");
        }
    }
    site.run(&["doubt", "list", "hello"]).exits(0).says("1 batch");
    resolve(&site, &["hello"]).exits(10);
}

/// A workspace of 30 users in a file, of whose three batches the first and the last are in doubt.
fn in_doubt(vendor: &Vendor) -> Site {
    let site = scheduled(vendor, "{ send: now }");
    let users: Vec<String> = (1..=25).map(|number| format!("u{number}")).collect();
    site.edit(
        "campaigns/c.yaml",
        &format!("users: [{}]", users.join(", ")),
        "users: { file: people.csv, column: id }",
    );
    let ids: Vec<String> = (1..=30).map(|number| format!("u{number}")).collect();
    site.write("campaigns/people.csv", &format!("id\n{}\n", ids.join("\n")));
    for after in [0, 1] {
        vendor.sandbox.inject(Fault { kind: FaultKind::DropAfter, times: 1, after });
    }
    site.apply().exits(10);
    site
}

#[test]
fn what_is_in_doubt_is_one_line_a_campaign_and_cause() {
    let vendor = Vendor::start();
    let site = in_doubt(&vendor);
    let doubts = site.run(&["doubt", "list", "--json"]).exits(0).json();
    assert_eq!(doubts.as_array().unwrap().len(), 2, "as JSON each batch has an entry: {doubts}");
    let (first, second) = (&doubts[0]["intent"], &doubts[1]["intent"]);
    let listed = site.run(&["doubt", "list"]).exits(0);
    let groups: Vec<&str> = listed.stdout.lines().filter(|line| line.starts_with('?')).collect();
    assert_eq!(groups.len(), 1, "{}", listed.stdout);
    assert!(
        groups[0].contains(&format!("hello@1  20 targets in 2 batches ({first}, {second}), since")),
        "{groups:?}"
    );
    let listed = listed.says("2 batches with 20 targets in doubt").says("`campaignctl doubt resolve`");
    listed.says(&format!("`campaignctl doubt show {first}`"));
    // The run's own report has one line for the cause, too.
    let told = site.run(&["history"]).exits(0);
    told.says("20 in doubt");
}

#[test]
fn the_report_of_a_run_folds_what_is_in_doubt_by_its_cause() {
    let vendor = Vendor::start();
    let site = Site::remote(&vendor.url(), 60, "");
    site.edit("campaigns/campaignctl.yaml", "concurrency: 4", "concurrency: 1");
    vendor.sandbox.inject(Fault::times(FaultKind::DropAfter, 4));
    let applied = site.apply().exits(10);
    let lines: Vec<&str> = applied.stdout.lines().filter(|line| line.contains("in doubt, task")).collect();
    assert_eq!(lines.len(), 1, "{}", applied.stdout);
    assert!(lines[0].contains("40 targets in doubt, task `p/remote/hello@1#1` and 3 more: "), "{lines:?}");
}

#[test]
fn a_batch_in_doubt_names_its_targets_and_their_message_keys() {
    let vendor = Vendor::start();
    let site = in_doubt(&vendor);
    let doubts = site.run(&["doubt", "list", "--json"]).exits(0).json();
    let batch = doubts[0]["intent"].to_string();
    let shown = site.run(&["doubt", "show", &batch, "--json"]).exits(0).json();
    let pushes = shown[0]["pushes"].as_array().unwrap().clone();
    assert_eq!((pushes.len(), &shown[0]["not_in_files"]), (10, &serde_json::json!(0)), "{shown}");
    // The vendor got each under that very key.
    let taken = vendor.sandbox.received().taken;
    let deliveries = taken.iter().flat_map(|push| &push.targets);
    let received: Vec<(String, String)> =
        deliveries.map(|delivery| (delivery.message_key.clone(), delivery.target.clone())).collect();
    for push in &pushes {
        let pair =
            (push["message_key"].as_str().unwrap().to_owned(), push["target"].as_str().unwrap().to_owned());
        assert!(received.contains(&pair), "{pair:?}");
    }
    // Three of them leave: they cannot be named any more, and the others still can.
    let gone: Vec<&str> = pushes.iter().take(3).map(|push| push["target"].as_str().unwrap()).collect();
    let people = site.read("campaigns/people.csv");
    let left: Vec<&str> = people.lines().filter(|line| !gone.contains(line)).collect();
    site.write("campaigns/people.csv", &(left.join("\n") + "\n"));
    let text = site.run(&["doubt", "show", &batch]).exits(0);
    let text = text.says("3 targets are in no audience of the files").says("message key");
    assert!(!text.stdout.lines().any(|line| line.ends_with(&format!("  {}", gone[0]))), "{}", text.stdout);
    text.says(pushes[9]["message_key"].as_str().unwrap());
    site.run(&["doubt", "show", "999"])
        .exits(3)
        .warns("`999` is no batch in doubt")
        .warns("nothing is shown");
}

#[test]
fn a_broadcast_in_doubt_has_a_message_key() {
    let vendor = Vendor::start();
    let site = broadcast(&vendor, "{ send: now }");
    vendor.sandbox.inject(Fault::once(FaultKind::DropAfter));
    site.apply().exits(10);
    let batch = site.run(&["doubt", "list", "--json"]).exits(0).json()[0]["intent"].to_string();
    // printf 'p\nremote\nhello\n1\nbroadcast\nandroid' | sha256sum | cut -c1-32
    site.run(&["doubt", "show", &batch])
        .exits(0)
        .says("everyone on android")
        .says("a255c152f1031daf19d65e9fcb9d7008");
}
