//! How long a writer may rely on being the holder: the rule that every store shares.
//!
//! A writer that only stands still does not know it. So it goes by the age of its last proof, on a clock that goes on
//! while the machine sleeps and on the wall: nothing begins unless it was seen to hold the ledger within
//! [`Terms::look_every`], and to have said so within [`Terms::acts_within`]. Who wants to take over watches the same
//! signs for longer than that ([`Watch`]). How a store keeps these signs is the store's affair ([`Tenure`]).
//!
//! At most once does not rest on this: a second writer reads everything that was durable before it. See
//! `docs/reliability.md`.

mod heartbeat;
mod terms;
mod watch;

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use crate::domain::LedgerPlace;
use crate::state::error::{StateError, StateErrorKind};
use crate::state::holder::Holder;

pub(super) use heartbeat::Heartbeat;
pub use terms::{Moment, MomentClock, Terms};
pub(super) use watch::{Signs, Watch};

/// So many proofs in a row that are too old when they come, and the store counts as out of reach.
const PROOFS_MAX: u32 = 10;

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
    /// Returns [`StateErrorKind::Io`] or [`StateErrorKind::Unreachable`] where that cannot be read.
    fn look(&self) -> Result<Standing, StateErrorKind>;

    /// Leaves a sign that the writer is there, durably, and reads it back.
    ///
    /// # Errors
    ///
    /// Returns [`StateErrorKind::Io`] or [`StateErrorKind::Unreachable`] where that cannot be done.
    fn beat(&self) -> Result<Standing, StateErrorKind>;

    /// Notes that it is on record from whom the ledger was taken.
    ///
    /// # Errors
    ///
    /// Returns [`StateErrorKind::Io`] or [`StateErrorKind::Unreachable`] where that cannot be written.
    fn take_over_recorded(&self) -> Result<(), StateErrorKind>;

    /// Whether the store itself refuses each durable step of a writer that lost the ledger. Then the writer need not look every
    /// second whether it still has it: until its lease is over nobody else goes in without proof of its end, and what it
    /// relies on is a step.
    fn refuses_steps(&self) -> bool {
        false
    }
}

/// A writer's hold on a ledger.
pub struct Lease {
    place: LedgerPlace,
    terms: Terms,
    clock: MomentClock,
    tenure: Box<dyn Tenure>,
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
    /// The hold of a writer that signed at `since`, and took the place of `fenced`.
    pub(super) fn new(
        place: &LedgerPlace,
        (terms, clock): (Terms, MomentClock),
        tenure: Box<dyn Tenure>,
        since: Moment,
        fenced: Option<Holder>,
    ) -> Arc<Self> {
        let fenced = fenced.map(Box::new);
        let proof = Mutex::new(Proof { beat: since, look: since, lost: None, fenced });
        Arc::new(Self { place: place.clone(), terms, clock, tenure, proof })
    }

    /// Proves that the writer still holds the ledger: from memory, as long as the last proof is young, else by the store.
    ///
    /// # Errors
    ///
    /// Returns [`StateErrorKind::Fenced`] for good once another writer holds it, and [`StateErrorKind::Io`] or
    /// [`StateErrorKind::Unreachable`] where nobody can tell.
    pub fn prove(&self) -> Result<(), StateError> {
        let mut proof = self.proof();
        for _ in 0..PROOFS_MAX {
            self.prove_not_lost(&proof)?;
            let now = (self.clock)();
            if proof.beat.age(now) >= self.terms.acts_within() {
                proof.take(self.at(self.tenure.beat())?, now, true);
            } else if !self.tenure.refuses_steps() && proof.look.age(now) > self.terms.look_every() {
                proof.take(self.at(self.tenure.look())?, now, false);
            } else {
                return Ok(());
            }
        }
        self.prove_not_lost(&proof)?;
        let (path, source) = (self.place.to_string().into(), std::io::ErrorKind::TimedOut.into());
        self.at(Err(StateErrorKind::Io { doing: "prove in time who holds", path, source }))
    }

    /// Returns after what time whoever was fenced for this writer has noticed.
    pub(super) fn settles_after(&self) -> Duration {
        self.terms.settles_after()
    }

    /// Returns how long after a sign something may still begin that rests on it.
    pub(super) fn acts_within(&self) -> Duration {
        self.terms.acts_within()
    }

