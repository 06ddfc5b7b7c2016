//! What is printed: no line that a CI runner obeys, nothing that a screen would not show, and no secret, whatever stands in
//! files, names and the vendor's words.

use std::io::{Read, Write};
use std::net::TcpListener;

use crate::site::{Ran, Site};

const HOSTILE: &[&str] = &[
    "a ##[add-mask]b",
    "##vso[task.setvariable variable=x]y",
    "::add-mask::b",
    "\u{202e}evil\u{2066}",
    "a\u{61c}b",
    "zero\u{200b}width",
    "tag\u{e0041}s",
    "\u{3000}::stop-commands::x",
    "soft\u{ad}hyphen",
];

const PROJECT: &str = "\
version: 1
project: p
default_environment: sandbox
environments:
  sandbox: { app_id: A, workspace_id: w, endpoint: sandbox }
";

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

/// A campaign that says a text wherever one may stand.
fn campaign(text: &str, more: &str) -> String {
    let text = quoted(&format!("x{text}x"));
    let name = quoted("t_x");
    format!(
        "templates:\n  t: {{ name: {name}, title: {text}, body: \"one #v# {}\\n{}\" }}\naudiences:\n  a: {{ users: [u1, u2] }}\n\
         strategies:\n  s: {{ send: now }}\ncampaigns:\n  c:\n    template: t\n    audience: a\n    strategy: s\n    \
         expires_after: 1h\n    values: {{ v: {text} }}\n    extended_params: {{ k: {text} }}\n    task_name: {text}\n{more}",
        &text[1..text.len() - 1],
        &text[1..text.len() - 1],
    )
}

/// Proves of everything that a command printed that no line of it is obeyed and nothing in it is hidden.
#[track_caller]
fn harmless(ran: &Ran, of: &str) {
    for line in ran.stdout.lines().chain(ran.stderr.lines()) {
        let is_obeyed =
            line.trim_start().starts_with("::") || line.contains("##[") || line.contains("##vso[");
        assert!(!is_obeyed, "{of}: a runner obeys {line:?}");
        let hidden = line.chars().find(|c| {
            c.is_control()
                || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
        });
        assert_eq!(hidden, None, "{of}: {line:?}");
    }
}

#[test]
fn whatever_stands_in_a_campaign_no_command_prints_it_raw() {
    for text in HOSTILE {
        let site = Site::with(PROJECT, &campaign(text, ""));
        for command in [
            &["validate"][..],
            &["validate", "--json"],
            &["plan"],
            &["plan", "--json", "--out", "plan.json"],
            &["show", "plan.json"],
            &["show", "plan.json", "--json"],
            &["explain", "c"],
            &["explain", "c", "--json"],
            &["fmt", "--check"],
            &["apply", "--auto-approve"],
            &["status"],
            &["status", "c"],
            &["history"],
            &["doubt", "list"],
            &["ledger", "export"],
        ] {
            harmless(&site.run(command), &format!("{command:?} of {text:?}"));
        }
        assert!(!site.read("plan.json").contains("##["));
        // What was sent, beside what the file says now.
        site.write("campaigns/c.yaml", &campaign(&format!("{text} and more"), ""));
        let ran = site.run(&["plan"]);
        harmless(&ran, text);
        for format in ["markdown", "html", "ics"] {
            harmless(&site.run(&["plan", "--format", format]).exits(0), text);
        }
        // A mistake beside it quotes its line.
        site.write("campaigns/c.yaml", &campaign(text, &format!("    audiense: {}\n", quoted(text))));
        for command in [&["validate"][..], &["validate", "--json"], &["plan"], &["fmt", "--check"]] {
            harmless(&site.run(command), &format!("{command:?} of {text:?}"));
        }
    }
}

#[test]
fn a_hostile_file_name_is_shown_and_not_obeyed() {
    for name in ["##[add-mask]x", "\u{202e}x", "a\n::error::x", "::error::x"] {
        let site = Site::with(PROJECT, &campaign("x", ""));
        site.write(&format!("campaigns/{name}.yaml"), "templates: {}\nunknown: 1\n");
        for command in [&["validate"][..], &["validate", "--json"], &["plan"], &["fmt"], &["fmt", "--check"]]
        {
            harmless(&site.run(command), &format!("{command:?} of {name:?}"));
        }
        let ran = site.run(&["validate", "--format", "github"]).exits(3);
        assert!(ran.stdout.lines().all(|line| line.starts_with("::error file=campaigns/")), "{}", ran.stdout);
        assert!(!ran.stdout.contains("##[") && !ran.stdout.contains('\u{202e}'), "{}", ran.stdout);
    }
}

#[test]
fn a_blocked_plan_shows_what_only_looks_alike() {
    let site = Site::with(PROJECT, &campaign("caf\u{e9} line two", ""));
    site.run(&["apply", "--auto-approve"]).exits(0);
    site.write("campaigns/c.yaml", &campaign("cafe\u{301} line\u{a0}two", ""));
    let ran = site.run(&["plan"]).exits(0);
    for shown in ["caf\\u{e9} line two", "cafe\\u{301} line\\u{a0}two"] {
        assert!(ran.stdout.contains(shown), "no {shown} in {}", ran.stdout);
    }
}

