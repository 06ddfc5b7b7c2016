//! When a campaign begins and when it ends, and what the commands say and exit with in between.

use crate::site::{Ran, Site};
use crate::still_waiting::{FILE, scheduled};

/// Two users get it at once, and it was applied on 24 November at ten.
fn sent() -> Site {
    scheduled("send: now")
}

fn grow(site: &Site) {
    site.edit(FILE, "[u1, u2]", "[u1, u2, u3]");
}

fn keys(site: &Site, keys: &str) {
    site.edit(FILE, "expires_after: 1h }", &format!("expires_after: 1h, {keys} }}"));
}

fn summary(ran: &Ran) -> serde_json::Value {
    ran.json()["summary"].clone()
}

/// Every change is in one state, and the last line has them all.
#[track_caller]
fn adds_up(site: &Site, now: &str) {
    let plan = site.run_at(now, &["plan", "--json"]).json();
    let count = |key: &str| plan["summary"][key].as_u64().unwrap();
    let changes = plan["changes"].as_array().unwrap();
    let kinds = |kind: &str| changes.iter().filter(|change| change["kind"] == kind).count() as u64;
    let removed = plan["waiting"]
        .as_array()
        .map_or(0, |waiting| waiting.iter().filter(|each| each["standing"] == "removed").count() as u64);
    let states = ["to_push", "up_to_date", "later", "waiting", "blocked", "held", "missed"];
    let all: u64 = states.into_iter().map(count).sum();
    assert_eq!(all + kinds("in_doubt"), changes.len() as u64 + removed, "{plan}");
}

#[test]
fn a_campaign_that_is_over_does_not_wake_when_its_list_grows() {
    let site = sent();
    grow(&site);
    site.run_at("2026-11-25T09:59:00+08:00", &["plan"]).exits(0).says("+ add hello").says("1 of 3 joined");
    let closed = "2026-11-25T10:01:00+08:00";
    let plan = site.run_at(closed, &["plan", "--detailed-exitcode"]).exits(0).says("No changes.");
    let plan = plan.says("note: `hello`: 1 joined since, not sent; set `open_until: TIME`");
    assert_eq!(plan.last_line(), "Plan: 0 to push (0 targets in 0 requests), 1 up to date, 0 in doubt.");
    adds_up(&site, closed);
    let month_later = "2026-12-30T11:00:00+08:00";
    site.run_at(month_later, &["apply", "--auto-approve"]).exits(0);
    assert_eq!(site.received().len(), 1);
    keys(&site, "open_until: 2026-12-31T00:00:00+08:00");
    site.run_at(month_later, &["plan"])
        .exits(0)
        .says("+ add hello")
        .says("1 of 3 joined; first sent 36 days ago");
    site.edit(FILE, ", open_until: 2026-12-31T00:00:00+08:00", "");
    site.edit(FILE, "send: now", "send: now, open_for: always");
    site.run_at(month_later, &["apply", "--auto-approve"]).exits(0).says("1 accepted");
}

#[test]
fn how_long_latecomers_are_taken_is_no_content() {
    let site = sent();
    let digest =
        |site: &Site| site.run(&["plan", "--json"]).exits(0).json()["changes"][0]["content_digest"].clone();
    let before = digest(&site);
    let window = "send: now, open_for: 3d, not_before: 2026-11-01T00:00:00, not_after: 2026-12-31T00:00:00";
    site.edit(FILE, "send: now", window);
    keys(&site, "open_until: 2027-01-01T00:00:00");
    assert_eq!(digest(&site), before);
    site.run(&["plan"]).exits(0).says("No changes.");
    site.edit(FILE, "open_until: 2027-01-01T00:00:00", "closed: true");
    assert_eq!(digest(&site), before);
}

#[test]
fn the_project_says_how_long_latecomers_are_taken_where_no_strategy_does() {
    let site = sent();
    grow(&site);
    let path = "campaigns/campaignctl.yaml";
    site.write(path, &format!("{}open_for: 3d\n", site.read(path)));
    site.run_at("2026-11-27T09:59:00+08:00", &["plan"]).exits(0).says("+ add hello");
    site.run_at("2026-11-27T10:01:00+08:00", &["plan"]).exits(0).says("1 joined since, not sent");
    site.edit(FILE, "send: now", "send: now, open_for: 1h");
    site.run_at("2026-11-24T11:01:00+08:00", &["plan"]).exits(0).says("1 joined since, not sent");
}

