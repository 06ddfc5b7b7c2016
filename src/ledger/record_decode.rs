//! Reads the records that come by the thousand or million: intents, outcomes and contents in one pass over their line, what
//! was packed in two.
//!
//! serde's flattening and tags, which the other records use, first build every field as a value; here they are read
//! into their place. Says the same: a test holds both ways against each other.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::domain::Revision;
use crate::ledger::content::{Content, ContentDigest};
use crate::ledger::id::{RunId, Serial};
use crate::ledger::intent::{IntentRecord, Outcome};
use crate::ledger::record::Entry;
use crate::ledger::record::Record;
use crate::ledger::text::hashes;

/// Every field of an intent's and an outcome's line. Unknown ones are passed over, as in all records.
#[derive(Deserialize)]
struct Fields<'a> {
    serial: Serial,
    at: DateTime<Utc>,
    #[serde(borrow)]
    record: Cow<'a, str>,
    run: Option<RunId>,
    #[serde(borrow)]
    campaign: Option<Cow<'a, str>>,
    batch: Option<u32>,
    #[serde(borrow)]
    action: Option<Cow<'a, str>>,
    task_name: Option<String>,
    nonce: Option<String>,
    request: Option<String>,
    over_at: Option<DateTime<Utc>>,
    #[serde(borrow)]
    targets: Option<Cow<'a, str>>,
    intent: Option<Serial>,
    #[serde(borrow)]
    result: Option<Cow<'a, str>>,
    request_id: Option<String>,
    task_id: Option<String>,
    revision: Option<u32>,
    digest: Option<ContentDigest>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    planned: Option<u64>,
}

/// Reads a line.
pub(super) fn entry(line: &[u8]) -> Result<Entry, serde_json::Error> {
    match serde_json::from_slice::<Fields<'_>>(line).ok().and_then(|fields| record(fields, line)) {
        Some(entry) => Ok(entry),
        None => serde_json::from_slice(line),
    }
}

/// Returns the entry of a record that comes often; nothing for another, and for what lacks a field.
fn record(fields: Fields<'_>, line: &[u8]) -> Option<Entry> {
    let Fields { serial, at, .. } = fields;
    let record = match (&*fields.record, fields.result.as_deref()) {
        ("intent", _) => Record::Intent(IntentRecord {
            run: fields.run?,
            campaign: fields.campaign?.parse().ok()?,
            revision: Revision::new(fields.revision?).ok()?,
            batch: fields.batch?,
            call: fields.action?.parse().ok()?,
            task_name: fields.task_name?,
            nonce: fields.nonce?,
            request: fields.request,
            over_at: fields.over_at,
            targets: hashes(&fields.targets?).ok()?,
        }),
        ("outcome", Some("accepted")) => {
            let outcome = Outcome::Accepted { request_id: fields.request_id, task_id: fields.task_id };
            Record::Outcome { intent: fields.intent?, outcome }
        }
        ("submitted", _) => Record::Submitted {
            run: fields.run?,
            campaign: fields.campaign?.parse().ok()?,
            revision: Revision::new(fields.revision?).ok()?,
            digest: fields.digest?,
            content: Content::recorded(fields.content?)?,
            planned: fields.planned,
        },
        ("packed_edition", _) => Record::PackedRevision(serde_json::from_slice(line).ok()?),
        ("packed_targets", _) => Record::PackedTargets(serde_json::from_slice(line).ok()?),
        _ => return None,
    };
    Some(Entry { serial, at, record })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Call, TargetHash};
    use crate::ledger::Writer;

    fn intent(over_at: Option<DateTime<Utc>>, targets: usize) -> Record {
        Record::Intent(IntentRecord {
            run: RunId::new(uuid::Uuid::from_u128(5)),
            campaign: "payday".parse().unwrap(),
            revision: Revision::FIRST,
            batch: 7,
            call: Call::Template,
            task_name: "日\"\\n".into(),
            nonce: "n".into(),
            request: over_at.map(|_| "sha256:00".to_owned()),
            over_at,
            targets: vec![TargetHash([0xA5; 16]); targets],
        })
    }

    #[test]
    fn a_call_of_no_table_is_an_error_and_never_another_call() {
        let mut writer = Writer::default();
        let at = DateTime::UNIX_EPOCH;
        let line = String::from_utf8(writer.encode(at, &intent(None, 1)).1).unwrap();
        assert!(line.contains("\"action\":\"PushTemplate\""), "{line}");
        let other = line.replace("PushTemplate", "PushLater");
        let error = entry(other.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("`PushLater` is no call that pushes"), "{error}");
    }

    #[test]
    fn both_ways_read_the_same() {
        let request_id = Some("R\u{1}".to_owned());
        let accepted = |task_id: Option<&str>| Outcome::Accepted {
            request_id: request_id.clone(),
            task_id: task_id.map(ToOwned::to_owned),
        };
        let rejected = Outcome::Rejected { code: "c".into(), message: "m".into(), request_id: None };
        let unknown = Outcome::Unknown { why: "w".into(), code: None, request_id: None };
        let outcomes = [accepted(None), accepted(Some("t")), rejected, unknown];
        let outcomes = outcomes.map(|outcome| Record::Outcome { intent: Serial(3), outcome });
        let content = crate::ledger::content_decode::tests::content(crate::domain::Schedule::Now);
        let submitted = Record::Submitted {
            run: RunId::new(uuid::Uuid::from_u128(5)),
            campaign: "payday".parse().unwrap(),
            revision: Revision::FIRST,
            digest: content.digest(),
            content,
            planned: Some(3),
        };
        let named = vec![crate::ledger::BlockName::of(&[7; 32])];
        let packed = Record::PackedTargets(crate::ledger::packed::PackedTargets {
            campaign: "payday".parse().unwrap(),
            revision: Revision::FIRST,
            blocks: named,
        });
        let intents = [intent(None, 0), intent(Some(DateTime::UNIX_EPOCH), 10)];
        let mut writer = Writer::default();
        for record in intents.into_iter().chain(outcomes).chain([submitted, packed]) {
            let (serial, line) = writer.encode(DateTime::UNIX_EPOCH, &record);
            let expected = Entry { serial, at: DateTime::UNIX_EPOCH, record };
            assert_eq!(serde_json::from_slice::<Entry>(&line).unwrap(), expected);
            assert_eq!(entry(&line).unwrap(), expected);
        }
    }

    #[test]
    fn what_lacks_a_field_or_has_a_wrong_one_is_refused_as_ever() {
        for wrong in [
            r#"{"serial":1,"at":"1970-01-01T00:00:00Z","record":"outcome","result":"accepted"}"#,
            r#"{"serial":1,"at":"1970-01-01T00:00:00Z","record":"intent","run":"x"}"#,
            r#"{"serial":1,"at":"1970-01-01T00:00:00Z","record":"later"}"#,
            r#"{"serial":1"#,
        ] {
            assert!(entry(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