#[test]
fn an_export_hides_nothing_and_restores_the_ledger_as_it_was() {
    let site = Site::with(PROJECT, &campaign("\u{202e}##[add-mask]", ""));
    site.run(&["apply", "--auto-approve"]).exits(0);
    let export = site.run(&["ledger", "export"]).exits(0);
    harmless(&export, "export");
    site.write("export.jsonl", &export.stdout);
    std::fs::remove_dir_all(site.path("campaigns/.campaignctl")).unwrap();
    site.run(&["ledger", "restore", "export.jsonl"]).exits(0);
    site.run(&["ledger", "verify"]).exits(0);
    let ran = site.run(&["plan"]).exits(0);
    assert!(ran.stdout.contains("1 up to date"), "{}", ran.stdout);
    assert_eq!(site.run(&["ledger", "export"]).exits(0).stdout, export.stdout);
}

/// Answers every request with a refusal of these words.
fn refusing_vendor(message: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut seen = Vec::new();
            let mut buffer = [0; 4096];
            // A request of these tests fits two packets, and its body ends with a `}` or a digit: read until it pauses.
            stream.set_read_timeout(Some(std::time::Duration::from_millis(200))).unwrap();
            while let Ok(count @ 1..) = stream.read(&mut buffer) {
                seen.extend_from_slice(&buffer[..count]);
            }
            let body = format!(
                "{{\"Code\":\"InvalidParameter\",\"Message\":{},\"RequestId\":\"r\"}}",
                serde_json::to_string(message).unwrap()
            );
            let head = "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nConnection: close\r\n";
            drop(write!(stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len()));
        }
    });
    format!("http://{address}")
}

#[test]
fn the_vendors_words_are_shown_and_not_obeyed_and_keep_no_secret() {
    let endpoint =
        refusing_vendor("no\n::add-mask::x ##[group]y \u{202e} KeySecretOfTheMachine1 JobTokenOfTheRunner2");
    let site = Site::remote(&endpoint, 3, "");
    let run = |arguments: &[&str]| {
        let mut command = site.command(arguments);
        command.env_remove("CAMPAIGNCTL_NOW").env("MPAAS_AK_ENV", "key-id-of-ours");
        command.env("MPAAS_SK_ENV", "KeySecretOfTheMachine1").env("CI_JOB_TOKEN", "JobTokenOfTheRunner2");
        command.env("BUILD_URL", "https://ann:PasswordOfTheServer3@ci/1");
        Ran::of(&command.output().unwrap())
    };
    for command in [
        &["apply", "--auto-approve"][..],
        &["status", "hello"],
        &["status", "--json"],
        &["history"],
        &["ledger", "export"],
    ] {
        let ran = run(command);
        harmless(&ran, &format!("{command:?}"));
        for secret in ["KeySecretOfTheMachine1", "PasswordOfTheServer3"] {
            assert!(!format!("{}{}", ran.stdout, ran.stderr).contains(secret), "{command:?}: {}", ran.stdout);
        }
        if command[0] != "ledger" {
            assert!(!ran.stdout.contains("JobTokenOfTheRunner2"), "{command:?}: {}", ran.stdout);
        }
    }
}

#[test]
fn a_secret_in_a_file_is_not_planned_and_a_token_in_a_text_is_not_printed() {
    let site = Site::with(PROJECT, &campaign("KeySecretOfTheMachine1", ""));
    let run = |arguments: &[&str], name: &str, value: &str| {
        Ran::of(&site.command(arguments).env(name, value).output().unwrap())
    };
    for command in
        [&["plan"][..], &["plan", "--out", "plan.json"], &["apply", "--auto-approve"], &["explain", "c"]]
    {
        let ran = run(command, "MPAAS_SK_ENV", "KeySecretOfTheMachine1").exits(3);
        assert!(ran.stderr.contains("line 2 of `campaigns/c.yaml` holds a secret"), "{}", ran.stderr);
        assert!(!format!("{}{}", ran.stdout, ran.stderr).contains("KeySecretOfTheMachine1"));
    }
    assert!(!site.path("plan.json").exists());
    for command in [&["plan"][..], &["plan", "--json"], &["explain", "c", "--json"]] {
        let ran = run(command, "GITHUB_TOKEN", "KeySecretOfTheMachine1").exits(0);
        assert!(ran.stdout.contains("[redacted]"), "{}", ran.stdout);
        assert!(!ran.stdout.contains("KeySecretOfTheMachine1"), "{}", ran.stdout);
    }
    // Too short to be told from a word.
    let ran = run(&["plan"], "GITHUB_TOKEN", "title").exits(0);
    assert!(!ran.stdout.contains("[redacted]"), "{}", ran.stdout);
}
