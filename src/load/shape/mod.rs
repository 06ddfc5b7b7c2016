//! A file's shape: its value against the JSON Schema of its kind.
//!
//! The schemas are compiled by `schema` and handed in. Does not know what any key is for: all it says comes
//! from the schema.

mod explain;
mod narrow;

use std::sync::Arc;

use jsonschema::{ValidationError, Validator};
use serde_json::Value;

use crate::diagnostic::{Diagnostic, Source};
use crate::load::yaml::Tree;

/// A compiled JSON Schema.
#[derive(Debug)]
pub struct Shape {
    schema: Value,
    validator: Validator,
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
    /// Compiles a JSON Schema of draft 2020-12.
    ///
    /// # Errors
    ///
    /// Returns what is wrong with the schema.
    pub fn compile(schema: Value) -> Result<Self, Box<ValidationError<'static>>> {
        let validator = jsonschema::draft202012::new(&schema).map_err(Box::new)?;
        Ok(Self { schema, validator })
    }

    /// Lists every mistake of a file's value, in no particular order.
    pub(super) fn mistakes(&self, source: &Arc<Source>, tree: &Tree, value: &Value) -> Vec<Mistake> {
        let explainer = explain::Explainer { schema: &self.schema, source, tree, root: value };
        let mut mistakes = Vec::new();
        for error in self.validator.iter_errors(value) {
            for error in narrow::narrow(&error) {
                mistakes.extend(explainer.explain(&error));
            }
        }
        mistakes
    }
}
