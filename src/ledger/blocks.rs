//! Accepted targets that stand in blocks outside the records: sorted, 16 bytes a target, read when they are asked for.
//!
//! A record names its blocks by their digests, so that the chain of records proves them too. Where they are kept is
//! `state`'s business, behind [`Blocks`].

use std::error::Error;
use std::fmt;
use std::iter::Peekable;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::domain::{TargetHash, TargetSet};
use crate::ledger::id::Serial;

/// Targets of a full block. Seventeen such values, the most of one leaf, stay below the size from which sled 0.34
/// keeps a leaf in a file of its own, which it never syncs.
pub const BLOCK_TARGETS: usize = 400;

/// Bytes of one target in a block.
const TARGET_BYTES: usize = 16;

/// Where a block is: the record that names it, and its place there, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockPlace {
    /// The record that names it.
    pub serial: Serial,
    /// The block's place in it.
    pub index: u16,
}

/// Why targets cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum BlockError {
    /// The store does not give them.
    #[error("the targets of record {0} cannot be read")]
    Unreadable(Serial, #[source] Box<dyn Error + Send + Sync>),
    /// The store gives something else.
    #[error("the targets of record {0} are not what was written there")]
    Changed(Serial),
}

/// The bytes of a block, in the memory of whatever keeps it.
pub type BlockBytes = Box<dyn AsRef<[u8]> + Send + Sync>;

/// Whatever keeps blocks.
pub trait Blocks: fmt::Debug + Send + Sync {
    /// Returns a block's bytes, found by where it is or by what it is called: a name is of the bytes, so wherever one of that
    /// name is kept it is the same. The caller proves them.
    ///
    /// # Errors
    ///
    /// Returns [`BlockError`] where there is none, or none that can be read.
    fn block(&self, place: BlockPlace, name: &BlockName) -> Result<BlockBytes, BlockError>;

    /// Takes in which blocks will be asked for, in which order: who has them far away fetches many at a time.
    fn will_ask(&self, _: &mut dyn Iterator<Item = &BlockName>) {}
}

/// Keeps none: for a ledger whose records name none.
#[derive(Debug)]
pub(super) struct NoBlocks;

impl Blocks for NoBlocks {
    fn block(&self, place: BlockPlace, _: &BlockName) -> Result<BlockBytes, BlockError> {
        Err(BlockError::Unreadable(place.serial, "there is nothing beside the records".into()))
    }
}

/// A block as its record names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockName {
    /// How many targets it holds.
    pub targets: u32,
    /// The first 16 bytes of SHA-256 over it, in hexadecimal digits.
    pub digest: String,
}

impl BlockName {
    /// Names a block.
    #[must_use]
    pub fn of(block: &[u8]) -> Self {
        let targets = u32::try_from(block.len() / TARGET_BYTES).unwrap_or(u32::MAX);
        Self { targets, digest: hex::encode(&Sha256::digest(block)[..16]) }
    }

    /// Whether `block` is the one that is named.
    #[must_use]
    pub fn is_of(&self, block: &[u8]) -> bool {
        block.len().is_multiple_of(TARGET_BYTES) && Self::of(block) == *self
    }
}

/// Cuts sorted targets into blocks.
pub(super) fn blocks_of<E>(
    targets: impl Iterator<Item = Result<TargetHash, E>>,
) -> impl Iterator<Item = Result<Vec<u8>, E>> {
    let mut targets = targets;
    std::iter::from_fn(move || {
        let mut block = Vec::with_capacity(BLOCK_TARGETS * TARGET_BYTES);
        for target in targets.by_ref().take(BLOCK_TARGETS) {
            match target {
                Ok(target) => block.extend_from_slice(&target.0),
                Err(error) => return Some(Err(error)),
            }
        }
        (!block.is_empty()).then_some(Ok(block))
    })
}

/// The targets of a campaign revision whose push the vendor took: in blocks, and since.
#[derive(Clone, Debug)]
pub struct Accepted {
    packed: Vec<(BlockPlace, BlockName)>,
    packed_count: u64,
    recent: TargetSet,
    blocks: Arc<dyn Blocks>,
}

impl Accepted {
    pub(super) fn new(
        packed: Vec<(BlockPlace, BlockName)>,
        recent: TargetSet,
        blocks: Arc<dyn Blocks>,
    ) -> Self {
        let packed_count = packed.iter().map(|(_, name)| u64::from(name.targets)).sum();
        Self { packed, packed_count, recent, blocks }
    }

    /// Returns how many there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.packed_count + self.recent.len() as u64
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Iterates in sorted order, reading one block at a time. A target that stands in two places comes twice: no
    /// ledger that campaignctl wrote alone has one.
    pub fn iter(&self) -> impl Iterator<Item = Result<TargetHash, BlockError>> {
        merged(self.iter_packed(), self.recent.iter().map(|hash| Ok(*hash)))
    }

    /// Returns those that stand in no block.
    pub(super) fn recent(&self) -> &TargetSet {
        &self.recent
    }

