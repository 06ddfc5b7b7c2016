//! Audience files, read as a stream.
//!
//! One row after the other: line, id, and the values of the columns that were asked for, unpacked on the way
//! where the file's name ends in `.gz` or `.zst`. A Parquet file is read in pages. A row is borrowed until the next one is read, so a file of ten
//! million lines takes no more memory than one of ten. Does not know who asks, nor that an id may stand in it
//! twice, nor what a value is for.

mod delimited;
mod digested;
mod json_line;
mod json_plain;
mod lines;
#[cfg_attr(not(feature = "parquet"), path = "parquet_left_out.rs")]
mod parquet_rows;
mod quoted;
mod unpacked;

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;

use crate::diagnostic::{Code, Diagnostic, Place, closest};
use crate::domain::{InvalidTargetId, RowValues, TargetIdRef, TargetRow};
use crate::load::model::TargetFileFormat;
use crate::load::targets::delimited::DelimitedLines;
use crate::load::targets::digested::{Digested, Hasher, Witness};
use crate::load::targets::json_line::JsonFields;
use crate::load::targets::lines::{Line, Lines};
use crate::load::targets::parquet_rows::ParquetRows;
use crate::load::targets::unpacked::Unpacked;

pub use crate::load::targets::unpacked::{content_ending, packed_ending, packing_help};

/// Longest line, and longest quoted CSV record: an id has at most 1024 bytes, but its JSON object or record
/// may carry a whole profile. Bounds memory where line breaks are missing.
const LINE_BYTES_MAX: usize = 1024 * 1024;

/// A file of target ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetFile {
    /// Where it is on disk.
    pub path: PathBuf,
    /// Its path as messages show it.
    pub shown_as: String,
    /// How it lists its ids.
    pub format: TargetFileFormat,
    /// The column or JSON field that holds the ids; nothing for plain text.
    pub column_or_field: Option<String>,
    /// The columns or JSON fields whose values every row gives, in this order; may name one twice, and the
    /// ids' own. None for plain text.
    pub value_columns: Vec<String>,
}

/// Why an audience file gives no ids at all.
#[derive(Debug, thiserror::Error)]
pub enum TargetFileError {
    /// The system refused.
    #[error("`{shown_as}` cannot be read: {source}")]
    Unreadable {
        /// The file.
        shown_as: String,
        /// What the system says.
        source: io::Error,
    },
    /// A directory, a device or a pipe.
    #[error("`{shown_as}` is not a file")]
    NotAFile {
        /// The path.
        shown_as: String,
    },
    /// A format whose ids stand under a name, and no name.
    #[error("nothing says which column or field of `{shown_as}` holds the ids")]
    Unnamed {
        /// The file.
        shown_as: String,
    },
    /// Values out of a format that has nothing but ids.
    #[error("`{shown_as}` is plain text: it has no column `{column}`")]
    NoColumns {
        /// The file.
        shown_as: String,
        /// The first column that was asked for.
        column: String,
    },
    /// A CSV file without any line.
    #[error("`{shown_as}` has no header line")]
    NoHeader {
        /// The file.
        shown_as: String,
    },
    /// A CSV header that goes wrong itself.
    #[error("the header line of `{shown_as}` cannot be read: {why}")]
    BadHeader {
        /// The file.
        shown_as: String,
        /// What is wrong with it.
        why: BadLineReason,
    },
    /// A CSV header that does not name the column.
    #[error("`{shown_as}` has no column `{column}`")]
    NoColumn {
        /// The file.
        shown_as: String,
        /// The column that was asked for.
        column: String,
        /// The columns that there are.
        columns: Vec<String>,
    },
    /// A header that names the column twice.
    #[error("`{shown_as}` has the column `{column}` twice")]
    ColumnTwice {
        /// The file.
        shown_as: String,
        /// The column.
        column: String,
    },
    /// A Parquet column of something that cannot be an id or a value as it stands.
    #[error("the column `{column}` of `{shown_as}` holds {kind}, which is neither text nor whole numbers")]
    UnfitColumn {
        /// The file.
        shown_as: String,
        /// The column.
        column: String,
        /// What it holds, in the words of the format.
        kind: String,
    },
    /// Something else, or a Parquet file that lost its end.
    #[error("`{shown_as}` is no whole Parquet file: {why}")]
    NotParquet {
        /// The file.
        shown_as: String,
        /// What its reader says.
        why: String,
    },
    /// A Parquet file inside a packed one, which cannot be read from its end.
    #[error("`{shown_as}` is a packed file, and Parquet files are packed inside")]
    PackedParquet {
        /// The file.
        shown_as: String,
    },
    /// A Parquet file, and a build that leaves their reader out.
    #[error("`{shown_as}` is a Parquet file, which this build of `campaignctl` cannot read")]
    ParquetLeftOut {
        /// The file.
        shown_as: String,
    },
}

