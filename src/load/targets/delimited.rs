//! One column of a CSV stream.
//!
//! The `csv` crate splits and unquotes. It is fed one line at a time, so that every record's line is known
//! for certain, and so that an unclosed quote cannot draw the rest of the file into memory.

use std::cell::Cell;
use std::fmt;
use std::io::{self, BufRead, Read};

use csv::{ByteRecord, Reader, ReaderBuilder};

use crate::domain::TargetId;
use crate::load::targets::lines::{Line, Lines};
use crate::load::targets::{BadLine, BadLineReason, LINE_BYTES_MAX, TargetFileError, text};

/// The records of a CSV file, and the place of the column in each.
pub(super) struct DelimitedLines<R: BufRead> {
    reader: Reader<LineFeeder<R>>,
    record: ByteRecord,
    column: usize,
    name: String,
}

impl<R: BufRead> fmt::Debug for DelimitedLines<R> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("DelimitedLines").field("column", &self.name).finish_non_exhaustive()
    }
}

impl<R: BufRead> DelimitedLines<R> {
    /// Reads the header and finds the column.
    pub(super) fn open(lines: Lines<R>, column: &str, shown_as: &str) -> Result<Self, TargetFileError> {
        let feeder = LineFeeder::new(lines);
        let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(feeder);
        let mut header = ByteRecord::new();
        let is_there = reader.read_byte_record(&mut header).map_err(|error| TargetFileError::Unreadable {
            shown_as: shown_as.to_owned(),
            source: error.into(),
        })?;
        if !is_there {
            return Err(TargetFileError::NoHeader { shown_as: shown_as.to_owned() });
        }
        let mut places = header.iter().enumerate().filter(|(_, name)| *name == column.as_bytes());
        match (places.next(), places.next()) {
            (Some((place, _)), None) => {
                Ok(Self { reader, record: ByteRecord::new(), column: place, name: column.to_owned() })
            }
            (Some(_), Some(_)) => {
                Err(TargetFileError::ColumnTwice { shown_as: shown_as.to_owned(), column: column.to_owned() })
            }
            (None, _) => Err(TargetFileError::NoColumn {
                shown_as: shown_as.to_owned(),
                column: column.to_owned(),
                columns: header.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect(),
            }),
        }
    }

    /// Reads the next record's id.
    pub(super) fn next_target(&mut self) -> Option<Result<(u64, TargetId), BadLine>> {
        self.reader.get_ref().begin_record();
        let read = self.reader.read_byte_record(&mut self.record);
        let feeder = self.reader.get_ref();
        let line = feeder.record_line.get();
        let target = match read {
            Ok(false) => return None,
            _ if feeder.is_too_long.get() => Err(BadLineReason::TooLong),
            _ if feeder.is_endless.get() => Err(BadLineReason::UnclosedQuote),
            // Every line is fed with its break, so only an open quote makes a record reach the end of the file.
            Ok(true) if feeder.is_at_end.get() => Err(BadLineReason::UnclosedQuote),
            Ok(true) => self.target(),
            Err(error) => Err(BadLineReason::Io(error.into())),
        };
        Some(target.map(|target| (line, target)).map_err(|why| BadLine { line, why }))
    }

    fn target(&self) -> Result<TargetId, BadLineReason> {
        let id = self.record.get(self.column).ok_or_else(|| BadLineReason::NoColumn(self.name.clone()))?;
        Ok(text(id)?.parse()?)
    }
}

/// A record that stands for a line too long to be fed: `csv` gives up for good on an error.
const STAND_IN: &[u8] = b"\"\"";

/// Hands out one line a read, each with a line feed at its end.
struct LineFeeder<R> {
    lines: Lines<R>,
    pending: Vec<u8>,
    handed_out: usize,
    /// The line on which the current record began; nothing was fed for it yet where `is_begun` is false.
    record_line: Cell<u64>,
    is_begun: Cell<bool>,
    record_bytes: Cell<usize>,
    is_at_end: Cell<bool>,
    /// Whether the current record is a stand-in for a line that is longer than any.
    is_too_long: Cell<bool>,
    /// Whether the current record went on, inside quotes, for longer than any.
    is_endless: Cell<bool>,
}

impl<R: BufRead> LineFeeder<R> {
    fn new(lines: Lines<R>) -> Self {
        Self {
            lines,
            pending: Vec::new(),
            handed_out: 0,
            record_line: Cell::new(1),
            is_begun: Cell::new(false),
            record_bytes: Cell::new(0),
            is_at_end: Cell::new(false),
            is_too_long: Cell::new(false),
            is_endless: Cell::new(false),
        }
    }

    /// Says that whatever is fed from now on belongs to a new record.
    fn begin_record(&self) {
        self.is_begun.set(false);
        self.record_bytes.set(0);
        self.is_too_long.set(false);
    }

    /// Takes the next line in, or says that there is none.
    fn fetch(&mut self) -> io::Result<bool> {
        self.pending.clear();
        self.handed_out = 0;
        let (bytes, is_too_long) = match self.lines.next_line()? {
            None => {
                self.is_at_end.set(true);
                return Ok(false);
            }
            Some(Line::Whole(line)) => {
                self.pending.extend_from_slice(line);
                (line.len(), false)
            }
            Some(Line::TooLong) => {
                self.pending.extend_from_slice(STAND_IN);
                (0, true)
            }
        };
        self.pending.push(b'\n');
        if !self.is_begun.replace(true) {
            self.record_line.set(self.lines.line());
            self.is_too_long.set(is_too_long);
        }
        self.record_bytes.set(self.record_bytes.get() + bytes);
        if self.record_bytes.get() > LINE_BYTES_MAX {
            self.is_endless.set(true);
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(true)
    }
}

impl<R: BufRead> Read for LineFeeder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.handed_out == self.pending.len() && !self.fetch()? {
            return Ok(0);
        }
        let rest = &self.pending[self.handed_out..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.handed_out += count;
        Ok(count)
    }
}
