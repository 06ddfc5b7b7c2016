//! Nothing that is written can make the tool run forever, fill the memory or flood the screen.
//!
//! Stated in counts and bytes, never in time: a run that ends here at all did not go through its input again and
//! again. `docs/yaml.md` lists the bounds.

use std::fmt::Write;
use std::fs;

use campaignctl::diagnostic::{ALIKE_MAX, Code, Diagnostic};
use campaignctl::render::diagnostic::{Look, github, json, text};
use campaignctl::{check, load, schema};

use crate::corpus::{PROJECT, diagnose};

/// What the campaigns of these tests refer to.
const SHARED: &str = "\
templates: { t: { name: T, title: Title, body: Body } }
audiences: { a: { users: [u1] } }
strategies: { s: { send: now } }
";

/// Deepest nesting that is read.
const DEPTH_MAX: usize = 64;

/// Most bytes that one diagnostic prints: texts of at most 1200 characters each, and some lines of the source.
const PRINTED_BYTES_MAX: usize = 32 * 1024;

fn site(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("campaignctl.yaml"), PROJECT).unwrap();
    for (path, text) in files {
        fs::write(directory.path().join(path), text).unwrap();
    }
    directory
}

/// Reads a workspace of these files, and holds everything that is said of it to the bounds.
fn mistakes(files: &[(&str, &str)]) -> Vec<Diagnostic> {
    let directory = site(files);
    let mistakes = diagnose(directory.path());
    let kinds = 2 * Code::ALL.len() * (files.len() + 1);
    assert!(mistakes.len() <= kinds * (ALIKE_MAX + 1), "{} diagnostics", mistakes.len());
    for mistake in mistakes.iter().take(5) {
        for printed in [text(mistake, Look::PLAIN), github(mistake), json(mistake)] {
            assert!(printed.len() <= PRINTED_BYTES_MAX, "{}: {} bytes", mistake.code, printed.len());
        }
    }
    mistakes
}

fn codes(files: &[(&str, &str)]) -> Vec<Code> {
    let mut codes: Vec<Code> = mistakes(files).iter().map(|mistake| mistake.code).collect();
    codes.dedup();
    codes
}

fn campaign(name: &str, extra: &str) -> String {
    format!("  {name}: {{ template: t, audience: a, strategy: s, expires_after: 5m{extra} }}\n")
}

/// A file of one campaign whose free-form state is `state`.
fn state(state: &str) -> String {
    let activity = format!(", live_activity: {{ event: update, state: {{ x: {state} }} }}");
    let shared = SHARED.replace("users: [u1]", "live_activities: [l1]");
    format!("{shared}campaigns:\n{}", campaign("c", &activity))
}

#[test]
fn ten_thousand_files_are_read() {
    let directory = site(&[("shared.yaml", SHARED)]);
    for number in 0..10_000 {
        let text = format!("campaigns:\n{}", campaign(&format!("c{number}"), ""));
        fs::write(directory.path().join(format!("c{number}.yaml")), text).unwrap();
    }
    let (workspace, mistakes) = load::workspace(directory.path(), "", schema::shapes());
    assert_eq!((workspace.files.len(), mistakes), (10_001, Vec::new()));
    let (checked, mistakes) = check::workspace(&workspace);
    assert_eq!((checked.campaigns.len(), mistakes), (10_000, Vec::new()));
}

#[test]
fn a_file_of_fifty_megabytes_is_not_read_and_one_of_four_is() {
    let comment = |bytes: usize| format!("# {}\n", "x".repeat(bytes - 3));
    assert_eq!(codes(&[("a.yaml", &comment(50 * 1024 * 1024))]), [Code::FileTooLarge]);
    assert_eq!(codes(&[("a.yaml", &comment(4 * 1024 * 1024 + 1))]), [Code::FileTooLarge]);
    assert_eq!(codes(&[("a.yaml", &comment(4 * 1024 * 1024))]), []);
}

#[test]
fn an_audience_file_of_fifty_megabytes_in_one_line_is_too_large() {
    let text = format!("{}campaigns:\n{}", SHARED.replace("[u1]", "{ file: ids.txt }"), campaign("c", ""));
    assert_eq!(
        codes(&[("a.yaml", &text), ("ids.txt", &"x".repeat(50 * 1024 * 1024))]),
        [Code::AudienceTooLarge]
    );
}

