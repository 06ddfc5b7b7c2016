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

pub(super) use tree::Tree;

/// Deepest nesting, aliases expanded: a campaign file needs 6 levels, its free-form JSON a few more. Below
/// the bounds of everything that walks the values recursively (`serde_yaml` and `serde_json`: 128).
const DEPTH_MAX: usize = 64;

/// Reads one document. The value is there only without mistakes; merge keys are resolved in it. An empty
/// document is `null`.
pub(super) fn read(source: &Arc<Source>) -> (Option<(Tree, Value)>, Vec<Diagnostic>) {
    let (tree, mistakes) = builder::build(source);
    let (Some(tree), true) = (tree, mistakes.is_empty()) else { return (None, mistakes) };
    match join::values(source, &tree) {
        Ok(value) => (Some((tree, value)), Vec::new()),
        Err(mistakes) => (None, mistakes),
    }
}

#[cfg(test)]
mod tests;
