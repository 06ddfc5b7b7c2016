//! Folds records into what was sent.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::domain::{CampaignId, Revision};
use crate::ledger::blocks::{BlockPlace, Blocks, NoBlocks};
use crate::ledger::control::{Controls, Route};
use crate::ledger::decision::{Decided, Decision, Ruling, SettledBatch};
use crate::ledger::header::Header;
use crate::ledger::header::TakeOver;
use crate::ledger::history::{Doubt, Ledger, Rejection, RunSummary, Task};
use crate::ledger::id::{RunId, Serial};
use crate::ledger::intent::{IntentRecord, Judge, Outcome, Verdict};
use crate::ledger::packed::{PackedDoubt, PackedRevision};
use crate::ledger::record::Entry;
use crate::ledger::record::Record;
use crate::ledger::revision::RevisionFold;

/// Records that are whole but cannot follow each other.
#[derive(Debug, thiserror::Error)]
pub enum FoldError {
    /// There is no record at all.
    #[error("the ledger is empty")]
    Empty,
    /// The first record is not the header, or a second header follows.
    #[error("record {0} should be the ledger's one header, or is a second one")]
    MisplacedHeader(Serial),
    /// Something that was packed, after what came since, or without the campaign that it is about.
    #[error("record {0} is of what was packed, and does not belong there")]
    MisplacedPacked(Serial),
    /// An outcome of something that is no intent.
    #[error("record {at} is the outcome of record {intent}, which is no intent that waits for one")]
    StrayOutcome {
        /// The outcome's place.
        at: Serial,
        /// The place it points at.
        intent: Serial,
    },
    /// A revision was withdrawn that was never recorded.
    #[error("record {at} withdraws `{campaign}@{revision}`, which was never recorded")]
    WithdrawnUnsent {
        /// The record's place.
        at: Serial,
        /// Whose revision it names.
        campaign: CampaignId,
        /// The revision that it names.
        revision: Revision,
    },
    /// An intent without the content it sends.
    #[error("record {at} sends `{campaign}@{revision}`, whose content was never recorded")]
    IntentWithoutContent {
        /// The intent's place.
        at: Serial,
        /// Whose revision it names.
        campaign: CampaignId,
        /// The revision that it names.
        revision: Revision,
    },
}

impl Ledger {
    /// Folds all entries of a ledger, in order.
    ///
    /// # Errors
    ///
    /// Passes on the first error of reading, or returns a [`FoldError`] for records that cannot follow each other.
    pub fn fold<E: From<FoldError>>(entries: impl IntoIterator<Item = Result<Entry, E>>) -> Result<Self, E> {
        Self::fold_beside(&(Arc::new(NoBlocks) as Arc<dyn Blocks>), entries)
    }

    /// Folds all entries of a ledger, in order, whose blocks of targets stand beside them. No block is read.
    ///
    /// # Errors
    ///
    /// Passes on the first error of reading, or returns a [`FoldError`] for records that cannot follow each other.
    pub fn fold_beside<E: From<FoldError>>(
        blocks: &Arc<dyn Blocks>,
        entries: impl IntoIterator<Item = Result<Entry, E>>,
    ) -> Result<Self, E> {
        let mut folding: Option<Folding> = None;
        for entry in entries {
            let entry = entry?;
            match (&mut folding, entry.record) {
                (None, Record::Opened(header)) => {
                    folding = Some(Folding::new(header, entry.at, entry.serial));
                }
                (None, Record::Packed(packed)) => {
                    let mut packing = Folding::new(packed.header, packed.opened_at, entry.serial);
                    packing.take_overs = packed.take_overs;
                    packing.last_at = entry.at;
                    packing.is_packing = true;
                    folding = Some(packing);
                }
                (None, _) | (Some(_), Record::Opened(_)) => {
                    return Err(FoldError::MisplacedHeader(entry.serial).into());
                }
                (Some(folding), record) => folding.take(entry.serial, entry.at, record)?,
            }
        }
        folding.map(|folding| folding.finish(blocks)).ok_or_else(|| FoldError::Empty.into())
    }
}

