use std::sync::Arc;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::diagnostic::{Code, Place};

fn source(text: &str) -> Arc<Source> {
    Source::new("a.yaml".to_owned(), text.to_owned())
}

fn value(text: &str) -> Value {
    let (reading, mistakes) = read(&source(text));
    assert_eq!(mistakes, [], "{text}");
    reading.unwrap().value
}

fn codes(text: &str) -> Vec<Code> {
    let (_, mistakes) = read(&source(text));
    mistakes.iter().map(|mistake| mistake.code).collect()
}

/// Whether the quick reader takes a text. What it takes is proven there and then to be read alike by the others.
fn is_plain(text: &str) -> bool {
    read_plainly(&source(text)).is_some()
}

#[test]
fn what_most_files_have_is_written_plainly() {
    for text in [
        "a: b\n",
        "a: b",
        "a:\n  - one\n  - \"two #x#\"\n  - 'three'\nb: { send: once, at: 2026-12-15T09:00:00+08:00 }\n",
        "# 您好\na: >-\n  您好 #name#\n  and: more\nb: |\n    one\n    two\nc: &level { d: [1, 2.5, true, x/y] }\n",
        "a:\n- b\n- c: d\n  e: f\n-   - g\n    - h\n  # note\ni:   # note\n\n  j: k\n",
        "a: [\n    b, # note\n    {c: d, \"e\": [f]},\n  ]\ng: {}\nh: []\n",
        "a: one, two [three] {four}; it's \"five\", a#b & *c | > ? !\nb: \"it's\"\nc: 'say \"x\"'\nd: http://x.example/?y#z\n",
        "- a\n-\n  b: c\n- |-\n  # text\n  - more\n\n  \n\n- d\n   \n",
        "on: [monday]\na:\n  b\nc:\n  \"d\"\n\"\": e\n",
    ] {
        assert!(is_plain(text), "{text}");
    }
}

#[test]
fn quotes_within_a_block_text_are_its_own() {
    assert_eq!(value("a: |-\n  \"x\"\n"), json!({ "a": "\"x\"" }));
    assert_eq!(value("a: |-\n  \"é\nb: |-\n  'x'\n"), json!({ "a": "\"é", "b": "'x'" }));
}

#[test]
fn what_goes_beyond_is_not() {
    for text in [
        "a: *b",
        "b: &b x\na: *b\n",
        "a: &b\n  c: d\n",
        "a: \"\\u4f60\"\n",
        "a: one\n  two\n",
        "a:\n  one\n  two\n",
        "a:\n  one\n  two: three\n",
        "? a\n: b\n",
        "a: &% b\n",
        "a:\tb\n",
        "a: b\r\n",
        "---\na: b\n",
        "a: b\n...\n",
        "%YAML 1.2\n",
        " a: b\n",
        "a: |+\n  b\n",
        "a: |2\n  b\n",
        "a: | # note\n  b\n",
        "a: |\nb: c\n",
        "a: >\n  b\n\n  c\n",
        "a: >\n  b\n\n  # c\n",
        "a: >\n  b\n   c\n",
        "a: |\n  b",
        "a: |\n  b \n",
        "a: {b}\n",
        "a: {b: }\n",
        "a: {b : c}\n",
        "a: [b: c]\n",
        "a: [b,, c]\n",
        "a: [\nb]\n",
        "a: [b\n",
        "a: [b}\n",
        "a: [b] c\n",
        "\"a\":b\n",
        "a : b\n",
        "a:\n-\n  b\n",
        "a:\n",
        "a:\n# note\nb: c\n",
        "a: b: c\n",
        "a: b:\n",
        "a: \"b\"#c\n",
        "a: 'it''s'\n",
        "a: b\u{3000}\n",
        "a: \u{a0}b\n",
        "a: b\u{85}c\n",
        "a: b\u{9f}c\n",
        "a: b\u{2028}c\n",
        "\u{feff}a: b\n",
        "a: \u{fffe}b\n",
        "a: no\n",
        "a: [012]\n",
        "a: {b: 1e3}\n",
        "no: a\n",
        "1: a\n",
        "<<: {a: b}\n",
        "\"<<\": {a: b}\n",
        "a: b\na: c\n",
        "a: {b: c, b: d}\n",
        "a: b\n- c\n",
        "a:\n  - b\n c: d\n",
        "- a\nb: c\n",
        "a: !t b\n",
        "a: -1\n",
        "",
        "# nothing\n",
    ] {
        assert!(!is_plain(text), "{text}");
    }
}

