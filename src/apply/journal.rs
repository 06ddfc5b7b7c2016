//! The only writer of a ledger while `apply` runs.
//!
//! Everything goes through one thread that appends whatever waits, in one durable step: many batches in
//! flight share the cost of one disk sync and of one wake-up each way, and no request leaves and no success is told
//! before it. Does not know what is written.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::error::Error;
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use tokio::sync::{mpsc, oneshot};

use crate::apply::crash;
use crate::apply::{Break, Step};
use crate::ledger::{Chain, Record, Serial, Writer};
use crate::state::{self, Lease, StateError};

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// Bytes of records that make one durable step, though more wait; a longer record makes one of its own.
const GROUP_BYTES_MAX: usize = 1 << 20;

/// Why a record is not durable.
#[derive(Clone, Debug, thiserror::Error)]
pub enum JournalError {
    /// The store refused, now or for an earlier record; nothing is written after that.
    #[error("the ledger could not be written: {}", reasons(.0))]
    State(Arc<StateError>),
    /// The journal was closed before.
    #[error("the ledger was closed before the record could be written")]
    Closed,
}

/// Says why a store refused, and why that was.
fn reasons(error: &StateError) -> String {
    let (mut reasons, mut cause) = (error.to_string(), error.source());
    while let Some(error) = cause {
        reasons = format!("{reasons}: {error}");
        cause = error.source();
    }
    reasons
}

/// What is put on record by a record of its own, and given back with the answer.
pub trait Entry: Send + 'static {
    /// Returns the record. Asked for on the journal's thread.
    fn record(&self) -> Cow<'_, Record>;
}

/// The proof that an entry is durable. Only the journal makes one, and one for each.
#[derive(Debug)]
pub(super) struct Durable {
    serial: Serial,
    at: DateTime<Utc>,
}

impl Durable {
    /// Returns the record's place.
    pub(super) fn serial(&self) -> Serial {
        self.serial
    }

    /// Returns the record's time.
    pub(super) fn at(&self) -> DateTime<Utc> {
        self.at
    }
}

/// What became of an entry. If it is not durable, none after it will be.
pub(super) type Answer<E> = (E, Result<Durable, JournalError>);

enum Order<E> {
    /// Somebody waits for it alone.
    Write(Box<Record>, oneshot::Sender<Result<Serial, JournalError>>),
    /// It is answered together with others.
    Entry(E),
}

impl<E: Entry> Order<E> {
    fn record(&self) -> Cow<'_, Record> {
        match self {
            Self::Write(record, _) => Cow::Borrowed(record),
            Self::Entry(entry) => entry.record(),
        }
    }
}

/// The way to the journal's thread, and back: orders leave together, and come back together.
pub struct Journal<E> {
    orders: mpsc::UnboundedSender<Vec<Order<E>>>,
    answers: mpsc::UnboundedReceiver<(Vec<Answer<E>>, Duration)>,
    /// Orders that did not leave yet.
    gathered: Vec<Order<E>>,
    /// Orders whose answers are still to come.
    open: usize,
    /// When what is written now was begun, or the step before it was over.
    writing_since: Option<Instant>,
    clock: Clock,
    lease: Arc<Lease>,
    break_after: Arc<OnceLock<Break>>,
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

impl<E: Entry> Journal<E> {
    /// Starts the journal's thread on a ledger.
    ///
    /// # Panics
    ///
    /// Panics where the system has no room for one more thread.
    pub fn start(store: Box<dyn state::Writer>, writer: Writer, clock: Clock) -> (Self, JournalThread) {
        let (orders, waiting) = mpsc::unbounded_channel();
        let (done, answers) = mpsc::unbounded_channel();
        let (lease, break_after) = (store.lease(), Arc::<OnceLock<Break>>::default());
        let keeper = Keeper {
            store,
            writer,
            clock: Arc::clone(&clock),
            done,
            failure: None,
            break_after: Arc::clone(&break_after),
        };
        let thread = std::thread::Builder::new().name("journal".to_owned());
        let thread = thread.spawn(move || keeper.keep(waiting)).expect("a thread can be started");
        let gathered = Vec::new();
        (
            Self { orders, answers, gathered, open: 0, writing_since: None, clock, lease, break_after },
            JournalThread(thread),
        )
    }

    /// Writes a record; when it returns, the record survives a crash.
    ///
    /// # Errors
    ///
    /// Returns [`JournalError`] when it is not durable.
    pub async fn write(&mut self, record: Record) -> Result<Serial, JournalError> {
        let (durable, done) = oneshot::channel();
        self.gathered.push(Order::Write(Box::new(record), durable));
        self.leave();
        let done = done.await;
        self.writing_since = self.is_writing().then(Instant::now);
        done.map_err(|_| JournalError::Closed)?
    }

    /// Returns the clock that dates what is written.
    pub(super) fn clock(&self) -> Clock {
        Arc::clone(&self.clock)
    }

    /// Returns the hold on the ledger.
    pub(super) fn lease(&self) -> Arc<Lease> {
        Arc::clone(&self.lease)
    }

