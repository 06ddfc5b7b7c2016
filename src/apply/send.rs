//! Sends one batch, once: waits for its turn, hands it to the vendor, and learns from what came of it.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::mpsc;
use tokio::time::Instant;
use uuid::Uuid;

use crate::apply::circuit_breaker::CircuitBreaker;
use crate::apply::journal::Clock;
use crate::apply::pace::{Pace, Turn};
use crate::apply::report::Progress;
use crate::apply::stage::{InFlight, Intended, Settled};
use crate::apply::stop::Stop;
use crate::apply::{Options, Step, crash};
use crate::domain::Environment;
use crate::mpaas::{self, Delivered, Gate, Outcome, Prepared, Provisional, RejectClass};
use crate::state::Lease;

/// How long after its intent a request may leave. Later, as after a long pause or a machine that slept, it gets an intent
/// anew: what a batch in doubt may have become is counted from its intent.
pub(super) const DEPARTURE_MAX: TimeDelta = TimeDelta::minutes(2);

/// What carries a request to the vendor and says what came of it.
pub trait Deliver: Send + Sync + 'static {
    /// Sends a request once, signed with `nonce`, as soon as `gate` lets it. Returns nothing if the gate never did: then
    /// nothing left.
    fn deliver(
        &self,
        request: &Prepared,
        nonce: &str,
        gate: &impl Gate,
    ) -> impl Future<Output = Option<Delivered>> + Send;

    /// Hears that no request follows soon, so that what came of those before becomes final.
    fn hang_up(&self) {}
}

impl Deliver for mpaas::Client {
    async fn deliver(&self, request: &Prepared, nonce: &str, gate: &impl Gate) -> Option<Delivered> {
        self.send_through(request, nonce, gate).await
    }

    fn hang_up(&self) {
        Self::hang_up(self);
    }
}

/// What all batches of an apply share.
pub(super) struct Context<D> {
    pub(super) environment: Environment,
    pub(super) deliver: D,
    pub(super) options: Options,
    pub(super) pace: Pace,
    pub(super) clock: Clock,
    /// The hold on the ledger, without which nothing leaves.
    pub(super) lease: Arc<Lease>,
    /// Batches that have their turn, and whose request has not begun.
    pub(super) starting: AtomicUsize,
    pub(super) ready: Mutex<Ready>,
    /// Where batches go whose request is over.
    pub(super) settled: mpsc::UnboundedSender<Settled>,
    pub(super) breaker: CircuitBreaker,
    pub(super) progress: Arc<Progress>,
}

/// Batches that may leave, and those that did.
#[derive(Default)]
pub(super) struct Ready {
    pub(super) queue: VecDeque<Intended>,
    /// How many left and are not back yet.
    pub(super) in_flight: usize,
    /// How many left since that was asked last.
    begun: u32,
    /// How many came back since then, and how long they took in all.
    landed: u32,
    flown: Duration,
}

/// What left since that was asked last, and how long one takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Traffic {
    pub(super) begun: u32,
    /// On average, of those that came back; nothing if none did.
    pub(super) flight: Option<Duration>,
}

impl<D> Context<D> {
    pub(super) fn ready(&self) -> MutexGuard<'_, Ready> {
        self.ready.lock().expect("no holder of this lock panics")
    }

    /// Returns what left since the last call.
    pub(super) fn take_traffic(&self) -> Traffic {
        let mut ready = self.ready();
        let (begun, landed) = (std::mem::take(&mut ready.begun), std::mem::take(&mut ready.landed));
        let flight = std::mem::take(&mut ready.flown).checked_div(landed);
        Traffic { begun, flight }
    }

    /// Counts a flight that is over.
    fn land(&self, took: Duration) {
        let mut ready = self.ready();
        ready.landed += 1;
        ready.flown += took;
    }

    /// Lets the next batch leave that may now; if it is only a matter of time, returns when one may.
    pub(super) fn depart(&self) -> Result<Option<InFlight>, Instant> {
        let mut ready = self.ready();
        if ready.queue.is_empty() || self.breaker.is_tripped() {
            return Ok(None);
        }
        self.pace.beat(self.starting.load(Ordering::Relaxed))?;
        self.starting.fetch_add(1, Ordering::Relaxed);
        ready.begun += 1;
        ready.in_flight += 1;
        Ok(ready.queue.pop_front().map(Intended::depart))
    }
}

/// Carries one batch after the other to the vendor, as long as one may leave when the one before is back.
pub(super) async fn worker<D: Deliver>(context: Arc<Context<D>>, batch: InFlight) {
    // Waited for once and for all batches: after it, none leaves.
    let mut abandoned = pin!(context.breaker.abandoned());
    let mut next = Some(batch);
    while let Some(batch) = next {
        let began = Instant::now();
        let (settled, provisional) = send_one(&context, batch, abandoned.as_mut()).await;
        context.land(began.elapsed());
        next = context.depart().unwrap_or_default();
        hand_in(&context.settled, settled, provisional);
    }
}

