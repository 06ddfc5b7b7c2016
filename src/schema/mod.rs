//! JSON Schemas from the types that parse.
//!
//! Editors read the committed ones (`schema/*.json`), `load` validates with the same. Nothing here knows a
//! key's name: the types do.

mod editor;

use std::sync::LazyLock;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use crate::load::model::{CampaignFile, ProjectFile};
use crate::load::{Shape, Shapes};
use crate::plan::PlanDocument;

/// What the schemas' names begin with: names, not addresses, so nothing tries to fetch them.
const BASE: &str = "urn:campaignctl:schema:";

/// A schema by the name of what it describes.
#[derive(Clone, Copy, Debug)]
pub struct Named {
    /// What it describes, and what its file is called: `NAME.schema.json`.
    pub name: &'static str,
    /// Generates it from the types, anew each time.
    pub generate: fn() -> Value,
}

impl Named {
    /// Returns the name of the schema's file.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("{}.schema.json", self.name)
    }

    /// Returns the schema as its file holds it: pretty-printed, with a line feed at the end.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{:#}\n", (self.generate)())
    }
}

/// Every schema there is.
pub const ALL: &[Named] = &[
    Named { name: "project", generate: project },
    Named { name: "campaign", generate: campaign },
    Named { name: "plan", generate: plan },
];

/// Generates the schema of the project file.
#[must_use]
pub fn project() -> Value {
    generate::<ProjectFile>("project")
}

/// Generates the schema of a campaign file.
#[must_use]
pub fn campaign() -> Value {
    generate::<CampaignFile>("campaign")
}

/// Generates the schema of a saved plan.
#[must_use]
pub fn plan() -> Value {
    generate::<PlanDocument>("plan")
}

/// Returns the shapes of the YAML files, which [`load`](crate::load) validates with.
#[must_use]
pub fn shapes() -> &'static Shapes {
    static SHAPES: LazyLock<Shapes> =
        LazyLock::new(|| Shapes { project: Shape::new(project()), campaign: Shape::new(campaign()) });
    &SHAPES
}

/// Generates the schema of a type, draft 2020-12, shaped for editors.
fn generate<T: JsonSchema>(name: &str) -> Value {
    let settings = SchemaSettings::draft2020_12().with_transform(editor::ForEditors);
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.insert("$id".to_owned(), format!("{BASE}{name}").into());
    schema.to_value()
}
