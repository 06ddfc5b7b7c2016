use std::io::BufReader;

use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::shell::Shell;
use crate::cli::{Globals, Result};
use crate::lsp::{self, Ending, Setting};
use crate::schema;

/// Answer an editor's questions, as a language server on standard input and output
///
/// Editors start it; docs/editors.md shows how. It shows the diagnostics of `validate` as you type, completes
/// the names of templates, audiences, classifications and strategies, goes to where they are declared, and
/// shows on hover what a campaign says, to whom, and when it fires next. It opens no ledger and no connection.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example, in Neovim's init.lua:
  vim.lsp.config('campaignctl', {
    cmd = { 'campaignctl', 'lsp' }, filetypes = { 'yaml' }, root_markers = { 'campaignctl.yaml' },
    workspace_required = true })
  vim.lsp.enable('campaignctl')")]
pub(in crate::cli) struct Args {
    /// Taken for editors that always give it: there is no other way
    #[arg(long)]
    stdio: bool,
}

pub(super) fn run(shell: &Shell, globals: &Globals, _args: &Args) -> Result {
    let failed = |error: std::io::Error| Failure::from_error(ExitStatus::Other, &error);
    let current = std::path::absolute(".").map_err(failed)?;
    let roots = shell.audience_roots();
    let setting = Setting {
        directory: globals.directory.as_deref(),
        roots: &roots,
        current: &current,
        shapes: schema::shapes(),
        now: &|| shell.now(),
    };
    let (input, output) = (BufReader::new(std::io::stdin()), std::io::stdout().lock());
    Ok(match lsp::serve(input, output, setting).map_err(failed)? {
        Ending::AsAsked => ExitStatus::Done,
        Ending::WithoutShutdown => ExitStatus::Other,
    })
}
