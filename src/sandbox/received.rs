//! What the sandbox took, and how often each target was hit.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize, Serializer};

use crate::sandbox::push::Delivery;

/// One accepted push request.
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
    /// `TaskName`.
    pub task_name: Option<String>,
    /// `TemplateName`.
    pub template_name: Option<String>,
    /// `DeliveryType`.
    pub delivery_type: u8,
    /// To whom, under which message keys; for a broadcast one entry with the platform.
    pub targets: Vec<Delivery>,
    /// The message as far as it is known: of a template only if that is registered.
    pub title: String,
    /// As `title`.
    pub content: String,
    /// `StrategyType`: 0 at once, 1 at a time, 2 repeating.
    pub strategy_type: u8,
    /// The task, as `PushResult.Data` named it.
    pub task_id: Option<String>,
    /// When it happens, ascending, in milliseconds; empty for an immediate push.
    pub triggers_ms: Vec<i64>,
}

impl Push {
    /// Returns the name under which a delivery is counted: `DELIVERY_TYPE:TARGET`, or `broadcast:PLATFORM`.
    fn counted_as(&self, delivery: &Delivery) -> String {
        if self.action == "PushBroadcast" {
            return format!("broadcast:{}", delivery.target);
        }
        format!("{}:{}", self.delivery_type, delivery.target)
    }
}

/// Sums over everything accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Accepted requests.
    pub pushes: u64,
    /// Deliveries in them; a broadcast is one.
    pub targets: u64,
    /// Accepted broadcasts.
    pub broadcasts: u64,
}

/// What was accepted so far, in order.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Received {
    /// The accepted requests, cancelled ones included.
    #[serde(serialize_with = "each")]
    pub pushes: Vec<Arc<Push>>,
    /// Sums over them.
    pub totals: Totals,
}

fn each<S: Serializer>(pushes: &[Arc<Push>], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(pushes.iter().map(Arc::as_ref))
}

/// The running count. A push that was cancelled before it ever happened does not count.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) received: Received,
    by_target: HashMap<String, u64>,
    by_message_key: HashMap<String, u64>,
}

impl Tally {
    pub(super) fn add(&mut self, push: &Arc<Push>) {
        for delivery in &push.targets {
            *self.by_target.entry(push.counted_as(delivery)).or_default() += 1;
            *self.by_message_key.entry(delivery.message_key.clone()).or_default() += 1;
        }
        let totals = &mut self.received.totals;
        totals.pushes += 1;
        totals.targets += push.targets.len() as u64;
        totals.broadcasts += u64::from(push.action == "PushBroadcast");
        self.received.pushes.push(Arc::clone(push));
    }

    /// Takes a push out of the counts: it was cancelled before it happened, so nobody got it.
    pub(super) fn uncount(&mut self, push: &Push) {
        for delivery in &push.targets {
            decrement(&mut self.by_target, &push.counted_as(delivery));
            decrement(&mut self.by_message_key, &delivery.message_key);
        }
    }

    /// Returns how often each target was hit.
    pub(super) fn target_counts(&self) -> BTreeMap<String, u64> {
        self.by_target.iter().map(|(target, times)| (target.clone(), *times)).collect()
    }

    /// Returns the message keys that came more than once, with how often.
    pub(super) fn pushed_twice(&self) -> BTreeMap<String, u64> {
        let twice = self.by_message_key.iter().filter(|(_, times)| **times > 1);
        twice.map(|(key, times)| (key.clone(), *times)).collect()
    }
}

fn decrement(counts: &mut HashMap<String, u64>, key: &str) {
    if let Some(times) = counts.get_mut(key) {
        *times -= 1;
        if *times == 0 {
            counts.remove(key);
        }
    }
}
