//! What the vendor still holds for a time to come, and the files do not say.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::diff::change::{self, Change};
use crate::domain::{CampaignId, Revision, Schedule};
use crate::ledger::{ContentDigest, History, Ledger};
use crate::resolve::DesiredCampaign;

/// How a revision that waits at the vendor stands to the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The files have no such campaign any more.
    Removed,
    /// The files have it in another revision.
    Superseded,
    /// The files have the revision with other content.
    Changed,
    /// The files have the revision, and say that the campaign is closed.
    Closed,
    /// The files say, or the ledger does, that its tasks were deleted at the vendor.
    Withdrawn,
}

/// A campaign revision that the vendor took for a time that is still to come. There is no call that takes it back, so it
/// will be sent whatever becomes of the files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The campaign.
    pub campaign: CampaignId,
    /// Its edition.
    pub revision: Revision,
    /// What kind of targets: an audience's key, or `broadcast`.
    pub recipients: String,
    /// When it is sent.
    pub schedule: Schedule,
    /// Targets whose push the vendor took, or may have taken.
    pub targets: u64,
    /// Those of `targets` of which nobody knows.
    pub in_doubt: u64,
    /// How it stands to the files.
    pub standing: Standing,
    /// Requests that it took: each accepted one is a task, one that was refused is none.
    pub requests: u64,
}

impl Waiting {
    fn of(
        (campaign, revision, history): (&CampaignId, Revision, &History),
        standing: Standing,
        now: DateTime<Utc>,
    ) -> Option<Self> {
        let schedule = change::waits(history, now).then(|| history.content.schedule()).flatten()?;
        let recipients = history.content.recipients();
        let (targets, in_doubt) = (history.sent_count(), history.unknown.len() as u64);
        let requests = u64::from(history.batches);
        let campaign = campaign.clone();
        Some(Self { campaign, revision, recipients, schedule, targets, in_doubt, standing, requests })
    }
}

/// Returns what waits of a campaign that the files have, and is not what they say; lowest revision first.
pub(super) fn of_campaign(
    desired: &DesiredCampaign,
    digest: &ContentDigest,
    ledger: &Ledger,
    now: DateTime<Utc>,
) -> Vec<Waiting> {
    let campaign = &desired.campaign;
    let is_withdrawn = |revision, history: &History| {
        change::is_withdrawn(desired, revision) || history.withdrawn_at.is_some()
    };
    let waits = ledger.revisions(&campaign.id).filter_map(|(revision, history)| {
        let standing = match revision == campaign.revision {
            _ if is_withdrawn(revision, history) => Standing::Withdrawn,
            true if desired.life.is_closed => Standing::Closed,
            true if history.digest == *digest => return None,
            true => Standing::Changed,
            false => Standing::Superseded,
        };
        Waiting::of((&campaign.id, revision, history), standing, now)
    });
    waits.collect()
}

/// Returns everything that waits at the vendor and is not what the files say, by campaign, then revision. `changes` has
/// every campaign of the files but those that are `left_out`, of which nothing is said.
#[must_use]
pub fn waiting(
    changes: &[Change<'_>],
    left_out: &BTreeSet<CampaignId>,
    ledger: &Ledger,
    now: DateTime<Utc>,
) -> Vec<Waiting> {
    // Most ledgers have nothing that waits: then no content is looked into.
    if ledger.unexecuted_tasks(now) == 0 {
        return Vec::new();
    }
    let desired: BTreeSet<&CampaignId> = changes.iter().map(|change| &change.desired.campaign.id).collect();
    let mut waiting: Vec<Waiting> = changes.iter().flat_map(|change| &change.waiting).cloned().collect();
    let is_gone = |campaign| !desired.contains(campaign) && !left_out.contains(campaign);
    let removed = ledger.histories();
    let removed = removed.filter(|(id, _, history)| is_gone(*id) && history.withdrawn_at.is_none());
    waiting.extend(removed.filter_map(|edition| Waiting::of(edition, Standing::Removed, now)));
    waiting.sort_by(|one, other| (&one.campaign, one.revision).cmp(&(&other.campaign, other.revision)));
    waiting
}
