//! Why a ledger cannot be reached or trusted, in words that are the same for every store.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::domain::LedgerPlace;
use crate::ledger::Serial;
use crate::state::holder::Holder;

/// Why a ledger cannot be reached or trusted.
#[derive(Debug)]
pub struct StateError {
    /// Which ledger.
    pub place: LedgerPlace,
    /// What is wrong.
    pub kind: StateErrorKind,
}

/// What is wrong with a ledger. A store says this much; which ledger it is, whoever asked it knows.
#[derive(Debug)]
pub enum StateErrorKind {
    /// There is none at that place.
    Missing,
    /// There is one already.
    Exists,
    /// Another run has it.
    Locked {
        /// Who, if the store tells.
        holder: Option<Box<Holder>>,
        /// How long ago its last sign was seen, if it was watched.
        wrote: Option<Duration>,
    },
    /// A writer has it that gives no sign. It may be taken from it once its lease is over.
    Silent {
        /// Who signed for it last.
        holder: Box<Holder>,
        /// How much longer it has to be watched.
        left: Duration,
    },
    /// It was taken from this writer, which does not hold it any more: the end of its log is not where the writer left it, or
    /// its epoch is over.
    Fenced {
        /// Who holds it now, or took it last, if that is known.
        by_whom: Option<Box<Holder>>,
    },
    /// A writer on another host has it, or never came to its end there.
    LeftLocked {
        /// Who signed for it last.
        holder: Box<Holder>,
    },
    /// The store's own files are broken.
    Damaged {
        /// What was seen.
        why: String,
    },
    /// Records that were once durable are gone: a restored backup, or a lost tail.
    RolledBack {
        /// The last record there.
        found: Serial,
        /// The last record that was durable once.
        known: Serial,
    },
    /// Another history than the one that this machine wrote.
    Forked {
        /// The first record known to differ.
        at: Serial,
    },
    /// The disk or the directory refuses.
    Io {
        /// What was tried: a verb.
        doing: &'static str,
        /// The file or the directory.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The store does not answer, and nothing was written by what was asked of it.
    Unreachable {
        /// What stood in the way.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The store did not say whether it wrote what it was asked to, not even when it was asked again: it may be there.
    Undecided {
        /// What stood in the way.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The store is there and does not do what it was asked to, and nothing was written by that.
    Refused {
        /// Why, in words for a person.
        why: String,
        /// What to do about it.
        help: String,
    },
    /// There are no keys to ask the store with, and it was not asked.
    Keys {
        /// What is missing or wrong, without a key's value.
        why: String,
        /// What to do about it.
        help: String,
    },
    /// The store does not keep two writers apart.
    NotConditional {
        /// How that was found, or why it is known.
        why: String,
        /// Which store to use instead.
        help: &'static str,
    },
}

impl StateErrorKind {
    /// Says whose ledger it is of.
    #[must_use]
    pub fn at(self, place: &LedgerPlace) -> StateError {
        StateError { place: place.clone(), kind: self }
    }
}

/// A lease and its store speak of one ledger.
impl From<StateError> for StateErrorKind {
    fn from(error: StateError) -> Self {
        error.kind
    }
}

impl fmt::Display for StateError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = &self.place;
        match &self.kind {
            StateErrorKind::Missing => write!(formatter, "there is no ledger in `{place}`"),
            StateErrorKind::Exists => write!(formatter, "there is a ledger in `{place}` already"),
            StateErrorKind::Locked { holder, wrote } => {
                let (by, wrote) = (by(holder.as_deref()), wrote_ago(*wrote));
                write!(formatter, "the ledger in `{place}` is in use{by}{wrote}")
            }
            StateErrorKind::Silent { holder, .. } => write!(
                formatter,
                "the ledger in `{place}` was left open by {holder}, which gives no sign of life"
            ),
            StateErrorKind::Fenced { by_whom } => write!(
                formatter,
                "this run lost the ledger in `{place}`: it gave no sign of life, and was taken over{}",
                by(by_whom.as_deref())
            ),
            StateErrorKind::LeftLocked { holder } => write!(
                formatter,
                "the ledger in `{place}` is in use on another host, or was left so: by {holder}"
            ),
            StateErrorKind::Damaged { why } => write!(formatter, "the ledger in `{place}` is damaged: {why}"),
            StateErrorKind::RolledBack { found, known } => write!(
                formatter,
                "the ledger in `{place}` was rolled back: it ends at record {found}, but record {known} was written once"
            ),
            StateErrorKind::Forked { at } => write!(
                formatter,
                "the ledger in `{place}` is not the one that this machine wrote: record {at} is another"
            ),
            StateErrorKind::Io { doing, path, .. } => {
                write!(formatter, "could not {doing} `{}`", path.display())
            }
            StateErrorKind::Unreachable { .. } => {
                write!(formatter, "could not reach the ledger in `{place}`")
            }
            StateErrorKind::Undecided { .. } => write!(
                formatter,
                "the store of the ledger in `{place}` did not confirm the last records, which may be there or not"
            ),
            StateErrorKind::Refused { why, .. } => {
                write!(formatter, "the store of the ledger in `{place}` refuses: {why}")
            }
            StateErrorKind::Keys { why, .. } => {
                write!(formatter, "no keys for the ledger in `{place}`: {why}")
            }
            StateErrorKind::NotConditional { why, .. } => {
                write!(
                    formatter,
                    "the store of the ledger in `{place}` does not keep two writers apart: {why}"
                )
            }
        }
    }
}

impl Error for StateError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.kind {
            StateErrorKind::Io { source, .. } => Some(source),
            StateErrorKind::Unreachable { source } | StateErrorKind::Undecided { source } => {
                Some(source.as_ref())
            }
            StateErrorKind::Missing
            | StateErrorKind::Exists
            | StateErrorKind::Locked { .. }
            | StateErrorKind::Silent { .. }
            | StateErrorKind::Fenced { .. }
            | StateErrorKind::LeftLocked { .. }
            | StateErrorKind::Damaged { .. }
            | StateErrorKind::RolledBack { .. }
            | StateErrorKind::Forked { .. }
            | StateErrorKind::Refused { .. }
            | StateErrorKind::Keys { .. }
            | StateErrorKind::NotConditional { .. } => None,
        }
    }
}

