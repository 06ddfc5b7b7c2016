//! Reports for forges: of every mistake there is, as their formats have it.

use std::fs;

use campaignctl::render::diagnostic::{gitlab, sarif};
use serde_json::Value;

use crate::corpus;
use crate::forge;
use crate::site::Site;

#[test]
fn every_mistake_makes_a_sarif_log_that_its_schema_takes() {
    let Some(directory) = forge::mock() else { return };
    let text = fs::read_to_string(directory.join("sarif.json")).unwrap();
    // Its pattern of a language is no regular expression: it closes a bracket that it never opens.
    let schema: Value = serde_json::from_str(&text.replace("{2}]?$", "{2}?$")).unwrap();
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
    let everything = corpus::all_mistakes();
    assert!(everything.len() > 60);
    for mistakes in everything {
        let log: Value = serde_json::from_str(&sarif(&mistakes)).unwrap();
        let faults: Vec<String> =
            validator.iter_errors(&log).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
        assert!(faults.is_empty(), "{faults:?}");
        assert_eq!(log.pointer("/runs/0/results").unwrap().as_array().unwrap().len(), mistakes.len());
    }
    let wrong = serde_json::json!({ "version": "2.1.0", "runs": [{ "tool": {} }] });
    assert!(!validator.is_valid(&wrong), "the schema refuses nothing");
}

/// GitLab reads neither a report with something missing nor one with two fingerprints alike.
#[test]
fn every_mistake_is_in_a_code_quality_report_by_a_fingerprint_of_its_own() {
    for mistakes in corpus::all_mistakes() {
        let report: Value = serde_json::from_str(&gitlab(&mistakes, "campaignctl.yaml")).unwrap();
        let rows = report.as_array().unwrap();
        assert_eq!(rows.len(), mistakes.len());
        let mut fingerprints: Vec<&str> =
            rows.iter().map(|row| row["fingerprint"].as_str().unwrap()).collect();
        fingerprints.sort_unstable();
        fingerprints.dedup();
        assert_eq!(fingerprints.len(), rows.len());
        for row in rows {
            assert!(["major", "minor"].contains(&row["severity"].as_str().unwrap()));
            assert!(row.pointer("/location/lines/begin").unwrap().as_u64().unwrap() >= 1);
            let path = row.pointer("/location/path").unwrap().as_str().unwrap();
            assert!(!path.starts_with("./") && !path.starts_with('/'), "{path}");
            assert!(
                !row["description"].as_str().unwrap().is_empty()
                    && !row["check_name"].as_str().unwrap().is_empty()
            );
        }
    }
}

#[test]
fn validate_prints_each_report_and_exits_by_what_is_wrong() {
    let site = Site::with_samples();
    assert_eq!(site.run(&["validate", "--format", "gitlab"]).exits(0).json(), serde_json::json!([]));
    let log = site.run(&["validate", "--format", "sarif"]).exits(0).json();
    assert_eq!(log.pointer("/runs/0/results").unwrap(), &serde_json::json!([]));
    site.write("campaigns/50% off.yaml", "campaigns:\n  x: { template: nothing }\n");
    let rows = site.run(&["validate", "--format", "gitlab"]).exits(3).json();
    assert_eq!(rows[0].pointer("/location/path").unwrap(), "campaigns/50% off.yaml");
    let log = site.run(&["validate", "--format", "sarif"]).exits(3).json();
    let place = "/runs/0/results/0/locations/0/physicalLocation/artifactLocation/uri";
    assert_eq!(log.pointer(place).unwrap(), "campaigns/50%25%20off.yaml");
}
