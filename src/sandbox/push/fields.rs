//! Typed reading of business parameters: what cannot be read is 3028.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::Value;

use crate::sandbox::parameters::Parameters;
use crate::sandbox::result_code::{Refusal, ResultCode};

/// Business parameters by name, with their types.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a>(pub(super) &'a Parameters);

impl<'a> Fields<'a> {
    /// Returns a text; an empty one is none.
    pub(super) fn text(self, name: &str) -> Option<&'a str> {
        self.0.get(name).filter(|value| !value.is_empty())
    }

    /// Returns a whole number.
    pub(super) fn number(self, name: &str) -> Result<Option<i64>, Refusal> {
        let Some(text) = self.text(name) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| malformed(format!("{name} is no whole number")))
    }

    /// Returns a whole number that is one of a few.
    pub(super) fn one_of(self, name: &str, allowed: &[i64]) -> Result<Option<i64>, Refusal> {
        match self.number(name)? {
            Some(number) if !allowed.contains(&number) => {
                Err(malformed(format!("{name} is none of {allowed:?}")))
            }
            number => Ok(number),
        }
    }

    /// Returns a text that is one of a few.
    pub(super) fn word(self, name: &str, allowed: &[&str]) -> Result<Option<&'a str>, Refusal> {
        match self.text(name) {
            Some(text) if !allowed.contains(&text) => {
                Err(malformed(format!("{name} is none of {allowed:?}")))
            }
            text => Ok(text),
        }
    }

    /// Returns the entries of a JSON object that came as text.
    pub(super) fn map(self, name: &str) -> Result<Option<Vec<(String, Value)>>, Refusal> {
        self.text(name).map(|text| object(name, text)).transpose()
    }

    /// Returns the entries of an object that came as JSON text or as dotted keys.
    pub(super) fn any_map(self, name: &str) -> Result<Option<Vec<(String, Value)>>, Refusal> {
        let dotted =
            self.0.dotted(name).map_err(|_| malformed(format!("the keys {name}.… contradict each other")))?;
        match (self.map(name)?, dotted) {
            (Some(_), Some(_)) => Err(malformed(format!("{name} came as text and as dotted keys"))),
            (None, Some(Value::Object(map))) => Ok(Some(map.into_iter().collect())),
            (None, Some(_)) => Err(malformed(format!("{name} is no object"))),
            (map, None) => Ok(map),
        }
    }
}

/// Reads one JSON object whose keys are all different.
pub(super) fn object(name: &str, text: &str) -> Result<Vec<(String, Value)>, Refusal> {
    let entries: Entries = serde_json::from_str(text)
        .map_err(|error| malformed(format!("{name} is no JSON object as it should be: {error}")))?;
    Ok(entries.0)
}

/// Turns the entries of an object into texts; numbers and booleans as they are written.
pub(super) fn texts(name: &str, entries: Vec<(String, Value)>) -> Result<BTreeMap<String, String>, Refusal> {
    let text = |value: Value| match value {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(is_true) => Some(is_true.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    };
    let texts = entries.into_iter().map(|(key, value)| Some((key, text(value)?)));
    texts.collect::<Option<_>>().ok_or_else(|| malformed(format!("a value of {name} is no text")))
}

/// Refuses what cannot be read, or says what cannot be.
pub(super) fn malformed(why: String) -> Refusal {
    ResultCode::InvalidParam.because(why)
}

/// An object's entries in their order. A key twice is an error: a lenient reader would drop the first one,
/// and with it a target, without a word.
struct Entries(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor;

        impl<'de> Visitor<'de> for EntriesVisitor {
            type Value = Entries;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Entries, A::Error> {
                let mut entries: BTreeMap<String, usize> = BTreeMap::new();
                let mut ordered = Vec::new();
                while let Some((key, value)) = access.next_entry::<String, Value>()? {
                    if entries.insert(key.clone(), ordered.len()).is_some() {
                        return Err(A::Error::custom(format!("the key `{key}` is there twice")));
                    }
                    ordered.push((key, value));
                }
                Ok(Entries(ordered))
            }
        }

        deserializer.deserialize_map(EntriesVisitor)
    }
}
