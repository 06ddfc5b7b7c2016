//! Campaign-as-code for Alibaba Cloud mPaaS Message Push.
//!
//! The rooms, in the order data passes through them: [`load`] → [`check`] → [`resolve`] → [`diff`] →
//! [`guard`] → [`plan`] open no socket and have no clock of their own; [`apply`] turns a plan into durable
//! intents, signed requests and durable outcomes. `ARCHITECTURE.md` tells the story; `tests/it/architecture.rs`
//! says which room may look into which.

pub mod apply;
pub mod check;
pub mod cli;
pub mod diagnostic;
pub mod diff;
pub mod domain;
pub mod foreign;
pub mod forge;
pub mod format;
pub mod guard;
pub mod ledger;
pub mod load;
pub mod lsp;
pub mod mpaas;
pub mod plan;
pub mod render;
pub mod resolve;
pub mod review;
pub mod sandbox;
pub mod schema;
pub mod state;
pub mod witness;
