//! Audience files, read as a stream.
//!
//! One row after the other: line, id, and the values of the columns that were asked for, unpacked on the way
//! where the file's name ends in `.gz` or `.zst`. Rows of a Parquet file are decoded a thousand at a time. A row is
//! borrowed until the next one is read, so a file of ten million lines of text takes no more memory than one of ten.
//! What a file is instead of a list, its first bytes tell (`disguise`); how much of it is read, `limits`. Does not know
//! who asks, nor that an id may stand in it twice, nor what a value is for.

mod bad_line;
mod csv_records;
mod delimited;
mod digested;
mod disguise;
mod file_error;
mod header;
mod json_line;
mod limits;
mod lines;
mod look_alike;
#[cfg(feature = "parquet")]
mod parquet_delta;
#[cfg(feature = "parquet")]
mod parquet_header;
#[cfg(feature = "parquet")]
mod parquet_layout;
#[cfg(feature = "parquet")]
mod parquet_pages;
#[cfg_attr(not(feature = "parquet"), path = "parquet_left_out.rs")]
mod parquet_rows;
mod seam;
mod unpacked;

use std::fs::Metadata;
use std::path::PathBuf;
use std::sync::Arc;

use crate::domain::{RowValues, TargetIdRef, TargetRow};
use crate::load::boundary::{Boundary, OpenError};
use crate::load::model::TargetFileFormat;
use crate::load::targets::delimited::DelimitedLines;
use crate::load::targets::digested::{Digested, Hasher, Witness};
use crate::load::targets::disguise::{FIRST_BYTES, is_merge_marker};
use crate::load::targets::json_line::JsonFields;
use crate::load::targets::lines::{Line, Lines};
use crate::load::targets::parquet_rows::ParquetRows;
use crate::load::targets::seam::Seam;
use crate::load::targets::unpacked::Unpacked;

pub use crate::load::targets::bad_line::{BadLine, BadLineReason};
pub use crate::load::targets::disguise::Disguise;
pub use crate::load::targets::file_error::TargetFileError;
pub use crate::load::targets::limits::{Limits, TooLarge};
pub use crate::load::targets::unpacked::{content_ending, packed_ending, packing_help};

/// A file of target ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetFile {
    /// Where it is on disk.
    pub path: PathBuf,
    /// What the path may lead to.
    pub boundary: Arc<Boundary>,
    /// Its path as messages show it.
    pub shown_as: String,
    /// How it lists its ids.
    pub format: TargetFileFormat,
    /// The column or JSON field that holds the ids; nothing for plain text.
    pub column_or_field: Option<String>,
    /// The columns or JSON fields whose values every row gives, in this order; may name one twice, and the
    /// ids' own. None for plain text.
    pub value_columns: Vec<String>,
    /// How much of it is read.
    pub limits: Limits,
}

impl TargetFile {
    /// Returns what the system says of the file, where it may be read.
    #[must_use]
    pub fn metadata(&self) -> Option<Metadata> {
        self.boundary.open_audience(&self.path).ok()?.metadata().ok()
    }