#[test]
fn what_is_deep_or_long_or_large_is_plain_only_within_bounds() {
    let nested = |depth: usize| format!("{}a{}\n", "[".repeat(depth), "]".repeat(depth));
    assert!(is_plain(&nested(32)) && !is_plain(&nested(33)));
    let dashes = |depth: usize| format!("{}a\n", "- ".repeat(depth));
    assert!(is_plain(&dashes(32)) && !is_plain(&dashes(33)));
    let long = |length: usize| format!("{}: b\n", "a".repeat(length));
    assert!(is_plain(&long(512)) && !is_plain(&long(513)));
    let many = |last: &str| (0..40).map(|key| format!("k{key}: v\n")).collect::<Vec<_>>().concat() + last;
    assert!(is_plain(&many("k40: v\n")) && !is_plain(&many("k39: v\n")));
    let tree = read_plainly(&source(&many(""))).unwrap().tree;
    assert!(tree.has(&["k39"]) && !tree.has(&["k40"]));
}

#[test]
fn merge_keys_merge_with_own_keys_first_and_sources_in_order() {
    let text = "
base: &base { a: base, b: base }
more: &more { <<: *base, b: more, c: more }
other: &other { c: other, d: other }
one: { <<: *base, a: own }
list: { <<: [*more, *other], e: own }
";
    assert_eq!(value(text)["one"], json!({ "a": "own", "b": "base" }));
    assert_eq!(
        value(text)["list"],
        json!({ "e": "own", "a": "base", "b": "more", "c": "more", "d": "other" })
    );
}

#[test]
fn a_merge_key_takes_mappings_only() {
    assert_eq!(codes("a: { <<: 5 }"), [Code::WrongType]);
    assert_eq!(codes("a: { <<: [{ b: c }, 5] }"), [Code::WrongType]);
    assert_eq!(codes("a: { \"<<\": { b: c } }"), [Code::AmbiguousScalar]);
}

#[test]
fn an_empty_document_is_null() {
    for text in ["", "\n\n", "# nothing\n", "---\n", "--- # nothing\n...\n"] {
        assert_eq!(value(text), Value::Null, "{text:?}");
    }
}

#[test]
fn block_scalars_end_as_both_readers_say() {
    assert_eq!(value("a: |\n  x\n  y"), json!({ "a": "x\ny" }));
    assert_eq!(value("a: |+\n  x\n\n"), json!({ "a": "x\n\n" }));
    assert_eq!(value("a: >-\n  x\n  y\n"), json!({ "a": "x y" }));
}

#[test]
fn a_character_that_breaks_the_line_to_some_readers_is_refused() {
    assert_eq!(value("a: \"x\\u2028y\""), json!({ "a": "x\u{2028}y" }));
    assert_eq!(codes("a: \"x\u{85}y\"\n"), [Code::AmbiguousScalar]);
    assert_eq!(codes("# nothing\u{85}a: hidden\n"), [Code::AmbiguousScalar]);
    assert_eq!(codes("a: b # nothing\u{2028}c: hidden\n"), [Code::AmbiguousScalar]);
}

#[test]
fn the_key_on_needs_no_quotes_and_the_key_no_does() {
    assert_eq!(value("on: [monday]"), json!({ "on": ["monday"] }));
    assert_eq!(codes("no: 1"), [Code::AmbiguousScalar]);
    assert_eq!(codes("1: 1"), [Code::WrongType]);
    assert_eq!(codes("? [a]\n: 1"), [Code::WrongType]);
    assert_eq!(codes(": 1"), [Code::WrongType]);
}

#[test]
fn a_colon_without_its_space_in_braces_is_refused() {
    for text in ["a: {b:1}", "a: {\"b\": 1, c:2}", "? a:b", "a: {http://b}"] {
        assert_eq!(codes(text), [Code::YamlSyntax], "{text}");
    }
    for text in ["a: {b:1: 2}", "a: {b:1: }", "a: {\"b:1\"}", "a: {b}", "a:b: 1", "a:b:"] {
        assert_eq!(codes(text), [], "{text}");
    }
}

#[test]
fn a_refused_value_is_reported_once_however_often_it_is_repeated() {
    let (reading, mistakes) = read(&source("a: &a no\nb: *a\nc: { d: *a }\n"));
    assert_eq!(mistakes.len(), 1);
    let paths: Vec<String> = reading.unwrap().refused.iter().map(|path| path.join("/")).collect();
    assert_eq!(paths, ["a", "b", "c/d"]);
}

/// Returns what stands at the spans of a path's value and key.
fn written<'text>(text: &'text str, path: &[&str]) -> (&'text str, &'text str) {
    let (reading, _) = read(&source(text));
    let tree = reading.unwrap().tree;
    (&text[tree.value_range(path)], &text[tree.key_range(path)])
}

