//! The plan as people and machines read it. Its JSON form is a public, versioned format.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::plan::schedule::ScheduleDocument;
use crate::plan::waiting::{WaitingDocument, WaitingStanding, WithdrawalDocument};
use crate::plan::widest::WidestDocument;

/// The value of `format` in every plan file.
pub const FORMAT: &str = "campaignctl/plan";

/// The version of the format.
pub const VERSION: u32 = 3;

/// How long after its time a missed campaign is news.
const MISSED_IS_NEWS_FOR: TimeDelta = TimeDelta::hours(24);

/// A plan: what `apply` would push, what it would not, and why. Holds no target ids and no secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "campaignctl plan")]
pub struct PlanDocument {
    /// Always `campaignctl/plan`.
    #[schemars(example = &FORMAT)]
    pub format: String,
    /// Version of this format.
    #[schemars(example = VERSION)]
    pub version: u32,
    /// The tool and version that made the plan. Not part of the digest.
    #[schemars(example = &"campaignctl 0.1.0")]
    pub made_by: String,
    /// When the plan was made. Not part of the digest.
    #[schemars(example = &"2026-11-23T08:00:00Z")]
    pub made_at: DateTime<Utc>,
    /// SHA-256 over the plan's facts: where it pushes to, and of each campaign what is pushed, to whom and when. No reason, note,
    /// help, place or file.
    #[schemars(example = &"sha256:5f1c9d0be1a4f1f1d3f7f2a4c1d2e3f4a5b6c7d8e9f00112233445566778899a")]
    pub digest: String,
    /// The project.
    #[schemars(example = &"acme")]
    pub project: String,
    /// The environment.
    #[schemars(example = &"production")]
    pub environment: String,
    /// The mPaaS app: wire `AppId`.
    #[schemars(example = &"ONEX570DA89211721")]
    pub app_id: String,
    /// The mPaaS workspace: wire `WorkspaceId`.
    #[schemars(example = &"default")]
    pub workspace_id: String,
    /// The tenant: wire `TenantId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"ABCDEFGH")]
    pub tenant_id: Option<String>,
    /// Where requests go.
    #[schemars(example = &"https://mpaas.cn-hangzhou.aliyuncs.com")]
    pub endpoint: String,
    /// The region: wire `RegionId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"cn-hangzhou")]
    pub region: Option<String>,
    /// Version of the vendor's API: wire `Version`.
    #[schemars(example = &"2020-10-28")]
    pub api_version: String,
    /// The project's time zone.
    #[schemars(example = &"Asia/Shanghai")]
    pub time_zone: String,
    /// The campaigns that the plan is about: names, or patterns of names. Left out: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(example = ["outage-*"])]
    pub only: Vec<String>,
    /// The campaigns that the plan is not about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(example = ["welcome"])]
    pub except: Vec<String>,
    /// The ledger that the plan was compared with. Left out: none, so the counts are upper bounds, and `apply` refuses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = serde_json::json!({ "lineage": "0d9c3e52-7a40-4f6e-9a66-2f3cf8a4e7b1", "serial": 17 }))]
    pub ledger: Option<LedgerDocument>,
    /// The files that were read, by path, with their digests. Not part of the digest, since a comment changes no push.
    #[schemars(example = serde_json::json!([{ "path": "payday.yaml", "digest": "sha256:5f1c9d0be1a4f1f1d3f7f2a4c1d2e3f4a5b6c7d8e9f00112233445566778899a" }]))]
    pub inputs: Vec<InputDocument>,
    /// The changes, counted.
    #[schemars(example = serde_json::json!({ "to_push": 2, "targets": 1204, "broadcasts": 0, "requests": 122, "up_to_date": 38, "later": 1, "waiting": 3, "blocked": 1, "held": 0, "missed": 1, "in_doubt": 0 }))]
    pub summary: SummaryDocument,
    /// People who get a push on each day, in the project's time zone; a broadcast counts none. What repeats counts on each of
    /// its days. Not part of the digest, since what is sent at once is sent on the day of `apply`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(example = serde_json::json!([{ "day": "2026-12-15", "targets": 1204, "broadcasts": 0 }]))]
    pub days: Vec<DayDocument>,
    /// One entry for each campaign, by name.
    #[schemars(example = serde_json::json!([]))]
    pub changes: Vec<ChangeDocument>,
    /// What waits at the vendor for its time and is not what the files say, by campaign and revision. It happens whether the
    /// plan is applied or not, and passes by itself, so it is not part of the digest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(example = serde_json::json!([]))]
    pub waiting: Vec<WaitingDocument>,
    /// Revisions that a person withdrew, say the files, and that `apply` puts on record. It sends nothing, so it is not part of
    /// the digest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(example = serde_json::json!([{ "campaign": "digest", "revision": 1, "recipients": "users", "targets": 25 }]))]
    pub withdrawals: Vec<WithdrawalDocument>,
}

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InputDocument {
    /// Its path in the workspace.
    #[schemars(example = &"payday.yaml")]
    pub path: String,
    /// SHA-256 of its content.
    #[schemars(example = &"sha256:5f1c9d0be1a4f1f1d3f7f2a4c1d2e3f4a5b6c7d8e9f00112233445566778899a")]
    pub digest: String,
}