    /// Iterates over those in blocks, in sorted order, a block at a time.
    pub(super) fn runs_in_blocks(&self) -> impl Iterator<Item = Result<Block, BlockError>> {
        self.blocks.will_ask(&mut self.packed.iter().map(|(_, name)| name));
        self.packed.iter().map(|(place, name)| {
            let block = self.blocks.block(*place, name)?;
            if name.is_of((*block).as_ref()) {
                Ok(Block(block))
            } else {
                Err(BlockError::Changed(place.serial))
            }
        })
    }

    fn iter_packed(&self) -> impl Iterator<Item = Result<TargetHash, BlockError>> {
        self.runs_in_blocks().flat_map(|run| {
            let (block, error) = match run {
                Ok(block) => (Some(block), None),
                Err(error) => (None, Some(Err(error))),
            };
            let count = block.as_ref().map_or(0, |block| block.as_ref().len());
            let hash = move |place: usize| Some(Ok(TargetHash(block.as_ref()?.as_ref()[place])));
            error.into_iter().chain((0..count).map_while(hash))
        })
    }
}

/// A block that is the one its record names.
pub(super) struct Block(BlockBytes);

impl AsRef<[[u8; TARGET_BYTES]]> for Block {
    fn as_ref(&self) -> &[[u8; TARGET_BYTES]] {
        (*self.0).as_ref().as_chunks().0
    }
}

/// Merges two sorted rows into one.
pub(super) fn merged<E>(
    left: impl Iterator<Item = Result<TargetHash, E>>,
    right: impl Iterator<Item = Result<TargetHash, E>>,
) -> impl Iterator<Item = Result<TargetHash, E>> {
    let (mut left, mut right): (Peekable<_>, Peekable<_>) = (left.peekable(), right.peekable());
    std::iter::from_fn(move || {
        // An error on either side comes at once.
        let takes_left = match (left.peek(), right.peek()) {
            (Some(Ok(left)), Some(Ok(right))) => left <= right,
            (Some(_), Some(Ok(_)) | None) => true,
            (_, Some(_)) => false,
            (None, None) => return None,
        };
        if takes_left { left.next() } else { right.next() }
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(Debug, Default)]
    struct Kept(BTreeMap<BlockPlace, Vec<u8>>);

    impl Blocks for Kept {
        fn block(&self, place: BlockPlace, _: &BlockName) -> Result<BlockBytes, BlockError> {
            let block = self.0.get(&place).cloned();
            let block = block.ok_or_else(|| BlockError::Unreadable(place.serial, "gone".into()))?;
            Ok(Box::new(block))
        }
    }

    fn hashes(bytes: impl IntoIterator<Item = u16>) -> Vec<TargetHash> {
        let hash = |number: u16| {
            let mut hash = [0; 16];
            hash[..2].copy_from_slice(&number.to_be_bytes());
            TargetHash(hash)
        };
        bytes.into_iter().map(hash).collect()
    }

    fn kept(targets: &[TargetHash]) -> (Kept, Vec<(BlockPlace, BlockName)>) {
        let (mut kept, mut names) = (Kept::default(), Vec::new());
        let row = targets.iter().copied().map(Ok::<_, ()>);
        for (index, block) in blocks_of(row).map(Result::unwrap).enumerate() {
            let place = BlockPlace { serial: Serial(9), index: u16::try_from(index).unwrap() };
            names.push((place, BlockName::of(&block)));
            kept.0.insert(place, block);
        }
        (kept, names)
    }

    #[test]
    fn blocks_and_what_came_since_are_one_sorted_row() {
        let even = hashes((0..2000).step_by(2));
        let (kept, names) = kept(&even);
        assert_eq!(names.len(), 3, "400, 400, 200");
        let recent: TargetSet = hashes([1, 3, 1999, 2001]).into_iter().collect();
        let accepted = Accepted::new(names, recent, Arc::new(kept));
        let all: Vec<TargetHash> = accepted.iter().map(Result::unwrap).collect();
        let mut expected = [even, hashes([1, 3, 1999, 2001])].concat();
        expected.sort();
        assert_eq!(all, expected);
        assert_eq!(accepted.len(), expected.len() as u64);
    }

    #[test]
    fn a_block_that_is_gone_or_another_is_an_error_and_no_end() {
        let (mut kept, names) = kept(&hashes(0..900));
        let second = names[1].0;
        kept.0.get_mut(&second).unwrap()[7] ^= 1;
        kept.0.remove(&names[2].0);
        let accepted = Accepted::new(names, TargetSet::default(), Arc::new(kept));
        let errors: Vec<String> =
            accepted.iter().filter_map(Result::err).map(|error| error.to_string()).collect();
        let changed = "the targets of record 9 are not what was written there";
        assert_eq!(errors, [changed, "the targets of record 9 cannot be read"]);
        let without = hashes(0..900).into_iter().collect::<TargetSet>().without(accepted.runs_in_blocks());
        assert!(without.is_err());
    }
}
