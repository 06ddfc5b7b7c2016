//! Sends one batch: intent, request, outcome, and again only where the vendor certainly did not take it.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use governor::DefaultDirectRateLimiter;
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::apply::batch::Addressees;
use crate::apply::crash;
use crate::apply::journal::Intent;
use crate::apply::report::Progress;
use crate::apply::stop::{Brake, Stop};
use crate::apply::{Journal, JournalError, Options, Step};
use crate::domain::{
    BATCH_TARGETS_MAX, Campaign, Environment, LedgerSalt, MessageKey, ProjectName, Recipients, TargetHash,
    TargetId,
};
use crate::ledger::{IntentRecord, Outcome};
use crate::plan::PlannedPush;
use crate::vendor::{self, RejectClass, Request};

/// Longest wait before a batch is tried again, whatever the vendor asks for.
const RETRY_DELAY_MAX: Duration = Duration::from_mins(1);

/// Code on record of a request that never left.
const NOT_SENT: &str = "NotSent";

/// How often a batch is tried again that found no connection: a host that is down stays down, mostly.
const CONNECTION_RETRIES_MAX: u32 = 2;

/// What carries a request to the vendor and says what came of it.
pub trait Deliver: Send + Sync + 'static {
    /// Sends a request once, signed with `nonce`.
    fn deliver(&self, request: &Request, nonce: &str) -> impl Future<Output = vendor::Outcome> + Send;
}

impl Deliver for vendor::Client {
    async fn deliver(&self, request: &Request, nonce: &str) -> vendor::Outcome {
        self.send(request, nonce).await
    }
}

/// What all batches of an apply share.
pub(super) struct Lane<D> {
    pub(super) project: ProjectName,
    pub(super) environment: Environment,
    pub(super) journal: Journal,
    pub(super) deliver: D,
    pub(super) options: Options,
    pub(super) limiter: DefaultDirectRateLimiter,
    /// One for each request that may be on its way at a time.
    pub(super) slots: Semaphore,
    pub(super) brake: Brake,
    pub(super) progress: Arc<Progress>,
}

/// One batch, ready to be sent.
pub(super) struct Batch {
    /// The planned push's place in the plan.
    pub(super) push: usize,
    pub(super) number: u32,
    pub(super) addressees: Addressees,
    pub(super) task_name: String,
    pub(super) request: Request,
}

/// What became of a batch in the end.
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
    /// The apply was stopped before its request left.
    NotAttempted,
    /// Its intent was not durable, so nothing left.
    Unwritten(JournalError),
}

/// Returns the task name of a batch: unique at the vendor, because that is how a task is found there.
pub(super) fn task_name(
    environment: &Environment,
    campaign: &Campaign,
    requests: u64,
    number: u32,
) -> String {
    let is_alone = number == 1 && requests == 1;
    match &campaign.task_name {
        Some(name) if is_alone => name.clone(),
        Some(name) => format!("{name}#{number}"),
        None => format!("{}/{}@{}#{number}", environment.name, campaign.id, campaign.revision),
    }
}

/// Builds the one request of a batch.
pub(super) fn request(
    project: &ProjectName,
    environment: &Environment,
    campaign: &Campaign,
    addressees: &Addressees,
    task_name: &str,
) -> Request {
    match addressees {
        Addressees::Targets(kind, targets) => {
            let key = |id| {
                let target = (*kind, id);
                MessageKey::of_target(project, &environment.name, &campaign.id, campaign.revision, target)
            };
            let targets: Vec<_> = targets.iter().map(|(id, _)| (id.clone(), key(id))).collect();
            Request::push_template(environment, campaign, task_name, &targets)
        }
        Addressees::Broadcast(broadcast, _) => {
            let (id, revision) = (&campaign.id, campaign.revision);
            let key = MessageKey::of_broadcast(project, &environment.name, id, revision, broadcast.platform);
            Request::push_broadcast(environment, campaign, broadcast, task_name, &key)
        }
    }
}

/// Returns the first request that an apply of a campaign to `ids` would send, if it were the first apply.
#[must_use]
pub fn first_request(
    project: &ProjectName,
    environment: &Environment,
    campaign: &Campaign,
    ids: &[TargetId],
    requests: u64,
) -> Request {
    let salt = LedgerSalt::new([0; 16]);
    let addressees = match campaign.recipients {
        Recipients::Targets(kind) => {
            let hashed = ids.iter().map(|id| (id.clone(), TargetHash::of(&salt, kind, id)));
            Addressees::Targets(kind, hashed.take(BATCH_TARGETS_MAX).collect())
        }
        Recipients::Broadcast(broadcast) => Addressees::Broadcast(broadcast, TargetHash::of_broadcast(&salt)),
    };
    let task_name = task_name(environment, campaign, requests, 1);
    request(project, environment, campaign, &addressees, &task_name)
}

