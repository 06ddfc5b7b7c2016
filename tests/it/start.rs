//! What a command asks of the system before it is needed: no runtime, no TLS store, no pool of threads.

use std::process::Stdio;

use crate::site::Site;

/// Runs a command, and returns the system calls of some kinds that it made, one a line.
fn system_calls(site: &Site, arguments: &[&str], kinds: &str) -> Vec<String> {
    let trace = site.path("trace");
    let command = site.command(arguments);
    let mut traced = std::process::Command::new("strace");
    traced
        .args(["-f", "-qq", "--signal=none", "-e", &format!("trace={kinds}"), "-o"])
        .arg(&trace)
        .arg(command.get_program())
        .args(command.get_args())
        .current_dir(site.path("."))
        .env_clear()
        .envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .stdin(Stdio::null());
    let output = traced.output().expect("strace is installed: `scripts/test` does that");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::read_to_string(&trace).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn who_asks_for_the_version_gets_no_thread_and_no_file_of_certificates() {
    let site = Site::with_samples();
    for arguments in [&["--version"][..], &["--help"], &["explain", "text-too-long"]] {
        let calls = system_calls(&site, arguments, "clone,clone3,socket,openat");
        let unwanted =
            |call: &&String| !call.contains("openat(") || call.contains("cert") || call.contains("ssl");
        assert_eq!(calls.iter().filter(unwanted).collect::<Vec<_>>(), [&String::new(); 0], "{arguments:?}");
        assert!(!calls.is_empty(), "the trace sees what it is to see");
    }
}

#[test]
fn nothing_but_an_apply_opens_a_socket() {
    let site = Site::with_samples();
    site.run(&["ledger", "init"]).exits(0);
    for arguments in [&["validate"][..], &["plan"], &["plan", "--out", "p"], &["status"], &["history"]] {
        assert_eq!(system_calls(&site, arguments, "socket,connect,sendto"), [""; 0], "{arguments:?}");
    }
    let sent = system_calls(&site, &["apply", "--auto-approve"], "socket");
    assert!(!sent.is_empty(), "the trace sees an apply's");
}
