//! Draws a plan as a comment of a pull request: Markdown that every forge shows, cut to what it takes.
//!
//! What is cut first is what a reviewer misses least. What stands in the way, is in doubt or waits, and the counts stay.
//! In tests comrak, which is not ours, reads what is drawn.

use std::fmt::Write as _;

use crate::render::comment_limits::CommentLimits;
use crate::render::difference::Line as DiffLine;
use crate::render::markdown::{Line, fenced, html_code, in_comment};
use crate::render::plan::outline;
use crate::render::plan::view::{Block, Label, Part, Row, RowKind, Span, Text, Title, Topic, View};
use crate::render::text;

/// Of a longer body, where there is no room for all of them, so many characters are shown.
const BODY_CHARS_MAX: usize = 200;
/// Of a longer name of project, environment or directory, so many characters stand in the marker.
const MARKER_CHARS_MAX: usize = 100;

/// What is left out, each with all that stand before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Cut {
    Nothing,
    Contents,
    DiffContext,
    LongBodies,
    Details,
    Campaigns,
    Help,
    /// All but the marker, the counts, and what was cut.
    Setting,
}

/// How much is drawn.
#[derive(Clone, Copy, Debug)]
struct Extent {
    cut: Cut,
    /// So many campaigns of which nobody has to decide anything, those with the most people.
    campaigns_max: usize,
    /// So many others.
    stopped_max: usize,
    /// What all of it has to fit in.
    chars_max: usize,
}

/// Returns the comment, as short as `limits` asks.
pub(super) fn drawn(view: &View, limits: CommentLimits) -> String {
    let chars_max = limits.chars_max;
    let all = Extent { cut: Cut::Nothing, campaigns_max: usize::MAX, stopped_max: usize::MAX, chars_max };
    let fitting = |extent: &Extent| limits.fitted(draw(view, extent));
    for cut in [Cut::Nothing, Cut::Contents, Cut::DiffContext, Cut::LongBodies, Cut::Details] {
        if let Some(text) = fitting(&Extent { cut, ..all }) {
            return text;
        }
    }
    let most = view.blocks.len();
    let campaigns = |campaigns_max| Extent { cut: Cut::Campaigns, campaigns_max, ..all };
    let stopped = |stopped_max| Extent { cut: Cut::Help, campaigns_max: 0, stopped_max, ..all };
    largest(most, |count| fitting(&campaigns(count)))
        .or_else(|| fitting(&stopped(most)))
        .or_else(|| largest(most, |count| fitting(&stopped(count))))
        .unwrap_or_else(|| {
            let least = Extent { cut: Cut::Setting, campaigns_max: 0, stopped_max: 0, ..all };
            limits.finished(draw(view, &least))
        })
}

/// Returns what the largest number up to `most` gives, where smaller ones give something, too.
fn largest(most: usize, give: impl Fn(usize) -> Option<String>) -> Option<String> {
    let (mut best, mut low, mut high) = (give(0)?, 0, most);
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        match give(middle) {
            Some(text) => (best, low) = (text, middle),
            None => high = middle - 1,
        }
    }
    Some(best)
}

fn draw(view: &View, extent: &Extent) -> String {
    let mut out = marker(view);
    let chosen = Chosen::of(view, extent);
    for block in view.blocks.iter().filter(|block| block.topic == Topic::Totals) {
        paragraphs(&mut out, block);
    }
    if extent.cut < Cut::Setting {
        for block in view.blocks.iter().filter(|block| block.topic == Topic::Setting) {
            paragraphs(&mut out, block);
        }
        table(&mut out, &chosen);
        verdicts(&mut out, &chosen, extent);
        if extent.cut < Cut::Details {
            for block in &chosen.shown {
                details(&mut out, block, extent);
            }
        }
        for block in &view.blocks {
            match block.topic {
                Topic::UpToDate | Topic::MissedBefore | Topic::InDoubtElsewhere => {
                    counted(&mut out, block, extent);
                }
                Topic::Days if extent.cut < Cut::Help => days(&mut out, block),
                Topic::Days
                | Topic::Setting
                | Topic::Campaign
                | Topic::Waiting
                | Topic::Withdrawal
                | Topic::Totals => {}
            }
        }
    }
    what_was_cut(&mut out, &chosen, extent);
    out
}

