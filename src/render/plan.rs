//! A plan as people read it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value};
use unicode_width::UnicodeWidthStr;

use crate::plan::{
    ChangeDocument, ChangeKind, DayDocument, PlaceDocument, PlanDocument, ScheduleDocument, SummaryDocument,
    WaitingDocument, WaitingStanding, WithdrawalDocument, people,
};
use crate::render::caller::Caller;
use crate::render::difference::{self, Line};
use crate::render::text::{self, BAD, DOUBT, GOOD, QUIET, STRONG};
use crate::render::when::when;
use crate::render::written::as_written;

/// Longer values of a plan's content are broken into a line for each key.
const OUTLINE_COLUMNS_MAX: usize = 76;

/// Unchanged lines that are shown around a change of a content.
const DIFF_CONTEXT_LINES: usize = 2;

/// So many notes on campaigns with nothing to do are shown; the others are counted.
const NOTES_MAX: usize = 5;
/// So many names stand before a note; the others are counted.
const NAMES_MAX: usize = 8;
/// So many days are listed; the others are counted.
const DAYS_MAX: usize = 7;

/// Returns the whole plan. Paths begin with `directory`, the workspace's; `width` is the terminal's, if there is one to fit.
/// The document does not know who called, so that it is the same whoever does; the commands that it names are completed here.
#[must_use]
pub fn plan(plan: &PlanDocument, directory: &Path, width: Option<usize>, caller: &Caller) -> String {
    let zone = plan.time_zone.parse().unwrap_or(Tz::UTC);
    let mut out = String::new();
    header(&mut out, plan);
    let mut waiting: BTreeMap<&str, Vec<&WaitingDocument>> = BTreeMap::new();
    plan.waiting.iter().for_each(|each| waiting.entry(&each.campaign).or_default().push(each));
    let view = View { made_at: plan.made_at, zone, directory, width, caller };
    let is_old_miss =
        |change: &ChangeDocument| change.kind == ChangeKind::Missed && !change.is_missed_lately(plan.made_at);
    for change in plan.changes.iter().filter(|change| !change.kind.is_quiet() && !is_old_miss(change)) {
        out.push('\n');
        let waiting = waiting.remove(change.campaign.as_str()).unwrap_or_default();
        change_block(&mut out, change, &waiting, &view);
    }
    // Of which no change that is shown speaks.
    let apart = waiting.into_values().flatten();
    for waiting in apart.filter(|each| each.standing != WaitingStanding::Withdrawn) {
        out.push('\n');
        waiting_block(&mut out, waiting, &view);
    }
    withdrawals(&mut out, &plan.withdrawals);
    let folded = plan.summary.up_to_date;
    if folded > 0 {
        let _ = writeln!(out, "\n{QUIET}= {} up to date{QUIET:#}", text::count(folded, "campaign"));
    }
    notes(&mut out, plan.changes.iter().filter(|change| change.kind.is_quiet()), folded == 0);
    let old_misses: Vec<&ChangeDocument> = plan.changes.iter().filter(|change| is_old_miss(change)).collect();
    if !old_misses.is_empty() {
        let missed = text::count(old_misses.len() as u64, "campaign");
        let _ = writeln!(
            out,
            "\n{BAD}x {missed} missed{BAD:#} more than a day ago; set `closed: true` to leave them as they are"
        );
        notes(&mut out, old_misses.into_iter(), false);
    }
    let listed = plan.changes.iter().filter(|change| change.targets.in_doubt > 0).count() as u64;
    let unlisted = plan.summary.in_doubt.saturating_sub(listed);
    if unlisted > 0 {
        let _ = writeln!(
            out,
            "\n{DOUBT}? {} in doubt{DOUBT:#} under a name or revision that is no longer in the files: see `{}`",
            text::count(unlisted, "campaign"),
            caller.command("doubt list"),
        );
    }
    days(&mut out, &plan.days);
    out.push('\n');
    if is_no_change(plan) {
        let _ = writeln!(out, "{STRONG}No changes.{STRONG:#} The ledger matches the files.");
    }
    let _ = writeln!(out, "{STRONG}{}{STRONG:#}", summary(&plan.summary));
    text::wrapped(&out, width)
}

