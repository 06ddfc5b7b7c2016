//! What stands in the stead of a log's steps: records, and blocks bundled into objects of some MiB with an index.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::state::objects::frame::digest;

/// What a `packed` object of the log carries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pack {
    /// The objects of its records, in order.
    pub(super) records: Vec<Part>,
    /// The index of its blocks; nothing where there are none.
    pub(super) index: Option<Part>,
    /// The bundles that the index counts from 0.
    pub(super) bundles: Vec<String>,
    /// Slots of the log that only this one made useless, both ends included: whoever packs next removes them. No slot is
    /// among them at which an epoch began: a writer that stands still since then would create it anew, and be told so.
    pub(super) superseded: Vec<(u64, u64)>,
    /// What was packed before this slot is kept for a person, who restored a ledger over it.
    #[serde(default)]
    pub(super) keeps_before: u64,
}

/// An object beside the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Part {
    pub(super) key: String,
    /// As a header says it of its body.
    pub(super) digest: String,
}

impl Part {
    pub(super) fn of(key: String, body: &[u8]) -> Self {
        Self { key, digest: digest(body) }
    }

    /// Proves what was read.
    pub(super) fn prove(&self, body: Option<Bytes>) -> Result<Bytes, String> {
        let body = body.ok_or_else(|| {
            format!("`{}` is gone; if the ledger was packed just now, run the command again", self.key)
        })?;
        if digest(&body) == self.digest {
            Ok(body)
        } else {
            Err(format!("`{}` is not what was written there", self.key))
        }
    }
}

impl Pack {
    /// Returns the keys of all objects that it needs.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        let parts = self.records.iter().chain(&self.index).map(|part| part.key.as_str());
        parts.chain(self.bundles.iter().map(String::as_str))
    }
}

/// Where a block is: in which bundle, from which byte on, and how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Location {
    pub(super) bundle: u32,
    pub(super) offset: u32,
    pub(super) length: u32,
}

/// A block's digest, as its name has it in digits.
pub(super) type Digest = [u8; 16];

/// Bytes of an entry: digest and location.
const ENTRY_BYTES: usize = 28;

/// Lays out an index: sorted by digest.
pub(super) fn encode_index<'a>(entries: impl Iterator<Item = (&'a Digest, &'a Location)>) -> Bytes {
    let mut bytes = Vec::new();
    for (digest, Location { bundle, offset, length }) in entries {
        bytes.extend_from_slice(digest);
        for number in [bundle, offset, length] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
    }
    Bytes::from(bytes)
}

/// Reads an index.
pub(super) fn decode_index(bytes: &[u8]) -> Result<Vec<(Digest, Location)>, String> {
    let (entries, []) = bytes.as_chunks::<ENTRY_BYTES>() else {
        return Err("the index of blocks is cut off".to_owned());
    };
    let entry = |entry: &[u8; ENTRY_BYTES]| {
        let (digest, numbers) = entry.split_first_chunk::<16>().expect("it has 28 bytes");
        let (numbers, _) = numbers.as_chunks::<4>();
        let number = |at: usize| u32::from_be_bytes(numbers[at]);
        (*digest, Location { bundle: number(0), offset: number(1), length: number(2) })
    };
    Ok(entries.iter().map(entry).collect())
}

/// Reads the digest that a block's name has.
pub(super) fn digest_of(name: &str) -> Option<Digest> {
    hex::decode(name).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn an_index_is_read_as_it_was_written() {
        let entries: BTreeMap<Digest, Location> = (0..5_u8)
            .map(|n| ([n; 16], Location { bundle: n.into(), offset: u32::from(n) << 20, length: 6_400 }))
            .collect();
        let bytes = encode_index(entries.iter());
        assert_eq!(decode_index(&bytes).unwrap(), entries.into_iter().collect::<Vec<_>>());
        assert!(decode_index(&bytes[1..]).is_err());
        assert_eq!(digest_of(&hex::encode([7; 16])), Some([7; 16]));
        assert_eq!(digest_of("07"), None);
    }
}
