use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use uuid::Uuid;

use crate::apply::{self, Break, Execution, Interrupt, Journal, Options, Progress, Report, Step, Stop};
use crate::cli::approval;
use crate::cli::audiences::Audiences;
use crate::cli::clock;
use crate::cli::exit::{self, Allowed, ExitStatus};
use crate::cli::failure::Failure;
use crate::cli::interrupt::{self, Signals};
use crate::cli::out_of_memory;
use crate::cli::progress;
use crate::cli::selection::Selection;
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::cli::staleness::{self, Held, Strictness, prove_compared, prove_same_environment, prove_young};
use crate::cli::vendor_side::VendorSide;
use crate::cli::waiting::{self, Waited};
use crate::cli::{Globals, Result};
use crate::domain::{CampaignId, Endpoint, Revision};
use crate::ledger::{Record, RunId, Serial};
use crate::plan::{Plan, PlanDocument};
use crate::render;
use crate::resolve::Desired;
use crate::state::OpenLedger;

/// How often a batch that the vendor throttled is tried again.
const RETRIES_MAX: usize = 6;
/// Wait before the first of these tries; doubled each time, and never shorter than the vendor asks for.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// Push what is new, and only that, each push once
///
/// Without PLAN, plans first and asks. With PLAN, plans again and pushes what PLAN pushes, as long as all of it is as it was
/// reviewed: campaigns, revisions, contents, audiences and times. Who got it meanwhile is left out. Each request
/// is on disk in the ledger before it leaves; after a crash, run it again: nothing is sent twice.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  campaignctl -e production apply\n  campaignctl apply plan.json --auto-approve"
)]
pub(in crate::cli) struct Args {
    /// A plan that `plan --out` saved
    #[arg(value_name = "PLAN")]
    plan: Option<PathBuf>,
    /// Do not ask; required without a terminal
    #[arg(long)]
    auto_approve: bool,
    /// Other tools' name of `--auto-approve`, for the tip.
    #[arg(
        long,
        short = 'y',
        hide = true,
        action = clap::ArgAction::SetTrue,
        value_parser = clap::builder::UnknownArgumentValueParser::suggest_arg("--auto-approve"),
    )]
    yes: String,
    /// Refuse a saved plan that is older than this
    #[arg(long, value_name = "DURATION", requires = "plan", value_parser = humantime::parse_duration)]
    max_plan_age: Option<Duration>,
    #[command(flatten)]
    held: HeldToPlan,
    /// States that change no exit code, separated by commas
    #[arg(long, value_name = "STATES", value_enum, value_delimiter = ',')]
    allow: Vec<Allowed>,
    #[command(flatten)]
    selection: Selection,
    /// Wait for windows (`not_before`) that open within this time, 6h if none is given, and push them too
    #[arg(
        long,
        value_name = "DURATION",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "6h",
        value_parser = humantime::parse_duration,
        conflicts_with = "json",
    )]
    wait: Option<Duration>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
    /// Continue although the ledger's last record is of TIME, which is still to come: a wrong clock wrote it
    #[arg(long, value_name = "TIME")]
    ledger_ahead: Option<DateTime<Utc>>,
    /// Pack the ledger once it has so many records since it was packed: for tests
    #[arg(long, hide = true, value_name = "RECORDS")]
    pack_after: Option<u64>,
    /// Die after a step: for crash tests
    #[arg(long, hide = true, env = "CAMPAIGNCTL_CRASH_AFTER", value_parser = step)]
    crash_after: Option<Step>,
    /// Stand still after a step: for tests of who takes over
    #[arg(long, hide = true, env = "CAMPAIGNCTL_STOP_AFTER", value_parser = step)]
    stop_after: Option<Step>,
}

/// How strictly PLAN is kept to.
#[derive(Debug, clap::Args)]
struct HeldToPlan {
    /// Push what is as it was reviewed, though something else of PLAN is not (exit code 7 all the same)
    #[arg(long, requires = "plan")]
    partial: bool,
    /// Refuse unless the plan of now is PLAN in every byte, but for when it was made
    #[arg(long, requires = "plan", conflicts_with = "partial")]
    exact: bool,
}

fn step(name: &str) -> std::result::Result<Step, String> {
    Step::named(name).ok_or_else(|| format!("no step `{name}`"))
}

