use std::net::SocketAddr;
use std::path::PathBuf;

use crate::cli::Result;
use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::shell::Shell;
use crate::domain::UNEXECUTED_TASKS_MAX;
use crate::sandbox::{self, FaultShare, Memory, Sandbox};

/// Run the vendor sandbox as a server, until Ctrl-C
///
/// It plays mPaaS: verifies signatures, takes pushes, keeps scheduled tasks, and sends nothing to any phone.
/// What it received is at `/__sandbox/received` and `/__sandbox/targets`, how much at `/__sandbox/counts`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  campaignctl sandbox --listen 127.0.0.1:18080")]
pub(in crate::cli) struct Args {
    /// Loopback address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:18080")]
    listen: SocketAddr,
    /// Keep what it received in this file, as JSON Lines
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
    /// Have this share of push requests meet a random fault: 0.01 is one in a hundred
    ///
    /// Throttled, refused or dropped before or after it was taken, answered with garbage, cut short or late.
    #[arg(long, value_name = "SHARE", value_parser = share)]
    fault_share: Option<f64>,
    /// The same seed gives the same faults
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    fault_seed: u64,
    /// Remember 16 bytes a push, for millions of targets
    ///
    /// `/__sandbox/hashes` then answers, for each push in the order it was taken, the first 16 bytes of the SHA-256 of
    /// `DELIVERY_TYPE:TARGET`; `/__sandbox/received` and `/__sandbox/targets` are refused.
    #[arg(long)]
    lean: bool,
    /// Keep so many scheduled and repeating tasks unexecuted, as an environment's `unexecuted_tasks_max`
    #[arg(long, value_name = "NUMBER", default_value_t = UNEXECUTED_TASKS_MAX)]
    unexecuted_tasks_max: usize,
}

fn share(text: &str) -> std::result::Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "name a number from 0 to 1".to_owned())
}

pub(super) fn run(shell: &Shell, args: &Args) -> Result {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::from_error(ExitStatus::Other, &error))?;
    runtime.block_on(async {
        let options = sandbox::Options {
            journal: args.journal.clone(),
            fault_share: args.fault_share.and_then(|share| FaultShare::new(share, args.fault_seed)),
            unexecuted_tasks_max: args.unexecuted_tasks_max,
            memory: if args.lean { Memory::Lean } else { Memory::Whole },
            ..sandbox::Options::new(shell.clock())
        };
        let sandbox = Sandbox::start(args.listen, options).await.map_err(|error| {
            Failure::from_error(ExitStatus::Other, &error).help("name another loopback address with `--listen`")
        })?;
        let url = sandbox.url();
        shell.answer(&format!("{url}\n"))?;
        shell.say(&format!(
            "The sandbox listens; nothing reaches a phone. To use it: `endpoint: {}` in an environment, and\n  \
             export MPAAS_AK_ENV={} MPAAS_SK_ENV={}\nWhat it received: {url}__sandbox/{page}\n",
            url.as_str().trim_end_matches('/'),
            sandbox::ACCESS_KEY_ID,
            sandbox::ACCESS_KEY_SECRET,
            page = if args.lean { "counts" } else { "received" },
        ));
        let waited = tokio::signal::ctrl_c().await;
        sandbox.stop().await;
        waited.map_err(|error| Failure::from_error(ExitStatus::Other, &error))
    })?;
    Ok(ExitStatus::Done)
}
