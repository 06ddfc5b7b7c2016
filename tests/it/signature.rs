//! Signatures, held against vectors that the vendor's own SDKs computed.
//!
//! `signature-vectors.json` says for each vector who signed it, and for the documented ones where they stand.

use std::collections::BTreeMap;

use campaignctl::domain::{ApiVersion, Call, Credentials, Secret};
use campaignctl::mpaas::{Action, Request, Stamp, sign, signature_v1, sorted_query, string_to_sign_v1};
use campaignctl::sandbox::{
    Authorization, V3Parts, authorization_v3, canonical_request_v3, signature_v3, string_to_sign_v3,
};
use serde::Deserialize;
use sha2::{Digest, Sha256};

const VECTORS: &str = include_str!("../fixtures/vendor/signature-vectors.json");

type Parameters = BTreeMap<String, String>;

#[derive(Deserialize)]
struct Vectors {
    #[serde(rename = "vectors")]
    v1: Vec<V1>,
    aliyunsdkcore_end_to_end: Vec<V1>,
    acs3_hmac_sha256: Vec<V3>,
}

#[derive(Deserialize)]
struct V1 {
    name: String,
    method: String,
    access_key_secret: String,
    query_params: Parameters,
    form_params: Parameters,
    string_to_sign: String,
    signature: String,
    form_body_wire: Option<String>,
    request_target: Option<String>,
}

#[derive(Deserialize)]
struct V3 {
    name: String,
    method: String,
    path: String,
    query_params: Parameters,
    body: String,
    headers: Parameters,
    access_key_id: String,
    access_key_secret: String,
    canonical_request: String,
    string_to_sign: String,
    authorization: String,
}

fn vectors() -> Vectors {
    serde_json::from_str(VECTORS).unwrap()
}

fn decoded(text: &str) -> Parameters {
    let pairs: Vec<(String, String)> = form_urlencoded::parse(text.as_bytes()).into_owned().collect();
    let parameters: Parameters = pairs.iter().cloned().collect();
    assert_eq!(pairs.len(), parameters.len(), "no name twice in {text}");
    parameters
}