pub(super) fn run(shell: &Shell, globals: &Globals, args: &Args) -> Result {
    let reviewed = args.plan.as_deref().map(super::show::read).transpose()?;
    reviewed.as_ref().map_or(Ok(()), prove_compared)?;
    if reviewed.is_some() && !args.selection.is_all() {
        let message = "a saved plan is applied as a whole: `--only` and `--except` belong to `plan`";
        return Err(Failure::new(ExitStatus::Written, message)
            .help("nothing was sent. Plan again with them, and have that reviewed"));
    }
    // The runtime panics without the files that it needs for signals.
    out_of_memory::prove_room_to_begin_an_apply()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::of_system("could not begin", &error))?;
    let until = args.wait.map(|wait| shell.now() + wait);
    let apply = Apply { shell, globals, args, reviewed: reviewed.as_ref(), runtime: &runtime, until };
    let mut round = apply.round(None)?;
    while let Some(opens_at) = round.next_opening(until) {
        if waiting::until(shell, &runtime, opens_at, &round.plan) == Waited::Interrupted {
            return Ok(ExitStatus::Interrupted);
        }
        // What an earlier round left in doubt, or refused, is not forgotten for what a later one met.
        let next = apply.round(Some(&round.plan)).map_err(|failure| failure.or_graver(round.status))?;
        round = Round { status: exit::graver(round.status, next.status), plan: next.plan };
    }
    if let (Some(wait), Some(until)) = (args.wait, until) {
        waiting::say_not_waited_for(shell, &round.plan, until, wait);
    }
    Ok(round.status)
}

/// What all rounds of an `apply` share; there is one, unless it waits for windows.
struct Apply<'a> {
    shell: &'a Shell,
    globals: &'a Globals,
    args: &'a Args,
    reviewed: Option<&'a PlanDocument>,
    runtime: &'a Runtime,
    /// Until when it waits for windows.
    until: Option<DateTime<Utc>>,
}

/// What became of one round.
struct Round {
    status: ExitStatus,
    plan: PlanDocument,
}

impl Round {
    /// Returns when the next window opens that is waited for; nothing after an end that another round would not mend.
    fn next_opening(&self, until: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
        let is_over = matches!(
            self.status,
            ExitStatus::Interrupted | ExitStatus::Credentials | ExitStatus::Locked | ExitStatus::Other
        );
        let opens_at = self.plan.next_opening()?;
        (!is_over && until.is_some_and(|until| opens_at <= until)).then_some(opens_at)
    }
}

