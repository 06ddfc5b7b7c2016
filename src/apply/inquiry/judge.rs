//! What a list of tasks proves about batches in doubt. Pure: nothing is asked here.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::apply::inquiry::near::{is_alike, is_nearly};
use crate::apply::inquiry::{Answer, LISTED_MAX, MOMENT_SLACK, Moments, Window, can_have_made};
use crate::domain::{Call, Schedule};
use crate::ledger::{Content, Doubt, History, Ledger, Serial};
use crate::mpaas::{NamedTask, ScheduledTask};
use crate::plan;

/// A batch in doubt, with what is needed to recognise its task.
pub(super) struct Case<'a> {
    pub(super) doubt: &'a Doubt,
    pub(super) content: &'a Content,
    /// By which call it left.
    pub(super) call: Call,
    /// From when on its absence is proof.
    pub(super) settles_at: DateTime<Utc>,
    /// When it happens.
    pub(super) moments: Moments,
}

impl Case<'_> {
    /// Whether a task can have been made by its request: neither before it left nor long after.
    pub(super) fn can_have_made(&self, created_at: Option<DateTime<Utc>>) -> bool {
        created_at.is_none_or(|created_at| can_have_made(self.doubt.at, created_at))
    }

    /// What it is, in words.
    pub(super) fn kind(&self) -> String {
        let timing = match self.moments {
            Moments::AtOnce => "immediate",
            Moments::Once(_) => "scheduled",
            Moments::Repeat { .. } => "repeating",
        };
        format!("{timing} `{}`", self.call.as_str())
    }

    /// Whether a task says what it says. The vendor does not tell whether its list has the template's words
    /// or the filled-in ones, so either will do, and so will a list without any.
    fn is_like(&self, task: &ScheduledTask) -> bool {
        self.happens_like(task) && self.says_like(task) && self.can_have_made(task.created_at)
    }

    fn says_like(&self, task: &ScheduledTask) -> bool {
        let task_type = match self.call {
            Call::Template => 1,
            Call::Multiple => 2,
            Call::Broadcast => 3,
        };
        if task.task_type != task_type {
            return false;
        }
        let is_wordless = task.title.is_empty() && task.content.is_empty();
        let words = self.content.words();
        is_wordless || words.iter().any(|(title, body)| *title == task.title && *body == task.content)
    }

    fn happens_like(&self, task: &ScheduledTask) -> bool {
        match self.moments {
            Moments::AtOnce => false,
            Moments::Once(_) => task.strategy_type == 1 && !task.has_parent,
            Moments::Repeat { .. } => task.repeats(),
        }
    }

    /// Whether it is gone from the list even if it was taken, or may be for all that is known.
    fn is_over(&self, now: DateTime<Utc>) -> bool {
        match self.moments {
            Moments::AtOnce => self.doubt.at + LISTED_MAX <= now,
            moments => moments.are_over(now),
        }
    }

    /// What tasks that may be its own, or another's, say of it at `now`.
    pub(super) fn unclear(&self, now: DateTime<Utc>, seen: &str) -> Answer {
        if now < self.settles_at {
            let why = format!("{seen}, and more may still be on their way");
            return Answer::TooEarly { until: self.settles_at, why };
        }
        Answer::CannotTell { why: format!("{seen} that may or may not be this batch") }
    }

    /// What absence says of it at `now`.
    fn absent(&self, now: DateTime<Utc>, where_from: &str) -> Answer {
        if self.is_over(now) {
            let why = "its time is over, and no page says how long the vendor lists what is over";
            return Answer::CannotTell { why: why.to_owned() };
        }
        if now < self.settles_at {
            let why = "it is not listed, but may still be on its way".to_owned();
            return Answer::TooEarly { until: self.settles_at, why };
        }
        Answer::Rejected { evidence: where_from.to_owned() }
    }
}

