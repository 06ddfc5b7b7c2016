//! Who has a ledger's directory open: a file lock, and a note of the writer whose it is.
//!
//! The note says which opening it is (its epoch) and that the writer is still there (its beat). A writer writes to the
//! very file that it signed and never to whatever stands at that path by now, and who takes its place puts another file
//! there: so what a writer that was fenced still writes reaches nobody.

use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::state::StateError;
use crate::state::claim::{self, Claim};
use crate::state::lease::{Heartbeat, Lease, MomentClock, Signs, Standing, Tenure, Terms, Watch};
use crate::state::process::Origin;
use crate::state::store_files;

pub(super) const LOCK_FILE_NAME: &str = "holder.json";
/// How often a lock whose file was replaced meanwhile is tried again.
const LOCK_ATTEMPTS: u32 = 10;
/// Room for a beat's digits: a note never changes its length, so that half of one is never read.
const SPARE_BYTES: usize = 64;

/// Who has a ledger open, since when, to do what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The command: `apply`, `plan`, …
    pub command: String,
    /// `user@host`.
    pub actor: String,
    /// The host; empty in notes of version 0.1. Version 0.2 takes who has the same text here for a process of its own host.
    #[serde(default)]
    pub host: String,
    /// The process on that host.
    pub process: u32,
    /// Which host and which process; nothing in notes of version 0.2, and where the system does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// Since when.
    pub since: DateTime<Utc>,
    /// The CI job, as a URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ci_run: Option<String>,
    /// Whether it may write.
    #[serde(default)]
    pub writes: bool,
}

impl Holder {
    /// Whether `other` is proven to be over, as seen from where this one runs.
    fn proves_over(&self, other: &Self) -> bool {
        let origins = self.origin.as_ref().zip(other.origin.as_ref());
        origins.is_some_and(|(ours, theirs)| ours.proves_over(other.process, theirs))
    }
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
    /// A note of version 0.2.
    pub(super) fn of_older(holder: Holder) -> Self {
        Self { holder, opening: None, fenced: None }
    }

    fn text(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a note is made of what JSON can hold")
    }

    pub(super) fn is_of(&self, other: &Self) -> bool {
        self.nonce().is_some() && self.nonce() == other.nonce()
    }

    pub(super) fn nonce(&self) -> Option<Uuid> {
        self.opening.as_ref().map(|opening| opening.nonce)
    }
}

/// Who wants to open a ledger, by which clock, and what it saw so far of who holds it.
pub struct Candidate {
    holder: Holder,
    terms: Terms,
    clock: MomentClock,
    watched: Mutex<Watched>,
}

#[derive(Default)]
struct Watched {
    note: Watch,
    claim: Watch,
}

impl Candidate {
    /// Makes a candidate that saw nothing yet.
    #[must_use]
    pub fn new(holder: Holder, terms: Terms, clock: MomentClock) -> Self {
        Self { holder, terms, clock, watched: Mutex::default() }
    }

    /// Whether a writer is proven to be over.
    pub(super) fn proves_over(&self, note: &Note) -> bool {
        self.holder.proves_over(&note.holder)
    }

    /// Returns the note that it would sign, as its epoch's first one.
    pub(super) fn note(&self, epoch: u64, fenced: Option<Box<Holder>>) -> Note {
        let lease_ms = u64::try_from(self.terms.lease().as_millis()).unwrap_or(u64::MAX);
        let opening = Opening { epoch, nonce: Uuid::new_v4(), beat: 0, lease_ms };
        Note { holder: self.holder.clone(), opening: Some(opening), fenced }
    }

    /// Says what the signs of a claim's maker look like.
    pub(super) fn watch_claim(&self, sign: String) -> Signs {
        self.watched().claim.look(sign, self.terms, (self.clock)())
    }

    pub(super) fn left(&self, signs: Signs) -> Duration {
        match signs {
            Signs::Moving(ago) | Signs::Unclear(ago) => self.terms.expires_after().saturating_sub(ago),
            Signs::Silent(left) => left,
            Signs::Expired => Duration::ZERO,
        }
    }

