//! Who goes in, who waits and who is told of whom, note by note.

use std::fs::{self, OpenOptions};
use std::path::Path;
use std::slice::from_ref;
use std::sync::Arc;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::DateTime;
use serde::Deserialize;

use crate::domain::LedgerPlace;
use crate::state::candidate::{Candidate, Left};
use crate::state::directory::claim::{self, CLAIM_FILE_NAME, Claim};
use crate::state::directory::lock::{HeldLock, read_under, sign, take, take_to_read};
use crate::state::directory::note::{NOTE_FILE_NAME, Note, read_note};
use crate::state::directory::unlock::{clear, left_behind};
use crate::state::error::StateErrorKind;
use crate::state::holder::Holder;
use crate::state::lease::{Moment, MomentClock, Standing, Tenure, Terms};
use crate::state::process::Origin;

/// Somebody on a host; `here` is this one, where the process is this test's unless it has another number.
fn on(host: &str, process: u32) -> Holder {
    let origin = Origin::of_this_process().unwrap();
    let origin = if host == "here" { origin } else { Origin { boot: host.into(), ..origin } };
    Holder {
        command: "apply".into(),
        actor: format!("ann@{host}"),
        host: host.into(),
        process,
        origin: Some(origin),
        since: DateTime::UNIX_EPOCH,
        ci_run: None,
        writes: true,
    }
}

/// A process on this host that is gone: no process has the highest number.
fn gone() -> Holder {
    on("here", u32::MAX >> 1)
}

fn living() -> Holder {
    on("here", std::process::id())
}

/// What version 0.2 writes.
fn of_older(host: &str) -> Holder {
    Holder { origin: None, ..on(host, 1) }
}

/// A clock that stands still until it is told to go on.
#[derive(Clone, Default)]
struct Hand(Arc<AtomicU64>);

impl Hand {
    fn pass(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }

    fn candidate(&self, holder: Holder) -> Candidate {
        let hand = self.clone();
        let clock: MomentClock = Arc::new(move || {
            let now = Duration::from_secs(hand.0.load(Ordering::SeqCst));
            Moment { boot: now, wall: now }
        });
        Candidate::new(holder, Terms::default(), clock)
    }
}

fn candidate(holder: &Holder) -> Candidate {
    Hand::default().candidate(holder.clone())
}

/// Takes the lock as on a file system that carries none from one host to the other.
fn take_unlocked(directory: &Path, candidate: &Candidate) -> Result<HeldLock, StateErrorKind> {
    let path = directory.join(NOTE_FILE_NAME);
    let file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path);
    sign(directory, candidate, Some(file.unwrap()))
}

/// Takes it to read, on such a file system.
fn read_unlocked(directory: &Path, candidate: &Candidate) -> Result<fs::File, StateErrorKind> {
    let path = directory.join(NOTE_FILE_NAME);
    let file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path);
    read_under(directory, candidate, Some(file.unwrap()))
}

fn left_by<T>(taken: Result<T, StateErrorKind>) -> Holder {
    match taken.map(drop) {
        Err(StateErrorKind::LeftLocked { holder, .. } | StateErrorKind::Silent { holder, .. }) => *holder,
        other => panic!("expected another host's lock, got {other:?}"),
    }
}

fn leave(directory: &Path, note: &Note) {
    fs::write(directory.join(NOTE_FILE_NAME), note.text()).unwrap();
}

fn epoch(directory: &Path) -> u64 {
    read_note(directory).unwrap().unwrap().opening.unwrap().epoch
}

#[test]
fn of_two_hosts_that_start_together_one_goes_in() {
    let directory = tempfile::tempdir().unwrap();
    let hosts = [living(), on("there", 2)];
    for round in 0..300 {
        let barrier = Barrier::new(2);
        let taken = std::thread::scope(|scope| {
            let start = |holder: &Holder| {
                let (directory, barrier, candidate) = (directory.path(), &barrier, candidate(holder));
                scope.spawn(move || {
                    barrier.wait();
                    take_unlocked(directory, &candidate)
                })
            };
            let started = [start(&hosts[0]), start(&hosts[1])];
            started.map(|thread| thread.join().unwrap())
        });
        let winners = taken.iter().filter(|taken| taken.is_ok()).count();
        assert_eq!(winners, 1, "round {round}: {taken:?}");
        let place = usize::from(taken[1].is_ok());
        assert_eq!(read_note(directory.path()).unwrap().unwrap().holder, hosts[place]);
        drop(taken);
        assert_eq!(left_behind(directory.path(), &candidate(&living())).unwrap(), Left::Nobody);
        assert_eq!(epoch(directory.path()), round + 1, "every opening has an epoch of its own");
        let names = fs::read_dir(directory.path()).unwrap().count();
        assert_eq!(names, 1, "nothing is left but the note");
    }
}

