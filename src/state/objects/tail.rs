//! The end of a log as its writer has it: one object at a time, each where the one before it was decided. One that was not
//! answered is sent again, the same bytes, before anything else is.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use uuid::Uuid;

use crate::state::error::StateErrorKind;
use crate::state::holder::Holder;
use crate::state::lease::{Standing, Tenure};
use crate::state::objects::decide::{Decided, NotDecided};
use crate::state::objects::frame::{End, FORMAT, Frame, Header, Kind, digest};
use crate::state::objects::log::{Log, slot_key};
use crate::state::objects::session::Session;

/// The writer's end of a log.
pub(super) struct Tail {
    session: Arc<Session>,
    epoch: u64,
    state: Mutex<State>,
}

struct State {
    log: Log,
    /// Sent, and not known to be there. Until it is decided nothing else is sent: its slot is the next one.
    pending: Option<Frame>,
    lost: Option<Lost>,
    is_closed: bool,
}

/// That another writer has the log, and who, as far as it can be read.
struct Lost(Option<Box<Holder>>);

/// What is to be written behind the end.
pub(super) struct Piece {
    pub(super) kind: Kind,
    /// Where the log ends then, if that changes.
    pub(super) end: Option<End>,
    pub(super) body: Bytes,
}

impl Piece {
    /// Something that carries no records.
    pub(super) fn sign(kind: Kind) -> Self {
        Self { kind, end: None, body: Bytes::new() }
    }
}

/// Returns the object that follows a log in an epoch.
pub(super) fn following(log: &Log, epoch: u64, piece: Piece) -> Frame {
    let Piece { kind, end, body } = piece;
    let header = Header {
        format: FORMAT,
        epoch,
        seq: log.next,
        first: log.end.last.next(),
        before: log.end.chain.clone(),
        end: end.unwrap_or_else(|| log.end.clone()),
        nonce: Uuid::new_v4(),
        digest: digest(&body),
        kind,
    };
    Frame { header, body }
}

/// Returns who wrote an object that stands where another one was to.
fn writer_of(slot: u64, bytes: &Bytes) -> Option<Box<Holder>> {
    match Frame::decode(slot, bytes).ok()?.header.kind {
        Kind::Open { opened, .. } | Kind::Packed { opened } => Some(Box::new(opened.holder)),
        Kind::Step | Kind::Beat { .. } | Kind::Close => None,
    }
}

impl Tail {
    /// Goes on where an epoch was just opened.
    pub(super) fn new(session: Arc<Session>, log: Log) -> Self {
        let epoch = log.epoch;
        Self { session, epoch, state: Mutex::new(State { log, pending: None, lost: None, is_closed: false }) }
    }

    /// Looks at the log as it is known here.
    pub(super) fn log<T>(&self, look: impl FnOnce(&Log) -> T) -> T {
        look(&self.locked().log)
    }

    /// Lets go of what was read of steps.
    pub(super) fn forget_bodies(&self) {
        self.locked().log.forget_bodies();
    }

    /// Writes what `make` makes of the log, durably, unless another writer did first.
    ///
    /// # Errors
    ///
    /// Returns what `make` returns; `Fenced` where the log is another's; `Undecided` where the object may be there; anything
    /// else where it is not and will not be.
    pub(super) fn write(
        &self,
        within: Duration,
        make: impl FnOnce(&Log) -> Result<Piece, StateErrorKind>,
    ) -> Result<(), StateErrorKind> {
        let mut state = self.locked();
        self.settle(&mut state)?;
        let piece = make(&state.log)?;
        let frame = following(&state.log, self.epoch, piece);
        self.put(&mut state, frame, within)
    }

    /// Says that the epoch ends, if that is still to be said.
    pub(super) fn close(&self) {
        let mut state = self.locked();
        if state.is_closed || state.lost.is_some() {
            return;
        }
        state.is_closed = true;
        let within = self.session.client.timing.sign;
        // Where it cannot be said, the next one waits until the lease is over.
        if self.settle(&mut state).is_ok() {
            let frame = following(&state.log, self.epoch, Piece::sign(Kind::Close));
            drop(self.put(&mut state, frame, within));
        }
    }

    /// Finds out what became of an object that was sent before.
    fn settle(&self, state: &mut State) -> Result<(), StateErrorKind> {
        if let Some(Lost(by_whom)) = &state.lost {
            return Err(StateErrorKind::Fenced { by_whom: by_whom.clone() });
        }
        match state.pending.take() {
            Some(pending) => match self.put(state, pending.clone(), self.session.client.timing.sign) {
                Ok(()) => Ok(()),
                Err(error @ StateErrorKind::Fenced { .. }) => Err(error),
                Err(error) => {
                    // That this request did nothing says nothing of the one before.
                    state.pending = Some(pending);
                    Err(error)
                }
            },
            None => Ok(()),
        }
    }

    fn put(&self, state: &mut State, frame: Frame, within: Duration) -> Result<(), StateErrorKind> {
        let slot = frame.header.seq;
        match self.session.decide(slot_key(slot), frame.encode(), within) {
            Ok(Decided::Ours) => {
                state.log.push(frame)?;
                // It is read again where somebody wants it: a run appends more than memory holds.
                state.log.steps.last_mut().filter(|step| step.slot == slot).map(|step| step.body.take());
                Ok(())
            }
            // What cannot be read may be ours, cut short on its way.
            Ok(Decided::Theirs(bytes)) if Frame::decode(slot, &bytes).is_err() => {
                state.pending = Some(frame);
                let source = format!("what stands in object {slot} of its log cannot be read");
                Err(StateErrorKind::Undecided { source: source.into() })
            }
            Ok(Decided::Theirs(bytes)) => {
                let by_whom = writer_of(slot, &bytes);
                state.lost = Some(Lost(by_whom.clone()));
                Err(StateErrorKind::Fenced { by_whom })
            }
            Err(NotDecided::Unwritten(kind)) => Err(kind),
            Err(error @ NotDecided::Undecided(_)) => {
                state.pending = Some(frame);
                Err(error.into())
            }
        }
    }

    fn locked(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of this lock panics")
    }
}

/// Returns what a step says of who has the log.
pub(super) fn standing(done: &Result<(), StateErrorKind>) -> Option<Standing> {
    match done {
        Ok(()) => Some(Standing::Holds),
        Err(StateErrorKind::Fenced { by_whom }) => Some(Standing::Lost(by_whom.clone())),
        Err(_) => None,
    }
}

impl Tenure for Arc<Tail> {
    fn look(&self) -> Result<Standing, StateErrorKind> {
        let slot = self.log(|log| log.next);
        let found = self.session.get(slot_key(slot))?;
        Ok(found.map_or(Standing::Holds, |bytes| Standing::Lost(writer_of(slot, &bytes))))
    }

    fn beat(&self) -> Result<Standing, StateErrorKind> {
        let beat = Kind::Beat { take_over_recorded: false };
        let done = self.write(self.session.client.timing.sign, |_| Ok(Piece::sign(beat)));
        standing(&done).map_or_else(|| done.map(|()| Standing::Holds), Ok)
    }

    fn take_over_recorded(&self) -> Result<(), StateErrorKind> {
        let beat = Kind::Beat { take_over_recorded: true };
        match self.write(self.session.client.timing.step, |_| Ok(Piece::sign(beat))) {
            Err(StateErrorKind::Fenced { .. }) => Ok(()),
            done => done,
        }
    }

    fn refuses_steps(&self) -> bool {
        true
    }
}
