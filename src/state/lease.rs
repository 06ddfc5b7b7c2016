//! How long a writer may rely on being the holder: the rule that every store shares.
//!
//! A writer that only stands still does not know it. So it goes by the age of its last proof, on a clock that goes on
//! while the machine sleeps and on the wall: nothing begins unless it was seen to hold the ledger within
//! [`Terms::look_every`], and to have said so within [`Terms::acts_within`]. Who wants to take over watches the same
//! signs for longer than that ([`Watch`]). How a store keeps these signs is the store's affair ([`Tenure`]).
//!
//! At most once does not rest on this: a second writer reads everything that was durable before it. See
//! `docs/reliability.md`.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::state::backend::StateError;
use crate::state::holder::Holder;

/// How long a writer is taken to be there after its last sign, unless a test says otherwise.
const LEASE: Duration = Duration::from_secs(30);
/// How far two clocks may drift apart within a lease, and how long what was begun may take to begin.
const MARGIN_MAX: Duration = Duration::from_secs(2);
/// How long a look at who holds the ledger counts.
const LOOK_MAX: Duration = Duration::from_secs(1);
/// So many proofs in a row that are too old when they come, and the store counts as out of reach.
const PROOFS_MAX: u32 = 10;

/// An instant on two clocks, each since some beginning of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// On the clock that nobody sets, and that goes on while the machine sleeps.
    pub boot: Duration,
    /// On the wall.
    pub wall: Duration,
}

impl Moment {
    /// Returns the larger of the ages that it has on the two clocks.
    #[must_use]
    pub fn age(self, now: Self) -> Duration {
        now.boot.saturating_sub(self.boot).max(now.wall.saturating_sub(self.wall))
    }
}

/// Tells the moment.
pub type MomentClock = Arc<dyn Fn() -> Moment + Send + Sync>;

/// How long a lease is; everything else follows from that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    lease: Duration,
}

impl Default for Terms {
    fn default() -> Self {
        Self { lease: LEASE }
    }
}

impl Terms {
    /// Makes the terms of a lease.
    #[must_use]
    pub fn of(lease: Duration) -> Self {
        Self { lease }
    }

    /// Returns the longer of two leases: who takes over goes by what the holder was promised.
    #[must_use]
    pub fn at_least(self, other: Duration) -> Self {
        Self { lease: self.lease.max(other) }
    }

    /// Returns the lease.
    #[must_use]
    pub fn lease(self) -> Duration {
        self.lease
    }

    fn margin(self) -> Duration {
        MARGIN_MAX.min(self.lease / 4)
    }

    /// Returns how often a writer says that it is there.
    #[must_use]
    pub fn beat_every(self) -> Duration {
        self.lease / 4
    }

    /// Returns for how long a look at who holds the ledger counts.
    #[must_use]
    pub fn look_every(self) -> Duration {
        LOOK_MAX.min(self.lease / 4)
    }

    /// Returns how old a writer's last sign may be when something begins.
    #[must_use]
    pub fn acts_within(self) -> Duration {
        self.lease.saturating_sub(self.margin())
    }

    /// Returns after what time without a sign a writer does not seem to be there.
    #[must_use]
    pub fn silent_after(self) -> Duration {
        self.beat_every() + self.margin()
    }

    /// Returns after what time without a sign the ledger may be taken from a writer.
    #[must_use]
    pub fn expires_after(self) -> Duration {
        self.lease + self.margin()
    }

    /// Returns after what time a writer that was fenced has noticed, or what it wrote until then is there to be read.
    #[must_use]
    pub fn settles_after(self) -> Duration {
        self.look_every() * 2
    }
}

/// Whether a writer still holds its ledger.
#[derive(Debug)]
pub enum Standing {
    /// It does.
    Holds,
    /// Somebody else does, as far as the store tells who.
    Lost(Option<Box<Holder>>),
}

/// A store's record of who holds the ledger, as its writer sees it.
pub trait Tenure: Send + Sync {
    /// Reads anew who holds the ledger.
    ///
    /// # Errors
    ///
    /// Returns [`StateError::Io`] where that cannot be read.
    fn look(&self) -> Result<Standing, StateError>;

    /// Leaves a sign that the writer is there, durably, and reads it back.
    ///
    /// # Errors
    ///
    /// Returns [`StateError::Io`] where that cannot be done.
    fn beat(&self) -> Result<Standing, StateError>;

    /// Notes that it is on record from whom the ledger was taken.
    ///
    /// # Errors
    ///
    /// Returns [`StateError::Io`] where that cannot be written.
    fn take_over_recorded(&self) -> Result<(), StateError>;
}

