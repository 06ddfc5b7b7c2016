//! Rules about values of each target's own, as far as YAML tells of them. Nothing is opened here: `resolve` looks at
//! the columns and at every line.

use std::collections::BTreeMap;

use crate::check::declaration::Declaration;
use crate::check::{ValueColumn, wire_text};
use crate::diagnostic::{Code, Diagnostic};
use crate::domain::is_blank;
use crate::load::model::CampaignSyntax;

/// Applies the rules of a campaign's `values_from` that need no template and no audience.
pub(super) fn values_from(out: &mut Vec<Diagnostic>, campaign: &Declaration<'_, CampaignSyntax>) {
    value_twice(out, campaign);
    for (name, column) in &campaign.syntax.values_from {
        if is_blank(column) {
            wire_text::check(out, name, column, || campaign.value(&["values_from", name]));
        }
    }
}

/// Returns the columns and the places that name them.
pub(super) fn columns(campaign: &Declaration<'_, CampaignSyntax>) -> BTreeMap<String, ValueColumn> {
    let column = |(placeholder, name): (&String, &String)| {
        let named_at = campaign.value(&["values_from", placeholder]);
        (placeholder.clone(), ValueColumn { name: name.clone(), named_at })
    };
    campaign.syntax.values_from.iter().map(column).collect()
}

/// `value-twice`: nobody could tell which of the two is sent.
fn value_twice(out: &mut Vec<Diagnostic>, campaign: &Declaration<'_, CampaignSyntax>) {
    let syntax = campaign.syntax;
    for name in syntax.values_from.keys().filter(|name| syntax.values.contains_key(*name)) {
        let message = format!("`#{name}#` gets its value from `values` and from `values_from`");
        out.push(
            Diagnostic::error(Code::ValueTwice, campaign.key(&["values_from", name]), message)
                .related(campaign.key(&["values", name]), "the same value for every target")
                .help("remove one of them"),
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{campaign_to, diagnose};

    /// A campaign of a template with `#name#` and `#money#`.
    fn campaign(audience: &str, extra: &str) -> String {
        diagnose(&campaign_to(audience, extra).replace("body: Body", "body: \"#name# #money#\""))
    }

    const FILE: &str = "users: { file: a.csv, column: id }";

    #[test]
    fn each_placeholder_has_one_value() {
        assert_eq!(campaign(FILE, ", values_from: { name: nick, money: sum }"), "");
        assert_eq!(campaign(FILE, ", values: { money: \"1\" }, values_from: { name: nick }"), "");
        let twice = ", values: { name: x, money: \"1\" }, values_from: { name: nick }";
        insta::assert_snapshot!(campaign(FILE, twice), @r"
        a.yaml:5:114 value-twice: `#name#` gets its value from `values` and from `values_from`
            a.yaml:5:76 the same value for every target
            = remove one of them
        ");
        insta::assert_snapshot!(campaign(FILE, ", values: { money: \"1\" }, values_from: { nmae: nick }"), @r"
        a.yaml:5:66 placeholder-without-value: campaign `c` gives no value for `#name#`
            a.yaml:1:49 template `t` asks for it
            = rename the value `nmae` to `name`
        ");
        insta::assert_snapshot!(
            campaign(FILE, ", values: { name: x, money: \"1\" }, values_from: { link: url }"), @r"
        a.yaml:5:114 value-without-placeholder?: template `t` has no placeholder `#link#`
            a.yaml:1:14 the template
            = its placeholders are `money`, `name`: remove it, unless `#…#` stands in the template's link in the console
        ");
        insta::assert_snapshot!(campaign(FILE, ", values_from: { name: nick, money: \" \" }"), @r"
        a.yaml:5:100 wrong-value: `money` is blank
            = write it, or remove the key
        ");
    }
}
