use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::cli::{Globals, Result};
use crate::domain::LedgerPlace;
use crate::ledger::{self, Ledger, Record, Writer};
use crate::load::PROJECT_FILE;
use crate::render::text;
use crate::resolve::Scope;
use crate::state::{self, Draft, OpenLedger, Reader};
use crate::witness::Pins;

/// Bytes of lines that go into the new place in one durable step.
const GROUP_BYTES: usize = 1 << 20;

/// Move the ledger to another store, and close the old one for good
///
/// Copies every record with its serial and chain, reads the copy back and compares it, then writes into the old ledger where it
/// went: every later command refuses that one. A move that was interrupted is completed by running it again. The project file is
/// yours to edit: the command prints the line.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  campaignctl -e production ledger move 'postgres://ledger@db.internal/push'\n  campaignctl -e production ledger move 'oss://acme-ledgers/push?region=cn-hangzhou'\n  campaignctl -e production ledger move .campaignctl/production"
)]
pub(super) struct Args {
    /// Where to: a store's address, or a directory relative to the project file, as `ledger:` has it
    #[arg(value_name = "TO")]
    to: String,
    /// Do not ask; required without a terminal
    #[arg(long)]
    auto_approve: bool,
}

pub(super) fn run(shell: &Shell, globals: &Globals, args: &Args) -> Result {
    let session = Session::new(shell, globals);
    let scope = session.scope()?;
    session.prove_time_is_real(&scope)?;
    let to = place(&session, &scope, &args.to)?;
    let pins = Pins::read(session.directory())?;
    let from = session.store(&scope);
    let store = session.wait_for_lock(from.as_ref(), "ledger move", |candidate| from.take(candidate))?;
    // Not remembered by this machine: the copy ends before the record that closes the old one.
    let mut old =
        session.prove_to_move(store, &scope, pins.lineage(&scope.environment.name), &to.address())?;
    let is_closed = old.ledger.moved_to().is_some();
    // Nothing follows the record that closed it.
    if !is_closed {
        state::record_take_over(&mut old, &shell.actor(), shell.now())?;
    }
    let target = state::store_at(&to, &shell.variables());
    if let Some(known) = target.known_serial()? {
        return Err(occupied(&to, known, is_closed, args));
    }
    approve(shell, args, &scope, &old, &to)?;
    let mut draft =
        session.wait_for_lock(target.as_ref(), "ledger move", |candidate| target.rebuild(candidate))?;
    let writer = copy(old.store.as_ref(), draft.as_mut())?;
    compare(draft.as_ref(), &writer, &old.ledger)?;
    shell.pass("copied");
    if !is_closed {
        let moved = Record::Moved { to: to.address(), actor: shell.actor() };
        old.append(shell.now(), [moved])?;
    }
    // From here on nobody writes to the old one; until the next line returns, nobody to the new one either.
    shell.pass("closed");
    let moved = draft.replace()?;
    drop(moved);
    session.remember(&old.ledger, writer.serial(), writer.chain());
    shell.answer_in_words(&format!(
        "Moved ledger {} with {} from `{}` to `{to}`.\nThe old one takes no more. Write in `{PROJECT_FILE}`, for `{}`:\n\n    ledger: {}\n",
        old.ledger.header().lineage,
        text::count(writer.serial().0, "record"),
        scope.environment.ledger,
        scope.environment.name,
        args.to,
    ))?;
    Ok(ExitStatus::Done)
}

/// Reads where to, as the project file's `ledger:` is read.
fn place(session: &Session<'_>, scope: &Scope, to: &str) -> Result<LedgerPlace> {
    let refused = |message: String, help: &str| Failure::new(ExitStatus::Written, message).help(help);
    let place = if LedgerPlace::is_address(to) {
        LedgerPlace::parse_url(to, scope.environment.name.as_str()).map_err(|error| {
            refused(
                error.to_string(),
                "nothing was changed. Write `postgres://ROLE@HOST/DATABASE`, `s3://BUCKET/PREFIX?region=REGION` or \
                 `oss://BUCKET/PREFIX?region=REGION`; passwords and keys come from the environment variables",
            )
        })?
    } else {
        LedgerPlace::Directory(session.directory().join(to))
    };
    if place.address() == scope.environment.ledger.address() {
        return Err(refused(
            format!("the ledger of `{}` is in `{place}`", scope.environment.name),
            "nothing was changed. Name another place",
        ));
    }
    Ok(place)
}

