//! How a command gets at the environment's ledger: alone, to write to it, or with a view of what others write.

use std::rc::Rc;
use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::domain::{Endpoint, Environment, LedgerPlace, LedgerSalt, Secret};
use crate::ledger::{
    Chain, Destination, Entry, FORMAT_VERSION, FoldError, Header, KeyNote, Ledger, Lineage, Mark, Record,
    Serial,
};
use crate::render::text;
use crate::resolve::Scope;
use crate::state::{
    self, Candidate, Expected, Holder, OpenLedger, OpenRefused, Reader, SeenLedger, StateError,
    StateErrorKind, Store,
};
use crate::witness::{self, PIN_FILE_NAME, Pins};

/// How often a held lock is tried again: in a directory, and in a store that hundreds may ask at the same time.
const LOCK_POLL: Duration = Duration::from_millis(50);
const STORE_POLL: Duration = Duration::from_millis(200);
/// A wait for a sign of life is not worth a line before.
const SILENCE_UNTOLD: Duration = Duration::from_secs(2);

impl Session<'_> {
    /// Returns who is about to hold the ledger.
    pub(super) fn candidate(&self, place: &LedgerPlace, command: &str, writes: bool) -> Candidate {
        let holder = Holder {
            command: command.to_owned(),
            actor: self.shell.actor(),
            host: self.shell.host_identity(),
            process: std::process::id(),
            origin: self.shell.origin(),
            since: self.shell.now(),
            ci_run: self.shell.ci_run(),
            writes,
        };
        Candidate::new(holder, self.shell.lease_terms(place), self.shell.moments())
    }

    /// Returns the store of the environment's ledger, which finds what opens it in the environment variables.
    pub(super) fn store(&self, scope: &Scope) -> Rc<dyn Store> {
        let place = &scope.environment.ledger;
        let made = || Rc::from(state::store_at(place, &self.shell.variables()));
        let mut stores = self.stores.borrow_mut();
        Rc::clone(stores.entry(place.address()).or_insert_with(made))
    }

    /// Opens the environment's ledger to write to it, and proves that it is the right one. The sandbox's is
    /// made if there is none and none was pinned.
    pub(super) fn open_ledger(&self, scope: &Scope, command: &str) -> Result<OpenLedger, Failure> {
        let pins = Pins::read(self.directory())?;
        let environment = &scope.environment;
        let pinned = pins.lineage(&environment.name);
        if let Some(open) = self.find_ledger(scope, command, pinned)? {
            return Ok(open);
        }
        self.may_create(scope, pinned)?;
        self.create_ledger(scope, command, None)
    }

    /// Opens the environment's ledger to write to it, and proves that it is the right one; nothing if there is
    /// none.
    pub(super) fn find_ledger(
        &self,
        scope: &Scope,
        command: &str,
        pinned: Option<&Lineage>,
    ) -> Result<Option<OpenLedger>, Failure> {
        self.prove_time_is_real(scope)?;
        let place = self.store(scope);
        let store = match self.wait_for_lock(place.as_ref(), command, |candidate| place.take(candidate)) {
            Err(error) if is_missing(&error) => return Ok(None),
            other => other?,
        };
        let took_over = store.took_over().cloned();
        let mut open = match self.prove(store, scope, pinned) {
            Err(OpenRefused::State(error)) if is_missing(&error) => return Ok(None),
            other => other?,
        };
        state::record_take_over(&mut open, &self.shell.actor(), self.shell.now())?;
        if let Some(holder) = took_over {
            self.shell.say(&format!("Took the ledger over from {holder}: it did not finish.\n"));
        }
        self.remember(&open.ledger, open.writer.serial(), open.writer.chain());
        if let Some(directory) = self.shell.state_directory() {
            open.store = witness::witnessed(open.store, &directory, &open.ledger.header().lineage);
        }
        Ok(Some(open))
    }

    /// Notes how far the ledger is, apart from the ledger.
    pub(super) fn remember(&self, ledger: &Ledger, serial: Serial, chain: Chain) {
        if let Some(directory) = self.shell.state_directory() {
            witness::remember(&directory, &ledger.header().lineage, serial, chain);
        }
    }

    /// Returns how far the ledger is known to have been: by this machine, and by the review lock.
    fn recall(&self, scope: &Scope, lineage: &Lineage) -> Option<Mark> {
        let here = self.shell.state_directory().and_then(|directory| witness::recall(&directory, lineage));
        let is_required = scope.environment.review.is_required;
        // One that cannot be read is told where it is needed.
        let lock = is_required.then(|| self.review_lock(&scope.environment.name).ok().flatten()).flatten();
        let known = lock.and_then(|lock| lock.ledger).filter(|known| known.lineage == lineage.to_string());
        let known = known.map(|known| Mark { serial: Serial(known.serial), chain: known.chain });
        here.into_iter().chain(known).max_by_key(|mark| mark.serial)
    }

    /// Reads a ledger, and proves that it is the right one.
    pub(super) fn prove<S: Reader>(
        &self,
        store: S,
        scope: &Scope,
        pinned: Option<&Lineage>,
    ) -> Result<OpenLedger<S>, OpenRefused> {
        let (project, environment) = (&scope.project, &scope.environment);
        let recall = |lineage: &Lineage| self.recall(scope, lineage);
        state::open(
            store,
            Expected {
                project,
                environment,
                pinned,
                witness: Some(&recall),
                moves_to: None,
                key: &|name| self.shell.ledger_key(name),
            },
        )
    }

    /// Does the same with a ledger whose move to a place may have been interrupted.
    pub(super) fn prove_to_move<S: Reader>(
        &self,
        store: S,
        scope: &Scope,
        pinned: Option<&Lineage>,
        to: &str,
    ) -> Result<OpenLedger<S>, OpenRefused> {
        let (project, environment) = (&scope.project, &scope.environment);
        let recall = |lineage: &Lineage| self.recall(scope, lineage);
        let expected = Expected {
            project,
            environment,
            pinned,
            witness: Some(&recall),
            moves_to: Some(to),
            key: &|name| self.shell.ledger_key(name),
        };
        state::open(store, expected)
    }

    /// Packs a ledger that is held.
    pub(super) fn pack_ledger(
        &self,
        scope: &Scope,
        open: OpenLedger,
        pinned: Option<&Lineage>,
    ) -> Result<OpenLedger, OpenRefused> {
        let (project, environment) = (&scope.project, &scope.environment);
        // Proven when it was opened; what this machine remembers is behind by now.
        let packed = state::pack(
            open,
            Expected {
                project,
                environment,
                pinned,
                witness: None,
                moves_to: None,
                key: &|name| self.shell.ledger_key(name),
            },
            self.shell.now(),
        )?;
        self.remember(&packed.ledger, packed.writer.serial(), packed.writer.chain());
        Ok(packed)
    }

    /// Packs a ledger that became long, before or after a run. One that cannot be packed stays as it is.
    pub(super) fn pack_long_ledger(&self, scope: &Scope, command: &str) {
        let packed = self.open_and_pack(scope, command);
        match packed {
            Ok((before, after)) => self.shell.say(&format!(
                "Packed the ledger's {} into {}.\n",
                text::count(before, "record"),
                text::number(after)
            )),
            Err(failure) => {
                self.shell.say(&format!(
                    "The ledger was not packed, and is as it was: {}\n",
                    failure.in_one_line()
                ));
            }
        }
    }

    fn open_and_pack(&self, scope: &Scope, command: &str) -> Result<(u64, u64), Failure> {
        let pins = Pins::read(self.directory())?;
        let pinned = pins.lineage(&scope.environment.name);
        let store = self.store(scope).take(&self.candidate(&scope.environment.ledger, command, true))?;
        let mut open = self.prove(store, scope, pinned)?;
        state::record_take_over(&mut open, &self.shell.actor(), self.shell.now())?;
        let before = open.records;
        Ok((before, self.pack_ledger(scope, open, pinned)?.packed_records))
    }

    /// Tries to get the lock until the time for it is over, and says for whom it waits. A holder that gives no sign of life
    /// is waited for until its lease is over, which counts apart.
    pub(super) fn wait_for_lock<T>(
        &self,
        store: &dyn Store,
        command: &str,
        attempt: impl Fn(&Candidate) -> Result<T, StateError>,
    ) -> Result<T, StateError> {
        let candidate = self.candidate(store.place(), command, true);
        let (mut locked_since, mut silent_since, mut is_told, mut is_silence_told) =
            (None, None, false, false);
        loop {
            let error = match attempt(&candidate) {
                Ok(taken) => return Ok(taken),
                Err(error) => error,
            };
            match &error.kind {
                StateErrorKind::Locked { holder, .. } => {
                    let since: Instant = *locked_since.get_or_insert_with(Instant::now);
                    if since.elapsed() >= self.globals.lock_timeout {
                        return Err(error);
                    }
                    if !is_told && holder.is_some() {
                        is_told = true;
                        let wait = humantime::format_duration(self.globals.lock_timeout);
                        self.shell.say(&format!("Waiting up to {wait}: {error}\n"));
                    }
                    std::thread::sleep(lock_poll(&error.place));
                }
                StateErrorKind::Silent { holder, left } if !self.globals.no_wait => {
                    locked_since = None;
                    // At the first look nobody can tell whether it is there.
                    let since: Instant = *silent_since.get_or_insert_with(Instant::now);
                    if !is_silence_told
                        && since.elapsed() >= self.shell.lease_terms(store.place()).silent_after()
                    {
                        (is_told, is_silence_told) = (true, true);
                        let wait = humantime::format_duration(Duration::from_secs(left.as_secs() + 1));
                        self.shell.say(&format!("Waiting up to {wait} to take it over: {error}\n"));
                    }
                    if !is_told && since.elapsed() >= SILENCE_UNTOLD {
                        is_told = true;
                        self.shell.say(&format!(
                            "Waiting for a sign of life of {holder}, which holds the ledger.\n"
                        ));
                    }
                    std::thread::sleep(lock_poll(&error.place));
                }
                _ => return Err(error),
            }
        }
    }

    /// Opens the environment's ledger to read it, and proves that it is the right one. While another run writes
    /// to it, that is what it wrote so far. The sandbox's is made if there is none and none was pinned.
    pub(super) fn view_ledger(&self, scope: &Scope, command: &str) -> Result<SeenLedger, Failure> {
        let pins = Pins::read(self.directory())?;
        let (project, environment) = (&scope.project, &scope.environment);
        let (pinned, recall) =
            (pins.lineage(&environment.name), |lineage: &Lineage| self.recall(scope, lineage));
        let expected = Expected {
            project,
            environment,
            pinned,
            witness: Some(&recall),
            moves_to: None,
            key: &|name| self.shell.ledger_key(name),
        };
        let store = self.store(scope);
        let reader = self.candidate(store.place(), command, false);
        let viewed = match state::view(store.as_ref(), &reader, expected) {
            Err(OpenRefused::State(error)) if is_missing(&error) => {
                self.may_create(scope, pinned)?;
                drop(self.create_ledger(scope, command, None)?);
                state::view(store.as_ref(), &reader, expected)
            }
            other => other,
        };
        let (open, writer) = viewed?;
        if let Some(holder) = writer {
            let serial = open.ledger.serial();
            self.shell.say(&format!(
                "The ledger is held by {holder}; this is what it holds up to record {serial}.\n"
            ));
        }
        Ok(open)
    }

    /// Returns the environment's ledger if there is one that is whole and the right one, and keeps nobody waiting.
    pub(super) fn peek_at_ledger(&self, scope: &Scope) -> Option<SeenLedger> {
        let store = self.store(scope);
        let seen = store.peek(&self.candidate(store.place(), "completion", false)).ok()?;
        self.prove(seen.reader, scope, None).ok()
    }

    /// Returns the environment's ledger as it is stored, proven or not.
    pub(super) fn lines_of_ledger(&self, scope: &Scope, command: &str) -> Result<Box<dyn Reader>, Failure> {
        let store = self.store(scope);
        match store.snapshot(&self.candidate(store.place(), command, false)) {
            Err(error) if is_missing(&error) => Err(self.missing(scope)?),
            found => Ok(found?.reader),
        }
    }

    /// Returns the failure of a command that needs a ledger where there is none.
    pub(super) fn missing(&self, scope: &Scope) -> Result<Failure, Failure> {
        let pins = Pins::read(self.directory())?;
        Ok(match pins.lineage(&scope.environment.name) {
            Some(lineage) => pinned_and_missing(&scope.environment, lineage),
            None => StateErrorKind::Missing.at(&scope.environment.ledger).into(),
        })
    }

    /// Refuses to make a ledger by itself where it is not the sandbox's, where one was pinned, or outside of the workspace:
    /// a pull request may name any directory.
    fn may_create(&self, scope: &Scope, pinned: Option<&Lineage>) -> Result<(), Failure> {
        let environment = &scope.environment;
        if let Some(lineage) = pinned {
            return Err(pinned_and_missing(environment, lineage));
        }
        if environment.endpoint != Endpoint::Sandbox {
            return Err(StateErrorKind::Missing.at(&environment.ledger).into());
        }
        let Some(directory) = environment.ledger.directory() else {
            return Err(StateErrorKind::Missing.at(&environment.ledger).into());
        };
        if self.boundary().leads_outside(directory) {
            let message = "the sandbox's ledger would lie outside of the workspace";
            return Err(Failure::new(ExitStatus::Written, message).help(
                "nothing was sent, and no ledger was made. Name a directory of the workspace with `ledger:`, or run \
                 `campaignctl ledger init` once",
            ));
        }
        Ok(())
    }

    /// Returns an empty ledger that is kept nowhere, for a plan of files alone. Its salt is forgotten with it, so that no digest
    /// in the plan tells who is on a list.
    pub(super) fn ledger_of_nothing(&self, scope: &Scope) -> Ledger {
        let opened = Entry {
            serial: Serial(1),
            at: self.shell.now(),
            record: Record::Opened(new_header(scope, LedgerSalt::new(*Uuid::new_v4().as_bytes()), None)),
        };
        Ledger::fold([Ok::<_, FoldError>(opened)]).expect("a header alone is a ledger")
    }

    /// Makes the environment's ledger.
    pub(super) fn create_ledger(
        &self,
        scope: &Scope,
        command: &str,
        key: Option<&(String, Secret)>,
    ) -> Result<OpenLedger, Failure> {
        self.prove_time_is_real(scope)?;
        let place = self.store(scope);
        let store = self.wait_for_lock(place.as_ref(), command, |candidate| place.create(candidate))?;
        let salt = LedgerSalt::new(*Uuid::new_v4().as_bytes());
        let key = key.map(|(variable, key)| KeyNote::of(variable, key, &salt));
        let open = state::create(store, new_header(scope, salt, key), self.shell.now())?;
        self.remember(&open.ledger, open.writer.serial(), open.writer.chain());
        Ok(open)
    }
}

