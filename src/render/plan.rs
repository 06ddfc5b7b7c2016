//! A plan as people read it.

use std::fmt::Write as _;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value};
use similar::TextDiff;
use unicode_width::UnicodeWidthStr;

use crate::domain::vendor_zone;
use crate::plan::{
    ChangeDocument, ChangeKind, GuardDocument, PlanDocument, ScheduleDocument, SummaryDocument,
};
use crate::render::caller::Caller;
use crate::render::text::{self, BAD, DOUBT, GOOD, QUIET, STRONG};

/// Longer values of a plan's content are broken into a line for each key.
const OUTLINE_COLUMNS_MAX: usize = 76;

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// Returns the whole plan. `width` is the terminal's, if there is one to fit. The document does not know who called, so
/// that it is the same whoever does; the commands that it names are completed here.
#[must_use]
pub fn plan(plan: &PlanDocument, width: Option<usize>, caller: &Caller) -> String {
    let zone = plan.time_zone.parse().unwrap_or(Tz::UTC);
    let mut out = String::new();
    header(&mut out, plan);
    for change in plan.changes.iter().filter(|change| change.kind != ChangeKind::UpToDate) {
        out.push('\n');
        change_block(&mut out, change, zone, (width, caller));
    }
    let folded = plan.summary.up_to_date;
    if folded > 0 {
        let _ = writeln!(out, "\n{QUIET}= {} up to date{QUIET:#}", text::count(folded, "campaign"));
    }
    for guard in &plan.guards {
        out.push('\n');
        guard_block(&mut out, guard);
    }
    out.push('\n');
    if is_no_change(&plan.summary) {
        let _ = writeln!(out, "{STRONG}No changes.{STRONG:#} Every campaign is as the ledger has it.");
    }
    let _ = writeln!(out, "{STRONG}{}{STRONG:#}", summary(&plan.summary));
    out
}

/// Whether there is nothing to push and nothing to say.
#[must_use]
pub fn is_no_change(summary: &SummaryDocument) -> bool {
    summary.to_push == 0 && summary.blocked == 0 && summary.expired == 0 && summary.in_doubt == 0
}

/// Returns the last line of every plan. What has expired counts as blocked here.
#[must_use]
pub fn summary(summary: &SummaryDocument) -> String {
    format!(
        "Plan: {} to push ({} in {}), {} up to date, {} blocked, {} in doubt.",
        text::number(summary.to_push),
        text::count(summary.targets, "target"),
        text::count(summary.requests, "request"),
        text::number(summary.up_to_date),
        text::number(summary.blocked + summary.expired),
        text::number(summary.in_doubt),
    )
}

fn header(out: &mut String, plan: &PlanDocument) {
    let _ = writeln!(
        out,
        "{STRONG}{}{STRONG:#} in {STRONG}{}{STRONG:#}: app {}, workspace {}, {}",
        plan.project,
        plan.environment,
        text::plain(&plan.app_id),
        text::plain(&plan.workspace_id),
        plan.endpoint,
    );
    let _ =
        writeln!(out, "{QUIET}ledger at record {}, times in {}{QUIET:#}", plan.ledger.serial, plan.time_zone);
}

fn change_block(
    out: &mut String,
    change: &ChangeDocument,
    zone: Tz,
    (width, caller): (Option<usize>, &Caller),
) {
    let (symbol, word, style) = match change.kind {
        ChangeKind::Create => ("+", "create", GOOD),
        ChangeKind::Blocked => ("!", "blocked", BAD),
        ChangeKind::Expired => ("x", "expired", BAD),
        ChangeKind::InDoubt => ("?", "in doubt", DOUBT),
        ChangeKind::UpToDate => ("=", "up to date", QUIET),
    };
    let title = format!("{symbol} {word} {}", name(change));
    let rest = [
        change.call.clone(),
        how_many(change),
        when(&change.schedule, zone),
        format!("{}:{}", change.declared_at.file, change.declared_at.line),
    ];
    let _ = write!(out, "{style}{title}{style:#}");
    flow(out, title.width(), &rest, width);
    let code = change.code.as_ref().map(|code| format!(" [{code}]")).unwrap_or_default();
    let _ = writeln!(out, "    {}{code}", text::plain(&change.reason));
    if let Some(help) = &change.help {
        let _ = writeln!(out, "    {QUIET}help:{QUIET:#} {}", text::plain(&caller.spell(help)));
    }
    match change.kind {
        ChangeKind::Create => created(out, change),
        ChangeKind::Blocked => changed(out, change),
        ChangeKind::Expired | ChangeKind::InDoubt | ChangeKind::UpToDate => {}
    }
}

/// Writes `items` after a title of `used` columns, on one line if they fit, else on as few as it takes.
fn flow(out: &mut String, mut used: usize, items: &[String], width: Option<usize>) {
    for item in items {
        if width.is_some_and(|width| used + 2 + item.width() > width) {
            out.push_str("\n    ");
            used = 4;
        } else {
            out.push_str("  ");
            used += 2;
        }
        out.push_str(item);
        used += item.width();
    }
    out.push('\n');
}

fn name(change: &ChangeDocument) -> String {
    if change.revision == 1 {
        change.campaign.clone()
    } else {
        format!("{}@{}", change.campaign, change.revision)
    }
}

