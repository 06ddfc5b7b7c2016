//! The whole of an apply: one producer that cuts batches, as many in flight as allowed, one tally.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::{Quota, RateLimiter};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;

use crate::apply::batch::{Addressees, batches};
use crate::apply::crash;
use crate::apply::report::{CampaignReport, Doubtful, Progress, Refusal, Report, Tally};
use crate::apply::send::{Batch, Lane, Settled, request, send, task_name};
use crate::apply::stop::{Brake, Interrupt, Stop};
use crate::apply::{Deliver, Journal, Step, TargetSource};
use crate::domain::{Environment, LedgerSalt, ProjectName};
use crate::ledger::{Record, RunId};
use crate::plan::{Plan, PlannedPush};
use crate::vendor::RejectClass;

/// How much longer than a request's own time-out an interrupted apply waits for what is in flight.
const SETTLE_MARGIN: Duration = Duration::from_secs(5);

/// One batch for so many requests in flight has its intent made durable ahead, or its outcome behind: as one request
/// ends, the next one can leave. Each such intent is one more in doubt if the process is killed, so there are few.
const AHEAD_SHARE: usize = 2;

/// How an apply behaves.
#[derive(Clone, Debug)]
pub struct Options {
    /// Its id.
    pub run: RunId,
    /// Who runs it, where: `user@host`.
    pub actor: String,
    /// The CI job that runs it, as a URL.
    pub ci_run: Option<String>,
    /// Wait before a refused batch is tried again, doubled each time.
    pub retry_delay: Duration,
    /// How often a refused batch is tried again.
    pub retries_max: usize,
    /// Where a test wants the process to die.
    pub crash_after: Option<Step>,
}

/// Everything that an apply needs.
pub struct Execution<D> {
    /// The plan; the caller has asked `plan::can_apply`.
    pub plan: Plan,
    /// The project.
    pub project: ProjectName,
    /// Where the pushes go.
    pub environment: Environment,
    /// The ledger's salt.
    pub salt: LedgerSalt,
    /// Where target ids come from.
    pub targets: Arc<dyn TargetSource>,
    /// The ledger.
    pub journal: Journal,
    /// What carries requests.
    pub deliver: D,
    /// How it behaves.
    pub options: Options,
    /// Where others can see how far it is.
    pub progress: Arc<Progress>,
    /// Rises when somebody interrupts.
    pub interrupt: watch::Receiver<Interrupt>,
}

/// Executes a plan, and accounts for every planned target.
pub async fn execute<D: Deliver>(execution: Execution<D>) -> Report {
    let Execution {
        plan,
        project,
        environment,
        salt,
        targets,
        journal,
        deliver,
        options,
        progress,
        interrupt,
    } = execution;
    let limiter = RateLimiter::direct(quota(environment.requests_per_second));
    let concurrency = environment.concurrency.get();
    let lane = Arc::new(Lane {
        project,
        environment,
        journal,
        deliver,
        options,
        limiter,
        slots: Semaphore::new(concurrency),
        brake: Brake::new(),
        progress,
    });
    let pushes = Arc::new(plan.pushes);
    let mut books = Books::new(&pushes);
    if let Err(stop) = begin(&lane, &plan.document.digest).await {
        return books.close(Some(stop));
    }
    crash::after(Step::RunStarted, lane.options.crash_after);
    let watcher = tokio::spawn(brake_on_interrupt(Arc::clone(&lane), interrupt));
    let cut = produce(&pushes, salt, targets, concurrency);
    deliver_all(&lane, &pushes, cut, concurrency, &mut books).await;
    watcher.abort();
    crash::after(Step::RunDone, lane.options.crash_after);
    let report = books.close(lane.brake.reason());
    end(&lane, report).await
}

/// A burst of a twentieth of a second's worth: the timer's grain would else hold high rates down.
fn quota(requests_per_second: NonZeroU32) -> Quota {
    let burst = NonZeroU32::new(requests_per_second.get() / 20).unwrap_or(NonZeroU32::MIN);
    Quota::per_second(requests_per_second).allow_burst(burst)
}

async fn begin<D>(lane: &Lane<D>, plan_digest: &str) -> Result<(), Stop> {
    let Options { run, actor, ci_run, .. } = lane.options.clone();
    let (plan, process) = (plan_digest.to_owned(), Some(std::process::id()));
    let record = Record::RunStarted { run, plan, actor, process, ci_run };
    lane.journal.write(record).await.map(drop).map_err(Stop::Ledger)
}

