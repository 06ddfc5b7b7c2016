//! The servers that `scripts/postgres run` started, for tests; a test that finds none says so and is skipped.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use crate::domain::LedgerPlace;
use crate::ledger::Serial;
use crate::state::Variables;
use crate::state::postgres::{Database, PATIENCE, PostgresStore};

/// Running servers.
pub(in crate::state) struct Servers {
    pub(in crate::state) port: u16,
    pub(in crate::state) bouncer: u16,
}

impl Servers {
    /// Returns them, or says that what needs them is skipped.
    #[expect(clippy::disallowed_methods, reason = "the test command says where the servers are")]
    pub(in crate::state) fn running() -> Option<Self> {
        let Some(directory) = std::env::var_os("CAMPAIGNCTL_TEST_POSTGRES") else {
            let test = std::thread::current().name().unwrap_or_default().to_owned();
            let skipped =
                format!("{test}: SKIPPED, run `scripts/postgres run cargo test` to have the servers\n");
            drop(std::io::stderr().write_all(skipped.as_bytes()));
            return None;
        };
        let ports = std::fs::read_to_string(PathBuf::from(directory).join("ports")).unwrap();
        let mut ports = ports.split_whitespace().map(|port| port.parse().unwrap());
        Some(Self { port: ports.next().unwrap(), bouncer: ports.next().unwrap() })
    }
}

/// What opens the servers: the writer's password.
pub(in crate::state) fn variables() -> Variables {
    Arc::new(|name| (name == "PGPASSWORD").then(|| "the-ledgers-password".to_owned()))
}

/// Returns the store at an address.
pub(in crate::state) fn store_at(address: &str) -> PostgresStore {
    let LedgerPlace::Postgres(at) = LedgerPlace::parse_url(address, "test").unwrap() else {
        panic!("{address} is PostgreSQL's")
    };
    PostgresStore::new(&at, &variables())
}

/// A ledger of a test's own, at the server itself or behind a pooler.
pub(in crate::state) struct Bench {
    pub(in crate::state) address: String,
}

impl Bench {
    pub(in crate::state) fn direct() -> Self {
        let servers = Servers::running().expect("asked before");
        Self::at(&format!("postgres://ledger@127.0.0.1:{}/push", servers.port))
    }

    /// `mode` is pgbouncer's: `session`, `transaction` or `statement`.
    pub(in crate::state) fn behind_pooler(mode: &str) -> Self {
        let servers = Servers::running().expect("asked before");
        Self::at(&format!("postgres://ledger@127.0.0.1:{}/{mode}", servers.bouncer))
    }

    fn at(server: &str) -> Self {
        let bench = Self { address: format!("{server}?ledger={}", uuid::Uuid::new_v4()) };
        bench.store().make_room().unwrap();
        bench
    }

    pub(in crate::state) fn store(&self) -> PostgresStore {
        store_at(&self.address)
    }

    /// Copies the ledger to another name, as it is at one moment.
    pub(in crate::state) fn image(&self) -> Self {
        let (server, _) = self.address.split_once('?').unwrap();
        let image = Self { address: format!("{server}?ledger={}", uuid::Uuid::new_v4()) };
        let (from, to) = (self.store().database, image.store().database);
        for text in [
            "insert into {ledger} select $2, version, generation, epoch, beat, holder, closed, lease_ms, fenced, nonce, tail, chain \
             from {ledger} where name = $1",
            "insert into {step} select $2, generation, first, last, epoch, body from {step} where ledger = $1",
            "insert into {block} select $2, digest, generation, body from {block} where ledger = $1",
        ] {
            ask(&from, text, to.at.ledger.as_str());
        }
        image
    }

    /// Asserts what the tables must hold whatever happened: steps that follow each other up to the end that the row names.
    pub(in crate::state) fn assert_whole(&self) {
        let store = self.store();
        let head = store.database.head(PATIENCE).unwrap().unwrap();
        let text = "select first, last from {step} where ledger = $1 and generation = $2 order by first";
        let statement = store.database.statement(text).unwrap().number(head.generation);
        let mut end = None;
        for row in store.database.ask(statement, PATIENCE).unwrap() {
            let (first, last): (i64, i64) = (row.get(0), row.get(1));
            assert!(end.is_none_or(|end| first == end + 1), "{first} follows {end:?}");
            end = Some(last);
        }
        assert_eq!(end.map_or(Serial(0), |end| Serial(u64::try_from(end).unwrap())), head.tail());
    }
}

fn ask(database: &Database, text: &str, value: &str) {
    database.ask(database.statement(text).unwrap().text(value), PATIENCE).unwrap();
}
