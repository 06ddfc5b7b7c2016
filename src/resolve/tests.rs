//! What resolving promises, on workspaces written to a directory.

use std::fs;
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::diagnostic::Diagnostic;
use crate::domain::{LedgerSalt, TargetId};
use crate::{check, load, schema};

const PROJECT: &str = "\
version: 1
project: acme
environments:
  production: { app_id: A, workspace_id: w, endpoint: \"https://mpaas.aliyuncs.com\" }
  sandbox: { app_id: A, workspace_id: test, endpoint: sandbox }
";

fn salt() -> LedgerSalt {
    LedgerSalt::new([7; 16])
}

fn resolve(directory: &Path, environment: &str) -> Result<Desired, ResolveError> {
    let (workspace, mistakes) = load::workspace(directory, "campaigns", schema::shapes());
    assert_eq!(mistakes, []);
    let (checked, _mistakes) = check::workspace(&workspace);
    desired(&checked, &environment.parse().unwrap())
}

/// A workspace with one campaign to users in a file, which is written as `name` with `bytes`.
fn audience_file(target_file: &str, name: &str, bytes: &[u8]) -> (tempfile::TempDir, Audience) {
    let directory = tempfile::tempdir().unwrap();
    let campaign = format!(
        "\
templates: {{ t: {{ name: T, title: Title, body: Body }} }}
audiences:
  vips: {{ users: {{ {target_file} }} }}
strategies: {{ s: {{ send: now }} }}
campaigns: {{ c: {{ template: t, audience: vips, strategy: s, expires_after: 5m }} }}
"
    );
    fs::write(directory.path().join("campaignctl.yaml"), PROJECT).unwrap();
    fs::write(directory.path().join("a.yaml"), campaign).unwrap();
    fs::write(directory.path().join(name), bytes).unwrap();
    let desired = resolve(directory.path(), "sandbox").unwrap();
    (directory, Audience::clone(&desired.audiences["vips"]))
}

fn lines(mistakes: &[Diagnostic]) -> String {
    let line = |mistake: &Diagnostic| {
        let place = mistake.primary.as_ref().map(|label| label.place.to_string()).unwrap_or_default();
        format!(
            "{place} {}: {}; {}\n",
            mistake.code,
            mistake.message,
            mistake.help.as_deref().unwrap_or_default()
        )
    };
    mistakes.iter().map(line).collect()
}

#[test]
fn bad_lines_are_reported_with_their_place_and_the_good_ones_are_kept() {
    let (_directory, audience) = audience_file("file: ids.txt", "ids.txt", b"u1\n u2\n\nu3\nu\x011\n");
    let (contents, mistakes) = audience.read(&salt());
    assert_eq!((contents.targets.len(), contents.listed, contents.repeats), (2, 2, 0));
    insta::assert_snapshot!(lines(&mistakes), @r"
    campaigns/ids.txt:2 audience-line: the target id begins with white space: U+0020; fix the line, or remove it
    campaigns/ids.txt:5 audience-line: the target id contains the control character U+0001; fix the line, or remove it
    ");
}

#[test]
fn after_twenty_bad_lines_the_rest_is_counted() {
    let (_directory, audience) = audience_file("file: ids.txt", "ids.txt", " x\n".repeat(23).as_bytes());
    let (_, mistakes) = audience.read(&salt());
    assert_eq!(mistakes.len(), 21);
    insta::assert_snapshot!(lines(&mistakes[19..]), @r"
    campaigns/ids.txt:20 audience-line: the target id begins with white space: U+0020; fix the line, or remove it
    campaigns/a.yaml:3:26 audience-line: 3 more lines of audience `vips` hold no target id; is it the right file, column and format?
    ");
}

#[test]
fn a_file_that_gives_nothing_is_reported_where_yaml_names_it() {
    let missing = |target_file: &str, name: &str, bytes: &[u8]| {
        let (_directory, audience) = audience_file(target_file, name, bytes);
        let (contents, mistakes) = audience.read(&salt());
        assert_eq!((contents.targets.len(), contents.listed, contents.repeats), (0, 0, 0));
        lines(&mistakes)
    };
    insta::assert_snapshot!(missing("file: lists/ids.txt", "ids.txt", b"u1"), @"campaigns/a.yaml:3:26 unreadable-file: `campaigns/lists/ids.txt` cannot be read: No such file or directory (os error 2); the path is relative to the YAML file that names it");
    insta::assert_snapshot!(missing("file: ids.txt", "ids.txt", b"\n\r\n"), @"campaigns/a.yaml:3:26 audience-empty: audience `vips` is empty; check how the file was made: a push to nobody is probably a mistake");
    insta::assert_snapshot!(missing("file: ids.csv, column: user", "ids.csv", b"user_id\nu1\n"), @"campaigns/a.yaml:3:26 audience-file: `campaigns/ids.csv` has no column `user`; did you mean its column 1? Its name is longer");
}

#[test]
fn an_unknown_environment_is_told_from_the_known() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("campaignctl.yaml"), PROJECT).unwrap();
    let error = |name: &str| {
        let error = resolve(directory.path(), name).unwrap_err();
        format!("{error}; {}", error.help())
    };
    insta::assert_snapshot!(error("prodution"), @"no environment named `prodution`; did you mean `production`?");
    insta::assert_snapshot!(error("x"), @"no environment named `x`; the project file has `production`, `sandbox`");
    fs::write(directory.path().join("campaignctl.yaml"), PROJECT.replace("acme", "\"\"")).unwrap();
    insta::assert_snapshot!(error("sandbox"), @"the project file has mistakes, so no environment is known; run `campaignctl validate` and mend what it shows");
}

/// The declarations of a workspace, each with its section; within braces, keys come in any order.
const DECLARATIONS: [(&str, &str); 9] = [
    ("templates", "t: { name: T, title: \"#who# 您好\", body: Body }"),
    ("audiences", "vips: { users: { file: ids.txt } }"),
    ("audiences", "everyone: { broadcast: { platform: android, within: 7d, login: all } }"),
    ("classifications", "k: { vivo: { category: im, message_type: system }, huawei: { category: \"15\" } }"),
    ("strategies", "now: { send: now }"),
    ("strategies", "later: { send: once, at: 2026-12-15T09:00 }"),
    ("campaigns", "a: { template: t, audience: vips, strategy: now, expires_after: 5m, values: { who: x } }"),
    (
        "campaigns",
        "b: { template: t, audience: everyone, strategy: later, expires_after: 5m, values: { who: y } }",
    ),
    (
        "campaigns",
        "c: { template: t, audience: vips, strategy: now, classification: k, expires_after: 1h, values: { who: z }, transparent: { payload: { huawei: { k: 1, l: { m: 2, o: 3 } }, fcm: {} } } }",
    ),
];

/// Writes the declarations in this order, each into the file of this number, with the keys of each reversed
/// where asked for.
fn meaning(order: &[(usize, usize, bool)]) -> String {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("campaignctl.yaml"), PROJECT).unwrap();
    let mut files = vec![Vec::<(&str, String)>::new(); 3];
    for &(declaration, file, is_reversed) in order {
        let (section, text) = DECLARATIONS[declaration];
        let (name, value) = text.split_once(": ").unwrap();
        let mut value: serde_yaml::Value = serde_yaml::from_str(value).unwrap();
        if is_reversed {
            reverse(&mut value);
        }
        files[file].push((section, format!("{name}: {}", serde_json::to_string(&value).unwrap())));
    }
    for (number, declarations) in files.iter().enumerate() {
        let mut lines: Vec<String> = Vec::new();
        for (section, _) in declarations {
            let heading = format!("{section}:");
            if lines.contains(&heading) {
                continue;
            }
            lines.push(heading);
            let of_section = declarations.iter().filter(|(other, _)| other == section);
            lines.extend(of_section.map(|(_, line)| format!("  {line}")));
        }
        fs::write(directory.path().join(format!("{number}.yaml")), lines.join("\n")).unwrap();
    }
    let desired = resolve(directory.path(), "sandbox").unwrap();
    let campaigns: Vec<_> = desired.campaigns.iter().map(|one| (&one.campaign, &one.audience.name)).collect();
    let audiences: Vec<_> = desired.audiences.keys().collect();
    assert_eq!(campaigns.len(), 3);
    format!("{campaigns:#?}\n{audiences:?}")
}

