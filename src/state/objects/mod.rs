//! A ledger in a bucket of S3 or OSS: one log of numbered objects, each created only where there is none.
//!
//! ```text
//! log/00000000000000000001   open     an epoch begins: who, and for how long without a sign
//! log/00000000000000000002   step     records
//! log/00000000000000000003   beat     the writer is there
//! log/00000000000000000004   close    the epoch ends
//! log/…                      packed   what stands in pack/… counts instead of all steps before
//! pack/SLOT-NONCE/…          records, bundles of blocks, and the index of those
//! newest/…                   where the log was packed last: saves listing what is before; with pack/…, tells that it lost its end
//! probe/…                    for a moment: `conditional`
//! ```
//!
//! That a key can be created only once is the compare-and-swap on the end of the log, and all that fences: the next writer creates
//! the object that the one before it would have created next. The store has to be strongly consistent, lists included, as S3
//! and OSS are. See `docs/ledger.md` for what is known of others. An epoch's number is the slot at which it was opened.

mod address;
mod beside;
mod blocks;
mod client;
mod conditional;
mod credentials;
mod decide;
mod draft;
mod exchange;
mod frame;
mod hold;
mod log;
mod pack;
mod refusal;
mod session;
mod sign;
mod tail;
mod trouble;
mod writer;

#[cfg(test)]
#[path = "../../../tests/it/bucket.rs"]
pub(in crate::state) mod bucket;
#[cfg(test)]
pub(in crate::state) mod tests;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::domain::{LedgerPlace, ObjectsPlace};
use crate::ledger::{Blocks, Serial};
use crate::state::Variables;
use crate::state::background::Background;
use crate::state::candidate::{Candidate, Following, Left};
use crate::state::error::{StateError, StateErrorKind};
use crate::state::holder::Holder;
use crate::state::objects::client::{Client, Timing};
use crate::state::objects::decide::Decided;
use crate::state::objects::draft::ObjectsDraft;
use crate::state::objects::frame::{Kind, Opened};
use crate::state::objects::hold::Hold;
use crate::state::objects::log::{Damage, Log, slot_key};
use crate::state::objects::session::Session;
use crate::state::objects::tail::{Piece, following};
use crate::state::objects::writer::ObjectsWriter;
use crate::state::probe::Probe;
use crate::state::store::{Draft, Lines, Reader, Snapshot, Store, Writer};

/// How long who completes a name waits for a bucket.
const PEEK: Duration = Duration::from_millis(800);
/// How often another writer's object may be found where the epoch was to be opened.
const RACES_MAX: u32 = 100;

/// A ledger below a prefix of a bucket.
pub(super) struct ObjectsStore {
    place: LedgerPlace,
    bucket: Arc<ObjectsPlace>,
    variables: Variables,
    timing: Timing,
    pub(in crate::state) probe: Probe,
    /// Made when the bucket is asked for the first time.
    session: Mutex<Option<Arc<Session>>>,
    /// The log as it was seen last: whoever waits reads only what is new.
    seen: Mutex<Option<Log>>,
    is_proven: AtomicBool,
}

impl ObjectsStore {
    pub(super) fn new(bucket: &Arc<ObjectsPlace>, variables: &Variables) -> Self {
        Self {
            place: LedgerPlace::Objects(Arc::clone(bucket)),
            bucket: Arc::clone(bucket),
            variables: Arc::clone(variables),
            timing: Timing::default(),
            probe: Probe::default(),
            session: Mutex::default(),
            seen: Mutex::default(),
            is_proven: AtomicBool::new(false),
        }
    }

    fn at<T>(&self, result: Result<T, StateErrorKind>) -> Result<T, StateError> {
        result.map_err(|kind| kind.at(&self.place))
    }

    fn session(&self) -> Result<Arc<Session>, StateErrorKind> {
        let mut session = self.session.lock().expect("no holder of this lock panics");
        match &*session {
            Some(session) => Ok(Arc::clone(session)),
            None => Ok(Arc::clone(session.insert(self.connect(self.timing)?))),
        }
    }

