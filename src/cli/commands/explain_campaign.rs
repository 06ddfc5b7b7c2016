//! `explain CAMPAIGN`: gathers what a campaign comes to.

use crate::apply;
use crate::cli::Result;
use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::diagnostic::closest;
use crate::domain::{BATCH_TARGETS_MAX, LedgerSalt, Recipients, TargetId};
use crate::load;
use crate::render;
use crate::render::explain::{Explanation, Facts};
use crate::resolve::{self, Desired, DesiredCampaign};
use crate::schema;

/// Explains the campaign of this name in the environment that `-e` names.
pub(super) fn run(session: &Session<'_>, name: &str, json: bool) -> Result {
    let shell = session.shell;
    let desired = session.desired(None)?;
    let found = find(&desired, name)?;
    // Only for the places: what is wrong with the files was said.
    let (workspace, _) = load::workspace(session.directory(), &session.shown_as(), schema::shapes());
    let origins = resolve::origins(&workspace, &found.campaign.id, &desired.environment.name);
    let (contents, mistakes) = found.audience.read(&LedgerSalt::new([0; 16]));
    session.report(&mistakes)?;
    let targets = contents.targets.len() as u64;
    let requests = match found.campaign.recipients {
        Recipients::Targets(_) => targets.div_ceil(BATCH_TARGETS_MAX as u64),
        Recipients::Broadcast(_) => 1,
    };
    let request = apply::first_request(
        &desired.project,
        &desired.environment,
        &found.campaign,
        &first_targets(found)?,
        requests,
    );
    let facts = Facts {
        campaign: &found.campaign,
        declared_at: &found.declared_at,
        audience: &found.audience_name,
        targets,
        repeats: contents.repeats,
        requests,
        environment: desired.environment.name.as_str(),
        action: request.action.as_str(),
        parameters: &request.parameters,
        origins: &origins,
    };
    let explanation = Explanation::of(facts, shell.now());
    shell.answer(&if json {
        render::json::pretty(&explanation)
    } else {
        render::explain::explanation(&explanation, desired.time_zone, shell.width())
    })?;
    Ok(ExitStatus::Done)
}

fn find<'a>(desired: &'a Desired, name: &str) -> Result<&'a DesiredCampaign> {
    let found = desired.campaigns.iter().find(|campaign| campaign.campaign.id.as_str() == name);
    found.ok_or_else(|| {
        let failure = Failure::new(ExitStatus::Written, format!("`{name}` is no diagnostic and no campaign"));
        match closest(name, desired.campaigns.iter().map(|campaign| campaign.campaign.id.as_str())) {
            Some(meant) => failure.help(format!("did you mean `{meant}`?")),
            None => failure.help(
                "see the diagnostics with `campaignctl explain`, the campaigns with `campaignctl plan`",
            ),
        }
    })
}

/// Returns the targets of the first batch: the first ten of the audience, each once.
fn first_targets(found: &DesiredCampaign) -> Result<Vec<TargetId>> {
    let mut first: Vec<TargetId> = Vec::with_capacity(BATCH_TARGETS_MAX);
    let ids = found.audience.targets().map_err(|mistake| said(&mistake.message))?;
    for id in ids {
        let id = id.map_err(|mistake| said(&mistake.message))?;
        if !first.contains(&id) {
            first.push(id);
        }
        if first.len() == BATCH_TARGETS_MAX {
            break;
        }
    }
    Ok(first)
}

fn said(message: &str) -> Failure {
    Failure::new(ExitStatus::Written, message)
}