/// What stood for the vendor's code where a verdict was kept as a rejection.
const VERDICT: &str = "Verdict";

/// A verdict on a batch, and whose.
struct Ruled<'a> {
    verdict: Verdict,
    by: Judge,
    reason: &'a str,
    actor: String,
}

struct Folding {
    header: Header,
    opened_at: DateTime<Utc>,
    last_at: DateTime<Utc>,
    serial: Serial,
    revisions: BTreeMap<(CampaignId, Revision), RevisionFold>,
    /// Intents without a final outcome, by serial.
    open: HashMap<Serial, Doubt>,
    controls: Controls,
    task_ends: Vec<DateTime<Utc>>,
    task_ids: HashSet<String>,
    unnamed_tasks: BTreeMap<(CampaignId, Revision), u64>,
    runs: Vec<RunSummary>,
    run_places: HashMap<RunId, usize>,
    decisions: Vec<Decision>,
    take_overs: Vec<TakeOver>,
    moved_to: Option<String>,
    /// Batches of the last run that the vendor did not take, and that may come again: as what they were counted last.
    untaken: HashMap<(CampaignId, Revision, u32), Untaken>,
    /// Whether all records so far are of what was packed.
    is_packing: bool,
}

/// As what a run's batch counts that the vendor did not take. Held back after a rejection, it stays rejected.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Untaken {
    Rejected,
    NotSent,
}

impl Folding {
    fn new(header: Header, opened_at: DateTime<Utc>, serial: Serial) -> Self {
        Self {
            header,
            opened_at,
            last_at: opened_at,
            serial,
            revisions: BTreeMap::new(),
            open: HashMap::new(),
            controls: Controls::default(),
            task_ends: Vec::new(),
            task_ids: HashSet::new(),
            unnamed_tasks: BTreeMap::new(),
            runs: Vec::new(),
            run_places: HashMap::new(),
            decisions: Vec::new(),
            take_overs: Vec::new(),
            moved_to: None,
            untaken: HashMap::new(),
            is_packing: false,
        }
    }

    fn take(&mut self, serial: Serial, at: DateTime<Utc>, record: Record) -> Result<(), FoldError> {
        self.serial = serial;
        self.last_at = at;
        let is_of_packed = record.is_of_packed();
        if is_of_packed && !self.is_packing {
            return Err(FoldError::MisplacedPacked(serial));
        }
        self.is_packing = is_of_packed;
        match record {
            Record::Opened(_) | Record::Packed(_) => return Err(FoldError::MisplacedHeader(serial)),
            Record::PackedRun(run) => self.start_run(run),
            Record::PackedDecision(decision) => self.decisions.push(decision),
            Record::PackedRevision(folded) => self.take_revision(folded),
            Record::PackedTargets(packed) => {
                let key = (packed.campaign, packed.revision);
                let folded = self.revisions.get_mut(&key).ok_or(FoldError::MisplacedPacked(serial))?;
                let places = (0..).map(|index| BlockPlace { serial, index });
                folded.packed.extend(places.zip(packed.blocks));
                folded.first_at.get_or_insert(folded.submitted_at);
            }
            Record::PackedRejections(packed) => {
                let key = (packed.campaign, packed.revision);
                let folded = self.revisions.get_mut(&key).ok_or(FoldError::MisplacedPacked(serial))?;
                let kept = if packed.by_verdict { &mut folded.ruled_out } else { &mut folded.rejected };
                kept.extend(packed.targets);
            }
            Record::PackedTasks(tasks) => {
                self.task_ids.extend(tasks.ids);
                let ends = tasks.ends.into_iter();
                self.task_ends.extend(ends.flat_map(|(end, count)| std::iter::repeat_n(end, count as usize)));
            }
            Record::PackedDoubt(doubt) => self.take_doubt(serial, doubt)?,
            Record::RunStarted { run, plan, actor, process: _, ci_run, destination } => {
                self.start_run(RunSummary {
                    run,
                    started_at: at,
                    ended_at: None,
                    plan,
                    actor,
                    ci_run,
                    destination,
                    accepted: 0,
                    rejected: 0,
                    unknown: 0,
                    not_attempted: 0,
                    batches: 0,
                    attempts: 0,
                    stopped: None,
                    campaigns: Vec::new(),
                });
            }
            Record::Submitted { run: _, campaign, revision, digest, content, planned } => {
                let folded = self
                    .revisions
                    .entry((campaign, revision))
                    .and_modify(|folded| folded.submit_again(&content, &digest, at))
                    .or_insert_with(|| RevisionFold::new(content, digest, at));
                folded.planned = folded.planned.max(planned);
            }
            Record::Withdrawn { campaign, revision, actor } => {
                let Some(folded) = self.revisions.get_mut(&(campaign.clone(), revision)) else {
                    return Err(FoldError::WithdrawnUnsent { at: serial, campaign, revision });
                };
                folded.withdrawn_at.get_or_insert(at);
                let runs_before = self.runs.len() as u64;
                let what = Decided::Withdrawn;
                self.decisions.push(Decision { at, runs_before, actor, campaign, revision, what });
            }
            Record::Intent(intent) => self.open_intent(serial, at, intent)?,
            Record::Outcome { intent, outcome } => self.settle(serial, at, intent, outcome, None)?,
            Record::Verdict { intent, verdict, reason, task_id, actor, by } => {
                self.decide(at, intent, Ruled { verdict, by, reason: &reason, actor });
                self.settle(serial, at, intent, outcome_of(verdict, reason, task_id), Some(by))?;
            }
            Record::Moved { to, .. } => self.moved_to = Some(to),
            Record::TakenOver { .. } => self.take_overs.push(TakeOver { serial, at }),
            Record::RunEnded { run, stopped, not_attempted, .. } => {
                if let Some(summary) = self.run_of(&run) {
                    summary.not_attempted = not_attempted;
                    summary.ended_at = Some(at);
                    summary.stopped = stopped;
                }
            }
        }
        Ok(())
    }

