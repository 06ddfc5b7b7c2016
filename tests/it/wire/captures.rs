//! Requests of the vendor's own SDKs, recorded byte for byte, against the same campaign written in YAML.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::wire::listener::decoded;
use crate::wire::rows::{BOTH, Row};
use crate::wire::{Parameters, file, message_key, sent};

/// A day before the captures' `fixedTime`.
const NOW: &str = "2021-08-29T10:00:00+08:00";

/// The captures' campaign, apart from audience and channel.
const CAPTURED: Row = Row {
    template: r##"name: 测试模板, title: "#name#", body: "#money#""##,
    classification: r#"huawei: { category: finance }, vivo: { category: im, message_type: system },
        oppo: { level: 2 }, xiaomi: { channel_id: "123321" }, android: { channel_id: ch }"#,
    strategy: "send: once, at: 2021-08-30T05:58:46Z",
    campaign: r#"task_name: 任务 1, expires_after: 10m, values: { money: "200", name: "张三 & *~+" }, channel: default,
        extended_params: { k: v }, transparent: { payload: { huawei: { b: true, data: x y, "n": 1 } }, urgency: high }"#,
    ..BOTH[0]
};

/// The form of a capture, decoded.
fn form(name: &str) -> Parameters {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/vendor/captures/{name}.http"));
    let text = fs::read_to_string(path).unwrap();
    let (_, body) = text.split_once("\r\n\r\n").or_else(|| text.split_once("\n\n")).unwrap();
    decoded(body.trim_end())
}

/// The names of a capture's parameters; those that the SDK flattened, `X.a.b`, count as `X`.
pub(super) fn names(name: &str) -> BTreeSet<String> {
    form(name).keys().map(|key| key.split('.').next().unwrap().to_owned()).collect()
}

/// A parameter's meaning: JSON where it is an object, so that spaces and order do not count, else the text.
fn meaning(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(value @ Value::Object(_)) => value,
        _ => Value::String(text.to_owned()),
    }
}

/// Compares what we sent with a capture. Returns the names that only we have, and those that only it has.
fn compare(ours: &Parameters, captured: &Parameters) -> (Vec<String>, Vec<String>) {
    let mut only_ours = Vec::new();
    for (name, text) in ours {
        match captured.get(name) {
            Some(theirs) => assert_eq!(meaning(text), meaning(theirs), "{name}"),
            None => only_ours.push(name.clone()),
        }
    }
    let only_theirs = captured.keys().filter(|name| !ours.contains_key(*name)).cloned().collect();
    (only_ours, only_theirs)
}

/// Sends [`CAPTURED`] in an environment with the captures' tenant, and returns its form.
fn ours(audience: &str) -> Parameters {
    ours_of(&CAPTURED, audience)
}

fn ours_of(row: &Row, audience: &str) -> Parameters {
    let files = [("c".to_owned(), file("c", row, audience))];
    let received = sent(NOW, ", tenant_id: TENANT", &files);
    let [request] = received.as_slice() else { panic!("one request, not {received:?}") };
    request.form()
}

