//! Audience files, read as a stream.
//!
//! One id after the other, with its line, unpacked on the way where the file's name ends in `.gz` or `.zst`: a file of ten million lines takes no more memory than one of
//! ten. Does not know who asks, nor that an id may stand in it twice.

mod delimited;
mod digested;
mod json_line;
mod lines;
mod unpacked;

use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::PathBuf;

use crate::diagnostic::{Code, Diagnostic, Place, closest};
use crate::domain::{InvalidTargetId, TargetId};
use crate::load::model::TargetFileFormat;
use crate::load::targets::delimited::DelimitedLines;
use crate::load::targets::digested::{Digested, Hasher};
use crate::load::targets::lines::{Line, Lines};
use crate::load::targets::unpacked::Unpacked;

pub use crate::load::targets::unpacked::content_ending;

/// Longest line, and longest quoted CSV record: an id has at most 1024 bytes, but its JSON object or record
/// may carry a whole profile. Bounds memory where line breaks are missing.
const LINE_BYTES_MAX: usize = 1024 * 1024;

/// Size of the read buffer: a system call for every few thousand ids.
const BUFFER_BYTES: usize = 256 * 1024;

/// A file of target ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetFile {
    /// Where it is on disk.
    pub path: PathBuf,
    /// Its path as messages show it.
    pub shown_as: String,
    /// How it lists its ids.
    pub format: TargetFileFormat,
    /// The CSV column or JSON field that holds the ids; nothing for plain text.
    pub column_or_field: Option<String>,
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
    /// A CSV file without any line.
    #[error("`{shown_as}` has no header line")]
    NoHeader {
        /// The file.
        shown_as: String,
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
    /// A CSV header that names the column twice.
    #[error("`{shown_as}` has the column `{column}` twice")]
    ColumnTwice {
        /// The file.
        shown_as: String,
        /// The column.
        column: String,
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
            | Self::NoHeader { .. }
            | Self::NoColumn { .. }
            | Self::ColumnTwice { .. } => Code::AudienceFile,
        }
    }

    /// Says what to do about it.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::Unreadable { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                "the path is relative to the YAML file that names it".to_owned()
            }
            Self::Unreadable { .. } => "let the user that runs this read it".to_owned(),
            Self::NotAFile { .. } => "name a file with one id a line, CSV or JSON Lines".to_owned(),
            Self::Unnamed { .. } => "add `column: NAME` for CSV, `field: NAME` for JSON Lines".to_owned(),
            Self::NoHeader { .. } => "write the names of the columns into the first line".to_owned(),
            Self::NoColumn { column, columns, .. } => {
                match closest(column, columns.iter().map(String::as_str)) {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => format!("its columns are `{}`", columns.join("`, `")),
                }
            }
            Self::ColumnTwice { .. } => "give every column a name of its own".to_owned(),
        }
    }

    /// Turns it into a diagnostic at the place that names the file.
    pub fn diagnostic(&self, place: Place) -> Diagnostic {
        Diagnostic::error(self.code(), place, self.to_string()).help(self.help())
    }
}

/// Why a line gives no id.
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
    /// A CSV record that ends before the column.
    #[error("the line has no column `{0}`")]
    NoColumn(String),
    /// A JSON object without the field.
    #[error("the object has no field `{0}`")]
    NoField(String),
    /// A JSON object with the field twice.
    #[error("the object has the field `{0}` twice")]
    FieldTwice(String),
    /// A line that is no JSON object with a text in the field.
    #[error("the line is not a JSON object with a text in `{field}`: {reason}")]
    Json {
        /// The field.
        field: String,
        /// What the JSON reader says.
        reason: String,
    },
    /// The system refused, in the middle of the file.
    #[error("the file cannot be read further: {0}")]
    Io(#[source] io::Error),
}

/// A line without an id.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct BadLine {
    /// The line, from 1; where a quoted record spans several, its first.
    pub line: u64,
    /// What is wrong with it.
    pub why: BadLineReason,
}

impl TargetFile {
    /// Opens the file and reads as far as a header goes.
    ///
    /// # Errors
    ///
    /// Returns why the file can give no ids: it is no readable file, or its header does not have the column.
    pub fn open(&self) -> Result<TargetLines, TargetFileError> {
        let shown_as = || self.shown_as.clone();
        let unreadable = |source| TargetFileError::Unreadable { shown_as: shown_as(), source };
        // A pipe would block on opening: ask first.
        if !fs::metadata(&self.path).map_err(unreadable)?.is_file() {
            return Err(TargetFileError::NotAFile { shown_as: shown_as() });
        }
        let file = Digested::new(File::open(&self.path).map_err(unreadable)?);
        let hasher = file.hasher();
        let file = Unpacked::new(file, &self.path).map_err(unreadable)?;
        let lines = Lines::new(BufReader::with_capacity(BUFFER_BYTES, file));
        let name = self.column_or_field.clone();
        let unnamed = || TargetFileError::Unnamed { shown_as: shown_as() };
        let kind = match self.format {
            TargetFileFormat::Text => LinesKind::Text(lines),
            TargetFileFormat::Jsonl => LinesKind::Json { lines, field: name.ok_or_else(unnamed)? },
            TargetFileFormat::Csv => LinesKind::Csv(Box::new(DelimitedLines::open(
                lines,
                &name.ok_or_else(unnamed)?,
                &self.shown_as,
            )?)),
        };
        Ok(TargetLines { kind, hasher, is_over: false })
    }
}

/// The ids of a file in their order, repeats included, each with its line from 1. Empty lines are skipped.
/// A bad line does not end it, except where nothing can be read after it.
#[derive(Debug)]
pub struct TargetLines {
    kind: LinesKind,
    hasher: Hasher,
    is_over: bool,
}

impl TargetLines {
    /// Returns the SHA-256 of the bytes that were read so far: of the whole file once the last id was given.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        self.hasher.digest()
    }
}

#[derive(Debug)]
enum LinesKind {
    Text(Lines<BufReader<Unpacked>>),
    Json { lines: Lines<BufReader<Unpacked>>, field: String },
    Csv(Box<DelimitedLines<BufReader<Unpacked>>>),
}

impl Iterator for TargetLines {
    type Item = Result<(u64, TargetId), BadLine>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let read = match &mut self.kind {
            LinesKind::Text(lines) => next_line(lines, |line| Ok(text(line)?.parse()?)),
            LinesKind::Json { lines, field } => {
                next_line(lines, |line| json_line::target(text(line)?, field))
            }
            LinesKind::Csv(lines) => lines.next_target(),
        };
        self.is_over = match &read {
            None => true,
            Some(Err(bad)) => matches!(bad.why, BadLineReason::Io(_) | BadLineReason::UnclosedQuote),
            Some(Ok(_)) => false,
        };
        read
    }
}

fn next_line(
    lines: &mut Lines<BufReader<Unpacked>>,
    read: impl Fn(&[u8]) -> Result<TargetId, BadLineReason>,
) -> Option<Result<(u64, TargetId), BadLine>> {
    let target = match lines.next_line() {
        Ok(None) => return None,
        Ok(Some(Line::Whole(line))) => read(line),
        Ok(Some(Line::TooLong)) => Err(BadLineReason::TooLong),
        Err(error) => Err(BadLineReason::Io(error)),
    };
    let line = lines.line();
    Some(target.map(|target| (line, target)).map_err(|why| BadLine { line, why }))
}

fn text(line: &[u8]) -> Result<&str, BadLineReason> {
    std::str::from_utf8(line).map_err(|_| BadLineReason::NotUtf8)
}

#[cfg(test)]
mod tests;
