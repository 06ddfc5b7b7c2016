//! How the sandbox misbehaves when told to.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// What happens to a push request that is otherwise in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum FaultKind {
    /// The gateway refuses it as too much for now; not taken.
    Throttle {
        /// What the header `x-acs-retry-after` says, if it is there.
        #[serde(default)]
        retry_after_ms: Option<u64>,
    },
    /// HTTP 503; not taken.
    UnavailableBefore,
    /// HTTP 503, though taken.
    UnavailableAfter,
    /// The connection closes without a reply; not taken.
    DropBefore,
    /// The connection closes without a reply, though taken.
    DropAfter,
    /// Taken, and answered with HTTP 200 and bytes that are no reply.
    GarbageAfter,
    /// Taken, and answered late.
    Delay {
        /// How late.
        ms: u64,
    },
    /// Answered with a result code of the push service; not taken.
    ResultCode {
        /// Goes into `ResultCode` as it is.
        code: String,
    },
    /// Answered with `ResultCode` OK and `PushResult.Success` false; not taken.
    SuccessFalse,
    /// Taken; the reply ends before its `Content-Length` is reached.
    PartialBodyAfter,
    /// The gateway says that it saw the nonce before; not taken.
    NonceUsed,
}

/// A fault for the next push requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// What happens.
    #[serde(flatten)]
    pub kind: FaultKind,
    /// To how many requests.
    pub times: u32,
}

impl Fault {
    /// Returns a fault for the next request.
    #[must_use]
    pub fn once(kind: FaultKind) -> Self {
        Self { kind, times: 1 }
    }

    /// Returns a fault for the next requests.
    #[must_use]
    pub fn times(kind: FaultKind, times: u32) -> Self {
        Self { kind, times }
    }

    /// Reads `{"kind": "…", "times": N, …}`; once where `times` is missing.
    pub(super) fn from_json(mut value: serde_json::Value) -> Result<Self, serde_json::Error> {
        // Not by `flatten`, under which an unknown key would pass.
        let times = value.as_object_mut().and_then(|fields| fields.shift_remove("times"));
        let times = times.map_or(Ok(1), serde_json::from_value)?;
        Ok(Self { kind: serde_json::from_value(value)?, times })
    }
}

/// The faults to come, first in, first out.
#[derive(Debug, Default)]
pub(super) struct Faults(VecDeque<Fault>);

impl Faults {
    pub(super) fn push(&mut self, fault: Fault) {
        if fault.times > 0 {
            self.0.push_back(fault);
        }
    }

    /// Returns the fault of the next request.
    pub(super) fn next(&mut self) -> Option<FaultKind> {
        let first = self.0.front_mut()?;
        first.times -= 1;
        let kind = first.kind.clone();
        if first.times == 0 {
            self.0.pop_front();
        }
        Some(kind)
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