/// Hands in a batch whose request is over, once what came of it is final.
fn hand_in(
    settled_to: &mpsc::UnboundedSender<Settled>,
    mut settled: Settled,
    provisional: Option<Provisional>,
) {
    // Nobody takes it any more where the apply was torn down: then it is in doubt, as after a crash.
    let Some(provisional) = provisional else { return drop(settled_to.send(settled)) };
    let settled_to = settled_to.clone();
    provisional.then(move |end| {
        if let Err(why) = end {
            settled.doubt(why);
        }
        drop(settled_to.send(settled));
    });
}

/// Carries a batch to the vendor: waits for its turn, and for the reply.
async fn send_one<D: Deliver>(
    context: &Context<D>,
    batch: InFlight,
    abandoned: Pin<&mut impl Future<Output = ()>>,
) -> (Settled, Option<Provisional>) {
    crash::after(Step::IntentDurable, context.options.break_after);
    let start = Start {
        context,
        lapses_at: batch.cut().about.ends_at(),
        intended_at: batch.intended_at(),
        turn: Mutex::new(None),
        is_throttled: AtomicBool::new(false),
    };
    let (mut nonce, request) = (Uuid::encode_buffer(), &batch.cut().request);
    let nonce = batch.nonce().hyphenated().encode_lower(&mut nonce);
    let delivered = tokio::select! {
        biased;
        delivered = context.deliver.deliver(request, nonce, &start) => delivered,
        () = abandoned => start.turn().map(|_| given_up().into()),
    };
    match start.turn() {
        Some(turn) => context.pace.arrive(turn),
        None => drop(context.starting.fetch_sub(1, Ordering::Relaxed)),
    }
    let (outcome, provisional) = match delivered {
        Some(Delivered { outcome, provisional }) => (Some(outcome), provisional),
        None => (None, None),
    };
    if let Some(outcome) = &outcome {
        learn(&start, outcome);
    }
    (batch.settle(outcome), provisional)
}

/// Lets the pace and the circuit breaker learn from what came of a request.
fn learn<D>(start: &Start<'_, D>, outcome: &Outcome) {
    let Context { pace, breaker, .. } = start.context;
    match (outcome, start.turn()) {
        (Outcome::Rejected { class: RejectClass::Throttled, retry_after, .. }, _) => {
            breaker.count_connection();
            start.throttle(*retry_after);
        }
        (Outcome::Rejected { class: RejectClass::Unreachable(cause), message, .. }, turn) => {
            if pace.pause(turn) {
                breaker.count_connection_failure(*cause, message);
            }
        }
        (Outcome::Accepted { .. } | Outcome::Rejected { .. }, Some(turn)) => {
            breaker.count_connection();
            pace.answer(turn);
        }
        (_, _) => breaker.count_connection(),
    }
}

/// The gate of one request: its turn, unless the apply is stopped before, its time has come, its intent is too old, or the
/// ledger is another run's by now.
struct Start<'a, D> {
    context: &'a Context<D>,
    lapses_at: Option<DateTime<Utc>>,
    intended_at: DateTime<Utc>,
    turn: Mutex<Option<Turn>>,
    /// Whether the pace knows that it was refused because of load.
    is_throttled: AtomicBool,
}

impl<D> Start<'_, D> {
    /// Makes everything wait, once for this request.
    fn throttle(&self, asked: Option<Duration>) {
        if !self.is_throttled.swap(true, Ordering::Relaxed) {
            self.context.pace.throttle(self.turn(), asked);
        }
    }

    /// Returns when the request began, if it did.
    fn turn(&self) -> Option<Turn> {
        *self.turn.lock().expect("no holder of this lock panics")
    }
}

impl<D: Deliver> Gate for Start<'_, D> {
    async fn pass(&self) -> Option<DateTime<Utc>> {
        let before = self.turn();
        if let Some(turn) = before {
            // It had its turn, and could not be written.
            self.context.pace.arrive(turn);
        }
        if self.context.breaker.is_tripped() {
            return None;
        }
        let turn = if let Some(turn) = self.context.pace.begin_now() {
            turn
        } else {
            tokio::select! {
                biased;
                () = self.context.breaker.tripped() => return None,
                turn = self.context.pace.begin() => turn,
            }
        };
        if let Err(error) = self.context.lease.prove() {
            self.context.breaker.trip(Stop::from(Arc::new(error)));
            self.context.pace.arrive(turn);
            return None;
        }
        let now = (self.context.clock)();
        let has_lapsed = self.lapses_at.is_some_and(|at| at <= now);
        if has_lapsed || (now - self.intended_at).abs() > DEPARTURE_MAX {
            self.context.pace.arrive(turn);
            return None;
        }
        if before.is_none() {
            self.context.starting.fetch_sub(1, Ordering::Relaxed);
        }
        *self.turn.lock().expect("no holder of this lock panics") = Some(turn);
        crash::after(Step::RequestBegins, self.context.options.break_after);
        Some(now)
    }

    fn throttled(&self, asked: Option<Duration>) {
        if let Some(turn) = self.turn() {
            self.context.pace.arrive(turn);
        }
        self.throttle(asked);
    }
}

/// What is on record of a request whose reply nobody waited for.
fn given_up() -> Outcome {
    let why = "the run was interrupted before a reply came".to_owned();
    Outcome::Unknown { why, code: None, request_id: None }
}