    pub(super) fn watch(&self, directory: &Path, note: &Note, opening: &Opening) -> (Signs, Terms) {
        let terms = self.terms.at_least(Duration::from_millis(opening.lease_ms));
        let tail = store_files::tail(directory);
        let sign = format!("{} {} {tail}", note.nonce().unwrap_or_default(), opening.beat);
        (self.watched().note.look(sign, terms, (self.clock)()), terms)
    }

    fn watched(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().expect("no holder of this lock panics")
    }
}

/// A held lock. The system lets go of it when the process ends, however it ends; a writer's note says until then that it
/// writes, and is told from one that never came to its end when the value is dropped.
#[derive(Debug)]
#[must_use = "the lock is let go of when this is dropped"]
pub struct HeldLock {
    /// First: its signs end before the note does.
    heartbeat: Option<Heartbeat>,
    lease: Arc<Lease>,
    signed: Option<Arc<SignedNote>>,
    took_over: Option<Holder>,
    store: Option<(u32, PathBuf)>,
    /// What the lock before this one is on, if it was free: version 0.2 goes by it.
    _lock: Option<File>,
}

impl HeldLock {
    /// Returns the writer that had it before and never came to its end.
    pub(super) fn took_over(&self) -> Option<&Holder> {
        self.took_over.as_ref()
    }

    /// Returns the hold that its writer has to prove.
    #[must_use]
    pub fn lease(&self) -> &Arc<Lease> {
        &self.lease
    }

    /// Returns the number and place of the store that counted when nobody else could change that; nothing if there was none.
    pub(super) fn store(&self) -> Option<&(u32, PathBuf)> {
        self.store.as_ref()
    }
}

impl Drop for HeldLock {
    fn drop(&mut self) {
        drop(self.heartbeat.take());
        if let Some(signed) = &self.signed
            && matches!(signed.look(), Ok(Standing::Holds))
        {
            let mut note = signed.note();
            note.holder.writes = false;
            // A note that stays only makes the next holder say that it took over.
            drop(signed.write(&note));
        }
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
    fn note(&self) -> MutexGuard<'_, Note> {
        self.note.lock().expect("no holder of this lock panics")
    }

    fn write(&self, note: &Note) -> Result<(), StateError> {
        let mut text = note.text();
        text.resize(self.length.max(text.len()), b' ');
        self.file.write_all_at(&text, 0).and_then(|()| self.file.sync_data()).map_err(io("write", &self.path))
    }

    fn standing(&self, ours: &Note) -> Result<Standing, StateError> {
        // Opened anew: what stands there by now may be another file.
        Ok(match read_note(&self.directory)? {
            Some(found) if found.is_of(ours) => Standing::Holds,
            found => Standing::Lost(found.map(|note| Box::new(note.holder))),
        })
    }
}

impl Tenure for Arc<SignedNote> {
    fn look(&self) -> Result<Standing, StateError> {
        self.standing(&self.note())
    }

