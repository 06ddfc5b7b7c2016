//! Keeps a ledger safe between runs and people.
//!
//! A backend holds numbered lines and makes them durable; it never interprets one. What the lines say is
//! `ledger`'s business, when to write one is `apply`'s.

mod backend;
mod claim;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod fencing_tests;
mod group;
mod high_water;
mod holder;
mod lease;
mod memory;
mod open;
mod pack;
#[cfg(test)]
mod packing_tests;
mod pin;
mod process;
mod retire;
mod room;
mod scratch;
mod sled_backend;
mod store_files;
mod unlock;
mod unpanicked;
mod witness;

pub use backend::{Backend, Lines, StateError};
pub use holder::{Candidate, HeldLock, Holder, take as lock};
pub use lease::{Lease, Moment, MomentClock, Standing, Tenure, Terms};
pub use memory::MemoryBackend;
pub use open::{Expected, OpenLedger, OpenRefused, create, open, record_take_over};
pub use pack::pack;
pub use pin::{PIN_FILE_NAME, PinError, Pins};
pub use process::Origin;
pub use room::Room;
pub use sled_backend::SledBackend;
pub use unlock::{Left, clear, left_behind};
pub use witness::{remember, witnessed};
