//! Who has a ledger open.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use crate::state::process::Origin;

/// Who has a ledger open, since when, to do what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The command: `apply`, `plan`, …
    pub command: String,
    /// `user@host`.
    pub actor: String,
    /// The host; empty in notes of version 0.1. Version 0.2 takes who has the same text here for a process of its own host.
    #[serde(default)]
    pub host: String,
    /// The process on that host.
    pub process: u32,
    /// Which host and which process; nothing in notes of version 0.2, and where the system does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// Since when.
    pub since: DateTime<Utc>,
    /// The CI job, as a URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ci_run: Option<String>,
    /// Whether it may write.
    #[serde(default)]
    pub writes: bool,
}

impl Holder {
    /// Whether `other` is proven to be over, as seen from where this one runs.
    pub(super) fn proves_over(&self, other: &Self) -> bool {
        let origins = self.origin.as_ref().zip(other.origin.as_ref());
        origins.is_some_and(|(ours, theirs)| ours.proves_over(other.process, theirs))
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = self.since.to_rfc3339_opts(SecondsFormat::Secs, true);
        write!(
            formatter,
            "`campaignctl {}` of {}, process {}, since {since}",
            self.command, self.actor, self.process
        )?;
        match &self.ci_run {
            Some(url) => write!(formatter, ", {url}"),
            None => Ok(()),
        }
    }
}