impl Apply<'_> {
    /// Plans, asks where it has to, takes the lock, plans again, and pushes. `before` is the plan that waited until now: what it
    /// had for later needs no other yes.
    fn round(&self, before: Option<&PlanDocument>) -> Result<Round> {
        let Self { shell, globals, args, reviewed, runtime, until } = *self;
        let session = Session::new(shell, globals);
        if before.is_some() {
            session.repeats();
        }
        let mut desired = self.desired(&session)?;
        if let Some(reviewed) = reviewed {
            prove_same_environment(reviewed, &desired)?;
            prove_young(reviewed, args.max_plan_age, shell.now())?;
        }
        session.prove_time_is_real(&desired)?;
        let (mut approved, mut held) = (None, Held::default());
        let mut is_asked = args.auto_approve;
        if !is_asked {
            let (shown, left_out) = self.shown(&session, &desired, before)?;
            held = left_out;
            let later = until.map_or(0, |until| shown.document.targets_until(until));
            if shown.pushes.is_empty() && shown.withdrawn.is_empty() && (later == 0 || before.is_some()) {
                let status = exit::graver(self.unpushed(&shown.document), held.status());
                return nothing_to_push(shell, args, status, shown.document);
            }
            let is_known = before.is_some_and(|before| moved(&session, before, &shown.document).is_empty());
            is_asked = is_known;
            // What a person withdrew is put on record without a question: it sends nothing.
            if !is_known && (!shown.pushes.is_empty() || later > 0) {
                approved = Some(approval::ask(shell, runtime, shown.document, until)?);
                is_asked = true;
            }
            // Nobody knows how long the question stood.
            session.repeats();
            desired = self.desired(&session)?;
        }
        let mut open = session.open_ledger(&desired, "apply")?;
        // What a killed run left is long. A reviewed plan is of the ledger as it is.
        if reviewed.is_none() && open.writer.serial() > unpacked_until(args, &open) {
            drop(open);
            session.pack_long_ledger(&desired, "apply");
            open = session.open_ledger(&desired, "apply")?;
        }
        clock::prove_not_before(&open.ledger, shell.now(), args.ledger_ahead, shell.zone())?;
        let mut plan = session.plan(&desired, &open.ledger)?;
        held = self.hold(&session, &mut plan, before)?.join(held);
        match &approved {
            Some(approved) => approved.prove_still(&plan.document, Path::new(&session.shown_as()))?,
            None if args.auto_approve => {
                show(&session, args, &plan.document)?;
                held.say(shell, Path::new(&session.shown_as()));
            }
            // It was known a moment ago, and the files were read again since.
            None => {
                if let Some(before) = before.filter(|_| is_asked) {
                    staleness::refuse_edited(moved(&session, before, &plan.document))?;
                }
            }
        }
        let unpushed = exit::graver(self.unpushed(&plan.document), held.status());
        record_withdrawn(shell, &mut open, &plan)?;
        // What came since the plan was shown was asked of nobody.
        if plan.pushes.is_empty() || !is_asked {
            return nothing_to_push(shell, args, unpushed, plan.document);
        }
        out_of_memory::prove_room_to_send(&desired.environment, plan.document.summary.requests)?;
        let signals = approved.map(|approved| approved.signals);
        let document = plan.document.clone();
        let status = execute(&session, args, &desired, (open, plan), (runtime, signals), unpushed)?;
        Ok(Round { status, plan: document })
    }

    /// Reads what should exist, as far as it was asked for.
    fn desired(&self, session: &Session<'_>) -> Result<Desired> {
        let mut desired = session.desired(self.reviewed.map(|plan| plan.environment.as_str()))?;
        if let Some(reviewed) = self.reviewed {
            Selection::of(reviewed).apply_to(&mut desired)?;
        } else {
            self.args.selection.choose(session, &mut desired)?;
        }
        Ok(desired)
    }

    /// Plans with nothing locked, shows the plan, and returns it.
    fn shown(
        &self,
        session: &Session<'_>,
        desired: &Desired,
        before: Option<&PlanDocument>,
    ) -> Result<(Plan, Held)> {
        let open = session.view_ledger(desired, "apply")?;
        clock::prove_not_before(&open.ledger, self.shell.now(), self.args.ledger_ahead, self.shell.zone())?;
        let mut plan = session.plan(desired, &open.ledger)?;
        let held = self.hold(session, &mut plan, before)?;
        show(session, self.args, &plan.document)?;
        held.say(self.shell, Path::new(&session.shown_as()));
        Ok((plan, held))
    }

    /// Holds a plan to the reviewed one, if there is one; after a wait, nothing may have been edited since.
    fn hold(&self, session: &Session<'_>, plan: &mut Plan, before: Option<&PlanDocument>) -> Result<Held> {
        let Some(reviewed) = self.reviewed else { return Ok(Held::default()) };
        let strictness = match before {
            _ if self.args.held.partial => Strictness::Partial,
            Some(_) => Strictness::Unedited,
            None if self.args.held.exact => Strictness::Exact,
            None => Strictness::Whole,
        };
        let held = staleness::hold_to(reviewed, plan, strictness, Path::new(&session.shown_as()))?;
        if before.is_none() {
            prove_young(reviewed, self.args.max_plan_age, self.shell.now())?;
        }
        Ok(held)
    }

    /// Returns what is to be said of the campaigns that a plan does not push. A reviewed plan says that they were missed,
    /// however long ago.
    fn unpushed(&self, plan: &PlanDocument) -> ExitStatus {
        let has_missed = match self.reviewed {
            Some(reviewed) if reviewed.summary.missed > 0 => true,
            _ => plan.has_missed_lately(self.shell.now()),
        };
        exit::of_unpushed(&plan.summary, has_missed, &self.args.allow)
    }
}

/// Puts on record what a person withdrew, as the files say: it is no task of the vendor's any more, also once its campaign is
/// gone from the files.
fn record_withdrawn(shell: &Shell, open: &mut OpenLedger, plan: &Plan) -> Result<()> {
    if plan.withdrawn.is_empty() {
        return Ok(());
    }
    let record = |(campaign, revision): &(CampaignId, Revision)| Record::Withdrawn {
        campaign: campaign.clone(),
        revision: *revision,
        actor: shell.actor(),
    };
    open.append(shell.now(), plan.withdrawn.iter().map(record))?;
    for (campaign, revision) in &plan.withdrawn {
        shell
            .say(&format!("Recorded: `{campaign}@{revision}` was withdrawn. Nothing more is sent for it.\n"));
    }
    Ok(())
}

