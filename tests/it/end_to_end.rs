//! The whole job through the binary: plan, apply, plan again, and everything that may have moved in between.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use campaignctl::diagnostic::Code;

use crate::site::{Ran, Site, campaign};

/// Pushes by target and message key, as the sandbox counted them.
fn pushes(site: &Site) -> BTreeMap<(String, String), u32> {
    let mut counts = BTreeMap::new();
    for push in site.received() {
        for target in push["targets"].as_array().unwrap() {
            let (target, key) = (target["target"].to_string(), target["message_key"].to_string());
            *counts.entry((target, key)).or_default() += 1;
        }
    }
    counts
}

#[test]
fn the_samples_are_planned_applied_and_then_up_to_date() {
    let site = Site::with_samples();
    let plan = site.run(&["plan", "--detailed-exitcode"]).exits(2);
    assert_eq!(
        plan.last_line(),
        "Plan: 6 to push (29 targets and 3 broadcasts in 6 requests), 0 up to date, 0 in doubt."
    );
    site.apply().exits(0).says("32 accepted, 0 rejected, 0 in doubt, 0 not sent");
    let again = site.run(&["plan", "--detailed-exitcode"]).exits(0).says("No changes.");
    assert_eq!(
        again.last_line(),
        "Plan: 0 to push (0 targets in 0 requests), 4 up to date, 2 waiting, 0 in doubt."
    );
    site.apply().exits(0).says("No changes.");
    let pushes = pushes(&site);
    assert_eq!(pushes.len(), 32);
    assert!(pushes.values().all(|times| *times == 1), "{pushes:?}");
}

#[test]
fn a_grown_audience_gets_the_push_once_and_a_shrunk_one_gets_nothing() {
    let site = Site::with_samples();
    site.apply().exits(0);
    let path = "campaigns/audiences/locked.txt";
    site.write(path, &format!("{}cust-1024\n", site.read(path)));
    let plan = site.run(&["plan"]).exits(0).says("+ add account-locked-2026-11-24").says("1 of 3 joined");
    assert_eq!(
        plan.last_line(),
        "Plan: 1 to push (1 target in 1 request), 3 up to date, 2 waiting, 0 in doubt."
    );
    site.apply().exits(0).says("1 accepted");
    let task = site.received().last().unwrap()["task_name"].as_str().unwrap().to_owned();
    assert_eq!(task, "harbour-bank/sandbox/account-locked-2026-11-24@1#2");
    site.write(path, "cust-1007\n");
    site.run(&["plan"]).exits(0).says("No changes.");
    assert!(pushes(&site).values().all(|times| *times == 1));
}

#[test]
fn content_that_was_sent_is_blocked_with_its_diff_until_the_revision_is_raised() {
    let site = Site::with_samples();
    site.apply().exits(0);
    let sent = site.received().len();
    site.edit("campaigns/payday.yaml", "12月\"", "十二月\"");
    let plan = site
        .run(&["plan"])
        .exits(0)
        .says("! blocked payday-2026-12")
        .says("changed since it was sent")
        .says("-  month: 12月")
        .says("+  month: 十二月")
        .says("raise `revision` to 2");
    assert_eq!(
        plan.last_line(),
        "Plan: 0 to push (0 targets in 0 requests), 4 up to date, 1 waiting, 1 blocked, 0 in doubt."
    );
    site.run(&["plan", "--detailed-exitcode"]).exits(2);
    site.apply().exits(6);
    assert_eq!(site.received().len(), sent);
    site.edit("campaigns/payday.yaml", "    expires_after", "    revision: 2\n    expires_after");
    site.run(&["plan"]).exits(0).says("! blocked payday-2026-12@2").says("[still-waiting]");
    site.edit("campaigns/payday.yaml", "revision: 2", "revision: 2\n    withdrawn: 1");
    site.run(&["plan"]).exits(0).says("+ create payday-2026-12@2").says("24 targets in 1 request");
    site.apply().exits(0).says("24 accepted");
    site.run(&["plan"]).exits(0).says("No changes.");
    site.edit("campaigns/payday.yaml", "    revision: 2\n    withdrawn: 1\n", "");
    // The first revision's content is history again, so going back is no change.
    site.edit("campaigns/payday.yaml", "十二月\"", "12月\"");
    site.run(&["plan"]).exits(0).says("Plan: 0 to push").says("~ waiting payday-2026-12@2  24 people");
}

#[test]
fn a_deleted_campaign_keeps_its_history() {
    let site = Site::with_samples();
    site.apply().exits(0);
    fs::remove_file(site.path("campaigns/outage.yaml")).unwrap();
    site.run(&["plan"]).exits(0).says("No changes.");
    site.run(&["status"]).exits(0).says("outage-android-2026-11-28@1");
}

