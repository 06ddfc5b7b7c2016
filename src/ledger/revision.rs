//! One campaign revision, while records are folded.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::domain::{TargetHash, TargetSet, TargetSetBuilder};
use crate::ledger::blocks::{Accepted, BlockName, BlockPlace, Blocks};
use crate::ledger::content::{Content, ContentDigest};
use crate::ledger::decision::Ruling;
use crate::ledger::history::{Doubt, History, Rejection, Task};

/// What the records so far add up to of one campaign revision.
pub(super) struct RevisionFold {
    pub(super) content: Content,
    pub(super) digest: ContentDigest,
    pub(super) submitted_at: DateTime<Utc>,
    pub(super) first_at: Option<DateTime<Utc>>,
    pub(super) planned: Option<u64>,
    pub(super) withdrawn_at: Option<DateTime<Utc>>,
    pub(super) last_at: DateTime<Utc>,
    pub(super) packed: Vec<(BlockPlace, BlockName)>,
    /// Accepted targets that are in no block.
    pub(super) accepted: TargetSetBuilder,
    /// Those among what was packed of which a push was taken before.
    pub(super) accepted_again: u64,
    /// Targets that the vendor rejected.
    pub(super) rejected: Vec<TargetHash>,
    /// Targets that a verdict says were not sent.
    pub(super) ruled_out: Vec<TargetHash>,
    pub(super) ruling: Option<Ruling>,
    pub(super) open_intents: usize,
    /// The place of the run that sent something of it last.
    pub(super) sent_by: Option<usize>,
    pub(super) batches: u32,
    pub(super) last_rejection: Option<Rejection>,
    pub(super) tasks: Vec<Task>,
}

impl RevisionFold {
    pub(super) fn new(content: Content, digest: ContentDigest, at: DateTime<Utc>) -> Self {
        Self {
            content,
            digest,
            submitted_at: at,
            first_at: None,
            planned: None,
            withdrawn_at: None,
            last_at: at,
            packed: Vec::new(),
            accepted: TargetSetBuilder::default(),
            accepted_again: 0,
            rejected: Vec::new(),
            ruled_out: Vec::new(),
            ruling: None,
            open_intents: 0,
            sent_by: None,
            batches: 0,
            last_rejection: None,
            tasks: Vec::new(),
        }
    }

    /// A revision of which nothing was taken, and nothing may have been, can be sent with other content.
    pub(super) fn submit_again(&mut self, content: &Content, digest: &ContentDigest, at: DateTime<Utc>) {
        if self.packed.is_empty() && self.accepted.taken() == 0 && self.open_intents == 0 {
            self.content = content.clone();
            self.digest = digest.clone();
            self.submitted_at = at;
            self.planned = None;
        }
    }

    pub(super) fn accept(&mut self, targets: &[TargetHash]) {
        for target in targets {
            self.accepted.push(*target);
        }
    }

    pub(super) fn finish(self, doubts: Vec<Doubt>, blocks: Arc<dyn Blocks>) -> History {
        let unknown: TargetSet =
            doubts.iter().flat_map(|doubt| doubt.intent.targets.iter().copied()).collect();
        let accepted_pushes = self.accepted.taken();
        let recent = self.accepted.finish();
        let accepted_again = self.accepted_again + accepted_pushes - recent.len() as u64;
        // Of those in blocks none was intended again, so none of them can have been rejected since.
        let open = |targets: Vec<TargetHash>| TargetSet::new(targets).minus(&recent).minus(&unknown);
        let by_vendor = TargetSet::new(self.rejected.clone());
        let rejected = open([self.rejected, self.ruled_out.clone()].concat());
        let ruled_out = open(self.ruled_out).minus(&by_vendor);
        History {
            content: self.content,
            digest: self.digest,
            submitted_at: self.submitted_at,
            first_at: self.first_at,
            planned: self.planned,
            withdrawn_at: self.withdrawn_at,
            last_at: self.last_at,
            rejected,
            ruled_out,
            ruling: self.ruling,
            accepted_again,
            accepted: Accepted::new(self.packed, recent, blocks),
            unknown,
            batches: self.batches,
            last_rejection: self.last_rejection,
            doubts,
            tasks: self.tasks,
        }
    }
}
