//! The question before a push, at a real pseudo-terminal: nothing is locked while a person thinks, and only what was shown
//! is pushed.

use std::io::Write;
use std::process::{Command, Stdio};

use campaignctl::sandbox::{Fault, FaultKind};
use serde_json::{Value, json};

use crate::misfortune::{Vendor, account};
use crate::site::Site;

const PROMPT: &str = "Type `yes` to push: ";

/// What a terminal showed, and how the command ended.
struct Session {
    shown: String,
    code: i64,
    between: Vec<Value>,
}

impl Session {
    #[track_caller]
    fn ends(self, code: i64, text: &str) -> Self {
        assert_eq!(self.code, code, "{}", self.shown);
        assert!(self.shown.contains(text), "no {text:?} in {}", self.shown);
        self
    }
}

/// Runs `apply` at a terminal, and follows a script.
fn apply(site: &Site, arguments: &[&str], script: &[Value]) -> Session {
    let python = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/prompt/terminal.py");
    let command = site.command(&[&["apply"], arguments].concat());
    let mut child = Command::new("python3")
        .args(["-B", python])
        .arg(command.get_program())
        .args(command.get_args())
        .current_dir(site.path(""))
        .env_clear()
        .envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("python3 is installed: the benchmarks need it too");
    let mut stdin = child.stdin.take().unwrap();
    for step in script {
        writeln!(stdin, "{step}").unwrap();
    }
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let session: Value = serde_json::from_slice(&output.stdout).unwrap();
    Session {
        shown: session["shown"].as_str().unwrap().to_owned(),
        code: session["code"].as_i64().unwrap(),
        between: session["between"].as_array().unwrap().clone(),
    }
}

fn wait(text: &str) -> Value {
    json!(["wait", text])
}

fn send(text: &str) -> Value {
    json!(["send", text])
}

fn run(arguments: &[&str]) -> Value {
    json!(["run", arguments])
}

#[test]
fn yes_pushes_and_every_other_answer_says_that_nothing_was_sent() {
    let vendor = Vendor::start();
    let site = Site::remote(&vendor.url(), 25, "");
    let answers = [
        ("y\r", "not approved: the answer was `y`, not `yes`"),
        ("YES\r", "not approved: the answer was `YES`, not `yes`"),
        ("\r", "not approved: the answer was empty"),
        ("\u{4}", "not approved: the input ended without an answer"),
    ];
    for (answer, said) in answers {
        let session = apply(&site, &[], &[wait(PROMPT), send(answer)]).ends(6, said);
        assert!(session.shown.contains("nothing was sent"), "{}", session.shown);
    }
    assert_eq!(vendor.calls(), 0);
    apply(&site, &[], &[wait(PROMPT), send("yes\r")]).ends(0, "25 accepted");
    assert_eq!(account(&site), (25, 0, 0));
}

#[test]
fn the_question_fits_the_terminal_and_what_was_typed_ahead_is_no_answer() {
    let vendor = Vendor::start();
    let site = Site::remote(&vendor.url(), 25, "");
    // Typed before anything was shown: while the plan is made.
    let session = apply(&site, &[], &[send("yes\r"), wait(PROMPT), send("no\r")]);
    let session = session.ends(6, "the answer was `no`");
    assert_eq!(vendor.calls(), 0, "nobody had seen the plan");
    let question = session.shown.split("Plan: ").last().unwrap();
    for line in question.lines() {
        assert!(line.chars().count() <= 80, "{line:?}");
    }
    assert!(question.contains("This pushes to 25 targets in `remote`, and cannot be undone."), "{question}");
}

#[test]
fn the_question_counts_no_broadcast_as_a_target() {
    let vendor = Vendor::start();
    let site = Site::remote(&vendor.url(), 25, "");
    site.write(
        "campaigns/everyone.yaml",
        "audiences:\n  everyone:\n    broadcast: { platform: android, login: logged_in, within: 7d }\ncampaigns:\n  \
         all: { template: t, audience: everyone, strategy: s, expires_after: 1h }\n",
    );
    let question = apply(&site, &[], &[wait(PROMPT), send("no\r")]).ends(6, "the answer was `no`").shown;
    let says = "This pushes to everyone by 1 broadcast and 25 targets in `remote`";
    assert!(question.split_whitespace().collect::<Vec<_>>().join(" ").contains(says), "{question}");
    let alone =
        apply(&site, &["--only", "all"], &[wait(PROMPT), send("no\r")]).ends(6, "the answer was `no`").shown;
    assert!(alone.contains("This pushes to everyone by 1 broadcast in `remote`"), "{alone}");
}

