use std::io::{Read, Write};
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cli::clock;
use crate::cli::exit::{self, Allowed, ExitStatus};
use crate::cli::failure::Failure;
use crate::cli::plan_format::PlanFormat;
use crate::cli::selection::Selection;
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::cli::{Globals, Result};
use crate::plan::{self, PlanDocument};
use crate::render;
use crate::render::caller::word;
use crate::state::OpenLedger;

/// Show what `apply` would push, and push nothing
///
/// Compares the files with the ledger, and asks the vendor nothing. For what cannot be pushed, it says why and what to do.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  campaignctl -e production plan --out plan.json")]
pub(in crate::cli) struct Args {
    /// Save the plan, for `apply` to execute exactly this one
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Compare with no ledger, and open none: counts are upper bounds, and the plan cannot be applied
    #[arg(long)]
    without_ledger: bool,
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    format: PlanFormat,
    /// Exit 2 when pushes are pending, a withdrawal is not on record yet, or what waits at the vendor is not what the files
    /// say; else 10, 9 or 6 when a campaign is in doubt, missed, or blocked or held
    #[arg(long, group = "exitcode")]
    detailed_exitcode: bool,
    /// Exit 10, 9 or 6 when a campaign is in doubt, missed, or blocked or held, whatever else is to push; else 0
    #[arg(long, group = "exitcode")]
    strict: bool,
    /// With `--detailed-exitcode`: also exit 2 when a window opens within this time, 6h if none is given, as an
    /// `apply --wait` would push it
    #[arg(
        long,
        value_name = "DURATION",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "6h",
        value_parser = humantime::parse_duration,
        requires = "detailed_exitcode",
    )]
    wait: Option<Duration>,
    /// States that change no exit code, separated by commas
    #[arg(long, value_name = "STATES", value_enum, value_delimiter = ',', requires = "exitcode")]
    allow: Vec<Allowed>,
}

pub(super) fn run(shell: &Shell, globals: &Globals, args: &Args) -> Result {
    args.format.prove()?;
    let session = Session::new(shell, globals);
    // The process ends right after: what is large is left to the system to free.
    let plan = ManuallyDrop::new(if args.without_ledger {
        without_ledger(&session, args)?
    } else {
        compared(&session, args)?
    });
    if let Some(path) = &args.out {
        save(path, &render::escape::json(&plan::to_json(&plan)))?;
    }
    args.format.print(shell, &plan, Path::new(&session.shown_as()))?;
    if let (Some(path), false) = (&args.out, args.format.is_json()) {
        let apply = shell.caller().command(&format!("apply {}", word(&path.to_string_lossy())));
        let what = match (plan.summary.to_push, plan.withdrawals.is_empty()) {
            _ if plan.ledger.is_none() => "It cannot be applied: it was compared with no ledger.".to_owned(),
            (0, true) => "It has nothing to push.".to_owned(),
            (0, false) => format!("It has nothing to push, but something to put on record: {apply}"),
            _ => format!("Push exactly this: {apply}"),
        };
        shell.say(&format!("Saved as {}. {what}\n", path.display()));
    }
    Ok(match () {
        () if args.strict => unpushed(&plan, args),
        () if args.detailed_exitcode => detailed(&plan, args),
        () => ExitStatus::Done,
    })
}

/// Plans against the environment's ledger.
fn compared(session: &Session<'_>, args: &Args) -> Result<PlanDocument> {
    let shell = session.shell;
    let mut desired = ManuallyDrop::new(session.desired(None)?);
    args.selection.choose(session, &mut desired)?;
    let OpenLedger { ledger, store, packed_records, .. } = session.view_ledger(&desired, "plan")?;
    // Let go of before audiences are read, as who wants to write need not wait for that; but what was packed is read from
    // the store.
    let store = (packed_records > 0).then_some(store);
    let ledger = ManuallyDrop::new(ledger);
    let plan = session.plan(&desired, &ledger)?.document;
    drop(store);
    if let Some(warning) = clock::warning(&ledger, shell.now(), shell.zone()) {
        shell.say(&warning);
    }
    Ok(plan)
}

/// Plans what the files would push to somebody who never got anything.
fn without_ledger(session: &Session<'_>, args: &Args) -> Result<PlanDocument> {
    let mut desired = ManuallyDrop::new(session.desired(None)?);
    args.selection.choose_of_files(&mut desired)?;
    let ledger = session.ledger_of_nothing(&desired);
    Ok(session.plan(&desired, &ledger)?.without_ledger())
}

/// Pushes that are pending come first, and what `apply` is to put on record: that is what the flag is asked for. So does what
/// waits otherwise than the files say, as somebody has to do something about it.
fn detailed(plan: &PlanDocument, args: &Args) -> ExitStatus {
    let opens_soon = args.wait.is_some_and(|wait| plan.targets_until(plan.made_at + wait) > 0);
    if plan.summary.to_push > 0 || !plan.withdrawals.is_empty() || opens_soon || plan.waits_otherwise() {
        return ExitStatus::ChangesPending;
    }
    unpushed(plan, args)
}

fn unpushed(plan: &PlanDocument, args: &Args) -> ExitStatus {
    exit::of_unpushed(&plan.summary, plan.has_missed_lately(plan.made_at), &args.allow)
}

/// Writes a file whole or not at all. Only another plan is replaced: a name that was mistyped costs nobody a file. What a link
/// leads to is replaced and not the link, and devices and pipes are written to.
fn save(path: &Path, text: &str) -> Result<()> {
    let followed = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let path = followed.as_path();
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_file() && metadata.len() > 0 && !holds_a_plan(path) => {
            let message = format!("`{}` is there, and is no plan", path.display());
            return Err(Failure::new(ExitStatus::Written, message)
                .help("nothing was written or sent; name a file that is new, or a plan to replace"));
        }
        Ok(metadata) if !metadata.is_file() && !metadata.is_dir() => {
            return std::fs::write(path, text).map_err(|error| not_written(path, &error));
        }
        _ => {}
    }
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let written = tempfile::NamedTempFile::new_in(directory).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.persist(path).map(drop).map_err(|error| error.error)
    });
    written.map_err(|error| not_written(path, &error))
}

fn not_written(path: &Path, error: &std::io::Error) -> Failure {
    let message = format!("could not write the plan to `{}`: {error}", path.display());
    Failure::new(ExitStatus::Other, message).help("nothing was sent; name a file in a directory that exists")
}

/// Whether a file begins as a saved plan does, of whatever version, whole or not.
fn holds_a_plan(path: &Path) -> bool {
    let mut beginning = [0; 64];
    let read = std::fs::File::open(path).and_then(|mut file| file.read(&mut beginning));
    let beginning: String = String::from_utf8_lossy(&beginning).split_whitespace().collect();
    read.is_ok() && beginning.starts_with(&format!("{{\"format\":\"{}\"", plan::FORMAT))
}
