use std::fmt::Write;

use proptest::prelude::*;

use super::*;

fn formatted(text: &str) -> String {
    format(&Source::new("c.yaml".to_owned(), text.to_owned()), FileKind::Campaign).unwrap()
}

#[test]
fn indentation_quotes_spaces_and_blank_lines_are_one_way() {
    insta::assert_snapshot!(formatted("\
# yaml-language-server: $schema=x
audiences:
    testers:   {users:   [ 'a',  \"b\",c ]}


    phones:
        android_devices:
        - 'it''s'
        -   \"200\"
"), @r#"
    # yaml-language-server: $schema=x
    audiences:
      testers: { users: ["a", "b", c] }

      phones:
        android_devices:
          - 'it''s'
          - "200"
    "#);
}

#[test]
fn keys_follow_the_schema_and_names_stay() {
    insta::assert_snapshot!(formatted("\
# about the file
campaigns:
  z:
    expires_after: 1h     # aligned
    # why this strategy
    strategy: s           # by hand
    template: t
    audience: a

    values: { b: x, a: z }
    revision: 2
    # revision: 3
  a: { strategy: s, template: t, audience: a, expires_after: 5m }
templates:
  t: { body: b, title: t, name: x }
"), @r#"
    # about the file
    templates:
      t: { name: x, title: t, body: b }
    campaigns:
      z:
        template: t
        audience: a
        # why this strategy
        strategy: s           # by hand
        expires_after: 1h     # aligned

        revision: 2
        values: { b: x, a: z }
        # revision: 3
      a: { template: t, audience: a, strategy: s, expires_after: 5m }
    "#);
}

#[test]
fn block_scalars_and_free_comments_stay_whole() {
    insta::assert_snapshot!(formatted("\
templates:
  t:
      body: |
          one

            # two
          three
      # free

      title: >-
          folded
          text
      name: x # last
# end
"), @r#"
    templates:
      t:
        body: |
          one

            # two
          three
        # free

        name: x # last
        title: >-
          folded
          text
    # end
    "#);
}

#[test]
fn blank_lines_that_are_part_of_a_value_stay_and_part_nothing() {
    // No blank line is added below, and none is lost where keys move.
    let text = "campaigns:\n  c:\n    values: |+\n      kept\n\n\n    template: t\n\n    audience: a\n";
    assert_eq!(
        formatted(text),
        "campaigns:\n  c:\n    values: |+\n      kept\n\n\n    template: t\n\n    audience: a\n"
    );
    let text = "campaigns:\n  c:\n    values: |+\n      kept\n\n    template: t\n  d:\n";
    assert_eq!(formatted(text), "campaigns:\n  c:\n    template: t\n    values: |+\n      kept\n\n  d:\n");
    assert_eq!(formatted("a: |+\n    x\n\n\n"), "a: |+\n  x\n\n\n");
    assert_eq!(formatted("a: >+\n\n\nb: 1\n"), "a: >+\n\n\nb: 1\n");
    // Without any to keep, the sign says nothing.
    assert_eq!(formatted("a: |+\n  x\nb: 1\n"), "a: |\n  x\nb: 1\n");
}

#[test]
fn a_block_scalar_that_the_file_ends_in_says_that_it_has_no_line_break() {
    assert_eq!(formatted("a: |\n  x"), "a: |-\n  x\n");
    assert_eq!(formatted("a: >+\n   x\n   y"), "a: >-\n  x\n  y\n");
    assert_eq!(formatted("a: |+\n  x\n\n"), "a: |+\n  x\n\n");
    assert_eq!(formatted("a: |"), "a: |\n");
}

#[test]
fn comments_below_block_scalars_are_no_part_of_them() {
    let text = "a:\n    b: |  # header\n        x\n      # deep\n    # own\n   # left\n# next\nc: 1\n";
    let expected = "a:\n  b: |  # header\n    x\n  # deep\n  # own\n# left\n# next\nc: 1\n";
    assert_eq!(formatted(text), expected.replace("|  #", "|    #"));
}

#[test]
fn block_scalars_say_their_indentation_where_their_first_line_does_not() {
    assert_eq!(formatted("a: |4-\n      x\n    y\n"), "a: |2-\n    x\n  y\n");
    assert_eq!(formatted("a: |4\n    x\n"), "a: |\n  x\n");
    assert_eq!(formatted("a:\n- |1\n  x\n"), "a:\n  - |2\n     x\n");
    assert_eq!(formatted("a: |1\n \tx\n"), "a: |2\n  \tx\n");
    assert_eq!(formatted("a: |\n\n  x\n   \n  y\n"), "a: |\n\n  x\n   \n  y\n");
}

#[test]
fn a_comment_below_a_key_without_a_value_stays_below_it() {
    assert_eq!(formatted("a:\n    # only\nb: 1\n"), "a:\n  # only\nb: 1\n");
    assert_eq!(formatted("a:\n# of b\nb: 1\n"), "a:\n# of b\nb: 1\n");
    assert_eq!(
        formatted("a:\n  b:\n     # x: 1\n     # y: 2\n\n  # of c\n  c: 1\n"),
        "a:\n  b:\n    # x: 1\n    # y: 2\n\n  # of c\n  c: 1\n"
    );
    assert_eq!(formatted("a:\n   # before\n   b: 1\n"), "a:\n  # before\n  b: 1\n");
    assert_eq!(
        formatted("a:\n  b: x\n     # deeper\n  # of c\n  c: 1\n"),
        "a:\n  b: x\n    # deeper\n  # of c\n  c: 1\n"
    );
    assert_eq!(formatted("a:\n  -\n    # only\n  - b\n"), "a:\n  -\n    # only\n  - b\n");
    // A list may stand in its key's column: what follows there is about the next key.
    assert_eq!(formatted("a:\n- x\n# of b\nb: 1\n"), "a:\n  - x\n# of b\nb: 1\n");
}

#[test]
fn a_comment_goes_with_the_key_that_it_is_indented_under() {
    insta::assert_snapshot!(formatted("\
campaigns:
  c1:
    expires_after: 12h
    audience: a
      # or: vips, from January on
    template: t
    strategy: s
    values: {}
      # name: x
    extended_params: {}
"), @r"
    campaigns:
      c1:
        template: t
        audience: a
          # or: vips, from January on
        strategy: s
        values: {}
          # name: x
        expires_after: 12h
        extended_params: {}
    ");
}

#[test]
fn what_looks_like_a_mark_between_documents_is_quoted() {
    assert_eq!(formatted(" --- a: 1\n"), "\"--- a\": 1\n");
    assert_eq!(formatted("# c\n---\n# d\na: 1\n...\n# e\n"), "# c\n---\n# d\na: 1\n...\n# e\n");
}

#[test]
fn keys_lose_the_question_mark_that_they_do_not_need() {
    assert_eq!(formatted("? a # c\n: b\n? 'x\n  y'\n: - z\n"), "a: # c\n  b\n? \"x\n  y\"\n:\n  - z\n");
    assert_eq!(formatted("? |\n x\n: z\n"), "? |\n  x\n: z\n");
    assert_eq!(formatted("&a k: 1\nb: { *a : 2 }\n"), "&a k: 1\nb: { *a : 2 }\n");
}

#[test]
fn what_is_in_brackets_is_broken_where_its_writer_broke_it() {
    let text = "a: [b, # c\n  {d: e, f: [\n g]},\n\n  h: 'i\n\n   j']\n";
    insta::assert_snapshot!(formatted(text), @r#"
    a: [
      b, # c
      {
        d: e,
        f: [
          g
        ]
      },

      h: "i

        j"
    ]
    "#);
    assert_eq!(formatted("a: {b: [], c: { }, d, e: ,\"f\":g,}\n"), "a: { b: [], c: {}, d, e: , \"f\": g }\n");
}

/// Nothing may be read again and again for each of its parts: all on one line, and as deep as it goes.
#[test]
fn a_large_file_is_formatted() {
    let entries: Vec<String> = (0..20_000).map(|place| format!("k{place}: [x, {{a: 'b'}}]")).collect();
    let text = format!("campaigns: {{\n{}}}\n", entries.join(","));
    let formatted = formatted(&text);
    assert_eq!(formatted.lines().count(), 20_002);
    assert_eq!(formatted.lines().nth(1), Some("  k0: [x, { a: \"b\" }],"));
}

#[test]
fn anchors_stay_before_their_aliases() {
    let text = "strategies:\n  a: { at: &t 2026-12-15T09:00:00+08:00, send: once }\n";
    assert_eq!(
        formatted(text),
        text.replace(
            "at: &t 2026-12-15T09:00:00+08:00, send: once",
            "send: once, at: &t 2026-12-15T09:00:00+08:00"
        )
    );
    let text = "campaigns:\n  c:\n    values: &v { a: x }\n    extended_params: *v\n    template: t\n";
    assert_eq!(
        formatted(text),
        text.replace("    template: t\n", "").replace("    values", "    template: t\n    values")
    );
    // Sorted, the alias would come first.
    let text = "campaigns:\n  c:\n    extended_params: &v { a: x }\n    values: *v\n    template: t\n";
    assert_eq!(formatted(text), text);
}

#[test]
fn line_breaks_are_those_of_the_first_line() {
    assert_eq!(formatted("templates:\r\n    t: {}\r\n"), "templates:\r\n  t: {}\r\n");
    assert_eq!(formatted("templates:\n    t: {}\r\n"), "templates:\n  t: {}\n");
    assert_eq!(formatted(""), "");
}

#[test]
fn what_cannot_be_read_is_left_alone_with_its_mistakes() {
    for text in ["a: [", "a: 1\na: 2\n", "a: !x 1\n", "a: no\n", "---\na: 1\n---\nb: 2\n"] {
        let source = Source::new("c.yaml".to_owned(), text.to_owned());
        let Err(LeftAlone::Mistakes(mistakes)) = format(&source, FileKind::Campaign) else {
            panic!("{text:?} is formatted")
        };
        assert!(!mistakes.is_empty());
    }
}

/// A file in the writer's own style: any indentation, order, quotes, comments and blank lines.
fn arbitrary_file() -> impl Strategy<Value = String> {
    let line_end =
        prop_oneof![Just(String::new()), Just("  # why, 为什么".to_owned()), Just(" # x: {y".to_owned())];
    let between = prop_oneof![
        Just(String::new()),
        Just(String::new()),
        Just(String::new()),
        Just("\n\n\n".to_owned()),
        Just("# note\n".to_owned()),
        Just("\n  # free\n\n".to_owned()),
        Just("          # deep\n".to_owned()),
    ];
    let value = prop_oneof![
        Just("text".to_owned()),
        Just("'it''s'".to_owned()),
        Just("\"a\\tb 'c'\"".to_owned()),
        Just("'say \"hi\"'".to_owned()),
        Just("{b: x,   a: 'z'}".to_owned()),
        Just("[ 1,2 , \"3\" ]".to_owned()),
        Just("{ at: 2026-12-15, send: once }".to_owned()),
        Just("|\n          one\n            two\n\n          # three".to_owned()),
        Just(">-\n          one\n          two".to_owned()),
        Just("plain\n          goes on".to_owned()),
        Just("[a,\n          b # in\n          ]".to_owned()),
        Just("\n          - x\n          - w: 1".to_owned()),
        Just("{ # in\n          b: x, # behind\n          a: z\n          }".to_owned()),
        Just("\n          # nested\n          k: v\n\n          # more\n          j: w  # end".to_owned()),
        Just("\n          - # c\n            k: |+\n              kept\n\n          - v".to_owned()),
        Just("# below\n          text".to_owned()),
        Just("\"folded\n\n          # no comment\"".to_owned()),
    ];
    let key = prop::sample::subsequence(
        vec![
            "values",
            "template",
            "strategy",
            "audience",
            "expires_after",
            "revision",
            "'task_name'",
            "unknown",
        ],
        1..=8,
    )
    .prop_shuffle();
    let entries = (key, 1_usize..5, prop::collection::vec((value, line_end, between.clone()), 8)).prop_map(
        |(keys, depth, parts)| {
            let mut out = String::new();
            for (key, (value, line_end, between)) in keys.iter().zip(parts) {
                // Behind a block scalar's text or a plain one's second line a comment would be something else.
                let line_end = if value.contains('\n') { String::new() } else { line_end };
                writeln!(out, "{between}{}{key}: {value}{line_end}", " ".repeat(4 + depth)).unwrap();
            }
            out
        },
    );
    let sections =
        prop::sample::subsequence(vec!["templates", "audiences", "strategies", "campaigns"], 1..=4)
            .prop_shuffle();
    (sections, prop::collection::vec((entries.clone(), entries, between), 4)).prop_map(|(sections, parts)| {
        let mut out = "# yaml-language-server: $schema=x\n".to_owned();
        for (section, (first, second, between)) in sections.iter().zip(parts) {
            write!(out, "{between}{section}:\n    发薪:\n{first}    a:\n{second}").unwrap();
        }
        out
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    /// The laws of `fmt`: nothing is lost, nothing means something else, and once is enough.
    #[test]
    fn formatting_keeps_values_and_comments_and_is_done_at_once(text in arbitrary_file()) {
        let value = |text: &str| serde_yaml::from_str::<serde_yaml::Value>(text).unwrap();
        let once = formatted(&text);
        prop_assert_eq!(value(&text), value(&once), "{}", once);
        let comments = |text: &str| {
            let mut found: Vec<String> = layout::comments(text).unwrap();
            found.sort();
            found
        };
        prop_assert_eq!(comments(&text), comments(&once), "{}", &once);
        prop_assert!(!once.contains("\n\n\n"), "{}", &once);
        prop_assert_eq!(formatted(&once), once);
    }
}
