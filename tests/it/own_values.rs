//! The laws of values that are each target's own: over random rows, random vendors, and files that change.

use std::path::Path;

use campaignctl::resolve::Desired;
use campaignctl::{check, load, resolve, schema};
use proptest::prelude::*;
use proptest::sample::subsequence;

use crate::laws::{Vendor, execute, fates, make_plan, new_ledger, open, run, settle};

/// A workspace whose one campaign takes `name` from a file of these rows.
fn desired_of_rows(directory: &Path, rows: &[(u16, String)]) -> Desired {
    let lines: Vec<String> = rows.iter().map(|(target, value)| format!("u{target},{value}\n")).collect();
    for (name, text) in [
        (
            "campaignctl.yaml",
            "version: 1\nproject: laws\nenvironments: { sandbox: { app_id: APP, workspace_id: test, endpoint: \
             sandbox, requests_per_second: 10000, concurrency: 4 } }\n",
        ),
        (
            "c.yaml",
            "templates: { t: { name: T, title: \"Hi #name#\", body: Body } }\n\
             audiences: { a: { users: { file: a.csv, column: id } } }\nstrategies: { s: { send: now } }\n\
             campaigns: { c: { template: t, audience: a, strategy: s, values_from: { name: nick }, expires_after: 5m } }\n",
        ),
        ("a.csv", &format!("id,nick\n{}", lines.concat())),
    ] {
        std::fs::write(directory.join(name), text).unwrap();
    }
    let (workspace, mistakes) = load::workspace(directory, "", schema::shapes());
    assert_eq!(mistakes, []);
    let (checked, mistakes) = check::workspace(&workspace);
    assert_eq!(mistakes, []);
    resolve::desired(&checked, &"sandbox".parse().unwrap()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Whoever gets a push gets one, with the value that stood in its own row when that was planned: whatever rows come,
    /// go and change between applies, and however the vendor behaves.
    #[test]
    fn each_target_gets_the_value_of_its_own_row(
        rounds in prop::collection::vec(
            (subsequence((0..320).collect::<Vec<u16>>(), 1..320), fates(), any::<bool>()), 1..4
        ),
    ) {
        let (backend, vendor, directory) = (new_ledger(), Vendor::default(), tempfile::tempdir().unwrap());
        for (round, (targets, script, is_settled)) in rounds.into_iter().enumerate() {
            *vendor.script.lock().unwrap() = script;
            let known = vendor.values.lock().unwrap().clone();
            let mut rows: Vec<_> = targets.iter().map(|target| (*target, format!("n{target} of {round}"))).collect();
            // A row that stands there again says the same.
            rows.extend(rows.first().cloned());
            let desired = desired_of_rows(directory.path(), &rows);
            let (plan, report) = run(&desired, &backend, &vendor, u32::MAX);
            prop_assert_eq!(report.tally().total(), plan.document.summary.targets);
            if is_settled {
                settle(&backend, &vendor);
            }
            for (target, value) in vendor.values.lock().unwrap().iter() {
                let meant = format!("n{} of {round}", target.trim_start_matches('u'));
                prop_assert_eq!(value, known.get(target).unwrap_or(&meant), "{}", target);
            }
            prop_assert!(vendor.taken.lock().unwrap().values().all(|times| *times == 1));
        }
        prop_assert_eq!(vendor.values.lock().unwrap().len(), vendor.taken.lock().unwrap().len());
    }
}

#[test]
fn rows_that_change_while_a_plan_is_executed_are_not_sent() {
    let (backend, vendor, directory) = (new_ledger(), Vendor::default(), tempfile::tempdir().unwrap());
    let rows = |value: &str| (0..400).map(|target| (target, format!("{value} {target}"))).collect::<Vec<_>>();
    let desired = desired_of_rows(directory.path(), &rows("reviewed"));
    let reviewed = make_plan(&desired, &open(&backend).ledger);
    desired_of_rows(directory.path(), &rows("changed"));
    let (_, report) = execute(reviewed, &desired, &backend, &vendor, u32::MAX);
    let [campaign] = report.campaigns.as_slice() else { panic!("one campaign") };
    assert_eq!((campaign.tally.accepted, campaign.tally.not_attempted), (0, 400));
    assert!(campaign.obstacle.as_ref().unwrap().contains("not those that were reviewed"), "{campaign:?}");
    assert!(vendor.taken.lock().unwrap().is_empty());
}
