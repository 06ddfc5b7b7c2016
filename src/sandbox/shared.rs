//! What all requests to one sandbox share.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

use crate::sandbox::store::Store;

/// What all requests share.
pub(super) struct Shared {
    pub(super) clock: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    pub(super) accounts: BTreeMap<String, String>,
    pub(super) store: Mutex<Store>,
}

impl Shared {
    /// Locks the memory. Never held over an `await`.
    pub(super) fn store(&self) -> MutexGuard<'_, Store> {
        // A panic under the lock is a bug that its own request reports; the others go on.
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
