//! What moved between a reviewed plan and the plan of now.
//!
//! Law 6: never more than was reviewed. A push is campaign, revision, content, audience, call and times. As long as those are
//! what they were, whatever else moved voids nothing: a comment, another campaign, the ledger.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::diagnostic::number;
use crate::plan::document::{ChangeDocument, ChangeKind, PlanDocument};

/// What time moves of a series.
const FIRST_TIME: &str = "first time that is still to come";

/// What moved under a reviewed plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Staleness {
    /// What makes every push another one: it would go elsewhere, or be held against another ledger.
    pub setting: Vec<Difference>,
    /// Reviewed pushes that are not as they were reviewed, by campaign.
    pub moved: Vec<Difference>,
    /// Campaigns that would be pushed now and that the reviewed plan pushes neither at once nor later.
    pub unreviewed: Vec<String>,
}

impl Staleness {
    /// Compares the plan of now with the one that was reviewed. Fewer people than were reviewed, or none that are left, is no
    /// move.
    #[must_use]
    pub fn of(reviewed: &PlanDocument, current: &PlanDocument) -> Self {
        let (then, now) = (reviewed.by_campaign(), current.by_campaign());
        let is_reviewed = |name: &str| then.get(name).is_some_and(|change| is_push(change));
        let pushes = now.values().filter(|change| change.kind.is_push());
        Self {
            setting: destination(reviewed, current)
                .chain(
                    ledger(reviewed, current)
                        .filter(|found| !matches!(found, Difference::LedgerAhead { .. })),
                )
                .collect(),
            moved: then
                .iter()
                .filter(|(_, change)| is_push(change))
                .filter_map(|(name, change)| moved(change, now.get(name).copied()))
                .collect(),
            unreviewed: pushes
                .filter(|change| !is_reviewed(&change.campaign))
                .map(|change| change.campaign.clone())
                .collect(),
        }
    }

    /// Returns what of it somebody edited: neither time nor a guard did that.
    pub fn edits(&self) -> impl Iterator<Item = &Difference> {
        self.setting.iter().chain(self.moved.iter().filter(|moved| moved.is_edit()))
    }

    /// Returns the campaigns that must not be pushed, since nobody reviewed them as they are.
    pub fn not_reviewed(&self) -> impl Iterator<Item = &str> {
        self.moved.iter().filter_map(Difference::campaign).chain(self.unreviewed.iter().map(String::as_str))
    }
}

/// Whether a reviewed plan pushes it, at once or once its window opens.
fn is_push(change: &ChangeDocument) -> bool {
    change.kind.is_push() || change.kind == ChangeKind::Later
}

/// Counts who gets it, at once or later.
fn people(change: &ChangeDocument) -> u64 {
    if change.kind.is_push() { change.targets.to_push } else { change.targets.unsent }
}

/// Returns how a reviewed push is not what it was.
fn moved(then: &ChangeDocument, now: Option<&ChangeDocument>) -> Option<Difference> {
    let campaign = then.campaign.clone();
    let Some(now) = now else { return Some(Difference::Removed(campaign)) };
    let changed = |what| Some(Difference::Changed { campaign: campaign.clone(), what });
    let reason = || now.reason.clone();
    if then.revision != now.revision {
        return changed("revision");
    }
    if then.content_digest != now.content_digest {
        return changed("content");
    }
    if then.schedule != now.schedule {
        return changed("time");
    }
    if then.audience_digest != now.audience_digest || then.recipients != now.recipients {
        return changed("audience");
    }
    if then.values_digest != now.values_digest {
        return changed("targets' own values");
    }
    match now.kind {
        ChangeKind::Missed => Some(Difference::Expired { campaign, reason: reason() }),
        ChangeKind::Blocked | ChangeKind::Held => Some(Difference::Stopped { campaign, reason: reason() }),
        ChangeKind::Closed if now.targets.unsent > 0 => {
            Some(Difference::Closed { campaign, reason: reason() })
        }
        // Nobody is left to send to.
        ChangeKind::Closed | ChangeKind::UpToDate | ChangeKind::Waiting | ChangeKind::InDoubt => None,
        ChangeKind::Create | ChangeKind::Add | ChangeKind::Continue | ChangeKind::Later => {
            if then.call != now.call {
                changed("call")
            } else if then.first_at.zip(now.first_at).is_some_and(|(then, now)| then != now) {
                changed(FIRST_TIME)
            } else if people(now) > people(then) {
                let (reviewed, current) = (people(then), people(now));
                Some(Difference::MorePeople { campaign, reviewed, current })
            } else {
                None
            }
        }
    }
}

