//! `fmt`: files, standard input, `--check`, and what it must never touch.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use campaignctl::diagnostic::Source;
use campaignctl::format::{self, FileKind, LeftAlone};

use crate::site::{Ran, Site};

const UNTIDY: &str = "\
# yaml-language-server: $schema=../schema/campaign.schema.json
strategies:
    s:   {at: 2026-12-15T09:00:00+08:00, send: once}   # when
templates:
    t:
        name: 'x'
        title: T
        body: B
";

const TIDY: &str = "\
# yaml-language-server: $schema=../schema/campaign.schema.json
templates:
  t:
    name: \"x\"
    title: T
    body: B
strategies:
  s: { send: once, at: 2026-12-15T09:00:00+08:00 }     # when
";

#[test]
fn files_are_formatted_once_and_for_all() {
    let site = Site::with_samples();
    site.write("campaigns/c.yaml", UNTIDY);
    let ran = site.run(&["fmt", "--check"]).exits(3);
    insta::assert_snapshot!(ran.stdout, @r#"
    --- campaigns/c.yaml
    +++ campaigns/c.yaml
    @@ -1,8 +1,8 @@
     # yaml-language-server: $schema=../schema/campaign.schema.json
    +templates:
    +  t:
    +    name: "x"
    +    title: T
    +    body: B
     strategies:
    -    s:   {at: 2026-12-15T09:00:00+08:00, send: once}   # when
    -templates:
    -    t:
    -        name: 'x'
    -        title: T
    -        body: B
    +  s: { send: once, at: 2026-12-15T09:00:00+08:00 }     # when
    1 file would be formatted, 7 unchanged
    "#);
    assert_eq!(site.read("campaigns/c.yaml"), UNTIDY, "`--check` writes nothing");
    let ran = site.run(&["fmt"]).exits(0);
    assert_eq!(ran.stdout, "formatted campaigns/c.yaml\n1 file formatted, 7 unchanged\n");
    assert_eq!(site.read("campaigns/c.yaml"), TIDY);
    let ran = site.run(&["fmt", "--check", "campaigns/c.yaml"]).exits(0);
    assert_eq!(ran.stdout, "0 files would be formatted, 1 unchanged\n");
}

#[test]
fn what_new_writes_is_formatted() {
    let site = Site::with_samples();
    site.run(&["new", "campaign", "spring-sale"]).exits(0);
    site.run(&["fmt", "--check", "campaigns/spring-sale.yaml"]).exits(0);
}

#[test]
fn standard_input_goes_to_standard_output() {
    let site = Site::with_samples();
    let through = |arguments: &[&str], text: &str| {
        let mut command = site.command(arguments);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        Ran::of(&child.wait_with_output().unwrap())
    };
    assert_eq!(through(&["fmt", "-"], UNTIDY).exits(0).stdout, TIDY);
    assert_eq!(through(&["fmt", "-", "--check"], TIDY).exits(0).stdout, "");
    assert!(through(&["fmt", "-", "--check"], UNTIDY).exits(3).stdout.starts_with("--- campaigns.yaml\n"));
    let project = "project: p\nversion: 1\n";
    let named = ["fmt", "-", "--stdin-filename", "x/campaignctl.yaml"];
    assert_eq!(through(&named, project).exits(0).stdout, "version: 1\nproject: p\n");
    let ran = through(&["fmt", "-"], "a: [\n").exits(3);
    assert!(ran.stdout.is_empty() && ran.stderr.contains("campaigns.yaml:1:4"), "{}", ran.stderr);
}

#[test]
fn a_file_with_mistakes_is_left_alone_and_the_others_are_formatted() {
    let site = Site::with_samples();
    site.write("campaigns/bad.yaml", "a:   1\na: 2\n");
    site.write("campaigns/c.yaml", UNTIDY);
    let ran = site
        .run(&["fmt"])
        .exits(3)
        .warns("error[duplicate-key]")
        .warns("files with mistakes are as they were");
    assert!(ran.stdout.contains("formatted campaigns/c.yaml\n"));
    assert_eq!(site.read("campaigns/bad.yaml"), "a:   1\na: 2\n");
    // What only the rules would say is no reason.
    site.write("campaigns/bad.yaml", "colour:   red\n");
    site.run(&["fmt", "campaigns/bad.yaml"]).exits(0);
    assert_eq!(site.read("campaigns/bad.yaml"), "colour: red\n");
}

#[test]
fn byte_order_marks_go_and_line_breaks_stay() {
    let site = Site::with_samples();
    site.write("campaigns/c.yaml", &format!("\u{feff}{}", UNTIDY.replace('\n', "\r\n")));
    site.run(&["fmt", "campaigns/c.yaml"]).exits(0);
    assert_eq!(site.read("campaigns/c.yaml"), TIDY.replace('\n', "\r\n"));
}

#[test]
fn block_scalars_of_every_kind_are_formatted() {
    let site = Site::with_samples();
    let texts = [
        ("a: |+\n    kept\n\n\n", "a: |+\n  kept\n\n\n"),
        ("a: |\n    cut", "a: |-\n  cut\n"),
        ("a:\n    b: >\n        folded\n      # comment\n", "a:\n  b: >\n    folded\n  # comment\n"),
        ("a: |4-\n      first\n    second\n", "a: |2-\n    first\n  second\n"),
    ];
    for (before, after) in texts {
        site.write("campaigns/c.yaml", before);
        site.run(&["fmt", "campaigns/c.yaml"]).exits(0);
        assert_eq!(site.read("campaigns/c.yaml"), after);
        site.run(&["fmt", "--check", "campaigns/c.yaml"]).exits(0);
    }
}

#[cfg(unix)]
#[test]
fn links_and_permissions_stay() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let site = Site::with_samples();
    site.write("campaigns/sub/real.yaml", UNTIDY);
    fs::set_permissions(site.path("campaigns/sub/real.yaml"), fs::Permissions::from_mode(0o640)).unwrap();
    symlink(site.path("campaigns/sub/real.yaml"), site.path("campaigns/c.yaml")).unwrap();
    site.run(&["fmt"]).exits(0);
    assert!(site.path("campaigns/c.yaml").is_symlink());
    assert_eq!(site.read("campaigns/sub/real.yaml"), TIDY);
    let mode = fs::metadata(site.path("campaigns/sub/real.yaml")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
}

/// Every file that is committed: none loses a value or a comment, and none changes a second time.
#[test]
fn every_file_of_the_corpus_survives() {
    let mut formatted_count = 0;
    for path in yaml_files(&["campaigns", "assets", "tests/corpus"]) {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let shown_as = path.to_str().unwrap();
        let kind = FileKind::of_path(shown_as);
        let format = |text: &str| format::format(&Source::new(shown_as.to_owned(), text.to_owned()), kind);
        match format(&text) {
            Ok(once) => {
                let value = |text: &str| serde_yaml::from_str::<serde_yaml::Value>(text).unwrap();
                assert_eq!(value(&text), value(&once), "{shown_as}");
                assert_eq!(comments(&text), comments(&once), "{shown_as}");
                assert_eq!(format(&once).unwrap(), once, "{shown_as}");
                formatted_count += 1;
            }
            Err(LeftAlone::Mistakes(mistakes)) => assert!(!mistakes.is_empty()),
            Err(LeftAlone::WouldChange) => panic!("{shown_as} cannot be formatted"),
        }
    }
    assert!(formatted_count > 80, "{formatted_count}");
}

#[test]
fn what_the_repository_shows_is_formatted() {
    for path in yaml_files(&["campaigns", "assets/init"]) {
        let text = fs::read_to_string(&path).unwrap();
        let shown_as = path.to_str().unwrap();
        let source = Source::new(shown_as.to_owned(), text.clone());
        assert_eq!(format::format(&source, FileKind::of_path(shown_as)).unwrap(), text, "{shown_as}");
    }
}

/// The comments of a text without `#` in its values.
fn comments(text: &str) -> Vec<String> {
    let comment = |line: &str| {
        let at = if line.starts_with("# ") { 0 } else { line.find(" # ")? + 1 };
        Some(line[at..].trim_end().to_owned())
    };
    let mut found: Vec<String> = text.lines().filter_map(comment).collect();
    found.sort();
    found
}

fn yaml_files(directories: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting: Vec<PathBuf> =
        directories.iter().map(|name| Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).collect();
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(&directory).into_iter().flatten().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() && !entry.file_name().to_string_lossy().starts_with('.') {
                waiting.push(path);
            } else if path.extension().is_some_and(|extension| extension == "yaml") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

#[test]
fn files_of_a_directory_that_is_no_workspace_are_left_alone() {
    let site = Site::with_samples();
    site.write("compose.yaml", "services:   {}\n");
    site.write("sub/other.yaml", "campaigns:   {}\n");
    site.run(&["-C", "sub", "fmt"]).exits(3).warns("no-project").warns("`-C sub/../campaigns`");
    assert_eq!(site.read("sub/other.yaml"), "campaigns:   {}\n");
    // A part of a workspace has none, and is named.
    site.run(&["fmt", "sub"]).exits(0);
    assert_eq!(site.read("sub/other.yaml"), "campaigns: {}\n");
}
