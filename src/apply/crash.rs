//! Points at which a test can kill the process, or let it stand still, in builds with debug assertions only.
//!
//! `CAMPAIGNCTL_CRASH_AFTER=STEP` aborts the process there, `CAMPAIGNCTL_STOP_AFTER=STEP` lets it stand still until a
//! SIGCONT. Beside these, such builds know `CAMPAIGNCTL_HOST` (plays another host), `CAMPAIGNCTL_LEASE` (another lease),
//! `CAMPAIGNCTL_LOOPBACK_IS_SANDBOX` (tests turn the clock of a sandbox in another process) and `CAMPAIGNCTL_CRASH_AT_MOVE`.

use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::{Signal, getpid, kill_process};

/// A step of `apply`, as crash tests name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The run is on record, nothing else is.
    RunStarted,
    /// A campaign's content is on record, no batch is.
    Submitted,
    /// It is proven who holds the ledger, nothing of the next durable step is written. First met at the start of the run.
    Appending,
    /// A batch's intent is durable, its request has not left.
    IntentDurable,
    /// A batch's request has its turn and is about to leave.
    RequestBegins,
    /// The vendor answered, the outcome is not on record.
    ReplyRead,
    /// A batch's outcome is durable.
    OutcomeDurable,
    /// Everything is done but the end of the run is not on record.
    RunDone,
}

impl Step {
    /// Every step, in order.
    pub const ALL: [Self; 8] = [
        Self::RunStarted,
        Self::Submitted,
        Self::Appending,
        Self::IntentDurable,
        Self::RequestBegins,
        Self::ReplyRead,
        Self::OutcomeDurable,
        Self::RunDone,
    ];

    /// Returns the step's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RunStarted => "run-started",
            Self::Submitted => "submitted",
            Self::Appending => "appending",
            Self::IntentDurable => "intent-durable",
            Self::RequestBegins => "request-begins",
            Self::ReplyRead => "reply-read",
            Self::OutcomeDurable => "outcome-durable",
            Self::RunDone => "run-done",
        }
    }

    /// Returns the step of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.as_str() == name)
    }
}

/// What a test wants to happen after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// The process ends without any clean-up.
    Crash(Step),
    /// The process stands still until somebody lets it go on.
    Stop(Step),
}

/// Does what a test wants to happen after this step.
pub(super) fn after(step: Step, wanted: Option<Break>) {
    if !cfg!(debug_assertions) {
        return;
    }
    match wanted {
        Some(Break::Crash(at)) if at == step => std::process::abort(),
        Some(Break::Stop(at)) if at == step => stop_once(),
        Some(Break::Crash(_) | Break::Stop(_)) | None => {}
    }
}

fn stop_once() {
    static HAS_STOPPED: AtomicBool = AtomicBool::new(false);
    if !HAS_STOPPED.swap(true, Ordering::SeqCst) {
        kill_process(getpid(), Signal::STOP).expect("a process may stop itself");
    }
}
