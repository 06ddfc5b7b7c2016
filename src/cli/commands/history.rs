use crate::cli::exit::ExitStatus;
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::cli::{Globals, Result};
use crate::render;
use crate::render::history::RunStatus;

/// Show every `apply` on record, oldest first: the audit trail
///
/// A run without an end crashed or was killed; what it had in flight counts as in doubt.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  campaignctl -e production history --json")]
pub(in crate::cli) struct Args {
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(shell: &Shell, globals: &Globals, args: &Args) -> Result {
    let session = Session::new(shell, globals);
    let scope = session.scope()?;
    let ledger = session.view_ledger(&scope, "history")?.ledger;
    let runs: Vec<RunStatus> = ledger.runs().iter().map(RunStatus::of).collect();
    let text =
        if args.json { render::json::pretty(&runs) } else { render::history::runs(&runs, scope.time_zone) };
    shell.answer(&text)?;
    Ok(ExitStatus::Done)
}
