//! How `plan` and `show` print a plan.

use std::path::Path;

use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::shell::Shell;
use crate::plan::{self, PlanDocument};
use crate::render::{self, CommentLimits};

/// Characters of a comment that every forge takes but Huawei's `CodeArts`, which takes 8 000.
const COMMENT_CHARS_MAX: usize = 60_000;

/// A forge whose comments have limits of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(in crate::cli) enum CommentOf {
    Github,
    Gitlab,
    Gitee,
    Codeup,
    Codearts,
}

impl CommentOf {
    /// Returns what the forge takes.
    pub(in crate::cli) fn limits(self) -> CommentLimits {
        let (chars_max, has_emoji) = match self {
            // “body is too long (maximum is 65536 characters)”, its API answers.
            Self::Github => (65_536, true),
            Self::Gitlab | Self::Gitee => (COMMENT_CHARS_MAX, true),
            // <https://help.aliyun.com/zh/yunxiao/developer-reference/createchangerequestcomment>, 2026-12-01.
            Self::Codeup => (65_535, true),
            Self::Codearts => (8_000, false),
        };
        CommentLimits { chars_max, has_emoji }
    }
}

/// How a plan is asked for.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct PlanFormat {
    /// How to print the plan: for people, as JSON, as a comment for a pull request, as a page, or as a calendar
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// The same as `--format json`: the plan as `--out` saves it
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// Fit the Markdown into so many characters [default: 60000]; it says what it left out
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1000..))]
    max_chars: Option<u32>,
    /// Fit the Markdown to what this forge takes as a comment
    #[arg(long, value_enum, value_name = "FORGE", conflicts_with = "max_chars")]
    forge: Option<CommentOf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Text,
    Json,
    Markdown,
    Html,
    Ics,
}

impl PlanFormat {
    /// Whether the plan is printed for programs.
    pub(in crate::cli) fn is_json(&self) -> bool {
        self.json || self.format == Format::Json
    }

    /// Refuses what means nothing together.
    pub(in crate::cli) fn prove(&self) -> Result<(), Failure> {
        let only_markdown = [("--max-chars", self.max_chars.is_some()), ("--forge", self.forge.is_some())];
        match only_markdown.iter().find(|(_, is_given)| *is_given) {
            Some((option, _)) if self.format != Format::Markdown => {
                Err(Failure::new(ExitStatus::Written, format!("`{option}` is for `--format markdown`"))
                    .help("leave it out, or add `--format markdown`"))
            }
            _ => Ok(()),
        }
    }

    /// Prints the plan as it is asked for. Paths begin with `directory`.
    pub(in crate::cli) fn print(
        &self,
        shell: &Shell,
        plan: &PlanDocument,
        directory: &Path,
    ) -> Result<(), Failure> {
        let text = match self.format {
            _ if self.is_json() => render::escape::json(&plan::to_json(plan)).into_owned(),
            Format::Text | Format::Json => render::plan::plan(plan, directory, shell.width(), shell.caller()),
            Format::Markdown => {
                let of_number = || self.max_chars.map_or(COMMENT_CHARS_MAX, |number| number as usize);
                let of_forge = self.forge.map(CommentOf::limits);
                let limits = of_forge.unwrap_or_else(|| CommentLimits::of_length(of_number()));
                render::plan::markdown(plan, directory, limits, shell.caller())
            }
            Format::Html => {
                return shell.answer_document(&render::plan::html(plan, directory, shell.caller()));
            }
            Format::Ics => return shell.answer_document(&render::plan::ics(plan)),
        };
        shell.answer(&text)
    }
}