/// How a plan is looked at.
struct View<'a> {
    made_at: DateTime<Utc>,
    zone: Tz,
    directory: &'a Path,
    width: Option<usize>,
    caller: &'a Caller,
}

/// Writes what there is to say of campaigns with nothing to do: a line for all of which the same is said.
fn notes<'a>(out: &mut String, quiet: impl Iterator<Item = &'a ChangeDocument>, is_apart: bool) {
    let note = |change: &'a ChangeDocument| match (change.kind, &change.note) {
        (ChangeKind::Missed, _) => Some((change, change.reason.as_str())),
        (_, note) => note.as_deref().map(|note| (change, note)),
    };
    let mut noted: Vec<(String, Vec<String>)> = Vec::new();
    for (change, note) in quiet.filter_map(note) {
        let name = format!("`{}`", named_revision(&change.campaign, change.revision));
        let code = change.code.as_ref().map(|code| format!(" [{}]", text::plain(code))).unwrap_or_default();
        let said = text::plain(note) + &code;
        match noted.iter_mut().find(|(known, _)| *known == said) {
            Some((_, names)) => names.push(name),
            None => noted.push((said, vec![name])),
        }
    }
    if is_apart && !noted.is_empty() {
        out.push('\n');
    }
    for (said, names) in noted.iter().take(NOTES_MAX) {
        let mut shown = names.iter().take(NAMES_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
        if let Some(more) = names.len().checked_sub(NAMES_MAX).filter(|more| *more > 0) {
            let _ = write!(shown, " and {} more", text::number(more as u64));
        }
        let _ = writeln!(out, "    {DOUBT}note:{DOUBT:#} {shown}: {said}");
    }
    let more: usize = noted.iter().skip(NOTES_MAX).map(|(_, names)| names.len()).sum();
    if more > 0 {
        let what = text::noun(more as u64, "more campaign has a note", "more campaigns have notes");
        let _ = writeln!(out, "    {QUIET}{what}: see them with `--json`{QUIET:#}");
    }
}

/// Writes how many people get a push on each day.
fn days(out: &mut String, days: &[DayDocument]) {
    if days.is_empty() {
        return;
    }
    out.push('\n');
    for total in days.iter().take(DAYS_MAX) {
        let mut who = Vec::new();
        if total.targets > 0 {
            who.push(people(total.targets));
        }
        if total.broadcasts > 0 {
            who.push(text::count(total.broadcasts, "broadcast"));
        }
        let _ = writeln!(out, "{} {}  {}", total.day.format("%a"), total.day, who.join(" and "));
    }
    if let Some(last) = days.last().filter(|_| days.len() > DAYS_MAX) {
        let more = text::count((days.len() - DAYS_MAX) as u64, "more day");
        let _ = writeln!(out, "{QUIET}and {more}, the last one {}{QUIET:#}", last.day);
    }
}

/// Whether there is nothing to push, nothing to record and nothing to say.
#[must_use]
pub fn is_no_change(plan: &PlanDocument) -> bool {
    let summary = &plan.summary;
    let told =
        [summary.to_push, summary.later, summary.blocked, summary.held, summary.missed, summary.in_doubt];
    told.iter().all(|count| *count == 0) && !plan.waits_otherwise() && plan.withdrawals.is_empty()
}

/// Returns the last line of every plan.
#[must_use]
pub fn summary(summary: &SummaryDocument) -> String {
    let mut line = format!(
        "Plan: {} to push ({} in {}), {} up to date",
        text::number(summary.to_push),
        targets_and_broadcasts(summary),
        text::count(summary.requests, "request"),
        text::number(summary.up_to_date),
    );
    let others = [
        (summary.later, "later"),
        (summary.waiting, "waiting"),
        (summary.blocked, "blocked"),
        (summary.held, "held"),
        (summary.missed, "missed"),
    ];
    for (count, what) in others.into_iter().filter(|(count, _)| *count > 0) {
        let _ = write!(line, ", {} {what}", text::number(count));
    }
    let _ = write!(line, ", {} in doubt.", text::number(summary.in_doubt));
    line
}

