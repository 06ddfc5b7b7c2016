//! Creates an object once, and finds out whether it was this one: the only durable step there is.
//!
//! An answer that is lost proves nothing, and neither does an object that is not there: the request may still land. So the very
//! same bytes are sent again until the store says that they are there, or that others are. Who gives up has to count with either.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::state::error::StateErrorKind;
use crate::state::objects::client::{Client, Created};
use crate::state::objects::trouble::Trouble;

/// Whose the object of a key is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Decided {
    Ours,
    Theirs(Bytes),
}

/// Why that is not known.
#[derive(Debug)]
pub(super) enum NotDecided {
    /// Nothing was written, nor will be.
    Unwritten(StateErrorKind),
    /// It may be there, or may come to be.
    Undecided(String),
}

impl From<NotDecided> for StateErrorKind {
    fn from(error: NotDecided) -> Self {
        match error {
            NotDecided::Unwritten(kind) => kind,
            NotDecided::Undecided(why) => Self::Undecided { source: why.into() },
        }
    }
}

/// Creates an object unless there is one of that key, until that is decided or the time for it is over.
pub(super) async fn decide(
    client: Arc<Client>,
    key: String,
    body: Bytes,
    within: Duration,
) -> Result<Decided, NotDecided> {
    let (since, mut tries, mut may_be_there) = (tokio::time::Instant::now(), 0, false);
    loop {
        let trouble = match client.create(&key, body.clone()).await {
            Ok(Created::Now) => return Ok(Decided::Ours),
            Ok(Created::Before) => match client.get(&key).await.inspect_err(|_| may_be_there = true) {
                // The answer to an earlier request may be lost, also between here and there.
                Ok(Some(found)) if found == body => return Ok(Decided::Ours),
                Ok(Some(found)) => return Ok(Decided::Theirs(found)),
                Ok(None) => Trouble::NotSent("an object was there and is gone".to_owned()),
                Err(trouble) => trouble,
            },
            Err(trouble) => {
                may_be_there |= matches!(trouble, Trouble::Unclear(_));
                trouble
            }
        };
        tries += 1;
        let is_over = since.elapsed() >= within || matches!(trouble, Trouble::Refused(_));
        if is_over {
            return Err(match (may_be_there, trouble) {
                (false, trouble) => NotDecided::Unwritten(trouble.into()),
                (true, Trouble::NotSent(why) | Trouble::KeysLater(why) | Trouble::Unclear(why)) => {
                    NotDecided::Undecided(why)
                }
                (true, Trouble::Refused(kind)) => NotDecided::Undecided(refused_in_words(&kind)),
            });
        }
        client.pause(tries).await;
    }
}

fn refused_in_words(kind: &StateErrorKind) -> String {
    match kind {
        StateErrorKind::Refused { why, .. }
        | StateErrorKind::Keys { why, .. }
        | StateErrorKind::NotConditional { why, .. } => why.clone(),
        _ => "it refused when it was asked again".to_owned(),
    }
}
