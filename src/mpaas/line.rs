//! What came on one connection, and whether a request had asked for it.
//!
//! HTTP/1.1 gives a reply no number: it answers whichever request is open. So a proxy that repeats a reply, or is one
//! behind, answers with another request's. What shows it is a byte that comes when none is due: before the whole request
//! has left, between two requests, or after the last. An answer is therefore final only when the next one on its
//! connection is good as well, or when the connection ended without such a byte.

use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::Notify;

/// Why an answer of a connection that bytes came on out of turn proves nothing.
const UNASKED: &str =
    "bytes came on its connection that no request had asked for, so the reply may be another's";

/// Why an answer is in doubt whose connection was let go of in the middle of the next request.
const INTERRUPTED: &str = "the run was interrupted before its connection proved that the reply was its own";

/// What waits for an answer to become final; `Err` says why it is in doubt instead.
type Held = Box<dyn FnOnce(Result<(), String>) + Send>;

/// How far the open request is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// None is open, or not a byte of it has left.
    #[default]
    Idle,
    /// Some of it has left.
    Writing,
    /// All of it has left.
    Sent,
    /// Its reply has begun.
    Replying,
}

#[derive(Default)]
struct State {
    phase: Phase,
    /// Good answers so far.
    accepted: u64,
    held: Option<Held>,
    /// Whether the last answer was a refusal.
    is_refused: bool,
    /// Whether nobody sends over it any more.
    is_released: bool,
    /// How it ended, or why nothing that comes counts any more.
    end: Option<Result<(), String>>,
}

/// The account of one connection, shared by its stream, its driver and whoever sends over it.
#[derive(Default)]
pub(super) struct Line {
    state: Mutex<State>,
    released: Notify,
    ended: Notify,
}

impl Line {
    /// Whether not a byte of the open request has left.
    pub(super) fn is_unwritten(&self) -> bool {
        self.state().phase == Phase::Idle
    }

    /// Notes that some of a request is left to write: its reply cannot have begun.
    pub(super) fn is_before_reply(&self) -> bool {
        self.state().phase != Phase::Replying
    }

    /// Notes that a part of a request has left.
    pub(super) fn wrote(&self) {
        self.state().phase = Phase::Writing;
    }

    /// Notes that all that was written has left.
    pub(super) fn flushed(&self) {
        let mut state = self.state();
        if state.phase == Phase::Writing {
            state.phase = Phase::Sent;
        }
    }

    /// Takes note of bytes that came; returns whether an open request had asked for them.
    pub(super) fn came(&self) -> bool {
        {
            let mut state = self.state();
            if matches!(state.phase, Phase::Sent | Phase::Replying) {
                state.phase = Phase::Replying;
                return true;
            }
        }
        self.unasked();
        false
    }

    /// Notes bytes that nobody had asked for: the last answer, and whatever comes, proves nothing.
    pub(super) fn unasked(&self) {
        self.close(Err(UNASKED.to_owned()));
    }

    /// Notes that the open request has its whole reply; an error says why that proves nothing.
    pub(super) fn answered(&self) -> Result<(), String> {
        let mut state = self.state();
        state.phase = Phase::Idle;
        match &state.end {
            Some(Err(why)) => Err(why.clone()),
            Some(Ok(())) | None => Ok(()),
        }
    }

    /// Notes that the answer is good: the one before is final, and this one waits.
    pub(super) fn accept(self: &Arc<Self>) -> Provisional {
        let (before, number) = {
            let mut state = self.state();
            state.accepted += 1;
            (state.held.take(), state.accepted)
        };
        if let Some(held) = before {
            held(Ok(()));
        }
        Provisional { line: Arc::clone(self), number }
    }

    /// Notes that the answer is a refusal: it counts once the connection ended well.
    pub(super) fn refuse(&self) {
        self.state().is_refused = true;
    }

    /// Whether a refusal waits for the end.
    pub(super) fn is_refused(&self) -> bool {
        self.state().is_refused
    }

    /// Notes that the connection broke, or was silent for as long as anyone waits, with a request open. Nothing came out of
    /// turn before that, so the answer before is final. Returns whether not a byte of the request had left.
    pub(super) fn broke(&self) -> bool {
        let is_unwritten = self.is_unwritten();
        self.state().phase = Phase::Idle;
        self.close(Ok(()));
        is_unwritten
    }

    /// Notes that nobody sends over it any more, nor waits for the open request if there is one.
    pub(super) fn release(&self) {
        if !self.is_unwritten() {
            self.close(Err(INTERRUPTED.to_owned()));
        }
        self.state().is_released = true;
        self.released.notify_one();
    }