#[test]
fn who_left_the_audience_of_what_waits_is_named_until_it_is_withdrawn() {
    let site = scheduled("send: repeat, every: day, time: \"09:00:00\", from: 2026-11-25, until: 2026-12-31");
    let calm = site.run(&["plan", "--detailed-exitcode"]).exits(0).says("~ waiting hello  2 people");
    let calm = calm.says("next 2026-11-25 09:00, last 2026-12-31 09:00").says("No changes.");
    assert!(calm.last_line().ends_with("0 up to date, 1 waiting, 0 in doubt."), "{}", calm.stdout);
    site.edit(FILE, "[u1, u2]", "[u1]");
    let plan = site.run(&["plan", "--detailed-exitcode"]).exits(2);
    let plan = plan.says("1 person left the audience and will still be pushed").says("set `withdrawn: 1`");
    assert!(!plan.stdout.contains("No changes"), "{}", plan.stdout);
    site.run(&["status", "hello"]).says("1 task with 2 targets waits at the vendor");
    keys(&site, "withdrawn: 1");
    // What is to be put on record is a change, though it sends nothing.
    let plan = site.run(&["plan", "--detailed-exitcode", "--out", "plan.json"]).exits(2);
    let plan =
        plan.says("- withdraw hello@1  2 people").says("it sends nothing").says("1 campaign up to date");
    let plan =
        plan.warns("It has nothing to push, but something to put on record: campaignctl apply plan.json");
    assert!(!plan.stdout.contains("No changes"), "{}", plan.stdout);
    site.run(&["show", "plan.json"]).exits(0).says("- withdraw hello@1  2 people");
    let before = site.run(&["plan", "--json"]).exits(0).json();
    assert_eq!(before["withdrawals"][0]["campaign"], "hello", "{before}");
    site.run(&["apply", "plan.json", "--auto-approve"]).exits(0).warns("Recorded: `hello@1` was withdrawn");
    assert_eq!(site.received().len(), 1);
    site.run(&["plan", "--detailed-exitcode"]).exits(0).says("No changes.");
    let details = site.run(&["status", "hello"]).exits(0).says("withdrawn: its tasks were deleted");
    assert!(!details.stdout.contains("at the vendor:"), "{}", details.stdout);
    let again = site.run(&["apply", "--auto-approve"]).exits(0);
    assert!(!again.stderr.contains("Recorded"), "it is on record once: {}", again.stderr);
    // Its tasks were deleted before the first time, so nobody got it.
    let status = site
        .run(&["status"])
        .exits(0)
        .says("note: `hello@1`: withdrawn: its tasks were deleted at the vendor");
    let line = status.stdout.lines().find(|line| line.contains("hello@1 ")).unwrap();
    assert_eq!(line.split_whitespace().collect::<Vec<_>>(), ["hello@1", "closed", "none", "2026-11-24"]);
    // It is on record: taken out of the file, it sends nothing more all the same.
    site.edit(FILE, ", withdrawn: 1", "");
    site.edit(FILE, "[u1]", "[u1, u2, u3]");
    site.run(&["plan", "--detailed-exitcode"]).exits(0).says("1 campaign up to date");
}

#[test]
fn a_push_waits_for_its_window_and_is_sent_in_it() {
    let window = "send: now, not_before: 2026-12-15T09:00:00+08:00, not_after: 2026-12-15T12:00:00+08:00";
    let site = Site::with(PROJECT, &crate::site::campaign("payday", 25).replace("send: now", window));
    let early = site.run(&["plan", "--detailed-exitcode"]).exits(0);
    let early = early.says(". later payday").says("its window opens 2026-12-15 09:00");
    let line = "Plan: 0 to push (0 targets in 0 requests), 0 up to date, 1 later, 0 in doubt.";
    assert_eq!(early.last_line(), line);
    adds_up(&site, crate::site::NOW);
    site.run_at("2026-12-15T08:59:59+08:00", &["apply", "--auto-approve"]).exits(0);
    assert!(site.received().is_empty());
    site.run_at("2026-12-15T09:00:00+08:00", &["apply", "--auto-approve"]).exits(0).says("25 accepted");
    assert!(site.received().iter().all(|push| push["strategy_type"] == 0));
    site.run_at("2026-12-15T12:00:00+08:00", &["plan"]).exits(0).says("No changes.");
}

#[test]
fn a_window_that_passed_with_people_unsent_is_a_miss_for_a_day() {
    let window = "send: now, not_after: 2026-11-24T12:00:00+08:00";
    let site = Site::with(PROJECT, &crate::site::campaign("outage", 2).replace("send: now", window));
    let noon = "2026-11-24T12:00:00+08:00";
    let plan = site.run_at(noon, &["plan", "--detailed-exitcode"]).exits(9).says("x missed outage");
    let plan = plan.says("its time 2026-11-24 12:00 has passed; 2 people did not get it [time-past]");
    assert!(plan.last_line().ends_with("0 up to date, 1 missed, 0 in doubt."), "{}", plan.stdout);
    site.run_at(noon, &["apply", "--auto-approve"]).exits(9);
    site.run_at(noon, &["apply", "--auto-approve", "--allow", "missed"]).exits(0);
    adds_up(&site, noon);
    // One old miss does not turn every later run red.
    let later = "2026-11-25T12:00:00+08:00";
    let plan = site.run_at(later, &["plan", "--detailed-exitcode"]).exits(0);
    plan.says("x 1 campaign missed more than a day ago")
        .says("note: `outage`: its time 2026-11-24 12:00 has passed");
    site.run_at(later, &["apply", "--auto-approve"]).exits(0);
    keys_of(&site, "outage", "closed: true");
    let closed = site.run_at(noon, &["plan", "--detailed-exitcode"]).exits(0).says("No changes.");
    assert!(!closed.stdout.contains("missed"), "{}", closed.stdout);
    assert!(site.received().is_empty());
}

