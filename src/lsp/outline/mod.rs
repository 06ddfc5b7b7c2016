//! A text's keys and values where they stand, whether or not it is YAML at the moment.
//!
//! While someone types, a file is often no YAML, and its parsed form is gone. This scan never fails: it follows
//! indentation, brackets and quotes as far as campaign files use them, and passes over the rest. It decides
//! nothing that is planned or sent; `load` does the reading that counts, and a test in `names` holds the scan to it.

mod quoted;
mod scanner;

use std::ops::Range;
use std::sync::Arc;

use crate::lsp::outline::scanner::Scanner;

/// The keys on the way to something, outermost first. An item of a list is `-`.
pub(super) type KeyPath = Arc<[Box<str>]>;

/// One key and what stands behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The keys on the way to it and itself.
    pub(super) path: KeyPath,
    /// The key's bytes, with quotes.
    pub(super) key: Range<usize>,
    /// The scalar behind it; nothing where there is none, or something else.
    pub(super) value: Option<Scalar>,
    /// The bytes behind the colon in which a scalar stands, or could be typed; nothing where something else is.
    pub(super) slot: Option<Range<usize>>,
    /// The bytes from the key to the end of what belongs to it.
    pub(super) extent: Range<usize>,
    /// The bytes from the line's beginning to the key; nothing in brackets.
    indent: Option<usize>,
}

impl Entry {
    /// Whether its path is `expected`; `*` stands for any key.
    pub(super) fn is_at(&self, expected: &[&str]) -> bool {
        is_path(&self.path, expected)
    }

    /// Returns its own name.
    pub(super) fn name(&self) -> &str {
        self.path.last().map_or("", |name| name)
    }
}

/// A scalar as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scalar {
    /// Its text without quotes and escapes.
    pub(super) text: String,
    /// Its bytes, with quotes.
    pub(super) range: Range<usize>,
}

/// A text's entries in the order of their keys, and the places where a key could be typed.
#[derive(Debug, Default)]
pub(super) struct Outline {
    pub(super) entries: Vec<Entry>,
    /// What stands where a key could, without a colon behind it: the path around it, and its bytes.
    bare: Vec<(KeyPath, Range<usize>)>,
}

impl Outline {
    pub(super) fn new(text: &str) -> Self {
        Scanner::new(text).scan()
    }

    /// Returns the entry whose value stands, or could be typed, at an offset.
    pub(super) fn slot_at(&self, offset: usize) -> Option<&Entry> {
        let is_in = |slot: &Range<usize>| slot.start <= offset && offset <= slot.end;
        self.entries.iter().rfind(|entry| entry.slot.as_ref().is_some_and(is_in))
    }

    /// Returns the entry whose scalar an offset is in, or right behind.
    pub(super) fn value_at(&self, offset: usize) -> Option<&Entry> {
        let is_in = |range: &Range<usize>| range.start <= offset && offset <= range.end;
        self.entries.iter().find(|entry| entry.value.as_ref().is_some_and(|value| is_in(&value.range)))
    }

    /// Returns the entry whose key an offset is in, or right behind.
    pub(super) fn key_at(&self, offset: usize) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key.start <= offset && offset <= entry.key.end)
    }

    /// Returns the path around the key that is, or could be, typed at an offset, and the bytes of what is there.
    pub(super) fn key_slot(&self, text: &str, offset: usize) -> Option<(KeyPath, Range<usize>)> {
        let is_in = |range: &Range<usize>| range.start <= offset && offset <= range.end;
        if let Some((around, range)) = self.bare.iter().find(|(_, range)| is_in(range)) {
            let is_empty = text[range.clone()].trim().is_empty();
            let range = if is_empty { offset..offset } else { range.clone() };
            return Some((Arc::clone(around), range));
        }
        if let Some(entry) = self.key_at(offset) {
            return Some((entry.path[..entry.path.len() - 1].into(), entry.key.clone()));
        }
        let line = text[..offset].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[offset..].find('\n').map_or(text.len(), |at| offset + at);
        if !text[line..line_end].trim().is_empty() {
            return None;
        }
        Some((self.around(line, offset - line), offset..offset))
    }

    /// Returns the path around a key that would stand `indent` bytes into the line at `line`.
    fn around(&self, line: usize, indent: usize) -> KeyPath {
        let above = self.entries.iter().rev().filter(|entry| entry.key.start < line);
        let mut above = above.filter(|entry| entry.indent.is_some_and(|at| at < indent));
        above.next().map_or_else(|| Arc::from([]), |entry| Arc::clone(&entry.path))
    }
}