#[test]
fn a_saved_plan_is_executed_exactly_or_refused_as_stale() {
    let site = Site::with_samples();
    site.run(&["plan", "--out", "plan.json"]).exits(0);
    let refused = |edit: &dyn Fn(&Site), code: i32, what: &str| {
        let other = Site::with_samples();
        // The ledger of the plan, elsewhere: only the edit differs.
        copy_ledger(&site, &other);
        fs::copy(site.path("plan.json"), other.path("plan.json")).unwrap();
        edit(&other);
        other
            .run(&["apply", "plan.json", "--auto-approve"])
            .exits(code)
            .warns(what)
            .warns("nothing was sent");
        assert!(other.received().is_empty());
    };
    refused(
        &|site| site.edit("campaigns/payday.yaml", "12月\"", "x\""),
        7,
        "`payday-2026-12`: its content changed",
    );
    refused(&|site| site.write("campaigns/audiences/locked.txt", "cust-1\n"), 7, "its audience changed");
    refused(
        &|site| fs::remove_file(site.path("campaigns/digest.yaml")).unwrap(),
        7,
        "`weekly-digest-winter` was removed",
    );
    refused(
        &|site| site.edit("campaigns/campaignctl.yaml", "workspace_id: test", "workspace_id: prod"),
        12,
        "workspace",
    );
    refused(&|site| fs::remove_dir_all(site.path("campaigns/.campaignctl")).unwrap(), 12, "lineage");
    site.run(&["apply", "plan.json", "--auto-approve", "-e", "production"])
        .exits(7)
        .warns("made for environment");
    // By then the series begins later than it was reviewed, too.
    site.run_at("2026-12-20T00:00:00Z", &["apply", "plan.json", "--auto-approve"])
        .exits(7)
        .warns("`payday-2026-12`: its time 2026-12-15 09:00 has passed")
        .warns("`weekly-digest-winter`: its first time that is still to come changed");
    site.run(&["apply", "plan.json", "--auto-approve"]).exits(0).says("32 accepted");
    // Nobody is left.
    site.run(&["apply", "plan.json", "--auto-approve"]).exits(0).says("No changes");
    site.run(&["apply", "plan.json", "--auto-approve", "--exact"])
        .exits(7)
        .warns("the ledger moved on from record 1");
    assert_eq!(site.received().len(), 6);
}

#[test]
fn what_changes_no_reviewed_push_voids_no_approval() {
    let site = Site::with_samples();
    site.run(&["plan", "--out", "plan.json"]).exits(0);
    let payday = site.read("campaigns/payday.yaml");
    site.write("campaigns/payday.yaml", &format!("# A comment.\n{payday}"));
    site.run(&["apply", "plan.json", "--auto-approve", "--exact"])
        .exits(7)
        .warns("the file `campaigns/payday.yaml` was changed")
        .warns("nothing was sent");
    // A campaign that nobody reviewed is left out.
    site.write("campaigns/audiences/late.txt", "late-1\n");
    let new = payday.replace("payday-2026-12", "payday-2027-01").replace("locked.txt", "late.txt");
    let only_campaign = new.split("campaigns:").nth(1).unwrap();
    site.write("campaigns/new.yaml", &format!("campaigns:{only_campaign}"));
    site.run(&["apply", "plan.json", "--auto-approve"])
        .exits(0)
        .says("32 accepted")
        .warns("Not pushed, since the reviewed plan does not push it: `payday-2027-01`");
    site.run(&["plan"]).exits(0).says("1 to push");
}

#[test]
fn a_part_of_a_reviewed_plan_is_pushed_only_if_it_is_asked_for() {
    let site = Site::with_samples();
    site.run(&["plan", "--out", "plan.json"]).exits(0);
    let before = site.received().len();
    site.edit("campaigns/payday.yaml", "12月\"", "x\"");
    site.run(&["apply", "plan.json", "--auto-approve"])
        .exits(7)
        .warns("`payday-2026-12`: its content changed");
    assert_eq!(site.received().len(), before);
    site.run(&["apply", "plan.json", "--auto-approve", "--partial"])
        .exits(7)
        .warns("Not pushed, since it is no longer as it was reviewed:")
        .warns("`payday-2026-12`: its content changed")
        .says("accepted");
    site.run(&["plan"]).exits(0).says("1 to push").says("payday-2026-12");
    site.run(&["apply", "plan.json", "--partial", "--exact"]).exits(3);
    site.run(&["apply", "--partial"]).exits(3);
}

fn copy_ledger(from: &Site, to: &Site) {
    let (from, to) = (from.path("campaigns/.campaignctl/sandbox"), to.path("campaigns/.campaignctl/sandbox"));
    fs::create_dir_all(&to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        } else {
            fs::create_dir_all(to.join(entry.file_name())).unwrap();
        }
    }
}

