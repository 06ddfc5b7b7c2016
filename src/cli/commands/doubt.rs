use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::cli::{Globals, Result};
use crate::domain::CampaignId;
use crate::ledger::{Record, Serial, Verdict};
use crate::render;
use crate::render::history::OpenDoubt;
use crate::state::OpenLedger;

/// List what is in doubt, or record what a person found out about it
///
/// A batch is in doubt when its request may have reached the vendor and no answer says what became of it.
/// Its targets are not sent to again by themselves. Look in the mPaaS console, for a broadcast or a scheduled
/// push by its task name or time, for others by message key (the README says how to compute one), then say what
/// you found with `doubt mark`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// List the batches in doubt
    #[command(after_help = "Example:\n  campaignctl -e production doubt list")]
    List {
        /// Only this campaign's
        #[arg(value_name = "CAMPAIGN")]
        campaign: Option<CampaignId>,
        /// Print them as JSON
        #[arg(long)]
        json: bool,
    },
    /// Record a person's verdict on batches in doubt
    ///
    /// `accepted`: their targets got the push, and are done. `rejected`: they certainly did not, and the
    /// next `apply` sends to them.
    #[command(
        after_help = "Example:\n  campaignctl -e production doubt mark rejected 41 42 --reason 'not in the console, asked support'"
    )]
    Mark {
        /// What became of them
        #[arg(value_enum)]
        verdict: VerdictArg,
        /// The batches, by the record numbers that `doubt list` shows
        #[arg(value_name = "RECORD", required = true)]
        records: Vec<u64>,
        /// How you know; kept in the ledger
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum VerdictArg {
    Accepted,
    Rejected,
}

pub(in crate::cli) fn run(shell: &Shell, globals: &Globals, args: &Args) -> Result {
    let session = Session::new(shell, globals);
    let desired = session.desired(None)?;
    match &args.action {
        Action::List { campaign, json } => {
            let open = session.open_ledger(&desired, "doubt list")?;
            let histories = open.ledger.histories();
            let doubts: Vec<OpenDoubt> = histories
                .filter(|(id, ..)| campaign.as_ref().is_none_or(|wanted| wanted == *id))
                .flat_map(|(_, _, history)| history.doubts.iter().map(OpenDoubt::of))
                .collect();
            shell.answer(&if *json {
                render::json::pretty(&doubts)
            } else {
                render::history::doubts(&doubts, desired.time_zone, shell.width())
            })?;
        }
        Action::Mark { verdict, records, reason } => {
            let open = session.open_ledger(&desired, "doubt mark")?;
            mark(shell, open, *verdict, records, reason)?;
        }
    }
    Ok(ExitStatus::Done)
}

fn mark(shell: &Shell, open: OpenLedger, verdict: VerdictArg, records: &[u64], reason: &str) -> Result<()> {
    if reason.trim().is_empty() {
        return Err(Failure::new(ExitStatus::Written, "a verdict needs a reason")
            .help("nothing was recorded. Say how you know, in `--reason`"));
    }
    let OpenLedger { ledger, mut backend, mut writer } = open;
    let mut lines = Vec::new();
    let mut targets = 0;
    for record in std::collections::BTreeSet::from_iter(records) {
        let mut doubts = ledger.histories().flat_map(|(_, _, history)| &history.doubts);
        let Some(doubt) = doubts.find(|doubt| doubt.serial.0 == *record) else {
            return Err(Failure::new(ExitStatus::Written, format!("record {record} is no batch in doubt"))
                .help("nothing was recorded. See them: `campaignctl doubt list`"));
        };
        targets += doubt.intent.targets.len() as u64;
        let record = Record::Verdict {
            intent: Serial(*record),
            verdict: match verdict {
                VerdictArg::Accepted => Verdict::Accepted,
                VerdictArg::Rejected => Verdict::Rejected,
            },
            reason: reason.to_owned(),
            actor: shell.actor(),
        };
        lines.push(writer.encode(shell.now(), record));
    }
    backend.append(lines, writer.chain())?;
    let targets = render::text::count(targets, "target");
    shell.answer(&match verdict {
        VerdictArg::Accepted => format!("Recorded: {targets} got the push.\n"),
        VerdictArg::Rejected => {
            format!("Recorded: {targets} did not get the push; the next `apply` sends to them.\n")
        }
    })
}
