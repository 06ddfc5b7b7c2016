//! The ledger in PostgreSQL: a row that says who writes and where the log ends, and the steps of the log beside it.
//!
//! Every durable step is one statement that changes the row only in the writer's own epoch and where the log ends as
//! expected: that is the fence. There is no transaction of several statements and no session lock, so that a pooler in any
//! mode may stand in between; a snapshot is one statement as well. The tables are in `schema.sql`.
//!
//! An answer that is lost leaves open what was done (`link`): the writer issues the same statement again, and looks at the
//! row, until it is certain (`epoch`).

#[cfg(test)]
mod ambiguity_tests;
mod blocks;
mod connector;
mod draft;
mod epoch;
mod head;
mod link;
mod password_file;
mod statement;
mod step;
#[cfg(test)]
pub(super) mod testing;
mod tls;
mod writer;

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::domain::{LedgerPlace, PostgresPlace};
use crate::ledger::{Blocks, Serial};
use crate::state::Variables;
use crate::state::block_cache::BlockCache;
use crate::state::candidate::{Candidate, Following, Left};
use crate::state::error::{StateError, StateErrorKind};
use crate::state::holder::Holder;
use crate::state::postgres::epoch::Epoch;
use crate::state::postgres::head::Head;
use crate::state::postgres::link::Link;
use crate::state::postgres::statement::Statement;
use crate::state::postgres::writer::PostgresWriter;
use crate::state::probe::Probe;
use crate::state::remote_blocks::RemoteBlocks;
use crate::state::store::{Draft, Lines, Reader, Snapshot, Store, Writer};

/// How long one answer is waited for.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// How long all steps of a ledger are waited for.
const LINES_WITHIN: Duration = Duration::from_mins(1);
/// How long whoever begins waits for a server that does not answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// How often it is tried to make tables, and how long it is waited in between.
const MAKE_ATTEMPTS_MAX: u32 = 10;
const PAUSE: Duration = Duration::from_millis(100);

/// A ledger's row in a database.
pub(super) struct PostgresStore {
    database: Database,
    pub(super) probe: Probe,
}

/// A database, and one ledger in it; clones share the connection.
#[derive(Clone)]
struct Database {
    place: LedgerPlace,
    at: Arc<PostgresPlace>,
    variables: Variables,
    /// Made when it is first needed.
    link: Arc<OnceLock<Arc<Link>>>,
}

impl Database {
    fn link(&self) -> Result<Arc<Link>, StateErrorKind> {
        if let Some(link) = self.link.get() {
            return Ok(Arc::clone(link));
        }
        let link = Link::new(&self.at, &self.variables)?;
        Ok(Arc::clone(self.link.get_or_init(|| link)))
    }

    /// Begins a statement whose first value is the ledger's name.
    fn statement(&self, text: &str) -> Result<Statement, StateErrorKind> {
        Ok(self.link()?.statement(text).text(self.at.ledger.as_str()))
    }

    fn ask(
        &self,
        statement: Statement,
        patience: Duration,
    ) -> Result<Vec<tokio_postgres::Row>, StateErrorKind> {
        self.link()?.ask(statement, ANSWER_WITHIN, patience)
    }

    fn head(&self, patience: Duration) -> Result<Option<Head>, StateErrorKind> {
        Head::read(&self.ask(self.statement(head::READ)?, patience)?)
    }

    /// Returns the row once no statement of anybody changes it any more.
    fn settled_head(&self, patience: Duration) -> Result<Head, StateErrorKind> {
        let head = Head::read(&self.ask(self.statement(head::READ_SETTLED)?, patience)?)?;
        head.ok_or(StateErrorKind::Missing)
    }

    /// Returns the row and the bodies of all steps that count, as they were at one moment.
    fn head_and_steps(&self) -> Result<(Head, Vec<Vec<u8>>), StateErrorKind> {
        let statement = self.statement(head::READ_WITH_STEPS)?;
        // Over a connection of its own: it may take longer than a heartbeat can wait.
        let rows = Link::new(&self.at, &self.variables)?.ask(statement, LINES_WITHIN, PATIENCE)?;
        let head = Head::read(&rows)?.ok_or(StateErrorKind::Missing)?;
        let damaged = |error: tokio_postgres::Error| StateErrorKind::Damaged { why: error.to_string() };
        let bodies = rows.iter().skip(1).map(|row| row.try_get(2).map_err(damaged));
        Ok((head, bodies.collect::<Result<_, _>>()?))
    }

    fn blocks(&self) -> Arc<dyn Blocks> {
        let home = || Some(PathBuf::from((self.variables)("HOME")?).join(".cache"));
        let caches = (self.variables)("XDG_CACHE_HOME").map(PathBuf::from).or_else(home);
        let cache =
            caches.filter(|caches| caches.is_absolute()).map(|caches| BlockCache::in_directory(&caches));
        Arc::new(RemoteBlocks::new(&self.place, blocks::BlockTable(self.clone()), cache))
    }

