//! The one connection of a process to its server, made again when it is lost, and what an error says of what was done.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Row};

use crate::domain::PostgresPlace;
use crate::state::Variables;
use crate::state::background::Background;
use crate::state::error::StateErrorKind;
use crate::state::postgres::connector::Connector;
use crate::state::postgres::statement::Statement;

/// How often at least a server is asked that is there and does not answer.
const ATTEMPTS: u32 = 3;
/// But not for longer than this.
const PATIENCE_MAX: Duration = Duration::from_secs(20);
/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(100);

/// Why a statement has no answer.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It was not done.
    NotDone {
        /// Why.
        kind: StateErrorKind,
        /// Whether it may be different soon.
        is_passing: bool,
    },
    /// It may have been done, and may still be.
    Unknown(Box<dyn Error + Send + Sync>),
}

/// A connection that is there when it is asked for.
pub(super) struct Link {
    background: Background,
    connector: Arc<Connector>,
    client: Arc<Mutex<Option<Client>>>,
    schema: String,
}

impl Link {
    /// Makes one that is not connected yet.
    ///
    /// # Errors
    ///
    /// Returns [`StateErrorKind::Refused`] for an environment that cannot be used, and [`StateErrorKind::Unreachable`] without
    /// a thread.
    pub(super) fn new(place: &PostgresPlace, variables: &Variables) -> Result<Arc<Self>, StateErrorKind> {
        let background =
            Background::start().map_err(|error| StateErrorKind::Unreachable { source: error.into() })?;
        let connector = Arc::new(Connector::new(place, variables)?);
        let schema = place.schema.clone();
        Ok(Arc::new(Self { background, connector, client: Arc::default(), schema }))
    }

    /// Returns a statement whose tables `{ledger}`, `{step}` and `{block}` are those of the place's schema.
    pub(super) fn statement(&self, text: &str) -> Statement {
        let table = |name: &str| format!("\"{}\".{name}", self.schema);
        let text = ["ledger", "step", "block"]
            .iter()
            .fold(text.to_owned(), |text, name| text.replace(&format!("{{{name}}}"), &table(name)));
        Statement::new(text)
    }

    /// Asks once, and waits up to `within` for the answer.
    ///
    /// # Errors
    ///
    /// Returns [`Trouble`], which says whether the statement may have been done.
    pub(super) fn once(&self, statement: &Arc<Statement>, within: Duration) -> Result<Vec<Row>, Trouble> {
        let (connector, client) = (Arc::clone(&self.connector), Arc::clone(&self.client));
        let statement = Arc::clone(statement);
        self.background.run(async move {
            // One statement at a time: an answer that comes late, or never, can be no other statement's.
            let mut client = client.lock().await;
            let connected = match client.take().filter(|client| !client.is_closed()) {
                Some(connected) => connected,
                None => connect(&connector, within).await?,
            };
            let values = statement.values();
            let asked = connected.query_typed(&statement.text, &values);
            let answer = match tokio::time::timeout(within, asked).await {
                Ok(answer) => answer.map_err(|error| trouble(&error)),
                Err(_) => Err(Trouble::Unknown("the server did not answer in time".into())),
            };
            // Nor is a connection used again on which one is open.
            if !matches!(answer, Err(Trouble::Unknown(_))) {
                *client = Some(connected);
            }
            answer
        })
    }

    /// Asks until there is an answer, for up to `patience` after the first attempt: for statements that may be done twice.
    ///
    /// # Errors
    ///
    /// Returns [`StateErrorKind::Refused`] and [`StateErrorKind::Unreachable`].
    pub(super) fn ask(
        &self,
        statement: Statement,
        within: Duration,
        patience: Duration,
    ) -> Result<Vec<Row>, StateErrorKind> {
        let (statement, began) = (Arc::new(statement), Instant::now());
        loop {
            let (kind, patience) = match self.once(&statement, within) {
                Ok(rows) => return Ok(rows),
                Err(Trouble::NotDone { kind, is_passing: false }) => return Err(kind),
                Err(Trouble::NotDone { kind, .. }) => (kind, patience),
                // A server was there a moment ago.
                Err(Trouble::Unknown(source)) => (
                    StateErrorKind::Unreachable { source },
                    patience.max((ATTEMPTS * within).min(PATIENCE_MAX)),
                ),
            };
            if began.elapsed() + PAUSE >= patience {
                return Err(kind);
            }
            std::thread::sleep(PAUSE);
        }
    }
}

