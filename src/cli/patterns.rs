//! The names and patterns of names that a selection is made of.

use std::collections::BTreeSet;

use globset::{Glob, GlobMatcher};

use crate::cli::Result;
use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::domain::CampaignId;
use crate::ledger::Ledger;
use crate::resolve::{self, Desired};

/// A selection's names, ready to be compared with.
pub(in crate::cli) struct Patterns {
    only: Vec<GlobMatcher>,
    except: Vec<GlobMatcher>,
}

impl Patterns {
    /// Reads the names of a selection.
    pub(in crate::cli) fn of(selection: &resolve::Selection) -> Result<Self> {
        Ok(Self { only: patterns(&selection.only)?, except: patterns(&selection.except)? })
    }

    /// Whether a campaign was asked for.
    pub(in crate::cli) fn select(&self, id: &CampaignId) -> bool {
        let matches = |patterns: &[GlobMatcher]| patterns.iter().any(|one| one.is_match(id.as_str()));
        (self.only.is_empty() || matches(&self.only)) && !matches(&self.except)
    }
}

/// Returns the campaigns of which a plan says nothing: those of the files that are left out, and those of the ledger that were
/// not asked for.
pub(in crate::cli) fn unsaid(desired: &Desired, ledger: &Ledger) -> Result<BTreeSet<CampaignId>> {
    let patterns = Patterns::of(&desired.selection)?;
    let known = ledger.histories().map(|(id, ..)| id);
    let unasked = known.filter(|id| !patterns.select(id)).cloned();
    Ok(desired.selection.left_out.iter().cloned().chain(unasked).collect())
}

fn patterns(written: &[String]) -> Result<Vec<GlobMatcher>> {
    written.iter().map(|written| pattern(written)).collect()
}

/// Reads one name or pattern.
pub(in crate::cli) fn pattern(written: &str) -> Result<GlobMatcher> {
    let glob = Glob::new(written).map_err(|error| {
        Failure::from_error(ExitStatus::Written, &error).help("nothing was sent; write a name, or `outage-*`")
    })?;
    Ok(glob.compile_matcher())
}
