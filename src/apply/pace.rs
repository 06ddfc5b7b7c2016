//! When a request may begin: never more in any second than the environment allows, and none while the vendor wants
//! to be left alone.
//!
//! The rules are plain arithmetic over given instants ([`Rules`]); [`Pace`] waits for them.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// The span over which requests are counted.
const SECOND: Duration = Duration::from_secs(1);

/// How long a request may be on its way without being counted as arrived. Until its reply proves when, so much is
/// added to the second before the request that takes its place: what the network delays does not crowd what follows.
const ON_THE_WAY_MAX: Duration = Duration::from_millis(50);

/// How far behind its even rhythm an apply may catch up: timers have a grain of a millisecond, and files stutter.
const CATCH_UP_MAX: Duration = Duration::from_millis(50);

/// How long it takes from standstill back to full speed after the vendor throttled.
const RECOVERY: Duration = Duration::from_secs(30);

/// Longest wait before the vendor is asked again, whatever it asks for.
const PAUSE_MAX: Duration = Duration::from_mins(1);

/// A request's place in the order in which requests began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Turn(u64);

/// What is known of when a request reached the vendor.
#[derive(Clone, Copy, Debug)]
enum Reached {
    /// It began then, and has no answer yet.
    After(Instant),
    /// It was there by then.
    By(Instant),
}

/// The rules, without a clock.
#[derive(Debug)]
struct Rules {
    per_second: usize,
    /// The last `per_second` requests; the first of them is `first`.
    begun: VecDeque<Reached>,
    first: u64,
    /// When the next request is due in an even rhythm.
    due: Instant,
    /// Nothing begins before.
    resumes: Instant,
    /// Requests from this one on began after the last pause.
    resumed: Turn,
    /// Pauses in a row without an answer in between.
    pauses: u32,
    /// Share of the full speed at which an apply resumed after it was throttled.
    resumed_at: f64,
    delay: Duration,
}

impl Rules {
    fn new(per_second: NonZeroU32, delay: Duration, now: Instant) -> Self {
        Self {
            per_second: per_second.get() as usize,
            begun: VecDeque::new(),
            first: 0,
            due: now,
            resumes: now,
            resumed: Turn(0),
            pauses: 0,
            resumed_at: 1.0,
            delay,
        }
    }

    /// Returns when the next request may begin, if so many others are about to; a moment that is over means now.
    fn opens(&self, others: usize, now: Instant) -> Instant {
        let missing = self.per_second.saturating_sub(self.begun.len());
        let leaves = others.checked_sub(missing).map(|place| match self.begun.get(place) {
            Some(Reached::By(at)) => *at + SECOND,
            Some(Reached::After(at)) => *at + SECOND + ON_THE_WAY_MAX,
            // Even of those that are about to begin there are more than fit into a second.
            None => now + SECOND,
        });
        leaves.map_or(self.resumes, |leaves| leaves.max(self.resumes))
    }

    /// Share of the full speed that is allowed.
    fn share(&self, now: Instant) -> f64 {
        let recovered = now.saturating_duration_since(self.resumes).as_secs_f64() / RECOVERY.as_secs_f64();
        (self.resumed_at + recovered).min(1.0)
    }

    /// Takes the next beat of the rhythm.
    fn beat(&mut self, now: Instant) {
        #[expect(clippy::cast_precision_loss, reason = "at most some thousand a second")]
        let gap = SECOND.div_f64(self.per_second as f64 * self.share(now));
        let earliest = now.checked_sub(CATCH_UP_MAX).unwrap_or(now);
        self.due = self.due.max(earliest) + gap;
    }

    fn begin(&mut self, now: Instant) -> Turn {
        if self.begun.len() == self.per_second {
            self.begun.pop_front();
            self.first += 1;
        }
        self.begun.push_back(Reached::After(now));
        Turn(self.first + self.begun.len() as u64 - 1)
    }

    /// Notes that a request is not on its way any more, whatever came of it.
    fn arrive(&mut self, turn: Turn, now: Instant) {
        let place = turn.0.checked_sub(self.first).and_then(|place| usize::try_from(place).ok());
        if let Some(reached) = place.and_then(|place| self.begun.get_mut(place))
            && let Reached::After(began) = *reached
        {
            *reached = Reached::By(now.min(began + ON_THE_WAY_MAX));
        }
    }

    /// Notes an answer that is no refusal because of load.
    fn answer(&mut self, turn: Turn) {
        if turn >= self.resumed {
            self.pauses = 0;
        }
    }

