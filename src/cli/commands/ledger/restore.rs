use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use crate::cli::commands::ledger::export_line;
use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::cli::{Globals, Result};
use crate::ledger::{self, Fault, Serial, Writer};
use crate::render::{escape, text};
use crate::resolve::Scope;
use crate::state::{self, Backend, OpenLedger, OpenRefused, Pins, SledBackend, StateError};

/// Records that go into the new store in one durable step; each may have 64 blocks of 6 KiB.
const GROUP: usize = 64;

/// Make the ledger anew from what `ledger export` printed
///
/// For a ledger that is lost or damaged. Refuses an export that is not whole, is another ledger's, or ends before
/// the last record that is known to have been written: what came after it would be sent again. A damaged ledger
/// is kept beside the new one.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  campaignctl -e production ledger restore ledger.jsonl")]
pub(super) struct Args {
    /// What `ledger export` printed
    #[arg(value_name = "FILE")]
    export: PathBuf,
}

pub(super) fn run(shell: &Shell, globals: &Globals, args: &Args) -> Result {
    let session = Session::new(shell, globals);
    let scope = session.scope()?;
    session.prove_time_is_real(&scope)?;
    let directory = &scope.environment.ledger;
    let was_there = directory.exists();
    let export = File::open(&args.export).map_err(|error| {
        Failure::new(ExitStatus::Written, format!("could not read `{}`: {error}", args.export.display()))
    })?;
    // Held from before it is looked at: nobody may write to what is about to be replaced.
    let lock = session.lock_directory(directory, "ledger restore")?;
    let beside = beside(directory, "restoring");
    let rebuilt = rebuild(&session, &scope, (export, &args.export), &beside);
    let mut rebuilt = match rebuilt {
        Ok(rebuilt) => rebuilt,
        Err(failure) => {
            // What cannot be removed is, by the next restore.
            drop(std::fs::remove_dir_all(&beside));
            drop(lock);
            if !was_there {
                drop(std::fs::remove_dir_all(directory));
            }
            return Err(failure);
        }
    };
    state::record_take_over(&mut rebuilt, lock.lease(), &shell.actor(), shell.now())?;
    let OpenLedger { ledger: restored, writer, backend, .. } = rebuilt;
    drop(backend);
    let stamp = shell.now().format("%Y%m%dT%H%M%SZ").to_string();
    let kept = self::beside(directory, &format!("damaged-{stamp}"));
    std::fs::rename(directory, &kept).map_err(|error| failed(directory, &error))?;
    std::fs::rename(&beside, directory).map_err(|error| failed(directory, &error))?;
    session.remember(&restored, writer.serial(), writer.chain());
    let kept = if was_there {
        format!(" What was there is kept in `{}`.", kept.display())
    } else {
        std::fs::remove_dir_all(&kept).map_err(|error| failed(&kept, &error))?;
        String::new()
    };
    let (lineage, records) = (&restored.header().lineage, text::count(writer.serial().0, "record"));
    shell.answer(&format!("Restored ledger {lineage} with {records}.{kept}\n"))?;
    Ok(ExitStatus::Done)
}

