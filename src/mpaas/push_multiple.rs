//! `PushMultiple`: up to a hundred targets, each with a message key and values of its own.
//!
//! Its list leaves as `TargetMsg.1.Target`, `TargetMsg.1.MsgKey` … (the vendor's SDKs of 2019-08-21 and 2020-10-28). The
//! call has no values for all targets: what they share stands in each entry.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::domain::{Call, Campaign, Environment, MessageKey, TargetId};
use crate::mpaas::request::{Action, Form, Request};

/// One target of a `PushMultiple`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MultipleTarget<'a> {
    /// What the wire calls `Target`.
    pub id: &'a TargetId,
    /// `MsgKey`: the same for this target and revision in every request.
    pub key: MessageKey,
    /// Its own values, in the order of the campaign's `values_from`.
    pub values: &'a [String],
}

/// The names of one entry's fields.
struct Names {
    target: &'static str,
    key: &'static str,
    values: &'static str,
}

/// Made once and kept for good: a request has three names for each of its targets, and an apply a request for each
/// hundred.
static NAMES: LazyLock<Vec<Names>> = LazyLock::new(|| {
    let name = |number: usize, field: &str| -> &'static str { format!("TargetMsg.{number}.{field}").leak() };
    let names = |number| Names {
        target: name(number, "Target"),
        key: name(number, "MsgKey"),
        values: name(number, "TemplateKeyValue"),
    };
    (1..=Call::Multiple.targets_max()).map(names).collect()
});

impl Request {
    /// Returns the push of a campaign to at most a hundred targets.
    ///
    /// # Panics
    ///
    /// Panics if there are more targets than one request takes, or if one has not as many values as the campaign takes
    /// from its audience: either would be left out without a word.
    #[must_use]
    pub fn push_multiple(
        environment: &Environment,
        campaign: &Campaign,
        task_name: &str,
        targets: &[MultipleTarget<'_>],
    ) -> Self {
        assert!(
            targets.len() <= NAMES.len(),
            "a request takes {} targets, not {}",
            NAMES.len(),
            targets.len()
        );
        let mut form = Form::to_targets(environment, campaign, task_name);
        let mut values: BTreeMap<&str, &str> =
            campaign.values.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let of_all = (!values.is_empty() && campaign.values_from.is_empty()).then(|| as_json(&values));
        for (target, names) in targets.iter().zip(&*NAMES) {
            form.put(names.target, target.id);
            form.put(names.key, target.key.as_str());
            assert_eq!(target.values.len(), campaign.values_from.len(), "a value for each placeholder");
            if let Some(of_all) = &of_all {
                form.put(names.values, of_all);
            } else if !target.values.is_empty() {
                let own = campaign.values_from.keys().map(String::as_str);
                values.extend(own.zip(target.values.iter().map(String::as_str)));
                form.put(names.values, as_json(&values));
            }
        }
        Self { action: Action::Push(Call::Multiple), parameters: form.0 }
    }
}

fn as_json(values: &BTreeMap<&str, &str>) -> String {
    serde_json::to_string(values).expect("texts are JSON")
}
