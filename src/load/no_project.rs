//! What is said of a directory without a project file, at once: nothing below it is read, be it a whole disk.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::diagnostic::{Code, Diagnostic, Place, number};
use crate::load::file;
use crate::load::names::PROJECT_FILE;

/// What the project file is called by mistake.
pub(super) const PROJECT_FILE_MISNAMED: &str = "campaignctl.yml";

/// Where the workspace is in the directory of a repository, mostly.
const USUAL_DIRECTORY: &str = "campaigns";

/// Most entries of the directory that are looked into for workspaces.
const ENTRIES_MAX: usize = 1000;

/// Most workspaces nearby that are named.
const NAMED_MAX: usize = 3;

/// Says that a directory has no project file, where that is so.
#[must_use]
pub fn no_project(directory: &Path, shown_as: &str) -> Option<Diagnostic> {
    let is_missing = directory.join(PROJECT_FILE).symlink_metadata().is_err();
    is_missing.then(|| diagnostic(directory, shown_as))
}

/// Says that there is no project file, and what to do: `no-project`, or why nobody can tell.
pub(super) fn diagnostic(directory: &Path, shown_as: &str) -> Diagnostic {
    let shown = if shown_as.is_empty() { "." } else { shown_as };
    let place = Place::file(shown);
    let message = match fs::metadata(directory) {
        Ok(metadata) if !metadata.is_dir() => "this is no directory".to_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => "there is no such directory".to_owned(),
        Err(error) => return file::unreadable(shown, &error),
        Ok(_) => match directory.join(PROJECT_FILE).symlink_metadata() {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return file::unreadable(shown, &error),
            _ => format!("there is no project file `{PROJECT_FILE}` here"),
        },
    };
    let help = if directory.join(PROJECT_FILE_MISNAMED).exists() {
        format!("rename `{PROJECT_FILE_MISNAMED}` to `{PROJECT_FILE}`")
    } else {
        let near = below(directory);
        let near = if near.is_empty() { above(directory).into_iter().collect() } else { near };
        let near: Vec<String> = near.iter().map(|path| quoted(shown_as, path)).collect();
        match near.as_slice() {
            [] => "name the workspace's directory with `-C DIR`, or start one with `campaignctl init`"
                .to_owned(),
            [one] => format!("there is a workspace nearby: name it with `-C {one}`"),
            many => {
                let named = many[..many.len().min(NAMED_MAX)].join("`, `");
                let more = match many.len().saturating_sub(NAMED_MAX) {
                    0 => String::new(),
                    more => format!(" and {} more", number(more as u64)),
                };
                format!("name one of the workspaces nearby with `-C DIR`: `{named}`{more}")
            }
        }
    };
    Diagnostic::error(Code::NoProject, place, message).help(help)
}

/// Finds the workspaces right below a directory.
fn below(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().take(ENTRIES_MAX).flatten();
    let is_near = |name: &PathBuf| {
        let is_hidden = name.as_os_str().as_encoded_bytes().starts_with(b".");
        !is_hidden && is_workspace(&directory.join(name))
    };
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.file_name().into()).filter(is_near).collect();
    found.sort();
    found
}

/// Finds the workspace that a directory is in, or the one beside it.
fn above(directory: &Path) -> Option<PathBuf> {
    let real = directory.canonicalize().ok()?;
    let mut up = PathBuf::new();
    real.ancestors().skip(1).find_map(|ancestor| {
        up.push("..");
        let usual = ancestor.join(USUAL_DIRECTORY);
        if is_workspace(ancestor) {
            Some(up.clone())
        } else {
            is_workspace(&usual).then(|| up.join(USUAL_DIRECTORY))
        }
    })
}

fn is_workspace(directory: &Path) -> bool {
    directory.join(PROJECT_FILE).is_file()
}

/// Returns a path as it would be typed.
fn quoted(shown_as: &str, path: &Path) -> String {
    let path = Path::new(shown_as).join(path).to_string_lossy().into_owned();
    if path.contains(char::is_whitespace) { format!("'{path}'") } else { path }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_do_fits_what_is_nearby() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        let workspace = |name: &str| {
            fs::create_dir_all(at(name)).unwrap();
            fs::write(at(name).join(PROJECT_FILE), "").unwrap();
        };
        let said = |name: &str, shown_as: &str| {
            let said = diagnostic(&at(name), shown_as);
            format!("{}: {}; {}", said.code, said.message, said.help.unwrap_or_default())
        };
        let here = "no-project: there is no project file `campaignctl.yaml` here;";
        let init = "name the workspace's directory with `-C DIR`, or start one with `campaignctl init`";
        assert_eq!(said("", ""), format!("{here} {init}"));
        assert_eq!(said("gone", "gone"), format!("no-project: there is no such directory; {init}"));
        workspace(".hidden");
        workspace("far/down/below");
        assert_eq!(said("", ""), format!("{here} {init}"));
        workspace("far/e u");
        assert_eq!(
            said("far", "far"),
            format!("{here} there is a workspace nearby: name it with `-C 'far/e u'`")
        );
        fs::create_dir_all(at("far/e u/audiences/old")).unwrap();
        let above = format!("{here} there is a workspace nearby: name it with `-C ../..`");
        assert_eq!(said("far/e u/audiences/old", ""), above);
        workspace("campaigns");
        assert_eq!(
            said("far/down", ""),
            format!("{here} there is a workspace nearby: name it with `-C below`")
        );
        fs::create_dir(at("src")).unwrap();
        assert_eq!(
            said("src", "src"),
            format!("{here} there is a workspace nearby: name it with `-C src/../campaigns`")
        );
        for name in ["a", "b", "c", "d"] {
            workspace(name);
        }
        assert_eq!(
            said("", ""),
            format!("{here} name one of the workspaces nearby with `-C DIR`: `a`, `b`, `c` and 2 more")
        );
        fs::write(at("text"), "").unwrap();
        assert!(said("text", "text").starts_with("no-project: this is no directory; "));
        fs::write(at(PROJECT_FILE_MISNAMED), "").unwrap();
        assert_eq!(said("", ""), format!("{here} rename `campaignctl.yml` to `campaignctl.yaml`"));
    }
}
