//! Stores that cannot keep two writers apart, and all that may be wrong with an address, a key, a bucket or a log.

use axum::http::Method;

use super::keys::answers_once;
use super::*;
use crate::state::objects::bucket::{Effect, Manners, READER, endpoint, error};

/// Returns an error and its causes, and what to do.
fn in_words(error: &StateError) -> String {
    let mut words = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        words = format!("{words}: {cause}");
        source = cause.source();
    }
    if let StateErrorKind::Refused { help, .. } | StateErrorKind::Keys { help, .. } = &error.kind {
        words = format!("{words}; {help}");
    }
    assert!(!words.contains("secret-of-tests"), "{words}");
    words
}

fn refused(result: Result<impl Sized, StateError>) -> StateError {
    result.err().expect("it is refused")
}

#[test]
fn a_store_that_cannot_keep_two_writers_apart_is_refused_before_anything_rests_on_it() {
    type Spoil = fn(&Bucket);
    let spoilt: [(&str, Spoil, &str); 6] = [
        ("s3", |bucket| bucket.behaves(Manners::Overwrites), "of 8 writers that created one object"),
        ("oss", |bucket| bucket.behaves(Manners::ChecksThenWrites), "of 8 writers that created one object"),
        ("s3", |bucket| bucket.behaves(Manners::ChecksThenWrites), "it told 8 that they had"),
        ("oss", |bucket| bucket.has_versioning("Enabled"), "versioning of the bucket is `Enabled`"),
        ("oss", |bucket| bucket.has_versioning("Suspended"), "versioning of the bucket is `Suspended`"),
        (
            "s3",
            |bucket| bucket.always(Method::PUT, "", Effect::Answers(501, error("NotImplemented", ""))),
            "does not know the condition",
        ),
    ];
    for (scheme, spoil, words) in spoilt {
        let bucket = Bucket::new();
        let (taken, _) = begun(&bucket, scheme);
        drop(taken);
        spoil(&bucket);
        let log = |bucket: &Bucket| bucket.objects().into_keys().filter(|key| key.contains("/log/")).count();
        let before = log(&bucket);
        for error in [
            refused(store(&bucket, scheme).take(&on("here"))),
            refused(store(&bucket, scheme).create(&on("here"))),
            refused(store(&bucket, scheme).rebuild(&on("here"))),
        ] {
            assert!(matches!(error.kind, StateErrorKind::NotConditional { .. }), "{error:?}");
            assert!(in_words(&error).contains(words), "{}", in_words(&error));
        }
        assert_eq!(log(&bucket), before);
        assert_eq!(seen(&bucket, scheme).0.len(), 3, "reading rests on no condition");
    }
    // On S3 a condition holds whatever the versioning.
    let bucket = Bucket::new();
    bucket.has_versioning("Enabled");
    drop(begun(&bucket, "s3"));
}

#[test]
fn a_race_without_answers_is_run_again() {
    for scheme in SCHEMES {
        let bucket = Bucket::new();
        for effect in [Effect::ReplyLost, Effect::LandsLate, Effect::Answers(500, String::new())] {
            bucket.inject(Method::PUT, "probe/", effect);
        }
        drop(begun(&bucket, scheme));
        assert!(bucket.is_through());
        bucket.always(Method::PUT, "probe/", Effect::Answers(503, error("SlowDown", "")));
        let error = refused(store(&bucket, scheme).take(&on("here")));
        assert!(matches!(error.kind, StateErrorKind::Unreachable { .. }), "{error:?}");
        assert!(in_words(&error).contains("SlowDown"));
    }
}

#[test]
fn who_may_only_read_reads_and_changes_nothing() {
    for scheme in SCHEMES {
        let bucket = Bucket::new();
        let (taken, _) = begun(&bucket, scheme);
        let before = bucket.objects();
        bucket.requests();
        let reader = store_of(&bucket.ledger(scheme), &keys(READER));
        let snapshot = reader.snapshot(&on("there")).unwrap();
        assert_eq!((read(snapshot.reader.as_ref()).len(), snapshot.written_by.is_some()), (3, true));
        assert_eq!(reader.known_serial().unwrap(), Some(Serial(3)));
        assert!(bucket.requests().iter().all(|(method, _)| method == Method::GET));
        drop(taken);
        let words = in_words(&refused(reader.take(&on("there"))));
        let permission = format!("{scheme}:PutObject");
        assert!(words.contains("may not write objects") && words.contains(&permission), "{words}");
        assert_eq!(bucket.objects().len(), before.len() + 1, "and the end of the writer");
    }
}

