use serde::Serialize;

use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::cli::{Globals, Result};
use crate::render;
use crate::state::{PIN_FILE_NAME, Pins};

/// Make an environment's ledger, check it, or write it out
///
/// The ledger remembers every push that was submitted. Keep its directory between runs: without it nobody
/// knows what was sent, and `plan` and `apply` refuse.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Make the environment's ledger, and pin it in `campaignctl.lock`
    ///
    /// Once for each environment, ever: commit `campaignctl.lock` afterwards. A ledger that is there already
    /// is kept, and pinned.
    #[command(
        after_help = "Example:\n  campaignctl -e production ledger init && git add campaigns/campaignctl.lock"
    )]
    Init,
    /// Prove that every record of the ledger is there and unchanged
    #[command(after_help = "Example:\n  campaignctl -e production ledger verify")]
    Verify {
        /// Print it as JSON
        #[arg(long)]
        json: bool,
    },
    /// Print every record, as JSON Lines
    #[command(after_help = "Example:\n  campaignctl -e production ledger export > ledger.jsonl")]
    Export,
}

pub(super) fn run(shell: &Shell, globals: &Globals, args: &Args) -> Result {
    match args.action {
        Action::Init => init(shell, globals),
        Action::Verify { json } => verify(shell, globals, json),
        Action::Export => export(shell, globals),
    }
}

fn init(shell: &Shell, globals: &Globals) -> Result {
    let session = Session::new(shell, globals);
    let desired = session.desired(None)?;
    let environment = &desired.environment;
    let mut pins = Pins::read(session.directory())?;
    if let Some(lineage) = pins.lineage(&environment.name) {
        let message = format!("`{PIN_FILE_NAME}` pins ledger {lineage} for `{}` already", environment.name);
        return Err(Failure::new(ExitStatus::Ledger, message).help(format!(
            "restore that ledger to `{}`. Only if nothing that it knows of matters any more, remove its line from \
             `{PIN_FILE_NAME}` first, in a reviewed change: a new ledger takes every campaign for new",
            environment.ledger.display()
        )));
    }
    // One that was made by a run before, as a sandbox's is, knows what was sent: it is kept.
    let (open, done) = match session.find_ledger(&desired, "ledger init", None)? {
        Some(open) => (open, "Found"),
        None => (session.create_ledger(&desired, "ledger init")?, "Made"),
    };
    let lineage = open.ledger.header().lineage.clone();
    pins.pin(session.directory(), &environment.name, lineage.clone())?;
    shell.answer(&format!(
        "{done} ledger {lineage} for `{}` in `{}`.\nCommit `{}`: it is how a later run knows a lost ledger from a new one.\n",
        environment.name,
        environment.ledger.display(),
        session.directory().join(PIN_FILE_NAME).display(),
    ))?;
    Ok(ExitStatus::Done)
}

#[derive(Serialize)]
struct Verified {
    lineage: String,
    records: u64,
    chain: String,
    project: String,
    environment: String,
    app_id: String,
    workspace_id: String,
}

fn verify(shell: &Shell, globals: &Globals, json: bool) -> Result {
    let session = Session::new(shell, globals);
    let desired = session.desired(None)?;
    // Opening it is the proof: chain, length, owner and the sense of every record.
    let open = session.open_ledger(&desired, "ledger verify")?;
    let header = open.ledger.header();
    let verified = Verified {
        lineage: header.lineage.to_string(),
        records: open.ledger.serial().0,
        chain: open.writer.chain().to_string(),
        project: header.project.to_string(),
        environment: header.environment.to_string(),
        app_id: header.app_id.clone(),
        workspace_id: header.workspace_id.clone(),
    };
    let text = if json {
        render::json::pretty(&verified)
    } else {
        let count = render::text::count(verified.records, "record");
        format!("Ledger {} is whole: {count}, chain {}.\n", verified.lineage, verified.chain)
    };
    shell.answer(&text)?;
    Ok(ExitStatus::Done)
}

fn export(shell: &Shell, globals: &Globals) -> Result {
    let session = Session::new(shell, globals);
    let desired = session.desired(None)?;
    let open = session.open_ledger(&desired, "ledger export")?;
    for line in open.backend.lines() {
        shell.answer(&format!("{}\n", String::from_utf8_lossy(&line?)))?;
    }
    Ok(ExitStatus::Done)
}
