//! Packs a ledger into a store of its own, and puts that in place only once it is proven to add up to the same.

use chrono::{DateTime, Utc};

use crate::ledger::{Entry, Ledger, Mark, Packed, Serial, Writer};
use crate::state::open::{Expected, OpenLedger, OpenRefused, open};
use crate::state::store::Draft;

/// Records that a ledger gathers before it is worth packing: reading so many takes some 0.15 s.
const RECORDS_MIN: u64 = 50_000;
/// Pieces that a reader asks for one by one before that is worth packing: at 20 ms, and 32 at a time, that takes over a second.
const PIECES_MAX: u64 = 2_000;
/// Records of a draft that become durable in one step; each may name 64 blocks of 6 KiB.
const GROUP: usize = 64;

impl OpenLedger {
    /// Returns the last record up to which packing is not worth its while: until then there are not more than
    /// 50,000 records beside those of what was packed, or not more than these. Where readers ask for more than 2,000 pieces one
    /// by one, it is worth its while now.
    #[must_use]
    pub fn unpacked_until(&self) -> Serial {
        if self.store.pieces() > PIECES_MAX {
            return Serial(self.packed_up_to);
        }
        Serial(self.packed_up_to + RECORDS_MIN.max(self.packed_records))
    }
}

/// Replaces all records of a ledger by those that say what they add up to. What is dropped is the trail of batches that
/// are settled. A crash leaves the ledger as it was, or packed.
///
/// # Errors
///
/// Returns [`OpenRefused`]; then the ledger is as it was.
pub fn pack(
    opened: OpenLedger,
    expected: Expected<'_>,
    now: DateTime<Utc>,
) -> Result<OpenLedger, OpenRefused> {
    let OpenLedger { ledger, store, writer, marks, .. } = opened;
    // Given up, it leaves the room that the next record needs.
    let mut draft = store.draft()?;
    fill(draft.as_mut(), &ledger, writer, marks, now)?;
    if !ledger.adds_up_to(&read(draft.as_ref())?)? {
        return Err(OpenRefused::PackedDiffers);
    }
    drop(ledger);
    open(draft.replace()?, expected)
}

/// Writes down what a ledger adds up to.
fn fill(
    draft: &mut dyn Draft,
    ledger: &Ledger,
    mut writer: Writer,
    marks: Vec<Mark>,
    now: DateTime<Utc>,
) -> Result<(), OpenRefused> {
    let after = Mark { serial: writer.serial(), chain: writer.chain().to_string() };
    let mut group = Vec::with_capacity(GROUP);
    for packed in ledger.pack(after, marks) {
        let Packed { record, blocks } = packed?;
        let (serial, line) = writer.encode(now, &record);
        if !blocks.is_empty() {
            draft.put_blocks(serial, blocks)?;
        }
        group.push((serial, line));
        if group.len() == GROUP {
            draft.append(std::mem::take(&mut group), writer.chain())?;
        }
    }
    Ok(draft.append(group, writer.chain())?)
}

fn read(draft: &dyn Draft) -> Result<Ledger, OpenRefused> {
    let mut writer = Writer::default();
    let entries = draft.lines().map(|line| -> Result<Entry, OpenRefused> { Ok(writer.decode(&line?)?) });
    Ledger::fold_beside(&draft.blocks(), entries)
}
