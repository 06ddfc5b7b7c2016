//! `explain CODE`: a diagnostic's page. `explain CAMPAIGN`: what a campaign comes to, and where each of its
//! parameters is written.

use crate::site::Site;

#[test]
fn a_campaign_is_explained_down_to_its_request() {
    let site = Site::with_samples();
    let ran = site.run(&["explain", "payday-2026-12"]).exits(0);
    ran.says("payday-2026-12@1 in sandbox")
        .says("12月工资已到账")
        .says("24 targets of `payroll_customers` (`users`), 1 duplicate ignored, in 1 request")
        .says("Tue 2026-12-15 09:00 Asia/Shanghai")
        .says("campaigns/payday.yaml:16");
    assert!(site.received().is_empty(), "an explanation sends nothing");
}

#[test]
fn every_parameter_has_the_place_where_it_is_written() {
    let site = Site::with_samples();
    let explained = site.run(&["explain", "payday-2026-12", "--json"]).exits(0).json();
    let parameters = explained["parameters"].as_array().unwrap();
    for parameter in parameters {
        let name = parameter["parameter"].as_str().unwrap();
        let Some(place) = parameter["written_at"].as_str() else {
            let is_derived = name == "TaskName" || name.ends_with(".MsgKey");
            assert!(is_derived, "only what is derived has no place: {name}");
            continue;
        };
        let (path, line) = place.rsplit_once(':').unwrap();
        let text = site.read(path);
        let written = text.lines().nth(line.parse::<usize>().unwrap() - 1).unwrap();
        let key = match name {
            "AppId" => "app_id:",
            "WorkspaceId" => "workspace_id:",
            "TemplateName" => "name:",
            name if name.ends_with("TemplateKeyValue") => "values:",
            name if name.ends_with(".Target") => "payroll_customers:",
            "ExpiredSeconds" => "expires_after:",
            "MiChannelId" => "channel_id:",
            _ => "",
        };
        assert!(written.contains(key), "{name} is said to be written at {place}: {written}");
    }
    // The same request that an apply sends first, whatever its batch's targets.
    site.apply().exits(0);
    let first = site
        .received()
        .into_iter()
        .find(|push| push["task_name"] == "harbour-bank/sandbox/payday-2026-12@1#1")
        .unwrap();
    let said = |name: &str| {
        let found = parameters.iter().find(|parameter| parameter["parameter"] == name).unwrap();
        found["value"].as_str().unwrap().to_owned()
    };
    assert_eq!(said("TemplateName"), first["template_name"].as_str().unwrap());
    assert_eq!(said("TaskName"), first["task_name"].as_str().unwrap());
    let targets = first["targets"].as_array().unwrap();
    for (number, target) in (1..).zip(targets) {
        assert_eq!(said(&format!("TargetMsg.{number}.Target")), target["target"].as_str().unwrap());
        assert_eq!(said(&format!("TargetMsg.{number}.MsgKey")), target["message_key"].as_str().unwrap());
    }
    assert_eq!(targets.len(), 24);
}

#[test]
fn the_first_of_many_targets_stands_for_the_others() {
    let site = Site::with_samples();
    site.edit("campaigns/payday.yaml", "values: { month: \"12月\" }", "values_from: { month: branch }");
    let ran = site.run(&["explain", "payday-2026-12"]).exits(0);
    ran.says("上海工资已到账")
        .says("as the first target sees it; each has values of its own")
        .says("TargetMsg.1.TemplateKeyValue")
        .says("campaigns/payday.yaml:15")
        .says("and 23 more targets in `TargetMsg.2` and on, in the same way");
}

#[test]
fn a_small_audience_is_explained_as_one_map_of_keys() {
    let site = Site::with_samples();
    let explained = site.run(&["explain", "card-delivery-2026-11-24", "--json"]).exits(0).json();
    let parameters = explained["parameters"].as_array().unwrap();
    let keys = parameters.iter().find(|parameter| parameter["parameter"] == "TargetMsgkey").unwrap();
    let keys: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(keys["value"].as_str().unwrap()).unwrap();
    site.apply().exits(0);
    let taken = site.received();
    let push = taken
        .iter()
        .find(|push| push["task_name"] == "harbour-bank/sandbox/card-delivery-2026-11-24@1#1")
        .unwrap();
    for target in push["targets"].as_array().unwrap() {
        assert_eq!(keys[target["target"].as_str().unwrap()], target["message_key"]);
    }
    assert_eq!(keys.len(), 3);
}

