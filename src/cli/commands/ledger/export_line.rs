//! What is wrong with a line of a file that somebody took for an export, in words.

use crate::ledger::{Damage, Serial};

/// What files begin with that are something else, packed.
const PACKED: [(&[u8], &str); 3] =
    [(&[0x1F, 0x8B], "gzip"), (&[0x28, 0xB5, 0x2F, 0xFD], "Zstandard"), (b"PK\x03\x04", "zip")];
const BYTE_ORDER_MARK: &[u8] = &[0xEF, 0xBB, 0xBF];
/// How a record begins, byte by byte: its chain is of the bytes.
const RECORD_START: &[u8] = b"{\"chain\":\"";

/// Says what is wrong with the line of a number, counted from 1, where the record of `expected` belongs.
pub(super) fn fault(line: &[u8], number: u64, expected: Serial, damage: &Damage) -> String {
    let packed = PACKED.iter().find(|(magic, _)| number == 1 && line.starts_with(magic));
    if let Some((_, how)) = packed {
        return format!("it is packed with {how}: unpack it first");
    }
    if line.starts_with(BYTE_ORDER_MARK) {
        return format!("line {number} begins with a byte order mark: an editor saved the file again");
    }
    if line.is_empty() {
        return format!("line {number} is empty");
    }
    if str::from_utf8(line).is_err() {
        return format!("line {number} is not text");
    }
    let value = match serde_json::from_slice::<serde_json::Value>(line) {
        Ok(value) => value,
        Err(error) if error.is_eof() && line.starts_with(RECORD_START) => {
            return format!("line {number} is cut off in its middle");
        }
        Err(_) => return format!("line {number} is not JSON: an export has one record per line"),
    };
    // Serde would take a list of the values for an object.
    let serial =
        value.as_object().and_then(|record| record.get("serial")).and_then(serde_json::Value::as_u64);
    let Some(serial) = serial.map(Serial) else {
        return format!("line {number} is JSON, but not a record of a ledger");
    };
    if let Damage::Unreadable { .. } = damage {
        return format!(
            "line {number}, record {serial}, is of a kind that this version does not know: a later one wrote it"
        );
    }
    if line.ends_with(b"\r") {
        return format!("line {number} ends in a carriage return: its line endings were changed");
    }
    if !line.starts_with(RECORD_START) {
        return format!("line {number}, record {serial}, was reformatted: an export is checked byte by byte");
    }
    if serial > expected {
        let last = Serial(serial.0 - 1);
        let missing = if last == expected {
            format!("record {expected} is missing")
        } else {
            format!("records {expected} to {last} are missing")
        };
        return format!("line {number} is record {serial}: {missing} before it");
    }
    if serial < expected {
        return format!("line {number} is record {serial}, which came before: its lines are not in order");
    }
    format!("line {number}, record {serial}, is not what was written there")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_fault_is_named_with_its_line() {
        let record = |serial: u64| format!("{{\"chain\":\"00\",\"serial\":{serial},\"record\":\"x\"}}");
        let (fifth, ninth) = (record(5), record(9));
        let cases: [(&[u8], &str); 12] = [
            (b"\x1f\x8b\x08", "line 5 is not text"),
            (b"\xef\xbb\xbf{}", "line 5 begins with a byte order mark: an editor saved the file again"),
            (b"", "line 5 is empty"),
            (b"version: 1", "line 5 is not JSON: an export has one record per line"),
            (b"{", "line 5 is not JSON: an export has one record per line"),
            (b"{\"chain\":\"00\",\"ser", "line 5 is cut off in its middle"),
            (b"[1]", "line 5 is JSON, but not a record of a ledger"),
            (
                b"{\"chain\": \"00\", \"serial\": 5}",
                "line 5, record 5, was reformatted: an export is checked byte by byte",
            ),
            (
                b"{\"chain\":\"00\",\"serial\":5}\r",
                "line 5 ends in a carriage return: its line endings were changed",
            ),
            (ninth.as_bytes(), "line 5 is record 9: records 5 to 8 are missing before it"),
            (
                b"{\"chain\":\"00\",\"serial\":4}",
                "line 5 is record 4, which came before: its lines are not in order",
            ),
            (fifth.as_bytes(), "line 5, record 5, is not what was written there"),
        ];
        for (line, words) in cases {
            assert_eq!(fault(line, 5, Serial(5), &Damage::BrokenChain(Serial(5))), words);
        }
        let damage = Damage::BrokenChain(Serial(1));
        assert_eq!(fault(b"\x1f\x8b\x08", 1, Serial(1), &damage), "it is packed with gzip: unpack it first");
        assert_eq!(
            fault(record(2).as_bytes(), 1, Serial(1), &damage),
            "line 1 is record 2: record 1 is missing before it"
        );
    }
}
