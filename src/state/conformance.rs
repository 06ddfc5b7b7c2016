//! What every store promises, as tests that run over each of them. A new one is a line of [`promises`] and a [`Bench`].

use std::fs;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::DateTime;

use crate::domain::LedgerSalt;
use crate::ledger::{self, BlockName, BlockPlace, FORMAT_VERSION, Header, Lineage, Record, RunId, Serial};
use crate::state::candidate::{Candidate, Left};
use crate::state::directory::DirectoryStore;
use crate::state::error::{StateError, StateErrorKind};
use crate::state::holder::Holder;
use crate::state::lease::{Moment, MomentClock, Terms};
use crate::state::memory::MemoryStore;
use crate::state::objects;
use crate::state::objects::bucket::Bucket;
use crate::state::open::{OpenRefused, create};
use crate::state::postgres::testing::{self, Servers};
use crate::state::probe::{Hook, Point};
use crate::state::process::Origin;
use crate::state::store::{Draft, Reader, Store, Writer};

/// A place to try a store in.
trait Bench: Send + Sync + 'static {
    /// Whether this machine has what it takes.
    fn is_there() -> bool {
        true
    }

    /// Makes one with nothing in it.
    fn new() -> Self;

    /// Returns the store as another process has it.
    fn store(&self) -> Box<dyn Store>;

    /// Returns the store as a process has it whose steps a test sees, and makes fail.
    fn probed(&self, hook: Hook) -> Box<dyn Store>;

    /// Returns what would be found there, were every process killed at this very moment.
    fn image(&self) -> Self;
}

impl Bench for MemoryStore {
    fn new() -> Self {
        Self::default()
    }

    fn store(&self) -> Box<dyn Store> {
        Box::new(self.clone())
    }

    fn probed(&self, hook: Hook) -> Box<dyn Store> {
        let mut store = self.clone();
        store.probe.hook = Some(hook);
        Box::new(store)
    }

    fn image(&self) -> Self {
        Self::image(self)
    }
}

/// A directory, gone with the value.
struct Directory(tempfile::TempDir);

impl Bench for Directory {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn store(&self) -> Box<dyn Store> {
        Box::new(DirectoryStore::new(&self.0.path().join("ledger")))
    }

    fn probed(&self, hook: Hook) -> Box<dyn Store> {
        let mut store = DirectoryStore::new(&self.0.path().join("ledger"));
        store.probe.hook = Some(hook);
        Box::new(store)
    }

    fn image(&self) -> Self {
        let image = Self::new();
        copy(&self.0.path().join("ledger"), &image.0.path().join("ledger"));
        image
    }
}

/// PostgreSQL itself, or behind a pooler that keeps no connection beyond a statement.
struct Postgres<const POOLED: bool>(testing::Bench);

impl<const POOLED: bool> Bench for Postgres<POOLED> {
    fn is_there() -> bool {
        Servers::running().is_some()
    }

    fn new() -> Self {
        Self(if POOLED { testing::Bench::behind_pooler("statement") } else { testing::Bench::direct() })
    }

    fn store(&self) -> Box<dyn Store> {
        Box::new(self.0.store())
    }

    fn probed(&self, hook: Hook) -> Box<dyn Store> {
        let mut store = self.0.store();
        store.probe.hook = Some(hook);
        Box::new(store)
    }

    fn image(&self) -> Self {
        Self(self.0.image())
    }
}

/// A bucket, asked as OSS or as S3.
struct Objects<const OSS: bool>(Bucket);

impl<const OSS: bool> Objects<OSS> {
    const SCHEME: &str = if OSS { "oss" } else { "s3" };
}

impl<const OSS: bool> Bench for Objects<OSS> {
    fn new() -> Self {
        Self(Bucket::new())
    }

    fn store(&self) -> Box<dyn Store> {
        Box::new(objects::tests::store(&self.0, Self::SCHEME))
    }

    fn probed(&self, hook: Hook) -> Box<dyn Store> {
        let mut store = objects::tests::store(&self.0, Self::SCHEME);
        store.probe.hook = Some(hook);
        Box::new(store)
    }

