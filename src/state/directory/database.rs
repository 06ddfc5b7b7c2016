//! The sled database in which a store's lines and blocks are.
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
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use crate::domain::LedgerPlace;
use crate::ledger::{BlockBytes, BlockError, BlockName, BlockPlace, Blocks, Serial};
use crate::state::directory::catch_panic::catch_panic;
use crate::state::directory::group::{Packer, Unpacker};
use crate::state::directory::note::io;
use crate::state::directory::room::{self, Room};
use crate::state::directory::store_files::{self, DATABASE_FILE_NAME};
use crate::state::error::StateErrorKind;

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

/// An open database.
pub(super) struct Database {
    trees: Arc<Trees>,
    packer: Packer,
    /// The store's directory.
    path: PathBuf,
    file: File,
}

/// sled's own handles.
#[derive(Debug)]
struct Trees {
    records: sled::Tree,
    blocks: sled::Tree,
    _database: sled::Db,
    path: PathBuf,
}

/// Makes sled let go of what it read or wrote before `key`.
fn relieve(tree: &sled::Tree, key: &[u8]) -> sled::Result<()> {
    (0..EXTRA_READS).try_for_each(|_| tree.get(key).map(drop))
}

/// Reads blocks for as long as the database is there.
#[derive(Debug)]
struct SledBlocks {
    trees: Weak<Trees>,
    is_large: bool,
}

