//! Which name is declared where, and where it is referred to.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lsp_types::Range as LspRange;

use crate::diagnostic::Source;
use crate::load::{PROJECT_FILE, Workspace};
use crate::lsp::buffers::{Buffer, Buffers};
use crate::lsp::outline::{Entry, Outline};
use crate::lsp::position::{Encoding, Lines};

/// What a name names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    Template,
    Audience,
    Classification,
    Strategy,
    Campaign,
    Environment,
}

impl Kind {
    pub(super) const ALL: [Self; 6] = [
        Self::Template,
        Self::Audience,
        Self::Classification,
        Self::Strategy,
        Self::Campaign,
        Self::Environment,
    ];

    /// Returns the key whose entries declare such names.
    pub(super) fn section(self) -> &'static str {
        match self {
            Self::Template => "templates",
            Self::Audience => "audiences",
            Self::Classification => "classifications",
            Self::Strategy => "strategies",
            Self::Campaign => "campaigns",
            Self::Environment => "environments",
        }
    }

    /// Returns the word for one.
    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::Template => "template",
            Self::Audience => "audience",
            Self::Classification => "classification",
            Self::Strategy => "strategy",
            Self::Campaign => "campaign",
            Self::Environment => "environment",
        }
    }

    /// Returns the kind of name that an entry's value refers to, if it does.
    pub(super) fn referred_to(entry: &Entry) -> Option<Self> {
        if entry.is_at(&["default_environment"]) {
            return Some(Self::Environment);
        }
        let kinds = [Self::Template, Self::Audience, Self::Classification, Self::Strategy];
        kinds.into_iter().find(|kind| entry.is_at(&["campaigns", "*", kind.noun()]))
    }

    /// Returns the kind of name that an entry's key declares, if it does.
    pub(super) fn declared(entry: &Entry) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| entry.is_at(&[kind.section(), "*"]))
    }
}

/// A kind and a name of it.
pub(super) type Name = (Kind, String);

/// One place where a name stands.
#[derive(Clone, Debug)]
pub(super) struct Site {
    pub(super) path: Arc<Path>,
    pub(super) range: LspRange,
    /// The path and line, as messages show them.
    pub(super) shown: String,
}

/// A place that declares a name.
#[derive(Clone, Debug)]
pub(super) struct Declaration {
    pub(super) site: Site,
    /// What is written there, without the indentation around it.
    pub(super) written: String,
}

/// The names of one file.
#[derive(Debug)]
struct FileNames {
    source: Arc<Source>,
    has_mark: bool,
    declarations: Vec<(Name, Declaration)>,
    references: Vec<(Name, Site)>,
}

/// The names of all files.
#[derive(Debug, Default)]
pub(super) struct Names {
    files: HashMap<PathBuf, FileNames>,
    declarations: BTreeMap<Name, Vec<Declaration>>,
}

impl Names {
    /// Looks through the files that have changed. Of a file that is not YAML at the moment, the open text
    /// still counts.
    pub(super) fn refresh(
        &mut self,
        workspace: &Workspace,
        (directory, is_inside): (&Path, impl Fn(&Path) -> bool),
        shown: impl Fn(&Path) -> String,
        buffers: &Buffers,
        encoding: Encoding,
    ) {
        let project = workspace.project.iter().map(|document| Arc::clone(document.source()));
        let campaigns = workspace.files.iter().map(|document| Arc::clone(document.source()));
        let mut sources: BTreeMap<String, Arc<Source>> =
            project.chain(campaigns).map(|source| (source.path().to_owned(), source)).collect();
        let mut paths = BTreeMap::new();
        for (path, buffer) in buffers.iter().filter(|(path, _)| is_inside(path)) {
            let shown = shown(path);
            sources
                .entry(shown.clone())
                .or_insert_with(|| Source::new(shown.clone(), buffer.text().to_owned()));
            paths.insert(shown, path.clone());
        }
        let mut files = HashMap::new();
        for (shown_path, source) in sources {
            let path = paths.remove(&shown_path).unwrap_or_else(|| {
                let below = shown_path.strip_prefix(&shown(directory)).unwrap_or(&shown_path);
                directory.join(below.trim_start_matches('/'))
            });
            let has_mark = buffers.get(&path).is_some_and(Buffer::has_mark);
            let names = match self.files.remove(&path) {
                Some(names) if Arc::ptr_eq(&names.source, &source) && names.has_mark == has_mark => names,
                _ => FileNames::new(&path, &source, has_mark, encoding),
            };
            files.insert(path, names);
        }
        self.files = files;
        self.declarations = BTreeMap::new();
        let mut in_order: Vec<&FileNames> = self.files.values().collect();
        in_order.sort_by(|left, right| left.source.path().cmp(right.source.path()));
        for (name, declaration) in in_order.into_iter().flat_map(|file| &file.declarations) {
            self.declarations.entry(name.clone()).or_default().push(declaration.clone());
        }
    }

    /// Whether no file was looked through yet, or there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Returns every place that declares a name; more than one is a mistake.
    pub(super) fn declarations(&self, name: &Name) -> &[Declaration] {
        self.declarations.get(name).map_or(&[], Vec::as_slice)
    }

    /// Returns every place that refers to a name, in no order.
    pub(super) fn references(&self, name: &Name) -> impl Iterator<Item = &Site> {
        let all = self.files.values().flat_map(|file| &file.references);
        all.filter(move |(referred_to, _)| referred_to == name).map(|(_, site)| site)
    }

