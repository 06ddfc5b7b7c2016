//! Why a change is what it is, in words: said once, here, for every view.

mod reviewed;

use std::fmt::Write as _;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::diagnostic::{Code, number};
use crate::diff::{Blocked, Change, Closed, Former, Held, Kind, LateStart, Standing};
use crate::domain::{REPEAT_DAYS_AHEAD_MAX, Recipients, Revision, Schedule, vendor_zone};
use crate::ledger::{Judge, Ruling};
use crate::plan::shown::{self, people, time};

/// A reason and what to do about it.
pub(super) struct Explanation {
    /// Why: lower case, no full stop.
    pub(super) reason: String,
    /// The stable code of what stands in the way.
    pub(super) code: Option<Code>,
    /// The ways out.
    pub(super) help: Option<String>,
}

/// What a change is explained by.
pub(super) struct Speaker {
    /// The zone that times are shown in.
    pub(super) zone: Tz,
    /// When the plan is made.
    pub(super) now: DateTime<Utc>,
}

impl Speaker {
    pub(super) fn explain(&self, change: &Change<'_>) -> Explanation {
        match &change.kind {
            Kind::Create => plain(create(change)),
            Kind::Add | Kind::Continue => replaced(change, more(change)),
            Kind::Later { opens_at } => {
                replaced(change, format!("its window opens {}", self.time(*opens_at)))
            }
            Kind::Waiting => self.waiting(change),
            Kind::UpToDate => plain("everything has already been sent".to_owned()),
            Kind::Closed(closed) => plain(self.closed(change, *closed)),
            Kind::InDoubt => in_doubt(change),
            Kind::Blocked(blocked) => self.blocked(change, blocked),
            Kind::Held(Held::TooManyTasks { needed, taken, most }) => too_many_tasks(*needed, *taken, *most),
            Kind::Held(Held::NotReviewed(why)) => reviewed::not_reviewed(why, change),
            Kind::Held(Held::ReviewExpired { at }) => reviewed::expired(&self.time(*at), change),
            Kind::Held(Held::ApprovalsMissing(missing)) => reviewed::approvals_missing(missing, change),
            Kind::Missed => self.missed(change),
        }
    }

    /// Says what else there is to know of it.
    pub(super) fn note(&self, change: &Change<'_>) -> Option<String> {
        let mut notes = Vec::new();
        if let Some(LateStart { first, next }) = change.late_start {
            let (first, next) = (self.time(first), self.time(next));
            match (&change.kind, began(change)) {
                (Kind::Create, _) => {
                    notes.push(format!("its first time {first} has passed, so it begins with {next}"));
                }
                (_, Some(began)) if began <= self.now => {
                    let began = self.time(began);
                    notes.push(format!("it has been running since {began}: they start with {next}"));
                }
                _ => {}
            }
        }
        if let Some(until) = change.approved_until {
            let until = self.time(until);
            notes.push(match &change.kind {
                Kind::Later { opens_at } if change.approved_until <= Some(*opens_at) => {
                    format!("its approval ends {until}, before its window opens")
                }
                _ => format!("approved until {until}"),
            });
        }
        if let Some(former) = &change.former {
            let (who, sent_at) = (people(former.targets), self.minute(former.sent_at));
            notes.push(format!(
                "`{}` already said the same to {who} of this audience, first on {sent_at}",
                former.campaign
            ));
        }
        if change.counts.left > 0 {
            notes.push(format!("{} left the audience and will still be pushed", people(change.counts.left)));
        }
        let is_over = matches!(change.kind, Kind::UpToDate | Kind::Missed | Kind::Closed(Closed::Over));
        if change.is_edited && is_over {
            let next = change.next_revision;
            notes.push(format!(
                "edited since it was sent, which changes nothing; to send it again, raise `revision` to {next}"
            ));
        }
        if change.kind == Kind::Closed(Closed::Over) {
            let way = match change.desired.campaign.schedule {
                Schedule::Now => "set `open_until: TIME` to send it to them, or declare a new campaign",
                Schedule::Once { .. } | Schedule::Repeat(_) => "declare a new campaign for them",
            };
            notes.push(format!("{} joined since, not sent; {way}", number(change.counts.unsent)));
        }
        (!notes.is_empty()).then(|| notes.join("; "))
    }

