//! Why an apply ends before everything planned was attempted.

use std::fmt;
use std::sync::Arc;

use crate::apply::JournalError;
use crate::mpaas::NoConnection;
use crate::state::{StateError, StateErrorKind};

/// So many batches in a row without a known outcome, and the vendor is taken to be down.
pub(super) const DOUBTS_IN_A_ROW_MAX: u32 = 10;

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
        /// Why no connection comes about.
        cause: NoConnection,
        /// The same in words, with the host.
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
        match error.kind {
            StateErrorKind::Fenced { .. } => Self::Fenced(error),
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
            Self::Unreachable { message, .. } => formatter.write_str(message),
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

impl Stop {
    /// Returns what a person can do about it, where there is something.
    #[must_use]
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::Unreachable { cause, .. } => Some(cause.help()),
            Self::Quota { .. } => Some("run it again later: what is left is still planned"),
            Self::Interrupted
            | Self::Credentials { .. }
            | Self::Doubts
            | Self::Ledger(_)
            | Self::Fenced(_) => None,
        }
    }
}
