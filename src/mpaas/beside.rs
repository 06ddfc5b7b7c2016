//! What an answer says beside its list: that it is no answer, or that there is more than it lists.

use serde_json::{Map, Value};

use crate::mpaas::json::Distinct;

/// Why an answer cannot be read.
pub(super) type Unreadable = String;

/// How much there is, as an answer says beside its list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Beside {
    /// The highest of its counts.
    total: usize,
    /// How many pages there are.
    pages: usize,
    /// Whether another page follows.
    pub(super) has_more: bool,
}

impl Beside {
    /// Reads an answer's levels, from its envelope down to the one that has the list. Each leads on by the field that
    /// stands beside it here.
    pub(super) fn of(levels: &[(&Map<String, Value>, &str)]) -> Result<Self, Unreadable> {
        let mut beside = Self::default();
        for (level, inner) in levels {
            refuse_failure(level)?;
            beside.add(level, inner)?;
        }
        Ok(beside)
    }

    /// Takes in what stands beside the field `inner`. Whatever else is a list may have what that one lacks.
    pub(super) fn add(&mut self, level: &Map<String, Value>, inner: &str) -> Result<(), Unreadable> {
        for (name, value) in level {
            match plain(name).as_str() {
                "total" | "totalcount" | "count" | "totalnum" | "totalnumber" | "totalrecord"
                | "totalrecords" | "totalrow" | "totalrows" | "totalsize" | "totalelements"
                | "recordcount" => {
                    self.total = self.total.max(count(name, value)?);
                }
                "totalpage" | "totalpages" | "pagecount" => self.pages = self.pages.max(count(name, value)?),
                "hasmore" | "hasnext" | "hasnextpage" | "more" | "truncated" | "istruncated" => {
                    self.has_more |= !is_no(value);
                }
                "next" | "nexttoken" | "nextpage" | "nextpagetoken" | "nextcursor" | "nextmarker"
                | "continuationtoken" => self.has_more |= !is_nothing(value),
                _ if is_spelled(name, inner) => {}
                _ if has_rows(value) => {
                    return Err(format!("it has another list, `{name}`, beside `{inner}`"));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Takes in what another page says.
    pub(super) fn join(&mut self, next: Self) {
        self.total = self.total.max(next.total);
        self.pages = self.pages.max(next.pages);
        self.has_more = next.has_more;
    }

    /// Whether there is more than so many rows on so many pages.
    pub(super) fn is_beyond(self, rows: usize, pages: usize) -> bool {
        self.has_more || self.total > rows || self.pages > pages.max(1)
    }
}

/// What stands as the message of a success; the vendor's pages and SDKs have the empty one and `success`.
const FINE: [&str; 7] = ["ok", "success", "successful", "succeeded", "成功", "操作成功", "查询成功"];

/// Refuses what says at any level that the question failed, whatever the envelope's result code is.
fn refuse_failure(level: &Map<String, Value>) -> Result<(), Unreadable> {
    for (name, value) in level {
        let is_fine = match plain(name).as_str() {
            "success" => value.is_null() || *value == true || text(value).eq_ignore_ascii_case("true"),
            "code" | "errorcode" | "errcode" | "resultcode" => {
                let code = text(value);
                code.is_empty() || code == "200" || code.eq_ignore_ascii_case("OK")
            }
            // An answer may be a success and say that it is a part.
            "resultmessage" | "resultmsg" | "message" | "errormessage" | "errormsg" | "msg" => {
                let message = text(value).to_lowercase();
                message.is_empty() || FINE.contains(&message.trim_end_matches(['.', '!']))
            }
            _ => true,
        };
        if !is_fine {
            return Err(format!("it says `{name}` is `{value}`"));
        }
    }
    Ok(())
}

/// A name without case and hyphens.
fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Whether a field has a name in either spelling.
fn is_spelled(field: &str, name: &str) -> bool {
    let mut lower = name.to_owned();
    lower[..1].make_ascii_lowercase();
    field == name || field == lower
}

/// What a text or a number says; nothing for `null`.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.trim().to_owned(),
        value => value.to_string(),
    }
}

fn count(name: &str, value: &Value) -> Result<usize, Unreadable> {
    let text = text(value);
    if text.is_empty() { Ok(0) } else { text.parse().map_err(|_| format!("`{name}` is no count")) }
}

fn is_no(value: &Value) -> bool {
    let text = text(value);
    text.is_empty() || text == "0" || text.eq_ignore_ascii_case("false")
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Number(number) => number.as_u64() == Some(0),
        Value::Array(list) => list.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(true) => false,
    }
}

/// Whether there is a list in it, or in a text of JSON, that has anything.
fn has_rows(value: &Value) -> bool {
    match value {
        Value::Array(list) => !list.is_empty(),
        Value::Object(fields) => fields.values().any(has_rows),
        Value::String(text) if text.trim_start().starts_with(['[', '{']) => {
            // What cannot be read as JSON has no rows of its own, unless a field stands there twice.
            match serde_json::from_str::<Distinct>(text) {
                Ok(Distinct(value)) => has_rows(&value),
                Err(error) => error.is_data(),
            }
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What content with an empty list says, read to its end: nothing but that there is none, unless otherwise.
    fn said(fields: &str) -> String {
        let level: Value = serde_json::from_str(&format!(r#"{{"Data":[],{fields}}}"#)).unwrap();
        match Beside::of(&[(level.as_object().unwrap(), "Data")]) {
            Ok(beside) if beside.is_beyond(2, 1) => "more".to_owned(),
            Ok(_) => "whole".to_owned(),
            Err(why) => why,
        }
    }

    #[test]
    fn a_count_or_a_continuation_beyond_what_was_listed_is_more() {
        for fields in [
            r#""Total":3"#,
            r#""total":"3""#,
            r#""TOTALCOUNT":3"#,
            r#""total_count":3"#,
            r#""Count":" 3 ""#,
            r#""TotalNum":3"#,
            r#""totalRecords":3"#,
            r#""TotalPages":2"#,
            r#""HasMore":true"#,
            r#""hasMore":"true""#,
            r#""IsTruncated":1"#,
            r#""NextToken":"x""#,
            r#""nextToken":"0""#,
            r#""NextPage":2"#,
        ] {
            assert_eq!(said(fields), "more", "{fields}");
        }
        for fields in [
            r#""Total":2"#,
            r#""Total":null"#,
            r#""TotalCount":"""#,
            r#""PageSize":500,"PageNumber":7,"CurrentPage":7"#,
            r#""HasMore":false"#,
            r#""HasMore":"false""#,
            r#""NextToken":"""#,
            r#""NextPage":null"#,
            r#""NextPage":0"#,
            r#""TotalPages":1"#,
            r#""Success":true,"Code":"OK""#,
            r#""Success":"true","Code":200"#,
            r#""Code":"","ErrorCode":null"#,
            r#""List":[],"Rows":{"List":[]},"Note":"[]""#,
        ] {
            assert_eq!(said(fields), "whole", "{fields}");
        }
    }

    #[test]
    fn what_failed_or_has_another_list_is_no_answer() {
        for fields in [
            r#""Total":"many""#,
            r#""Total":-1"#,
            r#""Success":false"#,
            r#""success":"false""#,
            r#""SUCCESS":0"#,
            r#""Code":"SystemBusy""#,
            r#""code":500"#,
            r#""ErrorCode":"E1""#,
            r#""ResultCode":"3028""#,
            r#""List":[{"TaskId":"1"}]"#,
            r#""DATA":[{"TaskId":"1"}]"#,
            r#""Rows":{"List":[{}]}"#,
            r#""List":"[{}]""#,
            r#""List":"{\"a\":[],\"a\":[]}""#,
        ] {
            let why = said(fields);
            assert!(!matches!(why.as_str(), "whole" | "more"), "{fields}: {why}");
        }
    }
}
