//! A saved plan: canonical JSON, with a digest over everything that matters.

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::plan::document::{FORMAT, PlanDocument, VERSION};

/// Why a text is no plan that can be used.
#[derive(Debug, thiserror::Error)]
pub enum PlanFileError {
    /// No plan of campaignctl at all.
    #[error("this is no campaignctl plan")]
    NotAPlan,
    /// A plan of another version of the format.
    #[error("this plan has format version {found}, and this campaignctl reads {VERSION}")]
    Version {
        /// The file's.
        found: u64,
    },
    /// The format and version are ours, but the rest does not fit.
    #[error("this plan cannot be read")]
    Unreadable(#[source] serde_json::Error),
    /// Somebody changed it.
    #[error("this plan was changed after it was made: its digest does not fit")]
    Changed,
}

/// Writes a plan in its canonical form: fixed order of keys, two spaces, one line break at the end.
///
/// # Panics
///
/// Never: a plan is made of texts, numbers and maps with text keys.
#[must_use]
pub fn to_json(plan: &PlanDocument) -> String {
    let mut text = serde_json::to_string_pretty(plan).expect("a plan is made of what JSON can hold");
    text.push('\n');
    text
}

/// Reads a saved plan, and proves that it is as it was made.
///
/// # Errors
///
/// Returns [`PlanFileError`] for anything else.
pub fn from_json(text: &str) -> Result<PlanDocument, PlanFileError> {
    let value: Value = serde_json::from_str(text).map_err(|_| PlanFileError::NotAPlan)?;
    if value.get("format").and_then(Value::as_str) != Some(FORMAT) {
        return Err(PlanFileError::NotAPlan);
    }
    match value.get("version").and_then(Value::as_u64) {
        Some(version) if version == u64::from(VERSION) => {}
        Some(found) => return Err(PlanFileError::Version { found }),
        None => return Err(PlanFileError::NotAPlan),
    }
    let plan: PlanDocument = serde_json::from_value(value).map_err(PlanFileError::Unreadable)?;
    if plan.digest == digest(&plan) { Ok(plan) } else { Err(PlanFileError::Changed) }
}

/// Returns SHA-256 over the plan without its digest, and without when and by which version it was made:
/// these change nothing that was reviewed.
pub(super) fn digest(plan: &PlanDocument) -> String {
    let mut value = serde_json::to_value(plan).expect("a plan is made of what JSON can hold");
    if let Some(object) = value.as_object_mut() {
        for key in ["digest", "made_at", "made_by"] {
            object.shift_remove(key);
        }
    }
    format!("sha256:{}", hex::encode(Sha256::digest(value.to_string().as_bytes())))
}
