//! The gateway: who calls, is the signature right, is the request fresh.
//!
//! Errors and their HTTP status are those of the vendor's tables for the same gateway (pages 434846, 435312)
//! and of error bodies in public issues.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use sha2::{Digest, Sha256};

use crate::sandbox::call::Call;
use crate::sandbox::reply::GatewayError;
use crate::sandbox::state::State;
use crate::vendor::{
    Authorization, V3Parts, canonical_request_v3, signature_v1, signature_v3, string_to_sign_v1,
};

/// How far a timestamp may be from the gateway's clock, and how long a nonce is remembered.
pub(super) const FRESH_MINUTES: i64 = 15;

const VERSIONS: [&str; 3] = ["2019-08-21", "2020-07-10", "2020-10-28"];

/// A request as it arrived.
pub(super) struct Arrival {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: String,
    /// Names in lower case.
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Vec<u8>,
}

/// Reads and authenticates a request.
pub(super) fn admit(arrival: &Arrival, state: &State, request_id: &str) -> Result<Call, GatewayError> {
    let query = decode(arrival.query.as_bytes());
    let mut parameters = query.clone();
    parameters.extend(decode(&arrival.body));
    let common = |name: &str, header: &str| {
        parameters.get(name).or_else(|| arrival.headers.get(header)).cloned().unwrap_or_default()
    };
    let (action, version) = (common("Action", "x-acs-action"), common("Version", "x-acs-version"));
    let authorization = arrival.headers.get("authorization").map(String::as_str).unwrap_or_default();
    match Authorization::parse(authorization) {
        Some(authorization) => verify_v3(arrival, query, &authorization, state)?,
        None => verify_v1(&arrival.method, &parameters, state)?,
    }
    if !VERSIONS.contains(&version.as_str()) {
        return Err(GatewayError::new(404, "InvalidVersion", "Specified parameter Version is not valid."));
    }
    Ok(Call { action, request_id: request_id.to_owned(), parameters })
}

fn decode(text: &[u8]) -> BTreeMap<String, String> {
    form_urlencoded::parse(text).into_owned().collect()
}

fn verify_v1(method: &str, parameters: &BTreeMap<String, String>, state: &State) -> Result<(), GatewayError> {
    let required = |name: &'static str| {
        parameters.get(name).filter(|text| !text.is_empty()).ok_or_else(|| GatewayError::missing(name))
    };
    let signature = required("Signature")?;
    let (key_id, nonce, timestamp) =
        (required("AccessKeyId")?, required("SignatureNonce")?, required("Timestamp")?);
    if required("SignatureMethod")? != "HMAC-SHA1" || required("SignatureVersion")? != "1.0" {
        return Err(GatewayError::new(
            400,
            "IncompleteSignature",
            "The signature method or version is not supported.",
        ));
    }
    let secret = secret(state, key_id)?;
    let mut signed = parameters.clone();
    signed.remove("Signature");
    let text = string_to_sign_v1(method, &signed);
    if signature_v1(secret, &text) != *signature {
        return Err(GatewayError::new(
            400,
            "SignatureDoesNotMatch",
            &format!(
                "Specified signature is not matched with our calculation. server string to sign is:{text}"
            ),
        ));
    }
    fresh(timestamp, state.now())?;
    state.use_nonce(key_id, nonce)
}

fn verify_v3(
    arrival: &Arrival,
    query: BTreeMap<String, String>,
    authorization: &Authorization,
    state: &State,
) -> Result<(), GatewayError> {
    let secret = secret(state, &authorization.access_key_id)?;
    let header = |name: &str| arrival.headers.get(name).map(String::as_str);
    let body_sha256 = hex::encode(Sha256::digest(&arrival.body));
    if header("x-acs-content-sha256") != Some(body_sha256.as_str()) {
        let message = "The x-acs-content-sha256 header does not fit the body.";
        return Err(GatewayError::new(400, "SignatureDoesNotMatch", message));
    }
    let mut headers = BTreeMap::new();
    for name in &authorization.signed_headers {
        let value = header(name).ok_or_else(|| GatewayError::missing(name))?;
        headers.insert(name.clone(), value.trim().to_owned());
    }
    for needed in ["x-acs-date", "x-acs-signature-nonce", "x-acs-action", "x-acs-version", "host"] {
        if !headers.contains_key(needed) {
            return Err(GatewayError::new(
                400,
                "IncompleteSignature",
                &format!("The header {needed} is not signed."),
            ));
        }
    }
    let parts =
        V3Parts { method: arrival.method.clone(), path: arrival.path.clone(), query, headers, body_sha256 };
    let canonical = canonical_request_v3(&parts);
    if signature_v3(secret, &canonical) != authorization.signature {
        return Err(GatewayError::new(
            400,
            "SignatureDoesNotMatch",
            &format!(
                "Specified signature is not matched with our calculation. server canonical request is:{canonical}"
            ),
        ));
    }
    fresh(&parts.headers["x-acs-date"], state.now())?;
    state.use_nonce(&authorization.access_key_id, &parts.headers["x-acs-signature-nonce"])
}

fn secret<'a>(state: &'a State, key_id: &str) -> Result<&'a str, GatewayError> {
    let unknown =
        || GatewayError::new(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.");
    state.secret(key_id).ok_or_else(unknown)
}

fn fresh(timestamp: &str, now: DateTime<Utc>) -> Result<(), GatewayError> {
    let Ok(at) = DateTime::parse_from_rfc3339(timestamp) else {
        let message = "Specified time stamp or date value is not well formatted.";
        return Err(GatewayError::new(400, "InvalidTimeStamp.Format", message));
    };
    if (at.to_utc() - now).abs() > Duration::minutes(FRESH_MINUTES) {
        let message = "Specified time stamp or date value is expired.";
        return Err(GatewayError::new(400, "InvalidTimeStamp.Expired", message));
    }
    Ok(())
}