    fn take_revision(&mut self, packed: PackedRevision) {
        let key = (packed.campaign, packed.revision);
        if packed.unnamed_tasks > 0 {
            self.unnamed_tasks.insert(key.clone(), packed.unnamed_tasks);
        }
        let mut folded = RevisionFold::new(packed.content, packed.digest, packed.submitted_at);
        folded.last_at = packed.last_at;
        folded.planned = packed.planned;
        folded.withdrawn_at = packed.withdrawn_at;
        // Before version 0.3 nobody wrote down when the first push left: soon after the content, mostly.
        let has_few = !packed.accepted.is_empty();
        folded.first_at = packed.first_at.or(has_few.then_some(packed.submitted_at));
        folded.batches = packed.batches;
        folded.accepted_again = packed.accepted_again;
        // Before version 0.3 a verdict was kept as if the vendor had said it.
        let (verdicts, said): (Vec<_>, Vec<_>) =
            packed.last_rejection.into_iter().partition(|rejection| rejection.code == VERDICT);
        folded.last_rejection = said.into_iter().next();
        let of_old = verdicts.into_iter().next();
        folded.ruling = packed.ruling.or_else(|| {
            of_old.map(|old| Ruling { at: packed.last_at, by: Judge::Person, reason: old.message })
        });
        folded.tasks = packed.tasks;
        folded.accept(&packed.accepted);
        self.revisions.insert(key, folded);
    }

    fn take_doubt(&mut self, serial: Serial, packed: PackedDoubt) -> Result<(), FoldError> {
        let PackedDoubt { intent, intended_at: at, why, batch, controls } = packed;
        let key = (batch.campaign.clone(), batch.revision);
        let folded = self.revisions.get_mut(&key).ok_or(FoldError::MisplacedPacked(serial))?;
        folded.open_intents += 1;
        self.controls.take_up(intent, Route::of(&folded.content, &batch), controls);
        self.open.insert(intent, Doubt { serial: intent, at, intent: batch, why, controls: Vec::new() });
        Ok(())
    }

    fn start_run(&mut self, run: RunSummary) {
        self.untaken.clear();
        self.run_places.insert(run.run.clone(), self.runs.len());
        self.runs.push(run);
    }

