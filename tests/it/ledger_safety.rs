//! The ledger between runs, machines and people: locks, views, damage, restoring, and plans that it outlived.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use campaignctl::domain::LedgerPlace;
use campaignctl::sandbox::{Fault, FaultKind};
use campaignctl::state::{Candidate, Holder, Moment, Terms, store_at};

use crate::misfortune::{Vendor, account, kill};
use crate::site::{NOW, Ran, Site, campaign};

const LATER: &str = "2026-11-24T10:05:00+08:00";
/// After the ledger of version 0.2 was written, and before its campaigns close.
const LATER_0_2: &str = "2026-11-24T11:00:00+08:00";
const LEDGER: &str = "campaigns/.campaignctl/remote";

/// Somebody who writes, on a host.
fn bob(host: &str) -> Holder {
    Holder {
        command: "apply".into(),
        actor: format!("bob@{host}"),
        host: host.into(),
        process: 42,
        origin: None,
        since: "2026-11-24T01:00:00Z".parse().unwrap(),
        ci_run: Some("https://ci.example/7".into()),
        writes: true,
    }
}

/// Leaves a note as a process does that never came to its end.
fn leave_note(site: &Site, holder: &Holder) {
    site.write(&format!("{LEDGER}/holder.json"), &serde_json::to_string(holder).unwrap());
}

fn this_host() -> String {
    fs::read_to_string("/proc/sys/kernel/hostname").unwrap().trim().to_owned()
}

fn read_ledger(site: &Site) -> String {
    site.run(&["ledger", "export"]).exits(0).stdout
}

