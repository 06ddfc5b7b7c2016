//! Blocks of a store far away: many in one go, as far ahead as it is known which ones will be asked for, and kept on this
//! machine's disk.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::domain::LedgerPlace;
use crate::ledger::{BlockBytes, BlockError, BlockName, BlockPlace, Blocks};
use crate::state::block_cache::BlockCache;
use crate::state::error::StateErrorKind;

/// Blocks that are fetched in one go: 3 MiB.
const WINDOW: usize = 512;

/// Asks a store for blocks.
pub(super) trait FetchBlocks: Send + Sync {
    /// Returns the blocks of these names that are there, in any order.
    ///
    /// # Errors
    ///
    /// Returns why the store does not answer.
    fn fetch(&self, wanted: &[BlockName]) -> Result<Vec<Vec<u8>>, StateErrorKind>;
}

/// What reads the blocks of a ledger.
pub(super) struct RemoteBlocks<F> {
    place: LedgerPlace,
    store: F,
    cache: Option<BlockCache>,
    ahead: Mutex<Ahead>,
}

#[derive(Default)]
struct Ahead {
    /// Rows that will be asked for from their beginning on, and where in one of them a digest stands.
    expected: HashMap<String, (Arc<[BlockName]>, usize)>,
    /// By their digests, until they are asked for.
    fetched: HashMap<String, Vec<u8>>,
}

impl<F: FetchBlocks> RemoteBlocks<F> {
    pub(super) fn new(place: &LedgerPlace, store: F, cache: Option<BlockCache>) -> Self {
        Self { place: place.clone(), store, cache, ahead: Mutex::default() }
    }

    fn ahead(&self) -> MutexGuard<'_, Ahead> {
        self.ahead.lock().expect("no holder of this lock panics")
    }

    /// Fetches a block, and those that will be asked for after it.
    fn fetch(&self, ahead: &mut Ahead, name: &BlockName) -> Result<(), StateErrorKind> {
        let row = ahead.expected.get(&name.digest);
        let following = row.map_or(&[][..], |(row, at)| &row[*at + 1..]);
        let mut wanted = vec![name.clone()];
        let mut digests: HashSet<&str> = HashSet::from([name.digest.as_str()]);
        for next in following.iter().take(WINDOW - 1) {
            let is_known = ahead.fetched.contains_key(&next.digest);
            if !is_known && digests.insert(&next.digest) {
                wanted.push(next.clone());
            }
        }
        let wanted: Vec<BlockName> = match &self.cache {
            Some(cache) => {
                let missing = |name: &BlockName| match cache.get(name) {
                    Some(block) => {
                        ahead.fetched.insert(name.digest.clone(), block);
                        false
                    }
                    None => true,
                };
                wanted.into_iter().filter(missing).collect()
            }
            None => wanted,
        };
        if wanted.is_empty() {
            return Ok(());
        }
        let fetched = self.store.fetch(&wanted)?.into_iter().map(|block| (BlockName::of(&block), block));
        let fetched: Vec<(BlockName, Vec<u8>)> = fetched.collect();
        if let Some(cache) = &self.cache {
            cache.put(&fetched);
        }
        ahead.fetched.extend(fetched.into_iter().map(|(name, block)| (name.digest, block)));
        Ok(())
    }
}

impl<F: FetchBlocks> Blocks for RemoteBlocks<F> {
    fn block(&self, place: BlockPlace, name: &BlockName) -> Result<BlockBytes, BlockError> {
        let mut ahead = self.ahead();
        if let Some(block) = ahead.fetched.remove(&name.digest) {
            return Ok(Box::new(block));
        }
        // What was fetched and never asked for is not kept for ever.
        if ahead.fetched.len() >= 4 * WINDOW {
            ahead.fetched.clear();
        }
        let unreadable =
            |kind: StateErrorKind| BlockError::Unreadable(place.serial, kind.at(&self.place).into());
        self.fetch(&mut ahead, name).map_err(unreadable)?;
        let block = ahead.fetched.remove(&name.digest);
        let block = block.ok_or_else(|| {
            BlockError::Unreadable(
                place.serial,
                "it is not there; if the ledger was packed just now, try again".into(),
            )
        })?;
        Ok(Box::new(block))
    }

    fn will_ask(&self, names: &mut dyn Iterator<Item = &BlockName>) {
        let row: Arc<[BlockName]> = names.cloned().collect();
        let expected = &mut self.ahead().expected;
        for (at, name) in row.iter().enumerate() {
            expected.insert(name.digest.clone(), (Arc::clone(&row), at));
        }
    }
}

impl<F> fmt::Debug for RemoteBlocks<F> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "RemoteBlocks({})", self.place)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::ledger::Serial;

    /// A store with blocks 0 to 1999, which counts how often it is asked.
    struct Far(Arc<AtomicUsize>);

    fn block(number: u64) -> Vec<u8> {
        number.to_be_bytes().repeat(2)
    }

    impl FetchBlocks for Far {
        fn fetch(&self, wanted: &[BlockName]) -> Result<Vec<Vec<u8>>, StateErrorKind> {
            self.0.fetch_add(1, Ordering::SeqCst);
            Ok((0..2_000).map(block).filter(|block| wanted.contains(&BlockName::of(block))).collect())
        }
    }

    #[test]
    fn many_are_fetched_in_one_go_and_once() {
        let (caches, asked) = (tempfile::tempdir().unwrap(), Arc::new(AtomicUsize::new(0)));
        let at = BlockPlace { serial: Serial(1), index: 0 };
        let names: Vec<BlockName> = (0..1_200).map(|number| BlockName::of(&block(number))).collect();
        for expected in [3, 3] {
            let cache = BlockCache::in_directory(caches.path());
            let place = LedgerPlace::Directory("far".into());
            let blocks = RemoteBlocks::new(&place, Far(Arc::clone(&asked)), Some(cache));
            blocks.will_ask(&mut names.iter());
            for (number, name) in (0..).zip(&names) {
                assert_eq!((*blocks.block(at, name).unwrap()).as_ref(), block(number));
            }
            assert_eq!(asked.load(Ordering::SeqCst), expected, "from the disk the second time");
            assert!(blocks.block(at, &BlockName::of(&block(3_000))).is_err());
            asked.store(3, Ordering::SeqCst);
        }
    }
}
