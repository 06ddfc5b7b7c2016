//! Files that a pull request may name: what leads out of the workspace is not read, not written, and not spoken of.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::site::{Ran, Site};

const SECRET: &str = "Hunter2IsTheKeysSecretValue";

const PROJECT: &str = "\
version: 1
project: p
default_environment: sandbox
environments:
  sandbox: { app_id: A, workspace_id: w, endpoint: sandbox }
";

fn campaign(users: &str) -> String {
    format!(
        "templates:\n  t: {{ name: t, title: hi, body: there }}\naudiences:\n  a: {{ users: {users} }}\nstrategies:\n  \
         s: {{ send: now }}\ncampaigns:\n  c: {{ template: t, audience: a, strategy: s, expires_after: 5m }}\n"
    )
}

/// Every command that reads audiences or YAML.
const COMMANDS: &[&[&str]] = &[
    &["validate"],
    &["validate", "--json"],
    &["validate", "--format", "github"],
    &["plan"],
    &["plan", "--json"],
    &["apply", "--auto-approve"],
    &["explain", "c"],
    &["fmt", "--check"],
    &["status"],
];

impl Site {
    fn with_secret(&self, arguments: &[&str]) -> Ran {
        let mut command = self.command(arguments);
        command.env("MPAAS_AK_ENV", "key").env("MPAAS_SK_ENV", SECRET).env("PATH", "/usr/bin:/bin");
        Ran::of(&command.output().unwrap())
    }

    /// Runs a command that is to refuse a file, and to tell nothing of what is in it.
    fn refuses(&self, arguments: &[&str], untold: &[&str]) -> String {
        let ran = self.with_secret(arguments);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert_eq!(ran.code, Some(3), "{arguments:?}: {said}");
        assert!(said.contains("file-outside"), "{arguments:?}: {said}");
        for untold in untold {
            assert!(!said.contains(untold), "{arguments:?} tells {untold:?}: {said}");
        }
        said
    }
}

#[test]
fn no_command_reads_or_quotes_the_environment_of_its_own_process() {
    for column in ["uid", "PATH"] {
        let site = Site::with(PROJECT, &campaign(&format!("{{ file: a.csv, column: {column} }}")));
        symlink("/proc/self/environ", site.path("campaigns/a.csv")).unwrap();
        for command in COMMANDS.iter().filter(|command| !["fmt", "status"].contains(&command[0])) {
            site.refuses(command, &[SECRET, "/usr/bin", "MPAAS_SK_ENV"]);
        }
    }
}

#[test]
fn paths_that_climb_and_links_that_lead_out_are_refused_alike() {
    for (file, link) in [
        ("../secret.txt", None),
        ("sub/../../secret.txt", None),
        ("/etc/passwd", None),
        ("a.txt", Some(("a.txt", "/etc/passwd"))),
        ("a.txt", Some(("a.txt", "../secret.txt"))),
        ("a.txt", Some(("a.txt", "../nothing.txt"))),
        ("dir/passwd", Some(("dir", "/etc"))),
        ("fd/0", Some(("fd", "/proc/self/fd"))),
        ("a.txt", Some(("a.txt", "/dev/zero"))),
        ("root/etc/passwd", Some(("root", "/proc/self/root"))),
    ] {
        let site = Site::with(PROJECT, &campaign(&format!("{{ file: {file} }}")));
        site.write("secret.txt", "people-of-another-team\n");
        fs::create_dir(site.path("campaigns/sub")).unwrap();
        if let Some((name, target)) = link {
            symlink(target, site.path("campaigns").join(name)).unwrap();
        }
        for command in [&["validate"][..], &["plan"]] {
            site.refuses(command, &["people-of-another-team", "root:"]);
        }
    }
}

#[test]
fn a_pipe_as_an_audience_is_no_file_and_nobody_waits_for_it() {
    let site = Site::with(PROJECT, &campaign("{ file: ids.txt }"));
    let made = std::process::Command::new("mkfifo").arg(site.path("campaigns/ids.txt")).status().unwrap();
    assert!(made.success());
    let ran = site.run(&["validate"]).exits(3);
    assert!(ran.stderr.contains("not-a-file"), "{}", ran.stderr);
}

#[test]
fn the_machine_allows_a_directory_and_a_file_of_the_workspace_cannot() {
    let site = Site::with(PROJECT, &campaign("{ file: lists/ids.txt }"));
    site.write("machine/ids.txt", "u1\nu2\n");
    symlink("../machine", site.path("campaigns/lists")).unwrap();
    site.refuses(&["plan"], &["u1"]);
    let allowed = |roots: &str| {
        Ran::of(&site.command(&["plan"]).env("CAMPAIGNCTL_AUDIENCE_ROOTS", roots).output().unwrap())
    };
    let machine = site.path("machine");
    let ran = allowed(&format!("/nowhere:{}", machine.display())).exits(0);
    assert!(ran.stdout.contains("2 targets"), "{}", ran.stdout);
    // What it means would depend on where the command is run.
    allowed("machine").exits(3);
    allowed("/nowhere").exits(3);
    // An absolute path below it is as good as the link.
    fs::remove_file(site.path("campaigns/lists")).unwrap();
    site.write("campaigns/c.yaml", &campaign(&format!("{{ file: {}/ids.txt }}", machine.display())));
    allowed(&machine.display().to_string()).exits(0);
}

#[test]
fn links_within_the_workspace_and_to_the_workspace_stay_good() {
    let site = Site::with(PROJECT, &campaign("{ file: ids.txt }"));
    site.write("campaigns/lists/monday.txt", "u1\n");
    symlink("lists/monday.txt", site.path("campaigns/ids.txt")).unwrap();
    symlink("campaigns", site.path("linked")).unwrap();
    site.run(&["plan"]).exits(0);
    site.run(&["-C", "linked", "plan"]).exits(0);
    site.run(&["-C", "campaigns/../campaigns", "plan"]).exits(0);
}

