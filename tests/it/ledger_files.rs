//! A ledger on a machine that has too little of something, or whose files somebody touched: what can be read is read, what
//! is short is named, and nothing of it is called damage that is none.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::misfortune::Vendor;
use crate::site::{Ran, Site, campaign};

const LEDGER: &str = "campaigns/.campaignctl/remote";
/// What only reads.
const READERS: [&[&str]; 7] = [
    &["plan"],
    &["status"],
    &["history"],
    &["ledger", "export"],
    &["ledger", "verify"],
    &["doubt", "list"],
    &["explain", "hello"],
];

/// A ledger that has records, and a snapshot of sled's beside them.
fn written(vendor: &Vendor, targets: usize) -> Site {
    let site = Site::remote(&vendor.url(), targets, "");
    site.apply().exits(0);
    site.run(&["ledger", "verify"]).exits(0);
    site
}

/// Runs a shell line, in which `$BIN` is the binary, as `site.command` runs that.
fn shell(site: &Site, line: &str) -> Ran {
    let command = site.command(&[]);
    let mut bash = Command::new("bash");
    bash.args(["-c", line]).current_dir(site.path(".")).env_clear().stdin(Stdio::null());
    bash.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    bash.env("BIN", command.get_program()).env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin");
    Ran::of(&bash.output().unwrap())
}

/// Runs a command without root's right to write to whatever it likes.
fn bound_by_modes(site: &Site, arguments: &[&str]) -> Ran {
    shell(site, &format!("exec setpriv --bounding-set=-all --inh-caps=-all \"$BIN\" {}", arguments.join(" ")))
}

#[test]
fn files_that_can_only_be_read_are_read_and_a_writer_says_so() {
    let vendor = Vendor::start();
    let site = written(&vendor, 25);
    let ledger = site.path(LEDGER);
    let set_modes = |of_files, of_directories| {
        for path in [ledger.clone(), ledger.join("blobs")] {
            for entry in fs::read_dir(&path).unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_file() {
                    fs::set_permissions(entry.path(), fs::Permissions::from_mode(of_files)).unwrap();
                }
            }
            fs::set_permissions(path, fs::Permissions::from_mode(of_directories)).unwrap();
        }
    };
    let export = site.run(&["ledger", "export"]).stdout;
    // Files alone, as `chmod -R a-w` of files leaves them; the directory alone, as another user's; and both.
    for (of_files, of_directories) in [(0o444, 0o755), (0o644, 0o555), (0o444, 0o555)] {
        set_modes(of_files, of_directories);
        for reader in READERS {
            let ran = bound_by_modes(&site, reader).exits(0);
            assert_eq!(ran.stderr, "", "{reader:?}, {of_files:o}");
        }
        assert_eq!(bound_by_modes(&site, &["ledger", "export"]).stdout, export);
        site.write("campaigns/c.yaml", &campaign("hello", 26));
        for writer in [&["apply", "--auto-approve"][..], &["ledger", "pack"]] {
            bound_by_modes(&site, writer)
                .exits(1)
                .warns("the ledger is read-only")
                .warns("Permission denied")
                .warns("nothing was sent");
        }
        site.write("campaigns/c.yaml", &campaign("hello", 25));
    }
    assert_eq!(vendor.sandbox.received().pushes, 25);
    set_modes(0o644, 0o755);
}

/// Runs a script in a mount namespace of its own, where `$DISK` is a disk of 4 MiB with a copy of the workspace; nothing
/// where the machine lets nobody mount one.
fn on_a_small_disk(site: &Site, script: &str) -> Option<Ran> {
    fs::create_dir_all(site.path("disk")).unwrap();
    let namespace = "unshare --map-root-user --mount";
    let mount = "mount -t tmpfs -o size=4m tmpfs disk";
    if shell(site, &format!("{namespace} {mount}")).code != Some(0) {
        let mut stderr = std::io::stderr().lock();
        writeln!(stderr, "skipped: this machine lets nobody mount a small disk").unwrap();
        return None;
    }
    let begin = format!("{mount} && cp -r campaigns disk/ && cd disk || exit 99\nexport TMPDIR=$PWD");
    site.write("script", &format!("{begin}\n{script}"));
    Some(shell(site, &format!("exec {namespace} bash script")))
}

