//! Keeps a ledger in a directory of this machine's file system: the default, which needs nothing.
//!
//! The lines are in a sled database (`database`, `group`), how far they go is kept beside it (`high_water`), who writes is in
//! `holder.json`; other processes know them only through [`DirectoryStore`].
//!
//! Whoever opens it to write tries the system's lock, makes `claim.json`, reads the note, and signs one of its own in a file of
//! its own, with an epoch that goes up with every opening and a beat that goes up while it is there (`lock`, `claim`,
//! `note`): file systems that hosts share may carry no locks, but they do carry that a file can be made only once. Who
//! fences a writer waits until that one has noticed, and goes on in a copy of the store (`retire`). Readers sign nothing:
//! they open the store while nobody writes, and else copy its files, read as if the writer had died at that moment (`reader`).

mod catch_panic;
mod claim;
mod database;
mod draft;
#[cfg(test)]
mod fencing_tests;
mod group;
mod high_water;
mod lock;
#[cfg(test)]
mod lock_tests;
mod note;
mod reader;
mod retire;
mod room;
mod scratch;
mod store_files;
#[cfg(test)]
mod store_tests;
mod unlock;
mod writer;

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::domain::LedgerPlace;
use crate::ledger::Serial;
use crate::state::candidate::{Candidate, Left};
use crate::state::directory::draft::{DirectoryDraft, MadeDirectory};
use crate::state::directory::lock::{HeldLock, may_write, take, take_to_read};
use crate::state::directory::note::io;
use crate::state::directory::reader::DirectoryReader;
use crate::state::directory::writer::DirectoryWriter;
use crate::state::error::{StateError, StateErrorKind};
use crate::state::holder::Holder;
use crate::state::probe::Probe;
use crate::state::store::{Draft, Snapshot, Store, Writer};

pub use room::Room;

/// How often a copy is made again whose files were gone or torn when they were read, and how long it is waited for that.
const COPIES_MAX: u32 = 10;
const COPY_POLL: std::time::Duration = std::time::Duration::from_millis(50);

/// A directory that can keep a ledger.
pub(super) struct DirectoryStore {
    place: LedgerPlace,
    path: PathBuf,
    pub(super) probe: Probe,
}

impl DirectoryStore {
    pub(super) fn new(path: &Path) -> Self {
        let (place, probe) = (LedgerPlace::Directory(path.to_owned()), Probe::default());
        Self { place, path: path.to_owned(), probe }
    }

    fn at<T>(&self, result: Result<T, StateErrorKind>) -> Result<T, StateError> {
        result.map_err(|kind| kind.at(&self.place))
    }

    /// Opens the store where nobody writes, and a copy of it where somebody does, or where nothing can be written.
    fn open_to_read(&self, candidate: &Candidate) -> Result<Snapshot, StateErrorKind> {
        let directory = &self.path;
        if store_files::current(directory).is_none() {
            return Err(StateErrorKind::Missing);
        }
        let opened =
            take_to_read(directory, candidate).and_then(|lock| DirectoryReader::open(directory, lock));
        let written_by = match opened {
            Ok(reader) => {
                return Ok(Snapshot { reader: Box::new(reader), written_by: None, may_be_torn: false });
            }
            // Another reader says nothing of who writes.
            Err(StateErrorKind::Locked { holder, .. }) => holder.filter(|holder| holder.writes),
            Err(StateErrorKind::LeftLocked { holder }) => Some(holder),
            Err(StateErrorKind::Io { source, .. }) if is_unwritable(&source) => None,
            Err(kind) => return Err(kind),
        };
        let mut copies_left = COPIES_MAX;
        let reader = loop {
            copies_left -= 1;
            match DirectoryReader::copy(directory) {
                Err(StateErrorKind::Damaged { .. } | StateErrorKind::Io { .. }) if copies_left > 0 => {
                    std::thread::sleep(COPY_POLL);
                }
                other => break other?,
            }
        };
        let written_by = written_by.map(|holder| *holder);
        Ok(Snapshot { reader: Box::new(reader), written_by, may_be_torn: true })
    }

