//! Opens audiences for `apply`, which knows nothing of files.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;

use crate::apply::{TargetSource, TargetStream};
use crate::domain::CampaignId;
use crate::resolve::{Audience, Desired};

/// The audience of each campaign.
pub(super) struct Audiences(BTreeMap<CampaignId, Arc<Audience>>);

impl Audiences {
    /// Takes the audiences of everything desired.
    pub(super) fn of(desired: &Desired) -> Self {
        let pairs = desired
            .campaigns
            .iter()
            .map(|campaign| (campaign.campaign.id.clone(), Arc::clone(&campaign.audience)));
        Self(pairs.collect())
    }
}

impl TargetSource for Audiences {
    fn open(&self, campaign: &CampaignId) -> Result<TargetStream<'_>, Box<dyn Error + Send + Sync>> {
        let audience = self.0.get(campaign).expect("only desired campaigns are planned");
        let stream = audience.targets().map_err(|diagnostic| said(&diagnostic))?;
        Ok(Box::new(stream.map(|id| id.map_err(|diagnostic| said(&diagnostic)))))
    }
}

fn said(diagnostic: &crate::diagnostic::Diagnostic) -> Box<dyn Error + Send + Sync> {
    let place = diagnostic.primary.as_ref().map(|label| format!("{}: ", label.place)).unwrap_or_default();
    format!("{place}{}", diagnostic.message).into()
}
