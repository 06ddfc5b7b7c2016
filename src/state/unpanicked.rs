//! Calls into sled, which panics on damaged files.

use std::path::Path;

use crate::foreign;
use crate::state::backend::StateError;

/// Runs a call into sled; a panic in it becomes [`StateError::Damaged`], and prints nothing.
pub(super) fn unpanicked<T>(path: &Path, call: impl FnOnce() -> sled::Result<T>) -> Result<T, StateError> {
    let damaged = |why: String| StateError::Damaged { path: path.to_owned(), why };
    match foreign::unpanicked(call) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(sled::Error::Io(source))) => {
            Err(StateError::Io { doing: "use", path: path.to_owned(), source })
        }
        Ok(Err(error)) => Err(damaged(error.to_string())),
        Err(words) => Err(damaged(words.unwrap_or_else(|| "its database gave up without a word".to_owned()))),
    }
}
