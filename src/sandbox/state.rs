//! What a sandbox remembers.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard};

use chrono::{DateTime, Duration, Utc};
use serde::Serialize;
use uuid::Uuid;

use crate::sandbox::call::Call;
use crate::sandbox::fault::{Fault, FaultKind, Faults};
use crate::sandbox::gateway::FRESH_MINUTES;
use crate::sandbox::journal::Journal;
use crate::sandbox::push::Push;
use crate::sandbox::reply::{GatewayError, Refusal};
use crate::sandbox::rules::{self, Kind, Refused, Sound, Template};
use crate::sandbox::scheduler::{Task, Tasks, Timing};
use crate::sandbox::{Options, SandboxError};

/// Requests that are kept to be looked at.
const REQUESTS_KEPT_MAX: usize = 1000;

/// What a sandbox took.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Received {
    /// Push calls.
    pub calls: u64,
    /// Pushes: one for each target of each call.
    pub pushes: u64,
    /// Every push call, oldest first.
    pub taken: Vec<Push>,
}

/// How many pushes each target got.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TargetCounts {
    /// By `DELIVERY_TYPE:TARGET`; a broadcast's target is its platform.
    pub targets: BTreeMap<String, u64>,
    /// By message key, those that came more than once: pushes that disturbed somebody twice.
    pub pushed_twice: BTreeMap<String, u64>,
}

/// A request and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SeenRequest {
    /// When.
    pub at: DateTime<Utc>,
    /// The call, where it could be read.
    pub action: String,
    /// `taken`, or the code of the refusal, or the fault that was asked for.
    pub verdict: String,
    /// Its parameters, decoded; none where it was not authenticated.
    pub parameters: BTreeMap<String, String>,
}

pub(super) struct State {
    options: Options,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    nonces: HashSet<(String, String)>,
    nonces_by_age: VecDeque<(DateTime<Utc>, (String, String))>,
    templates: BTreeMap<String, Template>,
    faults: Faults,
    tasks: Tasks,
    taken: Vec<Push>,
    by_target: HashMap<(u8, String), u64>,
    by_message_key: HashMap<String, u64>,
    requests: VecDeque<SeenRequest>,
    journal: Option<Journal>,
}

impl State {
    pub(super) fn open(options: Options) -> Result<Self, SandboxError> {
        let mut memory = Memory::default();
        if let Some(path) = &options.journal {
            let (journal, pushes) = Journal::open(path)?;
            for push in pushes {
                memory.restore(push);
            }
            memory.journal = Some(journal);
        }
        Ok(Self { options, memory: Mutex::new(memory) })
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        (self.options.clock)()
    }

    pub(super) fn secret(&self, key_id: &str) -> Option<&str> {
        self.options.accounts.get(key_id).map(String::as_str)
    }

    /// Refuses a nonce that was used within the last quarter of an hour.
    pub(super) fn use_nonce(&self, key_id: &str, nonce: &str) -> Result<(), GatewayError> {
        let now = self.now();
        let used = (key_id.to_owned(), nonce.to_owned());
        let mut memory = self.memory();
        while let Some((at, _)) = memory.nonces_by_age.front()
            && now - *at > Duration::minutes(2 * FRESH_MINUTES)
        {
            let (_, old) = memory.nonces_by_age.pop_front().expect("looked at just above");
            memory.nonces.remove(&old);
        }
        if !memory.nonces.insert(used.clone()) {
            return Err(GatewayError::new(
                400,
                "SignatureNonceUsed",
                "Specified signature nonce was used already.",
            ));
        }
        memory.nonces_by_age.push_back((now, used));
        Ok(())
    }

    pub(super) fn next_fault(&self) -> Option<FaultKind> {
        self.memory().faults.next()
    }

    /// Takes a push call, or says why not. Returns the task's id, empty where the push is none.
    pub(super) fn push(&self, call: &Call, kind: Kind) -> Result<String, Refused> {
        let now = self.now();
        let mut memory = self.memory();
        let sound = rules::check(call, kind, &memory.templates, now)?;
        let is_task = sound.timing != Timing::Now;
        let needs_id = is_task || matches!(kind, Kind::Broadcast | Kind::Multiple);
        let task_id = if needs_id { Uuid::new_v4().simple().to_string() } else { String::new() };
        let push = push(call, &sound, &task_id, now);
        if is_task {
            memory.tasks.add(task(&push, &sound), now)?;
        }
        if let Some(journal) = &mut memory.journal {
            // A sandbox that cannot remember what it took is as good as one that broke down.
            let failed = |error: SandboxError| Refusal::new("9000", "SYSTEM_ERROR", error.to_string());
            journal.append(&push).map_err(failed)?;
        }
        memory.count(push);
        Ok(task_id)
    }

