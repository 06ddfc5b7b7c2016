//! Executes a plan so that a crash at any instant is recoverable.
//!
//! For each batch, in this order: the intent becomes durable, the request leaves, the outcome becomes
//! durable, the tally counts it. Does not decide what to send (the plan says so) and prints nothing: `cli`
//! reads the [`Progress`] and the [`Report`].

mod ahead;
mod batch;
mod books;
mod circuit_breaker;
mod crash;
mod dispatch;
mod execute;
mod inquiry;
mod journal;
mod pace;
mod report;
mod send;
mod stage;
mod stop;
mod verdict;

pub use batch::{TargetSource, TargetStream};
pub use crash::{Break, Step};
pub use execute::{Execution, Options, execute};
pub use inquiry::{Answer, Ask, Finding, Questions, Settle, inquire};
pub use journal::{Clock, Journal, JournalError, JournalThread};
pub use report::{CampaignReport, Doubtful, Progress, Refusal, Report, Tally};
pub use send::Deliver;
pub use stop::{Interrupt, Stop};
pub use verdict::not_sent_from;
