//! RPC signature version 1.0: HMAC-SHA1 over all parameters (vendor's page on request signatures).

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, SecondsFormat, Utc};
use hmac::{Hmac, KeyInit, Mac};
use memchr::memchr;
use sha1::Sha1;

use crate::domain::{ApiVersion, Credentials};
use crate::mpaas::encode::{percent_encode, push_encoded, push_encoded_again, sorted_query};
use crate::mpaas::request::{Action, Request};

/// What the query of a request takes, mostly.
const QUERY_BYTES: usize = 640;

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
    let body = request.form();
    let query = Signer::new(version, region, credentials).query(request.action, body.as_bytes(), stamp);
    SignedRequest { query, body }
}

/// Signs requests of one access key, with everything prepared that does not differ between them.
pub(super) struct Signer {
    mac: Hmac<Sha1>,
    /// What does not differ, encoded, in the order of its names.
    access_key_id: String,
    format_to_token: String,
    version: String,
}

impl Signer {
    /// Prepares the signatures of a key.
    pub(super) fn new(version: ApiVersion, region: Option<&str>, credentials: &Credentials) -> Self {
        let key = format!("{}&", credentials.access_key_secret.expose());
        let mut optional: BTreeMap<&str, &str> = BTreeMap::from([("Format", "JSON")]);
        optional.extend(region.map(|region| ("RegionId", region)));
        optional.extend(credentials.security_token.as_ref().map(|token| ("SecurityToken", token.expose())));
        let one = |name, value| sorted_query(&BTreeMap::from([(name, value)]));
        Self {
            mac: Hmac::<Sha1>::new_from_slice(key.as_bytes()).expect("HMAC takes any key"),
            access_key_id: one("AccessKeyId", credentials.access_key_id.expose()),
            format_to_token: sorted_query(&optional),
            version: one("Version", version.as_str()),
        }
    }

    /// Returns the query of a request with an encoded `form`, its signature included.
    pub(super) fn query(&self, action: Action, form: &[u8], stamp: &Stamp) -> String {
        let mut query = Vec::with_capacity(QUERY_BYTES);
        for part in [&self.access_key_id, "&Action=", action.as_str(), "&", &self.format_to_token, "&"] {
            query.extend_from_slice(part.as_bytes());
        }
        let place = query.len();
        query.extend_from_slice(b"SignatureMethod=HMAC-SHA1&SignatureNonce=");
        push_encoded(&mut query, &stamp.nonce);
        query.extend_from_slice(b"&SignatureVersion=1.0&Timestamp=");
        push_encoded(&mut query, &stamp.timestamp.to_rfc3339_opts(SecondsFormat::Secs, true));
        query.push(b'&');
        query.extend_from_slice(self.version.as_bytes());
        // Sorted by name, it stands before `SignatureMethod`.
        let mut signature = b"Signature=".to_vec();
        push_encoded(&mut signature, &self.signature(&query, form));
        signature.push(b'&');
        query.splice(place..place, signature);
        String::from_utf8(query).expect("an encoded text is ASCII")
    }

    /// Signs all parameters, which are sorted within each of the two texts.
    fn signature(&self, query: &[u8], form: &[u8]) -> String {
        let mut text = Vec::with_capacity((query.len() + form.len()) * 2);
        text.extend_from_slice(b"POST&%2F&");
        let begun = text.len();
        let (mut first, mut second) = (Pairs(query).peekable(), Pairs(form).peekable());
        loop {
            let next = match (first.peek(), second.peek()) {
                (Some(one), Some(other)) if name(one) <= name(other) => first.next(),
                (Some(_), None) => first.next(),
                (_, Some(_)) => second.next(),
                (None, None) => break,
            };
            if text.len() > begun {
                text.extend_from_slice(b"%26");
            }
            push_encoded_again(&mut text, next.expect("it was peeked at"));
        }
        let mut mac = self.mac.clone();
        mac.update(&text);
        STANDARD.encode(mac.finalize().into_bytes())
    }
}

/// The pairs of an encoded query.
struct Pairs<'a>(&'a [u8]);

impl<'a> Iterator for Pairs<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.0.is_empty() {
            return None;
        }
        let (pair, rest) = split(self.0, b'&');
        self.0 = rest;
        Some(pair)
    }
}

/// The name of a pair; names of parameters are unreserved, so their encoded order is their order.
fn name(pair: &[u8]) -> &[u8] {
    split(pair, b'=').0
}

/// Returns what is before the first `mark` and what is behind it.
fn split(text: &[u8], mark: u8) -> (&[u8], &[u8]) {
    match memchr(mark, text) {
        Some(place) => (&text[..place], &text[place + 1..]),
        None => (text, &[]),
    }
}
