//! What waits at the vendor and is not what the files say, and what a person withdrew from there.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::plan::schedule::ScheduleDocument;

/// A campaign revision that the vendor took for a time that is still to come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WaitingDocument {
    /// The campaign's name.
    #[schemars(example = &"payday-2026-12")]
    pub campaign: String,
    /// Its revision.
    #[schemars(example = 1)]
    pub revision: u32,
    /// What kind of targets: an audience's YAML key, or `broadcast`.
    #[schemars(example = &"users")]
    pub recipients: String,
    /// When it is sent.
    #[schemars(example = serde_json::json!({ "send": "once", "at": "2026-12-15T01:00:00Z" }))]
    pub schedule: ScheduleDocument,
    /// Targets that get it; a broadcast counts one.
    #[schemars(example = 1204)]
    pub targets: u64,
    /// Those of `targets` of which nobody knows.
    #[schemars(example = 0)]
    pub in_doubt: u64,
    /// How it stands to the files.
    #[schemars(example = &"superseded")]
    pub standing: WaitingStanding,
}

/// How what waits at the vendor stands to the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WaitingStanding {
    /// The files have no such campaign any more.
    Removed,
    /// The files have it in another revision.
    Superseded,
    /// The files have the revision with other content.
    Changed,
    /// The files say that the campaign is closed.
    Closed,
    /// The files say that its tasks were deleted at the vendor.
    Withdrawn,
}

/// A campaign revision whose tasks a person deleted at the vendor, say the files, and of which the ledger has no word yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WithdrawalDocument {
    /// The campaign's name.
    #[schemars(example = &"digest")]
    pub campaign: String,
    /// Its revision.
    #[schemars(example = 1)]
    pub revision: u32,
    /// What kind of targets: an audience's YAML key, or `broadcast`.
    #[schemars(example = &"users")]
    pub recipients: String,
    /// Targets whose push the vendor took, or may have taken; a broadcast counts one.
    #[schemars(example = 25)]
    pub targets: u64,
}
