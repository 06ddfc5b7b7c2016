//! Which branch of an alternative was meant.
//!
//! A validator says only that no branch fits, and lists every branch's complaints. The branch that a person
//! meant is the one of the right type or with the right tag; its complaints are the real ones.

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{JsonType, ValidationError};
use serde_json::Value;

/// One thing to explain.
pub(super) enum Finding<'error> {
    /// What one keyword of the schema complains of.
    Keyword(&'error ValidationError<'error>),
    /// A value that no branch takes by its type.
    NoType { at: &'error ValidationError<'error>, expected: Vec<&'static str> },
    /// A tag that no branch has, or that is absent: the key, and what it can be.
    NoTag { at: &'error ValidationError<'error>, tag: String, allowed: Vec<Value> },
}

/// Takes an error apart into what is really wrong.
pub(super) fn narrow<'error>(error: &'error ValidationError<'error>) -> Vec<Finding<'error>> {
    match error.kind() {
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            narrow_branches(error, context)
        }
        _ => vec![Finding::Keyword(error)],
    }
}

fn narrow_branches<'error>(
    error: &'error ValidationError<'error>,
    branches: &'error [Vec<ValidationError<'static>>],
) -> Vec<Finding<'error>> {
    let of_right_type: Vec<&Vec<ValidationError<'static>>> = branches
        .iter()
        .filter(|branch| !branch.iter().any(|complaint| is_type_at(complaint, error)))
        .collect();
    if of_right_type.is_empty() {
        let mut expected: Vec<&str> =
            branches.iter().flatten().flat_map(|complaint| types(complaint.kind())).collect();
        expected.dedup();
        return vec![Finding::NoType { at: error, expected }];
    }
    if let Some((tag, allowed)) = tag(error, &of_right_type)
        && of_right_type.iter().all(|branch| branch.iter().any(|complaint| is_tag(complaint, error, &tag)))
    {
        return vec![Finding::NoTag { at: error, tag, allowed }];
    }
    let is_tagged_otherwise = |branch: &[ValidationError<'static>]| {
        branch.iter().any(|complaint| {
            matches!(complaint.kind(), ValidationErrorKind::Constant { .. }) && is_below(complaint, error)
        })
    };
    let meant = of_right_type
        .iter()
        .filter(|branch| !is_tagged_otherwise(branch))
        .min_by_key(|branch| branch.len())
        .or_else(|| of_right_type.first());
    meant.into_iter().flat_map(|branch| branch.iter()).flat_map(|complaint| narrow(complaint)).collect()
}

/// Returns the key by which the branches tell each other apart, and its values.
fn tag(
    error: &ValidationError<'_>,
    branches: &[&Vec<ValidationError<'static>>],
) -> Option<(String, Vec<Value>)> {
    let mut allowed = Vec::new();
    let mut key = None;
    for complaint in branches.iter().copied().flatten() {
        if let ValidationErrorKind::Constant { expected_value } = complaint.kind()
            && is_below(complaint, error)
        {
            key = complaint.instance_path().as_str().rsplit('/').next().map(str::to_owned);
            allowed.push(expected_value.as_ref().clone());
        }
    }
    if key.is_none() {
        let required = |complaint: &ValidationError<'_>| match complaint.kind() {
            ValidationErrorKind::Required { property: Value::String(key) } if is_at(complaint, error) => {
                Some(key.clone())
            }
            _ => None,
        };
        let mut of_first = branches.first()?.iter().filter_map(required);
        key = of_first.find(|key| {
            branches.iter().all(|branch| branch.iter().filter_map(required).any(|other| other == *key))
        });
    }
    key.map(|key| (key, allowed))
}

/// Whether a complaint is about the tag: another value, or none.
fn is_tag(complaint: &ValidationError<'_>, error: &ValidationError<'_>, tag: &str) -> bool {
    match complaint.kind() {
        ValidationErrorKind::Constant { .. } => is_below(complaint, error),
        ValidationErrorKind::Required { property } => is_at(complaint, error) && property == tag,
        _ => false,
    }
}

fn is_type_at(complaint: &ValidationError<'_>, error: &ValidationError<'_>) -> bool {
    matches!(complaint.kind(), ValidationErrorKind::Type { .. }) && is_at(complaint, error)
}

fn is_at(complaint: &ValidationError<'_>, error: &ValidationError<'_>) -> bool {
    complaint.instance_path() == error.instance_path()
}

/// Whether a complaint is about an entry of the very value that the error is about.
fn is_below(complaint: &ValidationError<'_>, error: &ValidationError<'_>) -> bool {
    let parent = complaint.instance_path().as_str().rsplit_once('/').map(|(parent, _)| parent);
    parent == Some(error.instance_path().as_str())
}

/// Returns the JSON types that a type complaint asks for.
pub(super) fn types(kind: &ValidationErrorKind) -> Vec<&'static str> {
    match kind {
        ValidationErrorKind::Type { kind: TypeKind::Single(json_type) } => vec![json_type.as_str()],
        ValidationErrorKind::Type { kind: TypeKind::Multiple(json_types) } => {
            json_types.iter().map(JsonType::as_str).collect()
        }
        _ => Vec::new(),
    }
}
