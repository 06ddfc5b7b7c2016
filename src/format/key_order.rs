//! The order in which the schema has the keys of a mapping.

use std::sync::LazyLock;

use serde_json::Value;

use crate::schema;

/// What kind of file a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// The project file.
    Project,
    /// Any other YAML file of a workspace.
    Campaign,
}

impl FileKind {
    /// Returns the keys that the mapping at a path may have, in order; none where its keys are names.
    pub(super) fn keys(self, path: &[String]) -> Vec<String> {
        static PROJECT: LazyLock<Value> = LazyLock::new(schema::project);
        static CAMPAIGN: LazyLock<Value> = LazyLock::new(schema::campaign);
        let root: &'static Value = match self {
            Self::Project => &PROJECT,
            Self::Campaign => &CAMPAIGN,
        };
        let mut alternatives = expanded(root, root);
        for step in path {
            let below = alternatives.iter().filter_map(|alternative| child(alternative, step));
            alternatives = below.flat_map(|below| expanded(root, below)).collect();
        }
        let mut keys: Vec<String> = Vec::new();
        for properties in alternatives.iter().filter_map(|alternative| alternative["properties"].as_object())
        {
            keys.extend(properties.keys().filter(|key| !keys.contains(key)).cloned().collect::<Vec<_>>());
        }
        keys
    }
}

/// Returns a schema with what it refers to and its alternatives.
fn expanded<'schema>(root: &'schema Value, schema: &'schema Value) -> Vec<&'schema Value> {
    let mut found = vec![schema];
    if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix("#/$defs/")) {
        found.extend(expanded(root, &root["$defs"][name]));
    }
    for keyword in ["oneOf", "anyOf", "allOf"] {
        let branches = schema[keyword].as_array().into_iter().flatten();
        found.extend(branches.flat_map(|branch| expanded(root, branch)));
    }
    found
}

fn child<'schema>(schema: &'schema Value, step: &str) -> Option<&'schema Value> {
    let property = schema["properties"].get(step);
    let named = || schema.get("additionalProperties").filter(|below| below.is_object());
    let item = || schema.get("items").filter(|below| below.is_object());
    property.or_else(named).or_else(item)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(kind: FileKind, path: &str) -> String {
        let path: Vec<String> = path.split_whitespace().map(str::to_owned).collect();
        kind.keys(&path).join(" ")
    }

    #[test]
    fn keys_come_in_the_order_of_the_schema_and_names_have_none() {
        let campaign = |path| keys(FileKind::Campaign, path);
        assert_eq!(campaign(""), "templates audiences classifications strategies campaigns");
        assert_eq!(campaign("templates payday"), "name title body");
        assert_eq!(
            campaign("strategies weekly"),
            "send not_before not_after open_for at every on time from until"
        );
        assert_eq!(campaign("audiences vips users"), "file format column field");
        assert_eq!(campaign("campaigns"), "");
        assert_eq!(campaign("campaigns c values"), "");
        assert!(keys(FileKind::Project, "environments test").starts_with("app_id workspace_id"));
    }
}
