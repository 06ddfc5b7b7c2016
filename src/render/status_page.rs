//! Where campaigns stand, as people read it: a table, a few lines each where it would not fit, and all there is of one.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::ledger::{Judge, Ruling};
use crate::render::caller::Caller;
use crate::render::status::{CampaignStatus, OnRecord, StandingStatus, StateName};
use crate::render::text::{self, BAD, DOUBT, GOOD, QUIET, STRONG};

/// So many tasks are listed of a campaign; the rest is counted. JSON has all of them.
const TASKS_MAX: usize = 100;

/// So much of a digest is shown: enough to tell two apart. JSON has all of it.
const DIGEST_CHARS: usize = "sha256:".len() + 16;

/// The column of the table that only a series needs.
const LAST: usize = 4;

/// What a status is about: shown above it.
#[derive(Clone, Copy, Debug)]
pub struct Heading<'a> {
    /// The environment's name.
    pub environment: &'a str,
    /// The zone that times are shown in.
    pub zone: Tz,
    /// Where the ledger is.
    pub ledger: &'a str,
    /// Its last record.
    pub serial: u64,
}

/// Returns the line above a status.
fn heading(Heading { environment, zone, ledger, serial }: Heading<'_>) -> String {
    let (environment, ledger) = (text::plain(environment), text::plain(ledger));
    format!(
        "{STRONG}{environment}{STRONG:#}  {QUIET}times in {zone}, ledger {ledger} up to record {serial}{QUIET:#}\n\n"
    )
}

/// Returns a table of campaign revisions; a few lines each where the table would not fit.
#[must_use]
pub fn campaigns(
    campaigns: &[CampaignStatus],
    about: Heading<'_>,
    caller: &Caller,
    width: Option<usize>,
) -> String {
    let mut out = heading(about);
    if !campaigns.iter().any(CampaignStatus::is_on_record) {
        out += "Nothing was sent yet.\n";
        if campaigns.is_empty() {
            return text::wrapped(&out, width);
        }
        out.push('\n');
    }
    let has_series = campaigns.iter().any(|status| status.standing.last_of_several().is_some());
    let row = |mut cells: Vec<String>| {
        if !has_series {
            cells.remove(LAST);
        }
        cells
    };
    let header = row(["campaign", "state", "people", "next", "last", "since"].map(str::to_owned).to_vec());
    let mut table = text::table(&header.iter().map(String::as_str).collect::<Vec<_>>(), None);
    text::align_right(&mut table, 2..=2);
    let day = |at: Option<DateTime<Utc>>| at.map(|at| text::day(at, about.zone)).unwrap_or_default();
    for status in campaigns {
        let standing = &status.standing;
        table.add_row(row(vec![
            status.name(),
            standing.state.as_str().to_owned(),
            status.people(),
            standing.next_at.map(|at| text::time(at, about.zone)).unwrap_or_default(),
            day(standing.last_of_several()),
            day(standing.since),
        ]));
    }
    let table = table.to_string();
    let lines: Vec<&str> = table.lines().map(str::trim_end).collect();
    if width.is_some_and(|width| lines.iter().any(|line| line.chars().count() > width)) {
        for status in campaigns {
            block(&mut out, status, about.zone);
        }
    } else {
        out += &(lines.join("\n") + "\n");
    }
    notes(&mut out, campaigns);
    let plan = caller.command("plan");
    let _ = writeln!(out, "\n{QUIET}To see who joined or left an audience since: `{plan}`.{QUIET:#}");
    text::wrapped(&out, width)
}

/// Writes a campaign on a few short lines.
fn block(out: &mut String, status: &CampaignStatus, zone: Tz) {
    let standing = &status.standing;
    let _ = writeln!(out, "{STRONG}{}{STRONG:#}", status.name());
    let since = standing.since.map(|at| format!(" since {}", text::day(at, zone))).unwrap_or_default();
    let _ = writeln!(out, "    {}{since}", standing.state.as_str());
    let _ = writeln!(out, "    {}", status.people_in_words());
    if let Some(at) = standing.next_at {
        let _ = writeln!(out, "    next {}", text::time(at, zone));
    }
    if let Some(at) = standing.last_of_several() {
        let _ = writeln!(out, "    last {}", text::day(at, zone));
    }
}

fn notes(out: &mut String, campaigns: &[CampaignStatus]) {
    let noted = campaigns.iter().filter_map(|status| Some((status.name(), status.standing.note.as_ref()?)));
    for (place, (name, note)) in noted.enumerate() {
        if place == 0 {
            out.push('\n');
        }
        let _ = writeln!(out, "{DOUBT}note:{DOUBT:#} `{name}`: {}", text::plain(note));
    }
}

/// Returns all there is to say of each revision.
#[must_use]
pub fn campaign_details(campaigns: &[CampaignStatus], about: Heading<'_>, width: Option<usize>) -> String {
    let mut out = heading(about);
    for status in campaigns {
        details(&mut out, status, about.zone);
    }
    text::wrapped(&out, width)
}

