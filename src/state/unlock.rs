//! Shows who left a ledger open, and takes it from them without waiting for the end of a lease.

use std::path::Path;

use crate::state::StateError;
use crate::state::claim::{self, Claim};
use crate::state::holder::{Candidate, Holder, lock, locked, publish, read_note};
use crate::state::lease::Signs;

/// What is known of who held a ledger last.
#[derive(Debug, PartialEq, Eq)]
pub enum Left {
    /// Everybody came to an end.
    Nobody,
    /// It has to be watched longer to tell whether it is there.
    Watched(Holder),
    /// They give no sign.
    Behind(Vec<Holder>),
}

/// Says who left a note or a claim behind, wherever they ran.
///
/// # Errors
///
/// Returns [`StateError::Locked`] while a writer gives signs that it is there, [`StateError::Missing`] without a ledger,
/// [`StateError::Io`] when the lock cannot be read.
pub fn left_behind(directory: &Path, candidate: &Candidate) -> Result<Left, StateError> {
    if !directory.is_dir() {
        return Err(StateError::Missing(directory.to_owned()));
    }
    let is_locked = lock(directory)?.is_some();
    let mut behind = Vec::new();
    if let Some(note) = read_note(directory)?.filter(|note| note.holder.writes) {
        if !candidate.proves_over(&note) {
            match &note.opening {
                None if !is_locked => return Err(locked(directory, Some(note))),
                None => {}
                Some(opening) => match candidate.watch(directory, &note, opening).0 {
                    Signs::Moving(ago) => {
                        let (path, holder) = (directory.to_owned(), Some(Box::new(note.holder)));
                        return Err(StateError::Locked { path, holder, wrote: Some(ago) });
                    }
                    Signs::Unclear(_) => return Ok(Left::Watched(note.holder)),
                    Signs::Silent(_) | Signs::Expired => {}
                },
            }
        }
        behind.push(note.holder);
    }
    if let Some(claim) = claim::read(directory)? {
        let is_new = !candidate.proves_over(&claim) && claim.opening.is_some();
        if is_new
            && matches!(candidate.watch_claim(claim::sign(&claim)), Signs::Unclear(_) | Signs::Moving(_))
        {
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
/// Returns [`StateError::LeftLocked`] where it is another's by now, which stays, [`StateError::Locked`] where one gives signs
/// again, and what [`left_behind`] returns.
pub fn clear(directory: &Path, seen: &[Holder], candidate: &Candidate) -> Result<(), StateError> {
    if let Left::Watched(holder) = left_behind(directory, candidate)? {
        return Err(StateError::Locked {
            path: directory.to_owned(),
            holder: Some(Box::new(holder)),
            wrote: None,
        });
    }
    let prove_seen = |found: &Holder| {
        if seen.contains(found) {
            return Ok(());
        }
        Err(StateError::LeftLocked { path: directory.to_owned(), holder: Box::new(found.clone()) })
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
    let fenced = if candidate.proves_over(&found) { found.fenced } else { Some(Box::new(found.holder)) };
    let mut note = candidate.note(epoch + 1, fenced);
    note.holder.writes = false;
    drop(publish(directory, note)?);
    drop(claim);
    Ok(())
}
