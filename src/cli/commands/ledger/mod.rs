mod export;
mod export_line;
mod move_to;
mod pack;
mod restore;
mod unlock;
mod verify;

use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::cli::{Globals, Result};
use crate::domain::Environment;
use crate::ledger::Lineage;
use crate::witness::{PIN_FILE_NAME, Pins};

/// Make an environment's ledger, check it, write it out, restore, move, pack or unlock it
///
/// The ledger remembers every push that was submitted. Keep its directory between runs: without it nobody
/// knows what was sent, and `plan` and `apply` refuse.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  campaignctl -e production ledger init\n  campaignctl -e production ledger export > ledger.jsonl"
)]
pub(in crate::cli) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Make the environment's ledger, and pin it in `campaignctl.lock`
    ///
    /// Run it once for each environment, and commit `campaignctl.lock`. An existing ledger is kept, and pinned.
    #[command(
        after_help = "Example:\n  campaignctl -e production ledger init && git add campaigns/campaignctl.lock"
    )]
    Init,
    Verify(verify::Args),
    Export(export::Args),
    Restore(restore::Args),
    Move(move_to::Args),
    Pack(pack::Args),
    Unlock(unlock::Args),
}

pub(super) fn run(shell: &Shell, globals: &Globals, args: &Args) -> Result {
    match &args.action {
        Action::Init => init(shell, globals),
        Action::Verify(args) => verify::run(shell, globals, args),
        Action::Export(args) => export::run(shell, globals, args),
        Action::Restore(args) => restore::run(shell, globals, args),
        Action::Move(args) => move_to::run(shell, globals, args),
        Action::Pack(args) => pack::run(shell, globals, args),
        Action::Unlock(args) => unlock::run(shell, globals, args),
    }
}

fn init(shell: &Shell, globals: &Globals) -> Result {
    let session = Session::new(shell, globals);
    let scope = session.scope()?;
    let environment = &scope.environment;
    let mut pins = Pins::read(session.directory())?;
    let pinned = pins.lineage(&environment.name).cloned();
    let found = session.find_ledger(&scope, "ledger init", pinned.as_ref())?;
    let (open, done) = match (found, &pinned) {
        (Some(_), Some(lineage)) => {
            shell.answer(&format!(
                "Ledger {lineage} for `{}` is in `{}`, whole and pinned already: nothing was changed.\n",
                environment.name, environment.ledger,
            ))?;
            return Ok(ExitStatus::Done);
        }
        (None, Some(lineage)) => return Err(pinned_and_missing(environment, lineage)),
        // One that was made by a run before, as a sandbox's is, knows what was sent: it is kept.
        (Some(open), None) => (open, "Found"),
        (None, None) => (session.create_ledger(&scope, "ledger init")?, "Made"),
    };
    let lineage = open.ledger.header().lineage.clone();
    pins.pin(session.directory(), &environment.name, lineage.clone())?;
    shell.answer(&format!(
        "{done} ledger {lineage} for `{}` in `{}`.\nCommit `{}`: it is how a later run knows a lost ledger from a new one.\n",
        environment.name,
        environment.ledger,
        session.directory().join(PIN_FILE_NAME).display(),
    ))?;
    Ok(ExitStatus::Done)
}

fn pinned_and_missing(environment: &Environment, lineage: &Lineage) -> Failure {
    let place = &environment.ledger;
    let message = format!(
        "`{PIN_FILE_NAME}` pins ledger {lineage} for `{}`, and there is none in `{place}`",
        environment.name
    );
    Failure::new(ExitStatus::Ledger, message).help(format!(
        "restore that ledger to `{place}`. Only if nothing that it knows of matters any more, remove its line from \
         `{PIN_FILE_NAME}` first, in a reviewed change: a new ledger takes every campaign for new"
    ))
}
