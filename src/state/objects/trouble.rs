//! What a bucket is asked for, and why there may be no answer to go by.

use std::error::Error;

use hyper::http::HeaderMap;

use crate::state::error::StateErrorKind;

/// What to do where a store does not keep two writers apart.
pub(super) const OVERWRITES: &str =
    "nothing was sent. Keep the ledger in a store that refuses to write over what is there";

/// What is asked of a bucket, by the permission that it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Put,
    Get,
    List,
    Delete,
    Versioning,
}

/// Why there is no answer to go by.
#[derive(Debug)]
pub(super) enum Trouble {
    /// Not a byte of the request was sent.
    NotSent(String),
    /// The same, since who gives the keys to sign with gave none yet.
    KeysLater(String),
    /// The request may have had its effect, or may still have it.
    Unclear(String),
    /// The store says no, and did nothing.
    Refused(StateErrorKind),
}

impl From<Trouble> for StateErrorKind {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::NotSent(why) | Trouble::KeysLater(why) | Trouble::Unclear(why) => {
                Self::Unreachable { source: why.into() }
            }
            Trouble::Refused(kind) => kind,
        }
    }
}

/// Returns what lies at the bottom of an error, in one line.
pub(super) fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = error.to_string();
        source = error.source();
    }
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Returns a header as text.
pub(super) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
