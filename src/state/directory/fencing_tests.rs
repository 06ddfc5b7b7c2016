//! A writer that was fenced, and does not know it: whatever it does, the ledger that the next one goes on with is whole.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::ledger::{self, Serial};
use crate::state::candidate::Candidate;
use crate::state::conformance::{self, Hand, appended, lines, writer_on};
use crate::state::directory::DirectoryStore;
use crate::state::error::{StateError, StateErrorKind};
use crate::state::lease::{Moment, MomentClock, Terms};
use crate::state::store::{Reader, Store, Writer};

fn at(seconds: u64) -> Moment {
    Moment { boot: Duration::from_secs(seconds), wall: Duration::from_secs(seconds) }
}

/// A writer whose heartbeat comes too late to tell it of anything.
fn on(host: &str, clock: MomentClock) -> Candidate {
    writer_on(host, clock, Terms::default())
}

/// Begins a new ledger.
fn create(directory: &Path, candidate: &Candidate) -> Box<dyn Writer> {
    DirectoryStore::new(directory).create(candidate).unwrap()
}

fn take_over(directory: &Path) -> Box<dyn Writer> {
    conformance::take_over(&DirectoryStore::new(directory), Terms::default())
}

fn read(store: &dyn Reader) -> Vec<Vec<u8>> {
    store.lines().map(Result::unwrap).collect()
}

#[test]
fn what_a_writer_still_writes_that_does_not_know_of_its_fence_reaches_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    // Its clock stands still, so that every proof of its seems young: as if it woke up right behind each of them.
    let mut frozen = create(directory, &on("here", Hand::default().clock()));
    let mut theirs = ledger::Writer::default();
    appended(frozen.as_mut(), &mut theirs, 300).unwrap();
    let before = read(frozen.as_ref());
    let mut ours = theirs.clone();

    let mut next = take_over(directory);
    assert!(next.lease().fenced().is_some());
    assert_eq!(read(next.as_ref()), before, "what was durable before counts");
    appended(next.as_mut(), &mut ours, 40).unwrap();
    let so_far = read(next.as_ref());

    for _ in 0..20 {
        appended(frozen.as_mut(), &mut theirs, 200).unwrap();
    }
    let mut draft = frozen.draft().unwrap();
    draft.append(lines(&mut ledger::Writer::default(), 10), theirs.chain()).unwrap();
    assert!(draft.replace().is_err(), "there is nothing that its packed store could follow");

    assert_eq!(read(next.as_ref()), so_far);
    appended(next.as_mut(), &mut ours, 40).unwrap();
    let whole = read(next.as_ref());
    assert_eq!(next.high_water().unwrap().unwrap().0, Serial(380));
    drop(next);
    let last = take_over(directory);
    assert_eq!(read(last.as_ref()), whole);
    let view = DirectoryStore::new(directory).peek(&on("here", Hand::default().clock())).unwrap();
    assert_eq!(read(view.reader.as_ref()), whole);
}

#[test]
fn a_packed_store_is_retired_too_and_nothing_of_the_former_ones_stays() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let mut frozen = create(directory, &on("here", Hand::default().clock()));
    let mut writer = ledger::Writer::default();
    appended(frozen.as_mut(), &mut writer, 10).unwrap();
    let mut draft = frozen.draft().unwrap();
    let mut packed = ledger::Writer::default();
    draft.append(lines(&mut packed, 5), packed.chain()).unwrap();
    let frozen = draft.replace().unwrap();
    let next = take_over(directory);
    assert_eq!(read(next.as_ref()).len(), 5);
    drop((next, frozen));
    let mut names: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["high_water", "high_water.copy", "holder.json", "store-2"]);
}

#[test]
fn a_fenced_writer_writes_nothing_once_its_clock_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let hand = Hand::default();
    let mut frozen = create(directory, &on("here", hand.clock()));
    let mut writer = ledger::Writer::default();
    appended(frozen.as_mut(), &mut writer, 3).unwrap();
    let next = take_over(directory);
    hand.pass(2);
    let error = appended(frozen.as_mut(), &mut writer.clone(), 3).unwrap_err();
    assert!(matches!(error.kind, StateErrorKind::Fenced { by_whom: Some(_) }), "{error}");
    assert_eq!(read(frozen.as_ref()).len(), 3);
    drop(frozen);
    assert!(next.lease().prove().is_ok(), "its end leaves the next one's note alone");
}

#[test]
fn a_writer_that_stood_still_between_its_proof_and_its_write_does_not_count_it_as_durable() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    // After so many looks at the clock, a minute is over.
    let (looks, wakes_at) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(u64::MAX)));
    let (counted, wakes) = (Arc::clone(&looks), Arc::clone(&wakes_at));
    let clock: MomentClock = Arc::new(move || {
        let is_late = counted.fetch_add(1, Ordering::SeqCst) >= wakes.load(Ordering::SeqCst);
        at(if is_late { 60 } else { 0 })
    });
    let mut frozen = create(directory, &on("here", clock));
    let mut writer = ledger::Writer::default();
    appended(frozen.as_mut(), &mut writer, 3).unwrap();
    let next = take_over(directory);
    // The proof before the write is the last thing that it does in time.
    wakes_at.store(looks.load(Ordering::SeqCst) + 1, Ordering::SeqCst);
    let error = appended(frozen.as_mut(), &mut writer, 3).unwrap_err();
    assert!(matches!(error.kind, StateErrorKind::Fenced { .. }), "{error}");
    assert_eq!(read(frozen.as_ref()).len(), 6, "it was written, where nobody reads it");
    assert_eq!(read(next.as_ref()).len(), 3);
}

#[test]
fn a_store_that_was_torn_when_it_was_copied_takes_nobodys_place() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let mut frozen = create(directory, &on("here", Hand::default().clock()));
    let mut writer = ledger::Writer::default();
    appended(frozen.as_mut(), &mut writer, 300).unwrap();
    let notes = ["high_water", "high_water.copy"].map(|name| directory.join(name));
    let whole = notes.each_ref().map(|note| fs::read(note).unwrap());
    for (note, text) in notes.iter().zip(&whole) {
        let ahead: Vec<u8> = text.iter().map(|byte| if *byte == b'3' { b'9' } else { *byte }).collect();
        fs::write(note, ahead).unwrap();
    }
    let (hand, mut refused) = (Hand::default(), None);
    let next = on("there", hand.clock());
    for _ in 0..10 {
        match DirectoryStore::new(directory).take(&next).map(drop) {
            Err(StateError {
                kind: StateErrorKind::Locked { .. } | StateErrorKind::Silent { .. }, ..
            }) => hand.pass(32),
            other => {
                refused = Some(other.map_err(|error| error.kind));
                break;
            }
        }
    }
    assert!(
        matches!(refused, Some(Err(StateErrorKind::RolledBack { found: Serial(300), .. }))),
        "{refused:?}"
    );
    assert!(directory.join("db").is_file(), "the store is where it was");
    for (note, text) in notes.iter().zip(&whole) {
        fs::write(note, text).unwrap();
    }
    assert_eq!(read(take_over(directory).as_ref()).len(), 300);
}
