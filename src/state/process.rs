//! Which host a process is on, and which process it is. A host is not its name, and a process not its number.

use std::fs;

use rustix::process::{Pid, test_kill_process};
use serde::{Deserialize, Serialize};

/// Where a process runs, and which one it is, so that no other one anywhere is the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The host since it was last started.
    pub boot: String,
    /// The host's installation; not every container has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<String>,
    /// The namespace in which its process number counts.
    pub pid_namespace: String,
    /// The namespace of the clock by which its start is counted: another one shows the same process as started at another
    /// time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_namespace: Option<String>,
    /// When it was started, in ticks since the host was.
    pub started: u64,
}

impl Origin {
    /// Returns this process's own; nothing where the system does not tell.
    #[must_use]
    pub fn of_this_process() -> Option<Self> {
        let line = |path| fs::read_to_string(path).ok().map(|text| text.trim().to_owned());
        Some(Self {
            boot: line("/proc/sys/kernel/random/boot_id")?,
            machine: line("/etc/machine-id").filter(|id| !id.is_empty()),
            pid_namespace: fs::read_link("/proc/self/ns/pid").ok()?.to_str()?.to_owned(),
            // Linux has it from 5.6 on.
            time_namespace: fs::read_link("/proc/self/ns/time")
                .ok()
                .and_then(|link| Some(link.to_str()?.to_owned())),
            started: Status::of(std::process::id())?.started,
        })
    }

    /// Whether a process of another origin is proven to be over: it ran where this one runs, and is not there any more.
    pub(super) fn proves_over(&self, process: u32, other: &Self) -> bool {
        let is_here = self.boot == other.boot
            && self.pid_namespace == other.pid_namespace
            && self.time_namespace == other.time_namespace
            && self.machine == other.machine;
        is_here && is_over(process, other.started)
    }
}

/// Whether no process of this number, started then, is there. One that may not be looked at is there.
fn is_over(process: u32, started: u64) -> bool {
    let Some(pid) = i32::try_from(process).ok().and_then(Pid::from_raw) else { return false };
    if let Some(status) = Status::of(process) {
        return status.started != started || status.is_dead;
    }
    test_kill_process(pid) == Err(rustix::io::Errno::SRCH)
}

/// What the system says of a process.
struct Status {
    started: u64,
    /// Killed, all of its threads ended, and only not waited for by its parent.
    is_dead: bool,
}

impl Status {
    fn of(process: u32) -> Option<Self> {
        Self::read(&fs::read_to_string(format!("/proc/{process}/stat")).ok()?)
    }

    /// Reads what proc(5) describes: fields 3, 20 and 22. The second one, a name in parentheses, may hold anything.
    fn read(text: &str) -> Option<Self> {
        let (_, after_name) = text.rsplit_once(')')?;
        let fields: Vec<&str> = after_name.split_whitespace().collect();
        let threads: u64 = fields.get(17)?.parse().ok()?;
        let is_dead = matches!(*fields.first()?, "Z" | "X") && threads <= 1;
        Some(Self { started: fields.get(19)?.parse().ok()?, is_dead })
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_process_is_over_once_it_is_gone_and_not_because_another_has_its_number() {
        let here = Origin::of_this_process().unwrap();
        assert!(!here.proves_over(std::process::id(), &here));
        let reused = Origin { started: here.started + 1, ..here.clone() };
        assert!(here.proves_over(std::process::id(), &reused), "the number has another process now");
        let mut child = Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        let started = Status::of(child.id()).unwrap().started;
        let childs = Origin { started, ..here.clone() };
        assert!(!here.proves_over(child.id(), &childs));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(here.proves_over(child.id(), &childs));
    }

    #[test]
    fn of_another_host_boot_or_namespace_nothing_is_proven() {
        let here = Origin::of_this_process().unwrap();
        let gone = Origin { started: here.started + 1, ..here.clone() };
        let elsewhere = [
            Origin { boot: "another".into(), ..gone.clone() },
            Origin { machine: Some("another".into()), ..gone.clone() },
            Origin { pid_namespace: "pid:[1]".into(), ..gone.clone() },
            Origin { time_namespace: Some("time:[1]".into()), ..gone },
        ];
        for other in elsewhere {
            assert!(!here.proves_over(std::process::id(), &other), "{other:?}");
        }
    }

    #[test]
    fn a_name_may_hold_anything() {
        let text = "7 (a) Z 1 (b)) S 1 1 1 0 -1 4 0 0 0 0 0 0 0 0 20 0 3 0 12345 9 9";
        let status = Status::read(text).unwrap();
        assert_eq!((status.started, status.is_dead), (12345, false));
        let dead = |threads| format!("7 (a) Z 1 1 1 0 -1 4 0 0 0 0 0 0 0 0 20 0 {threads} 0 12345 9 9");
        assert!(Status::read(&dead(1)).unwrap().is_dead);
        assert!(!Status::read(&dead(2)).unwrap().is_dead, "a thread may still be writing");
        assert!(Status::read("7 (a").is_none());
    }
}