/// Whether a path is `expected`; `*` stands for any key.
pub(super) fn is_path(path: &[Box<str>], expected: &[&str]) -> bool {
    path.len() == expected.len()
        && path.iter().zip(expected).all(|(step, expected)| *expected == "*" || **step == **expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// States every entry as `path = value`.
    fn entries(text: &str) -> Vec<String> {
        let outline = Outline::new(text);
        let line = |entry: &Entry| {
            let value = entry.value.as_ref().map(|value| format!(" = {}", value.text)).unwrap_or_default();
            format!("{}{value}", entry.path.join("."))
        };
        outline.entries.iter().map(line).collect()
    }

    /// Where the key is typed that `‸` stands in: the path around it and the bytes there.
    fn key_slot(text: &str) -> Option<String> {
        let offset = text.find('‸').unwrap();
        let text = text.replace('‸', "");
        let (around, range) = Outline::new(&text).key_slot(&text, offset)?;
        Some(format!("{} {:?}", around.join("."), &text[range]))
    }

    /// The entry whose value is typed where `‸` stands, and the text there.
    fn slot(text: &str) -> Option<String> {
        let offset = text.find('‸').unwrap();
        let text = text.replace('‸', "");
        let outline = Outline::new(&text);
        let entry = outline.slot_at(offset)?;
        let value = entry.value.as_ref().map(|value| value.text.as_str()).unwrap_or_default();
        Some(format!("{} {value:?}", entry.path.join(".")))
    }

    #[test]
    fn keys_and_scalars_are_found_in_blocks_and_brackets() {
        let text = "a: # none\n  b: x y # note\n  'c c': \"d\\n\\u6807\"\n  f: { g: 1, \"h\": [1, {i: j}], k: 'it''s' }\n\
                    l:\n- m\n- n: o\n  p: q\nr: |\n  s: t\n\n  u\nv: &anchor !tag w\nx: http://y#z\n? y\n";
        let expected = [
            "a",
            "a.b = x y",
            "a.c c = d\n标",
            "a.f",
            "a.f.g = 1",
            "a.f.h",
            "a.f.h.-.i = j",
            "a.f.k = it's",
            "l",
            "l.-.n = o",
            "l.-.p = q",
            "r",
            "v = w",
            "x = http://y#z",
        ];
        assert_eq!(entries(text), expected);
        assert_eq!(entries(&text.replace('\n', "\r\n")), expected);
    }

    #[test]
    fn what_is_not_finished_ends_with_its_line_or_its_block() {
        assert_eq!(entries("a: { b: c, d: \ne:\n  f: g\n"), ["a", "a.b = c", "a.d", "e", "e.f = g"]);
        assert_eq!(entries("a:\n  b: \"c\n  d: e\n"), ["a", "a.b = c", "a.d = e"]);
        assert_eq!(entries("a: \"b\n  c\"\nd: e\n"), ["a = b c", "d = e"]);
        assert_eq!(entries("a:\n  b:\n  templ\n  c: d\n"), ["a", "a.b", "a.c = d"]);
    }

    #[test]
    fn a_value_can_be_typed_behind_its_colon() {
        assert_eq!(slot("a:\n  b: ‸\n"), Some("a.b \"\"".into()));
        assert_eq!(slot("a:\n  b:‸\n"), Some("a.b \"\"".into()));
        assert_eq!(slot("a:\n  b: x‸y z # n\n"), Some("a.b \"xy z\"".into()));
        assert_eq!(slot("a: { b: ‸, c: d }"), Some("a.b \"\"".into()));
        assert_eq!(slot("a: { b: ‸}"), Some("a.b \"\"".into()));
        assert_eq!(slot("a: { b: ‸\nc: d\n"), Some("a.b \"\"".into()));
        assert_eq!(slot("a:\n  b: \"‸\n  c: d\n"), Some("a.b \"\"".into()));
        assert_eq!(slot("a:‸\n  b: c\n"), None);
        assert_eq!(slot("a: b # ‸\n"), None);
        assert_eq!(slot("‸a: b\n"), None);
    }

    #[test]
    fn a_key_can_be_typed_where_one_could_stand() {
        assert_eq!(key_slot("a:\n  b:\n    ‸\n"), Some("a.b \"\"".into()));
        assert_eq!(key_slot("a:\n  b:\n    c: d\n    ‸\n"), Some("a.b \"\"".into()));
        assert_eq!(key_slot("a:\n  b:\n    c: d\n  ‸\n"), Some("a \"\"".into()));
        assert_eq!(key_slot("a:\n  b:\n    na‸m\n  c: d\n"), Some("a.b \"nam\"".into()));
        assert_eq!(key_slot("a: { ‸ }"), Some("a \"\"".into()));
        assert_eq!(key_slot("a: { b: c, ‸"), Some("a \"\"".into()));
        assert_eq!(key_slot("a: { b: c, d‸ }"), Some("a \"d\"".into()));
        assert_eq!(key_slot("a: { b‸c: d }"), Some("a \"bc\"".into()));
        assert_eq!(key_slot("a: { b: c ‸}"), None);
        assert_eq!(key_slot("a: b ‸\n"), None);
    }

    proptest::proptest! {
        /// Whatever is typed, every range is a piece of the text, and every question has an answer.
        #[test]
        fn no_text_breaks_the_scan(text in "[ab:{}\\[\\],\"' \n\r\t#&*!|>\\\\字😀-]{0,80}") {
            let outline = Outline::new(&text);
            for entry in &outline.entries {
                let value = entry.value.as_ref().map_or(0..0, |value| value.range.clone());
                for range in [&entry.key, &entry.extent, &value, &entry.slot.clone().unwrap_or_default()] {
                    proptest::prop_assert!(text.get(range.clone()).is_some(), "{:?} {:?}", range, entry);
                }
            }
            for (offset, _) in text.char_indices() {
                let ranges = [outline.slot_at(offset).map(|entry| entry.key.clone()), outline.key_slot(&text, offset).map(|slot| slot.1)];
                proptest::prop_assert!(ranges.into_iter().flatten().all(|range| text.get(range).is_some()));
            }
        }
    }
}
