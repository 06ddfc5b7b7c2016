//! What every place that can keep a ledger promises, as `conformance` proves of each.
//!
//! One writer, one ordered log, and every durable step is a compare-and-swap on the end of that log: an append names the
//! record that it follows and counts only if the log still ends there in the writer's own epoch. Leases say how long a writer
//! may rely on what it saw last; that nobody is pushed to twice rests on the compare-and-swap alone.
//!
//! It is synchronous: the journal has a thread of its own, and a store may keep a runtime behind these calls.

use std::sync::Arc;

use crate::domain::LedgerPlace;
use crate::ledger::{Blocks, Chain, Serial};
use crate::state::candidate::{Candidate, Left};
use crate::state::error::StateError;
use crate::state::holder::Holder;
use crate::state::lease::Lease;

/// A place that can keep one ledger. The value holds nothing: any number of processes have one for the same place.
pub trait Store: Send + Sync {
    /// Returns which place it is.
    fn place(&self) -> &LedgerPlace;

    /// Opens the ledger to read it, also while another process writes to it. Changes nothing of it.
    ///
    /// # Errors
    ///
    /// Returns [`Missing`](crate::state::StateErrorKind::Missing) where there is no ledger, `Damaged` where the store cannot
    /// read its own, `Io` or `Unreachable`.
    fn snapshot(&self, reader: &Candidate) -> Result<Snapshot, StateError>;

    /// Does the same and keeps no writer waiting, whatever that costs: for who only completes a name.
    ///
    /// # Errors
    ///
    /// Returns what [`Store::snapshot`] returns.
    fn peek(&self, reader: &Candidate) -> Result<Snapshot, StateError> {
        self.snapshot(reader)
    }

    /// Takes the ledger to write to it, in a new epoch. Tries once and does not wait: whoever waits calls it again with the same
    /// candidate, which remembers what it saw of the writer before.
    ///
    /// A writer that closed itself, or is proven to be over, is followed at once. One that gave no sign for longer than its
    /// lease is fenced: then [`Lease::fenced`] says so, in every epoch that follows until it is on record.
    ///
    /// # Errors
    ///
    /// Returns `Missing` where there is no ledger, `Locked` while another writer is seen to be there, `Silent` or `LeftLocked`
    /// while it may be; `NotConditional` where the store could not keep two writers apart; and what
    /// [`Store::snapshot`] returns.
    fn take(&self, writer: &Candidate) -> Result<Box<dyn Writer>, StateError>;

    /// Takes the place for a new ledger, and makes room for one if there is none. Whether it is empty is for
    /// [`create`](crate::state::create) to see.
    ///
    /// # Errors
    ///
    /// Returns what [`Store::take`] returns, but never `Missing`.
    fn create(&self, writer: &Candidate) -> Result<Box<dyn Writer>, StateError>;

    /// Takes the place for a ledger that shall stand in the stead of whatever is there, be that damaged or missing. What is
    /// there is kept where [`Draft::keeps`] says, and is left as it is if the draft is dropped.
    ///
    /// # Errors
    ///
    /// Returns what [`Store::create`] returns.
    fn rebuild(&self, writer: &Candidate) -> Result<Box<dyn Draft>, StateError>;

    /// Returns the last record that the ledger is known to have had, also where its records cannot be read any more;
    /// nothing where there never was one.
    ///
    /// # Errors
    ///
    /// Returns `Damaged` where that cannot be told any more, `Io` or `Unreachable`.
    fn known_serial(&self) -> Result<Option<Serial>, StateError>;

    /// Says who took the ledger for writing and did not close it. Looks once, as [`Store::take`] does.
    ///
    /// # Errors
    ///
    /// Returns `Locked` while that writer is seen to be there, `Missing` without a ledger, `Io` or `Unreachable`.
    fn left_behind(&self, candidate: &Candidate) -> Result<Left, StateError>;

    /// Takes the ledger from the holders in `seen` without waiting for the end of a lease, and leaves it closed. Whoever is not
    /// proven to be over is fenced.
    ///
    /// # Errors
    ///
    /// Returns `LeftLocked` where it is another's by now, which stays; `Locked` where one gives signs again; and what
    /// [`Store::left_behind`] returns.
    fn clear(&self, seen: &[Holder], candidate: &Candidate) -> Result<(), StateError>;
}

/// A ledger as it was at one moment.
pub struct Snapshot {
    /// What it holds.
    pub reader: Box<dyn Reader>,
    /// Who has it open for writing, as far as the store tells.
    pub written_by: Option<Holder>,
    /// Whether it was copied while somebody wrote: one that turns out to be damaged says nothing, and is taken again.
    pub may_be_torn: bool,
}

