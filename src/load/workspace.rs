//! The files of a workspace.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ignore::{Error as WalkError, WalkBuilder};

use crate::diagnostic::{self, Code, Diagnostic, Place, Source, closest};
use crate::load::boundary::Boundary;
use crate::load::document::{self, Document};
use crate::load::file;
use crate::load::model::{CampaignFile, ProjectFile};
use crate::load::names::{PROJECT_FILE, is_below, is_hidden, is_yaml};
use crate::load::no_project::{self, PROJECT_FILE_MISNAMED};
use crate::load::reader::Reader;
use crate::load::schema_line::{self, Kind};
use crate::load::shape::{Shape, Shapes};

/// The keys of a campaign file.
const SECTIONS: [&str; 5] = ["templates", "audiences", "classifications", "strategies", "campaigns"];

/// What could be read of a workspace, and what was made of each campaign file: nothing else, unless something is asked for.
#[derive(Debug)]
pub struct Workspace<F = Arc<Document<CampaignFile>>> {
    /// The project file.
    pub project: Option<Arc<Document<ProjectFile>>>,
    /// The campaign files, sorted by path.
    pub files: Vec<F>,
    /// Whether some file is missing here that could not be understood at all.
    has_lost_files: bool,
    /// What was left out of the campaign files because of a mistake.
    broken: BTreeSet<Vec<String>>,
}

impl<F> Workspace<F> {
    /// Makes something else of each campaign file.
    pub fn map<G>(&self, make: impl FnMut(&F) -> G) -> Workspace<G> {
        let Self { project, files, has_lost_files, broken } = self;
        Workspace {
            project: project.clone(),
            files: files.iter().map(make).collect(),
            has_lost_files: *has_lost_files,
            broken: broken.clone(),
        }
    }

    /// A workspace of whose campaign files nothing is known.
    fn without_files(project: Option<Arc<Document<ProjectFile>>>) -> Self {
        Self { project, files: Vec::new(), has_lost_files: true, broken: BTreeSet::new() }
    }

    /// Whether `section` (`templates`, `audiences` …) has, or may have, a declaration of that name which was
    /// left out because of a mistake that has been reported. A reference to it is no mistake of its own.
    #[must_use]
    pub fn may_declare(&self, section: &str, name: &str) -> bool {
        // It may stand under a misspelled key.
        let is_meant = |key: &String| closest(key, SECTIONS) == Some(section);
        let is_lost = |path: &Vec<String>| matches!(path.as_slice(), [key] if is_meant(key));
        self.has_lost_files
            || document::is_left_out(&self.broken, &[section, name])
            || self.broken.iter().any(is_lost)
    }

    /// Returns the names of a section whose declarations were left out because of a mistake, sorted: they are known all the same.
    pub fn left_out(&self, section: &str) -> impl Iterator<Item = &str> {
        self.broken.iter().filter_map(move |path| match path.as_slice() {
            [of, name] if of == section => Some(name.as_str()),
            _ => None,
        })
    }

    /// Whether nothing of any campaign file was left out because of a mistake.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        !self.has_lost_files && self.broken.is_empty()
    }
}

/// Reads a workspace: the project file in `directory`, and every other `*.yaml` and `*.yml` in it and below,
/// through symbolic links. What is hidden (its name begins with a dot) is skipped. Messages show paths
/// behind `shown_as`. Where there is no project file, that is all that is wrong, and nothing else is read: what is below may
/// be anybody's.
#[must_use]
pub fn workspace(directory: &Path, shown_as: &str, shapes: &Shapes) -> (Workspace, Vec<Diagnostic>) {
    within(&alone(directory), shown_as, shapes)
}

/// Does the same within a boundary, whose workspace it is.
#[must_use]
pub fn within(boundary: &Arc<Boundary>, shown_as: &str, shapes: &Shapes) -> (Workspace, Vec<Diagnostic>) {
    Reader::once(boundary, shown_as.to_owned()).workspace(shapes)
}

/// A workspace on a machine that allows no directories besides.
fn alone(directory: &Path) -> Arc<Boundary> {
    Arc::new(Boundary::new(directory.to_owned(), Vec::new()))
}

/// Does the same, and keeps of each campaign file what `make` makes of it, beside the project file. It is called where the
/// file is read, so of many files only a few are in memory as syntax at a time.
pub fn workspace_of<F: Send>(
    boundary: &Arc<Boundary>,
    shown_as: &str,
    shapes: &Shapes,
    make: impl Fn(Option<&Document<ProjectFile>>, &Document<CampaignFile>) -> F + Sync,
) -> (Workspace<F>, Vec<Diagnostic>) {
    let mut reader = Reader::once(boundary, shown_as.to_owned());
    read(&mut reader, shapes, |project, document| make(project, &document))
}

