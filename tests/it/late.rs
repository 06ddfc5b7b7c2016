//! What passing time does to an apply: requests that leave late, times that come while it runs, and batches that are not
//! tried again.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use campaignctl::apply::Clock;
use campaignctl::domain::{CallChoice, Schedule};
use campaignctl::ledger::{Outcome, Record, Writer};
use campaignctl::mpaas::{NoConnection, RejectClass};
use campaignctl::resolve::Desired;
use campaignctl::sandbox::{Fault, FaultKind};
use campaignctl::state::{MemoryStore, Reader};
use chrono::{DateTime, TimeDelta, Utc};

use crate::doubt::resolve_at;
use crate::laws::{self, Fate, Vendor};
use crate::misfortune::{self, account};
use crate::site::{Site, campaign};

/// A clock that jumps once it was asked so often: the machine slept then.
fn sleeper(asked: i64, slept: TimeDelta) -> Clock {
    let left = AtomicI64::new(asked);
    Arc::new(move || {
        let is_early = left.fetch_sub(1, Ordering::Relaxed) > 0;
        laws::now() + if is_early { TimeDelta::zero() } else { slept }
    })
}

/// A campaign to so many targets, ten to a batch.
fn batches(targets: u16) -> Desired {
    let mut desired = laws::desired(&[("c".into(), 1, "b".into(), (0..targets).collect())]);
    desired.campaigns[0].campaign.call = CallChoice::Template;
    desired
}

fn four_batches() -> Desired {
    batches(35)
}

fn records(backend: &MemoryStore) -> Vec<(DateTime<Utc>, Record)> {
    let mut writer = Writer::default();
    let open = laws::open(backend);
    let entries = open.store.lines().map(|line| writer.decode(&line.unwrap()).unwrap());
    entries.map(|entry| (entry.at, entry.record)).collect()
}

#[test]
fn a_request_that_did_not_leave_soon_after_its_intent_gets_a_new_one() {
    // The run, the content and the intent are on record before it sleeps, in as many steps or fewer.
    for asked in 0..8 {
        for slept in [TimeDelta::hours(1), TimeDelta::hours(-1)] {
            let (backend, vendor) = (laws::new_ledger(), Vendor::default());
            let desired = four_batches();
            let plan = laws::make_plan(&desired, &laws::open(&backend).ledger);
            let clock = sleeper(asked, slept);
            let (_, report) = laws::execute_by(clock, plan, &desired, &backend, &vendor, u32::MAX);
            assert_eq!((report.tally().accepted, report.tally().total()), (35, 35), "{asked}");
            assert!(vendor.taken.lock().unwrap().values().all(|times| *times == 1));
            let (records, signed_at) = (records(&backend), vendor.signed_at.lock().unwrap());
            let mut accepted = 0;
            for (_, record) in &records {
                let Record::Outcome { intent, outcome } = record else { continue };
                let (intended_at, intent) = &records[usize::try_from(intent.0).unwrap() - 1];
                match (outcome, intent) {
                    (Outcome::Accepted { .. }, Record::Intent(intent)) => {
                        let waited = signed_at[&intent.task_name] - *intended_at;
                        assert!(waited.abs() <= TimeDelta::minutes(2), "{asked}: {waited}");
                        accepted += 1;
                    }
                    (Outcome::Rejected { code, .. }, _) => assert_eq!(code, "NotSent"),
                    _ => panic!("{record:?}"),
                }
            }
            assert_eq!(accepted, 4);
        }
    }
}

#[test]
fn a_request_may_leave_until_two_minutes_after_its_intent() {
    for (slept, is_held_back) in [(119, false), (121, true)] {
        let mut held_back = 0;
        for asked in 0..8 {
            let (backend, vendor) = (laws::new_ledger(), Vendor::default());
            let desired = four_batches();
            let plan = laws::make_plan(&desired, &laws::open(&backend).ledger);
            let clock = sleeper(asked, TimeDelta::seconds(slept));
            let (_, report) = laws::execute_by(clock, plan, &desired, &backend, &vendor, u32::MAX);
            assert_eq!(report.tally().accepted, 35, "{slept}, {asked}");
            let is_not_sent =
                |record: &Record| matches!(record, Record::Outcome { outcome: Outcome::Rejected { .. }, .. });
            held_back += records(&backend).iter().filter(|(_, record)| is_not_sent(record)).count();
        }
        assert_eq!(held_back > 0, is_held_back, "{slept}");
    }
}

#[test]
fn a_batch_that_finds_no_connection_is_tried_twice_more() {
    for (failures, accepted) in [(2, 5), (3, 0)] {
        let (backend, vendor) = (laws::new_ledger(), Vendor::default());
        *vendor.script.lock().unwrap() =
            vec![Fate::Refuse(RejectClass::Unreachable(NoConnection::Refused)); failures];
        let (_, report) = laws::run(&batches(5), &backend, &vendor, u32::MAX);
        let tally = report.tally();
        assert_eq!((tally.accepted, tally.rejected, tally.not_attempted), (accepted, 0, 5 - accepted));
    }
}

