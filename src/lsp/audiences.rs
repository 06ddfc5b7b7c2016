//! Who is in the audiences, read once for each change of a file.
//!
//! Audience files can be large, and an editor asks with every key that is pressed.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;

use crate::diagnostic::{Diagnostic, Label, Place};
use crate::domain::LedgerSalt;
use crate::load::targets::TargetFile;
use crate::resolve::{Audience, AudienceSource, Taker};

/// Largest audience file that is read while someone types: half a million ids, a fraction of a second.
pub(super) const LIVE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// What is known of an audience.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    /// So many different targets.
    Targets(u64),
    /// Its file is too large to be read here.
    Unread {
        /// The file's size.
        bytes: u64,
    },
}

#[derive(Debug)]
struct Remembered {
    file: TargetFile,
    stamp: Option<(SystemTime, u64)>,
    named_at: Place,
    takers: Vec<Taker>,
    diagnostics: Vec<Diagnostic>,
}

/// The audiences as they were read last, by name.
#[derive(Debug, Default)]
pub(super) struct Audiences {
    files: BTreeMap<String, Remembered>,
    sizes: BTreeMap<String, Size>,
}

impl Audiences {
    /// Returns how many are in an audience that some campaign uses.
    pub(super) fn size(&self, name: &str) -> Option<Size> {
        self.sizes.get(name).copied()
    }

    /// Forgets audiences that no campaign uses any more.
    pub(super) fn keep_only(&mut self, is_used: impl Fn(&str) -> bool) {
        self.files.retain(|name, _| is_used(name));
        self.sizes.retain(|name, _| is_used(name));
    }

    /// Reads a file anew the next time, even if its size and time of change are the same.
    pub(super) fn forget(&mut self, path: &Path) {
        self.files.retain(|_, known| known.file.path != path);
    }

    /// Reads an audience if it has changed, and returns what is wrong with it.
    pub(super) fn read(&mut self, audience: &Audience) -> Vec<Diagnostic> {
        let AudienceSource::File { file, named_at, .. } = &audience.source else {
            let (size, diagnostics) = read(audience);
            self.sizes.insert(audience.name.clone(), size);
            return diagnostics;
        };
        let metadata = file.metadata();
        let stamp = metadata.as_ref().and_then(|metadata| Some((metadata.modified().ok()?, metadata.len())));
        if let Some(known) = self.files.get_mut(&audience.name)
            && known.file == *file
            && known.stamp == stamp
            && stamp.is_some()
            && known.is_asked_as_before(&audience.takers)
        {
            known.move_to(named_at, &audience.takers);
            return known.diagnostics.clone();
        }
        let bytes = metadata.map_or(0, |metadata| metadata.len());
        let (size, diagnostics) =
            if bytes > LIVE_BYTES_MAX { (Size::Unread { bytes }, Vec::new()) } else { read(audience) };
        self.sizes.insert(audience.name.clone(), size);
        let (file, named_at) = (file.clone(), named_at.clone());
        let takers = audience.takers.clone();
        let known = Remembered { file, stamp, named_at, takers, diagnostics: diagnostics.clone() };
        self.files.insert(audience.name.clone(), known);
        diagnostics
    }
}

impl Remembered {
    /// Whether campaigns take the same values from it for the same texts.
    fn is_asked_as_before(&self, takers: &[Taker]) -> bool {
        self.takers.len() == takers.len()
            && self.takers.iter().zip(takers).all(|(known, taker)| known.asks_as(taker))
    }

    /// Points diagnostics at where the file is named now, and where campaigns take from it: other lines may have come
    /// before.
    fn move_to(&mut self, named_at: &Place, takers: &[Taker]) {
        let known = self.takers.iter().flat_map(Taker::places).chain([&self.named_at]);
        let moved: Vec<(Place, Place)> = known
            .zip(takers.iter().flat_map(Taker::places).chain([named_at]))
            .map(|(known, moved)| (known.clone(), moved.clone()))
            .collect();
        let labels = self.diagnostics.iter_mut().flat_map(|diagnostic| {
            let related = diagnostic.related.iter_mut();
            diagnostic.primary.iter_mut().chain(related)
        });
        for Label { place, .. } in labels {
            if let Some((_, moved)) = moved.iter().find(|(known, _)| known == place) {
                *place = moved.clone();
            }
        }
        self.named_at = named_at.clone();
        self.takers = takers.to_vec();
    }
}

/// Reads an audience as `validate` does: with no ledger's salt.
fn read(audience: &Audience) -> (Size, Vec<Diagnostic>) {
    let (contents, diagnostics) = audience.read(&LedgerSalt::new([0; 16]));
    (Size::Targets(contents.targets.len() as u64), diagnostics)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;
    use std::sync::Arc;

    use super::*;
    use crate::domain::TargetKind;
    use crate::load::Boundary;
    use crate::load::model::TargetFileFormat;
    use crate::load::targets::Limits;

    /// An audience of users in a text file, which is named on a line.
    fn audience(path: PathBuf, line: u64) -> Audience {
        let boundary = Boundary::new(path.parent().unwrap().to_owned(), Vec::new());
        let file = TargetFile {
            path,
            boundary: Arc::new(boundary),
            shown_as: "ids".to_owned(),
            format: TargetFileFormat::Text,
            column_or_field: None,
            value_columns: Vec::new(),
            limits: Limits::default(),
        };
        let named_at = Place::Line { path: "a.yaml".to_owned(), line };
        let declared_at = named_at.clone();
        let source = AudienceSource::File { kind: TargetKind::User, file, named_at };
        Audience { name: "a".to_owned(), declared_at, source, takers: Vec::new() }
    }

    fn places(diagnostics: &[Diagnostic]) -> Vec<String> {
        diagnostics.iter().map(|found| found.primary.as_ref().unwrap().place.to_string()).collect()
    }

    #[test]
    fn a_file_is_read_once_and_its_mistakes_move_with_the_line_that_names_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ids");
        fs::write(&path, "\n").unwrap();
        let mut audiences = Audiences::default();
        assert_eq!(places(&audiences.read(&audience(path.clone(), 3))), ["a.yaml:3"]);
        // Read anew, it would hold somebody: the size and the time of change are the old ones.
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        fs::write(&path, "u").unwrap();
        fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
        assert_eq!(places(&audiences.read(&audience(path.clone(), 5))), ["a.yaml:5"]);
        assert_eq!(audiences.size("a"), Some(Size::Targets(0)));
        audiences.forget(&path);
        assert!(audiences.read(&audience(path.clone(), 5)).is_empty());
        assert_eq!(audiences.size("a"), Some(Size::Targets(1)));
        fs::remove_file(&path).unwrap();
        assert_eq!(places(&audiences.read(&audience(path, 5))), ["a.yaml:5"]);
        audiences.keep_only(|_| false);
        assert_eq!(audiences.size("a"), None);
    }

    #[test]
    fn a_large_file_is_not_read_while_someone_types() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ids");
        fs::File::create(&path).unwrap().set_len(LIVE_BYTES_MAX + 1).unwrap();
        let mut audiences = Audiences::default();
        assert!(audiences.read(&audience(path, 1)).is_empty());
        assert_eq!(audiences.size("a"), Some(Size::Unread { bytes: LIVE_BYTES_MAX + 1 }));
    }
}
