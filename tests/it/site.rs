//! A workspace in a directory of its own, and the binary run in it, away from the developer's environment.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

/// The moment at which tests happen, unless they say otherwise: the samples' dates are still to come.
pub(crate) const NOW: &str = "2026-11-24T10:00:00+08:00";

/// A directory with a workspace in `campaigns`.
pub(crate) struct Site {
    directory: TempDir,
}

/// What a run of the binary printed, and how it ended.
pub(crate) struct Ran {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// The exit code; nothing if a signal ended it.
    pub(crate) code: Option<i32>,
}

impl Site {
    /// A workspace with the repository's samples.
    pub(crate) fn with_samples() -> Self {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
        let site = Self::copied(&repository.join("campaigns"));
        copy(&repository.join("schema"), &site.path("schema"));
        site
    }

    /// A copy of a workspace, without what is hidden in it.
    pub(crate) fn copied(workspace: &Path) -> Self {
        let site = Self { directory: tempfile::tempdir().unwrap() };
        copy(workspace, &site.path("campaigns"));
        site
    }

    /// A workspace with one project file and one campaign file. Every `$…` in them is the caller's affair.
    pub(crate) fn with(project: &str, campaigns: &str) -> Self {
        let site = Self { directory: tempfile::tempdir().unwrap() };
        site.write("campaigns/campaignctl.yaml", project);
        site.write("campaigns/c.yaml", campaigns);
        site
    }

    /// A workspace whose environment `remote` is at `endpoint`, with one campaign to `targets` users.
    pub(crate) fn remote(endpoint: &str, targets: usize, more: &str) -> Self {
        let site = Self::remote_unopened(endpoint, targets, more);
        site.run(&["ledger", "init"]).exits(0);
        site
    }

    /// The same, without a ledger yet.
    pub(crate) fn remote_unopened(endpoint: &str, targets: usize, more: &str) -> Self {
        let project = format!(
            "version: 1\nproject: p\ndefault_environment: remote\nenvironments:\n  remote:\n    app_id: A\n    \
             workspace_id: w\n    endpoint: {endpoint}\n    concurrency: 4\n    requests_per_second: 1000\n{more}"
        );
        Self::with(&project, &campaign("hello", targets))
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.directory.path().join(path)
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Replaces `old`, which must be there, in a file.
    pub(crate) fn edit(&self, path: &str, old: &str, new: &str) {
        let text = self.read(path);
        assert!(text.contains(old), "{path} has no {old:?}");
        self.write(path, &text.replace(old, new));
    }

    /// A command in the workspace's directory, with a clean environment and the sandbox's key.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_campaignctl"));
        command
            .args(arguments)
            .current_dir(self.directory.path())
            .env_clear()
            .env("CAMPAIGNCTL_NOW", NOW)
            // Sandboxes of tests are on loopback, and have a clock that tests turn.
            .env("CAMPAIGNCTL_LOOPBACK_IS_SANDBOX", "1")
            .env("USER", "ann")
            .env("MPAAS_AK_ENV", campaignctl::sandbox::ACCESS_KEY_ID)
            .env("MPAAS_SK_ENV", campaignctl::sandbox::ACCESS_KEY_SECRET)
            // Of the role that `scripts/postgres` makes.
            .env("PGPASSWORD", "the-ledgers-password")
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(&self.command(arguments).output().unwrap())
    }

    pub(crate) fn run_at(&self, now: &str, arguments: &[&str]) -> Ran {
        Ran::of(&self.command(arguments).env("CAMPAIGNCTL_NOW", now).output().unwrap())
    }

    /// Runs a command that shall end well; returns the system calls that it made, of those that `trace` lists, a line each.
    pub(crate) fn system_calls(&self, arguments: &[&str], trace: &str) -> Vec<String> {
        let (command, kept) = (self.command(arguments), self.path("system-calls"));
        let mut traced = Command::new("strace");
        traced
            .args(["-f", "-y", "-qq", "--signal=none", "-e", &format!("trace={trace}"), "-o"])
            .arg(&kept)
            .arg(command.get_program())
            .args(command.get_args())
            .current_dir(self.directory.path())
            .env_clear()
            .envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))))
            .stdin(Stdio::null());
        let output = traced.output().expect("strace is installed: `scripts/test` does that");
        Ran::of(&output).exits(0);
        fs::read_to_string(&kept).unwrap().lines().map(str::to_owned).collect()
    }

    pub(crate) fn apply(&self) -> Ran {
        self.run(&["apply", "--auto-approve"])
    }

    /// Starts an `apply`; what it says is kept until it is asked for.
    pub(crate) fn start_apply(&self) -> Child {
        let mut command = self.command(&["apply", "--auto-approve"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// What the sandbox inside the process took so far: one line for each push.
    pub(crate) fn received(&self) -> Vec<serde_json::Value> {
        let path = self.path("campaigns/.campaignctl/sandbox.received.jsonl");
        let text = fs::read_to_string(path).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// A campaign file with one campaign to users `u1`, `u2` …, ten to a request.
pub(crate) fn campaign(name: &str, targets: usize) -> String {
    let ids: Vec<String> = (1..=targets).map(|number| format!("u{number}")).collect();
    format!(
        "templates:\n  t: {{ name: t, title: T, body: B }}\naudiences:\n  a:\n    users: [{}]\nstrategies:\n  s: {{ send: now }}\n\
         campaigns:\n  {name}: {{ template: t, audience: a, strategy: s, call: template, expires_after: 1h }}\n",
        ids.join(", ")
    )
}

impl Ran {
    pub(crate) fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self { stdout: text(&output.stdout), stderr: text(&output.stderr), code: output.status.code() }
    }

    /// Proves the exit code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Proves that standard output has a text.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(
            self.stdout.contains(text),
            "no {text:?} in stdout:\n{}\nstderr:\n{}",
            self.stdout,
            self.stderr
        );
        self
    }

    /// Proves that standard error has a text.
    #[track_caller]
    pub(crate) fn warns(self, text: &str) -> Self {
        assert!(
            self.stderr.contains(text),
            "no {text:?} in stderr:\n{}\nstdout:\n{}",
            self.stderr,
            self.stdout
        );
        self
    }

    /// The last line of standard output.
    pub(crate) fn last_line(&self) -> &str {
        self.stdout.lines().last().unwrap_or_default()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in {}", self.stdout))
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        if name.to_string_lossy().starts_with('.') {
            continue;
        }
        let target = to.join(&name);
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Returns an environment without variables, for a store that needs none.
pub(crate) fn no_variables() -> campaignctl::state::Variables {
    std::sync::Arc::new(|_: &str| None)
}
