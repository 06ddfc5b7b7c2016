//! What was approved is what is sent: the review lock, its signatures, and the way there through git.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::site::{Ran, Site};

const PROJECT: &str = "\
version: 1
project: p
default_environment: sandbox
environments:
  sandbox:
    app_id: A
    workspace_id: w
    endpoint: sandbox
    require_review: true
";

const CAMPAIGNS: &str = "\
templates:
  shared: { name: t, title: Payday, body: \"It is there\" }
audiences:
  staff:
    users: { file: staff.csv, column: id }
  testers:
    users: [u8, u9]
strategies:
  morning: { send: once, at: 2026-12-15T09:00:00+08:00 }
  at_once: { send: now }
campaigns:
  payday: { template: shared, audience: staff, strategy: morning, expires_after: 1h }
  promo: { template: shared, audience: testers, strategy: at_once, expires_after: 1h }
";

/// A workspace with two campaigns, of which nothing was approved yet.
fn site() -> Site {
    let site = Site::with(PROJECT, CAMPAIGNS);
    site.write("campaigns/staff.csv", "id\nu1\nu2\nu3\n");
    site
}

/// Another one with everything approved.
fn approved() -> Site {
    let site = site();
    site.run(&["review"]).exits(0).says("review/sandbox.lock: 2 lines changed");
    site
}

const LOCK: &str = "campaigns/review/sandbox.lock";

/// Whom the sandbox took pushes for, sorted.
fn received(site: &Site) -> Vec<String> {
    let received = site.received();
    let targets = received.iter().flat_map(|push| push["targets"].as_array().unwrap().clone());
    let mut targets: Vec<String> =
        targets.map(|target| target["target"].as_str().unwrap().to_owned()).collect();
    targets.sort();
    targets
}

fn line(site: &Site, campaign: &str) -> String {
    let lock = site.read(LOCK);
    let line = lock.lines().find(|line| line.starts_with(&format!("{campaign}@")));
    line.unwrap_or_else(|| panic!("no line of {campaign} in\n{lock}")).to_owned()
}

#[test]
fn what_was_approved_is_sent_and_nothing_else() {
    let site = site();
    let plan = site.run(&["plan", "--detailed-exitcode"]).exits(6);
    plan.says("! held payday").says("the review lock has no line of `payday@1` [not-reviewed]");
    site.apply().exits(6);
    assert!(received(&site).is_empty());
    site.run(&["review", "--check"]).exits(7).says("+ payday@1 content=").warns("[review-differs]");
    site.run(&["review"]).exits(0).says("+ payday@1: users=3 once=2026-12-15T01:00:00Z");
    site.run(&["review"]).exits(0).says("review/sandbox.lock: unchanged");
    site.run(&["review", "--check"]).exits(0);
    site.apply().exits(0);
    assert_eq!(received(&site), ["u1", "u2", "u3", "u8", "u9"]);
    // Everybody got it: the lines stay, and allow nobody a second time.
    site.apply().exits(0).says("No changes.");
    site.run(&["review", "--check"]).exits(0);
    assert_eq!(received(&site).len(), 5);
}

/// What is done to an approved workspace.
type Deed = fn(&Site);

/// Deeds, each with the campaign of the two that is held then, and why.
const DEEDS: [(&str, Deed, &str, &str); 9] = [
    (
        "the text was edited after the approval",
        |site| {
            site.edit(
                "campaigns/c.yaml",
                "  payday: { template: shared",
                "  payday: { extended_params: { a: b }, template: shared",
            );
        },
        "payday",
        "its content is not what was approved [not-reviewed]",
    ),
    (
        "the audience's file was swapped for one of the same length",
        |site| site.write("campaigns/staff.csv", "id\nu1\nu2\nu4\n"),
        "payday",
        "its audience is not what was approved [not-reviewed]",
    ),
    (
        "somebody joined the audience",
        |site| site.write("campaigns/staff.csv", "id\nu1\nu2\nu3\nu4\n"),
        "payday",
        "its audience is not what was approved [not-reviewed]",
    ),
    (
        "another column of the file is read",
        |site| {
            site.write("campaigns/staff.csv", "id,other\nu1,x1\nu2,x2\nu3,x3\n");
            site.run(&["review"]).exits(0);
            site.edit("campaigns/c.yaml", "column: id", "column: other");
        },
        "payday",
        "its audience is not what was approved [not-reviewed]",
    ),
    (
        "the time was moved",
        |site| site.edit("campaigns/c.yaml", "12-15T09", "12-16T09"),
        "payday",
        "its content and time are not what was approved [not-reviewed]",
    ),
    (
        "the window was moved, which is no content",
        |site| {
            site.edit("campaigns/c.yaml", "send: now", "send: now, not_before: 2026-11-24T09:00:00+08:00");
        },
        "promo",
        "its time is not what was approved [not-reviewed]",
    ),
    (
        "the line was removed",
        |site| {
            let line = line(site, "payday");
            site.edit(LOCK, &format!("{line}\n"), "");
        },
        "payday",
        "the review lock has no line of `payday@1` [not-reviewed]",
    ),
    (
        "the revision was raised",
        |site| {
            site.edit("campaigns/c.yaml", "  payday: { template", "  payday: { revision: 2, template");
        },
        "payday",
        "the review lock has no line of `payday@2` [not-reviewed]",
    ),
    (
        "the lock is another branch's",
        |site| {
            let lock = site.read(LOCK);
            site.edit("campaigns/c.yaml", "u8, u9", "u7, u9");
            site.run(&["review"]).exits(0);
            let other = line(site, "promo");
            site.edit("campaigns/c.yaml", "u7, u9", "u8, u9");
            site.write(LOCK, &lock);
            let own = line(site, "promo");
            site.edit(LOCK, &own, &other);
        },
        "promo",
        "its audience is not what was approved [not-reviewed]",
    ),
];

#[test]
fn what_is_not_as_it_was_approved_is_held_and_stops_no_other() {
    for (what, deed, held, why) in DEEDS {
        let site = approved();
        deed(&site);
        site.run(&["review", "--check"]).exits(7);
        let other = if held == "payday" { "promo" } else { "payday" };
        site.run(&["plan"])
            .exits(0)
            .says(&format!("! held {held}"))
            .says(why)
            .says(&format!("+ create {other}"));
        site.apply().exits(6);
        let expected: &[&str] = if held == "payday" { &["u8", "u9"] } else { &["u1", "u2", "u3"] };
        assert_eq!(received(&site), expected, "{what}");
        // Who approves the change approves what is left.
        site.run(&["review"]).exits(0);
        site.apply().exits(0);
        assert!(received(&site).len() >= 4, "{what}");
    }
}

#[test]
fn an_environment_that_requires_no_review_has_nothing_to_check() {
    let site = site();
    site.edit("campaigns/campaignctl.yaml", "    require_review: true\n", "");
    site.run(&["review", "--check"]).exits(0).says("No environment requires a review.");
    site.run(&["-e", "sandbox", "review", "--check"]).exits(0).says("sandbox requires no review");
    site.run(&["review"]).exits(3).warns("no environment requires a review");
    // Who wants a lock all the same has one, which is held to nothing but `--check`.
    site.run(&["-e", "sandbox", "review"]).exits(0);
    site.edit("campaigns/c.yaml", "It is there", "It is late");
    site.run(&["-e", "sandbox", "review", "--check"]).exits(7);
    site.apply().exits(0);
}

#[test]
fn a_shared_template_that_moved_below_holds_everything_that_uses_it() {
    let site = approved();
    site.edit("campaigns/c.yaml", "It is there", "It is late");
    site.apply().exits(6);
    assert!(received(&site).is_empty());
    site.run(&["review", "--check"]).exits(7).says("2 lines differ");
}

#[test]
fn an_approval_of_what_is_sent_at_once_ends_and_can_be_renewed() {
    let site = approved();
    assert!(line(&site, "promo").ends_with(" now until=2026-11-26T02:00:00Z"), "{}", line(&site, "promo"));
    assert!(!line(&site, "payday").contains("until="));
    let late = "2026-11-26T10:00:00+08:00";
    let plan = site.run_at(late, &["plan"]).exits(0);
    plan.says("! held promo").says("its approval ended").says("[review-expired]").says("+ create payday");
    // Nobody asked for that: a lock that is right stays as it is.
    site.run_at(late, &["review"]).exits(0).says("unchanged");
    site.run_at(late, &["review", "--check"]).exits(0);
    site.run_at(late, &["review", "--renew", "prom"]).exits(3).warns("no campaign `prom`");
    site.run_at(late, &["review", "--renew", "prom*"]).exits(0).says("~ promo@1: end of approval");
    site.run_at(late, &["apply", "--auto-approve"]).exits(0);
    assert_eq!(received(&site).len(), 5);
    // An edited line counts from when it is written; the project says how long.
    site.edit("campaigns/campaignctl.yaml", "project: p\n", "project: p\nreview_valid: 7d\n");
    site.edit("campaigns/c.yaml", "u8, u9", "u7, u8, u9");
    site.run(&["review"]).exits(0).says("~ promo@1: audience");
    assert!(line(&site, "promo").ends_with("until=2026-12-01T02:00:00Z"));
}

#[test]
fn a_window_that_opens_later_is_told_of_its_approval_now() {
    let site = site();
    site.edit("campaigns/c.yaml", "send: now", "send: now, not_before: 2026-11-25T10:00:00+08:00");
    site.run(&["plan"]).exits(0).says("! held promo").says("has no line of `promo@1`");
    site.run(&["review"]).exits(0);
    site.run(&["plan"]).exits(0).says("later promo").says("approved until 2026-11-26 10:00");
    site.edit("campaigns/c.yaml", "2026-11-25T10", "2026-11-27T10");
    site.run(&["review"]).exits(0);
    site.run(&["plan"]).exits(0).says("its approval ends 2026-11-26 10:00, before its window opens");
}

#[test]
fn a_list_of_every_night_is_approved_by_its_size() {
    let site = site();
    site.edit(
        "campaigns/c.yaml",
        "  promo: { template: shared, audience: testers",
        "  promo: { reviewed_audience: { up_to: 3 }, template: shared, audience: staff",
    );
    site.edit(
        "campaigns/c.yaml",
        "payday: { template: shared, audience: staff",
        "payday: { template: shared, audience: testers",
    );
    site.run(&["review"]).exits(0);
    assert!(line(&site, "promo").contains(" users<=3 audience=* now until="));
    site.apply().exits(0);
    assert_eq!(received(&site).len(), 5);
    // The next night has somebody else: three got it, and a fourth was not approved.
    site.write("campaigns/staff.csv", "id\nu3\nu4\n");
    site.run(&["review", "--check"]).exits(0);
    let plan = site.run(&["plan"]).exits(0);
    plan.says("it would go to 4 people in all, and at most 3 were approved [not-reviewed]");
    site.apply().exits(6);
    assert_eq!(received(&site).len(), 5);
    let broadcast =
        CAMPAIGNS.replace("users: [u8, u9]", "broadcast: { platform: ios, login: logged_in, within: 15d }");
    let broadcast = broadcast.replace("  promo: {", "  promo: { reviewed_audience: { up_to: 3 },");
    site.write("campaigns/c.yaml", &broadcast);
    site.run(&["validate"]).exits(3).warns("a broadcast goes to everyone, and nobody counts them");
}

#[test]
fn a_lock_that_cannot_be_understood_is_refused_whole() {
    type Deed = fn(&str) -> String;
    let cases: [(Deed, &str); 5] = [
        (
            |lock| format!("<<<<<<< HEAD\n{lock}=======\n{lock}>>>>>>> other\n"),
            "line 1 is the sign of a conflict",
        ),
        (|lock| lock.replace("review 1.", "review 2."), "it is of version 2"),
        (|lock| lock.replace("users=3", "users=4 "), "line 2 is none that `campaignctl review` writes"),
        (
            |lock| lock.lines().chain(lock.lines().skip(1)).collect::<Vec<_>>().join("\n"),
            "approves `payday@1` once more",
        ),
        (|_| String::new(), "it does not begin with `# campaignctl review 1`"),
    ];
    for (deed, why) in cases {
        let site = approved();
        let lock = site.read(LOCK);
        site.write(LOCK, &deed(&lock));
        for command in [&["plan"][..], &["apply", "--auto-approve"], &["review", "--check"], &["review"]] {
            site.run(command).exits(3).warns(why);
        }
        assert!(received(&site).is_empty(), "{why}");
    }
}

#[test]
fn a_lock_is_not_read_from_outside_of_the_workspace() {
    let site = approved();
    fs::rename(site.path("campaigns/review"), site.path("elsewhere")).unwrap();
    std::os::unix::fs::symlink(site.path("elsewhere"), site.path("campaigns/review")).unwrap();
    site.apply().exits(3).warns("[file-outside]");
    site.run(&["review"]).exits(3);
    // A file alone is no YAML that a search would find.
    fs::remove_file(site.path("campaigns/review")).unwrap();
    fs::create_dir(site.path("campaigns/review")).unwrap();
    std::os::unix::fs::symlink(site.path("elsewhere/sandbox.lock"), site.path(LOCK)).unwrap();
    site.apply().exits(3).warns("it leads to a file outside the workspace");
    site.run(&["review"]).exits(3);
    assert!(received(&site).is_empty());
}

#[test]
fn a_saved_plan_is_held_to_the_lock_of_now() {
    let site = approved();
    site.run(&["plan", "--out", "saved"]).exits(0);
    let line = line(&site, "payday");
    site.edit(LOCK, &format!("{line}\n"), "");
    site.run(&["apply", "saved", "--auto-approve"]).exits(7).warns("nobody approved it");
    assert!(received(&site).is_empty());
    // Held is graver than stale.
    site.run(&["apply", "saved", "--partial", "--auto-approve"]).exits(6);
    assert_eq!(received(&site), ["u8", "u9"]);
}

#[test]
fn an_older_copy_of_the_ledger_is_known_from_git() {
    let site = approved();
    site.apply().exits(0);
    copy(&site.path("campaigns/.campaignctl"), &site.path("old"));
    site.edit("campaigns/c.yaml", "u8, u9", "u7, u8, u9");
    site.run(&["review"]).exits(0);
    site.apply().exits(0);
    site.run(&["review", "--with-ledger"]).exits(0);
    assert!(site.read(LOCK).starts_with("# campaignctl review 1. ledger="), "{}", site.read(LOCK));
    site.run(&["review", "--check"]).exits(0);
    site.run(&["plan"]).exits(0);
    // A fresh machine, on which nobody remembers anything but git.
    fs::remove_dir_all(site.path("campaigns/.campaignctl")).unwrap();
    copy(&site.path("old"), &site.path("campaigns/.campaignctl"));
    site.run(&["plan"]).exits(12).warns("was rolled back");
    let sent = received(&site).len();
    site.apply().exits(12);
    assert_eq!(received(&site).len(), sent);
}

#[test]
fn of_ten_thousand_lines_the_three_that_differ_are_shown() {
    let ids: Vec<String> = (0..10_000).map(|number| format!("  c{number}: {{ template: shared, audience: testers, strategy: at_once, expires_after: 1h }}\n")).collect();
    let campaigns = CAMPAIGNS
        .split("campaigns:\n")
        .next()
        .unwrap()
        .replace("  morning: { send: once, at: 2026-12-15T09:00:00+08:00 }\n", "");
    let campaigns = campaigns.replace("  staff:\n    users: { file: staff.csv, column: id }\n", "");
    let site = Site::with(PROJECT, &format!("{campaigns}campaigns:\n{}", ids.concat()));
    site.run(&["review"]).exits(0).says("10 000 lines changed");
    for name in ["c17:", "c5000:", "c9999:"] {
        site.edit(
            "campaigns/c.yaml",
            &format!("  {name} {{ template"),
            &format!("  {name} {{ revision: 2, template"),
        );
    }
    let check = site.run(&["review", "--check"]).exits(7);
    let lines = check.stdout.lines().count() + check.stderr.lines().count();
    assert!(lines < 20, "{}", check.stdout);
    for line in ["- c17@1 ", "+ c17@2 ", "- c5000@1 ", "+ c5000@2 ", "- c9999@1 ", "+ c9999@2 "] {
        assert!(check.stdout.contains(line), "no {line:?} in {}", check.stdout);
    }
}

/// Keys of two people, and a machine that knows whose they are.
struct Signers {
    directory: TempDir,
}

impl Signers {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        for who in ["ann", "ben", "eve"] {
            let key = directory.path().join(who);
            let mut made = Command::new("ssh-keygen");
            made.args(["-q", "-t", "ed25519", "-N", "", "-C", who, "-f"]).arg(key);
            assert!(made.status().expect("ssh-keygen is installed: `scripts/test` does that").success());
        }
        let signers = Self { directory };
        let line = |names: &str, who: &str| {
            let key = fs::read_to_string(signers.key(&format!("{who}.pub"))).unwrap();
            format!("{names} namespaces=\"campaignctl\" {key}")
        };
        let file = format!("{}{}", line("ann,marketing", "ann"), line("ben@acme.cn,compliance", "ben"));
        fs::write(signers.key("allowed"), file).unwrap();
        signers
    }

    fn key(&self, who: &str) -> PathBuf {
        self.directory.path().join(who)
    }

    fn run(&self, site: &Site, arguments: &[&str]) -> Ran {
        Ran::of(
            &site
                .command(arguments)
                .env("CAMPAIGNCTL_ALLOWED_SIGNERS", self.key("allowed"))
                .output()
                .unwrap(),
        )
    }

    fn approve(&self, site: &Site, campaign: &str, who: &str, key: &str) -> Ran {
        let key = self.key(key);
        self.run(site, &["approve", campaign, "--as", who, "--key", key.to_str().unwrap(), "--auto-approve"])
    }
}