#[test]
fn of_two_runners_started_together_one_wins_and_nothing_doubles() {
    let vendor = Vendor::start();
    let mut pushes = 0;
    for round in 0..50 {
        let site = Site::remote(&vendor.url(), 1, "");
        // Three requests each, by either call.
        let (count, call) = if round % 4 < 2 { (25, "call: template, ") } else { (250, "") };
        let targets: Vec<String> = (1..=count).map(|number| format!("r{round}-{number}")).collect();
        let text = campaign("hello", 1).replace("users: [u1]", &format!("users: [{}]", targets.join(", ")));
        site.write("campaigns/c.yaml", &text.replace("call: template, ", call));
        // Odd rounds wait for each other, even ones do not.
        let timeout = if round % 2 == 0 { "0s" } else { "30s" };
        let start = || {
            let mut command = site.command(&["--lock-timeout", timeout, "apply", "--auto-approve"]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let (first, second) = (start(), start());
        let first = Ran::of(&first.wait_with_output().unwrap());
        let second = Ran::of(&second.wait_with_output().unwrap());
        let mut codes = [first.code, second.code];
        codes.sort_unstable();
        assert_eq!(codes[0], Some(0), "{}{}", first.stderr, second.stderr);
        assert!(codes[1] == Some(0) || (timeout == "0s" && codes[1] == Some(8)), "{codes:?}");
        assert_eq!(account(&site), (count, 0, 0));
        pushes += count;
        assert_eq!(vendor.sandbox.received().pushes, pushes);
    }
    let calls: BTreeSet<String> =
        vendor.sandbox.requests().into_iter().map(|request| request.action).collect();
    assert_eq!(calls.into_iter().collect::<Vec<_>>(), ["PushMultiple", "PushTemplate"]);
    assert!(vendor.disturbed_twice().is_empty());
}

#[test]
fn a_run_that_was_killed_is_taken_over_and_said_so() {
    let vendor = Vendor::start();
    let site = Site::remote(&vendor.url(), 25, "");
    vendor.sandbox.inject(Fault::times(FaultKind::Delay { ms: 50_000 }, 4));
    let mut child = site.start_apply();
    vendor.wait_for_calls(3);
    kill(&child, "-KILL");
    child.wait().unwrap();
    site.run(&["ledger", "unlock"])
        .exits(6)
        .says("Held by `campaignctl apply` of ann@")
        .says("3 batches with 25 targets");
    let next = site.apply().exits(10);
    assert!(next.stderr.contains("Took the ledger over from `campaignctl apply` of ann@"), "{}", next.stderr);
    assert!(next.stderr.contains("it did not finish"), "{}", next.stderr);
    // Only the first one after it says so.
    let again = site.apply().exits(10);
    assert!(!again.stderr.contains("Took"), "{}", again.stderr);
    site.run(&["ledger", "unlock"]).exits(0).says("The ledger is not locked.");
}

#[test]
fn a_writer_on_another_host_keeps_the_ledger_until_somebody_unlocks_it() {
    let vendor = Vendor::start();
    let site = Site::remote(&vendor.url(), 5, "");
    leave_note(&site, &bob("far-away"));
    let who =
        "`campaignctl apply` of bob@far-away, process 42, since 2026-11-24T01:00:00Z, https://ci.example/7";
    site.apply().exits(8).warns(who).warns("campaignctl ledger unlock");
    site.run(&["doubt", "mark", "1", "sent", "--reason", "x"]).exits(8);
    site.run(&["plan"]).exits(0).warns(who).says("1 to push");
    site.run(&["ledger", "verify"]).exits(0);
    site.run(&["ledger", "unlock"]).exits(6).says(who).says("nothing was in flight").warns("--auto-approve");
    site.apply().exits(8);
    site.run(&["ledger", "unlock", "--auto-approve"]).exits(0).says("Unlocked.");
    site.apply().exits(0);
}

#[test]
fn a_live_lock_cannot_be_broken() {
    let vendor = Vendor::start();
    let site = Site::remote(&vendor.url(), 5, "");
    let terms = Terms::of(Duration::from_secs(2));
    let candidate = Candidate::new(bob(&this_host()), terms, Arc::new(Moment::default));
    let held = store_at(&LedgerPlace::Directory(site.path(LEDGER)), &crate::site::no_variables())
        .take(&candidate)
        .unwrap();
    site.run(&["ledger", "unlock", "--auto-approve"])
        .exits(8)
        .warns("Watching whether `campaignctl apply` of bob@")
        .warns("s ago, and is still running");
    site.run(&["--lock-timeout", "0s", "apply", "--auto-approve"]).exits(8).warns("bob@");
    drop(held);
    let next = site.apply().exits(0);
    assert!(!next.stderr.contains("Took"), "it came to its end: {}", next.stderr);
}

#[test]
fn who_reads_while_another_writes_sees_a_whole_ledger() {
    let vendor = Vendor::start();
    let site = Site::remote(&vendor.url(), 2000, "");
    vendor.sandbox.inject(Fault::times(FaultKind::Delay { ms: 20 }, 1000));
    let mut child = site.start_apply();
    vendor.wait_for_calls(1);
    let (mut seen, mut views) = (0, 0);
    while child.try_wait().unwrap().is_none() {
        let status = site.run(&["status", "--json"]).exits(0);
        views += u32::from(status.stderr.contains("this is what it holds up to record"));
        let (accepted, rejected, in_doubt) = account(&site);
        assert!(accepted >= seen && accepted + in_doubt <= 2000 && rejected == 0, "{accepted} after {seen}");
        seen = accepted;
        site.run(&["ledger", "verify"]).exits(0);
        site.run(&["plan"]).exits(0);
    }
    assert!(views > 0, "nothing was read while it was written");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(account(&site), (2000, 0, 0));
}

#[test]
fn a_directory_that_can_only_be_read_is_read_and_never_sent_from() {
    let vendor = Vendor::start();
    let site = Site::remote(&vendor.url(), 5, "");
    // Root may write anywhere, so the lock itself is made impossible to write.
    let note = site.path(&format!("{LEDGER}/holder.json"));
    fs::remove_file(&note).unwrap();
    fs::create_dir(&note).unwrap();
    site.apply().exits(1).warns("could not open the lock");
    assert_eq!(vendor.calls(), 0);
}

/// Root may write anywhere: the system is made to refuse.
#[test]
fn a_ledger_that_can_only_be_read_can_be_read_by_whoever_only_reads() {
    let vendor = Vendor::start();
    let site = Site::remote(&vendor.url(), 5, "");
    site.apply().exits(0);
    let export = read_ledger(&site);
    let unwritable = |arguments: &[&str]| {
        let command = site.command(arguments);
        let mut traced = Command::new("strace");
        traced
            .args(["-f", "-qq", "-e", "trace=openat", "-e", "inject=openat:error=EACCES", "-o", "/dev/null"])
            .args(["-P", &format!("{LEDGER}/holder.json")])
            .arg(command.get_program())
            .args(command.get_args())
            .current_dir(site.path("."))
            .env_clear()
            .envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))))
            .stdin(Stdio::null());
        Ran::of(&traced.output().expect("strace is installed: `scripts/test` does that"))
    };
    unwritable(&["plan"]).exits(0).says("No changes");
    unwritable(&["status"]).exits(0).says("hello@1");
    unwritable(&["ledger", "verify"]).exits(0).says("5 accepted");
    assert_eq!(unwritable(&["ledger", "export"]).exits(0).stdout, export);
    unwritable(&["apply", "--auto-approve"]).exits(1).warns("Permission denied");
}

