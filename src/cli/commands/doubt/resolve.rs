use std::collections::HashSet;
use std::time::Duration;

use chrono::TimeDelta;
use clap_complete::engine::ArgValueCandidates;

use crate::apply::{self, Answer, Finding, Questions, Settle};
use crate::cli::clock;
use crate::cli::commands::doubt::{prove_known, wanted};
use crate::cli::completion;
use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::out_of_memory;
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::cli::vendor_side::VendorSide;
use crate::cli::{Globals, Result};
use crate::domain::CampaignId;
use crate::ledger::{Judge, Record, Serial, Verdict};
use crate::mpaas::QueryError;
use crate::render;
use crate::render::doubt::Resolved;
use crate::resolve::Scope;
use crate::state::OpenLedger;

/// Ask the vendor about batches in doubt, and record what it can tell
///
/// The vendor lists scheduled and repeating pushes by their time, and broadcasts and pushes by `PushMultiple` by their task name,
/// but no immediate pushes by `PushTemplate`. What is listed was sent. What is not listed was not sent, but that counts only once
/// no request can still be on its way, while its time is still to come, and if the list has another batch of the kind that was
/// accepted at about that time. Otherwise, or where a listed task could be another's or the answer cannot be read, the batch stays
/// in doubt.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  campaignctl -e production doubt resolve --dry-run")]
pub(super) struct Args {
    /// Only this campaign's
    #[arg(value_name = "CAMPAIGN", add = ArgValueCandidates::new(completion::sent_campaigns))]
    campaign: Option<CampaignId>,
    /// How long after its request the absence of a batch is proof; at least 30m, for broadcasts and `PushMultiple` at least 1h
    #[arg(long, value_name = "DURATION", default_value = "30m", value_parser = humantime::parse_duration)]
    settle: Duration,
    /// Ask, and record nothing
    #[arg(long)]
    dry_run: bool,
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(shell: &Shell, globals: &Globals, args: &Args) -> Result {
    let session = Session::new(shell, globals);
    let scope = session.scope()?;
    let settle = settle(args.settle, session.is_sandbox(&scope))?;
    let mut open = session.open_ledger(&scope, "doubt resolve")?;
    prove_known(&open.ledger, args.campaign.as_ref())?;
    let findings = ask(&session, args, &scope, &open, settle)?;
    if !args.dry_run {
        record(shell, &mut open, &findings)?;
    }
    let resolved: Vec<Resolved> =
        findings.iter().filter_map(|finding| Resolved::of(finding, &open.ledger)).collect();
    shell.answer(&if args.json {
        render::json::pretty(&resolved)
    } else {
        render::doubt::resolved(&resolved, scope.time_zone, args.dry_run, shell.caller(), shell.width())
    })?;
    let is_open = |finding: &Finding| {
        args.dry_run || matches!(finding.answer, Answer::TooEarly { .. } | Answer::CannotTell { .. })
    };
    Ok(if findings.iter().any(is_open) { ExitStatus::InDoubt } else { ExitStatus::Done })
}

/// Only for the sandbox, which delays nothing, may absence be proof at once.
fn settle(asked: Duration, is_sandbox: bool) -> Result<Settle> {
    let asked = TimeDelta::from_std(asked).unwrap_or(TimeDelta::MAX);
    if is_sandbox {
        return Ok(Settle::sandbox(asked));
    }
    Settle::after_request(asked).ok_or_else(|| {
        Failure::new(ExitStatus::Written, "`--settle` is shorter than 30 minutes").help(
            "nothing was asked. The vendor may accept a request up to half an hour after it was signed: until then, its absence proves nothing",
        )
    })
}

fn ask(
    session: &Session<'_>,
    args: &Args,
    scope: &Scope,
    open: &OpenLedger,
    settle: Settle,
) -> Result<Vec<Finding>> {
    let shell = session.shell;
    let asked = wanted(&open.ledger, args.campaign.as_ref());
    let asked: HashSet<Serial> = asked.into_iter().map(|doubt| doubt.serial).collect();
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    out_of_memory::prove_room_to_send(&scope.environment, 1)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::of_system("could not begin", &error))?;
    let findings = runtime.block_on(async {
        let vendor_side = VendorSide::connect(session, &scope.environment).await?;
        clock::prove_ages(vendor_side.time, shell.now(), shell.zone())?;
        let questions = Questions::new(&vendor_side.client, scope.environment.requests_per_second);
        let findings = apply::inquire(&questions, &open.ledger, shell.now(), settle).await;
        vendor_side.sandbox.stop().await;
        Ok::<_, Failure>(findings)
    })?;
    let findings = findings.map(|mut findings| {
        findings.retain(|finding| asked.contains(&finding.intent));
        findings
    });
    findings.map_err(|error| {
        let status = match error {
            QueryError::Refused { is_credentials: true, .. } => ExitStatus::Credentials,
            QueryError::NoAnswer(_) => ExitStatus::InDoubt,
            QueryError::Refused { .. } | QueryError::Unreadable(_) => ExitStatus::Other,
        };
        Failure::from_error(status, &error)
            .help("nothing was recorded, and nothing was sent: what was in doubt still is. Try again later")
    })
}

fn record(shell: &Shell, open: &mut OpenLedger, findings: &[Finding]) -> Result<()> {
    let mut records = Vec::new();
    for finding in findings {
        let (verdict, reason, task_id) = match &finding.answer {
            Answer::Accepted { task_id, evidence } => (Verdict::Accepted, evidence, task_id.clone()),
            Answer::Rejected { evidence } => (Verdict::Rejected, evidence, None),
            Answer::TooEarly { .. } | Answer::CannotTell { .. } => continue,
        };
        records.push(Record::Verdict {
            intent: finding.intent,
            verdict,
            reason: reason.clone(),
            actor: shell.actor(),
            by: Judge::Vendor,
            task_id,
        });
    }
    Ok(open.append(shell.now(), records)?)
}
