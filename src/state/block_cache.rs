//! Blocks on this machine's disk that were read from a store far away. A block's name is its digest, so one can neither change
//! nor belong to another ledger; what does not fit its name any more is read anew.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::ledger::BlockName;

/// Most bytes that are kept: four ledgers of ten million targets and more.
const BYTES_MAX: u64 = 1 << 30;

/// A directory of blocks, shared by all ledgers of a user.
#[derive(Debug)]
pub(super) struct BlockCache {
    directory: PathBuf,
    bytes_max: u64,
    has_grown: AtomicBool,
}

impl BlockCache {
    /// Takes the directory of a user's caches. It need not be there.
    pub(super) fn in_directory(caches: &Path) -> Self {
        let directory = caches.join("campaignctl/blocks");
        Self { directory, bytes_max: BYTES_MAX, has_grown: AtomicBool::new(false) }
    }

    /// Returns a block that is there, whole.
    pub(super) fn get(&self, name: &BlockName) -> Option<Vec<u8>> {
        let path = self.path(name)?;
        let block = fs::read(&path).ok()?;
        if name.is_of(&block) {
            return Some(block);
        }
        drop(fs::remove_file(path));
        None
    }

    /// Keeps a block, if the disk lets it.
    pub(super) fn put(&self, name: &BlockName, block: &[u8]) {
        if self.try_put(name, block).is_ok() {
            self.has_grown.store(true, Ordering::Relaxed);
        }
    }

    fn try_put(&self, name: &BlockName, block: &[u8]) -> io::Result<()> {
        let path = self.path(name).ok_or(io::ErrorKind::InvalidInput)?;
        let directory = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
        fs::create_dir_all(directory)?;
        // Readable by this user alone, and in place only when it is whole.
        let mut file = tempfile::NamedTempFile::new_in(directory)?;
        file.write_all(block)?;
        file.persist(path).map(drop).map_err(|error| error.error)
    }

    fn path(&self, name: &BlockName) -> Option<PathBuf> {
        let is_digest = name.digest.len() == 32 && name.digest.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_digest.then(|| self.directory.join(&name.digest[..2]).join(&name.digest))
    }

    /// Removes the oldest blocks where there are too many.
    fn prune(&self) -> io::Result<()> {
        let (mut bytes, mut by_age) = (0, BTreeMap::new());
        for part in fs::read_dir(&self.directory)? {
            for file in fs::read_dir(part?.path())? {
                let (path, metadata) =
                    (file.as_ref().map(fs::DirEntry::path), file.as_ref().map(fs::DirEntry::metadata));
                let (Ok(path), Ok(Ok(metadata))) = (path, metadata) else { continue };
                bytes += metadata.len();
                by_age.insert((metadata.modified()?, path), metadata.len());
            }
        }
        if bytes <= self.bytes_max {
            return Ok(());
        }
        // Some more than it takes, so that not every command has to.
        for ((_, path), length) in by_age {
            if bytes <= self.bytes_max / 4 * 3 {
                break;
            }
            fs::remove_file(path)?;
            bytes -= length;
        }
        Ok(())
    }
}

impl Drop for BlockCache {
    fn drop(&mut self) {
        if self.has_grown.load(Ordering::Relaxed) {
            drop(self.prune());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(number: u8) -> (BlockName, Vec<u8>) {
        let block = vec![number; 160];
        (BlockName::of(&block), block)
    }

    #[test]
    fn a_damaged_block_is_none_and_a_name_leads_nowhere_else() {
        let caches = tempfile::tempdir().unwrap();
        let cache = BlockCache::in_directory(caches.path());
        let (name, bytes) = block(1);
        assert_eq!(cache.get(&name), None);
        cache.put(&name, &bytes);
        assert_eq!(cache.get(&name), Some(bytes.clone()));
        let path = cache.path(&name).unwrap();
        fs::write(&path, &bytes[..144]).unwrap();
        assert_eq!(cache.get(&name), None);
        assert!(!path.exists());
        let stray = BlockName { targets: 1, digest: "../../etc/passwd".into() };
        cache.put(&stray, &bytes);
        assert_eq!(cache.get(&stray), None);
    }

    #[test]
    fn it_does_not_grow_for_ever() {
        let caches = tempfile::tempdir().unwrap();
        for number in 0..40 {
            let mut cache = BlockCache::in_directory(caches.path());
            cache.bytes_max = 1_600;
            let (name, bytes) = block(number);
            cache.put(&name, &bytes);
        }
        let cache = BlockCache::in_directory(caches.path());
        let kept = (0..40).filter(|number| cache.get(&block(*number).0).is_some()).count();
        assert!((1..=10).contains(&kept), "{kept}");
    }
}