/// What may be wrong, and what is said of it.
#[test]
fn what_a_store_says_is_put_into_words_with_what_to_do() {
    let times = "<RequestTime>20261130T120000Z</RequestTime><ServerTime>2026-11-30T12:20:00Z</ServerTime>";
    let denied = |status| Effect::Answers(status, error("AccessDenied", ""));
    let cases: Vec<(&str, &str, Effect, &[&str])> = vec![
        ("s3", "?list-type", denied(403), &["may not list the bucket's keys", "Allow `s3:ListBucket`"]),
        ("oss", "?list-type", denied(403), &["Allow `oss:ListObjects`"]),
        ("s3", "log/0", denied(403), &["may not read objects", "`s3:GetObject` and `s3:ListBucket`"]),
        ("oss", "?versioning", denied(403), &["`oss:GetBucketVersioning`"]),
        (
            "s3",
            "",
            Effect::Answers(403, error("RequestTimeTooSkewed", times)),
            &["this machine's clock is 20 minutes behind the store's", "Set this machine's clock"],
        ),
        (
            "oss",
            "",
            Effect::Answers(403, error("RequestTimeTooSkewed", "")),
            &["this machine's clock and the store's differ"],
        ),
        (
            "s3",
            "",
            Effect::Answers(403, error("SignatureDoesNotMatch", "")),
            &["the signature is wrong", "`AWS_SECRET_ACCESS_KEY`"],
        ),
        (
            "s3",
            "",
            Effect::Answers(403, error("InvalidAccessKeyId", "")),
            &["does not know the access key", "`AWS_ACCESS_KEY_ID`"],
        ),
        ("s3", "", Effect::Answers(400, error("ExpiredToken", "")), &["the temporary keys have expired"]),
        (
            "oss",
            "",
            Effect::Answers(403, error("SecurityTokenExpired", "")),
            &["the temporary keys have expired", "`ALIBABA_CLOUD_SECURITY_TOKEN`"],
        ),
        (
            "s3",
            "",
            Effect::Answers(
                301,
                error("PermanentRedirect", "<Endpoint>b.s3-eu-west-1.amazonaws.com</Endpoint>"),
            ),
            &["is in another region than `test-1`", "`endpoint=https://b.s3-eu-west-1.amazonaws.com`"],
        ),
        (
            "s3",
            "",
            Effect::Answers(200, "<!DOCTYPE html><html>hello</html>".into()),
            &["does not answer as an object store does", "`endpoint` has to be"],
        ),
        (
            "s3",
            "",
            Effect::Answers(404, "<html>not found</html>".into()),
            &["does not answer as an object store does (HTTP 404)"],
        ),
        (
            "s3",
            "",
            Effect::Answers(503, error("SlowDown", "")),
            &["could not reach", "`SlowDown`: as asked for"],
        ),
        ("s3", "", Effect::Answers(418, error("Teapot", "")), &["HTTP 418, `Teapot`: as asked for"]),
        (
            "s3",
            "",
            Effect::Answers(501, error("NotImplemented", "")),
            &["refuses: HTTP 501, `NotImplemented`"],
        ),
        (
            "oss",
            "?list-type",
            Effect::Answers(505, String::new()),
            &["does not answer as an object store does (HTTP 505)"],
        ),
    ];
    std::thread::scope(|scope| {
        for (scheme, of, effect, words) in cases {
            scope.spawn(move || {
                let bucket = Bucket::new();
                let (taken, _) = begun(&bucket, scheme);
                drop(taken);
                bucket.always(Method::GET, of, effect.clone());
                let mut store = store(&bucket, scheme);
                store.timing.read = Duration::from_millis(100);
                let said = in_words(&refused(store.take(&on("here"))));
                for words in words {
                    assert!(said.contains(words), "{effect:?}: {said}");
                }
            });
        }
    });
}