async fn end<D>(lane: &Lane<D>, mut report: Report) -> Report {
    let tally = report.tally();
    let record = Record::RunEnded {
        run: lane.options.run.clone(),
        accepted: tally.accepted,
        rejected: tally.rejected,
        unknown: tally.unknown,
        not_attempted: tally.not_attempted,
        stopped: report.stop.as_ref().map(ToString::to_string),
    };
    if let Err(error) = lane.journal.write(record).await {
        report.stop.get_or_insert(Stop::Ledger(error));
    }
    report
}

/// An interrupt first lets what is in flight settle; a second one, or a while that no request can take, ends that.
async fn brake_on_interrupt<D>(lane: Arc<Lane<D>>, mut interrupt: watch::Receiver<Interrupt>) {
    if interrupt.wait_for(|wanted| *wanted >= Interrupt::Settle).await.is_err() {
        return;
    }
    lane.brake.pull(Stop::Interrupted);
    let bound = lane.environment.timeout + SETTLE_MARGIN;
    let again = interrupt.wait_for(|wanted| *wanted >= Interrupt::Abandon);
    // Elapsed, asked again, or nobody left to ask: in each case nothing is waited for any longer.
    drop(tokio::time::timeout(bound, again).await);
    lane.brake.abandon();
}

/// What the producer hands over, in the plan's order.
enum Cut {
    Batch {
        push: usize,
        addressees: Addressees,
    },
    /// The audience could not be read on.
    Unreadable {
        push: usize,
        why: String,
    },
}

/// Reads audiences and cuts batches on a thread of its own, a few batches ahead.
fn produce(
    pushes: &Arc<Vec<PlannedPush>>,
    salt: LedgerSalt,
    source: Arc<dyn TargetSource>,
    concurrency: usize,
) -> mpsc::Receiver<Cut> {
    let (sender, receiver) = mpsc::channel(concurrency * 2);
    let pushes = Arc::clone(pushes);
    tokio::task::spawn_blocking(move || {
        for (place, push) in pushes.iter().enumerate() {
            for batch in batches(push, salt, source.as_ref()) {
                let cut = match batch {
                    Ok(addressees) => Cut::Batch { push: place, addressees },
                    Err(error) => Cut::Unreadable { push: place, why: error.to_string() },
                };
                if sender.blocking_send(cut).is_err() {
                    return;
                }
            }
        }
    });
    receiver
}

async fn deliver_all<D: Deliver>(
    lane: &Arc<Lane<D>>,
    pushes: &Arc<Vec<PlannedPush>>,
    mut cut: mpsc::Receiver<Cut>,
    concurrency: usize,
    books: &mut Books,
) {
    let permits = Arc::new(Semaphore::new(concurrency + concurrency / AHEAD_SHARE));
    let mut flights: JoinSet<(Batch, Settled)> = JoinSet::new();
    while let Some(next) = or_brake(lane, cut.recv()).await.flatten() {
        let (place, addressees) = match next {
            Cut::Batch { push, addressees } => (push, addressees),
            Cut::Unreadable { push, why } => {
                books.obstruct(push, why);
                continue;
            }
        };
        let Some(permit) = or_brake(lane, Arc::clone(&permits).acquire_owned()).await else { break };
        let permit = permit.expect("nobody closes the semaphore");
        while let Some(landed) = flights.try_join_next() {
            books.enter(lane, landed.expect("no flight panics"));
        }
        if books.is_obstructed(place) {
            continue;
        }
        if let Err(stop) = submit(lane, &pushes[place], &mut books.is_submitted[place]).await {
            lane.brake.pull(stop);
            break;
        }
        let batch = books.next_batch(lane, &pushes[place], place, addressees);
        let (lane, pushes) = (Arc::clone(lane), Arc::clone(pushes));
        flights.spawn(async move {
            let settled = send(&lane, &pushes[batch.push], &batch).await;
            drop(permit);
            (batch, settled)
        });
    }
    while let Some(landed) = flights.join_next().await {
        books.enter(lane, landed.expect("no flight panics"));
    }
}

/// Waits for `future`, or returns nothing as soon as the apply shall end.
async fn or_brake<D, F: Future>(lane: &Lane<D>, future: F) -> Option<F::Output> {
    tokio::select! {
        biased;
        () = lane.brake.pulled() => None,
        output = future => Some(output),
    }
}

