//! How `plan` and `show` print a plan.

use std::path::Path;

use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::shell::Shell;
use crate::plan::{self, PlanDocument};
use crate::render;

/// Characters of a comment that every forge takes but Huawei's `CodeArts`, which takes 8 000.
const COMMENT_CHARS_MAX: u32 = 60_000;

/// How a plan is asked for.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct PlanFormat {
    /// How to print the plan: for people, as JSON, or as a comment for a pull request
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// The same as `--format json`: the plan as `--out` saves it
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// Fit the Markdown into so many characters [default: 60000]; it says what it left out
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1000..))]
    max_chars: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Text,
    Json,
    Markdown,
}

impl PlanFormat {
    /// Whether the plan is printed for programs.
    pub(in crate::cli) fn is_json(&self) -> bool {
        self.json || self.format == Format::Json
    }

    /// Refuses what means nothing together.
    pub(in crate::cli) fn prove(&self) -> Result<(), Failure> {
        if self.max_chars.is_some() && self.format != Format::Markdown {
            return Err(Failure::new(ExitStatus::Written, "`--max-chars` is for `--format markdown`")
                .help("leave it out, or add `--format markdown`"));
        }
        Ok(())
    }

    /// Returns the plan as it is asked for. Paths begin with `directory`.
    pub(in crate::cli) fn printed(&self, shell: &Shell, plan: &PlanDocument, directory: &Path) -> String {
        match self.format {
            _ if self.is_json() => render::escape::json(&plan::to_json(plan)).into_owned(),
            Format::Text | Format::Json => render::plan::plan(plan, directory, shell.width(), shell.caller()),
            Format::Markdown => {
                let chars_max = self.max_chars.unwrap_or(COMMENT_CHARS_MAX) as usize;
                render::plan::markdown(plan, directory, chars_max, shell.caller())
            }
        }
    }
}