/// A workspace whose pushes to more than two people need two signatures, one of them marketing's.
fn signed_site() -> Site {
    let site = site();
    site.edit(
        "campaigns/campaignctl.yaml",
        "require_review: true\n",
        "require_review: true\n    approvals: [{ over: 2, signers: 2, of: [marketing] }]\n",
    );
    site.run(&["review"]).exits(0);
    site
}

#[test]
fn two_people_sign_what_goes_to_many() {
    let (site, signers) = (signed_site(), Signers::new());
    signers.run(&site, &["plan"]).exits(0).says("! held payday").says("+ create promo").says(
        "nobody has signed its line, and it needs 2 signatures, marketing among them [approvals-missing]",
    );
    signers
        .approve(&site, "payday", "ben@acme.cn", "ben")
        .exits(0)
        .says("payday@1.ben@acme.cn.sig")
        .warns("It is there");
    let plan = signers.run(&site, &["plan"]).exits(0);
    plan.says("signed by ben@acme.cn, and it needs 2 signatures, marketing among them");
    signers.approve(&site, "payday", "ann", "ann").exits(0);
    signers.run(&site, &["apply", "--auto-approve"]).exits(0);
    assert_eq!(received(&site).len(), 5);
}

#[test]
fn a_signature_that_proves_nothing_does_not_count() {
    let signers = Signers::new();
    let at = |who: &str, revision: u32| format!("campaigns/review/approvals/payday@{revision}.{who}.sig");
    let held = |site: &Site, why: &str| {
        let plan = signers.run(site, &["plan"]).exits(0);
        plan.says("! held payday").says(why).says("[approvals-missing]");
        signers.run(site, &["apply", "--auto-approve"]).exits(6);
        assert_eq!(received(site), ["u8", "u9"], "{why}");
    };
    let both = |site: &Site| {
        signers.approve(site, "payday", "ben@acme.cn", "ben").exits(0);
        signers.approve(site, "payday", "ann", "ann").exits(0);
    };

    // Of another revision.
    let site = signed_site();
    both(&site);
    site.edit("campaigns/c.yaml", "  payday: { template", "  payday: { revision: 2, template");
    site.run(&["review"]).exits(0);
    for who in ["ann", "ben@acme.cn"] {
        fs::rename(site.path(&at(who, 1)), site.path(&at(who, 2))).unwrap();
    }
    held(&site, "it is of another line");

    // Of the text before it was edited.
    let site = signed_site();
    both(&site);
    site.edit("campaigns/c.yaml", "  payday: { template", "  payday: { extended_params: { a: b }, template");
    site.run(&["review"]).exits(0);
    held(&site, "it is of another line");

    // By one key under two names.
    let site = signed_site();
    signers.approve(&site, "payday", "ann", "ann").exits(0);
    signers.approve(&site, "payday", "marketing", "ann").exits(0);
    held(&site, "and it needs 2 signatures");

    // By a key that nobody knows, in the name of one that is known.
    let site = signed_site();
    signers.approve(&site, "payday", "ann", "ann").exits(0);
    signers.approve(&site, "payday", "ben@acme.cn", "eve").exits(0);
    held(&site, "its key is not one that `ben@acme.cn` signs with here");

    // By two who are known, neither of whom is marketing.
    let site = signed_site();
    signers.approve(&site, "payday", "ben@acme.cn", "ben").exits(0);
    signers.approve(&site, "payday", "compliance", "ben").exits(0);
    held(&site, "marketing among them");

    // Garbage, a link to somewhere else, and a name that is none.
    let site = signed_site();
    signers.approve(&site, "payday", "ann", "ann").exits(0);
    site.write(&at("ben@acme.cn", 1), "-----BEGIN SSH SIGNATURE-----\n");
    std::os::unix::fs::symlink(signers.key("allowed"), site.path(&at("eve", 1))).unwrap();
    site.write(&at("a b", 1), "x");
    let plan = signers.run(&site, &["plan"]).exits(0);
    plan.says("it leads to a file outside the workspace").says("its name is not `NAME@REVISION.WHO.sig`");
    held(&site, "signed by ann");

    // On a machine that knows nobody.
    let site = signed_site();
    both(&site);
    site.run(&["plan"]).exits(0).says("`CAMPAIGNCTL_ALLOWED_SIGNERS` names no file");
    site.apply().exits(6);
    assert_eq!(received(&site), ["u8", "u9"]);
}

