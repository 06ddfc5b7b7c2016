//! Hashes target ids by the million.
//!
//! SHA-256 works on blocks of 64 bytes. Salt, kind and a usual id fit into one or two, so a hash is those blocks laid
//! out around what all ids of an audience have in common, and one call; a longer id takes the ordinary way. Many
//! independent blocks in a row keep a processor's SHA unit busy, which one at a time leaves idle for half of its time.

use std::fmt;

use sha2::block_api::compress256;
use sha2::{Digest, Sha256};

use crate::domain::{LedgerSalt, TargetHash, TargetIdRef, TargetKind};

/// The state that SHA-256 begins with (FIPS 180-4, section 5.3.3).
const START: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// A block of SHA-256 (FIPS 180-4, section 1).
const BLOCK_BYTES: usize = 64;

/// Blocks for which there is room.
const BLOCKS: usize = 2;

/// What follows a message (FIPS 180-4, section 5.1.1): a set bit, and its length in eight bytes.
const TAIL_BYTES: usize = 9;

/// Ids that are hashed together: few enough to stay in the processor's first cache.
const BATCH_IDS: usize = 32;

/// Hashes target ids of one kind for one ledger.
#[derive(Clone)]
pub struct TargetHasher {
    /// Begins with what all ids have in common.
    message: Message,
    /// The bytes of it.
    common_bytes: usize,
    /// The same, for an id that needs more blocks than there is room for.
    long: Sha256,
}

/// A short message of SHA-256, with its tail.
#[derive(Clone)]
struct Message {
    blocks: [[u8; BLOCK_BYTES]; BLOCKS],
    count: usize,
    /// Where the text ended that was put last: between there and the length stand zeros.
    end: usize,
}

impl Message {
    /// Puts `text` after the first `start` bytes, or returns false where it does not fit.
    #[inline]
    fn put(&mut self, start: usize, text: &[u8]) -> bool {
        let end = start + text.len();
        let count = (end + TAIL_BYTES).div_ceil(BLOCK_BYTES);
        if count > BLOCKS {
            return false;
        }
        let is_shorter = end < self.end || count != self.count;
        (self.count, self.end) = (count, end);
        let bytes = &mut self.blocks.as_flattened_mut()[..count * BLOCK_BYTES];
        let length_at = bytes.len() - 8;
        if is_shorter {
            bytes[end..length_at].fill(0);
        }
        bytes[start..end].copy_from_slice(text);
        bytes[end] = 0x80;
        bytes[length_at..].copy_from_slice(&(end as u64 * 8).to_be_bytes());
        true
    }

    #[inline]
    fn hash(&self) -> TargetHash {
        let mut state = START;
        compress256(&mut state, &self.blocks[..self.count]);
        let mut first = [0; 16];
        for (bytes, word) in first.as_chunks_mut::<4>().0.iter_mut().zip(state) {
            *bytes = word.to_be_bytes();
        }
        TargetHash(first)
    }
}

impl TargetHasher {
    /// Prepares what all the hashes have in common.
    #[must_use]
    pub fn new(salt: &LedgerSalt, kind: TargetKind) -> Self {
        Self::after(salt, kind.as_str())
    }

    /// Hashes the one target of a broadcast.
    pub(super) fn hash_of_broadcast(salt: &LedgerSalt) -> TargetHash {
        Self::after(salt, "broadcast").hash_text("")
    }

    fn after(salt: &LedgerSalt, kind: &str) -> Self {
        let common = [salt.as_bytes(), kind.as_bytes(), &[0]].concat();
        let mut message = Message { blocks: [[0; BLOCK_BYTES]; BLOCKS], count: 0, end: 0 };
        message.put(0, &common);
        Self { message, common_bytes: common.len(), long: Sha256::new().chain_update(&common) }
    }

    /// Hashes one target id.
    #[must_use]
    pub fn hash(&self, id: TargetIdRef<'_>) -> TargetHash {
        self.hash_text(id.as_str())
    }

