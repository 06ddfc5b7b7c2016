//! Where the files of a ledger's store are, and how one store takes another's place.
//!
//! A new ledger's store is in the ledger's directory itself. Packing writes another one beside it, in `packing`, which
//! becomes `store-1` by a rename once it is whole and durable, then `store-2`, and so on: the highest number counts,
//! and what it superseded is removed: sled itself never gives disk space back. So after a crash there is always one of
//! them, whole.
//!
//! A writer that was fenced may still do anything that it was about to. So each has drafts of its own name, puts them
//! behind the store that it opened, whatever is current by now, and removes nothing that is newer.

use std::ffi::OsStr;
use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::state::directory::{claim, high_water, note};

/// sled's database file.
pub(super) const DATABASE_FILE_NAME: &str = "db";
/// What the names of stores begin with that will take another's place.
const DRAFT_PREFIX: &str = "packing";
/// What the names of drafts and files begin with that are about to be removed.
const TRASH_PREFIX: &str = "removing-";
/// What the names of stores that took another's place begin with.
const STORE_PREFIX: &str = "store-";
/// What else sled keeps beside its database file.
const COMPANIONS: [&str; 2] = ["conf", "blobs"];
/// What sled calls a snapshot until it is whole.
const UNFINISHED_SNAPSHOT_SUFFIX: &str = ".generating";
/// What the names of sled's snapshots begin with.
const SNAPSHOT_PREFIX: &str = "snap.";
/// Bytes at a snapshot's end: its length, eight of them, then the checksum of what is before that (sled 0.34,
/// `pagecache/snapshot.rs`).
const SNAPSHOT_TRAILER_BYTES: usize = 12;
/// How long sled may hold on to a database that was dropped.
const LETTING_GO_MAX: Duration = Duration::from_secs(5);

/// Returns where a writer's draft of a ledger's next store is; `name` is the writer's alone.
pub(super) fn draft(directory: &Path, name: &str) -> PathBuf {
    directory.join(format!("{DRAFT_PREFIX}-{name}"))
}

/// Returns the number and place of the store that counts; number 0 is the ledger's directory itself. Nothing where there
/// is no store.
pub(super) fn current(directory: &Path) -> Option<(u32, PathBuf)> {
    let numbered = numbered(directory).unwrap_or_default();
    let latest = numbered.into_iter().filter(|(_, path)| path.join(DATABASE_FILE_NAME).is_file()).max();
    let first = || directory.join(DATABASE_FILE_NAME).is_file().then(|| (0, directory.to_owned()));
    latest.or_else(first)
}

fn numbered(directory: &Path) -> io::Result<Vec<(u32, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix(STORE_PREFIX)?.parse().ok());
        found.extend(number.map(|number| (number, entry.path())));
    }
    Ok(found)
}

/// Removes what others left behind: drafts, notes that were never signed, and stores below the one that counts. For who
/// holds the ledger alone.
pub(super) fn tidy(directory: &Path, current: u32) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_left = name.starts_with(DRAFT_PREFIX)
            || name.starts_with(TRASH_PREFIX)
            || [note::NOTE_FILE_NAME, claim::CLAIM_FILE_NAME]
                .iter()
                .any(|file| name.strip_prefix(file).is_some_and(|rest| rest.starts_with('.')));
        if is_left {
            remove_at_once(directory, &entry.path())?;
        }
    }
    if current == 0 {
        return Ok(());
    }
    for (_, path) in numbered(directory)?.into_iter().filter(|(number, _)| *number < current) {
        remove_at_once(directory, &path)?;
    }
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let is_of_first = name == DATABASE_FILE_NAME
            || COMPANIONS.iter().any(|companion| name == *companion)
            || name.to_string_lossy().starts_with(SNAPSHOT_PREFIX);
        if is_of_first {
            remove_all(&entry.path())?;
        }
    }
    Ok(())
}

/// Removes a draft that nobody will put in place.
pub(super) fn discard_draft(draft: &Path) -> io::Result<()> {
    // One that never became a store has no file that sled could hold on to.
    drop(wait_until_let_go(draft));
    remove_all(draft)
}

/// Removes every draft of whoever died.
pub(super) fn discard_drafts(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(DRAFT_PREFIX) {
            discard_draft(&entry.path())?;
        }
    }
    Ok(())
}

/// Takes something away by its name first: who still writes below it is told, and never goes on with half of it.
fn remove_at_once(directory: &Path, path: &Path) -> io::Result<()> {
    let trash = directory.join(format!("{TRASH_PREFIX}{}", uuid::Uuid::new_v4()));
    match fs::rename(path, &trash) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(()) => remove_all(&trash),
    }
}

pub(super) fn remove_all(path: &Path) -> io::Result<()> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Puts a draft, which is durable, in place behind the store of number `current`, durably, and returns its number and place.
/// Nobody may have it open.
pub(super) fn install(directory: &Path, draft: &Path, current: u32) -> io::Result<(u32, PathBuf)> {
    let number = current + 1;
    let path = directory.join(format!("{STORE_PREFIX}{number}"));
    // Fails where there is one: then another writer was here.
    fs::rename(draft, &path)?;
    File::open(directory)?.sync_all()?;
    Ok((number, path))
}