impl TargetFileError {
    /// Returns the diagnostic's code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Unreadable { .. } => Code::UnreadableFile,
            Self::NotAFile { .. } => Code::NotAFile,
            Self::Unnamed { .. }
            | Self::NoColumns { .. }
            | Self::NoHeader { .. }
            | Self::BadHeader { .. }
            | Self::NoColumn { .. }
            | Self::ColumnTwice { .. }
            | Self::UnfitColumn { .. }
            | Self::NotParquet { .. }
            | Self::PackedParquet { .. }
            | Self::ParquetLeftOut { .. } => Code::AudienceFile,
        }
    }

    /// Returns the column that is to blame, if one is.
    #[must_use]
    pub fn column(&self) -> Option<&str> {
        match self {
            Self::NoColumns { column, .. }
            | Self::NoColumn { column, .. }
            | Self::ColumnTwice { column, .. }
            | Self::UnfitColumn { column, .. } => Some(column),
            Self::Unreadable { .. }
            | Self::NotAFile { .. }
            | Self::Unnamed { .. }
            | Self::NoHeader { .. }
            | Self::BadHeader { .. }
            | Self::NotParquet { .. }
            | Self::PackedParquet { .. }
            | Self::ParquetLeftOut { .. } => None,
        }
    }

    /// Says what to do about it.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::Unreadable { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                "the path is relative to the YAML file that names it".to_owned()
            }
            Self::Unreadable { source, .. } => match packing_help(source) {
                Some(help) => help.to_owned(),
                None if source.kind() == io::ErrorKind::PermissionDenied => {
                    "let the user that runs this read it".to_owned()
                }
                None => "check the disk and the file's permissions".to_owned(),
            },
            Self::NotAFile { .. } => "name a file with one id a line, CSV, JSON Lines or Parquet".to_owned(),
            Self::Unnamed { .. } => {
                "add `column: NAME` for CSV and Parquet, `field: NAME` for JSON Lines".to_owned()
            }
            Self::NoColumns { .. } => {
                "use CSV, JSON Lines or Parquet where targets have values of their own".to_owned()
            }
            Self::BadHeader { why, .. } if let Some(help) = why.csv_help() => help.to_owned(),
            Self::NoHeader { .. } | Self::BadHeader { .. } => {
                "write the names of the columns into the first line".to_owned()
            }
            Self::NoColumn { columns, .. } if let Some(separator) = delimited::other_separator(columns) => {
                format!("its columns are separated by {separator}: save it with commas")
            }
            Self::NoColumn { column, columns, .. } => {
                match closest(column, columns.iter().map(String::as_str)) {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => format!("its columns are `{}`", columns.join("`, `")),
                }
            }
            Self::ColumnTwice { .. } => "give every column a name of its own".to_owned(),
            Self::UnfitColumn { .. } => "cast it to text where the file is made".to_owned(),
            Self::NotParquet { .. } => "was it cut short when it was copied? make it anew".to_owned(),
            Self::PackedParquet { .. } => "unpack it; its own compression may be `zstd` or `gzip`".to_owned(),
            Self::ParquetLeftOut { .. } => {
                "use a build with the feature `parquet`, or export CSV or JSON Lines".to_owned()
            }
        }
    }

    /// Turns it into a diagnostic at the place that names the file.
    pub fn diagnostic(&self, place: Place) -> Diagnostic {
        Diagnostic::error(self.code(), place, self.to_string()).help(self.help())
    }
}

