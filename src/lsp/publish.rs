//! Diagnostics in the protocol's form.

use std::collections::BTreeMap;
use std::path::PathBuf;

use lsp_types::{
    Diagnostic as LspDiagnostic, DiagnosticRelatedInformation, DiagnosticSeverity, Location, NumberOrString,
    Position, Range,
};

use crate::diagnostic::{Diagnostic, Place, Severity};
use crate::load::PROJECT_FILE;
use crate::lsp::analysis::Analysis;
use crate::lsp::buffers::{Buffer, Buffers, uri_of};
use crate::lsp::position::{Encoding, Lines};
use crate::render::text::plain;

/// What diagnostics are shown with as their origin.
const SOURCE: &str = "campaignctl";

/// Returns the diagnostics of each file that has any, by path. What no file is to blame for is the project
/// file's, and so is what is said of a directory.
pub(super) fn by_file(
    analysis: &Analysis,
    buffers: &Buffers,
    encoding: Encoding,
) -> BTreeMap<PathBuf, Vec<LspDiagnostic>> {
    let mut places = Places { analysis, buffers, encoding, lines: BTreeMap::new() };
    let mut files: BTreeMap<PathBuf, Vec<LspDiagnostic>> = BTreeMap::new();
    for diagnostic in &analysis.diagnostics {
        let (path, range) = match &diagnostic.primary {
            Some(label) => places.find(&label.place),
            None => (analysis.reader.directory().join(PROJECT_FILE), Range::default()),
        };
        files.entry(path).or_default().push(places.translate(diagnostic, range));
    }
    files
}

struct Places<'a> {
    analysis: &'a Analysis,
    buffers: &'a Buffers,
    encoding: Encoding,
    /// The lines of the texts that were asked for, by path as shown: counting them takes a look at all of it.
    lines: BTreeMap<&'a str, Lines<'a>>,
}

impl<'a> Places<'a> {
    fn translate(&mut self, diagnostic: &'a Diagnostic, range: Range) -> LspDiagnostic {
        let mut message = plain(&diagnostic.message);
        if let Some(help) = &diagnostic.help {
            message = format!("{message}\nhelp: {}", plain(help));
        }
        let severity = match diagnostic.severity {
            Severity::Error => DiagnosticSeverity::ERROR,
            Severity::Warning => DiagnosticSeverity::WARNING,
        };
        let related: Vec<_> = diagnostic
            .related
            .iter()
            .filter_map(|label| {
                let (path, range) = self.find(&label.place);
                let location = Location { uri: uri_of(self.buffers, &path)?, range };
                Some(DiagnosticRelatedInformation { location, message: plain(&label.text) })
            })
            .collect();
        LspDiagnostic {
            range,
            severity: Some(severity),
            code: Some(NumberOrString::String(diagnostic.code.as_str().to_owned())),
            source: Some(SOURCE.to_owned()),
            message,
            related_information: (!related.is_empty()).then_some(related),
            ..LspDiagnostic::default()
        }
    }

    fn find(&mut self, place: &'a Place) -> (PathBuf, Range) {
        let path = self.analysis.path(place.path());
        match place {
            Place::Span(span) => {
                let has_mark = self.buffers.get(&path).is_some_and(Buffer::has_mark);
                let lines = self
                    .lines
                    .entry(span.source.path())
                    .or_insert_with(|| Lines::new(span.source.text(), self.encoding).behind_mark(has_mark));
                (path, lines.range(&span.range))
            }
            Place::Line { line, .. } => {
                let line = u32::try_from(line.saturating_sub(1)).unwrap_or(u32::MAX - 1);
                (path, Range::new(Position::new(line, 0), Position::new(line + 1, 0)))
            }
            Place::File { .. } if path == self.analysis.reader.directory() => {
                (path.join(PROJECT_FILE), Range::default())
            }
            Place::File { .. } => (path, Range::default()),
        }
    }
}
