//! Carries questions to the vendor, no faster than pushes, and waits as long as it asks for.

use std::num::NonZeroU32;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::apply::pace::{Pace, Turn};
use crate::mpaas::{Client, Heard, NamedTask, Pacing, QueryError, ScheduledTask};

/// How long to wait after a question that got no answer, doubled each time in a row.
const RETRY_DELAY: Duration = Duration::from_millis(500);

/// Who can be asked about tasks.
pub trait Ask: Sync {
    /// Returns every scheduled or repeating task that happens between two moments, both included.
    ///
    /// # Errors
    ///
    /// Returns [`QueryError`] unless the whole list was read.
    fn scheduled_tasks(
        &self,
        window: (DateTime<Utc>, DateTime<Utc>),
    ) -> impl Future<Output = Result<Vec<ScheduledTask>, QueryError>> + Send;

    /// Returns the batch and broadcast tasks that were made since a moment, of a name or all.
    ///
    /// # Errors
    ///
    /// Returns [`QueryError`] unless the whole list was read.
    fn named_tasks(
        &self,
        name: Option<&str>,
        since: DateTime<Utc>,
    ) -> impl Future<Output = Result<Vec<NamedTask>, QueryError>> + Send;
}

/// The vendor, asked at the pace that its environment allows.
pub struct Questions<'a> {
    client: &'a Client,
    pace: Pace,
}

impl<'a> Questions<'a> {
    /// Asks through `client`, at most so often in any second.
    #[must_use]
    pub fn new(client: &'a Client, requests_per_second: NonZeroU32) -> Self {
        Self { client, pace: Pace::new(requests_per_second, RETRY_DELAY) }
    }
}

impl Ask for Questions<'_> {
    async fn scheduled_tasks(
        &self,
        window: (DateTime<Utc>, DateTime<Utc>),
    ) -> Result<Vec<ScheduledTask>, QueryError> {
        self.client.scheduled_tasks(&self.pace, window).await
    }

    async fn named_tasks(
        &self,
        name: Option<&str>,
        since: DateTime<Utc>,
    ) -> Result<Vec<NamedTask>, QueryError> {
        self.client.named_tasks(&self.pace, name, since).await
    }
}

impl Pacing for Pace {
    type Turn = Turn;

    async fn begin(&self) -> Turn {
        Self::begin(self).await
    }

    fn end(&self, turn: Turn, heard: Heard) {
        self.arrive(turn);
        match heard {
            Heard::Answer => self.answer(turn),
            Heard::Throttling(asked) => self.throttle(Some(turn), asked),
            Heard::Nothing => {
                self.pause(Some(turn));
            }
        }
    }
}