fn keys_of(site: &Site, name: &str, keys: &str) {
    site.edit(FILE, &format!("  {name}: {{ "), &format!("  {name}: {{ {keys}, "));
}

const PROJECT: &str = "version: 1\nproject: p\ndefault_environment: sandbox\nenvironments:\n  sandbox: { app_id: A, \
                       workspace_id: w, endpoint: sandbox }\n";

#[test]
fn what_apply_did_not_push_is_in_its_exit_code() {
    let once = crate::site::campaign("hello", 2).replace("now", "once, at: 2026-12-15T09:00:00+08:00");
    let site = Site::with(PROJECT, &once);
    let late = "2026-12-15T09:05:00+08:00";
    let ran = site.run_at(late, &["apply", "--auto-approve"]).exits(9).says("x missed hello");
    ran.says("its time 2026-12-15 09:00 has passed; 2 people did not get it");
    assert!(site.received().is_empty());
    let changed = sent();
    changed.edit(FILE, "title: T", "title: U");
    let ran = changed.run(&["apply", "--auto-approve"]).exits(6).says("! blocked hello");
    assert!(ran.last_line().ends_with("1 blocked, 0 in doubt."), "{}", ran.stdout);
    changed.run(&["apply", "--auto-approve", "--allow", "blocked,held"]).exits(0);
    changed.run(&["plan"]).exits(0);
    changed.run(&["plan", "--detailed-exitcode"]).exits(6);
    changed.run(&["plan", "--detailed-exitcode", "--allow", "blocked"]).exits(0);
}

#[test]
fn a_deleted_campaign_that_waits_is_counted_until_it_was_withdrawn() {
    let site = scheduled("send: once, at: 2026-12-15T09:00:00+08:00");
    let (kept, campaigns) = {
        let text = site.read(FILE);
        let (kept, campaigns) = text.split_once("campaigns:").unwrap();
        (kept.to_owned(), format!("campaigns:{campaigns}"))
    };
    site.write(FILE, &kept);
    let plan = site.run(&["plan", "--detailed-exitcode"]).exits(2).says("~ waiting hello");
    assert!(plan.last_line().ends_with("0 up to date, 1 waiting, 0 in doubt."), "{}", plan.stdout);
    assert!(!plan.stdout.contains("No changes"), "{}", plan.stdout);
    adds_up(&site, crate::site::NOW);
    site.write(FILE, &format!("{kept}{}", campaigns.replace("1h }", "1h, withdrawn: 1 }")));
    site.run(&["apply", "--auto-approve"]).exits(0).warns("was withdrawn");
    site.write(FILE, &kept);
    let plan = site.run(&["plan", "--detailed-exitcode"]).exits(0).says("No changes.");
    assert!(!plan.stdout.contains("waiting"), "{}", plan.stdout);
    site.run(&["ledger", "verify"]).exits(0);
    site.run(&["ledger", "pack"]).exits(0);
    site.run(&["plan", "--detailed-exitcode"]).exits(0).says("No changes.");
}

#[test]
fn next_weeks_digest_may_say_the_same_words_under_another_name() {
    let site = sent();
    site.edit(FILE, "  hello:", "  digest-49:");
    site.run(&["plan"]).exits(0).says("! blocked digest-49").says("[renamed]");
    let week_later = "2026-12-01T10:00:00+08:00";
    let plan = site.run_at(week_later, &["plan"]).exits(0).says("+ create digest-49");
    plan.says("note: `hello` already said the same to 2 people of this audience, first on 2026-11-24 10:00");
    // Inside the window in which it was sent, another name is no other campaign.
    let window = "send: now, not_before: 2026-11-24T09:00:00+08:00, not_after: 2026-12-09T10:00:00+08:00";
    let (open, reopened) = (scheduled(window), sent());
    keys(&reopened, "open_until: 2026-12-09T10:00:00+08:00");
    for site in [open, reopened] {
        site.edit(FILE, "  hello:", "  other:");
        site.run_at(week_later, &["plan"]).exits(0).says("! blocked other").says("[renamed]");
    }
    // What takes latecomers for good is never over, and a new name for it would send it to everybody again.
    let welcome = sent();
    welcome.edit(FILE, "send: now", "send: now, open_for: always");
    welcome.edit(FILE, "  hello:", "  welcome:");
    welcome.run_at(week_later, &["plan"]).exits(0).says("[renamed]");
}

