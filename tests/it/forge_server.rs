//! Forges on loopback that remember, and misbehave on request: a pull request with comments and labels, asked as GitHub, GitLab,
//! Gitee or Codeup, whichever the path begins with.
//!
//! Whether a request is as a forge's description has it is not judged here: Prism does that, in front of this (`forge`).

use std::collections::BTreeSet;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, HttpBody, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use hyper::body::Frame;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;

/// The user that the token is of, and another one.
pub(crate) const ME: u64 = 41_898_282;
pub(crate) const SOMEBODY: u64 = 7;
/// The token that it takes.
pub(crate) const TOKEN: &str = "ghs_a-token+of/nobody=0123456789";

/// What becomes of a request instead of what it asks for.
#[derive(Clone, Debug)]
pub(crate) enum Effect {
    /// It is not done, and this is answered: a status, headers, and a body.
    Answers(u16, Vec<(&'static str, String)>, Value),
    /// It is done, and the connection ends before the answer.
    ReplyLost,
    /// The comment is deleted just before.
    DeletedBefore,
}

#[derive(Clone, Debug)]
struct Fault {
    method: Method,
    /// A part of the path, or how it ends without its query: `/comments$`.
    of: &'static str,
    times: u32,
    effect: Effect,
}

#[derive(Clone, Debug)]
pub(crate) struct Comment {
    pub(crate) id: u64,
    pub(crate) author: u64,
    pub(crate) text: String,
    is_resolved: bool,
}

/// A request that came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    /// With the query.
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

#[derive(Default)]
struct Kept {
    comments: Vec<Comment>,
    labels: BTreeSet<String>,
    /// The pull requests of any commit.
    of_commit: Vec<Value>,
    /// Whether the token is an app's, which `GET /user` does not know.
    is_app: bool,
    /// What GitHub's description has for examples, by which answers are completed.
    examples: Value,
    faults: Vec<Fault>,
    seen: Vec<Seen>,
    last_id: u64,
}

/// A running forge, ended with the value.
pub(crate) struct ForgeServer {
    pub(crate) address: SocketAddr,
    kept: Arc<Mutex<Kept>>,
    _runtime: tokio::runtime::Runtime,
}

impl ForgeServer {
    pub(crate) fn start() -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let kept = Arc::new(Mutex::new(Kept::default()));
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&kept));
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self { address, kept, _runtime: runtime }
    }

    /// Returns the address of a forge's API.
    pub(crate) fn api(&self, forge: &str) -> String {
        format!("http://{}/{forge}", self.address)
    }

    pub(crate) fn completes_answers_by(&self, examples: Value) {
        locked(&self.kept).examples = examples;
    }

    pub(crate) fn is_of_an_app(&self) {
        locked(&self.kept).is_app = true;
    }

    pub(crate) fn has_for_a_commit(&self, requests: Vec<Value>) {
        locked(&self.kept).of_commit = requests;
    }

    pub(crate) fn inject(&self, method: Method, of: &'static str, times: u32, effect: Effect) {
        locked(&self.kept).faults.push(Fault { method, of, times, effect });
    }

    pub(crate) fn heal(&self) {
        locked(&self.kept).faults.clear();
    }

    pub(crate) fn add(&self, author: u64, text: &str) -> u64 {
        locked(&self.kept).add(author, text)
    }

    /// Forgets comments and labels.
    pub(crate) fn clear(&self) {
        let mut kept = locked(&self.kept);
        kept.comments.clear();
        kept.labels.clear();
    }

    pub(crate) fn comments(&self) -> Vec<Comment> {
        locked(&self.kept).comments.clone()
    }

    /// Returns the comments of the token's user.
    pub(crate) fn mine(&self) -> Vec<Comment> {
        self.comments().into_iter().filter(|comment| comment.author == ME).collect()
    }

    pub(crate) fn labels(&self) -> Vec<String> {
        locked(&self.kept).labels.iter().cloned().collect()
    }

    pub(crate) fn label(&self, name: &str) {
        locked(&self.kept).labels.insert(name.to_owned());
    }

    /// Returns what came since this was called last.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut locked(&self.kept).seen)
    }
}

fn locked(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    kept.lock().unwrap()
}