async fn connect(connector: &Connector, within: Duration) -> Result<Client, Trouble> {
    let made = connector.connect(within).await.map_err(|_| {
        let source = "the server did not answer in time".into();
        Trouble::NotDone { kind: StateErrorKind::Unreachable { source }, is_passing: true }
    })?;
    made.map_err(|error| not_connected(&error))
}

/// Nothing was asked.
fn not_connected(error: &tokio_postgres::Error) -> Trouble {
    let refused = |why: String, help: &str| Trouble::NotDone {
        kind: StateErrorKind::Refused { why, help: format!("nothing was sent. {help}") },
        is_passing: false,
    };
    let said = said(error);
    let Some(code) = error.code() else {
        let words = innermost(error);
        // What the certificate is not, or the server does not speak: waiting changes nothing.
        if words.contains("certificate") || words.contains("TLS") || words.contains("tls") {
            return refused(
                format!("no encrypted connection: {words}"),
                "The server's certificate has to be for the host in the address, and be signed by an authority that this \
                 machine trusts, or that `sslrootcert=FILE` names",
            );
        }
        if words.contains("password") {
            return refused(words, "Set `PGPASSWORD`, or `PGPASSFILE`");
        }
        return Trouble::NotDone {
            kind: StateErrorKind::Unreachable { source: words.into() },
            is_passing: true,
        };
    };
    if *code == SqlState::INVALID_PASSWORD || *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION {
        return refused(
            said,
            "Set `PGPASSWORD` or `PGPASSFILE` for the role in the address, or see `pg_hba.conf`",
        );
    }
    if *code == SqlState::INVALID_CATALOG_NAME {
        return refused(said, "Correct the database in the address, or create it: `createdb NAME`");
    }
    match trouble_of(code, said) {
        Trouble::Unknown(source) => {
            Trouble::NotDone { kind: StateErrorKind::Unreachable { source }, is_passing: true }
        }
        not_done @ Trouble::NotDone { .. } => not_done,
    }
}

/// What an error says of a statement that was asked.
fn trouble(error: &tokio_postgres::Error) -> Trouble {
    match error.code() {
        Some(code) => trouble_of(code, said(error)),
        None => Trouble::Unknown(innermost(error).into()),
    }
}

/// What the server says of a statement: PostgreSQL's appendix A.
fn trouble_of(code: &SqlState, said: String) -> Trouble {
    let refused = |help: &str| Trouble::NotDone {
        kind: StateErrorKind::Refused { why: said.clone(), help: format!("nothing was sent. {help}") },
        is_passing: false,
    };
    let passing = || Trouble::NotDone {
        kind: StateErrorKind::Unreachable { source: said.clone().into() },
        is_passing: true,
    };
    match code.code() {
        // Lost connections, a server that shuts down or starts, a commit that was cancelled or whose end nobody saw.
        "57014" | "57P01" | "57P02" | "57P05" | "25P03" | "40003" => Trouble::Unknown(said.into()),
        other if other.starts_with("08") => Trouble::Unknown(said.into()),
        // Another transaction was in the way; too many of them; it starts up.
        "40001" | "40P01" | "55P03" | "53300" | "57P03" => passing(),
        "42P01" | "3F000" => Trouble::NotDone { kind: StateErrorKind::Missing, is_passing: false },
        "42501" => refused(
            "The role lacks a right: docs/ledger.md has the grants for who reads, who writes, and who runs `campaignctl \
             ledger init`",
        ),
        "25006" => refused(
            "This server is a replica, or the role may only read. Name the primary, and see that the role's \
             `default_transaction_read_only` is off",
        ),
        "53100" => refused("Make room on the server's disk: the ledger is as it was"),
        "42703" | "42883" => refused(
            "The tables are of another version of campaignctl: use the one that made them, or a later one",
        ),
        _ => refused("This is what the server said; the ledger is as it was"),
    }
}

/// Returns what the server said, with its code.
fn said(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(said) => format!("{} ({})", said.message(), said.code().code()),
        None => innermost(error),
    }
}

fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
