//! Asks which tasks the vendor has: by the moment at which they happen, or by name.
//!
//! Questions change nothing there, so they are simply asked again when an answer is lost. An answer counts only
//! if it is whole: what cannot be read, or is shorter than it says, proves nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::vendor::client::Client;
use crate::vendor::request::Request;

/// How often a question is asked again.
const RETRIES_MAX: usize = 3;
const RETRY_DELAY: Duration = Duration::from_millis(500);

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
        /// Its code.
        code: String,
        /// Its words.
        message: String,
        /// Whether it refuses who we are.
        is_credentials: bool,
    },
    /// No answer came.
    #[error("the vendor gave no answer: {0}")]
    NoAnswer(String),
    /// An answer came that cannot be read, or that is not whole.
    #[error("the vendor's answer cannot be used: {0}")]
    Unreadable(String),
}

/// A moment at which a scheduled or repeating task happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduledTask {
    /// The task, as `PushResult.Data` named it when it was made.
    pub task_id: String,
    /// When it happens.
    pub push_at: DateTime<Utc>,
    /// Its title; whether with placeholders or values, no page says.
    pub title: String,
    /// Its text; as for the title.
    pub content: String,
    /// 0 simple, 1 template, 2 batch, 3 broadcast.
    pub task_type: i64,
    /// 1 once, 2 repeating.
    pub strategy_type: i64,
    /// Whether the row names a parent: one moment of several.
    pub has_parent: bool,
    /// When it was made, if the vendor says so.
    pub created_at: Option<DateTime<Utc>>,
}

impl ScheduledTask {
    /// Whether it happens again and again, or may: a page says that repeating tasks make scheduled ones.
    #[must_use]
    pub fn repeats(&self) -> bool {
        self.strategy_type == 2 || self.has_parent
    }
}

/// A batch or broadcast task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedTask {
    /// The task.
    pub task_id: String,
    /// `TaskName`.
    pub task_name: String,
    /// When it was made, if the vendor says so.
    pub created_at: Option<DateTime<Utc>>,
}

impl Client {
    /// Returns every scheduled or repeating task that happens between two moments, both included.
    ///
    /// # Errors
    ///
    /// Returns [`QueryError`] unless the whole list was read.
    pub async fn scheduled_tasks(
        &self,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Vec<ScheduledTask>, QueryError> {
        let mut found: Vec<ScheduledTask> = Vec::new();
        for page in 1..=PAGES_MAX {
            let request = Request::query_scheduler_list(self.environment(), (from, until), (page, PAGE_ROWS));
            let content = self.ask(&request).await?;
            let data: SchedulerData = parse(&content["Data"])?;
            let rows = data.list.unwrap_or_default();
            let is_last = rows.is_empty();
            for row in rows {
                found.push(row.read()?);
            }
            if found.len() >= data.total_count {
                return Ok(found);
            }
            if is_last {
                break;
            }
        }
        Err(QueryError::Unreadable(format!("its list ends after {} rows, before its own count", found.len())))
    }

    /// Returns the batch and broadcast tasks of a name that were made since a moment.
    ///
    /// # Errors
    ///
    /// Returns [`QueryError`] unless the whole list was read.
    pub async fn named_tasks(&self, name: &str, since: DateTime<Utc>) -> Result<Vec<NamedTask>, QueryError> {
        let mut found: Vec<NamedTask> = Vec::new();
        let mut seen = BTreeSet::new();
        for page in 1..=PAGES_MAX {
            let request =
                Request::query_analysis_task_list(self.environment(), name, since, (page, PAGE_ROWS));
            let content = self.ask(&request).await?;
            // The list has no count of its own, and pages may be shorter than asked for: an empty one ends it.
            let rows: Option<Vec<NamedRow>> = parse(&content["Data"])?;
            let rows = rows.unwrap_or_default();
            if rows.is_empty() {
                return Ok(found);
            }
            for row in rows {
                if !seen.insert(row.task_id.clone()) {
                    return Err(QueryError::Unreadable("its pages repeat each other".to_owned()));
                }
                if row.task_name == name {
                    found.push(row.read()?);
                }
            }
        }
        Err(QueryError::Unreadable(format!("its list has more than {PAGES_MAX} pages")))
    }

    /// Asks, again if no answer came, and returns `ResultContent`.
    async fn ask(&self, request: &Request) -> Result<Value, QueryError> {
        let backoff =
            ExponentialBuilder::new().with_min_delay(RETRY_DELAY).with_max_times(RETRIES_MAX).with_jitter();
        (|| self.answer(request))
            .retry(backoff)
            .when(|error| matches!(error, QueryError::NoAnswer(_) | QueryError::Unreadable(_)))
            .await
    }

    async fn answer(&self, request: &Request) -> Result<Value, QueryError> {
        let nonce = Uuid::new_v4().to_string();
        let exchanged = self.ask_once(request, &nonce).await.map_err(QueryError::NoAnswer)?;
        let answer: Value = serde_json::from_slice(&exchanged.body).map_err(|error| unreadable(&error))?;
        let text = |name: &str| self.printable(answer[name].as_str().unwrap_or_default());
        let code = if exchanged.status == 200 { text("ResultCode") } else { text("Code") };
        if exchanged.status == 200 && code == "OK" {
            return Ok(answer["ResultContent"].clone());
        }
        if exchanged.status >= 500 || code.starts_with("Throttling") {
            return Err(QueryError::NoAnswer(format!("HTTP {} {code}", exchanged.status)));
        }
        let message = if exchanged.status == 200 { text("ResultMessage") } else { text("Message") };
        let message = message.split("server string to sign").next().unwrap_or_default().trim().to_owned();
        let is_credentials = crate::vendor::codes::is_about_credentials(&code);
        Err(QueryError::Refused { code, message, is_credentials })
    }
}

fn parse<T: serde::de::DeserializeOwned>(value: &Value) -> Result<T, QueryError> {
    T::deserialize(value).map_err(|error| unreadable(&error))
}

fn unreadable(error: &serde_json::Error) -> QueryError {
    QueryError::Unreadable(error.to_string())
}

/// A number that the SDK's model has as a number, and a page as a text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Number(i64),
    Text(String),
}

