mod mark;
mod resolve;

use crate::cli::exit::ExitStatus;
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::cli::{Globals, Result};
use crate::domain::CampaignId;
use crate::ledger::{Doubt, Ledger};
use crate::render;
use crate::render::doubt::OpenDoubt;

/// List what is in doubt, ask the vendor about it, or record what a person found out
///
/// A batch is in doubt when its request may have reached the vendor and no answer says what became of it.
/// Its targets are not sent to again by themselves. First let the vendor say what it can: `doubt resolve`. For
/// the rest, look in the mPaaS console by message key (docs/doubt.md says how to compute one), then say what you
/// found with `doubt mark`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  campaignctl -e production doubt list\n  campaignctl -e production doubt resolve"
)]
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
    Resolve(resolve::Args),
    Mark(mark::Args),
}

pub(super) fn run(shell: &Shell, globals: &Globals, args: &Args) -> Result {
    match &args.action {
        Action::List { campaign, json } => list(shell, globals, campaign.as_ref(), *json),
        Action::Resolve(args) => resolve::run(shell, globals, args),
        Action::Mark(args) => mark::run(shell, globals, args),
    }
}

fn list(shell: &Shell, globals: &Globals, campaign: Option<&CampaignId>, json: bool) -> Result {
    let session = Session::new(shell, globals);
    let scope = session.scope()?;
    let ledger = session.view_ledger(&scope, "doubt list")?.ledger;
    prove_known(&ledger, campaign)?;
    let doubts: Vec<OpenDoubt> =
        wanted(&ledger, campaign).into_iter().map(|doubt| OpenDoubt::of(doubt, &ledger)).collect();
    shell.answer(&if json {
        render::json::pretty(&doubts)
    } else {
        render::doubt::doubts(&doubts, scope.time_zone, shell.caller())
    })?;
    Ok(ExitStatus::Done)
}

/// Refuses a campaign of which the ledger knows nothing: a misspelled one would seem to be settled.
fn prove_known(ledger: &Ledger, campaign: Option<&CampaignId>) -> Result<()> {
    campaign.map_or(Ok(()), |campaign| super::status::prove_known(ledger, campaign))
}

/// Returns the batches in doubt, of one campaign or of all.
fn wanted<'a>(ledger: &'a Ledger, campaign: Option<&CampaignId>) -> Vec<&'a Doubt> {
    let doubts = ledger.doubts().into_iter();
    doubts.filter(|doubt| campaign.is_none_or(|wanted| *wanted == doubt.intent.campaign)).collect()
}