async fn answer(State(kept): State<Arc<Mutex<Kept>>>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let path = parts.uri.path_and_query().unwrap().to_string();
    let seen = Seen { method: parts.method.clone(), path, headers: parts.headers, body };
    let mut kept = locked(&kept);
    kept.seen.push(seen.clone());
    let is_of = |of: &str| match of.strip_suffix('$') {
        Some(end) => seen.path.split('?').next().unwrap().ends_with(end),
        None => seen.path.contains(of),
    };
    let fault = kept
        .faults
        .iter_mut()
        .find(|fault| fault.times > 0 && fault.method == seen.method && is_of(fault.of));
    let effect = fault.map(|fault| {
        fault.times -= 1;
        fault.effect.clone()
    });
    match effect {
        Some(Effect::Answers(status, headers, body)) => {
            let mut response = (StatusCode::from_u16(status).unwrap(), body.to_string()).into_response();
            for (name, value) in headers {
                response.headers_mut().insert(name, value.parse().unwrap());
            }
            response
        }
        Some(Effect::ReplyLost) => {
            drop(kept.done(&seen));
            Body::new(BrokenOff).into_response()
        }
        Some(Effect::DeletedBefore) => {
            kept.comments.retain(|comment| comment.author != ME);
            kept.done(&seen)
        }
        None => kept.done(&seen),
    }
}

/// A body whose connection ends before it does.
struct BrokenOff;

impl HttpBody for BrokenOff {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into())))
    }
}

impl Kept {
    fn add(&mut self, author: u64, text: &str) -> u64 {
        self.last_id += 1;
        let id = self.last_id;
        self.comments.push(Comment { id, author, text: text.to_owned(), is_resolved: false });
        id
    }

    fn done(&mut self, seen: &Seen) -> Response {
        let bare = seen.path.split('?').next().unwrap().trim_start_matches('/');
        let segments: Vec<String> = bare
            .split('/')
            .map(|part| percent_decode_str(part).decode_utf8().unwrap().into_owned())
            .collect();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let (forge, rest) = (segments[0], &segments[1..]);
        let token = match forge {
            "gitlab" => "private-token",
            "codeup" => "x-yunxiao-token",
            _ => "authorization",
        };
        let given = seen.headers.get(token).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if given.trim_start_matches("Bearer ") != TOKEN {
            return refused(401, "Bad credentials");
        }
        let id = |name: &str| {
            if forge == "codeup" { name.strip_prefix('c')?.parse().ok() } else { name.parse().ok() }
        };
        let text = |name: &str| seen.body[name].as_str().map(str::to_owned);
        match (&seen.method, rest) {
            (&Method::GET, ["user"]) if self.is_app => refused(403, "Resource not accessible by integration"),
            (&Method::GET, ["user"]) => {
                said(200, &self.shaped("user", json!({ "id": ME, "login": "me", "username": "me" })))
            }
            (&Method::POST, ["graphql"]) => said(200, &json!({ "data": { "viewer": { "databaseId": ME } } })),
            (&Method::GET, ["platform", "user"]) => said(200, &json!({ "id": ME.to_string(), "name": "me" })),
            (&Method::GET, [.., "comments" | "notes"]) => self.page(forge, seen),
            (&Method::POST, [.., "comments", "list"]) => {
                let is_resolved = seen.body["resolved"] == Value::Bool(true);
                let of_state = self.comments.iter().filter(|comment| comment.is_resolved == is_resolved);
                said(200, &of_state.map(|comment| self.comment(forge, comment)).collect())
            }
            (&Method::GET, [.., "diffs", "patches"]) => {
                let version = |kind: &str, number: u64| json!({ "patchSetBizId": format!("v{number}"), "relatedMergeItemType": kind, "versionNo": number });
                said(
                    200,
                    &json!([
                        version("MERGE_SOURCE", 1),
                        version("MERGE_SOURCE", 2),
                        version("MERGE_TARGET", 3)
                    ]),
                )
            }
            (&Method::POST, [.., "comments" | "notes"]) => {
                let Some(text) = text("body").or_else(|| text("content")) else {
                    return refused(422, "no text");
                };
                self.add(ME, &text);
                let made = self.comment(forge, self.comments.last().unwrap());
                said(if forge == "codeup" { 200 } else { 201 }, &made)
            }
            (&Method::PATCH | &Method::PUT, [.., "comments" | "notes", name]) => {
                let found = self.comments.iter_mut().find(|comment| Some(comment.id) == id(name));
                let Some(comment) = found else { return refused(404, "Not Found") };
                // As GitHub does for who may write.
                comment.text = text("body").or_else(|| text("content")).unwrap();
                let comment = comment.clone();
                let edited = self.comment(forge, &comment);
                said(200, &if forge == "codeup" { json!({ "result": true }) } else { edited })
            }
            (&Method::PUT, [.., "merge_requests", _]) => {
                let names = |name: &str| {
                    text(name).unwrap_or_default().split(',').map(str::to_owned).collect::<Vec<_>>()
                };
                let removed = names("remove_labels");
                self.labels.retain(|name| !removed.contains(name));
                self.labels.extend(names("add_labels"));
                said(200, &json!({ "id": 1, "iid": 1, "labels": self.labels }))
            }
            (&Method::GET, [.., "labels"]) => said(200, &self.all_labels()),
            (&Method::POST, [.., "labels"]) => {
                let added = seen.body.get("labels").unwrap_or(&seen.body).as_array().unwrap();
                self.labels.extend(added.iter().map(|name| name.as_str().unwrap().to_owned()));
                said(if forge == "github" { 200 } else { 201 }, &self.all_labels())
            }
            (&Method::DELETE, [.., "labels", name]) => {
                if !self.labels.remove(*name) {
                    return refused(404, "Label does not exist");
                }
                if forge == "github" {
                    said(200, &self.all_labels())
                } else {
                    StatusCode::NO_CONTENT.into_response()
                }
            }
            (&Method::GET, [.., "pulls" | "merge_requests"]) => said(
                200,
                &self.of_commit.iter().map(|request| self.shaped("pull", request.clone())).collect(),
            ),
            _ => refused(404, "Not Found"),
        }
    }

