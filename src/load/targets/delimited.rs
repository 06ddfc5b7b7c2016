//! A few columns of a CSV stream.
//!
//! A line without a quote is cut at its commas. Everything else goes to the `csv-core` crate, which unquotes. It is
//! fed one line at a time, so that every record's line is known for certain, and so that an unclosed quote cannot draw
//! the rest of the file into memory.

use std::fmt;
use std::io::Read;

use csv_core::{ReadRecordResult, Reader};
use memchr::{memchr_iter, memchr2};

use crate::domain::{RowValues, TargetIdRef, TargetRow};
use crate::load::targets::lines::{Line, Lines};
use crate::load::targets::{BadLine, BadLineReason, LINE_BYTES_MAX, TargetFileError, text};

/// The records of a CSV file, and the places of the columns in each.
pub(super) struct DelimitedLines<R> {
    lines: Lines<R>,
    quoted: Quoted,
    /// Ends of the fields of a line that has no quotes, as far as they are needed.
    ends: Vec<usize>,
    columns: Columns,
    values: RowValues,
}

/// Which columns are read.
struct Columns {
    id: Column,
    values: Vec<Column>,
    /// The last of their places.
    last: usize,
}

/// A column by its name and its place.
struct Column {
    name: String,
    place: usize,
}

/// A record, cut into fields.
#[derive(Clone, Copy)]
struct Fields<'record> {
    bytes: &'record [u8],
    ends: &'record [usize],
    /// Bytes between a field's end and the next one's start.
    gap: usize,
}

impl<'record> Fields<'record> {
    #[inline]
    fn get(self, place: usize) -> Option<&'record [u8]> {
        let end = *self.ends.get(place)?;
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before] + self.gap);
        Some(&self.bytes[start..end])
    }
}

impl Columns {
    /// Finds the columns in the header.
    fn find(
        header: Fields<'_>,
        (id, values): (&str, &[String]),
        shown_as: &str,
    ) -> Result<Self, TargetFileError> {
        let id = Column::find(header, id, shown_as)?;
        let values = values.iter().map(|name| Column::find(header, name, shown_as));
        let values = values.collect::<Result<Vec<_>, _>>()?;
        let last = values.iter().map(|column| column.place).fold(id.place, usize::max);
        Ok(Self { id, values, last })
    }

    /// Takes the values of a record, and returns its id.
    #[inline]
    fn read<'record>(
        &self,
        record: Fields<'record>,
        values: &mut RowValues,
    ) -> Result<TargetIdRef<'record>, BadLineReason> {
        values.clear();
        for column in &self.values {
            match column.of(record)? {
                "" => return Err(BadLineReason::NoValue(column.name.clone())),
                value => values.push(value),
            }
        }
        Ok(TargetIdRef::new(self.id.of(record)?)?)
    }
}

impl Column {
    fn find(header: Fields<'_>, name: &str, shown_as: &str) -> Result<Self, TargetFileError> {
        let names = || (0..header.ends.len()).filter_map(|place| header.get(place));
        let mut places = names().enumerate().filter(|(_, found)| *found == name.as_bytes());
        match (places.next(), places.next()) {
            (Some((place, _)), None) => Ok(Self { name: name.to_owned(), place }),
            (Some(_), Some(_)) => {
                Err(TargetFileError::ColumnTwice { shown_as: shown_as.to_owned(), column: name.to_owned() })
            }
            (None, _) => Err(TargetFileError::NoColumn {
                shown_as: shown_as.to_owned(),
                column: name.to_owned(),
                columns: names().map(|name| String::from_utf8_lossy(name).into_owned()).collect(),
            }),
        }
    }

    /// Returns what a record has in the column.
    #[inline]
    fn of<'record>(&self, record: Fields<'record>) -> Result<&'record str, BadLineReason> {
        text(record.get(self.place).ok_or_else(|| BadLineReason::NoColumn(self.name.clone()))?)
    }
}

impl<R: Read> DelimitedLines<R> {
    /// Reads the header and finds the columns.
    pub(super) fn open(
        mut lines: Lines<R>,
        columns: (&str, &[String]),
        shown_as: &str,
    ) -> Result<Self, TargetFileError> {
        let mut quoted = Quoted::default();
        let header = match lines.advance() {
            Ok(Line::Whole) => quoted.begin(&mut lines).map_err(|bad| bad.why),
            Ok(Line::TooLong) => Err(BadLineReason::TooLong),
            Ok(Line::End) => Ok(None),
            Err(source) => {
                return Err(TargetFileError::Unreadable { shown_as: shown_as.to_owned(), source });
            }
        };
        match header {
            Ok(Some(_)) => {}
            Ok(None) => return Err(TargetFileError::NoHeader { shown_as: shown_as.to_owned() }),
            Err(why) => return Err(TargetFileError::BadHeader { shown_as: shown_as.to_owned(), why }),
        }
        let columns = Columns::find(quoted.fields(), columns, shown_as)?;
        Ok(Self { lines, quoted, ends: Vec::new(), columns, values: RowValues::default() })
    }