#[test]
fn who_may_sign_is_the_machines_to_say() {
    let (site, signers) = (signed_site(), Signers::new());
    signers.approve(&site, "payday", "ann", "ann").exits(0);
    fs::copy(signers.key("allowed"), site.path("allowed")).unwrap();
    // The repository is all that a change may edit.
    git(site.path("").as_path(), &["init", "-q"]);
    let mut command = site.command(&["apply", "--auto-approve"]);
    let ran = Ran::of(&command.env("CAMPAIGNCTL_ALLOWED_SIGNERS", site.path("allowed")).output().unwrap());
    ran.exits(3).warns("names a file of the repository, which any change may edit");
    // A link in the repository is as good as a file there: a change may lead it elsewhere.
    std::os::unix::fs::symlink(signers.key("allowed"), site.path("link")).unwrap();
    let outer = signers.key("outer");
    std::os::unix::fs::symlink(site.path("link"), &outer).unwrap();
    for named in [site.path("link"), outer] {
        let mut command = site.command(&["apply", "--auto-approve"]);
        let ran = Ran::of(&command.env("CAMPAIGNCTL_ALLOWED_SIGNERS", named).output().unwrap());
        ran.exits(3).warns("names a file of the repository, which any change may edit");
    }
    // Without git's directory, as in an archive, what lies beside the workspace is as good as of the repository.
    fs::remove_dir_all(site.path(".git")).unwrap();
    let mut command = site.command(&["apply", "--auto-approve"]);
    let ran = Ran::of(&command.env("CAMPAIGNCTL_ALLOWED_SIGNERS", site.path("allowed")).output().unwrap());
    ran.exits(3).warns("names a file of the repository, which any change may edit");
    assert!(received(&site).is_empty());
}

