//! The vendor's percent-encoding, and texts made of it.

use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Everything but RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Encodes a text as the signature wants it: UTF-8, upper-case hexadecimal digits, `%20` for a space; only
/// letters, digits, `-`, `_`, `.` and `~` stay.
#[must_use]
pub fn percent_encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// Joins parameters as `key=value&…`, sorted by raw key in byte order, both sides encoded; empty values stay.
#[must_use]
pub fn sorted_query(parameters: &BTreeMap<String, String>) -> String {
    let pairs =
        parameters.iter().map(|(key, value)| format!("{}={}", percent_encode(key), percent_encode(value)));
    pairs.collect::<Vec<_>>().join("&")
}
