//! How far a log was, as what stands beside it tells: objects that were written only once part of the log was durable.
//!
//! | object | what was durable before it was written |
//! |---|---|
//! | `newest/SLOT` | the object of that slot, and so every one before it |
//! | `pack/SLOT-NONCE/…` | every object before that slot: it was the first free one of the log when its writer began |
//!
//! That holds of an object that arrives late, and of a pack that was given up or whose writer was killed or fenced. So a log
//! that ends before is not whole, whoever looks when. Read it before the log: what is written meanwhile then says too little,
//! and never too much.

use bytes::Bytes;
use serde::Deserialize;

use crate::ledger::Serial;
use crate::state::objects::client::Client;
use crate::state::objects::frame::unpack_lines;
use crate::state::objects::trouble::Trouble;

/// Greater numbers are of no log: it would take longer than the universe is old.
pub(super) const SLOT_MAX: u64 = 1 << 62;

/// Returns the key that stands for a packed slot: the newest of them is listed first.
pub(super) fn newest_key(slot: u64) -> String {
    format!("newest/{:020}", u64::MAX - slot)
}

/// What stands beside a log.
#[derive(Debug, Default)]
pub(super) struct Beside {
    /// The slot of what was packed last, as far as that was noted.
    pub(super) newest: Option<u64>,
    /// The objects of all packs, in place or not, in order: slot and key.
    packs: Vec<(u64, String)>,
}

impl Beside {
    /// Lists it.
    pub(super) async fn read(client: &Client) -> Result<Self, Trouble> {
        let (newest, packs) =
            tokio::try_join!(client.list("newest/", None, 1), client.list("pack/", None, usize::MAX))?;
        let newest = newest.first().and_then(|key| key.strip_prefix("newest/")?.parse::<u64>().ok());
        let newest = newest.map(|left| u64::MAX - left).filter(|slot| *slot <= SLOT_MAX);
        let pack = |key: String| Some((slot_of_pack(&key)?, key));
        Ok(Self { newest, packs: packs.into_iter().filter_map(pack).collect() })
    }

    /// Returns the first slot of which nothing tells that it was ever written to.
    pub(super) fn free_from(&self) -> u64 {
        let noted = self.newest.map_or(1, |slot| slot + 1);
        self.packs.last().map_or(noted, |(slot, _)| noted.max(*slot))
    }

    /// Returns the last record that was certainly durable, as far as packs tell that: nothing where none can be read.
    pub(super) async fn last_serial(&self, client: &Client) -> Result<Option<Serial>, Trouble> {
        // Where one is in place, it is the last that was begun before: no two drafts are begun in one slot, and none by
        // another writer between the beginning of one and its switch.
        let in_place = self.newest.and_then(|newest| self.packs.iter().rfind(|(slot, _)| *slot <= newest));
        let last_in_place = match in_place {
            Some((slot, _)) => self.serials(client, *slot).await?.map(|(_, last)| last),
            None => None,
        };
        // What any other says was to follow what was durable when it was begun.
        let before_last = match self.packs.last() {
            Some((slot, _)) => self.serials(client, *slot).await?.map(|(first, _)| Serial(first.0 - 1)),
            None => None,
        };
        Ok(last_in_place.max(before_last))
    }

    /// Reads the first and the last serial of a pack's records.
    async fn serials(&self, client: &Client, slot: u64) -> Result<Option<(Serial, Serial)>, Trouble> {
        let of_records = |(of, key): &&(u64, String)| *of == slot && key.contains("/records-");
        let mut keys = self.packs.iter().filter(of_records).map(|(_, key)| key);
        let Some(first_key) = keys.next() else { return Ok(None) };
        let (first, last) =
            (client.get(first_key).await?, client.get(keys.next_back().unwrap_or(first_key)).await?);
        Ok(serials(first).zip(serials(last)).map(|((first, _), (_, last))| (first, last)))
    }
}

/// Returns the slot that a pack is named after: `pack/SLOT-NONCE/NAME`.
fn slot_of_pack(key: &str) -> Option<u64> {
    let (slot, _) = key.strip_prefix("pack/")?.split_once('-')?;
    let slot = (slot.len() == 20).then(|| slot.parse().ok()).flatten()?;
    (1..=SLOT_MAX).contains(&slot).then_some(slot)
}

/// Returns the first and the last serial of records; nothing where they cannot be read.
fn serials(body: Option<Bytes>) -> Option<(Serial, Serial)> {
    #[derive(Deserialize)]
    struct Numbered {
        serial: Serial,
    }
    let mut lines = unpack_lines(&body?).ok()?;
    let first = lines.next()?;
    let last = lines.last().unwrap_or_else(|| first.clone());
    let serial = |line: &[u8]| serde_json::from_slice::<Numbered>(line).ok().map(|line| line.serial);
    serial(&first).zip(serial(&last)).filter(|(first, _)| first.0 > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_beside_a_log_says_from_where_on_it_may_be_free() {
        let beside = |newest: Option<u64>, packs: &[u64]| {
            let key = |slot: &u64| (*slot, format!("pack/{slot:020}-0/index"));
            Beside { newest, packs: packs.iter().map(key).collect() }
        };
        for (newest, packs, free_from) in [
            (None, &[][..], 1),
            (Some(7), &[], 8),
            (None, &[3], 3),
            (Some(7), &[3, 7], 8),
            (Some(7), &[3, 12], 12),
        ] {
            assert_eq!(beside(newest, packs).free_from(), free_from, "{newest:?}, {packs:?}");
        }
        assert_eq!(slot_of_pack("pack/00000000000000000121-ab/index"), Some(121));
        for other in
            ["pack/121-ab/index", "pack/log/00000000000000000121", "pack/99999999999999999999-a/x", "x"]
        {
            assert_eq!(slot_of_pack(other), None, "{other}");
        }
    }
}
