//! `status`: what the ledger knows, wide, narrow, and of one campaign.

use crate::misfortune::Vendor;
use crate::site::{Ran, Site};

const ONCE: &str = "{ send: once, at: 2026-12-15T09:00:00+08:00 }";
const WEEKLY: &str =
    "{ send: repeat, every: week, on: [monday], time: \"13:45:11\", from: 2026-12-01, until: 2027-02-28 }";

fn sent(vendor: &Vendor, strategy: &str) -> Site {
    let site = Site::remote(&vendor.url(), 25, "");
    site.edit("campaigns/c.yaml", "{ send: now }", strategy);
    site.edit("campaigns/campaignctl.yaml", "project: p\n", "project: p\ntime_zone: Asia/Shanghai\n");
    site.apply().exits(0);
    site
}

#[test]
fn one_campaign_has_its_words_its_times_and_its_tasks_with_their_ids_also_once_the_ledger_is_packed() {
    for (strategy, when, next) in [
        (ONCE, "fires 2026-12-15 09:00", "2026-12-15T01:00:00Z"),
        (
            WEEKLY,
            "fires next 2026-12-07 13:45:11, for the last time 2027-02-22 13:45:11",
            "2026-12-07T05:45:11Z",
        ),
    ] {
        let vendor = Vendor::start();
        let site = sent(&vendor, strategy);
        let taken = vendor.sandbox.received().taken;
        let wanted: Vec<(String, String)> =
            taken.iter().map(|push| (push.task_name.clone(), push.task_id.clone())).collect();
        assert_eq!(wanted.len(), 3);
        for _ in 0..2 {
            let status = site.run(&["status", "hello"]).exits(0).says(when).says("T").says("by ann@");
            let status = status.says("3 tasks with 25 targets wait at the vendor:");
            for (name, id) in &wanted {
                let task = format!("`{name}`  id {id}, ");
                assert!(status.stdout.contains(&task), "no {task} in {}", status.stdout);
            }
            let json = site.run(&["status", "hello", "--json"]).exits(0).json();
            let campaign = &json["campaigns"][0];
            assert_eq!(
                (campaign["next_at"].as_str(), campaign["tasks"].as_array().unwrap().len()),
                (Some(next), 3)
            );
            assert_eq!(campaign["runs"].as_array().unwrap().len(), 1, "{campaign}");
            site.run(&["ledger", "pack"]).exits(0);
        }
        // Once it is over, nothing waits.
        let over = site.run_at("2027-03-01T00:00:00Z", &["status", "hello"]).exits(0);
        assert!(!over.stdout.contains("at the vendor"), "{}", over.stdout);
        over.says("fired for the last time");
    }
}

#[test]
fn the_table_says_what_it_is_about_and_when_each_fires_next() {
    let vendor = Vendor::start();
    let site = sent(&vendor, ONCE);
    let status = site.run(&["status"]).exits(0);
    let mut lines = status.stdout.lines();
    let heading = lines.next().unwrap();
    for part in ["remote", "Asia/Shanghai", ".campaignctl/remote", "up to record"] {
        assert!(heading.contains(part), "no {part} in {heading}");
    }
    status.says("hello@1").says("2026-12-15 09:00");
}

#[test]
fn where_the_table_does_not_fit_no_name_is_cut() {
    let vendor = Vendor::start();
    let site = sent(&vendor, ONCE);
    let at = |columns: &str| {
        let status = Ran::of(&site.command(&["status"]).env("COLUMNS", columns).output().unwrap()).exits(0);
        status.stdout.split_once("\n\n").unwrap().1.to_owned()
    };
    assert!(at("80").lines().next().unwrap().contains("campaign"), "80 columns are enough for a table");
    let narrow = at("40");
    assert_eq!(narrow, "hello@1\n    25 accepted\n    last 2026-11-24 10:00\n    next 2026-12-15 09:00\n");
}

#[test]
fn what_editors_lack_is_one_line_of_validate_and_of_no_other_command() {
    let site = Site::with_samples();
    std::fs::remove_dir_all(site.path("schema")).unwrap();
    let validated = site.run(&["validate"]).exits(0).warns("warning[schema-line]: ");
    let told = validated.stderr.lines().filter(|line| line.contains("schema-line")).count();
    assert_eq!(told, 1, "{}", validated.stderr);
    for command in [&["plan"][..], &["apply", "--auto-approve"], &["explain", "payday-2026-12"]] {
        let ran = site.run(command).exits(0);
        assert!(!ran.stderr.contains("schema"), "{command:?}: {}", ran.stderr);
    }
}

#[test]
fn init_into_a_workspace_makes_no_workspace_inside_it() {
    let site = Site::with("version: 1\nproject: p\n", "campaigns: {}\n");
    std::fs::remove_dir_all(site.path("campaigns")).unwrap();
    site.run(&["-C", "campaigns", "init"]).exits(0).warns("edit `campaigns/campaignctl.yaml`");
    assert!(site.path("campaigns/campaignctl.yaml").exists() && site.path("schema").exists());
    assert!(!site.path("campaigns/campaigns").exists());
    site.run(&["-C", "campaigns", "plan"]).exits(0);
    let mut inside = site.command(&["init"]);
    let inside = Ran::of(&inside.current_dir(site.path("campaigns")).output().unwrap());
    inside.exits(3).warns("this directory is a workspace already");
    assert!(!site.path("campaigns/campaigns").exists());
}