/// One thing that is no longer as it was reviewed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// Another project, environment, app, workspace, endpoint or version.
    Setting {
        /// What differs, in words.
        what: &'static str,
        /// What the reviewed plan has.
        reviewed: String,
        /// As it is now.
        current: String,
    },
    /// Another ledger altogether.
    Lineage {
        /// What the reviewed plan has.
        reviewed: String,
        /// As it is now.
        current: String,
    },
    /// The ledger lost records since.
    LedgerBehind {
        /// Its last record then.
        reviewed: u64,
        /// As it is now.
        current: u64,
    },
    /// The ledger gained records since.
    LedgerAhead {
        /// Its last record then.
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
        /// Which one, by its key in YAML.
        campaign: String,
        /// Why it is over.
        reason: String,
    },
    /// A person closed a campaign, or withdrew it.
    Closed {
        /// Which one, by its key in YAML.
        campaign: String,
        /// What ended it, in the words of the plan.
        reason: String,
    },
    /// A campaign must not be pushed, or not now.
    Stopped {
        /// Which one, by its key in YAML.
        campaign: String,
        /// What stops it, in the words of the plan.
        reason: String,
    },
    /// A campaign has more people to go to than it had.
    MorePeople {
        /// Which one, by its key in YAML.
        campaign: String,
        /// How many got it in the reviewed plan.
        reviewed: u64,
        /// As it is now.
        current: u64,
    },
    /// A campaign is new.
    Added(String),
    /// A campaign is gone.
    Removed(String),
    /// A campaign changed.
    Changed {
        /// Which one, by its key in YAML.
        campaign: String,
        /// Its revision, content, audience, call, place …
        what: &'static str,
    },
}

impl Difference {
    /// Whether somebody did it, and not time or a guard.
    fn is_edit(&self) -> bool {
        match self {
            Self::Changed { what, .. } => *what != FIRST_TIME,
            Self::Expired { .. } | Self::Stopped { .. } => false,
            _ => true,
        }
    }

    /// Returns the campaign that it is about, if it is about one.
    #[must_use]
    pub fn campaign(&self) -> Option<&str> {
        match self {
            Self::Setting { .. }
            | Self::Lineage { .. }
            | Self::LedgerBehind { .. }
            | Self::LedgerAhead { .. }
            | Self::Input { .. } => None,
            Self::Expired { campaign, .. }
            | Self::Closed { campaign, .. }
            | Self::Stopped { campaign, .. }
            | Self::MorePeople { campaign, .. }
            | Self::Changed { campaign, .. }
            | Self::Added(campaign)
            | Self::Removed(campaign) => Some(campaign),
        }
    }
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
            Self::Expired { campaign, reason }
            | Self::Closed { campaign, reason }
            | Self::Stopped { campaign, reason } => {
                write!(formatter, "`{campaign}`: {reason}")
            }
            Self::MorePeople { campaign, reviewed, current } => write!(
                formatter,
                "`{campaign}`: it was to go to {}, and would go to {} now",
                number(*reviewed),
                number(*current)
            ),
            Self::Added(campaign) => write!(formatter, "`{campaign}` was added"),
            Self::Removed(campaign) => write!(formatter, "`{campaign}` was removed"),
            Self::Changed { campaign, what } => write!(formatter, "`{campaign}`: its {what} changed"),
        }
    }
}