#[test]
fn a_full_disk_stops_sending_at_once() {
    let vendor = Vendor::start();
    let site = Site::remote(&vendor.url(), 20_000, "");
    let command = site.command(&["apply", "--auto-approve"]);
    // No file may grow beyond what the ledger has now and a little: the system then refuses writes, as a full
    // disk does.
    let line = format!(
        "trap '' XFSZ; ulimit -f {}; exec {} apply --auto-approve",
        fs::metadata(site.path(&format!("{LEDGER}/db"))).unwrap().len() / 1024 + 600,
        command.get_program().display()
    );
    let mut limited = Command::new("bash");
    limited.args(["-c", &line]).current_dir(site.path(".")).env_clear().stdin(Stdio::null());
    limited.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let ran = Ran::of(&limited.output().unwrap());
    assert!(matches!(ran.code, Some(1 | 10)), "{:?}\n{}{}", ran.code, ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("the ledger could not be written"), "{}{}", ran.stdout, ran.stderr);
    let taken = vendor.sandbox.received().pushes;
    assert!(taken < 20_000, "it went on");
    // With room again, everybody gets it once, or is in doubt.
    let next = site.apply();
    let (accepted, rejected, in_doubt) = account(&site);
    assert_eq!((accepted + in_doubt, rejected), (20_000, 0), "{}{}", next.stdout, next.stderr);
    assert!(vendor.disturbed_twice().is_empty());
    assert!(vendor.sandbox.received().pushes >= accepted);
}

#[test]
fn a_damaged_record_is_named_and_an_export_restores_the_ledger() {
    let vendor = Vendor::start();
    let site = Site::remote(&vendor.url(), 25, "");
    site.apply().exits(0);
    let export = read_ledger(&site);
    site.write("ledger.jsonl", &export);
    site.run(&["ledger", "restore", "ledger.jsonl"]).exits(6).warns("is whole");

    // A record that somebody changed, in a store that is itself in order.
    let lines: Vec<String> = export.lines().map(str::to_owned).collect();
    let place = lines.iter().position(|line| line.contains("\"intent\"")).unwrap();
    let forged = lines[place].replace("hello", "hellu");
    rewrite(&site, place as u64 + 1, forged.as_bytes());
    let name = format!("record {} is not what was written there", place + 1);
    let others = format!("{} records beside this are whole", lines.len() - 1);
    site.run(&["ledger", "verify"]).exits(12).warns(&name).warns(&others).warns("ledger restore FILE");
    let rest = site.run(&["ledger", "export"]).exits(12).warns(&name).stdout;
    assert_eq!(rest.lines().count(), lines.len() - 1);
    for command in [&["plan"][..], &["apply", "--auto-approve"], &["status"]] {
        site.run(command).exits(12);
    }

    site.write("short.jsonl", &lines[..lines.len() - 1].join("\n"));
    site.run(&["ledger", "restore", "short.jsonl"])
        .exits(12)
        .warns("it ends at record 9, and record 10 was written since");
    site.write("forged.jsonl", &export.replace("hello", "hellu"));
    site.run(&["ledger", "restore", "forged.jsonl"]).exits(12).warns("cannot be restored from");
    site.run(&["ledger", "restore", "ledger.jsonl"]).exits(0).says("Restored ledger").says("remote.damaged-");
    assert_eq!(read_ledger(&site), export);
    site.apply().exits(0).says("up to date");
    assert_eq!(vendor.sandbox.received().pushes, 25);
}

/// Changes one stored record behind the tool's back.
fn rewrite(site: &Site, serial: u64, line: &[u8]) {
    let database = sled::open(site.path(LEDGER)).unwrap();
    let tree = database.open_tree("records").unwrap();
    // Records that became durable together are one value, whose key is the first one's.
    let (key, value) = tree.range(..=serial.to_be_bytes()).next_back().unwrap().unwrap();
    let first = u64::from_be_bytes(key.as_ref().try_into().unwrap());
    let is_packed = !value.starts_with(b"{");
    let value = if is_packed { zstd::decode_all(value.as_ref()).unwrap() } else { value.to_vec() };
    let mut lines: Vec<&[u8]> = value.split(|byte| *byte == b'\n').collect();
    lines[usize::try_from(serial - first).unwrap()] = line;
    let value = lines.join(&b'\n');
    let value = if is_packed { zstd::encode_all(value.as_slice(), 1).unwrap() } else { value };
    tree.insert(key, value).unwrap();
    database.flush().unwrap();
}

