//! Who was planned, and what became of them.

use crate::apply::report::{CampaignReport, Doubtful, Refusal, Report, Tally};
use crate::apply::send::Context;
use crate::apply::stage::{Cut, has_left};
use crate::apply::stop::Stop;
use crate::mpaas::{Outcome, RejectClass};
use crate::plan::PlannedPush;

/// How far a campaign's content is on its way into the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Submission {
    /// It was not asked for yet.
    Open,
    /// It was asked for.
    Ordered,
    /// It is durable.
    Durable,
}

/// One line for each planned push, in the plan's order.
pub(super) struct Books {
    reports: Vec<CampaignReport>,
    planned: Vec<u64>,
    submissions: Vec<Submission>,
}

impl Books {
    pub(super) fn new(pushes: &[PlannedPush]) -> Self {
        let report = |push: &PlannedPush| CampaignReport {
            campaign: push.campaign.id.clone(),
            revision: push.campaign.revision,
            tally: Tally::default(),
            refusals: Vec::new(),
            doubts: Vec::new(),
            obstacle: None,
            is_missed: false,
        };
        let submission =
            |push: &PlannedPush| if push.is_submitted { Submission::Durable } else { Submission::Open };
        Self {
            reports: pushes.iter().map(report).collect(),
            planned: pushes.iter().map(|push| push.targets.len() as u64).collect(),
            submissions: pushes.iter().map(submission).collect(),
        }
    }

    pub(super) fn submission(&mut self, place: usize) -> &mut Submission {
        &mut self.submissions[place]
    }

    pub(super) fn obstruct(&mut self, place: usize, why: String) {
        self.reports[place].obstacle.get_or_insert(why);
    }

    /// Its time came: nothing more of it is sent.
    pub(super) fn lapse(&mut self, place: usize) {
        self.obstruct(place, "its time came before all of it was sent".to_owned());
        self.reports[place].is_missed = true;
    }

    pub(super) fn is_obstructed(&self, place: usize) -> bool {
        self.reports[place].obstacle.is_some()
    }

    /// Enters a batch that is not tried again, with what came of its last try; nothing if there was none, or if it was held
    /// back.
    pub(super) fn enter<D>(&mut self, context: &Context<D>, mut cut: Cut, outcome: Option<Outcome>) {
        let targets = cut.targets.len() as u64;
        // One that was rejected before, and is not tried again, has had its effect.
        let (outcome, is_news) = match cut.refused.take() {
            Some(refused) if !has_left(outcome.as_ref()) => (Some(*refused), false),
            _ => (outcome, true),
        };
        let report = &mut self.reports[cut.push];
        let mut tally = Tally::default();
        match outcome {
            Some(Outcome::Accepted { .. }) => {
                tally.accepted = targets;
                context.breaker.count_answer();
            }
            Some(Outcome::Rejected { class: RejectClass::Unreachable(cause), message, .. }) => {
                context.breaker.trip(Stop::Unreachable { cause, message });
                return;
            }
            Some(Outcome::Rejected { class, code, message, request_id, .. }) => {
                tally.rejected = targets;
                if is_news {
                    context.breaker.count_answer();
                    react(context, report, class, &code, &message);
                }
                match report.refusals.iter_mut().find(|refusal| refusal.code == code) {
                    Some(refusal) => refusal.targets += targets,
                    None => report.refusals.push(Refusal { code, message, request_id, targets }),
                }
            }
            Some(Outcome::Unknown { why, request_id, .. }) => {
                tally.unknown = targets;
                context.breaker.count_doubt();
                report.doubts.push(Doubtful { task_name: cut.task_name, why, request_id, targets });
            }
            None => return,
        }
        context.progress.count(tally);
        report.tally.add(tally);
    }

    /// Counts as not attempted whatever was planned and met no other end.
    pub(super) fn close(mut self, stop: Option<Stop>) -> Report {
        for (report, planned) in self.reports.iter_mut().zip(self.planned) {
            report.tally.not_attempted = planned - report.tally.total();
            if report.tally.not_attempted > 0 && stop.is_none() && report.obstacle.is_none() {
                let left = report.tally.not_attempted;
                report.obstacle =
                    Some(format!("{left} of its targets left the audience while the plan was executed"));
            }
        }
        Report { campaigns: self.reports, stop }
    }
}

/// A refusal says whether going on makes sense: for this campaign, or at all.
fn react<D>(
    context: &Context<D>,
    report: &mut CampaignReport,
    class: RejectClass,
    code: &str,
    message: &str,
) {
    let (code, message) = (code.to_owned(), message.to_owned());
    match class {
        RejectClass::Throttled => context.breaker.trip(Stop::Quota { code, message }),
        RejectClass::Credentials => context.breaker.trip(Stop::Credentials { code, message }),
        RejectClass::Unreachable(cause) => context.breaker.trip(Stop::Unreachable { cause, message }),
        RejectClass::Content => {
            report.obstacle.get_or_insert(format!("the vendor refuses its content: {code}: {message}"));
        }
    }
}
