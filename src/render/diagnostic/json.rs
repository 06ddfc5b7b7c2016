//! One JSON object a line, for machines.

use serde::Serialize;

use crate::diagnostic::{Diagnostic, Label, Place};
use crate::render::diagnostic::{Look, text};
use crate::render::escape;

/// One diagnostic. Lines and columns count from 1, columns in characters; the end is exclusive.
#[derive(Serialize)]
struct DiagnosticLine<'diagnostic> {
    level: &'static str,
    code: &'static str,
    message: &'diagnostic str,
    #[serde(flatten)]
    place: PlaceFields<'diagnostic>,
    label: Option<&'diagnostic str>,
    help: Option<&'diagnostic str>,
    related: Vec<RelatedPlace<'diagnostic>>,
    /// As text for people.
    rendered: String,
}

#[derive(Default, Serialize)]
struct PlaceFields<'diagnostic> {
    file: Option<&'diagnostic str>,
    line: Option<u64>,
    column: Option<u64>,
    end_line: Option<u64>,
    end_column: Option<u64>,
}

#[derive(Serialize)]
struct RelatedPlace<'diagnostic> {
    #[serde(flatten)]
    place: PlaceFields<'diagnostic>,
    label: Option<&'diagnostic str>,
}

/// Renders one diagnostic as one line of JSON, without a line feed. The keys and their order are fixed; what
/// is not known is `null`.
#[must_use]
pub fn json(diagnostic: &Diagnostic) -> String {
    let primary = diagnostic.primary.as_ref();
    let line = DiagnosticLine {
        level: diagnostic.severity.as_str(),
        code: diagnostic.code.as_str(),
        message: &diagnostic.message,
        place: primary.map(|label| PlaceFields::of(&label.place)).unwrap_or_default(),
        label: primary.and_then(label_text),
        help: diagnostic.help.as_deref(),
        related: diagnostic.related.iter().map(RelatedPlace::of).collect(),
        rendered: text(diagnostic, Look::PLAIN),
    };
    line.to_json()
}

impl DiagnosticLine<'_> {
    fn to_json(&self) -> String {
        let json = serde_json::to_string(self).expect("texts and numbers are always JSON");
        escape::json(&json).into_owned()
    }
}

impl<'diagnostic> PlaceFields<'diagnostic> {
    fn of(place: &'diagnostic Place) -> Self {
        let end = match place {
            Place::Span(span) => Some(span.source.line_column(span.range.end)),
            Place::Line { .. } | Place::File { .. } => None,
        };
        Self {
            file: Some(place.path()),
            line: place.line(),
            column: place.column(),
            end_line: end.map(|(line, _)| line),
            end_column: end.map(|(_, column)| column),
        }
    }
}

impl<'diagnostic> RelatedPlace<'diagnostic> {
    fn of(label: &'diagnostic Label) -> Self {
        Self { place: PlaceFields::of(&label.place), label: label_text(label) }
    }
}

fn label_text(label: &Label) -> Option<&str> {
    Some(label.text.as_str()).filter(|text| !text.is_empty())
}
