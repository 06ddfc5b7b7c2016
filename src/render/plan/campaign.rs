//! What there is to read of one campaign.

use std::fmt::Write as _;
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value};

use crate::domain::ShowingRule;
use crate::plan::{
    ChangeDocument, ChangeKind, PlaceDocument, ScheduleDocument, WaitingDocument, WaitingStanding,
    WithdrawalDocument, people,
};
use crate::render::caller::{Caller, word};
use crate::render::difference;
use crate::render::plan::showing;
use crate::render::plan::view::{Block, Label, Part, Row, RowKind, Span, Title, Tone, Topic};
use crate::render::text;
use crate::render::when::when;
use crate::render::written::as_written;

/// Unchanged lines that are shown around a change of a content.
const DIFF_CONTEXT_LINES: usize = 2;

/// What the words of a plan depend on besides the campaign.
pub(super) struct Context<'a> {
    pub(super) made_at: DateTime<Utc>,
    pub(super) zone: Tz,
    /// What paths begin with.
    pub(super) directory: &'a Path,
    pub(super) caller: &'a Caller,
}

/// Tells what is to happen to a campaign, and what the vendor still has of it: `waiting`.
pub(super) fn change(change: &ChangeDocument, waiting: &[&WaitingDocument], context: &Context<'_>) -> Block {
    let &Context { zone, directory, caller, .. } = context;
    let mut rows = vec![reason(change, context)];
    if let Some(note) = &change.note {
        rows.push(Row::new(RowKind::Note, [Span::sentence(note)]));
    }
    rows.extend(waiting.iter().map(|waiting| still_sent(waiting, zone)));
    if let Some(help) = &change.help {
        rows.push(Row::new(RowKind::Help, [Span::sentence(caller.spell(help))]));
    }
    let call = (change.kind != ChangeKind::Waiting).then(|| Span::foreign(Label::Call, &change.call));
    let rules = change.shown_on();
    let who = Span::own(Label::Count, how_many(change));
    let when = Span::foreign(Label::When, when(&change.schedule, zone));
    let rings = showing::rings(&rules).map(|rings| Span::own(Label::Rings, rings));
    let place = Span::foreign(Label::Place, place(directory, &change.declared_at));
    let below = match change.kind {
        ChangeKind::Create | ChangeKind::Add | ChangeKind::Continue | ChangeKind::Later => {
            pushed(change, rules, zone)
        }
        ChangeKind::Blocked => changed(change, context).into_iter().collect(),
        ChangeKind::Waiting
        | ChangeKind::Held
        | ChangeKind::Missed
        | ChangeKind::InDoubt
        | ChangeKind::UpToDate
        | ChangeKind::Closed => Vec::new(),
    };
    Block {
        topic: Topic::Campaign,
        title: Some(title(change)),
        people: if change.kind.is_push() {
            change.targets.to_push
        } else {
            change.targets.unsent.saturating_add(change.targets.in_doubt)
        },
        facts: call.into_iter().chain([who, when]).chain(rings).chain([place]).collect(),
        parts: rows.into_iter().map(Part::Row).chain(below).collect(),
    }
}

fn title(change: &ChangeDocument) -> Title {
    let (sign, state, tone) = match change.kind {
        ChangeKind::Create => ('+', "create", Tone::Push),
        ChangeKind::Add => ('+', "add", Tone::Push),
        ChangeKind::Continue => ('>', "continue", Tone::Push),
        ChangeKind::Later => ('.', "later", Tone::Rest),
        ChangeKind::Waiting => ('~', "waiting", Tone::Doubt),
        ChangeKind::Blocked => ('!', "blocked", Tone::Stop),
        ChangeKind::Held => ('!', "held", Tone::Stop),
        ChangeKind::Missed => ('x', "missed", Tone::Stop),
        ChangeKind::InDoubt => ('?', "in doubt", Tone::Doubt),
        ChangeKind::UpToDate => ('=', "up to date", Tone::Rest),
        ChangeKind::Closed => ('=', "closed", Tone::Rest),
    };
    titled(tone, sign, state, named_revision(&change.campaign, change.revision))
}

fn titled(tone: Tone, sign: char, state: &str, campaign: String) -> Title {
    Title { tone, sign, state: state.to_owned(), campaign: Some(campaign), rest: Vec::new() }
}

fn reason(change: &ChangeDocument, context: &Context<'_>) -> Row {
    let mut spans = vec![Span::sentence(&change.reason)];
    if let (ChangeKind::Add | ChangeKind::Continue, Some(at)) = (change.kind, change.first_sent_at) {
        spans.push(Span::words(format!("; first sent {}", ago(context.made_at - at))));
    }
    spans.extend(code(change));
    Row::new(RowKind::Reason, spans)
}