    fn image(&self) -> Self {
        Self(self.0.image())
    }
}

/// Copies a directory. Not by another process: one that is just being started holds every lock that this one has.
pub(super) fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Seconds, set by hand.
#[derive(Clone, Default)]
pub(super) struct Hand(Arc<AtomicU64>);

impl Hand {
    pub(super) fn pass(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }

    pub(super) fn clock(&self) -> MomentClock {
        let hand = self.clone();
        Arc::new(move || {
            let now = Duration::from_secs(hand.0.load(Ordering::SeqCst));
            Moment { boot: now, wall: now }
        })
    }
}

pub(super) fn holder(command: &str) -> Holder {
    Holder {
        command: command.into(),
        actor: "ann@desk".into(),
        host: "desk".into(),
        process: std::process::id(),
        origin: Origin::of_this_process(),
        since: DateTime::UNIX_EPOCH,
        ci_run: None,
        writes: command == "apply",
    }
}

/// Somebody of this process, by a clock that stands still; `apply` writes.
pub(super) fn candidate(command: &str) -> Candidate {
    Candidate::new(holder(command), TERMS, Hand::default().clock())
}

/// A writer on another host, by a clock.
fn on(host: &str, clock: MomentClock) -> Candidate {
    writer_on(host, clock, TERMS)
}

pub(super) fn writer_on(host: &str, clock: MomentClock, terms: Terms) -> Candidate {
    let origin = Origin { boot: host.to_owned(), ..Origin::of_this_process().unwrap() };
    let holder = Holder { actor: format!("bob@{host}"), origin: Some(origin), ..holder("apply") };
    Candidate::new(holder, terms, clock)
}

/// So long that no heartbeat comes while a test goes on: its clocks are set by hand, heartbeats are not.
const TERMS: Terms = Terms::of(Duration::from_mins(4));
/// Seconds after which such a lease is over.
const OVER: u64 = 242;
/// What whoever takes over is promised itself: a store may wait in earnest for as long as that takes to notice.
const SHORT: Terms = Terms::of(Duration::from_millis(400));

/// Waits by hand until the lease of the writer before is over. The signs of that one really come.
pub(super) fn take_over(store: &dyn Store, terms: Terms) -> Box<dyn Writer> {
    let hand = Hand::default();
    let next = writer_on("there", hand.clock(), terms);
    for _ in 0..100 {
        match store.take(&next) {
            Ok(writer) => return writer,
            Err(StateError {
                kind: StateErrorKind::Locked { .. } | StateErrorKind::Silent { .. }, ..
            }) => hand.pass(OVER),
            Err(error) => panic!("{error}"),
        }
    }
    panic!("it never was free");
}

fn record(number: u128, plan: &str) -> Record {
    Record::RunStarted {
        run: RunId::new(uuid::Uuid::from_u128(number)),
        plan: plan.repeat(200),
        actor: "a".into(),
        process: None,
        ci_run: None,
        destination: None,
    }
}

/// Returns the next lines of a ledger.
pub(super) fn lines(writer: &mut ledger::Writer, count: u128) -> Vec<(Serial, Vec<u8>)> {
    (0..count).map(|number| writer.encode(DateTime::UNIX_EPOCH, &record(number, "p"))).collect()
}

/// Appends the next lines.
pub(super) fn appended(
    store: &mut dyn Writer,
    writer: &mut ledger::Writer,
    count: u128,
) -> Result<(), StateError> {
    let after = writer.serial();
    let lines = lines(writer, count);
    store.append(after, lines, writer.chain())
}

fn read(reader: &dyn Reader) -> Vec<Vec<u8>> {
    reader.lines().map(Result::unwrap).collect()
}

/// Returns what somebody sees who only looks, and who that one is told of.
fn seen(store: &dyn Store) -> (Vec<Vec<u8>>, Option<Holder>) {
    let snapshot = store.snapshot(&candidate("plan")).unwrap();
    (read(snapshot.reader.as_ref()), snapshot.written_by)
}