    /// Says where a test wants the process to die, or to stand still.
    pub(super) fn break_after(&self, wanted: Option<Break>) {
        if let Some(wanted) = wanted {
            self.break_after.get_or_init(|| wanted);
        }
    }

    /// Orders an entry to be made durable.
    pub(super) fn order(&mut self, entry: E) {
        self.open += 1;
        self.gathered.push(Order::Entry(entry));
    }

    /// Sends off what was ordered, together.
    pub(super) fn leave(&mut self) {
        if !self.gathered.is_empty() {
            self.writing_since.get_or_insert_with(Instant::now);
            // A thread that is gone is noticed where its answers are waited for.
            drop(self.orders.send(std::mem::take(&mut self.gathered)));
        }
    }

    /// Returns how many orders did not leave yet.
    pub(super) fn gathered(&self) -> usize {
        self.gathered.len()
    }

    /// Whether orders left that were not answered yet.
    pub(super) fn is_writing(&self) -> bool {
        self.open > self.gathered.len()
    }

    /// Returns since when the store is asked to keep what left.
    pub(super) fn writing_since(&self) -> Option<Instant> {
        self.writing_since
    }

    /// Whether answers are to come.
    pub(super) fn is_open(&self) -> bool {
        self.open > 0
    }

    /// Waits for answers, and returns those of one durable step, with how long it took. Loses none when it is not waited for to
    /// the end.
    ///
    /// # Panics
    ///
    /// Panics if the journal's thread did.
    pub(super) async fn answers(&mut self) -> (Vec<Answer<E>>, Duration) {
        let (answers, took) = self.answers.recv().await.expect("the journal's thread does not panic");
        self.open -= answers.len();
        self.writing_since = self.is_writing().then(Instant::now);
        (answers, took)
    }
}

/// Keeps the ledger, on a thread of its own.
struct Keeper<E> {
    store: Box<dyn state::Writer>,
    writer: Writer,
    clock: Clock,
    done: mpsc::UnboundedSender<(Vec<Answer<E>>, Duration)>,
    failure: Option<JournalError>,
    break_after: Arc<OnceLock<Break>>,
}

impl<E: Entry> Keeper<E> {
    fn keep(mut self, mut waiting: mpsc::UnboundedReceiver<Vec<Order<E>>>) -> (Serial, Chain) {
        let mut durable_up_to = (self.writer.serial(), self.writer.chain());
        let mut ordered: VecDeque<Order<E>> = VecDeque::new();
        loop {
            if ordered.is_empty() {
                let Some(orders) = waiting.blocking_recv() else { return durable_up_to };
                ordered.extend(orders);
            }
            while let Ok(more) = waiting.try_recv() {
                ordered.extend(more);
            }
            let (now, began) = ((self.clock)(), Instant::now());
            let first = self.writer.serial().next();
            let group = if self.failure.is_none() {
                let lines = self.encode(now, &ordered);
                let group = lines.len();
                match self.append(durable_up_to.0, lines) {
                    Ok(()) => durable_up_to = (self.writer.serial(), self.writer.chain()),
                    Err(error) => self.failure = Some(JournalError::State(Arc::new(error))),
                }
                group
            } else {
                ordered.len()
            };
            let orders = ordered.drain(..group).zip((first.0..).map(Serial));
            let answers: Vec<_> =
                orders.filter_map(|order| answer(order, now, self.failure.as_ref())).collect();
            if !answers.is_empty() {
                // Nobody listening means that the run was torn down; the records are durable all the same.
                drop(self.done.send((answers, began.elapsed())));
            }
        }
    }

    /// Encodes the records of one durable step, the first of those that wait.
    fn encode(&mut self, now: DateTime<Utc>, ordered: &VecDeque<Order<E>>) -> Vec<(Serial, Vec<u8>)> {
        let (mut lines, mut bytes) = (Vec::with_capacity(ordered.len()), 0);
        for order in ordered {
            if bytes >= GROUP_BYTES_MAX {
                break;
            }
            let (serial, line) = self.writer.encode(now, &order.record());
            bytes += line.len();
            lines.push((serial, line));
        }
        lines
    }

    fn append(&mut self, after: Serial, lines: Vec<(Serial, Vec<u8>)>) -> Result<(), StateError> {
        self.store.lease().prove()?;
        crash::after(Step::Appending, self.break_after.get().copied());
        self.store.append(after, lines, self.writer.chain())
    }
}

/// Answers an order whose durable step is over; nothing for one that was answered to somebody else.
fn answer<E>(
    (order, serial): (Order<E>, Serial),
    at: DateTime<Utc>,
    failure: Option<&JournalError>,
) -> Option<Answer<E>> {
    match order {
        Order::Write(_, durable) => {
            // Nobody listening means that the run was torn down.
            drop(durable.send(failure.cloned().map_or(Ok(serial), Err)));
            None
        }
        Order::Entry(entry) => Some((entry, failure.cloned().map_or(Ok(Durable { serial, at }), Err))),
    }
}
