//! Which directory is the workspace, seen from what the editor has opened.

use std::path::{Path, PathBuf};

use lsp_types::InitializeParams;

use crate::load::{Boundary, PROJECT_FILE};
use crate::lsp::buffers::{normal, path_of};

/// Where the workspace is below the folder that is open, if the folder itself has no project file; the same
/// as without `-C` on the command line.
const DEFAULT_DIRECTORY: &str = "campaigns";

/// Returns the workspace's directory, and what paths in it begin with in messages: `directory` if one is
/// named; else the first open folder that has a project file, in itself or in `campaigns`; else the first open
/// folder, or `current` where none is open.
pub(super) fn find(
    params: &InitializeParams,
    directory: Option<PathBuf>,
    current: PathBuf,
) -> (PathBuf, String) {
    let mut folders: Vec<PathBuf> =
        params.workspace_folders.iter().flatten().filter_map(|folder| path_of(&folder.uri)).collect();
    #[expect(deprecated, reason = "older clients name their folder only so")]
    if folders.is_empty() {
        let root = params.root_uri.as_ref().and_then(path_of);
        folders.extend(root.or_else(|| params.root_path.as_ref().map(PathBuf::from)));
    }
    folders.retain(|folder| folder.is_absolute());
    if folders.is_empty() {
        folders.push(current);
    }
    let in_folder = |folder: &PathBuf| {
        let below = folder.join(DEFAULT_DIRECTORY);
        let is_here = !Boundary::new(folder.clone(), Vec::new()).leads_outside(&below);
        let candidates = is_here.then_some(below).into_iter().chain([folder.clone()]);
        candidates.into_iter().find(|candidate| candidate.join(PROJECT_FILE).exists())
    };
    let directory = match directory {
        Some(directory) => normal(&directory),
        None => folders.iter().find_map(in_folder).unwrap_or_else(|| folders[0].clone()),
    };
    let below = folders.iter().find_map(|folder| directory.strip_prefix(folder).ok());
    let shown_as = below.unwrap_or(&directory).to_string_lossy().into_owned();
    (directory, shown_as)
}

/// Returns the nearest directory around a file that has a project file, if it is below `folder`.
pub(super) fn around(folder: &Path, path: &Path) -> Option<PathBuf> {
    let below = path.ancestors().skip(1).take_while(|directory| directory.starts_with(folder));
    below.map(Path::to_owned).find(|directory| directory.join(PROJECT_FILE).exists())
}

/// Returns a file's path as it is below the workspace, if it leads there by another name: through a link.
pub(super) fn below(directory: &Path, path: PathBuf) -> PathBuf {
    if path.starts_with(directory) {
        return path;
    }
    let parent = path.parent().and_then(|parent| parent.canonicalize().ok());
    let real = parent.zip(directory.canonicalize().ok());
    let inner = real.and_then(|(parent, directory)| parent.strip_prefix(directory).ok().map(Path::to_owned));
    match (inner, path.file_name()) {
        (Some(inner), Some(name)) => directory.join(inner).join(name),
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;

    fn found(params: &serde_json::Value, directory: Option<&str>, current: &Path) -> (PathBuf, String) {
        let mut params = params.clone();
        params["capabilities"] = json!({});
        let params = serde_json::from_value(params).unwrap();
        find(&params, directory.map(PathBuf::from), current.to_owned())
    }

    #[test]
    fn the_workspace_is_where_a_project_file_is() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name);
        let uri = |name: &str| url::Url::from_file_path(path(name)).unwrap().to_string();
        for name in ["a", "b/campaigns", "c"] {
            fs::create_dir_all(path(name)).unwrap();
        }
        fs::write(path("b/campaigns/campaignctl.yaml"), "").unwrap();
        fs::write(path("c/campaignctl.yaml"), "").unwrap();
        let folders = |names: &[&str]| {
            let folders: Vec<_> =
                names.iter().map(|name| json!({ "uri": uri(name), "name": name })).collect();
            json!({ "workspaceFolders": folders })
        };
        let at = |name: &str, shown: &str| (path(name), shown.to_owned());
        assert_eq!(found(&folders(&["a", "b"]), None, root.path()), at("b/campaigns", "campaigns"));
        assert_eq!(found(&folders(&["a"]), None, root.path()), at("a", ""));
        assert_eq!(found(&json!({ "rootUri": uri("c") }), None, root.path()), at("c", ""));
        assert_eq!(found(&json!({ "rootPath": path("c") }), None, root.path()), at("c", ""));
        assert_eq!(found(&json!({ "rootUri": null }), None, &path("b")), at("b/campaigns", "campaigns"));
        let named = path("b/../c/.").to_string_lossy().into_owned();
        assert_eq!(found(&folders(&["b"]), Some(&named), root.path()).0, path("c"));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_is_opened_through_a_link_is_the_workspaces() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name);
        fs::create_dir_all(path("real/sub")).unwrap();
        std::os::unix::fs::symlink(path("real"), path("link")).unwrap();
        assert_eq!(below(&path("link"), path("real/sub/new.yaml")), path("link/sub/new.yaml"));
        assert_eq!(below(&path("real"), path("link/a.yaml")), path("real/a.yaml"));
        assert_eq!(below(&path("link"), path("other/a.yaml")), path("other/a.yaml"));
    }
}
