//! The one writer of a ledger.

use std::io;
use std::sync::Arc;

use crate::domain::LedgerPlace;
use crate::ledger::{Blocks, Chain, Serial};
use crate::state::error::{StateError, StateErrorKind};
use crate::state::holder::Holder;
use crate::state::lease::Lease;
use crate::state::postgres::draft::PostgresDraft;
use crate::state::postgres::epoch::{Epoch, STEP_WITHIN};
use crate::state::postgres::head::column;
use crate::state::postgres::{end_of, lines_of, step};
use crate::state::probe::Point;
use crate::state::store::{Draft, Lines, Reader, Writer};

/// Appends lines behind `$3` with its chain `$4`, up to `$5` with chain `$6`, and says whether it did. A role that does not wait
/// for the disk waits here.
const APPEND: &str = "with durable as (select set_config('synchronous_commit', case \
     when current_setting('synchronous_commit') in ('off', 'local') then 'on' else \
     current_setting('synchronous_commit') end, true) as setting), \
     fence as (update {ledger} l set tail = $5, chain = $6, beat = beat + 1 from durable \
     where durable.setting <> 'off' and name = $1 and epoch = $2 and tail = $3 and chain = $4 and generation = $8 \
     returning name, generation), \
     put as (insert into {step} (ledger, generation, first, last, epoch, body) \
     select name, generation, $3 + 1, $5, $2, $7 from fence returning 1) \
     select exists (select 1 from put)";

pub(super) struct PostgresWriter {
    pub(super) epoch: Epoch,
    /// Who had the ledger before and did not close it.
    pub(super) took_over: Option<Holder>,
}

impl PostgresWriter {
    fn try_append(
        &mut self,
        after: Serial,
        lines: &[(Serial, Vec<u8>)],
        chain: Chain,
    ) -> Result<(), StateErrorKind> {
        let Some((last, _)) = lines.last() else { return Ok(()) };
        let unwritten = |error: io::Error| StateErrorKind::Unreachable { source: error.into() };
        let undecided = |error: io::Error| StateErrorKind::Undecided { source: error.into() };
        self.epoch.probe.pass(Point::Appending).map_err(unwritten)?;
        if after != self.epoch.end.0 {
            return Err(StateErrorKind::Fenced { by_whom: None });
        }
        let body = step::packed(step::bare(lines)).map_err(unwritten)?;
        let chain = chain.to_string();
        let statement = self
            .epoch
            .database
            .statement(APPEND)?
            .number(self.epoch.number)
            .number(column(after))
            .text(self.epoch.end.1.as_str())
            .number(column(*last))
            .text(chain.as_str())
            .bytes(body)
            .number(self.epoch.generation);
        self.epoch.step(statement, |head| (head.tail(), &head.chain) == (*last, &chain))?;
        self.epoch.end = (*last, chain);
        self.epoch.probe.pass(Point::Appended).map_err(undecided)
    }
}

impl Reader for PostgresWriter {
    fn place(&self) -> &LedgerPlace {
        &self.epoch.database.place
    }

    fn lines(&self) -> Lines<'_> {
        match self.epoch.database.head_and_steps() {
            Ok((_, steps)) => lines_of(&self.epoch.database.place, steps.into_iter()),
            Err(kind) => Box::new(std::iter::once(Err(kind.at(&self.epoch.database.place)))),
        }
    }

    fn blocks(&self) -> Arc<dyn Blocks> {
        self.epoch.database.blocks()
    }

    fn high_water(&self) -> Result<Option<(Serial, String)>, StateError> {
        let head = self.epoch.database.at(self.epoch.database.settled_head(STEP_WITHIN))?;
        Ok(end_of(&head))
    }
}

impl Writer for PostgresWriter {
    fn append(
        &mut self,
        after: Serial,
        lines: Vec<(Serial, Vec<u8>)>,
        chain: Chain,
    ) -> Result<(), StateError> {
        let appended = self.try_append(after, &lines, chain);
        self.epoch.database.at(appended)
    }

    fn lease(&self) -> Arc<Lease> {
        Arc::clone(&self.epoch.lease)
    }

    fn took_over(&self) -> Option<&Holder> {
        self.took_over.as_ref()
    }

    fn draft(self: Box<Self>) -> Result<Box<dyn Draft>, StateError> {
        self.epoch.lease.renew()?;
        Ok(Box::new(PostgresDraft::begin(self.epoch, |epoch| Box::new(Self { epoch, took_over: None }))))
    }
}
