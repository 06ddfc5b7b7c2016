//! Places in a text as the protocol counts them.
//!
//! A line of the protocol ends with a line feed, a carriage return, or both; a column counts UTF-16 units,
//! or bytes where the client agrees (LSP 3.17, “Position”). Knows no file.

use std::ops::Range;

use lsp_types::{Position, PositionEncodingKind, Range as LspRange};

/// What some editors begin a file with (Unicode §23.8).
pub(super) const BYTE_ORDER_MARK: char = '\u{feff}';

/// What a column counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// Bytes.
    Utf8,
    /// UTF-16 units, which every client knows.
    Utf16,
}

impl Encoding {
    /// Chooses bytes if the client offers them, as they need no counting.
    pub(super) fn choose(offered: &[PositionEncodingKind]) -> Self {
        if offered.contains(&PositionEncodingKind::UTF8) { Self::Utf8 } else { Self::Utf16 }
    }

    /// Returns the protocol's name of it.
    pub(super) fn kind(self) -> PositionEncodingKind {
        match self {
            Self::Utf8 => PositionEncodingKind::UTF8,
            Self::Utf16 => PositionEncodingKind::UTF16,
        }
    }

    fn width(self, character: char) -> usize {
        match self {
            Self::Utf8 => character.len_utf8(),
            Self::Utf16 => character.len_utf16(),
        }
    }
}

/// The lines of a text.
#[derive(Debug)]
pub(super) struct Lines<'text> {
    text: &'text str,
    starts: Vec<usize>,
    encoding: Encoding,
    /// Columns of the first line that a byte-order mark before the text takes.
    shift: u32,
}

impl<'text> Lines<'text> {
    pub(super) fn new(text: &'text str, encoding: Encoding) -> Self {
        let bytes = text.as_bytes();
        let is_end = |at: usize| {
            bytes[at] == b'\n' || (bytes[at] == b'\r' && bytes.get(at + 1).is_none_or(|next| *next != b'\n'))
        };
        let starts = (0..bytes.len()).filter(|&at| is_end(at)).map(|at| at + 1);
        Self { text, starts: std::iter::once(0).chain(starts).collect(), encoding, shift: 0 }
    }

    /// Counts in the text as an editor has it, whose byte-order mark is no part of `text`.
    pub(super) fn behind_mark(mut self, has_mark: bool) -> Self {
        self.shift = if has_mark { as_u32(self.encoding.width(BYTE_ORDER_MARK)) } else { 0 };
        self
    }

    /// Returns the position of a byte offset; of the text's end if it is behind it.
    pub(super) fn position(&self, offset: usize) -> Position {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self.starts.partition_point(|start| *start <= offset) - 1;
        let before = &self.text[self.starts[line]..offset];
        let column: usize = before.chars().map(|character| self.encoding.width(character)).sum();
        let shift = if line == 0 { self.shift } else { 0 };
        Position::new(as_u32(line), as_u32(column).saturating_add(shift))
    }

    /// Returns the range of a range of bytes.
    pub(super) fn range(&self, range: &Range<usize>) -> LspRange {
        LspRange::new(self.position(range.start), self.position(range.end))
    }

    /// Returns the byte offset of a position. A column behind the line's end means its end, a line behind the
    /// text's end the end of the text, and a column within a character the character's beginning.
    pub(super) fn offset(&self, position: Position) -> usize {
        let line = position.line as usize;
        let Some(&start) = self.starts.get(line) else { return self.text.len() };
        let end = self.starts.get(line + 1).copied().unwrap_or(self.text.len());
        let content = self.text[start..end].trim_end_matches(['\r', '\n']);
        let shift = if line == 0 { self.shift } else { 0 };
        let wanted = position.character.saturating_sub(shift) as usize;
        let mut column = 0;
        for (at, character) in content.char_indices() {
            column += self.encoding.width(character);
            if column > wanted {
                return start + at;
            }
        }
        start + content.len()
    }

    /// Returns the bytes between two positions; empty if they are in the wrong order.
    pub(super) fn bytes(&self, range: LspRange) -> Range<usize> {
        let start = self.offset(range.start);
        start..self.offset(range.end).max(start)
    }
}

fn as_u32(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "a: 标题\r\n\tb: 😀x\rc\n";

    #[test]
    fn columns_count_utf_16_units_or_bytes() {
        let at = |needle: &str| TEXT.find(needle).unwrap();
        for (needle, utf16, utf8) in
            [("题", (0, 4), (0, 6)), ("b", (1, 1), (1, 1)), ("x", (1, 6), (1, 8)), ("c", (2, 0), (2, 0))]
        {
            for (encoding, (line, column)) in [(Encoding::Utf16, utf16), (Encoding::Utf8, utf8)] {
                let lines = Lines::new(TEXT, encoding);
                let position = Position::new(line, column);
                assert_eq!(lines.position(at(needle)), position, "{needle} {encoding:?}");
                assert_eq!(lines.offset(position), at(needle), "{needle} {encoding:?}");
            }
        }
    }

    #[test]
    fn every_offset_survives_the_way_there_and_back() {
        for encoding in [Encoding::Utf8, Encoding::Utf16] {
            let lines = Lines::new(TEXT, encoding);
            for (offset, character) in TEXT.char_indices().filter(|(_, c)| !matches!(c, '\r' | '\n')) {
                assert_eq!(lines.offset(lines.position(offset)), offset, "{character:?} {encoding:?}");
            }
        }
    }

    #[test]
    fn a_byte_order_mark_takes_a_column_of_the_first_line() {
        for (encoding, width) in [(Encoding::Utf16, 1), (Encoding::Utf8, 3)] {
            let lines = Lines::new("ab\nc", encoding).behind_mark(true);
            assert_eq!(lines.position(1), Position::new(0, 1 + width));
            assert_eq!(lines.offset(Position::new(0, 1 + width)), 1);
            assert_eq!(lines.offset(Position::new(0, 0)), 0);
            assert_eq!(lines.position(3), Position::new(1, 0));
        }
    }

    #[test]
    fn positions_that_do_not_exist_are_the_nearest_that_do() {
        let lines = Lines::new(TEXT, Encoding::Utf16);
        assert_eq!(lines.offset(Position::new(0, 99)), TEXT.find('\r').unwrap());
        assert_eq!(lines.offset(Position::new(99, 0)), TEXT.len());
        assert_eq!(lines.offset(Position::new(1, 5)), TEXT.find('😀').unwrap(), "within a surrogate pair");
        assert_eq!(lines.offset(Position::new(u32::MAX, u32::MAX)), TEXT.len());
        assert_eq!(lines.position(usize::MAX), Position::new(3, 0));
        assert_eq!(lines.bytes(LspRange::new(Position::new(1, 0), Position::new(0, 0))).len(), 0);
    }
}
