//! YAML with one meaning.
//!
//! Two independent parsers read every file. The first (events with byte spans) is bounded, and builds the
//! span [`Tree`]; only what passes it reaches the second, `serde_yaml`, whose values must agree with the
//! tree's at every node. What the two, or readers of YAML 1.1 and 1.2, would take differently is refused.
//! Knows nothing of campaigns.

mod builder;
mod join;
mod key;
mod scalar;
mod syntax_error;
mod tree;

use std::sync::Arc;

use serde_json::Value;

use crate::diagnostic::{Diagnostic, Source};
use crate::load::yaml::join::Joined;

pub(super) use tree::Tree;

/// Deepest nesting, aliases expanded: a campaign file needs 6 levels, its free-form JSON a few more. Below
/// the bounds of everything that walks the values recursively (`serde_yaml` and `serde_json`: 128).
const DEPTH_MAX: usize = 64;

/// A document that both parsers could read.
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

#[cfg(test)]
mod tests;
