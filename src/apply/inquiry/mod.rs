//! Asks the vendor what came of batches in doubt, as far as it can tell.
//!
//! Its lists know scheduled and repeating tasks by the moment they happen, and broadcasts and `PushMultiple`s by task
//! name. Of an immediate `PushTemplate` they know nothing. What is listed was taken; what is absent was not, but only
//! once no request can still be on its way: [`SETTLE_MIN`]. Whatever is less clear stays in doubt.

mod judge;

use std::collections::{BTreeMap, HashSet};
use std::future::Future;

use chrono::{DateTime, TimeDelta, Utc};

use crate::apply::inquiry::judge::{Case, Moments, judge_named, judge_scheduled};
use crate::apply::send::DEPARTURE_MAX;
use crate::domain::{Call, Schedule};
use crate::ledger::{Doubt, Ledger, Serial};
use crate::vendor::{Client, NamedTask, QueryError, ScheduledTask};

/// The gateway takes a request whose time stamp is up to 15 minutes from its own clock (vendor page 435312). So one
/// that was signed with a clock that is 15 minutes fast is taken until half an hour after it was signed, and before
/// that absence proves nothing.
const SETTLE_MIN: TimeDelta = TimeDelta::minutes(30);

/// The same for broadcasts and `PushMultiple`s, which are looked for by name in a list made for statistics: no page says
/// how soon a task is in it.
const SETTLE_NAMED_MIN: TimeDelta = TimeDelta::hours(1);

/// How long after an intent its absence from a list is proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settle {
    /// From the list of scheduled tasks.
    pub listed: TimeDelta,
    /// From the list of broadcasts and `PushMultiple`s by name.
    pub named: TimeDelta,
}

impl Settle {
    /// At once: a sandbox delays nothing.
    #[must_use]
    pub fn sandbox(after: TimeDelta) -> Self {
        Self { listed: after, named: after }
    }

    /// So long after a request left; nothing where that is less than half an hour.
    #[must_use]
    pub fn after_request(after: TimeDelta) -> Option<Self> {
        // It left within so much time of its intent.
        let from_intent = |after: TimeDelta| after.checked_add(&DEPARTURE_MAX).unwrap_or(after);
        (after >= SETTLE_MIN)
            .then(|| Self { listed: from_intent(after), named: from_intent(after.max(SETTLE_NAMED_MIN)) })
    }
}

/// How far the vendor's clock may be from ours; also what its gateway allows.
const CLOCK_SKEW_MAX: TimeDelta = TimeDelta::minutes(15);

/// How long after it a push at once is looked for by name: no page says for how long the vendor lists what is over.
const LISTED_MAX: TimeDelta = TimeDelta::days(7);

/// How far from the moment that was asked for the vendor may list a task: no page says that it keeps
/// milliseconds, or seconds.
const MOMENT_SLACK: TimeDelta = TimeDelta::minutes(1);

/// Who can be asked about tasks.
pub trait Ask: Sync {
    /// Returns every scheduled or repeating task that happens between two moments, both included.
    ///
    /// # Errors
    ///
    /// Returns [`QueryError`] unless the whole list was read.
    fn scheduled_tasks(
        &self,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> impl Future<Output = Result<Vec<ScheduledTask>, QueryError>> + Send;

    /// Returns the batch and broadcast tasks of a name that were made since a moment.
    ///
    /// # Errors
    ///
    /// Returns [`QueryError`] unless the whole list was read.
    fn named_tasks(
        &self,
        name: &str,
        since: DateTime<Utc>,
    ) -> impl Future<Output = Result<Vec<NamedTask>, QueryError>> + Send;
}

impl Ask for Client {
    async fn scheduled_tasks(
        &self,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Vec<ScheduledTask>, QueryError> {
        Self::scheduled_tasks(self, from, until).await
    }

    async fn named_tasks(&self, name: &str, since: DateTime<Utc>) -> Result<Vec<NamedTask>, QueryError> {
        Self::named_tasks(self, name, since).await
    }
}

/// What the vendor's lists say of one batch in doubt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It was taken.
    Accepted {
        /// The task, where it is known which one.
        task_id: Option<String>,
        /// What shows it.
        evidence: String,
    },
    /// It was not taken.
    Rejected {
        /// What shows it.
        evidence: String,
    },
    /// It is not listed for certain, but may still be on its way.
    TooEarly {
        /// From when on absence is proof.
        until: DateTime<Utc>,
        /// What is listed so far.
        why: String,
    },
    /// The lists say nothing of it, or nothing clear.
    CannotTell {
        /// Why.
        why: String,
    },
}

/// An answer with the intent it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The intent's place in the ledger.
    pub intent: Serial,
    /// What the lists say.
    pub answer: Answer,
}

impl Answer {
    /// Returns the task that is known to be the batch's.
    fn task_id(&self) -> Option<&str> {
        match self {
            Self::Accepted { task_id, .. } => task_id.as_deref(),
            Self::Rejected { .. } | Self::TooEarly { .. } | Self::CannotTell { .. } => None,
        }
    }
}