/// The lines of a ledger, in order.
pub type Lines<'a> = Box<dyn Iterator<Item = Result<Vec<u8>, StateError>> + 'a>;

/// The lines of one ledger, and what stands beside them.
pub trait Reader: Send {
    /// Returns whose lines they are.
    fn place(&self) -> &LedgerPlace;

    /// Reads every line, in order.
    ///
    /// # Errors
    ///
    /// Each item may be `Damaged`, `Io` or `Unreachable`.
    fn lines(&self) -> Lines<'_>;

    /// Returns what reads the blocks that the lines name, for as long as this value is there.
    fn blocks(&self) -> Arc<dyn Blocks>;

    /// Does the same, from the store itself and never from what this machine keeps of it: for whoever proves that they are there.
    fn stored_blocks(&self) -> Arc<dyn Blocks> {
        self.blocks()
    }

    /// Returns the last record that was ever durable, with its chain, if the store remembers that apart from the records
    /// themselves.
    ///
    /// # Errors
    ///
    /// Returns `Damaged`, `Io` or `Unreachable` when the memory cannot be read.
    fn high_water(&self) -> Result<Option<(Serial, String)>, StateError>;
}

/// The one writer of a ledger, in one epoch. Dropping it closes it: the next one goes in at once.
pub trait Writer: Reader {
    /// Appends lines behind the record `after`, 0 for an empty ledger, in one step; when it returns, they survive a crash of the
    /// process, of the machine and of the store. Their serials follow `after` without a gap; `chain` is the chain up to the
    /// last of them. No lines are no step.
    ///
    /// # Errors
    ///
    /// Returns `Fenced` where the log does not end at `after`, or the epoch is over: nobody will ever read these lines.
    /// Returns `Unreachable` where none of them was written. Returns `Undecided`, `Damaged` or `Io` where they, or a prefix of
    /// them, may be durable: whoever opens the ledger next sees what is. In no case is anything appended later that does
    /// not follow what is there.
    fn append(
        &mut self,
        after: Serial,
        lines: Vec<(Serial, Vec<u8>)>,
        chain: Chain,
    ) -> Result<(), StateError>;

    /// Returns the writer's hold on the ledger, to be proven before anything begins that rests on it. Its beats are the
    /// store's own matter.
    fn lease(&self) -> Arc<Lease>;

    /// Returns the writer that had the ledger before and did not close it.
    fn took_over(&self) -> Option<&Holder>;

    /// Returns how many pieces a reader has to ask for one by one, beside what is packed; 0 where that does not matter.
    fn pieces(&self) -> u64 {
        0
    }

    /// Begins what shall stand in the stead of all records so far. The ledger stays as it is until [`Draft::replace`], and is
    /// closed if the draft is dropped.
    ///
    /// # Errors
    ///
    /// Returns `Io` or `Unreachable` when it cannot be made.
    fn draft(self: Box<Self>) -> Result<Box<dyn Draft>, StateError>;
}

/// Records that shall stand in the stead of a ledger's, written beside them and read back before they do. Dropping it gives it
/// up, and removes it.
pub trait Draft: Reader {
    /// Appends lines; they become durable with the whole draft.
    ///
    /// # Errors
    ///
    /// Returns `Damaged`, `Io` or `Unreachable`; then the draft is of no use any more.
    fn append(&mut self, lines: Vec<(Serial, Vec<u8>)>, chain: Chain) -> Result<(), StateError>;

    /// Keeps the blocks that the line of `serial` names, in its order.
    ///
    /// # Errors
    ///
    /// Returns what [`Draft::append`] returns.
    fn put_blocks(&mut self, serial: Serial, blocks: Vec<Vec<u8>>) -> Result<(), StateError>;

    /// Returns where what was there before is kept from [`Draft::replace`] on, in words for a person; nothing where it is not.
    fn keeps(&self) -> Option<String> {
        None
    }

    /// Puts the draft in place, durably, if the log still ends where its writer left it. A crash at any moment leaves the
    /// ledger as it was or replaced, whole.
    ///
    /// # Errors
    ///
    /// Returns `Fenced` where the ledger is another's by now, and what [`Writer::append`] returns.
    fn replace(self: Box<Self>) -> Result<Box<dyn Writer>, StateError>;
}

impl<R: Reader + ?Sized> Reader for Box<R> {
    fn place(&self) -> &LedgerPlace {
        (**self).place()
    }

    fn lines(&self) -> Lines<'_> {
        (**self).lines()
    }

    fn blocks(&self) -> Arc<dyn Blocks> {
        (**self).blocks()
    }

    fn stored_blocks(&self) -> Arc<dyn Blocks> {
        (**self).stored_blocks()
    }

    fn high_water(&self) -> Result<Option<(Serial, String)>, StateError> {
        (**self).high_water()
    }
}
