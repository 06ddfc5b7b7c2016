//! One campaign's change, and how it is found.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};

use crate::diff::counts::{TargetCounts, counts};
use crate::diff::renamed::{Former, Gone};
use crate::diff::waiting::{Standing, Waiting};
use crate::diff::{schedule, waiting};
use crate::domain::{Call, CampaignId, Recipients, Revision, RowSeal, Schedule, TargetSet};
use crate::ledger::{BlockError, Content, ContentDigest, History, Ledger, Rejection, Ruling};
use crate::resolve::{AudienceContents, Desired, DesiredCampaign};

/// A series that begins later than it says, since its first time has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LateStart {
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
    /// It was never sent, and a campaign that is gone from the files already said the same to some of its targets.
    Renamed(Former),
    /// The vendor does not plan that far ahead yet.
    RepeatTooFar {
        /// The last day as written, in UTC+8.
        until: NaiveDate,
        /// The last day that the vendor takes today, in UTC+8.
        last: NaiveDate,
    },
}

/// Why a campaign is held: nothing is wrong with it, but it has to wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    /// Its tasks are more than the vendor keeps beside those that it has.
    TooManyTasks {
        /// Its own.
        needed: u64,
        /// Tasks that wait, or would wait once what comes before it was pushed.
        taken: u64,
        /// What the vendor keeps for the account.
        most: u64,
    },
}

/// Why nothing of a campaign is pushed any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// Its time is over, and everybody of that time got it.
    Over,
    /// The file says `closed`.
    ByFile,
    /// A person deleted its tasks at the vendor.
    Withdrawn,
}

/// What is to happen to a campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It was never sent, and is pushed.
    Create,
    /// Everybody that it was planned for got it, and is pushed to who joined since.
    Add,
    /// It is pushed to the rest of those that it was planned for.
    Continue,
    /// Its window opens later.
    Later {
        /// When.
        opens_at: DateTime<Utc>,
    },
    /// Every target was accepted, and the vendor has it for a time to come.
    Waiting,
    /// Every target was accepted.
    UpToDate,
    /// Nothing is pushed any more, and nobody was missed.
    Closed(Closed),
    /// Its time passed with people unsent.
    Missed,
    /// Nothing is pushed until the files change.
    Blocked(Blocked),
    /// Nothing is pushed for now.
    Held(Held),
    /// Nothing can be pushed, and of at least one target nobody knows.
    InDoubt,
}

impl Kind {
    /// Whether something is pushed.
    #[must_use]
    pub fn is_push(&self) -> bool {
        matches!(self, Self::Create | Self::Add | Self::Continue)
    }
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
    /// SHA-256 of the file that its targets' own values stand in.
    pub values_digest: Option<[u8; 32]>,
    /// Its targets, counted.
    pub counts: TargetCounts,
    /// What is to happen.
    pub kind: Kind,
    /// Who is to get a push now: empty unless [`Kind::is_push`].
    pub to_push: TargetSet,
    /// When it is pushed, as the vendor is told: a series that began begins today for who joins it.
    pub push_schedule: Schedule,
    /// From when on nothing of it is pushed; nothing if that is not known yet, or never.
    pub ends_at: Option<DateTime<Utc>>,
    /// When it was first pushed.
    pub first_push: Option<DateTime<Utc>>,
    /// How many targets it is to reach in all, those of earlier runs included.
    pub planned: u64,
    /// Whether the content is another than the one that was sent.
    pub is_edited: bool,
    /// Whether the ledger has this very content as the one that this revision sends, to as many.
    pub is_submitted: bool,
    /// Revisions that the files say were withdrawn and the ledger does not, lowest first.
    pub to_withdraw: Vec<Revision>,
    /// What said the same under a name that is gone from the files, and is over.
    pub former: Option<Former>,
    /// The highest batch number so far; 0 if this revision was never sent.
    pub batches_so_far: u32,
    /// What the vendor said last when it rejected a batch of this revision.
    pub last_rejection: Option<Rejection>,
    /// The last verdict that something of this revision was not sent.
    pub ruling: Option<Ruling>,
    /// What is pushed begins later than it says.
    pub late_start: Option<LateStart>,
    /// The lowest revision above all that the files and the ledger have: the one to raise it to.
    pub next_revision: Revision,
    /// What waits at the vendor of this campaign and is not what the files say, lowest revision first.
    pub waiting: Vec<Waiting>,
}

