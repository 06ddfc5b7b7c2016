//! The way of one request: gateway, then service, with a fault in between where one was injected.

use std::collections::BTreeMap;
use std::sync::MutexGuard;
use std::time::Duration;

use axum::http::Method;
use axum::http::request::Parts;
use chrono::{DateTime, Utc};

use crate::sandbox::analysis;
use crate::sandbox::fault::FaultKind;
use crate::sandbox::gateway_error::GatewayError;
use crate::sandbox::parameters::Parameters;
use crate::sandbox::push::{self, Candidate, PushAction};
use crate::sandbox::reply::{Format, Reply};
use crate::sandbox::result_code::Refusal;
use crate::sandbox::scheduler::{self, SchedulerAction};
use crate::sandbox::shared::Shared;
use crate::sandbox::signature::{self, Signed, header};
use crate::sandbox::store::{NotTaken, SeenRequest, Sender, Store};

/// The versions of the API that have these calls.
const VERSIONS: [&str; 3] = ["2019-08-21", "2020-07-10", "2020-10-28"];

/// What goes back, and how.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) reply: Reply,
    pub(super) format: Format,
    pub(super) wire: Wire,
    pub(super) delay: Duration,
}

/// What the connection does with a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wire {
    Whole,
    Garbage,
    CutShort,
    Close,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Push(PushAction),
    Scheduler(SchedulerAction),
    Analysis,
}

/// Answers a request whose body is whole.
pub(super) fn answer(shared: &Shared, head: &Parts, body: &[u8]) -> Answer {
    let now = (shared.clock)();
    let request_id = uuid::Uuid::new_v4().hyphenated().to_string().to_uppercase();
    let parameters = Parameters::decode(head.uri.query().unwrap_or_default(), body);
    let call = Call { head, body, parameters: &parameters, request_id: &request_id, now };
    let passed = call.through_gateway(shared);
    let (format, host) = (call.format(), call.host());
    let mut answer = Answer { reply: passed.reply, format, wire: Wire::Whole, delay: Duration::ZERO };
    let mut verdict = answer.reply.verdict.clone();
    if let Some(fault) = &passed.fault {
        verdict = fault.name();
        answer.spoil(fault, &request_id, host);
    }
    let action = passed.action.unwrap_or_default().to_owned();
    // Who was not let in could fill the log with anything.
    let parameters = if action.is_empty() { BTreeMap::new() } else { parameters.into_all() };
    shared.store().note(SeenRequest { at: now, action, request_id, verdict, parameters });
    answer
}

/// How a request came through the gateway.
struct Passed {
    /// The call; nothing where the gateway refused it.
    action: Option<&'static str>,
    reply: Reply,
    /// What is still to spoil the reply.
    fault: Option<FaultKind>,
}

impl Answer {
    /// Does to a reply what a fault says happens to it once the service has answered.
    fn spoil(&mut self, fault: &FaultKind, request_id: &str, host: &str) {
        match fault {
            FaultKind::InternalErrorAfter => {
                let error = GatewayError::internal("told to fail");
                self.reply = Reply::of_gateway(&error, request_id, host);
            }
            FaultKind::UnavailableAfter => {
                self.reply = Reply::of_gateway(&GatewayError::unavailable(), request_id, host);
            }
            FaultKind::NonceUsed => {
                self.reply = Reply::of_gateway(&GatewayError::nonce_used(), request_id, host);
            }
            FaultKind::DropBefore | FaultKind::DropAfter => self.wire = Wire::Close,
            FaultKind::GarbageAfter => self.wire = Wire::Garbage,
            FaultKind::PartialBodyAfter => self.wire = Wire::CutShort,
            FaultKind::Delay { ms } => self.delay = Duration::from_millis(*ms),
            // These answered in the service's place.
            FaultKind::Throttle { .. }
            | FaultKind::UnavailableBefore
            | FaultKind::SignatureRefused
            | FaultKind::ResultCode { .. }
            | FaultKind::SuccessFalse => {}
        }
    }
}

struct Call<'a> {
    head: &'a Parts,
    body: &'a [u8],
    parameters: &'a Parameters,
    request_id: &'a str,
    now: DateTime<Utc>,
}

impl<'a> Call<'a> {
    fn through_gateway(&self, shared: &Shared) -> Passed {
        let served = self.checked(shared).and_then(|(action, version, signed)| match action {
            Action::Push(action) => self.push(shared, action, version, &signed),
            Action::Scheduler(action) => self.schedule(shared, action, &signed),
            Action::Analysis => self.analyse(shared, &signed),
        });
        served.unwrap_or_else(|error| Passed { action: None, reply: self.refused(&error), fault: None })
    }

    /// Proves that the call exists and is signed by somebody we know.
    fn checked(&self, shared: &Shared) -> Result<(Action, &'a str, Signed), GatewayError> {
        let name = self.named("Action", "x-acs-action").ok_or_else(|| GatewayError::missing("Action"))?;
        let version =
            self.named("Version", "x-acs-version").ok_or_else(|| GatewayError::missing("Version"))?;
        let action = PushAction::of(name)
            .map(Action::Push)
            .or_else(|| SchedulerAction::of(name).map(Action::Scheduler))
            .or_else(|| (name == analysis::ACTION).then_some(Action::Analysis))
            .filter(|_| VERSIONS.contains(&version) && self.head.uri.path() == "/")
            .filter(|_| [Method::GET, Method::POST].contains(&self.head.method))
            .ok_or_else(GatewayError::api_not_found)?;
        let signed = signature::verify(self.head, self.body, self.parameters, &shared.accounts, self.now)?;
        Ok((action, version, signed))
    }

