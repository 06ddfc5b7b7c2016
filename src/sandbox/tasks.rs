//! Scheduled and repeating tasks: what is still to happen, what happened, and what was cancelled
//! (vendor page 2871132).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::sandbox::push::PushAction;
use crate::sandbox::received::Push;

/// One moment at which a task happens: a scheduled task has one, named like itself; a repeating one has
/// a child for each.
#[derive(Clone, Debug)]
pub(super) struct Occurrence {
    pub(super) unique_id: String,
    pub(super) at_ms: i64,
    pub(super) push: Arc<Push>,
}

/// Which occurrences a caller wants to see.
#[derive(Clone, Debug, Default)]
pub(super) struct Query {
    /// Both ends included.
    pub(super) window_ms: (i64, i64),
    pub(super) task_type: Option<i64>,
    /// A child, or a task with all its children.
    pub(super) unique_id: Option<String>,
}

/// The tasks of one app and workspace.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    by_time: BTreeMap<(i64, String), Arc<Push>>,
    children: HashMap<String, BTreeSet<(i64, String)>>,
    parents: HashMap<String, String>,
    /// When each task happens last.
    last: BTreeSet<(i64, String)>,
}

impl Tasks {
    /// Adds an accepted push, if it is scheduled.
    pub(super) fn add(&mut self, push: &Arc<Push>) {
        if push.strategy_type == 0 {
            return;
        }
        let task_id = &push.task_id;
        let mut children = BTreeSet::new();
        for (index, at) in push.triggers.iter().enumerate() {
            let at_ms = at.timestamp_millis();
            let child = if push.strategy_type == 1 { task_id.clone() } else { child_id(task_id, index) };
            self.by_time.insert((at_ms, child.clone()), Arc::clone(push));
            self.parents.insert(child.clone(), task_id.clone());
            children.insert((at_ms, child));
        }
        if let Some((at_ms, _)) = children.last() {
            self.last.insert((*at_ms, task_id.clone()));
        }
        self.children.insert(task_id.clone(), children);
    }

    /// Counts tasks that are not over; one that repeats is one.
    pub(super) fn unexecuted(&self, now_ms: i64) -> usize {
        self.last.range((now_ms + 1, String::new())..).count()
    }

    /// Returns what a query finds, by time.
    pub(super) fn find(&self, query: &Query) -> Vec<Occurrence> {
        let (start, end) = query.window_ms;
        if end < start {
            return Vec::new();
        }
        let in_window =
            self.by_time.range((start, String::new())..).take_while(|((at_ms, _), _)| *at_ms <= end);
        let found = in_window.filter(|((_, unique_id), push)| {
            let is_type = query.task_type.is_none_or(|wanted| wanted == PushAction::task_type(&push.action));
            let is_id =
                query.unique_id.as_ref().is_none_or(|wanted| wanted == unique_id || *wanted == push.task_id);
            is_type && is_id
        });
        let occurrence = |((at_ms, unique_id), push): (&(i64, String), &Arc<Push>)| Occurrence {
            unique_id: unique_id.clone(),
            at_ms: *at_ms,
            push: Arc::clone(push),
        };
        found.map(occurrence).collect()
    }

    /// Whether every id names something that is still to happen.
    ///
    /// # Errors
    ///
    /// Returns the first id that does not.
    pub(super) fn check_cancel<'a>(&self, unique_ids: &'a [String], now_ms: i64) -> Result<(), &'a str> {
        let is_pending = |id: &String| self.pending(id, now_ms).next().is_some();
        match unique_ids.iter().find(|id| !is_pending(id)) {
            Some(id) => Err(id),
            None => Ok(()),
        }
    }

    /// Removes what is still to happen of tasks and children; returns the pushes that now never happen at all.
    pub(super) fn cancel(&mut self, unique_ids: &[String], now_ms: i64) -> Vec<Arc<Push>> {
        let mut never_happen = Vec::new();
        for id in unique_ids {
            let gone: Vec<(i64, String)> = self.pending(id, now_ms).cloned().collect();
            for child in gone {
                let Some(push) = self.by_time.remove(&child) else { continue };
                let Some(task_id) = self.parents.remove(&child.1) else { continue };
                let children = self.children.entry(task_id.clone()).or_default();
                if let Some((last_ms, _)) = children.last() {
                    self.last.remove(&(*last_ms, task_id.clone()));
                }
                children.remove(&child);
                if let Some((last_ms, _)) = children.last() {
                    self.last.insert((*last_ms, task_id));
                } else {
                    self.children.remove(&task_id);
                    never_happen.push(push);
                }
            }
        }
        never_happen
    }

    /// Iterates over what is still to happen of a task or of one child.
    fn pending(&self, id: &str, now_ms: i64) -> impl Iterator<Item = &(i64, String)> {
        let task_id = self.parents.get(id).map_or(id, String::as_str);
        let is_task = task_id == id;
        let children = self.children.get(task_id).into_iter().flatten();
        children.filter(move |(at_ms, child)| *at_ms > now_ms && (is_task || child == id))
    }
}

/// Returns the id of a child, the same after a restart.
fn child_id(task_id: &str, index: usize) -> String {
    hex::encode(&Sha256::digest(format!("{task_id}#{index}").as_bytes())[..16])
}
