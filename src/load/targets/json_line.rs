//! A few fields of one JSON object, everything else skipped unread.

use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroI64;
use std::ops::Range;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::domain::{RowValues, TargetIdRef};
use crate::load::targets::{BadLineReason, json_plain};

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
    #[inline]
    pub(super) fn read(&mut self, line: &str) -> Result<(), BadLineReason> {
        if self.read_plain(line).is_none() {
            self.read_any(line)?;
        }
        self.values.clear();
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

    /// Reads a line that is so plain that nothing can be wrong with it, or returns nothing.
    #[inline]
    fn read_plain(&mut self, line: &str) -> Option<()> {
        let Self { names, found, text, .. } = self;
        found.fill(Found::Nothing);
        text.clear();
        json_plain::entries(line, |key, value| {
            let Some(place) = names.iter().position(|name| name == key) else { return Some(()) };
            let value = &line[value];
            let start = text.len();
            let new = match value.as_bytes()[0] {
                b'"' => {
                    text.push_str(&value[1..value.len() - 1]);
                    Found::Text(start..text.len())
                }
                _ if place == 0 => {
                    // As `serde_json` reads it: a whole number that is no larger than one may be.
                    value.parse::<u64>().map(drop).or_else(|_| value.parse::<NonZeroI64>().map(drop)).ok()?;
                    text.push_str(value);
                    Found::Text(start..text.len())
                }
                b'n' => Found::Null,
                _ => {
                    text.push_str(value);
                    Found::Text(start..text.len())
                }
            };
            let is_first = found[place] == Found::Nothing;
            found[place] = new;
            is_first.then_some(())
        })
    }

    /// Reads a line, or says what is wrong with it.
    #[cold]
    fn read_any(&mut self, line: &str) -> Result<(), BadLineReason> {
        self.found.fill(Found::Nothing);
        self.text.clear();
        // Told in the case of a mistake: the field that was read last.
        let mut field = 0;
        let mut deserializer = serde_json::Deserializer::from_str(line);
        deserializer
            .deserialize_map(Object { fields: self, field: &mut field })
            .and_then(|()| deserializer.end())
            .map_err(|error| self.mistake(field, &error))
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

/// Returns what the reader says, in a person's words, without its `at line 1`, which is not the file's, and without what
/// stands in the line.
fn reason(error: &serde_json::Error) -> String {
    if error.is_eof() {
        return "the line ends too early".to_owned();
    }
    let text = without_value(&error.to_string())
        .replace("invalid type: ", "found ")
        .replace("trailing characters", "something follows the object");
    let place = format!(" at line {} column {}", error.line(), error.column());
    match text.strip_suffix(&place) {
        Some(words) if error.column() == 0 => words.to_owned(),
        Some(words) => format!("{words} at column {}", error.column()),
        None => text,
    }
}

/// Takes the value out of `invalid type: string "…", expected an object`.
fn without_value(text: &str) -> String {
    let found = text.strip_prefix("invalid type: ").or_else(|| text.strip_prefix("invalid value: "));
    match found.and_then(|found| {
        Some((
            found.split([' ', ',']).next()?.replace("floating", "a fraction"),
            found.rsplit_once(", expected ")?.1,
        ))
    }) {
        Some((kind, expected)) => format!("invalid type: {kind}, expected {expected}"),
        None => text.to_owned(),
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// States what a line gives, read in one way.
    fn stated(fields: &JsonFields) -> (Vec<Found>, Vec<String>) {
        let text = |found: &Found| match found {
            Found::Text(range) => fields.text[range.clone()].to_owned(),
            Found::Nothing | Found::Null | Found::Twice => String::new(),
        };
        let kinds = fields.found.iter().map(|found| match found {
            Found::Text(_) => Found::Text(0..0),
            other => other.clone(),
        });
        (kinds.collect(), fields.found.iter().map(text).collect())
    }

    /// What is read plainly, `serde_json` reads the same. Returns whether it was plain.
    fn is_plain(line: &str) -> bool {
        let mut fields = JsonFields::new("id", &["n".to_owned(), "m".to_owned()]);
        if fields.read_plain(line).is_none() {
            return false;
        }
        let plainly = stated(&fields);
        fields.read_any(line).unwrap_or_else(|why| panic!("{line}: {why}"));
        assert_eq!(plainly, stated(&fields), "{line}");
        true
    }

    #[test]
    fn usual_lines_are_plain_and_odd_ones_are_left_to_the_crate() {
        for plain in [
            r#"{"id":"u","n":1}"#,
            " {\t\"id\" : 18446744073709551615 , \"n\" : -0.50 , \"m\":null,\"x\":true}\r ",
            r#"{"n":"你","id":-9223372036854775808,"m":false}"#,
            "{}",
            "{ }",
        ] {
            assert!(is_plain(plain), "{plain}");
        }
        for odd in [
            "",
            "{",
            "{}}",
            "{,}",
            "[]",
            r#"{"id":"u",}"#,
            r#"{"id":"u"} x"#,
            r#"{"id":"a\u0062"}"#,
            r#"{"id":"u","id":"u"}"#,
            r#"{"id":null}"#,
            r#"{"id":1.0}"#,
            r#"{"id":-0}"#,
            r#"{"id":18446744073709551616}"#,
            r#"{"id":"u","n":01}"#,
            r#"{"id":"u","n":1.}"#,
            r#"{"id":"u","n":.1}"#,
            r#"{"id":"u","n":-}"#,
            r#"{"id":"u","n":1e5}"#,
            r#"{"id":"u","n":truex}"#,
            r#"{"id":"u","x":[]}"#,
            r#"{"id":"u" "n":1}"#,
            "{\"id\":\"u\t\"}",
        ] {
            assert!(!is_plain(odd), "{odd}");
        }
    }

    proptest! {
        #[test]
        fn lines_of_json_pieces_mean_the_same_in_both_ways(
            pieces in prop::collection::vec(
                prop::sample::select(vec![
                    "{", "}", "\"id\"", "\"n\"", "\"x\"", ":", ",", "\"", "1", "-", "0", ".", "e", "true", "null",
                    " ", "\\", "\"u1\"", "你", "[", "]", "\u{1}", "\"id\":\"u\"", "\"n\":2.5",
                ]),
                0..14,
            ),
        ) {
            let line = pieces.concat();
            is_plain(&line);
            is_plain(&format!("{{\"id\":{line}}}"));
            is_plain(&format!("{{\"n\":{line},\"id\":7}}"));
        }
    }
}
