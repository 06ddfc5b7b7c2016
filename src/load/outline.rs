//! Where the mappings of one YAML text stand, for whoever edits the text itself.

use std::ops::Range;
use std::sync::Arc;

use serde_json::Value;

use crate::diagnostic::{Diagnostic, Source};
use crate::load::yaml;

/// A YAML text's value and its mappings.
#[derive(Debug)]
pub struct Outline {
    /// What the text says, aliases and merge keys resolved; `null` where it is empty.
    pub value: Value,
    /// The mappings that are written out, outer ones before those inside them.
    pub mappings: Vec<Mapping>,
}

/// A mapping where it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// The keys and list indexes that lead to it.
    pub path: Vec<String>,
    /// Its bytes; those of a block mapping begin with its first key.
    pub range: Range<usize>,
    /// Its entries in the order of writing; may be empty.
    pub entries: Vec<Entry>,
}

/// An entry of a mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key's text, after escapes.
    pub key: String,
    /// The key's bytes, quotes included.
    pub key_range: Range<usize>,
    /// The value's bytes, without tag and anchor; empty where nothing is written.
    pub value_range: Range<usize>,
}

/// Reads a text's value and where its mappings stand. The outline is absent where any mistake is found.
#[must_use]
pub fn outline(source: &Arc<Source>) -> (Option<Outline>, Vec<Diagnostic>) {
    let (reading, mistakes) = yaml::read(source);
    let reading = reading.filter(|_| mistakes.is_empty());
    let outline = reading.map(|reading| Outline { mappings: reading.tree.mappings(), value: reading.value });
    (outline, mistakes)
}
