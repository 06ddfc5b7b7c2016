//! A few fields of one JSON object, as `serde_json` reads them; everything else is passed over.

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
    #[inline]
    pub(super) fn read(&mut self, line: &str) -> Result<(), BadLineReason> {
        self.read_object(line)?;
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

    /// Reads a line, or says what is wrong with it.
    #[inline]
    fn read_object(&mut self, line: &str) -> Result<(), BadLineReason> {
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

    /// States what a line gives: id and value, or what is wrong.
    fn read(line: &str) -> Result<[String; 2], String> {
        let mut fields = JsonFields::new("id", &["n".to_owned()]);
        fields.read(line).map_err(|why| why.to_string())?;
        let id = fields.id().map_err(|why| why.to_string())?.as_str().to_owned();
        Ok([id, fields.values().iter().collect()])
    }

    #[test]
    fn odd_lines_are_read_as_json_has_them() {
        let read_as = |line: &str, id: &str, value: &str| {
            assert_eq!(read(line), Ok([id.to_owned(), value.to_owned()]), "{line}");
        };
        read_as(
            " {\t\"id\" : 18446744073709551615 , \"n\" : -0.50 ,\"x\":true}\r ",
            "18446744073709551615",
            "-0.50",
        );
        read_as(r#"{"n":"你","id":-9223372036854775808,"m":false}"#, "-9223372036854775808", "你");
        read_as(r#"{"i\u0064":"a\u0062","n":1e5,"x":[{"id":"u"}]}"#, "ab", "1e5");
        for odd in [
            "",
            "{",
            "{}}",
            "{,}",
            "[]",
            r#"{"id":"u","n":1,}"#,
            r#"{"id":"u","n":1} x"#,
            r#"{"id":"u","n":1,"id":"u"}"#,
            r#"{"id":"u","n":1,"n":1}"#,
            r#"{"id":null,"n":1}"#,
            r#"{"id":1.0,"n":1}"#,
            r#"{"id":18446744073709551616,"n":1}"#,
            r#"{"id":"u","n":01}"#,
            r#"{"id":"u","n":1.}"#,
            r#"{"id":"u","n":.1}"#,
            r#"{"id":"u","n":-}"#,
            r#"{"id":"u","n":truex}"#,
            r#"{"id":"u","n":[]}"#,
            r#"{"id":"u" "n":1}"#,
            "{\"id\":\"u\t\",\"n\":1}",
        ] {
            assert!(read(odd).is_err(), "{odd}: {:?}", read(odd));
        }
    }

    /// A JSON value, and what it is as an id and as a value, where it can be one.
    type Written = (&'static str, Option<&'static str>, Option<&'static str>);

    const WRITTEN: [Written; 12] = [
        (r#""u1""#, Some("u1"), Some("u1")),
        (r#""a\u4f60\"b""#, Some("a你\"b"), Some("a你\"b")),
        (r#""{,}:""#, Some("{,}:"), Some("{,}:")),
        ("7", Some("7"), Some("7")),
        ("-0.50", None, Some("-0.50")),
        ("1E+3", None, Some("1E+3")),
        ("true", None, Some("true")),
        ("false", None, Some("false")),
        ("null", None, None),
        ("[]", None, None),
        (r#"{"id":"inner","n":[1]}"#, None, None),
        (r#"[{"id":1},"n"]"#, None, None),
    ];

    proptest! {
        /// Whatever stands between them and around them, the two fields give what was written, and nothing else does.
        #[test]
        fn fields_are_found_wherever_they_stand(
            (id, n) in (prop::sample::select(&WRITTEN[..]), prop::sample::select(&WRITTEN[..])),
            others in prop::collection::vec(("[a-h]|n2|ID", prop::sample::select(&WRITTEN[..])), 0..4),
            (id_at, n_at) in (any::<prop::sample::Index>(), any::<prop::sample::Index>()),
            space in "[ \t\r]{0,2}",
        ) {
            let mut entries: Vec<(String, &str)> =
                others.iter().map(|(key, (text, ..))| (key.clone(), *text)).collect();
            entries.insert(id_at.index(entries.len() + 1), ("id".to_owned(), id.0));
            entries.insert(n_at.index(entries.len() + 1), ("n".to_owned(), n.0));
            let entry = |(key, text): &(String, &str)| format!("{space}\"{key}\"{space}:{space}{text}{space}");
            let line = format!("{space}{{{}}}{space}", entries.iter().map(entry).collect::<Vec<_>>().join(","));
            let expected = id.1.zip(n.2).map(|(id, n)| [id.to_owned(), n.to_owned()]);
            prop_assert_eq!(read(&line).ok(), expected, "{}", line);
        }
    }
}
