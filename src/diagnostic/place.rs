//! Places in files.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// A text file that was read: its path as a person would type it, and its text.
#[derive(Debug)]
pub struct Source {
    path: String,
    text: String,
    /// Looked for when first asked: most files have nothing to say of them.
    line_starts: OnceLock<Vec<usize>>,
}

impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        self.path == other.path && self.text == other.text
    }
}

impl Eq for Source {}

impl Source {
    /// Takes a file's path, as it shall be shown, and its text.
    #[must_use]
    pub fn new(path: String, text: String) -> Arc<Self> {
        Arc::new(Self { path, text, line_starts: OnceLock::new() })
    }

    /// Returns the path as it shall be shown.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the whole text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the line of a byte offset, from 1. Does not look at the text, however long the line is.
    #[must_use]
    pub fn line(&self, offset: usize) -> u64 {
        self.line_starts().partition_point(|start| *start <= offset) as u64
    }

    /// Returns line and column of a byte offset, both from 1; columns count characters.
    #[must_use]
    pub fn line_column(&self, offset: usize) -> (u64, u64) {
        let line_starts = self.line_starts();
        let line = line_starts.partition_point(|start| *start <= offset);
        let start = line_starts[line - 1];
        let before = self.text.get(start..offset).unwrap_or_default();
        (line as u64, before.chars().count() as u64 + 1)
    }

    fn line_starts(&self) -> &[usize] {
        self.line_starts.get_or_init(|| {
            let bytes = self.text.bytes().enumerate();
            let after_breaks = bytes.filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
            std::iter::once(0).chain(after_breaks).collect()
        })
    }
}

/// A byte range of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The file.
    pub source: Arc<Source>,
    /// Bytes of its text, on character boundaries.
    pub range: Range<usize>,
}

/// Where something is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A piece of a text that was read whole.
    Span(Span),
    /// A line, from 1, of a file that is only streamed.
    Line {
        /// The path as it shall be shown.
        path: String,
        /// The line, from 1.
        line: u64,
    },
    /// A file or directory as such.
    File {
        /// The path as it shall be shown.
        path: String,
    },
}

impl Place {
    /// Names a piece of a file.
    #[must_use]
    pub fn span(source: &Arc<Source>, range: Range<usize>) -> Self {
        Self::Span(Span { source: Arc::clone(source), range })
    }

    /// Names a file or directory as such.
    #[must_use]
    pub fn file(path: impl Into<String>) -> Self {
        Self::File { path: path.into() }
    }

    /// Whether another piece of a file is a part of this one.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        let (Self::Span(this), Self::Span(other)) = (self, other) else { return false };
        let Range { start, end } = other.range;
        this.source == other.source && this.range.start <= start && end <= this.range.end
    }

    /// Returns the file's path as it shall be shown.
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Self::Span(span) => span.source.path(),
            Self::Line { path, .. } | Self::File { path } => path,
        }
    }

    /// Returns the line, from 1, where it is known.
    #[must_use]
    pub fn line(&self) -> Option<u64> {
        match self {
            Self::Span(span) => Some(span.source.line(span.range.start)),
            Self::Line { line, .. } => Some(*line),
            Self::File { .. } => None,
        }
    }

    /// Returns the same as [`Place::line`], for a file of which one line is asked for: counts, and remembers nothing.
    #[must_use]
    pub fn line_once(&self) -> Option<u64> {
        let Self::Span(span) = self else { return self.line() };
        let before = span.source.text().as_bytes().get(..span.range.start)?;
        // Each piece is counted in a byte, which is many bytes at a time.
        let breaks = |piece: &[u8]| piece.iter().map(|byte| u8::from(*byte == b'\n')).sum::<u8>();
        Some(before.chunks(usize::from(u8::MAX)).map(|piece| u64::from(breaks(piece))).sum::<u64>() + 1)
    }

    /// Returns the column in characters, from 1, where it is known.
    #[must_use]
    pub fn column(&self) -> Option<u64> {
        match self {
            Self::Span(span) => Some(span.source.line_column(span.range.start).1),
            Self::Line { .. } | Self::File { .. } => None,
        }
    }

    pub(super) fn order_key(&self) -> (&str, u64, usize) {
        match self {
            Self::Span(span) => (self.path(), self.line().unwrap_or(0), span.range.start),
            Self::Line { line, .. } => (self.path(), *line, 0),
            Self::File { .. } => (self.path(), 0, 0),
        }
    }
}

impl std::fmt::Display for Place {
    /// Writes `file`, `file:line` or `file:line:column`.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.path())?;
        if let Some(line) = self.line() {
            write!(formatter, ":{line}")?;
        }
        if let Some(column) = self.column() {
            write!(formatter, ":{column}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_lines_count_from_one() {
        let source = Source::new("a.yaml".into(), "a: 1\n标题: 您好\n".into());
        let range = |needle: &str| {
            let start = source.text().find(needle).unwrap();
            start..start + needle.len()
        };
        assert_eq!(Place::span(&source, range("a: 1")).to_string(), "a.yaml:1:1");
        assert_eq!(Place::span(&source, range("您好")).to_string(), "a.yaml:2:5");
        for needle in ["a: 1", "1\n", "\n", "标", "好"] {
            let place = Place::span(&source, range(needle));
            assert_eq!(place.line_once(), place.line(), "{needle:?}");
        }
        assert_eq!(Place::Line { path: "ids.csv".into(), line: 7 }.to_string(), "ids.csv:7");
    }
}