#[test]
fn values_and_keys_are_found_through_aliases_and_merges() {
    let text = "
vips: &vips
  users: [a, 你好]   # comment
  # more
\"quoted\": { <<: *vips, x: \"y\" }
again: *vips
empty:
block: |
  one
  two

";
    assert_eq!(written(text, &["vips", "users", "1"]), ("你好", "你好"));
    assert_eq!(written(text, &["quoted", "users"]), ("[a, 你好]", "users"));
    assert_eq!(written(text, &["quoted", "x"]), ("\"y\"", "x"));
    assert_eq!(written(text, &["again", "users", "0"]), ("a", "a"));
    assert_eq!(written(text, &["again"]).1, "again");
    assert_eq!(written(text, &["again"]).0, "users: [a, 你好]");
    assert_eq!(written(text, &["empty"]), ("empty", "empty"));
    assert_eq!(written(text, &["block"]), ("one\n  two", "block"));
    assert_eq!(written(text, &["vips", "absent", "deeper"]), ("users: [a, 你好]", "vips"));
    assert_eq!(written(text, &["absent"]).1.lines().next(), Some("vips: &vips"));
}

/// Text that is often nearly YAML.
fn yamlish() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a",
        "b",
        "key",
        ": ",
        ":",
        "- ",
        "-",
        "\n",
        "\n  ",
        "\n    ",
        " ",
        "\t",
        "[",
        "]",
        "{",
        "}",
        ", ",
        "&x ",
        "*x",
        "<<: ",
        "!t ",
        "!!str ",
        "\"",
        "'",
        "|",
        ">",
        "|2-\n",
        "#",
        " # c",
        "? ",
        "---\n",
        "...\n",
        "%YAML 1.1\n",
        "你好",
        "\u{feff}",
        "\r",
        "\r\n",
        "\0",
        "\\",
        "\\x",
        "012",
        "1e3",
        "no",
        "~",
        "0x1F",
        ".inf",
        "2026-12-01",
        "\u{1F600}",
        "`",
        "@",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// Any value that our files can hold.
fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1e15..1e15f64).prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        "[a-z0-9_.:+-]{0,8}".prop_map(Value::from),
        Just(Value::Null),
    ];
    leaf.prop_recursive(4, 48, 6, |inner| {
        let keys = prop_oneof!["[a-z_]{1,6}", "\\PC{1,6}", "[0-9eo.:_-]{1,5}"];
        let keys = keys.prop_filter("a merge key is no key", |key| key != "<<");
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(keys, inner, 0..6)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

/// Texts of which many are written plainly, and many nearly so.
fn plainish() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        "[a-z]{1,5}",
        "[0-9]{1,3}",
        "[a-z0-9:#,.'\\\\\" \\-\\[\\]{}?&|>%@`=~]{1,8}",
        "\"[a-z :#,é]{0,6}\"",
        "'[a-z :#,]{0,6}'",
        "\\{ [a-z]: [a-z:0-9]{1,4}, [a-z]: [0-9:]{1,3} \\}",
        "\\[[a-z:0-9]{0,3},[ a-z:]{1,3}\\]",
        "[|>][-+]?\n {4,5}[a-z ]{0,4}\n {4,6}[a-z#:]{1,4}",
        "&a [a-z]{1,3}",
    ];
    let line = (prop_oneof![Just(""), Just("  "), Just("- "), Just("    "), Just("? ")], "[a-z]{1,2}", word);
    let end = prop_oneof![Just("\n"), Just(" # note\n"), Just("\n\n")];
    let line = (line, end).prop_map(|((indent, key, value), end)| format!("{indent}{key}: {value}{end}"));
    prop::collection::vec(line, 1..5).prop_map(|lines| lines.concat())
}

