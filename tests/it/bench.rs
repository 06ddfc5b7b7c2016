//! `scripts/bench`: every measurement still works, and the page says what was measured. Nothing here is timed.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn python(script: &str, arguments: &[&str]) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/bench").join(script);
    Command::new("python3").arg(script).args(arguments).output().unwrap()
}

#[test]
fn every_measurement_works_at_a_tiny_size() {
    let ran = python("run.py", &["--smoke", "--binary", env!("CARGO_BIN_EXE_campaignctl")]);
    let said = String::from_utf8(ran.stdout).unwrap();
    assert!(ran.status.success(), "{said}\n{}", String::from_utf8_lossy(&ran.stderr));
    let figures: Value = serde_json::from_str(&said[said.find("\n{").unwrap()..]).unwrap();
    let cpu = |pointer: &str| figures.pointer(pointer).and_then(|found| found["cpu"].as_f64());
    for measured in [
        "/validate/3/campaignctl",
        "/plan/3/campaignctl",
        "/audience/1000/campaignctl",
        "/start/version",
        "/start/plan of one",
    ] {
        assert!(cpu(measured).is_some_and(|seconds| seconds > 0.0), "{measured} in {figures}");
    }
    assert_eq!(figures["apply"]["targets"], 100);
    assert!(
        figures["apply"]["ledger_bytes_a_target"].as_f64().is_some_and(|bytes| bytes > 16.0),
        "{figures}"
    );
}

#[test]
fn the_page_says_what_was_measured() {
    let ran = python("report.py", &["--check"]);
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stdout));
}
