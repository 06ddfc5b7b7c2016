//! Steps of a generation that does not count yet: put beside those that do, with the blocks that are not there, until one
//! statement changes the generation in the ledger's row.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::LedgerPlace;
use crate::ledger::{BlockName, Blocks, Chain, Serial};
use crate::state::error::{StateError, StateErrorKind};
use crate::state::postgres::epoch::Epoch;
use crate::state::postgres::head::column;
use crate::state::postgres::{lines_of, step};
use crate::state::probe::Point;
use crate::state::store::{Draft, Lines, Reader, Writer};

/// How long a draft waits for a server that does not answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// Bytes of blocks that go in one statement.
const BLOCK_BYTES: usize = 4 << 20;

/// Puts a step of the draft beside those that count, once, in the writer's own epoch; says whether the epoch goes on.
const PUT: &str = "with put as (insert into {step} (ledger, generation, first, last, epoch, body) \
     select name, $3, $4, $5, $2, $6 from {ledger} where name = $1 and epoch = $2 on conflict do nothing) \
     select true from {ledger} where name = $1 and epoch = $2";

/// Notes of the blocks that are there that the draft names them, and returns which these are.
const KEEP_BLOCKS: &str = "update {block} set generation = $3 where ledger = $1 and digest = any($4) and exists \
     (select 1 from {ledger} where name = $1 and epoch = $2) returning digest";

const PUT_BLOCKS: &str = "insert into {block} (ledger, digest, generation, body) \
     select $1, digest, $3, body from unnest($4, $5) as new (digest, body) where exists \
     (select 1 from {ledger} where name = $1 and epoch = $2) \
     on conflict (ledger, digest) do update set generation = excluded.generation";

/// Makes the draft's steps the ones that count, if the log still ends where the writer left it.
const REPLACE: &str = "with durable as (select set_config('synchronous_commit', 'on', true) as setting) \
     update {ledger} l set generation = $3, tail = $6, chain = $7, beat = beat + 1 from durable \
     where durable.setting = 'on' and name = $1 and epoch = $2 and generation = $8 and tail = $4 and chain = $5 \
     returning true";

pub(super) struct PostgresDraft {
    epoch: Epoch,
    /// Makes the writer that goes on once it is in place.
    writer: fn(Epoch) -> Box<dyn Writer>,
    /// Named at random: what an older draft left has another name.
    generation: i64,
    end: Option<(Serial, String)>,
    blocks: Vec<Vec<u8>>,
    blocks_bytes: usize,
}

impl PostgresDraft {
    pub(super) fn begin(epoch: Epoch, writer: fn(Epoch) -> Box<dyn Writer>) -> Self {
        let generation = fastrand::i64(1..i64::MAX);
        Self { epoch, writer, generation, end: None, blocks: Vec::new(), blocks_bytes: 0 }
    }

    fn try_append(&mut self, lines: &[(Serial, Vec<u8>)], chain: Chain) -> Result<(), StateErrorKind> {
        let (Some((first, _)), Some((last, _))) = (lines.first(), lines.last()) else { return Ok(()) };
        let unwritten = |error: std::io::Error| StateErrorKind::Unreachable { source: error.into() };
        let database = &self.epoch.database;
        let statement = database
            .statement(PUT)?
            .number(self.epoch.number)
            .number(self.generation)
            .number(column(*first))
            .number(column(*last))
            .bytes(step::packed(step::bare(lines)).map_err(unwritten)?);
        if database.ask(statement, PATIENCE)?.is_empty() {
            return Err(StateErrorKind::Fenced { by_whom: None });
        }
        self.end = Some((*last, chain.to_string()));
        Ok(())
    }

    fn flush_blocks(&mut self) -> Result<(), StateErrorKind> {
        self.blocks_bytes = 0;
        let blocks = mem::take(&mut self.blocks);
        if blocks.is_empty() {
            return Ok(());
        }
        let database = &self.epoch.database;
        let digest = |block: &[u8]| hex::decode(BlockName::of(block).digest).expect("digits");
        let begun = |text| {
            Ok::<_, StateErrorKind>(
                database.statement(text)?.number(self.epoch.number).number(self.generation),
            )
        };
        let mut wanted: std::collections::BTreeMap<Vec<u8>, Vec<u8>> =
            blocks.into_iter().map(|block| (digest(&block), block)).collect();
        let kept =
            database.ask(begun(KEEP_BLOCKS)?.row_of_bytes(wanted.keys().cloned().collect()), PATIENCE)?;
        let damaged = |error: tokio_postgres::Error| StateErrorKind::Damaged { why: error.to_string() };
        for row in &kept {
            wanted.remove(row.try_get::<_, &[u8]>(0).map_err(damaged)?);
        }
        if wanted.is_empty() {
            return Ok(());
        }
        let (digests, bodies) = wanted.into_iter().unzip();
        database.ask(begun(PUT_BLOCKS)?.row_of_bytes(digests).row_of_bytes(bodies), PATIENCE).map(drop)
    }