/// A writer's hold on a ledger.
pub struct Lease {
    path: PathBuf,
    terms: Terms,
    clock: MomentClock,
    /// None where nobody else can get at the ledger.
    tenure: Option<Box<dyn Tenure>>,
    proof: Mutex<Proof>,
}

/// That another writer has the ledger, and who, as far as the store tells.
struct Lost(Option<Box<Holder>>);

#[derive(Default)]
struct Proof {
    /// Before the last sign was given that was seen in place.
    beat: Moment,
    /// Before the last look.
    look: Moment,
    /// Who has the ledger instead.
    lost: Option<Lost>,
    /// Whose place the writer took without proof of its end, as long as that is not on record.
    fenced: Option<Box<Holder>>,
}

impl Proof {
    /// Takes in an answer: as a proof it is as old as the moment before it was asked for.
    fn take(&mut self, standing: Standing, asked: Moment, is_beat: bool) {
        match standing {
            Standing::Holds => {
                self.look = asked;
                if is_beat {
                    self.beat = asked;
                }
            }
            Standing::Lost(by) => self.lost = Some(Lost(by)),
        }
    }
}

impl Lease {
    /// A hold that nobody can take away.
    #[must_use]
    pub fn sole() -> Arc<Self> {
        let (terms, proof) = (Terms::default(), Mutex::default());
        Arc::new(Self { path: PathBuf::new(), terms, clock: Arc::new(Moment::default), tenure: None, proof })
    }

    /// The hold of a writer that signed at `since`, and took the place of `fenced`.
    pub(super) fn new(
        path: &Path,
        (terms, clock): (Terms, MomentClock),
        tenure: Box<dyn Tenure>,
        since: Moment,
        fenced: Option<Holder>,
    ) -> Arc<Self> {
        let fenced = fenced.map(Box::new);
        let proof = Mutex::new(Proof { beat: since, look: since, lost: None, fenced });
        Arc::new(Self { path: path.to_owned(), terms, clock, tenure: Some(tenure), proof })
    }

    /// Proves that the writer still holds the ledger: from memory, as long as the last proof is young, else by the store.
    ///
    /// # Errors
    ///
    /// Returns [`StateError::Fenced`] for good once another writer holds it, and [`StateError::Io`] where nobody can tell.
    pub fn prove(&self) -> Result<(), StateError> {
        let Some(tenure) = &self.tenure else { return Ok(()) };
        let mut proof = self.proof();
        for _ in 0..PROOFS_MAX {
            self.prove_not_lost(&proof)?;
            let now = (self.clock)();
            if proof.beat.age(now) >= self.terms.acts_within() {
                proof.take(tenure.beat()?, now, true);
            } else if proof.look.age(now) > self.terms.look_every() {
                proof.take(tenure.look()?, now, false);
            } else {
                return Ok(());
            }
        }
        self.prove_not_lost(&proof)?;
        let source = std::io::ErrorKind::TimedOut.into();
        Err(StateError::Io { doing: "prove in time who holds", path: self.path.clone(), source })
    }

    /// Returns after what time whoever was fenced for this writer has noticed.
    pub(super) fn settles_after(&self) -> Duration {
        self.terms.settles_after()
    }

    /// Leaves a sign that the writer is there.
    ///
    /// # Errors
    ///
    /// Returns what [`Lease::prove`] returns.
    pub(super) fn renew(&self) -> Result<(), StateError> {
        let Some(tenure) = &self.tenure else { return Ok(()) };
        let mut proof = self.proof();
        self.prove_not_lost(&proof)?;
        let now = (self.clock)();
        proof.take(tenure.beat()?, now, true);
        self.prove_not_lost(&proof)
    }

    /// Returns whose place the writer took without proof of its end, as long as that is not on record.
    #[must_use]
    pub fn fenced(&self) -> Option<Holder> {
        self.proof().fenced.as_deref().cloned()
    }

    /// Notes that this is on record.
    ///
    /// # Errors
    ///
    /// Returns [`StateError::Io`] where that cannot be noted.
    pub(super) fn take_over_recorded(&self) -> Result<(), StateError> {
        self.proof().fenced = None;
        self.tenure.as_ref().map_or(Ok(()), |tenure| tenure.take_over_recorded())
    }

    fn prove_not_lost(&self, proof: &Proof) -> Result<(), StateError> {
        match &proof.lost {
            None => Ok(()),
            Some(Lost(by)) => Err(StateError::Fenced { path: self.path.clone(), by_whom: by.clone() }),
        }
    }

