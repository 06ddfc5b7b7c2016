//! Rules about placeholders and their values.

use std::collections::BTreeMap;

use crate::check::declaration::Declaration;
use crate::check::names;
use crate::diagnostic::{Code, Diagnostic, Place, closest};
use crate::domain::{self, placeholders};
use crate::load::model::{CampaignSyntax, ChannelSyntax, TemplateSyntax};

/// Applies the rules of a campaign's values and its template's placeholders.
pub(super) fn values(
    out: &mut Vec<Diagnostic>,
    campaign: &Declaration<'_, CampaignSyntax>,
    template: &Declaration<'_, TemplateSyntax>,
) {
    let taken = taken(template);
    placeholder_without_value(out, campaign, template, &taken);
    value_without_placeholder(out, campaign, template, &taken);
    empty_once_filled(out, campaign, template);
}

/// Returns each placeholder and the place where it stands first.
fn taken<'workspace>(template: &Declaration<'workspace, TemplateSyntax>) -> BTreeMap<&'workspace str, Place> {
    let mut taken = BTreeMap::new();
    for (key, text) in texts(template.syntax) {
        for (name, range) in placeholders(text) {
            taken.entry(name).or_insert_with(|| carve(&template.value(&[key]), text, &text[range]));
        }
    }
    taken
}

pub(super) fn texts(template: &TemplateSyntax) -> [(&'static str, &str); 2] {
    [("title", &template.title), ("body", &template.body)]
}

/// Points at a fragment within a scalar, where the file writes it as plainly as the value has it.
fn carve(scalar: &Place, value: &str, fragment: &str) -> Place {
    if let Place::Span(span) = scalar {
        let written = &span.source.text()[span.range.clone()];
        if let Some(start) = written.find(fragment)
            && written.matches(fragment).count() == value.matches(fragment).count()
        {
            let start = span.range.start + start;
            return Place::span(&span.source, start..start + fragment.len());
        }
    }
    scalar.clone()
}

/// `placeholder-without-value`: the vendor refuses the push (result code 3023).
fn placeholder_without_value(
    out: &mut Vec<Diagnostic>,
    campaign: &Declaration<'_, CampaignSyntax>,
    template: &Declaration<'_, TemplateSyntax>,
    taken: &BTreeMap<&str, Place>,
) {
    for (name, place) in taken {
        if campaign.syntax.values.contains_key(*name) {
            continue;
        }
        let message = format!("campaign `{}` gives no value for `#{name}#`", campaign.name);
        let spare = campaign.syntax.values.keys().map(String::as_str).filter(|key| !taken.contains_key(key));
        let help = match closest(name, spare) {
            Some(key) => format!("rename the value `{key}` to `{name}`"),
            None => format!("add `{name}` to its `values`"),
        };
        out.push(
            Diagnostic::error(Code::PlaceholderWithoutValue, campaign.key(&["values"]), message)
                .related(place.clone(), format!("template `{}` asks for it", template.name))
                .help(help),
        );
    }
}

/// `value-without-placeholder`: a slip, unless the placeholder stands in the template's link, which is not
/// mirrored; so no more than a warning.
fn value_without_placeholder(
    out: &mut Vec<Diagnostic>,
    campaign: &Declaration<'_, CampaignSyntax>,
    template: &Declaration<'_, TemplateSyntax>,
    taken: &BTreeMap<&str, Place>,
) {
    for name in campaign.syntax.values.keys().filter(|name| !taken.contains_key(name.as_str())) {
        let message = format!("template `{}` has no placeholder `#{name}#`", template.name);
        let otherwise = "remove it, unless `#…#` stands in the template's link in the console";
        let known: Vec<&str> = taken.keys().copied().collect();
        let help = match closest(name, known.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None if known.is_empty() => otherwise.to_owned(),
            None => format!("its placeholders are {}: {otherwise}", names::listed(&known)),
        };
        out.push(
            Diagnostic::warning(Code::ValueWithoutPlaceholder, campaign.key(&["values", name]), message)
                .related(template.declared_at(), "the template")
                .help(help),
        );
    }
}

/// `empty-text`: values that leave nothing of a title or body. mPaaS's own channel takes that, no vendor's does.
fn empty_once_filled(
    out: &mut Vec<Diagnostic>,
    campaign: &Declaration<'_, CampaignSyntax>,
    template: &Declaration<'_, TemplateSyntax>,
) {
    if campaign.syntax.channel == Some(ChannelSyntax::SelfBuilt) {
        return;
    }
    for (key, text) in texts(template.syntax) {
        let filled = domain::render(text, &campaign.syntax.values);
        if filled.trim().is_empty() && !text.trim().is_empty() {
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
    use crate::diagnostic::Source;

    #[test]
    fn a_fragment_is_pointed_at_where_it_is_written_plainly() {
        let source = Source::new("a.yaml".into(), "您好 \"#name#\" \"\\u0023name#\"".into());
        let plain = Place::span(&source, 7..15);
        assert_eq!(carve(&plain, "#name#", "#name#").column(), Some(5));
        let escaped = Place::span(&source, 16..29);
        assert_eq!(carve(&escaped, "#name#", "#name#"), escaped);
    }
}
