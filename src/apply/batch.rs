//! Cuts a campaign's targets into batches, from a stream, without ever holding them all as text.

use std::collections::VecDeque;
use std::error::Error;

use fixedbitset::FixedBitSet;

use crate::domain::{
    Addressee, Broadcast, LedgerSalt, Recipients, RowValues, TargetHash, TargetHashBatch, TargetHasher,
    TargetIdRef, TargetKind, TargetRow,
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
    let stream = match source.open(push) {
        Ok(stream) => stream,
        Err(error) => return Box::new(std::iter::once(Err(error))),
    };
    let mut lookout = Lookout::new(push, stream, TargetHasher::new(&salt, kind));
    Box::new(std::iter::from_fn(move || {
        let targets_max = push.call.targets_max();
        while lookout.planned.len() < targets_max && !lookout.is_over {
            lookout.advance();
        }
        if lookout.planned.len() < targets_max
            && let Some(error) = lookout.failed.take()
        {
            // What was gathered is left out too: the rest of the campaign is told as not attempted.
            lookout.planned.clear();
            return Some(Err(error));
        }
        let count = lookout.planned.len().min(targets_max);
        let batch: Vec<_> = lookout.planned.drain(..count).collect();
        (!batch.is_empty()).then_some(Ok(Addressees::Targets(kind, batch)))
    }))
}

/// Reads rows ahead, so that many at a time are looked up in the plan.
struct Lookout<'a> {
    push: &'a PlannedPush,
    stream: Box<dyn TargetStream + 'a>,
    hashes: TargetHashBatch,
    /// Rows whose hashes are not ready; those behind the first `waiting` are memory to write into.
    rows: Vec<Kept>,
    waiting: usize,
    /// The places in the plan of targets that have passed.
    taken: FixedBitSet,
    /// Targets to be sent to, in the order of the stream.
    planned: VecDeque<(Addressee, TargetHash)>,
    /// Why the stream could not be read on.
    failed: Option<Box<dyn Error + Send + Sync>>,
    is_over: bool,
}

/// A row that is kept until it is looked up. Most rows of a large audience may have been sent already.
#[derive(Default)]
struct Kept {
    line: u64,
    id: String,
    values: RowValues,
}

impl<'a> Lookout<'a> {
    fn new(push: &'a PlannedPush, stream: Box<dyn TargetStream + 'a>, hasher: TargetHasher) -> Self {
        Self {
            push,
            stream,
            hashes: hasher.batch(),
            rows: Vec::new(),
            waiting: 0,
            taken: FixedBitSet::with_capacity(push.targets.len()),
            planned: VecDeque::new(),
            failed: None,
            is_over: false,
        }
    }

    /// Reads one row, or finds that there are no more.
    fn advance(&mut self) {
        let hashes = match self.stream.next_row() {
            Some(Ok(row)) => {
                if self.waiting == self.rows.len() {
                    self.rows.push(Kept::default());
                }
                self.rows[self.waiting].keep(&row);
                self.waiting += 1;
                self.hashes.push(row.id)
            }
            ended => {
                self.failed = ended.and_then(Result::err);
                self.is_over = true;
                self.hashes.rest()
            }
        };
        if hashes.is_empty() {
            return;
        }
        debug_assert_eq!(hashes.len(), self.waiting, "a hash for each row");
        self.push.targets.positions(hashes, |among, place| {
            if !self.taken.put(place) {
                self.planned.push_back((self.rows[among].addressee(), hashes[among]));
            }
        });
        self.waiting = 0;
    }
}

impl Kept {
    fn keep(&mut self, row: &TargetRow<'_>) {
        self.line = row.line;
        self.id.clear();
        self.id.push_str(row.id.as_str());
        self.values.copy(row.values);
    }

