//! What a sandbox received, kept in a file: one JSON object a line, written before the reply goes out.
//!
//! A crash of whoever calls must not lose what the “vendor” took. Not synced: a sandbox need not survive a
//! power cut.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Error, ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::sandbox::SandboxError;
use crate::sandbox::push::Push;

pub(super) struct Journal {
    path: PathBuf,
    file: File,
}

impl Journal {
    /// Opens the file and reads what it has. A last line that was cut off by a crash is dropped.
    pub(super) fn open(path: &Path) -> Result<(Self, Vec<Push>), SandboxError> {
        let failed = |source| SandboxError::Journal { path: path.to_owned(), source };
        if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
            std::fs::create_dir_all(directory).map_err(failed)?;
        }
        let mut options = OpenOptions::new();
        let mut file =
            options.create(true).truncate(false).read(true).write(true).open(path).map_err(failed)?;
        let (pushes, whole_bytes) = read(&file).map_err(failed)?;
        file.set_len(whole_bytes).and_then(|()| file.seek(SeekFrom::End(0))).map_err(failed)?;
        Ok((Self { path: path.to_owned(), file }, pushes))
    }

    pub(super) fn append(&mut self, push: &Push) -> Result<(), SandboxError> {
        let mut line = serde_json::to_vec(push).expect("a push is made of what JSON can hold");
        line.push(b'\n');
        self.file.write_all(&line).map_err(|source| SandboxError::Journal { path: self.path.clone(), source })
    }

    pub(super) fn clear(&mut self) -> Result<(), SandboxError> {
        let cleared = self.file.set_len(0).and_then(|()| self.file.rewind());
        cleared.map_err(|source| SandboxError::Journal { path: self.path.clone(), source })
    }
}

fn read(file: &File) -> Result<(Vec<Push>, u64), Error> {
    let (mut pushes, mut whole_bytes) = (Vec::new(), 0);
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        if line.last() != Some(&b'\n') {
            break;
        }
        let push = serde_json::from_slice(&line);
        pushes.push(push.map_err(|error| Error::new(ErrorKind::InvalidData, error))?);
        whole_bytes += line.len() as u64;
        line.clear();
    }
    Ok((pushes, whole_bytes))
}
