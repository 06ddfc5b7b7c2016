//! The review lock of an environment and the signatures beside it: where they lie, and how they are read and written.
//!
//! `review/ENVIRONMENT.lock` and `review/approvals/` lie beside the project file. A change that somebody proposes may put anything
//! there, so nothing is followed out of the workspace, and the keys that count are the machine's.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{fs, io};

use crate::cli::Result;
use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::domain::{ApprovalRule, CampaignId, EnvironmentName, is_signer_name};
use crate::guard::Reviewed;
use crate::load::OpenError;
use crate::resolve::{AudienceContents, Desired, Scope};
use crate::review::{self, Approvals, Line, Lock, Signature, signed_text};

/// Beside the project file.
const DIRECTORY: &str = "review";
const SIGNATURES: &str = "approvals";
/// What signatures are made for: a signature of anything else is none of ours.
const NAMESPACE: &str = "campaignctl";
/// Names the machine's file of allowed signers, in the format of `ssh-keygen`.
pub(super) const ALLOWED_SIGNERS: &str = "CAMPAIGNCTL_ALLOWED_SIGNERS";

/// A line has some 250 bytes.
const LOCK_BYTES_MAX: u64 = 64 << 20;
const SIGNATURE_BYTES_MAX: u64 = 16 << 10;
/// As many as Linux follows.
const LINKS_MAX: u32 = 40;
const NO_PROGRAM: &str = "there is no `ssh-keygen` on this machine";

/// What an environment that requires reviews has of them.
pub(super) struct OnReview {
    lock: Lock,
    current: BTreeMap<CampaignId, Line>,
    approvals: Approvals,
    rules: Vec<ApprovalRule>,
}

impl OnReview {
    /// Returns what a guard goes by.
    pub(super) fn policy(&self) -> Reviewed<'_> {
        Reviewed { lock: &self.lock, current: &self.current, approvals: &self.approvals, rules: &self.rules }
    }
}