    fn open_to_write(&self, candidate: &Candidate) -> Result<Box<dyn Writer>, StateErrorKind> {
        let held = hold(&self.path, candidate)?;
        Ok(Box::new(DirectoryWriter::open(self.path.clone(), held, self.probe.clone())?))
    }

    fn open_to_rebuild(&self, candidate: &Candidate) -> Result<Box<dyn Draft>, StateErrorKind> {
        let made = MadeDirectory::make(&self.path)?;
        let held = match hold(&self.path, candidate) {
            Ok(held) => held,
            Err(kind) => {
                // Somebody else has it by now.
                made.into_iter().for_each(MadeDirectory::stays);
                return Err(kind);
            }
        };
        let stamp = candidate.holder().since.format("%Y%m%dT%H%M%SZ");
        let mut kept_in = self.path.clone().into_os_string();
        kept_in.push(format!(".damaged-{stamp}"));
        let aside = (kept_in.into(), made);
        let (path, probe) = (self.path.clone(), self.probe.clone());
        Ok(Box::new(DirectoryDraft::anew(path, held, aside, probe, DirectoryWriter::succeed)?))
    }
}

impl Store for DirectoryStore {
    fn place(&self) -> &LedgerPlace {
        &self.place
    }

    fn snapshot(&self, reader: &Candidate) -> Result<Snapshot, StateError> {
        self.at(self.open_to_read(reader))
    }

    fn peek(&self, _: &Candidate) -> Result<Snapshot, StateError> {
        let reader = Box::new(self.at(DirectoryReader::copy(&self.path))?);
        Ok(Snapshot { reader, written_by: None, may_be_torn: true })
    }

    fn take(&self, writer: &Candidate) -> Result<Box<dyn Writer>, StateError> {
        if store_files::current(&self.path).is_none() {
            return self.at(Err(StateErrorKind::Missing));
        }
        self.at(self.open_to_write(writer))
    }

    fn create(&self, writer: &Candidate) -> Result<Box<dyn Writer>, StateError> {
        self.at(fs::create_dir_all(&self.path).map_err(io("create", &self.path)))?;
        self.at(self.open_to_write(writer))
    }

    fn rebuild(&self, writer: &Candidate) -> Result<Box<dyn Draft>, StateError> {
        self.at(self.open_to_rebuild(writer))
    }

    fn known_serial(&self) -> Result<Option<Serial>, StateError> {
        Ok(self.at(high_water::read(&self.path))?.map(|(serial, _)| serial))
    }

    fn left_behind(&self, candidate: &Candidate) -> Result<Left, StateError> {
        self.at(unlock::left_behind(&self.path, candidate))
    }

    fn clear(&self, seen: &[Holder], candidate: &Candidate) -> Result<(), StateError> {
        self.at(unlock::clear(&self.path, seen, candidate))
    }
}

/// Takes the lock. Where the disk has no room for the note, a writer that died may have filled it with a draft.
fn hold(directory: &Path, candidate: &Candidate) -> Result<HeldLock, StateErrorKind> {
    match take(directory, candidate) {
        Err(StateErrorKind::Io { source, .. })
            if matches!(source.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
                && may_write(directory, candidate)?.is_none() =>
        {
            store_files::discard_drafts(directory).map_err(io("clean up", directory))?;
            take(directory, candidate)
        }
        taken => taken,
    }
}

/// Whether a directory can be read at best: sled, and the lock, write even for who only reads.
fn is_unwritable(error: &std::io::Error) -> bool {
    use ErrorKind::{FileTooLarge, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    matches!(error.kind(), FileTooLarge | PermissionDenied | QuotaExceeded | ReadOnlyFilesystem | StorageFull)
}
