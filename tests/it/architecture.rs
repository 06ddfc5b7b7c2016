//! The rooms of `src/` as the compiler cannot hold them: who may look into whom, and what every file owes
//! its reader. A new edge between rooms is a change of the table below, with its reason.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms in reading order, and the rooms that each may look into. A two-part entry, such as
/// `mpaas::signature_v1`, opens one name only.
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
    // The files' side alone: what the ledger calls content is what is approved.
    ("review", &["domain", "ledger", "resolve"]),
    ("guard", &["domain", "ledger", "diff", "review"]),
    ("plan", &["domain", "diagnostic", "ledger", "diff"]),
    ("state", &["domain", "ledger", "foreign"]),
    // Wraps a writer, so that every durable step is remembered; `state` asks it through what it is handed.
    ("witness", &["domain", "ledger", "state"]),
    ("mpaas", &["domain"]),
    ("apply", &["domain", "ledger", "plan", "state", "mpaas"]),
    // Only how a signature is computed, which the vendor's own vectors hold: were requests and replies
    // shared too, the mistakes of client and sandbox would cancel out.
    ("sandbox", &["domain", "mpaas::percent_encode", "mpaas::signature_v1", "mpaas::string_to_sign_v1"]),
    // Draws values of whichever room has them. Not `load`, `check`, `state` and `mpaas`: what those know
    // reaches people through the rooms below.
    ("render", &["domain", "diagnostic", "ledger", "diff", "review", "plan", "apply"]),
    // The shapes of files are handed in by `cli`, and so are the clock and the streams.
    ("lsp", &["domain", "diagnostic", "load", "check", "resolve", "format", "render"]),
    // What a comment says is handed in, and so are the token and the repository: it knows addresses and answers.
    ("forge", &["domain"]),
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
            "review",
            "guard",
            "plan",
            "state",
            "witness",
            "mpaas",
            "apply",
            "sandbox",
            "render",
            "lsp",
            "schema",
            "format",
            "forge",
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

/// A path from `crate`, `super` or `self` on.
#[derive(Debug)]
struct CodePath {
    line: usize,
    parts: Vec<String>,
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

/// Then they can be read one after the other, and each be understood by those before it. Parent and child are one to who
/// reads them.
#[test]
fn files_of_a_room_do_not_lead_back_to_each_other() {
    let found = circular(&modules());
    assert!(found.is_empty(), "imports that lead back to where they stand:\n{}", found.join("\n"));
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
        "use crate::mpaas::{",
        "    C, D,",
        "};",
        "use crate::{check, plan};",
        "let x = crate::diff::E;",
        "pub(in crate::cli) fn f() {}",
        "use crate::{apply::send::{F, G as g}, render as r, lsp::*, guard::{",
        "    self, held::H,",
        "}};",
        "let y = crate::load::I::<u8>::new();",
    ];
    let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
    let seen: Vec<String> = imports(&lines, 1)
        .iter()
        .map(|import| format!("{} {}::{}", import.line, import.room, import.name))
        .collect();
    let expected = [
        "1 load::model",
        "2 mpaas::C",
        "2 mpaas::D",
        "5 check::",
        "5 plan::",
        "6 diff::E",
        "7 cli::",
        "8 apply::send",
        "8 render::",
        "8 lsp::",
        "8 guard::",
        "8 guard::held",
        "11 load::I",
    ];
    assert_eq!(seen, expected);
}

#[test]
fn a_circle_is_seen_however_it_is_written() {
    let module = |name: &str, code: &str| Module {
        path: format!("src/room/{name}.rs"),
        room: "room".to_owned(),
        is_test: false,
        code: code.lines().map(str::to_owned).collect(),
        test_code: vec!["use crate::room::a::A;".to_owned()],
    };
    let mut modules = [
        module("mod", "use crate::room::a::A;"),
        module("a", "use crate::{domain, room::{self, b::{B, C}}};"),
        module("b", "use crate::room::Room;\n\nlet d = super::d::D::new();"),
        module("d/mod", "mod below;\npub use self::below::E;\nuse crate::room::end::End;"),
        module("d/below", "use super::D;\nlet a = crate::room::a::a();"),
        module("end", ""),
    ];
    assert_eq!(circular(&modules), [""; 0]);
    modules[3] = module("d/mod", "use crate::room::{a::A, end::End};");
    assert_eq!(
        circular(&modules),
        [
            "src/room/a.rs:1 → src/room/b.rs",
            "src/room/b.rs:3 → src/room/d/mod.rs",
            "src/room/d/mod.rs:1 → src/room/a.rs",
        ]
    );
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
    let of_crate = paths(lines, first_line).into_iter().filter(|path| path.parts[0] == "crate");
    let mut found: Vec<Import> = of_crate
        .map(|CodePath { line, parts }| {
            let part = |place: usize| parts.get(place).cloned().unwrap_or_default();
            Import { line, room: part(1), name: part(2) }
        })
        .collect();
    found.dedup();
    found
}