    /// Pauses everything because a request was refused for now: doubled for each time in a row, `jitter` from 0 to 1 of
    /// it on top, and as long as was asked for. What began before the last pause only tells what is known.
    ///
    /// Returns whether it is a new pause.
    fn pause(&mut self, turn: Option<Turn>, asked: Option<Duration>, jitter: f64, now: Instant) -> bool {
        let asked = asked.unwrap_or_default().min(PAUSE_MAX);
        let is_news = now >= self.resumes && turn.is_none_or(|turn| turn >= self.resumed);
        if !is_news {
            self.resumes = self.resumes.max(now + asked);
            self.due = self.due.max(self.resumes);
            return false;
        }
        let doubled = self.delay.saturating_mul(1 << self.pauses.min(16));
        let delay = doubled.mul_f64(1.0 + jitter).min(PAUSE_MAX).max(asked);
        self.pauses += 1;
        self.resumed_at = self.share(now);
        self.resumes = now + delay;
        self.due = self.resumes;
        self.resumed = Turn(self.first + self.begun.len() as u64);
        true
    }

    /// Pauses, and goes on at half the speed at most.
    fn throttle(&mut self, turn: Option<Turn>, asked: Option<Duration>, jitter: f64, now: Instant) {
        if self.pause(turn, asked, jitter, now) {
            #[expect(clippy::cast_precision_loss, reason = "at most some thousand a second")]
            let slowest = 1.0 / self.per_second as f64;
            self.resumed_at = (self.resumed_at / 2.0).max(slowest);
        }
    }
}

/// The pace of an apply, shared by all its requests.
#[derive(Debug)]
pub(super) struct Pace {
    rules: Mutex<Rules>,
    /// Held by the one request that waits for its turn; those behind it wait for this.
    line: tokio::sync::Mutex<()>,
    /// The rules have changed: what was waited for may have come.
    changed: Notify,
}

impl Pace {
    pub(super) fn new(per_second: NonZeroU32, delay: Duration) -> Self {
        let rules = Rules::new(per_second, delay, Instant::now());
        Self { rules: Mutex::new(rules), line: tokio::sync::Mutex::default(), changed: Notify::new() }
    }

    /// Takes a beat of the rhythm for a request that is to begin beside so many `others`, or returns when there is one.
    pub(super) fn beat(&self, others: usize) -> Result<(), Instant> {
        let mut rules = self.rules();
        let now = Instant::now();
        let at = rules.opens(others, now).max(rules.due);
        if at > now {
            return Err(at);
        }
        rules.beat(now);
        Ok(())
    }

    /// Returns when a pause ends, if there is one.
    pub(super) fn pauses_until(&self) -> Option<Instant> {
        let resumes = self.rules().resumes;
        (resumes > Instant::now()).then_some(resumes)
    }

    /// Counts one more request if it may begin at once, and nobody waits for that.
    pub(super) fn begin_now(&self) -> Option<Turn> {
        let _front = self.line.try_lock().ok()?;
        let (mut rules, now) = (self.rules(), Instant::now());
        (rules.opens(0, now) <= now).then(|| rules.begin(now))
    }

    /// Waits until one more request may begin, and counts it.
    pub(super) async fn begin(&self) -> Turn {
        let _front = self.line.lock().await;
        loop {
            let changed = self.changed.notified();
            let at = {
                let mut rules = self.rules();
                let now = Instant::now();
                let at = rules.opens(0, now);
                if at <= now {
                    return rules.begin(now);
                }
                at
            };
            tokio::select! {
                () = tokio::time::sleep_until(at) => {}
                () = changed => {}
            }
        }
    }

    /// Notes that a request is not on its way any more, whatever came of it.
    pub(super) fn arrive(&self, turn: Turn) {
        self.rules().arrive(turn, Instant::now());
        self.changed.notify_waiters();
    }

    /// Notes an answer that is no refusal because of load.
    pub(super) fn answer(&self, turn: Turn) {
        self.rules().answer(turn);
    }

    /// Makes everything wait because the vendor asks for less: at least as long as it `asked` for.
    pub(super) fn throttle(&self, turn: Option<Turn>, asked: Option<Duration>) {
        self.rules().throttle(turn, asked, fastrand::f64(), Instant::now());
    }

    /// Makes everything wait because no connection came about. Returns whether that is news: what failed beside another one
    /// tells nothing new.
    pub(super) fn pause(&self, turn: Option<Turn>) -> bool {
        self.rules().pause(turn, None, fastrand::f64(), Instant::now())
    }

    fn rules(&self) -> MutexGuard<'_, Rules> {
        self.rules.lock().expect("no holder of this lock panics")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DELAY: Duration = Duration::from_secs(1);

