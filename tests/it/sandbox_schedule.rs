//! Scheduled and repeating tasks of the sandbox: listed, executed by the clock, cancelled.

use serde_json::{Value, json};

use crate::sandbox_caller::{Vendor, good, moment, pairs};

const DAY_MS: i64 = 86_400_000;

/// Accepts a push with a strategy and returns its task.
fn task(vendor: &Vendor, action: &str, strategy_type: &str, content: &str) -> String {
    let mut business = good(action);
    business.extend(pairs(&[("StrategyType", strategy_type), ("StrategyContent", content)]));
    let reply = vendor.call(action, &business);
    assert_eq!(reply.verdict(), "accepted", "{}", reply.text);
    reply.json()["PushResult"]["Data"].as_str().unwrap().to_owned()
}

fn once(vendor: &Vendor, action: &str, at: &str) -> String {
    task(vendor, action, "1", &json!({ "fixedTime": moment(at) }).to_string())
}

/// Every day at 10:00:00 in UTC+8, from 2026-11-23, for some days.
fn daily(vendor: &Vendor, days: i64) -> String {
    let start = moment("2026-11-22T16:00:00Z");
    let content = json!({"startTime": start, "endTime": start + (days - 1) * DAY_MS, "circleType": 1, "time": "10:00:00"});
    task(vendor, "PushTemplate", "2", &content.to_string())
}

fn list_with(vendor: &Vendor, from: &str, to: &str, more: &[(&str, &str)]) -> Value {
    let mut business = pairs(&[
        ("AppId", "A"),
        ("WorkspaceId", "w"),
        ("StartTime", &moment(from).to_string()),
        ("EndTime", &moment(to).to_string()),
    ]);
    business.extend(pairs(more));
    let reply = vendor.call("QueryPushSchedulerList", &business);
    assert_eq!(reply.verdict(), "accepted", "{}", reply.text);
    reply.json()["ResultContent"]["Data"].clone()
}

fn list(vendor: &Vendor, more: &[(&str, &str)]) -> Vec<Value> {
    list_with(vendor, "2026-01-01T00:00:00Z", "2027-12-31T00:00:00Z", more)["List"]
        .as_array()
        .unwrap()
        .clone()
}

fn cancel(vendor: &Vendor, unique_ids: &str) -> String {
    let business = pairs(&[("AppId", "A"), ("WorkspaceId", "w"), ("UniqueIds", unique_ids)]);
    vendor.call("CancelPushScheduler", &business).verdict()
}

#[test]
fn a_scheduled_push_is_listed_under_its_own_id_and_executed_by_the_clock() {
    let vendor = Vendor::start();
    let id = once(&vendor, "PushSimple", "2026-11-23T02:00:00Z");
    assert_eq!(
        list(&vendor, &[]),
        [json!({
            "UniqueId": id,
            "ParentId": id,
            "PushTime": moment("2026-11-23T02:00:00Z"),
            "PushTitle": "Hello",
            "PushContent": "你好",
            "Type": 0,
            "DeliveryType": 3,
            "StrategyType": 1,
            "ExecutedStatus": "0",
            "CreateType": 0,
            "GmtCreate": moment("2026-11-23T01:13:26Z"),
        })]
    );
    vendor.set("2026-11-23T02:00:00Z");
    assert_eq!(list(&vendor, &[])[0]["ExecutedStatus"], "1");
    assert_eq!(cancel(&vendor, &id), "3028");
    assert_eq!(vendor.sandbox.target_counts().targets["3:u1"], 1);
}

#[test]
fn a_repeating_push_has_a_child_for_each_time() {
    let vendor = Vendor::start();
    let id = daily(&vendor, 3);
    let children = list(&vendor, &[("UniqueId", &id)]);
    let times: Vec<_> = children.iter().map(|child| child["PushTime"].as_i64().unwrap()).collect();
    let first = moment("2026-11-23T02:00:00Z");
    assert_eq!(times, [first, first + DAY_MS, first + 2 * DAY_MS]);
    assert!(children.iter().all(|child| child["ParentId"] == id && child["UniqueId"] != id));
    let second = children[1]["UniqueId"].as_str().unwrap();
    assert_eq!(list(&vendor, &[("UniqueId", second)]), [children[1].clone()]);

    // What is past stays, what is to come can go: one child, then the rest by the task.
    vendor.set("2026-11-23T03:00:00Z");
    assert_eq!(cancel(&vendor, second), "accepted");
    assert_eq!(cancel(&vendor, second), "3028");
    assert_eq!(cancel(&vendor, &id), "accepted");
    let left = list(&vendor, &[]);
    assert_eq!((left.len(), &left[0]["ExecutedStatus"]), (1, &json!("1")));
    assert_eq!(vendor.sandbox.target_counts().targets["3:u1"], 1);
}

#[test]
fn weeks_begin_on_monday_and_months_have_their_days() {
    let vendor = Vendor::start();
    let start = moment("2026-11-22T16:00:00Z");
    for (circle_type, days, expected) in [
        // 2026-11-23 is a Monday; the week's 7 is Sunday, the 29th.
        (2, json!([1, 7]), [23, 29]),
        (3, json!([25, 30]), [25, 30]),
    ] {
        let content = json!({
            "startTime": start, "endTime": start + 7 * DAY_MS - DAY_MS + i64::from(circle_type == 3) * DAY_MS,
            "circleType": circle_type, "circleValue": days, "time": "23:59:59",
        });
        let id = task(&vendor, "PushTemplate", "2", &content.to_string());
        let children = list(&vendor, &[("UniqueId", &id)]);
        let days: Vec<_> = children
            .iter()
            .map(|child| (child["PushTime"].as_i64().unwrap() - start) / DAY_MS + 23)
            .collect();
        assert_eq!(days, expected, "{content}");
    }
}

