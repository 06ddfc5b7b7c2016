//! What a ledger knows of campaigns, as people and machines read it.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Serialize;

use crate::diff::{Blocked, Closed, Held, Kind, Standing, State};
use crate::domain::{CampaignId, Recipients, Revision};
use crate::ledger::{Doubt, History, Ledger, RunSummary, Task};
use crate::render::text::{self, BAD, DOUBT, GOOD, QUIET, STRONG};

/// So many tasks are listed of a campaign; the rest is counted. JSON has all of them.
const TASKS_MAX: usize = 100;

/// The column of the table that only a series needs.
const LAST: usize = 4;

/// One campaign revision: where it stands, and what the ledger has of it.
#[derive(Clone, Debug)]
pub struct CampaignStatus {
    standing: StandingStatus,
    on_record: Option<OnRecord>,
}

/// What a campaign revision has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum StateName {
    Due,
    Later,
    Waiting,
    Done,
    Closed,
    Missed,
    Blocked,
    Held,
    InDoubt,
}

/// Where a campaign revision stands.
#[derive(Clone, Debug, Serialize)]
struct StandingStatus {
    campaign: String,
    revision: u32,
    state: StateName,
    /// Since when, as far as files and ledger say.
    since: Option<DateTime<Utc>>,
    /// What else there is to know of the state.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    /// When it fires next, or its window opens; nothing once it is over, or if it is sent at once.
    next_at: Option<DateTime<Utc>>,
    /// When it fires for the last time, if it is scheduled or repeating.
    until: Option<DateTime<Utc>>,
    /// From when on nothing of it is pushed any more, as far as that is known.
    ends_at: Option<DateTime<Utc>>,
    /// How many targets it was to reach, by the last plan that was applied; nothing in ledgers before version 0.3.
    planned: Option<u64>,
    #[serde(skip)]
    is_broadcast: bool,
}

/// What the ledger has of a campaign revision.
#[derive(Clone, Debug, Serialize)]
struct OnRecord {
    submitted_at: DateTime<Utc>,
    last_at: DateTime<Utc>,
    accepted: u64,
    rejected: u64,
    in_doubt: u64,
    batches: u32,
    title: String,
    body: String,
    content_digest: String,
    tasks: Vec<TaskStatus>,
    runs: Vec<RunOf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_rejection: Option<RejectionStatus>,
    doubts: Vec<DoubtStatus>,
}

/// A task that waits at the vendor.
#[derive(Clone, Debug, Serialize)]
struct TaskStatus {
    task_name: String,
    task_id: Option<String>,
    targets: u64,
}

/// A run that sent something of it.
#[derive(Clone, Debug, Serialize)]
struct RunOf {
    run: String,
    started_at: DateTime<Utc>,
    actor: String,
}

#[derive(Clone, Debug, Serialize)]
struct RejectionStatus {
    code: String,
    message: String,
    request_id: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
struct DoubtStatus {
    intent: u64,
    at: DateTime<Utc>,
    task_name: String,
    targets: u64,
    why: String,
}

impl CampaignStatus {
    /// Takes what a revision has come to at `now`.
    #[must_use]
    pub fn of(state: &State<'_>, ledger: &Ledger, now: DateTime<Utc>) -> Self {
        let edition = (state.campaign, state.revision);
        Self {
            standing: StandingStatus::of(state, now),
            on_record: state.history.map(|history| OnRecord::of(edition, history, ledger, now)),
        }
    }

    /// Whether the ledger has it.
    #[must_use]
    pub fn is_on_record(&self) -> bool {
        self.on_record.is_some()
    }
}

impl Serialize for CampaignStatus {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Flat<'a> {
            #[serde(flatten)]
            standing: &'a StandingStatus,
            #[serde(flatten)]
            on_record: &'a Option<OnRecord>,
        }
        Flat { standing: &self.standing, on_record: &self.on_record }.serialize(serializer)
    }
}

