//! Everything that is tested from outside the rooms.
#![allow(clippy::unwrap_used, reason = "a test stops at what it did not foresee")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on shall panic")]

mod corpus;
mod editor;
mod end_to_end;
mod laws;
mod sandbox;
mod sandbox_caller;
mod sandbox_faults;
mod sandbox_rules;
mod sandbox_schedule;
mod schema;
mod site;
mod valid_corpus;