    /// Returns the declared names of a kind, sorted, each with the first place that declares it.
    pub(super) fn of_kind(&self, kind: Kind) -> impl Iterator<Item = (&str, &Declaration)> {
        let of_kind = self.declarations.iter().filter(move |((of, _), _)| *of == kind);
        of_kind.filter_map(|((_, name), places)| Some((name.as_str(), places.first()?)))
    }
}

impl FileNames {
    fn new(path: &Path, source: &Arc<Source>, has_mark: bool, encoding: Encoding) -> Self {
        let is_project = path.file_name().is_some_and(|name| name == PROJECT_FILE);
        let lines = Lines::new(source.text(), encoding).behind_mark(has_mark);
        let path: Arc<Path> = path.into();
        let site = |range: Range<usize>| Site {
            path: Arc::clone(&path),
            shown: format!("{}:{}", source.path(), source.line(range.start)),
            range: lines.range(&range),
        };
        let (mut declarations, mut references) = (Vec::new(), Vec::new());
        for entry in Outline::new(source.text()).entries {
            if let Some(kind) = Kind::declared(&entry)
                && (kind == Kind::Environment) == is_project
            {
                let written = source.text().get(entry.extent.clone()).unwrap_or_default();
                let declaration = Declaration { site: site(entry.key.clone()), written: dedented(written) };
                declarations.push(((kind, entry.name().to_owned()), declaration));
            } else if let Some(kind) = Kind::referred_to(&entry)
                && let Some(value) = &entry.value
            {
                references.push(((kind, value.text.clone()), site(value.range.clone())));
            }
        }
        Self { source: Arc::clone(source), has_mark, declarations, references }
    }
}

/// Returns lines without the indentation that all but the first have in common.
fn dedented(text: &str) -> String {
    /// More than a hover has room for.
    const LINES_MAX: usize = 20;
    let lines: Vec<&str> = text.lines().take(LINES_MAX).collect();
    let indent_of = |line: &&str| line.len() - line.trim_start_matches(' ').len();
    let further = lines.iter().skip(1).filter(|line| !line.trim().is_empty());
    // Of a declaration's own lines, the first is its key: the rest stands two deeper than it.
    let indent = further.map(indent_of).min().unwrap_or(0).saturating_sub(2);
    let dedent = |line: &&str| line.get(indent.min(indent_of(line))..).unwrap_or_default().to_owned();
    let first = lines.first().map(|line| (*line).to_owned());
    first.into_iter().chain(lines.iter().skip(1).map(dedent)).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::load;
    use crate::schema::shapes;

    /// Every name and reference of a workspace as the scan sees them, and as the parsed documents say, each with
    /// the line and column of its range.
    fn both_ways(directory: &Path) -> (BTreeSet<String>, BTreeSet<String>) {
        let (workspace, _) = load::workspace(directory, "", shapes());
        let mut names = Names::default();
        let shown = |path: &Path| path.strip_prefix(directory).unwrap().to_string_lossy().into_owned();
        names.refresh(&workspace, (directory, |_: &Path| true), shown, &Buffers::new(), Encoding::Utf8);
        let (mut scanned, mut parsed) = (BTreeSet::new(), BTreeSet::new());
        let line = |what: &str, kind: Kind, name: &str, source: &Source, range: &Range<usize>| {
            let position = Lines::new(source.text(), Encoding::Utf8).range(range);
            format!("{} {what} {} `{name}` {position:?}", source.path(), kind.noun())
        };
        for file in names.files.values() {
            let shown = file.source.path();
            for ((kind, name), declaration) in &file.declarations {
                if *kind != Kind::Environment {
                    let range = declaration.site.range;
                    scanned.insert(format!("{shown} declares {} `{name}` {range:?}", kind.noun()));
                }
            }
            for ((kind, name), site) in
                file.references.iter().filter(|((kind, _), _)| *kind != Kind::Environment)
            {
                scanned.insert(format!("{shown} names {} `{name}` {:?}", kind.noun(), site.range));
            }
        }
        for document in &workspace.files {
            let (model, source) = (document.model(), document.source());
            let mut declares = |kind: Kind, name: &String| {
                let place = document.key(&[kind.section(), name]);
                let crate::diagnostic::Place::Span(span) = place else { panic!("a key has a span") };
                parsed.insert(line("declares", kind, name, source, &span.range));
            };
            model.templates.keys().for_each(|name| declares(Kind::Template, name));
            model.audiences.keys().for_each(|name| declares(Kind::Audience, name));
            model.classifications.keys().for_each(|name| declares(Kind::Classification, name));
            model.strategies.keys().for_each(|name| declares(Kind::Strategy, name));
            model.campaigns.keys().for_each(|name| declares(Kind::Campaign, name));
            for (campaign, syntax) in &model.campaigns {
                let mut names = |kind: Kind, name: &str| {
                    let place = document.value(&["campaigns", campaign, kind.noun()]);
                    let crate::diagnostic::Place::Span(span) = place else { panic!("a value has a span") };
                    parsed.insert(line("names", kind, name, source, &span.range));
                };
                names(Kind::Template, &syntax.template);
                names(Kind::Audience, &syntax.audience);
                names(Kind::Strategy, &syntax.strategy);
                if let Some(name) = &syntax.classification {
                    names(Kind::Classification, name);
                }
            }
        }
        (scanned, parsed)
    }

    #[test]
    fn the_scan_sees_what_the_parsers_see() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut count = 0;
        for directory in ["campaigns", "tests/corpus/valid"].map(|directory| root.join(directory)) {
            let (scanned, parsed) = both_ways(&directory);
            assert_eq!(scanned, parsed, "{}", directory.display());
            count += parsed.len();
        }
        assert!(count > 100, "{count}");
    }
}
