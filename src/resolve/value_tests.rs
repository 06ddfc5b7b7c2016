//! What resolving promises of values that rows of a file bring, on workspaces written to a directory.

use std::fs;

use super::*;
use crate::diagnostic::{Diagnostic, Severity};
use crate::domain::{Addressee, LedgerSalt};
use crate::{check, load, schema};

const PROJECT: &str = "\
version: 1
project: acme
environments: { sandbox: { app_id: A, workspace_id: test, endpoint: sandbox } }
";

/// Campaigns `c` and `d` to users in `ids.csv`; `c` takes `name` from a column, and `d` what it is told to.
struct Site {
    directory: tempfile::TempDir,
    desired: Desired,
}

fn site(title: &str, own: &str, file: &str, bytes: &str) -> Site {
    let directory = tempfile::tempdir().unwrap();
    let text = format!(
        "\
templates: {{ t: {{ name: T, title: \"{title}\", body: Body }} }}
audiences: {{ vips: {{ users: {{ {file} }} }} }}
strategies: {{ s: {{ send: now }} }}
campaigns:
  c: {{ template: t, audience: vips, strategy: s, expires_after: 5m, {own} }}
"
    );
    fs::write(directory.path().join("campaignctl.yaml"), PROJECT).unwrap();
    fs::write(directory.path().join("a.yaml"), text).unwrap();
    let name = file.split([' ', ',']).nth(1).unwrap();
    fs::write(directory.path().join(name), bytes).unwrap();
    let (workspace, mistakes) = load::workspace(directory.path(), "", schema::shapes());
    assert_eq!(mistakes, []);
    let (checked, mistakes) = check::workspace(&workspace);
    assert_eq!(mistakes, []);
    let desired = desired(&checked, &"sandbox".parse().unwrap()).unwrap();
    Site { directory, desired }
}

/// The usual one: `#name#` is the column `nick` of `ids.csv`.
fn nicks(bytes: &str) -> Site {
    site("Hi #name#", "values_from: { name: nick }", "file: ids.csv, column: id", bytes)
}

impl Site {
    fn read(&self) -> (AudienceContents, Vec<Diagnostic>) {
        self.desired.audiences["vips"].read(&LedgerSalt::new([7; 16]))
    }

    /// What is wrong with the audience, a line each.
    fn mistakes(&self) -> String {
        self.read().1.iter().map(line).collect()
    }

    /// The targets of a campaign with their values, under the seal of what is in the file.
    fn addressees(&self, campaign: usize) -> Vec<Addressee> {
        let mut rows = self.desired.campaigns[campaign].rows(self.read().0.seal.as_ref()).unwrap();
        std::iter::from_fn(|| rows.next_row().map(|row| Addressee::of(&row.unwrap()))).collect()
    }
}

fn line(mistake: &Diagnostic) -> String {
    let mark = if mistake.severity == Severity::Warning { "?" } else { "" };
    let primary = mistake.primary.as_ref().unwrap();
    let related = mistake.related.iter().map(|label| format!("; {} {}", label.place, label.text));
    let (place, label, related) = (&primary.place, &primary.text, related.collect::<String>());
    let help = mistake.help.as_deref().unwrap_or_default();
    format!("{place} {}{mark}: {} [{label}]{related}; {help}\n", mistake.code, mistake.message)
}

#[test]
fn each_target_has_the_values_of_its_row() {
    let site = site(
        "#b# #a# #b#",
        "values_from: { a: nick, b: id }",
        "file: ids.csv, column: id",
        "nick,id\n李,u1\nBo,u2\n",
    );
    let own = |id: &str, nick: &str| Addressee {
        id: id.parse().unwrap(),
        values: vec![nick.to_owned(), id.to_owned()],
    };
    assert_eq!(site.addressees(0), [own("u1", "李"), own("u2", "Bo")]);
}

