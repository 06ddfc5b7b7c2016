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

use crate::apply::ahead::Ahead;
use crate::apply::books::{Books, Submission};
use crate::apply::crash;
use crate::apply::journal::{Answer, Journal};
use crate::apply::send::{Context, worker};
use crate::apply::stage::{Cut, Intended, Settled, Writing, has_left};
use crate::apply::stop::Stop;
use crate::apply::{Deliver, Step};
use crate::ledger::Record;
use crate::mpaas::{Outcome, RejectClass};
use crate::plan::PlannedPush;

/// So many orders leave for the journal together, and wait for company so long at most, as long as enough batches may
/// leave meanwhile, or the journal is busy anyway: a durable step costs the same for one record as for many.
const GROUP: usize = 128;
const LINGER_MAX: Duration = Duration::from_millis(4);

/// What the producer hands over, in the plan's order: batches, and where an audience could not be read on.
pub(super) type Produced = Result<Box<Cut>, Unreadable>;

/// An audience that could not be read on.
pub(super) struct Unreadable {
    /// The planned push's place in the plan.
    pub(super) push: usize,
    pub(super) why: String,
}

/// Everything between the producer and the books.
pub(super) struct Dispatch<'a, D> {
    context: &'a Arc<Context<D>>,
    pushes: &'a [PlannedPush],
    journal: &'a mut Journal<Writing>,
    books: &'a mut Books,
    /// What the producer makes, until there is no more.
    produced: Option<mpsc::Receiver<Vec<Produced>>>,
    fresh: VecDeque<Produced>,
    /// Batches that the vendor did not take, and that are tried again.
    again: VecDeque<Box<Cut>>,
    /// How many batches have an intent on its way into the ledger.
    intending: usize,
    ahead: Ahead,
    /// When the journal's last step was over.
    stepped: Instant,
    flights: JoinSet<()>,
    settled: mpsc::UnboundedReceiver<Settled>,
    /// Until when orders to the journal wait for company.
    lingering: Option<Instant>,
}

