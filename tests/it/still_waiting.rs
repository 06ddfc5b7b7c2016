//! What the vendor holds for a time to come, while the files have moved on, and who has got a push already: nobody gets
//! it twice because nobody was told.

use crate::site::{Ran, Site};

const PROJECT: &str = "version: 1\nproject: p\ndefault_environment: sandbox\nenvironments:\n  sandbox: { app_id: A, \
                       workspace_id: w, endpoint: sandbox }\n";

pub(crate) const FILE: &str = "campaigns/c.yaml";

/// Two users get it once, on the 15th at nine, and it was applied.
pub(crate) fn scheduled(strategy: &str) -> Site {
    let campaign = format!(
        "templates:\n  t: {{ name: t, title: T, body: B }}\naudiences:\n  a:\n    users: [u1, u2]\nstrategies:\n  \
         s: {{ {strategy} }}\ncampaigns:\n  hello: {{ template: t, audience: a, strategy: s, expires_after: 1h }}\n"
    );
    let site = Site::with(PROJECT, &campaign);
    site.apply().exits(0).says("2 accepted");
    site
}

fn once() -> Site {
    scheduled("send: once, at: 2026-12-15T09:00:00+08:00")
}

const WAITS: &str =
    "    revision 1 waits at the vendor for 2026-12-15 09:00 and will still be sent to 2 people\n";

fn raise(site: &Site, keys: &str) {
    site.edit(FILE, "expires_after: 1h }", &format!("expires_after: 1h, {keys} }}"));
}

fn waiting(plan: &Ran) -> serde_json::Value {
    plan.json()["waiting"].clone()
}

#[test]
fn a_changed_time_says_that_the_old_one_still_stands() {
    let site = once();
    site.edit(FILE, "12-15T", "12-16T");
    site.run(&["plan"])
        .exits(0)
        .says("! blocked hello")
        .says(WAITS)
        .says("or delete its tasks in the mPaaS console, then raise `revision` to 2 with `withdrawn: 1`");
    let entry = serde_json::json!([{
        "campaign": "hello", "revision": 1, "recipients": "users",
        "schedule": { "send": "once", "at": "2026-12-15T01:00:00Z" },
        "targets": 2, "in_doubt": 0, "standing": "changed",
    }]);
    assert_eq!(waiting(&site.run(&["plan", "--json"])), entry);
    // Once it was sent, the help is what it always was: another time means to send it again.
    let later = site.run_at("2026-12-15T09:00:00+08:00", &["plan"]).exits(0);
    assert!(!later.stdout.contains("waits"), "{}", later.stdout);
    later.says("raise `revision` to 2 to send it to the whole audience again");
}

#[test]
fn a_new_revision_is_held_until_the_file_says_that_the_old_one_was_deleted() {
    let site = once();
    site.edit(FILE, "12-15T", "12-16T");
    raise(&site, "revision: 2");
    site.run(&["plan", "--detailed-exitcode"])
        .exits(2)
        .says("! blocked hello@2")
        .says("[still-waiting]")
        .says(WAITS)
        .says("then set `withdrawn: 1`");
    site.apply().exits(6);
    assert_eq!(site.run(&["status", "--json"]).json()["campaigns"].as_array().unwrap().len(), 1);
    site.edit(FILE, "revision: 2", "revision: 2, withdrawn: 1");
    site.run(&["plan", "--out", "plan.json"]).exits(0).says("+ create hello@2").says("withdrawn in the file");
    site.run(&["show", "plan.json"]).exits(0).says("withdrawn in the file");
    // What was withdrawn would have been sent in the meantime: the plan is what was reviewed all the same.
    site.run_at("2026-12-15T10:00:00+08:00", &["apply", "plan.json", "--auto-approve"])
        .exits(0)
        .says("2 accepted");
    site.run(&["plan"]).exits(0).says("No changes. The ledger matches").says("~ waiting hello@2");
    // It holds for that one revision only.
    site.edit(FILE, "revision: 2", "revision: 3");
    site.edit(FILE, "title: T", "title: U");
    site.run(&["plan"]).exits(0).says("[still-waiting]").says("set `withdrawn: 2`");
}

#[test]
fn tasks_that_were_withdrawn_do_not_count_among_those_that_the_vendor_keeps() {
    let users: Vec<String> = (0..1_000).map(|number| format!("u{number}")).collect();
    let site = scheduled("send: once, at: 2026-12-15T09:00:00+08:00");
    raise(&site, "call: template, revision: 2, withdrawn: 1");
    site.edit(FILE, "[u1, u2]", &format!("[{}]", users.join(", ")));
    // The one task of the first revision is gone: the hundred of this one have room, and no more than that.
    site.run(&["plan"]).exits(0).says("+ create hello@2").says("in 100 requests");
    site.edit(FILE, "[u0, ", "[one-more, u0, ");
    site.run(&["plan"])
        .exits(0)
        .says("[too-many-tasks]")
        .says("its 101 tasks never fit: the vendor keeps at most 100");
}