    fn time(&self, at: DateTime<Utc>) -> String {
        time(at, self.zone)
    }

    /// What happened is told to the minute.
    fn minute(&self, at: DateTime<Utc>) -> String {
        self.time(at.duration_trunc(TimeDelta::minutes(1)).unwrap_or(at))
    }

    fn waiting(&self, change: &Change<'_>) -> Explanation {
        let schedule = &change.desired.campaign.schedule;
        let mut times = schedule.firing_times_after(self.now);
        let reason = match (times.next(), times.last()) {
            (Some(next), Some(last)) => {
                format!("scheduled at the vendor: next {}, last {}", self.time(next), self.time(last))
            }
            _ => "scheduled at the vendor".to_owned(),
        };
        let revision = change.desired.campaign.revision;
        let help = (change.counts.left > 0).then(|| {
            format!("to stop it, delete its tasks in the mPaaS console, then set `withdrawn: {revision}`")
        });
        Explanation { reason, code: None, help }
    }

    fn closed(&self, change: &Change<'_>, closed: Closed) -> String {
        match closed {
            Closed::Withdrawn => "withdrawn: its tasks were deleted at the vendor".to_owned(),
            Closed::ByFile => match change.counts.unsent {
                0 => "closed in the file".to_owned(),
                unsent => format!("closed in the file; {}", not_sent(change, unsent)),
            },
            Closed::Over => match change.ends_at {
                Some(at) => format!("closed since {}", self.time(at)),
                None => "closed".to_owned(),
            },
        }
    }

    fn missed(&self, change: &Change<'_>) -> Explanation {
        let counts = change.counts;
        let schedule = &change.desired.campaign.schedule;
        let (what, code, mend) = match schedule {
            Schedule::Now => ("its time", Code::TimePast, "set `open_until: TIME` to reopen it"),
            Schedule::Once { .. } => ("its time", Code::TimePast, "choose a future time"),
            Schedule::Repeat(repeat) if repeat.over_at() <= self.now => {
                ("its last time", Code::RepeatPast, "choose future days")
            }
            Schedule::Repeat(_) => ("its last time", Code::TimePast, "choose future days"),
        };
        let at = schedule_end(change).map_or_else(String::new, |at| format!(" {}", self.time(at)));
        let mut reason =
            format!("{what}{at} has passed; {}", not_sent(change, counts.unsent - counts.joined));
        if counts.joined > 0 {
            let _ = write!(reason, ", and {} joined since", number(counts.joined));
        }
        if counts.ruled_out > 0 {
            let _ = write!(reason, "; {}", found_not_sent(change, counts.ruled_out));
        }
        let help = match sent(change) {
            sent if sent > 0 && *schedule != Schedule::Now => format!(
                "to reach only the rest, declare a new campaign with only them as its audience; another time here \
                 needs a new revision, which also goes to the {} who already got it; or set `closed: true`",
                number(sent)
            ),
            _ => format!("{mend}, or set `closed: true`"),
        };
        Explanation { reason, code: Some(code), help: Some(help) }
    }

