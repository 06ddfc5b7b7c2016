//! Buckets that lost the end of a log, or all of it, and keep what stands beside it; and what must not be taken for that.

use super::packing::packed;
use super::*;
use crate::state::conformance::lines;

/// A ledger that was packed, went on, and was closed; its records, and how many of its log's objects there are.
fn closed_after_a_pack(bucket: &Bucket, scheme: &str) -> (Vec<Vec<u8>>, u64) {
    let (taken, mut writer) = begun(bucket, scheme);
    let mut taken = packed(taken, &writer, 0..5);
    appended(taken.as_mut(), &mut writer, 2).unwrap();
    drop(taken);
    let slots = bucket.objects().into_keys().filter(|key| key.contains("/log/")).count();
    (seen(bucket, scheme).0, slots as u64)
}

fn remove(bucket: &Bucket, is_lost: impl Fn(&str) -> bool) {
    for key in bucket.objects().into_keys().filter(|key| is_lost(key)) {
        bucket.remove(&key);
    }
}

fn is_of_log(key: &str, slots: std::ops::RangeFrom<u64>) -> bool {
    key.strip_prefix("push/prod/log/").is_some_and(|slot| slots.contains(&slot.parse::<u64>().unwrap()))
}

/// Everybody who comes is told that it is damaged, in these words.
fn is_damaged_for_everybody(bucket: &Bucket, scheme: &str, words: &str) {
    let store = || store(bucket, scheme);
    let before = bucket.objects();
    for kind in [
        store().snapshot(&on("here")).err().unwrap().kind,
        store().peek(&on("here")).err().unwrap().kind,
        store().take(&on("here")).err().unwrap().kind,
        store().create(&on("here")).err().unwrap().kind,
        store().left_behind(&on("here")).err().unwrap().kind,
        store().clear(&[], &on("here")).unwrap_err().kind,
    ] {
        let StateErrorKind::Damaged { why } = kind else { panic!("{kind:?}") };
        assert!(why.contains(words), "{why}");
    }
    assert_eq!(bucket.objects(), before);
}

#[test]
fn a_log_that_lost_its_end_is_damaged_by_what_stands_beside_it() {
    type Lost = fn(&str) -> bool;
    // The opening, a step, what is packed, a beat, a step, and the end.
    let cases: [(Lost, &str); 5] = [
        (|key| is_of_log(key, 3..), "its log ends at object 2, and object 3 was written once"),
        (|key| is_of_log(key, 3..) || key.contains("/pack/"), "its log ends at object 2, and object 3"),
        (|key| is_of_log(key, 2..) || key.contains("/newest/"), "its log ends at object 1, and object 2"),
        (|key| is_of_log(key, 1..), "its log is gone, and object 3 of it was written once"),
        (|key| is_of_log(key, 1..) || key.contains("/newest/"), "its log is gone, and object 2 of it"),
    ];
    for scheme in SCHEMES {
        for (is_lost, words) in cases {
            let bucket = Bucket::new();
            closed_after_a_pack(&bucket, scheme);
            remove(&bucket, is_lost);
            is_damaged_for_everybody(&bucket, scheme, words);
        }
    }
}

#[test]
fn what_is_left_tells_how_many_records_there_were_and_a_restore_goes_beyond_all_of_it() {
    for scheme in SCHEMES {
        let bucket = Bucket::new();
        let (found, slots) = closed_after_a_pack(&bucket, scheme);
        // A writer that stands still, and would write behind what is lost.
        let mut stalled = store(&bucket, scheme).take(&on("stalled")).unwrap();
        remove(&bucket, |key| is_of_log(key, 1..));
        let store = store(&bucket, scheme);
        assert_eq!(store.known_serial().unwrap(), Some(Serial(3)), "as the pack in place has it");
        let newest = bucket.objects().into_keys().find(|key| key.contains("/newest/")).unwrap();
        bucket.remove(&newest);
        assert_eq!(store.known_serial().unwrap(), None, "one that may have been given up says less");
        bucket.set(&newest, b"\n");
        // Somebody tries, with too little; that is remembered.
        drop(store.rebuild(&on("there")).unwrap());
        assert_eq!(store.known_serial().unwrap(), Some(Serial(3)));
        is_damaged_for_everybody(&bucket, scheme, "object 1 of its log is missing");
        let mut draft = store.rebuild(&on("there")).unwrap();
        let writer = proven(&found);
        draft.append((1..).map(Serial).zip(found.clone()).collect(), writer.chain()).unwrap();
        drop(draft.replace().unwrap());
        assert_eq!(seen(&bucket, scheme), (found.clone(), None));
        let first = bucket.objects().into_keys().find(|key| key.contains("/log/")).unwrap();
        assert!(first > format!("push/prod/log/{:020}", slots - 3), "{first}");
        let next = store.take(&on("there")).unwrap();
        assert_eq!(read(next.as_ref()), found);
        // Whatever the restore went by, the stalled one's object is behind its end, or it is fenced.
        let late = appended(stalled.as_mut(), &mut proven(&found), 1);
        killed(stalled);
        drop(next);
        let after = store.snapshot(&on("reader"));
        assert!(late.is_err() || after.is_err(), "nobody reads a ledger that two wrote");
    }
}