impl Change<'_> {
    /// Returns since when people were missed: the end of its time, or when it was found out after that, that some of them did
    /// not get it.
    #[must_use]
    pub fn missed_at(&self) -> Option<DateTime<Utc>> {
        let ruling = self.ruling.as_ref().filter(|_| self.counts.ruled_out > 0);
        (self.kind == Kind::Missed).then(|| self.ends_at.max(ruling.map(|ruling| ruling.at))).flatten()
    }

    /// Counts those that were sent to, where none of them is listed any more: the list may be another one. A list of one
    /// person is replaced as it is.
    #[must_use]
    pub fn replaced(&self) -> Option<u64> {
        let TargetCounts { audience, accepted, in_doubt, unsent, .. } = self.counts;
        let is_listed = matches!(self.desired.campaign.recipients, Recipients::Targets(_));
        Some(accepted + in_doubt).filter(|sent| is_listed && *sent > 1 && audience > 0 && unsent == audience)
    }
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

impl<'a> Change<'a> {
    /// Counts the requests that leave for it.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.to_push.len().div_ceil(self.call.targets_max()) as u64
    }

    /// Returns the revisions that the files say were withdrawn and the ledger does not.
    pub fn withdrawals(&self) -> impl Iterator<Item = (&'a CampaignId, Revision)> {
        self.to_withdraw.iter().map(|revision| (&self.desired.campaign.id, *revision))
    }
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
    let values_digest = listed.file.filter(|_| !campaign.values_from.is_empty()).map(|(_, digest)| digest);
    let unsent = match history {
        Some(history) => history.unsent(listed.targets)?,
        None => listed.targets,
    };
    let waiting = if has_waiting { waiting::of_campaign(desired, &digest, ledger, now) } else { Vec::new() };
    let first_push = history.and_then(History::first_push);
    let life = Standpoint::of((desired, &digest), history, ledger, has_waiting, now);
    let counts = counts((audience, repeats), history, &unsent, life.is_waiting && !life.is_withdrawn);
    let mut kind = life.kind(&counts, &waiting);
    let mut former = None;
    if (kind == Kind::Create || matches!(kind, Kind::Later { .. })) && life.latest.is_none() {
        former = gone.former((desired, &digest), &unsent, now)?;
        if let Some(former) = former.take_if(|former| !former.is_over) {
            kind = Kind::Blocked(Blocked::Renamed(former));
        }
    }
    let late_start = kind.is_push().then(|| schedule::late_start(&campaign.schedule, now)).flatten();
    let planned = history.map_or(0, History::sent_count) + counts.unsent;
    let is_submitted = history
        .is_some_and(|history| history.digest == digest && history.planned.is_some_and(|had| had >= planned));
    let to_push = if kind.is_push() { unsent } else { TargetSet::default() };
    Ok(Change {
        desired,
        digest,
        call,
        audience_digest,
        seal,
        values_digest,
        counts,
        kind,
        to_push,
        push_schedule: schedule::from_today(&campaign.schedule, now),
        ends_at: life.ends_at,
        first_push,
        planned,
        is_edited: life.is_edited,
        is_submitted,
        to_withdraw: to_withdraw(desired, ledger),
        former,
        batches_so_far: history.map_or(0, |history| history.batches),
        last_rejection: history.and_then(|history| history.last_rejection.clone()),
        ruling: history.and_then(|history| history.ruling.clone()),
        late_start,
        next_revision: next_revision(&campaign.id, campaign.revision, ledger),
        waiting,
    })
}

/// Whether the vendor holds something of a revision for a time to come.
pub(super) fn waits(history: &History, now: DateTime<Utc>) -> bool {
    let schedule = history.is_sent().then(|| history.content.schedule()).flatten();
    schedule.is_some_and(|schedule| schedule.firing_times_after(now).next().is_some())
}

/// Whether the files say that a revision's tasks were deleted at the vendor.
pub(super) fn is_withdrawn(desired: &DesiredCampaign, revision: Revision) -> bool {
    desired.withdrawn.is_some_and(|withdrawn| revision <= withdrawn)
}

/// Returns the revisions that the files say were withdrawn, and of which the ledger does not have that yet.
fn to_withdraw(desired: &DesiredCampaign, ledger: &Ledger) -> Vec<Revision> {
    if desired.withdrawn.is_none() {
        return Vec::new();
    }
    let revisions = ledger.revisions(&desired.campaign.id);
    let is_news = |(revision, history): &(Revision, &History)| {
        is_withdrawn(desired, *revision) && history.is_sent() && history.withdrawn_at.is_none()
    };
    revisions.filter(is_news).map(|(revision, _)| revision).collect()
}

