//! What a command asks of the system before it is needed: no runtime, no TLS store, no pool of threads.

use crate::site::Site;

#[test]
fn who_asks_for_the_version_gets_no_thread_and_no_file_of_certificates() {
    let site = Site::with_samples();
    for arguments in [&["--version"][..], &["--help"], &["explain", "text-too-long"]] {
        let calls = site.system_calls(arguments, "clone,clone3,socket,openat");
        let unwanted =
            |call: &&String| !call.contains("openat(") || call.contains("cert") || call.contains("ssl");
        assert_eq!(calls.iter().find(unwanted), None, "{arguments:?}");
        assert!(!calls.is_empty(), "the trace sees what it is to see");
    }
}

#[test]
fn nothing_but_an_apply_opens_a_socket() {
    let site = Site::with_samples();
    site.run(&["ledger", "init"]).exits(0);
    for arguments in [&["validate"][..], &["plan"], &["plan", "--out", "p"], &["status"], &["history"]] {
        assert_eq!(site.system_calls(arguments, "socket,connect,sendto"), [""; 0], "{arguments:?}");
    }
    let sent = site.system_calls(&["apply", "--auto-approve"], "socket");
    assert!(!sent.is_empty(), "the trace sees an apply's");
}
