//! What the records of a ledger add up to: what was sent, what is in doubt, who ran it.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::{CampaignId, LedgerSalt, Revision, Secret, TargetHash, TargetSet};
use crate::ledger::blocks::{Accepted, BlockError, merged};
use crate::ledger::content::{Content, ContentDigest};
use crate::ledger::text::as_number;
use crate::ledger::text::as_text;

use crate::ledger::decision::{Decided, Decision, Ruling, SettledBatch};
use crate::ledger::header::{Destination, Header, KeyNote, TakeOver};
use crate::ledger::id::{RunId, Serial};
use crate::ledger::intent::IntentRecord;
use crate::ledger::text::as_revisions;

/// A batch that the vendor accepted, by its own reply or its own lists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Control {
    /// The intent's place in the ledger.
    pub intent: Serial,
    /// When its intent was written.
    pub at: DateTime<Utc>,
    /// The `apply` that sent it.
    pub run: RunId,
    /// Whose batch it was; of any campaign, not only the one in doubt.
    #[serde(with = "as_text")]
    pub campaign: CampaignId,
    /// Of which revision.
    #[serde(with = "as_number")]
    pub revision: Revision,
    /// The name that the vendor's list must have it under.
    pub task_name: String,
    /// The vendor's task, where the vendor said which one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_id: Option<String>,
}

/// An intent whose outcome nobody knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// The intent's place in the ledger.
    pub serial: Serial,
    /// When it was written, just before its request was to leave.
    pub at: DateTime<Utc>,
    /// What was about to be sent, and to whom.
    pub intent: IntentRecord,
    /// What was seen instead of an answer; nothing if not even that was recorded.
    pub why: Option<String>,
    /// Batches of the same kind that the vendor accepted: at most the last one before it, and the first one after. A list
    /// that has none of these proves nothing.
    pub controls: Vec<Control>,
}

/// A rejection that the vendor gave a reason for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// The vendor's code.
    pub code: String,
    /// The vendor's words.
    pub message: String,
    /// The vendor's id of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// A task that the vendor keeps until its time: what an accepted batch of a scheduled or repeating campaign became.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Its name, as the vendor's console shows it.
    pub name: String,
    /// The vendor's id of it, where the reply had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// From when on it is over.
    pub over_at: DateTime<Utc>,
    /// Targets that it reaches; a broadcast counts one.
    pub targets: u64,
}

/// What became of one campaign revision.
#[derive(Clone, Debug)]
pub struct History {
    /// What was sent.
    pub content: Content,
    /// SHA-256 over the content: a plan with another one is blocked.
    pub digest: ContentDigest,
    /// When its content was first recorded.
    pub submitted_at: DateTime<Utc>,
    /// When the first request left that the vendor took; see [`History::first_push`].
    pub first_at: Option<DateTime<Utc>>,
    /// How many targets it was to reach; nothing in ledgers before version 0.3.
    pub planned: Option<u64>,
    /// When it was recorded that its tasks were deleted at the vendor.
    pub withdrawn_at: Option<DateTime<Utc>>,
    /// When its last outcome was recorded, or its last intent.
    pub last_at: DateTime<Utc>,
    /// Targets whose push the vendor took.
    pub accepted: Accepted,
    /// Pushes that the vendor took for a target of which it had taken one before: none, in a ledger that campaignctl
    /// wrote alone.
    pub accepted_again: u64,
    /// Targets of which nobody knows.
    pub unknown: TargetSet,
    /// Targets whose push the vendor did not take, and that are neither accepted nor in doubt since.
    pub rejected: TargetSet,
    /// Those of `rejected` that were in doubt, and of which a verdict says that they were not sent.
    pub ruled_out: TargetSet,
    /// The last such verdict.
    pub ruling: Option<Ruling>,
    /// The highest batch number so far.
    pub batches: u32,
    /// What the vendor said last when it rejected a batch.
    pub last_rejection: Option<Rejection>,
    /// The intents behind `unknown`, in order.
    pub doubts: Vec<Doubt>,
    /// Its tasks at the vendor, in the order in which they were taken. Those that were over when the ledger was packed are
    /// left out.
    pub tasks: Vec<Task>,
}

impl History {
    /// Whether the vendor took this revision for anybody, or may have.
    #[must_use]
    pub fn is_sent(&self) -> bool {
        !self.accepted.is_empty() || !self.unknown.is_empty()
    }

    /// Returns when it was first pushed to anybody; nothing if it never was.
    #[must_use]
    pub fn first_push(&self) -> Option<DateTime<Utc>> {
        let doubts = self.doubts.iter().map(|doubt| doubt.at);
        let first = self.first_at.into_iter().chain(doubts).min();
        self.is_sent().then(|| first.unwrap_or(self.submitted_at))
    }

