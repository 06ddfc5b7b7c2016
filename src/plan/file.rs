//! A saved plan: canonical JSON, with a digest over everything that matters.

use std::io::{self, BufWriter, IntoInnerError, Write};

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::plan::document::{
    ChangeDocument, ChangeKind, FORMAT, InputDocument, LedgerDocument, PlanDocument, VERSION,
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

/// Returns SHA-256 over what of the plan decides what is done: without when and by which version it was made, and of a campaign
/// of which nothing is pushed only what it is, not how time has dealt with it. That another campaign fired meanwhile, or was
/// closed, makes no push one that nobody reviewed.
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
        only,
        except,
        ledger,
        inputs,
        summary,
        days: _,
        changes,
        waiting: _,
        withdrawals: _,
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
        only,
        except,
        ledger,
        inputs,
        to_push: [summary.to_push, summary.targets, summary.requests],
        changes: changes.iter().map(Covered::of).collect(),
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
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    only: &'plan [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    except: &'plan [String],
    ledger: &'plan LedgerDocument,
    inputs: &'plan [InputDocument],
    to_push: [u64; 3],
    changes: Vec<Covered<'plan>>,
}

/// What the digest covers of a change.
#[derive(PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(super) enum Covered<'plan> {
    /// All of it.
    Push(&'plan ChangeDocument),
    /// Which campaign it is, in which edition, content and audience.
    Other(&'plan str, u32, &'plan str, &'plan str),
}

impl<'plan> Covered<'plan> {
    pub(super) fn of(change: &'plan ChangeDocument) -> Self {
        if change.kind.is_push() || change.kind == ChangeKind::Later {
            return Self::Push(change);
        }
        let ChangeDocument { campaign, revision, content_digest, audience_digest, .. } = change;
        Self::Other(campaign, *revision, content_digest, audience_digest)
    }
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

    fn plan(kind: &str) -> PlanDocument {
        let change = serde_json::json!({
            "campaign": "a", "revision": 1, "kind": kind, "reason": "new \"campaign\" 您好", "call": "PushTemplate",
            "audience": "b", "recipients": "users", "requests": 1, "first_batch": 1, "audience_digest": "c",
            "push_digest": "d", "schedule": { "send": "once", "at": "2026-12-15T01:00:00Z" },
            "declared_at": { "file": "a.yaml", "line": 2 }, "content_digest": "e",
            "targets": { "audience": 1, "repeats": 0, "accepted": 0, "in_doubt": 0, "rejected": 0, "unsent": 1, "to_retry": 0,
                "joined": 0, "left": 0, "to_push": 1 },
            "content": serde_json::json!({ "z": 1.5, "a": [1, null, "\u{1}"] }),
        });
        let plan = serde_json::json!({
            "format": FORMAT, "version": VERSION, "made_by": "somebody", "made_at": "2026-12-15T01:00:00Z", "digest": "f",
            "project": "p", "environment": "e", "app_id": "a", "workspace_id": "w", "endpoint": "sandbox",
            "api_version": "v", "time_zone": "UTC", "ledger": { "lineage": "l", "serial": 3 },
            "inputs": [{ "path": "a.yaml", "digest": "i" }],
            "summary": { "to_push": 1, "targets": 1, "requests": 1, "up_to_date": 0, "later": 0, "waiting": 0, "blocked": 0,
                "held": 0, "missed": 0, "in_doubt": 0 },
            "changes": [change],
        });
        serde_json::from_value(plan).unwrap()
    }

    /// Whether a digest covers what `edit` changes.
    fn is_covered(kind: &str, edit: impl Fn(&mut PlanDocument)) -> bool {
        let (before, mut after) = (plan(kind), plan(kind));
        edit(&mut after);
        assert_ne!(before, after, "nothing was edited");
        digest(&before) != digest(&after)
    }

    #[test]
    fn a_digest_covers_every_word_of_what_is_pushed() {
        for kind in ["create", "add", "continue", "later"] {
            assert!(is_covered(kind, |plan| plan.changes[0].reason.push('!')));
            assert!(is_covered(kind, |plan| plan.changes[0].targets.to_push += 1));
            assert!(is_covered(kind, |plan| plan.changes[0].requests += 1));
        }
        assert!(is_covered("create", |plan| plan.summary.targets += 1));
        assert!(is_covered("create", |plan| plan.ledger.serial += 1));
        assert!(is_covered("create", |plan| plan.tenant_id = Some("t".to_owned())));
    }

    #[test]
    fn a_digest_does_not_cover_when_it_was_made_nor_how_time_deals_with_what_is_not_pushed() {
        assert!(!is_covered("create", |plan| plan.made_by.push('!')));
        assert!(!is_covered("create", |plan| plan.made_at += chrono::TimeDelta::days(1)));
        assert!(!is_covered("waiting", |plan| plan.changes[0].kind = ChangeKind::UpToDate));
        assert!(!is_covered("up_to_date", |plan| plan.changes[0].kind = ChangeKind::Closed));
        assert!(is_covered("waiting", |plan| plan.changes[0].kind = ChangeKind::Create));
        assert!(is_covered("closed", |plan| plan.changes[0].content_digest.push('!')));
    }
}