fn by(holder: Option<&Holder>) -> String {
    holder.map(|holder| format!(" by {holder}")).unwrap_or_default()
}

fn wrote_ago(wrote: Option<Duration>) -> String {
    wrote.map(|ago| format!(": it wrote {} s ago, and is still running", ago.as_secs())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_which_ledger_it_is_and_what_the_store_said() {
        let place = LedgerPlace::Directory("there".into());
        let said = || "no route to host".into();
        let cases = [
            (StateErrorKind::Missing, "there is no ledger in `there`"),
            (
                StateErrorKind::Locked { holder: None, wrote: Some(Duration::from_secs(3)) },
                "the ledger in `there` is in use: it wrote 3 s ago, and is still running",
            ),
            (
                StateErrorKind::RolledBack { found: Serial(3), known: Serial(5) },
                "the ledger in `there` was rolled back: it ends at record 3, but record 5 was written once",
            ),
            (StateErrorKind::Unreachable { source: said() }, "could not reach the ledger in `there`"),
            (
                StateErrorKind::Undecided { source: said() },
                "the store of the ledger in `there` did not confirm the last records, which may be there or not",
            ),
            (
                StateErrorKind::NotConditional { why: "it overwrote".into(), help: "" },
                "the store of the ledger in `there` does not keep two writers apart: it overwrote",
            ),
        ];
        for (kind, words) in cases {
            let is_of_network =
                matches!(kind, StateErrorKind::Unreachable { .. } | StateErrorKind::Undecided { .. });
            let error = kind.at(&place);
            assert_eq!(error.to_string(), words);
            let source = error.source().map(ToString::to_string);
            assert_eq!(source.as_deref(), is_of_network.then_some("no route to host"));
        }
    }
}
