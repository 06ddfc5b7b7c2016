//! The wiring that most commands share: files → checked → desired → ledger → plan.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::check::{self, Checked};
use crate::cli::Globals;
use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::patterns;
use crate::cli::shell::Shell;
use crate::diagnostic::{self, Code, Diagnostic, Source};
use crate::diff;
use crate::domain::{Endpoint, EnvironmentName, LedgerSalt};
use crate::guard::{self, Policy};
use crate::ledger::Ledger;
use crate::load::{self, Boundary, PROJECT_FILE};
use crate::plan::{self, Plan, Setting};
use crate::render::diagnostic::{Look, for_more, summary, texts};
use crate::resolve::{self, Audience, AudienceContents, Desired, Scope};
use crate::schema;
use crate::state::Store;

/// Where the workspace is when `-C` does not say: here if there is a project file, else in this directory.
const DEFAULT_DIRECTORY: &str = "campaigns";

/// Lets a loopback address count as the sandbox, in builds with debug assertions only.
const LOOPBACK_IS_SANDBOX: &str = "CAMPAIGNCTL_LOOPBACK_IS_SANDBOX";

/// A workspace that was found, before it is read.
pub(super) struct Session<'a> {
    pub(super) shell: &'a Shell,
    pub(super) globals: &'a Globals,
    directory: PathBuf,
    boundary: Arc<Boundary>,
    /// Whether warnings were said before.
    is_repeat: Cell<bool>,
    /// The ledgers' stores that were asked for, by address: one that is far away keeps its connections, and what it knows.
    pub(super) stores: RefCell<BTreeMap<String, Rc<dyn Store>>>,
}

/// A workspace that was read and checked, with everything that is wrong with it.
pub(super) struct Reading {
    pub(super) checked: Checked,
    pub(super) diagnostics: Vec<Diagnostic>,
}

impl<'a> Session<'a> {
    /// Finds the workspace: `-C`, else `campaigns` if it holds a project file, else the current directory.
    pub(super) fn new(shell: &'a Shell, globals: &'a Globals) -> Self {
        let directory = globals.directory.clone().unwrap_or_else(|| {
            let default = Path::new(DEFAULT_DIRECTORY);
            let is_here = !Boundary::new(PathBuf::from("."), Vec::new()).leads_outside(default);
            let is_workspace = is_here && default.join(PROJECT_FILE).exists();
            if is_workspace { default.to_owned() } else { PathBuf::from(".") }
        });
        let boundary = Arc::new(Boundary::new(directory.clone(), shell.audience_roots()));
        Self { shell, globals, directory, boundary, is_repeat: Cell::new(false), stores: RefCell::default() }
    }

    /// Notes that what comes was read before: its warnings were said.
    pub(super) fn repeats(&self) {
        self.is_repeat.set(true);
    }

    /// Returns the workspace's directory.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Returns what files of the workspace may lead to.
    pub(super) fn boundary(&self) -> &Arc<Boundary> {
        &self.boundary
    }

    /// Returns what the paths of files begin with in messages.
    pub(super) fn shown_as(&self) -> String {
        let shown = self.directory.to_string_lossy();
        if shown == "." { String::new() } else { shown.into_owned() }
    }

    /// Reads and checks every file; mistakes are values here.
    pub(super) fn read(&self) -> Reading {
        let (workspace, mut diagnostics) =
            load::workspace_of(&self.boundary, &self.shown_as(), schema::shapes(), check::file);
        let (checked, found) = check::together(workspace);
        diagnostics.extend(found);
        diagnostic::sort(&mut diagnostics);
        Reading { checked, diagnostics }
    }

    /// Reads and checks the project file alone.
    pub(super) fn read_project(&self) -> Reading {
        let (workspace, mut diagnostics) =
            load::project_alone(&self.directory, &self.shown_as(), schema::shapes());
        let (checked, found) = check::together(workspace);
        diagnostics.extend(found);
        diagnostic::sort(&mut diagnostics);
        Reading { checked, diagnostics }
    }

    /// Returns the environment's name: `-e`, else `also` (a saved plan's), else the project's default.
    pub(super) fn environment(
        &self,
        checked: &Checked,
        also: Option<&str>,
    ) -> Result<EnvironmentName, Failure> {
        let named = self.globals.environment.as_deref().or(also);
        if let Some(name) = named {
            return name.parse().map_err(|error| Failure::from_error(ExitStatus::Written, &error));
        }
        let project = checked.project.as_ref();
        project.and_then(|project| project.default_environment.clone()).ok_or_else(|| {
            Failure::new(ExitStatus::Written, "no environment is named")
                .help(format!("name one with `-e`, or set `default_environment` in `{PROJECT_FILE}`"))
        })
    }

