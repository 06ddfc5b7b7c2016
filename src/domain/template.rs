//! Message templates: the text lives at the vendor under its name and is mirrored here for review.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use crate::domain::is_blank;

/// Longest template name, in characters (vendor page “create a template”, document 134424).
pub const TEMPLATE_NAME_CHARS_MAX: usize = 200;

/// Why a text is no template name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTemplateName {
    /// The vendor needs a name.
    #[error("a template name cannot be empty")]
    Empty,
    /// The vendor's API page for `PushTemplate` rules commas out.
    #[error("a template name cannot contain a comma")]
    Comma,
    /// Longer than [`TEMPLATE_NAME_CHARS_MAX`].
    #[error("a template name has at most {TEMPLATE_NAME_CHARS_MAX} characters, this one has {0}")]
    TooLong(usize),
}

/// A template's name at the vendor: not empty, no comma, at most 200 characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TemplateName(Box<str>);

impl TemplateName {
    /// Returns the name as the vendor knows it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TemplateName {
    type Err = InvalidTemplateName;

    fn from_str(text: &str) -> Result<Self, InvalidTemplateName> {
        let chars = text.chars().count();
        if is_blank(text) {
            Err(InvalidTemplateName::Empty)
        } else if text.contains([',', '，']) {
            Err(InvalidTemplateName::Comma)
        } else if chars > TEMPLATE_NAME_CHARS_MAX {
            Err(InvalidTemplateName::TooLong(chars))
        } else {
            Ok(Self(text.into()))
        }
    }
}

impl fmt::Display for TemplateName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A template as the workspace mirrors it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// The name the vendor knows it by.
    pub name: TemplateName,
    /// Title with `#placeholder#`s.
    pub title: String,
    /// Body with `#placeholder#`s.
    pub body: String,
}

/// Returns the placeholder names of `text`, in the order they first appear, each with its byte range
/// including both `#`.
///
/// A placeholder is `#name#` where `name` is one or more letters (of any script), digits, `_` or `-`
/// (vendor page 134424 shows `#name#`; it does not say which characters a name may have). Anything else
/// between two `#` is plain text.
#[must_use]
pub fn placeholders(text: &str) -> Vec<(&str, std::ops::Range<usize>)> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for (name, range) in occurrences(text) {
        if seen.insert(name) {
            found.push((name, range));
        }
    }
    found
}

/// Returns `text` with every placeholder that `values` knows replaced by its value.
#[must_use]
pub fn render(text: &str, values: &BTreeMap<String, String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut copied_to = 0;
    for (name, range) in occurrences(text) {
        if let Some(value) = values.get(name) {
            out.push_str(&text[copied_to..range.start]);
            out.push_str(value);
            copied_to = range.end;
        }
    }
    out.push_str(&text[copied_to..]);
    out
}

/// Returns how many bytes [`render`] would give.
#[must_use]
pub fn rendered_bytes(text: &str, values: &BTreeMap<String, String>) -> usize {
    let filled = occurrences(text).filter_map(|(name, range)| Some((values.get(name)?, range)));
    filled.fold(text.len(), |bytes, (value, range)| (bytes - range.len()).saturating_add(value.len()))
}

/// Returns how often each placeholder stands in a text.
#[must_use]
pub fn placeholder_counts(text: &str) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for (name, _) in occurrences(text) {
        *counts.entry(name).or_default() += 1;
    }
    counts
}

/// Returns the byte range of each placeholder of a text, both `#` included, in their order.
pub fn placeholder_ranges(text: &str) -> impl Iterator<Item = std::ops::Range<usize>> {
    occurrences(text).map(|(_, range)| range)
}

fn occurrences(text: &str) -> impl Iterator<Item = (&str, std::ops::Range<usize>)> {
    let is_of_name = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let start = at + text[at..].find('#')?;
            let behind = &text[start + 1..];
            let length = behind.find(|c: char| !is_of_name(c))?;
            at = start + 1 + length;
            // Another `#` right behind the first may begin a placeholder itself.
            if length > 0 && behind[length..].starts_with('#') {
                at += 1;
                return Some((&behind[..length], start..at));
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(text: &str) -> Vec<&str> {
        placeholders(text).into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn the_bytes_of_a_text_are_known_before_it_is_filled() {
        let values: BTreeMap<String, String> =
            [("a", "您好"), ("b", "")].map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        for text in ["", "#a#", "x #a# #b##c# 您", "#a##a#", "##a"] {
            assert_eq!(rendered_bytes(text, &values), render(text, &values).len(), "{text}");
        }
    }

    proptest! {
        /// A text is looked through from `#` to `#`, with the same outcome as letter by letter.
        #[test]
        fn placeholders_are_what_stands_between_two_marks_without_anything_else(text in "[#a_您 !-]{0,24}") {
            let (mut found, mut open) = (Vec::new(), None);
            for (position, character) in text.char_indices() {
                match (character, open) {
                    ('#', Some(start)) if position > start + 1 => {
                        found.push((&text[start + 1..position], start..position + 1));
                        open = None;
                    }
                    ('#', _) => open = Some(position),
                    (c, Some(_)) if !(c.is_alphanumeric() || c == '_' || c == '-') => open = None,
                    _ => {}
                }
            }
            prop_assert_eq!(occurrences(&text).collect::<Vec<_>>(), found);
        }
    }

    #[test]
    fn placeholders_are_found_in_both_scripts_and_once() {
        assert_eq!(names("Hello #name#, #money# USD, #name#"), ["name", "money"]);
        assert_eq!(names("您好 #姓名#！#a_1##b-2#"), ["姓名", "a_1", "b-2"]);
    }

    #[test]
    fn a_lone_or_spaced_hash_is_text() {
        assert!(names("issue #12 is fixed").is_empty());
        assert!(names("## a b # c").is_empty());
        assert_eq!(names("#1 of #n#"), ["n"]);
    }

    #[test]
    fn rendering_replaces_only_what_has_a_value() {
        let values = BTreeMap::from([("name".to_owned(), "张三".to_owned())]);
        assert_eq!(render("您好 #name#，#money#", &values), "您好 张三，#money#");
    }

    #[test]
    fn commas_and_long_names_are_refused() {
        assert_eq!("a,b".parse::<TemplateName>(), Err(InvalidTemplateName::Comma));
        assert_eq!("字".repeat(201).parse::<TemplateName>(), Err(InvalidTemplateName::TooLong(201)));
        assert!("字".repeat(200).parse::<TemplateName>().is_ok());
    }
}
