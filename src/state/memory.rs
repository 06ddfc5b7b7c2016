//! A ledger in memory: gone with the process. For tests, and the shortest store that keeps every promise.
//!
//! It works as a store does whose every step is a compare-and-swap on one row: which epoch it is, its last sign, where the log
//! ends, and who has it open.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use crate::domain::LedgerPlace;
use crate::ledger::{BlockBytes, BlockError, BlockName, BlockPlace, Blocks, Chain, Serial};
use crate::state::candidate::{Candidate, Following, Incumbent, Left};
use crate::state::error::{StateError, StateErrorKind};
use crate::state::holder::Holder;
use crate::state::lease::{Heartbeat, Lease, Standing, Tenure};
use crate::state::probe::{Point, Probe};
use crate::state::store::{Draft, Lines, Reader, Snapshot, Store, Writer};

/// A place in memory; clones share it, as two processes share a directory.
#[derive(Clone)]
pub struct MemoryStore {
    place: LedgerPlace,
    row: Arc<Mutex<Row>>,
    pub(super) probe: Probe,
}

impl Default for MemoryStore {
    fn default() -> Self {
        let place = LedgerPlace::Directory("memory".into());
        Self { place, row: Arc::default(), probe: Probe::default() }
    }
}

/// What processes share.
#[derive(Clone, Default)]
struct Row {
    is_there: bool,
    log: Log,
    /// Goes up with every opening for writing.
    epoch: u64,
    /// Goes up with every sign of the writer.
    beat: u64,
    /// Who has it open for writing, and what it was promised.
    open: Option<(Holder, Duration)>,
    /// Whose place was taken without proof of its end, as long as that is not on record.
    fenced: Option<Holder>,
}

/// The lines of a ledger, and its blocks by their digests.
#[derive(Clone, Default)]
struct Log {
    lines: Vec<Vec<u8>>,
    end: Option<(Serial, Chain)>,
    blocks: Arc<BTreeMap<String, Vec<u8>>>,
}

impl Log {
    fn end(&self) -> Serial {
        self.end.map_or(Serial(0), |(serial, _)| serial)
    }

    fn append(&mut self, lines: Vec<(Serial, Vec<u8>)>, chain: Chain) {
        self.end = lines.last().map(|(serial, _)| (*serial, chain)).or(self.end);
        self.lines.extend(lines.into_iter().map(|(_, line)| line));
    }
}

#[derive(Debug)]
struct MemoryBlocks(Arc<BTreeMap<String, Vec<u8>>>);

impl Blocks for MemoryBlocks {
    fn block(&self, place: BlockPlace, name: &BlockName) -> Result<BlockBytes, BlockError> {
        let block = self.0.get(&name.digest).cloned();
        let block = block.ok_or_else(|| BlockError::Unreadable(place.serial, "it is not there".into()))?;
        Ok(Box::new(block))
    }
}

impl Row {
    fn incumbent(&self) -> Option<Incumbent<'_>> {
        let (holder, lease) = self.open.as_ref()?;
        let sign = format!("{} {} {}", self.epoch, self.beat, self.log.end());
        Some(Incumbent { holder, sign, lease: *lease })
    }

    /// Begins an epoch of `candidate`, unless somebody else's goes on. Returns whose was not closed.
    fn take(&mut self, candidate: &Candidate) -> Result<Option<Holder>, StateErrorKind> {
        let following = self.incumbent().map(|incumbent| candidate.may_follow(incumbent)).transpose()?;
        let before = self.open.take().map(|(holder, _)| holder);
        if following == Some(Following::Fences) {
            self.fenced.clone_from(&before);
        }
        self.epoch += 1;
        self.open = Some((candidate.holder().clone(), candidate.terms().lease()));
        Ok(before)
    }

    fn standing(&self, epoch: u64) -> Standing {
        if self.epoch == epoch {
            return Standing::Holds;
        }
        Standing::Lost(self.open.as_ref().map(|(holder, _)| Box::new(holder.clone())))
    }
}

fn locked(row: &Mutex<Row>) -> MutexGuard<'_, Row> {
    row.lock().expect("no holder of this lock panics")
}

impl MemoryStore {
    /// Returns the place as it would be found, were every process that uses it killed now.
    #[cfg(test)]
    pub(super) fn image(&self) -> Self {
        let row = Arc::new(Mutex::new(locked(&self.row).clone()));
        Self { place: self.place.clone(), row, probe: Probe::default() }
    }

    fn at<T>(&self, result: Result<T, StateErrorKind>) -> Result<T, StateError> {
        result.map_err(|kind| kind.at(&self.place))
    }