/// Fills the directory's disk with the file `full`.
const FILL: &str = "fill() { dd if=/dev/zero of=full bs=4k status=none 2>/dev/null || true; }\n";

#[test]
fn on_a_full_disk_whatever_only_reads_reads() {
    let vendor = Vendor::start();
    let site = written(&vendor, 25);
    // As an apply leaves it, no reader having been there since.
    site.write("campaigns/c.yaml", &campaign("hello", 35));
    site.apply().exits(0);
    let readers: Vec<String> = READERS.iter().map(|reader| reader.join(" ")).collect();
    let script = format!(
        "{FILL}fill\nfor reader in {}; do \"$BIN\" $reader >/dev/null || echo \"$reader: $?\"; done\n\
         \"$BIN\" apply --auto-approve || echo \"apply: $?\"\n",
        readers.iter().map(|reader| format!("'{reader}'")).collect::<Vec<_>>().join(" ")
    );
    let Some(ran) = on_a_small_disk(&site, &script) else { return };
    assert_eq!(ran.stdout, "apply: 1\n", "{}", ran.stderr);
    ran.warns("No space left on device").warns("nothing was sent, and the ledger is as it was");
}

#[test]
fn a_packing_that_found_no_room_leaves_the_room_that_the_next_apply_needs() {
    let vendor = Vendor::start();
    let site = written(&vendor, 4000);
    site.write("more.yaml", &campaign("hello", 4005));
    let script = format!(
        "{FILL}fill; truncate -s -32K full\n\
         \"$BIN\" ledger pack\n\
         test -e {LEDGER}/packing && echo 'a draft was left'\n\
         rm full; mkdir {LEDGER}/packing; (cd {LEDGER}/packing; fill)\n\
         cp ../more.yaml campaigns/c.yaml; \"$BIN\" apply --auto-approve | tail -1\n"
    );
    let Some(ran) = on_a_small_disk(&site, &script) else { return };
    // Nothing was packed, nothing was left, and what a killed packing left made room.
    let applied = "5 accepted, 0 rejected, 0 in doubt, 0 not sent.\n";
    assert!(
        ran.stdout.starts_with("Applied in ") && ran.stdout.ends_with(applied),
        "{}{}",
        ran.stdout,
        ran.stderr
    );
    assert_eq!(vendor.sandbox.received().pushes, 4005);
    ran.warns("No space left on device");
}

#[test]
fn a_damaged_snapshot_is_made_anew_and_costs_nothing() {
    let vendor = Vendor::start();
    let site = written(&vendor, 3000);
    let export = site.run(&["ledger", "export"]).exits(0).stdout;
    let snapshot = |site: &Site| {
        let mut paths = fs::read_dir(site.path(LEDGER)).unwrap().map(|entry| entry.unwrap().path());
        paths.find(|path| path.file_name().unwrap().to_string_lossy().starts_with("snap."))
    };
    let path = snapshot(&site).expect("who opened it left a snapshot");
    let whole = fs::read(&path).unwrap();
    for place in [0, 1, whole.len() / 2, whole.len() - 13, whole.len() - 1] {
        let path = snapshot(&site).expect("a new one was made");
        let mut flipped = fs::read(&path).unwrap();
        let place = place.min(flipped.len() - 1);
        flipped[place] ^= 0x10;
        fs::write(&path, flipped).unwrap();
        assert_eq!(site.run(&["ledger", "export"]).exits(0).stdout, export, "byte {place}");
    }
    let path = snapshot(&site).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    site.run(&["ledger", "verify"]).exits(0).says("3 000 accepted");
    site.write("campaigns/c.yaml", &campaign("hello", 3001));
    site.apply().exits(0).says("1 accepted");

    // What the snapshot would have hidden is still seen: records that are gone.
    let database = site.path(LEDGER).join("db");
    let mut bytes = fs::read(&database).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 4096].fill(0);
    fs::write(&database, bytes).unwrap();
    if let Some(path) = snapshot(&site) {
        fs::write(path, "torn").unwrap();
    }
    site.apply().exits(12);
    assert_eq!(vendor.sandbox.received().pushes, 3001);
}

