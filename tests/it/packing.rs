//! A packed ledger, through the binary: it knows who was sent to, what is in doubt and who ran what, as before.

use std::fs;

use campaignctl::sandbox::{Fault, FaultKind};

use crate::misfortune::Vendor;
use crate::site::{Site, campaign};

const LEDGER: &str = "campaigns/.campaignctl/remote";

#[test]
fn a_packed_ledger_sends_to_new_targets_only() {
    let vendor = Vendor::start();
    let site = Site::remote(&vendor.url(), 1250, "");
    site.apply().exits(0);
    let before = site.run(&["status", "--json"]).exits(0).json();
    site.run(&["ledger", "pack"]).exits(0).says("into 4.");
    assert!(site.path(LEDGER).join("store-1").is_dir());
    assert!(!site.path(LEDGER).join("db").exists());
    let after = site.run(&["status", "--json"]).exits(0).json();
    assert_eq!(before["campaigns"], after["campaigns"]);
    assert_eq!(site.run(&["history", "--json"]).exits(0).json()[0]["accepted"], 1250);
    site.run(&["plan"]).exits(0).says("No changes");
    site.run(&["ledger", "verify"]).exits(0).says("250 accepted, 0 rejected, 0 in doubt");
    site.write("campaigns/c.yaml", &campaign("hello", 1300));
    site.run(&["plan"]).exits(0).says("50 targets in 5 requests");
    site.apply().exits(0).says("50 accepted");
    assert_eq!(vendor.sandbox.received().pushes, 1300);
    // Packed again, what came since goes with what was there.
    site.run(&["ledger", "pack"]).exits(0);
    assert!(!site.path(LEDGER).join("store-1").exists());
    site.write("campaigns/c.yaml", &campaign("hello", 1301));
    site.apply().exits(0).says("1 accepted");
    assert_eq!(vendor.sandbox.received().pushes, 1301);
}

#[test]
fn an_edit_after_packing_is_an_edit_after_sending() {
    let vendor = Vendor::start();
    let site = Site::remote(&vendor.url(), 200, "");
    site.apply().exits(0);
    site.run(&["ledger", "pack"]).exits(0);
    site.edit("campaigns/c.yaml", "title: T", "title: U");
    let plan = site.run(&["plan", "--json"]).exits(0).json();
    assert_eq!(plan["changes"][0]["kind"], "blocked");
    assert_eq!(plan["changes"][0]["sent_content"]["template"]["title"], "T");
}

#[test]
fn doubt_outlives_packing_and_can_be_settled_by_its_number() {
    let vendor = Vendor::start();
    let site = Site::remote(&vendor.url(), 30, "");
    vendor.sandbox.inject(Fault::once(FaultKind::DropAfter));
    site.apply().exits(10);
    let doubts = site.run(&["doubt", "list", "--json"]).json();
    site.run(&["ledger", "pack"]).exits(0);
    assert_eq!(site.run(&["doubt", "list", "--json"]).json(), doubts);
    let number = doubts[0]["intent"].to_string();
    site.run(&["plan"]).exits(0).says("in doubt");
    site.run(&["doubt", "mark", &number, "sent", "--reason", "seen at the vendor"]).exits(0);
    site.run(&["ledger", "verify"]).exits(0).says("30 accepted, 0 rejected, 0 in doubt");
    site.run(&["plan"]).exits(0).says("No changes");
}

#[test]
fn an_apply_packs_a_ledger_that_became_long() {
    let vendor = Vendor::start();
    let site = Site::remote(&vendor.url(), 300, "");
    site.run(&["apply", "--auto-approve", "--pack-after", "1000"]).exits(0);
    assert!(!site.path(LEDGER).join("store-1").exists());
    site.write("campaigns/c.yaml", &campaign("hello", 600));
    let applied = site.run(&["apply", "--auto-approve", "--pack-after", "60"]).exits(0);
    applied.says("300 accepted").warns("Packed the ledger's");
    // Once before it sent, as it had become long already, and once after.
    assert!(site.path(LEDGER).join("store-2").is_dir());
    site.apply().exits(0).says("up to date");
    assert_eq!(vendor.sandbox.received().pushes, 600);
}

