//! What a ledger remembers. Their JSON form is the format of the ledger and of its export.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::{CampaignId, Revision};
use crate::ledger::content::{Content, ContentDigest};
use crate::ledger::decision::Decision;
use crate::ledger::header::Destination;
use crate::ledger::header::Header;
use crate::ledger::history::RunSummary;
use crate::ledger::id::RunId;
use crate::ledger::id::Serial;
use crate::ledger::intent::IntentRecord;
use crate::ledger::intent::Judge;
use crate::ledger::intent::Outcome;
use crate::ledger::intent::Verdict;
use crate::ledger::packed::{
    PackedDoubt, PackedHeader, PackedRejections, PackedRevision, PackedTargets, PackedTasks,
};
use crate::ledger::text::{as_number, as_text};

/// One thing that happened, or, in a packed ledger's first records, what many of them added up to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub enum Record {
    /// The ledger was made.
    Opened(Header),
    /// An `apply` began.
    RunStarted {
        /// Names it in the records that follow.
        run: RunId,
        /// The digest of the plan that it executes.
        plan: String,
        /// Who ran it, where: `user@host`.
        actor: String,
        /// The process on that host; nothing in ledgers of version 0.1.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        process: Option<u32>,
        /// The CI job that ran it, as a URL.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ci_run: Option<String>,
        /// What it sends to; nothing in ledgers of version 0.1.
        #[serde(rename = "receiver", default, skip_serializing_if = "Option::is_none")]
        destination: Option<Destination>,
    },
    /// A campaign revision's content, before its first intent; again where it is to reach more targets than before.
    Submitted {
        /// The `apply` that is about to send it.
        run: RunId,
        /// Which one, by its key in YAML.
        #[serde(with = "as_text")]
        campaign: CampaignId,
        /// Which revision, from 1.
        #[serde(with = "as_number")]
        revision: Revision,
        /// The digest that later plans compare with.
        digest: ContentDigest,
        /// What is sent.
        content: Content,
        /// How many targets it is to reach, those of earlier runs included; nothing in ledgers before version 0.3. Who is
        /// unsent beyond that joined later.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        planned: Option<u64>,
    },
    /// A batch is about to be sent.
    Intent(IntentRecord),
    /// What came of it.
    Outcome {
        /// The intent's serial.
        intent: Serial,
        /// Accepted, rejected, or unknown.
        #[serde(flatten)]
        outcome: Outcome,
    },
    /// It was found out what came of an intent that was in doubt.
    Verdict {
        /// The intent's serial.
        intent: Serial,
        /// What was found.
        verdict: Verdict,
        /// How that is known.
        reason: String,
        /// Who recorded it: `user@host`.
        actor: String,
        /// Who says so; nothing in ledgers of version 0.1, where it was always a person.
        #[serde(default)]
        by: Judge,
        /// The vendor's id of the task, where its lists have it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        task_id: Option<String>,
    },
    /// The ledger was taken from a writer of which nobody knows that it ended: from the time of this record on it begins
    /// nothing more.
    TakenOver {
        /// That writer, as a message names it.
        from: String,
        /// Who took it: `user@host`.
        actor: String,
    },
    /// A person deleted the tasks of a campaign revision at the vendor, say the files: it is sent to nobody any more.
    Withdrawn {
        /// Which one, by its key in YAML.
        #[serde(with = "as_text")]
        campaign: CampaignId,
        /// Which revision, from 1.
        #[serde(with = "as_number")]
        revision: Revision,
        /// Who ran the `apply` that recorded it: `user@host`.
        actor: String,
    },
    /// The ledger was copied to another place, where it goes on; this is the last record here.
    Moved {
        /// Where, as messages name the place.
        to: String,
        /// Who moved it: `user@host`.
        actor: String,
    },
    /// An `apply` ended in order.
    RunEnded {
        /// Which one, as its `RunStarted` said.
        run: RunId,
        /// Targets accepted.
        accepted: u64,
        /// Targets rejected.
        rejected: u64,
        /// Targets in doubt.
        unknown: u64,
        /// Targets planned and not attempted.
        not_attempted: u64,
        /// Why it stopped early, if it did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stopped: Option<String>,
    },
    /// All records before this one were packed into the ones that follow.
    Packed(PackedHeader),
    /// An `apply` that was packed.
    PackedRun(RunSummary),
    /// A verdict or a withdrawal that was packed.
    PackedDecision(Decision),
    /// A campaign revision that was packed.
    #[serde(rename = "packed_edition")]
    PackedRevision(PackedRevision),
    /// Its accepted targets.
    PackedTargets(PackedTargets),
    /// Its rejected targets.
    PackedRejections(PackedRejections),
    /// Tasks of the vendor's.
    PackedTasks(PackedTasks),
    /// A batch in doubt among what was packed.
    PackedDoubt(PackedDoubt),
}

/// A record with its place and time, as a line has them behind its chain.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Entry {
    /// Its place in the ledger, from 1.
    pub serial: Serial,
    /// When it was written.
    pub at: DateTime<Utc>,
    /// What happened.
    #[serde(flatten)]
    pub record: Record,
}

impl Record {
    /// Whether it says what was packed.
    #[must_use]
    pub fn is_of_packed(&self) -> bool {
        matches!(
            self,
            Self::Packed(_)
                | Self::PackedRun(_)
                | Self::PackedDecision(_)
                | Self::PackedRevision(_)
                | Self::PackedTargets(_)
                | Self::PackedRejections(_)
                | Self::PackedTasks(_)
                | Self::PackedDoubt(_)
        )
    }
}
