//! Holds a plan to the one that was reviewed: no push leaves that is not in it as it is.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::cli::clock::CLOCK_SLACK;
use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::shell::Shell;
use crate::plan::{self, Difference, Plan, PlanDocument, Staleness};
use crate::render;
use crate::resolve::Desired;

/// Most campaigns that one line names.
const NAMED_MAX: usize = 5;

/// How strictly a plan is held to the one that was reviewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strictness {
    /// Every byte is as it was, but for when it was made.
    Exact,
    /// Every reviewed push is as it was.
    Whole,
    /// The reviewed pushes that are as they were are pushed, the others not.
    Partial,
    /// It was proven before, and only time has passed: nothing was edited since.
    Unedited,
}

/// Refuses a plan of another project or environment before any ledger is opened: it would be the wrong one.
pub(super) fn prove_same_environment(reviewed: &PlanDocument, desired: &Desired) -> Result<(), Failure> {
    let pairs = [
        ("project", &reviewed.project, desired.project.as_str()),
        ("environment", &reviewed.environment, desired.environment.name.as_str()),
    ];
    match pairs.into_iter().find(|(_, reviewed, current)| reviewed != current) {
        Some((what, reviewed, current)) => {
            let message = format!("the plan was made for {what} `{reviewed}`, not for `{current}`");
            Err(Failure::new(ExitStatus::Stale, message)
                .help("nothing was sent. Leave `-e` out, or plan again"))
        }
        None => Ok(()),
    }
}

/// Refuses a plan that nobody could hold to a ledger.
pub(super) fn prove_compared(reviewed: &PlanDocument) -> Result<(), Failure> {
    if reviewed.ledger.is_some() && !reviewed.summary.upper_bounds {
        return Ok(());
    }
    let message =
        "this plan was compared with no ledger, so it cannot be applied: its counts are upper bounds";
    Err(Failure::new(ExitStatus::Written, message).help(
        "nothing was sent. Run `campaignctl plan` again without `--without-ledger`, and have that reviewed",
    ))
}

/// Refuses a plan that is older than the caller wants, or that is not made yet.
pub(super) fn prove_young(
    reviewed: &PlanDocument,
    max_age: Option<Duration>,
    now: DateTime<Utc>,
) -> Result<(), Failure> {
    let zone = reviewed.time_zone.parse().unwrap_or(Tz::UTC);
    let made = plan::time(reviewed.made_at, zone);
    if reviewed.made_at > now + CLOCK_SLACK {
        let message = format!("the plan was made at {made}, which is later than this machine's clock says");
        return Err(Failure::new(ExitStatus::Stale, message).help("nothing was sent. Set the clock"));
    }
    let age = (now - reviewed.made_at).to_std().unwrap_or_default();
    match max_age.filter(|max_age| age > *max_age) {
        Some(max_age) => {
            let max_age = humantime::format_duration(max_age);
            let message = format!("the plan was made at {made}, more than {max_age} ago");
            Err(Failure::new(ExitStatus::Expired, message)
                .help("nothing was sent. Run `campaignctl plan` again, and have it reviewed"))
        }
        None => Ok(()),
    }
}

/// Leaves out of a plan what nobody reviewed. Returns what is to be said of reviewed pushes that moved, where the others go on
/// without them.
///
/// # Errors
///
/// Refuses the whole plan, and names what moved, if it would push elsewhere, or if a reviewed push moved and they are not to
/// be pushed in part. `directory` is the workspace's, as paths are shown.
pub(super) fn hold_to(
    reviewed: &PlanDocument,
    plan: &mut Plan,
    strictness: Strictness,
    directory: &Path,
) -> Result<Held, Failure> {
    if strictness == Strictness::Exact {
        refuse(&plan::differences(reviewed, &plan.document), directory)?;
    }
    let found = Staleness::of(reviewed, &plan.document);
    if strictness != Strictness::Unedited {
        refuse(&found.setting, directory)?;
    }
    match strictness {
        Strictness::Exact | Strictness::Whole => refuse(&found.moved, directory)?,
        Strictness::Unedited => prove_unedited(&found, directory)?,
        Strictness::Partial => {}
    }
    let not_reviewed: BTreeSet<&str> = found.not_reviewed().collect();
    if !not_reviewed.is_empty() {
        plan.leave_out(&not_reviewed);
    }
    // What is put on record is that very plan.
    plan.document.digest.clone_from(&reviewed.digest);
    Ok(Held { moved: found.moved, unreviewed: found.unreviewed })
}

