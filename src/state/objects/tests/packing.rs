//! Packing in a bucket: what is read, what is reused, and what is removed when.

use axum::http::Method;

use super::*;
use crate::ledger::{BlockName, BlockPlace};
use crate::state::objects::bucket::{Effect, error};

fn block(number: u64) -> Vec<u8> {
    number.to_be_bytes().repeat(4)
}

/// Packs a ledger to the same lines, with blocks.
pub(super) fn packed(
    taken: Box<dyn Writer>,
    writer: &ledger::Writer,
    blocks: std::ops::Range<u64>,
) -> Box<dyn Writer> {
    let lines = read(taken.as_ref());
    let mut draft = taken.draft().unwrap();
    draft.put_blocks(Serial(1), blocks.map(block).collect()).unwrap();
    draft.append((1..).map(Serial).zip(lines.clone()).collect(), writer.chain()).unwrap();
    assert_eq!(read(draft.as_ref()), lines);
    draft.replace().unwrap()
}

fn found(blocks: &dyn Blocks, numbers: std::ops::Range<u64>) -> usize {
    let place = BlockPlace { serial: Serial(1), index: 0 };
    let read = |number: u64| {
        let (name, bytes) = (BlockName::of(&block(number)), block(number));
        blocks.block(place, &name).is_ok_and(|found| (*found).as_ref() == bytes)
    };
    numbers.filter(|number| read(*number)).count()
}

fn keys_of(bucket: &Bucket, part: &str) -> Vec<String> {
    bucket.objects().into_keys().filter(|key| key.contains(part)).collect()
}

#[test]
fn blocks_that_are_there_are_not_written_again_and_are_read_together() {
    for scheme in SCHEMES {
        let bucket = Bucket::new();
        let (taken, mut writer) = begun(&bucket, scheme);
        let mut taken = packed(taken, &writer, 0..300);
        assert_eq!(keys_of(&bucket, "/blocks-").len(), 1);
        appended(taken.as_mut(), &mut writer, 1).unwrap();
        let mut taken = packed(taken, &writer, 100..301);
        assert_eq!(keys_of(&bucket, "/blocks-").len(), 2, "only block 300 is new");
        appended(taken.as_mut(), &mut writer, 1).unwrap();
        let snapshot = store(&bucket, scheme).snapshot(&on("reader")).unwrap();
        let blocks = snapshot.reader.blocks();
        bucket.requests();
        let names: Vec<BlockName> = (100..301).map(|number| BlockName::of(&block(number))).collect();
        blocks.will_ask(&mut names.iter());
        assert_eq!(found(blocks.as_ref(), 100..301), 201);
        assert_eq!(bucket.requests().len(), 3, "an index, and a piece of two bundles");
        assert_eq!(found(blocks.as_ref(), 0..1), 0, "it is of no record any more");
    }
}

#[test]
fn what_was_packed_goes_once_it_was_packed_twice_again_and_no_opening_ever_does() {
    for scheme in SCHEMES {
        let bucket = Bucket::new();
        let (mut taken, mut writer) = begun(&bucket, scheme);
        let mut opened = 1;
        let mut readers = Vec::new();
        for round in 0..4_u64 {
            readers.push(store(&bucket, scheme).snapshot(&on("reader")).unwrap().reader);
            taken = packed(taken, &writer, round * 10..round * 10 + 10);
            for _ in 0..3 {
                drop(taken);
                taken = store(&bucket, scheme).take(&on("here")).unwrap();
                opened += 1;
                appended(taken.as_mut(), &mut writer, 1).unwrap();
            }
            // What was there before is read by whoever began to.
            let reader = readers.last().unwrap();
            let lines = 3 + 3 * usize::try_from(round).unwrap();
            assert_eq!(read(reader.as_ref()).len(), lines);
            if round > 0 {
                assert_eq!(found(reader.blocks().as_ref(), (round - 1) * 10..round * 10), 10);
            }
            assert_eq!(seen(&bucket, scheme).0.len(), lines + 3);
        }
        assert_eq!(found(readers[1].blocks().as_ref(), 0..10), 0, "two packs later it is gone");
        let opens = bucket
            .objects()
            .into_values()
            .filter(|bytes| bytes.windows(13).any(|part| part == b"\"kind\":\"open\""));
        assert_eq!(opens.count(), opened);
        assert_eq!(keys_of(&bucket, "/newest/").len(), 1);
        assert!(keys_of(&bucket, "/records-").len() <= 2);
        // A reader lists what came since, and one more.
        bucket.requests();
        seen(&bucket, scheme);
        let asked = bucket.requests();
        // Three lists; what is packed, a beat and nine objects since; and its records.
        assert!(asked.len() <= 3 + 11 + 1, "{asked:?}");
        assert!(asked.iter().all(|(method, _)| method == Method::GET));
    }
}

#[test]
fn what_this_machine_keeps_proves_nothing_of_the_bucket() {
    let (bucket, caches) = (Bucket::new(), tempfile::tempdir().unwrap());
    let (taken, writer) = begun(&bucket, "s3");
    drop(packed(taken, &writer, 0..3));
    let (directory, keys) = (caches.path().to_str().unwrap().to_owned(), keys("reader"));
    let variables: Variables = Arc::new(move |name| match name {
        "XDG_CACHE_HOME" => Some(directory.clone()),
        _ => keys(name),
    });
    let snapshot = store_of(&bucket.ledger("s3"), &variables).snapshot(&on("reader")).unwrap();
    let reader = snapshot.reader;
    assert_eq!(found(reader.blocks().as_ref(), 0..3), 3);
    for key in keys_of(&bucket, "/blocks-") {
        bucket.remove(&key);
    }
    assert_eq!(found(reader.blocks().as_ref(), 0..3), 3, "they are kept here");
    assert_eq!(found(reader.stored_blocks().as_ref(), 0..3), 0);
}

