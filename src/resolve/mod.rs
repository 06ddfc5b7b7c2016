//! Checked files to what they mean.
//!
//! Joins each campaign with its template, audience, classification and strategy. Compares with nothing and
//! knows no clock; what audience files hold is read on demand, as a stream. `check` comes before, `diff` after.

mod audience;
mod desired;
mod origin;
mod own_values;
mod row_place;
mod stream;
mod suspicious;
mod value_conflict;

pub use audience::{Audience, AudienceContents, AudienceRows};
pub use desired::{
    Desired, DesiredCampaign, ResolveError, Scope, Selection, desired, into_desired, named_audiences, scope,
};
pub use origin::origins;
pub use own_values::{Taker, WidestValues};
pub use stream::CampaignRows;

pub use crate::check::AudienceSource;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod value_tests;
