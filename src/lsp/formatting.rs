//! A document as `fmt` would write it.

use std::ops::Range;

use lsp_types::TextEdit;

use crate::diagnostic::Source;
use crate::format::{self, FileKind};
use crate::lsp::position::Lines;

/// Returns the edit that formats a text: the lines between the first and the last that change, so that the
/// editor's cursor stays in its line. No edit where it is formatted, or cannot be.
pub(super) fn edits(path: &str, text: &str, lines: &Lines<'_>) -> Vec<TextEdit> {
    let source = Source::new(path.to_owned(), text.to_owned());
    // Why it cannot be formatted is shown as a diagnostic already.
    let Ok(formatted) = format::format(&source, FileKind::of_path(path)) else { return Vec::new() };
    if formatted == text {
        return Vec::new();
    }
    let (range, new_text) = changed(text, &formatted);
    vec![TextEdit { range: lines.range(&range), new_text: new_text.to_owned() }]
}

/// Cuts equal lines off both ends.
fn changed<'after>(before: &str, after: &'after str) -> (Range<usize>, &'after str) {
    let (of_before, of_after) = (before.split_inclusive('\n'), after.split_inclusive('\n'));
    let start: usize = equal_bytes(of_before, of_after);
    let (before_rest, after_rest) = (&before[start..], &after[start..]);
    let ends = (before_rest.split_inclusive('\n').rev(), after_rest.split_inclusive('\n').rev());
    let end = equal_bytes(ends.0, ends.1);
    (start..before.len() - end, &after_rest[..after_rest.len() - end])
}

fn equal_bytes<'text>(
    left: impl Iterator<Item = &'text str>,
    right: impl Iterator<Item = &'text str>,
) -> usize {
    left.zip(right).take_while(|(left, right)| left == right).map(|(line, _)| line.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_lines_that_change_are_replaced() {
        assert_eq!(changed("a\nb\nc\n", "a\nB\nc\n"), (2..4, "B\n"));
        assert_eq!(changed("a\na\n", "a\n"), (2..4, ""));
        assert_eq!(changed("a", "a\n"), (0..1, "a\n"));
        assert_eq!(changed("", "a\n"), (0..0, "a\n"));
    }
}
