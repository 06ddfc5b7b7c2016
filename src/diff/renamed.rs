//! A campaign that was sent under another name: a rename looks like a campaign that is gone and a new one.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::diff::change::next_revision;
use crate::domain::{CampaignId, Revision, TargetSet};
use crate::ledger::{BlockError, ContentDigest, History, Ledger};
use crate::resolve::Desired;

/// What the ledger has under a name that the files no longer have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Former {
    /// The name.
    pub campaign: CampaignId,
    /// Targets of the new name that got this one's push, or may have got it.
    pub targets: u64,
    /// The lowest revision above all that the ledger has of it.
    pub next_revision: Revision,
}

/// What was sent and is gone from the files, by what it said; gathered once it is asked for.
pub(super) struct Gone<'a> {
    desired: &'a Desired,
    ledger: &'a Ledger,
    editions: OnceCell<BTreeMap<&'a ContentDigest, Vec<Edition<'a>>>>,
}

type Edition<'a> = (&'a CampaignId, Revision, &'a History);

impl<'a> Gone<'a> {
    pub(super) fn new(desired: &'a Desired, ledger: &'a Ledger) -> Self {
        Self { desired, ledger, editions: OnceCell::new() }
    }

    /// Returns what said the same to some of `targets`, if a campaign that is gone did: the one that said it to most.
    pub(super) fn former(
        &self,
        digest: &ContentDigest,
        targets: &TargetSet,
    ) -> Result<Option<Former>, BlockError> {
        let mut former: Option<Former> = None;
        for &(campaign, revision, history) in self.editions().get(digest).into_iter().flatten() {
            let others = history.unsent(targets.clone())?.len();
            let reached = (targets.len() - others) as u64;
            if reached > former.as_ref().map_or(0, |former| former.targets) {
                let next_revision = next_revision(campaign, revision, self.ledger);
                former = Some(Former { campaign: campaign.clone(), targets: reached, next_revision });
            }
        }
        Ok(former)
    }

    fn editions(&self) -> &BTreeMap<&'a ContentDigest, Vec<Edition<'a>>> {
        self.editions.get_or_init(|| {
            let declared: BTreeSet<&CampaignId> =
                self.desired.campaigns.iter().map(|desired| &desired.campaign.id).collect();
            let gone = self
                .ledger
                .histories()
                .filter(|(campaign, _, history)| history.is_sent() && !declared.contains(campaign));
            let mut editions: BTreeMap<_, Vec<_>> = BTreeMap::new();
            for edition in gone {
                editions.entry(&edition.2.digest).or_default().push(edition);
            }
            editions
        })
    }
}
