//! What a ledger remembers. Their JSON form is the format of the ledger and of its export.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::{
    Call, CampaignId, Endpoint, EnvironmentName, LedgerSalt, ProjectName, Revision, TargetHash,
};
use crate::ledger::content::{Content, ContentDigest};
use crate::ledger::decision::Decision;
use crate::ledger::history::RunSummary;
use crate::ledger::packed::{
    PackedDoubt, PackedEdition, PackedHeader, PackedRejections, PackedTargets, PackedTasks,
};
use crate::ledger::text::{as_hex, as_hex_list, as_number, as_text};

/// The version of the records below. 1 had none of the packed ones; 2 had no take-overs, and its writers prove to nobody that
/// they still hold a ledger.
pub const FORMAT_VERSION: u32 = 3;

/// A record's place in its ledger, from 1, without gaps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Serial(pub u64);

impl Serial {
    /// Returns the place after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

macro_rules! random_id {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $type(uuid::Uuid);

        impl $type {
            /// Wraps a random id that the caller drew.
            #[must_use]
            pub fn new(id: uuid::Uuid) -> Self {
                Self(id)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }

        impl FromStr for $type {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                text.parse().map(Self)
            }
        }
    };
}

random_id! {
    /// The random id that a ledger keeps for life: two ledgers with the same content still differ in it.
    Lineage
}
random_id! {
    /// The random id of one `apply`.
    RunId
}

/// What takes the pushes of a ledger. Which host it is may change; whether it is real may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Receiver {
    /// The sandbox inside the process: nothing reaches a phone.
    Sandbox,
    /// A host: the vendor, or who plays it.
    Host,
}

impl Receiver {
    /// Returns what takes the pushes at an endpoint.
    #[must_use]
    pub fn at(endpoint: &Endpoint) -> Self {
        match endpoint {
            Endpoint::Sandbox => Self::Sandbox,
            Endpoint::Remote(_) => Self::Host,
        }
    }
}

/// A ledger's first record: whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// [`FORMAT_VERSION`] of the tool that made it.
    pub format: u32,
    /// Its id for life.
    pub lineage: Lineage,
    /// What target hashes are salted with.
    #[serde(with = "as_hex")]
    pub salt: LedgerSalt,
    /// The project it belongs to.
    #[serde(with = "as_text")]
    pub project: ProjectName,
    /// The environment it belongs to.
    #[serde(with = "as_text")]
    pub environment: EnvironmentName,
    /// The mPaaS app that its pushes went to.
    pub app_id: String,
    /// The mPaaS workspace that its pushes went to.
    pub workspace_id: String,
    /// What takes its pushes; nothing in ledgers of version 0.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receiver: Option<Receiver>,
}

/// “This batch is about to be sent”: durable before the request leaves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntentRecord {
    /// The `apply` that sends it.
    pub run: RunId,
    /// The campaign.
    #[serde(with = "as_text")]
    pub campaign: CampaignId,
    /// Its edition.
    #[serde(with = "as_number")]
    pub revision: Revision,
    /// The batch, from 1 within the edition; what a later run sends anew after a rejection has a new number.
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
    /// A person.
    #[default]
    Person,
    /// The vendor's own lists.
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

/// One thing that happened, or, in a packed ledger's first records, what many of them added up to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub enum Record {
    /// The ledger was made.
    Opened(Header),
    /// An `apply` began.
    RunStarted {
        /// Its id.
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
        #[serde(default, skip_serializing_if = "Option::is_none")]
        receiver: Option<Receiver>,
    },
    /// A campaign revision's content, before its first intent; again where it is to reach more targets than before.
    Submitted {
        /// The `apply`.
        run: RunId,
        /// The campaign.
        #[serde(with = "as_text")]
        campaign: CampaignId,
        /// Its edition.
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
        /// The outcome.
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
        /// The campaign.
        #[serde(with = "as_text")]
        campaign: CampaignId,
        /// Its edition.
        #[serde(with = "as_number")]
        revision: Revision,
        /// Who ran the `apply` that recorded it: `user@host`.
        actor: String,
    },
    /// An `apply` ended in order.
    RunEnded {
        /// Its id.
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
    PackedEdition(PackedEdition),
    /// Its accepted targets.
    PackedTargets(PackedTargets),
    /// Its rejected targets.
    PackedRejections(PackedRejections),
    /// Tasks of the vendor's.
    PackedTasks(PackedTasks),
    /// A batch in doubt among what was packed.
    PackedDoubt(PackedDoubt),
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
                | Self::PackedEdition(_)
                | Self::PackedTargets(_)
                | Self::PackedRejections(_)
                | Self::PackedTasks(_)
                | Self::PackedDoubt(_)
        )
    }
}
