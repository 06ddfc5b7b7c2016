//! A campaign that gets another name is to the ledger one that was never sent: nobody gets it twice for that.

use campaignctl::sandbox::{Fault, FaultKind};

use crate::misfortune::Vendor;
use crate::site::Site;
use crate::still_waiting::{FILE, scheduled};

#[test]
fn a_new_name_sends_nothing_again() {
    for strategy in [
        "send: now",
        "send: once, at: 2026-12-15T09:00:00+08:00",
        "send: repeat, every: day, time: \"09:00:00\", from: 2026-11-25, until: 2026-11-27",
    ] {
        let site = scheduled(strategy);
        site.edit(FILE, "  hello:", "  new:");
        let received = site.received().len();
        // Somebody new in the audience makes it no other campaign.
        site.edit(FILE, "[u1, u2]", "[u0, u2, u3]");
        // What the vendor has of a campaign that is gone comes first: somebody has to look at it.
        let code = if strategy == "send: now" { 6 } else { 2 };
        let plan = site.run(&["plan", "--detailed-exitcode"]).exits(code).says("! blocked new");
        plan.says(
            "1 of its targets already got the same from `hello`, which is no longer in the files [renamed]",
        )
        .says("rename it back to `hello`");
        // Status agrees with the plan.
        let status = site.run(&["status"]).exits(0).says(" blocked ");
        status.says("note: `new@1`: 1 of its targets already got the same from `hello`");
        site.apply().exits(6);
        assert_eq!(site.received().len(), received, "{strategy}");
        site.edit(FILE, "  new:", "  hello:");
        site.run(&["plan"]).exits(0).says("+ add hello").says("2 of 3 joined");
    }
}

#[test]
fn two_campaigns_that_say_the_same_are_two_while_both_are_declared() {
    let site = scheduled("send: now");
    let old = "  hello: { template: t, audience: a, strategy: s, expires_after: 1h }\n";
    let new = old.replace("hello", "new");
    site.edit(FILE, old, &format!("{old}{new}"));
    site.run(&["plan"]).exits(0).says("+ create new");
    site.apply().exits(0).says("2 accepted");
    // What was sent under its name stays what it is, also once the other one is gone.
    site.edit(FILE, old, "");
    site.edit(FILE, "[u1, u2]", "[u1, u2, u3]");
    site.run(&["plan"]).exits(0).says("+ add new").says("1 of 3 joined");
}

#[test]
fn what_says_something_else_or_to_others_is_a_new_campaign() {
    for (from, to) in [("title: T", "title: U"), ("[u1, u2]", "[u3]"), ("users:", "ios_devices:")] {
        let site = scheduled("send: now");
        site.edit(FILE, "  hello:", "  new:");
        site.edit(FILE, from, to);
        site.run(&["plan"]).exits(0).says("+ create new");
    }
}

#[test]
fn who_may_have_got_it_is_held_back_as_well_and_who_was_refused_is_not() {
    for (kind, is_held) in
        [(FaultKind::DropAfter, true), (FaultKind::DropBefore, true), (FaultKind::SignatureRefused, false)]
    {
        let vendor = Vendor::start();
        let site = Site::remote(&vendor.url(), 10, "");
        vendor.sandbox.inject(Fault { kind, times: 1, after: 0 });
        assert_ne!(site.apply().code, Some(0));
        site.edit(FILE, "  hello:", "  goodbye:");
        let plan = site.run(&["plan"]).exits(0);
        plan.says(if is_held { "! blocked goodbye" } else { "+ create goodbye" });
    }
}