impl<'a, D: Deliver> Dispatch<'a, D> {
    pub(super) fn new(
        context: &'a Arc<Context<D>>,
        pushes: &'a [PlannedPush],
        (produced, settled): (mpsc::Receiver<Vec<Produced>>, mpsc::UnboundedReceiver<Settled>),
        journal: &'a mut Journal<Writing>,
        books: &'a mut Books,
    ) -> Self {
        let environment = &context.environment;
        let ahead = Ahead::new(environment.requests_per_second.get() as usize, environment.concurrency.get());
        Self {
            context,
            pushes,
            journal,
            books,
            produced: Some(produced),
            fresh: VecDeque::new(),
            again: VecDeque::new(),
            intending: 0,
            ahead,
            stepped: Instant::now(),
            flights: JoinSet::new(),
            settled,
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
            self.context.progress.set_writing(self.journal.writing_since());
            if self.is_waiting_for_ends(is_tripped) {
                self.context.deliver.hang_up();
            }
            if !self.is_busy() && (is_tripped || self.is_dry()) {
                while let Some(cut) = self.again.pop_front() {
                    self.forgo(*cut);
                }
                return;
            }
            let (journal_is_open, wants_more) = (self.journal.is_open(), self.fresh.is_empty());
            tokio::select! {
                biased;
                () = &mut tripped, if !is_tripped => is_tripped = true,
                (answers, took) = self.journal.answers(), if journal_is_open => {
                    let since = std::mem::replace(&mut self.stepped, Instant::now());
                    let (traffic, has_starved) = (self.context.take_traffic(), self.is_starving());
                    let flight = traffic.flight.filter(|_| has_starved);
                    self.ahead.step(traffic.begun, took, self.stepped - since, flight);
                    for answer in answers {
                        self.handle(answer);
                    }
                }
                settled = self.settled.recv() => {
                    self.land(settled.expect("the context has a sender"));
                    while let Ok(settled) = self.settled.try_recv() {
                        self.land(settled);
                    }
                }
                Some(ended) = self.flights.join_next() => ended.expect("no flight panics"),
                produced = next(&mut self.produced), if wants_more && !is_tripped => self.take(produced),
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
        let ready = self.context.ready().queue.len();
        let now = Instant::now();
        let until = *self.lingering.get_or_insert(now + LINGER_MAX);
        let is_short = ready * 3 < self.ahead.wanted() && !self.journal.is_writing();
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
        !ready.queue.is_empty() || ready.in_flight > 0 || self.journal.is_open()
    }

    /// Whether requests wait for intents that are not durable yet, though as many were ordered as are wanted.
    fn is_starving(&self) -> bool {
        let is_free = self.flights.len() < self.context.environment.concurrency.get();
        is_free && self.intending >= self.ahead.wanted() && self.context.ready().queue.is_empty()
    }

    /// Whether all that is left to come is what waits for its connections to end.
    fn is_waiting_for_ends(&self, is_tripped: bool) -> bool {
        let is_idle =
            self.flights.is_empty() && !self.journal.is_open() && self.context.ready().queue.is_empty();
        is_idle && (is_tripped || self.is_dry())
    }

    /// Whether no batch is left that may become due.
    fn is_dry(&self) -> bool {
        self.produced.is_none() && self.fresh.is_empty() && self.again.is_empty()
    }

    /// Takes in what was cut, and puts the contents of campaigns on record that come up for the first time.
    fn take(&mut self, produced: Option<Vec<Produced>>) {
        let Some(produced) = produced else {
            self.produced = None;
            return;
        };
        for cut in produced.iter().flatten() {
            let submission = self.books.submission(cut.push);
            if *submission == Submission::Open {
                *submission = Submission::Ordered;
                let content = Box::new(self.content(cut.push));
                self.journal.order(Writing::Content(cut.push, content));
            }
        }
        self.fresh.extend(produced);
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
        let ready = self.context.ready().queue.len();
        while ready + self.intending < self.ahead.wanted() {
            let Some(cut) = self.next_cut() else { return };
            self.journal.order(Writing::Intent(cut, Uuid::new_v4()));
            self.intending += 1;
        }
    }

    /// Returns the next batch whose campaign's content is on record.
    fn next_cut(&mut self) -> Option<Box<Cut>> {
        while let Some(cut) = self.again.pop_front() {
            if !self.is_obstructed(&cut) {
                return Some(cut);
            }
            self.forgo(*cut);
        }
        loop {
            if let Ok(cut) = self.fresh.front()?
                && *self.books.submission(cut.push) != Submission::Durable
            {
                return None;
            }
            match self.fresh.pop_front()? {
                Err(Unreadable { push, why }) => self.books.obstruct(push, why),
                Ok(cut) if self.is_obstructed(&cut) => {}
                Ok(cut) => return Some(cut),
            }
        }
    }

    /// Books a batch that is not tried again.
    fn forgo(&mut self, cut: Cut) {
        self.books.enter(self.context, cut, None);
    }

    /// Whether nothing of the batch's campaign may leave any more. Time passes while somebody is asked for approval, and
    /// while requests wait for their turn.
    fn is_obstructed(&mut self, cut: &Cut) -> bool {
        if let Some(at) = cut.about.ends_at().filter(|at| *at <= (self.context.clock)()) {
            if Some(at) == cut.about.lapses_at {
                self.books.lapse(cut.push);
            } else {
                self.books.obstruct(cut.push, "its approval ended before all of it was sent".to_owned());
            }
        }
        self.books.is_obstructed(cut.push)
    }

    /// Lets batches leave, as many as may now, and orders the intents of those behind them. Returns when there is more to
    /// do, if that is a matter of time.
    fn launch(&mut self) -> Option<Instant> {
        while let Some(ended) = self.flights.try_join_next() {
            ended.expect("no flight panics");
        }
        let mut due = None;
        while self.flights.len() < self.context.environment.concurrency.get() {
            match self.context.depart() {
                Ok(Some(batch)) => drop(self.flights.spawn(worker(Arc::clone(self.context), batch))),
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
        let withdrawn = std::mem::take(&mut self.context.ready().queue);
        for batch in withdrawn {
            self.journal.order(Writing::Outcome(batch.withdraw()));
        }
    }

    fn land(&mut self, settled: Settled) {
        self.context.ready().in_flight -= 1;
        if settled.outcome.is_some() {
            crash::after(Step::ReplyRead, self.context.options.break_after);
        }
        self.journal.order(Writing::Outcome(settled));
    }

    /// Goes on from what is durable now.
    fn handle(&mut self, (entry, durable): Answer<Writing>) {
        if matches!(entry, Writing::Intent(..)) {
            self.intending -= 1;
        }
        match (entry, durable) {
            (Writing::Content(place, _), Ok(_)) => {
                *self.books.submission(place) = Submission::Durable;
                crash::after(Step::Submitted, self.context.options.break_after);
            }
            (Writing::Intent(cut, nonce), Ok(intent)) => {
                self.context.ready().queue.push_back(Intended::new(cut, nonce, intent));
            }
            (Writing::Outcome(Settled { cut, outcome, .. }), Ok(_)) => {
                if outcome.is_some() {
                    crash::after(Step::OutcomeDurable, self.context.options.break_after);
                }
                match self.worth_another_try(cut, outcome) {
                    Ok(cut) => self.again.push_back(cut),
                    Err((cut, outcome)) => self.books.enter(self.context, *cut, outcome),
                }
            }
            (entry, Err(error)) => {
                self.context.breaker.trip(Stop::from(error));
                match entry {
                    Writing::Content(..) => {}
                    Writing::Intent(cut, _) => self.forgo(*cut),
                    Writing::Outcome(settled) => {
                        let outcome = settled.unrecorded();
                        self.books.enter(self.context, *settled.cut, Some(outcome));
                    }
                }
            }
        }
    }

    /// Returns the batch if it may go out again: the vendor certainly did not take it, and may do so later. Whether the
    /// vendor is out of reach, the circuit breaker counts over all batches.
    fn worth_another_try(
        &self,
        mut cut: Box<Cut>,
        outcome: Option<Outcome>,
    ) -> Result<Box<Cut>, (Box<Cut>, Option<Outcome>)> {
        if self.context.breaker.is_tripped() {
            return Err((cut, outcome));
        }
        match outcome {
            None => return Ok(cut),
            Some(Outcome::Rejected {
                class: RejectClass::Throttled | RejectClass::Unreachable(_), ..
            }) => {}
            Some(Outcome::Rejected { .. } | Outcome::Accepted { .. } | Outcome::Unknown { .. }) => {
                return Err((cut, outcome));
            }
        }
        cut.refusals += 1;
        if cut.refusals > self.context.options.retries_max {
            return Err((cut, outcome));
        }
        if has_left(outcome.as_ref()) {
            cut.refused = outcome.map(Box::new);
        }
        Ok(cut)
    }
}

async fn next(produced: &mut Option<mpsc::Receiver<Vec<Produced>>>) -> Option<Vec<Produced>> {
    match produced {
        Some(produced) => produced.recv().await,
        None => std::future::pending().await,
    }
}

async fn until(timer: Option<Instant>) {
    match timer {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