#[test]
fn a_plan_file_of_another_kind_is_refused_in_words() {
    let site = Site::with_samples();
    site.run(&["plan", "--out", "plan.json"]).exits(0);
    let plan = site.read("plan.json");
    for (text, what) in [
        ("{}".to_owned(), "no campaignctl plan"),
        ("<html>".to_owned(), "no campaignctl plan"),
        (plan.replacen("\"version\": 3", "\"version\": 2", 1), "format version 2"),
        (plan.replacen("\"to_push\": 6", "\"to_push\": 5", 1), "changed after it was made"),
    ] {
        site.write("bad.json", &text);
        site.run(&["apply", "bad.json", "--auto-approve"]).exits(3).warns(what);
        site.run(&["show", "bad.json"]).exits(3).warns(what);
    }
    site.run(&["apply", "nowhere.json", "--auto-approve"]).exits(3).warns("nowhere.json");
    assert!(site.received().is_empty());
}

#[test]
fn a_plan_is_a_comment_for_a_pull_request() {
    let project = "version: 1\nproject: p\ndefault_environment: test\nenvironments:\n  test:\n    app_id: A\n    \
                   workspace_id: w\n    endpoint: sandbox\n";
    let site = Site::with(project, &campaign("hello", 2));
    let comment = site.run(&["plan", "--out", "plan.json", "--format", "markdown"]).exits(0).stdout;
    for shown in [
        "<!-- campaignctl:p/test/campaigns -->\n\n**Plan: 1 to push (2 targets in 1 request), 0 up to date, 0 in doubt.**\n",
        "\n**`p`** in **`test`**: app `A`, workspace `w`, `sandbox`\n",
        "\n| + create | `hello` | 2 targets in 1 request | now | rings on vivo; not known on iOS | `PushTemplate` | `campaigns/c.yaml:9` |\n",
        "\n<details><summary>+ create <code>hello</code></summary>\n\n- new campaign\n- audience `a`: 2 targets\n\
         - shows: drawer only, silent (Huawei, Honor, Xiaomi, OPPO); lock screen, banner, sound and vibration (vivo); \
         notification centre only (more notifications), silent (HarmonyOS); not known (iOS)\n\n\
         ```text\nT\n\nB\n```\n```yaml\ntemplate: { name: t, title: T, body: B }\n",
    ] {
        assert!(comment.contains(shown), "no {shown:?} in {comment}");
    }
    // A saved plan does not know whose workspace it is of.
    let shown = comment.replace("campaigns/c.yaml", "c.yaml").replace("/campaigns -->", "/ -->");
    let again = ["show", "plan.json", "--format", "markdown"];
    assert_eq!(site.run(&again).exits(0).stdout, shown);
    // Who shows it does.
    assert_eq!(site.run(&[&["-C", "campaigns"], &again[..]].concat()).exits(0).stdout, comment);

    site.edit("campaigns/c.yaml", "body: B", &format!("body: {}", "long ".repeat(400)));
    let short = ["plan", "--format", "markdown", "--max-chars", "1000"];
    let short =
        site.run(&short).exits(0).says("**This is not the whole plan.** Left out to fit 1 000 characters: ");
    assert!(short.stdout.chars().count() <= 1000, "{}", short.stdout);
    site.run(&["plan", "--max-chars", "1000"]).exits(3).warns("`--max-chars` is for `--format markdown`");
    site.run(&["plan", "--forge", "github"]).exits(3).warns("`--forge` is for `--format markdown`");
    let both = ["plan", "--format", "markdown", "--forge", "github", "--max-chars", "1000"];
    site.run(&both).exits(3).warns("cannot be used with");
    // CodeArts takes 8 000 characters and no emoji; a runner obeys no line of it, which counts, too.
    let body = format!("body: \"{}\\n::add-mask::x\\n/merge\"", "\u{1f680}您好 ".repeat(60));
    site.edit("campaigns/c.yaml", &format!("body: {}", "long ".repeat(400)), &body);
    for (forge, chars_max) in
        [("github", 65_536), ("gitlab", 60_000), ("codeup", 65_535), ("codearts", 8_000)]
    {
        let drawn = site.run(&["plan", "--format", "markdown", "--forge", forge]).exits(0).stdout;
        assert!(drawn.encode_utf16().count() <= chars_max, "{forge}");
        assert_eq!(drawn.contains('\u{1f680}'), forge != "codearts", "{forge}");
        assert_eq!(drawn.contains("\\u{1f680}您好"), forge == "codearts", "{forge}");
        assert!(drawn.contains("\n\\u{3a}:add-mask::x\n\\u{2f}merge\n"), "{forge}: {drawn}");
    }
    assert_eq!(site.run(&["show", "plan.json", "--format", "json"]).exits(0).stdout, site.read("plan.json"));
}

