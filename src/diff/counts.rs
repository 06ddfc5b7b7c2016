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

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::domain::{Call, LedgerSalt, Revision, TargetHash, TargetKind, testing};
    use crate::ledger::{
        Content, Entry, FORMAT_VERSION, FoldError, Header, IntentRecord, Judge, Ledger, Lineage, Outcome,
        Record, RunId, Serial, Verdict,
    };

    fn salt() -> LedgerSalt {
        LedgerSalt::new([1; 16])
    }

    /// A target for each letter.
    fn targets(letters: &str) -> Vec<TargetHash> {
        let target =
            |letter: char| TargetHash::of(&salt(), TargetKind::User, &letter.to_string().parse().unwrap());
        letters.chars().map(target).collect()
    }

    /// A campaign that was planned for so many: `a` and `b` were accepted, `d`, `e` and `j` rejected, of `f` and `g` a verdict says
    /// that they were not sent, and of `c` nobody knows.
    fn ledger(planned: Option<u64>) -> Ledger {
        let run = RunId::new(uuid::Uuid::from_u128(1));
        let header = Header {
            format: FORMAT_VERSION,
            lineage: Lineage::new(uuid::Uuid::from_u128(1)),
            salt: salt(),
            project: "p".parse().unwrap(),
            environment: "e".parse().unwrap(),
            app_id: "A".into(),
            workspace_id: "w".into(),
            destination: None,
            key: None,
        };
        let content = Content::of(&testing::campaign());
        let submitted = Record::Submitted {
            run: run.clone(),
            campaign: "c".parse().unwrap(),
            revision: Revision::FIRST,
            digest: content.digest(),
            content,
            planned,
        };
        let intent = |letters: &str| {
            Record::Intent(IntentRecord {
                run: run.clone(),
                campaign: "c".parse().unwrap(),
                revision: Revision::FIRST,
                batch: 1,
                call: Call::Template,
                task_name: "n".into(),
                nonce: "n".into(),
                request: None,
                over_at: None,
                targets: targets(letters),
            })
        };
        let accepted = Outcome::Accepted { request_id: None, task_id: None };
        let rejected = Outcome::Rejected { code: "1".into(), message: "no".into(), request_id: None };
        let verdict = Record::Verdict {
            intent: Serial(7),
            verdict: Verdict::Rejected,
            reason: "r".into(),
            actor: "ann@host".into(),
            by: Judge::Person,
            task_id: None,
        };
        let records = [
            Record::Opened(header),
            submitted,
            intent("ab"),
            Record::Outcome { intent: Serial(3), outcome: accepted },
            intent("dej"),
            Record::Outcome { intent: Serial(5), outcome: rejected },
            intent("fg"),
            verdict,
            intent("c"),
        ];
        let at = DateTime::UNIX_EPOCH;
        let entry = |(record, serial)| Ok::<_, FoldError>(Entry { serial: Serial(serial), at, record });
        Ledger::fold(records.into_iter().zip(1..).map(entry)).unwrap()
    }

    /// Counts an audience of `a`, `c` and all of `unsent`, one of them listed twice.
    fn counted(planned: Option<u64>, is_waiting: bool) -> TargetCounts {
        let ledger = ledger(planned);
        let unsent = TargetSet::new(targets("dfhijkl"));
        let history = ledger.history(&"c".parse().unwrap(), Revision::FIRST);
        counts((9, 1), history, &unsent, is_waiting)
    }

    #[test]
    fn everybody_that_is_listed_or_on_record_counts_once() {
        let expected = TargetCounts {
            audience: 9,
            repeats: 1,
            accepted: 2,
            in_doubt: 1,
            // `e` and `g` are listed no more.
            rejected: 2,
            unsent: 7,
            to_retry: 3,
            ruled_out: 1,
            // Of seven that were planned, three were sent to: four of those unsent are of that time.
            joined: 3,
            // `b` left, and gets it all the same.
            left: 1,
        };
        assert_eq!(counted(Some(7), true), expected);
        assert_eq!(counted(Some(7), false), TargetCounts { left: 0, ..expected });
    }

    #[test]
    fn a_ledger_that_does_not_say_how_many_were_planned_knows_of_who_was_rejected() {
        assert_eq!(counted(None, false).joined, 4);
        assert_eq!(
            counted(Some(4), false).joined,
            4,
            "nor does a plan that is smaller than what was rejected"
        );
    }

    #[test]
    fn nobody_joined_what_was_never_sent() {
        let counts = counts((2, 0), None, &TargetSet::new(targets("ab")), false);
        let unsent = TargetCounts { audience: 2, unsent: 2, ..TargetCounts::default() };
        assert_eq!(counts, unsent);
    }
}
