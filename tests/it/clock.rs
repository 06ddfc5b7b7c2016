//! Clocks that are wrong: this machine's against the vendor's, and the ledger's last record against both.

use chrono::{DateTime, TimeDelta, Utc};

use crate::site::{Ran, Site};
use crate::stub_vendor::StubVendor;

/// A date as HTTP has it, so far from this machine's.
#[expect(clippy::disallowed_methods, reason = "what is compared with it is the binary's own system clock")]
fn http_date(from_now: TimeDelta) -> String {
    (Utc::now() + from_now).format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Runs by the system's clock.
fn by_system(site: &Site, arguments: &[&str]) -> Ran {
    Ran::of(&site.command(arguments).env_remove("CAMPAIGNCTL_NOW").output().unwrap())
}

const APPLY: &[&str] = &["apply", "--auto-approve"];

/// A ledger that was made by the system's clock.
fn site(stub: &StubVendor) -> Site {
    let site = Site::remote(&stub.url(), 5, "");
    std::fs::remove_dir_all(site.path("campaigns/.campaignctl")).unwrap();
    std::fs::remove_file(site.path("campaigns/campaignctl.lock")).unwrap();
    by_system(&site, &["ledger", "init"]).exits(0);
    site
}

#[test]
fn nothing_is_written_by_a_clock_that_is_days_from_the_vendors() {
    for days in [-3, 3] {
        let stub = StubVendor::start();
        stub.dates(&http_date(TimeDelta::days(days)));
        let site = site(&stub);
        let before = by_system(&site, &["ledger", "export"]).exits(0).stdout;
        by_system(&site, APPLY).exits(6).warns("but the vendor's says").warns("nothing was sent or recorded");
        assert_eq!(by_system(&site, &["ledger", "export"]).stdout, before);
        assert!(stub.seen().is_empty());
        stub.dates(&http_date(TimeDelta::hours(23)));
        by_system(&site, APPLY).exits(0).says("5 accepted");
    }
}

#[test]
fn a_vendor_that_does_not_say_what_time_it_is_is_pushed_to() {
    let stub = StubVendor::start();
    by_system(&site(&stub), APPLY).exits(0).says("5 accepted");
}

#[test]
fn a_ledger_from_the_future_is_written_to_again_once_its_date_is_named_and_the_vendor_agrees() {
    let stub = StubVendor::start();
    let site = Site::remote(&stub.url(), 5, "");
    std::fs::remove_dir_all(site.path("campaigns/.campaignctl")).unwrap();
    std::fs::remove_file(site.path("campaigns/campaignctl.lock")).unwrap();
    let future = "2131-01-01T00:00:00Z";
    site.run_at(future, &["ledger", "init"]).exits(0);
    let warning = "the ledger's last record is of 2131-01-01 08:00";
    by_system(&site, &["plan"]).exits(0).warns(warning).warns("`apply` refuses");
    by_system(&site, APPLY).exits(6).warns(warning).warns(&format!("apply --ledger-ahead {future}"));
    let ahead = |date: &str| by_system(&site, &[APPLY, &["--ledger-ahead", date]].concat());
    ahead("2130-01-01T00:00:00Z").exits(6).warns(warning);
    // Nobody but the vendor can say which clock is right.
    ahead(future).exits(6).warns("the vendor did not say what time it is");
    stub.dates(&http_date(TimeDelta::hours(2)));
    ahead(future).exits(6).warns("but the vendor's says");
    assert!(stub.seen().is_empty());
    stub.dates(&http_date(TimeDelta::zero()));
    ahead(future).exits(0).says("5 accepted");
    // Its last record is of now: from here on nothing needs to be named.
    by_system(&site, APPLY).exits(0);
    ahead(future).exits(6).warns("only while that is still to come");
    by_system(&site, &["ledger", "verify"]).exits(0);
    assert_eq!(stub.reached().len(), 5);
    assert!(stub.reached().values().all(|times| *times == 1));
}

#[test]
fn a_doubt_from_the_future_is_not_resolved_by_what_is_not_listed() {
    use crate::stub_vendor::Reply;
    let stub = StubVendor::start();
    let site = Site::remote(&stub.url(), 5, "");
    site.edit("campaigns/c.yaml", "call: template", "call: multiple");
    stub.next("PushMultiple", Reply::silence().taken());
    let future: DateTime<Utc> = "2131-01-01T00:00:00Z".parse().unwrap();
    site.run_at(&future.to_rfc3339(), APPLY).exits(10);
    stub.usually("QueryPushAnalysisTaskList", |_| {
        Reply::json(r#"{"RequestId":"q","ResultCode":"OK","ResultContent":{"Data":[]}}"#)
    });
    let resolved = by_system(&site, &["doubt", "resolve"]);
    assert_ne!(resolved.code, Some(0), "{}{}", resolved.stdout, resolved.stderr);
    stub.dates(&http_date(TimeDelta::zero()));
    let last = by_system(&site, &["ledger", "export"]).exits(0).stdout;
    let last: serde_json::Value = serde_json::from_str(last.lines().last().unwrap()).unwrap();
    let last: DateTime<Utc> = last["at"].as_str().unwrap().parse().unwrap();
    let last = last.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    by_system(&site, &[APPLY, &["--ledger-ahead", &last]].concat()).exits(10);
    assert_eq!(stub.seen().iter().filter(|seen| seen.action == "PushMultiple").count(), 1);
}

#[test]
fn the_age_of_a_doubt_is_told_only_by_a_clock_that_is_within_a_quarter_of_an_hour_of_the_vendors() {
    use crate::stub_vendor::Reply;
    let stub = StubVendor::start();
    let site = site(&stub);
    site.edit("campaigns/c.yaml", "call: template", "call: multiple");
    stub.next("PushMultiple", Reply::silence().taken());
    by_system(&site, APPLY).exits(10);
    stub.usually("QueryPushAnalysisTaskList", |_| {
        Reply::json(r#"{"RequestId":"q","ResultCode":"OK","ResultContent":{"Data":[]}}"#)
    });
    let before = by_system(&site, &["ledger", "export"]).exits(0).stdout;
    let asked = stub.seen().len();
    for minutes in [-20, 20] {
        stub.dates(&http_date(TimeDelta::minutes(minutes)));
        for arguments in [&["doubt", "resolve"][..], &["doubt", "resolve", "--dry-run"]] {
            let ran = by_system(&site, arguments).exits(6);
            ran.warns("but the vendor's says").warns("Set this machine's clock");
        }
        // For an apply a day is near enough.
        by_system(&site, APPLY).exits(10);
    }
    assert_eq!(by_system(&site, &["ledger", "export"]).exits(0).stdout, before);
    assert_eq!(stub.seen().len(), asked);
    stub.dates(&http_date(TimeDelta::minutes(10)));
    by_system(&site, &["doubt", "resolve"]).exits(10);
    assert!(stub.seen().len() > asked);
}
