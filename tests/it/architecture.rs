//! The rooms of `src/` as the compiler cannot hold them: who may look into whom, and what every file owes
//! its reader. A new edge between rooms is a change of the table below, with its reason.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms in reading order, and the rooms that each may look into. A two-part entry, such as
/// `vendor::signature_v1`, opens one name only.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("diagnostic", &[]),
    // Two rooms call crates that panic on damaged input, and neither may look into the other.
    ("foreign", &[]),
    ("load", &["domain", "diagnostic", "foreign"]),
    ("check", &["domain", "diagnostic", "load"]),
    ("resolve", &["domain", "diagnostic", "load", "check"]),
    ("ledger", &["domain"]),
    ("diff", &["domain", "ledger", "resolve"]),
    ("guard", &["domain", "ledger", "diff"]),
    ("plan", &["domain", "diagnostic", "ledger", "diff"]),
    ("state", &["domain", "ledger", "foreign"]),
    // Wraps a writer, so that every durable step is remembered; `state` asks it through what it is handed.
    ("witness", &["domain", "ledger", "state"]),
    ("vendor", &["domain"]),
    ("apply", &["domain", "ledger", "plan", "state", "vendor"]),
    // Only how a signature is computed, which the vendor's own vectors hold: were requests and replies
    // shared too, the mistakes of client and sandbox would cancel out.
    ("sandbox", &["domain", "vendor::percent_encode", "vendor::signature_v1", "vendor::string_to_sign_v1"]),
    // Draws values of whichever room has them. Not `load`, `check`, `state` and `vendor`: what those know
    // reaches people through the rooms below.
    ("render", &["domain", "diagnostic", "ledger", "diff", "plan", "apply"]),
    // The shapes of files are handed in by `cli`, and so are the clock and the streams.
    ("lsp", &["domain", "diagnostic", "load", "check", "resolve", "format", "render"]),
    ("schema", &["load", "plan"]),
    // The order of keys is the schema's; where they stand, and that nothing says anything else, is `load`'s.
    ("format", &["diagnostic", "load", "schema"]),
    (
        "cli",
        &[
            "domain",
            "diagnostic",
            "load",
            "check",
            "resolve",
            "ledger",
            "diff",
            "guard",
            "plan",
            "state",
            "witness",
            "vendor",
            "apply",
            "sandbox",
            "render",
            "lsp",
            "schema",
            "format",
        ],
    ),
];

/// What unit tests may look into besides, because they state YAML in: the shapes that `load` validates with
/// are compiled by `schema`, which sits above `load`, and handed in.
const TESTS_MAY_ALSO: &[(&str, &[&str])] =
    &[("load", &["schema"]), ("check", &["schema"]), ("resolve", &["schema"]), ("lsp", &["schema"])];

/// Most lines of a file, its own `mod tests` aside.
const LINES_MAX: usize = 500;

/// A Rust file of a room.
struct Module {
    /// Its path from the repository's root.
    path: String,
    room: String,
    /// Whether all of it exists in tests only.
    is_test: bool,
    /// Its lines without comments, up to its `mod tests`, and from there.
    code: Vec<String>,
    test_code: Vec<String>,
}

/// A path from `crate::` on, cut after its second part.
#[derive(Debug, PartialEq, Eq)]
struct Import {
    line: usize,
    room: String,
    name: String,
}

#[test]
fn every_import_is_allowed() {
    let mut found = Vec::new();
    for module in modules() {
        let allowed = row(MAY_IMPORT, &module.room).expect("every room has a row");
        let also = row(TESTS_MAY_ALSO, &module.room).unwrap_or_default();
        let of_tests: Vec<&str> = allowed.iter().chain(also).copied().collect();
        let of_code: &[&str] = if module.is_test { &of_tests } else { allowed };
        for (lines, first_line, allowed) in
            [(&module.code, 1, of_code), (&module.test_code, module.code.len() + 1, &of_tests)]
        {
            for Import { line, room, name } in imports(lines, first_line) {
                let is_allowed = room == module.room
                    || allowed.contains(&room.as_str())
                    || allowed.contains(&format!("{room}::{name}").as_str());
                if !is_allowed {
                    found.push(format!("{}:{line}: {} → {room}::{name}", module.path, module.room));
                }
            }
        }
    }
    assert!(found.is_empty(), "imports that the table does not allow:\n{}", found.join("\n"));
}

#[test]
fn the_table_has_every_room_and_nothing_else() {
    let of_table: BTreeSet<String> = MAY_IMPORT.iter().map(|(room, _)| (*room).to_owned()).collect();
    let of_disk: BTreeSet<String> = modules().into_iter().map(|module| module.room).collect();
    assert_eq!(of_table, of_disk);
    let is_room = |entry: &&str| of_table.contains(entry.split("::").next().expect("split gives one"));
    for (room, allowed) in MAY_IMPORT.iter().chain(TESTS_MAY_ALSO) {
        assert!(allowed.iter().all(is_room), "{room} names a room that is none");
    }
}

