//! A plan for which no ledger was asked: what the files would push at most.

use crate::plan::build::Plan;
use crate::plan::document::{ChangeKind, PlanDocument};
use crate::plan::file;

impl Plan {
    /// Returns the document of a plan that was compared with an empty ledger in place of the real one. Says of nobody that they
    /// got it, or did not: that is what only the ledger knows. The pushes are not handed on, so nothing can be sent.
    #[must_use]
    pub fn without_ledger(self) -> PlanDocument {
        let mut document = self.document;
        document.ledger = None;
        document.summary.upper_bounds = true;
        document.summary.up_to_date += document.summary.missed;
        document.summary.missed = 0;
        for change in &mut document.changes {
            match change.kind {
                ChangeKind::Create => "not compared with a ledger".clone_into(&mut change.reason),
                ChangeKind::Missed => {
                    change.kind = ChangeKind::Closed;
                    "its time has passed".clone_into(&mut change.reason);
                    change.note = Some("its time has passed; whether all got it is not known".to_owned());
                    (change.code, change.help, change.missed_at) = (None, None, None);
                    (change.message, change.content) = (None, None);
                }
                ChangeKind::Add
                | ChangeKind::Continue
                | ChangeKind::Later
                | ChangeKind::Waiting
                | ChangeKind::Blocked
                | ChangeKind::Held
                | ChangeKind::InDoubt
                | ChangeKind::UpToDate
                | ChangeKind::Closed => {}
            }
        }
        document.digest = file::digest(&document);
        document
    }
}
