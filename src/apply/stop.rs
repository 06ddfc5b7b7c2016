//! Why an apply ends before everything planned was attempted.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::watch;

use crate::apply::JournalError;
use crate::state::StateError;

/// So many batches in a row without a known outcome, and the vendor is taken to be down.
const DOUBTS_IN_A_ROW_MAX: u32 = 10;

/// What somebody who interrupts an apply wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Interrupt {
    /// Nothing: go on.
    #[default]
    None,
    /// Begin nothing new, and wait for what is in flight.
    Settle,
    /// Wait for nothing: what is in flight stays in doubt.
    Abandon,
}

/// Why an apply stopped early.
#[derive(Clone, Debug)]
pub enum Stop {
    /// Somebody interrupted it.
    Interrupted,
    /// The vendor refuses who we are.
    Credentials {
        /// The vendor's code.
        code: String,
        /// The vendor's words.
        message: String,
    },
    /// The vendor refuses more for now, also after waiting.
    Quota {
        /// The vendor's code.
        code: String,
        /// The vendor's words.
        message: String,
    },
    /// No request can leave.
    Unreachable {
        /// What the network says.
        message: String,
    },
    /// One batch after the other has no known outcome.
    Doubts,
    /// The ledger cannot be written.
    Ledger(JournalError),
    /// The ledger is another run's by now.
    Fenced(Arc<StateError>),
}

impl From<JournalError> for Stop {
    fn from(error: JournalError) -> Self {
        match error {
            JournalError::State(error) => Self::from(error),
            JournalError::Closed => Self::Ledger(error),
        }
    }
}

impl From<Arc<StateError>> for Stop {
    fn from(error: Arc<StateError>) -> Self {
        match *error {
            StateError::Fenced { .. } => Self::Fenced(error),
            _ => Self::Ledger(JournalError::State(error)),
        }
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interrupted => formatter.write_str("interrupted"),
            Self::Credentials { code, message } if code.starts_with("InvalidTimeStamp") => {
                write!(formatter, "the vendor finds this machine's clock wrong: {code}: {message}")
            }
            Self::Credentials { code, message } => {
                write!(formatter, "the vendor refuses the access key: {code}: {message}")
            }
            Self::Quota { code, message } => {
                write!(formatter, "the vendor takes no more for now: {code}: {message}")
            }
            Self::Unreachable { message } => write!(formatter, "the vendor cannot be reached: {message}"),
            Self::Doubts => {
                write!(
                    formatter,
                    "{DOUBTS_IN_A_ROW_MAX} requests in a row had no answer that says what became of them"
                )
            }
            Self::Ledger(error) => error.fmt(formatter),
            Self::Fenced(error) => write!(
                formatter,
                "{error}. What was not recorded before that is in doubt there, and nothing more was sent"
            ),
        }
    }
}

/// The one place where an apply in flight learns that it shall end: set once, seen by all.
pub(super) struct Brake {
    pulled: Mutex<State>,
    wake: watch::Sender<Interrupt>,
}

#[derive(Default)]
struct State {
    stop: Option<Stop>,
    doubts_in_a_row: u32,
}

impl Brake {
    pub(super) fn new() -> Self {
        Self { pulled: Mutex::default(), wake: watch::Sender::new(Interrupt::None) }
    }

    /// Stops the apply; the first reason stays.
    pub(super) fn pull(&self, stop: Stop) {
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

    /// Counts an outcome that nobody knows, and stops when there are too many in a row.
    pub(super) fn count_doubt(&self) {
        let doubts = {
            let mut state = self.state();
            state.doubts_in_a_row += 1;
            state.doubts_in_a_row
        };
        if doubts >= DOUBTS_IN_A_ROW_MAX {
            self.pull(Stop::Doubts);
        }
    }

    /// Notes that the vendor answers.
    pub(super) fn count_answer(&self) {
        self.state().doubts_in_a_row = 0;
    }

    pub(super) fn is_pulled(&self) -> bool {
        *self.wake.borrow() >= Interrupt::Settle
    }

    /// Waits until the apply shall end.
    pub(super) async fn pulled(&self) {
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
        self.pulled.lock().expect("no holder of this lock panics")
    }
}
