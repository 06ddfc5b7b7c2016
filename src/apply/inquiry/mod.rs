//! Asks the vendor what came of batches in doubt, as far as it can tell.
//!
//! Its lists know scheduled and repeating tasks by the moment they happen, and broadcasts and `PushMultiple`s by task
//! name. Of an immediate `PushTemplate` they know nothing. What is listed was taken; what is absent was not, but only
//! once no request can still be on its way ([`SETTLE_MIN`]), and only where the list has what it must have ([`control`]).
//! Whatever is less clear stays in doubt.

mod ask;
mod control;
mod judge;
mod near;

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};

use crate::apply::inquiry::control::NotShown;
use crate::apply::inquiry::judge::{Case, disguised, judge_named, judge_scheduled};
use crate::apply::send::DEPARTURE_MAX;
use crate::apply::verdict::not_sent_from;
use crate::domain::{Call, Schedule};
use crate::ledger::{Doubt, Ledger, Serial};
use crate::mpaas::{NamedTask, QueryError, ScheduledTask};

pub use ask::{Ask, Questions};

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
        /// Why, in words for who has to decide.
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

    /// Keeps absence as proof only where something shows that the list is whole.
    fn proven_by(self, shown: &Result<String, String>) -> Self {
        match (self, shown) {
            (Self::Rejected { evidence }, Ok(control)) => {
                Self::Rejected { evidence: format!("{evidence}, and {control}") }
            }
            (Self::Rejected { .. }, Err(why)) => Self::CannotTell { why: why.clone() },
            (answer, _) => answer,
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
        answers.extend(ask_by_name(ask, &group, ledger, now).await?);
    }
    let mut found: HashSet<String> =
        answers.values().filter_map(Answer::task_id).map(str::to_owned).collect();
    // Of one that the other list knows nothing certain of, this one may still have the task.
    let is_open =
        |case: &&Case<'_>| !matches!(answers.get(&case.doubt.serial), Some(Answer::Accepted { .. }));
    let mut of_moments = Vec::new();
    for group in by_moments(cases.iter().filter(is_open)) {
        let claimed = |task_id: &str| ledger.has_task(task_id) || found.contains(task_id);
        let judged = ask_by_moments(ask, &group, ledger, claimed, now).await?;
        found.extend(judged.iter().filter_map(|(_, answer)| answer.task_id()).map(str::to_owned));
        of_moments.extend(judged);
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

/// Asks about batches of one name, which must be all of them in doubt.
async fn ask_by_name<A: Ask>(
    ask: &A,
    group: &[&Case<'_>],
    ledger: &Ledger,
    now: DateTime<Utc>,
) -> Result<Vec<(Serial, Answer)>, QueryError> {
    // The oldest comes first, as in the ledger. `StartTime` may count days only, and those are of UTC+8.
    let since = day_of(group[0].doubt.at - CLOCK_SKEW_MAX) - TimeDelta::days(1);
    let name = &group[0].doubt.intent.task_name;
    let mut listed = match readable(ask.named_tasks(Some(name), since).await)? {
        Ok(listed) => listed,
        Err(why) => return Ok(cannot_tell(group, &why)),
    };
    let mut answers = judge_named(group, &listed, ledger, now);
    if !answers.iter().any(|(_, answer)| matches!(answer, Answer::Rejected { .. })) {
        return Ok(answers);
    }
    let mut evidence = BTreeMap::new();
    for case in group {
        let shown = match control::of_named(ask, case, &listed, since).await {
            Ok(shown) => {
                let is_new = |task: &NamedTask| !listed.contains(task);
                let more: Vec<NamedTask> = shown.more.into_iter().filter(is_new).collect();
                listed.extend(more);
                Ok(shown.evidence)
            }
            Err(NotShown::Because(why)) => Err(why),
            Err(NotShown::NoAnswer(error)) => return Err(error),
        };
        evidence.insert(case.doubt.serial, shown);
    }
    answers = judge_named(group, &listed, ledger, now);
    Ok(answers.into_iter().map(|(serial, answer)| (serial, answer.proven_by(&evidence[&serial]))).collect())
}

/// Asks about batches of one moment, or about all that repeat, which must be all of them in doubt.
async fn ask_by_moments<A: Ask>(
    ask: &A,
    group: &[&Case<'_>],
    ledger: &Ledger,
    claimed: impl Fn(&str) -> bool,
    now: DateTime<Utc>,
) -> Result<Vec<(Serial, Answer)>, QueryError> {
    let window = window(group.iter().map(|case| case.moments), now);
    let asked = window.by_days();
    let listed = match readable(ask.scheduled_tasks(asked.ends()).await)? {
        Ok(listed) => listed,
        Err(why) => return Ok(cannot_tell(group, &why)),
    };
    let within: Vec<ScheduledTask> = listed.iter().filter(|task| window.has(task.push_at)).cloned().collect();
    let mut answers = judge_scheduled(group, within, ledger, &claimed, now);
    for (serial, answer) in &mut answers {
        if !matches!(answer, Answer::Rejected { .. }) {
            continue;
        }
        let case =
            group.iter().find(|case| case.doubt.serial == *serial).expect("answers are about the group");
        if let Some(seen) = disguised(case, &listed, (window, asked), &claimed) {
            *answer = case.unclear(now, &format!("the vendor lists {seen}"));
            continue;
        }
        let shown = match control::of_scheduled(ask, case, (&listed, asked), ledger, now).await {
            Ok(evidence) => Ok(evidence),
            Err(NotShown::Because(why)) => Err(why),
            Err(NotShown::NoAnswer(error)) => return Err(error),
        };
        *answer = answer.clone().proven_by(&shown);
    }
    Ok(answers)
}

/// What cannot be read leaves in doubt what was asked about, and nothing else.
fn readable<T>(answer: Result<T, QueryError>) -> Result<Result<T, String>, QueryError> {
    match answer {
        Err(error @ QueryError::Unreadable(_)) => Ok(Err(error.to_string())),
        answer => answer.map(Ok),
    }
}

fn cannot_tell(group: &[&Case<'_>], why: &str) -> Vec<(Serial, Answer)> {
    let answer = |case: &&Case<'_>| (case.doubt.serial, Answer::CannotTell { why: why.to_owned() });
    group.iter().map(answer).collect()
}

/// Gathers what is needed to recognise a batch's task, or says why there is nothing to recognise.
fn case<'a>(ledger: &'a Ledger, doubt: &'a Doubt, settle: Settle) -> Result<Case<'a>, &'static str> {
    let history = ledger.history(&doubt.intent.campaign, doubt.intent.revision);
    let read = history.and_then(|history| Some((&history.content, history.content.schedule()?)));
    let (content, schedule) = read.ok_or("the ledger does not say when it was to happen")?;
    let call = if content.is_broadcast() { Call::Broadcast } else { doubt.intent.call };
    let moments = moments(&schedule);
    if moments == Moments::AtOnce && !call.is_listed_by_name() {
        return Err("the vendor lists no immediate pushes of `PushTemplate`");
    }
    let settle = if call.is_listed_by_name() { settle.named } else { settle.listed };
    let settles_at = doubt.at.checked_add_signed(settle).unwrap_or(DateTime::<Utc>::MAX_UTC);
    let settles_at = not_sent_from(ledger, doubt.serial).map_or(settles_at, |fenced| fenced.max(settles_at));
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

/// When a task happens, as far as it matters to find it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moments {
    /// As soon as it is taken: in no list of moments.
    AtOnce,
    /// At this time alone.
    Once(DateTime<Utc>),
    /// On several days.
    Repeat {
        /// When it happens for the last time; nothing if it never does.
        last: Option<DateTime<Utc>>,
        /// When its last day ends.
        over_at: DateTime<Utc>,
    },
}

impl Moments {
    /// Whether a list of what is to come has lost it, or may have.
    fn are_over(self, now: DateTime<Utc>) -> bool {
        let last = match self {
            Self::AtOnce => None,
            Self::Once(at) => Some(at),
            // What happened before is in no list of what is to come.
            Self::Repeat { last, .. } => last,
        };
        last.is_none_or(|last| last - MOMENT_SLACK <= now)
    }
}

fn moments(schedule: &Schedule) -> Moments {
    match schedule {
        Schedule::Now => Moments::AtOnce,
        Schedule::Once { at } => Moments::Once(*at),
        Schedule::Repeat(repeat) => {
            let last = schedule.firing_times_after(DateTime::<Utc>::MIN_UTC).last();
            Moments::Repeat { last, over_at: repeat.over_at() }
        }
    }
}

/// A span of moments, both ends included.
#[derive(Clone, Copy)]
struct Window {
    from: DateTime<Utc>,
    until: DateTime<Utc>,
}

impl Window {
    fn has(self, at: DateTime<Utc>) -> bool {
        (self.from..=self.until).contains(&at)
    }

    /// Returns what to ask for where the vendor counts days: whole ones of UTC+8, and one more at each end.
    fn by_days(self) -> Self {
        Self { from: day_of(self.from) - TimeDelta::days(1), until: day_of(self.until) + TimeDelta::days(2) }
    }

    fn ends(self) -> (DateTime<Utc>, DateTime<Utc>) {
        (self.from, self.until)
    }

    /// Whether a moment would be in it for whoever takes UTC for UTC+8, or the other way round.
    fn has_shifted(self, at: DateTime<Utc>) -> bool {
        !self.has(at) && (self.has(at + EAST) || self.has(at - EAST))
    }
}

/// Around moments; of what repeats, everything still to come. No page says on which days the vendor repeats a push, so
/// none is left out.
fn window(moments: impl Iterator<Item = Moments>, now: DateTime<Utc>) -> Window {
    let spans = moments.filter_map(|moments| match moments {
        Moments::AtOnce => None,
        Moments::Once(at) => Some((at, at)),
        Moments::Repeat { over_at, .. } => Some((now, over_at)),
    });
    let both = spans.reduce(|(from, until), (start, end)| (from.min(start), until.max(end)));
    let (from, until) = both.unwrap_or((now, now));
    Window { from: from - MOMENT_SLACK, until: until + MOMENT_SLACK }
}

/// The vendor's clock is UTC+8.
const EAST: TimeDelta = TimeDelta::hours(8);

/// Returns when the day of a moment began: the vendor's days are of UTC+8.
fn day_of(at: DateTime<Utc>) -> DateTime<Utc> {
    (at + EAST).date_naive().and_time(NaiveTime::MIN).and_utc() - EAST
}

/// Whether a task that the vendor says it made then can be of a request whose intent was written so: neither before it
/// left nor long after.
fn can_have_made(intended_at: DateTime<Utc>, created_at: DateTime<Utc>) -> bool {
    let latest = intended_at + DEPARTURE_MAX + CLOCK_SKEW_MAX * 2;
    (intended_at - CLOCK_SKEW_MAX..=latest).contains(&created_at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vendors_days_begin_at_midnight_in_shanghai() {
        let day = |text: &str| day_of(text.parse().unwrap()).to_rfc3339();
        assert_eq!(day("2026-11-30T15:59:59Z"), "2026-11-29T16:00:00+00:00");
        assert_eq!(day("2026-11-30T16:00:00Z"), "2026-11-30T16:00:00+00:00");
    }
}