/// Begins a ledger with so many lines, and lets go of it.
fn begun(bench: &impl Bench, count: u128) -> (Box<dyn Writer>, ledger::Writer) {
    let mut store = bench.store().create(&candidate("apply")).unwrap();
    let mut writer = ledger::Writer::default();
    appended(store.as_mut(), &mut writer, count).unwrap();
    (store, writer)
}

/// How many lines [`redraw`] writes.
const REDRAWN: u128 = 45;

/// Writes another ledger into a draft, with blocks. It ends later, since serials never go back.
fn redraw(draft: &mut dyn Draft) -> ledger::Writer {
    let mut writer = ledger::Writer::default();
    let encode = |number| writer.encode(DateTime::UNIX_EPOCH, &record(number, "q"));
    let lines: Vec<_> = (0..REDRAWN).map(encode).collect();
    draft.put_blocks(Serial(1), vec![vec![1; 32], vec![2; 16]]).unwrap();
    draft.append(lines, writer.chain()).unwrap();
    writer
}

fn kind<T>(result: Result<T, StateError>) -> StateErrorKind {
    result.err().expect("it is refused").kind
}

fn what_was_appended_is_read_by_the_next_one(bench: &impl Bench) {
    let mut store = bench.store().create(&candidate("apply")).unwrap();
    let mut writer = ledger::Writer::default();
    assert_eq!(store.lines().count(), 0);
    store.append(Serial(0), Vec::new(), ledger::Writer::default().chain()).unwrap();
    appended(store.as_mut(), &mut writer, 3).unwrap();
    drop(store);
    let mut store = bench.store().take(&candidate("apply")).unwrap();
    appended(store.as_mut(), &mut writer, 300).unwrap();
    drop(store);
    let store = bench.store().take(&candidate("apply")).unwrap();
    let mut again = ledger::Writer::default();
    let written = lines(&mut again, 3).into_iter().chain(lines(&mut again, 300));
    assert_eq!(read(store.as_ref()), written.map(|(_, line)| line).collect::<Vec<_>>());
    let (serial, chain) = store.high_water().unwrap().unwrap();
    assert_eq!((serial, chain), (writer.serial(), writer.chain().to_string()));
    assert_eq!(bench.store().known_serial().unwrap(), Some(Serial(303)));
}

fn nothing_is_no_ledger_and_none_is_made_over_another(bench: &impl Bench) {
    let store = bench.store();
    assert!(matches!(kind(store.take(&candidate("apply"))), StateErrorKind::Missing));
    assert!(matches!(kind(store.snapshot(&candidate("plan"))), StateErrorKind::Missing));
    assert_eq!(store.known_serial().unwrap(), None);
    let header = || Header {
        format: FORMAT_VERSION,
        lineage: Lineage::new(uuid::Uuid::from_u128(1)),
        salt: LedgerSalt::new([1; 16]),
        project: "p".parse().unwrap(),
        environment: "e".parse().unwrap(),
        app_id: "A".into(),
        workspace_id: "w".into(),
        destination: None,
        key: None,
    };
    let make =
        || create(store.create(&candidate("apply")).unwrap(), header(), DateTime::UNIX_EPOCH).map(drop);
    make().unwrap();
    match make() {
        Err(OpenRefused::State(StateError { kind: StateErrorKind::Exists, .. })) => {}
        other => panic!("{other:?}"),
    }
    assert_eq!(seen(store.as_ref()).0.len(), 1);
}

fn a_second_writer_waits_until_the_first_one_closes(bench: &impl Bench) {
    let (first, _) = begun(bench, 3);
    for second in [candidate("apply"), on("there", Hand::default().clock())] {
        match kind(bench.store().take(&second)) {
            StateErrorKind::Locked { holder: Some(by), .. } | StateErrorKind::Silent { holder: by, .. } => {
                assert_eq!(*by, holder("apply"));
            }
            other => panic!("expected a lock, got {other:?}"),
        }
    }
    drop(first);
    let second = bench.store().take(&on("there", Hand::default().clock())).unwrap();
    assert!(second.took_over().is_none() && second.lease().fenced().is_none(), "it was closed");
}

