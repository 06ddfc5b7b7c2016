//! Asks a person whether a plan may be pushed. Nothing is locked meanwhile, so what was shown is compared with the plan
//! that is made once the ledger is.

use std::path::Path;

use chrono::{DateTime, Utc};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::interrupt::Signals;
use crate::cli::shell::Shell;
use crate::cli::staleness;
use crate::plan::{ChangeDocument, Difference, PlanDocument, Staleness};
use crate::render::text;

/// A plan that a person said yes to.
pub(super) struct Approved {
    shown: PlanDocument,
    /// Taken over when the question was asked: a Ctrl-C since then is not lost.
    pub(super) signals: Signals,
}

/// Asks whether to push a plan that was shown, and what of it opens by `until`.
pub(super) fn ask(
    shell: &Shell,
    runtime: &Runtime,
    shown: PlanDocument,
    until: Option<DateTime<Utc>>,
) -> Result<Approved, Failure> {
    if !shell.is_interactive() {
        return Err(Failure::new(ExitStatus::Refused, "cannot ask for approval: not a terminal")
            .help("nothing was sent. Add `--auto-approve` once the plan was reviewed"));
    }
    let opens = |change: &ChangeDocument| change.opens_at().zip(until).is_some_and(|(at, until)| at <= until);
    let now = who(&shown, |change| change.kind.is_push().then_some(change.targets.to_push));
    let later = who(&shown, |change| opens(change).then_some(change.targets.unsent));
    let who = match (now, later) {
        (Some(now), Some(later)) => format!("{now} now, and to {later} later"),
        (None, Some(later)) => format!("{later} later"),
        (now, None) => now.unwrap_or_else(|| text::count(0, "target")),
    };
    let question = format!(
        "\nThis pushes to {who} in `{}`, and cannot be undone.\nType `yes` to push: ",
        shown.environment
    );
    let _entered = runtime.enter();
    let mut signals = Signals::new();
    let answer = shell.begin_to_ask(&question);
    let answer = runtime.block_on(async {
        tokio::select! {
            biased;
            () = signals.next() => None,
            answer = read(answer) => Some(answer),
        }
    });
    let refused = |why: &str| Failure::new(ExitStatus::Refused, format!("not approved: {why}"));
    match answer {
        None => {
            shell.say("\n");
            Err(Failure::new(ExitStatus::Interrupted, "interrupted at the prompt").help("nothing was sent"))
        }
        Some(Ok(Some(answer))) if answer == "yes" => Ok(Approved { shown, signals }),
        Some(Ok(Some(answer))) if answer.is_empty() => {
            Err(refused("the answer was empty")
                .help("nothing was sent. Run it again, and type `yes` to push"))
        }
        Some(Ok(Some(answer))) => Err(refused(&format!("the answer was `{answer}`, not `yes`"))
            .help("nothing was sent. Run it again, and type `yes` in full to push")),
        Some(Ok(None)) => {
            shell.say("\n");
            Err(refused("the input ended without an answer").help("nothing was sent"))
        }
        Some(Err(error)) => Err(Failure::from_error(ExitStatus::Other, &error).help("nothing was sent")),
    }
}

/// Says to whom the changes go that `count` counts targets of; nothing where it counts none. A broadcast is no target.
fn who(plan: &PlanDocument, count: impl Fn(&ChangeDocument) -> Option<u64>) -> Option<String> {
    let (mut broadcasts, mut targets) = (0, 0);
    for change in &plan.changes {
        match count(change) {
            Some(counted) if change.recipients == "broadcast" => broadcasts += counted,
            Some(counted) => targets += counted,
            None => {}
        }
    }
    let everyone = || format!("everyone by {}", text::count(broadcasts, "broadcast"));
    match (broadcasts, targets) {
        (0, 0) => None,
        (0, targets) => Some(text::count(targets, "target")),
        (_, 0) => Some(everyone()),
        (_, targets) => Some(format!("{} and {}", everyone(), text::count(targets, "target"))),
    }
}

/// Waits for an answer; one that cannot come any more is none.
async fn read(answer: oneshot::Receiver<std::io::Result<Option<String>>>) -> std::io::Result<Option<String>> {
    answer.await.unwrap_or(Ok(None))
}

impl Approved {
    /// Refuses the plan of now if any push is not one that was shown, and says what moved. What moved besides, such as
    /// the ledger by another run, changes no push; fewer people than were shown are fine.
    pub(super) fn prove_still(&self, current: &PlanDocument, directory: &Path) -> Result<(), Failure> {
        let Staleness { setting, moved, unreviewed } = Staleness::of(&self.shown, current);
        let added = unreviewed.into_iter().map(Difference::Added);
        let found: Vec<Difference> = setting.into_iter().chain(moved).chain(added).collect();
        if found.is_empty() {
            return Ok(());
        }
        Err(Failure::new(ExitStatus::Stale, "the plan changed while it waited for approval:")
            .items(staleness::in_words(&found, directory))
            .help("nothing was sent. Run it again, and review the new plan"))
    }
}
