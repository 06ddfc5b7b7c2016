//! Finds every damaged record of a ledger, and what is whole beside it.

use std::fmt;

use serde::Deserialize;

use crate::ledger::blocks::{BlockPlace, Blocks};
use crate::ledger::entry::{Damage, Writer};
use crate::ledger::id::Serial;
use crate::ledger::record::Record;

/// What is wrong with one place of a ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The record is not what was written there.
    Changed(Serial),
    /// Records are not there, both ends included.
    Missing(Serial, Serial),
    /// The record may be what was written, but what would prove it is broken before it.
    Unproven(Serial),
    /// The record is what was written, and the targets that it names are not there, or are others.
    Targets(Serial),
    /// The record is what was written, and this version of campaignctl does not know it.
    Unreadable(Serial),
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed(serial) => write!(formatter, "record {serial} is not what was written there"),
            Self::Missing(first, last) if first == last => write!(formatter, "record {first} is missing"),
            Self::Missing(first, last) => write!(formatter, "records {first} to {last} are missing"),
            Self::Unproven(serial) => {
                write!(formatter, "record {serial} cannot be proven: what is before it is broken")
            }
            Self::Targets(serial) => {
                write!(formatter, "the targets of record {serial} are not what was written there")
            }
            Self::Unreadable(serial) => {
                write!(formatter, "record {serial} is of a kind that this version does not know")
            }
        }
    }
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// Records that are what was written.
    pub whole: u64,
    /// The last place that was seen.
    pub last: Serial,
    /// Everything else, in order.
    pub faults: Vec<Fault>,
}

/// Looks at every line and the blocks that it names, and hands those that are whole to `keep`, with their blocks.
///
/// # Errors
///
/// Passes on the first error of reading or of `keep`.
pub fn survey<E>(
    lines: impl IntoIterator<Item = Result<Vec<u8>, E>>,
    blocks: &dyn Blocks,
    mut keep: impl FnMut(&[u8], &[Vec<u8>]) -> Result<(), E>,
) -> Result<Survey, E> {
    #[derive(Deserialize)]
    struct Numbered {
        serial: Serial,
    }

    let (mut survey, mut writer, mut is_linked) = (Survey::default(), Writer::default(), true);
    for line in lines {
        let line = line?;
        let expected = writer.serial().next();
        let damage = match writer.decode(&line) {
            Ok(entry) => {
                is_linked = true;
                match blocks_named(&entry.record, entry.serial, blocks) {
                    Some(blocks) => {
                        survey.whole += 1;
                        keep(&line, &blocks)?;
                    }
                    None => survey.faults.push(Fault::Targets(entry.serial)),
                }
                continue;
            }
            Err(damage) => damage,
        };
        let stated = serde_json::from_slice::<Numbered>(&line).ok().map(|numbered| numbered.serial);
        let serial = stated.filter(|stated| *stated > expected).unwrap_or(expected);
        if serial > expected {
            survey.faults.push(Fault::Missing(expected, Serial(serial.0 - 1)));
        }
        survey.faults.push(match damage {
            Damage::Unreadable { .. } => Fault::Unreadable(serial),
            _ if serial > expected || (!is_linked && stated == Some(expected)) => Fault::Unproven(serial),
            _ => Fault::Changed(serial),
        });
        is_linked = writer.skip_to(serial, &line);
    }
    survey.last = writer.serial();
    Ok(survey)
}

/// Returns the blocks that a record names; nothing if one of them is gone or another.
fn blocks_named(record: &Record, serial: Serial, blocks: &dyn Blocks) -> Option<Vec<Vec<u8>>> {
    let Record::PackedTargets(packed) = record else { return Some(Vec::new()) };
    let named = (0..).zip(&packed.blocks);
    let read = named.map(|(index, name)| {
        let block = blocks.block(BlockPlace { serial, index }, name).ok()?;
        let block = (*block).as_ref();
        name.is_of(block).then(|| block.to_vec())
    });
    read.collect()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;
    use crate::ledger::blocks::NoBlocks;
    use crate::ledger::id::RunId;

    fn lines() -> Vec<Vec<u8>> {
        let mut writer = Writer::default();
        let record = |number| Record::RunStarted {
            run: RunId::new(uuid::Uuid::from_u128(number)),
            plan: "p".into(),
            actor: "ann@desk".into(),
            process: None,
            ci_run: None,
            destination: None,
        };
        (1..=6).map(|number| writer.encode(chrono::DateTime::UNIX_EPOCH, &record(number)).1).collect()
    }

    fn found(lines: Vec<Vec<u8>>) -> (u64, String) {
        let survey = survey(lines.into_iter().map(Ok::<_, Infallible>), &NoBlocks, |_, _| Ok(())).unwrap();
        (survey.whole, survey.faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
    }

    fn changed(line: &[u8]) -> Vec<u8> {
        String::from_utf8(line.to_vec()).unwrap().replace("ann@desk", "bob@desk").into_bytes()
    }

    #[test]
    fn a_whole_ledger_has_no_fault() {
        assert_eq!(found(lines()), (6, String::new()));
    }

    #[test]
    fn a_changed_record_is_named_and_does_not_take_the_rest_with_it() {
        let mut lines = lines();
        lines[2] = changed(&lines[2]);
        lines[4] = changed(&lines[4]);
        let faults = "record 3 is not what was written there; record 5 is not what was written there";
        assert_eq!(found(lines), (4, faults.to_owned()));
    }

    #[test]
    fn missing_records_are_counted_and_the_next_one_cannot_be_proven() {
        let mut lines = lines();
        lines.drain(1..3);
        let faults = "records 2 to 3 are missing; record 4 cannot be proven: what is before it is broken";
        assert_eq!(found(lines), (3, faults.to_owned()));
    }

    #[test]
    fn garbage_costs_its_own_record_and_the_proof_of_the_next() {
        let mut lines = lines();
        lines[1] = b"\0\0\0".to_vec();
        let faults =
            "record 2 is not what was written there; record 3 cannot be proven: what is before it is broken";
        assert_eq!(found(lines), (4, faults.to_owned()));
    }
}
