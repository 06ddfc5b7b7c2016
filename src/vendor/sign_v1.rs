//! RPC signature version 1.0: HMAC-SHA1 over all parameters (vendor's page on request signatures).

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use crate::domain::{ApiVersion, Credentials};
use crate::vendor::Request;
use crate::vendor::encode::{percent_encode, sorted_query};

/// What makes one request differ from the same one sent before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// When it is signed; the gateway takes it for 15 minutes.
    pub timestamp: DateTime<Utc>,
    /// A text never used before.
    pub nonce: String,
}

/// A signed request as it leaves: `POST /?QUERY` with a form body.
#[derive(Clone)]
pub struct SignedRequest {
    /// Common parameters and the signature.
    pub query: String,
    /// Business parameters, `application/x-www-form-urlencoded`.
    pub body: String,
}

/// Returns the text that is signed: all parameters but `Signature`, from query and body alike.
#[must_use]
pub fn string_to_sign_v1<K: AsRef<str> + Ord, V: AsRef<str>>(
    method: &str,
    parameters: &BTreeMap<K, V>,
) -> String {
    format!("{method}&%2F&{}", percent_encode(&sorted_query(parameters)))
}

/// Returns the signature of a text: base64 of HMAC-SHA1 with the secret and `&` as key.
///
/// # Panics
///
/// Never: HMAC takes keys of any length.
#[must_use]
pub fn signature_v1(secret: &str, string_to_sign: &str) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(format!("{secret}&").as_bytes()).expect("HMAC takes any key");
    mac.update(string_to_sign.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// Signs a request: common parameters go into the query, business parameters into the body.
#[must_use]
pub fn sign(
    request: &Request,
    version: ApiVersion,
    region: Option<&str>,
    credentials: &Credentials,
    stamp: &Stamp,
) -> SignedRequest {
    let timestamp = stamp.timestamp.format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let mut common: BTreeMap<&str, &str> = BTreeMap::from([
        ("Action", request.action.as_str()),
        ("Version", version.as_str()),
        ("Format", "JSON"),
        ("AccessKeyId", credentials.access_key_id.expose()),
        ("SignatureMethod", "HMAC-SHA1"),
        ("SignatureVersion", "1.0"),
        ("SignatureNonce", stamp.nonce.as_str()),
        ("Timestamp", timestamp.as_str()),
    ]);
    common.extend(region.map(|region| ("RegionId", region)));
    common.extend(credentials.security_token.as_ref().map(|token| ("SecurityToken", token.expose())));
    let business: BTreeMap<&str, &str> =
        request.parameters.iter().map(|(key, value)| (*key, value.as_ref())).collect();
    let mut all = common.clone();
    all.extend(&business);
    let text = string_to_sign_v1("POST", &all);
    let signature = signature_v1(credentials.access_key_secret.expose(), &text);
    common.insert("Signature", &signature);
    SignedRequest { query: sorted_query(&common), body: sorted_query(&business) }
}
