//! Plans of every shape, for the drawers' tests: texts that try to be something else, numbers that do not fit together.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::plan::{
    ChangeDocument, ChangeKind, DayDocument, FORMAT, LedgerDocument, MessageDocument, PlaceDocument,
    PlanDocument, ScheduleDocument, SummaryDocument, TargetsDocument, VERSION, ValueLengthDocument,
    WaitingDocument, WaitingStanding, WidestDocument, WithdrawalDocument,
};

const KINDS: [ChangeKind; 11] = [
    ChangeKind::Create,
    ChangeKind::Add,
    ChangeKind::Continue,
    ChangeKind::Later,
    ChangeKind::Waiting,
    ChangeKind::Blocked,
    ChangeKind::Held,
    ChangeKind::Missed,
    ChangeKind::InDoubt,
    ChangeKind::UpToDate,
    ChangeKind::Closed,
];

const STANDINGS: [WaitingStanding; 5] = [
    WaitingStanding::Removed,
    WaitingStanding::Superseded,
    WaitingStanding::Changed,
    WaitingStanding::Closed,
    WaitingStanding::Withdrawn,
];

/// What every text of somebody else's begins with here, and no word of the tool's has.
pub(super) const FOREIGN: char = '§';

/// Texts as people write them, and as somebody would who wants to be read as more than text.
pub(super) fn text() -> impl Strategy<Value = String> {
    let parts = prop_oneof![
        3 => "[a-z0-9 ,.-]{0,12}",
        1 => prop::sample::select(vec![
            "您好，尊敬的客户 ", "👩\u{200d}💻", "`", "```", "~~~~", "`a b`", "\n", "\r\n", "\t", "\\", "\\u{202e}", "\u{202e}",
            "\u{1b}[2J", "\u{1b}[31m", "::add-mask::x", "\n::error::x\n", "##[group]x", "@everyone ", "@a/b", "#1 ", "acme/app#2",
            "!3 ", "GH-4", "http://x.example/a ", "www.x.example", "a@x.example", "<script>", "<!-- ", " -->", "</details>",
            "&lt;", "&#64;", "[a](b)", "![a](b)", "| a |", "**a**", "__a__", "# h", "> q", "- [ ] t", ":tada:", "$x$", "9f3c1d0a77",
            "~bug ", "~\"a b\"", "%\"v 1\"", "%17 ", "$12 ", "&7 ", "[[wiki]]", "[vulnerability:4]", "^alert#3", "\n/close\n", "/merge",
            "\n```\n/approve\n```\n", ">>>\n/label ~x\n>>>", "acme/app!5 ", "acme/app@9f3c1d0a77 ", "🇨🇳", "🚀",
            "`campaignctl plan`", "\u{a0}", "\u{200b}", "\u{3000}", "0123456789012345678901234567890123456789",
        ]).prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    vec(parts, 0..6).prop_map(|parts| format!("{FOREIGN}{}", parts.concat()))
}

/// A campaign to one user that is pushed at once.
pub(super) fn one_change(campaign: &str, kind: ChangeKind) -> ChangeDocument {
    let change = json!({
        "campaign": campaign, "revision": 1, "kind": kind, "reason": "new campaign", "call": "PushTemplate",
        "audience": "vips", "recipients": "users", "requests": 1, "first_batch": 1, "audience_digest": "", "push_digest": "",
        "schedule": { "send": "now" }, "declared_at": { "file": "a.yaml", "line": 2 }, "content_digest": "",
        "targets": { "audience": 1, "repeats": 0, "accepted": 0, "in_doubt": 0, "rejected": 0, "unsent": 1, "to_retry": 0,
            "joined": 0, "left": 0, "to_push": 1 },
        "message": { "title": "T", "body": "B" },
        "content": { "template": { "name": "t", "title": "T", "body": "B" }, "audience": "users",
            "strategy": { "send": "now" }, "expires_after_seconds": 60 },
    });
    serde_json::from_value(change).unwrap()
}

/// A plan of these, made in the morning of 2026-11-24.
pub(super) fn one_plan(changes: &[ChangeDocument]) -> PlanDocument {
    let plan = json!({
        "format": FORMAT, "version": VERSION, "made_by": "campaignctl 0.3.0", "made_at": "2026-11-24T02:00:00Z",
        "digest": "sha256:5f1c", "project": "acme", "environment": "production", "app_id": "ONEX", "workspace_id": "default",
        "endpoint": "sandbox", "api_version": "2020-10-28", "time_zone": "Asia/Shanghai",
        "ledger": { "lineage": "l", "serial": 3 }, "inputs": [],
        "summary": { "to_push": 1, "targets": 1, "requests": 1, "up_to_date": 0, "later": 0, "waiting": 0, "blocked": 0,
            "held": 0, "missed": 0, "in_doubt": 0 },
        "changes": changes,
    });
    serde_json::from_value(plan).unwrap()
}

fn at() -> impl Strategy<Value = DateTime<Utc>> {
    (0..300_000_000_i64)
        .prop_map(|seconds| DateTime::UNIX_EPOCH + TimeDelta::seconds(1_700_000_000 + seconds))
}

fn day() -> impl Strategy<Value = NaiveDate> {
    at().prop_map(|at| at.date_naive())
}

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), Just(1), 2..2000_u64, 0..100_000_000_u64]
}

