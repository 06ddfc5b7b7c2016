use crate::cli::exit::ExitStatus;
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::cli::{Globals, Result};
use crate::render::text;
use crate::witness::Pins;

/// Replace the ledger's records by what they add up to
///
/// Keeps who was sent to, what is in doubt, every run and every task of the vendor's; drops the trail of batches that are
/// settled: their request ids, nonces and times. Print that with `ledger export` first, if anybody may ask for it.
/// `apply` does this by itself once a ledger has gathered more than 50,000 records since.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  campaignctl -e production ledger pack")]
pub(super) struct Args {}

pub(super) fn run(shell: &Shell, globals: &Globals, _: &Args) -> Result {
    let session = Session::new(shell, globals);
    let scope = session.scope()?;
    let pins = Pins::read(session.directory())?;
    let pinned = pins.lineage(&scope.environment.name);
    let Some(open) = session.find_ledger(&scope, "ledger pack", pinned)? else {
        return Err(session.missing(&scope)?);
    };
    let before = open.records;
    let packed = session.pack_ledger(&scope, open, pinned)?;
    shell.answer_in_words(&format!(
        "Packed {} into {}.\n",
        text::count(before, "record"),
        text::number(packed.packed_records)
    ))?;
    Ok(ExitStatus::Done)
}