#[test]
fn a_lost_directory_is_restored_from_an_export() {
    let vendor = Vendor::start();
    let site = Site::remote(&vendor.url(), 25, "");
    site.apply().exits(0);
    site.write("ledger.jsonl", &read_ledger(&site));
    fs::remove_dir_all(site.path(LEDGER)).unwrap();
    site.apply().exits(12).warns("there is no ledger");
    let whole = fs::read_to_string(site.path("ledger.jsonl")).unwrap();
    site.write("cut.jsonl", &whole[..whole.len() - 40]);
    site.run(&["ledger", "restore", "cut.jsonl"]).exits(12).warns("`cut.jsonl` cannot be restored from");
    assert!(!site.path(LEDGER).exists(), "a refused export leaves nothing behind");
    site.apply().exits(12).warns("there is no ledger");
    site.run(&["ledger", "restore", "ledger.jsonl"]).exits(0);
    site.run(&["ledger", "verify"]).exits(0).says("1 campaign revision: 25 accepted, 0 rejected, 0 in doubt");
    site.apply().exits(0).says("up to date");
    assert_eq!(vendor.sandbox.received().pushes, 25);
}

#[test]
fn an_older_copy_put_in_place_is_noticed_by_the_machine_that_wrote_the_newer_one() {
    let vendor = Vendor::start();
    let site = Site::remote(&vendor.url(), 5, "");
    let home = site.path("home");
    let run = |arguments: &[&str]| Ran::of(&site.command(arguments).env("HOME", &home).output().unwrap());
    let copy = |from: &str, to: &str| {
        let (from, to) = (site.path(from), site.path(to));
        drop(fs::remove_dir_all(&to));
        assert!(Command::new("cp").arg("-r").args([from, to]).status().unwrap().success());
    };
    run(&["plan"]).exits(0);
    copy(LEDGER, "older");
    run(&["apply", "--auto-approve"]).exits(0);
    copy(LEDGER, "newer");
    copy("older", LEDGER);
    for command in [&["plan"][..], &["apply", "--auto-approve"], &["ledger", "verify"]] {
        run(command).exits(12).warns("was rolled back: it ends at record 1");
    }
    assert_eq!(vendor.calls(), 1);
    // Another machine that went on from the older copy has another history.
    site.apply().exits(0);
    run(&["plan"]).exits(12).warns("is not the one that this machine wrote: record");
    copy("newer", LEDGER);
    run(&["apply", "--auto-approve"]).exits(0).says("up to date");
    // The README's way on, for whoever is certain.
    copy("older", LEDGER);
    run(&["plan"]).exits(12);
    let verified = site.run(&["ledger", "verify", "--json"]).exits(0).json();
    let lineage = verified["lineage"].as_str().unwrap();
    fs::remove_file(home.join(".local/state/campaignctl/ledgers").join(lineage)).unwrap();
    run(&["plan"]).exits(0).says("Plan: 1 to push");
}

/// Only a run that ends in order can say so at its end; one that is killed must have said it before.
#[test]
fn an_older_copy_is_noticed_also_where_the_run_after_it_was_killed() {
    let vendor = Vendor::start();
    let site = Site::remote(&vendor.url(), 5, "");
    let home = site.path("home");
    let run = |arguments: &[&str]| Ran::of(&site.command(arguments).env("HOME", &home).output().unwrap());
    let older = run(&["ledger", "export"]).exits(0).stdout;
    site.write("older.jsonl", &older);
    let mut killed = site.command(&["apply", "--auto-approve"]);
    killed.env("HOME", &home).env("CAMPAIGNCTL_CRASH_AFTER", "reply-read");
    assert_eq!(killed.output().unwrap().status.code(), None, "it was killed");
    assert_eq!(vendor.sandbox.received().pushes, 5);
    fs::remove_dir_all(site.path(LEDGER)).unwrap();
    run(&["ledger", "restore", "older.jsonl"]).exits(12);
    run(&["apply", "--auto-approve"]).exits(12);
    assert_eq!(vendor.sandbox.received().pushes, 5);
    assert!(vendor.disturbed_twice().is_empty());
}

