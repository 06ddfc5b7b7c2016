//! A ledger that several machines share, in the real server that `scripts/postgres run` starts: every command, from clones with
//! nothing in common but the store; what a person reads when the server is not as it should be; and moving there and back.

use std::fmt::Write;
use std::io::{self, BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::misfortune::{Vendor, account};
use crate::site::{Ran, Site, campaign};

/// Where the servers are.
const VARIABLE: &str = "CAMPAIGNCTL_TEST_POSTGRES";

/// What a person reads when the server is not as it should be; `UPDATE_CORPUS=1` writes it anew.
const PAGE: &str = "tests/stores/postgres.txt";

#[expect(clippy::disallowed_methods, reason = "whoever wants the page anew says so by environment variable")]
fn is_set(variable: &str) -> bool {
    std::env::var_os(variable).is_some()
}

/// Running servers.
pub(crate) struct Servers {
    directory: PathBuf,
    port: u16,
    bouncer: u16,
}

impl Servers {
    /// Returns them, or says that what needs them is skipped.
    #[expect(clippy::disallowed_methods, reason = "the test command says where the servers are")]
    pub(crate) fn running() -> Option<Self> {
        let Some(directory) = std::env::var_os(VARIABLE) else {
            let test = std::thread::current().name().unwrap_or_default().to_owned();
            let skipped =
                format!("{test}: SKIPPED, run `scripts/postgres run cargo test` to have the servers\n");
            drop(io::Write::write_all(&mut io::stderr(), skipped.as_bytes()));
            return None;
        };
        Some(Self::in_directory(PathBuf::from(directory)))
    }

    fn in_directory(directory: PathBuf) -> Self {
        let ports = std::fs::read_to_string(directory.join("ports")).unwrap();
        let mut ports = ports.split_whitespace().map(|port| port.parse().unwrap());
        Self { port: ports.next().unwrap(), bouncer: ports.next().unwrap(), directory }
    }

    /// Starts servers of a test's own; they end when standard input of what is returned beside them is closed.
    fn start() -> (Child, Self) {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/postgres");
        let mut run = Command::new(script);
        run.args(["run", "sh", "-c", "echo $CAMPAIGNCTL_TEST_POSTGRES; exec cat"]);
        let mut child = run.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let servers = Self::in_directory(PathBuf::from(line.trim()));
        (child, servers)
    }

    /// Returns the address of a ledger of a test's own.
    pub(crate) fn address(&self) -> String {
        format!("postgres://ledger@127.0.0.1:{}/push?ledger={}", self.port, uuid::Uuid::new_v4())
    }

    fn psql(&self, database: &str, sql: &str) -> String {
        let mut psql = Command::new("psql");
        psql.args(["-qAt", "-v", "ON_ERROR_STOP=1", "-h"]).arg(&self.directory);
        psql.args(["-p", &self.port.to_string(), "-U", "postgres", "-d", database, "-c", sql]);
        let output = psql.env_clear().stdin(Stdio::null()).output().expect("psql is installed");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

/// A workspace whose environment `remote` has its ledger at an address.
fn site(vendor: &Vendor, targets: usize, ledger: &str) -> Site {
    Site::remote(&vendor.url(), targets, &format!("    ledger: {ledger}\n"))
}

#[test]
fn two_clones_share_nothing_but_the_store_and_push_once() {
    let Some(servers) = Servers::running() else { return };
    let vendor = Vendor::start();
    for pooled in [false, true] {
        let address = if pooled {
            let mode = ["session", "transaction", "statement"][usize::from(servers.bouncer) % 3];
            format!("postgres://ledger@127.0.0.1:{}/{mode}?ledger={}", servers.bouncer, uuid::Uuid::new_v4())
        } else {
            servers.address()
        };
        let one = site(&vendor, 35, &address);
        let other = Site::copied(&one.path("campaigns"));
        other.write("campaigns/campaignctl.lock", &one.read("campaigns/campaignctl.lock"));
        one.apply().exits(0).says("35 accepted");
        other.run(&["plan"]).exits(0).says("No changes");
        other.apply().exits(0).says("up to date");
        assert_eq!(account(&other), (35, 0, 0));
        other.run(&["history"]).exits(0).says("35");
        other.run(&["doubt", "list"]).exits(0);
        other.run(&["ledger", "unlock"]).exits(0).says("not locked");
        other.run(&["ledger", "pack"]).exits(0).says("Packed");
        one.run(&["ledger", "verify"]).exits(0);
        one.edit("campaigns/c.yaml", "u35]", "u35, u36]");
        one.run(&["plan"]).exits(0).says("Plan: 1 to push (1 target");
        one.apply().exits(0).says("1 accepted");
        let export = one.run(&["ledger", "export"]).exits(0).stdout;
        assert_eq!(other.run(&["ledger", "export"]).exits(0).stdout, export);
        // What is whole is not replaced; what is gone comes back from the export.
        other.write("ledger.jsonl", &export);
        other.run(&["ledger", "restore", "ledger.jsonl"]).exits(6).warns("is whole");
        servers.psql(
            "push",
            &format!("update campaignctl.step set body = '\\x00' where ledger = '{}'", name(&address)),
        );
        one.run(&["plan"]).exits(12).warns("damaged");
        other.run(&["ledger", "restore", "ledger.jsonl"]).exits(0).says("Restored ledger");
        one.run(&["ledger", "verify"]).exits(0);
        assert_eq!(account(&one), (36, 0, 0));
    }
    assert!(vendor.disturbed_twice().values().all(|times| *times <= 2), "one push in each ledger");
}

fn name(address: &str) -> &str {
    address.split_once("ledger=").unwrap().1
}

#[test]
fn a_row_that_went_back_is_noticed() {
    let Some(servers) = Servers::running() else { return };
    let vendor = Vendor::start();
    let address = servers.address();
    let site = site(&vendor, 35, &address);
    site.apply().exits(0);
    // Restored to a moment before, in part: the row knows what its steps lost.
    servers.psql(
        "push",
        &format!("delete from campaignctl.step where ledger = '{}' and first > 1", name(&address)),
    );
    site.apply().exits(12).warns("was rolled back: it ends at record 1, but record");
}

/// What is wrong, the ledger's address, the environment's variables, and the exit code.
type Case<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], i32);

#[test]
fn a_server_that_is_not_as_it_should_be_is_named_with_what_to_do_and_nothing_is_sent() {
    let Some(servers) = Servers::running() else { return };
    let vendor = Vendor::start();
    let good = servers.address();
    let site = site(&vendor, 5, &good);
    let port = servers.port;
    let ledger = name(&good);
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    servers.psql("push", "create schema if not exists of_another");
    let cases: &[Case<'_>] = &[
        ("host unknown", "postgres://ledger@no-such-host.invalid/push", &[], 1),
        ("nobody listens", &format!("postgres://ledger@127.0.0.1:{closed}/push"), &[], 1),
        ("password wrong", &good, &[("PGPASSWORD", "wrong")], 12),
        ("no password", &good, &[("PGPASSWORD", "")], 12),
        ("password for another host", &good, &[("PGHOST", "db.internal")], 12),
        ("no database", &format!("postgres://ledger@127.0.0.1:{port}/nothing"), &[], 12),
        ("no right", &format!("postgres://nobody@127.0.0.1:{port}/push?ledger={ledger}"), &[], 12),
        ("no ledger", &format!("postgres://ledger@127.0.0.1:{port}/push?ledger=another"), &[], 12),
        ("no schema", &format!("postgres://ledger@127.0.0.1:{port}/push?schema=nowhere"), &[], 12),
        (
            "certificate of an unknown authority",
            &format!("postgres://ledger@localhost:{port}/push?sslmode=verify-full&ledger={ledger}"),
            &[],
            12,
        ),
        (
            "no certificates",
            &format!("postgres://ledger@localhost:{port}/push?sslmode=verify-full"),
            &[("PGSSLROOTCERT", "/nowhere.pem")],
            12,
        ),
    ];
    let mut said = String::new();
    for (what, address, variables, code) in cases {
        site.write(
            "campaigns/campaignctl.yaml",
            &site.read("campaigns/campaignctl.yaml").lines().fold(String::new(), |text, line| {
                let line =
                    if line.contains("ledger:") { format!("    ledger: {address}") } else { line.to_owned() };
                text + &line + "\n"
            }),
        );
        let mut command = site.command(&["apply", "--auto-approve"]);
        let ran = Ran::of(&command.envs(variables.iter().copied()).output().unwrap());
        assert_eq!(ran.code, Some(*code), "{what}: {}{}", ran.stdout, ran.stderr);
        assert!(!ran.stderr.contains("the-ledgers-password"), "{what}: {}", ran.stderr);
        // The rest is the resolver's.
        let (lookup, why) = ("failed to lookup address information", "Name or service not known");
        let known = ran.stderr.lines().map(|line| match line.find(lookup) {
            Some(at) => format!("{}{lookup}: {why}\n", &line[..at]),
            None => format!("{line}\n"),
        });
        let text =
            known.collect::<String>().replace(&port.to_string(), "PORT").replace(&closed.to_string(), "PORT");
        let lineage = text.split_once("pins ledger ").and_then(|(_, rest)| rest.split(' ').next());
        let text = lineage.map_or_else(|| text.clone(), |lineage| text.replace(lineage, "LINEAGE"));
        writeln!(said, "# {what}\n{}", text.replace(ledger, "LEDGER")).unwrap();
    }
    assert_eq!(vendor.calls(), 0);
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    if is_set("UPDATE_CORPUS") {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &said).unwrap();
    }
    let wanted = std::fs::read_to_string(&path).unwrap_or_default();
    snapbox::assert_data_eq!(said, snapbox::Data::text(wanted).raw());
}

