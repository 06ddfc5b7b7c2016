//! Whose a ledger is.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::{Endpoint, EnvironmentName, LedgerSalt, ProjectName, Secret};
use crate::ledger::id::{Lineage, Serial};
use crate::ledger::text::{as_hex, as_text};

/// The version of the records below. 1 had none of the packed ones; 2 had no take-overs, and its writers prove to nobody that
/// they still hold a ledger.
pub const FORMAT_VERSION: u32 = 3;

/// What takes the pushes of a ledger. Which host it is may change; whether it is real may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Destination {
    /// The sandbox inside the process: nothing reaches a phone.
    Sandbox,
    /// A host: the vendor, or who plays it.
    Host,
}

impl Destination {
    /// Returns what takes the pushes at an endpoint.
    #[must_use]
    pub fn at(endpoint: &Endpoint) -> Self {
        match endpoint {
            Endpoint::Sandbox => Self::Sandbox,
            Endpoint::Remote(_) => Self::Host,
        }
    }
}

/// A ledger's first record: whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// [`FORMAT_VERSION`] of the tool that made it.
    pub format: u32,
    /// Its id for life.
    pub lineage: Lineage,
    /// What target hashes are salted with.
    #[serde(with = "as_hex")]
    pub salt: LedgerSalt,
    /// The project it belongs to.
    #[serde(with = "as_text")]
    pub project: ProjectName,
    /// The environment it belongs to.
    #[serde(with = "as_text")]
    pub environment: EnvironmentName,
    /// The mPaaS app that its pushes went to.
    pub app_id: String,
    /// The mPaaS workspace that its pushes went to.
    pub workspace_id: String,
    /// What takes its pushes; nothing in ledgers of version 0.1.
    #[serde(rename = "receiver", default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<Destination>,
    /// The key under which targets are hashed besides, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyNote>,
}

/// What a ledger says of the key that it does not have: who reads the ledger alone can find no target by trying ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyNote {
    /// The environment variable that it comes from.
    pub variable: String,
    /// What proves that a key is the right one, in hexadecimal digits.
    pub check: String,
}

impl KeyNote {
    /// Notes a key.
    #[must_use]
    pub fn of(variable: &str, key: &Secret, salt: &LedgerSalt) -> Self {
        Self { variable: variable.to_owned(), check: hex::encode(salt.key_check(key)) }
    }
}

/// That a ledger was taken from a writer of which nobody knew that it had ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakeOver {
    /// The place of its record: what stands before it was written by writers that were fenced, or had ended.
    pub serial: Serial,
    /// When that was recorded.
    pub at: DateTime<Utc>,
}