    /// Reads everything that should exist; a mistake in any file ends it here, reported.
    pub(super) fn desired(&self, also: Option<&str>) -> Result<Desired, Failure> {
        let Reading { checked, diagnostics } = self.read();
        self.report(&diagnostics)?;
        self.prove_without_keys(&checked)?;
        let environment = self.environment(&checked, also)?;
        let default = checked.project.as_ref().and_then(|project| project.default_environment.as_ref());
        if self.globals.environment.is_none() && default != Some(&environment) {
            self.shell.is_about(environment.as_str());
        }
        let desired = resolve::into_desired(checked, &environment)?;
        self.shell.shows_times_in(desired.time_zone);
        Ok(desired)
    }

    /// Reads everything that should exist, for what goes on without: nothing where a file has a mistake, which is not said.
    pub(super) fn desired_if_sound(&self) -> Option<Desired> {
        let Reading { checked, diagnostics } = self.read();
        if diagnostics.iter().any(Diagnostic::is_error) {
            return None;
        }
        let environment = self.environment(&checked, None).ok()?;
        resolve::into_desired(checked, &environment).ok()
    }

    /// Refuses files that hold an access key of this machine: it would be planned, recorded and sent.
    pub(super) fn prove_without_keys(&self, checked: &Checked) -> Result<(), Failure> {
        let found = |source: &Arc<Source>| {
            Some((source.path().to_owned(), source.line(self.shell.key_in(source.text())?)))
        };
        let Some((path, line)) = checked.sources.iter().find_map(found) else { return Ok(()) };
        let message = format!("line {line} of `{path}` holds a secret of this machine's environment");
        Err(Failure::new(ExitStatus::Written, message)
            .help("nothing was planned or sent. Remove it from the file, and change the access key: it may be in git by now"))
    }

    /// Reads the project file alone, for what asks nothing of campaigns: a mistake in one must not stand between people
    /// and what the ledger knows. A mistake in the project file ends it here, reported.
    pub(super) fn scope(&self) -> Result<Scope, Failure> {
        let Reading { checked, diagnostics } = self.read_project();
        self.report_or(&diagnostics, "nothing was done: this needs a sound project file")?;
        let environment = self.environment(&checked, None)?;
        let scope = resolve::scope(&checked, &environment)?;
        self.shell.shows_times_in(scope.time_zone);
        Ok(scope)
    }

    /// Prints diagnostics for people; errors among them end the command.
    pub(super) fn report(&self, diagnostics: &[Diagnostic]) -> Result<(), Failure> {
        self.report_or(diagnostics, "nothing was planned or sent")
    }

    /// Refuses to choose between two project files where nobody said which: a change that adds one must not decide what is
    /// sent, and under whose rules.
    pub(super) fn prove_one_project(&self) -> Result<(), Failure> {
        let is_chosen = self.globals.directory.is_some() || self.directory != Path::new(DEFAULT_DIRECTORY);
        if is_chosen || Path::new(PROJECT_FILE).symlink_metadata().is_err() {
            return Ok(());
        }
        let message =
            format!("there are two project files: `{PROJECT_FILE}` and `{DEFAULT_DIRECTORY}/{PROJECT_FILE}`");
        Err(Failure::new(ExitStatus::Written, message).help(format!(
            "nothing was sent. Say which with `-C .` or `-C {DEFAULT_DIRECTORY}`; a pipeline should always say"
        )))
    }

    /// Does the same, and says with `help` what an error means for the command.
    fn report_or(&self, diagnostics: &[Diagnostic], help: &str) -> Result<(), Failure> {
        self.prove_one_project()?;
        // What editors lack is `validate`'s to say.
        let diagnostics: Vec<Diagnostic> =
            diagnostics.iter().filter(|diagnostic| diagnostic.code != Code::SchemaLine).cloned().collect();
        let diagnostics = diagnostics.as_slice();
        let has_errors = diagnostics.iter().any(Diagnostic::is_error);
        if diagnostics.is_empty() || (self.is_repeat.get() && !has_errors) {
            return Ok(());
        }
        self.say_diagnostics(diagnostics);
        if has_errors {
            return Err(Failure::new(ExitStatus::Written, summary(diagnostics)).help(help));
        }
        Ok(())
    }

    /// Prints diagnostics for people, and where to read more of them.
    pub(super) fn say_diagnostics(&self, diagnostics: &[Diagnostic]) {
        self.shell.say(&format!("{}\n{}\n\n", texts(diagnostics, self.look()), for_more(diagnostics)));
    }