fn an_append_that_does_not_follow_the_end_appends_nothing(bench: &impl Bench) {
    let (mut store, writer) = begun(bench, 3);
    let (mut ahead, mut behind) = (writer.clone(), ledger::Writer::default());
    lines(&mut ahead, 1);
    for stray in [&mut ahead, &mut behind] {
        assert!(matches!(kind(appended(store.as_mut(), stray, 2)), StateErrorKind::Fenced { .. }));
    }
    drop(store);
    assert_eq!(seen(bench.store().as_ref()).0.len(), 3);
    // Nor the first one of a process that read something else.
    let mut store = bench.store().take(&candidate("apply")).unwrap();
    assert!(appended(store.as_mut(), &mut ledger::Writer::default(), 2).is_err());
    assert_eq!(read(store.as_ref()).len(), 3);
    appended(store.as_mut(), &mut writer.clone(), 2).unwrap();
}

/// Fails at an instant, once it is armed.
fn failing(at: Point) -> (Arc<AtomicUsize>, Hook) {
    let armed = Arc::new(AtomicUsize::new(0));
    let times = Arc::clone(&armed);
    let hook: Hook = Arc::new(move |point| {
        let takes = |left: usize| left.checked_sub(1);
        if point == at && times.fetch_update(Ordering::SeqCst, Ordering::SeqCst, takes).is_ok() {
            return Err(io::Error::other("made to fail"));
        }
        Ok(())
    });
    (armed, hook)
}

fn a_failed_append_leaves_nothing_and_a_gap_is_not_made(bench: &impl Bench) {
    let (store, mut writer) = begun(bench, 3);
    drop(store);
    let (armed, hook) = failing(Point::Appending);
    let mut store = bench.probed(hook).take(&candidate("apply")).unwrap();
    armed.store(1, Ordering::SeqCst);
    let mut lost = writer.clone();
    assert!(appended(store.as_mut(), &mut lost, 2).is_err());
    assert!(appended(store.as_mut(), &mut lost, 2).is_err(), "what it would follow is not there");
    drop(store);
    let mut next = bench.store().take(&candidate("apply")).unwrap();
    assert_eq!(read(next.as_ref()).len(), 3);
    appended(next.as_mut(), &mut writer, 1).unwrap();
    assert_eq!(read(next.as_ref()).len(), 4);
}

fn an_undecided_append_is_there_once_or_not_at_all(bench: &impl Bench) {
    let (store, writer) = begun(bench, 3);
    drop(store);
    let (armed, hook) = failing(Point::Appended);
    let mut store = bench.probed(hook).take(&candidate("apply")).unwrap();
    armed.store(1, Ordering::SeqCst);
    assert!(appended(store.as_mut(), &mut writer.clone(), 2).is_err());
    // Whoever takes that for a failure and tries again does not write it twice.
    assert!(appended(store.as_mut(), &mut writer.clone(), 2).is_err());
    drop(store);
    let mut next = bench.store().take(&candidate("apply")).unwrap();
    let mut found = ledger::Writer::default();
    for line in read(next.as_ref()) {
        found.decode(&line).unwrap();
    }
    assert_eq!(found.serial(), Serial(5));
    appended(next.as_mut(), &mut found, 1).unwrap();
}