#[test]
fn nesting_is_read_up_to_its_bound_and_refused_beyond_it() {
    // The levels around the state: the file, `campaigns`, the campaign, `live_activity` and `state`.
    let deepest = DEPTH_MAX - 5;
    let flow = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
    assert_eq!(codes(&[("a.yaml", &state(&flow(deepest)))]), []);
    assert_eq!(codes(&[("a.yaml", &state(&flow(deepest + 1)))]), [Code::NestedTooDeep]);
    let braces = format!("{}1{}", "{a: ".repeat(200), "}".repeat(200));
    let keys: String = (0..200).fold(String::new(), |mut text, level| {
        writeln!(text, "{}a:", " ".repeat(level)).unwrap();
        text
    });
    for (name, text) in [
        ("brackets", state(&flow(200))),
        ("braces", state(&braces)),
        ("keys", keys),
        ("dashes", format!("{}a\n", "- ".repeat(200))),
        ("complex keys", format!("{}a\n", "? ".repeat(200))),
    ] {
        assert_eq!(codes(&[("a.yaml", &text)]), [Code::NestedTooDeep], "{name}");
    }
}

/// A record may carry a whole profile beside its id: how deep that is matters to nobody.
#[test]
fn levels_without_number_in_an_audience_file_are_skipped() {
    let text = SHARED.replace("[u1]", "{ file: ids.jsonl, field: id }");
    let text = format!("{text}campaigns:\n{}", campaign("c", ""));
    for levels in [200, 30_000] {
        let line = format!("{{\"x\": {}{}, \"id\": \"u1\"}}\n", "[".repeat(levels), "]".repeat(levels));
        assert_eq!(codes(&[("a.yaml", &text), ("ids.jsonl", &line)]), []);
    }
}

#[test]
fn texts_of_a_megabyte_are_read_and_what_is_said_of_them_is_short() {
    let long = "x".repeat(1 << 20);
    let with = |old: &str, new: &str| format!("{SHARED}campaigns:\n{}", campaign("c", "")).replace(old, new);
    assert_eq!(codes(&[("a.yaml", &state(&long))]), []);
    assert_eq!(codes(&[("a.yaml", &state(&format!("\"{long}\"")))]), []);
    for (name, text, code) in [
        ("title", with("title: Title", &format!("title: {long}")), Code::TextTooLong),
        (
            "placeholders",
            with("body: Body", &format!("body: \"{}\"", "#a# ".repeat(1 << 18))),
            Code::TextTooLong,
        ),
        ("braces", with("body: Body", &format!("body: \"{}\"", "{".repeat(1 << 20))), Code::TextTooLong),
        ("reference", with("audience: a", &format!("audience: {long}")), Code::UnknownName),
        ("value", with("send: now", &format!("send: {long}")), Code::WrongValue),
        ("key", with("send: now", &format!("? {long}\n: now")), Code::MissingKey),
        ("time", with("5m", &long), Code::ExpiresAfter),
        ("target", with("u1", &long), Code::BadTarget),
        ("tag", with("send: now", &format!("send: !{long} now")), Code::UnknownTag),
        ("alias", with("send: now", &format!("send: *{long}")), Code::YamlSyntax),
    ] {
        let codes = codes(&[("a.yaml", &text)]);
        assert!(codes.contains(&code), "{name}: {codes:?}");
    }
}

#[test]
fn values_cannot_blow_a_template_up() {
    let template = SHARED.replace("body: Body", &format!("body: \"{}\"", "#a#".repeat(5000)));
    let values = format!(", values: {{ a: {} }}", "x".repeat(1 << 20));
    let text = format!("{template}campaigns:\n{}", campaign("c", &values));
    assert_eq!(codes(&[("a.yaml", &text)]), [Code::TextTooLong]);
}

