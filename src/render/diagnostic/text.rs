//! As rustc prints them.

use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{Annotation, AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};
use anstream::adapter::strip_str;
use unicode_width::UnicodeWidthStr;

use crate::diagnostic::{Diagnostic, Label, Place, Severity, Source};
use crate::domain::without_secrets_of_addresses;
use crate::render::escape::{plain, plain_with_places};
use crate::render::text::wrapped_below;

/// How far from the first place in a file another one is still shown in the same cut of the source: a cut
/// is scanned whole, so that many reports on a large file would be slow without a bound.
const CUT_BYTES_MAX: usize = 64 * 1024;

/// Longest source text that is shown, folded or cut to the screen; of a longer one only the place is named.
const SHOWN_BYTES_MAX: usize = 32 * 1024;

/// Source lines are cut around the place at this width where there is no screen.
const PIPE_COLUMNS: usize = 140;

/// What the reader's screen is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Whether it shows ANSI colours.
    pub is_coloured: bool,
    /// Its width in columns, if it is a screen: longer source lines are cut around the place, and words go on below.
    pub columns: Option<usize>,
}

impl Look {
    /// A file or a pipe.
    pub const PLAIN: Self = Self { is_coloured: false, columns: None };
}

/// Renders one diagnostic: message, places with carets under the very characters, help. Ends with a line
/// feed. What a screen would not show of the source is written out.
#[must_use]
pub fn text(diagnostic: &Diagnostic, look: Look) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(plain(&diagnostic.message)).id(diagnostic.code.as_str());
    let group = Group::with_title(title).elements(elements(diagnostic));
    let renderer = if look.is_coloured { Renderer::styled() } else { Renderer::plain() };
    let report = renderer.term_width(look.columns.unwrap_or(PIPE_COLUMNS)).render(&[group]);
    let lines = report.lines().map(str::trim_end);
    lines.map(|line| wrapped(line, look.columns) + "\n").collect()
}

/// Breaks what is said between words, where it is wider than the screen. Source and carets stay where they are.
fn wrapped(line: &str, columns: Option<usize>) -> String {
    let bare = strip_str(line).to_string();
    let said = ["= help: ", "= note: "];
    let hanging = match said.iter().find_map(|word| bare.find(word).map(|at| (at, word.len()))) {
        Some((at, length)) if bare[..at].trim().is_empty() => at + length,
        _ if bare.starts_with("error") || bare.starts_with("warning") => 4,
        _ => return line.to_owned(),
    };
    match columns.filter(|columns| bare.width() > *columns) {
        Some(_) => wrapped_below(line, &" ".repeat(hanging), columns),
        None => line.to_owned(),
    }
}

fn elements(diagnostic: &Diagnostic) -> Vec<Element<'_>> {
    let mut elements = Vec::new();
    let mut notes: Vec<Element<'_>> = Vec::new();
    for cut in cuts(diagnostic) {
        elements.push(cut.snippet().into());
    }
    if let Some(Label { place, text }) = diagnostic.primary.as_ref().filter(|label| !is_shown(&label.place)) {
        elements.insert(0, origin(place).into());
        if !text.is_empty() {
            notes.push(Level::NOTE.message(plain(text)).into());
        }
    }
    for Label { place, text } in &diagnostic.related {
        if !is_shown(place) {
            let note = format!("{text}: {place}");
            notes.push(Level::NOTE.message(plain(&note)).into());
        }
    }
    elements.extend(notes);
    if let Some(help) = &diagnostic.help {
        elements.push(Level::HELP.message(plain(help)).into());
    }
    elements
}

/// Whether a place's source is shown, and not only named.
fn is_shown(place: &Place) -> bool {
    match place {
        Place::Span(span) => whole_lines(span.source.text(), &span.range).len() <= SHOWN_BYTES_MAX,
        Place::Line { .. } | Place::File { .. } => false,
    }
}

fn origin(place: &Place) -> Origin<'static> {
    let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let origin = Origin::path(plain(place.path()));
    match (place.line(), place.column()) {
        (Some(line), Some(column)) => origin.line(number(line)).char_column(number(column)),
        (Some(line), None) => origin.line(number(line)),
        (None, _) => origin,
    }
}

/// Whole lines of one file, with the places in them.
struct Cut<'diagnostic> {
    source: &'diagnostic Arc<Source>,
    lines: Range<usize>,
    labels: Vec<(AnnotationKind, Range<usize>, &'diagnostic str)>,
}

/// Gathers the places by file, in the order in which the diagnostic names them.
fn cuts(diagnostic: &Diagnostic) -> Vec<Cut<'_>> {
    let primary = diagnostic.primary.iter().map(|label| (AnnotationKind::Primary, label));
    let related = diagnostic.related.iter().map(|label| (AnnotationKind::Context, label));
    let mut cuts: Vec<Cut<'_>> = Vec::new();
    for (kind, Label { place, text }) in primary.chain(related) {
        let Place::Span(span) = place else { continue };
        if !is_shown(place) {
            continue;
        }
        let lines = whole_lines(span.source.text(), &span.range);
        let label = (kind, span.range.clone(), text.as_str());
        let near = cuts.iter_mut().find(|cut| cut.source == &span.source && cut.is_near(&lines));
        if let Some(cut) = near {
            cut.lines = cut.lines.start.min(lines.start)..cut.lines.end.max(lines.end);
            cut.labels.push(label);
        } else {
            cuts.push(Cut { source: &span.source, lines, labels: vec![label] });
        }
    }
    cuts
}

impl<'diagnostic> Cut<'diagnostic> {
    fn is_near(&self, lines: &Range<usize>) -> bool {
        lines.start.abs_diff(self.lines.start) <= CUT_BYTES_MAX
    }

    fn snippet(&self) -> Snippet<'diagnostic, Annotation<'diagnostic>> {
        let (line, _) = self.source.line_column(self.lines.start);
        let places = self.labels.iter().flat_map(|(_, range, _)| [range.start, range.end]);
        let mut places: Vec<usize> = places.map(|place| place - self.lines.start).collect();
        let source = without_secrets_of_addresses(&self.source.text()[self.lines.clone()]);
        let shown = plain_with_places(&source, &mut places);
        let annotations = self.labels.iter().zip(places.chunks(2)).map(|((kind, _, text), place)| {
            let annotation = kind.span(place[0]..place[1]);
            if text.is_empty() { annotation } else { annotation.label(plain(text)) }
        });
        Snippet::source(shown)
            .path(plain(self.source.path()))
            .line_start(usize::try_from(line).unwrap_or(usize::MAX))
            .annotations(annotations)
    }
}

/// Widens a range to whole lines, without the last one's break, be it one character or two.
fn whole_lines(text: &str, range: &Range<usize>) -> Range<usize> {
    let start = text[..range.start].rfind('\n').map_or(0, |at| at + 1);
    let end = text[range.end..].find('\n').map_or(text.len(), |at| range.end + at);
    start..range.end.max(start + text[start..end].trim_end_matches('\r').len())
}
