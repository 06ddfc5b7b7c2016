//! The log as somebody read it: which objects there are, whether they follow one another, and what they come to.
//!
//! Each slot is decided for good before the next one is written to, by whomever. So the log has no hole below its end, and
//! whoever read up to a slot has read everything that was durable when it was written.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::ledger::Serial;
use crate::state::candidate::Incumbent;
use crate::state::error::StateErrorKind;
use crate::state::holder::Holder;
use crate::state::objects::beside::{Beside, SLOT_MAX};
use crate::state::objects::client::Client;
use crate::state::objects::frame::{End, Frame, Header, Kind, Opened, unpack};
use crate::state::objects::pack::Pack;
use crate::state::objects::trouble::Trouble;

/// Objects that are read at a time.
const PARALLEL: usize = 32;
/// How often the log is read anew where an object was listed and is gone: somebody packs.
const READS_MAX: u32 = 5;
/// Objects that are asked for by name where a list leaves them out.
const LEFT_OUT_MAX: usize = 64;

/// A log, or what is left of one.
#[derive(Clone, Debug)]
pub(super) struct Log {
    /// The first free slot.
    pub(super) next: u64,
    /// Objects at its end are gone, as what stands beside it tells; the first free slot is behind those.
    pub(super) is_cut: bool,
    pub(super) end: End,
    pub(super) epoch: u64,
    /// Who has it open.
    pub(super) open: Option<Opened>,
    /// Whose place was taken without proof of its end, as long as that is not on record.
    pub(super) fenced: Option<Holder>,
    /// What stands in the stead of all before, and its slot.
    pub(super) packed: Option<(u64, Arc<Pack>)>,
    /// What came since.
    pub(super) steps: Vec<Step>,
    /// Slots since then, and its own, at which no epoch began.
    removable: Vec<(u64, u64)>,
    /// Chosen by chance for the last object.
    nonce: Uuid,
}

/// An object with records.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) slot: u64,
    /// Nothing once they were read, or where they were just written.
    pub(super) body: Option<Bytes>,
}

/// What is made of objects that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Damage {
    Refused,
    /// They are passed over: for whoever puts another log in its stead.
    Skipped,
}

/// Returns the key of a slot.
pub(super) fn slot_key(slot: u64) -> String {
    format!("log/{slot:020}")
}

impl Default for Log {
    fn default() -> Self {
        Self::from(1)
    }
}

impl Log {
    fn from(next: u64) -> Self {
        Self {
            next,
            is_cut: false,
            end: End::default(),
            epoch: 0,
            open: None,
            fenced: None,
            packed: None,
            steps: Vec::new(),
            removable: Vec::new(),
            nonce: Uuid::nil(),
        }
    }

    /// Whether there are records.
    pub(super) fn is_there(&self) -> bool {
        self.end.last > Serial(0)
    }

    /// Returns the last record and its chain, as the objects' own first lines say it.
    pub(super) fn high_water(&self) -> Option<(Serial, String)> {
        self.is_there().then(|| (self.end.last, self.end.chain.clone()))
    }

