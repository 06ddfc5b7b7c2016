//! Plays the vendor on a loopback port: verifies, refuses, accepts and counts as mPaaS is documented to, and
//! misbehaves on request.
//!
//! Knows nothing of plans, applies and ledgers, and shares with `mpaas` only the arithmetic of signatures:
//! requests are read from their bytes, so that a mistake of the client's finds no accomplice here. Where the
//! vendor's pages are silent, a rule says so beside it.
//!
//! A request passes [`server`] → [`gateway`] ([`signature`], [`nonces`], [`fault`]) → [`push`], [`scheduler`] or
//! [`analysis`] → [`store`], which writes it to the [`journal`] before it is answered. `GET /__sandbox/received`, `/targets`,
//! `/counts`, `/hashes` and `/requests` tell what happened; `POST /__sandbox/templates`, `/faults` and `/reset` change it
//! ([`inspect`]).

mod analysis;
mod connection;
mod fault;
mod gateway;
mod gateway_error;
mod inspect;
mod journal;
mod nonces;
mod parameters;
mod push;
mod received;
mod reply;
mod result_code;
mod scheduler;
mod server;
mod shared;
mod sign_v3;
mod signature;
mod store;
mod tasks;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::domain::UNEXECUTED_TASKS_MAX;
pub use fault::{Fault, FaultKind, FaultShare};
pub use push::Delivery;
pub use received::{Counts, NameHash, Push, Received, TargetCounts};
pub use server::Sandbox;
pub use sign_v3::{
    Authorization, V3Parts, authorization_v3, canonical_request_v3, signature_v3, string_to_sign_v3,
};
pub use store::SeenRequest;

/// The id of the account that every sandbox knows: the one in the recorded requests of the official SDKs.
pub const ACCESS_KEY_ID: &str = "testAccessKeyId";

/// Its secret, which is none.
pub const ACCESS_KEY_SECRET: &str = "testAccessKeySecret";

/// Returns the one account that every sandbox knows.
#[must_use]
pub fn default_accounts() -> BTreeMap<String, String> {
    BTreeMap::from([(ACCESS_KEY_ID.to_owned(), ACCESS_KEY_SECRET.to_owned())])
}

/// How much a sandbox remembers of what it took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Memory {
    /// Every push, with all that it said.
    #[default]
    Whole,
    /// A hash for each push, in their order, and their number: for millions of targets. Scheduled tasks and those that
    /// are listed by name are kept too, without their targets.
    Lean,
}

/// How a sandbox is set up.
pub struct Options {
    /// Tells the time: for timestamps, nonces and scheduled pushes.
    pub clock: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    /// Secrets by access key id.
    pub accounts: BTreeMap<String, String>,
    /// A file of JSON Lines with what was accepted: read at the start, added to before each reply.
    pub journal: Option<PathBuf>,
    /// How many push requests meet a random fault.
    pub fault_share: Option<FaultShare>,
    /// How much it remembers.
    pub memory: Memory,
    /// Most scheduled and repeating tasks that it keeps unexecuted.
    pub unexecuted_tasks_max: usize,
}

impl Options {
    /// Returns the usual ones: the account that every sandbox knows, no journal, no fault, all remembered.
    #[must_use]
    pub fn new(clock: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>) -> Self {
        Self {
            clock,
            accounts: default_accounts(),
            journal: None,
            fault_share: None,
            memory: Memory::Whole,
            unexecuted_tasks_max: UNEXECUTED_TASKS_MAX,
        }
    }
}

/// Why a sandbox did not start.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// Anyone on the network could read and reset it.
    #[error("`{address}` is no loopback address, and the sandbox is for this machine only")]
    NotLoopback {
        /// The address asked for.
        address: SocketAddr,
    },
    /// The port is taken, or the address is none of this machine's.
    #[error("could not listen on `{address}`")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The journal cannot be opened or read.
    #[error("could not use the sandbox's journal `{path}`")]
    Journal {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A line of the journal that is not the last one is damaged.
    #[error("line {line} of the sandbox's journal `{path}` is damaged")]
    JournalLine {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: u64,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}
