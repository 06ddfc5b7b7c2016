//! What the rules leave: domain values, each with the place that declares it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::diagnostic::{Place, Source};
use crate::domain::{
    Broadcast, CallChoice, CampaignId, Channel, Classification, Environment, EnvironmentName, ExpiresAfter,
    LiveActivity, OpenFor, ProjectName, Recipients, Revision, Schedule, Sms, TargetId, TargetKind, Template,
    Transparent,
};
use crate::load::targets::{Limits, TargetFile};

/// A workspace's sound declarations. What has a mistake is absent; what refers to it is kept.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// The files that were read, as they were: the project file first, then by path.
    pub sources: Vec<Arc<Source>>,
    /// The project file; nothing where it has a mistake or does not exist.
    pub project: Option<Project>,
    /// Templates by name.
    pub templates: BTreeMap<String, Box<Declared<Template>>>,
    /// Audiences by name.
    pub audiences: BTreeMap<String, Box<Declared<AudienceSource>>>,
    /// Classifications by name.
    pub classifications: BTreeMap<String, Box<Declared<Classification>>>,
    /// Strategies by name.
    pub strategies: BTreeMap<String, Box<Declared<Strategy>>>,
    /// Names of audiences that campaigns name, sound or not.
    pub named_audiences: BTreeSet<String>,
    /// Campaigns by name.
    pub campaigns: BTreeMap<CampaignId, Box<Declared<OwnContent>>>,
}

/// A project and where its campaigns can go.
#[derive(Clone, Debug)]
pub struct Project {
    /// The value of `project`; derived task names begin with it.
    pub name: ProjectName,
    /// The zone of dates and times that name no offset.
    pub time_zone: Tz,
    /// How long immediate pushes take latecomers where their strategy does not say.
    pub open_for: OpenFor,
    /// How long an approval of what is sent at once counts.
    pub review_valid: TimeDelta,
    /// The environment that commands use when none is named; it exists.
    pub default_environment: Option<EnvironmentName>,
    /// How large audience files may be.
    pub limits: Limits,
    /// The environments; may be empty.
    pub environments: BTreeMap<EnvironmentName, Environment>,
}

/// A value and the place of the key that declares it.
#[derive(Clone, Debug)]
pub struct Declared<T> {
    /// What is declared.
    pub value: T,
    /// Where the key stands that declares it.
    pub declared_at: Place,
}

/// When, as far as a strategy says.
#[derive(Clone, Debug)]
pub struct Strategy {
    /// Once, repeatedly, or as soon as it is applied.
    pub schedule: Schedule,
    /// Nothing of an immediate push leaves before.
    pub not_before: Option<DateTime<Utc>>,
    /// Nothing of an immediate push leaves from then on; later than `not_before`.
    pub not_after: Option<DateTime<Utc>>,
    /// How long an immediate push takes latecomers.
    pub open_for: Option<OpenFor>,
}

impl Strategy {
    /// What the vendor schedules has no window of its own.
    pub(super) fn of(schedule: Schedule) -> Self {
        Self { schedule, not_before: None, not_after: None, open_for: None }
    }
}

/// Where an audience's targets come from.
#[derive(Clone, Debug)]
pub enum AudienceSource {
    /// Everyone on a platform.
    Broadcast(Broadcast),
    /// The ids as written; not empty, may repeat.
    Inline(TargetKind, Vec<TargetId>),
    /// A file, not opened yet.
    File {
        /// What its ids are.
        kind: TargetKind,
        /// Its path and how its rows are read.
        file: TargetFile,
        /// Where YAML names it.
        named_at: Place,
    },
}

impl AudienceSource {
    /// Returns to whom a campaign of this audience goes.
    #[must_use]
    pub fn recipients(&self) -> Recipients {
        match self {
            Self::Broadcast(broadcast) => Recipients::Broadcast(*broadcast),
            Self::Inline(kind, _) | Self::File { kind, .. } => Recipients::Targets(*kind),
        }
    }
}

/// Where a placeholder's values stand in the audience file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueColumn {
    /// The column or field; not blank.
    pub name: String,
    /// Where the campaign names it.
    pub named_at: Place,
}

/// What a campaign says itself: the names it refers to, and all the rest as domain values.
#[derive(Clone, Debug)]
pub struct OwnContent {
    /// Name of its template.
    pub template: String,
    /// Name of its audience.
    pub audience: String,
    /// Name of its classification.
    pub classification: Option<String>,
    /// Name of its strategy.
    pub strategy: String,
    /// Its revision, from 1; 1 where the file has none.
    pub revision: Revision,
    /// The last revision whose tasks at the vendor a person deleted: a lower one, or this one.
    pub withdrawn: Option<Revision>,
    /// Until when it is open anew.
    pub open_until: Option<DateTime<Utc>>,
    /// Whether it was ended for good.
    pub is_closed: bool,
    /// To how many people it may go in all, where a review does not approve the very list.
    pub reviewed_up_to: Option<u64>,
    /// What its placeholders become.
    pub values: BTreeMap<String, String>,
    /// Which column has a placeholder's value for each target; only where the audience is in a file with columns.
    pub values_from: BTreeMap<String, ValueColumn>,
    /// Which call sends it to targets.
    pub call: CallChoice,
    /// How long the vendor keeps trying.
    pub expires_after: ExpiresAfter,
    /// Its own task name.
    pub task_name: Option<String>,
    /// Parameters for the app.
    pub extended_params: BTreeMap<String, String>,
    /// Which Android channel.
    pub channel: Option<Channel>,
    /// A message for the app alone.
    pub transparent: Option<Transparent>,
    /// An SMS beside the push.
    pub sms: Option<Sms>,
    /// A Live Activity's change.
    pub live_activity: Option<LiveActivity>,
}