    /// Removes what does not count any more. Readers of the generation before still find its blocks.
    fn remove_old(&self, before: i64) -> Result<(), StateErrorKind> {
        let database = &self.epoch.database;
        let of_epoch = "exists (select 1 from {ledger} where name = $1 and epoch = $2 and generation = $3)";
        for text in [
            format!("delete from {{step}} where ledger = $1 and generation <> $3 and {of_epoch}"),
            format!("delete from {{block}} where ledger = $1 and generation not in ($3, $4) and {of_epoch}"),
        ] {
            let takes_before = text.contains("$4");
            let statement = database.statement(&text)?.number(self.epoch.number).number(self.generation);
            let statement = if takes_before { statement.number(before) } else { statement };
            database.ask(statement, PATIENCE)?;
        }
        Ok(())
    }

    fn try_replace(&mut self) -> Result<(), StateErrorKind> {
        let undecided = |error: std::io::Error| StateErrorKind::Undecided { source: error.into() };
        self.flush_blocks()?;
        self.epoch.probe.pass(Point::Replacing).map_err(undecided)?;
        let epoch = &self.epoch;
        let (before, (after, chain_before)) = (epoch.generation, &epoch.end);
        let (last, chain) = self.end.clone().ok_or(StateErrorKind::Missing)?;
        let statement = epoch
            .database
            .statement(REPLACE)?
            .number(epoch.number)
            .number(self.generation)
            .number(column(*after))
            .text(chain_before.as_str())
            .number(column(last))
            .text(chain.as_str())
            .number(before);
        epoch.step(statement, |head| head.generation == self.generation)?;
        self.epoch.generation = self.generation;
        self.epoch.end = (last, chain);
        self.epoch.probe.pass(Point::Replacing).map_err(undecided)?;
        // The next one tries again.
        drop(self.remove_old(before));
        Ok(())
    }
}

impl Reader for PostgresDraft {
    fn place(&self) -> &LedgerPlace {
        &self.epoch.database.place
    }

    fn lines(&self) -> Lines<'_> {
        let database = &self.epoch.database;
        let steps = || {
            let text = "select body from {step} where ledger = $1 and generation = $2 order by first";
            let rows = database.ask(database.statement(text)?.number(self.generation), PATIENCE)?;
            let damaged = |error: tokio_postgres::Error| StateErrorKind::Damaged { why: error.to_string() };
            rows.iter().map(|row| row.try_get(0).map_err(damaged)).collect::<Result<Vec<Vec<u8>>, _>>()
        };
        match steps() {
            Ok(steps) => lines_of(&database.place, steps.into_iter()),
            Err(kind) => Box::new(std::iter::once(Err(kind.at(&database.place)))),
        }
    }

    fn blocks(&self) -> Arc<dyn Blocks> {
        // A draft is read to prove it.
        self.epoch.database.stored_blocks()
    }

    fn high_water(&self) -> Result<Option<(Serial, String)>, StateError> {
        Ok(self.end.clone())
    }
}

impl Draft for PostgresDraft {
    fn append(&mut self, lines: Vec<(Serial, Vec<u8>)>, chain: Chain) -> Result<(), StateError> {
        // Blocks are there before the lines that name them.
        let appended = self.flush_blocks().and_then(|()| self.try_append(&lines, chain));
        self.epoch.database.at(appended)
    }

    fn put_blocks(&mut self, _: Serial, blocks: Vec<Vec<u8>>) -> Result<(), StateError> {
        self.blocks_bytes += blocks.iter().map(Vec::len).sum::<usize>();
        self.blocks.extend(blocks);
        if self.blocks_bytes < BLOCK_BYTES {
            return Ok(());
        }
        let flushed = self.flush_blocks();
        self.epoch.database.at(flushed)
    }

    fn replace(mut self: Box<Self>) -> Result<Box<dyn Writer>, StateError> {
        let replaced = self.try_replace();
        self.epoch.database.at(replaced)?;
        Ok((self.writer)(self.epoch))
    }
}
