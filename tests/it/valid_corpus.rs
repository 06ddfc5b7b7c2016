//! Good files, a few keys each: no diagnostics, and what they come to mean.
//!
//! `tests/corpus/valid/NAME.yaml` is a campaign file; each has its row in [`FILES`]. Together they have every
//! key of the format. The environments are in `campaignctl.yaml`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use campaignctl::domain::{
    ActivityEvent, Addressee, ApiVersion, ApprovedPushes, Broadcast, Call, Campaign, Channel, Classification,
    Endpoint, HuaweiLevel, LedgerSalt, Life, Login, OpenFor, OppoLevel, Platform, Recipients, ReviewPolicy,
    Revision, Schedule, SmsStrategy, TargetHash, TargetKind, TargetSet, Urgency, VendorCategory,
    VivoMessageType, Within, render,
};
use campaignctl::resolve::{Audience, Desired};
use campaignctl::{check, load, resolve, schema};
use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

/// A file's name without its ending, and what shall have come of it.
type File = (&'static str, fn(&Desired));

const FILES: &[File] = &[
    ("broadcast", broadcast),
    ("call", call),
    ("channel", channel),
    ("classification", classification),
    ("expires-after", expires_after),
    ("extended-params", extended_params),
    ("live-activity", live_activity),
    ("revision", revision),
    ("sms", sms),
    ("strategy", strategy),
    ("target-files", target_files),
    ("targets", targets),
    ("task-name", task_name),
    ("template", template),
    ("transparent", transparent),
    ("values-from", values_from),
];

#[test]
fn every_good_file_means_what_it_shall() {
    for (name, holds) in FILES {
        let (_directory, desired) = desired(name, "sandbox");
        holds(&desired);
    }
}

#[test]
fn every_file_has_its_row() {
    let names: BTreeSet<String> = fs::read_dir(corpus())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "yaml"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .filter(|name| name != "campaignctl")
        .collect();
    let rows: BTreeSet<String> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names, rows);
}

