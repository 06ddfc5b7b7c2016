//! The middle of an apply: batches in, intents to the journal, flights to the vendor, outcomes to the journal, books.
//!
//! One task turns it all; whatever can be done is done before it waits again, so that orders to the journal and its
//! answers travel in groups.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

use crate::apply::books::{Books, Submission};
use crate::apply::crash;
use crate::apply::journal::{Answer, Journal, Parcel};
use crate::apply::send::{Batch, Completed, Concluded, Context, Settled, intent, settled, worker};
use crate::apply::stop::Stop;
use crate::apply::{Deliver, Step};
use crate::ledger::Record;
use crate::mpaas::RejectClass;
use crate::plan::PlannedPush;

/// Batches have their intents made durable ahead, so that as one request ends, the next one can leave: as many as may be
/// in flight, and no more than begin in this part of a second. Each is one more in doubt if the process is killed.
const AHEAD_PER_SECOND: usize = 20;

/// So many orders leave for the journal together, and wait for company so long at most, as long as enough batches may
/// leave meanwhile, or the journal is busy anyway: a durable step costs the same for one record as for many.
const GROUP: usize = 128;
const LINGER_MAX: Duration = Duration::from_millis(4);

/// What the producer hands over, in the plan's order.
pub(super) enum Cut {
    Batch(Box<Batch>),
    /// The audience could not be read on.
    Unreadable {
        push: usize,
        why: String,
    },
}

impl Cut {
    fn push(&self) -> usize {
        match self {
            Self::Batch(batch) => batch.push,
            Self::Unreadable { push, .. } => *push,
        }
    }
}

/// Everything between the producer and the books.
pub(super) struct Dispatch<'a, D> {
    context: &'a Arc<Context<D>>,
    pushes: &'a [PlannedPush],
    journal: &'a mut Journal,
    books: &'a mut Books,
    /// Batches that were cut, until there are no more.
    cuts: Option<mpsc::Receiver<Vec<Cut>>>,
    fresh: VecDeque<Cut>,
    /// Batches that the vendor did not take, and that are tried again.
    again: VecDeque<Box<Batch>>,
    /// Intents that were ordered, ever; less those that will not be durable.
    intended: u64,
    ahead_max: u64,
    flights: JoinSet<()>,
    completed: mpsc::UnboundedReceiver<Completed>,
    /// Batches that came back, ever.
    concluded: u64,
    /// Until when orders to the journal wait for company.
    lingering: Option<Instant>,
}

impl<'a, D: Deliver> Dispatch<'a, D> {
    pub(super) fn new(
        context: &'a Arc<Context<D>>,
        pushes: &'a [PlannedPush],
        (cuts, completed): (mpsc::Receiver<Vec<Cut>>, mpsc::UnboundedReceiver<Completed>),
        journal: &'a mut Journal,
        books: &'a mut Books,
    ) -> Self {
        let rate = context.environment.requests_per_second.get() as usize / AHEAD_PER_SECOND;
        Self {
            context,
            pushes,
            journal,
            books,
            cuts: Some(cuts),
            fresh: VecDeque::new(),
            again: VecDeque::new(),
            intended: 0,
            ahead_max: rate.min(context.environment.concurrency.get()).max(1) as u64,
            flights: JoinSet::new(),
            completed,
            concluded: 0,
            lingering: None,
        }
    }

    /// Sends every batch, until all are settled, or all that left are after the breaker tripped.
    pub(super) async fn run(mut self) {
        let context = Arc::clone(self.context);
        let mut tripped = std::pin::pin!(context.breaker.tripped());
        let mut is_tripped = false;
        loop {
            let timer = if is_tripped {
                self.withdraw();
                None
            } else {
                self.launch()
            };
            let company = self.post(is_tripped);
            let timer = timer.into_iter().chain(company).min();
            self.context.progress.set_waiting(self.again.len());
            if self.is_waiting_for_ends(is_tripped) {
                self.context.deliver.hang_up();
            }
            if !self.is_busy() && (is_tripped || self.is_dry()) {
                while let Some(batch) = self.again.pop_front() {
                    self.forgo(batch);
                }
                return;
            }
            let (journal_is_open, wants_cuts) = (self.journal.is_open(), self.fresh.is_empty());
            tokio::select! {
                biased;
                () = &mut tripped, if !is_tripped => is_tripped = true,
                answers = self.journal.answers(), if journal_is_open => {
                    for answer in answers {
                        self.handle(answer);
                    }
                }
                completed = self.completed.recv() => {
                    self.land(completed.expect("the context has a sender"));
                    while let Ok(completed) = self.completed.try_recv() {
                        self.land(completed);
                    }
                }
                Some(ended) = self.flights.join_next() => ended.expect("no flight panics"),
                cuts = next(&mut self.cuts), if wants_cuts && !is_tripped => self.take(cuts),
                () = until(timer), if timer.is_some() => {}
            }
        }
    }

