//! Every `apply` on record, as people and machines read it.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Serialize;

use crate::apply::Tally;
use crate::domain::{CampaignId, Revision};
use crate::ledger::RunSummary;
use crate::render::text::{self, QUIET, STRONG};

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
            (None, None) => "did not end cleanly: it crashed or was killed".to_owned(),
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
