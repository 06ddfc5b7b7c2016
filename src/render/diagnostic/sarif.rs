//! SARIF 2.1.0, which code scanning and editors read.
//!
//! Format: <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>. Columns count UTF-16 units, as its readers do
//! where a log does not say, and as this one says. The crate `serde-sarif` builds the same from generated types; for the few
//! objects here it would bring a generator along.

use std::collections::BTreeSet;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use crate::diagnostic::{Code, Diagnostic, Label, Place, Source};
use crate::render::diagnostic::fingerprint::fingerprints;
use crate::render::diagnostic::told;
use crate::render::json::pretty;

/// The characters of a path that stand for themselves (RFC 3986, `unreserved`), and what divides it. A colon does not: before the
/// first slash it would end a scheme.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');

/// What relative addresses are relative to.
const ROOT: &str = "%SRCROOT%";

/// Renders all diagnostics as one log.
#[must_use]
pub fn sarif(diagnostics: &[Diagnostic]) -> String {
    let codes: BTreeSet<Code> = diagnostics.iter().map(|diagnostic| diagnostic.code).collect();
    let codes: Vec<Code> = codes.into_iter().collect();
    let results = diagnostics.iter().zip(fingerprints(diagnostics));
    let results: Vec<Value> =
        results.map(|(diagnostic, fingerprint)| result(diagnostic, &codes, &fingerprint)).collect();
    pretty(&json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "campaignctl",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": codes.iter().copied().map(rule).collect::<Vec<_>>(),
            } },
            "originalUriBaseIds": { ROOT: { "description": { "text": "where the command was run" } } },
            "columnKind": "utf16CodeUnits",
            "results": results,
        }],
    }))
}

fn rule(code: Code) -> Value {
    json!({
        "id": code.as_str(),
        "shortDescription": { "text": code.summary() },
        "help": { "text": code.page(), "markdown": code.page() },
    })
}

fn result(diagnostic: &Diagnostic, codes: &[Code], fingerprint: &str) -> Value {
    let mut result = json!({
        "ruleId": diagnostic.code.as_str(),
        "ruleIndex": codes.binary_search(&diagnostic.code).expect("the codes are those of the diagnostics"),
        "level": diagnostic.severity.as_str(),
        "message": { "text": told(diagnostic).join("\n") },
        "partialFingerprints": { "campaignctl/v1": fingerprint },
    });
    if let Some(primary) = &diagnostic.primary {
        result["locations"] = json!([{ "physicalLocation": physical(&primary.place) }]);
    }
    if !diagnostic.related.is_empty() {
        result["relatedLocations"] = diagnostic.related.iter().map(related).collect();
    }
    result
}

fn related(label: &Label) -> Value {
    let mut location = json!({ "physicalLocation": physical(&label.place) });
    if !label.text.is_empty() {
        location["message"] = json!({ "text": crate::render::escape::plain(&label.text) });
    }
    location
}

fn physical(place: &Place) -> Value {
    let mut physical = Map::new();
    physical.insert("artifactLocation".to_owned(), artifact(place.path()));
    if let Some(region) = region(place) {
        physical.insert("region".to_owned(), region);
    }
    Value::Object(physical)
}

fn artifact(path: &str) -> Value {
    let uri = utf8_percent_encode(path.strip_prefix("./").unwrap_or(path), PATH).to_string();
    if path.starts_with('/') {
        json!({ "uri": format!("file://{uri}") })
    } else {
        json!({ "uri": uri, "uriBaseId": ROOT })
    }
}

fn region(place: &Place) -> Option<Value> {
    match place {
        Place::Span(span) => {
            let [(line, column), (end_line, end_column)] =
                [span.range.start, span.range.end].map(|at| line_column(&span.source, at));
            Some(json!({
                "startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column,
            }))
        }
        Place::Line { line, .. } => Some(json!({ "startLine": line })),
        Place::File { .. } => None,
    }
}

/// Returns line and column of a byte offset, both from 1; columns count UTF-16 units.
fn line_column(source: &Source, offset: usize) -> (u64, u64) {
    let before = &source.text()[..offset];
    let line = &before[before.rfind('\n').map_or(0, |at| at + 1)..];
    (source.line(offset), line.encode_utf16().count() as u64 + 1)
}
