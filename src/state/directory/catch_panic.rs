//! Calls into sled, which panics on damaged files, and where it has too little memory.

use std::io;
use std::path::Path;

use crate::foreign;
use crate::state::directory::room::shortage;
use crate::state::error::StateErrorKind;

/// What is said of a file that sled cannot read. Its own words tell of offsets in it, if of anything.
const UNREADABLE: &str = "its database file cannot be read as one";

/// Runs a call into sled. What it makes of the files becomes [`StateErrorKind::Damaged`], panics included, of which nothing is
/// printed; but only where there was room to read them.
pub(super) fn catch_panic<T>(
    path: &Path,
    call: impl FnOnce() -> sled::Result<T>,
) -> Result<T, StateErrorKind> {
    let io = |source: io::Error| StateErrorKind::Io { doing: "use", path: path.to_owned(), source };
    let why = match foreign::catch_panic(call) {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(sled::Error::Io(source))) => return Err(io(of_the_system(source))),
        Ok(Err(sled::Error::Unsupported(_))) => "its database is of another make than this version's",
        Ok(Err(_)) | Err(_) => UNREADABLE,
    };
    match shortage() {
        Some(source) => Err(io(source)),
        None => Err(StateErrorKind::Damaged { why: why.to_owned() }),
    }
}

/// Returns what the system said. sled hands some of its errors on as a text, in the words of a debugger.
fn of_the_system(source: io::Error) -> io::Error {
    let text = source.to_string();
    let code = text.strip_prefix("Os { code: ").and_then(|rest| rest.split(',').next());
    code.and_then(|code| code.parse().ok()).map_or(source, io::Error::from_raw_os_error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_that_sled_made_a_text_of_is_the_systems_again() {
        let full = io::Error::from_raw_os_error(28);
        let handed_on = io::Error::other(format!("{full:?}"));
        assert_eq!(of_the_system(handed_on).to_string(), full.to_string());
        assert_eq!(of_the_system(io::Error::other("bytes are missing")).to_string(), "bytes are missing");
    }
}