/// `super` cannot be followed by a text scan, so it may not lead out of a room.
#[test]
fn no_path_climbs_out_of_its_room() {
    for module in modules() {
        let is_top = module.path.matches('/').count() == 2 && module.path.ends_with("/mod.rs");
        let climbs = |line: &&String| line.contains("super::super") || (is_top && line.contains("super::"));
        assert!(!module.code.iter().any(|line| climbs(&line)), "{} climbs out of its room", module.path);
    }
}

#[test]
fn every_module_begins_with_its_purpose() {
    for module in modules().into_iter().filter(|module| !module.is_test) {
        let text = fs::read_to_string(root().join(&module.path)).unwrap();
        // A command's file begins with its arguments, whose doc comment is the help text.
        let is_command = module.path.starts_with("src/cli/commands/") && text.contains("clap::Args");
        assert!(text.starts_with("//! ") || is_command, "{} does not say what it is for", module.path);
    }
}

#[test]
fn no_file_is_longer_than_a_reader_can_hold() {
    for module in modules() {
        let lines = module.code.len();
        assert!(module.is_test || lines <= LINES_MAX, "{} has {lines} lines", module.path);
    }
}

#[test]
fn no_test_file_is_forgotten() {
    let main = fs::read_to_string(root().join("tests/it/main.rs")).unwrap();
    for entry in fs::read_dir(root().join("tests/it")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let is_module = main.lines().any(|line| line == format!("mod {name};"));
        assert!(is_module || name == "main", "`{}` is no module of tests/it/main.rs", path.display());
    }
}

#[test]
fn the_scan_sees_every_form_of_path() {
    let lines = [
        "use crate::load::model::{A, B};",
        "use crate::vendor::{",
        "    C, D,",
        "};",
        "use crate::{check, plan};",
        "let x = crate::diff::E;",
        "pub(in crate::cli) fn f() {}",
    ];
    let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
    let seen: Vec<String> = imports(&lines, 1)
        .iter()
        .map(|import| format!("{} {}::{}", import.line, import.room, import.name))
        .collect();
    let expected =
        ["1 load::model", "2 vendor::C", "2 vendor::D", "5 check::", "5 plan::", "6 diff::E", "7 cli::"];
    assert_eq!(seen, expected);
}

fn row(
    table: &'static [(&'static str, &'static [&'static str])],
    room: &str,
) -> Option<&'static [&'static str]> {
    table.iter().find(|(name, _)| *name == room).map(|(_, allowed)| *allowed)
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file of every room, in the order of their paths.
fn modules() -> Vec<Module> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(root().join("src")).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            gather(&entry.path(), &mut paths);
        }
    }
    paths.sort();
    let of_tests = test_files(&paths);
    paths.iter().map(|path| module(path, of_tests.contains(path))).collect()
}

fn gather(directory: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            gather(&entry.path(), paths);
        } else if entry.path().extension().is_some_and(|extension| extension == "rs") {
            paths.push(entry.path());
        }
    }
}

/// The files that some `mod.rs` declares right below a `#[cfg(test)]`.
fn test_files(paths: &[PathBuf]) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for path in paths.iter().filter(|path| path.ends_with("mod.rs")) {
        let text = fs::read_to_string(path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for pair in lines.windows(2).filter(|pair| pair[0] == "#[cfg(test)]") {
            if let Some(name) = pair[1].strip_prefix("mod ").and_then(|rest| rest.strip_suffix(';')) {
                found.insert(path.with_file_name(format!("{name}.rs")));
            }
        }
    }
    found
}

fn module(path: &Path, is_test: bool) -> Module {
    let text = fs::read_to_string(path).unwrap();
    let mut code: Vec<String> =
        text.lines().map(|line| line.split("//").next().expect("split gives one").to_owned()).collect();
    let begins = code.windows(2).position(|pair| pair[0] == "#[cfg(test)]" && pair[1].ends_with('{'));
    let test_code = begins.map(|begins| code.split_off(begins)).unwrap_or_default();
    let path = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
    let room = path.split('/').nth(1).expect("a room is a directory of `src`").to_owned();
    Module { path, room, is_test, code, test_code }
}

/// Every path that begins with `crate::`, in `use` lines and elsewhere.
fn imports(lines: &[String], first_line: usize) -> Vec<Import> {
    let text = lines.join("\n");
    let mut found = Vec::new();
    for (place, prefix) in text.match_indices("crate::") {
        let line = first_line + text[..place].matches('\n').count();
        let rest = &text[place + prefix.len()..];
        for room in names(rest) {
            let below = rest.strip_prefix(&format!("{room}::"));
            let below = below.map_or_else(|| vec![String::new()], names);
            found.extend(below.into_iter().map(|name| Import { line, room: room.clone(), name }));
        }
    }
    found
}

/// The name that a path goes on with, or all of them where it goes on with braces.
fn names(rest: &str) -> Vec<String> {
    let name = |text: &str| -> String {
        text.trim().chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect()
    };
    match rest.strip_prefix('{') {
        Some(group) => {
            let group = group.split('}').next().expect("split gives one");
            group.split(',').map(name).filter(|name| !name.is_empty()).collect()
        }
        None => vec![name(rest)],
    }
}
