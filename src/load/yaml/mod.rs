//! YAML with one meaning.
//!
//! Two independent parsers read a file. The first (events with byte spans) is bounded, and builds the span
//! [`Tree`]; only what passes it reaches the second, `serde_yaml`, whose values must agree with the tree's at
//! every node. What the two, or readers of YAML 1.1 and 1.2, would take differently is refused.
//!
//! What is written so plainly that they cannot differ has a quick reader of its own ([`read_plainly`]), which says
//! nothing: what it does not take, the two read. Builds with debug assertions, the tests' among them, prove on
//! everything it takes that the two take it for the very same.
//! Knows nothing of campaigns.

mod builder;
mod join;
mod key;
mod plainly;
mod scalar;
mod syntax_error;
mod tree;

use std::sync::Arc;

use serde_json::Value;

use crate::diagnostic::{Code, Diagnostic, Place, Source};
use crate::load::yaml::join::Joined;

pub(super) use tree::Tree;

/// Deepest nesting, aliases expanded: a campaign file needs 6 levels, its free-form JSON a few more. Below
/// the bounds of everything that walks the values recursively (`serde_yaml` and `serde_json`: 128).
const DEPTH_MAX: usize = 64;

/// Most mistakes of one file that are gathered. A file with more is not read any further: each of them takes
/// more memory than the few bytes that it is about.
const MISTAKES_MAX: usize = 10_000;

/// Next line, line separator and paragraph separator: breaks in YAML 1.1 §4.1.4, content in YAML 1.2.2 §5.4.
const DISPUTED_BREAKS: [char; 3] = ['\u{85}', '\u{2028}', '\u{2029}'];

/// A document that could be read.
#[derive(Debug, PartialEq)]
pub(super) struct Reading {
    /// What stands where.
    pub(super) tree: Tree,
    /// The value, with merge keys resolved; `null` where the document is empty.
    pub(super) value: Value,
    /// Paths of the values that were refused: what the value has there means nothing.
    pub(super) refused: Vec<Vec<String>>,
}

/// Reads one document. The reading is absent where a mistake leaves no value at all.
pub(super) fn read(source: &Arc<Source>) -> (Option<Reading>, Vec<Diagnostic>) {
    match read_plainly(source) {
        Some(reading) => (Some(reading), Vec::new()),
        None => read_twice(source),
    }
}

/// Reads one document, if it is written plainly and nothing is wrong with it.
fn read_plainly(source: &Arc<Source>) -> Option<Reading> {
    let tree = plainly::read(source)?;
    let reading = Reading { value: join::plain_value(&tree)?, tree, refused: Vec::new() };
    debug_assert!(is_read_alike(source, &reading), "other readers take this otherwise: {:?}", source.text());
    Some(reading)
}

/// Whether both parsers read a text as the quick reader did, to each node's place, and find nothing wrong with it.
fn is_read_alike(source: &Arc<Source>, plainly: &Reading) -> bool {
    let (reading, mistakes) = read_twice(source);
    mistakes.is_empty() && reading.as_ref() == Some(plainly)
}

/// Reads one document by both parsers.
fn read_twice(source: &Arc<Source>) -> (Option<Reading>, Vec<Diagnostic>) {
    if let Some(mistake) = disputed_break(source) {
        return (None, vec![mistake]);
    }
    let (tree, mut mistakes) = builder::build(source);
    let Some(tree) = tree else { return (None, mistakes) };
    match join::values(source, &tree) {
        Ok(Joined { value, refused, mistakes: of_values }) => {
            mistakes.extend(of_values);
            (Some(Reading { tree, value, refused }), mistakes)
        }
        // Where something was refused already, that is why.
        Err(of_values) if mistakes.is_empty() => (None, of_values),
        Err(_) => (None, mistakes),
    }
}

/// Finds a character that breaks the line in YAML 1.1 and not in YAML 1.2: behind it, one reader's comment is
/// the other's content, and no editor shows it.
fn disputed_break(source: &Arc<Source>) -> Option<Diagnostic> {
    let (at, found) = source.text().char_indices().find(|(_, found)| DISPUTED_BREAKS.contains(found))?;
    let place = Place::span(source, at..at + found.len_utf8());
    let escape = format!("U+{:04X}", u32::from(found));
    let message = format!("the character {escape} breaks the line to some YAML readers and not to others");
    let help = format!("remove it; inside double quotes it can be written as `\\u{:04X}`", u32::from(found));
    Some(Diagnostic::error(Code::AmbiguousScalar, place, message).help(help))
}

#[cfg(test)]
mod tests;
