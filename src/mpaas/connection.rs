//! Opens connections to an endpoint: straight or through a proxy, with TLS where the endpoint has it.
//!
//! A connection carries one request at a time. Nothing is sent here, and nothing again.

use std::collections::HashSet;
use std::error::Error;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Uri;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{HeaderMap, HeaderValue, USER_AGENT};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tower_service::Service;
use url::Url;

use crate::mpaas::line::Line;
use crate::mpaas::outcome::NoConnection;
use crate::mpaas::stream::{Socket, Watched};

/// Why no client could be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The machine has no root certificates.
    #[error("cannot set up https: {0}")]
    Setup(String),
}

/// Longest head of a reply: the vendor's are a few hundred bytes.
const HEAD_BYTES_MAX: usize = 64 << 10;

type BoxError = Box<dyn Error + Send + Sync>;

/// One end of an open connection. Dropped, it is closed.
pub(super) struct Connection {
    pub(super) sender: SendRequest<Full<Bytes>>,
    pub(super) line: Arc<Line>,
    /// The replies that came over it without a name, as hashes.
    pub(super) nameless: HashSet<u64>,
}

impl Connection {
    /// Closes it after a refusal, and waits for its end; an error says why the refusal is in doubt.
    pub(super) async fn refused(self) -> Result<(), String> {
        self.line.refuse();
        let line = Arc::clone(&self.line);
        drop(self);
        line.until_closed().await
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.line.release();
    }
}

/// Opens connections to one endpoint.
#[derive(Clone)]
pub(super) struct Connector {
    endpoint: Uri,
    /// The endpoint's host and port, as messages name it.
    host: String,
    transport: Transport,
    timeout: Duration,
    /// How long a reply may take.
    reply_max: Duration,
}

/// How the endpoint is reached.
#[derive(Clone)]
enum Transport {
    /// Loopback, without TLS.
    Plain(HttpConnector),
    Straight(HttpsConnector<HttpConnector>),
    /// With the proxy's host and port, as it is told of.
    Proxied(Box<HttpsConnector<Tunnel<HttpsConnector<HttpConnector>>>>, String),
}

impl Connector {
    /// Looks up how `base` is reached: `https` through the proxy of the environment's variables, if there is one for it,
    /// and with the operating system's root certificates, or those of the file that `SSL_CERT_FILE` names.
    pub(super) fn new(
        base: &Url,
        (timeout, reply_max): (Duration, Duration),
        user_agent: HeaderValue,
    ) -> Result<Self, ClientError> {
        let setup = |why: String| ClientError::Setup(why);
        let endpoint: Uri = base.as_str().parse().map_err(|error| setup(format!("`{base}`: {error}")))?;
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(timeout));
        let transport = if base.scheme() == "http" {
            Transport::Plain(http)
        } else {
            let tls = tls().map_err(|error| setup(error.to_string()))?;
            match Matcher::from_system().intercept(&endpoint) {
                None => Transport::Straight(HttpsConnector::from((http, http1_only(&tls)))),
                Some(proxy) => {
                    let to_proxy = HttpsConnector::from((http, tls.clone()));
                    let mut tunnel = Tunnel::new(proxy.uri().clone(), to_proxy);
                    if let Some(authorization) = proxy.basic_auth() {
                        tunnel = tunnel.with_auth(authorization.clone());
                    }
                    let headers = HeaderMap::from_iter([(USER_AGENT, user_agent)]);
                    let tunnelled = HttpsConnector::from((tunnel.with_headers(headers), http1_only(&tls)));
                    let host_and_port = proxy.uri().authority().map(|authority| {
                        let text = authority.as_str();
                        text.rsplit_once('@').map_or(text, |(_, host_and_port)| host_and_port).to_owned()
                    });
                    Transport::Proxied(Box::new(tunnelled), host_and_port.unwrap_or_default())
                }
            }
        };
        let host = base[url::Position::BeforeHost..url::Position::AfterPort].to_owned();
        Ok(Self { endpoint, host, transport, timeout, reply_max })
    }

    /// Opens a connection, ready for its first request. An error says that nothing was sent over it.
    pub(super) async fn open(&self) -> Result<Connection, Unopened> {
        let reply_max = self.reply_max;
        let endpoint = self.endpoint.clone();
        let opened = async {
            match self.transport.clone() {
                Transport::Plain(mut transport) => {
                    let stream = transport.call(endpoint).await.map_err(|error| self.unopened(&error))?;
                    let ready = handshake(stream.into_inner(), reply_max).await;
                    ready.map_err(|error| self.unopened(&error))
                }
                Transport::Straight(mut transport) => {
                    let stream = transport.call(endpoint).await.map_err(|error| self.unopened(&*error))?;
                    let ready = handshake(TokioIo::new(stream), reply_max).await;
                    ready.map_err(|error| self.unopened(&error))
                }
                Transport::Proxied(mut transport, proxy) => {
                    let stream = transport.call(endpoint).await;
                    let stream = stream.map_err(|error| self.unopened_through(&proxy, &*error))?;
                    let ready = handshake(TokioIo::new(stream), reply_max).await;
                    ready.map_err(|error| self.unopened_through(&proxy, &error))
                }
            }
        };
        // In a box: it is large and rare, and every request that waits would have to make room for it.
        match tokio::time::timeout(self.timeout, Box::pin(opened)).await {
            Ok(opened) => opened,
            Err(_) => Err(Unopened {
                cause: NoConnection::TimedOut,
                why: format!("no connection to `{}` within {:?}", self.host, self.timeout),
            }),
        }
    }

    /// Names the cause first: it is what people look for.
    fn unopened(&self, error: &(dyn Error + 'static)) -> Unopened {
        let (host, cause, said) = (&self.host, cause(error), innermost(error));
        let why = match cause {
            NoConnection::Refused => format!("connection refused by `{host}`"),
            NoConnection::UnknownHost => format!("unknown host `{host}`: {said}"),
            NoConnection::Certificate => format!("certificate of `{host}` not trusted: {said}"),
            NoConnection::Proxy | NoConnection::TimedOut | NoConnection::Other => {
                format!("no connection to `{host}`: {said}")
            }
        };
        Unopened { cause, why }
    }

    fn unopened_through(&self, proxy: &str, error: &(dyn Error + 'static)) -> Unopened {
        match cause(error) {
            // The proxy opened a tunnel; what is at its other end is the vendor's.
            NoConnection::Certificate => self.unopened(error),
            _ => Unopened {
                cause: NoConnection::Proxy,
                why: format!("no connection through the proxy {proxy}: {}", innermost(error)),
            },
        }
    }
}

/// Why a connection did not come about.
pub(super) struct Unopened {
    pub(super) cause: NoConnection,
    /// In words, the cause first.
    pub(super) why: String,
}

/// Tells by an error and those below it why no connection came about.
fn cause(error: &(dyn Error + 'static)) -> NoConnection {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<rustls::Error>() {
            return match error {
                rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented => {
                    NoConnection::Certificate
                }
                _ => NoConnection::Other,
            };
        }
        if let Some(error) = error.downcast_ref::<io::Error>() {
            match error.kind() {
                ErrorKind::ConnectionRefused => return NoConnection::Refused,
                ErrorKind::TimedOut => return NoConnection::TimedOut,
                // `io::Error` gives its inner error's source as its own: look into it first.
                _ => {
                    if let Some(inner) = error.get_ref() {
                        next = Some(inner);
                        continue;
                    }
                }
            }
        }
        // The connector's own error type is private; these are its words for a failed look-up.
        if error.to_string() == "dns error" {
            return NoConnection::UnknownHost;
        }
        next = error.source();
    }
    NoConnection::Other
}

