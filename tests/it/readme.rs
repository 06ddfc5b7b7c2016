//! What the README and the pages below `docs` show is what happens: their files validate, their commands print what
//! stands there, and their tables say what the tool says. The same for the generated list of diagnostic codes.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use campaignctl::diagnostic::Code;
use campaignctl::domain::{
    LengthUnit, SHOWING_RULES, ShowingSource, TEXT_LENGTHS_SOURCE, TEXT_LIMITS, TooLong,
};

use crate::corpus;
use crate::site::{NOW, Site};

/// The pages that are held to the tool.
const PAGES: [&str; 11] = [
    "README.md",
    "docs/ci.md",
    "docs/commands.md",
    "docs/comment.md",
    "docs/doubt.md",
    "docs/editors.md",
    "docs/install.md",
    "docs/ledger.md",
    "docs/review.md",
    "docs/wire.md",
    "docs/writing.md",
];

/// A fenced block of a page.
struct Block {
    /// The page.
    page: &'static str,
    /// The line of its first fence.
    line: usize,
    language: String,
    text: String,
}

/// What `campaignctl init` writes and a page shows too.
const SHOWN_ASSETS: [&str; 4] = ["github.yaml", "gitlab.yaml", "codeup.yaml", "vscode-settings.json"];

/// The files of one page make a workspace together.
#[test]
fn every_file_that_is_shown_validates() {
    let mut written = 0;
    for page in PAGES {
        let site = Site::with_samples();
        fs::remove_dir_all(site.path("campaigns")).unwrap();
        site.write("campaigns/campaignctl.yaml", corpus::PROJECT);
        for list in ["payroll", "newcomers"] {
            site.write(&format!("campaigns/audiences/{list}.csv"), "user_id,nickname\ncust-1001,Li\n");
        }
        let mut is_workspace = false;
        for block in blocks("yaml").into_iter().filter(|block| block.page == page) {
            let first = block.text.lines().next().unwrap_or_default();
            let is_modeline_alone =
                block.text.lines().count() == 1 && first.starts_with("# yaml-language-server:");
            if let Some(path) = first.strip_prefix("# campaigns/") {
                site.write(&format!("campaigns/{path}"), &block.text);
                (is_workspace, written) = (true, written + 1);
            } else if first.starts_with("# .") {
                // A file of a forge or of a tool: `ci` lints those, and runs what they run.
            } else if !is_modeline_alone {
                let is_asset = SHOWN_ASSETS.iter().any(|name| asset(name) == block.text);
                assert!(is_asset, "{page}:{}: neither a workspace's file nor what `init` writes", block.line);
            }
        }
        if is_workspace {
            let ran = site.run(&["validate"]).exits(0);
            assert_eq!(ran.stdout, "no mistakes found\n", "{page}: {}", ran.stderr);
        }
    }
    assert!(written >= 3, "the pages show a project file and campaign files");
}

#[test]
fn what_init_writes_is_shown_as_it_is() {
    let shown: Vec<String> =
        blocks("yaml").into_iter().chain(blocks("json")).map(|block| block.text).collect();
    for name in SHOWN_ASSETS {
        assert!(shown.contains(&asset(name)), "no page shows assets/init/{name} as it is");
    }
}

/// What the README's picture was made of: a campaign that was joined, and one that was edited after it was sent.
const PICTURED: &str = "\
$ echo cust-1024 >> campaigns/audiences/locked.txt
$ sed -i 's/expires_after: 12h/expires_after: 6h/' campaigns/payday.yaml
$ CLICOLOR_FORCE=1 campaignctl plan
";

/// Draws it anew where `UPDATE_DOCS` is set.
#[test]
#[expect(clippy::disallowed_methods, reason = "a developer asks for it")]
fn the_picture_is_of_what_a_plan_prints() {
    let site = Site::with_samples();
    site.apply().exits(0);
    let printed = ran(&site, PICTURED).replace("CLICOLOR_FORCE=1 ", "");
    assert!(printed.contains("\u{1b}["), "it has colours");
    let drawn =
        anstyle_svg::Term::new().palette(anstyle_svg::WIN10_CONSOLE).render_svg(printed.trim_end()) + "\n";
    let path = root().join("docs/plan.svg");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &drawn).unwrap();
    }
    assert!(
        fs::read_to_string(&path).unwrap() == drawn,
        "docs/plan.svg is behind: run UPDATE_DOCS=1 cargo test --test it readme"
    );
}