/// Returns what differs between the reviewed plan and the plan of now by any byte, but for when each was made; empty exactly if
/// nothing does.
#[must_use]
pub fn differences(reviewed: &PlanDocument, current: &PlanDocument) -> Vec<Difference> {
    let timeless = |plan: &PlanDocument| PlanDocument {
        made_by: String::new(),
        made_at: reviewed.made_at,
        // What is sent at once is sent on the day of `apply`.
        days: Vec::new(),
        ..plan.clone()
    };
    let (then, now) = (timeless(reviewed), timeless(current));
    if then == now {
        return Vec::new();
    }
    let mut found: Vec<Difference> =
        destination(reviewed, current).chain(wording(reviewed, current)).collect();
    found.extend(ledger(reviewed, current));
    found.extend(inputs(reviewed, current));
    found.extend(changes(reviewed, current));
    if found.is_empty() {
        found.push(Difference::Setting {
            what: "what waits at the vendor",
            reviewed: "as it was".to_owned(),
            current: "something else".to_owned(),
        });
    }
    found
}

type Fact = (&'static str, String);

/// Returns what says otherwise where pushes go, and in whose name.
fn destination(reviewed: &PlanDocument, current: &PlanDocument) -> impl Iterator<Item = Difference> {
    let optional = |text: &Option<String>| text.clone().unwrap_or_else(|| "not set".to_owned());
    let of = move |plan: &PlanDocument| -> [Fact; 8] {
        [
            ("the project", plan.project.clone()),
            ("the environment", plan.environment.clone()),
            ("`app_id`", plan.app_id.clone()),
            ("`workspace_id`", plan.workspace_id.clone()),
            ("`tenant_id`", optional(&plan.tenant_id)),
            ("`endpoint`", plan.endpoint.clone()),
            ("`region`", optional(&plan.region)),
            ("`api_version`", plan.api_version.clone()),
        ]
    };
    pairs(of(reviewed), of(current))
}

/// Returns what says otherwise of which campaigns a plan is, and in which zone it tells the time.
fn wording(reviewed: &PlanDocument, current: &PlanDocument) -> impl Iterator<Item = Difference> {
    let of = |plan: &PlanDocument| -> [Fact; 3] {
        [
            ("`time_zone`", plan.time_zone.clone()),
            ("`--only`", plan.only.join(",")),
            ("`--except`", plan.except.join(",")),
        ]
    };
    pairs(of(reviewed), of(current))
}

fn pairs<const N: usize>(reviewed: [Fact; N], current: [Fact; N]) -> impl Iterator<Item = Difference> {
    let pairs = reviewed.into_iter().zip(current);
    pairs
        .filter(|((_, reviewed), (_, current))| reviewed != current)
        .map(|((what, reviewed), (_, current))| Difference::Setting { what, reviewed, current })
}

fn ledger(reviewed: &PlanDocument, current: &PlanDocument) -> Option<Difference> {
    // A plan that was compared with no ledger is of no lineage.
    let of = |plan: &PlanDocument| {
        plan.ledger.as_ref().map_or(("none".to_owned(), 0), |ledger| (ledger.lineage.clone(), ledger.serial))
    };
    let ((then, reviewed), (now, current)) = (of(reviewed), of(current));
    if then != now {
        return Some(Difference::Lineage { reviewed: then, current: now });
    }
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
    if then == now {
        return None;
    }
    let named = moved(then, Some(now));
    named.or_else(|| {
        let what = if then.push_digest != now.push_digest || then.targets != now.targets {
            "history in the ledger"
        } else if then.kind != now.kind {
            "state"
        } else {
            "place or wording"
        };
        Some(Difference::Changed { campaign: now.campaign.clone(), what })
    })
}