/// Asks about every batch in doubt, since the task of one could be taken for another's; the findings are in the
/// order of their records.
///
/// # Errors
///
/// Returns [`QueryError`] when the vendor gives no whole answer; then nothing is known.
pub async fn inquire<A: Ask>(
    ask: &A,
    ledger: &Ledger,
    now: DateTime<Utc>,
    settle: Settle,
) -> Result<Vec<Finding>, QueryError> {
    let (mut answers, mut cases) = (BTreeMap::new(), Vec::new());
    for doubt in ledger.doubts() {
        match case(ledger, doubt, settle) {
            Ok(case) => cases.push(case),
            Err(why) => drop(answers.insert(doubt.serial, Answer::CannotTell { why: why.to_owned() })),
        }
    }
    for group in by_name(&cases) {
        // The oldest comes first, as in the ledger.
        let since = group[0].doubt.at - CLOCK_SKEW_MAX;
        let listed = ask.named_tasks(&group[0].doubt.intent.task_name, since).await?;
        answers.extend(judge_named(&group, &listed, ledger, now));
    }
    let found: HashSet<String> = answers.values().filter_map(Answer::task_id).map(str::to_owned).collect();
    let claimed = |task_id: &str| ledger.has_task(task_id) || found.contains(task_id);
    // Of one that the other list knows nothing certain of, this one may still have the task.
    let is_open =
        |case: &&Case<'_>| !matches!(answers.get(&case.doubt.serial), Some(Answer::Accepted { .. }));
    let mut of_moments = Vec::new();
    for group in by_moments(cases.iter().filter(is_open)) {
        let (from, until) = window(&group, now);
        let listed = ask.scheduled_tasks(from, until).await?;
        of_moments.extend(judge_scheduled(&group, listed, ledger, claimed, now));
    }
    for (serial, of_moment) in of_moments {
        let answer = match (answers.remove(&serial), of_moment) {
            // What either list shows was taken; what was not taken is in neither.
            (None | Some(Answer::Rejected { .. }), of_moment) | (_, of_moment @ Answer::Accepted { .. }) => {
                of_moment
            }
            (Some(of_name), _) => of_name,
        };
        answers.insert(serial, answer);
    }
    Ok(answers.into_iter().map(|(intent, answer)| Finding { intent, answer }).collect())
}

/// Gathers what is needed to recognise a batch's task, or says why there is nothing to recognise.
fn case<'a>(ledger: &'a Ledger, doubt: &'a Doubt, settle: Settle) -> Result<Case<'a>, &'static str> {
    let history = ledger.history(&doubt.intent.campaign, doubt.intent.revision);
    let read = history.and_then(|history| Some((&history.content, history.content.schedule()?)));
    let (content, schedule) = read.ok_or("the ledger does not say when it was to happen")?;
    let call = if content.is_broadcast() { Call::Broadcast } else { doubt.intent.call() };
    let moments = match schedule {
        Schedule::Now if call.is_listed_by_name() => Moments::AtOnce,
        Schedule::Now => return Err("the vendor lists no immediate pushes of `PushTemplate`"),
        Schedule::Once { at } => Moments::Once(at),
        Schedule::Repeat(ref repeat) => {
            let last = schedule.firing_times_after(DateTime::<Utc>::MIN_UTC).last();
            Moments::Repeat { last, over_at: repeat.over_at() }
        }
    };
    let settle = if call.is_listed_by_name() { settle.named } else { settle.listed };
    let settles_at = doubt.at.checked_add_signed(settle).unwrap_or(DateTime::<Utc>::MAX_UTC);
    Ok(Case { doubt, content, call, settles_at, moments })
}

/// Broadcasts and `PushMultiple`s of one task name are judged together: a name of the user's own may stand for several.
fn by_name<'a, 'b>(cases: &'b [Case<'a>]) -> Vec<Vec<&'b Case<'a>>> {
    let mut groups: BTreeMap<&str, Vec<&Case<'a>>> = BTreeMap::new();
    for case in cases.iter().filter(|case| case.call.is_listed_by_name()) {
        groups.entry(&case.doubt.intent.task_name).or_default().push(case);
    }
    groups.into_values().collect()
}

/// Batches whose windows touch are judged together, and so are all that repeat: their tasks could be taken for
/// each other's.
fn by_moments<'a: 'b, 'b>(cases: impl Iterator<Item = &'b Case<'a>>) -> Vec<Vec<&'b Case<'a>>> {
    let (mut once, mut repeating) = (Vec::new(), Vec::new());
    for case in cases {
        match case.moments {
            Moments::AtOnce => {}
            Moments::Once(at) => once.push((at, case)),
            Moments::Repeat { .. } => repeating.push(case),
        }
    }
    once.sort_by_key(|(at, _)| *at);
    let touching = once.chunk_by(|(one, _), (next, _)| *next - *one <= MOMENT_SLACK * 2);
    let groups = touching.map(|group| group.iter().map(|(_, case)| *case).collect());
    groups.chain((!repeating.is_empty()).then_some(repeating)).collect()
}

/// Around the moments of a group; of what repeats, everything still to come. No page says on which days the
/// vendor repeats a push, so none is left out.
fn window(group: &[&Case<'_>], now: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
    let moments = group.iter().filter_map(|case| match case.moments {
        Moments::AtOnce => None,
        Moments::Once(at) => Some((at, at)),
        Moments::Repeat { over_at, .. } => Some((now, over_at)),
    });
    let both = moments.reduce(|(from, until), (start, end)| (from.min(start), until.max(end)));
    let (from, until) = both.unwrap_or((now, now));
    (from - MOMENT_SLACK, until + MOMENT_SLACK)
}
