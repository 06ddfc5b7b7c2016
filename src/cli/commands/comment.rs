use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::cli::commands::show;
use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::forge_access::ForgeAccess;
use crate::cli::shell::Shell;
use crate::cli::{Globals, Result};
use crate::forge::{Done, Kept, Wanted, keep};
use crate::plan::{self, Outlook, PlanDocument};
use crate::render::{self, ReportDocument};

/// Largest plan or report that is read: a pull request may have made it.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// Comment on a pull request what a saved plan would push, or what became of it
///
/// Keeps one comment: finds its own by its first line, which names project, environment and `-C`, and edits it. Sets one of three
/// labels: push, blocked or none. Reads no workspace and no ledger, and is the only command that talks to a forge.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  campaignctl comment plan.json --forge github\n  campaignctl comment plan.json --forge gitlab --report report.json"
)]
pub(in crate::cli) struct Args {
    /// The plan that `plan --out` saved, of at most 4 MiB
    #[arg(value_name = "PLAN")]
    plan: PathBuf,
    /// What `apply PLAN --json` printed: the comment becomes its report
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    #[command(flatten)]
    access: ForgeAccess,
    /// What the labels `push`, `blocked` and `none` begin with
    #[arg(long, value_name = "PREFIX", default_value = "campaignctl-", value_parser = label_prefix)]
    label_prefix: String,
    /// Leave labels alone
    #[arg(long, conflicts_with = "label_prefix")]
    no_label: bool,
}

/// Takes a beginning that no forge reads as two labels, or as something else.
fn label_prefix(prefix: &str) -> std::result::Result<String, String> {
    let is_odd = |c: char| c.is_control() || matches!(c, ',' | '/' | '?' | '&');
    if prefix.chars().count() > 40 || prefix.contains(is_odd) || prefix != prefix.trim_start() {
        return Err("a label begins with a letter or sign, and has no comma, slash, `?` or `&`".to_owned());
    }
    Ok(prefix.to_owned())
}

pub(super) fn run(shell: &Shell, globals: &Globals, args: &Args) -> Result {
    let plan = plan::from_json(&read(&args.plan, "the plan")?)?;
    shell.is_about(&plan.environment);
    let report = args.report.as_deref().map(report).transpose()?;
    let text = shell.redacted(&text(shell, globals, args, &plan, report.as_ref()));
    let outlook = match &report {
        None => plan.outlook(),
        Some(report) if report.has_to_be_seen() => Outlook::Blocked,
        Some(_) => Outlook::Nothing,
    };
    let label = |outlook: Outlook| format!("{}{}", args.label_prefix, word(outlook));
    let (label, others) = (label(outlook), others(outlook).map(label));
    let labels = (label.as_str(), others.iter().map(String::as_str).collect());
    let wanted = Wanted { text: &text, labels: (!args.no_label).then_some(labels) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::of_system("could not begin", &error))?;
    let (kept, name) = runtime.block_on(async {
        let (client, name) = args.access.client(shell).await?;
        Ok::<_, Failure>((keep(&client, &wanted).await?, name))
    })?;
    told(shell, kept, &name, &label)
}

/// Says what was done. The comment is there, even where the label is not.
fn told(shell: &Shell, kept: Kept, name: &str, label: &str) -> Result {
    let comment = match kept.comment {
        Done::Created => "Commented on",
        Done::Edited => "Edited the comment on",
        Done::Nothing => "Nothing to change in the comment on",
    };
    let label = match &kept.label {
        Ok(true) => format!(", label `{label}`"),
        Ok(false) | Err(_) => String::new(),
    };
    shell.answer_in_words(&format!("{comment} {name}{label}.\n"))?;
    kept.label?;
    Ok(ExitStatus::Done)
}

fn word(outlook: Outlook) -> &'static str {
    match outlook {
        Outlook::Push => "push",
        Outlook::Blocked => "blocked",
        Outlook::Nothing => "none",
    }
}

fn others(outlook: Outlook) -> [Outlook; 2] {
    match outlook {
        Outlook::Push => [Outlook::Blocked, Outlook::Nothing],
        Outlook::Blocked => [Outlook::Push, Outlook::Nothing],
        Outlook::Nothing => [Outlook::Push, Outlook::Blocked],
    }
}

fn text(
    shell: &Shell,
    globals: &Globals,
    args: &Args,
    plan: &PlanDocument,
    report: Option<&ReportDocument>,
) -> String {
    let (directory, limits) = (show::directory(globals), args.access.comment_of().limits());
    match report {
        Some(report) => render::plan::markdown_after_apply(plan, report, &directory, limits, shell.caller()),
        None => render::plan::markdown(plan, &directory, limits, shell.caller()),
    }
}

fn report(path: &Path) -> Result<ReportDocument> {
    let help =
        "make one with `campaignctl apply PLAN --auto-approve --json`; an apply that was refused prints none";
    render::report_from_json(&read(path, "the report")?).map_err(|_| {
        let message = format!("`{}` is no report of an apply", path.display());
        Failure::new(ExitStatus::Written, message).help(help)
    })
}

/// Reads a file whole, unless it is larger than any that is asked for.
fn read(path: &Path, what: &str) -> Result<String> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text));
    read.map_err(|error| {
        let message = format!("could not read {what} `{}`: {error}", path.display());
        Failure::new(ExitStatus::Written, message).help("nothing was sent to the forge")
    })?;
    if text.len() as u64 > FILE_BYTES_MAX {
        let message = format!("`{}` has more than 4 MiB, which nobody reads in a comment", path.display());
        return Err(Failure::new(ExitStatus::Written, message).help(
            "nothing was sent to the forge; plan fewer campaigns at a time: `campaignctl plan --only NAMES`",
        ));
    }
    Ok(text)
}