#[test]
fn ctrl_c_at_the_prompt_leaves_no_note_and_sends_nothing() {
    let vendor = Vendor::start();
    let site = Site::remote(&vendor.url(), 25, "");
    let holder = site.path("campaigns/.campaignctl/remote/holder.json");
    let session = apply(&site, &[], &[wait(PROMPT), send("\u{3}")]).ends(130, "nothing was sent");
    assert!(session.shown.contains("interrupted"), "{}", session.shown);
    let note: serde_json::Value = serde_json::from_slice(&std::fs::read(&holder).unwrap()).unwrap();
    assert_eq!(note["writes"], false, "a writer's note is left: {note}");
    assert_eq!(vendor.calls(), 0);
    // Another host finds nothing in its way.
    site.apply().exits(0);
}

#[test]
fn the_ledger_is_free_while_a_person_thinks_and_whoever_got_it_meanwhile_is_left_out() {
    let vendor = Vendor::start();
    let site = Site::remote(&vendor.url(), 25, "");
    let another = run(&["apply", "--auto-approve", "--lock-timeout", "0s"]);
    let session = apply(&site, &[], &[wait(PROMPT), another, send("yes\r")]);
    assert_eq!(session.between[0]["code"], 0, "{}", session.between[0]);
    // Everybody who was approved has got it by now.
    session.ends(0, "Type `yes` to push");
    assert_eq!(account(&site), (25, 0, 0));
    assert!(vendor.disturbed_twice().is_empty());
}

#[test]
fn what_moves_no_push_does_not_void_the_approval() {
    let vendor = Vendor::start();
    let site = Site::remote(&vendor.url(), 25, "");
    site.edit("campaigns/campaignctl.yaml", "concurrency: 4", "concurrency: 1");
    vendor.sandbox.inject(Fault::once(FaultKind::DropAfter));
    site.apply().exits(10);
    let more = (1..=30).map(|number| format!("u{number}")).collect::<Vec<_>>().join(", ");
    let ids = (1..=25).map(|number| format!("u{number}")).collect::<Vec<_>>().join(", ");
    site.edit("campaigns/c.yaml", &ids, &more);
    // A verdict that changes nothing about who is pushed to.
    let doubts = site.run(&["doubt", "list", "--json"]).exits(0).json();
    let batch = doubts
        .to_string()
        .split("\"intent\":")
        .nth(1)
        .unwrap()
        .split([',', '}', ']'])
        .next()
        .unwrap()
        .to_owned();
    let mark = run(&["doubt", "mark", &batch, "sent", "--reason", "seen"]);
    let session = apply(&site, &[], &[wait(PROMPT), mark, send("yes\r")]);
    assert_eq!(session.between[0]["code"], 0, "{}", session.between[0]);
    session.ends(0, "5 accepted");
    assert_eq!(account(&site), (30, 0, 0));
}

#[test]
fn an_edit_at_the_prompt_that_changes_a_push_is_refused_and_one_that_does_not_is_none() {
    let vendor = Vendor::start();
    let site = Site::remote(&vendor.url(), 5, "");
    let text = site.read("campaigns/c.yaml");
    let edit = |text: String| json!(["write", [site.path("campaigns/c.yaml"), text]]);
    let one_more = edit(text.replace("u5]", "u5, u6]"));
    let session = apply(&site, &[], &[wait(PROMPT), one_more, send("yes\r")]);
    session.ends(7, "`hello`: its audience changed");
    assert_eq!(vendor.calls(), 0);
    site.write("campaigns/c.yaml", &text);
    let comment = edit(format!("# A comment.\n{text}"));
    apply(&site, &[], &[wait(PROMPT), comment, send("yes\r")]).ends(0, "5 accepted");
}

