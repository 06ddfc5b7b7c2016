//! One batch on its way: [`Cut`], [`Intended`], [`InFlight`], [`Settled`]. Each stage takes the one before it by value, so
//! nothing leaves without an intent, and nothing is settled twice.
//!
//! Knows what of a stage is put on record, and nothing of when.

use std::borrow::Cow;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::apply::batch::Addressees;
use crate::apply::journal::{Durable, Entry};
use crate::domain::{Call, CampaignId, Revision, TargetHash};
use crate::ledger::{self, IntentRecord, Record, RunId, Serial};
use crate::mpaas::{Outcome, Prepared, Push, RejectClass};
use crate::plan::PlannedPush;

/// What the records of a planned push's batches have in common.
#[derive(Debug)]
pub(super) struct About {
    run: RunId,
    campaign: CampaignId,
    revision: Revision,
    call: Call,
    /// When the vendor has executed it for good.
    over_at: Option<DateTime<Utc>>,
    /// From when on nothing of it can be submitted any more.
    pub(super) lapses_at: Option<DateTime<Utc>>,
    /// From when on nobody approves of it any more.
    pub(super) approved_until: Option<DateTime<Utc>>,
}

impl About {
    /// Returns from when on nothing of it may leave, for whichever reason.
    pub(super) fn ends_at(&self) -> Option<DateTime<Utc>> {
        self.lapses_at.into_iter().chain(self.approved_until).min()
    }

    pub(super) fn new(run: &RunId, push: &PlannedPush) -> Self {
        Self {
            run: run.clone(),
            campaign: push.campaign.id.clone(),
            revision: push.campaign.revision,
            call: push.call,
            over_at: push.campaign.schedule.over_at(),
            lapses_at: push.lapses_at,
            approved_until: push.approved_until,
        }
    }
}

/// A batch that was cut off its audience. No intent of it is open: there was none, or the vendor certainly did not take it.
#[derive(Debug)]
pub struct Cut {
    /// The planned push's place in the plan.
    pub(super) push: usize,
    pub(super) about: Arc<About>,
    number: u32,
    pub(super) targets: Vec<TargetHash>,
    pub(super) task_name: String,
    pub(super) request: Prepared,
    /// How often it was throttled, or found no connection.
    pub(super) refusals: usize,
    /// Why it was rejected the last time, if it was.
    pub(super) refused: Option<Box<Outcome>>,
}

impl Cut {
    /// Makes a batch of those who were cut off an audience; `place` is the push's in the plan, `number` the batch's of all
    /// `requests`.
    pub(super) fn new(
        call: &Push<'_>,
        about: &Arc<About>,
        (place, number, requests): (usize, u32, u64),
        addressees: &Addressees,
    ) -> Self {
        let task_name = call.task_name(requests, number);
        let request = match addressees {
            Addressees::Targets(kind, targets) => {
                call.to_targets(*kind, targets.iter().map(|(addressee, _)| addressee), &task_name)
            }
            Addressees::Broadcast(broadcast, _) => call.to_everyone(broadcast, &task_name),
        };
        Self {
            push: place,
            about: Arc::clone(about),
            number,
            targets: addressees.hashes(),
            task_name,
            request: request.into(),
            refusals: 0,
            refused: None,
        }
    }

    fn intent(&self, nonce: Uuid) -> IntentRecord {
        let About { run, campaign, revision, call, over_at, .. } = &*self.about;
        IntentRecord {
            run: run.clone(),
            campaign: campaign.clone(),
            revision: *revision,
            batch: self.number,
            call: *call,
            task_name: self.task_name.clone(),
            nonce: nonce.to_string(),
            request: Some(self.request.digest.clone()),
            over_at: *over_at,
            targets: self.targets.clone(),
        }
    }
}

/// A batch whose intent is durable: it may leave.
#[must_use = "settle it, or the batch stays in doubt"]
#[derive(Debug)]
pub(super) struct Intended {
    cut: Box<Cut>,
    nonce: Uuid,
    intent: Durable,
}

impl Intended {
    /// Takes a batch with the nonce of its intent, and the proof that this is durable.
    pub(super) fn new(cut: Box<Cut>, nonce: Uuid, intent: Durable) -> Self {
        Self { cut, nonce, intent }
    }

    /// Lets it leave: from now on its request may reach the vendor.
    pub(super) fn depart(self) -> InFlight {
        InFlight(self)
    }

    /// Settles what never left.
    pub(super) fn withdraw(self) -> Settled {
        self.depart().settle(None)
    }
}

/// A batch whose request may reach the vendor at any moment.
#[must_use = "settle it, or the batch stays in doubt"]
#[derive(Debug)]
pub(super) struct InFlight(Intended);

impl InFlight {
    pub(super) fn cut(&self) -> &Cut {
        &self.0.cut
    }

    /// Returns what signs its one request.
    pub(super) fn nonce(&self) -> Uuid {
        self.0.nonce
    }

