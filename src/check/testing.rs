//! YAML in, text out: how the rules' tests talk.

use std::fs;

use crate::diagnostic::{self, Diagnostic, Label, Severity};
use crate::{check, load, schema};

/// The project file of tests that are not about one.
pub(super) const PROJECT: &str = "\
version: 1
project: acme
environments: { sandbox: { app_id: A, workspace_id: test, endpoint: sandbox } }
";

/// Checks a workspace of one campaign file, `a.yaml`.
pub(super) fn diagnose(campaign_file: &str) -> String {
    diagnose_files(&[("campaignctl.yaml", PROJECT), ("a.yaml", campaign_file)])
}

/// Checks a workspace of one project file.
pub(super) fn diagnose_project(project_file: &str) -> String {
    diagnose_files(&[("campaignctl.yaml", project_file)])
}

/// Checks a workspace and states each diagnostic in a line: place, severity, code and message, then what
/// is said of other places, then the help.
pub(super) fn diagnose_files(files: &[(&str, &str)]) -> String {
    let directory = tempfile::tempdir().unwrap();
    for (path, text) in files {
        fs::write(directory.path().join(path), text).unwrap();
    }
    let (workspace, mut diagnostics) = load::workspace(directory.path(), "", schema::shapes());
    diagnostics.extend(check::workspace(&workspace).1);
    diagnostic::sort(&mut diagnostics);
    diagnostics.iter().map(line).collect()
}

fn line(diagnostic: &Diagnostic) -> String {
    let mark = if diagnostic.severity == Severity::Warning { "?" } else { "" };
    let place = diagnostic.primary.as_ref().map(|label| label.place.to_string()).unwrap_or_default();
    let related = diagnostic.related.iter().map(|Label { place, text }| format!("    {place} {text}\n"));
    let help = diagnostic.help.iter().map(|help| format!("    = {help}\n"));
    let first = format!("{place} {}{mark}: {}\n", diagnostic.code, diagnostic.message);
    std::iter::once(first).chain(related).chain(help).collect()
}

/// A sound campaign file whose campaign `c` says `extra` beside what every campaign must; its template,
/// audience and strategy are `t`, `a` and `s`.
pub(super) fn campaign(extra: &str) -> String {
    campaign_to("users: [u1]", extra)
}

/// The same for an audience of other targets.
pub(super) fn campaign_to(audience: &str, extra: &str) -> String {
    format!(
        "\
templates: {{ t: {{ name: T, title: Title, body: Body }} }}
audiences: {{ a: {{ {audience} }} }}
strategies: {{ s: {{ send: now }} }}
campaigns:
  c: {{ template: t, audience: a, strategy: s, expires_after: 5m }}
"
    )
    .replace(": 5m }", &format!(": 5m{extra} }}"))
}
