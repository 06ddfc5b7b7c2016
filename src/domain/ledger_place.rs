//! Where an environment's ledger is kept.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use url::{Host, Url};

use crate::domain::redactor::is_named_as_secret;

/// Where a ledger is kept. It names a store and never proves who may use it: no password and no key is part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LedgerPlace {
    /// A directory that this machine can reach, joined to the project file's.
    Directory(PathBuf),
    /// A row of a table in PostgreSQL.
    Postgres(Arc<PostgresPlace>),
    /// Objects of a bucket, in S3 or OSS.
    Objects(Arc<ObjectsPlace>),
}

/// A ledger in PostgreSQL: `postgres://[user@]host[:port]/database[?ledger=…&schema=…&sslmode=…&sslrootcert=…]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostgresPlace {
    /// The server, as its certificate names it.
    pub host: String,
    /// Its port; 5432 by default.
    pub port: u16,
    /// The role; `PGUSER` where the URL has none.
    pub user: Option<String>,
    /// The database on that server; it has to exist.
    pub database: String,
    /// The schema that the tables are in.
    pub schema: String,
    /// What the ledger is called in its table; by default as the environment is.
    pub ledger: String,
    /// Whether the connection is encrypted and the server's certificate proven; else the server is on this machine.
    pub tls: bool,
    /// A file of the certificates to trust; by default the machine's own are.
    pub root_certificates: Option<PathBuf>,
}

/// A ledger in object storage: `s3://bucket[/prefix]?region=…[&endpoint=…][&addressing=path]`, and the same with `oss`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectsPlace {
    /// Whose protocol.
    pub service: ObjectService,
    /// The bucket; it has to exist.
    pub bucket: String,
    /// What all of the ledger's keys begin with, without a slash at either end; empty for all of the bucket.
    pub prefix: String,
    /// The region that requests are signed for.
    pub region: String,
    /// Where requests go, if not to the region's own address: https, or http to loopback; a host and nothing more.
    pub endpoint: Option<Url>,
    /// How the address names the bucket, if that is said.
    pub addressing: Option<Addressing>,
}

/// Where an address has the bucket's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addressing {
    /// Before the host: `https://bucket.host/key`.
    Host,
    /// After it: `https://host/bucket/key`.
    Path,
}

/// Whose protocol an object store speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectService {
    /// Amazon S3, and what is compatible with it.
    S3,
    /// Alibaba Cloud Object Storage Service.
    Oss,
}

/// The schema of a ledger in PostgreSQL, unless the URL says another.
const SCHEMA: &str = "campaignctl";

/// What an address of a store begins with.
const SCHEMES: [&str; 4] = ["postgres", "postgresql", "s3", "oss"];

/// What a parameter's value cannot have as it is.
const VALUE: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'%').add(b'&').add(b'+').add(b'=');

/// What a database's name cannot have as it is.
const PATH: &AsciiSet = &VALUE.add(b'/').add(b'?').add(b'<').add(b'>').add(b'`').add(b'{').add(b'}');

/// Why a URL names no store. No message repeats more of it than a parameter's name or a scheme: it may hold a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerRefused {
    /// A password or a key, which would be in git.
    #[error("there is {0} in the ledger's address")]
    Secret(&'static str),
    /// No URL that can be read.
    #[error("it is not a URL")]
    NotAUrl,
    /// A scheme of no store.
    #[error("there is no store for `{0}://`")]
    Scheme(String),
    /// A part that has to be there.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A parameter that no store has.
    #[error("there is no parameter `{0}`")]
    Parameter(String),
    /// A parameter twice.
    #[error("the parameter `{0}` is there twice")]
    Twice(String),
    /// A character that a part of the address cannot have.
    #[error("{part} has {} in it", shown(*character))]
    Character {
        /// Which part.
        part: &'static str,
        /// The first one of those.
        character: char,
        /// What it may have.
        expected: &'static str,
    },
    /// A part of the address that cannot be for another reason.
    #[error("{part} {why}")]
    Part {
        /// Which part.
        part: &'static str,
        /// Why.
        why: &'static str,
        /// What it may be.
        expected: &'static str,
    },
    /// A value that cannot be.
    #[error("`{parameter}` is {expected}")]
    Value {
        /// Whose.
        parameter: &'static str,
        /// What it may be.
        expected: &'static str,
    },
    /// Clear text over a network.
    #[error("the server is on another machine, so the connection has to be encrypted")]
    ClearText,
}

