//! `PushMultiple` from YAML to the vendor: which call is chosen, what each target reads, and that neither crashes nor
//! edits send anything twice.

use std::collections::BTreeMap;

use campaignctl::apply::Step;
use serde_json::Value;

use crate::misfortune::{Vendor, account};
use crate::site::{Site, campaign};

const PROJECT: &str = "version: 1\nproject: p\ndefault_environment: sandbox\nenvironments:\n  sandbox: { app_id: A, workspace_id: w, endpoint: sandbox }\n";

/// The campaign `hello` to the rows of `own.csv`, with values of their own.
const OWN: &str = "\
templates: { t: { name: t, title: \"Hi #name#\", body: \"#money# USD\" } }
audiences: { a: { users: { file: own.csv, column: id } } }
strategies: { s: { send: now } }
campaigns:
  hello: { template: t, audience: a, strategy: s, values: { money: \"200\" }, values_from: { name: nick }, expires_after: 1h }
";

fn rows(targets: usize) -> String {
    let rows: Vec<String> = (1..=targets).map(|number| format!("u{number},nick {number}\n")).collect();
    format!("id,nick\n{}", rows.concat())
}

fn own(targets: usize) -> Site {
    let site = Site::with(PROJECT, OWN);
    site.write("campaigns/own.csv", &rows(targets));
    site
}

/// What the sandbox in the process took: for each push its call, and its targets with what they read.
fn received(site: &Site) -> Vec<(String, BTreeMap<String, Value>)> {
    let target = |target: &Value| (target["target"].as_str().unwrap().to_owned(), target["values"].clone());
    let push = |push: Value| {
        let targets = push["targets"].as_array().unwrap().iter().map(target).collect();
        (push["action"].as_str().unwrap().to_owned(), targets)
    };
    site.received().into_iter().map(push).collect()
}

#[test]
fn each_target_gets_the_values_of_its_row_a_hundred_to_a_request() {
    let site = own(250);
    let plan = site.run(&["plan", "--out", "plan.json"]).exits(0);
    let plan = plan
        .says("+ create hello  PushMultiple  250 targets in 3 requests")
        .says("┃ Hi #name#")
        .says("┃ 200 USD")
        .says("values_from: { name: nick }");
    assert_eq!(plan.last_line(), "Plan: 1 to push (250 targets in 3 requests), 0 up to date, 0 in doubt.");
    assert!(!site.read("plan.json").contains("nick 1"), "a value of one target is in the plan");
    site.run(&["apply", "plan.json", "--auto-approve"]).exits(0).says("250 accepted");
    let received = received(&site);
    let mut sizes: Vec<(&str, usize)> =
        received.iter().map(|(call, targets)| (call.as_str(), targets.len())).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [("PushMultiple", 50), ("PushMultiple", 100), ("PushMultiple", 100)]);
    for (target, values) in received.iter().flat_map(|(_, targets)| targets) {
        let nick = target.replace('u', "nick ");
        assert_eq!(*values, serde_json::json!({ "name": nick, "money": "200" }), "{target}");
    }
    site.run(&["plan"]).exits(0).says("No changes.");
    let export = site.run(&["ledger", "export"]).exits(0).stdout;
    assert!(!export.contains("nick 1"), "a value of one target is in the ledger");
}

#[test]
fn the_largest_request_that_validate_allows_is_one_that_the_sandbox_takes() {
    let site = own(1);
    site.edit("campaigns/c.yaml", "#money# USD", "#name#");
    site.edit("campaigns/c.yaml", "Hi #name#", "Hi");
    site.edit("campaigns/c.yaml", "values: { money: \"200\" }, ", "");
    // Each character is three bytes, and nine on the wire; a body has 16 KiB at most.
    let rows: Vec<String> = (1..=100).map(|number| format!("u{number},{}\n", "推".repeat(5461))).collect();
    site.write("campaigns/own.csv", &format!("id,nick\n{}", rows.concat()));
    site.run(&["validate"]).exits(0);
    site.apply().exits(0).says("100 accepted");
    site.write("campaigns/own.csv", &format!("id,nick\nu101,{}\n", "推".repeat(5462)));
    site.run(&["validate"]).exits(3);
}

#[test]
fn an_audience_that_outgrows_ten_goes_on_by_the_other_call() {
    let users = |count: usize| campaign("hello", count).replace("call: template, ", "");
    let site = Site::with(PROJECT, &users(10));
    site.apply().exits(0).says("10 accepted");
    site.write("campaigns/c.yaml", &users(11));
    site.run(&["plan"]).exits(0).says("PushMultiple  1 target in 1 request").says("1 of 11 joined");
    site.apply().exits(0).says("1 accepted");
    // And back: what was sent stays as it is.
    site.write("campaigns/c.yaml", &users(9));
    site.run(&["plan"]).exits(0).says("No changes.");
    let received = received(&site);
    let calls: Vec<&str> = received.iter().map(|(call, _)| call.as_str()).collect();
    assert_eq!(calls, ["PushTemplate", "PushMultiple"]);
    let targets: usize = received.iter().map(|(_, targets)| targets.len()).sum();
    let each: BTreeMap<_, _> = received.into_iter().flat_map(|(_, targets)| targets).collect();
    assert_eq!((targets, each.len()), (11, 11));
}

#[test]
fn where_values_come_from_is_content_and_by_which_call_they_go_is_not() {
    let site = own(20);
    site.write(
        "campaigns/own.csv",
        &rows(20).replace("id,nick", "id,nick,full").replace('\n', ",x\n").replacen(",x\n", "\n", 1),
    );
    site.apply().exits(0).says("20 accepted");
    site.edit("campaigns/c.yaml", "name: nick", "name: full");
    site.run(&["plan"])
        .exits(0)
        .says("changed since it was sent")
        .says("-  name: nick")
        .says("+  name: full");
    site.edit("campaigns/c.yaml", "name: full", "name: nick");
    site.edit("campaigns/c.yaml", "expires_after", "call: multiple, expires_after");
    site.run(&["plan"]).exits(0).says("No changes.");
    // What rows say now is nobody's who has got a push.
    site.write("campaigns/own.csv", &format!("{}u21,new\n", rows(20).replace("nick ", "other ")));
    site.apply().exits(0).says("1 accepted");
    let last = received(&site).pop().unwrap().1;
    assert_eq!(last["u21"]["name"], "new");
    assert_eq!(last.len(), 1);
}

#[test]
fn a_value_that_changed_makes_a_reviewed_plan_stale() {
    let site = own(20);
    site.run(&["plan", "--out", "plan.json"]).exits(0);
    site.edit("campaigns/own.csv", "nick 7\n", "nick 8\n");
    site.run(&["apply", "plan.json", "--auto-approve"]).exits(7).warns("its targets' own values changed");
    assert!(site.received().is_empty());
}

#[test]
fn a_row_without_its_value_stops_everything_before_anything_is_sent() {
    let site = own(20);
    site.edit("campaigns/own.csv", "u13,nick 13\n", "u13,\n");
    for command in [&["validate"][..], &["plan"], &["apply", "--auto-approve"]] {
        site.run(command).exits(3).warns("error[audience-value]: `nick` is empty\n--> campaigns/own.csv:14");
    }
    assert!(site.received().is_empty());
}

#[test]
fn a_crash_at_any_step_disturbs_nobody_twice_and_loses_nobody() {
    for step in Step::ALL {
        let vendor = Vendor::start();
        let site = Site::remote(&vendor.url(), 1, "");
        site.write("campaigns/c.yaml", OWN);
        // What was accepted shows that the vendor's list is whole.
        let accepted = "templates:\n  z: { name: z, title: T, body: B }\naudiences:\n  z: { users: [z] }\nstrategies:\n  z: { send: now }\n\
             campaigns:\n  zebra: { template: z, audience: z, strategy: z, call: multiple, expires_after: 1h }\n";
        let own = site.read("campaigns/c.yaml");
        site.write("campaigns/c.yaml", accepted);
        site.apply().exits(0);
        site.write("campaigns/z.yaml", accepted);
        site.write("campaigns/c.yaml", &own);
        site.write("campaigns/own.csv", &rows(350));
        let mut command = site.command(&["apply", "--auto-approve"]);
        let crashed = command.env("CAMPAIGNCTL_CRASH_AFTER", step.as_str()).output().unwrap();
        assert_eq!(crashed.status.code(), None, "{step:?}: {}", String::from_utf8_lossy(&crashed.stderr));
        site.apply();
        let (accepted, rejected, in_doubt) = account(&site);
        assert_eq!((accepted + in_doubt, rejected), (350, 0), "{step:?}");
        assert!(vendor.disturbed_twice().is_empty(), "{step:?}: {:?}", vendor.disturbed_twice());
        // The vendor lists these by name: what is in doubt is settled for good. A minute later, so that nothing is in
        // the future.
        site.run_at("2026-11-24T02:01:00Z", &["doubt", "resolve", "--settle", "0s"]).exits(0);
        site.apply().exits(0);
        assert_eq!(account(&site), (350, 0, 0), "{step:?}");
        assert_eq!(vendor.sandbox.received().pushes, 351, "{step:?}");
        assert!(vendor.disturbed_twice().is_empty(), "{step:?}: {:?}", vendor.disturbed_twice());
        site.run(&["ledger", "verify"]).exits(0);
    }
}
