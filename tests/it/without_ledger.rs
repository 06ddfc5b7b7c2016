//! `plan --without-ledger`: what a runner plans that must not, or cannot, look into the ledger.

use crate::site::Site;

/// An environment whose ledger is at the other end of a connection that nobody answers.
const FAR_AWAY: &str = "version: 1\nproject: p\ndefault_environment: far\nenvironments:\n  far:\n    app_id: A\n    \
    workspace_id: w\n    endpoint: https://mpaas.example\n    region: cn-hangzhou\n    ledger: postgres://db.example/push\n";

#[test]
fn it_opens_no_ledger_and_no_socket_wherever_the_ledger_is() {
    let site = Site::with(FAR_AWAY, &crate::site::campaign("hello", 25));
    for arguments in [
        &["plan", "--without-ledger"][..],
        &["plan", "--without-ledger", "--only", "hello", "--out", "plan.json"],
        &["show", "plan.json"],
    ] {
        assert_eq!(site.system_calls(arguments, "socket,connect,sendto"), [""; 0], "{arguments:?}");
    }
    site.run(&["plan", "--without-ledger"])
        .exits(0)
        .says("Plan: at most 1 to push (25 targets in 3 requests)");
    assert!(!site.path("campaigns/.campaignctl").exists());
    // Where the ledger is in a directory, none is made.
    let site = Site::with_samples();
    site.run(&["-e", "production", "plan", "--without-ledger"]).exits(0);
    site.run(&["plan", "--without-ledger"]).exits(0);
    assert!(!site.path("campaigns/.campaignctl").exists());
    site.run(&["plan", "--without-ledger", "--only", "nosuch"])
        .exits(3)
        .warns("no campaign matches `nosuch`");
}

#[test]
fn every_form_of_it_says_that_its_counts_are_upper_bounds() {
    let site = Site::with_samples();
    site.apply().exits(0);
    site.run(&["plan"]).exits(0).says("Plan: 0 to push");
    let text = site.run(&["plan", "--without-ledger"]).exits(0);
    let text = text
        .says("compared with no ledger: counts are upper bounds")
        .says("Plan: at most 6 to push (29 targets");
    assert!(
        !text.stdout.contains("new campaign") && !text.stdout.contains("ledger matches"),
        "{}",
        text.stdout
    );
    site.run(&["plan", "--without-ledger", "--format", "markdown", "--max-chars", "1000"])
        .exits(0)
        .says("**Compared with no ledger:** counts are upper bounds")
        .says("Plan: at most 6 to push");
    let json = site.run(&["plan", "--without-ledger", "--json"]).exits(0).json();
    assert_eq!((json.get("ledger"), &json["summary"]["upper_bounds"]), (None, &true.into()));
    let compared = site.run(&["plan", "--json"]).exits(0).json();
    assert!(compared["ledger"]["serial"].is_u64() && compared["summary"].get("upper_bounds").is_none());
    site.run(&["plan", "--without-ledger", "--out", "upper.json"]).exits(0).warns("It cannot be applied");
    site.run(&["show", "upper.json"]).exits(0).says("This plan cannot be applied.");
    // A script that asks whether something is to be pushed hears of what may be.
    site.run(&["plan", "--without-ledger", "--detailed-exitcode"]).exits(2);
}

#[test]
fn it_is_never_applied() {
    let site = Site::with_samples();
    site.run(&["ledger", "init"]).exits(0);
    site.run(&["plan", "--without-ledger", "--out", "upper.json"]).exits(0);
    let refuse = |file: &str, why: &str| {
        for more in [&[][..], &["--partial"], &["--exact"], &["--wait=1h"]] {
            let ran = site.run(&[&["apply", file, "--auto-approve"], more].concat()).exits(3);
            ran.warns(why);
        }
    };
    refuse("upper.json", "was compared with no ledger, so it cannot be applied");
    let plan = site.read("upper.json");
    assert!(plan.contains(",\n    \"upper_bounds\": true"));
    site.write("silent.json", &plan.replace(",\n    \"upper_bounds\": true", ""));
    refuse("silent.json", "was compared with no ledger");
    let ledger = site.run(&["plan", "--json"]).exits(0).json()["ledger"].to_string();
    site.write(
        "forged.json",
        &plan.replacen("  \"inputs\"", &format!("  \"ledger\": {ledger},\n  \"inputs\""), 1),
    );
    refuse("forged.json", "its digest does not fit");
    assert!(site.received().is_empty());
}

/// Whether somebody was missed is what only the ledger knows: a pull request is not refused for it.
#[test]
fn nobody_is_said_to_be_missed_and_nobody_to_be_reached() {
    let site = Site::with_samples();
    site.apply().exits(0);
    let after = "2026-12-15T10:00:00+08:00";
    let ran = site.run_at(after, &["plan", "--without-ledger", "--strict"]).exits(0);
    ran.says("`payday-2026-12`: its time has passed; whether all got it is not known")
        .says("1 up to date, 0 in doubt");
    // One that nobody got looks the same.
    let unsent = Site::with_samples();
    unsent.run_at(after, &["plan", "--strict"]).exits(9);
    let plan = |site: &Site| site.run_at(after, &["plan", "--without-ledger", "--strict"]).exits(0).stdout;
    assert_eq!(plan(&unsent), plan(&site));
}

/// A ledger's salt never leaves it. A fixed one would let anybody who sees the plan try who is on a list.
#[test]
fn its_digests_tell_nobody_who_is_on_a_list() {
    let site = Site::with_samples();
    let digests = || {
        let plan = site.run(&["plan", "--without-ledger", "--json"]).exits(0).json();
        let change = &plan["changes"][0];
        [&change["audience_digest"], &change["push_digest"]].map(ToString::to_string)
    };
    let (one, other) = (digests(), digests());
    assert!(one[0] != other[0] && one[1] != other[1], "{one:?}");
    let text = |site: &Site| site.run(&["plan", "--without-ledger"]).exits(0).stdout;
    assert_eq!(text(&site), text(&site), "and nothing that people read depends on them");
}
