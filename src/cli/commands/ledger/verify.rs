use serde::Serialize;

use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::cli::{Globals, Result};
use crate::ledger;
use crate::render::{self, text};
use crate::resolve::Scope;
use crate::state::SeenLedger;

/// Prove that every record of the ledger is there and unchanged
///
/// Checks the chain of records and their order, that it is the pinned ledger of this environment, that no record is missing at its
/// end, and that its counts add up. Names each damaged record.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  campaignctl -e production ledger verify")]
pub(super) struct Args {
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Verified {
    lineage: String,
    records: u64,
    serial: u64,
    chain: String,
    project: String,
    environment: String,
    app_id: String,
    workspace_id: String,
    campaigns: u64,
    accepted: u64,
    rejected: u64,
    in_doubt: u64,
}

pub(super) fn run(shell: &Shell, globals: &Globals, args: &Args) -> Result {
    let session = Session::new(shell, globals);
    let scope = session.scope()?;
    name_damage(&session, &scope)?;
    // Opening it is the rest of the proof: length, owner, lineage and the sense of every record.
    let open = session.view_ledger(&scope, "ledger verify")?;
    let verified = Verified::of(&open)?;
    if args.json {
        shell.answer(&render::json::pretty(&verified))?;
    } else {
        shell.answer_in_words(&verified.in_words())?;
    }
    Ok(ExitStatus::Done)
}

/// Looks for damaged records; the first error of opening would name one only.
fn name_damage(session: &Session<'_>, scope: &Scope) -> Result<()> {
    let store = session.lines_of_ledger(scope, "ledger verify")?;
    let lines = store.lines().map(|line| line.map_err(Failure::from));
    let survey = ledger::survey(lines, store.stored_blocks().as_ref(), |_, _| Ok(()))?;
    if survey.faults.is_empty() {
        return Ok(());
    }
    let whole = text::count(survey.whole, "record");
    let message = format!("the ledger is damaged; {whole} beside this are whole:");
    Err(Failure::new(ExitStatus::Ledger, message)
        .items(survey.faults.iter().map(ToString::to_string).collect())
        .help("restore it from the latest `ledger export`: `campaignctl ledger restore FILE`"))
}

impl Verified {
    fn of(open: &SeenLedger) -> Result<Self> {
        let ledger = &open.ledger;
        let header = ledger.header();
        let mut verified = Self {
            lineage: header.lineage.to_string(),
            records: open.records,
            serial: ledger.serial().0,
            chain: open.writer.chain().to_string(),
            project: header.project.to_string(),
            environment: header.environment.to_string(),
            app_id: header.app_id.clone(),
            workspace_id: header.workspace_id.clone(),
            campaigns: 0,
            accepted: 0,
            rejected: 0,
            in_doubt: 0,
        };
        for (campaign, revision, history) in ledger.histories() {
            let mut sent_twice = history.accepted_again;
            let mut last = None;
            for target in history.sent() {
                let target = target?;
                sent_twice += u64::from(last.replace(target) == Some(target));
            }
            if sent_twice > 0 {
                let message = format!(
                    "the ledger says of a target of `{campaign}@{revision}` that it was sent to twice"
                );
                return Err(Failure::new(ExitStatus::Ledger, message));
            }
            verified.campaigns += 1;
            verified.accepted += history.accepted.len();
            verified.rejected += history.rejected.len() as u64;
            verified.in_doubt += history.unknown.len() as u64;
        }
        Ok(verified)
    }

    fn in_words(&self) -> String {
        format!(
            "Ledger {} is whole: {} up to number {}, chain {}.\n{}: {} accepted, {} rejected, {} in doubt.\n",
            self.lineage,
            text::count(self.records, "record"),
            self.serial,
            self.chain,
            text::count(self.campaigns, "campaign revision"),
            text::number(self.accepted),
            text::number(self.rejected),
            text::number(self.in_doubt),
        )
    }
}
