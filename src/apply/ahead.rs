//! How many intents are made durable ahead of their requests, so that as one request ends, the next one can leave.
//!
//! Each is one more in doubt if the process is killed, so there are no more than it takes. Asks no clock and no journal.

use std::time::Duration;

/// At least as many as begin in this part of a second are ahead, or as many as may be in flight, if those are fewer.
const LEAST_PER_SECOND: usize = 20;
/// As many as begin during one durable step must be durable when it is over, as many again are in it; and half as many are there
/// because a step may take longer than the one before.
const STEPS: f64 = 2.5;
/// It falls by this part at most in a step, as one short step says little.
const FALL: usize = 8;
/// Behind shorter steps nobody starves for long: it is not worth more doubts.
const SLOW_STEP: Duration = Duration::from_millis(10);

/// Follows how many requests begin while a durable step is under way.
#[derive(Debug)]
pub(super) struct Ahead {
    concurrency: usize,
    least: usize,
    most: usize,
    wanted: usize,
}

impl Ahead {
    /// Takes the quota in requests a second and how many may be in flight.
    pub(super) fn new(requests_per_second: usize, concurrency: usize) -> Self {
        let least = (requests_per_second / LEAST_PER_SECOND).min(concurrency).max(1);
        Self { concurrency, least, most: requests_per_second.max(least), wanted: least }
    }

    /// Returns how many batches may have intents that are durable, or about to be, while their requests have not left.
    pub(super) fn wanted(&self) -> usize {
        self.wanted
    }

    /// A durable step is over that took `took`, `since` after the one before was over; so many requests began since then.
    ///
    /// Where a request could have left and no intent was durable, though all that were wanted had been ordered, `starved` is how
    /// long one takes: then what began tells how many were allowed to, and that tells how many would have.
    pub(super) fn step(&mut self, begun: u32, took: Duration, since: Duration, starved: Option<Duration>) {
        if let Some(flight) = starved.filter(|flight| took >= SLOW_STEP && !flight.is_zero()) {
            let flights = took.as_secs_f64() / flight.as_secs_f64() * in_part(self.concurrency);
            let would_begin = flights.min(took.as_secs_f64() * in_part(self.most));
            self.wanted = self.wanted.max(with_reserve(would_begin)).min(self.most);
            return;
        }
        // Of a burst after a step as many as if they had been spread over the time until the next one's end.
        let part = took.as_secs_f64() / since.max(took).as_secs_f64().max(f64::EPSILON);
        let begun = f64::from(begun) * part;
        let wanted = with_reserve(begun);
        self.wanted = wanted.max(self.wanted - self.wanted.div_ceil(FALL)).clamp(self.least, self.most);
    }
}

fn in_part(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Returns how many are ahead where so many begin in a step.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small count")]
fn with_reserve(begin: f64) -> usize {
    (begin * STEPS).ceil() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Steps of so many milliseconds, one after the other, at a steady rate: a request may begin if its intent was durable when
    /// the step before ended. Returns how many requests began in the last step.
    fn follow(ahead: &mut Ahead, in_a_step: u32, steps: usize, (took, since): (u64, u64)) -> u32 {
        let (mut ready, mut writing, mut begun) = (0, 0, 0);
        for _ in 0..steps {
            begun = in_a_step.min(u32::try_from(ready).unwrap());
            ready -= begun as usize;
            // What is ordered while one step is written is written by the next one.
            let ordered = ahead.wanted().saturating_sub(ready + writing);
            // As many as would begin are in flight at a time, so often in a step.
            let flight = Duration::from_millis(took) * 64 / in_a_step;
            let starved = (begun > 0 && begun < in_a_step).then_some(flight);
            ready += writing;
            writing = ordered;
            ahead.step(begun, Duration::from_millis(took), Duration::from_millis(since), starved);
        }
        begun
    }

    #[test]
    fn a_slow_store_is_worked_ahead_of_and_a_fast_one_is_not() {
        let mut ahead = Ahead::new(10_000, 64);
        assert_eq!(ahead.wanted(), 64);
        follow(&mut ahead, 48, 50, (1, 6));
        assert_eq!(ahead.wanted(), 64, "few begin while a step is under way");
        assert_eq!(
            follow(&mut ahead, 320, 50, (100, 100)),
            320,
            "a step of 100 ms at 3200 requests a second"
        );
        assert!((640..=800).contains(&ahead.wanted()), "{ahead:?}");
        follow(&mut ahead, 10, 50, (1, 6));
        assert_eq!(ahead.wanted(), 64);
    }

    #[test]
    fn a_slow_store_is_caught_up_with_in_a_few_steps_and_no_further() {
        let mut ahead = Ahead::new(10_000, 64);
        assert_eq!(follow(&mut ahead, 320, 6, (100, 100)), 320, "{ahead:?}");
        assert!((640..=800).contains(&ahead.wanted()), "{ahead:?}");
        // The quota allows no more than twenty in a step, however short a flight is.
        let mut ahead = Ahead::new(200, 64);
        ahead.step(
            10,
            Duration::from_millis(100),
            Duration::from_millis(100),
            Some(Duration::from_millis(1)),
        );
        assert_eq!(ahead.wanted(), 50);
        let mut fast = Ahead::new(10_000, 64);
        fast.step(64, Duration::from_millis(1), Duration::from_millis(1), Some(Duration::from_millis(1)));
        assert_eq!(fast.wanted(), 160, "a quick step is over before it is worth more doubts");
    }

    #[test]
    fn no_more_is_ahead_than_a_second_of_the_quota() {
        for steps in 0..50 {
            let mut ahead = Ahead::new(40, 64);
            assert_eq!(ahead.wanted(), 2);
            follow(&mut ahead, 1_000, steps, (5_000, 5_000));
            let expected = if steps < 40 { 2..=40 } else { 30..=40 };
            assert!(expected.contains(&ahead.wanted()), "{ahead:?}");
        }
        assert_eq!(Ahead::new(1, 1).wanted(), 1);
        let mut ahead = Ahead::new(40, 64);
        ahead.step(1, Duration::ZERO, Duration::ZERO, Some(Duration::ZERO));
        assert_eq!(ahead.wanted(), 2);
    }
}