/// Why a line gives no row.
#[derive(Debug, thiserror::Error)]
pub enum BadLineReason {
    /// Something that is no id.
    #[error(transparent)]
    Id(#[from] InvalidTargetId),
    /// Bytes that are no text.
    #[error("the line is not UTF-8 text")]
    NotUtf8,
    /// More than anything sensible.
    #[error("the line has more than {LINE_BYTES_MAX} bytes")]
    TooLong,
    /// A CSV quote that is open until the end, or for longer than any record.
    #[error("a quote is opened here and never closed")]
    UnclosedQuote,
    /// A CSV quote that is closed on a later line, but not at the end of a field: people in between would be lost.
    #[error("the quote that is opened here runs on to line {0}, where text follows it")]
    QuoteRunsOn(u64),
    /// A quoted CSV field that goes on after its end.
    #[error("text follows a closing quote")]
    TextAfterQuote,
    /// A quote in a CSV field that does not begin with one.
    #[error("a quote stands inside of a field that does not begin with one")]
    QuoteInField,
    /// A CSV record of fewer or more fields than the header: which one is too many, or missing, nobody knows.
    #[error("the line has {fields} field{s}, and the header {columns}", s = if *fields == 1 { "" } else { "s" })]
    FieldCount {
        /// Its fields.
        fields: usize,
        /// Those of the header.
        columns: usize,
    },
    /// A JSON object without the field.
    #[error("the object has no field `{0}`")]
    NoField(String),
    /// A JSON object with the field twice.
    #[error("the object has the field `{0}` twice")]
    FieldTwice(String),
    /// A value that is empty, or `null`.
    #[error("`{0}` is empty")]
    NoValue(String),
    /// A line that is no JSON object with a text in the field.
    #[error("the line is not a JSON object with a text in `{field}`: {reason}")]
    Json {
        /// The field.
        field: String,
        /// What the JSON reader says.
        reason: String,
    },
    /// A Parquet file whose pages are damaged.
    #[error("the file cannot be read further: {0}")]
    Damaged(String),
    /// The system refused, in the middle of the file.
    #[error("the file cannot be read further: {0}")]
    Io(#[source] io::Error),
}

impl BadLineReason {
    /// Whether nothing can be read after it.
    fn is_the_end(&self) -> bool {
        matches!(self, Self::UnclosedQuote | Self::Damaged(_) | Self::Io(_))
    }

    /// Says how to mend the quotes or commas of a CSV line, if they are the matter.
    #[must_use]
    pub fn csv_help(&self) -> Option<&'static str> {
        match self {
            Self::FieldCount { fields, columns } if fields > columns => {
                Some("put a field that has a comma into quotes, or remove what is too much")
            }
            Self::FieldCount { .. } => Some("give it a field for each column, be it an empty one"),
            Self::UnclosedQuote => Some("close the quote; nothing after it was read"),
            Self::QuoteRunsOn(_) => Some("close the quote where its field ends, or remove it"),
            Self::TextAfterQuote | Self::QuoteInField => {
                Some("put all of the field in quotes, and double each quote inside: `\"a \"\"b\"\"\"`")
            }
            _ => None,
        }
    }
}

/// A line without an id, or without one of the values.
#[derive(Debug)]
pub struct BadLine {
    /// The line, from 1; where a quoted record spans several, its first, or that of the quote to blame. The row, of a
    /// Parquet file.
    pub line: u64,
    /// What is wrong with it.
    pub why: BadLineReason,
}

impl BadLine {
    /// Boxed, so that a row that is good passes through registers.
    #[cold]
    fn boxed(line: u64, why: BadLineReason) -> Box<Self> {
        Box::new(Self { line, why })
    }
}

impl TargetFile {
    /// Opens the file and reads as far as a header goes.
    ///
    /// # Errors
    ///
    /// Returns why the file can give no rows: it is no readable file, or its header does not have the columns.
    pub fn open(&self) -> Result<TargetRows, TargetFileError> {
        let shown_as = || self.shown_as.clone();
        let unreadable = |source| TargetFileError::Unreadable { shown_as: shown_as(), source };
        // A pipe would block on opening: ask first.
        let metadata = fs::metadata(&self.path).map_err(unreadable)?;
        if !metadata.is_file() {
            return Err(TargetFileError::NotAFile { shown_as: shown_as() });
        }
        let name = || {
            self.column_or_field.as_deref().ok_or_else(|| TargetFileError::Unnamed { shown_as: shown_as() })
        };
        let columns = &self.value_columns;
        let mut file = Digested::new(File::open(&self.path).map_err(unreadable)?);
        let hasher = file.hasher();
        if self.format == TargetFileFormat::Parquet {
            if packed_ending(&self.path).is_some() {
                return Err(TargetFileError::PackedParquet { shown_as: shown_as() });
            }
            let witness = file.read_all().map_err(unreadable)?;
            let rows = ParquetRows::open(file.into_file(), (name()?, columns), &self.shown_as)?;
            let kind = RowsKind::Parquet { rows: Box::new(rows), witness };
            return Ok(TargetRows { kind, hasher, is_over: false });
        }
        let lines = Lines::new(Unpacked::new(file, &self.path).map_err(unreadable)?);
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
        Ok(TargetRows { kind, hasher, is_over: false })
    }
}

/// The rows of a file in their order, repeats included. Empty lines are skipped.
/// A bad line does not end it, except where nothing can be read after it.
#[derive(Debug)]
pub struct TargetRows {
    kind: RowsKind,
    hasher: Hasher,
    is_over: bool,
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
        let Self { kind, is_over, .. } = self;
        if *is_over {
            return None;
        }
        // Each kind on a way of its own: a row that two of them lead to would pass through memory.
        match kind {
            RowsKind::Text(lines) => passed(next_text(lines), is_over),
            RowsKind::Json { lines, fields } => passed(next_json(lines, fields), is_over),
            RowsKind::Csv(lines) => passed(lines.next_row(), is_over),
            RowsKind::Parquet { rows, witness } => passed(next_parquet(rows, witness), is_over),
        }
    }
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
    let why = match lines.advance() {
        Ok(Line::Whole) => return Some(Ok(())),
        Ok(Line::End) => return None,
        Ok(Line::TooLong) => BadLineReason::TooLong,
        Err(error) => BadLineReason::Io(error),
    };
    Some(Err(BadLine::boxed(lines.line(), why)))
}

#[inline]
fn text(line: &[u8]) -> Result<&str, BadLineReason> {
    std::str::from_utf8(line).map_err(|_| BadLineReason::NotUtf8)
}

#[cfg(test)]
#[cfg(feature = "parquet")]
mod parquet_tests;
#[cfg(test)]
mod tests;
