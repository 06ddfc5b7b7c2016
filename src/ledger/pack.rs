//! Packs a ledger: writes down what all its records add up to, as records that stand in their stead.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::domain::{CampaignId, Revision, TargetHash, TargetSet};
use crate::ledger::blocks::{BlockError, BlockName, blocks_of};
use crate::ledger::header::{FORMAT_VERSION, Header};
use crate::ledger::history::{Doubt, History, Ledger, Task};
use crate::ledger::packed::{
    Mark, PackedDoubt, PackedHeader, PackedRejections, PackedRevision, PackedTargets, PackedTasks,
};
use crate::ledger::record::Record;

/// Accepted targets of a campaign revision up to this number stand in its own record.
const INLINE_MAX: u64 = 100;
/// Blocks that one record names.
const BLOCKS_OF_RECORD: usize = 64;
/// Ids, targets and moments that one record lists.
const ITEMS_OF_RECORD: usize = 500;

/// A record of a packed ledger, and the blocks that stand beside it.
#[derive(Debug)]
pub struct Packed {
    /// What stands in the log.
    pub record: Record,
    /// Blocks that it names, in their order.
    pub blocks: Vec<Vec<u8>>,
}

impl From<Record> for Packed {
    fn from(record: Record) -> Self {
        Self { record, blocks: Vec::new() }
    }
}

type Part<'a> = Box<dyn Iterator<Item = Result<Packed, BlockError>> + 'a>;

