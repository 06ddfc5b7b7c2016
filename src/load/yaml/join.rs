//! Both readings side by side: the tree's, and that of `serde_yaml`.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{Map, Number, Value};

use crate::diagnostic::{Code, Diagnostic, Place, Source};
use crate::load::yaml::MISTAKES_MAX;
use crate::load::yaml::scalar::{self, Scalar};
use crate::load::yaml::tree::{Kind, MERGE_KEY, NodeId, Tree};

/// What both readings agree on.
#[derive(Debug)]
pub(super) struct Joined {
    /// The document's value with merge keys resolved; text where the readings disagree.
    pub(super) value: Value,
    /// Paths of the values on which they disagree.
    pub(super) refused: Vec<Vec<String>>,
    /// One for each place on which they disagree.
    pub(super) mistakes: Vec<Diagnostic>,
}

/// Joins the readings, or says why there is nothing to join.
pub(super) fn values(source: &Arc<Source>, tree: &Tree) -> Result<Joined, Vec<Diagnostic>> {
    let mut join = Join {
        source,
        tree,
        path: Vec::new(),
        refused: Vec::new(),
        reported: HashSet::new(),
        mistakes: Vec::new(),
    };
    let other = match serde_yaml::from_str::<serde_yaml::Value>(source.text()) {
        Ok(other) => other,
        Err(error) => {
            // A scalar out of range is the one thing that stops `serde_yaml` here, and it does not say where.
            join.check_scalars();
            if join.mistakes.is_empty() {
                join.mistakes.push(join.unreadable(&error));
            }
            return Err(join.mistakes);
        }
    };
    let value = match tree.root() {
        Some(root) => join.value(root, &other),
        None if other.is_null() => Value::Null,
        None => return Err(vec![join.hidden()]),
    };
    if join.is_full() {
        return Err(join.mistakes);
    }
    Ok(Joined { value, refused: join.refused, mistakes: join.mistakes })
}

/// Returns the value of a tree that was written plainly; nothing where a text has another meaning to other readers.
pub(super) fn plain_value(tree: &Tree) -> Option<Value> {
    plain_value_of(tree, tree.root()?)
}

fn plain_value_of(tree: &Tree, id: NodeId) -> Option<Value> {
    match tree.kind(id) {
        Kind::Scalar { text, is_plain } => {
            let meaning = if is_plain { scalar::read(text).ok()? } else { Scalar::Text };
            Some(value_of(meaning, text))
        }
        Kind::Sequence(items) => items.iter().map(|item| plain_value_of(tree, *item)).collect(),
        Kind::Mapping(entries) => {
            let mut own = Map::with_capacity(entries.len());
            for [key, value] in entries {
                own.insert(tree.key_text(*key)?.to_owned(), plain_value_of(tree, *value)?);
            }
            Some(Value::Object(own))
        }
        Kind::Alias => None,
    }
}

/// A step from a collection to what it holds.
#[derive(Clone, Copy)]
enum Step<'tree> {
    Key(&'tree str),
    Item(usize),
}

struct Join<'tree> {
    source: &'tree Arc<Source>,
    tree: &'tree Tree,
    /// Where the walk is.
    path: Vec<Step<'tree>>,
    refused: Vec<Vec<String>>,
    /// Nodes already reported: an alias brings us to the same node again.
    reported: HashSet<NodeId>,
    mistakes: Vec<Diagnostic>,
}

impl<'tree> Join<'tree> {
    /// Whether so much is wrong that nothing more is looked at.
    fn is_full(&self) -> bool {
        self.refused.len() >= MISTAKES_MAX
    }

    /// Reads a node, and holds it to the other reading.
    fn value(&mut self, id: NodeId, other: &serde_yaml::Value) -> Value {
        if self.is_full() {
            return Value::Null;
        }
        let tree = self.tree;
        let id = tree.target(id);
        match (tree.kind(id), other) {
            (Kind::Scalar { text, is_plain }, other) if !matches!(other, serde_yaml::Value::Tagged(_)) => {
                self.scalar(id, text, is_plain, other)
            }
            (Kind::Sequence(items), serde_yaml::Value::Sequence(others)) if items.len() == others.len() => {
                let items = items.iter().zip(others).enumerate();
                items.map(|(place, (item, other))| self.child(Step::Item(place), *item, other)).collect()
            }
            (Kind::Mapping(entries), serde_yaml::Value::Mapping(others)) if entries.len() == others.len() => {
                self.mapping(entries.iter().zip(others))
            }
            _ => {
                self.refuse(
                    id,
                    "two YAML readers see different structures here",
                    "write it more plainly, with quotes and on lines of its own",
                );
                Value::Null
            }
        }
    }

    fn child(&mut self, step: Step<'tree>, id: NodeId, other: &serde_yaml::Value) -> Value {
        self.path.push(step);
        let value = self.value(id, other);
        self.path.pop();
        value
    }

