//! What is the directory's own: damaged files, and what killed processes leave there.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use crate::ledger::{self, Serial};
use crate::state::candidate::Candidate;
use crate::state::conformance::{appended, candidate, copy, lines};
use crate::state::directory::DirectoryStore;
use crate::state::error::{StateError, StateErrorKind};
use crate::state::probe::{Hook, Point};
use crate::state::store::{Reader, Store, Writer};

fn store(directory: &Path) -> DirectoryStore {
    DirectoryStore::new(directory)
}

fn taken(directory: &Path) -> Box<dyn Writer> {
    store(directory).take(&candidate("apply")).unwrap()
}

/// A new ledger of so many lines.
fn filled(directory: &Path, count: u128) {
    let mut made = store(directory).create(&candidate("apply")).unwrap();
    appended(made.as_mut(), &mut ledger::Writer::default(), count).unwrap();
}

#[test]
fn a_store_that_lost_its_records_knows_that_it_had_some() {
    let directory = tempfile::tempdir().unwrap();
    filled(directory.path(), 1);
    fs::remove_file(directory.path().join("db")).unwrap();
    // By its high water, or already by sled's snapshot, where sled has written one.
    match store(directory.path()).create(&candidate("apply")) {
        Ok(made) => assert_eq!(made.high_water().unwrap().unwrap().0, Serial(1)),
        Err(error) => assert!(matches!(error.kind, StateErrorKind::Damaged { .. }), "{error}"),
    }
    assert_eq!(store(directory.path()).known_serial().unwrap(), Some(Serial(1)));
}

/// Found by the crash loop: what is left of a snapshot that was being written when the process was killed.
#[test]
fn an_unfinished_snapshot_does_not_cost_the_ledger() {
    let directory = tempfile::tempdir().unwrap();
    filled(directory.path(), 3);
    let unfinished = directory.path().join("snap.7FFFFFFFFFFFFFFF.generating");
    for bytes in [&b""[..], &[7; 40]] {
        fs::write(&unfinished, bytes).unwrap();
        let peeked = store(directory.path()).peek(&candidate("plan")).unwrap();
        assert_eq!(peeked.reader.lines().count(), 3);
        assert_eq!(taken(directory.path()).lines().count(), 3);
        assert!(!unfinished.exists());
    }
}

#[test]
fn damaged_files_are_an_error_and_no_panic() {
    let directory = tempfile::tempdir().unwrap();
    filled(directory.path(), 2_000);
    let path = directory.path().join("db");
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 3;
    bytes[middle..middle + 4096].fill(0);
    fs::write(&path, bytes).unwrap();
    let read = store(directory.path()).take(&candidate("apply")).map(|taken| {
        let lines: Vec<_> = taken.lines().map_while(Result::ok).collect();
        (lines.len() as u64, taken.high_water().unwrap().map(|(serial, _)| serial.0))
    });
    match read {
        Err(StateError { kind: StateErrorKind::Damaged { .. }, .. }) => {}
        // Where sled swallows the damage, what is left is shorter than what is known to have been.
        Ok((found, Some(known))) => assert!(found < known, "{found} of {known} records"),
        other => panic!("damage went unnoticed: {other:?}"),
    }
}

#[test]
fn a_reader_keeps_writers_out_and_one_that_only_peeks_does_not() {
    let directory = tempfile::tempdir().unwrap();
    filled(directory.path(), 3);
    let take = || store(directory.path()).take(&candidate("apply")).map(drop);
    let peeked = store(directory.path()).peek(&candidate("plan")).unwrap();
    take().unwrap();
    assert!(peeked.may_be_torn);
    let read = store(directory.path()).snapshot(&candidate("plan")).unwrap();
    assert!(!read.may_be_torn);
    assert!(matches!(take().unwrap_err().kind, StateErrorKind::Locked { .. }));
    drop(read);
    take().unwrap();
}

#[test]
fn the_end_is_found_whatever_the_last_lines_are_laid_into() {
    let directory = tempfile::tempdir().unwrap();
    let mut made = store(directory.path()).create(&candidate("apply")).unwrap();
    let mut writer = ledger::Writer::default();
    for count in [1, 2, 300, 1] {
        appended(made.as_mut(), &mut writer, count).unwrap();
        drop(made);
        // This one has to look, since it wrote nothing yet.
        made = taken(directory.path());
    }
    let mut state = 1_u64;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        b' ' + (state >> 58) as u8
    };
    // One line in many pieces, which cannot be packed.
    let long: Vec<u8> = (0..60_000).map(|_| noise()).collect();
    made.append(writer.serial(), vec![(writer.serial().next(), long)], writer.chain()).unwrap();
    drop(made);
    let mut made = taken(directory.path());
    let after = Serial(writer.serial().0 + 1);
    made.append(after, vec![(after.next(), b"{}".to_vec())], writer.chain()).unwrap();
    assert_eq!(made.lines().count() as u64, after.0 + 1);
}

#[test]
fn what_a_rebuilt_ledger_replaces_is_kept_beside_it_whole() {
    let outer = tempfile::tempdir().unwrap();
    let directory = outer.path().join("ledger");
    filled(&directory, 40);
    let at = |candidate: &Candidate| {
        let mut draft = store(&directory).rebuild(candidate).unwrap();
        let mut writer = ledger::Writer::default();
        let lines = lines(&mut writer, 50);
        draft.append(lines, writer.chain()).unwrap();
        let kept = draft.keeps().unwrap();
        drop(draft.replace().unwrap());
        kept
    };
    let kept = at(&candidate("apply"));
    assert_eq!(kept, outer.path().join("ledger.damaged-19700101T000000Z").display().to_string());
    assert_eq!(taken(Path::new(&kept)).lines().count(), 40);
    assert_eq!(taken(&directory).lines().count(), 50);
}

#[test]
fn a_rebuild_that_is_killed_leaves_a_whole_ledger_or_one_that_is_known_to_be_missing() {
    let outer = tempfile::tempdir().unwrap();
    let directory = outer.path().join("ledger");
    filled(&directory, 40);
    let images: Arc<Mutex<Vec<tempfile::TempDir>>> = Arc::default();
    let (taken, copied) = (Arc::clone(&images), directory.clone());
    let hook: Hook = Arc::new(move |point| {
        if point == Point::Replacing {
            let image = tempfile::tempdir()?;
            copy(&copied, &image.path().join("ledger"));
            taken.lock().unwrap().push(image);
        }
        Ok(())
    });
    let mut rebuilt = store(&directory);
    rebuilt.probe.hook = Some(hook);
    let mut draft = rebuilt.rebuild(&candidate("apply")).unwrap();
    let mut writer = ledger::Writer::default();
    let written = lines(&mut writer, 50);
    draft.append(written, writer.chain()).unwrap();
    drop(draft.replace().unwrap());
    let mut found = Vec::new();
    for image in images.lock().unwrap().iter() {
        let image = store(&image.path().join("ledger"));
        assert!(image.known_serial().unwrap() >= Some(Serial(40)), "it looks new");
        found.push(match image.peek(&candidate("plan")) {
            Ok(seen) => seen.reader.lines().map(Result::unwrap).count(),
            Err(StateError { kind: StateErrorKind::Missing, .. }) => 0,
            Err(error) => panic!("{error}"),
        });
    }
    assert_eq!((found.first(), found.last()), (Some(&40), Some(&50)));
    assert!(found.iter().all(|lines| [0, 40, 50].contains(lines)), "{found:?}");
}
