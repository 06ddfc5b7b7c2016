//! Reading a workspace again and again, as an editor does.
//!
//! Texts that are open in an editor stand in front of the disk, and a file that did not change is not parsed
//! anew. Many files are read on all cores, and come back in the order of their paths. Does not know who edits.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use rayon::prelude::*;
use serde::de::DeserializeOwned;

use crate::diagnostic::{Diagnostic, Source};
use crate::load::boundary::Boundary;
use crate::load::document::{self, Document, Site};
use crate::load::file;
use crate::load::model::{CampaignFile, ProjectFile};
use crate::load::names::{self, PROJECT_FILE};
use crate::load::shape::Shape;

/// A workspace's directory, the texts that are open of it, and what its files said when they were read last.
#[derive(Debug)]
pub struct Reader {
    boundary: Arc<Boundary>,
    shown_as: String,
    open: BTreeMap<PathBuf, String>,
    projects: Memory<ProjectFile>,
    campaigns: Memory<CampaignFile>,
}

/// Whether what was read is remembered for the next time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Remembers {
    Everything,
    Nothing,
}

impl Reader {
    /// Starts without anything open. Messages show paths behind `shown_as`.
    #[must_use]
    pub fn new(boundary: &Arc<Boundary>, shown_as: String) -> Self {
        Self {
            boundary: Arc::clone(boundary),
            shown_as,
            open: BTreeMap::new(),
            projects: Memory::new(Remembers::Everything),
            campaigns: Memory::new(Remembers::Everything),
        }
    }

    /// Starts without anything open, to read once.
    #[must_use]
    pub fn once(boundary: &Arc<Boundary>, shown_as: String) -> Self {
        Self {
            projects: Memory::new(Remembers::Nothing),
            campaigns: Memory::new(Remembers::Nothing),
            ..Self::new(boundary, shown_as)
        }
    }

    /// Returns the workspace's directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.boundary.workspace()
    }

    /// Returns what files of the workspace may lead to.
    #[must_use]
    pub fn boundary(&self) -> &Arc<Boundary> {
        &self.boundary
    }

    /// Returns what paths of files begin with in messages; may be empty.
    #[must_use]
    pub fn shown_as(&self) -> &str {
        &self.shown_as
    }

    /// Takes the text that stands for a file from now on, whatever the disk says, and if it is not there.
    pub fn open(&mut self, path: PathBuf, text: String) {
        self.forget(&path);
        self.open.insert(path, text);
    }

    /// Goes back to what the disk says of a file.
    pub fn close(&mut self, path: &Path) {
        self.forget(path);
        self.open.remove(path);
    }

    /// Reads a file anew the next time, even if its size and time of change are the same.
    pub fn forget(&mut self, path: &Path) {
        self.projects.files.remove(path);
        self.campaigns.files.remove(path);
    }

    /// Whether a file is one of the workspace's, if it exists: the project file or a campaign file.
    #[must_use]
    pub fn holds(&self, path: &Path) -> bool {
        names::is_below(self.directory(), path)
    }

    /// Whether the directory has a project file, be it in an editor only: whether it is a workspace.
    #[must_use]
    pub fn has_project(&self) -> bool {
        self.exists(&self.directory().join(PROJECT_FILE))
    }

    /// Whether a file exists: on disk, even as a link to nothing, or in an editor.
    pub(super) fn exists(&self, path: &Path) -> bool {
        self.open.contains_key(path) || path.symlink_metadata().is_ok()
    }

    /// Returns the paths that are open, sorted.
    pub(super) fn open_paths(&self) -> impl Iterator<Item = &Path> {
        self.open.keys().map(PathBuf::as_path)
    }

    pub(super) fn project(&mut self, path: &Path, shown: String, shape: &Shape) -> Shared<ProjectFile> {
        self.projects.read((&self.boundary, &self.open), path, shown, shape)
    }

    /// Reads campaign files, each with its path as messages show it, in their order, and makes something of each.
    pub(super) fn campaigns<F: Send>(
        &mut self,
        files: Vec<(&Path, String)>,
        shape: &Shape,
        make: impl Fn(Arc<Document<CampaignFile>>) -> F + Sync,
    ) -> Vec<Read<F>> {
        self.campaigns.read_all((&self.boundary, &self.open), files, shape, make)
    }

    /// Forgets the campaign files that are gone.
    pub(super) fn keep_only(&mut self, paths: &[PathBuf]) {
        self.campaigns.files.retain(|path, _| paths.binary_search(path).is_ok());
    }
}

