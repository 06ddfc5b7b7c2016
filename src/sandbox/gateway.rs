//! The way of one request: gateway, then service, with a fault in between where one was injected.

use std::time::Duration;

use axum::http::request::Parts;
use chrono::{DateTime, Utc};

use crate::sandbox::fault::FaultKind;
use crate::sandbox::gateway_error::GatewayError;
use crate::sandbox::parameters::Parameters;
use crate::sandbox::push::{self, Candidate, PushAction};
use crate::sandbox::reply::{Format, Reply};
use crate::sandbox::result_code::Refusal;
use crate::sandbox::scheduler::{self, SchedulerAction};
use crate::sandbox::server::Shared;
use crate::sandbox::signature::{self, Signed, header};
use crate::sandbox::store::{NotTaken, Seen, Sender, Store};

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
}

/// Answers a request whose body is whole.
pub(super) fn answer(shared: &Shared, head: &Parts, body: &[u8]) -> Answer {
    let now = (shared.clock)();
    let request_id = uuid::Uuid::new_v4().hyphenated().to_string().to_uppercase();
    let parameters = Parameters::decode(head.uri.query().unwrap_or_default(), body);
    let call = Call { head, body, parameters: &parameters, request_id: &request_id, now };
    let (reply, fault) = call.through_gateway(shared);
    let mut seen = Seen {
        at: now,
        action: call.named("Action", "x-acs-action").unwrap_or_default().to_owned(),
        request_id: request_id.clone(),
        verdict: reply.verdict.clone(),
        fault: None,
    };
    let mut answer = Answer { reply, format: call.format(), wire: Wire::Whole, delay: Duration::ZERO };
    if let Some(fault) = fault {
        seen.fault = Some(format!("{fault:?}"));
        answer.spoil(&fault, &request_id, call.host());
    }
    shared.store().note(seen);
    answer
}

impl Answer {
    /// Does to a reply what a fault says happens to it once the service has answered.
    fn spoil(&mut self, fault: &FaultKind, request_id: &str, host: &str) {
        match fault {
            FaultKind::UnavailableAfter => {
                self.reply = Reply::of_gateway(&GatewayError::unavailable(), request_id, host);
            }
            FaultKind::DropBefore | FaultKind::DropAfter => self.wire = Wire::Close,
            FaultKind::GarbageAfter => self.wire = Wire::Garbage,
            FaultKind::PartialBodyAfter => self.wire = Wire::CutShort,
            FaultKind::Delay { ms } => self.delay = Duration::from_millis(*ms),
            // These answered in the service's place.
            FaultKind::Throttle { .. }
            | FaultKind::UnavailableBefore
            | FaultKind::NonceUsed
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
    /// Returns the reply, and the fault that is to spoil it.
    fn through_gateway(&self, shared: &Shared) -> (Reply, Option<FaultKind>) {
        match self.checked(shared) {
            Ok((Action::Push(action), version, signed)) => self.push(shared, action, version, &signed),
            Ok((Action::Scheduler(action), _, signed)) => (self.schedule(shared, action, &signed), None),
            Err(error) => (self.refused(&error), None),
        }
    }

    /// Proves that the call exists and is signed by somebody we know.
    fn checked(&self, shared: &Shared) -> Result<(Action, &'a str, Signed), GatewayError> {
        let name = self.named("Action", "x-acs-action").ok_or_else(|| GatewayError::missing("Action"))?;
        let version =
            self.named("Version", "x-acs-version").ok_or_else(|| GatewayError::missing("Version"))?;
        let action = PushAction::of(name)
            .map(Action::Push)
            .or_else(|| SchedulerAction::of(name).map(Action::Scheduler))
            .filter(|_| VERSIONS.contains(&version) && self.head.uri.path() == "/")
            .ok_or_else(GatewayError::api_not_found)?;
        let signed = signature::verify(self.head, self.body, self.parameters, &shared.accounts, self.now)?;
        Ok((action, version, signed))
    }

    fn push(
        &self,
        shared: &Shared,
        action: PushAction,
        version: &str,
        signed: &Signed,
    ) -> (Reply, Option<FaultKind>) {
        // Read before the lock is taken: only the store's own rules need it.
        let candidate = push::check_required(action, self.parameters)
            .map(|()| push::read(action, version, self.parameters, self.now));
        let sender = Sender { request_id: self.request_id, nonce: &signed.nonce, version, now: self.now };
        let mut store = shared.store();
        if !store.nonces.take(&signed.nonce, self.now) {
            return (self.refused(&GatewayError::nonce_used()), None);
        }
        let fault = store.faults.next();
        let name = action.as_str();
        let reply = match (self.instead(name, fault.as_ref()), candidate) {
            (Some(reply), _) => reply,
            (None, Err(error)) => self.refused(&error),
            (None, Ok(candidate)) => self.take(&mut store, name, candidate, sender),
        };
        (reply, fault)
    }

    /// Returns what a fault answers in the service's place, which then never sees the request.
    fn instead(&self, name: &str, fault: Option<&FaultKind>) -> Option<Reply> {
        Some(match fault? {
            FaultKind::Throttle { retry_after_ms } => self.refused(&GatewayError::throttled(*retry_after_ms)),
            FaultKind::UnavailableBefore | FaultKind::DropBefore => {
                self.refused(&GatewayError::unavailable())
            }
            FaultKind::NonceUsed => self.refused(&GatewayError::nonce_used()),
            FaultKind::ResultCode { code } => {
                Reply::refused(name, self.request_id, (code, "told to refuse"), "told to refuse")
            }
            FaultKind::SuccessFalse => Reply::refused(name, self.request_id, ("OK", ""), "told to fail"),
            FaultKind::UnavailableAfter
            | FaultKind::DropAfter
            | FaultKind::GarbageAfter
            | FaultKind::Delay { .. }
            | FaultKind::PartialBodyAfter => return None,
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
            Ok(push) => Reply::accepted(name, self.request_id, push.task_id.as_deref()),
            Err(NotTaken::Refused(refusal)) => {
                Reply::refused(name, self.request_id, refusal.code.text(), &refusal.why)
            }
            Err(NotTaken::Journal(error)) => self.refused(&GatewayError::internal(&error.to_string())),
        }
    }

    fn schedule(&self, shared: &Shared, action: SchedulerAction, signed: &Signed) -> Reply {
        let mut store = shared.store();
        if !store.nonces.take(&signed.nonce, self.now) {
            return self.refused(&GatewayError::nonce_used());
        }
        scheduler::answer(&mut store, action, self.parameters, self.request_id, self.now)
            .unwrap_or_else(|error| self.refused(&error))
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