/// Another ledger is there, or this one, whose move came to its end before.
fn occupied(to: &LedgerPlace, known: ledger::Serial, is_closed: bool, args: &Args) -> Failure {
    if is_closed {
        let message = format!("the ledger was moved to `{to}` before");
        return Failure::new(ExitStatus::Ledger, message).help(format!(
            "nothing was changed. Write this in `{PROJECT_FILE}`, for the environment: `ledger: {}`",
            args.to
        ));
    }
    let message = format!("there is a ledger in `{to}` already, up to record {known}");
    Failure::new(ExitStatus::Refused, message).help("nothing was changed. Name a place that never had one")
}

fn approve(shell: &Shell, args: &Args, scope: &Scope, old: &OpenLedger, to: &LedgerPlace) -> Result<()> {
    if args.auto_approve {
        return Ok(());
    }
    if !shell.is_interactive() {
        return Err(Failure::new(ExitStatus::Refused, "cannot ask for approval: not a terminal")
            .help("nothing was changed. Add `--auto-approve` to move it"));
    }
    let asked = format!(
        "Move the ledger of `{}`, {}, from `{}` to `{to}`, and close the old one for good? Type `yes` to move: ",
        scope.environment.name,
        text::count(old.ledger.serial().0, "record"),
        scope.environment.ledger,
    );
    if shell.ask(&asked)? == "yes" {
        return Ok(());
    }
    Err(Failure::new(ExitStatus::Refused, "the ledger stays where it is"))
}

/// Copies all records and their blocks, up to the one that says where the ledger went.
fn copy(old: &dyn Reader, draft: &mut dyn Draft) -> Result<Writer> {
    let (mut writer, mut group, mut bytes) = (Writer::default(), Vec::new(), 0);
    let lines = old.lines().map(|line| line.map_err(Failure::from));
    let mut is_over = false;
    let survey = ledger::survey(lines, old.blocks().as_ref(), |line, blocks| {
        if is_over {
            return Ok(());
        }
        let before = writer.clone();
        let entry = writer.decode(line).map_err(state::OpenRefused::from)?;
        if matches!(entry.record, Record::Moved { .. }) {
            is_over = true;
            writer = before;
            return Ok(());
        }
        if !blocks.is_empty() {
            draft.put_blocks(entry.serial, blocks.to_vec())?;
        }
        bytes += line.len();
        group.push((entry.serial, line.to_vec()));
        if bytes >= GROUP_BYTES {
            bytes = 0;
            draft.append(std::mem::take(&mut group), writer.chain())?;
        }
        Ok(())
    })?;
    if !survey.faults.is_empty() {
        let faults = survey.faults.iter().map(ToString::to_string).collect();
        return Err(
            Failure::new(ExitStatus::Ledger, "the ledger is damaged, and stays where it is:").items(faults)
        );
    }
    draft.append(group, writer.chain())?;
    Ok(writer)
}

/// Reads the copy back, with every block, and proves that it adds up to the same.
fn compare(draft: &dyn Draft, written: &Writer, old: &Ledger) -> Result<()> {
    let mut read = Writer::default();
    let blocks = draft.blocks();
    let entries =
        draft.lines().map(|line| -> std::result::Result<_, state::OpenRefused> { Ok(read.decode(&line?)?) });
    let copied = Ledger::fold_beside(&blocks, entries)?;
    let differs =
        || Failure::new(ExitStatus::Ledger, "the copy is not what was written; the ledger stays where it is");
    if read != *written || !copied.adds_up_to(old)? {
        return Err(differs());
    }
    Ok(())
}
