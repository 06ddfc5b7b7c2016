//! What an editor makes of the schemas: the real YAML language server, asked over its protocol.
//!
//! `scripts/editor-server` installs it. Every case is a document with a cursor `‸`; the document names its
//! schema in its first line, as `init` writes it.

mod client;

use std::fmt::Write;

use client::Client;

const CURSOR: char = '‸';

/// What is asked at the cursor.
#[derive(Clone, Copy, Debug)]
enum Ask {
    /// What can be typed here: every expected text is offered as a whole, and no other of the `never`s.
    Completion,
    /// What is this: the text has every expected piece.
    Hover,
    /// What is wrong with the file: every expected piece is in some message; none is expected of a good file.
    Diagnostics,
}

struct Case {
    schema: &'static str,
    ask: Ask,
    text: &'static str,
    expected: &'static [&'static str],
    never: &'static [&'static str],
}

const fn case(schema: &'static str, ask: Ask, text: &'static str, expected: &'static [&'static str]) -> Case {
    Case { schema, ask, text, expected, never: &[] }
}

const CAMPAIGN: &str = "campaign";
const PROJECT: &str = "project";

const CASES: &[Case] = &[
    case(
        PROJECT,
        Ask::Completion,
        "‸",
        &["version", "project", "time_zone", "default_environment", "environments"],
    ),
    case(
        PROJECT,
        Ask::Completion,
        "environments:\n  test:\n    ‸",
        &[
            "app_id",
            "workspace_id",
            "tenant_id",
            "endpoint",
            "region",
            "requests_per_second",
            "concurrency",
            "timeout",
            "ledger",
        ],
    ),
    case(
        PROJECT,
        Ask::Completion,
        "environments:\n  test:\n    api_version: ‸",
        &["2019-08-21", "2020-10-28"],
    ),
    case(
        CAMPAIGN,
        Ask::Completion,
        "‸",
        &["templates", "audiences", "classifications", "strategies", "campaigns"],
    ),
    case(
        CAMPAIGN,
        Ask::Completion,
        "campaigns:\n  a:\n    ‸",
        &[
            "template",
            "audience",
            "classification",
            "strategy",
            "revision",
            "values",
            "expires_after",
            "task_name",
            "extended_params",
            "channel",
            "transparent",
            "sms",
            "live_activity",
        ],
    ),
    case(CAMPAIGN, Ask::Completion, "campaigns:\n  a:\n    channel: ‸", &["default", "self_built"]),
    case(
        CAMPAIGN,
        Ask::Completion,
        "campaigns:\n  a:\n    sms:\n      ‸",
        &["strategy", "sign_name", "template_code", "params"],
    ),
    case(
        CAMPAIGN,
        Ask::Completion,
        "campaigns:\n  a:\n    sms:\n      strategy: ‸",
        &["supplement", "concurrent"],
    ),
    case(
        CAMPAIGN,
        Ask::Completion,
        "campaigns:\n  a:\n    live_activity:\n      event: ‸",
        &["update", "end"],
    ),
    case(
        CAMPAIGN,
        Ask::Completion,
        "campaigns:\n  a:\n    transparent:\n      urgency: ‸",
        &["high", "normal"],
    ),
    case(
        CAMPAIGN,
        Ask::Completion,
        "audiences:\n  a:\n    ‸",
        &[
            "android_devices",
            "ios_devices",
            "users",
            "live_activity_tokens",
            "live_activities",
            "harmonyos_devices",
            "broadcast",
        ],
    ),
    case(
        CAMPAIGN,
        Ask::Completion,
        "audiences:\n  a:\n    users:\n      ‸",
        &["file", "format", "column", "field"],
    ),
    case(
        CAMPAIGN,
        Ask::Completion,
        "audiences:\n  a:\n    users:\n      format: ‸",
        &["csv", "jsonl", "text"],
    ),
    case(
        CAMPAIGN,
        Ask::Completion,
        "audiences:\n  a:\n    broadcast:\n      ‸",
        &["platform", "login", "within"],
    ),
    case(
        CAMPAIGN,
        Ask::Completion,
        "audiences:\n  a:\n    broadcast:\n      platform: ‸",
        &["android", "ios", "harmonyos"],
    ),
    case(
        CAMPAIGN,
        Ask::Completion,
        "audiences:\n  a:\n    broadcast:\n      platform: ios\n      within: ‸",
        &["7d", "15d", "60d", "permanent"],
    ),
    case(
        CAMPAIGN,
        Ask::Completion,
        "classifications:\n  a:\n    ‸",
        &["huawei", "honor", "harmonyos", "vivo", "oppo", "xiaomi", "android"],
    ),
    case(
        CAMPAIGN,
        Ask::Completion,
        "classifications:\n  a:\n    huawei:\n      level: ‸",
        &["low", "normal"],
    ),
    case(
        CAMPAIGN,
        Ask::Completion,
        "classifications:\n  a:\n    huawei:\n      category: ‸",
        &["im", "finance", "marketing"],
    ),
    case(
        CAMPAIGN,
        Ask::Completion,
        "classifications:\n  a:\n    vivo:\n      message_type: ‸",
        &["operational", "system"],
    ),
    case(CAMPAIGN, Ask::Completion, "classifications:\n  a:\n    oppo:\n      level: ‸", &["1", "2", "16"]),
    case(CAMPAIGN, Ask::Completion, "strategies:\n  a:\n    send: ‸", &["now", "once", "repeat"]),
    case(CAMPAIGN, Ask::Completion, "strategies:\n  a:\n    ‸", &["send"]),
    Case {
        never: &["at"],
        ..case(
            CAMPAIGN,
            Ask::Completion,
            "strategies:\n  a:\n    send: repeat\n    ‸",
            &["every", "on", "time", "from", "until"],
        )
    },
    Case {
        never: &["every", "until"],
        ..case(CAMPAIGN, Ask::Completion, "strategies:\n  a:\n    send: once\n    ‸", &["at"])
    },
    case(
        CAMPAIGN,
        Ask::Completion,
        "strategies:\n  a:\n    send: repeat\n    every: ‸",
        &["day", "week", "month"],
    ),
    case(
        CAMPAIGN,
        Ask::Completion,
        "strategies:\n  a:\n    send: repeat\n    on:\n      - ‸",
        &["monday", "sunday"],
    ),
    case(
        CAMPAIGN,
        Ask::Hover,
        "campaigns:\n  a:\n    expires_a‸fter: 5m",
        &["ExpiredSeconds", "seconds, minutes, hours or days", "2h 30m"],
    ),
    case(CAMPAIGN, Ask::Hover, "campaigns:\n  a:\n    chan‸nel: default", &["NotifyType", "AndroidChannel"]),
    case(
        CAMPAIGN,
        Ask::Hover,
        "campaigns:\n  a:\n    sm‸s: { strategy: supplement }",
        &["An SMS beside the push"],
    ),
    case(
        CAMPAIGN,
        Ask::Hover,
        "classifications:\n  a:\n    vivo:\n      mess‸age_type: system",
        &["Classification", "vivo's message type"],
    ),
    case(
        CAMPAIGN,
        Ask::Hover,
        "strategies:\n  a:\n    send: repeat\n    o‸n: [monday]",
        &["circleValue", "1 is Monday"],
    ),
    case(PROJECT, Ask::Hover, "environments:\n  test:\n    app_i‸d: x", &["AppId", "ONEX570DA89211721"]),
    case(
        CAMPAIGN,
        Ask::Diagnostics,
        "templates:\n  a: { name: a, title: t, body: b, colour: red }",
        &["colour"],
    ),
    case(CAMPAIGN, Ask::Diagnostics, "templates:\n  a: { name: a, title: t }", &["body"]),
    case(CAMPAIGN, Ask::Diagnostics, "templates:\n  a: { name: a, title: t, body: 200 }", &["string"]),
    case(
        CAMPAIGN,
        Ask::Diagnostics,
        "audiences:\n  a:\n    broadcast: { platform: andriod, within: 7d }",
        &["\"android\""],
    ),
    case(CAMPAIGN, Ask::Diagnostics, "strategies:\n  a: { send: once }", &["at"]),
    case(
        CAMPAIGN,
        Ask::Diagnostics,
        "campaigns:\n  a: { template: a, audience: a, strategy: a, expires_after: 5m, sms: }",
        &["SMS"],
    ),
    case(
        CAMPAIGN,
        Ask::Diagnostics,
        "strategies:\n  a: { send: repeat, every: week, on: [monday, 7], time: \"13:45:11\", from: 2026-12-01, until: 2027-02-28 }\naudiences:\n  a: { users: { file: a.csv, column: id } }\n  b: { users: [a, b] }",
        &[],
    ),
    case(PROJECT, Ask::Diagnostics, "version: 2\nproject: a\nenvironments: {}", &["1"]),
];