#[test]
fn a_saved_plan_holds_no_target_and_is_shown_again() {
    let site = Site::with_samples();
    let printed = site.run(&["plan", "--out", "plan.json"]).exits(0).stdout;
    let plan = site.read("plan.json");
    assert!(!plan.contains("cust-1007") && !plan.contains("80d0a1b2c300"), "a target id is in the plan");
    assert_eq!(site.run(&["plan", "--json"]).exits(0).stdout, plan);
    // It does not know whose workspace it is of: its paths begin there.
    let shown = printed.replace("  campaigns/", "  ");
    assert_eq!(site.run(&["show", "plan.json"]).exits(0).stdout, shown);
    assert_eq!(site.run(&["show", "plan.json", "--json"]).exits(0).stdout, plan);
    let schema: serde_json::Value =
        serde_json::from_str(include_str!("../../schema/plan.schema.json")).unwrap();
    let plan: serde_json::Value = serde_json::from_str(&plan).unwrap();
    let mistakes: Vec<String> = jsonschema::draft202012::new(&schema)
        .unwrap()
        .iter_errors(&plan)
        .map(|mistake| mistake.to_string())
        .collect();
    assert!(mistakes.is_empty(), "{mistakes:?}");
}

#[test]
fn the_same_workspace_gives_the_same_plan_from_anywhere() {
    let site = Site::with_samples();
    let from_root = site.run(&["plan", "--json"]).exits(0).stdout;
    let from_inside = site.command(&["plan", "--json"]).current_dir(site.path("campaigns")).output().unwrap();
    assert_eq!(String::from_utf8(from_inside.stdout).unwrap(), from_root);
    let absolute = site.path("campaigns");
    let from_afar = site.run(&["-C", absolute.to_str().unwrap(), "plan", "--json"]).exits(0).stdout;
    assert_eq!(from_afar, from_root);
}

#[test]
fn a_lost_ledger_with_a_pinned_lineage_is_an_error_and_no_green_field() {
    let site = Site::with_samples();
    site.run(&["ledger", "init"]).exits(0).says("campaignctl.lock");
    site.apply().exits(0);
    fs::remove_dir_all(site.path("campaigns/.campaignctl/sandbox")).unwrap();
    for command in
        [&["plan"][..], &["apply", "--auto-approve"], &["status"], &["history"], &["ledger", "verify"]]
    {
        site.run(command).exits(12).warns("there is no ledger").warns("nothing was sent");
    }
    fs::create_dir_all(site.path("campaigns/.campaignctl/sandbox")).unwrap();
    site.run(&["plan"]).exits(12);
    site.run(&["ledger", "init"]).exits(12).warns("pins ledger");
    assert_eq!(pushes(&site).len(), 32);
}

#[test]
fn a_ledger_that_is_there_is_pinned_and_not_made_anew() {
    let site = Site::with_samples();
    site.apply().exits(0);
    site.run(&["ledger", "init"]).exits(0).says("Found ledger");
    site.run(&["plan"]).exits(0).says("No changes.");
    fs::remove_dir_all(site.path("campaigns/.campaignctl/sandbox")).unwrap();
    site.run(&["plan"]).exits(12);
}