#[test]
fn a_role_that_only_reads_plans_and_looks_and_a_replica_is_never_folded() {
    let Some(servers) = Servers::running() else { return };
    let vendor = Vendor::start();
    let address = servers.address();
    let site = site(&vendor, 35, &address);
    site.apply().exits(0);
    servers.psql("push", "grant usage on schema campaignctl to reader; grant select on all tables in schema campaignctl to reader");
    site.edit("campaigns/campaignctl.yaml", "postgres://ledger@", "postgres://reader@");
    for command in [
        &["plan"][..],
        &["status"],
        &["history"],
        &["doubt", "list"],
        &["ledger", "export"],
        &["ledger", "verify"],
    ] {
        site.run(command).exits(0);
    }
    site.apply().exits(12).warns("permission denied").warns("grants");
    // A role that may not write at all, as on a replica.
    servers.psql("push", "create role only_reads login password 'the-ledgers-password'; grant ledger to only_reads; alter role only_reads set default_transaction_read_only = on");
    site.edit("campaigns/campaignctl.yaml", "postgres://reader@", "postgres://only_reads@");
    site.apply().exits(12).warns("read-only transaction").warns("Name the primary");
    servers.psql("push", "drop role only_reads");
}

#[test]
fn tls_is_proven_by_the_file_that_is_named() {
    let Some(servers) = Servers::running() else { return };
    let vendor = Vendor::start();
    let roots = servers.directory.join("ca.pem");
    let address = format!(
        "postgres://ledger@localhost:{}/push?sslmode=verify-full&sslrootcert={}&ledger={}",
        servers.port,
        roots.display(),
        uuid::Uuid::new_v4()
    );
    let site = site(&vendor, 5, &address);
    site.apply().exits(0).says("5 accepted");
    let encrypted = servers.psql("push", "select count(*) >= 0 from pg_stat_ssl where ssl");
    assert_eq!(encrypted.trim(), "t");
    // The same server by a name that its certificate does not have.
    site.edit("campaigns/campaignctl.yaml", "@localhost", "@another.example");
    let mut command = site.command(&["plan"]);
    let ran = Ran::of(&command.env("PGHOSTADDR", "127.0.0.1").output().unwrap());
    ran.exits(12).warns("certificate");
}

