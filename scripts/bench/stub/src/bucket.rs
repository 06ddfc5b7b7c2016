//! Buckets of S3 in memory, each there as soon as it is named. No signature is checked, and everything is answered at once.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Query, Request, State};
use axum::http::header::{ETAG, IF_NONE_MATCH, RANGE};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};

const BODY_BYTES_MAX: usize = 64 << 20;
const KEYS_A_PAGE: usize = 1000;

/// By bucket and key, as in a request's path.
type Objects = Arc<Mutex<BTreeMap<String, Bytes>>>;

pub fn router() -> Router {
    Router::new().fallback(answer).with_state(Objects::default())
}

async fn answer(
    State(objects): State<Objects>,
    Query(query): Query<BTreeMap<String, String>>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_BYTES_MAX).await else { return StatusCode::BAD_REQUEST.into_response() };
    let path = parts.uri.path().trim_start_matches('/').to_owned();
    let mut objects = objects.lock().expect("no holder of this lock panics");
    match parts.method {
        Method::PUT => {
            if parts.headers.contains_key(IF_NONE_MATCH) && objects.contains_key(&path) {
                return (StatusCode::PRECONDITION_FAILED, error("PreconditionFailed")).into_response();
            }
            objects.insert(path, body);
            ([(ETAG, "\"e\"")], "").into_response()
        }
        Method::DELETE => {
            objects.remove(&path);
            StatusCode::NO_CONTENT.into_response()
        }
        Method::GET if query.contains_key("list-type") => list(&objects, &path, &query).into_response(),
        Method::GET => match objects.get(&path) {
            Some(object) => part(object, &parts.headers),
            None => (StatusCode::NOT_FOUND, error("NoSuchKey")).into_response(),
        },
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
}

/// Answers with an object, or with the bytes of it that are wanted.
fn part(object: &Bytes, headers: &HeaderMap) -> Response {
    let range = headers.get(RANGE).and_then(|range| range.to_str().ok()?.strip_prefix("bytes=")?.split_once('-'));
    let range = range.and_then(|(from, to)| Some((from.parse::<usize>().ok()?, to.parse::<usize>().ok()?)));
    match range {
        Some((from, to)) if from < object.len() => {
            (StatusCode::PARTIAL_CONTENT, object.slice(from..object.len().min(to + 1))).into_response()
        }
        Some(_) => (StatusCode::RANGE_NOT_SATISFIABLE, error("InvalidRange")).into_response(),
        None => ([(ETAG, "\"e\"")], object.clone()).into_response(),
    }
}

fn list(objects: &BTreeMap<String, Bytes>, bucket: &str, query: &BTreeMap<String, String>) -> String {
    let value = |name: &str| query.get(name).map_or("", String::as_str);
    let bucket = format!("{}/", bucket.trim_end_matches('/'));
    let prefix = format!("{bucket}{}", value("prefix"));
    let after = [value("continuation-token"), value("start-after")].into_iter().find(|key| !key.is_empty());
    let after = after.map_or(prefix.clone(), |key| format!("{bucket}{key}"));
    let most = value("max-keys").parse().unwrap_or(KEYS_A_PAGE).min(KEYS_A_PAGE);
    let found = objects.range::<String, _>((Bound::Excluded(&after), Bound::Unbounded));
    let mut keys = found.map(|(key, _)| key).skip_while(|key| **key < prefix).take_while(|key| key.starts_with(&prefix));
    let page: Vec<&str> = keys.by_ref().take(most).map(|key| &key[bucket.len()..]).collect();
    let next = keys.next().and(page.last());
    let next = next.map(|key| format!("<NextContinuationToken>{key}</NextContinuationToken>"));
    let contents: String = page.iter().map(|key| format!("<Contents><Key>{key}</Key></Contents>")).collect();
    format!(
        "<ListBucketResult><IsTruncated>{}</IsTruncated>{}{contents}</ListBucketResult>",
        next.is_some(),
        next.unwrap_or_default()
    )
}

fn error(code: &str) -> String {
    format!("<Error><Code>{code}</Code><Message>as asked</Message></Error>")
}
