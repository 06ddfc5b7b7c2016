//! A plan as a page, opened in a real browser, and as a calendar.
//!
//! `scripts/browser` installs what looks at it: Chromium, which is not ours, and axe-core, which knows what people with a screen
//! reader need.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::site::Site;

const PERSONAL: &str = "version: 1\nproject: acme\ntime_zone: Asia/Shanghai\ndefault_environment: sandbox\nenvironments:\n  sandbox: { app_id: A, \
     workspace_id: test, endpoint: sandbox }\n";

/// A campaign that takes a name from each row, of which the longest is the second.
const OWN_NAMES: &str = "\
templates: { t: { name: T, title: \"您好 #name#\", body: \"#name#, your pay has arrived.\" } }
audiences: { a: { users: { file: a.csv, column: id } } }
strategies: { s: { send: once, at: 2026-12-15T09:00:00+08:00 } }
campaigns: { c: { template: t, audience: a, strategy: s, values_from: { name: nick }, expires_after: 5m } }
";

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Where the browser's driver is installed as it is asked for; nothing where it is not, which CI does not accept.
#[expect(clippy::disallowed_methods, reason = "CI says by a variable that it is CI")]
fn modules() -> Option<PathBuf> {
    let directory = repository().join("target/browser");
    let script = std::fs::read_to_string(repository().join("scripts/browser")).unwrap();
    let installed = std::fs::read_to_string(directory.join("versions")).unwrap_or_default();
    let version = |key: &str| script.lines().find_map(|line| line.strip_prefix(key)).unwrap();
    let wanted =
        format!("axe-core {}, puppeteer-core {}", version("axe_version="), version("driver_version="));
    let is_there = installed.trim() == wanted && Path::new("/usr/bin/chromium").exists();
    assert!(is_there || std::env::var_os("CI").is_none(), "no browser is installed: run `scripts/browser`");
    is_there.then(|| directory.join("node_modules"))
}

/// Opens a page in each of these looks, such as `400-dark`, and returns what was seen each time.
fn looked_at(modules: &Path, page: &Path, looks: &str) -> Vec<Value> {
    let script = repository().join("tests/browser/look.mjs");
    let output = Command::new("node").arg(script).args([modules, page]).arg(looks).output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{stderr}");
    serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error} in {stdout}\n{stderr}"))
}

/// What axe-core calls serious or worse.
fn serious(seen: &Value) -> Vec<&Value> {
    let findings = seen["findings"].as_array().unwrap().iter();
    findings.filter(|finding| matches!(finding["impact"].as_str(), Some("serious" | "critical"))).collect()
}

/// The samples where one campaign was edited after it was sent and another gained somebody, and one that wants to be more than text.
fn site() -> Site {
    let site = Site::with_samples();
    site.apply().exits(0);
    site.edit("campaigns/payday.yaml", "expires_after: 12h", "expires_after: 6h");
    let list = site.read("campaigns/audiences/locked.txt");
    site.write("campaigns/audiences/locked.txt", &format!("{list}cust-1024\n"));
    site.write(
        "campaigns/hostile.yaml",
        "templates: { h: { name: h, title: \"</title><script>alert(1)</script>\", body: \"\\\"><img src=x onerror=alert(2)> &lt;b> \
         שלום 👩‍💻\" } }\naudiences: { h: { users: [u1] } }\nstrategies: { h: { send: repeat, every: day, time: \"09:00:00\", from: \
         2026-12-01, until: 2027-02-28 } }\ncampaigns:\n  hostile: { template: h, audience: h, strategy: h, expires_after: 1h }\n",
    );
    site
}