    /// Reads the next record.
    #[inline]
    pub(super) fn next_row(&mut self) -> Option<Result<TargetRow<'_>, BadLine>> {
        let Self { lines, quoted, ends, columns, values } = self;
        let (line, record) = if quoted.has_more() {
            match quoted.go_on(lines) {
                Ok(Some(line)) => (line, quoted.fields()),
                Ok(None) => return None,
                Err(bad) => return Some(Err(bad)),
            }
        } else {
            match lines.advance() {
                Ok(Line::Whole) => {}
                Ok(Line::TooLong) => {
                    return Some(Err(BadLine { line: lines.line(), why: BadLineReason::TooLong }));
                }
                Ok(Line::End) => return None,
                Err(error) => {
                    return Some(Err(BadLine { line: lines.line(), why: BadLineReason::Io(error) }));
                }
            }
            let bytes = lines.current();
            if memchr2(b'"', b'\r', bytes).is_none() {
                ends.clear();
                ends.extend(memchr_iter(b',', bytes).take(columns.last + 1));
                if ends.len() <= columns.last {
                    ends.push(bytes.len());
                }
                (lines.line(), Fields { bytes: lines.current(), ends, gap: 1 })
            } else {
                match quoted.begin(lines) {
                    Ok(Some(line)) => (line, quoted.fields()),
                    Ok(None) => return None,
                    Err(bad) => return Some(Err(bad)),
                }
            }
        };
        Some(match columns.read(record, values) {
            Ok(id) => Ok(TargetRow { line, id, values }),
            Err(why) => Err(BadLine { line, why }),
        })
    }
}

impl<R> fmt::Debug for DelimitedLines<R> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("DelimitedLines")
            .field("column", &self.columns.id.name)
            .finish_non_exhaustive()
    }
}

/// Reads records that may have quotes, and the one whose fields it holds.
struct Quoted {
    reader: Reader,
    /// A line with its break, of which a part was taken.
    pending: Vec<u8>,
    taken: usize,
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// How many of `ends` are of this record.
    fields: usize,
}

impl Default for Quoted {
    fn default() -> Self {
        let (bytes, ends) = (vec![0; 1024], vec![0; 32]);
        Self { reader: Reader::new(), pending: Vec::new(), taken: 0, bytes, ends, fields: 0 }
    }
}

impl Quoted {
    fn fields(&self) -> Fields<'_> {
        Fields { bytes: &self.bytes, ends: &self.ends[..self.fields], gap: 0 }
    }

    /// Whether a carriage return within a line ended a record before the line's end.
    #[inline]
    fn has_more(&self) -> bool {
        self.taken < self.pending.len()
    }

    /// Takes the line that `lines` found last, and what follows as far as its record goes.
    fn begin<R: Read>(&mut self, lines: &mut Lines<R>) -> Result<Option<u64>, BadLine> {
        self.take(lines.current());
        self.go_on(lines)
    }

    /// Reads a record from what is pending, and further. Returns the line it begins on, or nothing where there was no
    /// more than blank lines.
    fn go_on<R: Read>(&mut self, lines: &mut Lines<R>) -> Result<Option<u64>, BadLine> {
        let mut line = lines.line();
        let mut record_bytes = 0;
        let mut written = 0;
        self.fields = 0;
        loop {
            let rest = &self.pending[self.taken..];
            record_bytes += rest.len();
            if record_bytes > LINE_BYTES_MAX + 1 {
                return Err(BadLine { line, why: BadLineReason::UnclosedQuote });
            }
            let is_begun =
                record_bytes > rest.len() || rest.iter().any(|byte| !matches!(byte, b'\r' | b'\n'));
            while self.has_more() {
                let (result, taken, put, ended) = self.reader.read_record(
                    &self.pending[self.taken..],
                    &mut self.bytes[written..],
                    &mut self.ends[self.fields..],
                );
                self.taken += taken;
                written += put;
                self.fields += ended;
                if matches!(result, ReadRecordResult::Record) {
                    return Ok(Some(line));
                }
                if written == self.bytes.len() {
                    self.bytes.resize(2 * self.bytes.len(), 0);
                }
                if self.fields == self.ends.len() {
                    self.ends.resize(2 * self.ends.len(), 0);
                }
            }
            if !is_begun {
                record_bytes = 0;
            }
            let found = lines.advance();
            if !is_begun {
                line = lines.line();
            }
            let why = match found {
                Ok(Line::Whole) => {
                    self.take(lines.current());
                    continue;
                }
                Ok(Line::End) if !is_begun => return Ok(None),
                Ok(Line::TooLong) if !is_begun => BadLineReason::TooLong,
                // Every line is fed with its break, so only an open quote makes a record go on.
                Ok(Line::TooLong | Line::End) => BadLineReason::UnclosedQuote,
                Err(error) => BadLineReason::Io(error),
            };
            return Err(BadLine { line, why });
        }
    }

    fn take(&mut self, line: &[u8]) {
        self.pending.clear();
        self.pending.extend_from_slice(line);
        self.pending.push(b'\n');
        self.taken = 0;
    }
}
