use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::cli::{Globals, Result};
use crate::ledger::{self, Fault, Serial, Writer};
use crate::render::text;
use crate::resolve::Desired;
use crate::state::{Backend, MemoryBackend, Pins, SledBackend, StateError};

/// Records that go into the new store in one durable step.
const GROUP: usize = 256;

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
    let desired = session.desired(None)?;
    let pins = Pins::read(session.directory())?;
    let (backup, lines) = read(&args.export)?;
    let pinned = pins.lineage(&desired.environment.name);
    prove_blocks(&backup, &args.export)?;
    let restored = session.prove(Box::new(backup), &desired, pinned).map_err(|error| {
        Failure::new(ExitStatus::Ledger, format!("`{}` cannot be restored from", args.export.display()))
            .items(vec![Failure::from(error).message().to_owned()])
            .help("nothing was changed. Take another export: the latest, whole, and of this ledger")
    })?;

    let directory = &desired.environment.ledger;
    let was_there = directory.exists();
    let beside = beside(directory, "restoring");
    // Held from before it is looked at: nobody may write to what is about to be replaced.
    let _lock = session.lock_directory(directory, "ledger restore")?;
    prove_needed(&session, &desired, restored.ledger.serial())?;
    if beside.exists() {
        std::fs::remove_dir_all(&beside).map_err(|error| failed(&beside, &error))?;
    }
    let mut store = SledBackend::create(&beside, &session.holder("ledger restore", true))?;
    let mut writer = Writer::default();
    let mut group = Vec::with_capacity(GROUP);
    for (line, blocks) in lines {
        let serial =
            writer.decode(&line).map_err(|error| Failure::from_error(ExitStatus::Ledger, &error))?.serial;
        if !blocks.is_empty() {
            store.put_blocks(serial, blocks)?;
        }
        group.push((serial, line));
        if group.len() == GROUP {
            store.append(std::mem::take(&mut group), writer.chain())?;
        }
    }
    store.append(group, writer.chain())?;
    drop(store);
    let stamp = shell.now().format("%Y%m%dT%H%M%SZ").to_string();
    let kept = self::beside(directory, &format!("damaged-{stamp}"));
    std::fs::rename(directory, &kept).map_err(|error| failed(directory, &error))?;
    std::fs::rename(&beside, directory).map_err(|error| failed(directory, &error))?;
    session.remember(&restored.ledger, writer.serial(), writer.chain());
    let kept = if was_there {
        format!(" What was there is kept in `{}`.", kept.display())
    } else {
        std::fs::remove_dir_all(&kept).map_err(|error| failed(&kept, &error))?;
        String::new()
    };
    let (lineage, records) = (&restored.ledger.header().lineage, text::count(writer.serial().0, "record"));
    shell.answer(&format!("Restored ledger {lineage} with {records}.{kept}\n"))?;
    Ok(ExitStatus::Done)
}

/// A line of the ledger, and the blocks that stand beside it.
type Exported = (Vec<u8>, Vec<Vec<u8>>);

fn read(path: &Path) -> Result<(MemoryBackend, Vec<Exported>)> {
    let file = File::open(path).map_err(|error| {
        Failure::new(ExitStatus::Written, format!("could not read `{}`: {error}", path.display()))
    })?;
    let (mut backup, mut writer, mut lines) = (MemoryBackend::default(), Writer::default(), Vec::new());
    for line in BufReader::new(file).split(b'\n') {
        let (line, blocks) = ledger::without_blocks(&line.map_err(|error| failed(path, &error))?);
        // What is no next record is found when the whole is proven.
        let serial = writer.decode(&line).map(|entry| entry.serial).unwrap_or_default();
        backup.put_blocks(serial, blocks.clone())?;
        backup.append(vec![(serial, line.clone())], writer.chain())?;
        lines.push((line, blocks));
    }
    Ok((backup, lines))
}

/// Refuses an export whose targets beside its records are not the ones that these name.
fn prove_blocks(backup: &MemoryBackend, path: &Path) -> Result<()> {
    let lines = backup.lines().map(|line| line.map_err(Failure::from));
    let survey = ledger::survey(lines, backup.blocks().as_ref(), |_, _| Ok(()))?;
    let of_targets = |fault: &&Fault| matches!(fault, Fault::Targets(_));
    let faults: Vec<String> = survey.faults.iter().filter(of_targets).map(ToString::to_string).collect();
    if faults.is_empty() {
        return Ok(());
    }
    Err(Failure::new(ExitStatus::Ledger, format!("`{}` cannot be restored from", path.display()))
        .items(faults)
        .help("nothing was changed. Take another export: the latest, whole, and of this ledger"))
}

/// Refuses to replace a ledger that is whole, and to forget what it is known to have had.
fn prove_needed(session: &Session<'_>, desired: &Desired, restored: Serial) -> Result<()> {
    let path = &desired.environment.ledger;
    let known = match session.view_existing(desired) {
        Ok(Some(_)) => {
            let message = format!("the ledger in `{}` is whole", path.display());
            return Err(Failure::new(ExitStatus::Refused, message).help("nothing was changed"));
        }
        Ok(None) | Err(_) => SledBackend::known_serial(path)?.unwrap_or_default(),
    };
    if known > restored {
        return Err(StateError::RolledBack { path: path.clone(), found: restored, known }.into());
    }
    Ok(())
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
