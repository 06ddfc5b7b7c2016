//! Arguments, wiring and exit codes.
//!
//! The only room with a wall clock, standard streams and environment variables. One file per command, whose doc
//! comment is its help text. Holds no rule of its own: it asks the other rooms in turn.

mod approval;
mod audiences;
mod clock;
mod commands;
mod completion;
mod exit;
mod failure;
mod forge_access;
mod interrupt;
mod ledger_access;
mod out_of_memory;
mod patterns;
mod plan_format;
mod progress;
mod review_lock;
mod selection;
mod session;
mod shell;
mod staleness;
mod vendor_side;
mod waiting;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use clap::{CommandFactory, Parser};
use clap_complete::CompleteEnv;
use clap_complete::engine::ArgValueCandidates;

use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::shell::Shell;
use crate::render::caller::Caller;
use crate::render::text::wrapped;

/// Campaign-as-code for Alibaba Cloud mPaaS Message Push
///
/// YAML files in git say which pushes should exist. `plan` compares them with a ledger of what was already
/// submitted; `apply` submits what is new, and only that, each push once.
#[derive(Debug, Parser)]
#[command(name = "campaignctl", version, after_help = EXAMPLES, after_long_help = exit::HELP, max_term_width = 80)]
struct Arguments {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: commands::Command,
}

const GLOBAL_OPTIONS: &str = "Global options";

const EXAMPLES: &str = "\
Examples:
  campaignctl init && campaignctl plan
  campaignctl -e production apply";

/// What every command takes.
#[derive(Debug, clap::Args)]
struct Globals {
    /// Workspace directory, the one with `campaignctl.yaml` [default: `campaigns` if it has one, else `.`]
    #[arg(
        short = 'C', long, value_name = "DIR", global = true, help_heading = GLOBAL_OPTIONS,
        value_hint = clap::ValueHint::DirPath
    )]
    directory: Option<PathBuf>,
    /// Environment of the project file [default: its `default_environment`]
    #[arg(
        short, long, value_name = "ENV", global = true, env = "CAMPAIGNCTL_ENVIRONMENT", hide_env_values = true,
        help_heading = GLOBAL_OPTIONS, add = ArgValueCandidates::new(completion::environments)
    )]
    environment: Option<String>,
    /// How long to wait for a ledger that another run writes to
    #[arg(
        long, value_name = "DURATION", global = true, default_value = "10s", value_parser = humantime::parse_duration,
        help_heading = GLOBAL_OPTIONS, hide_short_help = true
    )]
    lock_timeout: Duration,
    /// Do not wait to take over a ledger whose writer gives no sign of life: exit 8
    #[arg(long, global = true, help_heading = GLOBAL_OPTIONS, hide_short_help = true)]
    no_wait: bool,
    /// Act as if it were this time (RFC 3339): for demonstrations; only `endpoint: sandbox` takes it for what is written
    #[arg(
        long, value_name = "TIME", global = true, env = "CAMPAIGNCTL_NOW", hide_env_values = true, value_parser = moment,
        help_heading = GLOBAL_OPTIONS, hide_short_help = true
    )]
    now: Option<DateTime<Utc>>,
}

/// Reads a moment with its zone.
fn moment(text: &str) -> std::result::Result<DateTime<Utc>, String> {
    let form = |example: &str| format!("a moment has a date, a time and a zone: `{example}`");
    text.parse().map_err(|_| match text.parse::<NaiveDate>() {
        Ok(day) => form(&format!("{day}T09:00:00+08:00")),
        Err(_) => form("2026-12-01T09:00:00+08:00"),
    })
}

/// Runs the process's command line, and returns its exit code.
#[must_use]
pub fn main() -> ExitCode {
    CompleteEnv::with_factory(definition).var(completion::VARIABLE).complete();
    let ends_in_order = out_of_memory::ends_in_order();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error).into(),
    };
    let globals = &arguments.globals;
    let directory = globals.directory.as_ref().map(|directory| directory.to_string_lossy());
    let shell = Shell::new(globals.now, Caller::new(directory.as_deref(), globals.environment.as_deref()));
    if shell.variable("CAMPAIGNCTL_CRASH_AFTER").is_some() {
        // A crash test wants the process to die on the spot.
        ends_in_order.store(false, Ordering::Relaxed);
    }
    let room = if arguments.command.is_spoken_alone() { Ok(()) } else { out_of_memory::prove_room() };
    let done = room.and_then(|()| commands::run(&shell, globals, &arguments.command));
    let status = match done {
        Ok(status) => status,
        Err(failure) => {
            let failure = failure.spelled_for(shell.caller());
            shell.say(&wrapped(&format!("{failure}\n"), shell.conversation_columns()));
            failure.status
        }
    };
    status.into()
}

/// Prints help, a version or a usage error where it belongs. clap's own exit code 2 means changes here.
fn usage(error: &clap::Error) -> ExitStatus {
    let shell = Shell::new(None, Caller::default());
    let text = error.render().ansi().to_string();
    if error.use_stderr() {
        shell.say(&text);
        return ExitStatus::Written;
    }
    // Nothing can be done if not even this can be printed.
    drop(shell.answer(&text));
    ExitStatus::Done
}

/// Returns the command line's definition, for completions and manual pages.
fn definition() -> clap::Command {
    Arguments::command()
}

/// What a command returns.
type Result<T = ExitStatus> = std::result::Result<T, Failure>;