    /// Returns what reads blocks from the server alone.
    fn stored_blocks(&self) -> Arc<dyn Blocks> {
        Arc::new(RemoteBlocks::new(&self.place, blocks::BlockTable(self.clone()), None))
    }

    fn at<T>(&self, result: Result<T, StateErrorKind>) -> Result<T, StateError> {
        result.map_err(|kind| kind.at(&self.place))
    }
}

impl PostgresStore {
    pub(super) fn new(at: &Arc<PostgresPlace>, variables: &Variables) -> Self {
        let (place, variables) = (LedgerPlace::Postgres(Arc::clone(at)), Variables::clone(variables));
        let database = Database { place, at: Arc::clone(at), variables, link: Arc::default() };
        Self { database, probe: Probe::default() }
    }

    /// Makes the tables where one of them is not there, and the ledger's row. Each statement stands alone, as a pooler may
    /// want it, and changes nothing where its table is there.
    fn make_room(&self) -> Result<(), StateErrorKind> {
        let database = &self.database;
        let link = database.link()?;
        let are_there = || {
            let text = "select 1 from {ledger}, {step}, {block} limit 0";
            link.ask(link.statement(text), ANSWER_WITHIN, PATIENCE).map(drop)
        };
        let make = || {
            let schema = format!("\"{}\"", database.at.schema);
            let text = include_str!("schema.sql").replace("{schema}", &schema);
            let lines = text.lines().map(|line| line.split("--").next().unwrap_or_default());
            let text = lines.collect::<Vec<_>>().join("\n");
            let mut statements = text.split(';').map(str::trim).filter(|statement| !statement.is_empty());
            statements.try_for_each(|text| link.ask(link.statement(text), ANSWER_WITHIN, PATIENCE).map(drop))
        };
        let mut attempts = 0;
        while let Err(StateErrorKind::Missing) = are_there() {
            attempts += 1;
            match make() {
                // Somebody else makes them at the same time, which PostgreSQL does not take well.
                Err(_) if attempts < MAKE_ATTEMPTS_MAX => std::thread::sleep(PAUSE),
                done => done?,
            }
        }
        let text = "insert into {ledger} (name) values ($1) on conflict do nothing";
        database.ask(database.statement(text)?, PATIENCE).map(drop)
    }

    /// Begins an epoch of `candidate`, unless somebody else's goes on.
    fn writer(&self, candidate: &Candidate, may_be_empty: bool) -> Result<PostgresWriter, StateErrorKind> {
        let database = &self.database;
        loop {
            // Before the row is asked for: a proof is as old as that.
            let since = candidate.now();
            let head = database.head(PATIENCE)?.filter(|head| may_be_empty || head.tail() != Serial(0));
            let head = head.ok_or(StateErrorKind::Missing)?;
            let following = head.incumbent().map(|incumbent| candidate.may_follow(incumbent)).transpose()?;
            let fenced =
                if following == Some(Following::Fences) { head.holder() } else { head.fenced.as_ref() };
            if let Some(taken) = self.begin_epoch(&head, candidate, fenced)? {
                let took_over = head.holder().cloned();
                let epoch = Epoch::begin(database, &self.probe, candidate, taken, since)?;
                return Ok(PostgresWriter { epoch, took_over });
            }
            // Somebody was faster, and is looked at now.
        }
    }

    /// Takes the place of whoever `seen` shows, if the row still is as it was. Nothing where it is not.
    fn begin_epoch(
        &self,
        seen: &Head,
        candidate: &Candidate,
        fenced: Option<&Holder>,
    ) -> Result<Option<Head>, StateErrorKind> {
        let database = &self.database;
        let nonce = uuid::Uuid::new_v4().to_string();
        let lease = i64::try_from(candidate.terms().lease().as_millis()).unwrap_or(i64::MAX);
        let statement = database
            .statement(
                "update {ledger} set epoch = epoch + 1, beat = beat + 1, holder = $5::text::jsonb, closed = false, lease_ms = $6, \
                 fenced = $7::text::jsonb, nonce = $8 where name = $1 and epoch = $2 and beat = $3 and tail = $4 \
                 returning 1",
            )?
            .number(seen.epoch)
            .number(seen.beat)
            .number(head::column(seen.tail()))
            .text(json(candidate.holder()))
            .number(lease)
            .optional_text(fenced.map(json))
            .text(nonce.as_str());
        // Done twice, it does nothing the second time; the nonce says whose epoch it is then.
        database.ask(statement, PATIENCE)?;
        let head = database.settled_head(PATIENCE)?;
        Ok((head.nonce == nonce).then_some(head))
    }
}

fn json(holder: &Holder) -> String {
    serde_json::to_string(holder).expect("texts and numbers are always JSON")
}

impl Store for PostgresStore {
    fn place(&self) -> &LedgerPlace {
        &self.database.place
    }

