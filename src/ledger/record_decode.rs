//! Reads records, each kind by its own type, once the head of the line told which it is.
//!
//! serde's flattening and tags, by which the records are declared, first build every field as a value. The records that come
//! by the thousand or million are read straight into their place; a test holds both ways against each other.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::domain::{CampaignId, Revision};
use crate::ledger::content::{Content, ContentDigest};
use crate::ledger::id::{RunId, Serial};
use crate::ledger::intent::Outcome;
use crate::ledger::record::Entry;
use crate::ledger::record::Record;
use crate::ledger::text::{as_number, as_text};

/// What all records have, and what tells their kinds apart.
#[derive(Deserialize)]
struct Head<'a> {
    serial: Serial,
    at: DateTime<Utc>,
    #[serde(borrow)]
    record: Cow<'a, str>,
    #[serde(borrow)]
    result: Option<Cow<'a, str>>,
}

/// The fields of [`Record::Submitted`].
#[derive(Deserialize)]
struct Submitted {
    run: RunId,
    #[serde(with = "as_text")]
    campaign: CampaignId,
    #[serde(with = "as_number")]
    revision: Revision,
    digest: ContentDigest,
    #[serde(deserialize_with = "recorded")]
    content: Content,
    planned: Option<u64>,
}

/// The fields of [`Record::Outcome`] where the vendor took the batch.
#[derive(Deserialize)]
struct Accepted {
    intent: Serial,
    request_id: Option<String>,
    task_id: Option<String>,
}

/// Reads a line.
pub(super) fn entry(line: &[u8]) -> Result<Entry, serde_json::Error> {
    let Head { serial, at, record, result } = serde_json::from_slice(line)?;
    let record = match (&*record, result.as_deref()) {
        ("intent", _) => Record::Intent(serde_json::from_slice(line)?),
        ("outcome", Some("accepted")) => {
            let Accepted { intent, request_id, task_id } = serde_json::from_slice(line)?;
            Record::Outcome { intent, outcome: Outcome::Accepted { request_id, task_id } }
        }
        ("submitted", _) => {
            let Submitted { run, campaign, revision, digest, content, planned } =
                serde_json::from_slice(line)?;
            Record::Submitted { run, campaign, revision, digest, content, planned }
        }
        ("packed_edition", _) => Record::PackedRevision(serde_json::from_slice(line)?),
        ("packed_targets", _) => Record::PackedTargets(serde_json::from_slice(line)?),
        _ => serde_json::from_slice(line)?,
    };
    Ok(Entry { serial, at, record })
}

/// Keeps a content as the text that it is.
fn recorded<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Content, D::Error> {
    let text = <&RawValue>::deserialize(deserializer)?;
    Content::recorded(text).ok_or_else(|| D::Error::custom("the content is no mapping that can be read"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Call, TargetHash};
    use crate::ledger::Writer;
    use crate::ledger::intent::IntentRecord;

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
