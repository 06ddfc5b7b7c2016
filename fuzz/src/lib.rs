//! What each fuzz target does with its bytes.
//!
//! The targets in `targets/` call these functions under libFuzzer; `tests/it/fuzz_corpus.rs` includes this very
//! file and calls them on the committed corpus. A panic is a mistake of ours, whatever the bytes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use campaignctl::diagnostic::{self, Code, Diagnostic, Place};
use campaignctl::domain::LedgerSalt;
use campaignctl::plan::{PlanDocument, PlanFileError};
use campaignctl::render::diagnostic::{Look, github, json, summary, text};
use campaignctl::{check, load, plan, render, resolve, schema};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The line that ends one file of an input and begins the next: campaigns, targets, project.
const SEPARATOR: &[u8] = b"\n====\n";

/// The project file of inputs that bring none.
const PROJECT: &[u8] = b"version: 1
project: acme
environments:
  sandbox: { app_id: A1, workspace_id: test, endpoint: sandbox }
";

/// The names under which the one file of targets can be asked for: each format, and each packing.
const TARGET_FILES: [&str; 6] = ["ids.txt", "ids.csv", "ids.jsonl", "ids.txt.gz", "ids.csv.zst", "ids"];

/// Most diagnostics of one code in one file: errors and warnings, of `load` and of `check`.
const ALIKE_MAX: usize = 4 * (diagnostic::ALIKE_MAX + 1);

/// How many diagnostics of an input are printed: the next one is hardly of another kind, and printing is slow.
const PRINTED_MAX: usize = 20;

/// Most bytes that one diagnostic may print: a screen of source that is as wide as the look allows, with room
/// for names and messages that quote what was written.
const PRINTED_BYTES_MAX: usize = 64 * 1024;

/// Reads bytes as a workspace: a campaign file, a file of targets and a project file. Loads, checks, resolves,
/// reads every audience, and prints every diagnostic in every form.
///
/// # Panics
///
/// Where the tool would: also where a place is no piece of its file, or where it prints out of all proportion.
pub fn load_check(bytes: &[u8]) {
    let directory = tempfile::tempdir().expect("a directory for temporary files exists");
    write_workspace(directory.path(), bytes);
    let (workspace, mut diagnostics) = load::workspace(directory.path(), "", schema::shapes());
    let (checked, of_rules) = check::workspace(&workspace);
    diagnostics.extend(of_rules);
    let environments = checked.project.iter().flat_map(|project| project.environments.keys());
    for environment in environments.take(1) {
        if let Ok(desired) = resolve::desired(&checked, environment) {
            let salt = LedgerSalt::new([0; 16]);
            diagnostics.extend(desired.audiences.values().flat_map(|audience| audience.read(&salt).1));
        }
    }
    diagnostic::sort(&mut diagnostics);
    let mut counts: BTreeMap<(Option<&str>, Code), usize> = BTreeMap::new();
    for diagnostic in &diagnostics {
        let file = diagnostic.primary.as_ref().map(|label| label.place.path());
        *counts.entry((file, diagnostic.code)).or_default() += 1;
    }
    assert!(counts.values().all(|count| *count <= ALIKE_MAX), "too much is said: {counts:?}");
    assert!(!summary(&diagnostics).is_empty());
    diagnostics.iter().take(PRINTED_MAX).for_each(print);
}

/// Writes an input's files as the workspace in `directory`.
fn write_workspace(directory: &Path, bytes: &[u8]) {
    let (campaigns, rest) = split(bytes);
    let (targets, project) = rest.map_or((None, None), |rest| {
        let (targets, project) = split(rest);
        (Some(targets), project)
    });
    let write = |name: &str, content: &[u8]| {
        fs::write(directory.join(name), content).expect("a new directory can be written to");
    };
    write("campaignctl.yaml", project.unwrap_or(PROJECT));
    write("campaigns.yaml", campaigns);
    if let Some(targets) = targets {
        for name in TARGET_FILES.iter().filter(|name| contains(campaigns, name.as_bytes())) {
            write(name, targets);
        }
    }
}

fn split(bytes: &[u8]) -> (&[u8], Option<&[u8]>) {
    let found = bytes.windows(SEPARATOR.len()).position(|window| window == SEPARATOR);
    found.map_or((bytes, None), |at| (&bytes[..=at], Some(&bytes[at + SEPARATOR.len()..])))
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// Prints a diagnostic for people, with and without colours and on a narrow screen, and for machines.
fn print(diagnostic: &Diagnostic) {
    let labels = diagnostic.primary.iter().chain(&diagnostic.related);
    for label in labels {
        if let Place::Span(span) = &label.place {
            let is_piece = span.source.text().get(span.range.clone()).is_some();
            assert!(is_piece, "{}: {:?} is no piece of the file", diagnostic.code, span.range);
        }
    }
    let narrow = Look { is_coloured: true, width: 40 };
    for printed in [text(diagnostic, Look::PLAIN), text(diagnostic, narrow), github(diagnostic)] {
        assert!(printed.len() <= PRINTED_BYTES_MAX, "{} prints {} bytes", diagnostic.code, printed.len());
    }
    let object: Value = serde_json::from_str(&json(diagnostic)).expect("what is printed as JSON is JSON");
    assert_eq!(object["code"].as_str(), Some(diagnostic.code.as_str()));
}

/// Reads bytes as a saved plan. One that is laid out like a plan is also drawn and judged as if its digest fitted,
/// since who changes a plan can make its digest anew.
///
/// # Panics
///
/// Where the tool would: also where a plan is not the same once written and read again.
pub fn plan_file(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let read = plan::from_json(text);
    let Ok(mut document) = serde_json::from_str::<PlanDocument>(text) else {
        assert!(read.is_err(), "a plan that cannot be decoded was read");
        return;
    };
    if let Ok(read) = read {
        assert_eq!(read, document);
    }
    let printed = render::plan::plan(&document, Some(80));
    assert!(printed.len() <= (bytes.len() + 1024) * 64, "{} bytes print {}", bytes.len(), printed.len());
    assert!(!render::plan::plan(&document, None).is_empty());
    assert_eq!(plan::differences(&document, &document), []);
    // Refused or not: it must say so without a panic.
    drop(plan::can_apply(&document));
    document.digest = digest(&document);
    match plan::from_json(&plan::to_json(&document)) {
        Ok(again) => assert_eq!(again, document),
        Err(PlanFileError::NotAPlan | PlanFileError::Version { .. }) => {}
        Err(error) => panic!("a plan cannot be read once written: {error}"),
    }
}

/// Returns the digest that a plan must have, by the words of `ARCHITECTURE.md` and not by our own code.
fn digest(document: &PlanDocument) -> String {
    let mut value = serde_json::to_value(document).expect("a plan is made of what JSON can hold");
    if let Value::Object(entries) = &mut value {
        for key in ["digest", "made_at", "made_by"] {
            entries.shift_remove(key);
        }
    }
    format!("sha256:{}", hex::encode(Sha256::digest(value.to_string().as_bytes())))
}