    fn proof(&self) -> MutexGuard<'_, Proof> {
        self.proof.lock().expect("no holder of this lock panics")
    }
}

impl std::fmt::Debug for Lease {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Lease")
            .field("path", &self.path)
            .field("terms", &self.terms)
            .finish_non_exhaustive()
    }
}

/// Says that a writer is there while it waits, plans or sends, on a thread of its own, until it is dropped.
#[derive(Debug)]
pub(super) struct Heartbeat {
    ends: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Heartbeat {
    pub(super) fn start(lease: &Arc<Lease>) -> std::io::Result<Self> {
        let (ends, ended) = channel::<()>();
        let lease = Arc::clone(lease);
        let thread = std::thread::Builder::new().name("heartbeat".to_owned()).spawn(move || {
            while matches!(ended.recv_timeout(lease.terms.beat_every()), Err(RecvTimeoutError::Timeout)) {
                // One that cannot be written makes the proof too old, and whoever needs it says so.
                if matches!(lease.renew(), Err(StateError::Fenced { .. })) {
                    return;
                }
            }
        })?;
        Ok(Self { ends: Some(ends), thread: Some(thread) })
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        drop(self.ends.take());
        if let Some(thread) = self.thread.take() {
            // It does not panic; and if it did, its signs end, which is what is wanted here.
            drop(thread.join());
        }
    }
}

/// What was seen of a holder, look by look, on the clock of whoever waits for its end.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// Its last sign, and when that was first seen.
    seen: Option<(String, Moment)>,
    has_moved: bool,
}

/// What a holder's signs say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signs {
    /// It is there: its last sign was first seen so long ago.
    Moving(Duration),
    /// It was not watched for long enough to tell; its last sign was first seen so long ago.
    Unclear(Duration),
    /// No sign for long. Its lease ends after so much more time.
    Silent(Duration),
    /// No sign for longer than its lease.
    Expired,
}

