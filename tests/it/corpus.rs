//! Bad workspaces, each named after its fault.
//!
//! `tests/corpus/invalid/CODE/` holds a workspace with the bad files (a sound project file is supplied where
//! it has none), and `expected.txt` what is printed for it. `UPDATE_CORPUS=1 cargo test --test it corpus`
//! rewrites the texts. What git cannot keep is built by the tests below.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use campaignctl::diagnostic::{self, Code, Diagnostic};
use campaignctl::domain::LedgerSalt;
use campaignctl::render::diagnostic::{Look, summary, texts};
use campaignctl::{check, load, resolve, schema};

/// The project file of workspaces that have none of their own.
pub(crate) const PROJECT: &str = "\
version: 1
project: acme
environments:
  sandbox: { app_id: A1, workspace_id: test, endpoint: sandbox }
";

/// Codes whose workspaces git cannot keep; each has a test of its own here.
const BUILT_AT_RUN_TIME: &[Code] = &[
    Code::NoProject,
    Code::UnreadableFile,
    Code::NotAFile,
    Code::LinkLoop,
    Code::FileTooLarge,
    Code::ReviewDiffers,
];

/// Codes that a clock or a ledger is needed for; the tests of `plan` have them.
pub(crate) const GUARDS_OF_PLAN: &[Code] = &[
    Code::TimePast,
    Code::RepeatPast,
    Code::RepeatTooFar,
    Code::TooManyTasks,
    Code::NotReviewed,
    Code::ReviewExpired,
    Code::ApprovalsMissing,
    Code::StillWaiting,
    Code::Renamed,
    Code::AudienceReplaced,
];

