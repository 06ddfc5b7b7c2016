//! Blocks on this machine's disk that were read from a store far away, some hundreds to a file. A block's name is its digest, so
//! one can neither change nor belong to another ledger; what does not fit its name any more is read anew.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::SystemTime;

use sha2::{Digest as _, Sha256};

use crate::ledger::BlockName;

/// Most bytes that are kept: four ledgers of ten million targets and more.
const BYTES_MAX: u64 = 1 << 30;
/// Most files: as many as hold that where each is full, and some more.
const FILES_MAX: usize = 512;
/// A file begins with this and the number of its blocks (`u32`); then come their digests and lengths (`u32`), then they themselves.
const MAGIC: &[u8; 8] = b"blocks 1";
const HEAD_BYTES: usize = MAGIC.len() + 4;
const ENTRY_BYTES: usize = DIGEST_BYTES + 4;
const DIGEST_BYTES: usize = 16;
/// Most blocks of a file; one that claims more is none of ours.
const BLOCKS_MAX: u32 = 1 << 16;

type Digest = [u8; DIGEST_BYTES];

/// A directory of blocks, shared by all ledgers of a user.
#[derive(Debug)]
pub(super) struct BlockCache {
    directory: PathBuf,
    bytes_max: u64,
    /// Read when the first block is asked for.
    index: Mutex<Option<Index>>,
}

/// Where each block is.
#[derive(Debug, Default)]
struct Index {
    places: HashMap<Digest, Place>,
    /// The file that was read last: neighbours are asked for one after the other, and a process may not open hundreds.
    open: Option<(Arc<Path>, File)>,
    has_grown: bool,
}

#[derive(Clone, Debug)]
struct Place {
    path: Arc<Path>,
    offset: u64,
    length: u32,
}

impl BlockCache {
    /// Takes the directory of a user's caches. It need not be there.
    pub(super) fn in_directory(caches: &Path) -> Self {
        let directory = caches.join("campaignctl/blocks");
        Self { directory, bytes_max: BYTES_MAX, index: Mutex::default() }
    }

    /// Returns a block that is there, whole.
    pub(super) fn get(&self, name: &BlockName) -> Option<Vec<u8>> {
        let mut index = self.index();
        let Index { places, open, .. } = index.as_mut()?;
        let Place { path, offset, length } = places.get(&digest_of(name)?)?;
        let file = match open {
            Some((opened, file)) if opened == path => file,
            _ => &mut open.insert((Arc::clone(path), File::open(path).ok()?)).1,
        };
        let mut block = vec![0; *length as usize];
        file.read_exact_at(&mut block, *offset).ok()?;
        name.is_of(&block).then_some(block)
    }

    /// Keeps blocks, if the disk lets it.
    pub(super) fn put(&self, blocks: &[(BlockName, Vec<u8>)]) {
        if self.try_put(blocks).is_ok()
            && let Some(index) = &mut *self.index()
        {
            index.has_grown = true;
        }
    }

    fn try_put(&self, blocks: &[(BlockName, Vec<u8>)]) -> io::Result<()> {
        let (mut head, mut bodies) = (MAGIC.to_vec(), Vec::new());
        head.extend(u32::try_from(blocks.len()).map_err(io::Error::other)?.to_le_bytes());
        for (name, block) in blocks {
            head.extend(digest_of(name).ok_or(io::ErrorKind::InvalidInput)?);
            head.extend(u32::try_from(block.len()).map_err(io::Error::other)?.to_le_bytes());
            bodies.extend(block);
        }
        fs::create_dir_all(&self.directory)?;
        // Readable by this user alone, and in place only when it is whole.
        let mut file = tempfile::NamedTempFile::new_in(&self.directory)?;
        file.write_all(&head)?;
        file.write_all(&bodies)?;
        let name = hex::encode(&Sha256::digest(&head)[..16]);
        file.persist(self.directory.join(name)).map(drop).map_err(|error| error.error)
    }

    fn index(&self) -> MutexGuard<'_, Option<Index>> {
        let mut index = self.index.lock().expect("no holder of this lock panics");
        if index.is_none() {
            let mut places = HashMap::new();
            // A directory that is not there, or cannot be read, has none.
            for (path, _) in files(&self.directory).unwrap_or_default() {
                match read_head(&path) {
                    Ok(found) => places.extend(found),
                    // It stays as it is, for ever.
                    Err(error)
                        if matches!(
                            error.kind(),
                            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
                        ) =>
                    {
                        drop(fs::remove_file(path));
                    }
                    Err(_) => {}
                }
            }
            *index = Some(Index { places, open: None, has_grown: false });
        }
        index
    }

    /// Removes the oldest files where there are too many.
    fn prune(&self) -> io::Result<()> {
        let mut by_age = files(&self.directory)?;
        by_age.sort_unstable_by_key(|(path, metadata)| (changed(metadata), path.clone()));
        let (mut bytes, mut count) =
            (by_age.iter().map(|(_, metadata)| metadata.len()).sum::<u64>(), by_age.len());
        if bytes <= self.bytes_max && count <= FILES_MAX {
            return Ok(());
        }
        // Some more than it takes, so that not every command has to.
        for (path, metadata) in by_age {
            if bytes <= self.bytes_max / 4 * 3 && count <= FILES_MAX / 4 * 3 {
                break;
            }
            // One that stays is none that another could not take the place of.
            drop(fs::remove_file(path));
            bytes -= metadata.len();
            count -= 1;
        }
        Ok(())
    }
}