    fn snapshot(&self, reader: &Candidate) -> Result<Snapshot, StateError> {
        let database = &self.database;
        let (head, steps) = database.at(database.head_and_steps())?;
        if head.tail() == Serial(0) {
            return database.at(Err(StateErrorKind::Missing));
        }
        let written_by = head.holder().filter(|holder| !reader.proves_over(holder)).cloned();
        let reader = Box::new(PostgresSnapshot { database: database.clone(), head, steps });
        Ok(Snapshot { reader, written_by, may_be_torn: false })
    }

    fn take(&self, writer: &Candidate) -> Result<Box<dyn Writer>, StateError> {
        Ok(Box::new(self.database.at(self.writer(writer, false))?))
    }

    fn create(&self, writer: &Candidate) -> Result<Box<dyn Writer>, StateError> {
        self.database.at(self.make_room())?;
        Ok(Box::new(self.database.at(self.writer(writer, true))?))
    }

    fn rebuild(&self, writer: &Candidate) -> Result<Box<dyn Draft>, StateError> {
        self.create(writer)?.draft()
    }

    fn known_serial(&self) -> Result<Option<Serial>, StateError> {
        match self.database.head(PATIENCE) {
            Ok(Some(head)) if head.tail() != Serial(0) => Ok(Some(head.tail())),
            Ok(_) | Err(StateErrorKind::Missing) => Ok(None),
            Err(kind) => Err(kind.at(&self.database.place)),
        }
    }

    fn left_behind(&self, candidate: &Candidate) -> Result<Left, StateError> {
        let database = &self.database;
        let head = database.at(database.head(PATIENCE))?.filter(|head| head.tail() != Serial(0));
        let head = database.at(head.ok_or(StateErrorKind::Missing))?;
        database.at(head.incumbent().map_or(Ok(Left::Nobody), |incumbent| candidate.left_behind(incumbent)))
    }

    fn clear(&self, seen: &[Holder], candidate: &Candidate) -> Result<(), StateError> {
        let database = &self.database;
        if let Left::Watched(holder) = self.left_behind(candidate)? {
            return database.at(Err(StateErrorKind::Locked { holder: Some(Box::new(holder)), wrote: None }));
        }
        let head = database.at(database.head(PATIENCE))?;
        let head = database.at(head.ok_or(StateErrorKind::Missing))?;
        let Some(holder) = head.holder() else { return Ok(()) };
        if !seen.contains(holder) {
            return database.at(Err(StateErrorKind::LeftLocked { holder: Box::new(holder.clone()) }));
        }
        let fenced = if candidate.proves_over(holder) { head.fenced.as_ref() } else { Some(holder) };
        let cleared = || {
            let statement = database
                .statement(
                    "update {ledger} set epoch = epoch + 1, closed = true, fenced = $5::text::jsonb, holder = $6::text::jsonb \
                     where name = $1 and epoch = $2 and beat = $3 and tail = $4 returning 1",
                )?
                .number(head.epoch)
                .number(head.beat)
                .number(head::column(head.tail()))
                .optional_text(fenced.map(json))
                .text(json(candidate.holder()));
            database.ask(statement, PATIENCE)?;
            let now = database.settled_head(PATIENCE)?;
            match now.holder() {
                None => Ok(()),
                Some(holder) => {
                    Err(StateErrorKind::Locked { holder: Some(Box::new(holder.clone())), wrote: None })
                }
            }
        };
        database.at(cleared())
    }
}

/// A ledger as it was at one moment.
struct PostgresSnapshot {
    database: Database,
    head: Head,
    steps: Vec<Vec<u8>>,
}

impl Reader for PostgresSnapshot {
    fn place(&self) -> &LedgerPlace {
        &self.database.place
    }

    fn lines(&self) -> Lines<'_> {
        lines_of(&self.database.place, self.steps.iter())
    }

    fn blocks(&self) -> Arc<dyn Blocks> {
        self.database.blocks()
    }

    fn stored_blocks(&self) -> Arc<dyn Blocks> {
        self.database.stored_blocks()
    }

    fn high_water(&self) -> Result<Option<(Serial, String)>, StateError> {
        Ok(end_of(&self.head))
    }
}

/// Returns where a log ends, and its chain; nothing for one that was never begun.
fn end_of(head: &Head) -> Option<(Serial, String)> {
    (head.tail() != Serial(0)).then(|| (head.tail(), head.chain.clone()))
}

/// Returns the lines of steps, each unpacked when it is its turn.
fn lines_of<'steps>(
    place: &'steps LedgerPlace,
    steps: impl Iterator<Item = impl AsRef<[u8]> + 'steps> + 'steps,
) -> Lines<'steps> {
    Box::new(steps.flat_map(move |body| {
        let damaged = move |error: io::Error| {
            StateErrorKind::Damaged { why: format!("a step cannot be unpacked: {error}") }.at(place)
        };
        let (lines, error) = match step::unpacked(body.as_ref()) {
            Ok(lines) => (Some(lines), None),
            Err(error) => (None, Some(error)),
        };
        let lines = lines.into_iter().flatten().map(move |line| line.map_err(damaged));
        lines.chain(error.map(move |error| Err(damaged(error))))
    }))
}