/// A pull request is judged by what cannot be sent, not by what can.
#[test]
fn a_push_that_is_pending_hides_no_campaign_that_is_blocked() {
    let site = sent();
    site.edit(FILE, "title: T", "title: U");
    site.write("campaigns/other.yaml", &other("other"));
    site.run(&["plan", "--detailed-exitcode"]).exits(2);
    let plan = site.run(&["plan", "--strict"]).exits(6);
    plan.says("+ create other")
        .says("! blocked hello")
        .says("campaigns/other.yaml:")
        .says("+++ campaigns/c.yaml:");
    site.run(&["plan", "--strict", "--allow", "blocked"]).exits(0);
    site.run(&["plan", "--strict", "--detailed-exitcode"]).exits(3);
    site.edit(FILE, "title: U", "title: T");
    site.run(&["plan", "--strict"]).exits(0).says("1 to push");
    site.run_at("2026-11-27T10:00:00+08:00", &["plan", "--strict"]).exits(0);
}

/// A campaign of the same words to a list of its own.
fn other(name: &str) -> String {
    format!(
        "audiences:\n  mine: {{ users: [w1] }}\ncampaigns:\n  {name}: {{ template: t, audience: mine, strategy: s, \
         expires_after: 1h }}\n"
    )
}

#[test]
fn a_list_with_nobody_of_those_who_got_it_is_warned_of() {
    let warns = |plan: &Ran| plan.stdout.contains("[audience-replaced]");
    let site = sent();
    for (list, is_replaced) in [
        ("[v1, v2]", true),
        ("[v1]", true),
        // Somebody is still there.
        ("[v1, v2, v3, u2]", false),
        ("[u1]", false),
    ] {
        site.edit(FILE, "[u1, u2]", list);
        let plan = site.run(&["plan", "--strict"]).exits(0);
        assert_eq!(warns(&plan), is_replaced, "{list}: {}", plan.stdout);
        site.edit(FILE, list, "[u1, u2]");
    }
    site.edit(FILE, "[u1, u2]", "[v1, v2, v3]");
    site.run(&["plan"])
        .exits(0)
        .says("3 of 3 joined; none of the 2 people sent to before is listed any more; first sent")
        .says("if they are meant to be others, raise `revision` to 2");
    // A new edition is for whom it lists, and after its time nothing is sent.
    keys(&site, "revision: 2");
    assert!(!warns(&site.run(&["plan"]).exits(0)));
    site.edit(FILE, ", revision: 2", "");
    assert!(!warns(&site.run_at("2026-12-27T10:00:00+08:00", &["plan"]).exits(0)));
    // It stops nothing, and who got it is in the list then.
    site.apply().exits(0).says("3 accepted");
    assert!(!warns(&site.run(&["plan"]).exits(0)));
    // One person is replaced as she is.
    let one = sent();
    one.write("campaigns/other.yaml", &other("other"));
    one.apply().exits(0);
    one.edit("campaigns/other.yaml", "[w1]", "[v1]");
    let plan = one.run(&["plan"]).exits(0).says("+ add other");
    assert!(!warns(&plan), "{}", plan.stdout);
}

#[test]
fn a_newcomer_to_a_running_series_begins_with_its_next_time() {
    let site = scheduled("send: repeat, every: day, time: \"09:00:00\", from: 2026-11-25, until: 2026-11-30");
    grow(&site);
    let running = "2026-11-27T10:00:00+08:00";
    let plan = site.run_at(running, &["plan"]).exits(0).says("+ add hello").says("1 of 3 joined");
    plan.says("it has been running since 2026-11-25 09:00: they start with 2026-11-28 09:00");
    site.run_at(running, &["apply", "--auto-approve"]).exits(0).says("1 accepted");
    let received = site.received();
    let triggers = received.last().unwrap()["triggers"].as_array().unwrap();
    assert_eq!(triggers.len(), 3, "{triggers:?}");
    assert!(triggers[0].as_str().unwrap().starts_with("2026-11-28T01:00:00"), "{triggers:?}");
    site.run_at(running, &["plan"]).exits(0).says("~ waiting hello  3 people").says("No changes.");
    site.edit(FILE, "[u1, u2, u3]", "[u1, u2, u3, u4]");
    let over = site.run_at("2026-11-30T09:00:00+08:00", &["plan", "--detailed-exitcode"]).exits(0);
    over.says("No changes.").says("note: `hello`: 1 joined since, not sent; declare a new campaign for them");
}