impl Session<'_> {
    /// Reads what was approved, where the environment asks for that.
    pub(super) fn reviewed(
        &self,
        desired: &Desired,
        contents: &BTreeMap<String, AudienceContents>,
    ) -> Result<Option<OnReview>> {
        let policy = &desired.environment.review;
        if !policy.is_required {
            return Ok(None);
        }
        let lock = self.review_lock(&desired.environment.name)?.unwrap_or_default();
        let current = review::lines(desired, contents);
        let approvals = self.approvals(desired, &lock, &current)?;
        Ok(Some(OnReview { lock, current, approvals, rules: policy.approvals.clone() }))
    }

    /// Returns the path of an environment's lock, and as messages show it.
    pub(super) fn review_path(&self, environment: &EnvironmentName) -> (PathBuf, String) {
        let path = Path::new(DIRECTORY).join(format!("{environment}.lock"));
        let shown = Path::new(&self.shown_as()).join(&path).display().to_string();
        (self.directory().join(path), shown)
    }

    /// Reads an environment's lock; nothing if there is none.
    pub(super) fn review_lock(&self, environment: &EnvironmentName) -> Result<Option<Lock>> {
        let (path, shown) = self.review_path(environment);
        let refuse = |why: String| Failure::new(ExitStatus::Written, format!("`{shown}`: {why}"));
        let text = match self.read_beside(&path, LOCK_BYTES_MAX) {
            Ok(Some(bytes)) => {
                String::from_utf8(bytes).map_err(|_| refuse("it is not UTF-8 text".to_owned()))?
            }
            Ok(None) => return Ok(None),
            Err(why) => return Err(refuse(why).help("nothing was sent")),
        };
        let parsed = Lock::parse(&text).map(Some);
        parsed.map_err(|error| {
            let help = "nothing was sent. Take one side's lock, run `campaignctl review`, and have the change approved";
            refuse(error.to_string()).help(help)
        })
    }

    /// Reads a file of the workspace, which may not be there.
    fn read_beside(&self, path: &Path, bytes_max: u64) -> std::result::Result<Option<Vec<u8>>, String> {
        let file = match self.boundary().open_yaml(path) {
            Ok((file, _)) => file,
            Err(OpenError::Outside) => return Err("it leads to a file outside the workspace".to_owned()),
            Err(OpenError::NotAFile { .. }) => return Err("it is no file".to_owned()),
            Err(OpenError::Unreadable(error)) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(OpenError::Unreadable(error)) => return Err(format!("it could not be read: {error}")),
        };
        let mut bytes = Vec::new();
        let read = file.take(bytes_max + 1).read_to_end(&mut bytes);
        read.map_err(|error| format!("it could not be read: {error}"))?;
        if bytes.len() as u64 > bytes_max {
            return Err(format!("it has more than {bytes_max} bytes"));
        }
        Ok(Some(bytes))
    }

    /// Writes a file into the review's directory, whole or not at all.
    pub(super) fn write_review(&self, path: &Path, text: &str) -> Result<()> {
        let failed = |error: io::Error| {
            Failure::new(ExitStatus::Other, format!("could not write `{}`: {error}", path.display()))
                .help("nothing was written")
        };
        let directory = path.parent().expect("it is in a directory of ours");
        if self.boundary().leads_outside(directory) {
            let message = format!("`{}` leads out of the workspace", directory.display());
            return Err(Failure::new(ExitStatus::Written, message).help("nothing was written"));
        }
        fs::create_dir_all(directory).map_err(failed)?;
        // As git makes files: the umask takes away what it takes away.
        let mode = fs::Permissions::from_mode(0o644);
        let written =
            tempfile::Builder::new().permissions(mode).tempfile_in(directory).and_then(|mut file| {
                file.write_all(text.as_bytes())?;
                file.persist(path).map(drop).map_err(|error| error.error)
            });
        written.map_err(failed)
    }

    /// Proves the signatures of all lines that a rule asks for.
    fn approvals(
        &self,
        desired: &Desired,
        lock: &Lock,
        current: &BTreeMap<CampaignId, Line>,
    ) -> Result<Approvals> {
        let mut approvals = Approvals::default();
        let rules = &desired.environment.review.approvals;
        if rules.is_empty() {
            return Ok(approvals);
        }
        let lines = current.values().filter_map(|line| lock.line(&line.campaign, line.revision));
        let asked_for =
            lines.filter(|line| rules.iter().any(|rule| rule.of_pushes.covers(line.people.most())));
        let names: BTreeSet<&str> = rules.iter().flat_map(|rule| &rule.of).map(String::as_str).collect();
        let (signers, program) = (self.allowed_signers()?, self.ssh_keygen());
        let files = self.signature_files()?;
        for line in asked_for {
            let of = (line.campaign.clone(), line.revision);
            let mut refuse = |why| approvals.unproven.entry(of.clone()).or_default().push(why);
            let Some(signers) = &signers else {
                refuse(format!("signatures cannot be proven here, as `{ALLOWED_SIGNERS}` names no file"));
                continue;
            };
            let text = signed_text(&desired.project, &desired.environment.name, line);
            let Some(program) = &program else {
                refuse(NO_PROGRAM.to_owned());
                continue;
            };
            let prefix = format!("{}@{}.", line.campaign, line.revision);
            for file in files.range(prefix.clone()..).take_while(|file| file.starts_with(&prefix)) {
                match self.signature((program, signers), file, &file[prefix.len()..], &text, &names) {
                    Ok(signature) => approvals.signatures.entry(of.clone()).or_default().push(signature),
                    Err(why) => refuse(format!("`{file}` does not count: {why}")),
                }
            }
        }
        Ok(approvals)
    }

    /// Proves a signature, whose file's name ends with `WHO.sig`.
    fn signature(
        &self,
        signers: (&Path, &Path),
        file: &str,
        ending: &str,
        text: &str,
        names: &BTreeSet<&str>,
    ) -> std::result::Result<Signature, String> {
        let who = ending.strip_suffix(".sig").filter(|who| is_signer_name(who));
        let who = who.ok_or("its name is not `NAME@REVISION.WHO.sig`")?;
        let path = self.directory().join(DIRECTORY).join(SIGNATURES).join(file);
        let bytes = self.read_beside(&path, SIGNATURE_BYTES_MAX)?.ok_or("it is not there")?;
        let key = verify(signers, who, &bytes, text)?;
        let also = names.iter().filter(|name| **name != who);
        let also = also.filter(|name| verify(signers, name, &bytes, text).is_ok_and(|other| other == key));
        let names = also.map(|name| (*name).to_owned()).chain([who.to_owned()]).collect();
        Ok(Signature { who: who.to_owned(), key, names })
    }

    /// Returns the machine's file of allowed signers. One that a change could carry is refused.
    fn allowed_signers(&self) -> Result<Option<PathBuf>> {
        let Some(named) = self.shell.raw_variable(ALLOWED_SIGNERS).filter(|named| !named.is_empty()) else {
            return Ok(None);
        };
        let failed = |error: io::Error| {
            let message = format!("could not read the file that `{ALLOWED_SIGNERS}` names");
            Failure::of_system(&message, &error)
        };
        let repository = self.repository().map_err(failed)?;
        let named = std::path::absolute(named).map_err(failed)?;
        let path = fs::canonicalize(&named).map_err(failed)?;
        if leads_through(&named, &repository).map_err(failed)? || path.starts_with(&repository) {
            let message =
                format!("`{ALLOWED_SIGNERS}` names a file of the repository, which any change may edit");
            return Err(Failure::new(ExitStatus::Written, message)
                .help("nothing was sent. Keep it on the machine, outside of what is checked out"));
        }
        Ok(Some(path))
    }

    /// Returns what a change may edit: the repository around the workspace, and around that the one whose worktree it is.
    /// Where nothing tells, the directory above the workspace.
    fn repository(&self) -> io::Result<PathBuf> {
        let workspace = fs::canonicalize(self.directory())?;
        let is_root = |directory: &&Path| directory.join(".git").symlink_metadata().is_ok();
        let whole = workspace.ancestors().filter(is_root).find(|root| root.join(".git").is_dir());
        let root = whole.or_else(|| workspace.ancestors().filter(is_root).last());
        Ok(root.or_else(|| workspace.parent()).unwrap_or(&workspace).to_owned())
    }

    /// Finds `ssh-keygen` where the machine has it: nothing of the repository is run, whatever `PATH` says.
    fn ssh_keygen(&self) -> Option<PathBuf> {
        let repository = self.repository().ok()?;
        let path = self.shell.raw_variable("PATH").unwrap_or_else(|| "/usr/bin:/bin".into());
        std::env::split_paths(&path)
            .filter(|directory| directory.is_absolute())
            .filter_map(|directory| fs::canonicalize(directory.join("ssh-keygen")).ok())
            .find(|program| !program.starts_with(&repository))
    }

    /// Lists the names of signatures' files.
    fn signature_files(&self) -> Result<BTreeSet<String>> {
        let directory = self.directory().join(DIRECTORY).join(SIGNATURES);
        if self.boundary().leads_outside(&directory) {
            let message = format!("`{}` leads out of the workspace", directory.display());
            return Err(Failure::new(ExitStatus::Written, message).help("nothing was sent"));
        }
        match fs::read_dir(&directory) {
            Ok(entries) => {
                Ok(entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect())
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(BTreeSet::new()),
            Err(error) => {
                Err(Failure::of_system(&format!("could not list `{}`", directory.display()), &error))
            }
        }
    }

    /// Signs a line as somebody, and returns the path of the signature's file.
    pub(super) fn sign(&self, scope: &Scope, line: &Line, who: &str, key: &Path) -> Result<PathBuf> {
        let text = signed_text(&scope.project, &scope.environment.name, line);
        let program = self.ssh_keygen().ok_or_else(|| {
            Failure::new(ExitStatus::Other, NO_PROGRAM).help("nothing was signed. Install OpenSSH's client")
        })?;
        let mut command = Command::new(program);
        command.args(["-q", "-Y", "sign", "-n", NAMESPACE, "-f"]).arg(key).stderr(Stdio::inherit());
        let signed = run(&mut command, &text).map_err(|why| {
            let (Failed::Ended(why) | Failed::NotRun(why)) = why;
            Failure::new(ExitStatus::Credentials, format!("`ssh-keygen` did not sign: {why}")).help(
                "nothing was written. Name your key with `--key`: a private key, or the public one of a key that your agent has",
            )
        })?;
        let name = format!("{}@{}.{who}.sig", line.campaign, line.revision);
        let path = self.directory().join(DIRECTORY).join(SIGNATURES).join(name);
        self.write_review(&path, &signed)?;
        Ok(path)
    }
}

