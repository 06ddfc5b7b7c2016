//! Every declaration of the workspace by name.

use std::collections::BTreeMap;

use crate::check::judged::{
    Judged, JudgedAudience, JudgedCampaign, JudgedClassification, JudgedFile, JudgedStrategy, JudgedTemplate,
};
use crate::check::{Declared, names};
use crate::diagnostic::Diagnostic;

/// The declarations of one section by name.
pub(super) type ByName<'files, D> = BTreeMap<&'files str, &'files D>;

/// Every declaration of a workspace. Of a name that is declared twice, the first one.
#[derive(Debug)]
pub(super) struct Declarations<'files> {
    pub(super) templates: ByName<'files, JudgedTemplate>,
    pub(super) audiences: ByName<'files, JudgedAudience>,
    pub(super) classifications: ByName<'files, JudgedClassification>,
    pub(super) strategies: ByName<'files, JudgedStrategy>,
    pub(super) campaigns: ByName<'files, JudgedCampaign>,
}

impl<'files> Declarations<'files> {
    /// Gathers what the files declare, and reports names that are declared twice or cannot be names.
    pub(super) fn gather(out: &mut Vec<Diagnostic>, files: &'files [JudgedFile]) -> Self {
        out.extend(files.iter().flat_map(|file| &file.bad_names).cloned());
        Self {
            templates: by_name(out, files.iter().flat_map(|file| &file.templates)),
            audiences: by_name(out, files.iter().flat_map(|file| &file.audiences)),
            classifications: by_name(out, files.iter().flat_map(|file| &file.classifications)),
            strategies: by_name(out, files.iter().flat_map(|file| &file.strategies)),
            campaigns: by_name(out, files.iter().flat_map(|file| &file.campaigns)),
        }
    }
}

fn by_name<'files, T: 'files, S: 'files>(
    out: &mut Vec<Diagnostic>,
    declarations: impl Iterator<Item = &'files Judged<T, S>>,
) -> ByName<'files, Judged<T, S>> {
    let mut all: Vec<(&str, &Judged<T, S>)> =
        declarations.map(|declaration| (declaration.name.as_str(), declaration)).collect();
    all.sort_by_key(|(name, _)| *name);
    all.dedup_by(|(again_name, again), (name, first)| {
        let is_again = again_name == name;
        if is_again {
            names::duplicate_name(out, first, again);
        }
        is_again
    });
    // A map that is made of a sorted list has no gaps in its nodes.
    all.into_iter().collect()
}

/// Takes the sound values of one section out of the files: of a name that is declared twice, the first one, if that is
/// sound.
pub(super) fn into_values<T, S>(
    files: &mut [JudgedFile],
    section: impl Fn(&mut JudgedFile) -> &mut Vec<Judged<T, S>>,
) -> BTreeMap<String, Box<Declared<T>>> {
    let declarations = files.iter_mut().flat_map(|file| std::mem::take(section(file)));
    let mut all: Vec<(String, Option<Box<Declared<T>>>)> =
        declarations.map(|Judged { name, says, .. }| (name, says.ok())).collect();
    all.sort_by(|(one, _), (other, _)| one.cmp(other));
    all.dedup_by(|(again, _), (first, _)| again == first);
    all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}
