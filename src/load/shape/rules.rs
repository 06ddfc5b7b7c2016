//! The quick judge: whether a value that was read plainly has a schema's shape.
//!
//! A schema is compiled into these rules at once, and into a validator only for what they cannot say: where a value
//! does not fit, the validator tells why. A schema with a keyword that is not known here has no rules, and a value
//! that no rule judges is left to the validator too. Builds with debug assertions ask both about everything.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::load::yaml::{Meaning, Node};

/// A schema's rules: those of its root first, then those of its definitions.
#[derive(Debug)]
pub(super) struct Rules(Vec<Rule>);

/// What one schema asks for. All of it must hold.
#[derive(Debug, Default)]
struct Rule {
    kinds: Option<Vec<JsonKind>>,
    properties: Vec<(Box<str>, Rule)>,
    required: Vec<Box<str>>,
    others: Option<Others>,
    items: Option<Box<Rule>>,
    values: Option<Vec<Allowed>>,
    shortest: Option<usize>,
    lowest: Option<i128>,
    highest: Option<i128>,
    any_of: Option<Vec<Rule>>,
    one_of: Option<Vec<Rule>>,
    /// Another schema that holds too, by its place.
    reference: Option<usize>,
}

/// What becomes of keys that `properties` does not name.
#[derive(Debug)]
enum Others {
    Refused,
    Taken(Box<Rule>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum JsonKind {
    Null,
    Boolean,
    Integer,
    Number,
    String,
    Array,
    Object,
}

/// One of the values that a schema lists.
#[derive(Debug)]
enum Allowed {
    Text(Box<str>),
    Integer(i128),
}

impl Rules {
    /// Compiles a schema, if all of its keywords are known here.
    pub(super) fn compile(schema: &Value) -> Option<Self> {
        let empty = Map::new();
        let definitions = schema.get("$defs").map_or(Some(&empty), Value::as_object)?;
        // The root's place is 0.
        let places: HashMap<&str, usize> =
            definitions.keys().enumerate().map(|(place, name)| (name.as_str(), place + 1)).collect();
        let all = std::iter::once(schema).chain(definitions.values());
        all.map(|schema| rule(schema, &places)).collect::<Option<Vec<Rule>>>().map(Self)
    }

    /// Whether a value fits; nothing where the rules cannot say.
    pub(super) fn fit(&self, node: Node<'_>) -> Option<bool> {
        self.holds(self.0.first()?, node)
    }

    fn holds(&self, rule: &Rule, node: Node<'_>) -> Option<bool> {
        if let Some(place) = rule.reference
            && !self.holds(self.0.get(place)?, node)?
        {
            return Some(false);
        }
        if let Some(rules) = &rule.any_of
            && self.count(rules, node)? == 0
        {
            return Some(false);
        }
        if let Some(rules) = &rule.one_of
            && self.count(rules, node)? != 1
        {
            return Some(false);
        }
        let meaning = node.meaning();
        if let Some(kinds) = &rule.kinds
            && !kinds.iter().try_fold(false, |is_one, kind| Some(is_one || is_of(*kind, meaning)?))?
        {
            return Some(false);
        }
        if let Some(values) = &rule.values
            && !is_allowed(values, meaning)?
        {
            return Some(false);
        }
        match meaning {
            Meaning::Mapping(entries) => {
                if !rule.required.iter().all(|key| node.has(entries, key)) {
                    return Some(false);
                }
                for [key, value] in entries {
                    if !self.holds_of_key(rule, node.key(*key)?, node.of(*value))? {
                        return Some(false);
                    }
                }
                Some(true)
            }
            Meaning::List(list) => {
                let Some(items) = &rule.items else { return Some(true) };
                list.iter().try_fold(true, |fit, item| Some(fit && self.holds(items, node.of(*item))?))
            }
            Meaning::Text(text) => Some(rule.shortest.is_none_or(|shortest| {
                text.len() >= shortest && text.chars().take(shortest).count() == shortest
            })),
            Meaning::Integer(number) => {
                let is_low = rule.lowest.is_some_and(|lowest| number < lowest);
                let is_high = rule.highest.is_some_and(|highest| number > highest);
                Some(!is_low && !is_high)
            }
            Meaning::Float(_) if rule.lowest.is_some() || rule.highest.is_some() => None,
            Meaning::Null | Meaning::Bool(_) | Meaning::Float(_) => Some(true),
            Meaning::Unclear => None,
        }
    }

    fn count(&self, rules: &[Rule], node: Node<'_>) -> Option<usize> {
        rules.iter().try_fold(0, |count, rule| Some(count + usize::from(self.holds(rule, node)?)))
    }

    fn holds_of_key(&self, rule: &Rule, key: &str, value: Node<'_>) -> Option<bool> {
        if let Some((_, own)) = rule.properties.iter().find(|(name, _)| **name == *key) {
            return self.holds(own, value);
        }
        match &rule.others {
            None => Some(true),
            Some(Others::Refused) => Some(false),
            Some(Others::Taken(others)) => self.holds(others, value),
        }
    }
}

fn rule(schema: &Value, places: &HashMap<&str, usize>) -> Option<Rule> {
    let mut rule = Rule::default();
    let of = |schema: &Value| self::rule(schema, places);
    for (keyword, value) in schema.as_object()? {
        match keyword.as_str() {
            "$schema"
            | "$id"
            | "$defs"
            | "$comment"
            | "title"
            | "description"
            | "examples"
            | "default"
            | "format"
            | "markdownEnumDescriptions" => {}
            "$ref" => rule.reference = Some(*places.get(value.as_str()?.strip_prefix("#/$defs/")?)?),
            "type" => rule.kinds = Some(kinds(value)?),
            "properties" => {
                let entries = value.as_object()?.iter();
                rule.properties = entries
                    .map(|(key, schema)| Some((key.as_str().into(), of(schema)?)))
                    .collect::<Option<_>>()?;
            }
            "required" => {
                let keys = value.as_array()?.iter();
                rule.required = keys.map(|key| key.as_str().map(Into::into)).collect::<Option<_>>()?;
            }
            "additionalProperties" => {
                rule.others = match value {
                    Value::Bool(true) => None,
                    Value::Bool(false) => Some(Others::Refused),
                    schema => Some(Others::Taken(Box::new(of(schema)?))),
                };
            }
            "items" => rule.items = Some(Box::new(of(value)?)),
            "enum" => rule.values = Some(value.as_array()?.iter().map(allowed).collect::<Option<_>>()?),
            "const" => rule.values = Some(vec![allowed(value)?]),
            "minLength" => rule.shortest = Some(usize::try_from(value.as_u64()?).ok()?),
            "minimum" => rule.lowest = Some(integer(value)?),
            "maximum" => rule.highest = Some(integer(value)?),
            "anyOf" => rule.any_of = Some(value.as_array()?.iter().map(of).collect::<Option<_>>()?),
            "oneOf" => rule.one_of = Some(value.as_array()?.iter().map(of).collect::<Option<_>>()?),
            _ => return None,
        }
    }
    Some(rule)
}

fn kinds(value: &Value) -> Option<Vec<JsonKind>> {
    let kind = |value: &Value| {
        Some(match value.as_str()? {
            "null" => JsonKind::Null,
            "boolean" => JsonKind::Boolean,
            "integer" => JsonKind::Integer,
            "number" => JsonKind::Number,
            "string" => JsonKind::String,
            "array" => JsonKind::Array,
            "object" => JsonKind::Object,
            _ => return None,
        })
    };
    match value {
        Value::Array(kinds) => kinds.iter().map(kind).collect(),
        one => Some(vec![kind(one)?]),
    }
}

fn integer(value: &Value) -> Option<i128> {
    value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from))
}