/// Whether a path, or a link on its way, stands in a directory.
fn leads_through(path: &Path, directory: &Path) -> io::Result<bool> {
    let (mut path, mut links_left) = (path.to_owned(), LINKS_MAX);
    loop {
        for step in path.ancestors() {
            let (Some(parent), Some(name)) = (step.parent(), step.file_name()) else { continue };
            if fs::canonicalize(parent)?.join(name).starts_with(directory) {
                return Ok(true);
            }
        }
        let (Ok(target), true) = (fs::read_link(&path), links_left > 0) else { return Ok(false) };
        path = path.parent().unwrap_or(Path::new("/")).join(target);
        links_left -= 1;
    }
}

/// Proves a signature of a text, and returns the fingerprint of its key.
fn verify(
    (program, signers): (&Path, &Path),
    who: &str,
    signature: &[u8],
    text: &str,
) -> std::result::Result<String, String> {
    // From memory into a file of our own: what lies in the workspace may be swapped meanwhile.
    let mut file = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
    file.write_all(signature).map_err(|error| error.to_string())?;
    let mut command = Command::new(program);
    command.args(["-Y", "verify", "-n", NAMESPACE, "-I", who, "-f"]).arg(signers).arg("-s").arg(file.path());
    command.stderr(Stdio::null());
    let said = run(&mut command, text).map_err(|why| match why {
        Failed::Ended(_) => {
            format!("it is of another line, or its key is not one that `{who}` signs with here")
        }
        Failed::NotRun(why) => why,
    })?;
    // `Good "campaignctl" signature for WHO with ED25519 key SHA256:…`
    let key = said.lines().find_map(|line| Some(line.rsplit_once(" key ")?.1.trim().to_owned()));
    key.filter(|key| key.starts_with("SHA256:")).ok_or_else(|| "`ssh-keygen` names no key".to_owned())
}

/// Why a program gave no answer.
enum Failed {
    /// It ran, and says no.
    Ended(String),
    NotRun(String),
}

/// Runs a program that reads a text, and returns what it says.
fn run(command: &mut Command, text: &str) -> std::result::Result<String, Failed> {
    let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).env("LC_ALL", "C").spawn();
    let not_run = |error: io::Error| Failed::NotRun(format!("`ssh-keygen` could not be run: {error}"));
    let mut child = started.map_err(not_run)?;
    let mut input = child.stdin.take().expect("it is piped");
    // Who ends early has said why.
    drop(input.write_all(text.as_bytes()));
    drop(input);
    let output = child.wait_with_output().map_err(not_run)?;
    if !output.status.success() {
        return Err(Failed::Ended(output.status.to_string()));
    }
    String::from_utf8(output.stdout).map_err(|_| Failed::Ended("it does not answer in text".to_owned()))
}
