//! `campaignctl.lock`: which ledger each environment has, for git to remember.

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::domain::EnvironmentName;
use crate::ledger::Lineage;

/// The file's name, beside the project file.
pub const PIN_FILE_NAME: &str = "campaignctl.lock";

const VERSION: u32 = 1;
const PREAMBLE: &str =
    "# Which ledger each environment has. Written by `campaignctl ledger init`: commit it.\n";

/// Why the pins cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PinError {
    /// The file cannot be read or written.
    #[error("could not {doing} `{}`", path.display())]
    Io {
        /// What was tried: a verb.
        doing: &'static str,
        /// The lock file's path.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file says nothing that can be understood.
    #[error("`{}` cannot be understood from line {line} on", path.display())]
    Unreadable {
        /// The lock file's path.
        path: PathBuf,
        /// The line at which it stops to make sense, from 1.
        line: usize,
    },
    /// The file is of a later version.
    #[error("`{}` has version {found}, and this campaignctl knows {VERSION}", path.display())]
    Version {
        /// The lock file's path.
        path: PathBuf,
        /// The version that it says.
        found: u32,
    },
}

/// The pinned lineages by environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pins {
    version: u32,
    ledgers: BTreeMap<String, Lineage>,
}

impl Default for Pins {
    fn default() -> Self {
        Self { version: VERSION, ledgers: BTreeMap::new() }
    }
}

impl Pins {
    /// Reads the pins beside the project file in `directory`; none if there is no such file.
    ///
    /// # Errors
    ///
    /// Returns [`PinError`] for a file that is there and cannot be used.
    pub fn read(directory: &Path) -> Result<Self, PinError> {
        let path = directory.join(PIN_FILE_NAME);
        // A link could lead to anything, of which messages would speak.
        let is_file = path.symlink_metadata().map(|metadata| metadata.is_file());
        let text = match is_file
            .and_then(|is_file| if is_file { fs::read_to_string(&path) } else { Err(no_file()) })
        {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => return Err(PinError::Io { doing: "read", path, source }),
        };
        let pins: Self = match serde_yaml::from_str(&text) {
            Ok(pins) => pins,
            Err(error) => {
                let line = error.location().map_or(1, |location| location.line());
                return Err(PinError::Unreadable { path, line });
            }
        };
        if pins.version == VERSION { Ok(pins) } else { Err(PinError::Version { path, found: pins.version }) }
    }

    /// Returns the lineage pinned for an environment.
    #[must_use]
    pub fn lineage(&self, environment: &EnvironmentName) -> Option<&Lineage> {
        self.ledgers.get(environment.as_str())
    }

    /// Pins a lineage, and writes the file anew beside the project file in `directory`.
    ///
    /// # Errors
    ///
    /// Returns [`PinError::Io`] when it cannot be written; the old file is then still whole.
    ///
    /// # Panics
    ///
    /// Never: the pins are texts and a number.
    pub fn pin(
        &mut self,
        directory: &Path,
        environment: &EnvironmentName,
        lineage: Lineage,
    ) -> Result<(), PinError> {
        self.ledgers.insert(environment.as_str().to_owned(), lineage);
        let text = serde_yaml::to_string(self).expect("pins are texts and a number");
        let path = directory.join(PIN_FILE_NAME);
        let written = tempfile::NamedTempFile::new_in(directory).and_then(|mut file| {
            file.write_all(PREAMBLE.as_bytes())?;
            file.write_all(text.as_bytes())?;
            file.as_file().sync_all()?;
            file.persist(&path).map_err(|error| error.error)
        });
        written.map(drop).map_err(|source| PinError::Io { doing: "write", path, source })
    }
}

fn no_file() -> std::io::Error {
    std::io::Error::other("it is a link, or no file")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_survive_the_file_and_keep_each_other() {
        let directory = tempfile::tempdir().unwrap();
        let (test, production) = ("test".parse().unwrap(), "production".parse().unwrap());
        let lineage = |n| Lineage::new(uuid::Uuid::from_u128(n));
        let mut pins = Pins::read(directory.path()).unwrap();
        pins.pin(directory.path(), &test, lineage(1)).unwrap();
        pins.pin(directory.path(), &production, lineage(2)).unwrap();
        let read = Pins::read(directory.path()).unwrap();
        assert_eq!(read.lineage(&test), Some(&lineage(1)));
        assert_eq!(read.lineage(&production), Some(&lineage(2)));
    }

    #[test]
    fn a_file_that_says_something_else_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        for (text, is_version) in [("version: 2\nledgers: {}\n", true), ("ledgers: 3\n", false), ("[", false)]
        {
            fs::write(directory.path().join(PIN_FILE_NAME), text).unwrap();
            let error = Pins::read(directory.path()).unwrap_err();
            assert_eq!(matches!(error, PinError::Version { found: 2, .. }), is_version, "{text:?}: {error}");
        }
    }
}
