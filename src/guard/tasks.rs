//! The room that the vendor has for tasks.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::diff::{Change, Held, Kind};
use crate::domain::{CampaignId, Revision, Schedule, TargetSet};
use crate::ledger::{History, Ledger};

/// Holds the campaigns that the vendor has no room for, which keeps `most` tasks.
///
/// Each request of a scheduled or repeating campaign is a task that the vendor keeps until it is executed, and it keeps at
/// most 100 (both seed pages), or what it raised that to for the account (whether a repeating task counts once or once a day
/// is not known: once is assumed). Those that fire first come first, then by name.
pub(super) fn hold(changes: &mut [Change<'_>], ledger: &Ledger, most: u64, now: DateTime<Utc>) {
    let mut planned: Vec<usize> = (0..changes.len())
        .filter(|place| {
            let change = &changes[*place];
            change.kind.is_push() && change.desired.campaign.schedule != Schedule::Now
        })
        .collect();
    if planned.is_empty() {
        return;
    }
    planned.sort_by_key(|place| {
        let campaign = &changes[*place].desired.campaign;
        (campaign.schedule.firing_times_after(now).next(), campaign.id.clone())
    });
    let mut taken = kept(changes, ledger, now);
    for place in planned {
        let change = &mut changes[place];
        let needed = change.requests();
        if taken + needed > most {
            change.kind = Kind::Held(Held::TooManyTasks { needed, taken, most });
            change.to_push = TargetSet::default();
        } else {
            taken += needed;
        }
    }
}

/// Counts the tasks that the vendor keeps, without those that a person deleted. There may be fewer, where some were refused
/// and sent again: then the vendor refuses what is too much.
fn kept(changes: &[Change<'_>], ledger: &Ledger, now: DateTime<Utc>) -> u64 {
    let unexecuted = ledger.unexecuted_tasks(now) as u64;
    if unexecuted == 0 {
        return 0;
    }
    let by_file: BTreeSet<(&CampaignId, Revision)> = changes.iter().flat_map(Change::withdrawals).collect();
    let is_deleted = |(id, revision, history): &(&CampaignId, Revision, &History)| {
        let is_scheduled = || {
            let schedule = history.content.schedule();
            schedule.is_some_and(|schedule| schedule.firing_times_after(now).next().is_some())
        };
        (history.withdrawn_at.is_some() || by_file.contains(&(*id, *revision))) && is_scheduled()
    };
    let deleted = ledger.histories().filter(is_deleted);
    unexecuted.saturating_sub(deleted.map(|(_, _, history)| u64::from(history.batches)).sum())
}
