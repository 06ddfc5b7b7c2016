//! Who has a ledger's directory open: a file lock, and the note of the writer whose it is.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::domain::LedgerPlace;
use crate::state::candidate::{Candidate, Incumbent};
use crate::state::directory::claim::{self, Claim};
use crate::state::directory::note::{NOTE_FILE_NAME, Note, SignedNote, io, publish, read_note};
use crate::state::directory::store_files;
use crate::state::error::StateErrorKind;
use crate::state::holder::Holder;
use crate::state::lease::{Heartbeat, Lease, Signs, Standing, Tenure};

/// How often a lock whose file was replaced meanwhile is tried again.
const LOCK_ATTEMPTS: u32 = 10;

/// A writer's lock. The system lets go of it when the process ends, however it ends; the writer's note says until then that it
/// writes, and is told from one that never came to its end when the value is dropped.
#[derive(Debug)]
#[must_use = "the lock is let go of when this is dropped"]
pub(super) struct HeldLock {
    /// First: its signs end before the note does.
    heartbeat: Option<Heartbeat>,
    lease: Arc<Lease>,
    signed: Arc<SignedNote>,
    took_over: Option<Holder>,
    store: Option<(u32, PathBuf)>,
    /// What the lock before this one is on, if it was free: version 0.2 goes by it.
    _lock: Option<File>,
}

impl HeldLock {
    /// Returns the writer that had it before and never came to its end.
    pub(super) fn took_over(&self) -> Option<&Holder> {
        self.took_over.as_ref()
    }

    /// Returns the hold that its writer has to prove.
    pub(super) fn lease(&self) -> &Arc<Lease> {
        &self.lease
    }

    /// Returns the number and place of the store that counted when nobody else could change that; nothing if there was none.
    pub(super) fn store(&self) -> Option<&(u32, PathBuf)> {
        self.store.as_ref()
    }

    #[cfg(test)]
    pub(super) fn signed(&self) -> &Arc<SignedNote> {
        &self.signed
    }
}

impl Drop for HeldLock {
    fn drop(&mut self) {
        drop(self.heartbeat.take());
        if matches!(self.signed.look(), Ok(Standing::Holds)) {
            let mut note = self.signed.note();
            note.holder.writes = false;
            // A note that stays only makes the next holder say that it took over.
            drop(self.signed.write(&note));
        }
    }
}

/// Takes the lock of a ledger's directory, which must exist, to write there.
///
/// The system's lock decides quickly between processes of one host. Where hosts share a directory it may not reach from
/// one to the other, and a process that stands still keeps it: so the note decides. A writer that is proven to be over on
/// this very host, or that closed its note, is followed at once; one that leaves no sign for longer than its lease is
/// fenced. That no two sign at once is for a file that can be made only once.
///
/// # Errors
///
/// Returns `Locked`, `Silent`, `LeftLocked`, or `Io` when the lock cannot be written.
pub(super) fn take(directory: &Path, candidate: &Candidate) -> Result<HeldLock, StateErrorKind> {
    sign(directory, candidate, lock(directory)?)
}

/// Takes the lock to read, while nobody writes or may be about to. Signs nothing: who only reads would have to wait for its turn,
/// or could write over a writer's note.
///
/// # Errors
///
/// Returns what [`take`] returns, but never `Silent`.
pub(super) fn take_to_read(directory: &Path, candidate: &Candidate) -> Result<File, StateErrorKind> {
    read_under(directory, candidate, lock(directory)?)
}

/// Keeps `lock`, the system's if it was free, unless somebody may write.
pub(super) fn read_under(
    directory: &Path,
    candidate: &Candidate,
    lock: Option<File>,
) -> Result<File, StateErrorKind> {
    let Some(lock) = lock else { return Err(locked(read_note(directory)?)) };
    match may_write(directory, candidate)? {
        Some(holder) => Err(StateErrorKind::LeftLocked { holder: Box::new(holder) }),
        None => Ok(lock),
    }
}