/// Begins HTTP/1.1 on a stream. A task of its own drives it, and sees to its end.
async fn handshake<S>(stream: S, reply_max: Duration) -> hyper::Result<Connection>
where
    S: AsyncRead + AsyncWrite + Socket + Send + Unpin + 'static,
{
    let mut builder = http1::Builder::new();
    builder.max_buf_size(HEAD_BYTES_MAX);
    let line = Arc::new(Line::default());
    let watched = TokioIo::new(Watched::new(stream, Arc::clone(&line)));
    let (sender, driver) = builder.handshake(watched).await?;
    tokio::spawn(drive(driver, Arc::clone(&line), reply_max));
    Ok(Connection { sender, line, nameless: HashSet::new() })
}

/// Drives a connection until nobody sends over it any more or it broke, and then finds out whether all that came was asked
/// for. What goes wrong reaches whoever sent the request that it hit.
async fn drive<S>(
    driver: http1::Connection<TokioIo<Watched<S>>, Full<Bytes>>,
    line: Arc<Line>,
    reply_max: Duration,
) where
    S: AsyncRead + AsyncWrite + Socket + Send + Unpin + 'static,
{
    let parts = match driver.without_shutdown().await {
        Ok(parts) => Some(parts),
        Err(error) => {
            // A reply that goes on where it should end is no error of the stream.
            if !error.source().is_some_and(<dyn Error + 'static>::is::<io::Error>) {
                line.unasked();
            }
            None
        }
    };
    // Whoever waits for a reply makes of it what it is first.
    if !line.is_unwritten() {
        line.until_released().await;
    }
    if !line.is_unwritten() {
        return;
    }
    let end = match parts {
        Some(parts) if !parts.read_buf.is_empty() => return line.unasked(),
        Some(parts) => parts.io.into_inner().part(reply_max).await,
        None => Ok(()),
    };
    line.close(end);
}

fn tls() -> Result<ClientConfig, BoxError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = rustls_platform_verifier::Verifier::new(Arc::clone(&provider))?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(config)
}

/// One request a connection at a time: a dropped connection leaves one batch in doubt, not all of them.
fn http1_only(tls: &ClientConfig) -> ClientConfig {
    let mut tls = tls.clone();
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    tls
}

/// Returns the innermost cause, which says most: `connection refused`, `certificate expired`.
pub(super) fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = error.to_string();
        source = error.source();
    }
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
