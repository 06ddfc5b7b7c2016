//! The exact bytes of one full body of each call: sorted names, percent-encoding with capital letters, `%20`.

use crate::site::NOW;
use crate::wire::rows::{BOTH, Row};
use crate::wire::{file, sent};

const FULL: Row = Row {
    template: r##"name: 发薪 v1, title: "#name#", body: "#money#""##,
    classification: r#"huawei: { category: finance, level: normal }, vivo: { category: im, message_type: system },
        oppo: { level: 2 }, xiaomi: { channel_id: "123321" }, android: { channel_id: pay }"#,
    strategy: r#"send: repeat, every: week, on: [monday, sunday], time: "13:45:11", from: 2026-12-01, until: 2027-02-28"#,
    ..BOTH[0]
};

fn body(row: &Row, audience: &str) -> String {
    let files = [("c".to_owned(), file("c", row, audience))];
    let received = sent(NOW, ", tenant_id: ABCDEFGH", &files);
    let [request] = received.as_slice() else { panic!("one request, not {received:?}") };
    assert_eq!(request.headers["content-length"], request.body.len().to_string());
    request.body.clone()
}

#[test]
fn a_full_push_to_targets_is_this_body() {
    let row = Row {
        campaign: r#"task_name: 十二月 payday, expires_after: 5m, values: { name: "张三 *~+", money: "200" }, channel: default,
            extended_params: { page: a&b=c }, transparent: { payload: { honor: { k: "x/y?" } }, urgency: high },
            sms: { strategy: concurrent, sign_name: 阿克米, template_code: SMS_1, params: { code: "😀" } }"#,
        ..FULL
    };
    let body = body(&row, r#"users: [user1024, "用户 2"]"#);
    insta::assert_snapshot!(body.replace('&', "&\n"), @"
    AppId=ONEX570DA89211721&
    ChannelId=pay&
    Classification=1&
    DeliveryType=3&
    ExpiredSeconds=300&
    ExtendedParams=%7B%22page%22%3A%22a%26b%3Dc%22%7D&
    MiChannelId=123321&
    NotifyLevel=%7B%22hms%22%3A%222%22%2C%22oppo%22%3A%222%22%7D&
    NotifyType=notify&
    SmsSignName=%E9%98%BF%E5%85%8B%E7%B1%B3&
    SmsStrategy=2&
    SmsTemplateCode=SMS_1&
    SmsTemplateParam=%7B%22code%22%3A%22%F0%9F%98%80%22%7D&
    StrategyContent=%7B%22startTime%22%3A1796054400000%2C%22endTime%22%3A1803744000000%2C%22circleType%22%3A2%2C%22circleValue%22%3A%5B1%2C7%5D%2C%22time%22%3A%2213%3A45%3A11%22%7D&
    StrategyType=2&
    TargetMsgkey=%7B%22user1024%22%3A%22b510ecf670f4d8ad351caa38bc3817f6%22%2C%22%E7%94%A8%E6%88%B7%202%22%3A%22391e5d7f4792cf08405b32a61e886dde%22%7D&
    TaskName=%E5%8D%81%E4%BA%8C%E6%9C%88%20payday&
    TemplateKeyValue=%7B%22money%22%3A%22200%22%2C%22name%22%3A%22%E5%BC%A0%E4%B8%89%20%2A~%2B%22%7D&
    TemplateName=%E5%8F%91%E8%96%AA%20v1&
    TenantId=ABCDEFGH&
    ThirdChannelCategory=%7B%22hms%22%3A%229%22%2C%22vivo%22%3A%221%22%7D&
    TransparentMessagePayload=%7B%22honor%22%3A%7B%22k%22%3A%22x%2Fy%3F%22%7D%7D&
    TransparentMessageUrgency=HIGH&
    WorkspaceId=test
    ");
}

#[test]
fn a_full_broadcast_is_this_body() {
    let row = Row {
        campaign: r#"task_name: 十二月 payday, expires_after: 5m, values: { name: "张三 *~+", money: "200" },
            channel: self_built, extended_params: { page: a&b=c },
            transparent: { payload: { honor: { k: "x/y?" } }, urgency: normal }"#,
        ..FULL
    };
    let body = body(&row, "broadcast: { platform: android, login: logged_out, within: 60d }");
    insta::assert_snapshot!(body.replace('&', "&\n"), @"
    AndroidChannel=1&
    AppId=ONEX570DA89211721&
    ChannelId=pay&
    Classification=1&
    DeliveryType=1&
    ExpiredSeconds=300&
    ExtendedParams=%7B%22page%22%3A%22a%26b%3Dc%22%7D&
    MiChannelId=123321&
    Msgkey=5ffed3b5dc464db2add0e6588ad28a4b&
    NotifyLevel=%7B%22hms%22%3A%222%22%2C%22oppo%22%3A%222%22%7D&
    PushStatus=2&
    StrategyContent=%7B%22startTime%22%3A1796054400000%2C%22endTime%22%3A1803744000000%2C%22circleType%22%3A2%2C%22circleValue%22%3A%5B1%2C7%5D%2C%22time%22%3A%2213%3A45%3A11%22%7D&
    StrategyType=2&
    TaskName=%E5%8D%81%E4%BA%8C%E6%9C%88%20payday&
    TemplateKeyValue=%7B%22money%22%3A%22200%22%2C%22name%22%3A%22%E5%BC%A0%E4%B8%89%20%2A~%2B%22%7D&
    TemplateName=%E5%8F%91%E8%96%AA%20v1&
    TenantId=ABCDEFGH&
    ThirdChannelCategory=%7B%22hms%22%3A%229%22%2C%22vivo%22%3A%221%22%7D&
    TransparentMessagePayload=%7B%22honor%22%3A%7B%22k%22%3A%22x%2Fy%3F%22%7D%7D&
    TransparentMessageUrgency=NORMAL&
    UnBindPeriod=3&
    WorkspaceId=test
    ");
}

#[test]
fn a_full_push_to_many_targets_is_this_body() {
    let row = Row {
        campaign: r#"task_name: 十二月 payday, expires_after: 5m, values: { name: "张三 *~+", money: "200" }, channel: default,
            extended_params: { page: a&b=c }, transparent: { payload: { honor: { k: "x/y?" } }, urgency: high },
            call: multiple"#,
        ..FULL
    };
    let body = body(&row, r#"users: [user1024, "用户 2"]"#);
    insta::assert_snapshot!(body.replace('&', "&\n"), @r"
    AppId=ONEX570DA89211721&
    ChannelId=pay&
    Classification=1&
    DeliveryType=3&
    ExpiredSeconds=300&
    ExtendedParams=%7B%22page%22%3A%22a%26b%3Dc%22%7D&
    MiChannelId=123321&
    NotifyLevel=%7B%22hms%22%3A%222%22%2C%22oppo%22%3A%222%22%7D&
    NotifyType=notify&
    StrategyContent=%7B%22startTime%22%3A1796054400000%2C%22endTime%22%3A1803744000000%2C%22circleType%22%3A2%2C%22circleValue%22%3A%5B1%2C7%5D%2C%22time%22%3A%2213%3A45%3A11%22%7D&
    StrategyType=2&
    TargetMsg.1.MsgKey=b510ecf670f4d8ad351caa38bc3817f6&
    TargetMsg.1.Target=user1024&
    TargetMsg.1.TemplateKeyValue=%7B%22money%22%3A%22200%22%2C%22name%22%3A%22%E5%BC%A0%E4%B8%89%20%2A~%2B%22%7D&
    TargetMsg.2.MsgKey=391e5d7f4792cf08405b32a61e886dde&
    TargetMsg.2.Target=%E7%94%A8%E6%88%B7%202&
    TargetMsg.2.TemplateKeyValue=%7B%22money%22%3A%22200%22%2C%22name%22%3A%22%E5%BC%A0%E4%B8%89%20%2A~%2B%22%7D&
    TaskName=%E5%8D%81%E4%BA%8C%E6%9C%88%20payday&
    TemplateName=%E5%8F%91%E8%96%AA%20v1&
    TenantId=ABCDEFGH&
    ThirdChannelCategory=%7B%22hms%22%3A%229%22%2C%22vivo%22%3A%221%22%7D&
    TransparentMessagePayload=%7B%22honor%22%3A%7B%22k%22%3A%22x%2Fy%3F%22%7D%7D&
    TransparentMessageUrgency=HIGH&
    WorkspaceId=test
    ");
}
