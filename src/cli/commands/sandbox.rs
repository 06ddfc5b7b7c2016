use std::net::SocketAddr;
use std::path::PathBuf;

use crate::cli::Result;
use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::shell::Shell;
use crate::sandbox::{self, Sandbox};

/// Run the vendor sandbox as a server, until Ctrl-C
///
/// It plays mPaaS: verifies signatures, takes pushes, keeps scheduled tasks, and sends nothing to any phone.
/// What it received is at `/__sandbox/received` and `/__sandbox/targets`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  campaignctl sandbox --listen 127.0.0.1:18080")]
pub(in crate::cli) struct Args {
    /// Loopback address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:18080")]
    listen: SocketAddr,
    /// Keep what it received in this file, as JSON Lines
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
}

pub(super) fn run(shell: &Shell, args: &Args) -> Result {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::from_error(ExitStatus::Other, &error))?;
    runtime.block_on(async {
        let options = sandbox::Options {
            clock: shell.clock(),
            accounts: sandbox::default_accounts(),
            journal: args.journal.clone(),
        };
        let sandbox = Sandbox::start(args.listen, options).await.map_err(|error| {
            Failure::from_error(ExitStatus::Other, &error).help("name another loopback address with `--listen`")
        })?;
        let url = sandbox.url();
        shell.answer(&format!("{url}\n"))?;
        shell.say(&format!(
            "The sandbox listens; nothing reaches a phone. To use it: `endpoint: {}` in an environment, and\n  \
             export MPAAS_AK_ENV={} MPAAS_SK_ENV={}\nWhat it received: {url}__sandbox/received\n",
            url.as_str().trim_end_matches('/'),
            sandbox::ACCESS_KEY_ID,
            sandbox::ACCESS_KEY_SECRET,
        ));
        let waited = tokio::signal::ctrl_c().await;
        sandbox.stop().await;
        waited.map_err(|error| Failure::from_error(ExitStatus::Other, &error))
    })?;
    Ok(ExitStatus::Done)
}