/// Writes the note of a writer, unless another one is there; `lock` is the system's lock, if it was free.
pub(super) fn sign(
    directory: &Path,
    candidate: &Candidate,
    lock: Option<File>,
) -> Result<HeldLock, StateErrorKind> {
    let before = read_note(directory)?;
    let fenced = judge(directory, candidate, before.as_ref(), lock.is_some())?;
    let claim = Claim::make(directory, candidate)?;
    let found = read_note(directory)?;
    if found != before {
        return Err(locked(found));
    }
    // Before the note: who takes over later goes on in another store, and this one must not be taken for that.
    let store = store_files::current(directory);
    let epoch = before.as_ref().and_then(|note| note.opening.as_ref()).map_or(0, |opening| opening.epoch);
    let note = Note::of(candidate, epoch + 1, fenced.clone().map(Box::new));
    let since = candidate.now();
    let signed = publish(directory, note)?;
    if !claim.is_ours()? {
        // Somebody gave this claim up for dead, and may have signed meanwhile.
        let mut note = signed.note();
        note.holder.writes = false;
        note.fenced = Some(Box::new(candidate.holder().clone()));
        signed.write(&note)?;
        return Err(locked(None));
    }
    drop(claim);
    let (place, tenure) = (LedgerPlace::Directory(directory.to_owned()), Box::new(Arc::clone(&signed)));
    let lease = Lease::new(&place, (candidate.terms(), candidate.clock()), tenure, since, fenced);
    let heartbeat = Heartbeat::start(&lease).map_err(io("keep", directory))?;
    let took_over = before.map(|note| note.holder).filter(|holder| holder.writes);
    Ok(HeldLock { heartbeat: Some(heartbeat), lease, signed, took_over, store, _lock: lock })
}

/// Says whether the place of who signed last may be taken: then returns whom that fences, if anybody.
fn judge(
    directory: &Path,
    candidate: &Candidate,
    note: Option<&Note>,
    is_locked: bool,
) -> Result<Option<Holder>, StateErrorKind> {
    let unrecorded = note.and_then(|note| note.fenced.as_deref().cloned());
    let busy = || Err(locked(note.cloned()));
    let Some(note) = note.filter(|note| note.holder.writes) else {
        return if is_locked { Ok(unrecorded) } else { busy() };
    };
    if candidate.proves_over(&note.holder) {
        return if is_locked { Ok(unrecorded) } else { busy() };
    }
    let holder = Box::new(note.holder.clone());
    let Some(Incumbent { sign, lease, .. }) = note.incumbent(directory) else {
        return if is_locked { Err(StateErrorKind::LeftLocked { holder }) } else { busy() };
    };
    match candidate.watch("holder", sign, lease) {
        (Signs::Expired, _) => Ok(Some(*holder)),
        (Signs::Silent(left), _) => Err(StateErrorKind::Silent { holder, left }),
        (Signs::Unclear(ago), terms) if is_locked => {
            let left = terms.expires_after().saturating_sub(ago);
            Err(StateErrorKind::Silent { holder, left })
        }
        (Signs::Moving(ago), _) => Err(StateErrorKind::Locked { holder: Some(holder), wrote: Some(ago) }),
        (Signs::Unclear(_), _) => busy(),
    }
}

/// Returns who may be writing, or about to, as far as notes tell; who was fenced may not know it yet.
pub(super) fn may_write(directory: &Path, candidate: &Candidate) -> Result<Option<Holder>, StateErrorKind> {
    if let Some(note) = read_note(directory)? {
        if note.holder.writes && !candidate.proves_over(&note.holder) {
            return Ok(Some(note.holder));
        }
        if let Some(fenced) = note.fenced {
            return Ok(Some(*fenced));
        }
    }
    let claim = claim::read(directory)?.filter(|claim| !candidate.proves_over(&claim.holder));
    Ok(claim.map(|claim| claim.holder))
}

/// Takes the system's lock, if it is free.
pub(super) fn lock(directory: &Path) -> Result<Option<File>, StateErrorKind> {
    let path = directory.join(NOTE_FILE_NAME);
    for _ in 0..LOCK_ATTEMPTS {
        let open = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path);
        let file = open.map_err(io("open the lock", &path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(source)) => return Err(io("lock", &path)(source)),
        }
        let ours = file.metadata().map_err(io("lock", &path))?;
        let is_in_place =
            fs::metadata(&path).is_ok_and(|found| (found.dev(), found.ino()) == (ours.dev(), ours.ino()));
        if is_in_place {
            return Ok(Some(file));
        }
    }
    Ok(None)
}

/// Another process has it: whoever signed last, if it writes.
pub(super) fn locked(note: Option<Note>) -> StateErrorKind {
    let holder = note.map(|note| note.holder).filter(|holder| holder.writes).map(Box::new);
    StateErrorKind::Locked { holder, wrote: None }
}