/// Returns the header of a ledger that is new.
fn new_header(scope: &Scope, salt: LedgerSalt, key: Option<KeyNote>) -> Header {
    let environment = &scope.environment;
    Header {
        key,
        format: FORMAT_VERSION,
        lineage: Lineage::new(Uuid::new_v4()),
        salt,
        project: scope.project.clone(),
        environment: environment.name.clone(),
        app_id: environment.app_id.clone(),
        workspace_id: environment.workspace_id.clone(),
        destination: Some(Destination::at(&environment.endpoint)),
    }
}

/// There was a ledger, and it is not here: so the place is wrong, or it is lost.
pub(super) fn pinned_and_missing(environment: &Environment, lineage: &Lineage) -> Failure {
    let place = &environment.ledger;
    let message = format!(
        "there is no ledger in `{place}`, and `{PIN_FILE_NAME}` pins ledger {lineage} for `{}`",
        environment.name
    );
    let lost = if place.directory().is_some() {
        "restore its directory from where the last run kept it, or the latest export with `campaignctl ledger restore`"
    } else {
        "restore the latest export with `campaignctl ledger restore`"
    };
    Failure::new(ExitStatus::Ledger, message).help(format!(
        "nothing was sent. See that `ledger:` names the place that the last run wrote to. If that ledger is lost, {lost}: a new \
         one would take every campaign for new"
    ))
}

/// Returns how long to wait for the next attempt; no two that began together stay together.
fn lock_poll(place: &LedgerPlace) -> Duration {
    if place.directory().is_some() { LOCK_POLL } else { STORE_POLL.mul_f64(0.5 + fastrand::f64()) }
}

fn is_missing(error: &StateError) -> bool {
    matches!(error.kind, StateErrorKind::Missing)
}
