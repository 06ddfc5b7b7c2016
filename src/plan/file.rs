//! A saved plan: canonical JSON, with a digest over everything that matters.

use std::io::{self, BufWriter, IntoInnerError, Write};

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::plan::document::{
    ChangeDocument, ChangeKind, FORMAT, MessageDocument, PlanDocument, TargetsDocument, VERSION,
};
use crate::plan::schedule::ScheduleDocument;

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

/// Returns SHA-256 over the plan's facts: where it pushes to, and what is pushed, to whom and when. When and by which version it
/// was made, from which files and after which records, in which order of words it says why, and how time deals with what is
/// not pushed, makes no push another one.
pub(super) fn digest(plan: &PlanDocument) -> String {
    let facts = Facts {
        format: &plan.format,
        version: plan.version,
        project: &plan.project,
        environment: &plan.environment,
        app_id: &plan.app_id,
        workspace_id: &plan.workspace_id,
        tenant_id: plan.tenant_id.as_deref(),
        endpoint: &plan.endpoint,
        region: plan.region.as_deref(),
        api_version: &plan.api_version,
        lineage: plan.ledger.as_ref().map(|ledger| ledger.lineage.as_str()),
        to_push: [plan.summary.to_push, plan.summary.targets, plan.summary.requests],
        changes: plan.changes.iter().map(Fact::of).collect(),
    };
    let mut hash = BufWriter::new(Hash(Sha256::new()));
    serde_json::to_writer(&mut hash, &facts).expect("a plan is made of what JSON can hold");
    let hash = hash.into_inner().map_err(IntoInnerError::into_error).expect("a hash takes every byte");
    format!("sha256:{}", hex::encode(hash.0.finalize()))
}

#[derive(Serialize)]
struct Facts<'plan> {
    format: &'plan str,
    version: u32,
    project: &'plan str,
    environment: &'plan str,
    app_id: &'plan str,
    workspace_id: &'plan str,
    tenant_id: Option<&'plan str>,
    endpoint: &'plan str,
    region: Option<&'plan str>,
    api_version: &'plan str,
    lineage: Option<&'plan str>,
    to_push: [u64; 3],
    changes: Vec<Fact<'plan>>,
}

/// The facts of one campaign.
#[derive(Serialize)]
struct Fact<'plan> {
    campaign: &'plan str,
    revision: u32,
    content_digest: &'plan str,
    audience_digest: &'plan str,
    /// What stops it: the kind, and the code of the reason.
    stopped: Option<(ChangeKind, Option<&'plan str>)>,
    push: Option<PushFact<'plan>>,
}

/// The facts of what is pushed, at once or once its window opens.
#[derive(Serialize)]
struct PushFact<'plan> {
    kind: ChangeKind,
    call: &'plan str,
    recipients: &'plan str,
    targets: &'plan TargetsDocument,
    requests: u64,
    first_batch: u32,
    values_digest: Option<&'plan str>,
    push_digest: &'plan str,
    schedule: &'plan ScheduleDocument,
    first_at: Option<DateTime<Utc>>,
    message: Option<&'plan MessageDocument>,
    content: Option<&'plan Map<String, Value>>,
}

impl<'plan> Fact<'plan> {
    fn of(change: &'plan ChangeDocument) -> Self {
        let is_push = change.kind.is_push() || change.kind == ChangeKind::Later;
        let is_stopped = matches!(change.kind, ChangeKind::Blocked | ChangeKind::Held);
        Self {
            campaign: &change.campaign,
            revision: change.revision,
            content_digest: &change.content_digest,
            audience_digest: &change.audience_digest,
            stopped: is_stopped.then_some((change.kind, change.code.as_deref())),
            push: is_push.then(|| PushFact {
                kind: change.kind,
                call: &change.call,
                recipients: &change.recipients,
                targets: &change.targets,
                requests: change.requests,
                first_batch: change.first_batch,
                values_digest: change.values_digest.as_deref(),
                push_digest: &change.push_digest,
                schedule: &change.schedule,
                first_at: change.first_at,
                message: change.message.as_ref(),
                content: change.content.as_ref(),
            }),
        }
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
    fn a_digest_covers_every_fact_of_what_is_pushed() {
        for kind in ["create", "add", "continue", "later"] {
            assert!(is_covered(kind, |plan| plan.changes[0].targets.to_push += 1));
            assert!(is_covered(kind, |plan| plan.changes[0].requests += 1));
            assert!(is_covered(kind, |plan| plan.changes[0].values_digest = Some("v".to_owned())));
            assert!(is_covered(kind, |plan| plan.changes[0].first_at = Some(DateTime::UNIX_EPOCH)));
            assert!(is_covered(kind, |plan| plan.changes[0].content = None));
            assert!(is_covered(kind, |plan| {
                plan.changes[0].message =
                    Some(MessageDocument { title: "t".to_owned(), body: "b".to_owned() });
            }));
        }
        assert!(is_covered("create", |plan| plan.summary.targets += 1));
        assert!(is_covered("create", |plan| plan.ledger.as_mut().unwrap().lineage.push('!')));
        assert!(is_covered("create", |plan| plan.ledger = None));
        assert!(is_covered("create", |plan| plan.tenant_id = Some("t".to_owned())));
        assert!(is_covered("blocked", |plan| plan.changes[0].code = Some("renamed".to_owned())));
    }

    #[test]
    fn a_digest_covers_no_words_no_file_and_not_how_time_deals_with_what_is_not_pushed() {
        for kind in ["create", "later", "blocked", "up_to_date"] {
            assert!(!is_covered(kind, |plan| plan.changes[0].reason.push('!')));
            assert!(!is_covered(kind, |plan| plan.changes[0].note = Some("n".to_owned())));
            assert!(!is_covered(kind, |plan| plan.changes[0].help = Some("h".to_owned())));
            assert!(!is_covered(kind, |plan| plan.changes[0].declared_at.line += 1));
            assert!(!is_covered(kind, |plan| plan.inputs[0].digest.push('!')));
            assert!(!is_covered(kind, |plan| plan.ledger.as_mut().unwrap().serial += 1));
        }
        assert!(!is_covered("create", |plan| plan.made_by.push('!')));
        assert!(!is_covered("create", |plan| plan.made_at += chrono::TimeDelta::days(1)));
        assert!(!is_covered("waiting", |plan| plan.changes[0].kind = ChangeKind::UpToDate));
        assert!(!is_covered("up_to_date", |plan| plan.changes[0].kind = ChangeKind::Closed));
        assert!(is_covered("waiting", |plan| plan.changes[0].kind = ChangeKind::Create));
        assert!(is_covered("closed", |plan| plan.changes[0].content_digest.push('!')));
    }
}