#[test]
fn a_ledger_moves_to_the_server_and_back_and_the_old_place_refuses() {
    let Some(servers) = Servers::running() else { return };
    let vendor = Vendor::start();
    let site = Site::remote(&vendor.url(), 250, "    ledger: l\n");
    site.edit("campaigns/c.yaml", "call: template, ", "");
    site.apply().exits(0);
    site.run(&["ledger", "pack"]).exits(0);
    let export = site.run(&["ledger", "export"]).exits(0).stdout;
    let there = servers.address();
    site.run(&["ledger", "move", &there]).exits(6).warns("--auto-approve");
    site.run(&["ledger", "move", "l", "--auto-approve"]).exits(3);
    site.run(&["ledger", "move", "postgres://a:b@h/d", "--auto-approve"])
        .exits(3)
        .warns("there is a password in");
    let moved = site.run(&["ledger", "move", &there, "--auto-approve"]).exits(0).says("Moved ledger").stdout;
    assert!(moved.contains(&format!("    ledger: {there}\n")), "{moved}");
    for command in
        [&["plan"][..], &["apply", "--auto-approve"], &["status"], &["ledger", "pack"], &["ledger", "init"]]
    {
        site.run(command).exits(12).warns("was moved to `postgres://127.0.0.1").warns("ledger:");
    }
    site.write("old.jsonl", &export);
    site.run(&["ledger", "restore", "old.jsonl"]).exits(12).warns("was moved to");
    // Done before: it says so, and changes nothing.
    site.run(&["ledger", "move", &there, "--auto-approve"]).exits(12).warns("was moved to");
    site.run(&["ledger", "move", "elsewhere", "--auto-approve"]).exits(12).warns("was moved to");

    site.edit("campaigns/campaignctl.yaml", "ledger: l\n", &format!("ledger: {there}\n"));
    site.run(&["plan"]).exits(0).says("No changes");
    assert_eq!(
        site.run(&["ledger", "export"]).exits(0).stdout,
        export,
        "serials, chain and blocks are the same"
    );
    site.run(&["ledger", "verify"]).exits(0);
    site.edit("campaigns/c.yaml", "u250]", "u250, u251]");
    site.apply().exits(0).says("1 accepted");
    let export = site.run(&["ledger", "export"]).exits(0).stdout;
    site.run(&["ledger", "move", "back", "--auto-approve"]).exits(0);
    site.run(&["plan"]).exits(12).warns("was moved to");
    site.edit("campaigns/campaignctl.yaml", &there, "back");
    assert_eq!(site.run(&["ledger", "export"]).exits(0).stdout, export);
    site.apply().exits(0).says("up to date");
    assert!(vendor.disturbed_twice().is_empty());
}