/// A document or what was made of it, if anything of it could be understood, and what is wrong with it.
#[derive(Debug)]
pub(super) struct Read<D> {
    pub(super) document: Option<D>,
    pub(super) mistakes: Vec<Diagnostic>,
}

/// A document that is remembered, and in use.
type Shared<T> = Read<Arc<Document<T>>>;

/// When a file was as it was read.
#[derive(Debug, PartialEq, Eq)]
enum Stamp {
    /// Until the editor says otherwise.
    Open,
    /// As long as the disk says the same of it.
    Disk { modified: SystemTime, bytes: u64 },
}

#[derive(Debug)]
struct Memory<T> {
    files: HashMap<PathBuf, (Stamp, Shared<T>)>,
    remembers: Remembers,
}

impl<T> Memory<T> {
    fn new(remembers: Remembers) -> Self {
        Self { files: HashMap::new(), remembers }
    }
}

/// What files may lead to, and the texts that stand before the disk.
type From<'a> = (&'a Arc<Boundary>, &'a BTreeMap<PathBuf, String>);

/// Fewest files that are worth more than one thread: what it costs to start one parses a dozen files.
const PARALLEL_MIN: usize = 64;

impl<T: DeserializeOwned + Send + Sync> Memory<T> {
    fn read(&mut self, from: From<'_>, path: &Path, shown: String, shape: &Shape) -> Shared<T> {
        let look = self.look(from, path, shown, shape);
        self.remember(path, look.stamp, &look.read);
        look.read
    }

    fn read_all<F: Send>(
        &mut self,
        from: From<'_>,
        files: Vec<(&Path, String)>,
        shape: &Shape,
        make: impl Fn(Arc<Document<T>>) -> F + Sync,
    ) -> Vec<Read<F>> {
        let kept = |read: Shared<T>| Read { document: read.document.map(&make), mistakes: read.mistakes };
        if files.len() < PARALLEL_MIN {
            let read = files.into_iter().map(|(path, shown)| kept(self.read(from, path, shown, shape)));
            return read.collect();
        }
        if self.remembers == Remembers::Nothing {
            let read = files.into_par_iter().map(|(path, shown)| self.look(from, path, shown, shape).read);
            let read = read.map(kept);
            // Threads of their own, which end: what they let go of, the rest of the run takes over.
            return match rayon::ThreadPoolBuilder::new().build() {
                Ok(pool) => pool.install(|| read.collect()),
                Err(_) => read.collect(),
            };
        }
        let paths: Vec<&Path> = files.iter().map(|(path, _)| *path).collect();
        let looks: Vec<Look<T>> =
            files.into_par_iter().map(|(path, shown)| self.look(from, path, shown, shape)).collect();
        let remembered = paths.into_iter().zip(looks).map(|(path, look)| {
            self.remember(path, look.stamp, &look.read);
            kept(look.read)
        });
        remembered.collect()
    }

    /// Reads a file, unless it is as it was when it was read last.
    fn look(&self, from: From<'_>, path: &Path, shown: String, shape: &Shape) -> Look<T> {
        let (boundary, open) = from;
        let text = open.get(path);
        let stamp = match (self.remembers, text) {
            (Remembers::Nothing, _) => None,
            (Remembers::Everything, Some(_)) => Some(Stamp::Open),
            (Remembers::Everything, None) => disk_stamp(path),
        };
        match self.files.get(path) {
            Some((remembered, read)) if Some(remembered) == stamp.as_ref() => {
                return Look { stamp: None, read: read.shared() };
            }
            _ => {}
        }
        let text = match text {
            Some(text) => file::from_text(text, &shown),
            None => file::read(boundary, path, &shown),
        };
        let read = match text {
            Ok(text) => {
                let directory = path.parent().unwrap_or(Path::new("")).to_owned();
                let site = Site { directory, boundary: Arc::clone(boundary) };
                let (document, mistakes) = document::read(Source::new(shown, text), site, shape);
                Read { document: document.map(Arc::new), mistakes }
            }
            Err(mistake) => Read { document: None, mistakes: vec![mistake] },
        };
        Look { stamp, read }
    }

