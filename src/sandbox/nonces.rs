//! Nonces that were used, for as long as the gateway remembers them.

use std::collections::{HashSet, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

use crate::sandbox::signature::WINDOW_SECONDS;

/// The nonces of the last 15 minutes, as hashes: memory is bounded by the rate of requests, not by their number.
#[derive(Debug, Default)]
pub(super) struct Nonces {
    used: HashSet<[u8; 16]>,
    by_time: VecDeque<(DateTime<Utc>, [u8; 16])>,
}

impl Nonces {
    /// Notes a nonce; `false` if it was used before.
    #[must_use]
    pub(super) fn take(&mut self, nonce: &str, now: DateTime<Utc>) -> bool {
        while self.by_time.front().is_some_and(|(at, _)| now - *at > TimeDelta::seconds(WINDOW_SECONDS)) {
            if let Some((_, old)) = self.by_time.pop_front() {
                self.used.remove(&old);
            }
        }
        let digest = Sha256::digest(nonce.as_bytes());
        let mut hash = [0; 16];
        hash.copy_from_slice(&digest[..16]);
        let is_new = self.used.insert(hash);
        if is_new {
            self.by_time.push_back((now, hash));
        }
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_refused_for_15_minutes_and_then_forgotten() {
        let start = DateTime::UNIX_EPOCH;
        let mut nonces = Nonces::default();
        assert!(nonces.take("a", start));
        assert!(!nonces.take("a", start + TimeDelta::minutes(15)));
        assert!(nonces.take("b", start + TimeDelta::minutes(15)));
        assert!(nonces.take("a", start + TimeDelta::seconds(15 * 60 + 1)));
        assert_eq!((nonces.used.len(), nonces.by_time.len()), (2, 2));
    }
}
