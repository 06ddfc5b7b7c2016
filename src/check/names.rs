//! Rules about a name by itself, and how known names are listed.

use crate::check::declaration::{Declaration, Section};
use crate::check::wire_text;
use crate::diagnostic::{Code, Diagnostic, closest, number};
use crate::domain::CampaignId;

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
    use crate::check::testing::{campaign, diagnose};

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
    fn many_names_are_not_all_listed() {
        let known = ["n1", "n2", "n3", "n4", "n5", "n6", "n7", "n8", "n9", "n0"];
        let help = super::did_you_mean("something", known, "");
        assert_eq!(help, "there are `n1`, `n2`, `n3`, `n4`, `n5`, `n6`, `n7`, `n8` and 2 more");
    }
}
