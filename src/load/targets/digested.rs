//! A file whose bytes are hashed as they are read.

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};

/// A file that is being read, and hashed on the way.
#[derive(Debug)]
pub(super) struct Digested {
    file: File,
    hasher: Hasher,
    read_bytes: u64,
}

/// The hash of what was read so far; clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Hasher(Arc<Mutex<Sha256>>);

impl Digested {
    pub(super) fn new(file: File) -> Self {
        Self { file, hasher: Hasher::default(), read_bytes: 0 }
    }

    /// Returns how many bytes were read, and hashed, so far.
    pub(super) fn read_bytes(&self) -> u64 {
        self.read_bytes
    }

    pub(super) fn hasher(&self) -> Hasher {
        self.hasher.clone()
    }

    /// Returns what can tell later whether what was hashed is what was read.
    pub(super) fn witness(&self) -> io::Result<Witness> {
        Ok(Witness { file: self.file.try_clone()?, before: self.file.metadata()? })
    }

    /// Reads, and so hashes, all of it, for a reader that jumps about in the file, and shows it to `look`.
    pub(super) fn read_all(mut self, mut look: impl FnMut(&[u8])) -> io::Result<()> {
        self.file.rewind()?;
        let mut buffer = vec![0; 128 * 1024];
        loop {
            match self.read(&mut buffer)? {
                0 => return Ok(()),
                read => look(&buffer[..read]),
            }
        }
    }

    /// Returns up to so many of its first bytes, unhashed, and goes back to its beginning.
    pub(super) fn first(&self, bytes: usize) -> io::Result<Vec<u8>> {
        let (mut file, mut first) = (&self.file, Vec::with_capacity(bytes));
        file.take(bytes as u64).read_to_end(&mut first)?;
        file.rewind()?;
        Ok(first)
    }

    /// Whether these are the first bytes of the file; moves to behind them, so nothing can be read afterwards.
    pub(super) fn begins_with(&self, first: &[u8]) -> bool {
        let (mut file, mut found) = (&self.file, vec![0; first.len()]);
        file.rewind().and_then(|()| file.read_exact(&mut found)).is_ok() && found == first
    }

    /// Returns the same file for a reader that seeks before it reads.
    pub(super) fn same_file(&self) -> io::Result<File> {
        self.file.try_clone()
    }
}

/// A file as it was before it was hashed.
#[derive(Debug)]
pub(super) struct Witness {
    file: File,
    before: Metadata,
}

impl Witness {
    /// Returns how many bytes the file had.
    pub(super) fn bytes(&self) -> u64 {
        self.before.len()
    }

    /// Says whether the file is still what it was, by its size and the time of its last change.
    pub(super) fn look(&self) -> io::Result<()> {
        let now = self.file.metadata()?;
        if now.len() == self.before.len() && now.modified()? == self.before.modified()? {
            return Ok(());
        }
        Err(io::Error::other("it changed while it was read"))
    }
}

impl Hasher {
    pub(super) fn digest(&self) -> [u8; 32] {
        self.lock().clone().finalize().into()
    }

    fn lock(&self) -> MutexGuard<'_, Sha256> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Read for Digested {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.hasher.lock().update(&buffer[..read]);
        self.read_bytes += read as u64;
        Ok(read)
    }
}