    fn milliseconds(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    fn rules(per_second: u32, now: Instant) -> Rules {
        Rules::new(per_second.try_into().unwrap(), DELAY, now)
    }

    proptest! {
        /// However late a request gets going, however long the network and the vendor take: no second at the vendor's sees
        /// more of them than allowed.
        #[test]
        fn no_second_sees_more_requests_than_allowed(
            per_second in 1..40_u32,
            delays in prop::collection::vec((0..30_u64, 0..=50_u64, 0..2_000_u64), 1..200),
        ) {
            let mut now = Instant::now();
            let mut rules = rules(per_second, now);
            let mut replies: Vec<(Instant, Turn)> = Vec::new();
            let mut arrived = Vec::new();
            for (late, network, vendor) in delays {
                now = now.max(rules.opens(0, now)) + milliseconds(late);
                // Replies that came meanwhile are known before the next request begins.
                replies.retain(|(at, turn)| {
                    let is_over = *at <= now;
                    if is_over {
                        rules.arrive(*turn, *at);
                    }
                    !is_over
                });
                now = now.max(rules.opens(0, now));
                let turn = rules.begin(now);
                arrived.push(now + milliseconds(network));
                replies.push((now + milliseconds(network + vendor), turn));
            }
            arrived.sort();
            for (first, beyond) in arrived.iter().zip(arrived.iter().skip(per_second as usize)) {
                prop_assert!(*beyond - *first >= SECOND);
            }
        }
    }

    #[test]
    fn requests_that_are_about_to_begin_count_as_begun() {
        let now = Instant::now();
        let mut rules = rules(3, now);
        rules.begin(now);
        assert!(rules.opens(1, now) <= now);
        assert_eq!(rules.opens(2, now), now + SECOND + ON_THE_WAY_MAX);
        assert!(rules.opens(3, now) > now);
    }

    #[test]
    fn the_rhythm_is_even_and_catches_up_a_little_only() {
        let start = Instant::now();
        let mut rules = rules(100, start);
        rules.beat(start);
        assert_eq!(rules.due, start + milliseconds(10));
        let later = start + milliseconds(500);
        let mut beats = 0;
        while rules.due <= later {
            rules.beat(later);
            beats += 1;
        }
        assert_eq!(beats, 6);
    }

    #[test]
    fn one_throttled_request_stops_all_and_those_in_flight_change_nothing() {
        let now = Instant::now();
        let mut rules = rules(100, now);
        let turns: Vec<Turn> = (0..4).map(|_| rules.begin(now)).collect();
        rules.throttle(Some(turns[2]), None, 0.0, now);
        assert_eq!(rules.opens(0, now), now + DELAY);
        for turn in [turns[0], turns[3]] {
            rules.throttle(Some(turn), None, 0.0, now + milliseconds(10));
        }
        assert_eq!(rules.opens(0, now), now + DELAY);
        // One of them may still learn that it takes longer.
        rules.throttle(Some(turns[1]), Some(milliseconds(1500)), 0.0, now + milliseconds(20));
        assert_eq!(rules.opens(0, now), now + milliseconds(1520));
    }

    #[test]
    fn pauses_in_a_row_double_to_a_minute_and_an_answer_ends_the_row() {
        let mut now = Instant::now();
        let mut rules = rules(100, now);
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
            let turn = rules.begin(now);
            rules.throttle(Some(turn), None, 0.0, now);
            assert_eq!(rules.resumes, now + Duration::from_secs(seconds));
            now = rules.resumes;
        }
        let turn = rules.begin(now);
        rules.answer(turn);
        rules.throttle(Some(turn), None, 0.5, now);
        assert_eq!(rules.resumes, now + milliseconds(1500));
    }

    #[test]
    fn the_vendor_is_left_alone_as_long_as_it_asks_but_no_longer_than_a_minute() {
        let now = Instant::now();
        for (asked, waited) in [(5, 5), (0, 1), (3600, 60)] {
            let mut rules = rules(100, now);
            let turn = rules.begin(now);
            rules.throttle(Some(turn), Some(Duration::from_secs(asked)), 0.0, now);
            assert_eq!(rules.resumes, now + Duration::from_secs(waited));
        }
    }

    #[test]
    fn after_a_pause_the_speed_comes_back_bit_by_bit() {
        let now = Instant::now();
        let mut rules = rules(100, now);
        let turn = rules.begin(now);
        rules.throttle(Some(turn), None, 0.0, now);
        let resumes = rules.resumes;
        let gap_at = |seconds| {
            let mut rules = self::rules(100, now);
            let turn = rules.begin(now);
            rules.throttle(Some(turn), None, 0.0, now);
            let at = resumes + Duration::from_secs(seconds);
            rules.due = at;
            rules.beat(at);
            rules.due - at
        };
        assert_eq!([gap_at(0), gap_at(15), gap_at(60)], [20, 10, 10].map(milliseconds));
        assert!(gap_at(3) < gap_at(0) && gap_at(3) > gap_at(15));
        // No connection says nothing about speed.
        let mut rules = self::rules(100, now);
        rules.pause(None, None, 0.0, now);
        assert!((rules.share(rules.resumes) - 1.0).abs() < f64::EPSILON);
    }
}