impl LedgerPlace {
    /// Reads the URL of a store on another machine. `ledger` is what a ledger in PostgreSQL is called if the URL does not say.
    ///
    /// # Errors
    ///
    /// Returns [`LedgerRefused`] for what names no store, and for an address with a secret in it.
    pub fn parse_url(text: &str, ledger: &str) -> Result<Self, LedgerRefused> {
        let url = Url::parse(text).map_err(|_| LedgerRefused::NotAUrl)?;
        if !SCHEMES.contains(&url.scheme()) {
            return Err(LedgerRefused::Scheme(url.scheme().to_owned()));
        }
        prove_no_secret(&url)?;
        match url.scheme() {
            "s3" => Ok(Self::Objects(Arc::new(ObjectsPlace::read((text, &url), ObjectService::S3)?))),
            "oss" => Ok(Self::Objects(Arc::new(ObjectsPlace::read((text, &url), ObjectService::Oss)?))),
            _ => Ok(Self::Postgres(Arc::new(PostgresPlace::read(&url, ledger)?))),
        }
    }

    /// Whether a text is meant as the address of a store, though it may be none, and not as a path.
    #[must_use]
    pub fn is_address(text: &str) -> bool {
        let is_meant = |rest: &str| rest.starts_with(':') || rest.starts_with("//");
        text.contains("://")
            || text.contains("password=")
            || text.starts_with("host=")
            || SCHEMES.iter().any(|scheme| text.strip_prefix(scheme).is_some_and(is_meant))
    }

    /// Returns what `ledger:` says for it, whole, but for who connects.
    #[must_use]
    pub fn address(&self) -> String {
        match self {
            Self::Directory(path) => path.display().to_string(),
            Self::Postgres(place) => place.address(),
            Self::Objects(place) => place.address(),
        }
    }

    /// Returns the directory, if it is one.
    #[must_use]
    pub fn directory(&self) -> Option<&PathBuf> {
        match self {
            Self::Directory(path) => Some(path),
            Self::Postgres(_) | Self::Objects(_) => None,
        }
    }
}

/// As messages have it: without whatever a URL says of who reads it.
impl fmt::Display for LedgerPlace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(path) => path.display().fmt(formatter),
            Self::Postgres(place) => place.fmt(formatter),
            Self::Objects(place) => place.fmt(formatter),
        }
    }
}

impl fmt::Display for PostgresPlace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { port, database, ledger, schema, .. } = self;
        let host = bracketed(&self.host);
        write!(formatter, "postgres://{host}:{port}/{database}?ledger={ledger}")?;
        if schema == SCHEMA { Ok(()) } else { write!(formatter, "&schema={schema}") }
    }
}

impl fmt::Display for ObjectsPlace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.service {
            ObjectService::S3 => "s3",
            ObjectService::Oss => "oss",
        };
        write!(formatter, "{scheme}://{}", self.bucket)?;
        if self.prefix.is_empty() { Ok(()) } else { write!(formatter, "/{}", self.prefix) }
    }
}

impl PostgresPlace {
    fn address(&self) -> String {
        let Self { port, ledger, schema, .. } = self;
        let host = bracketed(&self.host);
        let database = utf8_percent_encode(&self.database, PATH);
        let mut address = format!("postgres://{host}:{port}/{database}?ledger={ledger}");
        if schema != SCHEMA {
            address.extend(["&schema=", schema]);
        }
        if self.tls == is_loopback(&self.host) {
            address.push_str(if self.tls { "&sslmode=verify-full" } else { "&sslmode=disable" });
        }
        if let Some(file) = &self.root_certificates {
            let file = file.to_string_lossy();
            address.extend(["&sslrootcert=", &utf8_percent_encode(&file, VALUE).to_string()]);
        }
        address
    }