#[test]
fn where_nothing_tells_how_many_records_there_were_that_is_said() {
    let bucket = Bucket::new();
    closed_after_a_pack(&bucket, "s3");
    remove(&bucket, |key| is_of_log(key, 1..) || key.contains("/pack/"));
    let before = bucket.objects();
    for kind in [
        store(&bucket, "s3").known_serial().unwrap_err().kind,
        store(&bucket, "s3").rebuild(&on("there")).err().unwrap().kind,
    ] {
        let StateErrorKind::Refused { why, help } = kind else { panic!("{kind:?}") };
        assert!(why.contains("nothing tells how many records"), "{why}");
        assert!(help.contains("Name a place that never had a ledger"), "{help}");
    }
    assert_eq!(bucket.objects(), before);
    // What is left of the log after its end was lost tells it, too.
    let bucket = Bucket::new();
    closed_after_a_pack(&bucket, "s3");
    drop(store(&bucket, "s3").take(&on("there")).unwrap());
    let opens = |bytes: &[u8]| bytes.windows(13).any(|part| part == b"\"kind\":\"open\"");
    let objects = bucket.objects();
    remove(&bucket, |key| is_of_log(key, 1..) && !opens(&objects[key]));
    assert_eq!(store(&bucket, "s3").known_serial().unwrap(), Some(Serial(5)));
    is_damaged_for_everybody(&bucket, "s3", "object 2 of its log is missing");
}

#[test]
fn packs_that_were_given_up_killed_or_are_being_written_raise_no_alarm() {
    for scheme in SCHEMES {
        let bucket = Bucket::new();
        let (taken, mut writer) = begun(&bucket, scheme);
        let mut holder = taken;
        for round in 0..4 {
            let found = read(holder.as_ref());
            let mut draft = holder.draft().unwrap();
            assert_eq!(seen(&bucket, scheme).0, found);
            draft.put_blocks(Serial(1), vec![vec![round; 64]]).unwrap();
            // More records than the log ever had, which do not count.
            let mut ahead = writer.clone();
            let more = lines(&mut ahead, 5).into_iter().map(|(_, line)| line);
            let all = found.iter().cloned().chain(more);
            draft.append((1..).map(Serial).zip(all).collect(), ahead.chain()).unwrap();
            drop(draft.lines().next());
            assert_eq!(seen(&bucket, scheme).0, found, "while it is written");
            if round % 2 == 0 {
                std::mem::forget(draft);
            } else {
                drop(draft);
            }
            assert_eq!(seen(&bucket, scheme).0, found);
            assert_eq!(store(&bucket, scheme).known_serial().unwrap(), Some(writer.serial()));
            holder = taken_over(&bucket, scheme, "there");
            appended(holder.as_mut(), &mut writer, 1).unwrap();
        }
    }
}

#[test]
fn readers_beside_a_writer_that_packs_again_and_again_never_see_damage() {
    let bucket = Bucket::new();
    let (taken, mut writer) = begun(&bucket, "s3");
    bucket.lists_at_a_time(3);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers = [(); 2].map(|()| {
            scope.spawn(|| {
                let mut seen = 0;
                while !is_over.load(Ordering::SeqCst) || seen == 0 {
                    drop(store(&bucket, "s3").snapshot(&on("reader")).unwrap());
                    seen += 1;
                }
                seen
            })
        });
        let mut taken = taken;
        for round in 0..30 {
            taken = packed(taken, &writer, round..round + 3);
            appended(taken.as_mut(), &mut writer, 1).unwrap();
        }
        is_over.store(true, Ordering::SeqCst);
        for reader in readers {
            assert!(reader.join().unwrap() > 0);
        }
    });
}
