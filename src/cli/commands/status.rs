use clap_complete::engine::ArgValueCandidates;
use serde::Serialize;

use crate::cli::completion;
use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::cli::{Globals, Result};
use crate::diagnostic::closest;
use crate::domain::CampaignId;
use crate::ledger::Ledger;
use crate::render;
use crate::render::status::{CampaignStatus, Heading};

/// Show what the ledger knows, for each campaign revision
///
/// Counts targets that the vendor accepted, rejected, or of which nobody knows, and says when a campaign fires next. With
/// a name: its words, its tasks at the vendor with their ids, its runs, and what is in doubt. What is still to be sent is
/// `plan`'s to say: it compares with the files.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  campaignctl -e production status payday-2026-12")]
pub(in crate::cli) struct Args {
    /// Only this campaign, in detail
    #[arg(value_name = "CAMPAIGN", add = ArgValueCandidates::new(completion::sent_campaigns))]
    campaign: Option<CampaignId>,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Answer {
    project: String,
    environment: String,
    lineage: String,
    serial: u64,
    campaigns: Vec<CampaignStatus>,
}

pub(super) fn run(shell: &Shell, globals: &Globals, args: &Args) -> Result {
    let session = Session::new(shell, globals);
    let scope = session.scope()?;
    let ledger = session.view_ledger(&scope, "status")?.ledger;
    if let Some(campaign) = &args.campaign {
        prove_known(&ledger, campaign)?;
    }
    let is_wanted = |id: &CampaignId| args.campaign.as_ref().is_none_or(|wanted| wanted == id);
    let campaigns: Vec<CampaignStatus> = ledger
        .histories()
        .filter(|(id, ..)| is_wanted(id))
        .map(|edition| CampaignStatus::of(edition, &ledger, shell.now()))
        .collect();
    if args.json {
        let header = ledger.header();
        shell.answer(&render::json::pretty(&Answer {
            project: header.project.to_string(),
            environment: header.environment.to_string(),
            lineage: header.lineage.to_string(),
            serial: ledger.serial().0,
            campaigns,
        }))?;
        return Ok(ExitStatus::Done);
    }
    let directory = scope.environment.ledger.to_string_lossy();
    let about = Heading {
        environment: scope.environment.name.as_str(),
        zone: scope.time_zone,
        ledger: &directory,
        serial: ledger.serial().0,
    };
    shell.answer(&match args.campaign {
        Some(_) => render::status::campaign_details(&campaigns, about),
        None => render::status::campaigns(&campaigns, about, shell.width()),
    })?;
    Ok(ExitStatus::Done)
}

/// Refuses a campaign of which the ledger has no revision.
pub(super) fn prove_known(ledger: &Ledger, campaign: &CampaignId) -> Result<()> {
    if ledger.histories().any(|(known, ..)| known == campaign) {
        return Ok(());
    }
    let failure = Failure::new(ExitStatus::Written, format!("the ledger has no campaign `{campaign}`"));
    let known = ledger.histories().map(|(known, ..)| known.as_str());
    Err(match closest(campaign.as_str(), known) {
        Some(meant) => failure.help(format!("did you mean `{meant}`? All of them: `campaignctl status`")),
        None => failure.help("see all of them: `campaignctl status`"),
    })
}
