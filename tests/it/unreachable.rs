//! A vendor that cannot be reached: the run ends after a few tries, names the cause, and leaves nothing in doubt.

use std::net::{Ipv4Addr, TcpListener};

use campaignctl::sandbox::{Fault, FaultKind};

use crate::misfortune::{Vendor, account};
use crate::site::Site;

/// An endpoint that refuses connections.
fn closed_port() -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    format!("127.0.0.1:{}", listener.local_addr().unwrap().port())
}

/// How many batches the ledger has that met no connection.
fn tries(site: &Site) -> usize {
    let export = site.run(&["ledger", "export"]).exits(0).stdout;
    export.lines().filter(|line| line.contains("connection refused by")).count()
}

#[test]
fn a_vendor_that_refuses_connections_ends_the_run_after_three_tries_with_nothing_in_doubt() {
    let host = closed_port();
    let site = Site::remote(&format!("http://{host}"), 100, "");
    let applied = site.apply().exits(5);
    let cause = format!("Stopped early: connection refused by `{host}`");
    assert!(applied.stdout.contains(&cause), "{}", applied.stdout);
    let report = applied.stdout.split_once(&cause).unwrap().1;
    assert!(report.contains("help: check the environment's `endpoint`"), "{report}");
    assert!(report.contains("hello@1  100 not sent"), "the cause comes first: {report}");
    assert!(report.contains(": 0 accepted, 0 rejected, 0 in doubt, 100 not sent."), "{report}");
    assert_eq!(account(&site), (0, 0, 0));
    // Three tries over the whole run, four batches at a time each, and those on their way then: not three for each of ten.
    assert!((3..=3 * 4 + 4).contains(&tries(&site)), "{} tries", tries(&site));
    let history = site.run(&["history"]).exits(0).says(&cause["Stopped early: ".len()..]);
    history.says("0 accepted, 0 rejected, 0 in doubt, 100 not sent");
    site.run(&["plan"]).exits(0).says("1 to push (100 targets in 10 requests)");
}

#[test]
fn a_host_without_an_address_is_named() {
    let site = Site::remote("https://vendor.invalid", 5, "");
    let mut command = site.command(&["apply", "--auto-approve"]);
    command.env_remove("CAMPAIGNCTL_NOW");
    let applied = crate::site::Ran::of(&command.output().unwrap()).exits(5);
    applied.says("Stopped early: unknown host `vendor.invalid`").says("5 not sent");
}

#[test]
fn a_vendor_that_comes_back_gets_everything_once() {
    let vendor = Vendor::start();
    let site = Site::remote(&vendor.url(), 100, "");
    let (endpoint, host) = (vendor.url(), closed_port());
    site.edit("campaigns/campaignctl.yaml", &endpoint, &format!("http://{host}"));
    site.apply().exits(5);
    site.edit("campaigns/campaignctl.yaml", &format!("http://{host}"), &endpoint);
    site.apply().exits(0).says("100 accepted");
    assert_eq!(account(&site), (100, 0, 0));
    assert!(vendor.disturbed_twice().is_empty());
}

#[test]
fn history_has_the_numbers_of_the_runs_own_report_and_calls_retries_attempts() {
    let vendor = Vendor::start();
    let site = Site::remote(&vendor.url(), 50, "");
    site.edit("campaigns/campaignctl.yaml", "concurrency: 4", "concurrency: 1");
    vendor.sandbox.inject(Fault {
        kind: FaultKind::Throttle { retry_after_ms: Some(1) },
        times: 2,
        after: 1,
    });
    vendor.sandbox.inject(Fault { kind: FaultKind::DropAfter, times: 1, after: 2 });
    let report = site.run(&["apply", "--auto-approve", "--json"]).exits(10).json();
    let history = site.run(&["history", "--json"]).exits(0).json();
    for key in ["accepted", "rejected", "in_doubt", "not_attempted"] {
        assert_eq!(report[key], history[0][key], "{key}: {report}\n{history}");
    }
    assert_eq!(history[0]["batches"], 5);
    let attempts = history[0]["attempts"].as_u64().unwrap();
    assert!(attempts > 5, "{history}");
    let retries = if attempts == 6 { "1 retry".to_owned() } else { format!("{} retries", attempts - 5) };
    site.run(&["history"]).exits(0).says(&format!("5 batches in {attempts} attempts: {retries}"));
}