#[test]
fn a_page_is_read_at_any_width_by_anybody_and_asks_for_nothing() {
    let Some(modules) = modules() else {
        use std::io::Write as _;
        // Past what the harness captures: whoever runs the suite has to see it.
        let skipped = "SKIPPED: no browser is installed, so no page was looked at: run `scripts/browser`\n";
        drop(std::io::stderr().write_all(skipped.as_bytes()));
        return;
    };
    let site = site();
    let page = site.run(&["plan", "--format", "html"]).exits(0).stdout;
    site.write("page.html", &page);
    let looks = "400-light,800-light,1400-light,400-dark,800-dark,1400-dark";
    let seen = looked_at(&modules, &site.path("page.html"), looks);
    assert_eq!(seen.len(), 6);
    for each in &seen {
        let of = format!("{} {}", each["width"], each["scheme"]);
        assert_eq!(each["title"], "Push plan: harbour-bank in sandbox", "{of}");
        assert_eq!(
            (&each["scrolls"], &each["requests"]),
            (&Value::Bool(false), &Value::Array(vec![])),
            "{of}"
        );
        assert_eq!(
            (&each["refused"], &each["scripts"]),
            (&Value::Array(vec![]), &Value::Array(vec![])),
            "{of}"
        );
        assert_eq!(serious(each), Vec::<&Value>::new(), "{of}");
    }
    assert_ne!(seen[0]["background"], seen[3]["background"], "light and dark differ");

    // The same look finds what is wrong with a page.
    let wrong =
        "<img src=\"https://example.invalid/a.png\"><p style=\"width:3000px;background:red\">wide</p></main>";
    site.write("wrong.html", &page.replacen("</main>", wrong, 1));
    let seen = looked_at(&modules, &site.path("wrong.html"), "800-light");
    for each in &seen {
        let refused = each["refused"].as_array().unwrap();
        assert!(
            refused.iter().any(|one| one.as_str().unwrap().starts_with("img-src https://example.invalid")),
            "{each}"
        );
        assert!(refused.iter().any(|one| one.as_str().unwrap().starts_with("style-src")), "{each}");
        assert!(serious(each).iter().any(|finding| finding["id"] == "image-alt"), "{each}");
    }
    // Without its policy, styles of the page count, and it scrolls.
    site.write("wide.html", &page.replacen("</main>", wrong, 1).replacen("http-equiv", "name", 1));
    let seen = looked_at(&modules, &site.path("wide.html"), "800-light");
    assert!(seen.iter().all(|each| each["scrolls"] == true), "{seen:?}");
}

#[test]
fn a_saved_plan_gives_the_same_page_each_time() {
    let site = site();
    site.run(&["plan", "--out", "plan.json"]).exits(0);
    let page = |format: &str| site.run(&["show", "plan.json", "--format", format]).exits(0).stdout;
    for format in ["html", "ics"] {
        assert_eq!(page(format), page(format));
    }
    let html = page("html");
    assert!(html.contains("&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt;"), "{html}");
    assert!(!html.contains("<script") && !html.contains("<img"), "{html}");
    site.run(&["show", "plan.json", "--format", "html", "--max-chars", "2000"]).exits(3);
}

#[test]
fn a_calendar_has_what_is_planned_and_what_waits() {
    let site = Site::with_samples();
    let planned = site.run(&["plan", "--format", "ics"]).exits(0).stdout;
    assert!(planned.starts_with("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n"), "{planned}");
    assert!(planned.contains("SUMMARY:payday-2026-12 (planned: 24 people)\r\n"), "{planned}");
    // Fridays from 2026-12-01 to 2027-02-28.
    assert_eq!(
        planned.matches("SUMMARY:weekly-digest-winter (planned: a broadcast)").count(),
        13,
        "{planned}"
    );
    site.apply().exits(0);
    let waiting = site.run(&["plan", "--format", "ics"]).exits(0).stdout;
    assert!(waiting.contains("SUMMARY:payday-2026-12 (waiting at the vendor: 24 people)\r\n"), "{waiting}");
    let ids = |calendar: &str| -> Vec<String> {
        let ids = calendar.lines().filter(|line| line.starts_with("UID:"));
        ids.map(str::to_owned).collect()
    };
    assert!(ids(&planned).iter().all(|id| ids(&waiting).contains(id)), "{waiting}");
}

#[test]
fn the_longest_values_are_measured_and_none_is_in_a_plan() {
    let site = Site::with(PERSONAL, OWN_NAMES);
    site.write("campaigns/a.csv", "id,nick\nu1,Bo\nu2,王小明明明\nu3,Zoë Q\n");
    let plan = site.run(&["plan", "--json"]).exits(0);
    assert_eq!(plan.json()["changes"][0]["widest"]["title"]["name"]["half_widths"], 10);
    let page = site.run(&["plan", "--format", "html"]).exits(0);
    for text in [&plan.stdout, &page.stdout] {
        assert!(!["王小明", "Zoë"].iter().any(|value| text.contains(value)), "{text}");
    }
    page.says(">您好 ＊＊＊＊＊<").says(">＊＊＊＊＊, your pay has arrived.<");
    // A later row moves the measure and not the approval's words.
    site.run(&["plan"])
        .exits(0)
        .says("shows: drawer only, silent (Huawei, Honor, Xiaomi, OPPO); lock screen");
}
