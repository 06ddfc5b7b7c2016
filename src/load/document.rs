//! One YAML file: its model, and where everything in it stands.
//!
//! The value that `yaml` reads passes the JSON Schema (`shape`), and is decoded into the `model`. A declaration with a mistake
//! of shape is left out of it; what is sound of that one is in `remains`, so that one run reports the rest, too.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use serde_path_to_error::{Path as ErrorPath, Segment};

use crate::diagnostic::{self, Code, Diagnostic, Place, Source};
use crate::load::Places;
use crate::load::boundary::Boundary;
use crate::load::remains::{self, Remains};
use crate::load::shape::{Mistake, Shape};
use crate::load::yaml::{self, Reading, Tree};

/// A YAML file that was understood: the model, and the place of every key and value in it.
///
/// A declaration with a mistake of shape is left out of the model, so that the rest can be checked in the
/// same run; [`Document::is_broken`] tells.
#[derive(Debug)]
pub struct Document<T> {
    model: T,
    source: Arc<Source>,
    site: Site,
    tree: Tree,
    broken: BTreeSet<Vec<String>>,
    remains: Option<Remains<T>>,
}

/// Where a file is: the directory that paths in it are relative to, and what they may lead to.
#[derive(Clone, Debug)]
pub(super) struct Site {
    pub(super) directory: PathBuf,
    pub(super) boundary: Arc<Boundary>,
}

impl<T> Document<T> {
    /// Returns what the file says.
    pub fn model(&self) -> &T {
        &self.model
    }

    /// Returns what is sound of the declarations that were left out of the model, as far as they can be read.
    pub fn remains(&self) -> Option<&Remains<T>> {
        self.remains.as_ref()
    }

    /// Returns the file's text.
    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// Returns where everything in the file stands, without all the rest of it.
    pub fn places(&self) -> Places {
        Places::of(&self.source)
    }

    /// Returns the directory that paths in the file are relative to.
    pub fn directory(&self) -> &Path {
        &self.site.directory
    }

    /// Returns what paths in the file may lead to.
    pub fn boundary(&self) -> &Arc<Boundary> {
        &self.site.boundary
    }

    /// Returns the place of the value at a path of keys and list indexes (`"0"`), through aliases and merge
    /// keys: where it is written. Of what is absent, returns its nearest ancestor's place.
    pub fn value(&self, path: &[&str]) -> Place {
        Place::span(&self.source, self.tree.value_range(path))
    }

    /// Returns the place of the key at a path; of an item where the path ends in a list; of the nearest
    /// ancestor's key where there is none.
    pub fn key(&self, path: &[&str]) -> Place {
        Place::span(&self.source, self.tree.key_range(path))
    }

    /// Whether something is written at a path, through aliases and merge keys.
    pub fn has(&self, path: &[&str]) -> bool {
        self.tree.has(path)
    }

    /// Whether what stands at `path`, or a part of the file around it, was written but left out of the model
    /// because of a mistake that has been reported.
    pub fn is_broken(&self, path: &[&str]) -> bool {
        is_left_out(&self.broken, path)
    }

    /// Returns the declarations, or parts of the file around them, that were left out because of a mistake.
    pub(super) fn broken(&self) -> &BTreeSet<Vec<String>> {
        &self.broken
    }
}

/// Whether `path`, or a part of the file around it, is one of those left out.
pub(super) fn is_left_out(broken: &BTreeSet<Vec<String>>, path: &[&str]) -> bool {
    let is_listed = |path: &[&str]| {
        let path: Vec<String> = path.iter().map(|&step| step.to_owned()).collect();
        broken.contains(&path)
    };
    !broken.is_empty() && (0..=path.len()).any(|length| is_listed(&path[..length]))
}

/// Reads one file's text. The document is absent where mistakes leave nothing that could be checked.
#[must_use]
pub fn parse<T: DeserializeOwned>(
    path: &str,
    text: &str,
    shape: &Shape,
) -> (Option<Document<T>>, Vec<Diagnostic>) {
    let boundary = Arc::new(Boundary::new(PathBuf::new(), Vec::new()));
    let site = Site { directory: PathBuf::new(), boundary };
    read(Source::new(path.to_owned(), text.to_owned()), site, shape)
}

/// Reads one file's text, and remembers where it is.
pub(super) fn read<T: DeserializeOwned>(
    source: Arc<Source>,
    site: Site,
    shape: &Shape,
) -> (Option<Document<T>>, Vec<Diagnostic>) {
    let (document, mut mistakes) = decode(source, site, shape);
    diagnostic::sort(&mut mistakes);
    diagnostic::limit_alike(&mut mistakes);
    (document, mistakes)
}

fn decode<T: DeserializeOwned>(
    source: Arc<Source>,
    site: Site,
    shape: &Shape,
) -> (Option<Document<T>>, Vec<Diagnostic>) {
    let (reading, mut mistakes) = yaml::read(&source);
    let Some(Reading { tree, mut value, refused }) = reading else { return (None, mistakes) };
    if value.is_null() {
        value = Value::Object(Map::new());
    }
    let of_shape = shape.mistakes(&source, &tree, &value);
    let refused: HashSet<Vec<String>> = refused.into_iter().collect();
    let of_shape: Vec<Mistake> =
        of_shape.into_iter().filter(|mistake| !refused.contains(&mistake.path)).collect();
    let mut paths = Vec::new();
    for Mistake { path, diagnostic } in of_shape {
        paths.push(path);
        mistakes.push(diagnostic);
    }
    paths.extend(refused);
    let remains = remains::of(&value, shape, &paths);
    let broken: BTreeSet<Vec<String>> = paths.into_iter().map(declaration).collect();
    let is_whole_broken = broken.contains(&Vec::new());
    for path in &broken {
        remove(&mut value, path);
    }
    if is_whole_broken {
        return (None, mistakes);
    }
    // Only a value that cannot be decoded is followed step by step, to say where.
    let decoded = T::deserialize(&value).or_else(|_| serde_path_to_error::deserialize(&value));
    match decoded {
        Ok(model) => (Some(Document { model, source, site, tree, broken, remains }), mistakes),
        Err(error) => {
            // Where something required was left out, the mistake that removed it has been reported.
            if broken.is_empty() {
                mistakes.push(undecodable(&source, &tree, &error));
            }
            (None, mistakes)
        }
    }
}

