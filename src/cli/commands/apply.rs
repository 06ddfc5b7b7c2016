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
use crate::cli::clock::{self, CLOCK_SLACK};
use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::interrupt::{self, Signals};
use crate::cli::out_of_memory;
use crate::cli::progress;
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::cli::vendor_side::VendorSide;
use crate::cli::{Globals, Result};
use crate::domain::Endpoint;
use crate::ledger::{RunId, Serial};
use crate::plan::{self, Difference, Plan, PlanDocument};
use crate::render;
use crate::resolve::Desired;
use crate::state::OpenLedger;

/// How often a batch that the vendor throttled is tried again.
const RETRIES_MAX: usize = 6;
/// Wait before the first of these tries; doubled each time, and never shorter than the vendor asks for.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// Push what is new, and only that, each push once
///
/// Without PLAN, plans first and asks. With PLAN, proves that files, audiences, ledger and clock still give
/// the very plan that was reviewed, and refuses otherwise. Before a request leaves, the ledger says so on
/// disk; after a crash, run it again: nothing is sent twice.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  campaignctl -e production apply\n  campaignctl apply plan.json --auto-approve"
)]
pub(in crate::cli) struct Args {
    /// A plan that `plan --out` saved
    #[arg(value_name = "PLAN")]
    plan: Option<PathBuf>,
    /// Do not ask; needed where there is no terminal
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
    /// Refuse a saved plan that is older
    #[arg(long, value_name = "DURATION", requires = "plan", value_parser = humantime::parse_duration)]
    max_plan_age: Option<Duration>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
    /// Go on though the ledger's last record is of TIME, still to come: a wrong clock wrote it
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

fn step(name: &str) -> std::result::Result<Step, String> {
    Step::named(name).ok_or_else(|| format!("no step `{name}`"))
}

pub(super) fn run(shell: &Shell, globals: &Globals, args: &Args) -> Result {
    let session = Session::new(shell, globals);
    let reviewed = args.plan.as_deref().map(super::show::read).transpose()?;
    let environment = reviewed.as_ref().map(|plan| plan.environment.as_str());
    let mut desired = session.desired(environment)?;
    if let Some(reviewed) = &reviewed {
        prove_same_environment(reviewed, &desired)?;
        prove_young(reviewed, args.max_plan_age, shell.now())?;
    }
    session.prove_time_is_real(&desired)?;
    // The runtime panics without the files that it needs for signals.
    out_of_memory::prove_room_to_send(&desired.environment, 1)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::of_system("could not begin", &error))?;
    let mut approved = None;
    if !args.auto_approve {
        let shown = shown(&session, args, &desired, reviewed.as_ref())?;
        if shown.summary.to_push == 0 {
            return nothing_to_push(shell, args, &shown);
        }
        approved = Some(approval::ask(shell, &runtime, shown)?);
        // Nobody knows how long the question stood.
        session.repeats();
        desired = session.desired(environment)?;
    }
    let mut open = session.open_ledger(&desired, "apply")?;
    // What a killed run left is long. A reviewed plan is of the ledger as it is.
    if reviewed.is_none() && open.writer.serial() > unpacked_until(args, &open) {
        drop(open);
        session.pack_long_ledger(&desired, "apply");
        open = session.open_ledger(&desired, "apply")?;
    }
    clock::prove_not_before(&open.ledger, shell.now(), args.ledger_ahead)?;
    let plan = session.plan(&desired, &open.ledger)?;
    if let Some(reviewed) = &reviewed {
        prove_fresh(&session, reviewed, &plan.document)?;
        prove_young(reviewed, args.max_plan_age, shell.now())?;
    }
    match &approved {
        Some(approved) => approved.prove_still(&plan.document, Path::new(&session.shown_as()))?,
        None => show(shell, args, &plan.document)?,
    }
    plan::can_apply(&plan.document)?;
    if plan.pushes.is_empty() {
        return nothing_to_push(shell, args, &plan.document);
    }
    out_of_memory::prove_room_to_send(&desired.environment, plan.document.summary.requests)?;
    let signals = approved.map(|approved| approved.signals);
    execute(&session, args, &desired, (open, plan), (&runtime, signals))
}

