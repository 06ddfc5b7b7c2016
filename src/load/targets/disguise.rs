//! What a file is that calls itself a list of ids, as far as its first bytes tell.
//!
//! An audience of the lines of an HTML page would be sent to, and everybody who was meant would get nothing. Knows what
//! files begin with, and nothing of their names.

use std::fmt;

use memchr::memmem;

/// How many bytes are looked at.
pub(super) const FIRST_BYTES: usize = 512;

/// Something else than a list of ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disguise {
    /// What Git LFS keeps in a file's stead (git-lfs, docs/spec.md), edited or not.
    LfsPointer,
    /// A merge that nobody has resolved.
    MergeMarker,
    /// HTML or XML, often the page of a log-in or of an error.
    Markup,
    /// Text in UTF-16 or UTF-32.
    Utf16,
    /// A Parquet file.
    Parquet,
    /// A file that is packed with gzip.
    Gzip,
    /// A file that is packed with Zstandard.
    Zstandard,
    /// A ZIP archive; so is an XLSX or ODS file.
    Zip,
    /// An XLS file.
    Xls,
    /// A database.
    Sqlite,
}

/// What files begin with.
const BEGINNINGS: [(&[u8], Disguise); 7] = [
    (b"\xff\xfe", Disguise::Utf16),
    (b"\xfe\xff", Disguise::Utf16),
    (b"PAR1", Disguise::Parquet),
    (b"\x1f\x8b", Disguise::Gzip),
    (b"\x28\xb5\x2f\xfd", Disguise::Zstandard),
    (b"PK\x03\x04", Disguise::Zip),
    // A compound file ([MS-CFB] 2.2).
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Disguise::Xls),
];

/// What the first lines of a pointer have, in small letters: the version's address, that of git-lfs before it had one of its
/// own, that of git-media, which came before, and the digest.
const LFS: [&[u8]; 4] =
    [b"git-lfs.github.com/spec/", b"hawser.github.com/spec/", b"git-media.io/v/", b"oid sha256:"];

const SQLITE: &[u8] = b"SQLite format 3\0";

/// What markup begins with, in small letters.
const MARKUP: [&[u8]; 5] = [b"<?xml", b"<!doctype", b"<html", b"<head", b"<!--"];

impl Disguise {
    /// Looks at a file's first bytes.
    pub(super) fn of(first: &[u8]) -> Option<Self> {
        let first = first.strip_prefix(b"\xef\xbb\xbf").unwrap_or(first);
        if let Some((_, disguise)) = BEGINNINGS.iter().find(|(beginning, _)| first.starts_with(beginning)) {
            return Some(*disguise);
        }
        if first.starts_with(SQLITE) {
            return Some(Self::Sqlite);
        }
        // Letters of ASCII in UTF-16 without its mark.
        if let [a, b, c, d, ..] = first
            && ((*b == 0 && *d == 0) || (*a == 0 && *c == 0))
            && [a, b, c, d] != [&0; 4]
        {
            return Some(Self::Utf16);
        }
        if is_merge_marker(first.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default()) {
            return Some(Self::MergeMarker);
        }
        if is_lfs_pointer(first) {
            return Some(Self::LfsPointer);
        }
        let text = first.trim_ascii_start();
        let is_markup =
            |start: &&[u8]| text.get(..start.len()).is_some_and(|found| found.eq_ignore_ascii_case(start));
        MARKUP.iter().any(is_markup).then_some(Self::Markup)
    }

    /// Looks at the first bytes of a file as it lies on the disk, which `is_packed` and `is_parquet` say is no text.
    pub(super) fn on_disk(first: &[u8], (is_packed, is_parquet): (bool, bool)) -> Option<Self> {
        Self::of(first).filter(|disguise| match disguise {
            Self::Gzip | Self::Zstandard => !is_packed,
            Self::Parquet => !is_parquet && !is_packed,
            Self::LfsPointer => true,
            // Of a packed file, the reader of its packing has more to say.
            Self::MergeMarker | Self::Markup | Self::Utf16 | Self::Zip | Self::Xls | Self::Sqlite => {
                !is_packed
            }
        })
    }

    /// Says what to do about it.
    pub(super) fn help(self) -> &'static str {
        match self {
            Self::LfsPointer => "fetch the list itself with `git lfs pull`; in CI, check out with LFS",
            Self::MergeMarker => "resolve the merge conflict",
            Self::Markup => "was an error or login page saved instead? export the list again",
            Self::Utf16 => "save the file as UTF-8",
            Self::Parquet => "say `format: parquet` and the `column` that holds the ids",
            Self::Gzip => "end its name in `.gz`, or unpack it",
            Self::Zstandard => "end its name in `.zst`, or unpack it",
            Self::Zip => "if it is a spreadsheet, export it as CSV; otherwise unpack it",
            Self::Xls | Self::Sqlite => "export it as CSV, JSON Lines or Parquet",
        }
    }
}