#[test]
fn yaml_that_lies_outside_is_not_read_not_quoted_and_not_written() {
    let site = Site::with(PROJECT, &campaign("[u1]"));
    site.write("other/foreign.yaml", "foreign:   {  secret-of-others : 1 }\n");
    site.write("campaigns/people.csv", "id\nalice-the-customer\n");
    for (name, target) in [
        ("campaigns/link.yaml", "../other/foreign.yaml"),
        ("campaigns/all", "../other"),
        ("campaigns/people.yaml", "people.csv"),
        ("campaigns/env.yaml", "/proc/self/environ"),
    ] {
        symlink(target, site.path(name)).unwrap();
        for command in COMMANDS.iter().filter(|command| command[0] != "status") {
            site.refuses(command, &["secret-of-others", "alice", SECRET]);
        }
        site.refuses(&["fmt"], &["secret-of-others", "alice", SECRET]);
        if name != "campaigns/all" {
            site.refuses(&["fmt", name], &["secret-of-others", "alice", SECRET]);
        }
        fs::remove_file(site.path(name)).unwrap();
    }
    let before = "foreign:   {  secret-of-others : 1 }\n";
    assert_eq!(site.read("other/foreign.yaml"), before);
    // A directory that leads to everything there is would take for ever to look through.
    symlink("/", site.path("campaigns/root")).unwrap();
    site.refuses(&["validate"], &[SECRET]);
}

#[test]
fn a_project_file_and_a_workspace_that_are_links_out_are_none() {
    let site = Site::with(PROJECT, &campaign("[u1]"));
    site.write("other/campaignctl.yaml", &PROJECT.replace("project: p", "project: of-others"));
    fs::remove_file(site.path("campaigns/campaignctl.yaml")).unwrap();
    symlink("../other/campaignctl.yaml", site.path("campaigns/campaignctl.yaml")).unwrap();
    site.refuses(&["plan"], &["of-others"]);
    site.refuses(&["status"], &["of-others"]);
    // Without `-C`, a directory `campaigns` that lies elsewhere is not taken for the workspace.
    fs::remove_dir_all(site.path("campaigns")).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    fs::write(elsewhere.path().join("campaignctl.yaml"), PROJECT).unwrap();
    symlink(elsewhere.path(), site.path("campaigns")).unwrap();
    let ran = site.run(&["validate"]).exits(3);
    assert!(ran.stderr.contains("no-project"), "{}", ran.stderr);
    site.run(&["-C", "campaigns", "validate"]).exits(0);
}

#[test]
fn a_lock_file_that_is_a_link_is_not_read() {
    let site = Site::with(PROJECT, &campaign("[u1]"));
    for target in ["/proc/self/environ", "/etc/passwd"] {
        symlink(target, site.path("campaigns/campaignctl.lock")).unwrap();
        let ran = site.with_secret(&["plan"]);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert_ne!(ran.code, Some(0), "{said}");
        assert!(!said.contains(SECRET) && !said.contains("root:") && !said.contains("PATH="), "{said}");
        fs::remove_file(site.path("campaigns/campaignctl.lock")).unwrap();
    }
}

#[test]
fn no_message_quotes_a_header_or_a_line_of_an_audience_file() {
    let marks = ["alice", "4711", "birthday"];
    for (name, users, content) in [
        ("a.csv", "{ file: a.csv, column: uid }", "alice,birthday\n4711,4711\n"),
        ("a.csv", "{ file: a.csv, column: birthda }", "alice,birthday\n4711,4711\n"),
        ("a.csv", "{ file: a.csv, column: uid }", "uid,b\nalice 4711,birthday,birthday\n"),
        ("a.csv", "{ file: a.csv, column: uid }", "uid,b\n\"alice\"4711,birthday\n"),
        ("a.jsonl", "{ file: a.jsonl, field: uid }", "\"alice 4711\"\n"),
        ("a.jsonl", "{ file: a.jsonl, field: uid }", "{\"uid\":4711.5}\n{\"uid\":[\"alice\"]}\n"),
        ("a.jsonl", "{ file: a.jsonl, field: uid }", "{\"birthday\":\"alice\"}\nalice birthday\n"),
        ("a.txt", "{ file: a.txt }", " alice\nalice\tbirthday\n"),
        ("a.parquet", "{ file: a.parquet, column: uid }", "alice birthday 4711 PAR1"),
    ] {
        let site = Site::with(PROJECT, &campaign(users));
        site.write(&format!("campaigns/{name}"), content);
        for command in [&["validate"][..], &["validate", "--json"], &["plan"]] {
            let ran = site.run(command).exits(3);
            let said = format!("{}{}", ran.stdout, ran.stderr).replace("birthda`", "");
            // The YAML line is the workspace's own, and may be quoted.
            let said = said.replace("column: birthda ", "").replace("column: birthda\\u", "");
            for mark in marks {
                assert!(!said.contains(mark), "{users} tells {mark}: {said}");
            }
        }
    }
}

#[test]
fn the_sandbox_makes_no_ledger_outside() {
    let project = PROJECT.replace("endpoint: sandbox", "endpoint: sandbox, ledger: ../../elsewhere/ledger");
    let site = Site::with(&project, &campaign("[u1]"));
    let parent = site.path("").parent().unwrap().join("elsewhere");
    for command in [&["plan"][..], &["apply", "--auto-approve"]] {
        let ran = site.run(command).exits(3);
        assert!(ran.stderr.contains("outside of the workspace"), "{}", ran.stderr);
    }
    assert!(!Path::new(&parent).exists());
}