/// Every path that begins with `crate`, `super` or `self`, in `use` lines and elsewhere; where it goes on with braces, each
/// that is in them.
fn paths(lines: &[String], first_line: usize) -> Vec<CodePath> {
    let text = lines.join("\n");
    let mut found = Vec::new();
    for (place, separator) in text.match_indices("::") {
        let before = &text[..place];
        let head = before.rsplit(|letter| !is_of_name(letter)).next().expect("split gives one");
        let is_first = !before[..place - head.len()].ends_with("::");
        if is_first && ["crate", "super", "self"].contains(&head) {
            let line = first_line + before.matches('\n').count();
            let ends = branches(&text[place + separator.len()..]).into_iter();
            found.extend(ends.map(|end| CodePath { line, parts: [vec![head.to_owned()], end].concat() }));
        }
    }
    found
}

/// What a path goes on with, part by part: several where that is in braces.
fn branches(rest: &str) -> Vec<Vec<String>> {
    if let Some(group) = rest.strip_prefix('{') {
        return items(group).into_iter().flat_map(branches).collect();
    }
    let name = &rest[..rest.find(|letter| !is_of_name(letter)).unwrap_or(rest.len())];
    let part = if matches!(name, "" | "self") { Vec::new() } else { vec![name.to_owned()] };
    match rest[name.len()..].strip_prefix("::") {
        Some(below) => branches(below).into_iter().map(|end| [part.clone(), end].concat()).collect(),
        None => vec![part],
    }
}

/// What stands in a pair of braces that was opened just before, without the commas.
fn items(group: &str) -> Vec<&str> {
    let (mut found, mut begins, mut depth) = (Vec::new(), 0, 0);
    for (place, letter) in group.char_indices() {
        let ends = depth == 0 && matches!(letter, ',' | '}');
        if ends {
            found.push(group[begins..place].trim());
            begins = place + 1;
        }
        match letter {
            '{' => depth += 1,
            '}' if ends => break,
            '}' => depth -= 1,
            _ => {}
        }
    }
    found.retain(|item| !item.is_empty());
    found
}

fn is_of_name(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// Every import of a file of the same room from which that one leads back, by way of others or at once.
fn circular(modules: &[Module]) -> Vec<String> {
    let by_name: BTreeMap<Vec<&str>, &Module> =
        modules.iter().filter(|module| !module.is_test).map(|module| (module.name(), module)).collect();
    let mut imports: BTreeMap<&str, Vec<(&str, usize)>> = BTreeMap::new();
    for (name, module) in &by_name {
        for path in paths(&module.code, 1) {
            let Some(target) = file_of(&path, name, &by_name) else { continue };
            let other = target.name();
            if target.room == module.room && !name.starts_with(&other) && !other.starts_with(name) {
                imports.entry(&module.path).or_default().push((&target.path, path.line));
            }
        }
    }
    let leads_to = |from: &str, to: &str| {
        let (mut seen, mut next) = (BTreeSet::from([from]), vec![from]);
        while let Some(path) = next.pop() {
            let targets = imports.get(path).into_iter().flatten().map(|(target, _)| *target);
            next.extend(targets.filter(|target| seen.insert(target)));
        }
        seen.contains(to)
    };
    let mut found = Vec::new();
    for (path, targets) in &imports {
        let back = targets.iter().filter(|(target, _)| leads_to(target, path));
        found.extend(back.map(|(target, line)| format!("{path}:{line} → {target}")));
    }
    found.dedup();
    found
}

/// The file that a path in the file of that name leads to.
fn file_of<'modules>(
    path: &CodePath,
    name: &[&str],
    by_name: &BTreeMap<Vec<&str>, &'modules Module>,
) -> Option<&'modules Module> {
    let mut full: Vec<&str> = if path.parts[0] == "crate" { Vec::new() } else { name.to_vec() };
    for part in &path.parts {
        match part.as_str() {
            "crate" | "self" => {}
            "super" => drop(full.pop()),
            part => full.push(part),
        }
    }
    (1..=full.len()).rev().find_map(|length| by_name.get(&full[..length]).copied())
}

impl Module {
    /// Its name in the crate, part by part.
    fn name(&self) -> Vec<&str> {
        let path = self.path.strip_prefix("src/").and_then(|path| path.strip_suffix(".rs"));
        let path = path.expect("every module is a Rust file of `src`");
        path.strip_suffix("/mod").unwrap_or(path).split('/').collect()
    }
}
