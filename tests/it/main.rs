//! Everything that is tested from outside the rooms.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on shall panic")]

mod architecture;
mod bench;
mod bounds;
mod caller;
mod corpus;
mod crash_loop;
mod doubt;
mod editor;
mod end_to_end;
mod explain;
mod fmt;
mod fuzz_corpus;
mod https;
mod late;
mod laws;
mod ledger_safety;
mod lsp;
mod misfortune;
mod multiple;
mod new;
mod outcomes;
mod own_values;
mod pace;
mod packing;
mod pages;
mod readme;
mod receiver;
mod renamed;
mod sandbox;
mod sandbox_caller;
mod sandbox_faults;
mod sandbox_rules;
mod sandbox_schedule;
mod schema;
mod sdk;
mod signature;
mod site;
mod soak;
mod start;
mod still_waiting;
mod valid_corpus;
mod wire;
mod yaml_page;
mod yaml_suite;