/// A page that nobody finds helps nobody, and a link that leads nowhere less.
#[test]
fn every_page_is_linked_from_the_readme_and_every_link_leads_somewhere() {
    let readme = text("README.md");
    for entry in fs::read_dir(root().join("docs")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "md") {
            let name = path.file_name().and_then(|name| name.to_str()).expect("a page's name is text");
            assert!(readme.contains(&format!("(docs/{name})")), "the README does not lead to docs/{name}");
        }
    }
    for page in PAGES {
        let text = text(page);
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.contains("://") || link.starts_with('#') {
                continue;
            }
            let path = link.split('#').next().expect("a split gives at least one part");
            let beside = root().join(page).parent().expect("a page is in a directory").join(path);
            assert!(beside.exists(), "{page} links to {link}, which is not there");
        }
    }
}

/// Each block runs in a fresh copy of the samples. They were applied before, except where the block itself
/// builds and applies them.
#[test]
fn every_command_prints_what_is_shown() {
    let blocks = blocks("console");
    assert!(!blocks.is_empty());
    for block in blocks {
        let site = Site::with_samples();
        if !block.text.contains("$ cargo run") {
            site.apply().exits(0);
        }
        let place = format!("{}:{}", block.page, block.line);
        if let Err(difference) =
            snapbox::Assert::new().try_eq(Some(&place), ran(&site, &block.text).into(), block.text.into())
        {
            panic!("{difference}");
        }
    }
}

#[test]
fn every_command_line_that_is_shown_is_one() {
    let mut seen = 0;
    for block in ["sh", "yaml"].into_iter().flat_map(blocks) {
        for line in block.text.lines() {
            let line = line.trim().trim_start_matches("- ").trim_start_matches("run: ");
            if !line.starts_with("campaignctl ") {
                continue;
            }
            // What a shell makes of its exit code is no part of it.
            let line = line.split(" || ").next().unwrap_or_default();
            let line = line.split(" >> ").next().unwrap_or_default();
            // Found by the lines above it.
            let line = line.replace("\"$number\"", "1");
            // Flags and words are read from the left, and help ends the reading.
            let output = shell(&Site::with_samples(), &format!("{line} --help")).output().unwrap();
            assert!(
                output.status.success(),
                "{}:{}: {line}\n{}",
                block.page,
                block.line,
                String::from_utf8_lossy(&output.stderr)
            );
            seen += 1;
        }
    }
    assert!(seen >= 5, "{seen}");
}

#[test]
fn the_exit_codes_are_those_of_help() {
    let help = help();
    let (_, of_help) = help.split_once("Exit codes:\n").expect("`--help` lists the exit codes");
    let mut of_help: Vec<(String, String)> = of_help.lines().filter_map(code_and_meaning).collect();
    let table: Vec<(String, String)> = rows()
        .into_iter()
        .filter(|row| row.len() == 2 && row[0].bytes().all(|byte| byte.is_ascii_digit()))
        .map(|row| (row[0].clone(), row[1].clone()))
        .collect();
    of_help.dedup();
    assert!(of_help.len() > 10);
    assert_eq!(table, of_help);
}

#[test]
fn every_command_of_help_has_a_row() {
    let help = help();
    let of_help: Vec<String> = commands_of(&help).iter().map(|name| format!("`{name}`")).collect();
    let known: Vec<String> = rows().into_iter().map(|row| row[0].clone()).collect();
    assert!(of_help.len() > 10);
    for name in of_help {
        assert!(known.contains(&name), "docs/commands.md lacks {name}");
    }
}

/// The table says that help has one.
#[test]
fn help_of_every_command_has_an_example() {
    let site = Site::with_samples();
    let (mut left, mut seen) = (vec![Vec::new()], 0);
    while let Some(command) = left.pop() {
        let help = site.run(&[&command[..], &["--help"]].concat()).exits(0).stdout;
        for name in commands_of(&help) {
            // clap's own.
            if name != "help" {
                let name: &str = name.leak();
                left.push([&command[..], &[name]].concat());
            }
        }
        if command.is_empty() {
            continue;
        }
        let spoken = command.join(" ");
        let (_, examples) =
            help.split_once("Example").unwrap_or_else(|| panic!("`{spoken} --help` has no example"));
        // An editor's settings are another kind of example.
        for line in examples.lines().map(str::trim).filter(|line| line.starts_with("campaignctl ")) {
            assert!(line.contains(command[0]), "{spoken}: {line}");
            // What the shell does with it is not the tool's.
            let own = [" | ", " && ", " > "]
                .iter()
                .fold(line, |line, mark| line.split(mark).next().unwrap_or(line));
            let output = shell(&site, &format!("{own} --help")).output().unwrap();
            assert!(output.status.success(), "{spoken}: {line}\n{}", String::from_utf8_lossy(&output.stderr));
            seen += 1;
        }
    }
    assert!(seen > 25, "{seen}");
}

