//! A request as parameters, whatever client made it.
//!
//! Clients put common parameters into the query, the body or headers, spaces as `+` or `%20`, and flatten
//! maps into dotted keys (captures of five clients).

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// One call, authenticated.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) action: String,
    pub(super) request_id: String,
    /// Decoded, from query and body alike.
    pub(super) parameters: BTreeMap<String, String>,
}

impl Call {
    /// Returns a parameter that is there and not empty.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// Returns a parameter that may be one JSON text or dotted keys: `X={"a":1}`, or `X.a=1` and `X.1.b=2`.
    pub(super) fn value(&self, name: &str) -> Option<Result<Value, serde_json::Error>> {
        if let Some(text) = self.text(name) {
            return Some(serde_json::from_str(text));
        }
        let prefix = format!("{name}.");
        let mut root = Value::Null;
        for (key, value) in &self.parameters {
            if let Some(path) = key.strip_prefix(&prefix) {
                put(&mut root, path, value);
            }
        }
        (!root.is_null()).then(|| Ok(lists(root)))
    }
}

fn put(node: &mut Value, path: &str, value: &str) {
    let (head, rest) = path.split_once('.').map_or((path, None), |(head, rest)| (head, Some(rest)));
    if !node.is_object() {
        *node = Value::Object(Map::new());
    }
    let entry = node.as_object_mut().expect("made an object just above").entry(head).or_insert(Value::Null);
    match rest {
        Some(rest) => put(entry, rest, value),
        None => *entry = Value::String(value.to_owned()),
    }
}

/// Turns maps whose keys are 1, 2, 3 … into lists.
fn lists(value: Value) -> Value {
    let Value::Object(entries) = value else { return value };
    let mut by_number: BTreeMap<usize, Value> = BTreeMap::new();
    let is_list = entries
        .keys()
        .all(|key| key.parse::<usize>().is_ok_and(|number| (1..=entries.len()).contains(&number)));
    if !is_list {
        return Value::Object(entries.into_iter().map(|(key, value)| (key, lists(value))).collect());
    }
    for (key, value) in entries {
        by_number.insert(key.parse().expect("looked at just above"), lists(value));
    }
    Value::Array(by_number.into_values().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dotted_keys_become_maps_and_lists() {
        let pairs =
            [("X.hms.data", "x y"), ("X.hms.n", "1"), ("X.l.1", "a"), ("X.l.2.b", "c"), ("Y", "{\"z\":1}")];
        let call = Call {
            action: String::new(),
            request_id: String::new(),
            parameters: pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        };
        let expected = serde_json::json!({ "hms": { "data": "x y", "n": "1" }, "l": ["a", { "b": "c" }] });
        assert_eq!(call.value("X").unwrap().unwrap(), expected);
        assert_eq!(call.value("Y").unwrap().unwrap(), serde_json::json!({ "z": 1 }));
        assert!(call.value("Z").is_none());
    }
}