    /// A page of comments, with the `Link` that GitHub and GitLab give.
    fn page(&self, forge: &str, seen: &Seen) -> Response {
        let number = |name: &str| {
            let (_, query) = seen.path.split_once('?').unwrap();
            let value = query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}="))).unwrap();
            value.parse::<usize>().unwrap()
        };
        let (rows, page) = (number("per_page"), number("page"));
        let found = self.comments.iter().skip(rows * (page - 1)).take(rows);
        let mut response = said(200, &found.map(|comment| self.comment(forge, comment)).collect());
        if forge != "gitee" && self.comments.len() > rows * page {
            // Nobody asks there: it is another host.
            let link = format!("<https://elsewhere.example/?page={}>; rel=\"next\"", page + 1);
            response.headers_mut().insert("link", link.parse().unwrap());
        }
        response
    }

    fn comment(&self, forge: &str, comment: &Comment) -> Value {
        let Comment { id, author, text, is_resolved } = comment;
        match forge {
            "gitlab" => json!({
                "id": id, "body": text, "author": { "id": author, "username": "x" }, "system": false,
                "created_at": "2026-12-01T00:00:00Z",
            }),
            "codeup" => json!({
                "comment_biz_id": format!("c{id}"), "comment_type": "GLOBAL_COMMENT", "content": text, "is_deleted": false,
                "resolved": is_resolved, "author": { "userId": author.to_string(), "username": "x" },
            }),
            _ => {
                let mut user = self.shaped("author", json!({ "id": author, "login": "x" }));
                user["id"] = json!(author);
                self.shaped(
                    "comment",
                    json!({ "id": id, "body": text, "user": user, "comment_type": "pr_comment" }),
                )
            }
        }
    }

    fn all_labels(&self) -> Value {
        let labels = self.labels.iter();
        labels.map(|name| self.shaped("label", json!({ "id": 1, "name": name, "color": "ededed" }))).collect()
    }

    /// Returns an answer with all that an example of its kind has besides.
    fn shaped(&self, kind: &str, answer: Value) -> Value {
        let pointer = match kind {
            "user" => "/private-user-response-with-public-and-private-profile-information/value",
            "comment" => "/issue-comment/value",
            "author" => "/issue-comment/value/user",
            "label" => "/label-items/value/0",
            _ => "/pull-request-simple-items/value/0",
        };
        let mut shaped =
            self.examples.pointer(pointer).and_then(Value::as_object).cloned().unwrap_or_default();
        let Value::Object(own) = answer else { unreachable!("answers are objects") };
        shaped.extend(own.into_iter().collect::<Map<_, _>>());
        // GitHub's own example of a pull request has a team without its type, which its description asks for.
        if shaped.contains_key("requested_teams") {
            shaped.insert("requested_teams".to_owned(), json!([]));
        }
        Value::Object(shaped)
    }
}

fn said(status: u16, body: &Value) -> Response {
    let head = [("content-type", "application/json")];
    (StatusCode::from_u16(status).unwrap(), head, body.to_string()).into_response()
}

fn refused(status: u16, message: &str) -> Response {
    said(
        status,
        &json!({ "message": message, "documentation_url": "https://docs.example/", "status": status.to_string() }),
    )
}
