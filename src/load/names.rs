//! Files by their names.

use std::ffi::OsStr;
use std::path::Path;

/// Name of the project file.
pub const PROJECT_FILE: &str = "campaignctl.yaml";

pub(super) fn is_yaml(path: &Path) -> bool {
    let extension = path.extension().and_then(OsStr::to_str).unwrap_or_default();
    extension.eq_ignore_ascii_case("yaml") || extension.eq_ignore_ascii_case("yml")
}

/// Whether a walk through `directory` would come by a YAML file of that path.
pub(super) fn is_below(directory: &Path, path: &Path) -> bool {
    let is_seen = |below: &Path| !below.iter().any(|part| is_hidden(Path::new(part)));
    is_yaml(path) && path.strip_prefix(directory).is_ok_and(is_seen)
}

pub(super) fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}
