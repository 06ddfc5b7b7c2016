//! Which campaigns a command is about: `--only` and `--except`.

use std::collections::BTreeSet;

use clap_complete::engine::ArgValueCandidates;

use crate::cli::Result;
use crate::cli::completion;
use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::patterns::{Patterns, pattern};
use crate::cli::session::Session;
use crate::diagnostic::closest;
use crate::diff;
use crate::domain::CampaignId;
use crate::plan::PlanDocument;
use crate::resolve::Desired;

/// What was asked for.
#[derive(Clone, Debug, Default, clap::Args)]
pub(in crate::cli) struct Selection {
    /// Only these campaigns: names, or patterns with `*`; repeat it, or separate them by commas
    #[arg(long, value_name = "NAME", value_delimiter = ',', add = ArgValueCandidates::new(completion::campaigns))]
    only: Vec<String>,
    /// All but these campaigns: names, or patterns with `*`; repeat it, or separate them by commas
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

    /// Leaves out of `desired` what was not asked for. Refuses a name that no campaign has, as it was mistyped, and what selects
    /// nothing. A campaign that is gone from the files counts while something of it waits at the vendor.
    pub(in crate::cli) fn choose(&self, session: &Session<'_>, desired: &mut Desired) -> Result<()> {
        if self.is_all() {
            return Ok(());
        }
        self.choose_among(&gone_and_waiting(session, desired), desired)
    }

    /// Does the same for what asks no ledger: only what the files have counts.
    pub(in crate::cli) fn choose_of_files(&self, desired: &mut Desired) -> Result<()> {
        if self.is_all() { Ok(()) } else { self.choose_among(&BTreeSet::new(), desired) }
    }

    fn choose_among(&self, gone: &BTreeSet<CampaignId>, desired: &mut Desired) -> Result<()> {
        self.prove_known(desired, gone)?;
        self.apply_to(desired)?;
        let patterns = Patterns::of(&desired.selection)?;
        if desired.campaigns.is_empty() && !gone.iter().any(|id| patterns.select(id)) {
            return Err(Failure::new(ExitStatus::Written, "nothing is selected: no campaign is left").help(
                "nothing was sent; `--only` says which campaigns, `--except` takes some of them away",
            ));
        }
        Ok(())
    }

    fn prove_known(&self, desired: &Desired, gone: &BTreeSet<CampaignId>) -> Result<()> {
        let names = || {
            let of_files = desired.campaigns.iter().map(|each| &each.campaign.id);
            of_files.chain(gone).map(CampaignId::as_str)
        };
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
        (desired.selection.only, desired.selection.except) = (self.only.clone(), self.except.clone());
        let patterns = Patterns::of(&desired.selection)?;
        desired.leave_out(|id| !patterns.select(id));
        Ok(())
    }
}

/// Returns the campaigns that are gone from the files, and wait at the vendor; none without a sound ledger, which whoever needs
/// it says.
fn gone_and_waiting(session: &Session<'_>, desired: &Desired) -> BTreeSet<CampaignId> {
    let Some(open) = session.peek_at_ledger(desired) else { return BTreeSet::new() };
    let declared = desired.campaigns.iter().map(|each| each.campaign.id.clone()).collect();
    let waiting = diff::waiting(&[], &declared, &open.ledger, session.shell.now());
    waiting.into_iter().map(|waiting| waiting.campaign).collect()
}
