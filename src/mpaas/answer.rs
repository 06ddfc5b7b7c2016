//! Reads what the vendor answers to a question. Pure: nothing is asked here.
//!
//! The official SDKs read names with a capital (`TaskName`); the vendor's pages print them without (`taskName`), and the
//! content as a text that holds JSON (vendor page 2871132). All of that is read, at every level. The lists themselves
//! must be there: what is missing, of another type or short of its own count is no empty list, but no answer.

use std::borrow::Cow;
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::mpaas::beside::{Beside, Unreadable};
use crate::mpaas::json::Distinct;
use crate::mpaas::task::{NamedTask, ScheduledTask};

/// A page of `QueryPushSchedulerList`.
pub(super) struct SchedulerPage {
    /// How many tasks the vendor says there are on all pages, and whether there are more.
    pub(super) beside: Beside,
    /// Each with the id of its row: a task that happens several times has several.
    pub(super) tasks: Vec<(String, ScheduledTask)>,
}

/// A page of `QueryPushAnalysisTaskList`.
pub(super) struct NamedPage {
    /// How many there are on all pages, where the vendor says so: its SDKs know no count here.
    pub(super) beside: Beside,
    /// How many rows the page itself has.
    pub(super) rows: usize,
    /// The tasks of all rows, and of the lists within them, by id and name.
    pub(super) tasks: Vec<NamedTask>,
}

/// A JSON object whose names have either spelling.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a> {
    map: &'a Map<String, Value>,
    what: &'static str,
}

impl<'a> Fields<'a> {
    /// Reads an object; `what` names it where it is none.
    pub(super) fn of(value: &'a Value, what: &'static str) -> Result<Self, Unreadable> {
        let map = value.as_object().ok_or_else(|| format!("{what} is {}, not an object", kind(value)))?;
        Ok(Self { map, what })
    }

    /// Returns a field by its name with a capital; `null` is as good as nothing.
    pub(super) fn get(self, name: &str) -> Result<Option<&'a Value>, Unreadable> {
        let mut lower = name.to_owned();
        lower[..1].make_ascii_lowercase();
        match (self.map.get(name), self.map.get(&lower)) {
            (Some(upper), Some(lower)) if upper != lower => {
                Err(format!("{} has two different fields `{name}`", self.what))
            }
            (upper, lower) => Ok(upper.or(lower).filter(|value| !value.is_null())),
        }
    }

    fn wanted(self, name: &str) -> Result<&'a Value, Unreadable> {
        self.get(name)?.ok_or_else(|| format!("{} has no `{name}`", self.what))
    }

    /// Returns a field that is an object or a list, or a text that holds one.
    fn opened(self, name: &str) -> Result<Cow<'a, Value>, Unreadable> {
        match self.wanted(name)? {
            Value::String(text) => serde_json::from_str(text)
                .map(|Distinct(value)| Cow::Owned(value))
                .map_err(|error| format!("`{name}` is a text that holds no JSON: {error}")),
            value => Ok(Cow::Borrowed(value)),
        }
    }

    /// Returns a text; nothing where there is none.
    pub(super) fn text(self, name: &str) -> Result<Option<&'a str>, Unreadable> {
        let text = |value: &'a Value| value.as_str().ok_or_else(|| format!("`{name}` is {}", kind(value)));
        self.get(name)?.map(text).transpose()
    }

    /// Returns an id, which the SDKs' models have as a text or as a number; an empty one is none.
    fn id(self, name: &str) -> Result<Option<String>, Unreadable> {
        let id = match self.get(name)? {
            None => None,
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Number(number)) if number.is_i64() || number.is_u64() => Some(number.to_string()),
            Some(value) => return Err(format!("`{name}` is {}", kind(value))),
        };
        Ok(id.filter(|id| !id.is_empty()))
    }

    /// Returns a whole number, which the SDKs' models have as such and the pages as a text.
    fn number(self, name: &str) -> Result<Option<i64>, Unreadable> {
        let number = |value: &Value| {
            let number = value.as_i64().or_else(|| value.as_str()?.trim().parse().ok());
            number.ok_or_else(|| format!("`{name}` is {}, not a whole number", kind(value)))
        };
        self.get(name)?.map(number).transpose()
    }

    fn wanted_number(self, name: &str) -> Result<i64, Unreadable> {
        self.number(name)?.ok_or_else(|| format!("{} has no `{name}`", self.what))
    }

    fn moment(self, name: &str) -> Result<Option<DateTime<Utc>>, Unreadable> {
        let moment = |milliseconds| {
            DateTime::from_timestamp_millis(milliseconds).ok_or_else(|| format!("`{name}` is no time"))
        };
        self.number(name)?.map(moment).transpose()
    }

    /// Returns the rows of a list that must be there.
    fn list(self, name: &str) -> Result<&'a Vec<Value>, Unreadable> {
        rows(self.wanted(name)?, name)
    }
}

