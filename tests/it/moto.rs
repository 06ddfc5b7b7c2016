//! A ledger in an S3 server that is not ours: moto, which checks every signature and every permission.
//!
//! `scripts/moto-venv` installs it. The users have the policies of docs/ledger.md and no other rights.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::misfortune::account_of;
use crate::objects::Team;

/// What `tests/moto/prepare.py` does before permissions count: a bucket, and three actions for each of two users.
const ACTIONS_OF_SET_UP: &str = "7";

/// A running server, ended with the value.
struct Moto {
    child: Child,
    port: u16,
}

impl Drop for Moto {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Where moto is installed as it is asked for; nothing where it is not, which CI does not accept.
#[expect(clippy::disallowed_methods, reason = "CI says by a variable that it is CI")]
fn programs() -> Option<PathBuf> {
    let venv = repository().join("target/moto-venv");
    let requirements = std::fs::read(repository().join("tests/moto/requirements.txt")).unwrap();
    let installed = std::fs::read_to_string(venv.join("requirements.sha256")).unwrap_or_default();
    let is_there =
        installed.split_whitespace().next() == Some(hex::encode(Sha256::digest(requirements)).as_str());
    assert!(is_there || std::env::var_os("CI").is_none(), "moto is not installed: run `scripts/moto-venv`");
    is_there.then(|| venv.join("bin"))
}

impl Moto {
    fn start(programs: &Path) -> Self {
        // Somebody else may take the port in between: then it ends, and another one is tried.
        for _ in 0..5 {
            let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let port = free.local_addr().unwrap().port();
            drop(free);
            let child = Command::new(programs.join("moto_server"))
                .args(["-H", "127.0.0.1", "-p", &port.to_string()])
                .env("INITIAL_NO_AUTH_ACTION_COUNT", ACTIONS_OF_SET_UP)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let mut moto = Self { child, port };
            let since = Instant::now();
            while moto.child.try_wait().unwrap().is_none() {
                if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
                    return moto;
                }
                assert!(since.elapsed() < Duration::from_mins(2), "moto did not start");
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        panic!("moto did not start");
    }

    /// Makes a bucket, and users with a policy each; returns their keys.
    fn prepare(&self, programs: &Path, policies: &[(&str, &str)]) -> Value {
        let output = Command::new(programs.join("python"))
            .arg(repository().join("tests/moto/prepare.py"))
            .args([&self.port.to_string(), "acme-ledgers"])
            .args(policies.iter().map(|(name, policy)| format!("{name}={policy}")))
            .env("NO_PROXY", "127.0.0.1")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

/// Returns the JSON below a heading of docs/ledger.md.
fn policy(heading: &str) -> String {
    let page = std::fs::read_to_string(repository().join("docs/ledger.md")).unwrap();
    let (_, after) = page.split_once(heading).unwrap_or_else(|| panic!("docs/ledger.md has no {heading:?}"));
    let (_, json) = after.split_once("```json\n").unwrap();
    json.split_once("```").unwrap().0.to_owned()
}

#[test]
fn a_server_that_checks_signatures_and_permissions_takes_every_command() {
    let Some(programs) = programs() else {
        use std::io::Write as _;
        // Past what the harness captures: whoever runs the suite has to see it.
        let skipped = "SKIPPED: moto is not installed, so no S3 server but our own was tried: run `scripts/moto-venv`\n";
        drop(std::io::stderr().write_all(skipped.as_bytes()));
        return;
    };
    let moto = Moto::start(&programs);
    let policies = [("writer", policy("S3, who runs `apply`:")), ("reader", policy("S3, who only reads:"))];
    let policies = policies.each_ref().map(|(name, policy)| (*name, policy.as_str()));
    let keys = moto.prepare(&programs, &policies);
    let key = |user: &str, at: usize| keys[user][at].as_str().unwrap().to_owned();
    let ledger = |region: &str| {
        format!("s3://acme-ledgers/push?region={region}&endpoint=http://127.0.0.1:{}", moto.port)
    };
    let team = Team::at(&ledger("us-east-1"), (&key("writer", 0), &key("writer", 1)));
    let (a, b) = (team.clone_on("a"), team.clone_on("b"));
    a.run(&["plan"]).exits(0).says("35 targets in 4 requests");
    a.run(&["apply", "--auto-approve"]).exits(0).says("35 accepted");
    assert_eq!(account_of(&b.run(&["status", "--json"]).exits(0)), (35, 0, 0));
    let export = b.run(&["ledger", "export"]).exits(0).stdout;
    for _ in 0..3 {
        a.run(&["ledger", "pack"]).exits(0);
    }
    b.run(&["ledger", "verify"]).exits(0).says("35 accepted, 0 rejected, 0 in doubt");
    assert_eq!(b.run(&["ledger", "unlock"]).exits(0).stdout, "The ledger is not locked.\n");
    assert!(!export.is_empty());
    let as_user = |id: &str, secret: &str, arguments: &[&str]| {
        let mut command = b.command(arguments);
        command.env("AWS_ACCESS_KEY_ID", id).env("AWS_SECRET_ACCESS_KEY", secret);
        crate::site::Ran::of(&command.output().unwrap())
    };
    let (id, secret) = (key("reader", 0), key("reader", 1));
    as_user(&id, &secret, &["plan"]).exits(0).says("No changes");
    as_user(&id, &secret, &["ledger", "verify"]).exits(0);
    as_user(&id, &secret, &["ledger", "pack"]).exits(12).warns("may not write objects").warns("s3:PutObject");
    as_user(&id, "wrong", &["plan"]).exits(12).warns("the signature is wrong");
    as_user("AKIANOBODY0000000000", "wrong", &["plan"]).exits(12).warns("does not know the access key");
    team.settle(&b, "moto");
}
