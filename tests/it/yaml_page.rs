//! The page on YAML's surprises: every row of its tables is run.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use campaignctl::diagnostic::Code;
use campaignctl::load::{self, model::CampaignFile};
use campaignctl::schema;
use serde_json::Value;

use crate::corpus;
use crate::site::Site;

/// What stands around an input of the first two tables: it goes below `state`.
const AROUND: &str = "\
templates:
  t: { name: T, title: 标题, body: 正文 }
audiences:
  a: { live_activities: [delivery-1] }
strategies:
  s: { send: now }
campaigns:
  c:
    template: t
    audience: a
    strategy: s
    expires_after: 5m
    live_activity:
      event: update
      state:
";

/// One row: where it stands, what is written, what it is read as, and the codes.
#[derive(Clone)]
struct Row {
    surprise: String,
    input: Vec<u8>,
    read_as: String,
    codes: BTreeSet<String>,
}

#[test]
fn every_value_and_key_is_read_as_the_page_says() {
    let rows = [rows("Values"), rows("Keys, anchors and merges")].concat();
    assert!(rows.len() > 80);
    let failures: Vec<String> = rows.iter().filter_map(|row| judge(row, &below_state(&row.input))).collect();
    assert!(failures.is_empty(), "docs/yaml.md:\n{}", failures.join("\n"));
}

#[test]
fn every_file_is_read_as_the_page_says() {
    let rows = rows("Files");
    assert!(rows.len() > 20);
    let failures: Vec<String> = rows.iter().filter_map(|row| judge(row, &row.input)).collect();
    assert!(failures.is_empty(), "docs/yaml.md:\n{}", failures.join("\n"));
}

#[test]
fn every_code_of_yaml_has_a_row() {
    let page = page();
    for code in Code::ALL
        .iter()
        .take_while(|code| **code != Code::UnknownKey)
        .skip_while(|code| **code != Code::YamlSyntax)
    {
        assert!(page.contains(&format!("`{code}`")), "docs/yaml.md says nothing of `{code}`");
    }
}

/// Runs one file through `validate`, and says where the page is wrong.
fn judge(row: &Row, file: &[u8]) -> Option<String> {
    let site = Site::with(corpus::PROJECT, "");
    fs::write(site.path("campaigns/c.yaml"), file).unwrap();
    let ran = site.run(&["validate", "--json"]);
    let objects = ran.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let codes: BTreeSet<String> = objects.map(|object| object["code"].as_str().unwrap().to_owned()).collect();
    let surprise = &row.surprise;
    if codes != row.codes {
        return Some(format!("{surprise}: it gives {codes:?}, not {:?}", row.codes));
    }
    let is_refused = row.read_as == "refused";
    if is_refused != (ran.code == Some(3)) {
        return Some(format!("{surprise}: `validate` ends with {:?}", ran.code));
    }
    let Ok(wanted) = serde_json::from_str::<Value>(&row.read_as) else {
        let is_known = is_refused || row.read_as.starts_with("accepted");
        return (!is_known).then(|| format!("{surprise}: `{}` is neither JSON nor a decision", row.read_as));
    };
    let text = String::from_utf8(file.to_vec()).unwrap();
    let (document, _) = load::parse::<CampaignFile>("c.yaml", &text, &schema::shapes().campaign);
    let campaign = document.as_ref().and_then(|document| document.model().campaigns.get("c"));
    let state = campaign.and_then(|campaign| campaign.live_activity.as_ref()?.state.clone());
    let state = state.map_or(Value::Null, Value::Object);
    // As text: JSON's 1.0 and 1 are the same number, and not the same text.
    let (state, wanted) = (state.to_string(), wanted.to_string());
    (state != wanted).then(|| format!("{surprise}: it is read as {state}, not {wanted}"))
}

fn below_state(input: &[u8]) -> Vec<u8> {
    let mut file = AROUND.as_bytes().to_vec();
    for line in input.split_inclusive(|byte| *byte == b'\n') {
        file.extend_from_slice(b"        ");
        file.extend_from_slice(line);
    }
    file.push(b'\n');
    file
}

fn page() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/yaml.md")).unwrap()
}

/// Reads the rows of the table below a heading.
fn rows(heading: &str) -> Vec<Row> {
    let page = page();
    let section = page.split("\n## ").find(|section| section.starts_with(&format!("{heading}\n"))).unwrap();
    let lines = section.lines().filter(|line| line.starts_with("| ")).skip(1);
    lines.map(row).collect()
}

fn row(line: &str) -> Row {
    let cells: Vec<String> =
        line.replace("\\|", "\0").split('|').map(|cell| cell.trim().replace('\0', "|")).collect();
    let [_, surprise, input, read_as, codes, _] = cells.as_slice() else { panic!("no row of four: {line}") };
    let code = |text: &str| text.trim_matches('`').to_owned();
    Row {
        surprise: surprise.clone(),
        input: unescaped(&code(input)),
        read_as: code(read_as),
        codes: codes.split(", ").map(code).filter(|code| !code.is_empty()).collect(),
    }
}

/// Returns the bytes that an input stands for.
fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        rest = &rest[at + 1..];
        let mark = rest.chars().next().unwrap();
        rest = &rest[mark.len_utf8()..];
        match mark {
            'n' => bytes.push(b'\n'),
            't' => bytes.push(b'\t'),
            'r' => bytes.push(b'\r'),
            '\\' => bytes.push(b'\\'),
            'x' => {
                bytes.push(u8::from_str_radix(&rest[..2], 16).unwrap());
                rest = &rest[2..];
            }
            'u' => {
                let (digits, after) = rest[1..].split_once('}').unwrap();
                let letter = char::from_u32(u32::from_str_radix(digits, 16).unwrap()).unwrap();
                bytes.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
                rest = after;
            }
            other => panic!("the page explains no `\\{other}`: {text}"),
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}
