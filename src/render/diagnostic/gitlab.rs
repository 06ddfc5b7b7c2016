//! GitLab's Code Quality reports.
//!
//! Format: <https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format>, read on 2026-12-01: a list of objects
//! with `description`, `check_name`, `fingerprint`, `severity` and `location`.

use serde::Serialize;

use crate::diagnostic::{Diagnostic, Place, Severity};
use crate::render::diagnostic::fingerprint::fingerprints;
use crate::render::diagnostic::told;
use crate::render::{escape, json};

#[derive(Serialize)]
struct Violation<'a> {
    description: String,
    check_name: &'a str,
    fingerprint: String,
    severity: &'static str,
    location: Location,
}

#[derive(Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: u64,
}

/// Renders all diagnostics as one report. A mistake that no file is to blame for stands at the beginning of `project_file`, since
/// the format has nothing without a place.
#[must_use]
pub fn gitlab(diagnostics: &[Diagnostic], project_file: &str) -> String {
    let violations = diagnostics.iter().zip(fingerprints(diagnostics)).map(|(diagnostic, fingerprint)| {
        let place = diagnostic.primary.as_ref().map(|label| &label.place);
        let path = place.map_or(project_file, Place::path);
        Violation {
            description: told(diagnostic).join("\n"),
            check_name: diagnostic.code.as_str(),
            fingerprint,
            severity: match diagnostic.severity {
                Severity::Error => "major",
                Severity::Warning => "minor",
            },
            location: Location {
                // “Without a `./` prefix.”
                path: escape::plain(path.strip_prefix("./").unwrap_or(path)),
                lines: Lines { begin: place.and_then(Place::line).unwrap_or(1) },
            },
        }
    });
    json::pretty(&violations.collect::<Vec<_>>())
}