    fn hash_text(&self, id: &str) -> TargetHash {
        let mut message = self.message.clone();
        if message.put(self.common_bytes, id.as_bytes()) { message.hash() } else { self.hash_long(id) }
    }

    #[cold]
    fn hash_long(&self, id: &str) -> TargetHash {
        let digest = self.long.clone().chain_update(id).finalize();
        let mut first = [0; 16];
        first.copy_from_slice(&digest[..16]);
        TargetHash(first)
    }

    /// Hashes many ids, some at a time.
    #[must_use]
    pub fn batch(self) -> TargetHashBatch {
        let messages = vec![self.message.clone(); BATCH_IDS].into_boxed_slice();
        TargetHashBatch { hasher: self, messages, waiting: 0, hashes: Vec::with_capacity(BATCH_IDS + 1) }
    }
}

impl fmt::Debug for TargetHasher {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("TargetHasher(…)")
    }
}

/// Hashes ids in the order in which they come, some at a time: what [`TargetHasher::hash`] gives, in half of the time.
#[derive(Debug)]
pub struct TargetHashBatch {
    hasher: TargetHasher,
    messages: Box<[Message]>,
    /// So many of the messages are not hashed yet.
    waiting: usize,
    hashes: Vec<TargetHash>,
}

impl TargetHashBatch {
    /// Takes an id; returns the hashes that became ready, which are those of the ids before it and its own, or none.
    #[inline]
    pub fn push(&mut self, id: TargetIdRef<'_>) -> &[TargetHash] {
        let message = &mut self.messages[self.waiting];
        if message.put(self.hasher.common_bytes, id.as_str().as_bytes()) {
            self.waiting += 1;
            if self.waiting < self.messages.len() {
                return &[];
            }
            return self.rest();
        }
        let long = self.hasher.hash_long(id.as_str());
        self.rest();
        self.hashes.push(long);
        &self.hashes
    }

    /// Returns the hashes of the ids that still wait.
    pub fn rest(&mut self) -> &[TargetHash] {
        self.hashes.clear();
        self.hashes.extend(self.messages[..self.waiting].iter().map(Message::hash));
        self.waiting = 0;
        &self.hashes
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Message(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::TargetId;

    /// What a hash is, in as many words.
    fn plainly(salt: &LedgerSalt, kind: TargetKind, id: &str) -> TargetHash {
        let text = [salt.as_bytes(), kind.as_str().as_bytes(), b"\0", id.as_bytes()].concat();
        TargetHash(Sha256::digest(text)[..16].try_into().unwrap())
    }

    #[test]
    fn ids_of_every_length_and_kind_are_hashed_as_sha_256_says_one_by_one_and_together() {
        let salt = LedgerSalt::new(*b"sixteen of salt!");
        for kind in TargetKind::ALL {
            // Down and up again: a message must not keep anything of a longer one before it.
            let lengths = (1..=300).rev().chain(1..=300).chain([TargetId::LEN_MAX_BYTES]);
            let ids: Vec<TargetId> =
                lengths.map(|length| "0123456789abcdef".repeat(64)[..length].parse().unwrap()).collect();
            let hasher = TargetHasher::new(&salt, kind);
            let expected: Vec<TargetHash> = ids.iter().map(|id| plainly(&salt, kind, id.as_str())).collect();
            let single: Vec<TargetHash> = ids.iter().map(|id| hasher.hash(id.borrowed())).collect();
            assert_eq!(single, expected);
            let mut batch = hasher.batch();
            let mut together = Vec::new();
            for id in &ids {
                together.extend_from_slice(batch.push(id.borrowed()));
            }
            together.extend_from_slice(batch.rest());
            assert!(batch.rest().is_empty());
            assert_eq!(together, expected);
        }
    }

    #[test]
    fn a_broadcast_is_a_target_too() {
        let salt = LedgerSalt::new([9; 16]);
        let text = [salt.as_bytes().as_slice(), b"broadcast\0"].concat();
        assert_eq!(TargetHash::of_broadcast(&salt).0, Sha256::digest(text)[..16]);
    }
}
