//! Batches in doubt, and what was found out about them.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Serialize;

use crate::apply::{Answer, Finding};
use crate::ledger::{Doubt, Ledger};
use crate::render::caller::Caller;
use crate::render::text::{self, BAD, DOUBT, GOOD, QUIET, STRONG};

/// One batch in doubt.
#[derive(Clone, Debug, Serialize)]
pub struct OpenDoubt {
    campaign: String,
    revision: u32,
    intent: u64,
    at: DateTime<Utc>,
    task_name: String,
    targets: u64,
    why: String,
    run: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ci_run: Option<String>,
}

impl OpenDoubt {
    /// Takes what the ledger knows of a batch in doubt.
    #[must_use]
    pub fn of(doubt: &Doubt, ledger: &Ledger) -> Self {
        let intent = &doubt.intent;
        let run = ledger.run(&intent.run);
        Self {
            campaign: intent.campaign.to_string(),
            revision: intent.revision.get(),
            intent: doubt.serial.0,
            at: doubt.at,
            task_name: intent.task_name.clone(),
            targets: intent.targets.len() as u64,
            why: why(doubt),
            run: intent.run.to_string(),
            actor: run.map(|run| run.actor.clone()),
            ci_run: run.and_then(|run| run.ci_run.clone()),
        }
    }

    fn headline(&self, out: &mut String, zone: Tz) {
        let _ = writeln!(
            out,
            "{STRONG}record {}{STRONG:#}  {}@{}, {}, since {}",
            self.intent,
            self.campaign,
            self.revision,
            text::count(self.targets, "target"),
            text::time(self.at, zone),
        );
        let _ = writeln!(out, "    task `{}`", text::plain(&self.task_name));
    }
}

/// Returns what was seen instead of an answer.
pub(super) fn why(doubt: &Doubt) -> String {
    let crashed = || "the run ended between the request and its outcome".to_owned();
    doubt.why.clone().unwrap_or_else(crashed)
}

/// Returns the batches in doubt, a few lines each.
#[must_use]
pub fn doubts(doubts: &[OpenDoubt], zone: Tz, caller: &Caller) -> String {
    if doubts.is_empty() {
        return "Nothing is in doubt.\n".to_owned();
    }
    let mut out = String::new();
    for doubt in doubts {
        doubt.headline(&mut out, zone);
        let _ = writeln!(out, "    {DOUBT}?{DOUBT:#} {}", text::plain(&doubt.why));
        let actor =
            doubt.actor.as_ref().map(|actor| format!(" of {}", text::plain(actor))).unwrap_or_default();
        let _ = writeln!(out, "    {QUIET}run {}{actor}{QUIET:#}", doubt.run);
        if let Some(url) = &doubt.ci_run {
            let _ = writeln!(out, "    {QUIET}{}{QUIET:#}", text::plain(url));
        }
    }
    let targets = doubts.iter().map(|doubt| doubt.targets).sum();
    let (batches, targets) =
        (text::noun(doubts.len() as u64, "batch", "batches"), text::count(targets, "target"));
    let _ = writeln!(
        out,
        "\n{batches} with {targets} in doubt.\nTo ask the vendor what it can tell: `{}`.",
        caller.command("doubt resolve"),
    );
    out
}

/// A batch that was in doubt, and what the vendor's lists say of it.
#[derive(Clone, Debug, Serialize)]
pub struct Resolved {
    #[serde(flatten)]
    doubt: OpenDoubt,
    /// `sent`, `not_sent`, `too_early` or `cannot_tell`.
    finding: &'static str,
    evidence: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    task_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ask_again_at: Option<DateTime<Utc>>,
}

impl Resolved {
    /// Joins a finding with the batch that it is about, in the ledger as it was before.
    #[must_use]
    pub fn of(finding: &Finding, ledger: &Ledger) -> Option<Self> {
        let doubt = ledger.doubts().into_iter().find(|doubt| doubt.serial == finding.intent)?;
        let doubt = OpenDoubt::of(doubt, ledger);
        let (word, evidence, task_id, ask_again_at) = match &finding.answer {
            Answer::Accepted { task_id, evidence } => ("sent", evidence.clone(), task_id.clone(), None),
            Answer::Rejected { evidence } => ("not_sent", evidence.clone(), None, None),
            Answer::TooEarly { until, why } => ("too_early", why.clone(), None, Some(*until)),
            Answer::CannotTell { why } => ("cannot_tell", why.clone(), None, None),
        };
        Some(Self { doubt, finding: word, evidence, task_id, ask_again_at })
    }
}

/// Returns the findings, a few lines each, and what they come to.
#[must_use]
pub fn resolved(resolved: &[Resolved], zone: Tz, is_dry_run: bool, caller: &Caller) -> String {
    if resolved.is_empty() {
        return "Nothing is in doubt.\n".to_owned();
    }
    let mut out = String::new();
    for each in resolved {
        each.doubt.headline(&mut out, zone);
        let evidence = text::plain(&each.evidence);
        let _ = match (each.finding, each.ask_again_at) {
            ("sent", _) => writeln!(out, "    {GOOD}sent{GOOD:#}: {evidence}"),
            ("not_sent", _) => writeln!(out, "    {BAD}not sent{BAD:#}: {evidence}"),
            (_, Some(at)) => {
                writeln!(out, "    {DOUBT}?{DOUBT:#} {evidence}; ask again from {} on", text::time(at, zone))
            }
            (_, None) => writeln!(out, "    {DOUBT}?{DOUBT:#} {evidence}"),
        };
    }
    let count = |word| resolved.iter().filter(|each| each.finding == word).count() as u64;
    let (sent, not_sent) = (count("sent"), count("not_sent"));
    let left = resolved.len() as u64 - sent - not_sent;
    let _ = writeln!(
        out,
        "\n{}: {} sent, {} not sent. Still in doubt: {}.",
        if is_dry_run { "Found, not recorded" } else { "Recorded" },
        text::noun(sent, "batch", "batches"),
        text::number(not_sent),
        text::number(left),
    );
    if not_sent > 0 && !is_dry_run {
        let _ = writeln!(out, "What was not sent is planned again: see `{}`.", caller.command("plan"));
    }
    if left > 0 {
        let mark = caller.command("doubt mark --help");
        let _ = writeln!(out, "Look for those in the vendor's console, then: `{mark}`.");
    }
    out
}