/// Copies the store that counts into a draft, for a writer that takes it from one of which nobody knows whether it still
/// writes.
pub(super) fn copy_to_draft(directory: &Path, draft: &Path) -> io::Result<()> {
    remove_all(draft)?;
    fs::create_dir(draft)?;
    copy_high_water(directory, draft)?;
    let Some((_, store)) = current(directory) else { return Err(ErrorKind::NotFound.into()) };
    copy_store(&store, draft)
}

/// Goes on in a draft that is such a copy: behind every store that is there, with files that nobody else has open.
pub(super) fn retire(directory: &Path, draft: &Path) -> io::Result<(u32, PathBuf)> {
    let current = current(directory).map_or(0, |(number, _)| number);
    sync_all(draft)?;
    // First: a crash in between leaves the note that says that all of this is still to be done.
    for (copied, note) in high_water::files(draft).iter().zip(high_water::files(directory)) {
        if copied.exists() {
            fs::rename(copied, note)?;
        }
    }
    install(directory, draft, current)
}

/// Moves everything of a ledger but its notes and the draft in `draft` to a directory of its own. What tells how far it was stays,
/// too, so that a crash leaves no place that looks new.
pub(super) fn put_aside(directory: &Path, draft: &Path, kept_in: &Path) -> io::Result<()> {
    fs::create_dir(kept_in)?;
    copy_high_water(directory, kept_in)?;
    for entry in fs::read_dir(directory)? {
        let (name, path) = entry.map(|entry| (entry.file_name(), entry.path()))?;
        let stays = high_water::is_part(&name)
            || path == draft
            || [note::NOTE_FILE_NAME, claim::CLAIM_FILE_NAME]
                .iter()
                .any(|file| name.to_string_lossy().starts_with(file));
        if !stays {
            fs::rename(&path, kept_in.join(&name))?;
        }
    }
    Ok(())
}

/// sled lets go of its files some time after it was dropped, and writes to them until then.
pub(super) fn wait_until_let_go(store: &Path) -> io::Result<()> {
    let (file, started) = (File::open(store.join(DATABASE_FILE_NAME))?, Instant::now());
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if started.elapsed() < LETTING_GO_MAX => {
                std::thread::sleep(Duration::from_millis(1));
            }
            Err(TryLockError::WouldBlock) => return Err(ErrorKind::WouldBlock.into()),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}

/// Makes every file of a directory durable, and the directory itself.
pub(super) fn sync_all(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            sync_all(&entry?.path())?;
        }
    }
    File::open(path)?.sync_all()
}

/// Removes snapshots that sled would take for the whole store's corruption: those that a killed process did not finish,
/// and those that are damaged, by their own checksum. sled only saves time with them: it makes them anew from its log, and
/// whether that is whole is proven by the chain of the records.
pub(super) fn remove_useless_snapshots(store: &Path) -> io::Result<()> {
    for entry in fs::read_dir(store)? {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_string_lossy().starts_with(SNAPSHOT_PREFIX)
            && (is_unfinished_snapshot(&name) || !is_whole_snapshot(&fs::read(entry.path())?))
        {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn is_whole_snapshot(bytes: &[u8]) -> bool {
    let Some((snapshot, trailer)) = bytes.split_last_chunk::<SNAPSHOT_TRAILER_BYTES>() else { return false };
    !snapshot.is_empty() && trailer.ends_with(&crc32fast::hash(snapshot).to_le_bytes())
}

fn is_unfinished_snapshot(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name.starts_with(SNAPSHOT_PREFIX) && name.ends_with(UNFINISHED_SNAPSHOT_SUFFIX)
}

/// Copies a ledger's files: first what tells how far it is, last what it is read from, so that the copy's
/// records reach at least as far as the copy's other files say.
pub(super) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    copy_high_water(from, to)?;
    let Some((number, store)) = current(from) else { return Err(ErrorKind::NotFound.into()) };
    let target = if number == 0 { to.to_owned() } else { to.join(format!("{STORE_PREFIX}{number}")) };
    fs::create_dir_all(&target)?;
    copy_store(&store, &target)
}

fn copy_high_water(from: &Path, to: &Path) -> io::Result<()> {
    for (note, copied) in high_water::files(from).iter().zip(high_water::files(to)) {
        if note.exists() {
            copy_file(note, &copied)?;
        }
    }
    Ok(())
}

fn copy_store(from: &Path, to: &Path) -> io::Result<()> {
    let mut names: Vec<_> =
        fs::read_dir(from)?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<_>>()?;
    names.sort_by_key(|name| name == DATABASE_FILE_NAME);
    for name in names {
        let (source, target) = (from.join(&name), to.join(&name));
        let prefixes =
            [note::NOTE_FILE_NAME, claim::CLAIM_FILE_NAME, DRAFT_PREFIX, TRASH_PREFIX, STORE_PREFIX];
        let is_left_out = prefixes.iter().any(|prefix| name.to_string_lossy().starts_with(prefix))
            || high_water::is_part(&name)
            || is_unfinished_snapshot(&name);
        if is_left_out {
            continue;
        }
        if source.is_dir() {
            fs::create_dir(&target)?;
            copy_store(&source, &target)?;
            continue;
        }
        match copy_file(&source, &target) {
            // A snapshot that was replaced by a newer one meanwhile.
            Err(error) if error.kind() == ErrorKind::NotFound && name != DATABASE_FILE_NAME => {}
            copied => copied?,
        }
    }
    Ok(())
}

/// Copies what is in a file; who may only read it may write to the copy.
fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    io::copy(&mut File::open(from)?, &mut File::create(to)?).map(drop)
}
