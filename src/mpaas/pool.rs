//! Connections that are kept open between requests. Knows nothing of what they are.

use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// What was idle for longer is not used again: servers close theirs after some such time, and a request that crosses the
/// closing is in doubt. Until then its last answer may not be final, and is in doubt if the run is killed.
pub(super) const IDLE_MAX: Duration = Duration::from_secs(5);

/// Things with the moment since when they are idle, the last used one last.
pub(super) struct Pool<T>(Mutex<Vec<(T, Instant)>>);

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Pool<T> {
    pub(super) fn put(&self, kept: T, since: Instant) {
        self.idle().push((kept, since));
    }

    /// Takes the one that was used last, unless that is too long ago.
    pub(super) fn take(&self, now: Instant) -> Option<(T, Instant)> {
        self.drop_stale(now);
        self.idle().pop()
    }

    /// Lets go of what was idle for too long.
    pub(super) fn drop_stale(&self, now: Instant) {
        let is_stale = |(_, since): &(T, Instant)| now.saturating_duration_since(*since) > IDLE_MAX;
        let stale = {
            let mut idle = self.idle();
            if !idle.iter().any(is_stale) {
                return;
            }
            idle.extract_if(.., |kept| is_stale(kept)).collect::<Vec<_>>()
        };
        drop(stale);
    }

    /// Lets go of everything.
    pub(super) fn clear(&self) {
        let idle = std::mem::take(&mut *self.idle());
        drop(idle);
    }

    fn idle(&self) -> MutexGuard<'_, Vec<(T, Instant)>> {
        self.0.lock().expect("no holder of this lock panics")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_idle_for_too_long_is_not_used_again() {
        let (pool, start) = (Pool::default(), Instant::now());
        pool.put("first", start);
        pool.put("second", start + Duration::from_secs(1));
        assert_eq!(pool.take(start + IDLE_MAX), Some(("second", start + Duration::from_secs(1))));
        assert_eq!(pool.take(start + IDLE_MAX + Duration::from_millis(1)), None);
        pool.put("third", start);
        pool.clear();
        assert_eq!(pool.take(start), None);
    }
}
