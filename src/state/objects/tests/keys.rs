//! Where keys come from, who is asked for them, and what a signature is of.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::thread::JoinHandle;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use super::*;
use crate::state::objects::bucket::endpoint;

/// A server that answers one request; returns its address, and then what was asked.
pub(super) fn answers_once(status: &str, body: &str) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let length = body.len();
    let answer = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
    let serving = std::thread::spawn(move || {
        let (mut connection, _) = listener.accept().unwrap();
        let (mut asked, mut piece) = (Vec::new(), [0; 4096]);
        while !asked.windows(4).any(|end| end == b"\r\n\r\n") {
            let read = connection.read(&mut piece).unwrap();
            assert!(read > 0, "the request is cut off");
            asked.extend_from_slice(&piece[..read]);
        }
        connection.write_all(answer.as_bytes()).unwrap();
        String::from_utf8(asked).unwrap()
    });
    (origin, serving)
}

fn with(set: Vec<(&'static str, String)>) -> Variables {
    Arc::new(move |name| set.iter().find(|(set, _)| *set == name).map(|(_, value)| value.clone()))
}

/// Returns the kind of the error, with its words and those of its cause.
fn failed(address: &str, set: Vec<(&'static str, String)>) -> (StateErrorKind, String) {
    let error = store_of(address, &with(set)).snapshot(&on("here")).err().unwrap();
    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
    let words = format!("{error}{cause}");
    (error.kind, words)
}

fn role_of_oss(sts: &str, token: &str) -> Vec<(&'static str, String)> {
    vec![
        ("ALIBABA_CLOUD_ROLE_ARN", "acs:ram::1:role/ledger".to_owned()),
        ("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "acs:ram::1:oidc-provider/ci".to_owned()),
        ("ALIBABA_CLOUD_OIDC_TOKEN_FILE", token.to_owned()),
        ("ALIBABA_CLOUD_STS_ENDPOINT", sts.to_owned()),
    ]
}

#[test]
fn who_gives_no_keys_is_named_with_the_reason() {
    let bucket = Bucket::new();
    let directory = tempfile::tempdir().unwrap();
    let token = directory.path().join("token");
    std::fs::write(&token, "hunter2.token\n").unwrap();
    let token = token.to_str().unwrap();
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();

    let (kind, words) = failed(&bucket.ledger("oss"), role_of_oss(&format!("http://{closed}"), token));
    assert!(matches!(kind, StateErrorKind::Unreachable { .. }), "{words}");
    assert!(words.contains(&format!("`http://{closed}`, which gives the keys, did not answer")), "{words}");

    let (sts, serving) = answers_once(
        "400 Bad Request",
        "{\"Code\":\"AuthenticationFail.OIDCToken.Expired\",\"Message\":\"late\"}",
    );
    let (kind, words) = failed(&bucket.ledger("oss"), role_of_oss(&sts, token));
    assert!(matches!(kind, StateErrorKind::Keys { .. }), "{words}");
    let expected = format!("`{sts}` gives no keys (HTTP 400, `AuthenticationFail.OIDCToken.Expired`: late)");
    assert!(words.contains(&expected) && !words.contains("hunter2"), "{words}");
    let asked = serving.join().unwrap();
    assert!(
        asked.contains("RoleSessionName=campaignctl") && asked.contains("OIDCToken=hunter2.token"),
        "{asked}"
    );

    for (content, expected) in
        [(None, "could not read the token in `"), (Some(""), "is empty"), (Some("a b"), "holds no token")]
    {
        let file = directory.path().join("other");
        match content {
            None => drop(std::fs::remove_file(&file)),
            Some(content) => std::fs::write(&file, content).unwrap(),
        }
        let file = file.to_str().unwrap().to_owned();
        let role = vec![("AWS_ROLE_ARN", "arn".to_owned()), ("AWS_WEB_IDENTITY_TOKEN_FILE", file.clone())];
        let (kind, words) = failed(&bucket.ledger("s3"), role);
        assert!(matches!(kind, StateErrorKind::Keys { .. }), "{words}");
        assert!(words.contains(expected) && words.contains(&file), "{words}");
        let (kind, words) = failed(&bucket.ledger("oss"), role_of_oss("http://127.0.0.1:1", &file));
        assert!(matches!(kind, StateErrorKind::Keys { .. }), "{words}");
        assert!(words.contains(expected) && words.contains(&file), "{words}");
    }

    let (host, serving) = answers_once("400 Bad Request", "{\"code\":\"BadToken\",\"message\":\"no\"}");
    let container = vec![("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("{host}/v1"))];
    let (kind, words) = failed(&bucket.ledger("s3"), container);
    assert!(matches!(kind, StateErrorKind::Keys { .. }), "{words}");
    assert!(words.contains(&format!("`{host}` gives no keys (HTTP 400, `BadToken`: no)")), "{words}");
    serving.join().unwrap();
}

#[test]
fn keys_that_a_role_is_given_open_the_ledger() {
    let bucket = Bucket::new();
    drop(begun(&bucket, "oss"));
    let directory = tempfile::tempdir().unwrap();
    let token = directory.path().join("token");
    std::fs::write(&token, "t\n").unwrap();
    let keys = "{\"Credentials\":{\"AccessKeyId\":\"writer\",\"AccessKeySecret\":\"s\",\"SecurityToken\":\"st\",\
                \"Expiration\":\"2199-01-01T00:00:00Z\"}}";
    let (sts, serving) = answers_once("200 OK", keys);
    let store = store_of(&bucket.ledger("oss"), &with(role_of_oss(&sts, token.to_str().unwrap())));
    assert_eq!(read(store.snapshot(&on("here")).unwrap().reader.as_ref()).len(), 3);
    serving.join().unwrap();
}

/// The signature of OSS as its page has it, written down once more
/// (<https://help.aliyun.com/zh/oss/developer-reference/recommend-to-use-signature-version-4>, 2026-11-30).
fn signature_of_oss(secret: &str, head: &str, additional: &str) -> String {
    let (first, rest) = head.split_once("\r\n").unwrap();
    let [method, path, _] = first.split(' ').collect::<Vec<_>>()[..] else { panic!("{first}") };
    let header = |name: &str| {
        let lines = rest.lines().filter_map(|line| line.split_once(": "));
        lines
            .into_iter()
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.to_owned())
    };
    let mut signed = vec!["x-oss-content-sha256", "x-oss-date"];
    signed.extend(additional.split(';'));
    signed.sort_unstable();
    let headers: Vec<String> =
        signed.iter().map(|name| format!("{name}:{}", header(name).unwrap())).collect();
    let headers = headers.join("\n");
    let canonical = format!("{method}\n{path}\n\n{headers}\n\n{additional}\nUNSIGNED-PAYLOAD");
    let time = header("x-oss-date").unwrap();
    let scope = format!("{}/test-1/oss/aliyun_v4_request", &time[..8]);
    let digest = hex::encode(Sha256::digest(canonical));
    let mac = |key: &[u8], text: &str| {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
        mac.update(text.as_bytes());
        mac.finalize().into_bytes().to_vec()
    };
    let key = scope.split('/').fold(format!("aliyun_v4{secret}").into_bytes(), |key, part| mac(&key, part));
    hex::encode(mac(&key, &format!("OSS4-HMAC-SHA256\n{time}\n{scope}\n{digest}")))
}

#[test]
fn a_request_to_oss_is_signed_with_its_host_so_no_other_host_takes_it() {
    let (host, serving) = answers_once("404 Not Found", "<Error><Code>NoSuchKey</Code></Error>");
    let store = store_of(&format!("oss://acme/p?region=test-1&endpoint={host}"), &keys("writer"));
    assert_eq!(store.session().unwrap().get("log/1".to_owned()).unwrap(), None);
    let head = serving.join().unwrap();
    let (_, authorization) = head.split_once("authorization: ").unwrap();
    let authorization = authorization.lines().next().unwrap();
    assert!(authorization.contains("AdditionalHeaders=host,"), "{authorization}");
    let signature = signature_of_oss("secret-of-tests", &head, "host");
    assert!(authorization.ends_with(&format!("Signature={signature}")), "{authorization}");
    let elsewhere = head.replace(host.trim_start_matches("http://"), "acme.oss-cn-hangzhou.aliyuncs.com");
    assert_ne!(signature_of_oss("secret-of-tests", &elsewhere, "host"), signature);
}

#[test]
fn a_ledger_at_another_endpoint_than_the_pinned_one_is_shown_no_keys() {
    for (scheme, pin) in [("s3", "AWS_ENDPOINT_URL_S3"), ("s3", "AWS_ENDPOINT_URL"), ("oss", "OSS_ENDPOINT")]
    {
        let bucket = Bucket::new();
        drop(begun(&bucket, scheme));
        bucket.requests();
        let pinned = |to: &str| {
            let (keys, to) = (keys("writer"), to.to_owned());
            Arc::new(move |name: &str| if name == pin { Some(to.clone()) } else { keys(name) }) as Variables
        };
        let elsewhere = store_of(&bucket.ledger(scheme), &pinned("https://store.internal"));
        let error = elsewhere.snapshot(&on("here")).err().unwrap();
        let words = format!(
            "the keys are for `https://store.internal`, as `{pin}` says, and not for `{}`",
            endpoint()
        );
        assert!(error.to_string().contains(&words), "{error}");
        assert_eq!(bucket.requests().len(), 0);
        assert!(store_of(&bucket.ledger(scheme), &pinned(&endpoint())).snapshot(&on("here")).is_ok());
    }
}
