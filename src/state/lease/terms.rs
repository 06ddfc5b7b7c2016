//! How long a lease is, and by which clocks.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::LedgerPlace;

/// How long a writer is taken to be there after its last sign, unless a test says otherwise.
const LEASE: Duration = Duration::from_secs(30);
/// The same in a bucket, where each sign is an object.
const LEASE_OF_OBJECTS: Duration = Duration::from_mins(1);
/// How far two clocks may drift apart within a lease, and how long what was begun may take to begin.
const MARGIN_MAX: Duration = Duration::from_secs(2);
/// How long a look at who holds the ledger counts.
const LOOK_MAX: Duration = Duration::from_secs(1);

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
    pub const fn of(lease: Duration) -> Self {
        Self { lease }
    }

    /// Returns the terms of a ledger at a place.
    #[must_use]
    pub fn at(place: &LedgerPlace) -> Self {
        match place {
            LedgerPlace::Directory(_) | LedgerPlace::Postgres(_) => Self::default(),
            LedgerPlace::Objects(_) => Self::of(LEASE_OF_OBJECTS),
        }
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

    pub(super) fn margin(self) -> Duration {
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
