//! Shows who left a ledger open, and takes it from them without waiting for the end of a lease.

use std::path::Path;

use crate::state::candidate::{Candidate, Left};
use crate::state::directory::claim::{self, Claim};
use crate::state::directory::lock::{lock, locked};
use crate::state::directory::note::{Note, publish, read_note};
use crate::state::error::StateErrorKind;
use crate::state::holder::Holder;
use crate::state::lease::Signs;

/// Says who left a note or a claim behind, wherever they ran.
///
/// # Errors
///
/// Returns [`StateErrorKind::Locked`] while a writer gives signs that it is there, [`StateErrorKind::Missing`] without a ledger,
/// [`StateErrorKind::Io`] when the lock cannot be read.
pub(super) fn left_behind(directory: &Path, candidate: &Candidate) -> Result<Left, StateErrorKind> {
    if !directory.is_dir() {
        return Err(StateErrorKind::Missing);
    }
    let is_locked = lock(directory)?.is_some();
    let mut behind = Vec::new();
    if let Some(note) = read_note(directory)?.filter(|note| note.holder.writes) {
        match note.incumbent(directory) {
            Some(incumbent) => match candidate.left_behind(incumbent)? {
                Left::Behind(left) => behind = left,
                watched => return Ok(watched),
            },
            None if !is_locked && !candidate.proves_over(&note.holder) => return Err(locked(Some(note))),
            None => behind.push(note.holder),
        }
    }
    if let Some(claim) = claim::read(directory)? {
        let is_new = !candidate.proves_over(&claim.holder) && claim.opening.is_some();
        if is_new && matches!(claim::watch(&claim, candidate).0, Signs::Unclear(_) | Signs::Moving(_)) {
            return Ok(Left::Watched(claim.holder));
        }
        if !behind.contains(&claim.holder) {
            behind.push(claim.holder);
        }
    }
    Ok(if behind.is_empty() { Left::Nobody } else { Left::Behind(behind) })
}

/// Takes the ledger from the holders in `seen`, and leaves it to whoever comes next. A holder that is not proven to be over
/// is fenced.
///
/// # Errors
///
/// Returns [`StateErrorKind::LeftLocked`] where it is another's by now, which stays, [`StateErrorKind::Locked`] where one gives signs
/// again, and what [`left_behind`] returns.
pub(super) fn clear(directory: &Path, seen: &[Holder], candidate: &Candidate) -> Result<(), StateErrorKind> {
    if let Left::Watched(holder) = left_behind(directory, candidate)? {
        return Err(StateErrorKind::Locked { holder: Some(Box::new(holder)), wrote: None });
    }
    let prove_seen = |found: &Holder| {
        if seen.contains(found) {
            return Ok(());
        }
        Err(StateErrorKind::LeftLocked { holder: Box::new(found.clone()) })
    };
    if let Some(found) = claim::read(directory)? {
        prove_seen(&found.holder)?;
        claim::remove(directory, &found)?;
    }
    // Nobody may sign between the look and what replaces the note.
    let claim = Claim::make(directory, candidate)?;
    let Some(found) = read_note(directory)?.filter(|note| note.holder.writes) else { return Ok(()) };
    prove_seen(&found.holder)?;
    let epoch = found.opening.as_ref().map_or(0, |opening| opening.epoch);
    let fenced =
        if candidate.proves_over(&found.holder) { found.fenced } else { Some(Box::new(found.holder)) };
    let mut note = Note::of(candidate, epoch + 1, fenced);
    note.holder.writes = false;
    drop(publish(directory, note)?);
    drop(claim);
    Ok(())
}