    /// Locks the memory, unless the nonce was used before.
    fn admitted<'s>(
        &self,
        shared: &'s Shared,
        signed: &Signed,
    ) -> Result<MutexGuard<'s, Store>, GatewayError> {
        let mut store = shared.store();
        if store.nonces.take(&signed.nonce, self.now) { Ok(store) } else { Err(GatewayError::nonce_used()) }
    }

    fn push(
        &self,
        shared: &Shared,
        action: PushAction,
        version: &str,
        signed: &Signed,
    ) -> Result<Passed, GatewayError> {
        // Read before the lock is taken: only the store's own rules need it.
        let candidate = push::check_required(action, self.parameters)
            .map(|()| push::read(action, version, self.parameters, self.now));
        let sender = Sender { request_id: self.request_id, nonce: &signed.nonce, version, now: self.now };
        let mut store = self.admitted(shared, signed)?;
        let fault = store.faults.next();
        let name = action.as_str();
        let reply = match (self.instead(name, fault.as_ref()), candidate) {
            (Some(reply), _) => reply,
            (None, Err(error)) => self.refused(&error),
            (None, Ok(candidate)) => self.take(&mut store, name, candidate, sender),
        };
        Ok(Passed { action: Some(name), reply, fault })
    }

    /// Returns what a fault answers in the service's place, which then never sees the request.
    fn instead(&self, name: &str, fault: Option<&FaultKind>) -> Option<Reply> {
        Some(match fault? {
            FaultKind::Throttle { retry_after_ms } => self.refused(&GatewayError::throttled(*retry_after_ms)),
            FaultKind::UnavailableBefore | FaultKind::DropBefore => {
                self.refused(&GatewayError::unavailable())
            }
            FaultKind::SignatureRefused => self.refused(&GatewayError::signature_v1("")),
            FaultKind::ResultCode { code } => {
                Reply::refused(name, self.request_id, (code, "told to refuse"), "told to refuse")
            }
            FaultKind::SuccessFalse => Reply::refused(name, self.request_id, ("OK", ""), "told to fail"),
            FaultKind::UnavailableAfter
            | FaultKind::InternalErrorAfter
            | FaultKind::DropAfter
            | FaultKind::GarbageAfter
            | FaultKind::Delay { .. }
            | FaultKind::PartialBodyAfter
            | FaultKind::NonceUsed => return None,
        })
    }

    fn take(
        &self,
        store: &mut Store,
        name: &str,
        candidate: Result<Candidate, Refusal>,
        sender: Sender<'_>,
    ) -> Reply {
        let taken = candidate.map_err(NotTaken::Refused).and_then(|candidate| store.take(candidate, sender));
        match taken {
            Ok(push) => Reply::accepted(name, self.request_id, &push.task_id),
            Err(NotTaken::Refused(refusal)) => {
                Reply::refused(name, self.request_id, refusal.code.text(), &refusal.why)
            }
            Err(NotTaken::Journal(error)) => self.refused(&GatewayError::internal(&error.to_string())),
        }
    }

    fn schedule(
        &self,
        shared: &Shared,
        action: SchedulerAction,
        signed: &Signed,
    ) -> Result<Passed, GatewayError> {
        let mut store = self.admitted(shared, signed)?;
        let reply = scheduler::answer(&mut store, action, self.parameters, self.request_id, self.now)
            .unwrap_or_else(|error| self.refused(&error));
        Ok(Passed { action: Some(action.as_str()), reply, fault: None })
    }

    fn analyse(&self, shared: &Shared, signed: &Signed) -> Result<Passed, GatewayError> {
        let store = self.admitted(shared, signed)?;
        let reply = analysis::answer(&store, self.parameters, self.request_id)
            .unwrap_or_else(|error| self.refused(&error));
        Ok(Passed { action: Some(analysis::ACTION), reply, fault: None })
    }

    fn refused(&self, error: &GatewayError) -> Reply {
        Reply::of_gateway(error, self.request_id, self.host())
    }

    /// Returns a common parameter, or the header that says the same.
    fn named(&self, parameter: &str, header_name: &str) -> Option<&'a str> {
        let parameter = self.parameters.get(parameter).filter(|value| !value.is_empty());
        parameter.or_else(|| header(&self.head.headers, header_name))
    }

    fn host(&self) -> &'a str {
        header(&self.head.headers, "host").unwrap_or_default()
    }

    /// Returns the form of the reply: version 1 has it as a parameter with XML as the default, version 3 is
    /// always answered in JSON.
    fn format(&self) -> Format {
        let is_v3 = header(&self.head.headers, "authorization").is_some();
        match self.parameters.get("Format") {
            Some(format) if format.eq_ignore_ascii_case("json") => Format::Json,
            None if is_v3 => Format::Json,
            _ => Format::Xml,
        }
    }
}
