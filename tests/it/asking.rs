//! What the command line says of itself: help, manual pages, completions.

use std::collections::BTreeSet;
use std::process::Command;

use campaignctl::sandbox::{Fault, FaultKind};

use crate::misfortune::Vendor;
use crate::site::{Ran, Site};

/// Every command, as a row of words; the first is the whole tool.
fn commands(site: &Site) -> Vec<Vec<String>> {
    let mut found = vec![Vec::new()];
    let mut next = 0;
    while let Some(command) = found.get(next).cloned() {
        next += 1;
        let words: Vec<&str> = command.iter().map(String::as_str).chain(["--help"]).collect();
        let help = site.run(&words).exits(0).stdout;
        let Some((_, below)) = help.split_once("Commands:\n") else { continue };
        for line in below.lines().take_while(|line| !line.is_empty()) {
            let is_name = line.starts_with("  ") && !line.starts_with("   ");
            let name = line.split_whitespace().next().filter(|name| is_name && *name != "help");
            found.extend(name.map(|name| [command.clone(), vec![name.to_owned()]].concat()));
        }
    }
    assert!(found.len() > 25, "{found:?}");
    found
}

#[test]
fn every_help_fits_80_columns_has_an_example_and_keeps_the_global_options_to_themselves() {
    let site = Site::with_samples();
    for command in commands(&site) {
        for flag in ["-h", "--help"] {
            let mut words: Vec<&str> = command.iter().map(String::as_str).collect();
            words.push(flag);
            for columns in ["80", "200"] {
                let help = Ran::of(&site.command(&words).env("COLUMNS", columns).output().unwrap()).exits(0);
                for line in help.stdout.lines() {
                    assert!(
                        line.chars().count() <= 80,
                        "{words:?}: {} columns: {line}",
                        line.chars().count()
                    );
                }
            }
            let help = site.run(&words).exits(0).stdout;
            assert!(help.contains("Example"), "{words:?}: {help}");
            let (own, global) = help.split_once("\nGlobal options:\n").expect("the heading is there");
            for option in ["--directory", "--environment", "--lock-timeout", "--now"] {
                assert!(!own.contains(&format!("{option} <")), "{words:?}: {option} among its own: {help}");
            }
            // The short help names the two that people need; the long one explains all four.
            assert_eq!(global.contains("--lock-timeout"), flag == "--help", "{words:?}: {global}");
        }
    }
}

