//! A ledger in a sled directory.
//!
//! Four things that sled does not do by itself:
//! - Its `flush` is `sync_file_range` on Linux, which does not survive a power cut: every append also
//!   calls `fdatasync` on the database file before it returns.
//! - It panics on damaged files: every call into it that reads runs behind `catch_unwind`.
//! - It takes a snapshot that a killed process did not finish for the latest one, and gives the store up: such
//!   files are removed before it opens.
//! - It cuts a damaged tail off without a word, which here would mean to forget pushes that were sent: the
//!   last serial is also kept beside it (`high_water`), so that a shorter ledger is noticed.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::ledger::{BlockBytes, BlockError, BlockPlace, Blocks, Chain, Serial};
use crate::state::backend::{Backend, Lines, StateError};
use crate::state::group::{Packer, Unpacker};
use crate::state::high_water::{self, HighWater};
use crate::state::holder::{self, Candidate, HeldLock, Holder};
use crate::state::lease::Lease;
use crate::state::retire;
use crate::state::room::{self, Room};
use crate::state::scratch;
use crate::state::store_files::{self, DATABASE_FILE_NAME};
use crate::state::unpanicked::unpanicked;

/// Lines, grouped as [`Packer`] lays them: keys are first serials, and for a value's further pieces their number behind it.
const RECORDS: &str = "records";
/// Blocks of targets: keys are the serials of the records that name them, with the block's number behind.
const BLOCKS: &str = "blocks";
/// How long sled may hold on to a database that was dropped.
const LETTING_GO_MAX: Duration = Duration::from_secs(5);
/// Small: records are written once, in order, and read once, in order.
const CACHE_BYTES: u64 = 16 << 20;
/// Bytes of a database that is read without regard to what stays in memory of it.
const SMALL_BYTES: u64 = 32 << 20;
/// sled 0.34 lets go of what it read or wrote only while it counts accesses, which it does once it gathered 64 of them in
/// one of 256 parts of its cache. A leaf has up to seventeen values, each read or written once: nearly nothing of a long
/// ledger would be let go of. So many more accesses for each value make it do that: eight together gather 64 every eighth
/// value.
const EXTRA_READS: usize = 7;

/// A ledger in a sled directory, held by this process alone.
pub struct SledBackend {
    // Before `held`, so that sled lets go of its files before the next holder may open them.
    store: Arc<Store>,
    packer: Packer,
    /// The ledger's directory.
    path: PathBuf,
    /// The number and directory of the store that this one has open.
    number: u32,
    store_path: PathBuf,
    /// Names its drafts, which are nobody else's.
    name: String,
    database_file: File,
    high_water: HighWater,
    held: Held,
}

/// sled's own handles.
#[derive(Debug)]
struct Store {
    records: sled::Tree,
    blocks: sled::Tree,
    _database: sled::Db,
    path: PathBuf,
}

/// Makes sled let go of what it read or wrote before `key`.
fn relieve(tree: &sled::Tree, key: &[u8]) -> sled::Result<()> {
    (0..EXTRA_READS).try_for_each(|_| tree.get(key).map(drop))
}

/// Reads blocks for as long as the backend is there.
#[derive(Debug)]
struct SledBlocks {
    store: Weak<Store>,
    is_large: bool,
}

impl Blocks for SledBlocks {
    fn block(&self, place: BlockPlace) -> Result<BlockBytes, BlockError> {
        let unreadable =
            |why: Box<dyn std::error::Error + Send + Sync>| BlockError::Unreadable(place.serial, why);
        let store = self.store.upgrade().ok_or_else(|| unreadable("the ledger was closed".into()))?;
        let key = numbered_key(place.serial, place.index);
        let read = unpanicked(&store.path, || {
            let block = store.blocks.get(key)?;
            if self.is_large {
                relieve(&store.blocks, &key)?;
            }
            Ok(block)
        });
        let block = read.map_err(|error| unreadable(error.into()))?;
        let block = block.ok_or_else(|| unreadable("it is not there".into()))?;
        Ok(Box::new(block))
    }
}

