//! One object of the log: a line of JSON that says what it is, and after it the bytes that it carries.
//!
//! `docs/ledger.md` describes it. A later version that changes it raises [`FORMAT`], and still reads this one.

use std::io::Read;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::ledger::Serial;
use crate::state::error::StateErrorKind;
use crate::state::holder::Holder;

/// What the log's objects are written in.
pub(super) const FORMAT: u32 = 1;
/// Zstandard's quickest level that is not negative: the others gain little on hashes.
const LEVEL: i32 = 1;
/// Most bytes that a body unpacks to: a damaged length must not take all memory.
const UNPACKED_BYTES_MAX: usize = 256 << 20;

/// Where a log ends: its last record, 0 without any, and the chain up to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct End {
    pub(super) last: Serial,
    pub(super) chain: String,
}

/// What an object says of itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Header {
    pub(super) format: u32,
    /// The slot at which its writer opened the log.
    pub(super) epoch: u64,
    /// Its own slot, which its key has, too.
    pub(super) seq: u64,
    /// The first record that it carries, or that is still to come.
    pub(super) first: Serial,
    /// The chain before it.
    pub(super) before: String,
    #[serde(flatten)]
    pub(super) end: End,
    /// Chosen by chance: no two writers write the same bytes.
    pub(super) nonce: Uuid,
    /// The first 16 bytes of SHA-256 over the body, in hexadecimal digits; empty without one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) digest: String,
    #[serde(flatten)]
    pub(super) kind: Kind,
}

/// Who has the log open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Opened {
    pub(super) holder: Holder,
    /// What it was promised, in milliseconds.
    pub(super) lease_ms: u64,
    /// Whose place was taken without proof of its end, as long as that is not on record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) fenced: Option<Holder>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(super) enum Kind {
    /// An epoch begins, and ends at once if that is all that was wanted.
    Open {
        #[serde(flatten)]
        opened: Opened,
        #[serde(default, skip_serializing_if = "is_false")]
        is_closed: bool,
    },
    /// Records.
    Step,
    /// The writer is there.
    Beat {
        /// Whether it is on record from whom the log was taken.
        #[serde(default, skip_serializing_if = "is_false")]
        take_over_recorded: bool,
    },
    /// The epoch ends.
    Close,
    /// What stands in the stead of all before; its body is a `Pack`. The epoch goes on.
    Packed {
        #[serde(flatten)]
        opened: Opened,
    },
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_false(value: &bool) -> bool {
    !value
}

/// What all versions say first.
#[derive(Deserialize)]
struct Format {
    format: u32,
}

/// An object of the log.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) header: Header,
    pub(super) body: Bytes,
}

impl Frame {
    /// Returns the object's bytes.
    pub(super) fn encode(&self) -> Bytes {
        let mut bytes = serde_json::to_vec(&self.header).expect("a header is plain JSON");
        bytes.push(b'\n');
        bytes.extend_from_slice(&self.body);
        Bytes::from(bytes)
    }

    /// Reads the object of a slot.
    ///
    /// # Errors
    ///
    /// Returns `Damaged` for what is not what was written, and `Refused` for what a later version wrote.
    pub(super) fn decode(seq: u64, bytes: &Bytes) -> Result<Self, StateErrorKind> {
        let damaged =
            |what: String| StateErrorKind::Damaged { why: format!("object {seq} of its log {what}") };
        let broken = |error: serde_json::Error| damaged(format!("cannot be read: {error}"));
        let end = memchr::memchr(b'\n', bytes).ok_or_else(|| damaged("is cut off".into()))?;
        let Format { format } = serde_json::from_slice(&bytes[..end]).map_err(broken)?;
        if format > FORMAT {
            return Err(StateErrorKind::Refused {
                why: format!("its log has format {format}, and this campaignctl reads up to {FORMAT}"),
                help: "nothing was sent. Use the version of campaignctl that wrote it, or a later one"
                    .to_owned(),
            });
        }
        let header: Header = serde_json::from_slice(&bytes[..end]).map_err(broken)?;
        let body = bytes.slice(end + 1..);
        if header.seq != seq {
            return Err(damaged(format!("says that it is object {}", header.seq)));
        }
        if digest(&body) != header.digest {
            return Err(damaged("is not what was written there".into()));
        }
        Ok(Self { header, body })
    }
}

