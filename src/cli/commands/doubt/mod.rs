mod mark;
mod resolve;
mod show;

use chrono_tz::Tz;
use clap_complete::engine::ArgValueCandidates;

use crate::cli::completion;
use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::cli::{Globals, Result};
use crate::domain::CampaignId;
use crate::ledger::{Decided, Decision, Doubt, Judge, Ledger, Serial, Verdict};
use crate::plan::time;
use crate::render;
use crate::render::doubt::OpenDoubt;

/// List what is in doubt, ask the vendor about it, or record what a person found out
///
/// A batch is in doubt when its request may have reached the vendor and no answer says what became of it.
/// Nothing is sent to its targets again by itself. First let the vendor say what it can: `doubt resolve`. For
/// the rest, `doubt show` lists targets and message keys to look up in the mPaaS console; then say what you
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
    /// List what is in doubt, by campaign and cause
    ///
    /// As JSON it is one entry for each batch.
    #[command(after_help = "Example:\n  campaignctl -e production doubt list")]
    List {
        /// Only this campaign's
        #[arg(value_name = "CAMPAIGN", add = ArgValueCandidates::new(completion::sent_campaigns))]
        campaign: Option<CampaignId>,
        /// Print them as JSON
        #[arg(long)]
        json: bool,
    },
    Show(show::Args),
    Resolve(resolve::Args),
    Mark(mark::Args),
}

pub(super) fn run(shell: &Shell, globals: &Globals, args: &Args) -> Result {
    match &args.action {
        Action::List { campaign, json } => list(shell, globals, campaign.as_ref(), *json),
        Action::Show(args) => show::run(shell, globals, args),
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
        render::doubt::doubts(&doubts, scope.time_zone, shell.caller(), shell.width())
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

/// Finds the one batch in doubt of a record number or task name; `nothing` says what was not done.
fn find<'a>(ledger: &'a Ledger, batch: &str, zone: Tz, nothing: &str) -> Result<&'a Doubt> {
    let number = batch.parse().ok().map(Serial);
    let is_named = |doubt: &&Doubt| Some(doubt.serial) == number || doubt.intent.task_name == batch;
    let mut found = ledger.doubts().into_iter().filter(is_named);
    match (found.next(), found.next()) {
        (Some(doubt), None) => Ok(doubt),
        (None, _) => Err(not_in_doubt(ledger, batch, zone, nothing)),
        (Some(_), Some(_)) => {
            Err(Failure::new(ExitStatus::Written, format!("`{batch}` is the task name of several batches"))
                .help(format!("{nothing}. Name them by number: `campaignctl doubt list`")))
        }
    }
}

/// Says why something is no batch in doubt: it was settled, or never was one.
fn not_in_doubt(ledger: &Ledger, batch: &str, zone: Tz, nothing: &str) -> Failure {
    let settled = ledger.verdict_on(batch);
    if let Some((settled, decision)) = settled
        && let Decided::Verdict { verdict, by, reason, .. } = &decision.what
    {
        let Decision { at, actor, campaign, revision, .. } = decision;
        let how = match by {
            Judge::Person => "was marked",
            Judge::Vendor => "was found by `doubt resolve` to be",
        };
        let word = match verdict {
            Verdict::Accepted => "sent",
            Verdict::Rejected => "not sent",
        };
        let message = format!(
            "batch {} of `{campaign}@{revision}` is no longer in doubt: it {how} {word} on {} by {actor}: {reason}",
            settled.intent,
            time(*at, zone),
        );
        return Failure::new(ExitStatus::Written, message)
            .help(format!("{nothing}. A verdict is final; see all of them: `campaignctl history`"));
    }
    Failure::new(ExitStatus::Written, format!("`{batch}` is no batch in doubt"))
        .help(format!("{nothing}. See them: `campaignctl doubt list`"))
}
