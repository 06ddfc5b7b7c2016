//! How far a ledger was when this machine last wrote it, kept apart from the ledger: an older copy that is
//! put in its place looks whole by itself, and only somebody else can tell that it forgot something.
//!
//! A witness is a help and no promise: a fresh machine has none, and one that cannot be written is left out.

use std::fs;
use std::io::Write;
use std::path::Path;

use crate::ledger::{Chain, Lineage, Serial};

/// Returns the last record that this machine knows of, with its chain.
pub(super) fn recall(directory: &Path, lineage: &Lineage) -> Option<(Serial, String)> {
    let text = fs::read_to_string(directory.join(lineage.to_string())).ok()?;
    let (serial, chain) = text.trim_end().split_once(' ')?;
    Some((Serial(serial.parse().ok()?), chain.to_owned()))
}

/// Remembers how far a ledger is. The newer of two runs of one machine wins, whichever ends last.
pub fn remember(directory: &Path, lineage: &Lineage, serial: Serial, chain: Chain) {
    if recall(directory, lineage).is_some_and(|(known, _)| known >= serial) {
        return;
    }
    let written = fs::create_dir_all(directory)
        .and_then(|()| tempfile::NamedTempFile::new_in(directory))
        .and_then(|mut file| {
            writeln!(file, "{serial} {chain}")?;
            file.persist(directory.join(lineage.to_string())).map(drop).map_err(|error| error.error)
        });
    // Without it a later run is as wise as one on another machine.
    drop(written);
}