    fn addressee(&self) -> Addressee {
        let id = TargetIdRef::new(&self.id).expect("it came as an id");
        Addressee::of(&TargetRow { line: self.line, id, values: &self.values })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::domain::{Call, TargetId, TargetSet, testing};
    use crate::ledger::Content;

    const KIND: TargetKind = TargetKind::User;

    fn salt() -> LedgerSalt {
        LedgerSalt::new([7; 16])
    }

    fn id(number: u32) -> TargetId {
        // Some are too long for the quick way to hash.
        let more = if number.is_multiple_of(41) { "x".repeat(200) } else { String::new() };
        format!("u{number}{more}").parse().unwrap()
    }

    fn hash(number: u32) -> TargetHash {
        TargetHash::of(&salt(), KIND, &id(number))
    }

    fn push(planned: &[u32]) -> PlannedPush {
        let campaign = testing::campaign();
        let content = Content::of(&campaign);
        PlannedPush {
            call: Call::Template,
            digest: content.digest(),
            content,
            campaign,
            targets: planned.iter().copied().map(hash).collect::<TargetSet>(),
            seal: None,
            is_submitted: false,
            planned: planned.len() as u64,
            lapses_at: None,
            approved_until: None,
            first_batch: 1,
            requests: 0,
        }
    }

    /// Rows of so many ids, each with its number as its value; then an end, or an error.
    #[derive(Clone)]
    struct Listed {
        numbers: Vec<u32>,
        breaks: bool,
    }

    struct Reading {
        listed: Listed,
        next: usize,
        id: Option<TargetId>,
        values: RowValues,
    }

    impl TargetSource for Listed {
        fn open(&self, _: &PlannedPush) -> Result<Box<dyn TargetStream + '_>, Box<dyn Error + Send + Sync>> {
            Ok(Box::new(Reading { listed: self.clone(), next: 0, id: None, values: RowValues::default() }))
        }
    }

    impl TargetStream for Reading {
        fn next_row(&mut self) -> Option<Result<TargetRow<'_>, Box<dyn Error + Send + Sync>>> {
            let Some(number) = self.listed.numbers.get(self.next) else {
                assert!(self.next == self.listed.numbers.len(), "nothing is read behind the end");
                self.next += 1;
                return self.listed.breaks.then(|| Err("torn".into()));
            };
            self.next += 1;
            self.values.clear();
            self.values.push(&number.to_string());
            let id = self.id.insert(id(*number)).borrowed();
            Some(Ok(TargetRow { line: self.next as u64, id, values: &self.values }))
        }
    }

    #[test]
    fn every_planned_target_is_cut_once_in_the_order_of_its_rows_and_none_after_an_error() {
        for count in [0, 1, 9, 10, 31, 32, 33, 64, 500] {
            for breaks in [false, true] {
                // Repeats, strangers, and planned ones that are not listed.
                let numbers: Vec<u32> =
                    (0..count).flat_map(|number| [number, number / 2, 10_000 + number]).collect();
                let planned: Vec<u32> = (0..count + 7).filter(|number| number % 3 > 0).collect();
                let push = push(&planned);
                let listed = Listed { numbers, breaks };
                let mut passed = HashSet::new();
                let is_cut = |number: &u32| planned.contains(number) && passed.insert(*number);
                let mut expected: Vec<u32> = listed.numbers.iter().copied().filter(is_cut).collect();
                if breaks {
                    expected.truncate(expected.len() / 10 * 10);
                }
                let (mut cut, mut errors) = (Vec::new(), 0);
                for batch in batches(&push, salt(), &listed) {
                    match batch {
                        Ok(Addressees::Targets(kind, targets)) => {
                            assert!(
                                kind == KIND && errors == 0 && !targets.is_empty() && targets.len() <= 10
                            );
                            cut.push(targets);
                        }
                        Ok(other) => panic!("{other:?}"),
                        Err(error) => {
                            assert_eq!(error.to_string(), "torn");
                            errors += 1;
                        }
                    }
                }
                assert_eq!(errors, usize::from(breaks), "{count}");
                assert!(
                    cut.iter().rev().skip(1).all(|targets| targets.len() == 10),
                    "only the last may be short"
                );
                let addressee = |number: u32| Addressee { id: id(number), values: vec![number.to_string()] };
                let expected: Vec<_> =
                    expected.into_iter().map(|number| (addressee(number), hash(number))).collect();
                assert_eq!(cut.concat(), expected, "{count}, {breaks}");
            }
        }
    }
}