#[test]
fn the_language_server_completes_explains_and_checks() {
    let mut client = Client::start();
    let mut failures = String::new();
    for case in CASES {
        if let Err(answer) = ask(&mut client, case) {
            writeln!(
                failures,
                "{:?} at:\n{}\nexpected {:?}, got {answer}\n",
                case.ask, case.text, case.expected
            )
            .unwrap();
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

fn ask(client: &mut Client, case: &Case) -> Result<(), String> {
    let root = env!("CARGO_MANIFEST_DIR");
    let modeline =
        format!("# yaml-language-server: $schema=file://{root}/schema/{}.schema.json\n", case.schema);
    let cursor = case.text.find(CURSOR).unwrap_or(case.text.len());
    let line_start = case.text[..cursor].rfind('\n').map_or(0, |at| at + 1);
    let line = case.text[..cursor].matches('\n').count() + 1;
    let uri = client.open(&format!("{modeline}{}\n", case.text.replace(CURSOR, "")));
    match case.ask {
        Ask::Completion => {
            let labels = client.completions(&uri, line, cursor - line_start);
            let has = |name: &&&str| labels.iter().any(|label| label == **name);
            let is_good =
                case.expected.iter().all(|name| has(&name)) && !case.never.iter().any(|name| has(&name));
            is_good.then_some(()).ok_or(format!("{labels:?}"))
        }
        Ask::Hover => {
            let text = client.hover(&uri, line, cursor - line_start);
            case.expected.iter().all(|piece| text.contains(piece)).then_some(()).ok_or(text)
        }
        Ask::Diagnostics => {
            let messages = client.diagnostics(&uri);
            let has = |piece: &&str| messages.iter().any(|message| message.contains(piece));
            let is_good = messages.is_empty() == case.expected.is_empty() && case.expected.iter().all(has);
            is_good.then_some(()).ok_or(format!("{messages:?}"))
        }
    }
}
