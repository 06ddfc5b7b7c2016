use crate::cli::exit::ExitStatus;
use crate::cli::shell::Shell;
use crate::cli::{Result, definition};

/// Print completions for a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  campaignctl completions bash > /etc/bash_completion.d/campaignctl")]
pub(in crate::cli) struct Args {
    /// Which shell
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

pub(super) fn run(shell: &Shell, args: &Args) -> Result {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut definition(), "campaignctl", &mut script);
    shell.answer(&String::from_utf8_lossy(&script))?;
    Ok(ExitStatus::Done)
}
