//! `explain CAMPAIGN`: gathers what a campaign resolves to.

use crate::cli::Result;
use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::diagnostic::closest;
use crate::domain::{Addressee, LedgerSalt};
use crate::load;
use crate::mpaas::Push;
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
    let (workspace, _) = load::within(session.boundary(), &session.shown_as(), schema::shapes());
    let origins = resolve::origins(&workspace, &found.campaign.id, &desired.environment.name);
    let (contents, mistakes) = found.audience.read(&LedgerSalt::new([0; 16]));
    session.report(&mistakes)?;
    let campaign = &found.campaign;
    let call = campaign.call(contents.targets.len());
    let requests = contents.targets.len().div_ceil(call.targets_max()) as u64;
    let first = first_targets(found, call.targets_max())?;
    let (project, environment) = (&desired.project, &desired.environment);
    let request = Push { project, environment, campaign, call }.first_request(&first, requests);
    let mut values = campaign.values.clone();
    if let Some(first) = first.first() {
        values.extend(campaign.values_from.keys().cloned().zip(first.values.iter().cloned()));
    }
    let facts = Facts {
        campaign,
        life: &found.life,
        values: &values,
        declared_at: &found.declared_at,
        audience: &found.audience.name,
        targets: contents.targets.len() as u64,
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
        let failure = Failure::new(ExitStatus::Written, format!("unknown diagnostic or campaign `{name}`"));
        match closest(name, desired.campaigns.iter().map(|campaign| campaign.campaign.id.as_str())) {
            Some(meant) => failure.help(format!("did you mean `{meant}`?")),
            None => failure.help(
                "see the diagnostics with `campaignctl explain`, the campaigns with `campaignctl plan`",
            ),
        }
    })
}

/// Returns the targets of the first batch: the first of the audience, each once.
fn first_targets(found: &DesiredCampaign, targets_max: usize) -> Result<Vec<Addressee>> {
    let mut first: Vec<Addressee> = Vec::with_capacity(targets_max);
    let mut rows = found.rows(None).map_err(|mistake| said(&mistake.message))?;
    while first.len() < targets_max
        && let Some(row) = rows.next_row()
    {
        let addressee = Addressee::of(&row.map_err(|mistake| said(&mistake.message))?);
        if !first.iter().any(|known| known.id == addressee.id) {
            first.push(addressee);
        }
    }
    Ok(first)
}

fn said(message: &str) -> Failure {
    Failure::new(ExitStatus::Written, message)
}
