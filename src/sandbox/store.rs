//! Everything the sandbox remembers, and the rules that look at it.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use crate::domain::{placeholders, render};
use crate::sandbox::fault::Faults;
use crate::sandbox::journal::{Cancel, Entry, Journal};
use crate::sandbox::nonces::Nonces;
use crate::sandbox::push::{Candidate, Message, PushAction};
use crate::sandbox::received::{Push, Tally};
use crate::sandbox::result_code::{Refusal, ResultCode};
use crate::sandbox::signature::WINDOW_SECONDS;
use crate::sandbox::tasks::Tasks;
use crate::sandbox::{Memory, Options, SandboxError};

/// How many requests the log of requests keeps.
const LOG_MAX: usize = 1000;

/// A request and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SeenRequest {
    /// When.
    pub at: DateTime<Utc>,
    /// The call; empty where the gateway refused it.
    pub action: String,
    /// The id that the reply gave it.
    pub request_id: String,
    /// `taken`, or the code of the refusal, or the fault that was asked for.
    pub verdict: String,
    /// Its parameters, decoded; none where the gateway refused it.
    pub parameters: BTreeMap<String, String>,
}

/// Why a push was not taken.
#[derive(Debug)]
pub(super) enum NotTaken {
    Refused(Refusal),
    /// It could not be written down, so it must not be accepted.
    Journal(io::Error),
}

/// Who sends a request, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sender<'a> {
    pub(super) request_id: &'a str,
    pub(super) nonce: &'a str,
    pub(super) version: &'a str,
    pub(super) now: DateTime<Utc>,
}

#[derive(Debug)]
struct Template {
    title: String,
    body: String,
}

/// The memory of a running sandbox. What one request costs does not grow with what came before.
#[derive(Debug, Default)]
pub(super) struct Store {
    pub(super) nonces: Nonces,
    pub(super) faults: Faults,
    pub(super) tally: Tally,
    pub(super) log: VecDeque<SeenRequest>,
    templates: HashMap<String, Template>,
    tasks: BTreeMap<(String, String), Tasks>,
    /// Batch and broadcast tasks by owner, in order: those that can be found by name.
    named: BTreeMap<(String, String), Vec<Arc<Push>>>,
    journal: Option<Journal>,
    unexecuted_tasks_max: usize,
}

impl Store {
    /// Starts empty, or with what a journal holds.
    pub(super) fn open(options: &Options) -> Result<Self, SandboxError> {
        let now = (options.clock)();
        let mut store = Self { unexecuted_tasks_max: options.unexecuted_tasks_max, ..Self::default() };
        if options.memory == Memory::Lean {
            store.tally = Tally::lean();
        }
        if let Some(share) = options.fault_share {
            store.faults.share(share);
        }
        if let Some(path) = &options.journal {
            let journal = Journal::open(path, |entry| store.replay(entry, now))?;
            store.journal = Some(journal);
        }
        Ok(store)
    }

    fn replay(&mut self, entry: Entry, now: DateTime<Utc>) {
        match entry {
            Entry::Push(push) => {
                if now - push.at <= TimeDelta::seconds(WINDOW_SECONDS) {
                    let _is_new = self.nonces.take(&push.nonce, push.at);
                }
                self.record(push);
            }
            Entry::Cancel(cancel) => self.forget(&cancel),
        }
    }

    /// Accepts a push if templates and tasks allow it: written down first, then counted.
    pub(super) fn take(&mut self, candidate: Candidate, sender: Sender<'_>) -> Result<Arc<Push>, NotTaken> {
        let (title, content) = self.words(&candidate.message).map_err(NotTaken::Refused)?;
        let is_scheduled = candidate.strategy.strategy_type != 0;
        let owner = (candidate.app_id, candidate.workspace_id);
        let now_ms = sender.now.timestamp_millis();
        let unexecuted = self.tasks.get(&owner).map_or(0, |tasks| tasks.unexecuted(now_ms));
        if is_scheduled && unexecuted >= self.unexecuted_tasks_max {
            // The pages state the limit and no code for it.
            let why = format!("there are {unexecuted} unexecuted scheduled or repeating tasks");
            return Err(NotTaken::Refused(ResultCode::InvalidParam.because(why)));
        }
        // For these two the id is also what an immediate push is found and revoked by.
        let has_task = is_scheduled || candidate.action.is_listed_by_name();
        let template_name = match candidate.message {
            Message::Text { .. } => String::new(),
            Message::Template { name, .. } => name,
        };
        let push = Push {
            at: sender.now,
            request_id: sender.request_id.to_owned(),
            nonce: sender.nonce.to_owned(),
            action: candidate.action.as_str().to_owned(),
            version: sender.version.to_owned(),
            app_id: owner.0,
            workspace_id: owner.1,
            task_name: candidate.task_name,
            template_name,
            targets: candidate.deliveries,
            title,
            content,
            strategy_type: candidate.strategy.strategy_type,
            task_id: if has_task { uuid::Uuid::new_v4().simple().to_string() } else { String::new() },
            triggers: candidate.strategy.triggers,
        };
        self.write(&Entry::Push(&push)).map_err(NotTaken::Journal)?;
        Ok(self.record(push))
    }

