//! What fires when, as far as a plan knows: what it pushes, what waits at the vendor, and what was sent.
//!
//! Says nothing of how many people get several of it: a plan has no one's id.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, Utc};

use crate::plan::{ChangeDocument, ChangeKind, PlanDocument, ScheduleDocument, WaitingStanding};

/// What was sent is shown for so many days.
const DAYS_BACK: u64 = 31;

/// Everything that a plan knows to fire.
#[derive(Debug)]
pub(super) struct Calendar<'a> {
    /// By time, then by campaign.
    pub(super) firings: Vec<Firing<'a>>,
    /// What is pushed as soon as the plan is applied, in the plan's order.
    pub(super) at_once: Vec<AtOnce<'a>>,
}

/// A campaign that fires at a time. Names are foreign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Firing<'a> {
    pub(super) at: DateTime<Utc>,
    /// Until when, if it is a window in which it is pushed.
    pub(super) until: Option<DateTime<Utc>>,
    pub(super) campaign: &'a str,
    pub(super) revision: u32,
    pub(super) is_broadcast: bool,
    pub(super) who: Who,
}

/// How many get it; a broadcast counts one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Who {
    /// By this plan.
    pub(super) planned: u64,
    /// From what the vendor has.
    pub(super) waiting: u64,
    /// Those who got it.
    pub(super) sent: u64,
}

/// A campaign that is pushed as soon as the plan is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AtOnce<'a> {
    pub(super) campaign: &'a str,
    pub(super) revision: u32,
    pub(super) is_broadcast: bool,
    pub(super) planned: u64,
    pub(super) until: Option<DateTime<Utc>>,
}

type Key<'a> = (DateTime<Utc>, &'a str, u32);

/// Returns what fires from a month before the plan was made, and up to so many days after.
pub(super) fn of(plan: &PlanDocument, days_ahead: u64) -> Calendar<'_> {
    let now = plan.made_at;
    let first = now.checked_sub_days(Days::new(DAYS_BACK)).unwrap_or(now);
    let last = now.checked_add_days(Days::new(days_ahead)).unwrap_or(now);
    let mut firings: BTreeMap<Key<'_>, Firing<'_>> = BTreeMap::new();
    let mut at_once = Vec::new();
    for change in &plan.changes {
        let (campaign, revision) = (change.campaign.as_str(), change.revision);
        let is_broadcast = change.recipients == "broadcast";
        let mut put = |at: DateTime<Utc>, until: Option<DateTime<Utc>>, who: Who| {
            let none = Firing { at, until, campaign, revision, is_broadcast, who: Who::default() };
            let firing = firings.entry((at, campaign, revision)).or_insert(none);
            firing.who.planned = firing.who.planned.saturating_add(who.planned);
            firing.who.waiting = firing.who.waiting.saturating_add(who.waiting);
            firing.who.sent = firing.who.sent.saturating_add(who.sent);
        };
        sent(change, first, now, &mut put);
        let waiting = waiting_at_vendor(change);
        let planned = if change.kind.is_push() { change.targets.to_push } else { 0 };
        if planned > 0 || waiting > 0 {
            for at in change.schedule.firings(now, last) {
                put(at, None, Who { planned, waiting, sent: 0 });
            }
        }
        match change.schedule {
            ScheduleDocument::Now { not_after, .. } if planned > 0 => {
                at_once.push(AtOnce { campaign, revision, is_broadcast, planned, until: not_after });
            }
            ScheduleDocument::Now { not_before: Some(at), not_after } if change.kind == ChangeKind::Later => {
                let planned = if is_broadcast { 1 } else { change.targets.unsent };
                if at <= last {
                    put(at, not_after, Who { planned, ..Who::default() });
                }
            }
            ScheduleDocument::Now { .. }
            | ScheduleDocument::Once { .. }
            | ScheduleDocument::Repeat { .. } => {}
        }
    }
    for waiting in plan.waiting.iter().filter(|waiting| waiting.standing != WaitingStanding::Withdrawn) {
        let (campaign, revision) = (waiting.campaign.as_str(), waiting.revision);
        let is_broadcast = waiting.recipients == "broadcast";
        for at in waiting.schedule.firings(now, last) {
            let who = Who { waiting: waiting.targets, ..Who::default() };
            let firing = Firing { at, until: None, campaign, revision, is_broadcast, who };
            firings.insert((at, campaign, revision), firing);
        }
    }
    Calendar { firings: firings.into_values().collect(), at_once }
}

