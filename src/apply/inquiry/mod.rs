//! Asks the vendor what came of batches in doubt, as far as it can tell.
//!
//! Its lists know scheduled and repeating tasks by the moment they happen, and broadcasts by task name. Of an
//! immediate push to targets they know nothing. What is listed was taken; what is absent was not, but only
//! once no request can still be on its way: [`SETTLE_MIN`]. Whatever is less clear stays in doubt.

mod judge;

use std::collections::{BTreeMap, HashSet};
use std::future::Future;

use chrono::{DateTime, TimeDelta, Utc};

use crate::apply::inquiry::judge::{Case, Moments, judge_named, judge_scheduled};
use crate::domain::Schedule;
use crate::ledger::{Doubt, Ledger, Serial};
use crate::vendor::{Client, NamedTask, QueryError, ScheduledTask};

/// The gateway takes a request up to this long after the time it was signed with (vendor page 435312), so
/// that before it absence proves nothing.
pub const SETTLE_MIN: TimeDelta = TimeDelta::minutes(15);

/// The same for broadcasts, which are looked for by name in a list made for statistics: no page says how soon
/// a task is in it.
pub const SETTLE_NAMED_MIN: TimeDelta = TimeDelta::hours(1);

/// How long after an intent its absence from a list is proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settle {
    /// From the list of scheduled tasks.
    pub listed: TimeDelta,
    /// From the list of broadcasts by name.
    pub named: TimeDelta,
}

/// How far the vendor's clock may be from ours; also what its gateway allows.
const CLOCK_SKEW_MAX: TimeDelta = TimeDelta::minutes(15);

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

impl Finding {
    /// Returns the task that is known to be its batch's.
    fn task_id(&self) -> Option<&str> {
        match &self.answer {
            Answer::Accepted { task_id, .. } => task_id.as_deref(),
            _ => None,
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
    let mut findings: Vec<Finding> = Vec::new();
    let mut scheduled: Vec<Case<'_>> = Vec::new();
    for doubt in ledger.doubts() {
        let content = ledger.history(&doubt.intent.campaign, doubt.intent.revision).map(|of| &of.content);
        let read = content.and_then(|content| Some((content, content.schedule()?)));
        let Some((content, schedule)) = read else {
            findings.push(cannot_tell(doubt, "the ledger does not say when it was to happen"));
            continue;
        };
        let settle = if content.is_broadcast() { settle.named } else { settle.listed };
        let settles_at = doubt.at.checked_add_signed(settle).unwrap_or(DateTime::<Utc>::MAX_UTC);
        let Some(moments) = moments(&schedule) else {
            findings.push(if content.is_broadcast() {
                let case = Case { doubt, content, settles_at, moments: Moments::Once(doubt.at) };
                Finding { intent: doubt.serial, answer: by_name(ask, &case, ledger, now).await? }
            } else {
                cannot_tell(doubt, "the vendor lists no immediate pushes to targets")
            });
            continue;
        };
        let case = Case { doubt, content, settles_at, moments };
        if content.is_broadcast() {
            let answer = by_name(ask, &case, ledger, now).await?;
            // Absent by name, it must be absent from the other list too.
            if !matches!(answer, Answer::Rejected { .. }) {
                findings.push(Finding { intent: doubt.serial, answer });
                continue;
            }
        }
        scheduled.push(case);
    }
    let found: HashSet<String> = findings.iter().filter_map(Finding::task_id).map(str::to_owned).collect();
    for group in by_moments(scheduled) {
        let (from, until) = window(&group, now);
        let listed = ask.scheduled_tasks(from, until).await?;
        let claimed = |task_id: &str| ledger.has_task(task_id) || found.contains(task_id);
        findings.extend(judge_scheduled(&group, listed, ledger, claimed, now));
    }
    findings.sort_by_key(|finding| finding.intent);
    Ok(findings)
}

async fn by_name<A: Ask>(
    ask: &A,
    case: &Case<'_>,
    ledger: &Ledger,
    now: DateTime<Utc>,
) -> Result<Answer, QueryError> {
    let since = case.doubt.at - CLOCK_SKEW_MAX;
    let listed = ask.named_tasks(&case.doubt.intent.task_name, since).await?;
    Ok(judge_named(case, &listed, ledger, now))
}

fn cannot_tell(doubt: &Doubt, why: &str) -> Finding {
    Finding { intent: doubt.serial, answer: Answer::CannotTell { why: why.to_owned() } }
}

fn moments(schedule: &Schedule) -> Option<Moments> {
    match schedule {
        Schedule::Now => None,
        Schedule::Once { at } => Some(Moments::Once(*at)),
        Schedule::Repeat(repeat) => Some(Moments::Until(repeat.over_at())),
    }
}

/// Batches of one moment are judged together, and so are all that repeat: their tasks could be taken for each
/// other's.
fn by_moments(cases: Vec<Case<'_>>) -> Vec<Vec<Case<'_>>> {
    let mut groups: BTreeMap<Option<DateTime<Utc>>, Vec<Case<'_>>> = BTreeMap::new();
    for case in cases {
        let key = match case.moments {
            Moments::Once(at) => Some(at),
            Moments::Until(_) => None,
        };
        groups.entry(key).or_default().push(case);
    }
    groups.into_values().collect()
}

/// Around the one moment; of what repeats, everything still to come. No page says on which days the vendor
/// repeats a push, so none is left out.
fn window(group: &[Case<'_>], now: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
    let ends = group.iter().map(|case| match case.moments {
        Moments::Once(at) | Moments::Until(at) => at,
    });
    let last = ends.max().expect("a group has a case");
    match group[0].moments {
        Moments::Once(at) => (at - MOMENT_SLACK, at + MOMENT_SLACK),
        Moments::Until(_) => (now, last + MOMENT_SLACK),
    }
}
