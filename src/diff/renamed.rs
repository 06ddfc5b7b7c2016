//! A campaign that was sent under another name: a rename looks like a campaign that is gone and a new one.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::diff::revisions::{next_revision, waits};
use crate::domain::{CampaignId, Revision, Schedule, TargetSet};
use crate::ledger::{BlockError, ContentDigest, History, Ledger};
use crate::resolve::{Desired, DesiredCampaign};

/// What the ledger has under a name that the files no longer have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Former {
    /// The name, which no file has any more.
    pub campaign: CampaignId,
    /// Targets of the new name that got this one's push, or may have got it.
    pub targets: u64,
    /// The lowest revision above all that the ledger has of it.
    pub next_revision: Revision,
    /// When it was first pushed.
    pub sent_at: DateTime<Utc>,
    /// Whether it takes nobody any more, and nothing of it waits.
    pub is_over: bool,
}

/// What was sent and is gone from the files, by what it said; gathered once it is asked for.
pub(super) struct Gone<'a> {
    desired: &'a Desired,
    ledger: &'a Ledger,
    revisions: OnceCell<BTreeMap<&'a ContentDigest, Vec<SentRevision<'a>>>>,
}

type SentRevision<'a> = (&'a CampaignId, Revision, &'a History);

impl<'a> Gone<'a> {
    pub(super) fn new(desired: &'a Desired, ledger: &'a Ledger) -> Self {
        Self { desired, ledger, revisions: OnceCell::new() }
    }

    /// Returns what already said the same to some of `targets`, if a campaign that is gone did: the one that said it to most, and one
    /// that still takes latecomers before any that is over. How long a campaign that is gone took them, nobody says any
    /// more: as long as the new one does.
    pub(super) fn former(
        &self,
        (desired, digest): (&DesiredCampaign, &ContentDigest),
        targets: &TargetSet,
        now: DateTime<Utc>,
    ) -> Result<Option<Former>, BlockError> {
        // The same window, as far as anybody can tell: it had begun when the gone one was first pushed.
        let ends_at = |history: &History| {
            let (life, first) = (&desired.life, history.first_push()?);
            let in_window = life.not_before.is_none_or(|at| at <= first);
            life.stops_at().filter(|_| in_window).or_else(|| life.open_for.ends_at(first))
        };
        let is_over = |history: &History| {
            let is_closed = match history.content.schedule() {
                Some(Schedule::Now) => ends_at(history).is_some_and(|at| at <= now),
                _ => !waits(history, now),
            };
            is_closed || history.withdrawn_at.is_some()
        };
        let mut former: Option<Former> = None;
        for &(campaign, revision, history) in self.revisions().get(digest).into_iter().flatten() {
            let others = history.unsent(targets.clone())?.len();
            let reached = (targets.len() - others) as u64;
            let is_over = is_over(history);
            let standing = former.as_ref().map_or((false, 0), |former| (!former.is_over, former.targets));
            if reached > 0 && (!is_over, reached) > standing {
                let next_revision = next_revision(campaign, revision, self.ledger);
                let (campaign, sent_at) = (campaign.clone(), history.first_push().unwrap_or(now));
                former = Some(Former { campaign, targets: reached, next_revision, sent_at, is_over });
            }
        }
        Ok(former)
    }

    /// Whether anything that is gone said this, to whomever.
    pub(super) fn said(&self, digest: &ContentDigest) -> bool {
        self.revisions().contains_key(digest)
    }

    fn revisions(&self) -> &BTreeMap<&'a ContentDigest, Vec<SentRevision<'a>>> {
        self.revisions.get_or_init(|| {
            let declared: BTreeSet<&CampaignId> =
                self.desired.campaigns.iter().map(|desired| &desired.campaign.id).collect();
            let left_out = &self.desired.selection.left_out;
            let gone = self.ledger.histories().filter(|(id, _, history)| {
                history.is_sent() && !declared.contains(id) && !left_out.contains(*id)
            });
            let mut revisions: BTreeMap<_, Vec<_>> = BTreeMap::new();
            for sent in gone {
                revisions.entry(&sent.2.digest).or_default().push(sent);
            }
            revisions
        })
    }
}
