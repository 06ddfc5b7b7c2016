//! Draws a plan for a terminal or a log: lines, indents and colours.

use std::fmt::Write as _;

use anstyle::Style;
use unicode_width::UnicodeWidthStr;

use crate::render::difference::Line;
use crate::render::plan::outline;
use crate::render::plan::view::{Block, Label, Part, Row, RowKind, Span, Text, Title, Tone, Topic, View};
use crate::render::text::{self, BAD, DOUBT, GOOD, QUIET, STRONG};

/// What stands before the lines below a title.
const INDENT: &str = "    ";

/// Returns the text, in lines of at most so many columns as far as their words allow.
pub(super) fn drawn(view: &View, width: Option<usize>) -> String {
    let mut out = String::new();
    let mut before = None;
    for block in &view.blocks {
        let is_list = before == Some(block.topic) && block.topic == Topic::Withdrawal;
        if before.is_some() && !is_list {
            out.push('\n');
        }
        draw_block(&mut out, block, width);
        before = Some(block.topic);
    }
    text::wrapped(&out, width)
}

fn draw_block(out: &mut String, block: &Block, width: Option<usize>) {
    if let Some(title) = &block.title {
        let head = head(title);
        let style = style_of(title.tone);
        let _ = write!(out, "{style}{head}{style:#}{}", spans(&title.rest));
        // Which phones ring is told below, with where they show it.
        let facts = block.facts.iter().filter(|fact| fact.label != Label::Rings);
        let facts: Vec<String> = facts.map(span).collect();
        flow(out, head.width(), &facts, width);
    }
    let indent = match block.topic {
        Topic::Setting | Topic::Days | Topic::Totals => "",
        Topic::Campaign
        | Topic::Waiting
        | Topic::Withdrawal
        | Topic::UpToDate
        | Topic::MissedBefore
        | Topic::InDoubtElsewhere => INDENT,
    };
    for part in &block.parts {
        match part {
            Part::Row(row) => draw_row(out, indent, row),
            Part::Message { title, body } => draw_message(out, indent, title, body),
            // A terminal draws no phones.
            Part::Phones { .. } => {}
            Part::Content(content) => {
                for line in outline::lines(content) {
                    let _ = writeln!(out, "{indent}{line}");
                }
            }
            Part::Difference { place, lines } => draw_difference(out, indent, place, lines),
        }
    }
}

fn head(Title { sign, state, campaign, .. }: &Title) -> String {
    let campaign = campaign.as_ref().map(|campaign| format!(" {}", text::plain(campaign)));
    format!("{sign} {state}{}", campaign.unwrap_or_default())
}

fn style_of(tone: Tone) -> Style {
    match tone {
        Tone::Push => GOOD,
        Tone::Stop => BAD,
        Tone::Doubt => DOUBT,
        Tone::Rest => QUIET,
    }
}

/// Writes `items` after a title of `used` columns, on one line if they fit, else on as few as it takes.
fn flow(out: &mut String, mut used: usize, items: &[String], width: Option<usize>) {
    for item in items {
        if width.is_some_and(|width| used + 2 + item.width() > width) {
            out.push('\n');
            out.push_str(INDENT);
            used = INDENT.len();
        } else {
            out.push_str("  ");
            used += 2;
        }
        out.push_str(item);
        used += item.width();
    }
    out.push('\n');
}

fn draw_row(out: &mut String, indent: &str, Row { kind, spans: row }: &Row) {
    let line = spans(row);
    let _ = match kind {
        RowKind::Line | RowKind::Reason | RowKind::Audience => writeln!(out, "{indent}{line}"),
        RowKind::Aside => writeln!(out, "{indent}{QUIET}{line}{QUIET:#}"),
        RowKind::Total => writeln!(out, "{indent}{STRONG}{line}{STRONG:#}"),
        RowKind::Cells => {
            writeln!(out, "{indent}{}", row.iter().map(span).collect::<Vec<_>>().join("  "))
        }
        RowKind::Note => writeln!(out, "{indent}{DOUBT}note:{DOUBT:#} {line}"),
        RowKind::StillSent => writeln!(out, "{indent}{DOUBT}{line}{DOUBT:#}"),
        RowKind::Help => writeln!(out, "{indent}{QUIET}help:{QUIET:#} {line}"),
        RowKind::Showing => writeln!(out, "{indent}shows: {line}"),
    };
}

fn spans(spans: &[Span]) -> String {
    spans.iter().map(span).collect()
}

fn span(Span { label, text }: &Span) -> String {
    let text = match text {
        Text::Own(text) | Text::Quoted(text) => text.clone(),
        Text::Foreign(text) | Text::Sentence(text) => text::plain(text),
    };
    match label {
        Label::Strong | Label::Project | Label::Environment => format!("{STRONG}{text}{STRONG:#}"),
        Label::Name | Label::Command => format!("`{text}`"),
        Label::Code => format!("[{text}]"),
        Label::Words
        | Label::Call
        | Label::Count
        | Label::When
        | Label::Rings
        | Label::Place
        | Label::Who => text,
    }
}