/// Returns the code of what stands in the way or is worth a look, to stand behind a text.
pub(super) fn code(change: &ChangeDocument) -> Vec<Span> {
    let Some(code) = &change.code else { return Vec::new() };
    vec![Span::words(" "), Span::foreign(Label::Code, code)]
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

/// Tells of a revision that waits at the vendor though the files have it otherwise.
pub(super) fn waiting(waiting: &WaitingDocument, context: &Context<'_>) -> Block {
    let &Context { zone, caller, .. } = context;
    let why = match waiting.standing {
        WaitingStanding::Removed => "no longer in the files",
        WaitingStanding::Closed => "the file says that it is closed",
        WaitingStanding::Changed | WaitingStanding::Superseded | WaitingStanding::Withdrawn => {
            "the files have another revision"
        }
    };
    let withdrawn = Span::own(Label::Name, format!("withdrawn: {}", waiting.revision));
    let then = match waiting.standing {
        WaitingStanding::Removed => vec![
            Span::words("put "),
            Span::foreign(Label::Name, &waiting.campaign),
            Span::words(" back with "),
            withdrawn,
            Span::words(" and apply: once that is on record, it may be removed"),
        ],
        _ => vec![Span::words("set "), withdrawn],
    };
    let tasks = caller.command(&format!("status {}", word(&waiting.campaign)));
    let delete = vec![
        Span::words("to stop it, delete its tasks in the mPaaS console ("),
        Span::command(tasks),
        Span::words(" names them), then "),
    ];
    let reason = Span::words(format!("{why}, but it waits at the vendor and will still be sent"));
    let rows = vec![Row::new(RowKind::Reason, [reason]), Row::new(RowKind::Help, [delete, then].concat())];
    let campaign = named_revision(&waiting.campaign, waiting.revision);
    Block {
        title: Some(titled(Tone::Doubt, '~', "waiting", campaign)),
        people: waiting.targets,
        facts: vec![
            Span::own(Label::Count, who_waits(waiting)),
            Span::foreign(Label::When, when(&waiting.schedule, zone)),
        ],
        ..Block::of_rows(Topic::Waiting, rows)
    }
}

/// Says of a revision that waits at the vendor when it is sent and to how many.
fn still_sent(waiting: &WaitingDocument, zone: Tz) -> Row {
    let (revision, who) = (waiting.revision, who_waits(waiting));
    let how = match &waiting.schedule {
        ScheduleDocument::Repeat { .. } => "and repeats",
        ScheduleDocument::Now { .. } | ScheduleDocument::Once { .. } => "for",
    };
    let when = Span::foreign(Label::When, when(&waiting.schedule, zone));
    let spans = if waiting.standing == WaitingStanding::Withdrawn {
        let withdrawn = format!(") to {who}: withdrawn in the file; its tasks were deleted");
        [Span::words(format!("revision {revision} ({how} ")), when, Span::words(withdrawn)]
    } else {
        let will = format!(" and will still be sent to {who}");
        [Span::words(format!("revision {revision} waits at the vendor {how} ")), when, Span::words(will)]
    };
    Row::new(RowKind::StillSent, spans)
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

/// Tells what a person withdrew and nobody has put on record yet.
pub(super) fn withdrawal(withdrawal: &WithdrawalDocument) -> Block {
    let campaign = format!("{}@{}", withdrawal.campaign, withdrawal.revision);
    let reason = [
        Span::own(Label::Name, "apply"),
        Span::words(" puts on record that its tasks were deleted; it sends nothing for it"),
    ];
    let who = Span::own(Label::Who, who(&withdrawal.recipients, withdrawal.targets));
    let title = titled(Tone::Doubt, '-', "withdraw", campaign);
    Block {
        title: Some(Title { rest: vec![Span::words("  "), who], ..title }),
        people: withdrawal.targets,
        ..Block::of_rows(Topic::Withdrawal, vec![Row::new(RowKind::Reason, reason)])
    }
}

/// Returns a place of a file as a person would type it.
fn place(directory: &Path, place: &PlaceDocument) -> String {
    format!("{}:{}", directory.join(&place.file).to_string_lossy(), place.line)
}

/// Returns a campaign's name, with its revision unless that is the first.
pub(super) fn named_revision(campaign: &str, revision: u32) -> String {
    if revision == 1 { campaign.to_owned() } else { format!("{campaign}@{revision}") }
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

/// Tells to whom a campaign goes, and all that it says.
fn pushed(change: &ChangeDocument, rules: Vec<&'static ShowingRule>, zone: Tz) -> Vec<Part> {
    let targets = &change.targets;
    let mut counted = String::new();
    if change.recipients != "broadcast" {
        let _ = write!(counted, ": {}", text::count(targets.audience, "target"));
    }
    if targets.repeats > 0 {
        let _ = write!(counted, ", {} ignored", text::count(targets.repeats, "duplicate"));
    }
    let audience =
        [Span::words("audience "), Span::foreign(Label::Name, &change.audience), Span::words(counted)];
    let message = change.message.as_ref();
    let message =
        message.map(|message| Part::Message { title: message.title.clone(), body: message.body.clone() });
    let content = change.content.as_ref().map(|content| Part::Content(as_written(content, zone)));
    let audience = Part::Row(Row::new(RowKind::Audience, audience));
    let shows = showing::sentence(&rules);
    let shows = shows.map(|shows| Part::Row(Row::new(RowKind::Showing, [Span::words(shows)])));
    let longest = change.longest_message().filter(|_| !rules.is_empty());
    let phones = longest.map(|longest| Part::Phones { title: longest.title, body: longest.body, rules });
    [audience].into_iter().chain(shows).chain(message).chain(phones).chain(content).collect()
}

/// Tells how what is written differs from what was sent.
fn changed(change: &ChangeDocument, context: &Context<'_>) -> Option<Part> {
    let &Context { zone, directory, .. } = context;
    let (before, after) = (change.sent_content.as_ref()?, change.content.as_ref()?);
    let (before, after) = (yaml(&as_written(before, zone)), yaml(&as_written(after, zone)));
    let lines = difference::lines(&before, &after, DIFF_CONTEXT_LINES);
    let place = place(directory, &change.declared_at);
    (!lines.is_empty()).then_some(Part::Difference { place, lines })
}

fn yaml(content: &Map<String, Value>) -> String {
    serde_yaml::to_string(content).expect("a content is made of what YAML can hold")
}