#[test]
fn an_address_that_leads_nowhere_says_what_is_wrong_with_it() {
    let said = |address: &str, variables: &Variables| {
        in_words(&refused(store_of(address, variables).snapshot(&on("here"))))
    };
    let writer = keys("writer");
    for scheme in SCHEMES {
        let bucket = Bucket::new();
        bucket.is_in("cn-beijing");
        let words = said(&bucket.ledger(scheme), &writer);
        assert!(words.contains("is in another region than `test-1`"), "{words}");
        assert!(words.contains("Set it in the environment's `ledger`: `region=cn-beijing`"), "{words}");

        let missing = format!("{scheme}://nobodys/push?region=test-1&endpoint={}", endpoint());
        let words = said(&missing, &writer);
        assert!(words.contains("there is no bucket `nobodys` at `http://127.0.0.1"), "{words}");

        let words = said(&Bucket::new().ledger(scheme), &(Arc::new(|_: &str| None) as Variables));
        assert!(words.contains("no keys for the ledger in") && words.contains("ACCESS_KEY"), "{words}");
    }
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let words = said(&format!("s3://b?region=test-1&endpoint=http://{closed}"), &writer);
    assert!(words.contains(&format!("no connection to `http://{closed}`")), "{words}");
    let words = said("s3://b?region=test-1&endpoint=https://nowhere.invalid", &writer);
    assert!(words.contains("there is no host of that name: `https://b.nowhere.invalid`"), "{words}");
    // A store that speaks no TLS.
    let words =
        said(&format!("s3://b?region=test-1&endpoint={}", endpoint().replace("http:", "https:")), &writer);
    assert!(words.contains("the server at `https://127.0.0.1"), "{words}");
    assert!(
        words.contains("does not speak TLS; nothing was sent. Give `endpoint` the port that does"),
        "{words}"
    );
}

#[test]
fn a_log_with_a_hole_or_a_changed_object_is_damaged_and_can_be_replaced() {
    type Spoil = fn(&Bucket, &str);
    for scheme in SCHEMES {
        let damage: [(&str, Spoil); 3] = [
            ("is missing", |bucket, key| bucket.remove(key)),
            ("is cut off", |bucket, key| bucket.set(key, b"nothing")),
            ("is not what was written there", |bucket, key| {
                let mut bytes = bucket.objects()[key].to_vec();
                *bytes.last_mut().unwrap() ^= 1;
                bucket.set(key, &bytes);
            }),
        ];
        for (words, spoil) in damage {
            let bucket = Bucket::new();
            let (mut taken, mut writer) = begun(&bucket, scheme);
            appended(taken.as_mut(), &mut writer, 2).unwrap();
            drop(taken);
            spoil(&bucket, &format!("push/prod/log/{:020}", 2));
            let error = refused(store(&bucket, scheme).snapshot(&on("here")));
            assert!(matches!(error.kind, StateErrorKind::Damaged { .. }), "{error:?}");
            assert!(error.to_string().contains(&format!("object 2 of its log {words}")), "{error}");
            assert_eq!(store(&bucket, scheme).known_serial().unwrap(), Some(Serial(5)));
            let mut draft = store(&bucket, scheme).rebuild(&on("here")).unwrap();
            let mut again = ledger::Writer::default();
            draft.append(crate::state::conformance::lines(&mut again, 5), again.chain()).unwrap();
            drop(draft.replace().unwrap());
            assert_eq!(seen(&bucket, scheme).0.len(), 5);
        }
    }
}

#[test]
fn an_object_that_a_list_leaves_out_is_asked_for_and_long_lists_are_read_to_their_end() {
    let bucket = Bucket::new();
    let (mut taken, mut writer) = begun(&bucket, "s3");
    for _ in 0..8 {
        appended(taken.as_mut(), &mut writer, 1).unwrap();
    }
    drop(taken);
    let listed = |slots: &[u64]| {
        let keys: Vec<String> = slots
            .iter()
            .map(|slot| format!("<Contents><Key>push/prod/log/{slot:020}</Key></Contents>"))
            .collect();
        Effect::Answers(200, format!("<ListBucketResult>{}</ListBucketResult>", keys.concat()))
    };
    bucket.inject(
        Method::GET,
        "?list-type=2&max-keys=1000&prefix=push/prod/log/",
        listed(&[1, 2, 4, 5, 7, 8, 9, 10, 11]),
    );
    assert_eq!(seen(&bucket, "s3").0.len(), 11);
    assert!(bucket.is_through());
    for page in [1, 2, 5] {
        bucket.lists_at_a_time(page);
        assert_eq!(seen(&bucket, "s3").0.len(), 11);
    }
}

