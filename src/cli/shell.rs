//! The process's edge: the only clock, standard streams, terminal and environment variables.

use std::cell::{Cell, OnceCell};
use std::ffi::OsString;
use std::io::{ErrorKind, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use rustix::process::{Signal, getpid, kill_process};
use rustix::time::{ClockId, clock_gettime};
use tokio::sync::oneshot;

use crate::apply::Clock;
use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::domain::{Credentials, LedgerPlace, Redactor, Secret, odd_character};
use crate::render::caller::Caller;
use crate::render::escape;
use crate::render::text::wrapped;
use crate::sandbox;
use crate::state::{Moment, MomentClock, Origin, Terms, Variables};

/// The names of a key's id, a key's secret and a token, in the order of preference: the vendor's samples
/// use the first pair, its SDKs read the second.
const KEY_VARIABLES: [(&str, &str); 2] =
    [("MPAAS_AK_ENV", "MPAAS_SK_ENV"), ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET")];
/// Where the machine, and never a file, allows audience files besides the workspace; separated as in `PATH`.
const AUDIENCE_ROOTS_VARIABLE: &str = "CAMPAIGNCTL_AUDIENCE_ROOTS";
const TOKEN_VARIABLE: &str = "ALIBABA_CLOUD_SECURITY_TOKEN";

/// What a command may do to the world around it.
pub(in crate::cli) struct Shell {
    clock: Clock,
    given_time: Cell<Option<DateTime<Utc>>>,
    caller: Caller,
    /// Once a file has named the environment that no option did.
    completed: OnceCell<Caller>,
    zone: OnceCell<Tz>,
    /// Takes the environment's secrets out of whatever is printed or written.
    redactor: Redactor,
    /// Knows the secrets that sign requests.
    keys: Redactor,
}

#[expect(clippy::unused_self, reason = "whatever a command does to the world goes through its shell")]
impl Shell {
    /// Takes the system's clock, or one that starts at `now`.
    #[must_use]
    pub(in crate::cli) fn new(now: Option<DateTime<Utc>>, caller: Caller) -> Self {
        let clock: Clock = match now {
            Some(start) => {
                let since = Instant::now();
                Arc::new(move || start + since.elapsed())
            }
            None => Arc::new(system_time),
        };
        let redactor = Redactor::new(secrets(is_secret));
        let keys = Redactor::new(secrets(is_key));
        Self {
            clock,
            given_time: Cell::new(now),
            caller,
            completed: OnceCell::new(),
            zone: OnceCell::new(),
            redactor,
            keys,
        }
    }

    /// Returns what a printed command repeats.
    #[must_use]
    pub(in crate::cli) fn caller(&self) -> &Caller {
        self.completed.get().unwrap_or(&self.caller)
    }

    /// Takes the zone that times are shown in: the project's.
    pub(in crate::cli) fn shows_times_in(&self, zone: Tz) {
        self.zone.get_or_init(|| zone);
    }

    /// Returns the zone that times are shown in; UTC as long as no project file says another.
    #[must_use]
    pub(in crate::cli) fn zone(&self) -> Tz {
        self.zone.get().copied().unwrap_or(Tz::UTC)
    }

    /// Says what environment the command is about, where that is not the one that it is about without `-e`.
    pub(in crate::cli) fn is_about(&self, environment: &str) {
        self.completed.get_or_init(|| self.caller.with_environment(environment));
    }

    /// Returns the time; a given one stands still here, so that the same command gives the same answer.
    #[must_use]
    pub(in crate::cli) fn now(&self) -> DateTime<Utc> {
        self.given_time.get().unwrap_or_else(|| (self.clock)())
    }

    /// Lets a given time go on to what the clock says, after a wait.
    pub(in crate::cli) fn move_on(&self) {
        if self.is_time_given() {
            self.given_time.set(Some((self.clock)()));
        }
    }

    /// Returns the clock, for rooms that ask more than once; a given time goes on from there.
    #[must_use]
    pub(in crate::cli) fn clock(&self) -> Clock {
        Arc::clone(&self.clock)
    }

    /// Whether the time is a person's and not the system's.
    #[must_use]
    pub(in crate::cli) fn is_time_given(&self) -> bool {
        self.given_time.get().is_some()
    }

    /// Writes an answer to standard output, without colours where nobody would see them. A reader that has
    /// gone away, as in `| head`, is no error.
    ///
    /// # Errors
    ///
    /// Returns a failure when the output cannot be written for another reason, such as a full disk.
    pub(in crate::cli) fn answer(&self, text: &str) -> Result<(), Failure> {
        self.answer_bytes(&self.redactor.redact(&escape::printed(text)))
    }

    /// Does the same with lines that are commands for GitHub's runner, and shall be.
    ///
    /// # Errors
    ///
    /// As [`Shell::answer`].
    pub(in crate::cli) fn answer_commands(&self, text: &str) -> Result<(), Failure> {
        self.answer_bytes(&self.redactor.redact(&escape::commands(text)))
    }

    /// Does the same with a document for a program, in which whoever drew it wrote out all that has to be.
    pub(in crate::cli) fn answer_document(&self, text: &str) -> Result<(), Failure> {
        self.answer_bytes(&self.redactor.redact(text))
    }

    /// Writes an answer as it is, byte for byte: a file that a program takes, in which nothing may be replaced.
    ///
    /// # Errors
    ///
    /// As [`Shell::answer`].
    pub(in crate::cli) fn answer_bytes(&self, text: &str) -> Result<(), Failure> {
        let mut stdout = anstream::stdout().lock();
        ignore_closed_pipe(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()))
            .map_err(|error| Failure::from_error(ExitStatus::Other, &error))
    }

    /// Writes sentences to standard output, no line wider than the terminal.
    ///
    /// # Errors
    ///
    /// As [`Shell::answer`].
    pub(in crate::cli) fn answer_in_words(&self, text: &str) -> Result<(), Failure> {
        self.answer(&wrapped(text, self.width()))
    }

    /// Writes conversation to standard error, no line wider than the terminal. Nothing can be done if even that fails.
    pub(in crate::cli) fn say(&self, text: &str) {
        (self.speaker())(&wrapped(text, self.conversation_columns()));
    }

    /// Returns what [`Shell::say`] does, for tasks that outlive a borrow of the shell.
    pub(in crate::cli) fn speaker(&self) -> impl Fn(&str) + Send + Sync + 'static {
        let redactor = self.redactor.clone();
        move |text| {
            let mut stderr = anstream::stderr().lock();
            let text = escape::printed(text);
            drop(stderr.write_all(redactor.redact(&text).as_bytes()).and_then(|()| stderr.flush()));
        }
    }

    /// Returns the columns of the terminal that answers go to; elsewhere what `COLUMNS` says, if anything.
    #[must_use]
    pub(in crate::cli) fn width(&self) -> Option<usize> {
        let terminal = std::io::stdout().is_terminal();
        let size = terminal.then(|| terminal_size::terminal_size_of(std::io::stdout())).flatten();
        let columns = || self.variable("COLUMNS")?.parse().ok();
        size.map(|(width, _)| usize::from(width.0)).or_else(columns)
    }

    /// Returns the columns of the terminal that conversation goes to; elsewhere what `COLUMNS` says, if anything.
    #[must_use]
    pub(in crate::cli) fn conversation_columns(&self) -> Option<usize> {
        let size = terminal_size::terminal_size_of(std::io::stderr());
        let columns = || self.variable("COLUMNS")?.parse().ok();
        size.map(|(width, _)| usize::from(width.0)).or_else(columns)
    }

    /// Whether conversation is coloured.
    #[must_use]
    pub(in crate::cli) fn is_conversation_coloured(&self) -> bool {
        anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never
    }

    /// Whether a person sits at the terminal: questions can be asked, and progress may redraw itself.
    #[must_use]
    pub(in crate::cli) fn is_interactive(&self) -> bool {
        std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
    }

    /// Whether progress may redraw itself.
    #[must_use]
    pub(in crate::cli) fn is_conversation_terminal(&self) -> bool {
        std::io::stderr().is_terminal()
    }

    /// Asks a question, and returns what was typed, without the line break.
    ///
    /// # Errors
    ///
    /// Returns a failure when standard input cannot be read.
    pub(in crate::cli) fn ask(&self, question: &str) -> Result<String, Failure> {
        let answer = self.begin_to_ask(question).blocking_recv().unwrap_or(Ok(None));
        let line = answer.map_err(|error| Failure::from_error(ExitStatus::Other, &error))?;
        Ok(line.unwrap_or_default())
    }

    /// Asks a question, and returns where the line will come that is typed after it, without its line break; nothing at the
    /// end of the input. What was typed before the question is no answer to it.
    pub(in crate::cli) fn begin_to_ask(
        &self,
        question: &str,
    ) -> oneshot::Receiver<std::io::Result<Option<String>>> {
        // An error says that it is no terminal: then nothing was typed ahead.
        let _ = rustix::termios::tcflush(std::io::stdin(), rustix::termios::QueueSelector::IFlush);
        self.say(question);
        let (answered, answer) = oneshot::channel();
        // A thread of its own, which ends with the process where no line comes.
        std::thread::spawn(move || {
            let mut line = String::new();
            let read = std::io::stdin().read_line(&mut line);
            // Nobody waits any more after an interrupt.
            drop(answered.send(read.map(|bytes| (bytes > 0).then(|| line.trim().to_owned()))));
        });
        answer
    }

    /// Returns an environment variable that is set and not empty.
    #[must_use]
    pub(in crate::cli) fn variable(&self, name: &str) -> Option<String> {
        self.raw_variable(name)?.into_string().ok()
    }

    /// Does the same for a value that may be no text.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub(in crate::cli) fn raw_variable(&self, name: &str) -> Option<OsString> {
        std::env::var_os(name).filter(|value| !value.is_empty())
    }

    /// Returns the key under which a ledger hashes targets.
    #[must_use]
    pub(in crate::cli) fn ledger_key(&self, variable: &str) -> Option<Secret> {
        self.variable(variable).map(Secret::new)
    }

    /// Returns what reads the variables that open a store.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub(in crate::cli) fn variables(&self) -> Variables {
        Arc::new(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    }

    /// Returns the directories outside of the workspace that this machine allows for audience files. A relative one would
    /// depend on where the command is run, and is left out.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub(in crate::cli) fn audience_roots(&self) -> Vec<PathBuf> {
        let named = std::env::var_os(AUDIENCE_ROOTS_VARIABLE).unwrap_or_default();
        std::env::split_paths(&named).filter(|root| root.is_absolute()).collect()
    }

    /// Returns `user@host`, as far as the system tells.
    #[must_use]
    pub(in crate::cli) fn actor(&self) -> String {
        let mut user = ["GITHUB_ACTOR", "GITLAB_USER_LOGIN", "USER", "LOGNAME"].into_iter();
        let user = user.find_map(|name| self.variable(name)).unwrap_or_else(|| "someone".to_owned());
        self.redactor.redact(&format!("{user}@{}", self.host())).into_owned()
    }

    /// Returns the host's name, as far as the system tells.
    #[must_use]
    pub(in crate::cli) fn host(&self) -> String {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
        let host = host.or_else(|| self.variable("HOSTNAME")).unwrap_or_else(|| "somewhere".to_owned());
        host.trim().to_owned()
    }

    /// Returns which host and which process this is, as far as the system tells. Tests may play another host.
    #[must_use]
    pub(in crate::cli) fn origin(&self) -> Option<Origin> {
        let origin = Origin::of_this_process()?;
        Some(match self.variable_of_tests("CAMPAIGNCTL_HOST") {
            Some(host) => Origin { boot: host.clone(), machine: Some(host), ..origin },
            None => origin,
        })
    }

    /// Returns the host's name with what no namesake has.
    #[must_use]
    pub(in crate::cli) fn host_identity(&self) -> String {
        let boot = self.origin().map(|origin| format!(" {}", origin.boot)).unwrap_or_default();
        format!("{}{boot}", self.host())
    }

    /// Returns how long a writer of the ledger at `place` is taken to be there after its last sign.
    #[must_use]
    pub(in crate::cli) fn lease_terms(&self, place: &LedgerPlace) -> Terms {
        let lease = self.variable_of_tests("CAMPAIGNCTL_LEASE");
        let lease = lease.and_then(|lease| humantime::parse_duration(&lease).ok());
        lease.map_or_else(|| Terms::at(place), Terms::of)
    }

    /// Returns the clocks by which a lease is counted, however the time was given.
    #[must_use]
    pub(in crate::cli) fn moments(&self) -> MomentClock {
        Arc::new(moment)
    }

    /// Ends the process as a kill does, where a test asks for it at this point.
    pub(in crate::cli) fn pass(&self, point: &str) {
        if self.variable_of_tests("CAMPAIGNCTL_CRASH_AT_MOVE").as_deref() == Some(point) {
            kill_process(getpid(), Signal::KILL).ok();
        }
    }

    /// Returns a variable that only builds with debug assertions know.
    fn variable_of_tests(&self, name: &str) -> Option<String> {
        cfg!(debug_assertions).then(|| self.variable(name)).flatten()
    }

    /// Returns where this machine keeps what should survive a run; nothing without a home.
    #[must_use]
    pub(in crate::cli) fn state_directory(&self) -> Option<PathBuf> {
        let of_home = || Some(PathBuf::from(self.variable("HOME")?).join(".local/state"));
        let base = self.variable("XDG_STATE_HOME").map(PathBuf::from).or_else(of_home)?;
        base.is_absolute().then(|| base.join("campaignctl/ledgers"))
    }

    /// Returns the URL of the CI job that this is, as the runners of the well-known services tell it.
    #[must_use]
    pub(in crate::cli) fn ci_run(&self) -> Option<String> {
        let github = || {
            let [server, repository, run] =
                ["GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID"].map(|name| self.variable(name));
            Some(format!("{}/{}/actions/runs/{}", server?, repository?, run?))
        };
        // GitLab, Jenkins, Buildkite, CircleCI.
        let others = ["CI_JOB_URL", "BUILD_URL", "BUILDKITE_BUILD_URL", "CIRCLE_BUILD_URL"];
        let run = github().or_else(|| others.into_iter().find_map(|name| self.variable(name)))?;
        Some(self.redactor.redact(&run).into_owned())
    }

    /// Returns a text without the environment's secrets, for whoever else it is shown to.
    #[must_use]
    pub(in crate::cli) fn redacted(&self, text: &str) -> String {
        self.redactor.redact(text).into_owned()
    }

    /// Returns the place of a secret that signs requests in a text, in bytes, if one is in it.
    #[must_use]
    pub(in crate::cli) fn key_in(&self, text: &str) -> Option<usize> {
        self.keys.find(text)
    }

    /// Returns the access key from the environment.
    ///
    /// # Errors
    ///
    /// Returns a failure with exit code 4 when there is none, or only half of one.
    pub(in crate::cli) fn credentials(&self) -> Result<Credentials, Failure> {
        for (id_name, secret_name) in KEY_VARIABLES {
            match (self.key_part(id_name)?, self.key_part(secret_name)?) {
                (Some(id), Some(secret)) => {
                    // The token belongs to the SDKs' pair: with the other pair it would be someone else's.
                    let is_sdk_pair = id_name == KEY_VARIABLES[1].0;
                    let token = if is_sdk_pair { self.key_part(TOKEN_VARIABLE)? } else { None };
                    return Ok(Credentials {
                        access_key_id: Secret::new(id),
                        access_key_secret: Secret::new(secret),
                        security_token: token.map(Secret::new),
                    });
                }
                (None, None) => {}
                (Some(_), None) => return Err(half_a_key(id_name, secret_name)),
                (None, Some(_)) => return Err(half_a_key(secret_name, id_name)),
            }
        }
        let [(id, secret), (sdk_id, sdk_secret)] = KEY_VARIABLES;
        Err(Failure::new(ExitStatus::Credentials, "there is no access key in the environment").help(format!(
            "nothing was sent. Set `{id}` and `{secret}`, or `{sdk_id}` and `{sdk_secret}`; the key needs the RAM \
             policy `AliyunMPAASFullAccess`"
        )))
    }
}