#[test]
fn an_environment_that_is_no_sandbox_needs_its_ledger_made() {
    let site = Site::with_samples();
    site.run(&["-e", "production", "plan"]).exits(12).warns("ledger init");
    site.run(&["-e", "production", "ledger", "init"]).exits(0);
    let pins = site.read("campaigns/campaignctl.lock");
    let again = site.run(&["-e", "production", "ledger", "init"]).exits(0);
    again.says("for `production` is in").says("whole and pinned already: nothing was changed");
    assert_eq!(site.read("campaigns/campaignctl.lock"), pins);
    // Planning opens no connection, so it needs neither the vendor nor a key.
    let mut command = site.command(&["-e", "production", "plan"]);
    let output = command.env_remove("MPAAS_AK_ENV").env_remove("MPAAS_SK_ENV").output().unwrap();
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn another_app_behind_the_same_name_is_a_foreign_ledger() {
    let site = Site::with_samples();
    site.apply().exits(0);
    site.edit(
        "campaigns/campaignctl.yaml",
        "app_id: ONEX570DA89211721\n    workspace_id: test",
        "app_id: ONEXOTHER\n    workspace_id: test",
    );
    site.run(&["plan"]).exits(12).warns("belongs to app `ONEX570DA89211721`, not to `ONEXOTHER`");
}

#[test]
fn a_ledger_put_back_from_an_old_copy_is_noticed() {
    let site = Site::with_samples();
    site.run(&["plan"]).exits(0);
    let old = Site::with_samples();
    copy_ledger(&site, &old);
    site.apply().exits(0);
    site.run(&["plan", "--out", "plan.json"]).exits(0);
    let ledger = site.path("campaigns/.campaignctl/sandbox");
    let high_water = fs::read(ledger.join("high_water")).unwrap();
    fs::remove_dir_all(&ledger).unwrap();
    copy_ledger(&old, &site);
    // Put back whole it looks whole, but a saved plan has seen more.
    site.run(&["apply", "plan.json", "--auto-approve"]).exits(12).warns("records are lost");
    // Without its own high-water mark it is noticed by itself.
    fs::write(ledger.join("high_water"), high_water).unwrap();
    site.run(&["plan"]).exits(12).warns("was rolled back").warns("nothing was sent");
}

#[test]
fn a_truncated_or_garbled_ledger_is_an_error_and_no_panic() {
    let site = Site::with_samples();
    site.apply().exits(0);
    let database = site.path("campaigns/.campaignctl/sandbox/db");
    let whole = fs::read(&database).unwrap();
    for size in [0, 1, 100, whole.len() / 2] {
        fs::write(&database, &whole[..size]).unwrap();
        let ran = site.run(&["plan"]).exits(12).warns("nothing was sent");
        assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
    }
    let mut garbled = whole.clone();
    for byte in garbled.iter_mut().skip(50).step_by(97) {
        *byte ^= 0x55;
    }
    fs::write(&database, &garbled).unwrap();
    site.run(&["plan"]).exits(12);
}

#[test]
fn nobody_at_the_terminal_means_no_push_without_approval() {
    let site = Site::with_samples();
    site.run(&["apply"]).exits(6).warns("--auto-approve").warns("nothing was sent");
    assert!(site.received().is_empty());
}

#[test]
fn a_past_time_is_shown_as_missed_and_keeps_nothing_else_back() {
    let site = Site::with_samples();
    let later = "2026-12-15T10:00:00+08:00";
    let plan = site
        .run_at(later, &["plan"])
        .exits(0)
        .says("x missed payday-2026-12")
        .says("payday.yaml:")
        .says("[time-past]")
        // A series goes on.
        .says("+ create weekly-digest-winter");
    assert_eq!(
        plan.last_line(),
        "Plan: 5 to push (5 targets and 3 broadcasts in 5 requests), 0 up to date, 1 missed, 0 in doubt."
    );
    site.run_at(later, &["apply", "--auto-approve"]).exits(9).says("8 accepted");
    site.run_at(later, &["plan", "--detailed-exitcode"]).exits(9);
    let too_early = "2026-08-01T00:00:00+08:00";
    let early = Site::with_samples();
    early
        .run_at(too_early, &["plan"])
        .exits(0)
        .says("! blocked weekly-digest-winter")
        .says("[repeat-too-far]");
}

#[test]
fn a_series_is_pushed_while_it_has_a_time_to_come_and_not_after() {
    let path = "campaigns/digest.yaml";
    let site = Site::with_samples();
    site.edit(path, "every: week, on: [friday], time: \"18:30:00\"", "every: day, time: \"09:59:59\"");
    site.edit(path, "from: 2026-12-01, until: 2027-02-28", "from: 2026-11-24, until: 2026-11-24");
    site.run(&["plan"])
        .exits(0)
        .says("x missed weekly-digest-winter")
        .says("its last time 2026-11-24 09:59:59 has passed; the broadcast was not sent [time-past]");
    site.apply().exits(9);
    let status = site.run(&["status", "--json"]).exits(0).json();
    let missed = &status["not_sent"][0];
    assert_eq!(
        (missed["campaign"].as_str(), missed["state"].as_str()),
        (Some("weekly-digest-winter"), Some("missed"))
    );
    site.edit(path, "until: 2026-11-24", "until: 2026-11-25");
    let note = "note: its first time 2026-11-24 09:59:59 has passed, so it begins with 2026-11-25 09:59:59";
    let early = site.run_at("2026-11-24T09:59:58+08:00", &["plan", "--out", "plan.json"]).exits(0);
    assert!(!early.stdout.contains("note:"), "{}", early.stdout);
    site.run(&["plan"]).exits(0).says("+ create weekly-digest-winter").says(note);
    site.run(&["apply", "plan.json", "--auto-approve"])
        .exits(7)
        .warns("its first time that is still to come changed");
    site.apply().exits(0).says("+ weekly-digest-winter@1  1 accepted");
}

#[test]
fn more_tasks_than_the_vendor_keeps_are_held() {
    let ids: String = (0..1001).map(|number| format!("u{number}\n")).collect::<Vec<_>>().concat();
    let site = Site::with_samples();
    site.write("campaigns/audiences/locked.txt", &ids);
    site.edit("campaigns/security.yaml", "strategy: at_once", "strategy: payday_morning");
    let plan = site.run(&["plan"]).exits(0).says("[too-many-tasks]").says("at most 100");
    assert!(plan.last_line().starts_with("Plan: 5 to push"), "{}", plan.stdout);
    assert!(plan.last_line().contains("1 held"), "{}", plan.stdout);
    site.apply().exits(6);
    let status = site.run(&["status", "--json"]).exits(0).json();
    assert!(status["campaigns"].as_array().unwrap().iter().all(|each| each["accepted"] != 1001), "{status}");
}

/// The version that has no `BindPeriod` is sent none, and the plan says what it says of any other.
#[test]
fn a_broadcast_of_the_old_version_says_no_period() {
    let site = Site::with_samples();
    std::fs::remove_dir_all(site.path("campaigns")).unwrap();
    site.write(
        "campaigns/campaignctl.yaml",
        "version: 1\nproject: acme\ndefault_environment: old\nenvironments:\n  \
         old: { app_id: A, workspace_id: w, endpoint: sandbox, api_version: 2019-08-21 }\n",
    );
    site.write(
        "campaigns/all.yaml",
        "templates: { t: { name: T, title: Title, body: Body } }\n\
         audiences: { a: { broadcast: { platform: android } } }\n\
         strategies: { s: { send: now } }\n\
         campaigns: { c: { template: t, audience: a, strategy: s, expires_after: 5m } }\n",
    );
    site.run(&["validate"]).exits(0);
    let plan = site.run(&["plan"]).exits(0).says("+ create c");
    assert!(!plan.stdout.contains("within"), "{}", plan.stdout);
    site.apply().exits(0).says("1 accepted");
    site.run(&["plan"]).exits(0).says("No changes");
}

/// What the vendor keeps for this account is what the environment says: not one task more, to the last of them.
#[test]
fn an_environment_says_how_many_tasks_its_vendor_keeps() {
    let ids = |count: usize| (0..count).map(|number| format!("u{number}")).collect::<Vec<_>>().join("\n");
    let site = Site::with_samples();
    site.edit("campaigns/security.yaml", "strategy: at_once", "strategy: payday_morning\n    call: template");
    site.edit(
        "campaigns/campaignctl.yaml",
        "endpoint: sandbox\n",
        "endpoint: sandbox\n    unexecuted_tasks_max: 150\n",
    );
    site.write("campaigns/audiences/locked.txt", &ids(2_001));
    site.run(&["plan", "--strict"])
        .exits(6)
        .says("! held account-locked-2026-11-24")
        .says("the vendor keeps at most 150 [too-many-tasks]")
        .says("`unexecuted_tasks_max`");
    site.write("campaigns/audiences/locked.txt", &ids(1_200));
    // More than the 100 that it keeps for others, and it keeps them.
    site.apply().exits(0).says("1 230 accepted");
    site.edit("campaigns/campaignctl.yaml", "unexecuted_tasks_max: 150", "unexecuted_tasks_max: 122");
    site.write("campaigns/audiences/locked.txt", &ids(1_201));
    site.run(&["plan", "--strict"]).exits(6).says("! held").says("at most 122 [too-many-tasks]");
}

#[test]
fn the_clock_can_be_set_for_sandboxes_only() {
    let site = Site::with_samples();
    site.run(&["-e", "production", "ledger", "init"]).exits(0);
    for arguments in [
        &["apply", "--auto-approve"][..],
        &["ledger", "init"],
        &["ledger", "pack"],
        &["ledger", "restore", "export.jsonl"],
        &["ledger", "unlock"],
        &["doubt", "mark", "3", "sent", "--reason", "r"],
        &["doubt", "resolve"],
    ] {
        let mut command = site.command(&[&["-e", "production"], arguments].concat());
        site.write("export.jsonl", "");
        let ran = Ran::of(&command.env_remove("CAMPAIGNCTL_LOOPBACK_IS_SANDBOX").output().unwrap());
        ran.exits(3).warns("`--now` is only for `endpoint: sandbox`");
    }
    let mut sandbox = site.command(&["apply", "--auto-approve"]);
    Ran::of(&sandbox.env_remove("CAMPAIGNCTL_LOOPBACK_IS_SANDBOX").output().unwrap()).exits(0);
}

#[test]
fn status_history_and_export_tell_what_happened() {
    let site = Site::with_samples();
    site.run(&["status"]).exits(0).says("Nothing was sent yet.");
    site.run(&["history"]).exits(0).says("Nothing was applied yet.");
    site.apply().exits(0);
    let status = site.run(&["status", "--json"]).exits(0).json();
    let payday = status["campaigns"]
        .as_array()
        .unwrap()
        .iter()
        .find(|each| each["campaign"] == "payday-2026-12")
        .unwrap();
    assert_eq!((payday["accepted"].as_u64(), payday["in_doubt"].as_u64()), (Some(24), Some(0)));
    site.run(&["status", "payday-2026-12"]).exits(0).says("24 accepted, 0 rejected, 0 in doubt, in 1 batch");
    site.run(&["status", "nope"]).exits(3).warns("no campaign `nope`");
    let history = site.run(&["history", "--json"]).exits(0).json();
    assert_eq!(history.as_array().unwrap().len(), 1);
    assert_eq!(history[0]["accepted"], 32);
    assert!(history[0]["actor"].as_str().unwrap().starts_with("ann@"));
    site.run(&["ledger", "verify"]).exits(0).says("is whole");
    let export = site.run(&["ledger", "export"]).exits(0).stdout;
    let last: serde_json::Value = serde_json::from_str(export.lines().last().unwrap()).unwrap();
    assert_eq!((last["record"].as_str(), last["accepted"].as_u64()), (Some("run_ended"), Some(32)));
    assert!(!export.contains("cust-1007"), "a target id is in the ledger");
}

#[test]
fn a_second_command_is_told_who_holds_the_ledger() {
    let site = Site::with_samples();
    site.run(&["plan"]).exits(0);
    let holder = campaignctl::state::Holder {
        command: "apply".into(),
        actor: "bob@ci".into(),
        host: "ci".into(),
        process: 42,
        origin: None,
        since: "2026-11-24T01:00:00Z".parse().unwrap(),
        ci_run: None,
        writes: true,
    };
    let terms = campaignctl::state::Terms::default();
    let clock = std::sync::Arc::new(campaignctl::state::Moment::default);
    let candidate = campaignctl::state::Candidate::new(holder, terms, clock);
    let place = campaignctl::domain::LedgerPlace::Directory(site.path("campaigns/.campaignctl/sandbox"));
    let held = campaignctl::state::store_at(&place, &crate::site::no_variables()).take(&candidate).unwrap();
    let bob = "`campaignctl apply` of bob@ci, process 42, since 2026-11-24T01:00:00Z";
    let apply = ["--lock-timeout", "10ms", "apply", "--auto-approve"];
    site.run(&apply).exits(8).warns("Waiting up to 10ms").warns(bob);
    // Who only reads sees what was written so far.
    site.run(&["plan"]).exits(0).warns(bob).warns("this is what it holds up to record 1");
    site.run(&["status"]).exits(0).warns(bob);
    drop(held);
    site.run(&["plan"]).exits(0);
}

#[test]
fn mistakes_in_flags_and_files_exit_3_and_reach_the_right_stream() {
    let site = Site::with_samples();
    site.run(&["plan", "--nonsense"]).exits(3);
    site.run(&["-e", "producton", "plan"]).exits(3).warns("did you mean `production`?");
    site.run(&["-C", "nowhere", "plan"]).exits(3).warns("no-project");
    site.edit("campaigns/payday.yaml", "audience: payroll_customers", "audience: payrol_customers");
    let ran =
        site.run(&["plan"]).exits(3).warns("error[unknown-name]").warns("did you mean `payroll_customers`?");
    assert_eq!(ran.stdout, "");
    let json = site.run(&["validate", "--format", "json"]).exits(3).stdout;
    let line: serde_json::Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
    assert_eq!((line["code"].as_str(), line["line"].as_u64()), (Some("unknown-name"), Some(12)));
    let github = site.run(&["validate", "--format", "github"]).exits(3).stdout;
    assert!(github.starts_with("::error file=campaigns/payday.yaml,line=12,"), "{github}");
    site.run(&["--help"]).exits(0).says("Exit codes:");
    site.run(&["--version"]).exits(0);
}

#[test]
fn init_starts_a_workspace_that_plans_and_overwrites_nothing() {
    let site = Site::with("version: 1\nproject: mine\nenvironments: {}\n", "");
    site.run(&["init"])
        .exits(0)
        .says("kept  ./campaigns/campaignctl.yaml")
        .says("wrote ./campaigns/welcome.yaml");
    assert!(site.read("campaigns/campaignctl.yaml").contains("project: mine"));
    let fresh = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        crate::site::Ran::of(&site.command(arguments).current_dir(fresh.path()).output().unwrap())
    };
    run(&["init"]).exits(0);
    assert!(fs::read_to_string(fresh.path().join("campaigns/.gitignore")).unwrap().contains(".campaignctl/"));
    run(&["validate"]).exits(0).says("no mistakes found");
    run(&["apply", "--auto-approve"]).exits(0).says("2 accepted");
}