impl StandingStatus {
    fn of(state: &State<'_>, now: DateTime<Utc>) -> Self {
        // What the vendor has is what was sent, whatever the files say by now.
        let sent =
            state.history.filter(|history| history.is_sent()).map(|history| history.content.schedule());
        let written = || state.desired.map(|desired| desired.campaign.schedule.clone());
        let schedule = sent.unwrap_or_else(written);
        let times = |after| schedule.iter().flat_map(move |schedule| schedule.firing_times_after(after));
        let is_over = matches!(state.kind, Kind::Closed(Closed::Withdrawn));
        let opens_at = match state.kind {
            Kind::Later { opens_at } => Some(opens_at),
            _ => times(now).next().filter(|_| !is_over),
        };
        let until = times(DateTime::UNIX_EPOCH).last();
        Self {
            campaign: state.campaign.to_string(),
            revision: state.revision.get(),
            state: name(&state.kind),
            since: since(state, until),
            note: note(state),
            next_at: opens_at,
            until,
            ends_at: state.ends_at,
            planned: state.history.and_then(|history| history.planned),
            is_broadcast: is_broadcast(state),
        }
    }
}

fn is_broadcast(state: &State<'_>) -> bool {
    match (state.history, state.desired) {
        (Some(history), _) => history.content.is_broadcast(),
        (None, Some(desired)) => matches!(desired.campaign.recipients, Recipients::Broadcast(_)),
        (None, None) => false,
    }
}

fn name(kind: &Kind) -> StateName {
    match kind {
        Kind::Create | Kind::Add | Kind::Continue => StateName::Due,
        Kind::Later { .. } => StateName::Later,
        Kind::Waiting => StateName::Waiting,
        Kind::UpToDate => StateName::Done,
        Kind::Closed(_) => StateName::Closed,
        Kind::Missed => StateName::Missed,
        Kind::Blocked(_) => StateName::Blocked,
        Kind::Held(_) => StateName::Held,
        Kind::InDoubt => StateName::InDoubt,
    }
}

/// Returns since when it is what it is; nothing where a file decides, which has no times.
fn since(state: &State<'_>, until: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    let history = state.history;
    match &state.kind {
        Kind::Waiting => history.and_then(History::first_push),
        Kind::UpToDate => until.or(history.map(|history| history.last_at)),
        Kind::Missed | Kind::Closed(Closed::Over) => state.ends_at,
        Kind::Closed(Closed::Withdrawn) => history.and_then(|history| history.withdrawn_at),
        Kind::InDoubt => history?.doubts.first().map(|doubt| doubt.at),
        Kind::Create
        | Kind::Add
        | Kind::Continue
        | Kind::Later { .. }
        | Kind::Blocked(_)
        | Kind::Held(_)
        | Kind::Closed(Closed::ByFile) => None,
    }
}

/// Says what the name of a state leaves open.
fn note(state: &State<'_>) -> Option<String> {
    let why = match &state.kind {
        Kind::Blocked(blocked) => Some(match blocked {
            Blocked::ChangedAfterSend { .. } => "changed after it was sent".to_owned(),
            Blocked::RevisionBehind { latest } => format!("revision {latest} was sent already"),
            Blocked::StillWaiting => "another revision is still scheduled".to_owned(),
            Blocked::Renamed(former) => format!("`{}` said the same", former.campaign),
            Blocked::RepeatTooFar { until, .. } => {
                format!("repeats until {until}, too far ahead for the vendor")
            }
        }),
        Kind::Held(Held::TooManyTasks { .. }) => {
            Some("its tasks do not fit beside those that wait".to_owned())
        }
        Kind::Closed(Closed::ByFile) => Some("closed, says the file".to_owned()),
        Kind::Closed(Closed::Withdrawn) => Some("withdrawn: its tasks were deleted at the vendor".to_owned()),
        Kind::Create
        | Kind::Add
        | Kind::Continue
        | Kind::Later { .. }
        | Kind::Waiting
        | Kind::UpToDate
        | Kind::Closed(Closed::Over)
        | Kind::Missed
        | Kind::InDoubt => None,
    };
    let waits = state.standing.and_then(|standing| {
        let files = match standing {
            Standing::Removed => "no longer in the files",
            Standing::Superseded => "the files have another revision",
            Standing::Changed => "the files say something else",
            Standing::Closed => "the file says that it is closed",
            Standing::Withdrawn => return None,
        };
        Some(format!("{files}, but it waits at the vendor and will still be sent as it was"))
    });
    waits.or(why)
}

