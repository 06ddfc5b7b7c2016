//! A writer's hold on a log: its end, its lease, and its signs, whether it appends or packs.

use std::cell::Cell;
use std::sync::Arc;

use crate::ledger::Serial;
use crate::state::candidate::Candidate;
use crate::state::error::{StateError, StateErrorKind};
use crate::state::holder::Holder;
use crate::state::lease::{Heartbeat, Lease, Moment};
use crate::state::objects::log::Log;
use crate::state::objects::session::Session;
use crate::state::objects::tail::{Piece, Tail, standing};

/// An epoch that is held. Its signs end, and then the epoch, when it is dropped.
pub(super) struct Hold {
    heartbeat: Option<Heartbeat>,
    pub(super) lease: Arc<Lease>,
    pub(super) tail: Arc<Tail>,
    pub(super) took_over: Option<Holder>,
    pub(super) session: Arc<Session>,
}

impl Hold {
    /// Goes on in an epoch that was opened after `since`.
    pub(super) fn begin(
        session: Arc<Session>,
        candidate: &Candidate,
        (log, took_over): (Log, Option<Holder>),
        since: Moment,
    ) -> Result<Self, StateErrorKind> {
        let fenced = log.fenced.clone();
        let tail = Arc::new(Tail::new(Arc::clone(&session), log));
        let tenure = Box::new(Arc::clone(&tail));
        let lease = Lease::new(&session.place, (candidate.terms(), candidate.clock()), tenure, since, fenced);
        let mut hold = Self { heartbeat: None, lease, tail, took_over, session };
        let started = Heartbeat::start(&hold.lease);
        let failed = |source| {
            let path = hold.session.place.to_string().into();
            StateErrorKind::Io { doing: "start a thread for", path, source }
        };
        hold.heartbeat = Some(started.map_err(failed)?);
        Ok(hold)
    }

    /// Leaves a sign, and proves by it that nobody else has the ledger.
    pub(super) fn beats(&self) -> Result<(), StateError> {
        self.lease.renew()
    }

    /// Writes behind the record `after`, or not at all, and takes in what that says of the lease.
    pub(super) fn step(
        &self,
        after: Serial,
        make: impl FnOnce(&Log) -> Result<Piece, StateErrorKind>,
    ) -> Result<(), StateErrorKind> {
        let asked = self.lease.now();
        let follows = Cell::new(true);
        let done = self.tail.write(self.session.client.timing.step, |log| {
            if log.end.last != after {
                follows.set(false);
                return Err(StateErrorKind::Fenced { by_whom: None });
            }
            make(log)
        });
        // That something does not follow says nothing of who holds the ledger.
        if let Some(standing) = standing(&done).filter(|_| follows.get()) {
            self.lease.learn(standing, asked);
        }
        done
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        drop(self.heartbeat.take());
        self.tail.close();
    }
}
