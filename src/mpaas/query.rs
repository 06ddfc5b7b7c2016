//! Asks which tasks the vendor has: by the moment at which they happen, or by name.
//!
//! Questions change nothing there, so they are simply asked again when an answer is lost, at the pace of whoever asks
//! ([`Pacing`]). An answer counts only if it is whole: what cannot be read, or is shorter than it says, proves nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::mpaas::answer::{self, Fields};
use crate::mpaas::ask::Answered;
use crate::mpaas::beside::{Beside, Unreadable};
use crate::mpaas::client::Client;
use crate::mpaas::codes::{self, Verdict};
use crate::mpaas::json::Distinct;
use crate::mpaas::outcome::RejectClass;
use crate::mpaas::request::Request;
use crate::mpaas::task::{NamedTask, ScheduledTask};

/// How often a question is asked again.
const RETRIES_MAX: u32 = 3;

/// Rows of one page; the default of `QueryPushSchedulerList` in the vendor's SDK.
const PAGE_ROWS: usize = 500;
/// A vendor keeps at most 100 unexecuted tasks; more pages than this are not an answer but a fault.
const PAGES_MAX: usize = 200;

/// Why the vendor's answer cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// The vendor refuses to answer.
    #[error("the vendor refuses to answer: {code}: {message}")]
    Refused {
        /// The vendor's code.
        code: String,
        /// The vendor's words.
        message: String,
        /// Whether it refuses who we are.
        is_credentials: bool,
    },
    /// No answer came.
    #[error("the vendor gave no answer: {0}")]
    NoAnswer(String),
    /// An answer came that cannot be read, or that is not whole.
    #[error("the vendor's answer cannot be read: {0}")]
    Unreadable(String),
}

/// Decides when a question may leave, and hears how the vendor took it.
pub trait Pacing: Sync {
    /// What one question is known by.
    type Turn: Send;

    /// Waits until one more question may begin.
    fn begin(&self) -> impl Future<Output = Self::Turn> + Send;

    /// Notes what came of it.
    fn end(&self, turn: Self::Turn, heard: Heard);
}

/// How the vendor took a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It answered, whatever it said.
    Answer,
    /// It wants to be left alone, for as long as it says.
    Throttling(Option<Duration>),
    /// It gave no answer.
    Nothing,
}

/// What came of one question.
struct Failed {
    error: QueryError,
    heard: Heard,
    is_worth_another: bool,
}

impl Client {
    /// Returns every scheduled or repeating task that happens between two moments, both included.
    ///
    /// # Errors
    ///
    /// Returns [`QueryError`] unless the whole list was read.
    pub async fn scheduled_tasks(
        &self,
        pacing: &impl Pacing,
        (from, until): (DateTime<Utc>, DateTime<Utc>),
    ) -> Result<Vec<ScheduledTask>, QueryError> {
        let (mut found, mut seen) = (Vec::<ScheduledTask>::new(), BTreeSet::new());
        let mut beside = Beside::default();
        for number in 1..=PAGES_MAX {
            let request =
                Request::query_scheduler_list(self.environment(), (from, until), (number, PAGE_ROWS));
            let page = self.ask(pacing, &request, answer::scheduler_page).await?;
            let is_last = page.tasks.is_empty();
            for (row_id, task) in page.tasks {
                if !seen.insert((row_id, task.push_at)) {
                    return Err(pages_repeat());
                }
                found.push(task);
            }
            let was_to_follow = beside.has_more;
            beside.join(page.beside);
            let is_short =
                (is_last && was_to_follow) || beside.is_beyond(found.len(), number - usize::from(is_last));
            if !is_short {
                return Ok(found);
            }
            if is_last {
                break;
            }
        }
        Err(too_short(found.len()))
    }

    /// Returns the batch and broadcast tasks that were made since a moment: those that the vendor finds by a name, or
    /// all. No page says how it compares names, so whoever asks does.
    ///
    /// # Errors
    ///
    /// Returns [`QueryError`] unless the whole list was read.
    pub async fn named_tasks(
        &self,
        pacing: &impl Pacing,
        name: Option<&str>,
        since: DateTime<Utc>,
    ) -> Result<Vec<NamedTask>, QueryError> {
        let (mut found, mut rows) = (Vec::<NamedTask>::new(), 0);
        let (mut seen, mut beside) = (BTreeSet::new(), Beside::default());
        for number in 1..=PAGES_MAX {
            let request =
                Request::query_analysis_task_list(self.environment(), name, since, (number, PAGE_ROWS));
            let page = self.ask(pacing, &request, answer::named_page).await?;
            rows += page.rows;
            // Most have no count of their own, and pages may be shorter than asked for: an empty one ends them.
            let was_to_follow = beside.has_more;
            beside.join(page.beside);
            if page.rows == 0 {
                let is_short = was_to_follow || beside.is_beyond(rows.max(found.len()), number - 1);
                return if is_short { Err(too_short(rows)) } else { Ok(found) };
            }
            let ids: BTreeSet<String> = page.tasks.iter().map(|task| task.task_id.clone()).collect();
            if !seen.is_disjoint(&ids) {
                return Err(pages_repeat());
            }
            seen.extend(ids);
            found.extend(page.tasks);
        }
        Err(QueryError::Unreadable(format!("its list has more than {PAGES_MAX} pages")))
    }

