//! The targets of a campaign, counted: who got it, who may have, and who is left.

use crate::domain::TargetSet;
use crate::ledger::History;

/// The targets of a campaign revision. Accepted, in doubt, rejected for good and to be pushed exclude each
/// other; together they are everybody that the audience lists or the ledger knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TargetCounts {
    /// Different targets that the audience lists.
    pub audience: u64,
    /// Listings of a target that was listed before.
    pub repeats: u64,
    /// Targets that the vendor took, still listed or not.
    pub accepted: u64,
    /// Targets of which nobody knows, still listed or not.
    pub in_doubt: u64,
    /// Targets that the vendor rejected and that are no longer listed.
    pub rejected: u64,
    /// Listed targets that are neither accepted nor in doubt.
    pub unsent: u64,
    /// Those of `unsent` that the vendor rejected before, or that a verdict says were not sent.
    pub to_retry: u64,
    /// Those of `to_retry` that were in doubt, and of which a verdict says that they were not sent.
    pub ruled_out: u64,
    /// Those of `unsent` that no earlier plan had: they joined since. The others were in its time.
    pub joined: u64,
    /// Targets of what waits at the vendor that are no longer listed, and get it all the same.
    pub left: u64,
}

/// Counts the targets of an audience of so many, with so many repeats, by what the ledger has of them.
pub(super) fn counts(
    (audience, repeats): (u64, u64),
    history: Option<&History>,
    unsent: &TargetSet,
    is_waiting: bool,
) -> TargetCounts {
    let none = TargetSet::default();
    let accepted = history.map_or(0, |history| history.accepted.len());
    let (unknown, rejected) = history.map_or((&none, &none), |history| (&history.unknown, &history.rejected));
    let rejected_unlisted = rejected.minus(unsent).len();
    let is_ruled =
        history.map_or(0, |history| history.ruled_out.len() - history.ruled_out.minus(unsent).len());
    let (unsent, to_retry) = (unsent.len() as u64, (rejected.len() - rejected_unlisted) as u64);
    let sent = history.map_or(0, History::sent_count);
    // Who was planned and met no end yet. A ledger that does not say how many were planned knows only of who was rejected.
    let rest = match history.filter(|history| history.is_sent()) {
        None => unsent,
        Some(history) => {
            history.planned.map_or(to_retry, |planned| planned.saturating_sub(sent).max(to_retry))
        }
    };
    let still_listed = audience - unsent;
    TargetCounts {
        audience,
        repeats,
        accepted,
        in_doubt: unknown.len() as u64,
        rejected: rejected_unlisted as u64,
        unsent,
        to_retry,
        ruled_out: is_ruled as u64,
        joined: unsent - rest.min(unsent),
        left: if is_waiting { sent.saturating_sub(still_listed) } else { 0 },
    }
}
