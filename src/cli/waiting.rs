//! Waits for windows to open, with nothing locked and nothing to lose.

use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use tokio::runtime::Runtime;

use crate::cli::interrupt::Signals;
use crate::cli::shell::Shell;
use crate::cli::staleness;
use crate::plan::{self, Difference, PlanDocument, Staleness};
use crate::render::text;

/// The clock is asked again at least so often: a machine that slept goes on at the right time.
const GLANCE: Duration = Duration::from_secs(1);

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waited {
    /// The time has come.
    Opened,
    /// Somebody ended it.
    Interrupted,
}

/// Waits until a window of a plan opens, and says in one line for what.
pub(super) fn until(
    shell: &Shell,
    runtime: &Runtime,
    opens_at: DateTime<Utc>,
    plan: &PlanDocument,
) -> Waited {
    let zone = plan.time_zone.parse().unwrap_or(Tz::UTC);
    let opening = plan.changes.iter().filter(|change| change.opens_at() == Some(opens_at));
    let names: Vec<String> = opening.map(|change| format!("`{}`", change.campaign)).collect();
    shell.say(&format!(
        "\nWaiting until {} for {}.\nNothing is locked; Ctrl-C ends it.\n",
        plan::time(opens_at, zone),
        names.join(", ")
    ));
    let waited = runtime.block_on(sleep(shell, opens_at));
    match waited {
        Waited::Opened => shell.move_on(),
        Waited::Interrupted => {
            shell.say("\nInterrupted while waiting: nothing more was sent.\n");
        }
    }
    waited
}

/// Says what opens too late to be waited for, in one line.
pub(super) fn say_not_waited_for(shell: &Shell, plan: &PlanDocument, until: DateTime<Utc>, wait: Duration) {
    let zone = plan.time_zone.parse().unwrap_or(Tz::UTC);
    let opening = plan.changes.iter().filter_map(|change| Some((change.opens_at()?, &change.campaign)));
    let mut late: Vec<_> = opening.filter(|(at, _)| *at > until).collect();
    late.sort();
    let Some(((opens_at, first), others)) = late.split_first() else { return };
    let others = match others.len() as u64 {
        0 => String::new(),
        others => format!(", and {} not before that", text::count(others, "other campaign")),
    };
    shell.say(&format!(
        "\n`{first}` opens at {}, after --wait={}{others}. This run will not wait for it.\n",
        plan::time(*opens_at, zone),
        humantime::format_duration(wait)
    ));
}

async fn sleep(shell: &Shell, opens_at: DateTime<Utc>) -> Waited {
    let (clock, mut signals) = (shell.clock(), Signals::new());
    while let Ok(left) = (opens_at - clock()).to_std()
        && !left.is_zero()
    {
        tokio::select! {
            biased;
            () = signals.next() => return Waited::Interrupted,
            () = tokio::time::sleep(left.min(GLANCE)) => {}
        }
    }
    Waited::Opened
}

/// Names what somebody edited under a plan while it waited, and the pushes of the plan of now that it did not have, for then or
/// for later.
pub(super) fn unexpected(before: &PlanDocument, plan: &PlanDocument, directory: &Path) -> Vec<String> {
    let found = Staleness::of(before, plan);
    let edits: Vec<Difference> = found.edits().cloned().collect();
    let now = plan.by_campaign();
    let new = found.unreviewed.iter().map(|name| format!("`{name}`: {}", now[name.as_str()].reason));
    staleness::in_words(&edits, directory).into_iter().chain(new).collect()
}