impl OnRecord {
    fn of(
        (campaign, revision): (&CampaignId, Revision),
        history: &History,
        ledger: &Ledger,
        now: DateTime<Utc>,
    ) -> Self {
        let [_, (title, body)] = history.content.words();
        let waits = history.tasks.iter().filter(|task| task.over_at > now);
        let sent_it = |run: &&RunSummary| {
            run.campaigns.iter().any(|(known, edition)| known == campaign && *edition == revision)
        };
        Self {
            title,
            body,
            tasks: waits.map(TaskStatus::of).collect(),
            runs: ledger.runs().iter().filter(sent_it).map(RunOf::of).collect(),
            submitted_at: history.submitted_at,
            last_at: history.last_at,
            accepted: history.accepted.len(),
            rejected: history.rejected.len() as u64,
            in_doubt: history.unknown.len() as u64,
            batches: history.batches,
            content_digest: history.digest.to_string(),
            last_rejection: history.last_rejection.as_ref().map(|rejection| RejectionStatus {
                code: rejection.code.clone(),
                message: rejection.message.clone(),
                request_id: rejection.request_id.clone(),
            }),
            doubts: history.doubts.iter().map(DoubtStatus::of).collect(),
        }
    }
}

impl TaskStatus {
    fn of(task: &Task) -> Self {
        Self { task_name: task.name.clone(), task_id: task.id.clone(), targets: task.targets }
    }
}

impl RunOf {
    fn of(run: &RunSummary) -> Self {
        Self { run: run.run.to_string(), started_at: run.started_at, actor: run.actor.clone() }
    }
}

impl DoubtStatus {
    fn of(doubt: &Doubt) -> Self {
        Self {
            intent: doubt.serial.0,
            at: doubt.at,
            task_name: doubt.intent.task_name.clone(),
            targets: doubt.intent.targets.len() as u64,
            why: super::doubt::why(doubt),
        }
    }
}

/// What a status is about: shown above it.
#[derive(Clone, Copy, Debug)]
pub struct Heading<'a> {
    /// The environment.
    pub environment: &'a str,
    /// The zone that times are shown in.
    pub zone: Tz,
    /// Where the ledger is.
    pub ledger: &'a str,
    /// Its last record.
    pub serial: u64,
}

/// Returns the line above a status.
fn heading(Heading { environment, zone, ledger, serial }: Heading<'_>) -> String {
    let (environment, ledger) = (text::plain(environment), text::plain(ledger));
    format!(
        "{STRONG}{environment}{STRONG:#}  {QUIET}times in {zone}, ledger {ledger} up to record {serial}{QUIET:#}\n\n"
    )
}

/// Returns a table of campaign revisions; a few lines each where the table would not fit.
#[must_use]
pub fn campaigns(campaigns: &[CampaignStatus], about: Heading<'_>, width: Option<usize>) -> String {
    let mut out = heading(about);
    if !campaigns.iter().any(CampaignStatus::is_on_record) {
        out += "Nothing was sent yet.\n";
        if campaigns.is_empty() {
            return out;
        }
        out.push('\n');
    }
    let has_series = campaigns.iter().any(|status| status.standing.last_of_several().is_some());
    let row = |mut cells: Vec<String>| {
        if !has_series {
            cells.remove(LAST);
        }
        cells
    };
    let header = row(["campaign", "state", "people", "next", "last", "since"].map(str::to_owned).to_vec());
    let mut table = text::table(&header.iter().map(String::as_str).collect::<Vec<_>>(), None);
    text::align_right(&mut table, 2..=2);
    let day = |at: Option<DateTime<Utc>>| at.map(|at| text::day(at, about.zone)).unwrap_or_default();
    for status in campaigns {
        let standing = &status.standing;
        table.add_row(row(vec![
            status.name(),
            standing.state.as_str().to_owned(),
            status.people(),
            standing.next_at.map(|at| text::time(at, about.zone)).unwrap_or_default(),
            day(standing.last_of_several()),
            day(standing.since),
        ]));
    }
    let table = table.to_string();
    let lines: Vec<&str> = table.lines().map(str::trim_end).collect();
    if width.is_some_and(|width| lines.iter().any(|line| line.chars().count() > width)) {
        for status in campaigns {
            block(&mut out, status, about.zone);
        }
    } else {
        out += &(lines.join("\n") + "\n");
    }
    notes(&mut out, campaigns);
    let _ = writeln!(out, "\n{QUIET}Who joined or left an audience since: `campaignctl plan`.{QUIET:#}");
    out
}