    fn run_of(&mut self, run: &RunId) -> Option<&mut RunSummary> {
        let place = *self.run_places.get(run)?;
        self.runs.get_mut(place)
    }

    fn open_intent(
        &mut self,
        serial: Serial,
        at: DateTime<Utc>,
        intent: IntentRecord,
    ) -> Result<(), FoldError> {
        let key = (intent.campaign.clone(), intent.revision);
        let Some(folded) = self.revisions.get_mut(&key) else {
            let (campaign, revision) = key;
            return Err(FoldError::IntentWithoutContent { at: serial, campaign, revision });
        };
        folded.batches = folded.batches.max(intent.batch);
        folded.open_intents += 1;
        folded.last_at = at;
        self.controls.open(serial, Route::of(&folded.content, &intent));
        if let Some(place) = self.run_places.get(&intent.run).copied() {
            let summary = &mut self.runs[place];
            // Runs come one after the other: a look through all of a run's campaigns would take its square.
            if folded.sent_by.replace(place) != Some(place) {
                summary.campaigns.push(key);
            }
            let targets = intent.targets.len() as u64;
            match self.untaken.get(&(intent.campaign.clone(), intent.revision, intent.batch)) {
                Some(Untaken::Rejected) => summary.rejected = summary.rejected.saturating_sub(targets),
                Some(Untaken::NotSent) => {
                    summary.not_attempted = summary.not_attempted.saturating_sub(targets);
                }
                None => summary.batches += 1,
            }
            summary.attempts += 1;
            summary.unknown += targets;
        }
        self.open.insert(serial, Doubt { serial, at, intent, why: None, controls: Vec::new() });
        Ok(())
    }

    /// Puts a verdict on the audit trail, beside the others of its command.
    fn decide(&mut self, at: DateTime<Utc>, intent: Serial, ruled: Ruled<'_>) {
        let Some(doubt) = self.open.get(&intent) else { return };
        let batch = SettledBatch { intent, task_name: doubt.intent.task_name.clone() };
        let decision = Decision {
            at,
            runs_before: self.runs.len() as u64,
            actor: ruled.actor,
            campaign: doubt.intent.campaign.clone(),
            revision: doubt.intent.revision,
            what: Decided::Verdict {
                verdict: ruled.verdict,
                by: ruled.by,
                reason: ruled.reason.to_owned(),
                batches: vec![batch],
                targets: doubt.intent.targets.len() as u64,
            },
        };
        let decision = match self.decisions.last_mut() {
            Some(last) => last.absorb(decision),
            None => Some(decision),
        };
        self.decisions.extend(decision);
    }

