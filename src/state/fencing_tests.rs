//! A writer that was fenced, and does not know it: whatever it does, the ledger that the next one goes on with is whole.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::ledger::{Record, RunId, Serial, Writer};
use crate::state::backend::{Backend, StateError};
use crate::state::conformance::holder;
use crate::state::lease::{Moment, MomentClock, Terms};
use crate::state::process::Origin;
use crate::state::{Candidate, SledBackend};

/// Seconds, set by hand.
#[derive(Clone, Default)]
struct Hand(Arc<AtomicU64>);

impl Hand {
    fn pass(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }

    fn clock(&self) -> MomentClock {
        let hand = self.clone();
        Arc::new(move || at(hand.0.load(Ordering::SeqCst)))
    }
}

fn at(seconds: u64) -> Moment {
    Moment { boot: Duration::from_secs(seconds), wall: Duration::from_secs(seconds) }
}

/// A writer on another host, by a clock.
fn on(host: &str, clock: MomentClock) -> Candidate {
    let mut holder = holder("apply");
    let origin = Origin::of_this_process().unwrap();
    holder.origin = Some(Origin { boot: host.to_owned(), ..origin });
    Candidate::new(holder, Terms::default(), clock)
}

/// Waits by hand until the lease of the writer before is over. Its signs really come, every few seconds.
fn take_over(directory: &Path) -> SledBackend {
    let hand = Hand::default();
    let next = on("there", hand.clock());
    for _ in 0..10 {
        match SledBackend::open(directory, &next) {
            Ok(backend) => return backend,
            Err(StateError::Locked { .. } | StateError::Silent { .. }) => hand.pass(32),
            Err(error) => panic!("{error}"),
        }
    }
    panic!("it never was free");
}

fn lines(writer: &mut Writer, count: u128) -> Vec<(Serial, Vec<u8>)> {
    let record = |n| Record::RunStarted {
        run: RunId::new(uuid::Uuid::from_u128(n)),
        plan: "p".repeat(200),
        actor: "a".into(),
        process: None,
        ci_run: None,
        receiver: None,
    };
    (0..count).map(|n| writer.encode(chrono::DateTime::UNIX_EPOCH, &record(n))).collect()
}

fn read(backend: &SledBackend) -> Vec<Vec<u8>> {
    backend.lines().map(Result::unwrap).collect()
}

fn append(backend: &mut SledBackend, writer: &mut Writer, count: u128) -> Result<(), StateError> {
    let lines = lines(writer, count);
    backend.append(lines, writer.chain())
}

#[test]
fn what_a_writer_still_writes_that_does_not_know_of_its_fence_reaches_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    // Its clock stands still, so that every proof of its seems young: as if it woke up right behind each of them.
    let mut frozen = SledBackend::create(directory, &on("here", Hand::default().clock())).unwrap();
    let mut theirs = Writer::default();
    append(&mut frozen, &mut theirs, 300).unwrap();
    let before = read(&frozen);
    let mut ours = theirs.clone();

    let mut next = take_over(directory);
    assert!(next.lease().fenced().is_some());
    assert_eq!(read(&next), before, "what was durable before counts");
    append(&mut next, &mut ours, 40).unwrap();
    let so_far = read(&next);

    for _ in 0..20 {
        append(&mut frozen, &mut theirs, 200).unwrap();
    }
    let mut draft = frozen.draft().unwrap();
    draft.append(lines(&mut Writer::default(), 10), theirs.chain()).unwrap();
    assert!(
        Box::new(frozen).supersede(draft).is_err(),
        "there is nothing that its packed store could follow"
    );

    assert_eq!(read(&next), so_far);
    append(&mut next, &mut ours, 40).unwrap();
    let whole = read(&next);
    assert_eq!(next.high_water().unwrap().unwrap().0, Serial(380));
    drop(next);
    let last = take_over(directory);
    assert_eq!(read(&last), whole);
    let view = SledBackend::view(directory).unwrap();
    assert_eq!(read(&view), whole);
}

#[test]
fn a_packed_store_is_retired_too_and_nothing_of_the_former_ones_stays() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let mut frozen = SledBackend::create(directory, &on("here", Hand::default().clock())).unwrap();
    let mut writer = Writer::default();
    append(&mut frozen, &mut writer, 10).unwrap();
    let mut draft = frozen.draft().unwrap();
    let mut packed = Writer::default();
    draft.append(lines(&mut packed, 5), packed.chain()).unwrap();
    let frozen = Box::new(frozen).supersede(draft).unwrap();
    let next = take_over(directory);
    assert_eq!(read(&next).len(), 5);
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
    let mut frozen = SledBackend::create(directory, &on("here", hand.clock())).unwrap();
    let mut writer = Writer::default();
    append(&mut frozen, &mut writer, 3).unwrap();
    let next = take_over(directory);
    hand.pass(2);
    let error = append(&mut frozen, &mut writer.clone(), 3).unwrap_err();
    assert!(matches!(&error, StateError::Fenced { by_whom: Some(_), .. }), "{error}");
    assert_eq!(read(&frozen).len(), 3);
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
    let mut frozen = SledBackend::create(directory, &on("here", clock)).unwrap();
    let mut writer = Writer::default();
    append(&mut frozen, &mut writer, 3).unwrap();
    let next = take_over(directory);
    // The proof before the write is the last thing that it does in time.
    wakes_at.store(looks.load(Ordering::SeqCst) + 1, Ordering::SeqCst);
    let error = append(&mut frozen, &mut writer, 3).unwrap_err();
    assert!(matches!(error, StateError::Fenced { .. }), "{error}");
    assert_eq!(read(&frozen).len(), 6, "it was written, where nobody reads it");
    assert_eq!(read(&next).len(), 3);
}

#[test]
fn a_store_that_was_torn_when_it_was_copied_takes_nobodys_place() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let mut frozen = SledBackend::create(directory, &on("here", Hand::default().clock())).unwrap();
    let mut writer = Writer::default();
    append(&mut frozen, &mut writer, 300).unwrap();
    let notes = ["high_water", "high_water.copy"].map(|name| directory.join(name));
    let whole = notes.each_ref().map(|note| fs::read(note).unwrap());
    for (note, text) in notes.iter().zip(&whole) {
        let ahead: Vec<u8> = text.iter().map(|byte| if *byte == b'3' { b'9' } else { *byte }).collect();
        fs::write(note, ahead).unwrap();
    }
    let (hand, mut refused) = (Hand::default(), None);
    let next = on("there", hand.clock());
    for _ in 0..10 {
        match SledBackend::open(directory, &next).map(drop) {
            Err(StateError::Locked { .. } | StateError::Silent { .. }) => hand.pass(32),
            other => {
                refused = Some(other);
                break;
            }
        }
    }
    assert!(matches!(refused, Some(Err(StateError::RolledBack { found: Serial(300), .. }))), "{refused:?}");
    assert!(directory.join("db").is_file(), "the store is where it was");
    for (note, text) in notes.iter().zip(&whole) {
        fs::write(note, text).unwrap();
    }
    assert_eq!(read(&take_over(directory)).len(), 300);
}
