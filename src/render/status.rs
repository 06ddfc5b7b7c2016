//! What a ledger knows of campaigns, as people and machines read it.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Serialize;

use crate::domain::{CampaignId, Revision};
use crate::ledger::{Doubt, History, Ledger, RunSummary, Task};
use crate::render::text::{self, DOUBT, QUIET, STRONG};

/// So many tasks are listed of a campaign; the rest is counted. JSON has all of them.
const TASKS_MAX: usize = 100;

/// One campaign revision.
#[derive(Clone, Debug, Serialize)]
pub struct CampaignStatus {
    campaign: String,
    revision: u32,
    submitted_at: DateTime<Utc>,
    last_at: DateTime<Utc>,
    accepted: u64,
    rejected: u64,
    in_doubt: u64,
    batches: u32,
    /// When it fires next; nothing once it is over, or if it was sent at once.
    next_at: Option<DateTime<Utc>>,
    /// When it fires for the last time, if it is scheduled or repeating.
    until: Option<DateTime<Utc>>,
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
    /// Takes what the ledger knows of a revision at `now`.
    #[must_use]
    pub fn of(
        (campaign, revision, history): (&CampaignId, Revision, &History),
        ledger: &Ledger,
        now: DateTime<Utc>,
    ) -> Self {
        let schedule = history.content.schedule();
        let times = |after| schedule.iter().flat_map(move |schedule| schedule.firing_times_after(after));
        let [_, (title, body)] = history.content.words();
        let waits = history.tasks.iter().filter(|task| task.over_at > now);
        let sent_it = |run: &&RunSummary| {
            run.campaigns.iter().any(|(known, edition)| known == campaign && *edition == revision)
        };
        Self {
            next_at: times(now).next(),
            until: times(DateTime::UNIX_EPOCH).last(),
            title,
            body,
            tasks: waits.map(TaskStatus::of).collect(),
            runs: ledger.runs().iter().filter(sent_it).map(RunOf::of).collect(),
            campaign: campaign.to_string(),
            revision: revision.get(),
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
    let out = heading(about);
    if campaigns.is_empty() {
        return out + "Nothing was sent yet.\n";
    }
    let mut table = text::table(&["campaign", "accepted", "rejected", "in doubt", "last", "next"], None);
    text::align_right(&mut table, 1..=3);
    for status in campaigns {
        table.add_row([
            status.name(),
            text::number(status.accepted),
            text::number(status.rejected),
            text::number(status.in_doubt),
            text::time(status.last_at, about.zone),
            status.next_at.map(|at| text::time(at, about.zone)).unwrap_or_default(),
        ]);
    }
    let table = format!("{table}\n");
    let is_too_wide = |width| table.lines().any(|line| line.trim_end().chars().count() > width);
    if !width.is_some_and(is_too_wide) {
        return out + &table;
    }
    campaigns.iter().fold(out, |mut out, status| {
        let _ = writeln!(out, "{STRONG}{}{STRONG:#}", status.name());
        for (what, count) in
            [("accepted", status.accepted), ("rejected", status.rejected), ("in doubt", status.in_doubt)]
        {
            if count > 0 || what == "accepted" {
                let _ = writeln!(out, "    {} {what}", text::number(count));
            }
        }
        let _ = writeln!(out, "    last {}", text::time(status.last_at, about.zone));
        if let Some(at) = status.next_at {
            let _ = writeln!(out, "    next {}", text::time(at, about.zone));
        }
        out
    })
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
    let _ = writeln!(out, "{STRONG}{}{STRONG:#}", status.name());
    let _ = writeln!(
        out,
        "    {} accepted, {} rejected, {} in doubt, in {}",
        text::number(status.accepted),
        text::number(status.rejected),
        text::number(status.in_doubt),
        text::noun(u64::from(status.batches), "batch", "batches"),
    );
    let first = text::time(status.submitted_at, zone);
    let _ = writeln!(out, "    first sent {first}, last {}", text::time(status.last_at, zone));
    match (status.next_at, status.until) {
        (Some(next), Some(until)) if next == until => {
            let _ = writeln!(out, "    fires {}", text::time(next, zone));
        }
        (Some(next), Some(until)) => {
            let (next, until) = (text::time(next, zone), text::time(until, zone));
            let _ = writeln!(out, "    fires next {next}, for the last time {until}");
        }
        (None, Some(until)) => {
            let _ = writeln!(out, "    fired for the last time {}", text::time(until, zone));
        }
        (_, None) => {}
    }
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
        format!("{}@{}", self.campaign, self.revision)
    }
}
