use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::plan_format::PlanFormat;
use crate::cli::shell::Shell;
use crate::cli::{Globals, Result};
use crate::domain::CampaignId;
use crate::plan;

/// Show a saved plan again, stale or not
///
/// Reads the file and nothing else: no workspace, no ledger. With `-C`, paths begin with it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  campaignctl show plan.json")]
pub(in crate::cli) struct Args {
    /// The plan that `plan --out` saved
    #[arg(value_name = "PLAN")]
    plan: PathBuf,
    #[command(flatten)]
    format: PlanFormat,
}

pub(super) fn run(shell: &Shell, globals: &Globals, args: &Args) -> Result {
    args.format.prove()?;
    let plan = read(&args.plan)?;
    shell.is_about(&plan.environment);
    args.format.print(shell, &plan, &directory(globals))?;
    Ok(ExitStatus::Done)
}

/// Returns what the paths in a saved plan begin with: whose workspace it is of, only the caller knows.
pub(super) fn directory(globals: &Globals) -> PathBuf {
    globals.directory.clone().filter(|directory| directory != Path::new(".")).unwrap_or_default()
}

/// Reads a saved plan.
pub(super) fn read(path: &Path) -> Result<plan::PlanDocument> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        let name = path.to_str().and_then(|name| name.parse::<CampaignId>().ok());
        let help = match name.filter(|_| error.kind() == ErrorKind::NotFound) {
            Some(name) => format!(
                "make one with `campaignctl plan --out FILE`; to push one campaign, `campaignctl apply --only {name}`"
            ),
            None => "make one with `campaignctl plan --out FILE`".to_owned(),
        };
        Failure::new(ExitStatus::Written, format!("could not read the plan `{}`: {error}", path.display()))
            .help(help)
    })?;
    Ok(plan::from_json(&text)?)
}