#[test]
fn a_namesake_that_lives_is_not_taken_for_a_dead_process_of_this_host() {
    let directory = tempfile::tempdir().unwrap();
    let namesake = Holder { host: "here".into(), actor: "ann@here".into(), ..on("another boot", 7) };
    let held = take_unlocked(directory.path(), &candidate(&namesake)).unwrap();
    assert_eq!(left_by(take_unlocked(directory.path(), &candidate(&living()))), namesake);
    drop(held);
    // The same number in another namespace, as in two containers of one host.
    let mut contained = gone();
    contained.origin.as_mut().unwrap().pid_namespace = "pid:[1]".into();
    let held = take_unlocked(directory.path(), &candidate(&contained)).unwrap();
    assert_eq!(left_by(take_unlocked(directory.path(), &candidate(&living()))), contained);
    drop(held);
}

#[test]
fn who_is_gone_from_this_host_is_followed_at_once_and_fences_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let dead = gone();
    leave(directory.path(), &Note::of(&candidate(&dead), 4, None));
    let held = take(directory.path(), &candidate(&living())).unwrap();
    assert_eq!((held.took_over(), held.lease().fenced()), (Some(&dead), None));
    assert_eq!(epoch(directory.path()), 5);
    drop(held);
    let next = take(directory.path(), &candidate(&living())).unwrap();
    assert!(next.took_over().is_none(), "a note that was closed is nobody's");
}

#[test]
fn a_writer_without_signs_is_waited_for_and_then_fenced() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let (frozen, hand) = (on("there", 1), Hand::default());
    let held = take_unlocked(directory, &candidate(&frozen)).unwrap();
    let next = hand.candidate(living());
    for (passed, left) in [(0, 32), (10, 22), (21, 1)] {
        hand.pass(passed);
        match take_unlocked(directory, &next).map(drop) {
            Err(StateErrorKind::Silent { left: found, .. }) => assert_eq!(found, Duration::from_secs(left)),
            other => panic!("{other:?}"),
        }
    }
    hand.pass(1);
    let taken = take_unlocked(directory, &next).unwrap();
    assert_eq!((taken.took_over(), taken.lease().fenced()), (Some(&frozen), Some(frozen.clone())));
    // The one before does not know it yet: whatever it writes reaches nobody.
    let signed = held.signed();
    let found = read_note(directory).unwrap();
    assert!(matches!(signed.beat().unwrap(), Standing::Lost(Some(by)) if *by == living()));
    drop(held);
    assert_eq!(read_note(directory).unwrap(), found);
    // Until it is on record, whoever comes next has to do it again, and a reader reads a copy.
    drop(taken);
    let reader = Holder { writes: false, ..living() };
    assert_eq!(left_by(read_unlocked(directory, &candidate(&reader))), frozen);
    let again = take_unlocked(directory, &candidate(&living())).unwrap();
    assert_eq!(again.lease().fenced(), Some(frozen));
    again.lease().take_over_recorded().unwrap();
    drop(again);
    let last = take_unlocked(directory, &candidate(&living())).unwrap();
    assert_eq!(last.lease().fenced(), None);
}

#[test]
fn a_writer_that_gives_signs_is_not_taken_over_and_not_unlocked() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let (writer, hand) = (on("there", 1), Hand::default());
    let held = take_unlocked(directory, &candidate(&writer)).unwrap();
    let next = hand.candidate(living());
    assert!(matches!(left_behind(directory, &next), Ok(Left::Watched(found)) if found == writer));
    for _ in 0..10 {
        hand.pass(9);
        held.signed().beat().unwrap();
        assert!(matches!(
            take_unlocked(directory, &next),
            Err(StateErrorKind::Locked { wrote: Some(_), .. })
        ));
        hand.pass(2);
        let error = left_behind(directory, &next).unwrap_err();
        let error = error.at(&LedgerPlace::Directory(directory.to_owned())).to_string();
        assert!(error.contains("it wrote 2 s ago, and is still running"), "{error}");
        assert!(matches!(clear(directory, from_ref(&writer), &next), Err(StateErrorKind::Locked { .. })));
    }
    hand.pass(10);
    assert_eq!(left_behind(directory, &next).unwrap(), Left::Behind(vec![writer.clone()]));
    clear(directory, from_ref(&writer), &next).unwrap();
    assert!(matches!(held.signed().look().unwrap(), Standing::Lost(_)));
    let taken = take_unlocked(directory, &next).unwrap();
    assert_eq!(taken.lease().fenced(), Some(writer), "unlocking only skips the wait");
}

#[test]
fn a_note_of_version_0_2_has_to_be_unlocked_even_by_its_own_host() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    for host in ["here", "there"] {
        let old = of_older(host);
        leave(directory, &Note::of_older(old.clone()));
        let (hand, here) = (Hand::default(), living());
        let next = hand.candidate(here);
        assert_eq!(left_by(take(directory, &next)), old);
        hand.pass(3600);
        assert_eq!(left_by(take(directory, &next)), old, "it gives no signs, so time proves nothing");
        assert_eq!(left_behind(directory, &next).unwrap(), Left::Behind(vec![old.clone()]));
        clear(directory, from_ref(&old), &next).unwrap();
        let taken = take(directory, &next).unwrap();
        assert_eq!(taken.lease().fenced(), Some(old));
        taken.lease().take_over_recorded().unwrap();
    }
}

