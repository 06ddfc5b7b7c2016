//! A ledger counts as sent what its receiver took: the sandbox's is no ledger of a host's, and the other way round.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::misfortune::Vendor;
use crate::site::{Site, campaign};

const LATER: &str = "2026-11-24T10:05:00+08:00";
const PROJECT: &str = "campaigns/campaignctl.yaml";
const AT_SANDBOX: &str = "endpoint: sandbox";

/// A workspace whose one environment, `staging`, is at an endpoint.
fn staging(endpoint: &str) -> Site {
    let project = format!(
        "version: 1\nproject: p\ndefault_environment: staging\nenvironments:\n  staging:\n    app_id: A\n    \
         workspace_id: w\n    endpoint: {endpoint}\n"
    );
    Site::with(&project, &campaign("hello", 5))
}

fn move_to(site: &Site, from: &str, to: &str) {
    site.edit(PROJECT, &format!("endpoint: {from}"), &format!("endpoint: {to}"));
}

#[test]
fn what_the_sandbox_took_counts_as_sent_nowhere_else() {
    let vendor = Vendor::start();
    for packed in [false, true] {
        let calls = vendor.calls();
        let site = staging("sandbox");
        site.apply().exits(0).says("5 accepted");
        if packed {
            site.run(&["ledger", "pack"]).exits(0);
        }
        site.write("ledger.jsonl", &site.run(&["ledger", "export"]).exits(0).stdout);
        move_to(&site, "sandbox", &vendor.url());
        let commands: [&[&str]; 6] = [
            &["plan"],
            &["apply", "--auto-approve"],
            &["status"],
            &["ledger", "init"],
            &["ledger", "verify"],
            &["doubt", "resolve"],
        ];
        for command in commands {
            let ran = site.run(command).exits(12).warns("the ledger was written at the sandbox");
            ran.warns(&vendor.url()).warns("another `ledger:` directory, and run `campaignctl ledger init`");
        }
        assert!(!site.path("campaigns/campaignctl.lock").exists(), "nothing was pinned");
        fs::remove_dir_all(site.path("campaigns/.campaignctl/staging")).unwrap();
        site.run(&["ledger", "restore", "ledger.jsonl"])
            .exits(12)
            .warns("the ledger was written at the sandbox");
        assert_eq!(vendor.calls(), calls);
        // What help says.
        site.edit(PROJECT, "workspace_id: w", "workspace_id: w\n    ledger: .campaignctl/real");
        site.run(&["ledger", "init"]).exits(0).says("Made ledger");
        site.apply().exits(0).says("5 accepted");
        assert_eq!(vendor.calls(), calls + 1);
    }
}

#[test]
fn a_real_ledger_takes_no_dry_run() {
    let vendor = Vendor::start();
    let site = staging(&vendor.url());
    site.run(&["ledger", "init"]).exits(0);
    move_to(&site, &vendor.url(), "sandbox");
    for command in [&["plan"][..], &["apply", "--auto-approve"]] {
        let ran =
            site.run(command).exits(12).warns("was written at a real endpoint, and `endpoint` is `sandbox`");
        ran.warns("an environment of its own");
    }
    move_to(&site, "sandbox", &vendor.url());
    site.apply().exits(0).says("5 accepted");
    // Another host of the same app is no other receiver, nor is another sandbox's pin another ledger.
    let elsewhere = Vendor::start();
    move_to(&site, &vendor.url(), &elsewhere.url());
    site.apply().exits(0).says("up to date");
    move_to(&site, &elsewhere.url(), "https://mpaas.example");
    site.run(&["plan"]).exits(0).says("1 up to date");
}

#[test]
fn a_pinned_sandbox_ledger_is_unpinned_before_there_is_a_real_one() {
    let vendor = Vendor::start();
    let site = staging("sandbox");
    site.run(&["ledger", "init"]).exits(0);
    site.apply().exits(0);
    move_to(&site, "sandbox", &vendor.url());
    site.run(&["plan"]).exits(12).warns("remove this environment's line from `campaignctl.lock`");
}

/// A ledger of version 0.1 says nothing of where it sent: it goes on where it is, and from then on it says.
#[test]
fn a_ledger_of_version_0_1_is_bound_by_its_next_run() {
    let vendor = Vendor::start();
    let unpacked = |site: &Site| {
        let archive = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/ledger/version-0.1.tar.gz");
        fs::create_dir_all(site.path("campaigns/.campaignctl")).unwrap();
        let mut unpack = Command::new("tar");
        unpack.arg("-xzf").arg(archive).current_dir(site.path("campaigns/.campaignctl"));
        assert!(unpack.status().unwrap().success());
    };
    let project = format!(
        "version: 1\nproject: harbour-bank\ndefault_environment: sandbox\nenvironments:\n  sandbox:\n    \
         app_id: ONEX570DA89211721\n    workspace_id: test\n    {AT_SANDBOX}\n"
    );
    for packed in [false, true] {
        let site = Site::with(&project, &campaign("hello", 5));
        unpacked(&site);
        move_to(&site, "sandbox", &vendor.url());
        site.run_at(LATER, &["plan"]).exits(0);
        move_to(&site, &vendor.url(), "sandbox");
        site.run_at(LATER, &["apply", "--auto-approve"]).exits(0).says("5 accepted");
        if packed {
            site.run_at(LATER, &["ledger", "pack"]).exits(0);
        }
        site.run_at(LATER, &["plan"]).exits(0).says("1 up to date");
        move_to(&site, "sandbox", &vendor.url());
        let refused = site.run_at(LATER, &["plan"]).exits(12).warns("was written at the sandbox");
        refused.warns("runs of version 0.1 sent before may have reached people");
    }
}
