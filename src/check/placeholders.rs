//! Rules about placeholders and their values.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::judged::{JudgedCampaign, JudgedTemplate};
use crate::check::names;
use crate::check::texts::{Texts, written_as_meant};
use crate::check::views::CampaignView;
use crate::diagnostic::{Code, Diagnostic, Place, closest};
use crate::domain::{self, Channel, is_blank, is_invisible, placeholders};

/// Applies the rules of a campaign's values and its template's placeholders.
pub(super) fn values(out: &mut Vec<Diagnostic>, campaign: &JudgedCampaign, template: &JudgedTemplate) {
    let view = campaign.view();
    if !is_filled(&view, template.view().texts) {
        let taken = taken(template);
        let misspelt = placeholder_without_value(out, campaign, template, &taken);
        value_without_placeholder(out, campaign, template, (&taken, &misspelt));
    }
    empty_once_filled(out, campaign, template);
}

/// Returns the placeholders that a campaign gives values to, each with the key that does.
fn given<'view>(view: &CampaignView<'view>) -> impl Iterator<Item = (&'static str, &'view str)> {
    let common = view.values.keys().map(|name| ("values", name.as_str()));
    common.chain(view.values_from.clone().into_iter().map(|name| ("values_from", name)))
}

/// Whether each placeholder has a value, and each value a placeholder.
fn is_filled(campaign: &CampaignView<'_>, texts: Texts<'_>) -> bool {
    let texts = texts.by_key();
    let names = texts.iter().flat_map(|(_, text)| placeholders(text));
    let mut names: Vec<&str> = names.map(|(name, _)| name).collect();
    names.sort_unstable();
    names.dedup();
    let mut given: Vec<&str> = given(campaign).map(|(_, name)| name).collect();
    given.sort_unstable();
    names == given
}

/// Returns each placeholder and the place where it stands first.
fn taken(template: &JudgedTemplate) -> BTreeMap<&str, Place> {
    let mut taken = BTreeMap::new();
    for (key, text) in template.view().texts.by_key() {
        let value = template.value(&[key]);
        let begins = written_as_meant(&value, text);
        for (name, range) in placeholders(text) {
            taken.entry(name).or_insert_with(|| match (&value, begins) {
                (Place::Span(span), Some(begins)) => {
                    Place::span(&span.source, begins + range.start..begins + range.end)
                }
                _ => value.clone(),
            });
        }
    }
    taken
}

/// `placeholder-without-value`: the vendor refuses the push (result code 3023). Returns the values that look
/// like misspelt names of such placeholders.
fn placeholder_without_value<'files>(
    out: &mut Vec<Diagnostic>,
    campaign: &'files JudgedCampaign,
    template: &JudgedTemplate,
    taken: &BTreeMap<&str, Place>,
) -> BTreeSet<&'files str> {
    let view = campaign.view();
    let mut misspelt = BTreeSet::new();
    let names: BTreeSet<&str> = given(&view).map(|(_, name)| name).collect();
    let spare: Vec<&str> = names.iter().copied().filter(|key| !taken.contains_key(key)).collect();
    let values = if view.values.is_empty() && !names.is_empty() { "values_from" } else { "values" };
    for (name, place) in taken {
        if names.contains(*name) {
            continue;
        }
        let message = format!("campaign `{}` gives no value for `#{name}#`", campaign.name);
        let help = match closest(name, spare.iter().copied()) {
            Some(key) => {
                misspelt.insert(key);
                format!("rename the value `{key}` to `{name}`")
            }
            None => format!("add `{name}` to its `{values}`"),
        };
        out.push(
            Diagnostic::error(Code::PlaceholderWithoutValue, campaign.key(&[values]), message)
                .related(place.clone(), format!("template `{}` asks for it", template.name))
                .help(help),
        );
    }
    misspelt
}

