//! How a campaign's change is found.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::diff::change::{Blocked, Change, Closed, Kind, Standing, Waiting};
use crate::diff::counts::{TargetCounts, counts};
use crate::diff::renamed::Gone;
use crate::diff::revisions::{is_withdrawn, next_revision, to_withdraw, waits};
use crate::diff::{schedule, waiting};
use crate::domain::{Revision, Schedule, TargetSet};
use crate::ledger::{BlockError, ContentDigest, History, Ledger};
use crate::resolve::{AudienceContents, Desired, DesiredCampaign};

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
    let values_digest = listed.file.filter(|_| !campaign.values_from.is_empty()).map(|(_, digest)| digest);
    let widest = listed.widest.get(&campaign.id).cloned();
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
        widest,
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
        approved_until: None,
        next_revision: next_revision(&campaign.id, campaign.revision, ledger),
        waiting,
    })
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
