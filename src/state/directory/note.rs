//! The note in which a writer says that a ledger's directory is its own.
//!
//! The note says which opening it is (its epoch) and that the writer is still there (its beat). A writer writes to the
//! very file that it signed and never to whatever stands at that path by now, and who takes its place puts another file
//! there: so what a writer that was fenced still writes reaches nobody.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::state::candidate::{Candidate, Incumbent};
use crate::state::directory::high_water;
use crate::state::error::StateErrorKind;
use crate::state::holder::Holder;
use crate::state::lease::{Standing, Tenure};

pub(super) const NOTE_FILE_NAME: &str = "holder.json";
/// Room for a beat's digits: a note never changes its length, so that half of one is never read.
const SPARE_BYTES: usize = 64;

/// Which opening of a ledger it is, and the last sign of its writer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Opening {
    /// Goes up with every opening for writing.
    pub(super) epoch: u64,
    /// Random: version 0.2 keeps no epochs.
    nonce: Uuid,
    /// Goes up while the writer is there.
    beat: u64,
    lease_ms: u64,
}

/// What stands in `holder.json` and `claim.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    #[serde(flatten)]
    pub(super) holder: Holder,
    /// Nothing in notes of version 0.2.
    #[serde(flatten)]
    pub(super) opening: Option<Opening>,
    /// A writer whose place was taken without proof of its end: its store is not retired yet, or that is not on record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) fenced: Option<Box<Holder>>,
}

impl Note {
    /// The note that `candidate` would sign, as its epoch's first one.
    pub(super) fn of(candidate: &Candidate, epoch: u64, fenced: Option<Box<Holder>>) -> Self {
        let lease_ms = u64::try_from(candidate.terms().lease().as_millis()).unwrap_or(u64::MAX);
        let opening = Opening { epoch, nonce: Uuid::new_v4(), beat: 0, lease_ms };
        Self { holder: candidate.holder().clone(), opening: Some(opening), fenced }
    }

    /// A note of version 0.2.
    pub(super) fn of_older(holder: Holder) -> Self {
        Self { holder, opening: None, fenced: None }
    }

    pub(super) fn text(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a note is made of what JSON can hold")
    }

    pub(super) fn is_of(&self, other: &Self) -> bool {
        self.nonce().is_some() && self.nonce() == other.nonce()
    }

    pub(super) fn nonce(&self) -> Option<Uuid> {
        self.opening.as_ref().map(|opening| opening.nonce)
    }

    /// Returns what its writer looks like to who waits for it, unless that one gives no signs.
    pub(super) fn incumbent(&self, directory: &Path) -> Option<Incumbent<'_>> {
        let opening = self.opening.as_ref()?;
        let (nonce, beat, tail) = (opening.nonce, opening.beat, high_water::tail(directory));
        let (sign, lease) = (format!("{nonce} {beat} {tail}"), Duration::from_millis(opening.lease_ms));
        Some(Incumbent { holder: &self.holder, sign, lease })
    }
}

/// The note that a writer signed, in the very file that it made.
#[derive(Debug)]
pub(super) struct SignedNote {
    file: File,
    path: PathBuf,
    directory: PathBuf,
    note: Mutex<Note>,
    length: usize,
}

impl SignedNote {
    pub(super) fn note(&self) -> MutexGuard<'_, Note> {
        self.note.lock().expect("no holder of this lock panics")
    }

    pub(super) fn write(&self, note: &Note) -> Result<(), StateErrorKind> {
        let mut text = note.text();
        text.resize(self.length.max(text.len()), b' ');
        self.file.write_all_at(&text, 0).and_then(|()| self.file.sync_data()).map_err(io("write", &self.path))
    }

    fn standing(&self, ours: &Note) -> Result<Standing, StateErrorKind> {
        // Opened anew: what stands there by now may be another file.
        Ok(match read_note(&self.directory)? {
            Some(found) if found.is_of(ours) => Standing::Holds,
            found => Standing::Lost(found.map(|note| Box::new(note.holder))),
        })
    }
}

impl Tenure for Arc<SignedNote> {
    fn look(&self) -> Result<Standing, StateErrorKind> {
        self.standing(&self.note())
    }

    fn beat(&self) -> Result<Standing, StateErrorKind> {
        let mut note = self.note();
        if let Some(opening) = &mut note.opening {
            opening.beat += 1;
        }
        let written = self.write(&note);
        match self.standing(&note)? {
            // On some file systems a file that was replaced cannot be written to any more.
            Standing::Holds => written.map(|()| Standing::Holds),
            lost @ Standing::Lost(_) => Ok(lost),
        }
    }

    fn take_over_recorded(&self) -> Result<(), StateErrorKind> {
        let mut note = self.note();
        note.fenced = None;
        self.write(&note)
    }
}

/// Puts a note in place as a file of its own: nobody who has the one before it open can write to it.
pub(super) fn publish(directory: &Path, note: Note) -> Result<Arc<SignedNote>, StateErrorKind> {
    let path = directory.join(NOTE_FILE_NAME);
    let beside = directory.join(format!("{NOTE_FILE_NAME}.{}", note.nonce().unwrap_or_default()));
    let length = note.text().len() + SPARE_BYTES;
    let make = || {
        let file = OpenOptions::new().create_new(true).read(true).write(true).open(&beside)?;
        if let Ok(before) = fs::metadata(&path) {
            file.set_permissions(before.permissions())?;
        }
        // Free, since nobody knows of it; where there are no locks, the note decides.
        drop(file.try_lock());
        Ok(file)
    };
    let file = make().map_err(io("create", &beside))?;
    let signed = SignedNote { file, path, directory: directory.to_owned(), note: Mutex::new(note), length };
    let note = signed.note().clone();
    signed.write(&note)?;
    fs::rename(&beside, &signed.path)
        .and_then(|()| File::open(directory)?.sync_all())
        .map_err(io("write", &signed.path))?;
    Ok(Arc::new(signed))
}

/// Reads the note, from a file that is opened for it. One that is just being written, as version 0.2 does it, reads as
/// nobody's.
pub(super) fn read_note(directory: &Path) -> Result<Option<Note>, StateErrorKind> {
    let text = read(&directory.join(NOTE_FILE_NAME))?;
    Ok(text.and_then(|text| serde_json::from_slice(&text).ok()))
}

/// Reads a file; nothing where there is none.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, StateErrorKind> {
    let mut text = Vec::new();
    match File::open(path).and_then(|mut file| file.read_to_end(&mut text)) {
        Ok(_) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io("read", path)(error)),
    }
}

/// Says of an error of the system what was tried, and where.
pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> StateErrorKind {
    move |source| StateErrorKind::Io { doing, path: path.to_owned(), source }
}
