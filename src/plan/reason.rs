//! Why a change is what it is, in words: said once, here, for every view.

use chrono::{DateTime, SecondsFormat, Utc};

use crate::diagnostic::Code;
use crate::diff::{Blocked, Change, Expired, Former, Kind, Missed, Standing};
use crate::domain::{REPEAT_DAYS_AHEAD_MAX, Revision, Schedule, vendor_zone};

/// A reason and what to do about it.
pub(super) struct Explanation {
    /// Why: lower case, no full stop.
    pub(super) reason: String,
    /// The stable code of what stands in the way.
    pub(super) code: Option<Code>,
    /// The ways out.
    pub(super) help: Option<String>,
}

pub(super) fn of(change: &Change<'_>) -> Explanation {
    match &change.kind {
        Kind::Create => plain(create(change)),
        Kind::UpToDate => plain("every target was accepted".to_owned()),
        Kind::InDoubt => in_doubt(change),
        Kind::Blocked(blocked) => of_blocked(change, blocked),
        Kind::Expired(expired) => of_expired(change, expired),
    }
}

/// Says what else there is to know of what is pushed.
pub(super) fn note(change: &Change<'_>) -> Option<String> {
    let Missed { first, next } = change.missed?;
    let (first, next) = (vendors_time(first), vendors_time(next));
    Some(format!("its first time {first} has passed, so it begins with {next}"))
}

/// As the vendor counts time, and most people who read this.
fn vendors_time(at: DateTime<Utc>) -> String {
    at.with_timezone(&vendor_zone()).to_rfc3339()
}

fn plain(reason: String) -> Explanation {
    Explanation { reason, code: None, help: None }
}

fn create(change: &Change<'_>) -> String {
    let counts = change.counts;
    let added = counts.unsent - counts.to_retry;
    if change.batches_so_far == 0 {
        let revision = change.desired.campaign.revision;
        return if revision.get() == 1 {
            "new campaign".to_owned()
        } else {
            format!("new revision {revision}")
        };
    }
    let mut reasons = Vec::new();
    if added > 0 {
        reasons.push(format!("{added} of the audience not sent to yet"));
    }
    if counts.to_retry > 0 {
        let said = change.last_rejection.as_ref();
        let said = said.map(|said| format!(" (`{}`: {})", said.code, said.message)).unwrap_or_default();
        reasons.push(format!("{} rejected before{said}", counts.to_retry));
    }
    if counts.in_doubt > 0 {
        reasons.push(format!("{} in doubt stay as they are", counts.in_doubt));
    }
    reasons.join(", ")
}

fn in_doubt(change: &Change<'_>) -> Explanation {
    Explanation {
        reason: format!("nobody knows whether {} of its targets got the push", change.counts.in_doubt),
        code: None,
        help: Some(format!(
            "see `campaignctl doubt list {}`; nothing is sent to them again by itself",
            change.desired.campaign.id
        )),
    }
}

fn of_blocked(change: &Change<'_>, blocked: &Blocked) -> Explanation {
    let campaign = &change.desired.campaign;
    match blocked {
        Blocked::ChangedAfterSend { sent_at, .. } => Explanation {
            reason: format!(
                "changed after send: sent on {}",
                sent_at.to_rfc3339_opts(SecondsFormat::Secs, true)
            ),
            code: None,
            help: Some(changed_after_send(change)),
        },
        Blocked::RevisionBehind { latest } => Explanation {
            reason: format!("revision {} is behind {latest}, which was sent already", campaign.revision),
            code: None,
            help: Some(format!(
                "set `revision` to {latest}, or to {} to send it to the whole audience again",
                change.next_revision
            )),
        },
        Blocked::StillWaiting => Explanation {
            reason: "another revision is still to be sent, and this one would come on top".to_owned(),
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

fn renamed(change: &Change<'_>, former: &Former) -> Explanation {
    let Former { campaign, targets, next_revision, .. } = former;
    let anew = match change.desired.campaign.schedule {
        Schedule::Now => format!(", with `revision: {next_revision}` to send it to everybody anew"),
        Schedule::Once { .. } | Schedule::Repeat(_) => String::new(),
    };
    Explanation {
        reason: format!(
            "{targets} of its targets got the same from `{campaign}`, which the files no longer have"
        ),
        code: Some(Code::Renamed),
        help: Some(format!(
            "name it `{campaign}` again{anew}; or keep `{campaign}` beside it, if they are two"
        )),
    }
}

fn changed_after_send(change: &Change<'_>) -> String {
    let (next, sent, unsent) = (change.next_revision, sent(change), change.counts.unsent);
    if let Some(withdrawn) = last_waiting(change) {
        return format!(
            "revert the change; or delete its tasks in the mPaaS console, then raise `revision` to {next} with \
             `withdrawn: {withdrawn}`"
        );
    }
    if unsent > 0 {
        return format!(
            "revert the change; or, for the {unsent} not sent to yet, declare a new campaign with only them as its \
             audience; raising `revision` to {next} sends to the whole audience, again to the {sent} sent to before"
        );
    }
    format!("revert the change, or raise `revision` to {next} to send it to the whole audience again")
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

/// Where some were sent to, a new time is changed content: blocked, and with a new revision sent to them again.
fn expired_help(change: &Change<'_>, mend: &str) -> String {
    match sent(change) {
        0 => format!("{mend}, or remove the campaign"),
        sent => format!(
            "to reach only the rest, declare a new campaign with only them as its audience; another time here asks for a \
             new revision, which is sent again to the {sent} sent to before"
        ),
    }
}

fn of_expired(change: &Change<'_>, expired: &Expired) -> Explanation {
    let left = match change.counts.unsent {
        1 => "1 target was not sent to".to_owned(),
        count => format!("{count} targets were not sent to"),
    };
    match expired {
        Expired::TimePast { at } => Explanation {
            reason: format!("its time {} has passed; {left}", vendors_time(*at)),
            code: Some(Code::TimePast),
            help: Some(expired_help(change, "set a time that is still to come")),
        },
        Expired::LastTimePast { at } => Explanation {
            reason: format!("its last time {} has passed; {left}", vendors_time(*at)),
            code: Some(Code::TimePast),
            help: Some(expired_help(change, "give it days that are still to come")),
        },
        Expired::RepeatPast { from, .. } => Explanation {
            reason: format!("starts on {from}, before today; {left}"),
            code: Some(Code::RepeatPast),
            help: Some(expired_help(change, "start it today or later")),
        },
    }
}
