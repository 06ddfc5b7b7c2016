//! Which files a workspace may name: those in it, and audience files below directories that the machine allows.
//!
//! What counts is where a path leads after every link and `..`; the file that was opened is asked, so that a link
//! swapped between the question and the reading changes nothing. Does not know what is in a file.

use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use crate::load::names::is_yaml;

/// Symbolic links that are followed to find out where a path that cannot be opened leads: as many as Linux follows.
const LINKS_MAX: usize = 40;

/// The directories that files may lie in. YAML never names one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Boundary {
    workspace: PathBuf,
    /// Allowed for audience files besides, by the machine.
    machine: Vec<PathBuf>,
}

/// Why a file was not opened, or not read.
#[derive(Debug)]
pub enum OpenError {
    /// It leads out of the directories that it may lie in. Nothing is told of what is there, not even whether.
    Outside,
    /// A directory, a device, a pipe or a socket.
    NotAFile {
        /// Whether it is a directory.
        is_directory: bool,
    },
    /// The system refused.
    Unreadable(io::Error),
}

impl Boundary {
    /// Takes the directory of the project file, and the directories that the machine allows for audience files.
    #[must_use]
    pub fn new(workspace: PathBuf, machine: Vec<PathBuf>) -> Self {
        Self { workspace, machine }
    }

    /// Returns that of another workspace on the same machine.
    #[must_use]
    pub fn moved_to(&self, workspace: PathBuf) -> Self {
        Self { workspace, machine: self.machine.clone() }
    }

    /// Returns the directory of the project file.
    #[must_use]
    pub fn workspace(&self) -> &Path {
        &self.workspace
    }

    /// Opens an audience file.
    ///
    /// # Errors
    ///
    /// Returns [`OpenError`]; nothing was read then.
    pub fn open_audience(&self, path: &Path) -> Result<File, OpenError> {
        Ok(self.open_real(path, &self.machine)?.0)
    }

    /// Opens a YAML file of the workspace: a link may lead to another name in it, but not to a file that is no YAML, of
    /// which messages would quote lines.
    ///
    /// # Errors
    ///
    /// Returns [`OpenError`]; nothing was read then.
    pub fn open_yaml(&self, path: &Path) -> Result<(File, Metadata), OpenError> {
        let (file, real, metadata) = self.open_real(path, &[])?;
        // A person may give `fmt` a file of any name.
        let is_meant = is_yaml(&real) || real.file_name() == path.file_name();
        if is_meant { Ok((file, metadata)) } else { Err(OpenError::Outside) }
    }

    /// Whether a directory leads out of the workspace and of what the machine allows, so that nothing is looked for in it.
    #[must_use]
    pub fn leads_outside(&self, directory: &Path) -> bool {
        self.is_outside(&destination(directory, LINKS_MAX), &self.machine)
    }

    /// Returns where a YAML file really lies, to be written there, if it may be.
    ///
    /// # Errors
    ///
    /// Returns an error where it leads out of the workspace.
    pub fn real_yaml(&self, path: &Path) -> io::Result<PathBuf> {
        let real = fs::canonicalize(path)?;
        if self.is_outside(&real, &[]) {
            return Err(io::Error::other("it leads out of the workspace"));
        }
        Ok(real)
    }

    /// Opens a file and returns it with the path where it really lies.
    fn open_real(&self, path: &Path, machine: &[PathBuf]) -> Result<(File, PathBuf, Metadata), OpenError> {
        // Of what lies outside nothing is told, whatever else is the matter with it.
        let or_outside = |error: OpenError| {
            if self.is_outside(&destination(path, LINKS_MAX), machine) { OpenError::Outside } else { error }
        };
        let not_a_file = |metadata: &Metadata| OpenError::NotAFile { is_directory: metadata.is_dir() };
        let unreadable = |error| or_outside(OpenError::Unreadable(error));
        // Asked first: to open a device may have effects.
        let before = fs::metadata(path).map_err(unreadable)?;
        if !before.is_file() {
            return Err(or_outside(not_a_file(&before)));
        }
        let file = open_at_once(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        if !metadata.is_file() {
            return Err(or_outside(not_a_file(&metadata)));
        }
        let real = real_path(&file, &metadata, path).map_err(OpenError::Unreadable)?;
        if self.is_outside(&real, machine) { Err(OpenError::Outside) } else { Ok((file, real, metadata)) }
    }

    /// Whether a real path lies in none of the directories.
    fn is_outside(&self, real: &Path, machine: &[PathBuf]) -> bool {
        let here = Path::new(".");
        let named = |root: &Path| if root.as_os_str().is_empty() { here } else { root }.to_owned();
        let mut roots =
            std::iter::once(&self.workspace).chain(machine).map(|root| fs::canonicalize(named(root)));
        !roots.any(|root| root.is_ok_and(|root| real.starts_with(root)))
    }
}

/// Opens a file without waiting for the other end of a pipe that took its place since.
fn open_at_once(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK | libc::O_NOCTTY);
    options.open(path)
}