/// The names in the list of commands of a help text; none where it has none.
fn commands_of(help: &str) -> Vec<String> {
    let Some((_, commands)) = help.split_once("Commands:\n") else { return Vec::new() };
    let (commands, _) = commands.split_once("\n\n").expect("the list ends");
    commands
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

/// Rewrites the page where `UPDATE_DOCS` is set.
#[test]
#[expect(clippy::disallowed_methods, reason = "how a developer asks this test to write")]
fn the_page_of_diagnostics_lists_every_code() {
    let path = root().join("docs/diagnostics.md");
    let page = diagnostics_page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &page).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == page,
        "docs/diagnostics.md is behind: run UPDATE_DOCS=1 cargo test --test it readme"
    );
}

/// Rewrites the page where `UPDATE_DOCS` is set.
#[test]
#[expect(clippy::disallowed_methods, reason = "a developer asks for it")]
fn the_page_of_showing_has_every_rule_with_who_says_so() {
    let (path, page) = (root().join("docs/showing.md"), showing_page());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &page).unwrap();
    }
    assert_eq!(
        fs::read_to_string(&path).unwrap_or_default(),
        page,
        "docs/showing.md is behind: run UPDATE_DOCS=1 cargo test --test it readme"
    );
}

fn showing_page() -> String {
    let mut page = SHOWING_BEGINNING.to_owned();
    for rule in &SHOWING_RULES {
        let sources: Vec<String> = rule.sources.iter().map(|source| source.number().to_string()).collect();
        let provided = rule.provided.map(|provided| format!(", if {provided}")).unwrap_or_default();
        let (number, phones) = (rule.number(), rule.phones.as_str());
        let (of, words, sources) = (rule.of, rule.words, sources.join(", "));
        writeln!(page, "| {number} | {phones} | {of} | {words}{provided} | {sources} |").unwrap();
    }
    let (source, address) = TEXT_LENGTHS_SOURCE;
    write!(page, "\n## Lengths\n\nFrom [{source}]({address}).\n\n| phones | title | body | counted in | a longer one |\n").unwrap();
    page.push_str("|---|---|---|---|---|\n");
    for limits in TEXT_LIMITS {
        let unit = match limits.unit {
            LengthUnit::Characters => "characters",
            LengthUnit::HalfWidths => "characters, a Chinese one as two",
        };
        let then = match limits.too_long {
            TooLong::Dropped => "is dropped with the push",
            TooLong::Shortened => "is shown up to there",
        };
        let (phones, title, body) = (limits.phones.as_str(), limits.title, limits.body);
        writeln!(page, "| {phones} | {title} | {body} | {unit} | {then} |").unwrap();
    }
    page.push_str("\n## Sources\n\nRead in November 2026.\n\n");
    for source in ShowingSource::ALL {
        let title = source.title();
        let named =
            source.address().map_or_else(|| title.to_owned(), |address| format!("[{title}]({address})"));
        writeln!(page, "{}. {named}", source.number()).unwrap();
    }
    page
}

const SHOWING_BEGINNING: &str = "\
# Where and how a message shows

Phone vendors treat messages by their class: marketing lands silently in the notification drawer, and what the vendor approved as a
service rings on the lock screen. A campaign's `classification` ([writing.md](writing.md)) says which class it is. `plan` says
what comes of it: the line `shows:` of each campaign, and the column *how it rings* of `--format markdown`.
`plan --format html` draws it as well, with the title and body cut at each vendor's length, at their longest: where people have
values of their own (`values_from`), the row that makes the text the widest is measured, and its values are masked.

No rule was tried on a phone. What a person sets there counts for more than any of them, and vendors change their rules without
notice. Where no page says anything, the plan says *not known*. Made by `UPDATE_DOCS=1 cargo test --test it readme`.

## Rules

| | phones | messages | where and how | source |
|---|---|---|---|---|
";

