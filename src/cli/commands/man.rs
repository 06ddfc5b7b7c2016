use std::io;
use std::path::PathBuf;

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use crate::cli::exit::{self, ExitStatus};
use crate::cli::failure::Failure;
use crate::cli::shell::Shell;
use crate::cli::{Result, definition};

/// What commands read of the environment.
const ENVIRONMENT: [(&str, &str); 8] = [
    ("CAMPAIGNCTL_ENVIRONMENT", "The environment, where --environment names none."),
    ("CAMPAIGNCTL_NOW", "The time, where --now gives none: for tests and demonstrations."),
    ("MPAAS_AK_ENV, MPAAS_SK_ENV", "The access key's id and secret."),
    (
        "ALIBABA_CLOUD_ACCESS_KEY_ID, ALIBABA_CLOUD_ACCESS_KEY_SECRET, ALIBABA_CLOUD_SECURITY_TOKEN",
        "The same, as the vendor's SDKs call them, with the token of a temporary key.",
    ),
    ("HTTPS_PROXY, NO_PROXY", "The proxy to the vendor, and the hosts that need none."),
    ("SSL_CERT_FILE", "Root certificates, instead of the system's."),
    ("XDG_STATE_HOME", "Where this machine remembers how far each ledger was, instead of ~/.local/state."),
    ("NO_COLOR, COLUMNS", "No colours; the width of what is not printed to a terminal."),
];

const FILES: [(&str, &str); 5] = [
    ("campaigns/campaignctl.yaml", "The project file: project, environments, defaults."),
    ("campaigns/**/*.yaml", "Campaign files: templates, audiences, strategies, campaigns."),
    ("campaigns/campaignctl.lock", "Pins the ledger of each environment. Keep it in git."),
    ("campaigns/.campaignctl/ENVIRONMENT/", "The ledger, unless the project file names another directory."),
    ("~/.local/state/campaignctl/ledgers/", "What this machine remembers of ledgers, apart from them."),
];

/// Print the manual page, or write one for each command
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  campaignctl man | man -l -
  campaignctl man --out /usr/local/share/man/man1")]
pub(in crate::cli) struct Args {
    /// Write a page for each command into this directory
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(super) fn run(shell: &Shell, args: &Args) -> Result {
    let failed = |error: io::Error| {
        Failure::new(ExitStatus::Other, format!("could not write the manual pages: {error}"))
    };
    let mut root = definition();
    root.build();
    match &args.out {
        Some(directory) => {
            std::fs::create_dir_all(directory).map_err(failed)?;
            for command in commands(&root) {
                let man = Man::new(command.clone());
                std::fs::write(directory.join(man.get_filename()), page(command).map_err(failed)?)
                    .map_err(failed)?;
            }
        }
        None => shell.answer_bytes(&String::from_utf8_lossy(&page(&root).map_err(failed)?))?,
    }
    Ok(ExitStatus::Done)
}

/// Returns a command and all below it, but for `help`, which explains the others.
fn commands(command: &Command) -> Vec<&Command> {
    let below = command.get_subcommands().filter(|command| command.get_name() != "help");
    std::iter::once(command).chain(below.flat_map(commands)).collect()
}

fn page(command: &Command) -> io::Result<Vec<u8>> {
    let man = Man::new(command.clone());
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    let mut roff = Roff::new();
    if let Some(examples) = command.get_after_help() {
        roff.control("SH", ["EXAMPLES"]).control("nf", []);
        for line in examples.to_string().lines().skip(1) {
            roff.text([roman(line.trim())]);
        }
        roff.control("fi", []);
    }
    section(&mut roff, "EXIT STATUS", exit::table());
    section(&mut roff, "ENVIRONMENT", ENVIRONMENT);
    section(&mut roff, "FILES", FILES);
    roff.to_writer(&mut page)?;
    // Only the tool itself has a version.
    if command.get_version().is_some() {
        man.render_version_section(&mut page)?;
    }
    Ok(page)
}

fn section(roff: &mut Roff, name: &str, rows: impl IntoIterator<Item = (&'static str, &'static str)>) {
    roff.control("SH", [name]);
    for (what, meaning) in rows {
        roff.control("TP", []).text([bold(what)]).text([roman(meaning)]);
    }
}