impl Drop for BlockCache {
    fn drop(&mut self) {
        if matches!(self.index.get_mut(), Ok(Some(Index { has_grown: true, .. }))) {
            drop(self.prune());
        }
    }
}

fn files(directory: &Path) -> io::Result<Vec<(PathBuf, fs::Metadata)>> {
    let entries = fs::read_dir(directory)?.filter_map(Result::ok);
    let files = entries.filter_map(|entry| Some((entry.path(), entry.metadata().ok()?)));
    // What another process writes just now has a dot before its name.
    let is_hidden =
        |path: &Path| path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    Ok(files.filter(|(path, metadata)| metadata.is_file() && !is_hidden(path)).collect())
}

fn changed(metadata: &fs::Metadata) -> SystemTime {
    metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH)
}

/// Reads where a file has its blocks.
fn read_head(path: &Path) -> io::Result<Vec<(Digest, Place)>> {
    let (file, path) = (File::open(path)?, Arc::<Path>::from(path));
    let mut head = [0; HEAD_BYTES];
    file.read_exact_at(&mut head, 0)?;
    let (magic, count) = head.split_at(MAGIC.len());
    let count = u32::from_le_bytes(count.try_into().expect("four bytes are left"));
    if magic != MAGIC || count > BLOCKS_MAX {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut entries = vec![0; count as usize * ENTRY_BYTES];
    file.read_exact_at(&mut entries, HEAD_BYTES as u64)?;
    let mut places = Vec::with_capacity(count as usize);
    let mut offset = (HEAD_BYTES + entries.len()) as u64;
    let end = file.metadata()?.len();
    for entry in entries.chunks_exact(ENTRY_BYTES) {
        let (digest, length) = entry.split_at(DIGEST_BYTES);
        let digest = digest.try_into().expect("an entry begins with a digest");
        let length = u32::from_le_bytes(length.try_into().expect("four bytes are left"));
        if offset + u64::from(length) > end {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        places.push((digest, Place { path: Arc::clone(&path), offset, length }));
        offset += u64::from(length);
    }
    Ok(places)
}

fn digest_of(name: &BlockName) -> Option<Digest> {
    let mut digest = Digest::default();
    hex::decode_to_slice(&name.digest, &mut digest).ok()?;
    Some(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(number: u8) -> (BlockName, Vec<u8>) {
        let block = vec![number; 160];
        (BlockName::of(&block), block)
    }

    #[test]
    fn blocks_are_found_by_whoever_comes_next() {
        let caches = tempfile::tempdir().unwrap();
        let blocks: Vec<_> = (0..10).map(block).collect();
        BlockCache::in_directory(caches.path()).put(&blocks[..6]);
        BlockCache::in_directory(caches.path()).put(&blocks[6..]);
        let cache = BlockCache::in_directory(caches.path());
        assert!(blocks.iter().all(|(name, bytes)| cache.get(name).as_ref() == Some(bytes)));
        assert_eq!(cache.get(&block(10).0), None);
    }

    #[test]
    fn what_is_damaged_is_none_and_a_name_leads_nowhere_else() {
        let caches = tempfile::tempdir().unwrap();
        let blocks: Vec<_> = (0..3).map(block).collect();
        BlockCache::in_directory(caches.path()).put(&blocks);
        let (path, _) = files(&caches.path().join("campaignctl/blocks")).unwrap().remove(0);
        let whole = fs::read(&path).unwrap();
        let found = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            let cache = BlockCache::in_directory(caches.path());
            blocks.iter().filter(|(name, _)| cache.get(name).is_some()).count()
        };
        let mut turned = whole.clone();
        *turned.last_mut().unwrap() ^= 1;
        assert_eq!(found(&turned), 2);
        for end in 0..whole.len() {
            assert_eq!(found(&whole[..end]), 0, "{end}");
            assert!(!path.exists(), "{end}");
        }
        assert_eq!(found(&[&MAGIC[..], &[0xff; 40]].concat()), 0, "more blocks than there can be");
        assert_eq!(found(&whole), 3);
        let written_now = path.with_file_name(".tmpAbCdEf");
        fs::write(&written_now, b"blo").unwrap();
        assert_eq!(found(&whole), 3);
        assert!(written_now.exists(), "another process is about to complete it");
        let stray = BlockName { targets: 1, digest: "../../etc/passwd".into() };
        let cache = BlockCache::in_directory(caches.path());
        cache.put(&[(stray.clone(), vec![0; 16])]);
        assert_eq!(cache.get(&stray), None);
    }

    #[test]
    fn it_does_not_grow_for_ever() {
        let caches = tempfile::tempdir().unwrap();
        for number in 0..40 {
            let mut cache = BlockCache::in_directory(caches.path());
            cache.bytes_max = 1_600;
            cache.put(&[block(number)]);
        }
        let cache = BlockCache::in_directory(caches.path());
        let kept = (0..40).filter(|number| cache.get(&block(*number).0).is_some()).count();
        assert!((1..=10).contains(&kept), "{kept}");
    }
}
