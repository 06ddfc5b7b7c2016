//! Intents and outcomes, and what they add up to.
//!
//! A ledger is an append-only row of records. Folding them tells, for every campaign revision, which
//! targets were accepted, rejected, or are in doubt. Does not know where a ledger is stored: `state`
//! keeps it, `apply` writes it, `diff` compares with it.

mod blocks;
mod content;
mod content_decode;
mod content_encode;
mod control;
mod decision;
mod entry;
mod fold;
mod header;
mod history;
mod id;
mod intent;
mod pack;
mod packed;
mod record;
mod record_decode;
mod revision;
mod survey;
mod text;

pub use blocks::{Accepted, BLOCK_TARGETS, BlockBytes, BlockError, BlockName, BlockPlace, Blocks};
pub use content::{Content, ContentDigest};
pub use content_decode::classification_of;
pub use decision::{Decided, Decision, Ruling, SettledBatch};
pub use entry::{Chain, Damage, Writer};
pub use fold::FoldError;
pub use header::TakeOver;
pub use header::{Destination, FORMAT_VERSION, Header, KeyNote};
pub use history::Control;
pub use history::{Doubt, History, Ledger, Rejection, RunSummary, Task};
pub use id::{Lineage, RunId, Serial};
pub use intent::{IntentRecord, Judge, Outcome, Verdict};
pub use pack::{Packed, with_blocks, without_blocks};
pub use packed::Mark;
pub use record::Entry;
pub use record::Record;
pub use survey::{Fault, Survey, survey};
