//! What the sandbox took, and how often each target was hit.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::sandbox::push::Delivery;

/// One push call that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Push {
    /// When it was taken, by the sandbox's clock.
    pub at: DateTime<Utc>,
    /// The request's id, as the reply gave it.
    pub request_id: String,
    /// The nonce it was signed with.
    pub nonce: String,
    /// `PushTemplate`, `PushBroadcast`, `PushSimple` or `PushMultiple`.
    pub action: String,
    /// The version of the API.
    pub version: String,
    /// `AppId`.
    pub app_id: String,
    /// `WorkspaceId`.
    pub workspace_id: String,
    /// `TaskName`; empty where there is none.
    pub task_name: String,
    /// `TemplateName`; empty where there is none.
    pub template_name: String,
    /// To whom, under which message keys; for a broadcast one entry with the platform.
    pub targets: Vec<Delivery>,
    /// The message as far as it is known: of a template only if that is registered.
    pub title: String,
    /// As `title`.
    pub content: String,
    /// `StrategyType`: 0 at once, 1 at a time, 2 repeating.
    pub strategy_type: u8,
    /// The task, as `PushResult.Data` named it; empty where there is none.
    pub task_id: String,
    /// When it happens, ascending; empty for an immediate push.
    pub triggers: Vec<DateTime<Utc>>,
}

impl Push {
    /// Returns the name under which a delivery is counted.
    fn counted_as(&self, delivery: &Delivery) -> String {
        if self.action == "PushBroadcast" {
            return format!("broadcast:{}", delivery.target);
        }
        format!("{}:{}", delivery.delivery_type, delivery.target)
    }
}

/// What was taken so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Received {
    /// Push calls.
    pub calls: u64,
    /// Pushes: one for each target of each call; a broadcast is one.
    pub pushes: u64,
    /// Every push call in order, cancelled ones included.
    #[serde(serialize_with = "each")]
    pub taken: Vec<Arc<Push>>,
}

/// What was taken, in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Push calls.
    pub calls: u64,
    /// Pushes: one for each target of each call.
    pub pushes: u64,
}

/// The first 16 bytes of the SHA-256 of the name under which a target is counted.
pub type NameHash = [u8; 16];

/// How often each target was hit. A scheduled push counts once it is taken, and no longer if it is cancelled
/// before it first happens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TargetCounts {
    /// By `DELIVERY_TYPE:TARGET`, or `broadcast:PLATFORM`.
    pub targets: BTreeMap<String, u64>,
    /// By message key, those that came more than once.
    pub pushed_twice: BTreeMap<String, u64>,
}

fn each<S: Serializer>(pushes: &[Arc<Push>], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(pushes.iter().map(Arc::as_ref))
}

/// The running count. A push that was cancelled before it ever happened does not count, unless the sandbox is lean.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) received: Received,
    by_target: HashMap<String, u64>,
    by_message_key: HashMap<String, u64>,
    /// One for each push in their order, where the sandbox is lean; then what stands above has numbers only.
    hashes: Option<Vec<NameHash>>,
}

impl Tally {
    /// Returns an empty one of 16 bytes a push.
    pub(super) fn lean() -> Self {
        Self { hashes: Some(Vec::new()), ..Self::default() }
    }

    /// Returns an empty one of the same kind.
    pub(super) fn emptied(&self) -> Self {
        if self.hashes.is_some() { Self::lean() } else { Self::default() }
    }

    /// Counts a push, and returns what is kept of it: all, or all but its targets.
    pub(super) fn add(&mut self, mut push: Push) -> Arc<Push> {
        self.received.calls += 1;
        self.received.pushes += push.targets.len() as u64;
        if let Some(hashes) = &mut self.hashes {
            let targets = std::mem::take(&mut push.targets);
            hashes.extend(targets.iter().map(|delivery| name_hash(&push.counted_as(delivery))));
            return Arc::new(push);
        }
        for delivery in &push.targets {
            *self.by_target.entry(push.counted_as(delivery)).or_default() += 1;
            *self.by_message_key.entry(delivery.message_key.clone()).or_default() += 1;
        }
        let push = Arc::new(push);
        self.received.taken.push(Arc::clone(&push));
        push
    }

    /// Returns a hash for each push in their order, where the sandbox is lean.
    pub(super) fn hashes(&self) -> Option<&[NameHash]> {
        self.hashes.as_deref()
    }

    /// Returns the numbers.
    pub(super) fn counts(&self) -> Counts {
        Counts { calls: self.received.calls, pushes: self.received.pushes }
    }

    /// Takes a push out of the counts: it was cancelled before it happened, so nobody got it.
    pub(super) fn uncount(&mut self, push: &Push) {
        for delivery in &push.targets {
            decrement(&mut self.by_target, &push.counted_as(delivery));
            decrement(&mut self.by_message_key, &delivery.message_key);
        }
    }

    /// Returns the counts, sorted.
    pub(super) fn target_counts(&self) -> TargetCounts {
        let owned = |(name, times): (&String, &u64)| (name.clone(), *times);
        let twice = self.by_message_key.iter().filter(|(_, times)| **times > 1);
        TargetCounts {
            targets: self.by_target.iter().map(owned).collect(),
            pushed_twice: twice.map(owned).collect(),
        }
    }
}

fn name_hash(name: &str) -> NameHash {
    let digest = Sha256::digest(name.as_bytes());
    let mut hash = NameHash::default();
    hash.copy_from_slice(&digest[..size_of::<NameHash>()]);
    hash
}

fn decrement(counts: &mut HashMap<String, u64>, key: &str) {
    if let Some(times) = counts.get_mut(key) {
        *times -= 1;
        if *times == 0 {
            counts.remove(key);
        }
    }
}
