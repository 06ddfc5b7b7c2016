//! Orders the changes, and puts them into one reviewable document.
//!
//! A [`Plan`] is the document that people read, `--out` saves and `apply` is held to, together with the
//! pushes it stands for. Opens no socket, draws nothing: `render` does.

mod build;
mod document;
mod file;
mod firings;
mod outlook;
mod reason;
mod schedule;
mod shown;
mod shown_on;
mod stale;
mod waiting;
mod widest;
mod without_ledger;

pub use build::{Plan, PlannedPush, Setting, build};
pub use document::{
    ChangeDocument, ChangeKind, DayDocument, FORMAT, LedgerDocument, MessageDocument, PlaceDocument,
    PlanDocument, SummaryDocument, TargetsDocument, VERSION,
};
pub use file::{PlanFileError, from_json, to_json};
pub use outlook::Outlook;
pub use schedule::ScheduleDocument;
pub use shown::{people, tasks, time};
pub use stale::{Difference, Staleness, differences};
pub use waiting::{WaitingDocument, WaitingStanding, WithdrawalDocument};
pub use widest::{ValueLengthDocument, WidestDocument};
