use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::cli::{Globals, Result};
use crate::diagnostic::{Diagnostic, Source};
use crate::format::{self, FileKind, LeftAlone};
use crate::load::{self, Boundary};
use crate::render;
use crate::render::text::count;

/// What stands for standard input among the files.
const STANDARD_INPUT: &str = "-";

/// Format YAML files: indentation, quotes, order of keys
///
/// Sorts keys as the schema has them, between blank lines; names keep their order. Comments and the meaning of a file stay: the
/// result is read again to prove that. A file that cannot be read is left as it is.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  campaignctl fmt --check")]
pub(in crate::cli) struct Args {
    /// Files, or directories of files; `-` reads standard input and writes standard output [default: all of
    /// the workspace]
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Write nothing; show what would change, and exit 3 if anything would
    #[arg(long)]
    check: bool,
    /// File name of what `-` reads: the project file has its own order of keys
    #[arg(long, value_name = "FILE", default_value = "campaigns.yaml")]
    stdin_filename: String,
}

/// What became of the files.
#[derive(Default)]
struct Tally {
    changed: u64,
    unchanged: u64,
    mistakes: Vec<Diagnostic>,
    /// Files that no formatting leaves as they are.
    beyond: Vec<String>,
}

pub(super) fn run(shell: &Shell, globals: &Globals, args: &Args) -> Result {
    let session = Session::new(shell, globals);
    if args.files.iter().any(|path| path.as_os_str() == STANDARD_INPUT) {
        return standard_input(&session, args);
    }
    let mut tally = Tally::default();
    for file in files(&session, args, &mut tally.mistakes) {
        one(shell, &file, args.check, &mut tally)?;
    }
    let Tally { changed, unchanged, mistakes, beyond } = tally;
    let verb = if args.check { "would be formatted" } else { "formatted" };
    shell.answer(&format!("{} {verb}, {unchanged} unchanged\n", count(changed, "file")))?;
    refused(&session, &mistakes, beyond)?;
    Ok(if args.check && changed > 0 { ExitStatus::Written } else { ExitStatus::Done })
}

/// A file that was asked for.
struct Asked {
    path: PathBuf,
    /// Its path as messages show it.
    shown_as: String,
    /// Where it may really lie.
    boundary: Arc<Boundary>,
}

/// Lists the files that were asked for.
fn files(session: &Session<'_>, args: &Args, mistakes: &mut Vec<Diagnostic>) -> Vec<Asked> {
    let mut found = Vec::new();
    // Of a directory that is no workspace, files may be anybody's.
    if args.files.is_empty()
        && let Some(mistake) = load::no_project(session.directory(), &session.shown_as())
    {
        mistakes.push(mistake);
        return found;
    }
    let mut below = |directory: &Path, shown_as: &str, boundary: &Arc<Boundary>| {
        let (files, of_files) = load::files(directory, shown_as);
        mistakes.extend(of_files);
        let asked = |(path, shown_as)| Asked { path, shown_as, boundary: Arc::clone(boundary) };
        files.into_iter().map(asked).collect::<Vec<_>>()
    };
    if args.files.is_empty() {
        found = below(session.directory(), &session.shown_as(), session.boundary());
    }
    for path in &args.files {
        let shown_as = path.to_string_lossy();
        if path.is_dir() {
            found.extend(below(path, &shown_as, &boundary(session, path, path)));
        } else {
            let directory = path.parent().unwrap_or(Path::new(""));
            let boundary = boundary(session, path, directory);
            found.push(Asked { path: path.clone(), shown_as: shown_as.into_owned(), boundary });
        }
    }
    found
}

/// Returns where a path that was named may lead: within the workspace if it is one of it, else within its own directory.
fn boundary(session: &Session<'_>, path: &Path, directory: &Path) -> Arc<Boundary> {
    let absolute = |path: &Path| std::path::absolute(path).ok();
    let is_of_workspace = absolute(path)
        .zip(absolute(session.directory()))
        .is_some_and(|(path, workspace)| path.starts_with(workspace));
    if is_of_workspace {
        return Arc::clone(session.boundary());
    }
    Arc::new(Boundary::new(directory.to_owned(), Vec::new()))
}

