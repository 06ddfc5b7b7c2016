//! Annotations of GitHub workflow runs.
//!
//! Syntax and escapes: “Workflow commands for GitHub Actions”, and `escapeData` and `escapeProperty` of the
//! `@actions/core` package.

use crate::diagnostic::{Diagnostic, Place};
use crate::render::diagnostic::told;
use crate::render::escape::plain;

/// Renders one diagnostic as one workflow command, without a line feed. Columns are given only where the
/// place ends on the line it begins on, as the page asks.
#[must_use]
pub fn github(diagnostic: &Diagnostic) -> String {
    let mut properties: Vec<(&str, String)> = Vec::new();
    if let Some(label) = &diagnostic.primary {
        properties.push(("file", plain(label.place.path())));
        properties.extend(place_properties(&label.place));
    }
    properties.push(("title", diagnostic.code.as_str().to_owned()));
    let properties: Vec<String> =
        properties.into_iter().map(|(name, value)| format!("{name}={}", escape_property(&value))).collect();
    format!(
        "::{} {}::{}",
        diagnostic.severity.as_str(),
        properties.join(","),
        escape_message(&told(diagnostic).join("\n"))
    )
}

fn place_properties(place: &Place) -> Vec<(&'static str, String)> {
    let Some(line) = place.line() else { return Vec::new() };
    let mut properties = vec![("line", line.to_string())];
    if let Place::Span(span) = place {
        let (end_line, end_column) = span.source.line_column(span.range.end);
        properties.push(("endLine", end_line.to_string()));
        if end_line == line {
            properties.extend(place.column().map(|column| ("col", column.to_string())));
            properties.push(("endColumn", end_column.to_string()));
        }
    }
    properties
}

fn escape_message(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn escape_property(text: &str) -> String {
    escape_message(text).replace(':', "%3A").replace(',', "%2C")
}