fn how_many(change: &ChangeDocument) -> String {
    let targets = &change.targets;
    match change.kind {
        ChangeKind::Create if change.recipients == "broadcast" => "1 broadcast in 1 request".to_owned(),
        ChangeKind::Create => {
            format!(
                "{} in {}",
                text::count(targets.to_push, "target"),
                text::count(change.requests, "request")
            )
        }
        ChangeKind::InDoubt => format!("{} in doubt", text::count(targets.in_doubt, "target")),
        ChangeKind::Blocked | ChangeKind::Expired | ChangeKind::UpToDate => {
            format!(
                "{} of {} sent",
                text::number(targets.accepted),
                text::number(targets.accepted + targets.unsent)
            )
        }
    }
}

/// Returns when a push happens, in the project's time zone; a repeating one also in the vendor's, where that differs.
#[must_use]
pub fn when(schedule: &ScheduleDocument, zone: Tz) -> String {
    match schedule {
        ScheduleDocument::Now {} => "now".to_owned(),
        ScheduleDocument::Once { at } => text::time(*at, zone),
        ScheduleDocument::Repeat { every, on, time, from, until } => {
            let days = on.as_ref().map(|days| format!(" on {}", days_of(every, days))).unwrap_or_default();
            let vendors = time.format("%H:%M:%S").to_string();
            let local = local_time(*from, *time, zone);
            let clock = if local == vendors { vendors } else { format!("{local} ({vendors} UTC+8)") };
            format!("every {every}{days} at {clock}, {from} to {until}")
        }
    }
}

fn days_of(every: &str, days: &[u8]) -> String {
    let name = |day: &u8| match DAYS.get(usize::from(*day).wrapping_sub(1)) {
        Some(name) if every == "week" => (*name).to_owned(),
        _ => day.to_string(),
    };
    days.iter().map(name).collect::<Vec<_>>().join(",")
}

fn local_time(day: NaiveDate, time: NaiveTime, zone: Tz) -> String {
    let vendors = vendor_zone().from_local_datetime(&day.and_time(time)).single();
    let at: Option<DateTime<Utc>> = vendors.map(|at| at.with_timezone(&Utc));
    at.map(|at| at.with_timezone(&zone).format("%H:%M:%S").to_string()).unwrap_or_default()
}

fn created(out: &mut String, change: &ChangeDocument) {
    let targets = &change.targets;
    let mut audience = format!("audience `{}`", text::plain(&change.audience));
    if change.recipients != "broadcast" {
        let _ = write!(audience, ": {}", text::count(targets.audience, "target"));
    }
    if targets.repeats > 0 {
        let _ = write!(audience, ", {} sent once", text::count(targets.repeats, "repeat"));
    }
    let _ = writeln!(out, "    {audience}");
    if let Some(message) = &change.message {
        let _ = writeln!(out, "    {QUIET}┃{QUIET:#} {STRONG}{}{STRONG:#}", text::plain(&message.title));
        for line in message.body.lines() {
            let _ = writeln!(out, "    {QUIET}┃{QUIET:#} {}", text::plain(line));
        }
    }
    for (key, value) in change.content.iter().flatten() {
        outline(out, "    ", key, value);
    }
}

/// Writes a key and its value in the YAML's words, on one line where that is short enough.
fn outline(out: &mut String, indent: &str, key: &str, value: &Value) {
    let line = format!("{indent}{key}: {}", inline(value));
    match value {
        Value::Object(entries) if line.width() > OUTLINE_COLUMNS_MAX => {
            let _ = writeln!(out, "{indent}{key}:");
            for (key, value) in entries {
                outline(out, &format!("{indent}  "), key, value);
            }
        }
        _ => {
            let _ = writeln!(out, "{line}");
        }
    }
}

fn inline(value: &Value) -> String {
    match value {
        Value::Object(entries) if entries.is_empty() => "{}".to_owned(),
        Value::Object(entries) => {
            let entries =
                entries.iter().map(|(key, value)| format!("{}: {}", text::plain(key), inline(value)));
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Value::String(text) => scalar(text),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// Returns a text as YAML writes it, quoted only where it must be.
fn scalar(text: &str) -> String {
    let yaml = serde_yaml::to_string(text).unwrap_or_default();
    let yaml = yaml.trim_end();
    let is_one_line = !yaml.contains('\n') && !yaml.starts_with(['|', '>']);
    if is_one_line { yaml.to_owned() } else { format!("\"{}\"", text::plain(text)) }
}

fn changed(out: &mut String, change: &ChangeDocument) {
    let (Some(sent), Some(content)) = (&change.sent_content, &change.content) else { return };
    let (sent, content) = (yaml(sent), yaml(content));
    let place = format!("{}:{}", change.declared_at.file, change.declared_at.line);
    let diff = TextDiff::from_lines(&sent, &content);
    let unified = diff.unified_diff().context_radius(2).header("sent", &place).to_string();
    for line in unified.lines() {
        let style = match line.as_bytes().first() {
            Some(b'+') => GOOD,
            Some(b'-') => BAD,
            _ => QUIET,
        };
        let _ = writeln!(out, "    {style}{line}{style:#}");
    }
}

fn yaml(content: &Map<String, Value>) -> String {
    serde_yaml::to_string(content).expect("a content is made of what YAML can hold")
}

fn guard_block(out: &mut String, guard: &GuardDocument) {
    let _ = writeln!(out, "{BAD}refused[{}]{BAD:#}: {}", guard.code, guard.message);
    let place = &guard.declared_at;
    let _ = writeln!(out, "    {QUIET}-->{QUIET:#} {}:{}", place.file, place.line);
    let _ = writeln!(out, "    {QUIET}help:{QUIET:#} {}", guard.help);
}
