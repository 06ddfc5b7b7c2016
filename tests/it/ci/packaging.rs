//! What the Debian package is made of, and what `scripts/release` refuses. The package itself is built, installed and used by
//! `scripts/release --check`, which takes minutes.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::root;
use super::shell::Runner;
use crate::site::{Ran, Site};

/// The package's files: where each comes from, and where it goes.
fn assets() -> Vec<(String, String)> {
    let mut command = Runner::at(root())
        .program(env!("CARGO"), &["metadata", "--no-deps", "--offline", "--format-version=1"]);
    let metadata = Ran::of(&command.env_remove("HOME").output().unwrap()).exits(0).json();
    let assets = metadata["packages"][0]["metadata"]["deb"]["assets"].as_array().unwrap().clone();
    let word = |asset: &Value, at: usize| asset[at].as_str().unwrap().to_owned();
    assets.iter().map(|asset| (word(asset, 0), word(asset, 1))).collect()
}

/// The files that a pattern with at most one `*`, in its last part, stands for.
fn files(pattern: &Path) -> Vec<PathBuf> {
    let last = pattern.file_name().unwrap().to_str().unwrap();
    let Some((before, after)) = last.split_once('*') else {
        return pattern.exists().then(|| pattern.to_owned()).into_iter().collect();
    };
    let Ok(entries) = fs::read_dir(pattern.parent().unwrap()) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.starts_with(before) && name.ends_with(after)
        })
        .collect()
}

#[test]
fn every_file_of_the_package_is_in_the_repository_or_made_by_the_tool() {
    let site = Site::with_samples();
    // As `scripts/release` makes them.
    site.run(&["man", "--out", "target/package/man"]).exits(0);
    for (shell, file) in [("bash", "campaignctl"), ("fish", "campaignctl.fish"), ("zsh", "_campaignctl")] {
        let script = site.run(&["completions", shell]).exits(0).stdout;
        site.write(&format!("target/package/completions/{file}"), &script);
    }
    let assets = assets();
    for (source, _) in &assets {
        if source == "target/release/campaignctl" {
            continue;
        }
        let place = if source.starts_with("target/") { site.path(source) } else { root().join(source) };
        assert!(!files(&place).is_empty(), "the package's `{source}` is nowhere");
    }
    let goes_to = |part: &str| assets.iter().any(|(_, to)| to.contains(part));
    for part in ["usr/bin/", "man/man1/", "bash-completion/", "vendor_completions.d/", "zsh/", "docs/codes/"]
    {
        assert!(goes_to(part), "nothing goes to {part}");
    }
    let pages = files(&site.path("target/package/man/*.1"));
    assert!(pages.iter().any(|page| page.ends_with("campaignctl-apply.1")), "{pages:?}");
}

/// A repository of git that has what `scripts/release` looks at, and nothing that could be built.
fn repository(version: &str, heading: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = directory.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("Cargo.toml", &format!("[package]\nname = \"campaignctl\"\nversion = \"{version}\"\n"));
    write("CHANGELOG.md", &format!("# Changelog\n\n{heading}\n"));
    write("scripts/release", &super::text("scripts/release"));
    let script = "git init --quiet && git add --all && \
                  git -c user.name=Ann -c user.email=ann@example.com commit --quiet --message all";
    Runner::at(directory.path()).script(script, &[]).exits(0);
    directory
}

#[test]
fn nothing_is_released_that_is_not_committed_named_and_told() {
    let told = "## 1.2.3 – 2026-12-01";
    let refuse = |directory: &Path, arguments: &[&str], why: &str| {
        let mut command = Runner::at(directory).program("bash", &[&["scripts/release"], arguments].concat());
        let ran = Ran::of(&command.output().unwrap()).exits(1);
        ran.warns(why).warns("nothing was made");
        assert!(!directory.join("target").exists());
    };
    let sound = repository("1.2.3", told);
    refuse(sound.path(), &[], "which version? Cargo.toml has 1.2.3");
    refuse(sound.path(), &["1.2.4"], "Cargo.toml has 1.2.3, not 1.2.4");
    refuse(sound.path(), &["1.2.3", "--check"], "--check takes the version of Cargo.toml");
    fs::write(sound.path().join("new"), "").unwrap();
    refuse(sound.path(), &["1.2.3"], "the tree has changes that are not committed");
    for untold in ["## 1.2.3 – unreleased", "## 1.2.2 – 2026-12-01", "## 1x2.3 – 2026-12-01"] {
        refuse(repository("1.2.3", untold).path(), &["1.2.3"], "CHANGELOG.md has no '## 1.2.3 – YYYY-MM-DD'");
    }
}