#[test]
fn a_list_that_never_ends_is_refused_and_so_is_one_that_is_cut_off_or_longer_than_any() {
    let bucket = Bucket::new();
    drop(begun(&bucket, "s3"));
    let long = format!("<ListBucketResult>{}</ListBucketResult>", " ".repeat(9 << 20));
    bucket.always(Method::GET, "?list-type", Effect::Answers(200, long));
    let words = in_words(&refused(store(&bucket, "s3").snapshot(&on("here"))));
    assert!(words.contains("is longer than the 8388608 bytes that it may have"), "{words}");
    bucket.heal();
    for (token, times) in [("<NextContinuationToken>t</NextContinuationToken>", 2), ("", 1)] {
        let page = format!("<ListBucketResult><IsTruncated>true</IsTruncated>{token}</ListBucketResult>");
        bucket.always(Method::GET, "?prefix=push/prod/log/", Effect::Answers(200, page));
        bucket.requests();
        let words = in_words(&refused(store(&bucket, "s3").snapshot(&on("here"))));
        assert!(words.contains("is cut off, and does not go on"), "{words}");
        // Beside the lists of what is packed.
        assert_eq!(bucket.requests().len(), 2 + times);
        bucket.heal();
    }
    // One whose tokens are always new goes on as long as something new is in it.
    bucket.lists_at_a_time(1);
    assert_eq!(seen(&bucket, "s3").0.len(), 3);
}

#[test]
fn of_an_object_no_more_is_read_than_was_asked_for() {
    let digits = "0123456789".repeat(100_000);
    let ask = |status: &str| {
        let (host, serving) = answers_once(status, &digits);
        let store = store_of(&format!("s3://acme/p?region=test-1&endpoint={host}"), &keys("writer"));
        let read = store.session().unwrap().run(|client| async move { client.get_range("x", 5..12).await });
        serving.join().unwrap();
        read
    };
    // A store that does not know what a range is gives all of it, of which the beginning is enough.
    assert_eq!(ask("200 OK").unwrap().unwrap().as_ref(), b"5678901");
    let kind = StateErrorKind::from(ask("206 Partial Content").unwrap_err());
    let words = in_words(&kind.at(store(&Bucket::new(), "s3").place()));
    assert!(words.contains("is longer than the 7 bytes that it may have"), "{words}");
}

#[test]
fn a_step_is_one_request_and_so_is_a_look_of_whoever_waits() {
    let bucket = Bucket::new();
    let (mut taken, mut writer) = begun(&bucket, "s3");
    bucket.requests();
    appended(taken.as_mut(), &mut writer, 5).unwrap();
    assert_eq!(bucket.requests().len(), 1);
    let (waiting, next) = (store(&bucket, "s3"), on("there"));
    drop(refused(waiting.take(&next)));
    bucket.requests();
    drop(refused(waiting.take(&next)));
    assert_eq!(bucket.requests().len(), 1, "a list of what is new");
    appended(taken.as_mut(), &mut writer, 5).unwrap();
    bucket.requests();
    drop(refused(waiting.take(&next)));
    assert_eq!(bucket.requests().len(), 2, "and what is new");
}

#[test]
fn a_log_of_a_later_version_is_refused_by_its_number() {
    let bucket = Bucket::new();
    drop(begun(&bucket, "s3"));
    let key = format!("push/prod/log/{:020}", 2);
    let text = bucket.objects()[&key].to_vec();
    let later = [b"{\"format\":2".as_slice(), &text[b"{\"format\":1".len()..]].concat();
    bucket.set(&key, &later);
    let words = in_words(&refused(store(&bucket, "s3").take(&on("here"))));
    assert!(words.contains("its log has format 2, and this campaignctl reads up to 1"), "{words}");
    assert!(words.contains("Use the version of campaignctl that wrote it"), "{words}");
}