    /// Takes in what came of an intent: by the vendor's answer to its request, or by a verdict of somebody, later. A verdict
    /// settles the doubt, and leaves the run that left it what it was.
    fn settle(
        &mut self,
        serial: Serial,
        at: DateTime<Utc>,
        intent: Serial,
        outcome: Outcome,
        verdict_by: Option<Judge>,
    ) -> Result<(), FoldError> {
        let Some(mut doubt) = self.open.remove(&intent) else {
            return Err(FoldError::StrayOutcome { at: serial, intent });
        };
        let targets = doubt.intent.targets.len() as u64;
        let key = (doubt.intent.campaign.clone(), doubt.intent.revision);
        let folded = self.revisions.get_mut(&key).expect("an open intent has its content recorded");
        folded.last_at = at;
        match &outcome {
            Outcome::Unknown { .. } => {}
            Outcome::Accepted { task_id, .. } if verdict_by != Some(Judge::Person) => {
                let route = Route::of(&folded.content, &doubt.intent);
                self.controls.close(&doubt, route.map(|route| (route, task_id.clone())));
            }
            Outcome::Accepted { .. } | Outcome::Rejected { .. } => self.controls.close(&doubt, None),
        }
        if !matches!(outcome, Outcome::Unknown { .. }) {
            folded.open_intents -= 1;
        }
        let is_not_sent = outcome.is_not_sent();
        match outcome {
            Outcome::Accepted { task_id, .. } => {
                folded.tasks.extend(doubt.intent.over_at.map(|over_at| Task {
                    name: doubt.intent.task_name.clone(),
                    id: task_id.clone(),
                    over_at,
                    targets,
                }));
                match task_id {
                    Some(task_id) => drop(self.task_ids.insert(task_id)),
                    None if doubt.intent.over_at.is_some() || doubt.intent.call.is_listed_by_name() => {
                        *self.unnamed_tasks.entry(key.clone()).or_default() += 1;
                    }
                    None => {}
                }
                folded.accept(&doubt.intent.targets);
                folded.first_at = Some(folded.first_at.map_or(doubt.at, |first| first.min(doubt.at)));
                self.task_ends.extend(doubt.intent.over_at);
                if verdict_by.is_none()
                    && let Some(summary) = self.run_of(&doubt.intent.run)
                {
                    summary.unknown -= targets;
                    summary.accepted += targets;
                }
            }
            Outcome::Rejected { message: reason, .. } if verdict_by.is_some() => {
                folded.ruled_out.extend(&doubt.intent.targets);
                folded.ruling = verdict_by.map(|by| Ruling { at, by, reason });
            }
            Outcome::Rejected { code, message, request_id } => {
                if !is_not_sent {
                    folded.rejected.extend(&doubt.intent.targets);
                    folded.last_rejection = Some(Rejection { code, message, request_id });
                }
                let untaken = self.untaken.entry((key.0, key.1, doubt.intent.batch));
                let untaken = untaken.or_insert(Untaken::NotSent);
                if !is_not_sent {
                    *untaken = Untaken::Rejected;
                }
                let untaken = *untaken;
                if let Some(summary) = self.run_of(&doubt.intent.run) {
                    summary.unknown -= targets;
                    match untaken {
                        Untaken::Rejected => summary.rejected += targets,
                        Untaken::NotSent => summary.not_attempted += targets,
                    }
                }
            }
            Outcome::Unknown { why, .. } => {
                doubt.why = Some(why);
                self.open.insert(intent, doubt);
            }
        }
        Ok(())
    }

    fn finish(mut self, blocks: &Arc<dyn Blocks>) -> Ledger {
        let mut doubts: BTreeMap<(CampaignId, Revision), Vec<Doubt>> = BTreeMap::new();
        let mut open: Vec<Doubt> = self.open.into_values().collect();
        open.sort_by_key(|doubt| doubt.serial);
        for mut doubt in open {
            doubt.controls = self.controls.of(doubt.serial);
            self.task_ends.extend(doubt.intent.over_at);
            doubts.entry((doubt.intent.campaign.clone(), doubt.intent.revision)).or_default().push(doubt);
        }
        let histories = self.revisions.into_iter().map(|(key, folded)| {
            let doubts = doubts.remove(&key).unwrap_or_default();
            (key, folded.finish(doubts, Arc::clone(blocks)))
        });
        Ledger {
            salt: self.header.salt,
            header: self.header,
            opened_at: self.opened_at,
            last_at: self.last_at,
            serial: self.serial,
            histories: histories.collect(),
            task_ends: self.task_ends,
            task_ids: self.task_ids,
            unnamed_tasks: self.unnamed_tasks,
            runs: self.runs,
            decisions: self.decisions,
            take_overs: self.take_overs,
            moved_to: self.moved_to,
        }
    }
}

