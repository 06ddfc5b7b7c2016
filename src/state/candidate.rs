//! Who wants a ledger, and whether the place of who has it may be taken: the rule that every store shares.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use crate::state::error::StateErrorKind;
use crate::state::holder::Holder;
use crate::state::lease::{Moment, MomentClock, Signs, Terms, Watch};

/// Who wants to open a ledger, by which clock, and what it saw so far of who holds it.
pub struct Candidate {
    holder: Holder,
    terms: Terms,
    clock: MomentClock,
    /// By what is watched.
    watched: Mutex<BTreeMap<&'static str, Watch>>,
}

/// No writer is promised more, whatever a store says.
const LEASE_MAX: Duration = Duration::from_mins(10);

/// A writer that a store knows of and that did not close itself, as one look shows it.
pub(super) struct Incumbent<'a> {
    pub(super) holder: &'a Holder,
    /// Anything that changes with every sign that it gives, and with its epoch.
    pub(super) sign: String,
    /// What it was promised.
    pub(super) lease: Duration,
}

/// How the place of an incumbent is taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Following {
    /// It is proven to be over: nothing of it is still to come.
    Over,
    /// It gave no sign for longer than its lease. Nobody knows whether it still goes on, so it is fenced.
    Fences,
}

/// What is known of who held a ledger last.
#[derive(Debug, PartialEq, Eq)]
pub enum Left {
    /// Everybody came to an end.
    Nobody,
    /// It has to be watched longer to tell whether it is there.
    Watched(Holder),
    /// They give no sign.
    Behind(Vec<Holder>),
}

impl Candidate {
    /// Makes a candidate that saw nothing yet.
    #[must_use]
    pub fn new(holder: Holder, terms: Terms, clock: MomentClock) -> Self {
        Self { holder, terms, clock, watched: Mutex::default() }
    }

    /// Returns who it is.
    pub(super) fn holder(&self) -> &Holder {
        &self.holder
    }

    pub(super) fn terms(&self) -> Terms {
        self.terms
    }

    pub(super) fn clock(&self) -> MomentClock {
        MomentClock::clone(&self.clock)
    }

    /// Returns the moment, to be read before anything is asked of a store.
    pub(super) fn now(&self) -> Moment {
        (self.clock)()
    }

    /// Whether a process is proven to be over.
    pub(super) fn proves_over(&self, holder: &Holder) -> bool {
        self.holder.proves_over(holder)
    }

    /// Takes in a look at somebody's signs, and says what they show so far; with the terms that this goes by.
    pub(super) fn watch(&self, what: &'static str, sign: String, lease: Duration) -> (Signs, Terms) {
        let terms = self.terms.at_least(lease.min(LEASE_MAX));
        (self.watched().entry(what).or_default().look(sign, terms, self.now()), terms)
    }

    /// Says whether the place of `incumbent` may be taken by now, in a store where one look shows all of it.
    pub(super) fn may_follow(&self, incumbent: Incumbent<'_>) -> Result<Following, StateErrorKind> {
        let Incumbent { holder, sign, lease } = incumbent;
        if self.proves_over(holder) {
            return Ok(Following::Over);
        }
        let holder = Box::new(holder.clone());
        match self.watch("holder", sign, lease) {
            (Signs::Expired, _) => Ok(Following::Fences),
            (Signs::Silent(left), _) => Err(StateErrorKind::Silent { holder, left }),
            (Signs::Unclear(ago), terms) => {
                Err(StateErrorKind::Silent { holder, left: terms.expires_after().saturating_sub(ago) })
            }
            (Signs::Moving(ago), _) => Err(StateErrorKind::Locked { holder: Some(holder), wrote: Some(ago) }),
        }
    }

    /// Says of `incumbent` whether it was left behind.
    pub(super) fn left_behind(&self, incumbent: Incumbent<'_>) -> Result<Left, StateErrorKind> {
        let Incumbent { holder, sign, lease } = incumbent;
        let left = holder.clone();
        if self.proves_over(holder) {
            return Ok(Left::Behind(vec![left]));
        }
        match self.watch("holder", sign, lease).0 {
            Signs::Moving(ago) => {
                Err(StateErrorKind::Locked { holder: Some(Box::new(left)), wrote: Some(ago) })
            }
            Signs::Unclear(_) => Ok(Left::Watched(left)),
            Signs::Silent(_) | Signs::Expired => Ok(Left::Behind(vec![left])),
        }
    }

    fn watched(&self) -> MutexGuard<'_, BTreeMap<&'static str, Watch>> {
        self.watched.lock().expect("no holder of this lock panics")
    }
}