#[test]
fn what_is_said_of_many_campaigns_is_said_once() {
    let month = |month| format!("  m{month}: {{ send: once, at: 2027-{month:02}-15T09:00:00 }}\n");
    let payday = |month| {
        format!(
            "  payday-{month:02}: {{ template: t, audience: a, strategy: m{month}, expires_after: 1h }}\n"
        )
    };
    let (months, paydays): (Vec<String>, Vec<String>) =
        (1..=12).map(|each| (month(each), payday(each))).unzip();
    let file = format!(
        "templates:\n  t: {{ name: t, title: T, body: B }}\naudiences:\n  a:\n    users: [u1, u2]\nstrategies:\n{}campaigns:\n{}",
        months.concat(),
        paydays.concat()
    );
    let site = Site::with(PROJECT, &file);
    site.apply().exits(0).says("24 accepted");
    grow(&site);
    let year_later = "2028-01-10T10:00:00+08:00";
    let plan = site.run_at(year_later, &["plan", "--detailed-exitcode"]).exits(0);
    let notes: Vec<&str> = plan.stdout.lines().filter(|line| line.contains("note:")).collect();
    let names = "`payday-01`, `payday-02`, `payday-03`, `payday-04`, `payday-05`, `payday-06`, `payday-07`, `payday-08`";
    let said = "1 joined since, not sent; declare a new campaign for them";
    assert_eq!(notes, [format!("    note: {names} and 4 more: {said}")]);
    let plan = site.run_at(year_later, &["plan", "--json"]).exits(0).json();
    let saying_so = plan["changes"].as_array().unwrap().iter().filter(|change| change["note"] == said);
    assert_eq!(saying_so.count(), 12);
}

#[test]
fn what_is_over_is_not_blocked_by_a_typo_that_was_mended() {
    for strategy in ["send: now", "send: once, at: 2026-11-25T09:00:00+08:00"] {
        let site = scheduled(strategy);
        site.edit(FILE, "title: T", "title: U");
        site.run(&["plan"]).exits(0).says("! blocked hello").says("changed since it was sent");
        let plan = site.run_at("2027-01-10T10:00:00+08:00", &["plan", "--detailed-exitcode"]).exits(0);
        plan.says("No changes.").says("note: `hello`: edited since it was sent, which changes nothing");
        site.run_at("2027-01-10T10:00:00+08:00", &["apply", "--auto-approve"]).exits(0);
        assert_eq!(site.received().len(), 1);
    }
    // A time that is still to come is no typo: somebody means to send it again.
    let site = scheduled("send: once, at: 2026-11-25T09:00:00+08:00");
    site.edit(FILE, "2026-11-25T09", "2027-01-11T09");
    site.run_at("2027-01-10T10:00:00+08:00", &["plan"]).exits(0).says("! blocked hello");
}

#[test]
fn too_many_tasks_hold_their_own_campaign_and_no_other() {
    let once = crate::site::campaign("scheduled", 1001).replace("now", "once, at: 2026-12-15T09:00:00+08:00");
    let site = Site::with(PROJECT, &once);
    let small = "  outage: { template: t, audience: b, strategy: at_once, expires_after: 1h }\n";
    let text = site
        .read(FILE)
        .replace("strategies:\n", "  b:\n    users: [x1]\nstrategies:\n  at_once: { send: now }\n");
    site.write(FILE, &format!("{text}{small}"));
    let plan = site.run(&["plan"]).exits(0).says("! held scheduled").says("[too-many-tasks]");
    let plan = plan.says("its 101 tasks never fit: the vendor keeps at most 100").says("+ create outage");
    let line = "Plan: 1 to push (1 target in 1 request), 0 up to date, 1 held, 0 in doubt.";
    assert_eq!(plan.last_line(), line);
    let held = |site: &Site| {
        let status = site.run(&["status", "--json"]).exits(0).json();
        let campaigns = ["campaigns", "not_sent"].map(|of| status[of].as_array().unwrap().clone()).concat();
        let state = |name: &str| {
            let found = campaigns.iter().find(|campaign| campaign["campaign"] == name).unwrap();
            found["state"].as_str().unwrap().to_owned()
        };
        [state("scheduled"), state("outage")]
    };
    assert_eq!(held(&site), ["held", "due"], "status agrees with the plan");
    site.run(&["status"]).exits(0).says("note: `scheduled@1`: its 101 tasks never fit");
    site.apply().exits(6).says("1 accepted").says("Not pushed, as planned: 1 held.");
    assert_eq!(held(&site), ["held", "done"]);
    adds_up(&site, crate::site::NOW);
}

#[test]
fn a_plan_shows_what_was_written() {
    let project = PROJECT.replace("default_env", "time_zone: Europe/Berlin\ndefault_env");
    let text = crate::site::campaign("hello", 2)
        .replace("send: now", "send: once, at: 2026-12-15T09:00:00+08:00")
        .replace("strategies:", "classifications:\n  c: { huawei: { category: marketing } }\nstrategies:")
        .replace("expires_after: 1h", "classification: c, expires_after: 12h");
    let site = Site::with(&project, &text);
    site.run(&["plan"])
        .exits(0)
        .says("2026-12-15 02:00 (09:00 UTC+8)")
        .says("at: 2026-12-15T02:00:00+01:00 (2026-12-15T09:00:00+08:00)\n")
        .says("classification: { huawei: { category: marketing } }")
        .says("expires_after: 12h")
        .says("Tue 2026-12-15  2 people");
}

#[test]
fn a_plan_with_nothing_to_push_is_not_said_to_push() {
    let site = sent();
    let saved = site.run(&["plan", "--out", "plan.json"]).exits(0).warns("It has nothing to push.");
    assert!(!saved.stderr.contains("Push exactly this"), "{}", saved.stderr);
    grow(&site);
    site.run(&["plan", "--out", "plan.json"]).exits(0).warns("Push exactly this");
}