    /// Opens the file and reads as far as a header goes.
    ///
    /// # Errors
    ///
    /// Returns why the file can give no rows: it is no readable file, or its header does not have the columns.
    pub fn open(&self) -> Result<TargetRows, TargetFileError> {
        let shown_as = || self.shown_as.clone();
        let unreadable = |source| TargetFileError::Unreadable { shown_as: shown_as(), source };
        let opened = self.boundary.open_audience(&self.path).map_err(|error| match error {
            OpenError::Outside => TargetFileError::Outside { shown_as: shown_as() },
            OpenError::NotAFile { .. } => TargetFileError::NotAFile { shown_as: shown_as() },
            OpenError::Unreadable(source) => unreadable(source),
        })?;
        let name = || {
            self.column_or_field.as_deref().ok_or_else(|| TargetFileError::Unnamed { shown_as: shown_as() })
        };
        let columns = &self.value_columns;
        let file = Digested::new(opened);
        let hasher = file.hasher();
        let disguised = |what| TargetFileError::Disguised { shown_as: shown_as(), what };
        let is_parquet = self.format == TargetFileFormat::Parquet;
        let kinds = (packed_ending(&self.path).is_some(), is_parquet);
        if let Some(what) = Disguise::on_disk(&file.first(FIRST_BYTES).map_err(unreadable)?, kinds) {
            return Err(disguised(what));
        }
        if self.format == TargetFileFormat::Parquet {
            if packed_ending(&self.path).is_some() {
                return Err(TargetFileError::PackedParquet { shown_as: shown_as() });
            }
            // The whole file is hashed before its first row: only after its footer says what it is, and how much.
            let witness = file.witness().map_err(unreadable)?;
            let too_large = |why| TargetFileError::TooLarge { shown_as: shown_as(), why };
            self.limits.check(witness.bytes(), witness.bytes()).map_err(too_large)?;
            let same = file.same_file().map_err(unreadable)?;
            let rows = ParquetRows::open(same, (name()?, columns), &self.shown_as, self.limits)?;
            let mut seam = Seam::default();
            file.read_all(|bytes| seam.look(bytes)).map_err(unreadable)?;
            if seam.is_found() {
                return Err(TargetFileError::ParquetTwice { shown_as: shown_as() });
            }
            let kind = RowsKind::Parquet { rows: Box::new(rows), witness };
            return Ok(TargetRows { kind, hasher, is_over: false, taken: 0, limits: self.limits });
        }
        let unpacked = Unpacked::new(file, &self.path, self.limits).map_err(unreadable)?;
        let mut lines = Lines::new(unpacked, self.limits.line_bytes);
        if let Some(what) = Disguise::of(lines.first(FIRST_BYTES)) {
            return Err(disguised(what));
        }
        let kind = match (self.format, columns.first()) {
            (TargetFileFormat::Text, None) => RowsKind::Text(lines),
            (TargetFileFormat::Text, Some(column)) => {
                let column = column.clone();
                return Err(TargetFileError::NoColumns { shown_as: shown_as(), column });
            }
            (TargetFileFormat::Jsonl, _) => {
                RowsKind::Json { lines, fields: JsonFields::new(name()?, columns) }
            }
            (TargetFileFormat::Csv, _) => {
                RowsKind::Csv(Box::new(DelimitedLines::open(lines, (name()?, columns), &self.shown_as)?))
            }
            (TargetFileFormat::Parquet, _) => unreachable!("its rows were opened above"),
        };
        Ok(TargetRows { kind, hasher, is_over: false, taken: 0, limits: self.limits })
    }
}

/// The rows of a file in their order, repeats included. Empty lines are skipped.
/// A bad line does not end it, except where nothing can be read after it.
#[derive(Debug)]
pub struct TargetRows {
    kind: RowsKind,
    hasher: Hasher,
    is_over: bool,
    /// How many rows were given, those with mistakes included.
    taken: u64,
    limits: Limits,
}

#[derive(Debug)]
enum RowsKind {
    Text(Lines<Unpacked>),
    Json { lines: Lines<Unpacked>, fields: JsonFields },
    Csv(Box<DelimitedLines<Unpacked>>),
    Parquet { rows: Box<ParquetRows>, witness: Witness },
}

impl TargetRows {
    /// Returns the SHA-256 of the bytes that were read so far: of the whole file once the last row was given.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        self.hasher.digest()
    }

    /// Reads the next row: what is wrong with it, or its id and every value that was asked for.
    #[inline]
    pub fn next_row(&mut self) -> Option<Result<TargetRow<'_>, Box<BadLine>>> {
        let Self { kind, is_over, taken, limits, .. } = self;
        if *is_over {
            return None;
        }
        if *taken == limits.rows {
            *is_over = true;
            let line = one_more(kind)?;
            let why = BadLineReason::TooLarge(TooLarge::Rows(limits.rows));
            return Some(Err(BadLine::boxed(line, why)));
        }
        *taken += 1;
        // Each kind on a way of its own: a row that two of them lead to would pass through memory.
        match kind {
            RowsKind::Text(lines) => passed(next_text(lines), is_over),
            RowsKind::Json { lines, fields } => passed(next_json(lines, fields), is_over),
            RowsKind::Csv(lines) => passed(lines.next_row(), is_over),
            RowsKind::Parquet { rows, witness } => passed(next_parquet(rows, witness), is_over),
        }
    }
}

