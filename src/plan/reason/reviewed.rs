//! Why a push is not what was approved, in words.

use std::fmt::Write as _;

use crate::diagnostic::{Code, number};
use crate::diff::{ApprovalsMissing, Change, NotReviewed};
use crate::plan::reason::Explanation;

pub(super) fn not_reviewed(why: &NotReviewed, change: &Change<'_>) -> Explanation {
    let id = &change.desired.campaign.id;
    let revision = change.desired.campaign.revision;
    let (reason, help) = match why {
        NotReviewed::NoLine => (
            format!("nobody approved it: the review lock has no line of `{id}@{revision}`"),
            "run `campaignctl review`, and have the change of the lock approved".to_owned(),
        ),
        NotReviewed::Differs(what) => {
            let (what, is) = match what.as_slice() {
                [one] => ((*one).to_owned(), "is"),
                [first @ .., last] => (format!("{} and {last}", first.join(", ")), "are"),
                [] => unreachable!("a difference has a name"),
            };
            (
                format!("its {what} {is} not what was approved"),
                "revert the change; or run `campaignctl review`, and have the change of the lock approved".to_owned(),
            )
        }
        NotReviewed::TooMany { people, most } => (
            format!(
                "it would go to {} people in all, and at most {} were approved",
                number(*people),
                number(*most)
            ),
            "see why the list is longer; or raise `reviewed_audience`, run `campaignctl review`, and have that approved"
                .to_owned(),
        ),
    };
    Explanation { reason, code: Some(Code::NotReviewed), help: Some(help) }
}

pub(super) fn expired(at: &str, change: &Change<'_>) -> Explanation {
    let id = &change.desired.campaign.id;
    Explanation {
        reason: format!("its approval ended {at}"),
        code: Some(Code::ReviewExpired),
        help: Some(format!(
            "run `campaignctl review --renew {id}`, and have the change of the lock approved"
        )),
    }
}

pub(super) fn approvals_missing(missing: &ApprovalsMissing, change: &Change<'_>) -> Explanation {
    let id = &change.desired.campaign.id;
    let ApprovalsMissing { signed, signers, absent, unproven } = missing;
    let has = match signed.as_slice() {
        [] => "nobody has signed its line".to_owned(),
        signed => format!("signed by {}", signed.join(", ")),
    };
    let mut reason =
        format!("{has}, and it needs {signers} {}", if *signers == 1 { "signature" } else { "signatures" });
    if !absent.is_empty() {
        let _ = write!(reason, ", {} among them", absent.join(" and "));
    }
    for why in unproven {
        let _ = write!(reason, "; {why}");
    }
    Explanation {
        reason,
        code: Some(Code::ApprovalsMissing),
        help: Some(format!(
            "whoever may: run `campaignctl approve {id}`, and add the signature to the change"
        )),
    }
}
