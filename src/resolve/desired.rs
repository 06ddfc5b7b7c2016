//! What should exist, in one environment.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::sync::Arc;

use chrono::TimeDelta;
use chrono_tz::Tz;

use crate::check::{AudienceSource, Checked, Declared, OwnContent, Strategy};
use crate::diagnostic::{Place, Source, closest};
use crate::domain::{
    Campaign, CampaignId, Classification, Environment, EnvironmentName, Life, ProjectName, Revision,
};
use crate::resolve::{Audience, Taker};

/// A project in one of its environments: all that the project file alone says.
#[derive(Clone, Debug)]
pub struct Scope {
    /// The project's name.
    pub project: ProjectName,
    /// The zone that times are shown in.
    pub time_zone: Tz,
    /// How long an approval of what is sent at once counts.
    pub review_valid: TimeDelta,
    /// Where campaigns go.
    pub environment: Environment,
}

/// Everything that should exist in one environment.
#[derive(Clone, Debug)]
pub struct Desired {
    /// Whose campaigns they are, and where they go.
    pub scope: Scope,
    /// The files that say so, as they were read.
    pub sources: Vec<Arc<Source>>,
    /// The campaigns, sorted by name; may be empty.
    pub campaigns: Vec<DesiredCampaign>,
    /// Which campaigns of the files these are.
    pub selection: Selection,
    /// The audiences that campaigns use, by name.
    pub audiences: BTreeMap<String, Arc<Audience>>,
}

/// Which campaigns of the files somebody wants to look at: all, if nothing was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Patterns of names, as they were given: only these. Empty: all.
    pub only: Vec<String>,
    /// Patterns of names, as they were given: not these.
    pub except: Vec<String>,
    /// The campaigns that are left out. The files have them, so what the ledger has of them is not forgotten.
    pub left_out: BTreeSet<CampaignId>,
}

impl Desired {
    /// Leaves campaigns out, and the audiences that nobody else uses: nothing is read, planned or said of them.
    pub fn leave_out(&mut self, is_left_out: impl Fn(&CampaignId) -> bool) {
        let all = std::mem::take(&mut self.campaigns).into_iter();
        let (left_out, kept): (Vec<_>, Vec<_>) = all.partition(|each| is_left_out(&each.campaign.id));
        self.selection.left_out.extend(left_out.into_iter().map(|each| each.campaign.id));
        let used: BTreeSet<&str> = kept.iter().map(|each| each.audience.name.as_str()).collect();
        self.audiences.retain(|name, _| used.contains(name.as_str()));
        self.campaigns = kept;
    }
}

impl Deref for Desired {
    type Target = Scope;

    fn deref(&self) -> &Scope {
        &self.scope
    }
}

