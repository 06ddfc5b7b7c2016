//! Ends an apply that makes no sense to go on with: trips once, for the first reason, and everything in flight sees it.

use std::sync::{Mutex, MutexGuard};

use tokio::sync::watch;

use crate::apply::stop::{DOUBTS_IN_A_ROW_MAX, Interrupt, Stop};
use crate::mpaas::NoConnection;

/// So many times in a row no connection comes about, over the whole run, and the vendor is taken to be out of reach. What
/// fails at the same time counts once.
const CONNECTION_FAILURES_IN_A_ROW_MAX: u32 = 3;

/// The one place where an apply in flight learns that it shall end.
pub(super) struct CircuitBreaker {
    state: Mutex<State>,
    wake: watch::Sender<Interrupt>,
}

#[derive(Default)]
struct State {
    stop: Option<Stop>,
    doubts_in_a_row: u32,
    connection_failures_in_a_row: u32,
}

impl CircuitBreaker {
    pub(super) fn new() -> Self {
        Self { state: Mutex::default(), wake: watch::Sender::new(Interrupt::None) }
    }

    /// Stops the apply; the first reason stays.
    pub(super) fn trip(&self, stop: Stop) {
        self.state().stop.get_or_insert(stop);
        self.rise(Interrupt::Settle);
    }

    /// Gives up what is in flight.
    pub(super) fn abandon(&self) {
        self.rise(Interrupt::Abandon);
    }

    fn rise(&self, to: Interrupt) {
        self.wake.send_if_modified(|level| {
            let is_higher = to > *level;
            *level = to.max(*level);
            is_higher
        });
    }

    /// Counts an outcome that nobody knows, and trips when there are too many in a row.
    pub(super) fn count_doubt(&self) {
        let doubts = {
            let mut state = self.state();
            state.doubts_in_a_row += 1;
            state.doubts_in_a_row
        };
        if doubts >= DOUBTS_IN_A_ROW_MAX {
            self.trip(Stop::Doubts);
        }
    }

    /// Notes that the vendor answers.
    pub(super) fn count_answer(&self) {
        self.state().doubts_in_a_row = 0;
    }

    /// Counts a connection that did not come about, and trips when there are too many in a row.
    pub(super) fn count_connection_failure(&self, cause: NoConnection, message: &str) {
        let failures = {
            let mut state = self.state();
            state.connection_failures_in_a_row += 1;
            state.connection_failures_in_a_row
        };
        if failures >= CONNECTION_FAILURES_IN_A_ROW_MAX {
            self.trip(Stop::Unreachable { cause, message: message.to_owned() });
        }
    }

    /// Notes that a request reached the vendor, or may have.
    pub(super) fn count_connection(&self) {
        self.state().connection_failures_in_a_row = 0;
    }

    pub(super) fn is_tripped(&self) -> bool {
        *self.wake.borrow() >= Interrupt::Settle
    }

    /// Waits until the apply shall end.
    pub(super) async fn tripped(&self) {
        self.reached(Interrupt::Settle).await;
    }

    /// Waits until what is in flight shall be given up.
    pub(super) async fn abandoned(&self) {
        self.reached(Interrupt::Abandon).await;
    }

    async fn reached(&self, level: Interrupt) {
        let mut wake = self.wake.subscribe();
        wake.wait_for(|reached| *reached >= level).await.expect("the sender lives as long as `self`");
    }

    pub(super) fn reason(&self) -> Option<Stop> {
        self.state().stop.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of this lock panics")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_failed_connections_in_a_row_trip_it_and_one_that_comes_about_ends_the_row() {
        let breaker = CircuitBreaker::new();
        let fails = || breaker.count_connection_failure(NoConnection::Refused, "refused");
        fails();
        fails();
        breaker.count_connection();
        fails();
        fails();
        assert!(!breaker.is_tripped());
        fails();
        let Some(Stop::Unreachable { cause: NoConnection::Refused, .. }) = breaker.reason() else {
            panic!("{:?}", breaker.reason())
        };
    }

    #[test]
    fn ten_doubts_in_a_row_trip_it_and_one_answer_ends_the_row() {
        let breaker = CircuitBreaker::new();
        let doubts = |count| (0..count).for_each(|_| breaker.count_doubt());
        doubts(DOUBTS_IN_A_ROW_MAX - 1);
        breaker.count_answer();
        doubts(DOUBTS_IN_A_ROW_MAX - 1);
        assert!(!breaker.is_tripped());
        breaker.count_doubt();
        assert!(breaker.is_tripped());
        assert!(matches!(breaker.reason(), Some(Stop::Doubts)));
    }

    /// Whether a wait is over by now.
    async fn is_over(wait: impl Future<Output = ()>) -> bool {
        tokio::select! {
            biased;
            () = wait => true,
            () = std::future::ready(()) => false,
        }
    }

    #[tokio::test]
    async fn a_reason_ends_the_run_and_only_giving_up_ends_what_is_in_flight() {
        let breaker = CircuitBreaker::new();
        assert!(!breaker.is_tripped() && breaker.reason().is_none());
        assert!(!is_over(breaker.tripped()).await && !is_over(breaker.abandoned()).await);
        breaker.trip(Stop::Interrupted);
        assert!(is_over(breaker.tripped()).await && !is_over(breaker.abandoned()).await);
        breaker.abandon();
        assert!(is_over(breaker.tripped()).await && is_over(breaker.abandoned()).await);
        // What was given up stays so, whatever else goes wrong.
        breaker.trip(Stop::Doubts);
        assert!(breaker.is_tripped() && is_over(breaker.abandoned()).await);
    }

    #[test]
    fn a_second_reason_wakes_nobody() {
        let breaker = CircuitBreaker::new();
        let mut wake = breaker.wake.subscribe();
        breaker.trip(Stop::Interrupted);
        assert!(wake.has_changed().unwrap());
        assert_eq!(*wake.borrow_and_update(), Interrupt::Settle);
        breaker.trip(Stop::Doubts);
        assert!(!wake.has_changed().unwrap());
    }

    #[test]
    fn the_first_reason_stays() {
        let breaker = CircuitBreaker::new();
        breaker.trip(Stop::Interrupted);
        breaker.trip(Stop::Doubts);
        assert!(matches!(breaker.reason(), Some(Stop::Interrupted)));
    }
}