fn a_silent_writer_is_taken_over_after_its_lease_and_never_before(bench: &impl Bench) {
    let (store, writer) = begun(bench, 300);
    drop(store);
    let frozen = bench.store().take(&on("here", Hand::default().clock())).unwrap();
    let hand = Hand::default();
    let next = writer_on("there", hand.clock(), SHORT);
    for passed in [0, 1, 120, OVER - 122] {
        hand.pass(passed);
        match kind(bench.store().take(&next)) {
            StateErrorKind::Locked { holder: Some(by), .. } | StateErrorKind::Silent { holder: by, .. } => {
                assert_eq!(by.actor, "bob@here");
            }
            other => panic!("{other:?}"),
        }
    }
    hand.pass(1);
    let mut taken = bench.store().take(&next).unwrap();
    let before = on("here", Hand::default().clock()).holder().clone();
    assert_eq!((taken.took_over(), taken.lease().fenced()), (Some(&before), Some(before.clone())));
    assert_eq!(read(taken.as_ref()).len(), 300, "what was durable before counts");
    appended(taken.as_mut(), &mut writer.clone(), 1).unwrap();
    drop(taken);
    // Until that is on record, every epoch that follows is told.
    let again = bench.store().take(&candidate("apply")).unwrap();
    assert_eq!((again.took_over(), again.lease().fenced()), (None, Some(before)));
    again.lease().take_over_recorded().unwrap();
    drop(again);
    let last = bench.store().take(&candidate("apply")).unwrap();
    assert_eq!(last.lease().fenced(), None);
    drop((frozen, last));
    assert_eq!(seen(bench.store().as_ref()).0.len(), 301);
}

fn an_old_epoch_appends_and_replaces_nothing(bench: &impl Bench) {
    let (store, mut ours) = begun(bench, 3);
    drop(store);
    let hand = Hand::default();
    let mut old = bench.store().take(&on("here", hand.clock())).unwrap();
    // This one's clock stands still: every proof of its seems young.
    let mut theirs = ours.clone();
    appended(old.as_mut(), &mut theirs, 1).unwrap();
    appended(&mut *old, &mut theirs.clone(), 0).unwrap();
    let mut next = take_over(bench.store().as_ref(), SHORT);
    ours = theirs.clone();
    appended(next.as_mut(), &mut ours, 2).unwrap();
    let so_far = read(next.as_ref());
    // It may not be told yet, but reaches nobody.
    drop(appended(old.as_mut(), &mut theirs.clone(), 7));
    assert_eq!(read(next.as_ref()), so_far);
    hand.pass(OVER);
    assert!(matches!(kind(old.lease().prove()), StateErrorKind::Fenced { .. }));
    assert!(matches!(kind(appended(old.as_mut(), &mut theirs.clone(), 1)), StateErrorKind::Fenced { .. }));
    // Nor has it anything to put in place, if it gets so far at all.
    if let Ok(mut draft) = old.draft() {
        redraw(draft.as_mut());
        assert!(draft.replace().is_err());
    }
    assert_eq!(read(next.as_ref()), so_far);
    appended(next.as_mut(), &mut ours, 1).unwrap();
    assert!(next.lease().prove().is_ok(), "its end leaves the next one alone");
    drop(next);
    assert_eq!(seen(bench.store().as_ref()).0.len(), so_far.len() + 1);
}

fn a_reader_sees_one_moment_and_who_writes(bench: &impl Bench) {
    let (mut store, mut writer) = begun(bench, 3);
    let reading = bench.store().snapshot(&candidate("plan")).unwrap();
    assert_eq!(reading.written_by, Some(holder("apply")));
    appended(store.as_mut(), &mut writer, 40).unwrap();
    assert_eq!(read(reading.reader.as_ref()).len(), 3, "what came later is not in it");
    assert_eq!(seen(bench.store().as_ref()), (read(store.as_ref()), Some(holder("apply"))));
    assert!(store.lease().prove().is_ok(), "it was not disturbed");
    drop(reading);
    drop(store);
    assert_eq!(seen(bench.store().as_ref()).1, None);
    let peeked = bench.store().peek(&candidate("plan")).unwrap();
    drop(bench.store().take(&candidate("apply")).unwrap());
    assert_eq!(read(peeked.reader.as_ref()).len(), 43);
}