/// Says whose plan it is, for who looks for the comment to write it anew.
fn marker(view: &View) -> String {
    let named = |label| {
        let spans = view.blocks.iter().flat_map(|block| &block.parts).filter_map(|part| match part {
            Part::Row(row) => Some(&row.spans),
            Part::Message { .. } | Part::Phones { .. } | Part::Content(_) | Part::Difference { .. } => None,
        });
        let found = spans.flatten().find(|span| span.label == label).map(Span::as_str).unwrap_or_default();
        in_comment(&found.chars().take(MARKER_CHARS_MAX).collect::<String>())
    };
    let directory: String = view.directory.chars().take(MARKER_CHARS_MAX).collect();
    let (project, environment) = (named(Label::Project), named(Label::Environment));
    format!("<!-- campaignctl:{project}/{environment}/{} -->\n", in_comment(&directory))
}

/// The blocks of campaigns that are shown, in the plan's order, and those that are not.
struct Chosen<'a> {
    shown: Vec<&'a Block>,
    hidden: Vec<&'a Block>,
}

impl<'a> Chosen<'a> {
    fn of(view: &'a View, extent: &Extent) -> Self {
        let blocks: Vec<&Block> = view.blocks.iter().filter(|block| block.is_campaign()).collect();
        let mut by_people: Vec<usize> = (0..blocks.len()).collect();
        by_people.sort_by_key(|place| std::cmp::Reverse(blocks[*place].people));
        let mut is_shown = vec![false; blocks.len()];
        let (mut stopped, mut others) = (extent.stopped_max, extent.campaigns_max);
        for place in by_people {
            let left = if blocks[place].has_to_be_seen() { &mut stopped } else { &mut others };
            is_shown[place] = *left > 0;
            *left = left.saturating_sub(1);
        }
        let (shown, hidden): (Vec<_>, Vec<_>) =
            blocks.into_iter().zip(is_shown).partition(|(_, is_shown)| *is_shown);
        let blocks = |chosen: Vec<(&'a Block, bool)>| chosen.into_iter().map(|(block, _)| block).collect();
        Self { shown: blocks(shown), hidden: blocks(hidden) }
    }
}

fn paragraphs(out: &mut String, block: &Block) {
    for part in &block.parts {
        let Part::Row(row) = part else { continue };
        let line = spans(Line::default(), &row.spans).end();
        let _ = match row.kind {
            RowKind::Total => writeln!(out, "\n**{line}**"),
            RowKind::Line
            | RowKind::Aside
            | RowKind::Cells
            | RowKind::Reason
            | RowKind::Note
            | RowKind::StillSent
            | RowKind::Help
            | RowKind::Audience
            | RowKind::Showing => writeln!(out, "\n{line}"),
        };
    }
}

/// Has a row for each campaign that is shown.
fn table(out: &mut String, Chosen { shown, hidden }: &Chosen<'_>) {
    if shown.is_empty() {
        return;
    }
    out.push_str("\n| | campaign | how many | when | how it rings | call | declared |\n|---|---|---|---|---|---|---|\n");
    for block in shown {
        let Some(title) = &block.title else { continue };
        let fact = |labels: &[Label]| block.facts_of(labels).into_iter().fold(Line::default(), span).end();
        let campaign = Line::default().code(title.campaign.as_deref().unwrap_or_default()).end();
        let who = fact(&[Label::Count, Label::Who]);
        let (when, rings) = (fact(&[Label::When]), fact(&[Label::Rings]));
        let (call, place) = (fact(&[Label::Call]), fact(&[Label::Place]));
        let Title { sign, state, .. } = title;
        let _ =
            writeln!(out, "| {sign} {state} | {campaign} | {who} | {when} | {rings} | {call} | {place} |");
    }
    if !hidden.is_empty() {
        let people = hidden.iter().fold(0, |sum: u64, block| sum.saturating_add(block.people));
        let (campaigns, people) = (text::number(hidden.len() as u64), text::count(people, "target"));
        let _ = writeln!(out, "| | and {campaigns} more | {people} | | | | |");
    }
}

/// Says of each campaign that somebody has to look at why, and what to do.
fn verdicts(out: &mut String, chosen: &Chosen<'_>, extent: &Extent) {
    let stopped: Vec<&&Block> = chosen.shown.iter().filter(|block| block.has_to_be_seen()).collect();
    if !stopped.is_empty() {
        out.push('\n');
    }
    for block in stopped {
        let Some(title) = &block.title else { continue };
        let campaign = Line::default().code(title.campaign.as_deref().unwrap_or_default()).end();
        let _ = writeln!(out, "- **{}** {campaign}", title.state);
        rows(out, "  - ", block, extent);
    }
}

/// Writes the prose of a block as a list.
fn rows(out: &mut String, bullet: &str, block: &Block, extent: &Extent) {
    for part in &block.parts {
        let Part::Row(row) = part else { continue };
        let _ = match row.kind {
            RowKind::Help if extent.cut < Cut::Help => writeln!(out, "{bullet}{}", worded("help: ", row)),
            RowKind::Note if extent.cut < Cut::Help => writeln!(out, "{bullet}{}", worded("note: ", row)),
            RowKind::Help | RowKind::Note => Ok(()),
            RowKind::Showing => writeln!(out, "{bullet}{}", worded("shows: ", row)),
            RowKind::Line
            | RowKind::Aside
            | RowKind::Total
            | RowKind::Cells
            | RowKind::Reason
            | RowKind::StillSent
            | RowKind::Audience => writeln!(out, "{bullet}{}", worded("", row)),
        };
    }
}

fn worded(lead: &str, row: &Row) -> String {
    spans(Line::default().markup(lead), &row.spans).end()
}

/// Folds away what a campaign says, or how it differs from what was sent.
fn details(out: &mut String, block: &Block, extent: &Extent) {
    let Some(title) = &block.title else { return };
    if block.parts.iter().all(|part| matches!(part, Part::Row(_))) {
        return;
    }
    let campaign = html_code(title.campaign.as_deref().unwrap_or_default());
    let _ = writeln!(out, "\n<details><summary>{} {} {campaign}</summary>\n", title.sign, title.state);
    if !block.has_to_be_seen() {
        rows(out, "- ", block, extent);
        out.push('\n');
    }
    for part in &block.parts {
        match part {
            Part::Message { title, body } => out.push_str(&message(title, body, extent)),
            Part::Content(content) if extent.cut < Cut::Contents => {
                out.push_str(&fenced("yaml", &outline::lines(content)));
            }
            Part::Row(_) | Part::Content(_) | Part::Phones { .. } => {}
            Part::Difference { place, lines } => out.push_str(&difference(place, lines, extent)),
        }
    }
    out.push_str("\n</details>\n");
}

fn message(title: &str, body: &str, extent: &Extent) -> String {
    let is_whole = extent.cut < Cut::LongBodies || body.chars().count() <= BODY_CHARS_MAX;
    let shown: String = body.chars().take(if is_whole { usize::MAX } else { BODY_CHARS_MAX }).collect();
    let mut lines = vec![text::plain(title), String::new()];
    lines.extend(shown.lines().map(text::plain));
    if !is_whole {
        lines.push("(cut here)".to_owned());
    }
    fenced("text", &lines)
}

fn difference(place: &str, lines: &[DiffLine], extent: &Extent) -> String {
    let mut shown = vec!["--- sent".to_owned(), format!("+++ {}", text::plain(place))];
    shown.extend(lines.iter().filter_map(|line| match line {
        DiffLine::Header(_) => Some(line.plain()),
        DiffLine::Same(_) => (extent.cut < Cut::DiffContext).then(|| format!(" {}", line.plain())),
        DiffLine::Removed(_) => Some(format!("-{}", line.plain())),
        DiffLine::Added(_) => Some(format!("+{}", line.plain())),
    }));
    fenced("diff", &shown)
}

/// Tells of campaigns that are only counted.
fn counted(out: &mut String, block: &Block, extent: &Extent) {
    out.push('\n');
    if let Some(title) = &block.title {
        let sentence = spans(Line::default().markup(&title.state), &title.rest).end();
        let _ = writeln!(out, "{sentence}\n");
    }
    rows(out, "- ", block, extent);
}

fn days(out: &mut String, block: &Block) {
    out.push_str("\n| day | who |\n|---|---|\n");
    for part in &block.parts {
        let Part::Row(row) = part else { continue };
        if row.kind == RowKind::Cells {
            let cells: Vec<String> = row
                .spans
                .iter()
                .map(|cell| spans(Line::default(), std::slice::from_ref(cell)).end())
                .collect();
            let _ = writeln!(out, "| {} |", cells.join(" | "));
        } else {
            let _ = writeln!(out, "| {} | |", spans(Line::default(), &row.spans).end());
        }
    }
}

/// Says what is missing, so that nobody takes the rest for the whole.
fn what_was_cut(out: &mut String, Chosen { hidden, .. }: &Chosen<'_>, extent: &Extent) {
    let levels = [
        (Cut::Contents, "contents"),
        (Cut::DiffContext, "unchanged lines of differences"),
        (Cut::LongBodies, "bodies beyond 200 characters"),
        (Cut::Details, "messages and differences"),
        (Cut::Help, "help, notes and days"),
        (Cut::Setting, "where it pushes to"),
    ];
    let cut = levels.iter().filter(|(level, _)| extent.cut >= *level);
    // Whatever is a part of something else that is missing as well.
    let cut = cut.filter(|(level, _)| extent.cut < Cut::Details || *level >= Cut::Details);
    let mut cut: Vec<String> = cut.map(|(_, what)| (*what).to_owned()).collect();
    if !hidden.is_empty() {
        let stopped = hidden.iter().filter(|block| block.has_to_be_seen()).count() as u64;
        let of_them = format!(
            "{}, {} of them to be looked at",
            text::count(hidden.len() as u64, "campaign"),
            text::number(stopped)
        );
        cut.push(if stopped > 0 { of_them } else { text::count(hidden.len() as u64, "campaign") });
    }
    if !cut.is_empty() {
        let most = text::number(extent.chars_max as u64);
        let _ = writeln!(
            out,
            "\n**This is not the whole plan.** Left out to fit {most} characters: {}. The saved plan has all of it.",
            cut.join("; ")
        );
    }
}

fn spans(line: Line, spans: &[Span]) -> Line {
    spans.iter().fold(line, span)
}

fn span(line: Line, Span { label, text }: &Span) -> Line {
    let is_strong = matches!(label, Label::Strong | Label::Project | Label::Environment);
    let mark = if is_strong { "**" } else { "" };
    let line = line.markup(mark);
    let line = match (label, text) {
        (Label::Name | Label::Command, Text::Own(text) | Text::Foreign(text) | Text::Quoted(text))
        | (_, Text::Quoted(text)) => line.code(text),
        (Label::When, Text::Foreign(text)) | (_, Text::Own(text)) => line.words(text),
        (_, Text::Foreign(text)) => line.code(text),
        (_, Text::Sentence(text)) => line.sentence(text),
    };
    line.markup(mark)
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::LazyLock;

    use proptest::prelude::*;
    use regex::Regex;

    use super::*;
    use crate::plan::PlanDocument;
    use crate::render::caller::Caller;
    use crate::render::plan::{blocks, markdown_after_apply, samples};
    use crate::render::{ReportDocument, report_from_json};

    static CODE: LazyLock<Regex> = LazyLock::new(|| Regex::new("(?s)<code[^>]*>[^<]*</code>").unwrap());
    static MARKER: LazyLock<Regex> =
        LazyLock::new(|| Regex::new("^<!-- campaignctl:[A-Za-z0-9._/-]* -->$").unwrap());
    static TAG: LazyLock<Regex> = LazyLock::new(|| Regex::new("<(/?[^ />]*)[^>]*>").unwrap());
    /// What a forge makes something of, in text.
    static LIVE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"[@#$^`*\[\]]|~[^ ]|://|www\.|![0-9]|\b[0-9a-f]{7}|GH-|%[A-Za-z0-9"]|&amp;[0-9]|:[a-z][a-z0-9_]*:|\b[a-z][a-z0-9_-]*/[a-z0-9_.-]+"#).unwrap()
    });

    /// Of the regex crate's tables, which the drawer does not use.
    static EMOJI: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"[\p{Emoji_Presentation}\p{Regional_Indicator}\u{200d}\u{fe0f}\u{20e3}]").unwrap()
    });

    const LONG: CommentLimits = CommentLimits { chars_max: usize::MAX, has_emoji: true };

    fn comment(plan: &PlanDocument, limits: CommentLimits) -> String {
        let view = blocks::view(plan, Path::new("a --> b/c"), &Caller::new(Some("x y"), None));
        drawn(&view, limits)
    }

    /// What a forge or a runner makes something of at the beginning of a line, whatever a renderer says of code.
    fn assert_no_line_is_obeyed(markdown: &str) -> Result<(), TestCaseError> {
        for line in markdown.lines() {
            let begins = line.trim_start();
            prop_assert!(!begins.starts_with('/'), "a quick action: {line}");
            prop_assert!(!begins.starts_with("::"), "a command: {line}");
            prop_assert!(!line.contains("##["), "a command: {line}");
        }
        Ok(())
    }

    /// Returns the HTML that GitHub's dialect makes of it, without what stands in code, where a forge looks for nothing.
    fn read_as_text(markdown: &str) -> String {
        let mut options = comrak::Options::default();
        options.render.r#unsafe = true;
        options.extension.autolink = true;
        options.extension.table = true;
        options.extension.tasklist = true;
        options.extension.strikethrough = true;
        options.extension.footnotes = true;
        options.extension.alerts = true;
        options.extension.math_dollars = true;
        options.extension.math_code = true;
        options.extension.wikilinks_title_after_pipe = true;
        options.extension.multiline_block_quotes = true;
        options.extension.description_lists = true;
        options.extension.superscript = true;
        let html = comrak::markdown_to_html(markdown, &options);
        CODE.replace_all(&html, "<code></code>").into_owned()
    }

    fn assert_inert(markdown: &str) -> Result<(), TestCaseError> {
        let text = read_as_text(markdown);
        let (marker, text) = text.split_once('\n').unwrap();
        prop_assert!(MARKER.is_match(marker), "{marker}");
        prop_assert!(!text.contains(samples::FOREIGN), "foreign text outside of code: {text}\n{markdown}");
        prop_assert!(!LIVE.is_match(text), "{:?} in {text}\n{markdown}", LIVE.find(text));
        let known = [
            "p", "strong", "table", "thead", "tbody", "tr", "th", "td", "ul", "li", "code", "pre", "details",
            "summary",
        ];
        for tag in TAG.captures_iter(text) {
            prop_assert!(
                known.contains(&tag[1].trim_start_matches('/')),
                "{} in {text}\n{markdown}",
                &tag[0]
            );
        }
        Ok(())
    }

    /// A report as anybody may have written it into a file.
    fn report() -> impl Strategy<Value = ReportDocument> {
        let campaign = (samples::text(), samples::text(), samples::text(), 0..3_usize, any::<u32>());
        (prop::collection::vec(campaign, 0..40), prop::option::of(samples::text()), 0..3_u64).prop_map(
            |(campaigns, stopped, in_doubt)| {
                let campaigns = campaigns.iter().map(|(name, one, other, count, number)| {
                    serde_json::json!({
                        "campaign": name, "revision": number, "accepted": 1, "rejected": count, "in_doubt": count,
                        "not_attempted": 0, "obstacle": one,
                        "rejections": vec![serde_json::json!({
                            "code": one, "message": other, "request_id": other, "targets": number,
                        }); *count],
                        "doubts": vec![serde_json::json!({
                            "task_name": one, "why": other, "request_id": null, "targets": number,
                        }); *count],
                    })
                });
                let report = serde_json::json!({
                    "accepted": 1, "rejected": u64::MAX, "in_doubt": in_doubt, "not_attempted": 0, "stopped": stopped,
                    "campaigns": campaigns.collect::<Vec<_>>(),
                });
                report_from_json(&report.to_string()).unwrap()
            },
        )
    }

    proptest! {
        // Each case is a document that is drawn up to twenty times, and read by a parser.
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn nothing_that_a_plan_says_is_more_than_text_to_a_forge(plan in samples::plan(6)) {
            let comment = comment(&plan, LONG);
            assert_inert(&comment)?;
            assert_no_line_is_obeyed(&comment)?;
            let hidden = |c: char| c != '\n' && crate::render::escape::is_hidden(c) && !matches!(c, '\u{200d}' | '\u{fe0f}');
            prop_assert!(!comment.contains(hidden), "{:?}", comment);
        }

        #[test]
        fn a_report_is_text_and_fits_with_its_plan(
            plan in samples::plan(6),
            report in report(),
            forge in prop::sample::select(vec![65_536, 60_000, 8_000_usize]),
        ) {
            let (directory, caller) = (Path::new("a"), Caller::default());
            let drawn = |limits| markdown_after_apply(&plan, &report, directory, limits, &caller);
            let (whole, cut) = (drawn(LONG), drawn(CommentLimits { chars_max: forge, has_emoji: true }));
            for comment in [&whole, &cut] {
                assert_inert(comment)?;
                assert_no_line_is_obeyed(comment)?;
                prop_assert!(comment.contains("\n**Applied: ") && comment.contains("\n**Plan: "), "{}", comment);
            }
            prop_assert!(cut.encode_utf16().count() <= forge);
            for campaign in &report.campaigns {
                let revision = format!("@{}", campaign.revision);
                prop_assert!(whole.contains(&revision), "{}", revision);
            }
        }

        #[test]
        fn every_plan_fits_every_limit_and_keeps_what_counts(
            plan in samples::plan(20),
            chars_max in prop_oneof![Just(65_536), Just(65_535), Just(60_000), Just(8_000), 1000..20_000_usize],
            has_emoji in any::<bool>(),
        ) {
            let limits = CommentLimits { chars_max, has_emoji };
            let (whole, cut) = (comment(&plan, CommentLimits { has_emoji, ..LONG }), comment(&plan, limits));
            // In whichever units a forge counts; bytes are no limit of any.
            prop_assert!(cut.encode_utf16().count() <= chars_max);
            prop_assert!(cut.chars().count() <= chars_max);
            prop_assert!(has_emoji || !EMOJI.is_match(&cut), "{:?}", EMOJI.find(&cut));
            assert_no_line_is_obeyed(&cut)?;
            prop_assert_eq!(cut.lines().next(), whole.lines().next());
            let totals = whole.lines().find(|line| line.starts_with("**Plan")).unwrap();
            prop_assert!(cut.contains(totals), "{}", cut);
            prop_assert_eq!(cut.contains("**This is not the whole plan.**"), cut != whole);
            assert_inert(&cut)?;
        }
    }
}
