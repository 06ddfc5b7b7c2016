//! What an apply did, counted while it runs and told when it ends.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crate::apply::Stop;
use crate::domain::{CampaignId, Revision};

/// Targets by what became of them. The four add up to what was planned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// The vendor took the push.
    pub accepted: u64,
    /// The vendor says that it did not take the push.
    pub rejected: u64,
    /// Nobody knows: they are not sent to again by themselves.
    pub unknown: u64,
    /// No request left.
    pub not_attempted: u64,
}

impl Tally {
    /// Returns the sum of the four.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.accepted + self.rejected + self.unknown + self.not_attempted
    }

    /// Adds another tally.
    pub fn add(&mut self, other: Self) {
        self.accepted += other.accepted;
        self.rejected += other.rejected;
        self.unknown += other.unknown;
        self.not_attempted += other.not_attempted;
    }
}

/// What the vendor said to batches that it did not take: one entry for each code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The vendor's code.
    pub code: String,
    /// The vendor's words.
    pub message: String,
    /// The vendor's id of the first such request.
    pub request_id: Option<String>,
    /// Targets of all batches with this code.
    pub targets: u64,
}

/// A batch of which nobody knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubtful {
    /// The task's name: what to look for in the vendor's console.
    pub task_name: String,
    /// What was seen instead of an answer.
    pub why: String,
    /// The vendor's id of the request, if it gave one.
    pub request_id: Option<String>,
    /// Targets of the batch; a broadcast counts one.
    pub targets: u64,
}

/// What became of one campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CampaignReport {
    /// Which one, by its key in YAML.
    pub campaign: CampaignId,
    /// The revision that was pushed.
    pub revision: Revision,
    /// Its planned targets, by what became of them.
    pub tally: Tally,
    /// What was refused, by code.
    pub refusals: Vec<Refusal>,
    /// What is in doubt, batch by batch.
    pub doubts: Vec<Doubtful>,
    /// What kept the rest from being attempted, where that is this campaign's own affair.
    pub obstacle: Option<String>,
    /// Whether its time came before all of it was sent.
    pub is_missed: bool,
}

/// What an apply did.
#[derive(Clone, Debug)]
#[must_use = "an apply that nobody reports was not accounted for"]
pub struct Report {
    /// One entry for each planned campaign, in the plan's order.
    pub campaigns: Vec<CampaignReport>,
    /// Why it ended early, if it did.
    pub stop: Option<Stop>,
}

impl Report {
    /// Returns all campaigns' targets by what became of them.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let mut sum = Tally::default();
        for campaign in &self.campaigns {
            sum.add(campaign.tally);
        }
        sum
    }
}

/// How far an apply is: to be read at any moment, from any thread.
#[derive(Debug, Default)]
pub struct Progress {
    accepted: AtomicU64,
    rejected: AtomicU64,
    unknown: AtomicU64,
    requests: AtomicU64,
    waiting: AtomicU64,
    writing_since: Mutex<Option<Instant>>,
}

impl Progress {
    /// Returns the targets so far; what is not attempted is only known at the end, and 0 here.
    #[must_use]
    pub fn tally(&self) -> Tally {
        Tally {
            accepted: self.accepted.load(Ordering::Relaxed),
            rejected: self.rejected.load(Ordering::Relaxed),
            unknown: self.unknown.load(Ordering::Relaxed),
            not_attempted: 0,
        }
    }

    /// Returns the batches that have a final outcome.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Returns the batches that wait because the vendor asked for less.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Returns how long the ledger's store has been asked to keep what is written, if it is.
    #[must_use]
    pub fn writing(&self) -> Option<Duration> {
        self.writing_since().map(|since| since.elapsed())
    }

    fn writing_since(&self) -> MutexGuard<'_, Option<Instant>> {
        self.writing_since.lock().expect("no holder of this lock panics")
    }

    pub(super) fn set_writing(&self, since: Option<Instant>) {
        *self.writing_since() = since;
    }

    pub(super) fn count(&self, tally: Tally) {
        self.accepted.fetch_add(tally.accepted, Ordering::Relaxed);
        self.rejected.fetch_add(tally.rejected, Ordering::Relaxed);
        self.unknown.fetch_add(tally.unknown, Ordering::Relaxed);
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn set_waiting(&self, batches: usize) {
        self.waiting.store(batches as u64, Ordering::Relaxed);
    }
}
