//! One YAML file from disk, read within bounds.

use std::io::{self, Read};
use std::path::Path;

use crate::diagnostic::{Code, Diagnostic, Place};
use crate::load::boundary::{Boundary, OpenError};

/// Largest YAML file: some 50 000 lines, more than anyone reviews. Long lists of targets are files of their own.
pub(super) const BYTES_MAX: u64 = 4 * 1024 * 1024;

/// What some editors begin a file with (Unicode §23.8); it is no part of the text.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Reads the text of a file of the workspace, without a byte-order mark. Never reads more than [`BYTES_MAX`], and never
/// a device or a pipe, which could block.
///
/// # Errors
///
/// Returns a diagnostic where it lies outside, cannot be read, is no file, is too large or is not UTF-8.
pub(super) fn read(boundary: &Boundary, path: &Path, shown_as: &str) -> Result<String, Diagnostic> {
    let text = read_whole(boundary, path, shown_as)?;
    Ok(if text.starts_with(BYTE_ORDER_MARK) { without_mark(&text).to_owned() } else { text })
}

/// Returns a text without the byte-order mark that it may begin with.
#[must_use]
pub fn without_mark(text: &str) -> &str {
    text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text)
}

/// Does the same, and leaves a byte-order mark where it is.
///
/// # Errors
///
/// As [`read`].
pub fn read_whole(boundary: &Boundary, path: &Path, shown_as: &str) -> Result<String, Diagnostic> {
    let (file, metadata) = boundary.open_yaml(path).map_err(|error| match error {
        OpenError::Outside => outside(shown_as),
        OpenError::NotAFile { is_directory } => not_a_file(shown_as, is_directory),
        OpenError::Unreadable(error) => unreadable(shown_as, &error),
    })?;
    if metadata.len() > BYTES_MAX {
        return Err(too_large(shown_as));
    }
    // One byte more than there should be, so that the end is found without growing.
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0) + 1);
    file.take(BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|error| unreadable(shown_as, &error))?;
    if bytes.len() as u64 > BYTES_MAX {
        return Err(too_large(shown_as));
    }
    String::from_utf8(bytes).map_err(|error| not_utf8(shown_as, &error))
}

/// Takes a text that is in memory within the same bounds, and as a file's would be returned.
///
/// # Errors
///
/// Returns a diagnostic where it is too large.
pub fn from_text(text: &str, shown_as: &str) -> Result<String, Diagnostic> {
    if text.len() as u64 > BYTES_MAX {
        return Err(too_large(shown_as));
    }
    Ok(without_mark(text).to_owned())
}

fn too_large(shown_as: &str) -> Diagnostic {
    let message = format!("the file is larger than {} MiB", BYTES_MAX / 1024 / 1024);
    Diagnostic::error(Code::FileTooLarge, Place::file(shown_as), message)
        .help("split it; put long lists of targets into a file of their own and name it with `file:`")
}

/// Says that a link leads to what is no YAML of the workspace, and nothing of what is there.
pub(super) fn outside(shown_as: &str) -> Diagnostic {
    let message = "the link leads to what is no YAML file of the workspace";
    Diagnostic::error(Code::FileOutside, Place::file(shown_as), message)
        .help("put the file itself here, or remove the link")
}

/// Says that a path is no file.
pub(super) fn not_a_file(shown_as: &str, is_directory: bool) -> Diagnostic {
    let what = if is_directory { "a directory" } else { "a device, a pipe or a socket" };
    let message = format!("this is {what}, not a YAML file");
    Diagnostic::error(Code::NotAFile, Place::file(shown_as), message).help("rename or remove it")
}

/// Says why a file or directory could not be read.
pub(super) fn unreadable(shown_as: &str, error: &io::Error) -> Diagnostic {
    let place = Place::file(shown_as);
    if is_link_loop(error) {
        return Diagnostic::error(Code::LinkLoop, place, "the symbolic link leads back to itself")
            .help("remove it");
    }
    let (reason, help) = match error.kind() {
        io::ErrorKind::NotFound => {
            ("there is no such file".to_owned(), "create it, or remove the link that leads to it")
        }
        io::ErrorKind::PermissionDenied => {
            ("permission is denied".to_owned(), "let the user that runs this read it")
        }
        _ => (error.to_string(), "check the disk and the file's permissions"),
    };
    Diagnostic::error(Code::UnreadableFile, place, format!("cannot be read: {reason}")).help(help)
}

fn is_link_loop(error: &io::Error) -> bool {
    /// `ELOOP` of `<errno.h>`.
    const TOO_MANY_LINKS: i32 = if cfg!(target_os = "linux") { 40 } else { 62 };
    cfg!(unix) && error.raw_os_error() == Some(TOO_MANY_LINKS)
}

fn not_utf8(shown_as: &str, error: &std::string::FromUtf8Error) -> Diagnostic {
    let bytes = error.as_bytes();
    let good = &bytes[..error.utf8_error().valid_up_to()];
    let bad = bytes[good.len()];
    let line = good.split(|byte| *byte == b'\n').count() as u64;
    let place = Place::Line { path: shown_as.to_owned(), line };
    let message = if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        "the file is UTF-16, not UTF-8".to_owned()
    } else {
        format!("the byte 0x{bad:02X} is not UTF-8")
    };
    Diagnostic::error(Code::NotUtf8, place, message).help("save the file as UTF-8; it may be in GBK now")
}
