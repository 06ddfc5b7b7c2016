//! What a ledger knows, as people and machines read it.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Serialize;

use crate::apply::Tally;
use crate::domain::{CampaignId, Revision};
use crate::ledger::{Doubt, History, RunSummary};
use crate::render::text::{self, DOUBT, QUIET, STRONG};

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
    content_digest: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_rejection: Option<RejectionStatus>,
    doubts: Vec<DoubtStatus>,
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
    /// Takes what the ledger knows of a revision.
    #[must_use]
    pub fn of(campaign: &CampaignId, revision: Revision, history: &History) -> Self {
        Self {
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

/// One `apply`.
#[derive(Clone, Debug, Serialize)]
pub struct RunStatus {
    run: String,
    started_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
    actor: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ci_run: Option<String>,
    plan: String,
    accepted: u64,
    rejected: u64,
    in_doubt: u64,
    not_attempted: u64,
    batches: u64,
    attempts: u64,
    stopped: Option<String>,
    campaigns: Vec<String>,
}

impl RunStatus {
    /// Takes what the ledger knows of a run.
    #[must_use]
    pub fn of(run: &RunSummary) -> Self {
        let name = |(campaign, revision): &(CampaignId, Revision)| format!("{campaign}@{revision}");
        Self {
            run: run.run.to_string(),
            started_at: run.started_at,
            ended_at: run.ended_at,
            actor: run.actor.clone(),
            ci_run: run.ci_run.clone(),
            plan: run.plan.clone(),
            accepted: run.accepted,
            rejected: run.rejected,
            in_doubt: run.unknown,
            not_attempted: run.not_attempted,
            batches: run.batches,
            attempts: run.attempts,
            stopped: run.stopped.clone(),
            campaigns: run.campaigns.iter().map(name).collect(),
        }
    }
}

/// Returns a table of campaign revisions.
#[must_use]
pub fn campaigns(campaigns: &[CampaignStatus], zone: Tz, width: Option<usize>) -> String {
    if campaigns.is_empty() {
        return "Nothing was sent yet.\n".to_owned();
    }
    let mut table = text::table(&["campaign", "accepted", "rejected", "in doubt", "last"], width);
    text::align_right(&mut table, 1..=3);
    for status in campaigns {
        table.add_row([
            format!("{}@{}", status.campaign, status.revision),
            text::number(status.accepted),
            text::number(status.rejected),
            text::number(status.in_doubt),
            text::time(status.last_at, zone),
        ]);
    }
    format!("{table}\n")
}

/// Returns all there is to say of each revision.
#[must_use]
pub fn campaign_details(campaigns: &[CampaignStatus], zone: Tz) -> String {
    let mut out = String::new();
    for status in campaigns {
        let _ = writeln!(out, "{STRONG}{}@{}{STRONG:#}", status.campaign, status.revision);
        let _ = writeln!(
            out,
            "    {} accepted, {} rejected, {} in doubt, after {}",
            text::number(status.accepted),
            text::number(status.rejected),
            text::number(status.in_doubt),
            text::count(u64::from(status.batches), "request"),
        );
        let first = text::time(status.submitted_at, zone);
        let _ = writeln!(out, "    first sent {first}, last {}", text::time(status.last_at, zone));
        let _ = writeln!(out, "    {QUIET}content {}{QUIET:#}", status.content_digest);
        if let Some(rejection) = &status.last_rejection {
            let (code, message) = (text::plain(&rejection.code), text::plain(&rejection.message));
            let _ = writeln!(out, "    last rejection: {code}: {message}");
        }
        for doubt in &status.doubts {
            let _ = writeln!(
                out,
                "    {DOUBT}?{DOUBT:#} record {}, {}: {} in doubt, task `{}`: {}",
                doubt.intent,
                text::time(doubt.at, zone),
                text::count(doubt.targets, "target"),
                text::plain(&doubt.task_name),
                text::plain(&doubt.why),
            );
        }
    }
    out
}

/// Returns the runs, a few lines each.
#[must_use]
pub fn runs(runs: &[RunStatus], zone: Tz) -> String {
    if runs.is_empty() {
        return "Nothing was applied yet.\n".to_owned();
    }
    let mut out = String::new();
    for run in runs {
        let ended = match (&run.stopped, run.ended_at) {
            (Some(why), _) => format!("stopped early: {}", text::plain(why)),
            (None, Some(at)) => format!("ended {}", text::time(at, zone)),
            (None, None) => "never ended: it crashed or was killed".to_owned(),
        };
        let (started, actor) = (text::time(run.started_at, zone), text::plain(&run.actor));
        let _ = writeln!(out, "{STRONG}{started}{STRONG:#}  {actor}  {ended}");
        let tally = Tally {
            accepted: run.accepted,
            rejected: run.rejected,
            unknown: run.in_doubt,
            not_attempted: run.not_attempted,
        };
        let _ = writeln!(out, "    {}", super::report::summary(tally));
        if run.attempts > run.batches && run.batches > 0 {
            let batches = text::noun(run.batches, "batch", "batches");
            let retries = text::noun(run.attempts - run.batches, "retry", "retries");
            let attempts = text::count(run.attempts, "attempt");
            let _ = writeln!(out, "    {batches} in {attempts}: {retries}");
        }
        for campaign in &run.campaigns {
            let _ = writeln!(out, "    {campaign}");
        }
        let _ = writeln!(out, "    {QUIET}plan {}{QUIET:#}", run.plan);
        if let Some(url) = &run.ci_run {
            let _ = writeln!(out, "    {QUIET}{}{QUIET:#}", text::plain(url));
        }
    }
    out
}
