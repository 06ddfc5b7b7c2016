//! The hooks of .pre-commit-hooks.yaml, run by pre-commit itself in a repository of git.

use std::fs;
use std::path::Path;

use super::shell::Runner;
use super::{root, text, tools, yaml};
use crate::site::{Ran, Site};

/// Runs git in a directory, and returns what it printed.
fn git(directory: &Path, arguments: &[&str]) -> String {
    let who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.com", "-c", "init.defaultBranch=main"];
    let mut command = Runner::at(directory).program("git", &[&who[..], arguments].concat());
    Ran::of(&command.output().unwrap()).exits(0).stdout.trim().to_owned()
}

fn commit_all(directory: &Path) {
    git(directory, &["init", "--quiet"]);
    git(directory, &["add", "--all"]);
    git(directory, &["commit", "--quiet", "--message", "all"]);
}

#[test]
fn pre_commit_runs_every_hook_and_fails_on_what_each_is_for() {
    let Some(tools) = tools("pre-commit") else { return };
    let ours = tempfile::tempdir().unwrap();
    fs::copy(root().join(".pre-commit-hooks.yaml"), ours.path().join(".pre-commit-hooks.yaml")).unwrap();
    commit_all(ours.path());
    let hooks = yaml(&text(".pre-commit-hooks.yaml"));
    let ids: Vec<&str> = hooks.as_array().unwrap().iter().map(|hook| hook["id"].as_str().unwrap()).collect();
    let site = Site::with_samples();
    let ids_as_written = ids.iter().map(|id| format!("      - id: {id}\n")).collect::<Vec<_>>().concat();
    site.write(
        ".pre-commit-config.yaml",
        &format!(
            "repos:\n  - repo: {}\n    rev: {}\n    hooks:\n{ids_as_written}",
            ours.path().display(),
            git(ours.path(), &["rev-parse", "HEAD"])
        ),
    );
    site.edit(
        "campaigns/campaignctl.yaml",
        "    workspace_id: default\n",
        "    workspace_id: default\n    require_review: true\n",
    );
    site.run(&["fmt"]).exits(0);
    site.run(&["review"]).exits(0);
    site.write("other.yaml", "a:    1\n");
    let directory = site.path(".");
    commit_all(&directory);
    let kept = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let pre_commit = tools.join("bin/pre-commit");
        let mut command = Runner::at(&directory).program(pre_commit.to_str().unwrap(), arguments);
        Ran::of(&command.env("PRE_COMMIT_HOME", kept.path()).output().unwrap())
    };
    let sound = run(&["run", "--all-files"]).exits(0);
    assert_eq!(sound.stdout.matches("Passed").count(), ids.len(), "{}", sound.stdout);

    let payday = site.read("campaigns/payday.yaml");
    site.write("campaigns/payday.yaml", &payday.replace("audience: payroll_customers", "audience: nobody"));
    run(&["run", "campaignctl-validate", "--all-files"]).exits(1).says("no audience named `nobody`");

    site.write(
        "campaigns/payday.yaml",
        &payday.replace("audience: payroll_customers", "audience:   payroll_customers"),
    );
    run(&["run", "campaignctl-fmt", "--all-files"]).exits(1).says("files were modified by this hook");
    assert_eq!(site.read("campaigns/payday.yaml"), payday);
    assert_eq!(site.read("other.yaml"), "a:    1\n", "what is no campaign is left alone");

    let lock = site.read("campaigns/review/production.lock");
    site.write("campaigns/payday.yaml", &payday.replace("expires_after: 12h", "expires_after: 11h"));
    run(&["run", "campaignctl-review", "--all-files"]).exits(1).says("files were modified by this hook");
    assert_ne!(site.read("campaigns/review/production.lock"), lock);
    run(&["run", "--all-files"]).exits(0);
}