/// Plans with nothing locked, shows the plan, and returns it.
fn shown(
    session: &Session<'_>,
    args: &Args,
    desired: &Desired,
    reviewed: Option<&PlanDocument>,
) -> Result<PlanDocument> {
    let open = session.view_ledger(desired, "apply")?;
    clock::prove_not_before(&open.ledger, session.shell.now(), args.ledger_ahead)?;
    let plan = session.plan(desired, &open.ledger)?.document;
    if let Some(reviewed) = reviewed {
        prove_fresh(session, reviewed, &plan)?;
    }
    show(session.shell, args, &plan)?;
    plan::can_apply(&plan)?;
    Ok(plan)
}

fn show(shell: &Shell, args: &Args, plan: &PlanDocument) -> Result<()> {
    let overview = render::plan::plan(plan, shell.width(), shell.caller());
    if args.json {
        shell.say(&overview);
        return Ok(());
    }
    shell.answer(&overview)
}

/// Refuses a plan of another project or environment before any ledger is opened: it would be the wrong one.
fn prove_same_environment(reviewed: &PlanDocument, desired: &Desired) -> Result<()> {
    let pairs = [
        ("project", &reviewed.project, desired.project.as_str()),
        ("environment", &reviewed.environment, desired.environment.name.as_str()),
    ];
    match pairs.into_iter().find(|(_, reviewed, current)| reviewed != current) {
        Some((what, reviewed, current)) => {
            let message = format!("the plan was made for {what} `{reviewed}`, not for `{current}`");
            Err(Failure::new(ExitStatus::Stale, message)
                .help("nothing was sent. Leave `-e` out, or plan again"))
        }
        None => Ok(()),
    }
}

/// Refuses a plan that is older than the caller wants, or that is not made yet.
fn prove_young(reviewed: &PlanDocument, max_age: Option<Duration>, now: DateTime<Utc>) -> Result<()> {
    let made = render::text::utc(reviewed.made_at);
    if reviewed.made_at > now + CLOCK_SLACK {
        let message = format!("the plan was made at {made}, and this machine's clock has not come that far");
        return Err(Failure::new(ExitStatus::Stale, message).help("nothing was sent. Set the clock"));
    }
    let age = (now - reviewed.made_at).to_std().unwrap_or_default();
    match max_age.filter(|max_age| age > *max_age) {
        Some(max_age) => {
            let max_age = humantime::format_duration(max_age);
            let message = format!("the plan was made at {made}, more than {max_age} ago");
            Err(Failure::new(ExitStatus::Expired, message)
                .help("nothing was sent. Run `campaignctl plan` again, and have it reviewed"))
        }
        None => Ok(()),
    }
}

/// Refuses a reviewed plan that is no longer the plan of now, and says what moved.
fn prove_fresh(session: &Session<'_>, reviewed: &PlanDocument, current: &PlanDocument) -> Result<()> {
    let found = plan::differences(reviewed, current);
    if found.is_empty() {
        return Ok(());
    }
    let is_lost =
        |found: &Difference| matches!(found, Difference::Lineage { .. } | Difference::LedgerBehind { .. });
    let (status, what) = if found.iter().any(is_lost) {
        (ExitStatus::Ledger, "the ledger is not the one that was reviewed")
    } else if found.iter().all(|found| matches!(found, Difference::Expired { .. })) {
        (ExitStatus::Expired, "the plan has expired")
    } else {
        (ExitStatus::Stale, "the plan is stale")
    };
    let moved = approval::in_words(&found, Path::new(&session.shown_as()));
    let help = match status {
        ExitStatus::Ledger => {
            "nothing was sent. Restore the ledger's directory from where the last run kept it"
        }
        _ => "nothing was sent. Run `campaignctl plan` again, and have it reviewed",
    };
    Err(Failure::new(status, format!("{what}:")).items(moved).help(help))
}

