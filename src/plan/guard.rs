//! What refuses a plan, and what is worth a warning beside it.

use crate::diagnostic::{Code, Diagnostic, Place};
use crate::diff::{Blocked, Change, Kind};
use crate::domain::UNEXECUTED_TASKS_MAX;
use crate::plan::document::{ChangeDocument, ChangeKind, GuardDocument, PlanDocument, ScheduleDocument};
use crate::plan::reason;

/// A plan that no `apply` may execute.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(|guard| guard.message.as_str()).collect::<Vec<_>>().join("; "))]
pub struct CannotApply(pub Vec<GuardDocument>);

/// The one place that decides whether a plan may be executed.
///
/// # Errors
///
/// Returns the guards that refuse it.
pub fn can_apply(plan: &PlanDocument) -> Result<(), CannotApply> {
    if plan.guards.is_empty() { Ok(()) } else { Err(CannotApply(plan.guards.clone())) }
}

/// Returns a warning for each campaign whose schedule stands in the way, at the schedule's place.
#[must_use]
pub fn warnings(changes: &[Change<'_>]) -> Vec<Diagnostic> {
    changes.iter().filter_map(warning).collect()
}

fn warning(change: &Change<'_>) -> Option<Diagnostic> {
    let why = reason::of(change);
    let place: &Place = match &change.kind {
        Kind::Expired(_) => &change.desired.schedule_at,
        Kind::Blocked(Blocked::RepeatTooFar { .. }) => change.desired.until_at.as_ref()?,
        Kind::Create | Kind::UpToDate | Kind::InDoubt | Kind::Blocked(_) => return None,
    };
    let message = format!("`{}` is not pushed: {}", change.desired.campaign.id, why.reason);
    let warning = Diagnostic::warning(why.code?, place.clone(), message)
        .related(change.desired.declared_at.clone(), "the campaign");
    Some(match why.help {
        Some(help) => warning.help(help),
        None => warning,
    })
}

/// `unexecuted` counts the tasks in the ledger that are still to be executed, and `withdrawn` those of them that a person
/// deleted, as the files say.
pub(super) fn guards(changes: &[ChangeDocument], unexecuted: u64, withdrawn: u64) -> Vec<GuardDocument> {
    too_many_tasks(changes, unexecuted.saturating_sub(withdrawn)).into_iter().collect()
}

/// `too-many-tasks`: each request of a scheduled or repeating campaign is a task that the vendor keeps
/// until it is executed, and it keeps at most 100 (both seed pages; whether a repeating task counts once or
/// once a day is not known: once is assumed).
fn too_many_tasks(changes: &[ChangeDocument], waiting: u64) -> Option<GuardDocument> {
    let is_task = |change: &&ChangeDocument| {
        change.kind == ChangeKind::Create && change.schedule != ScheduleDocument::Now {}
    };
    let planned: u64 = changes.iter().filter(is_task).map(|change| change.requests).sum();
    let largest = changes.iter().filter(is_task).max_by_key(|change| change.requests)?;
    let total = waiting + planned;
    (total > UNEXECUTED_TASKS_MAX as u64).then(|| GuardDocument {
        code: Code::TooManyTasks.as_str().to_owned(),
        message: format!(
            "{total} tasks would wait to be executed ({planned} planned, {waiting} in the ledger), and the \
             vendor keeps at most {UNEXECUTED_TASKS_MAX} by default"
        ),
        help:
            "each request of a scheduled or repeating campaign is one task, of up to 100 targets by `PushMultiple` \
               and 10 by `PushTemplate`: send large audiences with `send: now`, use a broadcast, or push fewer \
               campaigns at a time"
                .to_owned(),
        declared_at: largest.declared_at.clone(),
    })
}