#[test]
fn version_0_2_reads_a_note_of_now_as_another_hosts_until_it_is_closed() {
    #[derive(Deserialize)]
    struct Older {
        host: String,
        writes: bool,
    }
    let directory = tempfile::tempdir().unwrap();
    let read = || -> Older {
        serde_json::from_slice(&fs::read(directory.path().join(NOTE_FILE_NAME)).unwrap()).unwrap()
    };
    let held = take(directory.path(), &candidate(&living())).unwrap();
    assert_eq!((read().host.as_str(), read().writes), ("here", true));
    drop(held);
    assert!(!read().writes);
}

#[test]
fn a_claim_keeps_others_out_and_goes_with_its_maker_or_its_lease() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let claim = |note: &Note| fs::write(directory.join(CLAIM_FILE_NAME), note.text()).unwrap();
    claim(&Note::of(&candidate(&gone()), 0, None));
    drop(take(directory, &candidate(&living())).unwrap());
    assert!(!directory.join(CLAIM_FILE_NAME).exists());

    let elsewhere = on("there", 7);
    claim(&Note::of(&candidate(&elsewhere), 0, None));
    let hand = Hand::default();
    let next = hand.candidate(living());
    assert_eq!(left_by(take(directory, &next)), elsewhere);
    let reader = Holder { writes: false, command: "plan".into(), ..living() };
    assert_eq!(left_by(take_to_read(directory, &candidate(&reader))), elsewhere);
    hand.pass(32);
    drop(take(directory, &next).unwrap());

    let old = of_older("there");
    claim(&Note::of_older(old.clone()));
    assert_eq!(left_by(take(directory, &next)), old);
    assert_eq!(left_behind(directory, &next).unwrap(), Left::Behind(vec![old.clone()]));
    assert_eq!(left_by(clear(directory, &[of_older("nowhere")], &next)), old);
    clear(directory, from_ref(&old), &next).unwrap();
    assert_eq!(left_behind(directory, &next).unwrap(), Left::Nobody);
}

#[test]
fn a_claim_without_a_name_locks_nobody_out_for_longer_than_a_lease() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    fs::write(directory.join(CLAIM_FILE_NAME), "").unwrap();
    let hand = Hand::default();
    let next = hand.candidate(living());
    assert_eq!(left_by(take(directory, &next)).actor, "somebody without a name");
    hand.pass(32);
    drop(take(directory, &next).unwrap());
}

#[test]
fn a_claim_appears_whole() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let ends = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut seen = 0;
            while !ends.load(Ordering::SeqCst) {
                if let Some(claim) = claim::read(directory).unwrap() {
                    assert_ne!(claim.holder.process, 0, "a claim was seen without a name");
                    seen += 1;
                }
            }
            seen
        });
        for _ in 0..300 {
            drop(Claim::make(directory, &candidate(&living())).unwrap());
        }
        ends.store(true, Ordering::SeqCst);
        assert!(reader.join().unwrap() > 0, "none was seen");
    });
}

#[test]
fn who_was_given_up_while_it_claimed_does_not_go_in() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let late = Claim::make(directory, &candidate(&on("there", 1))).unwrap();
    let hand = Hand::default();
    let next = hand.candidate(living());
    assert_eq!(left_by(take(directory, &next)), on("there", 1));
    hand.pass(32);
    let held = take(directory, &next).unwrap();
    assert!(!late.is_ours().unwrap());
    let newer = Claim::make(directory, &candidate(&living())).unwrap();
    drop(late);
    assert!(newer.is_ours().unwrap(), "it removes no claim but its own");
    drop(held);
}

#[test]
fn only_the_note_that_was_seen_is_cleared() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let (seen, next, here) = (of_older("there"), of_older("yonder"), candidate(&living()));
    leave(directory, &Note::of_older(seen.clone()));
    assert_eq!(left_behind(directory, &here).unwrap(), Left::Behind(vec![seen.clone()]));
    leave(directory, &Note::of_older(next.clone()));
    assert_eq!(left_by(clear(directory, &[seen], &here)), next);
    assert_eq!(left_behind(directory, &here).unwrap(), Left::Behind(vec![next.clone()]));
    clear(directory, &[next], &here).unwrap();
    assert_eq!(left_behind(directory, &here).unwrap(), Left::Nobody);
}

#[test]
fn who_only_reads_writes_nothing_and_says_nothing_of_the_dead() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let reader = candidate(&Holder { writes: false, command: "plan".into(), ..living() });
    let reading = read_unlocked(directory, &reader).unwrap();
    let writing = take_unlocked(directory, &candidate(&on("there", 2))).unwrap();
    drop(reading);
    assert_eq!(left_by(read_unlocked(directory, &reader)), on("there", 2));
    drop(writing);
    // The note of a dead writer on this host is for the next writer to find.
    let dead = gone();
    leave(directory, &Note::of(&candidate(&dead), 1, None));
    drop(take_to_read(directory, &reader).unwrap());
    assert_eq!(take(directory, &candidate(&living())).unwrap().took_over(), Some(&dead));
}
