//! A file whose bytes are hashed as they are read.

use std::fs::File;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};

/// A file that is being read, and hashed on the way.
#[derive(Debug)]
pub(super) struct Digested {
    file: File,
    hasher: Hasher,
}

/// The hash of what was read so far; clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Hasher(Arc<Mutex<Sha256>>);

impl Digested {
    pub(super) fn new(file: File) -> Self {
        Self { file, hasher: Hasher::default() }
    }

    pub(super) fn hasher(&self) -> Hasher {
        self.hasher.clone()
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
        Ok(read)
    }
}