/// Says to how many a plan goes; a broadcast is no target.
fn targets_and_broadcasts(summary: &SummaryDocument) -> String {
    let broadcasts = summary.broadcasts;
    let targets = text::count(summary.targets - broadcasts.min(summary.targets), "target");
    match (broadcasts, broadcasts == summary.targets) {
        (0, _) => targets,
        (_, true) => text::count(broadcasts, "broadcast"),
        (_, false) => format!("{targets} and {}", text::count(broadcasts, "broadcast")),
    }
}

fn header(out: &mut String, plan: &PlanDocument) {
    let _ = writeln!(
        out,
        "{STRONG}{}{STRONG:#} in {STRONG}{}{STRONG:#}: app {}, workspace {}, {}",
        text::plain(&plan.project),
        text::plain(&plan.environment),
        text::plain(&plan.app_id),
        text::plain(&plan.workspace_id),
        text::plain(&plan.endpoint),
    );
    let _ = writeln!(
        out,
        "{QUIET}ledger at record {}, times in {}{QUIET:#}",
        plan.ledger.serial,
        text::plain(&plan.time_zone)
    );
    for (names, what) in [(&plan.only, "only"), (&plan.except, "all but")] {
        if !names.is_empty() {
            let names = names.iter().map(|name| format!("`{}`", text::plain(name)));
            let _ = writeln!(out, "{QUIET}{what} {}{QUIET:#}", names.collect::<Vec<_>>().join(", "));
        }
    }
}

fn change_block(out: &mut String, change: &ChangeDocument, waiting: &[&WaitingDocument], view: &View<'_>) {
    let &View { zone, directory, width, caller, .. } = view;
    let (symbol, word, style) = match change.kind {
        ChangeKind::Create => ("+", "create", GOOD),
        ChangeKind::Add => ("+", "add", GOOD),
        ChangeKind::Continue => (">", "continue", GOOD),
        ChangeKind::Later => (".", "later", QUIET),
        ChangeKind::Waiting => ("~", "waiting", DOUBT),
        ChangeKind::Blocked => ("!", "blocked", BAD),
        ChangeKind::Held => ("!", "held", BAD),
        ChangeKind::Missed => ("x", "missed", BAD),
        ChangeKind::InDoubt => ("?", "in doubt", DOUBT),
        ChangeKind::UpToDate => ("=", "up to date", QUIET),
        ChangeKind::Closed => ("=", "closed", QUIET),
    };
    let title = format!("{symbol} {word} {}", named_revision(&change.campaign, change.revision));
    let call = (change.kind != ChangeKind::Waiting).then(|| text::plain(&change.call));
    let place = place(directory, &change.declared_at);
    let rest = call.into_iter().chain([how_many(change), when(&change.schedule, zone), place]);
    let _ = write!(out, "{style}{title}{style:#}");
    flow(out, title.width(), &rest.collect::<Vec<_>>(), width);
    let code = change.code.as_ref().map(|code| format!(" [{}]", text::plain(code))).unwrap_or_default();
    let first = match (change.kind, change.first_sent_at) {
        (ChangeKind::Add | ChangeKind::Continue, Some(at)) => {
            format!("; first sent {}", ago(view.made_at - at))
        }
        _ => String::new(),
    };
    let _ = writeln!(out, "    {}{first}{code}", text::plain(&change.reason));
    if let Some(note) = &change.note {
        let _ = writeln!(out, "    {DOUBT}note:{DOUBT:#} {}", text::plain(note));
    }
    for waiting in waiting {
        let _ = writeln!(out, "    {DOUBT}{}{DOUBT:#}", still_sent(waiting, zone));
    }
    if let Some(help) = &change.help {
        let _ = writeln!(out, "    {QUIET}help:{QUIET:#} {}", text::plain(&caller.spell(help)));
    }
    match change.kind {
        ChangeKind::Create | ChangeKind::Add | ChangeKind::Continue | ChangeKind::Later => {
            created(out, change, zone);
        }
        ChangeKind::Blocked => changed(out, change, view),
        ChangeKind::Waiting
        | ChangeKind::Held
        | ChangeKind::Missed
        | ChangeKind::InDoubt
        | ChangeKind::UpToDate
        | ChangeKind::Closed => {}
    }
}

