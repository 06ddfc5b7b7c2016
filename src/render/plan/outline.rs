//! A content in the words of the YAML, in lines.

use serde_json::{Map, Value};
use unicode_width::UnicodeWidthStr;

use crate::render::text;

/// Longer values are broken into a line for each key.
const COLUMNS_MAX: usize = 72;

/// Returns the lines, nothing hidden in them: each key and its value, on one line where that is short enough.
pub(super) fn lines(content: &Map<String, Value>) -> Vec<String> {
    let mut out = Vec::new();
    for (key, value) in content {
        outline(&mut out, "", key, value);
    }
    out
}

fn outline(out: &mut Vec<String>, indent: &str, key: &str, value: &Value) {
    let key = text::plain(key);
    let line = format!("{indent}{key}: {}", inline(value));
    match value {
        Value::Object(entries) if line.width() > COLUMNS_MAX => {
            out.push(format!("{indent}{key}:"));
            for (key, value) in entries {
                outline(out, &format!("{indent}  "), key, value);
            }
        }
        _ => out.push(line),
    }
}

fn inline(value: &Value) -> String {
    match value {
        Value::Object(entries) if entries.is_empty() => "{}".to_owned(),
        Value::Object(entries) => {
            let entries =
                entries.iter().map(|(key, value)| format!("{}: {}", text::plain(key), inline(value)));
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Value::String(text) => scalar(text),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// Returns a text as YAML writes it, quoted only where it must be.
fn scalar(text: &str) -> String {
    let yaml = serde_yaml::to_string(text).unwrap_or_default();
    let yaml = yaml.trim_end();
    let is_one_line = !yaml.contains('\n') && !yaml.starts_with(['|', '>']);
    if is_one_line { text::plain(yaml) } else { format!("\"{}\"", text::plain(text)) }
}
