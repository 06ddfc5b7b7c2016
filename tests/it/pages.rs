//! The pages of `docs/codes`: each code has one, its wrong example is wrong in that very way, and its right
//! example is right.
//!
//! An example is a file of a workspace: the one that the line above its fence names, else `example.yaml`. What
//! it refers to and does not declare comes from [`DECLARED_ELSEWHERE`].

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use campaignctl::diagnostic::{Code, Diagnostic};

use crate::corpus::{self, diagnose};
use crate::site::Site;

const SECTIONS: [&str; 4] = ["Why it matters", "Wrong", "Right", "How to fix"];

/// What examples may refer to without declaring it: name, section and declaration.
const DECLARED_ELSEWHERE: [(&str, &str, &str); 3] = [
    ("payday", "templates", "{ name: payday_v2, title: \"工资到账\", body: \"Hello #name#\" }"),
    ("staff", "audiences", "{ users: [cust-1001] }"),
    ("payday_morning", "strategies", "{ send: once, at: 2026-12-15T09:00:00+08:00 }"),
];

/// Codes whose examples are no YAML, or need a file that nobody would write into a page.
const SHOWN_ONLY: [Code; 16] = [
    Code::NoProject,
    Code::UnreadableFile,
    Code::NotAFile,
    Code::FileOutside,
    Code::AudienceTooLarge,
    Code::LinkLoop,
    Code::FileTooLarge,
    Code::NotUtf8,
    Code::TooManyTasks,
    Code::NotReviewed,
    Code::ReviewExpired,
    Code::ApprovalsMissing,
    Code::ReviewDiffers,
    Code::StillWaiting,
    Code::Renamed,
    Code::AudienceReplaced,
];

#[test]
fn every_code_has_a_page_and_every_page_a_code() {
    let pages = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/codes")).unwrap();
    let pages: BTreeSet<String> =
        pages.map(|entry| entry.unwrap().file_name().to_str().unwrap().to_owned()).collect();
    let wanted: BTreeSet<String> = Code::ALL.iter().map(|code| format!("{code}.md")).collect();
    assert_eq!(pages, wanted);
}

#[test]
fn every_page_says_what_why_and_how_in_this_order() {
    for code in Code::ALL {
        let beginning = format!("# {code}\n\n{}\n\n", code.summary());
        assert!(code.page().starts_with(&beginning), "docs/codes/{code}.md does not begin with\n{beginning}");
        let headings: Vec<&str> = code.page().lines().filter_map(|line| line.strip_prefix("## ")).collect();
        assert_eq!(headings, SECTIONS, "docs/codes/{code}.md");
        for line in code.page().lines() {
            assert!(line.chars().count() <= 140, "docs/codes/{code}.md: too long: {line}");
        }
    }
}

#[test]
fn wrong_examples_are_wrong_and_right_ones_are_right() {
    for &code in Code::ALL.iter().filter(|code| !SHOWN_ONLY.contains(code)) {
        let wrong = examined(code, "Wrong");
        assert!(wrong.contains(code.as_str()), "docs/codes/{code}.md: its wrong example gives {wrong:?}");
        let mut right = examined(code, "Right");
        // A page shows no more of a workspace than it speaks of.
        if code != Code::UnusedName {
            right.remove(Code::UnusedName.as_str());
        }
        assert!(right.is_empty(), "docs/codes/{code}.md: its right example gives {right:?}");
    }
}

/// Returns the codes that an example gives.
fn examined(code: Code, section: &str) -> BTreeSet<String> {
    let files = files(code.page(), section);
    assert!(!files.is_empty(), "docs/codes/{code}.md: nothing under {section}");
    let texts: String = files.iter().map(|(_, text)| text.as_str()).collect();
    let project = files.iter().find(|(path, _)| path == "campaignctl.yaml");
    let site = Site::with(project.map_or(corpus::PROJECT, |(_, text)| text), &declared_elsewhere(&texts));
    for schema in ["project", "campaign"] {
        site.write(&format!("schema/{schema}.schema.json"), "{}");
    }
    for (path, text) in &files {
        site.write(&format!("campaigns/{path}"), text);
    }
    if corpus::GUARDS_OF_PLAN.contains(&code) {
        let plan = site.run(&["-e", "sandbox", "plan", "--json"]).exits(0).json();
        let changes = plan["changes"].as_array().unwrap().iter();
        return changes.filter_map(|change| change["code"].as_str()).map(str::to_owned).collect();
    }
    let mistakes: Vec<Diagnostic> = diagnose(&site.path("campaigns"));
    mistakes.iter().map(|mistake| mistake.code.to_string()).collect()
}

/// Returns what an example refers to and does not declare.
fn declared_elsewhere(texts: &str) -> String {
    let mut out = String::new();
    for (name, section, declaration) in DECLARED_ELSEWHERE {
        if texts.contains(&format!(": {name}\n")) && !texts.contains(&format!("  {name}: {{")) {
            writeln!(out, "{section}:\n  {name}: {declaration}").unwrap();
        }
    }
    out
}

/// Returns the fenced blocks of a section, with the paths that the lines above them name.
fn files(page: &str, section: &str) -> Vec<(String, String)> {
    let (_, after) = page.split_once(&format!("## {section}\n")).expect("every page has every section");
    let section = after.split("\n## ").next().expect("split gives one");
    let mut files: Vec<(String, String)> = Vec::new();
    let (mut is_open, mut above) = (false, "");
    for line in section.lines() {
        if line.starts_with("```") {
            is_open = !is_open;
            if is_open {
                let named = above.strip_prefix('`').and_then(|line| line.strip_suffix("`:"));
                files.push((named.unwrap_or("example.yaml").to_owned(), String::new()));
                above = "";
            }
        } else if is_open {
            let (_, text) = files.last_mut().expect("an open block was pushed");
            text.push_str(line);
            text.push('\n');
        } else if !line.is_empty() {
            above = line;
        }
    }
    files
}