/// Returns what a header says of its body.
pub(super) fn digest(body: &[u8]) -> String {
    if body.is_empty() { String::new() } else { hex::encode(&Sha256::digest(body)[..16]) }
}

/// Lays lines together.
pub(super) fn pack_lines<'a>(lines: impl Iterator<Item = &'a [u8]>) -> std::io::Result<Bytes> {
    let mut raw = Vec::new();
    for line in lines {
        raw.extend_from_slice(line);
        raw.push(b'\n');
    }
    zstd::bulk::compress(&raw, LEVEL).map(Bytes::from)
}

/// Takes lines apart again, each when it is its turn.
///
/// # Errors
///
/// Returns what is wrong with them.
pub(super) fn unpack_lines(body: &[u8]) -> Result<UnpackedLines, String> {
    let raw = unpack(body)?;
    if raw.last().is_some_and(|last| *last != b'\n') {
        return Err("the last of some records is cut off".to_owned());
    }
    Ok(UnpackedLines { raw, at: 0 })
}

/// Lines that were laid together.
#[derive(Debug, Default)]
pub(super) struct UnpackedLines {
    raw: Vec<u8>,
    at: usize,
}

impl Iterator for UnpackedLines {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let rest = &self.raw[self.at..];
        let line = &rest[..memchr::memchr(b'\n', rest)?];
        self.at += line.len() + 1;
        Some(line.to_vec())
    }
}

/// Unpacks bytes.
pub(super) fn unpack(body: &[u8]) -> Result<Vec<u8>, String> {
    let told = |error: std::io::Error| format!("records cannot be unpacked: {error}");
    let mut raw = Vec::new();
    let decoder = zstd::stream::Decoder::with_buffer(body).map_err(told)?;
    decoder.take(UNPACKED_BYTES_MAX as u64 + 1).read_to_end(&mut raw).map_err(told)?;
    if raw.len() > UNPACKED_BYTES_MAX {
        return Err("records unpack to more than 256 MiB".to_owned());
    }
    Ok(raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: Kind, body: Bytes) -> Frame {
        let (first, end) = (Serial(1), End { last: Serial(2), chain: "cd".into() });
        let header = Header {
            format: FORMAT,
            epoch: 1,
            seq: 7,
            first,
            before: "ab".into(),
            end,
            nonce: Uuid::nil(),
            digest: digest(&body),
            kind,
        };
        Frame { header, body }
    }

    #[test]
    fn an_object_is_read_as_it_was_written_and_a_changed_one_is_not() {
        let lines: [&[u8]; 2] = [b"{\"a\":1}", b"{\"b\":2}"];
        let written = frame(Kind::Step, pack_lines(lines.into_iter()).unwrap());
        let bytes = written.encode();
        let read = Frame::decode(7, &bytes).unwrap();
        assert_eq!(unpack_lines(&read.body).unwrap().collect::<Vec<_>>(), lines.map(<[u8]>::to_vec));
        assert!(matches!(read.header.kind, Kind::Step));
        assert_eq!(read.header.end, written.header.end);
        for at in 0..bytes.len() {
            let mut changed = bytes.to_vec();
            changed[at] ^= 4;
            let changed = Frame::decode(7, &Bytes::from(changed));
            let is_the_same = changed.is_ok_and(|frame| {
                frame.body == written.body && format!("{:?}", frame.header) == format!("{:?}", written.header)
            });
            assert!(!is_the_same, "byte {at}");
        }
        assert!(Frame::decode(8, &bytes).is_err());
        assert!(Frame::decode(7, &bytes.slice(..bytes.len() - 1)).is_err());
        let newer = String::from_utf8_lossy(&bytes[..60]).replace("\"format\":1", "\"format\":2") + "\n";
        let newer = Frame::decode(7, &Bytes::from(newer.replace(",\"seq\"", "}\n\"seq\""))).unwrap_err();
        assert!(matches!(newer, StateErrorKind::Refused { .. }), "{newer:?}");
    }

    #[test]
    fn no_lines_and_empty_lines_come_back() {
        for lines in [vec![], vec![&b""[..]], vec![&b"a"[..], b"", b"b"]] {
            let packed = pack_lines(lines.iter().copied()).unwrap();
            let unpacked: Vec<_> = unpack_lines(&packed).unwrap().collect();
            assert_eq!(unpacked, lines);
        }
    }
}
