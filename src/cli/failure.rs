//! Why a command ended without its answer: what happened, what to do, and the exit code.

use std::error::Error;
use std::fmt;
use std::io::ErrorKind;

use crate::cli::exit::{self, ExitStatus};
use crate::ledger::{BlockError, Damage, Destination};
use crate::plan::PlanFileError;
use crate::render::caller::{Caller, word};
use crate::resolve::ResolveError;
use crate::state::{OpenRefused, StateError, StateErrorKind};
use crate::witness::PinError;

/// A command's failure, in words for a person.
#[derive(Debug)]
pub(in crate::cli) struct Failure {
    /// The exit code.
    pub(in crate::cli) status: ExitStatus,
    message: String,
    items: Vec<String>,
    causes: Vec<String>,
    help: Option<String>,
}

impl Failure {
    /// Starts a failure: lower case, no full stop, names in backticks.
    pub(in crate::cli) fn new(status: ExitStatus, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), items: Vec::new(), causes: Vec::new(), help: None }
    }

    /// Starts a failure from an error and its causes.
    pub(in crate::cli) fn from_error(status: ExitStatus, error: &dyn Error) -> Self {
        let mut failure = Self::new(status, error.to_string());
        let mut cause = error.source();
        while let Some(error) = cause {
            failure.causes.push(error.to_string());
            cause = error.source();
        }
        failure
    }

    /// Starts the failure of what the system did not give, or refused.
    pub(in crate::cli) fn of_system(message: &str, source: &std::io::Error) -> Self {
        let mut failure = Self::new(ExitStatus::Other, message);
        failure.causes.push(source.to_string());
        match help_with_system(source) {
            Some(help) => failure.help(help),
            None => failure,
        }
    }

    /// Returns what happened and why, in one line.
    pub(in crate::cli) fn in_one_line(&self) -> String {
        std::iter::once(&self.message).chain(&self.causes).cloned().collect::<Vec<_>>().join(": ")
    }

    /// Lists what the message speaks of, one to a line.
    #[must_use]
    pub(in crate::cli) fn items(mut self, items: Vec<String>) -> Self {
        self.items = items;
        self
    }

    /// Says what to do about it.
    #[must_use]
    pub(in crate::cli) fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// Ends with the status of what came before, where that is graver.
    #[must_use]
    pub(in crate::cli) fn or_graver(mut self, before: ExitStatus) -> Self {
        self.status = exit::graver(before, self.status);
        self
    }

    /// Completes the commands in the help with the options that the caller gave.
    #[must_use]
    pub(in crate::cli) fn spelled_for(mut self, caller: &Caller) -> Self {
        self.help = self.help.map(|help| caller.spell(&help));
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        use crate::render::text::{BAD, QUIET, plain};
        write!(formatter, "{BAD}error{BAD:#}: {}", plain(&self.message))?;
        for item in &self.items {
            write!(formatter, "\n  - {}", plain(item))?;
        }
        for cause in &self.causes {
            write!(formatter, "\n  {QUIET}because{QUIET:#}: {}", plain(cause))?;
        }
        if let Some(help) = &self.help {
            write!(formatter, "\n{QUIET}help{QUIET:#}: {}", plain(help))?;
        }
        Ok(())
    }
}