/// Returns the lowest revision above `revision` and all that the ledger has: never one that was used, be it only for what was
/// rejected.
pub(super) fn next_revision(campaign: &CampaignId, revision: Revision, ledger: &Ledger) -> Revision {
    let known = ledger.revisions(campaign).map(|(revision, _)| revision).last();
    known.map_or(revision, |known| known.max(revision)).next()
}

/// Where a campaign stands: all that decides what is to happen to it, but for other names.
pub(super) struct Standpoint<'a> {
    desired: &'a DesiredCampaign,
    history: Option<&'a History>,
    /// Whether it was sent with other content.
    is_edited: bool,
    /// Whether the vendor holds this revision for a time to come.
    is_waiting: bool,
    is_withdrawn: bool,
    pub(super) ends_at: Option<DateTime<Utc>>,
    latest: Option<Revision>,
    now: DateTime<Utc>,
}

impl<'a> Standpoint<'a> {
    pub(super) fn of(
        (desired, digest): (&'a DesiredCampaign, &ContentDigest),
        history: Option<&'a History>,
        ledger: &Ledger,
        has_waiting: bool,
        now: DateTime<Utc>,
    ) -> Self {
        let campaign = &desired.campaign;
        Self {
            desired,
            history,
            is_edited: history.is_some_and(|history| history.is_sent() && history.digest != *digest),
            is_waiting: has_waiting && history.is_some_and(|history| waits(history, now)),
            is_withdrawn: is_withdrawn(desired, campaign.revision)
                || history.is_some_and(|history| history.withdrawn_at.is_some()),
            ends_at: desired.life.ends_at(&campaign.schedule, history.and_then(History::first_push)),
            latest: ledger.latest_revision(&campaign.id),
            now,
        }
    }

    fn is_sent(&self) -> bool {
        self.history.is_some_and(History::is_sent)
    }

    fn is_over(&self) -> bool {
        self.ends_at.is_some_and(|at| at <= self.now)
    }

    /// Whether an edit of the content changes nothing any more, neither at the vendor nor for who is still to come: what was
    /// sent is over, and the edit is not a new time.
    fn is_past_editing(&self) -> bool {
        let sent = self.history.and_then(|history| history.content.schedule());
        let is_same_time = sent.is_none_or(|sent| sent == self.desired.campaign.schedule);
        let is_scheduled = self.desired.campaign.schedule != Schedule::Now;
        !self.is_waiting && self.is_over() && (is_same_time || is_scheduled)
    }

    pub(super) fn kind(&self, counts: &TargetCounts, waiting: &[Waiting]) -> Kind {
        let campaign = &self.desired.campaign;
        if self.is_withdrawn {
            return Kind::Closed(Closed::Withdrawn);
        }
        if self.desired.life.is_closed {
            return Kind::Closed(Closed::ByFile);
        }
        if let Some(history) = self.history
            && self.is_edited
            && !self.is_past_editing()
        {
            let (sent, sent_at) = (history.content.clone(), history.submitted_at);
            return Kind::Blocked(Blocked::ChangedAfterSend { sent, sent_at });
        }
        // Nobody gets what was superseded, after somebody got what supersedes it.
        if (counts.unsent > 0 || !self.is_sent())
            && let Some(latest) = self.latest.filter(|latest| *latest > campaign.revision)
        {
            return Kind::Blocked(Blocked::RevisionBehind { latest });
        }
        if counts.unsent == 0 {
            return match self.history {
                Some(history) if !history.unknown.is_empty() => Kind::InDoubt,
                _ if self.is_waiting => Kind::Waiting,
                _ => Kind::UpToDate,
            };
        }
        if self.is_over() {
            let is_growth = counts.joined == counts.unsent;
            return if is_growth { Kind::Closed(Closed::Over) } else { Kind::Missed };
        }
        self.due(counts, waiting)
    }

    /// What is to happen to somebody in time.
    fn due(&self, counts: &TargetCounts, waiting: &[Waiting]) -> Kind {
        if waiting.iter().any(|other| other.standing == Standing::Superseded) {
            return Kind::Blocked(Blocked::StillWaiting);
        }
        if let Some(blocked) = schedule::too_far(&self.desired.campaign.schedule, self.now) {
            return Kind::Blocked(blocked);
        }
        let is_now = self.desired.campaign.schedule == Schedule::Now;
        if let Some(opens_at) = self.desired.life.opens_at(self.now).filter(|_| is_now) {
            return Kind::Later { opens_at };
        }
        match self.is_sent() {
            false => Kind::Create,
            true if counts.joined == counts.unsent => Kind::Add,
            true => Kind::Continue,
        }
    }
}
