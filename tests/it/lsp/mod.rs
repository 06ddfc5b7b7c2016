//! The language server as an editor meets it: the real binary, asked over its protocol.

pub(crate) mod client;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::site::Site;
use client::{Client, uri};

const PROJECT: &str = "version: 1\nproject: p\ntime_zone: Europe/Berlin\ndefault_environment: sandbox\nenvironments:\n  \
                       sandbox: { app_id: A, workspace_id: w, endpoint: sandbox }\n  spare: { app_id: A, workspace_id: w, endpoint: sandbox }\n";

/// Declarations in a file of their own.
const SHARED: &str = "templates:\n  pay: { name: pay, title: \"Hi #name#\", body: \"#money# for #name#\" }\n  发薪: { name: x, title: T, body: B }\n\
                      audiences:\n  vips:\n    users: { file: vips.csv, column: id }\n  \
                      all: { broadcast: { platform: android, login: all, within: 15d } }\n\
                      classifications:\n  money:\n    oppo: { level: 2 }\n\
                      strategies:\n  soon: { send: now }\n  \
                      weekly: { send: repeat, every: week, on: [1], time: \"09:00\", from: 2026-12-01, until: 2027-02-28 }\n";

const CAMPAIGNS: &str = "# 标题 😀\ncampaigns:\n  a:\n    template: pay\n    audience: vips\n    classification: money\n    strategy: weekly\n    \
                         values: { name: \"张三\", money: \"200\" }\n    expires_after: 5m\n  \
                         b: { template: 发薪, audience: all, strategy: soon, expires_after: 5m }\n";

/// A sound workspace over two files, and a client that has opened the one with the campaigns.
struct Desk {
    site: Site,
    client: Client,
    shared: PathBuf,
    campaigns: PathBuf,
}

fn desk() -> Desk {
    desk_with(&json!({}))
}

fn desk_with(capabilities: &Value) -> Desk {
    let site = Site::with(PROJECT, CAMPAIGNS);
    site.write("campaigns/shared.yaml", SHARED);
    site.write("campaigns/vips.csv", "id\nu1\nu2\nu1\n");
    let mut client = Client::start(site.command(&["lsp"]));
    client.initialize(Some(&site.path("")), capabilities);
    let (shared, campaigns) = (site.path("campaigns/shared.yaml"), site.path("campaigns/c.yaml"));
    client.open(&campaigns, CAMPAIGNS);
    Desk { site, client, shared, campaigns }
}

fn labels(offered: &[(String, String)]) -> Vec<&str> {
    offered.iter().map(|(label, _)| label.as_str()).collect()
}

/// What the server publishes of a workspace, one line for each diagnostic, as [`validated`] states it.
fn published(client: &mut Client, root: &Path) -> Vec<String> {
    client.settle();
    let mut lines = Vec::new();
    for (uri, diagnostics) in &client.published {
        let path = url::Url::parse(uri).unwrap().to_file_path().unwrap();
        let shown = path.strip_prefix(root).unwrap().display().to_string();
        for diagnostic in diagnostics {
            let start = &diagnostic["range"]["start"];
            let level = if diagnostic["severity"] == 1 { "error" } else { "warning" };
            let related = diagnostic["relatedInformation"].as_array().map_or(0, Vec::len);
            lines.push(format!(
                "{shown}:{}:{} {level} {} {:?} {related}",
                start["line"].as_u64().unwrap() + 1,
                character_column(&path, start),
                diagnostic["code"].as_str().unwrap(),
                diagnostic["message"].as_str().unwrap()
            ));
        }
    }
    lines.sort();
    lines
}

/// A position's column in characters, from 1; the protocol counts UTF-16 units.
fn character_column(path: &Path, position: &Value) -> usize {
    let text =
        std::fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let number = |key: &str| usize::try_from(position[key].as_u64().unwrap()).unwrap();
    let line = text.split('\n').nth(number("line")).unwrap_or_default();
    let units: Vec<u16> = line.encode_utf16().take(number("character")).collect();
    String::from_utf16(&units).unwrap().chars().count() + 1
}