/// Writes a campaign on a few short lines.
fn block(out: &mut String, status: &CampaignStatus, zone: Tz) {
    let standing = &status.standing;
    let _ = writeln!(out, "{STRONG}{}{STRONG:#}", status.name());
    let since = standing.since.map(|at| format!(" since {}", text::day(at, zone))).unwrap_or_default();
    let _ = writeln!(out, "    {}{since}", standing.state.as_str());
    let _ = writeln!(out, "    {}", status.people_in_words());
    if let Some(at) = standing.next_at {
        let _ = writeln!(out, "    next {}", text::time(at, zone));
    }
    if let Some(at) = standing.last_of_several() {
        let _ = writeln!(out, "    last {}", text::day(at, zone));
    }
}

fn notes(out: &mut String, campaigns: &[CampaignStatus]) {
    let noted = campaigns.iter().filter_map(|status| Some((status.name(), status.standing.note.as_ref()?)));
    for (place, (name, note)) in noted.enumerate() {
        if place == 0 {
            out.push('\n');
        }
        let _ = writeln!(out, "{DOUBT}note:{DOUBT:#} `{name}`: {}", text::plain(note));
    }
}

/// Returns all there is to say of each revision.
#[must_use]
pub fn campaign_details(campaigns: &[CampaignStatus], about: Heading<'_>) -> String {
    campaigns.iter().fold(heading(about), |mut out, status| {
        details(&mut out, status, about.zone);
        out
    })
}

fn details(out: &mut String, status: &CampaignStatus, zone: Tz) {
    let CampaignStatus { standing, on_record } = status;
    let style = standing.state.style();
    let since = standing.since.map(|at| format!(" since {}", text::time(at, zone))).unwrap_or_default();
    let state = standing.state.as_str();
    let _ = writeln!(out, "{STRONG}{}{STRONG:#}  {style}{state}{style:#}{since}", status.name());
    if let Some(note) = &standing.note {
        let _ = writeln!(out, "    {DOUBT}note:{DOUBT:#} {}", text::plain(note));
    }
    if let Some(record) = on_record {
        let _ = writeln!(
            out,
            "    {} accepted, {} rejected, {} in doubt, in {}",
            text::number(record.accepted),
            text::number(record.rejected),
            text::number(record.in_doubt),
            text::noun(u64::from(record.batches), "batch", "batches"),
        );
        let left = standing.left(record);
        if left > 0 {
            let planned = text::number(standing.planned.unwrap_or_default());
            let _ = writeln!(out, "    {} of {planned} not sent to yet", text::number(left));
        }
        let first = text::time(record.submitted_at, zone);
        let _ = writeln!(out, "    first sent {first}, last {}", text::time(record.last_at, zone));
    } else {
        let _ = writeln!(out, "    never sent");
    }
    times(out, standing, zone);
    if let Some(record) = on_record {
        recorded(out, record, zone);
    }
}

fn times(out: &mut String, standing: &StandingStatus, zone: Tz) {
    let time = |at| text::time(at, zone);
    let line = match (standing.next_at, standing.until) {
        (Some(opens), _) if standing.state == StateName::Later => format!("its window opens {}", time(opens)),
        (Some(next), Some(until)) if next == until => format!("fires {}", time(next)),
        (Some(next), Some(until)) => format!("fires next {}, for the last time {}", time(next), time(until)),
        (None, Some(_)) if standing.state == StateName::Closed => return,
        (None, Some(until)) if standing.state == StateName::Missed => format!("was to fire {}", time(until)),
        (None, Some(until)) => format!("fired for the last time {}", time(until)),
        (_, None) => match standing.ends_at.filter(|_| standing.state != StateName::Missed) {
            Some(ends) if standing.since != Some(ends) => format!("takes late comers until {}", time(ends)),
            _ => return,
        },
    };
    let _ = writeln!(out, "    {line}");
}

