//! A record with its place, time and chain: one line of JSON.
//!
//! Each line begins with the first 16 bytes of SHA-256 over the previous chain and the rest of the line.
//! A line that was changed, lost or swapped breaks the chain at that place.

use std::fmt;
use std::io::Write;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::ledger::id::Serial;
use crate::ledger::packed::Mark;
use crate::ledger::record::Entry;
use crate::ledger::record::Record;
use crate::ledger::record_decode;

const CHAIN_DIGITS: usize = 32;
const PREFIX: &str = "{\"chain\":\"";
/// Most lines are shorter.
const LINE_BYTES: usize = 1024;

/// What ties a line to all lines before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Chain([u8; 16]);

impl Chain {
    fn next(self, rest: &[u8]) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(self.0);
        hasher.update(rest);
        let mut first = [0; 16];
        first.copy_from_slice(&hasher.finalize()[..16]);
        Self(first)
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex::encode(self.0))
    }
}

/// Why a line cannot be trusted.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// The line does not follow from the ones before it.
    #[error("record {0} does not continue the chain of the records before it")]
    BrokenChain(Serial),
    /// Another record stands where this one should.
    #[error("record {expected} is missing; record {found} stands in its place")]
    Gap {
        /// The serial that should come.
        expected: Serial,
        /// The serial that came.
        found: Serial,
    },
    /// The chain holds, but this version of campaignctl does not know the record.
    #[error("record {serial} cannot be read")]
    Unreadable {
        /// Its place in the ledger.
        serial: Serial,
        /// What serde says.
        source: serde_json::Error,
    },
}

/// Writes a value as JSON. Records are made of what JSON can hold.
fn put(line: &mut Vec<u8>, value: &impl Serialize) {
    serde_json::to_writer(line, value).expect("records are made of what JSON can hold");
}

/// Numbers and chains records, to write them or to check what was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Writer {
    serial: Serial,
    chain: Chain,
}

impl Writer {
    /// Returns the serial of the last record, 0 before the first.
    #[must_use]
    pub fn serial(&self) -> Serial {
        self.serial
    }

    /// Returns the chain up to the last record.
    #[must_use]
    pub fn chain(&self) -> Chain {
        self.chain
    }

    /// Gives a record the next place and returns its line, without a line break.
    ///
    /// # Panics
    ///
    /// Never: records consist of texts, numbers and maps with text keys, which JSON can hold.
    pub fn encode(&mut self, at: DateTime<Utc>, record: &Record) -> (Serial, Vec<u8>) {
        let serial = self.serial.next();
        let mut line = Vec::with_capacity(LINE_BYTES);
        line.extend_from_slice(PREFIX.as_bytes());
        line.extend_from_slice(&[b'0'; CHAIN_DIGITS]);
        line.extend_from_slice(b"\",");
        let chained = line.len();
        // As serde writes a time, in a fifth of its time.
        let at = at.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        write!(line, "\"serial\":{serial},\"at\":\"{at}\"").expect("memory takes what is written");
        let brace = line.len();
        put(&mut line, record);
        line[brace] = b',';
        self.serial = serial;
        self.chain = self.chain.next(&line[chained..]);
        let digits = &mut line[PREFIX.len()..PREFIX.len() + CHAIN_DIGITS];
        hex::encode_to_slice(self.chain.0, digits).expect("a chain has so many digits");
        (serial, line)
    }

    /// Returns where the chain of a packed ledger's first record goes on from; nothing for another record.
    fn behind_packed(line: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        #[serde(tag = "record", rename_all = "snake_case")]
        enum First {
            Packed {
                after: Mark,
            },
            #[serde(other)]
            Other,
        }
        let First::Packed { after } = serde_json::from_slice(line).ok()? else { return None };
        let mut chain = [0; 16];
        hex::decode_to_slice(&after.chain, &mut chain).ok()?;
        (after.serial > Serial::default()).then_some(Self { serial: after.serial, chain: Chain(chain) })
    }