fn numbered_key(serial: Serial, number: u16) -> [u8; 10] {
    let mut key = [0; 10];
    key[..8].copy_from_slice(&serial.0.to_be_bytes());
    key[8..].copy_from_slice(&number.to_be_bytes());
    key
}

/// What keeps others away from the files, or us away from theirs.
enum Held {
    Lock(Box<HeldLock>),
    /// A place inside of what another value has locked.
    Within,
    /// A copy, gone with the value; nothing is appended to it.
    Copy {
        _directory: TempDir,
    },
}

impl SledBackend {
    /// Opens the ledger in `directory`, and keeps everybody else out. Where its writer is not proven to have ended, goes on in
    /// a copy that this writer cannot reach.
    ///
    /// # Errors
    ///
    /// Returns [`StateError::Missing`] where there is none, [`StateError::Locked`] when another process has
    /// it, [`StateError::Silent`] when that one may be dead, [`StateError::Damaged`] when sled cannot read its files.
    pub fn open(directory: &Path, candidate: &Candidate) -> Result<Self, StateError> {
        if store_files::current(directory).is_none() {
            return Err(StateError::Missing(directory.to_owned()));
        }
        Self::attach_held(directory, hold(directory, candidate)?)
    }

    /// Opens the store in `directory`, made if there is none, and keeps everybody else out. Whether it is
    /// empty is for [`create`](crate::state::create) to see.
    ///
    /// # Errors
    ///
    /// Returns what [`SledBackend::open`] returns, but never [`StateError::Missing`].
    pub fn create(directory: &Path, candidate: &Candidate) -> Result<Self, StateError> {
        fs::create_dir_all(directory).map_err(io("create", directory))?;
        Self::attach_held(directory, hold(directory, candidate)?)
    }

