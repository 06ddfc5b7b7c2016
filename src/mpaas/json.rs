//! A reply's JSON: every value as it came, so that what contradicts itself can be seen.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// A value, which borrows its texts from the reply where it can.
#[derive(Debug, PartialEq)]
pub(super) enum Json<'a> {
    Null,
    Bool(bool),
    /// A whole number, as a text.
    Number(String),
    /// Any other number.
    Fraction(f64),
    Text(Cow<'a, str>),
    List(Vec<Json<'a>>),
    Object(Fields<'a>),
}

impl Json<'_> {
    /// Returns a text.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns a text beside what decides: where the vendor writes a number instead, that number; anything else is none.
    pub(super) fn aside(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Number(digits) => Some(digits),
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
            Self::Text(text) => text.into_owned().into(),
            Self::List(list) => list.into_iter().map(Self::distinct).collect::<Result<_, _>>()?,
            Self::Object(Fields(fields)) => {
                let mut distinct = Map::new();
                for (name, value) in fields {
                    if distinct.contains_key(&*name) {
                        return Err(format!("the field `{name}` is there twice"));
                    }
                    distinct.insert(name.into_owned(), value.distinct()?);
                }
                Value::Object(distinct)
            }
        })
    }
}

/// An object: its fields in their order, those of one name, too.
#[derive(Debug, PartialEq)]
pub(super) struct Fields<'a>(Vec<(Cow<'a, str>, Json<'a>)>);

impl<'a> Fields<'a> {
    /// Returns an object without fields.
    pub(super) fn none() -> &'static Fields<'static> {
        static NONE: Fields<'static> = Fields(Vec::new());
        &NONE
    }

    /// Returns the fields of some names, as the vendor's SDKs spell them (`ResultCode`), and those of other names. Null is as
    /// good as nothing.
    ///
    /// # Errors
    ///
    /// Says so if one of them is there twice, or if another spelling of it (`resultCode`) says something else.
    pub(super) fn split<const N: usize>(&self, names: [&'static str; N]) -> Result<Split<'_, 'a, N>, String> {
        let twice = |name| {
            Err(format!("it has two fields `{name}`, or another spelling of it that says something else"))
        };
        let mut exact = [None; N];
        let mut alike: Vec<(usize, &Json<'a>)> = Vec::new();
        let mut others = Vec::new();
        for (spelled, value) in &self.0 {
            if let Some(place) = names.iter().position(|name| name == spelled) {
                if exact[place].replace(value).is_some() {
                    return twice(names[place]);
                }
            } else if let Some(place) = names.iter().position(|name| is_alike(spelled, name)) {
                alike.push((place, value));
            } else {
                others.push((&**spelled, value));
            }
        }
        let known = exact.map(|value| value.unwrap_or(&Json::Null));
        match alike.iter().find(|(place, value)| known[*place] != *value) {
            Some((place, _)) => twice(names[*place]),
            None => Ok(Split { known, others }),
        }
    }

    /// Returns every field, whatever its name.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Json<'a>)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }
}

/// An object's fields, those that were asked for and the others.
pub(super) struct Split<'fields, 'a, const N: usize> {
    /// In the order in which they were asked for.
    pub(super) known: [&'fields Json<'a>; N],
    /// In their own order.
    pub(super) others: Vec<(&'fields str, &'fields Json<'a>)>,
}

/// Whether two names differ in their spelling only: `PushResult`, `pushResult`, `push_result`.
fn is_alike(one: &str, other: &str) -> bool {
    let first = |name: &str| name.bytes().next().filter(u8::is_ascii_alphabetic);
    if let (Some(one), Some(other)) = (first(one), first(other))
        && !one.eq_ignore_ascii_case(&other)
    {
        return false;
    }
    let letters = |name| {
        let letters = str::bytes(name).filter(|byte| !matches!(byte, b'_' | b'-'));
        letters.map(|byte| byte.to_ascii_lowercase())
    };
    letters(one).eq(letters(other))
}

impl<'de> Deserialize<'de> for Json<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Json::deserialize(deserializer)? {
            Json::Object(fields) => Ok(fields),
            _ => Err(D::Error::custom("not an object")),
        }
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("anything")
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Json::Text(text.to_owned().into()))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Json::Text(text.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Json::Number(number.to_string()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Json::Number(number.to_string()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Json::Fraction(number))
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(Json::Bool(flag))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Json::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element()? {
            values.push(value);
        }
        Ok(Json::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::new();
        while let Some(name) = map.next_key()? {
            let Json::Text(name) = name else { return Err(A::Error::custom("a name is no text")) };
            fields.push((name, map.next_value()?));
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