fn diagnostics_page() -> String {
    let mut page = String::from(
        "# Diagnostics\n\n\
         Every code that `campaignctl validate` and `plan` can report. Codes are stable: machines may match on\n\
         them (`validate --format json`). Each has a page, which `campaignctl explain CODE` prints, and most have a\n\
         bad workspace, whose `expected.txt` shows the whole report. Written by a test from\n\
         `src/diagnostic/code.rs`.\n\n\
         | code | meaning | report |\n|---|---|---|\n",
    );
    for code in Code::ALL {
        let reports = ["invalid", "plan"].map(|corpus| format!("tests/corpus/{corpus}/{code}/expected.txt"));
        let report = reports.into_iter().find(|report| root().join(report).is_file());
        let report = report.map(|report| format!("[report](../{report})")).unwrap_or_default();
        writeln!(page, "| [`{code}`](codes/{code}.md) | {} | {report} |", code.summary()).unwrap();
    }
    page
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(page: &str) -> String {
    fs::read_to_string(root().join(page)).unwrap_or_else(|error| panic!("{page}: {error}"))
}

fn asset(name: &str) -> String {
    fs::read_to_string(root().join("assets/init").join(name)).unwrap()
}

fn help() -> String {
    Site::with_samples().run(&["--help"]).exits(0).stdout
}

/// `  9    a plan or a schedule has expired` as its two parts.
fn code_and_meaning(line: &str) -> Option<(String, String)> {
    let (code, meaning) = line.trim().split_once(' ')?;
    Some((code.to_owned(), meaning.trim().to_owned()))
}

/// The cells of every row of every table of the page of commands, heads included.
fn rows() -> Vec<Vec<String>> {
    let page = text("docs/commands.md");
    let row = |line: &str| -> Option<Vec<String>> {
        let cells = line.strip_prefix("| ")?.strip_suffix(" |")?;
        Some(cells.split(" | ").map(|cell| cell.trim().to_owned()).collect())
    };
    page.lines().filter_map(row).collect()
}

/// The fenced blocks of a language on all pages, with every line break as it stands.
fn blocks(language: &str) -> Vec<Block> {
    PAGES.into_iter().flat_map(|page| blocks_of(page, language)).collect()
}

fn blocks_of(page: &'static str, language: &str) -> Vec<Block> {
    let mut found: Vec<Block> = Vec::new();
    let mut is_open = false;
    for (place, line) in text(page).lines().enumerate() {
        // A fence may stand in a list, indented with it.
        match line.trim_start().strip_prefix("```") {
            Some(language) if !is_open => {
                let language = language.to_owned();
                found.push(Block { page, line: place + 1, language, text: String::new() });
                is_open = true;
            }
            Some(_) => is_open = false,
            None if is_open => {
                let block = found.last_mut().expect("an open block was pushed");
                block.text.push_str(line);
                block.text.push('\n');
            }
            None => {}
        }
    }
    found.retain(|block| block.language == language);
    found
}

/// Runs the `$ ` lines of a block, and returns the block as it should be, with what changes from run to run
/// as the README has it.
fn ran(site: &Site, block: &str) -> String {
    let mut script = String::from("exec 2>&1\ncargo() { shift 2; campaignctl \"$@\"; }\n");
    for command in block.lines().filter_map(|line| line.strip_prefix("$ ")) {
        let quoted = command.replace('\'', r"'\''");
        // What is printed in between must not hide the status that a next command may ask for.
        writeln!(script, "status=$?; printf '%s\\n' '$ {quoted}'; (exit $status)\n{command}").unwrap();
    }
    let output = shell(site, &script).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    printed.lines().flat_map(|line| [steady(line), "\n".to_owned()]).collect()
}

#[expect(clippy::disallowed_methods, reason = "`sh` and what the blocks call are found by it")]
fn shell(site: &Site, script: &str) -> Command {
    let binary = PathBuf::from(env!("CARGO_BIN_EXE_campaignctl"));
    let own = binary.parent().expect("a binary is in a directory").display().to_string();
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = Command::new("sh");
    command
        .args(["-c", script])
        .current_dir(site.path("."))
        .env_clear()
        .env("PATH", format!("{own}:{path}"))
        .env("CAMPAIGNCTL_NOW", NOW)
        .env("COLUMNS", "80")
        .env("USER", "ann");
    command
}

/// How long an apply took, and the second in which a campaign was sent, are a machine's affair.
fn steady(line: &str) -> String {
    if let Some((_, counts)) = line.split_once(" s: ").filter(|_| line.starts_with("Applied in ")) {
        return format!("Applied in 0.4 s: {counts}");
    }
    match line.split_once("sent on 2026-11-24T02:0") {
        Some((before, _)) => format!("{before}sent on 2026-11-24T02:00:00Z"),
        None => line.to_owned(),
    }
}
