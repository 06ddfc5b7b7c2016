//! A file that only one writer can make, wherever it runs: there while that one reads and signs the note.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chrono::DateTime;

use crate::state::candidate::Candidate;
use crate::state::directory::note::{self, Note, io};
use crate::state::error::StateErrorKind;
use crate::state::holder::Holder;
use crate::state::lease::{Signs, Terms};

pub(super) const CLAIM_FILE_NAME: &str = "claim.json";
/// How long another's claim is waited for before that is said: it stands for some milliseconds.
const CLAIM_PATIENCE: Duration = Duration::from_secs(1);
const CLAIM_POLL: Duration = Duration::from_millis(5);

/// A claim that was made.
#[derive(Debug)]
pub(super) struct Claim {
    directory: PathBuf,
    note: Note,
}

impl Claim {
    /// Makes it. One whose maker is proven to be over goes, and so does one that stands for longer than a lease: whoever
    /// made it notices, and does not go in.
    pub(super) fn make(directory: &Path, candidate: &Candidate) -> Result<Self, StateErrorKind> {
        let started = Instant::now();
        let claim = Self { directory: directory.to_owned(), note: Note::of(candidate, 0, None) };
        loop {
            if claim.appears()? {
                return Ok(claim);
            }
            let Some(found) = read(directory)? else { continue };
            if candidate.proves_over(&found.holder) {
                remove(directory, &found)?;
                continue;
            }
            let is_nameless = found.holder.process == 0;
            if found.opening.is_none() && !is_nameless {
                return Err(StateErrorKind::LeftLocked { holder: Box::new(found.holder) });
            }
            let left = match watch(&found, candidate) {
                (Signs::Expired, _) => {
                    remove(directory, &found)?;
                    continue;
                }
                (Signs::Silent(left), _) => left,
                (Signs::Moving(ago) | Signs::Unclear(ago), terms) => {
                    terms.expires_after().saturating_sub(ago)
                }
            };
            if started.elapsed() >= CLAIM_PATIENCE {
                return Err(StateErrorKind::Silent { holder: Box::new(found.holder), left });
            }
            std::thread::sleep(CLAIM_POLL);
        }
    }

    /// Whether it could be made. It appears with all that it says, or not at all, wherever files can have two names.
    fn appears(&self) -> Result<bool, StateErrorKind> {
        let path = self.directory.join(CLAIM_FILE_NAME);
        let text = self.note.text();
        let write = |path: &Path| {
            let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
            file.write_all(&text).and_then(|()| file.sync_all())
        };
        let beside =
            self.directory.join(format!("{CLAIM_FILE_NAME}.{}", self.note.nonce().unwrap_or_default()));
        write(&beside).map_err(io("create", &beside))?;
        let linked = fs::hard_link(&beside, &path);
        // A reply that was lost on its way from a server says no, though it was done.
        let is_there = linked.is_ok() || fs::metadata(&beside).is_ok_and(|beside| beside.nlink() == 2);
        remove_file(&beside)?;
        if is_there {
            return Ok(true);
        }
        match linked.map_err(|error| error.kind()) {
            Err(ErrorKind::AlreadyExists | ErrorKind::NotFound) => Ok(false),
            // No second names here: then it can be seen empty for a moment, or for long if its maker dies in it.
            _ => match write(&path) {
                Ok(()) => Ok(true),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
                Err(error) => Err(io("create", &path)(error)),
            },
        }
    }

    /// Whether it is still there.
    pub(super) fn is_ours(&self) -> Result<bool, StateErrorKind> {
        Ok(read(&self.directory)?.is_some_and(|found| found.is_of(&self.note)))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // One that stays keeps others out for a while.
        drop(remove(&self.directory, &self.note));
    }
}

/// Reads the claim. One without a name, made by who died in the middle of it, is a writer's of no host.
pub(super) fn read(directory: &Path) -> Result<Option<Note>, StateErrorKind> {
    let text = note::read(&directory.join(CLAIM_FILE_NAME))?;
    Ok(text.map(|text| serde_json::from_slice(&text).unwrap_or_else(|_| nameless())))
}

fn nameless() -> Note {
    let holder = Holder {
        command: "?".to_owned(),
        actor: "somebody without a name".to_owned(),
        host: String::new(),
        process: 0,
        origin: None,
        since: DateTime::UNIX_EPOCH,
        ci_run: None,
        writes: true,
    };
    Note::of_older(holder)
}

/// Says what a claim shows of its maker: it stays the same as long as it is the same one.
pub(super) fn watch(claim: &Note, candidate: &Candidate) -> (Signs, Terms) {
    candidate.watch("claim", format!("{:?} {}", claim.nonce(), claim.holder), Duration::ZERO)
}

/// Removes a claim, if it is that one.
pub(super) fn remove(directory: &Path, claim: &Note) -> Result<(), StateErrorKind> {
    match read(directory)? {
        Some(found) if found == *claim => remove_file(&directory.join(CLAIM_FILE_NAME)),
        _ => Ok(()),
    }
}

fn remove_file(path: &Path) -> Result<(), StateErrorKind> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(io("remove", path)(error)),
        _ => Ok(()),
    }
}
