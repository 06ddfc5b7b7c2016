//! A running sandbox: listens, answers, and can be asked what it saw.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{Response, StatusCode};
use axum::routing::Router;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use url::Url;

use crate::sandbox::connection::{Door, Switch};
use crate::sandbox::fault::Fault;
use crate::sandbox::gateway::{self, Wire};
use crate::sandbox::inspect;
use crate::sandbox::received::{Counts, Received, TargetCounts};
use crate::sandbox::shared::Shared;
use crate::sandbox::store::{SeenRequest, Store};
use crate::sandbox::{Options, SandboxError};

/// A push request has some kilobytes. The largest one is a hundred targets with values of their own: title and body have
/// 16 KiB each, and a byte takes up to six on the wire (`%5C%22`).
const BODY_BYTES_MAX: usize = 32 << 20;

/// How long a stop waits for requests in flight.
const STOP_MAX: Duration = Duration::from_secs(1);

/// A running sandbox. It stops when it is dropped.
pub struct Sandbox {
    shared: Arc<Shared>,
    url: Url,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl Sandbox {
    /// Starts a sandbox on a loopback address; port 0 takes a free one.
    ///
    /// # Errors
    ///
    /// Returns [`SandboxError`] for an address that other machines reach, one that cannot be listened on, and
    /// a journal that cannot be read.
    ///
    /// # Panics
    ///
    /// Never: a socket address makes a URL.
    pub async fn start(address: SocketAddr, options: Options) -> Result<Self, SandboxError> {
        if !address.ip().is_loopback() {
            return Err(SandboxError::NotLoopback { address });
        }
        Self::start_exposed(address, options).await
    }

    /// Starts a sandbox on any address. Its keys are public and `/__sandbox` asks for none: only for a
    /// network where everyone is trusted.
    ///
    /// # Errors
    ///
    /// Returns [`SandboxError`] for an address that cannot be listened on, and a journal that cannot be read.
    ///
    /// # Panics
    ///
    /// Never: a socket address makes a URL.
    pub async fn start_exposed(address: SocketAddr, options: Options) -> Result<Self, SandboxError> {
        let store = Store::open(&options)?;
        let failed = |source| SandboxError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let bound = listener.local_addr().map_err(failed)?;
        let url = Url::parse(&format!("http://{bound}/")).expect("a socket address makes a URL");
        let shared =
            Arc::new(Shared { clock: options.clock, accounts: options.accounts, store: Mutex::new(store) });
        let (stop, stopped) = oneshot::channel();
        let router = Router::new()
            .nest("/__sandbox", inspect::routes())
            .fallback(serve)
            .with_state(Arc::clone(&shared))
            .into_make_service_with_connect_info::<Switch>();
        let serving = tokio::spawn(async move {
            let until_stopped = async move {
                // An error is a dropped sandbox, which stops too.
                drop(stopped.await);
            };
            let served = axum::serve(Door(listener), router).with_graceful_shutdown(until_stopped).await;
            served.expect("accepting goes on after every error");
        });
        Ok(Self { shared, url, stop, serving })
    }

    /// Returns where it listens, as `http://127.0.0.1:PORT/`.
    #[must_use]
    pub fn url(&self) -> Url {
        self.url.clone()
    }

    /// Returns what was accepted so far; of a lean sandbox only the numbers.
    #[must_use]
    pub fn received(&self) -> Received {
        self.shared.store().tally.received.clone()
    }

    /// Returns what was accepted so far, in numbers.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.shared.store().tally.counts()
    }

    /// Returns how often each target was hit; nothing of a lean sandbox.
    #[must_use]
    pub fn target_counts(&self) -> TargetCounts {
        self.shared.store().tally.target_counts()
    }

    /// Returns the latest requests with what became of each, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<SeenRequest> {
        self.shared.store().log.iter().cloned().collect()
    }

    /// Makes the next push requests fail; after the faults that were injected before.
    pub fn inject(&self, fault: Fault) {
        self.shared.store().faults.push(fault);
    }

    /// Makes a template known. From the first one on, a push of an unknown template is refused.
    pub fn register_template(&self, name: &str, title: &str, body: &str) {
        self.shared.store().register_template(name.to_owned(), title.to_owned(), body.to_owned());
    }

    /// Stops listening, and waits a moment for requests in flight.
    pub async fn stop(self) {
        let Self { stop, mut serving, .. } = self;
        drop(stop);
        if tokio::time::timeout(STOP_MAX, &mut serving).await.is_err() {
            serving.abort();
            // Gone once it says so: until then it may still listen.
            drop(serving.await);
        }
    }
}

async fn serve(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(switch): ConnectInfo<Switch>,
    request: Request,
) -> Response<Body> {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_BYTES_MAX).await else {
        return status_only(StatusCode::PAYLOAD_TOO_LARGE);
    };
    // From here to the delay nothing waits: a client that gives up cannot undo half of it.
    let answer = gateway::answer(&shared, &head, &body);
    if !answer.delay.is_zero() {
        tokio::time::sleep(answer.delay).await;
    }
    match answer.wire {
        Wire::Whole => {}
        Wire::Garbage => return Response::new(Body::from("<html><body>502 Bad Gateway</body></html>")),
        Wire::CutShort => switch.cut_short(),
        Wire::Close => switch.close(),
    }
    answer.reply.into_response(answer.format)
}

fn status_only(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
