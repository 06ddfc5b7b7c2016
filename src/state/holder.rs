//! Who has a ledger open: a file lock, and a note of the writer whose it is.

use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use crate::state::StateError;

pub(super) const LOCK_FILE_NAME: &str = "holder.json";
pub(super) const CLAIM_FILE_NAME: &str = "claim.json";
/// How long a claim may be without a name: its maker is about to write it.
const CLAIM_PATIENCE: Duration = Duration::from_secs(1);
const CLAIM_POLL: Duration = Duration::from_millis(5);

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

/// A held lock. The system lets go of it when the process ends, however it ends; a writer's note goes only when the
/// value is dropped, so that one that never came to its end is known.
#[derive(Debug)]
#[must_use = "the lock is let go of when this is dropped"]
pub struct HeldLock {
    file: File,
    directory: PathBuf,
    /// The note that is written there; none by who only reads.
    note: Option<Holder>,
    took_over: Option<Holder>,
}

impl HeldLock {
    /// Returns the writer on this host that had it before and never came to its end.
    pub(super) fn took_over(&self) -> Option<&Holder> {
        self.took_over.as_ref()
    }
}

impl Drop for HeldLock {
    fn drop(&mut self) {
        let Some(ours) = &self.note else { return };
        // Where this one was taken for dead and unlocked, the note is the next writer's.
        let is_anothers = matches!(note(&self.directory), Ok(Some(note)) if note.writes && note != *ours);
        if !is_anothers {
            // A note that stays only makes the next holder say that it took over.
            drop(self.file.set_len(0));
        }
    }
}

/// A file that only one writer can make, wherever it runs: there while that one reads and writes the note.
struct Claim(PathBuf);

impl Claim {
    /// Makes it. The system's lock is held: a claim that was made on this host is a dead process's, and goes.
    fn make(directory: &Path, holder: &Holder) -> Result<Self, StateError> {
        let path = directory.join(CLAIM_FILE_NAME);
        let started = Instant::now();
        loop {
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(mut file) => {
                    let claim = Self(path);
                    let written = file.write_all(&text_of(holder)).and_then(|()| file.sync_all());
                    written.map_err(io("write", &claim.0))?;
                    return Ok(claim);
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(io("create", &path)(error)),
            }
            match claimed(directory)? {
                Some(found) if found.host == holder.host => remove(&path)?,
                // Just being made, or nobody will ever know by whom.
                Some(found) if found.host.is_empty() && started.elapsed() < CLAIM_PATIENCE => {
                    std::thread::sleep(CLAIM_POLL);
                }
                Some(holder) => return Err(StateError::LeftLocked { path: directory.to_owned(), holder }),
                None => {}
            }
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // One that stays keeps other hosts out until somebody looks.
        drop(remove(&self.0));
    }
}

/// Takes the lock of a ledger's directory, which must exist.
///
/// The system's lock decides between processes of one host. A directory that several hosts share may not carry
/// it from one to the other: there the note decides, and a writer's stays until [`clear`] removes it. That no two
/// writers sign at once is for a file that can be made only once, which such directories do carry.
///
/// # Errors
///
/// Returns [`StateError::Locked`], [`StateError::LeftLocked`], or [`StateError::Io`] when the lock cannot be written.
pub fn take(directory: &Path, holder: &Holder) -> Result<HeldLock, StateError> {
    sign(directory, holder, lock(directory)?)
}

/// Writes the note of who has the system's lock by now, unless a writer on another host was quicker.
fn sign(directory: &Path, holder: &Holder, mut file: File) -> Result<HeldLock, StateError> {
    let left_locked = |holder| StateError::LeftLocked { path: directory.to_owned(), holder };
    let directory = directory.to_owned();
    if !holder.writes {
        // Who only reads signs nothing: it would have to wait for its turn, or it could write over a writer's note.
        let elsewhere = left(&directory)?.into_iter().find(|left| left.host != holder.host);
        let held = HeldLock { file, directory: directory.clone(), note: None, took_over: None };
        return elsewhere.map_or(Ok(held), |holder| Err(left_locked(holder)));
    }
    let claim = Claim::make(&directory, holder)?;
    let left = note(&directory)?.filter(|note| note.writes);
    if let Some(elsewhere) = left.clone().filter(|left| left.host != holder.host) {
        return Err(left_locked(elsewhere));
    }
    file.set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| file.write_all(&text_of(holder)))
        .and_then(|()| file.sync_all())
        .map_err(io("write", &directory.join(LOCK_FILE_NAME)))?;
    drop(claim);
    Ok(HeldLock { file, directory, note: Some(holder.clone()), took_over: left })
}

