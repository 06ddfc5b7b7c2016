//! Signature version 3 (ACS3-HMAC-SHA256): what the vendor's newer SDKs send, and the tool never does.

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::mpaas::percent_encode;

const ALGORITHM: &str = "ACS3-HMAC-SHA256";

/// The parts of a request that version 3 signs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct V3Parts {
    /// The verb.
    pub method: String,
    /// The path, encoded.
    pub path: String,
    /// The query, decoded.
    pub query: BTreeMap<String, String>,
    /// The signed headers, names in lower case, values without white space at either end.
    pub headers: BTreeMap<String, String>,
    /// SHA-256 over the raw body, in hexadecimal digits.
    pub body_sha256: String,
}

/// What an `Authorization` header of version 3 says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorization {
    /// The access key's id.
    pub access_key_id: String,
    /// The signed headers' names, in lower case.
    pub signed_headers: Vec<String>,
    /// The signature, in hexadecimal digits.
    pub signature: String,
}

impl Authorization {
    /// Reads a header's value; nothing if it is not of version 3, or not whole.
    #[must_use]
    pub fn parse(header: &str) -> Option<Self> {
        let fields = header.strip_prefix(ALGORITHM)?.trim();
        let fields: BTreeMap<&str, &str> =
            fields.split(',').filter_map(|field| field.trim().split_once('=')).collect();
        Some(Self {
            access_key_id: (*fields.get("Credential")?).to_owned(),
            signed_headers: fields.get("SignedHeaders")?.split(';').map(str::to_owned).collect(),
            signature: (*fields.get("Signature")?).to_owned(),
        })
    }
}

/// Returns the canonical request.
#[must_use]
pub fn canonical_request_v3(parts: &V3Parts) -> String {
    let headers: Vec<String> =
        parts.headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let headers = headers.concat();
    let names = parts.headers.keys().map(String::as_str).collect::<Vec<_>>().join(";");
    // The vendor's SDKs encode a query's values only; its own names need no encoding.
    let query = parts.query.iter().map(|(name, value)| format!("{name}={}", percent_encode(value)));
    let query = query.collect::<Vec<_>>().join("&");
    let (method, path) = (&parts.method, &parts.path);
    format!("{method}\n{path}\n{query}\n{headers}\n{names}\n{}", parts.body_sha256)
}

/// Returns the text that is signed: the algorithm's name, and SHA-256 over the canonical request.
#[must_use]
pub fn string_to_sign_v3(canonical_request: &str) -> String {
    format!("{ALGORITHM}\n{}", hex::encode(Sha256::digest(canonical_request.as_bytes())))
}

/// Returns the signature of a canonical request, in hexadecimal digits.
///
/// # Panics
///
/// Never: HMAC takes keys of any length.
#[must_use]
pub fn signature_v3(secret: &str, canonical_request: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes any key");
    mac.update(string_to_sign_v3(canonical_request).as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

/// Returns the whole `Authorization` header.
#[must_use]
pub fn authorization_v3(access_key_id: &str, secret: &str, parts: &V3Parts) -> String {
    let names = parts.headers.keys().map(String::as_str).collect::<Vec<_>>().join(";");
    let signature = signature_v3(secret, &canonical_request_v3(parts));
    format!("{ALGORITHM} Credential={access_key_id},SignedHeaders={names},Signature={signature}")
}