fn one(shell: &Shell, asked: &Asked, is_check: bool, tally: &mut Tally) -> Result<()> {
    let Asked { path, shown_as, boundary } = asked;
    // With the byte-order mark that a text of ours does not have.
    let before = match load::read_whole(boundary, path, shown_as) {
        Ok(text) => text,
        Err(mistake) => {
            tally.mistakes.push(mistake);
            return Ok(());
        }
    };
    let text = load::without_mark(&before).to_owned();
    let formatted = match format::format(&Source::new(shown_as.clone(), text), FileKind::of_path(shown_as)) {
        Ok(formatted) => formatted,
        Err(LeftAlone::Mistakes(mistakes)) => {
            tally.mistakes.extend(mistakes);
            return Ok(());
        }
        Err(LeftAlone::WouldChange) => {
            tally.beyond.push(format!("`{shown_as}`"));
            return Ok(());
        }
    };
    if before == formatted {
        tally.unchanged += 1;
        return Ok(());
    }
    tally.changed += 1;
    if is_check {
        return shell.answer(&render::format::diff(shown_as, &before, &formatted));
    }
    replace(boundary, path, &formatted).map_err(|error| {
        Failure::new(ExitStatus::Other, format!("could not write `{shown_as}`: {error}"))
            .help("the file is as it was")
    })?;
    shell.answer(&format!("formatted {}\n", render::text::plain(shown_as)))
}

/// Replaces a file whole or not at all; what a symbolic link leads to, and not the link. Writes nothing outside.
fn replace(boundary: &Boundary, path: &Path, text: &str) -> std::io::Result<()> {
    let path = boundary.real_yaml(path)?;
    let permissions = fs::metadata(&path)?.permissions();
    let directory = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(text.as_bytes())?;
    file.as_file().set_permissions(permissions)?;
    file.persist(&path).map(drop).map_err(|error| error.error)
}

/// For editors: the text comes in and goes out.
fn standard_input(session: &Session<'_>, args: &Args) -> Result {
    if args.files.len() > 1 {
        let failure = Failure::new(ExitStatus::Written, "`-` stands for all there is to format");
        return Err(failure.help("format files and standard input by a command each"));
    }
    let (shell, name) = (session.shell, &args.stdin_filename);
    let mut text = String::new();
    let read = std::io::stdin().read_to_string(&mut text);
    read.map_err(|error| {
        let failure = Failure::new(ExitStatus::Written, format!("could not read standard input: {error}"));
        failure.help("it must be UTF-8 text")
    })?;
    let source = match load::checked_text(&text, name) {
        Ok(checked) => Source::new(name.clone(), checked),
        Err(mistake) => return refused(session, &[mistake], Vec::new()).map(|()| ExitStatus::Written),
    };
    match format::format(&source, FileKind::of_path(name)) {
        Ok(formatted) if !args.check => shell.answer_bytes(&formatted).map(|()| ExitStatus::Done),
        Ok(formatted) if formatted == text => Ok(ExitStatus::Done),
        Ok(formatted) => {
            shell.answer(&render::format::diff(name, &text, &formatted)).map(|()| ExitStatus::Written)
        }
        Err(LeftAlone::Mistakes(mistakes)) => {
            refused(session, &mistakes, Vec::new()).map(|()| ExitStatus::Written)
        }
        Err(LeftAlone::WouldChange) => {
            refused(session, &[], vec![format!("`{name}`")]).map(|()| ExitStatus::Written)
        }
    }
}

/// Says which files were left as they are, and why.
fn refused(session: &Session<'_>, mistakes: &[Diagnostic], beyond: Vec<String>) -> Result<()> {
    if !mistakes.is_empty() {
        session.say_diagnostics(mistakes);
        let failure = Failure::new(ExitStatus::Written, render::diagnostic::summary(mistakes));
        return Err(failure.help("files with mistakes are as they were"));
    }
    if beyond.is_empty() { Ok(()) } else { Err(beyond_us(beyond)) }
}

/// Says that formatting is at fault, and not the files.
fn beyond_us(files: Vec<String>) -> Failure {
    let message = "left unchanged, because formatting would change their meaning";
    Failure::new(ExitStatus::Written, message).items(files).help(
        "nothing is wrong with them, and every other command takes them: please report what they look like",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_formatting_would_change_is_not_blamed() {
        let failure = beyond_us(vec!["`campaigns/a.yaml`".to_owned()]);
        insta::assert_snapshot!(anstream::adapter::strip_str(&failure.to_string()), @r"
        error: left unchanged, because formatting would change their meaning
          - `campaigns/a.yaml`
        help: nothing is wrong with them, and every other command takes them: please report what they look like
        ");
    }
}
