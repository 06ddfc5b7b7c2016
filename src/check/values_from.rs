//! Rules about values of each target's own, as far as YAML tells of them. Nothing is opened here: `resolve` looks at
//! the columns and at every line.

use std::collections::BTreeMap;

use crate::check::declaration::Declaration;
use crate::check::judged::{HasColumns, JudgedAudience, JudgedCampaign, Listing};
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

/// `values-without-file`: only CSV, JSON Lines and Parquet have columns.
pub(super) fn values_without_file(
    out: &mut Vec<Diagnostic>,
    campaign: &JudgedCampaign,
    audience: &JudgedAudience,
) {
    if campaign.words().values_from.is_empty() {
        return;
    }
    let (what, place) = match audience.listing() {
        Listing::Broadcast => ("is a broadcast", audience.key(&["broadcast"])),
        Listing::InYaml(kind) => ("is a list in YAML", audience.key(&[kind.as_str()])),
        Listing::InFile(kind, HasColumns(false)) => {
            ("is a text file", audience.value(&[kind.as_str(), "file"]))
        }
        Listing::InFile(_, HasColumns(true)) => return,
    };
    let message = format!("audience `{}` {what}, and has no columns to take values from", audience.name);
    out.push(
        Diagnostic::error(Code::ValuesWithoutFile, campaign.key(&["values_from"]), message)
            .related(place, "the audience")
            .help("list its targets in a CSV, JSON Lines or Parquet file, with a column for each value"),
    );
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

    #[test]
    fn columns_are_a_files() {
        let own = ", values_from: { name: nick, money: sum }";
        for sound in ["{ file: a.jsonl, field: id }", "{ file: a.csv.gz, column: id }"] {
            assert_eq!(campaign(&format!("users: {sound}"), own), "", "{sound}");
        }
        insta::assert_snapshot!(campaign("users: [u]", own), @r"
        a.yaml:5:66 values-without-file: audience `a` is a list in YAML, and has no columns to take values from
            a.yaml:2:19 the audience
            = list its targets in a CSV, JSON Lines or Parquet file, with a column for each value
        ");
        insta::assert_snapshot!(campaign("users: { file: a.txt }", own), @r"
        a.yaml:5:66 values-without-file: audience `a` is a text file, and has no columns to take values from
            a.yaml:2:34 the audience
            = list its targets in a CSV, JSON Lines or Parquet file, with a column for each value
        ");
        insta::assert_snapshot!(campaign("broadcast: { platform: ios, within: 7d }", own), @r"
        a.yaml:5:66 values-without-file: audience `a` is a broadcast, and has no columns to take values from
            a.yaml:2:19 the audience
            = list its targets in a CSV, JSON Lines or Parquet file, with a column for each value
        ");
    }
}
