//! A reply's JSON: every value as it came, so that what contradicts itself can be seen.

use std::fmt;

use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// A value.
#[derive(Debug, PartialEq)]
pub(super) enum Json {
    Null,
    Bool(bool),
    /// A whole number, as a text.
    Number(String),
    /// Any other number.
    Fraction(f64),
    Text(String),
    List(Vec<Json>),
    Object(Fields),
}

impl Json {
    /// Returns a text.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns a text beside what decides: where the vendor writes a number instead, that number; anything else is none.
    pub(super) fn aside(&self) -> Option<String> {
        match self {
            Self::Text(text) | Self::Number(text) => Some(text.clone()),
            _ => None,
        }
    }

    /// Whether it says nothing.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Null | Self::Bool(false) => true,
            Self::Bool(true) | Self::Number(_) | Self::Fraction(_) => false,
            Self::Text(text) => text.trim().is_empty(),
            Self::List(list) => list.is_empty(),
            Self::Object(fields) => fields.0.is_empty(),
        }
    }

    fn distinct(self) -> Result<Value, String> {
        Ok(match self {
            Self::Null => Value::Null,
            Self::Bool(is_so) => is_so.into(),
            Self::Number(digits) => Value::Number(digits.parse().expect("it was a number")),
            Self::Fraction(number) => number.into(),
            Self::Text(text) => text.into(),
            Self::List(list) => list.into_iter().map(Self::distinct).collect::<Result<_, _>>()?,
            Self::Object(Fields(fields)) => {
                let mut distinct = Map::new();
                for (name, value) in fields {
                    if distinct.contains_key(&name) {
                        return Err(format!("the field `{name}` is there twice"));
                    }
                    distinct.insert(name, value.distinct()?);
                }
                Value::Object(distinct)
            }
        })
    }
}

/// An object: its fields in their order, those of one name, too.
#[derive(Debug, PartialEq)]
pub(super) struct Fields(Vec<(String, Json)>);

impl Fields {
    /// Returns an object without fields.
    pub(super) fn none() -> &'static Self {
        static NONE: Fields = Fields(Vec::new());
        &NONE
    }

    /// Returns a field as the vendor's SDKs spell its name (`ResultCode`); null is as good as nothing.
    ///
    /// # Errors
    ///
    /// Says so if it is there twice, or if another spelling (`resultCode`) says something else.
    pub(super) fn get(&self, name: &str) -> Result<&Json, String> {
        let alike = || self.0.iter().filter(|(spelled, _)| is_alike(spelled, name));
        let mut exact = alike().filter(|(spelled, _)| spelled == name).map(|(_, value)| value);
        let value = exact.next().unwrap_or(&Json::Null);
        if exact.next().is_some() || alike().any(|(_, other)| other != value) {
            return Err(format!(
                "it has two fields `{name}`, or another spelling of it that says something else"
            ));
        }
        Ok(value)
    }
}

/// Whether two names differ in their spelling only: `PushResult`, `pushResult`, `push_result`.
fn is_alike(one: &str, other: &str) -> bool {
    let letters = |name| {
        let letters = str::bytes(name).filter(|byte| !matches!(byte, b'_' | b'-'));
        letters.map(|byte| byte.to_ascii_lowercase())
    };
    letters(one).eq(letters(other))
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Json::deserialize(deserializer)? {
            Json::Object(fields) => Ok(fields),
            _ => Err(D::Error::custom("not an object")),
        }
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("anything")
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
        Ok(Json::Number(number.to_string()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
        Ok(Json::Number(number.to_string()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Json, E> {
        Ok(Json::Fraction(number))
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Json, E> {
        Ok(Json::Bool(flag))
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element()? {
            values.push(value);
        }
        Ok(Json::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Json::Object(Fields(fields)))
    }
}

/// A JSON value of which no object has a field twice: of two, serde alone would keep the last.
pub(super) struct Distinct(pub(super) Value);

impl<'de> Deserialize<'de> for Distinct {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Json::deserialize(deserializer)?.distinct().map(Self).map_err(D::Error::custom)
    }
}
