//! Answers for machines.

use serde::Serialize;

use crate::render::escape;

/// Returns a value as indented JSON with a line break at the end, in which nothing is hidden.
///
/// # Panics
///
/// Never for the answers of campaignctl: they are texts, numbers, lists and maps with text keys.
#[must_use]
pub fn pretty<T: Serialize>(value: &T) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("answers are made of what JSON can hold");
    text.push('\n');
    escape::json(&text).into_owned()
}
