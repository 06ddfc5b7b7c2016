//! What a sandbox takes: one push call, with everyone it goes to.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// One target of a push.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The vendor's `DeliveryType`.
    pub delivery_type: u8,
    /// The target's id; for a broadcast the platform.
    pub target: String,
    /// The business message id.
    pub message_key: String,
}

/// One push call that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Push {
    /// When.
    pub at: DateTime<Utc>,
    /// `PushTemplate`, `PushBroadcast`, `PushSimple` or `PushMultiple`.
    pub action: String,
    /// The id of its request.
    pub request_id: String,
    /// `AppId`.
    pub app_id: String,
    /// `WorkspaceId`.
    pub workspace_id: String,
    /// `TaskName`, where the call has one.
    #[serde(default)]
    pub task_name: String,
    /// `TemplateName`, where the call has one.
    #[serde(default)]
    pub template_name: String,
    /// The id of its scheduled, repeating or broadcast task.
    #[serde(default)]
    pub task_id: String,
    /// When it is to be executed: once for a scheduled push, each time for a repeating one.
    #[serde(default)]
    pub triggers: Vec<DateTime<Utc>>,
    /// Everyone it goes to.
    pub targets: Vec<Delivery>,
}
