//! Rules about names and references to them.

use std::collections::HashSet;

use crate::check::declaration::{Declaration, Section};
use crate::check::declared::{ByName, Declarations};
use crate::check::judged::{Judged, JudgedCampaign};
use crate::check::wire_text;
use crate::diagnostic::{Code, Diagnostic, Place, closest, number};
use crate::domain::CampaignId;
use crate::load::Workspace;

/// Most names that a help line lists.
const LISTED_MAX: usize = 8;

/// `bad-name`: a campaign's name goes into message keys, task names and commands; any other only into reports.
pub(super) fn bad_name<S>(out: &mut Vec<Diagnostic>, declaration: &Declaration<'_, S>) {
    let (name, noun) = (declaration.name, declaration.section.noun());
    let place = || declaration.declared_at();
    if declaration.section == Section::Campaigns {
        if let Err(error) = name.parse::<CampaignId>() {
            let diagnostic = Diagnostic::error(Code::BadName, place(), error.to_string());
            out.push(diagnostic.help("a campaign's name goes into message keys: rename it"));
        }
    } else if let Some(flaw) = wire_text::flaw(name) {
        let message = format!("the name of this {noun} {flaw}");
        out.push(Diagnostic::error(Code::BadName, place(), message).help("rename it"));
    }
}

/// `duplicate-name`: names are global over the workspace, one space for each section.
pub(super) fn duplicate_name<T, S>(out: &mut Vec<Diagnostic>, first: &Judged<T, S>, again: &Judged<T, S>) {
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
        let help = did_you_mean(name, declared.keys().copied(), &otherwise);
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
        let words = campaign.words();
        self.templates.insert(words.template);
        self.audiences.insert(words.audience);
        self.classifications.extend(words.classification);
        self.strategies.insert(words.strategy);
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
        unused(out, &declared.templates, &self.templates);
        unused(out, &declared.audiences, &self.audiences);
        unused(out, &declared.classifications, &self.classifications);
        unused(out, &declared.strategies, &self.strategies);
    }
}

/// Says nothing where a name is used that is not declared: it may be a slip of the one that looks unused.
fn unused<T, S>(out: &mut Vec<Diagnostic>, declared: &ByName<'_, Judged<T, S>>, used: &HashSet<&str>) {
    let unused: Vec<&Judged<T, S>> =
        declared.values().copied().filter(|declaration| !used.contains(declaration.name.as_str())).collect();
    // Each name that is used is declared if there are as many as of those that are declared and used.
    if used.len() > declared.len() - unused.len() {
        return;
    }
    for declaration in unused {
        let message = format!("{} `{}` is used by no campaign", declaration.section.noun(), declaration.name);
        out.push(
            Diagnostic::warning(Code::UnusedName, declaration.declared_at(), message)
                .help("remove it, or name it in a campaign"),
        );
    }
}

/// Says what an unknown name could be: the one that it is a slip of, or all there are, or `otherwise`.
pub(super) fn did_you_mean<'name>(
    name: &str,
    known: impl IntoIterator<Item = &'name str>,
    otherwise: &str,
) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    if let Some(meant) = closest(name, known.iter().copied()) {
        return format!("did you mean `{meant}`?");
    }
    match known.len() {
        0 => otherwise.to_owned(),
        count if count > LISTED_MAX => {
            let more = number((count - LISTED_MAX) as u64);
            format!("there are {} and {more} more", listed(&known[..LISTED_MAX]))
        }
        1 => format!("there is only {}", listed(&known)),
        _ => format!("there are {}", listed(&known)),
    }
}

/// Lists names in backticks.
pub(super) fn listed(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
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
    fn a_name_is_declared_once_over_all_files() {
        let other = "templates: { t: { name: T, title: Title, body: Body } }\n";
        let project = crate::check::testing::PROJECT;
        insta::assert_snapshot!(
            diagnose_files(&[("campaignctl.yaml", project), ("a.yaml", &campaign("")), ("b.yaml", other)]),
            @r"
        b.yaml:1:14 duplicate-name: template `t` is declared twice
            a.yaml:1:14 declared first
            = rename one of them, or remove it: names are global over all files
        "
        );
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
    fn names_can_be_chinese_but_a_campaigns_goes_into_keys() {
        insta::assert_snapshot!(diagnose(&campaign("").replace("  c:", "  发薪:")), @r"
        a.yaml:5:3 bad-name: `发薪` is not 1 to 64 letters, digits, `-`, `_` or `.` that start with a letter or digit
            = a campaign's name goes into message keys: rename it
        ");
        let spaced = campaign("").replace("{ t: {", "{ \"t \": {").replace("template: t", "template: \"t \"");
        insta::assert_snapshot!(diagnose(&spaced), @r"
        a.yaml:1:14 bad-name: the name of this template ends with white space: U+0020
            = rename it
        ");
        let chinese = campaign("").replace("{ t: {", "{ 模板: {").replace("template: t", "template: 模板");
        assert_eq!(diagnose(&chinese), "");
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
    fn many_names_are_not_all_listed() {
        let known = ["n1", "n2", "n3", "n4", "n5", "n6", "n7", "n8", "n9", "n0"];
        let help = super::did_you_mean("something", known, "");
        assert_eq!(help, "there are `n1`, `n2`, `n3`, `n4`, `n5`, `n6`, `n7`, `n8` and 2 more");
    }
}
