//! A ledger in a bucket, where the bucket, the network or another writer misbehaves.

mod ambiguity;
mod interleaving;
mod keys;
mod packing;
mod refusals;
mod rollback;

use super::*;
use crate::ledger;
use crate::state::conformance::{Hand, appended, writer_on};
use crate::state::lease::Terms;
use crate::state::objects::bucket::Bucket;

/// Answers come at once on loopback, if they come.
const TIMING: Timing = Timing {
    attempt: Duration::from_millis(1500),
    step: Duration::from_secs(5),
    sign: Duration::from_secs(3),
    read: Duration::from_secs(5),
    pause: Duration::from_millis(2),
};
/// So long that no heartbeat comes while a test goes on.
const TERMS: Terms = Terms::of(Duration::from_hours(1));
/// Seconds after which such a lease is over.
const OVER: u64 = 3_602;
/// Both kinds of store.
const SCHEMES: [&str; 2] = ["s3", "oss"];

/// Returns the keys of somebody.
fn keys(user: &'static str) -> Variables {
    Arc::new(move |name| match name {
        "AWS_ACCESS_KEY_ID" | "ALIBABA_CLOUD_ACCESS_KEY_ID" => Some(user.to_owned()),
        "AWS_SECRET_ACCESS_KEY" | "ALIBABA_CLOUD_ACCESS_KEY_SECRET" => Some("secret-of-tests".to_owned()),
        _ => None,
    })
}

/// Returns a ledger's store in a bucket, by `s3` or `oss`.
pub(in crate::state) fn store(bucket: &Bucket, scheme: &str) -> ObjectsStore {
    store_of(&bucket.ledger(scheme), &keys("writer"))
}

fn store_of(address: &str, variables: &Variables) -> ObjectsStore {
    let LedgerPlace::Objects(place) = LedgerPlace::parse_url(address, "e").unwrap() else {
        panic!("{address}")
    };
    let mut store = ObjectsStore::new(&place, variables);
    store.timing = TIMING;
    store
}

/// Somebody on a host, with a clock that stands still.
fn on(host: &str) -> Candidate {
    writer_on(host, Hand::default().clock(), TERMS)
}

fn read(reader: &dyn Reader) -> Vec<Vec<u8>> {
    reader.lines().map(Result::unwrap).collect()
}

/// Proves that lines are a ledger: each record once, none missing, the chain whole.
fn proven(lines: &[Vec<u8>]) -> ledger::Writer {
    let mut writer = ledger::Writer::default();
    for line in lines {
        writer.decode(line).unwrap();
    }
    writer
}

/// Returns what somebody reads who comes anew, proven.
fn seen(bucket: &Bucket, scheme: &str) -> (Vec<Vec<u8>>, Option<Holder>) {
    let snapshot = store(bucket, scheme).snapshot(&on("reader")).unwrap();
    let lines = read(snapshot.reader.as_ref());
    proven(&lines);
    (lines, snapshot.written_by)
}

/// Begins a ledger with three records, and goes on in it.
fn begun(bucket: &Bucket, scheme: &str) -> (Box<dyn Writer>, ledger::Writer) {
    let mut taken = store(bucket, scheme).create(&on("here")).unwrap();
    let mut writer = ledger::Writer::default();
    appended(taken.as_mut(), &mut writer, 3).unwrap();
    (taken, writer)
}

/// Takes a ledger over from whoever has it, once its lease is over.
fn taken_over(bucket: &Bucket, scheme: &str, host: &str) -> Box<dyn Writer> {
    let (hand, store) = (Hand::default(), store(bucket, scheme));
    let candidate = writer_on(host, hand.clock(), TERMS);
    for _ in 0..3 {
        match store.take(&candidate) {
            Ok(taken) => return taken,
            Err(StateError {
                kind: StateErrorKind::Locked { .. } | StateErrorKind::Silent { .. }, ..
            }) => {
                hand.pass(OVER);
            }
            Err(error) => panic!("{error}"),
        }
    }
    panic!("it never was free")
}

/// What is left of a writer whose process was killed, or stands still: nothing that it would do by itself.
fn killed(writer: Box<dyn Writer>) {
    std::mem::forget(writer);
}