/// A ledger at a moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LedgerDocument {
    /// The ledger's id for life.
    #[schemars(example = &"0d9c3e52-7a40-4f6e-9a66-2f3cf8a4e7b1")]
    pub lineage: String,
    /// Its last record.
    #[schemars(example = 17)]
    pub serial: u64,
}

/// The changes, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SummaryDocument {
    /// Campaigns with something to push.
    #[schemars(example = 2)]
    pub to_push: u64,
    /// Targets that get a push; a broadcast counts one.
    #[schemars(example = 1204)]
    pub targets: u64,
    /// Those of `targets` that are broadcasts.
    #[serde(default)]
    #[schemars(example = 0)]
    pub broadcasts: u64,
    /// Requests that leave.
    #[schemars(example = 122)]
    pub requests: u64,
    /// Campaigns with nothing left to do: done, or closed.
    #[schemars(example = 38)]
    pub up_to_date: u64,
    /// Campaigns whose window opens later.
    #[schemars(example = 1)]
    pub later: u64,
    /// Campaigns that everybody got and that the vendor has for a time to come, and revisions that wait there though the
    /// files no longer have the campaign.
    #[schemars(example = 3)]
    pub waiting: u64,
    /// Campaigns that are not pushed as they are written.
    #[schemars(example = 1)]
    pub blocked: u64,
    /// Campaigns that are not pushed for now.
    #[schemars(example = 0)]
    pub held: u64,
    /// Campaigns whose time passed with targets unsent.
    #[schemars(example = 1)]
    pub missed: u64,
    /// Campaigns with at least one target of which nobody knows; they may also count above.
    #[schemars(example = 0)]
    pub in_doubt: u64,
    /// Whether the plan was compared with no ledger: it pushes at most so much. Left out: no.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schemars(example = true)]
    pub upper_bounds: bool,
}

/// Who gets a push on one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DayDocument {
    /// The day, in the project's time zone.
    #[schemars(example = &"2026-12-15")]
    pub day: NaiveDate,
    /// Targets that get a push; one that several campaigns reach counts for each.
    #[schemars(example = 1204)]
    pub targets: u64,
    /// Broadcasts.
    #[schemars(example = 0)]
    pub broadcasts: u64,
}

/// What is to happen to a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// It was never sent, and is pushed.
    Create,
    /// It is pushed to who joined since.
    Add,
    /// It is pushed to the rest of those that it was planned for.
    Continue,
    /// Its window opens later.
    Later,
    /// Everybody got it, and the vendor has it for a time to come.
    Waiting,
    /// Nothing is pushed until the files change.
    Blocked,
    /// Nothing is pushed for now.
    Held,
    /// Its time passed with targets unsent.
    Missed,
    /// Nothing can be pushed, and of at least one target nobody knows.
    InDoubt,
    /// Nothing is left to do.
    UpToDate,
    /// Nothing is pushed any more, and nobody was missed.
    Closed,
}

impl ChangeKind {
    /// Whether something is pushed.
    #[must_use]
    pub fn is_push(self) -> bool {
        matches!(self, Self::Create | Self::Add | Self::Continue)
    }

    /// Whether there is nothing to do and nothing to say but a note.
    #[must_use]
    pub fn is_quiet(self) -> bool {
        matches!(self, Self::UpToDate | Self::Closed)
    }
}