    fn read(url: &Url, ledger: &str) -> Result<Self, LedgerRefused> {
        let host =
            url.host_str().filter(|host| !host.is_empty()).ok_or(LedgerRefused::Missing("the host"))?;
        let database = decoded(url.path().trim_start_matches('/'))?;
        if database.is_empty() || database.contains('/') {
            return Err(LedgerRefused::Missing("the database, as in `postgres://host/database`,"));
        }
        let mut given = parameters(url, &["ledger", "schema", "sslmode", "sslrootcert"])?;
        let is_local = is_loopback(host);
        let tls = match given.get("sslmode").map(String::as_str) {
            None => !is_local,
            Some("verify-full") => true,
            Some("disable") if is_local => false,
            Some("disable") => return Err(LedgerRefused::ClearText),
            Some(_) => {
                return Err(LedgerRefused::Value {
                    parameter: "sslmode",
                    expected: "`verify-full`, or `disable` for a server on this machine",
                });
            }
        };
        let mut name = |parameter, default: &str| {
            let name = given.remove(parameter).unwrap_or_else(|| default.to_owned());
            let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            if name.is_empty() || name.len() > 63 || !name.chars().all(is_plain) {
                let expected = "1 to 63 letters, digits, `-`, `_` and `.`";
                return Err(LedgerRefused::Value { parameter, expected });
            }
            Ok(name)
        };
        Ok(Self {
            ledger: name("ledger", ledger)?,
            schema: name("schema", SCHEMA)?,
            host: host.trim_matches(['[', ']']).to_owned(),
            port: url.port().unwrap_or(5432),
            user: Some(decoded(url.username())?).filter(|user| !user.is_empty()),
            database,
            tls,
            root_certificates: given.remove("sslrootcert").filter(|path| path != "system").map(PathBuf::from),
        })
    }
}

impl ObjectsPlace {
    fn address(&self) -> String {
        let mut address = format!("{self}?region={}", self.region);
        if let Some(endpoint) = &self.endpoint {
            let endpoint = endpoint.as_str().trim_end_matches('/');
            address.extend(["&endpoint=", &utf8_percent_encode(endpoint, VALUE).to_string()]);
        }
        if let Some(addressing) = self.addressing {
            address.push_str(match addressing {
                Addressing::Host => "&addressing=host",
                Addressing::Path => "&addressing=path",
            });
        }
        address
    }

    fn read((text, url): (&str, &Url), service: ObjectService) -> Result<Self, LedgerRefused> {
        let bucket =
            url.host_str().filter(|host| !host.is_empty()).ok_or(LedgerRefused::Missing("the bucket"))?;
        if url.port().is_some() {
            let expected = "the port of a store stands in `endpoint=https://HOST:PORT`";
            return Err(LedgerRefused::Part { part: "the bucket", why: "has a port", expected });
        }
        let is_of_bucket = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.');
        let expected = "the names of buckets have lower-case letters, digits, `-` and `.`";
        prove_characters("the bucket", &decoded(bucket)?, is_of_bucket, expected)?;
        if url.fragment().is_some() {
            let expected =
                "prefixes have letters, digits, `-`, `_`, `.` and single slashes, and parameters follow `?`";
            return Err(LedgerRefused::Character { part: "the address", character: '#', expected });
        }
        let prefix = prefix(text)?;
        let mut given = parameters(url, &["region", "endpoint", "addressing"])?;
        let (missing, expected) = match service {
            ObjectService::S3 => {
                ("the region, as in `?region=ap-southeast-1`,", "written like `ap-southeast-1`")
            }
            ObjectService::Oss => ("the region, as in `?region=cn-hangzhou`,", "written like `cn-hangzhou`"),
        };
        let region = given.remove("region").ok_or(LedgerRefused::Missing(missing))?;
        let is_of_region = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if region.is_empty() || !region.chars().all(is_of_region) {
            return Err(LedgerRefused::Value { parameter: "region", expected });
        }
        let endpoint = given.remove("endpoint").map(|endpoint| read_endpoint(&endpoint)).transpose()?;
        let addressing = match given.remove("addressing").as_deref() {
            None => None,
            Some("host") if endpoint.as_ref().is_some_and(is_ip_address) => {
                let expected =
                    "`path` for an endpoint that is an IP address: no bucket's name stands before one";
                return Err(LedgerRefused::Value { parameter: "addressing", expected });
            }
            Some("host") => Some(Addressing::Host),
            Some("path") => Some(Addressing::Path),
            Some(_) => {
                return Err(LedgerRefused::Value { parameter: "addressing", expected: "`host` or `path`" });
            }
        };
        Ok(Self { service, bucket: bucket.to_owned(), prefix, region, endpoint, addressing })
    }
}

