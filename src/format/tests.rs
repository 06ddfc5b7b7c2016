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
