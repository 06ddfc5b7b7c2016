//! Every declaration of the workspace by name, and what is declared twice.

use std::collections::BTreeMap;

use crate::check::Declared;
use crate::check::judged::{
    Judged, JudgedAudience, JudgedCampaign, JudgedClassification, JudgedStrategy, JudgedTemplate,
};
use crate::check::judged_file::JudgedFile;
use crate::diagnostic::{Code, Diagnostic};

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
        out.extend(files.iter().flat_map(|file| &file.sections.bad_names).cloned());
        Self {
            templates: by_name(out, files.iter().flat_map(|file| &file.sections.templates)),
            audiences: by_name(out, files.iter().flat_map(|file| &file.sections.audiences)),
            classifications: by_name(out, files.iter().flat_map(|file| &file.sections.classifications)),
            strategies: by_name(out, files.iter().flat_map(|file| &file.sections.strategies)),
            campaigns: by_name(out, files.iter().flat_map(|file| &file.sections.campaigns)),
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
            duplicate_name(out, first, again);
        }
        is_again
    });
    // A map that is made of a sorted list has no gaps in its nodes.
    all.into_iter().collect()
}

/// `duplicate-name`: names are global over the workspace, one space for each section.
fn duplicate_name<T, S>(out: &mut Vec<Diagnostic>, first: &Judged<T, S>, again: &Judged<T, S>) {
    let (noun, name) = (first.section.noun(), &first.name);
    out.push(
        Diagnostic::error(
            Code::DuplicateName,
            again.declared_at(),
            format!("{noun} `{name}` is declared twice"),
        )
        .label("declared again")
        .related(first.declared_at(), "declared first")
        .help("rename one of them, or remove it: names are global over all files"),
    );
}

/// `template-name-twice`: of two texts for one vendor template, one is not what is sent.
pub(super) fn template_name_twice(out: &mut Vec<Diagnostic>, templates: &ByName<'_, JudgedTemplate>) {
    let mut first_of: BTreeMap<&str, &JudgedTemplate> = BTreeMap::new();
    for declaration in templates.values() {
        let name = declaration.view().vendor_name;
        let Some(first) = first_of.get(name) else {
            first_of.insert(name, declaration);
            continue;
        };
        let (ours, theirs) = (first.view().texts.by_key(), declaration.view().texts.by_key());
        let differing = ours.into_iter().zip(theirs).find(|(one, other)| one != other);
        if let Some(((key, _), _)) = differing {
            let message = format!(
                "templates `{}` and `{}` mirror the same vendor template with different texts",
                first.name, declaration.name
            );
            out.push(
                Diagnostic::error(Code::TemplateNameTwice, declaration.value(&[key]), message)
                    .label(format!("another {key}"))
                    .related(first.value(&[key]), format!("than the {key} here"))
                    .help(format!("the vendor has one text under `{name}`: keep the template that shows it")),
            );
        }
    }
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

#[cfg(test)]
mod tests {
    use crate::check::testing::{PROJECT, campaign, diagnose, diagnose_files};

    #[test]
    fn a_name_is_declared_once_over_all_files() {
        let other = "templates: { t: { name: T, title: Title, body: Body } }\n";
        insta::assert_snapshot!(
            diagnose_files(&[("campaignctl.yaml", PROJECT), ("a.yaml", &campaign("")), ("b.yaml", other)]),
            @r"
        b.yaml:1:14 duplicate-name: template `t` is declared twice
            a.yaml:1:14 declared first
            = rename one of them, or remove it: names are global over all files
        "
        );
    }

    #[test]
    fn one_vendor_template_has_one_text() {
        let twice = |title: &str| {
            campaign("")
                .replace("{ t: {", &format!("{{ t: {{ name: T, title: {title}, body: Body }}, t2: {{"))
                .replace("  c:", "  d: { template: t2, audience: a, strategy: s, expires_after: 5m }\n  c:")
        };
        assert_eq!(diagnose(&twice("Title")), "");
        insta::assert_snapshot!(diagnose(&twice("Titel")), @r"
        a.yaml:1:78 template-name-twice: templates `t` and `t2` mirror the same vendor template with different texts
            a.yaml:1:35 than the title here
            = the vendor has one text under `T`: keep the template that shows it
        ");
    }
}
