//! What ledger and files say of a campaign's revisions.

use chrono::{DateTime, Utc};

use crate::domain::{CampaignId, Revision};
use crate::ledger::{History, Ledger};
use crate::resolve::DesiredCampaign;

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
pub(super) fn to_withdraw(desired: &DesiredCampaign, ledger: &Ledger) -> Vec<Revision> {
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
