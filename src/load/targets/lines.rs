//! Lines of a stream, bounded.

use std::io::{self, Read};
use std::ops::Range;

use memchr::memchr;

use crate::load::targets::{BadLine, BadLineReason, TooLarge};

/// The UTF-8 byte-order mark.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Bytes of a system call: thousands of ids, and still within a processor's second cache.
const READ_BYTES: usize = 128 * 1024;

/// Finds line after line in one buffer, which the longest line bounds.
#[derive(Debug)]
pub(super) struct Lines<R> {
    reader: R,
    line_bytes_max: usize,
    buffer: Vec<u8>,
    /// What was read and belongs to no line yet.
    unread: Range<usize>,
    /// The line that was found last, without its break.
    current: Range<usize>,
    line: u64,
    is_at_end: bool,
    /// What went wrong while somebody looked ahead; told to the one who reads that far.
    failed: Option<io::Error>,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A line that is not empty.
    Whole,
    /// More bytes than a line may have; nothing is read after it.
    TooLong,
    /// Nothing: that was the last one.
    End,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(reader: R, line_bytes_max: usize) -> Self {
        Self {
            reader,
            line_bytes_max,
            buffer: Vec::new(),
            unread: 0..0,
            current: 0..0,
            line: 0,
            is_at_end: false,
            failed: None,
        }
    }

    /// Returns up to so many of the first bytes, before any line was found. What cannot be read is told later.
    pub(super) fn first(&mut self, bytes: usize) -> &[u8] {
        while self.unread.len() < bytes && !self.is_at_end && self.failed.is_none() {
            self.failed = self.fill().err();
        }
        &self.buffer[..self.unread.end.min(bytes)]
    }

    /// Returns the number of the line that was found last, from 1.
    #[inline]
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// Returns how long a line may be.
    pub(super) fn line_bytes_max(&self) -> usize {
        self.line_bytes_max
    }

    /// Says that the line that was found last is longer.
    #[cold]
    pub(super) fn too_long(&self) -> BadLine {
        BadLine { line: self.line, why: BadLineReason::TooLarge(TooLarge::Line(self.line_bytes_max)) }
    }

    /// Says that an error broke off the reading; where it is a limit, within the next line.
    #[cold]
    pub(super) fn broken(&self, error: io::Error) -> BadLine {
        match TooLarge::of(&error) {
            Some(too_large) => BadLine { line: self.line + 1, why: BadLineReason::TooLarge(too_large) },
            None => BadLine { line: self.line, why: BadLineReason::Io(error) },
        }
    }

    /// Returns what the lines come from.
    #[cfg(test)]
    pub(super) fn reader(&self) -> &R {
        &self.reader
    }

    /// Returns the line that was found last, without its break.
    #[inline]
    pub(super) fn current(&self) -> &[u8] {
        &self.buffer[self.current.clone()]
    }

    /// Finds the next line that is not empty.
    #[inline]
    pub(super) fn advance(&mut self) -> io::Result<Line> {
        loop {
            let start = self.unread.start;
            let end = match memchr(b'\n', &self.buffer[self.unread.clone()]) {
                Some(length) => {
                    self.unread.start += length + 1;
                    start + length
                }
                None if self.unread.len() > self.line_bytes_max + BYTE_ORDER_MARK.len() + 1 => {
                    self.line += 1;
                    return Ok(Line::TooLong);
                }
                None if !self.is_at_end => {
                    self.fill()?;
                    continue;
                }
                None if self.unread.is_empty() => return Ok(Line::End),
                None => {
                    self.unread.start = self.unread.end;
                    self.unread.end
                }
            };
            self.line += 1;
            self.current = self.without_edges(start..end);
            if self.current.len() > self.line_bytes_max {
                return Ok(Line::TooLong);
            }
            if !self.current.is_empty() {
                return Ok(Line::Whole);
            }
        }
    }

    /// Takes the byte-order mark and the carriage return off a line.
    #[inline]
    fn without_edges(&self, mut line: Range<usize>) -> Range<usize> {
        if self.line == 1 && self.buffer[line.clone()].starts_with(BYTE_ORDER_MARK) {
            line.start += BYTE_ORDER_MARK.len();
        }
        if self.buffer[line.clone()].ends_with(b"\r") {
            line.end -= 1;
        }
        line
    }

    /// Reads on.
    #[cold]
    fn fill(&mut self) -> io::Result<()> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        self.buffer.copy_within(self.unread.clone(), 0);
        self.unread = 0..self.unread.len();
        let room = self.unread.end + READ_BYTES;
        if self.buffer.len() < room {
            self.buffer.reserve_exact(room - self.buffer.len());
            self.buffer.resize(room, 0);
        }
        let read = loop {
            match self.reader.read(&mut self.buffer[self.unread.end..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        self.is_at_end = read == 0;
        self.unread.end += read;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE_BYTES_MAX: usize = 256 * 1024;

    /// Gives a few bytes at a time.
    struct Drips<'text>(&'text [u8], usize);

    impl Read for Drips<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(self.0.len()).min(buffer.len());
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn lines(text: &[u8], at_a_time: usize) -> Vec<(u64, Option<usize>, u8)> {
        let mut lines = Lines::new(Drips(text, at_a_time), LINE_BYTES_MAX);
        let mut found = Vec::new();
        loop {
            match lines.advance().unwrap() {
                Line::Whole => {
                    let line = lines.current();
                    found.push((lines.line(), Some(line.len()), line[line.len() - 1]));
                }
                Line::TooLong => {
                    found.push((lines.line(), None, 0));
                    return found;
                }
                Line::End => return found,
            }
        }
    }

    #[test]
    fn however_the_bytes_come_the_lines_are_the_same() {
        let text = b"\xef\xbb\xbfab\r\n\n\r\nc\rd\n\n\xef\xbb\xbfe\r";
        let expected = [(1, Some(2), b'b'), (4, Some(3), b'd'), (6, Some(4), b'e')];
        for at_a_time in 1..=text.len() {
            assert_eq!(lines(text, at_a_time), expected, "{at_a_time}");
        }
    }

    #[test]
    fn a_line_has_so_many_bytes_and_not_one_more() {
        for (extra, expected) in [(0, Some(LINE_BYTES_MAX)), (1, None), (3 * LINE_BYTES_MAX, None)] {
            for end in ["\r\n", "\n", ""] {
                let text = ["\u{feff}", &"x".repeat(LINE_BYTES_MAX + extra), end].concat();
                let last = if expected.is_some() { b'x' } else { 0 };
                assert_eq!(lines(text.as_bytes(), 50_000), [(1, expected, last)], "{extra} {end:?}");
                let more = [text.as_bytes(), if end.is_empty() { b"\n" } else { b"" }, b"y"].concat();
                let rest = if expected.is_some() { &[(2, Some(1), b'y')][..] } else { &[] };
                assert_eq!(lines(&more, 1 << 20), [&[(1, expected, last)], rest].concat(), "{extra} {end:?}");
            }
        }
    }

    #[test]
    fn memory_is_that_of_the_longest_line() {
        let text = format!("{}\n{}", "x".repeat(LINE_BYTES_MAX), "y\n".repeat(1_000_000));
        let mut lines = Lines::new(text.as_bytes(), LINE_BYTES_MAX);
        while lines.advance().unwrap() != Line::End {}
        assert!(lines.buffer.capacity() <= LINE_BYTES_MAX + 2 * READ_BYTES, "{}", lines.buffer.capacity());
    }
}
