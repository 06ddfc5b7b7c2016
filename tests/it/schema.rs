//! The JSON Schemas: committed, complete, and saying which wire parameter each key becomes.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use campaignctl::schema;
use serde_json::{Map, Value, json};

/// Every wire parameter of the table in design §2, and the keys inside those that carry JSON.
const WIRE_PARAMETERS: &[&str] = &[
    "AppId",
    "WorkspaceId",
    "TenantId",
    "TemplateName",
    "TemplateKeyValue",
    "DeliveryType",
    "TargetMsgkey",
    "Msgkey",
    "PushStatus",
    "BindPeriod",
    "UnBindPeriod",
    "TaskName",
    "ExpiredSeconds",
    "ExtendedParams",
    "NotifyType",
    "AndroidChannel",
    "StrategyType",
    "StrategyContent",
    "fixedTime",
    "startTime",
    "endTime",
    "circleType",
    "circleValue",
    "time",
    "Classification",
    "ThirdChannelCategory",
    "NotifyLevel",
    "hms",
    "honor",
    "harmonyos",
    "vivo",
    "oppo",
    "miui",
    "MiChannelId",
    "ChannelId",
    "TransparentMessagePayload",
    "TransparentMessageUrgency",
    "SmsStrategy",
    "SmsSignName",
    "SmsTemplateCode",
    "SmsTemplateParam",
    "ActivityEvent",
    "ActivityContentState",
    "DismissalDate",
];

/// `UPDATE_SCHEMAS=1 cargo test --test it schema` rewrites the files.
#[test]
fn the_committed_schemas_are_what_the_types_generate() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema");
    let is_update = is_set("UPDATE_SCHEMAS");
    let mut names = BTreeSet::new();
    for named in schema::ALL {
        let path = directory.join(named.file_name());
        if is_update {
            fs::write(&path, named.text()).unwrap();
        }
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == named.text(),
            "`schema/{}` is stale: run with UPDATE_SCHEMAS=1",
            named.file_name()
        );
        names.insert(named.file_name());
    }
    let files =
        fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(files.collect::<BTreeSet<_>>(), names, "every file in `schema` is generated");
}

#[expect(clippy::disallowed_methods, reason = "a test's own switch")]
fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some()
}

#[test]
fn every_key_has_a_description_and_examples_that_fit_it() {
    for named in schema::ALL {
        let root = (named.generate)();
        let keys = keys(&root);
        assert!(!keys.is_empty());
        for Key { pointer, schema } in keys {
            let at = format!("{}#{pointer}", named.file_name());
            let description = schema.get("description").and_then(Value::as_str).unwrap_or_default();
            assert!(description.ends_with('.') && description.len() > 10, "{at} has no description");
            let examples = schema.get("examples").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            assert!(!examples.is_empty(), "{at} has no example");
            let mut alone = Map::new();
            alone.insert("$defs".into(), root["$defs"].clone());
            for (keyword, value) in &schema {
                alone.insert(keyword.clone(), value.clone());
            }
            let validator = jsonschema::draft202012::new(&Value::Object(alone)).unwrap();
            for example in examples {
                let mistakes: Vec<String> =
                    validator.iter_errors(example).map(|mistake| mistake.to_string()).collect();
                assert!(mistakes.is_empty(), "{at}: the example {example} does not fit: {mistakes:?}");
            }
        }
    }
}

#[test]
fn every_wire_parameter_is_named_by_the_key_that_becomes_it() {
    let descriptions: String = [schema::project(), schema::campaign()]
        .iter()
        .flat_map(keys)
        .filter_map(|key| key.schema.get("description").and_then(Value::as_str).map(str::to_owned))
        .collect();
    let unnamed: Vec<&&str> =
        WIRE_PARAMETERS.iter().filter(|name| !descriptions.contains(&format!("`{name}`"))).collect();
    assert!(unnamed.is_empty(), "no description names {unnamed:?}");
}

#[test]
fn the_schemas_are_self_contained_drafts_of_2020_12() {
    for named in schema::ALL {
        let schema = (named.generate)();
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        assert_eq!(schema["$id"], format!("urn:campaignctl:schema:{}", named.name));
        assert!(schema["title"].is_string() && schema["description"].is_string());
        assert!(!schema.to_string().contains("\"null\""), "an empty value is not an absent key");
        assert!(!schema.to_string().contains("\"default\":null"), "editors stop completing there");
        assert_eq!(
            jsonschema::draft202012::meta::validate(&schema).map_err(|error| error.to_string()),
            Ok(())
        );
    }
}

#[test]
fn an_empty_value_is_not_an_absent_key() {
    let validator = jsonschema::draft202012::new(&schema::campaign()).unwrap();
    let file = |sms: Value| {
        json!({ "campaigns": { "a": {
            "template": "t", "audience": "a", "strategy": "s", "expires_after": "5m", "sms": sms,
        } } })
    };
    assert!(!validator.is_valid(&file(Value::Null)));
    assert!(validator.is_valid(&file(json!({ "strategy": "supplement" }))));
}

struct Key {
    pointer: String,
    schema: Map<String, Value>,
}

/// Lists every key of every mapping, at any depth.
fn keys(root: &Value) -> Vec<Key> {
    let mut found = Vec::new();
    collect(root, "", &mut found);
    found
}

fn collect(schema: &Value, pointer: &str, found: &mut Vec<Key>) {
    match schema {
        Value::Object(keywords) => {
            if let Some(Value::Object(properties)) = keywords.get("properties") {
                for (name, schema) in properties {
                    let pointer = format!("{pointer}/properties/{name}");
                    found.push(Key { pointer, schema: schema.as_object().unwrap().clone() });
                }
            }
            for (keyword, value) in keywords.iter().filter(|(keyword, _)| *keyword != "examples") {
                collect(value, &format!("{pointer}/{keyword}"), found);
            }
        }
        Value::Array(branches) => {
            for (place, branch) in branches.iter().enumerate() {
                collect(branch, &format!("{pointer}/{place}"), found);
            }
        }
        _ => {}
    }
}