#[test]
fn nothing_leaves_once_its_time_has_come() {
    for asked in 0..8 {
        let (backend, vendor) = (laws::new_ledger(), Vendor::default());
        let mut desired = four_batches();
        desired.campaigns[0].campaign.schedule = Schedule::Once { at: laws::now() + TimeDelta::minutes(1) };
        let plan = laws::make_plan(&desired, &laws::open(&backend).ledger);
        // Shorter than an intent may be old.
        let clock = sleeper(asked, TimeDelta::seconds(61));
        let (_, report) = laws::execute_by(clock, plan, &desired, &backend, &vendor, u32::MAX);
        let taken = vendor.taken.lock().unwrap().len() as u64;
        let tally = report.tally();
        assert_eq!((tally.accepted, tally.accepted + tally.not_attempted), (taken, 35), "{asked}");
        assert!(taken < 35, "{asked}: the clock stands at the time long before the last request");
        let obstacle = report.campaigns[0].obstacle.as_deref();
        assert_eq!(obstacle, Some("its time came before all of it was sent"), "{asked}");
    }
}

#[test]
fn a_batch_that_was_refused_and_is_not_tried_again_was_rejected() {
    let (backend, vendor) = (laws::new_ledger(), Vendor::default());
    // The first one that is throttled too often ends the run, while others wait to be tried again.
    *vendor.script.lock().unwrap() = vec![Fate::Refuse(RejectClass::Throttled); 100];
    let desired = batches(400);
    let (_, report) = laws::run(&desired, &backend, &vendor, u32::MAX);
    let throttled: std::collections::BTreeSet<u32> = {
        let records = records(&backend);
        let batch = |intent: u64| match &records[usize::try_from(intent).unwrap() - 1].1 {
            Record::Intent(intent) => intent.batch,
            other => panic!("{other:?}"),
        };
        let outcomes = records.iter().filter_map(|(_, record)| match record {
            Record::Outcome { intent, outcome: Outcome::Rejected { code, .. } } if code == "X" => {
                Some(batch(intent.0))
            }
            _ => None,
        });
        outcomes.collect()
    };
    assert!(throttled.len() > 1, "several were in flight");
    assert_eq!(report.tally().rejected, throttled.len() as u64 * 10);
    assert_eq!(report.tally().total(), 400);
}

/// The vendor's clock, which is set by hand.
fn vendor_at(now: &str) -> (misfortune::Vendor, Arc<Mutex<DateTime<Utc>>>) {
    let clock = Arc::new(Mutex::new(now.parse().unwrap()));
    let shared = Arc::clone(&clock);
    (misfortune::Vendor::with_clock(Arc::new(move || *shared.lock().unwrap())), clock)
}

#[test]
fn what_repeats_no_more_is_in_no_list_and_that_proves_nothing() {
    for kind in [FaultKind::DropAfter, FaultKind::DropBefore] {
        let (vendor, clock) = vendor_at(crate::site::NOW);
        let site = Site::remote(&vendor.url(), 5, "");
        // A Tuesday, ten minutes later, and never again, though its last day is days away.
        let weekly = "{ send: repeat, every: week, on: [tuesday], time: \"10:10:00\", from: 2026-11-24, until: 2026-11-29 }";
        site.edit("campaigns/c.yaml", "{ send: now }", weekly);
        vendor.sandbox.inject(Fault { kind, times: 1, after: 0 });
        site.apply().exits(10);
        let later = "2026-11-24T10:09:30+08:00";
        *clock.lock().unwrap() = later.parse().unwrap();
        // So shortly before it nobody knows whether the vendor still lists it.
        resolve_at(&site, later, &["--settle", "0s", "--dry-run"]).exits(10);
        let later = "2026-11-24T10:50:00+08:00";
        *clock.lock().unwrap() = later.parse().unwrap();
        resolve_at(&site, later, &["--settle", "0s"]).exits(10).says("its time is over");
        assert_eq!(account(&site), (0, 0, 5));
    }
}

#[test]
fn a_revision_that_was_superseded_is_sent_to_nobody_any_more() {
    let vendor = misfortune::Vendor::start();
    let site = Site::remote(&vendor.url(), 1, "");
    site.apply().exits(0);
    let two = campaign("hello", 2);
    site.write("campaigns/c.yaml", &two.replace("call: template", "revision: 2, call: template"));
    site.apply().exits(0).says("2 accepted");
    // Somebody takes the second revision back; the second user never got the first.
    site.write("campaigns/c.yaml", &two);
    site.run(&["plan"]).exits(0).says("revision 1 is older than revision 2, which was already sent");
    site.apply();
    assert_eq!(vendor.calls(), 2);
}