fn recipients() -> impl Strategy<Value = String> {
    prop_oneof![Just("users".to_owned()), Just("broadcast".to_owned()), text()]
}

fn schedule() -> impl Strategy<Value = ScheduleDocument> {
    let every = prop_oneof![Just("week".to_owned()), Just("day".to_owned()), text()];
    let time = (0..86_400_u32)
        .prop_map(|seconds| NaiveTime::from_num_seconds_from_midnight_opt(seconds, 0).unwrap_or_default());
    prop_oneof![
        (of(at()), of(at()))
            .prop_map(|(not_before, not_after)| ScheduleDocument::Now { not_before, not_after }),
        at().prop_map(|at| ScheduleDocument::Once { at }),
        (every, of(vec(any::<u8>(), 0..3)), time, day(), 0..400_u64).prop_map(
            |(every, on, time, from, days)| {
                let until = from + chrono::Days::new(days);
                ScheduleDocument::Repeat { every, on, time, from, until }
            }
        ),
    ]
}

fn of<T: std::fmt::Debug>(strategy: impl Strategy<Value = T>) -> impl Strategy<Value = Option<T>> {
    prop::option::of(strategy)
}

fn targets() -> impl Strategy<Value = TargetsDocument> {
    vec(number(), 10).prop_map(|numbers| TargetsDocument {
        audience: numbers[0],
        repeats: numbers[1],
        accepted: numbers[2],
        in_doubt: numbers[3],
        rejected: numbers[4],
        unsent: numbers[5],
        to_retry: numbers[6],
        joined: numbers[7],
        left: numbers[8],
        to_push: numbers[9],
    })
}

fn content() -> impl Strategy<Value = Map<String, Value>> {
    let values = (text(), text(), text(), text(), at()).prop_map(|(title, body, key, value, at)| {
        json!({
            "template": { "title": title, "body": body, key.as_str(): value, "silent": false },
            "strategy": { "send": "once", "at": at },
            "expires_after_seconds": 43_200,
            "classification": { "huawei": { "category": "9" }, "vivo": { "message_type": "operational" } },
            "extras": [key, {}, null],
        })
    });
    values.prop_map(|value| match value {
        Value::Object(content) => content,
        other => unreachable!("{other}"),
    })
}

fn widest() -> impl Strategy<Value = WidestDocument> {
    let length = (number(), number())
        .prop_map(|(characters, half_widths)| ValueLengthDocument { characters, half_widths });
    let values = prop::collection::btree_map("[a-z]{1,2}", length, 0..3);
    vec(values, 2)
        .prop_map(|mut values| (values.remove(0), values.remove(0)))
        .prop_map(|(title, body)| WidestDocument { title, body })
}

