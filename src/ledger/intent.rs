//! A batch on its way: that it is about to be sent, and what came of it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::{Call, CampaignId, Revision, TargetHash};
use crate::ledger::id::RunId;
use crate::ledger::text::{as_hex_list, as_number, as_text};

/// “This batch is about to be sent”: durable before the request leaves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntentRecord {
    /// The `apply` that sends it.
    pub run: RunId,
    /// Whose batch it is, by its key in YAML.
    #[serde(with = "as_text")]
    pub campaign: CampaignId,
    /// Of which revision, from 1.
    #[serde(with = "as_number")]
    pub revision: Revision,
    /// The batch, from 1 within the revision; what a later run sends anew after a rejection has a new number.
    pub batch: u32,
    /// The call that carries it: `PushTemplate`, `PushMultiple` or `PushBroadcast`. Any other is an error.
    #[serde(rename = "action", with = "as_text")]
    pub call: Call,
    /// The vendor's name for it: unique, so that it can be found there.
    pub task_name: String,
    /// The signature nonce of its one request.
    pub nonce: String,
    /// The digest of the request's parameters; nothing in ledgers of version 0.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// When the vendor has executed it for good; nothing for an immediate push.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over_at: Option<DateTime<Utc>>,
    /// Who gets it.
    #[serde(with = "as_hex_list")]
    pub targets: Vec<TargetHash>,
}

/// What came of an intent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum Outcome {
    /// The vendor took it.
    Accepted {
        /// The vendor's id of the request.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        request_id: Option<String>,
        /// The vendor's id of the task, always there for scheduled and repeating ones.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        task_id: Option<String>,
    },
    /// The vendor says that it did not take it.
    Rejected {
        /// The vendor's code.
        code: String,
        /// The vendor's words.
        message: String,
        /// The vendor's id of the request.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        request_id: Option<String>,
    },
    /// Nobody knows whether the vendor took it.
    Unknown {
        /// What was seen instead of an answer.
        why: String,
        /// The vendor's code, if it gave one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<String>,
        /// The vendor's id of the request, if it gave one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        request_id: Option<String>,
    },
}

impl Outcome {
    /// Code on record of a request that never left.
    pub const NOT_SENT: &'static str = "NotSent";

    /// Whether it says that nothing of the request left: the vendor rejected nothing.
    #[must_use]
    pub fn is_not_sent(&self) -> bool {
        match self {
            // Versions before 0.3 wrote `connect` where no connection came about.
            Self::Rejected { code, message, .. } => {
                code == Self::NOT_SENT || (code == "connect" && message.starts_with("no connection"))
            }
            Self::Accepted { .. } | Self::Unknown { .. } => false,
        }
    }
}

/// Who found out what came of an intent that was in doubt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Judge {
    /// A person, by `doubt mark`.
    #[default]
    Person,
    /// The vendor's own lists, by `doubt resolve`.
    Vendor,
}

/// What was found out of an intent that was in doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The vendor took it: its targets are never sent to again by this revision.
    Accepted,
    /// The vendor did not take it: its targets are sent to by the next `apply`.
    Rejected,
}
