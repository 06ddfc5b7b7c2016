//! Where a row of an audience file stands, as a diagnostic says it.

use crate::diagnostic::Place;
use crate::load::model::TargetFileFormat;
use crate::load::targets::TargetFile;

/// Returns the place of a row, and a message about it. A Parquet file has no lines that an editor could go to.
pub(super) fn at_row(file: &TargetFile, row: u64, message: String) -> (Place, String) {
    let path = file.shown_as.clone();
    if file.format == TargetFileFormat::Parquet {
        (Place::File { path }, format!("row {row}: {message}"))
    } else {
        (Place::Line { path, line: row }, message)
    }
}
