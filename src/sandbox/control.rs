//! `/__sandbox/…`: what tests and people ask a sandbox, as JSON.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Json, State as Shared};
use axum::http::StatusCode;
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::sandbox::fault::Fault;
use crate::sandbox::state::{Received, SeenRequest, State, TargetCounts};

/// A template to register.
#[derive(Deserialize)]
struct NewTemplate {
    name: String,
    title: String,
    body: String,
}

pub(super) fn routes() -> Router<Arc<State>> {
    Router::new()
        .route(
            "/__sandbox/received",
            get(async |Shared(state): Shared<Arc<State>>| -> Json<Received> { Json(state.received()) }),
        )
        .route(
            "/__sandbox/targets",
            get(async |Shared(state): Shared<Arc<State>>| -> Json<TargetCounts> {
                Json(state.target_counts())
            }),
        )
        .route(
            "/__sandbox/requests",
            get(async |Shared(state): Shared<Arc<State>>| -> Json<Vec<SeenRequest>> {
                Json(state.requests())
            }),
        )
        .route("/__sandbox/templates", post(add_template))
        .route("/__sandbox/faults", post(add_fault))
        .route("/__sandbox/reset", post(reset))
}

async fn add_template(Shared(state): Shared<Arc<State>>, Json(template): Json<NewTemplate>) -> Json<Value> {
    state.register_template(&template.name, &template.title, &template.body);
    Json(json!({ "registered": template.name }))
}

async fn add_fault(Shared(state): Shared<Arc<State>>, Json(fault): Json<Fault>) -> Json<Value> {
    let answer = json!({ "injected": fault });
    state.inject(fault);
    Json(answer)
}

async fn reset(Shared(state): Shared<Arc<State>>) -> Result<Json<Value>, (StatusCode, String)> {
    let failed = |error: crate::sandbox::SandboxError| (StatusCode::INTERNAL_SERVER_ERROR, error.to_string());
    state.reset().map_err(failed)?;
    Ok(Json(json!({ "reset": true })))
}
