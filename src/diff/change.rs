//! One campaign's change, and how it is found.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};

use crate::diff::renamed::{Former, Gone};
use crate::diff::waiting::{Standing, Waiting};
use crate::diff::{schedule, waiting};
use crate::domain::{Call, CampaignId, Revision, RowSeal, TargetSet};
use crate::ledger::{BlockError, Content, ContentDigest, History, Ledger, Rejection};
use crate::resolve::{AudienceContents, Desired, DesiredCampaign};

/// Why a campaign's time is over with targets unsent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expired {
    /// The one time has passed.
    TimePast {
        /// The time.
        at: DateTime<Utc>,
    },
    /// The last time of a series has passed, on its first day.
    LastTimePast {
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

/// A series that begins later than it says, since its first time has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missed {
    /// The first time.
    pub first: DateTime<Utc>,
    /// The first time that is still to come.
    pub next: DateTime<Utc>,
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
    /// Another revision waits at the vendor and will be sent as well: to the same people, for all that is known.
    StillWaiting,
    /// It was never sent, and a campaign that is gone from the files said the same to some of its targets.
    Renamed(Former),
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
    /// The digest of its content.
    pub digest: ContentDigest,
    /// The call that carries it, chosen by the size of its whole audience.
    pub call: Call,
    /// The digest of its whole audience, in the order in which it is listed.
    pub audience_digest: [u8; 32],
    /// The rows that its targets' own values stand in, sealed.
    pub seal: Option<RowSeal>,
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
    /// What is pushed begins later than it says.
    pub missed: Option<Missed>,
    /// The lowest revision above all that the files and the ledger have: the one to raise it to.
    pub next_revision: Revision,
    /// What waits at the vendor of this campaign and is not what the files say, lowest revision first.
    pub waiting: Vec<Waiting>,
}

/// Compares every desired campaign with the ledger, in the order of `desired`.
///
/// `contents` has what each audience lists, by name. Each is given up to the last campaign that uses it, so that what
/// is left to push takes no memory of its own.
///
/// # Errors
///
/// Returns [`BlockError`] where the ledger's targets of a campaign cannot be read.
///
/// # Panics
///
/// Panics if `contents` lacks an audience that a campaign uses.
pub fn changes<'a>(
    desired: &'a Desired,
    mut contents: BTreeMap<String, AudienceContents>,
    ledger: &Ledger,
    now: DateTime<Utc>,
) -> Result<Vec<Change<'a>>, BlockError> {
    let mut uses: BTreeMap<&str, usize> = BTreeMap::new();
    for campaign in &desired.campaigns {
        *uses.entry(&campaign.audience.name).or_default() += 1;
    }
    let known = Known {
        ledger,
        gone: Gone::new(desired, ledger),
        // Most ledgers have nothing that waits: then no content is looked into.
        has_waiting: ledger.unexecuted_tasks(now) > 0,
        now,
    };
    // Made as large as it gets: grown step by step, it would pass through twice the memory.
    let mut changes = Vec::with_capacity(desired.campaigns.len());
    for campaign in &desired.campaigns {
        let name = campaign.audience.name.as_str();
        let left = uses.get_mut(name).expect("every campaign was counted");
        *left -= 1;
        let listed = if *left == 0 { contents.remove(name) } else { contents.get(name).cloned() };
        let listed = listed.expect("every audience in use was read");
        changes.push(change(campaign, listed, &known)?);
    }
    Ok(changes)
}

/// What every campaign is compared with.
struct Known<'a> {
    ledger: &'a Ledger,
    gone: Gone<'a>,
    has_waiting: bool,
    now: DateTime<Utc>,
}

fn change<'a>(
    desired: &'a DesiredCampaign,
    listed: AudienceContents,
    known: &Known<'_>,
) -> Result<Change<'a>, BlockError> {
    let &Known { ledger, ref gone, has_waiting, now } = known;
    let campaign = &desired.campaign;
    let digest = ContentDigest::of(campaign);
    let history = ledger.history(&campaign.id, campaign.revision);
    let audience_digest = listed.order_digest;
    let (audience, repeats) = (listed.targets.len() as u64, listed.repeats);
    let (call, seal) = (campaign.call(listed.targets.len()), listed.seal);
    let unsent = match history {
        Some(history) => history.unsent(listed.targets)?,
        None => listed.targets,
    };
    let counts = counts(audience, repeats, history, &unsent);
    let waiting = if has_waiting { waiting::of_campaign(desired, &digest, ledger, now) } else { Vec::new() };
    let mut kind = kind(desired, &digest, history, ledger, now, &unsent, &waiting);
    if kind == Kind::Create
        && ledger.latest_revision(&campaign.id).is_none()
        && let Some(former) = gone.former(&digest, &unsent)?
    {
        kind = Kind::Blocked(Blocked::Renamed(former));
    }
    let missed = (kind == Kind::Create).then(|| schedule::missed(&campaign.schedule, now)).flatten();
    let is_submitted = history.is_some_and(|history| history.digest == digest);
    let to_push = if kind == Kind::Create { unsent } else { TargetSet::default() };
    Ok(Change {
        desired,
        digest,
        call,
        audience_digest,
        seal,
        counts,
        kind,
        to_push,
        is_submitted,
        batches_so_far: history.map_or(0, |history| history.batches),
        last_rejection: history.and_then(|history| history.last_rejection.clone()),
        missed,
        next_revision: next_revision(&campaign.id, campaign.revision, ledger),
        waiting,
    })
}

/// Returns the lowest revision above `revision` and all that the ledger has: never one that was used, be it only for what was
/// rejected.
pub(super) fn next_revision(campaign: &CampaignId, revision: Revision, ledger: &Ledger) -> Revision {
    let known = ledger.revisions(campaign).map(|(revision, _)| revision).last();
    known.map_or(revision, |known| known.max(revision)).next()
}

fn counts(audience: u64, repeats: u64, history: Option<&History>, unsent: &TargetSet) -> TargetCounts {
    let none = TargetSet::default();
    let accepted = history.map_or(0, |history| history.accepted.len());
    let (unknown, rejected) = history.map_or((&none, &none), |history| (&history.unknown, &history.rejected));
    let rejected_unlisted = rejected.minus(unsent).len();
    TargetCounts {
        audience,
        repeats,
        accepted,
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
    waiting: &[Waiting],
) -> Kind {
    let campaign = &desired.campaign;
    match history {
        Some(history) if history.is_sent() && history.digest != *digest => {
            let (sent, sent_at) = (history.content.clone(), history.submitted_at);
            return Kind::Blocked(Blocked::ChangedAfterSend { sent, sent_at });
        }
        // Nobody gets what was superseded, after somebody got what supersedes it.
        history if !unsent.is_empty() || !history.is_some_and(History::is_sent) => {
            if let Some(latest) = ledger.latest_revision(&campaign.id)
                && latest > campaign.revision
            {
                return Kind::Blocked(Blocked::RevisionBehind { latest });
            }
        }
        _ => {}
    }
    if !unsent.is_empty() {
        let is_superseding = waiting.iter().any(|other| other.standing == Standing::Superseded);
        let otherwise = if is_superseding { Kind::Blocked(Blocked::StillWaiting) } else { Kind::Create };
        return schedule::obstacle(&campaign.schedule, now).unwrap_or(otherwise);
    }
    match history {
        Some(history) if !history.unknown.is_empty() => Kind::InDoubt,
        _ => Kind::UpToDate,
    }
}
