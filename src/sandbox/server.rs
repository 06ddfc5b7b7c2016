//! The HTTP side: connections, routing, and faults that show on the wire.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Request, State as Shared};
use axum::http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, Method, Response, StatusCode, Uri};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tower_service::Service;
use uuid::Uuid;

use crate::sandbox::call::Call;
use crate::sandbox::control;
use crate::sandbox::fault::FaultKind;
use crate::sandbox::gateway::{self, Arrival};
use crate::sandbox::reply::{self, GatewayError, Refusal, Reply};
use crate::sandbox::rules::{Kind, Refused};
use crate::sandbox::state::State;

/// Largest body that is read; the largest request of any official client is a few kilobytes.
const BODY_BYTES_MAX: usize = 1 << 20;

/// A response that says so makes the connection end without it.
#[derive(Clone, Copy)]
struct HangUp;

/// Why a connection ends: a fault asked for it.
#[derive(Debug, thiserror::Error)]
#[error("hung up on request")]
struct HungUp;

/// Accepts connections until `stop` becomes true.
pub(super) async fn serve(listener: TcpListener, state: Arc<State>, mut stop: watch::Receiver<bool>) {
    let router =
        control::routes().fallback(call).layer(DefaultBodyLimit::max(BODY_BYTES_MAX)).with_state(state);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|is_stopped| *is_stopped) => return,
        };
        // A connection that broke before it was accepted is its client's affair.
        let Ok((stream, _)) = accepted else { continue };
        // Failing to set it costs only time.
        drop(stream.set_nodelay(true));
        tokio::spawn(connection(TokioIo::new(stream), router.clone(), stop.clone()));
    }
}

async fn connection(io: TokioIo<tokio::net::TcpStream>, router: Router, mut stop: watch::Receiver<bool>) {
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let mut router = router.clone();
        async move {
            let response = match router.call(request.map(Body::new)).await {
                Ok(response) => response,
                Err(never) => match never {},
            };
            if response.extensions().get::<HangUp>().is_some() { Err(HungUp) } else { Ok(response) }
        }
    });
    let served = http1::Builder::new().serve_connection(io, service);
    // How a connection ended is for its client to see: a fault, or the client itself, broke it off.
    tokio::select! {
        served = served => drop(served),
        _ = stop.wait_for(|is_stopped| *is_stopped) => {}
    }
}

async fn call(
    Shared(state): Shared<Arc<State>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    request: Request,
) -> Response<Body> {
    let request_id = Uuid::new_v4().to_string().to_uppercase();
    let Ok(body) = axum::body::to_bytes(request.into_body(), BODY_BYTES_MAX).await else {
        let error = GatewayError::new(400, "InvalidParameter", "The body cannot be read.");
        return response(&error.into_reply(&request_id));
    };
    let arrival = arrival(&method, &uri, &headers, &body);
    match gateway::admit(&arrival, &state, &request_id) {
        Err(error) => {
            state.saw("", &error.code, BTreeMap::new());
            response(&error.into_reply(&request_id))
        }
        Ok(call) => answer(&state, call).await,
    }
}

fn arrival(method: &Method, uri: &Uri, headers: &HeaderMap, body: &Bytes) -> Arrival {
    let text = |value: &axum::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    Arrival {
        method: method.to_string(),
        path: uri.path().to_owned(),
        query: uri.query().unwrap_or_default().to_owned(),
        headers: headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect(),
        body: body.to_vec(),
    }
}

async fn answer(state: &State, call: Call) -> Response<Body> {
    let Some(kind) = Kind::of(&call.action) else { return respond(state, &call, question(state, &call)) };
    let Some(fault) = state.next_fault() else {
        let taken = state.push(&call, kind).map(|task_id| reply::taken(&call.request_id, &task_id));
        return respond(state, &call, taken);
    };
    misbehave(state, call, kind, fault).await
}

/// The calls that push nothing.
fn question(state: &State, call: &Call) -> Result<Reply, Refused> {
    let content = match call.action.as_str() {
        "QueryPushSchedulerList" | "QueryMpsSchedulerList" => state.list(call)?,
        "CancelPushScheduler" | "CancelMpsScheduler" => state.cancel(call)?,
        action => {
            let message = format!("Specified api is not found: {action}");
            return Err(GatewayError::new(404, "InvalidApi.NotFound", &message).into());
        }
    };
    Ok(reply::content(&call.request_id, &content))
}