    /// Returns who has it open, as whoever wants it sees that.
    pub(super) fn incumbent(&self) -> Option<Incumbent<'_>> {
        let opened = self.open.as_ref()?;
        let sign = format!("{} {} {}", self.epoch, self.next, self.nonce);
        let lease = Duration::from_millis(opened.lease_ms);
        Some(Incumbent { holder: &opened.holder, sign, lease })
    }

    /// Returns the slots that are of no use once what is packed is superseded.
    pub(super) fn removable(&self) -> Vec<(u64, u64)> {
        self.removable.clone()
    }

    /// Lets go of what was read of steps.
    pub(super) fn forget_bodies(&mut self) {
        self.steps.iter_mut().for_each(|step| step.body = None);
    }

    /// Takes in the object of the first free slot.
    ///
    /// # Errors
    ///
    /// Returns `Damaged` where it does not follow what is there.
    pub(super) fn push(&mut self, frame: Frame) -> Result<(), StateErrorKind> {
        let Frame { header, body } = frame;
        self.prove_follows(&header)?;
        let Header { seq, end, nonce, kind, epoch, .. } = header;
        match kind {
            Kind::Open { opened, is_closed } => {
                self.fenced.clone_from(&opened.fenced);
                self.epoch = epoch;
                self.open = (!is_closed).then_some(opened);
            }
            Kind::Step => self.steps.push(Step { slot: seq, body: Some(body) }),
            Kind::Beat { take_over_recorded } => {
                if take_over_recorded {
                    self.fenced = None;
                    self.open.iter_mut().for_each(|opened| opened.fenced = None);
                }
            }
            Kind::Close => self.open = None,
            Kind::Packed { opened } => {
                let damaged = |why: String| StateErrorKind::Damaged { why };
                let pack = unpack(&body).map_err(damaged)?;
                let pack: Pack = serde_json::from_slice(&pack).map_err(|error| damaged(error.to_string()))?;
                self.epoch = epoch;
                self.fenced.clone_from(&opened.fenced);
                self.open = Some(opened);
                self.packed = Some((seq, Arc::new(pack)));
                self.steps.clear();
                self.removable.clear();
            }
        }
        if self.epoch != seq {
            match self.removable.last_mut() {
                Some((_, last)) if *last + 1 == seq => *last = seq,
                _ => self.removable.push((seq, seq)),
            }
        }
        (self.next, self.end, self.nonce) = (seq + 1, end, nonce);
        Ok(())
    }

    /// Passes over an object that does not follow, and believes what it says of who writes.
    fn skip(&mut self, slot: u64, header: Option<Header>) {
        self.next = slot + 1;
        let Some(Header { end, epoch, nonce, kind, .. }) = header else { return };
        (self.end, self.epoch, self.nonce) = (end, epoch, nonce);
        match kind {
            Kind::Open { opened, is_closed } => self.open = (!is_closed).then_some(opened),
            Kind::Packed { opened } => self.open = Some(opened),
            Kind::Close => self.open = None,
            Kind::Step | Kind::Beat { .. } => {}
        }
    }

    fn prove_follows(&self, header: &Header) -> Result<(), StateErrorKind> {
        let seq = header.seq;
        let damaged = |why: String| Err(StateErrorKind::Damaged { why });
        // Whatever stands before what is packed does not count any more.
        let begins = self.epoch == 0 && self.end == End::default() && self.packed.is_none();
        if begins && matches!(header.kind, Kind::Packed { .. }) {
            return Ok(());
        }
        if seq != self.next {
            return damaged(format!("object {} of its log is missing", self.next));
        }
        let (is_of_epoch, follows) = match header.kind {
            Kind::Open { .. } => (header.epoch == seq, header.end == self.end),
            Kind::Beat { .. } | Kind::Close => (self.goes_on(header.epoch), header.end == self.end),
            Kind::Step => (self.goes_on(header.epoch), header.end.last >= header.first),
            Kind::Packed { .. } => (self.goes_on(header.epoch), true),
        };
        if !is_of_epoch {
            return damaged(format!("object {seq} of its log is of a writer that it was taken from before"));
        }
        if !follows || header.before != self.end.chain || header.first != self.end.last.next() {
            return damaged(format!("object {seq} of its log does not follow the one before it"));
        }
        Ok(())
    }

    fn goes_on(&self, epoch: u64) -> bool {
        self.epoch == epoch && self.open.is_some()
    }
}

/// Reads a log, or what came to one since it was read.
///
/// # Errors
///
/// Returns `Damaged` for a log with a hole, without its end, or with objects that cannot be, and what the store returns.
pub(super) async fn read(
    client: Arc<Client>,
    known: Option<Log>,
    damage: Damage,
) -> Result<Log, StateErrorKind> {
    let (mut known, mut reads) = (known, 0);
    loop {
        reads += 1;
        let (start, free_from) = if let Some(log) = known.take() {
            (log, 1)
        } else {
            let beside = Beside::read(&client).await?;
            let newest = beside.newest.filter(|_| reads < READS_MAX);
            (Log::from(newest.unwrap_or(1)), beside.free_from())
        };
        let why = match read_on(&client, start, damage).await? {
            Ok(log) if log.next >= free_from => return Ok(log),
            Ok(log) if damage == Damage::Skipped => return Ok(Log { next: free_from, is_cut: true, ..log }),
            Ok(Log { next: 1, .. }) => {
                format!("its log is gone, and object {} of it was written once", free_from - 1)
            }
            Ok(log) => {
                let (last, written) = (log.next - 1, free_from - 1);
                format!("its log ends at object {last}, and object {written} was written once")
            }
            Err(missing) => format!("object {missing} of its log is missing"),
        };
        if reads == READS_MAX {
            return Err(StateErrorKind::Damaged { why });
        }
        client.pause(reads).await;
    }
}

