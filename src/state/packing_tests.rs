//! Packing, as every backend must do it: nothing of what a ledger adds up to changes, and a crash leaves one whole
//! ledger.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::json;

use crate::domain::{
    ApiVersion, Endpoint, Environment, LedgerPlace, LedgerSalt, Revision, TargetHash, TargetKind,
};
use crate::ledger::{
    BLOCK_TARGETS, Content, Destination, FORMAT_VERSION, Fault, Header, IntentRecord, Judge, Ledger, Lineage,
    Outcome, Record, RunId, Serial, Verdict, survey, with_blocks, without_blocks,
};
use crate::state::conformance::candidate;
use crate::state::{
    Expected, MemoryStore, OpenLedger, OpenRefused, SeenLedger, StateError, StateErrorKind, Store, Variables,
    create, open, pack, store_at,
};

const RUN: uuid::Uuid = uuid::Uuid::from_u128(7);

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

fn target(number: usize) -> TargetHash {
    TargetHash::of(&LedgerSalt::new([1; 16]), TargetKind::User, &format!("u{number}").parse().unwrap())
}

fn with_expected<T>(act: impl FnOnce(Expected<'_>) -> T) -> T {
    let environment = Environment {
        name: "e".parse().unwrap(),
        app_id: "A".into(),
        workspace_id: "w".into(),
        tenant_id: None,
        endpoint: Endpoint::Sandbox,
        region: None,
        api_version: ApiVersion::default(),
        requests_per_second: 1.try_into().unwrap(),
        concurrency: 1.try_into().unwrap(),
        unexecuted_tasks_max: 100,
        timeout: std::time::Duration::from_secs(1),
        ledger: LedgerPlace::Directory("ledger".into()),
        review: crate::domain::ReviewPolicy::default(),
    };
    let project = "p".parse().unwrap();
    act(Expected {
        project: &project,
        environment: &environment,
        pinned: None,
        witness: None,
        moves_to: None,
        key: &|_| None,
    })
}

/// The store in a directory.
fn sled_at(directory: &Path) -> Box<dyn Store> {
    store_at(&LedgerPlace::Directory(directory.to_owned()), &(Arc::new(|_: &str| None) as Variables))
}

/// Opens a ledger to write to it. Another test of this process may be starting a program: until that runs, it has a copy of
/// every file that is open here, locked ones too.
fn opened(store: &dyn Store) -> Result<OpenLedger, OpenRefused> {
    let mut tries_left = 100;
    loop {
        match store.take(&candidate("apply")) {
            Err(error) if matches!(error.kind, StateErrorKind::Locked { .. }) && tries_left > 0 => {
                tries_left -= 1;
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            taken => return with_expected(|expected| open(taken?, expected)),
        }
    }
}

/// Opens it to look at it.
fn viewed(store: &dyn Store) -> SeenLedger {
    with_expected(|expected| open(store.peek(&candidate("plan"))?.reader, expected)).unwrap()
}

/// Begins a ledger.
fn made(store: &dyn Store) -> Result<OpenLedger, OpenRefused> {
    create(store.create(&candidate("apply"))?, header(), at(1))
}

fn packed(open: OpenLedger) -> Result<OpenLedger, OpenRefused> {
    with_expected(|expected| pack(open, expected, at(1000)))
}

fn header() -> Header {
    Header {
        format: FORMAT_VERSION,
        lineage: Lineage::new(RUN),
        salt: LedgerSalt::new([1; 16]),
        project: "p".parse().unwrap(),
        environment: "e".parse().unwrap(),
        app_id: "A".into(),
        workspace_id: "w".into(),
        destination: Some(Destination::Sandbox),
        key: None,
    }
}

fn content(campaign: &str, schedule: &str) -> Content {
    let template = json!({ "name": campaign, "title": "T", "body": "B" });
    let strategy = json!({ "send": schedule, "at": "2026-12-15T01:00:00Z" });
    serde_json::from_value(json!({ "template": template, "audience": "users", "strategy": strategy }))
        .unwrap()
}

fn append(open: &mut OpenLedger, records: Vec<Record>) -> Serial {
    open.append(at(500), records).unwrap();
    open.writer.serial()
}

fn submitted(campaign: &str) -> Record {
    let content = content(campaign, "once");
    let (campaign, digest) = (campaign.parse().unwrap(), content.digest());
    Record::Submitted {
        run: RunId::new(RUN),
        campaign,
        revision: Revision::FIRST,
        digest,
        content,
        planned: Some(7),
    }
}

fn intent(campaign: &str, batch: u32, targets: std::ops::Range<usize>) -> Record {
    Record::Intent(IntentRecord {
        run: RunId::new(RUN),
        campaign: campaign.parse().unwrap(),
        revision: Revision::FIRST,
        batch,
        call: crate::domain::Call::Template,
        task_name: format!("e/{campaign}@1#{batch}"),
        nonce: format!("{batch:032x}"),
        request: Some("sha256:00".into()),
        over_at: Some(at(900 + i64::from(batch % 2))),
        targets: targets.map(target).collect(),
    })
}

fn accepted(intent: Serial, task_id: Option<&str>) -> Record {
    let outcome = Outcome::Accepted { request_id: None, task_id: task_id.map(ToOwned::to_owned) };
    Record::Outcome { intent, outcome }
}

/// Appends a run that leaves a bit of everything: many accepted targets, few, rejected ones, and doubt.
fn fill(mut open: OpenLedger) {
    let run = RunId::new(RUN);
    append(
        &mut open,
        vec![Record::RunStarted {
            run: run.clone(),
            plan: "sha256:aa".into(),
            actor: "ann@desk".into(),
            process: Some(9),
            ci_run: Some("https://ci/1".into()),
            destination: None,
        }],
    );
    append(&mut open, vec![submitted("many"), submitted("few"), submitted("doubtful"), submitted("refused")]);
    for batch in 0..BLOCK_TARGETS * 70 / 100 {
        let of_many = intent("many", u32::try_from(batch).unwrap() + 1, batch * 100..batch * 100 + 100);
        let serial = append(&mut open, vec![of_many]);
        append(&mut open, vec![accepted(serial, Some(&format!("task-{batch}")))]);
    }
    let serial = append(&mut open, vec![intent("few", 1, 0..3)]);
    append(&mut open, vec![accepted(serial, None)]);
    append(&mut open, vec![intent("doubtful", 1, 3..5)]);
    let serial = append(&mut open, vec![intent("doubtful", 2, 5..9)]);
    let unknown = Outcome::Unknown { why: "a lost reply".into(), code: None, request_id: None };
    append(&mut open, vec![Record::Outcome { intent: serial, outcome: unknown }]);
    let serial = append(&mut open, vec![intent("refused", 4, 0..1200)]);
    let rejected =
        Outcome::Rejected { code: "3022".into(), message: "no".into(), request_id: Some("R".into()) };
    append(&mut open, vec![Record::Outcome { intent: serial, outcome: rejected }]);
    let (accepted, rejected) = (28_003, 1200);
    append(
        &mut open,
        vec![Record::RunEnded {
            run,
            accepted,
            rejected,
            unknown: 6,
            not_attempted: 0,
            stopped: Some("why".into()),
        }],
    );
}

fn summary(ledger: &Ledger) -> String {
    let one = |(campaign, _, history): (&_, _, &crate::ledger::History)| {
        let (accepted, rejected, unknown) =
            (history.accepted.len(), history.rejected.len(), history.unknown.len());
        format!("{campaign}: {accepted} accepted, {rejected} rejected, {unknown} unknown; ")
    };
    ledger.histories().map(one).collect()
}

/// Packing keeps the sum, again and again, and what comes after it counts as ever.
fn check_packing(store: &dyn Store) {
    fill(made(store).unwrap());
    let before = opened(store).unwrap();
    let (ledger, records) = (before.ledger.clone(), before.records);
    let expected = "doubtful: 0 accepted, 0 rejected, 6 unknown; few: 3 accepted, 0 rejected, 0 unknown; \
        many: 28000 accepted, 0 rejected, 0 unknown; refused: 0 accepted, 1200 rejected, 0 unknown; ";
    assert_eq!(summary(&ledger), expected);
    let after = packed(before).unwrap();
    assert_eq!(summary(&after.ledger), expected);
    assert!(after.records * 10 < records, "{} of {records} records", after.records);
    assert_eq!((after.records, after.ledger.serial().0), (after.packed_records, after.packed_up_to));
    assert_eq!(after.ledger.serial().0, records + after.records, "serials go on");
    assert_eq!(after.ledger.unexecuted_tasks(at(900)), ledger.unexecuted_tasks(at(900)));
    assert!(after.ledger.has_task("task-279"));
    let run = &after.ledger.runs()[0];
    assert_eq!((run.accepted, run.rejected, run.unknown), (28_003, 1200, 6));
    drop(after);

    // The next holder settles what was in doubt, sends on, and packs again.
    let mut open = opened(store).unwrap();
    let doubts: Vec<Serial> = open.ledger.doubts().iter().map(|doubt| doubt.serial).collect();
    assert_eq!(doubts, ledger.doubts().iter().map(|doubt| doubt.serial).collect::<Vec<_>>());
    let verdict = Record::Verdict {
        intent: doubts[0],
        verdict: Verdict::Accepted,
        reason: "seen".into(),
        actor: "ann@desk".into(),
        by: Judge::Person,
        task_id: None,
    };
    let serial = append(&mut open, vec![verdict, intent("many", 281, 28_000..28_050)]);
    append(&mut open, vec![accepted(serial, Some("task-280"))]);
    drop(open);
    let expected = "doubtful: 2 accepted, 0 rejected, 4 unknown; few: 3 accepted, 0 rejected, 0 unknown; \
        many: 28050 accepted, 0 rejected, 0 unknown; refused: 0 accepted, 1200 rejected, 0 unknown; ";
    let again = packed(opened(store).unwrap()).unwrap();
    assert_eq!(summary(&again.ledger), expected);
    drop(again);
    let open = opened(store).unwrap();
    let many = open.ledger.history(&"many".parse().unwrap(), Revision::FIRST).unwrap();
    let mut everybody: Vec<TargetHash> = (0..28_050).map(target).collect();
    everybody.sort();
    assert_eq!(many.sent().map(Result::unwrap).collect::<Vec<_>>(), everybody);
}

#[test]
fn memory_packs() {
    check_packing(&MemoryStore::default());
}

#[test]
fn sled_packs() {
    let directory = tempfile::tempdir().unwrap();
    check_packing(sled_at(directory.path()).as_ref());
    let names = names(directory.path());
    assert_eq!(
        names,
        ["high_water", "high_water.copy", "holder.json", "store-2"],
        "what was superseded is gone"
    );
    let blobs = fs::read_dir(directory.path().join("store-2/blobs")).unwrap().count();
    assert_eq!(blobs, 0, "sled never syncs those");
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// A ledger in a directory, filled, and what it adds up to.
fn filled(directory: &Path) -> Ledger {
    let store = sled_at(directory);
    fill(made(store.as_ref()).unwrap());
    viewed(store.as_ref()).ledger
}

#[test]
fn a_draft_that_a_killed_process_left_is_nobodys_ledger() {
    let directory = tempfile::tempdir().unwrap();
    let ledger = filled(directory.path());
    // What it had written by then.
    let draft = directory.path().join("packing-0");
    fs::create_dir(&draft).unwrap();
    fs::copy(directory.path().join("db"), draft.join("db")).unwrap();
    let is_draft = |name: &String| name.starts_with("packing-");
    let seen = viewed(sled_at(directory.path()).as_ref()).ledger;
    assert_eq!(summary(&seen), summary(&ledger));
    let open = opened(sled_at(directory.path()).as_ref()).unwrap();
    assert!(!names(directory.path()).iter().any(is_draft));
    assert_eq!(summary(&open.ledger), summary(&ledger));
}

#[test]
fn killed_between_the_rename_and_the_clearing_up_the_packed_one_counts() {
    let directory = tempfile::tempdir().unwrap();
    let ledger = filled(directory.path());
    // The store before packing, and the note of how far it was, as a process leaves them that dies right after the rename.
    let aside = tempfile::tempdir().unwrap();
    for name in ["db", "conf", "high_water"] {
        fs::copy(directory.path().join(name), aside.path().join(name)).unwrap();
    }
    let after = packed(opened(sled_at(directory.path()).as_ref()).unwrap()).unwrap();
    let serial = after.ledger.serial();
    drop(after);
    for name in ["db", "conf", "high_water"] {
        fs::copy(aside.path().join(name), directory.path().join(name)).unwrap();
    }
    let seen = viewed(sled_at(directory.path()).as_ref()).ledger;
    assert_eq!((seen.serial(), summary(&seen)), (serial, summary(&ledger)));
    let open = opened(sled_at(directory.path()).as_ref()).unwrap();
    assert_eq!((open.ledger.serial(), summary(&open.ledger)), (serial, summary(&ledger)));
    assert!(!directory.path().join("db").exists());
}

#[test]
fn a_packed_ledger_without_its_store_is_missing_and_not_new() {
    let directory = tempfile::tempdir().unwrap();
    filled(directory.path());
    drop(packed(opened(sled_at(directory.path()).as_ref()).unwrap()).unwrap());
    fs::remove_dir_all(directory.path().join("store-1")).unwrap();
    let store = sled_at(directory.path());
    let missing = store.take(&candidate("apply")).map(drop).unwrap_err();
    assert!(matches!(missing.kind, StateErrorKind::Missing));
    match made(store.as_ref()).map(drop) {
        Err(OpenRefused::State(StateError { kind: StateErrorKind::RolledBack { .. }, .. })) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn damaged_targets_are_named_by_a_survey_and_stop_whoever_needs_them() {
    let directory = tempfile::tempdir().unwrap();
    filled(directory.path());
    drop(packed(opened(sled_at(directory.path()).as_ref()).unwrap()).unwrap());
    let store = directory.path().join("store-1");
    let database = sled::open(&store).unwrap();
    let tree = database.open_tree("blocks").unwrap();
    let (key, block) = tree.iter().nth(3).unwrap().unwrap();
    let mut block = block.to_vec();
    block[5] ^= 1;
    tree.insert(key, block).unwrap();
    database.flush().unwrap();
    drop((tree, database));
    let open = opened(sled_at(directory.path()).as_ref()).unwrap();
    let many = open.ledger.history(&"many".parse().unwrap(), Revision::FIRST).unwrap();
    let error = many.sent().find_map(Result::err).unwrap();
    assert!(error.to_string().ends_with("are not what was written there"), "{error}");
    let found = survey(open.store.lines(), open.store.blocks().as_ref(), |_, _| Ok(())).unwrap();
    assert!(matches!(found.faults[..], [Fault::Targets(_)]), "{:?}", found.faults);
    assert!(matches!(packed(open), Err(OpenRefused::Blocks(_))), "what cannot be read is not packed away");
    // Nor does what was begun stay: it would take the room that the next record needs.
    assert_eq!(names(directory.path()), ["high_water", "high_water.copy", "holder.json", "store-1"]);
}

#[test]
fn an_export_of_a_packed_ledger_has_its_targets() {
    let store = MemoryStore::default();
    fill(made(&store).unwrap());
    let packed = packed(opened(&store).unwrap()).unwrap();
    let mut exported = Vec::new();
    let keep = |line: &[u8], blocks: &[Vec<u8>]| -> Result<(), StateError> {
        exported.push(with_blocks(line, blocks));
        Ok(())
    };
    assert!(survey(packed.store.lines(), packed.store.blocks().as_ref(), keep).unwrap().faults.is_empty());
    let (restored, mut writer) = (MemoryStore::default(), crate::ledger::Writer::default());
    let mut draft = restored.rebuild(&candidate("apply")).unwrap();
    for line in &exported {
        let (line, blocks) = without_blocks(line);
        let serial = writer.decode(&line).unwrap().serial;
        draft.put_blocks(serial, blocks).unwrap();
        draft.append(vec![(serial, line)], writer.chain()).unwrap();
    }
    drop(draft.replace().unwrap());
    assert!(packed.ledger.adds_up_to(&viewed(&restored).ledger).unwrap());
    // What was cut off or changed in it is no block.
    let line = exported.iter().find(|line| line.windows(9).any(|bytes| bytes == b"\"hashes\":")).unwrap();
    assert_eq!(without_blocks(&line[..line.len() - 9]).1.len(), 0);
}
