//! What people and the vendor's lists decided, besides the runs: entries of the audit trail. A run's own counts are what the
//! vendor answered it, and nothing here changes them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::{CampaignId, Revision};
use crate::ledger::id::Serial;
use crate::ledger::intent::{Judge, Verdict};
use crate::ledger::text::{as_number, as_text};

/// So many batches stand in one decision, so that its record stays a short one when the ledger is packed.
const BATCHES_MAX: usize = 100;

/// What was decided about one campaign revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// When it was recorded.
    #[serde(rename = "decided_at")]
    pub at: DateTime<Utc>,
    /// How many runs had begun before: its place among them.
    pub runs_before: u64,
    /// Who recorded it: `user@host`.
    pub actor: String,
    /// Whose revision it is about.
    #[serde(with = "as_text")]
    pub campaign: CampaignId,
    /// The revision, from 1.
    #[serde(with = "as_number")]
    pub revision: Revision,
    /// A verdict, or a withdrawal.
    #[serde(flatten)]
    pub what: Decided,
}

/// What was decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "decided", rename_all = "snake_case")]
pub enum Decided {
    /// What became of batches that were in doubt.
    Verdict {
        /// What was found.
        verdict: Verdict,
        /// Who says so.
        by: Judge,
        /// How that is known.
        reason: String,
        /// The batches that it settled, in the order of their intents.
        batches: Vec<SettledBatch>,
        /// How many targets they have; a broadcast counts one.
        targets: u64,
    },
    /// Its tasks were deleted at the vendor.
    Withdrawn,
}

/// A batch that was in doubt and is no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettledBatch {
    /// Place of its intent in the ledger: the number that people name it by.
    pub intent: Serial,
    /// The vendor's name for it.
    pub task_name: String,
}

impl Decision {
    /// Takes in `next` if it is the same decision about more batches; gives it back if not. One command records them one by
    /// one, within moments.
    pub(super) fn absorb(&mut self, next: Self) -> Option<Self> {
        let is_one_command = (self.runs_before, &self.actor, &self.campaign, self.revision)
            == (next.runs_before, &next.actor, &next.campaign, next.revision)
            && (next.at - self.at).num_seconds() == 0;
        let Decided::Verdict { verdict, by, reason, batches, targets } = &mut self.what else {
            return Some(next);
        };
        match next.what {
            Decided::Verdict {
                verdict: next_verdict,
                by: next_by,
                reason: ref next_reason,
                batches: ref next_batches,
                targets: next_targets,
            } if is_one_command
                && (*verdict, *by, &*reason) == (next_verdict, next_by, next_reason)
                && batches.len() + next_batches.len() <= BATCHES_MAX =>
            {
                batches.extend_from_slice(next_batches);
                *targets += next_targets;
                None
            }
            _ => Some(next),
        }
    }
}

/// The last verdict that batches of a campaign revision were not sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ruling {
    /// When it was recorded.
    pub at: DateTime<Utc>,
    /// Who says so.
    pub by: Judge,
    /// How that is known.
    pub reason: String,
}