fn rows<'a>(value: &'a Value, name: &str) -> Result<&'a Vec<Value>, Unreadable> {
    value.as_array().ok_or_else(|| format!("`{name}` is {}, not a list", kind(value)))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Reads a page of scheduled and repeating tasks out of an answer's envelope.
pub(super) fn scheduler_page(envelope: Fields<'_>) -> Result<SchedulerPage, Unreadable> {
    let content = envelope.opened("ResultContent")?;
    let content = Fields::of(&content, "`ResultContent`")?;
    let data = content.opened("Data")?;
    let data = Fields::of(&data, "`Data`")?;
    data.wanted("TotalCount")?;
    let levels = [(envelope.map, "ResultContent"), (content.map, "Data"), (data.map, "List")];
    let beside = Beside::of(&levels)?;
    let tasks: Result<Vec<_>, _> = data.list("List")?.iter().map(scheduled_task).collect();
    Ok(SchedulerPage { beside, tasks: tasks? })
}

fn scheduled_task(row: &Value) -> Result<(String, ScheduledTask), Unreadable> {
    let row = Fields::of(row, "a row of `List`")?;
    let unique_id = row.id("UniqueId")?.ok_or("a row of `List` has no `UniqueId`")?;
    let parent_id = row.id("ParentId")?;
    let task = ScheduledTask {
        has_parent: parent_id.as_ref().is_some_and(|parent| *parent != unique_id),
        task_id: parent_id.unwrap_or_else(|| unique_id.clone()),
        push_at: row.moment("PushTime")?.ok_or("a row of `List` has no `PushTime`")?,
        title: row.text("PushTitle")?.unwrap_or_default().to_owned(),
        content: row.text("PushContent")?.unwrap_or_default().to_owned(),
        task_type: row.wanted_number("Type")?,
        strategy_type: row.wanted_number("StrategyType")?,
        created_at: row.moment("GmtCreate")?,
    };
    Ok((unique_id, task))
}

/// Reads a page of batch and broadcast tasks out of an answer's envelope. A row is a task, or has a list of tasks with
/// names of their own, or both.
pub(super) fn named_page(envelope: Fields<'_>) -> Result<NamedPage, Unreadable> {
    let content = envelope.opened("ResultContent")?;
    let content = Fields::of(&content, "`ResultContent`")?;
    let data = content.opened("Data")?;
    let rows = rows(&data, "Data")?;
    let beside = Beside::of(&[(envelope.map, "ResultContent"), (content.map, "Data")])?;
    // One task may stand in its row and in the list of it.
    let mut tasks = BTreeMap::new();
    let mut keep = |task: NamedTask| {
        tasks.entry((task.task_id.clone(), task.task_name.clone())).or_insert(task);
    };
    for row in rows {
        let fields = Fields::of(row, "a row of `Data`")?;
        let own = named_task(fields)?;
        let within = match fields.get("List")? {
            Some(_) => fields.list("List")?.as_slice(),
            None => &[],
        };
        let mut beside = Beside::default();
        beside.add(fields.map, "List")?;
        if !within.is_empty() && beside.is_beyond(within.len(), 1) {
            return Err("a `List` in a row of `Data` is short of its own count".to_owned());
        }
        if own.is_none() && within.is_empty() {
            return Err("a row of `Data` has neither `TaskId` and `TaskName` nor a `List`".to_owned());
        }
        own.into_iter().for_each(&mut keep);
        for task in within {
            let task = named_task(Fields::of(task, "a row of `Data[].List`")?)?;
            keep(task.ok_or("a row of `Data[].List` has no `TaskId` and `TaskName`")?);
        }
    }
    Ok(NamedPage { beside, rows: rows.len(), tasks: tasks.into_values().collect() })
}

