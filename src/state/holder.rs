//! Who has a ledger open: a file lock, and a note of whose it is.

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use crate::state::StateError;

pub(super) const LOCK_FILE_NAME: &str = "holder.json";

/// Who has a ledger open, since when, to do what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The command: `apply`, `plan`, …
    pub command: String,
    /// `user@host`.
    pub actor: String,
    /// The host; empty in notes of version 0.1.
    #[serde(default)]
    pub host: String,
    /// The process on that host.
    pub process: u32,
    /// Since when.
    pub since: DateTime<Utc>,
    /// The CI job, as a URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ci_run: Option<String>,
    /// Whether it may write.
    #[serde(default)]
    pub writes: bool,
}

impl fmt::Display for Holder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = self.since.to_rfc3339_opts(SecondsFormat::Secs, true);
        write!(
            formatter,
            "`campaignctl {}` of {}, process {}, since {since}",
            self.command, self.actor, self.process
        )?;
        match &self.ci_run {
            Some(url) => write!(formatter, ", {url}"),
            None => Ok(()),
        }
    }
}

/// A held lock. The system lets go of it when the process ends, however it ends; the note of whose it is
/// goes only when the value is dropped, so that a holder that never came to its end is known.
#[derive(Debug)]
#[must_use = "the lock is let go of when this is dropped"]
pub struct HeldLock {
    file: File,
    took_over: Option<Holder>,
    /// The note is a dead writer's, for the next writer to find.
    keeps_note: bool,
}

impl HeldLock {
    /// Returns the writer on this host that had it before and never came to its end.
    pub(super) fn took_over(&self) -> Option<&Holder> {
        self.took_over.as_ref()
    }
}

impl Drop for HeldLock {
    fn drop(&mut self) {
        if self.keeps_note {
            return;
        }
        // A note that stays only makes the next holder say that it took over.
        drop(self.file.set_len(0));
    }
}

/// Takes the lock of a ledger's directory, which must exist.
///
/// The system's lock decides between processes of one host. A directory that several hosts share may not carry
/// it from one to the other: there the note decides, and a writer's stays until [`clear`] removes it.
///
/// # Errors
///
/// Returns [`StateError::Locked`], [`StateError::LeftLocked`], or [`StateError::Io`] when the lock cannot be written.
///
/// # Panics
///
/// Never: a holder is made of what JSON can hold.
pub fn take(directory: &Path, holder: &Holder) -> Result<HeldLock, StateError> {
    let (mut file, note) = lock(directory)?;
    let path = directory.to_owned();
    if let Some(holder) = note.clone().filter(|note| note.writes && note.host != holder.host) {
        return Err(StateError::LeftLocked { path, holder });
    }
    let left = note.filter(|note| note.writes);
    if left.is_some() && !holder.writes {
        return Ok(HeldLock { file, took_over: None, keeps_note: true });
    }
    let text = serde_json::to_vec(holder).expect("a holder is made of what JSON can hold");
    file.set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| file.write_all(&text))
        .map_err(|source| StateError::Io { doing: "write", path: directory.join(LOCK_FILE_NAME), source })?;
    Ok(HeldLock { file, took_over: left, keeps_note: false })
}

/// Returns the note that a writer left behind, wherever it ran; nothing if every writer came to its end.
///
/// # Errors
///
/// Returns [`StateError::Locked`] while a process on this host has the lock, [`StateError::Missing`] without a
/// ledger, [`StateError::Io`] when the lock cannot be read.
pub fn left_behind(directory: &Path) -> Result<Option<Holder>, StateError> {
    if !directory.is_dir() {
        return Err(StateError::Missing(directory.to_owned()));
    }
    let (_file, note) = lock(directory)?;
    Ok(note.filter(|note| note.writes))
}

/// Removes the note that a holder left behind.
///
/// # Errors
///
/// Returns what [`left_behind`] returns.
pub fn clear(directory: &Path) -> Result<(), StateError> {
    let (file, _) = lock(directory)?;
    let path = directory.join(LOCK_FILE_NAME);
    file.set_len(0).map_err(|source| StateError::Io { doing: "write", path, source })
}

/// Locks the file, and reads the note in it.
fn lock(directory: &Path) -> Result<(File, Option<Holder>), StateError> {
    let path = directory.join(LOCK_FILE_NAME);
    let io = |doing| {
        let path = path.clone();
        move |source| StateError::Io { doing, path, source }
    };
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(&path)
        .map_err(io("open the lock"))?;
    let is_held = match file.try_lock() {
        Ok(()) => false,
        Err(TryLockError::WouldBlock) => true,
        Err(TryLockError::Error(source)) => return Err(io("lock")(source)),
    };
    let mut text = String::new();
    // A note that is just being written reads as nobody: the lock itself is the truth.
    let note = file.read_to_string(&mut text).ok().and_then(|_| serde_json::from_str(&text).ok());
    if is_held {
        return Err(StateError::Locked { path: directory.to_owned(), holder: note });
    }
    Ok((file, note))
}
