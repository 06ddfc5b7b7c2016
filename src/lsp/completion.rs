//! What can be typed at a place: declared names, and the placeholders of a campaign's template.

use std::collections::BTreeSet;
use std::ops::Range;

use chrono::{DateTime, Utc};
use lsp_types::{
    CompletionItem, CompletionItemKind, CompletionTextEdit, Documentation, MarkupContent, MarkupKind,
    TextEdit,
};

use crate::domain::{Template, placeholders};
use crate::lsp::analysis::{Analysis, value};
use crate::lsp::describe::describe;
use crate::lsp::names::{Declaration, Kind};
use crate::lsp::outline::{Entry, Outline, is_path};
use crate::lsp::position::Lines;

/// Words that YAML, or a reader of an older version of it, takes for something else than text.
const NOT_TEXT: [&str; 11] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"];

/// Returns what can be typed at an offset of a text, whether or not the text is YAML at the moment.
pub(super) fn complete(
    analysis: &Analysis,
    (is_project, text, lines): (bool, &str, &Lines<'_>),
    offset: usize,
    now: DateTime<Utc>,
) -> Vec<CompletionItem> {
    let outline = Outline::new(text);
    let edit = |range: &Range<usize>, text| {
        Some(CompletionTextEdit::Edit(TextEdit { range: lines.range(range), new_text: text }))
    };
    if let Some(entry) = outline.slot_at(offset)
        && let Some(kind) = Kind::referred_to(entry)
        && (kind == Kind::Environment) == is_project
    {
        let range = entry.value.as_ref().map_or(offset..offset, |value| value.range.clone());
        let quote = text[range.clone()].chars().next().filter(|quote| matches!(quote, '"' | '\''));
        // Right behind the colon, a value needs a space.
        let space = if text[..range.start].ends_with(':') { " " } else { "" };
        let item = |(name, declaration): (&str, &Declaration)| {
            let written = format!("{space}{}", scalar(name, quote));
            CompletionItem {
                label: name.to_owned(),
                kind: Some(CompletionItemKind::REFERENCE),
                detail: Some(declaration.site.shown.clone()),
                documentation: describe(analysis, &(kind, name.to_owned()), now).map(markdown),
                filter_text: Some(written.trim_start().to_owned()),
                text_edit: edit(&range, written),
                ..CompletionItem::default()
            }
        };
        return analysis.names.of_kind(kind).map(item).collect();
    }
    let Some((around, range)) = outline.key_slot(text, offset) else { return Vec::new() };
    if !["values", "values_from"].iter().any(|key| is_path(&around, &["campaigns", "*", key])) {
        return Vec::new();
    }
    let campaign = &around[1];
    let Some(template) = template_of(analysis, &outline, campaign) else { return Vec::new() };
    let given: BTreeSet<&str> = outline
        .entries
        .iter()
        .filter(|entry| {
            let is_value = |key| entry.is_at(&["campaigns", campaign, key, "*"]);
            (is_value("values") || is_value("values_from")) && entry.key != range
        })
        .map(Entry::name)
        .collect();
    let has_colon = text[range.end..].trim_start_matches([' ', '\t']).starts_with(':');
    let wanted = [&template.title, &template.body].into_iter().flat_map(|text| placeholders(text));
    let mut seen = BTreeSet::new();
    let names = wanted.map(|(name, _)| name).filter(|name| !given.contains(name) && seen.insert(*name));
    let item = |name: &str| {
        let written = scalar(name, None) + if has_colon { "" } else { ": " };
        CompletionItem {
            label: name.to_owned(),
            kind: Some(CompletionItemKind::PROPERTY),
            detail: Some(format!("placeholder of template `{}`", template.name)),
            text_edit: edit(&range, written),
            ..CompletionItem::default()
        }
    };
    names.map(item).collect()
}

/// Returns the template that a campaign of this text names.
fn template_of<'analysis>(
    analysis: &'analysis Analysis,
    outline: &Outline,
    campaign: &str,
) -> Option<&'analysis Template> {
    let is_named = |entry: &&Entry| entry.is_at(&["campaigns", campaign, "template"]);
    let name = outline.entries.iter().find(is_named)?.value.as_ref()?;
    value(analysis.checked.templates.get(&name.text))
}

/// Returns a name as YAML writes it, in the quotes that were begun or, where it needs some, in double ones.
fn scalar(name: &str, quote: Option<char>) -> String {
    let is_plain = || {
        let starts_well = name.chars().next().is_some_and(char::is_alphabetic);
        let is_simple = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_' | '.');
        starts_well && name.chars().all(is_simple) && !NOT_TEXT.contains(&name.to_lowercase().as_str())
    };
    match quote {
        Some('\'') => format!("'{}'", name.replace('\'', "''")),
        None if is_plain() => name.to_owned(),
        _ => serde_json::to_string(name).expect("a text is always JSON"),
    }
}

pub(super) fn markdown(value: String) -> Documentation {
    Documentation::MarkupContent(MarkupContent { kind: MarkupKind::Markdown, value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_so_that_they_stay_text() {
        for (name, quote, expected) in [
            ("payday", None, "payday"),
            ("发薪", None, "发薪"),
            ("12", None, "\"12\""),
            ("No", None, "\"No\""),
            ("a b: c", None, "\"a b: c\""),
            ("payday", Some('"'), "\"payday\""),
            ("it's", Some('\''), "'it''s'"),
        ] {
            assert_eq!(scalar(name, quote), expected);
        }
    }
}
