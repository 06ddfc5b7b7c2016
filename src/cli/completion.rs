//! What a shell offers for an argument that is a name: environments and campaigns of the files, campaigns and batches of
//! the ledger.
//!
//! Asked while somebody types: says nothing, locks nothing, and offers nothing where something is wrong.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap_complete::engine::CompletionCandidate;

use crate::cli::Globals;
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::diagnostic::Code;
use crate::ledger::Ledger;
use crate::render::caller::Caller;
use crate::render::text;
use crate::resolve;

/// The variable by which the script of `completions` says which shell asks.
pub(super) const VARIABLE: &str = "CAMPAIGNCTL_COMPLETE";

/// Offers the project's environments.
pub(super) fn environments() -> Vec<CompletionCandidate> {
    with_session(|session| {
        let project = session.read_project().checked.project;
        let names = project.into_iter().flat_map(|project| project.environments.into_keys());
        names.map(|name| CompletionCandidate::new(name.as_str())).collect()
    })
}

/// Offers the campaigns that the files declare.
pub(super) fn campaigns() -> Vec<CompletionCandidate> {
    with_session(|session| {
        let campaigns = session.read().checked.campaigns.into_keys();
        campaigns.map(|name| CompletionCandidate::new(name.as_str())).collect()
    })
}

/// Offers the campaigns that the files declare, and every diagnostic's code.
pub(super) fn campaigns_and_codes() -> Vec<CompletionCandidate> {
    let code = |code: &Code| CompletionCandidate::new(code.as_str()).help(Some(code.summary().into()));
    let mut offered = campaigns();
    offered.extend(Code::ALL.iter().map(code));
    offered
}

/// Offers the campaigns that the ledger knows.
pub(super) fn sent_campaigns() -> Vec<CompletionCandidate> {
    with_ledger(|ledger| {
        let mut names: Vec<&str> = ledger.histories().map(|(campaign, ..)| campaign.as_str()).collect();
        names.dedup();
        names.into_iter().map(CompletionCandidate::new).collect()
    })
}

/// Offers the numbers of batches in doubt.
pub(super) fn batches() -> Vec<CompletionCandidate> {
    with_ledger(|ledger| {
        let doubts = ledger.doubts().into_iter();
        let offer = doubts.map(|doubt| {
            let (intent, targets) = (&doubt.intent, doubt.intent.targets.len() as u64);
            let help = format!("{}@{}, {}", intent.campaign, intent.revision, text::count(targets, "target"));
            CompletionCandidate::new(doubt.serial.to_string()).help(Some(help.into()))
        });
        offer.collect()
    })
}

fn with_ledger(offer: impl Fn(&Ledger) -> Vec<CompletionCandidate>) -> Vec<CompletionCandidate> {
    with_session(|session| {
        let checked = session.read_project().checked;
        let environment = session.environment(&checked, None).ok();
        let scope = environment.and_then(|environment| resolve::scope(&checked, &environment).ok());
        let open = scope.and_then(|scope| session.peek_at_ledger(&scope));
        open.map(|open| offer(&open.ledger)).unwrap_or_default()
    })
}

fn with_session(offer: impl Fn(&Session<'_>) -> Vec<CompletionCandidate>) -> Vec<CompletionCandidate> {
    let words: Vec<OsString> = std::env::args_os().collect();
    let shell = Shell::new(None, Caller::default());
    let of_variable = || shell.variable("CAMPAIGNCTL_ENVIRONMENT");
    let globals = Globals {
        directory: value(&words, "-C", "--directory").map(PathBuf::from),
        environment: value(&words, "-e", "--environment").or_else(of_variable),
        lock_timeout: Duration::ZERO,
        no_wait: true,
        now: None,
    };
    offer(&Session::new(&shell, &globals))
}

/// Returns what an option was given in a line that is not complete yet. The last word is still being typed.
fn value(words: &[OsString], short: &str, long: &str) -> Option<String> {
    let typed = words.len().saturating_sub(1);
    let words: Vec<&str> = words[..typed].iter().filter_map(|word| word.to_str()).collect();
    words.iter().enumerate().find_map(|(place, word)| {
        if *word == short || *word == long {
            return words.get(place + 1).map(|value| (*value).to_owned());
        }
        let rest = word.strip_prefix(long).and_then(|rest| rest.strip_prefix('='));
        let attached = (!word.starts_with("--")).then(|| word.strip_prefix(short)).flatten();
        rest.or(attached).filter(|value| !value.is_empty()).map(str::to_owned)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_is_found_however_it_is_written() {
        let of = |line: &str| {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            value(&words, "-e", "--environment")
        };
        for line in
            ["c -e test plan ", "c -etest plan ", "c --environment test x ", "c --environment=test x "]
        {
            assert_eq!(of(line).as_deref(), Some("test"), "{line}");
        }
        for line in ["c plan ", "c -e te", "c --environmental test "] {
            assert_eq!(of(line), None, "{line}");
        }
    }
}
