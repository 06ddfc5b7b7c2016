//! One field of one JSON object, everything else skipped unread.

use std::borrow::Cow;
use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, Visitor};

use crate::domain::TargetId;
use crate::load::targets::BadLineReason;

/// Reads the target id out of a line. A whole number is taken as its digits: exports often have such ids.
pub(super) fn target(line: &str, field: &str) -> Result<TargetId, BadLineReason> {
    let mut deserializer = serde_json::Deserializer::from_str(line);
    let found = deserializer
        .deserialize_map(FieldOf { field })
        .and_then(|found| deserializer.end().map(|()| found))
        .map_err(|error| BadLineReason::Json { field: field.to_owned(), reason: reason(&error) })?;
    match found {
        Found::One(id) => Ok(id.parse()?),
        Found::None => Err(BadLineReason::NoField(field.to_owned())),
        Found::Several => Err(BadLineReason::FieldTwice(field.to_owned())),
    }
}

/// Returns what the reader says, in a person's words and without its `at line 1`, which is not the file's.
fn reason(error: &serde_json::Error) -> String {
    if error.is_eof() {
        return "the line ends too early".to_owned();
    }
    let text = error
        .to_string()
        .replace("invalid type: ", "found ")
        .replace("trailing characters", "something follows the object");
    let place = format!(" at line {} column {}", error.line(), error.column());
    match text.strip_suffix(&place) {
        Some(words) if error.column() == 0 => words.to_owned(),
        Some(words) => format!("{words} at column {}", error.column()),
        None => text,
    }
}

enum Found<'line> {
    None,
    One(Cow<'line, str>),
    Several,
}

struct FieldOf<'field> {
    field: &'field str,
}

impl<'line> Visitor<'line> for FieldOf<'_> {
    type Value = Found<'line>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'line>>(self, mut entries: A) -> Result<Found<'line>, A::Error> {
        let mut found = Found::None;
        while let Some(is_field) = entries.next_key_seed(IsKey(self.field))? {
            if !is_field {
                entries.next_value::<IgnoredAny>()?;
                continue;
            }
            let id = entries.next_value_seed(Id)?;
            found = match found {
                Found::None => Found::One(id),
                Found::One(_) | Found::Several => Found::Several,
            };
        }
        Ok(found)
    }
}

/// Compares a key without keeping it.
struct IsKey<'field>(&'field str);

impl<'line> DeserializeSeed<'line> for IsKey<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'line>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for IsKey<'_> {
    type Value = bool;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<bool, E> {
        Ok(key == self.0)
    }
}

/// Takes a text, or a whole number as its digits.
struct Id;

impl<'line> DeserializeSeed<'line> for Id {
    type Value = Cow<'line, str>;

    fn deserialize<D: Deserializer<'line>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'line> Visitor<'line> for Id {
    type Value = Cow<'line, str>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text or a whole number")
    }

    fn visit_borrowed_str<E: Error>(self, id: &'line str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(id))
    }

    fn visit_str<E: Error>(self, id: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(id.to_owned()))
    }

    fn visit_u64<E: Error>(self, id: u64) -> Result<Self::Value, E> {
        Ok(Cow::Owned(id.to_string()))
    }

    fn visit_i64<E: Error>(self, id: i64) -> Result<Self::Value, E> {
        Ok(Cow::Owned(id.to_string()))
    }
}
