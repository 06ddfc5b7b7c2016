//! What an apply did, as people and machines read it.

use std::fmt::Write as _;
use std::time::Duration;

use crate::apply::{CampaignReport, Doubtful, Report, Tally};
use crate::plan::SummaryDocument;
use crate::render::caller::Caller;
use crate::render::text::{self, BAD, DOUBT, GOOD, QUIET, STRONG};

pub use crate::render::report_json::report_json;

/// Returns the report. `took` is how long it took.
#[must_use]
pub fn report(
    report: &Report,
    plan: &SummaryDocument,
    took: Duration,
    caller: &Caller,
    width: Option<usize>,
) -> String {
    let mut out = String::from("\n");
    if let Some(stop) = &report.stop {
        let _ = writeln!(out, "{BAD}Stopped early{BAD:#}: {}", text::plain(&stop.to_string()));
        if let Some(help) = stop.help() {
            let _ = writeln!(out, "{QUIET}help{QUIET:#}: {help}");
        }
        out.push('\n');
    }
    for campaign in &report.campaigns {
        campaign_block(&mut out, campaign);
    }
    let tally = report.tally();
    if tally.unknown > 0 {
        let _ = writeln!(
            out,
            "\n{DOUBT}In doubt{DOUBT:#}: delivery of {} is unknown. Nothing is sent again by itself.\n\
             To ask the vendor: `{}`.",
            text::noun(tally.unknown, "push", "pushes"),
            caller.command("doubt resolve"),
        );
    }
    let _ = writeln!(out, "\n{STRONG}Applied in {}: {}.{STRONG:#}", seconds(took), summary(tally));
    let unpushed = [(plan.missed, "missed"), (plan.blocked, "blocked"), (plan.held, "held")];
    let unpushed: Vec<String> = unpushed
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{} {what}", text::number(*count)))
        .collect();
    if !unpushed.is_empty() {
        let _ = writeln!(out, "Not pushed, as planned: {}.", unpushed.join(", "));
    }
    if plan.in_doubt > 0 {
        let list = caller.command("doubt list");
        let _ = writeln!(
            out,
            "In doubt from an earlier run: {}. See `{list}`.",
            text::count(plan.in_doubt, "campaign")
        );
    }
    if tally.rejected + tally.not_attempted > 0 {
        let plan = caller.command("plan");
        let _ = writeln!(out, "What was rejected or not sent is tried again next time: see `{plan}`.");
    }
    text::wrapped(&out, width)
}

/// Returns the four numbers in words.
#[must_use]
pub fn summary(tally: Tally) -> String {
    format!(
        "{} accepted, {} rejected, {} in doubt, {} not sent",
        text::number(tally.accepted),
        text::number(tally.rejected),
        text::number(tally.unknown),
        text::number(tally.not_attempted),
    )
}

/// Returns those of the four numbers that are not zero, in words.
fn non_zero(tally: Tally) -> String {
    let parts = [
        (tally.accepted, "accepted"),
        (tally.rejected, "rejected"),
        (tally.unknown, "in doubt"),
        (tally.not_attempted, "not sent"),
    ];
    let parts = parts.iter().filter(|(count, _)| *count > 0);
    parts.map(|(count, what)| format!("{} {what}", text::number(*count))).collect::<Vec<_>>().join(", ")
}

fn seconds(took: Duration) -> String {
    match took.as_secs() {
        0..60 => format!("{:.1} s", took.as_secs_f64()),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

fn campaign_block(out: &mut String, campaign: &CampaignReport) {
    let tally = campaign.tally;
    let (symbol, style) = if tally.unknown > 0 {
        ("?", DOUBT)
    } else if tally.rejected > 0 {
        ("!", BAD)
    } else if tally.not_attempted > 0 {
        (".", QUIET)
    } else {
        ("+", GOOD)
    };
    let name = format!("{}@{}", campaign.campaign, campaign.revision);
    let _ = writeln!(out, "{style}{symbol} {name}{style:#}  {}", non_zero(tally));
    for refusal in &campaign.refusals {
        let request = refusal.request_id.as_deref().map(|id| format!(", request {id}")).unwrap_or_default();
        let _ = writeln!(
            out,
            "    {} rejected: {}: {}{}",
            text::count(refusal.targets, "target"),
            text::plain(&refusal.code),
            text::plain(&refusal.message),
            text::plain(&request),
        );
    }
    let mut causes: Vec<&str> = Vec::new();
    for doubt in &campaign.doubts {
        if !causes.contains(&doubt.why.as_str()) {
            causes.push(&doubt.why);
        }
    }
    for why in causes {
        doubts_of_cause(out, campaign.doubts.iter().filter(|doubt| doubt.why == why));
    }
    if let Some(obstacle) = &campaign.obstacle {
        let _ = writeln!(out, "    {}", text::plain(obstacle));
    }
}

/// Writes one line for all batches that are in doubt for the same cause.
fn doubts_of_cause<'a>(out: &mut String, mut doubts: impl Iterator<Item = &'a Doubtful>) {
    let first = doubts.next().expect("a cause has a batch");
    let (mut targets, mut others) = (first.targets, 0);
    for doubt in doubts {
        targets += doubt.targets;
        others += 1;
    }
    let request = first.request_id.as_deref().map(|id| format!(", request {id}")).unwrap_or_default();
    let others = if others == 0 { String::new() } else { format!(" and {} more", text::number(others)) };
    let _ = writeln!(
        out,
        "    {} in doubt, task `{}`{others}: {}{}",
        text::count(targets, "target"),
        text::plain(&first.task_name),
        text::plain(&first.why),
        text::plain(&request),
    );
}