    fn attach_held(directory: &Path, lock: HeldLock) -> Result<Self, StateError> {
        let lease = Arc::clone(lock.lease());
        let mut store = lock.store().cloned().unwrap_or_else(|| (0, directory.to_owned()));
        if lease.fenced().is_some() && lock.store().is_some() {
            store = retire::retire(directory, &lease)?;
        }
        store_files::tidy(directory, store.0).map_err(io("clean up", directory))?;
        let attached = Self::attach(directory, store, Held::Lock(Box::new(lock)));
        // Of a store that another writer's has superseded meanwhile, whatever is wrong says nothing.
        lease.prove()?;
        attached
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
        let Some((_, store)) = store_files::current(directory) else {
            return Err(StateError::Missing(directory.to_owned()));
        };
        let database = store.join(DATABASE_FILE_NAME);
        drop(File::open(&database).map_err(io("read", &database))?);
        let copy = scratch::filled(|to| store_files::copy(directory, to)).map_err(io("copy", directory))?;
        let path = copy.path().to_owned();
        let store = store_files::current(&path).unwrap_or_else(|| (0, path.clone()));
        Self::attach(&path, store, Held::Copy { _directory: copy }).map_err(|error| match error {
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
        Ok(high_water::read(directory)?.map(|(serial, _)| serial))
    }

    /// Returns the writer that had the ledger before and never came to its end.
    #[must_use]
    pub fn took_over(&self) -> Option<&Holder> {
        match &self.held {
            Held::Lock(lock) => lock.took_over(),
            Held::Within | Held::Copy { .. } => None,
        }
    }

    fn attach(
        directory: &Path,
        (number, store_path): (u32, PathBuf),
        held: Held,
    ) -> Result<Self, StateError> {
        store_files::remove_useless_snapshots(&store_path).map_err(io("clean up", directory))?;
        Room::TO_OPEN.prove().map_err(io("open", directory))?;
        let config = sled::Config::new()
            .path(&store_path)
            .cache_capacity(CACHE_BYTES)
            .flush_every_ms(None)
            .use_compression(false);
        let opened = || {
            unpanicked(directory, || {
                let database = config.open()?;
                let (records, blocks) = (database.open_tree(RECORDS)?, database.open_tree(BLOCKS)?);
                Ok(Store { records, blocks, _database: database, path: directory.to_owned() })
            })
        };
        let started = Instant::now();
        let store = loop {
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
        let path = store_path.join(DATABASE_FILE_NAME);
        let database_file = File::open(&path).map_err(io("open", &path))?;
        Ok(Self {
            store: Arc::new(store),
            packer: Packer::new().map_err(io("pack into", directory))?,
            path: directory.to_owned(),
            number,
            store_path,
            name: uuid::Uuid::new_v4().to_string(),
            database_file,
            high_water: HighWater::open(directory)?,
            held,
        })
    }
}

impl SledBackend {
    /// Makes everything durable that sled has written.
    ///
    /// sled's own flush leaves the database file in the page cache, and never syncs the files where it puts leaves that
    /// are too long for its log. Such leaves are only in stores of older versions.
    fn sync(&self) -> Result<(), StateError> {
        unpanicked(&self.path, || self.store.records.flush())?;
        let long_leaves = self.store_path.join("blobs");
        let has_long = fs::read_dir(&long_leaves).is_ok_and(|mut entries| entries.next().is_some());
        if has_long {
            store_files::sync_all(&long_leaves).map_err(io("sync", &self.path))?;
        }
        self.database_file.sync_data().map_err(io("sync", &self.path))
    }

    /// Whether the database takes more memory than there should be taken, once all of it was read.
    fn is_large(&self) -> bool {
        self.database_file.metadata().is_ok_and(|metadata| metadata.len() > SMALL_BYTES)
    }

    /// Writes lines durably.
    fn write(&mut self, lines: &[(Serial, Vec<u8>)], last: Serial, chain: Chain) -> Result<(), StateError> {
        let values = self.packer.values(lines).map_err(io("pack into", &self.path))?;
        unpanicked(&self.path, || {
            for (serial, mut pieces) in values {
                let key = serial.0.to_be_bytes();
                if let [piece] = &mut pieces[..] {
                    self.store.records.insert(key, std::mem::take(piece))?;
                    relieve(&self.store.records, &key)?;
                    continue;
                }
                // All pieces or none: half a value would hide what comes after it.
                let mut batch = sled::Batch::default();
                for (number, piece) in (0..).zip(pieces) {
                    match number {
                        0 => batch.insert(&key, piece),
                        _ => batch.insert(&numbered_key(serial, number), piece),
                    }
                }
                self.store.records.apply_batch(batch)?;
                relieve(&self.store.records, &key)?;
            }
            Ok(())
        })?;
        self.sync()?;
        self.high_water.write(last, &chain.to_string())
    }

    fn draft_path(&self) -> PathBuf {
        store_files::draft(&self.path, &self.name)
    }

    fn prove_writable(&self) -> Result<(), StateError> {
        match self.held {
            Held::Copy { .. } => {
                Err(io("append to a copy of", &self.path)(ErrorKind::ReadOnlyFilesystem.into()))
            }
            Held::Lock(_) | Held::Within => Ok(()),
        }
    }
}

impl Backend for SledBackend {
    fn lines(&self) -> Lines<'_> {
        let (mut items, is_large) = (self.store.records.iter(), self.is_large());
        let mut next_item = move || {
            unpanicked(&self.path, || {
                let item = items.next().transpose()?;
                if let (Some((key, _)), true) = (&item, is_large) {
                    relieve(&self.store.records, key)?;
                }
                Ok(item)
            })
        };
        let (mut ahead, mut group, mut is_over) = (None, Vec::new().into_iter(), false);
        let mut unpacker = Unpacker::default();
        let mut next_group = move || -> Result<Option<Vec<Vec<u8>>>, StateError> {
            let Some((_, value)) = ahead.take().map_or_else(&mut next_item, |item| Ok(Some(item)))? else {
                return Ok(None);
            };
            let mut value = value.to_vec();
            loop {
                match next_item()? {
                    Some((key, piece)) if key.len() > size_of::<u64>() => value.extend_from_slice(&piece),
                    other => {
                        ahead = other;
                        break;
                    }
                }
            }
            let damaged = |why| match room::shortage() {
                Some(source) => StateError::Io { doing: "unpack", path: self.path.clone(), source },
                None => StateError::Damaged { path: self.path.clone(), why },
            };
            unpacker.lines(value).map(Some).map_err(damaged)
        };
        Box::new(std::iter::from_fn(move || {
            loop {
                if let Some(line) = group.next() {
                    return Some(Ok(line));
                }
                if is_over {
                    return None;
                }
                match next_group() {
                    Ok(Some(lines)) => group = lines.into_iter(),
                    Ok(None) => is_over = true,
                    Err(error) => {
                        is_over = true;
                        return Some(Err(error));
                    }
                }
            }
        }))
    }

    fn append(&mut self, lines: Vec<(Serial, Vec<u8>)>, chain: Chain) -> Result<(), StateError> {
        let Some(last) = lines.last().map(|(serial, _)| *serial) else { return Ok(()) };
        self.prove_writable()?;
        let lease = self.lease();
        lease.prove()?;
        self.write(&lines, last, chain)?;
        // Whoever stood still since the proof before may have written where nobody reads it.
        lease.prove()
    }

    fn lease(&self) -> Arc<Lease> {
        match &self.held {
            Held::Lock(lock) => Arc::clone(lock.lease()),
            Held::Within | Held::Copy { .. } => Lease::sole(),
        }
    }

    fn high_water(&self) -> Result<Option<(Serial, String)>, StateError> {
        high_water::read(&self.path)
    }

    fn blocks(&self) -> Arc<dyn Blocks> {
        Arc::new(SledBlocks { store: Arc::downgrade(&self.store), is_large: self.is_large() })
    }

    fn put_blocks(&mut self, serial: Serial, blocks: Vec<Vec<u8>>) -> Result<(), StateError> {
        self.prove_writable()?;
        unpanicked(&self.path, || {
            for (number, block) in (0..).zip(blocks) {
                let key = numbered_key(serial, number);
                self.store.blocks.insert(key, block)?;
                relieve(&self.store.blocks, &key)?;
            }
            Ok(())
        })
    }

    fn draft(&self) -> Result<Box<dyn Backend>, StateError> {
        self.prove_writable()?;
        let draft = self.draft_path();
        store_files::remove_all(&draft)
            .and_then(|()| fs::create_dir(&draft))
            .map_err(io("create", &draft))?;
        Ok(Box::new(Self::attach(&draft, (0, draft.clone()), Held::Within)?))
    }

    fn discard_draft(&self) {
        // One that is left is removed by the next writer.
        drop(store_files::discard_draft(&self.draft_path()));
    }

    fn supersede(self: Box<Self>, draft: Box<dyn Backend>) -> Result<Box<dyn Backend>, StateError> {
        let (high_water, draft_path) = (draft.high_water()?, self.draft_path());
        drop(draft);
        let lease = self.lease();
        let Self { store, path, number, store_path, held, .. } = *self;
        drop(store);
        lease.prove()?;
        let promoted = store_files::promote(&path, &draft_path, (number, &store_path)).map_err(|error| {
            // One that is left is removed by the next writer.
            drop(store_files::discard_draft(&draft_path));
            io("put the packed store in place in", &path)(error)
        })?;
        lease.prove()?;
        store_files::tidy(&path, promoted.0).map_err(io("clean up", &path))?;
        let mut next = Self::attach(&path, promoted, held)?;
        lease.prove()?;
        if let Some((serial, chain)) = high_water {
            next.high_water.write(serial, &chain)?;
        }
        Ok(Box::new(next))
    }
}

/// Takes the lock. Where the disk has no room for the note, a writer that died may have filled it with a draft.
fn hold(directory: &Path, candidate: &Candidate) -> Result<HeldLock, StateError> {
    match holder::take(directory, candidate) {
        Err(StateError::Io { source, .. })
            if matches!(source.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
                && holder::may_write(directory, candidate)?.is_none() =>
        {
            store_files::discard_drafts(directory).map_err(io("clean up", directory))?;
            holder::take(directory, candidate)
        }
        taken => taken,
    }
}

fn io<'a>(doing: &'static str, path: &'a Path) -> impl FnOnce(std::io::Error) -> StateError + 'a {
    move |source| StateError::Io { doing, path: path.to_owned(), source }
}
