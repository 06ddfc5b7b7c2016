//! Sends one batch, once: waits for its turn, hands it to the vendor, and words what came of it.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::apply::batch::Addressees;
use crate::apply::circuit_breaker::CircuitBreaker;
use crate::apply::intent::{Clock, Intent};
use crate::apply::pace::{Pace, Turn};
use crate::apply::report::Progress;
use crate::apply::stop::Stop;
use crate::apply::{Options, Step, crash};
use crate::domain::{Environment, ProjectName, TargetHash};
use crate::ledger::{IntentRecord, Outcome};
use crate::mpaas::{self, Delivered, Gate, NoConnection, Prepared, Provisional, RejectClass};
use crate::plan::PlannedPush;
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
    pub(super) project: ProjectName,
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
    pub(super) completed: mpsc::UnboundedSender<Completed>,
    pub(super) breaker: CircuitBreaker,
    pub(super) progress: Arc<Progress>,
}

/// Batches that may leave: their intents are durable.
#[derive(Default)]
pub(super) struct Ready {
    pub(super) queue: VecDeque<(Box<Batch>, Intent)>,
    /// How many were taken out of the queue, ever.
    pub(super) taken: u64,
}

impl<D> Context<D> {
    pub(super) fn ready(&self) -> MutexGuard<'_, Ready> {
        self.ready.lock().expect("no holder of this lock panics")
    }

    /// Takes the next batch that may leave now; if it is only a matter of time, returns when one may.
    pub(super) fn take(&self) -> Result<Option<(Box<Batch>, Intent)>, Instant> {
        let mut ready = self.ready();
        if ready.queue.is_empty() || self.breaker.is_tripped() {
            return Ok(None);
        }
        self.pace.beat(self.starting.load(Ordering::Relaxed))?;
        self.starting.fetch_add(1, Ordering::Relaxed);
        ready.taken += 1;
        Ok(ready.queue.pop_front())
    }
}

/// One batch, ready to be sent.
pub(super) struct Batch {
    /// The planned push's place in the plan.
    pub(super) push: usize,
    pub(super) number: u32,
    pub(super) targets: Vec<TargetHash>,
    pub(super) task_name: String,
    pub(super) request: Prepared,
    /// From when on nothing of its campaign can be submitted any more.
    pub(super) lapses_at: Option<DateTime<Utc>>,
    /// Signs its next request; drawn for each.
    pub(super) nonce: String,
    /// How often it was throttled.
    pub(super) throttled: usize,
    /// How often no connection came about for it.
    pub(super) unreachable: usize,
    /// Why it was rejected the last time, if it was.
    pub(super) refused: Option<Box<Settled>>,
}

/// A batch whose request is over, or never began.
pub(super) struct Completed {
    pub(super) batch: Box<Batch>,
    pub(super) intent: Intent,
    /// What came of it; nothing if it was held back.
    pub(super) outcome: Option<mpaas::Outcome>,
}

/// A batch with what became of it, on its way into the ledger.
pub(super) struct Concluded {
    pub(super) batch: Box<Batch>,
    pub(super) settled: Settled,
}

/// What became of a batch.
pub(super) enum Settled {
    Accepted,
    Rejected {
        class: RejectClass,
        code: String,
        message: String,
        request_id: Option<String>,
    },
    Unknown {
        why: String,
        request_id: Option<String>,
    },
    /// No connection came about: nothing of its request left.
    Unreachable {
        cause: NoConnection,
        why: String,
    },
    /// The apply was stopped before its request left.
    NotAttempted,
}

/// Makes a batch of those who were cut off an audience; `place` is the push's in the plan, `number` the batch's.
pub(super) fn batch<D>(
    context: &Context<D>,
    push: &PlannedPush,
    (place, number): (usize, u32),
    addressees: &Addressees,
) -> Batch {
    let (project, environment) = (&context.project, &context.environment);
    let call = mpaas::Push { project, environment, campaign: &push.campaign, call: push.call };
    let task_name = call.task_name(push.requests, number);
    let request = match addressees {
        Addressees::Targets(kind, targets) => {
            call.to_targets(*kind, targets.iter().map(|(addressee, _)| addressee), &task_name)
        }
        Addressees::Broadcast(broadcast, _) => call.to_everyone(broadcast, &task_name),
    };
    Batch {
        push: place,
        number,
        targets: addressees.hashes(),
        task_name,
        request: request.into(),
        lapses_at: push.lapses_at,
        nonce: String::new(),
        throttled: 0,
        unreachable: 0,
        refused: None,
    }
}

/// Carries one batch after the other to the vendor, as long as one may leave when the one before is back.
pub(super) async fn worker<D: Deliver>(context: Arc<Context<D>>, batch: Box<Batch>, intent: Intent) {
    // Waited for once and for all batches: after it, none is taken.
    let mut abandoned = pin!(context.breaker.abandoned());
    let mut next = Some((batch, intent));
    while let Some((batch, intent)) = next {
        let (completed, provisional) = send_one(&context, batch, intent, abandoned.as_mut()).await;
        next = context.take().unwrap_or_default();
        hand_in(&context.completed, completed, provisional);
    }
}