#[test]
fn a_damaged_note_of_how_far_it_was_neither_costs_the_ledger_nor_hides_a_rollback() {
    let vendor = Vendor::start();
    let site = Site::remote(&vendor.url(), 5, "");
    let older = fs::read(site.path(LEDGER).join("db")).unwrap();
    site.apply().exits(0);
    let ledger = site.path(LEDGER);
    let export = site.run(&["ledger", "export"]).exits(0).stdout;
    let (note, copy) = (ledger.join("high_water"), ledger.join("high_water.copy"));
    let whole = [fs::read(&note).unwrap(), fs::read(&copy).unwrap()];
    let put = |path: &Path, place: usize, whole: &[u8]| {
        let mut flipped = whole.to_vec();
        flipped[place] ^= 0x01;
        fs::write(path, flipped).unwrap();
    };
    for place in [0, 10, 19, 20, 21, 40, 52, 53] {
        put(&note, place, &whole[0]);
        site.run(&["status"]).exits(0);
        fs::write(&note, &whole[0]).unwrap();
    }
    put(&copy, 19, &whole[1]);
    site.run(&["status"]).exits(0);
    // A writer makes both anew.
    put(&note, 19, &whole[0]);
    fs::write(&copy, &whole[1]).unwrap();
    site.write("campaigns/c.yaml", &campaign("hello", 6));
    site.apply().exits(0).says("1 accepted");
    let text = fs::read_to_string(&note).unwrap();
    assert!(fs::read_to_string(&copy).unwrap().starts_with(text.trim_end()), "{text}");

    // An older database behind a damaged note.
    let newer = site.run(&["ledger", "export"]).exits(0).stdout;
    fs::write(ledger.join("db"), older).unwrap();
    for entry in fs::read_dir(&ledger).unwrap().map(Result::unwrap) {
        if entry.file_name().to_string_lossy().starts_with("snap.") {
            fs::remove_file(entry.path()).unwrap();
        }
    }
    put(&note, 0, text.as_bytes());
    site.apply().exits(12).warns("was rolled back");
    // Nothing is left that says how far it was: that is no licence to go on, and an export is.
    fs::write(&note, "?").unwrap();
    fs::write(&copy, "?").unwrap();
    site.apply().exits(12).warns("nobody can tell whether its last records are missing");
    site.write("old.jsonl", &export);
    site.write("new.jsonl", &newer);
    site.run(&["ledger", "restore", "new.jsonl"]).exits(0);
    site.apply().exits(0).says("up to date");
    assert_eq!(vendor.sandbox.received().pushes, 6);
}

#[test]
fn too_few_open_files_are_named_and_nothing_is_sent() {
    let vendor = Vendor::start();
    let site = written(&vendor, 25);
    site.write("campaigns/c.yaml", &campaign("hello", 65));
    for files in 4..24 {
        let ran = shell(&site, &format!("ulimit -n {files}; exec \"$BIN\" apply --auto-approve"));
        if ran.code == Some(0) {
            assert!(files > 12, "{files}: {}", ran.stdout);
            break;
        }
        assert_eq!(ran.code, Some(1), "{files}: {}{}", ran.stdout, ran.stderr);
        assert!(ran.stderr.contains("Too many open files"), "{files}: {}", ran.stderr);
        assert!(ran.stderr.contains("ulimit -n"), "{files}: {}", ran.stderr);
        assert_eq!(vendor.sandbox.received().pushes, 25, "{files}");
    }
    site.apply().exits(0);
    assert_eq!(vendor.sandbox.received().pushes, 65);
    assert!(vendor.disturbed_twice().is_empty());
}