/// `value-without-placeholder`: a slip, unless the placeholder stands in the template's link, which is not
/// mirrored; so no more than a warning.
fn value_without_placeholder(
    out: &mut Vec<Diagnostic>,
    campaign: &JudgedCampaign,
    template: &JudgedTemplate,
    (taken, misspelt): (&BTreeMap<&str, Place>, &BTreeSet<&str>),
) {
    let known: Vec<&str> = taken.keys().copied().collect();
    let view = campaign.view();
    let given = given(&view).filter(|(_, name)| !taken.contains_key(name) && !misspelt.contains(name));
    for (values, name) in given {
        let message = format!("template `{}` has no placeholder `#{name}#`", template.name);
        let otherwise = "remove it, unless `#…#` stands in the template's link in the console";
        let help = match closest(name, known.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None if known.is_empty() => otherwise.to_owned(),
            None => format!("its placeholders are {}: {otherwise}", names::listed(&known)),
        };
        out.push(
            Diagnostic::warning(Code::ValueWithoutPlaceholder, campaign.key(&[values, name]), message)
                .related(template.declared_at(), "the template")
                .help(help),
        );
    }
}

/// `empty-text`: values that leave nothing of a title or body. mPaaS's own channel takes that, no vendor's does.
fn empty_once_filled(out: &mut Vec<Diagnostic>, campaign: &JudgedCampaign, template: &JudgedTemplate) {
    let view = campaign.view();
    if view.channel == Some(Channel::SelfBuilt) {
        return;
    }
    // A text that begins with neither a placeholder nor a blank cannot become empty.
    let may_be_empty = |text: &str| text.starts_with(|first: char| first == '#' || is_invisible(first));
    for (key, text) in template.view().texts.by_key().into_iter().filter(|(_, text)| may_be_empty(text)) {
        let filled = domain::render(text, view.values);
        if is_blank(&filled) && !is_blank(text) {
            let message = format!("the {key} is empty once its placeholders are filled");
            out.push(
                Diagnostic::error(Code::EmptyText, campaign.key(&["values"]), message)
                    .related(template.value(&[key]), format!("the {key}"))
                    .help("give at least one of them a value: phone vendors drop such a push"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{campaign, diagnose};
    use crate::diagnostic::Source;

    /// A campaign of a template with this body.
    fn body(body: &str, values: &str) -> String {
        let extra = format!(", values: {{ {values} }}");
        diagnose(&campaign(&extra).replace("body: Body", &format!("body: {body}")))
    }

    #[test]
    fn values_and_placeholders_match_both_ways() {
        assert_eq!(body("\"您好 #姓名# #k#\"", "姓名: 张三, k: \"1\""), "");
        insta::assert_snapshot!(body("\"您好 #name#, #money#!\"", "nmae: x, money: z"), @r"
        a.yaml:5:66 placeholder-without-value: campaign `c` gives no value for `#name#`
            a.yaml:1:52 template `t` asks for it
            = rename the value `nmae` to `name`
        ");
        insta::assert_snapshot!(body("Body", "link: x"), @r"
        a.yaml:5:76 value-without-placeholder?: template `t` has no placeholder `#link#`
            a.yaml:1:14 the template
            = remove it, unless `#…#` stands in the template's link in the console
        ");
    }

    #[test]
    fn a_campaign_without_values_is_pointed_at_itself() {
        insta::assert_snapshot!(diagnose(&campaign("").replace("body: Body", "body: \"#a#\"")), @r"
        a.yaml:5:3 placeholder-without-value: campaign `c` gives no value for `#a#`
            a.yaml:1:49 template `t` asks for it
            = add `a` to its `values`
        ");
    }

    #[test]
    fn values_that_leave_nothing_are_refused_where_a_phone_vendor_drops_the_push() {
        insta::assert_snapshot!(body("\"#a# #b#\"", "a: \"\", b: \" \""), @r"
        a.yaml:5:66 empty-text: the body is empty once its placeholders are filled
            a.yaml:1:48 the body
            = give at least one of them a value: phone vendors drop such a push
        a.yaml:5:86 wrong-value: `b` is blank
            = write it, or remove the key
        ");
        assert_eq!(body("\"#a#\"", "a: \"\" }, channel: self_built, extended_params: { a: b"), "");
    }

    #[test]
    fn a_text_that_is_written_plainly_is_found_where_it_is() {
        let source = Source::new("a.yaml".into(), "您好 \"#name#\" \"\\u0023name#\"".into());
        let plain = Place::span(&source, 7..15);
        assert_eq!(written_as_meant(&plain, "#name#"), Some(8));
        assert_eq!(written_as_meant(&Place::span(&source, 16..29), "#name#"), None);
    }
}
