//! The lines that differ between two texts, so that a person sees how: characters that only look alike are written out.

use similar::{Algorithm, ChangeTag, DiffTag, TextDiff, capture_diff_slices};
use unicode_security::confusable_detection::skeleton;

use crate::render::escape;

/// A line of a diff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// Where the lines below it stand.
    Header(String),
    /// Of both texts.
    Same(String),
    /// Of the first text alone.
    Removed(Marked),
    /// Of the second text alone.
    Added(Marked),
}

/// A line as it is, and the byte places, in order, of characters that a reader would not see to differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Marked {
    text: String,
    places: Vec<usize>,
}

impl Line {
    /// Returns it as it may be printed, without a sign of what it is.
    pub(super) fn plain(&self) -> String {
        match self {
            Self::Header(line) | Self::Same(line) => escape::plain(line),
            Self::Removed(line) | Self::Added(line) => {
                escape::plain_but(&line.text, |place| line.places.binary_search(&place).is_ok())
            }
        }
    }
}

/// Compares two texts, and returns what differs with so many lines around it.
pub(super) fn lines(before: &str, after: &str, context: usize) -> Vec<Line> {
    let diff = TextDiff::from_lines(before, after);
    let mut out = Vec::new();
    for hunk in diff.unified_diff().context_radius(context).iter_hunks() {
        out.push(Line::Header(hunk.header().to_string()));
        for op in hunk.ops() {
            let changes: Vec<(ChangeTag, &str)> = diff
                .iter_changes(op)
                .map(|change| (change.tag(), change.value().trim_end_matches(['\n', '\r'])))
                .collect();
            let of = |wanted| changes.iter().filter(move |(tag, _)| *tag == wanted).map(|(_, line)| *line);
            let (removed, added): (Vec<_>, Vec<_>) =
                (of(ChangeTag::Delete).collect(), of(ChangeTag::Insert).collect());
            out.extend(of(ChangeTag::Equal).map(|line| Line::Same((*line).to_owned())));
            let shown =
                |(at, line): (usize, &&str), others: &[&str]| marked(line, counterpart(line, at, others));
            out.extend(removed.iter().enumerate().map(|line| Line::Removed(shown(line, &added))));
            out.extend(added.iter().enumerate().map(|line| Line::Added(shown(line, &removed))));
        }
    }
    out
}

/// Returns the line that a line stands for: one that looks the same, or else the one in its place.
fn counterpart<'a>(line: &str, at: usize, others: &[&'a str]) -> &'a str {
    let alike = others.iter().find(|other| look_alike(line, other));
    alike.or_else(|| others.get(at)).copied().unwrap_or_default()
}

/// Whether nobody could tell two texts apart that are not the same.
fn look_alike(one: &str, other: &str) -> bool {
    one != other && drawn(one) == drawn(other)
}

/// Returns a text as it looks: letters that are drawn alike as one (UTS #39), every white space as a space and none at the end,
/// and nothing that draws nothing.
fn drawn(text: &str) -> String {
    let drawn: String = skeleton(text)
        .filter(|c| !escape::is_hidden(*c) || c.is_whitespace())
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .collect();
    drawn.trim_end().to_owned()
}

/// Marks what is in `line`, not in `other`, and not seen to be.
fn marked(line: &str, other: &str) -> Marked {
    let is_alike = look_alike(line, other);
    let end = line.trim_end().len();
    let characters: Vec<(usize, char)> = line.char_indices().collect();
    let others: Vec<char> = other.chars().collect();
    let mine: Vec<char> = characters.iter().map(|(_, character)| *character).collect();
    let mut places = Vec::new();
    for op in capture_diff_slices(Algorithm::Myers, &others, &mine) {
        if op.tag() == DiffTag::Equal {
            continue;
        }
        let text = |characters: &[char]| characters.iter().collect::<String>();
        let is_lookalike =
            is_alike || look_alike(&text(&mine[op.new_range()]), &text(&others[op.old_range()]));
        for at in op.new_range() {
            let (place, character) = characters[at];
            let is_clear = character.is_ascii_graphic() || (character == ' ' && place < end);
            if !is_clear && (is_lookalike || character.is_whitespace()) {
                places.push(place);
            }
        }
    }
    Marked { text: line.to_owned(), places }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diff(before: &str, after: &str) -> [String; 2] {
        let lines = lines(before, after, 0);
        match &lines[1..] {
            [removed @ Line::Removed(_), added @ Line::Added(_)] => [removed.plain(), added.plain()],
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_only_looks_alike_is_written_out() {
        for (before, after, shown) in [
            ("body: caf\u{e9}", "body: cafe\u{301}", ["body: caf\\u{e9}", "body: cafe\\u{301}"]),
            ("x y", "x\u{a0}y", ["x y", "x\\u{a0}y"]),
            ("line two", "line\u{200b} two", ["line two", "line\\u{200b} two"]),
            ("pay", "p\u{430}y", ["pay", "p\\u{430}y"]),
            ("a", "a ", ["a", "a\\u{20}"]),
            ("ａ", "a", ["\\u{ff41}", "a"]),
            ("❤", "❤\u{fe0f}", ["❤", "❤\\u{fe0f}"]),
            // A change that is seen covers none that is not.
            ("pay 10", "p\u{430}y 12", ["pay 10", "p\\u{430}y 12"]),
            ("x y", "x\u{3000}y z", ["x y", "x\\u{3000}y z"]),
            // Whoever sees the difference needs no escapes.
            ("您好", "你好", ["您好", "你好"]),
            ("old café", "new café", ["old café", "new café"]),
        ] {
            assert_eq!(diff(before, after), shown.map(str::to_owned), "{before:?} {after:?}");
        }
    }
}
