//! The one writer of a ledger in a bucket.

use std::sync::Arc;

use crate::domain::LedgerPlace;
use crate::ledger::{Blocks, Chain, Serial};
use crate::state::error::{StateError, StateErrorKind};
use crate::state::holder::Holder;
use crate::state::lease::Lease;
use crate::state::objects::blocks;
use crate::state::objects::draft::ObjectsDraft;
use crate::state::objects::frame::{End, Kind, pack_lines};
use crate::state::objects::hold::Hold;
use crate::state::objects::log::Log;
use crate::state::objects::tail::Piece;
use crate::state::probe::Point;
use crate::state::store::{Draft, Lines, Reader, Writer};

/// The writer of an epoch.
pub(super) struct ObjectsWriter {
    hold: Hold,
    /// Whether it wrote records: whoever opened it has read what was there by then.
    has_written: bool,
}

impl ObjectsWriter {
    pub(super) fn new(hold: Hold) -> Self {
        Self { hold, has_written: false }
    }

    /// Goes on behind a draft that is in place.
    pub(super) fn succeed(hold: Hold) -> Box<dyn Writer> {
        Box::new(Self::new(hold))
    }

    fn try_append(
        &mut self,
        after: Serial,
        lines: &[(Serial, Vec<u8>)],
        chain: Chain,
    ) -> Result<(), StateErrorKind> {
        let Some((last, _)) = lines.last() else { return Ok(()) };
        let probe = &self.hold.session.probe;
        let unwritten = |error: std::io::Error| StateErrorKind::Unreachable { source: error.into() };
        let undecided = |error: std::io::Error| StateErrorKind::Undecided { source: error.into() };
        probe.pass(Point::Appending).map_err(unwritten)?;
        let body = pack_lines(lines.iter().map(|(_, line)| line.as_slice())).map_err(unwritten)?;
        let end = Some(End { last: *last, chain: chain.to_string() });
        if !std::mem::replace(&mut self.has_written, true) {
            self.hold.tail.forget_bodies();
        }
        self.hold.step(after, |_| Ok(Piece { kind: Kind::Step, end, body }))?;
        probe.pass(Point::Appended).map_err(undecided)
    }
}

impl Reader for ObjectsWriter {
    fn place(&self) -> &LedgerPlace {
        &self.hold.session.place
    }

    fn lines(&self) -> Lines<'_> {
        self.hold.session.lines(&self.hold.tail.log(Log::clone))
    }

    fn blocks(&self) -> Arc<dyn Blocks> {
        blocks::of(&self.hold.session, &self.hold.tail.log(Log::clone))
    }

    fn high_water(&self) -> Result<Option<(Serial, String)>, StateError> {
        Ok(self.hold.tail.log(Log::high_water))
    }
}

impl Writer for ObjectsWriter {
    fn append(
        &mut self,
        after: Serial,
        lines: Vec<(Serial, Vec<u8>)>,
        chain: Chain,
    ) -> Result<(), StateError> {
        let appended = self.try_append(after, &lines, chain);
        self.hold.session.at(appended)
    }

    fn lease(&self) -> Arc<Lease> {
        Arc::clone(&self.hold.lease)
    }

    fn took_over(&self) -> Option<&Holder> {
        self.hold.took_over.as_ref()
    }

    fn pieces(&self) -> u64 {
        self.hold.tail.log(|log| log.next - log.packed.as_ref().map_or(1, |(slot, _)| *slot))
    }

    fn draft(self: Box<Self>) -> Result<Box<dyn Draft>, StateError> {
        Ok(Box::new(ObjectsDraft::of(self.hold, Self::succeed)))
    }
}
