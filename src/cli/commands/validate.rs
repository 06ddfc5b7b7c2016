use std::mem::ManuallyDrop;
use std::path::Path;
use std::sync::Arc;

use crate::cli::exit::ExitStatus;
use crate::cli::session::{Reading, Session, read_audiences};
use crate::cli::shell::Shell;
use crate::cli::{Globals, Result};
use crate::diagnostic::{self, Code, Diagnostic};
use crate::domain::LedgerSalt;
use crate::load::PROJECT_FILE;
use crate::render::diagnostic as render;
use crate::resolve;

/// Check every file, and report every mistake
///
/// Reads the project file, every campaign file and every audience file; opens no ledger and no connection.
/// Exits 3 if there is an error; warnings alone exit 0.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  campaignctl validate --format github")]
pub(in crate::cli) struct Args {
    /// How to print diagnostics: for people, one JSON object a line, GitHub workflow annotations, a GitLab Code Quality report, or
    /// SARIF 2.1.0
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// The same as `--format json`
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Format {
    Text,
    Json,
    Github,
    Gitlab,
    Sarif,
}

pub(super) fn run(shell: &Shell, globals: &Globals, args: &Args) -> Result {
    let session = Session::new(shell, globals);
    session.prove_one_project()?;
    let Reading { checked, mut diagnostics } = session.read();
    // Any environment serves to read the audiences: they are the same in each.
    let environment =
        checked.project.as_ref().and_then(|project| project.environments.keys().next()).cloned();
    let mut audiences = resolve::named_audiences(&checked);
    if let Some(environment) = environment
        && let Ok(desired) = resolve::into_desired(checked, &environment)
    {
        // The process ends right after: what is large is left to the system to free.
        let desired = ManuallyDrop::new(desired);
        // These know what campaigns take from their rows.
        audiences
            .extend(desired.audiences.iter().map(|(name, audience)| (name.clone(), Arc::clone(audience))));
    }
    // Hashed with no ledger's salt, and forgotten at once.
    diagnostics.extend(read_audiences(&audiences, &LedgerSalt::new([0; 16]), |_, _| {}));
    diagnostic::sort(&mut diagnostics);
    let format = if args.json { Format::Json } else { args.format };
    match format {
        Format::Text => {
            let (for_editors, others): (Vec<Diagnostic>, Vec<Diagnostic>) =
                diagnostics.iter().cloned().partition(|diagnostic| diagnostic.code == Code::SchemaLine);
            // One is shown at its place; of several, that they are there.
            let shown = if for_editors.len() > 1 { &others } else { &diagnostics };
            if !shown.is_empty() {
                session.say_diagnostics(shown);
            }
            if for_editors.len() > 1 {
                shell.say(&format!(
                    "warning[{}]: {} files name no schema, or none that is there, so editors cannot check them: \
                     `{}` writes the schemas, `{}` lists the files\n\n",
                    Code::SchemaLine,
                    diagnostic::number(for_editors.len() as u64),
                    shell.caller().command("schema --out schema"),
                    shell.caller().command("validate --json"),
                ));
            }
            shell.answer(&format!("{}\n", render::summary(&diagnostics)))?;
        }
        Format::Json => shell.answer(&lines(&diagnostics, render::json))?,
        Format::Github => shell.answer_commands(&lines(&diagnostics, render::github))?,
        Format::Gitlab => {
            let project_file = Path::new(&session.shown_as()).join(PROJECT_FILE);
            shell.answer(&render::gitlab(&diagnostics, &project_file.to_string_lossy()))?;
        }
        Format::Sarif => shell.answer(&render::sarif(&diagnostics))?,
    }
    let has_errors = diagnostics.iter().any(Diagnostic::is_error);
    Ok(if has_errors { ExitStatus::Written } else { ExitStatus::Done })
}

fn lines(diagnostics: &[Diagnostic], line: fn(&Diagnostic) -> String) -> String {
    let lines: Vec<String> = diagnostics
        .iter()
        .map(|diagnostic| {
            format!(
                "{}
",
                line(diagnostic).trim_end()
            )
        })
        .collect();
    lines.concat()
}
