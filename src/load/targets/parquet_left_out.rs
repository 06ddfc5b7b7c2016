//! Stands in for the reader of Parquet files in a build without the feature `parquet`: there are no such rows.

use std::fs::File;

use crate::domain::TargetRow;
use crate::load::targets::{BadLine, Limits, TargetFileError};

/// What this build cannot make.
#[derive(Debug)]
pub(super) enum ParquetRows {}

impl ParquetRows {
    pub(super) fn open(
        _: File,
        _: (&str, &[String]),
        shown_as: &str,
        _: Limits,
    ) -> Result<Self, TargetFileError> {
        Err(TargetFileError::ParquetLeftOut { shown_as: shown_as.to_owned() })
    }

    pub(super) fn row(&self) -> u64 {
        match *self {}
    }

    pub(super) fn next_row(&mut self) -> Option<Result<TargetRow<'_>, Box<BadLine>>> {
        match *self {}
    }
}