/// Sends a batch until it is accepted, in doubt, or refused for good.
///
/// A refusal because of load, or because no connection came about, is tried again after a while: the vendor
/// took nothing. Each try has its own intent and outcome in the ledger. Doubt is never tried again.
pub(super) async fn send<D: Deliver>(lane: &Arc<Lane<D>>, push: &PlannedPush, batch: &Batch) -> Settled {
    let waiting = Arc::clone(lane);
    let mut connections_left = CONNECTION_RETRIES_MAX;
    let backoff = ExponentialBuilder::new()
        .with_min_delay(lane.options.retry_delay)
        .with_max_delay(RETRY_DELAY_MAX)
        .with_max_times(lane.options.retries_max)
        .with_jitter();
    let tried = (|| attempt(lane, push, batch))
        .retry(backoff)
        .sleep(move |delay| wait(Arc::clone(&waiting), delay))
        .when(|refusal: &Refused| {
            let is_worth_a_try = match refusal.class {
                RejectClass::Throttled => true,
                RejectClass::Unreachable => connections_left.checked_sub(1).is_some_and(|left| {
                    connections_left = left;
                    true
                }),
                RejectClass::Credentials | RejectClass::Content => false,
            };
            is_worth_a_try && !lane.brake.is_pulled()
        })
        .adjust(|refusal, delay| {
            let asked = refusal.retry_after.map(|asked| asked.min(RETRY_DELAY_MAX));
            delay.map(|delay| asked.map_or(delay, |asked| delay.max(asked)))
        })
        .await;
    match tried {
        Ok(settled) => settled,
        Err(refusal) => refusal.settled,
    }
}

/// A try that may be followed by another.
struct Refused {
    settled: Settled,
    class: RejectClass,
    retry_after: Option<Duration>,
}

async fn wait<D>(lane: Arc<Lane<D>>, delay: Duration) {
    lane.progress.begin_waiting();
    tokio::select! {
        () = tokio::time::sleep(delay) => {}
        () = lane.brake.pulled() => {}
    }
    lane.progress.end_waiting();
}

async fn attempt<D: Deliver>(lane: &Lane<D>, push: &PlannedPush, batch: &Batch) -> Result<Settled, Refused> {
    tokio::select! {
        biased;
        () = lane.brake.pulled() => return Ok(Settled::NotAttempted),
        () = lane.limiter.until_ready() => {}
    }
    let nonce = Uuid::new_v4().to_string();
    let intent = match lane.journal.intend(intent(lane, push, batch, nonce.clone())).await {
        Ok(intent) => intent,
        Err(error) => return Ok(Settled::Unwritten(error)),
    };
    crash::after(Step::IntentDurable, lane.options.crash_after);
    let slot = tokio::select! {
        biased;
        () = lane.brake.pulled() => None,
        slot = lane.slots.acquire() => slot.ok(),
    };
    let Some(slot) = slot else { return Ok(withdraw(lane, intent).await) };
    let outcome = tokio::select! {
        biased;
        outcome = lane.deliver.deliver(&batch.request, &nonce) => outcome,
        () = lane.brake.abandoned() => given_up(),
    };
    // The next request leaves while this one's outcome becomes durable.
    drop(slot);
    crash::after(Step::ReplyRead, lane.options.crash_after);
    if let Err(error) = intent.settle(&lane.journal, record(&outcome)).await {
        lane.brake.pull(Stop::Ledger(error));
        let why = "the request left, but what came of it could not be recorded".to_owned();
        return Ok(Settled::Unknown { why, request_id: None });
    }
    crash::after(Step::OutcomeDurable, lane.options.crash_after);
    match outcome {
        vendor::Outcome::Accepted { .. } => Ok(Settled::Accepted),
        vendor::Outcome::Unknown { why, request_id, .. } => Ok(Settled::Unknown { why, request_id }),
        vendor::Outcome::Rejected { class, code, message, request_id, retry_after } => Err(Refused {
            class,
            retry_after,
            settled: Settled::Rejected { class, code, message, request_id },
        }),
    }
}

/// Puts on record that a request never left, since the apply was stopped between its intent and its turn.
async fn withdraw<D>(lane: &Lane<D>, intent: Intent) -> Settled {
    let message = "the run was stopped before the request left".to_owned();
    let outcome = Outcome::Rejected { code: NOT_SENT.to_owned(), message, request_id: None };
    match intent.settle(&lane.journal, outcome).await {
        Ok(()) => Settled::NotAttempted,
        Err(error) => {
            lane.brake.pull(Stop::Ledger(error));
            let why = "the request did not leave, but that could not be recorded".to_owned();
            Settled::Unknown { why, request_id: None }
        }
    }
}

/// What is on record of a request whose reply nobody waited for.
fn given_up() -> vendor::Outcome {
    let why = "the run was interrupted before a reply came".to_owned();
    vendor::Outcome::Unknown { why, code: None, request_id: None }
}

fn intent<D>(lane: &Lane<D>, push: &PlannedPush, batch: &Batch, nonce: String) -> IntentRecord {
    IntentRecord {
        run: lane.options.run.clone(),
        campaign: push.campaign.id.clone(),
        revision: push.campaign.revision,
        batch: batch.number,
        action: batch.request.action.as_str().to_owned(),
        task_name: batch.task_name.clone(),
        nonce,
        request: Some(batch.request.digest()),
        over_at: push.campaign.schedule.over_at(),
        targets: batch.addressees.hashes(),
    }
}

fn record(outcome: &vendor::Outcome) -> Outcome {
    match outcome.clone() {
        vendor::Outcome::Accepted { request_id, task_id } => Outcome::Accepted { request_id, task_id },
        vendor::Outcome::Rejected { code, message, request_id, .. } => {
            Outcome::Rejected { code, message, request_id }
        }
        vendor::Outcome::Unknown { why, code, request_id } => Outcome::Unknown { why, code, request_id },
    }
}
