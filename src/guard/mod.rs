//! Holds back what should not leave now, though nothing is wrong with it.
//!
//! Stands between `diff` and `plan`: takes changes, the ledger, the environment's policy and the time, and gives the changes
//! back, some of them held. A held campaign stops no other. Knows no document, no words and nobody to ask.

mod reviewed;
mod tasks;

pub use reviewed::Reviewed;

use chrono::{DateTime, Utc};

use crate::diff::Change;
use crate::domain::Environment;
use crate::ledger::Ledger;

/// What an environment allows.
#[derive(Clone, Copy, Debug)]
pub struct Policy<'a> {
    /// Most tasks that the vendor keeps for the account until they are executed.
    pub unexecuted_tasks_max: u64,
    /// What was approved, where that is asked for.
    pub reviewed: Option<Reviewed<'a>>,
}

impl<'a> Policy<'a> {
    /// Returns an environment's policy.
    #[must_use]
    pub fn of(environment: &Environment, reviewed: Option<Reviewed<'a>>) -> Self {
        Self { unexecuted_tasks_max: environment.unexecuted_tasks_max as u64, reviewed }
    }
}

/// Holds the changes that a guard holds; the others stay as they are, and so does their order.
#[must_use]
pub fn hold<'a>(
    mut changes: Vec<Change<'a>>,
    ledger: &Ledger,
    policy: &Policy<'_>,
    now: DateTime<Utc>,
) -> Vec<Change<'a>> {
    // First, as what is not approved takes no task.
    if let Some(reviewed) = &policy.reviewed {
        reviewed::hold(&mut changes, reviewed, now);
    }
    tasks::hold(&mut changes, ledger, policy.unexecuted_tasks_max, now);
    changes
}