    fn blocked(&self, change: &Change<'_>, blocked: &Blocked) -> Explanation {
        let campaign = &change.desired.campaign;
        match blocked {
            Blocked::ChangedAfterSend { sent_at, .. } => Explanation {
                reason: format!("changed since it was sent on {}", self.minute(*sent_at)),
                code: None,
                help: Some(changed_after_send(change)),
            },
            Blocked::RevisionBehind { latest } => Explanation {
                reason: format!(
                    "revision {} is older than revision {latest}, which was already sent",
                    campaign.revision
                ),
                code: None,
                help: Some(format!(
                    "set `revision` to {latest}, or to {} to send it to the whole audience again",
                    change.next_revision
                )),
            },
            Blocked::StillWaiting => Explanation {
                reason: "another revision is still scheduled: people would get both".to_owned(),
                code: Some(Code::StillWaiting),
                help: Some(format!(
                    "delete its tasks in the mPaaS console, then set `withdrawn: {}`; or wait until it is over",
                    last_waiting(change).unwrap_or(campaign.revision)
                )),
            },
            Blocked::Renamed(former) => renamed(change, former),
            // Not a word of today here: a plan that is reviewed in the evening and applied after midnight
            // would be stale for it.
            Blocked::RepeatTooFar { until, .. } => Explanation {
                reason: format!("repeats until {until}, more than {REPEAT_DAYS_AHEAD_MAX} days from today"),
                code: Some(Code::RepeatTooFar),
                help: Some(format!("end it at most {REPEAT_DAYS_AHEAD_MAX} days from the day of `apply`")),
            },
        }
    }
}

/// Returns when a series that was pushed happened first: it may have been pushed after the first of its times.
fn began(change: &Change<'_>) -> Option<DateTime<Utc>> {
    change.desired.campaign.schedule.firing_times_after(change.first_push?).next()
}

/// Says who got nothing.
fn not_sent(change: &Change<'_>, how_many: u64) -> String {
    if matches!(change.desired.campaign.recipients, Recipients::Broadcast(_)) {
        return "the broadcast was not sent".to_owned();
    }
    format!("{} did not get it", people(how_many))
}

/// Returns when a campaign's time passed, as far as there is a time.
fn schedule_end(change: &Change<'_>) -> Option<DateTime<Utc>> {
    change.ends_at.filter(|at| at.with_timezone(&vendor_zone()) > DateTime::<Utc>::MIN_UTC)
}

fn plain(reason: String) -> Explanation {
    Explanation { reason, code: None, help: None }
}

fn create(change: &Change<'_>) -> String {
    let revision = change.desired.campaign.revision;
    match retried(change) {
        Some(retried) => retried,
        None if revision == Revision::FIRST => "new campaign".to_owned(),
        None => format!("new revision {revision}"),
    }
}

/// What is pushed to more people than before, or to those who are left.
fn more(change: &Change<'_>) -> String {
    let counts = change.counts;
    let of_audience = number(counts.audience);
    let mut reasons = Vec::new();
    let rest = counts.unsent - counts.joined;
    if rest > 0 {
        reasons.push(format!("{} of {of_audience} still to send", number(rest)));
    }
    if counts.joined > 0 {
        reasons.push(format!("{} of {of_audience} joined", number(counts.joined)));
    }
    reasons.extend(retried(change));
    if counts.in_doubt > 0 {
        reasons.push(format!("{} in doubt, not sent again", number(counts.in_doubt)));
    }
    reasons.join(", ")
}

/// Warns where who is to get it are all others than those who got it.
fn replaced(change: &Change<'_>, reason: String) -> Explanation {
    let Some(sent) = change.replaced() else { return plain(reason) };
    let next = change.next_revision;
    Explanation {
        reason: format!("{reason}; none of the {} sent to before is listed any more", people(sent)),
        code: Some(Code::AudienceReplaced),
        help: Some(format!(
            "see whether the audience names the right file and column, with the ids that it had before: under other ids, \
             those who got it get it again; if they are meant to be others, raise `revision` to {next}, or declare a new \
             campaign"
        )),
    }
}

