//! The rows of the design's table (§2): what a key of the YAML becomes on the wire.

/// What one key, written beside the least that a campaign needs, adds to the request or changes in it.
#[derive(Clone, Copy)]
pub(super) struct Row {
    /// Of the template; its keys.
    pub(super) template: &'static str,
    /// Of the audience; for either call where absent.
    pub(super) audience: Option<&'static str>,
    /// Of the classification.
    pub(super) classification: &'static str,
    /// Of the strategy.
    pub(super) strategy: &'static str,
    /// More keys of the campaign itself.
    pub(super) campaign: &'static str,
    /// What the request says other than the least one. `ID` stands for the campaign's name and
    /// `KEY(revision,kind,target)` for a message key; an empty text takes a parameter away.
    pub(super) sends: &'static [(&'static str, &'static str)],
}

/// The least: a template's text, nobody in particular, now.
const LEAST: Row = Row {
    template: "name: T, title: 标题, body: 正文",
    audience: None,
    classification: "",
    strategy: "send: now",
    campaign: "expires_after: 5m",
    sends: &[],
};

type Sends = &'static [(&'static str, &'static str)];

const fn audience(audience: &'static str, sends: Sends) -> Row {
    Row { audience: Some(audience), sends, ..LEAST }
}

const fn classification(classification: &'static str, sends: Sends) -> Row {
    Row { classification, sends, ..LEAST }
}

const fn strategy(strategy: &'static str, sends: Sends) -> Row {
    Row { strategy, sends, ..LEAST }
}

const fn campaign(campaign: &'static str, sends: Sends) -> Row {
    Row { campaign, sends, ..LEAST }
}

/// The users' audience of a push to targets, and everyone on Android of a `PushBroadcast`, that a row gets
/// which names no audience.
pub(super) const USERS: &str = "users: [user1024]";
pub(super) const EVERYONE: &str = "broadcast: { platform: android, login: logged_in, within: 7d }";

