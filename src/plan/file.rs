//! A saved plan: canonical JSON, with a digest over everything that matters.

use std::io::{self, BufWriter, IntoInnerError, Write};

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::plan::document::{
    ChangeDocument, FORMAT, GuardDocument, InputDocument, LedgerDocument, PlanDocument, SummaryDocument,
    VERSION,
};

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

/// Returns SHA-256 over the plan without its digest, without when and by which version it was made,
/// and without what waits at the vendor: these change nothing that is done.
pub(super) fn digest(plan: &PlanDocument) -> String {
    let PlanDocument {
        format,
        version,
        made_by: _,
        made_at: _,
        digest: _,
        project,
        environment,
        app_id,
        workspace_id,
        tenant_id,
        endpoint,
        region,
        api_version,
        time_zone,
        ledger,
        inputs,
        summary,
        guards,
        changes,
        waiting: _,
    } = plan;
    let reviewed = Reviewed {
        format,
        version: *version,
        project,
        environment,
        app_id,
        workspace_id,
        tenant_id: tenant_id.as_deref(),
        endpoint,
        region: region.as_deref(),
        api_version,
        time_zone,
        ledger,
        inputs,
        summary: *summary,
        guards,
        changes,
    };
    let mut hash = BufWriter::new(Hash(Sha256::new()));
    serde_json::to_writer(&mut hash, &reviewed).expect("a plan is made of what JSON can hold");
    let hash = hash.into_inner().map_err(IntoInnerError::into_error).expect("a hash takes every byte");
    format!("sha256:{}", hex::encode(hash.0.finalize()))
}

/// A plan without what its digest leaves out, in the order of its keys.
#[derive(Serialize)]
struct Reviewed<'plan> {
    format: &'plan str,
    version: u32,
    project: &'plan str,
    environment: &'plan str,
    app_id: &'plan str,
    workspace_id: &'plan str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant_id: Option<&'plan str>,
    endpoint: &'plan str,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<&'plan str>,
    api_version: &'plan str,
    time_zone: &'plan str,
    ledger: &'plan LedgerDocument,
    inputs: &'plan [InputDocument],
    summary: SummaryDocument,
    guards: &'plan [GuardDocument],
    changes: &'plan [ChangeDocument],
}

/// A text that is hashed while it is written.
struct Hash(Sha256);

impl Write for Hash {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A plan in which everything that can be left out is left out, or not.
    fn plan(is_full: bool) -> PlanDocument {
        let change = serde_json::json!({
            "campaign": "a", "revision": 1, "kind": "create", "reason": "new \"campaign\" 您好", "call": "PushTemplate",
            "audience": "b", "recipients": "users", "requests": 1, "first_batch": 1, "audience_digest": "c",
            "push_digest": "d", "schedule": { "send": "once", "at": "2026-12-15T01:00:00Z" },
            "declared_at": { "file": "a.yaml", "line": 2 }, "content_digest": "e",
            "targets": { "audience": 1, "repeats": 0, "accepted": 0, "in_doubt": 0, "rejected": 0, "unsent": 1, "to_retry": 0,
                "to_push": 1 },
            "content": is_full.then(|| serde_json::json!({ "z": 1.5, "a": [1, null, "\u{1}"] })),
        });
        let plan = serde_json::json!({
            "format": FORMAT, "version": VERSION, "made_by": "somebody", "made_at": "2026-12-15T01:00:00Z", "digest": "f",
            "project": "p", "environment": "e", "app_id": "a", "workspace_id": "w", "endpoint": "sandbox",
            "tenant_id": is_full.then_some("t"), "region": is_full.then_some("r"),
            "api_version": "v", "time_zone": "UTC", "ledger": { "lineage": "l", "serial": 3 },
            "inputs": [{ "path": "a.yaml", "digest": "i" }],
            "summary": { "to_push": 1, "targets": 1, "requests": 1, "up_to_date": 0, "blocked": 0, "expired": 0, "in_doubt": 0 },
            "guards": [{ "code": "c", "message": "m", "help": "h", "declared_at": { "file": "a.yaml", "line": 2 } }],
            "changes": [change],
        });
        serde_json::from_value(plan).unwrap()
    }

    #[test]
    fn a_digest_is_that_of_the_plan_without_itself_its_time_and_its_maker() {
        for plan in [plan(true), plan(false)] {
            let mut value = serde_json::to_value(&plan).unwrap();
            for key in ["digest", "made_at", "made_by"] {
                value.as_object_mut().unwrap().shift_remove(key).unwrap();
            }
            let expected = hex::encode(Sha256::digest(value.to_string().as_bytes()));
            assert_eq!(digest(&plan), format!("sha256:{expected}"));
        }
    }
}
