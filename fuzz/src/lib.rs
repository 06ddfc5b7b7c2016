//! What each fuzz target does with its bytes.
//!
//! The targets in `targets/` call these functions under libFuzzer; `tests/it/fuzz_corpus.rs` includes this very
//! file and calls them on the committed corpus. A panic is a mistake of ours, whatever the bytes.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use campaignctl::diagnostic::{self, Code, Diagnostic, Place};
use campaignctl::domain::{LedgerSalt, TargetId};
use campaignctl::load::Boundary;
use campaignctl::load::model::TargetFileFormat;
use campaignctl::load::targets::{BadLineReason, Limits, TargetFile};
use campaignctl::plan::{PlanDocument, PlanFileError};
use campaignctl::render::caller::Caller;
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
    let narrow = Look { is_coloured: true, columns: Some(40) };
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
    let printed = render::plan::plan(&document, Path::new("campaigns"), Some(80), &Caller::default());
    assert!(printed.len() <= (bytes.len() + 1024) * 64, "{} bytes print {}", bytes.len(), printed.len());
    assert!(!render::plan::plan(&document, Path::new(""), None, &Caller::default()).is_empty());
    assert_eq!(plan::differences(&document, &document), []);
    // Refused or not: it must say so without a panic.
    document.digest = digest(&document);
    match plan::from_json(&plan::to_json(&document)) {
        Ok(again) => assert_eq!(again, document),
        Err(PlanFileError::NotAPlan | PlanFileError::Version { .. }) => {}
        Err(error) => panic!("a plan cannot be read once written: {error}"),
    }
}

/// Returns the digest that a plan must have, by the words of `ARCHITECTURE.md` and not by our own code: facts alone, and of what
/// is not pushed only what stops it.
fn digest(document: &PlanDocument) -> String {
    let plan = serde_json::to_value(document).expect("a plan is made of what JSON can hold");
    let mut facts = picked(
        &plan,
        &["format", "version", "project", "environment", "app_id", "workspace_id", "tenant_id"],
    );
    facts.extend(picked(&plan, &["endpoint", "region", "api_version"]));
    facts.insert("lineage".to_owned(), plan["ledger"]["lineage"].clone());
    let counts = ["to_push", "targets", "requests"].map(|key| plan["summary"][key].clone());
    facts.insert("to_push".to_owned(), counts.to_vec().into());
    let changes = plan["changes"].as_array().expect("a list").iter().map(|change| {
        let kind = change["kind"].as_str().expect("a kind");
        let mut fact = picked(change, &["campaign", "revision", "content_digest", "audience_digest"]);
        let is_stopped = ["blocked", "held"].contains(&kind);
        let stopped = is_stopped.then(|| Value::from(vec![change["kind"].clone(), change["code"].clone()]));
        fact.insert("stopped".to_owned(), stopped.into());
        let is_push = ["create", "add", "continue", "later"].contains(&kind);
        let push = is_push.then(|| {
            let mut push =
                picked(change, &["kind", "call", "recipients", "targets", "requests", "first_batch"]);
            push.extend(picked(
                change,
                &["values_digest", "push_digest", "schedule", "first_at", "message", "content"],
            ));
            Value::from(push)
        });
        fact.insert("push".to_owned(), push.into());
        Value::from(fact)
    });
    facts.insert("changes".to_owned(), changes.collect());
    format!("sha256:{}", hex::encode(Sha256::digest(Value::from(facts).to_string().as_bytes())))
}

/// Returns some of an object's entries, in this order; null for what is not there.
fn picked(value: &Value, keys: &[&str]) -> serde_json::Map<String, Value> {
    keys.iter().map(|key| ((*key).to_owned(), value[*key].clone())).collect()
}