#[test]
fn there_is_a_manual_page_for_every_command_with_exit_status_environment_and_files() {
    let site = Site::with_samples();
    site.run(&["man", "--out", "man1"]).exits(0);
    let pages: BTreeSet<String> = std::fs::read_dir(site.path("man1"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let wanted: BTreeSet<String> = commands(&site)
        .into_iter()
        .map(|command| [vec!["campaignctl".to_owned()], command].concat().join("-") + ".1")
        .collect();
    assert_eq!(pages, wanted);
    for page in pages {
        let text = site.read(&format!("man1/{page}"));
        for section in ["NAME", "SYNOPSIS", "EXAMPLES", "\"EXIT STATUS\"", "ENVIRONMENT", "FILES"] {
            assert!(text.contains(&format!(".SH {section}\n")), "{page} has no {section}: {text}");
        }
        assert!(text.contains("the ledger is locked by another run"), "{page}");
        assert!(!text.contains("help(1)"), "{page} names a page that is not there");
        // Every option is explained, and stands in the synopsis with its value.
        let text = text.replace("\\-", "-").replace("\\fB", "").replace("\\fI", "").replace("\\fR", "");
        for (option, value) in [
            ("--lock-timeout", " DURATION"),
            ("--no-wait", ""),
            ("--now", " TIME"),
            ("-C, --directory", " DIR"),
        ] {
            let name = option.rsplit(' ').next().unwrap();
            assert!(text.contains(&format!("[{name}{value}]")), "{page}: {name} in {text}");
            let (_, said) = text.split_once(&format!("\n.TP\n{option}")).expect(option);
            let explained = said.lines().nth(1).unwrap();
            assert!(
                explained.len() > 20 && !explained.starts_with('.'),
                "{page}: {option} is not explained: {said}"
            );
        }
    }
}

/// Returns what bash offers for the last word of a line: it runs the script that `completions` prints.
fn offered(site: &Site, line: &[&str]) -> Vec<String> {
    let tool = env!("CARGO_BIN_EXE_campaignctl");
    let directory = tool.rsplit_once('/').unwrap().0;
    let words: Vec<String> = line.iter().map(|word| format!("'{word}'")).collect();
    let words = words.join(" ");
    let script = format!(
        "source <(campaignctl completions bash)\nCOMP_WORDS=(campaignctl {words})\nCOMP_CWORD={}\nCOMP_TYPE=9\n\
         complete -p campaignctl | grep -q . || exit 1\n_clap_complete_campaignctl campaignctl \"${{COMP_WORDS[COMP_CWORD]}}\"\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"\n",
        line.len()
    );
    let plain = site.command(&[]);
    let mut bash = Command::new("bash");
    bash.args(["--norc", "-c", &script])
        .current_dir(site.path(""))
        .env_clear()
        .envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .env("PATH", format!("{directory}:/usr/local/bin:/usr/bin:/bin"));
    let ran = Ran::of(&bash.output().unwrap()).exits(0);
    assert_eq!(ran.stderr, "", "completion says nothing");
    ran.stdout.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
}

#[test]
fn bash_offers_environments_campaigns_and_batches_in_doubt() {
    let vendor = Vendor::start();
    let site =
        Site::remote(&vendor.url(), 20, "  other: { app_id: B, workspace_id: w, endpoint: sandbox }\n");
    site.edit("campaigns/campaignctl.yaml", "concurrency: 4", "concurrency: 1");
    vendor.sandbox.inject(Fault { kind: FaultKind::DropAfter, times: 1, after: 1 });
    site.apply().exits(10);
    site.write(
        "campaigns/d.yaml",
        "campaigns:\n  later: { template: t, audience: a, strategy: s, expires_after: 1h }\n",
    );
    assert_eq!(offered(&site, &["-e", ""]), ["other", "remote"]);
    assert_eq!(offered(&site, &["plan", "-e", "o"]), ["other"]);
    assert!(offered(&site, &["pl"]).contains(&"plan".to_owned()));
    assert_eq!(offered(&site, &["plan", "--only", "la"]), ["later"]);
    assert_eq!(offered(&site, &["apply", "--except", ""]), ["hello", "later"]);
    // What was sent, for what asks the ledger.
    assert_eq!(offered(&site, &["status", ""])[0], "hello");
    assert!(!offered(&site, &["-e", "other", "status", ""]).contains(&"hello".to_owned()));
    let doubts = site.run(&["doubt", "list", "--json"]).exits(0).json();
    assert_eq!(offered(&site, &["doubt", "mark", ""])[0], doubts[0]["intent"].to_string());
    // From elsewhere, by the option that says where.
    std::fs::rename(site.path("campaigns"), site.path("pushes")).unwrap();
    assert_eq!(offered(&site, &["-e", ""]), [""; 0], "no workspace, nothing to offer");
    assert_eq!(offered(&site, &["-C", "pushes", "-e", "r"]), ["remote"]);
}

#[test]
fn a_moment_without_a_zone_is_told_the_form() {
    let site = Site::with_samples();
    let mut command = site.command(&["plan", "--now", "2026-12-01"]);
    Ran::of(&command.output().unwrap())
        .exits(3)
        .warns("a moment has a date, a time and a zone: `2026-12-01T09:00:00+08:00`");
    site.run(&["plan", "--now", "2026-12-01T09:00:00+08:00"]).exits(0);
}

/// Every line fits, unless one of its words, or a command to be copied, does not; and no word is cut.
fn fits(text: &str, columns: usize, piped: &str, of: &[&str]) {
    let words = |text: &str| -> BTreeSet<String> {
        text.split_whitespace().map(|word| word.trim_matches(['`', '.', ',', ';']).to_owned()).collect()
    };
    for word in words(piped).iter().filter(|word| word.len() > 20) {
        assert!(words(text).contains(word), "{of:?} at {columns} cuts {word}: {text}");
    }
    for line in text.lines().filter(|line| line.chars().count() > columns) {
        let longest = line.split_whitespace().map(|word| word.chars().count()).max().unwrap_or_default();
        let indent = line.len() - line.trim_start().len();
        assert!(indent + longest + 4 > columns || line.contains('`'), "{of:?} at {columns}: {line}");
    }
}

#[test]
fn at_a_terminal_lines_break_between_words_and_never_within_one() {
    let site = Site::with_samples();
    site.apply().exits(0);
    let at = |words: &[&str], columns: Option<&str>| {
        let mut command = site.command(words);
        if let Some(columns) = columns {
            command.env("COLUMNS", columns);
        }
        Ran::of(&command.output().unwrap())
    };
    for words in [
        &["explain", "payday-2026-12"][..],
        &["explain", "unknown-name"],
        &["explain"],
        &["history"],
        &["status"],
        &["plan"],
        &["status", "nobody-of-that-name"],
        &["plan", "--now", "2026-12-01", "--only", "nobody-of-that-name"],
        &["-e", "production-of-another-name", "plan"],
    ] {
        let piped = at(words, None);
        for columns in [40, 80] {
            let shown = at(words, Some(&columns.to_string()));
            fits(&shown.stdout, columns, &piped.stdout, words);
            if !shown.stderr.contains("Usage") && !shown.stderr.starts_with("error: invalid") {
                fits(&shown.stderr, columns, &piped.stderr, words);
            }
        }
        assert!(!piped.stderr.contains("\n    "), "a pipe is not wrapped: {}", piped.stderr);
    }
}