    /// Asks, again if no answer came, and reads the answer.
    async fn ask<T>(
        &self,
        pacing: &impl Pacing,
        request: &Request,
        read: impl Fn(Fields<'_>) -> Result<T, Unreadable>,
    ) -> Result<T, QueryError> {
        let mut retries_left = RETRIES_MAX;
        loop {
            let turn = pacing.begin().await;
            let nonce = Uuid::new_v4().to_string();
            let answered = match self.ask_once(request, &nonce).await {
                Ok(answered) => self.judge(&answered, &read),
                Err(why) => Err(failed(QueryError::NoAnswer(why), Heard::Nothing)),
            };
            match answered {
                Ok(answer) => {
                    pacing.end(turn, Heard::Answer);
                    return Ok(answer);
                }
                Err(Failed { error, heard, is_worth_another }) => {
                    pacing.end(turn, heard);
                    if !is_worth_another || retries_left == 0 {
                        return Err(error);
                    }
                    retries_left -= 1;
                }
            }
        }
    }

    fn judge<T>(
        &self,
        Answered { status, retry_after, body }: &Answered,
        read: impl Fn(Fields<'_>) -> Result<T, Unreadable>,
    ) -> Result<T, Failed> {
        // What reads so once reads so again.
        let unreadable = |why: String| Failed {
            error: QueryError::Unreadable(self.printable(&why)),
            heard: Heard::Answer,
            is_worth_another: false,
        };
        let is_throttled = |code: &str| {
            let verdict = if *status == 200 { codes::of_result(code) } else { codes::of_gateway(code) };
            verdict == Some(Verdict::NotTaken(RejectClass::Throttled))
        };
        if *status >= 500 {
            return Err(failed(QueryError::NoAnswer(format!("HTTP {status}")), hint(*retry_after)));
        }
        let parsed: Result<Distinct, _> = serde_json::from_slice(body);
        if *status == 429 && parsed.is_err() {
            return Err(failed(
                QueryError::NoAnswer(format!("HTTP {status}")),
                Heard::Throttling(*retry_after),
            ));
        }
        // Whoever stands in between may be gone soon.
        let Distinct(answer) = parsed.map_err(|error| {
            if error.is_data() {
                return unreadable(error.to_string());
            }
            let why = format!("HTTP {status} with what is no JSON");
            failed(QueryError::Unreadable(why), Heard::Nothing)
        })?;
        let envelope = Fields::of(&answer, "the answer").map_err(unreadable)?;
        let (code, message) =
            if *status == 200 { ("ResultCode", "ResultMessage") } else { ("Code", "Message") };
        let said = |name: &str| envelope.text(name).map(|text| self.printable(text.unwrap_or_default()));
        let code = said(code).map_err(unreadable)?;
        if code.is_empty() {
            return Err(unreadable(format!("HTTP {status} without a code")));
        }
        if *status == 200 && code == "OK" {
            return read(envelope).map_err(unreadable);
        }
        if is_throttled(&code) {
            let why = QueryError::NoAnswer(format!("HTTP {status} {code}"));
            return Err(failed(why, Heard::Throttling(*retry_after)));
        }
        let message = said(message).unwrap_or_default();
        // The gateway echoes the whole string to sign.
        let message = message.split("server string to sign").next().unwrap_or_default().trim().to_owned();
        let is_credentials = codes::is_about_credentials(&code);
        if *status == 200 && !is_credentials {
            return Err(unreadable(format!("its result code is `{code}`: {message}")));
        }
        let error = QueryError::Refused { code, message, is_credentials };
        Err(Failed { error, heard: Heard::Answer, is_worth_another: false })
    }
}

fn failed(error: QueryError, heard: Heard) -> Failed {
    Failed { error, heard, is_worth_another: true }
}

/// A server that is overloaded may say for how long.
fn hint(retry_after: Option<Duration>) -> Heard {
    if retry_after.is_some() { Heard::Throttling(retry_after) } else { Heard::Nothing }
}

fn pages_repeat() -> QueryError {
    QueryError::Unreadable("its pages repeat each other".to_owned())
}

fn too_short(rows: usize) -> QueryError {
    QueryError::Unreadable(format!("its list ends after {rows} rows, before its own count"))
}
