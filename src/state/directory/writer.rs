//! A ledger's directory, held by its one writer.

use std::path::PathBuf;
use std::sync::Arc;

use crate::domain::LedgerPlace;
use crate::ledger::{Blocks, Chain, Serial};
use crate::state::directory::database::Database;
use crate::state::directory::draft::{DirectoryDraft, InPlace};
use crate::state::directory::high_water::{self, HighWater};
use crate::state::directory::lock::HeldLock;
use crate::state::directory::note::io;
use crate::state::directory::{retire, store_files};
use crate::state::error::{StateError, StateErrorKind};
use crate::state::holder::Holder;
use crate::state::lease::Lease;
use crate::state::probe::{Point, Probe};
use crate::state::store::{Draft, Lines, Reader, Writer};

/// The writer of a ledger's directory.
pub(super) struct DirectoryWriter {
    // Before `held`, so that sled lets go of its files before the next holder may open them.
    database: Database,
    high_water: HighWater,
    /// Where the log ends; nothing until that is looked up, and after a write that may have failed halfway.
    end: Option<Serial>,
    place: LedgerPlace,
    directory: PathBuf,
    /// The number and directory of the store that it has open.
    store: (u32, PathBuf),
    held: HeldLock,
    probe: Probe,
}

impl DirectoryWriter {
    /// Opens the store that counts, under the lock. Where its writer before is not proven to have ended, goes on in a copy that
    /// this one cannot reach.
    pub(super) fn open(directory: PathBuf, held: HeldLock, probe: Probe) -> Result<Self, StateErrorKind> {
        let lease = Arc::clone(held.lease());
        let mut store = held.store().cloned().unwrap_or_else(|| (0, directory.clone()));
        if lease.fenced().is_some() && held.store().is_some() {
            store = retire::retire(&directory, &lease)?;
        }
        store_files::tidy(&directory, store.0).map_err(io("clean up", &directory))?;
        let opened = Self::attach(directory, store, held, probe);
        // Of a store that another writer's has superseded meanwhile, whatever is wrong says nothing.
        lease.prove()?;
        opened
    }

    /// Opens the store that a draft became, and goes on in it.
    pub(super) fn succeed(draft: InPlace) -> Result<Box<dyn Writer>, StateErrorKind> {
        let InPlace { store, end, directory, held, probe, doing } = draft;
        let lease = Arc::clone(held.lease());
        let mut writer = Self::attach(directory.clone(), store, held, probe.clone())?;
        lease.prove()?;
        if let Some((serial, chain)) = end {
            writer.note(serial, chain)?;
        }
        probe.pass(Point::Replacing).map_err(io(doing, &directory))?;
        Ok(Box::new(writer))
    }

    /// Opens a store that is in place.
    fn attach(
        directory: PathBuf,
        store: (u32, PathBuf),
        held: HeldLock,
        probe: Probe,
    ) -> Result<Self, StateErrorKind> {
        Ok(Self {
            database: Database::open(&directory, &store.1)?,
            high_water: HighWater::open(&directory)?,
            end: None,
            place: LedgerPlace::Directory(directory.clone()),
            directory,
            store,
            held,
            probe,
        })
    }

    /// Notes how far the ledger is, apart from its records.
    fn note(&mut self, serial: Serial, chain: Chain) -> Result<(), StateErrorKind> {
        self.high_water.write(serial, &chain.to_string())
    }

    fn try_append(
        &mut self,
        after: Serial,
        lines: &[(Serial, Vec<u8>)],
        chain: Chain,
    ) -> Result<(), StateErrorKind> {
        let Some((last, _)) = lines.last() else { return Ok(()) };
        self.held.lease().prove()?;
        let end = self.end.take().map_or_else(|| self.database.last_serial(), Ok)?;
        if end != after {
            return Err(StateErrorKind::Fenced { by_whom: None });
        }
        self.probe.pass(Point::Appending).map_err(io("append to", &self.directory))?;
        self.database.write(lines)?;
        self.note(*last, chain)?;
        self.end = Some(*last);
        self.probe.pass(Point::Appended).map_err(io("append to", &self.directory))?;
        // Whoever stood still since the proof before may have written where nobody reads it.
        Ok(self.held.lease().prove()?)
    }
}

impl Reader for DirectoryWriter {
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

impl Writer for DirectoryWriter {
    fn append(
        &mut self,
        after: Serial,
        lines: Vec<(Serial, Vec<u8>)>,
        chain: Chain,
    ) -> Result<(), StateError> {
        self.try_append(after, &lines, chain).map_err(|kind| kind.at(&self.place))
    }

    fn lease(&self) -> Arc<Lease> {
        Arc::clone(self.held.lease())
    }

    fn took_over(&self) -> Option<&Holder> {
        self.held.took_over()
    }

    fn draft(self: Box<Self>) -> Result<Box<dyn Draft>, StateError> {
        let Self { database, place, directory, store, held, probe, .. } = *self;
        let draft = DirectoryDraft::beside(directory, (store, Some(database)), held, probe, Self::succeed);
        Ok(Box::new(draft.map_err(|kind| kind.at(&place))?))
    }
}