/// One campaign with everything filled in.
#[derive(Clone, Debug)]
pub struct DesiredCampaign {
    /// What it says, when, and to which kind of targets.
    pub campaign: Campaign,
    /// The last revision whose tasks at the vendor were deleted, as the files say. No content: it says what a person did.
    pub withdrawn: Option<Revision>,
    /// From when on, and until when, it may be pushed.
    pub life: Life,
    /// To how many people it may go in all, where a review does not approve the very list. No content either.
    pub reviewed_up_to: Option<u64>,
    /// Who gets it; the same value as in [`Desired::audiences`].
    pub audience: Arc<Audience>,
    /// The campaign's key.
    pub declared_at: Place,
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

/// Returns the project in one environment, whatever its campaigns are.
///
/// # Errors
///
/// Returns [`ResolveError`] without a sound project file, and for an environment that it does not have.
pub fn scope(checked: &Checked, environment: &EnvironmentName) -> Result<Scope, ResolveError> {
    let project = checked.project.as_ref().ok_or(ResolveError::NoProject)?;
    let chosen = project.environments.get(environment).ok_or_else(|| ResolveError::UnknownEnvironment {
        name: environment.clone(),
        known: project.environments.keys().cloned().collect(),
    })?;
    Ok(Scope {
        project: project.name.clone(),
        time_zone: project.time_zone,
        review_valid: project.review_valid,
        environment: chosen.clone(),
    })
}

/// Returns the sound audiences that campaigns name, be a campaign itself sound or not, without what campaigns take from their
/// rows: so that mistakes in their files are found however much else is wrong. None without a sound project file, which says
/// how large they may be.
#[must_use]
pub fn named_audiences(checked: &Checked) -> BTreeMap<String, Arc<Audience>> {
    let Some(project) = &checked.project else { return BTreeMap::new() };
    let named = checked.named_audiences.iter();
    let declared = named.filter_map(|name| Some((name, checked.audiences.get(name)?.as_ref())));
    let audience = |(name, declared): (&String, &Declared<AudienceSource>)| {
        let mut source = declared.value.clone();
        if let AudienceSource::File { file, .. } = &mut source {
            file.limits = project.limits;
        }
        let declared_at = declared.declared_at.clone();
        (name.clone(), Arc::new(Audience { name: name.clone(), declared_at, source, takers: Vec::new() }))
    };
    declared.map(audience).collect()
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
    into_desired(checked.clone(), environment)
}

/// Does the same with values that nobody else needs: a large workspace is not copied.
///
/// # Errors
///
/// Returns [`ResolveError`] without a sound project file, and for an environment that it does not have.
pub fn into_desired(mut checked: Checked, environment: &EnvironmentName) -> Result<Desired, ResolveError> {
    let scope = scope(&checked, environment)?;
    let own = std::mem::take(&mut checked.campaigns);
    let columns = columns(&own);
    let limits = checked.project.as_ref().map(|project| project.limits).unwrap_or_default();
    for audience in checked.audiences.values_mut() {
        if let AudienceSource::File { file, .. } = &mut audience.value {
            file.limits = limits;
        }
    }
    let mut audiences = BTreeMap::new();
    let mut drafts = Vec::with_capacity(own.len());
    for (id, declared) in own {
        drafts.extend(fill_in(&mut checked, id, *declared, &columns, &mut audiences));
    }
    let campaigns = drafts.into_iter().map(|draft: Draft| draft.to(&audiences)).collect();
    Ok(Desired { scope, sources: checked.sources, campaigns, selection: Selection::default(), audiences })
}

/// Gathers, for each audience that campaigns take values from, the columns: each once, in a fixed order.
fn columns(campaigns: &BTreeMap<CampaignId, Box<Declared<OwnContent>>>) -> BTreeMap<String, Vec<String>> {
    let mut columns: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let owns = campaigns.values().map(|declared| &declared.value);
    for own in owns.filter(|own| !own.values_from.is_empty()) {
        let taken = own.values_from.values().map(|column| column.name.as_str());
        columns.entry(&own.audience).or_default().extend(taken);
    }
    let owned = |names: BTreeSet<&str>| names.into_iter().map(str::to_owned).collect();
    columns.into_iter().map(|(audience, names)| (audience.to_owned(), owned(names))).collect()
}

/// A campaign that waits until every campaign of its audience is known.
struct Draft {
    campaign: Campaign,
    withdrawn: Option<Revision>,
    life: Life,
    reviewed_up_to: Option<u64>,
    audience: String,
    declared_at: Place,
}

impl Draft {
    fn to(self, audiences: &BTreeMap<String, Arc<Audience>>) -> DesiredCampaign {
        DesiredCampaign {
            campaign: self.campaign,
            withdrawn: self.withdrawn,
            life: self.life,
            reviewed_up_to: self.reviewed_up_to,
            audience: Arc::clone(&audiences[&self.audience]),
            declared_at: self.declared_at,
        }
    }
}

fn fill_in(
    checked: &mut Checked,
    id: CampaignId,
    declared: Declared<OwnContent>,
    columns: &BTreeMap<String, Vec<String>>,
    audiences: &mut BTreeMap<String, Arc<Audience>>,
) -> Option<Draft> {
    let Declared { value: own, declared_at } = declared;
    let template = checked.templates.get(&own.template)?;
    let strategy = checked.strategies.get(&own.strategy)?;
    let classification = match &own.classification {
        Some(name) => checked.classifications.get(name)?.value.clone(),
        None => Classification::default(),
    };
    let columns = columns.get(&own.audience).map_or(&[][..], Vec::as_slice);
    if !audiences.contains_key(&own.audience) {
        // Its first campaign takes it out; the next ones find it among the others.
        let Declared { value: mut source, declared_at } = *checked.audiences.remove(&own.audience)?;
        if let AudienceSource::File { file, .. } = &mut source {
            file.value_columns = columns.to_vec();
        }
        let audience = Audience { name: own.audience.clone(), declared_at, source, takers: Vec::new() };
        audiences.insert(own.audience.clone(), Arc::new(audience));
    }
    let audience = audiences.get_mut(&own.audience)?;
    let named = own.values_from.values().map(|column| (column.name.clone(), column.named_at.clone()));
    let named: Vec<(String, Place)> = named.collect();
    let campaign = Campaign {
        id,
        revision: own.revision,
        template: template.value.clone(),
        values: own.values,
        values_from: own.values_from.into_iter().map(|(name, column)| (name, column.name)).collect(),
        recipients: audience.recipients(),
        call: own.call,
        classification,
        schedule: strategy.value.schedule.clone(),
        expires_after: own.expires_after,
        task_name: own.task_name,
        extended_params: own.extended_params,
        channel: own.channel,
        transparent: own.transparent,
        sms: own.sms,
        live_activity: own.live_activity,
    };
    if !named.is_empty() {
        let named_at =
            |column: &str| named.iter().find(|(name, _)| name == column).map(|(_, place)| place.clone());
        let taker = Taker::new((&campaign, &own.template), &declared_at, columns, named_at);
        Arc::get_mut(audience).expect("drafts share no audience").takers.push(taker);
    }
    let Strategy { not_before, not_after, open_for, .. } = strategy.value;
    let by_project = checked.project.as_ref().map(|project| project.open_for).unwrap_or_default();
    Some(Draft {
        campaign,
        withdrawn: own.withdrawn,
        life: Life {
            not_before,
            not_after,
            open_for: open_for.unwrap_or(by_project),
            open_until: own.open_until,
            is_closed: own.is_closed,
        },
        reviewed_up_to: own.reviewed_up_to,
        audience: own.audience,
        declared_at,
    })
}
