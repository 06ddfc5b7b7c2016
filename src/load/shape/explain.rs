//! What a validator complains of, in a person's words.

use std::sync::Arc;

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;
use jsonschema::paths::{Location, LocationSegment};
use serde_json::Value;

use crate::diagnostic::{Code, Diagnostic, Place, Source, closest};
use crate::load::shape::Mistake;
use crate::load::shape::narrow::{self, Finding};
use crate::load::yaml::Tree;

/// Units of a length of time that is written as a number and its unit.
const UNITS_OF_TIME: [char; 4] = ['s', 'm', 'h', 'd'];

/// Longest example in a help line.
const EXAMPLE_CHARS_MAX: usize = 60;

/// Explains the findings about one file.
pub(super) struct Explainer<'file> {
    pub(super) schema: &'file Value,
    pub(super) source: &'file Arc<Source>,
    pub(super) tree: &'file Tree,
    pub(super) root: &'file Value,
}

impl Explainer<'_> {
    pub(super) fn explain(&self, finding: &Finding<'_>) -> Vec<Mistake> {
        match finding {
            Finding::Keyword(error) => self.keyword(error),
            Finding::NoType { at, expected } => vec![self.wrong_type(path(at), expected, at)],
            Finding::NoTag { at, tag, allowed } => {
                let mut path = path(at);
                if self.found(&path).get(tag).is_none() {
                    return vec![self.missing_key(path, tag, at)];
                }
                path.push(tag.clone());
                vec![self.wrong_value(path, allowed)]
            }
        }
    }

    fn keyword(&self, error: &ValidationError<'_>) -> Vec<Mistake> {
        let path = path(error);
        let mistake = match error.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected } => {
                let allowed = self.properties(error).into_iter().flat_map(|keys| keys.keys());
                let allowed: Vec<&str> = allowed.map(String::as_str).collect();
                return unexpected.iter().map(|key| self.unknown_key(path.clone(), key, &allowed)).collect();
            }
            ValidationErrorKind::Required { property } => {
                self.missing_key(path, property.as_str().unwrap_or_default(), error)
            }
            kind @ ValidationErrorKind::Type { .. } => self.wrong_type(path, &narrow::types(kind), error),
            ValidationErrorKind::Enum { options } => {
                self.wrong_value(path, options.as_array().map_or(&[], Vec::as_slice))
            }
            ValidationErrorKind::Constant { expected_value } => {
                self.wrong_value(path, std::slice::from_ref(expected_value))
            }
            ValidationErrorKind::Minimum { limit } => self.out_of_bounds(path, &format!("at least {limit}")),
            ValidationErrorKind::Maximum { limit } => self.out_of_bounds(path, &format!("at most {limit}")),
            ValidationErrorKind::MinLength { .. } => self.out_of_bounds(path, "text that is not empty"),
            _ => {
                let diagnostic = Diagnostic::error(Code::WrongValue, self.value(&path), error.to_string());
                Mistake { path, diagnostic }
            }
        };
        vec![mistake]
    }

    fn unknown_key(&self, mut path: Vec<String>, key: &str, allowed: &[&str]) -> Mistake {
        let help = if let Some(meant) = closest(key, allowed.iter().copied()) {
            format!("did you mean `{meant}`?")
        } else if allowed.is_empty() {
            "remove it; no key can stand here".to_owned()
        } else {
            format!("the keys here are {}", listed(allowed.iter()))
        };
        let message = match path.last() {
            Some(parent) => format!("`{parent}` has no key `{key}`"),
            None => format!("the file has no key `{key}`"),
        };
        path.push(key.to_owned());
        let diagnostic = Diagnostic::error(Code::UnknownKey, self.key(&path), message).help(help);
        Mistake { path, diagnostic }
    }

    fn missing_key(&self, path: Vec<String>, key: &str, error: &ValidationError<'_>) -> Mistake {
        let place = if path.is_empty() { Place::file(self.source.path()) } else { self.key(&path) };
        let message = match path.last() {
            Some(parent) => format!("`{parent}` is missing the key `{key}`"),
            None => format!("the file is missing the key `{key}`"),
        };
        let property = self.properties(error).and_then(|keys| keys.get(key));
        let is_mapping = property.is_some_and(|property| property["type"] == "object");
        let help = match property.and_then(example) {
            Some(example) => format!("add it, for example `{key}: {example}`"),
            None if is_mapping => "add it, with keys and values below it".to_owned(),
            None => match self.tags(error, key).as_slice() {
                [] => "add it".to_owned(),
                tags => {
                    format!("add it: {}", listed(tags.iter().map(|tag| format!("{key}: {}", plain(tag)))))
                }
            },
        };
        Mistake { path, diagnostic: Diagnostic::error(Code::MissingKey, place, message).help(help) }
    }

    fn wrong_type(&self, path: Vec<String>, expected: &[&str], error: &ValidationError<'_>) -> Mistake {
        let found = self.found(&path);
        let schema = self.complaining(error).unwrap_or(&Value::Null);
        let lacks_unit = found.is_number() && is_length_of_time(schema);
        let wanted = if lacks_unit {
            "a number with its unit".to_owned()
        } else {
            alternatives(expected.iter().map(|json_type| type_name(json_type)))
        };
        let message = format!("{} takes {wanted}, not {}", subject(&path), describe(found));
        let written = self.written(&path);
        let help = match found {
            Value::Null => "give it a value, or remove the key".to_owned(),
            Value::Number(_) if lacks_unit => {
                let written = UNITS_OF_TIME.map(|unit| format!("`{written}{unit}`"));
                format!("the unit is missing: write {}", written.join(", "))
            }
            Value::Bool(_) | Value::Number(_) if expected.contains(&"string") => {
                format!("quote it: \"{written}\"")
            }
            Value::String(text) if expected.contains(&"integer") && text.parse::<i64>().is_ok() => {
                format!("remove the quotes: {text}")
            }
            Value::String(_) | Value::Number(_) | Value::Bool(_) if expected.contains(&"array") => {
                format!("write a list: [{written}]")
            }
            Value::Array(items) if items.len() == 1 && !expected.contains(&"array") => {
                "write the one item without its list".to_owned()
            }
            Value::Array(_) if expected.contains(&"string") => match schema["$comment"].as_str() {
                Some(instead) => instead.to_owned(),
                None => "write one text, not a list of them".to_owned(),
            },
            Value::String(text) if expected.contains(&"object") && text.contains(':') => {
                "put a space after the colon: `key: value`".to_owned()
            }
            _ if expected == ["object"] => "write keys and values below it, each as `key: value`".to_owned(),
            _ if expected == ["string"] => "write a text in quotes".to_owned(),
            _ => format!("write {wanted}"),
        };
        let place = self.value(&path);
        Mistake { path, diagnostic: Diagnostic::error(Code::WrongType, place, message).help(help) }
    }

    fn wrong_value(&self, path: Vec<String>, allowed: &[Value]) -> Mistake {
        let found = self.found(&path);
        let message = format!("{} cannot be {}", subject(&path), describe(found));
        let names: Vec<String> = allowed.iter().map(plain).collect();
        // A number is no slip of another: who wrote `30d` must choose, not be led to `60d`.
        let spelled = found.as_str().filter(|text| !text.contains(|c: char| c.is_ascii_digit()));
        let meant = spelled.and_then(|text| closest(text, names.iter().map(String::as_str)));
        let help = match meant {
            Some(meant) => format!("did you mean `{meant}`?"),
            None if names.len() == 1 => format!("write `{}`", names[0]),
            None => format!("write one of {}", listed(names.iter())),
        };
        let place = self.value(&path);
        Mistake { path, diagnostic: Diagnostic::error(Code::WrongValue, place, message).help(help) }
    }

    fn out_of_bounds(&self, path: Vec<String>, bound: &str) -> Mistake {
        let message = format!("{} cannot be {}", subject(&path), describe(self.found(&path)));
        let place = self.value(&path);
        let diagnostic = Diagnostic::error(Code::WrongValue, place, message).help(format!("write {bound}"));
        Mistake { path, diagnostic }
    }

    fn found(&self, path: &[String]) -> &Value {
        let mut found = self.root;
        for step in path {
            let child = match found {
                Value::Object(entries) => entries.get(step),
                Value::Array(items) => step.parse::<usize>().ok().and_then(|place| items.get(place)),
                _ => None,
            };
            found = child.unwrap_or(&Value::Null);
        }
        found
    }

    fn value(&self, path: &[String]) -> Place {
        Place::span(self.source, self.tree.value_range(&steps(path)))
    }

    fn key(&self, path: &[String]) -> Place {
        Place::span(self.source, self.tree.key_range(&steps(path)))
    }

    /// Returns a value as it stands in the file.
    fn written(&self, path: &[String]) -> &str {
        &self.source.text()[self.tree.value_range(&steps(path))]
    }

    /// Returns the properties of the schema whose keyword complains.
    fn properties(&self, error: &ValidationError<'_>) -> Option<&serde_json::Map<String, Value>> {
        self.complaining(error)?.get("properties")?.as_object()
    }

    /// Returns the values of a tag that the branches of the complaining schema have.
    fn tags(&self, error: &ValidationError<'_>, tag: &str) -> Vec<&Value> {
        let branches =
            self.complaining(error).and_then(|schema| schema.get("oneOf")).and_then(Value::as_array);
        let tags = branches.into_iter().flatten().map(|branch| &branch["properties"][tag]["const"]);
        tags.filter(|tag| !tag.is_null()).collect()
    }

    /// Returns the schema whose keyword complains.
    fn complaining(&self, error: &ValidationError<'_>) -> Option<&Value> {
        let mut schema = self.schema;
        let segments: Vec<LocationSegment<'_>> = error.evaluation_path().iter().collect();
        let (_keyword, parents) = segments.split_last()?;
        for segment in parents {
            schema = match segment {
                LocationSegment::Property(name) if name == "$ref" => {
                    let pointer = schema.get("$ref")?.as_str()?.strip_prefix('#')?;
                    self.schema.pointer(pointer)?
                }
                LocationSegment::Property(name) => schema.get(name.as_ref())?,
                LocationSegment::Index(place) => schema.get(place)?,
            };
        }
        Some(schema)
    }
}

