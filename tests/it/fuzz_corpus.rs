//! What fuzzing found, on every run of the tests: the corpus of `fuzz/`, through the very code that the fuzz
//! targets call, and the dictionary that they mutate with.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use campaignctl::schema;
use serde_json::Value;

#[allow(unreachable_pub, reason = "in its own package it is a library")]
#[path = "../../fuzz/src/lib.rs"]
mod targets;

/// Most bytes of one input of the corpus: what is longer finds nothing new, and makes every run slower.
const INPUT_BYTES_MAX: u64 = 32 * 1024;

/// Most bytes of a target's whole corpus.
const CORPUS_BYTES_MAX: u64 = 512 * 1024;

/// Longest word of the dictionary: libFuzzer takes no longer ones.
const WORD_BYTES_MAX: usize = 64;

/// What YAML and our inputs are made of, beside the words of the schemas.
const INDICATORS: &[&str] = &[
    "\n====\n",
    ": ",
    "- ",
    "? ",
    "\n",
    "\n  ",
    "[",
    "]",
    "{",
    "}",
    ", ",
    "&a ",
    "*a",
    "<<: ",
    "!!str ",
    "| \n",
    ">-\n",
    "---\n",
    "...\n",
    "%YAML 1.2\n",
    "\"",
    "'",
    "#",
    "~",
    "no",
    "012",
    "1e3",
    ".inf",
    "0x1F",
    "13:45:11",
    "2026-12-15T09:00:00+08:00",
    "\u{feff}",
    "\u{85}",
    "\u{2028}",
    "\r\n",
    "\t",
    "\\u0041",
    "ids.txt",
    "ids.csv",
    "ids.jsonl",
    "ids.txt.gz",
    "ids.csv.zst",
    "#name#",
    "\u{4f60}",
    "\u{1f600}",
    "\u{202e}",
    "\u{301}",
];

#[test]
fn no_audience_file_of_the_corpus_breaks_the_tool() {
    replay("audience_file", targets::audience_file);
}

#[test]
fn no_workspace_of_the_corpus_breaks_the_tool() {
    replay("load_check", targets::load_check);
}

#[test]
fn no_plan_file_of_the_corpus_breaks_the_tool() {
    replay("plan_file", targets::plan_file);
}

#[test]
fn every_bad_and_good_workspace_passes_through_the_target() {
    let files = files_below(&root().join("tests/corpus"));
    let texts: Vec<Vec<u8>> = files.iter().map(|path| fs::read(path).unwrap()).collect();
    assert!(texts.len() > 100);
    for text in &texts {
        targets::load_check(text);
    }
}

/// `UPDATE_SCHEMAS=1 cargo test --test it fuzz_corpus` rewrites the file.
#[test]
fn the_dictionary_has_the_words_of_the_schemas() {
    let path = root().join("fuzz/dictionary.txt");
    let generated = dictionary();
    if is_set("UPDATE_SCHEMAS") {
        fs::write(&path, &generated).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == generated, "`fuzz/dictionary.txt` is stale: run with UPDATE_SCHEMAS=1");
    assert!(generated.contains("\"expires_after\"\n"), "a key");
    assert!(generated.contains("\"supplement\"\n"), "a value that a key takes");
}

/// Calls a target with every input of its corpus, which is small and stays so.
fn replay(target: &str, run: fn(&[u8])) {
    let files = files_below(&root().join("fuzz/corpus").join(target));
    let sizes: Vec<u64> = files.iter().map(|path| fs::metadata(path).unwrap().len()).collect();
    assert!((50..=600).contains(&files.len()), "{} inputs", files.len());
    assert!(sizes.iter().all(|size| *size <= INPUT_BYTES_MAX), "an input is too large");
    assert!(sizes.iter().sum::<u64>() <= CORPUS_BYTES_MAX, "the corpus is too large");
    for path in files {
        let bytes = fs::read(&path).unwrap();
        let result = std::panic::catch_unwind(|| run(&bytes));
        assert!(result.is_ok(), "{} breaks `{target}`", path.display());
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// Lists all files in a directory and below, sorted.
fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files_below(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

#[expect(clippy::disallowed_methods, reason = "a test's own switch")]
fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some()
}

/// Returns every key, allowed value and example of every schema, as libFuzzer reads a dictionary.
fn dictionary() -> String {
    let mut words: BTreeSet<String> = INDICATORS.iter().map(|&word| word.to_owned()).collect();
    for named in schema::ALL {
        gather(&(named.generate)(), &mut words);
    }
    let head = "# Written by a test from the schemas: UPDATE_SCHEMAS=1 cargo test --test it fuzz_corpus\n";
    let lines = words.iter().filter(|word| (1..=WORD_BYTES_MAX).contains(&word.len()));
    lines.fold(head.to_owned(), |text, word| format!("{text}\"{}\"\n", escaped(word)))
}

fn gather(schema: &Value, words: &mut BTreeSet<String>) {
    let texts = |value: &Value| -> Vec<String> {
        let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        values.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    match schema {
        Value::Object(keywords) => {
            for (keyword, value) in keywords {
                match keyword.as_str() {
                    "enum" | "const" | "examples" => words.extend(texts(value)),
                    "properties" => {
                        words.extend(value.as_object().into_iter().flatten().map(|(key, _)| key.clone()));
                    }
                    _ => {}
                }
                gather(value, words);
            }
        }
        Value::Array(branches) => branches.iter().for_each(|branch| gather(branch, words)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn escaped(word: &str) -> String {
    let byte = |byte: u8| match byte {
        b'"' => "\\\"".to_owned(),
        b'\\' => "\\\\".to_owned(),
        0x20..=0x7e => char::from(byte).to_string(),
        _ => format!("\\x{byte:02X}"),
    };
    word.bytes().map(byte).collect()
}