#[test]
fn a_revision_that_is_over_holds_nothing_back() {
    let site = once();
    site.edit(FILE, "12-15T", "12-16T");
    raise(&site, "revision: 2");
    site.run_at("2026-12-15T09:00:00+08:00", &["plan"]).exits(0).says("+ create hello@2");
}

#[test]
fn a_series_goes_on_until_its_last_time() {
    let site = scheduled("send: repeat, every: day, time: \"09:00:00\", from: 2026-11-25, until: 2026-11-26");
    raise(&site, "revision: 2");
    site.edit(FILE, "from: 2026-11-25, until: 2026-11-26", "from: 2026-11-26, until: 2026-11-27");
    let says = "revision 1 waits at the vendor and repeats every day at 09:00:00, 2026-11-25 to 2026-11-26 and \
                will still be sent to 2 people";
    site.run_at("2026-11-26T08:59:59+08:00", &["plan"]).exits(0).says("[still-waiting]").says(says);
    site.edit(FILE, "from: 2026-11-26", "from: 2026-11-27");
    let over = site.run_at("2026-11-26T09:00:00+08:00", &["plan"]).exits(0).says("+ create hello@2");
    assert_eq!(
        waiting(&site.run_at("2026-11-26T09:00:00+08:00", &["plan", "--json"])),
        serde_json::Value::Null
    );
    assert!(!over.stdout.contains("waits"), "{}", over.stdout);
}

#[test]
fn a_deleted_campaign_that_waits_at_the_vendor_is_named() {
    let site = once();
    let (kept, _) =
        site.read(FILE).split_once("campaigns:").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    site.write(FILE, &kept);
    let plan = site.run(&["plan", "--detailed-exitcode"]).exits(2).says(
        "~ waiting hello  2 people  2026-12-15 09:00\n    no longer in the files, but it waits at the vendor",
    );
    assert!(plan.last_line().starts_with("Plan: 0 to push"), "{}", plan.stdout);
    assert_eq!(waiting(&site.run(&["plan", "--json"]))[0]["standing"], "removed");
    plan.says("then put `hello` back with `withdrawn: 1` and apply");
    site.apply().exits(0).says("~ waiting hello");
    let later =
        site.run_at("2026-12-15T09:00:00+08:00", &["plan"]).exits(0).says("No changes. The ledger matches");
    assert!(!later.stdout.contains("waiting"), "{}", later.stdout);
}

/// Whatever it says otherwise when it is put back: a person says that its tasks are gone.
#[test]
fn a_deleted_campaign_can_be_withdrawn_and_deleted_again() {
    let site = once();
    let whole = site.read(FILE);
    let (without, _) = whole.split_once("campaigns:").unwrap();
    for title in ["title: T", "title: Other"] {
        site.write(FILE, without);
        let gone = site.run(&["plan", "--detailed-exitcode"]);
        if title == "title: T" {
            gone.exits(2).says("~ waiting hello");
        } else {
            // It is on record, and its file may be gone.
            let gone = gone.exits(0).says("No changes.");
            assert!(!gone.stdout.contains("will still be sent"), "{}", gone.stdout);
        }
        site.write(FILE, &whole.replace("title: T", title));
        raise(&site, "withdrawn: 1");
        site.apply().exits(0);
        assert_eq!(site.received().len(), 1);
    }
    site.write(FILE, without);
    site.run(&["plan", "--detailed-exitcode"]).exits(0).says("No changes.");
}

#[test]
fn late_additions_are_not_reached_by_a_way_that_sends_to_all_again() {
    let site = once();
    site.edit(FILE, "[u1, u2]", "[u1, u2, u3]");
    let late = "2026-12-15T09:00:00+08:00";
    site.run_at(late, &["plan"]).exits(0).says("1 joined since, not sent; declare a new campaign for them");
    site.edit(FILE, "12-15T", "12-16T");
    site.run_at(late, &["plan"])
        .exits(0)
        .says("! blocked hello")
        .says("or, for the one who has not got it yet, declare a new campaign with only them as its audience")
        .says(
            "raising `revision` to 2 sends it to the whole audience, and again to the 2 who already got it",
        );
}

#[test]
fn no_revision_that_was_used_is_advised() {
    let site = scheduled("send: now");
    raise(&site, "revision: 4");
    site.apply().exits(0).says("2 accepted");
    site.edit(FILE, "revision: 4", "revision: 1");
    site.edit(FILE, "title: T", "title: U");
    site.run(&["plan"]).exits(0).says("changed since it was sent").says("raise `revision` to 5");
    site.edit(FILE, "revision: 1", "revision: 2");
    site.run(&["plan"])
        .exits(0)
        .says("revision 2 is older than revision 4")
        .says("set `revision` to 4, or to 5");
}