/// Reads what is left of a log, for whoever puts another one in its stead. Where it lost its end, that is where what stands beside
/// it has it: the slot, and the last record.
///
/// # Errors
///
/// Returns `Refused` where objects are gone and nothing tells how many records they had, and what the store returns.
pub(super) async fn read_what_is_left(client: Arc<Client>) -> Result<Log, StateErrorKind> {
    let mut log = read(Arc::clone(&client), None, Damage::Skipped).await?;
    if log.is_cut {
        let untold = || {
            StateErrorKind::Refused {
            why: "objects at the end of its log are gone, and nothing tells how many records they had".into(),
            help: "nothing was changed. Name a place that never had a ledger with `ledger:`, and restore there an export that \
                   certainly has every run"
                .into(),
        }
        };
        let last = Beside::read(&client).await?.last_serial(&client).await?.ok_or_else(untold)?;
        if last > log.end.last {
            // Nobody reads on from here: only how far it was counts, also for who restores after somebody else tried to.
            log.end = End { last, chain: String::new() };
        }
    }
    Ok(log)
}

/// Reads what comes after `log`; the inner error is a slot that has nothing though there is something above it.
async fn read_on(
    client: &Arc<Client>,
    mut log: Log,
    damage: Damage,
) -> Result<Result<Log, u64>, StateErrorKind> {
    let keys = client.list("log/", Some(&slot_key(log.next - 1)), usize::MAX).await?;
    let slots = keys.iter().filter_map(|key| key.strip_prefix("log/")?.parse().ok());
    let slots: Vec<u64> = slots.filter(|slot| (log.next..=SLOT_MAX).contains(slot)).collect();
    let mut frames: BTreeMap<u64, Result<Frame, StateErrorKind>> = BTreeMap::new();
    for (slot, bytes) in get_all(client, slots).await? {
        let Some(bytes) = bytes else { return Ok(Err(slot)) };
        frames.insert(slot, Frame::decode(slot, &bytes));
    }
    let is_packed = |frame: &Result<Frame, _>| {
        frame.as_ref().is_ok_and(|frame| matches!(frame.header.kind, Kind::Packed { .. }))
    };
    let last_packed = frames.iter().rev().find(|(_, frame)| is_packed(frame)).map(|(slot, _)| *slot);
    // A note of something packed leads to it; else everything counts from the first one on.
    let begins_anew = log.epoch == 0;
    let first = match last_packed {
        Some(slot) if begins_anew => slot,
        _ if begins_anew && log.next > 1 => return Ok(Err(log.next)),
        _ => log.next,
    };
    let mut frames = frames.split_off(&first);
    let Some(last) = frames.last_key_value().map(|(slot, _)| *slot) else { return Ok(Ok(log)) };
    // A list that is made while the log grows may leave one out.
    let left_out: Vec<u64> = left_out(&frames, first..=last).take(LEFT_OUT_MAX).collect();
    for (slot, bytes) in get_all(client, left_out).await? {
        match bytes {
            Some(bytes) => drop(frames.insert(slot, Frame::decode(slot, &bytes))),
            None if damage == Damage::Refused => return Ok(Err(slot)),
            None => {}
        }
    }
    if begins_anew {
        log = Log::from(first);
    }
    for (slot, frame) in frames {
        let header = frame.as_ref().ok().map(|frame| frame.header.clone());
        match (frame.and_then(|frame| log.push(frame)), damage) {
            (Ok(()), _) => {}
            (Err(error), Damage::Refused) => return Err(error),
            (Err(_), Damage::Skipped) => log.skip(slot, header),
        }
    }
    Ok(Ok(log))
}

fn left_out<T>(frames: &BTreeMap<u64, T>, slots: RangeInclusive<u64>) -> impl Iterator<Item = u64> {
    slots.filter(|slot| !frames.contains_key(slot))
}

/// Reads the objects of slots, many at a time; nothing for one that is not there.
async fn get_all(client: &Arc<Client>, slots: Vec<u64>) -> Result<BTreeMap<u64, Option<Bytes>>, Trouble> {
    let keys = slots.iter().map(|slot| slot_key(*slot)).collect();
    Ok(slots.into_iter().zip(get_keys(client, keys).await?).collect())
}

/// Reads objects, many at a time, in order.
pub(super) async fn get_keys(client: &Arc<Client>, keys: Vec<String>) -> Result<Vec<Option<Bytes>>, Trouble> {
    let mut found = vec![None; keys.len()];
    let (mut waiting, mut reading) = (keys.into_iter().enumerate(), JoinSet::new());
    loop {
        while reading.len() < PARALLEL
            && let Some((at, key)) = waiting.next()
        {
            let client = Arc::clone(client);
            reading.spawn(async move { (at, client.get(&key).await) });
        }
        let Some(read) = reading.join_next().await else { return Ok(found) };
        let (at, read) = read.expect("reading does not panic");
        found[at] = read?;
    }
}
