//! The whole of an apply: a thread that cuts batches, a task that dispatches them, a thread that writes the ledger.

use std::error::Error;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use crate::apply::batch::batches;
use crate::apply::books::Books;
use crate::apply::circuit_breaker::CircuitBreaker;
use crate::apply::crash;
use crate::apply::dispatch::{Dispatch, Produced, Unreadable};
use crate::apply::pace::Pace;
use crate::apply::report::{Progress, Report};
use crate::apply::send::Context;
use crate::apply::stage::{About, Cut, Writing};
use crate::apply::stop::{Interrupt, Stop};
use crate::apply::{Break, Deliver, Journal, Step, TargetSource};
use crate::domain::{Environment, LedgerSalt, ProjectName};
use crate::ledger::{Destination, Record, RunId};
use crate::mpaas;
use crate::plan::{Plan, PlannedPush};

/// How much longer than a request's own time-out an interrupted apply waits for what is in flight.
const SETTLE_MARGIN: Duration = Duration::from_secs(5);

/// So many batches are handed over together.
const CUTS: usize = 32;

/// So many such hands full are cut before they are wanted.
const CUTS_AHEAD: usize = 2;

/// How an apply behaves.
#[derive(Clone, Debug)]
pub struct Options {
    /// Names the run in every record that it writes.
    pub run: RunId,
    /// Who runs it, where: `user@host`.
    pub actor: String,
    /// The CI job that runs it, as a URL.
    pub ci_run: Option<String>,
    /// Wait before a refused batch is tried again, doubled each time.
    pub retry_delay: Duration,
    /// How often a refused batch is tried again.
    pub retries_max: usize,
    /// Where a test wants the process to die, or to stand still.
    pub break_after: Option<Break>,
}

/// Everything that an apply needs.
pub struct Execution<D> {
    /// The plan; whoever runs the apply has held it to what was reviewed.
    pub plan: Plan,
    /// The project; derived task names begin with its name.
    pub project: ProjectName,
    /// Where the pushes go.
    pub environment: Environment,
    /// The ledger's salt: targets are recorded as hashes under it.
    pub salt: LedgerSalt,
    /// Where target ids come from.
    pub targets: Arc<dyn TargetSource>,
    /// The ledger, open for writing; whoever runs the apply holds the lease.
    pub journal: Journal<Writing>,
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
    let mut journal = journal;
    journal.break_after(options.break_after);
    let (sender, settled) = mpsc::unbounded_channel();
    let pace = Pace::new(environment.requests_per_second, options.retry_delay);
    let context = Arc::new(Context {
        environment,
        deliver,
        options,
        pace,
        clock: journal.clock(),
        lease: journal.lease(),
        starting: AtomicUsize::new(0),
        ready: Mutex::default(),
        settled: sender,
        breaker: CircuitBreaker::new(),
        progress,
    });
    let pushes = Arc::new(plan.pushes);
    let mut books = Books::new(&pushes);
    if let Err(stop) = begin(&context, &mut journal, &plan.document.digest).await {
        return books.close(Some(stop));
    }
    crash::after(Step::RunStarted, context.options.break_after);
    let watcher = tokio::spawn(trip_on_interrupt(Arc::clone(&context), interrupt));
    let produced = produce(&context, &pushes, project, (salt, targets));
    Dispatch::new(&context, &pushes, (produced, settled), &mut journal, &mut books).run().await;
    watcher.abort();
    crash::after(Step::RunDone, context.options.break_after);
    let report = books.close(context.breaker.reason());
    end(&context, &mut journal, report).await
}

async fn begin<D>(
    context: &Context<D>,
    journal: &mut Journal<Writing>,
    plan_digest: &str,
) -> Result<(), Stop> {
    let Options { run, actor, ci_run, .. } = context.options.clone();
    let (plan, process) = (plan_digest.to_owned(), Some(std::process::id()));
    let destination = Some(Destination::at(&context.environment.endpoint));
    let record = Record::RunStarted { run, plan, actor, process, ci_run, destination };
    journal.write(record).await.map(drop).map_err(Stop::from)
}

async fn end<D>(context: &Context<D>, journal: &mut Journal<Writing>, mut report: Report) -> Report {
    let tally = report.tally();
    let record = Record::RunEnded {
        run: context.options.run.clone(),
        accepted: tally.accepted,
        rejected: tally.rejected,
        unknown: tally.unknown,
        not_attempted: tally.not_attempted,
        stopped: report.stop.as_ref().map(ToString::to_string),
    };
    if let Err(error) = journal.write(record).await {
        report.stop.get_or_insert(Stop::from(error));
    }
    report
}

/// An interrupt first lets what is in flight settle; a second one, or a while that no request can take, ends that.
async fn trip_on_interrupt<D>(context: Arc<Context<D>>, mut interrupt: watch::Receiver<Interrupt>) {
    if interrupt.wait_for(|wanted| *wanted >= Interrupt::Settle).await.is_err() {
        return;
    }
    context.breaker.trip(Stop::Interrupted);
    let bound = context.environment.timeout + SETTLE_MARGIN;
    let again = interrupt.wait_for(|wanted| *wanted >= Interrupt::Abandon);
    // Elapsed, asked again, or nobody left to ask: in each case nothing is waited for any longer.
    drop(tokio::time::timeout(bound, again).await);
    context.breaker.abandon();
}

/// Reads audiences, cuts batches and builds their requests on a thread of its own, some ahead.
fn produce<D: Deliver>(
    context: &Arc<Context<D>>,
    pushes: &Arc<Vec<PlannedPush>>,
    project: ProjectName,
    (salt, source): (LedgerSalt, Arc<dyn TargetSource>),
) -> mpsc::Receiver<Vec<Produced>> {
    let (sender, receiver) = mpsc::channel(CUTS_AHEAD);
    let (context, pushes) = (Arc::clone(context), Arc::clone(pushes));
    tokio::task::spawn_blocking(move || {
        let mut cuts = Vec::with_capacity(CUTS);
        for (place, push) in pushes.iter().enumerate() {
            let (campaign, environment) = (&push.campaign, &context.environment);
            let call = mpaas::Push { project: &project, environment, campaign, call: push.call };
            let about = Arc::new(About::new(&context.options.run, push));
            for (addressees, number) in batches(push, salt, source.as_ref()).zip(push.first_batch..) {
                let cut = |addressees| Cut::new(&call, &about, (place, number, push.requests), &addressees);
                let unreadable =
                    |error: Box<dyn Error + Send + Sync>| Unreadable { push: place, why: error.to_string() };
                cuts.push(addressees.map(|addressees| Box::new(cut(addressees))).map_err(unreadable));
                let is_full = cuts.len() == CUTS;
                if is_full
                    && sender.blocking_send(std::mem::replace(&mut cuts, Vec::with_capacity(CUTS))).is_err()
                {
                    return;
                }
            }
        }
        // Nobody takes it any more where the apply was stopped.
        drop(sender.blocking_send(cuts));
    });
    receiver
}
