use clap_complete::engine::ArgValueCandidates;
use serde::Serialize;

use crate::cli::commands::explain_campaign;
use crate::cli::completion;
use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::cli::{Globals, Result};
use crate::diagnostic::{Code, closest};
use crate::domain::CampaignId;
use crate::render;

/// Explain a diagnostic, or show what a campaign resolves to
///
/// Of a diagnostic's code: why it matters, a wrong and a right example, and how to fix it. Of a campaign:
/// message, audience, times, and each parameter of its request with the place where it is written. Without a
/// name, lists every code. Nothing is sent.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  campaignctl explain unknown-name\n  campaignctl -e production explain payday-2026-12"
)]
pub(in crate::cli) struct Args {
    /// A diagnostic's code, or a campaign
    #[arg(value_name = "CODE|CAMPAIGN", add = ArgValueCandidates::new(completion::campaigns_and_codes))]
    name: Option<String>,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

/// What there is to say of a code.
#[derive(Serialize)]
struct Page {
    code: &'static str,
    summary: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    markdown: Option<&'static str>,
}

pub(super) fn run(shell: &Shell, globals: &Globals, args: &Args) -> Result {
    let json = args.json;
    let text = match args.name.as_deref().map(|name| (name, name.parse::<Code>())) {
        None if json => {
            render::json::pretty(&Code::ALL.iter().map(|code| Page::of(*code, None)).collect::<Vec<_>>())
        }
        None => render::page::codes(shell.width()),
        Some((_, Ok(code))) if json => render::json::pretty(&Page::of(code, Some(code.page()))),
        Some((_, Ok(code))) => render::page::page(code, shell.width()),
        Some((name, Err(_))) => {
            let session = Session::new(shell, globals);
            return refuse_slip(&session, name).and_then(|()| explain_campaign::run(&session, name, json));
        }
    };
    shell.answer(&text)?;
    Ok(ExitStatus::Done)
}

/// Refuses what is most likely a slip of a code, unless a campaign has that name. Files that are wrong are no
/// obstacle: they are why a code is looked up.
fn refuse_slip(session: &Session<'_>, name: &str) -> Result<()> {
    let is_campaign = |id: &CampaignId| id.as_str() == name;
    match closest(name, Code::ALL.iter().map(|code| code.as_str())) {
        Some(meant) if !session.read().checked.campaigns.keys().any(is_campaign) => {
            let failure = Failure::new(ExitStatus::Written, format!("there is no diagnostic `{name}`"));
            Err(failure.help(format!("did you mean `{meant}`?")))
        }
        _ => Ok(()),
    }
}

impl Page {
    fn of(code: Code, markdown: Option<&'static str>) -> Self {
        Self { code: code.as_str(), summary: code.summary(), markdown }
    }
}