    fn beat(&self) -> Result<Standing, StateError> {
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

    fn take_over_recorded(&self) -> Result<(), StateError> {
        let mut note = self.note();
        note.fenced = None;
        self.write(&note)
    }
}

/// Takes the lock of a ledger's directory, which must exist.
///
/// The system's lock decides quickly between processes of one host. Where hosts share a directory it may not reach from
/// one to the other, and a process that stands still keeps it: so the note decides. A writer that is proven to be over on
/// this very host, or that closed its note, is followed at once; one that leaves no sign for longer than its lease is
/// fenced. That no two sign at once is for a file that can be made only once.
///
/// # Errors
///
/// Returns [`StateError::Locked`], [`StateError::Silent`], [`StateError::LeftLocked`], or [`StateError::Io`] when the lock
/// cannot be written.
pub fn take(directory: &Path, candidate: &Candidate) -> Result<HeldLock, StateError> {
    sign(directory, candidate, lock(directory)?)
}

/// Writes the note of a writer, unless another one is there; `lock` is the system's lock, if it was free.
fn sign(directory: &Path, candidate: &Candidate, lock: Option<File>) -> Result<HeldLock, StateError> {
    if !candidate.holder.writes {
        // Who only reads signs nothing: it would have to wait for its turn, or it could write over a writer's note.
        let Some(lock) = lock else { return Err(locked(directory, read_note(directory)?)) };
        return match may_write(directory, candidate)? {
            Some(holder) => {
                Err(StateError::LeftLocked { path: directory.to_owned(), holder: Box::new(holder) })
            }
            None => Ok(HeldLock {
                heartbeat: None,
                lease: Lease::sole(),
                signed: None,
                took_over: None,
                store: store_files::current(directory),
                _lock: Some(lock),
            }),
        };
    }
    let before = read_note(directory)?;
    let fenced = judge(directory, candidate, before.as_ref(), lock.is_some())?;
    let claim = Claim::make(directory, candidate)?;
    let found = read_note(directory)?;
    if found != before {
        return Err(locked(directory, found));
    }
    // Before the note: who takes over later goes on in another store, and this one must not be taken for that.
    let store = store_files::current(directory);
    let epoch = before.as_ref().and_then(|note| note.opening.as_ref()).map_or(0, |opening| opening.epoch);
    let note = candidate.note(epoch + 1, fenced.clone().map(Box::new));
    let since = (candidate.clock)();
    let signed = publish(directory, note)?;
    if !claim.is_ours()? {
        // Somebody gave this claim up for dead, and may have signed meanwhile.
        let mut note = signed.note();
        note.holder.writes = false;
        note.fenced = Some(Box::new(candidate.holder.clone()));
        signed.write(&note)?;
        return Err(locked(directory, None));
    }
    drop(claim);
    let tenure = Box::new(Arc::clone(&signed));
    let lease = Lease::new(directory, (candidate.terms, Arc::clone(&candidate.clock)), tenure, since, fenced);
    let heartbeat = Heartbeat::start(&lease).map_err(io("keep", directory))?;
    let took_over = before.map(|note| note.holder).filter(|holder| holder.writes);
    Ok(HeldLock { heartbeat: Some(heartbeat), lease, signed: Some(signed), took_over, store, _lock: lock })
}

/// Puts a note in place as a file of its own: nobody who has the one before it open can write to it.
pub(super) fn publish(directory: &Path, note: Note) -> Result<Arc<SignedNote>, StateError> {
    let path = directory.join(LOCK_FILE_NAME);
    let beside = directory.join(format!("{LOCK_FILE_NAME}.{}", note.nonce().unwrap_or_default()));
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

/// Says whether the place of who signed last may be taken: then returns whom that fences, if anybody.
fn judge(
    directory: &Path,
    candidate: &Candidate,
    note: Option<&Note>,
    is_locked: bool,
) -> Result<Option<Holder>, StateError> {
    let unrecorded = note.and_then(|note| note.fenced.as_deref().cloned());
    let busy = || Err(locked(directory, note.cloned()));
    let Some(note) = note.filter(|note| note.holder.writes) else {
        return if is_locked { Ok(unrecorded) } else { busy() };
    };
    if candidate.proves_over(note) {
        return if is_locked { Ok(unrecorded) } else { busy() };
    }
    let (path, holder) = (directory.to_owned(), note.holder.clone());
    let Some(opening) = &note.opening else {
        return if is_locked {
            Err(StateError::LeftLocked { path, holder: Box::new(holder) })
        } else {
            busy()
        };
    };
    match candidate.watch(directory, note, opening) {
        (Signs::Expired, _) => Ok(Some(holder)),
        (Signs::Silent(left), _) => Err(StateError::Silent { path, holder: Box::new(holder), left }),
        (Signs::Unclear(ago), terms) if is_locked => {
            let left = terms.expires_after().saturating_sub(ago);
            Err(StateError::Silent { path, holder: Box::new(holder), left })
        }
        (Signs::Moving(ago), _) => {
            Err(StateError::Locked { path, holder: Some(Box::new(holder)), wrote: Some(ago) })
        }
        (Signs::Unclear(_), _) => busy(),
    }
}

/// Returns who may be writing, or about to, as far as notes tell; who was fenced may not know it yet.
pub(super) fn may_write(directory: &Path, candidate: &Candidate) -> Result<Option<Holder>, StateError> {
    if let Some(note) = read_note(directory)? {
        if note.holder.writes && !candidate.proves_over(&note) {
            return Ok(Some(note.holder));
        }
        if let Some(fenced) = note.fenced {
            return Ok(Some(*fenced));
        }
    }
    let claim = claim::read(directory)?.filter(|claim| !candidate.proves_over(claim));
    Ok(claim.map(|claim| claim.holder))
}

/// Takes the system's lock, if it is free.
pub(super) fn lock(directory: &Path) -> Result<Option<File>, StateError> {
    let path = directory.join(LOCK_FILE_NAME);
    for _ in 0..LOCK_ATTEMPTS {
        let open = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path);
        let file = open.map_err(io("open the lock", &path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(source)) => return Err(io("lock", &path)(source)),
        }
        let ours = file.metadata().map_err(io("lock", &path))?;
        let is_in_place =
            fs::metadata(&path).is_ok_and(|found| (found.dev(), found.ino()) == (ours.dev(), ours.ino()));
        if is_in_place {
            return Ok(Some(file));
        }
    }
    Ok(None)
}

/// Another process has it: whoever signed last, if it writes.
pub(super) fn locked(directory: &Path, note: Option<Note>) -> StateError {
    let holder = note.map(|note| note.holder).filter(|holder| holder.writes).map(Box::new);
    StateError::Locked { path: directory.to_owned(), holder, wrote: None }
}

/// Reads the note, from a file that is opened for it. One that is just being written, as version 0.2 does it, reads as
/// nobody's.
pub(super) fn read_note(directory: &Path) -> Result<Option<Note>, StateError> {
    let text = read(&directory.join(LOCK_FILE_NAME))?;
    Ok(text.and_then(|text| serde_json::from_slice(&text).ok()))
}

/// Reads a file; nothing where there is none.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, StateError> {
    let mut text = Vec::new();
    match File::open(path).and_then(|mut file| file.read_to_end(&mut text)) {
        Ok(_) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io("read", path)(error)),
    }
}

pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> StateError {
    let path = path.to_owned();
    move |source| StateError::Io { doing, path, source }
}

#[cfg(test)]
mod tests {
    use std::slice::from_ref;
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::state::claim::CLAIM_FILE_NAME;
    use crate::state::lease::Moment;
    use crate::state::unlock::{Left, clear, left_behind};

    /// Somebody on a host; `here` is this one, where the process is this test's unless it has another number.
    fn on(host: &str, process: u32) -> Holder {
        let origin = Origin::of_this_process().unwrap();
        let origin = if host == "here" { origin } else { Origin { boot: host.into(), ..origin } };
        Holder {
            command: "apply".into(),
            actor: format!("ann@{host}"),
            host: host.into(),
            process,
            origin: Some(origin),
            since: DateTime::UNIX_EPOCH,
            ci_run: None,
            writes: true,
        }
    }

    /// A process on this host that is gone: no process has the highest number.
    fn gone() -> Holder {
        on("here", u32::MAX >> 1)
    }

    fn living() -> Holder {
        on("here", std::process::id())
    }

    /// What version 0.2 writes.
    fn of_older(host: &str) -> Holder {
        Holder { origin: None, ..on(host, 1) }
    }

    /// A clock that stands still until it is told to go on.
    #[derive(Clone, Default)]
    struct Hand(Arc<AtomicU64>);

    impl Hand {
        fn pass(&self, seconds: u64) {
            self.0.fetch_add(seconds, Ordering::SeqCst);
        }

        fn candidate(&self, holder: Holder) -> Candidate {
            let hand = self.clone();
            let clock: MomentClock = Arc::new(move || {
                let now = Duration::from_secs(hand.0.load(Ordering::SeqCst));
                Moment { boot: now, wall: now }
            });
            Candidate::new(holder, Terms::default(), clock)
        }
    }

    fn candidate(holder: &Holder) -> Candidate {
        Hand::default().candidate(holder.clone())
    }