    /// Sends the journal what was ordered, unless it can wait for company: then returns until when.
    fn post(&mut self, is_tripped: bool) -> Option<Instant> {
        let gathered = self.journal.gathered();
        if gathered == 0 {
            self.lingering = None;
            return None;
        }
        let ready = self.context.ready().queue.len() as u64;
        let now = Instant::now();
        let until = *self.lingering.get_or_insert(now + LINGER_MAX);
        let is_short = ready * 3 < self.ahead_max && !self.journal.is_writing();
        if is_tripped || is_short || gathered >= GROUP || until <= now {
            self.lingering = None;
            self.journal.leave();
            return None;
        }
        Some(until)
    }

    /// Whether batches are on their way, or between here and the ledger.
    fn is_busy(&self) -> bool {
        let ready = self.context.ready();
        !ready.queue.is_empty() || ready.taken > self.concluded || self.journal.is_open()
    }

    /// Whether all that is left to come is what waits for its connections to end.
    fn is_waiting_for_ends(&self, is_tripped: bool) -> bool {
        let is_idle =
            self.flights.is_empty() && !self.journal.is_open() && self.context.ready().queue.is_empty();
        is_idle && (is_tripped || self.is_dry())
    }

    /// Whether no batch is left that may become due.
    fn is_dry(&self) -> bool {
        self.cuts.is_none() && self.fresh.is_empty() && self.again.is_empty()
    }

    /// Takes in what was cut, and puts the contents of campaigns on record that come up for the first time.
    fn take(&mut self, cuts: Option<Vec<Cut>>) {
        let Some(cuts) = cuts else {
            self.cuts = None;
            return;
        };
        for cut in &cuts {
            let place = cut.push();
            let submission = self.books.submission(place);
            if matches!(cut, Cut::Batch(_)) && *submission == Submission::Open {
                *submission = Submission::Ordered;
                self.journal.submit(self.content(place), place);
            }
        }
        self.fresh.extend(cuts);
    }

    fn content(&self, place: usize) -> Record {
        let push = &self.pushes[place];
        Record::Submitted {
            run: self.context.options.run.clone(),
            campaign: push.campaign.id.clone(),
            revision: push.campaign.revision,
            digest: push.digest.clone(),
            content: push.content.clone(),
            planned: Some(push.planned),
        }
    }

    /// Orders intents, as many as are wanted ahead.
    fn intend(&mut self) {
        if self.context.pace.pauses_until().is_some() {
            return;
        }
        let taken = self.context.ready().taken;
        while self.intended - taken < self.ahead_max {
            let Some(mut batch) = self.next_batch() else { return };
            batch.nonce = Uuid::new_v4().to_string();
            let record = intent(&self.context.options, &self.pushes[batch.push], &batch);
            self.journal.intend(record, batch);
            self.intended += 1;
        }
    }

    /// Returns the next batch whose campaign's content is on record.
    fn next_batch(&mut self) -> Option<Box<Batch>> {
        while let Some(batch) = self.again.pop_front() {
            if !self.is_obstructed(&batch) {
                return Some(batch);
            }
            self.forgo(batch);
        }
        loop {
            let place = self.fresh.front()?.push();
            let is_batch = matches!(self.fresh.front(), Some(Cut::Batch(_)));
            if is_batch && *self.books.submission(place) != Submission::Durable {
                return None;
            }
            match self.fresh.pop_front()? {
                Cut::Unreadable { push, why } => self.books.obstruct(push, why),
                Cut::Batch(batch) if self.is_obstructed(&batch) => {}
                Cut::Batch(batch) => return Some(batch),
            }
        }
    }

    /// Books a batch that is not tried again.
    fn forgo(&mut self, batch: Box<Batch>) {
        self.books.enter(self.context, Concluded { batch, settled: Settled::NotAttempted });
    }

    /// Whether nothing of the batch's campaign may leave any more. Time passes while somebody is asked for approval, and
    /// while requests wait for their turn.
    fn is_obstructed(&mut self, batch: &Batch) -> bool {
        if batch.lapses_at.is_some_and(|at| at <= (self.context.clock)()) {
            self.books.lapse(batch.push);
        }
        self.books.is_obstructed(batch.push)
    }