#[test]
fn a_program_of_the_repository_proves_no_signature() {
    let (site, signers) = (signed_site(), Signers::new());
    let liar = "#!/bin/sh\nname=$7\necho \"Good \\\"campaignctl\\\" signature for x with ED25519 key SHA256:$name\"\n";
    site.write("bin/ssh-keygen", liar);
    fs::set_permissions(site.path("bin/ssh-keygen"), PermissionsExt::from_mode(0o755)).unwrap();
    for who in ["marketing", "ben"] {
        site.write(&format!("campaigns/review/approvals/payday@1.{who}.sig"), "x");
    }
    for path in [site.path("bin").display().to_string(), "bin".to_owned()] {
        let mut command = site.command(&["apply", "--auto-approve"]);
        command.env("PATH", path).env("CAMPAIGNCTL_ALLOWED_SIGNERS", signers.key("allowed"));
        Ran::of(&command.output().unwrap()).exits(6).says("there is no `ssh-keygen` on this machine");
    }
    assert_eq!(received(&site), ["u8", "u9"]);
}

#[test]
fn a_second_project_file_decides_nothing() {
    let site = approved();
    // What a change could add: the workspace of the one who runs it is the directory itself.
    let nested = site.path("campaigns/campaigns");
    fs::create_dir(&nested).unwrap();
    let lax = PROJECT.replace("    require_review: true\n", "");
    fs::write(nested.join("campaignctl.yaml"), lax).unwrap();
    fs::write(nested.join("c.yaml"), crate::site::campaign("evil", 3)).unwrap();
    for command in [&["apply", "--auto-approve"][..], &["plan"], &["review", "--check"], &["validate"]] {
        let mut run = site.command(command);
        let ran = Ran::of(&run.current_dir(site.path("campaigns")).output().unwrap());
        ran.exits(3).warns("there are two project files");
    }
    assert!(received(&site).is_empty());
}

