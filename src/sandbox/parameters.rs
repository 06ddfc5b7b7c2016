//! The parameters of a request: query and form merged, and dotted keys put together again.

use std::collections::BTreeMap;

use percent_encoding::percent_decode;
use serde_json::{Map, Value};

/// Deepest nesting of dotted keys: no caller of the vendor's comes near, and recursion must end.
const DEPTH_MAX: usize = 32;

/// Dotted keys that make no value: one path is a text and a map at once, or is far too deep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tangled;

/// The decoded parameters of one request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Parameters {
    values: BTreeMap<String, String>,
    is_utf8: bool,
}

impl Parameters {
    /// Decodes query and form, `+` as a space; a form's value wins over the query's.
    pub(super) fn decode(query: &str, form: &[u8]) -> Self {
        let pairs = form_urlencoded::parse(query.as_bytes()).chain(form_urlencoded::parse(form));
        let is_utf8 = [query.as_bytes(), form].iter().all(|raw| percent_decode(raw).decode_utf8().is_ok());
        Self { values: pairs.map(|(key, value)| (key.into_owned(), value.into_owned())).collect(), is_utf8 }
    }

    /// Returns a parameter's value, which may be empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Returns all of them, by name.
    pub(super) fn all(&self) -> &BTreeMap<String, String> {
        &self.values
    }

    /// Gives all of them away.
    pub(super) fn into_all(self) -> BTreeMap<String, String> {
        self.values
    }

    /// Whether everything decoded is UTF-8; where it is not, the values have replacement characters.
    pub(super) fn is_utf8(&self) -> bool {
        self.is_utf8
    }

    /// Puts `NAME.a.b=…` together: a map, or a list where the keys are 1, 2, 3 …; nothing without such keys.
    ///
    /// # Errors
    ///
    /// Returns [`Tangled`] when they make no value.
    pub(super) fn dotted(&self, name: &str) -> Result<Option<Value>, Tangled> {
        let prefix = format!("{name}.");
        let mut root = Map::new();
        for (key, value) in self.values.range(prefix.clone()..) {
            let Some(path) = key.strip_prefix(&prefix) else { break };
            insert(&mut root, path, value, 0)?;
        }
        Ok((!root.is_empty()).then(|| with_lists(Value::Object(root))))
    }
}

fn insert(map: &mut Map<String, Value>, path: &str, value: &str, depth: usize) -> Result<(), Tangled> {
    if depth == DEPTH_MAX {
        return Err(Tangled);
    }
    let Some((key, rest)) = path.split_once('.') else {
        let before = map.insert(path.to_owned(), Value::String(value.to_owned()));
        return if before.is_none() { Ok(()) } else { Err(Tangled) };
    };
    match map.entry(key).or_insert_with(|| Value::Object(Map::new())) {
        Value::Object(inner) => insert(inner, rest, value, depth + 1),
        _ => Err(Tangled),
    }
}

/// Turns maps whose keys are exactly 1 to n into lists.
fn with_lists(value: Value) -> Value {
    let Value::Object(mut map) = value else { return value };
    let keys: Vec<String> = (1..=map.len()).map(|number| number.to_string()).collect();
    if keys.iter().all(|key| map.contains_key(key)) {
        return Value::Array(keys.iter().filter_map(|key| map.remove(key)).map(with_lists).collect());
    }
    Value::Object(map.into_iter().map(|(key, value)| (key, with_lists(value))).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn query_and_form_are_one_with_plus_as_a_space() {
        let parameters = Parameters::decode("Action=A&Empty=", b"x=a+b%2B&y=%E5%BC%A0");
        let all: Vec<_> = parameters.all().iter().map(|(key, value)| format!("{key}={value}")).collect();
        assert_eq!(all, ["Action=A", "Empty=", "x=a b+", "y=张"]);
        assert!(parameters.is_utf8());
        assert!(!Parameters::decode("", b"x=%B0%A1").is_utf8());
    }

    #[test]
    fn dotted_keys_are_maps_and_lists_counted_from_1() {
        let parameters = Parameters::decode("", b"P.hms.data=x+y&P.hms.n=1&L.l.1=1&L.l.2=2&L.10=a&Pa=no");
        let hms = json!({"hms": {"data": "x y", "n": "1"}});
        assert_eq!(parameters.dotted("P"), Ok(Some(hms)));
        assert_eq!(parameters.dotted("L"), Ok(Some(json!({"l": ["1", "2"], "10": "a"}))));
        assert_eq!(parameters.dotted("Q"), Ok(None));
    }

    #[test]
    fn more_than_nine_entries_of_a_list_keep_their_order() {
        let form: Vec<String> = (1..=12).map(|number| format!("T.{number}.Target=t{number}")).collect();
        let list = Parameters::decode("", form.join("&").as_bytes()).dotted("T").unwrap().unwrap();
        assert_eq!(list[1]["Target"], "t2");
        assert_eq!(list[11]["Target"], "t12");
    }

    #[test]
    fn keys_that_contradict_each_other_or_never_end_make_no_value() {
        assert_eq!(Parameters::decode("", b"P.a=1&P.a.b=2").dotted("P"), Err(Tangled));
        let deep = format!("P{}=1", ".a".repeat(100_000));
        assert_eq!(Parameters::decode("", deep.as_bytes()).dotted("P"), Err(Tangled));
    }
}