/// What `validate` says. Places that are no file, and places without a column, are where an editor can show them.
fn validated(site: &Site, directory: &str) -> Vec<String> {
    let ran = site.run(&["-C", directory, "validate", "--format", "json"]);
    let line = |line: &str| {
        let value: Value = serde_json::from_str(line).unwrap();
        let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
        let help = value["help"].as_str().map(|help| format!("\nhelp: {help}")).unwrap_or_default();
        let file = match text("file") {
            file if file == directory => format!("{directory}/campaignctl.yaml"),
            file => file,
        };
        format!(
            "{file}:{}:{} {} {} {:?} {}",
            value["line"].as_u64().unwrap_or(1),
            value["column"].as_u64().unwrap_or(1),
            text("level"),
            text("code"),
            text("message") + &help,
            value["related"].as_array().unwrap().len()
        )
    };
    let mut lines: Vec<String> = ran.stdout.lines().map(line).collect();
    lines.sort();
    lines
}

/// Every workspace of the corpus, one for each mistake that there is.
#[test]
fn diagnostics_are_those_of_validate() {
    let invalid = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/invalid");
    let (mut workspaces, mut count) = (0, 0);
    for entry in std::fs::read_dir(invalid).unwrap().map(Result::unwrap) {
        let site = Site::copied(&entry.path());
        let mut client = Client::start(site.command(&["lsp"]));
        if !site.path("campaigns/campaignctl.yaml").exists() {
            site.write("campaigns/campaignctl.yaml", PROJECT);
        }
        client.initialize(Some(&site.path("")), &json!({}));
        let expected = validated(&site, "campaigns");
        assert_eq!(published(&mut client, &site.path("")), expected, "{}", entry.path().display());
        workspaces += 1;
        count += expected.len();
    }
    assert!(workspaces > 40 && count > 60, "{workspaces} {count}");
}

#[test]
fn an_unsaved_text_is_checked_and_a_clean_one_is_said_to_be() {
    let Desk { mut client, campaigns, shared, site: _site, .. } = desk();
    assert_eq!(client.diagnostics(&campaigns), [Value::Null; 0]);
    assert_eq!(client.publications[&uri(&campaigns)], 1, "a file without a mistake is published too");

    client.change(&campaigns, &CAMPAIGNS.replace("audience: vips", "audience: vip"));
    let found = client.diagnostics(&campaigns);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["code"], "unknown-name");
    assert_eq!(found[0]["message"], "no audience named `vip`\nhelp: did you mean `vips`?");
    assert_eq!(
        found[0]["range"],
        json!({ "start": { "line": 4, "character": 14 }, "end": { "line": 4, "character": 17 } })
    );

    // Another file's text mends it, unsaved as well.
    client.open(&shared, &SHARED.replace("  vips:", "  vip:"));
    assert!(client.diagnostics(&campaigns).is_empty());
    // Closed, the disk counts again.
    client.close(&shared);
    assert_eq!(client.diagnostics(&campaigns).len(), 1);
    client.close(&campaigns);
    assert!(client.diagnostics(&campaigns).is_empty());
    assert!(client.shut_down().success());
}

#[test]
fn related_places_lead_to_other_files() {
    let Desk { mut client, campaigns, shared, site: _site, .. } = desk();
    client.change(&campaigns, &format!("{CAMPAIGNS}strategies:\n  soon: {{ send: now }}\n"));
    // The files are sorted: the one with the campaigns comes first, so the other declares it again.
    let found = client.diagnostics(&shared);
    assert_eq!(found[0]["code"], "duplicate-name");
    let related = &found[0]["relatedInformation"][0];
    assert_eq!(
        (&related["location"]["uri"], &related["message"]),
        (&json!(uri(&campaigns)), &json!("declared first"))
    );
    assert_eq!(related["location"]["range"]["start"], json!({ "line": 11, "character": 2 }));
}