/// The leaves of a flattened map, as one SDK writes it, against ours, which is one JSON text.
fn assert_payload(ours: &Parameters, captured: &Parameters) {
    let payload: Value = serde_json::from_str(&ours["TransparentMessagePayload"]).unwrap();
    let leaves: BTreeMap<String, String> = payload["hms"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(key, value)| (key.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
        .collect();
    let theirs: BTreeMap<String, String> = captured
        .iter()
        .filter_map(|(name, text)| {
            let key = name.strip_prefix("TransparentMessagePayload.hms.")?;
            // Python writes a true value with a capital letter.
            Some((key.to_owned(), if text == "True" { "true".to_owned() } else { text.clone() }))
        })
        .collect();
    assert_eq!(leaves, theirs);
}

#[test]
fn a_push_to_targets_says_what_the_official_sdk_says() {
    for capture in [
        "2020-10-28_v3.4.1_default-V3_PushTemplate_full",
        "2020-10-28_v3.4.1_signature_algorithm-v2_PushTemplate_full",
    ] {
        let mut captured = form(capture);
        // The message key is the caller's choice: the target and the type of its key are compared.
        let theirs: Parameters = serde_json::from_str(&captured["TargetMsgkey"]).unwrap();
        assert!(theirs.keys().eq(["user1024"]));
        let key = message_key("c", "1,users,user1024");
        captured.insert("TargetMsgkey".to_owned(), serde_json::json!({ "user1024": key }).to_string());
        let ours = ours("users: [user1024]");
        let (only_ours, only_theirs) = compare(&ours, &captured);
        assert_eq!(only_ours, ["TransparentMessagePayload"]);
        assert_payload(&ours, &captured);
        let expected = [
            // A Live Activity goes to its own targets, never to users.
            "ActivityContentState.a.b",
            "ActivityContentState.l.1",
            "ActivityContentState.l.2",
            "ActivityEvent",
            "DismissalDate",
            // No SMS is the default.
            "SmsStrategy",
            "TransparentMessagePayload.hms.b",
            "TransparentMessagePayload.hms.data",
            "TransparentMessagePayload.hms.n",
        ];
        assert_eq!(only_theirs, expected);
    }
}

#[test]
fn a_push_to_many_targets_says_what_the_official_sdk_says() {
    let mut captured = form("2020-10-28_v3.4.1_signature_algorithm-v2_PushMultiple_full");
    for (number, target) in [(1, "user1024"), (2, "用户 2")] {
        let name = format!("TargetMsg.{number}.MsgKey");
        captured.insert(name, message_key("c", &format!("1,users,{target}")));
    }
    let campaign = format!("{}, call: multiple", CAPTURED.campaign);
    let row = Row { campaign: campaign.leak(), ..CAPTURED };
    let ours = ours_of(&row, "users: [user1024, 用户 2]");
    let (only_ours, only_theirs) = compare(&ours, &captured);
    assert_eq!(only_ours, ["TransparentMessagePayload"]);
    assert_payload(&ours, &captured);
    let expected = [
        "TransparentMessagePayload.hms.b",
        "TransparentMessagePayload.hms.data",
        "TransparentMessagePayload.hms.n",
    ];
    assert_eq!(only_theirs, expected);
}

#[test]
fn a_broadcast_says_what_the_official_sdk_says() {
    let mut captured = form("2020-10-28_v3.4.1_signature_algorithm-v2_PushBroadcast_full");
    captured.insert("Msgkey".to_owned(), message_key("c", "1,broadcast,android"));
    let ours = ours("broadcast: { platform: android, login: logged_in, within: permanent }");
    let (only_ours, only_theirs) = compare(&ours, &captured);
    assert_eq!(only_ours, ["TransparentMessagePayload"]);
    assert_payload(&ours, &captured);
    let expected = [
        // `AndroidChannel` is the broadcast's own parameter for it.
        "NotifyType",
        "TransparentMessagePayload.hms.b",
        "TransparentMessagePayload.hms.data",
        "TransparentMessagePayload.hms.n",
        // Goes with the other values of `PushStatus`.
        "UnBindPeriod",
    ];
    assert_eq!(only_theirs, expected);
}

/// The vendor's older SDK has no strategy; everything else that it sends, we send under the same name.
#[test]
fn the_older_version_has_the_same_names() {
    for capture in ["2019-08-21_aliyunsdkcore_PushTemplate", "node_pop-core_PushTemplate_POST"] {
        let common = [
            "AccessKeyId",
            "Action",
            "Empty",
            "Format",
            "Signature",
            "SignatureMethod",
            "SignatureNonce",
            "SignatureVersion",
            "Timestamp",
            "Version",
        ];
        let ours: BTreeSet<String> = ours("users: [user1024]").into_keys().collect();
        let strange: Vec<String> = names(capture)
            .into_iter()
            .filter(|name| !ours.contains(name) && !common.contains(&name.as_str()))
            .collect();
        assert!(strange.is_empty(), "{capture}: {strange:?}");
    }
}
