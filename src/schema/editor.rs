//! What editors need of a schema.

use schemars::Schema;
use schemars::transform::{Transform, transform_subschemas};
use serde_json::{Map, Value, json};

/// Rewrites what schemars generates so that the YAML language server completes, hovers and explains well
/// (each point tried against it), and so that an empty value is not taken for an absent key.
#[derive(Clone, Debug)]
pub(super) struct ForEditors;

impl Transform for ForEditors {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        let Some(object) = schema.as_object_mut() else { return };
        unwrap_lines(object);
        remove_null(object);
        merge_constants(object);
        name_branches(object);
    }
}

/// A doc comment's lines are wrapped for the source; a hover wraps them itself. Paragraphs stay.
fn unwrap_lines(schema: &mut Map<String, Value>) {
    if let Some(Value::String(description)) = schema.get_mut("description") {
        let paragraphs: Vec<String> =
            description.split("\n\n").map(|lines| lines.replace('\n', " ")).collect();
        *description = paragraphs.join("\n\n");
    }
}

/// An absent key is absent: `key:` with nothing behind it is a mistake, and `"default": null` stops the
/// server in the middle of its completion list.
fn remove_null(schema: &mut Map<String, Value>) {
    if schema.get("default").is_some_and(Value::is_null) {
        schema.remove("default");
    }
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|json_type| json_type != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    let is_null = |branch: &Value| branch.get("type").is_some_and(|json_type| json_type == "null");
    if let Some(Value::Array(branches)) = schema.get_mut("anyOf") {
        branches.retain(|branch| !is_null(branch));
        if let [Value::Object(only)] = branches.as_mut_slice() {
            let only = std::mem::take(only);
            schema.remove("anyOf");
            for (keyword, value) in only {
                schema.entry(keyword).or_insert(value);
            }
        }
    }
}

/// `oneOf` of constants with descriptions becomes `enum`, else hovering shows one variant's text instead of
/// the key's, and messages do not list the values.
fn merge_constants(schema: &mut Map<String, Value>) {
    let Some(Value::Array(branches)) = schema.get("oneOf") else { return };
    let constants: Option<Vec<Value>> = branches.iter().map(|branch| branch.get("const").cloned()).collect();
    let Some(constants) = constants else { return };
    let description = |branch: &Value| branch.get("description").cloned().unwrap_or_else(|| json!(""));
    let descriptions: Vec<Value> = branches.iter().map(description).collect();
    schema.remove("oneOf");
    schema.insert("type".to_owned(), json!("string"));
    schema.insert("enum".to_owned(), constants.into());
    schema.insert("markdownEnumDescriptions".to_owned(), descriptions.into());
}

/// A `oneOf` of mappings says that it is a mapping, and each branch is titled by its tag, else required keys
/// are missing from what is completed. The tag is described as its branch is.
fn name_branches(schema: &mut Map<String, Value>) {
    let Some(Value::Array(branches)) = schema.get_mut("oneOf") else { return };
    let is_mapping = |branch: &Value| branch.get("type").is_some_and(|json_type| json_type == "object");
    if !branches.iter().all(is_mapping) {
        return;
    }
    for branch in branches {
        let Some(branch) = branch.as_object_mut() else { continue };
        let description = branch.get("description").cloned();
        let Some(Value::Object(properties)) = branch.get_mut("properties") else { continue };
        let Some(tag) =
            properties.values_mut().filter_map(Value::as_object_mut).find(|key| key.contains_key("const"))
        else {
            continue;
        };
        let value = tag["const"].clone();
        tag.insert("examples".to_owned(), json!([value]));
        if let Some(description) = description {
            tag.entry("description").or_insert(description);
        }
        branch.entry("title").or_insert(value);
    }
    schema.entry("type").or_insert_with(|| json!("object"));
}
