use std::io;
use std::path::PathBuf;

use clap::builder::ValueRange;
use clap::{Arg, ArgAction, Command};
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};

use crate::cli::exit::{self, ExitStatus};
use crate::cli::failure::Failure;
use crate::cli::shell::Shell;
use crate::cli::{Result, definition};

/// What commands read of the environment.
const ENVIRONMENT: [(&str, &str); 9] = [
    ("CAMPAIGNCTL_ENVIRONMENT", "The environment, where --environment names none."),
    ("CAMPAIGNCTL_NOW", "The time, where --now gives none: for tests and demonstrations."),
    ("MPAAS_AK_ENV, MPAAS_SK_ENV", "The access key's id and secret."),
    (
        "ALIBABA_CLOUD_ACCESS_KEY_ID, ALIBABA_CLOUD_ACCESS_KEY_SECRET, ALIBABA_CLOUD_SECURITY_TOKEN",
        "The same, as the vendor's SDKs call them, with the token of a temporary key.",
    ),
    (
        "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN",
        "The keys of a ledger in S3; one in OSS is opened with the second pair above. docs/ledger.md has the rest.",
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
    let mut root = whole(definition());
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

/// Returns a command of which a page says all: what the short help leaves out too, and no `help`, which has no page.
fn whole(command: Command) -> Command {
    let names: Vec<String> = command.get_subcommands().map(|below| below.get_name().to_owned()).collect();
    let command = command.disable_help_subcommand(true).mut_args(|arg| arg.hide_short_help(false));
    names.into_iter().fold(command, |command, name| command.mut_subcommand(name, whole))
}

/// Returns a command and all below it.
fn commands(command: &Command) -> Vec<&Command> {
    std::iter::once(command).chain(command.get_subcommands().flat_map(commands)).collect()
}

fn page(command: &Command) -> io::Result<Vec<u8>> {
    let man = Man::new(command.clone());
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    synopsis(command).to_writer(&mut page)?;
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

/// Says how a command is called: each option with its value, then what follows.
fn synopsis(command: &Command) -> Roff {
    let mut line = vec![bold(command.get_bin_name().unwrap_or_else(|| command.get_name()))];
    for option in command.get_opts().chain(flags(command)) {
        line.push(roman(" ["));
        let name = option.get_long().map(|long| format!("--{long}"));
        line.push(bold(
            name.or_else(|| option.get_short().map(|short| format!("-{short}"))).unwrap_or_default(),
        ));
        line.extend(value(option));
        line.push(roman("]"));
    }
    for positional in command.get_positionals() {
        let (before, after) = if positional.is_required_set() { (" ", "") } else { (" [", "]") };
        let is_row = matches!(positional.get_action(), ArgAction::Append);
        line.push(roman(before));
        line.push(italic(names(positional)));
        line.push(roman(format!("{}{after}", if is_row { " ..." } else { "" })));
    }
    if command.has_subcommands() {
        line.extend([roman(" "), italic("COMMAND"), roman(" ...")]);
    }
    let mut roff = Roff::new();
    roff.control("SH", ["SYNOPSIS"]).text(line);
    roff
}

/// Returns the options that take no value.
fn flags(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|arg| !arg.is_positional() && !arg.get_action().takes_values())
}

/// Returns the value of an option, if it takes one; in brackets where it may be left out.
fn value(option: &Arg) -> Vec<Inline> {
    if !option.get_action().takes_values() {
        return Vec::new();
    }
    let name = italic(names(option));
    match option.get_num_args() {
        Some(range) if range == ValueRange::new(0..=1) => vec![roman("[="), name, roman("]")],
        _ => vec![roman(" "), name],
    }
}

fn names(arg: &Arg) -> String {
    let names = arg.get_value_names().unwrap_or_default();
    names.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

fn section(roff: &mut Roff, name: &str, rows: impl IntoIterator<Item = (&'static str, &'static str)>) {
    roff.control("SH", [name]);
    for (what, meaning) in rows {
        roff.control("TP", []).text([bold(what)]).text([roman(meaning)]);
    }
}
