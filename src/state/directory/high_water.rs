//! How far a ledger is, kept apart from its records: they cannot show themselves that their end is missing.
//!
//! Two files say the same. `high_water` is that of every version; its copy has a checksum, so that a damaged one of the
//! two neither costs the ledger nor hides that it was rolled back. Neither is synced: after a power cut they may lag, which
//! hides nothing that the records do not show.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Seek, Write};
use std::path::{Path, PathBuf};

use crate::ledger::Serial;
use crate::state::error::StateErrorKind;

/// The note, as all versions write it: serial and chain.
const NOTE_NAME: &str = "high_water";
/// The same with a checksum; versions before 0.3 have none, and leave it behind where they write on.
const COPY_NAME: &str = "high_water.copy";
/// Digits of a chain.
const CHAIN_DIGITS: usize = 32;

/// A record that was durable, and its chain.
type Mark = (Serial, String);

/// Both files, open to be written.
pub(super) struct HighWater {
    path: PathBuf,
    note: File,
    copy: File,
}

impl HighWater {
    pub(super) fn open(directory: &Path) -> Result<Self, StateErrorKind> {
        let open = |name| {
            let path = directory.join(name);
            let mut options = OpenOptions::new();
            let file = options.create(true).truncate(false).read(true).write(true).open(&path);
            file.map_err(|source| StateErrorKind::Io { doing: "open", path, source })
        };
        Ok(Self { path: directory.to_owned(), note: open(NOTE_NAME)?, copy: open(COPY_NAME)? })
    }

    pub(super) fn write(&mut self, serial: Serial, chain: &str) -> Result<(), StateErrorKind> {
        // Fixed width, so that a shorter number leaves nothing of a longer one behind.
        let mark = format!("{:020} {chain}", serial.0);
        let checksum = crc32fast::hash(mark.as_bytes());
        // The copy first: it is never behind one of the same version.
        let written = write_over(&mut self.copy, &format!("{mark} {checksum:08x}\n"))
            .and_then(|()| write_over(&mut self.note, &format!("{mark}\n")));
        written.map_err(|source| StateErrorKind::Io {
            doing: "write",
            path: self.path.join(NOTE_NAME),
            source,
        })
    }
}

fn write_over(file: &mut File, text: &str) -> io::Result<()> {
    file.rewind().and_then(|()| file.write_all(text.as_bytes()))
}

/// Whether `name` is one of the two files.
pub(super) fn is_part(name: &std::ffi::OsStr) -> bool {
    name == NOTE_NAME || name == COPY_NAME
}

/// Returns where the two files are.
pub(super) fn files(directory: &Path) -> [PathBuf; 2] {
    [NOTE_NAME, COPY_NAME].map(|name| directory.join(name))
}

/// Returns how far a ledger seems to be: something that changes with every durable step of its writer.
pub(super) fn tail(directory: &Path) -> String {
    let [note, _] = files(directory);
    fs::read_to_string(note).unwrap_or_default()
}

/// Returns the last record that is known to have been durable; nothing where none was.
///
/// # Errors
///
/// Returns [`StateErrorKind::Damaged`] where neither file can be relied on, [`StateErrorKind::Io`] where one cannot be read.
pub(super) fn read(directory: &Path) -> Result<Option<Mark>, StateErrorKind> {
    let [note, copy] = files(directory).map(|path| match fs::read(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        read => read.map_err(|source| StateErrorKind::Io { doing: "read", path, source }),
    });
    let (note, copy) = (note?, copy?);
    match (parsed(&note), checked(&copy)) {
        (None, None) if note.is_empty() && copy.is_empty() => Ok(None),
        (None, None) => Err(StateErrorKind::Damaged {
            why: format!(
                "neither `{NOTE_NAME}` nor `{COPY_NAME}` says any more how far it was, so that nobody can tell whether its \
                 last records are missing"
            ),
        }),
        // Further, and of another record: a version wrote on that keeps no copy. Of the same record: its number is damaged.
        (Some(note), Some(copy)) if note.0 > copy.0 && note.1 != copy.1 => Ok(Some(note)),
        (_, Some(copy)) => Ok(Some(copy)),
        (note, None) => Ok(note),
    }
}

fn parsed(note: &[u8]) -> Option<Mark> {
    let line = note.split(|byte| *byte == b'\n').next()?;
    let (serial, chain) = str::from_utf8(line).ok()?.split_once(' ')?;
    let is_chain = chain.len() == CHAIN_DIGITS && chain.bytes().all(|byte| byte.is_ascii_hexdigit());
    Some((Serial(serial.parse().ok()?), is_chain.then(|| chain.to_owned())?))
}

fn checked(copy: &[u8]) -> Option<Mark> {
    let line = copy.split(|byte| *byte == b'\n').next()?;
    let (mark, checksum) = str::from_utf8(line).ok()?.rsplit_once(' ')?;
    let is_whole = format!("{:08x}", crc32fast::hash(mark.as_bytes())) == checksum;
    is_whole.then(|| parsed(mark.as_bytes()))?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(digit: &str) -> String {
        digit.repeat(CHAIN_DIGITS)
    }

    fn written(serial: u64, chain: &str) -> (tempfile::TempDir, [PathBuf; 2]) {
        let directory = tempfile::tempdir().unwrap();
        HighWater::open(directory.path()).unwrap().write(Serial(serial), chain).unwrap();
        let files = files(directory.path());
        (directory, files)
    }

    #[test]
    fn any_damage_to_one_of_the_two_files_leaves_what_they_say() {
        let expected = Some((Serial(604), chain("1b")[..CHAIN_DIGITS].to_owned()));
        let (directory, files) = written(604, &expected.as_ref().unwrap().1);
        for file in &files {
            let whole = fs::read(file).unwrap();
            for place in 0..whole.len() {
                for bit in 0..8 {
                    let mut flipped = whole.clone();
                    flipped[place] ^= 1 << bit;
                    fs::write(file, &flipped).unwrap();
                    assert_eq!(
                        read(directory.path()).unwrap(),
                        expected,
                        "{}: {place}, {bit}",
                        file.display()
                    );
                }
            }
            for length in 0..whole.len() {
                fs::write(file, &whole[..length]).unwrap();
                assert_eq!(read(directory.path()).unwrap(), expected, "{}: cut to {length}", file.display());
            }
            fs::remove_file(file).unwrap();
            assert_eq!(read(directory.path()).unwrap(), expected, "{} is gone", file.display());
            fs::write(file, whole).unwrap();
        }
    }

    #[test]
    fn both_damaged_are_no_silence() {
        let (directory, files) = written(604, &chain("a"));
        for file in &files {
            fs::write(file, "604?").unwrap();
        }
        assert!(matches!(read(directory.path()), Err(StateErrorKind::Damaged { .. })));
        for file in &files {
            fs::remove_file(file).unwrap();
        }
        assert_eq!(read(directory.path()).unwrap(), None);
    }

    #[test]
    fn a_version_that_keeps_no_copy_may_have_written_on() {
        let (directory, [note, _]) = written(604, &chain("a"));
        fs::write(&note, format!("{:020} {}\n", 700, chain("b"))).unwrap();
        assert_eq!(read(directory.path()).unwrap(), Some((Serial(700), chain("b"))));
        // What it left behind is overtaken by the next record of this version.
        HighWater::open(directory.path()).unwrap().write(Serial(701), &chain("c")).unwrap();
        assert_eq!(read(directory.path()).unwrap(), Some((Serial(701), chain("c"))));
    }
}