impl Blocks for SledBlocks {
    fn block(&self, place: BlockPlace, _: &BlockName) -> Result<BlockBytes, BlockError> {
        let unreadable =
            |why: Box<dyn std::error::Error + Send + Sync>| BlockError::Unreadable(place.serial, why);
        let trees = self.trees.upgrade().ok_or_else(|| unreadable("the ledger was closed".into()))?;
        let key = numbered_key(place.serial, place.index);
        let read = catch_panic(&trees.path, || {
            let block = trees.blocks.get(key)?;
            if self.is_large {
                relieve(&trees.blocks, &key)?;
            }
            Ok(block)
        });
        let block =
            read.map_err(|kind| unreadable(kind.at(&LedgerPlace::Directory(trees.path.clone())).into()))?;
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

impl Database {
    /// Opens the database in `path`, made if there is none. `of` is the directory of its ledger.
    pub(super) fn open(of: &Path, path: &Path) -> Result<Self, StateErrorKind> {
        store_files::remove_useless_snapshots(path).map_err(io("clean up", of))?;
        Room::TO_OPEN.prove().map_err(io("open", of))?;
        let config = sled::Config::new()
            .path(path)
            .cache_capacity(CACHE_BYTES)
            .flush_every_ms(None)
            .use_compression(false);
        let opened = || {
            catch_panic(of, || {
                let database = config.open()?;
                let (records, blocks) = (database.open_tree(RECORDS)?, database.open_tree(BLOCKS)?);
                Ok(Trees { records, blocks, _database: database, path: of.to_owned() })
            })
        };
        let started = Instant::now();
        let trees = loop {
            match opened() {
                // Nobody else may be here: it is an earlier handle of this process, which sled lets go of late.
                Err(StateErrorKind::Io { source, .. })
                    if source.to_string().contains("acquire lock") && started.elapsed() < LETTING_GO_MAX =>
                {
                    std::thread::sleep(Duration::from_millis(5));
                }
                other => break other?,
            }
        };
        let file = path.join(DATABASE_FILE_NAME);
        let file = File::open(&file).map_err(io("open", &file))?;
        let packer = Packer::new().map_err(io("pack into", of))?;
        Ok(Self { trees: Arc::new(trees), packer, path: path.to_owned(), file })
    }

    /// Returns the directory of its ledger.
    fn of(&self) -> &Path {
        &self.trees.path
    }

    /// Writes lines durably.
    pub(super) fn write(&mut self, lines: &[(Serial, Vec<u8>)]) -> Result<(), StateErrorKind> {
        let values = self.packer.values(lines).map_err(io("pack into", &self.trees.path))?;
        let records = &self.trees.records;
        catch_panic(self.of(), || {
            for (serial, mut pieces) in values {
                let key = serial.0.to_be_bytes();
                if let [piece] = &mut pieces[..] {
                    records.insert(key, std::mem::take(piece))?;
                    relieve(records, &key)?;
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
                records.apply_batch(batch)?;
                relieve(records, &key)?;
            }
            Ok(())
        })?;
        self.sync()
    }

    /// Writes the blocks that the line of `serial` names. They become durable with what is written after them.
    pub(super) fn put_blocks(&self, serial: Serial, blocks: Vec<Vec<u8>>) -> Result<(), StateErrorKind> {
        catch_panic(self.of(), || {
            for (number, block) in (0..).zip(blocks) {
                let key = numbered_key(serial, number);
                self.trees.blocks.insert(key, block)?;
                relieve(&self.trees.blocks, &key)?;
            }
            Ok(())
        })
    }

    pub(super) fn blocks(&self) -> Arc<dyn Blocks> {
        Arc::new(SledBlocks { trees: Arc::downgrade(&self.trees), is_large: self.is_large() })
    }

    /// Makes everything durable that sled has written.
    ///
    /// sled's own flush leaves the database file in the page cache, and never syncs the files where it puts leaves that
    /// are too long for its log. Such leaves are only in stores of older versions.
    fn sync(&self) -> Result<(), StateErrorKind> {
        catch_panic(self.of(), || self.trees.records.flush())?;
        let long_leaves = self.path.join("blobs");
        let has_long = fs::read_dir(&long_leaves).is_ok_and(|mut entries| entries.next().is_some());
        if has_long {
            store_files::sync_all(&long_leaves).map_err(io("sync", self.of()))?;
        }
        self.file.sync_data().map_err(io("sync", self.of()))
    }

    /// Whether the database takes more memory than there should be taken, once all of it was read.
    fn is_large(&self) -> bool {
        self.file.metadata().is_ok_and(|metadata| metadata.len() > SMALL_BYTES)
    }

    /// Returns the serial of the last line; 0 where there is none.
    pub(super) fn last_serial(&self) -> Result<Serial, StateErrorKind> {
        let last = catch_panic(self.of(), || self.trees.records.last())?;
        let Some((key, _)) = last else { return Ok(Serial(0)) };
        let first = key.first_chunk().copied().map_or(0, u64::from_be_bytes);
        let pieces = catch_panic(self.of(), || {
            let pieces = self.trees.records.range(first.to_be_bytes()..).values();
            pieces.collect::<sled::Result<Vec<_>>>()
        })?;
        let lines = self.lines_of(&mut Unpacker::default(), pieces.concat())?;
        Ok(Serial((first + lines.len() as u64).saturating_sub(1)))
    }

    /// Reads every line, in order.
    pub(super) fn lines(&self) -> impl Iterator<Item = Result<Vec<u8>, StateErrorKind>> {
        let (mut items, is_large) = (self.trees.records.iter(), self.is_large());
        let mut next_item = move || {
            catch_panic(self.of(), || {
                let item = items.next().transpose()?;
                if let (Some((key, _)), true) = (&item, is_large) {
                    relieve(&self.trees.records, key)?;
                }
                Ok(item)
            })
        };
        let (mut ahead, mut group, mut is_over) = (None, Vec::new().into_iter(), false);
        let mut unpacker = Unpacker::default();
        let mut next_group = move || -> Result<Option<Vec<Vec<u8>>>, StateErrorKind> {
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
            self.lines_of(&mut unpacker, value).map(Some)
        };
        std::iter::from_fn(move || {
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
        })
    }

    fn lines_of(&self, unpacker: &mut Unpacker, value: Vec<u8>) -> Result<Vec<Vec<u8>>, StateErrorKind> {
        unpacker.lines(value).map_err(|why| match room::shortage() {
            Some(source) => io("unpack", self.of())(source),
            None => StateErrorKind::Damaged { why },
        })
    }
}