/// Rows that say the same in both calls.
pub(super) const BOTH: &[Row] = &[
    LEAST,
    // Template and values.
    Row {
        template: "name: 发薪 通知 v1, title: 您好, body: 正文",
        sends: &[("TemplateName", "发薪 通知 v1")],
        ..LEAST
    },
    Row {
        template: r##"name: T2, title: "#name# 您好", body: "#money# USD""##,
        campaign: r#"expires_after: 5m, values: { name: "张三 & *~+ 😀", money: "200" }"#,
        sends: &[("TemplateName", "T2"), ("TemplateKeyValue", r#"{"money":"200","name":"张三 & *~+ 😀"}"#)],
        ..LEAST
    },
    // The campaign's own keys.
    campaign("expires_after: 5m, task_name: 十二月 payday", &[("TaskName", "十二月 payday")]),
    campaign("expires_after: 1s", &[("ExpiredSeconds", "1")]),
    campaign("expires_after: 2h 30m", &[("ExpiredSeconds", "9000")]),
    campaign(
        r#"expires_after: 5m, extended_params: { page: 账户, badge: "1" }"#,
        &[("ExtendedParams", r#"{"badge":"1","page":"账户"}"#)],
    ),
    campaign(
        "expires_after: 5m, transparent: { payload: { huawei: { data: x y, count: 1, b: true }, honor: { l: [1, 2] }, \
         harmonyos: { f: 1.5 }, fcm: { z: null } } }",
        &[(
            "TransparentMessagePayload",
            r#"{"fcm":{"z":null},"harmonyos":{"f":1.5},"hms":{"b":true,"count":1,"data":"x y"},"honor":{"l":[1,2]}}"#,
        )],
    ),
    campaign(
        "expires_after: 5m, transparent: { payload: { honor: { k: v } }, urgency: high }",
        &[("TransparentMessagePayload", r#"{"honor":{"k":"v"}}"#), ("TransparentMessageUrgency", "HIGH")],
    ),
    campaign(
        "expires_after: 5m, transparent: { payload: { honor: { k: v } }, urgency: normal }",
        &[("TransparentMessagePayload", r#"{"honor":{"k":"v"}}"#), ("TransparentMessageUrgency", "NORMAL")],
    ),
    // Strategies. Each time was computed with `date -d … +%s`.
    strategy(
        "send: once, at: 2026-12-15T09:00:00+08:00",
        &[("StrategyType", "1"), ("StrategyContent", r#"{"fixedTime":1797296400000}"#)],
    ),
    strategy(
        "send: once, at: 2026-12-15 09:00",
        &[("StrategyType", "1"), ("StrategyContent", r#"{"fixedTime":1797296400000}"#)],
    ),
    strategy(
        r#"send: repeat, every: day, time: "13:45:11", from: 2026-12-01, until: 2026-12-31"#,
        &[
            ("StrategyType", "2"),
            (
                "StrategyContent",
                r#"{"startTime":1796054400000,"endTime":1798646400000,"circleType":1,"time":"13:45:11"}"#,
            ),
        ],
    ),
    strategy(
        r#"send: repeat, every: week, on: [sunday, monday], time: "09:00", from: 2026-12-01, until: 2027-02-28"#,
        &[
            ("StrategyType", "2"),
            (
                "StrategyContent",
                r#"{"startTime":1796054400000,"endTime":1803744000000,"circleType":2,"circleValue":[1,7],"time":"09:00:00"}"#,
            ),
        ],
    ),
    strategy(
        r#"send: repeat, every: month, on: [15, 1], time: "23:59:59", from: 2026-12-01, until: 2026-12-31"#,
        &[
            ("StrategyType", "2"),
            (
                "StrategyContent",
                r#"{"startTime":1796054400000,"endTime":1798646400000,"circleType":3,"circleValue":[1,15],"time":"23:59:59"}"#,
            ),
        ],
    ),
    // Classifications.
    classification("vivo: { message_type: operational }", &[("Classification", "0")]),
    classification("vivo: { message_type: system }", &[("Classification", "1")]),
    classification("huawei: { category: finance }", &[("ThirdChannelCategory", r#"{"hms":"9"}"#)]),
    classification("huawei: { category: mail }", &[("ThirdChannelCategory", r#"{"hms":"12"}"#)]),
    classification(r#"huawei: { category: "15" }"#, &[("ThirdChannelCategory", r#"{"hms":"15"}"#)]),
    classification(r#"honor: { category: "3" }"#, &[("ThirdChannelCategory", r#"{"honor":"3"}"#)]),
    classification("harmonyos: { category: mail }", &[("ThirdChannelCategory", r#"{"harmonyos":"11"}"#)]),
    classification("vivo: { category: im }", &[("ThirdChannelCategory", r#"{"vivo":"1"}"#)]),
    classification("oppo: { category: ACCOUNT }", &[("ThirdChannelCategory", r#"{"oppo":"ACCOUNT"}"#)]),
    classification(r#"xiaomi: { category: "108" }"#, &[("ThirdChannelCategory", r#"{"miui":"108"}"#)]),
    classification("huawei: { level: low }", &[("NotifyLevel", r#"{"hms":"1"}"#)]),
    classification("huawei: { level: normal }", &[("NotifyLevel", r#"{"hms":"2"}"#)]),
    classification("oppo: { level: 1 }", &[("NotifyLevel", r#"{"oppo":"1"}"#)]),
    classification("oppo: { level: 2 }", &[("NotifyLevel", r#"{"oppo":"2"}"#)]),
    classification("oppo: { level: 16 }", &[("NotifyLevel", r#"{"oppo":"16"}"#)]),
    classification(r#"xiaomi: { channel_id: "123321" }"#, &[("MiChannelId", "123321")]),
    classification("android: { channel_id: 付款 }", &[("ChannelId", "付款")]),
    classification(
        r#"huawei: { category: finance, level: normal }, honor: { category: "3" }, harmonyos: { category: finance },
           vivo: { category: im, message_type: system }, oppo: { category: ACCOUNT, level: 2 },
           xiaomi: { category: "108", channel_id: "123321" }, android: { channel_id: payments }"#,
        &[
            ("ChannelId", "payments"),
            ("Classification", "1"),
            ("MiChannelId", "123321"),
            ("NotifyLevel", r#"{"hms":"2","oppo":"2"}"#),
            (
                "ThirdChannelCategory",
                r#"{"hms":"9","honor":"3","harmonyos":"9","vivo":"1","oppo":"ACCOUNT","miui":"108"}"#,
            ),
        ],
    ),
];

/// Rows of `PushTemplate` alone.
pub(super) const TEMPLATE: &[Row] = &[
    audience(
        "android_devices: [d1]",
        &[("DeliveryType", "1"), ("TargetMsgkey", r#"{"d1":"KEY(1,android_devices,d1)"}"#)],
    ),
    audience(
        "ios_devices: [d1]",
        &[("DeliveryType", "2"), ("TargetMsgkey", r#"{"d1":"KEY(1,ios_devices,d1)"}"#)],
    ),
    audience(
        r#"users: [u2, "u \"1", 用户😀]"#,
        &[
            ("DeliveryType", "3"),
            (
                "TargetMsgkey",
                r#"{"u2":"KEY(1,users,u2)","u \"1":"KEY(1,users,u "1)","用户😀":"KEY(1,users,用户😀)"}"#,
            ),
        ],
    ),
    audience(
        "harmonyos_devices: [d1]",
        &[("DeliveryType", "7"), ("TargetMsgkey", r#"{"d1":"KEY(1,harmonyos_devices,d1)"}"#)],
    ),
    campaign(
        "expires_after: 5m, revision: 2",
        &[("TaskName", "acme/remote/ID@2#1"), ("TargetMsgkey", r#"{"user1024":"KEY(2,users,user1024)"}"#)],
    ),
    campaign("expires_after: 5m, channel: default", &[("NotifyType", "notify")]),
    campaign("expires_after: 5m, channel: self_built", &[("NotifyType", "transparent")]),
    campaign(
        r#"expires_after: 5m, sms: { strategy: supplement, sign_name: 阿克米, template_code: SMS_1, params: { b: "2", a: "1" } }"#,
        &[
            ("SmsSignName", "阿克米"),
            ("SmsStrategy", "1"),
            ("SmsTemplateCode", "SMS_1"),
            ("SmsTemplateParam", r#"{"a":"1","b":"2"}"#),
        ],
    ),
    campaign(
        "expires_after: 5m, sms: { strategy: concurrent, sign_name: A, template_code: SMS_1, params: {} }",
        &[
            ("SmsSignName", "A"),
            ("SmsStrategy", "2"),
            ("SmsTemplateCode", "SMS_1"),
            ("SmsTemplateParam", "{}"),
        ],
    ),
    Row {
        audience: Some("live_activity_tokens: [80d0a1]"),
        campaign: "expires_after: 5m, live_activity: { event: update, state: { z: 1, eta: { minutes: 12 } } }",
        sends: &[
            ("DeliveryType", "5"),
            ("TargetMsgkey", r#"{"80d0a1":"KEY(1,live_activity_tokens,80d0a1)"}"#),
            ("ActivityEvent", "update"),
            ("ActivityContentState", r#"{"eta":{"minutes":12},"z":1}"#),
        ],
        ..LEAST
    },
    Row {
        audience: Some("live_activities: [delivery-1]"),
        campaign: "expires_after: 5m, live_activity: { event: end, state: { done: true } }",
        sends: &[
            ("DeliveryType", "6"),
            ("TargetMsgkey", r#"{"delivery-1":"KEY(1,live_activities,delivery-1)"}"#),
            ("ActivityEvent", "end"),
            ("ActivityContentState", r#"{"done":true}"#),
        ],
        ..LEAST
    },
    Row {
        audience: Some("live_activities: [delivery-1]"),
        campaign: "expires_after: 5m, live_activity: { event: end, state: { done: true }, dismiss_at: 2026-12-15T18:00:00+08:00 }",
        sends: &[
            ("DeliveryType", "6"),
            ("TargetMsgkey", r#"{"delivery-1":"KEY(1,live_activities,delivery-1)"}"#),
            ("ActivityEvent", "end"),
            ("ActivityContentState", r#"{"done":true}"#),
            ("DismissalDate", "1797328800"),
        ],
        ..LEAST
    },
    Row {
        audience: Some("live_activities: [delivery-1]"),
        campaign: "expires_after: 5m, live_activity: { event: end }",
        sends: &[
            ("DeliveryType", "6"),
            ("TargetMsgkey", r#"{"delivery-1":"KEY(1,live_activities,delivery-1)"}"#),
            ("ActivityEvent", "end"),
        ],
        ..LEAST
    },
];

/// Rows of `PushMultiple` alone.
pub(super) const MULTIPLE: &[Row] = &[
    audience(
        "android_devices: [d1]",
        &[
            ("DeliveryType", "1"),
            ("TargetMsg.1.Target", "d1"),
            ("TargetMsg.1.MsgKey", "KEY(1,android_devices,d1)"),
        ],
    ),
    audience(
        "ios_devices: [d1]",
        &[
            ("DeliveryType", "2"),
            ("TargetMsg.1.Target", "d1"),
            ("TargetMsg.1.MsgKey", "KEY(1,ios_devices,d1)"),
        ],
    ),
    audience(
        r#"users: [u2, "u \"1", 用户😀]"#,
        &[
            ("TargetMsg.1.Target", "u2"),
            ("TargetMsg.1.MsgKey", "KEY(1,users,u2)"),
            ("TargetMsg.2.Target", "u \"1"),
            ("TargetMsg.2.MsgKey", "KEY(1,users,u \"1)"),
            ("TargetMsg.3.Target", "用户😀"),
            ("TargetMsg.3.MsgKey", "KEY(1,users,用户😀)"),
        ],
    ),
    audience(
        "harmonyos_devices: [d1]",
        &[
            ("DeliveryType", "7"),
            ("TargetMsg.1.Target", "d1"),
            ("TargetMsg.1.MsgKey", "KEY(1,harmonyos_devices,d1)"),
        ],
    ),
    campaign(
        "expires_after: 5m, revision: 2",
        &[("TaskName", "acme/remote/ID@2#1"), ("TargetMsg.1.MsgKey", "KEY(2,users,user1024)")],
    ),
    campaign("expires_after: 5m, channel: default", &[("NotifyType", "notify")]),
    campaign("expires_after: 5m, channel: self_built", &[("NotifyType", "transparent")]),
    // Values of each target's own, beside one that all share.
    Row {
        template: r##"name: T2, title: "#name# 您好", body: "#money# USD""##,
        audience: Some("users: { file: own.csv, column: id }"),
        campaign: r#"expires_after: 5m, values: { money: "200" }, values_from: { name: 昵称 }"#,
        sends: &[
            ("TemplateName", "T2"),
            ("TargetMsg.1.Target", "u2"),
            ("TargetMsg.1.MsgKey", "KEY(1,users,u2)"),
            ("TargetMsg.1.TemplateKeyValue", r#"{"money":"200","name":"张三 & *~+ 😀"}"#),
            ("TargetMsg.2.Target", "u1"),
            ("TargetMsg.2.MsgKey", "KEY(1,users,u1)"),
            ("TargetMsg.2.TemplateKeyValue", r#"{"money":"200","name":"Zhang \"San\""}"#),
        ],
        ..LEAST
    },
];

/// The audience file of the last row above.
pub(super) const OWN_VALUES: &str = "昵称,id\n张三 & *~+ 😀,u2\n\"Zhang \"\"San\"\"\",u1\n张三 & *~+ 😀,u2\n";

/// Rows of `PushBroadcast` alone.
pub(super) const BROADCAST: &[Row] = &[
    audience(
        "broadcast: { platform: android, login: logged_in, within: 15d }",
        &[("DeliveryType", "1"), ("Msgkey", "KEY(1,broadcast,android)"), ("BindPeriod", "2")],
    ),
    audience(
        "broadcast: { platform: ios, login: logged_in, within: 60d }",
        &[("DeliveryType", "2"), ("Msgkey", "KEY(1,broadcast,ios)"), ("BindPeriod", "3")],
    ),
    audience(
        "broadcast: { platform: harmonyos, login: logged_in, within: permanent }",
        &[("DeliveryType", "7"), ("Msgkey", "KEY(1,broadcast,harmonyos)"), ("BindPeriod", "4")],
    ),
    audience(
        "broadcast: { platform: android, login: all, within: 7d }",
        &[("PushStatus", "1"), ("UnBindPeriod", "1"), ("BindPeriod", "")],
    ),
    audience(
        "broadcast: { platform: android, login: logged_out, within: 15d }",
        &[("PushStatus", "2"), ("UnBindPeriod", "2"), ("BindPeriod", "")],
    ),
    audience(
        "broadcast: { platform: android, login: logged_out, within: 60d }",
        &[("PushStatus", "2"), ("UnBindPeriod", "3"), ("BindPeriod", "")],
    ),
    audience(
        "broadcast: { platform: android, login: all, within: permanent }",
        &[("PushStatus", "1"), ("UnBindPeriod", "4"), ("BindPeriod", "")],
    ),
    campaign(
        "expires_after: 5m, revision: 2",
        &[("TaskName", "acme/remote/ID@2#1"), ("Msgkey", "KEY(2,broadcast,android)")],
    ),
    campaign("expires_after: 5m, channel: default", &[("AndroidChannel", "2")]),
    campaign("expires_after: 5m, channel: self_built", &[("AndroidChannel", "1")]),
];
