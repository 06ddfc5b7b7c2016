//! The other end of an apply: the vendor, or the sandbox in this process.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::shell::Shell;
use crate::domain::{Credentials, Endpoint, Environment, Secret};
use crate::sandbox::{self, Sandbox};
use crate::vendor::Client;

/// A client, and the sandbox that it speaks to where that is in this process.
pub(super) struct VendorSide {
    pub(super) client: Client,
    pub(super) sandbox: MaybeSandbox,
}

/// A sandbox that runs, or none.
pub(super) struct MaybeSandbox(Option<Sandbox>);

impl MaybeSandbox {
    /// Stops it, if there is one.
    pub(super) async fn stop(self) {
        if let Some(sandbox) = self.0 {
            sandbox.stop().await;
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
            Endpoint::Remote(url) => (url.clone(), shell.credentials()?, None),
            Endpoint::Sandbox => {
                let options = sandbox::Options {
                    clock: shell.clock(),
                    accounts: sandbox::default_accounts(),
                    journal: Some(received_path(environment)),
                };
                let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
                let sandbox = Sandbox::start(address, options).await.map_err(|error| failed(&error))?;
                (sandbox.url(), sandbox_credentials(), Some(sandbox))
            }
        };
        let client =
            Client::new(environment, base, credentials, shell.clock()).map_err(|error| failed(&error))?;
        Ok(Self { client, sandbox: MaybeSandbox(sandbox) })
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
