//! One writer's time: each of its steps is a statement that counts only in its own epoch, and is asked for until it is certain
//! what became of it.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::ledger::Serial;
use crate::state::candidate::Candidate;
use crate::state::error::StateErrorKind;
use crate::state::lease::{Heartbeat, Lease, Moment, Standing, Tenure};
use crate::state::postgres::Database;
use crate::state::postgres::head::Head;
use crate::state::postgres::link::Trouble;
use crate::state::postgres::statement::Statement;
use crate::state::probe::Probe;

/// How long a writer that ends waits for its last word to be taken.
const CLOSE_PATIENCE: Duration = Duration::from_secs(2);
/// How long a step is asked for at least: it says who has the ledger now, however short the lease was.
const PATIENCE_MIN: Duration = Duration::from_secs(10);
/// Between two attempts of a step.
const PAUSE: Duration = Duration::from_millis(50);
/// How long one attempt of a step waits for its answer, at most.
pub(super) const STEP_WITHIN: Duration = Duration::from_secs(5);

/// The time of one writer: the row is its own, until another one begins an epoch. Dropping it closes the ledger.
pub(super) struct Epoch {
    /// Ends before the epoch does.
    heartbeat: Option<Heartbeat>,
    pub(super) lease: Arc<Lease>,
    pub(super) database: Database,
    pub(super) probe: Probe,
    pub(super) number: i64,
    /// Which steps count.
    pub(super) generation: i64,
    /// Where the log ends, as far as this writer knows.
    pub(super) end: (Serial, String),
}

impl Epoch {
    /// Goes on from a row that shows the writer's own epoch.
    pub(super) fn begin(
        database: &Database,
        probe: &Probe,
        candidate: &Candidate,
        head: Head,
        since: Moment,
    ) -> Result<Self, StateErrorKind> {
        let tenure = Box::new(PostgresTenure { database: database.clone(), epoch: head.epoch });
        let terms = (candidate.terms(), candidate.clock());
        let lease = Lease::new(&database.place, terms, tenure, since, head.fenced.clone());
        let started = Heartbeat::start(&lease);
        let heartbeat = started.map_err(|error| StateErrorKind::Unreachable { source: error.into() })?;
        Ok(Self {
            heartbeat: Some(heartbeat),
            lease,
            database: database.clone(),
            probe: probe.clone(),
            number: head.epoch,
            generation: head.generation,
            end: (head.tail(), head.chain),
        })
    }

    /// Does a step that changes the row if it is as this writer left it, until it is certain whether it did. `is_done` looks at
    /// the row for it.
    pub(super) fn step(
        &self,
        statement: Statement,
        is_done: impl Fn(&Head) -> bool,
    ) -> Result<(), StateErrorKind> {
        let (asked, began) = (self.lease.now(), Instant::now());
        let (statement, link) = (Arc::new(statement), self.database.link()?);
        // As long as it may hold the ledger: later, another one may have it, and sees what was done.
        let patience = self.lease.acts_within().max(PATIENCE_MIN);
        let within = STEP_WITHIN.min(patience / 5);
        let mut may_be_done = None;
        loop {
            let trouble = match link.once(&statement, within) {
                Ok(rows) if rows.first().is_some_and(|row| row.try_get(0).unwrap_or(false)) => {
                    self.lease.learn(Standing::Holds, asked);
                    return Ok(());
                }
                Ok(_) => match self.settle(may_be_done.is_some(), &is_done, asked) {
                    Err(StateErrorKind::Unreachable { source }) => Trouble::Unknown(source),
                    settled => return settled,
                },
                Err(trouble) => trouble,
            };
            match trouble {
                Trouble::NotDone { kind, is_passing: false } if may_be_done.is_none() => return Err(kind),
                Trouble::NotDone { kind, .. } if may_be_done.is_none() && began.elapsed() >= patience => {
                    return Err(kind);
                }
                Trouble::NotDone { .. } => {}
                Trouble::Unknown(source) => may_be_done = Some(source),
            }
            if began.elapsed() >= patience {
                let source = may_be_done.unwrap_or_else(|| io::Error::from(io::ErrorKind::TimedOut).into());
                return Err(StateErrorKind::Undecided { source });
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Says what became of a step whose statement changed nothing: an attempt before did it, or the ledger is not as this
    /// writer left it.
    fn settle(
        &self,
        may_be_done: bool,
        is_done: &impl Fn(&Head) -> bool,
        asked: Moment,
    ) -> Result<(), StateErrorKind> {
        let head = self.database.settled_head(Duration::ZERO)?;
        match head.standing(self.number) {
            Standing::Lost(by_whom) => {
                self.lease.learn(Standing::Lost(by_whom.clone()), asked);
                Err(StateErrorKind::Fenced { by_whom })
            }
            Standing::Holds if may_be_done && is_done(&head) => {
                self.lease.learn(Standing::Holds, asked);
                Ok(())
            }
            Standing::Holds => Err(StateErrorKind::Fenced { by_whom: None }),
        }
    }
}

impl Drop for Epoch {
    fn drop(&mut self) {
        drop(self.heartbeat.take());
        let text = "update {ledger} set closed = true where name = $1 and epoch = $2";
        // One that is not closed is waited for, and then taken over.
        let closed = self.database.statement(text).and_then(|statement| {
            self.database.link()?.ask(statement.number(self.number), CLOSE_PATIENCE, CLOSE_PATIENCE)
        });
        drop(closed);
    }
}

/// What a writer of one epoch sees of the row.
struct PostgresTenure {
    database: Database,
    epoch: i64,
}

impl Tenure for PostgresTenure {
    fn look(&self) -> Result<Standing, StateErrorKind> {
        Ok(self.database.settled_head(STEP_WITHIN)?.standing(self.epoch))
    }

    fn beat(&self) -> Result<Standing, StateErrorKind> {
        let text = "update {ledger} set beat = beat + 1 where name = $1 and epoch = $2 returning 1";
        let rows = self.database.ask(self.database.statement(text)?.number(self.epoch), STEP_WITHIN)?;
        if rows.is_empty() { self.look() } else { Ok(Standing::Holds) }
    }

    fn take_over_recorded(&self) -> Result<(), StateErrorKind> {
        let text = "update {ledger} set fenced = null where name = $1 and epoch = $2";
        self.database.ask(self.database.statement(text)?.number(self.epoch), STEP_WITHIN).map(drop)
    }

    fn refuses_steps(&self) -> bool {
        true
    }
}