fn show(session: &Session<'_>, args: &Args, plan: &PlanDocument) -> Result<()> {
    let (shell, directory) = (session.shell, session.shown_as());
    let overview = render::plan::plan(plan, Path::new(&directory), shell.width(), shell.caller());
    if args.json {
        shell.say(&overview);
        return Ok(());
    }
    shell.answer(&overview)
}

/// Names what is otherwise than in the plan whose windows were waited for.
fn moved(session: &Session<'_>, before: &PlanDocument, plan: &PlanDocument) -> Vec<String> {
    waiting::unexpected(before, plan, Path::new(&session.shown_as()))
}

fn nothing_to_push(shell: &Shell, args: &Args, status: ExitStatus, plan: PlanDocument) -> Result<Round> {
    if args.json {
        shell.answer(&render::report::report_json(&Report { campaigns: Vec::new(), stop: None }))?;
    }
    Ok(Round { status, plan })
}

/// Returns the last record up to which the ledger is not worth packing.
fn unpacked_until(args: &Args, open: &OpenLedger) -> Serial {
    args.pack_after.map_or_else(|| open.unpacked_until(), |records| Serial(open.packed_up_to + records))
}

fn execute(
    session: &Session<'_>,
    args: &Args,
    desired: &Desired,
    (open, plan): (OpenLedger, Plan),
    (runtime, signals): (&Runtime, Option<Signals>),
    unpushed: ExitStatus,
) -> Result {
    let shell = session.shell;
    let unpacked_until = unpacked_until(args, &open);
    let ledger = open.ledger;
    let summary = plan.document.summary;
    let (report, took, last) = runtime.block_on(async {
        let vendor_side = VendorSide::connect(session, &desired.environment).await?;
        if args.ledger_ahead.is_some() && desired.environment.endpoint != Endpoint::Sandbox {
            clock::prove_right(vendor_side.time, shell.now(), shell.zone())?;
        }
        let salt = *ledger.salt();
        let (journal, journal_thread) = Journal::start(open.store, open.writer, shell.clock());
        let progress = Arc::new(Progress::default());
        let (interrupted, interrupt) = watch::channel(Interrupt::None);
        let signals = signals.unwrap_or_else(Signals::new);
        let listener = tokio::spawn(interrupt::listen(signals, interrupted, shell.speaker()));
        let display = progress::show(shell, Arc::clone(&progress), summary.targets, summary.requests);
        let started = Instant::now();
        let report = apply::execute(Execution {
            plan,
            project: desired.project.clone(),
            environment: desired.environment.clone(),
            salt,
            targets: Arc::new(Audiences::of(desired)),
            journal,
            deliver: vendor_side.client,
            options: Options {
                run: RunId::new(Uuid::new_v4()),
                actor: shell.actor(),
                ci_run: shell.ci_run(),
                retry_delay: RETRY_DELAY,
                retries_max: RETRIES_MAX,
                break_after: args.crash_after.map(Break::Crash).or(args.stop_after.map(Break::Stop)),
            },
            progress,
            interrupt,
        })
        .await;
        let took = started.elapsed();
        display.end().await;
        listener.abort();
        // The journal is gone by now; this waits for the ledger to be released.
        let (serial, chain) = journal_thread.finish();
        session.remember(&ledger, serial, chain);
        vendor_side.sandbox.stop().await;
        Ok::<_, Failure>((report, took, serial))
    })?;
    let text = if args.json {
        render::report::report_json(&report)
    } else {
        render::report::report(&report, &summary, took, shell.caller(), shell.width())
    };
    shell.answer(&text)?;
    drop(ledger);
    if last > unpacked_until && !matches!(report.stop, Some(Stop::Fenced(_))) {
        session.pack_long_ledger(desired, "apply");
    }
    Ok(status(&report, unpushed, &args.allow))
}

