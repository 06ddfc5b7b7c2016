use std::collections::BTreeMap;

use globset::GlobMatcher;

use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::patterns::pattern;
use crate::cli::session::{Reading, Session, read_audiences};
use crate::cli::shell::Shell;
use crate::cli::{Globals, Result};
use crate::diagnostic::Code;
use crate::domain::{CampaignId, EnvironmentName, LedgerSalt};
use crate::render;
use crate::resolve::{self, Desired};
use crate::review::{self, Line, Lock, Witnessed};

/// Write the review lock: the pushes that whoever approves its change approves
///
/// One line for each campaign revision in `review/ENVIRONMENT.lock`, from files alone: no ledger, no network. With
/// `require_review: true`, `apply` sends what has its line there, and only as that has it. Without `-e`, of every environment that
/// requires it.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  campaignctl review\n  campaignctl -e production review --check\n  campaignctl -e production review --renew 'promo-*'"
)]
pub(in crate::cli) struct Args {
    /// Write nothing; show the lines that differ, and exit 7 if any does
    #[arg(long)]
    check: bool,
    /// Let the approval of these campaigns count anew from now on: names, or patterns such as `promo-*`
    #[arg(long, value_name = "NAME", conflicts_with = "check")]
    renew: Vec<String>,
    /// Also write how far the ledger is, so that an older copy of it is refused
    #[arg(long, conflicts_with = "check")]
    with_ledger: bool,
}

/// Changes that `--check` shows whole.
const SHOWN_MAX: usize = 6;

pub(super) fn run(shell: &Shell, globals: &Globals, args: &Args) -> Result {
    let session = Session::new(shell, globals);
    let Reading { checked, diagnostics } = session.read();
    session.report(&diagnostics)?;
    session.prove_without_keys(&checked)?;
    let environments = environments(&session, globals, &checked)?;
    if environments.is_empty() {
        if args.check {
            shell.answer("No environment requires a review.\n")?;
            return Ok(ExitStatus::Done);
        }
        return Err(Failure::new(ExitStatus::Written, "no environment requires a review")
            .help("write `require_review: true` into it in the project file, or name one with `-e`"));
    }
    let renewed = args.renew.iter().map(|name| pattern(name)).collect::<Result<Vec<_>>>()?;
    let mut differing = Vec::new();
    for name in environments {
        let desired = resolve::desired(&checked, &name)?;
        let before = session.review_lock(&name)?;
        if args.check && before.is_none() && !desired.environment.review.is_required {
            shell.answer(&format!("{name} requires no review\n"))?;
            continue;
        }
        let current = lines(&session, &desired)?;
        prove_renewed(&args.renew, &renewed, &current)?;
        let is_renewed = |id: &CampaignId| renewed.iter().any(|one| one.is_match(id.as_str()));
        let old = before.clone().unwrap_or_default();
        let mut lock = old.updated(&current, desired.review_valid, shell.now(), is_renewed);
        if args.with_ledger {
            lock.ledger = Some(witnessed(&session, &desired)?);
        }
        let (path, shown) = session.review_path(&name);
        let is_there = before.is_some() || lock.lines().next().is_none();
        if args.check {
            if !is_there || !old.changes(&lock).is_empty() {
                shell.answer(&render::review::differences(&shown, &old, &lock, SHOWN_MAX))?;
                differing.push(shown);
            } else {
                shell.answer(&format!("{shown}: as the files are\n"))?;
            }
        } else if before.as_ref() == Some(&lock) {
            shell.answer(&format!("{shown}: unchanged\n"))?;
        } else {
            session.write_review(&path, &lock.to_text())?;
            shell.answer(&render::review::changes(&shown, &old, &lock))?;
        }
    }
    if differing.is_empty() {
        return Ok(ExitStatus::Done);
    }
    let message =
        format!("`{}` is not what the files come to [{}]", differing.join("`, `"), Code::ReviewDiffers);
    Err(Failure::new(ExitStatus::Stale, message)
        .help("run `campaignctl review`, and commit the lock with the change"))
}

/// Returns the environments whose locks are meant.
fn environments(
    session: &Session<'_>,
    globals: &Globals,
    checked: &crate::check::Checked,
) -> Result<Vec<EnvironmentName>> {
    if globals.environment.is_some() {
        return Ok(vec![session.environment(checked, None)?]);
    }
    let all = checked.project.iter().flat_map(|project| project.environments.values());
    Ok(all.filter(|each| each.review.is_required).map(|each| each.name.clone()).collect())
}

/// Reads the audiences, and makes the lines. No ledger's salt is needed to count.
fn lines(session: &Session<'_>, desired: &Desired) -> Result<BTreeMap<CampaignId, Line>> {
    let mut contents = BTreeMap::new();
    let found = read_audiences(&desired.audiences, &LedgerSalt::new([0; 16]), |name, read| {
        contents.insert(name.to_owned(), read);
    });
    session.report(&found)?;
    Ok(review::lines(desired, &contents))
}

/// Refuses a name to renew that no campaign has: it would seem to have been done.
fn prove_renewed(
    written: &[String],
    patterns: &[GlobMatcher],
    current: &BTreeMap<CampaignId, Line>,
) -> Result<()> {
    let matches = |one: &GlobMatcher| current.keys().any(|id| one.is_match(id.as_str()));
    match written.iter().zip(patterns).find(|(_, one)| !matches(one)) {
        None => Ok(()),
        Some((written, _)) => {
            Err(Failure::new(ExitStatus::Written, format!("no campaign `{written}` may be sent"))
                .help("nothing was written. Write the name of a campaign, or a pattern such as `promo-*`"))
        }
    }
}

fn witnessed(session: &Session<'_>, desired: &Desired) -> Result<Witnessed> {
    let open = session.view_ledger(desired, "review")?;
    Ok(Witnessed {
        lineage: open.ledger.header().lineage.to_string(),
        serial: open.writer.serial().0,
        chain: open.writer.chain().to_string(),
    })
}

/// Whether a lock has the line of a campaign as the files come to it.
pub(super) fn line_of<'a>(
    session: &Session<'_>,
    desired: &Desired,
    lock: &'a Lock,
    id: &CampaignId,
) -> Result<Option<&'a Line>> {
    let current = lines(session, desired)?;
    let Some(current) = current.get(id) else { return Ok(None) };
    let line = lock.line(id, current.revision);
    Ok(line.filter(|line| line.is_same(current)))
}