    fn connect(&self, timing: Timing) -> Result<Arc<Session>, StateErrorKind> {
        let failed = |source| {
            let path = self.place.to_string().into();
            StateErrorKind::Io { doing: "start a thread for", path, source }
        };
        let background = Background::start().map_err(failed)?;
        let client = Client::new(&self.bucket, &self.variables, timing)?;
        let home = || Some(PathBuf::from((self.variables)("HOME")?).join(".cache"));
        let caches = (self.variables)("XDG_CACHE_HOME").map(PathBuf::from).or_else(home);
        let caches = caches.filter(|caches| caches.is_absolute());
        Ok(Arc::new(Session::new(client, background, &self.place, (&self.probe, caches))))
    }

    /// Reads the log, or what came to it since it was seen last.
    fn look(&self, session: &Session) -> Result<Log, StateErrorKind> {
        let mut seen = self.seen.lock().expect("no holder of this lock panics");
        let known = seen.take();
        let log = session.run(|client| log::read(client, known, Damage::Refused))?;
        Ok(seen.insert(log).clone())
    }

    /// Returns the log if there are records in it.
    fn look_at_ledger(&self, session: &Session) -> Result<Log, StateErrorKind> {
        let log = self.look(session)?;
        if log.is_there() { Ok(log) } else { Err(StateErrorKind::Missing) }
    }

    fn prove_conditional(&self, session: &Session) -> Result<(), StateErrorKind> {
        if !self.is_proven.load(Ordering::SeqCst) {
            session.run(conditional::prove)?;
            self.is_proven.store(true, Ordering::SeqCst);
        }
        Ok(())
    }

    /// Opens an epoch behind the end of a log, unless somebody else's goes on.
    fn open_epoch(
        &self,
        session: &Arc<Session>,
        candidate: &Candidate,
        look: impl Fn() -> Result<Log, StateErrorKind>,
    ) -> Result<Hold, StateErrorKind> {
        for _ in 0..RACES_MAX {
            let log = look()?;
            let following = log.incumbent().map(|incumbent| candidate.may_follow(incumbent)).transpose()?;
            self.prove_conditional(session)?;
            let before = log.open.as_ref().map(|opened| opened.holder.clone());
            let is_fencing = following == Some(Following::Fences);
            let fenced = if is_fencing { before.clone() } else { log.fenced.clone() };
            let since = candidate.now();
            if let Some(log) = begin_epoch(session, log, candidate, fenced, false)? {
                return Hold::begin(Arc::clone(session), candidate, (log, before), since);
            }
        }
        Err(StateErrorKind::Locked { holder: None, wrote: None })
    }

    fn try_clear(&self, seen: &[Holder], candidate: &Candidate) -> Result<(), StateErrorKind> {
        let session = self.session()?;
        for _ in 0..RACES_MAX {
            let log = self.look_at_ledger(&session)?;
            let left = log.incumbent().map(|incumbent| candidate.left_behind(incumbent)).transpose()?;
            if let Some(Left::Watched(holder)) = left {
                return Err(StateErrorKind::Locked { holder: Some(Box::new(holder)), wrote: None });
            }
            let Some(opened) = &log.open else { return Ok(()) };
            let holder = opened.holder.clone();
            if !seen.contains(&holder) {
                return Err(StateErrorKind::LeftLocked { holder: Box::new(holder) });
            }
            self.prove_conditional(&session)?;
            let fenced = if candidate.proves_over(&holder) { log.fenced.clone() } else { Some(holder) };
            if begin_epoch(&session, log, candidate, fenced, true)?.is_some() {
                return Ok(());
            }
        }
        Err(StateErrorKind::Locked { holder: None, wrote: None })
    }

    fn try_snapshot(&self, session: Arc<Session>) -> Result<Snapshot, StateErrorKind> {
        let log = self.look_at_ledger(&session)?;
        let written_by = log.open.as_ref().map(|opened| opened.holder.clone());
        let reader = Box::new(ObjectsSnapshot { session, log });
        Ok(Snapshot { reader, written_by, may_be_torn: false })
    }

