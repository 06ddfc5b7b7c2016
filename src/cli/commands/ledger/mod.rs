mod export;
mod export_line;
mod move_to;
mod pack;
mod restore;
mod unlock;
mod verify;

use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::ledger_access::pinned_and_missing;
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::cli::{Globals, Result};
use crate::domain::Secret;
use crate::witness::{PIN_FILE_NAME, Pins};

/// Make an environment's ledger, check it, write it out, restore, move, pack or unlock it
///
/// The ledger remembers every push that was submitted. Keep it between runs: without it nobody
/// knows what was sent, and `plan` and `apply` refuse.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  campaignctl -e production ledger init\n  campaignctl -e production ledger export > ledger.jsonl"
)]
pub(in crate::cli) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Make the environment's ledger, and pin it in `campaignctl.lock`
    ///
    /// Run it once for each environment, and commit `campaignctl.lock`. An existing ledger is kept, and pinned.
    #[command(
        after_help = "Example:\n  campaignctl -e production ledger init && git add campaigns/campaignctl.lock"
    )]
    Init(InitArgs),
    Verify(verify::Args),
    Export(export::Args),
    Restore(restore::Args),
    Move(move_to::Args),
    Pack(pack::Args),
    Unlock(unlock::Args),
}

#[derive(Debug, clap::Args)]
struct InitArgs {
    /// Hash targets under the key in this environment variable, too; every later command needs it
    ///
    /// The ledger has its salt, so who reads it can find ids that are easy to guess, such as phone numbers, by trying them.
    /// Under a key that is kept elsewhere, nobody can. For a new ledger only; a lost key loses the ledger.
    #[arg(long, value_name = "NAME")]
    key_env: Option<String>,
}

pub(super) fn run(shell: &Shell, globals: &Globals, args: &Args) -> Result {
    match &args.action {
        Action::Init(args) => init(shell, globals, args),
        Action::Verify(args) => verify::run(shell, globals, args),
        Action::Export(args) => export::run(shell, globals, args),
        Action::Restore(args) => restore::run(shell, globals, args),
        Action::Move(args) => move_to::run(shell, globals, args),
        Action::Pack(args) => pack::run(shell, globals, args),
        Action::Unlock(args) => unlock::run(shell, globals, args),
    }
}

fn init(shell: &Shell, globals: &Globals, args: &InitArgs) -> Result {
    let session = Session::new(shell, globals);
    let scope = session.scope()?;
    let environment = &scope.environment;
    let mut pins = Pins::read(session.directory())?;
    let pinned = pins.lineage(&environment.name).cloned();
    let found = session.find_ledger(&scope, "ledger init", pinned.as_ref())?;
    if args.key_env.is_some() && found.is_some() {
        let message = format!("there is a ledger in `{}` already", environment.ledger);
        return Err(Failure::new(ExitStatus::Refused, message)
            .help("nothing was changed. A key is for a new ledger only: without `--key-env`, this one is pinned as it is"));
    }
    let key = args.key_env.as_deref().map(|name| key(shell, name)).transpose()?;
    let (open, done) = match (found, &pinned) {
        (Some(_), Some(lineage)) => {
            shell.answer_in_words(&format!(
                "Ledger {lineage} for `{}` is in `{}`, whole and pinned already: nothing was changed.\n",
                environment.name, environment.ledger,
            ))?;
            return Ok(ExitStatus::Done);
        }
        (None, Some(lineage)) => {
            return Err(pinned_and_missing(environment, lineage).help(format!(
                "nothing was made. See that `ledger:` names the place that the last run wrote to, or restore that ledger there \
                 with `campaignctl ledger restore`. Only if nothing that it knows of matters any more, remove its line from \
                 `{PIN_FILE_NAME}` first, in a reviewed change: a new ledger takes every campaign for new"
            )));
        }
        // One that was made by a run before, as a sandbox's is, knows what was sent: it is kept.
        (Some(open), None) => (open, "Found"),
        (None, None) => (session.create_ledger(&scope, "ledger init", key.as_ref())?, "Made"),
    };
    let lineage = open.ledger.header().lineage.clone();
    pins.pin(session.directory(), &environment.name, lineage.clone())?;
    shell.answer_in_words(&format!(
        "{done} ledger {lineage} for `{}` in `{}`.\nCommit `{}`: it is how a later run knows a lost ledger from a new one.\n",
        environment.name,
        environment.ledger,
        session.directory().join(PIN_FILE_NAME).display(),
    ))?;
    Ok(ExitStatus::Done)
}

/// Reads the key of a new ledger, with the variable's name.
fn key(shell: &Shell, name: &str) -> Result<(String, Secret)> {
    const BYTES_MIN: usize = 32;
    let refused = |why: &str| {
        Failure::new(ExitStatus::Credentials, format!("`{name}` {why}")).help(
            "nothing was made. Set it to 32 or more random characters, such as `openssl rand -hex 32` prints",
        )
    };
    let key = shell.variable(name).ok_or_else(|| refused("is not set"))?;
    if key.len() < BYTES_MIN {
        return Err(refused("is too short for a key"));
    }
    Ok((name.to_owned(), Secret::new(key)))
}
