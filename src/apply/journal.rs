//! The only writer of a ledger while `apply` runs.
//!
//! Everything goes through one thread that appends whatever waits, in one durable step: many batches in
//! flight share the cost of one disk sync and of one wake-up each way, and no request leaves and no success is told
//! before it.

use std::error::Error;
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;

use chrono::{DateTime, Utc};
use tokio::sync::{mpsc, oneshot};

use crate::apply::crash;
use crate::apply::intent::{Clock, Intent};
use crate::apply::send::{Batch, Concluded};
use crate::apply::{Break, Step};
use crate::ledger::{Chain, IntentRecord, Outcome, Record, Serial, Writer};
use crate::state::{self, Lease, StateError};

/// So many records make one durable step, though more wait.
const GROUP_MAX: usize = 256;

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

/// What a record is written for, given back with its answer.
pub(super) enum Parcel {
    /// Somebody waits for it alone.
    Write(oneshot::Sender<Result<Serial, JournalError>>),
    /// A campaign's content; the number is the caller's.
    Content(usize),
    /// The intent of a batch.
    Intent(Box<Batch>),
    /// What came of a batch.
    Outcome(Box<Concluded>),
}

/// What became of a record.
pub(super) enum Answer {
    /// A campaign's content is durable.
    Submitted(usize),
    /// An intent is durable: the batch may be sent.
    Intended(Box<Batch>, Intent),
    /// What came of a batch is durable.
    Settled(Box<Concluded>),
    /// The record is not durable, nor will be any after it.
    Unwritten(Parcel, JournalError),
}

struct Order {
    record: Record,
    parcel: Parcel,
}

/// The way to the journal's thread, and back: orders leave together, and come back together.
pub struct Journal {
    orders: mpsc::UnboundedSender<Vec<Order>>,
    answers: mpsc::UnboundedReceiver<Vec<Answer>>,
    /// Orders that did not leave yet.
    gathered: Vec<Order>,
    /// Orders whose answers are still to come.
    open: usize,
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

impl Journal {
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
        (Self { orders, answers, gathered, open: 0, clock, lease, break_after }, JournalThread(thread))
    }

    /// Writes a record; when it returns, the record survives a crash.
    ///
    /// # Errors
    ///
    /// Returns [`JournalError`] when it is not durable.
    pub async fn write(&mut self, record: Record) -> Result<Serial, JournalError> {
        let (durable, done) = oneshot::channel();
        self.gathered.push(Order { record, parcel: Parcel::Write(durable) });
        self.leave();
        done.await.map_err(|_| JournalError::Closed)?
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

    /// Orders a campaign's content to be made durable.
    pub(super) fn submit(&mut self, record: Record, place: usize) {
        self.order(record, Parcel::Content(place));
    }

    /// Orders an intent to be made durable.
    pub(super) fn intend(&mut self, intent: IntentRecord, batch: Box<Batch>) {
        self.order(Record::Intent(intent), Parcel::Intent(batch));
    }

    /// Orders what came of a batch to be made durable. Takes its intent, so that one cannot be settled twice.
    #[expect(clippy::needless_pass_by_value, reason = "an intent that is settled is no more")]
    pub(super) fn settle(&mut self, intent: Intent, outcome: Outcome, concluded: Box<Concluded>) {
        self.order(Record::Outcome { intent: intent.serial, outcome }, Parcel::Outcome(concluded));
    }

    fn order(&mut self, record: Record, parcel: Parcel) {
        self.open += 1;
        self.gathered.push(Order { record, parcel });
    }

    /// Sends off what was ordered, together.
    pub(super) fn leave(&mut self) {
        if !self.gathered.is_empty() {
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

    /// Whether answers are to come.
    pub(super) fn is_open(&self) -> bool {
        self.open > 0
    }

    /// Waits for answers, and returns those of one durable step. Loses none when it is not waited for to the end.
    ///
    /// # Panics
    ///
    /// Panics if the journal's thread did.
    pub(super) async fn answers(&mut self) -> Vec<Answer> {
        let answers = self.answers.recv().await.expect("the journal's thread does not panic");
        self.open -= answers.len();
        answers
    }
}

/// Things of records, each with its record's place.
type Numbered<T> = Vec<(Serial, T)>;

/// Keeps the ledger, on a thread of its own.
struct Keeper {
    store: Box<dyn state::Writer>,
    writer: Writer,
    clock: Clock,
    done: mpsc::UnboundedSender<Vec<Answer>>,
    failure: Option<JournalError>,
    break_after: Arc<OnceLock<Break>>,
}

impl Keeper {
    fn keep(mut self, mut waiting: mpsc::UnboundedReceiver<Vec<Order>>) -> (Serial, Chain) {
        let mut durable_up_to = (self.writer.serial(), self.writer.chain());
        let mut group: Vec<Order> = Vec::new();
        while let Some(orders) = waiting.blocking_recv() {
            group.extend(orders);
            while group.len() < GROUP_MAX
                && let Ok(more) = waiting.try_recv()
            {
                group.extend(more);
            }
            let now = (self.clock)();
            let (lines, parcels) = self.encode(&mut group, now);
            if self.failure.is_none() {
                match self.append(durable_up_to.0, lines) {
                    Ok(()) => durable_up_to = (self.writer.serial(), self.writer.chain()),
                    Err(error) => self.failure = Some(JournalError::State(Arc::new(error))),
                }
            }
            let answers: Vec<_> = parcels.into_iter().filter_map(|parcel| self.answer(parcel, now)).collect();
            if !answers.is_empty() {
                // Nobody listening means that the run was torn down; the records are durable all the same.
                drop(self.done.send(answers));
            }
        }
        durable_up_to
    }

    fn append(&mut self, after: Serial, lines: Numbered<Vec<u8>>) -> Result<(), StateError> {
        self.store.lease().prove()?;
        crash::after(Step::Appending, self.break_after.get().copied());
        self.store.append(after, lines, self.writer.chain())
    }

    fn encode(
        &mut self,
        group: &mut Vec<Order>,
        now: DateTime<Utc>,
    ) -> (Numbered<Vec<u8>>, Numbered<Parcel>) {
        let (mut lines, mut parcels) = (Vec::with_capacity(group.len()), Vec::with_capacity(group.len()));
        for Order { record, parcel } in group.drain(..) {
            let mut serial = Serial::default();
            if self.failure.is_none() {
                let (place, line) = self.writer.encode(now, &record);
                lines.push((place, line));
                serial = place;
            }
            parcels.push((serial, parcel));
        }
        (lines, parcels)
    }

    /// Answers a record whose durable step is over; nothing for one that was answered to somebody else.
    fn answer(&self, (serial, parcel): (Serial, Parcel), at: DateTime<Utc>) -> Option<Answer> {
        Some(match (parcel, &self.failure) {
            (Parcel::Write(durable), failure) => {
                // Nobody listening means that the run was torn down.
                drop(durable.send(failure.clone().map_or(Ok(serial), Err)));
                return None;
            }
            (parcel, Some(failure)) => Answer::Unwritten(parcel, failure.clone()),
            (Parcel::Content(place), None) => Answer::Submitted(place),
            (Parcel::Intent(batch), None) => Answer::Intended(batch, Intent { serial, at }),
            (Parcel::Outcome(concluded), None) => Answer::Settled(concluded),
        })
    }
}
