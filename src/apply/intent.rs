//! What the ledger has of a batch before its request leaves.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::ledger::Serial;

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// A batch that may reach the vendor at any moment. Only the journal makes one, once it is durable.
#[must_use = "settle it, or the batch stays in doubt"]
#[derive(Debug)]
pub(super) struct Intent {
    pub(super) serial: Serial,
    /// Its time on record.
    pub(super) at: DateTime<Utc>,
}
