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
pub fn string_to_sign_v1(method: &str, parameters: &BTreeMap<String, String>) -> String {
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
    let owned = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let mut common = BTreeMap::from([
        owned("Action", request.action.as_str()),
        owned("Version", version.as_str()),
        owned("Format", "JSON"),
        owned("AccessKeyId", credentials.access_key_id.expose()),
        owned("SignatureMethod", "HMAC-SHA1"),
        owned("SignatureVersion", "1.0"),
        owned("SignatureNonce", &stamp.nonce),
        owned("Timestamp", &stamp.timestamp.format("%Y-%m-%dT%H:%M:%SZ").to_string()),
    ]);
    if let Some(region) = region {
        common.extend([owned("RegionId", region)]);
    }
    if let Some(token) = &credentials.security_token {
        common.extend([owned("SecurityToken", token.expose())]);
    }
    let business: BTreeMap<String, String> =
        request.parameters.iter().map(|(key, value)| owned(key, value)).collect();
    let mut all = common.clone();
    all.extend(business.clone());
    let text = string_to_sign_v1("POST", &all);
    common.extend([owned("Signature", &signature_v1(credentials.access_key_secret.expose(), &text))]);
    SignedRequest { query: sorted_query(&common), body: sorted_query(&business) }
}
