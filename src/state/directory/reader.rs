//! A ledger's directory, open to be read: the store itself, or a copy of it while others write.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;

use crate::domain::LedgerPlace;
use crate::ledger::{Blocks, Serial};
use crate::state::directory::database::Database;
use crate::state::directory::note::io;
use crate::state::directory::store_files::{self, DATABASE_FILE_NAME};
use crate::state::directory::{high_water, scratch};
use crate::state::error::{StateError, StateErrorKind};
use crate::state::store::{Lines, Reader};

/// Lines that nobody appends to.
pub(super) struct DirectoryReader {
    // Before what keeps its files, so that sled lets go of them first.
    database: Database,
    place: LedgerPlace,
    /// Where it is read: the ledger's directory, or a copy.
    directory: PathBuf,
    _keeps: Keeps,
}

/// What keeps the files in place.
enum Keeps {
    /// The system's lock, which keeps writers out.
    Lock { _lock: File },
    /// A copy, gone with the value.
    Copy { _directory: TempDir },
}

impl DirectoryReader {
    /// Opens the store itself, under a lock.
    pub(super) fn open(directory: &Path, lock: File) -> Result<Self, StateErrorKind> {
        let (_, store) = store_files::current(directory).ok_or(StateErrorKind::Missing)?;
        Ok(Self {
            database: Database::open(directory, &store)?,
            place: LedgerPlace::Directory(directory.to_owned()),
            directory: directory.to_owned(),
            _keeps: Keeps::Lock { _lock: lock },
        })
    }

    /// Opens a copy, while another process may be writing to the store.
    ///
    /// The copy is as if that process had died at that moment, and so is read the same way. It can miss what
    /// was written while it was made, and no more: what its [`Reader::high_water`] says was written before.
    /// It may also be torn, and then reads as damaged or rolled back: make another one.
    pub(super) fn copy(directory: &Path) -> Result<Self, StateErrorKind> {
        let (_, store) = store_files::current(directory).ok_or(StateErrorKind::Missing)?;
        let database = store.join(DATABASE_FILE_NAME);
        drop(File::open(&database).map_err(io("read", &database))?);
        let copy = scratch::filled(|to| store_files::copy(directory, to)).map_err(io("copy", directory))?;
        let path = copy.path().to_owned();
        let (_, store) = store_files::current(&path).unwrap_or_else(|| (0, path.clone()));
        Ok(Self {
            database: Database::open(&path, &store)?,
            place: LedgerPlace::Directory(directory.to_owned()),
            directory: path,
            _keeps: Keeps::Copy { _directory: copy },
        })
    }
}

impl Reader for DirectoryReader {
    fn place(&self) -> &LedgerPlace {
        &self.place
    }

    fn lines(&self) -> Lines<'_> {
        Box::new(self.database.lines().map(|line| line.map_err(|kind| kind.at(&self.place))))
    }

    fn blocks(&self) -> Arc<dyn Blocks> {
        self.database.blocks()
    }

    fn high_water(&self) -> Result<Option<(Serial, String)>, StateError> {
        high_water::read(&self.directory).map_err(|kind| kind.at(&self.place))
    }
}
