//! How the server is reached: from the address, and from libpq's environment variables for what no file may hold.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use tokio::time::error::Elapsed;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, Config, NoTls};

use crate::domain::PostgresPlace;
use crate::state::Variables;
use crate::state::error::StateErrorKind;
use crate::state::postgres::password_file::password_in;
use crate::state::postgres::tls::{self, MakeTls};

/// A server that says nothing for so long while bytes are on their way to it is gone.
const SILENCE_MAX: Duration = Duration::from_secs(15);

/// Makes connections.
pub(super) struct Connector {
    config: Config,
    tls: Option<Arc<ClientConfig>>,
    /// How long a person wants to wait for a connection.
    within: Option<Duration>,
}

impl Connector {
    /// Reads what the address leaves open from the environment.
    ///
    /// # Errors
    ///
    /// Returns [`StateErrorKind::Refused`] for what cannot be used, by the name of the variable.
    pub(super) fn new(place: &PostgresPlace, variables: &Variables) -> Result<Self, StateErrorKind> {
        let user = place.user.clone().or_else(|| variables("PGUSER")).or_else(|| variables("USER"));
        let user = user.ok_or_else(|| StateErrorKind::Refused {
            why: "the address names no role".to_owned(),
            help: "nothing was sent. Write `postgres://ROLE@HOST/DATABASE`, or set `PGUSER`".to_owned(),
        })?;
        let mut config = Config::new();
        config
            .host(&place.host)
            .port(place.port)
            .dbname(&place.database)
            .application_name("campaignctl")
            .ssl_mode(if place.tls { SslMode::Require } else { SslMode::Disable })
            .keepalives_idle(SILENCE_MAX / 2)
            .keepalives_interval(SILENCE_MAX / 4)
            .keepalives_retries(2)
            .tcp_user_timeout(SILENCE_MAX);
        if let Some(address) = variables("PGHOSTADDR") {
            config.hostaddr(address.parse::<IpAddr>().map_err(|_| StateErrorKind::Refused {
                why: "`PGHOSTADDR` is no IP address".to_owned(),
                help: "nothing was sent. Write one, or unset it".to_owned(),
            })?);
        }
        if let Some(password) = password(place, &user, variables)? {
            config.password(password);
        }
        config.user(user);
        let tls = if place.tls { Some(tls_config(place, variables)?) } else { None };
        Ok(Self { config, tls, within: connect_timeout(variables) })
    }

    /// Connects, within a time that covers look-up, handshake and log-in.
    ///
    /// # Errors
    ///
    /// Returns why there is no connection; nothing was asked. The error of a time that is over is the outer one.
    pub(super) async fn connect(
        &self,
        within: Duration,
    ) -> Result<Result<Client, tokio_postgres::Error>, Elapsed> {
        tokio::time::timeout(self.within.unwrap_or(within), self.connect_unhurried()).await
    }

    async fn connect_unhurried(&self) -> Result<Client, tokio_postgres::Error> {
        if let Some(tls) = &self.tls {
            let (client, connection) = self.config.connect(MakeTls(Arc::clone(tls))).await?;
            drop(tokio::spawn(connection));
            Ok(client)
        } else {
            let (client, connection) = self.config.connect(NoTls).await?;
            drop(tokio::spawn(connection));
            Ok(client)
        }
    }
}

fn connect_timeout(variables: &Variables) -> Option<Duration> {
    let seconds = variables("PGCONNECT_TIMEOUT").and_then(|seconds| seconds.parse().ok());
    seconds.filter(|seconds| *seconds > 0).map(Duration::from_secs)
}

fn tls_config(place: &PostgresPlace, variables: &Variables) -> Result<Arc<ClientConfig>, StateErrorKind> {
    let path = |name| variables(name).map(PathBuf::from);
    let roots = place.root_certificates.clone().or_else(|| path("PGSSLROOTCERT"));
    let roots = roots.filter(|roots| roots.as_os_str() != "system");
    let own = path("PGSSLCERT").zip(path("PGSSLKEY"));
    tls::config(
        roots.as_deref(),
        own.as_ref().map(|(certificate, key)| (certificate.as_path(), key.as_path())),
    )
}

fn password(
    place: &PostgresPlace,
    user: &str,
    variables: &Variables,
) -> Result<Option<String>, StateErrorKind> {
    if let Some(password) = variables("PGPASSWORD") {
        // A server may ask for it in clear text, and whoever may change the address may name any server.
        if let Some(host) = variables("PGHOST").filter(|host| *host != place.host) {
            return Err(StateErrorKind::Refused {
                why: format!("`PGPASSWORD` is for `{host}`, as `PGHOST` says, and not for `{}`", place.host),
                help: "nothing was sent. See who changed `ledger:`, or unset `PGHOST`".to_owned(),
            });
        }
        return Ok(Some(password));
    }
    let named = variables("PGPASSFILE").map(PathBuf::from);
    let is_named = named.is_some();
    let path = named.or_else(|| Some(PathBuf::from(variables("HOME")?).join(".pgpass")));
    let Some(path) = path else { return Ok(None) };
    let refused = |why: &str| StateErrorKind::Refused {
        why: format!("the password file `{}` {why}", path.display()),
        help: "nothing was sent. Give it the mode 0600, or set `PGPASSWORD`".to_owned(),
    };
    let file = match std::fs::read_to_string(&path) {
        Ok(file) => file,
        Err(error) if is_named => return Err(refused(&format!("cannot be read: {error}"))),
        Err(_) => return Ok(None),
    };
    if is_open_to_others(&path) {
        return Err(refused("can be read by other users, and is not used"));
    }
    let port = place.port.to_string();
    Ok(password_in(&file, [&place.host, &port, &place.database, user]))
}

#[cfg(unix)]
fn is_open_to_others(path: &std::path::Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open_to_others(_: &std::path::Path) -> bool {
    false
}