#[test]
fn what_happens_to_others_makes_no_reviewed_plan_stale() {
    let site = scheduled("send: once, at: 2026-11-24T12:00:00+08:00");
    let other = "  other: { template: t, audience: b, strategy: at_once, expires_after: 1h }\n";
    let text = site
        .read(FILE)
        .replace("strategies:\n", "  b:\n    users: [x1]\nstrategies:\n  at_once: { send: now }\n");
    site.write(FILE, &format!("{text}{other}"));
    site.run(&["plan", "--out", "plan.json"]).exits(0).says("~ waiting hello").says("+ create other");
    // `hello` fires in between.
    site.run_at("2026-11-24T13:00:00+08:00", &["apply", "plan.json", "--auto-approve"])
        .exits(0)
        .says("1 accepted");
}

#[test]
fn a_plan_of_an_older_format_is_refused_with_a_clear_word() {
    let site = sent();
    grow(&site);
    site.run(&["plan", "--out", "plan.json"]).exits(0);
    site.edit("plan.json", "\"version\": 3", "\"version\": 2");
    site.run(&["apply", "plan.json", "--auto-approve"])
        .exits(3)
        .warns("this plan has format version 2")
        .warns("plan again with this one");
    assert_eq!(site.received().len(), 1);
}

#[test]
fn a_closed_campaign_sends_nothing_and_blocks_nothing() {
    let site = sent();
    keys(&site, "closed: true");
    grow(&site);
    site.edit(FILE, "title: T", "title: U");
    let plan = site.run(&["plan", "--detailed-exitcode"]).exits(0).says("No changes.");
    assert_eq!(summary(&site.run(&["plan", "--json"]))["up_to_date"], 1, "{}", plan.stdout);
    site.run(&["apply", "--auto-approve"]).exits(0);
    assert_eq!(site.received().len(), 1);
    // What the vendor has already is sent all the same, and said.
    let waiting = scheduled("send: once, at: 2026-12-15T09:00:00+08:00");
    keys(&waiting, "closed: true");
    waiting
        .run(&["plan", "--detailed-exitcode"])
        .exits(2)
        .says("~ waiting hello")
        .says("the file says that it is closed, but it waits at the vendor and will still be sent");
}

/// Two campaigns, each with people of its own: one at once, and one that is blocked.
fn one_of_two_blocked() -> Site {
    let site = sent();
    site.edit(FILE, "title: T", "title: U");
    let other = "  outage-1: { template: u, audience: b, strategy: s, expires_after: 1h }\n";
    let text = site.read(FILE).replace("strategies:\n", "  b:\n    users: [x1]\nstrategies:\n");
    let text = text.replace("audiences:\n", "  u: { name: u, title: T, body: B }\naudiences:\n");
    site.write(FILE, &format!("{text}{other}"));
    site
}

#[test]
fn an_urgent_campaign_goes_out_alone_and_is_judged_alone() {
    for selection in [["--only", "outage-*"], ["--except", "hello"]] {
        let site = one_of_two_blocked();
        site.run(&["apply", "--auto-approve", "--only", "nothing-else"])
            .exits(3)
            .warns("no campaign matches");
        let plan = site.run(&[&["plan", "--out", "plan.json"], &selection[..]].concat()).exits(0);
        assert!(!plan.stdout.contains("hello@") && !plan.stdout.contains("! blocked"), "{}", plan.stdout);
        site.run(&["apply", "plan.json", "--auto-approve"]).exits(0).says("+ outage-1@1  1 accepted");
        // The other one is still there, and is no campaign that was removed.
        site.run(&["plan", "--detailed-exitcode"]).exits(6).says("! blocked hello");
    }
    let site = one_of_two_blocked();
    site.run(&["apply", "--auto-approve", "--only", "outage-1,hello"]).exits(6).says("1 accepted");
    site.run(&["apply", "outage-1", "--auto-approve"]).exits(3).warns("campaignctl apply --only outage-1");
}

#[test]
fn what_is_left_out_is_neither_removed_nor_renamed() {
    let site = scheduled("send: once, at: 2026-12-15T09:00:00+08:00");
    let twin = "  twin: { template: t, audience: a, strategy: s, expires_after: 1h }\n";
    site.write(FILE, &format!("{}{twin}", site.read(FILE)));
    let plan = site.run(&["plan", "--only", "twin"]).exits(0).says("+ create twin");
    assert!(!plan.stdout.contains("hello"), "{}", plan.stdout);
    assert_eq!(summary(&site.run(&["plan", "--json", "--only", "twin"]))["waiting"], 0);
}

