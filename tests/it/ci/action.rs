//! The steps of action.yml, run as GitHub runs them, over a release of the test's own.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::shell::{Runner, variables_of};
use super::{root, steps, text, yaml};
use crate::site::{Ran, Site};

/// A place with a release's files, whose `campaignctl` is the one that is tested.
struct Release {
    directory: tempfile::TempDir,
    archive: PathBuf,
}

impl Release {
    fn of(version: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
        let name = format!("campaignctl-{version}-{target}");
        let unpacked = directory.path().join(&name);
        fs::create_dir(&unpacked).unwrap();
        let program = unpacked.join("campaignctl");
        // The binary itself takes seconds to pack.
        let binary = env!("CARGO_BIN_EXE_campaignctl");
        fs::write(&program, format!("#!/bin/sh\nexec '{binary}' \"$@\"\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let archive = format!("{name}.tar.gz");
        let mut tar = Runner::at(directory.path()).program("tar", &["-czf", &archive, &name]);
        Ran::of(&tar.output().unwrap()).exits(0);
        let release = Self { archive: directory.path().join(archive), directory };
        release.write_sums();
        release
    }

    fn sha256(&self) -> String {
        hex::encode(Sha256::digest(fs::read(&self.archive).unwrap()))
    }

    fn write_sums(&self) {
        let name = self.archive.file_name().unwrap().to_str().unwrap();
        let sums = format!("{}  other.tar.gz\n{}  {name}\n", "0".repeat(64), self.sha256());
        fs::write(self.directory.path().join("SHA256SUMS"), sums).unwrap();
    }

    fn address(&self) -> String {
        format!("file://{}", self.directory.path().display())
    }
}

/// How the action ended: its steps, and what it put on the path.
struct Used {
    ran: Vec<Ran>,
    path: String,
}

/// Uses the action in a workspace. Inputs that are not given are what the action says.
fn used(site: &Site, given: &[(&str, &str)]) -> Used {
    let action = yaml(&text("action.yml"));
    let temporary = tempfile::tempdir().unwrap();
    let path = site.path("github-path");
    let input = |name: &str| {
        let default = || action["inputs"][name]["default"].as_str().unwrap().to_owned();
        given.iter().find(|(given, _)| *given == name).map_or_else(default, |(_, value)| (*value).to_owned())
    };
    let mut expressions: Vec<(String, String)> = ["version", "sha256", "from", "command"]
        .iter()
        .map(|name| (format!("inputs.{name}"), input(name)))
        .collect();
    expressions.push(("github.action_path".to_owned(), root().display().to_string()));
    expressions.push(("github.action_repository".to_owned(), String::new()));
    expressions.push(("github.server_url".to_owned(), "https://github.example".to_owned()));
    let expressions: Vec<(&str, &str)> =
        expressions.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let mut done = Used { ran: Vec::new(), path: String::new() };
    for step in steps(&action["runs"]) {
        match &step["if"] {
            Value::Null => {}
            condition => {
                assert_eq!(condition, "inputs.command != ''");
                if input("command").is_empty() {
                    continue;
                }
            }
        }
        let mut variables = variables_of(&step["env"], &expressions);
        variables.push(("RUNNER_TEMP".to_owned(), temporary.path().display().to_string()));
        variables.push(("GITHUB_PATH".to_owned(), path.display().to_string()));
        let runner = Runner::at(&site.path(".")).with(Path::new(done.path.trim()));
        let ran = runner.script(step["run"].as_str().unwrap(), &variables);
        let is_ok = ran.code == Some(0);
        done.path = fs::read_to_string(&path).unwrap_or_default();
        done.ran.push(ran);
        if !is_ok {
            break;
        }
    }
    if let Some(installed) = done.path.lines().next() {
        assert!(Path::new(installed).join("campaignctl").exists());
    }
    done
}

#[test]
fn a_release_is_installed_by_its_own_digest_or_a_given_one_and_runs() {
    let release = Release::of("0.9.1");
    for sha256 in ["", &release.sha256()] {
        let site = Site::with_samples();
        let given = [
            ("version", "0.9.1"),
            ("from", &release.address()),
            ("sha256", sha256),
            ("command", "plan --without-ledger --only payday-*"),
        ];
        let used = used(&site, &given);
        assert_eq!(used.ran.len(), 2, "{}", used.ran[0].stderr);
        assert!(used.path.contains("campaignctl-0.9.1-"), "{}", used.path);
        let ran = &used.ran[1];
        assert!(ran.stdout.contains("Plan: at most 1 to push"), "{}{}", ran.stdout, ran.stderr);
    }
}

/// The version that is not given is the one of the action's own Cargo.toml.
#[test]
fn without_a_version_it_is_the_actions_own_and_without_a_command_it_is_only_put_on_the_path() {
    let release = Release::of(env!("CARGO_PKG_VERSION"));
    let site = Site::with_samples();
    let used = used(&site, &[("from", &release.address())]);
    assert_eq!(used.ran.len(), 1, "{}", used.ran[0].stdout);
    assert_eq!(used.ran[0].code, Some(0), "{}{}", used.ran[0].stdout, used.ran[0].stderr);
    assert!(used.path.contains(env!("CARGO_PKG_VERSION")), "{}", used.path);
}

#[test]
fn what_does_not_fit_its_digest_is_neither_unpacked_nor_put_on_the_path() {
    let refuse = |release: &Release, more: &[(&str, &str)], why: &str| {
        let site = Site::with_samples();
        let address = release.address();
        let given =
            [&[("version", "0.9.1"), ("from", address.as_str()), ("command", "validate")], more].concat();
        let used = used(&site, &given);
        let said = &used.ran[0].stdout;
        assert_eq!((used.ran.len(), used.path.as_str()), (1, ""), "{why}: {said}");
        assert!(used.ran[0].code != Some(0) && said.contains(why), "{why}: {said}");
    };
    let release = Release::of("0.9.1");
    let wrong = "1".repeat(64);
    refuse(&release, &[("sha256", wrong.as_str())], "is not what was released");
    let mut bytes = fs::read(&release.archive).unwrap();
    bytes.push(0);
    fs::write(&release.archive, bytes).unwrap();
    refuse(&release, &[], "is not what was released");
    fs::write(release.directory.path().join("SHA256SUMS"), "").unwrap();
    refuse(&release, &[], "there is no SHA-256");
    fs::remove_file(&release.archive).unwrap();
    refuse(&release, &[], "could not fetch");
    let site = Site::with_samples();
    for version in ["../../x", "latest", "0.9.1; touch pwned"] {
        let used = used(&site, &[("version", version), ("from", &release.address())]);
        assert!(used.ran[0].stdout.contains("`version` is no release"), "{version}");
    }
    let used = used(&site, &[("version", "0.9.1")]);
    assert!(used.ran[0].stdout.contains("set `from`"), "{}", used.ran[0].stdout);
}
