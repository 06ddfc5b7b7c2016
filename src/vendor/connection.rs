//! Opens connections to an endpoint: straight or through a proxy, with TLS where the endpoint has it.
//!
//! A connection carries one request at a time. Nothing is sent here, and nothing again.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Uri;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{HeaderMap, HeaderValue, USER_AGENT};
use hyper::rt::{Read, Write};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::Matcher;
use rustls::ClientConfig;
use tower_service::Service;
use url::Url;

use crate::vendor::client::ClientError;

/// Longest head of a reply: the vendor's are a few hundred bytes.
const HEAD_BYTES_MAX: usize = 64 << 10;

type BoxError = Box<dyn Error + Send + Sync>;

/// One end of an open connection.
pub(super) type Connection = SendRequest<Full<Bytes>>;

/// Opens connections to one endpoint.
#[derive(Clone)]
pub(super) struct Connector {
    endpoint: Uri,
    way: Way,
    timeout: Duration,
}

/// How the endpoint is reached.
#[derive(Clone)]
enum Way {
    /// Loopback, without TLS.
    Plain(HttpConnector),
    Straight(HttpsConnector<HttpConnector>),
    /// With the proxy's host and port, as it is told of.
    Proxied(Box<HttpsConnector<Tunnel<HttpsConnector<HttpConnector>>>>, String),
}

impl Connector {
    /// Looks up how `base` is reached: `https` through the proxy of the environment's variables, if there is one for it,
    /// and with the operating system's root certificates, or those of the file that `SSL_CERT_FILE` names.
    pub(super) fn new(base: &Url, timeout: Duration, user_agent: HeaderValue) -> Result<Self, ClientError> {
        let setup = |why: String| ClientError::Setup(why);
        let endpoint: Uri = base.as_str().parse().map_err(|error| setup(format!("`{base}`: {error}")))?;
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(timeout));
        let way = if base.scheme() == "http" {
            Way::Plain(http)
        } else {
            let tls = tls().map_err(|error| setup(error.to_string()))?;
            match Matcher::from_system().intercept(&endpoint) {
                None => Way::Straight(HttpsConnector::from((http, http1_only(&tls)))),
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
                    Way::Proxied(Box::new(tunnelled), host_and_port.unwrap_or_default())
                }
            }
        };
        Ok(Self { endpoint, way, timeout })
    }

    /// Opens a connection, ready for its first request. An error says that nothing was sent over it.
    pub(super) async fn open(&self) -> Result<Connection, String> {
        let endpoint = self.endpoint.clone();
        let opened = async {
            match self.way.clone() {
                Way::Plain(mut way) => {
                    let stream = way.call(endpoint).await.map_err(|error| innermost(&error))?;
                    greet(stream).await
                }
                Way::Straight(mut way) => {
                    greet(way.call(endpoint).await.map_err(|error| innermost(&*error))?).await
                }
                Way::Proxied(mut way, proxy) => {
                    let opened = way.call(endpoint).await;
                    greet(
                        opened
                            .map_err(|error| format!("through the proxy {proxy}: {}", innermost(&*error)))?,
                    )
                    .await
                }
            }
        };
        // In a box: it is large and rare, and every request that waits would have to make room for it.
        match tokio::time::timeout(self.timeout, Box::pin(opened)).await {
            Ok(opened) => opened,
            Err(_) => Err(format!("none came about within {:?}", self.timeout)),
        }
    }
}

/// Begins HTTP/1.1 on a stream. A task of its own drives it, and notices when the other end closes it.
async fn greet<S>(stream: S) -> Result<Connection, String>
where
    S: Read + Write + Send + Unpin + 'static,
{
    let mut builder = http1::Builder::new();
    builder.max_buf_size(HEAD_BYTES_MAX);
    let (connection, driver) = builder.handshake(stream).await.map_err(|error| innermost(&error))?;
    tokio::spawn(async move {
        // What goes wrong reaches whoever sent the request that it hit.
        drop(driver.await);
    });
    Ok(connection)
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
