//! What every place that can keep a ledger promises.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::ledger::{Blocks, Chain, Serial};
use crate::state::Holder;
use crate::state::lease::Lease;

/// Why a ledger cannot be reached or trusted.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// There is none at that place.
    #[error("there is no ledger in `{}`", .0.display())]
    Missing(PathBuf),
    /// There is one already.
    #[error("there is a ledger in `{}` already", .0.display())]
    Exists(PathBuf),
    /// Another run has it.
    #[error("the ledger in `{}` is in use{}{}", path.display(), by(holder.as_deref()), wrote_ago(*wrote))]
    Locked {
        /// Where.
        path: PathBuf,
        /// Who, if the lock tells.
        holder: Option<Box<Holder>>,
        /// How long ago its last sign was seen, if it was watched.
        wrote: Option<Duration>,
    },
    /// A writer has it that gives no sign. It may be taken from it once its lease is over.
    #[error("the ledger in `{}` was left open by {holder}, which gives no sign of life", path.display())]
    Silent {
        /// Where.
        path: PathBuf,
        /// Who.
        holder: Box<Holder>,
        /// How much longer it has to be watched.
        left: Duration,
    },
    /// It was taken from this writer, which does not hold it any more.
    #[error("this run lost the ledger in `{}`: it gave no sign of life, and was taken over{}", path.display(), by(by_whom.as_deref()))]
    Fenced {
        /// Where.
        path: PathBuf,
        /// Who holds it now, or took it last, if that is known.
        by_whom: Option<Box<Holder>>,
    },
    /// A writer on another host has it, or never came to its end there.
    #[error("the ledger in `{}` is in use on another host, or was left so: by {holder}", path.display())]
    LeftLocked {
        /// Where.
        path: PathBuf,
        /// Who.
        holder: Box<Holder>,
    },
    /// The store's own files are broken.
    #[error("the ledger in `{}` is damaged: {why}", path.display())]
    Damaged {
        /// Where.
        path: PathBuf,
        /// What was seen.
        why: String,
    },
    /// Records that were once durable are gone: a restored backup, or a lost tail.
    #[error("the ledger in `{}` was rolled back: it ends at record {found}, but record {known} was written once", path.display())]
    RolledBack {
        /// Where.
        path: PathBuf,
        /// The last record there.
        found: Serial,
        /// The last record that was durable once.
        known: Serial,
    },
    /// Another history than the one that this machine wrote.
    #[error("the ledger in `{}` is not the one that this machine wrote: record {at} is another", path.display())]
    Forked {
        /// Where.
        path: PathBuf,
        /// The first record known to differ.
        at: Serial,
    },
    /// The disk or the directory refuses.
    #[error("could not {doing} `{}`", path.display())]
    Io {
        /// What was tried: a verb.
        doing: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

fn by(holder: Option<&Holder>) -> String {
    holder.map(|holder| format!(" by {holder}")).unwrap_or_default()
}

fn wrote_ago(wrote: Option<Duration>) -> String {
    wrote.map(|ago| format!(": it wrote {} s ago, and is still running", ago.as_secs())).unwrap_or_default()
}

/// The lines of a ledger, in order.
pub type Lines<'a> = Box<dyn Iterator<Item = Result<Vec<u8>, StateError>> + 'a>;

/// A place that keeps the lines of one ledger, held by one writer at a time: whoever has the value.
pub trait Backend: Send {
    /// Reads every line, in order.
    ///
    /// # Errors
    ///
    /// Each item may be a [`StateError::Damaged`] or [`StateError::Io`].
    fn lines(&self) -> Lines<'_>;

    /// Appends lines; when it returns, they survive a crash of the process and of the machine. `chain` is
    /// the chain up to the last of them.
    ///
    /// # Errors
    ///
    /// Returns [`StateError::Damaged`] or [`StateError::Io`]; then any prefix of the lines may have become durable. Returns
    /// [`StateError::Fenced`] where the place is another writer's by now; then they may be durable where nobody reads them.
    fn append(&mut self, lines: Vec<(Serial, Vec<u8>)>, chain: Chain) -> Result<(), StateError>;

    /// Returns the writer's hold on the place: to be proven before anything begins that rests on it.
    fn lease(&self) -> Arc<Lease>;

    /// Returns the last record that was ever durable, with its chain, if the place remembers that apart
    /// from the records themselves.
    ///
    /// # Errors
    ///
    /// Returns [`StateError::Io`] when the memory cannot be read.
    fn high_water(&self) -> Result<Option<(Serial, String)>, StateError>;

    /// Returns what reads the blocks that stand beside the lines, for as long as the backend is there.
    fn blocks(&self) -> Arc<dyn Blocks>;

    /// Keeps the blocks that the line of `serial` names. They become durable with that line, which is to be appended
    /// next.
    ///
    /// # Errors
    ///
    /// Returns [`StateError::Damaged`] or [`StateError::Io`].
    fn put_blocks(&mut self, serial: Serial, blocks: Vec<Vec<u8>>) -> Result<(), StateError>;

    /// Returns an empty place for lines that shall stand in the stead of this one's. [`Backend::supersede`] takes it, or
    /// [`Backend::discard_draft`] removes it.
    ///
    /// # Errors
    ///
    /// Returns [`StateError::Io`] when it cannot be made.
    fn draft(&self) -> Result<Box<dyn Backend>, StateError>;

    /// Removes what is left of a draft that was given up; its value is gone by then.
    fn discard_draft(&self) {}

    /// Puts a draft of this place in its stead, durably. A crash leaves either of the two, whole.
    ///
    /// # Errors
    ///
    /// Returns [`StateError::Io`] or [`StateError::Damaged`]; then one of the two is there, whole.
    fn supersede(self: Box<Self>, draft: Box<dyn Backend>) -> Result<Box<dyn Backend>, StateError>;
}
