//! Cuts a campaign's targets into batches, from a stream, without ever holding them all as text.

use std::error::Error;

use crate::domain::{
    Addressee, Broadcast, LedgerSalt, Recipients, TargetHash, TargetHasher, TargetKind, TargetRow,
};
use crate::plan::PlannedPush;

/// The rows of an audience, in any order, repeats included.
pub trait TargetStream: Send {
    /// Reads the next row, which lives until the one after it is read; its values are those that the campaign takes, in
    /// the order of its `values_from`. Most rows of a large audience may have been sent already: only what is sent now
    /// gets memory of its own.
    fn next_row(&mut self) -> Option<Result<TargetRow<'_>, Box<dyn Error + Send + Sync>>>;
}

/// Where `apply` gets the ids from that a plan only has hashes of, and the values that it has digests of.
pub trait TargetSource: Send + Sync {
    /// Opens the audience of a push to targets.
    ///
    /// # Errors
    ///
    /// Returns an error when it cannot be opened; the stream yields one where it cannot be read on, and instead of a row
    /// whose values are not those of the plan.
    fn open(&self, push: &PlannedPush) -> Result<Box<dyn TargetStream + '_>, Box<dyn Error + Send + Sync>>;
}

/// Who gets one request.
#[derive(Clone, Debug)]
pub(super) enum Addressees {
    /// As many targets as one request of the call takes, at most.
    Targets(TargetKind, Vec<(Addressee, TargetHash)>),
    /// Everyone on a platform.
    Broadcast(Broadcast, TargetHash),
}

impl Addressees {
    pub(super) fn hashes(&self) -> Vec<TargetHash> {
        match self {
            Self::Targets(_, targets) => targets.iter().map(|(_, hash)| *hash).collect(),
            Self::Broadcast(_, hash) => vec![*hash],
        }
    }

    pub(super) fn count(&self) -> u64 {
        match self {
            Self::Targets(_, targets) => targets.len() as u64,
            Self::Broadcast(..) => 1,
        }
    }
}

/// Cuts what `push` plans into batches. Yields an error where the stream does, and then nothing more.
///
/// Only planned targets pass, each once: an id that came into the file after the plan was made is not sent to.
pub(super) fn batches<'a>(
    push: &'a PlannedPush,
    salt: LedgerSalt,
    source: &'a dyn TargetSource,
) -> Box<dyn Iterator<Item = Result<Addressees, Box<dyn Error + Send + Sync>>> + Send + 'a> {
    let kind = match push.campaign.recipients {
        Recipients::Broadcast(broadcast) => {
            let everyone = push.targets.iter().map(move |hash| Ok(Addressees::Broadcast(broadcast, *hash)));
            return Box::new(everyone);
        }
        Recipients::Targets(kind) => kind,
    };
    let mut stream = match source.open(push) {
        Ok(stream) => stream,
        Err(error) => return Box::new(std::iter::once(Err(error))),
    };
    let target_hasher = TargetHasher::new(&salt, kind);
    let mut is_taken = vec![false; push.targets.len()];
    let mut is_over = false;
    Box::new(std::iter::from_fn(move || {
        let targets_max = push.call.targets_max();
        let mut batch = Vec::with_capacity(targets_max);
        while batch.len() < targets_max && !is_over {
            match stream.next_row() {
                Some(Ok(row)) => {
                    let hash = target_hasher.hash(row.id);
                    if let Some(place) = push.targets.position(&hash)
                        && !std::mem::replace(&mut is_taken[place], true)
                    {
                        batch.push((Addressee::of(&row), hash));
                    }
                }
                Some(Err(error)) => {
                    // What was gathered is left out too: the rest of the campaign is told as not attempted.
                    is_over = true;
                    return Some(Err(error));
                }
                None => is_over = true,
            }
        }
        (!batch.is_empty()).then_some(Ok(Addressees::Targets(kind, batch)))
    }))
}