fn allowed(value: &Value) -> Option<Allowed> {
    match value {
        Value::String(text) => Some(Allowed::Text(text.as_str().into())),
        Value::Number(_) => integer(value).map(Allowed::Integer),
        _ => None,
    }
}

/// Whether a value is of a kind. That of `1.0` is left to the validator.
fn is_of(kind: JsonKind, meaning: Meaning<'_>) -> Option<bool> {
    Some(match meaning {
        Meaning::Null => kind == JsonKind::Null,
        Meaning::Bool(_) => kind == JsonKind::Boolean,
        Meaning::Integer(_) => matches!(kind, JsonKind::Integer | JsonKind::Number),
        Meaning::Float(_) if kind == JsonKind::Integer => return None,
        Meaning::Float(_) => kind == JsonKind::Number,
        Meaning::Text(_) => kind == JsonKind::String,
        Meaning::List(_) => kind == JsonKind::Array,
        Meaning::Mapping(_) => kind == JsonKind::Object,
        Meaning::Unclear => return None,
    })
}

/// Whether a value is one of those listed. Whether a list's `1` is `1.0` is left to the validator.
fn is_allowed(values: &[Allowed], meaning: Meaning<'_>) -> Option<bool> {
    match meaning {
        Meaning::Float(_) | Meaning::Unclear => None,
        Meaning::Text(text) => {
            Some(values.iter().any(|value| matches!(value, Allowed::Text(allowed) if **allowed == *text)))
        }
        Meaning::Integer(number) => {
            Some(values.iter().any(|value| matches!(value, Allowed::Integer(allowed) if *allowed == number)))
        }
        Meaning::Null | Meaning::Bool(_) | Meaning::List(_) | Meaning::Mapping(_) => Some(false),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;
    use crate::diagnostic::Source;
    use crate::load::yaml;
    use crate::schema;

    #[test]
    fn the_schemas_have_rules() {
        assert!(Rules::compile(&schema::campaign()).is_some());
        assert!(Rules::compile(&schema::project()).is_some());
    }

    #[test]
    fn a_schema_with_another_keyword_has_none() {
        assert!(Rules::compile(&serde_json::json!({ "type": "string", "pattern": "a" })).is_none());
        let within = serde_json::json!({ "properties": { "a": { "items": { "uniqueItems": true } } } });
        assert!(Rules::compile(&within).is_none());
        assert!(Rules::compile(&serde_json::json!({ "enum": [1.5] })).is_none());
    }

    /// Returns what the rules say of a text, and what a validator does; nothing where it is not written plainly.
    fn judged(schema: &Value, text: &str) -> Option<(Option<bool>, bool)> {
        let tree = yaml::read_plainly(&Source::new("a.yaml".to_owned(), text.to_owned()))?;
        let root = Node::root(&tree)?;
        let validator = jsonschema::draft202012::new(schema).unwrap();
        Some((
            Rules::compile(schema).unwrap().fit(root),
            validator.is_valid(&Value::deserialize(root).unwrap()),
        ))
    }

    #[test]
    fn each_keyword_judges_as_the_validator_does() {
        let values = [
            "true",
            "0",
            "1",
            "2",
            "16",
            "a",
            "\"\"",
            "您",
            "您好",
            "ab",
            "abc",
            "[]",
            "[a]",
            "[1, a]",
            "[2, 1]",
            "{}",
            "{a: b}",
            "{a: 1, b: c}",
            "{b: c}",
            "{a: {a: 1}}",
            "null",
        ];
        let schemas = [
            r#"{"type": "string"}"#,
            r#"{"type": ["integer", "null"]}"#,
            r#"{"type": "array", "items": {"type": "integer"}}"#,
            r#"{"minLength": 2}"#,
            r#"{"minimum": 1, "maximum": 2}"#,
            r#"{"enum": ["a", 16]}"#,
            r#"{"const": "ab"}"#,
            r#"{"required": ["a"]}"#,
            r#"{"properties": {"a": {"type": "string"}}, "additionalProperties": false}"#,
            r#"{"additionalProperties": {"type": "string"}}"#,
            r#"{"additionalProperties": true}"#,
            r#"{"anyOf": [{"type": "string"}, {"minimum": 2}]}"#,
            r#"{"oneOf": [{"type": "string"}, {"minLength": 2}]}"#,
            r##"{"$defs": {"a": {"properties": {"a": {"$ref": "#/$defs/b"}}}, "b": {"type": "integer"}}, "$ref": "#/$defs/a", "minLength": 3}"##,
            r#"{"type": "boolean"}"#,
            r#"{"type": "object"}"#,
            r#"{"type": "number"}"#,
        ];
        let (mut fit, mut unfit) = (0, 0);
        for schema in schemas.map(|schema| serde_json::from_str::<Value>(schema).unwrap()) {
            for value in values {
                let (rules, validator) = judged(&schema, &format!("{value}\n")).unwrap();
                assert_eq!(rules, Some(validator), "{value} against {schema}");
                if validator { fit += 1 } else { unfit += 1 }
            }
        }
        assert!(fit > 50 && unfit > 50, "{fit} fit, {unfit} do not");
    }

    #[test]
    fn whether_a_float_is_whole_is_left_to_the_validator() {
        for schema in [r#"{"type": "integer"}"#, r#"{"enum": [1]}"#, r#"{"minimum": 1}"#] {
            let schema = serde_json::from_str(schema).unwrap();
            assert_eq!(judged(&schema, "1.0\n"), Some((None, true)));
        }
    }

    /// Every campaign file of the corpora, good and bad.
    fn files() -> Vec<String> {
        fn below(directory: &Path, found: &mut Vec<String>) {
            for entry in std::fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    below(&path, found);
                } else if path.extension().is_some_and(|extension| extension == "yaml") {
                    found.extend(std::fs::read_to_string(&path));
                }
            }
        }
        let mut found = Vec::new();
        below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus"), &mut found);
        assert!(found.len() > 50);
        found
    }

    /// Files with a few lines of other files in place of their own, and other values and keys.
    fn edited() -> impl Strategy<Value = String> {
        let files = files();
        let lines: Vec<String> = files.iter().flat_map(|text| text.lines().map(str::to_owned)).collect();
        let values =
            vec!["1", "0", "a", "\"\"", "true", "[]", "[a]", "{}", "{a: b}", "2.5", "now", "once", "day"];
        let edit =
            (any::<prop::sample::Index>(), prop::sample::select(lines), prop::sample::select(values), 0..5);
        (prop::sample::select(files), prop::collection::vec(edit, 0..3)).prop_map(|(text, edits)| {
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            for (at, line, value, kind) in edits {
                if lines.is_empty() {
                    break;
                }
                let at = at.index(lines.len());
                let edited = match (kind, lines[at].split_once(": ")) {
                    (0, Some((key, _))) => format!("{key}: {value}"),
                    (1, Some((key, rest))) => format!("{key}x: {rest}"),
                    (2, _) => String::new(),
                    (3, _) => format!(
                        "{}{}",
                        &lines[at][..lines[at].len() - lines[at].trim_start().len()],
                        line.trim_start()
                    ),
                    _ => lines[at].clone(),
                };
                lines[at] = edited;
            }
            lines.join("\n") + "\n"
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_the_rules_say_of_a_file_the_validator_says(text in edited()) {
            for schema in [schema::campaign(), schema::project()] {
                if let Some((Some(rules), validator)) = judged(&schema, &text) {
                    prop_assert_eq!(rules, validator);
                }
            }
        }
    }
}