    /// Returns what the reader of conversation sees.
    pub(super) fn look(&self) -> Look {
        let columns = self.shell.conversation_columns();
        Look { is_coloured: self.shell.is_conversation_coloured(), columns }
    }

    /// Whether the environment's other end is the sandbox of this process, where nothing is real. A loopback address is
    /// none: a tunnel to the vendor has one, too.
    pub(super) fn is_sandbox(&self, scope: &Scope) -> bool {
        match &scope.environment.endpoint {
            Endpoint::Sandbox => true,
            // Tests turn the clock of a sandbox in another process.
            Endpoint::Remote(url) => url.scheme() == "http" && self.is_test(),
        }
    }

    /// Whether this is a test of ours: in builds with debug assertions only.
    fn is_test(&self) -> bool {
        cfg!(debug_assertions) && self.shell.variable(LOOPBACK_IS_SANDBOX).is_some()
    }

    /// Refuses a given time for whatever writes to a ledger of pushes that reach people.
    pub(super) fn prove_time_is_real(&self, scope: &Scope) -> Result<(), Failure> {
        if !self.shell.is_time_given() || scope.environment.endpoint == Endpoint::Sandbox || self.is_test() {
            return Ok(());
        }
        let message = "`--now` is only for `endpoint: sandbox`";
        Err(Failure::new(ExitStatus::Written, message)
            .help("nothing was sent or recorded; leave `--now` and `CAMPAIGNCTL_NOW` out"))
    }

    /// Reads the audiences and plans. A packed ledger's store must still be there: targets are read from it.
    pub(super) fn plan(&self, desired: &Desired, ledger: &Ledger) -> Result<Plan, Failure> {
        let contents = self.contents(desired, ledger.salt())?;
        self.plan_of(desired, contents, ledger)
    }

    /// Does the same, for what goes on without: nothing where an audience has a mistake, which is not said.
    pub(super) fn plan_unsaid(&self, desired: &Desired, ledger: &Ledger) -> Result<Option<Plan>, Failure> {
        let mut contents = BTreeMap::new();
        let found = read_audiences(&desired.audiences, ledger.salt(), |name, read| {
            contents.insert(name.to_owned(), read);
        });
        if found.iter().any(Diagnostic::is_error) {
            return Ok(None);
        }
        self.plan_of(desired, contents, ledger).map(Some)
    }

    fn plan_of(
        &self,
        desired: &Desired,
        contents: BTreeMap<String, AudienceContents>,
        ledger: &Ledger,
    ) -> Result<Plan, Failure> {
        let now = self.shell.now();
        let files: Vec<_> = contents.values().filter_map(|contents| contents.file.clone()).collect();
        let reviewed = self.reviewed(desired, &contents)?;
        let changes = diff::changes(desired, contents, ledger, now)?;
        let policy = Policy::of(&desired.environment, reviewed.as_ref().map(|on_review| on_review.policy()));
        let changes = guard::hold(changes, ledger, &policy, now);
        let sources = desired.sources.iter();
        let mut inputs: Vec<(String, [u8; 32])> = sources
            .map(|source| (source.path().to_owned(), Sha256::digest(source.text().as_bytes()).into()))
            .collect();
        inputs.extend(files);
        let setting = Setting {
            project: &desired.project,
            time_zone: desired.time_zone,
            environment: &desired.environment,
            directory: &self.shown_as(),
            only: &desired.selection.only,
            except: &desired.selection.except,
            left_out: &patterns::unsaid(desired, ledger)?,
            inputs: &inputs,
        };
        Ok(plan::build(changes, ledger, setting, now))
    }

    /// Reads every audience in use; a mistake in any of them ends it here, reported.
    fn contents(
        &self,
        desired: &Desired,
        salt: &LedgerSalt,
    ) -> Result<BTreeMap<String, AudienceContents>, Failure> {
        let mut contents = BTreeMap::new();
        let diagnostics = read_audiences(&desired.audiences, salt, |name, read| {
            contents.insert(name.to_owned(), read);
        });
        self.report(&diagnostics)?;
        Ok(contents)
    }
}

/// Reads every audience in use, once, and hands each to `take` with its name, in the order of names. Returns what is wrong
/// with them.
pub(super) fn read_audiences(
    audiences: &BTreeMap<String, Arc<Audience>>,
    salt: &LedgerSalt,
    mut take: impl FnMut(&str, AudienceContents),
) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    for (name, audience) in audiences {
        let (read, found) = audience.read(salt);
        diagnostics.extend(found);
        take(name, read);
    }
    diagnostic::sort(&mut diagnostics);
    diagnostics
}