    /// Leaves a sign that the writer is there.
    ///
    /// # Errors
    ///
    /// Returns what [`Lease::prove`] returns.
    pub(super) fn renew(&self) -> Result<(), StateError> {
        self.prove_not_lost(&self.proof())?;
        let asked = self.now();
        // Nobody has to wait for the store's answer whose proof is young.
        let standing = self.at(self.tenure.beat())?;
        self.learn(standing, asked);
        self.prove_not_lost(&self.proof())
    }

    /// Returns the moment, to be read before a durable step is asked for that proves who holds the ledger.
    pub(super) fn now(&self) -> Moment {
        (self.clock)()
    }

    /// Takes in what a beat showed that was asked for at `asked`, or a durable step of a store that refuses those of other
    /// epochs. Waits for whoever proves the lease just now, and so may be called with nothing locked that its store needs.
    pub(super) fn learn(&self, standing: Standing, asked: Moment) {
        self.proof().take(standing, asked, true);
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
    /// Returns [`StateErrorKind::Io`] or [`StateErrorKind::Unreachable`] where that cannot be noted.
    pub(super) fn take_over_recorded(&self) -> Result<(), StateError> {
        self.proof().fenced = None;
        self.at(self.tenure.take_over_recorded())
    }

    fn prove_not_lost(&self, proof: &Proof) -> Result<(), StateError> {
        match &proof.lost {
            None => Ok(()),
            Some(Lost(by)) => self.at(Err(StateErrorKind::Fenced { by_whom: by.clone() })),
        }
    }

    fn at<T>(&self, result: Result<T, StateErrorKind>) -> Result<T, StateError> {
        result.map_err(|kind| kind.at(&self.place))
    }

    fn proof(&self) -> MutexGuard<'_, Proof> {
        self.proof.lock().expect("no holder of this lock panics")
    }
}

impl std::fmt::Debug for Lease {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Lease")
            .field("place", &self.place)
            .field("terms", &self.terms)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

    use super::*;

    const TERMS: Terms = Terms::of(Duration::from_secs(30));

    /// A store whose holder and clocks a test sets.
    #[derive(Default)]
    struct Played {
        is_lost: AtomicBool,
        refuses_steps: AtomicBool,
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
        fn look(&self) -> Result<Standing, StateErrorKind> {
            self.looks.fetch_add(1, Ordering::SeqCst);
            Ok(self.standing())
        }

        fn beat(&self) -> Result<Standing, StateErrorKind> {
            self.beats.fetch_add(1, Ordering::SeqCst);
            Ok(self.standing())
        }

        fn take_over_recorded(&self) -> Result<(), StateErrorKind> {
            Ok(())
        }

        fn refuses_steps(&self) -> bool {
            self.refuses_steps.load(Ordering::SeqCst)
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
        let place = LedgerPlace::Directory("l".into());
        let lease = Lease::new(&place, (TERMS, clock), Box::new(Arc::clone(&played)), since, None);
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
        assert_eq!(error.to_string(), "could not prove in time who holds `l`");
        played.takes.store(0, Ordering::SeqCst);
        lease.prove().unwrap();
    }

    #[test]
    fn who_was_fenced_stays_fenced() {
        let (played, lease) = lease();
        played.is_lost.store(true, Ordering::SeqCst);
        lease.prove().unwrap();
        played.pass(2, 2);
        let is_fenced = |error: StateError| matches!(error.kind, StateErrorKind::Fenced { .. });
        assert!(lease.prove().is_err_and(is_fenced));
        played.is_lost.store(false, Ordering::SeqCst);
        assert!(lease.prove().is_err_and(is_fenced));
        assert!(lease.renew().is_err_and(is_fenced));
        assert_eq!(played.asked(), (1, 0), "a fenced writer leaves no sign");
    }

    #[test]
    fn where_steps_are_refused_nobody_looks_until_the_lease_is_nearly_over() {
        let (played, lease) = lease();
        played.refuses_steps.store(true, Ordering::SeqCst);
        played.pass(27, 27);
        lease.prove().unwrap();
        assert_eq!(played.asked(), (0, 0));
        played.is_lost.store(true, Ordering::SeqCst);
        played.pass(1, 1);
        assert!(lease.prove().is_err());
        assert_eq!(played.asked(), (0, 1));
    }

    #[test]
    fn a_durable_step_is_as_good_as_a_beat_and_says_as_well_that_all_is_lost() {
        let (played, lease) = lease();
        played.pass(28, 28);
        let asked = lease.now();
        lease.learn(Standing::Holds, asked);
        lease.prove().unwrap();
        assert_eq!(played.asked(), (0, 0));
        lease.learn(Standing::Lost(None), asked);
        assert!(lease.prove().is_err());
        assert_eq!(played.asked(), (0, 0));
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
