//! A file's bytes, unpacked where its name says that it is packed.

use std::fmt;
use std::io::{self, BufReader, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use crate::load::targets::Limits;
use crate::load::targets::digested::Digested;

/// Endings of packed files, behind the ending that says what is in them.
const PACKED_ENDINGS: [&str; 2] = ["gz", "zst"];

/// What every file begins with that is packed with gzip (RFC 1952 §2.3.1) or Zstandard (RFC 8878 §3.1.1).
const GZIP_FIRST: &[u8] = &[0x1f, 0x8b];
const ZSTANDARD_FIRST: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// What zstd says of a frame whose window is larger than 128 MiB (`zstd_errors.h`, `frameParameter_windowTooLarge`).
const WINDOW_TOO_LARGE: &str = "requires too much memory";

/// Returns the ending that says what is in a file: of `ids.csv.gz` it is `csv`, in small letters.
#[must_use]
pub fn content_ending(path: &Path) -> Option<String> {
    let ending = ending(path)?;
    if !PACKED_ENDINGS.contains(&ending.as_str()) {
        return Some(ending);
    }
    path.file_stem().map(Path::new).and_then(self::ending)
}

/// Returns the ending that says how a file is packed, in small letters, if it is.
#[must_use]
pub fn packed_ending(path: &Path) -> Option<String> {
    ending(path).filter(|ending| PACKED_ENDINGS.contains(&ending.as_str()))
}

fn ending(path: &Path) -> Option<String> {
    Some(path.extension()?.to_string_lossy().to_lowercase())
}

/// The bytes of a file as they are in it, or as they were before somebody packed it; not more than its limits allow.
#[derive(Debug)]
pub(super) struct Unpacked {
    bytes: Bytes,
    given_bytes: u64,
    limits: Limits,
}

enum Bytes {
    Plain(Digested),
    Gzip(Box<MultiGzDecoder<Digested>>),
    Zstandard(zstd::Decoder<'static, BufReader<Digested>>),
}

/// A file that is not what its name says, or not all of it. The disk is not to blame.
#[derive(Debug, thiserror::Error)]
#[error("{source}")]
struct NotWhole {
    source: io::Error,
    help: String,
}

impl Unpacked {
    /// Reads a file whose path is given.
    pub(super) fn new(file: Digested, path: &Path, limits: Limits) -> io::Result<Self> {
        Ok(Self { bytes: Bytes::new(file, path)?, given_bytes: 0, limits })
    }

    /// Returns how many bytes of the file itself were read.
    pub(super) fn packed_bytes(&self) -> u64 {
        self.bytes.file().read_bytes()
    }
}

impl Read for Unpacked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // What is within the bound is given before one byte more is an error.
        let room = self.limits.room(self.given_bytes).max(1);
        let room = usize::try_from(room).map_or(buffer.len(), |room| room.min(buffer.len()));
        let read = self.bytes.read(&mut buffer[..room])?;
        self.given_bytes += read as u64;
        self.limits.check(self.given_bytes, self.packed_bytes())?;
        Ok(read)
    }
}

impl Bytes {
    fn new(file: Digested, path: &Path) -> io::Result<Self> {
        Ok(match ending(path).as_deref() {
            Some("gz") => Self::Gzip(Box::new(MultiGzDecoder::new(file))),
            Some("zst") => Self::Zstandard(zstd::Decoder::new(file)?),
            _ => Self::Plain(file),
        })
    }

    /// Returns the file that they come from.
    fn file(&self) -> &Digested {
        match self {
            Self::Plain(file) => file,
            Self::Gzip(file) => file.get_ref(),
            Self::Zstandard(file) => file.get_ref().get_ref(),
        }
    }

    /// Says what to do about an error of unpacking, after which nothing is read; one that the system gave stays as it is.
    #[cold]
    fn not_whole(&self, source: io::Error) -> io::Error {
        let (file, first, [packing, ending]) = match self {
            Self::Plain(_) => return source,
            Self::Gzip(file) => (file.get_ref(), GZIP_FIRST, ["gzip", "gz"]),
            Self::Zstandard(file) => (file.get_ref().get_ref(), ZSTANDARD_FIRST, ["Zstandard", "zst"]),
        };
        if source.raw_os_error().is_some() {
            return source;
        }
        let help = if source.to_string().contains(WINDOW_TOO_LARGE) {
            "pack it without `--long`: such a file takes more memory to unpack than its readers give"
                .to_owned()
        } else if source.kind() == io::ErrorKind::UnexpectedEof || file.begins_with(first) {
            "it was cut short or damaged: copy it again, or make it anew".to_owned()
        } else {
            format!("it is not packed with {packing}: pack it, or take `.{ending}` off its name")
        };
        io::Error::new(source.kind(), NotWhole { source, help })
    }
}

/// Returns what to do about an error of reading, where the file is damaged, or not packed as its name says.
#[must_use]
pub fn packing_help(error: &io::Error) -> Option<&str> {
    Some(error.get_ref()?.downcast_ref::<NotWhole>()?.help.as_str())
}

impl Read for Bytes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = match self {
            Self::Plain(file) => file.read(buffer),
            Self::Gzip(file) => file.read(buffer),
            Self::Zstandard(file) => file.read(buffer),
        };
        read.map_err(|error| self.not_whole(error))
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Plain(_) => "Plain",
            Self::Gzip(_) => "Gzip",
            Self::Zstandard(_) => "Zstandard",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sound file of one id, packed with a window of 2^31 bytes (RFC 8878 §3.1.1.1.2: the exponent is 21 above 10).
    #[test]
    fn a_file_that_was_packed_with_a_long_window_is_not_called_damaged() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ids.txt.zst");
        // Magic, a header without a size, the window, and one raw last block of three bytes.
        let frame = [ZSTANDARD_FIRST, &[0x00, 21 << 3], &[1 | 3 << 3, 0, 0], b"u1\n"].concat();
        std::fs::write(&path, frame).unwrap();
        let file = Digested::new(std::fs::File::open(&path).unwrap());
        let error = Unpacked::new(file, &path, Limits::default()).unwrap().read(&mut [0; 16]).unwrap_err();
        assert!(packing_help(&error).unwrap().starts_with("pack it without `--long`"), "{error}");
    }

    #[test]
    fn the_ending_of_what_is_in_a_packed_file_counts() {
        for (path, ending) in [
            ("ids.csv", Some("csv")),
            ("ids.csv.gz", Some("csv")),
            ("a.b/ids.JSONL.ZST", Some("jsonl")),
            ("ids.gz", None),
            ("ids", None),
            ("ids.csv.zip", Some("zip")),
        ] {
            assert_eq!(content_ending(Path::new(path)).as_deref(), ending, "{path}");
        }
    }
}