#[test]
fn nobody_signs_what_the_files_do_not_come_to() {
    let (site, signers) = (signed_site(), Signers::new());
    site.edit("campaigns/c.yaml", "It is there", "It is late");
    signers.approve(&site, "payday", "ann", "ann").exits(7).warns("[review-differs]");
    signers.approve(&site, "payroll", "ann", "ann").exits(3).warns("there is no campaign `payroll`");
    signers.approve(&site, "payday", "an n", "ann").exits(3).warns("cannot name a signer");
    let key = signers.key("ann");
    let asked = signers.run(&site, &["approve", "promo", "--as", "ann", "--key", key.to_str().unwrap()]);
    asked.exits(7);
    site.edit("campaigns/c.yaml", "It is late", "It is there");
    let asked = signers.run(&site, &["approve", "promo", "--as", "ann", "--key", key.to_str().unwrap()]);
    asked.exits(6).warns("not a terminal");
    assert!(!site.path("campaigns/review/approvals").exists());
}

fn git(directory: &Path, arguments: &[&str]) {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=ann", "-c", "user.email=ann@acme.cn", "-c", "commit.gpgsign=false"]);
    command.args(["-c", "init.defaultBranch=main", "-c", "core.autocrlf=false"]).args(arguments);
    let output = command.current_dir(directory).env("GIT_CONFIG_GLOBAL", "/dev/null").output();
    let output = output.expect("git is installed: `scripts/test` does that");
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A clone in a site of its own.
fn cloned(bare: &Path) -> Site {
    let site = Site::with("", "");
    fs::remove_dir_all(site.path("campaigns")).unwrap();
    git(&site.path(""), &["clone", "-q", bare.to_str().unwrap(), "."]);
    site
}

/// Author, another author and a runner, each with a clone of their own and nothing shared but git.
#[test]
fn the_way_from_a_pull_request_to_phones() {
    let bare = tempfile::tempdir().unwrap();
    git(bare.path(), &["init", "-q", "--bare"]);
    let author = cloned(bare.path());
    author.write("campaigns/campaignctl.yaml", PROJECT);
    author.write("campaigns/c.yaml", CAMPAIGNS);
    author.write("campaigns/staff.csv", "id\nu1\nu2\nu3\n");
    author.write(".gitignore", ".campaignctl/\n");
    let commit = |site: &Site, branch: &str, subject: &str| {
        git(&site.path(""), &["checkout", "-q", "-B", branch]);
        git(&site.path(""), &["add", "."]);
        git(&site.path(""), &["commit", "-q", "-m", subject]);
        git(&site.path(""), &["push", "-q", "-f", "origin", branch]);
    };
    commit(&author, "main", "campaigns");
    let (other, runner) = (cloned(bare.path()), cloned(bare.path()));

    // The pull request: the files, and the lines that they come to. Its job reads files alone.
    author.run(&["review"]).exits(0);
    commit(&author, "payday", "payday");
    let job = cloned(bare.path());
    git(&job.path(""), &["checkout", "-q", "payday"]);
    job.run(&["validate"]).exits(0);
    job.run(&["review", "--check"]).exits(0);
    job.run(&["plan", "--format", "markdown"]).exits(0).says("payday");

    // Meanwhile another one is merged, with a campaign of its own: each has its line, and git merges them.
    let text = other.read("campaigns/c.yaml").replace(
        "campaigns:\n",
        "campaigns:\n  alarm: { template: shared, audience: testers, strategy: at_once, expires_after: 1h }\n",
    );
    other.write("campaigns/c.yaml", &text);
    other.run(&["review"]).exits(0);
    let alarm = line(&other, "alarm");
    other.write(LOCK, &format!("{}\n{alarm}\n", other.read(LOCK).lines().next().unwrap()));
    commit(&other, "main", "alarm");

    // The merge of two new files conflicts; who takes one side whole, and does not review again, sends only that.
    git(&author.path(""), &["fetch", "-q"]);
    git(&author.path(""), &["merge", "-q", "-X", "ours", "-m", "merge", "origin/main"]);
    author.run(&["review", "--check"]).exits(7).says("alarm@1");
    author.run(&["review"]).exits(0).says("+ alarm@1");
    commit(&author, "main", "payday, merged");

    // A runner that knows nothing but git sends exactly what was approved.
    git(&runner.path(""), &["pull", "-q"]);
    runner.apply().exits(0);
    assert_eq!(received(&runner), ["u1", "u2", "u3", "u8", "u8", "u9", "u9"]);
    git(&runner.path(""), &["pull", "-q"]);
    runner.apply().exits(0).says("No changes.");
    assert_eq!(received(&runner).len(), 7);

    // A push to the branch after the approval is held.
    author.edit("campaigns/c.yaml", "[u8, u9]", "[u8, u9, u10]");
    commit(&author, "main", "somebody else");
    git(&runner.path(""), &["pull", "-q"]);
    runner.apply().exits(6);
    assert_eq!(received(&runner).len(), 7);
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}
