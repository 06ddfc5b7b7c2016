//! Folds records into what was sent.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};

use crate::domain::{CampaignId, Revision, TargetHash, TargetSet};
use crate::ledger::content::{Content, ContentDigest};
use crate::ledger::entry::Entry;
use crate::ledger::record::{Header, IntentRecord, Outcome, Record, RunId, Serial, Verdict};

/// Records that are whole but cannot follow each other.
#[derive(Debug, thiserror::Error)]
pub enum FoldError {
    /// There is no record at all.
    #[error("the ledger is empty")]
    Empty,
    /// The first record is not the header, or a second header follows.
    #[error("record {0} should be the ledger's one header, or is a second one")]
    MisplacedHeader(Serial),
    /// An outcome of something that is no intent.
    #[error("record {at} is the outcome of record {intent}, which is no intent that waits for one")]
    StrayOutcome {
        /// The outcome's place.
        at: Serial,
        /// The place it points at.
        intent: Serial,
    },
    /// An intent without the content it sends.
    #[error("record {at} sends `{campaign}@{revision}`, whose content was never recorded")]
    IntentWithoutContent {
        /// The intent's place.
        at: Serial,
        /// The campaign.
        campaign: CampaignId,
        /// Its edition.
        revision: Revision,
    },
}

/// An intent whose outcome nobody knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// The intent's place in the ledger.
    pub serial: Serial,
    /// When it was written, just before its request was to leave.
    pub at: DateTime<Utc>,
    /// The intent.
    pub intent: IntentRecord,
    /// What was seen instead of an answer; nothing if not even that was recorded.
    pub why: Option<String>,
}

/// A rejection that the vendor gave a reason for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The vendor's code.
    pub code: String,
    /// The vendor's words.
    pub message: String,
    /// The vendor's id of the request.
    pub request_id: Option<String>,
}

/// What became of one campaign revision.
#[derive(Clone, Debug)]
pub struct History {
    /// What was sent.
    pub content: Content,
    /// Its digest.
    pub digest: ContentDigest,
    /// When it was first sent.
    pub submitted_at: DateTime<Utc>,
    /// When its last outcome was recorded, or its last intent.
    pub last_at: DateTime<Utc>,
    /// Targets whose push the vendor took.
    pub accepted: TargetSet,
    /// Targets of which nobody knows.
    pub unknown: TargetSet,
    /// Targets whose push the vendor did not take, and that are neither accepted nor in doubt since.
    pub rejected: TargetSet,
    /// Accepted and unknown ones: never sent again by this revision.
    pub sent: TargetSet,
    /// The highest batch number so far.
    pub batches: u32,
    /// What the vendor said last when it rejected a batch.
    pub last_rejection: Option<Rejection>,
    /// The intents behind `unknown`, in order.
    pub doubts: Vec<Doubt>,
}

impl History {
    /// Whether the vendor took this revision for anybody, or may have.
    #[must_use]
    pub fn is_sent(&self) -> bool {
        !self.sent.is_empty()
    }
}

/// One `apply`, as the audit trail shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunSummary {
    /// Its id.
    pub run: RunId,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended in order; nothing if it crashed or still runs.
    pub ended_at: Option<DateTime<Utc>>,
    /// The digest of the plan it executed.
    pub plan: String,
    /// Who ran it, where.
    pub actor: String,
    /// The CI job that ran it, as a URL.
    pub ci_run: Option<String>,
    /// Targets accepted, by the outcomes on record.
    pub accepted: u64,
    /// Targets rejected, by the outcomes on record; a batch that was tried three times counts three times.
    pub rejected: u64,
    /// Targets in doubt, intents without an outcome included.
    pub unknown: u64,
    /// Why it stopped early, if it said so.
    pub stopped: Option<String>,
    /// The campaign revisions that it sent something of.
    pub campaigns: Vec<(CampaignId, Revision)>,
}

/// What all records of a ledger add up to.
#[derive(Clone, Debug)]
pub struct Ledger {
    header: Header,
    opened_at: DateTime<Utc>,
    last_at: DateTime<Utc>,
    serial: Serial,
    histories: BTreeMap<(CampaignId, Revision), History>,
    task_ends: Vec<DateTime<Utc>>,
    task_ids: HashSet<String>,
    unnamed_tasks: BTreeMap<(CampaignId, Revision), u64>,
    runs: Vec<RunSummary>,
}

