use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::cli::{Globals, Result};
use crate::ledger::Ledger;
use crate::render::text;
use crate::state;

/// Show what a run on another host left in flight, then let others have the ledger
///
/// A run that was killed on this host needs no unlocking: the next one takes the ledger over. Of another host
/// nobody here can tell whether the run still goes on; be sure that it does not.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  campaignctl -e production ledger unlock")]
pub(super) struct Args {
    /// Do not ask; required where nobody sits at the terminal
    #[arg(long)]
    auto_approve: bool,
}

pub(super) fn run(shell: &Shell, globals: &Globals, args: &Args) -> Result {
    let session = Session::new(shell, globals);
    let scope = session.scope()?;
    session.prove_time_is_real(&scope)?;
    let directory = &scope.environment.ledger;
    let left = state::left_behind(directory)?;
    if left.is_empty() {
        shell.answer("The ledger is not locked.\n")?;
        return Ok(ExitStatus::Done);
    }
    let ledger = session.view_ledger(&scope, "ledger unlock")?.ledger;
    let held: Vec<String> = left.iter().map(|holder| format!("Held by {holder}.\n")).collect();
    shell.answer(&format!("{}{}", held.concat(), in_flight(&ledger)))?;
    if !args.auto_approve {
        if !shell.is_interactive() {
            return Err(Failure::new(ExitStatus::Refused, "nobody is at the terminal to approve this")
                .help("nothing was changed. Add `--auto-approve` once it is certain that the run is over"));
        }
        if shell.ask("Is that run certainly over? Only `yes` is taken for an answer: ")? != "yes" {
            return Err(Failure::new(ExitStatus::Refused, "the ledger stays locked"));
        }
    }
    // Only what was shown: the question may have stood for long.
    state::clear(directory, &left, &session.holder("ledger unlock", true))?;
    shell.answer("Unlocked.\n")?;
    Ok(ExitStatus::Done)
}

/// Says what the last run that never ended had sent without an outcome.
fn in_flight(ledger: &Ledger) -> String {
    let Some(run) = ledger.runs().last().filter(|run| run.ended_at.is_none()) else {
        return "No run of the ledger is unfinished: nothing was in flight.\n".to_owned();
    };
    let of_run = ledger.doubts().into_iter().filter(|doubt| doubt.intent.run == run.run);
    let (batches, targets) = of_run
        .fold((0, 0), |(batches, targets), doubt| (batches + 1, targets + doubt.intent.targets.len() as u64));
    format!(
        "Its run {} began {}: {} accepted, {} rejected, and in flight {} with {}, now in doubt.\n",
        run.run,
        text::utc(run.started_at),
        text::number(run.accepted),
        text::number(run.rejected),
        text::noun(batches, "batch", "batches"),
        text::count(targets, "target"),
    )
}