    fn writer(&self, candidate: &Candidate) -> Result<MemoryWriter, StateErrorKind> {
        // Before the row is looked at: a proof is as old as that.
        let since = candidate.now();
        let mut row = locked(&self.row);
        let took_over = row.take(candidate)?;
        let (epoch, fenced) = (row.epoch, row.fenced.clone());
        drop(row);
        let tenure = Box::new(MemoryTenure { row: Arc::clone(&self.row), epoch });
        let lease = Lease::new(&self.place, (candidate.terms(), candidate.clock()), tenure, since, fenced);
        let started = Heartbeat::start(&lease);
        let heartbeat = started.map_err(|error| StateErrorKind::Unreachable { source: error.into() })?;
        let store = self.clone();
        Ok(MemoryWriter { heartbeat: Some(heartbeat), lease, epoch, took_over, store })
    }
}

impl Store for MemoryStore {
    fn place(&self) -> &LedgerPlace {
        &self.place
    }

    fn snapshot(&self, reader: &Candidate) -> Result<Snapshot, StateError> {
        let row = locked(&self.row).clone();
        if !row.is_there {
            return self.at(Err(StateErrorKind::Missing));
        }
        let written_by = row.open.map(|(holder, _)| holder).filter(|holder| !reader.proves_over(holder));
        let reader = Box::new(MemorySnapshot { place: self.place.clone(), log: row.log });
        Ok(Snapshot { reader, written_by, may_be_torn: false })
    }

    fn take(&self, writer: &Candidate) -> Result<Box<dyn Writer>, StateError> {
        if !locked(&self.row).is_there {
            return self.at(Err(StateErrorKind::Missing));
        }
        Ok(Box::new(self.at(self.writer(writer))?))
    }

    fn create(&self, writer: &Candidate) -> Result<Box<dyn Writer>, StateError> {
        let writer = self.at(self.writer(writer))?;
        locked(&self.row).is_there = true;
        Ok(Box::new(writer))
    }

    fn rebuild(&self, writer: &Candidate) -> Result<Box<dyn Draft>, StateError> {
        Box::new(self.at(self.writer(writer))?).draft()
    }

    fn known_serial(&self) -> Result<Option<Serial>, StateError> {
        Ok(locked(&self.row).log.end.map(|(serial, _)| serial))
    }

    fn left_behind(&self, candidate: &Candidate) -> Result<Left, StateError> {
        let row = locked(&self.row);
        if !row.is_there {
            return self.at(Err(StateErrorKind::Missing));
        }
        self.at(row.incumbent().map_or(Ok(Left::Nobody), |incumbent| candidate.left_behind(incumbent)))
    }

    fn clear(&self, seen: &[Holder], candidate: &Candidate) -> Result<(), StateError> {
        if let Left::Watched(holder) = self.left_behind(candidate)? {
            return self.at(Err(StateErrorKind::Locked { holder: Some(Box::new(holder)), wrote: None }));
        }
        let mut row = locked(&self.row);
        let Some((holder, _)) = row.open.clone() else { return Ok(()) };
        if !seen.contains(&holder) {
            return self.at(Err(StateErrorKind::LeftLocked { holder: Box::new(holder) }));
        }
        if !candidate.proves_over(&holder) {
            row.fenced = Some(holder);
        }
        row.epoch += 1;
        row.open = None;
        Ok(())
    }
}

/// What a writer of one epoch sees of the row.
struct MemoryTenure {
    row: Arc<Mutex<Row>>,
    epoch: u64,
}

impl Tenure for MemoryTenure {
    fn look(&self) -> Result<Standing, StateErrorKind> {
        Ok(locked(&self.row).standing(self.epoch))
    }

    fn beat(&self) -> Result<Standing, StateErrorKind> {
        let mut row = locked(&self.row);
        row.beat += u64::from(row.epoch == self.epoch);
        Ok(row.standing(self.epoch))
    }

    fn take_over_recorded(&self) -> Result<(), StateErrorKind> {
        let mut row = locked(&self.row);
        if row.epoch == self.epoch {
            row.fenced = None;
        }
        Ok(())
    }

    fn refuses_steps(&self) -> bool {
        true
    }
}

struct MemoryWriter {
    heartbeat: Option<Heartbeat>,
    lease: Arc<Lease>,
    epoch: u64,
    took_over: Option<Holder>,
    store: MemoryStore,
}

impl MemoryWriter {
    /// Changes the row in one step, in the writer's own epoch and where the log ends at `after`; else not at all.
    fn step(&self, after: Serial, change: impl FnOnce(&mut Row)) -> Result<(), StateErrorKind> {
        let asked = self.lease.now();
        let mut row = locked(&self.store.row);
        let standing = row.standing(self.epoch);
        if let Standing::Holds = standing {
            if row.log.end() != after {
                return Err(StateErrorKind::Fenced { by_whom: None });
            }
            change(&mut row);
            row.beat += 1;
        }
        drop(row);
        let done = match &standing {
            Standing::Holds => Ok(()),
            Standing::Lost(by_whom) => Err(StateErrorKind::Fenced { by_whom: by_whom.clone() }),
        };
        self.lease.learn(standing, asked);
        done
    }

