//! Scheduled and repeating tasks: when they are executed, the list of them, and cancelling.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeZone, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::domain::{REPEAT_DAYS_AHEAD_MAX, UNEXECUTED_TASKS_MAX, vendor_zone};
use crate::sandbox::call::Call;
use crate::sandbox::reply::{GatewayError, Refusal};
use crate::sandbox::rules::Refused;

/// Most items of one page of the list, and how many there are by default (SDK 3.4.1).
const PAGE_SIZE: usize = 500;

/// When a push is executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Timing {
    Now,
    Once(DateTime<Utc>),
    Repeat(Vec<DateTime<Utc>>),
}

impl Timing {
    pub(super) fn triggers(&self) -> Vec<DateTime<Utc>> {
        match self {
            Self::Now => Vec::new(),
            Self::Once(at) => vec![*at],
            Self::Repeat(times) => times.clone(),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct StrategyContent {
    fixed_time: Option<i64>,
    start_time: Option<i64>,
    end_time: Option<i64>,
    circle_type: Option<u8>,
    circle_value: Option<BTreeSet<u8>>,
    time: Option<String>,
}

/// Reads `StrategyType` and `StrategyContent`.
pub(super) fn timing(call: &Call, now: DateTime<Utc>) -> Result<Timing, Refused> {
    let kind = call.text("StrategyType").unwrap_or("0");
    if kind == "0" {
        return Ok(Timing::Now);
    }
    let Some(text) = call.text("StrategyContent") else {
        return Err(GatewayError::missing("StrategyContent").into());
    };
    let content: StrategyContent =
        serde_json::from_str(text).map_err(|error| Refusal::invalid(format!("StrategyContent: {error}")))?;
    match kind {
        "1" => once(&content, now).map_err(Refused::from),
        "2" => repeat(&content, now).map_err(Refused::from),
        other => Err(Refusal::invalid(format!("StrategyType {other}")).into()),
    }
}

fn millis(value: Option<i64>, name: &str) -> Result<DateTime<Utc>, Refusal> {
    let value = value.ok_or_else(|| Refusal::invalid(format!("StrategyContent lacks {name}")))?;
    DateTime::from_timestamp_millis(value)
        .ok_or_else(|| Refusal::invalid(format!("StrategyContent {name} {value}")))
}

fn once(content: &StrategyContent, now: DateTime<Utc>) -> Result<Timing, Refusal> {
    let at = millis(content.fixed_time, "fixedTime")?;
    if at <= now {
        return Err(Refusal::invalid("StrategyContent fixedTime is past"));
    }
    Ok(Timing::Once(at))
}

fn repeat(content: &StrategyContent, now: DateTime<Utc>) -> Result<Timing, Refusal> {
    let day = |at: DateTime<Utc>| at.with_timezone(&vendor_zone()).date_naive();
    let (from, until) =
        (day(millis(content.start_time, "startTime")?), day(millis(content.end_time, "endTime")?));
    let today = day(now);
    if from < today {
        return Err(Refusal::invalid("StrategyContent startTime is before today"));
    }
    if until < from {
        return Err(Refusal::invalid("StrategyContent endTime is before startTime"));
    }
    if today.checked_add_days(Days::new(REPEAT_DAYS_AHEAD_MAX)).is_some_and(|last| until > last) {
        return Err(Refusal::invalid("StrategyContent endTime is more than 180 days from today"));
    }
    let time = content.time.as_deref().unwrap_or_default();
    let time = NaiveTime::parse_from_str(time, "%H:%M:%S")
        .map_err(|_| Refusal::invalid(format!("StrategyContent time {time} is not HH:mm:ss")))?;
    let is_due = due_days(content)?;
    let days = from.iter_days().take_while(|day| *day <= until).filter(is_due);
    Ok(Timing::Repeat(days.map(|day| at(day, time)).filter(|at| *at > now).collect()))
}

/// `circleType` 1 every day, 2 every week, 3 every month: the project's reading, the page's is not known.
fn due_days(content: &StrategyContent) -> Result<impl Fn(&NaiveDate) -> bool, Refusal> {
    let days = content.circle_value.clone().unwrap_or_default();
    let (kind, last) = match content.circle_type {
        Some(1) => (1, 0),
        Some(2) => (2, 7),
        Some(3) => (3, 31),
        other => return Err(Refusal::invalid(format!("StrategyContent circleType {other:?}"))),
    };
    let fits =
        if kind == 1 { true } else { !days.is_empty() && days.iter().all(|day| (1..=last).contains(day)) };
    if !fits {
        return Err(Refusal::invalid(format!("StrategyContent circleValue {days:?}")));
    }
    let number = |number: u32| u8::try_from(number).unwrap_or(u8::MAX);
    Ok(move |day: &NaiveDate| match kind {
        1 => true,
        2 => days.contains(&number(day.weekday().number_from_monday())),
        _ => days.contains(&number(day.day())),
    })
}

fn at(day: NaiveDate, time: NaiveTime) -> DateTime<Utc> {
    let local = vendor_zone().from_local_datetime(&day.and_time(time)).single();
    local.expect("a fixed offset has no gaps").with_timezone(&Utc)
}

/// One scheduled or repeating push.
#[derive(Clone, Debug)]
pub(super) struct Task {
    pub(super) id: String,
    pub(super) app: (String, String),
    pub(super) kind: u8,
    pub(super) delivery_type: u8,
    pub(super) title: String,
    pub(super) body: String,
    pub(super) created_at: DateTime<Utc>,
    pub(super) is_repeating: bool,
    pub(super) triggers: Vec<DateTime<Utc>>,
}

/// All tasks, oldest first.
#[derive(Debug, Default)]
pub(super) struct Tasks(Vec<Task>);

impl Tasks {
    /// Takes a task, unless too many wait already.
    pub(super) fn add(&mut self, task: Task, now: DateTime<Utc>) -> Result<(), Refusal> {
        let waiting =
            self.0.iter().filter(|task| task.triggers.last().is_some_and(|last| *last > now)).count();
        if waiting >= UNEXECUTED_TASKS_MAX {
            return Err(Refusal::invalid(format!(
                "{waiting} unexecuted scheduled or loop tasks, at most {UNEXECUTED_TASKS_MAX}"
            )));
        }
        self.0.push(task);
        Ok(())
    }

    /// Puts back a task that was taken in another life.
    pub(super) fn restore(&mut self, task: Task) {
        self.0.push(task);
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// `QueryPushSchedulerList`.
    pub(super) fn list(&self, call: &Call, now: DateTime<Utc>) -> Result<Value, Refused> {
        let app = app(call)?;
        let bound = |name| -> Result<i64, Refused> {
            let text = call.text(name).ok_or_else(|| GatewayError::missing(name))?;
            text.parse().map_err(|_| Refusal::invalid(format!("{name} {text}")).into())
        };
        let window = bound("StartTime")?..=bound("EndTime")?;
        let number =
            |name, default: usize| call.text(name).and_then(|text| text.parse().ok()).unwrap_or(default);
        let (page, size) =
            (number("PageNumber", 1).max(1), number("PageSize", PAGE_SIZE).clamp(1, PAGE_SIZE));
        let wanted = |task: &&Task| {
            task.app == app && call.text("Type").is_none_or(|kind| kind == task.kind.to_string())
        };
        let items: Vec<Value> = self
            .0
            .iter()
            .filter(wanted)
            .flat_map(|task| task.triggers.iter().enumerate().map(move |(place, at)| (task, place, *at)))
            .filter(|(_, _, at)| window.contains(&at.timestamp_millis()))
            .filter(|(task, place, _)| {
                call.text("UniqueId").is_none_or(|id| id == task.id || id == task.unique_id(*place))
            })
            .map(|(task, place, at)| task.item(place, at, now))
            .collect();
        let total = items.len();
        let page: Vec<Value> = items.into_iter().skip((page - 1) * size).take(size).collect();
        Ok(json!({ "Data": { "TotalCount": total, "List": page } }))
    }

    /// `CancelPushScheduler`: whole tasks by their main id, or single occurrences by theirs.
    pub(super) fn cancel(&mut self, call: &Call, now: DateTime<Utc>) -> Result<Value, Refused> {
        let app = app(call)?;
        let ids = call.text("UniqueIds").ok_or_else(|| GatewayError::missing("UniqueIds"))?;
        for id in ids.split(',').map(str::trim) {
            let mut is_known = false;
            for task in self.0.iter_mut().filter(|task| task.app == app) {
                let is_main = task.id == id;
                let unique: Vec<String> =
                    (0..task.triggers.len()).map(|place| task.unique_id(place)).collect();
                let mut places = unique.iter();
                task.triggers.retain(|at| {
                    let is_this = is_main || places.next().is_some_and(|unique| unique == id);
                    is_known |= is_this && *at > now;
                    !is_this || *at <= now
                });
            }
            if !is_known {
                return Err(Refusal::invalid(format!("no unexecuted task {id}")).into());
            }
        }
        Ok(Value::String("success".to_owned()))
    }
}

impl Task {
    /// The id of one occurrence: the main id for a scheduled task, its own for each of a repeating one.
    fn unique_id(&self, place: usize) -> String {
        if self.is_repeating {
            // Named by its time, so that an occurrence keeps its id when others are cancelled.
            format!("{}{:08x}", &self.id[..24.min(self.id.len())], self.triggers[place].timestamp())
        } else {
            self.id.clone()
        }
    }

    fn item(&self, place: usize, at: DateTime<Utc>, now: DateTime<Utc>) -> Value {
        json!({
            "UniqueId": self.unique_id(place),
            "ParentId": self.id,
            "PushTime": at.timestamp_millis(),
            "PushTitle": self.title,
            "PushContent": self.body,
            "Type": self.kind,
            "DeliveryType": self.delivery_type,
            "StrategyType": if self.is_repeating { 2 } else { 1 },
            "ExecutedStatus": if at <= now { "1" } else { "0" },
            "CreateType": 0,
            "GmtCreate": self.created_at.timestamp_millis(),
        })
    }
}

fn app(call: &Call) -> Result<(String, String), GatewayError> {
    let text = |name| call.text(name).map(str::to_owned).ok_or_else(|| GatewayError::missing(name));
    Ok((text("AppId")?, text("WorkspaceId")?))
}