#[test]
fn a_ledger_of_version_0_1_opens_and_a_later_one_is_refused() {
    let project = "version: 1\nproject: harbour-bank\ndefault_environment: sandbox\nenvironments:\n  sandbox:\n    \
                   app_id: ONEX570DA89211721\n    workspace_id: test\n    endpoint: sandbox\n";
    let site = Site::with(project, &campaign("hello", 5));
    fs::create_dir_all(site.path("campaigns/.campaignctl")).unwrap();
    unpack("version-0.1", &site.path("campaigns/.campaignctl"));
    let words = "6 campaign revisions: 32 accepted, 0 rejected, 0 in doubt.";
    site.run_at(LATER, &["ledger", "verify"]).exits(0).says("25 records").says(words);
    let status = site.run_at(LATER, &["status", "payday-2026-12"]).exits(0);
    status.says("24 accepted");
    site.run_at(LATER, &["apply", "--auto-approve"]).exits(0).says("5 accepted");
    site.run_at(LATER, &["ledger", "verify"]).exits(0).says("37 accepted");

    let export = site.run_at(LATER, &["ledger", "export"]).exits(0).stdout;
    let newer = export.lines().next().unwrap().replace("\"format\":1", "\"format\":99");
    let newer = rechained(&newer);
    site.write("newer.jsonl", &newer);
    fs::remove_dir_all(site.path("campaigns/.campaignctl/sandbox")).unwrap();
    site.run_at(LATER, &["ledger", "restore", "newer.jsonl"]).exits(12).warns("format 99");
}

/// Unpacks what an older version wrote: `tests/fixtures/ledger/README.md`.
fn unpack(name: &str, into: &Path) {
    let archives = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/ledger");
    let mut unpack = Command::new("tar");
    unpack.arg("-xzf").arg(archives.join(format!("{name}.tar.gz"))).current_dir(into);
    assert!(unpack.status().unwrap().success());
}

#[test]
fn a_ledger_of_version_0_2_is_read_and_goes_on() {
    // What a run did by itself; 0.2.0 added up verdicts to it when it packed.
    let whole = ("version-0.2", "36 records", "240 accepted, 0 rejected, 85 in doubt");
    let packed = ("version-0.2-packed", "12 records", "265 accepted, 10 rejected, 50 in doubt");
    for (name, records, first_run) in [whole, packed] {
        let site = Site::with("", "");
        unpack(name, &site.path(""));
        let words = "5 campaign revisions: 306 accepted, 0 rejected, 50 in doubt.";
        site.run_at(LATER_0_2, &["ledger", "verify"]).exits(0).says(records).says(words);
        site.run_at(LATER_0_2, &["history"]).exits(0).says(first_run).says("41 accepted, 0 rejected");
        site.run_at(LATER_0_2, &["doubt", "list"]).exits(0).says("? offer@1  50 targets in 1 batch (18)");
        // Nobody gets again what 0.2.0 sent them: what is left is a campaign that it did not know.
        let plan = site.run_at(LATER_0_2, &["plan"]).exits(0);
        plan.says("+ create news")
            .says("- withdraw digest@1  25 people")
            .says("Plan: 1 to push (27 targets in 1 request), 1 up to date, 2 waiting, 1 in doubt.");
        let reason = ["--reason", "the console has no such task"];
        site.run_at(LATER_0_2, &[&["doubt", "mark", "18", "not-sent"], reason.as_slice()].concat()).exits(0);
        site.run_at(LATER_0_2, &["ledger", "pack"]).exits(0);
        site.run_at(LATER_0_2, &["ledger", "verify"]).exits(0).says("306 accepted, 50 rejected, 0 in doubt.");
        site.run_at(LATER_0_2, &["plan"])
            .exits(0)
            .says("> continue offer  PushMultiple  50 targets in 1 request")
            .says("Plan: 2 to push (77 targets in 2 requests), 1 up to date, 2 waiting, 0 in doubt.");
    }
}

#[test]
fn a_plan_of_version_0_2_is_refused_with_what_to_do() {
    let site = Site::with("", "");
    unpack("version-0.2", &site.path(""));
    for arguments in
        [&["show", "campaigns/plan.json"][..], &["apply", "campaigns/plan.json", "--auto-approve"]]
    {
        let refused = site.run_at(LATER_0_2, arguments).exits(3);
        refused.warns("this plan has format version 2, and this campaignctl reads 3").warns(
            "nothing was sent. Another version of campaignctl made it: plan again with this one, \
             `campaignctl plan --out FILE`, and have it reviewed",
        );
    }
    site.run_at(LATER_0_2, &["ledger", "verify"]).exits(0).says("36 records");
}

