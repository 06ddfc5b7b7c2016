//! What moved between a reviewed plan and the plan of now.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::plan::document::{ChangeDocument, ChangeKind, PlanDocument};
use crate::plan::file::Covered;

/// One thing that is no longer as it was reviewed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// Another project, environment, app, workspace, endpoint or version.
    Setting {
        /// Which.
        what: &'static str,
        /// As reviewed.
        reviewed: String,
        /// As it is now.
        current: String,
    },
    /// Another ledger altogether.
    Lineage {
        /// As reviewed.
        reviewed: String,
        /// As it is now.
        current: String,
    },
    /// The ledger lost records since.
    LedgerBehind {
        /// As reviewed.
        reviewed: u64,
        /// As it is now.
        current: u64,
    },
    /// The ledger gained records since.
    LedgerAhead {
        /// As reviewed.
        reviewed: u64,
        /// As it is now.
        current: u64,
    },
    /// A file that was read changed, came or went.
    Input {
        /// Its path in the workspace.
        path: String,
        /// What became of it: changed, added, removed.
        what: &'static str,
    },
    /// A campaign's time came and went.
    Expired {
        /// The campaign.
        campaign: String,
        /// Why it is over.
        reason: String,
    },
    /// A campaign is new.
    Added(String),
    /// A campaign is gone.
    Removed(String),
    /// A campaign changed.
    Changed {
        /// The campaign.
        campaign: String,
        /// Its revision, content, audience, call, place …
        what: &'static str,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setting { what, reviewed, current } => {
                write!(formatter, "{what} was `{reviewed}`, and is `{current}` now")
            }
            Self::Lineage { reviewed, current } => {
                write!(formatter, "the ledger had lineage {reviewed}, and this one has {current}")
            }
            Self::LedgerBehind { reviewed, current } => {
                write!(
                    formatter,
                    "the ledger ended at record {reviewed}, and ends at {current} now: records are lost"
                )
            }
            Self::LedgerAhead { reviewed, current } => {
                write!(formatter, "the ledger moved on from record {reviewed} to {current}")
            }
            Self::Input { path, what } => write!(formatter, "the file `{path}` was {what}"),
            Self::Expired { campaign, reason } => write!(formatter, "`{campaign}`: {reason}"),
            Self::Added(campaign) => write!(formatter, "`{campaign}` was added"),
            Self::Removed(campaign) => write!(formatter, "`{campaign}` was removed"),
            Self::Changed { campaign, what } => write!(formatter, "`{campaign}`: its {what} changed"),
        }
    }
}

/// Returns what differs between the reviewed plan and the plan of now; empty exactly if both have the
/// same digest.
#[must_use]
pub fn differences(reviewed: &PlanDocument, current: &PlanDocument) -> Vec<Difference> {
    if reviewed.digest == current.digest {
        return Vec::new();
    }
    let mut found = settings(reviewed, current);
    found.extend(ledger(reviewed, current));
    found.extend(inputs(reviewed, current));
    found.extend(changes(reviewed, current));
    if found.is_empty() {
        // The digest covers more than is named above, such as counts.
        found.push(Difference::Setting {
            what: "the plan's digest",
            reviewed: reviewed.digest.clone(),
            current: current.digest.clone(),
        });
    }
    found
}

/// Returns what moved under a plan whose windows were waited for: where it sends to, its files, the ledger itself. That the
/// ledger gained records, that a file was added, and what a campaign is by now, is left to the caller.
#[must_use]
pub fn moved_meanwhile(before: &PlanDocument, current: &PlanDocument) -> Vec<Difference> {
    let mut found = settings(before, current);
    found.extend(ledger(before, current).filter(|found| !matches!(found, Difference::LedgerAhead { .. })));
    let is_added = |found: &Difference| matches!(found, Difference::Input { what: "added", .. });
    found.extend(inputs(before, current).into_iter().filter(|found| !is_added(found)));
    found
}

