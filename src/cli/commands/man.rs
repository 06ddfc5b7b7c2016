use std::path::PathBuf;

use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::shell::Shell;
use crate::cli::{Result, definition};

/// Print the manual page, or write one for each command
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  campaignctl man | man -l -\n  campaignctl man --out /usr/local/share/man/man1"
)]
pub(in crate::cli) struct Args {
    /// Write a page for each command into this directory
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(super) fn run(shell: &Shell, args: &Args) -> Result {
    let failed = |error: std::io::Error| {
        Failure::new(ExitStatus::Other, format!("could not write the manual pages: {error}"))
    };
    if let Some(directory) = &args.out {
        std::fs::create_dir_all(directory).map_err(failed)?;
        clap_mangen::generate_to(definition(), directory).map_err(failed)?;
        return Ok(ExitStatus::Done);
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(definition()).render(&mut page).map_err(failed)?;
    shell.answer(&String::from_utf8_lossy(&page))?;
    Ok(ExitStatus::Done)
}