impl Number {
    fn read(&self) -> Result<i64, QueryError> {
        match self {
            Self::Number(number) => Ok(*number),
            Self::Text(text) => {
                text.parse().map_err(|_| QueryError::Unreadable(format!("`{text}` is no number")))
            }
        }
    }
}

fn moment(milliseconds: i64) -> Result<DateTime<Utc>, QueryError> {
    DateTime::from_timestamp_millis(milliseconds)
        .ok_or_else(|| QueryError::Unreadable(format!("`{milliseconds}` is no time")))
}

fn optional_moment(number: Option<&Number>) -> Result<Option<DateTime<Utc>>, QueryError> {
    number.map(|number| number.read().and_then(moment)).transpose()
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SchedulerData {
    total_count: usize,
    list: Option<Vec<SchedulerRow>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SchedulerRow {
    unique_id: String,
    parent_id: Option<String>,
    push_time: Number,
    push_title: Option<String>,
    push_content: Option<String>,
    #[serde(rename = "Type")]
    task_type: Number,
    strategy_type: Number,
    gmt_create: Option<Number>,
}

impl SchedulerRow {
    fn read(self) -> Result<ScheduledTask, QueryError> {
        let parent_id = self.parent_id.filter(|id| !id.is_empty());
        Ok(ScheduledTask {
            has_parent: parent_id.as_ref().is_some_and(|parent| *parent != self.unique_id),
            task_id: parent_id.unwrap_or(self.unique_id),
            push_at: moment(self.push_time.read()?)?,
            title: self.push_title.unwrap_or_default(),
            content: self.push_content.unwrap_or_default(),
            task_type: self.task_type.read()?,
            strategy_type: self.strategy_type.read()?,
            created_at: optional_moment(self.gmt_create.as_ref())?,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NamedRow {
    task_id: String,
    task_name: String,
    gmt_create: Option<Number>,
}

impl NamedRow {
    fn read(self) -> Result<NamedTask, QueryError> {
        let created_at = optional_moment(self.gmt_create.as_ref())?;
        Ok(NamedTask { task_id: self.task_id, task_name: self.task_name, created_at })
    }
}
