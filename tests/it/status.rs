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
    let table: Vec<&str> = lines.skip(1).take(2).collect();
    let wanted = [
        " campaign  state    people  next              since",
        " hello@1   waiting      25  2026-12-15 09:00  2026-11-24",
    ];
    assert_eq!(table, wanted);
}

/// Every state but `held`, which only a plan knows, and each agrees with the plan's.
#[test]
fn each_campaign_has_its_state_of_life_and_since_when() {
    let site = Site::with(
        "version: 1\nproject: p\ntime_zone: Asia/Shanghai\ndefault_environment: sandbox\nenvironments:\n  sandbox: { \
         app_id: A, workspace_id: w, endpoint: sandbox }\n",
        "templates:\n  t: { name: t, title: T, body: B }\n  u: { name: u, title: U, body: B }\n  v: { name: v, title: V, body: B }\n\
         audiences:\n  a: { users: [u1, u2] }\nstrategies:\n  at_once: { send: now }\n  once: { send: once, at: 2026-12-15T09:00:00 }\n  \
         weekly: { send: repeat, every: week, on: [monday], time: \"13:45:00\", from: 2026-12-01, until: 2027-02-28 }\n  \
         window: { send: now, not_before: 2026-12-15T09:00:00, not_after: 2026-12-15T12:00:00 }\n  \
         past: { send: once, at: 2026-11-23T09:00:00 }\ncampaigns:\n  \
         sale: { template: t, audience: a, strategy: at_once, expires_after: 1h }\n  \
         edited: { template: u, audience: a, strategy: at_once, expires_after: 1h }\n  \
         payday: { template: t, audience: a, strategy: once, expires_after: 1h }\n  \
         digest: { template: t, audience: a, strategy: weekly, expires_after: 1h }\n  \
         launch: { template: t, audience: a, strategy: window, expires_after: 1h }\n  \
         late: { template: t, audience: a, strategy: past, expires_after: 1h }\n  \
         stopped: { template: t, audience: a, strategy: once, closed: true, expires_after: 1h }\n",
    );
    site.apply().exits(0);
    let file = "campaigns/c.yaml";
    site.edit(file, "title: U", "title: W");
    let new = "  welcome: { template: v, audience: a, strategy: at_once, expires_after: 1h }\n";
    site.write(file, &format!("{}{new}", site.read(file)));
    let states = |now: &str| -> Vec<(String, String, String)> {
        let status = site.run_at(now, &["status", "--json"]).exits(0).json();
        let all =
            ["campaigns", "not_sent"].into_iter().flat_map(|key| status[key].as_array().unwrap().clone());
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().chars().take(16).collect();
        all.map(|each| (text(&each["campaign"]), text(&each["state"]), text(&each["since"]))).collect()
    };
    let wanted = |all: &[(&str, &str, &str)]| -> Vec<(String, String, String)> {
        all.iter()
            .map(|(name, state, since)| (name.to_string(), state.to_string(), since.to_string()))
            .collect()
    };
    let sent = "2026-11-24T02:00";
    assert_eq!(
        states(crate::site::NOW),
        wanted(&[
            ("digest", "waiting", sent),
            ("edited", "blocked", ""),
            ("payday", "waiting", sent),
            ("sale", "done", sent),
            ("late", "missed", "2026-11-23T01:00"),
            ("launch", "later", ""),
            ("stopped", "closed", ""),
            ("welcome", "due", ""),
        ])
    );
    let after = "2026-12-15T12:00:00+08:00";
    assert_eq!(
        states(after),
        wanted(&[
            ("digest", "waiting", sent),
            ("edited", "done", sent),
            ("payday", "done", "2026-12-15T01:00"),
            ("sale", "done", sent),
            ("late", "missed", "2026-11-23T01:00"),
            ("launch", "missed", "2026-12-15T04:00"),
            ("stopped", "closed", ""),
            ("welcome", "due", ""),
        ])
    );
    // The plan says the same of each.
    for now in [crate::site::NOW, after] {
        let plan = site.run_at(now, &["plan", "--json"]).exits(0).json();
        for change in plan["changes"].as_array().unwrap() {
            let state = match change["kind"].as_str().unwrap() {
                "create" | "add" | "continue" => "due",
                "up_to_date" => "done",
                other => other,
            };
            let named =
                states(now).into_iter().find(|(name, ..)| change["campaign"] == name.as_str()).unwrap();
            assert_eq!(named.1, state, "{change}");
        }
    }
}

#[test]
fn what_waits_otherwise_than_the_files_say_is_told_and_so_are_mistakes_in_the_files() {
    let vendor = Vendor::start();
    let site = sent(&vendor, ONCE);
    let file = site.read("campaigns/c.yaml");
    site.write("campaigns/c.yaml", "campaigns: {}\n");
    let gone = site.run(&["status"]).exits(0).says("waiting");
    gone.says("note: `hello@1`: no longer in the files, but it waits at the vendor and will still be sent as it was");
    site.write("campaigns/c.yaml", &file.replace("title: T", "title: U"));
    site.run(&["status"]).exits(0).says("blocked").says("the files say something else, but it waits");
    site.write("campaigns/c.yaml", &file.replace("audience: a,", "audiense: a,"));
    let ledger = site.run(&["status"]).exits(0).warns("this is what the ledger alone knows");
    ledger.says(" hello@1   waiting      25  2026-12-15 09:00  2026-11-24");
}

#[test]
fn where_the_table_does_not_fit_no_name_is_cut() {
    let vendor = Vendor::start();
    let site = sent(&vendor, ONCE);
    let at = |columns: &str| {
        let status = Ran::of(&site.command(&["status"]).env("COLUMNS", columns).output().unwrap()).exits(0);
        status.stdout.split_once("\n\n").unwrap().1.to_owned()
    };
    assert!(at("60").lines().next().unwrap().contains("campaign"), "60 columns are enough for a table");
    let narrow = at("40");
    let wanted = "hello@1\n    waiting since 2026-11-24\n    25 people\n    next 2026-12-15 09:00\n";
    assert!(narrow.starts_with(wanted), "{narrow}");
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

#[test]
fn a_list_that_cannot_be_read_hides_no_other_state() {
    let vendor = Vendor::start();
    let site = sent(&vendor, ONCE);
    let later = "audiences:\n  gone:\n    users: { file: gone.csv, column: id }\ncampaigns:\n  late: { template: t, audience: gone, strategy: s, expires_after: 1h }\n";
    site.write("campaigns/d.yaml", later);
    let status = site.run(&["status"]).exits(0).says("hello@1   waiting");
    status.says("late@1    due").says("note: `late@1`: its audience cannot be read");
}
