//! Runs what a forge would run, as it would run it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use campaignctl::sandbox::{ACCESS_KEY_ID, ACCESS_KEY_SECRET};
use serde_json::Value;

use crate::site::{NOW, Ran};

/// A runner: a directory with what was checked out, and nothing of ours in its environment but the tool on the path.
pub(super) struct Runner {
    directory: PathBuf,
    /// Directories that come first on the path.
    programs: Vec<PathBuf>,
    /// What the forge sets for every job.
    variables: Vec<(&'static str, String)>,
}

/// How a job ended.
pub(super) struct Job {
    pub(super) ran: Vec<Ran>,
    pub(super) is_ok: bool,
    /// What stands in the summary of the run.
    pub(super) summary: String,
}

impl Runner {
    pub(super) fn at(directory: &Path) -> Self {
        Self { directory: directory.to_owned(), programs: Vec::new(), variables: Vec::new() }
    }

    /// Puts other programs before those of the machine.
    pub(super) fn with(mut self, programs: &Path) -> Self {
        self.programs.push(programs.to_owned());
        self
    }

    /// Sets a variable for every script.
    pub(super) fn set(mut self, name: &'static str, value: String) -> Self {
        self.variables.push((name, value));
        self
    }

    /// Runs a program of the machine's, or of those put before them.
    #[expect(clippy::disallowed_methods, reason = "`bash`, `git` and what scripts call are found by it")]
    pub(super) fn program(&self, name: &str, arguments: &[&str]) -> Command {
        let binary = Path::new(env!("CARGO_BIN_EXE_campaignctl"));
        let own = binary.parent().expect("a binary is in a directory").to_owned();
        let rest = std::env::var_os("PATH").unwrap_or_default();
        let path = self.programs.iter().cloned().chain([own]).chain(std::env::split_paths(&rest));
        let mut command = Command::new(name);
        command
            .args(arguments)
            .current_dir(&self.directory)
            .env_clear()
            .env("PATH", std::env::join_paths(path).unwrap())
            .env("HOME", &self.directory)
            .env("USER", "ann")
            .env("CAMPAIGNCTL_NOW", NOW)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .stdin(Stdio::null());
        command
    }

    /// Runs a script in a forge's shell: what fails ends it.
    pub(super) fn script(&self, script: &str, variables: &[(String, String)]) -> Ran {
        let mut command = self.program("bash", &["--noprofile", "--norc", "-eo", "pipefail", "-c", script]);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        Ran::of(&command.output().unwrap())
    }

    /// Runs the steps of a job of GitHub's, as far as they are scripts: after one that failed only those that always run.
    /// `given` is what GitHub's expressions stand for.
    pub(super) fn github(&self, workflow: &Value, job: &Value, given: &[(&str, &str)]) -> Job {
        let summary = tempfile::NamedTempFile::new().unwrap();
        let mut done = Job { ran: Vec::new(), is_ok: true, summary: String::new() };
        for step in super::steps(job) {
            let Some(script) = step["run"].as_str() else { continue };
            let always = match step["if"].as_str() {
                Some("always()") => true,
                Some(condition) => panic!("no test knows when `{condition}` holds"),
                None => false,
            };
            if !done.is_ok && !always {
                continue;
            }
            let mut variables = Vec::new();
            for scope in [&workflow["env"], &job["env"], &step["env"]] {
                variables.extend(variables_of(scope, given));
            }
            variables.push(("GITHUB_STEP_SUMMARY".to_owned(), summary.path().display().to_string()));
            let ran = self.script(script, &variables);
            done.is_ok &= ran.code == Some(0);
            done.ran.push(ran);
        }
        assert!(!done.ran.is_empty(), "the job has scripts");
        done.summary = fs::read_to_string(summary.path()).unwrap();
        done
    }
}

/// What GitHub hands to the job that pushes: the sandbox's key.
pub(super) const KEYS: [(&str, &str); 2] =
    [("secrets.MPAAS_AK", ACCESS_KEY_ID), ("secrets.MPAAS_SK", ACCESS_KEY_SECRET)];

/// The variables of an `env` or `variables` key, their expressions replaced.
pub(super) fn variables_of(scope: &Value, given: &[(&str, &str)]) -> Vec<(String, String)> {
    let Some(scope) = scope.as_object() else { return Vec::new() };
    let value =
        |value: &Value| value.as_str().map_or_else(|| value.to_string(), |text| resolved(text, given));
    scope.iter().map(|(name, each)| (name.clone(), value(each))).collect()
}

/// Replaces each `${{ … }}`; one that is not given fails the test.
fn resolved(text: &str, given: &[(&str, &str)]) -> String {
    let mut parts = text.split("${{");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (expression, rest) = part.split_once("}}").expect("an expression ends");
        let found = given.iter().find(|(name, _)| *name == expression.trim());
        out.push_str(found.unwrap_or_else(|| panic!("`{expression}` is given to nobody")).1);
        out.push_str(rest);
    }
    out
}
