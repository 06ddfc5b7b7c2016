//! stand-in
#![allow(missing_docs, clippy::all, clippy::pedantic)]
use crate::domain::*;
use std::collections::BTreeMap;
use std::time::Duration;
#[derive(Clone, Copy, Debug)]
pub enum Action {
    PushTemplate,
    PushBroadcast,
}
impl Action {
    pub fn as_str(self) -> &'static str {
        ""
    }
}
#[derive(Clone, Debug)]
pub struct Request {
    pub action: Action,
    pub parameters: BTreeMap<&'static str, String>,
}
impl Request {
    pub fn push_template(_e: &Environment, _c: &Campaign, _t: &str, _x: &[(TargetId, MessageKey)]) -> Self {
        todo!()
    }
    pub fn push_broadcast(
        _e: &Environment,
        _c: &Campaign,
        _b: &Broadcast,
        _t: &str,
        _k: &MessageKey,
    ) -> Self {
        todo!()
    }
}
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RejectClass {
    Throttled,
    Credentials,
    Unreachable,
    Content,
}
#[derive(Clone, Debug)]
pub enum Outcome {
    Accepted {
        request_id: Option<String>,
        task_id: Option<String>,
    },
    Rejected {
        class: RejectClass,
        code: String,
        message: String,
        request_id: Option<String>,
        retry_after: Option<Duration>,
    },
    Unknown {
        why: String,
        code: Option<String>,
        request_id: Option<String>,
    },
}
pub struct Client;
impl Client {
    pub async fn send(&self, _r: &Request, _n: &str) -> Outcome {
        todo!()
    }
}
