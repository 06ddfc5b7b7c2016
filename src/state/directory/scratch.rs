//! Where a copy of a store is read: the directory for temporary files, or another place where that has no room or cannot be
//! written to. Who only looks at a ledger shall not need room on the disk that it filled.

use std::io;
use std::path::Path;

use tempfile::TempDir;

/// Where else files may be that are gone after a command; the first is memory, on Linux.
const OTHER_PLACES: [&str; 3] = ["/dev/shm", "/var/tmp", "/tmp"];

/// Returns a directory that is gone with the value, once `fill` has filled it.
///
/// # Errors
///
/// Returns what stood in the way, place by place.
pub(super) fn filled(fill: impl Fn(&Path) -> io::Result<()>) -> io::Result<TempDir> {
    let first = std::iter::once(None);
    let mut refused: Vec<(String, io::Error)> = Vec::new();
    for place in first.chain(OTHER_PLACES.map(Path::new).map(Some)) {
        let made = place.map_or_else(tempfile::tempdir, tempfile::tempdir_in);
        let filled = made.and_then(|directory| fill(directory.path()).map(|()| directory));
        match filled {
            Ok(directory) => return Ok(directory),
            // What is wrong with what is copied would be wrong anywhere.
            Err(error) if !is_of_place(&error) => return Err(error),
            Err(error) => {
                let name = place.map_or_else(|| "$TMPDIR".to_owned(), |place| place.display().to_string());
                refused.push((name, error));
            }
        }
    }
    let kind = refused.first().map_or(io::ErrorKind::Other, |(_, error)| error.kind());
    let places: Vec<String> = refused.iter().map(|(place, error)| format!("`{place}`: {error}")).collect();
    Err(io::Error::new(kind, format!("no place for a copy to read from: {}", places.join("; "))))
}

/// Whether an error may be the place's: full, read-only, or not there.
fn is_of_place(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, NotADirectory, NotFound, PermissionDenied};
    use io::ErrorKind::{QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    matches!(
        error.kind(),
        FileTooLarge
            | NotADirectory
            | NotFound
            | PermissionDenied
            | QuotaExceeded
            | ReadOnlyFilesystem
            | StorageFull
    )
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::fs;

    use super::*;

    #[test]
    fn where_one_place_has_no_room_the_next_one_is_taken_and_nothing_is_left() {
        let tries = Cell::new(0);
        let fill = |to: &Path| {
            tries.set(tries.get() + 1);
            fs::write(to.join("copied"), "x")?;
            if tries.get() == 1 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
        };
        let directory = filled(fill).unwrap();
        assert_eq!(
            (tries.get(), fs::read_to_string(directory.path().join("copied")).unwrap()),
            (2, "x".into())
        );
        let path = directory.path().to_owned();
        drop(directory);
        assert!(!path.exists());
    }

    #[test]
    fn every_place_that_was_tried_is_named_and_what_is_copied_is_to_blame_at_once() {
        let error = filled(|_| Err(io::ErrorKind::StorageFull.into())).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert!(OTHER_PLACES.iter().all(|place| error.to_string().contains(place)), "{error}");
        let tries = Cell::new(0);
        let fill = |_: &Path| {
            tries.set(tries.get() + 1);
            Err(io::ErrorKind::InvalidData.into())
        };
        assert_eq!(filled(fill).unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert_eq!(tries.get(), 1);
    }
}