    fn remember(&mut self, path: &Path, stamp: Option<Stamp>, read: &Shared<T>) {
        if let Some(stamp) = stamp {
            self.files.insert(path.to_owned(), (stamp, read.shared()));
        }
    }
}

/// What a look at a file gave.
struct Look<T> {
    /// As what it is to be remembered; nothing where it is already, or nothing is.
    stamp: Option<Stamp>,
    read: Shared<T>,
}

impl<T> Shared<T> {
    /// Returns the same document, not a copy of it.
    fn shared(&self) -> Self {
        Self { document: self.document.clone(), mistakes: self.mistakes.clone() }
    }
}

fn disk_stamp(path: &Path) -> Option<Stamp> {
    let metadata = fs::metadata(path).ok()?;
    Some(Stamp::Disk { modified: metadata.modified().ok()?, bytes: metadata.len() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::shapes;

    fn boundary_of(directory: &tempfile::TempDir) -> Arc<Boundary> {
        Arc::new(Boundary::new(directory.path().to_owned(), Vec::new()))
    }

    const PROJECT: &str = "version: 1\nproject: p\nenvironments: {}\n";

    fn codes(reader: &mut Reader) -> Vec<String> {
        let (_, mistakes) = reader.workspace(shapes());
        let line = |mistake: &Diagnostic| {
            let place = mistake.primary.as_ref().unwrap().place.to_string();
            format!("{place} {}", mistake.code)
        };
        mistakes.iter().map(line).collect()
    }

    #[test]
    fn an_open_text_stands_in_front_of_the_disk_until_it_is_closed() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        fs::write(path("campaignctl.yaml"), PROJECT).unwrap();
        fs::write(path("a.yaml"), "templates: {}\n").unwrap();
        let mut reader = Reader::new(&boundary_of(&directory), String::new());
        assert!(codes(&mut reader).is_empty());
        reader.open(path("a.yaml"), "\u{feff}tempaltes: {}\n".to_owned());
        reader.open(path("new.yaml"), "x: 1\n".to_owned());
        reader.open(path(".hidden.yaml"), "x: 1\n".to_owned());
        reader.open(path("notes.txt"), "x: 1\n".to_owned());
        assert!(reader.holds(&path("b/c.YML")) && !reader.holds(&path(".b/c.yaml")));
        assert_eq!(codes(&mut reader), ["a.yaml:1:1 unknown-key", "new.yaml:1:1 unknown-key"]);
        assert_eq!(codes(&mut reader).len(), 2, "what is remembered is said again");
        reader.close(&path("a.yaml"));
        reader.close(&path("new.yaml"));
        assert!(codes(&mut reader).is_empty());
    }

    #[test]
    fn a_changed_file_is_read_anew_and_an_unchanged_one_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        fs::write(path("campaignctl.yaml"), PROJECT).unwrap();
        fs::write(path("a.yaml"), "templates: {}\n").unwrap();
        let mut reader = Reader::new(&boundary_of(&directory), String::new());
        let source = |reader: &mut Reader| Arc::clone(reader.workspace(shapes()).0.files[0].source());
        let first = source(&mut reader);
        assert!(Arc::ptr_eq(&first, &source(&mut reader)));
        fs::write(path("a.yaml"), "templates: {}\naudiences: {}\n").unwrap();
        assert!(source(&mut reader).text().ends_with("audiences: {}\n"));
        fs::remove_file(path("a.yaml")).unwrap();
        assert!(reader.workspace(shapes()).0.files.is_empty());
    }

    #[test]
    fn a_project_that_only_an_editor_has_is_one() {
        let directory = tempfile::tempdir().unwrap();
        let mut reader = Reader::new(&boundary_of(&directory), "w".to_owned());
        assert_eq!(codes(&mut reader), ["w no-project"]);
        reader.open(directory.path().join("campaignctl.yaml"), PROJECT.to_owned());
        assert!(codes(&mut reader).is_empty());
    }
}
