//! The sandbox as a service: each documented rule, kept and broken.

use std::collections::BTreeMap;

use crate::sandbox_caller::{Vendor, good, moment, pairs};

/// Changes some parameters of a good push; `-` takes one away.
fn changed(action: &str, changes: &[(&str, &str)]) -> BTreeMap<String, String> {
    let mut business = good(action);
    for (name, value) in changes {
        if *value == "-" {
            business.remove(*name);
        } else {
            business.insert((*name).to_owned(), (*value).to_owned());
        }
    }
    business
}

type Row = (&'static str, &'static [(&'static str, &'static str)]);

#[track_caller]
fn assert_verdicts(action: &str, rows: &[Row]) {
    let vendor = Vendor::start();
    let mut taken = 0;
    for (verdict, changes) in rows {
        let reply = vendor.call(action, &changed(action, changes));
        assert_eq!(reply.verdict(), *verdict, "{action} {changes:?}: {}", reply.text);
        taken += u64::from(*verdict == "accepted");
    }
    assert_eq!(vendor.taken(), taken);
}

#[test]
fn a_template_push_keeps_the_rules() {
    assert_verdicts(
        "PushTemplate",
        &[
            ("accepted", &[]),
            ("3003", &[("AppId", "")]),
            ("3003", &[("WorkspaceId", "")]),
            ("accepted", &[("DeliveryType", "1")]),
            ("accepted", &[("DeliveryType", "2")]),
            ("accepted", &[("DeliveryType", "7")]),
            ("3009", &[("DeliveryType", "4")]),
            ("3009", &[("DeliveryType", "0")]),
            ("3009", &[("DeliveryType", "259")]),
            ("3028", &[("DeliveryType", "three")]),
            ("3019", &[("TaskName", "")]),
            ("3019", &[("TaskName", "-")]),
            ("3020", &[("ExpiredSeconds", "0")]),
            ("3020", &[("ExpiredSeconds", "-1")]),
            ("3028", &[("ExpiredSeconds", "1.5")]),
            ("3025", &[("TemplateName", "")]),
            ("3038", &[("TemplateName", "a,b")]),
            ("3021", &[("TargetMsgkey", "{}")]),
            ("3021", &[("TargetMsgkey", r#"{"":"k"}"#)]),
            ("3028", &[("TargetMsgkey", r#"{"u":""}"#)]),
            ("3028", &[("TargetMsgkey", r#"{"u":1}"#)]),
            ("3028", &[("TargetMsgkey", r#"["u"]"#)]),
            ("3028", &[("TargetMsgkey", r#"{"u":"k"} {"#)]),
            // A lenient reader would drop the first of them without a word.
            ("3028", &[("TargetMsgkey", r#"{"u":"k1","u":"k2"}"#)]),
            // One key for two targets: whose push it names, nobody could tell.
            ("3028", &[("TargetMsgkey", r#"{"u":"k","v":"k"}"#)]),
            ("accepted", &[("TargetMsgkey", r#"{"u":"k","v":"l"}"#)]),
            ("accepted", &[("TemplateKeyValue", r#"{"a":"1","b":2}"#)]),
            ("3028", &[("TemplateKeyValue", r#"{"a":{}}"#)]),
            ("3028", &[("TemplateKeyValue", "a=1")]),
        ],
    );
}

#[test]
fn how_phones_treat_a_push_keeps_the_rules() {
    assert_verdicts(
        "PushTemplate",
        &[
            ("accepted", &[("NotifyType", "notify")]),
            ("accepted", &[("NotifyType", "transparent")]),
            ("3028", &[("NotifyType", "loud")]),
            ("accepted", &[("Classification", "0")]),
            ("3028", &[("Classification", "2")]),
            ("accepted", &[("ThirdChannelCategory", r#"{"hms":"9","vivo":"1"}"#)]),
            ("3028", &[("ThirdChannelCategory", r#"{"hms":9}"#)]),
            ("3028", &[("ThirdChannelCategory", "9")]),
            ("accepted", &[("NotifyLevel", r#"{"oppo":"2"}"#), ("ChannelId", "c"), ("MiChannelId", "1")]),
            ("3028", &[("NotifyLevel", r#"{"oppo":[2]}"#)]),
            (
                "accepted",
                &[("TransparentMessagePayload", r#"{"hms":{"a":1}}"#), ("TransparentMessageUrgency", "HIGH")],
            ),
            (
                "accepted",
                &[
                    ("TransparentMessagePayload.hms.data", "x y"),
                    ("TransparentMessagePayload.fcm.l.1", "1"),
                    ("TransparentMessageUrgency", "NORMAL"),
                ],
            ),
            ("3028", &[("TransparentMessagePayload", r#"{"hms":"text"}"#)]),
            ("3028", &[("TransparentMessagePayload", "[object Object]")]),
            (
                "3028",
                &[("TransparentMessagePayload", r#"{"hms":{}}"#), ("TransparentMessagePayload.hms.a", "1")],
            ),
            ("3028", &[("TransparentMessagePayload.1", "a")]),
            ("3028", &[("TransparentMessageUrgency", "HIGH")]),
            (
                "3028",
                &[("TransparentMessagePayload", r#"{"hms":{}}"#), ("TransparentMessageUrgency", "high")],
            ),
            ("3028", &[("PushAction", "2")]),
            ("3028", &[("Silent", "yes")]),
            ("accepted", &[("SomethingNew", "1")]),
        ],
    );
}

#[test]
fn extended_params_are_at_most_20_and_none_is_reserved() {
    let vendor = Vendor::start();
    let verdict = |params: &str| {
        vendor.call("PushTemplate", &changed("PushTemplate", &[("ExtendedParams", params)])).verdict()
    };
    let many = |count: usize| {
        let entries: Vec<String> = (0..count).map(|number| format!("\"k{number}\":\"v\"")).collect();
        format!("{{{}}}", entries.join(","))
    };
    assert_eq!(verdict(&many(20)), "accepted");
    assert_eq!(verdict(&many(21)), "3035");
    assert_eq!(verdict(r#"{"badge":"1","sound":"default"}"#), "accepted");
    for key in ["notifyType", "action", "silent", "pushType", "templateCode", "channel", "taskId"] {
        assert_eq!(verdict(&format!("{{\"{key}\":\"1\"}}")), "3044", "{key}");
    }
    assert_eq!(verdict("[]"), "3028");
}

#[test]
fn an_sms_needs_its_three_fields() {
    let whole = [
        ("SmsStrategy", "1"),
        ("SmsSignName", "Acme"),
        ("SmsTemplateCode", "SMS_1"),
        ("SmsTemplateParam", r#"{"code":"1"}"#),
    ];
    let vendor = Vendor::start();
    let verdict =
        |changes: &[(&str, &str)]| vendor.call("PushTemplate", &changed("PushTemplate", changes)).verdict();
    assert_eq!(verdict(&whole), "accepted");
    assert_eq!(verdict(&[("SmsStrategy", "0")]), "accepted");
    assert_eq!(verdict(&[("SmsStrategy", "3")]), "3028");
    for missing in ["SmsSignName", "SmsTemplateCode", "SmsTemplateParam"] {
        let rest: Vec<_> = whole.into_iter().filter(|(name, _)| *name != missing).collect();
        assert_eq!(verdict(&rest), "3028", "{missing}");
    }
    let mut broken = whole;
    broken[3].1 = "code";
    assert_eq!(verdict(&broken), "3028");
}

#[test]
fn a_live_activity_needs_its_event_and_state() {
    assert_verdicts(
        "PushTemplate",
        &[
            (
                "accepted",
                &[("DeliveryType", "5"), ("ActivityEvent", "update"), ("ActivityContentState", r#"{"a":1}"#)],
            ),
            (
                "accepted",
                &[
                    ("DeliveryType", "6"),
                    ("ActivityEvent", "end"),
                    ("ActivityContentState.a.b", "1"),
                    ("DismissalDate", "1795000000"),
                ],
            ),
            ("3028", &[("DeliveryType", "5"), ("ActivityContentState", r#"{"a":1}"#)]),
            ("accepted", &[("DeliveryType", "5"), ("ActivityEvent", "end")]),
            ("3028", &[("DeliveryType", "5"), ("ActivityEvent", "update")]),
            ("accepted", &[("DeliveryType", "6"), ("ActivityEvent", "end")]),
            ("3028", &[("ActivityEvent", "start")]),
            ("3028", &[("DismissalDate", "tomorrow")]),
        ],
    );
}

#[test]
fn a_broadcast_keeps_the_rules() {
    assert_verdicts(
        "PushBroadcast",
        &[
            ("accepted", &[]),
            ("accepted", &[("DeliveryType", "2")]),
            ("accepted", &[("DeliveryType", "7")]),
            ("3030", &[("DeliveryType", "3")]),
            ("3030", &[("DeliveryType", "5")]),
            ("3009", &[("DeliveryType", "9")]),
            ("3019", &[("TaskName", "")]),
            ("3028", &[("Msgkey", "")]),
            ("3028", &[("BindPeriod", "-")]),
            ("3028", &[("BindPeriod", "-"), ("UnBindPeriod", "1")]),
            ("accepted", &[("BindPeriod", "-"), ("BindStartTime", "1"), ("BindEndTime", "2")]),
            // The default is 0.
            ("3028", &[("PushStatus", "-"), ("BindPeriod", "-")]),
            ("accepted", &[("PushStatus", "1"), ("BindPeriod", "-"), ("UnBindPeriod", "1")]),
            ("accepted", &[("PushStatus", "2"), ("BindPeriod", "-"), ("UnBindPeriod", "4")]),
            ("3028", &[("PushStatus", "1")]),
            ("3028", &[("PushStatus", "2")]),
            ("3028", &[("PushStatus", "3")]),
            ("3028", &[("BindPeriod", "5")]),
            ("3028", &[("BindPeriod", "0")]),
            ("accepted", &[("AndroidChannel", "1")]),
            ("3028", &[("AndroidChannel", "3")]),
        ],
    );
}

#[test]
fn a_simple_push_keeps_the_rules() {
    assert_verdicts(
        "PushSimple",
        &[
            ("accepted", &[]),
            ("accepted", &[("TaskName", "-")]),
            ("3028", &[("Title", "")]),
            ("3028", &[("Content", "")]),
            ("accepted", &[("PushStyle", "2"), ("ImageUrls", r#"{"defaultUrl":"u"}"#)]),
            ("3028", &[("PushStyle", "3")]),
            ("3028", &[("IconUrls", "http://x")]),
            ("3009", &[("DeliveryType", "4")]),
        ],
    );
}

#[test]
fn a_batch_push_keeps_the_rules() {
    assert_verdicts(
        "PushMultiple",
        &[
            ("accepted", &[("TargetMsg.1.TemplateKeyValue", r#"{"a":"1"}"#)]),
            ("3019", &[("TaskName", "-")]),
            ("3009", &[("DeliveryType", "5")]),
            ("3021", &[("TargetMsg.1.Target", "")]),
            ("3021", &[("TargetMsg.2.MsgKey", "k2")]),
            ("3028", &[("TargetMsg.1.MsgKey", "-")]),
            ("3028", &[("TargetMsg.3.Target", "u3"), ("TargetMsg.3.MsgKey", "k3")]),
            ("3028", &[("TargetMsg.1.TemplateKeyValue", "a")]),
            ("3028", &[("TargetMsg.2.Target", "u2"), ("TargetMsg.2.MsgKey", "k1")]),
            ("accepted", &[("TargetMsg.2.Target", "u2"), ("TargetMsg.2.MsgKey", "k2")]),
            ("3044", &[("TargetMsg.1.ExtendedParams", r#"{"taskId":"1"}"#)]),
            (
                "accepted",
                &[(
                    "TargetMsg.1.ExtendedParams",
                    r#"{"1":"","2":"","3":"","4":"","5":"","6":"","7":"","8":"","9":""}"#,
                )],
            ),
            (
                "3049",
                &[(
                    "TargetMsg.1.ExtendedParams",
                    r#"{"1":"","2":"","3":"","4":"","5":"","6":"","7":"","8":"","9":"","0":""}"#,
                )],
            ),
        ],
    );
}

#[test]
fn registered_templates_must_exist_and_be_filled() {
    let vendor = Vendor::start();
    vendor.sandbox.register_template("T", "Hello #name#", "You won #money# USD");
    assert_eq!(vendor.post("templates", r##"{"name":"U","title":"#a#"}"##).status, 204);
    assert_eq!(vendor.post("templates", r#"{"nam":"U"}"#).status, 400);
    let verdict =
        |changes: &[(&str, &str)]| vendor.call("PushTemplate", &changed("PushTemplate", changes)).verdict();
    assert_eq!(verdict(&[("TemplateName", "X")]), "3022");
    assert_eq!(verdict(&[("TemplateKeyValue", r#"{"name":"Zhang"}"#)]), "3023");
    assert_eq!(verdict(&[("TemplateKeyValue", r#"{"name":"张三","money":"200","more":"1"}"#)]), "accepted");
    assert_eq!(verdict(&[("TemplateName", "U"), ("TemplateKeyValue", r#"{"a":"1"}"#)]), "accepted");
    let push = &vendor.sandbox.received().taken[0];
    assert_eq!((push.title.as_str(), push.content.as_str()), ("Hello 张三", "You won 200 USD"));

    let batch = |second: &str| {
        let changes = [
            ("TargetMsg.1.TemplateKeyValue", r#"{"name":"a","money":"1"}"#),
            ("TargetMsg.2.Target", "u2"),
            ("TargetMsg.2.MsgKey", "k2"),
            ("TargetMsg.2.TemplateKeyValue", second),
        ];
        vendor.call("PushMultiple", &changed("PushMultiple", &changes)).verdict()
    };
    assert_eq!(batch(r#"{"name":"b"}"#), "3023");
    assert_eq!(batch(r#"{"name":"b","money":"2"}"#), "accepted");
    let taken = vendor.sandbox.received().taken;
    let values: Vec<&str> = taken[2].targets.iter().map(|target| target.values["name"].as_str()).collect();
    assert_eq!(values, ["a", "b"]);
    // A value for all targets is none: the call has no such parameter.
    let of_all = [("TemplateKeyValue", r#"{"name":"a","money":"1"}"#)];
    assert_eq!(vendor.call("PushMultiple", &changed("PushMultiple", &of_all)).verdict(), "3023");
}

#[test]
fn strategies_keep_the_rules() {
    let vendor = Vendor::start();
    // 09:13:26 on 2026-11-23 at the vendor.
    let midnight = moment("2026-11-22T16:00:00Z");
    let day = 86_400_000;
    let once = |at: i64| (1, format!(r#"{{"fixedTime":{at}}}"#));
    let looped = |start: i64, end: i64, cycle: &str| {
        (2, format!(r#"{{"startTime":{start},"endTime":{end},"time":"13:45:11",{cycle}}}"#))
    };
    let daily = r#""circleType":1"#;
    let rows = [
        ("accepted", once(vendor.now().timestamp_millis() + 1000)),
        ("3028", once(vendor.now().timestamp_millis())),
        ("3028", once(i64::MAX)),
        ("3028", (1, r#"{"fixedTime":"1795397606000"}"#.to_owned())),
        ("3028", (1, "{}".to_owned())),
        ("3028", (1, "soon".to_owned())),
        ("3028", (1, String::new())),
        ("3028", (2, String::new())),
        ("3028", (3, "{}".to_owned())),
        ("accepted", (0, "ignored".to_owned())),
        ("accepted", looped(midnight, midnight, daily)),
        ("3028", looped(midnight - 1, midnight, daily)),
        ("3028", looped(midnight + day, midnight, daily)),
        ("accepted", looped(midnight, midnight + 180 * day, daily)),
        ("3028", looped(midnight, midnight + 181 * day, daily)),
        ("accepted", looped(midnight, midnight + day, r#""circleType":1,"circleValue":[1,7]"#)),
        ("accepted", looped(midnight, midnight + day, r#""circleType":2,"circleValue":[1,7]"#)),
        ("3028", looped(midnight, midnight + day, r#""circleType":2,"circleValue":[0]"#)),
        ("3028", looped(midnight, midnight + day, r#""circleType":2,"circleValue":[8]"#)),
        ("3028", looped(midnight, midnight + day, r#""circleType":2,"circleValue":[]"#)),
        ("3028", looped(midnight, midnight + day, r#""circleType":2"#)),
        ("accepted", looped(midnight, midnight + day, r#""circleType":3,"circleValue":[1,31]"#)),
        ("3028", looped(midnight, midnight + day, r#""circleType":3,"circleValue":[32]"#)),
        ("3028", looped(midnight, midnight + day, r#""circleType":4,"circleValue":[1]"#)),
        ("3028", looped(midnight, midnight + day, r#""circleValue":[1]"#)),
        ("3028", (2, format!(r#"{{"startTime":{midnight},"endTime":{midnight},"circleType":1}}"#))),
        (
            "3028",
            (
                2,
                format!(
                    r#"{{"startTime":{midnight},"endTime":{midnight},"circleType":1,"time":"24:00:00"}}"#
                ),
            ),
        ),
        (
            "3028",
            (
                2,
                format!(r#"{{"startTime":{midnight},"endTime":{midnight},"circleType":1,"time":"9:00:00"}}"#),
            ),
        ),
    ];
    for (verdict, (strategy_type, content)) in rows {
        let mut business = good("PushTemplate");
        business
            .extend(pairs(&[("StrategyType", &strategy_type.to_string()), ("StrategyContent", &content)]));
        let reply = vendor.call("PushTemplate", &business);
        assert_eq!(reply.verdict(), verdict, "{strategy_type} {content}: {}", reply.text);
        let task_id = reply.json()["PushResult"]["Data"].as_str().unwrap().to_owned();
        assert_eq!(task_id.is_empty(), verdict != "accepted" || strategy_type == 0);
    }
}
