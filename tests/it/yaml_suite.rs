//! The public YAML test suite's error cases: what is not YAML is refused, and the place is named.
//!
//! `tests/fixtures/yaml-test-suite` says where they come from.

use std::fs;
use std::path::Path;

use campaignctl::diagnostic::{Code, Diagnostic, Place};
use campaignctl::load::{self, model::CampaignFile};
use campaignctl::schema;
use serde::Deserialize;

/// Cases that are not refused as YAML. In each, a text or list in brackets goes on in a line that is indented too
/// little (YAML 1.2.2 §7.4, `s-flow-line-prefix`). Both of our readers, and all that are in wide use, see the same
/// value in it, and a list whose `]` stands at the margin is what many people write. They are refused all the same
/// for their keys, which the format does not have.
const READ_ALIKE: [&str; 3] = ["9C9N", "DK95-01", "QB6E"];

/// How many cases the suite has: none may go missing.
const CASES_COUNT: usize = 94;

#[derive(Deserialize)]
struct Case {
    id: String,
    name: String,
    yaml: String,
}

#[test]
fn every_error_case_is_refused_as_yaml_at_a_line_and_column() {
    let cases = cases();
    assert_eq!(cases.len(), CASES_COUNT);
    let mut failures = Vec::new();
    for case in cases.iter().filter(|case| !READ_ALIKE.contains(&case.id.as_str())) {
        let mistakes = mistakes(&case.yaml);
        let is_refused = |mistake: &Diagnostic| is_of_yaml(mistake) && has_a_position(mistake, &case.yaml);
        if !mistakes.iter().any(is_refused) {
            failures.push(format!("{} ({}): {mistakes:?}", case.id, case.name));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn the_exceptions_are_refused_for_their_keys_and_are_no_more_than_listed() {
    let cases = cases();
    for id in READ_ALIKE {
        let case = cases.iter().find(|case| case.id == id).unwrap();
        let mistakes = mistakes(&case.yaml);
        let codes: Vec<Code> = mistakes.iter().map(|mistake| mistake.code).collect();
        assert_eq!(codes, [Code::UnknownKey], "{id}: it is no exception any more");
        assert!(has_a_position(&mistakes[0], &case.yaml), "{id}");
    }
}

fn cases() -> Vec<Case> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/yaml-test-suite/errors.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn mistakes(text: &str) -> Vec<Diagnostic> {
    load::parse::<CampaignFile>("case.yaml", text, &schema::shapes().campaign).1
}

/// Whether it says that the text is not YAML, and not that a value is wrong.
fn is_of_yaml(mistake: &Diagnostic) -> bool {
    matches!(
        mistake.code,
        Code::YamlSyntax
            | Code::SeveralDocuments
            | Code::DuplicateKey
            | Code::UnknownTag
            | Code::RecursiveAlias
            | Code::AmbiguousScalar
    )
}

/// Whether it points at a line and column of the text.
fn has_a_position(mistake: &Diagnostic, text: &str) -> bool {
    let Some(Place::Span(span)) = mistake.primary.as_ref().map(|label| &label.place) else { return false };
    let place = &mistake.primary.as_ref().unwrap().place;
    let lines_count = text.lines().count() as u64;
    span.range.end <= text.len()
        && place.line().is_some_and(|line| (1..=lines_count).contains(&line))
        && place.column().is_some_and(|column| column >= 1)
}