#[test]
fn a_selection_of_nothing_is_refused_and_what_waits_without_its_file_can_be_selected() {
    let site = scheduled("send: once, at: 2026-12-15T09:00:00+08:00");
    for selection in [["--only", "hello", "--except", "hello"], ["--only", "*", "--except", "h*"]] {
        for command in [&["plan"][..], &["apply", "--auto-approve"]] {
            site.run(&[command, &selection].concat()).exits(3).warns("nothing is selected");
        }
    }
    site.run(&["plan", "--except", "hello"]).exits(3).warns("nothing is selected");
    let campaigns = site.read(FILE);
    site.write(FILE, &campaigns.replace("  hello: {", "  other: {").replace("title: T", "title: U"));
    let gone = "~ waiting hello  2 people";
    site.run(&["plan", "--detailed-exitcode", "--only", "hello"]).exits(2).says(gone).says("0 to push");
    site.run(&["apply", "--auto-approve", "--only", "hello"]).exits(0).says(gone);
    let but = site.run(&["plan", "--except", "hello"]).exits(0).says("+ create other");
    assert!(!but.stdout.contains("waiting hello"), "{}", but.stdout);
    site.run(&["plan", "--only", "hello", "--except", "hello"]).exits(3).warns("nothing is selected");
    site.run(&["plan", "--only", "hullo"]).exits(3).warns("did you mean `hello`?");
    // Over, it is no campaign of anybody's any more.
    let over = "2026-12-15T09:00:00+08:00";
    site.run_at(over, &["plan", "--only", "hello"]).exits(3).warns("no campaign matches `hello`");
}

#[test]
fn a_campaign_that_is_left_out_is_no_new_name_for_another_all_the_same() {
    let site = scheduled("send: once, at: 2026-12-15T09:00:00+08:00");
    site.edit(FILE, "  hello: {", "  other: {");
    for selection in [&[][..], &["--except", "hello"], &["--only", "other"]] {
        site.run(&[&["plan"], selection].concat()).exits(0).says("! blocked other").says("[renamed]");
    }
}

#[test]
fn a_broadcast_and_a_closed_campaign_take_no_latecomers() {
    let site = sent();
    let late = "takes latecomers until 2026-11-25 10:00";
    site.run(&["status", "hello"]).exits(0).says(late);
    keys(&site, "closed: true");
    let closed = site.run(&["status", "hello"]).exits(0).says("note: closed in the file");
    assert!(!closed.stdout.contains("latecomers"), "{}", closed.stdout);
    let site = Site::with(PROJECT, &crate::site::campaign("hello", 2));
    site.edit(FILE, "users: [u1, u2]", "broadcast: { platform: android, login: logged_in, within: 7d }");
    site.edit(FILE, "call: template, ", "");
    let explained = site.run(&["explain", "hello"]).exits(0).says("At once, when it is applied.");
    assert!(!explained.stdout.contains("joins"), "{}", explained.stdout);
    site.apply().exits(0);
    let status = site.run(&["status", "hello"]).exits(0);
    assert!(!status.stdout.contains("latecomers"), "{}", status.stdout);
}

#[test]
fn what_opens_after_the_wait_is_named() {
    let window = "send: now, not_before: 2026-11-24T10:30:00+08:00";
    let site = Site::with(PROJECT, &crate::site::campaign("payday", 2).replace("send: now", window));
    let apply = site.run(&["apply", "--auto-approve", "--wait=2s"]).exits(0);
    apply.warns("`payday` opens at 2026-11-24 10:30, after --wait=2s. This run will not wait for it.");
    let apply = site.run(&["apply", "--auto-approve"]).exits(0);
    assert!(!apply.stderr.contains("will not wait"), "{}", apply.stderr);
}

#[test]
fn a_series_has_been_running_since_its_first_time_after_it_was_pushed() {
    let series = "send: repeat, every: day, time: \"09:00:00\", from: 2026-11-20, until: 2026-11-30";
    let site = scheduled(series);
    grow(&site);
    // Pushed on the 24th at ten: it happened first on the 25th, whenever it was to begin.
    let plan = site.run_at("2026-11-27T10:00:00+08:00", &["plan"]).exits(0);
    plan.says("it has been running since 2026-11-25 09:00: they start with 2026-11-28 09:00");
    let early = site.run(&["plan"]).exits(0).says("+ add hello");
    assert!(!early.stdout.contains("running since"), "{}", early.stdout);
}

#[test]
fn an_apply_waits_for_a_window_and_sends_what_it_opens_for() {
    let window = "send: now, not_before: 2026-11-24T10:00:02+08:00";
    let site = Site::with(PROJECT, &crate::site::campaign("payday", 25).replace("send: now", window));
    let at_once = "  outage: { template: t, audience: b, strategy: at_once, expires_after: 1h }\n";
    let text = site
        .read(FILE)
        .replace("strategies:\n", "  b:\n    users: [x1]\nstrategies:\n  at_once: { send: now }\n");
    site.write(FILE, &format!("{text}{at_once}"));
    site.run(&["plan", "--detailed-exitcode", "--wait=1s", "--only", "payday"]).exits(0);
    site.run(&["plan", "--detailed-exitcode", "--wait", "--only", "payday"]).exits(2);
    site.run(&["plan", "--out", "plan.json"]).exits(0);
    let ran = site.run(&["apply", "plan.json", "--auto-approve", "--wait=1m"]).exits(0);
    let ran = ran.says("+ outage@1  1 accepted").says("+ payday@1  25 accepted");
    ran.warns("Waiting until 2026-11-24 10:00:02 for `payday`.\nNothing is locked");
    let opens_at: chrono::DateTime<chrono::Utc> = "2026-11-24T02:00:02Z".parse().unwrap();
    let received = site.received();
    let of_window = received.iter().filter(|push| push["targets"][0]["target"] != "x1");
    let sent_at =
        of_window.map(|push| push["at"].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap());
    assert!(sent_at.clone().count() == 3 && sent_at.clone().all(|at| at >= opens_at), "{received:?}");
    site.run(&["ledger", "verify"]).exits(0);
}