    /// Lets batches leave, as many as may now, and orders the intents of those behind them. Returns when there is more to
    /// do, if that is a matter of time.
    fn launch(&mut self) -> Option<Instant> {
        while let Some(ended) = self.flights.try_join_next() {
            ended.expect("no flight panics");
        }
        let mut due = None;
        while self.flights.len() < self.context.environment.concurrency.get() {
            match self.context.take() {
                Ok(Some((batch, intent))) => {
                    drop(self.flights.spawn(worker(Arc::clone(self.context), batch, intent)));
                }
                Ok(None) => break,
                Err(at) => {
                    due = Some(at);
                    break;
                }
            }
        }
        self.intend();
        due.or_else(|| self.context.pace.pauses_until())
    }

    /// Puts on record that what was ready never left.
    fn withdraw(&mut self) {
        let withdrawn = {
            let mut ready = self.context.ready();
            ready.taken += ready.queue.len() as u64;
            std::mem::take(&mut ready.queue)
        };
        for (batch, intent) in withdrawn {
            self.land(Completed { batch, intent, outcome: None });
        }
    }

    fn land(&mut self, completed: Completed) {
        self.concluded += 1;
        if completed.outcome.is_some() {
            crash::after(Step::ReplyRead, self.context.options.break_after);
        }
        self.settle(completed);
    }

    fn settle(&mut self, Completed { batch, intent, outcome }: Completed) {
        let (record, settled) = settled(outcome);
        self.journal.settle(intent, record, Box::new(Concluded { batch, settled }));
    }

    /// Goes on from what is durable now.
    fn handle(&mut self, answer: Answer) {
        match answer {
            Answer::Submitted(place) => {
                *self.books.submission(place) = Submission::Durable;
                crash::after(Step::Submitted, self.context.options.break_after);
            }
            Answer::Intended(batch, intent) => self.context.ready().queue.push_back((batch, intent)),
            Answer::Settled(concluded) => {
                if !matches!(concluded.settled, Settled::NotAttempted) {
                    crash::after(Step::OutcomeDurable, self.context.options.break_after);
                }
                match self.worth_another_try(*concluded) {
                    Ok(batch) => self.again.push_back(batch),
                    Err(concluded) => self.books.enter(self.context, concluded),
                }
            }
            Answer::Unwritten(parcel, error) => {
                self.context.breaker.trip(Stop::from(error));
                match parcel {
                    Parcel::Intent(batch) => {
                        self.intended -= 1;
                        self.forgo(batch);
                    }
                    Parcel::Outcome(concluded) => {
                        let Concluded { batch, settled } = *concluded;
                        self.books.enter(self.context, Concluded { batch, settled: settled.unrecorded() });
                    }
                    Parcel::Content(_) | Parcel::Write(_) => {}
                }
            }
        }
    }

    /// Returns the batch if it may go out again: the vendor certainly did not take it, and may do so later.
    fn worth_another_try(&self, concluded: Concluded) -> Result<Box<Batch>, Concluded> {
        if self.context.breaker.is_tripped() {
            return Err(concluded);
        }
        let class = match concluded.settled {
            Settled::Rejected { class, .. } => class,
            Settled::NotAttempted => return Ok(concluded.batch),
            Settled::Unreachable { .. } => return self.worth_another_connection(concluded),
            Settled::Accepted | Settled::Unknown { .. } => return Err(concluded),
        };
        let Concluded { mut batch, settled } = concluded;
        let tries_max = self.context.options.retries_max;
        let is_worth_it = match class {
            RejectClass::Throttled => {
                batch.throttled += 1;
                batch.throttled + batch.unreachable <= tries_max
            }
            RejectClass::Credentials | RejectClass::Content | RejectClass::Unreachable(_) => false,
        };
        if !is_worth_it {
            return Err(Concluded { batch, settled });
        }
        batch.refused = Some(Box::new(settled));
        Ok(batch)
    }

    /// Nothing of the batch left. Whether the vendor is out of reach, the circuit breaker counts over all batches.
    fn worth_another_connection(&self, mut concluded: Concluded) -> Result<Box<Batch>, Concluded> {
        concluded.batch.unreachable += 1;
        let is_worth_it =
            concluded.batch.throttled + concluded.batch.unreachable <= self.context.options.retries_max;
        if is_worth_it { Ok(concluded.batch) } else { Err(concluded) }
    }
}

async fn next(cuts: &mut Option<mpsc::Receiver<Vec<Cut>>>) -> Option<Vec<Cut>> {
    match cuts {
        Some(cuts) => cuts.recv().await,
        None => std::future::pending().await,
    }
}

async fn until(timer: Option<Instant>) {
    match timer {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
