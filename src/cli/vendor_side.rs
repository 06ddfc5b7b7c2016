//! The other end of an apply: the vendor, or the sandbox in this process.

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use tokio::runtime::{self, Runtime};

use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::shell::Shell;
use crate::domain::{Credentials, Endpoint, Environment, Secret};
use crate::sandbox::{self, Sandbox};
use crate::vendor::Client;

const SANDBOX_THREADS: usize = 1;

/// A client, and the sandbox that it speaks to where that is in this process.
pub(super) struct VendorSide {
    pub(super) client: Client,
    pub(super) sandbox: MaybeSandbox,
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
    /// Makes a client for the environment's endpoint; starts the sandbox first where that is the endpoint.
    pub(super) async fn connect(shell: &Shell, environment: &Environment) -> Result<Self, Failure> {
        let failed = |error: &dyn std::error::Error| {
            Failure::from_error(ExitStatus::Other, error).help("nothing was sent")
        };
        let (base, credentials, sandbox) = match &environment.endpoint {
            Endpoint::Remote(url) => (url.clone(), shell.credentials()?, MaybeSandbox::NONE),
            Endpoint::Sandbox => {
                let options = sandbox::Options {
                    journal: Some(received_path(environment)),
                    ..sandbox::Options::new(shell.clock())
                };
                let sandbox = MaybeSandbox::start(options).await.map_err(|error| failed(&*error))?;
                let url = sandbox.sandbox.as_ref().map(Sandbox::url).expect("it was started");
                (url, sandbox_credentials(), sandbox)
            }
        };
        let client =
            Client::new(environment, base, credentials, shell.clock()).map_err(|error| failed(&error))?;
        Ok(Self { client, sandbox })
    }
}

/// What the sandbox received is kept beside the ledger, so that a later command finds it.
fn received_path(environment: &Environment) -> PathBuf {
    let mut name = environment.ledger.clone().into_os_string();
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