fn reverse(value: &mut serde_yaml::Value) {
    if let serde_yaml::Value::Mapping(entries) = value {
        entries.values_mut().for_each(reverse);
        let mut reversed: Vec<_> = std::mem::take(entries).into_iter().collect();
        reversed.reverse();
        *entries = reversed.into_iter().collect();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Where a declaration stands, and in which order its keys come, changes nothing.
    #[test]
    fn meaning_does_not_depend_on_the_order_of_files_and_keys(
        declarations in Just((0..DECLARATIONS.len()).collect::<Vec<_>>()).prop_shuffle(),
        files in proptest::collection::vec(0_usize..3, DECLARATIONS.len()),
        are_reversed in proptest::collection::vec(any::<bool>(), DECLARATIONS.len()),
    ) {
        let plain: Vec<_> = (0..DECLARATIONS.len()).map(|declaration| (declaration, 0, false)).collect();
        let shuffled: Vec<_> = declarations
            .into_iter()
            .zip(files)
            .zip(are_reversed)
            .map(|((declaration, file), is_reversed)| (declaration, file, is_reversed))
            .collect();
        prop_assert_eq!(meaning(&shuffled), meaning(&plain));
    }

    /// The order of a file's lines, and repeats, change the list but not the set.
    #[test]
    fn an_audience_is_a_set(ids in proptest::collection::vec("[a-z][0-9]", 1..40)) {
        let text = ids.join("\n");
        let (_directory, audience) = audience_file("file: ids.txt", "ids.txt", text.as_bytes());
        let streamed: Vec<String> =
            audience.targets().unwrap().map(|id| id.unwrap().to_string()).collect();
        prop_assert_eq!(&streamed, &ids);
        let (contents, mistakes) = audience.read(&salt());
        prop_assert!(mistakes.is_empty());
        let unique: std::collections::BTreeSet<TargetId> = ids.iter().map(|id| id.parse().unwrap()).collect();
        prop_assert_eq!(contents.targets.len(), unique.len());
        prop_assert_eq!(contents.listed, ids.len() as u64);
        prop_assert_eq!(contents.repeats, (ids.len() - unique.len()) as u64);
    }
}