/// Reads one row more, and returns its line if there is one.
#[cold]
fn one_more(kind: &mut RowsKind) -> Option<u64> {
    let row = match kind {
        RowsKind::Text(lines) => next_text(lines),
        RowsKind::Json { lines, fields } => next_json(lines, fields),
        RowsKind::Csv(lines) => lines.next_row(),
        RowsKind::Parquet { rows, witness } => next_parquet(rows, witness),
    };
    Some(row?.map_or_else(|bad| bad.line, |row| row.line))
}

/// Passes on what was read, and notes whether it is the last.
#[inline]
fn passed<'rows>(
    read: Option<Result<TargetRow<'rows>, Box<BadLine>>>,
    is_over: &mut bool,
) -> Option<Result<TargetRow<'rows>, Box<BadLine>>> {
    match &read {
        Some(Ok(_)) => {}
        Some(Err(bad)) => *is_over = bad.why.is_the_end(),
        None => *is_over = true,
    }
    read
}

#[inline]
fn next_text(lines: &mut Lines<Unpacked>) -> Option<Result<TargetRow<'_>, Box<BadLine>>> {
    if let Err(bad) = next_line(lines)? {
        return Some(Err(bad));
    }
    let line = lines.line();
    if is_merge_marker(lines.current()) {
        return Some(Err(BadLine::boxed(line, BadLineReason::MergeMarker)));
    }
    let id = text(lines.current()).and_then(|id| Ok(TargetIdRef::new(id)?));
    Some(
        id.map(|id| TargetRow { line, id, values: RowValues::NONE }).map_err(|why| BadLine::boxed(line, why)),
    )
}

#[inline]
fn next_json<'rows>(
    lines: &'rows mut Lines<Unpacked>,
    fields: &'rows mut JsonFields,
) -> Option<Result<TargetRow<'rows>, Box<BadLine>>> {
    if let Err(bad) = next_line(lines)? {
        return Some(Err(bad));
    }
    let line = lines.line();
    if is_merge_marker(lines.current()) {
        return Some(Err(BadLine::boxed(line, BadLineReason::MergeMarker)));
    }
    let id = text(lines.current()).and_then(|text| fields.read(text)).and_then(|()| fields.id());
    Some(
        id.map(|id| TargetRow { line, id, values: fields.values() }).map_err(|why| BadLine::boxed(line, why)),
    )
}

fn next_parquet<'rows>(
    rows: &'rows mut ParquetRows,
    witness: &mut Witness,
) -> Option<Result<TargetRow<'rows>, Box<BadLine>>> {
    let line = rows.row();
    match rows.next_row() {
        None => witness.look().err().map(|error| Err(BadLine::boxed(line, BadLineReason::Io(error)))),
        row => row,
    }
}

#[inline]
fn next_line(lines: &mut Lines<Unpacked>) -> Option<Result<(), Box<BadLine>>> {
    match lines.advance() {
        Ok(Line::Whole) => Some(Ok(())),
        Ok(Line::End) => None,
        Ok(Line::TooLong) => Some(Err(Box::new(lines.too_long()))),
        Err(error) => Some(Err(Box::new(lines.broken(error)))),
    }
}

#[inline]
fn text(line: &[u8]) -> Result<&str, BadLineReason> {
    std::str::from_utf8(line).map_err(|_| BadLineReason::NotUtf8)
}

#[cfg(test)]
mod limits_tests;
#[cfg(test)]
#[cfg(feature = "parquet")]
mod parquet_tests;
#[cfg(test)]
mod tests;
