//! What an apply did, as `apply --json` prints it and `comment` reads it.

use serde::{Deserialize, Serialize};

use crate::apply::{CampaignReport, Report};

/// What an apply did. The four counts are targets, and add up to what was planned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportDocument {
    /// The vendor took the push.
    pub accepted: u64,
    /// The vendor says that it did not.
    pub rejected: u64,
    /// Nobody knows.
    pub in_doubt: u64,
    /// No request left.
    pub not_attempted: u64,
    /// Why it ended early, if it did.
    pub stopped: Option<String>,
    /// One entry for each planned campaign, in the plan's order.
    pub campaigns: Vec<CampaignDocument>,
}

/// What became of one campaign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignDocument {
    pub campaign: String,
    pub revision: u32,
    pub accepted: u64,
    pub rejected: u64,
    pub in_doubt: u64,
    pub not_attempted: u64,
    pub rejections: Vec<RejectionDocument>,
    pub doubts: Vec<DoubtDocument>,
    /// What kept the rest from being attempted.
    pub obstacle: Option<String>,
}

/// What was rejected with one code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectionDocument {
    pub code: String,
    pub message: String,
    pub request_id: Option<String>,
    pub targets: u64,
}

/// A batch of which nobody knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoubtDocument {
    pub task_name: String,
    pub why: String,
    pub request_id: Option<String>,
    pub targets: u64,
}

impl ReportDocument {
    /// Whether somebody has to look at something: not all that was planned was accepted, or it ended early.
    #[must_use]
    pub fn has_to_be_seen(&self) -> bool {
        self.stopped.is_some() || self.rejected > 0 || self.in_doubt > 0 || self.not_attempted > 0
    }
}

/// Returns the report as JSON.
#[must_use]
pub fn report_json(report: &Report) -> String {
    let tally = report.tally();
    crate::render::json::pretty(&ReportDocument {
        accepted: tally.accepted,
        rejected: tally.rejected,
        in_doubt: tally.unknown,
        not_attempted: tally.not_attempted,
        stopped: report.stop.as_ref().map(ToString::to_string),
        campaigns: report.campaigns.iter().map(campaign).collect(),
    })
}

/// Reads what [`report_json`] wrote.
///
/// # Errors
///
/// Returns the reader's error for anything else.
pub fn report_from_json(text: &str) -> Result<ReportDocument, serde_json::Error> {
    serde_json::from_str(text)
}

fn campaign(campaign: &CampaignReport) -> CampaignDocument {
    let rejections = campaign.refusals.iter().map(|refusal| RejectionDocument {
        code: refusal.code.clone(),
        message: refusal.message.clone(),
        request_id: refusal.request_id.clone(),
        targets: refusal.targets,
    });
    let doubts = campaign.doubts.iter().map(|doubt| DoubtDocument {
        task_name: doubt.task_name.clone(),
        why: doubt.why.clone(),
        request_id: doubt.request_id.clone(),
        targets: doubt.targets,
    });
    CampaignDocument {
        campaign: campaign.campaign.to_string(),
        revision: campaign.revision.get(),
        accepted: campaign.tally.accepted,
        rejected: campaign.tally.rejected,
        in_doubt: campaign.tally.unknown,
        not_attempted: campaign.tally.not_attempted,
        rejections: rejections.collect(),
        doubts: doubts.collect(),
        obstacle: campaign.obstacle.clone(),
    }
}