/// Reads the project file alone, as if nobody knew of any campaign file.
#[must_use]
pub fn project_alone<F>(
    directory: &Path,
    shown_as: &str,
    shapes: &Shapes,
) -> (Workspace<F>, Vec<Diagnostic>) {
    let mut reader = Reader::once(&alone(directory), shown_as.to_owned());
    let mut reading = Reading { directory, shown_as, reader: &mut reader, mistakes: Vec::new() };
    let project = match reading.project(&shapes.project) {
        Found::Project(project) => project,
        Found::NoWorkspace => None,
    };
    (Workspace::without_files(project), reading.mistakes)
}

/// Lists the YAML files that [`workspace`] would read, the project file first, the others in the order of their
/// paths, each with its path as messages show it. The directory may also be a part of a workspace.
#[must_use]
pub fn files(directory: &Path, shown_as: &str) -> (Vec<(PathBuf, String)>, Vec<Diagnostic>) {
    let mut reader = Reader::once(&alone(directory), shown_as.to_owned());
    let mut reading = Reading { directory, shown_as, reader: &mut reader, mistakes: Vec::new() };
    let project = Some(directory.join(PROJECT_FILE)).filter(|path| reading.reader.exists(path));
    let paths = project.into_iter().chain(reading.campaign_files());
    let shown = paths.map(|path| (path.clone(), reading.shown(&path))).collect();
    (shown, reading.mistakes)
}

/// Reads a workspace with what a reader remembers and has open.
pub(super) fn read<F: Send>(
    reader: &mut Reader,
    shapes: &Shapes,
    make: impl Fn(Option<&Document<ProjectFile>>, Arc<Document<CampaignFile>>) -> F + Sync,
) -> (Workspace<F>, Vec<Diagnostic>) {
    let (directory, shown_as) = (reader.directory().to_owned(), reader.shown_as().to_owned());
    let mut reading = Reading { directory: &directory, shown_as: &shown_as, reader, mistakes: Vec::new() };
    let project = match reading.project(&shapes.project) {
        Found::Project(project) => project,
        Found::NoWorkspace => {
            reading.reader.keep_only(&[]);
            return (Workspace::without_files(None), reading.mistakes);
        }
    };
    let paths = reading.campaign_files();
    let is_told = project.as_ref().is_some_and(|document| schema_line::is_there(document.source()));
    let schema_mistake = |source: &Arc<Source>, directory: &Path| {
        schema_line::mistake(source, directory, Kind::Campaigns, is_told)
    };
    let shown = paths.iter().map(|path| (path.as_path(), reading.shown(path))).collect();
    let kept = reading.reader.campaigns(shown, &shapes.campaign, |document| {
        let mistake = schema_mistake(document.source(), document.directory());
        (mistake.map(Box::new), document.broken().clone(), make(project.as_deref(), document))
    });
    let (mut files, mut broken) = (Vec::with_capacity(paths.len()), BTreeSet::new());
    for read in kept {
        reading.mistakes.extend(read.mistakes);
        let Some((mistake, left_out, file)) = read.document else { continue };
        reading.mistakes.extend(mistake.map(|mistake| *mistake));
        broken.extend(left_out);
        files.push(file);
    }
    reading.reader.keep_only(&paths);
    let has_lost_files = files.len() < paths.len();
    let mut mistakes = reading.mistakes;
    diagnostic::sort(&mut mistakes);
    (Workspace { project, files, has_lost_files, broken }, mistakes)
}

/// What a directory is.
enum Found {
    /// A workspace, with its project file if that could be understood.
    Project(Option<Arc<Document<ProjectFile>>>),
    /// None.
    NoWorkspace,
}

struct Reading<'workspace> {
    directory: &'workspace Path,
    shown_as: &'workspace str,
    reader: &'workspace mut Reader,
    mistakes: Vec<Diagnostic>,
}