fn merged(query: &Parameters, form: &Parameters) -> Parameters {
    query.iter().chain(form).map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn assert_v1(vector: &V1) {
    let text = string_to_sign_v1(&vector.method, &merged(&vector.query_params, &vector.form_params));
    assert_eq!(text, vector.string_to_sign, "{}", vector.name);
    assert_eq!(signature_v1(&vector.access_key_secret, &text), vector.signature, "{}", vector.name);
}

#[test]
fn version_1_signs_as_three_official_signers_do() {
    let vectors = vectors().v1;
    for vector in &vectors {
        assert_v1(vector);
    }
    assert_eq!(vectors.len(), 15);
}

#[test]
fn our_form_body_means_what_the_official_one_means() {
    let mut bodies_count = 0;
    for vector in vectors().v1.iter().filter(|vector| vector.method == "POST") {
        let theirs = vector.form_body_wire.as_deref().expect("every POST vector has a body");
        let ours = sorted_query(&vector.form_params);
        assert_eq!(decoded(&ours), decoded(theirs), "{}", vector.name);
        assert_eq!(decoded(&ours), vector.form_params, "{}", vector.name);
        bodies_count += 1;
    }
    assert_eq!(bodies_count, 13, "all but the two GETs");
}

#[test]
fn version_1_signs_whole_requests_as_the_legacy_sdk_does() {
    let vectors = vectors().aliyunsdkcore_end_to_end;
    for vector in &vectors {
        assert_v1(vector);
        // The address that the SDK called: its query, decoded, is what was signed and the signature.
        let target = vector.request_target.as_deref().expect("every end-to-end vector has an address");
        let mut query = decoded(target.strip_prefix("/?").unwrap());
        assert_eq!(query.remove("Signature").as_ref(), Some(&vector.signature), "{}", vector.name);
        assert_eq!(query, vector.query_params, "{}", vector.name);
    }
    assert_eq!(vectors.len(), 3);
}

#[test]
fn version_3_signs_as_the_vendor_documents_and_its_sdks_do() {
    let vectors = vectors().acs3_hmac_sha256;
    for vector in &vectors {
        let parts = V3Parts {
            method: vector.method.clone(),
            path: vector.path.clone(),
            query: vector.query_params.clone(),
            headers: vector.headers.clone(),
            body_sha256: hex::encode(Sha256::digest(vector.body.as_bytes())),
        };
        let canonical = canonical_request_v3(&parts);
        assert_eq!(canonical, vector.canonical_request, "{}", vector.name);
        assert_eq!(string_to_sign_v3(&canonical), vector.string_to_sign, "{}", vector.name);
        let (id, secret) = (&vector.access_key_id, &vector.access_key_secret);
        let header = authorization_v3(id, secret, &parts);
        assert_eq!(header, vector.authorization, "{}", vector.name);

        let read = Authorization::parse(&vector.authorization).expect("the header is of version 3");
        assert_eq!(&read.access_key_id, id, "{}", vector.name);
        assert!(read.signed_headers.iter().eq(vector.headers.keys()), "{}", vector.name);
        assert_eq!(read.signature, signature_v3(secret, &canonical), "{}", vector.name);
    }
    assert_eq!(vectors.len(), 3);
}

fn credentials(security_token: Option<&str>) -> Credentials {
    let secret = |text: &str| Secret::new(text.to_owned());
    Credentials {
        access_key_id: secret("testAccessKeyId"),
        access_key_secret: secret("testAccessKeySecret"),
        security_token: security_token.map(secret),
    }
}

fn stamp() -> Stamp {
    Stamp { timestamp: "2026-11-23T01:13:25.987Z".parse().unwrap(), nonce: "3ee8c1b8 83d3+44af".to_owned() }
}

fn request(texts: &[(&'static str, &str)]) -> Request {
    let parameters = texts.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    Request { action: Action::Push(Call::Template), parameters }
}

#[test]
fn a_signed_request_verifies_from_what_is_on_the_wire() {
    let texts = [
        ("TaskName", "十二月 *~+ %2B & = /?#;:@'()!"),
        ("TemplateKeyValue", "{\"name\": \"张三 😀 👨‍👩‍👧\"}"),
        ("Empty", ""),
        ("LineBreak", "a\r\nb\tc\u{0}"),
    ];
    let signed = sign(
        &request(&texts),
        ApiVersion::V20201028,
        Some("cn-hangzhou"),
        &credentials(Some("CAIS+/8= token")),
        &stamp(),
    );

    // Seen from the other side: nothing is known but query, body and the secret.
    let mut query = decoded(&signed.query);
    let signature = query.remove("Signature").expect("the query has the signature");
    let expected = [
        ("AccessKeyId", "testAccessKeyId"),
        ("Action", "PushTemplate"),
        ("Format", "JSON"),
        ("RegionId", "cn-hangzhou"),
        ("SecurityToken", "CAIS+/8= token"),
        ("SignatureMethod", "HMAC-SHA1"),
        ("SignatureNonce", "3ee8c1b8 83d3+44af"),
        ("SignatureVersion", "1.0"),
        ("Timestamp", "2026-11-23T01:13:25Z"),
        ("Version", "2020-10-28"),
    ];
    assert!(query.iter().map(|(name, value)| (name.as_str(), value.as_str())).eq(expected), "{query:?}");
    let body = decoded(&signed.body);
    let sent: Parameters = texts.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    assert_eq!(body, sent);
    let text = string_to_sign_v1("POST", &merged(&query, &body));
    assert_eq!(signature_v1("testAccessKeySecret", &text), signature);
    assert_ne!(signature_v1("anotherSecret", &text), signature);
}

#[test]
fn region_and_token_are_absent_unless_given_and_the_version_is_the_environments() {
    let signed = sign(&request(&[]), ApiVersion::V20190821, None, &credentials(None), &stamp());
    let query = decoded(&signed.query);
    assert_eq!(query.get("Version").map(String::as_str), Some("2019-08-21"));
    assert!(!query.contains_key("RegionId") && !query.contains_key("SecurityToken"), "{query:?}");
    assert_eq!(signed.body, "");
}

/// The exact bytes: a change that only verifies against itself would pass every test above.
#[test]
fn the_query_is_sorted_and_encoded_as_the_vendor_signs() {
    let signed = sign(
        &request(&[("AppId", "A")]),
        ApiVersion::V20201028,
        Some("cn-hangzhou"),
        &credentials(Some("t+k n")),
        &stamp(),
    );
    insta::assert_snapshot!(signed.query, @"AccessKeyId=testAccessKeyId&Action=PushTemplate&Format=JSON&RegionId=cn-hangzhou&SecurityToken=t%2Bk%20n&Signature=qRscr8gZ2Jx9o3ZdYgHUyaogqQM%3D&SignatureMethod=HMAC-SHA1&SignatureNonce=3ee8c1b8%2083d3%2B44af&SignatureVersion=1.0&Timestamp=2026-11-23T01%3A13%3A25Z&Version=2020-10-28");
}