/// Reads a task; nothing where a row names none. Half a name is no name.
fn named_task(row: Fields<'_>) -> Result<Option<NamedTask>, Unreadable> {
    match (row.id("TaskId")?, row.text("TaskName")?) {
        (None, None) => Ok(None),
        (Some(task_id), Some(task_name)) => {
            let created_at = row.moment("GmtCreate")?;
            Ok(Some(NamedTask { task_id, task_name: task_name.to_owned(), created_at }))
        }
        (Some(_), None) => Err(format!("{} has a `TaskId` and no `TaskName`", row.what)),
        (None, Some(_)) => Err(format!("{} has a `TaskName` and no `TaskId`", row.what)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of a page's tasks, or why it cannot be read.
    fn named(answer: &str) -> String {
        let Distinct(answer) = serde_json::from_str(answer).unwrap();
        let page = Fields::of(&answer, "the answer").and_then(named_page);
        page.map_or_else(
            |why| format!("unreadable: {why}"),
            |page| {
                let tasks = page.tasks.iter().map(|task| {
                    let created_at = task.created_at.map(|at| at.timestamp_millis().to_string());
                    format!("{} {} {}", task.task_id, task.task_name, created_at.unwrap_or_default())
                });
                tasks.collect::<Vec<_>>().join(", ")
            },
        )
    }

    fn scheduled(answer: &str) -> String {
        let Distinct(answer) = serde_json::from_str(answer).unwrap();
        let page = Fields::of(&answer, "the answer").and_then(scheduler_page);
        page.map_or_else(
            |why| format!("unreadable: {why}"),
            |page| {
                let ids = page.tasks.iter().map(|(_, task)| task.task_id.as_str());
                let is_short = page.beside.is_beyond(page.tasks.len(), 1);
                format!("{}{}", ids.collect::<Vec<_>>().join(", "), if is_short { ", short" } else { "" })
            },
        )
    }

    #[test]
    fn both_spellings_and_the_text_form_say_the_same() {
        for answer in [
            r#"{"ResultContent":{"Data":[{"TaskId":"7","TaskName":"n","GmtCreate":5}]}}"#,
            r#"{"resultContent":{"data":[{"taskId":7,"taskName":"n","gmtCreate":"5"}]}}"#,
            r#"{"ResultContent":"{\"data\":[{\"taskId\":\"7\",\"taskName\":\"n\",\"gmtCreate\":5}]}"}"#,
            r#"{"ResultContent":{"data":"[{\"TaskId\":\"7\",\"taskName\":\"n\",\"GmtCreate\":5}]"}}"#,
            r#"{"ResultContent":{"Data":[{"List":[{"taskId":"7","taskName":"n","gmtCreate":5}]}]}}"#,
        ] {
            assert_eq!(named(answer), "7 n 5", "{answer}");
        }
        for answer in [
            r#"{"ResultContent":{"Data":{"TotalCount":1,"List":[{"UniqueId":"7","PushTime":1,"Type":1,"StrategyType":1}]}}}"#,
            r#"{"resultContent":{"data":{"totalCount":"1","list":[{"uniqueId":7,"pushTime":"1","type":"1","strategyType":1}]}}}"#,
            r#"{"ResultContent":"{\"data\":{\"totalCount\":1,\"list\":[{\"uniqueId\":\"7\",\"pushTime\":1,\"type\":1,\"strategyType\":1}]}}"}"#,
        ] {
            assert_eq!(scheduled(answer), "7", "{answer}");
        }
    }

    #[test]
    fn the_list_within_a_row_has_names_of_its_own() {
        let row = r#"{"TaskId":"1","TaskName":"a","List":[{"TaskId":"2","TaskName":"b"},{"TaskId":"1","TaskName":"a"}]}"#;
        assert_eq!(named(&format!(r#"{{"ResultContent":{{"Data":[{row}]}}}}"#)), "1 a , 2 b ");
    }

    #[test]
    fn what_is_not_the_list_is_no_empty_list() {
        let list = r#"{"TotalCount":0,"List":[]}"#;
        for content in [
            "null",
            r#""""#,
            r#""null""#,
            r#""<html>""#,
            "[]",
            "{}",
            "7",
            "true",
            r#"{"Data":null}"#,
            r#"{"Data":{}}"#,
            r#"{"Data":""}"#,
            r#"{"Data":7}"#,
            r#"{"Data":"null"}"#,
            r#"{"Data":[null]}"#,
            r#"{"Data":[[]]}"#,
            r#"{"Data":[{}]}"#,
            r#"{"Data":[{"List":[]}]}"#,
            r#"{"Data":[{"TaskId":"1"}]}"#,
            r#"{"Data":[{"TaskName":"n"}]}"#,
            r#"{"Data":[{"TaskId":"1","TaskName":7}]}"#,
            r#"{"Data":[{"TaskId":1.5,"TaskName":"n"}]}"#,
            r#"{"Data":[{"TaskId":"1","TaskName":"n","List":{}}]}"#,
            r#"{"Data":[{"List":[{"TaskName":"n"}]}]}"#,
            r#"{"Data":[{"TaskId":"1","TaskName":"n","GmtCreate":"yesterday"}]}"#,
            r#"{"Data":[],"data":[{}]}"#,
            r#"{"List":[]}"#,
        ] {
            let why = named(&format!(r#"{{"ResultContent":{content}}}"#));
            assert!(why.starts_with("unreadable: "), "{content}: {why}");
            let why = scheduled(&format!(r#"{{"ResultContent":{content}}}"#));
            assert!(why.starts_with("unreadable: "), "{content}: {why}");
        }
        assert_eq!(named("{}"), "unreadable: the answer has no `ResultContent`");
        for data in [
            "[]",
            r#"{"List":[]}"#,
            r#"{"TotalCount":0}"#,
            r#"{"TotalCount":0,"List":null}"#,
            r#"{"TotalCount":-1,"List":[]}"#,
            r#"{"TotalCount":0,"List":{}}"#,
            r#"{"TotalCount":1,"List":[{}]}"#,
        ] {
            let why = scheduled(&format!(r#"{{"ResultContent":{{"Data":{data}}}}}"#));
            assert!(why.starts_with("unreadable: "), "{data}: {why}");
        }
        // And the empty ones.
        assert_eq!(named(r#"{"ResultContent":{"Data":[]}}"#), "");
        assert_eq!(scheduled(&format!(r#"{{"ResultContent":{{"Data":{list}}}}}"#)), "");
    }

    #[test]
    fn a_field_that_stands_there_twice_is_no_answer() {
        for answer in [
            r#"{"ResultContent":{"Data":[{"TaskId":"1","TaskName":"n"}],"Data":[]}}"#,
            r#"{"ResultContent":{},"ResultContent":{"Data":[]}}"#,
            r#"{"ResultContent":{"Data":[{"TaskId":"1","TaskName":"n","TaskName":"m"}]}}"#,
        ] {
            let error = serde_json::from_str::<Distinct>(answer).err().unwrap();
            assert!(error.is_data() && error.to_string().contains("is there twice"), "{error}");
        }
        let inner = r#"{"ResultContent":"{\"Data\":[{}],\"Data\":[]}"}"#;
        assert!(
            named(inner).starts_with("unreadable: ") && named(inner).contains("twice"),
            "{}",
            named(inner)
        );
    }

    #[test]
    fn what_stands_beside_the_list_counts_at_every_level() {
        for (envelope, content, data) in [
            (r#""TotalCount":1,"#, "", ""),
            ("", r#""Total":"1","#, ""),
            ("", "", r#""HasMore":true,"#),
            (r#""NextToken":"x","#, "", ""),
        ] {
            let data = format!(r#"{{{data}"TotalCount":0,"List":[]}}"#);
            let answer = format!(r#"{{{envelope}"ResultContent":{{{content}"Data":{data}}}}}"#);
            assert_eq!(scheduled(&answer), ", short", "{answer}");
        }
        for (envelope, content, data) in [
            (r#""Success":false,"#, "", ""),
            (r#""Code":"SystemBusy","#, "", ""),
            (r#""ResultMessage":"partial result: shard 2 timed out","#, "", ""),
            ("", r#""Success":false,"#, ""),
            ("", "", r#""Code":"E","#),
            ("", r#""List":[{}],"#, ""),
            ("", "", r#""Rows":[{}],"#),
        ] {
            let list = format!(r#"{{{data}"TotalCount":0,"List":[]}}"#);
            let answer = format!(r#"{{{envelope}"ResultContent":{{{content}"Data":{list}}}}}"#);
            assert!(scheduled(&answer).starts_with("unreadable: "), "{answer}");
            if data.is_empty() {
                let answer = format!(r#"{{{envelope}"ResultContent":{{{content}"Data":[]}}}}"#);
                assert!(named(&answer).starts_with("unreadable: "), "{answer}");
            }
        }
        for row in [
            r#"{"TaskId":"1","TaskName":"n","Tasks":[{"TaskId":"2","TaskName":"m"}]}"#,
            r#"{"TotalCount":2,"List":[{"TaskId":"2","TaskName":"m"}]}"#,
        ] {
            let answer = format!(r#"{{"ResultContent":{{"Data":[{row}]}}}}"#);
            assert!(named(&answer).starts_with("unreadable: "), "{answer}");
        }
    }
}