#[cfg(unix)]
#[test]
fn a_wait_that_is_ended_loses_nothing_and_holds_no_lock() {
    use std::io::Read;
    let window = "send: now, not_before: 2026-11-24T12:00:00+08:00";
    let site = Site::with(PROJECT, &crate::site::campaign("payday", 2).replace("send: now", window));
    let mut waiting = site
        .command(&["apply", "--auto-approve", "--wait"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    let mut stderr = waiting.stderr.take().unwrap();
    while !said.contains("Ctrl-C ends it") {
        let mut byte = [0];
        assert_eq!(stderr.read(&mut byte).unwrap(), 1, "it ended without waiting: {said}");
        said.push(char::from(byte[0]));
    }
    // Somebody else writes meanwhile.
    site.run(&["apply", "--auto-approve", "--lock-timeout", "0s"]).exits(0);
    let terminated = std::process::Command::new("kill").arg(waiting.id().to_string()).status().unwrap();
    assert!(terminated.success());
    assert_eq!(waiting.wait().unwrap().code(), Some(130));
    assert!(site.received().is_empty());
    site.run_at("2026-11-24T12:00:00+08:00", &["apply", "--auto-approve"]).exits(0).says("2 accepted");
}

/// What is edited, and how.
type Edit = (&'static str, fn(&Site));

/// Applies a saved plan whose window is still to open, makes an edit while it waits, and returns how it ended.
fn edited_during_a_wait(edit: impl FnOnce(&Site)) -> (Site, Ran) {
    use std::io::Read;
    let files = "templates:\n  t: { name: t, title: \"T #name#\", body: B }\naudiences:\n  a: { users: { file: ids.csv, column: id } }\n\
                 strategies:\n  s: { send: now, not_before: 2026-11-24T10:00:06+08:00 }\ncampaigns:\n  payday: { template: t, \
                 audience: a, strategy: s, call: multiple, values_from: { name: nick }, expires_after: 1h }\n";
    let site = Site::with(PROJECT, files);
    site.write("campaigns/ids.csv", "id,nick\nu1,1\nu2,2\n");
    site.run(&["plan", "--out", "plan.json"]).exits(0);
    let mut waiting = site
        .command(&["apply", "plan.json", "--auto-approve", "--wait"])
        .env("CAMPAIGNCTL_NOW", crate::site::NOW)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    let stderr = waiting.stderr.as_mut().unwrap();
    while !said.contains("Ctrl-C ends it") {
        let mut byte = [0];
        assert_eq!(stderr.read(&mut byte).unwrap(), 1, "it ended without waiting: {said}");
        said.push(char::from(byte[0]));
    }
    edit(&site);
    let ended = Ran::of(&waiting.wait_with_output().unwrap());
    (site, ended)
}

#[test]
fn what_changed_during_a_wait_is_not_sent_by_a_reviewed_plan() {
    let edits: [Edit; 7] = [
        ("its text", |site| site.edit(FILE, "body: B", "body: C")),
        ("a value", |site| site.write("campaigns/ids.csv", "id,nick\nu1,1\nu2,5000\n")),
        ("the destination", |site| {
            site.edit("campaigns/campaignctl.yaml", "app_id: A", "tenant_id: X, app_id: A");
        }),
        ("its end", |site| site.edit(FILE, "expires_after: 1h", "closed: true, expires_after: 1h")),
        ("its time, to earlier", |site| site.edit(FILE, "2026-11-24T10:00:06", "2026-11-24T09:00:00")),
        ("its time, to later", |site| site.edit(FILE, "2026-11-24T10:00:06", "2027-11-24T10:00:00")),
        ("its file", |site| std::fs::remove_file(site.path(FILE)).unwrap()),
    ];
    std::thread::scope(|scope| {
        for (what, edit) in edits {
            scope.spawn(move || {
                let (site, ended) = edited_during_a_wait(edit);
                let ended = ended.exits(7);
                ended.warns("what was approved changed while waiting for its window");
                assert!(site.received().is_empty(), "{what}");
            });
        }
    });
    let (site, ended) = edited_during_a_wait(|_| {});
    ended.exits(0);
    assert_eq!(site.received().len(), 1);
}
