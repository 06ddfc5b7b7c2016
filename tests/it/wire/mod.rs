//! The wire, seen from the vendor's side: YAML goes into the binary, and what comes off the socket is compared.
//!
//! Each row of [`rows`] is a row of the design's table (§2). `fixtures/vendor/captures` holds requests of the
//! vendor's own SDKs: names and types are held against these, because a client and a sandbox by the same
//! hand would share their mistakes.

mod captures;
mod exact;
mod listener;
mod rows;

use std::collections::{BTreeMap, BTreeSet};

use campaignctl::mpaas::{signature_v1, string_to_sign_v1};
use sha2::{Digest, Sha256};

use crate::site::Site;
use crate::wire::listener::{Listener, Received};
use crate::wire::rows::{BOTH, BROADCAST, EVERYONE, MULTIPLE, OWN_VALUES, Row, TEMPLATE, USERS};

/// Parameters that the captures lack, because their SMS was switched off: the vendor's page on `PushTemplate`.
const NOT_CAPTURED: [&str; 3] = ["SmsSignName", "SmsTemplateCode", "SmsTemplateParam"];

type Parameters = BTreeMap<String, String>;

/// The project file, with more keys of its one environment, `remote`.
fn project(endpoint: &str, more: &str) -> String {
    format!(
        "version: 1\nproject: acme\ntime_zone: Asia/Shanghai\ndefault_environment: remote\nenvironments:\n  \
         remote: {{ app_id: ONEX570DA89211721, workspace_id: test, endpoint: \"{endpoint}\", concurrency: 1, \
         requests_per_second: 10000{more} }}\n"
    )
}

/// A campaign file that says what a row does, and nothing else.
fn file(id: &str, row: &Row, audience: &str) -> String {
    let Row { template, classification, strategy, campaign, .. } = row;
    let (declared, named) = if classification.is_empty() {
        (String::new(), String::new())
    } else {
        (
            format!("classifications: {{ c{id}: {{ {classification} }} }}\n"),
            format!("classification: c{id}, "),
        )
    };
    format!(
        "templates: {{ t{id}: {{ {template} }} }}\naudiences: {{ a{id}: {{ {audience} }} }}\n{declared}strategies: \
         {{ s{id}: {{ {strategy} }} }}\ncampaigns:\n  {id}: {{ template: t{id}, audience: a{id}, {named}strategy: \
         s{id}, {campaign} }}\n"
    )
}

/// Applies campaign files at `now` and returns what left the process, in the order of the campaigns' names.
fn sent(now: &str, more: &str, files: &[(String, String)]) -> Vec<Received> {
    let listener = Listener::start();
    let site = Site::with(&project(&listener.url, more), "{}\n");
    for (id, text) in files {
        site.write(&format!("campaigns/{id}.yaml"), text);
    }
    site.write("campaigns/own.csv", OWN_VALUES);
    site.run_at(now, &["ledger", "init"]).exits(0);
    site.run_at(now, &["apply", "--auto-approve"]).exits(0);
    listener.received()
}

/// A message key as the documentation lets a person compute it.
fn message_key(id: &str, revision_kind_target: &str) -> String {
    let mut fields = revision_kind_target.splitn(3, ',');
    let mut next = || fields.next().unwrap();
    let text = format!("acme\nremote\n{id}\n{}\n{}\n{}", next(), next(), next());
    hex::encode(&Sha256::digest(text)[..16])
}

/// What a row's text stands for: see [`Row::sends`].
fn filled(id: &str, text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("KEY(") {
        let (fields, after) = after.split_once(')').unwrap();
        out.push_str(before);
        out.push_str(&message_key(id, fields));
        rest = after;
    }
    out.push_str(rest);
    out.replace("/ID@", &format!("/{id}@"))
}

/// Sends every row, and compares every request as a whole. Returns the names of all parameters.
fn assert_rows(action: &str, audience: &str, least: &[(&str, &str)], own_rows: &[Row]) -> BTreeSet<String> {
    let rows: Vec<(String, &Row)> = BOTH
        .iter()
        .chain(own_rows)
        .enumerate()
        .map(|(number, row)| (format!("{action}{number:02}"), row))
        .collect();
    let is_multiple = action == "PushMultiple";
    let yaml = |(id, row): &(String, &Row)| {
        let yaml = file(id, row, row.audience.unwrap_or(audience));
        // One target would leave by the other call.
        if is_multiple { yaml.replace("expires_after:", "call: multiple, expires_after:") } else { yaml }
    };
    let files: Vec<(String, String)> = rows.iter().map(|row| (row.0.clone(), yaml(row))).collect();
    let received = sent(crate::site::NOW, "", &files);
    assert_eq!(received.len(), rows.len(), "one request for each row");
    let mut names = BTreeSet::new();
    for ((id, row), request) in rows.iter().zip(&received) {
        let mut expected = Parameters::new();
        for (name, text) in least.iter().chain(row.sends) {
            let name = if is_multiple && *name == "TemplateKeyValue" {
                "TargetMsg.1.TemplateKeyValue"
            } else {
                name
            };
            expected.insert(name.to_owned(), filled(id, text));
        }
        expected.retain(|_, text| !text.is_empty());
        let (_, yaml) = files.iter().find(|(name, _)| name == id).unwrap();
        assert_eq!(request.form(), expected, "{yaml}");
        assert_envelope(request, action);
        names.extend(expected.into_keys());
    }
    names
}