fn change() -> impl Strategy<Value = ChangeDocument> {
    let names = ((0..6_u8).prop_map(|number| format!("c{number}")), text(), any::<bool>(), 1..4_u32);
    let words = (text(), of(text()), of(text()), of(text()));
    let who = (text(), text(), recipients(), targets(), number());
    let when = (schedule(), of(at()), of(at()));
    let what = (of((text(), text())), of(content()), of(content()), text(), number(), of(widest()));
    (names, words, prop::sample::select(KINDS.to_vec()), who, when, what).prop_map(
        |((short, long, is_short, revision), words, kind, who, when, what)| ChangeDocument {
            campaign: if is_short { short } else { long },
            revision,
            kind,
            reason: words.0,
            note: words.1,
            code: words.2,
            help: words.3,
            call: who.0,
            audience: who.1,
            recipients: who.2,
            targets: who.3,
            requests: who.4,
            first_batch: 1,
            audience_digest: String::new(),
            values_digest: None,
            push_digest: String::new(),
            schedule: when.0,
            first_at: None,
            first_sent_at: when.1,
            ends_at: None,
            missed_at: when.2,
            declared_at: PlaceDocument { file: what.3, line: what.4 },
            content_digest: String::new(),
            message: what.0.map(|(title, body)| MessageDocument { title, body }),
            widest: what.5,
            content: what.1,
            sent_content: what.2,
        },
    )
}

fn waiting() -> impl Strategy<Value = WaitingDocument> {
    let names = ((0..6_u8).prop_map(|number| format!("c{number}")), text(), any::<bool>(), 1..4_u32);
    (names, recipients(), schedule(), number(), number(), prop::sample::select(STANDINGS.to_vec())).prop_map(
        |((short, long, is_short, revision), recipients, schedule, targets, in_doubt, standing)| {
            let campaign = if is_short { short } else { long };
            WaitingDocument { campaign, revision, recipients, schedule, targets, in_doubt, standing }
        },
    )
}

fn withdrawal() -> impl Strategy<Value = WithdrawalDocument> {
    (text(), 1..4_u32, recipients(), number()).prop_map(|(campaign, revision, recipients, targets)| {
        WithdrawalDocument { campaign, revision, recipients, targets }
    })
}

fn summary() -> impl Strategy<Value = SummaryDocument> {
    vec(number(), 11).prop_map(|numbers| SummaryDocument {
        to_push: numbers[0],
        targets: numbers[1],
        broadcasts: numbers[2],
        requests: numbers[3],
        up_to_date: numbers[4],
        later: numbers[5],
        waiting: numbers[6],
        blocked: numbers[7],
        held: numbers[8],
        missed: numbers[9],
        in_doubt: numbers[10],
        upper_bounds: false,
    })
}

/// Plans as anybody may have written them into a file, of up to so many campaigns.
pub(super) fn plan(campaigns_max: usize) -> impl Strategy<Value = PlanDocument> {
    let zones = prop::sample::select(vec!["Asia/Shanghai", "Europe/Berlin", "no zone"]);
    let place = (vec(text(), 5), zones, at(), any::<bool>());
    let selection = (vec(text(), 0..3), vec(text(), 0..3));
    let day = (day(), number(), number()).prop_map(|(day, targets, broadcasts)| DayDocument {
        day,
        targets,
        broadcasts,
    });
    let told = (vec(change(), 0..=campaigns_max), vec(waiting(), 0..4), vec(withdrawal(), 0..4));
    (place, selection, summary(), vec(day, 0..10), told).prop_map(
        |(
            (names, zone, made_at, has_ledger),
            (only, except),
            summary,
            days,
            (changes, waiting, withdrawals),
        )| {
            PlanDocument {
                format: FORMAT.to_owned(),
                version: VERSION,
                made_by: String::new(),
                made_at,
                digest: String::new(),
                project: names[0].clone(),
                environment: names[1].clone(),
                app_id: names[2].clone(),
                workspace_id: names[3].clone(),
                tenant_id: None,
                endpoint: names[4].clone(),
                region: None,
                api_version: String::new(),
                time_zone: zone.to_owned(),
                only,
                except,
                ledger: has_ledger.then(|| LedgerDocument { lineage: String::new(), serial: 17 }),
                inputs: Vec::new(),
                summary,
                days,
                changes,
                waiting,
                withdrawals,
            }
        },
    )
}