#[test]
fn a_move_that_was_interrupted_leaves_one_that_can_be_written_and_is_completed() {
    let Some(servers) = Servers::running() else { return };
    let vendor = Vendor::start();
    let site = Site::remote(&vendor.url(), 35, "    ledger: l\n");
    site.apply().exits(0);
    let there = servers.address();
    for point in ["copied", "closed"] {
        let mut command = site.command(&["ledger", "move", &there, "--auto-approve"]);
        let killed = Ran::of(&command.env("CAMPAIGNCTL_CRASH_AT_MOVE", point).output().unwrap());
        assert_eq!(killed.code, None, "{}{}", killed.stdout, killed.stderr);
        let here = site.run(&["plan"]);
        let is_open = point == "copied";
        assert_eq!(here.code, Some(if is_open { 0 } else { 12 }), "{}", here.stderr);
        site.edit("campaigns/campaignctl.yaml", "ledger: l\n", &format!("ledger: {there}\n"));
        site.run(&["plan"]).exits(12).warns("there is no ledger");
        site.edit("campaigns/campaignctl.yaml", &there, "l");
    }
    // By another host, which has to take over what the killed one left open.
    let mut command = site.command(&["ledger", "move", &there, "--auto-approve"]);
    command.env("CAMPAIGNCTL_HOST", "b").env("CAMPAIGNCTL_LEASE", "2s");
    Ran::of(&command.output().unwrap()).exits(0).says("Moved ledger");
    site.edit("campaigns/campaignctl.yaml", "ledger: l\n", &format!("ledger: {there}\n"));
    site.apply().exits(0).says("up to date");
    site.run(&["ledger", "verify"]).exits(0);
}