/// One campaign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeDocument {
    /// The campaign's name.
    #[schemars(example = &"payday-2026-12")]
    pub campaign: String,
    /// Its revision.
    #[schemars(example = 1)]
    pub revision: u32,
    /// What is to happen.
    #[schemars(example = &"create")]
    pub kind: ChangeKind,
    /// Why, in words.
    #[schemars(example = &"new campaign")]
    pub reason: String,
    /// What else there is to know of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"its first time 2026-11-24T07:00:00+08:00 has passed, so it begins with 2026-11-25T07:00:00+08:00")]
    pub note: Option<String>,
    /// The stable code of what stands in the way or is worth a look, if something is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"time-past")]
    pub code: Option<String>,
    /// The ways out, where something stands in the way or is worth a look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"raise `revision`, or revert the change")]
    pub help: Option<String>,
    /// The vendor's call: `PushTemplate`, `PushMultiple` or `PushBroadcast`.
    #[schemars(example = &"PushTemplate")]
    pub call: String,
    /// The audience's name.
    #[schemars(example = &"vips")]
    pub audience: String,
    /// What kind of targets: an audience's YAML key, or `broadcast`.
    #[schemars(example = &"users")]
    pub recipients: String,
    /// Its targets, counted.
    #[schemars(example = serde_json::json!({ "audience": 1204, "repeats": 3, "accepted": 0, "in_doubt": 0, "rejected": 0, "unsent": 1204, "to_retry": 0, "joined": 0, "left": 0, "to_push": 1204 }))]
    pub targets: TargetsDocument,
    /// Requests that leave for it.
    #[schemars(example = 121)]
    pub requests: u64,
    /// Number of its first new batch within the revision.
    #[schemars(example = 1)]
    pub first_batch: u32,
    /// SHA-256 over the salted hashes of the whole audience, in the order in which they are listed, repeats included.
    #[schemars(example = &"sha256:5f1c9d0be1a4f1f1d3f7f2a4c1d2e3f4a5b6c7d8e9f00112233445566778899a")]
    pub audience_digest: String,
    /// SHA-256 of the file that its targets' own values (`values_from`) stand in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"sha256:5f1c9d0be1a4f1f1d3f7f2a4c1d2e3f4a5b6c7d8e9f00112233445566778899a")]
    pub values_digest: Option<String>,
    /// SHA-256 over the salted hashes of those that get a push now.
    #[schemars(example = &"sha256:5f1c9d0be1a4f1f1d3f7f2a4c1d2e3f4a5b6c7d8e9f00112233445566778899a")]
    pub push_digest: String,
    /// When it is pushed.
    #[schemars(example = serde_json::json!({ "send": "once", "at": "2026-12-15T01:00:00Z" }))]
    pub schedule: ScheduleDocument,
    /// When what is pushed now and is scheduled at the vendor fires first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"2026-12-15T01:00:00Z")]
    pub first_at: Option<DateTime<Utc>>,
    /// When it was first pushed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"2026-11-01T01:00:00Z")]
    pub first_sent_at: Option<DateTime<Utc>>,
    /// From when on nothing of it is pushed any more, as far as that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"2026-12-15T01:00:00Z")]
    pub ends_at: Option<DateTime<Utc>>,
    /// Since when it is missed: `ends_at`, or when a verdict said after that who did not get it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"2026-12-15T01:00:00Z")]
    pub missed_at: Option<DateTime<Utc>>,
    /// Where its declaration stands.
    #[schemars(example = serde_json::json!({ "file": "payday.yaml", "line": 22 }))]
    pub declared_at: PlaceDocument,
    /// SHA-256 over its content.
    #[schemars(example = &"sha256:5f1c9d0be1a4f1f1d3f7f2a4c1d2e3f4a5b6c7d8e9f00112233445566778899a")]
    pub content_digest: String,
    /// The message as a phone shows it; left out where nothing changes. A placeholder whose value each target has of its
    /// own stays as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = serde_json::json!({ "title": "Hello Zhang San", "body": "Your pay is here" }))]
    pub message: Option<MessageDocument>,
    /// How long the values are that stay placeholders in the message, where they make it the longest. Not part of the digest, which
    /// has that of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = serde_json::json!({ "title": { "name": { "characters": 3, "half_widths": 6 } } }))]
    pub widest: Option<WidestDocument>,
    /// Its content in the words of the YAML; left out where nothing changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = serde_json::json!({ "strategy": { "send": "now" } }))]
    pub content: Option<Map<String, Value>>,
    /// The content that was sent, where it was another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = serde_json::json!({ "strategy": { "send": "now" } }))]
    pub sent_content: Option<Map<String, Value>>,
}

