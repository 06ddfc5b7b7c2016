//! The documents that are open in the editor, and the addresses of files.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use lsp_types::{TextDocumentContentChangeEvent, Uri};
use url::Url;

use crate::lsp::position::{BYTE_ORDER_MARK, Encoding, Lines};

/// One open document.
#[derive(Debug)]
pub(super) struct Buffer {
    /// Its address, as the client spells it.
    pub(super) uri: Uri,
    /// The version that the client counts.
    pub(super) version: i32,
    text: String,
}

impl Buffer {
    pub(super) fn new(uri: Uri, version: i32, text: String) -> Self {
        Self { uri, version, text }
    }

    /// Returns the text as `load` reads it: without a byte-order mark.
    pub(super) fn text(&self) -> &str {
        self.text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&self.text)
    }

    pub(super) fn has_mark(&self) -> bool {
        self.text.starts_with(BYTE_ORDER_MARK)
    }

    /// Returns the lines of its text, in the editor's columns.
    pub(super) fn lines(&self, encoding: Encoding) -> Lines<'_> {
        Lines::new(self.text(), encoding).behind_mark(self.has_mark())
    }

    /// Applies edits in their order; one without a range replaces the whole text.
    pub(super) fn edit(
        &mut self,
        version: i32,
        edits: Vec<TextDocumentContentChangeEvent>,
        encoding: Encoding,
    ) {
        self.version = version;
        for edit in edits {
            match edit.range {
                None => self.text = edit.text,
                Some(range) => {
                    let bytes = Lines::new(&self.text, encoding).bytes(range);
                    self.text.replace_range(bytes, &edit.text);
                }
            }
        }
    }
}

/// The open documents by path.
pub(super) type Buffers = BTreeMap<PathBuf, Buffer>;

/// Returns the path of a file's address; nothing for other addresses, such as of a text that has no file yet.
pub(super) fn path_of(uri: &Uri) -> Option<PathBuf> {
    Url::parse(uri.as_str()).ok()?.to_file_path().ok()
}

/// Returns the address of a file: the client's own spelling where it is open.
pub(super) fn uri_of(buffers: &Buffers, path: &Path) -> Option<Uri> {
    match buffers.get(path) {
        Some(buffer) => Some(buffer.uri.clone()),
        None => Url::from_file_path(path).ok()?.as_str().parse().ok(),
    }
}

/// Returns a path without `.` and `..`, by its text alone.
pub(super) fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(out.pop()),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use lsp_types::{Position, Range};

    use super::*;

    #[test]
    fn edits_are_applied_one_after_the_other() {
        let uri: Uri = "file:///w/a.yaml".parse().unwrap();
        let mut buffer = Buffer::new(uri, 1, "\u{feff}a: 😀\r\nb: 标题\r\n".to_owned());
        let edit = |start: (u32, u32), end: (u32, u32), text: &str| TextDocumentContentChangeEvent {
            range: Some(Range::new(Position::new(start.0, start.1), Position::new(end.0, end.1))),
            range_length: None,
            text: text.to_owned(),
        };
        buffer.edit(2, vec![edit((1, 3), (1, 4), "主"), edit((0, 4), (0, 6), "x")], Encoding::Utf16);
        assert_eq!((buffer.text(), buffer.has_mark()), ("a: x\r\nb: 主题\r\n", true));
        buffer.edit(3, vec![edit((9, 9), (1, 0), "end")], Encoding::Utf16);
        assert_eq!(buffer.text(), "a: x\r\nb: 主题\r\nend");
        let whole = TextDocumentContentChangeEvent { range: None, range_length: None, text: "c".to_owned() };
        buffer.edit(4, vec![whole], Encoding::Utf16);
        assert_eq!((buffer.text(), buffer.has_mark(), buffer.version), ("c", false, 4));
    }

    #[test]
    fn addresses_and_paths_lead_to_each_other() {
        let path = Path::new("/w/营销 a%b#c.yaml");
        let uri = uri_of(&Buffers::new(), path).unwrap();
        assert_eq!(uri.as_str(), "file:///w/%E8%90%A5%E9%94%80%20a%25b%23c.yaml");
        assert_eq!(path_of(&uri).unwrap(), path);
        assert_eq!(path_of(&"untitled:Untitled-1".parse().unwrap()), None);
        assert_eq!(normal(Path::new("/w/a/../b/./c")), Path::new("/w/b/c"));
    }
}
