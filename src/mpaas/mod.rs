//! Speaks the vendor's protocol: requests, signature, replies, and what a reply means.
//!
//! Knows nothing of plans and ledgers: one request goes out once, and comes back accepted, rejected or
//! unknown. `apply` decides what to send; `sandbox` plays the other side and shares the signature only.

mod answer;
mod ask;
mod beside;
mod client;
mod codes;
mod connection;
mod contradiction;
mod encode;
mod headers;
mod json;
mod line;
mod outcome;
mod pool;
mod push;
mod push_multiple;
mod query;
mod reply;
mod request;
mod retry_after;
mod route;
mod seen;
mod sign_v1;
mod stream;
mod task;
mod wire_number;

pub use client::{Client, Clock, Gate};
pub use connection::ClientError;
pub use encode::{percent_encode, sorted_query};
pub use line::Provisional;
pub use outcome::{Delivered, NoConnection, Outcome, RejectClass};
pub use push::Push;
pub use push_multiple::MultipleTarget;
pub use query::{Heard, Pacing, QueryError};
pub use request::{Action, Prepared, Request};
pub use route::{RouteError, prove_certificates, prove_proxy};
pub use sign_v1::{SignedRequest, Stamp, sign, signature_v1, string_to_sign_v1};
pub use task::{NamedTask, ScheduledTask};