/// Targets, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TargetsDocument {
    /// Different targets that the audience lists.
    #[schemars(example = 1204)]
    pub audience: u64,
    /// Listings of a target that was listed before.
    #[schemars(example = 3)]
    pub repeats: u64,
    /// Targets that the vendor took, still listed or not.
    #[schemars(example = 0)]
    pub accepted: u64,
    /// Targets of which nobody knows, still listed or not.
    #[schemars(example = 0)]
    pub in_doubt: u64,
    /// Targets that the vendor rejected and that are no longer listed.
    #[schemars(example = 0)]
    pub rejected: u64,
    /// Listed targets that are neither accepted nor in doubt.
    #[schemars(example = 1204)]
    pub unsent: u64,
    /// Those of `unsent` that the vendor rejected before, or that a verdict says were not sent.
    #[schemars(example = 0)]
    pub to_retry: u64,
    /// Those of `unsent` that joined since; the others were in its time.
    #[schemars(example = 0)]
    pub joined: u64,
    /// Targets that are no longer listed, and whose push waits at the vendor all the same.
    #[schemars(example = 0)]
    pub left: u64,
    /// Targets that get a push now: `unsent`, or none.
    #[schemars(example = 1204)]
    pub to_push: u64,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceDocument {
    /// Path relative to the workspace.
    #[schemars(example = &"payday.yaml")]
    pub file: String,
    /// Line, from 1.
    #[schemars(example = 22)]
    pub line: u64,
}

/// A message as a phone shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MessageDocument {
    /// The title, placeholders filled.
    #[schemars(example = &"Hello Zhang San")]
    pub title: String,
    /// The body, placeholders filled.
    #[schemars(example = &"Your pay is here")]
    pub body: String,
}

impl PlanDocument {
    /// Returns the changes by campaign name.
    #[must_use]
    pub fn by_campaign(&self) -> BTreeMap<&str, &ChangeDocument> {
        self.changes.iter().map(|change| (change.campaign.as_str(), change)).collect()
    }

    /// Whether people were missed less than a day before `now`: one old miss is no news.
    #[must_use]
    pub fn has_missed_lately(&self, now: DateTime<Utc>) -> bool {
        self.changes.iter().any(|change| change.is_missed_lately(now))
    }

    /// Returns when the next window opens.
    #[must_use]
    pub fn next_opening(&self) -> Option<DateTime<Utc>> {
        self.changes.iter().filter_map(ChangeDocument::opens_at).min()
    }

    /// Counts the targets of windows that open by `until`.
    #[must_use]
    pub fn targets_until(&self, until: DateTime<Utc>) -> u64 {
        let opens = |change: &&ChangeDocument| change.opens_at().is_some_and(|at| at <= until);
        self.changes.iter().filter(opens).map(|change| change.targets.unsent).sum()
    }

    /// Whether something waits at the vendor that is not what the files say: people left its audience, its campaign was
    /// deleted, closed or changed.
    #[must_use]
    pub fn waits_otherwise(&self) -> bool {
        self.waiting.iter().any(|waiting| waiting.standing != WaitingStanding::Withdrawn)
            || self.changes.iter().any(|change| change.targets.left > 0)
    }
}

impl ChangeDocument {
    /// Returns when its window opens, if that is still to come.
    #[must_use]
    pub fn opens_at(&self) -> Option<DateTime<Utc>> {
        match self.schedule {
            ScheduleDocument::Now { not_before, .. } if self.kind == ChangeKind::Later => not_before,
            _ => None,
        }
    }

    /// Whether it was missed less than a day before `now`.
    #[must_use]
    pub fn is_missed_lately(&self, now: DateTime<Utc>) -> bool {
        self.kind == ChangeKind::Missed && self.missed_at.is_none_or(|at| now - at < MISSED_IS_NEWS_FOR)
    }
}
