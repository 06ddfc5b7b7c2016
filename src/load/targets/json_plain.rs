//! JSON objects so plain that one look at each byte reads them: no escapes, nothing nested, no field twice.
//!
//! Whatever is not certain is left to `serde_json`; what is read here, it reads the same. A property test says so.

use std::ops::Range;

/// Calls `field` with the key and the value of each entry of `line`, a value as the range that it covers, quotes
/// included. Returns nothing where the line is not that plain, or where `field` returns nothing.
#[inline]
pub(super) fn entries<'line>(
    line: &'line str,
    mut field: impl FnMut(&'line str, Range<usize>) -> Option<()>,
) -> Option<()> {
    let bytes = line.as_bytes();
    let mut place = after(bytes, 0, b'{')?;
    if let Some(end) = after(bytes, place, b'}') {
        return is_blank(&bytes[end..]).then_some(());
    }
    loop {
        let key = string(bytes, blanks(bytes, place))?;
        place = blanks(bytes, after(bytes, key.end, b':')?);
        let value = match *bytes.get(place)? {
            b'"' => string(bytes, place)?,
            b't' => word(bytes, place, b"true")?,
            b'f' => word(bytes, place, b"false")?,
            b'n' => word(bytes, place, b"null")?,
            _ => number(bytes, place)?,
        };
        place = value.end;
        field(&line[key.start + 1..key.end - 1], value)?;
        if let Some(next) = after(bytes, place, b',') {
            place = next;
            continue;
        }
        let end = after(bytes, place, b'}')?;
        return is_blank(&bytes[end..]).then_some(());
    }
}

fn is_blank(bytes: &[u8]) -> bool {
    blanks(bytes, 0) == bytes.len()
}

/// Returns the place after white space; a line has no line feed (RFC 8259, section 2).
#[inline]
fn blanks(bytes: &[u8], place: usize) -> usize {
    let rest = &bytes[place..];
    place + rest.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b'\r')).unwrap_or(rest.len())
}

/// Returns the place after `sign`, if it comes next but for white space.
#[inline]
fn after(bytes: &[u8], place: usize, sign: u8) -> Option<usize> {
    let place = blanks(bytes, place);
    (*bytes.get(place)? == sign).then_some(place + 1)
}

/// Returns where a text stands, quotes included.
#[inline]
fn string(bytes: &[u8], start: usize) -> Option<Range<usize>> {
    if *bytes.get(start)? != b'"' {
        return None;
    }
    let length = bytes[start + 1..].iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f))?;
    let end = start + 1 + length;
    (bytes[end] == b'"').then_some(start..end + 1)
}

#[inline]
fn word(bytes: &[u8], start: usize, word: &[u8]) -> Option<Range<usize>> {
    bytes[start..].starts_with(word).then_some(start..start + word.len())
}

/// Returns where a number stands (RFC 8259, section 6), without an exponent: one could be too large for a number.
#[inline]
fn number(bytes: &[u8], start: usize) -> Option<Range<usize>> {
    let digits = |from: usize| {
        let rest = &bytes[from..];
        from + rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len())
    };
    let whole = start + usize::from(*bytes.get(start)? == b'-');
    let mut end = digits(whole);
    let has_leading_zero = end - whole > 1 && bytes[whole] == b'0';
    if end == whole || has_leading_zero {
        return None;
    }
    if bytes.get(end) == Some(&b'.') {
        let fraction = end + 1;
        end = digits(fraction);
        if end == fraction {
            return None;
        }
    }
    // A number of hundreds of digits may be too large for `serde_json` where it reads the number's value.
    let is_over = !matches!(bytes.get(end), Some(b'e' | b'E'));
    (is_over && end - start < 100).then_some(start..end)
}