/// Looks for broadcasts and `PushMultiple`s of one name among tasks. `cases` must be all of them in doubt.
pub(super) fn judge_named(
    cases: &[&Case<'_>],
    listed: &[NamedTask],
    ledger: &Ledger,
    now: DateTime<Utc>,
) -> Vec<(Serial, Answer)> {
    let task_name = &*cases[0].doubt.intent.task_name;
    let nobodys = || listed.iter().filter(|task| !ledger.has_task(&task.task_id));
    let unclaimed: Vec<&NamedTask> = nobodys().filter(|task| task.task_name == task_name).collect();
    let is_near = |name: &str| {
        is_nearly(name, task_name) || (is_alike(name, task_name) && !is_known_name(ledger, name))
    };
    let nearly = nobodys().find(|task| task.task_name != task_name && is_near(&task.task_name));
    let can_be = |case: &Case<'_>, task: &NamedTask| case.can_have_made(task.created_at);
    let found: Vec<&NamedTask> =
        unclaimed.iter().copied().filter(|task| cases.iter().any(|case| can_be(case, task))).collect();
    let unnamed = unnamed_called(cases, ledger);
    let is_each_there = cases.iter().all(|case| found.iter().any(|task| can_be(case, task)));
    let is_each_sent = found.len() as u64 == cases.len() as u64 + unnamed && is_each_there;
    let answer = |(place, case): (usize, &&Case<'_>)| {
        let answer = if is_each_sent {
            let task_id = (unnamed == 0).then(|| found[place].task_id.clone());
            let evidence = format!("QueryPushAnalysisTaskList has {} of that name", text_of(found.len()));
            Answer::Accepted { task_id, evidence }
        } else if let (true, Some(nearly)) = (unclaimed.is_empty(), nearly) {
            case.unclear(now, &format!("the vendor lists a task of nearly its name (`{}`)", nearly.task_name))
        } else if unclaimed.is_empty() {
            case.absent(now, "QueryPushAnalysisTaskList has no task of that name but those of other batches")
        } else {
            // When a task was made shows whose it is, but never that it is another's: no page says how the vendor counts.
            case.unclear(now, &format!("the vendor lists {} of that name", text_of(unclaimed.len())))
        };
        (case.doubt.serial, answer)
    };
    cases.iter().enumerate().map(answer).collect()
}

/// Whether another batch is known to be called so: one in doubt, or one that was accepted beside one.
fn is_known_name(ledger: &Ledger, name: &str) -> bool {
    let is_called = |doubt: &&Doubt| {
        doubt.intent.task_name == name || doubt.controls.iter().any(|control| control.task_name == name)
    };
    ledger.doubts().iter().any(is_called)
}

/// Counts tasks of the cases' name that were taken, of which nobody knows the id. Only a name of the user's own can stand
/// for more than one: for a broadcast, or for one `PushMultiple` of each campaign that has it.
fn unnamed_called(cases: &[&Case<'_>], ledger: &Ledger) -> u64 {
    let task_name = &*cases[0].doubt.intent.task_name;
    let of_batch = task_name.rsplit_once('#').map(|(name, _)| name);
    // The batches of one campaign have names that differ, so its own are no namesakes.
    let own: Vec<&History> = cases
        .iter()
        .filter_map(|case| ledger.history(&case.doubt.intent.campaign, case.doubt.intent.revision))
        .collect();
    let namesakes = ledger.unnamed_tasks().map(|(history, count)| {
        let name = history.content.as_map().get("task_name").and_then(|name| name.as_str());
        let is_called = name == Some(task_name);
        if history.content.is_broadcast() {
            return if is_called { count } else { 0 };
        }
        let is_called = is_called || (name.is_some() && name == of_batch);
        let is_own = own.iter().any(|own| std::ptr::eq(*own, history));
        u64::from(is_called && !is_own && count > 0)
    });
    namesakes.sum()
}

/// Looks for batches that happen at the same moment among all tasks of that moment, or for batches that repeat
/// among all tasks that do. `cases` must be all batches in doubt of that moment, and `claimed` tells which tasks are
/// known to be of other batches.
///
/// The list has neither task names nor message keys. So a batch counts as taken only where exactly as many
/// unclaimed tasks of its words are there as there are such batches in doubt, and such ones that were taken as
/// nobody knows which task; and as not taken only where no unclaimed task is left at that moment at all, whatever
/// its words.
pub(super) fn judge_scheduled(
    cases: &[&Case<'_>],
    listed: Vec<ScheduledTask>,
    ledger: &Ledger,
    claimed: impl Fn(&str) -> bool,
    now: DateTime<Utc>,
) -> Vec<(Serial, Answer)> {
    let all_repeat = cases.iter().all(|case| matches!(case.moments, Moments::Repeat { .. }));
    let unclaimed =
        listed.into_iter().filter(|task| !claimed(&task.task_id) && (task.repeats() || !all_repeat));
    // A task that happens twice within the window is one task.
    let mut left: BTreeMap<String, ScheduledTask> =
        unclaimed.map(|task| (task.task_id.clone(), task)).collect();
    let mut findings = Vec::new();
    let mut unclear = Vec::new();
    for alike in by_words(cases) {
        let matching: Vec<&ScheduledTask> =
            left.values().filter(|task| alike.iter().any(|case| case.is_like(task))).collect();
        let unnamed = unnamed_like(alike[0], ledger);
        let is_each_there = alike.iter().all(|case| matching.iter().any(|task| case.is_like(task)));
        if matching.len() as u64 != alike.len() as u64 + unnamed || !is_each_there {
            unclear.extend(alike);
            continue;
        }
        let task_ids: Vec<String> = matching.into_iter().map(|task| task.task_id.clone()).collect();
        // Which task is whose matters to nobody as long as each has one; with others among them, none is said.
        let mut named = task_ids.iter().filter(|_| unnamed == 0);
        for case in alike {
            let count = text_of(task_ids.len());
            let evidence = format!("QueryPushSchedulerList has {count} at its time, as many as were sent");
            findings.push((case.doubt.serial, Answer::Accepted { task_id: named.next().cloned(), evidence }));
        }
        left.retain(|task_id, _| !task_ids.contains(task_id));
    }
    findings.extend(unclear.into_iter().map(|case| (case.doubt.serial, of_unclear(case, left.len(), now))));
    findings
}

/// What is to say of a batch whose task is not there for certain, with so many tasks left that could be it.
fn of_unclear(case: &Case<'_>, left: usize, now: DateTime<Utc>) -> Answer {
    if left == 0 {
        return case.absent(now, "QueryPushSchedulerList has no task at its time but those of other batches");
    }
    case.unclear(now, &format!("the vendor lists {} at its time", text_of(left)))
}

/// Finds what else in a list may be a batch that is not there at its time: a task whose time may be counted otherwise, or
/// one that looks like the batch and stands below another's task. `asked` is what the list was asked for.
pub(super) fn disguised(
    case: &Case<'_>,
    listed: &[ScheduledTask],
    (window, asked): (Window, Window),
    claimed: impl Fn(&str) -> bool,
) -> Option<&'static str> {
    let repeats = matches!(case.moments, Moments::Repeat { .. });
    let is_strayed = |task: &ScheduledTask| !asked.has(task.push_at) || window.has_shifted(task.push_at);
    if listed.iter().any(|task| !claimed(&task.task_id) && (task.repeats() || !repeats) && is_strayed(task)) {
        return Some("a task whose time may be counted otherwise,");
    }
    let mut seen = BTreeSet::new();
    let is_hidden = |task: &ScheduledTask| {
        let is_like = task.has_parent && claimed(&task.task_id) && case.says_like(task);
        // A repeating task has one row for each of its moments, and one that happens once has no other row.
        let is_one_too_many = if repeats {
            !seen.insert((task.task_id.clone(), task.push_at))
        } else {
            task.strategy_type == 1 && window.has(task.push_at)
        };
        is_like && is_one_too_many
    };
    listed.iter().any(is_hidden).then_some("a task like it below another batch's task")
}

fn text_of(tasks: usize) -> String {
    if tasks == 1 { "one task".to_owned() } else { plan::tasks(tasks as u64) }
}

/// Counts batches like this one that were taken, of which nobody knows the task: their tasks look like its own.
fn unnamed_like(case: &Case<'_>, ledger: &Ledger) -> u64 {
    let of_words = ledger.unnamed_tasks().filter(|(history, _)| {
        is_same(&history.content, case.content) && is_near(history.content.schedule().as_ref(), case.moments)
    });
    of_words.map(|(_, count)| count).sum()
}

/// Whether what happens then can stand in the window of a batch.
fn is_near(schedule: Option<&Schedule>, moments: Moments) -> bool {
    match (schedule, moments) {
        (Some(Schedule::Once { at }), Moments::Once(other)) => (*at - other).abs() <= MOMENT_SLACK * 2,
        (Some(Schedule::Repeat(_)), Moments::Repeat { .. }) => true,
        _ => false,
    }
}

/// Whether the list could not tell batches of two contents apart, but for their moments.
fn is_same(one: &Content, other: &Content) -> bool {
    let kind = |content: &Content| content.schedule().map(|schedule| std::mem::discriminant(&schedule));
    one.is_broadcast() == other.is_broadcast() && one.words() == other.words() && kind(one) == kind(other)
}

/// Groups batches that the list could not tell apart.
fn by_words<'a, 'b>(cases: &[&'b Case<'a>]) -> Vec<Vec<&'b Case<'a>>> {
    let mut groups: Vec<Vec<&Case<'a>>> = Vec::new();
    for &case in cases {
        let is_alike = |other: &Case<'_>| other.call == case.call && is_same(other.content, case.content);
        match groups.iter_mut().find(|group| is_alike(group[0])) {
            Some(group) => group.push(case),
            None => groups.push(vec![case]),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        Broadcast, CallChoice, Campaign, Classification, ExpiresAfter, LedgerSalt, Login, Platform,
        Recipients, Revision, Schedule, TargetHash, TargetKind, Template, Within,
    };
    use crate::ledger::{
        Entry, FORMAT_VERSION, FoldError, Header, IntentRecord, Lineage, Outcome, Record, RunId, Serial,
    };

    fn at(minutes: i64) -> DateTime<Utc> {
        "2026-12-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap() + chrono::TimeDelta::minutes(minutes)
    }

    /// Long after every request settled, and before it fires.
    const SETTLED: i64 = 60;
    const FIRES: i64 = 600;

    fn content(body: &str, recipients: Recipients) -> Content {
        content_at(body, recipients, at(FIRES))
    }

    fn content_at(body: &str, recipients: Recipients, fires: DateTime<Utc>) -> Content {
        Content::of(&Campaign {
            id: "c".parse().unwrap(),
            revision: Revision::FIRST,
            template: Template { name: "t".parse().unwrap(), title: "T".into(), body: body.into() },
            values: [("name".to_owned(), "Li".to_owned())].into(),
            values_from: BTreeMap::new(),
            recipients,
            call: CallChoice::Auto,
            classification: Classification::default(),
            schedule: Schedule::Once { at: fires },
            expires_after: ExpiresAfter::from_seconds(60).unwrap(),
            task_name: None,
            extended_params: std::collections::BTreeMap::new(),
            channel: None,
            transparent: None,
            sms: None,
            live_activity: None,
        })
    }

    fn intent(campaign: &str, batch: u32) -> IntentRecord {
        IntentRecord {
            run: RunId::new(uuid::Uuid::from_u128(1)),
            campaign: campaign.parse().unwrap(),
            revision: Revision::FIRST,
            batch,
            call: crate::domain::Call::Template,
            task_name: format!("e/{campaign}@1#{batch}"),
            nonce: batch.to_string(),
            request: None,
            over_at: Some(at(FIRES)),
            targets: vec![TargetHash::of(&LedgerSalt::new([1; 16]), TargetKind::User, &"u".parse().unwrap())],
        }
    }

    /// A ledger with batches of campaigns (each with its body): accepted with a task, or in doubt.
    fn ledger(batches: &[(&str, &str, Option<&str>)], recipients: Recipients) -> Ledger {
        let with_content =
            batches.iter().map(|(campaign, body, task)| (*campaign, content(body, recipients), *task));
        ledger_of(with_content.collect())
    }

    fn ledger_of(batches: Vec<(&str, Content, Option<&str>)>) -> Ledger {
        let header = Header {
            format: FORMAT_VERSION,
            lineage: Lineage::new(uuid::Uuid::from_u128(1)),
            salt: LedgerSalt::new([1; 16]),
            project: "p".parse().unwrap(),
            environment: "e".parse().unwrap(),
            app_id: "A".into(),
            workspace_id: "w".into(),
            destination: None,
            key: None,
        };
        let mut records = vec![Record::Opened(header)];
        for (place, (campaign, content, task)) in batches.into_iter().enumerate() {
            let run = RunId::new(uuid::Uuid::from_u128(1));
            records.push(Record::Submitted {
                run,
                campaign: campaign.parse().unwrap(),
                revision: Revision::FIRST,
                digest: content.digest(),
                content,
                planned: None,
            });
            records.push(Record::Intent(intent(campaign, u32::try_from(place).unwrap())));
            if let Some(task) = task {
                // An empty one stands for a batch that a person says was sent.
                let task_id = Some(task.to_owned()).filter(|task| !task.is_empty());
                let outcome = Outcome::Accepted { request_id: None, task_id };
                records.push(Record::Outcome { intent: Serial(records.len() as u64), outcome });
            }
        }
        let entries = records
            .into_iter()
            .zip(1..)
            .map(|(record, serial)| Ok::<_, FoldError>(Entry { serial: Serial(serial), at: at(0), record }));
        Ledger::fold(entries).unwrap()
    }

    fn task(id: &str, content: &str) -> ScheduledTask {
        ScheduledTask {
            task_id: id.to_owned(),
            push_at: at(FIRES),
            title: "T".to_owned(),
            content: content.to_owned(),
            task_type: 1,
            strategy_type: 1,
            has_parent: false,
            created_at: Some(at(0)),
        }
    }

    fn case<'a>(ledger: &'a Ledger, doubt: &'a Doubt) -> Case<'a> {
        let content = &ledger.history(&doubt.intent.campaign, doubt.intent.revision).unwrap().content;
        let Some(Schedule::Once { at: fires }) = content.schedule() else { unreachable!("all are for once") };
        let settles_at = doubt.at + chrono::TimeDelta::minutes(20);
        Case { doubt, content, call: doubt.intent.call, settles_at, moments: Moments::Once(fires) }
    }

    fn cases(ledger: &Ledger) -> Vec<Case<'_>> {
        ledger.doubts().into_iter().map(|doubt| case(ledger, doubt)).collect()
    }

    /// `+ID` taken, `-` not taken, `…` too early, `?` cannot tell; one for each doubt.
    fn judged(ledger: &Ledger, listed: &[ScheduledTask], now: i64) -> String {
        let cases = cases(ledger);
        let cases: Vec<&Case<'_>> = cases.iter().collect();
        let found = judge_scheduled(&cases, listed.to_vec(), ledger, |id| ledger.has_task(id), at(now));
        in_order(found)
    }

    /// The same for broadcasts that all have one name.
    fn named(ledger: &Ledger, listed: &[NamedTask], now: i64) -> String {
        let cases = cases(ledger);
        let cases: Vec<&Case<'_>> = cases.iter().collect();
        in_order(judge_named(&cases, listed, ledger, at(now)))
    }

    fn in_order(mut found: Vec<(Serial, Answer)>) -> String {
        found.sort_by_key(|(intent, _)| *intent);
        found.iter().map(|(_, answer)| in_short(answer)).collect::<Vec<_>>().join(" ")
    }

    fn in_short(answer: &Answer) -> String {
        match answer {
            Answer::Accepted { task_id, .. } => format!("+{}", task_id.as_deref().unwrap_or("")),
            Answer::Rejected { .. } => "-".to_owned(),
            Answer::TooEarly { .. } => "…".to_owned(),
            Answer::CannotTell { .. } => "?".to_owned(),
        }
    }

    const USERS: Recipients = Recipients::Targets(TargetKind::User);

    #[test]
    fn a_task_that_nobody_else_made_is_the_batch() {
        let ledger = ledger(&[("c", "B", Some("1")), ("c", "B", None)], USERS);
        assert_eq!(judged(&ledger, &[task("1", "B"), task("2", "B")], 1), "+2");
    }

    #[test]
    fn absence_is_proof_only_once_nothing_can_be_on_its_way_and_before_it_fires() {
        let ledger = ledger(&[("c", "B", Some("1")), ("c", "B", None)], USERS);
        let listed = [task("1", "B")];
        assert_eq!(judged(&ledger, &listed, 19), "…");
        assert_eq!(judged(&ledger, &listed, SETTLED), "-");
        assert_eq!(judged(&ledger, &listed, FIRES), "?");
    }

    #[test]
    fn fewer_or_more_tasks_than_batches_prove_nothing() {
        let ledger = ledger(&[("c", "B", None), ("c", "B", None)], USERS);
        assert_eq!(judged(&ledger, &[task("1", "B")], SETTLED), "? ?");
        assert_eq!(judged(&ledger, &[task("1", "B"), task("2", "B"), task("3", "B")], SETTLED), "? ?");
        assert_eq!(judged(&ledger, &[task("1", "B"), task("2", "B")], SETTLED), "+1 +2");
        assert_eq!(judged(&ledger, &[], SETTLED), "- -");
    }

    /// Found by the crash loop: the task of a batch that a person had marked as sent was taken for another's.
    #[test]
    fn a_batch_that_was_sent_as_nobody_knows_which_task_is_counted_among_them() {
        let ledger = ledger(&[("c", "B", Some("")), ("c", "B", None)], USERS);
        assert_eq!(judged(&ledger, &[task("1", "B")], SETTLED), "?");
        assert_eq!(judged(&ledger, &[task("1", "B"), task("2", "B")], SETTLED), "+");
        assert_eq!(judged(&ledger, &[task("1", "B"), task("2", "B"), task("3", "B")], SETTLED), "?");
        assert_eq!(judged(&ledger, &[], SETTLED), "-");
    }

    #[test]
    fn a_task_of_other_words_could_still_be_the_batch() {
        let ledger = ledger(&[("c", "B #name#", None)], USERS);
        assert_eq!(judged(&ledger, &[task("1", "something else")], SETTLED), "?");
        assert_eq!(judged(&ledger, &[task("1", "B Li")], SETTLED), "+1");
        assert_eq!(judged(&ledger, &[task("1", "B #name#")], SETTLED), "+1");
        let wordless = ScheduledTask { title: String::new(), ..task("1", "") };
        assert_eq!(judged(&ledger, &[wordless], SETTLED), "+1");
        let old = ScheduledTask { created_at: Some(at(-60)), ..task("1", "B Li") };
        assert_eq!(judged(&ledger, &[old], SETTLED), "?");
        let broadcast = ScheduledTask { task_type: 3, ..task("1", "B Li") };
        assert_eq!(judged(&ledger, &[broadcast], SETTLED), "?");
    }

    #[test]
    fn campaigns_of_one_moment_are_told_apart_by_their_words() {
        let ledger = ledger(&[("c", "B", None), ("d", "D", None)], USERS);
        assert_eq!(judged(&ledger, &[task("1", "D")], SETTLED), "- +1");
        assert_eq!(judged(&ledger, &[task("1", "D"), task("2", "B")], SETTLED), "+2 +1");
        assert_eq!(judged(&ledger, &[task("1", "D"), task("2", "X")], SETTLED), "? +1");
    }

    #[test]
    fn a_broadcast_is_found_by_its_name() {
        let everyone = Recipients::Broadcast(Broadcast {
            platform: Platform::Android,
            login: Login::All,
            within: Some(Within::Days7),
        });
        let ledger = ledger(&[("c", "B", Some("1")), ("c", "B", None)], everyone);
        let task = |id: &str, created: i64| NamedTask {
            task_id: id.to_owned(),
            task_name: "e/c@1#1".to_owned(),
            created_at: Some(at(created)),
        };
        let judged = |listed: &[NamedTask], now| named(&ledger, listed, now);
        assert_eq!(judged(&[task("2", 0)], 1), "+2");
        assert_eq!(judged(&[], 1), "…");
        assert_eq!(judged(&[], SETTLED), "-");
        // Of an earlier batch.
        assert_eq!(judged(&[task("1", 0)], SETTLED), "-");
        // Of an earlier year, or the vendor's clock counts otherwise than ours.
        for created in [-500, 500] {
            assert_eq!(judged(&[task("1", 0), task("3", created)], SETTLED), "?");
            assert_eq!(judged(&[task("1", 0), task("3", created)], 1), "…");
        }
    }

    #[test]
    fn a_push_at_once_is_looked_for_during_a_week_and_then_absence_proves_nothing() {
        let ledger = ledger(&[("c", "B", None)], USERS);
        let mut cases = cases(&ledger);
        cases[0].moments = Moments::AtOnce;
        let judged = |minutes| in_order(judge_named(&[&cases[0]], &[], &ledger, at(minutes)));
        assert_eq!([1, SETTLED, 7 * 24 * 60 - 1, 7 * 24 * 60].map(judged), ["…", "-", "-", "?"]);
    }

    /// A name of the user's own may stand for several broadcasts.
    #[test]
    fn broadcasts_of_one_name_are_counted() {
        let everyone = Broadcast { platform: Platform::Ios, login: Login::All, within: Some(Within::Days7) };
        let everyone = Recipients::Broadcast(everyone);
        let task = |id: &str| NamedTask {
            task_id: id.to_owned(),
            task_name: "n".to_owned(),
            created_at: Some(at(0)),
        };
        let two = ledger(&[("c", "B", None), ("d", "D", None)], everyone);
        let mut doubts: Vec<Doubt> = two.doubts().into_iter().cloned().collect();
        for doubt in &mut doubts {
            doubt.intent.task_name = "n".to_owned();
        }
        let named = |ledger: &Ledger, listed: &[NamedTask], now| {
            let cases: Vec<Case<'_>> = doubts.iter().map(|doubt| case(ledger, doubt)).collect();
            in_order(judge_named(&cases.iter().collect::<Vec<_>>(), listed, ledger, at(now)))
        };
        assert_eq!(named(&two, &[task("1")], SETTLED), "? ?");
        assert_eq!(named(&two, &[task("1")], 1), "… …");
        assert_eq!(named(&two, &[task("1"), task("2")], SETTLED), "+1 +2");
        assert_eq!(named(&two, &[], SETTLED), "- -");
    }

    /// The vendor may list a task some seconds from its moment.
    #[test]
    fn the_task_of_a_neighbouring_moment_could_be_the_batch_too() {
        let soon = at(FIRES) + chrono::TimeDelta::seconds(30);
        let batches = vec![("c", content("B", USERS), None), ("d", content_at("B", USERS, soon), None)];
        let ledger = ledger_of(batches);
        assert_eq!(judged(&ledger, &[task("1", "B")], SETTLED), "? ?");
        assert_eq!(judged(&ledger, &[task("1", "B"), task("2", "B")], SETTLED), "+1 +2");
        // One moment of a repeating task is no task for once.
        let child = ScheduledTask { has_parent: true, ..task("2", "B") };
        assert_eq!(judged(&ledger, &[task("1", "B"), child], SETTLED), "? ?");
    }

    /// The vendor's clock may be a quarter of an hour from ours, and its gateway takes a request for as long again.
    #[test]
    fn a_task_can_be_the_batchs_from_15_minutes_before_its_intent_to_32_after() {
        let minutes = [-16, -15, 0, 32, 33, 60];
        let is_own = minutes.map(|minutes| can_have_made(at(0), at(minutes)));
        assert_eq!(is_own, [false, true, true, true, false, false]);
        let ledger = ledger(&[("c", "B", None)], USERS);
        let made = |minutes| ScheduledTask { created_at: Some(at(minutes)), ..task("1", "B") };
        assert_eq!(judged(&ledger, &[made(32)], SETTLED), "+1");
        assert_eq!(judged(&ledger, &[made(33)], SETTLED), "?");
    }

    #[test]
    fn a_task_of_nearly_its_name_could_be_the_batch_unless_it_is_anothers() {
        let ledger = ledger(&[("c", "B", Some("7")), ("c", "B", None)], USERS);
        let task = |id: &str, name: &str| NamedTask {
            task_id: id.to_owned(),
            task_name: name.to_owned(),
            created_at: Some(at(0)),
        };
        assert_eq!(named(&ledger, &[task("8", "E/C@1#1")], SETTLED), "?");
        assert_eq!(named(&ledger, &[task("8", "e/c@1")], SETTLED), "?");
        assert_eq!(named(&ledger, &[task("8", "e/c@1")], 1), "…");
        assert_eq!(named(&ledger, &[task("7", "e/c@1")], SETTLED), "-");
        assert_eq!(named(&ledger, &[task("8", "e/c@1#2"), task("9", "other")], SETTLED), "-");
        // Escaped, of other signs, or with something around it.
        for changed in ["e%2Fc%401%231", "e&#47;c@1#1", "e_c_1_1", "[test] e/c@1#1", "e/c@1#11"] {
            assert_eq!(named(&ledger, &[task("8", changed)], SETTLED), "?", "{changed}");
            assert_eq!(named(&ledger, &[task("7", changed)], SETTLED), "-", "{changed}");
        }
        // Unless another one in doubt, or the one that was accepted before, is called so.
        assert_eq!(named(&ledger, &[task("8", "e/c@1#0")], SETTLED), "-");
        let many = (1..=12).map(|number| ("c", "B", (number < 2).then_some("7")));
        let ledger = self::ledger(&many.collect::<Vec<_>>(), USERS);
        let said = |name: &str| {
            let cases = cases(&ledger);
            assert_eq!(cases[0].doubt.intent.task_name, "e/c@1#1");
            in_order(judge_named(&[&cases[0]], &[task("8", name)], &ledger, at(SETTLED)))
        };
        assert_eq!(["e/c@1#11", "e/c@1#12"].map(said), ["-", "?"]);
    }

    #[test]
    fn a_task_of_its_very_name_is_never_absence_whenever_it_was_made() {
        let ledger = ledger(&[("c", "B", None)], USERS);
        let eight_hours = 8 * 60;
        for created_at in [
            None,
            Some(DateTime::UNIX_EPOCH),
            DateTime::from_timestamp_millis(at(0).timestamp()),
            Some(at(eight_hours)),
            Some(at(-eight_hours)),
            Some(at(55)),
        ] {
            let task = NamedTask { task_id: "8".to_owned(), task_name: "e/c@1#0".to_owned(), created_at };
            let said = named(&ledger, &[task], SETTLED);
            assert_eq!(said, if created_at.is_none() { "+8" } else { "?" }, "{created_at:?}");
        }
    }

    #[test]
    fn a_task_whose_time_may_be_counted_otherwise_or_that_has_anothers_parent_may_be_the_batch() {
        let ledger = ledger(&[("c", "B", Some("1")), ("c", "B", None)], USERS);
        let cases = cases(&ledger);
        let window = crate::apply::inquiry::window([cases[0].moments].into_iter(), at(SETTLED));
        let found = |repeats: bool, listed: &[ScheduledTask]| {
            let mut case = case(&ledger, cases[0].doubt);
            if repeats {
                case.moments = Moments::Repeat { last: Some(at(FIRES)), over_at: at(FIRES) };
            }
            disguised(&case, listed, (window, window.by_days()), |id| ledger.has_task(id)).is_some()
        };
        let at_time = |push_at| ScheduledTask { push_at, ..task("8", "X") };
        let eight_hours = 8 * 60;
        for push_at in [
            DateTime::UNIX_EPOCH,
            DateTime::from_timestamp_millis(at(FIRES).timestamp()).unwrap(),
            at(FIRES + eight_hours),
            at(FIRES - eight_hours),
            at(FIRES + 100 * 24 * 60),
        ] {
            assert!(found(false, &[at_time(push_at)]), "{push_at}");
            let own = ScheduledTask { task_id: "1".to_owned(), ..at_time(push_at) };
            assert!(!found(false, &[own]), "{push_at}");
            assert!(!found(true, &[at_time(push_at)]), "it does not repeat");
        }
        assert!(!found(false, &[at_time(at(FIRES + 60)), at_time(at(FIRES - 90))]));
        let child = |body: &str| ScheduledTask { has_parent: true, ..task("1", body) };
        assert!(found(false, &[task("1", "B"), child("B")]));
        assert!(!found(false, &[task("1", "B"), child("X")]));
        // One row for each moment is what a repeating task has.
        let next = ScheduledTask { push_at: at(FIRES + 60), ..child("B") };
        assert!(!found(true, &[child("B"), next]));
        assert!(found(true, &[child("B"), child("B")]));
    }
}