#[test]
fn a_plan_is_saved_over_nothing_but_a_plan() {
    let site = Site::with_samples();
    let keep = |file: &str| {
        let text = site.read(file);
        site.run(&["plan", "--out", file]).exits(3).warns("is no plan").warns("a plan to replace");
        assert_eq!(site.read(file), text);
    };
    keep("campaigns/campaignctl.yaml");
    keep("campaigns/shared.yaml");
    site.write("empty", "");
    site.run(&["plan", "--out", "empty"]).exits(0);
    let saved = site.read("empty");
    site.write("torn", &saved[..saved.len() / 2]);
    site.run(&["plan", "--out", "torn"]).exits(0);
    assert_eq!(site.read("torn"), saved);
    // What a link leads to is the file that was meant, and a device is no file.
    std::os::unix::fs::symlink(site.path("torn"), site.path("link")).unwrap();
    site.write("torn", &saved[..saved.len() / 2]);
    site.run(&["plan", "--out", "link"]).exits(0);
    assert!(site.path("link").is_symlink());
    assert_eq!(site.read("torn"), saved);
    std::os::unix::fs::symlink("/dev/null", site.path("nowhere")).unwrap();
    site.run(&["plan", "--out", "nowhere"]).exits(0);
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
}

#[test]
fn a_lock_file_that_git_could_not_merge_says_what_to_keep() {
    let site = Site::remote("http://127.0.0.1:9", 1, "");
    let lock = site.read("campaigns/campaignctl.lock");
    site.write("campaigns/campaignctl.lock", &format!("<<<<<<< HEAD\n{lock}=======\n{lock}>>>>>>> other\n"));
    site.run(&["plan"]).exits(3).warns("keep the entries of both sides");
}