#[test]
fn every_row_has_a_value_that_can_be_sent() {
    let text = "id,nick\nu1,\nu2\nu3, \nu4,a\u{7}b\nu5,李\n";
    insta::assert_snapshot!(nicks(text).mistakes(), @r"
    ids.csv:2 audience-value: `nick` is empty []; fill it in, as a campaign takes it from here; or remove the line
    ids.csv:3 audience-line: the line has 1 field, and the header 2 []; give it a field for each column, even if it is empty
    ids.csv:4 audience-value: `nick` is blank []; fix the value, or remove the line
    ids.csv:5 audience-value: `nick` contains the control character U+0007 []; fix the value, or remove the line
    ");
    let lines = "{\"id\":\"u1\"}\n{\"id\":\"u2\",\"nick\":null}\n{\"id\":\"u3\",\"nick\":[]}\n{\"id\":\"u4\",\"nick\":7}\n";
    let jsonl = site("Hi #name#", "values_from: { name: nick }", "file: ids.jsonl, field: id", lines);
    insta::assert_snapshot!(jsonl.mistakes(), @r"
    ids.jsonl:1 audience-value: the object has no field `nick` []; fix the line, or remove it
    ids.jsonl:2 audience-value: `nick` is empty []; fill it in, as a campaign takes it from here; or remove the line
    ids.jsonl:3 audience-value: the line is not a JSON object with a text in `nick`: found a list, expected a text, a number, true or false at column 21 []; fix the line, or remove it
    ");
}

#[test]
fn a_missing_column_is_shown_where_the_campaign_names_it() {
    insta::assert_snapshot!(nicks("id,nik\nu1,x\n").mistakes(), @"a.yaml:5:90 audience-file: `ids.csv` has no column `nick` []; did you mean its column 2? Its name differs in a few letters");
    insta::assert_snapshot!(nicks("user,nick\nu1,x\n").mistakes(), @"a.yaml:2:37 audience-file: `ids.csv` has no column `id` []; it has 2 columns, none with a name like it");
}

#[test]
fn bad_values_are_bounded_in_number() {
    let rows: Vec<String> = (0..25).map(|number| format!("u{number},\n")).collect();
    let (_, mistakes) = nicks(&format!("id,nick\n{}", rows.concat())).read();
    assert_eq!(mistakes.len(), 21);
    insta::assert_snapshot!(line(&mistakes[20]), @"a.yaml:2:37 audience-line: 5 more lines of audience `vips` hold no target id, or no value []; is it the right file, column and format?");
}

#[test]
fn the_longest_text_that_rows_make_is_measured() {
    let long = "x".repeat(38);
    insta::assert_snapshot!(nicks(&format!("id,nick\nu1,ok\nu2,{long}\nu3,{}\n", &long[1..])).mistakes(), @"ids.csv:3 text-too-long?: the title of template `t` is too long for Huawei, OPPO, vivo, HarmonyOS [makes it 41 characters]; a.yaml:5:3 `c` takes its values from 2 such lines; Huawei takes 40, OPPO takes 32, vivo takes 40 (a Chinese character counts as 2), HarmonyOS takes 30; a longer push is dropped");
    assert_eq!(nicks(&format!("id,nick\nu1,{}\n", "x".repeat(27))).mistakes(), "");
    // Of two values of one row, and one for all.
    let both = site(
        "#a##b##a#",
        "values_from: { a: nick, b: id }",
        "file: ids.csv, column: id",
        "nick,id\n十个字十个字十个字十,u12345678901\n",
    );
    insta::assert_snapshot!(both.mistakes(), @"ids.csv:2 text-too-long?: the title of template `t` is too long for vivo, HarmonyOS [makes it 32 characters]; a.yaml:5:3 `c` takes its values from this line; vivo takes 40 (a Chinese character counts as 2), HarmonyOS takes 30; a longer push is dropped");
}

#[test]
fn the_widest_rows_are_measured_and_their_values_kept_by_nobody() {
    // The widest title is of another row than the most characters.
    let read = site(
        "#a# #b#",
        "values_from: { a: nick, b: id }",
        "file: ids.csv, column: id",
        "nick,id\nabcdefg,u1\n十个字十个,u2\n李,u3\n",
    );
    let widest = read.read().0.widest;
    let lengths = |values: &std::collections::BTreeMap<String, crate::domain::Measure>| {
        values
            .iter()
            .map(|(name, value)| (name.clone(), value.characters, value.half_widths))
            .collect::<Vec<_>>()
    };
    let of = &widest[&"c".parse().unwrap()];
    assert_eq!(lengths(&of.title), [("a".to_owned(), 5, 10), ("b".to_owned(), 2, 2)]);
    // The body has no placeholder.
    assert_eq!(lengths(&of.body), []);
}

#[test]
fn a_text_beyond_all_measure_is_refused_at_its_line() {
    let long = "x".repeat(9_000);
    let twice = site(
        "#a#",
        "values_from: { a: nick }",
        "file: ids.csv, column: id",
        &format!("id,nick\nu1,{long}{long}\n"),
    );
    insta::assert_snapshot!(twice.mistakes(), @"ids.csv:2 audience-value: `nick` has 18 000 bytes, and no channel takes more than a few thousand []; fix the value, or remove the line");
    let in_text = site(
        "#a##a#",
        "values_from: { a: nick }",
        "file: ids.csv, column: id",
        &format!("id,nick\nu1,{long}\n"),
    );
    insta::assert_snapshot!(in_text.mistakes(), @"ids.csv:2 text-too-long: this line makes the title of campaign `c` 18 000 bytes long []; a.yaml:5:3 the campaign; shorten its values: no channel takes more than a few thousand bytes");
}

#[test]
fn a_target_that_is_repeated_has_the_same_values_each_time() {
    assert_eq!(nicks("id,nick\nu1,a\nu2,b\nu1,a\n").mistakes(), "");
    insta::assert_snapshot!(nicks("id,nick\nu1,a\nu2,b\nu1,c\nu2,b\nu1,a\n").mistakes(), @"ids.csv:4 value-conflict: this target is already in the file, with different values []; ids.csv:2 listed first; remove one of the lines: a target gets one push, with one set of values");
    let rows: Vec<String> = (0..30).map(|number| format!("u,{number}\n")).collect();
    let (_, mistakes) = nicks(&format!("id,nick\n{}", rows.concat())).read();
    assert_eq!(mistakes.len(), 21);
    insta::assert_snapshot!(line(&mistakes[20]), @"a.yaml:2:37 value-conflict: 9 more lines of audience `vips` repeat a target with other values []; make the export list each target once");
}

#[test]
fn rows_that_changed_since_they_were_read_are_not_handed_out() {
    let rows = |count: usize, last: &str| {
        let rows: Vec<String> = (1..count).map(|number| format!("u{number},n{number}\n")).collect();
        format!("id,nick\n{}u{count},{last}\n", rows.concat())
    };
    for (count, proven) in [(1, 0), (256, 0), (257, 256), (600, 512)] {
        let site = nicks(&rows(count, "old"));
        let seal = site.read().0.seal;
        let path = site.directory.path().join("ids.csv");
        fs::write(&path, rows(count, "new")).unwrap();
        let campaign = &site.desired.campaigns[0];
        let handed_out = || {
            let mut rows = campaign.rows(seal.as_ref()).unwrap();
            let handed_out = std::iter::from_fn(|| rows.next_row()?.is_ok().then_some(())).count();
            assert!(rows.next_row().is_none());
            handed_out
        };
        assert_eq!(handed_out(), proven, "of {count}");
        // And as they were, all of them.
        fs::write(&path, rows(count, "old")).unwrap();
        assert_eq!(handed_out(), count);
    }
}

#[test]
fn campaigns_that_share_an_audience_each_take_their_own_columns() {
    let site = site(
        "Hi #name#",
        "values_from: { name: nick } }\n  d: { template: t, audience: vips, strategy: s, expires_after: 5m, values_from: { name: full } }\n  e: { template: t, audience: vips, strategy: s, expires_after: 5m, values: { name: x }",
        "file: ids.csv, column: id",
        "id,nick,full\nu1,Li,李明\n",
    );
    let values = |campaign| site.addressees(campaign).remove(0).values;
    assert_eq!([values(0), values(1)], [["Li"], ["李明"]]);
    assert!(values(2).is_empty());
}
