//! What holds a campaign back though nothing is wrong with it: one does not stop the others.

use chrono::{DateTime, Utc};

use crate::diff::{Change, Held, Kind};
use crate::domain::{Schedule, TargetSet};

/// Holds the campaigns that the vendor has no room for. `waiting` counts the tasks that it keeps already, `most` those that
/// it would keep.
///
/// Each request of a scheduled or repeating campaign is a task that the vendor keeps until it is executed, and it keeps at
/// most 100 (both seed pages), or what it raised that to for the account (whether a repeating task counts once or once a day is not known: once is assumed). Those
/// that fire first come first, then by name.
pub(super) fn hold_too_many_tasks(changes: &mut [Change<'_>], waiting: u64, most: u64, now: DateTime<Utc>) {
    let mut planned: Vec<usize> = (0..changes.len())
        .filter(|place| {
            let change = &changes[*place];
            change.kind.is_push() && change.desired.campaign.schedule != Schedule::Now
        })
        .collect();
    planned.sort_by_key(|place| {
        let campaign = &changes[*place].desired.campaign;
        (campaign.schedule.firing_times_after(now).next(), campaign.id.clone())
    });
    let mut taken = waiting;
    for place in planned {
        let change = &mut changes[place];
        let requests = requests(change);
        if taken + requests > most {
            change.kind = Kind::Held(Held::TooManyTasks { taken, most });
            change.to_push = TargetSet::default();
        } else {
            taken += requests;
        }
    }
}

/// Counts the requests that leave for a change.
pub(super) fn requests(change: &Change<'_>) -> u64 {
    tasks(change, change.to_push.len())
}

/// Counts the requests that so many targets of it take.
pub(super) fn tasks(change: &Change<'_>, targets: usize) -> u64 {
    targets.div_ceil(change.call.targets_max()) as u64
}
