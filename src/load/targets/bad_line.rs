//! What is wrong with one line of an audience file.

use std::io;

use crate::diagnostic::number;
use crate::domain::InvalidTargetId;
use crate::load::targets::TooLarge;

/// Why a line gives no row.
#[derive(Debug, thiserror::Error)]
pub enum BadLineReason {
    /// Something that is no id.
    #[error(transparent)]
    Id(#[from] InvalidTargetId),
    /// Bytes that are no text.
    #[error("the line is not UTF-8 text")]
    NotUtf8,
    /// More than the file may have.
    #[error(transparent)]
    TooLarge(TooLarge),
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
    #[error("a quote is inside a field that does not begin with one")]
    QuoteInField,
    /// A CSV record of fewer or more fields than the header: which one is too many, or missing, nobody knows.
    #[error("the line has {} field{s}, and the header {}", number(*fields as u64), number(*columns as u64), s = if *fields == 1 { "" } else { "s" })]
    FieldCount {
        /// Fields that it has.
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
        /// The field that was asked for.
        field: String,
        /// What the JSON reader says.
        reason: String,
    },
    /// A CSV header that stands in the file again.
    #[error("the header is repeated here")]
    HeaderAgain,
    /// A line that Git writes where it cannot merge.
    #[error("the line is a merge conflict marker")]
    MergeMarker,
    /// A Parquet page that is not what its writer wrote.
    #[error("the checksum of a page that follows does not fit: the file was damaged after it was written")]
    Checksum,
    /// A Parquet file whose pages are damaged.
    #[error("the file cannot be read further: {0}")]
    Damaged(String),
    /// The system refused, in the middle of the file.
    #[error("the file cannot be read further: {0}")]
    Io(#[source] io::Error),
}

impl BadLineReason {
    /// Whether nothing can be read after it.
    pub(super) fn is_the_end(&self) -> bool {
        matches!(
            self,
            Self::TooLarge(_) | Self::UnclosedQuote | Self::Checksum | Self::Damaged(_) | Self::Io(_)
        )
    }

    /// Says how to mend the line or the file, where there is more to say than that it has to be mended.
    #[must_use]
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::HeaderAgain => {
                Some("were files joined? remove the line, and look whether one of them is cut short")
            }
            Self::MergeMarker => Some("resolve the merge conflict"),
            Self::Checksum => Some("copy it again, or make it anew; nothing after this row was read"),
            Self::FieldCount { fields, columns } if fields > columns => {
                Some("put a field that has a comma into quotes, or remove what is too much")
            }
            Self::FieldCount { .. } => Some("give it a field for each column, even if it is empty"),
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
    pub(super) fn boxed(line: u64, why: BadLineReason) -> Box<Self> {
        Box::new(Self { line, why })
    }
}
