use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use clap_complete::engine::ArgValueCandidates;

use crate::apply;
use crate::cli::commands::doubt::find;
use crate::cli::completion;
use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::cli::{Globals, Result};
use crate::ledger::{Doubt, Judge, Ledger, Record, Serial, Verdict};
use crate::plan::time;
use crate::render;
use crate::resolve::Scope;
use crate::state::OpenLedger;

/// Record a person's verdict on batches in doubt
///
/// `sent`: their targets got the push, and are done. `not-sent`: they certainly did not get it, and the next `apply`
/// sends to them if their campaign is still open. If the ledger was taken over from a run that may only have been paused,
/// `not-sent` is refused for the first half hour, since that run's requests could still arrive.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  campaignctl doubt mark 41 42 not-sent --reason 'not in the console'")]
pub(super) struct Args {
    /// The batches: record numbers or task names, as `doubt list` shows them
    #[arg(value_name = "BATCH", required = true, add = ArgValueCandidates::new(completion::batches))]
    batches: Vec<String>,
    /// What became of them
    #[arg(value_enum)]
    verdict: VerdictArg,
    /// How you know; kept in the ledger
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum VerdictArg {
    Sent,
    NotSent,
}

pub(super) fn run(shell: &Shell, globals: &Globals, args: &Args) -> Result {
    if args.reason.trim().is_empty() {
        return Err(Failure::new(ExitStatus::Written, "a verdict needs a reason")
            .help("nothing was recorded. Say how you know, in `--reason`"));
    }
    let session = Session::new(shell, globals);
    let scope = session.scope()?;
    let open = session.open_ledger(&scope, "doubt mark")?;
    mark(shell, open, &scope, args)?;
    Ok(ExitStatus::Done)
}

fn mark(shell: &Shell, mut open: OpenLedger, scope: &Scope, args: &Args) -> Result<()> {
    let ledger = &open.ledger;
    // By serial, so that a batch that is named twice is marked once.
    let mut marked: BTreeMap<Serial, &Doubt> = BTreeMap::new();
    for batch in &args.batches {
        let doubt = find(ledger, batch, scope.time_zone, "nothing was recorded")?;
        marked.insert(doubt.serial, doubt);
    }
    if let VerdictArg::NotSent = args.verdict {
        for doubt in marked.values() {
            prove_over(ledger, doubt, scope, shell.now())?;
        }
    }
    let verdict = match args.verdict {
        VerdictArg::Sent => Verdict::Accepted,
        VerdictArg::NotSent => Verdict::Rejected,
    };
    let record = |intent: &Serial| Record::Verdict {
        intent: *intent,
        verdict,
        reason: args.reason.clone(),
        actor: shell.actor(),
        by: Judge::Person,
        task_id: None,
    };
    let records: Vec<Record> = marked.keys().map(record).collect();
    let targets = marked.values().map(|doubt| doubt.intent.targets.len() as u64).sum();
    open.append(shell.now(), records)?;
    let targets = render::text::count(targets, "target");
    shell.answer(&match args.verdict {
        VerdictArg::Sent => format!("Recorded: {targets} got the push.\n"),
        VerdictArg::NotSent => {
            format!(
                "Recorded: {targets} did not get the push. `campaignctl plan` says whether they still will.\n"
            )
        }
    })
}

/// Refuses to call a batch not sent whose request may still leave, or still be taken.
fn prove_over(ledger: &Ledger, doubt: &Doubt, scope: &Scope, now: DateTime<Utc>) -> Result<()> {
    let Some(from) = apply::not_sent_from(ledger, doubt.serial).filter(|from| *from > now) else {
        return Ok(());
    };
    let name = &doubt.intent.task_name;
    let message = format!(
        "`{name}` may still reach the vendor: its run was taken over, and nobody knows that it ended"
    );
    Err(Failure::new(ExitStatus::Refused, message).help(format!(
        "nothing was recorded. `not-sent` can be said from {} on, `sent` at once",
        time(from, scope.time_zone)
    )))
}
