//! A plan as people read it: `blocks` and `campaign` say what there is to read, as a [`View`](view::View); a drawer for each
//! medium says what it looks like, escapes every text for itself, and computes nothing but what fits.

mod blocks;
mod calendar;
mod campaign;
mod draw_html;
mod draw_ics;
mod draw_markdown;
mod draw_text;
mod outline;
#[cfg(test)]
mod samples;
mod showing;
mod view;

use std::path::Path;

use chrono_tz::Tz;

use crate::plan::PlanDocument;
use crate::render::caller::Caller;
use crate::render::comment_limits::CommentLimits;
use crate::render::report_json::ReportDocument;
use crate::render::report_markdown;

/// Returns the whole plan. Paths begin with `directory`, the workspace's; `width` is the terminal's, if there is one to fit.
/// The document does not know who called, so that it is the same whoever does; the commands that it names are completed here.
#[must_use]
pub fn plan(plan: &PlanDocument, directory: &Path, width: Option<usize>, caller: &Caller) -> String {
    draw_text::drawn(&blocks::view(plan, directory, caller), width)
}

/// Returns the plan as a comment for a pull request: Markdown within the limits, which says what it left out.
#[must_use]
pub fn markdown(plan: &PlanDocument, directory: &Path, limits: CommentLimits, caller: &Caller) -> String {
    draw_markdown::drawn(&blocks::view(plan, directory, caller), limits)
}

/// Returns the comment once the plan was applied: under the same first line the report, and what it was the plan of.
#[must_use]
pub fn markdown_after_apply(
    plan: &PlanDocument,
    report: &ReportDocument,
    directory: &Path,
    limits: CommentLimits,
    caller: &Caller,
) -> String {
    // Either gets half of the room, and the plan what the report leaves.
    let half = CommentLimits { chars_max: limits.chars_max / 2, ..limits };
    let report = report_markdown::drawn(report, half) + "\nThe plan was:\n";
    let plan = markdown(plan, directory, limits.beside(&report), caller);
    let (marker, plan) = plan.split_once('\n').unwrap_or_default();
    format!("{marker}\n{report}{plan}")
}

/// Days after the plan's that its page has in the calendar.
const DAYS_ON_PAGE: u64 = 92;

/// Days after the plan's that a calendar of its own has.
const DAYS_IN_CALENDAR: u64 = 366;

/// Returns the plan as a page: one file of HTML, without a script, and that asks for nothing.
#[must_use]
pub fn html(plan: &PlanDocument, directory: &Path, caller: &Caller) -> String {
    let zone = plan.time_zone.parse().unwrap_or(Tz::UTC);
    draw_html::drawn(&blocks::view(plan, directory, caller), &calendar::of(plan, DAYS_ON_PAGE), zone)
}

/// Returns what the plan knows to fire, as a calendar that other programs read.
#[must_use]
pub fn ics(plan: &PlanDocument) -> String {
    draw_ics::drawn(plan, &calendar::of(plan, DAYS_IN_CALENDAR))
}

#[cfg(test)]
mod tests {
    use super::view::{Part, Text, View};
    use super::*;
    use proptest::prelude::*;

    /// Texts that a drawer may trust.
    fn trusted(view: &View) -> Vec<&str> {
        let rows = view.blocks.iter().flat_map(|block| &block.parts).filter_map(|part| match part {
            Part::Row(row) => Some(&row.spans),
            Part::Message { .. } | Part::Phones { .. } | Part::Content(_) | Part::Difference { .. } => None,
        });
        let titles = view.blocks.iter().filter_map(|block| block.title.as_ref());
        let facts = view.blocks.iter().map(|block| &block.facts);
        let spans = rows.chain(facts).chain(titles.clone().map(|title| &title.rest)).flatten();
        let own = spans.filter_map(|span| match &span.text {
            Text::Own(text) => Some(text.as_str()),
            Text::Foreign(_) | Text::Sentence(_) | Text::Quoted(_) => None,
        });
        own.chain(titles.map(|title| title.state.as_str())).collect()
    }

    proptest! {
        #[test]
        fn no_text_of_somebody_elses_is_taken_for_the_tools_own(plan in samples::plan(6)) {
            let view = blocks::view(&plan, Path::new("a"), &Caller::default());
            for text in trusted(&view) {
                prop_assert!(!text.contains(samples::FOREIGN), "{:?}", text);
            }
        }
    }
}