    /// Cancels tasks of one owner.
    pub(super) fn cancel(&mut self, cancel: &Cancel) -> Result<(), NotTaken> {
        let tasks = self.tasks.entry((cancel.app_id.clone(), cancel.workspace_id.clone())).or_default();
        tasks.check_cancel(&cancel.unique_ids, cancel.at.timestamp_millis()).map_err(|id| {
            NotTaken::Refused(ResultCode::InvalidParam.because(format!("nothing to cancel of task {id}")))
        })?;
        self.write(&Entry::Cancel(cancel.clone())).map_err(NotTaken::Journal)?;
        self.forget(cancel);
        Ok(())
    }

    /// Returns the tasks of one owner.
    pub(super) fn tasks(&self, app_id: &str, workspace_id: &str) -> Option<&Tasks> {
        self.tasks.get(&(app_id.to_owned(), workspace_id.to_owned()))
    }

    /// Returns the batch and broadcast tasks of one owner, oldest first.
    pub(super) fn named_tasks(&self, app_id: &str, workspace_id: &str) -> &[Arc<Push>] {
        let named = self.named.get(&(app_id.to_owned(), workspace_id.to_owned()));
        named.map(Vec::as_slice).unwrap_or_default()
    }

    /// Makes a template known; from the first one on, pushes of others are refused.
    pub(super) fn register_template(&mut self, name: String, title: String, body: String) {
        self.templates.insert(name, Template { title, body });
    }

    /// Notes a request for the log.
    pub(super) fn note(&mut self, mut seen: SeenRequest) {
        if self.tally.hashes().is_some() {
            seen.parameters.clear();
        }
        if self.log.len() == LOG_MAX {
            self.log.pop_front();
        }
        self.log.push_back(seen);
    }

    /// Forgets everything but the nonces and the templates, in memory and in the journal.
    pub(super) fn reset(&mut self) -> io::Result<()> {
        if let Some(journal) = &mut self.journal {
            journal.clear()?;
        }
        self.tally = self.tally.emptied();
        self.tasks.clear();
        self.named.clear();
        self.faults.clear();
        self.log.clear();
        Ok(())
    }

    fn words(&self, message: &Message) -> Result<(String, String), Refusal> {
        let (name, values) = match message {
            Message::Text { title, content } => return Ok((title.clone(), content.clone())),
            Message::Template { name, values } => (name, values),
        };
        if self.templates.is_empty() {
            return Ok((String::new(), String::new()));
        }
        let template = self
            .templates
            .get(name)
            .ok_or_else(|| ResultCode::TemplateNotExist.because(format!("there is no template {name}")))?;
        for text in [&template.title, &template.body] {
            for (placeholder, _) in placeholders(text) {
                if values.iter().any(|values| !values.contains_key(placeholder)) {
                    return Err(ResultCode::TemplateValuesNotEnough
                        .because(format!("the placeholder {placeholder} has no value")));
                }
            }
        }
        let no_values = BTreeMap::new();
        let first = values.first().unwrap_or(&no_values);
        Ok((render(&template.title, first), render(&template.body, first)))
    }

    fn write(&mut self, entry: &Entry<&Push>) -> io::Result<()> {
        self.journal.as_mut().map_or(Ok(()), |journal| journal.append(entry))
    }

    fn record(&mut self, push: Push) -> Arc<Push> {
        let push = self.tally.add(push);
        let owner = || (push.app_id.clone(), push.workspace_id.clone());
        if push.strategy_type != 0 {
            self.tasks.entry(owner()).or_default().add(&push);
        }
        if PushAction::of(&push.action).is_some_and(PushAction::is_listed_by_name) {
            self.named.entry(owner()).or_default().push(Arc::clone(&push));
        }
        push
    }

    fn forget(&mut self, cancel: &Cancel) {
        let owner = (cancel.app_id.clone(), cancel.workspace_id.clone());
        let Some(tasks) = self.tasks.get_mut(&owner) else { return };
        for push in tasks.cancel(&cancel.unique_ids, cancel.at.timestamp_millis()) {
            self.tally.uncount(&push);
        }
    }
}