#[test]
fn edits_that_wait_are_read_once() {
    let Desk { mut client, campaigns, site: _site, .. } = desk();
    client.settle();
    let before = client.publications[&uri(&campaigns)];
    let mut burst = Vec::new();
    for version in 100..300 {
        let text = format!("{CAMPAIGNS}# {version}\n");
        let change = json!({ "jsonrpc": "2.0", "method": "textDocument/didChange", "params": {
            "textDocument": { "uri": uri(&campaigns), "version": version }, "contentChanges": [{ "text": text }] } });
        let body = change.to_string();
        burst.extend(format!("Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes());
    }
    client.send_raw(&burst);
    client.settle();
    let readings = client.publications[&uri(&campaigns)] - before;
    assert!((1..100).contains(&readings), "{readings} readings of 200 edits");
}

#[test]
fn names_of_all_files_are_offered() {
    let Desk { mut client, campaigns, shared, site: _site, .. } = desk();
    let with = |line: &str, marked: &str| CAMPAIGNS.replace(line, marked);
    let offered = client.completions(&campaigns, &with("template: pay", "template: ‸"));
    assert_eq!(labels(&offered), ["pay", "发薪"]);
    let offered = client.completions(&campaigns, &with("template: pay", "template:‸"));
    assert_eq!(offered[0].1, " pay", "right behind the colon a space is missing");
    let offered = client.completions(&campaigns, &with("audience: vips", "audience: \"v‸\""));
    assert_eq!(offered, [("all".into(), "\"all\"".into()), ("vips".into(), "\"vips\"".into())]);
    let offered = client.completions(&campaigns, &with("classification: money", "classification: mo‸"));
    assert_eq!(labels(&offered), ["money"]);
    let offered = client.completions(&campaigns, &with("strategy: soon", "strategy: ‸"));
    assert_eq!(labels(&offered), ["soon", "weekly"]);
    let offered = client.completions(&campaigns, &with("expires_after: 5m\n  b", "expires_after: ‸\n  b"));
    assert!(offered.is_empty());

    // What is not YAML at the moment is no obstacle, in this file or in the one that declares.
    let broken = with("strategy: weekly", "strategy: ‸").replace("values: {", "values: { [");
    assert_eq!(labels(&client.completions(&campaigns, &broken)), ["soon", "weekly"]);
    client.open(&shared, &SHARED.replace("  soon:", "  sooner: {\n  soon:"));
    client.settle();
    let offered = client.completions(&campaigns, &with("strategy: weekly", "strategy: ‸"));
    assert_eq!(labels(&offered), ["soon", "sooner", "weekly"]);
}

#[test]
fn what_is_offered_says_where_it_is_from_and_what_it_says() {
    let Desk { mut client, campaigns, site: _site, .. } = desk();
    let marked = CAMPAIGNS.replace("template: pay", "template: pa‸y");
    let items = client.at_cursor("textDocument/completion", &campaigns, &marked);
    let item = &items[0];
    assert_eq!(item["detail"], "campaigns/shared.yaml:2");
    let documentation = item["documentation"]["value"].as_str().unwrap();
    assert!(documentation.contains("Hi #name#\n#money# for #name#"), "{documentation}");
    assert_eq!(
        item["textEdit"]["range"],
        json!({ "start": { "line": 3, "character": 14 }, "end": { "line": 3, "character": 17 } })
    );
}

#[test]
fn placeholders_that_are_not_given_yet_are_offered() {
    let Desk { mut client, campaigns, site: _site, .. } = desk();
    let with = |values: &str| CAMPAIGNS.replace("values: { name: \"张三\", money: \"200\" }", values);
    for (values, expected) in [
        ("values:\n      ‸", vec![("name", "name: "), ("money", "money: ")]),
        ("values:\n      name: \"张三\"\n      ‸", vec![("money", "money: ")]),
        ("values:\n      name: \"张三\"\n      mo‸", vec![("money", "money: ")]),
        ("values: { ‸ }", vec![("name", "name: "), ("money", "money: ")]),
        ("values: { name: \"张三\", ‸", vec![("money", "money: ")]),
        ("values: { name: \"张三\", m‸: x }", vec![("money", "money")]),
        ("values: { name: ‸ }", vec![]),
        ("values: { name: \"张三\" }\n    values_from: { ‸ }", vec![("money", "money: ")]),
        ("values_from: { money: sum }\n    values: { ‸ }", vec![("name", "name: ")]),
    ] {
        let offered = client.completions(&campaigns, &with(values));
        let expected: Vec<(String, String)> =
            expected.into_iter().map(|(label, text)| (label.to_owned(), text.to_owned())).collect();
        assert_eq!(offered, expected, "{values}");
    }
}

#[test]
fn environments_are_offered_in_the_project_file() {
    let Desk { mut client, site, .. } = desk();
    let project = site.path("campaigns/campaignctl.yaml");
    client.open(&project, PROJECT);
    let marked = PROJECT.replace("default_environment: sandbox", "default_environment: ‸");
    assert_eq!(labels(&client.completions(&project, &marked)), ["sandbox", "spare"]);
}

#[test]
fn a_reference_leads_to_its_declaration_and_back() {
    let Desk { mut client, campaigns, shared, site } = desk();
    let marked = CAMPAIGNS.replace("template: 发薪", "template: 发‸薪");
    let found = client.at_cursor("textDocument/definition", &campaigns, &marked);
    let place = |path: &Path, line: u32, start: u32, end: u32| {
        json!({ "uri": uri(path), "range":
            { "start": { "line": line, "character": start }, "end": { "line": line, "character": end } } })
    };
    assert_eq!(found, json!([place(&shared, 2, 2, 4)]));

    client.open(&shared, SHARED);
    let marked = SHARED.replace("  vips:", "  vi‸ps:");
    let found = client.at_cursor("textDocument/references", &shared, &marked);
    assert_eq!(found, json!([place(&shared, 4, 2, 6), place(&campaigns, 4, 14, 18)]));
    let marked = SHARED.replace("vips.csv", "vips‸.csv");
    let found = client.at_cursor("textDocument/definition", &shared, &marked);
    assert_eq!(found[0]["uri"], uri(&site.path("campaigns/vips.csv")));
    let marked = SHARED.replace("column: id", "column: i‸d");
    assert_eq!(client.at_cursor("textDocument/definition", &shared, &marked), json!([]));
}

#[test]
fn hover_shows_message_audience_and_next_times() {
    let Desk { mut client, campaigns, site: _site, .. } = desk();
    let mut hover = |marked: &str| {
        let answer = client.at_cursor("textDocument/hover", &campaigns, marked);
        answer["contents"]["value"].as_str().unwrap_or_default().to_owned()
    };
    insta::assert_snapshot!(hover(&CAMPAIGNS.replace("  a:", "  ‸a:")), @r#"
    campaign `a` · `campaigns/c.yaml:3`

    ```text
    Hi 张三
    200 for 张三
    ```

    To `vips`: `users` in `campaigns/vips.csv`, `id`: 2 targets

    `weekly`: fires next

    - Mon 2026-12-07 09:00 Europe/Berlin (Mon 2026-12-07 16:00 UTC+8)
    - Mon 2026-12-14 09:00 Europe/Berlin (Mon 2026-12-14 16:00 UTC+8)
    - Mon 2026-12-21 09:00 Europe/Berlin (Mon 2026-12-21 16:00 UTC+8)
    - Mon 2026-12-28 09:00 Europe/Berlin (Mon 2026-12-28 16:00 UTC+8)
    - Mon 2027-01-04 09:00 Europe/Berlin (Mon 2027-01-04 16:00 UTC+8)
    - Mon 2027-01-11 09:00 Europe/Berlin (Mon 2027-01-11 16:00 UTC+8)
    - Mon 2027-01-18 09:00 Europe/Berlin (Mon 2027-01-18 16:00 UTC+8)
    - Mon 2027-01-25 09:00 Europe/Berlin (Mon 2027-01-25 16:00 UTC+8)
    - Mon 2027-02-01 09:00 Europe/Berlin (Mon 2027-02-01 16:00 UTC+8)
    - Mon 2027-02-08 09:00 Europe/Berlin (Mon 2027-02-08 16:00 UTC+8)
    - …
    "#);
    insta::assert_snapshot!(hover(&CAMPAIGNS.replace("audience: all", "audience: al‸l")), @r#"
    audience `all` · `campaigns/shared.yaml:7`

    everyone on android by broadcast: `login: all`, `within: 15d`
    "#);
    insta::assert_snapshot!(hover(&CAMPAIGNS.replace("classification: money", "classification: ‸money")), @r#"
    classification `money` · `campaigns/shared.yaml:9`

    ```yaml
    money:
      oppo: { level: 2 }
    ```
    "#);
    assert_eq!(hover(&CAMPAIGNS.replace("template: pay", "template: pa‸yy")), "", "nobody declares it");
}

#[test]
fn hover_shows_the_window_of_what_is_sent_now_and_who_joins_it() {
    let Desk { mut client, shared, campaigns, site: _site } = desk();
    let mut hover = |strategy: &str, keys: &str| {
        client.open(
            &shared,
            &SHARED.replace("soon: { send: now }", &format!("soon: {{ send: now{strategy} }}")),
        );
        let marked = CAMPAIGNS.replace("strategy: soon,", "strategy: so‸on,");
        let marked = marked.replace("expires_after: 5m }", &format!("expires_after: 5m{keys} }}"));
        let of_strategy = client.at_cursor("textDocument/hover", &campaigns, &marked);
        let marked = marked.replace('‸', "").replace("  b:", "  ‸b:");
        let of_campaign = client.at_cursor("textDocument/hover", &campaigns, &marked);
        let last = |answer: &Value| {
            let text = answer["contents"]["value"].as_str().unwrap_or_default().to_owned();
            text.lines().last().unwrap_or_default().to_owned()
        };
        (last(&of_strategy), last(&of_campaign))
    };
    let both = |of_strategy: &str| (of_strategy.to_owned(), format!("`soon`: {of_strategy}"));
    let late = "whoever joins within 24h of its first push gets it too";
    // The campaign is a broadcast, which knows no latecomers.
    let (of_strategy, of_campaign) = hover("", "");
    assert_eq!(of_strategy, format!("at once, when it is applied; {late}"));
    assert_eq!(of_campaign, "`soon`: at once, when it is applied");
    let window = ", not_before: 2026-12-15T02:00:00, not_after: 2026-12-15T05:00:00";
    let shown = "when it is applied from 2026-12-15 02:00 (09:00 UTC+8) until 2026-12-15 05:00 (12:00 UTC+8)";
    assert_eq!(hover(window, ""), both(shown));
    // What the campaign says of its own is the campaign's.
    let (of_strategy, of_campaign) = hover("", ", closed: true");
    assert_eq!(of_strategy, format!("at once, when it is applied; {late}"));
    assert_eq!(of_campaign, "`soon`: never: it is closed in the file");
}

#[test]
fn a_hover_of_what_is_broken_now_shows_what_was() {
    let Desk { mut client, campaigns, shared, site: _site, .. } = desk();
    client.settle();
    client.open(&shared, &SHARED.replace("title: \"Hi #name#\"", "title: [\"Hi #name#\""));
    let marked = CAMPAIGNS.replace("template: pay", "template: p‸ay");
    let answer = client.at_cursor("textDocument/hover", &campaigns, &marked);
    let text = answer["contents"]["value"].as_str().unwrap();
    assert!(text.contains("Hi #name#") && text.contains("before the mistake"), "{text}");
}

#[test]
fn a_file_has_its_names_as_symbols() {
    let Desk { mut client, campaigns, site: _site, .. } = desk();
    let params = json!({ "textDocument": { "uri": uri(&campaigns) } });
    let symbols = client.request("textDocument/documentSymbol", &params)["result"].clone();
    assert_eq!(symbols[0]["name"], "campaigns");
    let names: Vec<&str> = symbols[0]["children"]
        .as_array()
        .unwrap()
        .iter()
        .map(|symbol| symbol["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["a", "b"]);
    let range = &symbols[0]["children"][0]["range"];
    assert_eq!((&range["start"]["line"], &range["end"]["line"]), (&json!(2), &json!(8)));
}

#[test]
fn a_document_is_formatted_as_fmt_does_it() {
    let Desk { mut client, shared, campaigns: _, site } = desk();
    let untidy = SHARED.replace("  ", "     ").replace(": ", ":  ");
    client.open(&shared, &untidy);
    let params = json!({ "textDocument": { "uri": uri(&shared) }, "options": { "tabSize": 8, "insertSpaces": false } });
    let edits = client.request("textDocument/formatting", &params)["result"].clone();
    client.edit(&shared, &json!([{ "range": edits[0]["range"], "text": edits[0]["newText"] }]));
    assert_eq!(client.request("textDocument/formatting", &params)["result"], json!([]));
    site.write("campaigns/shared.yaml", &untidy);
    site.run(&["fmt"]).exits(0);
    let tidy = site.read("campaigns/shared.yaml");
    client.open(&shared, &tidy);
    assert_eq!(client.request("textDocument/formatting", &params)["result"], json!([]), "{tidy}");
    client.open(&shared, "templates:   [\n");
    assert_eq!(client.request("textDocument/formatting", &params)["result"], json!([]), "it cannot be read");
}

/// Chinese text, an emoji, a tab, CRLF and a byte-order mark before the mistake, in both countings.
#[test]
fn columns_count_what_was_agreed() {
    let text = "\u{feff}campaigns: {\u{20}}\r\ntemplates:\r\n  t: { name: n, title: \"标题😀\",\tbody: B, bdy: x }\r\n";
    for (offered, agreed, column) in [
        (json!(["utf-16", "utf-8"]), "utf-8", 46),
        (json!(["utf-16"]), "utf-16", 40),
        (json!(null), "utf-16", 40),
    ] {
        let Desk { mut client, campaigns, site: _site, .. } = {
            let site = Site::with(PROJECT, CAMPAIGNS);
            let mut client = Client::start(site.command(&["lsp"]));
            let result = client
                .initialize(Some(&site.path("")), &json!({ "general": { "positionEncodings": offered } }));
            assert_eq!(result["capabilities"]["positionEncoding"], agreed);
            let (shared, campaigns) = (site.path("campaigns/shared.yaml"), site.path("campaigns/c.yaml"));
            client.open(&campaigns, text);
            Desk { site, client, shared, campaigns }
        };
        let found = client.diagnostics(&campaigns);
        let unknown = found.iter().find(|diagnostic| diagnostic["code"] == "unknown-key").unwrap();
        assert_eq!(unknown["range"]["start"], json!({ "line": 2, "character": column }), "{agreed}");
        // The same place, taken the other way: the unknown key is mended by an edit of its range.
        client.edit(
            &campaigns,
            &json!([{ "range": { "start": { "line": 2, "character": column - 2 },
            "end": { "line": 2, "character": column + 6 } }, "text": "" }]),
        );
        let found = client.diagnostics(&campaigns);
        assert!(!found.iter().any(|diagnostic| diagnostic["code"] == "unknown-key"), "{found:?}");
        client.edit(
            &campaigns,
            &json!([{ "range": { "start": { "line": 0, "character": 0 },
            "end": { "line": 1, "character": 0 } }, "text": "x: 1\n" }]),
        );
        let found = client.diagnostics(&campaigns);
        assert_eq!(found[0]["range"]["start"], json!({ "line": 0, "character": 0 }), "{found:?}");
    }
}

#[test]
fn files_that_others_write_are_read_again() {
    let watching = json!({ "workspace": { "didChangeWatchedFiles": { "dynamicRegistration": true } } });
    let Desk { mut client, campaigns, shared, site } = desk_with(&watching);
    client.settle();
    let registration = &client.asked[0];
    assert_eq!(registration["method"], "client/registerCapability");
    assert_eq!(registration["params"]["registrations"][0]["method"], "workspace/didChangeWatchedFiles");
    let id = registration["id"].clone();
    client.send(&json!({ "jsonrpc": "2.0", "id": id, "result": null }));

    let written = |client: &mut Client, path: &Path| {
        let change = json!({ "changes": [{ "uri": uri(path), "type": 2 }] });
        client.notify("workspace/didChangeWatchedFiles", &change);
    };
    site.edit("campaigns/shared.yaml", "  soon:", "  late:");
    written(&mut client, &shared);
    assert_eq!(client.diagnostics(&campaigns)[0]["code"], "unknown-name");
    site.edit("campaigns/shared.yaml", "  late:", "  soon:");
    // Of the same size, and perhaps within the same tick of the disk's clock.
    let vips = site.path("campaigns/vips.csv");
    site.write("campaigns/vips.csv", "id\n\"\"\nu2\nu1\n");
    written(&mut client, &shared);
    written(&mut client, &vips);
    assert!(client.diagnostics(&campaigns).is_empty());
    assert_eq!(client.diagnostics(&vips)[0]["code"], "audience-line");
    assert_eq!(client.diagnostics(&vips)[0]["range"]["start"]["line"], 1);
}

#[test]
fn rows_are_read_anew_when_a_campaign_asks_for_other_values() {
    let Desk { mut client, campaigns, shared: _shared, site } = desk();
    site.write("campaigns/vips.csv", "id,nick,full\nu1,Li,\n");
    let vips = site.path("campaigns/vips.csv");
    let with = |values: &str| CAMPAIGNS.replace("values: { name: \"张三\", money: \"200\" }", values);
    let mut after = |text: &str| {
        client.change(&campaigns, text);
        client
            .diagnostics(&vips)
            .iter()
            .map(|found| found["code"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let own = with("values: { money: \"200\" }\n    values_from: { name: nick }");
    assert_eq!(after(&own), Vec::<String>::new());
    assert_eq!(after(&own.replace("name: nick", "name: full")), ["audience-value"]);
    // Other lines come before: what was found is found still.
    assert_eq!(after(&format!("# more\n{}", own.replace("name: nick", "name: full"))), ["audience-value"]);
    assert_eq!(after(&own), Vec::<String>::new());
}

#[test]
fn a_workspace_is_found_without_a_folder_and_without_a_project() {
    // The process's own directory, as on the command line.
    let site = Site::with(PROJECT, "templates: {}\nx: 1\n");
    let mut client = Client::start(site.command(&["lsp", "--stdio"]));
    client.initialize(None, &json!({}));
    assert_eq!(client.diagnostics(&site.path("campaigns/c.yaml"))[0]["code"], "unknown-key");
    // The directory that is named.
    let mut client = Client::start(site.command(&["-C", "campaigns", "lsp"]));
    client.initialize(None, &json!({}));
    assert_eq!(client.diagnostics(&site.path("campaigns/c.yaml"))[0]["code"], "unknown-key");
    // A directory without a project file.
    std::fs::remove_file(site.path("campaigns/campaignctl.yaml")).unwrap();
    let mut client = Client::start(site.command(&["lsp"]));
    client.initialize(Some(&site.path("campaigns")), &json!({}));
    let project = site.path("campaigns/campaignctl.yaml");
    assert_eq!(client.diagnostics(&project)[0]["code"], "no-project");
    client.open(&project, PROJECT);
    assert!(client.diagnostics(&project).is_empty());
}

#[test]
fn a_folder_above_the_workspace_is_not_read_and_its_documents_are_at_home() {
    let site = Site::with_samples();
    std::fs::create_dir_all(site.path("apps")).unwrap();
    std::fs::rename(site.path("campaigns"), site.path("apps/push")).unwrap();
    site.write("compose.yaml", "services: {}\n");
    site.edit("apps/push/payday.yaml", "audience: payroll_customers", "audience: payrol_customers");
    let mut client = Client::start(site.command(&["lsp"]));
    client.initialize(Some(&site.path("")), &json!({}));
    let (project, payday) = (site.path("campaignctl.yaml"), site.path("apps/push/payday.yaml"));
    assert_eq!(client.diagnostics(&project)[0]["code"], "no-project");
    client.open(&site.path("compose.yaml"), "services: {}\n");
    client.settle();
    client.open(&payday, &site.read("apps/push/payday.yaml"));
    // Names of files that are not open are known.
    let found = client.diagnostics(&payday);
    let unknown = found.iter().find(|diagnostic| diagnostic["code"] == "unknown-name").unwrap();
    assert!(unknown["message"].as_str().unwrap().contains("did you mean `payroll_customers`?"), "{unknown}");
    assert!(client.diagnostics(&project).is_empty());
    assert!(client.diagnostics(&site.path("compose.yaml")).is_empty());
}

#[test]
fn slips_of_a_client_are_answered_and_survived() {
    let Desk { site, .. } = desk();
    let mut client = Client::start(site.command(&["lsp"]));
    let early = client.request("textDocument/hover", &json!({}));
    assert_eq!(early["error"]["code"], -32002);
    client.notify("textDocument/didOpen", &json!({}));
    client.send_raw(b"nonsense\r\n\r\nContent-Length: 3\r\n\r\n{]}");
    assert_eq!(client.answer(&Value::Null)["error"]["code"], -32700);
    assert_eq!(client.request("initialize", &json!([]))["error"]["code"], -32602);
    client.initialize(Some(&site.path("")), &json!({}));
    assert_eq!(client.request("initialize", &json!({ "capabilities": {} }))["error"]["code"], -32600);
    assert_eq!(client.request("textDocument/rename", &json!({}))["error"]["code"], -32601);
    assert_eq!(client.request("textDocument/hover", &json!({ "x": 1 }))["error"]["code"], -32602);
    for (method, params) in [
        ("textDocument/didChange", json!(null)),
        (
            "textDocument/didChange",
            json!({ "textDocument": { "uri": "file:///x.yaml", "version": 1 }, "contentChanges": [] }),
        ),
        (
            "textDocument/didOpen",
            json!({ "textDocument": { "uri": "untitled:1", "languageId": "yaml", "version": 1, "text": "" } }),
        ),
        (
            "textDocument/didOpen",
            json!({ "textDocument": { "uri": "nothing", "languageId": "yaml", "version": 1, "text": "" } }),
        ),
        ("textDocument/didClose", json!({ "textDocument": { "uri": "file:///x.yaml" } })),
        ("$/cancelRequest", json!({ "id": 1 })),
        ("initialized", json!({})),
        ("no/such", json!({})),
    ] {
        client.notify(method, &params);
    }
    let outside = json!({ "textDocument": { "uri": "file:///elsewhere.yaml" }, "position": { "line": 9, "character": 9 } });
    assert!(client.request("textDocument/hover", &outside)["result"].is_null());
    assert_eq!(client.request("shutdown", &Value::Null)["result"], Value::Null);
    assert_eq!(client.request("textDocument/hover", &outside)["error"]["code"], -32600);
    assert!(client.exit().success(), "a shutdown came before the exit");
}

#[test]
fn an_exit_without_a_shutdown_is_told_to_the_shell() {
    let Desk { client, .. } = desk();
    assert_eq!(client.exit().code(), Some(1));
    let Desk { client, .. } = desk();
    assert_eq!(client.hang_up().code(), Some(1));
    let Desk { client, .. } = desk();
    assert!(client.shut_down().success());
}
