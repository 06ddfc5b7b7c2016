//! What nobody approved does not leave.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::diff::{ApprovalsMissing, Change, Held, Kind, NotReviewed};
use crate::domain::{ApprovalRule, CampaignId, TargetSet};
use crate::review::{Approvals, Line, Lock, People};

/// What was approved, and what the files come to.
#[derive(Clone, Copy, Debug)]
pub struct Reviewed<'a> {
    /// What was approved.
    pub lock: &'a Lock,
    /// The lines that the files come to now.
    pub current: &'a BTreeMap<CampaignId, Line>,
    /// Who signed which line of the lock.
    pub approvals: &'a Approvals,
    /// Which signatures the environment asks for.
    pub rules: &'a [ApprovalRule],
}

/// Holds every push that is not approved as it is, and notes of the others until when their approval counts. What would be pushed
/// later is held at once: who looks now can still do something about it.
pub(super) fn hold(changes: &mut [Change<'_>], reviewed: &Reviewed<'_>, now: DateTime<Utc>) {
    let may_leave = |kind: &Kind| kind.is_push() || matches!(kind, Kind::Later { .. });
    for change in changes.iter_mut().filter(|change| may_leave(&change.kind)) {
        match reviewed.judge(change, now) {
            Ok(until) => change.approved_until = until,
            Err(held) => {
                change.kind = Kind::Held(held);
                change.to_push = TargetSet::default();
            }
        }
    }
}

impl Reviewed<'_> {
    /// Returns until when the approval of a push counts, or why it is held.
    fn judge(&self, change: &Change<'_>, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, Held> {
        let campaign = &change.desired.campaign;
        let not_reviewed = |why| Err(Held::NotReviewed(why));
        let approved = self.lock.line(&campaign.id, campaign.revision);
        let (Some(approved), Some(current)) = (approved, self.current.get(&campaign.id)) else {
            return not_reviewed(NotReviewed::NoLine);
        };
        let differences = approved.differences(current);
        if !differences.is_empty() {
            return not_reviewed(NotReviewed::Differs(differences));
        }
        if let People::UpTo(_, most) = approved.people {
            // Whoever got it from yesterday's list counts as well.
            let people = change.counts.accepted + change.counts.in_doubt + change.counts.unsent;
            if people > most {
                return not_reviewed(NotReviewed::TooMany { people, most });
            }
        }
        if let Some(at) = approved.until.filter(|until| *until <= now) {
            return Err(Held::ReviewExpired { at });
        }
        let of = (&campaign.id, campaign.revision);
        if let Some(gap) = self.approvals.gap(self.rules, of, approved.people.most()) {
            let unproven = self.approvals.unproven.get(&(campaign.id.clone(), campaign.revision));
            return Err(Held::ApprovalsMissing(ApprovalsMissing {
                signed: gap.signed,
                signers: gap.signers,
                absent: gap.absent,
                unproven: unproven.cloned().unwrap_or_default(),
            }));
        }
        Ok(approved.until)
    }
}