impl From<StateError> for Failure {
    fn from(error: StateError) -> Self {
        let (status, help) = match &error.kind {
            StateErrorKind::Missing if error.place.directory().is_none() => (
                ExitStatus::Ledger,
                Some(
                    "nothing was sent. See that `ledger:` names the one that the last run wrote to; only for an environment that never pushed anything, make one with `campaignctl ledger init`",
                ),
            ),
            StateErrorKind::Missing => (
                ExitStatus::Ledger,
                Some(
                    "nothing was sent. Restore the ledger's directory from where the last run kept it; only for an environment that never pushed anything, make one with `campaignctl ledger init`",
                ),
            ),
            StateErrorKind::Exists => {
                (ExitStatus::Ledger, Some("use it as it is; a ledger is never made anew over an old one"))
            }
            StateErrorKind::Locked { .. } => (
                ExitStatus::Locked,
                Some("nothing was sent by this command. Wait for the other one to end, then try again"),
            ),
            StateErrorKind::Silent { .. } => (
                ExitStatus::Locked,
                Some(
                    "nothing was sent by this command. Without `--no-wait` it takes the ledger over once that run's lease is over; `campaignctl ledger unlock` shows what that run had in flight",
                ),
            ),
            StateErrorKind::Fenced { .. } => (
                ExitStatus::Locked,
                Some(
                    "nothing was sent since. What this command was about to record may be missing: look before you run it again",
                ),
            ),
            StateErrorKind::LeftLocked { .. } => (
                ExitStatus::Locked,
                Some(
                    "nothing was sent by this command. If that run still goes on, wait for it; if it certainly does not, see what it left: `campaignctl ledger unlock`",
                ),
            ),
            StateErrorKind::Damaged { .. }
            | StateErrorKind::RolledBack { .. }
            | StateErrorKind::Forked { .. }
                if error.place.directory().is_none() =>
            {
                (
                    ExitStatus::Ledger,
                    Some(
                        "nothing was sent. Restore it from the latest export that has every run, with `campaignctl ledger restore`; a ledger that forgot a push would send it twice",
                    ),
                )
            }
            StateErrorKind::Damaged { .. } => (
                ExitStatus::Ledger,
                Some(
                    "nothing was sent. Restore the ledger's directory from the latest backup that has every run; a ledger that forgot a push would send it twice",
                ),
            ),
            StateErrorKind::RolledBack { .. } | StateErrorKind::Forked { .. } => (
                ExitStatus::Ledger,
                Some(
                    "nothing was sent. Restore the ledger's directory from the latest backup that has every run; a ledger that forgot a push would send it twice. If you are certain that what it lacks was never sent, docs/ledger.md has the way on",
                ),
            ),
            StateErrorKind::Refused { help, .. } => (ExitStatus::Ledger, Some(help.as_str())),
            StateErrorKind::Keys { help, .. } => (ExitStatus::Credentials, Some(help.as_str())),
            StateErrorKind::NotConditional { help, .. } => (ExitStatus::Ledger, Some(*help)),
            StateErrorKind::Unreachable { .. } => (
                ExitStatus::Other,
                Some("nothing was sent by this command. Run it again once the store can be reached"),
            ),
            StateErrorKind::Undecided { .. } => (
                ExitStatus::Other,
                Some(
                    "nothing was sent since. Run `campaignctl status` once the store can be reached: it shows what was recorded",
                ),
            ),
            StateErrorKind::Io { source, .. } => (ExitStatus::Other, help_with_system(source)),
        };
        let mut failure = Self::from_error(status, &error);
        if let StateErrorKind::Io { doing, path, source } = &error.kind
            && is_read_only(doing, source)
        {
            let message = format!("the ledger is read-only: could not {doing} `{}`", path.display());
            failure.message = message;
        }
        match help {
            Some(help) => failure.help(help),
            None => failure,
        }
    }
}

/// Whether who may only read was to write.
fn is_read_only(doing: &str, source: &std::io::Error) -> bool {
    let is_refused = matches!(source.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem);
    is_refused && !matches!(doing, "read" | "copy")
}

/// Says what to do where the system has too little of something, or refuses. None of it is damage.
fn help_with_system(source: &std::io::Error) -> Option<&'static str> {
    // POSIX numbers that Rust has no kind for: EIO, ENFILE, EMFILE.
    match (source.kind(), source.raw_os_error()) {
        (_, Some(5)) => Some(
            "nothing was sent. The disk failed to read or to write; the ledger may be whole. See what the system says of \
             the disk before anything is restored",
        ),
        (_, Some(23 | 24)) => Some(
            "nothing was sent, and the ledger is as it was. Let the process open more files: `ulimit -n 1024`",
        ),
        (ErrorKind::OutOfMemory | ErrorKind::WouldBlock, _) => Some(
            "nothing was sent, and the ledger is as it was. Give the process more memory and threads: `ulimit -v`, \
             `ulimit -u`, or the container's limits",
        ),
        (ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge, _) => Some(
            "nothing was sent, and the ledger is as it was. Make room on its disk; `plan`, `status` and `ledger export` \
             need room in the directory for temporary files at most, `TMPDIR`",
        ),
        (ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem, _) => Some(
            "nothing was sent. Run it as a user who may write to the ledger's directory and the files in it",
        ),
        _ => None,
    }
}

