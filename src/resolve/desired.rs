//! What should exist, in one environment.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono_tz::Tz;

use crate::check::{Checked, Declared, OwnContent};
use crate::diagnostic::{Place, Source, closest};
use crate::domain::{Campaign, CampaignId, Classification, Environment, EnvironmentName, ProjectName};
use crate::resolve::Audience;

/// Everything that should exist in one environment.
#[derive(Clone, Debug)]
pub struct Desired {
    /// The files that say so, as they were read.
    pub sources: Vec<Arc<Source>>,
    /// The project's name.
    pub project: ProjectName,
    /// The zone that times are shown in.
    pub time_zone: Tz,
    /// Where the campaigns go.
    pub environment: Environment,
    /// The campaigns, sorted by name; may be empty.
    pub campaigns: Vec<DesiredCampaign>,
    /// The audiences that campaigns use, by name.
    pub audiences: BTreeMap<String, Arc<Audience>>,
}

/// One campaign with everything filled in.
#[derive(Clone, Debug)]
pub struct DesiredCampaign {
    /// What it says, when, and to which kind of targets.
    pub campaign: Campaign,
    /// The audience's name.
    pub audience_name: String,
    /// Who gets it; the same value as in [`Desired::audiences`].
    pub audience: Arc<Audience>,
    /// The campaign's key.
    pub declared_at: Place,
    /// Where its strategy says when: `at`, `from`, or `send` for an immediate push.
    pub schedule_at: Place,
    /// Where a repeating strategy says its last day.
    pub until_at: Option<Place>,
}

/// Why nothing can be desired.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// The project file has mistakes, or there is none.
    #[error("the project file has mistakes, so no environment is known")]
    NoProject,
    /// The project file has no such environment.
    #[error("no environment named `{name}`")]
    UnknownEnvironment {
        /// The name that was asked for.
        name: EnvironmentName,
        /// The names that there are; may be empty.
        known: Vec<EnvironmentName>,
    },
}

impl ResolveError {
    /// Says what to do about it.
    #[must_use]
    pub fn help(&self) -> String {
        let Self::UnknownEnvironment { name, known } = self else {
            return "run `campaignctl validate` and mend what it shows".to_owned();
        };
        let names: Vec<&str> = known.iter().map(EnvironmentName::as_str).collect();
        match closest(name.as_str(), names.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None if names.is_empty() => "declare it under `environments:` in the project file".to_owned(),
            None => format!("the project file has `{}`", names.join("`, `")),
        }
    }
}

/// Fills in every campaign of `checked` for one environment.
///
/// Leaves out a campaign that refers to something unsound. `check` has reported that as an error, and its
/// caller goes no further then.
///
/// # Errors
///
/// Returns [`ResolveError`] without a sound project file, and for an environment that it does not have.
pub fn desired(checked: &Checked, environment: &EnvironmentName) -> Result<Desired, ResolveError> {
    let project = checked.project.as_ref().ok_or(ResolveError::NoProject)?;
    let chosen = project.environments.get(environment).ok_or_else(|| ResolveError::UnknownEnvironment {
        name: environment.clone(),
        known: project.environments.keys().cloned().collect(),
    })?;
    let mut audiences = BTreeMap::new();
    let campaigns = checked
        .campaigns
        .iter()
        .filter_map(|(id, declared)| fill_in(checked, id, declared, &mut audiences))
        .collect();
    Ok(Desired {
        sources: checked.sources.clone(),
        project: project.name.clone(),
        time_zone: project.time_zone,
        environment: chosen.clone(),
        campaigns,
        audiences,
    })
}

fn fill_in(
    checked: &Checked,
    id: &CampaignId,
    declared: &Declared<OwnContent>,
    audiences: &mut BTreeMap<String, Arc<Audience>>,
) -> Option<DesiredCampaign> {
    let own = &declared.value;
    let template = checked.templates.get(&own.template)?;
    let strategy = checked.strategies.get(&own.strategy)?;
    let source = checked.audiences.get(&own.audience)?;
    let classification = match &own.classification {
        Some(name) => checked.classifications.get(name)?.value.clone(),
        None => Classification::default(),
    };
    let audience = audiences.entry(own.audience.clone()).or_insert_with(|| {
        Arc::new(Audience {
            name: own.audience.clone(),
            declared_at: source.declared_at.clone(),
            source: source.value.clone(),
        })
    });
    let campaign = Campaign {
        id: id.clone(),
        revision: own.revision,
        template: template.value.clone(),
        values: own.values.clone(),
        recipients: audience.recipients(),
        classification,
        schedule: strategy.value.schedule.clone(),
        expires_after: own.expires_after,
        task_name: own.task_name.clone(),
        extended_params: own.extended_params.clone(),
        channel: own.channel,
        transparent: own.transparent.clone(),
        sms: own.sms.clone(),
        live_activity: own.live_activity.clone(),
    };
    Some(DesiredCampaign {
        campaign,
        audience_name: own.audience.clone(),
        audience: Arc::clone(audience),
        declared_at: declared.declared_at.clone(),
        schedule_at: strategy.value.schedule_at.clone(),
        until_at: strategy.value.until_at.clone(),
    })
}
