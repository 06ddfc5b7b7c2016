use crate::cli::exit::ExitStatus;
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::cli::{Globals, Result};
use crate::render;

/// Show every `apply`, verdict and withdrawal on record, oldest first: the audit trail
///
/// A run's counts are what that run did. What was found out later about pushes in doubt is an entry of its own, as is a campaign
/// whose tasks were deleted at the vendor. A run without an end crashed or was killed; what it had in flight counts as in doubt.
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
    let trail = render::history::trail(&ledger);
    let text = if args.json {
        render::json::pretty(&trail)
    } else {
        render::history::entries(&trail, scope.time_zone, shell.width())
    };
    shell.answer(&text)?;
    Ok(ExitStatus::Done)
}
