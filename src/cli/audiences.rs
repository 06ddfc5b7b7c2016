//! Opens audiences for `apply`, which knows nothing of files.

use std::collections::BTreeMap;
use std::error::Error;

use crate::apply::{TargetSource, TargetStream};
use crate::domain::{CampaignId, TargetRow};
use crate::plan::PlannedPush;
use crate::resolve::{CampaignRows, Desired, DesiredCampaign};

/// Every campaign with its audience.
pub(super) struct Audiences(BTreeMap<CampaignId, DesiredCampaign>);

impl Audiences {
    /// Takes the audiences of everything desired.
    pub(super) fn of(desired: &Desired) -> Self {
        let pairs = desired.campaigns.iter().map(|campaign| (campaign.campaign.id.clone(), campaign.clone()));
        Self(pairs.collect())
    }
}

impl TargetSource for Audiences {
    fn open(&self, push: &PlannedPush) -> Result<Box<dyn TargetStream + '_>, Box<dyn Error + Send + Sync>> {
        let campaign = self.0.get(&push.campaign.id).expect("only desired campaigns are planned");
        let rows = campaign.rows(push.seal.as_ref()).map_err(|diagnostic| said(&diagnostic))?;
        Ok(Box::new(Rows(rows)))
    }
}

struct Rows<'campaign>(CampaignRows<'campaign>);

impl TargetStream for Rows<'_> {
    fn next_row(&mut self) -> Option<Result<TargetRow<'_>, Box<dyn Error + Send + Sync>>> {
        Some(self.0.next_row()?.map_err(|diagnostic| said(&diagnostic)))
    }
}

fn said(diagnostic: &crate::diagnostic::Diagnostic) -> Box<dyn Error + Send + Sync> {
    let place = diagnostic.primary.as_ref().map(|label| format!("{}: ", label.place)).unwrap_or_default();
    format!("{place}{}", diagnostic.message).into()
}
