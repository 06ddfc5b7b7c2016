//! The other end of an apply: the vendor, or the sandbox in this process.

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use tokio::runtime::{self, Runtime};
use url::Url;

use crate::cli::clock;
use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::domain::{Credentials, Endpoint, Environment, Secret};
use crate::mpaas::{self, Client, RouteError};
use crate::sandbox::{self, Sandbox};

const SANDBOX_THREADS: usize = 1;

/// What names proxies, as HTTP clients read it.
const PROXY_VARIABLES: [&str; 6] =
    ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

/// A client, and the sandbox that it speaks to where that is in this process.
pub(super) struct VendorSide {
    pub(super) client: Client,
    pub(super) sandbox: MaybeSandbox,
    /// What the vendor's clock said, if it said anything.
    pub(super) time: Option<DateTime<Utc>>,
}

/// A sandbox that runs on threads of its own, as the vendor would, or none.
pub(super) struct MaybeSandbox {
    sandbox: Option<Sandbox>,
    runtime: Option<Runtime>,
}

impl MaybeSandbox {
    const NONE: Self = Self { sandbox: None, runtime: None };

    async fn start(options: sandbox::Options) -> Result<Self, Box<dyn Error>> {
        let runtime =
            runtime::Builder::new_multi_thread().worker_threads(SANDBOX_THREADS).enable_all().build()?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let started = runtime.spawn(Sandbox::start(address, options));
        let mut side = Self { sandbox: None, runtime: Some(runtime) };
        side.sandbox = Some(started.await.expect("the sandbox does not panic")?);
        Ok(side)
    }

    /// Stops it, if there is one.
    pub(super) async fn stop(mut self) {
        if let (Some(sandbox), Some(runtime)) = (self.sandbox.take(), &self.runtime) {
            runtime.spawn(sandbox.stop()).await.expect("the sandbox does not panic");
        }
    }
}

impl Drop for MaybeSandbox {
    fn drop(&mut self) {
        // Dropped as it is, it would wait for its threads, which no other runtime's thread may do.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl VendorSide {
    /// Makes a client for the environment's endpoint; starts the sandbox first where that is the endpoint. Refuses a clock
    /// that is days from the vendor's, before anything is written to a ledger.
    pub(super) async fn connect(session: &Session<'_>, environment: &Environment) -> Result<Self, Failure> {
        let shell = session.shell;
        let failed = |error: &dyn std::error::Error| {
            Failure::from_error(ExitStatus::Other, error).help("nothing was sent")
        };
        let (base, credentials, sandbox) = match &environment.endpoint {
            Endpoint::Remote(url) => {
                prove_route(shell, url)?;
                (url.clone(), shell.credentials()?, MaybeSandbox::NONE)
            }
            Endpoint::Sandbox => {
                let options = sandbox::Options {
                    journal: Some(received_path(environment, session.directory())),
                    unexecuted_tasks_max: environment.unexecuted_tasks_max,
                    ..sandbox::Options::new(shell.clock())
                };
                let sandbox = MaybeSandbox::start(options).await.map_err(|error| failed(&*error))?;
                let url = sandbox.sandbox.as_ref().map(Sandbox::url).expect("it was started");
                (url, sandbox_credentials(), sandbox)
            }
        };
        let client =
            Client::new(environment, base, credentials, shell.clock()).map_err(|error| failed(&error))?;
        // The sandbox's clock is ours, and a test's own time is nobody else's.
        let is_comparable = sandbox.sandbox.is_none() && !shell.is_time_given();
        let time = if is_comparable { client.vendor_time().await } else { None };
        clock::prove_near(time, shell.now(), shell.zone())?;
        Ok(Self { client, sandbox, time })
    }
}

/// Refuses variables that say how `https` reaches the vendor and cannot be read: libraries would pass over them.
fn prove_route(shell: &Shell, url: &Url) -> Result<(), Failure> {
    if url.scheme() != "https" {
        return Ok(());
    }
    let refused = |name: &str, why: &str, help: &str| {
        Failure::new(ExitStatus::Written, format!("`{name}` {why}")).help(format!("nothing was sent. {help}"))
    };
    for name in PROXY_VARIABLES {
        let Some(value) = shell.raw_variable(name) else { continue };
        let proven = value.to_str().ok_or(RouteError::NoProxy).and_then(mpaas::prove_proxy);
        let help = "Write it as `http://HOST:PORT`, or unset it";
        proven.map_err(|error| refused(name, &error.to_string(), help))?;
    }
    for (name, is_list) in [("SSL_CERT_FILE", false), ("SSL_CERT_DIR", true)] {
        let Some(value) = shell.raw_variable(name) else { continue };
        let paths =
            if is_list { std::env::split_paths(&value).collect() } else { vec![PathBuf::from(&value)] };
        let proven = paths.iter().try_for_each(|path: &PathBuf| mpaas::prove_certificates(path));
        let help = "Name an existing certificate file, or unset it to use the system's";
        proven.map_err(|error| refused(name, &error.to_string(), help))?;
    }
    Ok(())
}

/// What the sandbox received is kept beside the ledger, so that a later command finds it; for one in a store, where that
/// would be by default.
fn received_path(environment: &Environment, workspace: &Path) -> PathBuf {
    let directory = environment.ledger.directory().cloned();
    let directory =
        directory.unwrap_or_else(|| workspace.join(".campaignctl").join(environment.name.as_str()));
    let mut name = directory.into_os_string();
    name.push(".received.jsonl");
    name.into()
}

fn sandbox_credentials() -> Credentials {
    Credentials {
        access_key_id: Secret::new(sandbox::ACCESS_KEY_ID.to_owned()),
        access_key_secret: Secret::new(sandbox::ACCESS_KEY_SECRET.to_owned()),
        security_token: None,
    }
}
