//! The same campaign through our client and through the official ones: the sandbox sees the same parameters.

use std::collections::BTreeMap;

use campaignctl::sandbox::SeenRequest;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use crate::sdk::{CLIENTS, Stage, in_an_hour};
use crate::site::{Ran, Site};

/// Every call carries these, each client in its own way; the signature tests look at them.
const COMMON: [&str; 12] = [
    "AccessKeyId",
    "Action",
    "Format",
    "RegionId",
    "Signature",
    "SignatureMethod",
    "SignatureNonce",
    "SignatureType",
    "SignatureVersion",
    "Timestamp",
    "Version",
    "SecurityToken",
];

/// The same values for every target, as `full` in `drive.py` has them.
const VALUES: &str = r#"values: { name: "张三 & *~+ 😀", money: "200" }"#;

/// The audience file of the campaign with values of each target's own.
const OWN_VALUES: &str = "user,nick\nuser1024,张三 & *~+ 😀\n用户 2,Li\n";

/// The campaign of `full` in `drive.py`.
fn campaign(audience: &str, at: DateTime<Utc>, values: &str, more: &str) -> String {
    format!(
        r##"
templates:
  t: {{ name: 发薪 v1, title: "#name#", body: "#money#" }}
audiences:
  a: {{ {audience} }}
classifications:
  c:
    huawei: {{ category: finance, level: normal }}
    vivo: {{ category: im, message_type: system }}
    oppo: {{ level: 2 }}
    xiaomi: {{ channel_id: "123321" }}
    android: {{ channel_id: pay }}
strategies:
  s: {{ send: once, at: {at} }}
campaigns:
  payday:
    template: t
    audience: a
    classification: c
    strategy: s
    task_name: 十二月 payday
    {values}
    expires_after: 10m
    extended_params: {{ page: a&b=c }}
    channel: default
    transparent: {{ payload: {{ huawei: {{ data: x y }}, honor: {{ k: v }} }}, urgency: high }}
{more}"##,
        at = at.format("%Y-%m-%dT%H:%M:%SZ")
    )
}

/// Applies a campaign with the binary, to the sandbox and on the machine's clock.
fn apply(stage: &Stage, campaign: &str) {
    let project = format!(
        "version: 1\nproject: acme\ndefault_environment: remote\nenvironments:\n  remote: {{ app_id: ONEX570DA89211721, \
         workspace_id: test, tenant_id: ABCDEFGH, endpoint: \"{}\" }}\n",
        stage.sandbox.url()
    );
    let site = Site::with(&project, campaign);
    site.write("campaigns/own.csv", OWN_VALUES);
    for arguments in [&["ledger", "init"], &["apply", "--auto-approve"]] {
        let output = site.command(arguments).env_remove("CAMPAIGNCTL_NOW").output().unwrap();
        Ran::of(&output).exits(0);
    }
}

/// What a request means: texts as they are; JSON objects as values, so that spaces and order do not count; and
/// a map that an SDK flattened into dotted names put together again. Message keys are the caller's choice.
fn meaning(request: &SeenRequest) -> BTreeMap<String, Value> {
    let mut meanings = BTreeMap::new();
    for (name, text) in &request.parameters {
        if COMMON.contains(&name.as_str()) {
            continue;
        }
        if let [name, vendor, key] = name.split('.').collect::<Vec<_>>().as_slice()
            && *name != "TargetMsg"
        {
            let payload = meanings.entry((*name).to_owned()).or_insert_with(|| Value::Object(Map::new()));
            payload[*vendor][*key] = json!(text);
            continue;
        }
        let mut value = match serde_json::from_str(text) {
            Ok(value @ Value::Object(_)) => value,
            _ => json!(text),
        };
        match name.as_str() {
            "TargetMsgkey" => value.as_object_mut().unwrap().values_mut().for_each(as_key),
            "Msgkey" => as_key(&mut value),
            name if name.ends_with(".MsgKey") => as_key(&mut value),
            _ => {}
        }
        meanings.insert(name.clone(), value);
    }
    meanings
}

fn as_key(value: &mut Value) {
    assert!(value.is_string(), "a message key is a text, not {value}");
    *value = json!("KEY");
}

fn assert_same(scenario: &str, audience: &str, (values, more): (&str, &str), parameters_count: usize) {
    let stage = Stage::new();
    let at = in_an_hour();
    stage.drive(scenario, at);
    apply(&stage, &campaign(audience, at, values, more));
    let mut seen = stage.sandbox.requests();
    // What asks for the vendor's time alone names no action.
    seen.retain(|request| !request.action.is_empty());
    assert!(seen.iter().all(|request| request.verdict == "taken"), "{seen:?}");
    let [official @ .., ours] = seen.as_slice() else { panic!("no request") };
    assert_eq!(official.len(), CLIENTS.len());
    let ours = meaning(ours);
    assert_eq!(ours.len(), parameters_count, "{ours:?}");
    for (client, theirs) in CLIENTS.iter().zip(official) {
        assert_eq!(ours, meaning(theirs), "{client}");
    }
    stage.stop();
}

#[test]
fn a_push_to_targets_means_the_same_from_us_and_from_the_official_clients() {
    let sms = "    sms: { strategy: concurrent, sign_name: 阿克米, template_code: SMS_1, params: { code: \"123456\" } }\n";
    assert_same("push-template", "users: [user1024, 用户 2]", (VALUES, sms), 24);
}

#[test]
fn a_push_to_many_targets_means_the_same_from_us_and_from_the_official_clients() {
    let values = r#"values: { money: "200" }
    values_from: { name: nick }"#;
    assert_same("push-multiple", "users: { file: own.csv, column: user }", (values, ""), 24);
}

#[test]
fn a_broadcast_means_the_same_from_us_and_from_the_official_clients() {
    let audience = "broadcast: { platform: android, login: logged_in, within: 15d }";
    assert_same("push-broadcast", audience, (VALUES, ""), 22);
}
