//! What a plan comes to, in one word: for who looks at a list of pull requests.

use crate::plan::document::PlanDocument;

/// What becomes of a plan that is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// Something is pushed, now or once its window opens.
    Push,
    /// Somebody has to look at something first: blocked, held, missed or in doubt.
    Blocked,
    /// Nothing is pushed.
    Nothing,
}

impl PlanDocument {
    /// Returns what it comes to. What has to be looked at comes first, whatever else is pushed.
    #[must_use]
    pub fn outlook(&self) -> Outlook {
        let summary = &self.summary;
        if summary.blocked + summary.held + summary.in_doubt > 0 || self.has_missed_lately(self.made_at) {
            Outlook::Blocked
        } else if summary.to_push + summary.later > 0 {
            Outlook::Push
        } else {
            Outlook::Nothing
        }
    }
}
