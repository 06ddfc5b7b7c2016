//! Rules about references: each names a declaration, and each declaration is named.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::check::declaration::Section;
use crate::check::declared::{ByName, Declarations};
use crate::check::judged::{Judged, JudgedCampaign};
use crate::check::names;
use crate::diagnostic::{Code, Diagnostic, Place};
use crate::load::Workspace;

/// `unknown-name`: a reference needs a declaration. One that was left out because of its own mistake will do.
pub(super) fn unknown_name<'files, D, F>(
    out: &mut Vec<Diagnostic>,
    workspace: &Workspace<F>,
    (section, declared): (Section, &ByName<'files, D>),
    name: &str,
    place: impl FnOnce() -> Place,
) -> Option<&'files D> {
    let found = declared.get(name).copied();
    if found.is_none() && !workspace.may_declare(section.as_str(), name) {
        let message = format!("no {} named `{name}`", section.noun());
        let otherwise = format!("declare it under `{}:` in any campaign file", section.as_str());
        let known: BTreeSet<&str> =
            declared.keys().copied().chain(workspace.left_out(section.as_str())).collect();
        let help = names::did_you_mean(name, known, &otherwise);
        out.push(Diagnostic::error(Code::UnknownName, place(), message).help(help));
    }
    found
}

/// `unused-name`: what no campaign uses is a slip, or left over. Said only where there are campaigns, and every
/// one could be read.
#[derive(Default)]
pub(super) struct Used<'files> {
    templates: HashSet<&'files str>,
    audiences: HashSet<&'files str>,
    classifications: HashSet<&'files str>,
    strategies: HashSet<&'files str>,
}

impl<'files> Used<'files> {
    /// Takes the names that a campaign uses.
    pub(super) fn take(&mut self, campaign: &'files JudgedCampaign) {
        let view = campaign.view();
        self.templates.insert(view.template);
        self.audiences.insert(view.audience);
        self.classifications.extend(view.classification);
        self.strategies.insert(view.strategy);
    }

    /// Reports what no campaign uses.
    pub(super) fn report<F>(
        &self,
        out: &mut Vec<Diagnostic>,
        workspace: &Workspace<F>,
        declared: &Declarations<'_>,
    ) {
        if !workspace.is_whole() || declared.campaigns.is_empty() {
            return;
        }
        let mut unused: Vec<Unused> = unused_of(&declared.templates, &self.templates);
        unused.extend(unused_of(&declared.audiences, &self.audiences));
        unused.extend(unused_of(&declared.classifications, &self.classifications));
        unused.extend(unused_of(&declared.strategies, &self.strategies));
        let mut by_file: BTreeMap<String, Vec<Unused>> = BTreeMap::new();
        for each in unused {
            by_file.entry(each.declared_at.path().to_owned()).or_default().push(each);
        }
        for (path, unused) in by_file {
            let is_in_use = |campaign: &&JudgedCampaign| campaign.declared_at().path() == path;
            if unused.len() > 1 && !declared.campaigns.values().copied().any(|campaign| is_in_use(&campaign))
            {
                out.push(unused_file(unused));
            } else {
                out.extend(unused.into_iter().map(Unused::diagnostic));
            }
        }
    }
}

/// Says nothing where a name is used that is not declared: it may be a slip of the one that looks unused.
fn unused_of<T, S>(declared: &ByName<'_, Judged<T, S>>, used: &HashSet<&str>) -> Vec<Unused> {
    let unused: Vec<&Judged<T, S>> =
        declared.values().copied().filter(|declaration| !used.contains(declaration.name.as_str())).collect();
    // Each name that is used is declared if there are as many as of those that are declared and used.
    if used.len() > declared.len() - unused.len() {
        return Vec::new();
    }
    let told = unused.into_iter().map(|declaration| Unused {
        what: format!("{} `{}`", declaration.section.noun(), declaration.name),
        declared_at: declaration.declared_at(),
    });
    told.collect()
}

/// A declaration that no campaign uses.
struct Unused {
    what: String,
    declared_at: Place,
}