/// Reads what all keys begin with, as it is written: a parser of URLs takes `..` for the way up.
fn prefix(text: &str) -> Result<String, LedgerRefused> {
    let expected = "prefixes have letters, digits, `-`, `_`, `.` and single slashes, up to 200 of them";
    let refused = |why| Err(LedgerRefused::Part { part: "the prefix", why, expected });
    let (_, rest) = text.split_once("://").ok_or(LedgerRefused::NotAUrl)?;
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let written = rest.split_once('/').map_or("", |(_, prefix)| prefix);
    let prefix = decoded(written)?.trim_matches('/').to_owned();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    prove_characters("the prefix", &prefix, is_plain, expected)?;
    match prefix.split('/').find(|part| matches!(*part, "" | "." | "..")) {
        Some("") if !prefix.is_empty() => refused("has two slashes in a row"),
        Some(".") => refused("has a part `.`"),
        Some("..") => refused("has a part `..`"),
        _ if prefix.len() > 200 => refused("is longer than 200 characters"),
        _ => Ok(prefix),
    }
}

fn prove_characters(
    part: &'static str,
    text: &str,
    is_allowed: impl Fn(char) -> bool,
    expected: &'static str,
) -> Result<(), LedgerRefused> {
    match text.chars().find(|c| !is_allowed(*c)) {
        Some(character) => Err(LedgerRefused::Character { part, character, expected }),
        None => Ok(()),
    }
}

/// Writes a character so that it is seen.
fn shown(character: char) -> String {
    match character {
        ' ' => "a space".to_owned(),
        '`' => "a backtick".to_owned(),
        c if c.is_control() => "a control character".to_owned(),
        c => format!("`{c}`"),
    }
}

fn is_ip_address(endpoint: &Url) -> bool {
    let host = endpoint.host_str().map(Host::parse);
    matches!(host, Some(Ok(Host::Ipv4(_) | Host::Ipv6(_))))
}

fn read_endpoint(text: &str) -> Result<Url, LedgerRefused> {
    let expected = "the address of a host: `https://HOST`, or `http://` to this machine";
    let refused = LedgerRefused::Value { parameter: "endpoint", expected };
    let Ok(url) = Url::parse(text) else { return Err(refused) };
    prove_no_secret(&url)?;
    let Some(host) = url.host_str() else { return Err(refused) };
    let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    match url.scheme() {
        "https" if is_bare => Ok(url),
        "http" if is_bare && is_loopback(host) => Ok(url),
        "http" if is_bare => Err(LedgerRefused::ClearText),
        _ => Err(refused),
    }
}

fn prove_no_secret(url: &Url) -> Result<(), LedgerRefused> {
    if url.password().is_some() {
        return Err(LedgerRefused::Secret("a password"));
    }
    if !matches!(url.scheme(), "postgres" | "postgresql") && !url.username().is_empty() {
        return Err(LedgerRefused::Secret("a key"));
    }
    if url.query_pairs().any(|(name, _)| is_named_as_secret(&name)) {
        return Err(LedgerRefused::Secret("a secret"));
    }
    Ok(())
}