/// Returns where an open file lies.
fn real_path(file: &File, metadata: &Metadata, path: &Path) -> io::Result<PathBuf> {
    #[cfg(target_os = "linux")]
    {
        use std::os::fd::AsRawFd;
        if let Ok(real) = fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())) {
            return Ok(real);
        }
    }
    // Elsewhere: the path is followed again, and must lead to the same file.
    let real = fs::canonicalize(path)?;
    if is_same_file(&fs::symlink_metadata(&real)?, metadata) {
        Ok(real)
    } else {
        Err(io::Error::other("it was replaced while it was opened"))
    }
}

#[cfg(unix)]
fn is_same_file(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
fn is_same_file(one: &Metadata, other: &Metadata) -> bool {
    one.len() == other.len() && one.modified().ok() == other.modified().ok()
}

/// Returns where a path leads, as far as there is anything: what is missing at its end is left out.
fn destination(path: &Path, links_max: usize) -> PathBuf {
    if let Ok(real) = fs::canonicalize(path) {
        return real;
    }
    let parent = match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => return path.to_owned(),
    };
    match fs::read_link(path) {
        Ok(target) if links_max > 0 => destination(&parent.join(target), links_max - 1),
        _ if path == Path::new(".") => path.to_owned(),
        _ => destination(parent, links_max),
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::io::Read;
    use std::os::unix::fs::symlink;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    struct Site {
        directory: tempfile::TempDir,
    }

    impl Site {
        /// `w` is the workspace, `machine` is allowed by the machine, and `outside` is not.
        fn new() -> Self {
            let site = Self { directory: tempfile::tempdir().unwrap() };
            for name in ["w/sub", "machine", "outside/deep"] {
                fs::create_dir_all(site.at(name)).unwrap();
            }
            for name in
                ["w/in.csv", "w/sub/in.csv", "machine/in.csv", "outside/secret", "outside/deep/secret"]
            {
                fs::write(site.at(name), name).unwrap();
            }
            site
        }

        fn at(&self, name: &str) -> PathBuf {
            self.directory.path().join(name)
        }

        fn boundary(&self) -> Boundary {
            Boundary::new(self.at("w"), vec![self.at("machine")])
        }

        fn opened(&self, path: &Path) -> String {
            said(self.boundary().open_audience(path))
        }
    }

    fn said(opened: Result<File, OpenError>) -> String {
        match opened {
            Ok(mut file) => {
                let mut text = String::new();
                file.read_to_string(&mut text).unwrap();
                text
            }
            Err(OpenError::Outside) => "outside".to_owned(),
            Err(OpenError::NotAFile { is_directory }) => format!("not a file {is_directory}"),
            Err(OpenError::Unreadable(error)) => format!("{:?}", error.kind()),
        }
    }

    #[test]
    fn what_counts_is_where_a_path_leads_and_not_how_it_is_written() {
        let site = Site::new();
        let link = |to: &str, name: &str| symlink(to, site.at(name)).unwrap();
        link("in.csv", "w/link.csv");
        link("../w/sub", "w/linked-sub");
        link(site.at("machine/in.csv").to_str().unwrap(), "w/to-machine.csv");
        link("../outside/secret", "w/to-outside.csv");
        link("to-outside.csv", "w/to-a-link.csv");
        link("../outside/deep", "w/outside-directory");
        link("../outside/nothing", "w/to-nothing-outside.csv");
        link("nothing", "w/to-nothing.csv");
        link("../outside", "machine/back");
        link("loop", "w/loop");
        let inside = |expected: &str| expected.to_owned();
        for (path, expected) in [
            ("w/in.csv", inside("w/in.csv")),
            ("w/link.csv", inside("w/in.csv")),
            ("w/linked-sub/in.csv", inside("w/sub/in.csv")),
            ("w/sub/../in.csv", inside("w/in.csv")),
            ("w/../w/in.csv", inside("w/in.csv")),
            ("machine/in.csv", inside("machine/in.csv")),
            ("w/../machine/in.csv", inside("machine/in.csv")),
            ("w/to-machine.csv", inside("machine/in.csv")),
            ("w/nothing", inside("NotFound")),
            ("w/to-nothing.csv", inside("NotFound")),
            ("w/sub", inside("not a file true")),
            ("outside/secret", inside("outside")),
            ("w/../outside/secret", inside("outside")),
            ("w/to-outside.csv", inside("outside")),
            ("w/to-a-link.csv", inside("outside")),
            ("w/outside-directory/secret", inside("outside")),
            ("machine/back/secret", inside("outside")),
            // Whether it exists, and what it is, is not told either.
            ("w/../outside/nothing", inside("outside")),
            ("w/to-nothing-outside.csv", inside("outside")),
            ("w/../outside", inside("outside")),
            ("w/outside-directory/nothing/at/all", inside("outside")),
        ] {
            assert_eq!(site.opened(&site.at(path)), expected, "{path}");
        }
        assert_ne!(site.opened(&site.at("w/loop")), "outside");
        for path in
            ["/etc/passwd", "/proc/self/environ", "/proc/self/cmdline", "/dev/zero", "/dev/stdin", "/"]
        {
            assert_eq!(site.opened(Path::new(path)), "outside", "{path}");
        }
    }

    #[test]
    fn a_pipe_a_socket_and_a_directory_are_not_opened() {
        let site = Site::new();
        let pipe = site.at("w/pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let _listener = std::os::unix::net::UnixListener::bind(site.at("w/socket")).unwrap();
        for name in ["w/pipe", "w/socket"] {
            assert_eq!(site.opened(&site.at(name)), "not a file false", "{name}");
        }
        // As if it took a file's place after the first look: nobody writes, and nobody waits.
        assert!(open_at_once(&pipe).is_ok());
    }

    #[test]
    fn yaml_is_read_from_the_workspace_alone_and_from_yaml_files_alone() {
        let site = Site::new();
        for name in ["w/a.yaml", "machine/a.yaml", "outside/a.yaml"] {
            fs::write(site.at(name), name).unwrap();
        }
        symlink("a.yaml", site.at("w/link.yml")).unwrap();
        symlink("../machine/a.yaml", site.at("w/machine.yaml")).unwrap();
        symlink("../outside/a.yaml", site.at("w/outside.yaml")).unwrap();
        symlink("in.csv", site.at("w/people.yaml")).unwrap();
        for (name, is_let_in) in [
            ("w/a.yaml", true),
            ("w/link.yml", true),
            ("w/machine.yaml", false),
            ("w/outside.yaml", false),
            // Messages would quote its lines.
            ("w/people.yaml", false),
        ] {
            let opened = site.boundary().open_yaml(&site.at(name));
            assert_eq!(opened.is_ok(), is_let_in, "{name}: {opened:?}");
        }
    }

    #[test]
    fn a_link_that_is_swapped_while_it_is_opened_never_leads_outside() {
        let site = Site::new();
        let (boundary, path, is_over) = (site.boundary(), site.at("w/swapped"), AtomicBool::new(false));
        symlink("in.csv", &path).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    for target in ["../outside/secret", "in.csv"] {
                        symlink(target, site.at("w/next")).unwrap();
                        fs::rename(site.at("w/next"), &path).unwrap();
                    }
                }
            });
            let read: std::collections::BTreeSet<String> =
                (0..3000).map(|_| said(boundary.open_audience(&path))).collect();
            is_over.store(true, Ordering::Relaxed);
            let allowed = ["outside".to_owned(), "w/in.csv".to_owned()];
            assert!(read.iter().all(|read| allowed.contains(read)), "{read:?}");
        });
    }
}
