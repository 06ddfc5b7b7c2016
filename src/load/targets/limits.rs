//! How much of an audience file is read: a bomb, or a file that is none, is left at the first row that breaks a bound.

use std::io;

use crate::diagnostic::number;

/// The ratio counts from here on: short lists of one id that repeats pack well, and cost little.
const RATIO_FROM_BYTES: u64 = 1 << 30;

/// How large an audience file may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most rows, repeats and rows with mistakes included.
    pub rows: u64,
    /// Most bytes after unpacking.
    pub unpacked_bytes: u64,
    /// Most bytes of one line, of one quoted CSV record, or of one Parquet value.
    pub line_bytes: usize,
    /// Most unpacked bytes for each packed one, once there is a GiB of them.
    pub ratio: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { rows: 200_000_000, unpacked_bytes: 64 << 30, line_bytes: 64 << 10, ratio: 200 }
    }
}

/// A bound that a file breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TooLarge {
    /// It has more rows than this.
    #[error("the file has more than {} rows", number(*.0))]
    Rows(u64),
    /// It unpacks to more bytes than this.
    #[error("the file unpacks to more than {} bytes", number(*.0))]
    Unpacked(u64),
    /// A longer line.
    #[error("the line has more than {} bytes", number(*.0 as u64))]
    Line(usize),
    /// A longer quoted record.
    #[error("the quote that is opened here is not closed within {} bytes", number(*.0 as u64))]
    Quote(usize),
    /// A longer value.
    #[error("a value has more than {} bytes", number(*.0 as u64))]
    Value(usize),
    /// More bytes for each packed one.
    #[error("the file unpacks to more than {} times its size", number(*.0))]
    Ratio(u64),
    /// A Parquet page that says that it is larger than any that a writer makes.
    #[error("a page has more than {} bytes", number(*.0))]
    Page(u64),
    /// A Parquet dictionary with more values than any that a writer makes.
    #[error("a dictionary has more than {} values", number(*.0))]
    Dictionary(u64),
    /// A Parquet page with more texts than any that a writer makes.
    #[error("a page has more than {} values", number(*.0))]
    PageValues(u64),
}

impl TooLarge {
    /// Returns the bound that an error of reading is about, if it is about one.
    pub(super) fn of(error: &io::Error) -> Option<Self> {
        error.get_ref()?.downcast_ref().copied()
    }

    /// Says what to do about it.
    #[must_use]
    pub fn help(self) -> String {
        let (what, key) = match self {
            Self::Rows(_) => ("split the list into several audiences", "audience_rows"),
            Self::Unpacked(_) => ("export only the columns that are needed", "audience_unpacked_bytes"),
            Self::Line(_) => ("check that it is the right file, and has line breaks", "audience_line_bytes"),
            Self::Quote(_) => ("close the quote", "audience_line_bytes"),
            Self::Value(_) => ("see whether it is the right column", "audience_line_bytes"),
            Self::Ratio(_) => ("check that it is the right file", "audience_ratio"),
            Self::Page(_) | Self::Dictionary(_) | Self::PageValues(_) => {
                return "write it again with a Parquet writer's usual page size; nothing of the page was read".to_owned();
            }
        };
        format!("{what}; or raise `limits.{key}` in the project file; nothing after this was read")
    }
}

impl Limits {
    /// Returns how many bytes may still be unpacked.
    pub(super) fn room(&self, unpacked_bytes: u64) -> u64 {
        self.unpacked_bytes.saturating_sub(unpacked_bytes)
    }

    /// Checks how much was unpacked of how much.
    ///
    /// # Errors
    ///
    /// Returns the bound that is broken.
    pub(super) fn check(&self, unpacked_bytes: u64, packed_bytes: u64) -> Result<(), TooLarge> {
        if unpacked_bytes > self.unpacked_bytes {
            return Err(TooLarge::Unpacked(self.unpacked_bytes));
        }
        let is_in_proportion = unpacked_bytes <= packed_bytes.saturating_mul(self.ratio);
        if unpacked_bytes > RATIO_FROM_BYTES && !is_in_proportion {
            return Err(TooLarge::Ratio(self.ratio));
        }
        Ok(())
    }
}

impl From<TooLarge> for io::Error {
    fn from(too_large: TooLarge) -> Self {
        Self::other(too_large)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_counts_once_there_is_much() {
        let limits = Limits::default();
        assert_eq!(limits.check(RATIO_FROM_BYTES, 1), Ok(()));
        assert_eq!(limits.check(RATIO_FROM_BYTES + 1, 1), Err(TooLarge::Ratio(200)));
        assert_eq!(limits.check(RATIO_FROM_BYTES + 1, RATIO_FROM_BYTES / 200 + 1), Ok(()));
        assert_eq!(limits.check((64 << 30) + 1, 64 << 30), Err(TooLarge::Unpacked(64 << 30)));
    }
}