fn what_is_unlocked_is_fenced_and_only_who_was_seen(bench: &impl Bench) {
    let (store, mut writer) = begun(bench, 3);
    let hand = Hand::default();
    assert_eq!(
        bench.store().left_behind(&candidate("apply")).map_err(|error| error.kind).ok(),
        Some(Left::Watched(holder("apply")))
    );
    drop(store);
    assert_eq!(bench.store().left_behind(&candidate("apply")).unwrap(), Left::Nobody);
    let mut old = bench.store().take(&on("here", hand.clock())).unwrap();
    let (before, watch) = (on("here", hand.clock()).holder().clone(), Hand::default());
    let next = writer_on("there", watch.clock(), SHORT);
    let mut left = Left::Nobody;
    for _ in 0..20 {
        match bench.store().left_behind(&next) {
            Ok(found @ Left::Behind(_)) => {
                left = found;
                break;
            }
            Ok(_) | Err(StateError { kind: StateErrorKind::Locked { .. }, .. }) => watch.pass(OVER),
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(left, Left::Behind(vec![before.clone()]));
    match kind(bench.store().clear(&[holder("apply")], &next)) {
        StateErrorKind::LeftLocked { holder } => assert_eq!(*holder, before),
        StateErrorKind::Locked { .. } => {}
        other => panic!("{other:?}"),
    }
    let cleared = (0..20).any(|_| {
        watch.pass(OVER);
        bench.store().clear(std::slice::from_ref(&before), &next).is_ok()
    });
    assert!(cleared);
    hand.pass(2);
    assert!(appended(old.as_mut(), &mut writer.clone(), 1).is_err());
    let mut taken = bench.store().take(&next).unwrap();
    assert_eq!(taken.lease().fenced(), Some(before), "it may still go on");
    appended(taken.as_mut(), &mut writer, 1).unwrap();
    drop(old);
    assert_eq!(read(taken.as_ref()).len(), 4);
}

fn a_draft_counts_once_it_is_in_place_and_not_before(bench: &impl Bench) {
    let (store, _) = begun(bench, 40);
    let whole = read(store.as_ref());
    let mut draft = store.draft().unwrap();
    redraw(draft.as_mut());
    assert_eq!((read(draft.as_ref()).len(), draft.high_water().unwrap().unwrap().0), (45, Serial(45)));
    assert_eq!(seen(bench.store().as_ref()).0, whole);
    drop(draft);
    let store = bench.store().take(&candidate("apply")).unwrap();
    assert_eq!(read(store.as_ref()), whole, "it was given up");

    let mut draft = store.draft().unwrap();
    let mut writer = redraw(draft.as_mut());
    let redrawn = read(draft.as_ref());
    let mut store = draft.replace().unwrap();
    assert_eq!(read(store.as_ref()), redrawn);
    appended(store.as_mut(), &mut writer, 1).unwrap();
    drop(store);
    let snapshot = bench.store().snapshot(&candidate("plan")).unwrap();
    assert_eq!(read(snapshot.reader.as_ref()).len(), 46);
    let block = |index, bytes: &[u8]| {
        let place = BlockPlace { serial: Serial(1), index };
        snapshot.reader.blocks().block(place, &BlockName::of(bytes)).map(|block| (*block).as_ref().to_vec())
    };
    assert_eq!((block(0, &[1; 32]).unwrap(), block(1, &[2; 16]).unwrap()), (vec![1; 32], vec![2; 16]));
    assert!(block(2, &[3; 16]).is_err());
}

fn a_rebuilt_ledger_stands_in_the_stead_of_whatever_was_there(bench: &impl Bench) {
    let store = bench.store();
    drop(store.rebuild(&candidate("apply")).unwrap());
    assert!(matches!(kind(store.take(&candidate("apply"))), StateErrorKind::Missing), "it was given up");
    for _ in 0..2 {
        let mut draft = store.rebuild(&candidate("apply")).unwrap();
        let mut writer = redraw(draft.as_mut());
        drop(draft.replace().unwrap());
        assert_eq!(seen(store.as_ref()).0.len(), 45);
        assert_eq!(store.known_serial().unwrap(), Some(Serial(45)));
        let mut taken = store.take(&candidate("apply")).unwrap();
        appended(taken.as_mut(), &mut writer, 5).unwrap();
        drop(taken);
        let given_up = store.rebuild(&candidate("apply")).unwrap();
        drop(given_up);
        assert_eq!(seen(store.as_ref()).0.len(), 50);
        // Only one at a time is kept beside it, by the second at which it was begun.
        if let Some(kept) = store.rebuild(&candidate("apply")).unwrap().keeps() {
            drop(std::fs::remove_dir_all(kept));
        }
    }
}

fn a_crash_at_any_step_of_a_replace_leaves_one_whole_ledger<B: Bench>(bench: B) {
    let bench = Arc::new(bench);
    let (store, writer) = begun(bench.as_ref(), 40);
    let before = read(store.as_ref());
    drop(store);
    let images: Arc<Mutex<Vec<B>>> = Arc::default();
    let (taken, place) = (Arc::clone(&images), Arc::clone(&bench));
    let hook: Hook = Arc::new(move |point| {
        if point == Point::Replacing {
            taken.lock().unwrap().push(place.image());
        }
        Ok(())
    });
    let mut draft = bench.probed(hook).take(&on("here", Hand::default().clock())).unwrap().draft().unwrap();
    let redrawn_by = redraw(draft.as_mut());
    let after = read(draft.as_ref());
    drop(draft.replace().unwrap());
    let images = std::mem::take(&mut *images.lock().unwrap());
    assert!(images.len() >= 2, "a replace has a step before and one after");
    let mut found = Vec::new();
    for image in images {
        let looked = seen(image.store().as_ref()).0;
        let mut next = take_over(image.store().as_ref(), SHORT);
        let whole = read(next.as_ref());
        assert_eq!(looked, whole, "who reads and who takes over see the same");
        let is_redrawn = whole == after;
        assert!(is_redrawn || whole == before, "{} lines", whole.len());
        let mut goes_on = if is_redrawn { redrawn_by.clone() } else { writer.clone() };
        appended(next.as_mut(), &mut goes_on, 1).unwrap();
        drop(next);
        assert_eq!(seen(image.store().as_ref()).0.len(), whole.len() + 1);
        found.push(is_redrawn);
    }
    assert!(found.is_sorted() && !found[0] && *found.last().unwrap(), "{found:?}");
}

/// Makes a test of each promise for each store.
macro_rules! promises {
    ($($store:ident: $bench:ty),* $(,)?) => {$(
        mod $store {
            use super::*;

            promises!(@each $bench:
                what_was_appended_is_read_by_the_next_one,
                nothing_is_no_ledger_and_none_is_made_over_another,
                a_second_writer_waits_until_the_first_one_closes,
                an_append_that_does_not_follow_the_end_appends_nothing,
                a_failed_append_leaves_nothing_and_a_gap_is_not_made,
                an_undecided_append_is_there_once_or_not_at_all,
                a_silent_writer_is_taken_over_after_its_lease_and_never_before,
                an_old_epoch_appends_and_replaces_nothing,
                a_reader_sees_one_moment_and_who_writes,
                what_is_unlocked_is_fenced_and_only_who_was_seen,
                a_draft_counts_once_it_is_in_place_and_not_before,
                a_rebuilt_ledger_stands_in_the_stead_of_whatever_was_there,
            );

            #[test]
            fn a_crash_at_any_step_of_a_replace_leaves_one_whole_ledger() {
                if <$bench as Bench>::is_there() {
                    super::a_crash_at_any_step_of_a_replace_leaves_one_whole_ledger(<$bench as Bench>::new());
                }
            }
        }
    )*};
    (@each $bench:ty: $($promise:ident),* $(,)?) => {$(
        #[test]
        fn $promise() {
            if <$bench as Bench>::is_there() {
                super::$promise(&<$bench as Bench>::new());
            }
        }
    )*};
}

promises! {
    memory: MemoryStore,
    directory: Directory,
    postgres: Postgres<false>,
    pgbouncer: Postgres<true>,
    s3: Objects<false>,
    oss: Objects<true>,
}
