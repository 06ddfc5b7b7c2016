//! How far a ledger was when this machine last wrote it, kept apart from the ledger: an older copy that is
//! put in its place looks whole by itself, and only somebody else can tell that it forgot something.
//!
//! A witness is a help and no promise: a fresh machine has none, and one that cannot be written is left out.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use crate::domain::LedgerPlace;
use crate::ledger::{Blocks, Chain, Lineage, Mark, Serial};
use crate::state::{Draft, Holder, Lease, Lines, Reader, StateError, Writer};

/// Returns the last record that this machine knows of a ledger.
#[must_use]
pub fn recall(directory: &Path, lineage: &Lineage) -> Option<Mark> {
    let text = fs::read_to_string(directory.join(lineage.to_string())).ok()?;
    let (serial, chain) = text.trim_end().split_once(' ')?;
    Some(Mark { serial: Serial(serial.parse().ok()?), chain: chain.to_owned() })
}

/// Remembers how far a ledger is. The newer of two runs of one machine wins, whichever ends last.
pub fn remember(directory: &Path, lineage: &Lineage, serial: Serial, chain: Chain) {
    if recall(directory, lineage).is_some_and(|known| known.serial >= serial) {
        return;
    }
    let written = fs::create_dir_all(directory)
        .and_then(|()| tempfile::NamedTempFile::new_in(directory))
        .and_then(|mut file| {
            file.write_all(line(serial, chain).as_bytes())?;
            file.persist(directory.join(lineage.to_string())).map(drop).map_err(|error| error.error)
        });
    // Without it a later run is as wise as one on another machine.
    drop(written);
}

/// The text of a witness: always of one length, so that one can be written over another.
fn line(serial: Serial, chain: Chain) -> String {
    format!("{:020} {chain}\n", serial.0)
}

/// Returns a writer of whose ledger this machine remembers every durable step, also where the run is killed in its middle: what is
/// restored from before such a run must not pass for all there is. [`remember`] was called for its lineage before.
#[must_use]
pub fn witnessed(store: Box<dyn Writer>, directory: &Path, lineage: &Lineage) -> Box<dyn Writer> {
    match OpenOptions::new().write(true).open(directory.join(lineage.to_string())) {
        Ok(note) => Box::new(Witnessed { store, note }),
        // Without it a later run is as wise as one on another machine.
        Err(_) => store,
    }
}

struct Witnessed {
    store: Box<dyn Writer>,
    note: File,
}

impl Reader for Witnessed {
    fn place(&self) -> &LedgerPlace {
        self.store.place()
    }

    fn lines(&self) -> Lines<'_> {
        self.store.lines()
    }

    fn blocks(&self) -> Arc<dyn Blocks> {
        self.store.blocks()
    }

    fn high_water(&self) -> Result<Option<(Serial, String)>, StateError> {
        self.store.high_water()
    }
}

impl Writer for Witnessed {
    fn append(
        &mut self,
        after: Serial,
        lines: Vec<(Serial, Vec<u8>)>,
        chain: Chain,
    ) -> Result<(), StateError> {
        let last = lines.last().map(|(serial, _)| *serial);
        self.store.append(after, lines, chain)?;
        if let Some(serial) = last {
            // Not synced: it has to outlive the process, and a power cut takes the request along.
            drop(self.note.write_all_at(line(serial, chain).as_bytes(), 0));
        }
        Ok(())
    }

    fn lease(&self) -> Arc<Lease> {
        self.store.lease()
    }

    fn took_over(&self) -> Option<&Holder> {
        self.store.took_over()
    }

    fn pieces(&self) -> u64 {
        self.store.pieces()
    }

    fn draft(self: Box<Self>) -> Result<Box<dyn Draft>, StateError> {
        self.store.draft()
    }
}