/// Everything of a request but its form: and that its signature verifies from what came off the socket.
fn assert_envelope(request: &Received, action: &str) {
    assert_eq!(request.headers["content-type"], "application/x-www-form-urlencoded");
    let mut query = request.query();
    assert_eq!(query["Action"], action);
    let signature = query.remove("Signature").unwrap();
    let names: Vec<&str> = query.keys().map(String::as_str).collect();
    let expected = [
        "AccessKeyId",
        "Action",
        "Format",
        "SignatureMethod",
        "SignatureNonce",
        "SignatureVersion",
        "Timestamp",
        "Version",
    ];
    assert_eq!(names, expected);
    query.append(&mut request.form());
    let text = string_to_sign_v1("POST", &query);
    assert_eq!(signature_v1(campaignctl::sandbox::ACCESS_KEY_SECRET, &text), signature);
}

#[test]
fn every_key_of_a_push_to_targets_leaves_as_its_parameter() {
    let least = [
        ("AppId", "ONEX570DA89211721"),
        ("DeliveryType", "3"),
        ("ExpiredSeconds", "300"),
        ("StrategyType", "0"),
        ("TargetMsgkey", r#"{"user1024":"KEY(1,users,user1024)"}"#),
        ("TaskName", "acme/remote/ID@1#1"),
        ("TemplateName", "T"),
        ("WorkspaceId", "test"),
    ];
    let names = assert_rows("PushTemplate", USERS, &least, TEMPLATE);
    let expected = [
        "ActivityContentState",
        "ActivityEvent",
        "AppId",
        "ChannelId",
        "Classification",
        "DeliveryType",
        "DismissalDate",
        "ExpiredSeconds",
        "ExtendedParams",
        "MiChannelId",
        "NotifyLevel",
        "NotifyType",
        "SmsSignName",
        "SmsStrategy",
        "SmsTemplateCode",
        "SmsTemplateParam",
        "StrategyContent",
        "StrategyType",
        "TargetMsgkey",
        "TaskName",
        "TemplateKeyValue",
        "TemplateName",
        "ThirdChannelCategory",
        "TransparentMessagePayload",
        "TransparentMessageUrgency",
        "WorkspaceId",
    ];
    assert!(names.iter().eq(expected), "{names:?}");
    let captured = captures::names("2020-10-28_v3.4.1_default-V3_PushTemplate_full");
    let strange: Vec<&String> = names.difference(&captured).collect();
    assert_eq!(strange, NOT_CAPTURED);
}

#[test]
fn every_key_of_a_push_to_many_targets_leaves_as_its_parameter() {
    let least = [
        ("AppId", "ONEX570DA89211721"),
        ("DeliveryType", "3"),
        ("ExpiredSeconds", "300"),
        ("StrategyType", "0"),
        ("TargetMsg.1.Target", "user1024"),
        ("TargetMsg.1.MsgKey", "KEY(1,users,user1024)"),
        ("TaskName", "acme/remote/ID@1#1"),
        ("TemplateName", "T"),
        ("WorkspaceId", "test"),
    ];
    let names = assert_rows("PushMultiple", USERS, &least, MULTIPLE);
    let names: BTreeSet<&str> = names.iter().filter_map(|name| name.split('.').next()).collect();
    let expected = [
        "AppId",
        "ChannelId",
        "Classification",
        "DeliveryType",
        "ExpiredSeconds",
        "ExtendedParams",
        "MiChannelId",
        "NotifyLevel",
        "NotifyType",
        "StrategyContent",
        "StrategyType",
        "TargetMsg",
        "TaskName",
        "TemplateName",
        "ThirdChannelCategory",
        "TransparentMessagePayload",
        "TransparentMessageUrgency",
        "WorkspaceId",
    ];
    assert!(names.iter().eq(&expected), "{names:?}");
    let captured = captures::names("2020-10-28_v3.4.1_signature_algorithm-v2_PushMultiple_full");
    assert!(names.iter().all(|name| captured.contains(*name)), "{captured:?}");
}

#[test]
fn every_key_of_a_broadcast_leaves_as_its_parameter() {
    let least = [
        ("AppId", "ONEX570DA89211721"),
        ("BindPeriod", "1"),
        ("DeliveryType", "1"),
        ("ExpiredSeconds", "300"),
        ("Msgkey", "KEY(1,broadcast,android)"),
        ("PushStatus", "0"),
        ("StrategyType", "0"),
        ("TaskName", "acme/remote/ID@1#1"),
        ("TemplateName", "T"),
        ("WorkspaceId", "test"),
    ];
    let names = assert_rows("PushBroadcast", EVERYONE, &least, BROADCAST);
    let expected = [
        "AndroidChannel",
        "AppId",
        "BindPeriod",
        "ChannelId",
        "Classification",
        "DeliveryType",
        "ExpiredSeconds",
        "ExtendedParams",
        "MiChannelId",
        "Msgkey",
        "NotifyLevel",
        "PushStatus",
        "StrategyContent",
        "StrategyType",
        "TaskName",
        "TemplateKeyValue",
        "TemplateName",
        "ThirdChannelCategory",
        "TransparentMessagePayload",
        "TransparentMessageUrgency",
        "UnBindPeriod",
        "WorkspaceId",
    ];
    assert!(names.iter().eq(expected), "{names:?}");
    let captured = captures::names("2020-10-28_v3.4.1_signature_algorithm-v2_PushBroadcast_full");
    let strange: Vec<&String> = names.difference(&captured).collect();
    assert!(strange.is_empty(), "{strange:?}");
}

#[test]
fn every_key_of_an_environment_leaves_as_its_parameter() {
    let least = |audience| Row { audience: Some(audience), ..BOTH[0] };
    let files = [("a", EVERYONE), ("b", USERS)]
        .map(|(id, audience)| (id.to_owned(), file(id, &least(audience), audience)));
    let more = ", tenant_id: ABCDEFGH, region: cn-hangzhou, api_version: 2020-10-28";
    let received = sent(crate::site::NOW, more, &files);
    assert_eq!(received.len(), 2);
    for request in received {
        let (query, form) = (request.query(), request.form());
        assert_eq!(form["AppId"], "ONEX570DA89211721");
        assert_eq!(form["WorkspaceId"], "test");
        assert_eq!(form["TenantId"], "ABCDEFGH");
        assert_eq!(query["RegionId"], "cn-hangzhou");
        assert_eq!(query["Version"], "2020-10-28");
    }
    let received = sent(crate::site::NOW, ", api_version: 2019-08-21", &files[1..]);
    assert_eq!(received[0].query()["Version"], "2019-08-21");
    assert!(!received[0].form().contains_key("TenantId"));
}

#[test]
fn targets_of_push_template_leave_ten_at_a_time_each_once_under_task_names_of_their_own() {
    let ids: Vec<String> = (1..=11).map(|number| format!("u{number}")).collect();
    let audience = format!("users: [{}]", ids.join(", "));
    let plain = Row { campaign: "expires_after: 5m, call: template", ..BOTH[0] };
    let named = Row { campaign: "expires_after: 5m, call: template, task_name: 通知", ..BOTH[0] };
    let files = [("a", &plain), ("b", &named)].map(|(id, row)| (id.to_owned(), file(id, row, &audience)));
    let received = sent(crate::site::NOW, "", &files);
    let task_names: Vec<String> = received.iter().map(|request| request.form()["TaskName"].clone()).collect();
    assert_eq!(task_names, ["acme/remote/a@1#1", "acme/remote/a@1#2", "通知#1", "通知#2"]);
    for (id, requests) in [("a", &received[..2]), ("b", &received[2..])] {
        let batches: Vec<Parameters> = requests
            .iter()
            .map(|request| serde_json::from_str(&request.form()["TargetMsgkey"]).unwrap())
            .collect();
        assert_eq!((batches[0].len(), batches[1].len()), (10, 1));
        let all: Parameters = batches.into_iter().flatten().collect();
        let expected: Parameters =
            ids.iter().map(|user| (user.clone(), message_key(id, &format!("1,users,{user}")))).collect();
        assert_eq!(all, expected);
    }
}

#[test]
fn targets_of_push_multiple_leave_a_hundred_at_a_time_each_once_under_task_names_of_their_own() {
    let ids: Vec<String> = (1..=201).map(|number| format!("u{number}")).collect();
    let audience = format!("users: [{}]", ids.join(", "));
    let files = [("a".to_owned(), file("a", &BOTH[0], &audience))];
    let received = sent(crate::site::NOW, "", &files);
    let forms: Vec<Parameters> = received.iter().map(Received::form).collect();
    let task_names: Vec<&str> = forms.iter().map(|form| form["TaskName"].as_str()).collect();
    assert_eq!(task_names, ["acme/remote/a@1#1", "acme/remote/a@1#2", "acme/remote/a@1#3"]);
    let mut all = Vec::new();
    for (form, count) in forms.iter().zip([100, 100, 1]) {
        let entry = |number: usize| {
            let field = |name: &str| form.get(&format!("TargetMsg.{number}.{name}")).cloned();
            Some((field("Target")?, field("MsgKey")?))
        };
        let entries: Vec<(String, String)> = (1..).map_while(entry).collect();
        assert_eq!(entries.len(), count);
        let names = form.keys().filter(|name| name.starts_with("TargetMsg.")).count();
        assert_eq!(names, count * 2, "no values, where the template has no placeholders");
        all.extend(entries);
    }
    let expected: Vec<(String, String)> =
        ids.iter().map(|user| (user.clone(), message_key("a", &format!("1,users,{user}")))).collect();
    assert_eq!(all, expected);
}