/// Puts what was sent: when it was pushed, or when the vendor's time for it came.
fn sent(
    change: &ChangeDocument,
    first: DateTime<Utc>,
    now: DateTime<Utc>,
    put: &mut impl FnMut(DateTime<Utc>, Option<DateTime<Utc>>, Who),
) {
    // Of one that is blocked since its content is another one, the times may be others, too.
    let Some(pushed_at) = change.first_sent_at.filter(|_| change.kind != ChangeKind::Blocked) else { return };
    let who = Who { sent: change.targets.accepted, ..Who::default() };
    match &change.schedule {
        _ if who.sent == 0 => {}
        ScheduleDocument::Now { .. } if pushed_at >= first && pushed_at <= now => put(pushed_at, None, who),
        ScheduleDocument::Now { .. } => {}
        schedule @ (ScheduleDocument::Once { .. } | ScheduleDocument::Repeat { .. }) => {
            for at in schedule.firings(first.max(pushed_at), now).filter(|at| *at < now) {
                put(at, None, who);
            }
        }
    }
}

/// Counts to how many the vendor sends what it has of a campaign that is as the files say.
fn waiting_at_vendor(change: &ChangeDocument) -> u64 {
    match change.kind {
        ChangeKind::Waiting | ChangeKind::Add | ChangeKind::Continue | ChangeKind::InDoubt => {
            change.targets.accepted.saturating_add(change.targets.in_doubt)
        }
        ChangeKind::Create
        | ChangeKind::Later
        | ChangeKind::Blocked
        | ChangeKind::Held
        | ChangeKind::Missed
        | ChangeKind::UpToDate
        | ChangeKind::Closed => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::plan::samples;

    fn plan(changes: &[(&str, ChangeKind, &str, u64, u64)]) -> PlanDocument {
        let changes = changes.iter().map(|(campaign, kind, schedule, to_push, accepted)| {
            let mut change = samples::one_change(campaign, *kind);
            change.schedule = serde_json::from_str(schedule).unwrap();
            change.targets.to_push = *to_push;
            change.targets.unsent = *to_push;
            change.targets.accepted = *accepted;
            change.first_sent_at = (*accepted > 0).then(|| "2026-11-20T01:00:00Z".parse().unwrap());
            change
        });
        samples::one_plan(&changes.collect::<Vec<_>>())
    }

    fn shown(calendar: &Calendar<'_>) -> Vec<String> {
        let line = |firing: &Firing<'_>| {
            let Who { planned, waiting, sent } = firing.who;
            format!("{} {} {planned}/{waiting}/{sent}", firing.at.format("%m-%d %H:%M"), firing.campaign)
        };
        calendar.firings.iter().map(line).collect()
    }

    const ONCE: &str = r#"{"send":"once","at":"2026-12-15T01:00:00Z"}"#;
    const PAST: &str = r#"{"send":"once","at":"2026-11-23T01:00:00Z"}"#;
    const DAILY: &str =
        r#"{"send":"repeat","every":"day","time":"09:00:00","from":"2026-11-22","until":"2026-11-26"}"#;
    const WINDOW: &str =
        r#"{"send":"now","not_before":"2026-12-01T01:00:00Z","not_after":"2026-12-01T04:00:00Z"}"#;

    #[test]
    fn what_is_planned_what_waits_and_what_was_sent_stand_at_their_times() {
        let plan = plan(&[
            ("b", ChangeKind::Create, ONCE, 24, 0),
            ("a", ChangeKind::Waiting, ONCE, 0, 3),
            ("c", ChangeKind::UpToDate, PAST, 0, 7),
            ("d", ChangeKind::Add, DAILY, 1, 2),
            ("e", ChangeKind::Later, WINDOW, 5, 0),
            ("f", ChangeKind::Held, ONCE, 9, 0),
        ]);
        assert_eq!(
            shown(&of(&plan, 92)),
            [
                "11-22 01:00 d 0/0/2",
                "11-23 01:00 c 0/0/7",
                "11-23 01:00 d 0/0/2",
                "11-24 01:00 d 0/0/2",
                "11-25 01:00 d 1/2/0",
                "11-26 01:00 d 1/2/0",
                "12-01 01:00 e 5/0/0",
                "12-15 01:00 a 0/3/0",
                "12-15 01:00 b 24/0/0",
            ]
        );
        assert_eq!(shown(&of(&plan, 1)), shown(&of(&plan, 92))[..5]);
    }

    #[test]
    fn what_is_pushed_at_once_has_no_time_and_was_sent_when_it_was_pushed() {
        let now = r#"{"send":"now"}"#;
        let plan = plan(&[("a", ChangeKind::Create, now, 2, 0), ("b", ChangeKind::Add, now, 1, 4)]);
        let calendar = of(&plan, 92);
        assert_eq!(shown(&calendar), ["11-20 01:00 b 0/0/4"]);
        let names: Vec<&str> = calendar.at_once.iter().map(|push| push.campaign).collect();
        assert_eq!(names, ["a", "b"]);
    }
}