fn recorded(out: &mut String, status: &OnRecord, zone: Tz) {
    for words in [&status.title, &status.body] {
        if !words.is_empty() {
            let _ = writeln!(out, "    {QUIET}│{QUIET:#} {}", text::plain(words));
        }
    }
    let _ = writeln!(out, "    {QUIET}content {}{QUIET:#}", status.content_digest);
    if let Some(rejection) = &status.last_rejection {
        let (code, message) = (text::plain(&rejection.code), text::plain(&rejection.message));
        let _ = writeln!(out, "    last rejection: {code}: {message}");
    }
    if !status.tasks.is_empty() {
        let targets = text::count(status.tasks.iter().map(|task| task.targets).sum(), "target");
        let tasks = text::count(status.tasks.len() as u64, "task");
        let verb = if status.tasks.len() == 1 { "waits" } else { "wait" };
        let _ = writeln!(out, "    {tasks} with {targets} {verb} at the vendor:");
    }
    for task in status.tasks.iter().take(TASKS_MAX) {
        let id = task.task_id.as_deref().map_or("its id is not known".to_owned(), |id| format!("id {id}"));
        let (name, targets) = (text::plain(&task.task_name), text::count(task.targets, "target"));
        let _ = writeln!(out, "        `{name}`  {}, {targets}", text::plain(&id));
    }
    if let Some(left) = status.tasks.len().checked_sub(TASKS_MAX).filter(|left| *left > 0) {
        let _ = writeln!(out, "        and {} more: `--json` lists all", text::number(left as u64));
    }
    for doubt in &status.doubts {
        let _ = writeln!(
            out,
            "    {DOUBT}?{DOUBT:#} batch {}, {}: {} in doubt, task `{}`: {}",
            doubt.intent,
            text::time(doubt.at, zone),
            text::count(doubt.targets, "target"),
            text::plain(&doubt.task_name),
            text::plain(&doubt.why),
        );
    }
    for run in &status.runs {
        let (at, actor) = (text::time(run.started_at, zone), text::plain(&run.actor));
        let _ = writeln!(out, "    {QUIET}run {at} by {actor}, {}{QUIET:#}", run.run);
    }
}

impl CampaignStatus {
    fn name(&self) -> String {
        format!("{}@{}", self.standing.campaign, self.standing.revision)
    }

    /// Returns how many got it, of how many, and what became of the others.
    fn people(&self) -> String {
        let Some(record) = &self.on_record else {
            let is_over = matches!(self.standing.state, StateName::Missed | StateName::Closed);
            return if is_over { "none" } else { "none yet" }.to_owned();
        };
        let left = self.standing.left(record);
        let mut people = match record.accepted {
            0 if record.in_doubt == 0 && left == 0 => "none".to_owned(),
            _ if self.standing.is_broadcast && record.accepted > 0 => "everyone".to_owned(),
            accepted => text::number(accepted),
        };
        if left > 0 {
            let _ = write!(people, " of {}", text::number(record.accepted + record.in_doubt + left));
        }
        for (count, what) in [(record.in_doubt, "in doubt"), (record.rejected, "rejected")] {
            if count > 0 {
                let _ = write!(people, ", {} {what}", text::number(count));
            }
        }
        people
    }

    fn people_in_words(&self) -> String {
        let people = self.people();
        match people.parse::<u64>() {
            Ok(1) => "1 person".to_owned(),
            _ if people.starts_with(|first: char| first.is_ascii_digit()) && !people.contains(',') => {
                format!("{people} people")
            }
            _ => people,
        }
    }
}

impl StandingStatus {
    /// Counts those that it was planned for, and that are neither accepted nor in doubt.
    fn left(&self, record: &OnRecord) -> u64 {
        self.planned.unwrap_or_default().saturating_sub(record.accepted + record.in_doubt)
    }

    /// Returns when it fires for the last time, where that is not the next one.
    fn last_of_several(&self) -> Option<DateTime<Utc>> {
        self.until.filter(|until| self.next_at.is_some_and(|next| next < *until))
    }
}

impl StateName {
    fn as_str(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Later => "later",
            Self::Waiting => "waiting",
            Self::Done => "done",
            Self::Closed => "closed",
            Self::Missed => "missed",
            Self::Blocked => "blocked",
            Self::Held => "held",
            Self::InDoubt => "in doubt",
        }
    }

    fn style(self) -> anstyle::Style {
        match self {
            Self::Due => GOOD,
            Self::Waiting | Self::InDoubt => DOUBT,
            Self::Missed | Self::Blocked | Self::Held => BAD,
            Self::Later | Self::Done | Self::Closed => QUIET,
        }
    }
}
