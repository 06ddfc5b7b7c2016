//! Which directory is the workspace, seen from what the editor has opened.

use std::path::{Path, PathBuf};

use lsp_types::InitializeParams;

use crate::load::PROJECT_FILE;
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
        [below, folder.clone()].into_iter().find(|candidate| candidate.join(PROJECT_FILE).exists())
    };
    let directory = match directory {
        Some(directory) => normal(&directory),
        None => folders.iter().find_map(in_folder).unwrap_or_else(|| folders[0].clone()),
    };
    let below = folders.iter().find_map(|folder| directory.strip_prefix(folder).ok());
    let shown_as = below.unwrap_or(&directory).to_string_lossy().into_owned();
    (directory, shown_as)
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