/// Makes a store of an export, line by line, and proves it: that it is whole, the right one, and needed.
fn rebuild(
    session: &Session<'_>,
    scope: &Scope,
    (export, path): (File, &Path),
    beside: &Path,
) -> Result<OpenLedger> {
    let unusable = |items: Vec<String>| {
        Failure::new(ExitStatus::Ledger, format!("`{}` cannot be restored from", path.display()))
            .items(items)
            .help("nothing was changed. Take another export: the latest, whole, and of this ledger")
    };
    let refused = |error: OpenRefused| unusable(vec![in_words(error)]);
    if beside.exists() {
        std::fs::remove_dir_all(beside).map_err(|error| failed(beside, &error))?;
    }
    let mut store = SledBackend::create(beside, &session.candidate("ledger restore", true))?;
    let mut writer = Writer::default();
    let mut group = Vec::with_capacity(GROUP);
    for (number, line) in (1..).zip(BufReader::new(export).split(b'\n')) {
        let line = as_recorded(line.map_err(|error| failed(path, &error))?);
        let (line, blocks) = ledger::without_blocks(&line);
        let expected = writer.serial().next();
        let decoded = writer.decode(&line);
        let fault = |damage| unusable(vec![export_line::fault(&line, number, expected, &damage)]);
        let serial = decoded.map_err(fault)?.serial;
        if !blocks.is_empty() {
            store.put_blocks(serial, blocks)?;
        }
        group.push((serial, line));
        if group.len() == GROUP {
            store.append(std::mem::take(&mut group), writer.chain())?;
        }
    }
    store.append(group, writer.chain())?;
    if writer == Writer::default() {
        return Err(unusable(vec!["it is empty".to_owned()]));
    }
    let faults = faults_of_targets(&store)?;
    if !faults.is_empty() {
        return Err(unusable(faults));
    }
    let pins = Pins::read(session.directory())?;
    let pinned = pins.lineage(&scope.environment.name);
    let rebuilt = session.prove(Box::new(store), scope, pinned).map_err(refused)?;
    match known_or_whole(session, scope)? {
        Known::UpTo(known) if known > rebuilt.ledger.serial() => {
            Err(unusable(vec![too_early(rebuilt.ledger.serial(), known)]))
        }
        Known::UpTo(_) => Ok(rebuilt),
        Known::Whole => {
            let message = format!("the ledger in `{}` is whole", scope.environment.ledger.display());
            Err(Failure::new(ExitStatus::Refused, message).help("nothing was changed"))
        }
    }
}

/// Returns a line as the ledger had it, whose bytes the chain is of: exports write out what nobody would see.
fn as_recorded(line: Vec<u8>) -> Vec<u8> {
    match str::from_utf8(&line) {
        Ok(text) => escape::json_as_written(text).into_owned().into_bytes(),
        Err(_) => line,
    }
}

/// Says of an export why it is not the ledger that is wanted.
fn in_words(error: OpenRefused) -> String {
    match error {
        OpenRefused::State(StateError::RolledBack { found, known, .. }) => too_early(found, known),
        OpenRefused::Foreign { what, theirs, ours } => {
            format!("line 1 says that it is of {what} `{theirs}`, and this is `{ours}`")
        }
        OpenRefused::AnotherLineage { found, pinned } => {
            format!("line 1 says that it is ledger {found}, and `campaignctl.lock` pins {pinned}")
        }
        other => Failure::from(other).in_one_line(),
    }
}

fn too_early(found: Serial, known: Serial) -> String {
    format!(
        "it ends at record {found}, and record {known} was written since: what is missing would be sent again"
    )
}

/// Names the records whose targets beside them are not the ones that they name.
fn faults_of_targets(store: &SledBackend) -> Result<Vec<String>> {
    let lines = store.lines().map(|line| line.map_err(Failure::from));
    let survey = ledger::survey(lines, store.blocks().as_ref(), |_, _| Ok(()))?;
    let of_targets = |fault: &&Fault| matches!(fault, Fault::Targets(_));
    Ok(survey.faults.iter().filter(of_targets).map(ToString::to_string).collect())
}

/// What is known of the ledger that is to be replaced.
enum Known {
    /// It is whole.
    Whole,
    /// It had records up to there once, at least.
    UpTo(Serial),
}

fn known_or_whole(session: &Session<'_>, scope: &Scope) -> Result<Known> {
    if let Ok(Some(_)) = session.view_existing(scope) {
        return Ok(Known::Whole);
    }
    let path = &scope.environment.ledger;
    Ok(Known::UpTo(match SledBackend::known_serial(path) {
        Ok(known) => known.unwrap_or_default(),
        // Nothing says any more how far it was: its records do, as far as they can be read.
        Err(StateError::Damaged { .. }) => last_readable(path)?,
        Err(error) => return Err(error.into()),
    }))
}

fn last_readable(path: &Path) -> Result<Serial> {
    let store = match SledBackend::view(path) {
        Err(StateError::Damaged { .. }) => return Ok(Serial::default()),
        opened => opened?,
    };
    let lines = store.lines().map_while(|line| line.ok().map(Ok::<_, Failure>));
    Ok(ledger::survey(lines, store.blocks().as_ref(), |_, _| Ok(()))?.last)
}

fn beside(directory: &Path, what: &str) -> PathBuf {
    let mut name = directory.as_os_str().to_owned();
    name.push(".");
    name.push(what);
    name.into()
}

fn failed(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(ExitStatus::Other, format!("could not use `{}`: {error}", path.display()))
}