/// Returns how long ago something was, in the largest unit that it fills.
fn ago(span: TimeDelta) -> String {
    let (days, hours, minutes) = (span.num_days(), span.num_hours(), span.num_minutes());
    let (count, unit) = match () {
        () if days > 0 => (days, "day"),
        () if hours > 0 => (hours, "hour"),
        () if minutes > 0 => (minutes, "minute"),
        () => return "just now".to_owned(),
    };
    format!("{} ago", text::count(count.unsigned_abs(), unit))
}

fn waiting_block(out: &mut String, waiting: &WaitingDocument, view: &View<'_>) {
    let &View { zone, width, caller, .. } = view;
    let title = format!("~ waiting {}", named_revision(&waiting.campaign, waiting.revision));
    let _ = write!(out, "{DOUBT}{title}{DOUBT:#}");
    flow(out, title.width(), &[who_waits(waiting), when(&waiting.schedule, zone)], width);
    let why = match waiting.standing {
        WaitingStanding::Removed => "no longer in the files",
        WaitingStanding::Closed => "the file says that it is closed",
        WaitingStanding::Changed | WaitingStanding::Superseded | WaitingStanding::Withdrawn => {
            "the files have another revision"
        }
    };
    let _ = writeln!(out, "    {why}, but it waits at the vendor and will still be sent");
    let revision = waiting.revision;
    let then = match waiting.standing {
        WaitingStanding::Removed => {
            format!(
                "put `{}` back with `withdrawn: {revision}` and apply: once that is on record, it may be removed",
                text::plain(&waiting.campaign)
            )
        }
        _ => format!("set `withdrawn: {revision}`"),
    };
    let tasks = caller.command(&format!("status {}", text::plain(&waiting.campaign)));
    let _ = writeln!(
        out,
        "    {QUIET}help:{QUIET:#} to stop it, delete its tasks in the mPaaS console (`{tasks}` names them), then {then}"
    );
}

/// Says of a revision that waits at the vendor when it is sent and to how many.
fn still_sent(waiting: &WaitingDocument, zone: Tz) -> String {
    let (revision, who) = (waiting.revision, who_waits(waiting));
    let when = match &waiting.schedule {
        ScheduleDocument::Repeat { .. } => format!("and repeats {}", when(&waiting.schedule, zone)),
        once => format!("for {}", when(once, zone)),
    };
    if waiting.standing == WaitingStanding::Withdrawn {
        return format!(
            "revision {revision} ({when}) to {who}: withdrawn in the file; its tasks were deleted"
        );
    }
    format!("revision {revision} waits at the vendor {when} and will still be sent to {who}")
}

fn who_waits(waiting: &WaitingDocument) -> String {
    let who = who(&waiting.recipients, waiting.targets);
    match waiting.in_doubt {
        _ if waiting.recipients == "broadcast" => who,
        0 => who,
        in_doubt => format!("{who} ({} in doubt)", text::number(in_doubt)),
    }
}

/// Says who gets what was sent.
fn who(recipients: &str, targets: u64) -> String {
    if recipients == "broadcast" { "everyone, by broadcast".to_owned() } else { people(targets) }
}

