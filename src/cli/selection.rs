//! Which campaigns a command is about: `--only` and `--except`.

use clap_complete::engine::ArgValueCandidates;
use globset::{Glob, GlobMatcher};

use crate::cli::Result;
use crate::cli::completion;
use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::diagnostic::closest;
use crate::plan::PlanDocument;
use crate::resolve::Desired;

/// What was asked for.
#[derive(Clone, Debug, Default, clap::Args)]
pub(in crate::cli) struct Selection {
    /// Only campaigns of these names; `*` stands for any letters; repeated, or separated by commas
    #[arg(long, value_name = "NAME", value_delimiter = ',', add = ArgValueCandidates::new(completion::campaigns))]
    only: Vec<String>,
    /// No campaigns of these names; `*` stands for any letters; repeated, or separated by commas
    #[arg(long, value_name = "NAME", value_delimiter = ',', add = ArgValueCandidates::new(completion::campaigns))]
    except: Vec<String>,
}

impl Selection {
    /// Returns the selection that a saved plan was made with.
    pub(in crate::cli) fn of(plan: &PlanDocument) -> Self {
        Self { only: plan.only.clone(), except: plan.except.clone() }
    }

    /// Whether nothing was asked for.
    pub(in crate::cli) fn is_all(&self) -> bool {
        self.only.is_empty() && self.except.is_empty()
    }

    /// Refuses a name that no campaign has: it was mistyped.
    pub(in crate::cli) fn prove_known(&self, desired: &Desired) -> Result<()> {
        let names = || desired.campaigns.iter().map(|each| each.campaign.id.as_str());
        for written in self.only.iter().chain(&self.except) {
            let pattern = pattern(written)?;
            if names().any(|name| pattern.is_match(name)) {
                continue;
            }
            let failure = Failure::new(ExitStatus::Written, format!("no campaign matches `{written}`"));
            return Err(match closest(written, names()) {
                Some(meant) => failure.help(format!("nothing was sent; did you mean `{meant}`?")),
                None => failure.help("nothing was sent; see all of them: `campaignctl plan`"),
            });
        }
        Ok(())
    }

    /// Leaves out of `desired` what was not asked for.
    pub(in crate::cli) fn apply_to(&self, desired: &mut Desired) -> Result<()> {
        if self.is_all() {
            return Ok(());
        }
        let (only, except) = (patterns(&self.only)?, patterns(&self.except)?);
        let matches = |patterns: &[GlobMatcher], name: &str| patterns.iter().any(|one| one.is_match(name));
        desired.leave_out(|id| {
            let is_asked_for = only.is_empty() || matches(&only, id.as_str());
            !is_asked_for || matches(&except, id.as_str())
        });
        (desired.selection.only, desired.selection.except) = (self.only.clone(), self.except.clone());
        Ok(())
    }
}

fn patterns(written: &[String]) -> Result<Vec<GlobMatcher>> {
    written.iter().map(|written| pattern(written)).collect()
}

fn pattern(written: &str) -> Result<GlobMatcher> {
    let glob = Glob::new(written).map_err(|error| {
        Failure::from_error(ExitStatus::Written, &error).help("nothing was sent; write a name, or `outage-*`")
    })?;
    Ok(glob.compile_matcher())
}