/// Says how many the vendor rejected before, or were in doubt and found not sent, and why.
fn retried(change: &Change<'_>) -> Option<String> {
    let ruled_out = change.counts.ruled_out;
    let rejected = change.counts.to_retry - ruled_out;
    let said = change.last_rejection.as_ref();
    let said = said.map(|said| format!(" (`{}`: {})", said.code, said.message)).unwrap_or_default();
    let rejected = (rejected > 0).then(|| format!("{} rejected before{said}", number(rejected)));
    let ruled_out = (ruled_out > 0).then(|| found_not_sent(change, ruled_out));
    let parts: Vec<String> = rejected.into_iter().chain(ruled_out).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Says who found out that some did not get it, and how.
fn found_not_sent(change: &Change<'_>, how_many: u64) -> String {
    let (by, reason) = match &change.ruling {
        Some(Ruling { by: Judge::Vendor, reason, .. }) => {
            ("found not sent by `doubt resolve`", reason.as_str())
        }
        Some(Ruling { by: Judge::Person, reason, .. }) => ("marked not sent by a person", reason.as_str()),
        None => ("found not sent", ""),
    };
    let reason = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
    format!("{} {by}{reason}", number(how_many))
}

fn in_doubt(change: &Change<'_>) -> Explanation {
    let campaign = &change.desired.campaign.id;
    let who = number(change.counts.in_doubt);
    Explanation {
        reason: format!("delivery to {who} of its targets is unknown"),
        code: None,
        help: Some(format!(
            "see `campaignctl doubt list {campaign}`; nothing is sent to them again by itself"
        )),
    }
}

fn too_many_tasks(tasks: u64, taken: u64, most: u64) -> Explanation {
    let its = shown::tasks(tasks);
    let (reason, wait) = if tasks > most {
        (format!("its {its} never fit: the vendor keeps at most {}", number(most)), "")
    } else {
        let (taken, most) = (number(taken), number(most));
        let reason = format!(
            "its {its} do not fit beside {taken} that wait or come before: the vendor keeps at most {most}"
        );
        (reason, "wait until others were sent, ")
    };
    Explanation {
        reason,
        code: Some(Code::TooManyTasks),
        help: Some(format!(
            "each request of a scheduled or repeating campaign is one task, of up to 100 targets by `PushMultiple` and \
             10 by `PushTemplate`: send large audiences with `send: now` and `not_before`, use a broadcast, {wait}or set \
             the environment's `unexecuted_tasks_max` where the vendor raised your limit"
        )),
    }
}

fn renamed(change: &Change<'_>, former: &Former) -> Explanation {
    let Former { campaign, targets, next_revision, .. } = former;
    let anew = match change.desired.campaign.schedule {
        Schedule::Now => format!(", with `revision: {next_revision}` to send it to everybody again"),
        Schedule::Once { .. } | Schedule::Repeat(_) => String::new(),
    };
    Explanation {
        reason: format!(
            "{} of its targets already got the same from `{campaign}`, which is no longer in the files",
            number(*targets)
        ),
        code: Some(Code::Renamed),
        help: Some(format!(
            "rename it back to `{campaign}`{anew}; or put `{campaign}` back, if they are two campaigns"
        )),
    }
}

fn changed_after_send(change: &Change<'_>) -> String {
    let (next, sent, unsent) = (change.next_revision, number(sent(change)), change.counts.unsent);
    if let Some(withdrawn) = last_waiting(change) {
        return format!(
            "revert the change; or delete its tasks in the mPaaS console, then raise `revision` to {next} with \
             `withdrawn: {withdrawn}`; or set `closed: true` to send it to nobody else"
        );
    }
    if unsent > 0 {
        let who = match unsent {
            1 => "the one who has not got it yet".to_owned(),
            unsent => format!("the {} who have not got it yet", number(unsent)),
        };
        return format!(
            "revert the change; or, for {who}, declare a new campaign with only them as its \
             audience; or set `closed: true` to leave them out; raising `revision` to {next} sends it to the whole audience, \
             and again to the {sent} who already got it"
        );
    }
    format!(
        "revert the change; or raise `revision` to {next} to send it to the whole audience again; or set `closed: true` to \
         keep it as history"
    )
}

/// Returns the highest revision of which a person has to say that its tasks were deleted.
fn last_waiting(change: &Change<'_>) -> Option<Revision> {
    let waiting = change.waiting.iter().filter(|waiting| waiting.standing != Standing::Withdrawn);
    waiting.map(|waiting| waiting.revision).max()
}

/// Counts those that got this revision, or may have got it.
fn sent(change: &Change<'_>) -> u64 {
    change.counts.accepted + change.counts.in_doubt
}
