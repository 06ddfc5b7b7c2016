//! A file's shape: its value against the JSON Schema of its kind.
//!
//! The schemas are compiled by `schema` and handed in. Does not know what any key is for: all it says comes
//! from the schema. A `$comment` in it says what to write instead of a list, where one text is wanted.

mod explain;
mod narrow;

use std::sync::{Arc, OnceLock};

use jsonschema::Validator;
use serde_json::Value;

use crate::diagnostic::{Diagnostic, Source};
use crate::load::yaml::Tree;

/// A JSON Schema, compiled when it is first needed.
#[derive(Debug)]
pub struct Shape {
    schema: Value,
    validator: OnceLock<Validator>,
}

/// The shapes of the two kinds of YAML file.
#[derive(Debug)]
pub struct Shapes {
    /// The project file's.
    pub project: Shape,
    /// A campaign file's.
    pub campaign: Shape,
}

/// A mistake of shape, and the path of the value that it is in.
pub(super) struct Mistake {
    pub(super) path: Vec<String>,
    pub(super) diagnostic: Diagnostic,
}

impl Shape {
    /// Takes a JSON Schema of draft 2020-12, which must be sound.
    #[must_use]
    pub fn new(schema: Value) -> Self {
        Self { schema, validator: OnceLock::new() }
    }

    /// Returns the keys that each declaration of a section has to have.
    pub(super) fn required(&self, section: &str) -> impl Iterator<Item = &str> {
        let declared = &self.schema["properties"][section]["additionalProperties"];
        let pointer = declared["$ref"].as_str().and_then(|path| path.strip_prefix('#'));
        let declared = pointer.and_then(|pointer| self.schema.pointer(pointer)).unwrap_or(declared);
        declared["required"].as_array().into_iter().flatten().filter_map(Value::as_str)
    }

    /// Lists every mistake of a file's value, in no particular order.
    pub(super) fn mistakes(&self, source: &Arc<Source>, tree: &Tree, value: &Value) -> Vec<Mistake> {
        let explainer = explain::Explainer { schema: &self.schema, source, tree, root: value };
        let compiled = || jsonschema::draft202012::new(&self.schema).expect("a generated schema is a schema");
        let validator = self.validator.get_or_init(compiled);
        let mut mistakes = Vec::new();
        for error in validator.iter_errors(value) {
            for error in narrow::narrow(&error) {
                mistakes.extend(explainer.explain(&error));
            }
        }
        mistakes
    }
}