/// Texts that are put together as a tree is, so that nesting, brackets and block texts meet in every way.
fn plain() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        8 => "[a-z]{1,4}",
        1 => "[0-9.]{1,4}",
        1 => "[a-z0-9您é][a-z0-9 /您,]{0,4}[a-z0-9:#,.'\" \\-\\[\\]{}?&|>%@`=~!*/您\u{3000}]{0,8}",
        1 => "\"[a-z :#,é'\\[{&*!|>?-]{0,6}\"",
        1 => "'[a-z :#,\"\\[{&*!|>?-]{0,6}'",
        1 => "&[a-z-]{1,3} [a-z]{1,3}",
        1 => Just("[]".to_owned()),
        1 => Just("{}".to_owned()),
        1 => "\\{[a-z]: [a-z:0-9/#]{1,4},? ?\n? {0,4}\"?[a-z]\"?: [0-9:]{1,3} ?,? ?\\}",
        1 => "\\[[a-z:0-9]{0,3},? ?(# x)?\n? {0,4}[ a-z:/]{1,3},?\n? {0,3}\\]",
        2 => "[|>]-? ?\n {1,8}[a-z#:-]{1,4}\n( {1,8}[a-z #:-]{0,4}\n){0,2}",
    ];
    let end = prop::sample::select(vec!["\n", "\n", "\n", " # note\n", "\n\n", "\n   # note\n", " \n"]);
    let leaf = (word, end).prop_map(|(word, end)| format!(" {word}{end}"));
    let tree = leaf.prop_recursive(4, 24, 4, |inner| {
        let entry = (
            "[a-z]{1,2}|on|\"[a-z: ]{0,2}\"",
            inner.clone(),
            prop::sample::select(vec![0, 0, 1, 2, 2, 2, 3, 4]),
        );
        let item = (inner, prop::sample::select(vec![0, 2, 2, 2, 2, 4]));
        prop_oneof![
            prop::collection::vec(entry, 1..4).prop_map(|entries| {
                let entry =
                    |(key, value, by): &(String, String, usize)| format!("{key}:{}", indented(value, *by));
                format!("\n{}", entries.iter().map(entry).collect::<String>())
            }),
            prop::collection::vec(item, 1..4).prop_map(|items| {
                let item = |(value, by): &(String, usize)| format!("-{}", indented(value, *by));
                format!("\n{}", items.iter().map(item).collect::<String>())
            }),
            prop::collection::vec(("[a-z]{1,2}", "[a-z0-9]{1,3}"), 1..3).prop_map(|entries| {
                // Behind a dash this is a mapping that begins on its line.
                let lines: Vec<String> =
                    entries.iter().map(|(key, value)| format!("{key}: {value}")).collect();
                format!(" {}\n", lines.join("\n  "))
            }),
        ]
    });
    tree.prop_map(|text| text.trim_start_matches('\n').to_owned())
}

/// Moves all lines but the first to the right.
fn indented(text: &str, by: usize) -> String {
    let mut lines = text.split_inclusive('\n');
    let first = lines.next().unwrap_or_default().to_owned();
    first + &lines.map(|line| " ".repeat(by) + line).collect::<String>()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the text, reading it ends, and every place is a piece of it.
    #[test]
    fn no_text_breaks_the_reader(text in prop_oneof![yamlish(), any::<String>()]) {
        let source = source(&text);
        let (reading, mistakes) = read(&source);
        prop_assert!(reading.is_some() || !mistakes.is_empty());
        for mistake in mistakes {
            for label in mistake.primary.iter().chain(&mistake.related) {
                if let Place::Span(span) = &label.place {
                    prop_assert!(text.get(span.range.clone()).is_some(), "{:?} of {text:?}", span.range);
                }
            }
        }
    }

    /// Every node's span is on character boundaries, and inside the text.
    #[test]
    fn every_span_is_a_piece_of_the_text(text in yamlish()) {
        if let (Some(tree), _) = builder::build(&source(&text)) {
            for (id, _) in tree.nodes() {
                prop_assert!(text.get(tree.range(id)).is_some(), "{:?} of {text:?}", tree.range(id));
            }
        }
    }

    /// Where both readers accept a text, they agree on its value: the value is `serde_yaml`'s.
    #[test]
    fn an_accepted_text_means_what_serde_yaml_says(text in yamlish()) {
        let (reading, mistakes) = read(&source(&text));
        if let (Some(reading), true) = (reading, mistakes.is_empty()) {
            let mut theirs: serde_yaml::Value = serde_yaml::from_str(&text).unwrap();
            theirs.apply_merge().unwrap();
            if !text.contains("<<") {
                prop_assert_eq!(serde_json::to_value(theirs).unwrap(), reading.value);
            }
        }
    }

    /// What the quick reader takes, the others read alike: it proves that itself, on texts that are often plain.
    #[test]
    fn what_is_written_plainly_is_read_alike(text in prop_oneof![plainish(), plain(), yamlish()]) {
        let is_plain = is_plain(&text);
        prop_assert!(!is_plain || read_twice(&source(&text)).1.is_empty());
    }

    /// What `serde_yaml` writes is read back, unless it leaves something bare that other readers take otherwise.
    #[test]
    fn what_serde_yaml_writes_is_read_back(value in values()) {
        let text = serde_yaml::to_string(&value).unwrap();
        let (reading, mistakes) = read(&source(&text));
        if mistakes.is_empty() {
            prop_assert_eq!(reading.unwrap().value, value);
        } else {
            let is_ambiguous = mistakes.iter().all(|mistake| mistake.code == Code::AmbiguousScalar);
            prop_assert!(is_ambiguous, "{text:?}: {mistakes:?}");
        }
    }
}
