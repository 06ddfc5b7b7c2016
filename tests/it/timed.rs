//! `scripts/timed` at a small size: a campaign of a given time by `apply --wait`, by the real clock, and what the sandbox wrote down
//! of it. A million is run by hand: [docs/performance.md] has its figures.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn timed(binary: &Path, arguments: &[&str]) -> (String, Value) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/timed");
    let mut command = Command::new("python3");
    let output = command.arg("-B").arg(script).arg("--binary").arg(binary).args(arguments).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let summary = said.find("\n{").map(|start| serde_json::from_str(&said[start..]).unwrap());
    (said.clone() + &String::from_utf8_lossy(&output.stderr), summary.unwrap_or_default())
}

#[test]
fn none_of_thousands_is_pushed_before_the_time_and_all_are_after_it() {
    let (said, summary) =
        timed(Path::new(env!("CARGO_BIN_EXE_campaignctl")), &["--targets", "3000", "--lead", "4"]);
    assert_eq!(summary["holds"], true, "{said}");
    assert_eq!((&summary["targets"], &summary["requests"]), (&3000.into(), &30.into()), "{said}");
    // Otherwise nothing was put to the test.
    assert!(
        summary["waited_s"].as_f64().unwrap() > 0.0 && said.contains("none came before: looked"),
        "{said}"
    );
}

#[cfg(unix)]
#[test]
fn a_push_before_its_time_does_not_hold() {
    use std::os::unix::fs::PermissionsExt;

    // A tool whose clock is half a minute ahead.
    let directory = tempfile::tempdir().unwrap();
    let hasty = directory.path().join("campaignctl");
    let real = env!("CARGO_BIN_EXE_campaignctl");
    std::fs::write(
        &hasty,
        format!(
            "#!/bin/sh\n[ \"$1\" = apply ] && export CAMPAIGNCTL_LOOPBACK_IS_SANDBOX=1 CAMPAIGNCTL_NOW=$(date -u -d '+25 seconds' \
             +%Y-%m-%dT%H:%M:%SZ)\nexec '{real}' \"$@\"\n"
        ),
    )
    .unwrap();
    std::fs::set_permissions(&hasty, std::fs::Permissions::from_mode(0o755)).unwrap();
    let (said, summary) = timed(&hasty, &["--targets", "300", "--lead", "40"]);
    assert_eq!(summary["holds"], false, "{said}");
    assert!(summary["mismatch"].as_str().unwrap().contains("pushes came before their time"), "{said}");
}
