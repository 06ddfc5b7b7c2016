//! Desired against ledger, with reasons.
//!
//! Says of every campaign what is to be pushed, to how many, and why or why not. Does not hold back, order or
//! word anything: `guard` and `plan` do. Reads no clock: `now` comes from outside.

mod change;
mod compare;
mod counts;
mod renamed;
mod revisions;
mod schedule;
mod state;
mod waiting;

pub use change::{
    ApprovalsMissing, Blocked, Change, Closed, Held, Kind, LateStart, NotReviewed, Standing, Waiting,
};
pub use compare::changes;
pub use counts::TargetCounts;
pub use renamed::Former;
pub use state::{State, states};
pub use waiting::waiting;
