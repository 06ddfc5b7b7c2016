//! Who signed a request, when, and whether the signature holds: both of the vendor's versions.
//!
//! Shares only the arithmetic with `mpaas`: what is signed is read from the request as it came.

use std::collections::BTreeMap;
use std::hint::black_box;

use axum::http::HeaderMap;
use axum::http::request::Parts;
use chrono::{DateTime, NaiveDateTime, Utc};
use sha2::{Digest, Sha256};

use crate::mpaas::{signature_v1, string_to_sign_v1};
use crate::sandbox::gateway_error::GatewayError;
use crate::sandbox::parameters::Parameters;
use crate::sandbox::sign_v3::{Authorization, V3Parts, canonical_request_v3, signature_v3};

/// Seconds by which a timestamp may differ from the server's clock, and for which a nonce is remembered.
pub(super) const WINDOW_SECONDS: i64 = 15 * 60;

/// What a good signature proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Signed {
    pub(super) nonce: String,
}

/// Verifies a request's signature, of version 3 where an `Authorization` header says so, else of version 1.
pub(super) fn verify(
    head: &Parts,
    body: &[u8],
    parameters: &Parameters,
    accounts: &BTreeMap<String, String>,
    now: DateTime<Utc>,
) -> Result<Signed, GatewayError> {
    match header(&head.headers, "authorization") {
        Some(text) if text.starts_with("ACS3-HMAC-SHA256") => {
            let authorization = Authorization::parse(text).ok_or_else(|| {
                GatewayError::signature_incomplete("The Authorization header is not complete.")
            })?;
            verify_v3(head, body, &authorization, accounts, now)
        }
        _ => verify_v1(head.method.as_str(), parameters, accounts, now),
    }
}

fn verify_v1(
    method: &str,
    parameters: &Parameters,
    accounts: &BTreeMap<String, String>,
    now: DateTime<Utc>,
) -> Result<Signed, GatewayError> {
    let wanted = |name: &str| {
        parameters.get(name).filter(|value| !value.is_empty()).ok_or_else(|| GatewayError::missing(name))
    };
    let access_key_id = wanted("AccessKeyId")?;
    let signature = wanted("Signature")?;
    if wanted("SignatureMethod")? != "HMAC-SHA1" || wanted("SignatureVersion")? != "1.0" {
        return Err(GatewayError::signature_unsupported());
    }
    let nonce = wanted("SignatureNonce")?.to_owned();
    check_timestamp(wanted("Timestamp")?, now)?;
    let secret = accounts.get(access_key_id).ok_or_else(GatewayError::access_key_not_found)?;
    let mut signed = parameters.all().clone();
    signed.remove("Signature");
    let string_to_sign = string_to_sign_v1(method, &signed);
    if !is_same(&signature_v1(secret, &string_to_sign), signature) {
        return Err(GatewayError::signature_v1(&string_to_sign));
    }
    Ok(Signed { nonce })
}

fn verify_v3(
    head: &Parts,
    body: &[u8],
    authorization: &Authorization,
    accounts: &BTreeMap<String, String>,
    now: DateTime<Utc>,
) -> Result<Signed, GatewayError> {
    let wanted = |name: &str, parameter: &str| {
        header(&head.headers, name)
            .filter(|value| !value.is_empty())
            .ok_or_else(|| GatewayError::missing(parameter))
    };
    let nonce = wanted("x-acs-signature-nonce", "SignatureNonce")?.to_owned();
    let claimed_sha256 = wanted("x-acs-content-sha256", "ContentSha256")?;
    check_timestamp(wanted("x-acs-date", "Timestamp")?, now)?;
    let secret = accounts.get(&authorization.access_key_id).ok_or_else(GatewayError::access_key_not_found)?;
    let must_be_signed = |name: &str| name == "host" || name.starts_with("x-acs-");
    let unsigned = head.headers.keys().map(axum::http::HeaderName::as_str).find(|name| {
        must_be_signed(name) && !authorization.signed_headers.iter().any(|signed| signed == name)
    });
    if let Some(name) = unsigned {
        return Err(GatewayError::signature_incomplete(&format!("The header {name} is not signed.")));
    }
    let body_sha256 = hex::encode(Sha256::digest(body));
    let parts = V3Parts {
        method: head.method.as_str().to_owned(),
        path: head.uri.path().to_owned(),
        query: Parameters::decode(head.uri.query().unwrap_or_default(), b"").all().clone(),
        headers: authorization
            .signed_headers
            .iter()
            .map(|name| (name.clone(), header_values(&head.headers, name)))
            .collect(),
        body_sha256,
    };
    let canonical = canonical_request_v3(&parts);
    let is_right = is_same(&signature_v3(secret, &canonical), &authorization.signature)
        & is_same(&parts.body_sha256, claimed_sha256);
    if is_right { Ok(Signed { nonce }) } else { Err(GatewayError::signature_v3(&canonical)) }
}

fn check_timestamp(text: &str, now: DateTime<Utc>) -> Result<(), GatewayError> {
    let stamp = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%SZ")
        .map_err(|_| GatewayError::timestamp_format())?
        .and_utc();
    if (now - stamp).num_seconds().abs() > WINDOW_SECONDS {
        return Err(GatewayError::timestamp_expired());
    }
    Ok(())
}

/// Compares without telling by its duration where two texts differ.
fn is_same(ours: &str, theirs: &str) -> bool {
    let differing = ours.bytes().zip(theirs.bytes()).fold(0, |bits, (our, their)| bits | (our ^ their));
    black_box(differing) == 0 && ours.len() == theirs.len()
}

/// Returns a header's first value, if it is text.
pub(super) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Returns all values of a header, joined by commas; a header that is not there signs as an empty one.
fn header_values(headers: &HeaderMap, name: &str) -> String {
    let values = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    values.map(|value| value.trim().to_owned()).collect::<Vec<_>>().join(",")
}
