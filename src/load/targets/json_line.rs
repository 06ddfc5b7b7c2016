//! A few fields of one JSON object, everything else skipped unread.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::domain::{RowValues, TargetIdRef};
use crate::load::targets::BadLineReason;

/// The fields that are read of every line, and what the last line had in them.
#[derive(Debug)]
pub(super) struct JsonFields {
    /// Each field once, that of the id first.
    names: Vec<String>,
    /// For each value that was asked for, its place among the names.
    asked_for: Vec<usize>,
    /// For each name, where its text is.
    found: Vec<Found>,
    /// The texts that were found.
    text: String,
    values: RowValues,
}

/// What a line has in one field.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Found {
    Nothing,
    Null,
    Text(Range<usize>),
    Twice,
}

impl JsonFields {
    /// Takes the names of the field of the id and of those of the values.
    pub(super) fn new(id: &str, values: &[String]) -> Self {
        let mut names = vec![id.to_owned()];
        let mut asked_for = Vec::with_capacity(values.len());
        for value in values {
            let place = names.iter().position(|name| name == value).unwrap_or(names.len());
            if place == names.len() {
                names.push(value.clone());
            }
            asked_for.push(place);
        }
        let found = vec![Found::Nothing; names.len()];
        Self { names, asked_for, found, text: String::new(), values: RowValues::default() }
    }

    /// Reads the id and the values out of a line.
    ///
    /// An id is a text, or a whole number as its digits: exports often have such ids. A value is a text, or a
    /// number or truth value as it is written.
    pub(super) fn read(&mut self, line: &str) -> Result<(), BadLineReason> {
        self.found.fill(Found::Nothing);
        self.text.clear();
        self.values.clear();
        // Told in the case of a mistake: the field that was read last.
        let mut field = 0;
        let mut deserializer = serde_json::Deserializer::from_str(line);
        deserializer
            .deserialize_map(Object { fields: self, field: &mut field })
            .and_then(|()| deserializer.end())
            .map_err(|error| self.mistake(field, &error))?;
        for place in &self.asked_for {
            let name = || self.names[*place].clone();
            match &self.found[*place] {
                Found::Nothing => return Err(BadLineReason::NoField(name())),
                Found::Twice => return Err(BadLineReason::FieldTwice(name())),
                Found::Text(range) if !range.is_empty() => self.values.push(&self.text[range.clone()]),
                Found::Null | Found::Text(_) => return Err(BadLineReason::NoValue(name())),
            }
        }
        Ok(())
    }

    /// Returns the id of the line that was read.
    pub(super) fn id(&self) -> Result<TargetIdRef<'_>, BadLineReason> {
        match &self.found[0] {
            Found::Text(range) => Ok(TargetIdRef::new(&self.text[range.clone()])?),
            Found::Nothing | Found::Null => Err(BadLineReason::NoField(self.names[0].clone())),
            Found::Twice => Err(BadLineReason::FieldTwice(self.names[0].clone())),
        }
    }

    /// Returns the values of the line that was read.
    pub(super) fn values(&self) -> &RowValues {
        &self.values
    }

    fn mistake(&self, field: usize, error: &serde_json::Error) -> BadLineReason {
        BadLineReason::Json { field: self.names[field].clone(), reason: reason(error) }
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

struct Object<'fields> {
    fields: &'fields mut JsonFields,
    field: &'fields mut usize,
}

impl<'line> Visitor<'line> for Object<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'line>>(self, mut entries: A) -> Result<(), A::Error> {
        let JsonFields { names, found, text, .. } = self.fields;
        while let Some(place) = entries.next_key_seed(Key(names))? {
            let Some(place) = place else {
                entries.next_value::<IgnoredAny>()?;
                continue;
            };
            *self.field = place;
            let start = text.len();
            let new = if place == 0 {
                text.push_str(&entries.next_value_seed(Id)?);
                Found::Text(start..text.len())
            } else {
                match value(entries.next_value::<&RawValue>()?).map_err(A::Error::custom)? {
                    Some(value) => {
                        text.push_str(&value);
                        Found::Text(start..text.len())
                    }
                    None => Found::Null,
                }
            };
            *self.field = 0;
            found[place] = if found[place] == Found::Nothing { new } else { Found::Twice };
        }
        Ok(())
    }
}

/// The one mistake that a text can hold after it was skipped without one: half of a surrogate pair.
const NO_CHARACTER: &str = "an escape stands for no character";

/// Returns the text of a value, or nothing for `null`.
fn value(raw: &RawValue) -> Result<Option<Cow<'_, str>>, &'static str> {
    let raw = raw.get();
    match raw.as_bytes().first() {
        Some(b'"') if raw.contains('\\') => {
            Ok(Some(Cow::Owned(serde_json::from_str(raw).map_err(|_| NO_CHARACTER)?)))
        }
        Some(b'"') => Ok(Some(Cow::Borrowed(&raw[1..raw.len() - 1]))),
        Some(b'n') => Ok(None),
        Some(b'[') => Err("found a list, expected a text, a number, true or false"),
        Some(b'{') => Err("found an object, expected a text, a number, true or false"),
        _ => Ok(Some(Cow::Borrowed(raw))),
    }
}

/// Finds a key among the names without keeping it.
struct Key<'names>(&'names [String]);

impl<'line> DeserializeSeed<'line> for Key<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'line>>(self, deserializer: D) -> Result<Option<usize>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = Option<usize>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Option<usize>, E> {
        Ok(self.0.iter().position(|name| name == key))
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