impl Shell {
    /// Returns a part of the access key. One with a character that no key has would only be refused by the vendor.
    fn key_part(&self, name: &str) -> Result<Option<String>, Failure> {
        let Some(value) = self.raw_variable(name) else { return Ok(None) };
        match value.into_string() {
            Ok(text) => match odd_character(&text) {
                None => Ok(Some(text)),
                Some(odd) => Err(unusable_key(&format!("`{name}` {odd}"))),
            },
            Err(_) => Err(unusable_key(&format!("`{name}` is not UTF-8"))),
        }
    }
}

fn unusable_key(message: &str) -> Failure {
    Failure::new(ExitStatus::Credentials, message)
        .help("nothing was sent. Set it again: keys have visible ASCII characters only")
}

/// Returns the values of the environment's variables that are secrets by their names, and the passwords in addresses.
fn secrets(is_secret: fn(&str) -> bool) -> Vec<String> {
    let variables =
        std::env::vars_os().filter_map(|(name, value)| name.into_string().ok().zip(value.into_string().ok()));
    let mut secrets = Vec::new();
    for (name, value) in variables {
        // Everybody knows the sandbox's, and it is printed for people to use it.
        if is_secret(&name) && value != sandbox::ACCESS_KEY_SECRET {
            secrets.push(value);
        } else if let Ok(address) = url::Url::parse(&value)
            && let Some(password) = address.password()
        {
            secrets.push(percent_encoding::percent_decode_str(password).decode_utf8_lossy().into_owned());
            secrets.push(password.to_owned());
        }
    }
    secrets
}

