//! Points at which a test can kill the process, in builds with debug assertions only.

/// A step of `apply`, as crash tests name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The run is on record, nothing else is.
    RunStarted,
    /// A campaign's content is on record, no batch is.
    Submitted,
    /// A batch's intent is durable, its request has not left.
    IntentDurable,
    /// The vendor answered, the outcome is not on record.
    ReplyRead,
    /// A batch's outcome is durable.
    OutcomeDurable,
    /// Everything is done but the end of the run is not on record.
    RunDone,
}

impl Step {
    /// Every step, in order.
    pub const ALL: [Self; 6] = [
        Self::RunStarted,
        Self::Submitted,
        Self::IntentDurable,
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
            Self::IntentDurable => "intent-durable",
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

/// Ends the process without any clean-up if it is to crash after this step.
pub(super) fn after(step: Step, crash_after: Option<Step>) {
    if cfg!(debug_assertions) && crash_after == Some(step) {
        std::process::abort();
    }
}