impl Ledger {
    /// Folds all entries of a ledger, in order.
    ///
    /// # Errors
    ///
    /// Passes on the first error of reading, or returns a [`FoldError`] for records that cannot follow each other.
    pub fn fold<E: From<FoldError>>(entries: impl IntoIterator<Item = Result<Entry, E>>) -> Result<Self, E> {
        let mut folding: Option<Folding> = None;
        for entry in entries {
            let entry = entry?;
            match (&mut folding, entry.record) {
                (None, Record::Opened(header)) => {
                    folding = Some(Folding::new(header, entry.at, entry.serial));
                }
                (None, _) | (Some(_), Record::Opened(_)) => {
                    return Err(FoldError::MisplacedHeader(entry.serial).into());
                }
                (Some(folding), record) => folding.take(entry.serial, entry.at, record)?,
            }
        }
        folding.map(Folding::finish).ok_or_else(|| FoldError::Empty.into())
    }

    /// Returns whose ledger it is.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Returns when it was made.
    #[must_use]
    pub fn opened_at(&self) -> DateTime<Utc> {
        self.opened_at
    }

    /// Returns when its last record was written.
    #[must_use]
    pub fn last_at(&self) -> DateTime<Utc> {
        self.last_at
    }

    /// Returns the place of its last record.
    #[must_use]
    pub fn serial(&self) -> Serial {
        self.serial
    }

    /// Returns what became of one campaign revision; nothing if it was never sent.
    #[must_use]
    pub fn history(&self, campaign: &CampaignId, revision: Revision) -> Option<&History> {
        self.histories.get(&(campaign.clone(), revision))
    }

    /// Returns every campaign revision that was sent, by name, then revision.
    pub fn histories(&self) -> impl Iterator<Item = (&CampaignId, Revision, &History)> {
        self.histories.iter().map(|((campaign, revision), history)| (campaign, *revision, history))
    }

    /// Returns the highest revision of a campaign that was sent to anybody, or may have been.
    #[must_use]
    pub fn latest_revision(&self, campaign: &CampaignId) -> Option<Revision> {
        let of_campaign =
            self.histories.iter().filter(|((id, _), history)| id == campaign && history.is_sent());
        of_campaign.map(|((_, revision), _)| *revision).max()
    }

    /// Counts the vendor's tasks that may still wait to be executed at `now`: one for each accepted or
    /// doubtful request of a scheduled or repeating campaign.
    #[must_use]
    pub fn unexecuted_tasks(&self, now: DateTime<Utc>) -> usize {
        self.task_ends.iter().filter(|end| **end > now).count()
    }

    /// Whether the vendor's task of this id is one that the ledger knows to be accepted.
    #[must_use]
    pub fn has_task(&self, task_id: &str) -> bool {
        self.task_ids.contains(task_id)
    }

    /// Counts the scheduled and repeating batches that the vendor took, of which the ledger does not know the
    /// task: those of a person's verdict, above all. By campaign revision.
    pub fn unnamed_tasks(&self) -> impl Iterator<Item = (&History, u64)> {
        self.unnamed_tasks.iter().filter_map(|(key, count)| Some((self.histories.get(key)?, *count)))
    }

    /// Returns every batch in doubt, in the order of their records.
    #[must_use]
    pub fn doubts(&self) -> Vec<&Doubt> {
        let mut doubts: Vec<&Doubt> = self.histories.values().flat_map(|history| &history.doubts).collect();
        doubts.sort_by_key(|doubt| doubt.serial);
        doubts
    }

    /// Returns one `apply`.
    #[must_use]
    pub fn run(&self, run: &RunId) -> Option<&RunSummary> {
        self.runs.iter().rfind(|summary| summary.run == *run)
    }

    /// Returns every `apply`, oldest first.
    #[must_use]
    pub fn runs(&self) -> &[RunSummary] {
        &self.runs
    }
}

