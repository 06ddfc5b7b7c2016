//! Where an environment's ledger is kept.

use std::fmt;
use std::path::PathBuf;

/// Where a ledger is kept. It names a store and never proves who may use it: no password and no key is part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LedgerPlace {
    /// A directory that this machine can reach, joined to the project file's.
    Directory(PathBuf),
}

/// As messages have it: without whatever a URL says of who reads it.
impl fmt::Display for LedgerPlace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(path) => path.display().fmt(formatter),
        }
    }
}
