//! What a fork's pull request can do to the workflow that comments on it.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use serde_json::Value;

use super::shell::{Job, Runner};
use super::{jobs, workflows, yaml};
use crate::forge_server::{ForgeServer, TOKEN};
use crate::site::Site;

/// What GitHub says of the run that it follows.
const EVENT: [(&str, &str); 5] = [
    ("github.token", TOKEN),
    ("github.repository", "acme/push"),
    ("github.event.workflow_run.head_repository.owner.login", "stranger"),
    ("github.event.workflow_run.head_branch", "a$(touch pwned)branch"),
    ("github.event.workflow_run.head_sha", "3f786850e387550fdab836ed7e6dc881de23001b"),
];

fn workflow() -> Value {
    let found = workflows().into_iter().find(|(_, text)| text.contains("workflow_run:"));
    yaml(&found.expect("docs/ci.md shows the workflow that comments").1)
}

/// Stands for GitHub's own program: answers with `numbers`, and notes what it was asked.
fn github(directory: &Path, numbers: &str) {
    let gh = directory.join("programs/gh");
    fs::create_dir_all(gh.parent().unwrap()).unwrap();
    let script = format!(
        "#!/bin/sh\nfor each in \"$@\"; do printf '%s\\n' \"$each\"; done >> \"$HOME/asked\"\n\
         [ \"$1\" != api ] || printf '{numbers}'\n"
    );
    fs::write(&gh, script).unwrap();
    fs::set_permissions(&gh, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Runs the job below a directory that has the artifact as `untrusted`, and nothing of the repository.
fn comment(directory: &Path, forge: &ForgeServer, numbers: &str) -> Job {
    github(directory, numbers);
    let workflow = workflow();
    let (_, job) = jobs(&workflow)[0];
    let runner = Runner::at(directory).with(&directory.join("programs"));
    let runner = runner.set("GITHUB_API_URL", forge.api("github"));
    runner.set("GITHUB_REPOSITORY", "acme/push".to_owned()).github(&workflow, job, &EVENT)
}

/// Returns a directory with a plan as the job of a fork's pull request makes it.
fn artifact() -> (tempfile::TempDir, String) {
    let site = Site::with_samples();
    site.run(&["plan", "--without-ledger", "--out", "plan.json"]).exits(0);
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("untrusted")).unwrap();
    let plan = site.read("plan.json");
    fs::write(directory.path().join("untrusted/plan.json"), &plan).unwrap();
    (directory, plan)
}

#[test]
fn a_forks_plan_becomes_a_comment_below_the_pull_request_that_github_names() {
    let (directory, _) = artifact();
    let forge = ForgeServer::start();
    let done = comment(directory.path(), &forge, "12\\n");
    assert!(done.is_ok, "{}", done.ran.last().unwrap().stderr);
    let comments = forge.mine();
    assert_eq!(comments.len(), 1);
    assert!(
        comments[0].text.starts_with("<!-- campaignctl:harbour-bank/sandbox/campaigns -->\n"),
        "{}",
        comments[0].text
    );
    assert!(comments[0].text.contains("**Compared with no ledger:**"), "{}", comments[0].text);
    assert!(
        forge.seen().iter().any(|seen| seen.path.contains("/issues/12/")),
        "below the one that GitHub named"
    );
    let asked = fs::read_to_string(directory.path().join("asked")).unwrap();
    assert!(asked.contains("repos/acme/push/pulls\n"), "{asked}");
    assert!(asked.contains("head=stranger:a$(touch pwned)branch\n"), "{asked}");
    assert!(!directory.path().join("pwned").exists());
}

#[test]
fn an_artifact_that_is_no_whole_plan_of_a_fair_size_becomes_no_comment() {
    type Harm = fn(&Path, &str);
    let harms: [(&str, Harm); 6] = [
        ("too large", |path, plan| fs::write(path, plan.to_owned() + &" ".repeat(4 * 1024 * 1024)).unwrap()),
        ("changed", |path, plan| {
            fs::write(path, plan.replacen("\"to_push\": 6", "\"to_push\": 5", 1)).unwrap();
        }),
        ("cut", |path, plan| fs::write(path, &plan[..plan.len() / 2]).unwrap()),
        ("another file", |path, _| fs::write(path, "hello\n").unwrap()),
        ("a link", |path, _| {
            fs::rename(path, path.with_extension("elsewhere")).unwrap();
            symlink(path.with_extension("elsewhere"), path).unwrap();
        }),
        ("missing", |path, _| fs::remove_file(path).unwrap()),
    ];
    for (what, harm) in harms {
        let (directory, plan) = artifact();
        harm(&directory.path().join("untrusted/plan.json"), &plan);
        let forge = ForgeServer::start();
        assert!(!comment(directory.path(), &forge, "12\\n").is_ok, "{what}");
        assert!(forge.seen().is_empty(), "{what}: GitHub was asked all the same");
    }
}

#[test]
fn without_exactly_one_pull_request_of_that_commit_nothing_is_written() {
    for numbers in ["", "12\\n13\\n"] {
        let (directory, _) = artifact();
        let forge = ForgeServer::start();
        assert!(!comment(directory.path(), &forge, numbers).is_ok, "{numbers:?}");
        assert!(forge.seen().is_empty(), "{numbers:?}");
    }
}
