//! Calls into sled, which panics on damaged files, and where it has too little memory.

use std::io;
use std::path::Path;

use crate::foreign;
use crate::state::backend::StateError;
use crate::state::room::shortage;

/// What is said of a file that sled cannot read. Its own words tell of offsets in it, if of anything.
const UNREADABLE: &str = "its database file cannot be read as one";

/// Runs a call into sled. What it makes of the files becomes [`StateError::Damaged`], panics included, of which nothing is
/// printed; but only where there was room to read them.
pub(super) fn unpanicked<T>(path: &Path, call: impl FnOnce() -> sled::Result<T>) -> Result<T, StateError> {
    let io = |source: io::Error| StateError::Io { doing: "use", path: path.to_owned(), source };
    let why = match foreign::unpanicked(call) {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(sled::Error::Io(source))) => return Err(io(source)),
        Ok(Err(sled::Error::Unsupported(_))) => "its database is of another make than this version's",
        Ok(Err(_)) | Err(_) => UNREADABLE,
    };
    match shortage() {
        Some(source) => Err(io(source)),
        None => Err(StateError::Damaged { path: path.to_owned(), why: why.to_owned() }),
    }
}
