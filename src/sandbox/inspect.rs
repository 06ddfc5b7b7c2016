//! `/__sandbox/…`: what a person or a test asks the sandbox about itself, and tells it to do.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{Router, get, post};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::sandbox::fault::Fault;
use crate::sandbox::received::{Counts, Tally};
use crate::sandbox::shared::Shared;
use crate::sandbox::store::Store;

type Refused = (StatusCode, Json<Value>);

/// Returns the routes, below `/__sandbox`.
pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/received", get(received))
        .route("/targets", get(targets))
        .route("/counts", get(counts))
        .route("/hashes", get(hashes))
        .route("/requests", get(requests))
        .route("/templates", post(templates))
        .route("/faults", post(faults))
        .route("/reset", post(reset))
        .fallback(|| async { refused(StatusCode::NOT_FOUND, "no such path below /__sandbox") })
}

async fn received(State(shared): State<Arc<Shared>>) -> Result<Json<Value>, Refused> {
    // The copy shares the pushes, so that the lock is not held while they are written as text.
    let received = whole(&shared.store())?.received.clone();
    serde_json::to_value(received)
        .map(Json)
        .map_err(|error| refused(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()))
}

async fn targets(State(shared): State<Arc<Shared>>) -> Result<Json<Value>, Refused> {
    let store = shared.store();
    let tally = whole(&store)?;
    let counts = tally.target_counts();
    Ok(Json(json!({
        "calls": tally.received.calls,
        "pushes": tally.received.pushes,
        "targets": counts.targets,
        "pushed_twice": counts.pushed_twice,
    })))
}

async fn counts(State(shared): State<Arc<Shared>>) -> Json<Counts> {
    Json(shared.store().tally.counts())
}

/// Answers 16 bytes for each push, in their order.
async fn hashes(State(shared): State<Arc<Shared>>) -> Result<Vec<u8>, Refused> {
    let store = shared.store();
    let hashes = store.tally.hashes().ok_or_else(|| {
        refused(StatusCode::CONFLICT, "the sandbox is not lean: `received` and `targets` have all there is")
    })?;
    Ok(hashes.concat())
}

/// Returns what was taken, of a sandbox that remembers it.
fn whole(store: &Store) -> Result<&Tally, Refused> {
    match store.tally.hashes() {
        None => Ok(&store.tally),
        Some(_) => {
            Err(refused(StatusCode::CONFLICT, "the sandbox is lean: it has `counts` and `hashes` only"))
        }
    }
}

async fn requests(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(json!(shared.store().log))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TemplateToRegister {
    name: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    body: String,
}

async fn templates(State(shared): State<Arc<Shared>>, body: Bytes) -> Result<StatusCode, Refused> {
    let template: TemplateToRegister = serde_json::from_slice(&body).map_err(|error| unreadable(&error))?;
    shared.store().register_template(template.name, template.title, template.body);
    Ok(StatusCode::NO_CONTENT)
}

async fn faults(State(shared): State<Arc<Shared>>, body: Bytes) -> Result<StatusCode, Refused> {
    let fault =
        serde_json::from_slice(&body).and_then(Fault::from_json).map_err(|error| unreadable(&error))?;
    shared.store().faults.push(fault);
    Ok(StatusCode::NO_CONTENT)
}

async fn reset(State(shared): State<Arc<Shared>>) -> Result<StatusCode, Refused> {
    let done = shared.store().reset();
    done.map_err(|error| refused(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()))?;
    Ok(StatusCode::NO_CONTENT)
}

fn unreadable(error: &serde_json::Error) -> Refused {
    refused(StatusCode::BAD_REQUEST, &error.to_string())
}

fn refused(status: StatusCode, why: &str) -> Refused {
    (status, Json(json!({ "error": why })))
}
