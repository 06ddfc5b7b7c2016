//! What is remembered of a ledger apart from its store, which cannot tell itself that it forgot something.
//!
//! Git remembers which ledger an environment has ([`Pins`]), and each machine how far the ledgers were that it wrote
//! ([`remember`]). Knows no kind of store, and not what a record says.

mod machine;
mod pin;

pub use machine::{recall, remember, witnessed};
pub use pin::{PIN_FILE_NAME, PinError, Pins};
