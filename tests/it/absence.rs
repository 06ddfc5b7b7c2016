//! What `doubt resolve` takes for proof that a batch was not sent, against a vendor that shares no code with the sandbox
//! and answers as no page promises it will not.

use std::time::Duration;

use chrono::DateTime;
use serde_json::{Value, json};

use crate::doubt::resolve_at;
use crate::misfortune::account;
use crate::site::{NOW, Ran, Site};
use crate::stub_vendor::{Reply, Seen, StubVendor, Taken};

/// More than an hour after every request: none can be on its way.
const LATER: &str = "2026-11-24T03:05:00Z";
const BY_NAME: &str = "QueryPushAnalysisTaskList";
const BY_TIME: &str = "QueryPushSchedulerList";
const ONCE: &str = "{ send: once, at: 2026-12-15T09:00:00+08:00 }";

/// A workspace with `hello` to so many users by `PushMultiple`, a hundred a request, one at a time.
fn multiple(stub: &StubVendor, targets: usize) -> Site {
    let site = Site::remote(&stub.url(), targets, "");
    site.edit("campaigns/c.yaml", "call: template", "call: multiple");
    site.edit("campaigns/campaignctl.yaml", "concurrency: 4", "concurrency: 1");
    site
}

/// The same to 250 users. The reply to the second of three requests is lost; whether it was taken is `second`'s affair.
fn lost(stub: &StubVendor, second: Reply) -> Site {
    let site = multiple(stub, 250);
    stub.next("PushMultiple", Reply::usual());
    stub.next("PushMultiple", second);
    site.apply().exits(10);
    assert_eq!(account(&site), (150, 0, 100));
    site
}

/// A row of a list by name, with the names of the official SDKs.
fn row(taken: &Taken) -> Value {
    json!({
        "TaskId": taken.task_id,
        "TaskName": taken.seen.parameters["TaskName"],
        "TemplateName": taken.seen.parameters["TemplateName"],
        "Type": 2,
        "GmtCreate": made_at(&taken.seen),
    })
}

/// When a push was signed, in milliseconds.
fn made_at(seen: &Seen) -> i64 {
    DateTime::parse_from_rfc3339(&seen.parameters["Timestamp"]).unwrap().timestamp_millis()
}

/// Answers questions by name as the SDKs read it: the tasks that were taken, of that name if one is asked for.
fn lists_by_name(stub: &StubVendor, change: impl Fn(Value) -> Value + Send + Sync + 'static) {
    let books = stub.clone();
    stub.usually(BY_NAME, move |seen| {
        let is_wanted = |row: &Value| {
            seen.parameters.get("TaskName").is_none_or(|name| row["TaskName"].as_str() == Some(name))
        };
        let rows: Vec<Value> = books.taken().iter().map(row).map(&change).filter(is_wanted).collect();
        by_name(&page_of(seen, rows))
    });
}

fn page_of(seen: &Seen, rows: Vec<Value>) -> Vec<Value> {
    if seen.parameters["PageNumber"] == "1" { rows } else { Vec::new() }
}

fn by_name(rows: &[Value]) -> Reply {
    answers(&json!({ "Data": rows }))
}

fn answers(content: &Value) -> Reply {
    let envelope =
        json!({ "RequestId": "R", "ResultCode": "OK", "ResultMessage": "", "ResultContent": content });
    Reply::json(envelope.to_string())
}

fn resolve(site: &Site) -> Ran {
    resolve_at(site, LATER, &[])
}

/// Proves that the lost batch stays in doubt, and that another apply sends it to nobody a second time.
#[track_caller]
fn stays_in_doubt(stub: &StubVendor, site: &Site, why: &str) {
    resolve(site).exits(10).says(why).says("Still in doubt: 1.").says("doubt mark");
    assert_eq!(account(site), (150, 0, 100), "{why}");
    site.run_at(LATER, &["apply", "--auto-approve"]).exits(10);
    assert!(stub.reached().values().all(|times| *times == 1), "{why}");
}