/// How the bytes of an audience file can stand on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Packing {
    /// As they are.
    None,
    /// As they are, under a name that says they are packed.
    Claimed(&'static str),
    /// Packed.
    Done(&'static str),
}

const FORMATS: [(TargetFileFormat, &str); 4] = [
    (TargetFileFormat::Text, "txt"),
    (TargetFileFormat::Csv, "csv"),
    (TargetFileFormat::Jsonl, "jsonl"),
    (TargetFileFormat::Parquet, "parquet"),
];
const PACKINGS: [Packing; 5] = [
    Packing::None,
    Packing::Claimed("gz"),
    Packing::Claimed("zst"),
    Packing::Done("gz"),
    Packing::Done("zst"),
];

/// Rows of one file that are read: what is packed may unpack to any number of them.
const ROWS_MAX: usize = 50_000;

/// Reads bytes as an audience file. The first one says in which format, how packed and with which columns; the others are the
/// file.
///
/// # Panics
///
/// Where the tool would: also where a row breaks what rows promise, where a second reading gives others, where the digest is
/// not the file's, or where a packed file has other rows than the same one unpacked.
pub fn audience_file(bytes: &[u8]) {
    let Some((choice, content)) = bytes.split_first() else { return };
    let choice = usize::from(*choice);
    let format = FORMATS[choice % FORMATS.len()];
    let packing = PACKINGS[choice / FORMATS.len() % PACKINGS.len()];
    let columns = choice / FORMATS.len() / PACKINGS.len() % 3;
    let directory = tempfile::tempdir().expect("a directory for temporary files exists");
    let found = rows_of(directory.path(), format, packing, columns, content);
    assert_eq!(
        found,
        rows_of(directory.path(), format, packing, columns, content),
        "a second reading differs"
    );
    if let (Packing::Done(_), false) = (packing, format.0 == TargetFileFormat::Parquet) {
        let plain = rows_of(directory.path(), format, Packing::None, columns, content);
        assert_eq!(found, plain, "{packing:?} changes the rows");
    }
}

/// A row with its values, or what is said of a line that gives none.
type Row = Result<(u64, String, Vec<String>), (u64, String)>;

fn rows_of(
    directory: &Path,
    (format, ending): (TargetFileFormat, &str),
    packing: Packing,
    columns: usize,
    content: &[u8],
) -> Option<Vec<Row>> {
    let (name, stored) = match packing {
        Packing::None => (format!("ids.{ending}"), content.to_vec()),
        Packing::Claimed(packed) => (format!("ids.{ending}.{packed}"), content.to_vec()),
        Packing::Done(packed) => (format!("ids.{ending}.{packed}"), pack(content, packed)),
    };
    let path = directory.join(&name);
    fs::write(&path, &stored).expect("a new directory can be written to");
    let is_text = format == TargetFileFormat::Text;
    let value_columns = ["name", "id"].iter().take(columns).map(|&column| column.to_owned()).collect();
    let boundary = Boundary::new(directory.to_owned(), Vec::new());
    let file = TargetFile {
        path,
        boundary: Arc::new(boundary),
        shown_as: name,
        format,
        column_or_field: (!is_text).then(|| "id".to_owned()),
        value_columns,
        limits: Limits::default(),
    };
    let mut rows = match file.open() {
        Ok(rows) => rows,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return None;
        }
    };
    let (mut found, mut line, mut is_whole) = (Vec::new(), 0, true);
    while found.len() < ROWS_MAX {
        let row = match rows.next_row() {
            None => break,
            Some(Ok(row)) => {
                let values: Vec<String> = row.values.iter().map(str::to_owned).collect();
                assert_eq!(values.len(), columns, "a value for each column");
                assert!(values.iter().all(|value| !value.is_empty()), "an empty value");
                assert!(row.id.as_str().parse::<TargetId>().is_ok(), "{:?} is no id", row.id);
                Ok((row.line, row.id.to_string(), values))
            }
            Some(Err(bad)) => {
                is_whole &= !matches!(
                    bad.why,
                    BadLineReason::Io(_)
                        | BadLineReason::Damaged(_)
                        | BadLineReason::TooLarge(_)
                        | BadLineReason::UnclosedQuote
                );
                Err((bad.line, bad.why.to_string()))
            }
        };
        let at = match &row {
            Ok((at, ..)) | Err((at, _)) => *at,
        };
        assert!(at >= line, "line {at} comes after {line}");
        line = at;
        found.push(row);
    }
    if is_whole && found.len() < ROWS_MAX {
        assert_eq!(rows.digest(), <[u8; 32]>::from(Sha256::digest(&stored)), "the digest is not the file's");
    }
    Some(found)
}

fn pack(content: &[u8], packed: &str) -> Vec<u8> {
    if packed == "zst" {
        return zstd::bulk::compress(content, 1).expect("memory can be packed into memory");
    }
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).and_then(|()| encoder.finish()).expect("memory can be packed into memory")
}
