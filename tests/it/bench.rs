//! `scripts/bench`: every measurement still works, and the page says what was measured. Nothing here is timed.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn python(script: &str, arguments: &[&str]) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/bench").join(script);
    Command::new("python3").arg("-B").arg(script).args(arguments).output().unwrap()
}

#[test]
fn every_measurement_works_at_a_tiny_size() {
    let ran = python("run.py", &["--smoke", "--binary", env!("CARGO_BIN_EXE_campaignctl")]);
    let said = String::from_utf8(ran.stdout).unwrap();
    assert!(ran.status.success(), "{said}\n{}", String::from_utf8_lossy(&ran.stderr));
    let figures: Value = serde_json::from_str(&said).unwrap();
    let number = |pointer: &str, key: &str| figures.pointer(pointer).and_then(|found| found[key].as_f64());
    for measured in [
        "/files/3/validate",
        "/files/3/plan",
        "/audience/1000/plan",
        "/audience/1000/plan beside as many sent",
        "/audience/1000/status of as many sent",
        "/formats/found/text",
        "/formats/found/CSV",
        "/formats/found/JSON Lines",
        "/formats/found/text, gzip",
        "/memory/found/300",
        "/start/version",
        "/start/plan of one",
    ] {
        assert!(number(measured, "cpu").is_some_and(|seconds| seconds > 0.0), "{measured} in {figures}");
        assert!(number(measured, "megabytes").is_some_and(|size| size > 1.0), "{measured} in {figures}");
    }
    // Half of the 980 ids were sent to.
    assert_eq!(figures["audience"]["1000"]["new"], 500, "{figures}");
    assert!(number("/audience/1000", "ledger_bytes_a_target").is_some_and(|bytes| bytes > 16.0), "{figures}");
    assert!(number("/cost/template", "requests_per_second").is_some_and(|rate| rate > 1.0), "{figures}");
    assert!(number("/rate/20", "apply").is_some_and(|rate| rate > 1.0), "{figures}");
    let stores = &figures["stores"];
    let kinds =
        if crate::shared_ledger::Servers::running().is_some() { &["PostgreSQL", "S3"][..] } else { &["S3"] };
    for kind in kinds {
        assert!(stores["rate"][format!("{kind} 5")].as_f64().is_some_and(|rate| rate > 1.0), "{stores}");
        assert!(stores["cost"][kind].as_f64().is_some(), "{stores}");
        for work in ["move", "status", "plan", "plan, cached"] {
            assert!(
                stores["large"][kind][work]["wall"].as_f64().is_some_and(|seconds| seconds > 0.0),
                "{stores}"
            );
        }
        assert!(
            stores["runners"][kind]["together"].as_f64().is_some_and(|seconds| seconds > 0.0),
            "{stores}"
        );
    }
}

#[test]
fn the_page_says_what_was_measured() {
    let ran = python("report.py", &["--check"]);
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}
