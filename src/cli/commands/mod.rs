//! The commands, one file each.

mod apply;
mod approve;
mod comment;
mod completions;
mod doubt;
mod explain;
mod explain_campaign;
mod fmt;
mod history;
mod init;
mod ledger;
mod lsp;
mod man;
mod new;
mod plan;
mod review;
mod sandbox;
mod schema;
mod show;
mod status;
mod validate;

use crate::cli::shell::Shell;
use crate::cli::{Globals, Result};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    Init(init::Args),
    New(new::Args),
    Validate(validate::Args),
    Fmt(fmt::Args),
    Review(review::Args),
    Approve(approve::Args),
    Plan(plan::Args),
    Apply(apply::Args),
    Show(show::Args),
    Comment(comment::Args),
    Explain(explain::Args),
    Status(status::Args),
    History(history::Args),
    Doubt(doubt::Args),
    Ledger(ledger::Args),
    Sandbox(sandbox::Args),
    Schema(schema::Args),
    Lsp(lsp::Args),
    Completions(completions::Args),
    Man(man::Args),
}

impl Command {
    /// Whether it says what stands in the program, and asks the system for no more than that.
    pub(super) fn is_spoken_alone(&self) -> bool {
        matches!(self, Self::Explain(_) | Self::Schema(_) | Self::Completions(_) | Self::Man(_))
    }
}

pub(super) fn run(shell: &Shell, globals: &Globals, command: &Command) -> Result {
    match command {
        Command::Init(args) => init::run(shell, globals, args),
        Command::New(args) => new::run(shell, globals, args),
        Command::Validate(args) => validate::run(shell, globals, args),
        Command::Fmt(args) => fmt::run(shell, globals, args),
        Command::Review(args) => review::run(shell, globals, args),
        Command::Approve(args) => approve::run(shell, globals, args),
        Command::Plan(args) => plan::run(shell, globals, args),
        Command::Apply(args) => apply::run(shell, globals, args),
        Command::Explain(args) => explain::run(shell, globals, args),
        Command::Show(args) => show::run(shell, globals, args),
        Command::Comment(args) => comment::run(shell, globals, args),
        Command::Status(args) => status::run(shell, globals, args),
        Command::History(args) => history::run(shell, globals, args),
        Command::Doubt(args) => doubt::run(shell, globals, args),
        Command::Ledger(args) => ledger::run(shell, globals, args),
        Command::Sandbox(args) => sandbox::run(shell, args),
        Command::Lsp(args) => lsp::run(shell, globals, args),
        Command::Schema(args) => schema::run(shell, args),
        Command::Completions(args) => completions::run(shell, args),
        Command::Man(args) => man::run(shell, args),
    }
}