    fn try_append(
        &self,
        after: Serial,
        lines: Vec<(Serial, Vec<u8>)>,
        chain: Chain,
    ) -> Result<(), StateErrorKind> {
        if lines.is_empty() {
            return Ok(());
        }
        let probe = &self.store.probe;
        let unwritten = |error: std::io::Error| StateErrorKind::Unreachable { source: error.into() };
        let undecided = |error: std::io::Error| StateErrorKind::Undecided { source: error.into() };
        probe.pass(Point::Appending).map_err(unwritten)?;
        self.step(after, |row| row.log.append(lines, chain))?;
        probe.pass(Point::Appended).map_err(undecided)
    }
}

impl Drop for MemoryWriter {
    fn drop(&mut self) {
        drop(self.heartbeat.take());
        let mut row = locked(&self.store.row);
        if row.epoch == self.epoch {
            row.open = None;
        }
    }
}

impl Reader for MemoryWriter {
    fn place(&self) -> &LedgerPlace {
        &self.store.place
    }

    fn lines(&self) -> Lines<'_> {
        Box::new(locked(&self.store.row).log.lines.clone().into_iter().map(Ok))
    }

    fn blocks(&self) -> Arc<dyn Blocks> {
        Arc::new(MemoryBlocks(Arc::clone(&locked(&self.store.row).log.blocks)))
    }

    fn high_water(&self) -> Result<Option<(Serial, String)>, StateError> {
        Ok(locked(&self.store.row).log.end.map(|(serial, chain)| (serial, chain.to_string())))
    }
}

impl Writer for MemoryWriter {
    fn append(
        &mut self,
        after: Serial,
        lines: Vec<(Serial, Vec<u8>)>,
        chain: Chain,
    ) -> Result<(), StateError> {
        self.store.at(self.try_append(after, lines, chain))
    }

    fn lease(&self) -> Arc<Lease> {
        Arc::clone(&self.lease)
    }

    fn took_over(&self) -> Option<&Holder> {
        self.took_over.as_ref()
    }

    fn draft(self: Box<Self>) -> Result<Box<dyn Draft>, StateError> {
        let after = locked(&self.store.row).log.end();
        Ok(Box::new(MemoryDraft { writer: *self, after, log: Log::default() }))
    }
}

struct MemoryDraft {
    writer: MemoryWriter,
    /// Where the log ended when it was begun.
    after: Serial,
    log: Log,
}

impl Reader for MemoryDraft {
    fn place(&self) -> &LedgerPlace {
        self.writer.place()
    }

    fn lines(&self) -> Lines<'_> {
        Box::new(self.log.lines.iter().cloned().map(Ok))
    }

    fn blocks(&self) -> Arc<dyn Blocks> {
        Arc::new(MemoryBlocks(Arc::clone(&self.log.blocks)))
    }

    fn high_water(&self) -> Result<Option<(Serial, String)>, StateError> {
        Ok(self.log.end.map(|(serial, chain)| (serial, chain.to_string())))
    }
}

impl Draft for MemoryDraft {
    fn append(&mut self, lines: Vec<(Serial, Vec<u8>)>, chain: Chain) -> Result<(), StateError> {
        self.log.append(lines, chain);
        Ok(())
    }

    fn put_blocks(&mut self, _: Serial, blocks: Vec<Vec<u8>>) -> Result<(), StateError> {
        let named = blocks.into_iter().map(|block| (BlockName::of(&block).digest, block));
        Arc::make_mut(&mut self.log.blocks).extend(named);
        Ok(())
    }

    fn replace(self: Box<Self>) -> Result<Box<dyn Writer>, StateError> {
        let Self { writer, after, log } = *self;
        let store = &writer.store;
        let pass = || {
            let undecided = |error: std::io::Error| StateErrorKind::Undecided { source: error.into() };
            store.at(store.probe.pass(Point::Replacing).map_err(undecided))
        };
        pass()?;
        store.at(writer.step(after, |row| {
            row.log = log;
            row.is_there = true;
        }))?;
        pass()?;
        Ok(Box::new(writer))
    }
}

struct MemorySnapshot {
    place: LedgerPlace,
    log: Log,
}

impl Reader for MemorySnapshot {
    fn place(&self) -> &LedgerPlace {
        &self.place
    }

    fn lines(&self) -> Lines<'_> {
        Box::new(self.log.lines.iter().cloned().map(Ok))
    }

    fn blocks(&self) -> Arc<dyn Blocks> {
        Arc::new(MemoryBlocks(Arc::clone(&self.log.blocks)))
    }

    fn high_water(&self) -> Result<Option<(Serial, String)>, StateError> {
        Ok(self.log.end.map(|(serial, chain)| (serial, chain.to_string())))
    }
}
