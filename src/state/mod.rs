//! Keeps a ledger safe between runs and people.
//!
//! A [`Store`] is a place that can keep one; it holds numbered lines and makes them durable, and never interprets one. What the
//! lines say is `ledger`'s business, when to write one is `apply`'s. Each store has a room of its own, and nobody outside
//! names it: [`store_at`] picks it by the ledger's place.

mod background;
mod block_cache;
mod candidate;
#[cfg(test)]
mod conformance;
mod directory;
mod error;
mod holder;
mod lease;
mod memory;
mod objects;
mod open;
mod pack;
#[cfg(test)]
mod packing_tests;
mod postgres;
mod probe;
mod process;
mod remote_blocks;
mod store;

pub use candidate::{Candidate, Left};
pub use directory::Room;
pub use error::{StateError, StateErrorKind};
pub use holder::Holder;
pub use lease::{Lease, Moment, MomentClock, Standing, Tenure, Terms};
pub use memory::MemoryStore;
pub use open::{Expected, OpenLedger, OpenRefused, Recall, SeenLedger, create, open, record_take_over, view};
pub use pack::pack;
pub use process::Origin;
pub use store::{Draft, Lines, Reader, Snapshot, Store, Writer};

use std::sync::Arc;

use crate::domain::LedgerPlace;
use crate::state::directory::DirectoryStore;
use crate::state::objects::ObjectsStore;
use crate::state::postgres::PostgresStore;

/// Reads an environment variable that is set and not empty: what opens a store on another machine never stands in a file.
pub type Variables = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Returns the store of a place. Nothing is opened yet.
#[must_use]
pub fn store_at(place: &LedgerPlace, variables: &Variables) -> Box<dyn Store> {
    match place {
        LedgerPlace::Directory(path) => Box::new(DirectoryStore::new(path)),
        LedgerPlace::Postgres(at) => Box::new(PostgresStore::new(at, variables)),
        LedgerPlace::Objects(bucket) => Box::new(ObjectsStore::new(bucket, variables)),
    }
}
