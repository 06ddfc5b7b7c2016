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
use crate::state::{
    self, Draft, OpenLedger, OpenRefused, Reader, Snapshot, StateError, StateErrorKind, Store,
};
use crate::witness::Pins;

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
    let export = File::open(&args.export).map_err(|error| {
        Failure::new(ExitStatus::Written, format!("could not read `{}`: {error}", args.export.display()))
    })?;
    let store = session.store(&scope);
    // Held from before it is looked at: nobody may write to what is about to be replaced.
    let draft =
        session.wait_for_lock(store.as_ref(), "ledger restore", |candidate| store.rebuild(candidate))?;
    let kept = draft.keeps().map(|kept| format!(" What was there is kept in `{kept}`."));
    let rebuilt = rebuild(&session, &scope, (export, &args.export), (store.as_ref(), draft))?;
    let OpenLedger { ledger, store: draft, .. } = rebuilt;
    let lineage = ledger.header().lineage.clone();
    drop(ledger);
    let mut restored = session.prove(draft.replace()?, &scope, Some(&lineage))?;
    state::record_take_over(&mut restored, &shell.actor(), shell.now())?;
    session.remember(&restored.ledger, restored.writer.serial(), restored.writer.chain());
    let records = text::count(restored.writer.serial().0, "record");
    let kept = kept.unwrap_or_default();
    shell.answer_in_words(&format!("Restored ledger {lineage} with {records}.{kept}\n"))?;
    Ok(ExitStatus::Done)
}

/// Fills a draft from an export, line by line, and proves it: that it is whole, the right one, and needed.
fn rebuild(
    session: &Session<'_>,
    scope: &Scope,
    (export, path): (File, &Path),
    (store, mut draft): (&dyn Store, Box<dyn Draft>),
) -> Result<OpenLedger<Box<dyn Draft>>> {
    let unusable = |items: Vec<String>| {
        Failure::new(ExitStatus::Ledger, format!("`{}` cannot be restored from", path.display()))
            .items(items)
            .help("nothing was changed. Take another export: the latest, whole, and of this ledger")
    };
    let refused = |error: OpenRefused| unusable(vec![in_words(error)]);
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
            draft.put_blocks(serial, blocks)?;
        }
        group.push((serial, line));
        if group.len() == GROUP {
            draft.append(std::mem::take(&mut group), writer.chain())?;
        }
    }
    draft.append(group, writer.chain())?;
    if writer == Writer::default() {
        return Err(unusable(vec!["it is empty".to_owned()]));
    }
    let faults = faults_of_targets(draft.as_ref())?;
    if !faults.is_empty() {
        return Err(unusable(faults));
    }
    let pins = Pins::read(session.directory())?;
    let pinned = pins.lineage(&scope.environment.name);
    let rebuilt = session.prove(draft, scope, pinned).map_err(refused)?;
    match known_or_whole(session, scope, store)? {
        Known::UpTo(known) if known > rebuilt.ledger.serial() => {
            Err(unusable(vec![too_early(rebuilt.ledger.serial(), known)]))
        }
        Known::UpTo(_) => Ok(rebuilt),
        Known::Whole => {
            let message = format!("the ledger in `{}` is whole", scope.environment.ledger);
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
        OpenRefused::State(StateError { kind: StateErrorKind::RolledBack { found, known }, .. }) => {
            too_early(found, known)
        }
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
fn faults_of_targets(draft: &dyn Draft) -> Result<Vec<String>> {
    let lines = draft.lines().map(|line| line.map_err(Failure::from));
    let survey = ledger::survey(lines, draft.blocks().as_ref(), |_, _| Ok(()))?;
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

fn known_or_whole(session: &Session<'_>, scope: &Scope, store: &dyn Store) -> Result<Known> {
    let reader = session.candidate(store.place(), "ledger restore", false);
    let found = store.snapshot(&reader).map(|snapshot: Snapshot| snapshot.reader);
    if let Ok(found) = found {
        match session.prove(found, scope, None) {
            Ok(_) => return Ok(Known::Whole),
            // An older export in its stead would be a second ledger that can be written to.
            Err(moved @ OpenRefused::Moved { .. }) => return Err(moved.into()),
            Err(_) => {}
        }
    }
    Ok(Known::UpTo(match store.known_serial() {
        Ok(known) => known.unwrap_or_default(),
        // Nothing says any more how far it was: its records do, as far as they can be read.
        Err(error) if is_damaged(&error) => match store.snapshot(&reader) {
            Err(error) if is_damaged(&error) => Serial::default(),
            found => last_readable(found?.reader.as_ref())?,
        },
        Err(error) => return Err(error.into()),
    }))
}

fn is_damaged(error: &StateError) -> bool {
    matches!(error.kind, StateErrorKind::Damaged { .. })
}

fn last_readable(found: &dyn Reader) -> Result<Serial> {
    let lines = found.lines().map_while(|line| line.ok().map(Ok::<_, Failure>));
    Ok(ledger::survey(lines, found.blocks().as_ref(), |_, _| Ok(()))?.last)
}

fn failed(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(ExitStatus::Other, format!("could not use `{}`: {error}", path.display()))
}
