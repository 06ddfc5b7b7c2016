use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::cli::{Globals, Result};
use crate::ledger;
use crate::render::escape;

/// Print every record, as JSON Lines
///
/// A packed ledger's targets are included, so this is also the backup that `ledger restore` takes. Of a damaged ledger, prints what
/// is whole, and exits 12.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  campaignctl -e production ledger export > ledger.jsonl")]
pub(super) struct Args {}

pub(super) fn run(shell: &Shell, globals: &Globals, _: &Args) -> Result {
    let session = Session::new(shell, globals);
    let scope = session.scope()?;
    let store = session.lines_of_ledger(&scope, "ledger export")?;
    let lines = store.lines().map(|line| line.map_err(Failure::from));
    let survey = ledger::survey(lines, store.blocks().as_ref(), |line, blocks| {
        let line = ledger::with_blocks(line, blocks);
        shell.answer_bytes(&format!("{}\n", escape::json(&String::from_utf8_lossy(&line))))
    })?;
    if survey.faults.is_empty() {
        return Ok(ExitStatus::Done);
    }
    let faults = survey.faults.iter().map(ToString::to_string).collect();
    Err(Failure::new(ExitStatus::Ledger, "the ledger is damaged; only what is whole was printed:")
        .items(faults))
}