    /// Takes the lock as on a file system that carries none from one host to the other.
    fn take_unlocked(directory: &Path, candidate: &Candidate) -> Result<HeldLock, StateError> {
        let path = directory.join(LOCK_FILE_NAME);
        let file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path);
        sign(directory, candidate, Some(file.unwrap()))
    }

    fn left_by<T>(taken: Result<T, StateError>) -> Holder {
        match taken.map(drop) {
            Err(StateError::LeftLocked { holder, .. } | StateError::Silent { holder, .. }) => *holder,
            other => panic!("expected another host's lock, got {other:?}"),
        }
    }

    fn leave(directory: &Path, note: &Note) {
        fs::write(directory.join(LOCK_FILE_NAME), note.text()).unwrap();
    }

    fn epoch(directory: &Path) -> u64 {
        read_note(directory).unwrap().unwrap().opening.unwrap().epoch
    }

    #[test]
    fn of_two_hosts_that_start_together_one_goes_in() {
        let directory = tempfile::tempdir().unwrap();
        let hosts = [living(), on("there", 2)];
        for round in 0..300 {
            let barrier = Barrier::new(2);
            let taken = std::thread::scope(|scope| {
                let start = |holder: &Holder| {
                    let (directory, barrier, candidate) = (directory.path(), &barrier, candidate(holder));
                    scope.spawn(move || {
                        barrier.wait();
                        take_unlocked(directory, &candidate)
                    })
                };
                let started = [start(&hosts[0]), start(&hosts[1])];
                started.map(|thread| thread.join().unwrap())
            });
            let winners = taken.iter().filter(|taken| taken.is_ok()).count();
            assert_eq!(winners, 1, "round {round}: {taken:?}");
            let place = usize::from(taken[1].is_ok());
            assert_eq!(read_note(directory.path()).unwrap().unwrap().holder, hosts[place]);
            drop(taken);
            assert_eq!(left_behind(directory.path(), &candidate(&living())).unwrap(), Left::Nobody);
            assert_eq!(epoch(directory.path()), round + 1, "every opening has an epoch of its own");
            let names = fs::read_dir(directory.path()).unwrap().count();
            assert_eq!(names, 1, "nothing is left but the note");
        }
    }

    #[test]
    fn a_namesake_that_lives_is_not_taken_for_a_dead_process_of_this_host() {
        let directory = tempfile::tempdir().unwrap();
        let namesake = Holder { host: "here".into(), actor: "ann@here".into(), ..on("another boot", 7) };
        let held = take_unlocked(directory.path(), &candidate(&namesake)).unwrap();
        assert_eq!(left_by(take_unlocked(directory.path(), &candidate(&living()))), namesake);
        drop(held);
        // The same number in another namespace, as in two containers of one host.
        let mut contained = gone();
        contained.origin.as_mut().unwrap().pid_namespace = "pid:[1]".into();
        let held = take_unlocked(directory.path(), &candidate(&contained)).unwrap();
        assert_eq!(left_by(take_unlocked(directory.path(), &candidate(&living()))), contained);
        drop(held);
    }

    #[test]
    fn who_is_gone_from_this_host_is_followed_at_once_and_fences_nobody() {
        let directory = tempfile::tempdir().unwrap();
        let dead = gone();
        leave(directory.path(), &candidate(&dead).note(4, None));
        let held = take(directory.path(), &candidate(&living())).unwrap();
        assert_eq!((held.took_over(), held.lease().fenced()), (Some(&dead), None));
        assert_eq!(epoch(directory.path()), 5);
        drop(held);
        let next = take(directory.path(), &candidate(&living())).unwrap();
        assert!(next.took_over().is_none(), "a note that was closed is nobody's");
    }

    #[test]
    fn a_writer_without_signs_is_waited_for_and_then_fenced() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        let (frozen, hand) = (on("there", 1), Hand::default());
        let held = take_unlocked(directory, &candidate(&frozen)).unwrap();
        let next = hand.candidate(living());
        for (passed, left) in [(0, 32), (10, 22), (21, 1)] {
            hand.pass(passed);
            match take_unlocked(directory, &next).map(drop) {
                Err(StateError::Silent { left: found, .. }) => assert_eq!(found, Duration::from_secs(left)),
                other => panic!("{other:?}"),
            }
        }
        hand.pass(1);
        let taken = take_unlocked(directory, &next).unwrap();
        assert_eq!((taken.took_over(), taken.lease().fenced()), (Some(&frozen), Some(frozen.clone())));
        // The one before does not know it yet: whatever it writes reaches nobody.
        let signed = held.signed.as_ref().unwrap();
        let found = read_note(directory).unwrap();
        assert!(matches!(signed.beat().unwrap(), Standing::Lost(Some(by)) if *by == living()));
        drop(held);
        assert_eq!(read_note(directory).unwrap(), found);
        // Until it is on record, whoever comes next has to do it again, and a reader reads a copy.
        drop(taken);
        let reader = Holder { writes: false, ..living() };
        assert_eq!(left_by(take_unlocked(directory, &candidate(&reader))), frozen);
        let again = take_unlocked(directory, &candidate(&living())).unwrap();
        assert_eq!(again.lease().fenced(), Some(frozen));
        again.lease().take_over_recorded().unwrap();
        drop(again);
        let last = take_unlocked(directory, &candidate(&living())).unwrap();
        assert_eq!(last.lease().fenced(), None);
    }

    #[test]
    fn a_writer_that_gives_signs_is_not_taken_over_and_not_unlocked() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        let (writer, hand) = (on("there", 1), Hand::default());
        let held = take_unlocked(directory, &candidate(&writer)).unwrap();
        let next = hand.candidate(living());
        assert!(matches!(left_behind(directory, &next), Ok(Left::Watched(found)) if found == writer));
        for _ in 0..10 {
            hand.pass(9);
            held.signed.as_ref().unwrap().beat().unwrap();
            assert!(matches!(
                take_unlocked(directory, &next),
                Err(StateError::Locked { wrote: Some(_), .. })
            ));
            hand.pass(2);
            let error = left_behind(directory, &next).unwrap_err();
            assert!(error.to_string().contains("it wrote 2 s ago, and is still running"), "{error}");
            assert!(matches!(clear(directory, from_ref(&writer), &next), Err(StateError::Locked { .. })));
        }
        hand.pass(10);
        assert_eq!(left_behind(directory, &next).unwrap(), Left::Behind(vec![writer.clone()]));
        clear(directory, from_ref(&writer), &next).unwrap();
        assert!(matches!(held.signed.as_ref().unwrap().look().unwrap(), Standing::Lost(_)));
        let taken = take_unlocked(directory, &next).unwrap();
        assert_eq!(taken.lease().fenced(), Some(writer), "unlocking only skips the wait");
    }

    #[test]
    fn a_note_of_version_0_2_has_to_be_unlocked_even_by_its_own_host() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        for host in ["here", "there"] {
            let old = of_older(host);
            leave(directory, &Note::of_older(old.clone()));
            let (hand, here) = (Hand::default(), living());
            let next = hand.candidate(here);
            assert_eq!(left_by(take(directory, &next)), old);
            hand.pass(3600);
            assert_eq!(left_by(take(directory, &next)), old, "it gives no signs, so time proves nothing");
            assert_eq!(left_behind(directory, &next).unwrap(), Left::Behind(vec![old.clone()]));
            clear(directory, from_ref(&old), &next).unwrap();
            let taken = take(directory, &next).unwrap();
            assert_eq!(taken.lease().fenced(), Some(old));
            taken.lease().take_over_recorded().unwrap();
        }
    }

    #[test]
    fn version_0_2_reads_a_note_of_now_as_another_hosts_until_it_is_closed() {
        #[derive(Deserialize)]
        struct Older {
            host: String,
            writes: bool,
        }
        let directory = tempfile::tempdir().unwrap();
        let read = || -> Older {
            serde_json::from_slice(&fs::read(directory.path().join(LOCK_FILE_NAME)).unwrap()).unwrap()
        };
        let held = take(directory.path(), &candidate(&living())).unwrap();
        assert_eq!((read().host.as_str(), read().writes), ("here", true));
        drop(held);
        assert!(!read().writes);
    }

    #[test]
    fn a_claim_keeps_others_out_and_goes_with_its_maker_or_its_lease() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        let claim = |note: &Note| fs::write(directory.join(CLAIM_FILE_NAME), note.text()).unwrap();
        claim(&candidate(&gone()).note(0, None));
        drop(take(directory, &candidate(&living())).unwrap());
        assert!(!directory.join(CLAIM_FILE_NAME).exists());

        let elsewhere = on("there", 7);
        claim(&candidate(&elsewhere).note(0, None));
        let hand = Hand::default();
        let next = hand.candidate(living());
        assert_eq!(left_by(take(directory, &next)), elsewhere);
        let reader = Holder { writes: false, command: "plan".into(), ..living() };
        assert_eq!(left_by(take(directory, &candidate(&reader))), elsewhere);
        hand.pass(32);
        drop(take(directory, &next).unwrap());

        let old = of_older("there");
        claim(&Note::of_older(old.clone()));
        assert_eq!(left_by(take(directory, &next)), old);
        assert_eq!(left_behind(directory, &next).unwrap(), Left::Behind(vec![old.clone()]));
        assert_eq!(left_by(clear(directory, &[of_older("nowhere")], &next)), old);
        clear(directory, from_ref(&old), &next).unwrap();
        assert_eq!(left_behind(directory, &next).unwrap(), Left::Nobody);
    }

    #[test]
    fn a_claim_without_a_name_locks_nobody_out_for_longer_than_a_lease() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        fs::write(directory.join(CLAIM_FILE_NAME), "").unwrap();
        let hand = Hand::default();
        let next = hand.candidate(living());
        assert_eq!(left_by(take(directory, &next)).actor, "somebody without a name");
        hand.pass(32);
        drop(take(directory, &next).unwrap());
    }

    #[test]
    fn a_claim_appears_whole() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        let ends = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut seen = 0;
                while !ends.load(Ordering::SeqCst) {
                    if let Some(claim) = claim::read(directory).unwrap() {
                        assert_ne!(claim.holder.process, 0, "a claim was seen without a name");
                        seen += 1;
                    }
                }
                seen
            });
            for _ in 0..300 {
                drop(Claim::make(directory, &candidate(&living())).unwrap());
            }
            ends.store(true, Ordering::SeqCst);
            assert!(reader.join().unwrap() > 0, "none was seen");
        });
    }

    #[test]
    fn who_was_given_up_while_it_claimed_does_not_go_in() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        let late = Claim::make(directory, &candidate(&on("there", 1))).unwrap();
        let hand = Hand::default();
        let next = hand.candidate(living());
        assert_eq!(left_by(take(directory, &next)), on("there", 1));
        hand.pass(32);
        let held = take(directory, &next).unwrap();
        assert!(!late.is_ours().unwrap());
        let newer = Claim::make(directory, &candidate(&living())).unwrap();
        drop(late);
        assert!(newer.is_ours().unwrap(), "it removes no claim but its own");
        drop(held);
    }

    #[test]
    fn only_the_note_that_was_seen_is_cleared() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        let (seen, next, here) = (of_older("there"), of_older("yonder"), candidate(&living()));
        leave(directory, &Note::of_older(seen.clone()));
        assert_eq!(left_behind(directory, &here).unwrap(), Left::Behind(vec![seen.clone()]));
        leave(directory, &Note::of_older(next.clone()));
        assert_eq!(left_by(clear(directory, &[seen], &here)), next);
        assert_eq!(left_behind(directory, &here).unwrap(), Left::Behind(vec![next.clone()]));
        clear(directory, &[next], &here).unwrap();
        assert_eq!(left_behind(directory, &here).unwrap(), Left::Nobody);
    }

    #[test]
    fn who_only_reads_writes_nothing_and_says_nothing_of_the_dead() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        let reader = candidate(&Holder { writes: false, command: "plan".into(), ..living() });
        let reading = take_unlocked(directory, &reader).unwrap();
        let writing = take_unlocked(directory, &candidate(&on("there", 2))).unwrap();
        drop(reading);
        assert_eq!(left_by(take_unlocked(directory, &reader)), on("there", 2));
        drop(writing);
        // The note of a dead writer on this host is for the next writer to find.
        let dead = gone();
        leave(directory, &candidate(&dead).note(1, None));
        drop(take(directory, &reader).unwrap());
        assert_eq!(take(directory, &candidate(&living())).unwrap().took_over(), Some(&dead));
    }
}