/// Writes what a person withdrew and nobody has put on record yet.
fn withdrawals(out: &mut String, withdrawals: &[WithdrawalDocument]) {
    for (place, withdrawal) in withdrawals.iter().enumerate() {
        let (campaign, revision) = (text::plain(&withdrawal.campaign), withdrawal.revision);
        let who = who(&withdrawal.recipients, withdrawal.targets);
        let gap = if place == 0 { "\n" } else { "" };
        let _ = writeln!(out, "{gap}{DOUBT}- withdraw {campaign}@{revision}{DOUBT:#}  {who}");
        let _ =
            writeln!(out, "    `apply` puts on record that its tasks were deleted; it sends nothing for it");
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

/// Returns a place of a file as a person would type it.
fn place(directory: &Path, place: &PlaceDocument) -> String {
    format!("{}:{}", text::plain(&directory.join(&place.file).to_string_lossy()), place.line)
}

fn named_revision(campaign: &str, revision: u32) -> String {
    let campaign = text::plain(campaign);
    if revision == 1 { campaign } else { format!("{campaign}@{revision}") }
}

fn how_many(change: &ChangeDocument) -> String {
    let targets = &change.targets;
    match change.kind {
        ChangeKind::Create | ChangeKind::Add | ChangeKind::Continue if change.recipients == "broadcast" => {
            "1 broadcast in 1 request".to_owned()
        }
        ChangeKind::Create | ChangeKind::Add | ChangeKind::Continue => {
            format!(
                "{} in {}",
                text::count(targets.to_push, "target"),
                text::count(change.requests, "request")
            )
        }
        ChangeKind::InDoubt => format!("{} in doubt", text::count(targets.in_doubt, "target")),
        ChangeKind::Later if change.recipients == "broadcast" => "1 broadcast".to_owned(),
        ChangeKind::Later => text::count(targets.unsent, "target"),
        ChangeKind::Waiting if change.recipients == "broadcast" => "everyone, by broadcast".to_owned(),
        ChangeKind::Waiting => people(targets.accepted + targets.in_doubt),
        ChangeKind::Blocked
        | ChangeKind::Held
        | ChangeKind::Missed
        | ChangeKind::UpToDate
        | ChangeKind::Closed => {
            format!(
                "{} of {} sent",
                text::number(targets.accepted),
                text::number(targets.accepted + targets.unsent)
            )
        }
    }
}

fn created(out: &mut String, change: &ChangeDocument, zone: Tz) {
    let targets = &change.targets;
    let mut audience = format!("audience `{}`", text::plain(&change.audience));
    if change.recipients != "broadcast" {
        let _ = write!(audience, ": {}", text::count(targets.audience, "target"));
    }
    if targets.repeats > 0 {
        let _ = write!(audience, ", {} ignored", text::count(targets.repeats, "duplicate"));
    }
    let _ = writeln!(out, "    {audience}");
    if let Some(message) = &change.message {
        let _ = writeln!(out, "    {QUIET}┃{QUIET:#} {STRONG}{}{STRONG:#}", text::plain(&message.title));
        for line in message.body.lines() {
            let _ = writeln!(out, "    {QUIET}┃{QUIET:#} {}", text::plain(line));
        }
    }
    for (key, value) in change.content.iter().flat_map(|content| as_written(content, zone)) {
        outline(out, "    ", &key, &value);
    }
}

/// Writes a key and its value in the YAML's words, on one line where that is short enough.
fn outline(out: &mut String, indent: &str, key: &str, value: &Value) {
    let key = text::plain(key);
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
    if is_one_line { text::plain(yaml) } else { format!("\"{}\"", text::plain(text)) }
}

fn changed(out: &mut String, change: &ChangeDocument, view: &View<'_>) {
    let &View { zone, directory, .. } = view;
    let (Some(sent), Some(content)) = (&change.sent_content, &change.content) else { return };
    let (sent, content) = (yaml(&as_written(sent, zone)), yaml(&as_written(content, zone)));
    let place = place(directory, &change.declared_at);
    let lines = difference::lines(&sent, &content, DIFF_CONTEXT_LINES);
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(out, "    {BAD}--- sent{BAD:#}\n    {GOOD}+++ {place}{GOOD:#}");
    for line in lines {
        let _ = match line {
            Line::Header(header) => writeln!(out, "    {QUIET}{header}{QUIET:#}"),
            Line::Same(line) => writeln!(out, "    {QUIET} {line}{QUIET:#}"),
            Line::Removed(line) => writeln!(out, "    {BAD}-{line}{BAD:#}"),
            Line::Added(line) => writeln!(out, "    {GOOD}+{line}{GOOD:#}"),
        };
    }
}

fn yaml(content: &Map<String, Value>) -> String {
    serde_yaml::to_string(content).expect("a content is made of what YAML can hold")
}