    /// Counts targets whose push the vendor took, or may have taken.
    #[must_use]
    pub fn sent_count(&self) -> u64 {
        self.accepted.len() + self.unknown.len() as u64
    }

    /// Iterates over accepted and unknown targets, sorted: never sent again by this revision. Accepted ones are read on
    /// the way. A target that is both, or was accepted twice, comes twice: no ledger that campaignctl wrote alone has one.
    pub fn sent(&self) -> impl Iterator<Item = Result<TargetHash, BlockError>> {
        merged(self.accepted.iter(), self.unknown.iter().map(|hash| Ok(*hash)))
    }

    /// Returns those of `targets` that are not [`sent`](Self::sent). Accepted ones are read on the way, once.
    ///
    /// # Errors
    ///
    /// Returns [`BlockError`] where they cannot be read.
    pub fn unsent(&self, targets: TargetSet) -> Result<TargetSet, BlockError> {
        let unsent = targets.without(self.accepted.runs_in_blocks())?;
        Ok(unsent.less(self.accepted.recent()).less(&self.unknown))
    }
}

/// One `apply`, as the audit trail shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunSummary {
    /// Names it in records and reports.
    pub run: RunId,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended in order; nothing if it crashed or still runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<DateTime<Utc>>,
    /// The digest of the plan it executed.
    pub plan: String,
    /// Who ran it, where.
    pub actor: String,
    /// The CI job that ran it, as a URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ci_run: Option<String>,
    /// What it sent to; nothing of runs of version 0.1.
    #[serde(rename = "receiver", default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<Destination>,
    /// Targets accepted, by the vendor's answers: what a verdict says later is no part of the run.
    pub accepted: u64,
    /// Targets rejected; in runs that a version before 0.3 packed, a batch that was tried three times counts three times.
    pub rejected: u64,
    /// Targets that it left in doubt, intents without an outcome included.
    pub unknown: u64,
    /// Targets that were planned and of which no request left; of a run that came to no end, those that are on record.
    #[serde(default)]
    pub not_attempted: u64,
    /// Batches; 0 in runs that a version before 0.3 packed.
    #[serde(default)]
    pub batches: u64,
    /// Requests that left or were about to: more than batches where some were tried again.
    #[serde(default)]
    pub attempts: u64,
    /// Why it stopped early, if it said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
    /// The campaign revisions that it sent something of.
    #[serde(with = "as_revisions")]
    pub campaigns: Vec<(CampaignId, Revision)>,
}

/// What all records of a ledger add up to.
#[derive(Clone, Debug)]
pub struct Ledger {
    pub(super) header: Header,
    pub(super) opened_at: DateTime<Utc>,
    pub(super) last_at: DateTime<Utc>,
    pub(super) serial: Serial,
    pub(super) histories: BTreeMap<(CampaignId, Revision), History>,
    pub(super) task_ends: Vec<DateTime<Utc>>,
    pub(super) task_ids: HashSet<String>,
    pub(super) unnamed_tasks: BTreeMap<(CampaignId, Revision), u64>,
    pub(super) runs: Vec<RunSummary>,
    pub(super) decisions: Vec<Decision>,
    pub(super) take_overs: Vec<TakeOver>,
    pub(super) moved_to: Option<String>,
    /// What targets are hashed with: the header's, or one that its key makes of it.
    pub(super) salt: LedgerSalt,
}

impl Ledger {
    /// Returns whose ledger it is.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Returns what targets are hashed with, once [`Ledger::unlock`] had the key where there is one.
    #[must_use]
    pub fn salt(&self) -> &LedgerSalt {
        &self.salt
    }

    /// Takes the key under which targets are hashed. Returns whether it is the right one.
    #[must_use]
    pub fn unlock(&mut self, key: &Secret) -> bool {
        let salt = &self.header.salt;
        let is_right =
            self.header.key.as_ref().is_some_and(|note| *note == KeyNote::of(&note.variable, key, salt));
        if is_right {
            self.salt = salt.keyed(key);
        }
        is_right
    }

    /// Returns where it goes on, if it was moved.
    #[must_use]
    pub fn moved_to(&self) -> Option<&str> {
        self.moved_to.as_deref()
    }

    /// Returns what took its pushes: by its first record, or where that is too old to say, by the first run that does.
    #[must_use]
    pub fn destination(&self) -> Option<Destination> {
        self.header.destination.or_else(|| self.runs.iter().find_map(|run| run.destination))
    }

    /// Whether it has runs of which nobody knows what they sent to.
    #[must_use]
    pub fn has_runs_to_anywhere(&self) -> bool {
        self.header.destination.is_none() && self.runs.iter().any(|run| run.destination.is_none())
    }

