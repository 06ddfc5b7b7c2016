//! Every `apply`, verdict and withdrawal on record, as people and machines read it.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Serialize;

use crate::apply::Tally;
use crate::domain::{CampaignId, Revision};
use crate::ledger::{Decided, Decision, Judge, Ledger, RunSummary, Verdict};
use crate::render::doubt::numbers;
use crate::render::text::{self, QUIET, STRONG};

/// One entry of the audit trail.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TrailEntry {
    /// An `apply`.
    Run(RunStatus),
    /// What became of batches that were in doubt.
    Verdict(VerdictStatus),
    /// Tasks that a person deleted at the vendor.
    Withdrawal(WithdrawalStatus),
}

/// A verdict on batches that were in doubt.
#[derive(Clone, Debug, Serialize)]
pub struct VerdictStatus {
    at: DateTime<Utc>,
    actor: String,
    campaign: String,
    revision: u32,
    /// `sent` or `not_sent`.
    verdict: &'static str,
    by: Judge,
    reason: String,
    batches: Vec<u64>,
    targets: u64,
}

/// That tasks were deleted at the vendor.
#[derive(Clone, Debug, Serialize)]
pub struct WithdrawalStatus {
    at: DateTime<Utc>,
    actor: String,
    campaign: String,
    revision: u32,
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
    fn of(run: &RunSummary) -> Self {
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

/// Returns the audit trail of a ledger, oldest first.
#[must_use]
pub fn trail(ledger: &Ledger) -> Vec<TrailEntry> {
    let mut decisions = ledger.decisions().iter().peekable();
    let mut entries = Vec::new();
    for (runs_before, run) in (0..).zip(ledger.runs()) {
        let earlier =
            std::iter::from_fn(|| decisions.next_if(|decision| decision.runs_before <= runs_before));
        entries.extend(earlier.map(decided));
        entries.push(TrailEntry::Run(RunStatus::of(run)));
    }
    entries.extend(decisions.map(decided));
    entries
}

fn decided(decision: &Decision) -> TrailEntry {
    let Decision { at, runs_before: _, actor, campaign, revision, what } = decision;
    let (at, actor, campaign, revision) = (*at, actor.clone(), campaign.to_string(), revision.get());
    match what {
        Decided::Withdrawn => TrailEntry::Withdrawal(WithdrawalStatus { at, actor, campaign, revision }),
        Decided::Verdict { verdict, by, reason, batches, targets } => TrailEntry::Verdict(VerdictStatus {
            at,
            actor,
            campaign,
            revision,
            verdict: match verdict {
                Verdict::Accepted => "sent",
                Verdict::Rejected => "not_sent",
            },
            by: *by,
            reason: reason.clone(),
            batches: batches.iter().map(|batch| batch.intent.0).collect(),
            targets: *targets,
        }),
    }
}

/// Returns the entries, a few lines each.
#[must_use]
pub fn entries(entries: &[TrailEntry], zone: Tz, width: Option<usize>) -> String {
    if entries.is_empty() {
        return "Nothing was applied yet.\n".to_owned();
    }
    let mut out = String::new();
    for entry in entries {
        match entry {
            TrailEntry::Run(run) => run_lines(&mut out, run, zone),
            TrailEntry::Verdict(verdict) => verdict_lines(&mut out, verdict, zone),
            TrailEntry::Withdrawal(WithdrawalStatus { at, actor, campaign, revision }) => {
                headline(&mut out, *at, actor, &format!("withdrew {campaign}@{revision}"), zone);
                let _ = writeln!(out, "    its tasks were deleted at the vendor");
            }
        }
    }
    text::wrapped(&out, width)
}

fn headline(out: &mut String, at: DateTime<Utc>, actor: &str, what: &str, zone: Tz) {
    let (at, actor) = (text::time(at, zone), text::plain(actor));
    let _ = writeln!(out, "{STRONG}{at}{STRONG:#}  {actor}  {what}");
}

fn verdict_lines(out: &mut String, verdict: &VerdictStatus, zone: Tz) {
    let VerdictStatus { at, actor, campaign, revision, reason, .. } = verdict;
    let word = if verdict.verdict == "sent" { "sent" } else { "not sent" };
    let how = match verdict.by {
        Judge::Person => "marked",
        Judge::Vendor => "asked the vendor, and found",
    };
    let batches = text::noun(verdict.batches.len() as u64, "batch", "batches");
    headline(out, *at, actor, &format!("{how} {batches} of {campaign}@{revision} {word}"), zone);
    let targets = text::count(verdict.targets, "target");
    let _ = writeln!(out, "    {targets}, {}", batch_numbers(&verdict.batches));
    let _ = writeln!(out, "    {}", text::plain(reason));
}

fn batch_numbers(batches: &[u64]) -> String {
    let word = if batches.len() == 1 { "batch" } else { "batches" };
    format!("{word} {}", numbers(batches.iter().copied()))
}

fn run_lines(out: &mut String, run: &RunStatus, zone: Tz) {
    let ended = match (&run.stopped, run.ended_at) {
        (Some(why), _) => format!("stopped early: {}", text::plain(why)),
        (None, Some(at)) => format!("ended {}", text::time(at, zone)),
        (None, None) => "did not end cleanly: it crashed, was killed, or lost its ledger".to_owned(),
    };
    headline(out, run.started_at, &run.actor, &ended, zone);
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
