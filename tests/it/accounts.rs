//! What a report and a plan say is what the ledger has: where the disk dies, where the vendor goes quiet, and where the
//! audience is not what it was.

use campaignctl::apply::{Report, Stop};
use campaignctl::domain::CallChoice;
use campaignctl::mpaas::RejectClass;

use crate::laws::{Fate, Sketch, Vendor, desired_by, execute, make_plan, new_ledger, open, run};

fn sketch(targets: u16) -> Vec<Sketch> {
    vec![("c".to_owned(), 1, "a".to_owned(), (0..targets).collect())]
}

/// A vendor that does with requests what the script says, in order, and then accepts.
fn scripted(script: impl IntoIterator<Item = Fate>) -> Vendor {
    let vendor = Vendor::default();
    let mut script: Vec<Fate> = script.into_iter().collect();
    script.reverse();
    *vendor.script.lock().unwrap() = script;
    vendor
}

fn counts(report: &Report) -> [u64; 4] {
    let tally = report.tally();
    [tally.accepted, tally.rejected, tally.unknown, tally.not_attempted]
}

#[test]
fn wherever_the_disk_dies_the_report_counts_as_the_ledger_does() {
    let throttled = Fate::Refuse(RejectClass::Throttled);
    let mut rejected_at_the_end = 0;
    for appends_left in 0..10 {
        let (backend, vendor) = (new_ledger(), scripted([throttled, throttled]));
        let desired = desired_by(CallChoice::Template, &sketch(7));
        let (_, report) = run(&desired, &backend, &vendor, appends_left);
        let ledger = open(&backend).ledger;
        let mut expected = [0, 0, 0, 7];
        for (_, _, history) in ledger.histories() {
            let known = [history.accepted.len(), history.rejected.len() as u64, history.unknown.len() as u64];
            expected = [known[0], known[1], known[2], 7 - known.iter().sum::<u64>()];
        }
        assert_eq!(counts(&report), expected, "{appends_left} durable steps: {report:?}");
        let refused: u64 = report
            .campaigns
            .iter()
            .flat_map(|campaign| &campaign.refusals)
            .map(|refusal| refusal.targets)
            .sum();
        assert_eq!(refused, expected[1], "what was rejected is listed with its code");
        rejected_at_the_end += expected[1];
    }
    assert!(rejected_at_the_end > 0, "no disk died between a rejection and the next try");
}

#[test]
fn ten_requests_in_a_row_without_an_answer_stop_the_run_and_an_answer_begins_anew() {
    let lost = |count: usize| std::iter::repeat_n(Fate::LoseBeforeTaking, count);
    let end = |script: Vec<Fate>| {
        let (backend, vendor) = (new_ledger(), scripted(script));
        let mut desired = desired_by(CallChoice::Template, &sketch(200));
        desired.scope.environment.concurrency = 1.try_into().unwrap();
        let (_, report) = run(&desired, &backend, &vendor, u32::MAX);
        (counts(&report), matches!(report.stop, Some(Stop::Doubts)))
    };
    // The next one may have left before the tenth was on record.
    let (counts, is_stopped) = end(lost(20).collect());
    assert!(is_stopped && matches!(counts, [0, 0, 100..=120, 80..=100]), "{counts:?}");
    let twice_nine = lost(9).chain([Fate::Accept]).chain(lost(9)).collect();
    assert_eq!(end(twice_nine), ([20, 0, 180, 0], false));
    let ten_at_last = lost(9).chain([Fate::Accept]).chain(lost(10)).collect();
    assert_eq!(end(ten_at_last), ([10, 0, 190, 0], true));
}

#[test]
fn who_left_the_audience_after_the_plan_was_made_is_counted() {
    let (backend, vendor) = (new_ledger(), Vendor::default());
    let plan = make_plan(&desired_by(CallChoice::Template, &sketch(30)), &open(&backend).ledger);
    let fewer = desired_by(CallChoice::Template, &sketch(17));
    let (_, report) = execute(plan, &fewer, &backend, &vendor, u32::MAX);
    assert_eq!(counts(&report), [17, 0, 0, 13]);
    let obstacle = report.campaigns[0].obstacle.as_deref();
    assert_eq!(obstacle, Some("13 of its targets left the audience while the plan was executed"));
    let whole = make_plan(&desired_by(CallChoice::Template, &sketch(30)), &open(&backend).ledger);
    let (_, report) =
        execute(whole, &desired_by(CallChoice::Template, &sketch(30)), &backend, &vendor, u32::MAX);
    assert_eq!((counts(&report), report.campaigns[0].obstacle.as_deref()), ([13, 0, 0, 0], None));
}

#[test]
fn a_plan_gives_the_reasons_that_there_are_and_no_others() {
    let backend = new_ledger();
    let reason = |targets: u16| {
        let desired = desired_by(CallChoice::Template, &sketch(targets));
        make_plan(&desired, &open(&backend).ledger).document.changes[0].reason.clone()
    };
    let refused = [Fate::Accept, Fate::Refuse(RejectClass::Content)];
    let mut desired = desired_by(CallChoice::Template, &sketch(20));
    desired.scope.environment.concurrency = 1.try_into().unwrap();
    let (_, report) = run(&desired, &backend, &scripted(refused), u32::MAX);
    assert_eq!(counts(&report), [10, 10, 0, 0]);
    // Of the rejected, who is still listed; of the rest, who is new.
    assert_eq!(reason(20), "10 of 20 still to send, 10 rejected before (`X`: no)");
    assert_eq!(reason(14), "4 of 14 still to send, 4 rejected before (`X`: no)");
    assert_eq!(reason(23), "10 of 23 still to send, 3 of 23 joined, 10 rejected before (`X`: no)");
    let (_, report) = run(&desired, &backend, &Vendor::default(), u32::MAX);
    assert_eq!(counts(&report), [10, 0, 0, 0]);
    // The last rejection stays on record, and is no reason any more.
    assert!(open(&backend).ledger.histories().all(|(_, _, history)| history.last_rejection.is_some()));
    assert_eq!(reason(23), "3 of 23 joined");
    let (_, report) = run(
        &desired_by(CallChoice::Template, &sketch(22)),
        &backend,
        &scripted([Fate::LoseAfterTaking]),
        u32::MAX,
    );
    assert_eq!(counts(&report), [0, 0, 2, 0]);
    assert_eq!(reason(23), "1 of 23 joined, 2 in doubt, not sent again");
}
