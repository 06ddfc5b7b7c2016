//! What the vendor still holds for a time to come, and the files do not say.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::diff::change::Change;
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
    /// The files have a later revision, and say that the tasks of this one were deleted at the vendor.
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
        if !history.is_sent() {
            return None;
        }
        let schedule = history.content.schedule()?;
        schedule.firing_times_after(now).next()?;
        let recipients = history.content.as_map().get("audience").and_then(|audience| audience.as_str());
        let recipients = recipients.unwrap_or("broadcast").to_owned();
        let in_doubt = history.unknown.len() as u64;
        let targets = history.accepted.len() + in_doubt;
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
    let is_withdrawn = |revision| desired.withdrawn.is_some_and(|withdrawn| revision <= withdrawn);
    let waits = ledger.revisions(&campaign.id).filter_map(|(revision, history)| {
        let standing = match revision == campaign.revision {
            true if history.digest == *digest => return None,
            true => Standing::Changed,
            false if is_withdrawn(revision) => Standing::Withdrawn,
            false => Standing::Superseded,
        };
        Waiting::of((&campaign.id, revision, history), standing, now)
    });
    waits.collect()
}

/// Returns everything that waits at the vendor and is not what the files say, by campaign, then revision. `changes` has
/// every campaign of the files.
#[must_use]
pub fn waiting(changes: &[Change<'_>], ledger: &Ledger, now: DateTime<Utc>) -> Vec<Waiting> {
    // Most ledgers have nothing that waits: then no content is looked into.
    if ledger.unexecuted_tasks(now) == 0 {
        return Vec::new();
    }
    let desired: BTreeSet<&CampaignId> = changes.iter().map(|change| &change.desired.campaign.id).collect();
    let mut waiting: Vec<Waiting> = changes.iter().flat_map(|change| &change.waiting).cloned().collect();
    let removed = ledger.histories().filter(|(campaign, ..)| !desired.contains(campaign));
    waiting.extend(removed.filter_map(|edition| Waiting::of(edition, Standing::Removed, now)));
    waiting.sort_by(|one, other| (&one.campaign, one.revision).cmp(&(&other.campaign, other.revision)));
    waiting
}
