//! Intents and outcomes, and what they add up to.
//!
//! A ledger is an append-only row of records. Folding them tells, for every campaign revision, which
//! targets were accepted, rejected, or are in doubt. Does not know where a ledger is stored: `state`
//! keeps it, `apply` writes it, `diff` compares with it.

mod blocks;
mod content;
mod control;
mod decision;
mod edition;
mod entry;
mod fold;
mod history;
mod hot;
mod pack;
mod packed;
mod record;
mod reread;
mod survey;
mod text;
mod words;

pub use blocks::{Accepted, BLOCK_TARGETS, BlockBytes, BlockError, BlockName, BlockPlace, Blocks};
pub use content::{Content, ContentDigest};
pub use control::Control;
pub use decision::{Decided, Decision, Ruling, SettledBatch};
pub use entry::{Chain, Damage, Entry, Writer};
pub use fold::FoldError;
pub use history::{Doubt, History, Ledger, Rejection, RunSummary, Task};
pub use pack::{Packed, with_blocks, without_blocks};
pub use packed::{Mark, TakeOver};
pub use record::{
    FORMAT_VERSION, Header, IntentRecord, Judge, Lineage, Outcome, Receiver, Record, RunId, Serial, Verdict,
};
pub use survey::{Fault, Survey, survey};
