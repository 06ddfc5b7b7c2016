//! What the reader, the writer and the draft of one ledger share: a client, the threads behind it, and how lines are read.

use std::collections::VecDeque;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::domain::LedgerPlace;
use crate::state::background::Background;
use crate::state::block_cache::BlockCache;
use crate::state::error::{StateError, StateErrorKind};
use crate::state::objects::client::Client;
use crate::state::objects::decide::{Decided, NotDecided, decide};
use crate::state::objects::frame::{Frame, UnpackedLines, unpack_lines};
use crate::state::objects::log::{Log, Step, get_keys, slot_key};
use crate::state::objects::pack::Part;
use crate::state::objects::trouble::Trouble;
use crate::state::probe::Probe;
use crate::state::store::Lines;

/// Objects whose lines are read ahead.
const AHEAD: usize = 16;

/// A way to one ledger.
pub(super) struct Session {
    pub(super) client: Arc<Client>,
    background: Background,
    pub(super) place: LedgerPlace,
    pub(super) probe: Probe,
    /// The directory of a user's caches.
    caches: Option<PathBuf>,
}

impl Session {
    pub(super) fn new(
        client: Client,
        background: Background,
        place: &LedgerPlace,
        (probe, caches): (&Probe, Option<PathBuf>),
    ) -> Self {
        Self { client: Arc::new(client), background, place: place.clone(), probe: probe.clone(), caches }
    }

    /// Returns where this machine keeps blocks that were read.
    pub(super) fn cache(&self) -> Option<BlockCache> {
        self.caches.as_deref().map(BlockCache::in_directory)
    }

    /// Waits for what is asked of the bucket.
    pub(super) fn run<T, F>(&self, work: impl FnOnce(Arc<Client>) -> F) -> T
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        self.background.run(work(Arc::clone(&self.client)))
    }

    /// Reads an object, if there is one.
    pub(super) fn get(&self, key: String) -> Result<Option<Bytes>, Trouble> {
        self.run(|client| async move { client.get(&key).await })
    }

    /// Creates an object of the ledger, or finds whose it is.
    pub(super) fn decide(&self, key: String, body: Bytes, within: Duration) -> Result<Decided, NotDecided> {
        self.run(|client| decide(client, key, body, within))
    }

    pub(super) fn at<T>(&self, result: Result<T, StateErrorKind>) -> Result<T, StateError> {
        result.map_err(|kind| kind.at(&self.place))
    }

    /// Reads the lines of a log.
    pub(super) fn lines(self: &Arc<Self>, log: &Log) -> Lines<'static> {
        let packed = log.packed.iter().flat_map(|(_, pack)| &pack.records);
        let sources = packed.cloned().map(Source::Packed).chain(log.steps.iter().cloned().map(Source::Step));
        self.lines_of(sources.collect())
    }

    /// Reads the lines of objects, in order.
    pub(super) fn lines_of(self: &Arc<Self>, sources: VecDeque<Source>) -> Lines<'static> {
        let session = Arc::clone(self);
        let (mut sources, mut ready, mut lines) = (sources, VecDeque::new(), UnpackedLines::default());
        let mut is_over = false;
        Box::new(std::iter::from_fn(move || {
            loop {
                if is_over {
                    return None;
                }
                if let Some(line) = lines.next() {
                    return Some(Ok(line));
                }
                if ready.is_empty() {
                    let next: Vec<Source> = sources.drain(..sources.len().min(AHEAD)).collect();
                    if next.is_empty() {
                        return None;
                    }
                    match session.read(next) {
                        Ok(read) => ready.extend(read),
                        Err(kind) => {
                            is_over = true;
                            return Some(Err(kind.at(&session.place)));
                        }
                    }
                }
                let body = ready.pop_front().expect("something was read");
                match unpack_lines(&body) {
                    Ok(unpacked) => lines = unpacked,
                    Err(why) => {
                        is_over = true;
                        return Some(Err(StateErrorKind::Damaged { why }.at(&session.place)));
                    }
                }
            }
        }))
    }

    /// Reads what is not in memory, together.
    fn read(&self, sources: Vec<Source>) -> Result<Vec<Bytes>, StateErrorKind> {
        let missing: Vec<String> = sources.iter().filter_map(Source::key).collect();
        let read = if missing.is_empty() {
            Vec::new()
        } else {
            self.run(|client| async move { get_keys(&client, missing).await })?
        };
        let mut read = read.into_iter();
        let damaged = |why: String| StateErrorKind::Damaged { why };
        let body = |source: Source| match source {
            Source::Step(Step { body: Some(body), .. }) => Ok(body),
            Source::Step(Step { slot, body: None }) => {
                let missing = || damaged(format!("object {slot} of its log is missing"));
                let bytes = read.next().flatten().ok_or_else(missing)?;
                Ok(Frame::decode(slot, &bytes)?.body)
            }
            Source::Packed(part) => part.prove(read.next().flatten()).map_err(damaged),
        };
        sources.into_iter().map(body).collect()
    }
}

/// Where lines are.
pub(super) enum Source {
    Packed(Part),
    Step(Step),
}

impl Source {
    /// Returns the object that has to be read.
    fn key(&self) -> Option<String> {
        match self {
            Self::Packed(part) => Some(part.key.clone()),
            Self::Step(Step { slot, body: None }) => Some(slot_key(*slot)),
            Self::Step(Step { body: Some(_), .. }) => None,
        }
    }
}