#[test]
fn a_repeating_campaign_shows_ten_times_and_a_name_that_is_none_what_was_meant() {
    let site = Site::with_samples();
    let explained = site.run(&["explain", "weekly-digest-winter", "--json"]).exits(0).json();
    assert_eq!(explained["fires"].as_array().unwrap().len(), 10);
    assert_eq!(explained["audience"]["kind"], "broadcast");
    site.run(&["explain", "payday-2026-2"]).exits(3).warns("did you mean `payday-2026-12`?");
}

#[test]
fn a_window_is_explained_with_who_still_gets_it() {
    let site = Site::with_samples();
    let path = "campaigns/payday.yaml";
    let says = |site: &Site, text: &str| {
        site.run(&["explain", "payday-2026-12"]).exits(0).says(text);
    };
    site.edit(path, "{ send: once, at: 2026-12-15T09:00:00+08:00 }", "{ send: now }");
    says(&site, "At once, when it is applied; whoever joins within 24h of its first push gets it too.");
    site.edit(path, "{ send: now }", "{ send: now, not_before: 2026-12-15T09:00:00, open_for: 3d }");
    says(
        &site,
        "When it is applied from 2026-12-15 09:00 on; whoever joins within 3d of its first push gets it too.",
    );
    site.edit(path, "open_for: 3d", "not_after: 2026-12-15T12:00:00");
    says(&site, "When it is applied from 2026-12-15 09:00 until 2026-12-15 12:00.");
    let json = site.run(&["explain", "payday-2026-12", "--json"]).exits(0).json();
    assert_eq!(
        (json["not_before"].as_str(), json["not_after"].as_str()),
        (Some("2026-12-15T01:00:00Z"), Some("2026-12-15T04:00:00Z"))
    );
    let past = site.run_at("2026-12-15T12:00:00+08:00", &["explain", "payday-2026-12"]).exits(0);
    past.says("Never again: its time ended 2026-12-15 12:00.");
    site.edit(path, "expires_after: 12h", "expires_after: 12h\n    closed: true");
    says(&site, "Never: it is closed in the file.");
}

#[test]
fn no_word_is_cut_where_the_table_does_not_fit() {
    let site = Site::with_samples();
    for columns in ["40", "60", "80", "200"] {
        let mut command = site.command(&["explain", "payday-2026-12"]);
        let explained = crate::site::Ran::of(&command.env("COLUMNS", columns).output().unwrap()).exits(0);
        let words: Vec<&str> = explained.stdout.split_whitespace().collect();
        for name in ["WorkspaceId", "StrategyContent", "TargetMsg.1.MsgKey", "campaigns/campaignctl.yaml:8"] {
            assert!(words.contains(&name), "no {name} at {columns}:\n{}", explained.stdout);
        }
        let columns: usize = columns.parse().unwrap();
        let is_long = |line: &&str| line.chars().count() > columns && line.trim().contains(' ');
        assert_eq!(explained.stdout.lines().find(is_long), None, "at {columns}");
    }
}

#[test]
fn a_code_is_explained_and_a_slip_finds_it_even_where_the_files_are_wrong() {
    let site = Site::with_samples();
    let ran = site.run(&["explain", "unknown-name"]).exits(0);
    assert!(ran.stdout.starts_with("unknown-name\n\nA reference to something that is not declared.\n"));
    site.write("campaigns/payday.yaml", "campains: {}\n");
    let ran = site.run(&["explain", "unknown-nam"]).exits(3).warns("did you mean `unknown-name`?");
    assert!(!ran.stderr.contains("campains"), "{}", ran.stderr);
    site.run(&["explain"]).exits(0).says("yaml-syntax ");
}

#[test]
fn a_code_is_explained_without_a_workspace_and_to_machines_too() {
    let site = Site::with("", "");
    let page = site.run(&["-C", "nowhere", "explain", "time-past", "--json"]).exits(0).json();
    assert_eq!(page["code"], "time-past");
    assert!(page["markdown"].as_str().unwrap().starts_with("# time-past\n"));
    let list = site.run(&["explain", "--json"]).exits(0).json();
    assert_eq!(list.as_array().unwrap().len(), campaignctl::diagnostic::Code::ALL.len());
}

#[test]
fn reports_end_with_the_way_to_more() {
    let site = Site::with_samples();
    site.edit("campaigns/payday.yaml", "template: payday", "template: paydya");
    for command in ["validate", "plan"] {
        let ran = site.run(&[command]).exits(3);
        let more = "\nfor more: campaignctl explain unknown-name\n";
        assert_eq!(ran.stderr.matches(more).count(), 1, "{}", ran.stderr);
    }
}
