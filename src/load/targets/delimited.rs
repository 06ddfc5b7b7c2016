//! A few columns of a CSV stream.
//!
//! `csv_records` cuts them. A record has as many fields as the header (RFC 4180, section 2, rule 4): one comma more or less,
//! and another column's text would pass for an id.

use std::fmt;
use std::io::Read;

use crate::domain::{RowValues, TargetIdRef, TargetRow};
use crate::load::targets::csv_records::{Fields, Records};
use crate::load::targets::disguise::is_merge_marker;
use crate::load::targets::lines::{Line, Lines};
use crate::load::targets::{BadLine, BadLineReason, TargetFileError, text};

/// The records of a CSV file, and the places of the columns in each.
pub(super) struct DelimitedLines<R> {
    lines: Lines<R>,
    records: Records,
    columns: Columns,
    values: RowValues,
}

/// Which columns are read.
struct Columns {
    id: Column,
    values: Vec<Column>,
    /// How many the header has.
    count: usize,
    names: Names,
}

/// The names in the header, by which a header that stands in the file again is known, in whatever case and with whatever
/// white space around.
struct Names {
    /// Trimmed.
    each: Vec<Box<[u8]>>,
    /// The first bytes and lengths that they have: next to no id shares both with one of them.
    first_bytes: [bool; 256],
    lengths: u64,
}

impl Names {
    fn of(header: Fields<'_>) -> Self {
        let names = (0..header.len()).filter_map(|place| header.get(place));
        let names = names.map(|name| Box::from(name.trim_ascii()));
        let (names, mut first_bytes, mut lengths): (Vec<Box<[u8]>>, _, _) =
            (names.collect(), [false; 256], 0);
        for name in names.iter().filter(|name| !name.is_empty()) {
            first_bytes[usize::from(name[0].to_ascii_lowercase())] = true;
            first_bytes[usize::from(name[0].to_ascii_uppercase())] = true;
            lengths |= Self::length(name);
        }
        Self { each: names, first_bytes, lengths }
    }

    /// Returns the bit of a length; lengths from 63 on share one.
    #[inline]
    fn length(name: &[u8]) -> u64 {
        1 << name.len().min(63)
    }

    /// Whether every field of a record, of which `id` is one, is a name of the header.
    #[inline]
    fn are(&self, record: Fields<'_>, id: &[u8]) -> bool {
        let id = id.trim_ascii();
        let may_be = id.first().is_some_and(|first| self.first_bytes[usize::from(*first)]);
        may_be && self.lengths & Self::length(id) != 0 && self.are_all(record)
    }

    #[cold]
    fn are_all(&self, record: Fields<'_>) -> bool {
        let is_name =
            |field: &[u8]| self.each.iter().any(|name| name.eq_ignore_ascii_case(field.trim_ascii()));
        (0..record.len()).filter_map(|place| record.get(place)).all(is_name)
    }
}

/// A column by its name and its place.
struct Column {
    name: String,
    place: usize,
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
        Ok(Self { id, values, count: header.len(), names: Names::of(header) })
    }

    /// Takes the values of a record, and returns its id.
    #[inline]
    fn read<'record>(
        &self,
        record: Fields<'record>,
        values: &mut RowValues,
    ) -> Result<TargetIdRef<'record>, BadLineReason> {
        if record.len() != self.count {
            return Err(BadLineReason::FieldCount { fields: record.len(), columns: self.count });
        }
        let id = record.get(self.id.place).unwrap_or_default();
        if self.names.are(record, id) {
            return Err(BadLineReason::HeaderAgain);
        }
        values.clear();
        for column in &self.values {
            match column.of(record)? {
                "" => return Err(BadLineReason::NoValue(column.name.clone())),
                value => values.push(value),
            }
        }
        Ok(TargetIdRef::new(text(id)?)?)
    }
}

impl Column {
    fn find(header: Fields<'_>, name: &str, shown_as: &str) -> Result<Self, TargetFileError> {
        let names = || (0..header.len()).filter_map(|place| header.get(place));
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

    /// Returns what a record, which has as many fields as the header, has in the column.
    #[inline]
    fn of<'record>(&self, record: Fields<'record>) -> Result<&'record str, BadLineReason> {
        text(record.get(self.place).unwrap_or_default())
    }
}

impl<R: Read> DelimitedLines<R> {
    /// Reads the header and finds the columns.
    pub(super) fn open(
        mut lines: Lines<R>,
        columns: (&str, &[String]),
        shown_as: &str,
    ) -> Result<Self, TargetFileError> {
        let mut records = Records::new();
        let header = match lines.advance() {
            Ok(Line::Whole) => records.begin(&mut lines).map_err(|bad| bad.why),
            Ok(Line::TooLong) => Err(lines.too_long().why),
            Ok(Line::End) => Ok(None),
            Err(source) => match lines.broken(source).why {
                BadLineReason::Io(source) => {
                    return Err(TargetFileError::Unreadable { shown_as: shown_as.to_owned(), source });
                }
                why => Err(why),
            },
        };
        match header {
            Ok(Some(_)) => {}
            Ok(None) => return Err(TargetFileError::NoHeader { shown_as: shown_as.to_owned() }),
            Err(BadLineReason::TooLarge(why)) => {
                return Err(TargetFileError::TooLarge { shown_as: shown_as.to_owned(), why });
            }
            Err(why) => return Err(TargetFileError::BadHeader { shown_as: shown_as.to_owned(), why }),
        }
        let columns = Columns::find(records.fields(), columns, shown_as)?;
        Ok(Self { lines, records, columns, values: RowValues::default() })
    }

    /// Reads the next record.
    #[inline]
    pub(super) fn next_row(&mut self) -> Option<Result<TargetRow<'_>, Box<BadLine>>> {
        let Self { lines, records, columns, values } = self;
        let read = if records.has_more() {
            records.go_on(lines)
        } else {
            match lines.advance() {
                Ok(Line::Whole) if is_merge_marker(lines.current()) => {
                    return Some(Err(BadLine::boxed(lines.line(), BadLineReason::MergeMarker)));
                }
                Ok(Line::Whole) => records.begin(lines),
                Ok(Line::TooLong) => Err(lines.too_long()),
                Ok(Line::End) => return None,
                Err(error) => Err(lines.broken(error)),
            }
        };
        let line = match read {
            Ok(line) => line?,
            Err(bad) => return Some(Err(Box::new(bad))),
        };
        Some(match columns.read(records.fields(), values) {
            Ok(id) => Ok(TargetRow { line, id, values }),
            Err(why) => Err(BadLine::boxed(line, why)),
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