    /// Reads a mapping's keys and values, each pair with that of the other reading.
    fn mapping<'other>(
        &mut self,
        entries: impl ExactSizeIterator<
            Item = (&'tree [NodeId; 2], (&'other serde_yaml::Value, &'other serde_yaml::Value)),
        >,
    ) -> Value {
        let mut own = Map::with_capacity(entries.len());
        let mut merged = None;
        for (&[key, value], (other_key, other)) in entries {
            let tree = self.tree;
            let Kind::Scalar { text, .. } = tree.kind(tree.target(key)) else {
                self.refused.push(self.steps());
                continue;
            };
            if tree.is_refused_key(key) {
                self.refused.push(self.steps().into_iter().chain([text.to_owned()]).collect());
                continue;
            }
            if other_key.as_str() != Some(text) {
                self.refuse(key, "two YAML readers take this key differently", "quote it");
                continue;
            }
            if text == MERGE_KEY {
                merged = Some((value, self.value(value, other)));
            } else {
                let joined = self.child(Step::Key(text), value, other);
                own.insert(text.to_owned(), joined);
            }
        }
        match merged {
            None => {}
            Some((_, Value::Object(source))) => fill(&mut own, source),
            Some((_, Value::Array(sources))) if sources.iter().all(Value::is_object) => {
                for source in sources {
                    if let Value::Object(source) = source {
                        fill(&mut own, source);
                    }
                }
            }
            Some((value, _)) => self.refuse_merge(value),
        }
        Value::Object(own)
    }

    fn steps(&self) -> Vec<String> {
        let text = |step: &Step<'_>| match step {
            Step::Key(key) => (*key).to_owned(),
            Step::Item(place) => place.to_string(),
        };
        self.path.iter().map(text).collect()
    }

    fn refuse_merge(&mut self, value: NodeId) {
        let message = "the merge key `<<` takes a mapping or a list of mappings";
        self.report(value, Code::WrongType, message, "name an anchor: `<<: *name`");
    }

    fn scalar(&mut self, id: NodeId, text: &str, is_plain: bool, other: &serde_yaml::Value) -> Value {
        let meaning = if is_plain { self.read(id, text) } else { Some(Scalar::Text) };
        let Some(meaning) = meaning else { return Value::String(text.to_owned()) };
        if !is_same(meaning, text, other) {
            self.refuse(
                id,
                "two YAML readers take this text differently",
                "quote it, with special characters as escapes",
            );
        }
        value_of(meaning, text)
    }

    /// Reads a plain scalar, or refuses it.
    fn read(&mut self, id: NodeId, text: &str) -> Option<Scalar> {
        match scalar::read(text) {
            Ok(meaning) => Some(meaning),
            Err(ambiguity) => {
                self.refuse(id, &format!("`{text}` {}", ambiguity.reason()), &ambiguity.way_out(text));
                None
            }
        }
    }

    fn check_scalars(&mut self) {
        let tree = self.tree;
        let keys: HashSet<NodeId> = tree.keys().collect();
        for (id, kind) in tree.nodes() {
            if self.is_full() {
                break;
            }
            if let Kind::Scalar { text, is_plain: true } = kind
                && !keys.contains(&id)
            {
                self.read(id, text);
            }
        }
    }

    fn refuse(&mut self, id: NodeId, message: &str, help: &str) {
        self.report(id, Code::AmbiguousScalar, message, help);
    }

    fn report(&mut self, id: NodeId, code: Code, message: &str, help: &str) {
        self.refused.push(self.steps());
        if self.reported.insert(id) {
            let place = Place::span(self.source, self.tree.range(id));
            self.mistakes.push(Diagnostic::error(code, place, message).help(help));
        }
    }

    fn hidden(&self) -> Diagnostic {
        let place = Place::file(self.source.path());
        Diagnostic::error(
            Code::AmbiguousScalar,
            place,
            "two YAML readers disagree on whether this file is empty",
        )
        .help("remove what is unusual in its comments, or write a key")
    }

    fn unreadable(&self, error: &serde_yaml::Error) -> Diagnostic {
        let text = self.source.text();
        let at = text.floor_char_boundary(error.location().map_or(0, |location| location.index()));
        let end = text[at..].chars().next().map_or(at, |next| at + next.len_utf8());
        let place = Place::span(self.source, at..end);
        Diagnostic::error(Code::YamlSyntax, place, "some YAML readers cannot read this")
            .label(error.to_string())
            .help("write it more plainly, with quotes and on lines of its own")
    }
}

/// Returns a scalar as a value.
fn value_of(meaning: Scalar, text: &str) -> Value {
    match meaning {
        Scalar::Null => Value::Null,
        Scalar::Bool(is_true) => Value::Bool(is_true),
        Scalar::Integer(number) => Number::from_i128(number).map_or(Value::Null, Value::Number),
        Scalar::Float(number) => Number::from_f64(number).map_or(Value::Null, Value::Number),
        Scalar::Text => Value::String(text.to_owned()),
    }
}

/// Whether the other reading of a scalar has the same meaning.
fn is_same(meaning: Scalar, text: &str, other: &serde_yaml::Value) -> bool {
    match meaning {
        Scalar::Null => other.is_null(),
        Scalar::Bool(is_true) => other.as_bool() == Some(is_true),
        Scalar::Integer(number) => {
            other.as_u64().map(i128::from).or_else(|| other.as_i64().map(i128::from)) == Some(number)
        }
        Scalar::Float(number) => other.is_f64() && other.as_f64() == Some(number),
        Scalar::Text => other.as_str() == Some(text),
    }
}

/// Adds entries whose keys are not there yet.
fn fill(own: &mut Map<String, Value>, source: Map<String, Value>) {
    for (key, value) in source {
        own.entry(key).or_insert(value);
    }
}
