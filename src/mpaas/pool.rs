//! Connections that are kept open between requests. Knows nothing of what they are.

use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

/// What was idle for longer is not used again: servers close theirs after some such time, and a request that crosses the
/// closing is in doubt. Until then its last answer may not be final, and is in doubt if the run is killed.
pub(super) const IDLE_MAX: Duration = Duration::from_secs(5);

/// Things with the moment since when they are idle, the last used one last.
pub(super) struct Pool<T> {
    idle: Mutex<Vec<(T, Instant)>>,
    /// Lets go of what is idle for too long, also while nobody takes anything.
    reaper: Mutex<Option<JoinHandle<()>>>,
}

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Self { idle: Mutex::default(), reaper: Mutex::default() }
    }
}

impl<T: Send + 'static> Pool<T> {
    /// Sees to it that what is idle for too long is let go of, as long as the runtime lives that this is called on.
    pub(super) fn reap(self: &Arc<Self>) {
        self.reap_every(IDLE_MAX);
    }

    fn reap_every(self: &Arc<Self>, period: Duration) {
        let mut reaper = self.reaper.lock().expect("no holder of this lock panics");
        if reaper.as_ref().is_none_or(JoinHandle::is_finished) {
            *reaper = Some(tokio::spawn(reap(Arc::downgrade(self), period)));
        }
    }
}

async fn reap<T>(pool: Weak<Pool<T>>, period: Duration) {
    loop {
        tokio::time::sleep(period).await;
        let Some(pool) = pool.upgrade() else { return };
        pool.drop_stale(Instant::now());
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
        self.idle.lock().expect("no holder of this lock panics")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_idle_for_too_long_is_let_go_of_though_nobody_asks_and_on_the_next_runtime_too() {
        let pool = Arc::new(Pool::default());
        for _ in 0..2 {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            let (kept, gone) = tokio::sync::oneshot::channel::<()>();
            runtime.block_on(async {
                pool.reap_every(Duration::from_millis(1));
                pool.put(kept, Instant::now().checked_sub(IDLE_MAX * 2).unwrap());
                pool.reap_every(Duration::from_millis(1));
                let gone = tokio::time::timeout(Duration::from_mins(1), gone).await;
                assert!(gone.expect("it was let go of").is_err(), "nothing is said over it");
            });
        }
    }

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
