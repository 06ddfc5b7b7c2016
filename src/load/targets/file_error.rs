//! Why an audience file gives no rows at all, as a diagnostic. Tells nothing of what is in it.

use std::io;

use crate::diagnostic::{Code, Diagnostic, Place};
use crate::load::targets::{BadLineReason, Disguise, TooLarge, header, look_alike, packing_help};

/// Why an audience file gives no ids at all.
#[derive(Debug, thiserror::Error)]
pub enum TargetFileError {
    /// The system refused.
    #[error("`{shown_as}` cannot be read: {source}")]
    Unreadable {
        /// Its path, as messages show it.
        shown_as: String,
        /// What the system says.
        source: io::Error,
    },
    /// More than the file may have, before its first row.
    #[error("`{shown_as}` is too large: {why}")]
    TooLarge {
        /// Its path, as messages show it.
        shown_as: String,
        /// The bound that it breaks.
        why: TooLarge,
    },
    /// A path that leads to what neither the workspace nor the machine allows.
    #[error("`{shown_as}` leads out of the workspace")]
    Outside {
        /// The path, as YAML names it.
        shown_as: String,
    },
    /// A directory, a device or a pipe.
    #[error("`{shown_as}` is not a file")]
    NotAFile {
        /// The path, as YAML names it.
        shown_as: String,
    },
    /// A format whose ids stand under a name, and no name.
    #[error("nothing says which column or field of `{shown_as}` holds the ids")]
    Unnamed {
        /// Its path, as messages show it.
        shown_as: String,
    },
    /// Values out of a format that has nothing but ids.
    #[error("`{shown_as}` is plain text: it has no column `{column}`")]
    NoColumns {
        /// Its path, as messages show it.
        shown_as: String,
        /// The first column that was asked for.
        column: String,
    },
    /// A CSV file without any line.
    #[error("`{shown_as}` has no header line")]
    NoHeader {
        /// Its path, as messages show it.
        shown_as: String,
    },
    /// A CSV header that goes wrong itself.
    #[error("the header line of `{shown_as}` cannot be read: {why}")]
    BadHeader {
        /// Its path, as messages show it.
        shown_as: String,
        /// What is wrong with it.
        why: BadLineReason,
    },
    /// A CSV header that does not name the column.
    #[error("`{shown_as}` has no column `{column}`")]
    NoColumn {
        /// Its path, as messages show it.
        shown_as: String,
        /// The column that was asked for.
        column: String,
        /// The columns that there are; never printed, since they are the file's.
        columns: Vec<String>,
    },
    /// A header that names the column twice.
    #[error("`{shown_as}` has the column `{column}` twice")]
    ColumnTwice {
        /// Its path, as messages show it.
        shown_as: String,
        /// The column that was asked for.
        column: String,
    },
    /// A Parquet column of something that cannot be an id or a value as it stands.
    #[error("the column `{column}` of `{shown_as}` holds {kind}, which is neither text nor whole numbers")]
    UnfitColumn {
        /// Its path, as messages show it.
        shown_as: String,
        /// The column that was asked for.
        column: String,
        /// What it holds, in the words of the format.
        kind: String,
    },
    /// Something else, or a Parquet file that lost its end.
    #[error("`{shown_as}` is no whole Parquet file: {why}")]
    NotParquet {
        /// Its path, as messages show it.
        shown_as: String,
        /// What its reader says.
        why: String,
    },
    /// Its first bytes are those of something else.
    #[error("`{shown_as}` {what}")]
    Disguised {
        /// Its path, as messages show it.
        shown_as: String,
        /// What it is.
        what: Disguise,
    },
    /// A Parquet file with more in it than its footer knows.
    #[error("`{shown_as}` has {bytes} bytes that its footer does not account for")]
    ParquetJoined {
        /// Its path, as messages show it.
        shown_as: String,
        /// How many.
        bytes: u64,
    },
    /// A Parquet file behind another one.
    #[error("`{shown_as}` is two Parquet files, one behind the other: the footer knows of the last one only")]
    ParquetTwice {
        /// Its path, as messages show it.
        shown_as: String,
    },
    /// A Parquet column that is packed in a way that this program does not read.
    #[error("`{shown_as}` is packed with {codec}, which `campaignctl` does not read")]
    ParquetCodec {
        /// Its path, as messages show it.
        shown_as: String,
        /// The name of the packing.
        codec: &'static str,
    },
    /// A Parquet file inside a packed one, which cannot be read from its end.
    #[error("`{shown_as}` is a packed file, and Parquet files are packed inside")]
    PackedParquet {
        /// Its path, as messages show it.
        shown_as: String,
    },
    /// A Parquet file, and a build that leaves their reader out.
    #[error("`{shown_as}` is a Parquet file, which this build of `campaignctl` cannot read")]
    ParquetLeftOut {
        /// Its path, as messages show it.
        shown_as: String,
    },
}

impl TargetFileError {
    /// Returns the diagnostic's code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Unreadable { .. } => Code::UnreadableFile,
            Self::TooLarge { .. } => Code::AudienceTooLarge,
            Self::Outside { .. } => Code::FileOutside,
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
            | Self::TooLarge { .. }
            | Self::Outside { .. }
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
            Self::TooLarge { why, .. } => why.help(),
            Self::Outside { .. } => {
                "copy the file into the workspace; or allow its directory on this machine, in `CAMPAIGNCTL_AUDIENCE_ROOTS`".to_owned()
            }
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
            Self::NoColumn { column, columns, .. } if let Some(help) = look_alike::help(column, columns) => {
                help
            }
            Self::NoColumn { column, columns, .. } => header::help(column, columns),
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