fn settings(reviewed: &PlanDocument, current: &PlanDocument) -> Vec<Difference> {
    let optional = |text: &Option<String>| text.clone().unwrap_or_else(|| "not set".to_owned());
    let of = |plan: &PlanDocument| {
        [
            ("the project", plan.project.clone()),
            ("the environment", plan.environment.clone()),
            ("`app_id`", plan.app_id.clone()),
            ("`workspace_id`", plan.workspace_id.clone()),
            ("`tenant_id`", optional(&plan.tenant_id)),
            ("`endpoint`", plan.endpoint.clone()),
            ("`region`", optional(&plan.region)),
            ("`api_version`", plan.api_version.clone()),
            ("`time_zone`", plan.time_zone.clone()),
            ("`--only`", plan.only.join(",")),
            ("`--except`", plan.except.join(",")),
        ]
    };
    let pairs = of(reviewed).into_iter().zip(of(current));
    pairs
        .filter(|((_, reviewed), (_, current))| reviewed != current)
        .map(|((what, reviewed), (_, current))| Difference::Setting { what, reviewed, current })
        .collect()
}

fn ledger(reviewed: &PlanDocument, current: &PlanDocument) -> Option<Difference> {
    let (then, now) = (&reviewed.ledger, &current.ledger);
    if then.lineage != now.lineage {
        let (reviewed, current) = (then.lineage.clone(), now.lineage.clone());
        return Some(Difference::Lineage { reviewed, current });
    }
    let (reviewed, current) = (then.serial, now.serial);
    match current.cmp(&reviewed) {
        std::cmp::Ordering::Less => Some(Difference::LedgerBehind { reviewed, current }),
        std::cmp::Ordering::Equal => None,
        std::cmp::Ordering::Greater => Some(Difference::LedgerAhead { reviewed, current }),
    }
}

fn inputs(reviewed: &PlanDocument, current: &PlanDocument) -> Vec<Difference> {
    let by_path = |plan: &PlanDocument| -> BTreeMap<String, String> {
        plan.inputs.iter().map(|input| (input.path.clone(), input.digest.clone())).collect()
    };
    let (then, now) = (by_path(reviewed), by_path(current));
    let paths: BTreeSet<&String> = then.keys().chain(now.keys()).collect();
    let of = |path: &String| {
        let what = match (then.get(path), now.get(path)) {
            (Some(then), Some(now)) if then == now => return None,
            (Some(_), Some(_)) => "changed",
            (None, _) => "added",
            (_, None) => "removed",
        };
        Some(Difference::Input { path: path.clone(), what })
    };
    paths.into_iter().filter_map(of).collect()
}

fn changes(reviewed: &PlanDocument, current: &PlanDocument) -> Vec<Difference> {
    let (then, now) = (reviewed.by_campaign(), current.by_campaign());
    let names: BTreeSet<&str> = then.keys().chain(now.keys()).copied().collect();
    let of = |name: &str| match (then.get(name), now.get(name)) {
        (Some(then), Some(now)) => change(then, now),
        (None, _) => Some(Difference::Added(name.to_owned())),
        (_, None) => Some(Difference::Removed(name.to_owned())),
    };
    names.into_iter().filter_map(of).collect()
}

fn change(then: &ChangeDocument, now: &ChangeDocument) -> Option<Difference> {
    if Covered::of(then) == Covered::of(now) {
        return None;
    }
    if now.kind == ChangeKind::Missed
        && then.kind != ChangeKind::Missed
        && then.content_digest == now.content_digest
    {
        return Some(Difference::Expired { campaign: now.campaign.clone(), reason: now.reason.clone() });
    }
    let what = if then.revision != now.revision {
        "revision"
    } else if then.content_digest != now.content_digest {
        "content"
    } else if then.audience_digest != now.audience_digest || then.audience != now.audience {
        "audience"
    } else if then.call != now.call {
        "call"
    } else if then.push_digest != now.push_digest || then.targets != now.targets {
        "history in the ledger"
    } else if then.note != now.note {
        "first time that is still to come"
    } else if then.kind != now.kind {
        "state"
    } else {
        "place or wording"
    };
    Some(Difference::Changed { campaign: now.campaign.clone(), what })
}
