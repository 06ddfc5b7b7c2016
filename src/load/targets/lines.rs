//! Lines of a stream, bounded.

use std::io::{self, BufRead, Read};

use crate::load::targets::LINE_BYTES_MAX;

/// The UTF-8 byte-order mark.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads line by line into one buffer.
#[derive(Debug)]
pub(super) struct Lines<R> {
    reader: R,
    buffer: Vec<u8>,
    line: u64,
}

/// One line.
pub(super) enum Line<'buffer> {
    /// Its bytes without the line break; never empty.
    Whole(&'buffer [u8]),
    /// More bytes than a line may have; they were skipped.
    TooLong,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, buffer: Vec::new(), line: 0 }
    }

    /// Returns the number of the line that was read last, from 1.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// Reads the next line that is not empty.
    pub(super) fn next_line(&mut self) -> io::Result<Option<Line<'_>>> {
        loop {
            self.buffer.clear();
            let read =
                (&mut self.reader).take(LINE_BYTES_MAX as u64 + 2).read_until(b'\n', &mut self.buffer)?;
            if read == 0 {
                return Ok(None);
            }
            self.line += 1;
            let is_ended = self.buffer.ends_with(b"\n");
            let start = if self.line == 1 && self.buffer.starts_with(BYTE_ORDER_MARK) {
                BYTE_ORDER_MARK.len()
            } else {
                0
            };
            let end = start + without_break(&self.buffer[start..]).len();
            if end - start > LINE_BYTES_MAX {
                if !is_ended {
                    self.reader.skip_until(b'\n')?;
                }
                return Ok(Some(Line::TooLong));
            }
            if start < end {
                return Ok(Some(Line::Whole(&self.buffer[start..end])));
            }
        }
    }
}

/// Returns a line without its `\n` or `\r\n`.
fn without_break(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}