impl Watch {
    /// Takes in a look at the holder's signs: anything that changes with each of them.
    pub(super) fn look(&mut self, sign: String, terms: Terms, now: Moment) -> Signs {
        let since = match &self.seen {
            Some((seen, since)) if *seen == sign => *since,
            Some(_) => {
                self.has_moved = true;
                self.seen = Some((sign, now));
                now
            }
            None => {
                self.seen = Some((sign, now));
                now
            }
        };
        // A wall that was set proves nothing about somebody else.
        let unmoved = now.boot.saturating_sub(since.boot);
        if unmoved >= terms.expires_after() {
            Signs::Expired
        } else if unmoved >= terms.silent_after() {
            Signs::Silent(terms.expires_after().saturating_sub(unmoved))
        } else if self.has_moved {
            Signs::Moving(unmoved)
        } else {
            Signs::Unclear(unmoved)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

    use super::*;

    const TERMS: Terms = Terms { lease: Duration::from_secs(30) };

    /// A store whose holder and clocks a test sets.
    #[derive(Default)]
    struct Played {
        is_lost: AtomicBool,
        looks: AtomicU64,
        beats: AtomicU64,
        /// Seconds on either clock.
        boot: AtomicU64,
        wall: AtomicU64,
        /// Seconds that an answer takes.
        takes: AtomicU64,
    }

    impl Played {
        fn standing(&self) -> Standing {
            let takes = self.takes.load(Ordering::SeqCst);
            self.pass(takes, takes);
            if self.is_lost.load(Ordering::SeqCst) { Standing::Lost(None) } else { Standing::Holds }
        }

        fn pass(&self, boot: u64, wall: u64) {
            self.boot.fetch_add(boot, Ordering::SeqCst);
            self.wall.fetch_add(wall, Ordering::SeqCst);
        }

        fn asked(&self) -> (u64, u64) {
            (self.looks.load(Ordering::SeqCst), self.beats.load(Ordering::SeqCst))
        }
    }

    impl Tenure for Arc<Played> {
        fn look(&self) -> Result<Standing, StateError> {
            self.looks.fetch_add(1, Ordering::SeqCst);
            Ok(self.standing())
        }

        fn beat(&self) -> Result<Standing, StateError> {
            self.beats.fetch_add(1, Ordering::SeqCst);
            Ok(self.standing())
        }

        fn take_over_recorded(&self) -> Result<(), StateError> {
            Ok(())
        }
    }

    fn lease() -> (Arc<Played>, Arc<Lease>) {
        let played = Arc::new(Played::default());
        played.pass(1000, 1000);
        let read = Arc::clone(&played);
        let clock: MomentClock = Arc::new(move || Moment {
            boot: Duration::from_secs(read.boot.load(Ordering::SeqCst)),
            wall: Duration::from_secs(read.wall.load(Ordering::SeqCst)),
        });
        let since = clock();
        let lease = Lease::new(Path::new("l"), (TERMS, clock), Box::new(Arc::clone(&played)), since, None);
        (played, lease)
    }

    #[test]
    fn a_young_proof_costs_nothing_and_one_of_more_than_a_second_a_look() {
        let (played, lease) = lease();
        for _ in 0..1000 {
            lease.prove().unwrap();
        }
        assert_eq!(played.asked(), (0, 0));
        played.pass(1, 1);
        lease.prove().unwrap();
        assert_eq!(played.asked(), (0, 0), "a second is not more than a second");
        played.pass(1, 1);
        lease.prove().unwrap();
        lease.prove().unwrap();
        assert_eq!(played.asked(), (1, 0));
    }

    #[test]
    fn nothing_begins_on_an_old_sign_whichever_clock_says_so() {
        for (boot, wall) in [(28, 0), (0, 28), (3600, 28)] {
            let (played, lease) = lease();
            played.pass(boot, wall);
            lease.prove().unwrap();
            assert_eq!(
                played.asked(),
                (0, 1),
                "{boot} s, {wall} s: a look is not enough, it has to be a sign"
            );
        }
        let (played, lease) = lease();
        played.pass(27, 27);
        lease.prove().unwrap();
        assert_eq!(played.asked(), (1, 0));
    }

    #[test]
    fn looks_alone_do_not_make_a_sign_young() {
        let (played, lease) = lease();
        for _ in 0..14 {
            played.pass(2, 2);
            lease.prove().unwrap();
        }
        assert_eq!(played.asked(), (13, 1));
    }

    #[test]
    fn a_proof_is_as_old_as_the_moment_before_it_was_asked_for() {
        let (played, lease) = lease();
        played.pass(2, 2);
        played.takes.store(5, Ordering::SeqCst);
        let error = lease.prove().unwrap_err();
        assert!(matches!(error, StateError::Io { doing: "prove in time who holds", .. }), "{error}");
        played.takes.store(0, Ordering::SeqCst);
        lease.prove().unwrap();
    }

    #[test]
    fn who_was_fenced_stays_fenced() {
        let (played, lease) = lease();
        played.is_lost.store(true, Ordering::SeqCst);
        lease.prove().unwrap();
        played.pass(2, 2);
        assert!(matches!(lease.prove(), Err(StateError::Fenced { .. })));
        played.is_lost.store(false, Ordering::SeqCst);
        assert!(matches!(lease.prove(), Err(StateError::Fenced { .. })));
        assert!(matches!(lease.renew(), Err(StateError::Fenced { .. })));
        assert_eq!(played.asked(), (1, 0), "a fenced writer leaves no sign");
    }

    #[test]
    fn who_takes_over_waits_longer_than_the_holder_acts() {
        for lease in [30, 2] {
            let terms = Terms::of(Duration::from_secs(lease));
            assert!(terms.expires_after() > terms.acts_within() + terms.margin());
            assert!(terms.silent_after() < terms.expires_after());
            assert!(terms.beat_every() + terms.margin() < terms.acts_within());
            assert!(terms.settles_after() > terms.look_every());
        }
        assert_eq!(TERMS.expires_after(), Duration::from_secs(32));
    }

    #[test]
    fn a_holder_is_watched_on_the_own_clock_and_every_sign_begins_anew() {
        let at = |boot| Moment { boot: Duration::from_secs(boot), wall: Duration::ZERO };
        let seconds = Duration::from_secs;
        let mut watch = Watch::default();
        let mut look = |sign: &str, boot| watch.look(sign.to_owned(), TERMS, at(boot));
        assert_eq!(look("a", 100), Signs::Unclear(seconds(0)));
        assert_eq!(look("a", 109), Signs::Unclear(seconds(9)));
        assert_eq!(look("a", 110), Signs::Silent(seconds(22)));
        assert_eq!(look("b", 131), Signs::Moving(seconds(0)));
        assert_eq!(look("b", 133), Signs::Moving(seconds(2)));
        assert_eq!(look("b", 162), Signs::Silent(seconds(1)));
        assert_eq!(look("b", 163), Signs::Expired);
        // However far the wall was set.
        let mut watch = Watch::default();
        watch.look("a".to_owned(), TERMS, at(100));
        let set = Moment { wall: seconds(9999), ..at(101) };
        assert_eq!(watch.look("a".to_owned(), TERMS, set), Signs::Unclear(seconds(1)));
    }
}