struct Folding {
    header: Header,
    opened_at: DateTime<Utc>,
    last_at: DateTime<Utc>,
    serial: Serial,
    editions: BTreeMap<(CampaignId, Revision), Edition>,
    /// Intents without a final outcome, by serial.
    open: HashMap<Serial, Doubt>,
    task_ends: Vec<DateTime<Utc>>,
    task_ids: HashSet<String>,
    unnamed_tasks: BTreeMap<(CampaignId, Revision), u64>,
    runs: Vec<RunSummary>,
    run_places: HashMap<RunId, usize>,
}

struct Edition {
    content: Content,
    digest: ContentDigest,
    submitted_at: DateTime<Utc>,
    last_at: DateTime<Utc>,
    accepted: Vec<TargetHash>,
    rejected: Vec<TargetHash>,
    open_intents: usize,
    batches: u32,
    last_rejection: Option<Rejection>,
}

impl Folding {
    fn new(header: Header, opened_at: DateTime<Utc>, serial: Serial) -> Self {
        Self {
            header,
            opened_at,
            last_at: opened_at,
            serial,
            editions: BTreeMap::new(),
            open: HashMap::new(),
            task_ends: Vec::new(),
            task_ids: HashSet::new(),
            unnamed_tasks: BTreeMap::new(),
            runs: Vec::new(),
            run_places: HashMap::new(),
        }
    }

    fn take(&mut self, serial: Serial, at: DateTime<Utc>, record: Record) -> Result<(), FoldError> {
        self.serial = serial;
        self.last_at = at;
        match record {
            Record::Opened(_) => return Err(FoldError::MisplacedHeader(serial)),
            Record::RunStarted { run, plan, actor, process: _, ci_run } => {
                self.start_run(at, run, plan, actor, ci_run);
            }
            Record::Submitted { run: _, campaign, revision, digest, content } => {
                self.editions
                    .entry((campaign, revision))
                    .and_modify(|edition| edition.submit_again(&content, &digest, at))
                    .or_insert_with(|| Edition::new(content, digest, at));
            }
            Record::Intent(intent) => self.open_intent(serial, at, intent)?,
            Record::Outcome { intent, outcome } => self.settle(serial, at, intent, outcome)?,
            Record::Verdict { intent, verdict, reason, task_id, actor: _, by: _ } => {
                self.settle(serial, at, intent, outcome_of(verdict, reason, task_id))?;
            }
            Record::RunEnded { run, stopped, .. } => {
                if let Some(summary) = self.run_of(&run) {
                    summary.ended_at = Some(at);
                    summary.stopped = stopped;
                }
            }
        }
        Ok(())
    }

    fn start_run(
        &mut self,
        at: DateTime<Utc>,
        run: RunId,
        plan: String,
        actor: String,
        ci_run: Option<String>,
    ) {
        self.run_places.insert(run.clone(), self.runs.len());
        self.runs.push(RunSummary {
            run,
            started_at: at,
            ended_at: None,
            plan,
            actor,
            ci_run,
            accepted: 0,
            rejected: 0,
            unknown: 0,
            stopped: None,
            campaigns: Vec::new(),
        });
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
        let Some(edition) = self.editions.get_mut(&key) else {
            let (campaign, revision) = key;
            return Err(FoldError::IntentWithoutContent { at: serial, campaign, revision });
        };
        edition.batches = edition.batches.max(intent.batch);
        edition.open_intents += 1;
        edition.last_at = at;
        if let Some(summary) = self.run_of(&intent.run) {
            if !summary.campaigns.contains(&key) {
                summary.campaigns.push(key);
            }
            summary.unknown += intent.targets.len() as u64;
        }
        self.open.insert(serial, Doubt { serial, at, intent, why: None });
        Ok(())
    }