    fn try_rebuild(&self, writer: &Candidate) -> Result<ObjectsDraft, StateErrorKind> {
        let session = self.session()?;
        let read = || session.run(log::read_what_is_left);
        let before = read()?;
        let keeps = (before.next > 1 && before.is_there())
            .then(|| format!("{}/log, up to object {}", self.place, before.next - 1));
        Ok(ObjectsDraft::anew(self.open_epoch(&session, writer, read)?, ObjectsWriter::succeed, keeps))
    }

    fn last_known(&self) -> Result<Option<Serial>, StateErrorKind> {
        let session = self.session()?;
        let log = session.run(log::read_what_is_left)?;
        Ok(log.is_there().then_some(log.end.last))
    }
}

/// Creates the object that begins an epoch, and returns the log with it; nothing where another object is there by now.
fn begin_epoch(
    session: &Session,
    mut log: Log,
    candidate: &Candidate,
    fenced: Option<Holder>,
    is_closed: bool,
) -> Result<Option<Log>, StateErrorKind> {
    let lease_ms = u64::try_from(candidate.terms().lease().as_millis()).unwrap_or(u64::MAX);
    let opened = Opened { holder: candidate.holder().clone(), lease_ms, fenced };
    let epoch = log.next;
    let frame = following(&log, epoch, Piece::sign(Kind::Open { opened, is_closed }));
    match session.decide(slot_key(epoch), frame.encode(), session.client.timing.step)? {
        Decided::Ours => {
            log.push(frame)?;
            Ok(Some(log))
        }
        Decided::Theirs(_) => Ok(None),
    }
}

impl Store for ObjectsStore {
    fn place(&self) -> &LedgerPlace {
        &self.place
    }

    fn snapshot(&self, _: &Candidate) -> Result<Snapshot, StateError> {
        self.at(self.session().and_then(|session| self.try_snapshot(session)))
    }

    fn peek(&self, _: &Candidate) -> Result<Snapshot, StateError> {
        let session = self.connect(Timing { attempt: PEEK, read: PEEK, ..self.timing });
        self.at(session.and_then(|session| self.try_snapshot(session)))
    }

    fn take(&self, writer: &Candidate) -> Result<Box<dyn Writer>, StateError> {
        let taken = self
            .session()
            .and_then(|session| self.open_epoch(&session, writer, || self.look_at_ledger(&session)));
        Ok(Box::new(ObjectsWriter::new(self.at(taken)?)))
    }

    fn create(&self, writer: &Candidate) -> Result<Box<dyn Writer>, StateError> {
        let taken =
            self.session().and_then(|session| self.open_epoch(&session, writer, || self.look(&session)));
        Ok(Box::new(ObjectsWriter::new(self.at(taken)?)))
    }

    fn rebuild(&self, writer: &Candidate) -> Result<Box<dyn Draft>, StateError> {
        Ok(Box::new(self.at(self.try_rebuild(writer))?))
    }

    fn known_serial(&self) -> Result<Option<Serial>, StateError> {
        self.at(self.last_known())
    }

    fn left_behind(&self, candidate: &Candidate) -> Result<Left, StateError> {
        let log = self.session().and_then(|session| self.look_at_ledger(&session));
        let log = self.at(log)?;
        let left = log.incumbent().map_or(Ok(Left::Nobody), |incumbent| candidate.left_behind(incumbent));
        self.at(left)
    }

    fn clear(&self, seen: &[Holder], candidate: &Candidate) -> Result<(), StateError> {
        self.at(self.try_clear(seen, candidate))
    }
}

/// A log as it was at one moment: its objects stay as they are.
struct ObjectsSnapshot {
    session: Arc<Session>,
    log: Log,
}

impl Reader for ObjectsSnapshot {
    fn place(&self) -> &LedgerPlace {
        &self.session.place
    }

    fn lines(&self) -> Lines<'_> {
        self.session.lines(&self.log)
    }

    fn blocks(&self) -> Arc<dyn Blocks> {
        blocks::of(&self.session, &self.log)
    }

    fn stored_blocks(&self) -> Arc<dyn Blocks> {
        blocks::stored(&self.session, &self.log)
    }

    fn high_water(&self) -> Result<Option<(Serial, String)>, StateError> {
        Ok(self.log.high_water())
    }
}