#[test]
fn every_key_of_the_format_is_in_some_file() {
    let texts: String = FILES
        .iter()
        .map(|(name, _)| *name)
        .chain(["campaignctl"])
        .map(|name| fs::read_to_string(corpus().join(format!("{name}.yaml"))).unwrap())
        .collect();
    let mut keys = BTreeSet::new();
    for schema in [schema::project(), schema::campaign()] {
        collect_keys(&schema, &mut keys);
    }
    assert!(keys.len() > 60, "the schemas are understood: {keys:?}");
    let is_used = |key: &String| texts.contains(&format!("{key}:"));
    let missing: Vec<&String> = keys.iter().filter(|key| !is_used(key)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

fn collect_keys(schema: &serde_json::Value, keys: &mut BTreeSet<String>) {
    match schema {
        serde_json::Value::Object(entries) => {
            if let Some(properties) = entries.get("properties").and_then(serde_json::Value::as_object) {
                keys.extend(properties.keys().cloned());
            }
            entries
                .iter()
                .filter(|(key, _)| *key != "examples")
                .for_each(|(_, value)| collect_keys(value, keys));
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| collect_keys(item, keys)),
        _ => {}
    }
}

#[test]
fn environments_keep_what_is_written_and_default_the_rest() {
    let (_directory, sandbox) = desired("revision", "sandbox");
    assert_eq!((sandbox.project.as_str(), sandbox.time_zone), ("acme", chrono_tz::Asia::Tokyo));
    let environment = sandbox.scope.environment;
    assert_eq!((environment.app_id.as_str(), environment.workspace_id.as_str()), ("ONEX1", "test"));
    assert_eq!((environment.tenant_id, environment.region), (None, None));
    assert_eq!(environment.endpoint, Endpoint::Sandbox);
    assert_eq!(environment.api_version, ApiVersion::V20201028);
    assert_eq!((environment.requests_per_second.get(), environment.concurrency.get()), (20, 8));
    assert_eq!(environment.unexecuted_tasks_max, 100);
    assert_eq!(environment.review, ReviewPolicy::default());
    assert_eq!(environment.timeout, Duration::from_secs(30));
    let ledger = environment.ledger.directory().unwrap().clone();
    assert!(ledger.ends_with(".campaignctl/sandbox"), "{ledger:?}");

    let environment = desired("revision", "production").1.scope.environment;
    assert_eq!(environment.tenant_id.as_deref(), Some("ABCDEFGH"));
    assert_eq!(environment.region.as_deref(), Some("cn-hangzhou"));
    assert_eq!(environment.endpoint.to_string(), "https://mpaas.cn-hangzhou.aliyuncs.com");
    assert_eq!((environment.requests_per_second.get(), environment.concurrency.get()), (50, 16));
    assert_eq!(environment.unexecuted_tasks_max, 500);
    assert!(environment.review.is_required);
    let rules: Vec<_> =
        environment.review.approvals.iter().map(|rule| (rule.of_pushes, rule.signers)).collect();
    assert_eq!(rules, [(ApprovedPushes::Over(10_000), 2), (ApprovedPushes::Broadcasts, 2)]);
    assert_eq!(environment.timeout, Duration::from_mins(1));
    let ledger = environment.ledger.directory().unwrap().clone();
    assert!(ledger.ends_with("ledgers/production"), "{ledger:?}");
}

fn template(desired: &Desired) {
    let campaign = campaign(desired, "c");
    assert_eq!(campaign.template.name.as_str(), "发薪通知 v1");
    assert_eq!(render(&campaign.template.title, &campaign.values), "张三 您好");
    assert_eq!(render(&campaign.template.body, &campaign.values), "工资 200 元已到账 ");
}

fn targets(desired: &Desired) {
    let sent_to: BTreeMap<&str, Recipients> =
        desired.campaigns.iter().map(|one| (one.campaign.id.as_str(), one.campaign.recipients)).collect();
    for kind in TargetKind::ALL {
        assert_eq!(sent_to[kind.as_str()], Recipients::Targets(kind));
        assert_eq!(ids(&desired.audiences[kind.as_str()]), ["x1", "中文 2"]);
    }
}

fn target_files(desired: &Desired) {
    let salt = LedgerSalt::new([7; 16]);
    let of = |id: &str| TargetHash::of(&salt, TargetKind::User, &id.parse().unwrap());
    let expected = TargetSet::new(vec![of("u1"), of("u2")]);
    let order = [of("u1"), of("u2"), of("u1")].map(|hash| hash.0).concat();
    for audience in desired.audiences.values() {
        if ["parquet", "binary"].contains(&audience.name.as_str()) && !cfg!(feature = "parquet") {
            let [mistake] = &audience.read(&salt).1[..] else { panic!("{}", audience.name) };
            assert!(mistake.message.ends_with("which this build of `campaignctl` cannot read"));
            continue;
        }
        assert_eq!(ids(audience), ["u1", "u2", "u1"], "{}", audience.name);
        let (contents, mistakes) = audience.read(&salt);
        assert_eq!(mistakes, []);
        assert_eq!((contents.listed, contents.repeats), (3, 1));
        assert_eq!(contents.targets, expected);
        assert_eq!(contents.order_digest[..], Sha256::digest(&order)[..]);
    }
    assert_eq!(desired.audiences.len(), 6);
}

fn broadcast(desired: &Desired) {
    for (id, platform, login, within) in [
        ("android", Platform::Android, Login::LoggedIn, Within::Days7),
        ("ios", Platform::Ios, Login::LoggedIn, Within::Days15),
        ("harmonyos", Platform::Harmonyos, Login::All, Within::Days60),
        ("left", Platform::Android, Login::LoggedOut, Within::Permanent),
    ] {
        let expected = Recipients::Broadcast(Broadcast { platform, login, within: Some(within) });
        assert_eq!(campaign(desired, id).recipients, expected, "{id}");
    }
    let salt = LedgerSalt::new([7; 16]);
    let (contents, mistakes) = desired.audiences["ios"].read(&salt);
    assert_eq!((contents.targets, mistakes), (TargetSet::new(vec![TargetHash::of_broadcast(&salt)]), vec![]));
    assert!(ids(&desired.audiences["ios"]).is_empty());
}

fn task_name(desired: &Desired) {
    assert_eq!(campaign(desired, "c").task_name.as_deref(), Some("十二月 payday"));
    assert_eq!(campaign(desired, "derived").task_name, None);
}

fn revision(desired: &Desired) {
    assert_eq!(campaign(desired, "c").revision.get(), 7);
    let up_to = |name: &str| {
        let found = desired.campaigns.iter().find(|each| each.campaign.id.as_str() == name);
        found.unwrap().reviewed_up_to
    };
    assert_eq!((up_to("c"), up_to("first")), (Some(500_000), None));
    assert_eq!(campaign(desired, "first").revision, Revision::FIRST);
    let withdrawn: Vec<_> = desired.campaigns.iter().map(|one| one.withdrawn.map(Revision::get)).collect();
    assert_eq!(withdrawn, [Some(6), None]);
}

fn expires_after(desired: &Desired) {
    assert_eq!(campaign(desired, "c").expires_after.seconds(), 9000);
}

fn extended_params(desired: &Desired) {
    let expected = [("badge", "1"), ("page", "账户")].map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!(campaign(desired, "c").extended_params, BTreeMap::from(expected));
}

fn channel(desired: &Desired) {
    assert_eq!(campaign(desired, "c").channel, Some(Channel::Default));
    assert_eq!(campaign(desired, "own").channel, Some(Channel::SelfBuilt));
    assert_eq!(campaign(desired, "unsaid").channel, None);
}

fn call(desired: &Desired) {
    for (id, expected) in [
        ("few", Call::Template),
        ("many", Call::Multiple),
        ("few_by_multiple", Call::Multiple),
        ("many_by_template", Call::Template),
    ] {
        let found = desired.campaigns.iter().find(|one| one.campaign.id.as_str() == id).unwrap();
        let (contents, mistakes) = found.audience.read(&LedgerSalt::new([7; 16]));
        assert_eq!(mistakes, []);
        assert_eq!(found.campaign.call(contents.targets.len()), expected, "{id}");
    }
}

fn values_from(desired: &Desired) {
    let rows = |id: &str| {
        let found = desired.campaigns.iter().find(|one| one.campaign.id.as_str() == id).unwrap();
        let (contents, mistakes) = found.audience.read(&LedgerSalt::new([7; 16]));
        assert_eq!(mistakes, [], "{id}");
        let mut rows = found.rows(contents.seal.as_ref()).unwrap();
        let rows = std::iter::from_fn(|| rows.next_row().map(|row| Addressee::of(&row.unwrap())));
        rows.map(|row| (row.id.to_string(), row.values)).collect::<Vec<_>>()
    };
    let row =
        |id: &str, values: &[&str]| (id.to_owned(), values.iter().map(|&value| value.to_owned()).collect());
    assert_eq!(
        rows("csv"),
        [row("user1024", &["张三"]), row("user1025", &["Li, Si"]), row("user1024", &["张三"])]
    );
    // In the order of the placeholders.
    assert_eq!(rows("jsonl"), [row("user1024", &["200", "张三"]), row("user1025", &["1.50", "李四"])]);
    assert_eq!(campaign(desired, "csv").values["money"], "200");
}

fn strategy(desired: &Desired) {
    let schedule = |id: &str| campaign(desired, id).schedule.clone();
    assert_eq!(schedule("now"), Schedule::Now);
    let life = |id: &str| desired.campaigns.iter().find(|one| one.campaign.id.as_str() == id).unwrap().life;
    // As the project says.
    let week = Life { open_for: OpenFor::Span(TimeDelta::days(7)), ..Life::default() };
    assert_eq!(life("now"), week);
    let (not_before, not_after) = (Some(utc("2026-12-15T00:00:00Z")), Some(utc("2026-12-15T03:00:00Z")));
    let open_until = Some(utc("2026-12-16T00:00:00Z"));
    assert_eq!(life("window"), Life { not_before, not_after, open_until, ..week });
    assert_eq!(life("welcome"), Life { open_for: OpenFor::Always, is_closed: true, ..week });
    // With its offset; and in the project's zone, which is Tokyo.
    assert_eq!(schedule("once"), Schedule::Once { at: utc("2026-12-15T00:00:00Z") });
    assert_eq!(schedule("local"), Schedule::Once { at: utc("2026-12-15T00:00:00Z") });
    for (id, every, days, time, from, until) in [
        ("daily", "day", None, "12:45:11", "2026-12-01", "2026-12-31"),
        ("weekly", "week", Some(BTreeSet::from([1, 7])), "08:00:00", "2026-12-01", "2027-02-28"),
        ("monthly", "month", Some(BTreeSet::from([1, 28])), "00:00:00", "2026-12-01", "2026-12-31"),
    ] {
        let Schedule::Repeat(repeat) = schedule(id) else { panic!("{id} repeats") };
        assert_eq!(repeat.cycle().as_str(), every, "{id}");
        assert_eq!(repeat.cycle().days(), days.as_ref(), "{id}");
        // The vendor's time is an hour behind Tokyo's.
        assert_eq!(repeat.time().to_string(), time, "{id}");
        assert_eq!(
            (repeat.from().to_string(), repeat.until().to_string()),
            (from.to_owned(), until.to_owned())
        );
    }
}

fn classification(desired: &Desired) {
    let classification = |id: &str| campaign(desired, id).classification.clone();
    let codes = |entries: &[(VendorCategory, &str)]| {
        entries.iter().map(|(vendor, code)| (*vendor, (*code).to_owned())).collect::<Vec<_>>()
    };
    assert_eq!(
        classification("by_name"),
        Classification {
            categories: codes(&[
                (VendorCategory::Huawei, "9"),
                (VendorCategory::Honor, "1"),
                (VendorCategory::Harmonyos, "13"),
                (VendorCategory::Vivo, "1"),
                (VendorCategory::Oppo, "ACCOUNT"),
                (VendorCategory::Xiaomi, "108"),
            ]),
            huawei_level: Some(HuaweiLevel::Normal),
            oppo_level: Some(OppoLevel::Everything),
            vivo_message_type: Some(VivoMessageType::System),
            xiaomi_channel_id: Some("123321".to_owned()),
            android_channel_id: Some("payments".to_owned()),
        }
    );
    assert_eq!(
        classification("by_code"),
        Classification {
            categories: codes(&[(VendorCategory::Huawei, "15")]),
            huawei_level: Some(HuaweiLevel::Low),
            oppo_level: Some(OppoLevel::Bar),
            vivo_message_type: Some(VivoMessageType::Operational),
            ..Classification::default()
        }
    );
    assert_eq!(classification("bar_and_lock_screen").oppo_level, Some(OppoLevel::BarAndLockScreen));
    assert_eq!(classification("unsaid"), Classification::default());
}

fn transparent(desired: &Desired) {
    let transparent = |id: &str| campaign(desired, id).transparent.clone().unwrap();
    let all = transparent("c");
    assert_eq!(
        all.payload.as_str(),
        r#"{"fcm":{"f":1.5},"harmonyos":{"nothing":null},"hms":{"a":true,"z":[1,{"a":"数据","b":"x"}]},"honor":{}}"#
    );
    assert_eq!(all.urgency, Some(Urgency::High));
    assert_eq!(transparent("normal").urgency, Some(Urgency::Normal));
    assert_eq!(transparent("unsaid").urgency, None);
}

fn sms(desired: &Desired) {
    let sms = campaign(desired, "c").sms.clone().unwrap();
    assert_eq!(sms.strategy, SmsStrategy::Supplement);
    assert_eq!((sms.sign_name.as_str(), sms.template_code.as_str()), ("阿克米", "SMS_216070269"));
    assert_eq!(sms.params, BTreeMap::from([("code".to_owned(), "123456".to_owned())]));
    let sms = campaign(desired, "concurrent").sms.clone().unwrap();
    assert_eq!((sms.strategy, sms.params), (SmsStrategy::Concurrent, BTreeMap::new()));
}

fn live_activity(desired: &Desired) {
    let live_activity = |id: &str| campaign(desired, id).live_activity.clone().unwrap();
    let update = live_activity("c");
    assert_eq!(update.event, ActivityEvent::Update);
    assert_eq!(update.state.unwrap().as_str(), r#"{"eta":{"minutes":12},"z":1}"#);
    let dismiss_at = Some(utc("2026-12-15T09:00:00Z"));
    assert_eq!(live_activity("dismissed").event, ActivityEvent::End { dismiss_at });
    assert_eq!(live_activity("ended").event, ActivityEvent::End { dismiss_at: None });
    let silent = live_activity("silent");
    assert_eq!((silent.event, silent.state), (ActivityEvent::End { dismiss_at: None }, None));
}

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn campaign<'desired>(desired: &'desired Desired, id: &str) -> &'desired Campaign {
    let found = desired.campaigns.iter().find(|one| one.campaign.id.as_str() == id);
    &found.unwrap_or_else(|| panic!("no campaign {id}")).campaign
}

fn ids(audience: &Audience) -> Vec<String> {
    let targets = audience.targets().unwrap_or_else(|mistake| panic!("{mistake:?}"));
    targets.map(|id| id.unwrap().to_string()).collect()
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/valid")
}

/// Loads, checks and resolves one file of the corpus, which nobody complains of. The directory must live as
/// long as audience files are read.
fn desired(name: &str, environment: &str) -> (tempfile::TempDir, Desired) {
    let directory = tempfile::tempdir().unwrap();
    for file in ["campaignctl.yaml".to_owned(), format!("{name}.yaml")] {
        fs::copy(corpus().join(&file), directory.path().join(&file)).unwrap();
    }
    fs::create_dir(directory.path().join("audiences")).unwrap();
    for file in fs::read_dir(corpus().join("audiences")).unwrap().map(Result::unwrap) {
        fs::copy(file.path(), directory.path().join("audiences").join(file.file_name())).unwrap();
    }
    let (workspace, mistakes) = load::workspace(directory.path(), "", schema::shapes());
    assert_eq!(mistakes, [], "{name}");
    let (checked, mistakes) = check::workspace(&workspace);
    assert_eq!(mistakes, [], "{name}");
    let desired = resolve::desired(&checked, &environment.parse().unwrap()).unwrap();
    (directory, desired)
}