/// Refuses a plan that was edited while its windows were waited for.
fn prove_unedited(found: &Staleness, directory: &Path) -> Result<(), Failure> {
    refuse_edited(in_words(&found.edits().cloned().collect::<Vec<_>>(), directory))
}

/// Refuses a plan that is not what waited for its windows: `edits` says what was edited.
pub(super) fn refuse_edited(edits: Vec<String>) -> Result<(), Failure> {
    if edits.is_empty() {
        return Ok(());
    }
    Err(Failure::new(ExitStatus::Stale, "what was approved changed while waiting for its window:")
        .items(edits)
        .help("nothing was sent since. Run `campaignctl plan` again, and have it reviewed"))
}

/// What was left out of a plan.
#[derive(Debug, Default)]
pub(super) struct Held {
    moved: Vec<Difference>,
    unreviewed: Vec<String>,
}

impl Held {
    /// Takes in what was left out of the plan that was shown.
    pub(super) fn join(self, shown: Self) -> Self {
        if self.moved.is_empty() { Self { moved: shown.moved, ..self } } else { self }
    }

    /// Says what was left out.
    pub(super) fn say(&self, shell: &Shell, directory: &Path) {
        if !self.moved.is_empty() {
            shell.say("Not pushed, since it is no longer as it was reviewed:\n");
            for moved in in_words(&self.moved, directory) {
                shell.say(&format!("  - {moved}\n"));
            }
        }
        if let Some((named, others)) = self.unreviewed.split_at_checked(NAMED_MAX.min(self.unreviewed.len()))
            && !named.is_empty()
        {
            let named: Vec<String> = named.iter().map(|name| format!("`{name}`")).collect();
            let others = match others.len() as u64 {
                0 => String::new(),
                others => format!(" and {}", render::text::count(others, "other campaign")),
            };
            shell.say(&format!(
                "Not pushed, since the reviewed plan does not push it: {}{others}\n",
                named.join(", ")
            ));
        }
    }

    /// Returns the exit status for what was left out and had been reviewed.
    pub(super) fn status(&self) -> ExitStatus {
        if self.moved.is_empty() { ExitStatus::Done } else { ExitStatus::Stale }
    }
}

fn status(found: &[Difference]) -> ExitStatus {
    let is_lost =
        |found: &Difference| matches!(found, Difference::Lineage { .. } | Difference::LedgerBehind { .. });
    if found.iter().any(is_lost) {
        ExitStatus::Ledger
    } else if found.iter().all(|found| matches!(found, Difference::Expired { .. })) {
        ExitStatus::Expired
    } else {
        ExitStatus::Stale
    }
}

fn refuse(found: &[Difference], directory: &Path) -> Result<(), Failure> {
    if found.is_empty() {
        return Ok(());
    }
    let again = "nothing was sent. Run `campaignctl plan` again, and have it reviewed";
    let (what, help) = match status(found) {
        ExitStatus::Ledger => (
            "the ledger is not the one that was reviewed",
            "nothing was sent. Restore the ledger from the latest backup that has every run",
        ),
        ExitStatus::Expired => ("the plan has expired", again),
        _ => ("the plan is stale", again),
    };
    Err(Failure::new(status(found), format!("{what}:")).items(in_words(found, directory)).help(help))
}

/// Says what moved, files by their paths from the working directory: `directory` is the workspace's.
pub(super) fn in_words(found: &[Difference], directory: &Path) -> Vec<String> {
    let word = |found: &Difference| match found {
        Difference::Input { path, what } => {
            format!("the file `{}` was {what}", directory.join(path).display())
        }
        _ => found.to_string(),
    };
    found.iter().map(word).collect()
}