#[test]
fn a_server_that_restarts_in_the_middle_of_an_apply_loses_and_doubles_nothing() {
    if Servers::running().is_none() {
        return;
    }
    // Nobody else's.
    let (mut own, servers) = Servers::start();
    let vendor = Vendor::start();
    let site = site(&vendor, 3_000, &servers.address());
    site.edit("campaigns/campaignctl.yaml", "requests_per_second: 1000", "requests_per_second: 60");
    let child = site.start_apply();
    for calls in [40, 120, 200] {
        vendor.wait_for_calls(calls);
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/postgres");
        let restarted =
            Command::new(script).arg("restart").env(VARIABLE, &servers.directory).status().unwrap();
        assert!(restarted.success());
    }
    let ran = Ran::of(&child.wait_with_output().unwrap()).exits(0);
    drop(ran.says("3 000 accepted, 0 rejected"));
    assert_eq!(account(&site), (3_000, 0, 0));
    assert_eq!(vendor.sandbox.received().pushes, 3_000);
    assert!(vendor.disturbed_twice().is_empty());
    site.run(&["ledger", "verify"]).exits(0);
    // They end with what they were started for.
    drop(own.stdin.take());
    assert!(own.wait().unwrap().success());
}

#[test]
fn without_its_key_a_ledger_is_of_no_use_and_with_it_nobody_finds_a_target_by_trying_ids() {
    let vendor = Vendor::start();
    let project = |ledger: &str| {
        format!(
            "version: 1\nproject: p\ndefault_environment: remote\nenvironments:\n  remote:\n    app_id: A\n    workspace_id: w\n    endpoint: {}\n    \
             ledger: {ledger}\n",
            vendor.url()
        )
    };
    let site = Site::with(&project("l"), &campaign("hello", 5));
    let with = |key: &str, arguments: &[&str]| {
        Ran::of(&site.command(arguments).env("LEDGER_KEY", key).output().unwrap())
    };
    let (good, other) = ("0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdeF");
    let init = ["ledger", "init", "--key-env", "LEDGER_KEY"];
    with("", &init).exits(4).warns("`LEDGER_KEY` is not set");
    with("short", &init).exits(4).warns("too short");
    with(good, &init).exits(0).says("Made ledger");
    with(good, &init).exits(6).warns("a key is for a new ledger only".replace("a key", "A key").as_str());
    with(good, &["apply", "--auto-approve"]).exits(0).says("5 accepted");
    for command in [&["plan"][..], &["apply", "--auto-approve"], &["status"], &["ledger", "pack"]] {
        with("", command).exits(12).warns("under the key in `LEDGER_KEY`, and it is not set");
        with(other, command).exits(12).warns("and another one is set");
    }
    with(good, &["ledger", "pack"]).exits(0);
    with(good, &["plan"]).exits(0).says("No changes");
    let export = with(good, &["ledger", "export"]).exits(0).stdout;
    assert!(!export.contains(good), "the key is in no record");
    // As somebody does who has the ledger, its salt, and all ids that there can be.
    let salt = export.split_once("\"salt\":\"").unwrap().1[..32].to_owned();
    let salt: [u8; 16] = hex::decode_to_array(salt).unwrap();
    let salt = campaignctl::domain::LedgerSalt::new(salt);
    for number in 1..=5 {
        let id = format!("u{number}").parse().unwrap();
        let kind = campaignctl::domain::TargetKind::User;
        let hash = hex::encode(campaignctl::domain::TargetHash::of(&salt, kind, &id).0);
        assert!(!export.contains(&hash));
        let keyed = salt.keyed(&campaignctl::domain::Secret::new(good.to_owned()));
        let hash = hex::encode(campaignctl::domain::TargetHash::of(&keyed, kind, &id).0);
        assert!(export.contains(&hash), "{hash} in {export}");
    }
    with(good, &["ledger", "move", "m", "--auto-approve"]).exits(0);
    site.write("campaigns/campaignctl.yaml", &project("m"));
    with("", &["plan"]).exits(12).warns("it is not set");
    with(good, &["plan"]).exits(0).says("No changes");
}