#[test]
fn too_little_memory_is_no_damage_and_no_crash() {
    let vendor = Vendor::start();
    let site = written(&vendor, 1000);
    let (mut refused, mut done) = (0, 0);
    // From what the program itself hardly fits into, to what is enough.
    for megabytes in (60..340).step_by(40) {
        let line = format!("ulimit -v {}; exec timeout 20 \"$BIN\" ledger verify", megabytes << 10);
        let ran = shell(&site, &line);
        // The system ends what it cannot load: that is not ours to say.
        if ran.code.is_none() || ran.code == Some(126) || ran.code == Some(127) || ran.code == Some(139) {
            assert!(refused + done == 0, "{megabytes} MB: {}", ran.stderr);
            continue;
        }
        assert!(matches!(ran.code, Some(0 | 1)), "{megabytes} MB: {:?} {}", ran.code, ran.stderr);
        if ran.code == Some(0) {
            done += 1;
            continue;
        }
        refused += 1;
        assert!(
            ran.stderr.contains("memory") || ran.stderr.contains("temporarily"),
            "{megabytes} MB: {}",
            ran.stderr
        );
        assert!(!ran.stderr.contains("damaged") && !ran.stderr.contains("backup"), "{}", ran.stderr);
    }
    assert!(refused > 0 && done > 0, "{refused} refused, {done} done");
}

#[test]
fn what_is_wrong_with_an_export_is_said_with_its_line() {
    let vendor = Vendor::start();
    let site = Site::remote(&vendor.url(), 25, "");
    let begun = site.run(&["ledger", "export"]).stdout;
    site.apply().exits(0);
    let export = site.run(&["ledger", "export"]).exits(0).stdout;
    let lines: Vec<&str> = export.lines().collect();
    let without = |place: usize| [&lines[..place], &lines[place + 1..]].concat().join("\n");
    let foreign = lines[0].replace("\"app_id\":\"A\"", "\"app_id\":\"B\"");
    assert_ne!(foreign, lines[0]);
    let cases = [
        (String::new(), "it is empty"),
        (export.replace('\n', "\r\n"), "line 1 ends in a carriage return"),
        (format!("{export}\n"), &format!("line {} is empty", lines.len() + 1)),
        (without(2), "line 3 is record 4: record 3 is missing before it"),
        (without(0), "line 1 is record 2: record 1 is missing before it"),
        (export[..export.len() - 30].to_owned(), &format!("line {} is cut off in its middle", lines.len())),
        (export.replacen("{\"chain\":", "{ \"chain\": ", 1), "line 1, record 1, was reformatted"),
        (export.replacen("hello", "hellu", 1), "is not what was written there"),
        (site.read("campaigns/c.yaml"), "line 1 is not JSON"),
        (rechained(&foreign), "line 1 says that it is of app `B`, and this is `A`"),
        (begun, "it ends at record 1, and record"),
    ];
    fs::rename(site.path(LEDGER).join("db"), site.path("db")).unwrap();
    for (text, words) in cases {
        site.write("export.jsonl", &text);
        let refused = site.run(&["ledger", "restore", "export.jsonl"]).exits(12);
        refused.warns("`export.jsonl` cannot be restored from").warns(words).warns("nothing was changed");
    }
    site.write("export.jsonl", &export);
    site.run(&["ledger", "restore", "export.jsonl"]).exits(0);
    site.apply().exits(0).says("up to date");
}

/// Gives the first line of a ledger the chain that its text has.
fn rechained(line: &str) -> String {
    use sha2::{Digest, Sha256};
    let rest = &line[line.find("\"serial\"").unwrap()..];
    let digest = Sha256::new().chain_update([0; 16]).chain_update(rest).finalize();
    format!("{{\"chain\":\"{}\",{rest}\n", hex::encode(&digest[..16]))
}

#[test]
fn the_words_of_the_store_reach_nobody() {
    let vendor = Vendor::start();
    let site = written(&vendor, 2000);
    let database = site.path(LEDGER).join("db");
    let whole = fs::read(&database).unwrap();
    let mut refused = 0;
    for place in (0..whole.len()).step_by(whole.len() / 12) {
        let mut damaged = whole.clone();
        let end = (place + 512).min(damaged.len());
        damaged[place..end].iter_mut().for_each(|byte| *byte ^= 0xA5);
        fs::write(&database, damaged).unwrap();
        let ran = site.run(&["plan"]);
        assert!(matches!(ran.code, Some(0 | 12)), "{place}: {:?} {}", ran.code, ran.stderr);
        refused += usize::from(ran.code == Some(12));
        for word in ["backtrace", "offset", "sled", "panicked", "PLEASE", "unwrap", "Corruption", "IVec"] {
            assert!(!ran.stderr.contains(word), "{place}: {}", ran.stderr);
        }
    }
    assert!(refused > 0);
}