/// First that the ledger is another run's: what is in doubt, that one says. Then doubt: it is what a person has to look at. Then
/// what ended the run from outside, then who was missed and what was not pushed, then what was refused.
fn status(report: &Report, unpushed: ExitStatus, allowed: &[Allowed]) -> ExitStatus {
    if let Some(Stop::Fenced(_)) = report.stop {
        return ExitStatus::Locked;
    }
    let tally = report.tally();
    if tally.unknown > 0 {
        return ExitStatus::InDoubt;
    }
    match &report.stop {
        Some(Stop::Interrupted) => return ExitStatus::Interrupted,
        Some(Stop::Credentials { .. }) => return ExitStatus::Credentials,
        Some(Stop::Ledger(_)) => return ExitStatus::Other,
        Some(Stop::Fenced(_)) => return ExitStatus::Locked,
        Some(Stop::Doubts) => return ExitStatus::InDoubt,
        Some(Stop::Quota { .. } | Stop::Unreachable { .. }) | None => {}
    }
    let has_missed = report.campaigns.iter().any(|campaign| campaign.is_missed);
    match (unpushed, &report.stop) {
        (ExitStatus::InDoubt, _) => ExitStatus::InDoubt,
        _ if has_missed && !allowed.contains(&Allowed::Missed) => ExitStatus::Expired,
        (ExitStatus::Expired | ExitStatus::Refused | ExitStatus::Stale, _) => unpushed,
        (_, Some(Stop::Quota { .. } | Stop::Unreachable { .. })) => ExitStatus::Quota,
        _ if tally.rejected > 0 => ExitStatus::Partial,
        // The audience was not what the plan had seen, in part.
        _ if tally.not_attempted > 0 && !has_missed => ExitStatus::Stale,
        _ => ExitStatus::Done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::{CampaignReport, Tally};
    use crate::domain::Revision;
    use crate::mpaas::NoConnection;

    fn report(tally: Tally, stop: Option<Stop>, is_missed: bool) -> Report {
        let campaign = CampaignReport {
            campaign: "c".parse().unwrap(),
            revision: Revision::FIRST,
            tally,
            refusals: Vec::new(),
            doubts: Vec::new(),
            obstacle: None,
            is_missed,
        };
        Report { campaigns: vec![campaign], stop }
    }

    fn ended(tally: Tally, stop: Option<Stop>, unpushed: ExitStatus) -> ExitStatus {
        status(&report(tally, stop, false), unpushed, &[])
    }

    fn said() -> (String, String) {
        ("code".to_owned(), "message".to_owned())
    }

    const ACCEPTED: Tally = Tally { accepted: 1, rejected: 0, unknown: 0, not_attempted: 0 };
    const REJECTED: Tally = Tally { accepted: 0, rejected: 1, unknown: 0, not_attempted: 1 };
    const LEFT: Tally = Tally { accepted: 1, rejected: 0, unknown: 0, not_attempted: 1 };

    #[test]
    fn doubt_comes_before_every_other_ending() {
        let doubt = Tally { unknown: 1, rejected: 1, ..Tally::default() };
        for stop in [None, Some(Stop::Interrupted), Some(Stop::Doubts)] {
            assert_eq!(ended(doubt, stop, ExitStatus::Done), ExitStatus::InDoubt);
        }
        assert_eq!(ended(ACCEPTED, None, ExitStatus::InDoubt), ExitStatus::InDoubt);
        let unreachable =
            || Some(Stop::Unreachable { cause: NoConnection::Refused, message: "m".to_owned() });
        assert_eq!(ended(Tally::default(), unreachable(), ExitStatus::InDoubt), ExitStatus::InDoubt);
        assert_eq!(ended(Tally::default(), unreachable(), ExitStatus::Done), ExitStatus::Quota);
    }

    #[test]
    fn each_ending_has_its_own_code() {
        let done = ExitStatus::Done;
        let (code, message) = said();
        let quota = Stop::Quota { code, message };
        let (code, message) = said();
        let credentials = Stop::Credentials { code, message };
        assert_eq!(ended(REJECTED, Some(quota), done), ExitStatus::Quota);
        assert_eq!(ended(REJECTED, Some(credentials), done), ExitStatus::Credentials);
        assert_eq!(ended(REJECTED, Some(Stop::Interrupted), done), ExitStatus::Interrupted);
        assert_eq!(ended(REJECTED, None, done), ExitStatus::Partial);
        assert_eq!(ended(LEFT, None, done), ExitStatus::Stale);
        assert_eq!(ended(ACCEPTED, None, done), ExitStatus::Done);
    }

    #[test]
    fn what_was_not_pushed_comes_before_what_was_refused() {
        for unpushed in [ExitStatus::Expired, ExitStatus::Refused, ExitStatus::Stale] {
            assert_eq!(ended(ACCEPTED, None, unpushed), unpushed);
            assert_eq!(ended(REJECTED, None, unpushed), unpushed);
        }
        let missed = report(LEFT, None, true);
        assert_eq!(status(&missed, ExitStatus::Refused, &[]), ExitStatus::Expired);
        assert_eq!(status(&missed, ExitStatus::Done, &[Allowed::Missed]), ExitStatus::Done);
    }
}