/// Whether a variable holds what signs requests.
fn is_key(name: &str) -> bool {
    KEY_VARIABLES.iter().any(|(_, secret)| *secret == name) || name == TOKEN_VARIABLE
}

/// Whether a variable is named as secrets are: the vendor's, and those that CI services hand to jobs.
fn is_secret(name: &str) -> bool {
    let name = name.to_uppercase();
    let words = ["SECRET", "TOKEN", "PASSWORD", "PASSWD", "PRIVATE_KEY", "API_KEY", "APIKEY", "CREDENTIAL"];
    is_key(&name) || words.iter().any(|word| name.contains(word))
}

fn half_a_key(set: &str, missing: &str) -> Failure {
    Failure::new(ExitStatus::Credentials, format!("`{set}` is set, but `{missing}` is not"))
        .help("nothing was sent. Set both")
}

#[expect(clippy::disallowed_methods, reason = "the one clock")]
fn system_time() -> DateTime<Utc> {
    Utc::now()
}

#[expect(clippy::disallowed_methods, reason = "the one clock")]
fn moment() -> Moment {
    #[cfg(target_os = "linux")]
    const SLEEPLESS: ClockId = ClockId::Boottime;
    // Where there is no such clock by name, this one goes on while the machine sleeps, or nothing does.
    #[cfg(not(target_os = "linux"))]
    const SLEEPLESS: ClockId = ClockId::Monotonic;
    let time = clock_gettime(SLEEPLESS);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    let boot =
        Duration::from_secs(seconds) + Duration::from_nanos(u64::try_from(time.tv_nsec).unwrap_or_default());
    let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Moment { boot, wall }
}

fn ignore_closed_pipe(result: std::io::Result<()>) -> std::io::Result<()> {
    match result {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::odd_character;

    #[test]
    fn what_no_key_has_is_named_with_its_place() {
        let odd = |text| odd_character(text).unwrap_or_default();
        assert_eq!(odd("LTAI5t+/=secret"), "");
        assert_eq!(odd("key\n"), "ends with a line feed");
        assert_eq!(odd("key\r\n"), "ends with a carriage return");
        assert_eq!(odd(" key "), "begins with a space");
        assert_eq!(odd("k\tey "), "contains a tab");
        assert_eq!(odd("key\u{a0}"), "ends with a character that is not ASCII");
        assert_eq!(odd("\n"), "begins with a line feed");
    }
}