/// Puts a campaign's content on record before its first intent.
async fn submit<D>(lane: &Lane<D>, push: &PlannedPush, is_submitted: &mut bool) -> Result<(), Stop> {
    if *is_submitted {
        return Ok(());
    }
    let record = Record::Submitted {
        run: lane.options.run.clone(),
        campaign: push.campaign.id.clone(),
        revision: push.campaign.revision,
        digest: push.digest.clone(),
        content: push.content.clone(),
    };
    lane.journal.write(record).await.map_err(Stop::Ledger)?;
    *is_submitted = true;
    crash::after(Step::Submitted, lane.options.crash_after);
    Ok(())
}

/// Who was planned, and what became of them.
struct Books {
    reports: Vec<CampaignReport>,
    planned: Vec<u64>,
    is_submitted: Vec<bool>,
    next_number: Vec<u32>,
}

impl Books {
    fn new(pushes: &[PlannedPush]) -> Self {
        let report = |push: &PlannedPush| CampaignReport {
            campaign: push.campaign.id.clone(),
            revision: push.campaign.revision,
            tally: Tally::default(),
            refusals: Vec::new(),
            doubts: Vec::new(),
            obstacle: None,
        };
        Self {
            reports: pushes.iter().map(report).collect(),
            planned: pushes.iter().map(|push| push.targets.len() as u64).collect(),
            is_submitted: pushes.iter().map(|push| push.is_submitted).collect(),
            next_number: pushes.iter().map(|push| push.first_batch).collect(),
        }
    }

    fn next_batch<D>(
        &mut self,
        lane: &Lane<D>,
        push: &PlannedPush,
        place: usize,
        addressees: Addressees,
    ) -> Batch {
        let number = self.next_number[place];
        self.next_number[place] += 1;
        let task_name = task_name(&lane.environment, &push.campaign, push.requests, number);
        let request = request(&lane.project, &lane.environment, &push.campaign, &addressees, &task_name);
        Batch { push: place, number, addressees, task_name, request }
    }

    fn obstruct(&mut self, place: usize, why: String) {
        self.reports[place].obstacle.get_or_insert(why);
    }

    fn is_obstructed(&self, place: usize) -> bool {
        self.reports[place].obstacle.is_some()
    }

    fn enter<D>(&mut self, lane: &Lane<D>, (batch, settled): (Batch, Settled)) {
        let targets = batch.addressees.count();
        let report = &mut self.reports[batch.push];
        let mut tally = Tally::default();
        match settled {
            Settled::Accepted => {
                tally.accepted = targets;
                lane.brake.count_answer();
            }
            Settled::Rejected { class, code, message, request_id } => {
                tally.rejected = targets;
                lane.brake.count_answer();
                react(lane, report, class, &code, &message);
                match report.refusals.iter_mut().find(|refusal| refusal.code == code) {
                    Some(refusal) => refusal.targets += targets,
                    None => report.refusals.push(Refusal { code, message, request_id, targets }),
                }
            }
            Settled::Unknown { why, request_id } => {
                tally.unknown = targets;
                lane.brake.count_doubt();
                report.doubts.push(Doubtful { task_name: batch.task_name, why, request_id, targets });
            }
            Settled::NotAttempted => return,
            Settled::Unwritten(error) => {
                lane.brake.pull(Stop::Ledger(error));
                return;
            }
        }
        lane.progress.count(tally);
        report.tally.add(tally);
    }

    /// Counts as not attempted whatever was planned and met no other end.
    fn close(mut self, stop: Option<Stop>) -> Report {
        for (report, planned) in self.reports.iter_mut().zip(self.planned) {
            report.tally.not_attempted = planned - report.tally.total();
            if report.tally.not_attempted > 0 && stop.is_none() && report.obstacle.is_none() {
                let left = report.tally.not_attempted;
                report.obstacle =
                    Some(format!("{left} of its targets left the audience while the plan was executed"));
            }
        }
        Report { campaigns: self.reports, stop }
    }
}

/// A refusal says whether going on makes sense: for this campaign, or at all.
fn react<D>(lane: &Lane<D>, report: &mut CampaignReport, class: RejectClass, code: &str, message: &str) {
    let (code, message) = (code.to_owned(), message.to_owned());
    match class {
        RejectClass::Throttled => lane.brake.pull(Stop::Quota { code, message }),
        RejectClass::Credentials => lane.brake.pull(Stop::Credentials { code, message }),
        RejectClass::Unreachable => lane.brake.pull(Stop::Unreachable { message }),
        RejectClass::Content => {
            report.obstacle.get_or_insert(format!("the vendor refuses its content: {code}: {message}"));
        }
    }
}