impl fmt::Display for Disguise {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::LfsPointer => "is a Git LFS pointer, not the list that it stands for",
            Self::MergeMarker => "begins with the marker of a merge conflict",
            Self::Markup => "is a page of HTML or XML",
            Self::Utf16 => "is UTF-16 text, not UTF-8",
            Self::Parquet => "is a Parquet file",
            Self::Gzip => "is packed with gzip",
            Self::Zstandard => "is packed with Zstandard",
            Self::Zip => "is a ZIP archive or a spreadsheet",
            Self::Xls => "is an Excel file",
            Self::Sqlite => "is an SQLite database",
        })
    }
}

/// Whether one of the first four lines is one of a pointer: a blank line or a comment may have come before it.
fn is_lfs_pointer(first: &[u8]) -> bool {
    let mut lines = first.split(|byte| matches!(byte, b'\r' | b'\n')).filter(|line| !line.is_empty()).take(4);
    lines.any(|line| {
        let line = line.to_ascii_lowercase();
        LFS.iter().any(|words| memmem::find(&line, words).is_some())
    })
}

/// Whether a line is one that Git writes around the sides of a conflict: a row of one sign, and a name behind it. Seven signs
/// by default, but the attribute `conflict-marker-size` may say otherwise (gitattributes); no id looks like it.
#[inline]
pub(super) fn is_merge_marker(line: &[u8]) -> bool {
    matches!(line.first(), Some(b'<' | b'=' | b'>' | b'|' | b' ' | b'\t'))
        && is_marker(line.trim_ascii_start())
}

#[cold]
fn is_marker(line: &[u8]) -> bool {
    let Some((&sign @ (b'<' | b'=' | b'>' | b'|'), _)) = line.split_first() else { return false };
    let signs = line.iter().take_while(|byte| **byte == sign).count();
    let behind = &line[signs..];
    signs >= 6
        && (matches!(behind.first(), None | Some(b' ' | b'\t' | b'\r'))
            || behind.starts_with("\u{a0}".as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_list_is_known_by_its_first_bytes() {
        for (first, disguise) in [
            (&b"version https://git-lfs.github.com/spec/v1\noid sha256:0"[..], Disguise::LfsPointer),
            (b"\n# x\nVERSION  HTTPS://git-lfs.github.com/spec/v1\n", Disguise::LfsPointer),
            (b"\"version https://git-lfs.github.com/spec/v1\"\r\n", Disguise::LfsPointer),
            (b"ext-0-foo sha256:1\noid sha256:00\nsize 1\n", Disguise::LfsPointer),
            (b"version http://git-media.io/v/2\n", Disguise::LfsPointer),
            (b"\xef\xbb\xbf<?xml version='1.0'?>", Disguise::Markup),
            (b"\r\n <!DOCTYPE html>", Disguise::Markup),
            (b"<HTML>", Disguise::Markup),
            (b"\xff\xfeu\0", Disguise::Utf16),
            (b"\xfe\xff\0u", Disguise::Utf16),
            (b"u\0s\0e\0", Disguise::Utf16),
            (b"\0u\0s", Disguise::Utf16),
            (b"<<<<<<< HEAD\nuser_id", Disguise::MergeMarker),
            (b"PAR1\x15\x04", Disguise::Parquet),
            (b"\x1f\x8b\x08", Disguise::Gzip),
            (b"PK\x03\x04\x14", Disguise::Zip),
            (b"SQLite format 3\0\x10", Disguise::Sqlite),
        ] {
            assert_eq!(Disguise::of(first), Some(disguise), "{first:?}");
        }
        for list in
            [&b""[..], b"u1\nu2", b"version 1\n", b"<u1>\n", b"PAR\n", b"P", b"{\"id\":1}", "你好".as_bytes()]
        {
            assert_eq!(Disguise::of(list), None, "{list:?}");
        }
    }

    #[test]
    fn only_what_git_writes_is_a_marker() {
        for marker in [
            "<<<<<<< HEAD",
            "=======",
            ">>>>>>> vips",
            "||||||| base",
            "=======\r",
            "<<<<<< H",
            "==========",
            ">>>>>>>>>>\tb",
            "  <<<<<<< HEAD",
            "<<<<<<<\u{a0}HEAD",
        ] {
            assert!(is_merge_marker(marker.as_bytes()), "{marker}");
        }
        for other in ["", "=", "<<<<<", "<<<<<<<x", "=\"007\"", "|a|", " u1", "======x"] {
            assert!(!is_merge_marker(other.as_bytes()), "{other}");
        }
    }
}