    /// Returns when it was made.
    #[must_use]
    pub fn opened_at(&self) -> DateTime<Utc> {
        self.opened_at
    }

    /// Returns when its last record was written.
    #[must_use]
    pub fn last_at(&self) -> DateTime<Utc> {
        self.last_at
    }

    /// Returns the place of its last record.
    #[must_use]
    pub fn serial(&self) -> Serial {
        self.serial
    }

    /// Returns what became of one campaign revision; nothing if it was never sent.
    #[must_use]
    pub fn history(&self, campaign: &CampaignId, revision: Revision) -> Option<&History> {
        self.histories.get(&(campaign.clone(), revision))
    }

    /// Returns every campaign revision that was sent, by name, then revision.
    pub fn histories(&self) -> impl Iterator<Item = (&CampaignId, Revision, &History)> {
        self.histories.iter().map(|((campaign, revision), history)| (campaign, *revision, history))
    }

    /// Returns every revision of a campaign that was sent or tried, lowest first.
    pub fn revisions(&self, campaign: &CampaignId) -> impl Iterator<Item = (Revision, &History)> {
        let from_first = self.histories.range((campaign.clone(), Revision::FIRST)..);
        let of_campaign = from_first.take_while(move |((id, _), _)| id == campaign);
        of_campaign.map(|((_, revision), history)| (*revision, history))
    }

    /// Returns the highest revision of a campaign that was sent to anybody, or may have been.
    #[must_use]
    pub fn latest_revision(&self, campaign: &CampaignId) -> Option<Revision> {
        let sent = self.revisions(campaign).filter(|(_, history)| history.is_sent());
        sent.map(|(revision, _)| revision).last()
    }

    /// Counts the vendor's tasks that may still wait to be executed at `now`: one for each accepted or
    /// doubtful request of a scheduled or repeating campaign.
    #[must_use]
    pub fn unexecuted_tasks(&self, now: DateTime<Utc>) -> usize {
        self.task_ends.iter().filter(|end| **end > now).count()
    }

    /// Whether the vendor's task of this id is one that the ledger knows to be accepted.
    #[must_use]
    pub fn has_task(&self, task_id: &str) -> bool {
        self.task_ids.contains(task_id)
    }

    /// Counts the broadcasts and `PushMultiple`s, and the scheduled and repeating batches, that the vendor took, of which the ledger does not know the
    /// task: those of a person's verdict, above all. By campaign revision.
    pub fn unnamed_tasks(&self) -> impl Iterator<Item = (&History, u64)> {
        self.unnamed_tasks.iter().filter_map(|(key, count)| Some((self.histories.get(key)?, *count)))
    }

    /// Returns every batch in doubt, in the order of their records.
    #[must_use]
    pub fn doubts(&self) -> Vec<&Doubt> {
        let mut doubts: Vec<&Doubt> = self.histories.values().flat_map(|history| &history.doubts).collect();
        doubts.sort_by_key(|doubt| doubt.serial);
        doubts
    }

    /// Returns when the ledger was taken from the writer of a record, if it was without proof that this one had ended.
    #[must_use]
    pub fn fenced_at(&self, record: Serial) -> Option<DateTime<Utc>> {
        self.take_overs.iter().find(|take_over| take_over.serial > record).map(|take_over| take_over.at)
    }

    /// Takes in that it was taken over just now.
    pub fn take_over(&mut self, take_over: TakeOver) {
        (self.serial, self.last_at) = (take_over.serial, take_over.at);
        self.take_overs.push(take_over);
    }

    /// Returns one `apply`.
    #[must_use]
    pub fn run(&self, run: &RunId) -> Option<&RunSummary> {
        self.runs.iter().rfind(|summary| summary.run == *run)
    }

    /// Returns every verdict and withdrawal, oldest first.
    #[must_use]
    pub fn decisions(&self) -> &[Decision] {
        &self.decisions
    }

    /// Returns the verdict on a batch that was in doubt, named by record number or task name.
    #[must_use]
    pub fn verdict_on(&self, batch: &str) -> Option<(&SettledBatch, &Decision)> {
        let number = batch.parse().ok().map(Serial);
        self.decisions.iter().rev().find_map(|decision| match &decision.what {
            Decided::Verdict { batches, .. } => {
                let is_it = |each: &&SettledBatch| Some(each.intent) == number || each.task_name == batch;
                batches.iter().find(is_it).map(|settled| (settled, decision))
            }
            Decided::Withdrawn => None,
        })
    }

    /// Returns every `apply`, oldest first.
    #[must_use]
    pub fn runs(&self) -> &[RunSummary] {
        &self.runs
    }
}