fn path(error: &ValidationError<'_>) -> Vec<String> {
    let location: &Location = error.instance_path();
    location.iter().map(|segment| segment.to_string()).collect()
}

fn steps(path: &[String]) -> Vec<&str> {
    path.iter().map(String::as_str).collect()
}

/// Names what stands at a path: its key, or the list that it is an item of.
fn subject(path: &[String]) -> String {
    match path {
        [] => "the file".to_owned(),
        [.., list, item] if item.parse::<usize>().is_ok() => format!("an item of `{list}`"),
        [.., key] => format!("`{key}`"),
    }
}

fn type_name(json_type: &str) -> &'static str {
    match json_type {
        "string" => "text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "`true` or `false`",
        "array" => "a list",
        "object" => "a mapping",
        _ => "nothing",
    }
}

fn describe(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(is_true) => format!("`{is_true}`"),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) if text.is_empty() => "an empty text".to_owned(),
        Value::String(text) if text.chars().count() > 40 || text.contains('\n') => "this text".to_owned(),
        Value::String(text) => format!("`{text}`"),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a mapping".to_owned(),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Whether a schema's first example is a length of time, such as `12h`.
fn is_length_of_time(schema: &Value) -> bool {
    let number = schema["examples"][0].as_str().and_then(|example| example.strip_suffix(UNITS_OF_TIME));
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit()))
}

/// Returns a property's first example, if it fits on a line.
fn example(property: &Value) -> Option<String> {
    let example = property.get("examples")?.get(0)?;
    Some(plain(example)).filter(|example| example.chars().count() <= EXAMPLE_CHARS_MAX)
}

fn listed(names: impl Iterator<Item = impl std::fmt::Display>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn alternatives(names: impl Iterator<Item = &'static str>) -> String {
    names.collect::<Vec<_>>().join(" or ")
}