/// Hands in a batch whose request is over, once what came of it is final.
fn hand_in(
    completed_to: &mpsc::UnboundedSender<Completed>,
    mut completed: Completed,
    provisional: Option<Provisional>,
) {
    // Nobody takes it any more where the apply was torn down: then it is in doubt, as after a crash.
    let Some(provisional) = provisional else { return drop(completed_to.send(completed)) };
    let completed_to = completed_to.clone();
    provisional.then(move |end| {
        if let Err(why) = end {
            completed.outcome = completed.outcome.map(|outcome| outcome.doubted(why));
        }
        drop(completed_to.send(completed));
    });
}

/// Carries a batch to the vendor: waits for its turn, and for the reply.
async fn send_one<D: Deliver>(
    context: &Context<D>,
    batch: Box<Batch>,
    intent: Intent,
    abandoned: Pin<&mut impl Future<Output = ()>>,
) -> (Completed, Option<Provisional>) {
    crash::after(Step::IntentDurable, context.options.break_after);
    let start = Start {
        context,
        lapses_at: batch.lapses_at,
        intended_at: intent.at,
        turn: Mutex::new(None),
        is_throttled: AtomicBool::new(false),
    };
    let delivered = tokio::select! {
        biased;
        delivered = context.deliver.deliver(&batch.request, &batch.nonce, &start) => delivered,
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
    (Completed { batch, intent, outcome }, provisional)
}

/// Lets the pace and the circuit breaker learn from what came of a request.
fn learn<D>(start: &Start<'_, D>, outcome: &mpaas::Outcome) {
    let Context { pace, breaker, .. } = start.context;
    match (outcome, start.turn()) {
        (mpaas::Outcome::Rejected { class: RejectClass::Throttled, retry_after, .. }, _) => {
            breaker.count_connection();
            start.throttle(*retry_after);
        }
        (mpaas::Outcome::Rejected { class: RejectClass::Unreachable(cause), message, .. }, turn) => {
            if pace.pause(turn) {
                breaker.count_connection_failure(*cause, message);
            }
        }
        (mpaas::Outcome::Accepted { .. } | mpaas::Outcome::Rejected { .. }, Some(turn)) => {
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
        let turn = match self.context.pace.begin_now() {
            Some(turn) => turn,
            None => tokio::select! {
                biased;
                () = self.context.breaker.tripped() => return None,
                turn = self.context.pace.begin() => turn,
            },
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
fn given_up() -> mpaas::Outcome {
    let why = "the run was interrupted before a reply came".to_owned();
    mpaas::Outcome::Unknown { why, code: None, request_id: None }
}

/// Returns the record of a batch that is about to be sent.
pub(super) fn intent(options: &Options, push: &PlannedPush, batch: &Batch) -> IntentRecord {
    IntentRecord {
        run: options.run.clone(),
        campaign: push.campaign.id.clone(),
        revision: push.campaign.revision,
        batch: batch.number,
        call: push.call,
        task_name: batch.task_name.clone(),
        nonce: batch.nonce.clone(),
        request: Some(batch.request.digest.clone()),
        over_at: push.campaign.schedule.over_at(),
        targets: batch.targets.clone(),
    }
}

/// Returns what is put on record of an outcome, and what is told of it. No outcome means that the request was held back.
pub(super) fn settled(outcome: Option<mpaas::Outcome>) -> (Outcome, Settled) {
    match outcome {
        None => {
            let message = "the request was held back: nothing left".to_owned();
            let record = Outcome::Rejected { code: Outcome::NOT_SENT.to_owned(), message, request_id: None };
            (record, Settled::NotAttempted)
        }
        Some(mpaas::Outcome::Rejected { class: RejectClass::Unreachable(cause), message, .. }) => {
            let code = Outcome::NOT_SENT.to_owned();
            let record = Outcome::Rejected { code, message: message.clone(), request_id: None };
            (record, Settled::Unreachable { cause, why: message })
        }
        Some(mpaas::Outcome::Accepted { request_id, task_id }) => {
            (Outcome::Accepted { request_id, task_id }, Settled::Accepted)
        }
        Some(mpaas::Outcome::Rejected { class, code, message, request_id, .. }) => (
            Outcome::Rejected {
                code: code.clone(),
                message: message.clone(),
                request_id: request_id.clone(),
            },
            Settled::Rejected { class, code, message, request_id },
        ),
        Some(mpaas::Outcome::Unknown { why, code, request_id }) => (
            Outcome::Unknown { why: why.clone(), code, request_id: request_id.clone() },
            Settled::Unknown { why, request_id },
        ),
    }
}

impl Settled {
    /// What is told where it could not be put on record.
    pub(super) fn unrecorded(self) -> Self {
        let why = match self {
            Self::NotAttempted | Self::Unreachable { .. } => {
                "the request did not leave, but that could not be recorded"
            }
            Self::Accepted | Self::Rejected { .. } | Self::Unknown { .. } => {
                "the request left, but what came of it could not be recorded"
            }
        };
        Self::Unknown { why: why.to_owned(), request_id: None }
    }
}
