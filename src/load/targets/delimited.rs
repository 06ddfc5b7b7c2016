//! A few columns of a CSV stream.
//!
//! The `csv` crate splits and unquotes. It is fed one line at a time, so that every record's line is known
//! for certain, and so that an unclosed quote cannot draw the rest of the file into memory.

use std::cell::Cell;
use std::fmt;
use std::io::{self, BufRead, Read};

use csv::{ByteRecord, Reader, ReaderBuilder};

use crate::domain::{RowValues, TargetIdRef, TargetRow};
use crate::load::targets::lines::{Line, Lines};
use crate::load::targets::{BadLine, BadLineReason, LINE_BYTES_MAX, TargetFileError, text};

/// The records of a CSV file, and the places of the columns in each.
pub(super) struct DelimitedLines<R: BufRead> {
    reader: Reader<LineFeeder<R>>,
    record: ByteRecord,
    id: Column,
    value_columns: Vec<Column>,
    values: RowValues,
}

/// A column by its name and its place.
struct Column {
    name: String,
    place: usize,
}

impl Column {
    /// Finds a column in the header.
    fn find(header: &ByteRecord, name: &str, shown_as: &str) -> Result<Self, TargetFileError> {
        let mut places = header.iter().enumerate().filter(|(_, found)| *found == name.as_bytes());
        match (places.next(), places.next()) {
            (Some((place, _)), None) => Ok(Self { name: name.to_owned(), place }),
            (Some(_), Some(_)) => {
                Err(TargetFileError::ColumnTwice { shown_as: shown_as.to_owned(), column: name.to_owned() })
            }
            (None, _) => Err(TargetFileError::NoColumn {
                shown_as: shown_as.to_owned(),
                column: name.to_owned(),
                columns: header.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect(),
            }),
        }
    }

    /// Returns what a record has in the column.
    fn of<'record>(&self, record: &'record ByteRecord) -> Result<&'record str, BadLineReason> {
        text(record.get(self.place).ok_or_else(|| BadLineReason::NoColumn(self.name.clone()))?)
    }
}

impl<R: BufRead> fmt::Debug for DelimitedLines<R> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("DelimitedLines").field("column", &self.id.name).finish_non_exhaustive()
    }
}

impl<R: BufRead> DelimitedLines<R> {
    /// Reads the header and finds the columns.
    pub(super) fn open(
        lines: Lines<R>,
        (column, value_columns): (&str, &[String]),
        shown_as: &str,
    ) -> Result<Self, TargetFileError> {
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
        let id = Column::find(&header, column, shown_as)?;
        let find = |name: &String| Column::find(&header, name, shown_as);
        let value_columns = value_columns.iter().map(find).collect::<Result<_, _>>()?;
        let values = RowValues::default();
        Ok(Self { reader, record: ByteRecord::new(), id, value_columns, values })
    }

    /// Reads the next record.
    pub(super) fn next_row(&mut self) -> Option<Result<TargetRow<'_>, BadLine>> {
        self.reader.get_ref().begin_record();
        let read = self.reader.read_byte_record(&mut self.record);
        let feeder = self.reader.get_ref();
        let line = feeder.record_line.get();
        let sound = match read {
            Ok(false) => return None,
            _ if feeder.is_too_long.get() => Err(BadLineReason::TooLong),
            _ if feeder.is_endless.get() => Err(BadLineReason::UnclosedQuote),
            // Every line is fed with its break, so only an open quote makes a record reach the end of the file.
            Ok(true) if feeder.is_at_end.get() => Err(BadLineReason::UnclosedQuote),
            Ok(true) => Ok(()),
            Err(error) => Err(BadLineReason::Io(error.into())),
        };
        let id = sound.and_then(|()| self.take_values()).and_then(|()| self.id());
        Some(match id {
            Ok(id) => Ok(TargetRow { line, id, values: &self.values }),
            Err(why) => Err(BadLine { line, why }),
        })
    }

    fn id(&self) -> Result<TargetIdRef<'_>, BadLineReason> {
        Ok(TargetIdRef::new(self.id.of(&self.record)?)?)
    }

    fn take_values(&mut self) -> Result<(), BadLineReason> {
        self.values.clear();
        for column in &self.value_columns {
            match column.of(&self.record)? {
                "" => return Err(BadLineReason::NoValue(column.name.clone())),
                value => self.values.push(value),
            }
        }
        Ok(())
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
        let (line, bytes, is_too_long) = match self.lines.next_line().map_err(|(_, error)| error)? {
            None => {
                self.is_at_end.set(true);
                return Ok(false);
            }
            Some((line, Line::Whole(bytes))) => {
                self.pending.extend_from_slice(bytes);
                (line, bytes.len(), false)
            }
            Some((line, Line::TooLong)) => {
                self.pending.extend_from_slice(STAND_IN);
                (line, 0, true)
            }
        };
        self.pending.push(b'\n');
        if !self.is_begun.replace(true) {
            self.record_line.set(line);
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