impl From<OpenRefused> for Failure {
    fn from(error: OpenRefused) -> Self {
        let help = match error {
            OpenRefused::State(error) => return error.into(),
            OpenRefused::Damaged(Damage::Unreadable { .. }) | OpenRefused::NewerFormat { .. } => {
                "nothing was sent. Use the version of campaignctl that wrote it, or a later one"
            }
            OpenRefused::Damaged(_) | OpenRefused::Contradiction(_) | OpenRefused::Blocks(_) => {
                "nothing was sent. Restore the ledger from the latest backup that has every run"
            }
            OpenRefused::PackedDiffers => {
                "the ledger was left as it was. Please report this with what `campaignctl ledger verify` says"
            }
            OpenRefused::Foreign { .. } => {
                "nothing was sent. Another app behind the same name needs an environment and a ledger of its own"
            }
            OpenRefused::AnotherDestination { theirs: Destination::Host, .. } => {
                "nothing was sent. It knows who really got a push: for the sandbox, make an environment of its own, with its own `ledger:` directory"
            }
            OpenRefused::AnotherDestination { is_unsure: true, .. } => {
                "nothing was sent. What the sandbox took reached nobody, and what runs of version 0.1 sent before may have reached people. If it did, restore a copy of the ledger from before it met the sandbox; else set `endpoint: sandbox` again"
            }
            OpenRefused::AnotherDestination { is_pinned: true, .. } => {
                "nothing was sent. What the sandbox took reached nobody. Set `endpoint: sandbox` again; or name another `ledger:` directory, remove this environment's line from `campaignctl.lock` in a reviewed change, and run `campaignctl ledger init`"
            }
            OpenRefused::AnotherDestination { .. } => {
                "nothing was sent. What the sandbox took reached nobody. Set `endpoint: sandbox` again; or name another `ledger:` directory, and run `campaignctl ledger init`"
            }
            OpenRefused::NoKey { .. } => {
                "nothing was sent. Set it to the key that `campaignctl ledger init --key-env` was run with: under any other, everybody would seem to be new"
            }
            OpenRefused::Moved { .. } => {
                "nothing was sent, and nothing may be from here any more. Name the new place with `ledger:` in `campaignctl.yaml`: a checkout from before the move still names this one"
            }
            OpenRefused::AnotherLineage { .. } => {
                "nothing was sent. Restore the ledger that the lock file names; it knows what was sent"
            }
        };
        Self::from_error(ExitStatus::Ledger, &error).help(help)
    }
}

impl From<BlockError> for Failure {
    fn from(error: BlockError) -> Self {
        OpenRefused::from(error).into()
    }
}

impl From<PinError> for Failure {
    fn from(error: PinError) -> Self {
        let status = match &error {
            PinError::Io { .. } => ExitStatus::Other,
            PinError::Unreadable { .. } | PinError::Version { .. } => ExitStatus::Written,
        };
        let (PinError::Io { path, .. } | PinError::Unreadable { path, .. } | PinError::Version { path, .. }) =
            &error;
        let is_in_conflict = std::fs::read_to_string(path).is_ok_and(|text| text.contains("<<<<<<<"));
        let help = if is_in_conflict {
            "git could not merge it: keep the entries of both sides, one for each environment".to_owned()
        } else {
            format!("take the file as it is in git: `git checkout -- {}`", word(&path.to_string_lossy()))
        };
        Self::from_error(status, &error).help(help)
    }
}

impl From<PlanFileError> for Failure {
    fn from(error: PlanFileError) -> Self {
        let help = match &error {
            PlanFileError::Version { .. } => {
                "nothing was sent. Another version of campaignctl made it: plan again with this one, \
                 `campaignctl plan --out FILE`, and have it reviewed"
            }
            PlanFileError::NotAPlan | PlanFileError::Unreadable(_) | PlanFileError::Changed => {
                "make one with `campaignctl plan --out FILE`, and leave it as it is"
            }
        };
        Self::from_error(ExitStatus::Written, &error).help(help)
    }
}

impl From<ResolveError> for Failure {
    fn from(error: ResolveError) -> Self {
        Self::from_error(ExitStatus::Written, &error).help(error.help())
    }
}
