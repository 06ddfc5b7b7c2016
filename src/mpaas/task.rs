//! Tasks as the vendor lists them.

use chrono::{DateTime, Utc};

/// A moment at which a scheduled or repeating task happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduledTask {
    /// The task, as `PushResult.Data` named it when it was made.
    pub task_id: String,
    /// When it happens.
    pub push_at: DateTime<Utc>,
    /// Its title; whether with placeholders or values, no page says.
    pub title: String,
    /// Its text; as for the title.
    pub content: String,
    /// 0 simple, 1 template, 2 batch, 3 broadcast.
    pub task_type: i64,
    /// 1 once, 2 repeating.
    pub strategy_type: i64,
    /// Whether the row names a parent: one moment of several.
    pub has_parent: bool,
    /// When it was made, if the vendor says so.
    pub created_at: Option<DateTime<Utc>>,
}

impl ScheduledTask {
    /// Whether it happens again and again, or may: a page says that repeating tasks make scheduled ones.
    #[must_use]
    pub fn repeats(&self) -> bool {
        self.strategy_type == 2 || self.has_parent
    }
}

/// A batch or broadcast task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedTask {
    /// `TaskId`.
    pub task_id: String,
    /// `TaskName`.
    pub task_name: String,
    /// When it was made, if the vendor says so.
    pub created_at: Option<DateTime<Utc>>,
}
