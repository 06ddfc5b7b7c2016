use std::collections::BTreeSet;

use clap_complete::engine::ArgValueCandidates;
use serde::Serialize;

use crate::cli::completion;
use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::cli::{Globals, Result};
use crate::diagnostic::closest;
use crate::diff;
use crate::domain::CampaignId;
use crate::ledger::Ledger;
use crate::render;
use crate::render::status::CampaignStatus;
use crate::render::status_page::{self, Heading};
use crate::resolve::Desired;
use crate::state::OpenLedger;

/// Show where each campaign stands: its state, its people, when it fires
///
/// Reads the files and the ledger, and an audience only where nothing else tells whether a campaign is blocked or held; `plan`
/// shows who joined or left since. With a name: its text, its tasks at the vendor with their ids, its runs, and what is in doubt.
/// If the files have mistakes, it shows what the ledger alone knows.
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
    /// What the ledger has.
    campaigns: Vec<CampaignStatus>,
    /// What only the files have.
    not_sent: Vec<CampaignStatus>,
}

pub(super) fn run(shell: &Shell, globals: &Globals, args: &Args) -> Result {
    let session = Session::new(shell, globals);
    let scope = session.scope()?;
    // The store is kept open: targets of a packed ledger are read from it.
    let OpenLedger { ledger, store: _store, .. } = session.view_ledger(&scope, "status")?;
    let desired = session.desired_if_sound();
    if desired.is_none() {
        shell.say(
            "The files have mistakes: this is what the ledger alone knows. See them with `campaignctl validate`.\n",
        );
    }
    let is_wanted = |id: &CampaignId| args.campaign.as_ref().is_none_or(|wanted| wanted == id);
    let states = diff::states(desired.as_ref(), &ledger, shell.now());
    let wanted = states.iter().filter(|state| is_wanted(state.campaign));
    let mut campaigns: Vec<CampaignStatus> =
        wanted.map(|state| CampaignStatus::of(state, &ledger, shell.now())).collect();
    let open: BTreeSet<CampaignId> =
        states.iter().filter(|state| state.needs_audience).map(|state| state.campaign.clone()).collect();
    if let Some(desired) = desired.as_ref().filter(|_| !open.is_empty()) {
        take_plan(&session, desired, (&ledger, &open), &mut campaigns)?;
    }
    if campaigns.is_empty()
        && let Some(campaign) = &args.campaign
    {
        prove_known(&ledger, campaign)?;
    }
    if args.json {
        let header = ledger.header();
        let (campaigns, not_sent) = campaigns.into_iter().partition(CampaignStatus::is_on_record);
        shell.answer(&render::json::pretty(&Answer {
            project: header.project.to_string(),
            environment: header.environment.to_string(),
            lineage: header.lineage.to_string(),
            serial: ledger.serial().0,
            campaigns,
            not_sent,
        }))?;
        return Ok(ExitStatus::Done);
    }
    let place = scope.environment.ledger.to_string();
    let about = Heading {
        environment: scope.environment.name.as_str(),
        zone: scope.time_zone,
        ledger: &place,
        serial: ledger.serial().0,
    };
    shell.answer(&match args.campaign {
        Some(_) => status_page::campaign_details(&campaigns, about, shell.width()),
        None => status_page::campaigns(&campaigns, about, shell.caller(), shell.width()),
    })?;
    Ok(ExitStatus::Done)
}

/// Says of the campaigns of which only an audience tells whether they are pushed what the plan says.
fn take_plan(
    session: &Session<'_>,
    desired: &Desired,
    (ledger, open): (&Ledger, &BTreeSet<CampaignId>),
    campaigns: &mut [CampaignStatus],
) -> Result<()> {
    let mut asked = desired.clone();
    asked.leave_out(|id| !open.contains(id));
    let plan = session.plan_unsaid(&asked, ledger)?;
    let changes = plan.as_ref().map(|plan| plan.document.by_campaign());
    for status in campaigns {
        let (campaign, revision) = status.name_and_revision();
        let is_open = open.iter().any(|id| id.as_str() == campaign);
        match &changes {
            None if is_open => status.is_unread(),
            None => {}
            Some(changes) => {
                if let Some(change) = changes.get(campaign).filter(|change| change.revision == revision) {
                    status.take_plan(change);
                }
            }
        }
    }
    Ok(())
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
