//! Answers an editor's questions about an open workspace.
//!
//! The Language Server Protocol over two streams that `cli` hands in, on top of the very same `load`, `check`
//! and `resolve` that `validate` uses: live diagnostics, completion and definition of names across files,
//! and what a campaign would say, to whom and when; formats as `fmt` does. Knows no ledger and no plan, opens no
//! socket, and asks the clock it is given.

mod analysis;
mod audiences;
mod buffers;
mod capabilities;
mod completion;
mod describe;
mod formatting;
mod names;
mod navigate;
mod outline;
mod position;
mod publish;
mod server;
mod session;
mod transport;
mod workspace;

pub use server::{Ending, Setting, serve};
