//! The review lock: what was approved, as lines of a file that git carries, and what the files come to now.
//!
//! A line stands for one campaign revision: its content, to whom it goes, and when ([`Line`]). [`lines()`] makes them from
//! files alone, [`Lock`] is the file that was approved. Whoever approves a change of it approves these pushes. Knows no ledger, no
//! clock, and not what becomes of a campaign whose line is missing: `guard` does.

mod approval;
mod line;
mod lines;
mod lock;

pub use approval::{ApprovalGap, Approvals, Signature, signed_text};
pub use line::{BadLine, Line, People, When};
pub use lines::lines;
pub use lock::{Change, Lock, LockError, Witnessed};
