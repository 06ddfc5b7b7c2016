//! Cuts a campaign's targets into batches, from a stream, without ever holding them all as text.

use std::error::Error;

use crate::domain::{
    BATCH_TARGETS_MAX, Broadcast, CampaignId, LedgerSalt, Recipients, TargetHash, TargetId, TargetKind,
};
use crate::plan::PlannedPush;

/// The ids of an audience, in any order, repeats included.
pub type TargetStream<'a> =
    Box<dyn Iterator<Item = Result<TargetId, Box<dyn Error + Send + Sync>>> + Send + 'a>;

/// Where `apply` gets the ids from that a plan only has hashes of.
pub trait TargetSource: Send + Sync {
    /// Opens the audience of a campaign that pushes to targets.
    ///
    /// # Errors
    ///
    /// Returns an error when it cannot be opened; the stream yields one where it cannot be read on.
    fn open(&self, campaign: &CampaignId) -> Result<TargetStream<'_>, Box<dyn Error + Send + Sync>>;
}

/// Who gets one request.
#[derive(Clone, Debug)]
pub(super) enum Addressees {
    /// At most ten targets.
    Targets(TargetKind, Vec<(TargetId, TargetHash)>),
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
    let mut stream = match source.open(&push.campaign.id) {
        Ok(stream) => stream,
        Err(error) => return Box::new(std::iter::once(Err(error))),
    };
    let mut is_taken = vec![false; push.targets.len()];
    let mut is_over = false;
    Box::new(std::iter::from_fn(move || {
        let mut batch = Vec::with_capacity(BATCH_TARGETS_MAX);
        while batch.len() < BATCH_TARGETS_MAX && !is_over {
            match stream.next() {
                Some(Ok(id)) => {
                    let hash = TargetHash::of(&salt, kind, &id);
                    if let Some(place) = push.targets.position(&hash)
                        && !std::mem::replace(&mut is_taken[place], true)
                    {
                        batch.push((id, hash));
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