/// Returns the writers that left a note or a claim behind, wherever they ran; none if every one came to its end.
///
/// # Errors
///
/// Returns [`StateError::Locked`] while a process on this host has the lock, [`StateError::Missing`] without a
/// ledger, [`StateError::Io`] when the lock cannot be read.
pub fn left_behind(directory: &Path) -> Result<Vec<Holder>, StateError> {
    if !directory.is_dir() {
        return Err(StateError::Missing(directory.to_owned()));
    }
    let _file = lock(directory)?;
    left(directory)
}

/// Removes what the holders in `seen` left behind; `holder` is who does that.
///
/// # Errors
///
/// Returns [`StateError::LeftLocked`] where it is another's by now, which stays, and what [`left_behind`] returns.
pub fn clear(directory: &Path, seen: &[Holder], holder: &Holder) -> Result<(), StateError> {
    let file = lock(directory)?;
    let prove_seen = |found: &Holder| {
        if seen.contains(found) {
            return Ok(());
        }
        Err(StateError::LeftLocked { path: directory.to_owned(), holder: found.clone() })
    };
    if let Some(found) = claimed(directory)? {
        prove_seen(&found)?;
        remove(&directory.join(CLAIM_FILE_NAME))?;
    }
    // Nobody may sign between the look and the removal.
    let _claim = Claim::make(directory, holder)?;
    let Some(found) = note(directory)?.filter(|note| note.writes) else { return Ok(()) };
    prove_seen(&found)?;
    let path = directory.join(LOCK_FILE_NAME);
    file.set_len(0).and_then(|()| file.sync_all()).map_err(io("write", &path))
}

/// Locks the file.
fn lock(directory: &Path) -> Result<File, StateError> {
    let path = directory.join(LOCK_FILE_NAME);
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(&path)
        .map_err(io("open the lock", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            // A note that is just being written reads as nobody: the lock itself is the truth.
            let holder = file.read_to_string(&mut text).ok().and_then(|_| serde_json::from_str(&text).ok());
            Err(StateError::Locked { path: directory.to_owned(), holder })
        }
        Err(TryLockError::Error(source)) => Err(io("lock", &path)(source)),
    }
}

/// Returns the writers of note and claim.
fn left(directory: &Path) -> Result<Vec<Holder>, StateError> {
    let mut left: Vec<Holder> = note(directory)?.filter(|note| note.writes).into_iter().collect();
    left.extend(claimed(directory)?.filter(|claim| !left.contains(claim)));
    Ok(left)
}

/// Reads the note, from a file that is opened for it: what another host wrote may not be seen through one that was open
/// before.
fn note(directory: &Path) -> Result<Option<Holder>, StateError> {
    let text = read(&directory.join(LOCK_FILE_NAME))?;
    Ok(text.and_then(|(text, _)| serde_json::from_slice(&text).ok()))
}

/// Reads the claim. One without a name, made by who died in the middle of it, is a writer's of no host.
fn claimed(directory: &Path) -> Result<Option<Holder>, StateError> {
    let read = read(&directory.join(CLAIM_FILE_NAME))?;
    Ok(read.map(|(text, since)| {
        serde_json::from_slice(&text).unwrap_or_else(|_| Holder {
            command: "?".to_owned(),
            actor: "somebody without a name".to_owned(),
            host: String::new(),
            process: 0,
            since: since.into(),
            ci_run: None,
            writes: true,
        })
    }))
}

/// Reads a file, and when it was written; nothing where there is none.
fn read(path: &Path) -> Result<Option<(Vec<u8>, SystemTime)>, StateError> {
    let read = File::open(path).and_then(|mut file| {
        let mut text = Vec::new();
        file.read_to_end(&mut text)?;
        Ok((text, file.metadata()?.modified()?))
    });
    match read {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        other => other.map(Some).map_err(io("read", path)),
    }
}

fn remove(path: &Path) -> Result<(), StateError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(io("remove", path)(error)),
        _ => Ok(()),
    }
}

/// The JSON of a holder, which is made of what JSON can hold.
fn text_of(holder: &Holder) -> Vec<u8> {
    serde_json::to_vec(holder).expect("a holder is made of what JSON can hold")
}

