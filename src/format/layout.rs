//! Indentation, quotes, spaces and blank lines.

use std::panic;

use pretty_yaml::config::{FormatOptions, LanguageOptions, LayoutOptions, Quotes};
use unicode_width::UnicodeWidthStr;
use yaml_parser::{SyntaxElement, SyntaxKind};

/// No comment holds a line break: there is none that turns formatting off, since not every place would heed it.
const NO_DIRECTIVE: &str = "\n";

/// Wider than any line: where a list or a mapping in braces is broken is the writer's choice.
const NEVER_BREAK: usize = u32::MAX as usize;

/// Returns a text laid out anew; nothing where it cannot be parsed.
pub(super) fn lay_out(text: &str) -> Option<String> {
    let options = FormatOptions {
        layout: LayoutOptions { print_width: NEVER_BREAK, ..LayoutOptions::default() },
        language: LanguageOptions {
            quotes: Quotes::PreferDouble,
            trailing_comma: false,
            // Those that remain are content: of a block scalar, for example.
            trim_trailing_whitespaces: false,
            ignore_comment_directive: NO_DIRECTIVE.to_owned(),
            ..LanguageOptions::default()
        },
    };
    // It states some of its expectations as panics; what it cannot format is left as it is.
    let mut laid_out = panic::catch_unwind(|| pretty_yaml::format_text(text, &options)).ok()?.ok()?;
    if laid_out.trim().is_empty() {
        laid_out.clear();
    } else if !laid_out.ends_with('\n') {
        laid_out.push('\n');
    }
    realigned(text, &laid_out)
}

/// Returns the texts of all comments in the order in which they stand; nothing where it cannot be parsed.
pub(super) fn comments(text: &str) -> Option<Vec<String>> {
    let places = comment_places(text)?;
    Some(places.into_iter().map(|at| line_end(text, at).trim_end().to_owned()).collect())
}

fn line_end(text: &str, at: usize) -> &str {
    text[at..].split('\n').next().unwrap_or_default()
}

/// Returns where comments begin.
fn comment_places(text: &str) -> Option<Vec<usize>> {
    let tree = panic::catch_unwind(|| yaml_parser::parse(text)).ok()?.ok()?;
    let tokens = tree.descendants_with_tokens().filter_map(SyntaxElement::into_token);
    let comments = tokens.filter(|token| token.kind() == SyntaxKind::COMMENT);
    Some(comments.map(|token| usize::from(token.text_range().start())).collect())
}

/// Puts comments behind a value back into the column where they were, as far as there is room: those of
/// neighbouring lines are aligned with each other by hand.
fn realigned(before: &str, after: &str) -> Option<String> {
    let (of_before, of_after) = (comment_places(before)?, comment_places(after)?);
    let mut out = String::with_capacity(after.len());
    let mut copied = 0;
    for (old, new) in of_before.into_iter().zip(of_after) {
        let (old, new) = (Behind::of(before, old), Behind::of(after, new));
        let is_behind_a_value = old.content_columns > 0 && new.content_columns > 0;
        if is_behind_a_value && old.column > old.content_columns + 1 {
            let spaces = old.column.saturating_sub(new.content_columns).max(1);
            out.push_str(&after[copied..new.content_end]);
            out.extend(std::iter::repeat_n(' ', spaces));
            copied = new.comment;
        }
    }
    out.push_str(&after[copied..]);
    Some(out)
}

/// A comment and what stands before it on its line.
struct Behind {
    comment: usize,
    content_end: usize,
    /// Columns up to the end of what stands before it, indentation included; 0 if nothing does.
    content_columns: usize,
    column: usize,
}

impl Behind {
    fn of(text: &str, comment: usize) -> Self {
        let line_start = text[..comment].rfind('\n').map_or(0, |at| at + 1);
        let content = text[line_start..comment].trim_end();
        Self {
            comment,
            content_end: line_start + content.len(),
            content_columns: content.width(),
            column: text[line_start..comment].width(),
        }
    }
}
