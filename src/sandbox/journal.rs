//! The file that keeps what was accepted, one JSON line each, written before the reply leaves.
//!
//! A crash of the tool must not lose what “the vendor” took; one of the machine may.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::sandbox::SandboxError;
use crate::sandbox::push::Delivery;
use crate::sandbox::received::Push;

/// One line: read with the push, written with a look at it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
pub(super) enum Entry<P = Push> {
    /// A push was accepted.
    Push(P),
    /// Scheduled tasks were cancelled.
    Cancel(Cancel),
}

/// A cancelled task, or several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cancel {
    pub(super) at: DateTime<Utc>,
    pub(super) app_id: String,
    pub(super) workspace_id: String,
    pub(super) unique_ids: Vec<String>,
    /// Always empty, so that a reader may look for targets in every line.
    pub(super) targets: Vec<Delivery>,
}

/// An open journal.
#[derive(Debug)]
pub(super) struct Journal {
    file: File,
    bytes: u64,
}

impl Journal {
    /// Opens or makes the file, hands every entry to `load` and cuts off a torn last line.
    pub(super) fn open(path: &Path, mut load: impl FnMut(Entry)) -> Result<Self, SandboxError> {
        let failed = |source: io::Error| SandboxError::Journal { path: path.to_owned(), source };
        if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
            std::fs::create_dir_all(directory).map_err(failed)?;
        }
        let file = OpenOptions::new().create(true).read(true).append(true).open(path).map_err(failed)?;
        let mut reader = BufReader::new(&file);
        let (mut line, mut number, mut good_bytes, mut is_torn) = (Vec::new(), 0, 0, false);
        loop {
            line.clear();
            let read = reader.read_until(b'\n', &mut line).map_err(failed)?;
            if read == 0 {
                break;
            }
            number += 1;
            // A line is whole with its line break: without one the writer died, and no reply went out.
            if !line.ends_with(b"\n") {
                is_torn = true;
                break;
            }
            let entry = serde_json::from_slice(&line).map_err(|source| SandboxError::JournalLine {
                path: path.to_owned(),
                line: number,
                source,
            })?;
            load(entry);
            good_bytes += read as u64;
        }
        if is_torn {
            file.set_len(good_bytes).map_err(failed)?;
        }
        Ok(Self { file, bytes: good_bytes })
    }

    /// Adds a line, in one write.
    pub(super) fn append(&mut self, entry: &Entry<&Push>) -> io::Result<()> {
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        match self.file.write_all(&line) {
            Ok(()) => {
                self.bytes += line.len() as u64;
                Ok(())
            }
            Err(error) => {
                // Half a line would spoil the next one. If even that fails, the first error says why.
                drop(self.file.set_len(self.bytes));
                Err(error)
            }
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.bytes = 0;
        Ok(())
    }
}