/// Gives the first line of a ledger the chain that its text has.
fn rechained(line: &str) -> String {
    use sha2::{Digest, Sha256};
    let rest = &line[line.find("\"serial\"").unwrap()..];
    let digest = Sha256::new().chain_update([0; 16]).chain_update(rest).finalize();
    format!("{{\"chain\":\"{}\",{rest}\n", hex::encode(&digest[..16]))
}

#[test]
fn a_plan_that_is_to_be_exact_is_stale_with_any_change_of_what_was_read() {
    let vendor = Vendor::start();
    let made = |site: &Site| drop(site.run(&["plan", "--out", "plan.json"]).exits(0));
    let apply = ["apply", "plan.json", "--auto-approve", "--exact"];
    let site = Site::remote(&vendor.url(), 5, "");
    site.write("campaigns/ids.txt", "a1\na2\n");
    site.edit("campaigns/c.yaml", "users: [u1, u2, u3, u4, u5]", "users: { file: ids.txt }");
    let changes: [(&str, &dyn Fn(), &str); 6] = [
        (
            "a comment",
            &|| site.edit("campaigns/c.yaml", "templates:", "# hello\ntemplates:"),
            "the file `campaigns/c.yaml` was changed",
        ),
        (
            "the order of an audience",
            &|| site.write("campaigns/ids.txt", "a2\na1\n"),
            "the file `campaigns/ids.txt` was changed",
        ),
        (
            "the project file",
            &|| site.edit("campaigns/campaignctl.yaml", "concurrency: 4", "concurrency: 3"),
            "the file `campaigns/campaignctl.yaml` was changed",
        ),
        ("a new file", &|| site.write("campaigns/d.yaml", "{}\n"), "the file `campaigns/d.yaml` was added"),
        (
            "a file less",
            &|| fs::remove_file(site.path("campaigns/d.yaml")).unwrap(),
            "the file `campaigns/d.yaml` was removed",
        ),
        (
            "the content",
            &|| site.edit("campaigns/c.yaml", "title: T", "title: U"),
            "`hello`: its content changed",
        ),
    ];
    for (what, change, words) in changes {
        made(&site);
        change();
        let ran = site.run(&apply);
        assert_eq!(ran.code, Some(7), "{what}: {}", ran.stderr);
        ran.warns(words);
    }
    assert_eq!(vendor.calls(), 0);
    made(&site);
    site.run(&apply).exits(0).says("2 accepted");
    // The same plan again sends nothing: everybody has got it.
    site.run(&apply).exits(7).warns("the ledger moved on from record");
    site.run(&apply[..3]).exits(0).says("No changes");
    assert_eq!(vendor.calls(), 1);
}

#[test]
fn a_plan_can_be_too_old_or_too_young() {
    let vendor = Vendor::start();
    let site = Site::remote(&vendor.url(), 5, "");
    site.run(&["plan", "--out", "plan.json"]).exits(0);
    let apply = |now: &str, more: &[&str]| {
        site.run_at(now, &[&["apply", "plan.json", "--auto-approve"], more].concat())
    };
    apply(LATER, &["--max-plan-age", "4m"])
        .exits(9)
        .warns("the plan was made at 2026-11-24 10:00, more than 4m ago");
    apply("2026-11-24T09:00:00+08:00", &[]).exits(7).warns("later than this machine's clock says");
    assert_eq!(vendor.calls(), 0);
    apply(LATER, &["--max-plan-age", "5m"]).exits(0);
    site.run(&["apply", "--max-plan-age", "5m", "--auto-approve"]).exits(3);
}

#[test]
fn a_clock_that_was_set_back_sends_nothing() {
    let vendor = Vendor::start();
    let site = Site::remote(&vendor.url(), 5, "");
    site.apply().exits(0);
    site.write("campaigns/c.yaml", &campaign("hello", 10));
    let early = site.run_at("2026-11-24T09:30:00+08:00", &["apply", "--auto-approve"]);
    early.exits(6).warns("this machine's clock says 2026-11-24 09:30, but the ledger's last record");
    assert_eq!(vendor.calls(), 1);
    // A quarter of an hour is what two machines' clocks may differ.
    site.run_at("2026-11-24T09:50:00+08:00", &["apply", "--auto-approve"]).exits(0);
    assert_eq!(vendor.calls(), 2);
    assert!(NOW.starts_with("2026-11-24T10"), "the moments above are around it");
}