#[test]
fn an_apply_first_packs_what_a_killed_one_left_long() {
    let vendor = Vendor::start();
    let site = Site::remote(&vendor.url(), 600, "");
    let mut killed = site.command(&["apply", "--auto-approve", "--pack-after", "60"]);
    let killed = killed.env("CAMPAIGNCTL_CRASH_AFTER", "run-done").output().unwrap();
    assert_eq!(killed.status.code(), None, "it was to die");
    assert!(!site.path(LEDGER).join("store-1").exists());
    site.write("campaigns/c.yaml", &campaign("hello", 605));
    // A reviewed plan is held to the ledger as it is; nothing is packed before it.
    site.run(&["plan", "--out", "plan.json"]).exits(0);
    let copy = site.run(&["apply", "plan.json", "--auto-approve", "--pack-after", "60"]).exits(0);
    copy.says("5 accepted").warns("Packed the ledger's");
    site.write("campaigns/c.yaml", &campaign("hello", 610));
    let packs = site.run(&["apply", "--auto-approve", "--pack-after", "0"]).exits(0).says("5 accepted");
    assert_eq!(packs.stderr.matches("Packed the ledger's").count(), 1, "there was nothing to pack before it");
    let mut killed = site.command(&["apply", "--auto-approve", "--pack-after", "60"]);
    site.write("campaigns/c.yaml", &campaign("hello", 1210));
    let killed = killed.env("CAMPAIGNCTL_CRASH_AFTER", "run-done").output().unwrap();
    assert_eq!(killed.status.code(), None, "it was to die");
    site.write("campaigns/c.yaml", &campaign("hello", 1215));
    let packs = site.run(&["apply", "--auto-approve", "--pack-after", "60"]).exits(0);
    packs.says("5 accepted").warns("Packed the ledger's");
    assert_eq!(vendor.sandbox.received().pushes, 1215);
}

#[test]
fn a_packed_ledger_is_restored_from_its_export() {
    let vendor = Vendor::start();
    let site = Site::remote(&vendor.url(), 900, "");
    site.apply().exits(0);
    site.run(&["ledger", "pack"]).exits(0);
    let export = site.run(&["ledger", "export"]).exits(0).stdout;
    fs::remove_dir_all(site.path(LEDGER)).unwrap();
    site.run(&["plan"]).exits(12).warns("there is no ledger");
    site.write("torn.jsonl", &export.replace("\"hashes\":\"", "\"hashes\":\"AAAA"));
    let refused = site.run(&["ledger", "restore", "torn.jsonl"]).exits(12);
    refused
        .warns("the targets of record")
        .warns("are not what was written there")
        .warns("nothing was changed");
    site.write("ledger.jsonl", &export);
    site.run(&["ledger", "restore", "ledger.jsonl"]).exits(0).says("Restored ledger");
    assert_eq!(site.run(&["ledger", "export"]).exits(0).stdout, export);
    site.apply().exits(0).says("up to date");
    assert_eq!(vendor.sandbox.received().pushes, 900);
}

#[test]
fn an_older_copy_in_the_place_of_a_packed_ledger_is_noticed() {
    let vendor = Vendor::start();
    let site = Site::remote(&vendor.url(), 150, "");
    let home = site.path("home");
    let run = |arguments: &[&str]| {
        crate::site::Ran::of(&site.command(arguments).env("HOME", &home).output().unwrap())
    };
    run(&["apply", "--auto-approve"]).exits(0);
    let older = site.path("older");
    assert!(
        std::process::Command::new("cp")
            .arg("-r")
            .args([site.path(LEDGER), older.clone()])
            .status()
            .unwrap()
            .success()
    );
    run(&["ledger", "pack"]).exits(0);
    fs::rename(site.path(LEDGER), site.path("newer")).unwrap();
    fs::rename(older, site.path(LEDGER)).unwrap();
    run(&["plan"]).exits(12).warns("was rolled back");
    fs::remove_dir_all(site.path(LEDGER)).unwrap();
    fs::rename(site.path("newer"), site.path(LEDGER)).unwrap();
    run(&["plan"]).exits(0).says("No changes");
}