/// `tests/corpus/plan/CODE/` is a workspace that `plan` has to say CODE about, at [`NOW`]; `expected.txt` is
/// all that it says. `UPDATE_CORPUS=1` writes it anew.
#[test]
#[expect(clippy::disallowed_methods, reason = "a test's own switch")]
fn every_code_of_the_clock_and_the_ledger_has_a_workspace_that_shows_it() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/plan");
    for code in crate::corpus::GUARDS_OF_PLAN {
        let directory = corpus.join(code.as_str());
        let site = Site::copied(&directory);
        if *code == Code::StillWaiting {
            site.edit("campaigns/c.yaml", "revision: 2", "revision: 1");
            site.apply().exits(0);
            site.edit("campaigns/c.yaml", "revision: 1", "revision: 2");
        }
        if *code == Code::Renamed {
            site.edit("campaigns/c.yaml", "  payday-december:", "  payday-2026-12:");
            site.apply().exits(0);
            site.edit("campaigns/c.yaml", "  payday-2026-12:", "  payday-december:");
        }
        if *code == Code::AudienceReplaced {
            site.edit("campaigns/c.yaml", "column: phone", "column: user");
            site.apply().exits(0);
            site.edit("campaigns/c.yaml", "column: user", "column: phone");
        }
        let ran = site.run(&["plan"]);
        let said = format!("exit {}\n\n{}\n{}", ran.code.unwrap(), ran.stderr, ran.stdout);
        assert!(said.contains(&format!("[{code}]")), "{code}: {said}");
        let expected = directory.join("expected.txt");
        if std::env::var_os("UPDATE_CORPUS").is_some() {
            fs::write(&expected, &said).unwrap();
        }
        assert_eq!(said, fs::read_to_string(&expected).unwrap_or_default(), "{code}");
    }
}

