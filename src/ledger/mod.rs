//! Intents and outcomes, and what they add up to.
//!
//! A ledger is an append-only row of records. Folding them tells, for every campaign revision, which
//! targets were accepted, rejected, or are in doubt. Does not know where a ledger is stored: `state`
//! keeps it, `apply` writes it, `diff` compares with it.

mod content;
mod entry;
mod fold;
mod history;
mod record;
mod reread;
mod survey;
mod text;

pub use content::{Content, ContentDigest};
pub use entry::{Chain, Damage, Entry, Writer};
pub use fold::FoldError;
pub use history::{Doubt, History, Ledger, Rejection, RunSummary};
pub use record::{
    FORMAT_VERSION, Header, IntentRecord, Judge, Lineage, Outcome, Record, RunId, Serial, Verdict,
};
pub use survey::{Fault, Survey, survey};
