//! The two texts of a template, and where a text stands in its file.

use crate::check::text_limits::TEXT_BYTES_MAX;
use crate::diagnostic::Place;
use crate::load::model::TemplateSyntax;

/// The two texts of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Texts<'a> {
    pub(super) title: &'a str,
    pub(super) body: &'a str,
}

impl<'a> Texts<'a> {
    pub(super) fn of(syntax: &'a TemplateSyntax) -> Self {
        Self { title: &syntax.title, body: &syntax.body }
    }

    /// Returns each text behind its key.
    pub(super) fn by_key(self) -> [(&'static str, &'a str); 2] {
        [("title", self.title), ("body", self.body)]
    }

    /// Whether they are far beyond what any channel takes, before they are filled.
    pub(super) fn are_endless(self) -> bool {
        self.by_key().iter().any(|(_, text)| text.len() > TEXT_BYTES_MAX)
    }
}

/// Returns where a scalar's text begins in its file, if the file writes it as the value has it: on one line and
/// without escapes.
pub(super) fn written_as_meant(scalar: &Place, value: &str) -> Option<usize> {
    let Place::Span(span) = scalar else { return None };
    Some(span.range.start + span.source.text()[span.range.clone()].find(value)?)
}