/// Cuts a path down to the declaration it is in: section and name, or less.
fn declaration(mut path: Vec<String>) -> Vec<String> {
    path.truncate(2);
    path
}

fn remove(value: &mut Value, path: &[String]) {
    let Some((last, parents)) = path.split_last() else { return };
    let mut parent = value;
    for step in parents {
        let Some(child) = parent.get_mut(step) else { return };
        parent = child;
    }
    if let Value::Object(entries) = parent {
        entries.remove(last);
    }
}

fn undecodable(
    source: &Arc<Source>,
    tree: &Tree,
    error: &serde_path_to_error::Error<serde_json::Error>,
) -> Diagnostic {
    let path = segments(error.path());
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let place = Place::span(source, tree.value_range(&path));
    Diagnostic::error(Code::WrongValue, place, error.inner().to_string())
        .help("the key's description in the schema says what it takes")
}

fn segments(path: &ErrorPath) -> Vec<String> {
    path.iter()
        .filter_map(|segment| match segment {
            Segment::Seq { index } => Some(index.to_string()),
            Segment::Map { key } => Some(key.clone()),
            Segment::Enum { .. } | Segment::Unknown => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::model::CampaignFile;
    use crate::schema::shapes;

    const CAMPAIGN: &str =
        "campaigns: {c: {template: x, audience: x, classification: x, strategy: x, expires_after: 12h}}\n";

    /// States every mistake of a campaign file as `place code: message; help`.
    fn mistakes(text: &str) -> String {
        let (_, mut mistakes) = parse::<CampaignFile>("a.yaml", text, &shapes().campaign);
        crate::diagnostic::sort(&mut mistakes);
        let line = |mistake: &Diagnostic| {
            let place = mistake.primary.as_ref().map(|label| label.place.to_string()).unwrap_or_default();
            let help = mistake.help.as_deref().unwrap_or_default();
            format!("{place} {}: {}; {help}\n", mistake.code, mistake.message)
        };
        mistakes.iter().map(line).collect()
    }

    #[test]
    fn a_broken_declaration_is_left_out_and_the_rest_stays() {
        let text = "templates: {a: {name: x}, b: {name: x, title: t, body: b}}\n";
        let (document, mistakes) = parse::<CampaignFile>("a.yaml", text, &shapes().campaign);
        let document = document.unwrap();
        assert_eq!(mistakes.len(), 2);
        assert_eq!(document.model().templates.keys().collect::<Vec<_>>(), ["b"]);
        assert!(document.is_broken(&["templates", "a"]) && !document.is_broken(&["templates", "b"]));
    }

    #[test]
    fn a_length_of_time_without_its_unit_is_told_that() {
        insta::assert_snapshot!(mistakes(&CAMPAIGN.replace("12h", "24")), @r"
        a.yaml:1:90 wrong-type: `expires_after` takes a number with its unit, not the number 24; the unit is missing: write `24s`, `24m`, `24h`, `24d`
        ");
        let project = "version: 1\nproject: p\nenvironments: { e: { app_id: a, workspace_id: w, endpoint: sandbox, timeout: 30 } }\n";
        let (_, of_project) = parse::<crate::load::model::ProjectFile>("p.yaml", project, &shapes().project);
        let helps: Vec<&str> = of_project.iter().filter_map(|mistake| mistake.help.as_deref()).collect();
        assert_eq!(helps, ["the unit is missing: write `30s`, `30m`, `30h`, `30d`"]);
        // What is no length of time is quoted, as ever.
        let text = mistakes("templates: {a: {name: x, title: 24, body: q}}\n");
        assert!(text.ends_with("; quote it: \"24\"\n"), "{text}");
    }

    #[test]
    fn a_list_where_a_campaign_has_one_says_what_to_do_instead() {
        for (key, help) in [
            ("template", "a campaign has one template: write a campaign for each"),
            (
                "audience",
                "a campaign has one audience: list all its targets under one name of `audiences:`, or write a campaign for each audience",
            ),
            (
                "classification",
                "a campaign has one classification: list all vendors under one name of `classifications:`",
            ),
            ("strategy", "a campaign has one strategy: write a campaign for each"),
        ] {
            let text = mistakes(&CAMPAIGN.replace(&format!("{key}: x"), &format!("{key}: [a, b]")));
            assert!(
                text.contains(&format!("wrong-type: `{key}` takes text, not a list; {help}\n")),
                "{text}"
            );
        }
        let text = mistakes("templates: {a: {name: x, title: t, body: [a, b]}}\n");
        assert!(text.ends_with("; write one text, not a list of them\n"), "{text}");
    }

    #[test]
    fn mistakes_of_shape_say_what_to_write() {
        insta::assert_snapshot!(mistakes("templates: {a: {name: x, title: 2.50, bdy: q}}\n"), @r#"
        a.yaml:1:13 missing-key: `a` is missing the key `body`; add it, for example `body: Congratulations on winning #money# USD`
        a.yaml:1:33 wrong-type: `title` takes text, not the number 2.5; quote it: "2.50"
        a.yaml:1:39 unknown-key: `a` has no key `bdy`; did you mean `body`?
        "#);
    }
}
