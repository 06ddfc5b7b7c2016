use std::time::Duration;

use chrono_tz::Tz;

use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::cli::{Globals, Result};
use crate::ledger::Ledger;
use crate::plan::time;
use crate::render::text;
use crate::state::{Candidate, Holder, Left, StateError, StateErrorKind, Store};

/// How often a run is looked at that may still write.
const WATCH_POLL: Duration = Duration::from_millis(50);

/// Show what a run left in flight, then let others have the ledger
///
/// Rarely needed: a run that was killed on this host is taken over at once, and one on another host after half a minute without a
/// sign of life, or a minute in a bucket. This only skips that wait, and refuses while the run still writes. A run of version 0.2 on
/// another host gives no signs: make sure that it is over.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  campaignctl -e production ledger unlock")]
pub(super) struct Args {
    /// Do not ask; required without a terminal
    #[arg(long)]
    auto_approve: bool,
}

pub(super) fn run(shell: &Shell, globals: &Globals, args: &Args) -> Result {
    let session = Session::new(shell, globals);
    let scope = session.scope()?;
    session.prove_time_is_real(&scope)?;
    let store = session.store(&scope);
    let candidate = session.candidate(store.place(), "ledger unlock", true);
    let left = match watch(shell, store.as_ref(), &candidate) {
        Err(error) if matches!(error.kind, StateErrorKind::Missing) => return Err(session.missing(&scope)?),
        left => left?,
    };
    if left.is_empty() {
        shell.answer("The ledger is not locked.\n")?;
        return Ok(ExitStatus::Done);
    }
    let ledger = session.view_ledger(&scope, "ledger unlock")?.ledger;
    let held: Vec<String> = left.iter().map(|holder| format!("Held by {holder}.\n")).collect();
    shell.answer_in_words(&format!("{}{}", held.concat(), in_flight(&ledger, scope.time_zone)))?;
    if !args.auto_approve {
        if !shell.is_interactive() {
            return Err(Failure::new(ExitStatus::Refused, "cannot ask for approval: not a terminal")
                .help("nothing was changed. Add `--auto-approve` once it is certain that the run is over"));
        }
        if shell.ask("Are you sure that run is over? Type `yes` to unlock: ")? != "yes" {
            return Err(Failure::new(ExitStatus::Refused, "the ledger stays locked"));
        }
    }
    // Only what was shown: the question may have stood for long.
    store.clear(&left, &candidate)?;
    shell.answer("Unlocked.\n")?;
    Ok(ExitStatus::Done)
}

/// Returns who left the ledger open; watches a writer for as long as it takes to see whether it is there.
fn watch(
    shell: &Shell,
    store: &dyn Store,
    candidate: &Candidate,
) -> std::result::Result<Vec<Holder>, StateError> {
    let mut is_told = false;
    loop {
        match store.left_behind(candidate)? {
            Left::Nobody => return Ok(Vec::new()),
            Left::Behind(left) => return Ok(left),
            Left::Watched(holder) => {
                if !is_told {
                    is_told = true;
                    shell.say(&format!("Watching whether {holder} still writes …\n"));
                }
                std::thread::sleep(WATCH_POLL);
            }
        }
    }
}

/// Says what the last run that never ended had sent without an outcome.
fn in_flight(ledger: &Ledger, zone: Tz) -> String {
    let Some(run) = ledger.runs().last().filter(|run| run.ended_at.is_none()) else {
        return "No run of the ledger is unfinished: nothing was in flight.\n".to_owned();
    };
    let of_run = ledger.doubts().into_iter().filter(|doubt| doubt.intent.run == run.run);
    let (batches, targets) = of_run
        .fold((0, 0), |(batches, targets), doubt| (batches + 1, targets + doubt.intent.targets.len() as u64));
    format!(
        "Its run {} began {}: {} accepted, {} rejected, and in flight {} with {}, now in doubt.\n",
        run.run,
        time(run.started_at, zone),
        text::number(run.accepted),
        text::number(run.rejected),
        text::noun(batches, "batch", "batches"),
        text::count(targets, "target"),
    )
}