    /// Waits until nobody sends over it any more. One at a time may wait.
    pub(super) async fn until_released(&self) {
        while !self.state().is_released {
            self.released.notified().await;
        }
    }

    /// Notes how the connection ended; what was known before stays.
    pub(super) fn close(&self, end: Result<(), String>) {
        let (held, end) = {
            let mut state = self.state();
            let end = state.end.get_or_insert(end).clone();
            (state.held.take(), end)
        };
        if let Some(held) = held {
            held(end);
        }
        self.ended.notify_one();
    }

    /// Waits until the connection ended; an error says why its last answer is in doubt. One at a time may wait.
    pub(super) async fn until_closed(&self) -> Result<(), String> {
        loop {
            if let Some(end) = self.state().end.clone() {
                return end;
            }
            self.ended.notified().await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of this lock panics")
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        // Nobody is left who could tell.
        self.close(Err(INTERRUPTED.to_owned()));
    }
}

/// A good answer that its connection has not confirmed yet.
#[must_use = "what came of the request is not known before"]
pub struct Provisional {
    line: Arc<Line>,
    number: u64,
}

impl Provisional {
    /// Calls `done` once the answer is final: with an error if it is in doubt after all, and why.
    pub fn then(self, done: impl FnOnce(Result<(), String>) + Send + 'static) {
        let end = {
            let mut state = self.line.state();
            match state.end.clone() {
                _ if state.accepted > self.number => Ok(()),
                Some(end) => end,
                None => {
                    state.held = Some(Box::new(done));
                    return;
                }
            }
        };
        done(end);
    }
}

impl std::fmt::Debug for Provisional {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Provisional").field("number", &self.number).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};

    use super::*;

    fn exchange(line: &Line) {
        line.wrote();
        line.flushed();
        assert!(line.came());
    }

    /// An answer that was taken; the receiver hears how it ended.
    fn accepted(line: &Arc<Line>) -> Receiver<Result<(), String>> {
        exchange(line);
        line.answered().unwrap();
        let (told, hears) = channel();
        line.accept().then(move |end| told.send(end).unwrap());
        hears
    }

    fn in_doubt() -> Result<(), String> {
        Err(UNASKED.to_owned())
    }

    #[test]
    fn an_answer_is_final_when_the_next_one_is_good() {
        let line = Arc::default();
        let first = accepted(&line);
        assert!(first.try_recv().is_err(), "not yet");
        let second = accepted(&line);
        assert_eq!(first.try_recv(), Ok(Ok(())));
        line.unasked();
        assert_eq!(second.try_recv(), Ok(in_doubt()));
    }

    #[test]
    fn an_answer_is_final_when_its_connection_ended_without_another_byte() {
        let line = Arc::default();
        let answer = accepted(&line);
        line.close(Ok(()));
        assert_eq!(answer.try_recv(), Ok(Ok(())));
        // Whoever asks later hears the same.
        let (told, hears) = channel();
        Provisional { line, number: 1 }.then(move |end| told.send(end).unwrap());
        assert_eq!(hears.try_recv(), Ok(Ok(())));
    }

    #[test]
    fn a_byte_that_comes_before_the_request_has_left_puts_it_and_the_last_answer_in_doubt() {
        for is_begun in [false, true] {
            let line = Arc::default();
            let before = accepted(&line);
            if is_begun {
                line.wrote();
            }
            assert!(!line.came());
            assert_eq!(before.try_recv(), Ok(in_doubt()));
            line.flushed();
            assert_eq!(line.answered(), in_doubt());
        }
    }

    #[test]
    fn a_connection_that_breaks_with_a_request_open_leaves_the_last_answer_alone() {
        let line = Arc::default();
        let before = accepted(&line);
        assert!(line.is_unwritten());
        line.wrote();
        assert!(!line.broke());
        assert_eq!(before.try_recv(), Ok(Ok(())));
    }

    #[test]
    fn an_answer_is_in_doubt_where_nobody_waited_for_its_connection() {
        let line = Arc::default();
        let interrupted = accepted(&line);
        exchange(&line);
        line.release();
        assert_eq!(interrupted.try_recv(), Ok(Err(INTERRUPTED.to_owned())));
        let line = Arc::default();
        let forgotten = accepted(&line);
        drop(line);
        assert_eq!(forgotten.try_recv(), Ok(Err(INTERRUPTED.to_owned())));
    }
}
