//! Goes on in a copy of a store whose writer was fenced without proof of its end.
//!
//! That writer still has files open, and knows paths. Whatever it does with them once it wakes, it does to the store that
//! was retired: the copy is other files under another path. The take-over becomes a record (`taken_over`); until then it
//! stays in the note, so that after a crash in between the next writer does all of it again.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::ledger::{Serial, Writer};
use crate::state::directory::reader::DirectoryReader;
use crate::state::directory::store_files;
use crate::state::error::StateErrorKind;
use crate::state::lease::Lease;
use crate::state::store::Reader;

/// So many torn copies in a row, and the store itself is taken to be broken.
const ATTEMPTS_MAX: u32 = 10;
const POLL: Duration = Duration::from_millis(50);

/// Copies the store that counts, puts the copy in its stead, and returns its number and place.
///
/// The note that fences the other writer stands by now. It is waited until that one has noticed: what was durable before
/// counts, and is in the copy, since a writer relies on a step only if it saw its own note at most a second before.
pub(super) fn retire(directory: &Path, lease: &Lease) -> Result<(u32, PathBuf), StateErrorKind> {
    let io = |source| StateErrorKind::Io { doing: "copy the store in", path: directory.to_owned(), source };
    std::thread::sleep(lease.settles_after());
    lease.prove()?;
    // What that writer was about to put in place is gone before anything is put there.
    store_files::tidy(directory, 0).map_err(io)?;
    let draft = store_files::draft(directory, &uuid::Uuid::new_v4().to_string());
    let mut attempts_left = ATTEMPTS_MAX;
    loop {
        attempts_left -= 1;
        let copied = store_files::copy_to_draft(directory, &draft).map_err(io);
        match copied.and_then(|()| prove_whole(&draft)) {
            Ok(()) => break,
            Err(StateErrorKind::Damaged { .. } | StateErrorKind::RolledBack { .. }) if attempts_left > 0 => {
                std::thread::sleep(POLL);
            }
            Err(error) => {
                // What cannot be removed is, by whoever opens the ledger next.
                drop(std::fs::remove_dir_all(&draft));
                return Err(error);
            }
        }
    }
    lease.prove()?;
    store_files::retire(directory, &draft).map_err(io)
}

/// Proves that a copy is not torn, without touching it: it is read from another copy.
fn prove_whole(draft: &Path) -> Result<(), StateErrorKind> {
    let view = DirectoryReader::copy(draft)?;
    let mut writer = Writer::default();
    for line in view.lines() {
        writer.decode(&line?).map_err(|damage| StateErrorKind::Damaged { why: damage.to_string() })?;
    }
    let known = view.high_water()?.map_or(Serial(0), |(serial, _)| serial);
    if known > writer.serial() {
        return Err(StateErrorKind::RolledBack { found: writer.serial(), known });
    }
    Ok(())
}