    fn settle(
        &mut self,
        serial: Serial,
        at: DateTime<Utc>,
        intent: Serial,
        outcome: Outcome,
    ) -> Result<(), FoldError> {
        let Some(mut doubt) = self.open.remove(&intent) else {
            return Err(FoldError::StrayOutcome { at: serial, intent });
        };
        let targets = doubt.intent.targets.len() as u64;
        let key = (doubt.intent.campaign.clone(), doubt.intent.revision);
        let edition = self.editions.get_mut(&key).expect("an open intent has its content recorded");
        edition.last_at = at;
        if !matches!(outcome, Outcome::Unknown { .. }) {
            edition.open_intents -= 1;
        }
        match outcome {
            Outcome::Accepted { task_id, .. } => {
                match task_id {
                    Some(task_id) => drop(self.task_ids.insert(task_id)),
                    None if doubt.intent.over_at.is_some() => {
                        *self.unnamed_tasks.entry(key.clone()).or_default() += 1;
                    }
                    None => {}
                }
                edition.accepted.extend(&doubt.intent.targets);
                self.task_ends.extend(doubt.intent.over_at);
                if let Some(summary) = self.run_of(&doubt.intent.run) {
                    summary.unknown -= targets;
                    summary.accepted += targets;
                }
            }
            Outcome::Rejected { code, message, request_id } => {
                edition.rejected.extend(&doubt.intent.targets);
                edition.last_rejection = Some(Rejection { code, message, request_id });
                if let Some(summary) = self.run_of(&doubt.intent.run) {
                    summary.unknown -= targets;
                    summary.rejected += targets;
                }
            }
            Outcome::Unknown { why, .. } => {
                doubt.why = Some(why);
                self.open.insert(intent, doubt);
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Ledger {
        let mut doubts: BTreeMap<(CampaignId, Revision), Vec<Doubt>> = BTreeMap::new();
        let mut open: Vec<Doubt> = self.open.into_values().collect();
        open.sort_by_key(|doubt| doubt.serial);
        for doubt in open {
            self.task_ends.extend(doubt.intent.over_at);
            doubts.entry((doubt.intent.campaign.clone(), doubt.intent.revision)).or_default().push(doubt);
        }
        let histories = self.editions.into_iter().map(|(key, edition)| {
            let doubts = doubts.remove(&key).unwrap_or_default();
            (key, edition.finish(doubts))
        });
        Ledger {
            header: self.header,
            opened_at: self.opened_at,
            last_at: self.last_at,
            serial: self.serial,
            histories: histories.collect(),
            task_ends: self.task_ends,
            task_ids: self.task_ids,
            unnamed_tasks: self.unnamed_tasks,
            runs: self.runs,
        }
    }
}

/// A verdict counts as the outcome that the vendor never gave.
fn outcome_of(verdict: Verdict, reason: String, task_id: Option<String>) -> Outcome {
    match verdict {
        Verdict::Accepted => Outcome::Accepted { request_id: None, task_id },
        Verdict::Rejected => {
            Outcome::Rejected { code: "Verdict".to_owned(), message: reason, request_id: None }
        }
    }
}

impl Edition {
    fn new(content: Content, digest: ContentDigest, at: DateTime<Utc>) -> Self {
        Self {
            content,
            digest,
            submitted_at: at,
            last_at: at,
            accepted: Vec::new(),
            rejected: Vec::new(),
            open_intents: 0,
            batches: 0,
            last_rejection: None,
        }
    }

    /// A revision of which nothing was taken, and nothing may have been, can be sent with other content.
    fn submit_again(&mut self, content: &Content, digest: &ContentDigest, at: DateTime<Utc>) {
        if self.accepted.is_empty() && self.open_intents == 0 {
            self.content = content.clone();
            self.digest = digest.clone();
            self.submitted_at = at;
        }
    }

    fn finish(self, doubts: Vec<Doubt>) -> History {
        let unknown: TargetSet =
            doubts.iter().flat_map(|doubt| doubt.intent.targets.iter().copied()).collect();
        let accepted = TargetSet::new(self.accepted);
        let sent = if unknown.is_empty() {
            accepted.clone()
        } else {
            accepted.iter().chain(unknown.iter()).copied().collect()
        };
        History {
            content: self.content,
            digest: self.digest,
            submitted_at: self.submitted_at,
            last_at: self.last_at,
            rejected: TargetSet::new(self.rejected).minus(&sent),
            accepted,
            unknown,
            sent,
            batches: self.batches,
            last_rejection: self.last_rejection,
            doubts,
        }
    }
}