fn respond(state: &State, call: &Call, result: Result<Reply, Refused>) -> Response<Body> {
    let (verdict, reply) = match result {
        Ok(reply) => ("taken".to_owned(), reply),
        Err(Refused::Gateway(error)) => (error.code.clone(), error.into_reply(&call.request_id)),
        Err(Refused::Service(refusal)) => (refusal.code.to_owned(), refusal.into_reply(&call.request_id)),
    };
    state.saw(&call.action, &verdict, call.parameters.clone());
    response(&reply)
}

async fn misbehave(state: &State, call: Call, kind: Kind, fault: FaultKind) -> Response<Body> {
    let verdict =
        serde_json::to_value(&fault).ok().and_then(|value| value["kind"].as_str().map(str::to_owned));
    state.saw(&call.action, &verdict.unwrap_or_default(), call.parameters.clone());
    let id = call.request_id.as_str();
    let refuse = |status, code, message| response(&GatewayError::new(status, code, message).into_reply(id));
    let take = || {
        let taken = state.push(&call, kind).map(|task_id| reply::taken(id, &task_id));
        match taken {
            Ok(reply) => reply,
            Err(Refused::Gateway(error)) => error.into_reply(id),
            Err(Refused::Service(refusal)) => refusal.into_reply(id),
        }
    };
    match fault {
        FaultKind::Throttle { retry_after_ms } => {
            let mut error =
                GatewayError::new(400, "Throttling.User", "Request was denied due to user flow control.");
            error.retry_after_ms = retry_after_ms;
            response(&error.into_reply(id))
        }
        FaultKind::UnavailableBefore => unavailable(id),
        FaultKind::UnavailableAfter => {
            take();
            unavailable(id)
        }
        FaultKind::DropBefore => hang_up(),
        FaultKind::DropAfter => {
            take();
            hang_up()
        }
        FaultKind::GarbageAfter => {
            take();
            let mut response =
                response(&Reply { status: 200, body: serde_json::Value::Null, retry_after_ms: None });
            *response.body_mut() = Body::from("<html><body>502 Bad Gateway</body></html>");
            response.headers_mut().remove(CONTENT_LENGTH);
            response
        }
        FaultKind::PartialBodyAfter => partial(&take()),
        FaultKind::Delay { ms } => {
            let reply = take();
            tokio::time::sleep(Duration::from_millis(ms)).await;
            response(&reply)
        }
        FaultKind::ResultCode { code } => {
            let mut reply = Refusal::new("", "", "as asked for").into_reply(id);
            reply.body["ResultCode"] = code.into();
            response(&reply)
        }
        FaultKind::SuccessFalse => {
            let mut reply = reply::taken(id, "");
            reply.body["PushResult"]["Success"] = false.into();
            response(&reply)
        }
        FaultKind::NonceUsed => {
            take();
            refuse(400, "SignatureNonceUsed", "Specified signature nonce was used already.")
        }
        FaultKind::SignatureRefused => {
            refuse(400, "SignatureDoesNotMatch", "Specified signature is not matched with our calculation.")
        }
    }
}

fn unavailable(request_id: &str) -> Response<Body> {
    let message = "The request has failed due to a temporary failure of the server.";
    response(&GatewayError::new(503, "ServiceUnavailable", message).into_reply(request_id))
}

fn hang_up() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    response.extensions_mut().insert(HangUp);
    response
}

/// Promises the whole reply, sends half of it, and hangs up.
fn partial(reply: &Reply) -> Response<Body> {
    let text = reply.body.to_string();
    let half = Bytes::from(text.as_bytes()[..text.len() / 2].to_vec());
    let chunks = [Ok(half), Err(HungUp)];
    let mut response = Response::new(Body::from_stream(Chunks(chunks.into_iter())));
    let headers = response.headers_mut();
    headers.insert(CONTENT_LENGTH, text.len().into());
    headers.insert(CONNECTION, axum::http::HeaderValue::from_static("close"));
    response
}

/// A stream of what is there already.
struct Chunks(std::array::IntoIter<Result<Bytes, HungUp>, 2>);

impl futures_core::Stream for Chunks {
    type Item = Result<Bytes, HungUp>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        std::task::Poll::Ready(self.0.next())
    }
}

fn response(reply: &Reply) -> Response<Body> {
    let mut response = Response::new(Body::from(reply.body.to_string()));
    *response.status_mut() = StatusCode::from_u16(reply.status).expect("replies have HTTP's statuses");
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, axum::http::HeaderValue::from_static("application/json;charset=utf-8"));
    if let Some(id) = reply.body["RequestId"].as_str().and_then(|id| id.parse().ok()) {
        headers.insert("x-acs-request-id", id);
    }
    if let Some(wait) = reply.retry_after_ms {
        headers.insert("x-acs-retry-after", wait.into());
    }
    response
}
