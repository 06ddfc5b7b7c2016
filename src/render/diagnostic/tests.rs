use std::sync::Arc;

use super::*;
use crate::diagnostic::{Code, Place, Source};

fn source(path: &str, text: &str) -> Arc<Source> {
    Source::new(path.to_owned(), text.to_owned())
}

fn place(source: &Arc<Source>, needle: &str) -> Place {
    let start = source.text().find(needle).unwrap();
    Place::span(source, start..start + needle.len())
}

fn plain(diagnostic: &Diagnostic) -> String {
    text(diagnostic, Look::PLAIN)
}

/// A name declared in two files, after Chinese text.
fn duplicate() -> Diagnostic {
    let first = source("a.yaml", "templates:\n  工资到账: {name: a}\n");
    let second = source("b/更多.yaml", "templates:\n  # 短信\n  \"工资到账\": {name: b}\n");
    Diagnostic::error(Code::DuplicateName, place(&second, "\"工资到账\""), "`工资到账` is declared twice")
        .label("again here")
        .related(place(&first, "工资到账"), "first here")
        .help("rename one of the two")
}

#[test]
fn both_files_of_a_duplicate_are_shown_with_carets_under_chinese_text() {
    insta::assert_snapshot!(plain(&duplicate()), @r#"
    error[duplicate-name]: `工资到账` is declared twice
     --> b/更多.yaml:3:3
      |
    3 |   "工资到账": {name: b}
      |   ^^^^^^^^^^ again here
      |
     ::: a.yaml:2:3
      |
    2 |   工资到账: {name: a}
      |   -------- first here
      |
      = help: rename one of the two
    "#);
}

#[test]
fn carets_stand_under_what_follows_chinese_text() {
    let file = source("a.yaml", "title: { 标题: 您好, audience: vips }\n");
    let diagnostic = Diagnostic::error(Code::UnknownName, place(&file, "vips"), "no audience named `vips`")
        .help("did you mean `vip`?");
    insta::assert_snapshot!(plain(&diagnostic), @r"
    error[unknown-name]: no audience named `vips`
     --> a.yaml:1:28
      |
    1 | title: { 标题: 您好, audience: vips }
      |                                ^^^^
      |
      = help: did you mean `vip`?
    ");
}

#[test]
fn a_node_over_many_lines_is_folded() {
    let lines = "    a line of the body\n".repeat(12);
    let text = format!("templates:\n  a: |\n{lines}  b: 1\n");
    let file = source("a.yaml", &text);
    let node = Place::span(&file, text.find("    a line").unwrap() + 4..text.find("\n  b:").unwrap());
    let diagnostic = Diagnostic::error(Code::TextTooLong, node, "too long");
    insta::assert_snapshot!(plain(&diagnostic), @r"
    error[text-too-long]: too long
      --> a.yaml:3:5
       |
     3 | /     a line of the body
     4 | |     a line of the body
     5 | |     a line of the body
     6 | |     a line of the body
    ...  |
    13 | |     a line of the body
    14 | |     a line of the body
       | |______________________^
    ");
}

#[test]
fn a_very_long_line_is_cut_around_the_place() {
    let ids = "\"id-0123456789\", ".repeat(500);
    let text = format!("audiences: {{a: {{users: [{ids}BAD, {ids}]}}}}\n");
    let file = source("a.yaml", &text);
    let diagnostic = Diagnostic::error(Code::BadTarget, place(&file, "BAD"), "not an id");
    insta::assert_snapshot!(text_of_width(&diagnostic, 80), @r#"
    error[bad-target]: not an id
     --> a.yaml:1:8525
      |
    1 | ...id-0123456789", "id-0123456789", BAD, "id-0123456789", "id-0123456789"...
      |                                     ^^^
    "#);
}

#[test]
fn of_an_endless_line_only_the_place_is_named() {
    let ids = "\"id-0123456789\", ".repeat(10_000);
    let file = source("a.yaml", &format!("audiences: {{a: {{users: [{ids}BAD, {ids}]}}}}\n"));
    let diagnostic = Diagnostic::error(Code::BadTarget, place(&file, "BAD"), "not an id").label("here");
    insta::assert_snapshot!(plain(&diagnostic), @r"
    error[bad-target]: not an id
    --> a.yaml:1:170025
     = note: here
    ");
}

fn text_of_width(diagnostic: &Diagnostic, width: usize) -> String {
    text(diagnostic, Look { is_coloured: false, columns: Some(width) })
}

#[test]
fn a_help_of_more_than_one_line_stays_where_it_begins() {
    let file = source("a.yaml", "audience: vips\n");
    let diagnostic = Diagnostic::error(Code::UnknownName, place(&file, "vips"), "no such audience")
        .help("write the name of one that is declared");
    insta::assert_snapshot!(text_of_width(&diagnostic, 34), @r"
    error[unknown-name]: no such
        audience
     --> a.yaml:1:11
      |
    1 | audience: vips
      |           ^^^^
      |
      = help: write the name of one
              that is declared
    ");
}

#[test]
fn lines_and_files_without_their_text_are_named() {
    let line = Place::Line { path: "ids.csv".into(), line: 7 };
    let file = source("a.yaml", "users: { file: ids.csv }\n");
    let of_line = Diagnostic::error(Code::AudienceLine, line.clone(), "the line is not UTF-8 text")
        .related(place(&file, "ids.csv"), "the file is named here")
        .help("save the file as UTF-8");
    insta::assert_snapshot!(plain(&of_line), @r"
    error[audience-line]: the line is not UTF-8 text
     --> ids.csv:7
      |
     ::: a.yaml:1:16
      |
    1 | users: { file: ids.csv }
      |                ------- the file is named here
      |
      = help: save the file as UTF-8
    ");
    let of_file = Diagnostic::warning(Code::UnusedName, Place::file("x/y.yaml"), "nothing uses this")
        .label("in all of it")
        .related(line, "not even here");
    insta::assert_snapshot!(plain(&of_file), @r"
    warning[unused-name]: nothing uses this
    --> x/y.yaml
     = note: in all of it
     = note: not even here: ids.csv:7
    ");
    let placeless = Diagnostic::placeless(Code::TooManyTasks, "101 tasks").help("cancel one");
    insta::assert_snapshot!(plain(&placeless), @r"
    error[too-many-tasks]: 101 tasks
     |
     = help: cancel one
    ");
}

#[test]
fn escape_sequences_and_direction_marks_cannot_reach_the_terminal() {
    let file = source("a\u{1b}[2J.yaml", "title: \"\u{202e}evil\u{1b}[31m\"\n");
    let diagnostic = Diagnostic::error(Code::WrongValue, place(&file, "evil"), "bad \u{1b}[31mmessage")
        .label("label \u{1b}[0m")
        .help("help \u{202e} \u{1b}[0m");
    let rendered = plain(&diagnostic);
    assert!(!rendered.contains(['\u{1b}', '\u{202e}']), "{rendered}");
}

#[test]
fn colour_is_added_only_where_asked() {
    let coloured = text(&duplicate(), Look { is_coloured: true, columns: Some(100) });
    assert!(coloured.contains("\u{1b}["));
    assert!(!plain(&duplicate()).contains('\u{1b}'));
}

#[test]
fn places_far_apart_in_one_file_are_cut_out_separately() {
    let filler = "# filler filler filler filler\n".repeat(5000);
    let file = source("a.yaml", &format!("first: 1\n{filler}second: 2\n"));
    let diagnostic = Diagnostic::error(Code::DuplicateKey, place(&file, "second"), "twice")
        .related(place(&file, "first"), "first here");
    insta::assert_snapshot!(plain(&diagnostic), @r"
    error[duplicate-key]: twice
        --> a.yaml:5002:1
         |
    5002 | second: 2
         | ^^^^^^
         |
        ::: a.yaml:1:1
         |
       1 | first: 1
         | ----- first here
    ");
}

#[test]
fn json_has_every_key_in_a_fixed_order() {
    insta::assert_snapshot!(json(&duplicate()), @r#"
    {"level":"error","code":"duplicate-name","message":"`工资到账` is declared twice","file":"b/更多.yaml","line":3,"column":3,"end_line":3,"end_column":9,"label":"again here","help":"rename one of the two","related":[{"file":"a.yaml","line":2,"column":3,"end_line":2,"end_column":7,"label":"first here"}],"rendered":"error[duplicate-name]: `工资到账` is declared twice\n --> b/更多.yaml:3:3\n  |\n3 |   \"工资到账\": {name: b}\n  |   ^^^^^^^^^^ again here\n  |\n ::: a.yaml:2:3\n  |\n2 |   工资到账: {name: a}\n  |   -------- first here\n  |\n  = help: rename one of the two\n"}
    "#);
    let placeless = Diagnostic::placeless(Code::TooManyTasks, "101 tasks");
    insta::assert_snapshot!(json(&placeless), @r#"
    {"level":"error","code":"too-many-tasks","message":"101 tasks","file":null,"line":null,"column":null,"end_line":null,"end_column":null,"label":null,"help":null,"related":[],"rendered":"error[too-many-tasks]: 101 tasks\n"}
    "#);
}

#[test]
fn workflow_annotations_escape_what_would_end_them() {
    let file = source("a,b:c%.yaml", "key: value\r\n");
    let diagnostic = Diagnostic::warning(Code::WrongValue, place(&file, "value"), "100%\r\nwrong: `a,b`")
        .label("here")
        .help("write it");
    insta::assert_snapshot!(github(&diagnostic), @r"::warning file=a%2Cb%3Ac%25.yaml,line=1,endLine=1,col=6,endColumn=11,title=wrong-value::100%25\r\nwrong: `a,b`%0Ahere%0Ahelp: write it");
    insta::assert_snapshot!(github(&duplicate()), @"::error file=b/更多.yaml,line=3,endLine=3,col=3,endColumn=9,title=duplicate-name::`工资到账` is declared twice%0Aagain here%0Afirst here: a.yaml:2:3%0Ahelp: rename one of the two");
    insta::assert_snapshot!(github(&Diagnostic::placeless(Code::TooManyTasks, "101 tasks")), @"::error title=too-many-tasks::101 tasks");
}

#[test]
fn the_summary_counts_errors_warnings_and_files() {
    let warning = Diagnostic::warning(Code::UnusedName, Place::file("x.yaml"), "unused");
    assert_eq!(
        summary(&[duplicate(), duplicate(), duplicate(), warning.clone()]),
        "3 errors, 1 warning in 2 files"
    );
    assert_eq!(summary(&[warning]), "1 warning in 1 file");
    assert_eq!(summary(&[Diagnostic::placeless(Code::TooManyTasks, "101 tasks")]), "1 error");
    assert_eq!(summary(&[]), "no mistakes found");
}

#[test]
fn tabs_and_windows_line_breaks_leave_carets_where_they_belong() {
    let file = source("a.yaml", "a:\r\n  x: 1\r\n  b:\t\t1\r\n  c: {\tb: 2 }\r\n");
    let diagnostic = Diagnostic::error(Code::DuplicateKey, place(&file, "b: 2"), "the key `b` stands twice")
        .related(place(&file, "b:\t"), "first here");
    insta::assert_snapshot!(plain(&diagnostic), @r"
    error[duplicate-key]: the key `b` stands twice
     --> a.yaml:4:8
      |
    3 |   b:        1
      |   ------ first here
    4 |   c: {    b: 2 }
      |           ^^^^
    ");
}

#[test]
fn a_code_quality_report_has_what_gitlab_asks_for() {
    let file = source("./a b.yaml", "key: value\n");
    let diagnostic =
        Diagnostic::warning(Code::WrongValue, place(&file, "value"), "100%\u{202e}").help("write it");
    let report = gitlab(
        &[duplicate(), diagnostic, Diagnostic::placeless(Code::TooManyTasks, "101 tasks")],
        "c/p.yaml",
    );
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    let rows: Vec<String> = report
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            let fingerprint = row["fingerprint"].as_str().unwrap();
            assert!(fingerprint.len() == 64 && fingerprint.bytes().all(|byte| byte.is_ascii_hexdigit()));
            let [path, line] =
                ["/location/path", "/location/lines/begin"].map(|name| row.pointer(name).unwrap());
            format!("{} {} {path}:{line} {}", row["severity"], row["check_name"], row["description"])
        })
        .collect();
    insta::assert_snapshot!(rows.join("\n"), @r#"
    "major" "duplicate-name" "b/更多.yaml":3 "`工资到账` is declared twice\nagain here\nfirst here: a.yaml:2:3\nhelp: rename one of the two"
    "minor" "wrong-value" "a b.yaml":1 "100%\\u{202e}\nhelp: write it"
    "major" "too-many-tasks" "c/p.yaml":1 "101 tasks"
    "#);
    assert_eq!(gitlab(&[], "c/p.yaml"), "[]\n");
}

#[test]
fn places_in_sarif_count_utf_16_units_and_are_addresses() {
    let file = source("a b/50%: 更多.yaml", "x: 🚀🚀 { a: vips }\ny: 1\n");
    let log = sarif(&[
        Diagnostic::error(Code::UnknownName, place(&file, "vips"), "no audience")
            .related(place(&file, "y"), "here"),
        Diagnostic::warning(Code::UnusedName, Place::Line { path: "/tmp/a.csv".to_owned(), line: 7 }, "x"),
        Diagnostic::warning(Code::UnusedName, Place::file("./b.yaml"), "x"),
        Diagnostic::placeless(Code::TooManyTasks, "101 tasks"),
    ]);
    let log: serde_json::Value = serde_json::from_str(&log).unwrap();
    let results = log.pointer("/runs/0/results").unwrap().as_array().unwrap();
    let location =
        |result: &serde_json::Value, pointer: &str| result.pointer(pointer).cloned().unwrap_or_default();
    let first = "/locations/0/physicalLocation";
    assert_eq!(
        location(&results[0], first),
        serde_json::json!({
            "artifactLocation": { "uri": "a%20b/50%25%3A%20%E6%9B%B4%E5%A4%9A.yaml", "uriBaseId": "%SRCROOT%" },
            "region": { "startLine": 1, "startColumn": 14, "endLine": 1, "endColumn": 18 },
        })
    );
    assert_eq!(location(&results[0], "/relatedLocations/0/message/text"), "here");
    assert_eq!(
        location(&results[1], first),
        serde_json::json!({ "artifactLocation": { "uri": "file:///tmp/a.csv" }, "region": { "startLine": 7 } })
    );
    assert_eq!(
        location(&results[2], first),
        serde_json::json!({ "artifactLocation": { "uri": "b.yaml", "uriBaseId": "%SRCROOT%" } })
    );
    assert_eq!(location(&results[3], first), serde_json::Value::Null);
    let rules = log.pointer("/runs/0/tool/driver/rules").unwrap().as_array().unwrap();
    for result in results {
        let rule = &rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
        assert_eq!(rule["id"], result["ruleId"]);
        assert!(rule.pointer("/help/markdown").unwrap().as_str().unwrap().len() > 100);
    }
    assert_eq!(log.pointer("/runs/0/columnKind").unwrap(), "utf16CodeUnits");
}
