//! A store that shall take another's place: a directory in the ledger's own, until a rename makes it count.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::domain::LedgerPlace;
use crate::ledger::{Blocks, Chain, Serial};
use crate::state::directory::database::Database;
use crate::state::directory::lock::HeldLock;
use crate::state::directory::note::io;
use crate::state::directory::store_files;
use crate::state::error::{StateError, StateErrorKind};
use crate::state::probe::{Point, Probe};
use crate::state::store::{Draft, Lines, Reader, Writer};

/// A draft of a ledger's next store.
pub(super) struct DirectoryDraft {
    // In this order: sled lets go of its files before they are removed, and they are before others may come.
    database: Database,
    files: DraftFiles,
    /// The store that counts until then, where its writer has it open: blocks are still read from it.
    replaced: Option<Database>,
    /// Its number and directory, whether it can be opened or not.
    current: (u32, PathBuf),
    /// The last line, and the chain up to it.
    end: Option<(Serial, Chain)>,
    place: LedgerPlace,
    directory: PathBuf,
    held: HeldLock,
    /// Where everything that was there goes, if it is kept.
    kept_in: Option<PathBuf>,
    /// Removes what was made for the draft alone, after the lock is let go of.
    made: Option<MadeDirectory>,
    probe: Probe,
    open: Open,
}

/// Opens the store that a draft became, for its writer.
pub(super) type Open = fn(InPlace) -> Result<Box<dyn Writer>, StateErrorKind>;

/// A draft that took its place: what its writer opens.
pub(super) struct InPlace {
    /// Its number and directory.
    pub(super) store: (u32, PathBuf),
    /// Its last line, and the chain up to it.
    pub(super) end: Option<(Serial, Chain)>,
    pub(super) directory: PathBuf,
    pub(super) held: HeldLock,
    pub(super) probe: Probe,
    /// What is being done until the writer has it open, for errors of the system.
    pub(super) doing: &'static str,
}

/// The draft's files, gone with the value unless they are in place by then.
struct DraftFiles(PathBuf);

impl Drop for DraftFiles {
    fn drop(&mut self) {
        // What is left is removed by the next writer.
        drop(store_files::discard_draft(&self.0));
    }
}

/// A directory that was made for a ledger that may not come to be.
pub(super) struct MadeDirectory(Option<PathBuf>);

impl MadeDirectory {
    /// Makes a directory, unless there is one.
    pub(super) fn make(directory: &Path) -> Result<Option<Self>, StateErrorKind> {
        let is_new = !directory.exists();
        fs::create_dir_all(directory).map_err(io("create", directory))?;
        Ok(is_new.then(|| Self(Some(directory.to_owned()))))
    }

    /// Leaves it there.
    pub(super) fn stays(mut self) {
        self.0 = None;
    }
}

impl Drop for MadeDirectory {
    fn drop(&mut self) {
        if let Some(directory) = &self.0 {
            // An empty one that is left is no ledger.
            drop(fs::remove_dir_all(directory));
        }
    }
}

impl DirectoryDraft {
    /// Begins a draft beside the store `current`.
    pub(super) fn beside(
        directory: PathBuf,
        (current, replaced): ((u32, PathBuf), Option<Database>),
        held: HeldLock,
        probe: Probe,
        open: Open,
    ) -> Result<Self, StateErrorKind> {
        let path = store_files::draft(&directory, &uuid::Uuid::new_v4().to_string());
        fs::create_dir(&path).map_err(io("create", &path))?;
        let files = DraftFiles(path);
        Ok(Self {
            database: Database::open(&files.0, &files.0)?,
            files,
            replaced,
            current,
            end: None,
            place: LedgerPlace::Directory(directory.clone()),
            directory,
            held,
            kept_in: None,
            made: None,
            probe,
            open,
        })
    }

    /// Begins a draft in the stead of whatever is there, which is kept in `kept_in` unless the directory was `made` for it.
    pub(super) fn anew(
        directory: PathBuf,
        held: HeldLock,
        (kept_in, made): (PathBuf, Option<MadeDirectory>),
        probe: Probe,
        open: Open,
    ) -> Result<Self, StateErrorKind> {
        let current = held.store().cloned().unwrap_or_else(|| (0, directory.clone()));
        let mut draft = Self::beside(directory, (current, None), held, probe, open)?;
        draft.kept_in = made.is_none().then_some(kept_in);
        draft.made = made;
        Ok(draft)
    }

    /// Puts it in place of the store that counted until then.
    fn put_in_place(self) -> Result<InPlace, StateErrorKind> {
        let Self { database, files, replaced, current, end, directory, held, kept_in, made, probe, .. } =
            self;
        let lease = Arc::clone(held.lease());
        let has_replaced = replaced.is_some();
        let doing =
            if has_replaced { "put the packed store in place in" } else { "put the store in place in" };
        let failed = || io(doing, &directory);
        let pass = || probe.pass(Point::Replacing).map_err(failed());
        drop((database, replaced));
        lease.prove()?;
        if has_replaced {
            store_files::wait_until_let_go(&current.1).map_err(failed())?;
        }
        store_files::wait_until_let_go(&files.0).map_err(failed())?;
        pass()?;
        store_files::sync_all(&files.0).map_err(failed())?;
        pass()?;
        if let Some(kept_in) = &kept_in {
            store_files::put_aside(&directory, &files.0, kept_in)
                .map_err(io("move what is in", &directory))?;
            pass()?;
        }
        let promoted = store_files::install(&directory, &files.0, current.0).map_err(failed())?;
        made.into_iter().for_each(MadeDirectory::stays);
        pass()?;
        lease.prove()?;
        store_files::tidy(&directory, promoted.0).map_err(io("clean up", &directory))?;
        pass()?;
        Ok(InPlace { store: promoted, end, directory, held, probe, doing })
    }
}

impl Reader for DirectoryDraft {
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
        Ok(self.end.map(|(serial, chain)| (serial, chain.to_string())))
    }
}

impl Draft for DirectoryDraft {
    fn append(&mut self, lines: Vec<(Serial, Vec<u8>)>, chain: Chain) -> Result<(), StateError> {
        let Some((last, _)) = lines.last() else { return Ok(()) };
        self.end = Some((*last, chain));
        self.database.write(&lines).map_err(|kind| kind.at(&self.place))
    }

    fn put_blocks(&mut self, serial: Serial, blocks: Vec<Vec<u8>>) -> Result<(), StateError> {
        self.database.put_blocks(serial, blocks).map_err(|kind| kind.at(&self.place))
    }

    fn keeps(&self) -> Option<String> {
        self.kept_in.as_ref().map(|path| path.display().to_string())
    }

    fn replace(self: Box<Self>) -> Result<Box<dyn Writer>, StateError> {
        let (place, open) = (self.place.clone(), self.open);
        self.put_in_place().and_then(open).map_err(|kind| kind.at(&place))
    }
}
