//! A ledger in a sled directory.
//!
//! Four things that sled does not do by itself:
//! - Its `flush` is `sync_file_range` on Linux, which does not survive a power cut: every append also
//!   calls `fdatasync` on the database file before it returns.
//! - It panics on damaged files: every call into it that reads runs behind `catch_unwind`.
//! - It takes a snapshot that a killed process did not finish for the latest one, and gives the store up: such
//!   files are removed before it opens.
//! - It cuts a damaged tail off without a word, which here would mean to forget pushes that were sent: the
//!   last serial is also kept in a file beside it, so that a shorter ledger is noticed.

use std::cell::Cell;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::ledger::{Chain, Serial};
use crate::state::backend::{Backend, Lines, StateError};
use crate::state::holder::{self, HeldLock, Holder};

const DATABASE_FILE_NAME: &str = "db";
const HIGH_WATER_FILE_NAME: &str = "high_water";
const TREE: &str = "records";
/// How long sled may hold on to a database that was dropped.
const LETTING_GO_MAX: Duration = Duration::from_secs(5);
/// Small: records are written once, in order, and read once, in order.
const CACHE_BYTES: u64 = 16 << 20;

/// A ledger in a sled directory, held by this process alone.
pub struct SledBackend {
    // Before `held`, so that sled lets go of its files before the next holder may open them.
    tree: sled::Tree,
    _database: sled::Db,
    path: PathBuf,
    database_file: File,
    high_water_file: File,
    held: Held,
}

/// What keeps others away from the files, or us away from theirs.
enum Held {
    Lock(HeldLock),
    /// A copy, gone with the value; nothing is appended to it.
    Copy {
        _directory: TempDir,
    },
}

impl SledBackend {
    /// Opens the ledger in `directory`, and keeps everybody else out.
    ///
    /// # Errors
    ///
    /// Returns [`StateError::Missing`] where there is none, [`StateError::Locked`] when another process has
    /// it, [`StateError::Damaged`] when sled cannot read its files.
    pub fn open(directory: &Path, holder: &Holder) -> Result<Self, StateError> {
        if !directory.join(DATABASE_FILE_NAME).is_file() {
            return Err(StateError::Missing(directory.to_owned()));
        }
        Self::attach(directory, Held::Lock(holder::take(directory, holder)?))
    }

    /// Opens the store in `directory`, made if there is none, and keeps everybody else out. Whether it is
    /// empty is for [`create`](crate::state::create) to see.
    ///
    /// # Errors
    ///
    /// Returns what [`SledBackend::open`] returns, but never [`StateError::Missing`].
    pub fn create(directory: &Path, holder: &Holder) -> Result<Self, StateError> {
        fs::create_dir_all(directory).map_err(io("create", directory))?;
        Self::attach(directory, Held::Lock(holder::take(directory, holder)?))
    }

    /// Opens a copy of the ledger in `directory`, which another process may be writing to: a view for reading.
    ///
    /// The copy is as if that process had died at that moment, and so is read the same way. It can miss what
    /// was written while it was made, and no more: what its [`Backend::high_water`] says was written before.
    /// It may also be torn, and then reads as damaged or rolled back: make another one.
    ///
    /// # Errors
    ///
    /// Returns [`StateError::Missing`] where there is no ledger, [`StateError::Damaged`] when sled cannot read the
    /// copy, [`StateError::Io`] when it cannot be made.
    pub fn view(directory: &Path) -> Result<Self, StateError> {
        if !directory.join(DATABASE_FILE_NAME).is_file() {
            return Err(StateError::Missing(directory.to_owned()));
        }
        let copy = tempfile::tempdir().map_err(io("copy", directory))?;
        copy_files(directory, copy.path()).map_err(io("copy", directory))?;
        let path = copy.path().to_owned();
        Self::attach(&path, Held::Copy { _directory: copy }).map_err(|error| match error {
            StateError::Damaged { why, .. } => StateError::Damaged { path: directory.to_owned(), why },
            other => other,
        })
    }

    /// Returns the last record that a ledger is known to have had, whatever became of its database; nothing where
    /// there never was one.
    ///
    /// # Errors
    ///
    /// Returns [`StateError::Io`] or [`StateError::Damaged`] when the note of it cannot be read.
    pub fn known_serial(directory: &Path) -> Result<Option<Serial>, StateError> {
        if !directory.join(HIGH_WATER_FILE_NAME).exists() {
            return Ok(None);
        }
        Ok(read_high_water(directory)?.map(|(serial, _)| serial))
    }

    /// Returns the writer on this host that had the ledger before and never came to its end.
    #[must_use]
    pub fn took_over(&self) -> Option<&Holder> {
        match &self.held {
            Held::Lock(lock) => lock.took_over(),
            Held::Copy { .. } => None,
        }
    }

    fn attach(directory: &Path, held: Held) -> Result<Self, StateError> {
        remove_unfinished_snapshots(directory).map_err(io("clean up", directory))?;
        let config = sled::Config::new()
            .path(directory)
            .cache_capacity(CACHE_BYTES)
            .flush_every_ms(None)
            .use_compression(false);
        let opened = || {
            unpanicked(directory, || {
                let database = config.open()?;
                let tree = database.open_tree(TREE)?;
                Ok((database, tree))
            })
        };
        let started = Instant::now();
        let (database, tree) = loop {
            match opened() {
                // Nobody else may be here: it is an earlier handle of this process, which sled lets go of late.
                Err(StateError::Io { source, .. })
                    if source.to_string().contains("acquire lock") && started.elapsed() < LETTING_GO_MAX =>
                {
                    std::thread::sleep(Duration::from_millis(5));
                }
                other => break other?,
            }
        };
        let path = directory.join(DATABASE_FILE_NAME);
        let database_file = File::open(&path).map_err(io("open", &path))?;
        let path = directory.join(HIGH_WATER_FILE_NAME);
        let high_water_file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(io("open", &path))?;
        Ok(Self {
            tree,
            _database: database,
            path: directory.to_owned(),
            database_file,
            high_water_file,
            held,
        })
    }
}

