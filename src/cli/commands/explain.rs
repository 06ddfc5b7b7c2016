use crate::cli::commands::explain_campaign;
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::cli::{Globals, Result};

/// Show what a campaign comes to: message, audience, times, and the parameters of its request
///
/// Each parameter is shown with the place where it is written. Nothing is sent.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  campaignctl -e production explain payday-2026-12")]
pub(in crate::cli) struct Args {
    /// The campaign
    #[arg(value_name = "CAMPAIGN")]
    name: String,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(shell: &Shell, globals: &Globals, args: &Args) -> Result {
    explain_campaign::run(&Session::new(shell, globals), &args.name, args.json)
}