/// Reads the parameters of a URL, each at most once.
fn parameters(url: &Url, known: &[&str]) -> Result<BTreeMap<String, String>, LedgerRefused> {
    let mut given = BTreeMap::new();
    if url.fragment().is_some() {
        return Err(LedgerRefused::Parameter("#".to_owned()));
    }
    for (name, value) in url.query_pairs() {
        if !known.contains(&name.as_ref()) {
            return Err(LedgerRefused::Parameter(name.into_owned()));
        }
        if given.insert(name.clone().into_owned(), value.into_owned()).is_some() {
            return Err(LedgerRefused::Twice(name.into_owned()));
        }
    }
    Ok(given)
}

/// Writes a host as a URL has it.
fn bracketed(host: &str) -> Cow<'_, str> {
    if host.contains(':') { format!("[{host}]").into() } else { host.into() }
}

fn decoded(text: &str) -> Result<String, LedgerRefused> {
    percent_decode_str(text).decode_utf8().map(Cow::into_owned).map_err(|_| LedgerRefused::NotAUrl)
}

fn is_loopback(host: &str) -> bool {
    match Host::parse(host) {
        Ok(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Ok(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        Ok(Host::Domain(domain)) => domain == "localhost",
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> LedgerPlace {
        LedgerPlace::parse_url(text, "production").unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn refused(text: &str) -> LedgerRefused {
        LedgerPlace::parse_url(text, "production").expect_err(text)
    }

    #[test]
    fn a_database_is_named_as_libpq_names_it() {
        let LedgerPlace::Postgres(found) = place("postgres://ledger@db.internal/push?sslmode=verify-full")
        else {
            panic!("PostgreSQL")
        };
        assert_eq!((found.user.as_deref(), found.port, found.tls), (Some("ledger"), 5432, true));
        assert_eq!((found.ledger.as_str(), found.schema.as_str()), ("production", "campaignctl"));
        assert_eq!(
            place("postgresql://a%40b@[::1]:6432/push?ledger=x").to_string(),
            "postgres://[::1]:6432/push?ledger=x"
        );
        let LedgerPlace::Postgres(local) = place("postgres://127.0.0.1/push") else { panic!("PostgreSQL") };
        assert!(!local.tls && local.user.is_none());
    }

    #[test]
    fn a_bucket_is_named_with_its_region() {
        let LedgerPlace::Objects(found) = place("oss://acme-ledgers/push/prod/?region=cn-hangzhou") else {
            panic!("objects")
        };
        assert_eq!((found.service, found.prefix.as_str()), (ObjectService::Oss, "push/prod"));
        assert_eq!(
            place("s3://acme?region=eu-west-1&endpoint=https://minio.internal").to_string(),
            "s3://acme"
        );
        for bad in [
            "s3://acme/push",
            "s3://Acme?region=a",
            "s3://acme/a//b?region=a",
            "s3://acme/../b%2f..?region=a",
            "s3://acme/a/../b?region=a",
            "s3://acme/a/%2E%2e/b?region=a",
            "s3://acme/./a?region=a",
            "s3://acme/a/.?region=a",
            "s3://acme/é?region=a",
            "s3://acme?region=EU-WEST-1",
            "s3://acme?region=a&endpoint=https://10.1.2.3&addressing=host",
            "s3://acme?region=a&endpoint=https://[fd00::1]:9000&addressing=host",
            "s3://acme?region=a&endpoint=ftp://x",
            "s3://acme?region=a&addressing=both",
            "s3://acme?region=a&endpoint=https://x/y",
            "s3://acme:1?region=a",
            "s3://acme?region=a&region=b",
            "s3://acme?region=a&rgion=b",
            "s3://?region=a",
            "s3://acme?region=a#b",
        ] {
            drop(refused(bad));
        }
    }

    #[test]
    fn what_is_wrong_with_a_part_of_an_address_is_said() {
        for (address, words) in [
            ("s3://acme/a b?region=a", "the prefix has a space in it"),
            ("s3://acme/a%25b?region=a", "the prefix has `%` in it"),
            ("s3://acme/a/../b?region=a", "the prefix has a part `..`"),
            ("s3://acme/a//b?region=a", "the prefix has two slashes in a row"),
            ("s3://Acme?region=a", "the bucket has `A` in it"),
            ("s3://acme_x?region=a", "the bucket has `_` in it"),
            ("s3://acme:9000/a?region=a", "the bucket has a port"),
            ("s3://acme/a#b?region=a", "the address has `#` in it"),
            ("s3://acme/a", "the region, as in `?region=ap-southeast-1`, is missing"),
            ("oss://acme/a", "the region, as in `?region=cn-hangzhou`, is missing"),
            ("s3://acme?region=EU", "`region` is written like `ap-southeast-1`"),
        ] {
            assert_eq!(refused(address).to_string(), words, "{address}");
        }
    }

    #[test]
    fn an_address_leads_to_the_same_place() {
        for text in [
            "postgresql://[::1]:6432/push?ledger=x",
            "postgres://db.internal/a%20b%25%3F?schema=other&sslrootcert=/etc/ssl/a%20%26b.pem",
            "postgres://localhost/push?sslmode=verify-full",
            "postgres://localhost/push?sslmode=disable",
            "s3://acme?region=eu-west-1&endpoint=https://minio.internal:9000&addressing=path",
            "oss://acme-ledgers/push/prod?region=cn-hangzhou&addressing=host",
            "s3://acme/push?region=eu-west-1&endpoint=http://127.0.0.1:9000",
        ] {
            let found = place(text);
            let address = found.address();
            assert_eq!(LedgerPlace::parse_url(&address, "another").as_ref(), Ok(&found), "{address}");
        }
    }

    #[test]
    fn no_secret_stands_in_an_address_and_none_is_repeated() {
        for text in [
            "postgres://ledger:hunter2@db/push",
            "postgres://ledger@db/push?password=hunter2",
            "postgres://ledger@db/push?sslpassword=hunter2",
            "s3://acme?region=a&secret_access_key=hunter2",
            "s3://hunter2:hunter2@acme?region=a",
            "s3://acme?region=a&X-Amz-Security-Token=hunter2",
            "s3://acme?region=a&endpoint=https://me:hunter2@minio",
            "s3://acme?region=a&endpoint=https://minio?token=hunter2",
        ] {
            let error = refused(text);
            assert!(matches!(error, LedgerRefused::Secret(_)), "{text}: {error}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_slip_is_no_path_and_no_secret() {
        for slip in [
            "postgres:/ledger@db/push",
            "postgres//db/push",
            "postgres:ledger@db/push",
            "s3:/acme",
            "host=db password=x",
        ] {
            assert!(LedgerPlace::is_address(slip), "{slip}");
            let error = refused(slip);
            assert!(matches!(error, LedgerRefused::NotAUrl | LedgerRefused::Missing(_)), "{slip}: {error}");
        }
        for path in ["l", ".campaignctl/production", "postgres", "postgres/l", "C:\\ledger", "s3-copy"] {
            assert!(!LedgerPlace::is_address(path), "{path}");
        }
        assert_eq!(refused("postgress://ledger@db/push"), LedgerRefused::Scheme("postgress".to_owned()));
    }

    #[test]
    fn nothing_goes_over_a_network_in_clear_text() {
        assert_eq!(refused("postgres://db/push?sslmode=disable"), LedgerRefused::ClearText);
        assert_eq!(refused("s3://a?region=a&endpoint=http://minio"), LedgerRefused::ClearText);
        drop(place("s3://a?region=a&endpoint=http://127.0.0.1:9000"));
        for weak in ["allow", "prefer", "require", "verify-ca"] {
            let error = refused(&format!("postgres://db/push?sslmode={weak}"));
            assert!(matches!(error, LedgerRefused::Value { parameter: "sslmode", .. }), "{error}");
        }
    }
}
