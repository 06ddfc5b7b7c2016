//! Who has a ledger open: a file lock, and a note of whose it is.

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use crate::state::StateError;

const LOCK_FILE_NAME: &str = "holder.json";

/// Who has a ledger open, since when, to do what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The command: `apply`, `plan`, …
    pub command: String,
    /// `user@host`.
    pub actor: String,
    /// The process on that host.
    pub process: u32,
    /// Since when.
    pub since: DateTime<Utc>,
}

impl fmt::Display for Holder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = self.since.to_rfc3339_opts(SecondsFormat::Secs, true);
        write!(
            formatter,
            "`campaignctl {}` of {}, process {}, since {since}",
            self.command, self.actor, self.process
        )
    }
}

/// A held lock: the system lets go of it when the value is dropped or the process ends, however it ends.
#[derive(Debug)]
pub(super) struct HeldLock {
    _file: File,
}

/// Takes the lock of a ledger's directory, which must exist.
pub(super) fn take(directory: &Path, holder: &Holder) -> Result<HeldLock, StateError> {
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
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut note = String::new();
            // A note that is just being written reads as nobody: the lock itself is the truth.
            let holder = file.read_to_string(&mut note).ok().and_then(|_| serde_json::from_str(&note).ok());
            return Err(StateError::Locked { path: directory.to_owned(), holder });
        }
        Err(TryLockError::Error(source)) => return Err(io("lock")(source)),
    }
    let note = serde_json::to_vec(holder).expect("a holder is made of what JSON can hold");
    file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(&note)).map_err(io("write"))?;
    Ok(HeldLock { _file: file })
}