#[test]
fn what_somebody_else_keeps_below_the_same_prefix_stays() {
    let bucket = Bucket::new();
    let (taken, writer) = begun(&bucket, "s3");
    let mut taken = packed(taken, &writer, 0..3);
    let directory = keys_of(&bucket, "/pack/").remove(0);
    let (below, _) = directory.split_once("pack/").unwrap();
    let strangers = [
        "pack/log/00000000000000000001",
        "pack/holiday-photos.zip",
        "newest/zz-report.csv",
        "log/notes.txt",
        "probe.txt",
    ];
    let strangers = strangers.map(|key| format!("{below}{key}"));
    for key in &strangers {
        bucket.set(key, b"mine");
    }
    for _ in 0..3 {
        taken = packed(taken, &writer, 0..3);
    }
    drop(taken);
    assert_eq!(seen(&bucket, "s3").0.len(), 3);
    let left = bucket.objects();
    assert!(strangers.iter().all(|key| left.contains_key(key)), "{:?}", left.keys());
}

#[test]
fn who_may_not_delete_packs_and_leaves_it() {
    let bucket = Bucket::new();
    bucket.always(Method::DELETE, "", Effect::Answers(403, error("AccessDenied", "")));
    let (mut taken, mut writer) = begun(&bucket, "s3");
    for _ in 0..3 {
        taken = packed(taken, &writer, 0..10);
        appended(taken.as_mut(), &mut writer, 1).unwrap();
    }
    assert_eq!(seen(&bucket, "s3").0.len(), 6);
}

#[test]
fn a_draft_that_is_given_up_leaves_nothing() {
    let bucket = Bucket::new();
    let (taken, writer) = begun(&bucket, "s3");
    let lines = read(taken.as_ref());
    let mut draft = taken.draft().unwrap();
    draft.put_blocks(Serial(1), vec![block(1)]).unwrap();
    draft.append((1..).map(Serial).zip(lines).collect(), writer.chain()).unwrap();
    assert_eq!(read(draft.as_ref()).len(), 3);
    assert_eq!(found(draft.blocks().as_ref(), 1..2), 1);
    assert!(!keys_of(&bucket, "/pack/").is_empty());
    drop(draft);
    assert_eq!(keys_of(&bucket, "/pack/").len(), 0);
}

#[test]
fn nobody_removes_what_a_later_epoch_wrote() {
    let bucket = Bucket::new();
    let (taken, mut writer) = begun(&bucket, "s3");
    let mut taken = packed(taken, &writer, 0..10);
    appended(taken.as_mut(), &mut writer, 1).unwrap();
    // It stands still between the list and what it removes, and is taken over; the next one is about to pack.
    bucket.inject(
        Method::GET,
        "?list-type=2&max-keys=1000&prefix=push/prod/newest/",
        Effect::Delayed(Duration::from_secs(1)),
    );
    let lines = read(taken.as_ref());
    let mut draft = taken.draft().unwrap();
    draft.put_blocks(Serial(1), vec![block(50)]).unwrap();
    draft.append((1..).map(Serial).zip(lines.clone()).collect(), writer.chain()).unwrap();
    std::thread::scope(|scope| {
        let replacing = scope.spawn(|| drop(draft.replace()));
        // The list of what is packed is asked for before the one that is late.
        let since = std::time::Instant::now();
        while !bucket.is_through() {
            assert!(since.elapsed() < Duration::from_mins(1), "nothing is tidied");
            std::thread::sleep(Duration::from_millis(2));
        }
        let next = taken_over(&bucket, "s3", "there");
        let mut theirs = next.draft().unwrap();
        theirs.put_blocks(Serial(1), vec![block(60)]).unwrap();
        theirs.append((1..).map(Serial).zip(lines.clone()).collect(), writer.chain()).unwrap();
        assert_eq!(read(theirs.as_ref()), lines);
        replacing.join().unwrap();
        assert_eq!(found(theirs.blocks().as_ref(), 60..61), 1);
        drop(theirs.replace().unwrap());
    });
    let snapshot = store(&bucket, "s3").snapshot(&on("reader")).unwrap();
    assert_eq!(read(snapshot.reader.as_ref()), lines);
    assert_eq!(found(snapshot.reader.blocks().as_ref(), 60..61), 1);
}

#[test]
fn what_a_restore_replaced_is_kept_through_every_pack() {
    for scheme in SCHEMES {
        let bucket = Bucket::new();
        let (taken, writer) = begun(&bucket, scheme);
        drop(packed(taken, &writer, 0..5));
        let before = bucket.objects();
        let mut draft = store(&bucket, scheme).rebuild(&on("there")).unwrap();
        let kept = draft.keeps().unwrap();
        assert!(kept.contains("/push/prod/log, up to object "), "{kept}");
        let mut again = ledger::Writer::default();
        let lines = crate::state::conformance::lines(&mut again, 2);
        draft.append(lines, again.chain()).unwrap();
        let mut taken = draft.replace().unwrap();
        for _ in 0..3 {
            appended(taken.as_mut(), &mut again, 1).unwrap();
            taken = packed(taken, &again, 7..9);
        }
        assert_eq!(seen(&bucket, scheme).0.len(), 5);
        let after = bucket.objects();
        let lost = before.keys().filter(|key| !after.contains_key(*key) && !key.contains("/newest/"));
        assert_eq!(lost.count(), 0);
    }
}