/// A dozen; more by `CAMPAIGNCTL_RUNNERS`.
#[expect(clippy::disallowed_methods, reason = "hundreds are asked for by environment variable")]
fn runners() -> usize {
    std::env::var("CAMPAIGNCTL_RUNNERS").ok().and_then(|number| number.parse().ok()).unwrap_or(12)
}

#[test]
fn runners_that_start_together_each_get_their_turn_and_push_once() {
    let Some(servers) = Servers::running() else { return };
    let vendor = Vendor::start();
    let first = site(&vendor, 5, &servers.address());
    // Each has a campaign of its own, and the one that all have.
    let clones: Vec<Site> = (0..runners())
        .map(|runner| {
            let clone = Site::copied(&first.path("campaigns"));
            let pin = first.read("campaigns/campaignctl.lock");
            clone.write("campaigns/campaignctl.lock", &pin);
            let text = first.read("campaigns/c.yaml").replace("  hello:", &format!("  of-{runner}: {{ template: t, audience: b, strategy: s, call: template, expires_after: 1h }}\n  hello:"));
            let text = text.replace("strategies:", &format!("  b:\n    users: [r{runner}]\nstrategies:"));
            clone.write("campaigns/c.yaml", &text);
            clone
        })
        .collect();
    let apply = ["--lock-timeout", "10m", "apply", "--auto-approve"];
    let running: Vec<Child> = clones
        .iter()
        .map(|clone| clone.command(&apply).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
        .collect();
    for child in running {
        drop(Ran::of(&child.wait_with_output().unwrap()).exits(0));
    }
    assert_eq!(vendor.sandbox.received().pushes, 5 + clones.len() as u64);
    assert!(vendor.disturbed_twice().is_empty());
    first.run(&["ledger", "verify"]).exits(0);
}

#[test]
fn who_looks_while_a_run_on_the_same_machine_writes_sees_no_ledger_that_went_back() {
    let Some(servers) = Servers::running() else { return };
    let vendor = Vendor::start();
    let site = site(&vendor, 2_000, &servers.address());
    let state = site.path("state");
    let command = |arguments: &[&str]| {
        let mut command = site.command(arguments);
        command.env("XDG_STATE_HOME", &state);
        command
    };
    let mut writing = command(&["apply", "--auto-approve"]);
    let mut writing = writing.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    vendor.wait_for_calls(1);
    let mut looks = 0;
    while writing.try_wait().unwrap().is_none() {
        drop(Ran::of(&command(&["status"]).output().unwrap()).exits(0));
        looks += 1;
    }
    assert!(looks > 0);
    drop(Ran::of(&writing.wait_with_output().unwrap()).exits(0));
}