#[test]
fn the_list_has_a_window_types_and_pages() {
    let vendor = Vendor::start();
    let template = once(&vendor, "PushTemplate", "2026-11-23T03:00:00Z");
    let broadcast = once(&vendor, "PushBroadcast", "2026-11-23T04:00:00Z");
    let multiple = once(&vendor, "PushMultiple", "2026-11-23T05:00:00Z");
    let ids = |list: &Value| -> Vec<String> {
        let rows = list["List"].as_array().unwrap().iter();
        rows.map(|row| row["UniqueId"].as_str().unwrap().to_owned()).collect()
    };
    let (from, to) = ("2026-11-23T03:00:00Z", "2026-11-23T04:00:00Z");
    assert_eq!(ids(&list_with(&vendor, from, to, &[])), [template.clone(), broadcast.clone()]);
    assert!(ids(&list_with(&vendor, to, from, &[])).is_empty());
    let types: Vec<_> = list(&vendor, &[]).iter().map(|row| row["Type"].as_i64().unwrap()).collect();
    assert_eq!(types, [1, 3, 2]);
    let all = |more: &[(&str, &str)]| list_with(&vendor, from, "2026-11-24T00:00:00Z", more);
    assert_eq!(ids(&all(&[("Type", "3")])), std::slice::from_ref(&broadcast));
    let second = all(&[("PageNumber", "2"), ("PageSize", "2")]);
    assert_eq!((ids(&second), &second["TotalCount"]), (vec![multiple], &json!(3)));
    assert!(ids(&all(&[("PageNumber", "3"), ("PageSize", "2")])).is_empty());
    assert!(list(&vendor, &[("WorkspaceId", "other")]).is_empty());

    let mut business = pairs(&[("AppId", "A"), ("WorkspaceId", "w"), ("StartTime", "1")]);
    assert_eq!(vendor.call("QueryPushSchedulerList", &business).verdict(), "400 MissingEndTime");
    assert_eq!(vendor.call("QueryMpsSchedulerList", &business).verdict(), "accepted");
    business.insert("EndTime".to_owned(), "later".to_owned());
    assert_eq!(vendor.call("QueryPushSchedulerList", &business).verdict(), "3028");
    business.insert("EndTime".to_owned(), "2".to_owned());
    business.insert("PageNumber".to_owned(), "0".to_owned());
    assert_eq!(vendor.call("QueryPushSchedulerList", &business).verdict(), "3028");
}

#[test]
fn a_cancelled_push_reaches_nobody_after_a_restart_too() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("received.jsonl");
    let vendor = Vendor::with_journal(Some(path.clone())).unwrap();
    let first = once(&vendor, "PushTemplate", "2026-11-24T00:00:00Z");
    let second = once(&vendor, "PushBroadcast", "2026-11-25T00:00:00Z");
    let kept = daily(&vendor, 2);
    assert_eq!(cancel(&vendor, &format!("{first},unknown")), "3028");
    assert_eq!(list(&vendor, &[]).len(), 4);
    assert_eq!(cancel(&vendor, &format!("{first}, {second}")), "accepted");
    let business = pairs(&[("AppId", "A"), ("WorkspaceId", "w")]);
    assert_eq!(vendor.call("CancelMpsScheduler", &business).verdict(), "400 MissingUniqueIds");
    let rows = list(&vendor, &[]);
    assert!(rows.len() == 2 && rows.iter().all(|row| row["ParentId"] == kept));
    assert_eq!(json!(vendor.sandbox.target_counts().targets), json!({"3:u1": 1}));
    drop(vendor);

    let vendor = Vendor::with_journal(Some(path)).unwrap();
    vendor.set("2026-11-23T01:40:00Z");
    assert_eq!(list(&vendor, &[]), rows);
    assert_eq!(json!(vendor.sandbox.target_counts().targets), json!({"3:u1": 1}));
    assert_eq!(vendor.taken(), 3);
}

#[test]
fn a_hundred_tasks_may_wait_and_a_repeating_one_is_one() {
    let vendor = Vendor::start();
    daily(&vendor, 100);
    for _ in 0..98 {
        once(&vendor, "PushTemplate", "2026-12-24T00:00:00Z");
    }
    let soon = once(&vendor, "PushTemplate", "2026-11-23T02:00:00Z");
    let mut business = good("PushTemplate");
    business.insert("StrategyType".to_owned(), "1".to_owned());
    let content = json!({ "fixedTime": moment("2026-12-01T00:00:00Z") }).to_string();
    business.insert("StrategyContent".to_owned(), content);
    let verdict = || vendor.call("PushTemplate", &business).verdict();
    assert_eq!(verdict(), "3028");
    // Immediate pushes, and those of another app, do not wait.
    assert_eq!(vendor.call("PushTemplate", &good("PushTemplate")).verdict(), "accepted");
    let mut other = business.clone();
    other.insert("AppId".to_owned(), "B".to_owned());
    assert_eq!(vendor.call("PushTemplate", &other).verdict(), "accepted");
    // One cancelled makes room, and one executed does.
    assert_eq!(cancel(&vendor, &soon), "accepted");
    let soon = once(&vendor, "PushTemplate", "2026-11-23T02:00:00Z");
    assert_eq!((verdict(), soon.len()), ("3028".to_owned(), 32));
    vendor.set("2026-11-23T02:00:00Z");
    assert_eq!(verdict(), "accepted");
    assert_eq!(verdict(), "3028");
}
