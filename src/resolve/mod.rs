//! Checked files to what they mean.
//!
//! Joins each campaign with its template, audience, classification and strategy. Compares with nothing and
//! knows no clock; what audience files hold is read on demand, as a stream. `check` comes before, `diff` after.

mod audience;
mod desired;
mod origin;

pub use audience::{Audience, AudienceContents};
pub use desired::{Desired, DesiredCampaign, ResolveError, desired};
pub use origin::origins;

pub use crate::check::AudienceSource;

#[cfg(test)]
mod tests;
