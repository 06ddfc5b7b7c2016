//! What stands in a ledger's first records once those before them were packed: all that they added up to.
//!
//! Packing drops the intents and outcomes of batches that are settled, and keeps who was accepted, who was
//! rejected, every batch in doubt, every run, and every task of the vendor's. See [`Ledger::pack`](super::Ledger::pack).
//!
//! Their chain goes on from the last record that was packed, and so do serials: a witness, a saved plan and a batch in doubt
//! keep their meaning. A record names up to 64 blocks, so ten million accepted targets are some 400 records, and opening
//! the ledger reads no block.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::{CampaignId, Revision, TargetHash};
use crate::ledger::blocks::BlockName;
use crate::ledger::content::{Content, ContentDigest};
use crate::ledger::decision::Ruling;
use crate::ledger::header::Header;
use crate::ledger::header::TakeOver;
use crate::ledger::history::Control;
use crate::ledger::history::{Rejection, Task};
use crate::ledger::id::Serial;
use crate::ledger::intent::IntentRecord;
use crate::ledger::text::{as_hex_list, as_number, as_text};

/// A record's place and the chain up to it: what is left of a record that was packed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The place of the record that is gone.
    pub serial: Serial,
    /// The chain up to it, in hexadecimal digits.
    pub chain: String,
}

/// The first record of a packed ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackedHeader {
    /// Whose ledger it is, as its first record said.
    pub header: Header,
    /// When it was made.
    pub opened_at: DateTime<Utc>,
    /// The last record that was packed, and its chain: this record's chain goes on from there.
    pub after: Mark,
    /// Ends and beginnings of runs among what was packed: what other machines may remember of it.
    pub marks: Vec<Mark>,
    /// Every time that it was taken over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub take_overs: Vec<TakeOver>,
}

/// One campaign revision. Its accepted targets follow in [`PackedTargets`], unless they are few.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackedRevision {
    /// Whose revision it is, by its key in YAML.
    #[serde(with = "as_text")]
    pub campaign: CampaignId,
    /// The revision, from 1.
    #[serde(with = "as_number")]
    pub revision: Revision,
    /// The digest that later plans compare with.
    pub digest: ContentDigest,
    /// What was sent.
    pub content: Content,
    /// When it was first sent.
    pub submitted_at: DateTime<Utc>,
    /// When the first request left that the vendor took; nothing in ledgers that were packed before version 0.3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_at: Option<DateTime<Utc>>,
    /// How many targets it was to reach.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned: Option<u64>,
    /// When it was recorded that its tasks were deleted at the vendor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn_at: Option<DateTime<Utc>>,
    /// When its last outcome was recorded, or its last intent.
    pub last_at: DateTime<Utc>,
    /// The highest batch number so far.
    pub batches: u32,
    /// Pushes that the vendor took for a target of which it had taken one before.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub accepted_again: u64,
    /// What the vendor said last when it rejected a batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_rejection: Option<Rejection>,
    /// The last verdict that something of it was not sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ruling: Option<Ruling>,
    /// Accepted broadcasts and scheduled or repeating batches of which the vendor's task is not known.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unnamed_tasks: u64,
    /// Tasks at the vendor that were not over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<Task>,
    /// Accepted targets, where they are few.
    #[serde(with = "as_hex_list", default, skip_serializing_if = "Vec::is_empty")]
    pub accepted: Vec<TargetHash>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Accepted targets of a campaign revision, in blocks that stand beside the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackedTargets {
    /// Whose revision it is, by its key in YAML.
    #[serde(with = "as_text")]
    pub campaign: CampaignId,
    /// The revision, from 1.
    #[serde(with = "as_number")]
    pub revision: Revision,
    /// The blocks, sorted; those of one campaign revision are one sorted row over all of its records.
    pub blocks: Vec<BlockName>,
}

/// Targets of a campaign revision that the vendor rejected or that a verdict says were not sent, and that are neither accepted
/// nor in doubt since.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackedRejections {
    /// Whose revision it is, by its key in YAML.
    #[serde(with = "as_text")]
    pub campaign: CampaignId,
    /// The revision, from 1.
    #[serde(with = "as_number")]
    pub revision: Revision,
    /// Whether it is a verdict that says so, and not the vendor's answer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_verdict: bool,
    /// Their hashes under the ledger's salt, at most 500 a record.
    #[serde(with = "as_hex_list")]
    pub targets: Vec<TargetHash>,
}

/// The vendor's tasks of accepted requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackedTasks {
    /// The vendor's ids of them, where its replies had one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<String>,
    /// When they have been executed for good, each with how many there are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ends: Vec<(DateTime<Utc>, u32)>,
}

/// A batch in doubt. It keeps its place: verdicts and people name it by that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackedDoubt {
    /// The intent's place.
    pub intent: Serial,
    /// When it was written.
    pub intended_at: DateTime<Utc>,
    /// What was seen instead of an answer; nothing if not even that was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The intent as it was recorded.
    pub batch: IntentRecord,
    /// Accepted batches that the vendor's lists must have if they are whole; nothing in ledgers of version 0.2.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub controls: Vec<Control>,
}
