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

/// The share of push requests that meet a fault of a random kind, for as long as the sandbox runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FaultShare {
    /// From 0 to 1.
    share: f64,
    /// The same seed gives the same faults to the same number of requests.
    seed: u64,
}

impl FaultShare {
    /// Returns a share from 0 to 1; nothing for any other number.
    #[must_use]
    pub fn new(share: f64, seed: u64) -> Option<Self> {
        (0.0..=1.0).contains(&share).then_some(Self { share, seed })
    }
}

/// What can befall a request at random: whatever an `apply` goes on after. A refusal that ends a campaign or the whole
/// run is injected by name.
const RANDOM_KINDS: [FaultKind; 10] = [
    FaultKind::Throttle { retry_after_ms: Some(20) },
    FaultKind::UnavailableBefore,
    FaultKind::UnavailableAfter,
    FaultKind::InternalErrorAfter,
    FaultKind::DropBefore,
    FaultKind::DropAfter,
    FaultKind::GarbageAfter,
    FaultKind::PartialBodyAfter,
    FaultKind::SuccessFalse,
    FaultKind::Delay { ms: 50 },
];

/// The faults to come: those asked for, first in, first out, then random ones.
#[derive(Debug, Default)]
pub(super) struct Faults {
    asked_for: VecDeque<Fault>,
    random: Option<(f64, fastrand::Rng)>,
}

impl Faults {
    /// Has so many requests meet a fault.
    pub(super) fn share(&mut self, FaultShare { share, seed }: FaultShare) {
        self.random = Some((share, fastrand::Rng::with_seed(seed)));
    }

    pub(super) fn push(&mut self, fault: Fault) {
        if fault.times > 0 {
            self.asked_for.push_back(fault);
        }
    }

    /// Returns the fault of the next request.
    pub(super) fn next(&mut self) -> Option<FaultKind> {
        self.next_asked_for().or_else(|| {
            let (share, random) = self.random.as_mut()?;
            if random.f64() < *share { random.choice(&RANDOM_KINDS).cloned() } else { None }
        })
    }

    fn next_asked_for(&mut self) -> Option<FaultKind> {
        let first = self.asked_for.front_mut()?;
        if first.after > 0 {
            first.after -= 1;
            return None;
        }
        first.times -= 1;
        let kind = first.kind.clone();
        if first.times == 0 {
            self.asked_for.pop_front();
        }
        Some(kind)
    }

    /// Forgets those asked for.
    pub(super) fn clear(&mut self) {
        self.asked_for.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn drawn(seed: u64, requests: usize) -> Vec<Option<FaultKind>> {
        let mut faults = Faults::default();
        faults.share(FaultShare::new(0.01, seed).unwrap());
        (0..requests).map(|_| faults.next()).collect()
    }

    #[test]
    fn one_request_in_a_hundred_meets_a_fault_and_every_kind_comes() {
        let mut kinds = BTreeMap::<String, u32>::new();
        for kind in drawn(7, 100_000).into_iter().flatten() {
            *kinds.entry(kind.name()).or_default() += 1;
        }
        let all: u32 = kinds.values().sum();
        assert!((900..1100).contains(&all), "{all}");
        assert_eq!(kinds.len(), RANDOM_KINDS.len(), "{kinds:?}");
        assert!(kinds.values().all(|times| (60..150).contains(times)), "{kinds:?}");
    }

    #[test]
    fn a_seed_gives_the_same_faults_again() {
        assert_eq!(drawn(1, 5000), drawn(1, 5000));
        assert_ne!(drawn(1, 5000), drawn(2, 5000));
    }

    #[test]
    fn what_was_asked_for_comes_before_what_is_random() {
        let mut faults = Faults::default();
        faults.share(FaultShare::new(1.0, 1).unwrap());
        faults.push(Fault::times(FaultKind::NonceUsed, 2));
        assert_eq!(faults.next(), Some(FaultKind::NonceUsed));
        assert_eq!(faults.next(), Some(FaultKind::NonceUsed));
        assert!(faults.next().is_some_and(|kind| RANDOM_KINDS.contains(&kind)));
        faults.clear();
        assert!(faults.next().is_some());
    }

    #[test]
    fn a_share_is_a_share() {
        for share in [-0.1, 1.01, f64::NAN] {
            assert_eq!(FaultShare::new(share, 1), None);
        }
    }
}
