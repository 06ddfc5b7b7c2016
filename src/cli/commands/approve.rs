use std::path::PathBuf;

use crate::cli::completion;
use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::cli::{Globals, Result};
use crate::diagnostic::Code;
use crate::domain::{CampaignId, is_signer_name, render};
use crate::render as drawn;

/// Names who signs.
const SIGNER: &str = "CAMPAIGNCTL_SIGNER";
/// Names the key.
const SIGNING_KEY: &str = "CAMPAIGNCTL_SIGNING_KEY";

/// Sign a campaign's line of the review lock
///
/// Shows what the line approves, asks, and has `ssh-keygen` sign it into `review/approvals/`. Commit that file: where the
/// environment's `approvals` ask for it, `apply` proves it against the machine's allowed signers.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  campaignctl -e production approve payday --as ann --key ann.pub")]
pub(in crate::cli) struct Args {
    /// The campaign
    #[arg(value_name = "NAME", add = clap_complete::engine::ArgValueCandidates::new(completion::campaigns))]
    campaign: String,
    /// Who signs, as the allowed signers file names you [default: `CAMPAIGNCTL_SIGNER`]
    #[arg(long = "as", value_name = "WHO")]
    who: Option<String>,
    /// Your SSH key, or its public half if an agent has it [default: `CAMPAIGNCTL_SIGNING_KEY`]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Do not ask; required without a terminal
    #[arg(long)]
    auto_approve: bool,
}

pub(super) fn run(shell: &Shell, globals: &Globals, args: &Args) -> Result {
    let session = Session::new(shell, globals);
    let desired = session.desired(None)?;
    let refuse = |message: String, help: &str| {
        Err(Failure::new(ExitStatus::Written, message).help(format!("nothing was signed. {help}")))
    };
    let Some(who) = args.who.clone().or_else(|| shell.variable(SIGNER)) else {
        return refuse("nobody is named who signs".to_owned(), "Name yourself with `--as`");
    };
    if !is_signer_name(&who) {
        let help = "Letters, digits, `.`, `_`, `@`, `+` and `-` name a signer";
        return refuse(format!("`{who}` cannot name a signer"), help);
    }
    let Some(key) = args.key.clone().or_else(|| shell.variable(SIGNING_KEY).map(PathBuf::from)) else {
        return refuse("no key is named to sign with".to_owned(), "Name your SSH key with `--key`");
    };
    let id: CampaignId = match args.campaign.parse() {
        Ok(id) => id,
        Err(error) => return Err(Failure::from_error(ExitStatus::Written, &error)),
    };
    let environment = &desired.environment.name;
    let Some(lock) = session.review_lock(environment)? else {
        let (_, shown) = session.review_path(environment);
        return refuse(format!("there is no `{shown}`"), "Run `campaignctl review` first");
    };
    let Some(campaign) = desired.campaigns.iter().find(|each| each.campaign.id == id) else {
        return refuse(format!("there is no campaign `{id}`"), "Write its name as the files have it");
    };
    let Some(line) = super::review::line_of(&session, &desired, &lock, &id)? else {
        let message = format!(
            "the line of `{id}` in the review lock is not what the files come to [{}]",
            Code::ReviewDiffers
        );
        return Err(Failure::new(ExitStatus::Stale, message)
            .help("nothing was signed. Run `campaignctl review`, and look at what changed"));
    };
    let template = &campaign.campaign.template;
    let message = [&template.title, &template.body].map(|text| render(text, &campaign.campaign.values));
    shell.say(&drawn::review::to_sign(&desired.project, environment, line, &message));
    if !args.auto_approve {
        if !shell.is_interactive() {
            return Err(Failure::new(ExitStatus::Refused, "cannot ask for approval: not a terminal")
                .help("nothing was signed. Add `--auto-approve` to sign it"));
        }
        if shell.ask(&format!("Sign this as {who}? Type `yes` to sign: "))? != "yes" {
            return Err(Failure::new(ExitStatus::Refused, "not approved").help("nothing was signed"));
        }
    }
    let path = session.sign(&desired, line, &who, &key)?;
    shell.answer(&format!(
        "Signed `{id}@{}` as {who}: {}\n",
        line.revision,
        drawn::text::plain(&path.display().to_string())
    ))?;
    Ok(ExitStatus::Done)
}
