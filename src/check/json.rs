//! JSON texts that go to the vendor as one string.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::domain::JsonObject;

/// Writes an object compactly with its keys sorted at every depth, so that the same meaning is the same text.
pub(super) fn object<'value>(
    entries: impl IntoIterator<Item = (&'value str, &'value Map<String, Value>)>,
) -> JsonObject {
    let sorted: Map<String, Value> = entries
        .into_iter()
        .map(|(key, value)| (key, sorted_map(value)))
        .collect::<BTreeMap<_, _>>()
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect();
    JsonObject::from_serialised(Value::Object(sorted).to_string())
}

/// Writes one object the same way.
pub(super) fn flat_object(entries: &Map<String, Value>) -> JsonObject {
    JsonObject::from_serialised(sorted_map(entries).to_string())
}

fn sorted_map(entries: &Map<String, Value>) -> Value {
    let by_key: BTreeMap<&String, &Value> = entries.iter().collect();
    Value::Object(by_key.into_iter().map(|(key, value)| (key.clone(), sorted(value))).collect())
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(entries) => sorted_map(entries),
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sorted_at_every_depth_and_items_keep_their_order() {
        let value: Value = serde_json::from_str(r#"{"b":[{"d":1,"c":"中"},2.5],"a":null}"#).unwrap();
        let text = flat_object(value.as_object().unwrap());
        assert_eq!(text.as_str(), r#"{"a":null,"b":[{"c":"中","d":1},2.5]}"#);
    }
}