    pub(super) fn list(&self, call: &Call) -> Result<serde_json::Value, Refused> {
        self.memory().tasks.list(call, self.now())
    }

    pub(super) fn cancel(&self, call: &Call) -> Result<serde_json::Value, Refused> {
        self.memory().tasks.cancel(call, self.now())
    }

    /// Remembers a request, to be looked at.
    pub(super) fn saw(&self, action: &str, verdict: &str, parameters: BTreeMap<String, String>) {
        let request = SeenRequest {
            at: self.now(),
            action: action.to_owned(),
            verdict: verdict.to_owned(),
            parameters,
        };
        let mut memory = self.memory();
        if memory.requests.len() == REQUESTS_KEPT_MAX {
            memory.requests.pop_front();
        }
        memory.requests.push_back(request);
    }

    pub(super) fn received(&self) -> Received {
        let memory = self.memory();
        let pushes = memory.taken.iter().map(|push| push.targets.len() as u64).sum();
        Received { calls: memory.taken.len() as u64, pushes, taken: memory.taken.clone() }
    }

    pub(super) fn target_counts(&self) -> TargetCounts {
        let memory = self.memory();
        let name = |((kind, target), count): (&(u8, String), &u64)| (format!("{kind}:{target}"), *count);
        let twice = memory.by_message_key.iter().filter(|(_, count)| **count > 1);
        TargetCounts {
            targets: memory.by_target.iter().map(name).collect(),
            pushed_twice: twice.map(|(key, count)| (key.clone(), *count)).collect(),
        }
    }

    pub(super) fn requests(&self) -> Vec<SeenRequest> {
        self.memory().requests.iter().cloned().collect()
    }

    pub(super) fn inject(&self, fault: Fault) {
        self.memory().faults.add(fault);
    }

    pub(super) fn register_template(&self, name: &str, title: &str, body: &str) {
        let template = Template { title: title.to_owned(), body: body.to_owned() };
        self.memory().templates.insert(name.to_owned(), template);
    }

    /// Forgets everything but the nonces.
    pub(super) fn reset(&self) -> Result<(), SandboxError> {
        let mut memory = self.memory();
        memory.templates.clear();
        memory.faults.clear();
        memory.tasks.clear();
        memory.taken.clear();
        memory.by_target.clear();
        memory.by_message_key.clear();
        memory.requests.clear();
        memory.journal.as_mut().map_or(Ok(()), Journal::clear)
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().expect("no holder of this lock panics")
    }
}

impl Memory {
    fn count(&mut self, push: Push) {
        for delivery in &push.targets {
            *self.by_target.entry((delivery.delivery_type, delivery.target.clone())).or_default() += 1;
            *self.by_message_key.entry(delivery.message_key.clone()).or_default() += 1;
        }
        self.taken.push(push);
    }

    fn restore(&mut self, push: Push) {
        if !push.triggers.is_empty() {
            self.tasks.restore(restored_task(&push));
        }
        self.count(push);
    }
}

fn push(call: &Call, sound: &Sound, task_id: &str, now: DateTime<Utc>) -> Push {
    let text = |name| call.text(name).unwrap_or_default().to_owned();
    Push {
        at: now,
        action: call.action.clone(),
        request_id: call.request_id.clone(),
        app_id: text("AppId"),
        workspace_id: text("WorkspaceId"),
        task_name: text("TaskName"),
        template_name: text("TemplateName"),
        task_id: task_id.to_owned(),
        triggers: sound.timing.triggers(),
        targets: sound.targets.clone(),
    }
}

fn task(push: &Push, sound: &Sound) -> Task {
    Task {
        kind: sound.kind.number(),
        delivery_type: sound.delivery_type,
        title: sound.title.clone(),
        body: sound.body.clone(),
        is_repeating: matches!(sound.timing, Timing::Repeat(_)),
        ..restored_task(push)
    }
}

/// What the journal keeps of a task is enough to list and cancel it.
fn restored_task(push: &Push) -> Task {
    Task {
        id: push.task_id.clone(),
        app: (push.app_id.clone(), push.workspace_id.clone()),
        kind: Kind::of(&push.action).map_or(0, Kind::number),
        delivery_type: push.targets.first().map_or(0, |delivery| delivery.delivery_type),
        title: push.template_name.clone(),
        body: String::new(),
        created_at: push.at,
        is_repeating: push.triggers.len() > 1,
        triggers: push.triggers.clone(),
    }
}
