//! Misbehaviour on request.

use serde::{Deserialize, Serialize};

/// What goes wrong. “After” means that the push was taken all the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FaultKind {
    /// The gateway throttles, and may say for how long.
    Throttle {
        /// `x-acs-retry-after`, in milliseconds.
        #[serde(default)]
        retry_after_ms: Option<u64>,
    },
    /// The gateway answers 503 and has not passed the request on.
    UnavailableBefore,
    /// The gateway answers 503, but the push was taken.
    UnavailableAfter,
    /// The connection is closed without an answer, and nothing was taken.
    DropBefore,
    /// The connection is closed without an answer, but the push was taken.
    DropAfter,
    /// The answer is no JSON, but the push was taken.
    GarbageAfter,
    /// The answer breaks off, but the push was taken.
    PartialBodyAfter,
    /// The answer takes so long; the push is taken at once.
    Delay {
        /// Milliseconds.
        ms: u64,
    },
    /// The push service refuses with a code.
    ResultCode {
        /// The code, as `ResultCode`.
        code: String,
    },
    /// `ResultCode` is `OK`, `PushResult.Success` is not, and nothing was taken.
    SuccessFalse,
    /// The gateway says that it saw the nonce before, and the push was taken.
    NonceUsed,
    /// The gateway refuses the signature.
    SignatureRefused,
}

/// A fault of the next push calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// What goes wrong.
    #[serde(flatten)]
    pub kind: FaultKind,
    /// For how many push calls.
    #[serde(default = "once")]
    pub times: u64,
    /// After how many push calls that go well.
    #[serde(default)]
    pub after: u64,
}

fn once() -> u64 {
    1
}

impl Fault {
    /// A fault of the next push call.
    #[must_use]
    pub fn once(kind: FaultKind) -> Self {
        Self { kind, times: 1, after: 0 }
    }

    /// A fault of so many push calls from the next on.
    #[must_use]
    pub fn times(kind: FaultKind, times: u64) -> Self {
        Self { kind, times, after: 0 }
    }
}

/// The faults that are still to happen, in order.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<Fault>);

impl Faults {
    pub(super) fn add(&mut self, fault: Fault) {
        if fault.times > 0 {
            self.0.push(fault);
        }
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Returns the fault of a push call that just arrived.
    pub(super) fn next(&mut self) -> Option<FaultKind> {
        let first = self.0.first_mut()?;
        if first.after > 0 {
            first.after -= 1;
            return None;
        }
        first.times -= 1;
        let kind = first.kind.clone();
        if first.times == 0 {
            self.0.remove(0);
        }
        Some(kind)
    }
}
