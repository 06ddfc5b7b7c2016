//! Requests of which nobody knows what became of them, at each durable step: nothing twice, no hole, and the right verdict.

use axum::http::Method;

use super::*;
use crate::state::objects::bucket::{Effect, error};

/// What may become of one request to create an object.
fn effects() -> Vec<Effect> {
    vec![
        Effect::ReplyLost,
        Effect::Hangs,
        Effect::LandsLate,
        Effect::Answers(500, error("InternalError", "")),
        Effect::Answers(503, error("SlowDown", "")),
        Effect::Answers(503, "<html>bad gateway</html>".to_owned()),
        Effect::Answers(409, error("ConditionalRequestConflict", "")),
        Effect::DoneAnd(500, error("InternalError", "")),
        Effect::DoneAnd(504, String::new()),
        Effect::Delayed(Duration::from_millis(50)),
    ]
}

fn every(case: impl Fn(&Bucket, &'static str, Effect) + Sync) {
    std::thread::scope(|scope| {
        for scheme in SCHEMES {
            let case = &case;
            scope.spawn(move || {
                for effect in effects() {
                    let bucket = Bucket::new();
                    case(&bucket, scheme, effect.clone());
                    assert!(bucket.is_through(), "{scheme}, {effect:?} never happened");
                    assert!(
                        bucket.land().iter().all(|is_done| !is_done),
                        "{scheme}, {effect:?}: it landed late"
                    );
                }
            });
        }
    });
}

#[test]
fn an_append_whose_answer_is_lost_is_there_once() {
    every(|bucket, scheme, effect| {
        let (mut taken, mut writer) = begun(bucket, scheme);
        bucket.inject(Method::PUT, "log/", effect.clone());
        appended(taken.as_mut(), &mut writer, 2).unwrap_or_else(|error| panic!("{effect:?}: {error:?}"));
        appended(taken.as_mut(), &mut writer, 2).unwrap();
        assert_eq!(read(taken.as_ref()).len(), 7, "{effect:?}");
        assert_eq!(seen(bucket, scheme).0.len(), 7, "{effect:?}");
        assert!(taken.lease().prove().is_ok());
    });
}

#[test]
fn an_opening_whose_answer_is_lost_opens_one_epoch() {
    every(|bucket, scheme, effect| {
        let (taken, mut writer) = begun(bucket, scheme);
        drop(taken);
        let before = bucket.objects().len();
        bucket.inject(Method::PUT, "log/", effect.clone());
        let mut taken = store(bucket, scheme).take(&on("there")).unwrap_or_else(|error| panic!("{error:?}"));
        assert_eq!(bucket.objects().len(), before + 1, "{effect:?}");
        appended(taken.as_mut(), &mut writer, 1).unwrap();
        drop(taken);
        assert_eq!(seen(bucket, scheme), (seen(bucket, scheme).0, None));
        assert_eq!(seen(bucket, scheme).0.len(), 4);
    });
}

#[test]
fn a_beat_whose_answer_is_lost_is_one_beat() {
    every(|bucket, scheme, effect| {
        let (mut taken, mut writer) = begun(bucket, scheme);
        let before = bucket.objects().len();
        bucket.inject(Method::PUT, "log/", effect.clone());
        taken.lease().renew().unwrap_or_else(|error| panic!("{effect:?}: {error:?}"));
        assert_eq!(bucket.objects().len(), before + 1, "{effect:?}");
        appended(taken.as_mut(), &mut writer, 1).unwrap();
        assert_eq!(seen(bucket, scheme).0.len(), 4);
    });
}

#[test]
fn an_end_whose_answer_is_lost_lets_the_next_one_in_at_once() {
    every(|bucket, scheme, effect| {
        let (taken, mut writer) = begun(bucket, scheme);
        bucket.inject(Method::PUT, "log/", effect.clone());
        drop(taken);
        let mut next = store(bucket, scheme).take(&on("there")).unwrap_or_else(|error| panic!("{error:?}"));
        assert!(next.took_over().is_none(), "{effect:?}");
        appended(next.as_mut(), &mut writer, 1).unwrap();
        assert_eq!(seen(bucket, scheme).0.len(), 4);
    });
}

#[test]
fn a_replace_whose_answer_is_lost_is_in_place_whole() {
    every(|bucket, scheme, effect| {
        let (taken, mut writer) = begun(bucket, scheme);
        let lines = read(taken.as_ref());
        let mut draft = taken.draft().unwrap();
        draft.put_blocks(Serial(1), vec![vec![7; 64]]).unwrap();
        let numbered = (1..).map(Serial).zip(lines.clone()).collect();
        draft.append(numbered, writer.chain()).unwrap();
        bucket.inject(Method::PUT, "pack/", effect.clone());
        bucket.inject(Method::PUT, "log/", effect.clone());
        let mut taken = draft.replace().unwrap_or_else(|error| panic!("{effect:?}: {error:?}"));
        appended(taken.as_mut(), &mut writer, 1).unwrap();
        drop(taken);
        let (found, open) = seen(bucket, scheme);
        assert_eq!((found.len(), open), (4, None), "{effect:?}");
        assert!(found.starts_with(&lines));
    });
}

/// A store that hears no answer for as long as it waits.
fn deaf(bucket: &Bucket, scheme: &str, variables: &Variables) -> ObjectsStore {
    let mut store = store_of(&bucket.ledger(scheme), variables);
    let quick = Duration::from_millis(100);
    store.timing = Timing { step: quick, sign: quick, ..TIMING };
    store
}

#[test]
fn an_append_that_stays_undecided_is_there_once_or_never_whoever_lands_first() {
    for (scheme, lands_before) in [("s3", true), ("s3", false), ("oss", true), ("oss", false)] {
        let bucket = Bucket::new();
        let (taken, writer) = begun(&bucket, scheme);
        drop(taken);
        let mut stuck = deaf(&bucket, scheme, &keys("writer")).take(&on("here")).unwrap();
        bucket.always(Method::PUT, "log/", Effect::LandsLate);
        let error = appended(stuck.as_mut(), &mut writer.clone(), 2).unwrap_err();
        assert!(matches!(error.kind, StateErrorKind::Undecided { .. }), "{error:?}");
        bucket.heal();
        killed(stuck);
        let landed = |bucket: &Bucket| bucket.land().into_iter().filter(|is_done| *is_done).count();
        if lands_before {
            assert_eq!(landed(&bucket), 1, "the same bytes, often sent, are one object");
        }
        let mut next = taken_over(&bucket, scheme, "there");
        let lines = read(next.as_ref());
        let mut goes_on = proven(&lines);
        assert_eq!(lines.len(), if lands_before { 5 } else { 3 });
        assert_eq!(landed(&bucket), 0, "it is fenced");
        appended(next.as_mut(), &mut goes_on, 1).unwrap();
        assert_eq!(seen(&bucket, scheme).0.len(), lines.len() + 1);
    }
}

#[test]
fn a_writer_that_did_not_hear_finds_out_before_it_writes_on() {
    for scheme in SCHEMES {
        let bucket = Bucket::new();
        let (taken, writer) = begun(&bucket, scheme);
        drop(taken);
        let mut taken = deaf(&bucket, scheme, &keys("writer")).take(&on("here")).unwrap();
        let mut ahead = writer.clone();
        appended(taken.as_mut(), &mut ahead, 2).unwrap();
        bucket.always(Method::PUT, "log/", Effect::Answers(500, String::new()));
        let before = ahead.clone();
        let error = appended(taken.as_mut(), &mut ahead, 2).unwrap_err();
        assert!(matches!(error.kind, StateErrorKind::Undecided { .. }), "{error:?}");
        bucket.heal();
        // Whoever takes it for lost and writes the same again writes nothing twice.
        assert!(appended(taken.as_mut(), &mut before.clone(), 2).is_err());
        appended(taken.as_mut(), &mut ahead, 1).unwrap();
        assert_eq!(seen(&bucket, scheme).0.len(), 8);
    }
}

#[test]
fn what_certainly_was_not_written_is_said_to_be_so() {
    for scheme in SCHEMES {
        let bucket = Bucket::new();
        let (taken, mut writer) = begun(&bucket, scheme);
        drop(taken);
        let mut taken = deaf(&bucket, scheme, &keys("writer")).take(&on("here")).unwrap();
        bucket.inject(Method::PUT, "log/", Effect::Answers(403, error("AccessDenied", "")));
        let error_of_rights = appended(taken.as_mut(), &mut writer.clone(), 2).unwrap_err();
        assert!(matches!(error_of_rights.kind, StateErrorKind::Refused { .. }), "{error_of_rights:?}");
        // The same after an answer that said nothing is no proof.
        bucket.inject(Method::PUT, "log/", Effect::LandsLate);
        bucket.inject(Method::PUT, "log/", Effect::Answers(403, error("AccessDenied", "")));
        let undecided = appended(taken.as_mut(), &mut writer.clone(), 2).unwrap_err();
        assert!(matches!(undecided.kind, StateErrorKind::Undecided { .. }), "{undecided:?}");
        assert_eq!(bucket.land(), [true]);
        assert_eq!(seen(&bucket, scheme).0.len(), 5);
        crate::state::conformance::lines(&mut writer, 2);
        appended(taken.as_mut(), &mut writer, 1).unwrap();
        assert_eq!(seen(&bucket, scheme).0.len(), 6);
    }
}

#[test]
fn an_end_that_arrives_late_lets_the_next_one_in_and_ends_no_other_epoch() {
    for scheme in SCHEMES {
        let bucket = Bucket::new();
        let (taken, mut writer) = begun(&bucket, scheme);
        drop(taken);
        let ends = |bucket: &Bucket| {
            let taken = deaf(bucket, scheme, &keys("writer")).take(&on("here")).unwrap();
            bucket.always(Method::PUT, "log/", Effect::LandsLate);
            drop(taken);
            bucket.heal();
        };
        ends(&bucket);
        let kind = store(&bucket, scheme).take(&on("there")).err().unwrap().kind;
        assert!(matches!(kind, StateErrorKind::Silent { .. }), "{kind:?}");
        assert!(bucket.land().contains(&true));
        drop(store(&bucket, scheme).take(&on("there")).unwrap());
        ends(&bucket);
        let mut next = taken_over(&bucket, scheme, "there");
        assert!(bucket.land().iter().all(|is_done| !is_done));
        appended(next.as_mut(), &mut writer, 1).unwrap();
        assert_eq!(seen(&bucket, scheme).1, Some(on("there").holder().clone()));
    }
}

/// Returns a draft of the same lines, all but its switch written, by somebody who hears no answer for long.
fn drafted(bucket: &Bucket, scheme: &str) -> (Box<dyn Draft>, ledger::Writer, Vec<Vec<u8>>) {
    let (taken, writer) = begun(bucket, scheme);
    let lines = read(taken.as_ref());
    drop(taken);
    let taken = deaf(bucket, scheme, &keys("writer")).take(&on("here")).unwrap();
    let mut draft = taken.draft().unwrap();
    draft.append((1..).map(Serial).zip(lines.clone()).collect(), writer.chain()).unwrap();
    drop(draft.lines());
    (draft, writer, lines)
}

#[test]
fn a_replace_that_stays_undecided_leaves_one_whole_ledger() {
    for (scheme, lands) in [("s3", true), ("s3", false), ("oss", true), ("oss", false)] {
        let bucket = Bucket::new();
        let (draft, writer, lines) = drafted(&bucket, scheme);
        bucket.always(Method::PUT, "log/", Effect::LandsLate);
        let kind = draft.replace().err().unwrap().kind;
        assert!(matches!(kind, StateErrorKind::Undecided { .. }), "{kind:?}");
        if lands {
            assert!(bucket.land().contains(&true));
        }
        bucket.heal();
        assert_eq!(seen(&bucket, scheme).0, lines, "what it needs is still there");
        let mut next = taken_over(&bucket, scheme, "there");
        assert!(bucket.land().iter().all(|is_done| !is_done));
        assert_eq!(read(next.as_ref()), lines);
        appended(next.as_mut(), &mut writer.clone(), 1).unwrap();
        assert_eq!(seen(&bucket, scheme).0.len(), 4);
    }
}

#[test]
fn what_somebody_in_between_says_of_a_replace_is_no_refusal() {
    let page = "<html>blocked by policy</html>";
    for (status, body) in [(200, ""), (302, ""), (403, page), (400, ""), (404, page)] {
        for scheme in SCHEMES {
            let bucket = Bucket::new();
            let (draft, writer, lines) = drafted(&bucket, scheme);
            bucket.inject(Method::PUT, "log/", Effect::DoneAnd(status, body.to_owned()));
            bucket.always(Method::PUT, "log/", Effect::Answers(status, body.to_owned()));
            let kind = draft.replace().err().unwrap().kind;
            assert!(matches!(kind, StateErrorKind::Undecided { .. }), "{status}: {kind:?}");
            bucket.heal();
            assert_eq!(seen(&bucket, scheme).0, lines, "{status}: what counts is still there");
            let mut next = taken_over(&bucket, scheme, "there");
            appended(next.as_mut(), &mut writer.clone(), 1).unwrap();
            assert_eq!(seen(&bucket, scheme).0.len(), 4);
        }
    }
}

#[test]
fn an_object_that_is_cut_short_on_its_way_is_nobody_elses() {
    let bucket = Bucket::new();
    let (taken, mut writer) = begun(&bucket, "s3");
    drop(taken);
    let mut taken = deaf(&bucket, "s3", &keys("writer")).take(&on("here")).unwrap();
    bucket.inject(Method::PUT, "log/", Effect::ReplyLost);
    bucket.always(Method::GET, "log/", Effect::Answers(200, "{\"format\":1".to_owned()));
    let kind = appended(taken.as_mut(), &mut writer.clone(), 1).err().unwrap().kind;
    assert!(matches!(kind, StateErrorKind::Undecided { .. }), "{kind:?}");
    bucket.heal();
    appended(taken.as_mut(), &mut writer, 1).unwrap_err();
    drop(taken);
    assert_eq!(seen(&bucket, "s3").0.len(), 4);
}

#[test]
fn reading_is_tried_again() {
    for scheme in SCHEMES {
        let bucket = Bucket::new();
        let (taken, _) = begun(&bucket, scheme);
        drop(taken);
        for effect in [
            Effect::ReplyLost,
            Effect::Answers(500, String::new()),
            Effect::Answers(503, error("SlowDown", "")),
            Effect::Answers(429, String::new()),
        ] {
            for of in ["log/0", "?list-type"] {
                bucket.inject(Method::GET, of, effect.clone());
                assert_eq!(seen(&bucket, scheme).0.len(), 3);
                assert!(bucket.is_through());
            }
        }
    }
}