    /// Returns its intent's time on record.
    pub(super) fn intended_at(&self) -> DateTime<Utc> {
        self.0.intent.at()
    }

    /// Takes what came of it; nothing if it was held back.
    pub(super) fn settle(self, outcome: Option<Outcome>) -> Settled {
        let Intended { cut, intent, .. } = self.0;
        Settled { cut, intent: intent.serial(), outcome }
    }
}

/// A batch of which it is known, or known to be unknown, what came of it.
#[must_use = "put it on record, or the batch stays in doubt"]
#[derive(Debug)]
pub struct Settled {
    pub(super) cut: Box<Cut>,
    intent: Serial,
    /// Nothing if the request was held back.
    pub(super) outcome: Option<Outcome>,
}

impl Settled {
    /// Leaves doubt of what came of it, since the reply may be another request's.
    pub(super) fn doubt(&mut self, why: String) {
        self.outcome = self.outcome.take().map(|outcome| outcome.doubted(why));
    }

    /// Returns what came of it where that could not be put on record.
    pub(super) fn unrecorded(&self) -> Outcome {
        let why = if has_left(self.outcome.as_ref()) {
            "the request left, but what came of it could not be recorded"
        } else {
            "the request did not leave, but that could not be recorded"
        };
        Outcome::Unknown { why: why.to_owned(), code: None, request_id: None }
    }
}

/// What came of a request, as a ledger has it; nothing where it was held back.
fn on_record(outcome: Option<Outcome>) -> ledger::Outcome {
    let not_sent = |message| {
        let code = ledger::Outcome::NOT_SENT.to_owned();
        ledger::Outcome::Rejected { code, message, request_id: None }
    };
    match outcome {
        None => not_sent("the request was held back: nothing left".to_owned()),
        Some(Outcome::Rejected { class: RejectClass::Unreachable(_), message, .. }) => not_sent(message),
        Some(Outcome::Accepted { request_id, task_id }) => ledger::Outcome::Accepted { request_id, task_id },
        Some(Outcome::Rejected { code, message, request_id, .. }) => {
            ledger::Outcome::Rejected { code, message, request_id }
        }
        Some(Outcome::Unknown { why, code, request_id }) => {
            ledger::Outcome::Unknown { why, code, request_id }
        }
    }
}

/// Whether something of a request left, or may have.
pub(super) fn has_left(outcome: Option<&Outcome>) -> bool {
    !matches!(outcome, None | Some(Outcome::Rejected { class: RejectClass::Unreachable(_), .. }))
}

/// What an apply puts on record of its batches.
#[derive(Debug)]
pub enum Writing {
    /// The content of the campaign of a planned push, by its place in the plan.
    Content(usize, Box<Record>),
    /// That a batch is about to be sent, signed with this nonce, which was never used before.
    Intent(Box<Cut>, Uuid),
    /// What came of a batch.
    Outcome(Settled),
}

impl Entry for Writing {
    fn record(&self) -> Cow<'_, Record> {
        match self {
            Self::Content(_, record) => Cow::Borrowed(record),
            Self::Intent(cut, nonce) => Cow::Owned(Record::Intent(cut.intent(*nonce))),
            Self::Outcome(settled) => {
                let (intent, outcome) = (settled.intent, on_record(settled.outcome.clone()));
                Cow::Owned(Record::Outcome { intent, outcome })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mpaas::NoConnection;

    fn refused(class: RejectClass) -> Outcome {
        let (code, message) = ("C".to_owned(), "m".to_owned());
        Outcome::Rejected { class, code, message, request_id: Some("R".to_owned()), retry_after: None }
    }

    #[test]
    fn only_what_was_held_back_or_found_no_connection_is_on_record_as_not_sent() {
        let accepted = Outcome::Accepted { request_id: Some("R".to_owned()), task_id: None };
        let unknown = accepted.clone().doubted("w".to_owned());
        for (outcome, is_not_sent) in [
            (None, true),
            (Some(refused(RejectClass::Unreachable(NoConnection::Refused))), true),
            (Some(refused(RejectClass::Throttled)), false),
            (Some(refused(RejectClass::Credentials)), false),
            (Some(refused(RejectClass::Content)), false),
            (Some(accepted), false),
            (Some(unknown), false),
        ] {
            assert_eq!(has_left(outcome.as_ref()), !is_not_sent, "{outcome:?}");
            assert_eq!(on_record(outcome.clone()).is_not_sent(), is_not_sent, "{outcome:?}");
        }
    }

    #[test]
    fn what_the_vendor_said_is_on_record_in_its_words() {
        let (code, message, id) = ("C".to_owned(), "m".to_owned(), Some("R".to_owned()));
        assert_eq!(
            on_record(Some(refused(RejectClass::Content))),
            ledger::Outcome::Rejected { code: code.clone(), message, request_id: id.clone() }
        );
        assert_eq!(
            on_record(Some(refused(RejectClass::Content).doubted("w".to_owned()))),
            ledger::Outcome::Unknown { why: "w".to_owned(), code: Some(code), request_id: id }
        );
    }
}