impl Ledger {
    /// Yields the records that say what this ledger adds up to, its first record to come right behind `after`, its last
    /// one. `marks` are places that other machines may remember. Reads accepted targets as it goes, and never holds
    /// them all.
    pub fn pack(
        &self,
        after: Mark,
        marks: Vec<Mark>,
    ) -> impl Iterator<Item = Result<Packed, BlockError>> + '_ {
        let header = Header { format: FORMAT_VERSION, ..self.header.clone() };
        let first = PackedHeader {
            header,
            opened_at: self.opened_at,
            after,
            marks,
            take_overs: self.take_overs.clone(),
        };
        let runs = self.runs.iter().map(|run| Ok(Record::PackedRun(run.clone()).into()));
        let decisions =
            self.decisions.iter().map(|decision| Ok(Record::PackedDecision(decision.clone()).into()));
        let revisions = self.histories.iter().flat_map(|((campaign, revision), history)| -> Part<'_> {
            self.pack_revision(campaign, *revision, history)
        });
        let doubts =
            self.doubts().into_iter().map(|doubt| Ok(Record::PackedDoubt(packed_doubt(doubt)).into()));
        std::iter::once(Ok(Record::Packed(first).into()))
            .chain(runs)
            .chain(decisions)
            .chain(revisions)
            .chain(self.pack_tasks())
            .chain(doubts)
    }

    fn pack_revision<'a>(
        &'a self,
        campaign: &'a CampaignId,
        revision: Revision,
        history: &'a History,
    ) -> Part<'a> {
        let accepted = || history.accepted.iter();
        let (mut again, mut few, mut last) = (history.accepted_again, Vec::new(), None);
        for target in accepted() {
            match target {
                Err(error) => return Box::new(std::iter::once(Err(error))),
                Ok(target) if last.replace(target) == Some(target) => again += 1,
                Ok(target) if history.accepted.len() <= INLINE_MAX => few.push(target),
                Ok(_) => {}
            }
        }
        let folded = PackedRevision {
            campaign: campaign.clone(),
            revision,
            digest: history.digest.clone(),
            content: history.content.clone(),
            submitted_at: history.submitted_at,
            first_at: history.first_at,
            planned: history.planned,
            withdrawn_at: history.withdrawn_at,
            last_at: history.last_at,
            batches: history.batches,
            accepted_again: again,
            last_rejection: history.last_rejection.clone(),
            ruling: history.ruling.clone(),
            unnamed_tasks: self.unnamed_tasks.get(&(campaign.clone(), revision)).copied().unwrap_or_default(),
            tasks: history.tasks.iter().filter(|task| task.over_at > self.last_at).cloned().collect(),
            accepted: few,
        };
        let folded = std::iter::once(Ok(Record::PackedRevision(folded).into()));
        let chunks = |targets: &TargetSet, by_verdict: bool| -> Vec<(bool, Vec<TargetHash>)> {
            let targets: Vec<TargetHash> = targets.iter().copied().collect();
            targets.chunks(ITEMS_OF_RECORD).map(|chunk| (by_verdict, chunk.to_vec())).collect()
        };
        let by_vendor = chunks(&history.rejected.minus(&history.ruled_out), false);
        let by_verdict = chunks(&history.ruled_out, true);
        let rejections = by_vendor.into_iter().chain(by_verdict).map(move |(by_verdict, targets)| {
            let campaign = campaign.clone();
            Ok(Record::PackedRejections(PackedRejections { campaign, revision, by_verdict, targets }).into())
        });
        if history.accepted.len() <= INLINE_MAX {
            return Box::new(folded.chain(rejections));
        }
        let mut blocks = blocks_of(once_each(accepted()));
        let targets = std::iter::from_fn(move || {
            let blocks: Result<Vec<Vec<u8>>, BlockError> = blocks.by_ref().take(BLOCKS_OF_RECORD).collect();
            let blocks = match blocks {
                Ok(blocks) if blocks.is_empty() => return None,
                Ok(blocks) => blocks,
                Err(error) => return Some(Err(error)),
            };
            let names = blocks.iter().map(|block| BlockName::of(block)).collect();
            let packed = PackedTargets { campaign: campaign.clone(), revision, blocks: names };
            Some(Ok(Packed { record: Record::PackedTargets(packed), blocks }))
        });
        Box::new(folded.chain(targets).chain(rejections))
    }

    fn pack_tasks(&self) -> Part<'_> {
        let mut ids: Vec<&String> = self.task_ids.iter().collect();
        ids.sort();
        let ids: Vec<Vec<String>> =
            ids.chunks(ITEMS_OF_RECORD).map(|ids| ids.iter().map(|id| (*id).clone()).collect()).collect();
        let ids = ids.into_iter().map(|ids| PackedTasks { ids, ends: Vec::new() });
        // Those of doubts come again with their doubts.
        let mut ends: BTreeMap<DateTime<Utc>, u32> = BTreeMap::new();
        for end in &self.task_ends {
            *ends.entry(*end).or_default() += 1;
        }
        for end in self.doubts().iter().filter_map(|doubt| doubt.intent.over_at) {
            if let Some(count) = ends.get_mut(&end) {
                *count -= 1;
            }
        }
        let ends: Vec<(DateTime<Utc>, u32)> = ends.into_iter().filter(|(_, count)| *count > 0).collect();
        let ends: Vec<_> = ends.chunks(ITEMS_OF_RECORD).map(<[_]>::to_vec).collect();
        let ends = ends.into_iter().map(|ends| PackedTasks { ids: Vec::new(), ends });
        Box::new(ids.chain(ends).map(|tasks| Ok(Record::PackedTasks(tasks).into())))
    }

    /// Whether `other` adds up to the very same: what packing must never change.
    ///
    /// # Errors
    ///
    /// Returns [`BlockError`] where targets of either cannot be read.
    pub fn adds_up_to(&self, other: &Self) -> Result<bool, BlockError> {
        let sorted = |ends: &[DateTime<Utc>]| {
            let mut ends = ends.to_vec();
            ends.sort_unstable();
            ends
        };
        let waiting = |tasks: &[Task]| -> Vec<Task> {
            tasks.iter().filter(|task| task.over_at > self.last_at).cloned().collect()
        };
        let (ours, theirs) = (&self.header, &other.header);
        let is_same = Header { format: theirs.format, ..ours.clone() } == *theirs
            && self.opened_at == other.opened_at
            && self.runs == other.runs
            && self.decisions == other.decisions
            && self.take_overs == other.take_overs
            && self.task_ids == other.task_ids
            && self.unnamed_tasks == other.unnamed_tasks
            && sorted(&self.task_ends) == sorted(&other.task_ends)
            && self.doubts() == other.doubts()
            && self.histories.keys().eq(other.histories.keys());
        if !is_same {
            return Ok(false);
        }
        for (ours, theirs) in self.histories.values().zip(other.histories.values()) {
            let is_same = ours.content == theirs.content
                && ours.digest == theirs.digest
                && ours.submitted_at == theirs.submitted_at
                && ours.first_push() == theirs.first_push()
                && ours.planned == theirs.planned
                && ours.withdrawn_at == theirs.withdrawn_at
                && ours.last_at == theirs.last_at
                && ours.batches == theirs.batches
                && ours.last_rejection == theirs.last_rejection
                && waiting(&ours.tasks) == waiting(&theirs.tasks)
                && ours.rejected == theirs.rejected
                && ours.ruled_out == theirs.ruled_out
                && ours.ruling == theirs.ruling
                && ours.unknown == theirs.unknown;
            if !is_same || !same(once_each(ours.accepted.iter()), once_each(theirs.accepted.iter()))? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn same<E>(
    mut left: impl Iterator<Item = Result<TargetHash, E>>,
    mut right: impl Iterator<Item = Result<TargetHash, E>>,
) -> Result<bool, E> {
    loop {
        let (left, right) = (left.next().transpose()?, right.next().transpose()?);
        if left != right {
            return Ok(false);
        }
        if left.is_none() {
            return Ok(true);
        }
    }
}

/// Drops repeats from a sorted row.
fn once_each<E>(
    targets: impl Iterator<Item = Result<TargetHash, E>>,
) -> impl Iterator<Item = Result<TargetHash, E>> {
    let mut last = None;
    targets.filter(move |target| match target {
        Ok(target) => last.replace(*target) != Some(*target),
        Err(_) => true,
    })
}

fn packed_doubt(doubt: &Doubt) -> PackedDoubt {
    let Doubt { serial: intent, at: intended_at, intent: batch, why, controls } = doubt.clone();
    PackedDoubt { intent, intended_at, why, batch, controls }
}

/// What an export adds to a line whose blocks stand beside it.
const BLOCKS_KEY: &[u8] = b",\"hashes\":\"";

/// Returns a line with its blocks, as an export has it.
#[must_use]
pub fn with_blocks(line: &[u8], blocks: &[Vec<u8>]) -> Vec<u8> {
    match line.strip_suffix(b"}") {
        Some(open) if !blocks.is_empty() => {
            let targets = STANDARD.encode(blocks.concat());
            [open, BLOCKS_KEY, targets.as_bytes(), b"\"}"].concat()
        }
        _ => line.to_vec(),
    }
}

/// Takes a line of an export apart: the line as the ledger has it, and its blocks. Whether they are the right ones is
/// for the line's names of them to say.
#[must_use]
pub fn without_blocks(line: &[u8]) -> (Vec<u8>, Vec<Vec<u8>>) {
    #[derive(Deserialize)]
    struct Named {
        blocks: Vec<BlockName>,
    }
    let whole = || (line.to_vec(), Vec::new());
    let is_key = |window: &[u8]| window == BLOCKS_KEY;
    let Some(place) = line.windows(BLOCKS_KEY.len()).position(is_key) else { return whole() };
    let written = &line[place + BLOCKS_KEY.len()..];
    let decoded = written.strip_suffix(b"\"}").and_then(|written| STANDARD.decode(written).ok());
    let original = [&line[..place], b"}"].concat();
    let (Some(decoded), Ok(named)) = (decoded, serde_json::from_slice::<Named>(&original)) else {
        return whole();
    };
    let mut rest = decoded.as_slice();
    let mut blocks = Vec::with_capacity(named.blocks.len());
    for name in &named.blocks {
        let Some((block, after)) = rest.split_at_checked(name.targets as usize * 16) else { return whole() };
        blocks.push(block.to_vec());
        rest = after;
    }
    (original, blocks)
}