impl Reading<'_> {
    /// Reads the project file.
    fn project(&mut self, shape: &Shape) -> Found {
        if !self.reader.has_project() {
            self.mistakes.push(no_project::diagnostic(self.directory, self.shown_as));
            return Found::NoWorkspace;
        }
        let path = self.directory.join(PROJECT_FILE);
        let read = self.reader.project(&path, self.shown(&path), shape);
        self.mistakes.extend(read.mistakes);
        self.mistakes.extend(read.document.as_ref().and_then(|project| {
            let is_told = schema_line::is_there(project.source());
            schema_line::mistake(project.source(), project.directory(), Kind::Project, is_told)
        }));
        Found::Project(read.document)
    }

    /// Lists the campaign files in the order of their paths.
    fn campaign_files(&mut self) -> Vec<PathBuf> {
        let mut paths = Vec::new();
        let outside = Arc::new(Mutex::new(Vec::new()));
        let (boundary, kept_out) = (Arc::clone(self.reader.boundary()), Arc::clone(&outside));
        let walk = WalkBuilder::new(self.directory)
            .standard_filters(false)
            .hidden(true)
            .follow_links(true)
            // In the order of the paths, so that little is left to sort.
            .sort_by_file_name(OsStr::cmp)
            .filter_entry(move |entry| {
                let is_directory = entry.file_type().is_some_and(|kind| kind.is_dir());
                let is_link = entry.depth() > 0 && entry.path_is_symlink();
                let is_let_in = !(is_link && is_directory && boundary.leads_outside(entry.path()));
                if !is_let_in {
                    kept_out.lock().unwrap_or_else(PoisonError::into_inner).push(entry.path().to_owned());
                }
                is_let_in
            })
            .build();
        let projects = [PROJECT_FILE, PROJECT_FILE_MISNAMED].map(|name| self.directory.join(name));
        let is_project = |path: &Path| projects.iter().any(|project| path == project);
        for entry in walk {
            match entry {
                Ok(entry) if entry.depth() == 0 || !is_yaml(entry.path()) || is_project(entry.path()) => {}
                Ok(entry) if entry.file_type().is_some_and(|kind| kind.is_dir()) => {
                    self.mistakes.push(file::not_a_file(&self.shown(entry.path()), true));
                }
                Ok(entry) => paths.push(entry.into_path()),
                Err(error) => self.walk_error(&error, None),
            }
        }
        for path in outside.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            self.mistakes.push(file::outside(&self.shown(&path)));
        }
        let open =
            self.reader.open_paths().filter(|path| is_below(self.directory, path) && !is_project(path));
        paths.extend(open.map(Path::to_owned));
        paths.sort();
        paths.dedup();
        paths
    }

    fn walk_error(&mut self, error: &WalkError, path: Option<&Path>) {
        match error {
            WalkError::Partial(errors) => errors.iter().for_each(|error| self.walk_error(error, path)),
            WalkError::WithPath { path, err } => self.walk_error(err, Some(path)),
            WalkError::WithLineNumber { err, .. } | WalkError::WithDepth { err, .. } => {
                self.walk_error(err, path);
            }
            WalkError::Loop { ancestor, child } => {
                let message = format!("the symbolic link leads back to `{}`", self.shown(ancestor));
                let place = Place::file(self.shown(child));
                self.mistakes.push(Diagnostic::error(Code::LinkLoop, place, message).help("remove it"));
            }
            WalkError::Io(error) => {
                let path = path.unwrap_or(self.directory);
                if path != self.directory && (is_hidden(path) || path == self.directory.join(PROJECT_FILE)) {
                    return;
                }
                if self.reader.boundary().leads_outside(path) {
                    self.mistakes.push(file::outside(&self.shown(path)));
                    return;
                }
                // The walk's error has lost the system's own; ask again.
                let again = fs::metadata(path).and_then(|_| fs::read_dir(path)).err();
                self.mistakes.push(file::unreadable(&self.shown(path), again.as_ref().unwrap_or(error)));
            }
            other => {
                let place = Place::file(self.shown(path.unwrap_or(self.directory)));
                let message = format!("cannot be read: {other}");
                self.mistakes.push(Diagnostic::error(Code::UnreadableFile, place, message));
            }
        }
    }

    /// Returns a path as messages show it.
    fn shown(&self, path: &Path) -> String {
        let relative = path.strip_prefix(self.directory).unwrap_or(path);
        let parts = std::iter::once(self.shown_as.into())
            .chain(relative.iter().map(OsStr::to_string_lossy))
            .filter(|part| !part.is_empty());
        let shown = parts.collect::<Vec<_>>().join("/");
        if shown.is_empty() { ".".to_owned() } else { shown }
    }
}

impl Reader {
    /// Reads what has changed, and returns the workspace with everything that is wrong with it.
    #[must_use]
    pub fn workspace(&mut self, shapes: &Shapes) -> (Workspace, Vec<Diagnostic>) {
        read(self, shapes, |_, document| document)
    }
}
