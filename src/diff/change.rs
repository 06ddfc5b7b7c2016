//! One campaign's change, and how it is found.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};

use crate::diff::schedule;
use crate::domain::{Revision, TargetSet};
use crate::ledger::{Content, ContentDigest, History, Ledger, Rejection};
use crate::resolve::{AudienceContents, Desired, DesiredCampaign};

/// Why a campaign's time is over with targets unsent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expired {
    /// The one time has passed.
    TimePast {
        /// The time.
        at: DateTime<Utc>,
    },
    /// The first day has passed, and the vendor takes no repeating push that began before today.
    RepeatPast {
        /// The first day, in UTC+8.
        from: NaiveDate,
        /// Today, in UTC+8.
        today: NaiveDate,
    },
}

/// Why a campaign must not be sent as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Blocked {
    /// It was sent, at least in part, with other content.
    ChangedAfterSend {
        /// What was sent.
        sent: Content,
        /// When it was first sent.
        sent_at: DateTime<Utc>,
    },
    /// A later revision was sent already.
    RevisionBehind {
        /// The latest revision that was sent.
        latest: Revision,
    },
    /// The vendor does not plan that far ahead yet.
    RepeatTooFar {
        /// The last day as written, in UTC+8.
        until: NaiveDate,
        /// The last day that the vendor takes today, in UTC+8.
        last: NaiveDate,
    },
}

/// What is to happen to a campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// There are targets to push to.
    Create,
    /// Every target was accepted.
    UpToDate,
    /// Nothing can be pushed, and of at least one target nobody knows.
    InDoubt,
    /// Nothing is pushed until the files change.
    Blocked(Blocked),
    /// Nothing can be pushed any more.
    Expired(Expired),
}

/// The targets of a campaign revision. Accepted, in doubt, rejected for good and to be pushed exclude each
/// other; together they are everybody that the audience lists or the ledger knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TargetCounts {
    /// Different targets that the audience lists.
    pub audience: u64,
    /// Listings of a target that was listed before.
    pub repeats: u64,
    /// Targets that the vendor took, still listed or not.
    pub accepted: u64,
    /// Targets of which nobody knows, still listed or not.
    pub in_doubt: u64,
    /// Targets that the vendor rejected and that are no longer listed.
    pub rejected: u64,
    /// Listed targets that are neither accepted nor in doubt.
    pub unsent: u64,
    /// Those of `unsent` that the vendor rejected before.
    pub to_retry: u64,
}

/// One campaign, compared with the ledger.
#[derive(Clone, Debug)]
pub struct Change<'a> {
    /// The campaign as the files say.
    pub desired: &'a DesiredCampaign,
    /// Its content.
    pub content: Content,
    /// Its content's digest.
    pub digest: ContentDigest,
    /// Its whole audience.
    pub audience: TargetSet,
    /// Its targets, counted.
    pub counts: TargetCounts,
    /// What is to happen.
    pub kind: Kind,
    /// Who is to get a push now: empty unless the kind is [`Kind::Create`].
    pub to_push: TargetSet,
    /// Whether the ledger has this very content as the one that this revision sends.
    pub is_submitted: bool,
    /// The highest batch number so far; 0 if this revision was never sent.
    pub batches_so_far: u32,
    /// What the vendor said last when it rejected a batch of this revision.
    pub last_rejection: Option<Rejection>,
}

/// Compares every desired campaign with the ledger, in the order of `desired`.
///
/// `contents` has what each audience lists, by name.
///
/// # Panics
///
/// Panics if `contents` lacks an audience that a campaign uses.
#[must_use]
pub fn changes<'a>(
    desired: &'a Desired,
    contents: &BTreeMap<String, AudienceContents>,
    ledger: &Ledger,
    now: DateTime<Utc>,
) -> Vec<Change<'a>> {
    let of = |campaign: &'a DesiredCampaign| {
        let listed = contents.get(&campaign.audience.name).expect("every audience in use was read");
        change(campaign, listed, ledger, now)
    };
    desired.campaigns.iter().map(of).collect()
}

fn change<'a>(
    desired: &'a DesiredCampaign,
    listed: &AudienceContents,
    ledger: &Ledger,
    now: DateTime<Utc>,
) -> Change<'a> {
    let campaign = &desired.campaign;
    let content = Content::of(campaign);
    let digest = content.digest();
    let history = ledger.history(&campaign.id, campaign.revision);
    let audience = listed.targets.clone();
    let unsent = history.map_or_else(|| audience.clone(), |history| audience.minus(&history.sent));
    let counts = counts(listed, history, &unsent);
    let kind = kind(desired, &digest, history, ledger, now, &unsent);
    let is_submitted = history.is_some_and(|history| history.digest == digest);
    let to_push = if kind == Kind::Create { unsent } else { TargetSet::default() };
    Change {
        desired,
        content,
        digest,
        audience,
        counts,
        kind,
        to_push,
        is_submitted,
        batches_so_far: history.map_or(0, |history| history.batches),
        last_rejection: history.and_then(|history| history.last_rejection.clone()),
    }
}

fn counts(listed: &AudienceContents, history: Option<&History>, unsent: &TargetSet) -> TargetCounts {
    let none = TargetSet::default();
    let (accepted, unknown, rejected) = history
        .map_or((&none, &none, &none), |history| (&history.accepted, &history.unknown, &history.rejected));
    let rejected_unlisted = rejected.minus(unsent).len();
    TargetCounts {
        audience: listed.targets.len() as u64,
        repeats: listed.repeats,
        accepted: accepted.len() as u64,
        in_doubt: unknown.len() as u64,
        rejected: rejected_unlisted as u64,
        unsent: unsent.len() as u64,
        to_retry: (rejected.len() - rejected_unlisted) as u64,
    }
}

fn kind(
    desired: &DesiredCampaign,
    digest: &ContentDigest,
    history: Option<&History>,
    ledger: &Ledger,
    now: DateTime<Utc>,
    unsent: &TargetSet,
) -> Kind {
    let campaign = &desired.campaign;
    match history {
        Some(history) if history.is_sent() && history.digest != *digest => {
            let (sent, sent_at) = (history.content.clone(), history.submitted_at);
            return Kind::Blocked(Blocked::ChangedAfterSend { sent, sent_at });
        }
        Some(history) if history.is_sent() => {}
        _ => {
            if let Some(latest) = ledger.latest_revision(&campaign.id)
                && latest > campaign.revision
            {
                return Kind::Blocked(Blocked::RevisionBehind { latest });
            }
        }
    }
    if !unsent.is_empty() {
        return schedule::obstacle(&campaign.schedule, now).unwrap_or(Kind::Create);
    }
    match history {
        Some(history) if !history.unknown.is_empty() => Kind::InDoubt,
        _ => Kind::UpToDate,
    }
}