fn nothing_to_push(shell: &Shell, args: &Args, plan: &PlanDocument) -> Result {
    if args.json {
        shell.answer(&render::report::report_json(&Report { campaigns: Vec::new(), stop: None }))?;
    }
    Ok(if plan.summary.in_doubt > 0 { ExitStatus::InDoubt } else { ExitStatus::Done })
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
) -> Result {
    let shell = session.shell;
    let unpacked_until = unpacked_until(args, &open);
    let ledger = open.ledger;
    let summary = plan.document.summary;
    let had_doubts = summary.in_doubt > 0;
    let (report, took, last) = runtime.block_on(async {
        let vendor_side = VendorSide::connect(shell, &desired.environment).await?;
        if args.ledger_ahead.is_some() && desired.environment.endpoint != Endpoint::Sandbox {
            clock::prove_right(vendor_side.time, shell.now())?;
        }
        let salt = ledger.header().salt;
        let (journal, journal_thread) = Journal::start(open.backend, open.writer, shell.clock());
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
        render::report::report(&report, took, shell.caller())
    };
    shell.answer(&text)?;
    drop(ledger);
    if last > unpacked_until && !matches!(report.stop, Some(Stop::Fenced(_))) {
        session.pack_long_ledger(desired, "apply");
    }
    Ok(status(&report, had_doubts))
}

/// First that the ledger is another run's: what is in doubt, that one says. Then doubt: it is what a person has to look at. Then why it stopped, then what was refused.
fn status(report: &Report, had_doubts: bool) -> ExitStatus {
    if let Some(Stop::Fenced(_)) = report.stop {
        return ExitStatus::Locked;
    }
    let tally = report.tally();
    if tally.unknown > 0 {
        return ExitStatus::InDoubt;
    }
    match &report.stop {
        Some(Stop::Interrupted) => ExitStatus::Interrupted,
        Some(Stop::Credentials { .. }) => ExitStatus::Credentials,
        Some(Stop::Quota { .. }) => ExitStatus::Quota,
        Some(Stop::Unreachable { .. }) if !had_doubts => ExitStatus::Quota,
        Some(Stop::Ledger(_)) => ExitStatus::Other,
        Some(Stop::Fenced(_)) => ExitStatus::Locked,
        Some(Stop::Doubts | Stop::Unreachable { .. }) => ExitStatus::InDoubt,
        None if had_doubts => ExitStatus::InDoubt,
        None if tally.rejected > 0 => ExitStatus::Partial,
        // The audience was not what the plan had seen, in part.
        None if tally.not_attempted > 0 => ExitStatus::Stale,
        None => ExitStatus::Done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::{CampaignReport, Tally};
    use crate::domain::Revision;
    use crate::vendor::NoConnection;

    fn ended(tally: Tally, stop: Option<Stop>, had_doubts: bool) -> ExitStatus {
        let campaign = CampaignReport {
            campaign: "c".parse().unwrap(),
            revision: Revision::FIRST,
            tally,
            refusals: Vec::new(),
            doubts: Vec::new(),
            obstacle: None,
        };
        status(&Report { campaigns: vec![campaign], stop }, had_doubts)
    }

    fn said() -> (String, String) {
        ("code".to_owned(), "message".to_owned())
    }

    #[test]
    fn doubt_comes_before_every_other_ending() {
        let doubt = Tally { unknown: 1, rejected: 1, ..Tally::default() };
        for stop in [None, Some(Stop::Interrupted), Some(Stop::Doubts)] {
            assert_eq!(ended(doubt, stop, false), ExitStatus::InDoubt);
        }
        assert_eq!(ended(Tally { accepted: 1, ..Tally::default() }, None, true), ExitStatus::InDoubt);
        let unreachable =
            || Some(Stop::Unreachable { cause: NoConnection::Refused, message: "m".to_owned() });
        assert_eq!(ended(Tally::default(), unreachable(), true), ExitStatus::InDoubt);
        assert_eq!(ended(Tally::default(), unreachable(), false), ExitStatus::Quota);
    }

    #[test]
    fn each_ending_has_its_own_code() {
        let rejected = Tally { rejected: 1, not_attempted: 1, ..Tally::default() };
        let (code, message) = said();
        let quota = Stop::Quota { code, message };
        let (code, message) = said();
        let credentials = Stop::Credentials { code, message };
        assert_eq!(ended(rejected, Some(quota), false), ExitStatus::Quota);
        assert_eq!(ended(rejected, Some(credentials), false), ExitStatus::Credentials);
        assert_eq!(ended(rejected, Some(Stop::Interrupted), false), ExitStatus::Interrupted);
        assert_eq!(ended(rejected, None, false), ExitStatus::Partial);
        assert_eq!(ended(Tally { not_attempted: 1, ..Tally::default() }, None, false), ExitStatus::Stale);
        assert_eq!(ended(Tally { accepted: 1, ..Tally::default() }, None, false), ExitStatus::Done);
    }
}