#[test]
fn an_answer_that_cannot_be_read_is_no_empty_list() {
    let stub = StubVendor::start();
    let site = lost(&stub, Reply::silence().taken());
    let of_sdk =
        |content: &str| format!(r#"{{"RequestId":"R","ResultCode":"OK","ResultContent":{content}}}"#);
    let contents = [
        "null",
        "{}",
        "[]",
        "7",
        r#""""#,
        r#""success""#,
        r#"{"Data":null}"#,
        r#"{"Data":{}}"#,
        r#"{"Data":7}"#,
        r#"{"Data":""}"#,
        r#"{"List":[]}"#,
        r#"{"Data":[[]]}"#,
        r#"{"Data":[{"TaskId":"1"}]}"#,
        r#"{"Data":[],"TotalCount":2}"#,
        r#"{"Data":[],"data":[{}]}"#,
    ];
    let mut replies: Vec<Reply> = contents.iter().map(|content| Reply::json(of_sdk(content))).collect();
    replies.extend([
        Reply::json(r#"{"RequestId":"R","ResultCode":"OK"}"#),
        Reply::json(r#"["OK","R",{"Data":[]}]"#),
        Reply::json(r#"{"RequestId":"R","ResultCode":"3028","ResultMessage":"param is invalid","ResultContent":{"Data":[]}}"#),
        Reply::json(r#"{"RequestId":"R","ResultContent":{"Data":[]}}"#),
        Reply::json("<html>Please log in</html>").header("content-type: text/html"),
    ]);
    for reply in replies {
        stub.usually(BY_NAME, move |_| reply.clone());
        resolve(&site).exits(10).says("the vendor's answer cannot be read: ").says("Still in doubt: 1.");
        assert_eq!(account(&site), (150, 0, 100));
    }
    stays_in_doubt(&stub, &site, "cannot be read");
}

#[test]
fn a_list_by_time_that_cannot_be_read_or_is_short_of_its_count_is_no_empty_list() {
    let stub = StubVendor::start();
    let site = Site::remote(&stub.url(), 25, "");
    site.edit("campaigns/c.yaml", "{ send: now }", ONCE);
    site.edit("campaigns/campaignctl.yaml", "concurrency: 4", "concurrency: 1");
    stub.next("PushTemplate", Reply::usual());
    stub.next("PushTemplate", Reply::silence().taken());
    site.apply().exits(10);
    for data in [
        json!(null),
        json!([]),
        json!({}),
        json!({ "TotalCount": 0 }),
        json!({ "TotalCount": 0, "List": null }),
        json!({ "TotalCount": 1, "List": [] }),
        json!({ "List": [] }),
        json!({ "TotalCount": 1, "List": [{}] }),
    ] {
        stub.usually(BY_TIME, move |_| answers(&json!({ "Data": data })));
        resolve(&site).exits(10).says("the vendor's answer cannot be read: ");
        assert_eq!(account(&site), (15, 0, 10));
    }
    // A page that comes again and again makes up no count.
    let at = DateTime::parse_from_rfc3339("2026-12-15T09:00:00+08:00").unwrap().timestamp_millis();
    let other = json!({ "UniqueId": "task-1", "PushTime": at, "Type": 1, "StrategyType": 1 });
    stub.usually(BY_TIME, move |_| answers(&json!({ "Data": { "TotalCount": 2, "List": [other] } })));
    resolve(&site).exits(10).says("its pages repeat each other");
    site.run_at(LATER, &["apply", "--auto-approve"]).exits(10);
    assert!(stub.reached().values().all(|times| *times == 1));
}

#[test]
fn a_listed_batch_was_sent_however_its_names_are_spelled() {
    let stub = StubVendor::start();
    let site = lost(&stub, Reply::silence().taken());
    let small = |text: String| {
        let mut text = text;
        for name in ["ResultContent", "Data", "List", "TaskId", "TaskName", "GmtCreate"] {
            let small = name[..1].to_ascii_lowercase() + &name[1..];
            text = text.replace(&format!("\"{name}\""), &format!("\"{small}\""));
        }
        text
    };
    let forms: [fn(Vec<Value>) -> Value; 4] = [
        |rows| json!({ "Data": rows }),
        // As the vendor's page prints it.
        |rows| Value::String(json!({ "Data": rows }).to_string()),
        |rows| json!({ "Data": [{ "GmtCreate": 1, "List": rows }] }),
        |rows| json!({ "Data": Value::String(json!(rows).to_string()) }),
    ];
    for form in forms {
        for is_small in [false, true] {
            let books = stub.clone();
            stub.usually(BY_NAME, move |seen| {
                let rows = page_of(seen, books.taken().iter().map(row).collect());
                let content = if rows.is_empty() { json!({ "Data": [] }) } else { form(rows) };
                let text = json!({ "ResultCode": "OK", "ResultContent": content }).to_string();
                // Names inside of a text are escaped there.
                let text = if is_small {
                    small(text.replace("\\\"", "\u{1}\"")).replace("\u{1}\"", "\\\"")
                } else {
                    text
                };
                Reply::json(text)
            });
            resolve_at(&site, LATER, &["--dry-run"]).exits(10).says("1 batch sent, 0 not sent");
        }
    }
    resolve(&site).exits(0).says("1 batch sent");
    site.run_at(LATER, &["apply", "--auto-approve"]).exits(0);
    assert!(stub.reached().values().all(|times| *times == 1));
}

#[test]
fn an_empty_list_that_lacks_what_was_accepted_proves_nothing() {
    let stub = StubVendor::start();
    let site = lost(&stub, Reply::silence().taken());
    stub.usually(BY_NAME, |_| by_name(&[]));
    stays_in_doubt(&stub, &site, "which the vendor accepted, is not listed either");
}

#[test]
fn absence_beside_an_accepted_batch_is_proof_and_the_next_apply_sends_once() {
    let stub = StubVendor::start();
    let site = lost(&stub, Reply::silence());
    lists_by_name(&stub, |row| row);
    resolve(&site)
        .exits(0)
        .says("not sent: QueryPushAnalysisTaskList has no task of that name but those of other batches, and it lists `p/remote/hello@1#")
        .says("which was accepted at about that time")
        .says("1 not sent");
    assert_eq!(account(&site), (150, 100, 0));
    site.run_at(LATER, &["apply", "--auto-approve"]).exits(0).says("100 accepted");
    assert_eq!(stub.reached().len(), 250);
    assert!(stub.reached().values().all(|times| *times == 1));
    // `StartTime` may count days, which are of UTC+8.
    let questions: Vec<Seen> = stub.seen().into_iter().filter(|seen| seen.action == BY_NAME).collect();
    let midnight = DateTime::parse_from_rfc3339("2026-11-23T00:00:00+08:00").unwrap().timestamp_millis();
    assert!(questions.iter().all(|seen| seen.parameters["StartTime"] == midnight.to_string()));
}

#[test]
fn absence_from_the_list_of_moments_is_proof_only_beside_an_accepted_batch() {
    let stub = StubVendor::start();
    let site = Site::remote(&stub.url(), 25, "");
    site.edit("campaigns/c.yaml", "{ send: now }", ONCE);
    site.edit("campaigns/campaignctl.yaml", "concurrency: 4", "concurrency: 1");
    stub.next("PushTemplate", Reply::usual());
    stub.next("PushTemplate", Reply::silence());
    site.apply().exits(10);
    stub.usually(BY_TIME, |_| answers(&json!({ "Data": { "TotalCount": 0, "List": [] } })));
    resolve(&site)
        .exits(10)
        .says("that proves nothing: `p/remote/hello@1#")
        .says("which the vendor accepted");
    assert_eq!(account(&site), (15, 0, 10));
    let books = stub.clone();
    stub.usually(BY_TIME, move |_| {
        let rows = books.taken().into_iter().map(|taken| {
            let strategy: Value = serde_json::from_str(&taken.seen.parameters["StrategyContent"]).unwrap();
            json!({
                "uniqueId": taken.task_id, "parentId": taken.task_id, "pushTime": strategy["fixedTime"],
                "pushTitle": "T", "pushContent": "B", "type": 1, "strategyType": "1",
                "gmtCreate": made_at(&taken.seen),
            })
        });
        let rows: Vec<Value> = rows.collect();
        answers(&Value::String(json!({ "data": { "totalCount": rows.len(), "list": rows } }).to_string()))
    });
    resolve(&site).exits(0).says("and it lists `p/remote/hello@1#").says("1 not sent");
    site.run_at(LATER, &["apply", "--auto-approve"]).exits(0).says("10 accepted");
    assert_eq!(stub.reached().len(), 25);
    assert!(stub.reached().values().all(|times| *times == 1));
}

#[test]
fn a_name_that_was_cut_trimmed_or_recased_is_not_absent() {
    let cut: fn(&str) -> String = |name| name[..name.len() - 1].to_owned();
    let recased: fn(&str) -> String = str::to_uppercase;
    let padded: fn(&str) -> String = |name| format!(" {name} ");
    for change in [cut, recased, padded] {
        let stub = StubVendor::start();
        let site = lost(&stub, Reply::silence().taken());
        // Only its own name is changed, and questions find it.
        let books = stub.clone();
        stub.usually(BY_NAME, move |seen| {
            let changed = |mut row: Value| {
                let name = row["TaskName"].as_str().unwrap().to_owned();
                if name.ends_with("#2") {
                    row["TaskName"] = change(&name).into();
                }
                row
            };
            by_name(&page_of(seen, books.taken().iter().map(row).map(changed).collect()))
        });
        stays_in_doubt(&stub, &site, "the vendor lists a task of nearly its name");
        // All are changed, and no question by name finds any.
        lists_by_name(&stub, move |mut row| {
            row["TaskName"] = change(row["TaskName"].as_str().unwrap()).into();
            row
        });
        stays_in_doubt(&stub, &site, "which the vendor accepted, is not listed either");
    }
}

#[test]
fn a_plainer_name_that_was_kept_does_not_show_that_a_longer_one_would_be() {
    let stub = StubVendor::start();
    let site = multiple(&stub, 150);
    site.edit("campaigns/c.yaml", "call: multiple", "call: multiple, task_name: Spring sale of the year");
    let other = "audiences:\n  b: { users: [v1] }\ncampaigns:\n  after: { template: t, audience: b, strategy: s, call: multiple, expires_after: 1h }\n";
    site.write("campaigns/d.yaml", other);
    // `after` comes first, and is accepted; both batches of `hello` are lost.
    stub.next("PushMultiple", Reply::usual());
    stub.next("PushMultiple", Reply::silence().taken());
    stub.next("PushMultiple", Reply::silence().taken());
    site.apply().exits(10);
    lists_by_name(&stub, |mut row| {
        let name: String = row["TaskName"].as_str().unwrap().chars().take(20).collect();
        row["TaskName"] = name.into();
        row
    });
    let ran = resolve(&site).exits(10).says("Still in doubt: 2.");
    assert!(ran.stdout.contains("a task of nearly its name (`Spring sale of the y`)"), "{}", ran.stdout);
    site.run_at(LATER, &["apply", "--auto-approve"]).exits(10);
    assert!(stub.reached().values().all(|times| *times == 1));
}

#[test]
fn an_accepted_batch_of_another_time_proves_nothing() {
    let stub = StubVendor::start();
    let site = multiple(&stub, 100);
    site.apply().exits(0);
    let next = "audiences:\n  b: { users: [v1] }\ncampaigns:\n  other: { template: t, audience: b, strategy: s, call: multiple, expires_after: 1h }\n";
    site.write("campaigns/d.yaml", next);
    stub.next("PushMultiple", Reply::silence().taken());
    site.run_at("2026-11-25T10:00:00+08:00", &["apply", "--auto-approve"]).exits(10);
    let books = stub.clone();
    // The list lags behind: what was taken today is not in it yet.
    stub.usually(BY_NAME, move |seen| by_name(&page_of(seen, vec![row(&books.taken()[0])])));
    let why = "that proves nothing: the ledger has no other immediate `PushMultiple` of about that time that was accepted";
    resolve_at(&site, "2026-11-25T12:00:00+08:00", &[]).exits(10).says(why).says("doubt mark");
    site.run_at("2026-11-25T12:00:00+08:00", &["apply", "--auto-approve"]).exits(10);
    assert!(stub.reached().values().all(|times| *times == 1));
}

#[test]
fn what_shows_that_a_list_is_whole_outlives_packing() {
    let stub = StubVendor::start();
    let site = lost(&stub, Reply::silence());
    lists_by_name(&stub, |row| row);
    site.run(&["ledger", "pack"]).exits(0);
    resolve(&site).exits(0).says("which was accepted at about that time").says("1 not sent");
}

/// Makes an answer of the rows but the batch's own, and of its own.
type Change = fn(Vec<Value>, Value) -> String;

#[test]
fn an_answer_that_says_it_is_not_whole_or_shows_the_batch_otherwise_proves_nothing() {
    let stub = StubVendor::start();
    let site = lost(&stub, Reply::silence().taken());
    // The first and the third are there, so nothing but the change keeps this from being proof.
    let changes: [(&str, Change); 9] = [
        ("is there twice", |rows, own| {
            let rows = json!(rows);
            format!(r#"{{"ResultCode":"OK","ResultContent":{{"Data":[{own}],"Data":{rows}}}}}"#)
        }),
        ("before its own count", |rows, _| envelope(&json!({ "Data": rows, "total": "3" }))),
        ("before its own count", |rows, _| envelope(&json!({ "Data": rows, "HasMore": true }))),
        ("another list, `List`", |rows, own| envelope(&json!({ "Data": rows, "List": [own] }))),
        ("it says `Success` is", |rows, _| envelope(&json!({ "Data": rows, "Success": false }))),
        ("it says `Code` is", |rows, _| envelope(&json!({ "Data": rows, "Code": "SystemBusy" }))),
        ("one task of that name", |mut rows, mut own| {
            own["GmtCreate"] = 0.into();
            rows.push(own);
            envelope(&json!({ "Data": rows }))
        }),
        ("a task of nearly its name", |mut rows, mut own| {
            own["TaskName"] = "p%2Fremote%2Fhello%401%232".into();
            rows.push(own);
            envelope(&json!({ "Data": rows }))
        }),
        ("`p/remote/hello@1#3`, which the vendor accepted, is not listed", |mut rows, _| {
            rows.pop();
            envelope(&json!({ "Data": rows }))
        }),
    ];
    for (why, change) in changes {
        let books = stub.clone();
        stub.usually(BY_NAME, move |seen| {
            if seen.parameters["PageNumber"] != "1" {
                return by_name(&[]);
            }
            let mut rows: Vec<Value> = books.taken().iter().map(row).collect();
            let own = rows.remove(1);
            Reply::json(change(rows, own))
        });
        stays_in_doubt(&stub, &site, why);
    }
}

fn envelope(content: &Value) -> String {
    json!({ "ResultCode": "OK", "ResultContent": content }).to_string()
}

/// When the questions came, in their order.
fn times_of_questions(stub: &StubVendor) -> Vec<std::time::Instant> {
    stub.seen().into_iter().filter(|seen| seen.action == BY_NAME).map(|seen| seen.at).collect()
}

#[test]
fn questions_keep_to_requests_per_second() {
    let stub = StubVendor::start();
    let site = multiple(&stub, 700);
    for _ in 0..7 {
        stub.next("PushMultiple", Reply::silence());
    }
    site.apply().exits(10);
    site.edit("campaigns/campaignctl.yaml", "requests_per_second: 1000", "requests_per_second: 3");
    stub.usually(BY_NAME, |_| by_name(&[]));
    resolve(&site).exits(10).says("Still in doubt: 7.");
    let times = times_of_questions(&stub);
    assert_eq!(times.len(), 7);
    for (first, beyond) in times.iter().zip(&times[3..]) {
        assert!(*beyond - *first >= Duration::from_millis(950), "{:?}", *beyond - *first);
    }
}

#[test]
fn questions_wait_as_long_as_the_vendor_asks_for() {
    const THROTTLED: &str = r#"{"RequestId":"R","Code":"Throttling.User","Message":"m"}"#;
    let flow_control = r#"{"RequestId":"R","ResultCode":"8011","ResultMessage":"FLOW_CONTROL_ERROR"}"#;
    for reply in [
        Reply::status(400, THROTTLED).header("x-acs-retry-after: 2000"),
        Reply::status(429, "slow down").header("retry-after: 2"),
        Reply::json(flow_control).header("retry-after: 2"),
        Reply::status(503, "busy").header("retry-after: 2"),
    ] {
        let stub = StubVendor::start();
        let site = lost(&stub, Reply::silence());
        lists_by_name(&stub, |row| row);
        stub.next(BY_NAME, reply);
        resolve(&site).exits(0).says("1 not sent");
        let times = times_of_questions(&stub);
        assert!(times[1] - times[0] >= Duration::from_secs(2), "{:?}", times[1] - times[0]);
    }
}

#[test]
fn a_loopback_address_is_not_the_sandbox() {
    let stub = StubVendor::start();
    let site = lost(&stub, Reply::silence());
    let real = |arguments: &[&str], now: Option<&str>| {
        let mut command = site.command(arguments);
        command.env_remove("CAMPAIGNCTL_LOOPBACK_IS_SANDBOX").env_remove("CAMPAIGNCTL_NOW");
        command.envs(now.map(|now| ("CAMPAIGNCTL_NOW", now)));
        Ran::of(&command.output().unwrap())
    };
    let asked = stub.seen().len();
    real(&["doubt", "resolve", "--settle", "0s"], None)
        .exits(3)
        .warns("`--settle` is shorter than 30 minutes")
        .warns("nothing was asked");
    for command in [&["doubt", "resolve"][..], &["apply", "--auto-approve"]] {
        real(command, Some(NOW))
            .exits(3)
            .warns("`--now` is only for `endpoint: sandbox`")
            .warns("nothing was sent");
    }
    assert_eq!(stub.seen().len(), asked);
    assert_eq!(account(&site), (150, 0, 100));
}