/// A verdict counts as the outcome that the vendor never gave.
fn outcome_of(verdict: Verdict, reason: String, task_id: Option<String>) -> Outcome {
    match verdict {
        Verdict::Accepted => Outcome::Accepted { request_id: None, task_id },
        Verdict::Rejected => {
            Outcome::Rejected { code: VERDICT.to_owned(), message: reason, request_id: None }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{LedgerSalt, Revision, Schedule, TargetHash, TargetKind};
    use crate::ledger::content_decode::tests::content;
    use crate::ledger::{FORMAT_VERSION, Header, IntentRecord, Lineage};

    const RUN: uuid::Uuid = uuid::Uuid::from_u128(1);

    /// A ledger with a batch for each text, of which each letter is a target.
    fn ledger(batches: &[(&str, Option<Outcome>)]) -> Ledger {
        ledger_until(None, batches)
    }

    /// The same, of tasks that the vendor keeps until then.
    fn ledger_until(over_at: Option<DateTime<Utc>>, batches: &[(&str, Option<Outcome>)]) -> Ledger {
        let salt = LedgerSalt::new([1; 16]);
        let header = Header {
            format: FORMAT_VERSION,
            lineage: Lineage::new(RUN),
            salt,
            project: "p".parse().unwrap(),
            environment: "e".parse().unwrap(),
            app_id: "A".into(),
            workspace_id: "w".into(),
            destination: None,
            key: None,
        };
        let (run, content) = (RunId::new(RUN), content(Schedule::Now));
        let submitted = Record::Submitted {
            run: run.clone(),
            campaign: "c".parse().unwrap(),
            revision: Revision::FIRST,
            digest: content.digest(),
            content,
            planned: None,
        };
        let mut records = vec![Record::Opened(header), submitted];
        for (letters, outcome) in batches {
            let target =
                |letter: char| TargetHash::of(&salt, TargetKind::User, &letter.to_string().parse().unwrap());
            records.push(Record::Intent(IntentRecord {
                run: run.clone(),
                campaign: "c".parse().unwrap(),
                revision: Revision::FIRST,
                batch: 1,
                call: crate::domain::Call::Template,
                task_name: "n".into(),
                nonce: "n".into(),
                request: None,
                over_at,
                targets: letters.chars().map(target).collect(),
            }));
            let intent = Serial(records.len() as u64);
            records.extend(outcome.clone().map(|outcome| Record::Outcome { intent, outcome }));
        }
        let at = DateTime::UNIX_EPOCH;
        let entries = records.into_iter().zip(1..);
        let entries = entries.map(|(record, serial)| Ok(Entry { serial: Serial(serial), at, record }));
        Ledger::fold::<FoldError>(entries).unwrap()
    }

    #[test]
    fn a_target_that_was_taken_twice_is_counted() {
        let accepted = || Some(Outcome::Accepted { request_id: None, task_id: None });
        let rejected =
            || Some(Outcome::Rejected { code: "c".to_owned(), message: "m".to_owned(), request_id: None });
        let again = |batches: &[_]| ledger(batches).histories().next().unwrap().2.accepted_again;
        assert_eq!(again(&[("abc", accepted()), ("de", accepted()), ("f", None)]), 0);
        assert_eq!(again(&[("abc", rejected()), ("abc", accepted())]), 0);
        assert_eq!(again(&[("abc", accepted()), ("cd", accepted()), ("ca", accepted())]), 3);
    }

    #[test]
    fn the_rejection_that_is_told_is_the_latest() {
        let rejected = |code: &str| {
            Some(Outcome::Rejected { code: code.to_owned(), message: "m".to_owned(), request_id: None })
        };
        let last = |batches: &[_]| {
            let (_, _, history) =
                ledger(batches).histories().next().map(|(id, at, of)| (id.clone(), at, of.clone())).unwrap();
            history.last_rejection.map(|rejection| rejection.code)
        };
        assert_eq!(last(&[("a", rejected("X")), ("b", rejected("Y"))]).as_deref(), Some("Y"));
        assert_eq!(last(&[("a", rejected("Y")), ("b", rejected("X"))]).as_deref(), Some("X"));
        assert_eq!(last(&[("a", None)]), None);
    }

    #[test]
    fn a_task_waits_until_its_last_time_and_not_at_it() {
        let over_at = DateTime::UNIX_EPOCH + chrono::TimeDelta::days(1);
        let accepted = || Some(Outcome::Accepted { request_id: None, task_id: None });
        let ledger = ledger_until(Some(over_at), &[("a", accepted()), ("b", None)]);
        assert_eq!(ledger.unexecuted_tasks(over_at - chrono::TimeDelta::nanoseconds(1)), 2);
        assert_eq!(ledger.unexecuted_tasks(over_at), 0);
    }
}
