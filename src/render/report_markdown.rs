//! What an apply did, as a forge shows it below a pull request: the beginning of the comment that had its plan.

use std::fmt::Write as _;

use crate::render::comment_limits::CommentLimits;
use crate::render::markdown::Line;
use crate::render::report_json::{CampaignDocument, ReportDocument};
use crate::render::text;

/// Returns the report without a marker, of at most so many characters if those are a thousand or more. Campaigns that somebody
/// has to look at come first and are left out last.
#[must_use]
pub(super) fn drawn(report: &ReportDocument, limits: CommentLimits) -> String {
    let (mut first, rest): (Vec<_>, Vec<_>) = report.campaigns.iter().partition(|each| has_to_be_seen(each));
    first.extend(rest);
    let (mut low, mut high) = (0, first.len());
    let fitting =
        |count: usize, with_details: bool| limits.fitted(draw(report, &first[..count], with_details));
    if let Some(whole) = fitting(high, true) {
        return whole;
    }
    let mut best = limits.finished(draw(report, &[], false));
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        match fitting(middle, false) {
            Some(text) => (best, low) = (text, middle),
            None => high = middle - 1,
        }
    }
    best
}

fn has_to_be_seen(campaign: &CampaignDocument) -> bool {
    campaign.rejected + campaign.in_doubt + campaign.not_attempted > 0
}

fn draw(report: &ReportDocument, campaigns: &[&CampaignDocument], with_details: bool) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "\n**Applied: {} accepted, {} rejected, {} in doubt, {} not sent.**",
        text::number(report.accepted),
        text::number(report.rejected),
        text::number(report.in_doubt),
        text::number(report.not_attempted),
    );
    if let Some(stopped) = &report.stopped {
        let why: String = stopped.chars().take(if with_details { usize::MAX } else { 200 }).collect();
        let _ = writeln!(out, "\n{}", Line::default().markup("**Stopped early**: ").code(&why).end());
    }
    if report.in_doubt > 0 {
        out.push_str(
            "\nWhat is in doubt is not sent again by itself: `campaignctl doubt resolve` asks the vendor.\n",
        );
    }
    if !campaigns.is_empty() {
        out.push_str("\n| campaign | accepted | rejected | in doubt | not sent |\n|---|---|---|---|---|\n");
    }
    for campaign in campaigns {
        let name = format!("{}@{}", campaign.campaign, campaign.revision);
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} |",
            Line::default().code(&name).end(),
            text::number(campaign.accepted),
            text::number(campaign.rejected),
            text::number(campaign.in_doubt),
            text::number(campaign.not_attempted),
        );
    }
    if with_details {
        out.push('\n');
        for campaign in campaigns {
            details(&mut out, campaign);
        }
    } else {
        let more = report.campaigns.len() - campaigns.len();
        let more = text::count(more as u64, "campaign");
        let _ = writeln!(
            out,
            "\n**This is not the whole report.** Left out: why, and {more}. The job\'s log has all of it."
        );
    }
    out
}

fn details(out: &mut String, campaign: &CampaignDocument) {
    let line = || {
        let name = format!("{}@{}", campaign.campaign, campaign.revision);
        Line::default().markup("- ").code(&name).markup(": ")
    };
    let request = |line: Line, id: &Option<String>| match id {
        Some(id) => line.markup(", request ").code(id),
        None => line,
    };
    for rejection in &campaign.rejections {
        let rejected = format!("{} rejected: ", text::count(rejection.targets, "target"));
        let said = format!("{}: {}", rejection.code, rejection.message);
        let _ =
            writeln!(out, "{}", request(line().markup(&rejected).code(&said), &rejection.request_id).end());
    }
    for doubt in &campaign.doubts {
        let doubted = format!("{} in doubt, task ", text::count(doubt.targets, "target"));
        let doubted = line().markup(&doubted).code(&doubt.task_name).markup(": ").code(&doubt.why);
        let _ = writeln!(out, "{}", request(doubted, &doubt.request_id).end());
    }
    if let Some(obstacle) = &campaign.obstacle {
        let _ = writeln!(out, "{}", line().code(obstacle).end());
    }
}