/// A push whose window opens a few seconds from now, by the clock that the sandbox and the command share.
fn opening(vendor: &Vendor, seconds: i64) -> Site {
    let site = Site::remote(&vendor.url(), 5, "");
    let opens_at = crate::site::NOW.parse::<chrono::DateTime<chrono::FixedOffset>>().unwrap();
    let opens_at = (opens_at + chrono::TimeDelta::seconds(seconds)).to_rfc3339();
    site.edit("campaigns/c.yaml", "{ send: now }", &format!("{{ send: now, not_before: \"{opens_at}\" }}"));
    site
}

const WAITS: &str = "Nothing is locked; Ctrl-C ends it";

#[test]
fn what_was_approved_for_later_is_not_asked_for_again_though_the_ledger_moved_meanwhile() {
    let vendor = Vendor::start();
    let site = opening(&vendor, 8);
    // Somebody else pushes something else while it waits.
    let other = "campaigns:\n  other: { template: t, audience: x, strategy: at_once, expires_after: 1h }\naudiences:\n  x: { users: [x1] \
                 }\nstrategies:\n  at_once: { send: now }\n";
    let beside = json!(["write", [site.path("campaigns/d.yaml"), other]]);
    let another = run(&["apply", "--auto-approve", "--lock-timeout", "0s"]);
    let session = apply(&site, &["--wait=1m"], &[wait(PROMPT), send("yes\r"), wait(WAITS), beside, another]);
    assert_eq!(session.between[0]["code"], 0, "{}", session.between[0]);
    let session = session.ends(0, "5 accepted");
    assert_eq!(session.shown.matches(PROMPT).count(), 1, "{}", session.shown);
    assert_eq!((vendor.sandbox.received().pushes, vendor.disturbed_twice().len()), (6, 0));
}

#[test]
fn what_changed_during_a_wait_is_asked_for_again_and_only_a_yes_pushes_it() {
    for (answer, code, said, pushes) in [("no\r", 6, "the answer was `no`", 0), ("yes\r", 0, "6 accepted", 6)]
    {
        let vendor = Vendor::start();
        let site = opening(&vendor, 8);
        let one_more = site.read("campaigns/c.yaml").replace("u5]", "u5, u6]");
        let edit = json!(["write", [site.path("campaigns/c.yaml"), one_more]]);
        let script = [
            wait(PROMPT),
            send("yes\r"),
            wait(WAITS),
            edit,
            wait("6 targets in `remote`"),
            wait(PROMPT),
            send(answer),
        ];
        let session = apply(&site, &["--wait=1m"], &script).ends(code, said);
        assert_eq!(session.shown.matches(PROMPT).count(), 2, "{}", session.shown);
        assert_eq!(vendor.sandbox.received().pushes, pushes, "{}", session.shown);
    }
}

#[test]
fn what_somebody_else_pushed_during_a_wait_is_not_pushed_again() {
    let vendor = Vendor::start();
    let site = opening(&vendor, 8);
    let open_now = site.read("campaigns/c.yaml");
    let (before, rest) = open_now.split_once(", not_before: ").unwrap();
    let (_, after) = rest.split_once(" }").unwrap();
    let early = json!(["write", [site.path("campaigns/c.yaml"), format!("{before} }}{after}")]]);
    let another = run(&["apply", "--auto-approve", "--lock-timeout", "0s"]);
    let back = json!(["write", [site.path("campaigns/c.yaml"), open_now.clone()]]);
    let script = [wait(PROMPT), send("yes\r"), wait(WAITS), early, another, back];
    let session = apply(&site, &["--wait=1m"], &script);
    assert_eq!(session.between[0]["code"], 0, "{}", session.between[0]);
    session.ends(0, "No changes.");
    assert_eq!((vendor.sandbox.received().pushes, vendor.disturbed_twice().len()), (5, 0));
}

#[test]
fn without_a_terminal_the_answer_is_an_option_and_its_other_names_lead_to_it() {
    let site = Site::with_samples();
    site.run(&["apply"]).exits(6).warns("cannot ask for approval: not a terminal").warns("`--auto-approve`");
    for other in ["--yes", "-y"] {
        site.run(&["apply", other]).exits(3).warns("--auto-approve");
    }
    assert!(site.received().is_empty());
}
