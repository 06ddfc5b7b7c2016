//! Audience files, read as a stream.
//!
//! One row after the other: line, id, and the values of the columns that were asked for, unpacked on the way
//! where the file's name ends in `.gz` or `.zst`. A Parquet file is read in pages. A row is borrowed until the next one is read, so a file of ten
//! million lines takes no more memory than one of ten. Does not know who asks, nor that an id may stand in it
//! twice, nor what a value is for.

mod bad_line;
mod delimited;
mod digested;
mod disguise;
mod json_line;
mod json_plain;
mod lines;
mod look_alike;
#[cfg(feature = "parquet")]
mod parquet_layout;
#[cfg_attr(not(feature = "parquet"), path = "parquet_left_out.rs")]
mod parquet_rows;
mod quoted;
mod seam;
mod unpacked;

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;

use crate::diagnostic::{Code, Diagnostic, Place, closest};
use crate::domain::{RowValues, TargetIdRef, TargetRow};
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
    /// Its first bytes are those of something else.
    #[error("`{shown_as}` {what}")]
    Disguised {
        /// The file.
        shown_as: String,
        /// What it is.
        what: Disguise,
    },
    /// A Parquet file with more in it than its footer knows.
    #[error("`{shown_as}` has {bytes} bytes that its footer does not account for")]
    ParquetJoined {
        /// The file.
        shown_as: String,
        /// How many.
        bytes: u64,
    },
    /// A Parquet file behind another one.
    #[error("`{shown_as}` is two Parquet files, one behind the other: the footer knows of the last one only")]
    ParquetTwice {
        /// The file.
        shown_as: String,
    },
    /// A Parquet column that is packed in a way that this program does not read.
    #[error("`{shown_as}` is packed with {codec}, which `campaignctl` does not read")]
    ParquetCodec {
        /// The file.
        shown_as: String,
        /// The name of the packing.
        codec: &'static str,
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
            | Self::Disguised { .. }
            | Self::ParquetJoined { .. }
            | Self::ParquetTwice { .. }
            | Self::ParquetCodec { .. }
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
            | Self::Disguised { .. }
            | Self::ParquetJoined { .. }
            | Self::ParquetTwice { .. }
            | Self::ParquetCodec { .. }
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
            Self::BadHeader { why, .. } if let Some(help) = why.help() => help.to_owned(),
            Self::NoHeader { .. } | Self::BadHeader { .. } => {
                "write the names of the columns into the first line".to_owned()
            }
            Self::NoColumn { columns, .. } if let Some(separator) = delimited::other_separator(columns) => {
                format!("its columns are separated by {separator}: save it with commas")
            }
            Self::NoColumn { column, columns, .. } if let Some(help) = look_alike::help(column, columns) => {
                help
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
            Self::Disguised { what, .. } => what.help().to_owned(),
            Self::ParquetJoined { .. } | Self::ParquetTwice { .. } => {
                "were files joined? write them into one with a Parquet writer".to_owned()
            }
            Self::ParquetCodec { .. } => "save it again with zstd or snappy".to_owned(),
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
            let mut seam = Seam::default();
            let witness = file.read_all(|bytes| seam.look(bytes)).map_err(unreadable)?;
            let rows = ParquetRows::open(file.into_file(), (name()?, columns), &self.shown_as)?;
            if seam.is_found() {
                return Err(TargetFileError::ParquetTwice { shown_as: shown_as() });
            }
            let kind = RowsKind::Parquet { rows: Box::new(rows), witness };
            return Ok(TargetRows { kind, hasher, is_over: false });
        }
        let mut lines = Lines::new(Unpacked::new(file, &self.path).map_err(unreadable)?);
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
