//! `scripts/soak` at a small size: an apply that is killed and meets faults, and the arithmetic after it. The law is the
//! crash loop's to prove; this one shows that the soak runs, and that it would say so if something did not add up.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn soak(binary: &Path, arguments: &[&str]) -> (Output, Value) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/soak");
    let ran = Command::new("python3")
        .arg("-B")
        .arg(script)
        .arg("--binary")
        .arg(binary)
        .args(arguments)
        .output()
        .unwrap();
    let said = String::from_utf8(ran.stdout.clone()).unwrap();
    let summary = said.find("\n{").map(|start| serde_json::from_str(&said[start..]).unwrap());
    (ran, summary.unwrap_or_default())
}

#[test]
fn a_killed_apply_adds_up() {
    adds_up(1500, "template");
}

#[test]
fn a_killed_apply_by_the_other_call_adds_up() {
    adds_up(30_000, "multiple");
}

fn adds_up(targets: u64, call: &str) {
    let count = targets.to_string();
    // Few in flight: what is left after the last kill is more than what it leaves in doubt.
    let few = ["--rate", "100", "--concurrency", "8"];
    let given =
        [&["--targets", &count, "--kills", "3", "--faults", "0.05", "--call", call][..], &few].concat();
    let (ran, summary) = soak(Path::new(env!("CARGO_BIN_EXE_campaignctl")), &given);
    assert!(
        ran.status.success(),
        "{}{}",
        String::from_utf8_lossy(&ran.stdout),
        String::from_utf8_lossy(&ran.stderr)
    );
    assert_eq!(summary["adds_up"], true);
    assert_eq!(summary["killed"], 3);
    assert_eq!(summary["call"], call);
    assert_eq!(summary["end"]["accepted"], targets);
    assert_eq!(summary["end"]["taken"], targets);
    assert_eq!(summary["end"]["in_doubt"], 0);
    // Otherwise nothing was put to the test.
    assert!(summary["after_kills"]["unsent"].as_u64().is_some_and(|targets| targets > 0), "{summary}");
    assert!(
        summary["after_the_run"]["batches_in_doubt"].as_u64().is_some_and(|batches| batches > 0),
        "{summary}"
    );
}

#[cfg(unix)]
#[test]
fn a_push_that_is_sent_twice_does_not_add_up() {
    use std::os::unix::fs::PermissionsExt;

    // A tool that takes what was sent for not sent: the next apply sends it again.
    let directory = tempfile::tempdir().unwrap();
    let liar = directory.path().join("campaignctl");
    let real = env!("CARGO_BIN_EXE_campaignctl");
    std::fs::write(
        &liar,
        format!(
            "#!/bin/sh\nfor word do shift; [ \"$word\" = sent ] && word=not-sent; set -- \"$@\" \"$word\"; done\n\
             exec '{real}' \"$@\"\n"
        ),
    )
    .unwrap();
    std::fs::set_permissions(&liar, std::fs::Permissions::from_mode(0o755)).unwrap();
    let given = ["--targets", "400", "--kills", "0", "--faults", "0.3", "--call", "template"];
    let (ran, summary) = soak(&liar, &given);
    assert_eq!(ran.status.code(), Some(1), "{summary}");
    assert_eq!(summary["adds_up"], false);
    assert!(
        summary["mismatch"].as_str().unwrap().starts_with("the sandbox took no target twice: "),
        "{summary}"
    );
}