impl Backend for SledBackend {
    fn lines(&self) -> Lines<'_> {
        let mut items = self.tree.iter();
        let mut is_over = false;
        Box::new(std::iter::from_fn(move || {
            if is_over {
                return None;
            }
            match unpanicked(&self.path, || items.next().transpose()) {
                Ok(Some((_, line))) => Some(Ok(line.to_vec())),
                Ok(None) => None,
                Err(error) => {
                    is_over = true;
                    Some(Err(error))
                }
            }
        }))
    }

    fn append(&mut self, lines: Vec<(Serial, Vec<u8>)>, chain: Chain) -> Result<(), StateError> {
        let Some(last) = lines.last().map(|(serial, _)| *serial) else { return Ok(()) };
        if matches!(self.held, Held::Copy { .. }) {
            return Err(io("append to a copy of", &self.path)(ErrorKind::ReadOnlyFilesystem.into()));
        }
        unpanicked(&self.path, || {
            for (serial, line) in lines {
                self.tree.insert(serial.0.to_be_bytes(), line)?;
            }
            self.tree.flush()
        })?;
        self.database_file.sync_data().map_err(io("sync", &self.path))?;
        // Fixed width, so that a shorter number leaves nothing of a longer one behind. Not synced: after a
        // power cut it may lag, which hides nothing that the records themselves do not show.
        let note = format!("{:020} {chain}\n", last.0);
        let file = &mut self.high_water_file;
        file.rewind().and_then(|()| file.write_all(note.as_bytes())).map_err(io("write", &self.path))
    }

    fn high_water(&self) -> Result<Option<(Serial, String)>, StateError> {
        read_high_water(&self.path)
    }
}

fn read_high_water(directory: &Path) -> Result<Option<(Serial, String)>, StateError> {
    let path = directory.join(HIGH_WATER_FILE_NAME);
    let mut note = String::new();
    File::open(&path).and_then(|mut file| file.read_to_string(&mut note)).map_err(io("read", &path))?;
    let Some((serial, chain)) = note.trim_end().split_once(' ') else { return Ok(None) };
    let serial = serial.parse().map_err(|_| StateError::Damaged {
        path: directory.to_owned(),
        why: format!("`{HIGH_WATER_FILE_NAME}` does not begin with a serial"),
    })?;
    Ok(Some((Serial(serial), chain.to_owned())))
}

/// What sled calls a snapshot until it is whole.
const UNFINISHED_SNAPSHOT_SUFFIX: &str = ".generating";

/// Removes what a process left behind that was killed while sled wrote a snapshot. sled would take it for the
/// latest one, and the whole store for corrupted; the one before is still there, and the log has the rest.
fn remove_unfinished_snapshots(directory: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if is_unfinished_snapshot(&entry.file_name()) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn is_unfinished_snapshot(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name.starts_with("snap.") && name.ends_with(UNFINISHED_SNAPSHOT_SUFFIX)
}

/// Copies a store's files: first what tells how far it is, last what it is read from, so that the copy's
/// records reach at least as far as the copy's other files say.
fn copy_files(from: &Path, to: &Path) -> std::io::Result<()> {
    let mut names: Vec<_> =
        fs::read_dir(from)?.map(|entry| Ok(entry?.file_name())).collect::<std::io::Result<_>>()?;
    names.sort_by_key(|name| (name == DATABASE_FILE_NAME, name != HIGH_WATER_FILE_NAME));
    for name in names {
        let (source, target) = (from.join(&name), to.join(&name));
        if source.is_dir() {
            fs::create_dir(&target)?;
            copy_files(&source, &target)?;
        } else if name != holder::LOCK_FILE_NAME && !is_unfinished_snapshot(&name) {
            match fs::copy(&source, &target) {
                // A snapshot that was replaced by a newer one meanwhile.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                copied => drop(copied?),
            }
        }
    }
    Ok(())
}

fn io<'a>(doing: &'static str, path: &'a Path) -> impl FnOnce(std::io::Error) -> StateError + 'a {
    move |source| StateError::Io { doing, path: path.to_owned(), source }
}

thread_local! {
    static IS_GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Runs a call into sled; a panic in it becomes [`StateError::Damaged`], and prints nothing.
fn unpanicked<T>(path: &Path, call: impl FnOnce() -> sled::Result<T>) -> Result<T, StateError> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !IS_GUARDED.get() {
                previous(panic);
            }
        }));
    });
    IS_GUARDED.set(true);
    let result = catch_unwind(AssertUnwindSafe(call));
    IS_GUARDED.set(false);
    let damaged = |why: String| StateError::Damaged { path: path.to_owned(), why };
    match result {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(sled::Error::Io(source))) => {
            Err(StateError::Io { doing: "use", path: path.to_owned(), source })
        }
        Ok(Err(error)) => Err(damaged(error.to_string())),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            Err(damaged(text.unwrap_or("its database gave up without a word").to_owned()))
        }
    }
}