fn details(out: &mut String, status: &CampaignStatus, zone: Tz) {
    let CampaignStatus { standing, on_record } = status;
    let style = style(standing.state);
    let since = standing.since.map(|at| format!(" since {}", text::minute(at, zone))).unwrap_or_default();
    let state = standing.state.as_str();
    let _ = writeln!(out, "{STRONG}{}{STRONG:#}  {style}{state}{style:#}{since}", status.name());
    if let Some(note) = &standing.note {
        let _ = writeln!(out, "    {DOUBT}note:{DOUBT:#} {}", text::plain(note));
    }
    if let Some(record) = on_record {
        let _ = writeln!(
            out,
            "    {} accepted, {} rejected, {} in doubt, in {}",
            text::number(record.accepted),
            text::number(record.by_vendor()),
            text::number(record.in_doubt),
            text::noun(u64::from(record.batches), "batch", "batches"),
        );
        let left = standing.left(record);
        if left > 0 {
            let planned = text::number(standing.planned.unwrap_or_default());
            let _ = writeln!(out, "    {} of {planned} have not got it yet", text::number(left));
        }
        let first = text::minute(record.submitted_at, zone);
        let _ = writeln!(out, "    first sent {first}, last {}", text::minute(record.last_at, zone));
    } else {
        let _ = writeln!(out, "    never sent");
    }
    times(out, standing, zone);
    if let Some(record) = on_record {
        recorded(out, record, zone);
    }
}

fn times(out: &mut String, standing: &StandingStatus, zone: Tz) {
    let time = |at| text::time(at, zone);
    let line = match (standing.next_at, standing.until) {
        (Some(opens), _) if standing.state == StateName::Later => format!("its window opens {}", time(opens)),
        (Some(next), Some(until)) if next == until => format!("fires {}", time(next)),
        (Some(next), Some(until)) => format!("fires next {}, for the last time {}", time(next), time(until)),
        (None, Some(_)) if standing.state == StateName::Closed => return,
        (None, Some(until)) if standing.state == StateName::Missed => format!("was to fire {}", time(until)),
        (None, Some(until)) => format!("fired for the last time {}", time(until)),
        (_, None) => match (standing.state, standing.ends_at) {
            (StateName::Missed | StateName::Closed, _) | (_, None) => return,
            (StateName::Due, Some(ends)) if standing.is_broadcast => {
                format!("its window closes {}", time(ends))
            }
            // Who joins later is not known to it.
            (_, Some(_)) if standing.is_broadcast => return,
            (_, Some(ends)) => format!("takes latecomers until {}", time(ends)),
        },
    };
    let _ = writeln!(out, "    {line}");
}

fn recorded(out: &mut String, status: &OnRecord, zone: Tz) {
    for words in [&status.title, &status.body] {
        if !words.is_empty() {
            let _ = writeln!(out, "    {QUIET}│{QUIET:#} {}", text::plain(words));
        }
    }
    let digest: String = status.content_digest.chars().take(DIGEST_CHARS).collect();
    let _ = writeln!(out, "    {QUIET}content {digest}…{QUIET:#}");
    if let Some(rejection) = &status.last_rejection {
        let (code, message) = (text::plain(&rejection.code), text::plain(&rejection.message));
        let _ = writeln!(out, "    last rejection: {code}: {message}");
    }
    if let (Some(Ruling { at, by, reason }), true) = (&status.not_sent_verdict, status.found_not_sent > 0) {
        let how = match by {
            Judge::Person => "marked not sent by a person",
            Judge::Vendor => "found not sent by `doubt resolve`",
        };
        let (who, at) = (text::count(status.found_not_sent, "target"), text::minute(*at, zone));
        let _ = writeln!(out, "    {at}: {who} {how}: {}", text::plain(reason));
    }
    if !status.tasks.is_empty() {
        let targets = text::count(status.tasks.iter().map(|task| task.targets).sum(), "target");
        let tasks = text::count(status.tasks.len() as u64, "task");
        let verb = if status.tasks.len() == 1 { "waits" } else { "wait" };
        let _ = writeln!(out, "    {tasks} with {targets} {verb} at the vendor:");
    }
    for task in status.tasks.iter().take(TASKS_MAX) {
        let id = task.task_id.as_deref().map_or("its id is not known".to_owned(), |id| format!("id {id}"));
        let (name, targets) = (text::plain(&task.task_name), text::count(task.targets, "target"));
        let _ = writeln!(out, "        `{name}`  {}, {targets}", text::plain(&id));
    }
    if let Some(left) = status.tasks.len().checked_sub(TASKS_MAX).filter(|left| *left > 0) {
        let _ = writeln!(out, "        and {} more: `--json` lists all", text::number(left as u64));
    }
    for doubt in &status.doubts {
        let _ = writeln!(
            out,
            "    {DOUBT}?{DOUBT:#} batch {}, {}: {} in doubt, task `{}`: {}",
            doubt.intent,
            text::minute(doubt.at, zone),
            text::count(doubt.targets, "target"),
            text::plain(&doubt.task_name),
            text::plain(&doubt.why),
        );
    }
    for run in &status.runs {
        let (at, actor) = (text::minute(run.started_at, zone), text::plain(&run.actor));
        let _ = writeln!(out, "    {QUIET}run {at} by {actor}, {}{QUIET:#}", run.run);
    }
}

fn style(state: StateName) -> anstyle::Style {
    match state {
        StateName::Due => GOOD,
        StateName::Waiting | StateName::InDoubt => DOUBT,
        StateName::Missed | StateName::Blocked | StateName::Held => BAD,
        StateName::Later | StateName::Done | StateName::Closed => QUIET,
    }
}