#[test]
fn aliases_cannot_multiply_beyond_their_bound() {
    let laughs = (1..40).fold("a0: &a0 [x, x]\n".to_owned(), |text, level| {
        let below = level - 1;
        format!("{text}a{level}: &a{level} [*a{below}, *a{below}, *a{below}]\n")
    });
    assert_eq!(codes(&[("a.yaml", &laughs)]), [Code::ExpansionLimit]);
    let merges = (1..40).fold("a0: &a0 { x: 1 }\n".to_owned(), |text, level| {
        let below = level - 1;
        format!("{text}a{level}: &a{level} {{ <<: [*a{below}, *a{below}, *a{below}] }}\n")
    });
    assert_eq!(codes(&[("a.yaml", &merges)]), [Code::ExpansionLimit]);
    let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(1 << 20), "*a, ".repeat(17));
    assert_eq!(codes(&[("a.yaml", &long)]), [Code::ExpansionLimit]);
}

/// Each input once took time by the square of its length, or printed all of it.
#[test]
fn mistakes_without_number_are_counted() {
    let lines = |count: usize, line: &dyn Fn(usize) -> String| (0..count).map(line).collect::<String>();
    let slip = |number: usize, audience: &str| {
        campaign(&format!("c{number}"), "").replace("audience: a", &format!("audience: {audience}"))
    };
    let names = lines(1500, &|number| format!("name-{number:04}: {{ users: [u] }}, "));
    let slips = lines(1500, &|number| slip(number, &format!("name-{number:04}x")));
    let slips = format!("{}campaigns:\n{slips}", SHARED.replace("a: {", &format!("{names}a: {{")));
    let placeholders = lines(3000, &|number| format!("#a{number}#"));
    for (name, text, code) in [
        (
            "norways",
            format!("audiences: {{ b: {{ users: [{}x] }} }}\n", "no, ".repeat(5000)),
            Code::AmbiguousScalar,
        ),
        (
            "duplicates",
            format!("{SHARED}campaigns:\n{}", campaign("c", ""))
                .replace("[u1]", &format!("[{}]", "u1, ".repeat(5000))),
            Code::DuplicateTarget,
        ),
        ("keys twice", format!("templates:\n{}", "  t: 1\n".repeat(5000)), Code::DuplicateKey),
        ("unknown keys", lines(5000, &|number| format!("k{number}: 1\n")), Code::UnknownKey),
        ("tags", format!("templates: [{}]\n", "!a b, ".repeat(10_000)), Code::UnknownTag),
        ("slips", slips, Code::UnknownName),
        (
            "placeholders",
            format!(
                "{}campaigns:\n{}",
                SHARED.replace("body: Body", &format!("body: \"{}\"", &placeholders[..16_000])),
                campaign("c", "")
            ),
            Code::PlaceholderWithoutValue,
        ),
    ] {
        let mistakes = mistakes(&[("a.yaml", &text)]);
        let of_kind: Vec<&Diagnostic> = mistakes.iter().filter(|mistake| mistake.code == code).collect();
        assert_eq!(of_kind.len(), ALIKE_MAX + 1, "{name}");
        let counted = of_kind.iter().filter(|mistake| mistake.message.contains("more mistakes of this kind"));
        assert_eq!(counted.count(), 1, "{name}");
    }
}

#[test]
fn thousands_of_environments_are_compared_each_with_its_like_only() {
    let environments: String = (0..5000).fold(String::new(), |mut text, number| {
        writeln!(text, "  e{number}: {{ app_id: A1, workspace_id: test, endpoint: \"https://a.example\" }}")
            .unwrap();
        text
    });
    let directory = site(&[]);
    let project = format!("version: 1\nproject: acme\nenvironments:\n{environments}");
    fs::write(directory.path().join("campaignctl.yaml"), project).unwrap();
    let codes: Vec<Code> = diagnose(directory.path()).iter().map(|mistake| mistake.code).collect();
    assert_eq!(codes, vec![Code::SharedApp; ALIKE_MAX + 1]);
}

#[test]
fn thousands_of_broken_files_do_not_hide_an_unknown_name() {
    let directory = site(&[]);
    for number in 0..1500 {
        let text = format!(
            "audiences: {{ a{number}: {{ users: [1] }} }}\ncampaigns:\n{}",
            campaign(&format!("c{number}"), "")
        );
        fs::write(directory.path().join(format!("c{number}.yaml")), text).unwrap();
    }
    let mistakes = diagnose(directory.path());
    let count = |code| mistakes.iter().filter(|mistake| mistake.code == code).count();
    assert_eq!((count(Code::WrongType), count(Code::UnknownName)), (1500, 3 * 1500));
}
