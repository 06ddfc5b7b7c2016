use clap_complete::env::Shells;

use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::shell::Shell;
use crate::cli::{Result, completion};

/// Print completions for a shell
///
/// They offer the workspace's own names, too: environments, campaigns, and
/// batches in doubt.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  campaignctl completions bash > ~/.local/share/bash-completion/completions/campaignctl
  campaignctl completions fish > ~/.config/fish/completions/campaignctl.fish
  campaignctl completions zsh > ~/.zfunc/_campaignctl")]
pub(in crate::cli) struct Args {
    /// Which shell
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

pub(super) fn run(shell: &Shell, args: &Args) -> Result {
    let name = args.shell.to_string();
    let shells = Shells::builtins();
    let completer = shells.completer(&name).expect("every shell that can be named has one");
    let mut script = Vec::new();
    completer
        .write_registration(completion::VARIABLE, "campaignctl", "campaignctl", "campaignctl", &mut script)
        .map_err(|error| Failure::from_error(ExitStatus::Other, &error))?;
    shell.answer_bytes(&String::from_utf8_lossy(&script))?;
    Ok(ExitStatus::Done)
}
