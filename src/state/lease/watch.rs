//! What whoever waits for a ledger sees of its holder.

use std::time::Duration;

use crate::state::lease::{Moment, Terms};

/// What was seen of a holder, look by look, on the clock of whoever waits for its end.
#[derive(Debug, Default)]
pub(in crate::state) struct Watch {
    /// Its last sign, and when that was first seen.
    seen: Option<(String, Moment)>,
    has_moved: bool,
}

/// What a holder's signs say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::state) enum Signs {
    /// It is there: its last sign was first seen so long ago.
    Moving(Duration),
    /// It was not watched for long enough to tell; its last sign was first seen so long ago.
    Unclear(Duration),
    /// No sign for long. Its lease ends after so much more time.
    Silent(Duration),
    /// No sign for longer than its lease.
    Expired,
}

impl Watch {
    /// Takes in a look at the holder's signs: anything that changes with each of them.
    pub(in crate::state) fn look(&mut self, sign: String, terms: Terms, now: Moment) -> Signs {
        let since = match &self.seen {
            Some((seen, since)) if *seen == sign => *since,
            Some(_) => {
                self.has_moved = true;
                self.seen = Some((sign, now));
                now
            }
            None => {
                self.seen = Some((sign, now));
                now
            }
        };
        // A wall that was set proves nothing about somebody else.
        let unmoved = now.boot.saturating_sub(since.boot);
        if unmoved >= terms.expires_after() {
            Signs::Expired
        } else if unmoved >= terms.silent_after() {
            Signs::Silent(terms.expires_after().saturating_sub(unmoved))
        } else if self.has_moved {
            Signs::Moving(unmoved)
        } else {
            Signs::Unclear(unmoved)
        }
    }
}