#[test]
fn every_bad_workspace_prints_what_is_expected() {
    let is_update = is_set("UPDATE_CORPUS");
    let mut failures = Vec::new();
    for directory in directories() {
        let name = directory.file_name().unwrap().to_str().unwrap().to_owned();
        let site = Site::new();
        site.copy(&directory);
        let printed = site.printed();
        let file = directory.join("expected.txt");
        if is_update {
            fs::write(&file, &printed).unwrap();
        }
        let expected = fs::read_to_string(&file).unwrap_or_default();
        if printed != expected {
            failures.push(format!("{name}: expected\n{expected}\nbut it prints\n{printed}"));
        } else if !printed.contains(&format!("[{name}]: ")) {
            failures.push(format!("{name}: nothing of that code is printed"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_code_has_a_bad_workspace() {
    let is_elsewhere = |code: &Code| BUILT_AT_RUN_TIME.contains(code) || GUARDS_OF_PLAN.contains(code);
    let wanted: BTreeSet<&str> =
        Code::ALL.iter().filter(|code| !is_elsewhere(code)).map(|code| code.as_str()).collect();
    let names = directories();
    let names: BTreeSet<&str> =
        names.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    let missing: Vec<_> = wanted.difference(&names).collect();
    assert!(missing.is_empty(), "no bad workspace for {missing:?}");
    let known: BTreeSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    let unknown: Vec<_> = names.difference(&known).collect();
    assert!(unknown.is_empty(), "no code is called {unknown:?}");
}

#[test]
fn a_missing_project_file_says_how_to_get_one() {
    let site = Site::without_project();
    site.write("campaignctl.yml", PROJECT);
    insta::assert_snapshot!(site.printed(), @r"
    error[no-project]: there is no project file `campaignctl.yaml` here
    --> .
     = help: rename `campaignctl.yml` to `campaignctl.yaml`

    1 error in 1 file
    ");
}

#[test]
fn what_is_below_a_directory_without_a_project_is_not_read() {
    let site = Site::without_project();
    site.write("compose.yaml", "services: {}\n");
    for name in ["a", "b"] {
        site.write(&format!("{name}/campaignctl.yaml"), PROJECT);
        site.write(&format!("{name}/campaigns.yaml"), "x: 1\n");
    }
    insta::assert_snapshot!(site.printed_at_all(), @r"
    error[no-project]: there is no project file `campaignctl.yaml` here
    --> .
     = help: name one of the workspaces nearby with `-C DIR`: `a`, `b`

    1 error in 1 file
    ");
}

#[test]
fn an_oversized_file_is_not_read() {
    let site = Site::new();
    let file = File::create(site.path("big.yaml")).unwrap();
    file.set_len(100 * 1024 * 1024).unwrap();
    insta::assert_snapshot!(site.printed_at_all(), @r"
    error[file-too-large]: the file is larger than 4 MiB
    --> big.yaml
     = help: split it; put long lists of targets into a file of their own and name it with `file:`

    1 error in 1 file
    ");
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn directories_pipes_and_sockets_are_no_files() {
        let site = Site::new();
        fs::create_dir(site.path("folder.yaml")).unwrap();
        site.write("folder.yaml/inside.yaml", "campaigns: {}\n");
        assert!(Command::new("mkfifo").arg(site.path("pipe.yaml")).status().unwrap().success());
        let _socket = UnixListener::bind(site.path("socket.yaml")).unwrap();
        insta::assert_snapshot!(site.printed_at_all(), @r"
        error[not-a-file]: this is a directory, not a YAML file
        --> folder.yaml
         = help: rename or remove it

        error[not-a-file]: this is a device, a pipe or a socket, not a YAML file
        --> pipe.yaml
         = help: rename or remove it

        error[not-a-file]: this is a device, a pipe or a socket, not a YAML file
        --> socket.yaml
         = help: rename or remove it

        3 errors in 3 files
        ");
    }

    #[test]
    fn links_that_lead_back_are_named_and_others_are_followed() {
        let site = Site::new();
        symlink("self.yaml", site.path("self.yaml")).unwrap();
        fs::create_dir_all(site.path("a/b")).unwrap();
        symlink("..", site.path("a/b/up")).unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        fs::write(elsewhere.path().join("linked.yaml"), "campains: {}\n").unwrap();
        symlink(elsewhere.path(), site.path("outside")).unwrap();
        fs::create_dir(site.path("real")).unwrap();
        fs::write(site.path("real/linked.yaml"), "campains: {}\n").unwrap();
        symlink("real", site.path("shared")).unwrap();
        insta::assert_snapshot!(site.printed_at_all(), @r"
        error[link-loop]: the symbolic link leads back to `a`
        --> a/b/up
         = help: remove it

        error[file-outside]: the link leads to what is no YAML file of the workspace
        --> outside
         = help: put the file itself here, or remove the link

        error[unknown-key]: the file has no key `campains`
         --> real/linked.yaml:1:1
          |
        1 | campains: {}
          | ^^^^^^^^
          |
          = help: did you mean `campaigns`?

        error[link-loop]: the symbolic link leads back to itself
        --> self.yaml
         = help: remove it

        error[unknown-key]: the file has no key `campains`
         --> shared/linked.yaml:1:1
          |
        1 | campains: {}
          | ^^^^^^^^
          |
          = help: did you mean `campaigns`?

        5 errors in 5 files
        ");
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let site = Site::new();
        symlink("nothing.yaml", site.path("dangling.yaml")).unwrap();
        symlink("nothing.yaml", site.path(".#lock.yaml")).unwrap();
        insta::assert_snapshot!(site.printed(), @r"
        error[unreadable-file]: cannot be read: there is no such file
        --> dangling.yaml
         = help: create it, or remove the link that leads to it

        1 error in 1 file
        ");
        site.write("secret.yaml", "campaigns: {}\n");
        fs::set_permissions(site.path("secret.yaml"), fs::Permissions::from_mode(0o000)).unwrap();
        // Root reads everything: then there is nothing to see.
        if File::open(site.path("secret.yaml")).is_err() {
            assert!(site.printed().contains("secret.yaml"));
        }
    }
}

#[test]
fn hidden_files_and_directories_are_skipped_and_endings_are_not_case_sensitive() {
    let site = Site::new();
    site.write(".campaignctl/sandbox/x.yaml", "colour: red\n");
    site.write(".hidden.yml", "colour: red\n");
    site.write("notes.txt", "colour: red\n");
    assert_eq!(site.printed(), "no mistakes found\n");
    site.write("deep/er/UPPER.YML", "colour: red\n");
    assert!(site.printed().contains("deep/er/UPPER.YML:1:1"));
}

#[test]
fn files_come_in_the_order_of_their_paths() {
    let site = Site::new();
    for path in ["b.yaml", "a/z.yaml", "a.yaml", "c/a.yaml", "a/b/c.yml"] {
        site.write(path, "campaigns: {}\n");
    }
    let (workspace, mistakes) = load::workspace(site.directory.path(), "campaigns", schema::shapes());
    assert_eq!(mistakes, []);
    let paths: Vec<&str> = workspace.files.iter().map(|file| file.source().path()).collect();
    assert_eq!(
        paths,
        [
            "campaigns/a/b/c.yml",
            "campaigns/a/z.yaml",
            "campaigns/a.yaml",
            "campaigns/b.yaml",
            "campaigns/c/a.yaml"
        ]
    );
    assert!(workspace.files[0].directory().ends_with("a/b"));
}

#[test]
fn hostile_yaml_is_refused_for_little_work() {
    let laughs = (1..30).fold("a0: &a0 [lol, lol]\n".to_owned(), |text, level| {
        let below = level - 1;
        format!("{text}a{level}: &a{level} [*a{below}, *a{below}, *a{below}, *a{below}]\n")
    });
    let quadratic = format!("a: &a {}\nb: [{}]\n", "x".repeat(1 << 20), "*a, ".repeat(50_000));
    for (name, text, code) in [
        ("laughs", laughs.clone(), Code::ExpansionLimit),
        ("few-laughs", laughs.lines().take(14).collect::<Vec<_>>().join("\n"), Code::ExpansionLimit),
        ("quadratic", quadratic, Code::ExpansionLimit),
        ("brackets", "[".repeat(100_000), Code::NestedTooDeep),
        ("braces", "{a: ".repeat(100_000), Code::NestedTooDeep),
        ("dashes", "- ".repeat(100_000), Code::NestedTooDeep),
        ("keys", "? ".repeat(100_000), Code::NestedTooDeep),
        ("recursive", "a: &x [*x]\n".to_owned(), Code::RecursiveAlias),
        ("self-merge", "a: &x { <<: *x }\n".to_owned(), Code::RecursiveAlias),
        ("long-key", format!("{}: 1\n", "k".repeat(1 << 20)), Code::YamlSyntax),
        ("many-keys", many_keys(), Code::UnknownKey),
        (
            "mixed-items",
            format!("audiences: {{ a: {{ users: [{}] }} }}", "1e5, 17, ".repeat(9_000)),
            Code::WrongType,
        ),
        ("quotes", "\"".repeat(1 << 20), Code::YamlSyntax),
        ("anchors", "&a ".repeat(1 << 20), Code::YamlSyntax),
        ("nested-aliases", nested_aliases(), Code::NestedTooDeep),
    ] {
        let site = Site::new();
        site.write(&format!("{name}.yaml"), &text);
        let ran = validated_within(CPU_SECONDS_MAX, site.directory.path());
        assert_eq!(ran.status.code(), Some(3), "{name}: {}", String::from_utf8_lossy(&ran.stderr));
        let said = String::from_utf8_lossy(&ran.stderr);
        assert!(said.contains(&format!("error[{code}]")), "{name}: {said}");
    }
}

/// What any of these may cost of the processor's time, which no load of the machine adds to: many times what it takes.
const CPU_SECONDS_MAX: u32 = 60;

/// Validates a workspace with the tool itself, which the system ends once it has used so much of the processor's time.
fn validated_within(cpu_seconds: u32, directory: &Path) -> Output {
    let limited = format!("ulimit -t {cpu_seconds} && exec \"$0\" \"$@\"");
    let mut shell = Command::new("sh");
    shell.args(["-c", &limited, env!("CARGO_BIN_EXE_campaignctl"), "-C"]).arg(directory).arg("validate");
    shell.output().unwrap()
}

fn many_keys() -> String {
    let lines: Vec<String> = (0..30_000).map(|key| format!("k{key}: 1")).collect();
    lines.join("\n")
}

/// Each alias nests the one before it ever deeper.
fn nested_aliases() -> String {
    let nested = |inner: &str| format!("{}{inner}{}", "[".repeat(20), "]".repeat(20));
    let first = format!("a0: &a0 {}\n", nested("x"));
    (1..10).fold(first, |text, level| {
        format!("{text}a{level}: &a{level} {}\n", nested(&format!("*a{}", level - 1)))
    })
}

/// Reads a workspace and finds everything that is wrong with it and with the audience files of its campaigns.
pub(crate) fn diagnose(directory: &Path) -> Vec<Diagnostic> {
    let (workspace, mut mistakes) = load::workspace(directory, "", schema::shapes());
    let (checked, of_rules) = check::workspace(&workspace);
    mistakes.extend(of_rules);
    let environment = checked.project.as_ref().and_then(|project| project.environments.keys().next());
    if let Some(desired) = environment.and_then(|name| resolve::desired(&checked, name).ok()) {
        let salt = LedgerSalt::new([0; 16]);
        mistakes.extend(desired.audiences.values().flat_map(|audience| audience.read(&salt).1));
    }
    diagnostic::sort(&mut mistakes);
    mistakes
}

/// Returns what is wrong with each of the bad workspaces.
pub(crate) fn all_mistakes() -> Vec<Vec<Diagnostic>> {
    let mistakes = |directory: PathBuf| {
        let site = Site::new();
        site.copy(&directory);
        diagnose(site.directory.path())
    };
    directories().into_iter().map(mistakes).collect()
}

fn printed(mistakes: &[Diagnostic]) -> String {
    let texts = texts(mistakes, Look::PLAIN);
    let gap = if texts.is_empty() { "" } else { "\n" };
    format!("{texts}{gap}{}\n", summary(mistakes))
}

fn directories() -> Vec<PathBuf> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/invalid");
    let mut paths: Vec<PathBuf> = fs::read_dir(corpus).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

#[expect(clippy::disallowed_methods, reason = "a test's own switch")]
pub(crate) fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some()
}

/// A workspace of one test.
struct Site {
    directory: tempfile::TempDir,
}

/// Whoever takes longer hangs.
const PATIENCE: Duration = Duration::from_mins(10);

fn printed_of(directory: &Path) -> String {
    printed(&diagnose(directory))
}

impl Site {
    fn without_project() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    fn new() -> Self {
        let site = Self::without_project();
        site.write("campaignctl.yaml", PROJECT);
        site
    }

    fn path(&self, path: &str) -> PathBuf {
        self.directory.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Copies a workspace of the corpus, which may lack a project file.
    fn copy(&self, from: &Path) {
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                let below = self.path(entry.file_name().to_str().unwrap());
                fs::create_dir_all(&below).unwrap();
                for file in fs::read_dir(entry.path()).unwrap().map(Result::unwrap) {
                    fs::copy(file.path(), below.join(file.file_name())).unwrap();
                }
            } else {
                fs::copy(entry.path(), self.directory.path().join(entry.file_name())).unwrap();
            }
        }
    }

    fn printed(&self) -> String {
        printed_of(self.directory.path())
    }

    /// As [`Site::printed`], where a mistake of ours would wait for ever.
    fn printed_at_all(&self) -> String {
        let directory = self.directory.path().to_owned();
        let (send, printed) = mpsc::channel();
        thread::spawn(move || send.send(printed_of(&directory)));
        printed.recv_timeout(PATIENCE).expect("it comes to an end")
    }
}