#[test]
fn nobody_is_lost_in_a_csv_file_whose_quotes_are_wrong() {
    let site = Site::with(
        "version: 1\nproject: p\ndefault_environment: sandbox\nenvironments:\n  \
         sandbox: { app_id: A, workspace_id: w, endpoint: sandbox }\n",
        &crate::site::campaign("hello", 1).replace("[u1]", "{ file: ids.csv, column: id }"),
    );
    site.write("campaigns/ids.csv", "id,nick\nu1,Ann\nu2,\"Bob, \"\"B\"\"\"\nu3,\"C\nC\"\n");
    site.run(&["plan", "--out", "saved"]).exits(0).says("3 targets");
    // To a reader that takes quotes anywhere, the second user is a part of the first one's nickname.
    site.write("campaigns/ids.csv", "id,nick\nu1,\"Ann\nu2,\"Bob\"\nu3,C\n");
    for command in [&["validate"][..], &["plan"], &["apply", "--auto-approve"], &["apply", "saved"]] {
        let ran = site.run(command).exits(3);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(
            said.contains("error[audience-line]") && said.contains("campaigns/ids.csv:2"),
            "{command:?}: {said}"
        );
    }
    assert!(site.received().is_empty());
}

#[test]
fn a_mistake_in_a_campaign_file_stands_between_nobody_and_the_ledger() {
    let site = Site::with_samples();
    site.apply().exits(0);
    let project = site.read("campaigns/campaignctl.yaml");
    site.write("campaigns/broken.yaml", "campaigns:\n  x: { y: 1 }\n- \n");
    site.run(&["plan"]).exits(3);
    site.run(&["apply", "--auto-approve"]).exits(3);
    let commands: [&[&str]; 10] = [
        &["ledger", "init"],
        &["status"],
        &["history"],
        &["doubt", "list"],
        &["doubt", "resolve"],
        &["ledger", "verify"],
        &["ledger", "export"],
        &["ledger", "unlock"],
        &["ledger", "pack"],
        &["status", "--json"],
    ];
    for command in commands {
        site.run(command).exits(0);
    }
    site.run(&["doubt", "mark", "9999", "sent", "--reason", "x"]).exits(3).warns("is no batch in doubt");
    // The project file says whose ledger it is.
    site.write("campaigns/campaignctl.yaml", &format!("{project}\nx: 1\n"));
    for command in commands {
        site.run(command).exits(3).warns("error[unknown-key]").warns("nothing was done");
    }
    site.run(&["-C", "elsewhere", "status"]).exits(3).warns("no-project");
}
