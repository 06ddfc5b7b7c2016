//! A campaign with everything filled in: what one push of it says, and to whom of which kind.

use std::collections::BTreeMap;
use std::fmt;
use std::num::{NonZeroU32, NonZeroU64};

use chrono::{DateTime, Utc};

use crate::domain::{Broadcast, CallChoice, CampaignId, Classification, Schedule, TargetKind, Template};

/// Keys of `ExtendedParams` that the vendor keeps for itself (vendor page 2871133).
pub const EXTENDED_PARAMS_RESERVED: [&str; 7] =
    ["notifyType", "action", "silent", "pushType", "templateCode", "channel", "taskId"];

/// Most keys of `ExtendedParams` (result code 3035, vendor page 2871134).
pub const EXTENDED_PARAMS_MAX: usize = 20;

/// A revision of zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a revision counts from 1")]
pub struct RevisionZero;

/// Which revision of a campaign: raising it is the only way to send changed content again. Counts from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(NonZeroU32);

impl Revision {
    /// The revision of a campaign that names none.
    pub const FIRST: Self = Self(NonZeroU32::MIN);

    /// Takes a number from 1 on.
    ///
    /// # Errors
    ///
    /// Returns [`RevisionZero`] for 0.
    pub fn new(number: u32) -> Result<Self, RevisionZero> {
        NonZeroU32::new(number).map(Self).ok_or(RevisionZero)
    }

    /// Returns the number.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0.get()
    }

    /// Returns the revision after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// A message that would expire before it could arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a message cannot expire after zero seconds")]
pub struct ExpiresAfterZero;

/// How long the vendor keeps trying, in whole seconds, at least one; `ExpiredSeconds`. The vendor's maximum is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExpiresAfter(NonZeroU64);

impl ExpiresAfter {
    /// Takes a number of seconds.
    ///
    /// # Errors
    ///
    /// Returns [`ExpiresAfterZero`] for 0.
    pub fn from_seconds(seconds: u64) -> Result<Self, ExpiresAfterZero> {
        NonZeroU64::new(seconds).map(Self).ok_or(ExpiresAfterZero)
    }

    /// Returns the seconds.
    #[must_use]
    pub fn seconds(self) -> u64 {
        self.0.get()
    }
}

/// Which of the vendor's Android channels; `NotifyType` or `AndroidChannel`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// The phone vendor's channel where there is one.
    Default,
    /// mPaaS's own connection only.
    SelfBuilt,
}

/// One JSON object as compact text. The checks hand in nothing else; the vendor takes it as a string.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JsonObject(Box<str>);

impl JsonObject {
    /// Keeps the text of one JSON object; the caller has just serialised it.
    #[must_use]
    pub fn from_serialised(text: String) -> Self {
        debug_assert!(text.starts_with('{') && text.ends_with('}'), "a JSON object, not {text}");
        Self(text.into())
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How urgent a transparent message is; `TransparentMessageUrgency`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Urgency {
    /// `HIGH`.
    High,
    /// `NORMAL`.
    Normal,
}

/// A message that goes to the app and not to the notification bar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transparent {
    /// One object for each vendor key; `TransparentMessagePayload`.
    pub payload: JsonObject,
    /// `TransparentMessageUrgency`.
    pub urgency: Option<Urgency>,
}

/// When an SMS joins the push; `SmsStrategy`. Which number means which is the project's assumption.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SmsStrategy {
    /// 1: an SMS where the push did not arrive.
    Supplement,
    /// 2: both at once.
    Concurrent,
}

/// An SMS beside the push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sms {
    /// `SmsStrategy`.
    pub strategy: SmsStrategy,
    /// `SmsSignName`.
    pub sign_name: String,
    /// `SmsTemplateCode`.
    pub template_code: String,
    /// `SmsTemplateParam`.
    pub params: BTreeMap<String, String>,
}

/// What happens to an iOS Live Activity; `ActivityEvent` and, for an end, `DismissalDate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ActivityEvent {
    /// New content.
    Update,
    /// The end; without a time iOS removes it after four hours.
    End {
        /// When it leaves the lock screen, accurate to the second.
        dismiss_at: Option<DateTime<Utc>>,
    },
}

/// An iOS Live Activity's change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveActivity {
    /// What happens.
    pub event: ActivityEvent,
    /// `ActivityContentState`; an update always has one.
    pub state: Option<JsonObject>,
}

/// To whom a campaign goes: the kind, not the people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Recipients {
    /// Single targets, by `PushTemplate` or `PushMultiple`.
    Targets(TargetKind),
    /// Everyone on a platform, by `PushBroadcast`.
    Broadcast(Broadcast),
}

/// A campaign with template, classification and strategy filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Campaign {
    /// Its key in YAML: the ledger knows it by that for life.
    pub id: CampaignId,
    /// Which of its revisions this is, from 1: each is sent once.
    pub revision: Revision,
    /// What it says.
    pub template: Template,
    /// What its placeholders become, for every target the same: each of title and body, and perhaps some of
    /// the template's link, which is not mirrored.
    pub values: BTreeMap<String, String>,
    /// Which column of the audience file has a placeholder's value for each target: never a placeholder of `values`,
    /// and only with targets that are in such a file.
    pub values_from: BTreeMap<String, String>,
    /// Ids of one kind, or everyone on a platform.
    pub recipients: Recipients,
    /// By which call; as it is written.
    pub call: CallChoice,
    /// How phone vendors treat it.
    pub classification: Classification,
    /// At once, at a time, or repeatedly.
    pub schedule: Schedule,
    /// How long the vendor keeps trying.
    pub expires_after: ExpiresAfter,
    /// The user's own task name; else one is derived.
    pub task_name: Option<String>,
    /// Parameters for the app.
    pub extended_params: BTreeMap<String, String>,
    /// Which Android channel.
    pub channel: Option<Channel>,
    /// A message for the app alone.
    pub transparent: Option<Transparent>,
    /// An SMS beside the push; never on a broadcast.
    pub sms: Option<Sms>,
    /// A Live Activity's change; only with Live Activity targets.
    pub live_activity: Option<LiveActivity>,
}