impl Unused {
    fn diagnostic(self) -> Diagnostic {
        let message = format!("{} is used by no campaign", self.what);
        Diagnostic::warning(Code::UnusedName, self.declared_at, message)
            .help("remove it, or name it in a campaign")
    }
}

/// A file without a campaign of its own, several of whose declarations nobody uses, is one that is still being written.
fn unused_file(mut unused: Vec<Unused>) -> Diagnostic {
    unused.sort_by_key(|each| each.declared_at.line());
    let names: Vec<&str> = unused.iter().map(|each| each.what.as_str()).collect();
    let message = format!("no campaign uses {}", names.join(", "));
    let first = unused.first().expect("there are several");
    Diagnostic::warning(Code::UnusedName, first.declared_at.clone(), message).help(
        "declare the campaign that uses them (where it is commented out, remove the `# `), or remove them",
    )
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{campaign, diagnose, diagnose_files};

    #[test]
    fn a_slip_in_a_reference_is_named() {
        insta::assert_snapshot!(diagnose(&campaign("").replace("audience: a", "audience: A")), @r"
        a.yaml:5:31 unknown-name: no audience named `A`
            = did you mean `a`?
        ");
        insta::assert_snapshot!(diagnose(&campaign(", classification: k")), @r"
        a.yaml:5:82 unknown-name: no classification named `k`
            = declare it under `classifications:` in any campaign file
        ");
    }

    #[test]
    fn a_reference_to_a_broken_declaration_is_no_mistake_of_its_own() {
        insta::assert_snapshot!(diagnose(&campaign("").replace("title: Title", "titel: Title")), @r"
        a.yaml:1:14 missing-key: `t` is missing the key `title`
            = add it, for example `title: Hello #name#`
        a.yaml:1:28 unknown-key: `t` has no key `titel`
            = did you mean `title`?
        ");
        insta::assert_snapshot!(diagnose(&campaign("").replace("name: T,", "name: \"T,\",")), @r"
        a.yaml:1:25 template-name: a template name cannot contain a comma
            = write the name that the template has in the mPaaS console
        ");
    }

    #[test]
    fn what_no_campaign_uses_is_shown_unless_a_campaign_could_not_be_read() {
        let unused = campaign("").replace("{ s: {", "{ s2: { send: now }, s: {");
        insta::assert_snapshot!(diagnose(&unused), @r"
        a.yaml:3:15 unused-name?: strategy `s2` is used by no campaign
            = remove it, or name it in a campaign
        ");
        insta::assert_snapshot!(diagnose(&unused.replace("expires_after: 5m", "expires_after: 5")), @r"
        a.yaml:5:62 wrong-type: `expires_after` takes a number with its unit, not the number 5
            = the unit is missing: write `5s`, `5m`, `5h`, `5d`
        ");
    }

    #[test]
    fn a_file_that_is_still_being_written_is_said_once() {
        let draft =
            "templates: { x: { name: Other, title: T, body: B } }\nstrategies: { x: { send: now } }\n";
        let project = crate::check::testing::PROJECT;
        let files = [("campaignctl.yaml", project), ("a.yaml", &campaign("")), ("n.yaml", draft)];
        insta::assert_snapshot!(diagnose_files(&files), @r"
        n.yaml:1:14 unused-name?: no campaign uses template `x`, strategy `x`
            = declare the campaign that uses them (where it is commented out, remove the `# `), or remove them
        ");
    }

    #[test]
    fn the_names_of_broken_declarations_are_known() {
        let broken = campaign(", colour: 1")
            .replace("title: Title", "titel: Title")
            .replace("template: t", "template: tt");
        let said =
            diagnose(&broken.replace("send: now", "send: now, x: 1").replace("strategy: s", "strategy: ss"));
        assert!(said.contains("no template named `tt`\n    = there is only `t`"), "{said}");
        assert!(said.contains("no strategy named `ss`\n    = there is only `s`"), "{said}");
        // What stands under a misspelled section is there.
        let said = diagnose(&campaign("").replace("templates:", "tempaltes:"));
        assert!(said.contains("unknown-key") && !said.contains("unknown-name"), "{said}");
    }
}