    /// Goes on behind a line that cannot be proven, as if it were the record of that serial.
    pub(super) fn skip_to(&mut self, serial: Serial, line: &[u8]) -> bool {
        self.serial = serial;
        let stated = line.get(PREFIX.len()..PREFIX.len() + CHAIN_DIGITS);
        let mut chain = [0; 16];
        let is_stated = line.starts_with(PREFIX.as_bytes())
            && stated.is_some_and(|digits| hex::decode_to_slice(digits, &mut chain).is_ok());
        self.chain = Chain(chain);
        is_stated
    }

    /// Checks that `line` is the next one, and reads it.
    ///
    /// # Errors
    ///
    /// Returns [`Damage`] for a line that does not continue the chain or cannot be read; the writer then
    /// stands where it stood.
    pub fn decode(&mut self, line: &[u8]) -> Result<Entry, Damage> {
        if *self == Self::default()
            && let Some(packed) = Self::behind_packed(line)
        {
            let mut behind = packed;
            let entry = behind.decode(line)?;
            *self = behind;
            return Ok(entry);
        }
        let expected = self.serial.next();
        let head = PREFIX.len() + CHAIN_DIGITS;
        let shaped = line.starts_with(PREFIX.as_bytes()) && line.get(head..head + 2) == Some(b"\",");
        if !shaped {
            return Err(Damage::BrokenChain(expected));
        }
        let rest = &line[head + 2..];
        let chain = self.chain.next(rest);
        let mut stated = [0; 16];
        let is_stated = hex::decode_to_slice(&line[PREFIX.len()..head], &mut stated).is_ok();
        if !is_stated || chain.0 != stated {
            return Err(Damage::BrokenChain(expected));
        }
        let entry =
            record_decode::entry(line).map_err(|source| Damage::Unreadable { serial: expected, source })?;
        if entry.serial != expected {
            return Err(Damage::Gap { expected, found: entry.serial });
        }
        self.serial = expected;
        self.chain = chain;
        Ok(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::id::RunId;
    use crate::ledger::intent::Outcome;

    fn at() -> DateTime<Utc> {
        DateTime::UNIX_EPOCH
    }

    fn record(number: u128) -> Record {
        let run = RunId::new(uuid::Uuid::from_u128(number));
        Record::RunStarted {
            run,
            plan: "sha256:00".into(),
            actor: "a@b".into(),
            process: Some(1),
            ci_run: None,
            destination: None,
        }
    }

    #[test]
    fn a_time_is_written_as_serde_writes_it() {
        for nanoseconds in [0, 157_000_000, 157_001_000, 157_001_002, 5_000_000, 1] {
            let at = DateTime::from_timestamp(1_795_000_000, nanoseconds).unwrap();
            let (_, line) = Writer::default().encode(at, &record(1));
            let text = format!("\"at\":{},\"record\"", serde_json::to_string(&at).unwrap());
            let line = String::from_utf8(line).unwrap();
            assert!(line.contains(&text), "{text} in {line}");
        }
    }

    #[test]
    fn what_was_written_is_read_back() {
        let outcome = Outcome::Accepted { request_id: Some("R".into()), task_id: None };
        let records = [record(1), Record::Outcome { intent: Serial(1), outcome }];
        let (mut writer, mut reader) = (Writer::default(), Writer::default());
        for record in records {
            let (serial, line) = writer.encode(at(), &record);
            let entry = reader.decode(&line).unwrap();
            assert_eq!((entry.serial, entry.record), (serial, record));
        }
        assert_eq!(writer, reader);
    }

    #[test]
    fn a_changed_lost_or_swapped_line_breaks_the_chain() {
        let mut writer = Writer::default();
        let lines: Vec<_> = (1..=3).map(|n| writer.encode(at(), &record(n)).1).collect();
        let changed = String::from_utf8(lines[0].clone()).unwrap().replace("a@b", "c@d");
        assert!(matches!(Writer::default().decode(changed.as_bytes()), Err(Damage::BrokenChain(Serial(1)))));
        let mut reader = Writer::default();
        reader.decode(&lines[0]).unwrap();
        assert!(matches!(reader.decode(&lines[2]), Err(Damage::BrokenChain(Serial(2)))));
        assert!(reader.decode(&lines[1]).is_ok());
        assert!(matches!(reader.decode(b"{}"), Err(Damage::BrokenChain(Serial(3)))));
    }
}
