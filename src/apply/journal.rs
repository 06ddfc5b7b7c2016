//! The only writer of a ledger while `apply` runs.
//!
//! Everything goes through one thread that appends whatever waits, in one durable step: many batches in
//! flight share the cost of one disk sync, and no request leaves and no success is told before it.

use std::sync::Arc;
use std::thread::JoinHandle;

use chrono::{DateTime, Utc};
use tokio::sync::{mpsc, oneshot};

use crate::ledger::{Chain, IntentRecord, Outcome, Record, Serial, Writer};
use crate::state::{Backend, StateError};

/// Most records of one durable step.
const GROUP_MAX: usize = 256;

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// Why a record is not durable.
#[derive(Clone, Debug, thiserror::Error)]
pub enum JournalError {
    /// The store refused, now or for an earlier record; nothing is written after that.
    #[error("the ledger could not be written")]
    State(#[source] Arc<StateError>),
    /// The journal was closed before.
    #[error("the ledger was closed before the record could be written")]
    Closed,
}

struct Order {
    record: Record,
    durable: oneshot::Sender<Result<Serial, JournalError>>,
}

/// A handle to the journal's thread; clones write to the same ledger.
#[derive(Clone)]
pub struct Journal {
    orders: mpsc::UnboundedSender<Order>,
}

/// The journal's thread. Finish it to get everything written and the ledger released.
#[must_use = "finish it, or the ledger stays held"]
pub struct JournalThread(JoinHandle<(Serial, Chain)>);

impl JournalThread {
    /// Waits until every handle is gone and everything is written; then the ledger is released. Returns its last
    /// durable record, and the chain up to it.
    ///
    /// # Panics
    ///
    /// Panics if the journal's thread did.
    #[must_use]
    pub fn finish(self) -> (Serial, Chain) {
        self.0.join().expect("the journal's thread does not panic")
    }
}

/// A batch that may reach the vendor at any moment. Only [`Journal::intend`] makes one, once it is durable.
#[must_use = "settle it, or the batch stays in doubt"]
#[derive(Debug)]
pub struct Intent {
    serial: Serial,
}

impl Journal {
    /// Starts the journal's thread on a ledger.
    pub fn start(backend: Box<dyn Backend>, writer: Writer, clock: Clock) -> (Self, JournalThread) {
        let (orders, waiting) = mpsc::unbounded_channel();
        let thread = std::thread::spawn(move || keep(backend, writer, &clock, waiting));
        (Self { orders }, JournalThread(thread))
    }

    /// Writes a record; when it returns, the record survives a crash.
    ///
    /// # Errors
    ///
    /// Returns [`JournalError`] when it is not durable.
    pub async fn write(&self, record: Record) -> Result<Serial, JournalError> {
        let (durable, done) = oneshot::channel();
        self.orders.send(Order { record, durable }).map_err(|_| JournalError::Closed)?;
        done.await.map_err(|_| JournalError::Closed)?
    }

    /// Makes an intent durable.
    ///
    /// # Errors
    ///
    /// Returns [`JournalError`] when it is not durable: then nothing may be sent.
    pub async fn intend(&self, intent: IntentRecord) -> Result<Intent, JournalError> {
        self.write(Record::Intent(intent)).await.map(|serial| Intent { serial })
    }
}

impl Intent {
    /// Makes the outcome durable. Takes `self`, so that one intent cannot be settled twice.
    ///
    /// # Errors
    ///
    /// Returns [`JournalError`] when it is not durable: then the batch is in doubt for the next run.
    pub async fn settle(self, journal: &Journal, outcome: Outcome) -> Result<(), JournalError> {
        journal.write(Record::Outcome { intent: self.serial, outcome }).await.map(drop)
    }
}

fn keep(
    mut backend: Box<dyn Backend>,
    mut writer: Writer,
    clock: &Clock,
    mut waiting: mpsc::UnboundedReceiver<Order>,
) -> (Serial, Chain) {
    let mut durable_up_to = (writer.serial(), writer.chain());
    let mut failure: Option<JournalError> = None;
    let mut group: Vec<Order> = Vec::new();
    while waiting.blocking_recv_many(&mut group, GROUP_MAX) > 0 {
        let now = clock();
        let mut lines = Vec::with_capacity(group.len());
        let mut answers = Vec::with_capacity(group.len());
        for order in group.drain(..) {
            if failure.is_none() {
                let (serial, line) = writer.encode(now, order.record);
                lines.push((serial, line));
                answers.push((order.durable, serial));
            } else {
                answers.push((order.durable, Serial::default()));
            }
        }
        if failure.is_none() {
            match backend.append(lines, writer.chain()) {
                Ok(()) => durable_up_to = (writer.serial(), writer.chain()),
                Err(error) => failure = Some(JournalError::State(Arc::new(error))),
            }
        }
        for (durable, serial) in answers {
            // Nobody listening means that the run was torn down; the record is durable all the same.
            drop(durable.send(failure.clone().map_or(Ok(serial), Err)));
        }
    }
    durable_up_to
}
