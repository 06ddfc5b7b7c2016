//! A vendor that says yes to everything, each time under a `RequestId` of its own. It looks at nothing, so that the sender is
//! what is measured.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;

const ACCEPTED: &str = r#"{"RequestId":"0B6A1F3C-5F0E-4C4B-9A56-000000000000","ResultCode":"OK","ResultMessage":"SUCCESS","PushResult":{"Success":true,"ResultMsg":"SUCCESS","Data":"0b6a1f3c5f0e4c4b9a567c0f1d2e3a4b"}}"#;
/// Where the number of the request stands in it.
const NUMBER: std::ops::Range<usize> = 38..50;
const BODY_BYTES_MAX: usize = 2 << 20;

static ANSWERED: AtomicU64 = AtomicU64::new(0);

pub fn router(delay: Duration) -> Router {
    Router::new().fallback(move |request| accept(request, delay))
}

async fn accept(request: Request, delay: Duration) -> impl IntoResponse {
    // The reply comes after the whole request, as the vendor's would.
    drop(to_bytes(request.into_body(), BODY_BYTES_MAX).await);
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    let mut accepted = ACCEPTED.as_bytes().to_vec();
    let number = ANSWERED.fetch_add(1, Ordering::Relaxed);
    accepted[NUMBER].copy_from_slice(format!("{number:012X}").as_bytes());
    ([(CONTENT_TYPE, "application/json;charset=utf-8")], Bytes::from(accepted))
}
