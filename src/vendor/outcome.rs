//! What came of one request.

use std::time::Duration;

/// Why a request was not taken, as far as it matters for what to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RejectClass {
    /// Too much for now: the same request may pass later.
    Throttled,
    /// The vendor refuses who we are: every other request would fare the same.
    Credentials,
    /// No connection came about, so nothing left.
    Unreachable,
    /// The vendor refuses what it says: every other batch of the campaign would fare the same.
    Content,
}

/// What came of one request. A request is rejected only if it certainly was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "an outcome that is not recorded is lost"]
pub enum Outcome {
    /// The vendor took it.
    Accepted {
        /// The vendor's id of the request.
        request_id: Option<String>,
        /// The vendor's id of the task, always there for scheduled and repeating ones.
        task_id: Option<String>,
    },
    /// The vendor did not take it.
    Rejected {
        /// What it means for the next request.
        class: RejectClass,
        /// The vendor's code, or ours where nothing left.
        code: String,
        /// The vendor's words, or the network's.
        message: String,
        /// The vendor's id of the request.
        request_id: Option<String>,
        /// How long the vendor asks to wait.
        retry_after: Option<Duration>,
    },
    /// Nobody knows whether the vendor took it.
    Unknown {
        /// What was seen instead of an answer.
        why: String,
        /// The vendor's code, if it gave one.
        code: Option<String>,
        /// The vendor's id of the request, if it gave one.
        request_id: Option<String>,
    },
}