fn io(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> StateError {
    let path = path.to_owned();
    move |source| StateError::Io { doing, path, source }
}

#[cfg(test)]
mod tests {
    use std::slice::from_ref;
    use std::sync::Barrier;

    use super::*;

    fn on(host: &str, process: u32) -> Holder {
        Holder {
            command: "apply".into(),
            actor: format!("ann@{host}"),
            host: host.into(),
            process,
            since: DateTime::UNIX_EPOCH,
            ci_run: None,
            writes: true,
        }
    }

    /// Takes the lock as on a file system that carries none from one host to the other.
    fn take_unlocked(directory: &Path, holder: &Holder) -> Result<HeldLock, StateError> {
        let path = directory.join(LOCK_FILE_NAME);
        let file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path);
        sign(directory, holder, file.unwrap())
    }

    fn left_by<T>(taken: Result<T, StateError>) -> Holder {
        match taken.map(drop) {
            Err(StateError::LeftLocked { holder, .. }) => holder,
            other => panic!("expected another host's lock, got {other:?}"),
        }
    }

    #[test]
    fn of_two_hosts_that_start_together_one_goes_in() {
        let directory = tempfile::tempdir().unwrap();
        let hosts = [on("here", 1), on("there", 2)];
        for round in 0..300 {
            let barrier = Barrier::new(2);
            let taken = std::thread::scope(|scope| {
                let start = |holder| {
                    let (directory, barrier) = (directory.path(), &barrier);
                    scope.spawn(move || {
                        barrier.wait();
                        take_unlocked(directory, holder)
                    })
                };
                let started = [start(&hosts[0]), start(&hosts[1])];
                started.map(|thread| thread.join().unwrap())
            });
            let winners = taken.iter().filter(|taken| taken.is_ok()).count();
            assert_eq!(winners, 1, "round {round}: {taken:?}");
            let place = usize::from(taken[1].is_ok());
            assert_eq!(note(directory.path()).unwrap().as_ref(), Some(&hosts[place]));
            drop(taken);
            assert_eq!(left_behind(directory.path()).unwrap(), []);
        }
    }

    #[test]
    fn a_claim_keeps_other_hosts_out_until_it_is_cleared_and_its_own_host_goes_on() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        let dead = on("there", 7);
        fs::write(directory.join(CLAIM_FILE_NAME), text_of(&dead)).unwrap();
        assert_eq!(left_by(take(directory, &on("here", 1))), dead);
        let reader = Holder { writes: false, command: "plan".into(), ..on("here", 1) };
        assert_eq!(left_by(take(directory, &reader)), dead);
        assert_eq!(left_behind(directory).unwrap(), from_ref(&dead));
        assert_eq!(left_by(clear(directory, &[on("there", 8)], &on("here", 1))), dead);
        clear(directory, from_ref(&dead), &on("here", 1)).unwrap();
        assert_eq!(left_behind(directory).unwrap(), []);
        drop(take(directory, &on("here", 1)).unwrap());

        fs::write(directory.join(CLAIM_FILE_NAME), text_of(&dead)).unwrap();
        drop(take(directory, &on("there", 9)).unwrap());
        assert!(!directory.join(CLAIM_FILE_NAME).exists());
    }

    #[test]
    fn a_claim_without_a_name_is_shown_and_cleared_too() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        fs::write(directory.join(CLAIM_FILE_NAME), "").unwrap();
        let nobody = left_by(take(directory, &on("here", 1)));
        assert_eq!(left_behind(directory).unwrap(), from_ref(&nobody));
        clear(directory, &[nobody], &on("here", 1)).unwrap();
        drop(take(directory, &on("here", 1)).unwrap());
    }

    #[test]
    fn only_the_note_that_was_seen_is_cleared() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        let note_of = |holder: &Holder| fs::write(directory.join(LOCK_FILE_NAME), text_of(holder)).unwrap();
        let (seen, next) = (on("there", 1), on("there", 2));
        note_of(&seen);
        assert_eq!(left_behind(directory).unwrap(), from_ref(&seen));
        note_of(&next);
        assert_eq!(left_by(clear(directory, &[seen], &on("here", 1))), next);
        assert_eq!(left_behind(directory).unwrap(), from_ref(&next));
        clear(directory, &[next], &on("here", 1)).unwrap();
        assert_eq!(left_behind(directory).unwrap(), []);
    }

    #[test]
    fn who_was_unlocked_while_it_ran_leaves_the_next_ones_note_alone() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        let first = take_unlocked(directory, &on("here", 1)).unwrap();
        let note_path = directory.join(LOCK_FILE_NAME);
        fs::write(note_path, "").unwrap();
        let second = take_unlocked(directory, &on("there", 2)).unwrap();
        drop(first);
        assert_eq!(left_by(take_unlocked(directory, &on("here", 3))), on("there", 2));
        drop(second);
        assert_eq!(left_behind(directory).unwrap(), []);
    }

    #[test]
    fn who_only_reads_writes_nothing_and_says_nothing_of_the_dead() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        let reader = Holder { writes: false, command: "plan".into(), ..on("here", 1) };
        let reading = take_unlocked(directory, &reader).unwrap();
        let writing = take_unlocked(directory, &on("there", 2)).unwrap();
        drop(reading);
        assert_eq!(left_by(take_unlocked(directory, &reader)), on("there", 2));
        drop(writing);
        // The note of a dead writer on this host is for the next writer to find.
        let dead = on("here", 4);
        fs::write(directory.join(LOCK_FILE_NAME), text_of(&dead)).unwrap();
        drop(take(directory, &reader).unwrap());
        assert_eq!(take(directory, &on("here", 5)).unwrap().took_over(), Some(&dead));
    }
}
