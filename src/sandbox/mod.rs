//! Behaves as the vendor does, and misbehaves on request. Nothing reaches a phone.
//!
//! An HTTP server on loopback that verifies signatures, applies the vendor's documented rules, keeps
//! scheduled tasks, counts what each target received, and answers questions about that under `/__sandbox/`.
//! It shares the signature with `vendor` and nothing else of the wire, so that a mistake on one side does
//! not hide behind the same mistake on the other. Knows nothing of plans, ledgers or YAML.

mod call;
mod control;
mod fault;
mod gateway;
mod journal;
mod push;
mod reply;
mod rules;
mod scheduler;
mod server;
mod state;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use url::Url;

pub use fault::{Fault, FaultKind};
pub use push::{Delivery, Push};
pub use state::{Received, SeenRequest, TargetCounts};

use state::State;

/// The id of the default account's access key. It opens nothing but a sandbox.
pub const ACCESS_KEY_ID: &str = "testAccessKeyId";
/// The secret of the default account's access key. It opens nothing but a sandbox.
pub const ACCESS_KEY_SECRET: &str = "testAccessKeySecret";

/// Returns the one account that a sandbox has by default: access key ids with their secrets.
#[must_use]
pub fn default_accounts() -> BTreeMap<String, String> {
    BTreeMap::from([(ACCESS_KEY_ID.to_owned(), ACCESS_KEY_SECRET.to_owned())])
}

/// How a sandbox is run.
pub struct Options {
    /// Its clock: it decides which timestamps are fresh and which tasks were executed.
    pub clock: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    /// Access key ids with their secrets.
    pub accounts: BTreeMap<String, String>,
    /// Where it keeps what it received, as JSON Lines: read at the start, appended before each reply.
    pub journal: Option<PathBuf>,
}

/// Why a sandbox cannot run.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// Others could reach it, and take it for the vendor.
    #[error("`{0}` is no loopback address")]
    NotLoopback(SocketAddr),
    /// The address is taken, or not ours.
    #[error("could not listen on `{address}`")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// What it received before cannot be read, or no more of it can be written.
    #[error("could not use `{}`", path.display())]
    Journal {
        /// The file.
        path: PathBuf,
        /// What the system says, or what is wrong with a line.
        source: std::io::Error,
    },
}

/// A sandbox that runs until it is stopped or dropped.
pub struct Sandbox {
    address: SocketAddr,
    state: Arc<State>,
    stop: watch::Sender<bool>,
    server: JoinHandle<()>,
}

impl Sandbox {
    /// Starts a sandbox on a loopback address; port 0 takes a free one.
    ///
    /// # Errors
    ///
    /// Returns [`SandboxError`] for an address that is not loopback or cannot be had, and for a journal that
    /// cannot be used.
    pub async fn start(address: SocketAddr, options: Options) -> Result<Self, SandboxError> {
        if !address.ip().is_loopback() {
            return Err(SandboxError::NotLoopback(address));
        }
        let state = Arc::new(State::open(options)?);
        let failed = |source| SandboxError::Listen { address, source };
        let listener = tokio::net::TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let stop = watch::Sender::new(false);
        let server = tokio::spawn(server::serve(listener, Arc::clone(&state), stop.subscribe()));
        Ok(Self { address, state, stop, server })
    }

    /// Returns its address.
    ///
    /// # Panics
    ///
    /// Never: a socket address makes a URL.
    #[must_use]
    pub fn url(&self) -> Url {
        Url::parse(&format!("http://{}/", self.address)).expect("a socket address makes a URL")
    }

    /// Returns what it took so far.
    #[must_use]
    pub fn received(&self) -> Received {
        self.state.received()
    }

    /// Returns how many pushes each target got.
    #[must_use]
    pub fn target_counts(&self) -> TargetCounts {
        self.state.target_counts()
    }

    /// Returns the latest requests with what became of each, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<SeenRequest> {
        self.state.requests()
    }

    /// Makes it misbehave.
    pub fn inject(&self, fault: Fault) {
        self.state.inject(fault);
    }

    /// Registers a template. Once there is one, pushes of templates that are not registered are refused.
    pub fn register_template(&self, name: &str, title: &str, body: &str) {
        self.state.register_template(name, title, body);
    }

    /// Stops it, and waits until it has.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        // It ends by itself; that it was cancelled with the runtime is no news either.
        drop((&mut self.server).await);
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.server.abort();
    }
}
