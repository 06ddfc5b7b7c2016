//! How a command gets at the environment's ledger: alone, to write to it, or with a view of what others write.

use std::io::ErrorKind;
use std::path::Path;
use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::domain::{Endpoint, LedgerSalt};
use crate::ledger::{Chain, FORMAT_VERSION, Header, Ledger, Lineage, Receiver, Serial};
use crate::render::text;
use crate::resolve::Scope;
use crate::state::{
    self, Backend, Candidate, Expected, HeldLock, Holder, OpenLedger, OpenRefused, Pins, SledBackend,
    StateError,
};

/// How often a held lock is tried again, and a torn copy made again.
const LOCK_POLL: Duration = Duration::from_millis(50);
/// So many torn copies in a row, and the ledger itself is taken to be broken.
const VIEW_ATTEMPTS_MAX: u32 = 10;

impl Session<'_> {
    /// Returns who is about to hold the ledger.
    pub(super) fn candidate(&self, command: &str, writes: bool) -> Candidate {
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
        Candidate::new(holder, self.shell.lease_terms(), self.shell.moments())
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
        self.create_ledger(scope, command)
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
        let path = &scope.environment.ledger;
        let opened = self
            .wait_for_lock(&self.candidate(command, true), |candidate| SledBackend::open(path, candidate));
        let backend = match opened {
            Err(StateError::Missing(_)) => return Ok(None),
            other => other?,
        };
        let took_over = backend.took_over().cloned();
        let mut open = match self.prove(Box::new(backend), scope, pinned) {
            Err(OpenRefused::State(StateError::Missing(_))) => return Ok(None),
            other => other?,
        };
        self.record_take_over(&mut open)?;
        if let Some(holder) = took_over {
            self.shell.say(&format!("Took the ledger over from {holder}: it did not finish.\n"));
        }
        self.remember(&open.ledger, open.writer.serial(), open.writer.chain());
        if let Some(directory) = self.shell.state_directory() {
            open.backend = state::witnessed(open.backend, &directory, &open.ledger.header().lineage);
        }
        Ok(Some(open))
    }

    /// Puts on record from whom the ledger was taken, if nobody knows that this one ended.
    fn record_take_over(&self, open: &mut OpenLedger) -> Result<(), StateError> {
        let lease = open.backend.lease();
        state::record_take_over(open, &lease, &self.shell.actor(), self.shell.now())
    }

    /// Notes how far the ledger is, apart from the ledger.
    pub(super) fn remember(&self, ledger: &Ledger, serial: Serial, chain: Chain) {
        if let Some(directory) = self.shell.state_directory() {
            state::remember(&directory, &ledger.header().lineage, serial, chain);
        }
    }

    pub(super) fn prove(
        &self,
        backend: Box<dyn Backend>,
        scope: &Scope,
        pinned: Option<&Lineage>,
    ) -> Result<OpenLedger, OpenRefused> {
        let (project, environment) = (&scope.project, &scope.environment);
        let witness = self.shell.state_directory();
        state::open(backend, Expected { project, environment, pinned, witness: witness.as_deref() })
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
        let packed =
            state::pack(open, Expected { project, environment, pinned, witness: None }, self.shell.now())?;
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
        let backend = SledBackend::open(&scope.environment.ledger, &self.candidate(command, true))?;
        let mut open = self.prove(Box::new(backend), scope, pinned)?;
        self.record_take_over(&mut open)?;
        let before = open.records;
        Ok((before, self.pack_ledger(scope, open, pinned)?.packed_records))
    }

    /// Tries to get the lock until the time for it is over, and says for whom it waits. A holder that gives no sign of life
    /// is waited for until its lease is over, which counts apart.
    fn wait_for_lock<T>(
        &self,
        candidate: &Candidate,
        attempt: impl Fn(&Candidate) -> Result<T, StateError>,
    ) -> Result<T, StateError> {
        let (mut locked_since, mut is_told, mut is_silence_told) = (None, false, false);
        loop {
            match attempt(candidate) {
                Err(error @ StateError::Locked { .. }) => {
                    let since: Instant = *locked_since.get_or_insert_with(Instant::now);
                    if since.elapsed() >= self.globals.lock_timeout {
                        return Err(error);
                    }
                    if !is_told && matches!(error, StateError::Locked { holder: Some(_), .. }) {
                        is_told = true;
                        let wait = humantime::format_duration(self.globals.lock_timeout);
                        self.shell.say(&format!("Waiting up to {wait}: {error}\n"));
                    }
                    std::thread::sleep(LOCK_POLL);
                }
                Err(ref error @ StateError::Silent { left, .. }) if !self.globals.no_wait => {
                    locked_since = None;
                    if !is_silence_told {
                        is_silence_told = true;
                        let wait = humantime::format_duration(Duration::from_secs(left.as_secs() + 1));
                        self.shell.say(&format!("Waiting up to {wait} to take it over: {error}\n"));
                    }
                    std::thread::sleep(LOCK_POLL);
                }
                other => return other,
            }
        }
    }

    /// Opens the environment's ledger to read it, and proves that it is the right one. While another run writes
    /// to it, that is a copy of what it wrote so far. The sandbox's is made if there is none and none was pinned.
    pub(super) fn view_ledger(&self, scope: &Scope, command: &str) -> Result<OpenLedger, Failure> {
        let pins = Pins::read(self.directory())?;
        let environment = &scope.environment;
        let pinned = pins.lineage(&environment.name);
        let opened = SledBackend::open(&environment.ledger, &self.candidate(command, false));
        let (seen, writer) = match opened {
            Ok(backend) => (self.prove(Box::new(backend), scope, pinned), None),
            Err(StateError::Locked { holder, .. }) => {
                // Another reader says nothing of who writes.
                let writer = holder.filter(|holder| holder.writes).map(|holder| *holder);
                (self.view_copy(scope, pinned), writer)
            }
            Err(StateError::LeftLocked { holder, .. }) => (self.view_copy(scope, pinned), Some(*holder)),
            Err(StateError::Io { source, .. }) if is_unwritable(&source) => {
                (self.view_copy(scope, pinned), None)
            }
            Err(error) => (Err(error.into()), None),
        };
        let open = match seen {
            Err(OpenRefused::State(StateError::Missing(_))) => {
                self.may_create(scope, pinned)?;
                return self.create_ledger(scope, command);
            }
            other => other?,
        };
        if let Some(holder) = writer {
            let serial = open.ledger.serial();
            self.shell.say(&format!(
                "The ledger is in use by {holder}; this is what it holds up to record {serial}.\n"
            ));
        }
        Ok(open)
    }

    /// Returns the environment's ledger if there is one that is whole and the right one.
    pub(super) fn view_existing(&self, scope: &Scope) -> Result<Option<OpenLedger>, OpenRefused> {
        let seen = SledBackend::view(&scope.environment.ledger)
            .map_err(OpenRefused::from)
            .and_then(|backend| self.prove(Box::new(backend), scope, None));
        match seen {
            Ok(open) => Ok(Some(open)),
            Err(OpenRefused::State(StateError::Missing(_))) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns the environment's ledger as it is stored, proven or not.
    pub(super) fn lines_of_ledger(&self, scope: &Scope, command: &str) -> Result<SledBackend, Failure> {
        let path = &scope.environment.ledger;
        let opened = match SledBackend::open(path, &self.candidate(command, false)) {
            Err(StateError::Locked { .. } | StateError::LeftLocked { .. }) => SledBackend::view(path),
            Err(StateError::Io { source, .. }) if is_unwritable(&source) => SledBackend::view(path),
            other => other,
        };
        Ok(opened?)
    }

    /// Keeps every other run away from a ledger's directory, made if there is none.
    pub(super) fn lock_directory(&self, directory: &Path, command: &str) -> Result<HeldLock, Failure> {
        std::fs::create_dir_all(directory).map_err(|source| StateError::Io {
            doing: "create",
            path: directory.to_owned(),
            source,
        })?;
        let candidate = self.candidate(command, true);
        Ok(self.wait_for_lock(&candidate, |candidate| state::lock(directory, candidate))?)
    }

    /// Reads a copy of a ledger that is being written. A torn copy is made again.
    fn view_copy(&self, scope: &Scope, pinned: Option<&Lineage>) -> Result<OpenLedger, OpenRefused> {
        let mut attempts_left = VIEW_ATTEMPTS_MAX;
        loop {
            attempts_left -= 1;
            let seen = SledBackend::view(&scope.environment.ledger)
                .map_err(OpenRefused::from)
                .and_then(|backend| self.prove(Box::new(backend), scope, pinned));
            match seen {
                Err(
                    OpenRefused::State(
                        StateError::Damaged { .. } | StateError::RolledBack { .. } | StateError::Io { .. },
                    )
                    | OpenRefused::Damaged(_)
                    | OpenRefused::Contradiction(_),
                ) if attempts_left > 0 => std::thread::sleep(LOCK_POLL),
                other => return other,
            }
        }
    }

    /// Refuses to make a ledger by itself where it is not the sandbox's, where one was pinned, or outside of the workspace:
    /// a pull request may name any directory.
    fn may_create(&self, scope: &Scope, pinned: Option<&Lineage>) -> Result<(), Failure> {
        let environment = &scope.environment;
        if environment.endpoint != Endpoint::Sandbox || pinned.is_some() {
            return Err(StateError::Missing(environment.ledger.clone()).into());
        }
        if self.boundary().leads_outside(&environment.ledger) {
            let message = "the sandbox's ledger would lie outside of the workspace";
            return Err(Failure::new(ExitStatus::Written, message).help(
                "nothing was sent, and no ledger was made. Name a directory of the workspace with `ledger:`, or run \
                 `campaignctl ledger init` once",
            ));
        }
        Ok(())
    }

    /// Makes the environment's ledger.
    pub(super) fn create_ledger(&self, scope: &Scope, command: &str) -> Result<OpenLedger, Failure> {
        self.prove_time_is_real(scope)?;
        let environment = &scope.environment;
        let path = &environment.ledger;
        let candidate = self.candidate(command, true);
        let backend = self.wait_for_lock(&candidate, |candidate| SledBackend::create(path, candidate))?;
        let header = Header {
            format: FORMAT_VERSION,
            lineage: Lineage::new(Uuid::new_v4()),
            salt: LedgerSalt::new(*Uuid::new_v4().as_bytes()),
            project: scope.project.clone(),
            environment: environment.name.clone(),
            app_id: environment.app_id.clone(),
            workspace_id: environment.workspace_id.clone(),
            receiver: Some(Receiver::at(&environment.endpoint)),
        };
        let open = state::create(Box::new(backend), header, path, self.shell.now())?;
        self.remember(&open.ledger, open.writer.serial(), open.writer.chain());
        Ok(open)
    }
}

/// Whether a directory can be read at best: sled, and the lock, write even for who only reads.
fn is_unwritable(error: &std::io::Error) -> bool {
    use ErrorKind::{FileTooLarge, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    matches!(error.kind(), FileTooLarge | PermissionDenied | QuotaExceeded | ReadOnlyFilesystem | StorageFull)
}
