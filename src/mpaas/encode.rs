//! The vendor's percent-encoding, and texts made of it.

use std::collections::BTreeMap;

/// Encodes a text as the signature wants it: UTF-8, upper-case hexadecimal digits, `%20` for a space; only
/// letters, digits, `-`, `_`, `.` and `~` stay.
///
/// # Panics
///
/// Never: an encoded text is ASCII.
#[must_use]
pub fn percent_encode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    push_encoded(&mut out, text);
    String::from_utf8(out).expect("an encoded text is ASCII")
}

/// What becomes of each byte, in three, and how many of them count: tables, since a request of ten targets has thousands
/// of bytes to encode, once or twice.
type Table = [[u8; 4]; 256];

/// So many bytes are encoded at a time.
const PIECE: usize = 64;

/// Everything but RFC 3986's unreserved characters is encoded.
const ONCE: Table = {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut table = [[0; 4]; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "the loop ends at 255")]
        let same = byte as u8;
        let is_unreserved = same.is_ascii_alphanumeric() || matches!(same, b'-' | b'_' | b'.' | b'~');
        table[byte] =
            if is_unreserved { [same, 0, 0, 1] } else { [b'%', DIGITS[byte >> 4], DIGITS[byte & 15], 3] };
        byte += 1;
    }
    table
};

/// Encodes a text at the end of another one.
pub(super) fn push_encoded(out: &mut Vec<u8>, text: &str) {
    push(out, text.as_bytes(), &ONCE);
}

/// Of an encoded query, which is made of unreserved characters, only `%`, `=` and `&` change.
const AGAIN: Table = {
    let mut table = ONCE;
    let mut byte = 0;
    while byte < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "the loop ends at 255")]
        let same = byte as u8;
        if !matches!(same, b'%' | b'=' | b'&') {
            table[byte] = [same, 0, 0, 1];
        }
        byte += 1;
    }
    table
};

/// Encodes an encoded query once more, at the end of `out`.
pub(super) fn push_encoded_again(out: &mut Vec<u8>, query: &[u8]) {
    push(out, query, &AGAIN);
}

fn push(out: &mut Vec<u8>, text: &[u8], table: &Table) {
    let mut encoded = [0; PIECE * 3 + 1];
    for piece in text.chunks(PIECE) {
        let mut at = 0;
        for &byte in piece {
            // All four at once: whatever does not count is written over.
            let entry = table[usize::from(byte)];
            encoded[at..at + 4].copy_from_slice(&entry);
            at += usize::from(entry[3]);
        }
        out.extend_from_slice(&encoded[..at]);
    }
}

/// Joins parameters as `key=value&…`, sorted by raw key in byte order, both sides encoded; empty values stay.
///
/// # Panics
///
/// Never: an encoded text is ASCII.
#[must_use]
pub fn sorted_query<K: AsRef<str> + Ord, V: AsRef<str>>(parameters: &BTreeMap<K, V>) -> String {
    let length = |(key, value): (&K, &V)| key.as_ref().len() + value.as_ref().len() + 2;
    // Half as much again: most bytes stay as they are.
    let mut query = Vec::with_capacity(parameters.iter().map(length).sum::<usize>() * 3 / 2);
    for (key, value) in parameters {
        if !query.is_empty() {
            query.push(b'&');
        }
        push_encoded(&mut query, key.as_ref());
        query.push(b'=');
        push_encoded(&mut query, value.as_ref());
    }
    String::from_utf8(query).expect("an encoded text is ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_but_the_unreserved_characters_is_encoded() {
        assert_eq!(
            percent_encode("aZ09-_.~ *+%&=/\"'\u{0}é中"),
            "aZ09-_.~%20%2A%2B%25%26%3D%2F%22%27%00%C3%A9%E4%B8%AD"
        );
    }

    #[test]
    fn an_encoded_query_is_encoded_again_as_any_text_is() {
        let values: String = (' '..='~').chain(['é', '中', '😀']).collect();
        let query = sorted_query(&BTreeMap::from([("Key", values.as_str()), ("b.1-_~", ""), ("c", "x")]));
        let mut again = Vec::new();
        push_encoded_again(&mut again, query.as_bytes());
        assert_eq!(String::from_utf8(again).unwrap(), percent_encode(&query));
    }
}
