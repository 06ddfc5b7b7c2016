//! Texts that go to the vendor as they are written.

use serde_json::{Map, Value};

use crate::check::declaration::Declaration;
use crate::diagnostic::{Code, Diagnostic, Place};
use crate::domain::{LineFeeds, TextFlaw};
use crate::load::model::CampaignSyntax;

/// Says what is wrong with a text that names something: it is blank, has something invisible at an end, or a
/// control character. Nobody sees these in a review, and to the vendor each makes another name.
pub(super) fn flaw(text: &str) -> Option<TextFlaw> {
    TextFlaw::of(text)
}

/// `wrong-value`: such a text where the vendor looks something up by it, or a phone shows it.
pub(super) fn check(out: &mut Vec<Diagnostic>, key: &str, text: &str, place: impl FnOnce() -> Place) {
    out.extend(flaw(text).map(|flaw| refused(key, flaw, place())));
}

/// `wrong-value`: a control character in a text that is otherwise free.
pub(super) fn check_control(
    out: &mut Vec<Diagnostic>,
    (key, text): (&str, &str),
    line_feeds: LineFeeds,
    place: impl FnOnce() -> Place,
) {
    out.extend(TextFlaw::control(text, line_feeds).map(|flaw| refused(key, flaw, place())));
}

/// Applies the rules of what fills placeholders, and of what goes to the app: the same for one value and for a column.
pub(super) fn campaign_texts(out: &mut Vec<Diagnostic>, campaign: &Declaration<'_, CampaignSyntax>) {
    // An empty value is a decision that a reviewer sees: nothing stands in the placeholder's stead.
    for (name, value) in campaign.syntax.values.iter().filter(|(_, value)| !value.is_empty()) {
        check(out, name, value, || campaign.value(&["values", name]));
    }
    for (key, value) in &campaign.syntax.extended_params {
        let path = ["extended_params", key];
        if let Some(flaw) = flaw(key) {
            let message = format!("the key of this extended parameter {flaw}");
            out.push(Diagnostic::error(Code::WrongValue, campaign.key(&path), message).help("rename it"));
        }
        check_control(out, (key, value), LineFeeds::Refused, || campaign.value(&path));
    }
}

/// `wrong-value`: a control character in any text of an object.
pub(super) fn check_object(
    out: &mut Vec<Diagnostic>,
    (key, entries): (&str, &Map<String, Value>),
    line_feeds: LineFeeds,
    place: impl FnOnce() -> Place,
) {
    out.extend(control_within(entries, line_feeds).map(|flaw| refused(key, flaw, place())));
}

fn control_within(entries: &Map<String, Value>, line_feeds: LineFeeds) -> Option<TextFlaw> {
    entries.iter().find_map(|(key, value)| {
        TextFlaw::control(key, LineFeeds::Refused).or_else(|| control_of(value, line_feeds))
    })
}

fn control_of(value: &Value, line_feeds: LineFeeds) -> Option<TextFlaw> {
    match value {
        Value::String(text) => TextFlaw::control(text, line_feeds),
        Value::Array(items) => items.iter().find_map(|item| control_of(item, line_feeds)),
        Value::Object(entries) => control_within(entries, line_feeds),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

fn refused(key: &str, flaw: TextFlaw, place: Place) -> Diagnostic {
    let help = match flaw {
        TextFlaw::Blank => "write it, or remove the key",
        TextFlaw::Begins(_) | TextFlaw::Ends(_) | TextFlaw::Control(_) => "remove it: it would be sent",
    };
    Diagnostic::error(Code::WrongValue, place, format!("`{key}` {flaw}")).help(help)
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{campaign, diagnose};

    fn values(value: &str) -> String {
        let extra = format!(", values: {{ name: \"{value}\" }}");
        diagnose(&campaign(&extra).replace("body: Body", "body: \"Hi #name#!\""))
    }

    #[test]
    fn a_value_is_held_to_what_a_column_is() {
        for sound in ["Ann", "", "👩\u{200d}💻", "می\u{200c}خواهم"] {
            assert_eq!(values(sound), "", "{sound:?}");
        }
        insta::assert_snapshot!(values("x\\0y\\e[31m\\n"), @r"
        a.yaml:5:82 wrong-value: `name` contains the control character U+0000
            = remove it: it would be sent
        ");
        insta::assert_snapshot!(values("Ann\\u200B"), @r"
        a.yaml:5:82 wrong-value: `name` ends with an invisible character: U+200B
            = remove it: it would be sent
        ");
        insta::assert_snapshot!(values("\\u3164"), @r"
        a.yaml:5:82 wrong-value: `name` is blank
            = write it, or remove the key
        ");
    }

    #[test]
    fn an_extended_parameter_has_no_control_character() {
        let params = |entry: &str| diagnose(&campaign(&format!(", extended_params: {{ {entry} }}")));
        assert_eq!(params("page: \" padded \""), "");
        insta::assert_snapshot!(params("page: \"a\\nb\""), @r"
        a.yaml:5:91 wrong-value: `page` contains the control character U+000A
            = remove it: it would be sent
        ");
        insta::assert_snapshot!(params("\"page\\u200B\": a"), @r"
        a.yaml:5:85 wrong-value: the key of this extended parameter ends with an invisible character: U+200B
            = rename it
        ");
    }
}
