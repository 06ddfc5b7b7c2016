//! What every backend promises, as one test for all of them.

use std::path::Path;

use crate::domain::LedgerSalt;
use crate::ledger::{FORMAT_VERSION, Header, Lineage, Record, RunId, Serial, Writer};
use crate::state::backend::{Backend, StateError};
use crate::state::holder::Holder;
use crate::state::{Candidate, MemoryBackend, Moment, OpenRefused, Origin, SledBackend, Terms, create};

pub(super) fn holder(command: &str) -> Holder {
    let since = chrono::DateTime::UNIX_EPOCH;
    let (actor, host) = ("ann@desk".into(), "desk".into());
    Holder {
        command: command.into(),
        actor,
        host,
        process: std::process::id(),
        origin: Origin::of_this_process(),
        since,
        ci_run: None,
        writes: command == "apply",
    }
}

pub(super) fn candidate(command: &str) -> Candidate {
    Candidate::new(holder(command), Terms::default(), std::sync::Arc::new(Moment::default))
}

fn lines(writer: &mut Writer, count: u128) -> Vec<(Serial, Vec<u8>)> {
    let record = |n| Record::RunStarted {
        run: RunId::new(uuid::Uuid::from_u128(n)),
        plan: "p".into(),
        actor: "a".into(),
        process: None,
        ci_run: None,
        receiver: None,
    };
    (0..count).map(|n| writer.encode(chrono::DateTime::UNIX_EPOCH, &record(n))).collect()
}

/// What was appended, in however many pieces, is read back whole and in order by the next holder.
fn check_backend(open: impl Fn(bool) -> Box<dyn Backend>) {
    let mut writer = Writer::default();
    let (first, second) = (lines(&mut writer, 3), lines(&mut writer, 300));
    let mut backend = open(true);
    assert_eq!(backend.lines().count(), 0);
    backend.append(Vec::new(), writer.chain()).unwrap();
    backend.append(first.clone(), writer.chain()).unwrap();
    drop(backend);
    let mut backend = open(false);
    backend.append(second.clone(), writer.chain()).unwrap();
    drop(backend);
    let backend = open(false);
    let read: Vec<Vec<u8>> = backend.lines().map(Result::unwrap).collect();
    let written: Vec<Vec<u8>> = first.into_iter().chain(second).map(|(_, line)| line).collect();
    assert_eq!(read, written);
    if let Some((serial, chain)) = backend.high_water().unwrap() {
        assert_eq!((serial, chain), (writer.serial(), writer.chain().to_string()));
    }
}

pub(super) fn sled_at(directory: &Path, is_new: bool) -> Result<SledBackend, StateError> {
    if is_new {
        SledBackend::create(directory, &candidate("apply"))
    } else {
        SledBackend::open(directory, &candidate("apply"))
    }
}

#[test]
fn memory_keeps_its_promises() {
    let shared = MemoryBackend::default();
    check_backend(|_| Box::new(shared.clone()));
}

#[test]
fn sled_keeps_its_promises() {
    let directory = tempfile::tempdir().unwrap();
    check_backend(|is_new| Box::new(sled_at(directory.path(), is_new).unwrap()));
}

#[test]
fn a_second_holder_is_told_of_the_first() {
    let directory = tempfile::tempdir().unwrap();
    let first = sled_at(directory.path(), true).unwrap();
    match SledBackend::open(directory.path(), &candidate("plan")).map(drop) {
        Err(StateError::Locked { holder: Some(found), .. }) => assert_eq!(*found, holder("apply")),
        other => panic!("expected a lock, got {other:?}"),
    }
    drop(first);
    assert!(sled_at(directory.path(), false).is_ok());
}

#[test]
fn an_empty_directory_is_no_ledger_and_a_ledger_is_not_made_over_another() {
    let directory = tempfile::tempdir().unwrap();
    assert!(matches!(sled_at(directory.path(), false).map(drop), Err(StateError::Missing(_))));
    let header = || Header {
        format: FORMAT_VERSION,
        lineage: Lineage::new(uuid::Uuid::from_u128(1)),
        salt: LedgerSalt::new([1; 16]),
        project: "p".parse().unwrap(),
        environment: "e".parse().unwrap(),
        app_id: "A".into(),
        workspace_id: "w".into(),
        receiver: None,
    };
    let make = || {
        let backend = Box::new(sled_at(directory.path(), true)?);
        create(backend, header(), directory.path(), chrono::DateTime::UNIX_EPOCH).map(drop)
    };
    make().unwrap();
    assert!(matches!(make(), Err(OpenRefused::State(StateError::Exists(_)))));
    // A store that lost its records knows that it had some: by its high water, or already by sled's snapshot,
    // where sled has written one.
    std::fs::remove_file(directory.path().join("db")).unwrap();
    let refused = make();
    assert!(matches!(
        refused,
        Err(OpenRefused::State(StateError::RolledBack { known: Serial(1), .. } | StateError::Damaged { .. }))
    ));
}

/// Found by the crash loop: what is left of a snapshot that was being written when the process was killed.
#[test]
fn an_unfinished_snapshot_does_not_cost_the_ledger() {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = Writer::default();
    let mut backend = sled_at(directory.path(), true).unwrap();
    backend.append(lines(&mut writer, 3), writer.chain()).unwrap();
    drop(backend);
    let unfinished = directory.path().join("snap.7FFFFFFFFFFFFFFF.generating");
    for bytes in [&b""[..], &[7; 40]] {
        std::fs::write(&unfinished, bytes).unwrap();
        assert_eq!(SledBackend::view(directory.path()).unwrap().lines().count(), 3);
        assert_eq!(sled_at(directory.path(), false).unwrap().lines().count(), 3);
        assert!(!unfinished.exists());
    }
}

#[test]
fn damaged_files_are_an_error_and_no_panic() {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = Writer::default();
    let mut backend = sled_at(directory.path(), true).unwrap();
    backend.append(lines(&mut writer, 2_000), writer.chain()).unwrap();
    drop(backend);
    let path = directory.path().join("db");
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 3;
    bytes[middle..middle + 4096].fill(0);
    std::fs::write(&path, bytes).unwrap();
    let read = sled_at(directory.path(), false).map(|backend| {
        let lines: Vec<_> = backend.lines().map_while(Result::ok).collect();
        (lines.len() as u64, backend.high_water().unwrap().map(|(serial, _)| serial.0))
    });
    match read {
        Err(StateError::Damaged { .. }) => {}
        // Where sled swallows the damage, what is left is shorter than what is known to have been.
        Ok((found, Some(known))) => assert!(found < known, "{found} of {known} records"),
        other => panic!("damage went unnoticed: {other:?}"),
    }
}
