//! The vendor's percent-encoding, and texts made of it.

use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Everything but RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Encodes a text as the signature wants it: UTF-8, upper-case hexadecimal digits, `%20` for a space; only
/// letters, digits, `-`, `_`, `.` and `~` stay.
#[must_use]
pub fn percent_encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).collect()
}

/// Joins parameters as `key=value&…`, sorted by raw key in byte order, both sides encoded; empty values stay.
#[must_use]
pub fn sorted_query<K: AsRef<str> + Ord, V: AsRef<str>>(parameters: &BTreeMap<K, V>) -> String {
    let mut query = String::new();
    for (key, value) in parameters {
        if !query.is_empty() {
            query.push('&');
        }
        query.extend(utf8_percent_encode(key.as_ref(), RESERVED));
        query.push('=');
        query.extend(utf8_percent_encode(value.as_ref(), RESERVED));
    }
    query
}