fn draw_message(out: &mut String, indent: &str, title: &str, body: &str) {
    let bar = format!("{indent}{QUIET}┃{QUIET:#}");
    let _ = writeln!(out, "{bar} {STRONG}{}{STRONG:#}", text::plain(title));
    for line in body.lines() {
        let _ = writeln!(out, "{bar} {}", text::plain(line));
    }
}

fn draw_difference(out: &mut String, indent: &str, place: &str, lines: &[Line]) {
    let place = text::plain(place);
    let _ = writeln!(out, "{indent}{BAD}--- sent{BAD:#}\n{indent}{GOOD}+++ {place}{GOOD:#}");
    for line in lines {
        let shown = line.plain();
        let _ = match line {
            Line::Header(_) => writeln!(out, "{indent}{QUIET}{shown}{QUIET:#}"),
            Line::Same(_) => writeln!(out, "{indent}{QUIET} {shown}{QUIET:#}"),
            Line::Removed(_) => writeln!(out, "{indent}{BAD}-{shown}{BAD:#}"),
            Line::Added(_) => writeln!(out, "{indent}{GOOD}+{shown}{GOOD:#}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;
    use crate::render::caller::Caller;
    use crate::render::escape::is_hidden;
    use crate::render::plan::{blocks, samples};

    fn block(topic: Topic, parts: Vec<Part>) -> Block {
        Block { topic, title: None, people: 0, facts: Vec::new(), parts }
    }

    fn view(blocks: Vec<Block>) -> View {
        let [directory, made_at, made_by, digest] = [const { String::new() }; 4];
        View { directory, made_at, made_by, digest, blocks }
    }

    #[test]
    fn each_kind_of_line_has_its_looks() {
        let row = |kind| Part::Row(Row::new(kind, [Span::words("w")]));
        let kinds = [
            RowKind::Line,
            RowKind::Aside,
            RowKind::Total,
            RowKind::Reason,
            RowKind::Note,
            RowKind::StillSent,
            RowKind::Help,
            RowKind::Audience,
            RowKind::Showing,
        ];
        let view = view(vec![block(Topic::Campaign, kinds.map(row).into())]);
        let lines = [
            "    w".to_owned(),
            format!("    {QUIET}w{QUIET:#}"),
            format!("    {STRONG}w{STRONG:#}"),
            "    w".to_owned(),
            format!("    {DOUBT}note:{DOUBT:#} w"),
            format!("    {DOUBT}w{DOUBT:#}"),
            format!("    {QUIET}help:{QUIET:#} w"),
            "    w".to_owned(),
            "    shows: w".to_owned(),
        ];
        assert_eq!(drawn(&view, None), lines.join("\n") + "\n");
    }

    #[test]
    fn titles_stand_apart_and_a_list_of_withdrawals_together() {
        let title = |sign, tone| {
            let rest = vec![Span::words(", "), Span::foreign(Label::Name, "\u{202e}")];
            Some(Title { tone, sign, state: "s".to_owned(), campaign: Some("\u{202e}".to_owned()), rest })
        };
        let cells = [Span::own(Label::When, "Mon"), Span::own(Label::Who, "2 people")];
        let titled = |topic, sign, tone| Block { title: title(sign, tone), ..block(topic, Vec::new()) };
        let blocks = vec![
            block(Topic::Days, vec![Part::Row(Row::new(RowKind::Cells, cells))]),
            titled(Topic::Campaign, '+', Tone::Push),
            titled(Topic::Campaign, '!', Tone::Stop),
            titled(Topic::Withdrawal, '-', Tone::Doubt),
            titled(Topic::Withdrawal, '-', Tone::Rest),
        ];
        let line = |style: Style, sign| format!("{style}{sign} s \\u{{202e}}{style:#}, `\\u{{202e}}`\n");
        let lines = [
            "Mon  2 people\n\n".to_owned(),
            line(GOOD, '+') + "\n",
            line(BAD, '!') + "\n",
            line(DOUBT, '-'),
            line(QUIET, '-'),
        ];
        assert_eq!(drawn(&view(blocks), None), lines.concat());
    }

    proptest! {
        #[test]
        fn whatever_a_plan_says_nothing_is_hidden_and_no_line_is_made(plan in samples::plan(4)) {
            let view = blocks::view(&plan, Path::new("a"), &Caller::default());
            let drawn = anstream::adapter::strip_str(&drawn(&view, None)).to_string();
            let is_emoji = |c| matches!(c, '\u{200d}' | '\u{fe0f}');
            prop_assert!(!drawn.contains(|c| c != '\n' && is_hidden(c) && !is_emoji(c)), "{:?}", drawn);
            // But for the project, which is the first word of all, a line begins with what it is.
            prop_assert!(!drawn.lines().skip(1).any(|line| line.starts_with(samples::FOREIGN)), "{:?}", drawn);
        }
    }
}
