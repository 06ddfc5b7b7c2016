//! How the sandbox misbehaves when told to.

use std::collections::VecDeque;

use serde::de::Error;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What happens to a push request that is otherwise in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
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
    /// HTTP 500, though taken.
    InternalErrorAfter,
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
    /// Taken, and the gateway says that it saw the nonce before.
    NonceUsed,
    /// The gateway refuses the signature; not taken.
    SignatureRefused,
}

impl FaultKind {
    /// Returns the kind's name, as JSON has it.
    pub(super) fn name(&self) -> String {
        let json = serde_json::to_value(self).expect("a kind is an object with plain fields");
        json["kind"].as_str().expect("`kind` is the tag").to_owned()
    }
}

/// A fault of the next push requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What happens.
    pub kind: FaultKind,
    /// To how many requests.
    pub times: u64,
    /// After how many that it leaves alone.
    pub after: u64,
}

impl Fault {
    /// Returns a fault of the next request.
    #[must_use]
    pub fn once(kind: FaultKind) -> Self {
        Self::times(kind, 1)
    }

    /// Returns a fault of so many requests from the next one on.
    #[must_use]
    pub fn times(kind: FaultKind, times: u64) -> Self {
        Self { kind, times, after: 0 }
    }

    /// Reads `{"kind": "…", "times": 1, "after": 0, …}`; the numbers may be left out.
    pub(super) fn from_json(mut value: Value) -> Result<Self, serde_json::Error> {
        let mut number = |name: &str, default| {
            let number = value.as_object_mut().and_then(|fields| fields.shift_remove(name));
            number.map_or(Ok(default), serde_json::from_value)
        };
        let (times, after) = (number("times", 1)?, number("after", 0)?);
        let kind: FaultKind = serde_json::from_value(value.clone())?;
        // `deny_unknown_fields` would not reach kinds without fields, so what was read is written again.
        let known = serde_json::to_value(&kind)?;
        let mut keys = value.as_object().into_iter().flat_map(serde_json::Map::keys);
        match keys.find(|key| known.get(key.as_str()).is_none()) {
            Some(key) => Err(serde_json::Error::custom(format!("unknown field `{key}`"))),
            None => Ok(Self { kind, times, after }),
        }
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
        if first.after > 0 {
            first.after -= 1;
            return None;
        }
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
