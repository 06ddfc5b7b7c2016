//! What the vendor still holds for a time to come, and the files do not say.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::diff::change::{Change, Standing, Waiting};
use crate::diff::revisions::{is_withdrawn, waits};
use crate::domain::{CampaignId, Revision};
use crate::ledger::{ContentDigest, History, Ledger};
use crate::resolve::DesiredCampaign;

impl Waiting {
    fn of(
        (campaign, revision, history): (&CampaignId, Revision, &History),
        standing: Standing,
        now: DateTime<Utc>,
    ) -> Option<Self> {
        let schedule = waits(history, now).then(|| history.content.schedule()).flatten()?;
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
    let is_withdrawn =
        |revision, history: &History| is_withdrawn(desired, revision) || history.withdrawn_at.is_some();
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
    waiting.extend(removed.filter_map(|revision| Waiting::of(revision, Standing::Removed, now)));
    waiting.sort_by(|one, other| (&one.campaign, one.revision).cmp(&(&other.campaign, other.revision)));
    waiting
}
