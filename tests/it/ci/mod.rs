//! What teams copy: the pipelines of `init --ci` and of docs/ci.md, action.yml, the pre-commit hooks, the image and the package.
//!
//! Nothing here runs a forge. What a forge would run is run as it would run it: its scripts in its shell, with the variables
//! that it gives to that job and no others. The linters and pre-commit are the real ones; `scripts/ci-tools` installs them.

mod action;
mod forks;
mod hooks;
mod lint;
mod packaging;
mod pipelines;
mod shell;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};

/// Where the tools are that `scripts/ci-tools` installs. Without them `what` is not tried, which CI does not accept.
#[expect(clippy::disallowed_methods, reason = "CI says by a variable that it is CI")]
fn tools(what: &str) -> Option<PathBuf> {
    let tools = root().join("target/ci-tools");
    let requirements = fs::read(root().join("tests/ci/requirements.txt")).unwrap();
    let installed = fs::read_to_string(tools.join("requirements.sha256")).unwrap_or_default();
    let is_there =
        installed.split_whitespace().next() == Some(hex::encode(Sha256::digest(requirements)).as_str());
    assert!(is_there || std::env::var_os("CI").is_none(), "{what}: run `scripts/ci-tools`");
    if !is_there {
        // Past what the harness captures: whoever runs the suite has to see it.
        let skipped = format!("SKIPPED: {what} was not tried: run `scripts/ci-tools`\n");
        drop(std::io::stderr().write_all(skipped.as_bytes()));
    }
    is_there.then_some(tools)
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn yaml(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap_or_else(|error| panic!("{error} in\n{text}"))
}

/// The workflows for GitHub that we write or print, with a name for messages.
fn workflows() -> Vec<(String, String)> {
    let mut found = vec![("assets/init/github.yaml".to_owned(), text("assets/init/github.yaml"))];
    for page in ["docs/ci.md", "docs/install.md"] {
        for block in text(page).split("```yaml\n").skip(1) {
            let block = block.split("```").next().unwrap_or_default();
            if let Some(path) = block.lines().next().and_then(|line| line.strip_prefix("# .github/")) {
                found.push((format!("{page}: {path}"), block.to_owned()));
            }
        }
    }
    assert!(found.len() >= 3, "docs/ci.md has workflows: {}", found.len());
    found
}

/// The jobs of a workflow, by name.
fn jobs(workflow: &Value) -> Vec<(&String, &Value)> {
    workflow["jobs"].as_object().expect("a workflow has jobs").iter().collect()
}

/// The steps of a job or of a composite action.
fn steps(job: &Value) -> &Vec<Value> {
    job["steps"].as_array().expect("a job has steps")
}
